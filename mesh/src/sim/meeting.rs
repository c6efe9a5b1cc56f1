//! Two nodes meet whose histories differ: what it costs, in bytes, to find out where, and to ask for it.
//!
//! The rooms of both are real, and everything they tell each other passes as frames. There is no net between them and no time passes: nothing
//! is lost, and nothing is said but what a new link brings about.

use std::{collections::VecDeque, rc::Rc};

use shared::{Identity, RoomCode, Signature, signal::PROTOCOL_VERSION};

use super::world::clocks::BEGINNING;
use crate::{
    config::{Keeps, Timing},
    context::Context,
    door::{LinkState, PassiveView, ToRoom},
    io::{Instant, LinkId, Now, Output},
    room::{Room, log::Source},
    wire::{
        entry::{Entry, EntryBody},
        fragment::Reassembly,
        frame::{Frame, Hello},
        record::Record,
        timestamp::Timestamp,
    },
};

const LINK: LinkId = LinkId(1);
/// When all of it takes place.
const NOW: Now = Now {
    instant: Instant::from_millis(100_000),
    unix_millis: BEGINNING,
};

/// What was said in a room, in the order in which it was said.
#[derive(Debug)]
pub struct History(Vec<Rc<Record<Entry>>>);

/// What a meeting came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// Bytes of what the first sent but for entries, the digests in its hello included.
    pub from_one: usize,
    /// The same of the second.
    pub from_other: usize,
    /// Whether both have the same now.
    pub is_equal: bool,
}

impl History {
    /// So many authors say something in turn, each so often, a second apart.
    #[must_use]
    pub fn new(authors: u64, each: u64) -> Self {
        let room = RoomCode::parse("lobby").unwrap().open();
        let mut said = Vec::new();
        let mut last = vec![None; authors as usize];
        for round in 0..each {
            for author in 0..authors {
                let mut secret = [7; 32];
                secret[..8].copy_from_slice(&author.to_be_bytes());
                let unix_millis = NOW.unix_millis - 1_000 * (authors * each - (round * authors + author));
                let entry = Entry {
                    feed: author.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                    seq: round,
                    prev: last[author as usize],
                    order: Timestamp::from_unix_millis(unix_millis),
                    unix_millis,
                    name: format!("Author {author}"),
                    kind: Entry::CHAT,
                    body: EntryBody::of(format!("What author {author} says in round {round}")),
                };
                let record = Record::sign(&Identity::from_secret(&secret), &room, entry);
                last[author as usize] = Some(record.id.into());
                said.push(record);
            }
        }
        Self(said)
    }

    /// When each was said, in milliseconds, and its id.
    pub fn ids(&self) -> impl Iterator<Item = (u64, [u8; 32])> {
        self.0.iter().map(|record| (record.content.unix_millis, record.id))
    }

    /// Each as it travels.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|record| record.wire.as_slice())
    }

    /// Two meet who have what is said to be theirs of it, by its place.
    pub fn meet(&self, one: impl Fn(usize) -> bool, other: impl Fn(usize) -> bool) -> Met {
        let mut ends = [End::new(1, self, &one), End::new(2, self, &other)];
        let peers = [0, 1].map(|end: usize| ends[end].cx.me);
        let digests = [0, 1].map(|end: usize| ends[end].room.digests());
        for end in [0, 1] {
            let other = 1 - end;
            let hello = Frame::Hello(Hello {
                version: PROTOCOL_VERSION,
                name: "Ann".into(),
                digests: digests[end],
                proof: Signature::from_bytes([0; 64]),
                unix_millis: NOW.unix_millis,
            });
            ends[end].sent += hello.encode().len();
            ends[end].room.handle_net(
                &mut ends[end].cx,
                ToRoom::NeighborUp {
                    link: LINK,
                    peer: peers[other],
                    name: "Bob".into(),
                    state: LinkState::Up,
                    digests: digests[other],
                    unix_millis: NOW.unix_millis,
                },
            );
        }
        while ends.iter_mut().any(End::speak) {
            for end in [0, 1] {
                let said = std::mem::take(&mut ends[end].said);
                for bytes in said {
                    ends[1 - end].hear(&bytes);
                }
            }
        }
        Met {
            from_one: ends[0].sent,
            from_other: ends[1].sent,
            is_equal: ends[0].room.digests().log == ends[1].room.digests().log,
        }
    }
}

/// One end of the link.
struct End {
    cx: Context,
    room: Room,
    heard: Reassembly,
    /// What waits for the other end.
    said: VecDeque<Rc<[u8]>>,
    telling: Reassembly,
    sent: usize,
}

impl End {
    fn new(byte: u8, history: &History, has: &dyn Fn(usize) -> bool) -> Self {
        let room = RoomCode::parse("lobby").unwrap().open();
        let identity = Identity::from_secret(&[byte; 32]);
        let mut cx = Context::new(identity, room, "Ann".into(), Timing::default(), NOW);
        cx.extent = Keeps {
            entries_max: history.0.len(),
            ..Keeps::default()
        };
        let mut room = Room::new(&cx, None, [byte; 32]);
        let has = |(place, _): &(usize, _)| has(*place);
        for (_, record) in history.0.iter().enumerate().filter(has) {
            room.take_entry(&mut cx, record, Source::Sync);
        }
        Self {
            cx,
            room,
            heard: Reassembly::default(),
            said: VecDeque::new(),
            telling: Reassembly::default(),
            sent: 0,
        }
    }

    /// Takes what is to be sent, and counts what of it is sync. Says whether there is anything.
    fn speak(&mut self) -> bool {
        while let Some(output) = self.cx.outbox.pop() {
            let Output::Transmit { bytes, .. } = output else {
                continue;
            };
            if let Some(frame) = self.telling.push(&bytes).unwrap() {
                self.sent += match Frame::decode(&frame).unwrap() {
                    Frame::Have { .. } | Frame::Compare { .. } | Frame::Want { .. } => frame.len(),
                    Frame::Entries { wires } => frame.len() - wires.iter().map(|wire| wire.len()).sum::<usize>(),
                    _ => 0,
                };
            }
            self.said.push_back(bytes);
        }
        !self.said.is_empty()
    }

    fn hear(&mut self, bytes: &[u8]) {
        if let Some(frame) = self.heard.push(bytes).unwrap() {
            let frame = Frame::decode(&frame).unwrap();
            self.room.handle_frame(&mut self.cx, LINK, frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_meet_have_the_same_and_what_that_takes_follows_the_difference() {
        let history = History::new(40, 5);
        let all = |_| true;
        let equal = history.meet(all, all);
        assert!(equal.is_equal && equal.from_one == equal.from_other);
        let without = |missing: &'static [usize]| move |place| !missing.contains(&place);
        let mut last = equal.from_one + equal.from_other;
        for missing in [
            &[199][..],
            &[2, 77, 199],
            &[0, 1, 2, 3, 40, 55, 66, 77, 88, 99, 111, 150, 170, 199],
        ] {
            let met = history.meet(all, without(missing));
            assert!(met.is_equal);
            assert!(met.from_one + met.from_other > last, "{missing:?}");
            last = met.from_one + met.from_other;
            assert!(history.meet(without(missing), all).is_equal, "{missing:?}");
        }
        assert!(history.meet(without(&[3, 160]), without(&[2, 199])).is_equal);
        assert!(history.meet(all, |_| false).is_equal);
    }
}
