//! One room: its registered peers with their sockets, and fair samples of the peers.

use std::collections::HashMap;

use chacha20::ChaCha8Rng;
use rand_core::Rng;
use shared::{PeerId, room::RoomProof};

use super::ConnId;

/// Peers in no order of meaning, so that drawing, adding and removing one all cost the same whatever the size.
#[derive(Debug)]
pub(super) struct Room {
    proof: RoomProof,
    members: Vec<(PeerId, ConnId)>,
    /// The position of each peer in `members`. Never iterated: its order differs from run to run.
    index: HashMap<PeerId, usize>,
}

impl Room {
    pub(super) fn new(proof: RoomProof) -> Self {
        Self {
            proof,
            members: Vec::new(),
            index: HashMap::new(),
        }
    }

    /// What its id is made of.
    pub(super) fn proof(&self) -> &RoomProof {
        &self.proof
    }

    /// The sockets of all its peers.
    pub(super) fn sockets(&self) -> impl Iterator<Item = ConnId> {
        self.members.iter().map(|(_, conn)| *conn)
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The socket on which `peer` is registered.
    pub(super) fn socket_of(&self, peer: &PeerId) -> Option<ConnId> {
        self.index.get(peer).map(|position| self.members[*position].1)
    }

    /// Registers `peer` on `conn`, instead of the socket on which the peer was registered before, if any.
    pub(super) fn insert(&mut self, peer: PeerId, conn: ConnId) {
        match self.index.get(&peer) {
            Some(position) => self.members[*position].1 = conn,
            None => {
                self.index.insert(peer, self.members.len());
                self.members.push((peer, conn));
            }
        }
    }

    /// Removes `peer` if it is registered on `conn`.
    pub(super) fn remove(&mut self, peer: &PeerId, conn: ConnId) {
        if self.socket_of(peer) != Some(conn) {
            return;
        }
        if let Some(position) = self.index.remove(peer) {
            self.members.swap_remove(position);
            if let Some((moved, _)) = self.members.get(position) {
                self.index.insert(*moved, position);
            }
        }
    }

    /// Draws up to `count` peers other than `of`, each set of them equally likely (Floyd's algorithm: Bentley and
    /// Floyd, "A sample of brilliance", 1987). Costs `count`², not the size of the room.
    pub(super) fn sample(&self, of: &PeerId, count: usize, rng: &mut ChaCha8Rng) -> Vec<PeerId> {
        let own = self.index.get(of).copied();
        let others = self.members.len() - usize::from(own.is_some());
        let count = count.min(others);
        let mut drawn: Vec<usize> = Vec::with_capacity(count);
        for last in others - count..others {
            let index = below(rng, last + 1);
            drawn.push(if drawn.contains(&index) { last } else { index });
        }
        // The drawn numbers count the others only: from the own position on, the others stand one further.
        let position = |index| index + usize::from(own.is_some_and(|own| index >= own));
        drawn.into_iter().map(|index| self.members[position(index)].0).collect()
    }
}

/// Draws a number below `bound`. The bias of the multiplication is below 2⁻³² for any room that fits a server.
fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    let wide = u128::from(rng.next_u64()) * bound as u128;
    usize::try_from(wide >> 64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use shared::RoomCode;
    use std::collections::{BTreeMap, BTreeSet};

    use chacha20::rand_core::SeedableRng;

    use super::*;

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    fn room(size: u8) -> Room {
        let mut room = Room::new(*RoomCode::parse("lobby").unwrap().open().proof());
        for number in 0..size {
            room.insert(peer(number), ConnId(u64::from(number)));
        }
        room
    }

    #[test]
    fn every_other_peer_is_drawn_equally_often() {
        let (room, mut rng) = (room(20), ChaCha8Rng::from_seed([1; 32]));
        let mut drawn = BTreeMap::<PeerId, u32>::new();
        const ROUNDS: u32 = 20_000;
        for _ in 0..ROUNDS {
            let sample = room.sample(&peer(7), 8, &mut rng);
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

    #[test]
    fn a_small_room_is_named_whole() {
        let mut rng = ChaCha8Rng::from_seed([2; 32]);
        let mut sample = room(4).sample(&peer(0), 8, &mut rng);
        sample.sort();
        assert_eq!(sample, [peer(1), peer(2), peer(3)]);
        assert_eq!(room(1).sample(&peer(0), 8, &mut rng), []);
        assert_eq!(room(0).sample(&peer(0), 8, &mut rng), []);
    }

    #[test]
    fn only_the_socket_that_holds_a_peer_removes_it() {
        let mut room = room(3);
        room.insert(peer(0), ConnId(9));
        room.remove(&peer(0), ConnId(0));
        assert_eq!(room.socket_of(&peer(0)), Some(ConnId(9)));
        room.remove(&peer(0), ConnId(9));
        assert_eq!(room.socket_of(&peer(0)), None);
        assert_eq!(
            (room.socket_of(&peer(1)), room.socket_of(&peer(2))),
            (Some(ConnId(1)), Some(ConnId(2)))
        );
        assert_eq!(room.len(), 2);
    }
}
