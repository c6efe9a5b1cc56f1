//! The hybrid logical clock: one order for everything said, close to real time, that never contradicts who had read what.
//!
//! After Kulkarni, Demirbas, Madappa, Avva and Leone, *Logical Physical Clocks* (OPODIS 2014), figure 5: a timestamp is
//! the largest wall-clock time heard of, and a counter for what happens within one millisecond of it. What a node says is later than
//! everything it has read before.
//!
//! Invariants: a clock never gives the same timestamp twice, nor one that is not above all it has observed.
//!
//! Deviation: a peer whose clock runs far ahead drags everybody's order with it (the paper bounds clocks, browsers do not).
//! [`Clock::observe`] follows at most [`DRIFT_MAX`] beyond the own clock. What lies further ahead keeps its own place,
//! but nobody follows it there.

use std::{fmt, time::Duration};

use minicbor::{Decode, Encode};

/// How far ahead of our own wall clock we follow others: clocks set to a wrong time zone or daylight saving are hours off.
pub const DRIFT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Bits of a timestamp that count within a millisecond.
const COUNTER_BITS: u32 = 16;

/// A point in the one order: milliseconds since 1970 (48 bits) and a counter (16 bits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] u64);

impl Timestamp {
    /// The first timestamp of a millisecond.
    #[must_use]
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self(millis << COUNTER_BITS)
    }

    /// The wall-clock part, in milliseconds since 1970.
    #[must_use]
    pub const fn unix_millis(self) -> u64 {
        self.0 >> COUNTER_BITS
    }

    /// The timestamp as one number, which orders as it does.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.unix_millis(), self.0 & ((1 << COUNTER_BITS) - 1))
    }
}

/// A node's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    latest: Timestamp,
}

impl Clock {
    /// A new timestamp, above all given or observed before. `unix_millis`: the wall clock.
    pub fn tick(&mut self, unix_millis: u64) -> Timestamp {
        let wall = Timestamp::from_unix_millis(unix_millis);
        // A full counter carries over into the next millisecond.
        self.latest = wall.max(Timestamp(self.latest.0.saturating_add(1)));
        self.latest
    }

    /// Takes note of a peer's timestamp.
    pub fn observe(&mut self, timestamp: Timestamp, unix_millis: u64) {
        let drift = u64::try_from(DRIFT_MAX.as_millis()).unwrap_or(u64::MAX);
        if timestamp.unix_millis() <= unix_millis.saturating_add(drift) {
            self.latest = self.latest.max(timestamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_still_answers_later() {
        let mut clock = Clock::default();
        let heard = Timestamp(Timestamp::from_unix_millis(5_000).0 + 7);
        clock.observe(heard, 1_000);
        assert!(clock.tick(1_000) > heard);
    }

    #[test]
    fn no_timestamp_is_given_twice_even_when_the_wall_clock_runs_back() {
        let mut clock = Clock::default();
        let mut last = Timestamp::default();
        for millis in [10, 10, 10, 5, 0, 11, 10] {
            let next = clock.tick(millis);
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn nobody_follows_a_clock_that_is_days_ahead() {
        let mut clock = Clock::default();
        clock.observe(Timestamp(u64::MAX), 1_000);
        assert_eq!(clock.tick(1_000), Timestamp::from_unix_millis(1_000));
    }
}
