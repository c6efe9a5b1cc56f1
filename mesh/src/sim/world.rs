//! A small world in virtual time: nodes, rendezvous servers and something like WebRTC between them, with faults.
//!
//! Everything happens in the order of one queue and every choice is drawn from one seed, so a run can be repeated exactly. After
//! each input a node is driven as [`crate::io`] demands: drained, then one timer armed. [`checks`] holds after every step what
//! must hold always; liveness is what the tests ask for with [`Simulation::run_until`].

mod ask;
mod chance;
mod checks;
pub(crate) mod clocks;
mod digest;
mod disk;
mod faults;
pub(crate) mod files;
mod handshake;
pub(crate) mod misbehave;
mod outputs;
mod people;
mod queue;
mod server;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::DefaultHasher,
    ops::Range,
    time::Duration,
};

use crate::{
    Node, NodeConfig, Timing,
    config::Keeps,
    io::{LinkId, ServerId},
    model::{Event, Person},
    wire::signed::simulated,
};
use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{Identity, PeerId, Room, RoomCode};

pub(crate) use self::wire::{Latency, pair_latency};
use self::{
    chance::machine_rng,
    checks::{Ledger, Trace},
    digest::Digests,
    disk::Disk,
    misbehave::{Mischief, Trait},
    queue::{Happening, Order, Queue},
    server::Server,
    wire::Net,
};
use super::body::Body;

/// A machine with a node on it, by number.
pub(crate) type Who = usize;

/// Which of its lives a machine is in: a reload starts the next.
type Life = u32;

/// The start of time, far enough from zero for clocks to be set back.
// No limit: a point in time.
const START_MILLIS: u64 = 10_000_000;

/// One machine.
pub(crate) struct Machine<B> {
    pub(crate) id: PeerId,
    pub(crate) name: String,
    pub(crate) body: B,
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
    /// What chance decides about this machine: its own stream, so that what happens to others does not change it.
    rng: ChaCha20Rng,
    /// How many descriptions and sockets it has made.
    made: u64,
    /// What a misbehaving machine makes of what its node wants to send.
    pub(crate) mischief: Option<Mischief>,
    pub(crate) disk: Disk,
    pub(crate) pieces: files::Pieces,
    left: bool,
}

/// A world whose machines carry bare nodes.
pub(crate) type World = Simulation<Node>;

pub(crate) struct Simulation<B> {
    seed: u64,
    rng: ChaCha20Rng,
    millis: u64,
    queue: Queue,
    sequence: u64,
    room: Room,
    servers: Vec<Server>,
    pub(crate) machines: Vec<Machine<B>>,
    net: Net,
    ledger: Ledger,
    transcript: DefaultHasher,
    pub(crate) timing: Timing,
    pub(crate) latency: Latency,
    /// Whether all machines are tabs of one browser, which hear each other without a network.
    pub(crate) nearby: bool,
    /// Whether machines keep something for the next visit.
    pub(crate) disks: bool,
    /// How much of the room they keep.
    pub(crate) keeps: Keeps,
    /// Whether everything is recorded and checked at every step, as in small worlds.
    strict: bool,
    /// When a message was last shown to anybody.
    pub(crate) trace: Trace,
    /// By id, to find who somebody is.
    by_id: BTreeMap<PeerId, Who>,
    /// What went over each directed link, if that is wanted.
    digests: Option<Digests>,
    /// How many bytes for files a link carries in a millisecond, each way.
    pub(crate) file_rate: u64,
    /// How many bytes for files were sent.
    pub(crate) file_bytes: u64,
    /// Who deals with files as nobody should.
    frauds: BTreeMap<Who, files::Fraud>,
    /// What files really are.
    contents: BTreeMap<shared::FileId, files::Content>,
}

impl<B> Drop for Simulation<B> {
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

/// The only fragment of a short frame, or the first of a longer one.
#[cfg(test)]
pub(crate) fn first_fragment(frame: &crate::wire::frame::Frame<'_>) -> Vec<u8> {
    crate::wire::fragment::Fragments::of(frame)
        .iter()
        .next()
        .unwrap()
        .to_vec()
}

impl<B: Body> Simulation<B> {
    /// A world with one server.
    pub(crate) fn new(seed: u64) -> Self {
        Self::with_servers(seed, 1)
    }

    pub(crate) fn with_servers(seed: u64, servers: u8) -> Self {
        simulated::turn_on();
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
            disks: false,
            keeps: Keeps::default(),
            strict: true,
            trace: Trace::default(),
            by_id: BTreeMap::new(),
            digests: None,
            file_rate: 1_000,
            file_bytes: 0,
            frauds: BTreeMap::new(),
            contents: BTreeMap::new(),
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

    /// Whether somebody misbehaves in this way.
    pub(crate) fn has(&self, of: Trait) -> bool {
        let mut mischief = self.machines.iter().filter_map(|machine| machine.mischief.as_ref());
        mischief.any(|mischief| mischief.is(of))
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
        let body = self.make_body(&identity, name, 0, None);
        self.by_id.insert(identity.peer_id(), who);
        self.machines.push(Machine {
            id: identity.peer_id(),
            name: name.to_owned(),
            body,
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
            rng: machine_rng(self.seed, who),
            made: 0,
            mischief: None,
            disk: Disk::default(),
            pieces: files::Pieces::default(),
            left: false,
        });
        self.restore(who);
        self.drain(who);
        who
    }

    fn make_body(&mut self, identity: &Identity, name: &str, skew: i64, closed: Option<Vec<u8>>) -> B {
        let config = NodeConfig {
            name: name.to_owned(),
            servers: (0..self.servers.len()).map(|server| server.to_string()).collect(),
            closed,
            timing: self.timing.clone(),
            keeps: self.keeps,
            transport_policy: crate::io::TransportPolicy::All,
        };
        let (seed, now) = (self.draw_bytes(), self.now_with(skew));
        B::start(identity.clone(), self.room.clone(), config, seed, now)
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
                match machine.body.poll_timeout() {
                    Some(due) if due.as_millis() > self.millis => self.arm(who, due.as_millis()),
                    Some(_) => self.handle_timeout(who),
                    None => {}
                }
            }
            Happening::Input { from, who, life, input } => {
                let later = |input| Happening::Input { from, who, life, input };
                if let Some(input) = self.awake(who, life, input, later) {
                    self.input(who, input);
                }
            }
            Happening::Stored {
                who,
                life,
                change,
                changes,
            } => self.on_stored(who, life, change, changes),
            Happening::Piece { who, life, doing } => self.on_piece_done(who, life, doing),
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

    /// What falls on one instant happens in the order of the two ends, then of having been planned: so nothing depends on the order
    /// in which a node says things to different peers.
    fn schedule(&mut self, after: u64, happening: Happening) {
        self.sequence += 1;
        let (from, to) = self.ends_of(&happening);
        let order = Order {
            at: self.millis + after,
            from,
            to,
            sequence: self.sequence,
        };
        self.queue.push(order, happening);
    }

    fn ends_of(&self, happening: &Happening) -> (Who, Who) {
        match happening {
            Happening::Timer { who, .. } | Happening::Stored { who, .. } | Happening::Piece { who, .. } => (*who, *who),
            Happening::Input { from, who, .. } => (*from, *who),
            Happening::Server(happening) => happening.ends(),
            Happening::Wire(happening) => self.net.ends_of(happening),
        }
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
        machine.body.handle_timeout(now);
        self.drain(who);
    }

    /// The drain rule: everything out, then one timer.
    fn drain(&mut self, who: Who) {
        while let Some(output) = self.machines[who].body.poll_output() {
            if self.strict {
                self.hash_output(who, &output);
            }
            self.check_output(who, &output);
            self.machines[who].outputs += 1;
            self.on_output(who, output);
        }
        self.check_node(who);
        let machine = &self.machines[who];
        if let Some(at) = machine.body.poll_timeout() {
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
}

/// A pair in ascending order.
fn pair(one: Who, other: Who) -> (Who, Who) {
    (one.min(other), one.max(other))
}

/// Pairs of machines.
type Pairs = BTreeSet<(Who, Who)>;
