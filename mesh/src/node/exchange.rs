//! What two neighbors do about differences: logs are compared and completed, and so is who is here.

use std::time::Duration;

use minicbor::bytes::ByteVec;

use super::Node;
use crate::{
    config::{BATCH_BYTES_MAX, GRAFT_IDS_MAX, PEOPLE_MAX, VECTOR_SPANS_MAX, WANT_SPANS_MAX},
    frame::{Digests, Frame},
    io::LinkId,
    link::Link,
    log::Span,
    record::{Beacon, Entry, Record, Short},
    roster::BeaconNews,
    sync::{Opening, Reconciled, answer, proceed},
};

/// For how long beacons that were asked for are awaited.
const PEOPLE_TIMEOUT: Duration = Duration::from_secs(30);

impl Node {
    /// The peer told its digests. `at_once`: the link is new, and nothing is under way on it.
    pub(super) fn compare(&mut self, id: LinkId, theirs: Digests, at_once: bool) {
        let now = self.now.instant;
        let ours = self.digests();
        let Some(link) = self.links.get_mut(&id) else { return };
        let opening = link.sync.on_digest(now, theirs.log, at_once, &self.log);
        let people = link.people.on_digest(now, theirs.people, ours.people, at_once);
        if people {
            link.people_until = Some(now + PEOPLE_TIMEOUT);
        }
        match opening {
            Some(Opening::Have(vector)) => self.send(id, &Frame::Have { vector }),
            Some(Opening::Reconcile(message)) => self.send_reconcile(id, true, message),
            None => {}
        }
        if people {
            let ids = self.roster.shorts().collect();
            self.send(id, &Frame::People { ids });
        }
    }

    /// The peer's version vector.
    pub(super) fn on_have(&mut self, id: LinkId, vector: Vec<Span>) {
        let now = self.now.instant;
        if vector.len() > VECTOR_SPANS_MAX {
            return self.strike(id);
        }
        let Some(link) = self.links.get_mut(&id) else { return };
        let spans = link.sync.on_have(now, vector, &self.log);
        self.want(id, spans);
    }

    fn want(&mut self, id: LinkId, mut spans: Vec<Span>) {
        spans.truncate(WANT_SPANS_MAX);
        if !spans.is_empty() {
            self.send(id, &Frame::Want { spans });
        }
    }

    /// The peer wants entries: as many as one batch takes.
    pub(super) fn on_want(&mut self, id: LinkId, spans: &[Span]) {
        if spans.len() > WANT_SPANS_MAX {
            return self.strike(id);
        }
        let mut wires = Vec::new();
        let mut bytes = 0;
        for entry in spans.iter().flat_map(|span| self.log.entries_of(*span)) {
            bytes += entry.wire.len();
            if bytes > BATCH_BYTES_MAX && !wires.is_empty() {
                break;
            }
            wires.push(ByteVec::from(entry.wire.clone()));
        }
        self.send(id, &Frame::Entries { wires });
    }

    /// A batch of entries that we wanted.
    pub(super) fn on_entries(&mut self, id: LinkId, wires: &[ByteVec]) {
        let now = self.now.instant;
        // Uninvited; broadcast is the way for those.
        if !self.links.get(&id).is_some_and(|link| link.sync.is_fetching()) {
            return self.strike(id);
        }
        let (mut fresh, mut invalid) = (Vec::new(), 0);
        for wire in wires {
            // Entries of the peer itself are not counted against it: they were asked for.
            let Ok(record) = Record::<Entry>::open(wire, &self.room) else {
                invalid += 1;
                continue;
            };
            if self.take_entry(&record) {
                self.counters.entries_synced += 1;
                self.broadcast.note_seen(record.short());
                fresh.push(record.short());
            }
        }
        self.announce_entries(id, &fresh);
        let Some(link) = self.links.get_mut(&id) else { return };
        let spans = link.sync.on_batch(now, fresh.len(), &mut self.log);
        self.want(id, spans);
        self.strike_for(id, invalid);
    }

    /// What one neighbor brought is news for those whose logs differ from ours.
    fn announce_entries(&mut self, from: LinkId, ids: &[Short]) {
        let now = self.now.instant;
        if ids.is_empty() {
            return;
        }
        let tree = self.nearest_tree();
        for (other, link) in self.links.iter().filter(|(other, _)| **other != from) {
            if link.sync.differs(&self.log) {
                self.broadcast.announce(now, *other, tree, ids.iter().copied());
            }
        }
    }

    /// A step of a reconciliation.
    pub(super) fn on_reconcile(&mut self, id: LinkId, initiator: bool, message: &[u8]) {
        let step = if initiator {
            answer(&self.log, message)
        } else {
            proceed(&self.log, message)
        };
        let Some(Reconciled { reply, have, need }) = step else {
            return self.strike(id);
        };
        if let Some(reply) = reply {
            self.send_reconcile(id, !initiator, reply);
        }
        // What the peer lacks is announced like any record, what we lack is grafted like any that was.
        let tree = self.nearest_tree();
        self.broadcast.announce(self.now.instant, id, tree, have);
        for ids in need.chunks(GRAFT_IDS_MAX) {
            let ids = ids.to_vec();
            self.send(id, &Frame::Graft { ids, tree });
        }
    }

    fn send_reconcile(&mut self, id: LinkId, initiator: bool, message: Vec<u8>) {
        let message = message.into();
        self.send(id, &Frame::Reconcile { initiator, message });
    }

    /// The peer told who is here: it gets the beacons it lacks.
    pub(super) fn on_people(&mut self, id: LinkId, mut ids: Vec<Short>) {
        if ids.len() > PEOPLE_MAX {
            return self.strike(id);
        }
        ids.sort_unstable();
        let mut wires = Vec::new();
        let mut bytes = 0;
        for beacon in self.beacons_beyond(&ids) {
            if bytes + beacon.wire.len() > BATCH_BYTES_MAX {
                bytes = 0;
                let wires = std::mem::take(&mut wires);
                self.send(id, &Frame::Beacons { wires });
            }
            bytes += beacon.wire.len();
            wires.push(ByteVec::from(beacon.wire.clone()));
        }
        if !wires.is_empty() {
            self.send(id, &Frame::Beacons { wires });
        }
    }

    /// Beacons that we lacked.
    pub(super) fn on_beacons(&mut self, id: LinkId, wires: &[ByteVec]) {
        let now = self.now.instant;
        let until = self.links.get(&id).and_then(|link| link.people_until);
        if until.is_none_or(|until| now > until) {
            return;
        }
        let (mut fresh, mut invalid) = (Vec::new(), 0);
        for wire in wires {
            let Ok(record) = Record::<Beacon>::open(wire, &self.room) else {
                invalid += 1;
                continue;
            };
            let news = self.take_beacon(id, &record);
            self.broadcast.note_seen(record.short());
            if let BeaconNews::New { .. } = news {
                fresh.push(record.short());
                if self.routes.next_hop(&record.author).is_none() {
                    self.routes.learn(record.author, id);
                }
            }
        }
        if fresh.is_empty() {
            return self.strike_for(id, invalid);
        }
        let ours = self.digests().people;
        let Some(link) = self.links.get_mut(&id) else { return };
        link.people.on_fruit();
        let others = self
            .links
            .values()
            .filter(|link| link.people.differs(ours))
            .map(Link::id);
        let tree = self.nearest_tree();
        for other in others.filter(|other| *other != id).collect::<Vec<_>>() {
            self.broadcast.announce(now, other, tree, fresh.iter().copied());
        }
        // More people may mean more links.
        self.seek_soon();
        self.strike_for(id, invalid);
    }

    /// Counts the invalid records of a batch, once it is worked through: nothing is said on a link after its goodbye.
    fn strike_for(&mut self, id: LinkId, invalid: u32) {
        for _ in 0..invalid {
            self.strike(id);
        }
    }
}
