use shared::MessageId;

use super::{
    super::test::{BOB, CID, Rig, beacon, beacon_frame, entry_frame, sent, shown, tree},
    *,
};
use crate::{
    config::{GAP_MIN, GRAFT_WAIT, RECORDS_BURST},
    context::test::{identity, peer},
    door::{LinkState, PassiveView, ToRoom},
    io::Output,
    model::{Alert, Event, Person, PersonState},
    wire::{
        entry::{Entry, EntryBody, Header},
        fork::Fork,
        frame::Digests,
        record::Lost,
        span::LogDigest,
        span::{Feed, Span},
    },
};

const DAN: LinkId = LinkId(4);

fn packet_frame(record: &Record<Packet>) -> Frame<'_> {
    let wire = record.wire.as_slice().into();
    Frame::Packet {
        hops_left: 5,
        flooded: true,
        wire,
    }
}

/// A record with another signature than its author's.
fn forged<T: Content + Clone>(record: &Record<T>) -> Vec<u8> {
    let mut wire = record.wire.clone();
    *wire.last_mut().unwrap() ^= 1;
    wire
}

fn violation(link: LinkId) -> ToNet {
    ToNet::Violation { link }
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
        (vec![], vec![ToNet::Envelope { sealed }])
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
    rig.handle(BOB, Frame::Have { vector });
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

/// Numbers of this person's feed.
fn span(person: u8, first: u64, next: u64) -> Span {
    let feed = Feed {
        author: peer(person),
        number: 5,
    };
    Span {
        feed,
        first,
        next,
        head: None,
    }
}

#[test]
fn an_invalid_record_of_a_batch_costs_a_violation_and_none_of_the_others() {
    let mut rig = Rig::linked(&[2, 3]);
    let vector = vec![span(4, 0, 3)];
    rig.handle(BOB, Frame::Have { vector });
    let spans = vec![span(4, 0, 3)];
    assert_eq!(rig.cx.outputs(), [sent(BOB, &Frame::Want { spans })]);
    let entries: Vec<_> = (0..3).map(|seq| rig.entry_of(4, seq, "hi")).collect();
    let forgery = forged(&entries[1]);
    let wires = [&entries[0].wire, &forgery, &entries[2].wire].map(|wire| wire.as_slice().into());
    rig.handle(BOB, Frame::Entries { wires: wires.into() });
    let outputs = rig.cx.outputs();
    assert_eq!(outputs[..2], [shown(&entries[0]), shown(&entries[2])]);
    let spans = vec![span(4, 1, 3)];
    assert_eq!(outputs[2..], [sent(BOB, &Frame::Want { spans })]);
    assert_eq!((rig.told(), rig.cx.counters.entries_synced), (vec![violation(BOB)], 2));
    let wires = vec![entries[1].wire.as_slice().into()];
    rig.handle(BOB, Frame::Entries { wires });
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![shown(&entries[1])], vec![]));
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

/// Ten entries of somebody, of which Bob has the last, and says that the others are gone for good.
fn hidden_by_bob(rig: &mut Rig) -> Vec<Rc<Record<Entry>>> {
    let entries: Vec<_> = (0..10).map(|seq| rig.entry_of(4, seq, "hi")).collect();
    rig.handle(BOB, entry_frame(&entries[9], 1, tree(4)));
    let head = Some(entries[9].short());
    let vector = vec![Span { head, ..span(4, 9, 10) }];
    rig.handle(BOB, Frame::Have { vector });
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
    rig.handle(CID, Frame::Have { vector });
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
        rig.handle(BOB, Frame::Have { vector });
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
