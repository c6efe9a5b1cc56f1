//! A set that remembers the last so many keys.

use crate::lookup::Lookup;

/// Remembers the last `capacity` keys at least, and twice as many at most.
#[derive(Debug)]
pub(crate) struct Seen {
    capacity: usize,
    /// The last keys, and those before them. Once there are `capacity` of the first, the second are forgotten.
    young: Lookup<u128, ()>,
    old: Lookup<u128, ()>,
}

/// The key of something that is known by several parts: an id, cut to 128 bits, that nobody can make to be another's.
pub(crate) fn key(parts: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_be_bytes(key)
}

impl Seen {
    /// `seed`: the node's.
    pub(crate) fn new(capacity: usize, seed: [u8; 32]) -> Self {
        Self {
            capacity,
            young: Lookup::new(seed),
            old: Lookup::new(seed),
        }
    }

    pub(crate) fn contains(&self, key: u128) -> bool {
        self.young.get(&key).is_some() || self.old.get(&key).is_some()
    }

    /// Adds `key`. Says whether it was new.
    pub(crate) fn insert(&mut self, key: u128) -> bool {
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

    #[test]
    fn the_last_keys_are_remembered_and_twice_as_many_at_most() {
        let mut seen = Seen::new(3, [1; 32]);
        for key in (0..100).rev() {
            assert!(seen.insert(key));
            assert!(!seen.insert(key));
            let known = (0..100).filter(|key| seen.contains(*key)).count();
            assert!(known <= 6);
            assert!((key..100.min(key + 3)).all(|last| seen.contains(last)));
        }
        assert!(seen.insert(99), "it was forgotten");
    }

    #[test]
    fn a_key_is_that_of_all_its_parts() {
        let keys = [key(&[b"a", b"b"]), key(&[b"a", b"c"]), key(&[b"b", b"b"])];
        assert!(keys[0] != keys[1] && keys[0] != keys[2]);
        assert_eq!(key(&[b"a", b"b"]), keys[0]);
    }
}
