//! The stories: a room is made, things go wrong for a while, then all is well and everyone must have everything.

use std::{collections::BTreeMap, time::Duration};

use shared::{PeerId, limits::LINKS_MAX};

use super::{
    report::{Report, Rounds},
    world::{Latency, Who, World, millis, misbehave::Trait, pair_latency, seconds},
};
use crate::{membership::LINKS_MIN, presence::interval};

/// Within which everyone has everything once the faults are over.
const CONVERGENCE_MAX: Duration = Duration::from_secs(60);

/// Within which everybody alive has what was said right after a crash, counted from the crash.
const CRASH_CONVERGENCE_MAX: Duration = Duration::from_secs(15);

/// Hours off, at most, that clocks are in the scenarios with wrong clocks.
const SKEW_HOURS: u64 = 6;

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
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Steady,
        Self::Evening,
        Self::JoinStorm,
        Self::Churn,
        Self::Crash50,
        Self::Crash80,
        Self::Crash90,
        Self::Partition,
        Self::Serverless,
        Self::FounderLeaves,
        Self::Chain,
        Self::Sleeper,
        Self::Unreachable,
        Self::Misbehaving,
    ];

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
            Self::Partition => "partition",
            Self::Serverless => "serverless",
            Self::FounderLeaves => "founder-leaves",
            Self::Chain => "chain",
            Self::Sleeper => "sleeper",
            Self::Unreachable => "unreachable",
            Self::Misbehaving => "misbehaving",
        }
    }
}

/// Runs a scenario with so many people.
///
/// # Panics
/// If a node breaks the rules of its boundary, or with fewer than 10 people.
#[must_use]
pub fn run(scenario: Scenario, people: usize, seed: u64) -> Report {
    assert!(people >= 10, "a room of fewer than 10 people shows nothing");
    let mut story = Story::new(people, seed);
    match scenario {
        Scenario::Steady => story.steady(),
        Scenario::Evening => story.evening(),
        Scenario::JoinStorm => story.join_storm(),
        Scenario::Churn => story.churn(),
        Scenario::Crash50 => story.crash(50),
        Scenario::Crash80 => story.crash(80),
        Scenario::Crash90 => story.crash(90),
        Scenario::Partition => story.partition(),
        Scenario::Serverless => story.serverless(),
        Scenario::FounderLeaves => story.founder_leaves(),
        Scenario::Chain => story.chain(),
        Scenario::Sleeper => story.sleeper(),
        Scenario::Unreachable => story.unreachable(),
        Scenario::Misbehaving => story.misbehaving(),
    }
    story.finish()
}

/// Broadcasts in a steady room, for comparison with other protocols on the same latencies.
#[derive(Debug)]
pub struct Steady {
    /// One author.
    pub one_author: Rounds,
    /// An author drawn anew for each round.
    pub many_authors: Rounds,
    /// Who was linked with whom.
    pub graph: Vec<Vec<usize>>,
}

/// Runs a steady room. `latency` gives that of two people in milliseconds, by `seed` and their numbers.
#[must_use]
pub fn run_steady(people: usize, seed: u64, latency: fn(u64, usize, usize) -> u64) -> Steady {
    let mut story = Story::new(people, seed);
    story.world.latency = Latency::Fixed { seed, of: latency };
    story.come(people, millis(20));
    story.settle();
    let (one_author, many_authors) = story.talk();
    let links = |who: Who| -> Vec<Who> {
        let linked = story.world.node(who).linked();
        linked.filter_map(|peer| story.world.who(&peer)).collect()
    };
    let graph: Vec<Vec<usize>> = (0..people).map(links).collect();
    Steady {
        one_author,
        many_authors,
        graph,
    }
}

struct Story {
    people: usize,
    world: World,
    report: Report,
    started: u64,
    /// How much has been said, for texts that differ.
    said: u64,
}

impl Story {
    fn new(people: usize, seed: u64) -> Self {
        let mut world = World::large(seed);
        world.latency = Latency::Fixed { seed, of: pair_latency };
        Self {
            people,
            started: world.millis(),
            world,
            report: Report::default(),
            said: 0,
        }
    }

    // --- the stories ---

    fn steady(&mut self) {
        self.come(self.people, millis(20));
        self.settle();
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
        self.converge(CONVERGENCE_MAX);
    }

    fn evening(&mut self) {
        self.come(self.people, millis(20));
        self.settle();
        for _ in 0..180 {
            self.somebody_says();
            self.world.run_for(seconds(10));
        }
        self.converge(CONVERGENCE_MAX);
    }

    fn join_storm(&mut self) {
        let pause = Duration::from_millis(1_000 / self.people as u64);
        self.come(self.people, pause);
        for _ in 0..10 {
            self.somebody_says();
            self.world.run_for(millis(500));
        }
        self.settle();
        self.converge(CONVERGENCE_MAX);
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
        self.converge(CONVERGENCE_MAX);
    }

    fn crash(&mut self, percent: usize) {
        self.come(self.people, millis(20));
        self.settle();
        for _ in 0..5 {
            self.somebody_says();
        }
        self.world.run_for(seconds(5));
        let mut living: Vec<_> = (0..self.people).collect();
        for _ in 0..self.people * percent / 100 {
            let place = self.draw(living.len());
            self.world.crash(living.swap_remove(place));
        }
        let crashed = self.world.millis();
        for _ in 0..10 {
            self.somebody_says();
            self.world.run_for(millis(100));
        }
        let spent = self.world.millis() - crashed;
        self.converge(CRASH_CONVERGENCE_MAX.saturating_sub(millis(spent)));
        self.report.convergence_millis = self.report.convergence_millis.map(|after| after + spent);
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
        self.converge(CONVERGENCE_MAX);
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
        self.converge(CONVERGENCE_MAX);
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
        self.converge(CONVERGENCE_MAX);
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
        self.converge(CONVERGENCE_MAX);
    }

    fn sleeper(&mut self) {
        self.come(self.people, millis(20));
        self.settle();
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
        self.converge(CONVERGENCE_MAX);
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
        self.converge(CONVERGENCE_MAX);
    }

    fn misbehaving(&mut self) {
        self.come(self.people, millis(20));
        self.settle();
        let first = self.draw(Trait::ALL.len());
        for number in 0..self.people / 10 {
            let of = Trait::ALL[(first + number) % Trait::ALL.len()];
            self.world.corrupt(number * 10, of);
        }
        for _ in 0..30 {
            self.somebody_says();
            self.world.run_for(seconds(1));
        }
        self.converge(CONVERGENCE_MAX);
    }

    // --- what they are made of ---

    fn draw(&mut self, below: usize) -> usize {
        self.world.draw(below as u64) as usize
    }

    fn come(&mut self, count: usize, pause: Duration) {
        for _ in 0..count {
            let number = self.world.machines.len();
            self.world.add(&format!("p{number}"));
            self.world.run_for(pause);
        }
    }

    fn skew_some(&mut self) {
        for who in 0..self.people {
            if self.draw(5) == 0 {
                let hour = 60 * 60 * 1_000;
                let off = self.world.draw(2 * SKEW_HOURS * hour);
                self.world.set_skew(who, off as i64 - (SKEW_HOURS * hour) as i64);
            }
        }
    }

    fn living(&self) -> Vec<Who> {
        (0..self.world.machines.len())
            .filter(|who| self.world.is_up(*who))
            .collect()
    }

    /// Those whose word counts.
    fn honest(&self) -> Vec<Who> {
        let mut living = self.living();
        living.retain(|who| self.world.machines[*who].mischief.is_none());
        living
    }

    fn say(&mut self, who: Who) {
        self.said += 1;
        let text = format!("message {}", self.said);
        // Too fast is the only refusal there can be, and as good as not having said it.
        let _ = self.world.try_say(who, &text);
    }

    fn somebody_says(&mut self) {
        let honest = self.honest();
        let author = honest[self.draw(honest.len())];
        self.say(author);
    }

    fn hurt_a_link(&mut self, who: Who) {
        let peers: Vec<_> = self.world.node(who).linked().collect();
        let others: Vec<_> = peers.iter().filter_map(|peer: &PeerId| self.world.who(peer)).collect();
        if others.is_empty() || !self.world.is_up(who) {
            return;
        }
        let other = others[self.draw(others.len())];
        match self.draw(3) {
            0 => self.world.clog(who, other),
            1 => self.world.fail_link(who, other),
            _ => self.world.break_path(who, other),
        }
    }

    /// Runs until everyone has enough links and knows of everyone.
    fn settle(&mut self) {
        let living = self.living();
        let enough = LINKS_MIN.min(living.len() - 1);
        for _ in 0..240 {
            let settled = living.iter().all(|who| {
                let node = self.world.node(*who);
                node.present() >= living.len() && node.linked().count() >= enough
            });
            if settled {
                return;
            }
            self.world.run_for(millis(500));
        }
    }

    /// Warms the tree up, then measures rounds of one author and of many.
    fn talk(&mut self) -> (Rounds, Rounds) {
        self.world.run_for(seconds(30));
        let author = self.draw(self.people);
        for _ in 0..10 {
            self.round(author);
        }
        let mut sums = [Rounds::default(); 2];
        const ROUNDS: u32 = 30;
        for (kind, sum) in sums.iter_mut().enumerate() {
            for _ in 0..ROUNDS {
                let author = if kind == 0 { author } else { self.draw(self.people) };
                let round = self.round(author);
                sum.rmr += round.rmr / f64::from(ROUNDS);
                sum.ldh += round.ldh / f64::from(ROUNDS);
                sum.ldh_max = sum.ldh_max.max(round.ldh_max);
                sum.missed += round.missed;
                sum.last_node_millis += round.last_node_millis / f64::from(ROUNDS);
            }
        }
        let [one, many] = sums;
        (one, many)
    }

    /// One message, until everyone has it.
    fn round(&mut self, author: Who) -> Rounds {
        let received = |story: &Self| -> u64 {
            let nodes = story.world.machines.iter().map(|machine| machine.node.counters());
            nodes.map(|counters| counters.entries_broadcast).sum()
        };
        let (before, start) = (received(self), self.world.millis());
        self.say(author);
        let goal = self.world.node(author).log_digest();
        let everyone = self.living();
        let mut hops = 0;
        for _ in 0..1_000 {
            self.world.run_for(millis(10));
            if everyone.iter().all(|who| self.world.node(*who).log_digest() == goal) {
                break;
            }
        }
        let last = self.world.last_shown - start;
        // What is still under way counts too.
        self.world.run_for(millis(1_000));
        for who in &everyone {
            hops = hops.max(self.world.node(*who).counters().entry_hops);
        }
        let needed = everyone.len() as f64 - 1.0;
        Rounds {
            rmr: (received(self) - before) as f64 / needed - 1.0,
            ldh: hops as f64,
            ldh_max: hops as u32,
            missed: everyone
                .iter()
                .filter(|who| self.world.node(**who).log_digest() != goal)
                .count() as u64,
            last_node_millis: last as f64,
        }
    }

    /// What it costs to do nothing, once what was said is acknowledged no more: each node does that in two beacons.
    fn rest(&mut self) {
        self.world.run_for(interval(self.people) * 2);
        let sent = |story: &Self| {
            let machines = story.world.machines.iter();
            machines.fold((0, 0), |(frames, bytes), machine| {
                (frames + machine.frames, bytes + machine.bytes)
            })
        };
        let (frames, bytes) = sent(self);
        const REST_SECONDS: u64 = 120;
        self.world.run_for(seconds(REST_SECONDS));
        let (frames, bytes) = (sent(self).0 - frames, sent(self).1 - bytes);
        let people = self.people as f64;
        self.report.idle_frames_per_minute = Some(frames as f64 / people / (REST_SECONDS as f64 / 60.0));
        // What one sends another receives.
        let cost = 2.0 * bytes as f64 / people / REST_SECONDS as f64;
        self.report.idle_bytes_per_second = Some(cost);
        if self.people >= 1_000 {
            self.report.demand("idle bytes a second", cost, 2_048.0);
        }
    }

    /// Somebody comes: how long until they know everyone, and can be whispered to.
    fn newcomer(&mut self) {
        let start = self.world.millis();
        let all = self.living().len() + 1;
        let newcomer = self.world.add("newcomer");
        let friend = self.draw(self.people);
        let mut whispered = false;
        let before = self.world.shown_count(newcomer);
        let history = self.world.said_to_all().len();
        for _ in 0..300 {
            self.world.run_for(millis(50));
            whispered = whispered || self.world.whisper(friend, newcomer, "welcome").is_ok();
            let node = self.world.node(newcomer);
            if node.present() >= all && self.world.shown_count(newcomer) > before + history {
                break;
            }
        }
        let after = self.world.millis() - start;
        self.report.newcomer_millis = Some(after);
        self.report.demand("newcomer, in ms", after as f64, 5_000.0);
    }

    /// Runs until everyone alive and honest has everything, and counts what is missing if that takes too long.
    fn converge(&mut self, limit: Duration) {
        let start = self.world.millis();
        let end = start + limit.as_millis() as u64;
        while self.world.millis() < end && !self.is_converged() {
            self.world.run_for(millis(100));
        }
        if self.is_converged() {
            self.report.convergence_millis = Some(self.world.millis() - start);
        }
        let honest = self.honest();
        for id in self.world.said_to_all() {
            // What nobody alive has, its author took along before anybody heard it.
            let having = honest.iter().filter(|who| self.world.was_shown(**who, &id)).count();
            if having > 0 {
                self.report.missed += (honest.len() - having) as u64;
            }
        }
        let reference = honest.first().map(|who| self.world.order_of(*who)).unwrap_or_default();
        if self.report.missed == 0 {
            let differs = |who: &&Who| self.world.order_of(**who) != reference;
            self.report.disordered += honest.iter().filter(differs).count() as u64;
        }
    }

    fn is_converged(&self) -> bool {
        let honest = self.honest();
        let mut digests = honest.iter().map(|who| self.world.node(*who).log_digest());
        let first = digests.next();
        digests.all(|digest| Some(digest) == first)
    }

    fn finish(mut self) -> Report {
        let living = self.living();
        let degrees: Vec<_> = living
            .iter()
            .map(|who| self.world.node(*who).linked().count())
            .collect();
        let breaches = self.world.breaches();
        let report = &mut self.report;
        report.degree_max = degrees.iter().copied().max().unwrap_or(0);
        report.degree_min = degrees.iter().copied().min().unwrap_or(0);
        report.degree_mean = degrees.iter().sum::<usize>() as f64 / degrees.len().max(1) as f64;
        report.duplicated = breaches.duplicated;
        report.forged = breaches.forged;
        report.disordered += breaches.disordered;
        report.overlinked = breaches.overlinked;
        report.simulated_millis = self.world.millis() - self.started;
        let zero = [
            ("missed", report.missed),
            ("shown twice", report.duplicated),
            ("forged and shown", report.forged),
            ("out of order", report.disordered),
            ("too many links", report.overlinked),
        ];
        for (what, count) in zero {
            report.demand(what, count as f64, 0.0);
        }
        report.demand("links of a node", report.degree_max as f64, LINKS_MAX as f64);
        if report.convergence_millis.is_none() {
            report.demand("convergence", f64::NAN, 0.0);
        }
        self.report
    }
}
