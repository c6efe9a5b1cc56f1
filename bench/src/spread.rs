//! How a message spreads over many nodes: the links, the rounds and the measures, the same for whatever protocol spreads it.
//!
//! After Leitão, Pereira and Rodrigues, *Epidemic Broadcast Trees* (SRDS 2007), section 4: *relative message redundancy* (RMR),
//! payloads received for each node that needs one, less the one that it needs; and *last delivery hop* (LDH), the links that a
//! message crossed to the node farthest from its author. To these we add the time until the last node has it.
//!
//! Everything is drawn from a seed by hashing, never from a sequence: the latency of a link and the author of a round do not
//! depend on what a protocol asked before, so that two protocols with one seed meet the same links and authors.
//!
//! Assumed: links lose nothing, keep the order and do not fill up, and nodes think in no time.

pub mod flood;
pub mod table;

use std::ops::RangeInclusive;

/// Figures are the mean over these.
pub const SEEDS: RangeInclusive<u64> = 1..=4;

/// One way over a link, in milliseconds.
pub const LATENCY_MILLIS: RangeInclusive<u64> = 10..=50;

/// From the last node's joining to the first round, in milliseconds.
pub const SETTLE_MILLIS: u64 = 30_000;

/// Rounds that are not counted, in which a protocol finds its paths.
pub const WARM_UP_ROUNDS: usize = 10;

/// Rounds that are counted.
pub const MEASURED_ROUNDS: usize = 30;

/// A round that takes longer, in milliseconds, has missed someone.
pub const ROUND_MILLIS_MAX: u64 = 10_000;

/// The length of each message, in bytes.
pub const TEXT_BYTES: usize = 1_024;

/// For so long one message a second is said before bytes are counted, and while they are, in seconds.
pub const LOAD_SECONDS: (usize, usize) = (10, 60);

/// From the last delivery of a round to the next round, in milliseconds: people do not write the moment that everyone has read.
/// Longer than a round trip, so that late payloads count in the round that they belong to.
pub const PAUSE_MILLIS: u64 = 1_000;

/// The neighbors of each node.
pub type Graph = Vec<Vec<usize>>;

/// Spreads the rounds of one seed over so many nodes, and tells the graph that there was after the last of them.
pub type Run = fn(nodes: usize, authors: Authors, seed: u64) -> (Report, Graph);

/// The authors of the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authors {
    /// The same node in all rounds.
    One,
    /// A random node in each round.
    Many,
}

/// The measures of some rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Payloads received, for each node that needs one, less one: 0 is the best.
    pub rmr: f64,
    /// Links to the farthest node, in the mean of the rounds.
    pub ldh_mean: f64,
    /// Links to the farthest node, in the worst round.
    pub ldh_max: u32,
    /// Milliseconds until the last node has it, in the mean of the rounds; a round that missed someone counts as
    /// [`ROUND_MILLIS_MAX`].
    pub last_node_millis_mean: f64,
    /// Nodes that a round did not reach in time, over all rounds.
    pub missed: u64,
    /// Bytes of all messages that all nodes send for each message said and each node that gets it, with one said in a second; `None` where
    /// that was not measured.
    pub bytes: Option<f64>,
}

/// One message on its way.
#[derive(Debug, Clone)]
pub struct Round {
    start_millis: u64,
    last_millis: u64,
    payloads: u64,
    /// Links from the author, of the nodes that have the message.
    hops: Vec<Option<u32>>,
    missing: usize,
}

/// Milliseconds from `one` to `other` and back again the same, uniform over [`LATENCY_MILLIS`].
#[must_use]
pub fn latency_millis(seed: u64, one: usize, other: usize) -> u64 {
    let span = LATENCY_MILLIS.end() - LATENCY_MILLIS.start() + 1;
    LATENCY_MILLIS.start() + hash([seed, 1, one.min(other) as u64, one.max(other) as u64]) % span
}

/// The author of a round. Rounds are counted from the first of the warm-up.
#[must_use]
pub fn author(nodes: usize, authors: Authors, seed: u64, round: usize) -> usize {
    let round = match authors {
        Authors::One => 0,
        Authors::Many => round as u64 + 1,
    };
    pick(nodes, [seed, 2, round, 0])
}

/// The node through which a new one joins: any of the `nodes` that are there already.
#[must_use]
pub fn contact(nodes: usize, seed: u64) -> usize {
    pick(nodes, [seed, 3, nodes as u64, 0])
}

/// A seed for a node's own choices.
#[must_use]
pub fn node_seed(seed: u64, node: usize) -> u64 {
    hash([seed, 4, node as u64, 0])
}

fn pick(nodes: usize, words: [u64; 4]) -> usize {
    usize::try_from(hash(words) % nodes as u64).expect("less than `nodes`")
}

/// Mixes words as the generator SplitMix64 does its state: each bit of them decides about each bit of the result.
fn hash(words: [u64; 4]) -> u64 {
    words.into_iter().fold(0, |state, word| {
        let mut mixed = (state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

impl Round {
    /// A message that `author` has just written.
    #[must_use]
    pub fn new(nodes: usize, author: usize, now_millis: u64) -> Self {
        let mut hops = vec![None; nodes];
        hops[author] = Some(0);
        Self {
            start_millis: now_millis,
            last_millis: now_millis,
            payloads: 0,
            hops,
            missing: nodes - 1,
        }
    }

    /// Notes that a payload reached a node, whether or not it had it.
    pub fn payload_received(&mut self) {
        self.payloads += 1;
    }

    /// Notes that `node` has the message, from its neighbor `from`. Only the first time counts.
    ///
    /// # Panics
    /// When `from` does not have the message.
    pub fn delivered(&mut self, node: usize, from: usize, now_millis: u64) {
        if self.hops[node].is_none() {
            let before = self.hops[from].expect("a node hands on what it has");
            self.hops[node] = Some(before + 1);
            self.missing -= 1;
            self.last_millis = now_millis;
        }
    }

    /// Whether every node has the message.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing == 0
    }

    fn last_node_millis(&self) -> u64 {
        if self.is_complete() {
            self.last_millis - self.start_millis
        } else {
            ROUND_MILLIS_MAX
        }
    }

    fn last_delivery_hop(&self) -> u32 {
        self.hops.iter().copied().flatten().max().unwrap_or(0)
    }

    fn redundancy(&self) -> f64 {
        let needed = self.hops.len() - 1;
        self.payloads as f64 / needed as f64 - 1.0
    }
}

impl Report {
    /// The measures of one seed's rounds.
    #[must_use]
    pub fn of(rounds: &[Round]) -> Self {
        Self {
            rmr: mean(rounds.iter().map(Round::redundancy)),
            ldh_mean: mean(rounds.iter().map(|round| f64::from(round.last_delivery_hop()))),
            ldh_max: rounds.iter().map(Round::last_delivery_hop).max().unwrap_or(0),
            last_node_millis_mean: mean(rounds.iter().map(|round| round.last_node_millis() as f64)),
            missed: rounds.iter().map(|round| round.missing as u64).sum(),
            bytes: None,
        }
    }

    /// The measures of several seeds: means of the means, the worst of the worst, and the sum of all misses.
    #[must_use]
    pub fn mean(reports: &[Self]) -> Self {
        Self {
            rmr: mean(reports.iter().map(|report| report.rmr)),
            ldh_mean: mean(reports.iter().map(|report| report.ldh_mean)),
            ldh_max: reports.iter().map(|report| report.ldh_max).max().unwrap_or(0),
            last_node_millis_mean: mean(reports.iter().map(|report| report.last_node_millis_mean)),
            missed: reports.iter().map(|report| report.missed).sum(),
            bytes: reports
                .iter()
                .map(|report| report.bytes)
                .sum::<Option<f64>>()
                .map(|sum| sum / reports.len() as f64),
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    values.sum::<f64>() / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_the_same_both_ways_and_spread_evenly() {
        let mut counts = [0_u32; 41];
        for one in 0..200 {
            for other in 0..one {
                let latency = latency_millis(1, one, other);
                assert_eq!(latency, latency_millis(1, other, one));
                counts[usize::try_from(latency).unwrap() - 10] += 1;
            }
        }
        // 19,900 pairs: about 485 for each of 41 values, give or take five times the square root.
        assert!(counts.iter().all(|count| (375..595).contains(count)), "{counts:?}");
    }

    #[test]
    fn latencies_of_another_seed_are_others() {
        let same = (1..1_000)
            .filter(|&node| latency_millis(1, 0, node) == latency_millis(2, 0, node))
            .count();
        // By chance, one in 41.
        assert!(same < 60, "{same}");
    }

    #[test]
    fn one_author_stays_and_many_change() {
        let authors = |authors| (0..40).map(move |round| author(1_000, authors, 1, round));
        let mut one: Vec<usize> = authors(Authors::One).collect();
        one.dedup();
        assert_eq!(one.len(), 1);
        let mut many: Vec<usize> = authors(Authors::Many).collect();
        many.sort_unstable();
        many.dedup();
        assert!(many.len() > 30, "{many:?}");
    }

    #[test]
    fn a_round_measures_redundancy_hops_and_time() {
        // 0 writes; 1 and 2 have it from 0, 3 from 2, and 1 has it once more.
        let mut round = Round::new(4, 0, 5_000);
        for (node, from, now_millis) in [(1, 0, 5_010), (2, 0, 5_020), (1, 2, 5_030), (3, 2, 5_045)] {
            assert!(!round.is_complete());
            round.payload_received();
            round.delivered(node, from, now_millis);
        }
        assert!(round.is_complete());
        let report = Report::of(&[round]);
        assert!((report.rmr - 1.0 / 3.0).abs() < 1e-9);
        let expected = Report {
            rmr: report.rmr,
            ldh_mean: 2.0,
            ldh_max: 2,
            last_node_millis_mean: 45.0,
            missed: 0,
            bytes: None,
        };
        assert_eq!(report, expected);
    }

    #[test]
    fn a_round_that_misses_a_node_counts_as_the_longest() {
        let mut round = Round::new(3, 0, 0);
        round.payload_received();
        round.delivered(1, 0, 10);
        let report = Report::of(&[round]);
        assert_eq!(report.missed, 1);
        assert!((report.last_node_millis_mean - ROUND_MILLIS_MAX as f64).abs() < 1e-9);
    }

    #[test]
    fn seeds_are_averaged_but_the_worst_is_kept() {
        let report = |value: u32| Report {
            rmr: f64::from(value),
            ldh_mean: f64::from(value),
            ldh_max: value,
            last_node_millis_mean: f64::from(value),
            missed: u64::from(value),
            bytes: None,
        };
        let expected = Report {
            ldh_max: 3,
            missed: 4,
            ..report(2)
        };
        assert_eq!(Report::mean(&[report(1), report(3)]), expected);
    }
}
