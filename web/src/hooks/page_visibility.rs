//! Whether anybody looks at the page, and its title for when nobody does.

use gloo_events::EventListener;
use yew::prelude::*;

use crate::js;

/// Whether the page is in the background or covered.
#[must_use]
pub fn is_page_hidden() -> bool {
    js::document().hidden()
}

/// Calls `on_shown` each time the page comes into view.
#[hook]
pub fn use_page_shown(on_shown: Callback<()>) {
    use_effect_with(on_shown, |on_shown| {
        let on_shown = on_shown.clone();
        let listener = EventListener::new(&js::document(), "visibilitychange", move |_| {
            if !is_page_hidden() {
                on_shown.emit(());
            }
        });
        move || drop(listener)
    });
}

/// Sets the title of the page, and sets it back at the end.
#[hook]
pub fn use_title(title: String) {
    use_effect_with(title, |title| {
        js::document().set_title(title);
    });
    use_effect_with((), |()| || js::document().set_title("Starling"));
}
