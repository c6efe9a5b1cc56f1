//! What waits to be written to the store: in batches, one at a time.
//!
//! Owns: the changes that the node wants kept and the store has not taken. A batch is written a moment after its first change, so that
//! what comes together is written together; at once, and safe from a power cut, if the node waits for it. While
//! one batch is being written the next one grows, up to a bound: a store that takes so long is taken for broken. Once it has ended, by a failure or because the
//! room is forgotten, nothing is written any more. A program that goes away waits for no answer: stores keep the order of batches.

use std::collections::VecDeque;

use mesh::io::{Change, Instant, Priority};

use crate::{
    config::{WAITING_BYTES_MAX, WAITING_CHANGES_MAX, WRITE_AFTER},
    store::{Durability, StoreError},
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Journal {
    waiting: Vec<Change>,
    waiting_bytes: usize,
    /// When what waits is to be written, and how.
    due: Option<(Instant, Durability)>,
    /// How many changes are being written, in each batch.
    writing: VecDeque<usize>,
    /// Whether the next batch waits for no other.
    hurries: bool,
    /// How many were written, ever.
    written: u64,
    ended: bool,
}

impl Journal {
    /// Takes a change.
    ///
    /// # Errors
    /// [`StoreError::Stalled`] if too much waits; the change is not taken.
    pub(super) fn push(&mut self, now: Instant, change: Change, priority: Priority) -> Result<(), StoreError> {
        if self.ended {
            return Ok(());
        }
        let bytes = self.waiting_bytes + change.key.len() + change.value.as_ref().map_or(0, |value| value.len());
        if self.waiting.len() >= WAITING_CHANGES_MAX || bytes > WAITING_BYTES_MAX {
            return Err(StoreError::Stalled);
        }
        self.waiting_bytes = bytes;
        let (at, durability) = match priority {
            Priority::AtOnce => (now, Durability::Strict),
            Priority::Soon => (now + WRITE_AFTER, Durability::Relaxed),
        };
        self.due = Some(match self.due {
            Some((due, Durability::Strict)) => (due.min(at), Durability::Strict),
            Some((due, Durability::Relaxed)) => (due.min(at), durability),
            None => (at, durability),
        });
        self.waiting.push(change);
        Ok(())
    }

    /// What waits is written now: there may be no later.
    pub(super) fn hasten(&mut self, now: Instant) {
        self.hurries = self.due.is_some();
        if let Some((due, _)) = &mut self.due {
            *due = now.min(*due);
        }
    }

    /// When [`Journal::poll`] has something.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let may_write = self.writing.is_empty() || self.hurries;
        self.due.filter(|_| may_write).map(|(due, _)| due)
    }

    /// The next batch, if it is time.
    pub(super) fn poll(&mut self, now: Instant) -> Option<(Vec<Change>, Durability)> {
        self.poll_timeout().filter(|due| *due <= now)?;
        let (_, durability) = self.due.take()?;
        self.hurries = false;
        self.writing.push_back(self.waiting.len());
        self.waiting_bytes = 0;
        Some((std::mem::take(&mut self.waiting), durability))
    }

    /// A batch was written. Gives how many changes were, ever.
    pub(super) fn handle_written(&mut self) -> u64 {
        self.written += self.writing.pop_front().map_or(0, |changes| changes as u64);
        self.written
    }

    /// Whether nothing waits, and nothing is being written.
    pub(super) fn is_done(&self) -> bool {
        self.due.is_none() && self.writing.is_empty()
    }

    /// Whether nothing is written any more.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// A batch could not be written, or nothing more is to be.
    pub(super) fn end(&mut self) {
        *self = Self {
            ended: true,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use mesh::io::Owner;

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn change(key: u8) -> Change {
        let (owner, key, value) = (Owner::Room, vec![key], None);
        Change { owner, key, value }
    }

    #[test]
    fn what_comes_together_is_written_together_and_what_the_node_waits_for_at_once() {
        let mut journal = Journal::default();
        let [others, more, own] = [1, 2, 3].map(change);
        journal.push(at(0), others.clone(), Priority::Soon).unwrap();
        let later = at(0) + WRITE_AFTER;
        assert_eq!((journal.poll_timeout(), journal.poll(at(1))), (Some(later), None));
        journal.push(at(1), own.clone(), Priority::AtOnce).unwrap();
        assert_eq!(
            journal.poll(at(1)),
            Some((vec![others, own.clone()], Durability::Strict))
        );

        journal.push(at(2), own.clone(), Priority::AtOnce).unwrap();
        journal.push(at(2), more.clone(), Priority::Soon).unwrap();
        assert_eq!(
            (journal.poll_timeout(), journal.poll(later)),
            (None, None),
            "one at a time"
        );
        assert_eq!(journal.handle_written(), 2);
        assert_eq!(journal.poll(at(3)), Some((vec![own, more.clone()], Durability::Strict)));
        assert_eq!(journal.handle_written(), 4);
        journal.push(at(5), more.clone(), Priority::Soon).unwrap();
        assert_eq!(
            journal.poll(at(5) + WRITE_AFTER),
            Some((vec![more], Durability::Relaxed))
        );
    }

    #[test]
    fn what_waits_is_bounded_by_number_and_by_bytes() {
        let mut journal = Journal::default();
        journal.push(at(0), change(0), Priority::AtOnce).unwrap();
        assert!(journal.poll(at(0)).is_some(), "this one is never written");
        for _ in 0..WAITING_CHANGES_MAX {
            journal.push(at(0), change(1), Priority::Soon).unwrap();
        }
        let stalled = Err(StoreError::Stalled);
        assert_eq!(journal.push(at(0), change(1), Priority::AtOnce), stalled);
        journal.handle_written();
        let (batch, _) = journal.poll(at(0) + WRITE_AFTER).unwrap();
        assert_eq!(batch.len(), WAITING_CHANGES_MAX);

        let large = |bytes: usize| Change {
            value: Some(vec![0; bytes - 1].into()),
            ..change(1)
        };
        journal.push(at(0), large(WAITING_BYTES_MAX), Priority::Soon).unwrap();
        assert_eq!(journal.push(at(0), large(1), Priority::Soon), stalled);
        journal.handle_written();
        assert!(journal.poll(at(0) + WRITE_AFTER).is_some());
        journal.push(at(0), large(1), Priority::Soon).unwrap();
    }

    #[test]
    fn what_waits_is_written_at_once_before_the_end_and_then_all_is_done() {
        let mut journal = Journal::default();
        journal.hasten(at(0));
        assert!(journal.is_done() && journal.poll(at(0)).is_none());
        journal.push(at(0), change(1), Priority::Soon).unwrap();
        journal.hasten(at(1));
        assert!(!journal.is_done());
        assert_eq!(journal.poll(at(1)), Some((vec![change(1)], Durability::Relaxed)));
        assert!(!journal.is_done());
        journal.handle_written();
        assert!(journal.is_done());
    }

    #[test]
    fn what_waits_behind_another_batch_is_written_at_once_before_the_end() {
        let mut journal = Journal::default();
        journal.push(at(0), change(1), Priority::AtOnce).unwrap();
        assert!(journal.poll(at(0)).is_some());
        journal.push(at(0), change(2), Priority::Soon).unwrap();
        assert_eq!(journal.poll(at(0) + WRITE_AFTER), None);
        journal.hasten(at(1));
        assert_eq!(journal.poll(at(1)), Some((vec![change(2)], Durability::Relaxed)));
        journal.push(at(1), change(3), Priority::AtOnce).unwrap();
        assert_eq!(journal.poll(at(1)), None, "one at a time again");
        assert_eq!((journal.handle_written(), journal.handle_written()), (1, 2));
        assert!(journal.poll(at(1)).is_some());
        assert_eq!(journal.handle_written(), 3);
        assert!(journal.is_done());
    }

    #[test]
    fn after_its_end_nothing_is_written_any_more() {
        let mut journal = Journal::default();
        journal.push(at(0), change(1), Priority::AtOnce).unwrap();
        assert!(journal.poll(at(0)).is_some());
        journal.push(at(0), change(2), Priority::Soon).unwrap();
        journal.end();
        assert_eq!(journal.poll_timeout(), None);
        journal.push(at(1), change(2), Priority::AtOnce).unwrap();
        assert_eq!((journal.poll(at(1)), journal.poll_timeout()), (None, None));
    }
}
