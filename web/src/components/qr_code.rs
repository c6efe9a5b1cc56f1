//! A text as a QR code, for somebody who holds a phone's camera in front of the screen.

use yew::prelude::*;

use super::element::{path, picture, words};
use crate::state::qr::draw;

/// The fold "Show as QR code". `label` is what is in it, for those who cannot see it: "Invitation as a QR code".
///
/// The code is there before the fold is opened: it is drawn in a few milliseconds, and seldom.
pub fn as_qr_code(text: &str, label: &'static str) -> Html {
    let content = draw(text).map_or_else(
        || words("p", TOO_LONG),
        |drawing| {
            let frame = (drawing.side, drawing.side);
            picture("qr-code", label, frame, path("", drawing.path))
        },
    );
    html! {
        <details aria-label={label}>
            <summary class="button">{ "Show as QR code" }</summary>
            { content }
        </details>
    }
}

const TOO_LONG: &str = "This text is too long for a QR code. Copy it and send it instead.";
