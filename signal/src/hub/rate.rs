//! Token buckets, as the generic cell rate algorithm keeps them: one instant instead of a counter and a clock.

use std::time::{Duration, Instant};

use crate::config::Rate;

/// One bucket. A new bucket is full.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bucket {
    /// When the bucket will be full again; in the past (or `None`) if it is.
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes a token, or says how long to wait for one.
    pub(super) fn take(&mut self, now: Instant, rate: Rate) -> Result<(), Duration> {
        let Rate::Limited { per_second, burst } = rate else {
            return Ok(());
        };
        let token = Duration::from_secs(1) / per_second.get();
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now)) + token;
        let missing = full_at.duration_since(now);
        match missing.checked_sub(token * burst.get()) {
            None | Some(Duration::ZERO) => {
                self.full_at = Some(full_at);
                Ok(())
            }
            Some(wait) => Err(wait),
        }
    }

    /// When forgetting the bucket forgives nothing; `None` if that is now.
    pub(super) fn full_at(&self, now: Instant) -> Option<Instant> {
        self.full_at.filter(|full_at| *full_at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_steady_rate() {
        let (start, rate) = (Instant::now(), Rate::new(10, 3));
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.take(start, rate), Ok(()));
        }
        let wait = Duration::from_millis(100);
        assert_eq!(bucket.take(start, rate), Err(wait));
        assert_eq!(bucket.take(start + wait, rate), Ok(()));
        assert_eq!(bucket.take(start + wait, rate), Err(wait));
        assert_eq!(bucket.full_at(start), Some(start + wait * 4));
        assert_eq!(bucket.full_at(start + wait * 4), None);
    }

    #[test]
    fn an_unlimited_bucket_never_empties() {
        let mut bucket = Bucket::default();
        assert!((0..10_000).all(|_| bucket.take(Instant::now(), Rate::Unlimited).is_ok()));
    }
}
