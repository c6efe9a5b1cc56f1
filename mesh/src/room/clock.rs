//! The hybrid logical clock: one order for everything said, close to real time, that never contradicts who had read what.
//!
//! After Kulkarni, Demirbas, Madappa, Avva and Leone, *Logical Physical Clocks* (OPODIS 2014), figure 5: a timestamp is
//! the largest wall-clock time heard of, and a counter for what happens within one millisecond of it. What a node says is later than
//! everything it has read before.
//!
//! Invariants: a clock never gives the same timestamp twice, nor one that is not above all that the clock followed, but after it was
//! found to be far ahead.
//!
//! Deviation: a peer whose clock runs far ahead drags everybody's order with it (the paper bounds clocks, browsers do not).
//! [`Clock::observe`] follows at most [`AHEAD_MAX`] beyond the room's time. What lies further ahead keeps its own place,
//! but nobody follows it there, and a clock that was corrected does not go on from what it said before.

use crate::{config::AHEAD_MAX, io::millis, wire::timestamp::Timestamp};

/// A node's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    latest: Timestamp,
}

impl Clock {
    /// A new timestamp, above all given or observed before. `unix_millis`: the room's time.
    pub(crate) fn tick(&mut self, unix_millis: u64) -> Timestamp {
        let room = Timestamp::from_unix_millis(unix_millis);
        self.latest = if is_ahead(self.latest, unix_millis) {
            room
        } else {
            room.max(self.latest.next())
        };
        self.latest
    }

    /// Takes note of a peer's timestamp.
    pub(crate) fn observe(&mut self, timestamp: Timestamp, unix_millis: u64) {
        if !is_ahead(timestamp, unix_millis) {
            self.latest = self.latest.max(timestamp);
        }
    }
}

/// Whether something is dated so far ahead of the room's time that nobody follows it.
pub(crate) fn is_ahead(timestamp: Timestamp, unix_millis: u64) -> bool {
    timestamp.unix_millis() > unix_millis.saturating_add(millis(AHEAD_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_still_answers_later() {
        let mut clock = Clock::default();
        let heard = (0..7).fold(Timestamp::from_unix_millis(5_000), |heard, _| heard.next());
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
    fn a_clock_that_was_corrected_starts_again_at_the_rooms_time() {
        let mut clock = Clock::default();
        clock.tick(90_000_000);
        assert_eq!(clock.tick(1_000), Timestamp::from_unix_millis(1_000));
        assert!(clock.tick(1_000) > Timestamp::from_unix_millis(1_000));
    }

    #[test]
    fn nobody_follows_a_clock_that_is_days_ahead() {
        let mut clock = Clock::default();
        clock.observe(Timestamp::from_unix_millis((1 << 48) - 1), 1_000);
        assert_eq!(clock.tick(1_000), Timestamp::from_unix_millis(1_000));
    }
}
