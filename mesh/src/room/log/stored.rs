//! What is kept of the log for the next visit: its entries, and of a feed what these do not tell.
//!
//! Invariant: from what was stored comes the same digest, whatever was evicted or skipped. An entry that is damaged is lacking: it counts as
//! skipped, and is asked for.

use litemap::LiteMap;

use super::{FeedLog, Log, Rc, Record, feed_of, kept::Kept};
use crate::{
    io::Change,
    order::by_number,
    wire::{
        entry::{Entry, Header},
        fork::Fork,
        span::Feed,
        stored::{Key, StoredFeed},
    },
};
use shared::Room;

/// Something that is another now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touched {
    /// An entry came, or was evicted.
    Entry { feed: Feed, seq: u64 },
    /// More than the entries of a feed.
    Feed { feed: Feed },
}

/// What was stored of one feed.
type Part = (Option<StoredFeed>, Vec<Rc<Record<Entry>>>);

/// Something to be stored.
#[derive(Debug)]
pub(crate) struct LogChange {
    pub(crate) change: Change,
    /// If it is an entry that came: which.
    pub(crate) entry: Option<(Feed, u64)>,
}

impl Log {
    /// Something is another now.
    pub(super) fn touch(&mut self, touched: Touched) {
        if self.touched.last() != Some(&touched) {
            self.touched.push(touched);
        }
    }

    /// Nothing of it is to be stored.
    pub(crate) fn drop_changes(&mut self) {
        self.touched.clear();
    }

    /// What is to be stored since the last time.
    pub(crate) fn take_changes(&mut self) -> Vec<LogChange> {
        let touched = std::mem::take(&mut self.touched);
        touched.into_iter().map(|touched| self.change(touched)).collect()
    }

    fn change(&self, touched: Touched) -> LogChange {
        match touched {
            Touched::Entry { feed, seq } => {
                let (key, here) = (Key::Entry { feed, seq }, self.entry_at(&feed, seq));
                LogChange {
                    change: here.map_or_else(|| key.forget(), |entry| key.keep_bytes(&entry.wire)),
                    entry: here.map(|_| (feed, seq)),
                }
            }
            Touched::Feed { feed } => {
                let key = Key::Feed { feed };
                let known = self.by_feed.get(&feed).map(|place| self.feeds[place].stored());
                LogChange {
                    change: known.map_or_else(|| key.forget(), |known| key.keep(&known)),
                    entry: None,
                }
            }
        }
    }

    /// Goes on from what was stored.
    pub(crate) fn restore(&mut self, room: &Room, feeds: Vec<(Feed, StoredFeed)>, entries: Vec<Rc<Record<Entry>>>) {
        let mut by_feed: LiteMap<Feed, Part> = LiteMap::new();
        for (feed, state) in feeds {
            by_feed.entry(feed).or_default().0 = Some(state);
        }
        for entry in entries {
            by_feed.entry(feed_of(&entry)).or_default().1.push(entry);
        }
        // Those that grew last are told first.
        let last = |entries: &[Rc<Record<Entry>>]| entries.iter().map(|entry| entry.content.order.as_u64()).max();
        let feeds = by_number(by_feed, |(_, (_, entries))| u128::from(last(entries).unwrap_or(0)));
        for (feed, (state, entries)) in feeds {
            self.restore_feed(room, feed, state, entries);
        }
        self.follow_deletions();
        // More than there is room for only if two programs stored different parts.
        self.evict_surplus();
    }

    fn restore_feed(
        &mut self,
        room: &Room,
        feed: Feed,
        state: Option<StoredFeed>,
        mut entries: Vec<Rc<Record<Entry>>>,
    ) {
        let place = self.place_of(feed);
        if self.feeds[place].kept.head().is_some() {
            // We spoke in it before the store was read.
            return;
        }
        if let Some(StoredFeed::Forked { one, other }) = &state {
            self.feeds[place].fork = Fork::open(one, other, room).ok().map(Rc::new);
            return;
        }
        if let Some(StoredFeed::Open(state)) = &state {
            // Stored by a program that had not evicted them.
            entries.retain(|entry| entry.content.seq >= state.evicted);
        }
        for entry in &entries {
            if !entry.content.is_spent() {
                self.by_id.insert(&entry.short(), (place, entry.content.seq));
            }
            self.entries += 1;
            self.bytes += entry.wire.len();
            if let Some(share) = self.authors.get_mut(&feed.author) {
                share.entries += 1;
                share.bytes += entry.wire.len();
            }
        }
        let state = state.and_then(|state| match state {
            StoredFeed::Open(state) => Some(state),
            StoredFeed::Forked { .. } => None,
        });
        let kept = Kept::restore(state, entries, |wire| Header::open(wire, room).ok());
        self.heads.replace(&feed, None, kept.head());
        self.feeds[place].kept = kept;
        self.note_recent(place);
    }
}

impl FeedLog {
    fn stored(&self) -> StoredFeed {
        match &self.fork {
            Some(fork) => {
                let [one, other] = fork.headers.clone().map(Into::into);
                StoredFeed::Forked { one, other }
            }
            None => StoredFeed::Open(self.kept.stored()),
        }
    }
}
