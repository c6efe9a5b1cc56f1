//! The protocol of `iroh-gossip` (HyParView and Plumtree) with its own defaults, on a network in virtual time.
//!
//! The crate's protocol is a state machine without IO. The protocol takes messages and timers, and gives out messages to send,
//! timers to set and peers to disconnect. This module is the network around the protocol: one queue, in the order of time and
//! then of arrival.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bench::spread::{
    Authors, Graph, LOAD_SECONDS, MEASURED_ROUNDS, PAUSE_MILLIS, ROUND_MILLIS_MAX, Report, Round, SETTLE_MILLIS,
    TEXT_BYTES, WARM_UP_ROUNDS, author, contact, latency_millis, node_seed,
};
use chacha20::{ChaCha12Rng, rand_core::SeedableRng};
use iroh_gossip::proto::{
    Command, Config, Event, InEvent, OutEvent, PeerData, Scope, State, TopicId, state::MessageKind,
};
use tokio::time::Instant;

/// Between two nodes that join, in milliseconds.
const JOIN_MILLIS: u64 = 10;

/// All nodes are in one topic.
const TOPIC: TopicId = TopicId::from_bytes([7; 32]);

/// Spreads the rounds of one seed, and tells the graph of the active views after the last of them.
pub(crate) fn run(nodes: usize, authors: Authors, seed: u64) -> (Report, Graph) {
    let mut network = Network::new(nodes, seed);
    network.join_all();
    network.run_for(SETTLE_MILLIS);
    let mut rounds: Vec<Round> = (0..WARM_UP_ROUNDS + MEASURED_ROUNDS)
        .map(|round| network.round(round, author(nodes, authors, seed, round)))
        .collect();
    rounds.drain(..WARM_UP_ROUNDS);
    let graph = network.graph();
    let first = WARM_UP_ROUNDS + MEASURED_ROUNDS;
    let bytes = network.load(|second| author(nodes, authors, seed, first + second));
    let report = Report {
        bytes: Some(bytes),
        ..Report::of(&rounds)
    };
    (report, graph)
}

/// The message that is being spread.
struct Current {
    content: Vec<u8>,
    round: Round,
}

struct Network {
    seed: u64,
    nodes: Vec<State<usize, ChaCha12Rng>>,
    /// As each node was told by its membership layer, whose views are not public.
    active_views: Vec<BTreeSet<usize>>,
    /// Open connections, the lower number first.
    connections: BTreeSet<(usize, usize)>,
    /// Arrivals by their time, and by a number that keeps simultaneous arrivals in order.
    queue: BTreeMap<(u64, u64), (usize, InEvent<usize>)>,
    queued: u64,
    now_millis: u64,
    /// Of all messages sent.
    bytes: u64,
    /// The protocol wants instants, of which only the differences matter.
    epoch: Instant,
    current: Option<Current>,
}

impl Network {
    fn new(nodes: usize, seed: u64) -> Self {
        let state = |node| {
            let rng = ChaCha12Rng::seed_from_u64(node_seed(seed, node));
            State::new(node, PeerData::default(), Config::default(), rng)
        };
        Self {
            seed,
            nodes: (0..nodes).map(state).collect(),
            active_views: vec![BTreeSet::new(); nodes],
            connections: BTreeSet::new(),
            queue: BTreeMap::new(),
            queued: 0,
            now_millis: 0,
            bytes: 0,
            epoch: Instant::now(),
            current: None,
        }
    }

    /// Has all nodes join, one after the other, each through a random one of those before it.
    fn join_all(&mut self) {
        for node in 0..self.nodes.len() {
            let contacts = if node == 0 {
                Vec::new()
            } else {
                vec![contact(node, self.seed)]
            };
            self.handle(node, InEvent::Command(TOPIC, Command::Join(contacts)));
            self.run_for(JOIN_MILLIS);
        }
    }

    /// Spreads one message until every node has it, or for as long as a round may take.
    fn round(&mut self, number: usize, author: usize) -> Round {
        let content = content(number);
        self.current = Some(Current {
            content: content.clone(),
            round: Round::new(self.nodes.len(), author, self.now_millis),
        });
        let broadcast = Command::Broadcast(content.into(), Scope::Swarm);
        self.handle(author, InEvent::Command(TOPIC, broadcast));
        let end = self.now_millis + ROUND_MILLIS_MAX;
        while !self.is_delivered() && self.step(end) {}
        if !self.is_delivered() {
            self.now_millis = end;
        }
        // Redundant copies are still on their way.
        self.run_for(PAUSE_MILLIS);
        self.current.take().expect("set above").round
    }

    /// Has one message a second said for a while. Gives the bytes sent for each and each node that gets it.
    fn load(&mut self, author: impl Fn(usize) -> usize) -> f64 {
        let (before, counted) = LOAD_SECONDS;
        let mut start = 0;
        for second in 0..before + counted {
            if second == before {
                start = self.bytes;
            }
            let content = content(1_000 + second);
            let broadcast = Command::Broadcast(content.into(), Scope::Swarm);
            self.handle(author(second), InEvent::Command(TOPIC, broadcast));
            self.run_for(1_000);
        }
        (self.bytes - start) as f64 / counted as f64 / (self.nodes.len() - 1) as f64
    }

    fn is_delivered(&self) -> bool {
        self.current.as_ref().is_none_or(|current| current.round.is_complete())
    }

    /// The links that both ends have in their active views.
    fn graph(&self) -> Graph {
        let is_mutual = |node: usize, other: usize| self.active_views[other].contains(&node);
        self.active_views
            .iter()
            .enumerate()
            .map(|(node, view)| view.iter().copied().filter(|&other| is_mutual(node, other)).collect())
            .collect()
    }

    fn run_for(&mut self, millis: u64) {
        let end = self.now_millis + millis;
        while self.step(end) {}
        self.now_millis = end;
    }

    /// Lets the next thing happen; `false` if there is none until `end`.
    fn step(&mut self, end: u64) -> bool {
        match self.queue.first_key_value() {
            Some((&(millis, _), _)) if millis <= end => self.now_millis = millis,
            Some(_) | None => return false,
        }
        if let Some((_, (node, event))) = self.queue.pop_first() {
            self.handle(node, event);
        }
        true
    }

    fn handle(&mut self, node: usize, event: InEvent<usize>) {
        if let InEvent::RecvMessage(from, message) = &event {
            self.connections.insert(connection(*from, node));
            if let (MessageKind::Data, Some(current)) = (message.kind(), &mut self.current) {
                current.round.payload_received();
            }
        }
        let now = self.epoch + Duration::from_millis(self.now_millis);
        let outputs: Vec<OutEvent<usize>> = self.nodes[node].handle(event, now, None).collect();
        let mut closed = Vec::new();
        for output in outputs {
            match output {
                OutEvent::SendMessage(to, message) => {
                    self.bytes += message.size().expect("a message has a size") as u64;
                    self.send(node, to, InEvent::RecvMessage(node, message));
                }
                OutEvent::ScheduleTimer(delay, timer) => {
                    let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                    self.enqueue(millis, node, InEvent::TimerExpired(timer));
                }
                OutEvent::DisconnectPeer(peer) => closed.push(peer),
                OutEvent::EmitEvent(_, event) => self.on_event(node, event),
                OutEvent::PeerData(..) => {}
            }
        }
        // A connection closes behind what was sent over it.
        for peer in closed {
            if self.connections.remove(&connection(node, peer)) {
                self.send(node, peer, InEvent::PeerDisconnected(node));
            }
        }
    }

    fn on_event(&mut self, node: usize, event: Event<usize>) {
        match event {
            Event::NeighborUp(peer) => {
                self.active_views[node].insert(peer);
            }
            Event::NeighborDown(peer) => {
                self.active_views[node].remove(&peer);
            }
            Event::Received(message) => {
                // A message that is late for its own round is none of this round's.
                if let Some(current) = &mut self.current
                    && current.content == message.content
                {
                    current.round.delivered(node, message.delivered_from, self.now_millis);
                }
            }
        }
    }

    fn send(&mut self, from: usize, to: usize, event: InEvent<usize>) {
        self.enqueue(latency_millis(self.seed, from, to), to, event);
    }

    fn enqueue(&mut self, delay_millis: u64, node: usize, event: InEvent<usize>) {
        let key = (self.now_millis + delay_millis, self.queued);
        self.queued += 1;
        self.queue.insert(key, (node, event));
    }
}

/// A message of the length that all have.
fn content(number: usize) -> Vec<u8> {
    let mut content = format!("round {number}").into_bytes();
    content.resize(TEXT_BYTES, b'.');
    content
}

fn connection(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}
