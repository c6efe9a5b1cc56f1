//! A bucket of tokens for each address that asks, in a table that never grows.
//!
//! Anybody can send datagrams under any address, so the table has a fixed number of places, and a datagram costs the same however many addresses
//! there are. An address has its place in one of few neighboring ones, which a hash with a secret key picks. A place is free again as soon as its
//! bucket is full: to forget a full bucket forgives nothing. An address that finds all its places in use gets no token.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    time::Instant,
};

use crate::{
    config::{Rate, STUN_BUCKET_SETS, STUN_BUCKETS_PER_SET},
    network::Network,
    rate::Bucket,
};

/// The table.
#[derive(Debug)]
pub(super) struct Buckets {
    sets: Box<[[Option<Place>; STUN_BUCKETS_PER_SET]]>,
    key: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    address: IpAddr,
    bucket: Bucket,
}

impl Buckets {
    /// Makes an empty table, of which no place is ever added.
    pub(super) fn new() -> Self {
        Self {
            sets: vec![[None; STUN_BUCKETS_PER_SET]; STUN_BUCKET_SETS].into(),
            key: RandomState::new(),
        }
    }

    /// Takes a token of `address`; says whether there was one.
    pub(super) fn take(&mut self, now: Instant, address: IpAddr, rate: Rate) -> bool {
        let address = Network::of(address).first();
        let set = self.key.hash_one(address) % self.sets.len() as u64;
        let set = usize::try_from(set).expect("invariant: less than the number of sets");
        self.take_in(set, now, address, rate)
    }

    fn take_in(&mut self, set: usize, now: Instant, address: IpAddr, rate: Rate) -> bool {
        let set = &mut self.sets[set];
        let known = set
            .iter()
            .position(|place| place.is_some_and(|place| place.address == address));
        let is_free = |place: &Option<Place>| place.is_none_or(|place| place.bucket.full_at(now).is_none());
        let Some(index) = known.or_else(|| set.iter().position(is_free)) else {
            return false;
        };
        let mut bucket = match set[index] {
            Some(place) if place.address == address => place.bucket,
            Some(_) | None => Bucket::default(),
        };
        let taken = bucket.take(now, rate).is_ok();
        set[index] = Some(Place { address, bucket });
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn each_address_has_a_bucket_of_its_own_and_a_network_has_one() {
        let (now, rate) = (Instant::now(), Rate::new(10, 2));
        let mut buckets = Buckets::new();
        let take = |buckets: &mut Buckets, address: &str| buckets.take(now, address.parse().unwrap(), rate);
        for (address, expected) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.1", false),
            ("192.0.2.2", true),
            ("2001:db8::1", true),
            ("2001:db8::2", true),
            ("2001:db8::3", false),
            ("2001:db8:0:1::3", true),
        ] {
            assert_eq!(take(&mut buckets, address), expected, "{address}");
        }
        assert!(buckets.take(now + Duration::from_millis(100), address(0xc000_0201), rate));
    }

    #[test]
    fn a_place_is_free_again_when_its_bucket_is_full_and_not_before() {
        let (now, rate) = (Instant::now(), Rate::new(10, 2));
        let mut buckets = Buckets::new();
        let in_use = u32::try_from(STUN_BUCKETS_PER_SET).unwrap();
        for number in 0..in_use {
            assert!(buckets.take_in(0, now, address(number), rate));
        }
        assert!(!buckets.take_in(0, now, address(in_use), rate), "no place");
        assert!(buckets.take_in(0, now, address(0), rate), "its own place");
        let later = now + Duration::from_millis(100);
        assert!(buckets.take_in(0, later, address(in_use), rate), "the place of another");
        assert!(
            buckets.take_in(0, later, address(0), rate),
            "its own bucket was not full"
        );
        assert!(!buckets.take_in(0, later, address(0), rate));
    }

    #[test]
    fn made_up_addresses_leave_their_places_to_the_next() {
        let (mut now, rate) = (Instant::now(), Rate::new(100, 500));
        let mut buckets = Buckets::new();
        let places = STUN_BUCKET_SETS * STUN_BUCKETS_PER_SET;
        let addresses = u32::try_from(3 * places).unwrap();
        // A hundred thousand a second.
        for number in 0..addresses {
            now += Duration::from_micros(10);
            assert!(buckets.take(now, address(number), rate), "{number}");
        }
    }

    #[test]
    fn addresses_that_keep_their_places_leave_none_to_the_next() {
        let (now, rate) = (Instant::now(), Rate::new(100, 500));
        let mut buckets = Buckets::new();
        let places = STUN_BUCKET_SETS * STUN_BUCKETS_PER_SET;
        let addresses = u32::try_from(3 * places).unwrap();
        let taken = (0..addresses).filter(|number| buckets.take(now, address(*number), rate));
        assert!((places * 3 / 4..=places).contains(&taken.count()));
    }
}
