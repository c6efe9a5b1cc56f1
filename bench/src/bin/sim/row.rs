//! A row of the table: all runs of one scenario.

use mesh::sim::{Report, Rounds, Scenario};
use serde_json::json;

use crate::Run;

/// All runs of a scenario.
pub(crate) struct Row {
    scenario: Scenario,
    peers: usize,
    seeds: usize,
    missed: u64,
    duplicated: u64,
    forged: u64,
    disordered: u64,
    untrue: u64,
    blamed: u64,
    degree_max: usize,
    degree_mean: f64,
    one_author: Option<Rounds>,
    many_authors: Option<Rounds>,
    idle_frames: Option<f64>,
    idle_bytes: Option<f64>,
    newcomer: Option<f64>,
    /// The slowest.
    convergence: Option<f64>,
    /// The slowest; infinite if one of them took longer than was watched.
    listed: Option<f64>,
    speed: f64,
}

impl Row {
    pub(crate) fn new(scenario: Scenario, peers: usize, runs: &[Run]) -> Self {
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
        let listed = runs.iter().filter_map(|run| run.report.listed_millis).reduce(f64::max);
        let simulated: u64 = sum(|report| report.simulated_millis);
        Self {
            scenario,
            peers,
            seeds: runs.len(),
            missed: sum(|report| report.missed),
            duplicated: sum(|report| report.duplicated),
            forged: sum(|report| report.forged),
            disordered: sum(|report| report.disordered),
            untrue: sum(|report| report.untrue),
            blamed: sum(|report| report.blamed),
            degree_max: runs.iter().map(|run| run.report.degree_max).max().unwrap_or(0),
            degree_mean: mean(&|report| Some(report.degree_mean)).unwrap_or(0.0),
            one_author: rounds(|report| report.one_author),
            many_authors: rounds(|report| report.many_authors),
            idle_frames: mean(&|report| report.idle_frames_per_minute),
            idle_bytes: mean(&|report| report.idle_bytes_per_second),
            newcomer: mean(&|report| millis(report.newcomer_millis)),
            convergence: millis(convergence),
            listed,
            speed: simulated as f64 / 1_000.0 / runs.iter().map(|run| run.seconds).sum::<f64>(),
        }
    }

    pub(crate) fn head() -> String {
        format!(
            "{:<15}{:>6}{:>6}{:>7}{:>6}{:>7}{:>6}{:>7}{:>7}{:>5}{:>6} {:>13}{:>13}{:>13}{:>8}{:>8}{:>9}{:>8}{:>8}{:>8}",
            "scenario",
            "peers",
            "seeds",
            "missed",
            "twice",
            "forged",
            "order",
            "untrue",
            "blamed",
            "max°",
            "mean°",
            "RMR 1/n",
            "LDH 1/n",
            "last ms 1/n",
            "fr/min",
            "B/s",
            "newc ms",
            "conv s",
            "count s",
            "speed"
        )
    }

    pub(crate) fn text(&self) -> String {
        let both = |of: fn(&Rounds) -> f64, digits: usize| match (&self.one_author, &self.many_authors) {
            (Some(one), Some(many)) => format!("{:.digits$} / {:.digits$}", of(one), of(many)),
            _ => "-".into(),
        };
        let maybe = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.0}"));
        format!(
            "{:<15}{:>6}{:>6}{:>7}{:>6}{:>7}{:>6}{:>7}{:>7}{:>5}{:>6.1} {:>13}{:>13}{:>13}{:>8}{:>8}{:>9}{:>8}{:>8}{:>8.0}",
            self.scenario.name(),
            self.peers,
            self.seeds,
            self.missed,
            self.duplicated,
            self.forged,
            self.disordered,
            self.untrue,
            self.blamed,
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
            match self.listed {
                None => "-".into(),
                Some(millis) if millis.is_finite() => format!("{:.1}", millis / 1_000.0),
                Some(_) => "later".into(),
            },
            self.speed,
        )
    }

    pub(crate) fn json(&self) -> String {
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
            "untrue": self.untrue,
            "blamed": self.blamed,
            "degree_max": self.degree_max,
            "degree_mean": self.degree_mean,
            "one_author": rounds(&self.one_author),
            "many_authors": rounds(&self.many_authors),
            "idle_frames_per_minute": self.idle_frames,
            "idle_bytes_per_second": self.idle_bytes,
            "newcomer_millis": self.newcomer,
            "convergence_millis_max": self.convergence,
            "listed_millis_max": self.listed,
            "speed": self.speed,
        })
        .to_string()
    }
}

fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
