//! The stories of members who do not keep to the rules.

use shared::limits::LINKS_MAX;

use super::Story;
use crate::{
    config::{PERSON_SHARE, SIM_CONVERGENCE_MAX},
    sim::{
        body::Body,
        world::{misbehave::Trait, seconds},
    },
};

impl<B: Body> Story<B> {
    pub(super) fn misbehaving(&mut self) {
        self.gather();
        let usual = self.mean_delay(10);
        let first = self.draw(Trait::ALL.len());
        for number in 0..self.people / 10 {
            let of = Trait::ALL[(first + number) % Trait::ALL.len()];
            self.world.corrupt(number * 10, of);
        }
        let delay = self.mean_delay(30);
        self.report.demand("delay, times the usual one", delay / usual, 3.0);
        self.converge(SIM_CONVERGENCE_MAX);
    }

    pub(super) fn ghost_tree(&mut self) {
        self.gather();
        self.world.run_for(seconds(10));
        let usual = self.delivered_to_all();
        let share = LINKS_MAX.max(self.people / PERSON_SHARE);
        self.world.corrupt(0, Trait::GhostTree);
        self.world.run_for(seconds(60));
        let made = self.world.connections_made();
        let with_ghosts = self.delivered_to_all();
        let of = with_ghosts.of.saturating_sub(usual.of);
        self.report
            .demand("made-up people that are counted", f64::from(of), share as f64);
        let times = with_ghosts.millis / usual.millis;
        self.report
            .demand("time until delivered, times the usual one", times, 3.0);
        self.world.run_for(seconds(60));
        let made = self.world.connections_made() - made;
        self.report
            .demand("connections for each person", made as f64 / self.people as f64, 2.0);
        self.converge(SIM_CONVERGENCE_MAX);
    }

    pub(super) fn flood(&mut self) {
        self.gather();
        let usual = self.mean_delay(10);
        self.world.corrupt(0, Trait::Fills);
        let sent = |story: &Self| -> Vec<u64> { story.world.machines.iter().map(|machine| machine.bytes).collect() };
        let before = sent(self);
        let messages = 30;
        let mut delay = 0.0;
        for _ in 0..messages {
            delay += self.mean_delay(1) / f64::from(messages);
            self.world.run_for(seconds(19));
        }
        let after = sent(self);
        let mut sent = after.iter().zip(before).map(|(after, before)| (after - before) as f64);
        let flood = sent.next().expect("invariant: there is a first");
        let most = sent.fold(0.0, f64::max);
        self.report
            .demand("bytes of a node, times the flood's", most / flood, 5.0);
        self.report.demand("delay, times the usual one", delay / usual, 3.0);
        // Who comes now gets what was said, from what the others have kept.
        self.come(1, seconds(1));
        self.converge(SIM_CONVERGENCE_MAX);
    }
}
