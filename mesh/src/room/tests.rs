use std::time::Duration;

use shared::RoomCode;

use super::{
    rig::{BOB, CID, Rig, beacon, beacon_frame, entry_frame, sent, tree},
    *,
};
use crate::{
    config::{GAP_MIN, PINS_MAX, TOPIC_BYTES_MAX},
    context::test::{identity, peer},
    door::PassiveView,
    io::Output,
    model::{Delivery, Person, PersonState, SendError},
    wire::{
        codec::encode,
        entry::{Entry, EntryBody},
        frame::Frame,
        record::{Ack, Lost, Record},
        relation::Pins,
        span::LogDigest,
        stored::Key,
        timestamp::Timestamp,
    },
};

fn bob() -> Person {
    Person {
        peer: peer(2),
        name: Some("P2".into()),
        state: PersonState::Here,
        linked: true,
        round_trip: None,
        archive: false,
    }
}

fn person(person: Person) -> Output {
    Output::Event(Event::Person { person })
}

fn neighbor_up(digests: Digests) -> ToRoom {
    ToRoom::NeighborUp {
        link: BOB,
        peer: peer(2),
        name: "P2".into(),
        state: LinkState::Up,
        digests,
        unix_millis: 1_800_000_000_000,
    }
}

#[test]
fn a_neighbor_is_listed_then_named_then_here() {
    let mut rig = Rig::new();
    let digests = rig.room.digests();
    rig.tell(neighbor_up(digests));
    let stranger = Person {
        name: None,
        state: PersonState::Connecting,
        linked: false,
        ..bob()
    };
    let named = Person {
        name: bob().name,
        ..stranger.clone()
    };
    assert_eq!(rig.cx.outputs(), [person(stranger), person(named), person(bob())]);
    assert_eq!(
        rig.room.beacon_due(),
        Some(rig.cx.instant()),
        "the first neighbor hears of us at once"
    );
}

#[test]
fn what_differs_is_exchanged_as_soon_as_a_neighbor_says_hello() {
    let mut rig = Rig::new();
    rig.tell(neighbor_up(Digests {
        log: LogDigest([1; 16]),
        people: 2,
    }));
    let sends: Vec<_> = rig.cx.outputs().split_off(3);
    // Of an empty log there is nothing to tell.
    assert_eq!(sends, [sent(BOB, &Frame::People { ids: vec![] })]);
}

#[test]
fn a_neighbor_whose_link_fell_silent_is_gone_if_nobody_else_names_it() {
    let (peer, gone) = (
        peer(2),
        Person {
            state: PersonState::Gone,
            linked: false,
            ..bob()
        },
    );
    let reconnecting = Person {
        state: PersonState::Reconnecting,
        ..gone.clone()
    };
    for (loss, named, shown) in [
        (
            Loss::Silence,
            false,
            vec![person(reconnecting.clone()), person(gone.clone())],
        ),
        (Loss::Silence, true, vec![person(reconnecting.clone())]),
        (Loss::Closed, false, vec![person(reconnecting)]),
    ] {
        let mut rig = Rig::linked(&[2, 3]);
        let bobs = rig.beacon_of(2, 7);
        let mut cids = beacon(3, 7);
        cids.neighbors.extend(named.then(|| ShortId::of_peer(&peer)));
        let cids = Record::sign(&identity(3), &rig.cx.room, cids);
        for (link, record) in [(BOB, &bobs), (CID, &cids)] {
            rig.handle(link, beacon_frame(record, 1, ShortId::of_peer(&record.author)));
        }
        rig.tell(ToRoom::LinkClosed { link: BOB });
        rig.cx.outputs();
        rig.tell(ToRoom::Lost { peer, loss });
        let mut outputs = rig.cx.outputs();
        // Without the link, and by the beacon still here.
        let unlinked = Person { linked: false, ..bob() };
        assert_eq!(outputs.remove(0), person(unlinked));
        assert_eq!(outputs, shown, "{loss:?}, {named}");
        let (peer, stamp) = (ShortId::of_peer(&peer), 7);
        assert_eq!(rig.beacon_over(CID).content.lost, [Lost { peer, stamp }]);
        assert_eq!(rig.beacon_over(CID).content.lost, [], "it is named once");
    }
}

#[test]
fn who_left_is_shown_as_such_and_not_waited_for() {
    let mut rig = Rig::linked(&[2]);
    let id = rig.room.say(&mut rig.cx, "hi").unwrap();
    rig.tell(ToRoom::NeighborDown { link: BOB });
    rig.cx.outputs();
    rig.tell(ToRoom::Left { peer: peer(2) });
    let delivery = Delivery::Waiting;
    assert_eq!(
        rig.cx.outputs(),
        [Output::Event(Event::Delivery { id, delivery })],
        "the link still stands"
    );
    rig.tell(ToRoom::LinkState {
        peer: peer(2),
        state: LinkState::None,
    });
    let left = Person {
        state: PersonState::Left,
        linked: false,
        ..bob()
    };
    assert_eq!(rig.cx.outputs(), [person(left)]);
}

#[test]
fn what_a_neighbor_said_is_acknowledged_in_two_beacons() {
    let mut rig = Rig::linked(&[2]);
    let entry = rig.entry_of(2, 0, "hi");
    rig.handle(BOB, entry_frame(&entry, 1, tree(2)));
    let ack = Ack {
        author: tree(2),
        feed: 5,
        first: 0,
        next: 1,
    };
    let acks: Vec<_> = (0..3).map(|_| rig.beacon_over(BOB).content.acks.clone()).collect();
    assert_eq!(acks, [vec![ack], vec![ack], vec![]]);
}

#[test]
fn a_beacon_says_whom_we_are_linked_with_and_whether_a_server_has_us() {
    let mut rig = Rig::linked(&[2, 3]);
    let neighbors = [2, 3].map(|byte| ShortId::of_peer(&peer(byte)));
    let first = rig.beacon_over(BOB);
    let first = &first.content;
    assert_eq!((&first.neighbors[..], first.on_server), (&neighbors[..], false));
    rig.tell(ToRoom::Registered(true));
    rig.tell(ToRoom::NeighborDown { link: CID });
    let second = rig.beacon_over(BOB);
    let second = &second.content;
    assert_eq!((&second.neighbors[..], second.on_server), (&neighbors[..1], true));
    assert_eq!(second.stamp, first.stamp + 1);
    assert_eq!((second.name.as_str(), second.leaving), ("Ann", false));
}

#[test]
fn a_closed_link_hastens_the_next_beacon() {
    let mut rig = Rig::linked(&[2]);
    rig.beacon_over(BOB);
    assert!(rig.room.beacon_due() > Some(rig.cx.instant() + GAP_MIN));
    rig.tell(ToRoom::LinkClosed { link: BOB });
    assert_eq!(rig.room.beacon_due(), Some(rig.cx.instant() + GAP_MIN));
}

#[test]
fn a_round_trip_is_shown() {
    let mut rig = Rig::linked(&[2]);
    let round_trip = Some(Duration::from_millis(40));
    rig.tell(ToRoom::RoundTrip {
        peer: peer(2),
        round_trip,
    });
    assert_eq!(rig.cx.outputs(), [person(Person { round_trip, ..bob() })]);
}

/// What names were told of.
fn room_names(rig: &mut Rig) -> Vec<String> {
    let mut names = Vec::new();
    for output in rig.cx.outputs() {
        if let Output::Event(Event::RoomNamed { name }) = output {
            names.push(name);
        }
    }
    names
}

#[test]
fn only_the_founder_names_the_room_and_the_last_name_counts_however_names_come() {
    let mut rig = Rig::linked(&[2, 3]);
    assert_eq!(rig.room.name_room(&mut rig.cx, "tea"), Err(SendError::NotFounder));
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
    let seeds = &mut stream([1; 32], Stream::Log);
    rig.cx.room = RoomCode::generate(peer(2), seeds).open();
    // Each in a feed of its own, so that none waits for another.
    let mut hand = |person: u8, feed: u64, place: u64, name: &str| {
        let entry = Entry {
            feed,
            order: Timestamp::from_unix_millis(place),
            kind: Entry::ROOM_NAME,
            ..rig.entry_of(person, 0, name).content.clone()
        };
        let entry = Record::sign(&identity(person), &rig.cx.room, entry);
        rig.handle(BOB, entry_frame(&entry, 1, tree(person)));
        (entry.message_id(), room_names(&mut rig))
    };
    let nothing: Vec<String> = Vec::new();
    assert_eq!(hand(3, 1, 9, "mine").1, nothing, "not the founder's");
    let (coffee, names) = hand(2, 2, 5, "coffee");
    assert_eq!(names, ["coffee"]);
    assert_eq!(hand(2, 3, 4, "tea").1, nothing, "it comes before");
    assert_eq!(hand(2, 4, 7, " \n").1, nothing, "no name");
    // At the same time the id decides, for everybody alike.
    let mut last = coffee;
    for feed in 5..13 {
        let (id, names) = hand(2, feed, 5, "juice");
        assert_eq!(names.len(), usize::from(id > last));
        last = last.max(id);
    }
    assert_eq!(hand(2, 13, 6, "cocoa").1, ["cocoa"]);
}

#[test]
fn of_each_kind_of_word_the_last_counts_and_what_is_none_counts_for_nothing() {
    let mut rig = Rig::linked(&[2, 3]);
    assert_eq!(rig.room.set_topic(&mut rig.cx, "tea"), Err(SendError::NotFounder));
    assert_eq!(rig.room.set_pins(&mut rig.cx, vec![]), Err(SendError::NotFounder));
    let seeds = &mut stream([1; 32], Stream::Log);
    rig.cx.room = RoomCode::generate(peer(2), seeds).open();
    let mut hand = |person: u8, feed: u64, place: u64, kind: u32, body: Vec<u8>| {
        let entry = Entry {
            feed,
            order: Timestamp::from_unix_millis(place),
            kind,
            body: EntryBody::of(body),
            ..rig.entry_of(person, 0, "").content.clone()
        };
        let entry = Record::sign(&identity(person), &rig.cx.room, entry);
        rig.handle(BOB, entry_frame(&entry, 1, tree(person)));
        let told = rig.cx.outputs().into_iter().filter_map(|output| {
            let Output::Event(event) = output else { return None };
            matches!(event, Event::Topic { .. } | Event::Pinned { .. }).then_some(event)
        });
        told.collect::<Vec<_>>()
    };
    let topic = |text: &str| Event::Topic { topic: text.into() };
    let pins = |bytes: &[u8]| Pins {
        ids: bytes.iter().map(|byte| MessageId::from_bytes([*byte; 16])).collect(),
    };
    let pinned = |bytes: &[u8]| Event::Pinned { ids: pins(bytes).ids };
    let encoded = |bytes: &[u8]| encode(&pins(bytes));
    assert_eq!(hand(3, 1, 9, Entry::TOPIC, "mine".into()), [], "not the founder's");
    assert_eq!(hand(3, 2, 9, Entry::PINS, encoded(&[1])), [], "not the founder's");
    assert_eq!(hand(2, 3, 5, Entry::TOPIC, "tea".into()), [topic("tea")]);
    assert_eq!(hand(2, 4, 5, Entry::PINS, encoded(&[1, 2])), [pinned(&[1, 2])]);
    assert_eq!(hand(2, 5, 4, Entry::TOPIC, "juice".into()), [], "it comes before");
    assert_eq!(hand(2, 6, 4, Entry::PINS, encoded(&[3])), [], "it comes before");
    for (feed, body) in (7..).zip([
        "two\nlines".to_owned(),
        "x".repeat(TOPIC_BYTES_MAX + 1),
        "\u{200d}".into(),
    ]) {
        assert_eq!(hand(2, feed, 6, Entry::TOPIC, body.into()), [], "no topic");
    }
    let too_many: Vec<u8> = (0..=u8::try_from(PINS_MAX).unwrap()).collect();
    for (feed, body) in (20..).zip([encoded(&too_many), encoded(&[4, 4]), b"no list".to_vec()]) {
        assert_eq!(hand(2, feed, 6, Entry::PINS, body), [], "no pins");
    }
    assert_eq!(hand(2, 30, 6, Entry::TOPIC, vec![]), [topic("")], "it is taken away");
    assert_eq!(hand(2, 31, 6, Entry::PINS, encoded(&[])), [pinned(&[])]);
}

#[test]
fn a_founder_whose_clock_was_ahead_can_name_the_room_again() {
    let mut rig = Rig::linked(&[2]);
    let seeds = &mut stream([1; 32], Stream::Log);
    rig.cx.room = RoomCode::generate(peer(1), seeds).open();
    let right = rig.cx.now.unix_millis;
    rig.cx.now.unix_millis += 1_000_000_000;
    rig.room.name_room(&mut rig.cx, "tea").unwrap();
    assert_eq!(room_names(&mut rig), ["tea"]);
    rig.cx.now.unix_millis = right;
    rig.room.name_room(&mut rig.cx, "coffee").unwrap();
    assert_eq!(room_names(&mut rig), ["coffee"]);
}

#[test]
fn another_name_of_ours_is_told_with_the_next_beacon_at_once() {
    let mut rig = Rig::new();
    rig.room.on_renamed(&rig.cx);
    assert_eq!(rig.room.beacon_due(), None, "nobody is here to know");
    let mut rig = Rig::linked(&[2]);
    assert_eq!(rig.beacon_over(BOB).content.name, "Ann");
    rig.cx.wait(1_000);
    rig.cx.name = "Anna".into();
    rig.room.on_renamed(&rig.cx);
    assert_eq!(rig.room.beacon_due(), Some(rig.cx.instant()));
    assert_eq!(rig.beacon_over(BOB).content.name, "Anna");
}

#[test]
fn only_the_founder_closes_the_room() {
    let mut rig = Rig::linked(&[2]);
    assert_eq!(rig.room.close(&mut rig.cx), Err(CloseError::NotFounder));
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
    let seeds = &mut stream([1; 32], Stream::Log);
    rig.cx.room = RoomCode::generate(peer(1), seeds).open();
    assert_eq!(rig.room.close(&mut rig.cx), Ok(()));
    let outputs = rig.cx.outputs();
    assert!(matches!(outputs[0], Output::Transmit { link: BOB, .. }));
    assert_eq!(outputs.last(), Some(&Output::Event(Event::RoomClosed)));
    assert!(matches!(rig.told()[..], [ToNet::Close { .. }]));
    assert_eq!(rig.room.close(&mut rig.cx), Ok(()));
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]), "it is closed once");
}

/// The feeds that entries of ours were put into, in the order said, sent or not.
fn feeds_said(rig: &mut Rig) -> Vec<u64> {
    let feed = |output| {
        let Output::Store { change, .. } = output else {
            return None;
        };
        let Key::Entry { feed, .. } = Key::read(&change.key)? else {
            return None;
        };
        Some(feed.number)
    };
    rig.cx.outputs().into_iter().filter_map(feed).collect()
}

#[test]
fn an_entry_goes_out_once_it_is_stored_and_in_another_feed_once_somebody_else_has_ours() {
    let mut rig = Rig::linked(&[2]);
    rig.room.restore(&mut rig.cx, []);
    rig.cx.outputs();
    rig.room.say(&mut rig.cx, "one").unwrap();
    let outputs = rig.cx.outputs();
    let is_sent = |outputs: &[Output]| outputs.iter().any(|output| matches!(output, Output::Transmit { .. }));
    assert!(!is_sent(&outputs), "{outputs:?}");
    let stores = rig.cx.stores;
    rig.room.handle_stored(&mut rig.cx, stores - 1);
    assert!(!is_sent(&rig.cx.outputs()), "where the feed has got to is not stored");
    rig.room.handle_stored(&mut rig.cx, stores);
    assert!(is_sent(&rig.cx.outputs()));

    rig.room.say(&mut rig.cx, "two").unwrap();
    let [ours] = feeds_said(&mut rig)[..] else { panic!() };
    rig.tell(ToRoom::Superseded);
    rig.room.say(&mut rig.cx, "three").unwrap();
    let outputs = rig.cx.outputs();
    assert!(!outputs.iter().any(|output| matches!(output, Output::Store { .. })));
    let [two, three] = feeds_sent(&outputs)[..] else {
        panic!("{outputs:?}")
    };
    assert!(two == three && two != ours, "also what was not sent yet");
}

/// The feeds of the entries that go out.
fn feeds_sent(outputs: &[Output]) -> Vec<u64> {
    let feed = |output: &Output| {
        let Output::Transmit { bytes, .. } = output else {
            return None;
        };
        let Ok(Frame::Entry { wire, .. }) = Frame::decode(&bytes[1..]) else {
            return None;
        };
        Some(Record::<Entry>::recall(wire).unwrap().content.feed)
    };
    outputs.iter().filter_map(feed).collect()
}

#[test]
fn who_was_met_is_away_after_a_restart_and_can_be_whispered_to() {
    let mut before = Rig::new();
    before.room.restore(&mut before.cx, []);
    for number in [2, 3] {
        let digests = before.room.digests();
        before.tell(ToRoom::NeighborUp {
            link: LinkId(number),
            peer: peer(number.try_into().unwrap()),
            name: format!("P{number}"),
            state: LinkState::Up,
            digests,
            unix_millis: 1_800_000_000_000,
        });
    }
    let id = before.room.whisper(&mut before.cx, peer(2), "psst").unwrap();
    let record = |output| {
        let Output::Store { change, .. } = output else {
            return None;
        };
        Some((change.key, change.value?.to_vec()))
    };
    let records = before.cx.outputs().into_iter().filter_map(record);
    // Another program of this machine has met us.
    let name = Key::Name { peer: peer(1) }.keep(&"Ann");
    let records: Vec<_> = records.chain([(name.key, name.value.unwrap().to_vec())]).collect();

    let mut rig = Rig::new();
    rig.room.restore(&mut rig.cx, records);
    let outputs = rig.cx.outputs();
    let Output::Event(Event::Recalled { messages }) = &outputs[0] else {
        panic!("{outputs:?}");
    };
    assert_eq!(messages.iter().map(|message| message.id).collect::<Vec<_>>(), [id]);
    let away = |number: u8| {
        person(Person {
            peer: peer(number),
            name: Some(format!("P{number}")),
            state: PersonState::Away,
            linked: false,
            ..bob()
        })
    };
    assert_eq!(outputs[1..3], [away(3), away(2)], "with Bob something was said last");
    let id = rig.room.whisper(&mut rig.cx, peer(3), "psst").unwrap();
    let delivery = Delivery::Waiting;
    let waits = Output::Event(Event::Delivery { id, delivery });
    assert!(rig.cx.outputs().contains(&waits));
}
