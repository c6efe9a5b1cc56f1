//! Everyone listed: found by id or its short form, drawn by place, gone through in the order of coming, but for who took the place of one forgotten.

use std::rc::Rc;

use shared::PeerId;

use super::listed::Listed;
use crate::{
    lookup::Lookup,
    wire::{
        id::ShortId,
        record::{Beacon, Record},
    },
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(super) struct People {
    all: Vec<(PeerId, Box<Listed>)>,
    /// Where somebody is among them.
    places: Lookup<PeerId, usize>,
    shorts: Lookup<ShortId, usize>,
    /// Whose last beacon this is, by the short ids of both.
    beacons: Lookup<ShortId, ShortId>,
}

impl People {
    /// Nobody. `seed`: the node's.
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self {
            all: Vec::new(),
            places: Lookup::new(seed),
            shorts: Lookup::new(seed),
            beacons: Lookup::new(seed),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Who is at this place, below [`People::len`].
    pub(super) fn at(&self, place: usize) -> Option<(&PeerId, &Listed)> {
        self.all.get(place).map(|(peer, listed)| (peer, &**listed))
    }

    pub(super) fn at_mut(&mut self, place: usize) -> Option<(PeerId, &mut Listed)> {
        self.all.get_mut(place).map(|(peer, listed)| (*peer, &mut **listed))
    }

    /// Where somebody is.
    pub(super) fn place_of(&self, short: ShortId) -> Option<usize> {
        self.shorts.get(&short)
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<&Listed> {
        let place = self.places.get(peer)?;
        self.all.get(place).map(|(_, listed)| &**listed)
    }

    pub(super) fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Listed> {
        let place = self.places.get(peer)?;
        self.all.get_mut(place).map(|(_, listed)| &mut **listed)
    }

    /// Who is listed by this short id.
    pub(super) fn find(&self, short: ShortId) -> Option<(PeerId, &Listed)> {
        let (peer, listed) = self.all.get(self.shorts.get(&short)?)?;
        Some((*peer, listed))
    }

    /// Who is listed whose last beacon this is.
    pub(super) fn find_by_beacon(&self, beacon: ShortId) -> Option<&Listed> {
        let (_, listed) = self.find(self.beacons.get(&beacon)?)?;
        Some(listed)
    }

    /// Somebody has another last beacon. Gives the one before.
    pub(super) fn set_beacon(&mut self, beacon: &Rc<Record<Beacon>>) -> Option<Rc<Record<Beacon>>> {
        let before = self.get_mut(&beacon.author)?.beacon.replace(Rc::clone(beacon));
        if let Some(before) = &before {
            self.beacons.remove(&before.short());
        }
        self.beacons.insert(&beacon.short(), ShortId::of_peer(&beacon.author));
        before
    }

    /// Lists somebody who is not listed.
    pub(super) fn insert(&mut self, peer: PeerId, listed: Box<Listed>) {
        self.places.insert(&peer, self.all.len());
        self.shorts.insert(&ShortId::of_peer(&peer), self.all.len());
        self.all.push((peer, listed));
    }

    /// Forgets somebody, whose place the last one takes.
    pub(super) fn remove(&mut self, peer: &PeerId) -> Option<Box<Listed>> {
        let place = self.places.remove(peer)?;
        self.shorts.remove(&ShortId::of_peer(peer));
        let (_, removed) = self.all.swap_remove(place);
        if let Some(beacon) = &removed.beacon {
            self.beacons.remove(&beacon.short());
        }
        if let Some((moved, _)) = self.all.get(place) {
            self.places.insert(moved, place);
            self.shorts.insert(&ShortId::of_peer(moved), place);
        }
        Some(removed)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PeerId, &Listed)> {
        self.all.iter().map(|(peer, listed)| (peer, &**listed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        context::{
            Context,
            test::{identity, peer},
        },
        door::LinkState,
        io::Instant,
    };

    #[test]
    fn everyone_is_found_also_after_others_were_forgotten() {
        let mut people = People::new([1; 32]);
        for byte in 1..=4 {
            people.insert(peer(byte), Listed::new(Instant::default(), peer(byte), LinkState::None));
        }
        let [first, second] = [5, 6].map(|stamp| {
            let beacon = Beacon::plain("Bob", stamp);
            Record::sign(&identity(2), &Context::test(1).room, beacon)
        });
        assert_eq!(people.set_beacon(&first), None);
        assert_eq!(people.set_beacon(&second), Some(Rc::clone(&first)));
        assert!(people.remove(&peer(1)).is_some() && people.remove(&peer(1)).is_none());
        let by_beacon = |id| people.find_by_beacon(id).map(|listed| listed.person.peer);
        assert_eq!([first.short(), second.short()].map(by_beacon), [None, Some(peer(2))]);
        assert!(people.get(&peer(1)).is_none());
        for byte in 2..=4 {
            assert_eq!(
                people.get(&peer(byte)).map(|listed| listed.person.peer),
                Some(peer(byte))
            );
            let found = people.find(ShortId::of_peer(&peer(byte)));
            assert_eq!(found.map(|(peer, _)| peer), Some(peer(byte)));
        }
        let order: Vec<_> = (0..people.len()).filter_map(|place| people.at(place)).collect();
        assert_eq!(
            order.iter().map(|(peer, _)| **peer).collect::<Vec<_>>(),
            [4, 2, 3].map(peer)
        );
    }
}
