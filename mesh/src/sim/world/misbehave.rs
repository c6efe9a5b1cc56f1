//! Machines that do not do what their nodes say: members of the room, with the room's key, against all others.
//!
//! A misbehaving machine runs the same node, links and beacons like everyone, and changes what goes out. So it has
//! every chance an insider has, but for breaking signatures.

use minicbor::{Decode, Encode, bytes::ByteVec};
use shared::{Identity, Label, Room, limits::LINKS_MAX};

use super::clocks::BEGINNING;
use crate::{
    config::{ACKS_MAX, LOST_MAX, PEOPLE_MAX, PERSON_BYTES_PER_SECOND, RECORDS_PER_SECOND},
    io::LinkId,
    wire::{
        entry::{Entry, EntryBody, RecordId},
        fragment::Fragments,
        frame::{Announced, Frame},
        id::ShortId,
        record::{Ack, Beacon, Content, Lost, Record, Unchecked},
        span::{Feed, LogDigest, Range, Span},
        timestamp::Timestamp,
    },
};

/// In which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trait {
    /// Changes a byte of every record it passes on.
    Forges,
    /// Sends old fragments again.
    Replays,
    /// Sends a hundred copies of what it sends, and garbage.
    Floods,
    /// Passes on nothing that others said.
    Withholds,
    /// Announces whatever it can think of, and has none of it.
    Promises,
    /// Says in its beacons that it has every entry, is a neighbor of those who are not, and that others are lost; on each link
    /// something else.
    Lies,
    /// Claims to be next to everybody and asks to be handed everything first, and keeps what is said.
    Central,
    /// Says things that are dated in the year 3000, one kind shown and one unknown.
    DatesAhead,
    /// Makes up people who name each other and whoever it has heard of, and whom nobody names who is there.
    Ghosts,
    /// Makes up a tree of people, itself at their root: in its beacons it names the first of them.
    GhostTree,
    /// Passes on what somebody says whom it made up: a lot, and on each link something else.
    FloodsAsAnother,
    /// Asks for everything there is, again and again.
    AsksForWork,
    /// Says something else under the same number on each link.
    Equivocates,
    /// Lengthens its beacons by what nobody knows.
    Pads,
    /// Says as much as anybody may, under its own key and under keys that it made up, and something else on each link.
    Fills,
}

impl Trait {
    /// Those of which one in ten has one. Who fills has a scenario of its own, which takes long.
    pub(crate) const ALL: [Self; 14] = [
        Self::Forges,
        Self::Replays,
        Self::Floods,
        Self::Withholds,
        Self::Promises,
        Self::Lies,
        Self::Central,
        Self::DatesAhead,
        Self::Ghosts,
        Self::GhostTree,
        Self::FloodsAsAnother,
        Self::AsksForWork,
        Self::Equivocates,
        Self::Pads,
    ];
}

/// A misbehaving machine.
#[derive(Debug)]
pub(crate) struct Mischief {
    of: Trait,
    identity: Identity,
    room: Room,
    kept: Vec<Vec<u8>>,
    /// Whom it has heard of.
    others: Vec<ShortId>,
    sent: u64,
    /// How much it has made up.
    made: u64,
    /// How much it has said that its node did not, and the last of that.
    said: u64,
    last: Option<RecordId>,
    /// Up to when it said as much as it may.
    filled_millis: Option<u64>,
}

/// A beacon that nobody has to read to see that it is too large.
#[derive(Debug, Encode, Decode)]
struct Padded {
    #[n(0)]
    stamp: u64,
    #[n(1)]
    name: String,
    #[n(11)]
    padding: ByteVec,
}

impl Content for Padded {
    const LABEL: Label = Label::Beacon;

    fn is_valid(&self) -> bool {
        true
    }
}

/// The year 3000.
// No limit: a point in time.
const FAR_AHEAD: u64 = 32_503_680_000_000;

impl Mischief {
    pub(crate) fn new(of: Trait, identity: Identity, room: Room) -> Self {
        Self {
            of,
            identity,
            room,
            kept: Vec::new(),
            others: Vec::new(),
            sent: 0,
            made: 0,
            said: 0,
            last: None,
            filled_millis: None,
        }
    }

    pub(crate) fn is(&self, of: Trait) -> bool {
        self.of == of
    }

    /// What goes out instead of `bytes` on `link`, and on which of the open `links`.
    // Long because: it has an arm for each way.
    pub(crate) fn act(&mut self, millis: u64, links: &[LinkId], link: LinkId, bytes: &[u8]) -> Vec<(LinkId, Vec<u8>)> {
        self.sent += 1;
        let unchanged = || vec![(link, bytes.to_vec())];
        let frame = bytes.split_first().filter(|(kind, _)| **kind == 0);
        let frame = frame.and_then(|(_, frame)| Frame::decode(frame).ok());
        match (self.of, frame) {
            (Trait::Forges, Some(frame)) => self.forge(link, frame),
            (Trait::Replays, Some(frame)) => {
                let mut out = unchanged();
                if matches!(frame, Frame::Entry { .. } | Frame::Beacon { .. } | Frame::Packet { .. }) {
                    if self.kept.len() < 64 {
                        self.kept.push(bytes.to_vec());
                    }
                    let old = self.kept[usize::try_from(self.sent).unwrap() % self.kept.len()].clone();
                    out.push((links[usize::try_from(millis).unwrap() % links.len()], old));
                }
                out
            }
            (Trait::Floods, _) if self.sent.is_multiple_of(20) => {
                let mut out = vec![(link, bytes.to_vec()); 100];
                out.push((link, vec![0; 1_000]));
                out
            }
            (Trait::Lies, Some(frame @ Frame::Beacon { wire, .. })) => {
                let lie = self.lie(wire);
                fragments(link, &carrying(frame, lie.as_deref().unwrap_or(wire)))
            }
            (Trait::Central, Some(Frame::Beacon { tree, wire, .. })) => {
                fragments(link, &Frame::Beacon { hops: 1, tree, wire })
            }
            (Trait::Central, Some(Frame::Prune { tree })) => {
                let ids = Vec::new();
                fragments(link, &Frame::Graft { ids, tree })
            }
            (
                Trait::Withholds | Trait::Central,
                Some(Frame::Entry { .. } | Frame::Packet { .. } | Frame::Entries { .. }),
            ) => Vec::new(),
            (Trait::Promises, Some(Frame::Ping { .. })) => {
                let ids = (0..50)
                    .map(|number| ShortId(millis.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number))
                    .collect();
                let announced = vec![Announced { tree: ShortId(1), ids }];
                let mut out = unchanged();
                out.extend(fragments(link, &Frame::IHave { announced }));
                out
            }
            (Trait::DatesAhead, Some(Frame::Ping { .. })) => {
                let mut out = unchanged();
                for kind in [Entry::CHAT, 77] {
                    out.extend(self.say(link, FAR_AHEAD, kind, 10_000));
                }
                out
            }
            (Trait::Ghosts, Some(Frame::Beacon { wire, .. })) => {
                // Only to hear of others.
                self.hear(wire);
                unchanged()
            }
            (Trait::GhostTree, Some(frame @ Frame::Beacon { wire, .. })) => {
                let rooted = self.root(wire);
                fragments(link, &carrying(frame, rooted.as_deref().unwrap_or(wire)))
            }
            (Trait::GhostTree, Some(Frame::Ping { .. } | Frame::Pong { .. })) => {
                let mut out = unchanged();
                out.extend((0..50).flat_map(|_| self.make_up_in_tree(link)));
                out
            }
            (Trait::FloodsAsAnother, Some(Frame::Ping { .. } | Frame::Pong { .. } | Frame::Beacon { .. })) => {
                let mut out = unchanged();
                out.extend((0..20).flat_map(|_| self.say_as_another(link)));
                out
            }
            (Trait::Ghosts, Some(Frame::Ping { .. })) => {
                let mut out = unchanged();
                out.extend((0..10).flat_map(|_| self.make_up(link)));
                out
            }
            (Trait::AsksForWork, Some(Frame::Ping { .. })) => {
                let mut out = unchanged();
                let spans = vec![Span {
                    feed: Feed {
                        author: self.identity.peer_id(),
                        number: 1,
                    }
                    .short(),
                    first: 0,
                    next: u64::MAX,
                    head: None,
                }];
                for frame in [
                    Frame::People { ids: Vec::new() },
                    Frame::Have {
                        vector: spans.clone(),
                        ranges: Some(vec![Range::ALL]),
                    },
                    Frame::Want { spans },
                ] {
                    out.extend((0..20).flat_map(|_| fragments(link, &frame)));
                }
                out
            }
            (Trait::Equivocates, Some(frame @ Frame::Entry { wire, .. })) => {
                let other = self.equivocate(link, wire);
                fragments(link, &carrying(frame, other.as_deref().unwrap_or(wire)))
            }
            (Trait::Pads, Some(frame @ Frame::Beacon { wire, .. })) => {
                let padded = self.pad(wire);
                fragments(link, &carrying(frame, padded.as_deref().unwrap_or(wire)))
            }
            (Trait::Fills, _) => {
                let mut out = unchanged();
                let since = *self.filled_millis.get_or_insert(millis);
                let rounds = (millis - since) * u64::from(RECORDS_PER_SECOND) / 1_000;
                self.filled_millis = Some(since + rounds * 1_000 / u64::from(RECORDS_PER_SECOND));
                let bytes = (PERSON_BYTES_PER_SECOND / RECORDS_PER_SECOND) as usize;
                for link in (0..rounds).flat_map(|_| links) {
                    out.extend(self.say(*link, BEGINNING + millis, Entry::CHAT, bytes));
                    out.extend(self.say_as_another(*link));
                }
                out
            }
            _ => unchanged(),
        }
    }

    /// An entry of a feed of its own that no node said.
    fn say(&mut self, link: LinkId, unix_millis: u64, kind: u32, bytes: usize) -> Vec<(LinkId, Vec<u8>)> {
        self.said += 1;
        let entry = Entry {
            feed: 3_000,
            seq: self.said - 1,
            prev: self.last,
            order: Timestamp::from_unix_millis(unix_millis + self.said),
            unix_millis,
            name: "Mallory".into(),
            kind,
            body: EntryBody::of(vec![b'x'; bytes]),
        };
        let record = Record::sign(&self.identity, &self.room, entry);
        self.last = Some(record.id.into());
        let frame = Frame::Entry {
            hops: 1,
            fan_out: 0,
            tree: ShortId::of_peer(&self.identity.peer_id()),
            wire: record.wire.as_slice().into(),
        };
        fragments(link, &frame)
    }

    /// A beacon of somebody new, who names whom it has heard of and those made up before.
    fn make_up(&mut self, link: LinkId) -> Vec<(LinkId, Vec<u8>)> {
        self.made += 1;
        let ghost = self.ghost(self.made);
        let neighbors = self.others.iter().rev().take(LINKS_MAX).copied().collect();
        self.others.push(ShortId::of_peer(&ghost.peer_id()));
        let beacon = Beacon {
            interval_millis: u32::MAX,
            neighbors,
            on_server: true,
            unix_millis: 0,
            ..Beacon::plain("Ghost", 1)
        };
        let record = Record::sign(&ghost, &self.room, beacon);
        let (hops, tree) = (1, ShortId::of_peer(&ghost.peer_id()));
        let wire = record.wire.as_slice().into();
        fragments(link, &Frame::Beacon { hops, tree, wire })
    }

    /// Somebody whom it has made up, by number.
    fn ghost(&self, number: u64) -> Identity {
        let me = self.identity.peer_id();
        let secret = blake3::hash(&[&number.to_be_bytes(), me.as_bytes().as_slice()].concat());
        Identity::from_secret(secret.as_bytes())
    }

    /// The next beacon in a tree of as many people as are listed: each names those below.
    fn make_up_in_tree(&mut self, link: LinkId) -> Vec<(LinkId, Vec<u8>)> {
        let (count, branches) = (PEOPLE_MAX as u64, LINKS_MAX as u64 - 1);
        let (number, round) = (self.made % count, self.made / count);
        self.made += 1;
        let below = (number * branches + 1..)
            .take(LINKS_MAX - 1)
            .filter(|below| *below < count);
        let neighbors = below.map(|below| ShortId::of_peer(&self.ghost(below).peer_id()));
        let beacon = Beacon {
            interval_millis: u32::MAX,
            neighbors: neighbors.collect(),
            unix_millis: 0,
            ..Beacon::plain("Ghost", 1 + round)
        };
        let ghost = self.ghost(number);
        let record = Record::sign(&ghost, &self.room, beacon);
        let (hops, tree) = (1, ShortId::of_peer(&ghost.peer_id()));
        let wire = record.wire.as_slice().into();
        fragments(link, &Frame::Beacon { hops, tree, wire })
    }

    /// One of its own beacons, with the root of the tree among its neighbors.
    fn root(&mut self, wire: &[u8]) -> Option<Vec<u8>> {
        let mut beacon = self.hear(wire)?;
        beacon.neighbors.insert(0, ShortId::of_peer(&self.ghost(0).peer_id()));
        beacon.neighbors.truncate(LINKS_MAX);
        Some(Record::sign(&self.identity, &self.room, beacon).wire.clone())
    }

    /// An entry that somebody said whom it made up.
    fn say_as_another(&mut self, link: LinkId) -> Vec<(LinkId, Vec<u8>)> {
        self.made += 1;
        let entry = Entry {
            feed: self.made,
            seq: 0,
            prev: None,
            order: Timestamp::from_unix_millis(BEGINNING),
            unix_millis: BEGINNING,
            name: "Ghost".into(),
            kind: Entry::CHAT,
            body: EntryBody::of("spam"),
        };
        let ghost = self.ghost(0);
        let record = Record::sign(&ghost, &self.room, entry);
        let frame = Frame::Entry {
            hops: 1,
            fan_out: 0,
            tree: ShortId::of_peer(&ghost.peer_id()),
            wire: record.wire.as_slice().into(),
        };
        fragments(link, &frame)
    }

    /// Another entry with the number of one of its own.
    fn equivocate(&self, link: LinkId, wire: &[u8]) -> Option<Vec<u8>> {
        let unchecked = Unchecked::read(wire).ok()?;
        if unchecked.author != self.identity.peer_id() {
            return None;
        }
        let entry = &unchecked.check::<Entry>(&self.room).ok()?.content;
        let other = Entry {
            body: EntryBody::of(format!("to {link:?}")),
            ..entry.clone()
        };
        Some(Record::sign(&self.identity, &self.room, other).wire.clone())
    }

    /// One of its own beacons with a further field, as large as a record may be.
    fn pad(&self, wire: &[u8]) -> Option<Vec<u8>> {
        let unchecked = Unchecked::read(wire).ok()?;
        if unchecked.author != self.identity.peer_id() {
            return None;
        }
        let beacon = unchecked.check::<Beacon>(&self.room).ok()?;
        let padded = Padded {
            stamp: beacon.content.stamp,
            name: beacon.content.name.clone(),
            padding: vec![0; 60_000].into(),
        };
        Some(Record::sign(&self.identity, &self.room, padded).wire.clone())
    }

    /// What one of its own beacons says. Of those of others is kept who there is.
    fn hear(&mut self, wire: &[u8]) -> Option<Beacon> {
        let unchecked = Unchecked::read(wire).ok()?;
        if unchecked.author != self.identity.peer_id() {
            self.others.push(ShortId::of_peer(&unchecked.author));
            if self.others.len() > 64 {
                self.others.remove(0);
            }
            return None;
        }
        let beacon = unchecked.check::<Beacon>(&self.room).ok()?;
        Some(beacon.content.clone())
    }

    /// Another beacon in the place of our own.
    fn lie(&mut self, wire: &[u8]) -> Option<Vec<u8>> {
        let beacon = self.hear(wire)?;
        let skip = usize::try_from(self.sent).unwrap() % (self.others.len() + 1);
        let some = |count| self.others.iter().copied().skip(skip).take(count);
        let lie = Beacon {
            stamp: beacon.stamp,
            name: beacon.name.clone(),
            interval_millis: u32::MAX,
            neighbors: some(LINKS_MAX).collect(),
            on_server: !beacon.on_server,
            digest: LogDigest([u8::try_from(self.sent % 256).unwrap_or(0); 16]),
            acks: some(ACKS_MAX)
                .map(|author| Ack {
                    author,
                    feed: self.sent,
                    first: 0,
                    next: u64::MAX,
                })
                .collect(),
            lost: some(LOST_MAX).map(|peer| Lost { peer, stamp: u64::MAX }).collect(),
            leaving: self.sent.is_multiple_of(5),
            whole: true,
            archive: Some(true),
            unix_millis: self.sent.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        };
        Some(Record::sign(&self.identity, &self.room, lie).wire.clone())
    }

    /// One byte of each record is another, somewhere.
    fn forge(&self, link: LinkId, frame: Frame<'_>) -> Vec<(LinkId, Vec<u8>)> {
        let alter = |wire: &[u8]| {
            let mut wire = wire.to_vec();
            let place = usize::try_from(self.sent).unwrap() * 7 % wire.len();
            wire[place] ^= 1;
            wire
        };
        match frame {
            Frame::Entry { wire, .. } | Frame::Packet { wire, .. } => fragments(link, &carrying(frame, &alter(wire))),
            Frame::Entries { wires } => {
                let forged: Vec<_> = wires.into_iter().map(|wire| alter(wire)).collect();
                let wires = forged.iter().map(|wire| wire.as_slice().into()).collect();
                fragments(link, &Frame::Entries { wires })
            }
            other => fragments(link, &other),
        }
    }
}

/// A frame with this record in the place of its own.
fn carrying<'a>(frame: Frame<'a>, record: &'a [u8]) -> Frame<'a> {
    let wire = record.into();
    match frame {
        Frame::Entry {
            hops, fan_out, tree, ..
        } => Frame::Entry {
            hops,
            fan_out,
            tree,
            wire,
        },
        Frame::Beacon { hops, tree, .. } => Frame::Beacon { hops, tree, wire },
        Frame::Packet { hops_left, flooded, .. } => Frame::Packet {
            hops_left,
            flooded,
            wire,
        },
        other => other,
    }
}

/// A frame, as it goes out on a link.
fn fragments(link: LinkId, frame: &Frame<'_>) -> Vec<(LinkId, Vec<u8>)> {
    Fragments::of(frame)
        .iter()
        .map(|fragment| (link, fragment.to_vec()))
        .collect()
}
