//! Our broadcast beside that of the crate `iroh-gossip` and plain flooding, over the same links in virtual time.
//!
//! [`bench::spread`] says what is measured, and over which links. The same seeds give the same figures, on any machine.
//!
//! `cargo xtask bench mesh` builds what it needs. Ends with an error when a bound is broken.

#![expect(clippy::print_stdout, reason = "a program for the command line")]

mod iroh;
mod ours;

use std::process::ExitCode;

use bench::spread::{
    Authors, Graph, Report, Run, SEEDS, flood,
    table::{self, Row},
};
use clap::Parser;

/// How many there are in a room.
const NODES: [usize; 2] = [100, 1_000];

/// Compares broadcasts.
#[derive(Debug, Parser)]
struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut rows = Vec::new();
    for nodes in NODES {
        for authors in [Authors::One, Authors::Many] {
            rows.push(compare(nodes, authors));
        }
    }
    if args.json {
        println!("{}", table::to_json(&rows));
    } else {
        println!("{}", table::text(&rows));
    }
    if table::broken(&rows).is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn compare(nodes: usize, authors: Authors) -> Row {
    let (iroh, _) = measure(iroh::run, nodes, authors);
    let (ours, graphs) = measure(ours::run, nodes, authors);
    let floods: Vec<Report> = SEEDS
        .zip(&graphs)
        .map(|(seed, graph)| flood::report(graph, authors, seed))
        .collect();
    Row {
        nodes,
        authors,
        iroh,
        ours,
        flood: Report::mean(&floods),
    }
}

/// The mean over the seeds, and each seed's graph.
fn measure(run: Run, nodes: usize, authors: Authors) -> (Report, Vec<Graph>) {
    let (reports, graphs): (Vec<Report>, Vec<Graph>) = SEEDS.map(|seed| run(nodes, authors, seed)).unzip();
    (Report::mean(&reports), graphs)
}
