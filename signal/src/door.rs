//! The places for HTTP connections: how many there are at once, and whose they are.
//!
//! Page loads, health checks and handshakes have these places for a moment. A WebSocket has one until its handshake is done, and is then counted
//! by the [`Hub`](crate::hub::Hub), so that neither kind takes the places of the other.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{config::Limits, network::Network, share::may_take};

/// The places. Bounded: a network is remembered while it has one.
#[derive(Debug)]
pub(crate) struct Door {
    places: usize,
    per_address: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// Never iterated.
    by_network: HashMap<Network, usize>,
}

/// A place. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    door: Arc<Door>,
    network: Option<Network>,
}

impl Door {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            places: limits.http_connections_max,
            per_address: limits.http_connections_per_address_max,
            state: Mutex::default(),
        })
    }

    /// Gives a place to `network`, if there is one for it. To nobody in particular (`None`), as long as there is one at all.
    pub(crate) fn enter(self: &Arc<Self>, network: Option<Network>) -> Option<Place> {
        let mut state = self.lock();
        let free = self.places.saturating_sub(state.taken);
        let may_enter = match network {
            None => free > 0,
            Some(network) => network.levels().all(|(level, network)| {
                let taken = state.by_network.get(&network).copied().unwrap_or_default();
                may_take(taken, free, level.share(self.per_address))
            }),
        };
        if !may_enter {
            return None;
        }
        state.taken += 1;
        for (_, network) in network.into_iter().flat_map(Network::levels) {
            *state.by_network.entry(network).or_default() += 1;
        }
        let door = Arc::clone(self);
        Some(Place { door, network })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.door.lock();
        state.taken -= 1;
        for (_, network) in self.network.into_iter().flat_map(Network::levels) {
            if let Entry::Occupied(mut entry) = state.by_network.entry(network) {
                *entry.get_mut() -= 1;
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Option<Network> {
        Some(Network::of(text.parse().unwrap()))
    }

    fn door(places: usize, per_address: usize) -> Arc<Door> {
        Door::new(&Limits {
            http_connections_max: places,
            http_connections_per_address_max: per_address,
            ..Limits::default()
        })
    }

    /// As many as there are for this network.
    fn fill(door: &Arc<Door>, network: Option<Network>) -> Vec<Place> {
        std::iter::from_fn(|| door.enter(network)).collect()
    }

    #[test]
    fn an_address_has_its_share_and_leaves_the_rest() {
        let door = door(20, 4);
        let one = fill(&door, network("192.0.2.1"));
        assert_eq!(one.len(), 4);
        assert_eq!(fill(&door, network("192.0.2.2")).len(), 4);
        drop(one);
        assert_eq!(fill(&door, network("192.0.2.1")).len(), 4);
        assert!(door.lock().by_network.is_empty(), "nobody is remembered for nothing");
        assert_eq!(fill(&door, None).len(), 20, "a proxy may have all of them");
    }

    #[test]
    fn a_site_has_a_wider_share_for_all_its_networks() {
        let door = door(1_000, 4);
        let places: Vec<_> = (0..100)
            .flat_map(|number| fill(&door, network(&format!("2001:db8:1:{number:x}::1"))))
            .collect();
        assert_eq!(places.len(), 16);
        assert_eq!(fill(&door, network("2001:db8:2::1")).len(), 4);
    }

    #[test]
    fn there_is_a_place_for_one_more_however_many_crowd() {
        let door = door(100, usize::MAX);
        let mut places = Vec::new();
        for _ in 0..100 {
            for number in 1..40 {
                places.extend(door.enter(network(&format!("192.0.2.{number}"))));
            }
        }
        assert!(door.enter(network("198.51.100.1")).is_some());
    }
}
