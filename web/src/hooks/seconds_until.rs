//! A countdown.

use yew::prelude::*;

use super::use_tick;
use crate::config::COUNTDOWN_TICK;

/// Whole seconds of what `millis_left` gives, rounded up and refreshed while `running`; `None` if not `running`.
#[hook]
pub fn use_seconds_until(running: bool, millis_left: impl Fn() -> u64) -> Option<u64> {
    use_tick(running, COUNTDOWN_TICK);
    running.then(|| millis_left().div_ceil(1000))
}
