//! A log that goes on from what was stored is the log that it was.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::wire::{
    codec::decode,
    fork::Fork,
    stored::{Key, intact},
};

/// Something that becomes of a log, with the feed of this author.
#[derive(Debug, Clone)]
enum Op {
    Accept { author: u8, seq: u64 },
    Evict { author: u8 },
    SkipPast { author: u8, seq: u64 },
    SkipGap { author: u8, first: u64 },
    Fork { author: u8 },
}

fn op() -> impl Strategy<Value = Op> {
    let (author, seq) = (1..4_u8, 0..10_u64);
    prop_oneof![
        8 => (author.clone(), seq.clone()).prop_map(|(author, seq)| Op::Accept { author, seq }),
        3 => author.clone().prop_map(|author| Op::Evict { author }),
        1 => (author.clone(), seq.clone()).prop_map(|(author, seq)| Op::SkipPast { author, seq }),
        1 => (author.clone(), seq).prop_map(|(author, first)| Op::SkipGap { author, first }),
        1 => author.prop_filter("most go on", |author| *author == 3).prop_map(|author| Op::Fork { author }),
    ]
}

type Disk = BTreeMap<Vec<u8>, Vec<u8>>;

fn keeping() -> Log {
    let mut log = Log::new([1; 32], me());
    log.restore(&room(), vec![], vec![]);
    log
}

fn room() -> shared::Room {
    RoomCode::parse("lobby").unwrap().open()
}

fn apply(log: &mut Log, op: &Op) {
    match op {
        Op::Accept { author, seq } => {
            log.accept(&entry(*author, *seq), Source::Sync);
        }
        Op::Evict { author } => {
            if let Some(place) = log.by_feed.get(&feed(*author, 7)) {
                log.evict_of(place);
            }
        }
        Op::SkipPast { author, seq } => {
            log.skip_past(Header::of(&entry(*author, *seq)));
        }
        Op::SkipGap { author, first } => log.skip_gaps(&with_heads(&[span(*author, *first, 10)])),
        Op::Fork { author } => {
            log.end(Fork::of(&entry(*author, 2), &entry_with(*author, 7, 2, b"ho")).unwrap());
        }
    }
}

fn store(log: &mut Log, disk: &mut Disk) {
    for change in log.take_changes() {
        match change.change.value {
            Some(value) => disk.insert(change.change.key, value.to_vec()),
            None => disk.remove(&change.change.key),
        };
    }
}

fn restored(disk: &Disk) -> Log {
    let (mut feeds, mut entries) = (vec![], vec![]);
    for (key, value) in disk {
        let value = intact(value).unwrap();
        match Key::read(key).unwrap() {
            Key::Entry { .. } => entries.push(Record::recall(value).unwrap()),
            Key::Feed { feed } => feeds.push((feed, decode(value).unwrap())),
            other @ (Key::Name { .. }
            | Key::Head
            | Key::Whisper { .. }
            | Key::Fate { .. }
            | Key::File { .. }
            | Key::Hashes { .. }
            | Key::Pieces { .. }
            | Key::Setting { .. }
            | Key::Retention) => panic!("{other:?}"),
        }
    }
    let mut log = Log::new([2; 32], me());
    log.restore(&room(), feeds, entries);
    log
}

/// All that others and the room can tell of a log.
fn seen(log: &Log) -> impl PartialEq + std::fmt::Debug {
    let mut vector = log.vector();
    vector.sort_by_key(|span| (span.feed, span.first));
    let mut entries: Vec<_> = log.iter().map(|entry| entry.id).collect();
    entries.sort_unstable();
    let mut lacking = log.lacking(&with_heads(&[1, 2, 3].map(|author| span(author, 0, 12))), || false);
    lacking.sort_by_key(|span| (span.feed, span.first));
    let headers: Vec<_> = [1, 2, 3]
        .iter()
        .map(|author| log.header_of(span(*author, 0, 12)).cloned())
        .collect();
    let forks = [1, 2, 3].map(|number| log.fork(&feed(number, 7)));
    let sizes = (log.entries, log.bytes, log.is_whole(), log.skipped(0).len());
    (vector, entries, lacking, headers, forks, log.digest(), sizes)
}

proptest! {
    #[test]
    fn a_restored_log_is_what_it_was_and_goes_on_as_it_would_have(
        before in prop::collection::vec(op(), 0..40),
        after in prop::collection::vec(op(), 0..10),
    ) {
        let (mut log, mut disk) = (keeping(), Disk::new());
        for op in &before {
            apply(&mut log, op);
            store(&mut log, &mut disk);
        }
        let mut other = restored(&disk);
        prop_assert_eq!(format!("{:?}", seen(&other)), format!("{:?}", seen(&log)));
        for op in &after {
            apply(&mut log, op);
            apply(&mut other, op);
            store(&mut other, &mut disk);
        }
        prop_assert_eq!(format!("{:?}", seen(&other)), format!("{:?}", seen(&log)));
        prop_assert_eq!(format!("{:?}", seen(&restored(&disk))), format!("{:?}", seen(&log)));
    }
}

#[test]
fn of_a_feed_that_is_given_up_nothing_is_left_on_disk() {
    let (mut log, mut disk) = (keeping(), Disk::new());
    for seq in 0..3 {
        log.accept(&entry(2, seq), Source::Broadcast);
    }
    store(&mut log, &mut disk);
    assert_eq!(disk.len(), 3);
    log.give_up_feed();
    store(&mut log, &mut disk);
    assert_eq!(disk, Disk::new());
}

#[test]
fn an_entry_that_is_damaged_on_disk_counts_as_skipped_and_is_asked_for() {
    let (mut log, mut disk) = (keeping(), Disk::new());
    for seq in 0..6 {
        log.accept(&entry(2, seq), Source::Broadcast);
    }
    let place = log.by_feed.get(&feed(2, 7)).unwrap();
    log.evict_of(place);
    store(&mut log, &mut disk);
    let digest = log.digest();
    let key = Key::Entry {
        feed: feed(2, 7),
        seq: 3,
    }
    .forget()
    .key;
    disk.remove(&key);
    let mut log = restored(&disk);
    assert_eq!(log.skipped(0), [span(2, 3, 4)]);
    log.accept(&entry(2, 3), Source::Sync);
    assert_eq!((log.skipped(0), log.digest()), (vec![], digest));
}
