//! A set that remembers the last so many keys.

/// Remembers the last `capacity` keys at least, and twice as many at most.
#[derive(Debug)]
pub(crate) struct Seen<K> {
    capacity: usize,
    /// Sorted, both: the last keys, and those before them. Once there are `capacity` of the first, the second are forgotten.
    young: Vec<K>,
    old: Vec<K>,
}

impl<K: Ord + Copy> Seen<K> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            young: Vec::new(),
            old: Vec::new(),
        }
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.young.binary_search(key).is_ok() || self.old.binary_search(key).is_ok()
    }

    /// Adds `key`. Says whether it was new.
    pub(crate) fn insert(&mut self, key: K) -> bool {
        let Err(place) = self.young.binary_search(&key) else {
            return false;
        };
        if self.old.binary_search(&key).is_ok() {
            return false;
        }
        self.young.insert(place, key);
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
        let mut seen = Seen::new(3);
        for key in (0..100).rev() {
            assert!(seen.insert(key));
            assert!(!seen.insert(key));
            let known = (0..100).filter(|key| seen.contains(key)).count();
            assert!(known <= 6);
            assert!((key..100.min(key + 3)).all(|last| seen.contains(&last)));
        }
        assert!(seen.insert(99), "it was forgotten");
    }
}
