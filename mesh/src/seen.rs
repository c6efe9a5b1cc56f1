//! A set that remembers the last so many keys.

use crate::lookup::{Key, Lookup};

/// Remembers the last `capacity` keys at least, and twice as many at most.
#[derive(Debug)]
pub(crate) struct Seen<K> {
    capacity: usize,
    /// The last keys, and those before them. Once there are `capacity` of the first, the second are forgotten.
    young: Lookup<K, ()>,
    old: Lookup<K, ()>,
}

impl<K: Key> Seen<K> {
    /// `seed`: the node's.
    pub(crate) fn new(capacity: usize, seed: [u8; 32]) -> Self {
        Self {
            capacity,
            young: Lookup::new(seed),
            old: Lookup::new(seed),
        }
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.young.contains(key) || self.old.contains(key)
    }

    /// Adds `key`. Says whether it was new.
    pub(crate) fn insert(&mut self, key: &K) -> bool {
        if self.contains(key) {
            return false;
        }
        self.young.insert(key, ());
        if self.young.len() >= self.capacity {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::id::ShortId;

    #[test]
    fn the_last_keys_are_remembered_and_twice_as_many_at_most() {
        let mut seen = Seen::new(3, [1; 32]);
        for key in (0..100).rev() {
            assert!(seen.insert(&ShortId(key)));
            assert!(!seen.insert(&ShortId(key)));
            let known = (0..100).filter(|key| seen.contains(&ShortId(*key))).count();
            assert!(known <= 6);
            assert!((key..100.min(key + 3)).all(|last| seen.contains(&ShortId(last))));
        }
        assert!(seen.insert(&ShortId(99)), "it was forgotten");
    }
}
