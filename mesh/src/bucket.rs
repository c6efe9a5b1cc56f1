//! A token bucket: so many at once, and so many a second in the long run.

use crate::io::{Instant, millis};

/// Counts in fractions of a token, so that a rate is a whole number of them a millisecond.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Fractions that come back in a millisecond.
    rate: u32,
    /// Fractions of a token.
    token: u32,
    burst: u32,
    used: u64,
    at: Instant,
}

impl Bucket {
    /// `rate` a second.
    pub(crate) fn per_second(rate: u32, burst: u32) -> Self {
        Self::new(rate, 1_000, burst)
    }

    fn new(rate: u32, token: u32, burst: u32) -> Self {
        Self {
            rate,
            token,
            burst,
            used: 0,
            at: Instant::default(),
        }
    }

    /// Whether there is one.
    pub(crate) fn has(&mut self, now: Instant) -> bool {
        let millis = millis(now.since(self.at));
        self.at = now;
        self.used = self.used.saturating_sub(millis.saturating_mul(self.rate.into()));
        self.used + u64::from(self.token) <= u64::from(self.burst) * u64::from(self.token)
    }

    /// Whether nothing of it is used.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.used <= millis(now.since(self.at)).saturating_mul(self.rate.into())
    }

    /// Takes so many, which are owed if they are not there.
    pub(crate) fn charge(&mut self, now: Instant, count: usize) {
        self.has(now);
        self.used += count as u64 * u64::from(self.token);
    }

    /// Takes one, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let fits = self.has(now);
        if fits {
            self.used += u64::from(self.token);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let mut bucket = Bucket::per_second(10, 3);
        let at = Instant::from_millis;
        assert_eq!([0; 4].map(|_| bucket.take(at(5_000))), [true, true, true, false]);
        assert!(!bucket.take(at(5_099)));
        assert!(bucket.take(at(5_100)));
        assert!(!bucket.take(at(5_150)));
    }

    #[test]
    fn what_is_owed_is_waited_for() {
        let mut bucket = Bucket::per_second(10, 3);
        let at = Instant::from_millis;
        bucket.charge(at(5_000), 5);
        assert!(!bucket.has(at(5_299)) && bucket.has(at(5_300)));
        assert!(!bucket.is_full(at(5_499)) && bucket.is_full(at(5_500)));
    }
}
