//! Our nodes, in the world of [`mesh::sim`].

use std::{cell::RefCell, collections::BTreeMap};

use bench::spread::{Authors, Graph, Report, latency_millis};
use mesh::sim::{Rounds, Steady, run_steady};

thread_local! {
    /// One room serves both kinds of rounds.
    static ROOMS: RefCell<BTreeMap<(usize, u64), Steady>> = const { RefCell::new(BTreeMap::new()) };
}

/// Spreads the rounds of one seed.
pub(crate) fn run(nodes: usize, authors: Authors, seed: u64) -> (Report, Graph) {
    ROOMS.with(|rooms| {
        let mut rooms = rooms.borrow_mut();
        let room = rooms
            .entry((nodes, seed))
            .or_insert_with(|| run_steady(nodes, seed, latency_millis));
        let rounds = match authors {
            Authors::One => &room.one_author,
            Authors::Many => &room.many_authors,
        };
        (report(rounds), room.graph.clone())
    })
}

fn report(rounds: &Rounds) -> Report {
    Report {
        rmr: rounds.rmr,
        ldh_mean: rounds.ldh,
        ldh_max: rounds.ldh_max,
        last_node_millis_mean: rounds.last_node_millis,
        missed: rounds.missed,
    }
}
