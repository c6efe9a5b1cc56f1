//! What is kept no longer: by the founder's rule, which all honest nodes follow, and by the wish of our own person.
//!
//! The body of an entry goes once the entry is older than either says, with all that comes before it in its feed: an author's entries are in
//! the order of their dates, and whoever dates one back loses their own. So does a whisper. The header of the last entry of a feed stays,
//! so the log's [digest](super::log::Log::digest) and what is acknowledged are as before: nobody else can tell what is kept here.
//!
//! A whisper that waited in the log for as long as it may loses its body with everybody. Its header stays in its place, for what stands before
//! and after it in its feed stays; whoever comes later gets the header alone, and takes it for the entry, since it is as old.
//!
//! Owns: what the person wants, and when it is looked next. The time is the room's.

use std::{collections::VecDeque, rc::Rc, time::Duration};

use litemap::LiteMap;
use shared::{FileId, MessageId, PeerId};

use super::Room;
use crate::{
    config::{SWEEP, WHISPER_LASTS, WHISPER_SPENT},
    context::Context,
    io::{Instant, Priority, millis},
    model::{Event, Retention},
    order::{by_number, id_number},
    wire::{
        entry::Entry,
        record::Record,
        stored::{Fate, Key},
        timestamp::Timestamp,
    },
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Keeping {
    keep: Retention,
    /// When it is looked next, if anything has an end.
    at: Option<Instant>,
    /// Files whose offers are gone, and who deleted the last one, if somebody did.
    files: VecDeque<(FileId, Option<PeerId>)>,
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
        cx.store(Priority::Soon, Key::Retention.keep(&keep.within_limits()));
        self.recall_retention(cx, keep);
        self.on_retention_due(cx);
    }

    /// Goes on from what was stored.
    pub(super) fn recall_retention(&mut self, cx: &mut Context, keep: Retention) {
        let keep = keep.within_limits();
        self.keeping.keep = keep;
        self.log.set_limits(keep);
        cx.event(Event::Retention { keep });
    }

    /// A file whose offer is gone, once, and who deleted that, if somebody did.
    pub(crate) fn poll_forgotten_file(&mut self) -> Option<(FileId, Option<PeerId>)> {
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
        Some(before(cx, after))
    }

    /// Whether something with this place is kept no longer.
    pub(super) fn has_vanished(&self, cx: &Context, order: Timestamp) -> bool {
        self.oldest(cx).is_some_and(|oldest| order < oldest)
    }

    /// A whisper that came without its body, if its time is over: it counts as an entry like all others.
    pub(super) fn spent_whisper(&self, cx: &Context, wire: &[u8]) -> Option<Rc<Record<Entry>>> {
        let bare = Record::open_bare(wire, Some(&cx.room))?;
        (bare.content.order < oldest_whisper(cx, Duration::ZERO)).then_some(bare)
    }

    /// Looks within a while: a whisper waits in the log.
    pub(super) fn sweep_later(&mut self, cx: &Context) {
        self.keeping.at.get_or_insert(cx.instant() + SWEEP);
    }

    /// Drops what is to be kept no longer, and gives what of it may be shown, in ascending order of ids.
    pub(super) fn sweep(&mut self, cx: &mut Context) -> Vec<MessageId> {
        let oldest = self.oldest(cx);
        let (mut gone, whispers_wait) = self.log.drop_whispers_before(oldest_whisper(cx, WHISPER_SPENT));
        self.keeping.at = (whispers_wait || oldest.is_some()).then(|| cx.instant() + SWEEP);
        let mut dropped = self.log.take_dropped();
        if let Some(oldest) = oldest {
            let entries = self.log.drop_before(oldest);
            let gone_files: Vec<_> = entries
                .iter()
                .filter_map(|entry| Some((entry.content.file()?.root, None)))
                .collect();
            self.forget_files(gone_files);
            dropped.extend(entries.iter().map(|entry| entry.message_id()));
            // What only we keep no longer may still reach its recipient.
            let ruled = self.settings.vanish().after().map(|after| before(cx, after));
            let by_rule = entries.into_iter().filter(|entry| Some(entry.content.order) < ruled);
            gone.extend(by_rule);
            for (author, id) in self.conversations.drop_before(oldest) {
                cx.store(Priority::Soon, Key::Whisper { author, id }.forget());
                if author == self.me {
                    cx.store(Priority::Soon, Key::Fate { id }.forget());
                }
                dropped.push(id);
            }
        }
        let own = gone.iter().filter(|entry| entry.author == self.me);
        let places: Vec<_> = own.map(|entry| (entry.content.feed, entry.content.seq)).collect();
        for id in self.deliveries.drop_held(&places) {
            self.settle_whisper(cx, id, Fate::Failed);
        }
        // Everybody is to see the rule that they live by.
        let rule = self.settings.rule().map(|record| record.message_id());
        dropped.retain(|id| Some(*id) != rule);
        ascending(dropped)
    }

    /// Offers of files are gone: nothing is kept of those that nobody offers any more.
    pub(super) fn forget_files(&mut self, gone: Vec<(FileId, Option<PeerId>)>) {
        if gone.is_empty() {
            return;
        }
        let mut left = LiteMap::<FileId, ()>::new();
        for (root, _) in self.offers() {
            left.insert(root, ());
        }
        let is_gone = |(root, _): &(FileId, Option<PeerId>)| !left.contains_key(root);
        self.keeping.files.extend(gone.into_iter().filter(is_gone));
    }

    /// Tells what of what was shown is kept no longer.
    pub(super) fn tell_dropped(&mut self, cx: &mut Context, ids: Vec<MessageId>) {
        if !ids.is_empty() {
            cx.event(Event::Dropped { ids });
        }
    }
}

/// Ids in ascending order.
pub(super) fn ascending(ids: Vec<MessageId>) -> Vec<MessageId> {
    by_number(ids, id_number)
}

/// The place in the order of what was said so long ago.
fn before(cx: &Context, after: Duration) -> Timestamp {
    Timestamp::from_unix_millis(cx.room_millis().saturating_sub(millis(after)))
}

/// A whisper that waits in the log and comes before this has waited in vain, and for so much longer.
pub(super) fn oldest_whisper(cx: &Context, longer: Duration) -> Timestamp {
    before(cx, WHISPER_LASTS + longer)
}
