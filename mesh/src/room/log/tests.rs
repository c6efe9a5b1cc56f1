//! The log, fed alone.

mod delete;
mod evict;
mod skip;
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
