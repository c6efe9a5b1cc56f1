//! Somebody comes back to a room that has gone on: how long it takes until they have what they missed, who gives it to them, and how messages
//! of the moment fare meanwhile.

use std::time::Duration;

use super::{
    meeting::History,
    world::{Latency, Who, World, pair_latency, seconds},
};
use crate::{
    config::Keeps,
    room::log::feed_of,
    wire::{entry::Entry, record::Record, stored::Key},
};

/// How somebody comes back.
#[derive(Debug, Clone, Copy)]
pub struct Return {
    /// How many others there are.
    pub peers: usize,
    /// How many entries there are in the room.
    pub entries: u64,
    /// How many of them, the last ones, were missed.
    pub missed: usize,
    /// Whatever is drawn is drawn by this.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Returned {
    /// From the start of the program until all that was missed is there.
    pub after: Duration,
    /// The bytes that the neighbor sent who sent most, with whatever else it sent to anybody meanwhile: as many times its share of what was missed.
    pub most_of_share: f64,
    /// The mean time of a message of the moment until all have it, beside the same before anybody came back.
    pub live_ratio: f64,
}

/// How many messages are said before, and while somebody comes back.
// No limit: a number of samples.
const SAID: usize = 20;

/// Has somebody come back.
#[must_use]
pub fn come_back(plan: Return) -> Returned {
    let history = History::new(50, plan.entries / 50);
    let records: Vec<_> = history.records().map(stored).collect();
    let mut world = World::large(plan.seed);
    world.disks = true;
    world.keeps = Keeps {
        entries_max: records.len() * 2,
        bytes_max: 256 << 20,
        ..Keeps::default()
    };
    world.latency = Latency::Fixed {
        seed: plan.seed,
        of: pair_latency,
    };
    let who: Vec<Who> = (0..=plan.peers)
        .map(|number| world.add(&format!("P{number}")))
        .collect();
    let (away, others) = (who[0], &who[1..]);
    for one in &who {
        let known = if *one == away {
            records.len() - plan.missed
        } else {
            records.len()
        };
        world.close_tab(*one);
        world.machines[*one].disk.records = records[..known].iter().cloned().collect();
        if *one != away {
            world.restart(*one);
        }
    }
    world.run_until(seconds(60), "all the others here", |world| world.all_here(others));
    world.run_for(seconds(20));
    let before = live(&mut world, others, SAID);

    let sent_before: Vec<_> = others.iter().map(|one| world.machines[*one].bytes).collect();
    let start = world.now_of(away).instant;
    world.restart(away);
    let mut during = Vec::new();
    let mut after = None;
    while after.is_none() || during.len() < SAID {
        during.extend(live(&mut world, others, 1));
        if after.is_none() && world.node(away).log_digest() == world.node(others[0]).log_digest() {
            after = Some(world.now_of(away).instant.since(start));
        }
        assert!(during.len() < 600, "what was missed does not come");
    }
    let missed_bytes: usize = history
        .records()
        .skip(records.len() - plan.missed)
        .map(<[u8]>::len)
        .sum();
    let sent = others
        .iter()
        .zip(sent_before)
        .map(|(one, before)| world.machines[*one].bytes - before);
    let neighbors = world.node(away).linked().count().max(1);
    let share = missed_bytes as f64 / neighbors as f64;
    Returned {
        after: after.unwrap_or_default(),
        most_of_share: sent.max().unwrap_or(0) as f64 / share,
        live_ratio: mean(&during) / mean(&before),
    }
}

/// Somebody says something, again and again: how many milliseconds each time until all have it.
fn live(world: &mut World, who: &[Who], times: usize) -> Vec<f64> {
    let mut taken = Vec::new();
    for time in 0..times {
        let author = who[time % who.len()];
        world.trace.restart();
        world.say(author, "of the moment");
        let took = world.run_until(seconds(30), "all have it", |world| world.trace.count() >= who.len());
        taken.push(took.as_secs_f64() * 1_000.0);
        world.run_for(Duration::from_millis(100));
    }
    taken
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// An entry as a machine keeps it.
fn stored(wire: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let record = Record::<Entry>::recall(wire).unwrap();
    let feed = feed_of(&record);
    let change = Key::Entry {
        feed,
        seq: record.content.seq,
    }
    .keep_bytes(wire);
    (change.key, change.value.unwrap().to_vec())
}
