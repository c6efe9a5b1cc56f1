//! The log, fed alone.

mod delete;
mod stored;

use std::cell::RefCell;

use shared::{Identity, RoomCode};

use super::*;
use crate::{
    config::{LOG_BYTES_MAX, LOG_ENTRIES_MAX, OUT_OF_ORDER_MAX, RECORD_BYTES_MAX},
    wire::{entry::EntryBody, timestamp::Timestamp},
};

fn author(byte: u8) -> Identity {
    Identity::from_secret(&[byte; 32])
}

/// The feed of the one whose log it is.
fn me() -> Feed {
    feed(9, 7)
}

fn feed(byte: u8, number: u64) -> Feed {
    Feed {
        author: author(byte).peer_id(),
        number,
    }
}

fn entry_after(byte: u8, number: u64, seq: u64, prev: Option<[u8; 32]>, body: &[u8]) -> Rc<Record<Entry>> {
    let entry = Entry {
        feed: number,
        seq,
        prev: prev.map(Into::into),
        order: Timestamp::from_unix_millis(1_000 + seq),
        unix_millis: 0,
        name: "Ann".into(),
        kind: Entry::CHAT,
        body: EntryBody::of(body),
    };
    Record::sign(&author(byte), &RoomCode::parse("lobby").unwrap().open(), entry)
}

type Chain = Vec<Rc<Record<Entry>>>;

thread_local! {
    /// The chains made so far, by author and number.
    static CHAINS: RefCell<LiteMap<(u8, u64), Chain>> = const { RefCell::new(LiteMap::new()) };
}

/// An entry that says "hi", as do all before it.
fn entry_of(byte: u8, number: u64, seq: u64) -> Rc<Record<Entry>> {
    CHAINS.with_borrow_mut(|chains| {
        if chains.get(&(byte, number)).is_none() {
            chains.insert((byte, number), Vec::new());
        }
        let chain = chains.get_mut(&(byte, number)).unwrap();
        let place = usize::try_from(seq).unwrap();
        while chain.len() <= place {
            let prev = chain.last().map(|last| last.id);
            let next = u64::try_from(chain.len()).unwrap();
            chain.push(entry_after(byte, number, next, prev, b"hi"));
        }
        Rc::clone(&chain[place])
    })
}

/// The first of a feed, or one that comes after any number of "hi".
fn entry_with(byte: u8, number: u64, seq: u64, body: &[u8]) -> Rc<Record<Entry>> {
    let prev = seq.checked_sub(1).map(|before| entry_of(byte, number, before).id);
    entry_after(byte, number, seq, prev, body)
}

fn entry(byte: u8, seq: u64) -> Rc<Record<Entry>> {
    entry_of(byte, 7, seq)
}

fn span(byte: u8, first: u64, next: u64) -> Span {
    Span {
        feed: feed(byte, 7).short(),
        first,
        next,
        head: None,
    }
}

/// As a neighbor tells it that goes on from there.
fn with_heads(spans: &[Span]) -> Vec<Span> {
    let head = Some(ShortId(1));
    spans.iter().map(|span| Span { head, ..*span }).collect()
}

/// What a log has, without the heads.
fn vector(log: &Log) -> Vec<Span> {
    let spans = log.vector().into_iter();
    spans.map(|span| Span { head: None, ..span }).collect()
}

fn accepted(log: &mut Log, seqs: impl IntoIterator<Item = u64>) -> Vec<Accepted> {
    seqs.into_iter()
        .map(|seq| log.accept(&entry(1, seq), Source::Broadcast))
        .collect()
}

#[test]
fn an_entry_is_accepted_once() {
    let mut log = Log::new([1; 32], me());
    assert_eq!(
        accepted(&mut log, [0, 1, 0, 1]),
        [Accepted::New, Accepted::New, Accepted::Known, Accepted::Known]
    );
    assert_eq!((log.len(), log.feeds.len()), (2, 1));
    assert_eq!(log.find(entry(1, 1).short()), Some(&entry(1, 1)));
    assert_eq!(log.find(entry(1, 2).short()), None);
}

#[test]
fn what_comes_before_its_predecessors_is_kept_and_counts_once_the_gap_is_closed() {
    let mut log = Log::new([1; 32], me());
    assert_eq!(
        accepted(&mut log, [0, 3, 2, 3]),
        [Accepted::New, Accepted::New, Accepted::New, Accepted::Known]
    );
    assert_eq!((log.len(), vector(&log)), (3, vec![span(1, 0, 1), span(1, 2, 4)]));
    assert_eq!(
        log.find(entry(1, 3).short()),
        Some(&entry(1, 3)),
        "who asks for it gets it"
    );
    log.accept(&entry(1, 1), Source::Broadcast);
    assert_eq!((log.len(), vector(&log)), (4, vec![span(1, 0, 4)]));
    assert_eq!(log.entries_of(span(1, 1, 3)).count(), 2);
}

#[test]
fn too_far_ahead_is_left_to_sync() {
    let mut log = Log::new([1; 32], me());
    let ahead = u64::try_from(OUT_OF_ORDER_MAX).unwrap();
    assert!(
        accepted(&mut log, 1..=ahead)
            .iter()
            .all(|accepted| *accepted == Accepted::New)
    );
    assert_eq!(log.accept(&entry(1, ahead + 1), Source::Broadcast), Accepted::TooEarly);
    assert_eq!(log.accept(&entry(1, 0), Source::Broadcast), Accepted::New);
    assert_eq!(vector(&log), [span(1, 0, ahead + 1)]);
    assert_eq!(log.accept(&entry(1, ahead + 1), Source::Broadcast), Accepted::New);
}

#[test]
fn the_digest_is_that_of_the_heads_whatever_order_the_entries_came_in() {
    let entries = [entry(1, 0), entry(1, 1), entry(2, 0), entry_with(1, 8, 0, b"later")];
    let (mut one, mut other) = (Log::new([1; 32], me()), Log::new([2; 32], me()));
    let empty = one.digest();
    for place in 0..4 {
        one.accept(&entries[place], Source::Broadcast);
        other.accept(&entries[3 - place], Source::Broadcast);
        assert_eq!(one.digest() == other.digest(), place == 3);
    }
    let mut less = Log::new([1; 32], me());
    less.accept(&entries[0], Source::Broadcast);
    assert_ne!(less.digest(), one.digest());
    // What is out of order counts, so that it is not missed behind a gap that nobody can fill.
    let mut early = Log::new([1; 32], me());
    early.accept(&entries[1], Source::Broadcast);
    assert_ne!(early.digest(), empty);
    early.accept(&entries[0], Source::Broadcast);
    less.accept(&entries[1], Source::Broadcast);
    assert_eq!(early.digest(), less.digest());
}

#[test]
fn an_author_who_contradicts_itself_ends_its_feed_and_no_other() {
    let before = entry(1, 2);
    let cases = [
        entry_with(1, 7, 3, b"no!"),
        entry_after(1, 7, 4, Some([9; 32]), b"after something else"),
        entry_after(1, 7, 6, Some(entry(1, 5).id), b"early"),
    ];
    for contradiction in cases {
        let mut log = Log::new([1; 32], me());
        let others = [entry(2, 0), entry_with(1, 8, 0, b"another feed")];
        others
            .iter()
            .for_each(|other| assert_eq!(log.accept(other, Source::Broadcast), Accepted::New));
        let digest = log.digest();
        accepted(&mut log, (0..4).chain([7]));
        assert_eq!(log.accept(&contradiction, Source::Broadcast), Accepted::Forked);
        let fork = log.fork(&feed(1, 7)).unwrap();
        assert_eq!((fork.feed, log.forks_of(&author(1).peer_id())), (feed(1, 7), 1));
        assert_eq!(log.forks_of(&author(2).peer_id()), 0);
        // Nothing of it is left, accepted, asked for, told or acknowledged.
        assert_eq!((log.len(), log.digest()), (2, digest));
        assert_eq!(log.find(before.short()), None);
        assert_eq!(accepted(&mut log, [0, 4, 7]), [Accepted::Known; 3]);
        assert_eq!(log.lacking(&[span(1, 0, 9)], || false), []);
        assert!(log.vector().iter().all(|span| span.feed != feed(1, 7).short()));
        assert!(
            log.acks(0)
                .iter()
                .all(|ack| ack.feed != 7 || ack.author != ShortId::of_peer(&author(1).peer_id()))
        );
        assert!(log.is_whole());
        assert!(!log.end(Fork::clone(&fork)), "it is no news");
        assert_eq!(log.accept(&entry(2, 1), Source::Broadcast), Accepted::New);
    }
}

#[test]
fn a_feed_that_is_over_is_over_also_for_who_never_heard_of_it() {
    let fork = Fork::of(&entry(1, 0), &entry_with(1, 7, 0, b"no!")).unwrap();
    let (mut log, empty) = (Log::new([1; 32], me()), Log::new([1; 32], me()).digest());
    assert!(log.end(fork));
    assert_eq!(
        (log.digest(), log.accept(&entry(1, 0), Source::Broadcast)),
        (empty, Accepted::Known)
    );
}

/// Both have as much of a feed, and not the same.
#[test]
fn where_heads_differ_the_last_entry_is_asked_for() {
    let mut log = Log::new([1; 32], me());
    accepted(&mut log, 0..3);
    let ours = log.vector()[0];
    assert_eq!(ours.head, Some(entry(1, 2).short()));
    assert_eq!(log.lacking(&[ours], || false), []);
    let other = Span {
        head: Some(ShortId(5)),
        ..ours
    };
    assert_eq!(log.lacking(&[other], || false), [span(1, 2, 3)]);
    // Who has more is asked for that, and who has less asks.
    for next in [2, 4] {
        let other = Span { next, ..other };
        assert_eq!(log.lacking(&[other], || false).len(), usize::from(next == 4));
    }
}

#[test]
fn lacking_is_what_the_peer_has_beyond_ours() {
    let mut log = Log::new([1; 32], me());
    accepted(&mut log, [0, 1]);
    assert_eq!(log.lacking(&[span(1, 0, 2)], || false), []);
    assert_eq!(log.lacking(&[span(1, 0, 1)], || false), []);
    assert_eq!(
        log.lacking(&[span(1, 0, 5), span(2, 0, 3)], || false),
        [span(1, 2, 5), span(2, 0, 3)]
    );
    // What is between, others may have.
    assert_eq!(log.lacking(&[span(1, 4, 9)], || false), [span(1, 4, 9)]);
    assert_eq!(
        log.lacking(&[span(3, 5, 5), span(3, 5, 4)], || false),
        [],
        "nothing, or nonsense"
    );
}

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

#[test]
fn a_span_gives_the_entries_there_are_in_order() {
    let mut log = Log::new([1; 32], me());
    accepted(&mut log, 0..5);
    let seqs = |span| log.entries_of(span).map(|entry| entry.content.seq).collect::<Vec<_>>();
    assert_eq!(seqs(span(1, 1, 3)), [1, 2]);
    assert_eq!(seqs(span(1, 3, u64::MAX)), [3, 4]);
    assert_eq!(seqs(span(1, 4, 2)), [0_u64; 0]);
    assert_eq!(seqs(span(1, u64::MAX, u64::MAX)), [0_u64; 0]);
    assert_eq!(seqs(span(2, 0, 9)), [0_u64; 0]);
}

#[test]
fn acknowledged_are_the_feeds_that_grew_last_as_far_as_there_is_no_gap() {
    let mut log = Log::new([1; 32], me());
    let many = u64::try_from(ACKS_MAX).unwrap() + 2;
    for number in 0..many {
        log.accept(&entry_with(1, number, 0, b"hi"), Source::Broadcast);
    }
    log.accept(&entry_with(1, 5, 1, b"hi"), Source::Broadcast);
    log.accept(&entry_with(1, 6, 2, b"early"), Source::Broadcast);
    let acks = log.acks(0);
    assert_eq!(acks.len(), ACKS_MAX);
    let ack = |number, next| Ack {
        author: ShortId::of_peer(&author(1).peer_id()),
        feed: number,
        first: 0,
        next,
    };
    assert_eq!(acks[..3], [ack(6, 1), ack(5, 2), ack(many - 1, 1)]);
    assert!(
        acks.iter().all(|ack| ack.feed >= 2),
        "those that grew first are left out"
    );
    assert_eq!(log.acks(log.accepted() - 2), acks[..2]);
    assert_eq!(log.acks(log.accepted()).len(), 0);
}

/// Fills the log with entries of author 2, which are dated ahead of those of author 1.
fn flood(log: &mut Log, entries: u64) {
    let mut prev = None;
    for seq in 0..entries {
        let entry = Entry {
            feed: 7,
            seq,
            prev,
            order: Timestamp::from_unix_millis(32_503_680_000_000 + seq),
            unix_millis: 0,
            name: "Mallory".into(),
            kind: 999,
            body: EntryBody::of("unknown"),
        };
        let room = RoomCode::parse("lobby").unwrap().open();
        let record = Record::sign(&author(2), &room, entry);
        prev = Some(record.id.into());
        log.accept(&record, Source::Broadcast);
    }
}

#[test]
fn a_flood_evicts_only_itself_and_mutes_nobody_however_it_is_dated() {
    let mut log = Log::new([1; 32], me());
    accepted(&mut log, 0..50);
    let count = u64::try_from(LOG_ENTRIES_MAX).unwrap();
    flood(&mut log, count + 100);
    assert_eq!(log.len(), LOG_ENTRIES_MAX);
    assert_eq!(log.entries_of(span(1, 0, 50)).count(), 50);
    assert_eq!(
        vector(&log)[..].iter().find(|span| span.feed == feed(1, 7).short()),
        Some(&span(1, 0, 50))
    );
    assert_eq!(accepted(&mut log, 50..60), [Accepted::New; 10], "nobody is muted");
    assert_eq!(log.entries_of(span(1, 0, 60)).count(), 60);
    assert_eq!(log.len(), LOG_ENTRIES_MAX);
}

#[test]
fn what_was_evicted_is_neither_accepted_nor_asked_for_again_and_the_digest_does_not_tell() {
    let count = u64::try_from(LOG_ENTRIES_MAX).unwrap();
    let (mut full, mut fresh) = (Log::new([1; 32], me()), Log::new([1; 32], me()));
    accepted(&mut full, 0..count + 3);
    assert_eq!(vector(&full), [span(1, 3, count + 3)]);
    assert_eq!(full.find(entry(1, 0).short()), None);
    assert_eq!(
        full.accept(&entry(1, 0), Source::Broadcast),
        Accepted::Known,
        "it does not come back"
    );
    assert_eq!(
        full.lacking(&[span(1, 0, count)], || false),
        [],
        "a peer that still has it is not asked"
    );
    assert!(full.is_whole(), "it was there once");
    // One who came later never had the beginning.
    let theirs = vector(&full);
    fresh.accept(&entry(1, 3), Source::Broadcast);
    fresh.skip_gaps(&with_heads(&theirs));
    accepted(&mut fresh, 4..count + 3);
    assert_eq!(vector(&fresh), theirs);
    assert_eq!(fresh.digest(), full.digest());
    assert!(!fresh.is_whole());
    assert_eq!((fresh.acks(0)[0].first, fresh.acks(0)[0].next), (3, count + 3));
}

#[test]
fn large_entries_count_by_their_bytes() {
    let mut log = Log::new([1; 32], me());
    accepted(&mut log, 0..20);
    let large = vec![b'x'; 60_000];
    let mut prev = None;
    let count = u64::try_from(LOG_BYTES_MAX / 60_000).unwrap() + 10;
    for seq in 0..count {
        let entry = entry_after(2, 7, seq, prev, &large);
        prev = Some(entry.id);
        assert_eq!(log.accept(&entry, Source::Broadcast), Accepted::New);
    }
    assert!(log.bytes <= LOG_BYTES_MAX && log.bytes + RECORD_BYTES_MAX > LOG_BYTES_MAX);
    assert_eq!(log.entries_of(span(1, 0, 20)).count(), 20);
}

#[test]
fn who_evicts_what_is_out_of_order_goes_on_after_it() {
    let mut log = Log::new([1; 32], me());
    accepted(&mut log, [0, 5, 6, 9]);
    let place = log.by_feed.get(&feed(1, 7)).unwrap();
    assert!(log.evict_of(place));
    assert_eq!(vector(&log), [span(1, 1, 1), span(1, 5, 7), span(1, 9, 10)]);
    assert!(log.evict_of(place));
    assert_eq!(vector(&log), [span(1, 6, 7), span(1, 9, 10)]);
    assert_eq!(
        accepted(&mut log, [3, 7, 8]),
        [Accepted::Known, Accepted::New, Accepted::New]
    );
    assert_eq!((vector(&log), log.len()), (vec![span(1, 6, 10)], 4));
    while log.evict_of(place) {}
    assert_eq!((log.len(), log.bytes, vector(&log)), (0, 0, vec![span(1, 10, 10)]));
}

#[test]
fn many_feeds_of_one_author_push_out_each_other_and_a_new_one_is_always_heard() {
    let mut log = Log::new([1; 32], me());
    log.accept(&entry(1, 0), Source::Broadcast);
    let max = u64::try_from(LOG_FEEDS_MAX).unwrap();
    for number in 0..max + 5 {
        assert_eq!(
            log.accept(&entry_with(2, number, 0, b"me again"), Source::Broadcast),
            Accepted::New
        );
    }
    assert_eq!((log.feeds.len(), log.len()), (LOG_FEEDS_MAX, LOG_FEEDS_MAX));
    assert_eq!(log.find(entry(1, 0).short()), Some(&entry(1, 0)));
    assert_eq!(log.find(entry_with(2, 0, 0, b"me again").short()), None);
    let first = entry_with(2, 6, 0, b"me again");
    let grows = entry_after(2, 6, 1, Some(first.id), b"once more");
    assert_eq!(log.accept(&grows, Source::Broadcast), Accepted::New);
    assert_eq!(log.accept(&entry(3, 0), Source::Broadcast), Accepted::New);
    assert_eq!(
        log.find(grows.short()),
        Some(&grows),
        "the first of those that are left has just grown"
    );
    assert_eq!(log.find(entry_with(2, 7, 0, b"me again").short()), None);
    let (mut same, digest) = (Log::new([1; 32], me()), log.digest());
    for entry in log.iter() {
        same.accept(entry, Source::Broadcast);
    }
    assert_eq!(same.digest(), digest, "nothing is left of what was given up");
    let mut places = [true, false].into_iter();
    let lacking = log.lacking(&[span(4, 0, 1), span(5, 0, 1)], || places.next() == Some(true));
    assert_eq!(lacking, [span(4, 0, 1)], "it takes the place of another");
    let given_up = Feed {
        number: 7,
        ..feed_of(&first)
    };
    let given_up = Span {
        feed: given_up.short(),
        ..span(2, 0, 1)
    };
    assert_eq!(log.lacking(&[given_up], || true), [], "it would be given up again");
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

/// Whoever comes later is to agree with those who were there.
#[test]
fn of_a_feed_that_was_wholly_evicted_the_last_header_is_left_and_newcomers_go_on_after_it() {
    for seqs in [vec![0, 1, 2], vec![5]] {
        let mut old = Log::new([1; 32], me());
        accepted(&mut old, seqs.iter().copied());
        let place = old.by_feed.get(&feed(1, 7)).unwrap();
        while old.evict_of(place) {}
        let last = seqs.last().unwrap();
        let theirs = old.vector();
        assert_eq!(vector(&old), [span(1, last + 1, last + 1)]);
        // One who has nothing, and one who has that very entry, out of order or not.
        for has in [None, Some(*last)] {
            let mut newcomer = Log::new([2; 32], me());
            accepted(&mut newcomer, has);
            let lacking = newcomer.lacking(&theirs, || false);
            assert_eq!(
                lacking.last(),
                Some(&span(1, *last, last + 1)).filter(|_| newcomer.digest() != old.digest())
            );
            let Some(wanted) = lacking.last() else { continue };
            let header = old.header_of(*wanted).unwrap();
            assert_eq!((header.seq, header.id), (*last, entry(1, *last).id));
            assert!(newcomer.skip_past(header.clone()));
            assert!(!newcomer.skip_past(header.clone()), "it is no news");
            assert_eq!(
                (newcomer.digest(), newcomer.lacking(&theirs, || false).len()),
                (old.digest(), 0)
            );
            assert!(!newcomer.is_whole());
            // It is handed on, until the entry itself comes, and the feed goes on.
            assert_eq!(newcomer.header_of(*wanted).is_some(), has.is_none());
            assert_eq!(newcomer.accept(&entry(1, last + 1), Source::Broadcast), Accepted::New);
            assert_eq!(newcomer.header_of(*wanted), None);
        }
    }
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

#[test]
fn our_own_feed_is_never_given_up() {
    let mut log = Log::new([1; 32], me());
    log.accept(&entry(9, 0), Source::Broadcast);
    let max = u64::try_from(LOG_FEEDS_MAX).unwrap();
    for number in 0..max + 5 {
        let (author, number) = (u8::try_from(10 + number % 200).unwrap(), 100 + number / 200);
        log.accept(&entry_with(author, number, 0, b"one of many"), Source::Broadcast);
    }
    assert_eq!(log.find(entry(9, 0).short()), Some(&entry(9, 0)));
}
