use std::collections::BTreeMap;

use super::*;
use crate::{
    context::test::{identity, peer},
    door::{LinkState, PassiveView, ToRoom},
    io::{Change, LinkId, Output},
    room::rig::{BOB, Rig, beacon, beacon_frame, entry_frame, tree},
    wire::{
        entry::{EntryBody, RecordId},
        fork::Fork,
        record::{Ack, Beacon},
        timestamp::Timestamp,
        whisper::seal_whisper,
    },
};

/// What a machine keeps.
type Disk = BTreeMap<Vec<u8>, Vec<u8>>;

fn restored(disk: &Disk, unix_millis: u64) -> Rig {
    let mut rig = Rig::new();
    rig.cx.now.unix_millis = unix_millis;
    let records: Vec<_> = disk.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    rig.room.restore(&mut rig.cx, records);
    rig
}

/// Does what is asked of the store until nothing more is. Gives everything else that came out.
fn settle(rig: &mut Rig, disk: &mut Disk) -> Vec<Output> {
    let mut others = Vec::new();
    loop {
        let outputs = rig.cx.outputs();
        if outputs.is_empty() {
            return others;
        }
        for output in outputs {
            let Output::Store { change, .. } = output else {
                others.push(output);
                continue;
            };
            match change.value {
                Some(value) => disk.insert(change.key, value.to_vec()),
                None => disk.remove(&change.key),
            };
        }
        let stores = rig.cx.stores;
        rig.room.handle_stored(&mut rig.cx, stores);
    }
}

/// The last delivery that was told of a message.
fn delivery_of(outputs: &[Output], of: MessageId) -> Option<Delivery> {
    let delivery = |output: &Output| {
        let Output::Event(Event::Delivery { id, delivery }) = output else {
            return None;
        };
        (*id == of).then_some(*delivery)
    };
    outputs.iter().rev().find_map(delivery)
}

fn entries_on(disk: &Disk) -> Vec<(Feed, u64)> {
    let place = |key: &Vec<u8>| match Key::read(key) {
        Some(Key::Entry { feed, seq }) => Some((feed, seq)),
        _ => None,
    };
    disk.keys().filter_map(place).collect()
}

fn link(rig: &mut Rig, person: u8) {
    let digests = rig.room.digests();
    rig.tell(ToRoom::NeighborUp {
        link: LinkId(u64::from(person)),
        peer: peer(person),
        name: format!("P{person}"),
        state: LinkState::Up,
        digests,
        unix_millis: rig.cx.now.unix_millis,
    });
}

/// Ann has met Bob, who is gone again, and has whispered something to him since.
fn held() -> (Rig, Disk, MessageId) {
    let (mut rig, mut disk) = (Rig::linked(&[2]), Disk::new());
    rig.room.restore(&mut rig.cx, []);
    let (bob, state) = (peer(2), LinkState::None);
    rig.tell(ToRoom::NeighborDown { link: BOB });
    rig.tell(ToRoom::LinkState { peer: bob, state });
    let id = rig.room.whisper(&mut rig.cx, bob, "psst").unwrap();
    assert_eq!(delivery_of(&settle(&mut rig, &mut disk), id), Some(Delivery::Waiting));
    (rig, disk, id)
}

/// Bob says that he has all of a feed up to here.
fn acknowledge(rig: &mut Rig, person: u8, feed: u64, next: u64) {
    let acks = vec![Ack {
        author: tree(1),
        feed,
        first: 0,
        next,
    }];
    let stamp = rig.cx.now.unix_millis + next;
    let content = Beacon {
        acks,
        ..beacon(person, stamp)
    };
    let record = Record::sign(&identity(person), &rig.cx.room, content);
    rig.handle(LinkId(u64::from(person)), beacon_frame(&record, 1, tree(person)));
}

#[test]
fn a_whisper_that_waited_is_delivered_by_its_recipients_word_alone_also_after_a_reload() {
    let (mut rig, mut disk, id) = held();
    let feed = rig.room.feed;
    link(&mut rig, 3);
    acknowledge(&mut rig, 3, feed, 1);
    assert_eq!(
        delivery_of(&settle(&mut rig, &mut disk), id),
        None,
        "others have it sealed"
    );
    let now = rig.cx.now.unix_millis;
    let again = restored(&disk, now).cx.outputs();
    assert_eq!(delivery_of(&again, id), Some(Delivery::Waiting));

    link(&mut rig, 2);
    acknowledge(&mut rig, 2, feed, 1);
    let read = Some(Delivery::Sent { delivered: 1, of: 1 });
    assert_eq!(delivery_of(&settle(&mut rig, &mut disk), id), read);
    let later = now + crate::io::millis(crate::config::WHISPER_LASTS);
    for now in [now, later] {
        assert_eq!(delivery_of(&restored(&disk, now).cx.outputs(), id), read);
    }
}

#[test]
fn a_whisper_whose_time_is_over_has_failed_for_good() {
    let (mut rig, mut disk, id) = held();
    let (now, lasts) = (rig.cx.now.unix_millis, crate::config::WHISPER_LASTS);
    rig.cx.wait(crate::io::millis(lasts));
    rig.room.on_delivery_due(&mut rig.cx);
    // Something said later does not make it read.
    rig.room.say(&mut rig.cx, "later").unwrap();
    let failed = Some(Delivery::Failed);
    assert_eq!(delivery_of(&settle(&mut rig, &mut disk), id), failed);
    for now in [now, rig.cx.now.unix_millis] {
        assert_eq!(delivery_of(&restored(&disk, now).cx.outputs(), id), failed);
    }
}

/// Each of these once counted as delivered, or pushed another out unseen.
#[test]
fn too_many_whispers_wait_for_nobody() {
    let (mut rig, mut disk, first) = held();
    let mut refused = 0;
    for number in 0..PENDING_MESSAGES_MAX {
        rig.cx.wait(1_000);
        if rig.room.whisper(&mut rig.cx, peer(2), &format!("{number}")) == Err(crate::model::SendError::Full) {
            refused += 1;
        }
        for _ in 0..2 {
            rig.room.say(&mut rig.cx, "to all").ok();
        }
    }
    assert_eq!(refused, 1);
    let outputs = settle(&mut rig, &mut disk);
    let of_first = delivery_of(&outputs, first);
    assert_eq!(of_first, None);
    let feed = rig.room.feed;
    link(&mut rig, 2);
    acknowledge(&mut rig, 2, feed, 1);
    let read = Some(Delivery::Sent { delivered: 1, of: 1 });
    assert_eq!(delivery_of(&settle(&mut rig, &mut disk), first), read);
}

#[test]
fn what_is_said_before_the_store_is_read_goes_on_in_the_feed_of_before_and_is_kept() {
    let (mut rig, mut disk) = (Rig::new(), Disk::new());
    rig.room.restore(&mut rig.cx, []);
    rig.room.say(&mut rig.cx, "one").unwrap();
    settle(&mut rig, &mut disk);
    let feed = rig.room.own_feed();

    let mut rig = Rig::new();
    // A seed is never used twice.
    rig.room = Room::new(&rig.cx, None, [2; 32]);
    rig.room.await_store();
    let early = rig.room.say(&mut rig.cx, "two").unwrap();
    rig.room.edit(&mut rig.cx, early, "three").unwrap();
    let outputs = rig.cx.outputs();
    let is_told = |output: &Output| matches!(output, Output::Event(_));
    assert!(
        outputs.iter().all(is_told),
        "shown, neither sent nor stored: {outputs:?}"
    );
    let records: Vec<_> = disk.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    rig.room.restore(&mut rig.cx, records);
    let outputs = settle(&mut rig, &mut disk);
    let renumbered = outputs.iter().find_map(|output| {
        let Output::Event(Event::Renumbered { before, id, .. }) = output else {
            return None;
        };
        (*before == early).then_some(*id)
    });
    assert_eq!(entries_on(&disk), [(feed, 0), (feed, 1), (feed, 2)]);
    // The edit is about what it was about.
    let edit = rig.room.log.entry_at(&feed, 2).unwrap().content.edit().unwrap();
    assert_eq!((Some(edit.to), edit.text.as_str()), (renumbered, "three"));
}

#[test]
fn what_is_said_before_there_turns_out_to_be_no_store_is_sent() {
    let mut rig = Rig::linked(&[2]);
    rig.room.await_store();
    rig.room.say(&mut rig.cx, "one").unwrap();
    let is_sent = |output: &Output| matches!(output, Output::Transmit { .. });
    assert!(!rig.cx.outputs().iter().any(is_sent));
    rig.room.handle_not_stored(&mut rig.cx);
    assert!(rig.cx.outputs().iter().any(is_sent));
}

/// An entry of ours with this number, said elsewhere.
fn said_elsewhere(rig: &Rig, seq: u64, prev: Option<RecordId>) -> Rc<Record<Entry>> {
    let entry = Entry {
        feed: rig.room.feed,
        seq,
        prev,
        order: Timestamp::from_unix_millis(rig.cx.now.unix_millis),
        unix_millis: rig.cx.now.unix_millis,
        name: "Ann".into(),
        kind: Entry::CHAT,
        body: EntryBody::of("elsewhere"),
    };
    Record::sign(&identity(1), &rig.cx.room, entry)
}

#[test]
fn what_waits_for_the_store_takes_another_place_if_somebody_else_has_spoken_in_ours() {
    // One with the number of ours, and one after a gap.
    for gap in [0, 3] {
        let (mut rig, mut disk) = (Rig::linked(&[2]), Disk::new());
        rig.room.restore(&mut rig.cx, []);
        rig.room.say(&mut rig.cx, "one").unwrap();
        settle(&mut rig, &mut disk);
        let (feed, last) = (rig.room.own_feed(), rig.room.head);
        rig.room.say(&mut rig.cx, "two").unwrap();
        let prev = if gap == 0 { last } else { Some([9; 32].into()) };
        let other = said_elsewhere(&rig, 1 + gap, prev);
        rig.handle(BOB, entry_frame(&other, 1, tree(1)));
        let outputs = settle(&mut rig, &mut disk);
        let is_alert = |output: &&Output| matches!(output, Output::Event(Event::Alert { .. }));
        let alert = Alert::SaidElsewhere;
        let alerts: Vec<_> = outputs.iter().filter(is_alert).collect();
        assert_eq!(alerts, [&Output::Event(Event::Alert { alert })]);
        assert_eq!(rig.room.log.fork(&feed), None);
        let next = rig.room.own_feed();
        let mut places = vec![(feed, 0), (feed, 1 + gap), (next, 0)];
        places.sort_unstable();
        assert_eq!(entries_on(&disk), places, "nothing of ours is found under two numbers");
        assert_ne!(next, feed);
    }
}

#[test]
fn what_was_said_in_a_feed_that_is_over_is_not_delivered_by_logs_that_agree() {
    let (mut rig, mut disk) = (Rig::linked(&[2, 3]), Disk::new());
    for person in [2, 3] {
        let beacon = rig.beacon_of(person, 1);
        rig.handle(LinkId(u64::from(person)), beacon_frame(&beacon, 1, tree(person)));
    }
    let id = rig.room.say(&mut rig.cx, "one").unwrap();
    settle(&mut rig, &mut disk);
    let feed = rig.room.own_feed();
    let (ours, theirs) = (
        Rc::clone(rig.room.log.entry_at(&feed, 0).unwrap()),
        said_elsewhere(&rig, 0, None),
    );
    let fork = Fork::of(&ours, &theirs).unwrap();
    rig.handle(BOB, fork.frame());
    assert_eq!(delivery_of(&settle(&mut rig, &mut disk), id), Some(Delivery::Failed));
    let content = Beacon {
        whole: true,
        digest: rig.room.log.digest(),
        ..beacon(2, rig.cx.now.unix_millis + 5)
    };
    let agrees = Record::sign(&identity(2), &rig.cx.room, content);
    rig.handle(BOB, beacon_frame(&agrees, 1, tree(2)));
    assert_eq!(delivery_of(&settle(&mut rig, &mut disk), id), None);
}

#[test]
fn whispers_of_a_former_visit_take_no_place_before_somebody_has_shown_our_feed() {
    let (mut rig, mut disk) = (Rig::linked(&[2]), Disk::new());
    rig.room.restore(&mut rig.cx, []);
    let id = rig.room.whisper(&mut rig.cx, peer(2), "psst").unwrap();
    settle(&mut rig, &mut disk);
    let mut rig = restored(&disk, rig.cx.now.unix_millis);
    assert_eq!(delivery_of(&settle(&mut rig, &mut disk), id), Some(Delivery::Waiting));
    assert_eq!(entries_on(&disk), []);
    link(&mut rig, 3);
    settle(&mut rig, &mut disk);
    assert_eq!(entries_on(&disk), [(rig.room.own_feed(), 0)]);
}

/// Two programs of one machine share entries, and only one of them is the recipient.
#[test]
fn whispers_that_another_program_stored_are_found_however_many_there_are() {
    let most = 3 * WHISPERS_TRIED_AT_ONCE;
    let (mut rig, mut disk) = (Rig::linked(&[2]), Disk::new());
    rig.room.restore(&mut rig.cx, []);
    let feed = Feed {
        author: peer(2),
        number: 5,
    };
    let mut prev = None;
    for (seq, number) in (0..).zip(0..most) {
        let whisper = Whisper {
            id: MessageId::from_bytes([u8::try_from(number).unwrap(); MessageId::LEN]),
            unix_millis: rig.cx.now.unix_millis,
            name: "P2".into(),
            to: peer(if number == 0 { 1 } else { 4 }),
            text: "psst".into(),
            order: Timestamp::from_unix_millis(rig.cx.now.unix_millis + seq),
            since: 0,
        };
        let sealed = seal_whisper(&identity(2), &rig.cx.room, &whisper, &mut rig.room.whispers).unwrap();
        let entry = Entry {
            feed: feed.number,
            seq,
            prev,
            order: whisper.order,
            unix_millis: whisper.unix_millis,
            name: whisper.name,
            kind: Entry::WHISPER,
            body: EntryBody::of(sealed),
        };
        let record = Record::sign(&identity(2), &rig.cx.room, entry);
        prev = Some(record.id.into());
        let Change { key, value, .. } = Key::Entry { feed, seq }.keep_bytes(&record.wire);
        disk.insert(key, value.unwrap().to_vec());
    }
    let mut rig = restored(&disk, rig.cx.now.unix_millis);
    let mut heard = 0;
    while let Some(at) = rig.room.delivery_due() {
        rig.cx.wait(crate::io::millis(at.since(rig.cx.instant())));
        rig.room.on_delivery_due(&mut rig.cx);
        let is_heard =
            |output: &Output| matches!(output, Output::Event(Event::Message { message }) if message.text == "psst");
        heard += settle(&mut rig, &mut disk)
            .iter()
            .filter(|output| is_heard(output))
            .count();
    }
    assert_eq!(heard, 1);
}

/// A long history is read a part at a time: what is shown at the end, and what is there, is the same as if it had been read at one go.
#[test]
fn what_is_read_in_parts_is_shown_from_its_latest_part_on_and_is_the_same_in_the_end() {
    let mut rig = Rig::new();
    rig.room.restore(&mut rig.cx, []);
    let mut disk = Disk::new();
    let said = u64::try_from(RECALLED_FIRST).unwrap() + 20;
    for seq in 0..said {
        let entry = rig.entry_of(4, seq, &format!("{seq}"));
        rig.room.take_entry(&mut rig.cx, &entry, crate::room::log::Source::Sync);
    }
    rig.room.persist(&mut rig.cx);
    settle(&mut rig, &mut disk);
    let shown = |rig: &mut Rig| -> Vec<Vec<String>> {
        let outputs = rig.cx.outputs().into_iter();
        let recalled = outputs.filter_map(|output| {
            let Output::Event(Event::Recalled { messages }) = output else {
                return None;
            };
            Some(messages.into_iter().map(|message| message.text).collect())
        });
        recalled.collect()
    };
    let now = rig.cx.now.unix_millis;
    let mut whole = restored(&disk, now);
    let [all] = &shown(&mut whole)[..] else {
        panic!("shown once")
    };
    assert_eq!(all.len() as u64, said);

    let mut ordered: Vec<_> = disk.clone().into_iter().collect();
    ordered.sort_by_key(|(key, value)| crate::wire::stored::order_of(key, value).unwrap_or(u64::MAX));
    let mut parts = Rig::new();
    parts.cx.now.unix_millis = now;
    let early = ordered.split_off(10);
    let (first, rest) = (ordered.split_off(5), ordered);
    parts.room.recall_part(&mut parts.cx, early);
    assert_eq!(shown(&mut parts), [all[all.len() - RECALLED_FIRST..].to_vec()]);
    parts.room.recall_part(&mut parts.cx, first);
    assert_eq!(shown(&mut parts), [[""; 0]; 0]);
    parts.room.restore(&mut parts.cx, rest);
    assert_eq!(&shown(&mut parts), std::slice::from_ref(all));
    assert_eq!(parts.room.log_digest(), whole.room.log_digest());
}
