//! Drawing anew as time passes.

use std::time::Duration;

use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::clock;

/// Draws the component anew every so often while `running`.
#[hook]
pub(crate) fn use_tick(running: bool, every: Duration) {
    let tick = use_force_update();
    use_effect_with(running, move |running| {
        let interval = running.then(|| Interval::new(clock::millis(every), move || tick.force_update()));
        move || drop(interval)
    });
}
