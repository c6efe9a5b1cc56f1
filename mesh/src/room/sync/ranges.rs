//! Where two logs differ, found by what of it differs: range by range of the feeds' names, not feed by feed.
//!
//! After the range-based set reconciliation of Meyer (*Range-Based Set Reconciliation*, SRDS 2023): a node sends a hash of each of 16 parts of a range; whoever has
//! something else in a part sends the hashes of its parts in turn, or, where it has but a few feeds there, what it has of them. What is reconciled are heads of feeds,
//! so it costs as much whether one or a thousand entries of a feed are lacking. Deviation: the ranges are fixed, by the digits of a feed's name, so
//! nothing is kept from one message to the next.
//!
//! Invariant: nothing but what to ask for, and what to tell, follows from what a neighbor says here.

use super::super::log::Log;
use crate::{
    config::{TOLD_FEEDS_MAX, VECTOR_SPANS_MAX},
    wire::span::{Range, SUM_BYTES, Span, Sums},
};

/// What a node answers to a comparison, or begins one with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Ranges that are to be compared part by part, in order.
    pub(super) sums: Vec<Sums>,
    /// What it has of others.
    pub(super) pages: Vec<Page>,
}

/// What goes into one frame of a vector.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// What there is.
    pub(super) vector: Vec<Span>,
    /// Of which ranges that is all, in order.
    pub(super) ranges: Vec<Range>,
}

impl Answer {
    /// Begins a comparison of all.
    pub(super) fn first(log: &Log) -> Self {
        let mut answer = Self::default();
        answer.take(log, Range::ALL);
        answer
    }

    /// Answers a comparison.
    pub(super) fn to(log: &Log, theirs: &[Sums]) -> Self {
        let mut answer = Self::default();
        for theirs in theirs {
            let ours = log.sums_of(theirs.range);
            let sums = theirs.sums.chunks(SUM_BYTES).zip(ours.sums.chunks(SUM_BYTES));
            for (part, (theirs, ours)) in theirs.range.parts().zip(sums) {
                if theirs == ours {
                    continue;
                }
                if theirs.iter().all(|byte| *byte == 0) {
                    // There is nothing to be asked for.
                    answer.tell(log.vector_of(part), None);
                } else {
                    answer.take(log, part);
                }
            }
        }
        answer
    }

    fn take(&mut self, log: &Log, range: Range) {
        if log.count_of(range) <= TOLD_FEEDS_MAX || range.is_single() {
            self.tell(log.vector_of(range), Some(range));
        } else {
            self.sums.push(log.sums_of(range));
        }
    }

    fn tell(&mut self, vector: Vec<Span>, range: Option<Range>) {
        if vector.len() > VECTOR_SPANS_MAX {
            // No frame has all, so none can ask for what there is besides.
            let pages = pages(vector).into_iter();
            self.pages.extend(pages.map(|vector| Page {
                vector,
                ranges: Vec::new(),
            }));
            return;
        }
        match self.pages.last_mut() {
            Some(page)
                if page.vector.len() + vector.len() <= VECTOR_SPANS_MAX && page.ranges.len() < VECTOR_SPANS_MAX =>
            {
                page.vector.extend(vector);
                page.ranges.extend(range);
            }
            _ => self.pages.push(Page {
                vector,
                ranges: range.into_iter().collect(),
            }),
        }
    }
}

/// Whether each range begins after the end of the one before: else a neighbor could ask for the same again and again.
pub(super) fn ascending(ranges: impl IntoIterator<Item = Range>) -> bool {
    let mut end = None;
    ranges.into_iter().all(|range| {
        let (first, last) = range.bounds();
        range.is_valid() && end.replace(last).is_none_or(|end| end < first)
    })
}

/// A vector in frames: what is said of one feed stands in one of them.
pub(super) fn pages(vector: Vec<Span>) -> Vec<Vec<Span>> {
    let mut pages: Vec<Vec<Span>> = Vec::new();
    for feed in vector.chunk_by(|one, other| one.feed == other.feed) {
        let feed = &feed[..feed.len().min(VECTOR_SPANS_MAX)];
        match pages.last_mut() {
            Some(page) if page.len() + feed.len() <= VECTOR_SPANS_MAX => page.extend(feed),
            _ => pages.push(feed.to_vec()),
        }
    }
    pages
}

/// What there is in these ranges that a neighbor lacks, which has told all that it has there.
pub(super) fn more_than(log: &Log, theirs: &[Span], ranges: &[Range]) -> Vec<Span> {
    let ours: Vec<_> = ranges.iter().flat_map(|range| log.vector_of(*range)).collect();
    let feeds = ours.chunk_by(|one, other| one.feed == other.feed);
    let more = feeds.filter(|feed| {
        let told = theirs.iter().find(|span| span.feed == feed[0].feed);
        told.is_none_or(|told| {
            let ours = feed[0];
            let is_other = ours.next == told.next && ours.head != told.head;
            ours.next > told.next || is_other || ours.first < told.first || feed.len() > 1
        })
    });
    more.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::{super::test::log, *};

    /// What two nodes tell each other until nothing is left to compare: the feeds of which either speaks, and how many messages that took.
    fn compared(one: &Log, other: &Log) -> (Vec<Span>, Vec<Span>, usize) {
        let (mut from_one, mut from_other, mut messages) = (Vec::new(), Vec::new(), 0);
        let (mut speaker, mut listener) = (one, other);
        let (mut told, mut heard) = (&mut from_one, &mut from_other);
        let mut answer = Answer::first(one);
        loop {
            messages += 1;
            for page in &answer.pages {
                told.extend(&page.vector);
                heard.extend(more_than(listener, &page.vector, &page.ranges));
            }
            if answer.sums.is_empty() {
                return (from_one, from_other, messages);
            }
            answer = Answer::to(listener, &answer.sums);
            std::mem::swap(&mut speaker, &mut listener);
            std::mem::swap(&mut told, &mut heard);
        }
    }

    #[test]
    fn a_difference_is_found_by_either_side_and_little_else_is_told() {
        let feeds = || (0..2_000).map(|feed| (feed, 0));
        let all = log(feeds());
        let lacking = log(feeds().filter(|(feed, _)| *feed != 777));
        let ahead = log(feeds().chain([(5, 1)]));
        for (one, other) in [(&all, &lacking), (&lacking, &all), (&all, &ahead), (&ahead, &all)] {
            let (from_one, from_other, messages) = compared(one, other);
            assert!((3..=5).contains(&messages), "{messages}");
            assert!(from_one.len() + from_other.len() < 4 * TOLD_FEEDS_MAX);
            let lacks = [one.lacking(&from_other, || false), other.lacking(&from_one, || false)];
            assert_eq!(lacks.iter().flatten().count(), 1, "{lacks:?}");
        }
        assert_eq!(Answer::to(&all, &[all.sums_of(Range::ALL)]), Answer::default());
    }

    #[test]
    fn a_log_without_anything_asks_for_all_and_gets_it_in_one_answer() {
        let (empty, full) = (log([]), log((0..100).map(|feed| (feed, 0))));
        let (from_empty, from_full, messages) = compared(&empty, &full);
        assert_eq!((from_empty.len(), from_full.len(), messages), (0, 100, 1));
        let (from_full, _, messages) = compared(&full, &empty);
        assert_eq!(
            (from_full.len(), messages),
            (100, 2),
            "the empty one asks, and says that it has nothing"
        );
        assert_eq!(
            Answer::to(&empty, &[full.sums_of(Range::ALL)]).pages[0].ranges.len(),
            16
        );
    }

    #[test]
    fn no_page_has_more_spans_or_ranges_than_a_frame_may() {
        let (few, many) = (
            log((0..1_000).map(|feed| (feed, 0))),
            log((5_000..10_000).map(|feed| (feed, 0))),
        );
        let sums: Vec<_> = Range::ALL
            .parts()
            .flat_map(Range::parts)
            .map(|range| many.sums_of(range))
            .collect();
        let pages = Answer::to(&few, &sums).pages;
        assert!(pages.len() > 1);
        for page in pages {
            assert!(page.vector.len() <= VECTOR_SPANS_MAX, "{} spans", page.vector.len());
            assert!(page.ranges.len() <= VECTOR_SPANS_MAX, "{} ranges", page.ranges.len());
        }
    }

    #[test]
    fn ranges_that_overlap_or_are_none_are_recognised() {
        let parts: Vec<_> = Range::ALL.parts().collect();
        assert!(ascending(parts.clone()) && ascending([]) && ascending([Range::ALL]));
        for ranges in [
            vec![parts[1], parts[0]],
            vec![parts[1], parts[1]],
            vec![Range::ALL, parts[15]],
            vec![Range { depth: 1, digits: 16 }],
            vec![Range { depth: 17, digits: 0 }],
        ] {
            assert!(!ascending(ranges.clone()), "{ranges:?}");
        }
    }

    #[test]
    fn nothing_is_told_that_the_neighbor_has() {
        let ours = log([(1, 0), (1, 1), (2, 0), (3, 0), (3, 2)]);
        let theirs = log([(1, 0), (2, 0), (3, 0)]);
        let more = more_than(&ours, &theirs.vector(), &[Range::ALL]);
        assert_eq!(theirs.lacking(&more, || false).len(), 2, "{more:?}");
        assert!(
            more.iter()
                .all(|span| span.feed != ours.vector_of(Range::ALL)[0].feed || span.next > 1)
        );
        assert!(more_than(&theirs, &ours.vector(), &[Range::ALL]).is_empty());
        assert!(more_than(&ours, &[], &[]).is_empty());
    }
}
