//! What can happen to a node, and how it is drawn.

use proptest::prelude::*;
use shared::{
    Signature,
    signal::{Event, Nodes, Nonce, PROTOCOL_VERSION, Refusal},
};

use super::{OTHERS, peer, sdp};
use crate::{
    io::{Candidate, LinkEnd, LinkKind, Path},
    wire::{
        entry::{Entry, EntryBody},
        envelope::{Body, DeclineReason},
        frame::{Digests, Frame, GoodbyeReason, Hello},
        id::ShortId,
        record::{Ack, Beacon, Lost},
        span::{Feed, LogDigest, Range, Span, Sums},
        timestamp::Timestamp,
    },
};

/// An input, drawn from all there are. Small numbers make it likely that they meet.
#[derive(Debug, Clone)]
pub(super) enum Op {
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
    /// All that was to be stored is, but for so many changes.
    Stored {
        lacking: u8,
    },
    NotStored,
    CloseRoom,
    Retry,
    Leave,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Server(u8),
    Nearby,
    ByHand,
}

#[derive(Debug, Clone)]
pub(super) struct EnvelopeParts {
    pub(super) from: u8,
    pub(super) session: u8,
    pub(super) nonce: u64,
    pub(super) body: Body,
}

/// What a driver says; `link` counts among those that there are, or is any number at all.
#[derive(Debug, Clone)]
pub(super) enum LinkInput {
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
pub(super) enum FrameParts {
    /// That carries no bytes of another.
    Plain(Frame<'static>),
    /// With any bytes for a record.
    RawEntry {
        wire: Vec<u8>,
    },
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
        fan_out: u16,
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
    Fork {
        records: Box<[RecordParts; 2]>,
    },
    Entries {
        records: Vec<RecordParts>,
    },
    Beacons {
        records: Vec<RecordParts>,
    },
}

#[derive(Debug, Clone)]
pub(super) struct RecordParts {
    pub(super) author: u8,
    pub(super) flaw: Flaw,
    pub(super) content: ContentParts,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Flaw {
    None,
    OtherRoom,
    OtherAuthor,
    Flipped(u16),
    Cut,
}

#[derive(Debug, Clone)]
pub(super) enum ContentParts {
    Entry(Entry),
    Beacon(Beacon),
    Whisper { to_me: bool, id: u8 },
    Receipt { to_me: bool, id: u8 },
    Envelope { parts: EnvelopeParts },
}

pub(super) fn ops() -> impl Strategy<Value = Op> {
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
        6 => (0..4_u8).prop_map(|lacking| Op::Stored { lacking }),
        1 => (0..20_u8).prop_map(|number| if number == 0 { Op::NotStored } else { Op::Retry }),
        1 => (0..8_u8).prop_map(|number| if number == 0 { Op::CloseRoom } else { Op::Retry }),
        1 => (0..20_u8).prop_map(|number| if number == 0 { Op::Leave } else { Op::Retry }),
    ]
}

fn bodies() -> impl Strategy<Value = Body> {
    let sdps = || prop_oneof![4 => Just(sdp()), 1 => "\\PC{0,30}"];
    let versions = || prop_oneof![9 => Just(PROTOCOL_VERSION), 1 => Just(9_u16)];
    let candidates = || {
        let line = prop_oneof![1 => "\\PC{0,20}", 1 => Just("candidate:1 1 udp 1 192.0.2.1 9 typ host".to_owned())];
        let candidate = (line, proptest::option::of("[0-9]")).prop_map(|(line, mid)| Candidate { line, mid });
        prop::collection::vec(candidate, 0..4)
    };
    prop_oneof![
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

/// Where a server says the room is to be: at any of many servers, some of which it may not name.
fn nodes() -> impl Strategy<Value = Option<Nodes>> {
    let address = (0..24_u8).prop_map(|server| match server {
        0 => "one".to_owned(),
        1 => "ws://elsewhere/ws".to_owned(),
        _ => format!("wss://node{server}/ws"),
    });
    let nodes = (prop::collection::vec(address, 1..4), 1..3_u8);
    prop::option::of(nodes.prop_map(|(servers, stay_at)| Nodes { servers, stay_at }))
}

fn events() -> impl Strategy<Value = Event> {
    let peers =
        || prop::collection::vec(0..OTHERS, 0..12).prop_map(|peers| peers.into_iter().map(peer).collect::<Vec<_>>());
    prop_oneof![
        4 => Just(Event::Challenge { nonce: Nonce::from_bytes([1; 32]), version_min: 1, version_max: 1 }),
        6 => (any::<u32>(), peers(), any::<u16>(), any::<u32>(), nodes()).prop_map(
            |(room_size, peers, heartbeat_seconds, unix_seconds, nodes)| {
                Event::Welcome { room_size, peers, ice_servers: vec![], heartbeat_seconds, unix_seconds, nodes }
            }
        ),
        3 => (0..20_u32, peers()).prop_map(|(room_size, peers)| Event::Peers { room_size, peers }),
        1 => Just(Event::IceServers { ice_servers: vec![] }),
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

/// Some say that it is the year 1970, or the end of time.
fn clocks() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(1_800_000_000_000), 1 => Just(0), 1 => Just(u64::MAX)]
}

fn digests() -> impl Strategy<Value = Digests> {
    (0..3_u8, 0..3_u64).prop_map(|(log, people)| Digests {
        log: LogDigest([log; 16]),
        people,
    })
}

fn shorts() -> impl Strategy<Value = ShortId> {
    prop_oneof![
        (0..OTHERS).prop_map(|of| ShortId::of_peer(&peer(of))),
        any::<u64>().prop_map(ShortId)
    ]
}

fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..6_u64, 1 => 250..300_u64, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1)]
}

fn range() -> impl Strategy<Value = Range> {
    (0..18_u8, prop_oneof![8 => 0..20_u64, 1 => any::<u64>()]).prop_map(|(depth, digits)| Range { depth, digits })
}

fn ranges() -> impl Strategy<Value = Vec<Range>> {
    prop_oneof![Just(vec![Range::ALL]), prop::collection::vec(range(), 0..4)]
}

fn compared() -> impl Strategy<Value = Vec<Sums>> {
    let sums = (range(), any::<[u8; 96]>().prop_map(Into::into));
    prop::collection::vec(sums.prop_map(|(range, sums)| Sums { range, sums }), 0..4)
}

fn spans() -> impl Strategy<Value = Vec<Span>> {
    let span = (0..OTHERS, 0..3_u64, numbers(), numbers()).prop_map(|(of, number, first, next)| Span {
        feed: Feed {
            author: peer(of),
            number,
        }
        .short(),
        first,
        next,
        head: None,
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
        any::<bool>(),
    )
        .prop_map(|(feed, seq, order, text, kind, prev)| Entry {
            feed,
            seq,
            prev: (seq > 0).then_some([u8::from(prev); 32].into()),
            order,
            unix_millis: 0,
            name: "x".into(),
            kind,
            body: EntryBody::of(text),
        });
    let ack = (shorts(), numbers(), numbers(), numbers());
    let ack = ack.prop_map(|(author, feed, first, next)| Ack {
        author,
        feed,
        first,
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
        (any::<bool>(), 0..3_u8, prop::collection::vec(ack, 0..3)),
        (
            prop::collection::vec(lost, 0..3),
            prop_oneof![6 => Just(false), 1 => Just(true)],
            any::<bool>(),
            clocks(),
        ),
    );
    let beacon = beacon.prop_map(
        |(
            (stamp, name, interval_millis, neighbors),
            (on_server, digest, acks),
            (lost, leaving, whole, unix_millis),
        )| Beacon {
            stamp,
            name,
            interval_millis,
            neighbors,
            on_server,
            digest: LogDigest([digest; 16]),
            acks,
            lost,
            leaving,
            whole,
            unix_millis,
            archive: stamp.is_multiple_of(2).then_some(whole),
        },
    );
    let to_me = || prop_oneof![2 => Just(true), 1 => Just(false)];
    prop_oneof![
        6 => entry.prop_map(ContentParts::Entry),
        8 => beacon.prop_map(ContentParts::Beacon),
        2 => (to_me(), 0..4_u8).prop_map(|(to_me, id)| ContentParts::Whisper { to_me, id }),
        1 => (to_me(), 0..4_u8).prop_map(|(to_me, id)| ContentParts::Receipt { to_me, id }),
        4 => envelopes().prop_map(|parts| ContentParts::Envelope { parts }),
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
        prop_oneof![15 => Just(PROTOCOL_VERSION), 1 => Just(9_u16)],
        "[a-c]{1,2}|",
        digests(),
        clocks(),
    );
    let hello = hello.prop_map(|(version, name, digests, unix_millis)| {
        // Signed when it is known over which link it goes.
        let proof = Signature::from_bytes([0; 64]);
        Frame::Hello(Hello {
            version,
            name,
            digests,
            proof,
            unix_millis,
        })
    });
    let bytes = || prop::collection::vec(any::<u8>(), 0..80);
    let plain = prop_oneof![
        12 => hello,
        2 => (any::<u32>(), digests()).prop_map(|(nonce, digests)| Frame::Ping { nonce, digests }),
        2 => (0..5_u32, digests()).prop_map(|(nonce, digests)| Frame::Pong { nonce, digests }),
        1 => (prop::sample::select(reasons), neighbors)
            .prop_map(|(reason, neighbors)| Frame::Goodbye { reason, neighbors }),
        1 => Just(Frame::GoodbyeAck {}),
        1 => shorts().prop_map(|tree| Frame::Prune { tree }),
        2 => (spans(), prop::option::of(ranges())).prop_map(|(vector, ranges)| Frame::Have { vector, ranges }),
        2 => compared().prop_map(|ranges| Frame::Compare { ranges }),
        2 => spans().prop_map(|spans| Frame::Want { spans }),
    ]
    .prop_map(FrameParts::Plain);
    let raw = bytes().prop_map(|wire| FrameParts::RawEntry { wire });
    let plain = prop_oneof![23 => plain, 2 => raw].boxed();
    // Boxed, or they would fill the stack.
    let records = || records().boxed();
    let tree = || 0..OTHERS;
    let known = || prop::collection::vec(any::<u8>(), 0..20);
    let several = || prop::collection::vec(records(), 0..4);
    prop_oneof![
        12 => plain,
        1 => (known(), tree()).prop_map(|(known, tree)| FrameParts::IHave { known, tree }),
        2 => (known(), tree()).prop_map(|(known, tree)| FrameParts::Graft { known, tree }),
        1 => prop::collection::vec(0..OTHERS, 0..8).prop_map(|of| FrameParts::People { of }),
        6 => (any::<u8>(), any::<u16>(), tree(), records())
            .prop_map(|(hops, fan_out, tree, record)| FrameParts::Entry { hops, fan_out, tree, record }),
        6 => (any::<u8>(), tree(), records())
            .prop_map(|(hops, tree, record)| FrameParts::Beacon { hops, tree, record }),
        6 => (any::<u8>(), any::<bool>(), records())
            .prop_map(|(hops_left, flooded, record)| FrameParts::Packet { hops_left, flooded, record }),
        1 => records().prop_map(|record| FrameParts::Closing { record }),
        2 => [records(), records()].prop_map(|records| FrameParts::Fork { records: Box::new(records) }),
        2 => several().prop_map(|records| FrameParts::Entries { records }),
        2 => several().prop_map(|records| FrameParts::Beacons { records }),
    ]
}
