//! A room with its context, for tests of what several layers do together.

use std::rc::Rc;

use super::*;
use crate::{
    context::test::{identity, peer},
    door::PassiveView,
    io::Output,
    wire::{
        entry::{Entry, EntryBody},
        frame::Frame,
        id::Tree,
        record::{Beacon, Content, Record},
        span::{Feed, Span},
        timestamp::Timestamp,
    },
};

pub(super) const BOB: LinkId = LinkId(2);
pub(super) const CID: LinkId = LinkId(3);
pub(super) const DAN: LinkId = LinkId(4);

/// Ann, whose room it is, and what comes out.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) cx: Context,
    pub(super) room: Room,
}

impl Rig {
    pub(super) fn new() -> Self {
        let cx = Context::test(1);
        let room = Room::new(&cx, None, [1; 32]);
        Self { cx, room }
    }

    /// Linked with the people of these numbers over links of the same numbers, who have what we have.
    pub(super) fn linked(people: &[u8]) -> Self {
        let mut rig = Self::new();
        for person in people {
            let digests = rig.room.digests();
            rig.tell(ToRoom::NeighborUp {
                link: LinkId(u64::from(*person)),
                peer: peer(*person),
                name: format!("P{person}"),
                state: LinkState::Up,
                digests,
                unix_millis: 1_800_000_000_000,
            });
        }
        rig.cx.outputs();
        rig
    }

    pub(super) fn tell(&mut self, word: ToRoom) {
        self.room.handle_net(&mut self.cx, word);
    }

    pub(super) fn handle(&mut self, link: LinkId, frame: Frame<'_>) {
        self.room.handle_frame(&mut self.cx, link, frame);
    }

    /// What the net was told since the last time.
    pub(super) fn told(&mut self) -> Vec<ToNet> {
        std::iter::from_fn(|| self.room.poll_event()).collect()
    }

    /// Lets our next beacon go out over a link: gives what it says.
    pub(super) fn beacon_over(&mut self, link: LinkId) -> Rc<Record<Beacon>> {
        self.cx.outputs();
        self.room.on_beacon_due(&mut self.cx);
        let outputs = self.cx.outputs();
        let beacon = outputs.iter().find_map(|output| {
            let Output::Transmit { link: over, bytes } = output else {
                return None;
            };
            (*over == link).then(|| beacon_in(&self.cx, bytes))
        });
        beacon.expect("a beacon was sent")
    }

    /// A beacon of the person with this number.
    pub(super) fn beacon_of(&self, person: u8, stamp: u64) -> Rc<Record<Beacon>> {
        Record::sign(&identity(person), &self.cx.room, beacon(person, stamp))
    }

    /// The same, which names another as a neighbor.
    pub(super) fn beacon_naming(&self, person: u8, stamp: u64, neighbor: u8) -> Rc<Record<Beacon>> {
        let neighbors = vec![tree(neighbor)];
        let beacon = Beacon {
            neighbors,
            ..beacon(person, stamp)
        };
        Record::sign(&identity(person), &self.cx.room, beacon)
    }

    /// An entry of the person with this number.
    pub(super) fn entry_of(&self, person: u8, seq: u64, text: &str) -> Rc<Record<Entry>> {
        let unix_millis = self.cx.now.unix_millis;
        let feed = Feed {
            author: peer(person),
            number: 5,
        };
        let prev = seq.checked_sub(1).map(|first| {
            let here = self.room.log.entry_at(&feed, first).map(Rc::clone);
            here.unwrap_or_else(|| self.entry_of(person, first, text)).id.into()
        });
        let entry = Entry {
            feed: 5,
            seq,
            prev,
            order: Timestamp::from_unix_millis(unix_millis + seq),
            unix_millis,
            name: format!("P{person}"),
            kind: Entry::CHAT,
            body: EntryBody::of(text),
        };
        Record::sign(&identity(person), &self.cx.room, entry)
    }
}

/// The tree of the person with this number.
pub(super) fn tree(person: u8) -> Tree {
    ShortId::of_peer(&peer(person))
}

pub(super) fn entry_frame(record: &Record<Entry>, hops: u8, tree: Tree) -> Frame<'_> {
    let (fan_out, wire) = (0, record.wire.as_slice().into());
    Frame::Entry {
        hops,
        fan_out,
        tree,
        wire,
    }
}

pub(super) fn beacon_frame(record: &Record<Beacon>, hops: u8, tree: Tree) -> Frame<'_> {
    let wire = record.wire.as_slice().into();
    Frame::Beacon { hops, tree, wire }
}

/// A beacon with nothing to say.
pub(super) fn beacon(person: u8, stamp: u64) -> Beacon {
    Beacon {
        interval_millis: 10_000,
        ..Beacon::plain(&format!("P{person}"), stamp)
    }
}

fn beacon_in(cx: &Context, bytes: &[u8]) -> Rc<Record<Beacon>> {
    let Ok(Frame::Beacon { wire, .. }) = Frame::decode(&bytes[1..]) else {
        panic!("no beacon: {bytes:?}");
    };
    Record::<Beacon>::open(wire, &cx.room).unwrap()
}

/// What the driver is to do for a frame of one fragment to be sent.
pub(super) fn sent(link: LinkId, frame: &Frame<'_>) -> Output {
    let fragments = crate::wire::fragment::Fragments::of(frame);
    let bytes = Rc::clone(fragments.iter().next().unwrap());
    Output::Transmit { link, bytes }
}

/// What the app is told when an entry is shown.
pub(super) fn shown(record: &Record<Entry>) -> Output {
    let message = crate::model::Message {
        id: record.message_id(),
        author: record.author,
        author_name: record.content.name.clone(),
        own: record.author == peer(1),
        whisper_to: None,
        order: record.content.order,
        unix_millis: record.content.unix_millis,
        dated_ahead: false,
        recent: true,
        text: record.content.text().unwrap().to_owned(),
        file: None,
        reply_to: None,
        vanish: None,
        deleted: false,
    };
    Output::Event(Event::Message { message })
}

/// A record with another signature than its author's.
pub(super) fn forged<T: Content + Clone>(record: &Record<T>) -> Vec<u8> {
    let mut wire = record.wire.clone();
    *wire.last_mut().unwrap() ^= 1;
    wire
}

pub(super) fn violation(link: LinkId) -> ToNet {
    ToNet::Violation { link }
}

/// Numbers of the feed of the person with this number.
pub(super) fn span(person: u8, first: u64, next: u64) -> Span {
    let feed = Feed {
        author: peer(person),
        number: 5,
    };
    Span {
        feed: feed.short(),
        first,
        next,
        head: None,
    }
}
