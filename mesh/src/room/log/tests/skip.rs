//! Feeds that go on later, and what they skipped.

use super::*;

#[test]
fn where_the_beginning_is_gone_for_good_a_feed_begins_later() {
    let mut log = Log::new([1; 32], me());
    let theirs = [span(1, 6, 10)];
    accepted(&mut log, [0, 1, 8]);
    assert_eq!(
        log.lacking(&theirs, || false),
        [span(1, 6, 8), span(1, 9, 10)],
        "what is here is not asked for"
    );
    log.skip_gaps(&with_heads(&theirs));
    let spans = [span(1, 0, 2), span(1, 8, 9)];
    assert_eq!(vector(&log), spans, "not on the peer's word alone");
    assert_eq!(accepted(&mut log, [6, 7]), [Accepted::New, Accepted::New]);
    log.skip_gaps(&with_heads(&theirs));
    assert_eq!(vector(&log), [span(1, 6, 9), span(1, 0, 2)]);
    assert_eq!(log.lacking(&theirs, || false), [span(1, 9, 10)]);
    // Nor is it for ever: whoever has what is between can still bring it.
    assert_eq!(log.lacking(&[span(1, 0, 9)], || false), [span(1, 2, 6)]);
    assert_eq!(accepted(&mut log, 2..6), [Accepted::New; 4]);
    assert_eq!(vector(&log), [span(1, 0, 9)]);
}

/// Item after item, as few as fit, an author had more than can be out of order: on a neighbor's word a feed goes on later.
#[test]
fn a_feed_that_went_on_later_takes_back_whatever_it_skipped() {
    let mut log = Log::new([1; 32], me());
    let many = u64::try_from(OUT_OF_ORDER_MAX).unwrap() + 50;
    accepted(&mut log, (0..many).chain([many + 1]));
    log.skip_gaps(&with_heads(&[span(1, many + 1, many + 2)]));
    assert_eq!(vector(&log), [span(1, many + 1, many + 2), span(1, 0, many)]);
    assert!(!log.is_whole());
    assert_eq!(log.accept(&entry(1, many), Source::Broadcast), Accepted::New);
    assert_eq!((vector(&log), log.is_whole()), (vec![span(1, 0, many + 2)], true));
}

/// A neighbor's word makes a feed go on later. Others are asked for what was skipped, also if they seem to have the same.
#[test]
fn what_was_skipped_is_known_and_asked_for() {
    let mut log = Log::new([1; 32], me());
    assert_eq!(log.skipped(0), []);
    accepted(&mut log, [9]);
    log.skip_gaps(&with_heads(&[span(1, 9, 10)]));
    let mut full = Log::new([2; 32], me());
    accepted(&mut full, 0..10);
    assert_eq!(log.digest(), full.digest(), "nobody can tell by that");
    assert_eq!(log.skipped(0), [span(1, 0, 9)]);
    assert_eq!(log.lacking(&log.skipped(0), || false), log.skipped(0));
    accepted(&mut log, 0..9);
    assert!(log.is_whole());
    assert_eq!(log.skipped(0), []);
}

/// More than one answer takes.
#[test]
fn what_came_of_the_skipped_is_not_asked_for_again() {
    let mut log = Log::new([1; 32], me());
    accepted(&mut log, [1_000]);
    log.skip_gaps(&with_heads(&[span(1, 1_000, 1_001)]));
    accepted(&mut log, (0..300).chain([500]));
    assert_eq!(log.skipped(0), [span(1, 300, 1_000)]);
    assert_eq!(log.lacking(&[span(1, 0, 1_001)], || false), [span(1, 300, 1_000)]);
    accepted(&mut log, 300..500);
    assert_eq!(log.skipped(0), [span(1, 501, 1_000)]);
    accepted(&mut log, 501..1_000);
    assert_eq!((log.skipped(0), log.is_whole()), (vec![], true));
}

/// Of many feeds that go on later, all have their turn.
#[test]
fn other_skipped_feeds_are_asked_for_each_time() {
    let mut log = Log::new([1; 32], me());
    let many = u64::try_from(WANT_SPANS_MAX).unwrap() * 3 / 2;
    for number in 0..many {
        log.accept(&entry_of(1, number, 1), Source::Broadcast);
        let feed = feed(1, number).short();
        log.skip_gaps(&with_heads(&[Span { feed, ..span(1, 1, 2) }]));
    }
    let asked = [0, 1].map(|time| log.skipped(time));
    assert!(asked.iter().all(|spans| spans.len() == WANT_SPANS_MAX));
    let numbers: std::collections::BTreeSet<_> = asked.iter().flatten().map(|span| span.feed).collect();
    assert_eq!(numbers.len() as u64, many);
}

/// Whatever was out of order before a feed went on later, all who have gone on agree.
#[test]
fn what_a_feed_passes_over_leaves_no_trace_in_the_digest() {
    let goes_on = with_heads(&[span(1, 9, 10)]);
    let (mut one, mut other) = (Log::new([1; 32], me()), Log::new([2; 32], me()));
    accepted(&mut one, [9]);
    one.skip_gaps(&goes_on);
    accepted(&mut one, [5]);
    accepted(&mut other, [9, 5]);
    other.skip_gaps(&goes_on);
    assert_eq!(one.digest(), other.digest());
}

#[test]
fn what_was_asked_for_has_room_whatever_came_before_it() {
    let mut log = Log::new([1; 32], me());
    let ahead = u64::try_from(OUT_OF_ORDER_MAX).unwrap();
    accepted(&mut log, 1_000..1_000 + ahead);
    assert_eq!(log.accept(&entry(1, 450), Source::Broadcast), Accepted::TooEarly);
    assert_eq!(log.accept(&entry(1, 450), Source::Sync), Accepted::New);
    log.skip_gaps(&with_heads(&[span(1, 450, 2_000)]));
    assert_eq!(
        log.accept(&entry(1, 451), Source::Broadcast),
        Accepted::New,
        "and the feed goes on"
    );
}
