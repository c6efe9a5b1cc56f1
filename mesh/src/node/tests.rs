mod leaving;

use std::{rc::Rc, time::Duration};

use shared::{
    Closing, PeerId, RoomCode, SessionId,
    signal::{self, Nonce, PROTOCOL_VERSION, Request},
};

use super::*;
use crate::{
    config::{FIRST_MEASURE, GATHER, GRAFT_WAIT, OUTBOX_BYTES_MAX, Timing, WHISPER_RETRY},
    context::test::{identity, peer},
    io::{Candidate, LinkEnd, LinkKind, Path, ServerId},
    model::{NetworkEdge, PersonState},
    random::{Stream, stream},
    wire::{
        binding::Binding,
        entry::{self, Entry},
        envelope::{Body, Envelope},
        fragment::Fragments,
        frame::{Announced, Digests, GoodbyeReason, Hello},
        id::ShortId,
        nearby::Nearby,
        record::{Beacon, Record},
        sdp,
        span::LogDigest,
        timestamp::Timestamp,
    },
};

/// The first link of a node.
const LINK: LinkId = LinkId(1);

/// Ann's node and the time.
struct Rig {
    node: Node,
    room: RoomKeys,
    now: Now,
}

/// Somebody who offers to Ann: the id is lower.
fn bob() -> Identity {
    (2..).map(identity).find(|other| other.peer_id() < peer(1)).unwrap()
}

fn sent(frame: &Frame<'_>) -> Output {
    let (link, bytes) = (LINK, fragment(frame));
    Output::Transmit { link, bytes }
}

fn fragment(frame: &Frame<'_>) -> Rc<[u8]> {
    let fragments = Fragments::of(frame);
    Rc::clone(fragments.iter().next().unwrap())
}

impl Node {
    /// What the hello on a link has to be signed for.
    pub(crate) fn awaited_hello(&self, link: LinkId) -> Option<Binding> {
        self.net.links().find(|open| open.id() == link)?.awaited().cloned()
    }
}

impl Rig {
    fn new(servers: u8) -> Self {
        Self::in_room(RoomCode::parse("lobby").unwrap().open(), servers, None)
    }

    fn in_room(room: RoomKeys, servers: u8, closed: Option<Vec<u8>>) -> Self {
        let now = Now {
            instant: Instant::from_millis(100_000),
            unix_millis: 1_800_000_000_000,
        };
        let config = NodeConfig {
            name: "Ann".into(),
            servers: (0..servers).map(|server| server.to_string()).collect(),
            closed,
            timing: Timing::default(),
            keeps: crate::config::Keeps::default(),
            transport_policy: crate::io::TransportPolicy::All,
        };
        let node = Node::new(identity(1), room.clone(), config, [1; 32], now);
        Self { node, room, now }
    }

    /// The first server takes us in, and names these.
    fn register(&mut self, peers: Vec<PeerId>) {
        let server = ServerId(0);
        let challenge = signal::Event::Challenge {
            nonce: Nonce::from_bytes([5; 32]),
            version_min: PROTOCOL_VERSION,
            version_max: PROTOCOL_VERSION,
        };
        let welcome = signal::Event::Welcome {
            room_size: 2,
            peers,
            ice_servers: vec![],
            heartbeat_seconds: 20,
            unix_seconds: 1_800_000_000,
            nodes: None,
        };
        for event in [challenge, welcome] {
            self.node.handle_input(self.now, Input::Signal { server, event });
        }
    }

    /// Linked with Bob by an offer that came from another tab, and nothing left to be done now.
    fn linked() -> Self {
        let mut rig = Self::new(0);
        rig.node.handle_timeout(rig.now);
        let envelope = Envelope {
            from: bob().peer_id(),
            to: peer(1),
            session: SessionId::from_bytes([4; 16]),
            nonce: 5,
            body: Body::Offer {
                version: PROTOCOL_VERSION,
                round: 0,
                sdp: sdp::test::sdp(),
                urgent: true,
            },
        };
        let mut rng = stream([9; 32], Stream::Envelopes);
        let (to, sealed) = (peer(1), envelope.seal(&bob(), &rig.room, &mut rng).unwrap());
        let bytes = Nearby::Envelope { to, sealed }.encode();
        rig.input(Input::Nearby { bytes });
        let sdp = sdp::test::sdp();
        rig.input(Input::LocalDescription { link: LINK, sdp });
        rig.input(Input::LinkOpen { link: LINK });
        let digests = Digests {
            log: LogDigest([0; 16]),
            people: 0,
        };
        let certificate = sdp::certificate(&sdp::test::sdp());
        let binding = Binding {
            session: SessionId::from_bytes([4; 16]),
            from: bob().peer_id(),
            to: peer(1),
            own_certificate: certificate.clone(),
            other_certificate: certificate,
        };
        rig.frame(&Frame::Hello(Hello {
            version: PROTOCOL_VERSION,
            name: "Bob".into(),
            digests,
            proof: binding.sign(&bob(), &rig.room),
            unix_millis: rig.now.unix_millis,
        }));
        rig.outputs_after(0);
        assert_eq!(rig.node.linked().collect::<Vec<_>>(), [bob().peer_id()]);
        rig
    }

    fn input(&mut self, input: Input) {
        self.node.handle_input(self.now, input);
    }

    /// An invitation is made, of which only candidates are awaited.
    fn invite(&mut self) {
        self.node.invite(self.now).unwrap();
        let sdp = sdp::test::sdp();
        self.input(Input::LocalDescription { link: LINK, sdp });
    }

    /// A frame comes from Bob.
    fn frame(&mut self, frame: &Frame<'_>) {
        let bytes = fragment(frame);
        self.input(Input::Fragment { link: LINK, bytes });
    }

    fn wait(&mut self, millis: u64) {
        self.now.instant = self.now.instant + Duration::from_millis(millis);
        self.now.unix_millis += millis;
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.node.poll_output()).collect()
    }

    /// What comes out after so long.
    fn outputs_after(&mut self, millis: u64) -> Vec<Output> {
        self.wait(millis);
        self.node.handle_timeout(self.now);
        self.outputs()
    }

    /// An entry of Bob's.
    fn entry(&self) -> Rc<Record<Entry>> {
        let entry = Entry {
            feed: 1,
            seq: 0,
            prev: None,
            order: Timestamp::from_unix_millis(self.now.unix_millis),
            unix_millis: self.now.unix_millis,
            name: "Bob".into(),
            kind: Entry::CHAT,
            body: entry::EntryBody::of("hi"),
        };
        Record::sign(&bob(), &self.room, entry)
    }
}

fn entry_frame(record: &Record<Entry>) -> Frame<'_> {
    Frame::Entry {
        hops: 1,
        fan_out: 0,
        tree: ShortId::of_peer(&record.author),
        wire: record.wire.as_slice().into(),
    }
}

fn hang_up() -> Output {
    Output::HangUp { link: LINK }
}

#[test]
fn a_new_node_is_due_at_once_and_connects_to_its_servers() {
    let mut rig = Rig::new(2);
    assert_eq!(rig.node.poll_timeout(), Some(rig.now.instant));
    assert_eq!(rig.outputs(), []);
    let outputs = rig.outputs_after(0);
    for server in [ServerId(0), ServerId(1)] {
        let address = server.0.to_string();
        assert!(
            outputs.contains(&Output::ConnectServer { server, address }),
            "{outputs:?}"
        );
    }
    assert!(rig.node.poll_timeout() > Some(rig.now.instant));
}

#[test]
fn the_earliest_deadline_of_all_timers_is_the_nodes() {
    let mut rig = Rig::new(0);
    rig.node.handle_timeout(rig.now);
    let made = rig.now.instant;
    assert!(
        rig.node.poll_timeout() > Some(made + GATHER),
        "other tabs are looked for later"
    );
    rig.invite();
    assert_eq!(rig.node.poll_timeout(), Some(made + GATHER));
}

#[test]
fn as_each_timer_goes_off_the_next_is_the_nodes() {
    let mut rig = Rig::linked();
    let start = rig.now.instant;
    assert_eq!(rig.node.poll_timeout(), Some(start + FIRST_MEASURE), "the link");
    rig.node.whisper(rig.now, bob().peer_id(), "psst").unwrap();
    assert_eq!(
        rig.node.poll_timeout(),
        Some(start + FIRST_MEASURE),
        "the link, before the whisper"
    );
    let (tree, ids) = (ShortId::of_peer(&bob().peer_id()), vec![ShortId(7)]);
    let announced = vec![Announced { tree, ids: ids.clone() }];
    rig.frame(&Frame::IHave { announced });
    rig.outputs();
    assert_eq!(
        rig.node.poll_timeout(),
        Some(start + GRAFT_WAIT),
        "the announced record"
    );
    assert_eq!(rig.outputs_after(400), [sent(&Frame::Graft { ids, tree })]);
    assert_eq!(rig.outputs_after(400), [], "nobody else is left to ask");
    // Bob's frame put the ping off, but not the first measure.
    assert_eq!(rig.node.poll_timeout(), Some(start + FIRST_MEASURE));
    let outputs = rig.outputs_after(200);
    let [Output::Transmit { link: LINK, bytes }] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert!(matches!(Frame::decode(&bytes[1..]), Ok(Frame::Ping { nonce: 1, .. })));
    assert_eq!(rig.node.poll_timeout(), Some(start + WHISPER_RETRY), "the whisper");
}

#[test]
fn a_timer_that_is_not_due_does_not_go_off() {
    let mut rig = Rig::new(0);
    rig.node.handle_timeout(rig.now);
    rig.invite();
    rig.outputs();
    let due = rig.node.poll_timeout();
    assert_eq!(rig.outputs_after(1_999), []);
    assert_eq!(rig.node.poll_timeout(), due);
    let outputs = rig.outputs_after(1);
    assert!(matches!(outputs[..], [Output::Event(Event::Invitation { .. })]));
    assert!(rig.node.poll_timeout() > due);
    assert_eq!(rig.outputs_after(0), [], "it goes off once");
}

#[test]
fn time_that_runs_back_is_taken_for_the_last() {
    let mut rig = Rig::new(0);
    rig.node.handle_timeout(rig.now);
    let last = rig.now.instant;
    rig.now = Now::default();
    rig.invite();
    assert_eq!(rig.node.poll_timeout(), Some(last + GATHER));
}

#[test]
fn the_same_seed_and_calls_give_the_same_bytes() {
    let play = || {
        let mut rig = Rig::linked();
        rig.node.say(rig.now, "hi").unwrap();
        rig.node.whisper(rig.now, bob().peer_id(), "psst").unwrap();
        let mut outputs = rig.outputs();
        for _ in 0..20 {
            outputs.extend(rig.outputs_after(300));
        }
        outputs
    };
    let outputs = play();
    assert!(outputs.len() > 5, "{outputs:?}");
    assert_eq!(outputs, play());
}

#[test]
fn a_link_that_overflows_the_outbox_is_closed() {
    let mut rig = Rig::linked();
    let message = vec![0; 64 * 1024];
    let wires = vec![message.as_slice().into()];
    let large = Fragments::of(&Frame::Entries { wires });
    for _ in 0..=OUTBOX_BYTES_MAX / large.bytes() {
        rig.node.cx.transmit(LINK, &large);
    }
    assert_eq!(rig.node.linked().count(), 1);
    let (link, kind) = (LINK, LinkKind::Local);
    rig.input(Input::LinkKind { link, kind });
    assert_eq!(rig.node.linked().count(), 0);
    let outputs = rig.outputs();
    let fragments = large.iter().count() * (OUTBOX_BYTES_MAX / large.bytes());
    assert_eq!(
        outputs.iter().position(|output| *output == hang_up()),
        Some(fragments),
        "the rest is sent before"
    );
    let sends = |output: &Output| matches!(output, Output::Transmit { .. });
    assert!(!outputs[fragments..].iter().any(sends), "and nothing after");
    let shown = outputs.iter().rev().find_map(|output| {
        let Output::Event(Event::Person { person }) = output else {
            return None;
        };
        Some((person.state, person.linked))
    });
    assert_eq!(shown, Some((PersonState::Gone, false)));
}

#[test]
fn a_machine_that_slept_asks_its_links_before_it_gives_them_up() {
    let mut rig = Rig::linked();
    let outputs = rig.outputs_after(3_600_000);
    let pings = outputs.iter().filter(|output| {
        let Output::Transmit { link: LINK, bytes } = output else {
            return false;
        };
        matches!(Frame::decode(&bytes[1..]), Ok(Frame::Ping { .. }))
    });
    assert_eq!(pings.count(), 1);
    assert!(!outputs.contains(&hang_up()));
    let grace = Timing::default().sleep_grace;
    let outputs = rig.outputs_after(u64::try_from(grace.as_millis()).unwrap());
    assert!(outputs.contains(&hang_up()), "nobody answered");
}

#[test]
fn an_entry_that_arrives_is_shown() {
    let mut rig = Rig::linked();
    let entry = rig.entry();
    rig.frame(&entry_frame(&entry));
    let outputs = rig.outputs();
    let [Output::Event(Event::Message { message })] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!((message.id, message.text.as_str()), (entry.message_id(), "hi"));
}

#[test]
fn too_many_violations_in_the_room_end_the_link() {
    let mut rig = Rig::linked();
    let wire = (&[1, 2, 3][..]).into();
    for violations in 1..=5 {
        assert_eq!(rig.node.linked().count(), 1);
        rig.frame(&Frame::Packet {
            hops_left: 1,
            flooded: true,
            wire,
        });
        assert_eq!(rig.node.counters().frames_refused, violations);
    }
    let (reason, neighbors) = (GoodbyeReason::Misbehaving, vec![]);
    assert_eq!(rig.outputs()[0], sent(&Frame::Goodbye { reason, neighbors }));
    assert_eq!(rig.node.linked().count(), 0);
}

#[test]
fn a_server_that_is_waited_for_is_tried_at_once_if_the_person_wants_that() {
    let mut rig = Rig::new(1);
    rig.node.handle_timeout(rig.now);
    let server = ServerId(0);
    rig.input(Input::ServerDown { server, code: 1006 });
    rig.outputs();
    assert_eq!(rig.outputs_after(0), []);
    rig.node.retry_now(rig.now);
    let address = "0".to_owned();
    assert_eq!(rig.outputs()[0], Output::ConnectServer { server, address });
}

#[test]
fn the_network_is_shown_with_those_who_are_here_and_what_both_ends_name_as_a_link() {
    let mut rig = Rig::linked();
    let network = rig.node.network();
    assert_eq!((network.nodes.len(), network.size, network.edges.len()), (2, 2, 0));
    assert_eq!(network.links[0].peer, bob().peer_id());
    let beacon = Beacon {
        neighbors: vec![ShortId::of_peer(&peer(1))],
        on_server: true,
        ..Beacon::plain("Bob", 1)
    };
    let record = Record::sign(&bob(), &rig.room, beacon);
    let (hops, tree, wire) = (1, ShortId::of_peer(&record.author), record.wire.as_slice().into());
    rig.frame(&Frame::Beacon { hops, tree, wire });
    let network = rig.node.network();
    assert_eq!(network.edges, [NetworkEdge { one: 0, other: 1 }]);
    assert_eq!(
        network.nodes.iter().map(|node| node.on_server).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(rig.node.present(), 2);
}

#[test]
fn a_wall_clock_that_ran_ahead_of_the_monotonic_one_means_that_the_machine_slept() {
    for (ahead, slept) in [(4_000, false), (60_000, true)] {
        let mut rig = Rig::new(1);
        rig.node.handle_timeout(rig.now);
        rig.register(vec![]);
        while rig.node.poll_output().is_some() {}
        rig.now.instant = Instant::from_millis(100_100);
        rig.now.unix_millis += 100 + ahead;
        rig.node.handle_timeout(rig.now);
        let outputs: Vec<_> = std::iter::from_fn(|| rig.node.poll_output()).collect();
        let is_ping = |output: &Output| {
            let Output::Signal { request, .. } = output else {
                return false;
            };
            matches!(request, Request::Ping {})
        };
        assert_eq!(outputs.iter().any(is_ping), slept, "{outputs:?}");
    }
}
