//! Asks before the page is left.

use gloo_events::{EventListener, EventListenerOptions};
use yew::prelude::*;

use crate::js;

/// While `asks`, the browser asks the person before it leaves or reloads the page.
#[hook]
pub(crate) fn use_stay(asks: bool) {
    use_effect_with(asks, |asks| {
        let options = EventListenerOptions::enable_prevent_default();
        let listener = asks.then(|| {
            EventListener::new_with_options(&js::window(), "beforeunload", options, |event| event.prevent_default())
        });
        move || drop(listener)
    });
}
