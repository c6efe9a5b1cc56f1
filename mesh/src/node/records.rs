//! Entries, beacons and the closing of the room: checked, taken, passed on.

use std::rc::Rc;

use shared::PeerId;

use super::{Node, Phase};
use crate::{
    broadcast::{ANNOUNCE_BEACON, ANNOUNCE_ENTRY, Action, Course, SPREAD_PEOPLE, SPREAD_ROOM_MIN, Tree, roots},
    config::GRAFT_IDS_MAX,
    frame::{Announced, Frame},
    io::{Event, LinkId, Message, Output},
    link::Link,
    log::Taken,
    presence::interval,
    record::{Ack, Beacon, Closing, Content, Entry, Lost, Record, Short, Unchecked},
    roster::BeaconNews,
};

/// The most bytes of payloads sent for one graft; what is missing then is grafted again.
const GRAFT_BYTES_MAX: usize = 256 * 1024;

impl Node {
    /// An entry was broadcast to us.
    pub(super) fn on_entry(&mut self, link: LinkId, hops: u8, spread: u16, tree: Tree, wire: &[u8]) {
        self.counters.entries_broadcast += 1;
        let Ok(unchecked) = Unchecked::read(wire) else {
            return self.strike(link);
        };
        let id = unchecked.short();
        let course = Course {
            spread: spread.min(self.spread()),
            announce_after: ANNOUNCE_ENTRY,
            ..self.course(&unchecked.author, tree)
        };
        if self.broadcast.has_seen(id) || self.log.find(id).is_some() {
            self.counters.entries_repeated += 1;
            return self.on_duplicate(link, course);
        }
        let Some(record) = self.open_record::<Entry>(link, &unchecked) else {
            return;
        };
        if self.take_entry(&record) {
            self.counters.entry_hops = u64::from(hops);
            self.pass_entry(&record, hops, course, Some(link));
        }
    }

    fn on_duplicate(&mut self, link: LinkId, course: Course) {
        if self.broadcast.on_duplicate(link, course) {
            self.send(link, &Frame::Prune { tree: course.tree });
        }
    }

    /// How a record by `author` travels that is said to be on `tree`: the author's own, or that of a root. Any other is not
    /// kept, for it would be new to everybody, and flood.
    fn course(&self, author: &PeerId, tree: Tree) -> Course {
        let author = Short::of_peer(author);
        let known = tree == author || self.roots().any(|root| root == tree);
        Course {
            tree: if known { tree } else { self.nearest_tree() },
            author,
            spread: 0,
            announce_after: ANNOUNCE_BEACON,
        }
    }

    /// Those whose beacons shape the trees for all: the lowest ids of all who are here.
    fn roots(&self) -> impl Iterator<Item = Tree> {
        let count = roots(self.people());
        let me = Short::of_peer(&self.me);
        let (mut mine, mut others) = (Some(me), self.roster.shorts().peekable());
        let merged = std::iter::from_fn(move || match (mine, others.peek()) {
            (Some(me), Some(other)) if me < *other => mine.take(),
            (Some(_), None) => mine.take(),
            _ => others.next(),
        });
        merged.take(count)
    }

    /// The tree whose root is the fewest links away, as far as we know.
    pub(super) fn nearest_tree(&self) -> Tree {
        let me = Short::of_peer(&self.me);
        let distance = |root: &Tree| {
            if *root == me {
                return 0;
            }
            self.root_hops.get(root).copied().unwrap_or(u8::MAX)
        };
        self.roots().min_by_key(distance).unwrap_or(me)
    }

    /// Takes an entry into the log and shows it. Says whether it was new.
    pub(super) fn take_entry(&mut self, record: &Rc<Record<Entry>>) -> bool {
        match self.log.take(record) {
            Taken::New => {
                self.clock.observe(record.content.order, self.now.unix_millis);
                self.show_entry(record);
                self.hasten_beacon();
                true
            }
            Taken::Known => {
                self.broadcast.note_seen(record.short());
                false
            }
            // Not noted as seen: sync brings it in its turn.
            Taken::TooEarly => false,
        }
    }

    /// Broadcasts an entry of our own.
    pub(super) fn publish_entry(&mut self, record: &Rc<Record<Entry>>) {
        // Who says a lot pays for a tree once, and gains with every entry after.
        let me = Short::of_peer(&self.me);
        let tree = if self.talkative.says(self.now.instant) {
            me
        } else {
            self.nearest_tree()
        };
        let course = Course {
            tree,
            author: me,
            spread: if tree == me { 0 } else { self.spread() },
            announce_after: ANNOUNCE_ENTRY,
        };
        self.pass_entry(record, 0, course, None);
    }

    /// How many shortcuts an entry may take in this room.
    fn spread(&self) -> u16 {
        let people = self.people();
        if people < SPREAD_ROOM_MIN {
            return 0;
        }
        u16::try_from(people / SPREAD_PEOPLE).unwrap_or(u16::MAX)
    }

    fn pass_entry(&mut self, record: &Rc<Record<Entry>>, hops: u8, course: Course, from: Option<LinkId>) {
        let now = self.now.instant;
        for target in self.broadcast.publish(now, record.short(), course, from) {
            let frame = Frame::Entry {
                hops: hops.saturating_add(1),
                spread: target.spread,
                tree: course.tree,
                wire: record.wire.clone().into(),
            };
            self.send(target.link, &frame);
        }
    }

    pub(super) fn show_entry(&mut self, record: &Record<Entry>) {
        let Some(text) = record.content.text() else { return };
        let message = Message {
            id: record.message_id(),
            author: record.author,
            author_name: record.content.name.clone(),
            own: record.author == self.me,
            whisper_to: None,
            order: record.content.order,
            unix_millis: record.content.unix_millis,
            text: text.to_owned(),
        };
        self.emit(Event::Message { message });
    }

    /// Reads a record that came over `link` and checks it; counts what is wrong against the peer. What a peer says itself is
    /// limited here, at the first hop: whatever passes this one, all others have to carry.
    pub(super) fn open_record<T: Content>(&mut self, link: LinkId, record: &Unchecked<'_>) -> Option<Rc<Record<T>>> {
        let now = self.now.instant;
        let Ok(record) = record.check::<T>(&self.room) else {
            self.strike(link);
            return None;
        };
        let from = self.links.get_mut(&link)?;
        let own = from.peer() == record.author;
        let bucket = if T::IS_PACKET {
            &mut from.packets
        } else {
            &mut from.records
        };
        if own && !bucket.take(now) {
            self.strike(link);
            return None;
        }
        Some(record)
    }

    /// A beacon was broadcast to us.
    pub(super) fn on_beacon(&mut self, link: LinkId, hops: u8, tree: Tree, wire: &[u8]) {
        let Ok(unchecked) = Unchecked::read(wire) else {
            return self.strike(link);
        };
        let id = unchecked.short();
        let course = self.course(&unchecked.author, tree);
        if self.broadcast.has_seen(id) {
            return self.on_duplicate(link, course);
        }
        let Some(record) = self.open_record::<Beacon>(link, &unchecked) else {
            return;
        };
        match self.take_beacon(link, &record) {
            BeaconNews::New { .. } => {
                self.routes.learn(record.author, link);
                self.note_root(course, hops);
                self.pass_beacon(&record, hops, course, Some(link));
            }
            // Listed or not, others may have a place for it.
            BeaconNews::NoRoom => self.pass_beacon(&record, hops, course, Some(link)),
            BeaconNews::Known | BeaconNews::Stale => self.broadcast.note_seen(id),
        }
    }

    /// Draws the conclusions from a beacon that was checked.
    pub(super) fn take_beacon(&mut self, link: LinkId, record: &Rc<Record<Beacon>>) -> BeaconNews {
        let now = self.now.instant;
        let (author, beacon) = (record.author, &record.content);
        if author == self.me {
            // Of another life of ours.
            self.presence.outbid(now, beacon.stamp);
            return BeaconNews::Known;
        }
        let mut events = Vec::new();
        let news = self.roster.on_beacon(now, record, &mut events);
        self.emit_all(events);
        match news {
            BeaconNews::New { arrived, renamed } => {
                if renamed {
                    self.set_name(author, &beacon.name);
                }
                self.on_presence(record, arrived);
            }
            BeaconNews::Stale => {
                let known = self.roster.beacon(&author).map(|known| known.wire.clone());
                let from = self.links.get(&link).map(Link::peer);
                if let Some(wire) = known.filter(|_| from == Some(author)) {
                    // It came back with less than it had, and has to be told.
                    let (hops, tree) = (0, self.nearest_tree());
                    let wire = wire.into();
                    self.send(link, &Frame::Beacon { hops, tree, wire });
                }
            }
            BeaconNews::Known | BeaconNews::NoRoom => {}
        }
        news
    }

    fn on_presence(&mut self, record: &Rc<Record<Beacon>>, arrived: bool) {
        let now = self.now.instant;
        let (author, beacon) = (record.author, &record.content);
        if beacon.leaving {
            self.set_left(author);
        } else if arrived {
            let news = self.chat.on_arrival(now, author, &self.config.timing);
            self.emit_news(news);
        }
        let me = Short::of_peer(&self.me);
        let mine = |ack: &&Ack| ack.author == me && ack.incarnation == self.incarnation;
        let next = if beacon.digest == self.log.digest() {
            self.next_seq
        } else {
            beacon.acks.iter().find(mine).map_or(0, |ack| ack.next)
        };
        let news = self.chat.on_ack(author, next);
        self.emit_news(news);
        if !beacon.lost.is_empty() {
            let mut events = Vec::new();
            if self.roster.on_lost(now, &self.me, &beacon.lost, &mut events) {
                self.presence.hurry(now);
            }
            self.emit_all(events);
        }
    }

    /// A root's beacon came: notes how far away that one is.
    fn note_root(&mut self, course: Course, hops: u8) {
        // A grafted beacon has come no known way.
        if course.tree != course.author || hops == 0 {
            return;
        }
        let roots: Vec<_> = self.roots().collect();
        self.root_hops.retain(|root, _| roots.contains(root));
        if roots.contains(&course.tree) {
            self.root_hops.insert(course.tree, hops);
        }
    }

    fn pass_beacon(&mut self, record: &Rc<Record<Beacon>>, hops: u8, course: Course, from: Option<LinkId>) {
        let now = self.now.instant;
        let targets = self.broadcast.publish(now, record.short(), course, from);
        if targets.is_empty() {
            return;
        }
        let frame = Frame::Beacon {
            hops: hops.saturating_add(1),
            tree: course.tree,
            wire: record.wire.clone().into(),
        };
        let frame = frame.encode();
        for target in targets {
            self.transmit(target.link, &frame);
        }
    }

    /// Says that we are here, or that we leave.
    pub(super) fn send_beacon(&mut self, leaving: bool) {
        let people = self.people();
        let me = Short::of_peer(&self.me);
        let root = self.roots().any(|root| root == me);
        let stamp = self
            .presence
            .send(self.now.instant, people, root, &mut self.random.presence);
        let neighbors = self.linked().map(|peer| Short::of_peer(&peer)).collect();
        // In two beacons each, for one may not come through; who missed both is told by the digest, or with the author's next entry.
        let acks = self.log.acks(self.acked[0]);
        self.acked = [self.acked[1], self.log.taken()];
        let lost = std::mem::take(&mut self.lost).into_iter().map(|peer| Lost {
            peer: Short::of_peer(&peer),
            stamp: self.roster.beacon(&peer).map_or(0, |beacon| beacon.content.stamp),
        });
        let beacon = Beacon {
            stamp,
            name: self.config.name.clone(),
            interval_millis: u32::try_from(interval(people).as_millis()).unwrap_or(u32::MAX),
            neighbors,
            on_server: self.registered().is_some(),
            digest: self.log.digest(),
            acks,
            lost: lost.collect(),
            leaving,
        };
        let record = Record::sign(&self.identity, &self.room, beacon);
        let course = Course {
            tree: if root { me } else { self.nearest_tree() },
            author: me,
            spread: 0,
            announce_after: ANNOUNCE_BEACON,
        };
        self.pass_beacon(&record, 0, course, None);
        self.own_beacon = Some(record);
    }

    /// Something is news that the next beacon should say soon.
    pub(super) fn hasten_beacon(&mut self) {
        let people = self.people();
        self.presence
            .hasten(self.now.instant, people, &mut self.random.presence);
    }

    /// A neighbor announced records.
    pub(super) fn on_ihave(&mut self, link: LinkId, announced: &[Announced]) {
        let ids = announced.iter().map(|announced| announced.ids.len());
        if ids.sum::<usize>() > GRAFT_IDS_MAX || announced.iter().any(|announced| announced.ids.is_empty()) {
            return self.strike(link);
        }
        for announced in announced {
            let at_hand = |id| self.log.find(id).is_some();
            self.broadcast.on_ihave(self.now.instant, link, announced, at_hand);
        }
    }

    /// A neighbor asks for records that were announced.
    pub(super) fn on_graft(&mut self, link: LinkId, tree: Tree, ids: &[Short]) {
        if ids.len() > GRAFT_IDS_MAX {
            return self.strike(link);
        }
        self.broadcast.on_graft(link, tree);
        let mut bytes = 0;
        for id in ids {
            let frame = if let Some(entry) = self.log.find(*id) {
                Frame::Entry {
                    hops: 0,
                    spread: 0,
                    tree,
                    wire: entry.wire.clone().into(),
                }
            } else if let Some(beacon) = self.roster.find_beacon(*id) {
                Frame::Beacon {
                    hops: 0,
                    tree,
                    wire: beacon.wire.clone().into(),
                }
            } else {
                continue;
            };
            let frame = frame.encode();
            bytes += frame.len();
            if bytes > GRAFT_BYTES_MAX {
                return;
            }
            self.transmit(link, &frame);
        }
    }

    /// Announces and grafts what is due.
    pub(super) fn handle_broadcast_due(&mut self) {
        let mut actions = Vec::new();
        self.broadcast.handle_timeout(self.now.instant, &mut actions);
        for action in actions {
            match action {
                Action::IHave { link, announced } => self.send(link, &Frame::IHave { announced }),
                Action::Graft { link, tree, ids } => self.send(link, &Frame::Graft { ids, tree }),
            }
        }
    }

    /// Somebody says that the room is closed.
    pub(super) fn on_closing(&mut self, link: LinkId, wire: &[u8]) {
        let Ok(unchecked) = Unchecked::read(wire) else {
            return self.strike(link);
        };
        let Some(closing) = self.open_record::<Closing>(link, &unchecked) else {
            return;
        };
        if self.room.founder() == Some(closing.author) {
            self.honour_closing(&closing);
        } else {
            self.strike(link);
        }
    }

    /// The founder closes the room: everyone is told, it is remembered, and we leave.
    pub(super) fn honour_closing(&mut self, closing: &Rc<Record<Closing>>) {
        if self.closing.is_some() {
            return;
        }
        self.closing = Some(Rc::clone(closing));
        let statement = closing.wire.clone();
        for link in self.usable_links().map(Link::id).collect::<Vec<_>>() {
            let wire = statement.clone().into();
            self.send(link, &Frame::Closing { wire });
        }
        self.outbox.push_back(Output::RememberClosed { statement });
        self.emit(Event::RoomClosed);
        self.leave(self.now);
    }

    /// A room that was closed on a former visit stays closed. Says whether this is one.
    pub(super) fn recall_closing(&mut self) -> bool {
        let Some(statement) = self.config.closed.take() else {
            return false;
        };
        let closing = Record::<Closing>::open(&statement, &self.room);
        let Ok(closing) = closing.map_err(|_| ()).and_then(|closing| {
            let founder = self.room.founder() == Some(closing.author);
            if founder { Ok(closing) } else { Err(()) }
        }) else {
            return false;
        };
        self.closing = Some(closing);
        self.emit(Event::RoomClosed);
        self.phase = Phase::Leaving {
            until: self.now.instant,
        };
        self.finish_leaving();
        true
    }

    /// Our own last beacon, and those of everyone present but `known`.
    pub(super) fn beacons_beyond(&self, known: &[Short]) -> Vec<Rc<Record<Beacon>>> {
        let unknown = |peer: &PeerId| known.binary_search(&Short::of_peer(peer)).is_err();
        let others = self.roster.beacons().filter(|beacon| unknown(&beacon.author));
        others.chain(&self.own_beacon).cloned().collect()
    }
}
