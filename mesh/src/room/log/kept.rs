//! What is kept of one feed.

use std::rc::Rc;

use litemap::LiteMap;

use super::{Source, heads::Head};
use crate::{
    config::OUT_OF_ORDER_MAX,
    wire::{
        entry::{Entry, Header},
        fork::Fork,
        id::ShortId,
        record::Record,
        stored::StoredSpan,
        timestamp::Timestamp,
    },
};

/// Entries from `first` to below `next` without a gap, and others that do not join them.
///
/// Invariants: `evicted <= first <= next`; the entry `next` is lacking; so is the one before `first`, or it was evicted.
#[derive(Debug, Default)]
pub(super) struct Kept {
    first: u64,
    next: u64,
    /// What is below was evicted, or is not wanted because something after it was.
    evicted: u64,
    /// From here on to `next`, everything was there at some time: nothing was skipped.
    whole_from: u64,
    /// The id of the entry before `next`, if there is or was one.
    head: [u8; 32],
    /// The ids of the entries after `next`, added without carry.
    ahead: [u8; 32],
    entries: LiteMap<u64, Rc<Record<Entry>>>,
    /// Of an entry that is not among them.
    header: Option<Header>,
}

impl Kept {
    /// Goes on from what was stored. `open` reads a header. What is lacking of what was there counts as skipped.
    pub(super) fn restore(
        stored: Option<StoredSpan>,
        entries: Vec<Rc<Record<Entry>>>,
        open: impl Fn(&[u8]) -> Option<Header>,
    ) -> Self {
        let mut kept = Self::default();
        if let Some(stored) = stored {
            (kept.first, kept.next) = (stored.first, stored.next);
            (kept.evicted, kept.whole_from) = (stored.evicted, stored.whole_from);
            kept.head = stored.head.into();
            kept.header = stored.header.and_then(|wire| open(&wire));
        }
        for entry in entries {
            if entry.content.seq >= kept.next {
                kept.toggle(&entry.id);
            }
            kept.entries.insert(entry.content.seq, entry);
        }
        let mut first = kept.next;
        while first > kept.first && kept.entries.contains_key(&(first - 1)) {
            first -= 1;
        }
        if first > kept.first {
            (kept.first, kept.whole_from) = (first, kept.whole_from.max(first));
        }
        kept.close_up();
        kept
    }

    /// What is to be stored beside the entries.
    pub(super) fn stored(&self) -> StoredSpan {
        StoredSpan {
            first: self.first,
            next: self.next,
            evicted: self.evicted,
            whole_from: self.whole_from,
            head: self.head.into(),
            header: self.header().map(|header| header.wire.clone().into()),
        }
    }

    /// The first number that is kept, if there is any before [`Kept::next`].
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The first number that is lacking.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Below it, nothing is accepted any more.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Below it, something was skipped.
    pub(super) fn whole_from(&self) -> u64 {
        self.whole_from
    }

    /// What is there of the feed, if anything is: the same for whoever has the same, but for what was evicted or skipped.
    pub(super) fn head(&self) -> Option<Head> {
        (self.next > 0 || self.ahead != [0; 32]).then_some(Head {
            next: self.next,
            id: self.head,
            ahead: self.ahead,
        })
    }

    /// Whether an entry is there, or was.
    pub(super) fn is_known(&self, seq: u64) -> bool {
        seq < self.evicted || self.entries.contains_key(&seq)
    }

    /// Two entries of which there can be but one, if that is so with this one: the earlier first.
    pub(super) fn contradicted(&self, entry: &Rc<Record<Entry>>) -> Option<Fork> {
        let seq = entry.content.seq;
        let before = seq.checked_sub(1).and_then(|before| self.get(before));
        let before = before.and_then(|before| Fork::of(before, entry));
        let same = || self.get(seq).and_then(|same| Fork::of(same, entry));
        let after = || self.get(seq.checked_add(1)?).and_then(|after| Fork::of(entry, after));
        before.or_else(same).or_else(after)
    }

    /// The entry before `next`, if there is or was one.
    pub(super) fn last(&self) -> Option<ShortId> {
        (self.next > 0).then(|| ShortId::of(&self.head))
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Rc<Record<Entry>>> {
        self.entries.get(&seq)
    }

    /// The one with the lowest number.
    pub(super) fn earliest(&self) -> Option<&Rc<Record<Entry>>> {
        self.entries.first().map(|(_, entry)| entry)
    }

    /// Puts an entry without its body in the place of what is there.
    pub(super) fn replace(&mut self, bare: Rc<Record<Entry>>) {
        self.entries.insert(bare.content.seq, bare);
    }

    /// Whether an entry is the first of the part that goes on, and nothing before it may still come.
    pub(super) fn is_first(&self, seq: u64) -> bool {
        seq == self.first
            && seq < self.next
            && self.evicted == self.first
            && self.earliest().is_some_and(|first| first.content.seq == seq)
    }

    /// Adds an entry that is not known. Says whether there was room for it: what was asked for has room.
    pub(super) fn insert(&mut self, seq: u64, entry: Rc<Record<Entry>>, source: Source) -> bool {
        if source == Source::Broadcast && seq > self.next && self.ahead() >= OUT_OF_ORDER_MAX {
            return false;
        }
        if seq >= self.next {
            self.toggle(&entry.id);
        }
        self.entries.insert(seq, entry);
        self.close_up();
        true
    }

    /// How many entries are ahead of what joins.
    fn ahead(&self) -> usize {
        self.entries
            .iter()
            .rev()
            .take_while(|(seq, _)| **seq > self.next)
            .count()
    }

    /// An entry comes to those after `next`, or is no longer one of them.
    fn toggle(&mut self, id: &[u8; 32]) {
        for (sum, byte) in self.ahead.iter_mut().zip(id) {
            *sum ^= byte;
        }
    }

    /// Takes over what joins now.
    fn close_up(&mut self) {
        while let Some(entry) = self.entries.get(&self.next) {
            let id = entry.id;
            (self.head, self.next) = (id, self.next + 1);
            self.toggle(&id);
        }
        while let Some(before) = self.first.checked_sub(1)
            && before >= self.evicted
            && self.entries.contains_key(&before)
        {
            self.first = before;
            self.whole_from = self.whole_from.min(before);
        }
    }

    /// Goes on from `seq`, if that is there and does not join: what is between is gone for good.
    pub(super) fn skip_to(&mut self, seq: u64) {
        if seq <= self.next || !self.entries.contains_key(&seq) {
            return;
        }
        self.forget_ahead(seq);
        (self.first, self.next, self.whole_from) = (seq, seq, seq);
        self.close_up();
    }

    /// What is below `seq` is no more ahead of what joins.
    fn forget_ahead(&mut self, seq: u64) {
        let passed: Vec<_> = self.range(self.next, seq).map(|entry| entry.id).collect();
        for id in passed {
            self.toggle(&id);
        }
    }

    /// Goes on after an entry of which only the header is to be had.
    pub(super) fn skip_past(&mut self, header: Header) {
        let next = header.seq.saturating_add(1);
        if next <= self.next {
            return;
        }
        self.forget_ahead(next);
        (self.first, self.next, self.whole_from) = (next, next, next);
        self.head = header.id;
        self.header = Some(header);
        self.close_up();
    }

    /// The header of the last entry, if the entry itself was evicted or never came.
    pub(super) fn header(&self) -> Option<&Header> {
        let header = self.header.as_ref();
        header.filter(|header| header.seq.checked_add(1) == Some(self.next) && self.get(header.seq).is_none())
    }

    /// The first number from `seq` on that is not there.
    pub(super) fn missing_from(&self, seq: u64) -> u64 {
        let mut missing = seq;
        for there in self.range(seq, u64::MAX) {
            if there.content.seq != missing {
                break;
            }
            missing += 1;
        }
        missing
    }

    /// What of a span is not there.
    pub(super) fn gaps(&self, first: u64, next: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut from = first;
        for there in self.range(first, next) {
            let seq = there.content.seq;
            gaps.extend((from < seq).then_some((from, seq)));
            from = seq.saturating_add(1);
        }
        gaps.extend((from < next).then_some((from, next)));
        gaps
    }

    /// From where to where something was never there, and would be accepted.
    pub(super) fn skipped(&self) -> Option<(u64, u64)> {
        let first = self.missing_from(self.evicted);
        (first < self.whole_from).then_some((first, self.whole_from))
    }

    /// Wants nothing of what was skipped before an entry that is older than this, and of which only the header is here: it is older still. Says
    /// whether that is news.
    pub(super) fn give_up_skipped(&mut self, oldest: Timestamp) -> bool {
        let is_old = self.header().is_some_and(|header| header.order < oldest);
        let is_bare = self.range(0, self.next).next().is_none();
        let is_news = is_old && is_bare && self.evicted < self.next;
        if is_news {
            (self.evicted, self.first) = (self.next, self.next);
        }
        is_news
    }

    /// Evicts the entry with the lowest number. If it joins no other, the feed goes on after it.
    pub(super) fn evict_first(&mut self) -> Option<Rc<Record<Entry>>> {
        let (seq, entry) = self.entries.first().map(|(seq, entry)| (*seq, Rc::clone(entry)))?;
        self.skip_to(seq);
        self.entries.remove(&seq);
        if self.next == seq + 1 {
            self.header = Some(Header::of(&entry));
        }
        self.evicted = seq + 1;
        self.first = self.first.max(self.evicted);
        Some(entry)
    }

    /// Those that are there from `first` to below `next`.
    pub(super) fn range(&self, first: u64, next: u64) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        let place = |seq| self.entries.find_index(&seq).unwrap_or_else(|place| place);
        let places = place(first)..place(next);
        places.filter_map(|place| self.entries.get_indexed(place).map(|(_, entry)| entry))
    }

    /// The part without a gap that goes on, even if nothing is left of it, then all others: of each the first number and the one after
    /// the last.
    pub(super) fn runs(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut others: Vec<(u64, u64)> = Vec::new();
        for seq in self
            .entries
            .keys()
            .copied()
            .filter(|seq| !(self.first..self.next).contains(seq))
        {
            match others.last_mut() {
                Some((_, next)) if *next == seq => *next += 1,
                _ => others.push((seq, seq + 1)),
            }
        }
        std::iter::once((self.first, self.next)).chain(others)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        self.entries.values()
    }
}
