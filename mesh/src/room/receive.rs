//! What arrives from neighbors: records are checked here before any layer is told of them, and what they carry is told to those whom
//! it concerns. The frames of sync are checked in [`sync`](super::sync).
//!
//! Invariants: nothing is shown, stored or passed on whose signature was not checked; an invalid frame is a violation of the neighbor
//! that sent it, and of nobody else.

use std::rc::Rc;

use shared::PeerId;

use super::{
    Room,
    broadcast::Route,
    delivery::{Acked, News},
    neighbors::{Admission, Arrived},
    roster::BeaconNews,
    sync::Violation,
    tell_news,
};
use crate::{
    config::{GRAFT_BYTES_MAX, GRAFT_IDS_MAX, QUESTION_BYTES},
    context::Context,
    door::{Forwarding, ToNet},
    io::{Instant, LinkId, Priority},
    model::{Alert, Delivery},
    wire::{
        fragment::Fragments,
        frame::{Announced, Frame},
        id::{ShortId, Tree},
        record::{Ack, Beacon, Content, Packet, Payload, Record, Unchecked},
        span::Feed,
        stored::Fate,
    },
};

/// What becomes of a frame: done, or a violation of its sender.
pub(super) type Handled = Result<(), Violation>;

impl Room {
    /// A frame of a neighbor that said hello, and nobody goodbye.
    pub(crate) fn handle_frame(&mut self, cx: &mut Context, link: LinkId, frame: Frame<'_>) {
        self.trees.refresh(&self.roster);
        let handled = match frame {
            Frame::Entry {
                hops,
                fan_out,
                tree,
                wire,
            } => self.on_entry(cx, link, hops, fan_out, tree, wire),
            Frame::Beacon { hops, tree, wire } => self.on_beacon(cx, link, hops, tree, wire),
            Frame::IHave { announced } => self.on_ihave(cx.instant(), link, &announced),
            Frame::Graft { ids, tree } => self.answer(cx, link, |room, cx| room.on_graft(cx, link, tree, &ids)),
            Frame::Prune { tree } => {
                self.broadcast.on_prune(link, tree);
                Ok(())
            }
            Frame::Packet {
                hops_left,
                flooded,
                wire,
            } => self.on_packet(cx, link, hops_left, flooded, wire),
            Frame::Closing { wire } => self.on_closing(cx, wire),
            Frame::Have { vector, ranges } => self.on_have(cx, link, vector, &ranges.unwrap_or_default()),
            Frame::Compare { ranges } => self.on_compare(cx, link, &ranges),
            Frame::Want { spans } => {
                let asked = QUESTION_BYTES * spans.len();
                self.answer(cx, link, |room, cx| {
                    let bytes = room.sync.handle_want(cx, link, &spans, &room.log)?;
                    Ok(asked + bytes)
                })
            }
            Frame::Entries { wires } => self.on_entries(cx, link, wires.into_iter().map(|wire| &**wire)),
            Frame::Fork { one, other } => self.on_fork(cx, link, one, other),
            Frame::People { ids } => self.answer(cx, link, |room, cx| {
                let own = room.presence.own();
                let bytes = room.sync.handle_people(cx, link, &ids, &room.roster, own)?;
                Ok(QUESTION_BYTES * ids.len() + bytes)
            }),
            Frame::Beacons { wires } => self.on_beacons(cx, link, wires.into_iter().map(|wire| &**wire)),
            Frame::Setting { wire } => self.on_setting(cx, link, wire),
            Frame::Typing { tree, wire } => self.on_typing(cx, link, tree, wire),
            // These concern the link alone.
            Frame::Hello(_)
            | Frame::Ping { .. }
            | Frame::Pong { .. }
            | Frame::Goodbye { .. }
            | Frame::GoodbyeAck {} => Ok(()),
        };
        if handled.is_err() {
            self.to_net.push_back(ToNet::Violation { link });
        }
        self.persist(cx);
    }

    /// Answers a neighbor, unless it has asked for more than it is answered with in a while. `work` gives the bytes of the answer.
    pub(super) fn answer(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        work: impl FnOnce(&mut Self, &mut Context) -> Result<usize, Violation>,
    ) -> Handled {
        let now = cx.instant();
        if self.neighbors.may_be_answered(now, link) {
            let bytes = work(self, cx)?;
            self.neighbors.note_answered(now, link, bytes);
        } else {
            cx.counters.answers_put_off += 1;
        }
        Ok(())
    }

    pub(super) fn on_duplicate(&mut self, cx: &mut Context, link: LinkId, route: Route) {
        if self.broadcast.on_duplicate(link, route) {
            cx.send(link, &Frame::Prune { tree: route.tree });
        }
    }

    /// Checks a record that came over `link`, if it is in anybody's share. None if it is put off.
    pub(super) fn check<T: Content>(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        record: &Unchecked<'_>,
        bytes: usize,
    ) -> Result<Option<Rc<Record<T>>>, Violation> {
        let arrived = Arrived {
            author: record.author,
            id: record.short(),
            bytes,
            is_packet: T::IS_PACKET,
            is_here: self.roster.weighs(&record.author),
        };
        // Before the signature, which costs most.
        match self.neighbors.admits(cx.instant(), link, arrived) {
            Admission::Taken => record.check::<T>(&cx.room).map(Some).map_err(|_| Violation),
            Admission::PutOff => {
                cx.counters.records_put_off += 1;
                Ok(None)
            }
            Admission::Violation => Err(Violation),
        }
    }

    /// A beacon was broadcast to us.
    fn on_beacon(&mut self, cx: &mut Context, link: LinkId, hops: u8, tree: Tree, wire: &[u8]) -> Handled {
        let unchecked = Unchecked::read(wire).map_err(|_| Violation)?;
        let id = unchecked.short();
        let route = self.trees.beacon_route(ShortId::of_peer(&unchecked.author), tree);
        if self.broadcast.has_seen(id) {
            self.on_duplicate(cx, link, route);
            return Ok(());
        }
        let Some(record) = self.check::<Beacon>(cx, link, &unchecked, wire.len())? else {
            return Ok(());
        };
        match self.accept_beacon(cx, link, &record) {
            BeaconNews::New => {
                self.routing.learn(record.author, link);
                self.note_clock(cx, record.author, record.content.unix_millis);
                self.trees.refresh(&self.roster);
                self.trees.note_beacon(route, hops);
                self.pass_beacon(cx, &record, hops, route, Some(link));
            }
            // Listed or not, others may have a place for it.
            BeaconNews::NoRoom => self.pass_beacon(cx, &record, hops, route, Some(link)),
            BeaconNews::Known | BeaconNews::Stale => self.broadcast.note_seen(id),
        }
        Ok(())
    }

    /// Draws the conclusions from a beacon that was checked.
    fn accept_beacon(&mut self, cx: &mut Context, link: LinkId, record: &Rc<Record<Beacon>>) -> BeaconNews {
        let now = cx.instant();
        let (author, beacon) = (record.author, &record.content);
        if author == self.me {
            if self.presence.on_superseded(now, beacon.stamp) {
                cx.alert(Alert::TwoLives);
            }
            return BeaconNews::Known;
        }
        let news = self.change_roster(cx, |roster, events| roster.on_beacon(now, record, events));
        match news {
            BeaconNews::New => {
                self.set_name(cx, author, &beacon.name);
                self.on_presence(cx, record);
            }
            BeaconNews::Stale => {
                let known = self.roster.beacon(&author);
                if let Some(known) = known.filter(|_| self.neighbors.peer(link) == Some(author)) {
                    // It came back with less than it had, and has to be told.
                    self.trees.refresh(&self.roster);
                    let (hops, tree) = (0, self.trees.nearest());
                    let wire = known.wire.as_slice().into();
                    cx.send(link, &Frame::Beacon { hops, tree, wire });
                }
            }
            BeaconNews::Known | BeaconNews::NoRoom => {}
        }
        news
    }

    fn on_presence(&mut self, cx: &mut Context, record: &Record<Beacon>) {
        let now = cx.instant();
        let (author, beacon) = (record.author, &record.content);
        if beacon.leaving {
            self.give_up_on(cx, author);
        }
        if self.deliveries.awaits_acks() {
            let me = ShortId::of_peer(&self.me);
            let has_all = beacon.whole && beacon.digest == self.log.digest();
            let has = |(number, seq)| {
                let covers = |ack: &Ack| ack.author == me && ack.feed == number && (ack.first..ack.next).contains(&seq);
                let feed = Feed {
                    author: self.me,
                    number,
                };
                // What waits for the store is not sent: who has that number has something else. And logs that agree say nothing of what
                // is in neither.
                let is_sent = number != self.feed || self.journal.first_unsent().is_none_or(|first| seq < first);
                is_sent && (has_all && self.log.has(&feed, seq) || beacon.acks.iter().any(covers))
            };
            let Acked { news, whispers } = self.deliveries.on_ack(author, has);
            // Nobody was known to have it until now.
            let is_first = |(_, delivery): &News| matches!(delivery, Delivery::Sent { delivered: 1, .. });
            let was_unread = news.iter().any(is_first);
            tell_news(cx, news);
            for id in whispers {
                self.settle_whisper(cx, id, Fate::Delivered);
            }
            if was_unread {
                self.keep_head(cx, Priority::Soon);
            }
        }
        if !beacon.lost.is_empty() {
            let me = self.me;
            if self.change_roster(cx, |roster, events| {
                roster.on_lost(now, &me, &author, &beacon.lost, events)
            }) {
                self.presence.hurry(now);
            }
        }
    }

    pub(super) fn pass_beacon(
        &mut self,
        cx: &mut Context,
        record: &Record<Beacon>,
        hops: u8,
        route: Route,
        from: Option<LinkId>,
    ) {
        let targets = self.broadcast.publish(cx.instant(), record.short(), route, from);
        if targets.is_empty() {
            return;
        }
        let frame = Fragments::of(&Frame::Beacon {
            hops: hops.saturating_add(1),
            tree: route.tree,
            wire: record.wire.as_slice().into(),
        });
        for target in targets {
            cx.transmit(target.link, &frame);
        }
    }

    /// A neighbor announced records.
    fn on_ihave(&mut self, now: Instant, link: LinkId, announced: &[Announced]) -> Handled {
        let ids: usize = announced.iter().map(|announced| announced.ids.len()).sum();
        if ids > GRAFT_IDS_MAX || announced.iter().any(|announced| announced.ids.is_empty()) {
            return Err(Violation);
        }
        if !self.neighbors.may_announce(now, link, ids) {
            return Ok(());
        }
        for announced in announced {
            let at_hand = |id| self.log.find(id).is_some();
            self.broadcast.on_ihave(now, link, announced, at_hand);
        }
        Ok(())
    }

    /// The last beacon of somebody, or ours, whose record has this id.
    fn find_beacon(&self, id: ShortId) -> Option<&Rc<Record<Beacon>>> {
        let own = self.presence.own().filter(|own| own.short() == id);
        own.or_else(|| self.roster.find_beacon(id))
    }

    /// A neighbor asks for records that were announced. Gives the bytes sent, and what the question costs.
    fn on_graft(&mut self, cx: &mut Context, link: LinkId, tree: Tree, ids: &[ShortId]) -> Result<usize, Violation> {
        if ids.len() > GRAFT_IDS_MAX {
            return Err(Violation);
        }
        self.broadcast.on_graft(link, tree);
        let mut bytes = QUESTION_BYTES * ids.len();
        let mut sent = 0;
        for id in ids {
            let frame = if let Some(entry) = self.log.find(*id) {
                Frame::Entry {
                    hops: 0,
                    fan_out: 0,
                    tree,
                    wire: entry.wire.as_slice().into(),
                }
            } else if let Some(beacon) = self.find_beacon(*id) {
                Frame::Beacon {
                    hops: 0,
                    tree,
                    wire: beacon.wire.as_slice().into(),
                }
            } else {
                continue;
            };
            let frame = Fragments::of(&frame);
            sent += frame.bytes();
            if sent > GRAFT_BYTES_MAX {
                break;
            }
            bytes += frame.bytes();
            cx.transmit(link, &frame);
        }
        Ok(bytes)
    }

    /// A packet came, for us or for another.
    fn on_packet(&mut self, cx: &mut Context, link: LinkId, hops_left: u8, flooded: bool, wire: &[u8]) -> Handled {
        let forwarding = if flooded {
            Forwarding::Flooded
        } else {
            Forwarding::Learned
        };
        let unchecked = Unchecked::read(wire).map_err(|_| Violation)?;
        let id = unchecked.short();
        if self.routing.was_handed_on(id, forwarding) {
            return Ok(());
        }
        let Some(record) = self.check::<Packet>(cx, link, &unchecked, wire.len())? else {
            return Ok(());
        };
        self.routing.note_handed_on(id, forwarding);
        if record.author == self.me {
            return Ok(());
        }
        self.routing.learn(record.author, link);
        if record.content.to == self.me {
            self.on_payload(cx, link, record.author, &record.content.payload);
        } else {
            self.routing
                .pass_on(cx, &self.neighbors, &record, hops_left, forwarding, link);
        }
        Ok(())
    }

    fn on_payload(&mut self, cx: &mut Context, link: LinkId, author: PeerId, payload: &Payload) {
        match payload {
            Payload::Envelope { sealed } => {
                let (from, sealed) = (self.neighbors.peer(link).unwrap_or(author), sealed.clone());
                self.to_net.push_back(ToNet::Envelope { from, sealed });
            }
            Payload::Whisper { sealed } => self.on_whisper(cx, author, sealed),
            Payload::Receipt { id } => {
                if self.deliveries.on_receipt(author, *id) {
                    self.settle_whisper(cx, *id, Fate::Delivered);
                }
            }
        }
    }

    /// Somebody says that the room is closed.
    fn on_closing(&mut self, cx: &mut Context, wire: &[u8]) -> Handled {
        let statement = shared::Closing::from_bytes(wire).ok_or(Violation)?;
        statement.verify(&cx.room).map_err(|_| Violation)?;
        self.follow_closing(cx, statement);
        Ok(())
    }

    /// Follows the founder's statement, which was checked.
    pub(super) fn follow_closing(&mut self, cx: &mut Context, statement: shared::Closing) {
        if self.closing.follow(cx, &self.neighbors, &statement) {
            self.to_net.push_back(ToNet::Close { statement });
        }
    }

    /// What one neighbor brought is news for others.
    pub(super) fn announce(&mut self, now: Instant, from: LinkId, others: Vec<LinkId>, ids: &[ShortId]) {
        if ids.is_empty() {
            return;
        }
        self.trees.refresh(&self.roster);
        let tree = self.trees.nearest();
        for other in others.into_iter().filter(|other| *other != from) {
            self.broadcast.announce(now, other, tree, ids.iter().copied());
        }
    }

    /// Counts the invalid records of a batch, once it is worked through: nothing is said on a link after its goodbye.
    pub(super) fn note_invalid(&mut self, link: LinkId, invalid: u32) {
        for _ in 0..invalid {
            self.to_net.push_back(ToNet::Violation { link });
        }
    }

    /// Asks a neighbor for records.
    pub(super) fn graft(&mut self, cx: &mut Context, link: LinkId, tree: Tree, ids: Vec<ShortId>) {
        self.neighbors.note_asked(cx.instant(), link, &ids);
        cx.send(link, &Frame::Graft { ids, tree });
    }

    /// Beacons that we lacked.
    fn on_beacons<'a>(&mut self, cx: &mut Context, link: LinkId, wires: impl Iterator<Item = &'a [u8]>) -> Handled {
        if !self.sync.awaits_beacons(cx.instant(), link) {
            return Ok(());
        }
        let (mut fresh, mut invalid) = (Vec::new(), 0);
        for wire in wires {
            let Ok(record) = Record::<Beacon>::open(wire, &cx.room) else {
                invalid += 1;
                continue;
            };
            let news = self.accept_beacon(cx, link, &record);
            self.broadcast.note_seen(record.short());
            if news == BeaconNews::New {
                fresh.push(record.short());
                if self.routing.next_hop(&self.neighbors, &record.author).is_none() {
                    self.routing.learn(record.author, link);
                }
            }
        }
        if !fresh.is_empty() {
            self.sync.note_people_progress(link);
            let others = self.sync.lacking_people(self.roster.digest(&self.me)).collect();
            self.announce(cx.instant(), link, others, &fresh);
            self.to_net.push_back(ToNet::LinksWanted);
        }
        self.note_invalid(link, invalid);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
