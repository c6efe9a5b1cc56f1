//! A text as a QR code, for somebody who holds a phone's camera in front of the screen.

use client::{qr::draw, words::page};
use yew::prelude::*;

use super::element::{path, picture, words};

/// The fold "Show as QR code". `label` is what is in it, for those who cannot see it: "Invitation as a QR code".
///
/// The code is there before the fold is opened: it is drawn in a few milliseconds, and seldom.
pub fn as_qr_code(text: &str, label: &'static str) -> Html {
    html! {
        <details aria-label={label}>
            <summary class="button">{ "Show as QR code" }</summary>
            { qr_code(text, label) }
        </details>
    }
}

/// The code itself, or what to do instead if the text is too long for one.
pub fn qr_code(text: &str, label: &'static str) -> Html {
    draw(text).map_or_else(
        || words("p", page::QR_TOO_LONG),
        |drawing| {
            let frame = (drawing.side, drawing.side);
            picture("qr-code", label, frame, path("", drawing.path))
        },
    )
}
