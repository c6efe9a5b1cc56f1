//! Both clocks of this machine.

use std::{
    sync::LazyLock,
    time::{Instant as Monotonic, SystemTime},
};

use mesh::io::{Instant, Now};

/// What both clocks say. The monotonic one counts from the first look at it.
pub(crate) fn now() -> Now {
    static START: LazyLock<Monotonic> = LazyLock::new(Monotonic::now);
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Now {
        instant: Instant::from_millis(millis(START.elapsed())),
        // A clock that was never set is wrong by decades either way.
        unix_millis: unix.map_or(0, millis),
    }
}
