//! Our nodes, in the world of [`mesh::sim`].

use std::time::Duration;

use bench::spread::{Authors, Graph, Report, SETTLE_MILLIS, TEXT_BYTES, WARM_UP_ROUNDS, author, latency_millis};
use mesh::sim::{Plan, run_steady};

/// Spreads the rounds of one seed.
pub(crate) fn run(nodes: usize, authors: Authors, seed: u64) -> (Report, Graph) {
    let room = run_steady(Plan {
        people: nodes,
        seed,
        latency: latency_millis,
        settle: Duration::from_millis(SETTLE_MILLIS),
        author: |round| author(nodes, authors, seed, round),
        warm_up: WARM_UP_ROUNDS,
        text_bytes: TEXT_BYTES,
    });
    let report = Report {
        rmr: room.rounds.rmr,
        ldh_mean: room.rounds.ldh,
        ldh_max: room.rounds.ldh_max,
        last_node_millis_mean: room.rounds.last_node_millis,
        missed: room.rounds.missed,
        bytes: Some(room.bytes),
    };
    (report, room.graph)
}
