//! The title of the page, for when nobody looks at it.

use client::words::label;
use yew::prelude::*;

use crate::js;

/// Sets the title of the page, and sets it back at the end. An installed page shows on its icon how many messages are unread.
#[hook]
pub fn use_title(title: String, unread: u32) {
    use_effect_with(unread, |unread| js::set_badge(*unread));
    use_effect_with(title, |title| {
        js::document().set_title(title);
    });
    use_effect_with((), |()| {
        || {
            js::document().set_title(label::STARLING);
            js::set_badge(0);
        }
    });
}
