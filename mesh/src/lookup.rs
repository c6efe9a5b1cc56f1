//! A map of many random keys that is asked but never gone through, so its order can be nobody's business.

#[expect(clippy::disallowed_types, reason = "its order is never looked at")]
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::FixedState;

/// Finds what belongs to a key. Keys may be chosen by an adversary: the seed is the node's own.
#[derive(Debug)]
#[expect(clippy::disallowed_types, reason = "its order is never looked at")]
pub(crate) struct Lookup<K, V>(HashMap<K, V, FixedState>);

impl<K: Hash + Eq, V> Lookup<K, V> {
    /// An empty one. `seed`: random, and nobody else's.
    #[expect(clippy::disallowed_types, reason = "its order is never looked at")]
    pub(crate) fn new(seed: u64) -> Self {
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
}
