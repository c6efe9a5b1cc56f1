//! `cargo xtask sim`: rooms in virtual time, in which things go wrong.
//!
//! Prints a row a scenario over all its seeds and fails if a bound was broken, with the command that replays the seed.

#![expect(clippy::print_stdout, reason = "a command-line program talks on standard output")]

mod row;

use std::{
    num::ParseIntError,
    ops::Range,
    process::ExitCode,
    str::FromStr,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::Parser;
use mesh::sim::{LinkDigest, Report, Scenario};
use rustix::time::{ClockId, clock_gettime};

use row::Row;

#[derive(Debug, Parser)]
#[command(about = "Simulate rooms, with faults")]
struct Args {
    /// Only this scenario; without it, all of them
    #[arg(long)]
    scenario: Option<Named>,
    /// How many people are in the room
    #[arg(long, default_value_t = 60)]
    peers: usize,
    /// From the first seed to below the second
    #[arg(long, default_value = "1..11")]
    seeds: Seeds,
    /// How many runs at the same time; the speed is that of one core
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Print for each run a digest of every message on every directed link instead: two builds that do the same agree
    #[arg(long)]
    digest: bool,
    /// Print a JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy)]
struct Named(Scenario);

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Scenario::all().find(|scenario| scenario.name() == text);
        found.map(Self).ok_or_else(|| {
            let names: Vec<_> = Scenario::all().map(|scenario| scenario.name()).collect();
            format!("choose one of {}", names.join(", "))
        })
    }
}

#[derive(Debug, Clone)]
struct Seeds(Range<u64>);

impl FromStr for Seeds {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (first, end) = text.split_once("..").unwrap_or((text, ""));
        let first = first.parse()?;
        let end = if end.is_empty() { first + 1 } else { end.parse()? };
        Ok(Self(first..end))
    }
}

/// One run.
struct Run {
    seed: u64,
    report: Report,
    /// Of processor time.
    seconds: f64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let scenarios = match args.scenario {
        Some(Named(scenario)) => vec![scenario],
        None => Scenario::USUAL.to_vec(),
    };
    if !args.json && !args.digest {
        println!("{}", Row::head());
    }
    let mut broken = Vec::new();
    for scenario in scenarios {
        let runs = run_all(scenario, &args);
        let row = Row::new(scenario, args.peers, &runs);
        if args.digest {
            for Run { seed, report, .. } in &runs {
                println!("{} {} {seed} {}", scenario.name(), args.peers, report.digest);
            }
        } else {
            println!("{}", if args.json { row.json() } else { row.text() });
        }
        for run in &runs {
            for bound in &run.report.broken {
                broken.push(format!(
                    "{}: {} is {:.2}, the most is {:.2}; replay with: cargo xtask sim --scenario {0} --peers {} --seeds {}",
                    scenario.name(),
                    bound.what,
                    bound.measured,
                    bound.most,
                    args.peers,
                    run.seed
                ));
            }
        }
    }
    for line in &broken {
        println!("{line}");
    }
    if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run_all(scenario: Scenario, args: &Args) -> Vec<Run> {
    let digest = if args.digest {
        LinkDigest::Taken
    } else {
        LinkDigest::Omitted
    };
    let (next, runs) = (AtomicU64::new(args.seeds.0.start), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..args.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= args.seeds.0.end {
                        return;
                    }
                    let start = processor_time();
                    let report = mesh::sim::run(scenario, args.peers, seed, digest);
                    let seconds = (processor_time() - start).as_secs_f64();
                    let run = Run { seed, report, seconds };
                    runs.lock().expect("no run panics while it holds the list").push(run);
                }
            });
        }
    });
    let mut runs = runs.into_inner().expect("no run panics while it holds the list");
    runs.sort_by_key(|run| run.seed);
    runs
}

/// How long this thread has had a core.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("processor time is never negative")
}
