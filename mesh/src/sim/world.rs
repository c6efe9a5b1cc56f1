//! A small world in virtual time: nodes, rendezvous servers and something like WebRTC between them, with faults.
//!
//! Everything happens in the order of one queue and every choice is drawn from one seed, so a run can be repeated exactly. After
//! each input a node is driven as [`crate::io`] demands: drained, then one timer armed. [`checks`] holds after every step what
//! must hold always; liveness is what the tests ask for with [`World::run_until`].

mod checks;
pub(crate) mod misbehave;
mod server;
mod wire;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    time::Duration,
};

use crate::{
    Node, NodeConfig, Timing,
    io::{
        Alert, CloseError, Delivery, Event, Input, Instant, Invitation, InvitationError, LinkId, Message, Now, Output,
        Person, PersonState, SendError, ServerId, ServerState,
    },
};
use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::Rng;
use shared::{Identity, MessageId, PeerId, Room, RoomCode};

pub(crate) use self::wire::{Latency, pair_latency};
use self::{
    checks::Ledger,
    misbehave::{Mischief, Trait},
    server::Server,
    wire::Net,
};

/// A machine with a node on it, by number.
pub(crate) type Who = usize;

/// Which of its lives a machine is in: a reload starts the next.
type Life = u32;

/// The start of time, far enough from zero for clocks to be set back.
const START_MILLIS: u64 = 10_000_000;

/// What is bound to happen.
#[derive(Debug)]
enum Happening {
    /// A node's timer is due, unless it was armed anew.
    Timer {
        who: Who,
        life: Life,
        at: u64,
    },
    /// Something reaches a node without further ado.
    Input {
        who: Who,
        life: Life,
        input: Input,
    },
    Server(server::Happening),
    Wire(wire::Happening),
}

/// One machine.
pub(crate) struct Machine {
    pub(crate) id: PeerId,
    pub(crate) name: String,
    pub(crate) node: Node,
    identity: Identity,
    life: Life,
    alive: bool,
    asleep: bool,
    /// What reached it while it slept.
    backlog: VecDeque<Happening>,
    /// When the earliest timer event that is under way goes off.
    timer_at: u64,
    /// Time-outs handled in the same instant, to notice timers that go round in circles.
    timeouts_at: (u64, u32),
    ends: BTreeMap<LinkId, wire::End>,
    sockets: BTreeMap<ServerId, u64>,
    /// What its person was told in this life, and when.
    pub(crate) events: Vec<(u64, Event)>,
    pub(crate) people: BTreeMap<PeerId, Person>,
    pub(crate) outputs: u64,
    /// What it sent on links.
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    /// How far its wall clock is off, in milliseconds.
    pub(crate) skew: i64,
    /// The statement of a closed room that it remembers.
    pub(crate) closed: Option<Vec<u8>>,
    /// What a misbehaving machine makes of what its node wants to send.
    pub(crate) mischief: Option<Mischief>,
    known_names: Vec<(PeerId, String)>,
    left: bool,
}

pub(crate) struct World {
    seed: u64,
    rng: ChaCha20Rng,
    millis: u64,
    queue: Queue,
    sequence: u64,
    room: Room,
    servers: Vec<Server>,
    pub(crate) machines: Vec<Machine>,
    net: Net,
    ledger: Ledger,
    transcript: DefaultHasher,
    pub(crate) timing: Timing,
    pub(crate) latency: Latency,
    /// Whether all machines are tabs of one browser, which hear each other without a network.
    pub(crate) nearby: bool,
    /// Whether everything is recorded and checked at every step, as in small worlds.
    strict: bool,
    /// When a message was last shown to anybody.
    pub(crate) last_shown: u64,
    /// By id, to find who somebody is.
    by_id: BTreeMap<PeerId, Who>,
}

/// What is to happen, in the order of time and of having been planned. The heap holds places only: they are moved a lot.
#[derive(Default)]
struct Queue {
    order: BinaryHeap<Reverse<(u64, u64, usize)>>,
    places: Vec<Option<Happening>>,
    free: Vec<usize>,
}

impl Queue {
    fn push(&mut self, at: u64, sequence: u64, what: Happening) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.places[place] = Some(what);
        self.order.push(Reverse((at, sequence, place)));
    }

    /// The next, with its time, if that is not after `end`.
    fn pop_by(&mut self, end: u64) -> Option<(u64, Happening)> {
        let at = self.order.peek().map(|Reverse((at, ..))| *at)?;
        if at > end {
            return None;
        }
        let Reverse((_, _, place)) = self.order.pop()?;
        self.free.push(place);
        Some((at, self.places[place].take()?))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() && self.strict {
            use std::io::Write;
            let _ = writeln!(
                std::io::stderr(),
                "to run only this seed: STARLING_SEED={} cargo test -p mesh --features sim sim::tests",
                self.seed
            );
        }
    }
}

/// The seeds that most tests are run with.
pub(crate) fn seeds() -> Range<u64> {
    seeds_or(1..7)
}

/// These seeds, or those in `STARLING_SEED`: one, or a range like `1000..2000`.
pub(crate) fn seeds_or(usual: Range<u64>) -> Range<u64> {
    let Ok(text) = std::env::var("STARLING_SEED") else {
        return usual;
    };
    let (first, end) = text.split_once("..").unwrap_or((&text, ""));
    let first = first.parse().unwrap();
    first..end.parse().unwrap_or(first + 1)
}

/// How many cases a property test is run with: `usual` ones, or so many times as many as `STARLING_CASES_TIMES` says.
pub(crate) fn cases(usual: u32) -> u32 {
    let times = std::env::var("STARLING_CASES_TIMES");
    usual * times.map_or(1, |times| times.parse::<u32>().unwrap())
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl World {
    /// A world with one server.
    pub(crate) fn new(seed: u64) -> Self {
        Self::with_servers(seed, 1)
    }

    pub(crate) fn with_servers(seed: u64, servers: u8) -> Self {
        Self {
            seed,
            rng: ChaCha20Rng::seed_from_u64(seed),
            millis: START_MILLIS,
            queue: Queue::default(),
            sequence: 0,
            room: RoomCode::parse("lobby").unwrap().open(),
            servers: (0..servers).map(|_| Server::default()).collect(),
            machines: Vec::new(),
            net: Net::default(),
            ledger: Ledger::default(),
            transcript: DefaultHasher::new(),
            timing: Timing::default(),
            latency: Latency::Drawn,
            nearby: false,
            strict: true,
            last_shown: 0,
            by_id: BTreeMap::new(),
        }
    }

    /// A world whose room was founded by its first person.
    pub(crate) fn founded(seed: u64) -> (Self, Who) {
        let mut world = Self::new(seed);
        let founder = world.new_identity();
        world.room = RoomCode::generate(founder.peer_id(), &mut world.rng).open();
        let founder = world.add_as(founder, "Founder");
        (world, founder)
    }

    /// From now on `who` misbehaves.
    pub(crate) fn corrupt(&mut self, who: Who, of: Trait) {
        let identity = self.identity(who);
        self.machines[who].mischief = Some(Mischief::new(of, identity, self.room()));
    }

    /// Everyone who is added from now on enters this room.
    pub(crate) fn enter(&mut self, room: Room) {
        self.room = room;
    }

    /// A large world: nothing is recorded but what reports are made of.
    pub(crate) fn large(seed: u64) -> Self {
        let mut world = Self::with_servers(seed, 1);
        world.strict = false;
        world
    }

    /// A new person with a new key.
    pub(crate) fn add(&mut self, name: &str) -> Who {
        let identity = self.new_identity();
        self.add_as(identity, name)
    }

    pub(crate) fn new_identity(&mut self) -> Identity {
        let secret = self.draw_bytes();
        Identity::from_secret(&secret)
    }

    /// Two people, the one with the lower id, who makes the offers, first.
    pub(crate) fn add_pair(&mut self) -> (Who, Who) {
        let mut pair = [self.new_identity(), self.new_identity()];
        pair.sort_by_key(Identity::peer_id);
        let [low, high] = pair;
        (self.add_as(low, "Low"), self.add_as(high, "High"))
    }

    pub(crate) fn add_as(&mut self, identity: Identity, name: &str) -> Who {
        let who = self.machines.len();
        let node = self.make_node(&identity, name, &[], 0, None);
        self.by_id.insert(identity.peer_id(), who);
        self.machines.push(Machine {
            id: identity.peer_id(),
            name: name.to_owned(),
            node,
            identity,
            life: 0,
            alive: true,
            asleep: false,
            backlog: VecDeque::new(),
            timer_at: u64::MAX,
            timeouts_at: (0, 0),
            ends: BTreeMap::new(),
            sockets: BTreeMap::new(),
            events: Vec::new(),
            people: BTreeMap::new(),
            outputs: 0,
            frames: 0,
            bytes: 0,
            skew: 0,
            closed: None,
            mischief: None,
            known_names: Vec::new(),
            left: false,
        });
        self.drain(who);
        who
    }

    fn make_node(
        &mut self,
        identity: &Identity,
        name: &str,
        known_names: &[(PeerId, String)],
        skew: i64,
        closed: Option<Vec<u8>>,
    ) -> Node {
        let config = NodeConfig {
            name: name.to_owned(),
            servers: u8::try_from(self.servers.len()).unwrap(),
            closed,
            timing: self.timing.clone(),
        };
        let (seed, now) = (self.draw_bytes(), self.now_with(skew));
        let mut node = Node::new(identity.clone(), self.room.clone(), config, seed, now);
        for (peer, known) in known_names {
            node.know_name(*peer, known);
        }
        node
    }

    // --- what people do ---

    pub(crate) fn say(&mut self, who: Who, text: &str) -> MessageId {
        self.try_say(who, text).unwrap()
    }

    pub(crate) fn try_say(&mut self, who: Who, text: &str) -> Result<MessageId, SendError> {
        let now = self.now_of(who);
        let said = self.machines[who].node.say(now, text);
        self.drain(who);
        said
    }

    pub(crate) fn whisper(&mut self, who: Who, to: Who, text: &str) -> Result<MessageId, SendError> {
        let (now, to) = (self.now_of(who), self.machines[to].id);
        let said = self.machines[who].node.whisper(now, to, text);
        self.drain(who);
        said
    }

    pub(crate) fn leave(&mut self, who: Who) {
        let now = self.now_of(who);
        self.machines[who].node.leave(now);
        self.drain(who);
    }

    /// The browser process dies: nobody is told anything, the server's socket looks alive until its heartbeats are missed.
    pub(crate) fn kill(&mut self, who: Who) {
        let machine = &mut self.machines[who];
        machine.alive = false;
        machine.ends.clear();
        machine.sockets.clear();
        machine.backlog.clear();
    }

    /// The browser crashes: peers are told nothing, but its machine closes the sockets to servers.
    pub(crate) fn crash(&mut self, who: Who) {
        for server in self.machines[who].sockets.keys().copied().collect::<Vec<_>>() {
            self.close_socket(who, server);
        }
        self.kill(who);
    }

    /// `host` invites `guest` by hand, and the two go through with it: they read each other their texts, a few seconds in all.
    pub(crate) fn invite_by_hand(&mut self, host: Who, guest: Who) -> bool {
        let (now, since) = (self.now_of(host), self.machines[host].events.len());
        self.machines[host].node.invite(now).unwrap();
        self.drain(host);
        let Some(invitation) = self.text_since(host, since) else {
            return false;
        };
        let (now, since) = (self.now_of(guest), self.machines[guest].events.len());
        self.machines[guest].node.take_invitation(now, &invitation).unwrap();
        self.drain(guest);
        let Some(answer) = self.text_since(guest, since) else {
            return false;
        };
        let now = self.now_of(host);
        let taken = self.machines[host].node.take_invitation(now, &answer);
        self.drain(host);
        taken.is_ok()
    }

    /// Makes an invitation and takes down its text.
    pub(crate) fn invite(&mut self, host: Who) -> String {
        let (now, since) = (self.now_of(host), self.machines[host].events.len());
        self.machines[host].node.invite(now).unwrap();
        self.drain(host);
        self.text_since(host, since).unwrap()
    }

    /// Takes an invitation, or the answer to one.
    pub(crate) fn take_invitation(&mut self, who: Who, text: &str) -> Result<Invitation, InvitationError> {
        let now = self.now_of(who);
        let taken = self.machines[who].node.take_invitation(now, text);
        self.drain(who);
        taken
    }

    /// Takes an invitation and takes down its answer.
    pub(crate) fn answer_invitation(&mut self, guest: Who, invitation: &str) -> String {
        let since = self.machines[guest].events.len();
        assert_eq!(self.take_invitation(guest, invitation), Ok(Invitation::Invited));
        self.text_since(guest, since).unwrap()
    }

    /// The last text for going by hand that a node gave, as soon as there is one.
    fn text_since(&mut self, who: Who, since: usize) -> Option<String> {
        for _ in 0..100 {
            let texts = self.machines[who].events[since..].iter();
            let mut texts = texts.filter_map(|(_, event)| match event {
                Event::Invitation { text } | Event::InvitationAnswer { text } => Some(text.clone()),
                _ => None,
            });
            if let Some(text) = texts.next_back() {
                return Some(text);
            }
            self.run_for(millis(100));
        }
        None
    }

    pub(crate) fn close_room(&mut self, who: Who) -> Result<(), CloseError> {
        let now = self.now_of(who);
        let closed = self.machines[who].node.close_room(now);
        self.drain(who);
        closed
    }

    /// The tab is closed: no goodbye, but the browser closes its sockets and connections.
    pub(crate) fn close_tab(&mut self, who: Who) {
        for link in self.machines[who].ends.keys().copied().collect::<Vec<_>>() {
            self.close_end(who, link);
        }
        for server in self.machines[who].sockets.keys().copied().collect::<Vec<_>>() {
            self.close_socket(who, server);
        }
        self.kill(who);
    }

    /// The same person comes back in a new page.
    pub(crate) fn restart(&mut self, who: Who) {
        assert!(!self.machines[who].alive, "close or kill it first");
        let (identity, name) = (self.machines[who].identity.clone(), self.machines[who].name.clone());
        let known = self.machines[who].known_names.clone();
        let (skew, closed) = (self.machines[who].skew, self.machines[who].closed.clone());
        let node = self.make_node(&identity, &name, &known, skew, closed);
        let machine = &mut self.machines[who];
        machine.node = node;
        machine.life += 1;
        (machine.alive, machine.asleep, machine.left) = (true, false, false);
        machine.timer_at = u64::MAX;
        machine.people.clear();
        machine.events.clear();
        self.ledger.forget_shown(machine.id);
        self.drain(who);
    }

    /// The lid is closed: no timers, and what arrives waits.
    pub(crate) fn sleep(&mut self, who: Who) {
        self.machines[who].asleep = true;
    }

    pub(crate) fn wake(&mut self, who: Who) {
        self.machines[who].asleep = false;
        // A browser may run the late timer before or after what the sockets have for it.
        if self.draw(2) == 0 {
            self.handle_timeout(who);
        }
        while let Some(happening) = self.machines[who].backlog.pop_front() {
            self.happen(happening);
        }
        self.handle_timeout(who);
    }

    pub(crate) fn set_network(&mut self, who: Who, online: bool) {
        self.input(who, Input::Network { online });
    }

    /// Hands a node any input at all.
    pub(crate) fn input(&mut self, who: Who, input: Input) {
        let now = self.now_of(who);
        self.machines[who].node.handle_input(now, input);
        self.drain(who);
    }

    // --- what can be seen ---

    pub(crate) fn id(&self, who: Who) -> PeerId {
        self.machines[who].id
    }

    pub(crate) fn identity(&self, who: Who) -> Identity {
        self.machines[who].identity.clone()
    }

    pub(crate) fn room(&self) -> Room {
        self.room.clone()
    }

    pub(crate) fn millis(&self) -> u64 {
        self.millis
    }

    /// What `who` makes of `of`.
    pub(crate) fn state(&self, who: Who, of: Who) -> Option<PersonState> {
        Some(self.machines[who].people.get(&self.machines[of].id)?.state)
    }

    pub(crate) fn node(&self, who: Who) -> &Node {
        &self.machines[who].node
    }

    /// The states of `of` that `who` was shown since `since`, in order, repetitions left out.
    pub(crate) fn states_since(&self, who: Who, of: Who, since: u64) -> Vec<PersonState> {
        let id = self.machines[of].id;
        let mut states: Vec<_> = self.machines[who]
            .events
            .iter()
            .filter_map(|(at, event)| match event {
                Event::Person { person } if *at >= since && person.peer == id => Some(person.state),
                _ => None,
            })
            .collect();
        states.dedup();
        states
    }

    pub(crate) fn messages(&self, who: Who) -> Vec<Message> {
        let shown = |(_, event): &(u64, Event)| match event {
            Event::Message { message } => Some(message.clone()),
            _ => None,
        };
        self.machines[who].events.iter().filter_map(shown).collect()
    }

    /// The texts of others, in the order shown.
    pub(crate) fn heard(&self, who: Who) -> Vec<String> {
        let others = self.messages(who).into_iter().filter(|message| !message.own);
        others.map(|message| message.text).collect()
    }

    pub(crate) fn has_heard(&self, who: Who, text: &str) -> bool {
        self.heard(who).iter().any(|heard| heard == text)
    }

    pub(crate) fn deliveries(&self, who: Who, id: MessageId) -> Vec<Delivery> {
        let deliveries = self.machines[who].events.iter().filter_map(|(_, event)| match event {
            Event::Delivery { id: of, delivery } if *of == id => Some(*delivery),
            _ => None,
        });
        deliveries.collect()
    }

    pub(crate) fn delivery(&self, who: Who, id: MessageId) -> Delivery {
        *self.deliveries(who, id).last().unwrap()
    }

    pub(crate) fn alerts(&self, who: Who) -> Vec<Alert> {
        let alerts = self.machines[who].events.iter().filter_map(|(_, event)| match event {
            Event::Alert { alert } => Some(alert.clone()),
            _ => None,
        });
        alerts.collect()
    }

    pub(crate) fn server_state(&self, who: Who, server: u8) -> Option<ServerState> {
        let events = self.machines[who].events.iter().rev();
        events
            .filter_map(|(_, event)| match event {
                Event::Server { server: of, state } if of.0 == server => Some(state.clone()),
                _ => None,
            })
            .next()
    }

    pub(crate) fn is_registered(&self, who: Who, server: u8) -> bool {
        matches!(self.server_state(who, server), Some(ServerState::Registered { .. }))
    }

    pub(crate) fn has_left(&self, who: Who) -> bool {
        self.machines[who].left
    }

    /// Whether both see each other here and have a link that carries messages.
    pub(crate) fn linked(&self, one: Who, other: Who) -> bool {
        let sees = |who: Who, of: Who| {
            self.machines[who].alive
                && self.state(who, of) == Some(PersonState::Here)
                && self.machines[who]
                    .node
                    .linked()
                    .any(|peer| peer == self.machines[of].id)
        };
        sees(one, other) && sees(other, one)
    }

    pub(crate) fn all_linked(&self, who: &[Who]) -> bool {
        who.iter()
            .all(|one| who.iter().all(|other| one == other || self.linked(*one, *other)))
    }

    /// The texts said to everyone that `who` was shown in this life, its own too, as they are listed.
    pub(crate) fn listed(&self, who: Who) -> Vec<String> {
        let mut messages = self.messages(who);
        messages.retain(|message| message.whisper_to.is_none());
        messages.sort_by_key(|message| (message.order, message.id));
        messages.into_iter().map(|message| message.text).collect()
    }

    /// Whether each of `who` sees each other one here, linked or not.
    pub(crate) fn all_here(&self, who: &[Who]) -> bool {
        let here = |one: Who, other: Who| one == other || self.state(one, other) == Some(PersonState::Here);
        who.iter().all(|one| who.iter().all(|other| here(*one, *other)))
    }

    /// A number that differs if anything that came out of a node did.
    pub(crate) fn transcript(&self) -> u64 {
        self.transcript.finish()
    }

    // --- time ---

    pub(crate) fn run_for(&mut self, duration: Duration) {
        let end = self.millis + u64::try_from(duration.as_millis()).unwrap();
        while self.step(end) {}
        self.millis = end;
    }

    /// Runs until `condition` holds; gives how long that took.
    #[track_caller]
    pub(crate) fn run_until(&mut self, limit: Duration, what: &str, condition: impl Fn(&Self) -> bool) -> Duration {
        let start = self.millis;
        let end = start + u64::try_from(limit.as_millis()).unwrap();
        while !condition(self) {
            assert!(self.step(end), "not within {limit:?}: {what}\n{}", self.picture());
        }
        Duration::from_millis(self.millis - start)
    }

    /// Runs until everyone named is linked with everyone.
    #[track_caller]
    pub(crate) fn run_until_linked(&mut self, limit: Duration, who: &[Who]) -> Duration {
        self.run_until(limit, "all linked", |world| world.all_linked(who))
    }

    /// What happens next, if it happens by `end`.
    fn step(&mut self, end: u64) -> bool {
        let Some((at, what)) = self.queue.pop_by(end) else {
            return false;
        };
        self.millis = self.millis.max(at);
        self.happen(what);
        true
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Timer { who, life, at } => {
                let machine = &mut self.machines[who];
                if machine.life != life || !machine.alive || machine.timer_at != at {
                    return;
                }
                machine.timer_at = u64::MAX;
                if machine.asleep {
                    return;
                }
                // It may have been put off meanwhile.
                match machine.node.poll_timeout() {
                    Some(due) if due.as_millis() > self.millis => self.arm(who, due.as_millis()),
                    Some(_) => self.handle_timeout(who),
                    None => {}
                }
            }
            Happening::Input { who, life, input } => {
                if let Some(input) = self.awake(who, life, input, |input| Happening::Input { who, life, input }) {
                    self.input(who, input);
                }
            }
            Happening::Server(happening) => self.happen_at_server(happening),
            Happening::Wire(happening) => self.happen_on_wire(happening),
        }
    }

    /// Gives `what` back if the machine takes it now; else keeps it for later, or drops it.
    fn awake<T>(&mut self, who: Who, life: Life, what: T, later: impl FnOnce(T) -> Happening) -> Option<T> {
        let machine = &mut self.machines[who];
        if !machine.alive || machine.life != life {
            return None;
        }
        if machine.asleep {
            machine.backlog.push_back(later(what));
            return None;
        }
        Some(what)
    }

    fn schedule(&mut self, after: u64, happening: Happening) {
        self.sequence += 1;
        self.queue.push(self.millis + after, self.sequence, happening);
    }

    pub(crate) fn now_of(&self, who: Who) -> Now {
        self.now_with(self.machines[who].skew)
    }

    fn now_with(&self, skew: i64) -> Now {
        Now {
            instant: Instant::from_millis(self.millis),
            unix_millis: (1_800_000_000_000 + self.millis).saturating_add_signed(skew),
        }
    }

    /// Who has this id.
    pub(crate) fn who(&self, id: &PeerId) -> Option<Who> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn is_up(&self, who: Who) -> bool {
        let machine = &self.machines[who];
        machine.alive && !machine.asleep && !machine.left
    }

    /// Another person's clock is off by so much, from the next start on too.
    pub(crate) fn set_skew(&mut self, who: Who, millis: i64) {
        self.machines[who].skew = millis;
    }

    fn handle_timeout(&mut self, who: Who) {
        let now = self.now_of(who);
        let machine = &mut self.machines[who];
        let (at, count) = machine.timeouts_at;
        machine.timeouts_at = if at == self.millis {
            (at, count + 1)
        } else {
            (self.millis, 1)
        };
        assert!(machine.timeouts_at.1 < 20, "{who}: the timer goes round in circles");
        machine.node.handle_timeout(now);
        self.drain(who);
    }

    /// The drain rule: everything out, then one timer.
    fn drain(&mut self, who: Who) {
        while let Some(output) = self.machines[who].node.poll_output() {
            if self.strict {
                self.hash_output(who, &output);
            }
            self.check_output(who, &output);
            self.machines[who].outputs += 1;
            self.on_output(who, output);
        }
        self.check_node(who);
        let machine = &self.machines[who];
        if let Some(at) = machine.node.poll_timeout() {
            assert!(!machine.left, "{who}: a timer after leaving");
            self.arm(who, at.as_millis());
        }
    }

    /// Sees to it that a timer goes off by `at`; an earlier one that is under way will do.
    fn arm(&mut self, who: Who, at: u64) {
        let at = at.max(self.millis);
        let machine = &mut self.machines[who];
        if at < machine.timer_at {
            machine.timer_at = at;
            let life = machine.life;
            self.schedule(at - self.millis, Happening::Timer { who, life, at });
        }
    }

    fn on_output(&mut self, who: Who, output: Output) {
        match output {
            Output::ConnectServer { server } => self.open_socket(who, server),
            Output::DisconnectServer { server } => self.close_socket(who, server),
            Output::Signal { server, request } => self.send_to_server(who, server, request),
            Output::Dial { link, .. } => self.dial(who, link),
            Output::Accept { link, sdp, .. } => self.accept(who, link, &sdp),
            Output::RemoteAnswer { link, sdp } => self.remote_description(who, link, &sdp),
            Output::RemoteCandidates { link, candidates } => self.remote_candidates(who, link, candidates.len()),
            Output::RestartIce { link } => self.describe(who, link),
            Output::Transmit { link, bytes } => self.transmit_as(who, link, bytes),
            Output::HangUp { link } => self.close_end(who, link),
            Output::RememberName { peer, name } => {
                if self.strict {
                    self.machines[who].known_names.push((peer, name));
                }
            }
            Output::RememberClosed { statement } => self.machines[who].closed = Some(statement),
            Output::Nearby { bytes } => self.tell_nearby(who, &bytes),
            Output::Event(event) => self.on_event(who, event),
        }
    }

    /// Every other tab hears what one says, if they are tabs of one browser.
    fn tell_nearby(&mut self, from: Who, bytes: &[u8]) {
        if !self.nearby {
            return;
        }
        for who in (0..self.machines.len()).filter(|who| *who != from) {
            let (life, input) = (self.machines[who].life, Input::Nearby { bytes: bytes.to_vec() });
            let after = self.between(1, 5);
            self.schedule(after, Happening::Input { who, life, input });
        }
    }

    fn on_event(&mut self, who: Who, event: Event) {
        let machine = &mut self.machines[who];
        match &event {
            Event::Person { person } if self.strict => {
                machine.people.insert(person.peer, person.clone());
            }
            Event::Person { .. } => {}
            Event::PersonForgotten { peer } => {
                machine.people.remove(peer);
            }
            Event::Left => machine.left = true,
            Event::Message { .. }
            | Event::Delivery { .. }
            | Event::Server { .. }
            | Event::Alert { .. }
            | Event::Invitation { .. }
            | Event::InvitationAnswer { .. }
            | Event::RoomClosed => {}
        }
        let kept = self.strict || matches!(event, Event::Invitation { .. } | Event::InvitationAnswer { .. });
        if kept {
            self.machines[who].events.push((self.millis, event));
        }
    }

    fn hash_output(&mut self, who: Who, output: &Output) {
        (who, self.millis).hash(&mut self.transcript);
        match output {
            Output::Transmit { link, bytes } => (link, bytes).hash(&mut self.transcript),
            other => format!("{other:?}").hash(&mut self.transcript),
        }
    }

    // --- chance ---

    /// A number below `count`.
    pub(crate) fn draw(&mut self, count: u64) -> u64 {
        self.rng.next_u64() % count
    }

    fn draw_bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.draw(high - low + 1)
    }

    /// For the message of a failed test.
    fn picture(&self) -> String {
        let mut lines = Vec::new();
        for (who, machine) in self.machines.iter().enumerate() {
            lines.push(format!(
                "{who} {} {} alive={} links={} ends={:?} {:?}",
                machine.name,
                machine.id,
                machine.alive,
                machine.node.linked().count(),
                machine.ends.keys().collect::<Vec<_>>(),
                machine.node.counters(),
            ));
            for person in machine.people.values() {
                lines.push(format!("    {} {:?} {:?}", person.peer, person.name, person.state));
            }
            for (at, event) in machine.events.iter().rev().take(12).rev() {
                let text = format!("{event:?}");
                lines.push(format!("    {:>8} {:.160}", at - START_MILLIS, text));
            }
        }
        lines.join("\n")
    }
}

/// A pair in ascending order.
fn pair(one: Who, other: Who) -> (Who, Who) {
    (one.min(other), one.max(other))
}

/// Pairs of machines.
type Pairs = BTreeSet<(Who, Who)>;
