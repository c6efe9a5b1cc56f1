//! Waits that grow with failures and are never the same for all.

use std::time::Duration;

use chacha20::ChaCha20Rng;
use rand_core::Rng;

/// `min` doubled `failures` times, at most `max`.
pub(crate) fn back_off(failures: u32, min: Duration, max: Duration) -> Duration {
    min.saturating_mul(2u32.saturating_pow(failures)).min(max)
}

/// A random time in the upper half of `wait`.
pub(crate) fn jittered(wait: Duration, rng: &mut ChaCha20Rng) -> Duration {
    let half = u64::try_from(wait.as_millis() / 2).unwrap_or(u64::MAX / 2);
    // The bias of the modulo is of no concern for a wait.
    Duration::from_millis(half + rng.next_u64() % (half + 1))
}

#[cfg(test)]
mod tests {
    use chacha20::rand_core::SeedableRng;

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_wait_doubles_with_each_failure_up_to_the_longest() {
        let waits = [0, 1, 2, 3, 200].map(|failures| back_off(failures, seconds(1), seconds(5)));
        assert_eq!(waits, [1, 2, 4, 5, 5].map(seconds));
    }

    #[test]
    fn a_jittered_wait_lies_in_the_upper_half() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let waits: Vec<_> = (0..200).map(|_| jittered(seconds(8), &mut rng)).collect();
        assert!(waits.iter().all(|wait| (seconds(4)..=seconds(8)).contains(wait)));
        assert!(waits.iter().min() < Some(&seconds(5)) && waits.iter().max() > Some(&seconds(7)));
        assert_eq!(jittered(Duration::ZERO, &mut rng), Duration::ZERO);
    }
}
