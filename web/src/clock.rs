//! The browser's clocks and timers.

use std::time::Duration;

use gloo_timers::future::sleep;
use mesh::io::{Instant, Now};

use crate::js::window;

/// What both clocks say.
pub(crate) fn now() -> Now {
    // Every browser with WebRTC has the monotonic one: milliseconds since the page was opened.
    let millis = window()
        .performance()
        .map_or_else(js_sys::Date::now, |performance| performance.now());
    Now {
        instant: Instant::from_millis(to_millis(millis)),
        unix_millis: to_millis(js_sys::Date::now()),
    }
}

/// Lets others have their turn: the page is drawn, and the person and the network are heard.
pub(crate) async fn pause() {
    sleep(Duration::ZERO).await;
}

/// A span of time in the browser's unit.
pub(crate) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
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
