//! How often an address or a socket may do something: token buckets, and what counts as one address.
//!
//! A bucket is kept as the generic cell rate algorithm keeps one: one instant instead of a counter and a clock.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

use shared::signal::Refusal;

use crate::config::Rate;

/// One bucket. A new bucket is full.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    /// When the bucket will be full again; in the past (or `None`) if it is.
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes a token, or says how long to wait for one.
    pub(crate) fn take(&mut self, now: Instant, rate: Rate) -> Result<(), Duration> {
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
    pub(crate) fn full_at(&self, now: Instant) -> Option<Instant> {
        self.full_at.filter(|full_at| *full_at > now)
    }
}

/// The address that limits are counted for: an IPv4 address, or the IPv6 network of 64 bits that one customer gets at least.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
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
    fn addresses_of_one_ipv6_network_are_one() {
        let one: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        let other: IpAddr = "2001:db8:1:2:ffff::1".parse().unwrap();
        let further: IpAddr = "2001:db8:1:3::1".parse().unwrap();
        assert_eq!(network(one), network(other));
        assert_ne!(network(one), network(further));
        assert_eq!(
            network("::ffff:192.0.2.1".parse().unwrap()),
            IpAddr::from([192, 0, 2, 1])
        );
    }
}
