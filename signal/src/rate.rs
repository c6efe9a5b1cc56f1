//! How often an address or a socket may do something: token buckets.
//!
//! A bucket is kept as the generic cell rate algorithm keeps one: one instant instead of a counter and a clock.

use std::time::{Duration, Instant};

use shared::signal::Refusal;

use crate::config::Rate;

// No limit: a unit.
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// One bucket. A new bucket is full.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    /// When the bucket will be full again; in the past (or `None`) if it is.
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes a token, or says how long to wait for one.
    pub(crate) fn take(&mut self, now: Instant, rate: Rate) -> Result<(), Duration> {
        self.take_many(now, rate, 1)
    }

    /// Takes so many tokens, at most as many as a full bucket has, or says how long to wait for them.
    pub(crate) fn take_many(&mut self, now: Instant, rate: Rate, count: usize) -> Result<(), Duration> {
        let Rate::Limited { per_second, burst } = rate else {
            return Ok(());
        };
        let time_of = |tokens: u32| {
            let nanos = u64::from(tokens) * NANOS_PER_SECOND / u64::from(per_second.get());
            Duration::from_nanos(nanos)
        };
        let count = u32::try_from(count).map_or(burst.get(), |count| count.min(burst.get()));
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now)) + time_of(count);
        let missing = full_at.duration_since(now);
        match missing.checked_sub(time_of(burst.get())) {
            None | Some(Duration::ZERO) => {
                self.full_at = Some(full_at);
                Ok(())
            }
            Some(wait) => Err(wait),
        }
    }

    /// When forgetting the bucket forgives nothing; `None` if that is now.
    pub(crate) fn full_at(&self, now: Instant) -> Option<Instant> {
        self.full_at.filter(|full_at| *full_at > now)
    }
}

/// What a client is told that has to wait so long.
pub(crate) fn too_fast(wait: Duration) -> Refusal {
    // Rounded up: a client that comes back at the named time must not be early.
    let millis = wait.as_nanos().div_ceil(1_000_000);
    Refusal::TooFast {
        retry_after_millis: u32::try_from(millis).unwrap_or(u32::MAX),
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

    #[test]
    fn many_tokens_are_taken_at_once_and_never_more_than_there_can_be() {
        let (start, rate) = (Instant::now(), Rate::new(1_000, 4_000));
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take_many(start, rate, 3_000), Ok(()));
        assert_eq!(bucket.take_many(start, rate, 3_000), Err(Duration::from_secs(2)));
        assert_eq!(
            bucket.take_many(start, rate, 1_000),
            Ok(()),
            "what is refused costs nothing"
        );
        let later = start + Duration::from_secs(4);
        assert_eq!(bucket.take_many(later, rate, usize::MAX), Ok(()));
        assert_eq!(bucket.take(later, rate), Err(Duration::from_millis(1)));
    }
}
