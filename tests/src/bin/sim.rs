//! `cargo xtask sim`: rooms in virtual time, and what becomes of them when things go wrong.
//!
//! Prints a row a scenario over all its seeds and fails if a bound was broken, with the command that replays the seed.

#![expect(clippy::print_stdout, reason = "a command-line program talks on standard output")]

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
use mesh::sim::{LinkDigest, Report, Rounds, Scenario};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

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
        let found = Scenario::ALL.into_iter().find(|scenario| scenario.name() == text);
        found.map(Self).ok_or_else(|| {
            let names: Vec<_> = Scenario::ALL.iter().map(|scenario| scenario.name()).collect();
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
        None => Scenario::ALL.to_vec(),
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

/// All runs of a scenario.
struct Row {
    scenario: Scenario,
    peers: usize,
    seeds: usize,
    missed: u64,
    duplicated: u64,
    forged: u64,
    disordered: u64,
    degree_max: usize,
    degree_mean: f64,
    one_author: Option<Rounds>,
    many_authors: Option<Rounds>,
    idle_frames: Option<f64>,
    idle_bytes: Option<f64>,
    newcomer: Option<f64>,
    /// The slowest.
    convergence: Option<f64>,
    speed: f64,
}

impl Row {
    fn new(scenario: Scenario, peers: usize, runs: &[Run]) -> Self {
        let sum = |of: fn(&Report) -> u64| runs.iter().map(|run| of(&run.report)).sum();
        let mean = |of: &dyn Fn(&Report) -> Option<f64>| {
            let values: Vec<_> = runs.iter().filter_map(|run| of(&run.report)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / count(values.len()))
        };
        let rounds = |of: fn(&Report) -> Option<Rounds>| {
            Some(Rounds {
                rmr: mean(&|report| of(report).map(|rounds| rounds.rmr))?,
                ldh: mean(&|report| of(report).map(|rounds| rounds.ldh))?,
                last_node_millis: mean(&|report| of(report).map(|rounds| rounds.last_node_millis))?,
                ldh_max: runs
                    .iter()
                    .filter_map(|run| of(&run.report))
                    .map(|rounds| rounds.ldh_max)
                    .max()?,
                missed: runs
                    .iter()
                    .filter_map(|run| of(&run.report))
                    .map(|rounds| rounds.missed)
                    .sum(),
            })
        };
        let millis = |value: Option<u64>| value.map(|value| value as f64);
        let convergence = runs.iter().filter_map(|run| run.report.convergence_millis).max();
        let simulated: u64 = sum(|report| report.simulated_millis);
        Self {
            scenario,
            peers,
            seeds: runs.len(),
            missed: sum(|report| report.missed),
            duplicated: sum(|report| report.duplicated),
            forged: sum(|report| report.forged),
            disordered: sum(|report| report.disordered),
            degree_max: runs.iter().map(|run| run.report.degree_max).max().unwrap_or(0),
            degree_mean: mean(&|report| Some(report.degree_mean)).unwrap_or(0.0),
            one_author: rounds(|report| report.one_author),
            many_authors: rounds(|report| report.many_authors),
            idle_frames: mean(&|report| report.idle_frames_per_minute),
            idle_bytes: mean(&|report| report.idle_bytes_per_second),
            newcomer: mean(&|report| millis(report.newcomer_millis)),
            convergence: millis(convergence),
            speed: simulated as f64 / 1_000.0 / runs.iter().map(|run| run.seconds).sum::<f64>(),
        }
    }

    fn head() -> String {
        format!(
            "{:<15}{:>6}{:>6}{:>7}{:>6}{:>7}{:>6}{:>5}{:>6} {:>13}{:>13}{:>13}{:>8}{:>8}{:>9}{:>8}{:>8}",
            "scenario",
            "peers",
            "seeds",
            "missed",
            "twice",
            "forged",
            "order",
            "max°",
            "mean°",
            "RMR 1/n",
            "LDH 1/n",
            "last ms 1/n",
            "fr/min",
            "B/s",
            "newc ms",
            "conv s",
            "speed"
        )
    }

    fn text(&self) -> String {
        let both = |of: fn(&Rounds) -> f64, digits: usize| match (&self.one_author, &self.many_authors) {
            (Some(one), Some(many)) => format!("{:.digits$} / {:.digits$}", of(one), of(many)),
            _ => "-".into(),
        };
        let maybe = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.0}"));
        format!(
            "{:<15}{:>6}{:>6}{:>7}{:>6}{:>7}{:>6}{:>5}{:>6.1} {:>13}{:>13}{:>13}{:>8}{:>8}{:>9}{:>8}{:>8.0}",
            self.scenario.name(),
            self.peers,
            self.seeds,
            self.missed,
            self.duplicated,
            self.forged,
            self.disordered,
            self.degree_max,
            self.degree_mean,
            both(|rounds| rounds.rmr, 3),
            both(|rounds| rounds.ldh, 1),
            both(|rounds| rounds.last_node_millis, 0),
            maybe(self.idle_frames),
            maybe(self.idle_bytes),
            maybe(self.newcomer),
            self.convergence
                .map_or_else(|| "never".into(), |millis| format!("{:.1}", millis / 1_000.0)),
            self.speed,
        )
    }

    fn json(&self) -> String {
        let rounds = |rounds: &Option<Rounds>| {
            rounds.as_ref().map(|rounds| {
                json!({
                    "rmr": rounds.rmr,
                    "ldh": rounds.ldh,
                    "last_node_millis": rounds.last_node_millis,
                })
            })
        };
        json!({
            "scenario": self.scenario.name(),
            "peers": self.peers,
            "seeds": self.seeds,
            "missed": self.missed,
            "duplicated": self.duplicated,
            "forged": self.forged,
            "disordered": self.disordered,
            "degree_max": self.degree_max,
            "degree_mean": self.degree_mean,
            "one_author": rounds(&self.one_author),
            "many_authors": rounds(&self.many_authors),
            "idle_frames_per_minute": self.idle_frames,
            "idle_bytes_per_second": self.idle_bytes,
            "newcomer_millis": self.newcomer,
            "convergence_millis_max": self.convergence,
            "speed": self.speed,
        })
        .to_string()
    }
}

fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
