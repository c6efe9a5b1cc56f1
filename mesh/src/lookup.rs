//! A map of many random keys that is asked but never gone through, so its order can be nobody's business.

#[expect(clippy::disallowed_types, reason = "its order is never looked at")]
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::FixedState;
use rand_core::Rng;

use crate::random::{Stream, stream};

/// Finds what belongs to a key. Keys may be chosen by an adversary, who does not know the node's seed.
#[derive(Debug)]
#[expect(clippy::disallowed_types, reason = "its order is never looked at")]
pub(crate) struct Lookup<K, V>(HashMap<K, V, FixedState>);

impl<K: Hash + Eq, V> Lookup<K, V> {
    /// An empty one. `seed`: the node's.
    #[expect(clippy::disallowed_types, reason = "its order is never looked at")]
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let seed = stream(seed, Stream::Lookups).next_u64();
        Self(HashMap::with_hasher(FixedState::with_seed(seed)))
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.0.insert(key, value);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_until_it_is_taken_out() {
        let mut lookup = Lookup::new([1; 32]);
        lookup.insert(7, "seven");
        lookup.insert(8, "eight");
        assert_eq!((lookup.get(&7), lookup.len()), (Some(&"seven"), 2));
        assert_eq!(lookup.remove(&7), Some("seven"));
        assert_eq!((lookup.get(&7), lookup.len()), (None, 1));
        lookup.clear();
        assert_eq!(lookup.get(&8), None);
    }
}
