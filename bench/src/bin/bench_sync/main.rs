//! What it costs two nodes to find out what of their histories differs, beside the crate `negentropy`, and how a backlog comes in.
//!
//! Counted is what goes over the link in both directions, but for the entries themselves: of ours the digests in the hellos, comparisons,
//! vectors, questions, and what holds the entries together; of negentropy its messages. Ours has then the entries, too. With
//! negentropy the ids are known by then, and have to be asked for: that is not counted. Negentropy reconciles any set; ours has an advantage by
//! construction where what is lacking is the end of feeds, for it compares feeds.
//!
//! `cargo xtask bench sync` builds what it needs. The same on any machine. Ends with an error when a bound is broken.

#![expect(clippy::print_stdout, reason = "a program for the command line")]

mod other;

use std::{collections::BTreeSet, process::ExitCode};

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use mesh::sim::{History, Return, come_back};

/// How many entries both histories have together.
const ENTRIES: u64 = 10_000;

/// How many of the last entries of a feed are lacking.
const TAIL: u64 = 20;

/// How many bytes each side may send if nothing differs.
const EQUAL_BYTES_MAX: usize = 200;

/// How often somebody comes back, each time in another room.
const RETURNS: u64 = 3;

/// After how many seconds who comes back has to have what was missed.
const AFTER_MAX: f64 = 10.0;

/// How many times its share of what was missed a neighbor may send.
const SHARE_MAX: f64 = 2.0;

/// How many times as long messages of the moment may take meanwhile.
const LIVE_MAX: f64 = 1.5;

/// What is compared.
struct Row {
    what: String,
    ours: usize,
    negentropy: usize,
    /// How much of negentropy's bytes ours may be.
    bound: f64,
}

impl Row {
    fn ratio(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand bytes")]
        let ratio = self.ours as f64 / self.negentropy as f64;
        ratio
    }
}

fn main() -> ExitCode {
    let mut rows = Vec::new();
    let few = History::new(50, ENTRIES / 50);
    for feeds in [1, 10, 50] {
        // Feeds by chance, not the first ones.
        let lacking = draw(feeds, 50);
        let first = ENTRIES / 50 - TAIL;
        let is_lacking = |place: u64| lacking.contains(&(place % 50)) && place / 50 >= first;
        let what = format!("50 feeds, the last {TAIL} of {feeds} lacking");
        rows.push(compare(what, &few, is_lacking, 0.5));
    }
    let many = History::new(ENTRIES / 2, 2);
    for count in [1, 10, 50] {
        let lacking = draw(count, ENTRIES);
        let what = format!("5,000 feeds, {count} anywhere lacking");
        rows.push(compare(what, &many, |place| lacking.contains(&place), 1.1));
    }
    println!("| what | ours | negentropy | ratio | bound |\n|---|---|---|---|---|");
    let mut is_broken = false;
    for row in &rows {
        let (ours, theirs) = (row.ours, row.negentropy);
        println!(
            "| {} | {ours} | {theirs} | {:.2} | {} |",
            row.what,
            row.ratio(),
            row.bound
        );
        is_broken |= row.ratio() > row.bound;
    }
    for (feeds, history) in [("50", &few), ("5,000", &many)] {
        let met = history.meet(|_| true, |_| true);
        let (one, other) = (met.from_one, met.from_other);
        println!("| {feeds} feeds, equal | {one} and {other} | | | {EQUAL_BYTES_MAX} each |");
        is_broken |= one.max(other) > EQUAL_BYTES_MAX;
    }
    println!();
    for seed in 1..=RETURNS {
        let back = come_back(Return {
            peers: 20,
            entries: 50_000,
            missed: 5_000,
            seed,
        });
        let (after, share, live) = (back.after.as_secs_f64(), back.most_of_share, back.live_ratio);
        println!(
            "somebody who missed 5,000 of 50,000, among 20, seed {seed}: back after {after:.1} s (bound: {AFTER_MAX}), one neighbor sent {share:.1} of its share at most \
             (bound: {SHARE_MAX}), messages of the moment took {live:.2} times as long (bound: {LIVE_MAX})"
        );
        is_broken |= after > AFTER_MAX || share > SHARE_MAX || live > LIVE_MAX;
    }
    if is_broken {
        println!("a bound is broken");
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// So many different numbers below `end`.
fn draw(count: usize, end: u64) -> BTreeSet<u64> {
    let mut rng = ChaCha20Rng::seed_from_u64(count as u64);
    let mut drawn = BTreeSet::new();
    while drawn.len() < count {
        drawn.insert(rng.next_u64() % end);
    }
    drawn
}

/// One has all, the other lacks some. Whoever has the lower id begins with ours: the mean of both cases, as with negentropy.
fn compare(what: String, history: &History, is_lacking: impl Fn(u64) -> bool, bound: f64) -> Row {
    let (all, some) = (|_| true, |place: usize| !is_lacking(place as u64));
    let met = [history.meet(all, some), history.meet(some, all)];
    assert!(met.iter().all(|met| met.is_equal), "{what}: not the same afterwards");
    let bytes = met.map(|met| met.from_one + met.from_other);
    let others = [other::bytes(history, all, some), other::bytes(history, some, all)];
    let mean = |[one, other]: [usize; 2]| usize::midpoint(one, other);
    Row {
        what,
        ours: mean(bytes),
        negentropy: mean(others),
        bound,
    }
}
