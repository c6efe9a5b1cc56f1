//! What Redis does with the three scripts, as plain maps: the model of the directory. Time comes in.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use shared::{PeerId, RoomId};
use signal::bus::{Answer, Change, News, NodeId, Share, Word};

/// How long a node lives that says nothing more.
pub(crate) const NODE_LIFE: Duration = Duration::from_secs(6);
/// How long the part of a node is kept that is not refreshed.
pub(crate) const ROOM_LIFE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Directory {
    nodes: BTreeMap<NodeId, Instant>,
    parts: BTreeMap<(RoomId, NodeId), Part>,
    closings: BTreeMap<RoomId, String>,
    /// What was sent to other nodes, and to which.
    pub(crate) published: Vec<(NodeId, Word)>,
}

/// What a node has of a room.
#[derive(Debug)]
struct Part {
    share: Share,
    peers: BTreeMap<PeerId, Instant>,
    kept_until: Instant,
}

impl Directory {
    /// A node begins to live, and not as `before` any more. Gives those that live.
    pub(crate) fn first_beat(&mut self, now: Instant, node: NodeId, before: Option<NodeId>) -> Vec<NodeId> {
        if let Some(before) = before {
            self.nodes.remove(&before);
        }
        self.nodes.insert(node, now + NODE_LIFE);
        self.beat(now, node)
    }

    /// A node lives. Gives those that do, without it if it was known no more.
    pub(crate) fn beat(&mut self, now: Instant, node: NodeId) -> Vec<NodeId> {
        self.nodes.retain(|_, until| *until > now);
        if let Some(until) = self.nodes.get_mut(&node) {
            *until = now + NODE_LIFE;
        }
        self.nodes.keys().copied().collect()
    }

    fn others(&self, now: Instant, node: NodeId, room: RoomId) -> Vec<NodeId> {
        let lives = |other: &NodeId| self.nodes.get(other).is_some_and(|until| *until > now);
        let parts = self
            .parts
            .iter()
            .filter(|((of, _), part)| *of == room && part.kept_until > now);
        let nodes = parts.map(|((_, other), _)| *other);
        nodes.filter(|other| *other != node && lives(other)).collect()
    }

    pub(crate) fn change(&mut self, now: Instant, node: NodeId, change: &Change) -> Answer {
        let room = change.room;
        let others = self.others(now, node, room);
        self.parts.retain(|(of, other), part| {
            part.kept_until > now && (*of != room || *other == node || others.contains(other))
        });
        let mut own = self
            .parts
            .remove(&(room, node))
            .map(|part| part.peers)
            .unwrap_or_default();
        let mut superseded = Vec::new();
        for joined in &change.joined {
            let (peer, since) = (joined.peer, now - joined.age);
            if self.is_superseded(room, node, peer, since, &others) {
                superseded.push(peer);
                own.remove(&peer);
            } else {
                own.insert(peer, since);
            }
        }
        for peer in &change.left {
            own.remove(peer);
        }
        let entries = if change.share.peers == 0 { 0 } else { own.len() };
        if change.share.peers > 0 {
            let part = Part {
                share: change.share.clone(),
                peers: own,
                kept_until: now + ROOM_LIFE,
            };
            self.parts.insert((room, node), part);
        }
        self.publish(node, change, &others);
        Answer {
            closing: self.closings.get(&room).cloned(),
            entries: u32::try_from(entries).expect("few"),
            superseded,
            others: others
                .iter()
                .map(|other| (*other, self.parts[&(room, *other)].share.clone()))
                .collect(),
        }
    }

    /// Tells the others of the room.
    fn publish(&mut self, node: NodeId, change: &Change, others: &[NodeId]) {
        let room = change.room;
        if let Some(closing) = &change.closing
            && !self.closings.contains_key(&room)
        {
            self.closings.insert(room, closing.clone());
            let closing = || closing.clone();
            let words = others.iter().map(|other| {
                (
                    *other,
                    Word::Closed {
                        room,
                        closing: closing(),
                    },
                )
            });
            self.published.extend(words);
        }
        if change.news == News::Changed {
            let share = || change.share.clone();
            let word = |other: &NodeId| {
                (
                    *other,
                    Word::Shared {
                        room,
                        node,
                        share: share(),
                    },
                )
            };
            self.published.extend(others.iter().map(word));
        }
    }

    /// Whether a peer is registered elsewhere and later. Where it is registered elsewhere and earlier, that node is told.
    fn is_superseded(&mut self, room: RoomId, node: NodeId, peer: PeerId, since: Instant, others: &[NodeId]) -> bool {
        let mut is_superseded = false;
        for other in others {
            let theirs = &mut self.parts.get_mut(&(room, *other)).expect("it lives").peers;
            match theirs.get(&peer) {
                Some(their_since) if (*their_since, *other) > (since, node) => is_superseded = true,
                Some(_) => {
                    theirs.remove(&peer);
                    self.published.push((*other, Word::Doubted { room, peer }));
                }
                None => {}
            }
        }
        is_superseded
    }

    pub(crate) fn is_closed(&self, room: &RoomId) -> bool {
        self.closings.contains_key(room)
    }

    /// Whether somebody got it.
    pub(crate) fn send(&mut self, now: Instant, node: NodeId, word: &Word) -> bool {
        let (room, peer) = word.recipient().expect("it is for somebody");
        let others = self.others(now, node, room);
        let has_peer = |other: &NodeId| self.parts[&(room, *other)].peers.contains_key(&peer);
        let found = others.into_iter().find(has_peer);
        if let Some(other) = found {
            self.published.push((other, word.clone()));
        }
        found.is_some()
    }
}
