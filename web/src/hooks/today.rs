//! The day that it is.

use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::{clock, components::day::Day, config::DAY_TICK};

/// Today, also when it is tomorrow.
#[hook]
pub fn use_today() -> Day {
    let today = use_state_eq(Day::today);
    use_effect_with((), {
        let today = today.setter();
        // No timer until midnight: it would be late by as long as the machine slept.
        move |()| {
            let interval = Interval::new(clock::millis(DAY_TICK), move || today.set(Day::today()));
            move || drop(interval)
        }
    });
    *today
}
