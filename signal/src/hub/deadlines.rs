//! The time as it comes in, and when the hub has something to do: for each deadline, at what time.

use std::{collections::BTreeSet, time::Instant};

use super::ConnId;
use crate::network::Network;

/// The time, for what holds beyond this server, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Never runs back.
    pub instant: Instant,
    /// Seconds since 1970, as TURN servers have them.
    pub unix_seconds: u64,
}

/// Something to do at a certain time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deadline {
    /// See whether the client is still there: one for each connection that is not being closed.
    Silence(ConnId),
    /// Send newer credentials for TURN: one for each registered connection, if there is TURN.
    Renewal(ConnId),
    /// Forget an address: one for each that has no connections.
    Forget(Network),
}

/// All of them, in the order of their times. Whoever arms a deadline keeps its time, to disarm it.
#[derive(Debug, Default)]
pub(super) struct Deadlines(BTreeSet<(Instant, Deadline)>);

impl Deadlines {
    pub(super) fn arm(&mut self, at: Instant, deadline: Deadline) {
        self.0.insert((at, deadline));
    }

    /// Does nothing if it is not armed for that time.
    pub(super) fn disarm(&mut self, at: Instant, deadline: Deadline) {
        self.0.remove(&(at, deadline));
    }

    /// Disarms the first deadline that has passed, and gives it.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Deadline> {
        let first = self.0.first().copied().filter(|(at, _)| *at <= now)?;
        self.0.remove(&first);
        Some(first.1)
    }

    /// The time of the first one.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }
}
