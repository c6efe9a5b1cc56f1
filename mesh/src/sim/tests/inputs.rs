//! One node and anything that a driver, a server and peers can bring it, in any order: the bounds hold.

use std::collections::BTreeSet;

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use negentropy::{Negentropy, NegentropyStorageVector, Storage};
use proptest::prelude::*;
use shared::{
    Identity, MessageId, PeerId, Room, RoomCode, SessionId,
    limits::{LINKS_MAX, RELAY_PAYLOAD_BYTES_MAX},
    signal::{Event, Nonce, Refusal, Request},
};

use crate::{
    Node, NodeConfig, Timing,
    config::BATCH_BYTES_MAX,
    envelope::{ANYONE, Body, DeclineReason, Envelope},
    fragment::{PACKET_BYTES_MAX, packets},
    frame::{Announced, Digests, Frame, GoodbyeReason, Hello, Whisper, seal_whisper},
    io::{self, Candidate, Input, Instant, LinkEnd, LinkId, LinkKind, Now, Output, Path, ServerId, Timestamp},
    log::{Origin, Span},
    nearby::Nearby,
    record::{Ack, Beacon, Cargo, Closing, Content, Entry, Lost, Packet, Record, Short},
    sim::world::cases,
};

/// How many others there are.
const OTHERS: u8 = 12;

/// The connections that invitations hold beside those of links and attempts.
const INVITATIONS_MAX: usize = 4;

/// The most outputs that one input may cause, as a rule of thumb: a graft of all ids that a frame may name, to everyone.
const OUTPUTS_MAX: usize = 4_000;

/// An input, drawn from all there are. Small numbers make it likely that they meet.
#[derive(Debug, Clone)]
enum Op {
    Wait {
        millis: u64,
    },
    Signal {
        server: u8,
        event: Event,
    },
    /// Through a server, another tab or by hand.
    Envelope {
        way: Way,
        parts: EnvelopeParts,
    },
    Input(LinkInput),
    Garbage {
        link: u8,
        bytes: Vec<u8>,
    },
    Frame {
        link: u8,
        frame: FrameParts,
    },
    Nearby {
        bytes: Vec<u8>,
    },
    NearbyHere {
        from: u8,
        asks: bool,
    },
    Say {
        text: String,
    },
    Whisper {
        to: u8,
    },
    Invite,
    /// Takes up an invitation of the node itself.
    Accept {
        from: u8,
        which: usize,
    },
    TakeText {
        text: String,
    },
    CloseRoom,
    Retry,
    Leave,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Server(u8),
    Nearby,
    ByHand,
}

#[derive(Debug, Clone)]
struct EnvelopeParts {
    from: u8,
    session: u8,
    nonce: u64,
    body: Body,
}

/// What a driver says; `link` counts among those that there are, or is any number at all.
#[derive(Debug, Clone)]
enum LinkInput {
    ServerDown { server: u8, code: u16 },
    LocalDescription { link: u8 },
    LocalCandidates { link: u8, last: bool },
    Open { link: u8 },
    Path { link: u8, path: Path },
    Closed { link: u8, end: LinkEnd },
    Kind { link: u8, kind: LinkKind },
    Network { online: bool },
}

/// A frame, with what has to be signed in it still to be signed.
#[derive(Debug, Clone)]
enum FrameParts {
    Plain(Frame),
    /// With the ids of records that were brought, by number.
    IHave {
        known: Vec<u8>,
        tree: u8,
    },
    Graft {
        known: Vec<u8>,
        tree: u8,
    },
    People {
        of: Vec<u8>,
    },
    Entry {
        hops: u8,
        spread: u16,
        tree: u8,
        record: RecordParts,
    },
    Beacon {
        hops: u8,
        tree: u8,
        record: RecordParts,
    },
    Packet {
        hops_left: u8,
        flooded: bool,
        record: RecordParts,
    },
    Closing {
        record: RecordParts,
    },
    Entries {
        records: Vec<RecordParts>,
    },
    Beacons {
        records: Vec<RecordParts>,
    },
    /// A step of a reconciliation that makes sense.
    Reconcile {
        initiator: bool,
    },
}

#[derive(Debug, Clone)]
struct RecordParts {
    author: u8,
    flaw: Flaw,
    content: ContentParts,
}

#[derive(Debug, Clone, Copy)]
enum Flaw {
    None,
    OtherRoom,
    OtherAuthor,
    Flipped(u16),
    Cut,
}

#[derive(Debug, Clone)]
enum ContentParts {
    Entry(Entry),
    Beacon(Beacon),
    Whisper { to_me: bool, id: u8 },
    Receipt { to_me: bool, id: u8 },
    Envelope { parts: EnvelopeParts },
    Closing,
}

fn identity(byte: u8) -> Identity {
    Identity::from_secret(&[byte + 1; 32])
}

fn peer(byte: u8) -> PeerId {
    identity(byte).peer_id()
}

/// Whose node is tested: in the middle of the others' ids.
fn me() -> u8 {
    let mut all: Vec<u8> = (0..OTHERS).collect();
    all.sort_by_key(|byte| peer(*byte));
    all[6]
}

fn sdp() -> String {
    format!(
        "v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=fingerprint:sha-256 {}\r\n",
        ["AB"; 32].join(":")
    )
}

fn bodies() -> impl Strategy<Value = Body> {
    let sdps = || prop_oneof![4 => Just(sdp()), 1 => "\\PC{0,30}"];
    let versions = || prop_oneof![9 => Just(1_u16), 1 => Just(2_u16)];
    let candidates = || {
        let candidate = ("\\PC{0,20}", proptest::option::of("[0-9]")).prop_map(|(line, mid)| Candidate { line, mid });
        prop::collection::vec(candidate, 0..4)
    };
    prop_oneof![
        3 => (versions(), any::<bool>()).prop_map(|(version, urgent)| Body::Knock { version, urgent }),
        4 => (versions(), 0..3_u32, sdps(), any::<bool>()).prop_map(|(version, round, sdp, urgent)| Body::Offer {
            version,
            round,
            sdp,
            urgent,
        }),
        2 => (0..3_u32, sdps()).prop_map(|(round, sdp)| Body::Answer { round, sdp }),
        1 => candidates().prop_map(|candidates| Body::Candidates { candidates }),
        1 => any::<bool>().prop_map(|full| Body::Decline {
            reason: if full { DeclineReason::Full } else { DeclineReason::Version },
            version: 2,
        }),
        2 => (versions(), sdps(), candidates()).prop_map(|(version, sdp, candidates)| Body::Invitation {
            version,
            sdp,
            candidates,
        }),
        1 => (sdps(), candidates()).prop_map(|(sdp, candidates)| Body::Acceptance { sdp, candidates }),
    ]
}

fn envelopes() -> impl Strategy<Value = EnvelopeParts> {
    (0..OTHERS, 0..4_u8, any::<u64>(), bodies()).prop_map(|(from, session, nonce, body)| EnvelopeParts {
        from,
        session,
        nonce,
        body,
    })
}

fn refusals() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        4 => (0..OTHERS).prop_map(|of| Refusal::PeerNotHere { to: peer(of) }),
        1 => Just(Refusal::RoomFull {}),
        1 => Just(Refusal::BadSignature {}),
        1 => Just(Refusal::TooFast { retry_after_millis: 5 }),
        1 => Just(Refusal::Draining {}),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let peers =
        || prop::collection::vec(0..OTHERS, 0..12).prop_map(|peers| peers.into_iter().map(peer).collect::<Vec<_>>());
    prop_oneof![
        4 => Just(Event::Challenge { nonce: Nonce::from_bytes([1; 32]), version_min: 1, version_max: 1 }),
        6 => (any::<u32>(), peers(), any::<u16>()).prop_map(|(room_size, peers, heartbeat_seconds)| {
            Event::Welcome { room_size, peers, ice_servers: vec![], heartbeat_seconds }
        }),
        3 => (0..20_u32, peers()).prop_map(|(room_size, peers)| Event::Peers { room_size, peers }),
        1 => ("\\PC{0,40}", 0..OTHERS).prop_map(|(payload, from)| Event::Relayed { from: peer(from), payload }),
        2 => refusals().prop_map(|refusal| Event::Refused { refusal }),
        1 => Just(Event::Ping {}),
        1 => Just(Event::Pong {}),
        1 => Just(Event::Draining {}),
    ]
}

fn inputs() -> impl Strategy<Value = LinkInput> {
    let path = prop::sample::select(vec![Path::Connected, Path::Disconnected, Path::Failed]);
    let end = prop::sample::select(vec![
        LinkEnd::ClosedByPeer,
        LinkEnd::Failed,
        LinkEnd::SlowReader,
        LinkEnd::Exhausted,
    ]);
    let kind = prop::sample::select(vec![LinkKind::Local, LinkKind::Direct, LinkKind::Relayed]);
    let link = any::<u8>;
    prop_oneof![
        1 => (0..3_u8, prop::sample::select(vec![1006, 1012, 4006, 4007]))
            .prop_map(|(server, code)| LinkInput::ServerDown { server, code }),
        8 => link().prop_map(|link| LinkInput::LocalDescription { link }),
        2 => (link(), any::<bool>()).prop_map(|(link, last)| LinkInput::LocalCandidates { link, last }),
        12 => link().prop_map(|link| LinkInput::Open { link }),
        3 => (link(), path).prop_map(|(link, path)| LinkInput::Path { link, path }),
        2 => (link(), end).prop_map(|(link, end)| LinkInput::Closed { link, end }),
        1 => (link(), kind).prop_map(|(link, kind)| LinkInput::Kind { link, kind }),
        1 => any::<bool>().prop_map(|online| LinkInput::Network { online }),
    ]
}

fn digests() -> impl Strategy<Value = Digests> {
    (0..3_u64, 0..3_u64).prop_map(|(log, people)| Digests { log, people })
}

fn shorts() -> impl Strategy<Value = Short> {
    prop_oneof![
        (0..OTHERS).prop_map(|of| Short::of_peer(&peer(of))),
        any::<u64>().prop_map(Short)
    ]
}

fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..6_u64, 1 => 250..300_u64, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1)]
}

fn spans() -> impl Strategy<Value = Vec<Span>> {
    let span = (0..OTHERS, 0..3_u64, numbers(), numbers()).prop_map(|(of, incarnation, first, next)| Span {
        origin: Origin {
            author: peer(of),
            incarnation,
        },
        first,
        next,
    });
    prop::collection::vec(span, 0..8)
}

fn contents() -> impl Strategy<Value = ContentParts> {
    let orders = prop_oneof![8 => 0..10_u64, 1 => Just(u64::MAX >> 16)].prop_map(Timestamp::from_unix_millis);
    let entry = (
        0..3_u64,
        numbers(),
        orders,
        "[ a-c]{0,3}",
        prop_oneof![9 => Just(0_u32), 1 => Just(9)],
    )
        .prop_map(|(incarnation, seq, order, text, kind)| Entry {
            incarnation,
            seq,
            order,
            unix_millis: 0,
            name: "x".into(),
            kind,
            body: text.into_bytes().into(),
        });
    let ack = (shorts(), numbers(), numbers()).prop_map(|(author, incarnation, next)| Ack {
        author,
        incarnation,
        next,
    });
    let lost = (shorts(), numbers()).prop_map(|(peer, stamp)| Lost { peer, stamp });
    let beacon = (
        (
            numbers(),
            "[a-c]{0,2}",
            any::<u32>(),
            prop::collection::vec(shorts(), 0..10),
        ),
        (any::<bool>(), 0..3_u64, prop::collection::vec(ack, 0..3)),
        (
            prop::collection::vec(lost, 0..3),
            prop_oneof![6 => Just(false), 1 => Just(true)],
        ),
    );
    let beacon = beacon.prop_map(
        |((stamp, name, interval_millis, neighbors), (on_server, digest, acks), (lost, leaving))| Beacon {
            stamp,
            name,
            interval_millis,
            neighbors,
            on_server,
            digest,
            acks,
            lost,
            leaving,
        },
    );
    let to_me = || prop_oneof![2 => Just(true), 1 => Just(false)];
    prop_oneof![
        6 => entry.prop_map(ContentParts::Entry),
        8 => beacon.prop_map(ContentParts::Beacon),
        2 => (to_me(), 0..4_u8).prop_map(|(to_me, id)| ContentParts::Whisper { to_me, id }),
        1 => (to_me(), 0..4_u8).prop_map(|(to_me, id)| ContentParts::Receipt { to_me, id }),
        4 => envelopes().prop_map(|parts| ContentParts::Envelope { parts }),
        1 => Just(ContentParts::Closing),
    ]
}

fn records() -> impl Strategy<Value = RecordParts> {
    let flaw = prop_oneof![
        20 => Just(Flaw::None),
        1 => Just(Flaw::OtherRoom),
        1 => Just(Flaw::OtherAuthor),
        1 => any::<u16>().prop_map(Flaw::Flipped),
        1 => Just(Flaw::Cut),
    ];
    (0..OTHERS, flaw, contents()).prop_map(|(author, flaw, content)| RecordParts { author, flaw, content })
}

fn frames() -> impl Strategy<Value = FrameParts> {
    let reasons = vec![
        GoodbyeReason::Leaving,
        GoodbyeReason::Misbehaving,
        GoodbyeReason::Version,
        GoodbyeReason::Replaced,
        GoodbyeReason::Excess,
    ];
    let neighbors = prop::collection::vec((0..OTHERS).prop_map(peer), 0..10);
    let hello = (
        prop_oneof![15 => Just(1_u16), 1 => Just(2_u16)],
        "[a-c]{1,2}|",
        digests(),
    );
    let hello = hello.prop_map(|(version, name, digests)| Frame::Hello(Hello { version, name, digests }));
    let bytes = || prop::collection::vec(any::<u8>(), 0..80);
    let plain = prop_oneof![
        12 => hello,
        2 => (any::<u32>(), digests()).prop_map(|(nonce, digests)| Frame::Ping { nonce, digests }),
        2 => (0..5_u32, digests()).prop_map(|(nonce, digests)| Frame::Pong { nonce, digests }),
        1 => (prop::sample::select(reasons), neighbors)
            .prop_map(|(reason, neighbors)| Frame::Goodbye { reason, neighbors }),
        1 => Just(Frame::GoodbyeAck {}),
        1 => shorts().prop_map(|tree| Frame::Prune { tree }),
        2 => spans().prop_map(|vector| Frame::Have { vector }),
        2 => spans().prop_map(|spans| Frame::Want { spans }),
        1 => (any::<bool>(), bytes()).prop_map(|(initiator, message)| Frame::Reconcile {
            initiator,
            message: message.into(),
        }),
        1 => bytes().prop_map(|wire| Frame::Entry {
            hops: 0,
            spread: 0,
            tree: Short(1),
            wire: wire.into(),
        }),
    ];
    let tree = || 0..OTHERS;
    let known = || prop::collection::vec(any::<u8>(), 0..20);
    let several = || prop::collection::vec(records(), 0..4);
    prop_oneof![
        12 => plain.prop_map(FrameParts::Plain),
        1 => (known(), tree()).prop_map(|(known, tree)| FrameParts::IHave { known, tree }),
        2 => (known(), tree()).prop_map(|(known, tree)| FrameParts::Graft { known, tree }),
        1 => prop::collection::vec(0..OTHERS, 0..8).prop_map(|of| FrameParts::People { of }),
        6 => (any::<u8>(), any::<u16>(), tree(), records())
            .prop_map(|(hops, spread, tree, record)| FrameParts::Entry { hops, spread, tree, record }),
        6 => (any::<u8>(), tree(), records())
            .prop_map(|(hops, tree, record)| FrameParts::Beacon { hops, tree, record }),
        6 => (any::<u8>(), any::<bool>(), records())
            .prop_map(|(hops_left, flooded, record)| FrameParts::Packet { hops_left, flooded, record }),
        1 => records().prop_map(|record| FrameParts::Closing { record }),
        2 => several().prop_map(|records| FrameParts::Entries { records }),
        2 => several().prop_map(|records| FrameParts::Beacons { records }),
        1 => any::<bool>().prop_map(|initiator| FrameParts::Reconcile { initiator }),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    let way = prop_oneof![
        4 => (0..3_u8).prop_map(Way::Server),
        1 => Just(Way::Nearby),
        2 => Just(Way::ByHand),
    ];
    let bytes = || prop::collection::vec(any::<u8>(), 0..80);
    prop_oneof![
        6 => prop_oneof![8 => 0..3_000_u64, 1 => 0..100_000_u64].prop_map(|millis| Op::Wait { millis }),
        5 => (0..3_u8, events()).prop_map(|(server, event)| Op::Signal { server, event }),
        8 => (way, envelopes()).prop_map(|(way, parts)| Op::Envelope { way, parts }),
        16 => inputs().prop_map(Op::Input),
        1 => (any::<u8>(), bytes()).prop_map(|(link, bytes)| Op::Garbage { link, bytes }),
        16 => (any::<u8>(), frames()).prop_map(|(link, frame)| Op::Frame { link, frame }),
        1 => bytes().prop_map(|bytes| Op::Nearby { bytes }),
        1 => (0..OTHERS, any::<bool>()).prop_map(|(from, asks)| Op::NearbyHere { from, asks }),
        2 => "[ a-c]{0,3}".prop_map(|text| Op::Say { text }),
        2 => (0..OTHERS).prop_map(|to| Op::Whisper { to }),
        2 => Just(Op::Invite),
        2 => (0..OTHERS, 0..4_usize).prop_map(|(from, which)| Op::Accept { from, which }),
        1 => "\\PC{0,60}".prop_map(|text| Op::TakeText { text }),
        1 => (0..8_u8).prop_map(|number| if number == 0 { Op::CloseRoom } else { Op::Retry }),
        1 => (0..20_u8).prop_map(|number| if number == 0 { Op::Leave } else { Op::Retry }),
    ]
}

/// A node, and what is held against it.
struct Rig {
    node: Node,
    room: Room,
    millis: u64,
    links: BTreeSet<LinkId>,
    open: BTreeSet<LinkId>,
    /// Of records that were brought.
    brought: Vec<Short>,
    /// Invitations it made.
    invitations: Vec<String>,
    shown: BTreeSet<MessageId>,
    left: bool,
}

impl Rig {
    fn new(founder: u8) -> Self {
        let code = RoomCode::Generated {
            secret: *b"sixteen bytes !!",
            founder: peer(founder),
        };
        let config = NodeConfig {
            name: "Me".into(),
            servers: 2,
            closed: None,
            timing: Timing::default(),
        };
        let millis = 1_000_000;
        let now = Now {
            instant: Instant::from_millis(millis),
            unix_millis: 0,
        };
        let room = code.open();
        Self {
            node: Node::new(identity(me()), room.clone(), config, [9; 32], now),
            room,
            millis,
            links: BTreeSet::new(),
            open: BTreeSet::new(),
            brought: Vec::new(),
            invitations: Vec::new(),
            shown: BTreeSet::new(),
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
                assert!(bytes.len() <= PACKET_BYTES_MAX);
            }
            Output::RemoteAnswer { link, .. } | Output::RemoteCandidates { link, .. } | Output::RestartIce { link } => {
                assert!(self.links.contains(&link))
            }
            Output::Signal { request, .. } => {
                if let Request::Relay { payload, .. } = request {
                    assert!(payload.len() <= RELAY_PAYLOAD_BYTES_MAX);
                }
            }
            Output::Nearby { bytes } => assert!(bytes.len() <= RELAY_PAYLOAD_BYTES_MAX + 100),
            Output::Event(io::Event::Left) => self.left = true,
            Output::Event(io::Event::Invitation { text }) => self.invitations.push(text),
            Output::Event(io::Event::Message { message }) => {
                assert!(self.shown.insert(message.id), "shown twice: {message:?}");
                assert_eq!(message.own, message.author == self.node.peer_id());
            }
            Output::ConnectServer { .. }
            | Output::DisconnectServer { .. }
            | Output::RememberName { .. }
            | Output::RememberClosed { .. }
            | Output::Event(_) => {}
        }
    }

    fn run_for(&mut self, millis: u64) {
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

    fn payload(&self, parts: &EnvelopeParts) -> String {
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
        envelope.seal(&from, &self.room, &mut ChaCha20Rng::from_seed([1; 32]))
    }

    fn record(&mut self, parts: &RecordParts) -> Vec<u8> {
        let to = |to_me: bool, me: PeerId| if to_me { me } else { peer((parts.author + 1) % OTHERS) };
        let me = self.node.peer_id();
        let packet = |to, cargo| Packet { to, nonce: 5, cargo };
        match &parts.content {
            ContentParts::Entry(entry) => self.sign(parts, entry.clone()),
            ContentParts::Beacon(beacon) => self.sign(parts, beacon.clone()),
            ContentParts::Closing => self.sign(parts, Closing { unix_millis: 1 }),
            ContentParts::Receipt { to_me, id } => {
                let id = MessageId::from_bytes([*id; 16]);
                self.sign(parts, packet(to(*to_me, me), Cargo::Receipt { id }))
            }
            ContentParts::Envelope { parts: envelope } => {
                let payload = self.payload(envelope);
                self.sign(parts, packet(me, Cargo::Envelope { payload }))
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
                };
                let mut rng = ChaCha20Rng::from_seed([2; 32]);
                let sealed = seal_whisper(&identity(parts.author), &self.room, &whisper, &mut rng).unwrap();
                self.sign(parts, packet(to, Cargo::Whisper { sealed: sealed.into() }))
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

    fn ids(&self, numbers: &[u8]) -> Vec<Short> {
        let id = |number: &u8| match self.brought.len() {
            0 => Short(u64::from(*number)),
            count => self.brought[usize::from(*number) % count],
        };
        numbers.iter().map(id).collect()
    }

    fn frame(&mut self, parts: &FrameParts) -> Frame {
        let root = |of: &u8| Short::of_peer(&peer(*of));
        match parts {
            FrameParts::Plain(frame) => frame.clone(),
            FrameParts::IHave { known, tree } => Frame::IHave {
                announced: vec![Announced {
                    tree: root(tree),
                    ids: self.ids(known),
                }],
            },
            FrameParts::Graft { known, tree } => Frame::Graft {
                ids: self.ids(known),
                tree: root(tree),
            },
            FrameParts::People { of } => Frame::People {
                ids: of.iter().map(|of| Short::of_peer(&peer(*of))).collect(),
            },
            FrameParts::Entry {
                hops,
                spread,
                tree,
                record,
            } => Frame::Entry {
                hops: *hops,
                spread: *spread,
                tree: root(tree),
                wire: self.record(record).into(),
            },
            FrameParts::Beacon { hops, tree, record } => Frame::Beacon {
                hops: *hops,
                tree: root(tree),
                wire: self.record(record).into(),
            },
            FrameParts::Packet {
                hops_left,
                flooded,
                record,
            } => Frame::Packet {
                hops_left: *hops_left,
                flooded: *flooded,
                wire: self.record(record).into(),
            },
            FrameParts::Closing { record } => Frame::Closing {
                wire: self.record(record).into(),
            },
            FrameParts::Entries { records } => Frame::Entries {
                wires: records.iter().map(|record| self.record(record).into()).collect(),
            },
            FrameParts::Beacons { records } => Frame::Beacons {
                wires: records.iter().map(|record| self.record(record).into()).collect(),
            },
            FrameParts::Reconcile { initiator } => {
                let mut storage = NegentropyStorageVector::new();
                storage.seal().unwrap();
                let mut empty = Negentropy::new(Storage::Borrowed(&storage), BATCH_BYTES_MAX as u64).unwrap();
                Frame::Reconcile {
                    initiator: *initiator,
                    message: empty.initiate().unwrap().into(),
                }
            }
        }
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

    fn bring_frame(&mut self, link: LinkId, frame: &Frame) {
        for bytes in packets(&frame.encode()) {
            self.bring(Input::Packet { link, bytes });
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
                let line = if last { String::new() } else { "candidate".into() };
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
        let payload = self.payload(parts);
        let (from, to) = (peer(parts.from), self.node.peer_id());
        match way {
            Way::Server(server) => self.bring(Input::Signal {
                server: ServerId(server),
                event: Event::Relayed { from, payload },
            }),
            Way::Nearby => self.bring(Input::Nearby {
                bytes: Nearby::Envelope { to, payload }.encode(),
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
        let invitation = Envelope::open(text, &ANYONE, &self.room).unwrap();
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
        let text = acceptance.seal(&identity(from), &self.room, &mut ChaCha20Rng::from_seed([3; 32]));
        let _ = self.node.take_invitation(self.now(), &text);
    }

    fn apply(&mut self, op: &Op) {
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
                self.bring(Input::Packet {
                    link,
                    bytes: bytes.clone(),
                });
            }
            Op::Frame { link, frame } => {
                let (link, frame) = (self.link(*link), self.frame(frame));
                self.bring_frame(link, &frame);
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
            Op::CloseRoom => drop(self.node.close_room(now)),
            Op::Retry => self.node.retry_now(now),
            Op::Leave => self.node.leave(now),
        }
        self.drain();
        let _ = self.node.network();
        self.run_for(0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(100), ..ProptestConfig::default() })]

    #[test]
    fn any_inputs_in_any_order_keep_the_bounds(founder in 0..OTHERS, ops in prop::collection::vec(ops(), 1..250)) {
        let mut rig = Rig::new(founder);
        rig.run_for(0);
        for op in &ops {
            rig.apply(op);
        }
        rig.run_for(600_000);
    }
}
