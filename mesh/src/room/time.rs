//! The room's time: what the clocks of all who are here say together with ours.
//!
//! A person's clock may be wrong by years. So everyone says what time it is, by their own clock, in the hello and in beacons, and each node
//! goes by the median, which a minority of wrong clocks does not move (NTP's selection in its simplest form: RFC 5905 §11.2.1). Of an even
//! number the earlier of the two in the middle counts: what is dated back hides nothing.
//!
//! Where there are fewer than three clocks, a server's is one more. It cannot lead two people astray that agree, and nobody who is alone into
//! the future.
//!
//! Owns: since when our clock is wrong, whether the person was told, and what the last server said. What the clock of a person says is kept
//! with them.

use crate::{
    config::{CLOCK_TOLERANCE, CLOCK_WRONG, CLOCK_WRONG_LASTS, VOICES_MIN},
    context::Context,
    io::{Instant, Now, millis},
    model::Alert,
    order::median,
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct RoomTime {
    wrong_since: Option<Instant>,
    told: bool,
    server: Option<ServerClock>,
}

/// What a server said.
#[derive(Debug)]
struct ServerClock {
    /// By how many milliseconds it is ahead of ours.
    ahead: i64,
    /// When it said so.
    heard: Now,
}

impl ServerClock {
    /// Whether our own clock went on evenly since. If it was set meanwhile, or the machine slept, nothing is known of it.
    fn counts(&self, now: Now) -> bool {
        let carried_on = self
            .heard
            .unix_millis
            .saturating_add(millis(now.instant.since(self.heard.instant)));
        now.unix_millis.abs_diff(carried_on) <= millis(CLOCK_TOLERANCE)
    }
}

impl RoomTime {
    /// A server says what time it is.
    pub(crate) fn note_server(&mut self, cx: &Context, unix_millis: u64) {
        let ahead = ahead_of(cx, unix_millis);
        self.server = Some(ServerClock { ahead, heard: cx.now });
    }

    /// Sets what our own clock is corrected by. `clocks`: those of the others who are here, by how many milliseconds they are ahead of ours.
    pub(crate) fn review(&mut self, cx: &mut Context, clocks: impl Iterator<Item = i64>) {
        let mut voices: Vec<i64> = clocks.chain([0]).collect();
        if voices.len() < VOICES_MIN {
            let server = self.server.as_ref().filter(|server| server.counts(cx.now));
            voices.extend(server.map(|server| server.ahead));
        }
        let median = median(voices.iter().copied());
        let off_by = |tolerance| median.unsigned_abs() > millis(tolerance);
        cx.clock_correction = if off_by(CLOCK_TOLERANCE) { median } else { 0 };
        let wrong = voices.len() >= VOICES_MIN && off_by(CLOCK_WRONG);
        if !wrong {
            (self.wrong_since, self.told) = (None, false);
            return;
        }
        let since = *self.wrong_since.get_or_insert(cx.instant());
        if cx.instant().since(since) >= CLOCK_WRONG_LASTS && !std::mem::replace(&mut self.told, true) {
            let behind_millis = median;
            cx.alert(Alert::ClockWrong { behind_millis });
        }
    }
}

/// By how many milliseconds a clock is ahead of ours, if it says this now. What it took to hear of that does not matter.
pub(crate) fn ahead_of(cx: &Context, unix_millis: u64) -> i64 {
    let (theirs, ours) = (unix_millis.cast_signed(), cx.now.unix_millis.cast_signed());
    theirs.saturating_sub(ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{io::Output, model::Event};

    /// What our clock is corrected by if others are so much ahead, in milliseconds; and whether we are told.
    fn reviewed(clocks: &[i64]) -> (i64, Vec<Output>) {
        let (mut cx, mut time) = (Context::test(1), RoomTime::default());
        time.review(&mut cx, clocks.iter().copied());
        assert_eq!(cx.outputs(), [], "it may still turn out otherwise");
        for _ in 0..2 {
            cx.wait(millis(CLOCK_WRONG_LASTS));
            time.review(&mut cx, clocks.iter().copied());
        }
        (cx.clock_correction, cx.outputs())
    }

    fn told(behind_millis: i64) -> Vec<Output> {
        let alert = Alert::ClockWrong { behind_millis };
        vec![Output::Event(Event::Alert { alert })]
    }

    const DAY: i64 = 24 * 60 * 60 * 1_000;

    /// What our clock is corrected by if those of others, and of a server, are so much ahead.
    fn with_server(clocks: &[i64], server: i64) -> i64 {
        let (mut cx, mut time) = (Context::test(1), RoomTime::default());
        time.note_server(&cx, cx.now.unix_millis.saturating_add_signed(server));
        time.review(&mut cx, clocks.iter().copied());
        cx.clock_correction
    }

    #[test]
    fn a_server_is_one_clock_more_where_there_are_fewer_than_three() {
        assert_eq!(with_server(&[], -DAY), -DAY, "ours is ahead");
        assert_eq!(
            with_server(&[], DAY),
            0,
            "a server makes nobody who is alone date ahead"
        );
        assert_eq!(with_server(&[-DAY], 0), 0, "theirs is behind");
        assert_eq!(with_server(&[DAY], DAY), DAY, "ours is behind");
        assert_eq!(with_server(&[0], -DAY), 0, "two people agree");
        assert_eq!(with_server(&[7_000, 8_000], DAY), 7_000, "three need no server");
    }

    #[test]
    fn what_a_server_said_before_our_clock_was_set_or_stood_still_counts_no_more() {
        for (by_wall, by_monotonic, expected) in [
            (60_000, 60_000, -DAY),
            (DAY.cast_unsigned(), 60_000, 0),
            (60_000, DAY.cast_unsigned(), 0),
        ] {
            let (mut cx, mut time) = (Context::test(1), RoomTime::default());
            time.note_server(&cx, cx.now.unix_millis.saturating_add_signed(-DAY));
            cx.now.unix_millis += by_wall;
            cx.now.instant = cx.now.instant + std::time::Duration::from_millis(by_monotonic);
            time.review(&mut cx, [].into_iter());
            assert_eq!(cx.clock_correction, expected, "{by_wall} {by_monotonic}");
        }
    }

    #[test]
    fn the_median_counts_and_of_two_the_earlier() {
        assert_eq!(reviewed(&[]), (0, vec![]));
        assert_eq!(reviewed(&[-DAY]), (-DAY, vec![]), "ours may be ahead");
        assert_eq!(reviewed(&[DAY]), (0, vec![]), "or theirs");
        assert_eq!(reviewed(&[DAY, DAY + 90]), (DAY, told(DAY)));
        assert_eq!(reviewed(&[-365 * DAY, 900, 100]), (0, vec![]));
        assert_eq!(reviewed(&[DAY, DAY, 0, 7]), (0, vec![]), "a minority is wrong");
    }

    #[test]
    fn a_clock_that_is_off_by_little_is_left_alone() {
        assert_eq!(reviewed(&[4_000, 5_000]), (0, vec![]));
        assert_eq!(
            reviewed(&[6_000, 7_000]),
            (6_000, vec![]),
            "and told of only if it is off by much"
        );
    }

    #[test]
    fn a_clock_at_the_end_of_time_is_only_far_ahead() {
        let cx = Context::test(1);
        let ours = cx.now.unix_millis.cast_signed();
        let ahead = [0, cx.now.unix_millis + 5, i64::MAX.cast_unsigned()].map(|theirs| ahead_of(&cx, theirs));
        assert_eq!(ahead, [-ours, 5, i64::MAX - ours]);
    }
}
