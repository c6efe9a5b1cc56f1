//! The calls of a hub that is one of several: what it is told by the directory and by other nodes, and what it tells them.
//!
//! The bus calls [`Hub::handle_connected`] when it has reached the directory, then again and again [`Hub::poll_changes`], each of which it takes to the
//! directory, and [`Hub::handle_answer`] with what comes of it. Outputs of the kind [`Output::Carry`](super::Output::Carry) go to the node that has the
//! recipient; what other nodes say comes in by [`Hub::handle_word`]. When the directory is out of reach, [`Hub::handle_cut_off`]: from then on the hub is alone,
//! and its own rooms go on.
//!
//! Nothing of this is called, and nothing of this costs anything, for a hub that is alone.

use std::time::Instant;

use shared::{
    Closing, PeerId, RoomId,
    limits::PEER_SAMPLE_MAX,
    signal::{CloseCode, Event, Refusal},
};

use super::{
    ConnId, Hub, Now, Outbox, Sender,
    abroad::{Abroad, Way},
    connection::{Connection, Stage},
};
use crate::{
    bus::{Answer, Cause, Change, Joined, News, NodeId, Share, Word},
    config::{CHANGED_PEERS_MAX, SHARE_SAMPLE_MAX},
    network::Network,
};

/// How a hub stands with the others of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There are no others.
    Alone,
    /// So many others live.
    Connected {
        /// Without this one.
        others: usize,
    },
    /// There may be others, and they cannot be reached.
    CutOff,
}

impl Hub {
    /// There are other nodes, to be reached by a directory. Until [`Hub::handle_connected`] the hub is cut off. `key` must be known to nobody else.
    pub fn expect_others(&mut self, key: [u8; 32]) {
        self.abroad = Some(Box::new(Abroad::new(key)));
    }

    /// How it stands with the others.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match &self.abroad {
            None => Standing::Alone,
            Some(abroad) if abroad.node().is_some() => Standing::Connected {
                others: abroad.others(),
            },
            Some(_) => Standing::CutOff,
        }
    }

    /// The directory is reached, and knows this node by a new id. `nodes` live.
    pub fn handle_connected(&mut self, now: Now, node: NodeId, nodes: impl IntoIterator<Item = NodeId>) {
        let Some(abroad) = &mut self.abroad else {
            return;
        };
        abroad.connect(node);
        abroad.set_nodes(nodes);
        for connection in self.connections.values() {
            if let Stage::Registered { room, peer } = connection.stage {
                abroad.note(now.instant, room, peer);
            }
        }
        // It may be that the directory was emptied.
        for (room, closing) in self.closings.iter() {
            abroad.note_closing(room, closing.clone(), self.limits.closings_max);
        }
    }

    /// These nodes live, and no others.
    pub fn handle_nodes(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        if let Some(abroad) = &mut self.abroad {
            abroad.set_nodes(nodes);
        }
    }

    /// The directory is out of reach, until [`Hub::handle_connected`].
    pub fn handle_cut_off(&mut self, now: Now, outbox: &mut Outbox) {
        if let Some(abroad) = &mut self.abroad {
            for waiting in abroad.cut_off(now.instant) {
                self.welcome(now, waiting.conn, &waiting.host, outbox);
            }
        }
    }

    /// Whether [`Hub::poll_changes`] has something to tell.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.abroad.as_ref().is_some_and(|abroad| abroad.has_changes())
    }

    /// What the directory is to be told: of `count` rooms at most. Each is told once; if that fails, [`Hub::handle_cut_off`].
    pub fn poll_changes(&mut self, now: Instant, count: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        while changes.len() < count
            && let Some(abroad) = &mut self.abroad
        {
            if let Some((room, closing)) = abroad.take_closing() {
                changes.push(self.change(now, room, &[], Some(closing)));
            } else if let Some((room, changed)) = abroad.take_changed() {
                changes.push(self.change(now, room, &changed, None));
            } else {
                break;
            }
        }
        changes
    }

    fn change(&mut self, now: Instant, room: RoomId, changed: &[PeerId], closing: Option<String>) -> Change {
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        for peer in changed {
            match self.registered_since(&room, peer) {
                Some(since) => joined.push(Joined {
                    peer: *peer,
                    since,
                    age: now.saturating_duration_since(since),
                }),
                None => left.push(*peer),
            }
        }
        let sequence = self.abroad.as_mut().map_or(0, |abroad| abroad.number());
        let share = Share {
            sequence,
            ..self.registry.share(&room, SHARE_SAMPLE_MAX)
        };
        if share.peers == 0
            && let Some(abroad) = &mut self.abroad
        {
            abroad.forget_room(&room);
        }
        let news = if changed.is_empty() {
            News::Refreshed
        } else {
            News::Changed
        };
        Change {
            room,
            share,
            news,
            joined,
            left,
            closing,
        }
    }

    fn registered_since(&self, room: &RoomId, peer: &PeerId) -> Option<Instant> {
        let conn = self.registry.socket_of(room, peer)?;
        Some(self.connections.get(&conn)?.registered_at)
    }

    /// The directory, as which it knows `node`, has taken note of `change` and answers.
    pub fn handle_answer(&mut self, now: Now, node: NodeId, change: &Change, answer: Answer, outbox: &mut Outbox) {
        let Some(abroad) = self.abroad.as_mut().filter(|abroad| abroad.node() == Some(node)) else {
            return;
        };
        let room = change.room;
        let learned = abroad.learn(now.instant, &room, &answer.others);
        // A change of so many may be a part of what has changed.
        let has_told_all = change.joined.len() + change.left.len() < CHANGED_PEERS_MAX;
        let is_check_due = has_told_all && abroad.take_check(now.instant, &room);
        for joined in &change.joined {
            // Whoever has come once more meanwhile is asked for again.
            if answer.superseded.contains(&joined.peer)
                && self.registered_since(&room, &joined.peer) == Some(joined.since)
                && let Some(conn) = self.registry.socket_of(&room, &joined.peer)
            {
                self.close(conn, CloseCode::Superseded, outbox);
            }
        }
        if let Some(closing) = answer.closing {
            self.close_room_by(now.instant, room, &closing, outbox);
        }
        let known = answer.entries as usize + answer.superseded.len();
        if is_check_due && known != change.share.peers as usize {
            self.note_all(now.instant, &room);
        }
        let was_waiting: Vec<ConnId> = learned.waiting.iter().map(|waiting| waiting.conn).collect();
        for waiting in learned.waiting {
            self.welcome_if_there_is_room(now, waiting.conn, &room, &waiting.host, outbox);
        }
        if learned.is_news {
            self.tell_of_others(&room, &was_waiting, outbox);
        }
    }

    /// Has the directory told of everybody in the room again: it has lost some, or some are registered elsewhere by now.
    fn note_all(&mut self, now: Instant, room: &RoomId) {
        if let (Some(abroad), Some(members)) = (&mut self.abroad, self.registry.room(room)) {
            for peer in members.peers() {
                abroad.note(now, *room, peer);
            }
        }
    }

    /// The room may have become full elsewhere, before anybody here knew of it.
    fn welcome_if_there_is_room(&mut self, now: Now, conn: ConnId, room: &RoomId, host: &str, outbox: &mut Outbox) {
        let here = self.registry.room(room).map_or(0, super::room::Room::len);
        let elsewhere = self.abroad.as_ref().map_or(0, |abroad| abroad.elsewhere(room));
        if here + elsewhere > self.limits.peers_per_room_max {
            self.refuse(conn, Refusal::RoomFull {}, outbox);
        } else {
            self.welcome(now, conn, host, outbox);
        }
    }

    /// Two parts of a room that knew nothing of each other have met: some of those here are told of some of those there, and link with them.
    fn tell_of_others(&mut self, room: &RoomId, but: &[ConnId], outbox: &mut Outbox) {
        for peer in self.registry.share(room, PEER_SAMPLE_MAX).sample {
            let is_waiting = |conn: ConnId| self.abroad.as_ref().is_some_and(|abroad| abroad.is_waiting(room, conn));
            let conn = self.registry.socket_of(room, &peer);
            if let Some(conn) = conn.filter(|conn| !but.contains(conn) && !is_waiting(*conn)) {
                let (room_size, peers) = self.sample(room, &peer);
                outbox.send(conn, Event::Peers { room_size, peers });
            }
        }
    }

    /// Another node says something.
    pub fn handle_word(&mut self, now: Now, word: Word, outbox: &mut Outbox) {
        match word {
            Word::Relayed {
                room,
                to,
                from,
                site,
                payload,
            } => match self.registry.socket_of(&room, &to) {
                Some(conn) => {
                    let network = Network::abroad(site);
                    let sender = Sender {
                        conn: ConnId::abroad(&from),
                        network,
                    };
                    outbox.relay(conn, sender, Event::Relayed { from, payload });
                }
                None => self.answer_undelivered(room, from, to, Cause::NotHere, outbox),
            },
            Word::Undelivered { room, to, peer, cause } => {
                if let Some(conn) = self.registry.socket_of(&room, &to) {
                    self.refuse(conn, refusal(peer, cause), outbox);
                }
            }
            Word::Shared { room, node, share } => {
                if let Some(abroad) = &mut self.abroad {
                    abroad.hear_share(&room, node, share);
                }
            }
            Word::Doubted { room, peer } => {
                if self.registry.socket_of(&room, &peer).is_some()
                    && let Some(abroad) = &mut self.abroad
                {
                    abroad.note(now.instant, room, peer);
                }
            }
            Word::Closed { room, closing } => self.close_room_by(now.instant, room, &closing, outbox),
        }
    }

    /// Something could not be carried to another node.
    pub fn handle_not_carried(&mut self, sender: ConnId, word: &Word, cause: Cause, outbox: &mut Outbox) {
        // Of an answer nobody is told: the sender of a payload tries again by itself.
        if let Word::Relayed { to, .. } = word {
            self.refuse(sender, refusal(*to, cause), outbox);
        }
    }

    /// So much waits for `recipient` that the payload of a peer of another node is not sent.
    pub fn handle_full_queue_abroad(&self, recipient: ConnId, sender: PeerId, outbox: &mut Outbox) {
        if let Some(Connection {
            stage: Stage::Registered { room, peer },
            ..
        }) = self.connections.get(&recipient)
        {
            self.answer_undelivered(*room, sender, *peer, Cause::Busy, outbox);
        }
    }

    pub(super) fn answer_undelivered(&self, room: RoomId, to: PeerId, peer: PeerId, cause: Cause, outbox: &mut Outbox) {
        if self.abroad.is_some() {
            let sender = Sender {
                conn: ConnId::abroad(&peer),
                network: Network::abroad(0),
            };
            outbox.carry(sender, Word::Undelivered { room, to, peer, cause });
        }
    }

    /// Sends a payload to wherever the recipient is registered.
    pub(super) fn relay_abroad(
        &mut self,
        conn: ConnId,
        (room, from, to): (RoomId, PeerId, PeerId),
        payload: String,
        outbox: &mut Outbox,
    ) {
        let way = self.abroad.as_ref().map_or(Way::Nobody, |abroad| abroad.way(&room));
        match (way, &self.abroad, self.connections.get(&conn)) {
            (Way::Open, Some(abroad), Some(Connection { network, .. })) => {
                let (network, site) = (*network, abroad.code_of(*network));
                let word = Word::Relayed {
                    room,
                    to,
                    from,
                    site,
                    payload,
                };
                outbox.carry(Sender { conn, network }, word);
            }
            (Way::Blocked, _, _) => self.refuse(conn, refusal(to, Cause::Busy), outbox),
            (Way::Nobody | Way::Open, _, _) => self.refuse(conn, refusal(to, Cause::NotHere), outbox),
        }
    }

    /// Closes a room by a statement that came from elsewhere, if it is the founder's.
    fn close_room_by(&mut self, now: Instant, room: RoomId, closing: &str, outbox: &mut Outbox) {
        let Some(members) = self.registry.room(&room) else {
            return;
        };
        let statement = Closing::from_text(closing);
        if statement.is_some_and(|statement| statement.verify_by_proof(members.proof()).is_ok()) {
            self.close_members(now, room, closing, outbox);
        }
    }
}

const fn refusal(to: PeerId, cause: Cause) -> Refusal {
    match cause {
        Cause::NotHere => Refusal::PeerNotHere { to },
        Cause::Busy => Refusal::PeerBusy { to },
    }
}
