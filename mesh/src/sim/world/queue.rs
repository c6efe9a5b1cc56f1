//! What is to happen in a world, in order.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Life, Who, server, wire};
use crate::io::Input;

/// What is to happen, in the order of time and of having been planned. The heap holds places only: they are moved a lot.
#[derive(Default)]
pub(super) struct Queue {
    order: BinaryHeap<Reverse<(u64, u64, usize)>>,
    places: Vec<Option<Happening>>,
    free: Vec<usize>,
}

impl Queue {
    pub(super) fn push(&mut self, at: u64, sequence: u64, what: Happening) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.places[place] = Some(what);
        self.order.push(Reverse((at, sequence, place)));
    }

    /// The next, with its time, if that is not after `end`.
    pub(super) fn pop_by(&mut self, end: u64) -> Option<(u64, Happening)> {
        let at = self.order.peek().map(|Reverse((at, ..))| *at)?;
        if at > end {
            return None;
        }
        let Reverse((_, _, place)) = self.order.pop()?;
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
        who: Who,
        life: Life,
        input: Input,
    },
    Server(server::Happening),
    Wire(wire::Happening),
}
