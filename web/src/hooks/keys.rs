//! Keys that are for the whole page.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;
use yew::prelude::*;

use crate::{js, open_rooms::Step};

/// Calls `on_step` at Alt with an arrow up or down: as in other programs that have several rooms (Slack, Discord, Element).
#[hook]
pub fn use_step(on_step: Callback<Step>) {
    use_effect_with((), move |()| {
        let options = EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(&js::window(), "keydown", options, move |event| {
            let key = event.unchecked_ref::<KeyboardEvent>();
            let step = match key.key().as_str() {
                "ArrowUp" => Step::Previous,
                "ArrowDown" => Step::Next,
                _ => return,
            };
            // What stands in front of a room is about that room.
            let is_covered = js::document()
                .query_selector("dialog[open]")
                .is_ok_and(|open| open.is_some());
            if key.alt_key() && !key.ctrl_key() && !key.meta_key() && !key.shift_key() && !is_covered {
                event.prevent_default();
                on_step.emit(step);
            }
        });
        move || drop(listener)
    });
}
