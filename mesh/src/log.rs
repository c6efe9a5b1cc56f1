//! The room's log: everything said to everyone, as far as this node has it.
//!
//! Each author numbers its entries within an incarnation, so what a node has of one author is "everything below `next`", and
//! what it has of the room is a *version vector* (Parker et al., 1983) of such numbers. Entries that come before their
//! predecessors are kept, and shown, too.
//!
//! Invariants: an entry is taken once; two nodes with the same entries have the same [`digest`](Log::digest), whatever order they
//! came in.
//!
//! Bounds: [`LOG_ENTRIES_MAX`] entries of [`LOG_BYTES_MAX`] bytes; past them the earliest in the one order are let go, and none that
//! early is taken again. What nobody has any more cannot be had: a vector also says where an author's entries begin.
//!
//! Vectors are not signed, and nothing is believed because of them but what to ask for.
//!
//! An author that signs two different entries with one number: each node keeps the one it got first, and the digests of those that
//! kept different ones differ from then on, which costs them an exchange a minute.

use std::{collections::VecDeque, rc::Rc};

use litemap::LiteMap;
use minicbor::{Decode, Encode};
use shared::PeerId;

use crate::{
    config::{ACKS_MAX, AHEAD_MAX, LOG_BYTES_MAX, LOG_ENTRIES_MAX, LOG_ORIGINS_MAX},
    hlc::Timestamp,
    record::{Ack, Entry, Record, Short},
};

/// One incarnation of an author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Origin {
    /// The author.
    #[n(0)]
    pub author: PeerId,
    /// Which of its incarnations.
    #[n(1)]
    pub incarnation: u64,
}

/// What a node has of one origin: the numbers from `first` to below `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Span {
    /// Whose.
    #[n(0)]
    pub origin: Origin,
    /// The first it still has.
    #[n(1)]
    pub first: u64,
    /// The first it lacks.
    #[n(2)]
    pub next: u64,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is new.
    New,
    /// It, or another with its number, was there; or was let go already.
    Known,
    /// Too far ahead of its predecessors, or of too many origins: it is left to sync.
    TooEarly,
}

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub struct Log {
    chains: LiteMap<Origin, Chain>,
    /// Where to find an entry that was announced.
    places: LiteMap<Short, (Origin, u64)>,
    digest: u64,
    entries: usize,
    bytes: usize,
    /// Up to where entries were let go.
    horizon: Option<Timestamp>,
    /// The origins that grew last, the latest first, and when: at which of all entries taken.
    recent: VecDeque<(Origin, u64)>,
    /// How many entries were taken, ever.
    taken: u64,
}

#[derive(Debug, Default)]
struct Chain {
    first: u64,
    /// From `first` on, without a gap.
    entries: VecDeque<Rc<Record<Entry>>>,
    /// What does not join them, earlier or later, by number.
    apart: LiteMap<u64, Rc<Record<Entry>>>,
}

impl Chain {
    fn next(&self) -> u64 {
        self.first.saturating_add(self.entries.len() as u64)
    }

    fn get(&self, seq: u64) -> Option<&Rc<Record<Entry>>> {
        let index = seq
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok());
        let joined = index.and_then(|index| self.entries.get(index));
        joined.or_else(|| self.apart.get(&seq))
    }

    /// Takes over what joins now.
    fn close_up(&mut self) {
        while let Some(entry) = self.apart.remove(&self.next()) {
            self.entries.push_back(entry);
        }
        while let Some(before) = self.first.checked_sub(1)
            && let Some(entry) = self.apart.remove(&before)
        {
            self.first = before;
            self.entries.push_front(entry);
        }
    }

    /// Goes on from `seq`, which is there: what is between is gone for good.
    fn jump(&mut self, seq: u64) {
        let first = self.first;
        for (number, entry) in (first..).zip(std::mem::take(&mut self.entries)) {
            self.apart.insert(number, entry);
        }
        self.first = seq;
        while let Some(entry) = self.apart.remove(&self.next()) {
            self.entries.push_back(entry);
        }
    }
}

impl Log {
    /// Takes an entry that was checked.
    pub fn take(&mut self, entry: &Rc<Record<Entry>>) -> Taken {
        let origin = origin_of(entry);
        let seq = entry.content.seq;
        if self.horizon.is_some_and(|horizon| entry.content.order <= horizon) {
            return Taken::Known;
        }
        if !self.chains.contains_key(&origin) && self.chains.len() >= LOG_ORIGINS_MAX {
            return Taken::TooEarly;
        }
        let chain = self.chains.entry(origin).or_default();
        if chain.get(seq).is_some() {
            return Taken::Known;
        }
        if seq == chain.next() {
            chain.entries.push_back(Rc::clone(entry));
        } else if chain.apart.len() < AHEAD_MAX {
            chain.apart.insert(seq, Rc::clone(entry));
        } else {
            return Taken::TooEarly;
        }
        chain.close_up();
        self.places.insert(entry.short(), (origin, seq));
        self.digest ^= fingerprint(entry);
        self.entries += 1;
        self.bytes += entry.wire.len();
        self.note_recent(origin);
        self.let_go();
        Taken::New
    }

    /// An entry by its short id.
    #[must_use]
    pub fn find(&self, id: Short) -> Option<&Rc<Record<Entry>>> {
        let (origin, seq) = self.places.get(&id)?;
        self.chains.get(origin)?.get(*seq)
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        self.chains
            .values()
            .flat_map(|chain| chain.entries.iter().chain(chain.apart.values()))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// A number that is the same for the same entries: their hashes, each cut to 64 bits, added without carry.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// How many origins there are.
    #[must_use]
    pub fn origins(&self) -> usize {
        self.chains.len()
    }

    /// What there is of each origin.
    #[must_use]
    pub fn vector(&self) -> Vec<Span> {
        let span = |(origin, chain): (&Origin, &Chain)| Span {
            origin: *origin,
            first: chain.first,
            next: chain.next(),
        };
        self.chains.iter().map(span).collect()
    }

    /// What is lacking of a peer's vector: of each of these origins the numbers from `first` to below `next`.
    #[must_use]
    pub fn lacking(&self, theirs: &[Span]) -> Vec<Span> {
        let mut lacking = Vec::new();
        for span in theirs {
            let (first, next) = match self.chains.get(&span.origin) {
                Some(chain) => (chain.first, chain.next()),
                None if self.chains.len() < LOG_ORIGINS_MAX => (span.first, span.first),
                None => continue,
            };
            // Earlier ones than ours are wanted if we never had them, not if we let them go.
            if span.first < first && self.horizon.is_none() {
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

    /// A peer from which entries were fetched has none of what is between ours and its first: the chain goes on from there, once
    /// that entry has come.
    pub fn jump(&mut self, theirs: &[Span]) {
        for span in theirs {
            if let Some(chain) = self.chains.get_mut(&span.origin)
                && chain.next() < span.first
                && chain.apart.contains_key(&span.first)
            {
                chain.jump(span.first);
            }
        }
    }

    /// The entries of a span, as many as there are, in order.
    pub fn entries_of(&self, span: Span) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        let chain = self.chains.get(&span.origin);
        chain.into_iter().flat_map(move |chain| {
            let skip = usize::try_from(span.first.saturating_sub(chain.first)).unwrap_or(usize::MAX);
            let count = usize::try_from(span.next.saturating_sub(span.first.max(chain.first))).unwrap_or(usize::MAX);
            chain.entries.iter().skip(skip).take(count)
        })
    }

    /// How many entries were taken so far, those included that were let go.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How far there is everything of the origins that grew after the first `taken` entries, the last [`ACKS_MAX`] of them.
    #[must_use]
    pub fn acks(&self, taken: u64) -> Vec<Ack> {
        let ack = |(origin, _): &(Origin, u64)| {
            Some(Ack {
                author: Short::of_peer(&origin.author),
                incarnation: origin.incarnation,
                next: self.chains.get(origin)?.next(),
            })
        };
        let grown = self.recent.iter().take_while(|(_, at)| *at > taken);
        grown.filter_map(ack).collect()
    }

    fn note_recent(&mut self, origin: Origin) {
        self.taken += 1;
        self.recent.retain(|(known, _)| *known != origin);
        self.recent.push_front((origin, self.taken));
        self.recent.truncate(ACKS_MAX);
    }

    /// Lets the earliest entries go while there are too many.
    fn let_go(&mut self) {
        while self.entries > LOG_ENTRIES_MAX || self.bytes > LOG_BYTES_MAX {
            let earliest = |(origin, chain): (&Origin, &Chain)| {
                let ends = chain.entries.front().into_iter().chain(chain.apart.values());
                ends.map(|entry| (entry.content.order, *origin, entry.content.seq))
                    .min()
            };
            let Some((order, origin, seq)) = self.chains.iter().filter_map(earliest).min() else {
                return;
            };
            let Some(chain) = self.chains.get_mut(&origin) else {
                return;
            };
            let entry = if seq == chain.first && !chain.entries.is_empty() {
                chain.first += 1;
                chain.entries.pop_front()
            } else {
                chain.apart.remove(&seq)
            };
            let Some(entry) = entry else { return };
            self.horizon = self.horizon.max(Some(order));
            self.places.remove(&entry.short());
            self.digest ^= fingerprint(&entry);
            self.entries -= 1;
            self.bytes -= entry.wire.len();
        }
    }
}

fn origin_of(entry: &Record<Entry>) -> Origin {
    Origin {
        author: entry.author,
        incarnation: entry.content.incarnation,
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
    use crate::io::Timestamp;

    fn author(byte: u8) -> Identity {
        Identity::from_secret(&[byte; 32])
    }

    fn origin(byte: u8, incarnation: u64) -> Origin {
        Origin {
            author: author(byte).peer_id(),
            incarnation,
        }
    }

    fn entry_with(byte: u8, incarnation: u64, seq: u64, body: &[u8]) -> Rc<Record<Entry>> {
        let entry = Entry {
            incarnation,
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
            origin: origin(byte, 7),
            first,
            next,
        }
    }

    fn taken(log: &mut Log, seqs: impl IntoIterator<Item = u64>) -> Vec<Taken> {
        seqs.into_iter().map(|seq| log.take(&entry(1, seq))).collect()
    }

    #[test]
    fn an_entry_is_taken_once() {
        let mut log = Log::default();
        assert_eq!(
            taken(&mut log, [0, 1, 0, 1]),
            [Taken::New, Taken::New, Taken::Known, Taken::Known]
        );
        assert_eq!((log.len(), log.origins()), (2, 1));
        assert_eq!(log.find(entry(1, 1).short()), Some(&entry(1, 1)));
        assert_eq!(log.find(entry(1, 2).short()), None);
    }

    #[test]
    fn what_comes_before_its_predecessors_is_kept_and_counts_once_the_gap_is_closed() {
        let mut log = Log::default();
        assert_eq!(
            taken(&mut log, [0, 3, 2, 3]),
            [Taken::New, Taken::New, Taken::New, Taken::Known]
        );
        assert_eq!((log.len(), log.vector()), (3, vec![span(1, 0, 1)]));
        assert_eq!(
            log.find(entry(1, 3).short()),
            Some(&entry(1, 3)),
            "who asks for it gets it"
        );
        log.take(&entry(1, 1));
        assert_eq!((log.len(), log.vector()), (4, vec![span(1, 0, 4)]));
        assert_eq!(log.entries_of(span(1, 1, 3)).count(), 2);
    }

    #[test]
    fn too_far_ahead_is_left_to_sync() {
        let mut log = Log::default();
        let ahead = u64::try_from(AHEAD_MAX).unwrap();
        assert!(taken(&mut log, 1..=ahead).iter().all(|taken| *taken == Taken::New));
        assert_eq!(log.take(&entry(1, ahead + 1)), Taken::TooEarly);
        assert_eq!(log.take(&entry(1, 0)), Taken::New);
        assert_eq!(log.vector(), [span(1, 0, ahead + 1)]);
        assert_eq!(log.take(&entry(1, ahead + 1)), Taken::New);
    }

    #[test]
    fn the_digest_is_that_of_the_entries_whatever_order_they_came_in() {
        let entries = [entry(1, 0), entry(1, 1), entry(2, 0), entry_with(1, 8, 0, b"later")];
        let (mut one, mut other) = (Log::default(), Log::default());
        assert_eq!(one.digest(), 0);
        for place in 0..4 {
            one.take(&entries[place]);
            other.take(&entries[3 - place]);
            assert_eq!(one.digest() == other.digest(), place == 3);
        }
        let mut less = Log::default();
        less.take(&entries[0]);
        assert_ne!(less.digest(), one.digest());
    }

    #[test]
    fn of_two_entries_with_one_number_the_first_is_kept() {
        let mut log = Log::default();
        let [first, second] = [b"yes", b"no!"].map(|body| entry_with(1, 7, 0, body));
        assert_eq!(log.take(&first), Taken::New);
        let digest = log.digest();
        assert_eq!(log.take(&second), Taken::Known);
        assert_eq!(
            (log.find(first.short()), log.find(second.short())),
            (Some(&first), None)
        );
        assert_eq!(log.digest(), digest);
        // Nor does what came early give way.
        let [first, second] = [b"yes", b"no!"].map(|body| entry_with(1, 7, 5, body));
        assert_eq!((log.take(&first), log.take(&second)), (Taken::New, Taken::Known));
    }

    #[test]
    fn lacking_is_what_the_peer_has_beyond_ours() {
        let mut log = Log::default();
        taken(&mut log, [0, 1]);
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
    fn where_the_beginning_is_gone_for_good_a_chain_begins_later() {
        let mut log = Log::default();
        let theirs = [span(1, 6, 10)];
        taken(&mut log, [0, 1, 8]);
        assert_eq!(log.lacking(&theirs), theirs);
        log.jump(&theirs);
        assert_eq!(log.vector(), [span(1, 0, 2)], "not on the peer's word alone");
        assert_eq!(taken(&mut log, [6, 7]), [Taken::New, Taken::New]);
        log.jump(&theirs);
        assert_eq!(log.vector(), [span(1, 6, 9)]);
        assert_eq!(log.lacking(&theirs), [span(1, 9, 10)]);
        // Nor is it for ever: whoever has what is between can still bring it.
        assert_eq!(log.lacking(&[span(1, 0, 9)]), [span(1, 0, 6)]);
        assert_eq!(taken(&mut log, 2..6), [Taken::New; 4]);
        assert_eq!(log.vector(), [span(1, 0, 9)]);
    }

    #[test]
    fn a_span_gives_the_entries_there_are_in_order() {
        let mut log = Log::default();
        taken(&mut log, 0..5);
        let seqs = |span| log.entries_of(span).map(|entry| entry.content.seq).collect::<Vec<_>>();
        assert_eq!(seqs(span(1, 1, 3)), [1, 2]);
        assert_eq!(seqs(span(1, 3, u64::MAX)), [3, 4]);
        assert_eq!(seqs(span(1, 4, 2)), []);
        assert_eq!(seqs(span(1, u64::MAX, u64::MAX)), []);
        assert_eq!(seqs(span(2, 0, 9)), []);
    }

    #[test]
    fn acknowledged_are_the_origins_that_grew_last_as_far_as_there_is_no_gap() {
        let mut log = Log::default();
        let many = u64::try_from(ACKS_MAX).unwrap() + 2;
        for incarnation in 0..many {
            log.take(&entry_with(1, incarnation, 0, b"hi"));
        }
        log.take(&entry_with(1, 5, 1, b"hi"));
        log.take(&entry_with(1, 6, 2, b"early"));
        let acks = log.acks(0);
        assert_eq!(acks.len(), ACKS_MAX);
        let ack = |incarnation, next| Ack {
            author: Short::of_peer(&author(1).peer_id()),
            incarnation,
            next,
        };
        assert_eq!(acks[..3], [ack(6, 1), ack(5, 2), ack(many - 1, 1)]);
        assert!(
            acks.iter().all(|ack| ack.incarnation >= 2),
            "those that grew first are left out"
        );
        assert_eq!(log.acks(log.taken() - 2), acks[..2]);
        assert_eq!(log.acks(log.taken()).len(), 0);
    }

    #[test]
    fn past_the_bound_the_earliest_entries_are_let_go() {
        let mut log = Log::default();
        let count = u64::try_from(LOG_ENTRIES_MAX).unwrap();
        // Two authors in turn; one is later by a little than the other.
        for seq in 0..count / 2 {
            log.take(&entry(1, seq));
            log.take(&entry(2, seq));
        }
        let full = log.digest();
        assert_eq!(log.len(), LOG_ENTRIES_MAX);
        for seq in count / 2..count / 2 + 3 {
            assert_eq!(log.take(&entry(1, seq)), Taken::New);
        }
        assert_eq!(log.len(), LOG_ENTRIES_MAX);
        assert_ne!(log.digest(), full);
        let firsts: u64 = log.vector().iter().map(|span| span.first).sum();
        assert_eq!(firsts, 3);
        assert!(log.vector().iter().all(|span| (1..=2).contains(&span.first)));
        assert_eq!(log.find(entry(1, 0).short()), None);
        assert_eq!(log.take(&entry(1, 0)), Taken::Known, "it does not come back");
        // A peer that still has it is not asked for it.
        assert_eq!(log.lacking(&[span(1, 0, count / 2)]), []);
    }
}
