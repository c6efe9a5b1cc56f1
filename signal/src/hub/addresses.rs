//! The connections of each address, and the bucket of tokens that they share.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::{config::Rate, rate::Bucket};

/// Addresses with connections, and addresses whose bucket is not full again.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Never iterated: the order differs from run to run.
    entries: HashMap<IpAddr, Address>,
}

#[derive(Debug, Default)]
struct Address {
    connections: usize,
    bucket: Bucket,
}

impl Addresses {
    /// Connections of `address` at this moment.
    pub(super) fn connections(&self, address: IpAddr) -> usize {
        self.entries.get(&address).map_or(0, |entry| entry.connections)
    }

    /// Counts one more connection.
    pub(super) fn connect(&mut self, address: IpAddr) {
        self.entries.entry(address).or_default().connections += 1;
    }

    /// Takes a token of `address`, or says how long to wait for one.
    pub(super) fn take_token(&mut self, now: Instant, address: IpAddr, rate: Rate) -> Result<(), Duration> {
        self.entries.entry(address).or_default().bucket.take(now, rate)
    }

    /// Counts one connection less. After the last one: says when to call [`Addresses::forget`], if that is later than now.
    /// An address that is forgotten too early would start again with a full bucket.
    pub(super) fn disconnect(&mut self, now: Instant, address: IpAddr) -> Option<Instant> {
        let Entry::Occupied(mut entry) = self.entries.entry(address) else {
            return None;
        };
        entry.get_mut().connections -= 1;
        if entry.get().connections > 0 {
            return None;
        }
        let full_at = entry.get().bucket.full_at(now);
        if full_at.is_none() {
            entry.remove();
        }
        full_at
    }

    /// Forgets `address` if it has no connections and a full bucket.
    pub(super) fn forget(&mut self, now: Instant, address: IpAddr) {
        if let Entry::Occupied(entry) = self.entries.entry(address)
            && entry.get().connections == 0
            && entry.get().bucket.full_at(now).is_none()
        {
            entry.remove();
        }
    }

    #[cfg(test)]
    pub(super) fn is_remembered(&self, address: IpAddr) -> bool {
        self.entries.contains_key(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn an_address_is_kept_until_its_bucket_is_full() {
        let (start, rate) = (Instant::now(), Rate::new(1, 1));
        let mut addresses = Addresses::default();
        addresses.connect(ADDRESS);
        assert_eq!(addresses.take_token(start, ADDRESS, rate), Ok(()));
        let full_at = addresses.disconnect(start, ADDRESS).unwrap();
        assert_eq!(full_at, start + Duration::from_secs(1));
        addresses.forget(start, ADDRESS);
        assert!(addresses.take_token(start, ADDRESS, rate).is_err(), "not forgotten yet");
        addresses.forget(full_at, ADDRESS);
        assert!(addresses.entries.is_empty());
    }

    #[test]
    fn an_address_with_a_full_bucket_is_forgotten_with_its_last_connection() {
        let start = Instant::now();
        let mut addresses = Addresses::default();
        addresses.connect(ADDRESS);
        addresses.connect(ADDRESS);
        assert_eq!(addresses.disconnect(start, ADDRESS), None);
        assert_eq!(addresses.connections(ADDRESS), 1);
        assert_eq!(addresses.disconnect(start, ADDRESS), None);
        assert!(addresses.entries.is_empty());
    }
}
