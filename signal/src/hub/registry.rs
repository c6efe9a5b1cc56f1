//! All rooms, and who is registered in which.

use std::collections::{HashMap, hash_map::Entry};

use chacha20::{ChaCha8Rng, rand_core::SeedableRng};
use shared::{PeerId, RoomId, limits::PEER_SAMPLE_MAX, room::RoomProof, signal::Refusal};

use super::{ConnId, room::Room};
use crate::{bus::Share, config::Limits, network::Network};

#[derive(Debug)]
pub(super) struct Registry {
    rng: ChaCha8Rng,
    /// None is empty. Never iterated: the order differs from run to run.
    rooms: HashMap<RoomId, Room>,
    peers: usize,
}

impl Registry {
    /// Without rooms. The `seed` decides which peers are drawn.
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self {
            rng: ChaCha8Rng::from_seed(seed),
            rooms: HashMap::new(),
            peers: 0,
        }
    }

    pub(super) fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// Registered peers, over all rooms.
    pub(super) const fn peers(&self) -> usize {
        self.peers
    }

    pub(super) fn room(&self, room: &RoomId) -> Option<&Room> {
        self.rooms.get(room)
    }

    /// The socket on which `peer` is registered in the room.
    pub(super) fn socket_of(&self, room: &RoomId, peer: &PeerId) -> Option<ConnId> {
        self.rooms.get(room)?.socket_of(peer)
    }

    /// Why there is no place in the room for `peer`, who comes from `network`, when so many are registered in it elsewhere; `None` if there is one.
    pub(super) fn refusal_of(
        &self,
        room: &RoomId,
        peer: &PeerId,
        network: Network,
        elsewhere: usize,
        limits: &Limits,
    ) -> Option<Refusal> {
        if let Some(host) = limits.room_host {
            if host.room != *room {
                return Some(Refusal::ServerFull {});
            }
            if host.peer == *peer && self.socket_of(room, peer).is_some() {
                return Some(Refusal::AlreadyRegistered {});
            }
        }
        match self.rooms.get(room) {
            // A peer that comes back takes its own place.
            Some(room) if room.socket_of(peer).is_some() => None,
            Some(room) if room.may_enter(network, limits.peers_per_room_max.saturating_sub(elsewhere)) => None,
            Some(_) => Some(Refusal::RoomFull {}),
            None if self.rooms.len() >= limits.rooms_max => Some(Refusal::ServerFull {}),
            None => None,
        }
    }

    /// Registers a peer who is not registered in the room.
    pub(super) fn insert(&mut self, room: RoomId, proof: RoomProof, peer: PeerId, conn: ConnId, network: Network) {
        let members = self.rooms.entry(room).or_insert_with(|| Room::new(proof));
        members.insert(peer, conn, network);
        self.peers += 1;
    }

    /// Removes a peer who is registered on `conn`.
    pub(super) fn remove(&mut self, room: RoomId, peer: &PeerId, conn: ConnId) {
        self.peers -= 1;
        if let Entry::Occupied(mut entry) = self.rooms.entry(room) {
            entry.get_mut().remove(peer, conn);
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }

    /// How many peers the room has, and some of them other than `of`.
    pub(super) fn sample(&mut self, room: &RoomId, of: &PeerId) -> (u32, Vec<PeerId>) {
        match self.rooms.get(room) {
            Some(room) => (
                u32::try_from(room.len()).unwrap_or(u32::MAX),
                room.sample(Some(of), PEER_SAMPLE_MAX, &mut self.rng),
            ),
            None => (0, Vec::new()),
        }
    }

    /// From how many sites the peers of the room come.
    pub(super) fn sites(&self, room: &RoomId) -> u32 {
        let sites = self.rooms.get(room).map_or(0, Room::sites);
        u32::try_from(sites).unwrap_or(u32::MAX)
    }

    /// What there is of the room, with a sample of so many; not numbered yet.
    pub(super) fn share(&mut self, room: &RoomId, count: usize) -> Share {
        let members = self.rooms.get(room);
        Share {
            sequence: 0,
            peers: members.map_or(0, |room| u32::try_from(room.len()).unwrap_or(u32::MAX)),
            sites: self.sites(room),
            sample: members.map_or_else(Vec::new, |room| room.sample(None, count, &mut self.rng)),
        }
    }
}
