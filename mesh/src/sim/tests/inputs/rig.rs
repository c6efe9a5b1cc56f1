//! A node that anything can be brought to, and what is held against it.

use std::{collections::BTreeSet, rc::Rc};

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{
    MessageId, PeerId, Room, RoomCode, SessionId,
    limits::{LINKS_MAX, RELAY_PAYLOAD_BYTES_MAX},
    signal::{Event, Request},
};

use super::{
    OTHERS, identity,
    ops::{ContentParts, EnvelopeParts, Flaw, FrameParts, LinkInput, Op, RecordParts, Way},
    peer, sdp,
};
use crate::{
    Node, NodeConfig, Timing,
    config::{FRAGMENT_BYTES_MAX, INVITATIONS_MAX, KEY_BYTES_MAX},
    io::{Candidate, Input, Instant, LinkId, Now, Output, ServerId},
    model,
    wire::{
        envelope::{ANYONE, Body, Envelope},
        fragment::Fragments,
        frame::{Announced, Frame, Hello},
        id::ShortId,
        nearby::Nearby,
        record::{Content, Packet, Payload, Record},
        timestamp::Timestamp,
        whisper::{Whisper, seal_whisper},
    },
};

/// The most outputs that one input may cause, as a rule of thumb: a graft of all ids that a frame may name, to everyone.
const OUTPUTS_MAX: usize = 4_000;

/// A node, and what is held against it.
pub(super) struct Rig {
    node: Node,
    room: Room,
    millis: u64,
    links: BTreeSet<LinkId>,
    open: BTreeSet<LinkId>,
    /// Of records that were brought.
    brought: Vec<ShortId>,
    /// Invitations it made.
    invitations: Vec<String>,
    shown: BTreeSet<MessageId>,
    /// How many changes were to be stored.
    stores: u64,
    left: bool,
}

impl Rig {
    pub(super) fn new(founder: u8, kept: Option<Vec<(Vec<u8>, Vec<u8>)>>) -> Self {
        let code = RoomCode::Generated {
            secret: *b"sixteen bytes !!",
            founder: peer(founder),
        };
        let config = NodeConfig {
            name: "Me".into(),
            servers: vec!["one".to_owned(), "other".to_owned()],
            closed: None,
            timing: Timing::default(),
            keeps: crate::config::Keeps::default(),
            transport_policy: crate::io::TransportPolicy::All,
        };
        let millis = 1_000_000;
        let now = Now {
            instant: Instant::from_millis(millis),
            unix_millis: 0,
        };
        let room = code.open();
        let mut node = Node::new(identity(me()), room.clone(), config, [9; 32], now);
        if let Some(kept) = kept {
            node.restore(now, kept);
        }
        Self {
            node,
            room,
            millis,
            links: BTreeSet::new(),
            open: BTreeSet::new(),
            brought: Vec::new(),
            invitations: Vec::new(),
            shown: BTreeSet::new(),
            stores: 0,
            left: false,
        }
    }

    fn now(&self) -> Now {
        Now {
            instant: Instant::from_millis(self.millis),
            unix_millis: self.millis,
        }
    }

    fn drain(&mut self) {
        let mut count = 0;
        while let Some(output) = self.node.poll_output() {
            count += 1;
            assert!(count <= OUTPUTS_MAX, "too much comes out");
            assert!(!self.left, "{output:?} after leaving");
            self.on_output(output);
        }
        assert!(self.node.linked().count() <= LINKS_MAX);
        // To each of eight peers a link and an attempt to replace it.
        assert!(
            self.links.len() <= 2 * LINKS_MAX + INVITATIONS_MAX,
            "{}",
            self.links.len()
        );
        assert!(!self.left || self.links.is_empty(), "{:?} after leaving", self.links);
    }

    fn on_output(&mut self, output: Output) {
        match output {
            Output::Dial { link, .. } => assert!(self.links.insert(link), "dialled twice"),
            Output::Accept { link, .. } => {
                self.links.insert(link);
            }
            Output::HangUp { link } => {
                assert!(self.links.remove(&link), "hung up what is not there");
                self.open.remove(&link);
            }
            Output::Transmit { link, bytes } => {
                assert!(self.open.contains(&link), "sent where nothing is open");
                assert!(bytes.len() <= FRAGMENT_BYTES_MAX);
            }
            Output::RemoteAnswer { link, .. }
            | Output::RemoteCandidates { link, .. }
            | Output::RestartIce { link, .. } => {
                assert!(self.links.contains(&link))
            }
            Output::Signal { request, .. } => {
                if let Request::Relay { payload, .. } = request {
                    assert!(payload.len() <= RELAY_PAYLOAD_BYTES_MAX);
                }
            }
            Output::Nearby { bytes } => assert!(bytes.len() <= RELAY_PAYLOAD_BYTES_MAX + 100),
            Output::Event(model::Event::Left) => self.left = true,
            Output::Event(model::Event::Invitation { text }) => self.invitations.push(text),
            Output::Event(model::Event::Message { message }) => {
                assert!(self.shown.insert(message.id), "shown twice: {message:?}");
                assert_eq!(message.own, message.author == self.node.peer_id());
            }
            Output::Store { change, .. } => {
                assert!(change.key.len() <= KEY_BYTES_MAX);
                self.stores += 1;
            }
            Output::Event(model::Event::Renumbered { before, id, .. }) => {
                assert!(self.shown.remove(&before) && self.shown.insert(id));
            }
            Output::ConnectServer { .. }
            | Output::DisconnectServer { .. }
            | Output::RememberClosed { .. }
            | Output::TransmitFile { .. }
            | Output::ReadPiece { .. }
            | Output::WritePiece { .. }
            | Output::ForgetFile { .. }
            | Output::Event(_) => {}
        }
    }

    pub(super) fn run_for(&mut self, millis: u64) {
        let end = self.millis + millis;
        let mut rounds = 0;
        while let Some(at) = self.node.poll_timeout().filter(|at| at.as_millis() <= end) {
            // A timer in the past is due now; it must not stay so.
            rounds = if at.as_millis() > self.millis { 0 } else { rounds + 1 };
            assert!(rounds < 20, "the timer goes round in circles");
            self.millis = self.millis.max(at.as_millis());
            let now = self.now();
            self.node.handle_timeout(now);
            self.drain();
        }
        self.millis = end;
    }

    /// One of the links that there are, mostly.
    fn link(&self, number: u8) -> LinkId {
        let place = usize::from(number) % self.links.len().max(1);
        let known = self.links.iter().nth(place).filter(|_| number < 240);
        known.copied().unwrap_or(LinkId(u64::from(number % 40)))
    }

    fn sealed(&self, parts: &EnvelopeParts) -> String {
        let from = identity(parts.from);
        let to = if matches!(parts.body, Body::Invitation { .. }) {
            ANYONE
        } else {
            self.node.peer_id()
        };
        let envelope = Envelope {
            from: from.peer_id(),
            to,
            session: SessionId::from_bytes([parts.session; 16]),
            nonce: parts.nonce,
            body: parts.body.clone(),
        };
        envelope
            .seal(&from, &self.room, &mut ChaCha20Rng::from_seed([1; 32]))
            .unwrap()
    }

    fn record(&mut self, parts: &RecordParts) -> Vec<u8> {
        let to = |to_me: bool, me: PeerId| if to_me { me } else { peer((parts.author + 1) % OTHERS) };
        let me = self.node.peer_id();
        let packet = |to, payload| Packet { to, nonce: 5, payload };
        match &parts.content {
            ContentParts::Entry(entry) => self.sign(parts, entry.clone()),
            ContentParts::Beacon(beacon) => self.sign(parts, beacon.clone()),
            ContentParts::Receipt { to_me, id } => {
                let id = MessageId::from_bytes([*id; 16]);
                self.sign(parts, packet(to(*to_me, me), Payload::Receipt { id }))
            }
            ContentParts::Envelope { parts: envelope } => {
                let sealed = self.sealed(envelope);
                self.sign(parts, packet(me, Payload::Envelope { sealed }))
            }
            ContentParts::Whisper { to_me, id } => {
                let to = to(*to_me, me);
                let whisper = Whisper {
                    // An author's own, as an honest one's are.
                    id: MessageId::from_bytes([16 * (parts.author + 1) + id; 16]),
                    unix_millis: 0,
                    name: "x".into(),
                    to,
                    text: "psst".into(),
                    order: Timestamp::from_unix_millis(7),
                    since: u64::MAX >> parts.author,
                };
                let mut rng = ChaCha20Rng::from_seed([2; 32]);
                let sealed = seal_whisper(&identity(parts.author), &self.room, &whisper, &mut rng).unwrap();
                self.sign(parts, packet(to, Payload::Whisper { sealed: sealed.into() }))
            }
        }
    }

    fn sign<T: Content>(&mut self, parts: &RecordParts, content: T) -> Vec<u8> {
        let author = identity(parts.author);
        let other_room = RoomCode::parse("attic").unwrap().open();
        let room = if matches!(parts.flaw, Flaw::OtherRoom) {
            &other_room
        } else {
            &self.room
        };
        let record = Record::sign(&author, room, content);
        let mut wire = record.wire.clone();
        self.brought.push(record.short());
        match parts.flaw {
            Flaw::None | Flaw::OtherRoom => {}
            Flaw::OtherAuthor => {
                let (id, other) = (author.peer_id(), peer((parts.author + 1) % OTHERS));
                let place = wire.windows(32).position(|bytes| bytes == id.as_bytes()).unwrap();
                wire[place..place + 32].copy_from_slice(other.as_bytes());
            }
            Flaw::Flipped(bit) => {
                let place = usize::from(bit) / 8 % wire.len();
                wire[place] ^= 1 << (bit % 8);
            }
            Flaw::Cut => wire.truncate(wire.len() / 2),
        }
        wire
    }

    /// A hello as the peer at the other end of a link would sign it.
    fn signed(&self, link: LinkId, hello: &Hello) -> Hello {
        let mut hello = hello.clone();
        if let Some(binding) = self.node.awaited_hello(link) {
            let from = (0..OTHERS)
                .map(identity)
                .find(|identity| identity.peer_id() == binding.from);
            hello.proof = from.map_or(hello.proof, |from| binding.sign(&from, &self.room));
        }
        hello
    }

    fn ids(&self, numbers: &[u8]) -> Vec<ShortId> {
        let id = |number: &u8| match self.brought.len() {
            0 => ShortId(u64::from(*number)),
            count => self.brought[usize::from(*number) % count],
        };
        numbers.iter().map(id).collect()
    }

    fn fragments(&mut self, parts: &FrameParts) -> Fragments {
        let root = |of: &u8| ShortId::of_peer(&peer(*of));
        match parts {
            FrameParts::Plain(frame) => Fragments::of(frame),
            FrameParts::RawEntry { wire } => Fragments::of(&Frame::Entry {
                hops: 0,
                fan_out: 0,
                tree: ShortId(1),
                wire: wire.as_slice().into(),
            }),
            FrameParts::IHave { known, tree } => Fragments::of(&Frame::IHave {
                announced: vec![Announced {
                    tree: root(tree),
                    ids: self.ids(known),
                }],
            }),
            FrameParts::Graft { known, tree } => Fragments::of(&Frame::Graft {
                ids: self.ids(known),
                tree: root(tree),
            }),
            FrameParts::People { of } => Fragments::of(&Frame::People {
                ids: of.iter().map(|of| ShortId::of_peer(&peer(*of))).collect(),
            }),
            FrameParts::Entry {
                hops,
                fan_out,
                tree,
                record,
            } => Fragments::of(&Frame::Entry {
                hops: *hops,
                fan_out: *fan_out,
                tree: root(tree),
                wire: self.record(record).as_slice().into(),
            }),
            FrameParts::Beacon { hops, tree, record } => Fragments::of(&Frame::Beacon {
                hops: *hops,
                tree: root(tree),
                wire: self.record(record).as_slice().into(),
            }),
            FrameParts::Packet {
                hops_left,
                flooded,
                record,
            } => Fragments::of(&Frame::Packet {
                hops_left: *hops_left,
                flooded: *flooded,
                wire: self.record(record).as_slice().into(),
            }),
            FrameParts::Closing { record } => Fragments::of(&Frame::Closing {
                wire: self.record(record).as_slice().into(),
            }),
            FrameParts::Fork { records } => {
                let [one, other] = records.each_ref().map(|record| self.record(record));
                Fragments::of(&Frame::Fork {
                    one: one.as_slice().into(),
                    other: other.as_slice().into(),
                })
            }
            FrameParts::Entries { records } => {
                let wires = self.records(records);
                let wires = wires.iter().map(|wire| wire.as_slice().into()).collect();
                Fragments::of(&Frame::Entries { wires })
            }
            FrameParts::Beacons { records } => {
                let wires = self.records(records);
                let wires = wires.iter().map(|wire| wire.as_slice().into()).collect();
                Fragments::of(&Frame::Beacons { wires })
            }
        }
    }

    fn records(&mut self, parts: &[RecordParts]) -> Vec<Vec<u8>> {
        parts.iter().map(|record| self.record(record)).collect()
    }

    /// What a driver would say: nothing of links that are not there, and of each only once that it is over.
    fn bring(&mut self, input: Input) {
        match &input {
            Input::LinkClosed { link, .. } => {
                if !self.links.remove(link) {
                    return;
                }
                self.open.remove(link);
            }
            Input::LinkOpen { link } => {
                if !self.links.contains(link) {
                    return;
                }
                self.open.insert(*link);
            }
            _ => {}
        }
        let now = self.now();
        self.node.handle_input(now, input);
        self.drain();
    }

    fn bring_fragments(&mut self, link: LinkId, fragments: &Fragments) {
        for bytes in fragments.iter() {
            let bytes = Rc::clone(bytes);
            self.bring(Input::Fragment { link, bytes });
        }
    }

    fn bring_link_input(&mut self, input: &LinkInput) {
        let input = match *input {
            LinkInput::ServerDown { server, code } => Input::ServerDown {
                server: ServerId(server),
                code,
            },
            LinkInput::LocalDescription { link } => Input::LocalDescription {
                link: self.link(link),
                sdp: sdp(),
            },
            LinkInput::LocalCandidates { link, last } => {
                let line = if last {
                    ""
                } else {
                    "candidate:1 1 udp 1 192.0.2.1 9 typ host"
                };
                let line = line.to_owned();
                Input::LocalCandidates {
                    link: self.link(link),
                    candidates: vec![Candidate { line, mid: None }],
                }
            }
            LinkInput::Open { link } => Input::LinkOpen { link: self.link(link) },
            LinkInput::Path { link, path } => Input::LinkPath {
                link: self.link(link),
                path,
            },
            LinkInput::Closed { link, end } => Input::LinkClosed {
                link: self.link(link),
                end,
            },
            LinkInput::Kind { link, kind } => Input::LinkKind {
                link: self.link(link),
                kind,
            },
            LinkInput::Network { online } => Input::Network { online },
        };
        self.bring(input);
    }

    fn bring_envelope(&mut self, way: Way, parts: &EnvelopeParts) {
        let payload = self.sealed(parts);
        let (from, to) = (peer(parts.from), self.node.peer_id());
        match way {
            Way::Server(server) => self.bring(Input::Signal {
                server: ServerId(server),
                event: Event::Relayed { from, payload },
            }),
            Way::Nearby => self.bring(Input::Nearby {
                bytes: Nearby::Envelope { to, sealed: payload }.encode(),
            }),
            Way::ByHand => {
                let _ = self.node.take_invitation(self.now(), &payload);
            }
        }
    }

    /// Somebody answers an invitation that the node made.
    fn accept(&mut self, from: u8, which: usize) {
        let Some(text) = self.invitations.iter().rev().nth(which) else {
            return;
        };
        let invitation = Envelope::open_invitation(text, &self.room).unwrap();
        let acceptance = Envelope {
            from: peer(from),
            to: self.node.peer_id(),
            session: invitation.session,
            nonce: 1,
            body: Body::Acceptance {
                sdp: sdp(),
                candidates: vec![],
            },
        };
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let text = acceptance.seal(&identity(from), &self.room, &mut rng).unwrap();
        let _ = self.node.take_invitation(self.now(), &text);
    }

    pub(super) fn apply(&mut self, op: &Op) {
        let now = self.now();
        match op {
            Op::Wait { millis } => self.run_for(*millis),
            Op::Signal { server, event } => self.bring(Input::Signal {
                server: ServerId(*server),
                event: event.clone(),
            }),
            Op::Envelope { way, parts } => self.bring_envelope(*way, parts),
            Op::Input(input) => self.bring_link_input(input),
            Op::Garbage { link, bytes } => {
                let link = self.link(*link);
                self.bring(Input::Fragment {
                    link,
                    bytes: bytes.as_slice().into(),
                });
            }
            Op::Frame { link, frame } => {
                let link = self.link(*link);
                let fragments = match frame {
                    FrameParts::Plain(Frame::Hello(hello)) => Fragments::of(&Frame::Hello(self.signed(link, hello))),
                    _ => self.fragments(frame),
                };
                self.bring_fragments(link, &fragments);
            }
            Op::Nearby { bytes } => self.bring(Input::Nearby { bytes: bytes.clone() }),
            Op::NearbyHere { from, asks } => self.bring(Input::Nearby {
                bytes: Nearby::Here {
                    peer: peer(*from),
                    asks: *asks,
                }
                .encode(),
            }),
            Op::Say { text } => drop(self.node.say(now, text)),
            Op::Whisper { to } => drop(self.node.whisper(now, peer(*to), "psst")),
            Op::Invite => drop(self.node.invite(now)),
            Op::Accept { from, which } => self.accept(*from, *which),
            Op::TakeText { text } => drop(self.node.take_invitation(now, text)),
            Op::Stored { lacking } => {
                let changes = self.stores.saturating_sub((*lacking).into());
                self.node.handle_input(now, Input::Stored { changes });
            }
            Op::NotStored => self.node.handle_input(now, Input::NotStored),
            Op::CloseRoom => drop(self.node.close_room(now)),
            Op::Retry => self.node.retry_now(now),
            Op::Leave => self.node.leave(now),
        }
        self.drain();
        let _ = self.node.network();
        self.run_for(0);
    }
}

/// Whose node is tested: in the middle of the others' ids.
fn me() -> u8 {
    let mut all: Vec<u8> = (0..OTHERS).collect();
    all.sort_by_key(|byte| peer(*byte));
    all[6]
}
