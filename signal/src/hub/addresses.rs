//! The connections of each address, and the buckets of tokens that they share. An address is a [`Network`], and its site besides.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::{Duration, Instant},
};

use super::deadlines::{Deadline, Deadlines};
use crate::{
    config::{Limits, Rate},
    network::{Level, Network},
    rate::Bucket,
    share::may_take,
};

/// Addresses with connections, and addresses whose buckets are not full again.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Never iterated: the order differs from run to run.
    entries: HashMap<Network, Address>,
}

#[derive(Debug, Default)]
struct Address {
    connections: usize,
    messages: Bucket,
    bytes: Bucket,
    registrations: Bucket,
}

impl Address {
    /// When forgetting the address forgives nothing; `None` if that is now.
    fn full_at(&self, now: Instant) -> Option<Instant> {
        [self.messages, self.bytes, self.registrations]
            .iter()
            .filter_map(|bucket| bucket.full_at(now))
            .max()
    }
}

impl Addresses {
    /// Whether the share of `network` has a place for one more connection, of which `free` are left in all.
    pub(super) fn may_connect(&self, network: Network, free: usize, limits: &Limits) -> bool {
        network.levels().all(|(level, network)| {
            let taken = self.entries.get(&network).map_or(0, |entry| entry.connections);
            may_take(taken, free, level.share(limits.connections_per_address_max))
        })
    }

    /// Counts one more connection.
    pub(super) fn connect(&mut self, network: Network) {
        for (_, network) in network.levels() {
            self.entries.entry(network).or_default().connections += 1;
        }
    }

    /// Takes the token that a new connection costs, or says how long to wait for one.
    pub(super) fn take_connection(&mut self, now: Instant, network: Network, limits: &Limits) -> Result<(), Duration> {
        self.take(network, |entry, level| {
            entry.messages.take(now, level.rate(limits.address_rate))
        })
    }

    /// Takes the tokens that a message of so many bytes costs, or says how long to wait for them.
    pub(super) fn take_message(
        &mut self,
        now: Instant,
        network: Network,
        bytes: usize,
        limits: &Limits,
    ) -> Result<(), Duration> {
        if (limits.address_rate, limits.address_bytes_rate) == (Rate::Unlimited, Rate::Unlimited) {
            return Ok(());
        }
        self.take(network, |entry, level| {
            entry.messages.take(now, level.rate(limits.address_rate))?;
            entry.bytes.take_many(now, level.rate(limits.address_bytes_rate), bytes)
        })
    }

    /// Takes the token that a registration costs, or says how long to wait for one.
    pub(super) fn take_registration(
        &mut self,
        now: Instant,
        network: Network,
        limits: &Limits,
    ) -> Result<(), Duration> {
        self.take(network, |entry, level| {
            entry.registrations.take(now, level.rate(limits.registration_rate))
        })
    }

    /// Takes something of the network and of its site. Both have a connection, so they are not forgotten too late.
    fn take(
        &mut self,
        network: Network,
        take: impl Fn(&mut Address, Level) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        network.levels().try_for_each(|(level, network)| {
            let entry = self.entries.get_mut(&network);
            entry.map_or(Ok(()), |entry| take(entry, level))
        })
    }

    /// Counts one connection less. After the last one, has the address forgotten as soon as that forgives nothing: it would start again with full
    /// buckets.
    pub(super) fn disconnect(&mut self, now: Instant, network: Network, deadlines: &mut Deadlines) {
        for (_, network) in network.levels() {
            if let Entry::Occupied(mut entry) = self.entries.entry(network) {
                entry.get_mut().connections -= 1;
                Self::leave(now, entry, deadlines);
            }
        }
    }

    /// Forgets `network` if it has no connections and full buckets.
    pub(super) fn forget(&mut self, now: Instant, network: Network, deadlines: &mut Deadlines) {
        if let Entry::Occupied(entry) = self.entries.entry(network) {
            Self::leave(now, entry, deadlines);
        }
    }

    fn leave(
        now: Instant,
        entry: std::collections::hash_map::OccupiedEntry<'_, Network, Address>,
        deadlines: &mut Deadlines,
    ) {
        if entry.get().connections > 0 {
            return;
        }
        match entry.get().full_at(now) {
            Some(full_at) => deadlines.arm(full_at, Deadline::Forget(*entry.key())),
            None => _ = entry.remove(),
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    fn limits() -> Limits {
        Limits {
            connections_per_address_max: 2,
            address_rate: Rate::new(1, 1),
            ..Limits::default()
        }
    }

    #[test]
    fn an_address_is_kept_until_its_buckets_are_full() {
        let (start, limits, one) = (Instant::now(), limits(), network("192.0.2.1"));
        let (mut addresses, mut deadlines) = (Addresses::default(), Deadlines::default());
        addresses.connect(one);
        assert_eq!(addresses.take_connection(start, one, &limits), Ok(()));
        addresses.disconnect(start, one, &mut deadlines);
        let full_at = start + Duration::from_secs(1);
        assert_eq!(deadlines.next(), Some(full_at));
        addresses.connect(one);
        assert!(
            addresses.take_connection(start, one, &limits).is_err(),
            "not forgotten yet"
        );
        addresses.disconnect(start, one, &mut deadlines);
        assert_eq!(deadlines.take_due(full_at), Some(Deadline::Forget(one)));
        addresses.forget(full_at, one, &mut deadlines);
        assert!(addresses.is_empty());
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn an_address_with_full_buckets_is_forgotten_with_its_last_connection() {
        let (start, one) = (Instant::now(), network("2001:db8::1"));
        let (mut addresses, mut deadlines) = (Addresses::default(), Deadlines::default());
        for _ in 0..2 {
            addresses.connect(one);
        }
        for _ in 0..2 {
            addresses.disconnect(start, one, &mut deadlines);
        }
        assert!(addresses.is_empty());
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn a_site_has_four_shares_and_four_rates_for_all_its_networks() {
        let (start, limits, mut addresses) = (Instant::now(), limits(), Addresses::default());
        let mut connected = 0;
        for number in 0..20 {
            let one = network(&format!("2001:db8:1:{number}::1"));
            if addresses.may_connect(one, 1_000, &limits) {
                addresses.connect(one);
                connected += 1;
                assert_eq!(addresses.take_connection(start, one, &limits).is_ok(), number < 4);
            }
        }
        assert_eq!(connected, 8);
        assert!(addresses.may_connect(network("2001:db8:2::1"), 1_000, &limits));
    }
}
