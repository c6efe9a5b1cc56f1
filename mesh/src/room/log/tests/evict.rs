//! What makes room for other things, and what is known of it afterwards.

use super::*;

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
