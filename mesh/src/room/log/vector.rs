//! What there is of feeds as neighbors tell each other: version vectors, hashes of ranges, and what is lacking of what another has.

use super::{FeedLog, Log};
use crate::{
    config::LOG_FEEDS_MAX,
    order::by_number,
    wire::span::{Range, Span, Sums},
};

impl Log {
    /// What there is of all feeds, those that grew last first.
    pub(crate) fn vector(&self) -> Vec<Span> {
        let going_on = self.feeds.iter().filter(|feed| feed.fork.is_none());
        let latest = by_number(going_on, |feed| u128::from(u64::MAX - feed.grown));
        latest.into_iter().flat_map(FeedLog::spans).collect()
    }

    /// What there is of the feeds of a range.
    pub(crate) fn vector_of(&self, range: Range) -> Vec<Span> {
        let feeds = self.heads.feeds_in(range).into_iter();
        let feeds = feeds.filter_map(|feed| self.named(feed));
        feeds.flat_map(FeedLog::spans).collect()
    }

    /// How many feeds there are in a range.
    pub(crate) fn count_of(&self, range: Range) -> usize {
        self.heads.count_in(range)
    }

    /// What there is of a range, to be compared.
    pub(crate) fn sums_of(&self, range: Range) -> Sums {
        self.heads.sums_of(range)
    }

    /// What is lacking of a peer's vector: of each of these feeds the numbers from `first` to below `next`, and where both have as much but
    /// not the same, the last of it. In a full log a new feed takes the place of another, so each is asked for only if `may_displace`, and none
    /// that was given up here: else two full logs would pass the same feeds to and fro.
    pub(crate) fn lacking(&self, theirs: &[Span], mut may_displace: impl FnMut() -> bool) -> Vec<Span> {
        let mut room = LOG_FEEDS_MAX - self.feeds.len();
        let mut lacking = Vec::new();
        for span in theirs {
            let feed = self.named(span.feed);
            // Whoever has nothing left of it has the header of the last.
            let is_bare = |next| span.head.is_some() && span.first == span.next && span.next > next;
            let (first, next, wanted, differs) = match feed {
                Some(FeedLog { fork: Some(_), .. }) => continue,
                Some(FeedLog { kept, .. }) => {
                    let differs = span.head.is_some() && span.next == kept.next() && span.head != kept.last();
                    // What is there of what comes before, out of order, is not asked for again.
                    let wanted = kept.missing_from(span.first.max(kept.evicted()));
                    (kept.first(), kept.next(), wanted, differs)
                }
                None if self.given_up.contains(&span.feed) => continue,
                None => {
                    if room == 0 && !may_displace() {
                        continue;
                    }
                    room = room.saturating_sub(1);
                    (span.first, 0, span.first, false)
                }
            };
            // Earlier ones than ours are wanted if we never had them, not if we evicted them. What came out of order is not asked for again.
            let mut parts = vec![(wanted, first.min(span.next))];
            let later = (span.first.max(next), span.next);
            match feed {
                Some(feed) => parts.extend(feed.kept.gaps(later.0, later.1)),
                None => parts.push(later),
            }
            if differs || is_bare(next) {
                parts.push((span.next.saturating_sub(1), span.next));
            }
            let parts = parts.into_iter().filter(|(first, next)| first < next);
            let head = None;
            lacking.extend(parts.map(|(first, next)| Span {
                first,
                next,
                head,
                ..*span
            }));
        }
        lacking
    }
}

impl FeedLog {
    /// What there is of it: the part without a gap, then what is out of order.
    fn spans(&self) -> impl Iterator<Item = Span> {
        let feed = self.feed.short();
        self.kept.runs().enumerate().map(move |(run, (first, next))| Span {
            feed,
            first,
            next,
            head: self.kept.last().filter(|_| run == 0),
        })
    }
}
