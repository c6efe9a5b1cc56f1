//! The room's log: everything said to everyone, as far as this node has it.
//!
//! Each author numbers its entries within a feed. So what a node has of one feed is "everything below `next`", and what it has of the
//! room is a *version vector* (Parker et al., 1983) of such numbers. Entries that come out of order are kept, and shown, too.
//!
//! Owns: the entries, their numbers and their digest. Not here: what is shown of an entry, and who else may lack it.
//!
//! Invariants: an entry is accepted once; two nodes with the same entries have the same [`digest`](Log::digest), whatever order they
//! came in.
//!
//! Bounds: [`LOG_ENTRIES_MAX`] entries of [`LOG_BYTES_MAX`] bytes; past them the earliest in the one order are evicted, and none that
//! early is accepted again. What nobody has any more cannot be had: a vector also says where an author's entries begin.
//!
//! Vectors are not signed, and nothing is believed because of them but what to ask for, and, of an author whose entry came, where its
//! entries begin.
//!
//! An author that signs two different entries with one number: each node keeps the one that came first, and the digests of those that
//! kept different ones differ from then on, which costs them an exchange a minute.

mod kept;

use std::{collections::VecDeque, rc::Rc};

use litemap::LiteMap;

use self::kept::Kept;
use crate::{
    config::{ACKS_MAX, LOG_BYTES_MAX, LOG_ENTRIES_MAX, LOG_FEEDS_MAX},
    lookup::Lookup,
    wire::{
        id::ShortId,
        record::{Ack, Entry, Record},
        span::{Feed, Span},
        timestamp::Timestamp,
    },
};

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It is new.
    New,
    /// It, or another with its number, was there; or was evicted already.
    Known,
    /// Too far ahead of its predecessors, or of too many feeds: it is left to sync.
    TooEarly,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Log {
    feeds: Vec<(Feed, Kept)>,
    /// Where a feed is among them.
    by_feed: Lookup<Feed, usize>,
    /// Where an announced entry is: its feed, and its number there.
    by_id: Lookup<ShortId, (usize, u64)>,
    digest: u64,
    entries: usize,
    bytes: usize,
    /// Up to where entries were evicted.
    evicted_to: Option<Timestamp>,
    /// The feeds that grew last, the latest first, and when: at which of all entries accepted.
    recent: VecDeque<(usize, u64)>,
    /// How many entries were accepted, ever.
    accepted: u64,
}

impl Log {
    /// An empty log. `seed`: the node's.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            feeds: Vec::new(),
            by_feed: Lookup::new(seed),
            by_id: Lookup::new(seed),
            digest: 0,
            entries: 0,
            bytes: 0,
            evicted_to: None,
            recent: VecDeque::new(),
            accepted: 0,
        }
    }

    /// Accepts an entry that was checked.
    pub(crate) fn accept(&mut self, entry: &Rc<Record<Entry>>) -> Accepted {
        let seq = entry.content.seq;
        if self
            .evicted_to
            .is_some_and(|evicted_to| entry.content.order <= evicted_to)
        {
            return Accepted::Known;
        }
        let Some(place) = self.place_of(feed_of(entry)) else {
            return Accepted::TooEarly;
        };
        let kept = &mut self.feeds[place].1;
        if kept.get(seq).is_some() {
            return Accepted::Known;
        }
        if !kept.insert(seq, Rc::clone(entry)) {
            return Accepted::TooEarly;
        }
        self.by_id.insert(&entry.short(), (place, seq));
        self.digest ^= fingerprint(entry);
        self.entries += 1;
        self.bytes += entry.wire.len();
        self.note_recent(place);
        self.evict();
        Accepted::New
    }

    /// Where a feed is, made if need be. `None` if there is no room for another.
    fn place_of(&mut self, feed: Feed) -> Option<usize> {
        if let Some(place) = self.by_feed.get(&feed) {
            return Some(place);
        }
        if self.feeds.len() >= LOG_FEEDS_MAX {
            return None;
        }
        let place = self.feeds.len();
        self.feeds.push((feed, Kept::default()));
        self.by_feed.insert(&feed, place);
        Some(place)
    }

    /// An entry by its short id.
    pub(crate) fn find(&self, id: ShortId) -> Option<&Rc<Record<Entry>>> {
        let (place, seq) = self.by_id.get(&id)?;
        self.feeds.get(place)?.1.get(seq)
    }

    /// All entries, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        self.feeds.iter().flat_map(|(_, kept)| kept.iter())
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    /// A number that is the same for the same entries: their hashes, each cut to 64 bits, added without carry.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    /// How many feeds there are.
    pub(crate) fn feeds(&self) -> usize {
        self.feeds.len()
    }

    /// What there is of each feed, in the order of the feeds.
    pub(crate) fn vector(&self) -> Vec<Span> {
        let spans = self.feeds.iter().map(|(feed, kept)| Span {
            feed: *feed,
            first: kept.first(),
            next: kept.next(),
        });
        let mut in_order: LiteMap<Feed, Span> = LiteMap::new();
        for span in spans {
            in_order.insert(span.feed, span);
        }
        in_order.values().copied().collect()
    }

    /// What is lacking of a peer's vector: of each of these feeds the numbers from `first` to below `next`.
    pub(crate) fn lacking(&self, theirs: &[Span]) -> Vec<Span> {
        let mut lacking = Vec::new();
        for span in theirs {
            let (first, next) = match self.kept(&span.feed) {
                Some(kept) => (kept.first(), kept.next()),
                None if self.feeds.len() < LOG_FEEDS_MAX => (span.first, span.first),
                None => continue,
            };
            // Earlier ones than ours are wanted if we never had them, not if we evicted them.
            if span.first < first && self.evicted_to.is_none() {
                lacking.push(Span {
                    next: first.min(span.next),
                    ..*span
                });
            }
            let from = next.max(span.first);
            if from < span.next {
                lacking.push(Span { first: from, ..*span });
            }
        }
        lacking
    }

    fn kept(&self, feed: &Feed) -> Option<&Kept> {
        let place = self.by_feed.get(feed)?;
        self.feeds.get(place).map(|(_, kept)| kept)
    }

    /// A peer from which entries were fetched has none of what is between ours and its first: the feed goes on from there, once
    /// that entry has come.
    pub(crate) fn skip_gaps(&mut self, theirs: &[Span]) {
        for span in theirs {
            if let Some(place) = self.by_feed.get(&span.feed) {
                self.feeds[place].1.skip_to(span.first);
            }
        }
    }

    /// The entries of a span, as many as there are, in order.
    pub(crate) fn entries_of(&self, span: Span) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        let kept = self.kept(&span.feed).into_iter();
        kept.flat_map(move |kept| kept.range(span.first, span.next))
    }

    /// How many entries were accepted so far, those included that were evicted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How far there is everything of the feeds that grew after the first `accepted` entries, the last [`ACKS_MAX`] of them.
    pub(crate) fn acks(&self, accepted: u64) -> Vec<Ack> {
        let grown = self.recent.iter().take_while(|(_, at)| *at > accepted);
        let ack = |(place, _): &(usize, u64)| {
            let (feed, kept) = self.feeds.get(*place)?;
            Some(Ack {
                author: ShortId::of_peer(&feed.author),
                feed: feed.number,
                next: kept.next(),
            })
        };
        grown.filter_map(ack).collect()
    }

    fn note_recent(&mut self, place: usize) {
        self.accepted += 1;
        self.recent.retain(|(known, _)| *known != place);
        self.recent.push_front((place, self.accepted));
        self.recent.truncate(ACKS_MAX);
    }

    /// Evicts the earliest entries while there are too many.
    fn evict(&mut self) {
        while self.entries > LOG_ENTRIES_MAX || self.bytes > LOG_BYTES_MAX {
            let ends = self.feeds.iter().enumerate().flat_map(|(place, (feed, kept))| {
                let key = move |entry: &Rc<Record<Entry>>| (entry.content.order, *feed, entry.content.seq, place);
                kept.ends().map(key)
            });
            let Some((order, _, seq, place)) = ends.min() else {
                return;
            };
            let Some(entry) = self.feeds[place].1.remove(seq) else {
                return;
            };
            self.evicted_to = self.evicted_to.max(Some(order));
            self.by_id.remove(&entry.short());
            self.digest ^= fingerprint(&entry);
            self.entries -= 1;
            self.bytes -= entry.wire.len();
        }
    }
}

fn feed_of(entry: &Record<Entry>) -> Feed {
    Feed {
        author: entry.author,
        number: entry.content.feed,
    }
}

/// The part of an id that the digest adds up: another than its short id.
fn fingerprint(entry: &Record<Entry>) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&entry.id[8..16]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use shared::{Identity, RoomCode};

    use super::*;
    use crate::config::OUT_OF_ORDER_MAX;

    fn author(byte: u8) -> Identity {
        Identity::from_secret(&[byte; 32])
    }

    fn feed(byte: u8, number: u64) -> Feed {
        Feed {
            author: author(byte).peer_id(),
            number,
        }
    }

    fn entry_with(byte: u8, number: u64, seq: u64, body: &[u8]) -> Rc<Record<Entry>> {
        let entry = Entry {
            feed: number,
            seq,
            order: Timestamp::from_unix_millis(1_000 + seq),
            unix_millis: 0,
            name: "Ann".into(),
            kind: Entry::CHAT,
            body: body.to_vec().into(),
        };
        Record::sign(&author(byte), &RoomCode::parse("lobby").unwrap().open(), entry)
    }

    fn entry(byte: u8, seq: u64) -> Rc<Record<Entry>> {
        entry_with(byte, 7, seq, b"hi")
    }

    fn span(byte: u8, first: u64, next: u64) -> Span {
        Span {
            feed: feed(byte, 7),
            first,
            next,
        }
    }

    fn accepted(log: &mut Log, seqs: impl IntoIterator<Item = u64>) -> Vec<Accepted> {
        seqs.into_iter().map(|seq| log.accept(&entry(1, seq))).collect()
    }

    #[test]
    fn an_entry_is_accepted_once() {
        let mut log = Log::new([1; 32]);
        assert_eq!(
            accepted(&mut log, [0, 1, 0, 1]),
            [Accepted::New, Accepted::New, Accepted::Known, Accepted::Known]
        );
        assert_eq!((log.len(), log.feeds()), (2, 1));
        assert_eq!(log.find(entry(1, 1).short()), Some(&entry(1, 1)));
        assert_eq!(log.find(entry(1, 2).short()), None);
    }

    #[test]
    fn what_comes_before_its_predecessors_is_kept_and_counts_once_the_gap_is_closed() {
        let mut log = Log::new([1; 32]);
        assert_eq!(
            accepted(&mut log, [0, 3, 2, 3]),
            [Accepted::New, Accepted::New, Accepted::New, Accepted::Known]
        );
        assert_eq!((log.len(), log.vector()), (3, vec![span(1, 0, 1)]));
        assert_eq!(
            log.find(entry(1, 3).short()),
            Some(&entry(1, 3)),
            "who asks for it gets it"
        );
        log.accept(&entry(1, 1));
        assert_eq!((log.len(), log.vector()), (4, vec![span(1, 0, 4)]));
        assert_eq!(log.entries_of(span(1, 1, 3)).count(), 2);
    }

    #[test]
    fn too_far_ahead_is_left_to_sync() {
        let mut log = Log::new([1; 32]);
        let ahead = u64::try_from(OUT_OF_ORDER_MAX).unwrap();
        assert!(
            accepted(&mut log, 1..=ahead)
                .iter()
                .all(|accepted| *accepted == Accepted::New)
        );
        assert_eq!(log.accept(&entry(1, ahead + 1)), Accepted::TooEarly);
        assert_eq!(log.accept(&entry(1, 0)), Accepted::New);
        assert_eq!(log.vector(), [span(1, 0, ahead + 1)]);
        assert_eq!(log.accept(&entry(1, ahead + 1)), Accepted::New);
    }

    #[test]
    fn the_digest_is_that_of_the_entries_whatever_order_they_came_in() {
        let entries = [entry(1, 0), entry(1, 1), entry(2, 0), entry_with(1, 8, 0, b"later")];
        let (mut one, mut other) = (Log::new([1; 32]), Log::new([1; 32]));
        assert_eq!(one.digest(), 0);
        for place in 0..4 {
            one.accept(&entries[place]);
            other.accept(&entries[3 - place]);
            assert_eq!(one.digest() == other.digest(), place == 3);
        }
        let mut less = Log::new([1; 32]);
        less.accept(&entries[0]);
        assert_ne!(less.digest(), one.digest());
    }

    #[test]
    fn of_two_entries_with_one_number_the_first_is_kept() {
        let mut log = Log::new([1; 32]);
        let [first, second] = [b"yes", b"no!"].map(|body| entry_with(1, 7, 0, body));
        assert_eq!(log.accept(&first), Accepted::New);
        let digest = log.digest();
        assert_eq!(log.accept(&second), Accepted::Known);
        assert_eq!(
            (log.find(first.short()), log.find(second.short())),
            (Some(&first), None)
        );
        assert_eq!(log.digest(), digest);
        // Nor does what came early give way.
        let [first, second] = [b"yes", b"no!"].map(|body| entry_with(1, 7, 5, body));
        assert_eq!(
            (log.accept(&first), log.accept(&second)),
            (Accepted::New, Accepted::Known)
        );
    }

    #[test]
    fn lacking_is_what_the_peer_has_beyond_ours() {
        let mut log = Log::new([1; 32]);
        accepted(&mut log, [0, 1]);
        assert_eq!(log.lacking(&[span(1, 0, 2)]), []);
        assert_eq!(log.lacking(&[span(1, 0, 1)]), []);
        assert_eq!(
            log.lacking(&[span(1, 0, 5), span(2, 0, 3)]),
            [span(1, 2, 5), span(2, 0, 3)]
        );
        // What is between, others may have.
        assert_eq!(log.lacking(&[span(1, 4, 9)]), [span(1, 4, 9)]);
        assert_eq!(log.lacking(&[span(3, 5, 5), span(3, 5, 4)]), [], "nothing, or nonsense");
    }

    #[test]
    fn where_the_beginning_is_gone_for_good_a_feed_begins_later() {
        let mut log = Log::new([1; 32]);
        let theirs = [span(1, 6, 10)];
        accepted(&mut log, [0, 1, 8]);
        assert_eq!(log.lacking(&theirs), theirs);
        log.skip_gaps(&theirs);
        assert_eq!(log.vector(), [span(1, 0, 2)], "not on the peer's word alone");
        assert_eq!(accepted(&mut log, [6, 7]), [Accepted::New, Accepted::New]);
        log.skip_gaps(&theirs);
        assert_eq!(log.vector(), [span(1, 6, 9)]);
        assert_eq!(log.lacking(&theirs), [span(1, 9, 10)]);
        // Nor is it for ever: whoever has what is between can still bring it.
        assert_eq!(log.lacking(&[span(1, 0, 9)]), [span(1, 0, 6)]);
        assert_eq!(accepted(&mut log, 2..6), [Accepted::New; 4]);
        assert_eq!(log.vector(), [span(1, 0, 9)]);
    }

    #[test]
    fn a_span_gives_the_entries_there_are_in_order() {
        let mut log = Log::new([1; 32]);
        accepted(&mut log, 0..5);
        let seqs = |span| log.entries_of(span).map(|entry| entry.content.seq).collect::<Vec<_>>();
        assert_eq!(seqs(span(1, 1, 3)), [1, 2]);
        assert_eq!(seqs(span(1, 3, u64::MAX)), [3, 4]);
        assert_eq!(seqs(span(1, 4, 2)), []);
        assert_eq!(seqs(span(1, u64::MAX, u64::MAX)), []);
        assert_eq!(seqs(span(2, 0, 9)), []);
    }

    #[test]
    fn acknowledged_are_the_feeds_that_grew_last_as_far_as_there_is_no_gap() {
        let mut log = Log::new([1; 32]);
        let many = u64::try_from(ACKS_MAX).unwrap() + 2;
        for number in 0..many {
            log.accept(&entry_with(1, number, 0, b"hi"));
        }
        log.accept(&entry_with(1, 5, 1, b"hi"));
        log.accept(&entry_with(1, 6, 2, b"early"));
        let acks = log.acks(0);
        assert_eq!(acks.len(), ACKS_MAX);
        let ack = |number, next| Ack {
            author: ShortId::of_peer(&author(1).peer_id()),
            feed: number,
            next,
        };
        assert_eq!(acks[..3], [ack(6, 1), ack(5, 2), ack(many - 1, 1)]);
        assert!(
            acks.iter().all(|ack| ack.feed >= 2),
            "those that grew first are left out"
        );
        assert_eq!(log.acks(log.accepted() - 2), acks[..2]);
        assert_eq!(log.acks(log.accepted()).len(), 0);
    }

    #[test]
    fn past_the_bound_the_earliest_entries_are_evicted() {
        let mut log = Log::new([1; 32]);
        let count = u64::try_from(LOG_ENTRIES_MAX).unwrap();
        // Two authors in turn; one is later by a little than the other.
        for seq in 0..count / 2 {
            log.accept(&entry(1, seq));
            log.accept(&entry(2, seq));
        }
        let full = log.digest();
        assert_eq!(log.len(), LOG_ENTRIES_MAX);
        for seq in count / 2..count / 2 + 3 {
            assert_eq!(log.accept(&entry(1, seq)), Accepted::New);
        }
        assert_eq!(log.len(), LOG_ENTRIES_MAX);
        assert_ne!(log.digest(), full);
        let firsts: u64 = log.vector().iter().map(|span| span.first).sum();
        assert_eq!(firsts, 3);
        assert!(log.vector().iter().all(|span| (1..=2).contains(&span.first)));
        assert_eq!(log.find(entry(1, 0).short()), None);
        assert_eq!(log.accept(&entry(1, 0)), Accepted::Known, "it does not come back");
        // A peer that still has it is not asked for it.
        assert_eq!(log.lacking(&[span(1, 0, count / 2)]), []);
    }
}
