//! A set that remembers the last so many keys.

use std::collections::VecDeque;

/// Remembers up to `capacity` keys; the oldest is forgotten first.
#[derive(Debug)]
pub(crate) struct Seen<K> {
    capacity: usize,
    /// Sorted.
    keys: Vec<K>,
    order: VecDeque<K>,
}

impl<K: Ord + Copy> Seen<K> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            keys: Vec::new(),
            order: VecDeque::new(),
        }
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.keys.binary_search(key).is_ok()
    }

    /// Adds `key`. Says whether it was new.
    pub(crate) fn insert(&mut self, key: K) -> bool {
        let Err(place) = self.keys.binary_search(&key) else {
            return false;
        };
        self.keys.insert(place, key);
        self.order.push_back(key);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
            && let Ok(place) = self.keys.binary_search(&oldest)
        {
            self.keys.remove(place);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_key_is_forgotten_first() {
        let mut seen = Seen::new(2);
        assert!(seen.insert(1));
        assert!(!seen.insert(1));
        assert!(seen.insert(2));
        assert!(seen.insert(3));
        assert!(!seen.insert(2));
        assert!(seen.insert(1));
    }
}
