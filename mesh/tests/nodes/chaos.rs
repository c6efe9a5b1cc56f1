//! Anything at any time: what must hold holds, and once the world is whole again so is the room.

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use mesh::{
    Node, NodeConfig, Timing,
    envelope::{Body, DeclineReason, Envelope},
    frame::{Frame, GoodbyeReason, Hello, Said, Signed},
    io::{Candidate, Input, Instant, LinkEnd, LinkId, Now, Output, Path, ServerId},
};
use proptest::prelude::*;
use shared::{
    Identity, MessageId, RoomCode, SessionId,
    limits::LINKS_MAX,
    signal::{Event, Nonce, Refusal},
};

use crate::world::{World, millis, seconds, seeds_or};

const PEOPLE: usize = 5;

/// A world in which everything goes wrong for a while.
fn troubled(seed: u64) -> World {
    let mut world = World::with_servers(seed, 2);
    for number in 0..PEOPLE {
        world.add(&format!("P{number}"));
    }
    let mut dead = [false; PEOPLE];
    let mut asleep = [false; PEOPLE];
    for number in 0..150 {
        let pause = world.draw(1_500);
        world.run_for(millis(pause));
        let people = PEOPLE as u64;
        let (one, other) = (world.draw(people), world.draw(people));
        let (one, other) = (usize::try_from(one).unwrap(), usize::try_from(other).unwrap());
        let server = u8::try_from(world.draw(2)).unwrap();
        let awake = !dead[one] && !asleep[one];
        match world.draw(22) {
            0..=4 if awake => drop(world.try_say(one, &format!("{number}"))),
            5 | 6 if awake && one != other => drop(world.whisper(one, other, &format!("psst {number}"))),
            7 if awake => world.fail_link(one, other),
            8 => world.clog(one, other),
            9 | 10 => world.break_path(one, other),
            11 => world.regain_path(one, other),
            12 => world.block(one, other),
            13 => world.unblock(one, other),
            14 if awake => {
                world.kill(one);
                dead[one] = true;
            }
            15 if awake => {
                world.close_tab(one);
                dead[one] = true;
            }
            16 if dead[one] => {
                world.restart(one);
                dead[one] = false;
            }
            17 if awake => {
                world.sleep(one);
                asleep[one] = true;
            }
            18 if asleep[one] => {
                world.wake(one);
                asleep[one] = false;
            }
            19 => world.server_down(server),
            20 => world.server_up(server),
            21 if awake => {
                world.set_network(one, number % 2 == 0);
            }
            _ => {}
        }
    }
    for one in 0..PEOPLE {
        if dead[one] {
            world.restart(one);
        }
        if asleep[one] {
            world.wake(one);
        }
        for other in 0..one {
            world.unblock(one, other);
        }
    }
    world.server_up(0);
    world.server_up(1);
    world
}

#[test]
fn after_all_trouble_everyone_is_linked_and_heard() {
    for seed in seeds_or(1..47) {
        let mut world = troubled(seed);
        let who: Vec<_> = (0..PEOPLE).collect();
        world.run_until_linked(seconds(90), &who);
        world.run_for(seconds(20));
        assert!(world.all_linked(&who));
        let ids: Vec<_> = who.iter().map(|who| world.say(*who, &format!("I am {who}"))).collect();
        world.run_for(seconds(2));
        for (one, id) in who.iter().zip(ids) {
            let all = u32::try_from(PEOPLE - 1).unwrap();
            assert_eq!(
                world.delivery(*one, id),
                mesh::io::Delivery::Sent {
                    delivered: all,
                    of: all
                }
            );
        }
    }
}

#[test]
fn the_same_seed_and_calls_give_the_same_bytes() {
    for seed in [1, 2, 3] {
        let [one, other] = [0, 1].map(|_| troubled(seed).transcript());
        assert_eq!(one, other);
        assert_ne!(one, troubled(seed + 10).transcript());
    }
}

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
    Envelope {
        from: u8,
        session: u8,
        nonce: u64,
        body: Body,
    },
    Input(Input),
    Frame {
        link: u64,
        frame: Frame,
    },
    Chat {
        link: u64,
        from: u8,
        to: bool,
        text: String,
    },
    Say {
        text: String,
    },
    Whisper {
        to: u8,
    },
    Retry,
    Leave,
}

fn identity(byte: u8) -> Identity {
    Identity::from_secret(&[byte + 1; 32])
}

/// Whose node is tested: in the middle of the others' ids.
fn me() -> u8 {
    let mut all: Vec<u8> = (0..12).collect();
    all.sort_by_key(|byte| identity(*byte).peer_id());
    all[6]
}

fn sdp() -> String {
    format!(
        "v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=fingerprint:sha-256 {}\r\n",
        ["AB"; 32].join(":")
    )
}

fn bodies() -> impl Strategy<Value = Body> {
    let sdps = prop_oneof![4 => Just(sdp()), 1 => "\\PC{0,30}"];
    let candidate = ("\\PC{0,20}", proptest::option::of("[0-9]")).prop_map(|(line, mid)| Candidate { line, mid });
    prop_oneof![
        3 => (1..3u16).prop_map(|version| Body::Knock { version }),
        4 => (1..3u16, 0..3u32, sdps.clone()).prop_map(|(version, round, sdp)| Body::Offer { version, round, sdp }),
        2 => (0..3u32, sdps).prop_map(|(round, sdp)| Body::Answer { round, sdp }),
        1 => prop::collection::vec(candidate, 0..4).prop_map(|candidates| Body::Candidates { candidates }),
        1 => any::<bool>().prop_map(|full| Body::Decline {
            reason: if full { DeclineReason::Full } else { DeclineReason::Version },
            version: 2,
        }),
    ]
}

fn refusals() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        (0..12u8).prop_map(|peer| Refusal::PeerNotHere {
            to: identity(peer).peer_id()
        }),
        Just(Refusal::RoomFull {}),
        Just(Refusal::BadSignature {}),
        Just(Refusal::TooFast { retry_after_millis: 5 }),
        Just(Refusal::Draining {}),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let peers = || prop::collection::vec(0..12u8, 0..12);
    let named = |peers: Vec<u8>| {
        peers
            .into_iter()
            .map(|byte| identity(byte).peer_id())
            .collect::<Vec<_>>()
    };
    prop_oneof![
        4 => Just(Event::Challenge { nonce: Nonce::from_bytes([1; 32]), version_min: 1, version_max: 1 }),
        6 => (any::<u32>(), peers(), any::<u16>()).prop_map(move |(room_size, peers, heartbeat_seconds)| {
            Event::Welcome { room_size, peers: named(peers), ice_servers: vec![], heartbeat_seconds }
        }),
        3 => (0..20u32, peers()).prop_map(move |(room_size, peers)| Event::Peers { room_size, peers: named(peers) }),
        1 => ("\\PC{0,40}", 0..12u8).prop_map(|(payload, from)| {
            Event::Relayed { from: identity(from).peer_id(), payload }
        }),
        2 => refusals().prop_map(|refusal| Event::Refused { refusal }),
        1 => Just(Event::Ping {}),
        1 => Just(Event::Pong {}),
        1 => Just(Event::Draining {}),
    ]
}

fn inputs() -> impl Strategy<Value = Input> {
    let link = || (0..40u64).prop_map(LinkId);
    let path = prop::sample::select(vec![Path::Connected, Path::Disconnected, Path::Failed]);
    let end = prop::sample::select(vec![
        LinkEnd::ClosedByPeer,
        LinkEnd::Failed,
        LinkEnd::SlowReader,
        LinkEnd::Exhausted,
    ]);
    prop_oneof![
        1 => (0..3u8, prop::sample::select(vec![1006, 1012, 4006, 4007])).prop_map(|(server, code)| {
            Input::ServerDown { server: ServerId(server), code }
        }),
        8 => link().prop_map(|link| Input::LocalDescription { link, sdp: sdp() }),
        1 => link().prop_map(|link| Input::LocalCandidates { link, candidates: vec![] }),
        12 => link().prop_map(|link| Input::LinkOpen { link }),
        3 => (link(), path).prop_map(|(link, path)| Input::LinkPath { link, path }),
        2 => (link(), end).prop_map(|(link, end)| Input::LinkClosed { link, end }),
        2 => (link(), prop::collection::vec(any::<u8>(), 0..80)).prop_map(|(link, bytes)| Input::Packet { link, bytes }),
        1 => any::<bool>().prop_map(|online| Input::Network { online }),
    ]
}

fn frames() -> impl Strategy<Value = Frame> {
    let reasons = vec![
        GoodbyeReason::Leaving,
        GoodbyeReason::Misbehaving,
        GoodbyeReason::Version,
        GoodbyeReason::Replaced,
    ];
    prop_oneof![
        6 => (prop_oneof![9 => Just(1u16), 1 => Just(2u16)], "[a-c]{0,2}")
            .prop_map(|(version, name)| Frame::Hello(Hello { version, name })),
        2 => any::<u32>().prop_map(|nonce| Frame::Ping { nonce }),
        2 => (0..5u32).prop_map(|nonce| Frame::Pong { nonce }),
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(|sealed| Frame::Whisper { sealed: sealed.into() }),
        1 => any::<[u8; 16]>().prop_map(|id| Frame::Ack { id: MessageId::from_bytes(id) }),
        1 => prop::sample::select(reasons).prop_map(|reason| Frame::Goodbye { reason }),
        1 => Just(Frame::GoodbyeAck {}),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => prop_oneof![8 => 0..3_000u64, 1 => 0..100_000u64].prop_map(|millis| Op::Wait { millis }),
        5 => (0..3u8, events()).prop_map(|(server, event)| Op::Signal { server, event }),
        6 => (0..12u8, 0..4u8, any::<u64>(), bodies()).prop_map(|(from, session, nonce, body)| {
            Op::Envelope { from, session, nonce, body }
        }),
        16 => inputs().prop_map(Op::Input),
        8 => (0..40u64, frames()).prop_map(|(link, frame)| Op::Frame { link, frame }),
        2 => (0..40u64, 0..12u8, any::<bool>(), "[ a-c]{0,3}")
            .prop_map(|(link, from, to, text)| Op::Chat { link, from, to, text }),
        2 => "[ a-c]{0,3}".prop_map(|text| Op::Say { text }),
        1 => (0..12u8).prop_map(|to| Op::Whisper { to }),
        1 => Just(Op::Retry),
        1 => (0..20u8).prop_map(|number| if number == 0 { Op::Leave } else { Op::Retry }),
    ]
}

/// A node, and what is held against it.
struct Rig {
    node: Node,
    millis: u64,
    links: std::collections::BTreeSet<LinkId>,
    left: bool,
}

impl Rig {
    fn now(&self) -> Now {
        Now {
            instant: Instant::from_millis(self.millis),
            unix_millis: self.millis,
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.node.poll_output() {
            assert!(!self.left, "{output:?} after leaving");
            match output {
                Output::Dial { link, .. } => assert!(self.links.insert(link), "dialled twice"),
                Output::Accept { link, .. } => {
                    self.links.insert(link);
                }
                Output::HangUp { link } => assert!(self.links.remove(&link), "hung up what is not there"),
                Output::Transmit { link, bytes } => {
                    assert!(self.links.contains(&link));
                    assert!(bytes.len() <= mesh::fragment::PACKET_BYTES_MAX);
                }
                Output::RemoteAnswer { link, .. }
                | Output::RemoteCandidates { link, .. }
                | Output::RestartIce { link } => assert!(self.links.contains(&link)),
                Output::Event(mesh::io::Event::Left) => self.left = true,
                Output::ConnectServer { .. }
                | Output::DisconnectServer { .. }
                | Output::Signal { .. }
                | Output::RememberName { .. }
                | Output::Event(_) => {}
            }
        }
        assert!(self.node.linked().count() <= LINKS_MAX);
        // To each of eight peers a link and an attempt to replace it.
        assert!(self.links.len() <= 2 * LINKS_MAX);
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

    fn apply(&mut self, op: Op) {
        let (now, room) = (self.now(), RoomCode::parse("lobby").unwrap().open());
        let packet = |link, frame: &Frame| {
            mesh::fragment::packets(&frame.encode())
                .map(move |bytes| Input::Packet { link, bytes })
                .collect()
        };
        let inputs: Vec<Input> = match op {
            Op::Wait { millis } => return self.run_for(millis),
            Op::Signal { server, event } => vec![Input::Signal {
                server: ServerId(server),
                event,
            }],
            Op::Envelope {
                from,
                session,
                nonce,
                body,
            } => {
                let from = identity(from);
                let envelope = Envelope {
                    from: from.peer_id(),
                    to: self.node.peer_id(),
                    session: SessionId::from_bytes([session; 16]),
                    nonce,
                    body,
                };
                let payload = envelope.seal(&from, &room, &mut ChaCha20Rng::from_seed([1; 32]));
                vec![Input::Signal {
                    server: ServerId(0),
                    event: Event::Relayed {
                        from: from.peer_id(),
                        payload,
                    },
                }]
            }
            Op::Input(input) => vec![input],
            Op::Frame { link, frame } => packet(LinkId(link), &frame),
            Op::Chat { link, from, to, text } => {
                let said = Said {
                    id: MessageId::from_bytes([1; 16]),
                    unix_millis: 0,
                    name: "x".into(),
                    to: to.then(|| self.node.peer_id()),
                    text,
                };
                packet(LinkId(link), &Frame::Chat(Signed::new(&identity(from), &room, &said)))
            }
            Op::Say { text } => {
                let _ = self.node.say(now, &text);
                vec![]
            }
            Op::Whisper { to } => {
                let _ = self.node.whisper(now, identity(to).peer_id(), "psst");
                vec![]
            }
            Op::Retry => {
                self.node.retry_now(now);
                vec![]
            }
            Op::Leave => {
                self.node.leave(now);
                vec![]
            }
        };
        for input in inputs {
            if let Input::LinkClosed { link, .. } = &input {
                // The driver says so only of links it has.
                if !self.links.remove(link) {
                    continue;
                }
            }
            if let Input::LinkOpen { link } = &input
                && !self.links.contains(link)
            {
                continue;
            }
            self.node.handle_input(now, input);
            self.drain();
        }
        self.drain();
        self.run_for(0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_inputs_in_any_order_keep_the_bounds(ops in prop::collection::vec(ops(), 1..250)) {
        let config = NodeConfig { name: "Me".into(), servers: 2, timing: Timing::default() };
        let room = RoomCode::parse("lobby").unwrap().open();
        let now = Now { instant: Instant::from_millis(1_000_000), unix_millis: 0 };
        let mut rig = Rig {
            node: Node::new(identity(me()), room, config, [9; 32], now),
            millis: 1_000_000,
            links: std::collections::BTreeSet::new(),
            left: false,
        };
        rig.run_for(0);
        for op in ops {
            rig.apply(op);
        }
        rig.run_for(600_000);
    }
}
