//! What the log has no room for. Whoever takes most room loses first, so a flood evicts itself.

use super::{FeedLog, Log, Share, stored::Touched};
use crate::config::Keeps;

impl Share {
    /// How much room that is, in bytes: an entry takes room by its number, too.
    fn room(&self, of: &Keeps) -> usize {
        self.entries * (of.bytes_max / of.entries_max.max(1)) + self.bytes
    }
}

impl Log {
    /// Evicts what there is no room for.
    pub(super) fn evict_surplus(&mut self) {
        while self.entries > self.keeps.entries_max || self.bytes > self.keeps.bytes_max {
            self.evict();
        }
    }

    /// Forgets the feed that grew longest ago of the author with most of them. Gives its place.
    pub(super) fn give_up_feed(&mut self) -> usize {
        // Else all that we say would count as delivered to whoever never had it either.
        let others = |share: &Share| {
            let feeds = share.feeds.iter().copied();
            feeds
                .filter(|place| self.feeds[*place].feed != self.own)
                .collect::<Vec<_>>()
        };
        let most = self
            .authors
            .values()
            .map(|share| others(share).len())
            .max()
            .unwrap_or(0);
        let candidates = self
            .authors
            .values()
            .map(others)
            .filter(|feeds| feeds.len() == most)
            .flatten();
        let place = candidates
            .min_by_key(|place| self.feeds[*place].grown)
            .expect("invariant: there is more than one feed, and each has an author");
        while self.evict_of(place) {}
        let FeedLog { feed, kept, .. } = &self.feeds[place];
        self.heads.replace(feed, kept.head(), None);
        let feed = *feed;
        self.by_feed.remove(&feed);
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
    fn evict(&mut self) {
        let greedy = self.authors.values().max_by_key(|share| share.room(&self.keeps));
        let feeds = greedy.into_iter().flat_map(|share| share.feeds.iter().copied());
        let earliest = feeds
            .filter_map(|place| Some((self.feeds[place].kept.earliest()?.content.order, place)))
            .min();
        let evicted = earliest.is_some_and(|(_, place)| self.evict_of(place));
        assert!(evicted, "invariant: whoever takes most room has an entry");
    }

    /// Evicts the first entry of a feed, if there is one.
    pub(super) fn evict_of(&mut self, place: usize) -> bool {
        let FeedLog { feed, kept, .. } = &mut self.feeds[place];
        let before = kept.head();
        let Some(entry) = kept.evict_first() else {
            return false;
        };
        self.heads.replace(feed, before, kept.head());
        let (feed, seq) = (*feed, entry.content.seq);
        self.touch(Touched::Entry { feed, seq });
        self.touch(Touched::Feed { feed });
        self.by_id.remove(&entry.short());
        self.entries -= 1;
        self.bytes -= entry.wire.len();
        if let Some(share) = self.authors.get_mut(&entry.author) {
            share.entries -= 1;
            share.bytes -= entry.wire.len();
        }
        true
    }
}
