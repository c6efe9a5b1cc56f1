//! What arrives on links. Every frame is checked before anything comes of it; an invalid one is a strike against its peer.

use shared::{PeerId, signal::PROTOCOL_VERSION};

use super::{Node, Phase};
use crate::{
    frame::{DecodeError, Frame, GoodbyeReason, Hello, valid_name},
    io::{Alert, LinkId, Output},
    membership::{Need, heir},
    roster::{LinkState, NameNews},
};

impl Node {
    /// A message arrived on a link's control lane.
    pub(super) fn handle_packet(&mut self, id: LinkId, bytes: &[u8]) {
        let now = self.now.instant;
        let Some(link) = self.links.get_mut(&id) else { return };
        link.handle_heard(now, &self.config.timing);
        if !link.frames.take(now) {
            return self.strike(id);
        }
        let frame = match link.reassembly.push(bytes) {
            Ok(Some(frame)) => frame,
            Ok(None) => return,
            Err(_) => return self.strike(id),
        };
        match Frame::decode(&frame) {
            Ok(frame) => self.on_frame(id, frame),
            Err(DecodeError::Unknown) => self.counters.frames_unknown += 1,
            Err(_) => self.strike(id),
        }
    }

    fn on_frame(&mut self, id: LinkId, frame: Frame) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let (peer, greeted, closing) = (link.peer(), link.name.is_some(), link.closing.is_some());
        match frame {
            Frame::GoodbyeAck {} if closing => self.hang_up(id),
            Frame::Goodbye { reason, neighbors } => self.on_goodbye(id, peer, reason, &neighbors),
            // After a goodbye, nothing else counts: what was said before it came before it.
            _ if closing => {}
            // Once: a second one could change names, and screens, without end.
            Frame::Hello(hello) if !greeted => self.on_hello(id, peer, hello),
            Frame::Hello(_) | Frame::GoodbyeAck {} => self.strike(id),
            _ if !greeted => self.strike(id),
            Frame::Ping { nonce, digests } => {
                let ours = self.digests();
                self.send(id, &Frame::Pong { nonce, digests: ours });
                self.compare(id, digests, false);
            }
            Frame::Pong { nonce, digests } => {
                if link.on_pong(self.now.instant, nonce) {
                    let (round_trip, mut events) = (link.round_trip(), Vec::new());
                    self.roster.set_round_trip(peer, round_trip, &mut events);
                    self.emit_all(events);
                }
                self.compare(id, digests, false);
            }
            Frame::Entry {
                hops,
                spread,
                tree,
                wire,
            } => self.on_entry(id, hops, spread, tree, &wire),
            Frame::Beacon { hops, tree, wire } => self.on_beacon(id, hops, tree, &wire),
            Frame::IHave { announced } => self.on_ihave(id, &announced),
            Frame::Graft { ids, tree } => self.on_graft(id, tree, &ids),
            Frame::Prune { tree } => self.broadcast.on_prune(id, tree),
            Frame::Packet {
                hops_left,
                flooded,
                wire,
            } => self.on_packet(id, hops_left, flooded, &wire),
            Frame::Closing { wire } => self.on_closing(id, &wire),
            Frame::Have { vector } => self.on_have(id, vector),
            Frame::Want { spans } => self.on_want(id, &spans),
            Frame::Entries { wires } => self.on_entries(id, &wires),
            Frame::Reconcile { initiator, message } => self.on_reconcile(id, initiator, &message),
            Frame::People { ids } => self.on_people(id, ids),
            Frame::Beacons { wires } => self.on_beacons(id, &wires),
        }
    }

    fn on_hello(&mut self, id: LinkId, peer: PeerId, hello: Hello) {
        if hello.version != PROTOCOL_VERSION {
            self.refuse_version(peer, hello.version);
            self.say_goodbye(id, GoodbyeReason::Version);
            self.set_link(peer, LinkState::None);
            return self.shun(peer);
        }
        if !valid_name(&hello.name) {
            return self.strike(id);
        }
        let Some(link) = self.links.get_mut(&id) else { return };
        link.name = Some(hello.name.clone());
        let state = if link.is_in_trouble() {
            LinkState::Trouble
        } else {
            LinkState::Up
        };
        self.accept_version(peer);
        // Listed before named, should they have been forgotten while the link was made.
        self.set_link(peer, LinkState::Connecting);
        self.set_name(peer, &hello.name);
        self.neighbor_up(id, peer, state);
        self.compare(id, hello.digests, true);
    }

    pub(super) fn set_name(&mut self, peer: PeerId, name: &str) {
        let mut events = Vec::new();
        let news = self.roster.set_name(peer, name, &mut events);
        self.emit_all(events);
        if news == NameNews::New {
            let name = name.to_owned();
            self.outbox.push_back(Output::RememberName { peer, name });
        }
    }

    fn on_goodbye(&mut self, id: LinkId, peer: PeerId, reason: GoodbyeReason, neighbors: &[PeerId]) {
        self.send(id, &Frame::GoodbyeAck {});
        if self.phase != Phase::Here {
            // Both are leaving.
            return self.hang_up(id);
        }
        let until = self.now.instant + self.config.timing.linger;
        if let Some(link) = self.links.get_mut(&id) {
            // Not put off by a second goodbye.
            link.closing.get_or_insert(until);
        }
        self.broadcast.neighbor_down(id);
        self.routes.forget_link(id);
        match reason {
            GoodbyeReason::Leaving => {
                self.set_left(peer);
                self.set_link(peer, LinkState::None);
                self.unwant(peer);
                self.inherit(peer, neighbors);
            }
            GoodbyeReason::Misbehaving | GoodbyeReason::Version => {
                self.set_link(peer, LinkState::None);
                self.unwant(peer);
            }
            // Their newer link is about to open here too; if not, the end of this one is noticed.
            GoodbyeReason::Replaced => {}
            GoodbyeReason::Excess => self.refused_by(peer),
        }
    }

    /// A neighbor leaves and names its neighbors: we link with the next of them, if we are linked with it no other way.
    fn inherit(&mut self, from: PeerId, neighbors: &[PeerId]) {
        self.release(from);
        let Some(next) = heir(neighbors, self.me).filter(|next| *next != from) else {
            return;
        };
        let linked = self.contacts.get(&next).is_some_and(|contact| contact.is_busy());
        // Known to us, or this would be a way to make many call one.
        if !linked && self.need() > Need::None && self.roster.is_present(&next) && self.contact(next, None).is_some() {
            self.start(next);
        }
    }

    /// The peer sent what it should not; too often, and the link is closed with that reason.
    pub(super) fn strike(&mut self, id: LinkId) {
        self.counters.frames_refused += 1;
        let Some(link) = self.links.get_mut(&id) else { return };
        let peer = link.peer();
        if link.closing.is_none() && link.strike() {
            self.say_goodbye(id, GoodbyeReason::Misbehaving);
            self.broadcast.neighbor_down(id);
            self.routes.forget_link(id);
            self.set_link(peer, LinkState::None);
            self.shun(peer);
            self.alert(Alert::Misbehaving { peer });
        }
    }
}
