//! What is written ahead: nothing of ours is sent, and nothing of others acknowledged, before it is stored.
//!
//! So a node that comes back after a crash never gives a number of its feed to a second entry, and has what it said that it has. It is the
//! write-ahead log of databases (Mohan and others, *ARIES*, ACM TODS 1992), with the store as the log.
//!
//! Owns: what waits for the store. Where nothing is kept, nothing waits.

use std::{collections::VecDeque, rc::Rc};

use shared::{MessageId, PeerId};

use crate::wire::{
    entry::Entry,
    id::ShortId,
    record::{Ack, Record},
    span::Feed,
};

/// See the [module documentation](self). Each thing waits until so many changes are stored.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Entries of others that are not acknowledged yet.
    unstored: VecDeque<Unstored>,
    /// Entries of ours that are not sent yet.
    unsent: VecDeque<(u64, Rc<Record<Entry>>)>,
    /// Receipts for whispers.
    receipts: VecDeque<(u64, PeerId, MessageId)>,
}

#[derive(Debug)]
struct Unstored {
    changes: u64,
    feed: Feed,
    seq: u64,
    /// How many entries had been accepted before it.
    accepted: u64,
}

/// What need not wait any longer.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// Whether entries of others are among it.
    pub(super) entries: bool,
    /// Entries of ours, to be sent.
    pub(super) own: Vec<Rc<Record<Entry>>>,
    /// Receipts to be sent.
    pub(super) receipts: Vec<(PeerId, MessageId)>,
}

impl Journal {
    /// An entry of another is being stored.
    pub(super) fn push_entry(&mut self, changes: u64, feed: Feed, seq: u64, accepted: u64) {
        self.unstored.push_back(Unstored {
            changes,
            feed,
            seq,
            accepted,
        });
    }

    /// An entry of ours is being stored.
    pub(super) fn push_own(&mut self, changes: u64, record: Rc<Record<Entry>>) {
        self.unsent.push_back((changes, record));
    }

    /// A whisper to us is being stored.
    pub(super) fn push_receipt(&mut self, changes: u64, to: PeerId, id: MessageId) {
        self.receipts.push_back((changes, to, id));
    }

    /// Whether the receipt for a whisper still waits.
    pub(super) fn awaits_receipt(&self, id: MessageId) -> bool {
        self.receipts.iter().any(|(_, _, waits)| *waits == id)
    }

    /// So many changes are stored.
    pub(super) fn handle_stored(&mut self, changes: u64) -> Stored {
        let mut stored = Stored::default();
        while self.unstored.front().is_some_and(|first| first.changes <= changes) {
            self.unstored.pop_front();
            stored.entries = true;
        }
        while let Some((_, record)) = pop_if(&mut self.unsent, |(needs, _)| *needs <= changes) {
            stored.own.push(record);
        }
        while let Some((_, to, id)) = pop_if(&mut self.receipts, |(needs, ..)| *needs <= changes) {
            stored.receipts.push((to, id));
        }
        stored
    }

    /// Nothing is stored any more: nothing of others waits for it, and ours is taken back.
    pub(super) fn take_unsent(&mut self) -> Vec<Rc<Record<Entry>>> {
        self.unsent.drain(..).map(|(_, record)| record).collect()
    }

    /// The entries of ours that are not sent yet.
    pub(super) fn unsent(&self) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        self.unsent.iter().map(|(_, record)| record)
    }

    /// Whether everything of others is stored.
    pub(super) fn is_stored(&self) -> bool {
        self.unstored.is_empty()
    }

    /// Whether neither an entry of ours nor a receipt waits.
    pub(super) fn has_sent_all(&self) -> bool {
        self.unsent.is_empty() && self.receipts.is_empty()
    }

    /// Of so many entries accepted, how many came before the first that is not stored.
    pub(super) fn stored_of(&self, accepted: u64) -> u64 {
        self.unstored.front().map_or(accepted, |first| first.accepted)
    }

    /// What may be acknowledged of these.
    pub(super) fn limit(&self, mut acks: Vec<Ack>) -> Vec<Ack> {
        for Unstored { feed, seq, .. } in &self.unstored {
            let author = ShortId::of_peer(&feed.author);
            let of_feed = acks
                .iter_mut()
                .filter(|ack| ack.author == author && ack.feed == feed.number);
            for ack in of_feed {
                ack.next = ack.next.min(*seq).max(ack.first);
            }
        }
        acks.retain(|ack| ack.first < ack.next);
        acks
    }

    /// Whether an entry of ours is not sent yet.
    pub(super) fn awaits(&self, record: &Record<Entry>) -> bool {
        self.unsent.iter().any(|(_, waits)| waits.id == record.id)
    }

    /// The number of the first entry of ours that waits.
    pub(super) fn first_unsent(&self) -> Option<u64> {
        self.unsent.front().map(|(_, record)| record.content.seq)
    }
}

fn pop_if<T>(queue: &mut VecDeque<T>, condition: impl Fn(&T) -> bool) -> Option<T> {
    queue.front().is_some_and(condition).then(|| queue.pop_front())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: Feed = Feed {
        author: PeerId::from_bytes([2; 32]),
        number: 5,
    };

    fn ack(first: u64, next: u64) -> Ack {
        Ack {
            author: ShortId::of_peer(&FEED.author),
            feed: FEED.number,
            first,
            next,
        }
    }

    #[test]
    fn nothing_is_acknowledged_before_it_is_stored() {
        let mut journal = Journal::default();
        journal.push_entry(1, FEED, 3, 10);
        journal.push_entry(4, FEED, 4, 11);
        assert_eq!(journal.limit(vec![ack(0, 5)]), [ack(0, 3)]);
        assert_eq!(journal.limit(vec![ack(3, 5)]), []);
        assert_eq!((journal.is_stored(), journal.stored_of(12)), (false, 10));
        assert!(journal.handle_stored(3).entries);
        assert_eq!(journal.limit(vec![ack(0, 5)]), [ack(0, 4)]);
        assert_eq!(journal.stored_of(12), 11);
        assert!(journal.handle_stored(4).entries && !journal.handle_stored(5).entries);
        assert_eq!(journal.limit(vec![ack(0, 5)]), [ack(0, 5)]);
        assert_eq!((journal.is_stored(), journal.stored_of(12)), (true, 12));
    }

    #[test]
    fn a_receipt_waits_for_its_whisper() {
        let mut journal = Journal::default();
        let id = MessageId::from_bytes([7; MessageId::LEN]);
        journal.push_receipt(2, FEED.author, id);
        assert_eq!(journal.handle_stored(1).receipts, []);
        assert!(journal.awaits_receipt(id));
        assert_eq!(journal.handle_stored(2).receipts, [(FEED.author, id)]);
        assert!(!journal.awaits_receipt(id));
    }
}
