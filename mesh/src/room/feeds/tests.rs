//! Entries as they come, by a room with its neighbors.

use super::{
    super::rig::{BOB, CID, Rig, entry_frame, forged, sent, shown, span, tree, violation},
    *,
};
use crate::{
    config::GAP_MIN,
    context::test::{identity, peer},
    door::{LinkState, PassiveView, ToRoom},
    io::Output,
    model::{Alert, Event},
    wire::{
        entry::{Entry, EntryBody, Header},
        fork::Fork,
        frame::{Announced, Digests},
        span::{LogDigest, Span},
    },
};

#[test]
fn an_entry_is_shown_passed_on_and_hastens_the_beacon() {
    let mut rig = Rig::linked(&[2, 3]);
    rig.beacon_over(BOB);
    let soon = rig.cx.instant() + GAP_MIN;
    assert!(rig.room.beacon_due() > Some(soon));
    let entry = rig.entry_of(2, 0, "hi");
    rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    assert_eq!(
        rig.cx.outputs(),
        [shown(&entry), sent(CID, &entry_frame(&entry, 2, tree(2)))]
    );
    assert_eq!((rig.room.beacon_due(), rig.told()), (Some(soon), vec![]));
    let counters = rig.cx.counters;
    assert_eq!(
        (
            counters.entries_broadcast,
            counters.entries_repeated,
            counters.entry_hops
        ),
        (1, 0, 1)
    );
}

#[test]
fn an_entry_on_a_tree_that_nobody_knows_goes_on_along_the_nearest() {
    let mut rig = Rig::linked(&[2, 3]);
    let entry = rig.entry_of(2, 0, "hi");
    rig.handle(BOB, entry_frame(&entry, 1, tree(9)));
    assert_eq!(rig.cx.outputs()[1..], [sent(CID, &entry_frame(&entry, 2, tree(1)))]);
}

#[test]
fn a_duplicate_prunes_its_sender_who_then_gets_only_ids() {
    let mut rig = Rig::linked(&[2, 3]);
    let (entry, next) = (rig.entry_of(2, 0, "hi"), rig.entry_of(2, 1, "hi"));
    rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    rig.cx.outputs();
    rig.handle(CID, entry_frame(&entry, 2, tree(2)));
    assert_eq!(rig.cx.outputs(), [sent(CID, &Frame::Prune { tree: tree(2) })]);
    assert_eq!((rig.cx.counters.entries_repeated, rig.told()), (1, vec![]));
    rig.handle(BOB, entry_frame(&next, 1, tree(2)));
    assert_eq!(rig.cx.outputs(), [shown(&next)]);
    rig.cx.wait(100);
    rig.room.on_broadcast_due(&mut rig.cx);
    let (tree, ids) = (tree(2), vec![next.short()]);
    let announced = vec![Announced { tree, ids }];
    assert_eq!(rig.cx.outputs(), [sent(CID, &Frame::IHave { announced })]);
}

#[test]
fn a_duplicate_on_the_tree_of_another_root_prunes_nobody() {
    let mut rig = Rig::linked(&[2, 3]);
    let entry = rig.entry_of(2, 0, "hi");
    rig.handle(BOB, entry_frame(&entry, 1, tree(1)));
    rig.cx.outputs();
    rig.handle(CID, entry_frame(&entry, 2, tree(1)));
    assert_eq!((rig.cx.outputs(), rig.cx.counters.entries_repeated), (vec![], 1));
}

#[test]
fn who_prunes_is_sent_no_more_until_it_grafts() {
    let mut rig = Rig::linked(&[2, 3]);
    let entries: Vec<_> = (0..3).map(|seq| rig.entry_of(2, seq, "hi")).collect();
    let passed_on = |rig: &mut Rig, entry: &Record<Entry>| {
        rig.cx.outputs();
        rig.handle(BOB, entry_frame(entry, 1, tree(2)));
        rig.cx.outputs().contains(&sent(CID, &entry_frame(entry, 2, tree(2))))
    };
    assert!(passed_on(&mut rig, &entries[0]));
    rig.handle(CID, Frame::Prune { tree: tree(2) });
    assert!(!passed_on(&mut rig, &entries[1]));
    let (ids, tree) = (vec![], tree(2));
    rig.handle(CID, Frame::Graft { ids, tree });
    assert!(passed_on(&mut rig, &entries[2]));
}

/// An entry of this person's that nobody else has, in the place of another.
fn instead(rig: &Rig, entry: &Record<Entry>, person: u8) -> Rc<Record<Entry>> {
    let other = Entry {
        body: EntryBody::of("something else"),
        ..entry.content.clone()
    };
    Record::sign(&identity(person), &rig.cx.room, other)
}

fn equivocated(person: u8) -> Output {
    let alert = Alert::Equivocated { peer: peer(person) };
    Output::Event(Event::Alert { alert })
}

#[test]
fn who_says_two_things_is_told_of_once_and_everybody_gets_the_proof() {
    let mut rig = Rig::linked(&[2, 3]);
    let entries: Vec<_> = (0..3).map(|seq| rig.entry_of(2, seq, "hi")).collect();
    for entry in &entries[..2] {
        rig.handle(BOB, entry_frame(entry, 1, tree(2)));
    }
    let digest = rig.room.log_digest();
    rig.cx.outputs();
    let other = instead(&rig, &entries[1], 2);
    let fork = Fork::of(&entries[1], &other).unwrap();
    rig.handle(CID, entry_frame(&other, 1, tree(2)));
    let told = [BOB, CID].map(|link| sent(link, &fork.frame()));
    assert_eq!(rig.cx.outputs(), [vec![equivocated(2)], told.into()].concat());
    assert_ne!(rig.room.log_digest(), digest);
    // Nothing more of that feed, and nothing more about it, but for who does not know yet.
    rig.handle(BOB, entry_frame(&entries[2], 1, tree(2)));
    let [one, other] = fork.headers.each_ref().map(|header| header.as_slice().into());
    rig.handle(BOB, Frame::Fork { one, other });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
    let vector = vec![span(2, 0, 3)];
    rig.handle(BOB, Frame::Have { vector, ranges: None });
    assert_eq!(rig.cx.outputs(), [sent(BOB, &fork.frame())]);
    // In another feed they are heard.
    let again = Entry {
        feed: 6,
        ..entries[0].content.clone()
    };
    let again = Record::sign(&identity(2), &rig.cx.room, again);
    rig.handle(BOB, entry_frame(&again, 1, tree(2)));
    assert!(rig.cx.outputs().contains(&shown(&again)));
    // And told of once, whatever else they contradict.
    rig.handle(BOB, entry_frame(&instead(&rig, &again, 2), 1, tree(2)));
    assert!(!rig.cx.outputs().contains(&equivocated(2)));
}

#[test]
fn a_proof_is_checked_and_passed_on_to_the_others() {
    let mut rig = Rig::linked(&[2, 3]);
    let entry = rig.entry_of(2, 0, "hi");
    let other = instead(&rig, &entry, 2);
    let fork = Fork::of(&entry, &other).unwrap();
    let [one, other] = &fork.headers;
    let altered = [&other[..other.len() - 1], &[other[other.len() - 1] ^ 1]].concat();
    for (one, other) in [(one, one), (one, &altered), (&vec![1, 2, 3], other)] {
        let (one, other) = (one.as_slice().into(), other.as_slice().into());
        rig.handle(BOB, Frame::Fork { one, other });
        assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(BOB)]));
    }
    rig.handle(BOB, fork.frame());
    assert_eq!(rig.cx.outputs(), [equivocated(2), sent(CID, &fork.frame())]);
    rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    assert_eq!(rig.cx.outputs(), []);
}

/// Somebody else has our key.
#[test]
fn who_finds_its_own_feed_forked_goes_on_in_another() {
    let mut rig = Rig::linked(&[2]);
    rig.room.say(&mut rig.cx, "one").unwrap();
    let said = |rig: &mut Rig| {
        let outputs = rig.cx.outputs();
        let entry = outputs.iter().find_map(|output| {
            let Output::Transmit { bytes, .. } = output else {
                return None;
            };
            let Ok(Frame::Entry { wire, .. }) = Frame::decode(&bytes[1..]) else {
                return None;
            };
            Some(Record::<Entry>::open(wire, &rig.cx.room).unwrap())
        });
        entry.expect("an entry was sent")
    };
    let first = said(&mut rig);
    let fork = Fork::of(&first, &instead(&rig, &first, 1)).unwrap();
    rig.handle(BOB, fork.frame());
    assert!(rig.cx.outputs().contains(&equivocated(1)));
    rig.room.say(&mut rig.cx, "two").unwrap();
    let second = said(&mut rig);
    assert_eq!((second.content.seq, second.content.prev), (0, None));
    assert_ne!(second.content.feed, first.content.feed);
}

#[test]
fn an_invalid_record_of_a_batch_costs_a_violation_and_none_of_the_others() {
    let mut rig = Rig::linked(&[2, 3]);
    let vector = vec![span(4, 0, 3)];
    rig.handle(BOB, Frame::Have { vector, ranges: None });
    let spans = vec![span(4, 0, 3)];
    assert_eq!(rig.cx.outputs(), [sent(BOB, &Frame::Want { spans })]);
    let entries: Vec<_> = (0..3).map(|seq| rig.entry_of(4, seq, "hi")).collect();
    let forgery = forged(&entries[1]);
    let wires = [&entries[0].wire, &forgery, &entries[2].wire].map(|wire| wire.as_slice().into());
    rig.handle(BOB, Frame::Entries { wires: wires.into() });
    let outputs = rig.cx.outputs();
    assert_eq!(outputs[..2], [shown(&entries[0]), shown(&entries[2])]);
    let spans = vec![span(4, 1, 2)];
    assert_eq!(outputs[2..], [sent(BOB, &Frame::Want { spans })]);
    assert_eq!((rig.told(), rig.cx.counters.entries_synced), (vec![violation(BOB)], 2));
    let wires = vec![entries[1].wire.as_slice().into()];
    rig.handle(BOB, Frame::Entries { wires });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![shown(&entries[1])], vec![]));
}

/// Ten entries of somebody, of which Bob has the last, and says that the others are gone for good.
fn hidden_by_bob(rig: &mut Rig) -> Vec<Rc<Record<Entry>>> {
    let entries: Vec<_> = (0..10).map(|seq| rig.entry_of(4, seq, "hi")).collect();
    rig.handle(BOB, entry_frame(&entries[9], 1, tree(4)));
    let head = Some(entries[9].short());
    let vector = vec![Span { head, ..span(4, 9, 10) }];
    rig.handle(BOB, Frame::Have { vector, ranges: None });
    rig.cx.outputs();
    entries
}

/// One neighbor says that the beginning is gone for good. What it has hidden so is had from the others, who seem to have the same.
#[test]
fn what_was_skipped_on_the_word_of_one_is_asked_of_all_others() {
    let mut rig = Rig::linked(&[2, 3]);
    let entries = hidden_by_bob(&mut rig);
    let digests = rig.room.digests();
    let wanted = Frame::Want {
        spans: vec![span(4, 0, 9)],
    };
    rig.tell(ToRoom::Digests { link: CID, digests });
    assert_eq!(rig.cx.outputs(), [sent(CID, &wanted)]);
    // Not all the time, but again and again.
    rig.tell(ToRoom::Digests { link: CID, digests });
    assert_eq!(rig.cx.outputs(), []);
    rig.cx.wait(60_000);
    rig.tell(ToRoom::Digests { link: CID, digests });
    assert_eq!(rig.cx.outputs(), [sent(CID, &wanted)]);
    let wires = entries[..9].iter().map(|entry| entry.wire.as_slice().into()).collect();
    rig.handle(CID, Frame::Entries { wires });
    assert_eq!(
        rig.cx.outputs().len(),
        9,
        "all are shown, and nothing more is asked for"
    );
    rig.cx.wait(60_000);
    rig.tell(ToRoom::Digests { link: BOB, digests });
    assert_eq!(rig.cx.outputs(), []);
}

/// What a neighbor told while it was asked for something else is not lost.
#[test]
fn who_asks_for_what_was_skipped_still_gets_what_is_new() {
    let mut rig = Rig::linked(&[2]);
    hidden_by_bob(&mut rig);
    // Somebody else comes, who has none of that, but something new.
    let (log, people) = (LogDigest([7; 16]), 1);
    rig.tell(ToRoom::NeighborUp {
        link: CID,
        peer: peer(3),
        name: "P3".into(),
        state: LinkState::Up,
        digests: Digests { log, people },
        unix_millis: 1_800_000_000_000,
    });
    assert!(rig.cx.outputs().contains(&sent(
        CID,
        &Frame::Want {
            spans: vec![span(4, 0, 9)]
        }
    )));
    let new = rig.entry_of(5, 0, "new");
    let vector = vec![Span {
        head: Some(new.short()),
        ..span(5, 0, 1)
    }];
    rig.handle(CID, Frame::Have { vector, ranges: None });
    assert_eq!(rig.cx.outputs(), []);
    rig.handle(CID, Frame::Entries { wires: vec![] });
    assert_eq!(
        rig.cx.outputs(),
        [sent(
            CID,
            &Frame::Want {
                spans: vec![span(4, 0, 9), span(5, 0, 1)]
            }
        )]
    );
    let wires = vec![new.wire.as_slice().into()];
    rig.handle(CID, Frame::Entries { wires });
    assert!(rig.cx.outputs().contains(&shown(&new)));
}

/// Nobody has the body any more.
#[test]
fn a_header_that_was_asked_for_is_no_violation_and_one_with_another_body_is() {
    let mut rig = Rig::linked(&[2]);
    let entry = rig.entry_of(4, 5, "hi");
    let header = Header::of(&entry);
    let vector = vec![Span {
        head: Some(entry.short()),
        ..span(4, 6, 6)
    }];
    let ask = |rig: &mut Rig| {
        let vector = vector.clone();
        rig.handle(BOB, Frame::Have { vector, ranges: None });
        let outputs = rig.cx.outputs();
        assert_eq!(
            outputs,
            [sent(
                BOB,
                &Frame::Want {
                    spans: vec![span(4, 5, 6)]
                }
            )]
        );
    };
    ask(&mut rig);
    let altered = forged(&entry);
    let wires = vec![altered.as_slice().into()];
    rig.handle(BOB, Frame::Entries { wires });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(BOB)]));
    ask(&mut rig);
    let empty = rig.room.log_digest();
    let wires = vec![header.wire.as_slice().into()];
    rig.handle(BOB, Frame::Entries { wires });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]), "nothing to show");
    assert_ne!(rig.room.log_digest(), empty);
}
