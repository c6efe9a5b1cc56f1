//! A token bucket: so many at once, and so many a second in the long run.

use crate::io::{Instant, millis};

/// Counts in thousandths, so that a rate a second is a rate a millisecond.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: u32,
    burst: u32,
    used: u64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            per_second,
            burst,
            used: 0,
            at: Instant::default(),
        }
    }

    /// Takes one, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let millis = millis(now.since(self.at));
        self.at = now;
        self.used = self
            .used
            .saturating_sub(millis.saturating_mul(u64::from(self.per_second)));
        let fits = self.used + 1_000 <= u64::from(self.burst) * 1_000;
        if fits {
            self.used += 1_000;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let mut bucket = Bucket::new(10, 3);
        let at = Instant::from_millis;
        assert_eq!([0; 4].map(|_| bucket.take(at(5_000))), [true, true, true, false]);
        assert!(!bucket.take(at(5_099)));
        assert!(bucket.take(at(5_100)));
        assert!(!bucket.take(at(5_150)));
    }
}
