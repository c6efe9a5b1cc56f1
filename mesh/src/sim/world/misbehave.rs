//! Machines that do not do what their nodes say: members of the room, with the room's key, against all others.
//!
//! A misbehaving machine runs the same node, links and beacons like everyone, and changes what goes out. So it has
//! every chance an insider has, but for breaking signatures.

use minicbor::bytes::ByteVec;
use shared::{Identity, Room, limits::LINKS_MAX};

use crate::{
    config::{ACKS_MAX, LOST_MAX},
    fragment::packets,
    frame::{Announced, Frame},
    io::LinkId,
    record::{Ack, Beacon, Lost, Record, Short, Unchecked},
};

/// In which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trait {
    /// Changes a byte of every record it passes on.
    Forges,
    /// Sends old packets again.
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
}

impl Trait {
    pub(crate) const ALL: [Self; 7] = [
        Self::Forges,
        Self::Replays,
        Self::Floods,
        Self::Withholds,
        Self::Promises,
        Self::Lies,
        Self::Central,
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
    others: Vec<Short>,
    sent: u64,
}

impl Mischief {
    pub(crate) fn new(of: Trait, identity: Identity, room: Room) -> Self {
        Self {
            of,
            identity,
            room,
            kept: Vec::new(),
            others: Vec::new(),
            sent: 0,
        }
    }

    /// What goes out instead of `bytes` on `link`, and on which of the open `links`.
    pub(crate) fn act(
        &mut self,
        millis: u64,
        links: &[LinkId],
        link: LinkId,
        bytes: Vec<u8>,
    ) -> Vec<(LinkId, Vec<u8>)> {
        self.sent += 1;
        let frame = bytes.split_first().filter(|(kind, _)| **kind == 0);
        let frame = frame.and_then(|(_, frame)| Frame::decode(frame).ok());
        match (self.of, frame) {
            (Trait::Forges, Some(frame)) => {
                let forged = self.forge(frame);
                packets(&forged.encode()).map(|packet| (link, packet)).collect()
            }
            (Trait::Replays, Some(frame)) => {
                let mut out = vec![(link, bytes.clone())];
                if matches!(frame, Frame::Entry { .. } | Frame::Beacon { .. } | Frame::Packet { .. }) {
                    if self.kept.len() < 64 {
                        self.kept.push(bytes);
                    }
                    let old = self.kept[usize::try_from(self.sent).unwrap() % self.kept.len()].clone();
                    out.push((links[usize::try_from(millis).unwrap() % links.len()], old));
                }
                out
            }
            (Trait::Floods, _) if self.sent.is_multiple_of(20) => {
                let mut out = vec![(link, bytes.clone()); 100];
                out.push((link, vec![0; 1_000]));
                out
            }
            (Trait::Lies, Some(Frame::Beacon { hops, tree, wire })) => {
                let wire = self.lie(wire);
                let lie = Frame::Beacon { hops, tree, wire };
                packets(&lie.encode()).map(|packet| (link, packet)).collect()
            }
            (Trait::Central, Some(Frame::Beacon { tree, wire, .. })) => {
                let near = Frame::Beacon { hops: 1, tree, wire };
                packets(&near.encode()).map(|packet| (link, packet)).collect()
            }
            (Trait::Central, Some(Frame::Prune { tree })) => {
                let ids = Vec::new();
                let graft = Frame::Graft { ids, tree };
                packets(&graft.encode()).map(|packet| (link, packet)).collect()
            }
            (
                Trait::Withholds | Trait::Central,
                Some(Frame::Entry { .. } | Frame::Packet { .. } | Frame::Entries { .. }),
            ) => Vec::new(),
            (Trait::Promises, Some(Frame::Ping { .. })) => {
                let ids = (0..50)
                    .map(|number| Short(millis.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number))
                    .collect();
                let announced = vec![Announced { tree: Short(1), ids }];
                let mut out = vec![(link, bytes)];
                out.extend(packets(&Frame::IHave { announced }.encode()).map(|packet| (link, packet)));
                out
            }
            _ => vec![(link, bytes)],
        }
    }

    /// Another beacon in the place of our own; those of others are only read.
    fn lie(&mut self, wire: ByteVec) -> ByteVec {
        let Ok(unchecked) = Unchecked::read(&wire) else {
            return wire;
        };
        if unchecked.author != self.identity.peer_id() {
            self.others.push(Short::of_peer(&unchecked.author));
            if self.others.len() > 64 {
                self.others.remove(0);
            }
            return wire;
        }
        let Ok(beacon) = unchecked.check::<Beacon>(&self.room) else {
            return wire;
        };
        let skip = usize::try_from(self.sent).unwrap() % (self.others.len() + 1);
        let some = |count| self.others.iter().copied().skip(skip).take(count);
        let stamp = beacon.content.stamp;
        let lie = Beacon {
            stamp,
            name: beacon.content.name.clone(),
            interval_millis: u32::MAX,
            neighbors: some(LINKS_MAX).collect(),
            on_server: !beacon.content.on_server,
            digest: self.sent,
            acks: some(ACKS_MAX)
                .map(|author| Ack {
                    author,
                    incarnation: self.sent,
                    next: u64::MAX,
                })
                .collect(),
            lost: some(LOST_MAX).map(|peer| Lost { peer, stamp: u64::MAX }).collect(),
            leaving: self.sent.is_multiple_of(5),
        };
        Record::sign(&self.identity, &self.room, lie).wire.clone().into()
    }

    /// One byte of a record is another, somewhere.
    fn forge(&self, frame: Frame) -> Frame {
        let alter = |wire: ByteVec| {
            let mut wire = wire.to_vec();
            let place = usize::try_from(self.sent).unwrap() * 7 % wire.len();
            wire[place] ^= 1;
            wire.into()
        };
        match frame {
            Frame::Entry {
                hops,
                spread,
                tree,
                wire,
            } => Frame::Entry {
                hops,
                spread,
                tree,
                wire: alter(wire),
            },
            Frame::Packet {
                hops_left,
                flooded,
                wire,
            } => Frame::Packet {
                hops_left,
                flooded,
                wire: alter(wire),
            },
            Frame::Entries { wires } => Frame::Entries {
                wires: wires.into_iter().map(alter).collect(),
            },
            other => other,
        }
    }
}
