//! A map of many random keys that is asked but never gone through, so its order can be nobody's business.
//!
//! Keys and values are packed into numbers, so that all maps share one table: each further type of table would be two kilobytes
//! more that every browser downloads.

#[expect(clippy::disallowed_types, reason = "its order is never looked at")]
use std::collections::HashMap;
use std::marker::PhantomData;

use foldhash::fast::FixedState;
use rand_core::Rng;
use shared::{MessageId, PeerId};

use crate::{
    io::LinkId,
    random::{Stream, stream},
    wire::{id::ShortId, span::Feed},
};

/// Finds what belongs to a key. Keys may be chosen by an adversary, who does not know the node's seed.
#[derive(Debug)]
pub(crate) struct Lookup<K, V> {
    #[expect(clippy::disallowed_types, reason = "its order is never looked at")]
    table: HashMap<u128, u128, FixedState>,
    types: PhantomData<(K, V)>,
}

impl<K: Key, V: Value> Lookup<K, V> {
    /// An empty one. `seed`: the node's.
    #[expect(clippy::disallowed_types, reason = "its order is never looked at")]
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let seed = stream(seed, Stream::Lookups).next_u64();
        Self {
            table: HashMap::with_hasher(FixedState::with_seed(seed)),
            types: PhantomData,
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.table.get(&key.pack()).copied().map(V::unpack)
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.table.contains_key(&key.pack())
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Gives what was there before.
    pub(crate) fn insert(&mut self, key: &K, value: V) -> Option<V> {
        self.table.insert(key.pack(), value.pack()).map(V::unpack)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.table.remove(&key.pack()).map(V::unpack)
    }

    pub(crate) fn clear(&mut self) {
        self.table.clear();
    }
}

/// What can be looked up. Nobody can make a key that is packed as somebody else's: that would take 2^128 tries.
pub(crate) trait Key {
    fn pack(&self) -> u128;
}

/// What can be found.
pub(crate) trait Value {
    fn pack(self) -> u128;
    fn unpack(packed: u128) -> Self;
}

impl Key for ShortId {
    fn pack(&self) -> u128 {
        self.0.into()
    }
}

impl Key for PeerId {
    fn pack(&self) -> u128 {
        let (first, _) = self.as_bytes().split_first_chunk().expect("invariant: 32 bytes");
        u128::from_be_bytes(*first)
    }
}

impl Key for Feed {
    fn pack(&self) -> u128 {
        hashed(&self.author, &self.number.to_be_bytes())
    }
}

/// An envelope, by its sender and nonce.
impl Key for (PeerId, u64) {
    fn pack(&self) -> u128 {
        hashed(&self.0, &self.1.to_be_bytes())
    }
}

/// A whisper, by its author and id.
impl Key for (PeerId, MessageId) {
    fn pack(&self) -> u128 {
        hashed(&self.0, self.1.as_bytes())
    }
}

fn hashed(peer: &PeerId, what: &[u8]) -> u128 {
    let hash = blake3::Hasher::new().update(peer.as_bytes()).update(what).finalize();
    let (first, _) = hash.as_bytes().split_first_chunk().expect("invariant: 32 bytes");
    u128::from_be_bytes(*first)
}

impl Value for () {
    fn pack(self) -> u128 {
        0
    }

    fn unpack(_: u128) -> Self {}
}

impl Value for ShortId {
    fn pack(self) -> u128 {
        self.0.into()
    }

    fn unpack(packed: u128) -> Self {
        Self(u64::try_from(packed).unwrap_or(u64::MAX))
    }
}

/// A place in a list.
impl Value for usize {
    fn pack(self) -> u128 {
        self as u128
    }

    fn unpack(packed: u128) -> Self {
        Self::try_from(packed).unwrap_or(Self::MAX)
    }
}

impl Value for LinkId {
    fn pack(self) -> u128 {
        self.0.into()
    }

    fn unpack(packed: u128) -> Self {
        Self(u64::try_from(packed).unwrap_or(u64::MAX))
    }
}

/// A place in a list and a number there.
impl Value for (usize, u64) {
    fn pack(self) -> u128 {
        ((self.0 as u128) << 64) | u128::from(self.1)
    }

    fn unpack(packed: u128) -> Self {
        let low = packed & u128::from(u64::MAX);
        (usize::unpack(packed >> 64), u64::try_from(low).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_until_it_is_taken_out() {
        let mut lookup = Lookup::new([1; 32]);
        assert_eq!(lookup.insert(&ShortId(7), LinkId(u64::MAX)), None);
        assert_eq!(lookup.insert(&ShortId(7), LinkId(1)), Some(LinkId(u64::MAX)));
        lookup.insert(&ShortId(8), LinkId(2));
        assert_eq!((lookup.get(&ShortId(7)), lookup.len()), (Some(LinkId(1)), 2));
        assert_eq!(lookup.remove(&ShortId(7)), Some(LinkId(1)));
        assert_eq!((lookup.get(&ShortId(7)), lookup.contains(&ShortId(8))), (None, true));
        lookup.clear();
        assert_eq!(lookup.len(), 0);
    }

    #[test]
    fn values_come_out_as_they_went_in() {
        for value in [(0, 0), (1, u64::MAX), (usize::MAX >> 1, 7)] {
            assert_eq!(<(usize, u64)>::unpack(value.pack()), value);
        }
        assert_eq!(usize::unpack(9_usize.pack()), 9);
    }

    #[test]
    fn a_key_is_that_of_all_its_parts() {
        let [ann, bob] = [1, 2].map(|byte| PeerId::from_bytes([byte; 32]));
        let feed = |author, number| Feed { author, number }.pack();
        assert!(feed(ann, 1) != feed(ann, 2) && feed(ann, 1) != feed(bob, 1));
        let whisper = |byte| (ann, MessageId::from_bytes([byte; 16])).pack();
        assert_ne!(whisper(1), whisper(2));
    }
}
