//! What the stories are made of: people come, talk and rest, links are hurt, and at the end it is counted what is missing.

use std::time::Duration;

use shared::{PeerId, limits::LINKS_MAX};

use super::Story;
use crate::{
    config::{LINKS_MIN, SIM_CONVERGENCE_MAX, SIM_DELIVERED_MAX, SIM_LISTED_MAX, SIM_REST, SIM_ROUNDS, SIM_SKEW},
    model::PersonState,
    room::presence::interval,
    sim::{
        body::Body,
        report::{Report, Rounds},
        world::{Simulation, Who, millis, misbehave::Trait, seconds},
    },
};

/// What an author was told.
pub(super) struct Delivered {
    pub(super) of: u32,
    /// Until it was with everyone honest.
    pub(super) millis: f64,
}

impl<B: Body> Story<B> {
    pub(super) fn draw(&mut self, below: usize) -> usize {
        self.world.draw(below as u64) as usize
    }

    /// All come one after the other, and settle.
    pub(super) fn gather(&mut self) {
        self.come(self.people, millis(20));
        self.settle();
    }

    pub(super) fn come(&mut self, count: usize, pause: Duration) {
        for _ in 0..count {
            let number = self.world.machines.len();
            self.world.add(&format!("p{number}"));
            self.world.run_for(pause);
        }
    }

    pub(super) fn skew_some(&mut self) {
        for who in 0..self.people {
            if self.draw(5) == 0 {
                let most = SIM_SKEW.as_millis() as u64;
                let off = self.world.draw(2 * most);
                self.world.set_skew(who, off as i64 - most as i64);
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

    pub(super) fn say(&mut self, who: Who) {
        self.say_more(who, "");
    }

    fn say_more(&mut self, who: Who, padding: &str) {
        self.said += 1;
        let text = format!("message {}{padding}", self.said);
        // Too fast is the only refusal there can be, and as good as not having said it.
        let _ = self.world.try_say(who, &text);
    }

    pub(super) fn somebody_says(&mut self) {
        let honest = self.honest();
        let author = honest[self.draw(honest.len())];
        self.say(author);
    }

    pub(super) fn hurt_a_link(&mut self, who: Who) {
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
    pub(super) fn settle(&mut self) {
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
    pub(super) fn talk(&mut self) -> (Rounds, Rounds) {
        self.world.run_for(seconds(30));
        let author = self.draw(self.people);
        for _ in 0..10 {
            self.round(author, "");
        }
        let one = self.rounds(|_| author, "");
        let drawn: Vec<_> = (0..SIM_ROUNDS).map(|_| self.draw(self.people)).collect();
        let many = self.rounds(|round| drawn[round], "");
        (one, many)
    }

    /// So many rounds of these authors.
    pub(super) fn rounds(&mut self, author: impl Fn(usize) -> Who, padding: &str) -> Rounds {
        let mut sum = Rounds::default();
        let count = SIM_ROUNDS as usize;
        for number in 0..count {
            let round = self.round(author(number), padding);
            sum.rmr += round.rmr / count as f64;
            sum.ldh += round.ldh / count as f64;
            sum.ldh_max = sum.ldh_max.max(round.ldh_max);
            sum.missed += round.missed;
            sum.last_node_millis += round.last_node_millis / count as f64;
        }
        sum
    }

    /// One message, until everyone has it.
    pub(super) fn round(&mut self, author: Who, padding: &str) -> Rounds {
        let received = |story: &Self| -> u64 {
            let nodes = story
                .world
                .machines
                .iter()
                .map(|machine| machine.body.node().counters());
            nodes.map(|counters| counters.entries_broadcast).sum()
        };
        let (before, start) = (received(self), self.world.millis());
        self.world.trace.restart();
        self.say_more(author, padding);
        let everyone = self.living().len();
        for _ in 0..1_000 {
            self.world.run_for(millis(10));
            if self.world.trace.count() == everyone {
                break;
            }
        }
        let missed = everyone - self.world.trace.count();
        let last = if missed == 0 {
            self.world.trace.last_millis - start
        } else {
            10_000
        };
        // What is still under way counts too.
        self.world.run_for(millis(1_000));
        let (needed, hops) = (everyone as f64 - 1.0, self.world.trace.hops_max());
        Rounds {
            rmr: (received(self) - before) as f64 / needed - 1.0,
            ldh: f64::from(hops),
            ldh_max: hops,
            missed: missed as u64,
            last_node_millis: last as f64,
        }
    }

    /// From the say until everyone honest is shown it, in milliseconds: the mean of so many messages.
    pub(super) fn mean_delay(&mut self, messages: u32) -> f64 {
        let mut sum = 0.0;
        for _ in 0..messages {
            self.somebody_says();
            let start = self.world.millis();
            let said = self.world.said_to_all();
            let honest = self.honest();
            let is_shown = |story: &Self| {
                let last = said.last();
                last.is_none_or(|id| honest.iter().all(|who| story.world.was_shown(*who, id)))
            };
            while !is_shown(self) && self.world.millis() < start + SIM_CONVERGENCE_MAX.as_millis() as u64 {
                self.world.run_for(millis(10));
            }
            let delay = self.world.millis() - start;
            sum += delay as f64;
            self.world.run_for(seconds(1).saturating_sub(millis(delay)));
        }
        sum / f64::from(messages)
    }

    /// Somebody says something: how long until they are told that it is with everyone honest, and how many it is meant for.
    pub(super) fn delivered_to_all(&mut self) -> Delivered {
        let honest = self.honest();
        let author = honest[self.draw(honest.len())];
        let start = self.world.millis();
        self.say(author);
        let id = self.world.said_to_all().pop();
        let needed = honest.len() as u32 - 1;
        loop {
            let told = id.and_then(|id| self.world.told_of(&id));
            let (delivered, of) = told.unwrap_or_default();
            if delivered >= needed || self.world.millis() > start + SIM_DELIVERED_MAX.as_millis() as u64 {
                let millis = (self.world.millis() - start) as f64;
                return Delivered { of, millis };
            }
            self.world.run_for(millis(100));
        }
    }

    /// What all nodes send for each message of so many bytes and each node that gets it, while one a second is said for a minute.
    pub(super) fn load(&mut self, author: impl Fn(usize) -> Who, padding: &str) -> f64 {
        let sent = |story: &Self| -> u64 { story.world.machines.iter().map(|machine| machine.bytes).sum() };
        let mut before = 0;
        // The first ten seconds do not count: at their end as much is acknowledged as is said.
        for second in 0..70 {
            if second == 10 {
                before = sent(self);
            }
            self.say_more(author(second), padding);
            self.world.run_for(seconds(1));
        }
        (sent(self) - before) as f64 / 60.0 / (self.people as f64 - 1.0)
    }

    /// What it costs to do nothing, once what was said is acknowledged no more: each node does that in two beacons.
    pub(super) fn rest(&mut self) {
        self.world.run_for(interval(self.people) * 2);
        let sent = |story: &Self| {
            let machines = story.world.machines.iter();
            machines.fold((0, 0), |(frames, bytes), machine| {
                (frames + machine.frames, bytes + machine.bytes)
            })
        };
        let (frames, bytes) = sent(self);
        self.world.run_for(SIM_REST);
        let (frames, bytes) = (sent(self).0 - frames, sent(self).1 - bytes);
        let people = self.people as f64;
        self.report.idle_frames_per_minute = Some(frames as f64 / people / (SIM_REST.as_secs_f64() / 60.0));
        // What one sends another receives.
        let cost = 2.0 * bytes as f64 / people / SIM_REST.as_secs_f64();
        self.report.idle_bytes_per_second = Some(cost);
        if self.people >= 1_000 {
            self.report.demand("idle bytes a second", cost, 2_048.0);
        }
    }

    /// Somebody comes: how long until they know everyone, and can be whispered to.
    pub(super) fn newcomer(&mut self) {
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
    pub(super) fn converge(&mut self, limit: Duration) {
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
    }

    /// Runs until each of those left shows exactly those left as here, which is counted from `since`.
    pub(super) fn count_right(&mut self, since: u64) {
        let living = self.living();
        let alive: Vec<_> = (0..self.people).map(|who| living.contains(&who)).collect();
        while self.world.millis() < since + SIM_LISTED_MAX.as_millis() as u64 {
            if living.iter().all(|one| counts_right(&self.world, *one, &alive)) {
                self.report.listed_millis = Some((self.world.millis() - since) as f64);
                return;
            }
            self.world.run_for(millis(100));
        }
        self.report.listed_millis = Some(f64::INFINITY);
    }

    /// Whether everyone has the same; or, where somebody says different things to different people without end, at least all of what the honest said.
    fn is_converged(&self) -> bool {
        let honest = self.honest();
        let endless = [Trait::Equivocates, Trait::FloodsAsAnother, Trait::Fills];
        if endless.into_iter().any(|of| self.world.has(of)) {
            let said = self.world.said_to_all();
            return said.iter().all(|id| {
                let having = honest.iter().filter(|who| self.world.was_shown(**who, id)).count();
                having == 0 || having == honest.len()
            });
        }
        let mut digests = honest.iter().map(|who| self.world.node(*who).log_digest());
        let first = digests.next();
        digests.all(|digest| Some(digest) == first)
    }

    pub(super) fn finish(mut self) -> Report {
        let living = self.living();
        let degrees: Vec<_> = living
            .iter()
            .map(|who| self.world.node(*who).linked().count())
            .collect();
        let breaches = self.world.breaches();
        let report = &mut self.report;
        report.digest = self.world.digest();
        report.degree_max = degrees.iter().copied().max().unwrap_or(0);
        report.degree_min = degrees.iter().copied().min().unwrap_or(0);
        report.degree_mean = degrees.iter().sum::<usize>() as f64 / degrees.len().max(1) as f64;
        report.duplicated = breaches.duplicated;
        report.forged = breaches.forged;
        report.disordered += breaches.disordered;
        (report.untrue, report.blamed) = (breaches.untrue, breaches.blamed);
        report.overlinked = breaches.overlinked;
        report.simulated_millis = self.world.millis() - self.started;
        let zero = [
            ("missed", report.missed),
            ("shown twice", report.duplicated),
            ("forged and shown", report.forged),
            ("out of order", report.disordered),
            ("delivered, it was said, and was not", report.untrue),
            ("honest people blamed", report.blamed),
            ("too many links", report.overlinked),
        ];
        for (what, count) in zero {
            report.demand(what, count as f64, 0.0);
        }
        report.demand("links of a node", report.degree_max as f64, LINKS_MAX as f64);
        if self.counts {
            let listed = report.listed_millis.unwrap_or(f64::INFINITY);
            report.demand("milliseconds to count right", listed, SIM_LISTED_MAX.as_millis() as f64);
        }
        if report.convergence_millis.is_none() {
            report.demand("convergence", f64::NAN, 0.0);
        }
        self.report
    }
}

/// Whether `one` shows exactly those as here who are alive.
fn counts_right<B: Body>(world: &Simulation<B>, one: Who, alive: &[bool]) -> bool {
    let is_here = |other: Who| world.node(one).state_of(&world.id(other)) == Some(PersonState::Here);
    (0..alive.len()).all(|other| other == one || is_here(other) == alive[other])
}
