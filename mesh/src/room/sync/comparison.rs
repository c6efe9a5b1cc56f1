//! Whether what is at both ends of a link differs, by digests, and for long enough to do something about it.

use crate::{
    back_off::back_off,
    config::{DIFFER_MAX, QUIET_MAX, QUIET_MIN},
    io::Instant,
};

/// How something at both ends of a link compares, by digests.
#[derive(Debug)]
pub(crate) struct Comparison<D> {
    /// The digest the peer last told us.
    theirs: Option<D>,
    differs_since: Option<Instant>,
    quiet_until: Instant,
    /// Exchanges in a row that brought nothing.
    unfruitful: u32,
}

impl<D> Default for Comparison<D> {
    fn default() -> Self {
        Self {
            theirs: None,
            differs_since: None,
            quiet_until: Instant::default(),
            unfruitful: 0,
        }
    }
}

impl<D: Copy + PartialEq> Comparison<D> {
    /// The peer told its digest. Says whether that calls for an exchange, which is then taken to begin. `at_once`: without
    /// waiting for what is under way.
    pub(crate) fn on_digest(&mut self, now: Instant, theirs: D, ours: D, at_once: bool) -> bool {
        self.theirs = Some(theirs);
        if theirs == ours {
            (self.differs_since, self.unfruitful) = (None, 0);
            return false;
        }
        let since = *self.differs_since.get_or_insert(now);
        let due = at_once || (now.since(since) >= DIFFER_MAX && now >= self.quiet_until);
        if due {
            self.quiet_until = now + back_off(self.unfruitful, QUIET_MIN, QUIET_MAX);
            self.unfruitful = self.unfruitful.saturating_add(1);
        }
        due
    }

    /// How many exchanges in a row have begun that brought nothing so far, the last included.
    pub(crate) fn begun(&self) -> u32 {
        self.unfruitful
    }

    /// An exchange brought something.
    pub(crate) fn on_progress(&mut self) {
        self.unfruitful = 0;
    }

    /// Whether the peer's digest, as last told, is another than `ours`.
    pub(crate) fn differs(&self, ours: D) -> bool {
        self.theirs.is_some_and(|theirs| theirs != ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(100_000 + millis)
    }

    #[test]
    fn digests_that_differ_for_longer_than_a_broadcast_call_for_an_exchange() {
        let mut comparison = Comparison::default();
        assert!(!comparison.on_digest(at(0), 1, 2, false));
        assert!(comparison.differs(2) && !comparison.differs(1));
        assert!(!comparison.on_digest(at(1_999), 1, 2, false));
        assert!(comparison.on_digest(at(2_000), 1, 2, false));
    }

    #[test]
    fn digests_that_agreed_in_between_begin_to_differ_anew() {
        let mut comparison = Comparison::default();
        comparison.on_digest(at(0), 1, 2, false);
        assert!(!comparison.on_digest(at(1_900), 2, 2, false));
        assert!(!comparison.on_digest(at(2_000), 1, 2, false));
        assert!(comparison.on_digest(at(4_000), 1, 2, false));
    }

    #[test]
    fn a_new_link_does_not_wait() {
        let mut comparison = Comparison::default();
        assert!(comparison.on_digest(at(0), 1, 2, true));
        let mut comparison = Comparison::default();
        assert!(!comparison.on_digest(at(0), 2, 2, true));
    }

    #[test]
    fn exchanges_that_bring_nothing_double_the_wait_up_to_a_minute_and_progress_ends_that() {
        let mut comparison = Comparison::default();
        let mut millis = 0;
        let mut begun = Vec::new();
        let mut follow = |comparison: &mut Comparison<u64>, until: u64, begun: &mut Vec<u64>| {
            while millis <= until {
                if comparison.on_digest(at(millis), 1, 2, false) {
                    begun.push(millis);
                }
                millis += 500;
            }
        };
        follow(&mut comparison, 200_000, &mut begun);
        assert_eq!(begun, [2_000, 5_000, 11_000, 23_000, 47_000, 95_000, 155_000]);
        begun.clear();
        comparison.on_progress();
        follow(&mut comparison, 222_000, &mut begun);
        assert_eq!(begun, [215_000, 218_000], "what was agreed on before stands");
    }
}
