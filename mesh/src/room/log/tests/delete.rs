//! What authors delete.

use super::*;
use crate::wire::{codec::encode, relation::Deletions};

fn lobby() -> shared::Room {
    RoomCode::parse("lobby").unwrap().open()
}

/// The first entry of a feed of its own: so any order is fine.
fn said(byte: u8, number: u64, text: &str) -> Rc<Record<Entry>> {
    entry_after(byte, number, 0, None, text.as_bytes())
}

fn deletion(byte: u8, number: u64, of: &[&Rc<Record<Entry>>]) -> Rc<Record<Entry>> {
    let ids: Vec<_> = of.iter().map(|entry| entry.message_id()).collect();
    let body = encode(&Deletions::sign(&author(byte), &lobby(), &ids));
    let like = said(byte, number, "x");
    let content = Entry {
        kind: Entry::DELETION,
        body: EntryBody::of(body),
        ..like.content.clone()
    };
    Record::sign(&author(byte), &lobby(), content)
}

fn accept(log: &mut Log, entry: &Rc<Record<Entry>>) {
    let kept = log.as_kept(entry);
    log.accept(&kept, Source::Broadcast);
    let bytes: usize = log.iter().map(|entry| entry.wire.len()).sum();
    let shares: usize = log.authors.values().map(|share| share.bytes).sum();
    assert_eq!((log.bytes, shares), (bytes, bytes));
}

fn text_of(log: &Log, entry: &Record<Entry>) -> Option<String> {
    let kept = log.find(entry.short())?;
    Some(kept.content.text().unwrap_or("(deleted)").to_owned())
}

#[test]
fn a_deletion_takes_the_body_whatever_comes_first() {
    let (one, other) = (said(2, 1, "one"), said(2, 2, "a longer text that is deleted too"));
    let deletion = deletion(2, 3, &[&one, &other]);
    let mut kept = Vec::new();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut log = Log::new([1; 32], me());
        for place in order {
            accept(&mut log, [&one, &other, &deletion][place]);
        }
        assert_eq!(text_of(&log, &one).as_deref(), Some("(deleted)"));
        assert_eq!(text_of(&log, &other).as_deref(), Some("(deleted)"));
        let mut wires: Vec<_> = log.iter().map(|entry| entry.wire.clone()).collect();
        wires.sort();
        kept.push((wires, log.digest()));
    }
    assert!(kept.windows(2).all(|two| two[0] == two[1]));
    // Whoever gets it from here sees that its author wanted it.
    for wire in &kept[0].0 {
        Record::<Entry>::open(wire, &lobby()).unwrap();
    }
}

#[test]
fn nobody_deletes_what_another_said() {
    let mut log = Log::new([1; 32], me());
    let one = said(2, 1, "one");
    accept(&mut log, &deletion(3, 1, &[&one]));
    accept(&mut log, &one);
    accept(&mut log, &deletion(3, 2, &[&one]));
    assert_eq!(text_of(&log, &one).as_deref(), Some("one"));
}

#[test]
fn a_deleted_entry_counts_like_the_entry() {
    let (mut log, mut other) = (Log::new([1; 32], me()), Log::new([1; 32], me()));
    let one = said(2, 1, "one");
    let deletion = deletion(2, 2, &[&one]);
    for log in [&mut log, &mut other] {
        accept(log, &deletion);
    }
    accept(&mut log, &one);
    // As the one has it, the other gets it.
    let bare = Rc::clone(log.find(one.short()).unwrap());
    accept(&mut other, &bare);
    assert_eq!(other.digest(), log.digest());
    assert_eq!(log.accept(&one, Source::Broadcast), Accepted::Known);
    assert_eq!(other.find(one.short()).unwrap().wire, bare.wire);
}

#[test]
fn what_is_known_of_deletions_goes_with_them() {
    let mut log = Log::new([1; 32], me());
    let one = said(2, 1, "one");
    let (first, second) = (deletion(2, 2, &[&one]), deletion(2, 3, &[&one]));
    accept(&mut log, &first);
    accept(&mut log, &second);
    let evict = |log: &mut Log, number| {
        let place = log.by_feed.get(&feed(2, number)).unwrap();
        log.evict_of(place);
    };
    evict(&mut log, 2);
    assert!(log.as_kept(&one).content.is_deleted());
    evict(&mut log, 3);
    assert_eq!(
        (log.deletions.len(), log.as_kept(&one).content.text()),
        (0, Some("one"))
    );
}
