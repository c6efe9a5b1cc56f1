//! Keys that are for the whole page.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

use crate::{js, open_rooms::Step};

/// Calls `on_step` at Alt with an arrow up or down: as in other programs that have several rooms (Slack, Discord, Element).
#[hook]
pub fn use_step(on_step: Callback<Step>) {
    use_page_key(move |key| {
        let is_alt = key.alt_key() && !key.ctrl_key() && !key.meta_key() && !key.shift_key();
        let step = match key.key().as_str() {
            "ArrowUp" if is_alt => Step::Previous,
            "ArrowDown" if is_alt => Step::Next,
            _ => return false,
        };
        on_step.emit(step);
        true
    });
}

/// Calls `on_help` at a question mark that is not typed into anything.
#[hook]
pub fn use_help_key(on_help: Callback<()>) {
    use_page_key(move |key| {
        let target = key.target().and_then(|target| target.dyn_into::<Element>().ok());
        let is_typed = target.is_some_and(|target| target.matches("input, textarea").unwrap_or(false));
        let is_it = key.key() == "?" && !key.ctrl_key() && !key.meta_key() && !is_typed;
        if is_it {
            on_help.emit(());
        }
        is_it
    });
}

/// Calls `on_key` with each key, for as long as nothing stands in front of the page: that is about what it covers. Says whether the key was for it.
#[hook]
fn use_page_key(on_key: impl Fn(&KeyboardEvent) -> bool + 'static) {
    use_effect_with((), move |()| {
        let options = EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(&js::window(), "keydown", options, move |event| {
            let is_covered = js::document()
                .query_selector("dialog[open]")
                .is_ok_and(|open| open.is_some());
            if !is_covered && on_key(event.unchecked_ref()) {
                event.prevent_default();
            }
        });
        move || drop(listener)
    });
}
