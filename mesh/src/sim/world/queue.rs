//! What is to happen in a world, in order.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Life, Who, files, server, wire};
use crate::io::{Change, Input};

/// When something happens: by time, then by its two ends, then as planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order {
    pub(super) at: u64,
    pub(super) from: Who,
    pub(super) to: Who,
    pub(super) sequence: u64,
}

/// What is to happen, in its order. The heap holds places only: they are moved a lot.
#[derive(Default)]
pub(super) struct Queue {
    order: BinaryHeap<Reverse<(Order, usize)>>,
    places: Vec<Option<Happening>>,
    free: Vec<usize>,
}

impl Queue {
    pub(super) fn push(&mut self, order: Order, what: Happening) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.places[place] = Some(what);
        self.order.push(Reverse((order, place)));
    }

    /// The next, with its time, if that is not after `end`.
    pub(super) fn pop_by(&mut self, end: u64) -> Option<(u64, Happening)> {
        let at = self.order.peek().map(|Reverse((order, _))| order.at)?;
        if at > end {
            return None;
        }
        let Reverse((_, place)) = self.order.pop()?;
        self.free.push(place);
        Some((at, self.places[place].take()?))
    }
}

/// What is bound to happen.
#[derive(Debug)]
pub(super) enum Happening {
    /// A node's timer is due, unless it was armed anew.
    Timer {
        who: Who,
        life: Life,
        at: u64,
    },
    /// Something reaches a node without further ado.
    Input {
        /// Who caused it.
        from: Who,
        who: Who,
        life: Life,
        input: Input,
    },
    /// A change is on the disk.
    Stored {
        who: Who,
        life: Life,
        change: Change,
        /// The how many-th it is.
        changes: u64,
    },
    /// A piece of a file is read, or written.
    Piece {
        who: Who,
        life: Life,
        doing: files::Doing,
    },
    Server(server::Happening),
    Wire(wire::Happening),
}
