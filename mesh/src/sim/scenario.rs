//! The stories: a room is made, things go wrong for a while, then all is well and everyone must have everything.

mod hostile;
mod parts;

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Node,
    config::{SIM_CONVERGENCE_MAX, SIM_CRASH_CONVERGENCE_MAX, SIM_ROUNDS},
};

use super::{
    body::Body,
    report::{Report, Rounds},
    world::{Latency, Simulation, Who, millis, pair_latency, seconds},
};

/// A story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Everyone comes one after the other, then people talk: redundancy, hops, time, cost at rest, a newcomer.
    Steady,
    /// Ordinary use: somebody says something every ten seconds, for half an hour.
    Evening,
    /// Everyone comes within a second.
    JoinStorm,
    /// People come, go, crash, return with and without goodbye, clocks are hours off, links break.
    Churn,
    /// Half of everyone crashes at once.
    Crash50,
    /// Four in five crash at once.
    Crash80,
    /// Nine in ten crash at once.
    Crash90,
    /// Half of everyone leaves within a second.
    Leave50,
    /// Nine in ten leave within a second.
    Leave90,
    /// Two halves cannot reach each other for two minutes, and both talk.
    Partition,
    /// The server dies at second 10; newcomers come by hand through one person.
    Serverless,
    /// The founder leaves, then newcomers come.
    FounderLeaves,
    /// Each person can reach only the one before and the one after.
    Chain,
    /// Some sleep for minutes and wake up.
    Sleeper,
    /// One pair in five cannot reach each other, ever.
    Unreachable,
    /// One in ten misbehaves, in every way there is.
    Misbehaving,
    /// One makes up a tree of people as large as a room can be.
    GhostTree,
    /// One says as much as anybody may, for ten minutes.
    Flood,
}

impl Scenario {
    /// Those that are run if none is named: all but the flood, which takes minutes.
    pub const USUAL: [Self; 17] = [
        Self::Steady,
        Self::Evening,
        Self::JoinStorm,
        Self::Churn,
        Self::Crash50,
        Self::Crash80,
        Self::Crash90,
        Self::Leave50,
        Self::Leave90,
        Self::Partition,
        Self::Serverless,
        Self::FounderLeaves,
        Self::Chain,
        Self::Sleeper,
        Self::Unreachable,
        Self::Misbehaving,
        Self::GhostTree,
    ];

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::USUAL.into_iter().chain([Self::Flood])
    }

    /// As it is called on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Evening => "evening",
            Self::JoinStorm => "join-storm",
            Self::Churn => "churn",
            Self::Crash50 => "crash-50",
            Self::Crash80 => "crash-80",
            Self::Crash90 => "crash-90",
            Self::Leave50 => "leave-50",
            Self::Leave90 => "leave-90",
            Self::Partition => "partition",
            Self::Serverless => "serverless",
            Self::FounderLeaves => "founder-leaves",
            Self::Chain => "chain",
            Self::Sleeper => "sleeper",
            Self::Unreachable => "unreachable",
            Self::Misbehaving => "misbehaving",
            Self::GhostTree => "ghost-tree",
            Self::Flood => "flood",
        }
    }
}

/// Whether a run gives the digest of what went over each directed link: to compare two builds by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkDigest {
    /// It does, and takes a little longer.
    Taken,
    /// It does not.
    Omitted,
}

/// Runs a scenario with so many people.
///
/// # Panics
/// If a node breaks the rules of its boundary, or with fewer than 10 people.
#[must_use]
pub fn run(scenario: Scenario, people: usize, seed: u64, digest: LinkDigest) -> Report {
    run_bodies::<Node>(scenario, people, seed, digest)
}

/// Runs a scenario whose machines carry something else than bare nodes.
///
/// # Panics
/// As [`run`].
#[must_use]
pub fn run_bodies<B: Body>(scenario: Scenario, people: usize, seed: u64, digest: LinkDigest) -> Report {
    assert!(people >= 10, "a room of fewer than 10 people shows nothing");
    let mut story = Story::<B>::new(people, seed);
    if digest == LinkDigest::Taken {
        story.world.digest_links();
    }
    match scenario {
        Scenario::Steady => story.steady(),
        Scenario::Evening => story.evening(),
        Scenario::JoinStorm => story.join_storm(),
        Scenario::Churn => story.churn(),
        Scenario::Crash50 => story.crash(50),
        Scenario::Crash80 => story.crash(80),
        Scenario::Crash90 => story.crash(90),
        Scenario::Leave50 => story.leave(50),
        Scenario::Leave90 => story.leave(90),
        Scenario::Partition => story.partition(),
        Scenario::Serverless => story.serverless(),
        Scenario::FounderLeaves => story.founder_leaves(),
        Scenario::Chain => story.chain(),
        Scenario::Sleeper => story.sleeper(),
        Scenario::Unreachable => story.unreachable(),
        Scenario::Misbehaving => story.misbehaving(),
        Scenario::GhostTree => story.ghost_tree(),
        Scenario::Flood => story.flood(),
    }
    story.finish()
}

/// What is to be compared with another protocol on the same latencies, in a room of its own.
#[derive(Debug, Clone, Copy)]
pub struct Plan<A> {
    /// How many there are.
    pub people: usize,
    /// What everything is drawn from.
    pub seed: u64,
    /// The latency of two people in milliseconds, by `seed` and their numbers.
    pub latency: fn(u64, usize, usize) -> u64,
    /// From the last one's coming to the first round.
    pub settle: Duration,
    /// The author of a round, counted from the first of the warm-up.
    pub author: A,
    /// Rounds that are not counted.
    pub warm_up: usize,
    /// The length of each message, in bytes.
    pub text_bytes: usize,
}

/// What came of a [`Plan`].
#[derive(Debug)]
pub struct Steady {
    /// Thirty rounds, one after the other.
    pub rounds: Rounds,
    /// All bytes of all frames for each message and each node that gets it, at one message a second in the room.
    pub bytes: f64,
    /// Who was linked with whom after the rounds.
    pub graph: Vec<Vec<usize>>,
}

/// Runs a steady room.
#[must_use]
pub fn run_steady(plan: Plan<impl Fn(usize) -> usize>) -> Steady {
    let Plan { people, seed, .. } = plan;
    let padding = ".".repeat(plan.text_bytes.saturating_sub("message 100".len()));
    let mut story = Story::<Node>::new(people, seed);
    story.world.latency = Latency::Fixed { seed, of: plan.latency };
    story.come(people, millis(20));
    story.world.run_for(plan.settle);
    for round in 0..plan.warm_up {
        story.round((plan.author)(round), &padding);
    }
    let rounds = story.rounds(|round| (plan.author)(plan.warm_up + round), &padding);
    let links = |who: Who| -> Vec<Who> {
        let linked = story.world.node(who).linked();
        linked.filter_map(|peer| story.world.who(&peer)).collect()
    };
    let graph: Vec<Vec<usize>> = (0..people).map(links).collect();
    let first = plan.warm_up + SIM_ROUNDS as usize;
    let bytes = story.load(|second| (plan.author)(first + second), &padding);
    Steady { rounds, bytes, graph }
}

struct Story<B> {
    people: usize,
    world: Simulation<B>,
    report: Report,
    started: u64,
    /// How much has been said, for texts that differ.
    said: u64,
    /// Whether those left have to count right within a while.
    counts: bool,
}

impl<B: Body> Story<B> {
    fn new(people: usize, seed: u64) -> Self {
        let mut world = Simulation::large(seed);
        world.latency = Latency::Fixed { seed, of: pair_latency };
        Self {
            people,
            started: world.millis(),
            world,
            report: Report::default(),
            said: 0,
            counts: false,
        }
    }

    fn steady(&mut self) {
        self.gather();
        let (one, many) = self.talk();
        (self.report.one_author, self.report.many_authors) = (Some(one), Some(many));
        self.rest();
        self.newcomer();
        if self.people >= 100 {
            self.report.demand("RMR, one author", one.rmr, 0.05);
            self.report.demand("RMR, many authors", many.rmr, 0.3);
            self.report.demand("last delivery hop, one author", one.ldh, 13.0);
            self.report.demand("last delivery hop, many authors", many.ldh, 16.0);
        }
        self.converge(SIM_CONVERGENCE_MAX);
    }

    fn evening(&mut self) {
        self.gather();
        for _ in 0..180 {
            self.somebody_says();
            self.world.run_for(seconds(10));
        }
        self.converge(SIM_CONVERGENCE_MAX);
    }

    fn join_storm(&mut self) {
        let pause = Duration::from_millis(1_000 / self.people as u64);
        self.come(self.people, pause);
        for _ in 0..10 {
            self.somebody_says();
            self.world.run_for(millis(500));
        }
        self.settle();
        self.converge(SIM_CONVERGENCE_MAX);
    }

    fn churn(&mut self) {
        self.come(self.people, millis(20));
        self.skew_some();
        self.settle();
        let mut down = Vec::new();
        for _ in 0..240 {
            self.world.run_for(millis(500));
            let victim = self.draw(self.people);
            match self.draw(12) {
                0 if self.world.is_up(victim) => {
                    self.world.crash(victim);
                    down.push(victim);
                }
                1 if self.world.is_up(victim) => {
                    self.world.close_tab(victim);
                    down.push(victim);
                }
                2 if self.world.is_up(victim) => {
                    self.world.leave(victim);
                    self.world.run_for(seconds(1));
                    self.world.kill(victim);
                    down.push(victim);
                }
                3..=5 if !down.is_empty() => {
                    let place = self.draw(down.len());
                    self.world.restart(down.swap_remove(place));
                }
                6 | 7 => self.hurt_a_link(victim),
                _ => self.somebody_says(),
            }
        }
        for who in down {
            self.world.restart(who);
        }
        self.converge(SIM_CONVERGENCE_MAX);
    }

    /// So many in a hundred, drawn at random.
    fn draw_percent(&mut self, percent: usize) -> Vec<Who> {
        let mut all: Vec<_> = (0..self.people).collect();
        let count = self.people * percent / 100;
        let drawn = (0..count).map(|_| {
            let place = self.draw(all.len());
            all.swap_remove(place)
        });
        drawn.collect()
    }

    fn crash(&mut self, percent: usize) {
        self.gather();
        for _ in 0..5 {
            self.somebody_says();
        }
        self.world.run_for(seconds(5));
        for who in self.draw_percent(percent) {
            self.world.crash(who);
        }
        let crashed = self.world.millis();
        for _ in 0..10 {
            self.somebody_says();
            self.world.run_for(millis(100));
        }
        // Of more, those left fall apart into groups that first have to find each other.
        self.counts = percent <= 50;
        self.count_right(crashed);
        let spent = self.world.millis() - crashed;
        self.converge(SIM_CRASH_CONVERGENCE_MAX.saturating_sub(millis(spent)));
        self.report.convergence_millis = self.report.convergence_millis.map(|after| after + spent);
    }

    fn leave(&mut self, percent: usize) {
        self.gather();
        self.world.run_for(seconds(5));
        let leavers = self.draw_percent(percent);
        let left = self.world.millis();
        let tenth = leavers.len().div_ceil(10);
        for some in leavers.chunks(tenth) {
            for who in some {
                self.world.leave(*who);
            }
            self.world.run_for(millis(100));
        }
        for who in leavers {
            self.world.kill(who);
        }
        self.counts = true;
        self.count_right(left);
        self.somebody_says();
        self.converge(SIM_CONVERGENCE_MAX);
    }

    fn partition(&mut self) {
        self.come(self.people, millis(20));
        self.skew_some();
        self.settle();
        let sides = (0..self.people).map(|who| (who, u8::from(self.draw(2) == 0)));
        let sides: BTreeMap<_, _> = sides.collect();
        self.world.partition(sides);
        for _ in 0..60 {
            self.somebody_says();
            self.world.run_for(seconds(2));
        }
        self.world.partition(BTreeMap::new());
        self.converge(SIM_CONVERGENCE_MAX);
    }

    fn serverless(&mut self) {
        let newcomers = (self.people / 10).clamp(1, 10);
        let first = self.people - newcomers;
        self.come(first, Duration::from_millis(8_000 / first as u64));
        while self.world.millis() < self.started + 10_000 {
            self.world.run_for(millis(100));
        }
        self.world.server_down(0);
        for _ in 0..5 {
            self.somebody_says();
            self.world.run_for(seconds(1));
        }
        let host = self.draw(first);
        for number in 0..newcomers {
            let guest = self.world.add(&format!("guest {number}"));
            self.world.run_for(seconds(1));
            assert!(
                self.world.invite_by_hand(host, guest),
                "the invitation by hand goes through"
            );
            self.world.run_for(seconds(2));
            self.say(guest);
        }
        // The host goes, and those it let in stay: by now the last of them has other links. One that had not would be alone
        // without a server, and could only be invited again.
        self.world.run_for(seconds(8));
        self.world.crash(host);
        self.world.run_for(seconds(15));
        self.somebody_says();
        self.converge(SIM_CONVERGENCE_MAX);
    }

    fn founder_leaves(&mut self) {
        let first = self.people / 2;
        self.come(first, millis(20));
        self.settle();
        self.somebody_says();
        self.world.leave(0);
        self.world.run_for(seconds(2));
        self.world.kill(0);
        self.come(self.people - first, millis(20));
        self.somebody_says();
        self.settle();
        self.somebody_says();
        self.converge(SIM_CONVERGENCE_MAX);
    }

    fn chain(&mut self) {
        self.world.make_chain();
        self.world.server_down(0);
        self.world.add("first");
        for number in 1..self.people {
            let guest = self.world.add(&format!("p{number}"));
            self.world.run_for(millis(100));
            assert!(
                self.world.invite_by_hand(guest - 1, guest),
                "the invitation by hand goes through"
            );
            self.world.run_for(seconds(1));
        }
        for _ in 0..10 {
            self.somebody_says();
            self.world.run_for(millis(200));
        }
        self.converge(SIM_CONVERGENCE_MAX);
    }

    fn sleeper(&mut self) {
        self.gather();
        let sleepers: Vec<_> = (0..self.people / 5).map(|number| number * 5).collect();
        for who in &sleepers {
            self.world.sleep(*who);
        }
        for _ in 0..60 {
            self.somebody_says();
            self.world.run_for(seconds(5));
        }
        for who in sleepers {
            self.world.wake(who);
        }
        self.converge(SIM_CONVERGENCE_MAX);
    }

    fn unreachable(&mut self) {
        for one in 0..self.people {
            for other in 0..one {
                if self.draw(5) == 0 {
                    self.world.block(one, other);
                }
            }
        }
        self.come(self.people, millis(20));
        self.world.run_for(seconds(30));
        for _ in 0..20 {
            self.somebody_says();
            self.world.run_for(millis(500));
        }
        self.converge(SIM_CONVERGENCE_MAX);
    }
}
