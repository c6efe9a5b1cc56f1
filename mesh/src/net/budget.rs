//! How many connections others may have us make.
//!
//! Browsers make only some hundred connections until they clean up, and keys cost nothing: so what is counted is not who asks, but what made us
//! believe that somebody is there. Each such *cause* has a share. Nobody may owe more than is still free: with *n* causes that take what they
//! can, one part in *n* + 1 is left, and a cause that has taken nothing is served first. An attempt that opens costs half. What is owed is forgotten
//! slowly, so the budget of a page that is attacked shrinks to that rate.
//!
//! Not counted: what goes by hand.

use shared::PeerId;

use crate::{
    config::{ATTEMPT_COST, CAUSES_MAX, CONNECTIONS_BUDGET, CONNECTIONS_PER_MINUTE, OPENED_COST},
    io::{Instant, ServerId, millis},
};

/// What made us believe that somebody is there with whom we then try to link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A server named them, or carried their offer.
    Server(ServerId),
    /// A neighbor handed us their offer.
    Neighbor(PeerId),
    /// Another tab of this browser.
    Nearby,
    /// They are here by their beacon.
    Presence,
    /// One of those that are too many to be told apart.
    Other,
}

// No limit: the unit in which fractions of a cost are counted, so that a rate is a whole number of them a millisecond.
const UNIT: u64 = 60_000;

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct Budget {
    /// What each cause owes; those that owe nothing are left out.
    owed: Vec<(Cause, u64)>,
    at: Instant,
}

impl Budget {
    /// Whether there may be another attempt for this cause, which is charged then. Gives to whom.
    pub(crate) fn take(&mut self, now: Instant, cause: Cause) -> Option<Cause> {
        self.forget(now);
        let place = self.owed.iter().position(|(known, _)| *known == cause);
        let place = place.or_else(|| {
            if self.owed.len() < CAUSES_MAX {
                self.owed.push((cause, 0));
                return Some(self.owed.len() - 1);
            }
            self.owed.iter().position(|(known, _)| *known == Cause::Other)
        });
        let place = place.unwrap_or_else(|| {
            // The last place is for all further ones.
            let last = self.owed.len() - 1;
            self.owed[last].0 = Cause::Other;
            last
        });
        let all: u64 = self.owed.iter().map(|(_, owed)| owed).sum();
        let free = (u64::from(CONNECTIONS_BUDGET) * UNIT).saturating_sub(all);
        let (cause, owed) = &mut self.owed[place];
        let cost = u64::from(ATTEMPT_COST) * UNIT;
        (*owed + cost <= free).then(|| {
            *owed += cost;
            *cause
        })
    }

    /// An attempt that was charged to this cause opened.
    pub(crate) fn give_back(&mut self, cause: Cause) {
        let given = u64::from(ATTEMPT_COST - OPENED_COST) * UNIT;
        for (_, owed) in self.owed.iter_mut().filter(|(known, _)| *known == cause) {
            *owed = owed.saturating_sub(given);
        }
    }

    /// Forgets what time has made good, the same for each cause.
    fn forget(&mut self, now: Instant) {
        let passed = millis(now.since(self.at));
        self.owed.retain(|(_, owed)| *owed > 0);
        let count = self.owed.len().max(1) as u64;
        let share = passed.saturating_mul(CONNECTIONS_PER_MINUTE.into()) / count;
        // Less than the smallest part: it adds up until the next time.
        if share == 0 {
            return;
        }
        self.at = now;
        for (_, owed) in &mut self.owed {
            *owed = owed.saturating_sub(share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::test::peer;

    const SERVER: Cause = Cause::Server(ServerId(0));
    const MOST: u32 = CONNECTIONS_BUDGET / ATTEMPT_COST;

    fn at(minutes: u64) -> Instant {
        Instant::from_millis(1_000_000 + minutes * 60_000)
    }

    /// How many attempts this cause is granted now.
    fn granted(budget: &mut Budget, now: Instant, cause: Cause) -> u32 {
        let mut count = 0;
        while budget.take(now, cause).is_some() {
            count += 1;
        }
        count
    }

    #[test]
    fn one_cause_has_half_and_leaves_others_as_much_as_it_has() {
        let mut budget = Budget::default();
        assert_eq!(granted(&mut budget, at(0), SERVER), MOST / 2);
        let second = granted(&mut budget, at(0), Cause::Neighbor(peer(2)));
        assert!((MOST / 4 - 1..=MOST / 4 + 1).contains(&second), "{second}");
        assert!(granted(&mut budget, at(0), Cause::Presence) > MOST / 9);
        assert_eq!(granted(&mut budget, at(0), SERVER), 0);
    }

    #[test]
    fn however_long_it_goes_on_a_browser_has_connections_left() {
        let mut budget = Budget::default();
        let causes = [
            SERVER,
            Cause::Neighbor(peer(2)),
            Cause::Neighbor(peer(3)),
            Cause::Presence,
        ];
        let mut made = 0;
        for minute in 0..60 {
            made += causes
                .map(|cause| granted(&mut budget, at(minute), cause))
                .iter()
                .sum::<u32>();
        }
        assert!((MOST..400).contains(&made), "{made} of 500 in an hour");
    }

    #[test]
    fn an_attempt_that_opens_costs_half() {
        let mut budget = Budget::default();
        let opened = (0..).take_while(|_: &u32| {
            let cause = budget.take(at(0), SERVER);
            cause.inspect(|cause| budget.give_back(*cause)).is_some()
        });
        let opened = opened.count();
        assert!(opened > usize::try_from(MOST).unwrap() - 3, "{opened}");
    }

    #[test]
    fn causes_beyond_those_that_are_told_apart_share_one_share() {
        let mut budget = Budget::default();
        for number in 0..=255 {
            budget.take(at(0), Cause::Neighbor(PeerId::from_bytes([number; 32])));
        }
        assert!(budget.owed.len() <= CAUSES_MAX);
        assert!(
            budget
                .owed
                .iter()
                .any(|(cause, owed)| *cause == Cause::Other && *owed > 0)
        );
    }
}
