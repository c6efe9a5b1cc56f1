//! What is kept of one feed.

use std::{collections::VecDeque, rc::Rc};

use litemap::LiteMap;

use crate::{
    config::OUT_OF_ORDER_MAX,
    wire::record::{Entry, Record},
};

/// Entries from `first` on without a gap, and those that do not join them.
///
/// Invariant: an entry out of order joins the others neither before nor after.
#[derive(Debug, Default)]
pub(super) struct Kept {
    first: u64,
    joined: VecDeque<Rc<Record<Entry>>>,
    /// Earlier or later ones, by number.
    out_of_order: LiteMap<u64, Rc<Record<Entry>>>,
}

impl Kept {
    /// The first number that is kept, if there is any before [`Kept::next`].
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The first number that is lacking.
    pub(super) fn next(&self) -> u64 {
        self.first.saturating_add(self.joined.len() as u64)
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Rc<Record<Entry>>> {
        let index = seq
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok());
        let joined = index.and_then(|index| self.joined.get(index));
        joined.or_else(|| self.out_of_order.get(&seq))
    }

    /// Adds an entry that is not there yet. Says whether there was room for it.
    pub(super) fn insert(&mut self, seq: u64, entry: Rc<Record<Entry>>) -> bool {
        if seq == self.next() {
            self.joined.push_back(entry);
        } else if self.out_of_order.len() < OUT_OF_ORDER_MAX {
            self.out_of_order.insert(seq, entry);
        } else {
            return false;
        }
        self.close_up();
        true
    }

    /// Takes over what joins now.
    fn close_up(&mut self) {
        while let Some(entry) = self.out_of_order.remove(&self.next()) {
            self.joined.push_back(entry);
        }
        while let Some(before) = self.first.checked_sub(1)
            && let Some(entry) = self.out_of_order.remove(&before)
        {
            self.first = before;
            self.joined.push_front(entry);
        }
    }

    /// Goes on from `seq`, if that is there and does not join: what is between is gone for good.
    pub(super) fn skip_to(&mut self, seq: u64) {
        if self.next() >= seq || !self.out_of_order.contains_key(&seq) {
            return;
        }
        let first = self.first;
        for (number, entry) in (first..).zip(std::mem::take(&mut self.joined)) {
            self.out_of_order.insert(number, entry);
        }
        self.first = seq;
        while let Some(entry) = self.out_of_order.remove(&self.next()) {
            self.joined.push_back(entry);
        }
    }

    /// Removes an entry: the first of those that join, or one out of order.
    pub(super) fn remove(&mut self, seq: u64) -> Option<Rc<Record<Entry>>> {
        if seq == self.first && !self.joined.is_empty() {
            self.first += 1;
            self.joined.pop_front()
        } else {
            self.out_of_order.remove(&seq)
        }
    }

    /// Those of which one is the earliest in the one order.
    pub(super) fn ends(&self) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        self.joined.front().into_iter().chain(self.out_of_order.values())
    }

    /// Those without a gap, from `first` to below `next`.
    pub(super) fn range(&self, first: u64, next: u64) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        let skip = usize::try_from(first.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let count = usize::try_from(next.saturating_sub(first.max(self.first))).unwrap_or(usize::MAX);
        self.joined.iter().skip(skip).take(count)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        self.joined.iter().chain(self.out_of_order.values())
    }
}
