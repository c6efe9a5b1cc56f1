//! Peers that do not keep to the rules.

use shared::{Closing, Identity, MessageId, Room, RoomCode, Signature};

use crate::{
    config::FRAGMENT_BYTES_MAX,
    model::{Alert, PersonState},
    sim::world::{World, first_fragment, millis, misbehave::Trait, seconds, seeds},
    wire::{
        entry::{Entry, EntryBody},
        frame::{Digests, Frame, GoodbyeReason, Hello},
        id::ShortId,
        record::{Beacon, Content, Packet, Payload, Record},
        span::LogDigest,
        timestamp::Timestamp,
    },
};

fn entry(text: &str) -> Entry {
    Entry {
        feed: 7,
        seq: 0,
        prev: None,
        order: Timestamp::from_unix_millis(5),
        unix_millis: 5,
        name: "P2".into(),
        kind: Entry::CHAT,
        body: EntryBody::of(text),
    }
}

fn beacon(stamp: u64) -> Beacon {
    Beacon {
        on_server: true,
        leaving: true,
        ..Beacon::plain("P2", stamp)
    }
}

/// Signed by `signer`, and said to be by `author`.
fn forged<T: Content>(signer: &Identity, author: &Identity, room: &Room, content: T) -> Vec<u8> {
    let mut wire = Record::sign(signer, room, content).wire.clone();
    let id = signer.peer_id();
    let place = wire.windows(32).position(|bytes| bytes == id.as_bytes()).unwrap();
    wire[place..place + 32].copy_from_slice(author.peer_id().as_bytes());
    wire
}

/// The fragment of a beacon's frame.
fn beacon_frame(wire: &[u8]) -> Vec<u8> {
    first_fragment(&Frame::Beacon {
        hops: 1,
        tree: ShortId(1),
        wire: wire.into(),
    })
}

/// The fragment of an entry's frame, or the first of them.
fn entry_frame(wire: &[u8]) -> Vec<u8> {
    first_fragment(&Frame::Entry {
        hops: 1,
        fan_out: 0,
        tree: ShortId(1),
        wire: wire.into(),
    })
}

/// What no peer may send, the wrong way in a different respect each.
fn misdeeds(room: &Room, bad: &Identity, third: &Identity) -> Vec<Vec<u8>> {
    let attic = RoomCode::parse("attic").unwrap().open();
    let genuine = |content: Entry| Record::sign(third, room, content).wire.clone();
    let mut altered = genuine(entry("I owe you"));
    let last = altered.len() - 1;
    altered[last] ^= 1;
    let receipt = Packet {
        to: bad.peer_id(),
        nonce: 1,
        payload: Payload::Receipt {
            id: MessageId::from_bytes([1; 16]),
        },
    };
    let mut huge = entry("x");
    huge.body = EntryBody::of(vec![b'x'; shared::limits::TEXT_BYTES_MAX + 1]);
    let forged_beacon = forged(bad, third, room, beacon(u64::MAX));
    let forged_receipt = forged(bad, third, room, receipt);
    let closing = Closing::sign(bad, room, 1).to_bytes();
    let mut misdeeds = vec![
        // Words that the third never said, or not here, or not so.
        entry_frame(&forged(bad, third, room, entry("I owe you"))),
        entry_frame(&altered),
        entry_frame(&Record::sign(third, &attic, entry("elsewhere")).wire),
        entry_frame(&genuine(entry(" "))),
        entry_frame(&[1, 2, 3]),
        first_fragment(&Frame::Entries {
            wires: vec![altered.as_slice().into()],
        }),
        // Signed as one thing and sent as another.
        entry_frame(&Record::sign(third, room, beacon(1)).wire),
        beacon_frame(&genuine(entry("no beacon"))),
        beacon_frame(&forged_beacon),
        first_fragment(&Frame::Beacons {
            wires: vec![forged_beacon.as_slice().into()],
        }),
        first_fragment(&Frame::Packet {
            hops_left: 9,
            flooded: true,
            wire: forged_receipt.as_slice().into(),
        }),
        first_fragment(&Frame::Closing {
            wire: closing.as_slice().into(),
        }),
        first_fragment(&Frame::GoodbyeAck {}),
    ];
    misdeeds.extend([vec![0xff; 40], vec![0; FRAGMENT_BYTES_MAX + 1], vec![]]);
    misdeeds
}

#[test]
fn a_peer_that_sends_garbage_is_closed_named_and_shunned() {
    let count = {
        let [bad, third] = [1, 2].map(|byte| Identity::from_secret(&[byte; 32]));
        misdeeds(&RoomCode::parse("lobby").unwrap().open(), &bad, &third).len()
    };
    for (kind, seed) in (0..count).zip((1..7).cycle()) {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &who);
        let (bad, victim, third) = (who[0], who[1], who[2]);
        let bytes = misdeeds(&world.room(), &world.identity(bad), &world.identity(third)).swap_remove(kind);
        let start = world.millis();
        for _ in 0..5 {
            assert!(world.inject_fragment(bad, victim, bytes.clone()));
        }
        world.run_until(seconds(5), &format!("closed for {kind}"), |world| {
            !world.open_links(victim).iter().any(|(_, far)| *far == bad)
        });
        assert_eq!(world.alerts(victim), [Alert::Misbehaving { peer: world.id(bad) }]);
        let closed = world.millis() - start;
        assert!(closed < 3_000, "{closed}");
        for _ in 0..50 {
            world.run_for(seconds(1));
            assert!(!world.open_links(victim).iter().any(|(_, far)| *far == bad));
        }
        // Through the third it is still heard of.
        assert_eq!(world.state(victim, bad), Some(PersonState::Here));
        assert!(world.linked(victim, third) && world.linked(bad, third));
        assert_eq!(world.state(victim, third), Some(PersonState::Here));
        assert!(who.iter().all(|one| world.heard(*one).is_empty()));
        // It is not forever.
        world.run_until_linked(seconds(60), &who);
    }
}

#[test]
fn a_room_with_one_who_misbehaves_still_hears_everything() {
    for seed in seeds() {
        for of in Trait::ALL {
            let mut world = World::new(seed);
            let who: Vec<_> = (0..8).map(|number| world.add(&format!("P{number}"))).collect();
            world.run_until(seconds(30), "all here", |world| world.all_here(&who));
            world.corrupt(who[0], of);
            for number in 0..20 {
                world.say(who[1 + number % 7], &format!("{number}"));
                world.run_for(millis(700));
            }
            world.run_until(seconds(40), &format!("everything, with one who {of:?}"), |world| {
                who[1..].iter().all(|one| world.shown_count(*one) >= 20)
            });
            // In the order in which it was said, whatever one of them dates.
            let said = world.said_to_all();
            for one in &who[1..] {
                assert_eq!(world.order_of(*one), said, "with one who {of:?}");
            }
        }
    }
}

#[test]
fn a_peer_cannot_keep_a_link_that_is_being_closed() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.run_until_linked(seconds(3), &[low, high]);
    // Never acknowledges a goodbye, but says goodbye itself, again and again.
    world.alter_fragments(high, |bytes| match Frame::decode(&bytes[1..]) {
        Ok(Frame::GoodbyeAck {}) => first_fragment(&Frame::Ping {
            nonce: 1,
            digests: Digests {
                log: LogDigest([0; 16]),
                people: 0,
            },
        }),
        _ => bytes.to_vec(),
    });
    for _ in 0..5 {
        world.inject_fragment(high, low, vec![9]);
    }
    // Nor does it close the link itself.
    world.run_for(millis(200));
    world.sleep(high);
    let goodbye = first_fragment(&Frame::Goodbye {
        reason: GoodbyeReason::Replaced,
        neighbors: vec![],
    });
    for _ in 0..10 {
        world.run_for(millis(500));
        world.inject_fragment(high, low, goodbye.clone());
    }
    assert_eq!(world.open_links(low), []);
}

#[test]
fn a_goodbye_for_a_newer_link_that_never_comes_is_made_good() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        world.run_for(seconds(20));
        let goodbye = first_fragment(&Frame::Goodbye {
            reason: GoodbyeReason::Replaced,
            neighbors: vec![],
        });
        world.inject_fragment(high, low, goodbye);
        world.run_for(seconds(3));
        assert!(world.open_links(low).is_empty() || world.connections_made() == 2);
        world.run_until_linked(seconds(10), &[low, high]);
    }
}

#[test]
fn a_whisper_that_a_carrier_kept_is_not_shown_again_after_a_reload() {
    let mut world = World::new(1);
    let (one, other) = world.add_pair();
    world.run_until_linked(seconds(5), &[one, other]);
    world.run_for(seconds(10));
    world.record();
    world.whisper(one, other, "psst").unwrap();
    world.run_for(seconds(2));
    assert_eq!(world.heard(other), ["psst"]);
    let kept = world.recorded(one, other);
    world.kill(other);
    world.run_for(seconds(1));
    world.restart(other);
    world.run_until_linked(seconds(10), &[one, other]);
    world.run_for(seconds(5));
    for bytes in kept {
        if let Ok(Frame::Packet { .. }) = Frame::decode(&bytes[1..]) {
            assert!(world.inject_fragment(one, other, bytes.to_vec()));
        }
    }
    world.run_for(seconds(5));
    assert_eq!(world.heard(other), Vec::<String>::new());
    // A new one is heard.
    world.whisper(one, other, "psst again").unwrap();
    world.run_for(seconds(2));
    assert_eq!(world.heard(other), ["psst again"]);
}

#[test]
fn replayed_frames_are_shown_once() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.run_until_linked(seconds(3), &[low, high]);
    world.record();
    world.say(low, "once");
    world.whisper(low, high, "psst").unwrap();
    world.run_for(seconds(1));
    for bytes in world.recorded(low, high) {
        for _ in 0..10 {
            world.inject_fragment(low, high, bytes.to_vec());
        }
    }
    world.run_for(seconds(1));
    assert_eq!(world.heard(high), ["once", "psst"]);
    assert!(world.node(high).counters().entries_repeated >= 10);
    assert_eq!(world.alerts(high), []);
}

#[test]
fn a_second_hello_is_no_way_to_flood_a_screen() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.run_until_linked(seconds(3), &[low, high]);
    let events = world.machines[high].events.len();
    for number in 0..50 {
        let hello = Hello {
            version: shared::signal::PROTOCOL_VERSION,
            name: format!("Name {number}"),
            digests: Digests {
                log: LogDigest([0; 16]),
                people: 0,
            },
            proof: Signature::from_bytes([0; 64]),
            unix_millis: 0,
        };
        world.inject_fragment(low, high, first_fragment(&Frame::Hello(hello)));
    }
    world.run_for(seconds(1));
    assert!(world.machines[high].events.len() < events + 6);
    assert!(world.alerts(high).contains(&Alert::Misbehaving { peer: world.id(low) }));
}

#[test]
fn a_name_that_somebody_else_had_is_told_once() {
    for seed in seeds() {
        let mut world = World::new(seed);
        world.disks = true;
        let ann = world.add("Ann");
        let reader = world.add("Reader");
        world.run_until_linked(seconds(3), &[ann, reader]);
        world.run_for(seconds(20));
        let impostor = world.add("ann");
        world.run_until_linked(seconds(8), &[ann, reader, impostor]);
        world.run_for(seconds(20));
        world.fail_link(impostor, reader);
        world.run_until_linked(seconds(15), &[ann, reader, impostor]);
        let alert = Alert::NameTaken {
            name: "ann".into(),
            known: world.id(ann),
            now: world.id(impostor),
        };
        assert_eq!(world.alerts(reader), [alert]);
        // Also on the next visit.
        world.close_tab(reader);
        world.close_tab(ann);
        world.run_for(seconds(1));
        world.restart(reader);
        world.run_until_linked(seconds(10), &[reader, impostor]);
        assert_eq!(world.alerts(reader).len(), 1);
    }
}
