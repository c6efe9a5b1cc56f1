//! Drawing that waits a moment.

use std::time::Duration;

use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::clock;

/// Whether it has been `running` for at least `after`.
#[hook]
pub fn use_delay(running: bool, after: Duration) -> bool {
    let is_over = use_state(|| false);
    use_effect_with(running, {
        let is_over = is_over.setter();
        move |running| {
            is_over.set(false);
            let timeout = running.then(|| Timeout::new(clock::millis(after), move || is_over.set(true)));
            move || drop(timeout)
        }
    });
    running && *is_over
}
