//! What was stored of a room, as it is read.

use std::rc::Rc;

use litemap::LiteMap;
use shared::{MessageId, PeerId};

use crate::{
    order::{by_number, id_number},
    wire::{
        entry::Entry,
        record::Record,
        span::Feed,
        stored::{Fate, StoredFeed, StoredHead},
        whisper::Whisper,
    },
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Recalled {
    pub(super) feeds: Vec<(Feed, StoredFeed)>,
    pub(super) entries: Vec<Rc<Record<Entry>>>,
    pub(super) whispers: Vec<(PeerId, Whisper)>,
    pub(super) fates: LiteMap<MessageId, Fate>,
    pub(super) head: Option<StoredHead>,
    /// Whom we met, and what they are called.
    pub(super) names: Vec<(PeerId, String)>,
    /// How many entries were read when the latest of them were shown, if that is so already.
    pub(super) shown: Option<usize>,
}

impl Recalled {
    /// The entries as they are to be shown: what is deleted may not have been written without its body yet.
    pub(super) fn as_shown(&self) -> Vec<Rc<Record<Entry>>> {
        let of = |record: &Rc<Record<Entry>>| {
            let (author, deletions) = (record.author, record.content.deletions()?);
            Some(deletions.of.into_iter().map(move |deleted| (author, deleted)))
        };
        let deleted = by_number(self.entries.iter().filter_map(of).flatten(), |(_, deleted)| {
            id_number(&deleted.id)
        });
        let as_shown = |record: &Rc<Record<Entry>>| {
            let id = record.message_id();
            let first = deleted.partition_point(|(_, deleted)| id_number(&deleted.id) < id_number(&id));
            let same = deleted[first..].iter().take_while(|(_, deleted)| deleted.id == id);
            let mut by_author =
                same.filter(|(author, _)| *author == record.author && record.content.has_deletable_body());
            by_author
                .next()
                .map_or_else(|| Rc::clone(record), |(_, deleted)| record.deleted(deleted.proof))
        };
        self.entries.iter().map(as_shown).collect()
    }
}
