//! The room's log: everything said to everyone, as far as this node has it.
//!
//! Each author numbers its entries within a feed. So what a node has of one feed is "everything below `next`", and what it has of the
//! room is a *version vector* (Parker et al., 1983) of such numbers. Entries that come out of order are kept, and shown, too.
//!
//! Owns: the entries, their numbers and their digest. Not here: what is shown of an entry, and who else may lack it.
//!
//! Invariants: an entry is accepted once. Whether it is accepted never depends on its date, nor on other authors: what is evicted is
//! told by one number a feed. Two nodes that have the feeds up to the same entries have the same [`digest`](Log::digest), whatever
//! they have evicted.
//!
//! Bounds: as many entries and bytes as [`Keeps`] says; past them the author who takes most room loses its earliest entry.
//! A person can have less kept.
//! [`LOG_FEEDS_MAX`] feeds; past them the author with most feeds loses the one that grew longest ago. So a flood evicts itself.
//! As many that were given up are remembered, and not asked for again.
//!
//! Vectors are not signed, and nothing is believed because of them but what to ask for, and, of an author whose entry came, where its
//! entries begin. What a feed lacks of what it skipped is remembered: it is not acknowledged.
//!
//! An author that signs two entries of which there can be but one has [forked](Fork) the feed. Nodes that have the one and nodes that have
//! the other could not agree on more of it, so that is the end of the feed: nothing of it is accepted, kept or acknowledged any more, and it
//! is no part of the digest. The proof takes its place.

mod delete;
mod evict;
mod heads;
mod kept;
mod stored;
mod vector;

use std::{collections::VecDeque, rc::Rc};

use litemap::LiteMap;
use shared::{FileId, MessageId, PeerId};

use self::{heads::Heads, kept::Kept, stored::Touched};
use crate::{
    config::{ACKS_MAX, Keeps, LOG_FEEDS_MAX, WANT_SPANS_MAX},
    lookup::Lookup,
    model::Retention,
    wire::{
        entry::{Entry, Header},
        fork::Fork,
        id::ShortId,
        record::{Ack, Record},
        span::{Feed, LogDigest, Span},
    },
};

/// How an entry came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// By itself: as many as anybody likes.
    Broadcast,
    /// It was asked for.
    Sync,
    /// We said it, and it is stored.
    Own,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It is new.
    New,
    /// It was there, or was evicted already; or its feed is over; or it is ours, and others have another in its place.
    Known,
    /// Its author has contradicted what is there: this is the end of the feed, and [`Log::fork`] gives the proof.
    Forked,
    /// Too far ahead of its predecessors: it is left to sync.
    TooEarly,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Log {
    own: Feed,
    feeds: Vec<FeedLog>,
    /// Where a feed is among them.
    by_feed: Lookup<Feed, usize>,
    /// The same by what neighbors call it.
    by_name: Lookup<ShortId, usize>,
    /// Where an announced entry is: its feed, and its number there.
    by_id: Lookup<ShortId, (usize, u64)>,
    /// The feeds that were given up last, each with nothing.
    given_up: Lookup<ShortId, usize>,
    heads: Heads,
    authors: LiteMap<PeerId, Share>,
    entries: usize,
    bytes: usize,
    /// How many there may be, and how large.
    keeps: Keeps,
    /// The feeds that grew last, the latest first, and when: at which of all entries accepted.
    recent: VecDeque<(usize, u64)>,
    /// How many entries were accepted, ever.
    accepted: u64,
    /// What is another now than was stored.
    touched: Vec<Touched>,
    /// How much is kept, if that is less than there is room for.
    limits: Retention,
    /// What was evicted for the person's own limits, not for want of room.
    dropped: Vec<MessageId>,
    /// Where the deletion of an entry is that may not be here.
    deletions: Lookup<(PeerId, MessageId), (usize, u64)>,
    /// Files whose offers were deleted.
    deleted_files: Vec<FileId>,
}

/// A feed, and what is kept of it.
#[derive(Debug)]
struct FeedLog {
    feed: Feed,
    kept: Kept,
    /// When it grew last: at which of all entries accepted.
    grown: u64,
    /// That it is over, with the proof. Nothing is kept then.
    fork: Option<Rc<Fork>>,
}

/// What an author takes of the log.
#[derive(Debug, Default)]
struct Share {
    /// Where its feeds are, the one that grew last at the end.
    feeds: Vec<usize>,
    entries: usize,
    bytes: usize,
}

impl Log {
    /// An empty log. `seed`: the node's.
    /// `own`: the feed of our own, which is not given up.
    pub(crate) fn new(seed: [u8; 32], own: Feed) -> Self {
        Self {
            own,
            feeds: Vec::new(),
            by_feed: Lookup::new(seed),
            by_name: Lookup::new(seed),
            by_id: Lookup::new(seed),
            given_up: Lookup::new(seed),
            heads: Heads::default(),
            authors: LiteMap::new(),
            entries: 0,
            bytes: 0,
            keeps: Keeps::default(),
            recent: VecDeque::new(),
            accepted: 0,
            touched: Vec::new(),
            limits: Retention::default(),
            dropped: Vec::new(),
            deletions: Lookup::new(seed),
            deleted_files: Vec::new(),
        }
    }

    /// Keeps as much as that.
    pub(crate) fn within(mut self, keeps: Keeps) -> Self {
        self.keeps = keeps;
        self
    }

    /// Accepts an entry that was checked, as [`Log::as_kept`] gives it.
    pub(crate) fn accept(&mut self, entry: &Rc<Record<Entry>>, source: Source) -> Accepted {
        let seq = entry.content.seq;
        let place = self.place_of(feed_of(entry));
        let FeedLog { feed, kept, fork, .. } = &mut self.feeds[place];
        if fork.is_some() {
            return Accepted::Known;
        }
        if let Some(fork) = kept.contradicted(entry) {
            if source == Source::Own {
                // It is not sent, so nobody need know that we might have contradicted ourselves.
                return Accepted::Known;
            }
            self.end(fork);
            return Accepted::Forked;
        }
        if kept.is_known(seq) {
            return Accepted::Known;
        }
        let before = kept.head();
        if !kept.insert(seq, Rc::clone(entry), source) {
            return Accepted::TooEarly;
        }
        self.heads.replace(feed, before, kept.head());
        if !entry.content.is_spent() {
            self.by_id.insert(&entry.short(), (place, seq));
        }
        self.entries += 1;
        self.bytes += entry.wire.len();
        if let Some(share) = self.authors.get_mut(&entry.author) {
            share.entries += 1;
            share.bytes += entry.wire.len();
        }
        self.note_recent(place);
        if source != Source::Own {
            self.touch(Touched::Entry {
                feed: feed_of(entry),
                seq,
            });
        }
        self.follow_deletion(place, entry);
        self.evict_surplus();
        Accepted::New
    }

    /// Where a feed goes on: its next number, and the id of the entry before.
    pub(crate) fn end_of(&self, feed: &Feed) -> Option<(u64, [u8; 32])> {
        let head = self.kept(feed)?.head()?;
        (head.next > 0).then_some((head.next, head.id))
    }

    /// The first number that is lacking of a feed.
    pub(crate) fn next_of(&self, feed: ShortId) -> u64 {
        self.named(feed).map_or(0, |feed| feed.kept.next())
    }

    /// A feed by what neighbors call it.
    fn named(&self, feed: ShortId) -> Option<&FeedLog> {
        self.feeds.get(self.by_name.get(&feed)?)
    }

    /// We speak in another feed from now on.
    pub(crate) fn set_own(&mut self, own: Feed) {
        self.own = own;
    }

    /// Where a feed is, made if need be.
    fn place_of(&mut self, feed: Feed) -> usize {
        if let Some(place) = self.by_feed.get(&feed) {
            return place;
        }
        let new = FeedLog {
            feed,
            kept: Kept::default(),
            grown: self.accepted,
            fork: None,
        };
        let place = if self.feeds.len() < LOG_FEEDS_MAX {
            self.feeds.push(new);
            self.feeds.len() - 1
        } else {
            let place = self.give_up_feed();
            self.feeds[place] = new;
            place
        };
        self.by_feed.insert(&feed, place);
        self.by_name.insert(&feed.short(), place);
        self.given_up.remove(&feed.short());
        match self.authors.get_mut(&feed.author) {
            Some(share) => share.feeds.push(place),
            None => {
                let share = Share {
                    feeds: vec![place],
                    ..Share::default()
                };
                self.authors.insert(feed.author, share);
            }
        }
        place
    }

    /// The header of the last entry of a feed came, which its sender has no more: the feed goes on after it. Says whether that is news.
    pub(crate) fn skip_past(&mut self, header: Header) -> bool {
        let place = self.place_of(header.feed);
        let FeedLog { feed, kept, fork, .. } = &mut self.feeds[place];
        let before = kept.head();
        if fork.is_none() {
            kept.skip_past(header);
        }
        self.heads.replace(feed, before, kept.head());
        let is_news = before != kept.head();
        let feed = *feed;
        if is_news {
            self.touch(Touched::Feed { feed });
        }
        is_news
    }

    /// The header of the last entry of these, if the entry itself is not here.
    pub(crate) fn header_of(&self, span: Span) -> Option<&Header> {
        let header = self.named(span.feed)?.kept.header()?;
        (span.first..span.next).contains(&header.seq).then_some(header)
    }

    /// What was skipped of feeds, and was never here: it may be had from others than who has it no more. Of many feeds others each `time`.
    pub(crate) fn skipped(&self, time: u32) -> Vec<Span> {
        let skipped = self.feeds.iter().filter_map(|feed| {
            let (first, next) = feed.kept.skipped()?;
            let (feed, head) = (feed.feed.short(), None);
            Some(Span {
                feed,
                first,
                next,
                head,
            })
        });
        let mut skipped: Vec<_> = skipped.collect();
        if skipped.len() > WANT_SPANS_MAX {
            let start = time as usize * WANT_SPANS_MAX % skipped.len();
            skipped.rotate_left(start);
            skipped.truncate(WANT_SPANS_MAX);
        }
        skipped
    }

    /// The end of a feed whose author has forked it. Says whether that is news.
    pub(crate) fn end(&mut self, fork: Fork) -> bool {
        let place = self.place_of(fork.feed);
        if self.feeds[place].fork.is_some() {
            return false;
        }
        while self.evict_of(place) {}
        let FeedLog { feed, kept, .. } = &self.feeds[place];
        self.heads.replace(feed, kept.head(), None);
        let feed = fork.feed;
        self.feeds[place].kept = Kept::default();
        self.feeds[place].fork = Some(Rc::new(fork));
        self.touch(Touched::Feed { feed });
        self.recent.retain(|(recent, _)| *recent != place);
        true
    }

    /// The proof that a feed is over.
    pub(crate) fn fork(&self, feed: &Feed) -> Option<Rc<Fork>> {
        self.feeds.get(self.by_feed.get(feed)?)?.fork.clone()
    }

    /// The same for a feed as neighbors call it.
    pub(crate) fn fork_of(&self, feed: ShortId) -> Option<Rc<Fork>> {
        self.named(feed)?.fork.clone()
    }

    /// Whether an entry is there, or was, of a feed that is not over.
    pub(crate) fn has(&self, feed: &Feed, seq: u64) -> bool {
        let known = self.by_feed.get(feed).and_then(|place| self.feeds.get(place));
        known.is_some_and(|known| known.fork.is_none() && known.kept.is_known(seq))
    }

    /// How many feeds of an author are over.
    pub(crate) fn forks_of(&self, author: &PeerId) -> usize {
        let feeds = self.authors.get(author).into_iter().flat_map(|share| &share.feeds);
        feeds.filter(|place| self.feeds[**place].fork.is_some()).count()
    }

    /// An entry by its short id.
    pub(crate) fn find(&self, id: ShortId) -> Option<&Rc<Record<Entry>>> {
        let (place, seq) = self.by_id.get(&id)?;
        self.feeds.get(place)?.kept.get(seq)
    }

    /// All entries, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        self.feeds.iter().flat_map(|feed| feed.kept.iter())
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    /// The same for the same feeds up to the same entries.
    pub(crate) fn digest(&self) -> LogDigest {
        self.heads.digest()
    }

    /// An entry by its feed and number.
    pub(crate) fn entry_at(&self, feed: &Feed, seq: u64) -> Option<&Rc<Record<Entry>>> {
        self.kept(feed)?.get(seq)
    }

    fn kept(&self, feed: &Feed) -> Option<&Kept> {
        let place = self.by_feed.get(feed)?;
        self.feeds.get(place).map(|feed| &feed.kept)
    }

    /// A peer has none of what is between ours and its first: the feed goes on from there, if that entry is here. Whoever has what is
    /// between can still bring it.
    pub(crate) fn skip_gaps(&mut self, theirs: &[Span]) {
        for span in theirs {
            // Of each feed the span with a head tells whether there is a way on without a gap.
            let goes_on = span.head.is_some();
            if let Some(place) = self.by_name.get(&span.feed).filter(|_| goes_on) {
                let FeedLog { feed, kept, .. } = &mut self.feeds[place];
                let head = kept.head();
                kept.skip_to(span.first);
                self.heads.replace(feed, head, kept.head());
                let feed = *feed;
                if self.kept(&feed).and_then(Kept::head) != head {
                    self.touch(Touched::Feed { feed });
                }
            }
        }
    }

    /// The entries of a span, as many as there are, in order.
    pub(crate) fn entries_of(&self, span: Span) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        let feed = self.named(span.feed).into_iter();
        feed.flat_map(move |feed| feed.kept.range(span.first, span.next))
    }

    /// How many entries were accepted so far, those included that were evicted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Whether no feed lacks anything that it skipped.
    pub(crate) fn is_whole(&self) -> bool {
        self.feeds.iter().all(|feed| feed.kept.whole_from() == 0)
    }

    /// What there is without a gap of the feeds that grew after the first `accepted` entries, the last [`ACKS_MAX`] of them.
    pub(crate) fn acks(&self, accepted: u64) -> Vec<Ack> {
        let grown = self.recent.iter().take_while(|(_, at)| *at > accepted);
        let ack = |(place, _): &(usize, u64)| {
            let FeedLog { feed, kept, .. } = self.feeds.get(*place)?;
            Some(Ack {
                author: ShortId::of_peer(&feed.author),
                feed: feed.number,
                first: kept.whole_from(),
                next: kept.next(),
            })
        };
        grown.filter_map(ack).collect()
    }

    fn note_recent(&mut self, place: usize) {
        self.accepted += 1;
        self.feeds[place].grown = self.accepted;
        let author = self.feeds[place].feed.author;
        if let Some(share) = self.authors.get_mut(&author)
            && let Some(at) = share.feeds.iter().rposition(|known| *known == place)
        {
            share.feeds[at..].rotate_left(1);
        }
        self.recent.retain(|(known, _)| *known != place);
        self.recent.push_front((place, self.accepted));
        self.recent.truncate(ACKS_MAX);
    }
}

/// The feed of an entry.
pub(crate) fn feed_of(entry: &Record<Entry>) -> Feed {
    Feed {
        author: entry.author,
        number: entry.content.feed,
    }
}

#[cfg(test)]
mod tests;
