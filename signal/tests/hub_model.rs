//! The hub against a reference model so simple that it is obviously right: lists, searched from end to end.
//!
//! After any sequence of operations the two agree on which peer is registered where. A relay reaches exactly the socket that
//! the model names. A sample names peers of the room only, never the asking one. No limit is passed.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::LazyLock,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use shared::{
    Identity, PeerId, Room, RoomCode,
    limits::PEER_SAMPLE_MAX,
    signal::{CloseCode, Event, Hello, Nonce, Refusal, Request},
};
use signal::{
    config::{Limits, Rate},
    hub::{ConnId, Hub, IceServers, Network, Now, Outbox, Output, Sender},
};

const CONNECTIONS_MAX: usize = 12;
const PER_ADDRESS_MAX: usize = 7;
const ROOMS_MAX: usize = 3;
const PEERS_PER_ROOM_MAX: usize = 5;
const HEARTBEAT: Duration = Duration::from_secs(10);
const HELLO_TIMEOUT: Duration = Duration::from_secs(25);

const PEERS: u8 = 12;
static IDENTITIES: LazyLock<Vec<Identity>> =
    LazyLock::new(|| (0..PEERS).map(|byte| Identity::from_secret(&[byte + 1; 32])).collect());

#[derive(Debug, Clone)]
enum Op {
    Connect {
        address: u8,
    },
    /// The following pick one of the open connections.
    Hello {
        conn: prop::sample::Index,
        who: usize,
        room: u8,
        forged: bool,
    },
    Relay {
        conn: prop::sample::Index,
        to: usize,
    },
    Discover {
        conn: prop::sample::Index,
    },
    Pong {
        conn: prop::sample::Index,
    },
    Garbage {
        conn: prop::sample::Index,
    },
    Slow {
        conn: prop::sample::Index,
    },
    TooBig {
        conn: prop::sample::Index,
    },
    Disconnect {
        conn: prop::sample::Index,
    },
    Wait {
        seconds: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let conn = any::<prop::sample::Index>;
    prop_oneof![
        4 => (0..2u8).prop_map(|address| Op::Connect { address }),
        8 => (conn(), 0..usize::from(PEERS), 0..4u8, prop::bool::weighted(0.1))
            .prop_map(|(conn, who, room, forged)| Op::Hello { conn, who, room, forged }),
        8 => (conn(), 0..usize::from(PEERS)).prop_map(|(conn, to)| Op::Relay { conn, to }),
        2 => conn().prop_map(|conn| Op::Discover { conn }),
        2 => conn().prop_map(|conn| Op::Pong { conn }),
        1 => conn().prop_map(|conn| Op::Garbage { conn }),
        1 => conn().prop_map(|conn| Op::Slow { conn }),
        1 => conn().prop_map(|conn| Op::TooBig { conn }),
        2 => conn().prop_map(|conn| Op::Disconnect { conn }),
        2 => (1..12u64).prop_map(|seconds| Op::Wait { seconds }),
    ]
}

/// A connection as the model sees it.
#[derive(Debug, Clone)]
struct Connection {
    conn: ConnId,
    address: u8,
    nonce: Nonce,
    registered: Option<(u8, usize)>,
    closing: bool,
    connected_at: Instant,
    heard_at: Instant,
}

struct World {
    hub: Hub,
    now: Instant,
    connections: Vec<Connection>,
    next: u64,
}

fn room_of(room: u8) -> Room {
    let code = RoomCode::parse(&format!("room {room}"));
    code.expect("a name").open()
}

/// What the hub of the model does depends on no year.
fn clock(instant: Instant) -> Now {
    Now {
        instant,
        unix_seconds: 0,
    }
}

fn ip(address: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, address))
}

fn peer_id(who: usize) -> PeerId {
    IDENTITIES[who].peer_id()
}

impl World {
    fn new() -> Self {
        let limits = Limits {
            connections_max: CONNECTIONS_MAX,
            connections_per_address_max: PER_ADDRESS_MAX,
            rooms_max: ROOMS_MAX,
            peers_per_room_max: PEERS_PER_ROOM_MAX,
            socket_rate: Rate::Unlimited,
            address_rate: Rate::Unlimited,
            socket_bytes_rate: Rate::Unlimited,
            address_bytes_rate: Rate::Unlimited,
            registration_rate: Rate::Unlimited,
            malformed_strikes_max: u32::MAX,
            heartbeat: HEARTBEAT,
            hello_timeout: HELLO_TIMEOUT,
            ..Limits::default()
        };
        Self {
            hub: Hub::new(limits, Vec::new(), IceServers::default(), [5; 32]),
            now: Instant::now(),
            connections: Vec::new(),
            next: 0,
        }
    }

    fn members(&self, room: u8) -> Vec<usize> {
        let in_room = |connection: &Connection| {
            connection
                .registered
                .filter(|(other, _)| *other == room)
                .map(|(_, who)| who)
        };
        self.connections.iter().filter_map(in_room).collect()
    }

    fn holder(&self, room: u8, who: usize) -> Option<usize> {
        self.connections
            .iter()
            .position(|connection| connection.registered == Some((room, who)))
    }

    fn close(&mut self, connection: usize) {
        self.connections[connection].closing = true;
        self.connections[connection].registered = None;
    }

    /// Checks a sample, which is the one thing the model cannot foresee.
    fn check_sample(&self, room: u8, of: usize, room_size: u32, peers: &[PeerId]) {
        let members = self.members(room);
        assert_eq!(room_size as usize, members.len());
        assert_eq!(peers.len(), (members.len() - 1).min(PEER_SAMPLE_MAX));
        let known: BTreeSet<_> = members.into_iter().filter(|who| *who != of).map(peer_id).collect();
        let named: BTreeSet<_> = peers.iter().copied().collect();
        assert_eq!(named.len(), peers.len(), "nobody twice");
        assert!(named.is_subset(&known), "no strangers and not the asking one");
    }

    fn apply(&mut self, op: Op) {
        let mut outbox = Outbox::default();
        if let Op::Wait { seconds } = op {
            return self.wait(Duration::from_secs(seconds));
        }
        if let Op::Connect { address } = op {
            return self.connect(address);
        }
        if self.connections.is_empty() {
            return;
        }
        let now = self.now;
        let pick = |index: &prop::sample::Index| index.index(self.connections.len());
        match op {
            Op::Connect { .. } | Op::Wait { .. } => unreachable!("handled above"),
            Op::Hello {
                conn,
                who,
                room,
                forged,
            } => {
                let at = pick(&conn);
                let connection = self.connections[at].clone();
                let nonce = if forged {
                    Nonce::from_bytes([u8::MAX; 32])
                } else {
                    connection.nonce
                };
                let hello = Request::from(Hello::sign(&IDENTITIES[who], &room_of(room), "rooms.example", &nonce));
                self.hub.handle(clock(now), connection.conn, hello, 500, &mut outbox);
                self.on_hello(at, who, room, forged, &outbox.drain().collect::<Vec<_>>());
            }
            Op::Relay { conn, to } => self.relay(pick(&conn), to),
            Op::Discover { conn } => self.discover(pick(&conn)),
            Op::Pong { conn } => {
                let at = pick(&conn);
                self.hub
                    .handle(clock(now), self.connections[at].conn, Request::Pong {}, 11, &mut outbox);
                self.connections[at].heard_at = now;
            }
            Op::Garbage { conn } => {
                let at = pick(&conn);
                self.hub
                    .handle_malformed(now, self.connections[at].conn, 9, &mut outbox);
                let expected = match self.connections[at].closing {
                    true => vec![],
                    false => vec![refused(self.connections[at].conn, Refusal::Malformed {})],
                };
                assert_eq!(outbox.drain().collect::<Vec<_>>(), expected);
                self.connections[at].heard_at = now;
            }
            Op::Slow { conn } => {
                let at = pick(&conn);
                self.hub
                    .handle_slow_reader(self.connections[at].conn, None, &mut outbox);
                self.expect_close(at, CloseCode::SlowReader, &mut outbox);
            }
            Op::TooBig { conn } => {
                let at = pick(&conn);
                self.hub.handle_too_big(self.connections[at].conn, &mut outbox);
                self.expect_close(at, CloseCode::TooBig, &mut outbox);
            }
            Op::Disconnect { conn } => {
                let connection = self.connections.remove(pick(&conn));
                self.hub.disconnect(now, connection.conn);
            }
        }
    }

    fn relay(&mut self, at: usize, to: usize) {
        let mut outbox = Outbox::default();
        let conn = self.connections[at].conn;
        let relay = Request::Relay {
            to: peer_id(to),
            payload: "sealed".to_owned(),
        };
        self.hub.handle(clock(self.now), conn, relay, 100, &mut outbox);
        let outputs: Vec<_> = outbox.drain().collect();
        let expected = match self.connections[at].registered {
            None if self.connections[at].closing => vec![],
            None => vec![refused(conn, Refusal::NotRegistered {})],
            Some((room, from)) => match self.holder(room, to).filter(|holder| *holder != at) {
                Some(holder) => vec![Output::Relay {
                    to: self.connections[holder].conn,
                    sender: Sender {
                        conn,
                        network: Network::of(ip(self.connections[at].address)),
                    },
                    event: Event::Relayed {
                        from: peer_id(from),
                        payload: "sealed".to_owned(),
                    },
                }],
                None => vec![refused(conn, Refusal::PeerNotHere { to: peer_id(to) })],
            },
        };
        assert_eq!(outputs, expected);
        self.connections[at].heard_at = self.now;
    }

    fn discover(&mut self, at: usize) {
        let mut outbox = Outbox::default();
        self.hub.handle(
            clock(self.now),
            self.connections[at].conn,
            Request::Discover {},
            15,
            &mut outbox,
        );
        let outputs: Vec<_> = outbox.drain().collect();
        if let Some((room, who)) = self.connections[at].registered {
            let [
                Output::Send {
                    to,
                    event: Event::Peers { room_size, peers },
                },
            ] = &outputs[..]
            else {
                panic!("{outputs:?}")
            };
            assert_eq!(*to, self.connections[at].conn);
            self.check_sample(room, who, *room_size, peers);
        }
        self.connections[at].heard_at = self.now;
    }

    fn expect_close(&mut self, at: usize, code: CloseCode, outbox: &mut Outbox) {
        let to = self.connections[at].conn;
        let expected = match self.connections[at].closing {
            true => vec![],
            false => vec![Output::Close { to, code }],
        };
        assert_eq!(outbox.drain().collect::<Vec<_>>(), expected);
        self.close(at);
    }

    fn connect(&mut self, address: u8) {
        let (conn, mut outbox) = (ConnId(self.next), Outbox::default());
        let nonce = Nonce::from_bytes([self.next.to_le_bytes()[0]; 32]);
        self.next += 1;
        let same_address = self
            .connections
            .iter()
            .filter(|connection| connection.address == address)
            .count();
        let free = CONNECTIONS_MAX - self.connections.len();
        let full = same_address >= free || same_address >= PER_ADDRESS_MAX;
        let connected = self.hub.connect(self.now, conn, ip(address), nonce, &mut outbox);
        let outputs: Vec<_> = outbox.drain().collect();
        if full {
            assert_eq!((connected, outputs), (Err(Refusal::ServerFull {}), vec![]));
            return;
        }
        assert_eq!(connected, Ok(()));
        assert!(matches!(
            &outputs[..],
            [Output::Send {
                event: Event::Challenge { .. },
                ..
            }]
        ));
        self.connections.push(Connection {
            conn,
            address,
            nonce,
            registered: None,
            closing: false,
            connected_at: self.now,
            heard_at: self.now,
        });
    }

    fn on_hello(&mut self, at: usize, who: usize, room: u8, forged: bool, outputs: &[Output]) {
        let conn = self.connections[at].conn;
        let was_closing = self.connections[at].closing;
        self.connections[at].heard_at = self.now;
        if was_closing {
            return assert_eq!(outputs, []);
        }
        if self.connections[at].registered.is_some() {
            return assert_eq!(outputs, [refused(conn, Refusal::AlreadyRegistered {})]);
        }
        let holder = self.holder(room, who);
        let rooms = (0..4).filter(|room| !self.members(*room).is_empty()).count();
        let members = self.members(room).len();
        let address = self.connections[at].address;
        let of_address = self
            .connections
            .iter()
            .filter(|connection| connection.address == address)
            .filter(|connection| connection.registered.is_some_and(|(other, _)| other == room))
            .count();
        let free = PEERS_PER_ROOM_MAX - members;
        let refusal = if forged {
            Some(Refusal::BadSignature {})
        } else if holder.is_none() && members > 0 && of_address >= free {
            Some(Refusal::RoomFull {})
        } else if members == 0 && rooms >= ROOMS_MAX {
            Some(Refusal::ServerFull {})
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let code = refusal.close_code().expect("a refused hello closes");
            assert_eq!(outputs, [refused(conn, refusal), Output::Close { to: conn, code }]);
            return self.close(at);
        }
        let mut outputs = outputs;
        if let Some(holder) = holder {
            let superseded = Output::Close {
                to: self.connections[holder].conn,
                code: CloseCode::Superseded,
            };
            assert_eq!(outputs.first(), Some(&superseded));
            outputs = &outputs[1..];
            self.close(holder);
        }
        self.connections[at].registered = Some((room, who));
        let [
            Output::Send {
                to,
                event: Event::Welcome { room_size, peers, .. },
            },
        ] = outputs
        else {
            panic!("{outputs:?}")
        };
        assert_eq!(*to, conn);
        self.check_sample(room, who, *room_size, peers);
    }

    /// Lets the time pass second by second, and expects closes at the very second they are due.
    fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.now += Duration::from_secs(1);
            let mut outbox = Outbox::default();
            self.hub.handle_timeout(clock(self.now), &mut outbox);
            let closed: BTreeSet<(ConnId, u16)> = outbox
                .drain()
                .filter_map(|output| match output {
                    Output::Close { to, code } => Some((to, code.code())),
                    Output::Carry(carried) => panic!("there are no others: {carried:?}"),
                    Output::Send { event, .. } | Output::Relay { event, .. } => {
                        assert_eq!(event, Event::Ping {});
                        None
                    }
                })
                .collect();
            let mut expected = BTreeSet::new();
            for at in 0..self.connections.len() {
                let connection = &self.connections[at];
                let (since, patience, code) = match connection.registered {
                    _ if connection.closing => continue,
                    None => (connection.connected_at, HELLO_TIMEOUT, CloseCode::HelloTimeout),
                    Some(_) => (connection.heard_at, HEARTBEAT * 4, CloseCode::HeartbeatMissed),
                };
                if self.now >= since + patience {
                    expected.insert((connection.conn, code.code()));
                    self.close(at);
                }
            }
            assert_eq!(closed, expected);
        }
    }

    fn check(&self) {
        let occupancy = self.hub.occupancy();
        let rooms = (0..4).filter(|room| !self.members(*room).is_empty()).count();
        let peers = self
            .connections
            .iter()
            .filter(|connection| connection.registered.is_some())
            .count();
        assert_eq!(
            (occupancy.connections, occupancy.rooms, occupancy.peers),
            (self.connections.len(), rooms, peers)
        );
        assert!(rooms <= ROOMS_MAX);
        assert!((0..4).all(|room| self.members(room).len() <= PEERS_PER_ROOM_MAX));
        assert!(self.connections.iter().filter(|connection| !connection.closing).count() <= CONNECTIONS_MAX);
    }
}

fn refused(to: ConnId, refusal: Refusal) -> Output {
    Output::Send {
        to,
        event: Event::Refused { refusal },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn the_hub_does_what_the_model_does(ops in prop::collection::vec(op(), 1..150)) {
        let mut world = World::new();
        for op in ops {
            world.apply(op);
            world.check();
        }
        // And nothing is left of anybody.
        for connection in std::mem::take(&mut world.connections) {
            world.hub.disconnect(world.now, connection.conn);
        }
        world.check();
    }
}
