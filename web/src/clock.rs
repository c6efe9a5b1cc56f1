//! The driver's clocks.

use mesh::io::{Instant, Now};

use crate::js::window;

/// What both clocks say.
pub(crate) fn now() -> Now {
    Now {
        instant: instant(),
        unix_millis: to_millis(js_sys::Date::now()),
    }
}

/// The monotonic clock: milliseconds since the page was opened.
pub(crate) fn instant() -> Instant {
    // Every browser with WebRTC has it.
    let millis = window()
        .performance()
        .map_or_else(js_sys::Date::now, |performance| performance.now());
    Instant::from_millis(to_millis(millis))
}

/// Whole milliseconds; what is negative or no number counts as 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, which is what is wanted"
)]
fn to_millis(millis: f64) -> u64 {
    millis as u64
}
