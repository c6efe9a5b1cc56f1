//! A countdown.

use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::{clock, config::COUNTDOWN_TICK};

/// Whole seconds of what `millis_left` gives, rounded up and refreshed while `running`; `None` if not `running`.
#[hook]
pub fn use_seconds_until(running: bool, millis_left: impl Fn() -> u64) -> Option<u64> {
    let tick = use_force_update();
    use_effect_with(running, move |running| {
        let interval = running.then(|| Interval::new(clock::millis(COUNTDOWN_TICK), move || tick.force_update()));
        move || drop(interval)
    });
    running.then(|| millis_left().div_ceil(1000))
}
