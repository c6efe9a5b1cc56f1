//! What authors have deleted: the bodies of these entries are gone, and stay gone.
//!
//! A deletion is an entry itself, and is followed whenever it comes: an entry that is here loses its body, and one that comes later is accepted
//! without it. The author's signature takes the body's place, so whoever gets the entry from here sees that its author wanted that.
//!
//! Bounds: a deletion is known as long as its own entry is kept; of several of one entry, the last that came.

use std::rc::Rc;

use shared::{FileId, MessageId, PeerId, Signature};

use super::{Log, feed_of};
use crate::wire::{entry::Entry, id::ShortId, record::Record};

impl Log {
    /// Whether an author has deleted an entry.
    pub(crate) fn is_deleted(&self, author: &PeerId, id: &MessageId) -> bool {
        self.deletions.contains(&(*author, *id))
    }

    /// The same entry as it is to be kept and passed on: without its body, if its author has deleted it.
    pub(crate) fn as_kept(&self, entry: &Rc<Record<Entry>>) -> Rc<Record<Entry>> {
        let (author, id) = (&entry.author, entry.message_id());
        let proof = self
            .deletions
            .get(&(*author, id))
            .filter(|_| entry.content.has_deletable_body())
            .and_then(|place| self.proof_at(place, &id));
        proof.map_or_else(|| Rc::clone(entry), |proof| entry.deleted(proof))
    }

    fn proof_at(&self, (place, seq): (usize, u64), id: &MessageId) -> Option<Signature> {
        let deletions = self.feeds.get(place)?.kept.get(seq)?.content.deletions()?;
        let of_it = deletions.of.into_iter().find(|deleted| deleted.id == *id);
        of_it.map(|deleted| deleted.proof)
    }

    /// An entry is here: what it deletes is gone.
    pub(super) fn follow_deletion(&mut self, place: usize, entry: &Record<Entry>) {
        let Some(deletions) = entry.content.deletions() else {
            return;
        };
        for deleted in deletions.of {
            self.deletions
                .insert(&(entry.author, deleted.id), (place, entry.content.seq));
            if let Some(here) = self.own_body(&entry.author, &deleted.id) {
                let file = here.content.file();
                self.deleted_files
                    .extend(file.map(|file| (file.root, Some(here.author))));
                self.replace(&here, here.deleted(deleted.proof));
            }
        }
    }

    /// The entry of an author with a body that can be deleted.
    fn own_body(&self, author: &PeerId, id: &MessageId) -> Option<Rc<Record<Entry>>> {
        let here = self.find(ShortId::of_message(id))?;
        let is_it = here.author == *author && here.message_id() == *id && here.content.has_deletable_body();
        is_it.then(|| Rc::clone(here))
    }

    /// All that was deleted before, once everything that was stored is here.
    pub(super) fn follow_deletions(&mut self) {
        let kept = self.iter().filter(|entry| entry.content.kind == Entry::DELETION);
        for deletion in kept.cloned().collect::<Vec<_>>() {
            if let Some(place) = self.by_feed.get(&feed_of(&deletion)) {
                self.follow_deletion(place, &deletion);
            }
        }
    }

    /// An entry is evicted: what it deletes is known no longer.
    pub(super) fn forget_deletion(&mut self, place: usize, entry: &Record<Entry>) {
        let deletions = entry.content.deletions();
        for deleted in deletions.into_iter().flat_map(|deletions| deletions.of) {
            let key = (entry.author, deleted.id);
            if self.deletions.get(&key) == Some((place, entry.content.seq)) {
                self.deletions.remove(&key);
            }
        }
    }

    /// The files whose offers were deleted since the last time, and by whom.
    pub(crate) fn take_deleted_files(&mut self) -> Vec<(FileId, Option<PeerId>)> {
        std::mem::take(&mut self.deleted_files)
    }
}
