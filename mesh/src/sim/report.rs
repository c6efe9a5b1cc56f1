//! What a run of a scenario gives, and what it has to keep to.

/// What was measured in one run. Figures that a scenario does not measure are `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Messages that somebody who should have them lacked at the end: pairs of message and person.
    pub missed: u64,
    /// Messages shown twice to somebody.
    pub duplicated: u64,
    /// Messages shown that their author did not say so.
    pub forged: u64,
    /// Messages that come before what their author had read.
    pub disordered: u64,
    /// Times that an author was told that more people have a message than were shown it.
    pub untrue: u64,
    /// Times that an honest person was taken for misbehaving.
    pub blamed: u64,
    /// Times that a node had more links than the most.
    pub overlinked: u64,
    /// Links of the node with most, at the end.
    pub degree_max: usize,
    /// Links of the node with fewest, at the end.
    pub degree_min: usize,
    /// Links of a node on average, at the end.
    pub degree_mean: f64,
    /// Rounds of one author.
    pub one_author: Option<Rounds>,
    /// Rounds of an author drawn anew for each.
    pub many_authors: Option<Rounds>,
    /// Frames that a node sends in a minute when nobody says anything.
    pub idle_frames_per_minute: Option<f64>,
    /// Bytes that a node sends and receives in a second when nobody says anything.
    pub idle_bytes_per_second: Option<f64>,
    /// From a newcomer's start until it knows everyone and a whisper from somebody far away reaches it, in milliseconds.
    pub newcomer_millis: Option<u64>,
    /// From the end of the faults until everyone has everything, in milliseconds.
    pub convergence_millis: Option<u64>,
    /// From a crash or leaving of many until each of those left shows exactly those left as here, in milliseconds; infinite if that took
    /// longer than was watched.
    pub listed_millis: Option<f64>,
    /// How long the run took in its own time, in milliseconds.
    pub simulated_millis: u64,
    /// A hash of everything that went over each directed link, and when; empty unless it was asked for.
    pub digest: String,
    /// What was not as it has to be.
    pub broken: Vec<Bound>,
}

/// Broadcasts, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rounds {
    /// Relative message redundancy: payloads received for each that was needed, less one. (Plumtree paper, section 4.)
    pub rmr: f64,
    /// Last delivery hop: the most links an entry came over, on average over the rounds.
    pub ldh: f64,
    /// The same in the worst round.
    pub ldh_max: u32,
    /// Nodes that a round did not reach within ten seconds, over all rounds.
    pub missed: u64,
    /// From the say to the last node that shows it, in milliseconds, on average over the rounds.
    pub last_node_millis: f64,
}

/// A bound that was broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// What it is about.
    pub what: &'static str,
    /// What was measured.
    pub measured: f64,
    /// The most that is allowed.
    pub most: f64,
}

impl Report {
    /// Notes it if `measured` is more than `most`.
    pub(super) fn demand(&mut self, what: &'static str, measured: f64, most: f64) {
        if measured > most || measured.is_nan() {
            self.broken.push(Bound { what, measured, most });
        }
    }
}
