//! A text as a QR code, for somebody who holds a phone's camera in front of the screen.

use client::{qr::draw, words::page};
use yew::prelude::*;

use super::{
    element::{path, picture, words},
    later::waiting,
};
use crate::later::{Part, use_later};

/// The fold "Show as QR code". `label` is what is in it, for those who cannot see it: "Invitation as a QR code".
///
/// The code is there before the fold is opened.
pub fn as_qr_code(text: AttrValue, label: &'static str) -> Html {
    html! {
        <details aria-label={label}>
            <summary class="button">{ "Show as QR code" }</summary>
            <QrCode {text} {label} />
        </details>
    }
}

/// Properties of [`QrCode`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct QrCodeProps {
    /// What is in it.
    pub text: AttrValue,
    /// What that is, for those who cannot see it.
    pub label: &'static str,
}

/// The code itself, or what to do instead if the text is too long for one. Made once for each text, in a few milliseconds.
/// Comes with the later part.
#[component]
pub fn QrCode(props: &QrCodeProps) -> Html {
    let later = use_later(Some(props.text.clone()));
    later
        .part()
        .map_or_else(|| waiting(later), |part| later_qr_code(part, props))
}

#[inline(never)]
fn later_qr_code(_: Part, props: &QrCodeProps) -> Html {
    draw(&props.text).map_or_else(
        || words("p", page::QR_TOO_LONG),
        |drawing| {
            let frame = (drawing.side, drawing.side);
            picture("qr-code", props.label, frame, path("", drawing.path))
        },
    )
}
