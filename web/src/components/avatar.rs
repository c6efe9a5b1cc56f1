//! A person's colour and first letter.

use shared::PeerId;
use yew::prelude::*;

use crate::config::HUES;

/// The class that gives an element the colour of `peer`. A class, because inline styles are forbidden to the page.
#[must_use]
pub fn hue_class(peer: &PeerId) -> &'static str {
    const CLASSES: [&str; HUES as usize] = [
        "hue-0", "hue-1", "hue-2", "hue-3", "hue-4", "hue-5", "hue-6", "hue-7", "hue-8", "hue-9", "hue-10", "hue-11",
    ];
    CLASSES[usize::from(peer.hue(HUES))]
}

/// Draws someone. A decoration: name and fingerprint say the same in words.
pub fn avatar(peer: &PeerId, name: Option<&str>) -> Html {
    let first = name.and_then(|name| name.trim().chars().next());
    let letter = first.unwrap_or('?').to_string();
    // Drawn by the style sheet, so that the letter is no part of any text that is read or copied; and made a capital by it, for the
    // table of capitals weighs kilobytes.
    html! { <span class={classes!("avatar", hue_class(peer))} data-letter={letter} aria-hidden="true" /> }
}
