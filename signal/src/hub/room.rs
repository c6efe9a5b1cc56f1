//! One room: its registered peers with their sockets, and samples of the peers that no single address can fill.

use std::collections::HashMap;

use chacha20::ChaCha8Rng;
use rand_core::Rng;
use shared::{PeerId, room::RoomProof};

use super::ConnId;
use crate::{network::Network, share::may_take};

/// Peers by the site from which they come, in no order of meaning, so that drawing, adding and removing one all cost the same whatever the size.
#[derive(Debug)]
pub(super) struct Room {
    proof: RoomProof,
    /// None is empty.
    groups: Vec<Group>,
    /// The position of each site in `groups`. Never iterated: its order differs from run to run.
    by_site: HashMap<Network, usize>,
    /// Never iterated: its order differs from run to run.
    places: HashMap<PeerId, Place>,
}

/// The peers from one site.
#[derive(Debug)]
struct Group {
    site: Network,
    members: Vec<PeerId>,
}

/// Where a peer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    conn: ConnId,
    site: Network,
    /// In the group of the site.
    position: usize,
}

impl Room {
    pub(super) fn new(proof: RoomProof) -> Self {
        Self {
            proof,
            groups: Vec::new(),
            by_site: HashMap::new(),
            places: HashMap::new(),
        }
    }

    /// What its id is made of.
    pub(super) fn proof(&self) -> &RoomProof {
        &self.proof
    }

    /// The sockets of all its peers.
    pub(super) fn sockets(&self) -> impl Iterator<Item = ConnId> {
        let members = self.groups.iter().flat_map(|group| &group.members);
        members.filter_map(|peer| self.socket_of(peer))
    }

    /// All its peers, in no order of meaning.
    pub(super) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.groups.iter().flat_map(|group| &group.members).copied()
    }

    /// From how many sites they come.
    pub(super) const fn sites(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether there is a place for one more peer from `network`, when the room may have `max` in all.
    pub(super) fn may_enter(&self, network: Network, max: usize) -> bool {
        let group = self.by_site.get(&network.site());
        let taken = group.map_or(0, |group| self.groups[*group].members.len());
        may_take(taken, max.saturating_sub(self.len()), max)
    }

    /// The socket on which `peer` is registered.
    pub(super) fn socket_of(&self, peer: &PeerId) -> Option<ConnId> {
        self.places.get(peer).map(|place| place.conn)
    }

    /// Registers `peer`, who comes from `network`, on `conn`. Not to be called for one that is registered.
    pub(super) fn insert(&mut self, peer: PeerId, conn: ConnId, network: Network) {
        let site = network.site();
        let group = *self.by_site.entry(site).or_insert_with(|| {
            let members = Vec::new();
            self.groups.push(Group { site, members });
            self.groups.len() - 1
        });
        let members = &mut self.groups[group].members;
        let position = members.len();
        members.push(peer);
        let earlier = self.places.insert(peer, Place { conn, site, position });
        assert!(earlier.is_none(), "invariant: the older socket of a peer has left");
    }

    /// Removes `peer` if it is registered on `conn`.
    pub(super) fn remove(&mut self, peer: &PeerId, conn: ConnId) {
        if self.socket_of(peer) != Some(conn) {
            return;
        }
        let Some(Place { site, position, .. }) = self.places.remove(peer) else {
            return;
        };
        let Some(group) = self.by_site.get(&site).copied() else {
            return;
        };
        let members = &mut self.groups[group].members;
        members.swap_remove(position);
        if let Some(place) = members.get(position).and_then(|moved| self.places.get_mut(moved)) {
            place.position = position;
        }
        if self.groups[group].members.is_empty() {
            self.by_site.remove(&site);
            self.groups.swap_remove(group);
            if let Some(moved) = self.groups.get(group) {
                self.by_site.insert(moved.site, group);
            }
        }
    }

    /// Draws up to `count` peers, other than `of` if somebody asks, from as many sites as there are: somebody who registers a thousand peers from one place
    /// is named no more often than a peer who is alone at theirs. Costs `count`², not the size of the room.
    pub(super) fn sample(&self, of: Option<&PeerId>, count: usize, rng: &mut ChaCha8Rng) -> Vec<PeerId> {
        let own = of.and_then(|of| self.places.get(of)).and_then(|place| {
            let group = *self.by_site.get(&place.site)?;
            Some((group, place.position))
        });
        // A group that has nobody to draw but the asking one is no group.
        let alone = own.filter(|(group, _)| self.groups[*group].members.len() == 1);
        let groups = draw(self.groups.len(), alone.map(|(group, _)| group), count, rng);
        let others = |group: usize| {
            let own = own.filter(|own| own.0 == group).map(|(_, position)| position);
            (self.groups[group].members.len() - usize::from(own.is_some()), own)
        };
        let sizes: Vec<usize> = groups.iter().map(|group| others(*group).0).collect();
        let mut sample = Vec::with_capacity(count);
        for (group, quota) in groups.into_iter().zip(quotas(&sizes, count)) {
            let members = &self.groups[group].members;
            let drawn = draw(members.len(), others(group).1, quota, rng);
            sample.extend(drawn.into_iter().map(|position| members[position]));
        }
        sample
    }
}

/// How many to take of each of several groups, `count` in all: in turns, as long as the groups have any.
fn quotas(sizes: &[usize], count: usize) -> Vec<usize> {
    let mut quotas = vec![0; sizes.len()];
    let mut left = count.min(sizes.iter().sum());
    while left > 0 {
        for (quota, size) in quotas.iter_mut().zip(sizes) {
            if left > 0 && *quota < *size {
                *quota += 1;
                left -= 1;
            }
        }
    }
    quotas
}

/// Draws up to `count` of the numbers below `total`, without `own`, each set of them equally likely (Floyd's algorithm: Bentley and Floyd, "A
/// sample of brilliance", 1987).
fn draw(total: usize, own: Option<usize>, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let others = total - usize::from(own.is_some());
    let count = count.min(others);
    let mut drawn: Vec<usize> = Vec::with_capacity(count);
    for last in others - count..others {
        let index = below(rng, last + 1);
        drawn.push(if drawn.contains(&index) { last } else { index });
    }
    // The drawn numbers count the others only: from the own position on, the others stand one further.
    for index in &mut drawn {
        *index += usize::from(own.is_some_and(|own| *index >= own));
    }
    drawn
}

/// Draws a number below `bound`. The bias of the multiplication is below 2⁻³² for any room that fits a server.
pub(super) fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    let wide = u128::from(rng.next_u64()) * bound as u128;
    usize::try_from(wide >> 64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use shared::RoomCode;
    use std::{
        collections::{BTreeMap, BTreeSet},
        net::{IpAddr, Ipv4Addr},
    };

    use chacha20::rand_core::SeedableRng;

    use super::*;

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    fn network(number: u8) -> Network {
        Network::of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, number)))
    }

    fn empty() -> Room {
        Room::new(*RoomCode::parse("lobby").unwrap().open().proof())
    }

    /// Everybody at a network of their own.
    fn room(size: u8) -> Room {
        let mut room = empty();
        for number in 0..size {
            room.insert(peer(number), ConnId(u64::from(number)), network(number));
        }
        room
    }

    /// All at one network.
    fn school(size: u8) -> Room {
        let mut room = empty();
        for number in 0..size {
            room.insert(peer(number), ConnId(u64::from(number)), network(1));
        }
        room
    }

    #[test]
    fn every_other_peer_is_drawn_equally_often() {
        for room in [room(20), school(20)] {
            let mut rng = ChaCha8Rng::from_seed([1; 32]);
            let mut drawn = BTreeMap::<PeerId, u32>::new();
            const ROUNDS: u32 = 20_000;
            for _ in 0..ROUNDS {
                let sample = room.sample(Some(&peer(7)), 8, &mut rng);
                assert_eq!(sample.iter().collect::<BTreeSet<_>>().len(), 8, "no peer twice");
                for peer in sample {
                    *drawn.entry(peer).or_default() += 1;
                }
            }
            assert_eq!(drawn.len(), 19);
            assert!(!drawn.contains_key(&peer(7)));
            let expected = ROUNDS * 8 / 19;
            for (peer, count) in drawn {
                // Five standard deviations of the binomial distribution are about 350.
                assert!(count.abs_diff(expected) < 350, "{peer}: {count} of {expected}");
            }
        }
    }

    #[test]
    fn a_crowd_at_one_address_is_named_as_often_as_one_who_is_alone() {
        let (mut room, mut rng) = (room(10), ChaCha8Rng::from_seed([4; 32]));
        for number in 100..200 {
            room.insert(peer(number), ConnId(u64::from(number)), network(100));
        }
        for _ in 0..1_000 {
            let sample = room.sample(Some(&peer(0)), 8, &mut rng);
            let crowd = sample.iter().filter(|named| peer(100) <= **named).count();
            assert!(crowd <= 1, "{crowd}");
            assert_eq!(sample.len(), 8);
        }
    }

    #[test]
    fn a_small_room_is_named_whole() {
        let mut rng = ChaCha8Rng::from_seed([2; 32]);
        for (few, one, none) in [(room(4), room(1), room(0)), (school(4), school(1), school(0))] {
            let mut sample = few.sample(Some(&peer(0)), 8, &mut rng);
            sample.sort();
            assert_eq!(sample, [peer(1), peer(2), peer(3)]);
            assert_eq!(one.sample(Some(&peer(0)), 8, &mut rng), []);
            assert_eq!(none.sample(Some(&peer(0)), 8, &mut rng), []);
        }
    }

    #[test]
    fn few_groups_are_drawn_from_in_turns() {
        assert_eq!(quotas(&[1, 100, 3], 8), [1, 4, 3]);
        assert_eq!(quotas(&[1, 2], 8), [1, 2]);
        assert_eq!(quotas(&[], 8), [] as [usize; 0]);
    }

    #[test]
    fn one_address_leaves_places_to_others() {
        let mut room = empty();
        for number in 0..100 {
            if room.may_enter(network(1), 20) {
                room.insert(peer(number), ConnId(u64::from(number)), network(1));
            }
        }
        assert_eq!(room.len(), 10);
        assert!(room.may_enter(network(2), 20));
        assert!(!room.may_enter(network(2), 10));
    }

    #[test]
    fn only_the_socket_that_holds_a_peer_removes_it() {
        let mut room = room(3);
        room.remove(&peer(0), ConnId(9));
        assert_eq!(room.socket_of(&peer(0)), Some(ConnId(0)));
        room.remove(&peer(0), ConnId(0));
        assert_eq!(room.socket_of(&peer(0)), None);
        assert_eq!(
            (room.socket_of(&peer(1)), room.socket_of(&peer(2))),
            (Some(ConnId(1)), Some(ConnId(2)))
        );
        assert_eq!(room.len(), 2);
    }

    #[test]
    fn whoever_is_left_is_still_found() {
        let mut room = empty();
        for number in 0..60 {
            room.insert(peer(number), ConnId(u64::from(number)), network(number % 7));
        }
        for number in (0..60).filter(|number| number % 3 != 1) {
            room.remove(&peer(number), ConnId(u64::from(number)));
        }
        for number in 0..60 {
            let expected = (number % 3 == 1).then_some(ConnId(u64::from(number)));
            assert_eq!(room.socket_of(&peer(number)), expected);
        }
        assert_eq!(room.sockets().count(), room.len());
        assert_eq!(room.by_site.len(), room.groups.len());
        for number in (0..60).filter(|number| number % 3 == 1) {
            room.remove(&peer(number), ConnId(u64::from(number)));
        }
        assert!(room.groups.is_empty() && room.by_site.is_empty() && room.is_empty());
    }
}
