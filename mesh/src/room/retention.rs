//! What is kept no longer: by the founder's rule, which all honest nodes follow, and by the wish of our own person.
//!
//! The body of an entry goes once the entry is older than either says, with all that comes before it in its feed: an author's entries are in
//! the order of their dates, and whoever dates one back loses their own. So does a whisper. The header of the last entry of a feed stays,
//! so the log's [digest](super::log::Log::digest) and what is acknowledged are as before: nobody else can tell what is kept here.
//!
//! Owns: what the person wants, and when it is looked next. The time is the room's.

use std::collections::VecDeque;

use shared::{FileId, MessageId};

use super::Room;
use crate::{
    config::SWEEP,
    context::Context,
    io::{Instant, Priority, millis},
    model::{Event, Retention},
    wire::{stored::Key, timestamp::Timestamp},
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Keeping {
    keep: Retention,
    /// When it is looked next, if anything has an end.
    at: Option<Instant>,
    /// Files whose offers are gone.
    files: VecDeque<FileId>,
}

impl Room {
    /// When it is looked for what is to be kept no longer.
    pub(crate) fn retention_due(&self) -> Option<Instant> {
        self.keeping.at
    }

    /// Drops what is to be kept no longer.
    pub(crate) fn on_retention_due(&mut self, cx: &mut Context) {
        let dropped = self.sweep(cx);
        self.tell_dropped(cx, dropped);
        self.persist(cx);
    }

    /// Keeps so much from now on.
    pub(crate) fn set_retention(&mut self, cx: &mut Context, keep: Retention) {
        let keep = keep.within_limits();
        self.keeping.keep = keep;
        self.log.set_limits(keep);
        cx.store(Priority::Soon, Key::Retention.keep(&keep));
        cx.event(Event::Retention { keep });
        self.on_retention_due(cx);
    }

    /// Goes on from what was stored.
    pub(super) fn recall_retention(&mut self, cx: &mut Context, keep: Retention) {
        let keep = keep.within_limits();
        self.keeping.keep = keep;
        self.log.set_limits(keep);
        cx.event(Event::Retention { keep });
    }

    /// A file whose offer is gone, once.
    pub(crate) fn poll_forgotten_file(&mut self) -> Option<FileId> {
        self.keeping.files.pop_front()
    }

    /// Looks soon for what is to be kept no longer.
    pub(super) fn sweep_soon(&mut self, cx: &Context) {
        self.keeping.at = Some(cx.instant());
    }

    /// What comes before this is kept no longer, if anything has an end.
    fn oldest(&self, cx: &Context) -> Option<Timestamp> {
        let ends = [self.settings.vanish().after(), self.keeping.keep.lasts()];
        let after = ends.into_iter().flatten().min()?;
        let before = cx.room_millis().saturating_sub(millis(after));
        Some(Timestamp::from_unix_millis(before))
    }

    /// Whether something with this place is kept no longer.
    pub(super) fn has_vanished(&self, cx: &Context, order: Timestamp) -> bool {
        self.oldest(cx).is_some_and(|oldest| order < oldest)
    }

    /// Drops what is to be kept no longer, and gives what of it may be shown, in ascending order of ids.
    pub(super) fn sweep(&mut self, cx: &mut Context) -> Vec<MessageId> {
        let oldest = self.oldest(cx);
        self.keeping.at = oldest.map(|_| cx.instant() + SWEEP);
        let mut dropped = self.log.take_dropped();
        if let Some(oldest) = oldest {
            let entries = self.log.drop_before(oldest);
            for root in entries.iter().filter_map(|entry| Some(entry.content.file()?.root)) {
                if self.offers().all(|(offered, _)| offered != root) {
                    self.keeping.files.push_back(root);
                }
            }
            dropped.extend(entries.iter().map(|entry| entry.message_id()));
            for (author, id) in self.conversations.drop_before(oldest) {
                cx.store(Priority::Soon, Key::Whisper { author, id }.forget());
                if author == self.me {
                    cx.store(Priority::Soon, Key::Fate { id }.forget());
                }
                dropped.push(id);
            }
        }
        // Everybody is to see the rule that they live by.
        let rule = self.settings.rule().map(|record| record.message_id());
        dropped.retain(|id| Some(*id) != rule);
        dropped.sort_unstable();
        dropped
    }

    /// Tells what of what was shown is kept no longer.
    pub(super) fn tell_dropped(&mut self, cx: &mut Context, ids: Vec<MessageId>) {
        if !ids.is_empty() {
            cx.event(Event::Dropped { ids });
        }
    }
}
