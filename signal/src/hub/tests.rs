mod closing;
mod ice_servers;
mod limits;
mod several;

use std::{net::Ipv4Addr, time::Duration};

use shared::{
    Identity, Room as RoomKeys, RoomCode,
    limits::PEER_SAMPLE_MAX,
    signal::{Hello, PROTOCOL_VERSION},
};

use super::*;
use crate::config::{Rate, RoomHost};

const NONCE: Nonce = Nonce::from_bytes([7; 32]);
const ROOM: &str = "lobby";
const OTHER_ROOM: &str = "attic";
const HOST: &str = "rooms.example";

/// When each bench starts, in seconds since 1970.
const START: u64 = 1_700_000_000;

fn room(name: &str) -> RoomKeys {
    RoomCode::parse(name).unwrap().open()
}

/// Answers the challenge with this nonce.
fn hello(who: u8, room_name: &str, nonce: &Nonce) -> Hello {
    Hello::sign(&identity(who), &room(room_name), HOST, nonce)
}

fn identity(byte: u8) -> Identity {
    Identity::from_secret(&[byte; 32])
}

fn address(byte: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, byte))
}

/// A hub with its clock and outbox at hand.
struct Bench {
    hub: Hub,
    started: Instant,
    now: Instant,
    outbox: Outbox,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self::with(limits, IceServers::default())
    }

    fn with(limits: Limits, ice_servers: IceServers) -> Self {
        let started = Instant::now();
        Self {
            hub: Hub::new(limits, Vec::new(), ice_servers, [3; 32]),
            started,
            now: started,
            outbox: Outbox::default(),
        }
    }

    fn now(&self) -> Now {
        Now {
            instant: self.now,
            unix_seconds: START + (self.now - self.started).as_secs(),
        }
    }

    fn outputs(&mut self) -> Vec<Output> {
        self.outbox.drain().collect()
    }

    /// Connects, and is taken in.
    fn connect(&mut self, conn: u64) -> Vec<Output> {
        assert_eq!(self.try_connect(conn, address(1)), Ok(()));
        self.outputs()
    }

    /// Connects from an address.
    fn try_connect(&mut self, conn: u64, address: IpAddr) -> Result<(), Refusal> {
        self.hub
            .connect(self.now, ConnId(conn), address, NONCE, &mut self.outbox)
    }

    fn request(&mut self, conn: u64, request: Request) -> Vec<Output> {
        self.request_of(conn, request, 100)
    }

    /// A request with so many bytes.
    fn request_of(&mut self, conn: u64, request: Request, bytes: usize) -> Vec<Output> {
        self.hub
            .handle(self.now(), ConnId(conn), request, bytes, &mut self.outbox);
        self.outputs()
    }

    fn hello(&mut self, conn: u64, who: u8, room: &str) -> Vec<Output> {
        self.request(conn, Request::from(hello(who, room, &NONCE)))
    }

    /// Connects and registers; the connection has the peer's number.
    fn join(&mut self, who: u8, room: &str) -> Vec<Output> {
        self.connect(u64::from(who));
        self.hello(u64::from(who), who, room)
    }

    /// The same, from an address of its own.
    fn join_alone(&mut self, who: u8, room: &str) -> Vec<Output> {
        assert_eq!(self.try_connect(u64::from(who), address(who)), Ok(()));
        self.outputs();
        self.hello(u64::from(who), who, room)
    }

    fn advance(&mut self, duration: Duration) -> Vec<Output> {
        self.now += duration;
        self.hub.handle_timeout(self.now(), &mut self.outbox);
        self.outputs()
    }
}

fn send(to: u64, event: Event) -> Output {
    Output::Send { to: ConnId(to), event }
}

fn refused(to: u64, refusal: Refusal) -> Output {
    send(to, Event::Refused { refusal })
}

fn close(to: u64, code: CloseCode) -> Output {
    Output::Close { to: ConnId(to), code }
}

/// What the client of one connection, at the usual address, has sent to another.
fn carried(from: u64, to: u64, event: Event) -> Output {
    let (conn, network) = (ConnId(from), Network::of(address(1)));
    let sender = Sender { conn, network };
    let to = ConnId(to);
    Output::Relay { to, sender, event }
}

fn relay(to: u8) -> Request {
    Request::Relay {
        to: identity(to).peer_id(),
        payload: "sealed".to_owned(),
    }
}

fn welcome(to: u64, room_size: u32, peers: Vec<PeerId>) -> Output {
    send(
        to,
        Event::Welcome {
            room_size,
            peers,
            ice_servers: Vec::new(),
            heartbeat_seconds: 15,
            unix_seconds: u32::try_from(START).unwrap(),
            nodes: None,
        },
    )
}

#[test]
fn a_newcomer_is_challenged_then_welcomed_and_nobody_else_is_told() {
    let mut bench = Bench::new(Limits::default());
    let challenge = Event::Challenge {
        nonce: NONCE,
        version_min: PROTOCOL_VERSION,
        version_max: PROTOCOL_VERSION,
    };
    assert_eq!(bench.connect(1), [send(1, challenge)]);
    assert_eq!(bench.hello(1, 1, ROOM), [welcome(1, 1, vec![])]);
    assert_eq!(bench.join(2, ROOM), [welcome(2, 2, vec![identity(1).peer_id()])]);
    assert_eq!(bench.join(3, OTHER_ROOM), [welcome(3, 1, vec![])]);
    assert_eq!(
        bench.hub.occupancy(),
        Occupancy {
            connections: 3,
            rooms: 2,
            peers: 3
        }
    );
}

#[test]
fn a_join_answers_with_a_bounded_sample_only() {
    let mut bench = Bench::new(Limits::default());
    for who in 1..100 {
        let outputs = bench.join(who, ROOM);
        let [
            Output::Send {
                event: Event::Welcome { room_size, peers, .. },
                ..
            },
        ] = outputs.as_slice()
        else {
            panic!("{outputs:?}")
        };
        assert_eq!(*room_size, u32::from(who));
        assert_eq!(peers.len(), usize::from(who - 1).min(PEER_SAMPLE_MAX));
        assert!(!peers.contains(&identity(who).peer_id()));
    }
}

#[test]
fn a_relay_reaches_its_recipient_in_the_same_room_only() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    bench.join(2, ROOM);
    bench.join(3, OTHER_ROOM);
    let relayed = Event::Relayed {
        from: identity(1).peer_id(),
        payload: "sealed".to_owned(),
    };
    assert_eq!(bench.request(1, relay(2)), [carried(1, 2, relayed)]);
    for stranger in [1, 3, 4] {
        let refusal = Refusal::PeerNotHere {
            to: identity(stranger).peer_id(),
        };
        assert_eq!(bench.request(1, relay(stranger)), [refused(1, refusal)]);
    }
}

#[test]
fn a_payload_over_the_limit_is_refused() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    bench.join(2, ROOM);
    let mut relay_of = |bytes| {
        let request = Request::Relay {
            to: identity(2).peer_id(),
            payload: "x".repeat(bytes),
        };
        bench.request(1, request)
    };
    assert!(matches!(
        relay_of(RELAY_PAYLOAD_BYTES_MAX)[..],
        [Output::Relay { to: ConnId(2), .. }]
    ));
    assert_eq!(
        relay_of(RELAY_PAYLOAD_BYTES_MAX + 1),
        [refused(1, Refusal::PayloadTooLarge {})]
    );
}

#[test]
fn a_forged_or_replayed_hello_closes() {
    let mut bench = Bench::new(Limits::default());
    let closed = |conn| {
        [
            refused(conn, Refusal::BadSignature {}),
            close(conn, CloseCode::HelloRefused),
        ]
    };
    bench.connect(1);
    let replayed = Request::from(hello(1, ROOM, &Nonce::from_bytes([8; 32])));
    assert_eq!(bench.request(1, replayed), closed(1));
    bench.connect(2);
    let forged = Request::from(Hello {
        peer: identity(2).peer_id(),
        ..hello(1, ROOM, &NONCE)
    });
    assert_eq!(bench.request(2, forged), closed(2));
    assert_eq!(bench.hello(2, 2, ROOM), [], "there is no second try on a closed socket");
    assert_eq!(bench.hub.occupancy().peers, 0);
}

#[test]
fn another_version_is_told_which_is_served() {
    let mut bench = Bench::new(Limits::default());
    bench.connect(1);
    let request = Request::from(Hello {
        version: PROTOCOL_VERSION + 1,
        ..hello(1, ROOM, &NONCE)
    });
    let refusal = Refusal::UnsupportedVersion {
        version_min: PROTOCOL_VERSION,
        version_max: PROTOCOL_VERSION,
    };
    assert_eq!(
        bench.request(1, request),
        [refused(1, refusal), close(1, CloseCode::UnsupportedVersion)]
    );
}

#[test]
fn requests_out_of_turn_are_refused_and_the_socket_stays() {
    let mut bench = Bench::new(Limits::default());
    bench.connect(1);
    assert_eq!(bench.request(1, relay(2)), [refused(1, Refusal::NotRegistered {})]);
    assert_eq!(bench.hello(1, 1, ROOM), [welcome(1, 1, vec![])]);
    assert_eq!(bench.hello(1, 1, ROOM), [refused(1, Refusal::AlreadyRegistered {})]);
    assert_eq!(bench.request(1, Request::Ping {}), [send(1, Event::Pong {})]);
}

#[test]
fn the_newer_socket_of_a_peer_supersedes_the_older() {
    let limits = Limits {
        peers_per_room_max: 2,
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    bench.join(1, ROOM);
    bench.join_alone(2, ROOM);
    bench.connect(11);
    assert_eq!(
        bench.hello(11, 1, ROOM),
        [
            close(1, CloseCode::Superseded),
            welcome(11, 2, vec![identity(2).peer_id()])
        ],
        "also in a full room"
    );
    assert!(matches!(
        bench.request(2, relay(1))[..],
        [Output::Relay { to: ConnId(11), .. }]
    ));
    bench.hub.disconnect(bench.now, ConnId(1));
    assert!(
        matches!(bench.request(2, relay(1))[..], [Output::Relay { to: ConnId(11), .. }]),
        "the end of the older socket does not unregister the newer one"
    );
}

#[test]
fn the_same_peer_may_be_in_two_rooms() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    bench.connect(11);
    assert_eq!(bench.hello(11, 1, OTHER_ROOM), [welcome(11, 1, vec![])]);
}

#[test]
fn draining_tells_everybody_and_takes_in_nobody() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    bench.connect(2);
    assert_eq!(bench.hub.drain(usize::MAX, &mut bench.outbox), 0);
    assert_eq!(
        bench.outputs(),
        [1, 2]
            .map(|conn| [send(conn, Event::Draining {}), close(conn, CloseCode::Restart)])
            .concat()
    );
    assert_eq!(bench.try_connect(3, address(2)), Err(Refusal::Draining {}));
    assert_eq!(bench.outputs(), []);
    assert_eq!(bench.hub.occupancy().peers, 0);
    assert_eq!(bench.hub.poll_timeout(), None);
}

#[test]
fn draining_can_be_done_by_and_by() {
    let mut bench = Bench::new(Limits::default());
    (1..=3).for_each(|who| _ = bench.join(who, ROOM));
    assert_eq!(bench.hub.drain(2, &mut bench.outbox), 1);
    assert_eq!(bench.outputs().len(), 4);
    assert_eq!(bench.try_connect(4, address(2)), Err(Refusal::Draining {}));
    assert_eq!(
        bench.request(3, Request::Ping {}),
        [send(3, Event::Pong {})],
        "whoever is not told yet stays"
    );
    assert_eq!(bench.hub.drain(2, &mut bench.outbox), 0);
    assert_eq!(
        bench.outputs(),
        [send(3, Event::Draining {}), close(3, CloseCode::Restart)]
    );
}

#[test]
fn who_knows_a_room_by_its_id_only_does_not_get_in() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    bench.connect(2);
    // The server knows this much of the room, and whoever overheard a hello.
    let proof = *room(ROOM).proof();
    let outsider = Request::from(Hello {
        room_key: proof.key,
        founder: proof.founder,
        ..hello(2, OTHER_ROOM, &NONCE)
    });
    let refused = [refused(2, Refusal::BadSignature {}), close(2, CloseCode::HelloRefused)];
    assert_eq!(bench.request(2, outsider), refused);
}

#[test]
fn a_hello_for_another_server_is_refused_by_one_that_knows_its_names() {
    for (names, welcome) in [
        (vec![], true),
        (vec!["other.example", HOST], true),
        (vec!["other.example"], false),
    ] {
        let mut bench = Bench::new(Limits::default());
        let names = names.into_iter().map(str::to_owned).collect();
        bench.hub = Hub::new(Limits::default(), names, IceServers::default(), [3; 32]);
        bench.connect(1);
        let outputs = bench.hello(1, 1, ROOM);
        let refused = [refused(1, Refusal::WrongHost {}), close(1, CloseCode::HelloRefused)];
        assert_eq!(outputs != refused, welcome);
        assert_eq!(bench.hub.occupancy().peers, usize::from(welcome));
    }
}

#[test]
fn a_hello_with_an_endless_host_is_refused_before_its_signatures_are_looked_at() {
    let mut bench = Bench::new(Limits::default());
    bench.connect(1);
    let endless = Request::from(Hello {
        host: "x".repeat(60_000),
        ..hello(1, ROOM, &NONCE)
    });
    let refused = [refused(1, Refusal::WrongHost {}), close(1, CloseCode::HelloRefused)];
    assert_eq!(bench.request(1, endless), refused);
}
