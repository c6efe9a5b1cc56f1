//! What arrives, by a room with its neighbors.

use shared::MessageId;

use super::{
    super::rig::{BOB, CID, DAN, Rig, beacon, beacon_frame, entry_frame, forged, sent, shown, span, tree, violation},
    *,
};
use crate::{
    config::{ANSWERED_BURST, CARRIED_BURST, CARRIED_PER_SECOND, GAP_MIN, GRAFT_WAIT, RECORDS_BURST},
    context::test::{identity, peer},
    door::{LinkState, ToRoom},
    io::Output,
    model::{Event, Person, PersonState},
    wire::{entry::Entry, frame::Digests, record::Lost, span::LogDigest},
};

fn packet_frame(record: &Record<Packet>) -> Frame<'_> {
    let wire = record.wire.as_slice().into();
    Frame::Packet {
        hops_left: 5,
        flooded: true,
        wire,
    }
}

fn packet(rig: &Rig, from: u8, to: u8, nonce: u64, payload: Payload) -> Rc<Record<Packet>> {
    let to = peer(to);
    Record::sign(&identity(from), &rig.cx.room, Packet { to, nonce, payload })
}

fn receipt() -> Payload {
    let id = MessageId::from_bytes([1; 16]);
    Payload::Receipt { id }
}

#[test]
fn a_forged_record_is_a_violation_is_not_shown_and_does_not_keep_the_true_one_out() {
    let mut rig = Rig::linked(&[2, 3]);
    let (entry, beacon, packet) = (
        rig.entry_of(4, 0, "hi"),
        rig.beacon_of(4, 1),
        packet(&rig, 4, 1, 1, receipt()),
    );
    let (entry_wire, beacon_wire, packet_wire) = (forged(&entry), forged(&beacon), forged(&packet));
    let (hops, fan_out, tree) = (2, 0, tree(4));
    let frames = [
        Frame::Entry {
            hops,
            fan_out,
            tree,
            wire: entry_wire.as_slice().into(),
        },
        Frame::Beacon {
            hops,
            tree,
            wire: beacon_wire.as_slice().into(),
        },
        Frame::Packet {
            hops_left: 5,
            flooded: true,
            wire: packet_wire.as_slice().into(),
        },
        Frame::Entry {
            hops,
            fan_out,
            tree,
            wire: (&[1, 2, 3][..]).into(),
        },
    ];
    for frame in frames {
        rig.handle(BOB, frame);
        assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(BOB)]));
    }
    rig.handle(CID, entry_frame(&entry, 2, tree));
    assert_eq!(
        rig.cx.outputs(),
        [shown(&entry), sent(BOB, &entry_frame(&entry, 3, tree))]
    );
    rig.handle(CID, beacon_frame(&beacon, 2, tree));
    assert_eq!(
        rig.cx.outputs().last(),
        Some(&sent(BOB, &beacon_frame(&beacon, 3, tree)))
    );
    assert_eq!(rig.told(), []);
}

#[test]
fn who_is_no_neighbor_hands_us_nothing() {
    let mut rig = Rig::linked(&[2]);
    let entry = rig.entry_of(4, 0, "hi");
    rig.handle(DAN, entry_frame(&entry, 1, tree(4)));
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(DAN)]));
}

#[test]
fn what_a_neighbor_hands_on_of_people_who_are_not_here_is_put_off_beyond_a_share_and_is_nobodys_fault() {
    let mut rig = Rig::linked(&[2, 3]);
    let most = u64::from(CARRIED_BURST);
    let hand = |rig: &mut Rig, numbers: std::ops::Range<u64>| {
        let before = rig.room.log.accepted();
        for number in numbers {
            let entry = Entry {
                feed: number,
                ..rig.entry_of(4, 0, "x").content.clone()
            };
            let entry = Record::sign(&identity(4), &rig.cx.room, entry);
            rig.handle(BOB, entry_frame(&entry, 2, tree(4)));
        }
        rig.cx.outputs();
        rig.room.log.accepted() - before
    };
    assert_eq!(hand(&mut rig, 0..most + 50), most);
    assert_eq!(rig.cx.counters.records_put_off, 50);
    // Of what is put off nothing is noted: it is taken when it comes again.
    rig.cx.wait(1_000);
    let rate = u64::from(CARRIED_PER_SECOND);
    assert_eq!(hand(&mut rig, most..most + 50), rate);
    assert_eq!(rig.told(), [], "nobody is blamed");
    // Who is here is heard all the same.
    rig.handle(CID, beacon_frame(&rig.beacon_naming(3, 5, 9), 1, tree(3)));
    rig.handle(CID, beacon_frame(&rig.beacon_of(9, 5), 2, tree(9)));
    let entry = rig.entry_of(9, 0, "do you hear me?");
    rig.handle(BOB, entry_frame(&entry, 2, tree(9)));
    assert!(rig.cx.outputs().contains(&shown(&entry)));
}

#[test]
fn a_question_has_its_price_also_where_nothing_is_found() {
    let mut rig = Rig::linked(&[2]);
    let ids: Vec<_> = (0..256).map(ShortId).collect();
    let most = usize::try_from(ANSWERED_BURST).unwrap() / QUESTION_BYTES / ids.len();
    for _ in 0..most {
        let (ids, tree) = (ids.clone(), tree(2));
        rig.handle(BOB, Frame::Graft { ids, tree });
        assert_eq!(rig.cx.counters.answers_put_off, 0);
    }
    let ids = ids.clone();
    rig.handle(BOB, Frame::Graft { ids, tree: tree(2) });
    assert_eq!((rig.cx.counters.answers_put_off, rig.told()), (1, vec![]));
}

#[test]
fn a_beacon_lists_its_author_and_is_passed_on() {
    let mut rig = Rig::linked(&[2, 3]);
    rig.handle(BOB, beacon_frame(&rig.beacon_naming(2, 5, 9), 1, tree(2)));
    rig.cx.outputs();
    let beacon = rig.beacon_of(9, 5);
    rig.handle(BOB, beacon_frame(&beacon, 3, tree(9)));
    let person = |name: Option<&str>| {
        let person = Person {
            peer: peer(9),
            name: name.map(str::to_owned),
            state: PersonState::Here,
            linked: false,
            round_trip: None,
            archive: false,
        };
        Output::Event(Event::Person { person })
    };
    let on = sent(CID, &beacon_frame(&beacon, 4, tree(9)));
    assert_eq!(rig.cx.outputs(), [person(None), person(Some("P9")), on]);
    rig.handle(CID, beacon_frame(&beacon, 4, tree(9)));
    assert_eq!(rig.cx.outputs(), [sent(CID, &Frame::Prune { tree: tree(9) })]);
}

/// Whether somebody is listed with a name.
fn is_named(output: &Output, peer: PeerId, name: &str) -> bool {
    matches!(output, Output::Event(Event::Person { person }) if person.peer == peer && person.name.as_deref() == Some(name))
}

#[test]
fn whom_nobody_names_is_passed_on_and_not_listed_until_somebody_does() {
    let mut rig = Rig::linked(&[2, 3]);
    let beacon = rig.beacon_of(9, 5);
    rig.handle(BOB, beacon_frame(&beacon, 3, tree(9)));
    assert_eq!(rig.cx.outputs(), [sent(CID, &beacon_frame(&beacon, 4, tree(9)))]);
    // Nor by somebody whom nobody names.
    rig.handle(BOB, beacon_frame(&rig.beacon_naming(8, 5, 9), 3, tree(8)));
    assert_eq!(rig.room.roster.present(), 0);
    rig.cx.outputs();
    rig.handle(CID, beacon_frame(&rig.beacon_naming(3, 5, 8), 1, tree(3)));
    assert_eq!(rig.room.roster.present(), 3, "Cid, and both now");
    let outputs = rig.cx.outputs();
    for person in [8, 9] {
        assert!(
            outputs
                .iter()
                .any(|output| is_named(output, peer(person), &format!("P{person}")))
        );
    }
}

#[test]
fn an_old_beacon_is_not_passed_on_and_its_author_told_of_the_newer_one() {
    let mut rig = Rig::linked(&[2, 3]);
    let (old, new) = (rig.beacon_of(2, 5), rig.beacon_of(2, 6));
    rig.handle(BOB, beacon_frame(&new, 1, tree(2)));
    rig.cx.outputs();
    rig.handle(BOB, beacon_frame(&old, 1, tree(2)));
    let nearest = tree(1).min(tree(2));
    assert_eq!(rig.cx.outputs(), [sent(BOB, &beacon_frame(&new, 0, nearest))]);
    rig.handle(CID, beacon_frame(&rig.beacon_of(2, 4), 2, tree(2)));
    assert_eq!(
        (rig.cx.outputs(), rig.told()),
        (vec![], vec![]),
        "it is not the author's link"
    );
}

#[test]
fn who_is_thought_lost_says_soon_that_it_is_here() {
    let mut rig = Rig::linked(&[2, 3]);
    rig.beacon_over(BOB);
    let mut reports = beacon(3, 5);
    reports.lost.push(Lost {
        peer: tree(1),
        stamp: 0,
    });
    let reports = Record::sign(&identity(3), &rig.cx.room, reports);
    rig.handle(CID, beacon_frame(&reports, 1, tree(3)));
    assert_eq!(rig.room.beacon_due(), Some(rig.cx.instant() + GAP_MIN));
}

#[test]
fn announced_records_are_grafted_unless_they_come_and_too_many_are_a_violation() {
    let mut rig = Rig::linked(&[2, 3]);
    let entry = rig.entry_of(2, 0, "hi");
    rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    rig.cx.outputs();
    let ihave = |ids: Vec<ShortId>| {
        let announced = vec![Announced { tree: tree(2), ids }];
        Frame::IHave { announced }
    };
    rig.handle(CID, ihave(vec![entry.short(), ShortId(7)]));
    assert_eq!(rig.room.broadcast_due(), Some(rig.cx.instant() + GRAFT_WAIT));
    rig.cx.wait(400);
    rig.room.on_broadcast_due(&mut rig.cx);
    let (tree, ids) = (tree(2), vec![ShortId(7)]);
    assert_eq!(rig.cx.outputs(), [sent(CID, &Frame::Graft { ids, tree })]);
    let many = (0..).map(ShortId).take(GRAFT_IDS_MAX + 1).collect();
    for ids in [vec![], many] {
        rig.handle(CID, ihave(ids));
        assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(CID)]));
    }
}

#[test]
fn a_graft_is_answered_with_what_is_at_hand() {
    let mut rig = Rig::linked(&[2, 3]);
    let (entry, beacon) = (rig.entry_of(2, 0, "hi"), rig.beacon_of(2, 5));
    rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    rig.handle(BOB, beacon_frame(&beacon, 1, tree(2)));
    rig.cx.outputs();
    let (ids, tree) = (vec![beacon.short(), ShortId(7), entry.short()], tree(2));
    rig.handle(CID, Frame::Graft { ids, tree });
    assert_eq!(
        rig.cx.outputs(),
        [
            sent(CID, &beacon_frame(&beacon, 0, tree)),
            sent(CID, &entry_frame(&entry, 0, tree))
        ]
    );
    let ids = vec![ShortId(7); GRAFT_IDS_MAX + 1];
    rig.handle(CID, Frame::Graft { ids, tree });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(CID)]));
}

#[test]
fn a_graft_is_answered_up_to_its_bound() {
    let mut rig = Rig::linked(&[2]);
    let text = "x".repeat(60 * 1024);
    let entries: Vec<_> = (0..6).map(|seq| rig.entry_of(2, seq, &text)).collect();
    for entry in &entries {
        rig.handle(BOB, entry_frame(entry, 1, tree(2)));
    }
    rig.cx.outputs();
    let (ids, tree) = (entries.iter().map(|entry| entry.short()).collect(), tree(2));
    rig.handle(BOB, Frame::Graft { ids, tree });
    let frames: Vec<_> = entries
        .iter()
        .map(|entry| Fragments::of(&entry_frame(entry, 0, tree)))
        .collect();
    let fits = GRAFT_BYTES_MAX / frames[0].bytes();
    assert_eq!(fits, 4);
    let bytes = frames[..fits].iter().flat_map(Fragments::iter).cloned();
    let expected: Vec<_> = bytes.map(|bytes| Output::Transmit { link: BOB, bytes }).collect();
    assert_eq!(rig.cx.outputs(), expected);
}

#[test]
fn a_packet_for_another_goes_on_once_and_one_for_us_is_taken() {
    let mut rig = Rig::linked(&[2, 3]);
    let other = packet(&rig, 2, 9, 1, receipt());
    rig.handle(BOB, packet_frame(&other));
    let wire = other.wire.as_slice().into();
    let on = Frame::Packet {
        hops_left: 4,
        flooded: true,
        wire,
    };
    assert_eq!(rig.cx.outputs(), [sent(CID, &on)]);
    rig.handle(CID, packet_frame(&other));
    let sealed = "sealed".to_owned();
    let ours = packet(&rig, 2, 1, 2, Payload::Envelope { sealed: sealed.clone() });
    for _ in 0..2 {
        rig.handle(BOB, packet_frame(&ours));
    }
    assert_eq!(
        (rig.cx.outputs(), rig.told()),
        (vec![], vec![ToNet::Envelope { from: peer(2), sealed }])
    );
}

#[test]
fn a_packet_of_ours_that_comes_back_is_not_handed_on() {
    let mut rig = Rig::linked(&[2, 3]);
    let own = packet(&rig, 1, 9, 1, receipt());
    rig.handle(BOB, packet_frame(&own));
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
}

#[test]
fn entries_that_nobody_asked_for_are_a_violation_and_beacons_are_only_ignored() {
    let mut rig = Rig::linked(&[2]);
    let (entry, beacon) = (rig.entry_of(2, 0, "hi"), rig.beacon_of(9, 5));
    let wires = vec![entry.wire.as_slice().into()];
    rig.handle(BOB, Frame::Entries { wires });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(BOB)]));
    let wires = vec![beacon.wire.as_slice().into()];
    rig.handle(BOB, Frame::Beacons { wires });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
}

#[test]
fn a_want_is_answered_with_entries_and_people_with_the_beacons_that_they_lack() {
    let mut rig = Rig::linked(&[2, 3]);
    let (entry, beacon) = (rig.entry_of(2, 0, "hi"), rig.beacon_of(2, 5));
    rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    rig.handle(BOB, beacon_frame(&beacon, 1, tree(2)));
    rig.cx.outputs();
    let spans = vec![span(2, 0, 9)];
    rig.handle(CID, Frame::Want { spans });
    let wires = vec![entry.wire.as_slice().into()];
    assert_eq!(rig.cx.outputs(), [sent(CID, &Frame::Entries { wires })]);
    rig.handle(CID, Frame::People { ids: vec![] });
    let wires = vec![beacon.wire.as_slice().into()];
    assert_eq!(rig.cx.outputs(), [sent(CID, &Frame::Beacons { wires })]);
    rig.handle(CID, Frame::People { ids: vec![tree(2)] });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
}

#[test]
fn beacons_that_were_asked_for_list_people_and_more_links_are_wanted() {
    let mut rig = Rig::linked(&[2]);
    let (log, people) = (rig.room.log_digest(), 1);
    let digests = Digests { log, people };
    rig.tell(ToRoom::NeighborUp {
        link: CID,
        peer: peer(3),
        name: "P3".into(),
        state: LinkState::Up,
        digests,
        unix_millis: 1_800_000_000_000,
    });
    assert_eq!(
        rig.cx.outputs().last(),
        Some(&sent(CID, &Frame::People { ids: vec![] }))
    );
    let (beacon, forgery) = (rig.beacon_of(9, 5), forged(&rig.beacon_of(8, 5)));
    let by = rig.beacon_naming(3, 5, 9);
    let wires = [&forgery, &beacon.wire, &by.wire]
        .map(|wire| wire.as_slice().into())
        .into();
    rig.handle(CID, Frame::Beacons { wires });
    let outputs = rig.cx.outputs();
    let listed = |output: &&Output| matches!(output, Output::Event(Event::Person { person }) if person.peer == peer(9));
    assert_eq!(outputs.iter().filter(listed).count(), 2);
    assert_eq!(rig.told(), [ToNet::LinksWanted, violation(CID)]);
}

#[test]
fn a_closing_by_anybody_but_the_founder_is_a_violation() {
    let mut rig = Rig::linked(&[2, 3]);
    let closing = shared::Closing::sign(&identity(2), &rig.cx.room, 1).to_bytes();
    let wire = closing.as_slice().into();
    rig.handle(BOB, Frame::Closing { wire });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(BOB)]));
}

#[test]
fn a_frame_that_concerns_the_link_alone_is_nothing_to_the_room() {
    let mut rig = Rig::linked(&[2]);
    let digests = Digests {
        log: LogDigest([7; 16]),
        people: 7,
    };
    for frame in [
        Frame::Ping { nonce: 1, digests },
        Frame::Pong { nonce: 1, digests },
        Frame::GoodbyeAck {},
    ] {
        rig.handle(BOB, frame);
    }
    rig.handle(BOB, Frame::Prune { tree: tree(9) });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
}

#[test]
fn a_neighbor_that_says_more_itself_than_it_may_is_in_violation() {
    let mut rig = Rig::linked(&[2, 3]);
    let burst = u64::from(RECORDS_BURST);
    for seq in 0..burst {
        let entry = rig.entry_of(2, seq, "hi");
        rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    }
    assert_eq!(rig.told(), []);
    rig.cx.outputs();
    let entry = rig.entry_of(2, burst, "hi");
    rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(BOB)]));
    rig.handle(CID, entry_frame(&entry, 2, tree(2)));
    assert_eq!(rig.cx.outputs()[0], shown(&entry), "others may pass it on");
}
