//! What a hub knows of the other nodes of its network, and what it has to tell the directory.
//!
//! A hub is alone until it is told that there are others. Then it keeps, for each room that somebody is registered in here, what each other node has of it:
//! how many peers, and a sample of them. So a sample needs no question. A welcome waits until the directory has taken note of the peer. What changes here is noted as *that it changed*, not how: what is told is what holds at the time of the telling. So nothing that waits
//! grows beyond the rooms and peers there are, and a telling may be repeated.
//!
//! Bounded by the rooms and peers that are registered here, the shares of each room by the nodes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Instant,
};

use chacha20::{ChaCha8Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};
use shared::{PeerId, RoomId, limits::PEER_SAMPLE_MAX};

use super::{ConnId, room::below};
use crate::{
    bus::{NodeId, Share},
    config::{CHANGED_PEERS_MAX, CUT_OFF_GRACE, ROOM_REFRESH, WELCOME_WAIT},
    network::Network,
};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Abroad {
    /// For codes of sites; nobody else has it.
    key: [u8; 32],
    rng: ChaCha8Rng,
    reach: Reach,
    /// The other nodes that live.
    nodes: BTreeSet<NodeId>,
    /// Never iterated: its order differs from run to run.
    rooms: HashMap<RoomId, Far>,
    /// Rooms of which something is to be told, each once.
    told_next: VecDeque<RoomId>,
    /// When to look after each room.
    due: BTreeSet<(Instant, RoomId)>,
    /// Closings that the directory was not told of yet: not more than the hub keeps.
    closings: BTreeMap<RoomId, String>,
    sequence: u64,
}

/// How the hub stands with the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Connected { node: NodeId },
    CutOff { forget_at: Option<Instant> },
}

/// What is known of a room beyond this node.
#[derive(Debug)]
struct Far {
    shares: BTreeMap<NodeId, Share>,
    knowledge: Knowledge,
    /// Peers who have come or gone here.
    changed: BTreeSet<PeerId>,
    is_queued: bool,
    due_at: Instant,
    /// When to compare what the directory has of those who are here with those who are here, however much changes meanwhile.
    check_at: Instant,
    /// Those who are registered and not welcomed yet.
    waiting: Vec<Waiting>,
}

/// Somebody whose welcome waits for the directory.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) conn: ConnId,
    peer: PeerId,
    until: Instant,
    /// Of the hello.
    pub(super) host: Box<str>,
}

/// Whether the directory has said what there is of a room elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    Awaited,
    Complete,
}

/// Where a payload can go whose recipient is not registered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the directory, which knows at which node the recipient is, if at any.
    Open,
    /// Nowhere at present.
    Blocked,
    /// Nowhere: nobody of the room is registered elsewhere.
    Nobody,
}

/// What came of an answer of the directory.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// These can be welcomed now.
    pub(super) waiting: Vec<Waiting>,
    /// Others are known to be there of whom those who are here have heard nothing.
    pub(super) is_news: bool,
}

impl Far {
    /// Has the room be looked after at this time, or when somebody has waited long enough if that is sooner.
    fn look_after_at(&mut self, at: Instant, room: RoomId, due: &mut BTreeSet<(Instant, RoomId)>) {
        due.remove(&(self.due_at, room));
        self.due_at = self.waiting.first().map_or(at, |first| at.min(first.until));
        due.insert((self.due_at, room));
    }
}

impl Abroad {
    /// Not connected yet. `key` is to be known to nobody else.
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            rng: ChaCha8Rng::from_seed(key),
            reach: Reach::CutOff { forget_at: None },
            nodes: BTreeSet::new(),
            rooms: HashMap::new(),
            told_next: VecDeque::new(),
            due: BTreeSet::new(),
            closings: BTreeMap::new(),
            sequence: 0,
        }
    }

    /// The id of this node, if it is connected.
    pub(super) const fn node(&self) -> Option<NodeId> {
        match self.reach {
            Reach::Connected { node } => Some(node),
            Reach::CutOff { .. } => None,
        }
    }

    /// How many other nodes there are.
    pub(super) fn others(&self) -> usize {
        self.nodes.len()
    }

    /// Connects as `node`. All that is registered here has to be [noted](Self::note) then: the directory knows nothing of this node yet.
    pub(super) fn connect(&mut self, node: NodeId) {
        self.reach = Reach::Connected { node };
        for (at, room) in std::mem::take(&mut self.due) {
            if let Some(far) = self.rooms.get_mut(&room) {
                far.knowledge = Knowledge::Awaited;
                far.changed.clear();
                far.is_queued = false;
                self.due.insert((at, room));
            }
        }
        self.told_next.clear();
    }

    /// These nodes live, this one perhaps among them.
    pub(super) fn set_nodes(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        let own = self.node();
        self.nodes = nodes.into_iter().filter(|node| Some(*node) != own).collect();
    }

    /// The directory cannot be reached. Gives those who wait for their welcome.
    pub(super) fn cut_off(&mut self, now: Instant) -> Vec<Waiting> {
        let forget_at = Some(now + CUT_OFF_GRACE);
        self.reach = Reach::CutOff { forget_at };
        self.told_next.clear();
        let mut waiting = Vec::new();
        for (_, room) in &self.due {
            if let Some(far) = self.rooms.get_mut(room) {
                waiting.append(&mut far.waiting);
            }
        }
        waiting
    }

    /// A peer was registered here, or has gone.
    pub(super) fn note(&mut self, now: Instant, room: RoomId, peer: PeerId) {
        if self.node().is_none() {
            return;
        }
        let due = &mut self.due;
        let far = self.rooms.entry(room).or_insert_with(|| {
            let due_at = now + WELCOME_WAIT;
            due.insert((due_at, room));
            Far {
                shares: BTreeMap::new(),
                knowledge: Knowledge::Awaited,
                changed: BTreeSet::new(),
                is_queued: false,
                due_at,
                check_at: now + ROOM_REFRESH,
                waiting: Vec::new(),
            }
        });
        far.changed.insert(peer);
        self.queue(room);
    }

    /// A peer who was registered here on `conn` has gone.
    pub(super) fn note_left(&mut self, room: RoomId, peer: PeerId, conn: ConnId) {
        // There is an entry for each room that somebody is registered in here, or nobody to be told.
        let is_connected = self.node().is_some();
        if let Some(far) = self.rooms.get_mut(&room) {
            far.waiting.retain(|waiting| waiting.conn != conn);
            if is_connected {
                far.changed.insert(peer);
                self.queue(room);
            }
        }
    }

    /// The founder has closed a room; the directory is told as soon as it can be.
    pub(super) fn note_closing(&mut self, room: RoomId, closing: String, closings_max: usize) {
        if self.closings.len() >= closings_max {
            self.closings.pop_first();
        }
        self.closings.insert(room, closing);
    }

    fn queue(&mut self, room: RoomId) {
        if let Some(far) = self.rooms.get_mut(&room)
            && !far.is_queued
        {
            far.is_queued = true;
            self.told_next.push_back(room);
        }
    }

    /// Whether somebody who was just registered, and [noted](Self::note), has to wait for the welcome: until the directory has taken note. So whoever was
    /// welcomed here and then comes to another node is the later one there, however long the ways are.
    pub(super) fn keep_waiting(&mut self, now: Instant, room: &RoomId, conn: ConnId, peer: PeerId, host: &str) -> bool {
        if self.node().is_none() {
            return false;
        }
        let Some(far) = self.rooms.get_mut(room) else {
            return false;
        };
        let (until, host) = (now + WELCOME_WAIT, host.into());
        far.waiting.push(Waiting {
            conn,
            peer,
            until,
            host,
        });
        far.look_after_at(far.due_at, *room, &mut self.due);
        true
    }

    /// Whether somebody waits for the welcome.
    pub(super) fn is_waiting(&self, room: &RoomId, conn: ConnId) -> bool {
        let far = self.rooms.get(room);
        far.is_some_and(|far| far.waiting.iter().any(|waiting| waiting.conn == conn))
    }

    /// Whether something is to be told.
    pub(super) fn has_changes(&self) -> bool {
        self.node().is_some() && !(self.told_next.is_empty() && self.closings.is_empty())
    }

    /// The next closing to be told.
    pub(super) fn take_closing(&mut self) -> Option<(RoomId, String)> {
        self.node()?;
        self.closings.pop_first()
    }

    /// The next room of which something is to be told, and the peers who may have come or gone.
    pub(super) fn take_changed(&mut self) -> Option<(RoomId, Vec<PeerId>)> {
        self.node()?;
        let room = self.told_next.pop_front()?;
        let far = self.rooms.get_mut(&room)?;
        far.is_queued = false;
        let rest = far.changed.iter().nth(CHANGED_PEERS_MAX).copied();
        let rest = rest.map(|first| far.changed.split_off(&first)).unwrap_or_default();
        let changed = std::mem::replace(&mut far.changed, rest);
        if !far.changed.is_empty() {
            self.queue(room);
        }
        Some((room, changed.into_iter().collect()))
    }

    /// Nobody is registered in the room here any more, and that was told if it could be.
    pub(super) fn forget_room(&mut self, room: &RoomId) {
        if self.rooms.get(room).is_some_and(|far| !far.is_queued)
            && let Some(far) = self.rooms.remove(room)
        {
            self.due.remove(&(far.due_at, *room));
        }
    }

    /// Numbers a share of this node.
    pub(super) fn number(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// The directory has said what the others have of a room.
    pub(super) fn learn(&mut self, now: Instant, room: &RoomId, others: &[(NodeId, Share)]) -> Learned {
        self.nodes.extend(others.iter().map(|(node, _)| *node));
        let Some(far) = self.rooms.get_mut(room) else {
            return Learned::default();
        };
        let known = std::mem::take(&mut far.shares);
        for (node, share) in others {
            // A newer one may have come while this answer was under way.
            let newer = known.get(node).filter(|known| known.sequence > share.sequence);
            far.shares.insert(*node, newer.unwrap_or(share).clone());
        }
        let first = std::mem::replace(&mut far.knowledge, Knowledge::Complete) == Knowledge::Awaited;
        // Who has come since then is told of next.
        let is_told = |waiting: &mut Waiting| !far.changed.contains(&waiting.peer);
        let waiting: Vec<Waiting> = far.waiting.extract_if(.., is_told).collect();
        far.look_after_at(far.check_at.max(now), *room, &mut self.due);
        Learned {
            is_news: first && self.elsewhere(room) > 0,
            waiting,
        }
    }

    /// Whether it is time to compare what the directory has of those who are here with those who are here. To be asked when it was told of all of them.
    pub(super) fn take_check(&mut self, now: Instant, room: &RoomId) -> bool {
        let far = self.rooms.get_mut(room).filter(|far| far.check_at <= now);
        far.is_some_and(|far| {
            far.check_at = now + ROOM_REFRESH;
            far.look_after_at(far.check_at, *room, &mut self.due);
            true
        })
    }

    /// A node says what it has of a room now.
    pub(super) fn hear_share(&mut self, room: &RoomId, node: NodeId, share: Share) {
        let own = self.node();
        let Some(far) = self.rooms.get_mut(room).filter(|_| own.is_some() && own != Some(node)) else {
            return;
        };
        if far
            .shares
            .get(&node)
            .is_none_or(|known| known.sequence < share.sequence)
        {
            far.shares.insert(node, share);
            self.nodes.insert(node);
        }
    }

    /// How many peers of a room are registered elsewhere.
    pub(super) fn elsewhere(&self, room: &RoomId) -> usize {
        let peers = self.shares(room).map(|share| share.peers as usize);
        peers.fold(0, usize::saturating_add)
    }

    fn shares(&self, room: &RoomId) -> impl Iterator<Item = &Share> {
        let shares = self.rooms.get(room).into_iter().flat_map(|far| &far.shares);
        shares
            .filter(|(node, _)| self.nodes.contains(node))
            .map(|(_, share)| share)
    }

    /// Where a payload can go for a peer of the room who is not registered here.
    pub(super) fn way(&self, room: &RoomId) -> Way {
        let has_others = self.elsewhere(room) > 0;
        match self.reach {
            Reach::CutOff { .. } if has_others => Way::Blocked,
            Reach::CutOff { .. } => Way::Nobody,
            Reach::Connected { .. } => match self.rooms.get(room) {
                Some(far) if has_others || far.knowledge == Knowledge::Awaited => Way::Open,
                Some(_) | None => Way::Nobody,
            },
        }
    }

    /// Draws peers for `of` out of a sample of those here, who come from so many sites, and out of the samples of the other nodes: from each as often
    /// as it has sites. So a crowd at one address is named once for each node at most, however large it is.
    pub(super) fn mix(&mut self, room: &RoomId, of: &PeerId, here: Vec<PeerId>, sites: u32) -> Vec<PeerId> {
        let mut sources: Vec<(u32, Vec<PeerId>)> = self
            .shares(room)
            .map(|share| (share.sites, share.sample.clone()))
            .collect();
        if sources.is_empty() {
            return here;
        }
        sources.push((sites, here));
        let mut drawn: Vec<PeerId> = Vec::with_capacity(PEER_SAMPLE_MAX);
        while drawn.len() < PEER_SAMPLE_MAX {
            sources.retain(|(_, peers)| !peers.is_empty());
            let weight = |(sites, _): &(u32, Vec<PeerId>)| *sites as usize + 1;
            let mut lot = below(&mut self.rng, sources.iter().map(weight).sum());
            let Some((_, peers)) = sources.iter_mut().find(|source| {
                let weight = source.0 as usize + 1;
                let is_drawn = lot < weight;
                lot = lot.saturating_sub(weight);
                is_drawn
            }) else {
                break;
            };
            let peer = peers.swap_remove(below(&mut self.rng, peers.len()));
            if peer != *of && !drawn.contains(&peer) {
                drawn.push(peer);
            }
        }
        drawn
    }

    /// Stands for a site, for nodes that are not to know it.
    pub(super) fn code_of(&self, network: Network) -> u64 {
        let site = network.site();
        let code = Sha256::new()
            .chain_update(self.key)
            .chain_update(site.first().to_string())
            .finalize();
        code.first_chunk().copied().map_or(0, u64::from_be_bytes)
    }

    /// When to call [`Self::take_due`].
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match self.reach {
            Reach::Connected { .. } => self.due.first().map(|(at, _)| *at),
            Reach::CutOff { forget_at } => forget_at,
        }
    }

    /// Looks after what is due. Gives those whose welcome can wait no longer, though the directory has not answered.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Waiting> {
        let mut waiting = Vec::new();
        match self.reach {
            Reach::CutOff { forget_at } => {
                if forget_at.is_some_and(|at| at <= now) {
                    self.reach = Reach::CutOff { forget_at: None };
                    self.rooms.clear();
                    self.due.clear();
                    self.nodes.clear();
                }
            }
            Reach::Connected { .. } => {
                while let Some((at, room)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
                    self.due.remove(&(at, room));
                    if let Some(far) = self.rooms.get_mut(&room) {
                        waiting.extend(far.waiting.extract_if(.., |waiting| waiting.until <= now));
                        far.look_after_at(now + ROOM_REFRESH, room, &mut self.due);
                        self.queue(room);
                    }
                }
            }
        }
        waiting
    }
}
