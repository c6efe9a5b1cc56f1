//! What the log has no room for. Whoever takes most room loses first, so a flood evicts itself.

use std::rc::Rc;

use shared::{MessageId, PeerId};

use super::{FeedLog, Log, Share, feed_of, stored::Touched};
use crate::{
    config::{Keeps, LOG_FEEDS_MAX},
    model::Retention,
    wire::{entry::Entry, record::Record, timestamp::Timestamp},
};

impl Share {
    /// How much room that is, in bytes: an entry takes room by its number, too.
    fn room(&self, of: &Keeps) -> usize {
        self.entries * (of.bytes_max / of.entries_max.max(1)) + self.bytes
    }
}

impl Log {
    /// Evicts what there is no room for.
    pub(super) fn evict_surplus(&mut self) {
        let (entries_max, bytes_max) = self.bounds();
        let is_wished = entries_max < self.keeps.entries_max || bytes_max < self.keeps.bytes_max;
        while self.entries > entries_max || self.bytes > bytes_max {
            let evicted = self.evict();
            // What there is no room for stays where it is shown.
            self.dropped.extend(is_wished.then(|| evicted.message_id()));
        }
    }

    /// How many entries and how many bytes of them are kept: what there is room for, or less if the person wants that. An archive has more room than a
    /// person can name.
    fn bounds(&self) -> (usize, usize) {
        let (limits, all) = (&self.limits, Retention::default());
        let least = |max: usize, wish: u32, all: u32| if wish < all { max.min(wish as usize) } else { max };
        (
            least(self.keeps.entries_max, limits.entries, all.entries),
            least(self.keeps.bytes_max, limits.bytes, all.bytes),
        )
    }

    /// Keeps no more than this from now on.
    pub(crate) fn set_limits(&mut self, limits: Retention) {
        self.limits = limits;
        self.evict_surplus();
    }

    /// What was evicted since the last time because a person wants less kept than there is room for.
    pub(crate) fn take_dropped(&mut self) -> Vec<MessageId> {
        std::mem::take(&mut self.dropped)
    }

    /// Evicts what comes before this in the one order, and all before it in its feed. Gives that.
    pub(crate) fn drop_before(&mut self, oldest: Timestamp) -> Vec<Rc<Record<Entry>>> {
        let mut dropped = Vec::new();
        for place in 0..self.feeds.len() {
            let FeedLog { feed, kept, .. } = &mut self.feeds[place];
            let old = kept.iter().filter(|entry| entry.content.order < oldest);
            let last = old.map(|entry| entry.content.seq).max();
            let feed = *feed;
            if last.is_none() && kept.give_up_skipped(oldest) {
                self.touch(Touched::Feed { feed });
            }
            while let Some(first) = self.feeds[place].kept.earliest()
                && Some(first.content.seq) <= last
            {
                dropped.extend(self.evict_first(place));
            }
        }
        dropped
    }

    /// Drops the bodies of whispers that come before this in the one order: what waited for so long is waited for no more. Gives them, and
    /// whether others still wait.
    pub(crate) fn drop_whispers_before(&mut self, oldest: Timestamp) -> (Vec<Rc<Record<Entry>>>, bool) {
        let (mut dropped, mut others) = (Vec::new(), false);
        for place in 0..self.feeds.len() {
            let mut old = Vec::new();
            for entry in self.feeds[place].kept.iter() {
                if entry.content.sealed().is_some() {
                    let is_old = entry.content.order < oldest;
                    old.extend(is_old.then(|| Rc::clone(entry)));
                    others |= !is_old;
                }
            }
            for entry in old {
                if self.feeds[place].kept.is_first(entry.content.seq) {
                    self.evict_first(place);
                } else {
                    self.replace(&entry, entry.bare());
                }
                dropped.push(entry);
            }
        }
        (dropped, others)
    }

    /// Puts the same entry without its body in the place of what is there.
    pub(super) fn replace(&mut self, entry: &Record<Entry>, bare: Rc<Record<Entry>>) {
        let (feed, seq) = (feed_of(entry), entry.content.seq);
        let Some(place) = self.by_feed.get(&feed) else { return };
        let (before, now) = (entry.wire.len(), bare.wire.len());
        self.bytes = self.bytes - before + now;
        if let Some(share) = self.authors.get_mut(&entry.author) {
            share.bytes = share.bytes - before + now;
        }
        if bare.content.is_spent() {
            self.by_id.remove(&entry.short());
        }
        self.feeds[place].kept.replace(bare);
        self.touch(Touched::Entry { feed, seq });
    }

    /// Forgets the feed that grew longest ago of the author with most of them. Gives its place.
    pub(super) fn give_up_feed(&mut self) -> usize {
        // Not our own: else all that we say would count as delivered to whoever never had it either.
        let own = self.by_feed.get(&self.own);
        let is_ours = |author: &PeerId| own.is_some() && *author == self.own.author;
        let counted = self.authors.iter();
        let counted = counted.map(|(author, share)| (share.feeds.len() - usize::from(is_ours(author)), share));
        let most = counted.clone().map(|(count, _)| count).max();
        let candidates = counted.filter(|(count, _)| Some(*count) == most);
        let oldest = candidates.filter_map(|(_, share)| share.feeds.iter().copied().find(|place| Some(*place) != own));
        let place = oldest
            .min_by_key(|place| self.feeds[*place].grown)
            .expect("invariant: there is more than one feed, and each has an author");
        while self.evict_of(place) {}
        let FeedLog { feed, kept, .. } = &self.feeds[place];
        self.heads.replace(feed, kept.head(), None);
        let feed = *feed;
        self.by_feed.remove(&feed);
        self.by_name.remove(&feed.short());
        if self.given_up.len() >= LOG_FEEDS_MAX {
            self.given_up.clear();
        }
        self.given_up.insert(&feed.short(), 0);
        self.touch(Touched::Feed { feed });
        self.recent.retain(|(recent, _)| *recent != place);
        if let Some(share) = self.authors.get_mut(&feed.author) {
            share.feeds.retain(|known| *known != place);
            if share.feeds.is_empty() {
                self.authors.remove(&feed.author);
            }
        }
        place
    }

    /// Evicts the earliest entry of the author who takes most room.
    fn evict(&mut self) -> Rc<Record<Entry>> {
        let greedy = self.authors.values().max_by_key(|share| share.room(&self.keeps));
        let feeds = greedy.into_iter().flat_map(|share| share.feeds.iter().copied());
        let earliest = feeds
            .filter_map(|place| Some((self.feeds[place].kept.earliest()?.content.order, place)))
            .min();
        let evicted = earliest.and_then(|(_, place)| self.evict_first(place));
        evicted.expect("invariant: whoever takes most room has an entry")
    }

    /// Evicts the first entry of a feed, if there is one.
    pub(super) fn evict_of(&mut self, place: usize) -> bool {
        self.evict_first(place).is_some()
    }

    fn evict_first(&mut self, place: usize) -> Option<Rc<Record<Entry>>> {
        let FeedLog { feed, kept, .. } = &mut self.feeds[place];
        let before = kept.head();
        let entry = kept.evict_first()?;
        self.heads.replace(feed, before, kept.head());
        let (feed, seq) = (*feed, entry.content.seq);
        self.touch(Touched::Entry { feed, seq });
        self.touch(Touched::Feed { feed });
        self.by_id.remove(&entry.short());
        self.forget_deletion(place, &entry);
        self.entries -= 1;
        self.bytes -= entry.wire.len();
        if let Some(share) = self.authors.get_mut(&entry.author) {
            share.entries -= 1;
            share.bytes -= entry.wire.len();
        }
        Some(entry)
    }
}
