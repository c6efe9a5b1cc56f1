//! The nodes, the directory, and what the model knows: each socket, who is registered on it, and since when.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    sync::LazyLock,
    time::{Duration, Instant},
};

use shared::{
    Closing, Identity, PeerId, Room, RoomCode, RoomId,
    signal::{CloseCode, Event, Hello, Nonce, Refusal, Request},
};
use signal::{
    bus::{NodeId, Word},
    hub::{ConnId, Output},
};

use crate::{
    Op,
    directory::Directory,
    node::{Node, clock},
};

pub(crate) const NODES: usize = 3;
pub(crate) const PEERS: usize = 7;
pub(crate) const ROOMS: usize = 3;

static IDENTITIES: LazyLock<Vec<Identity>> = LazyLock::new(|| {
    let secrets = (0..PEERS).map(|who| [u8::try_from(who).expect("few") + 1; 32]);
    secrets.map(|secret| Identity::from_secret(&secret)).collect()
});

/// The first peer is the founder of all.
static CODES: LazyLock<Vec<Room>> = LazyLock::new(|| {
    let founder = IDENTITIES[0].peer_id();
    let secrets = (0..ROOMS).map(|room| [u8::try_from(room).expect("few"); 16]);
    secrets
        .map(|secret| RoomCode::Generated { secret, founder }.open())
        .collect()
});

/// A socket that is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Socket {
    node: usize,
    conn: ConnId,
    room: usize,
    who: usize,
    since: Instant,
    is_welcome: bool,
}

pub(crate) struct World {
    nodes: Vec<Node>,
    directory: Directory,
    now: Instant,
    sockets: Vec<Socket>,
    /// Numbers connections, nodes and payloads.
    next: u64,
    /// Who was ever registered in a room, and at which nodes.
    ever: BTreeMap<usize, BTreeSet<usize>>,
    ever_at: BTreeMap<usize, BTreeSet<u8>>,
    /// Which process a node is by now.
    generations: Vec<u8>,
    /// For whom each payload was.
    payloads: BTreeMap<String, (usize, usize, usize)>,
    /// Rooms that the founder ever closed, with the processes that were told so by a client.
    ever_closed: BTreeMap<usize, BTreeSet<(usize, u8)>>,
    /// Those of which that has to hold: what a node and the directory alone know ends with them.
    closed: BTreeSet<usize>,
    /// What the last step told each connection of its room.
    told: Vec<(usize, ConnId, u32, Vec<PeerId>)>,
    /// Payloads that came.
    arrived: BTreeSet<String>,
}

fn peer_id(who: usize) -> PeerId {
    IDENTITIES[who].peer_id()
}

fn room_index(room: &RoomId) -> usize {
    let index = CODES.iter().position(|code| code.id() == *room);
    index.expect("one of ours")
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            nodes: (0..NODES)
                .map(|number| Node::new(u8::try_from(number).expect("few")))
                .collect(),
            directory: Directory::default(),
            now: Instant::now(),
            sockets: Vec::new(),
            next: 0,
            ever: BTreeMap::new(),
            ever_at: BTreeMap::new(),
            generations: vec![0; NODES],
            payloads: BTreeMap::new(),
            ever_closed: BTreeMap::new(),
            closed: BTreeSet::new(),
            told: Vec::new(),
            arrived: BTreeSet::new(),
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn apply(&mut self, op: Op) {
        let now = self.now;
        match op {
            Op::Join { node, who, room } => self.join(node, who, room),
            Op::Leave { socket } => {
                if !self.sockets.is_empty() {
                    let socket = self.sockets.remove(socket.index(self.sockets.len()));
                    let node = &mut self.nodes[socket.node];
                    node.call(|hub, _| hub.disconnect(now, socket.conn));
                }
            }
            Op::Relay { socket, to } => {
                if !self.sockets.is_empty() {
                    let socket = self.sockets[socket.index(self.sockets.len())];
                    self.relay(socket, to);
                }
            }
            Op::Discover { socket } => {
                if !self.sockets.is_empty() {
                    let socket = self.sockets[socket.index(self.sockets.len())];
                    // Nobody asks before the welcome.
                    if socket.is_welcome {
                        self.request(socket, Request::Discover {});
                    }
                }
            }
            Op::Close { socket } => {
                if !self.sockets.is_empty() {
                    let socket = self.sockets[socket.index(self.sockets.len())];
                    let closing = Closing::sign(&IDENTITIES[0], &CODES[socket.room], 5).to_text();
                    self.closed.insert(socket.room);
                    let process = (socket.node, self.generations[socket.node]);
                    self.ever_closed.entry(socket.room).or_default().insert(process);
                    self.request(socket, Request::Close { closing });
                }
            }
            Op::Tell { node } => self.nodes[node].tell(now, &mut self.directory),
            Op::Hear { node, word } => self.with_word(node, word, |node, index| node.hear(now, index)),
            Op::Lose { node, word } => self.with_word(node, word, |node, index| {
                node.inbox.swap_remove(index);
            }),
            Op::Double { node, word } => self.with_word(node, word, |node, index| {
                let word = node.inbox[index].clone();
                node.inbox.push(word);
            }),
            Op::CutOff { node } => self.nodes[node].cut_off(now),
            Op::Connect { node } => self.connect(node),
            Op::Kill { node } => self.kill(node),
            Op::Empty => {
                self.directory = Directory::default();
                let lives = |(node, generation): &(usize, u8)| self.generations[*node] == *generation;
                let is_known = |room: &usize| self.ever_closed[room].iter().any(lives);
                self.closed.retain(is_known);
            }
            Op::Wait { seconds } => return (0..seconds).for_each(|_| self.wait_a_second()),
        }
        self.hand_out();
    }

    fn with_word(&mut self, node: usize, word: proptest::sample::Index, act: impl FnOnce(&mut Node, usize)) {
        let node = &mut self.nodes[node];
        if !node.inbox.is_empty() {
            let index = word.index(node.inbox.len());
            act(node, index);
        }
    }

    fn connect(&mut self, node: usize) {
        if self.nodes[node].id.is_none() {
            let id = NodeId(u128::from(self.number()).to_be_bytes());
            self.nodes[node].connect(self.now, id, &mut self.directory);
        }
    }

    /// Another process takes its place, which knows nothing.
    pub(crate) fn kill(&mut self, node: usize) {
        self.generations[node] += 1;
        let number = u8::try_from(node).expect("few") + 10 * self.generations[node];
        self.nodes[node] = Node::new(number);
        self.sockets.retain(|socket| socket.node != node);
        let directory = &self.directory;
        self.closed.retain(|room| directory.is_closed(&CODES[*room].id()));
    }

    fn join(&mut self, node: usize, who: usize, room: usize) {
        let (number, now) = (self.number(), self.now);
        let (conn, nonce) = (ConnId(number), Nonce::from_bytes([7; 32]));
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(who).expect("few")));
        let hello = Request::from(Hello::sign(&IDENTITIES[who], &CODES[room], "rooms.example", &nonce));
        self.sockets.push(Socket {
            node,
            conn,
            room,
            who,
            since: now,
            is_welcome: false,
        });
        self.ever.entry(room).or_default().insert(who);
        let process = u8::try_from(node).expect("few") + 10 * self.generations[node];
        self.ever_at.entry(room).or_default().insert(process);
        self.nodes[node].call(|hub, outbox| {
            hub.connect(now, conn, address, nonce, outbox).expect("there is room");
            hub.handle(clock(now), conn, hello, 500, outbox);
        });
    }

    fn relay(&mut self, socket: Socket, to: usize) -> String {
        let payload = self.number().to_string();
        self.payloads.insert(payload.clone(), (socket.room, socket.who, to));
        let to = peer_id(to);
        let text = payload.clone();
        self.request(socket, Request::Relay { to, payload });
        text
    }

    fn request(&mut self, socket: Socket, request: Request) {
        let now = clock(self.now);
        let node = &mut self.nodes[socket.node];
        node.call(|hub, outbox| hub.handle(now, socket.conn, request, 100, outbox));
        self.hand_out();
    }

    fn wait_a_second(&mut self) {
        self.now += Duration::from_secs(1);
        let now = self.now;
        for node in &mut self.nodes {
            node.call(|hub, outbox| hub.handle_timeout(clock(now), outbox));
            node.beat(now, &mut self.directory);
        }
        self.hand_out();
    }

    /// Takes words to the nodes that they are for, and what is said to clients to the model.
    fn hand_out(&mut self) {
        for (to, word) in std::mem::take(&mut self.directory.published) {
            let (Word::Relayed { room, .. }
            | Word::Undelivered { room, .. }
            | Word::Shared { room, .. }
            | Word::Doubted { room, .. }
            | Word::Closed { room, .. }) = &word;
            let nodes = &self.ever_at[&room_index(room)];
            assert!(nodes.len() > 1, "only {nodes:?} ever had the room of {word:?}");
            if let Some(node) = self.nodes.iter_mut().find(|node| node.id == Some(to)) {
                node.inbox.push(word);
            }
        }
        for node in 0..NODES {
            for output in std::mem::take(&mut self.nodes[node].outputs) {
                self.note(node, output);
            }
        }
    }

    fn note(&mut self, node: usize, output: Output) {
        let (Output::Send { to: conn, .. } | Output::Relay { to: conn, .. } | Output::Close { to: conn, .. }) = output
        else {
            panic!("it was for another node: {output:?}")
        };
        let Some(at) = self.sockets.iter().position(|socket| socket.conn == conn) else {
            return;
        };
        let socket = self.sockets[at];
        assert_eq!(socket.node, node);
        match output {
            Output::Close { code, .. } => self.on_close(at, code),
            Output::Relay { event, .. } => self.on_relayed(socket, event),
            Output::Send { event, .. } => match event {
                Event::Welcome { room_size, peers, .. } => {
                    assert!(!socket.is_welcome, "one welcome");
                    self.sockets[at].is_welcome = true;
                    self.check_sample(socket, room_size, &peers);
                }
                Event::Peers { room_size, peers } => {
                    assert!(socket.is_welcome, "first comes the welcome");
                    self.check_sample(socket, room_size, &peers);
                }
                Event::Refused { refusal } => assert!(matches!(
                    refusal,
                    Refusal::PeerNotHere { .. } | Refusal::PeerBusy { .. }
                )),
                Event::Closed { .. } => assert!(self.ever_closed.contains_key(&socket.room)),
                Event::Challenge { .. } => {}
                Event::IceServers { .. }
                | Event::Relayed { .. }
                | Event::Ping {}
                | Event::Pong {}
                | Event::Draining {} => panic!("nobody asked for that"),
            },
            Output::Carry(_) => unreachable!("handled above"),
        }
    }

    fn on_close(&mut self, at: usize, code: CloseCode) {
        let socket = self.sockets.remove(at);
        if code == CloseCode::RoomClosed {
            assert!(self.ever_closed.contains_key(&socket.room));
        } else {
            // By a later one, or by one that came at the same time; which may be gone itself by now.
            assert_eq!(code, CloseCode::Superseded);
            let mine = |other: &&Socket| (other.room, other.who) == (socket.room, socket.who);
            let others = self.sockets.iter().filter(mine);
            let latest = others.map(|other| other.since).max();
            assert!(
                latest.is_none_or(|latest| latest >= socket.since),
                "the later one is closed"
            );
        }
        let now = self.now;
        self.nodes[socket.node].call(|hub, _| hub.disconnect(now, socket.conn));
    }

    fn on_relayed(&mut self, socket: Socket, event: Event) {
        let Event::Relayed { from, payload } = event else {
            panic!("{event:?}")
        };
        let (room, sender, to) = self.payloads[&payload];
        assert_eq!((room, peer_id(sender), to), (socket.room, from, socket.who));
        self.arrived.insert(payload);
    }

    fn check_sample(&mut self, socket: Socket, room_size: u32, peers: &[PeerId]) {
        let ever: BTreeSet<PeerId> = self.ever[&socket.room].iter().copied().map(peer_id).collect();
        let named: BTreeSet<PeerId> = peers.iter().copied().collect();
        assert_eq!(named.len(), peers.len(), "nobody twice");
        assert!(named.is_subset(&ever), "no strangers");
        assert!(!named.contains(&peer_id(socket.who)), "not the asking one");
        assert!(room_size > 0);
        self.told.push((socket.node, socket.conn, room_size, peers.to_vec()));
    }

    /// Lets everything pass on, without faults, until nothing is left to do.
    pub(crate) fn settle(&mut self) {
        let now = self.now;
        for _ in 0..10_000 {
            self.hand_out();
            let Some(node) = self.nodes.iter_mut().find(|node| node.has_work()) else {
                return;
            };
            if node.inbox.is_empty() {
                node.tell(now, &mut self.directory);
            } else {
                node.hear(now, 0);
            }
        }
        panic!("it never comes to rest");
    }

    /// All nodes are in touch again, nothing goes wrong any more, and time passes: the ten seconds within which all is to be mended.
    pub(crate) fn heal(&mut self) {
        for _ in 0..10 {
            (0..NODES).for_each(|node| self.connect(node));
            self.settle();
            self.wait_a_second();
        }
        self.settle();
    }

    /// Everybody is told the truth, and reaches everybody.
    pub(crate) fn check_truth(&mut self) {
        self.settle();
        let sockets = self.sockets.clone();
        for socket in &sockets {
            let others: Vec<&Socket> = sockets.iter().filter(|other| other.room == socket.room).collect();
            assert!(socket.is_welcome, "{socket:?}");
            assert!(!self.closed.contains(&socket.room), "{socket:?}");
            let twice = others.iter().filter(|other| other.who == socket.who).count();
            assert_eq!(twice, 1, "of a peer one registration is left");
            self.told.clear();
            self.request(*socket, Request::Discover {});
            let [(_, _, room_size, peers)] = self.told.as_slice() else {
                panic!("{:?}", self.told)
            };
            assert_eq!(*room_size as usize, others.len(), "{socket:?} in {others:?}");
            let named: BTreeSet<PeerId> = peers.iter().copied().collect();
            let there = others.iter().filter(|other| other.who != socket.who);
            assert_eq!(named, there.map(|other| peer_id(other.who)).collect());
            for other in others.iter().filter(|other| other.who != socket.who) {
                let payload = self.relay(*socket, other.who);
                self.settle();
                assert!(self.arrived.contains(&payload), "from {socket:?} to {other:?}");
            }
        }
    }
}
