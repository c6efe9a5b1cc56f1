//! Servers and peers that do not keep to the rules.

use std::{cell::RefCell, rc::Rc};

use crate::{
    config::FRAGMENT_BYTES_MAX,
    model::{Alert, PersonState},
    sim::world::misbehave::Trait,
    wire::{
        envelope::{Body, DeclineReason, Envelope},
        fragment::Fragments,
        frame::{Digests, Frame, GoodbyeReason, Hello},
        id::ShortId,
        record::{Beacon, Closing, Content, Entry, Packet, Payload, Record},
        timestamp::Timestamp,
    },
};
use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{
    Identity, MessageId, Room, RoomCode, SessionId,
    signal::{Event, Refusal},
};

use crate::sim::world::{Who, World, millis, seconds, seeds};

fn tampering(world: &World, who: Who) -> bool {
    world
        .alerts(who)
        .iter()
        .any(|alert| matches!(alert, Alert::Tampering { .. }))
}

fn entry(text: &str) -> Entry {
    Entry {
        feed: 7,
        seq: 0,
        order: Timestamp::from_unix_millis(5),
        unix_millis: 5,
        name: "P2".into(),
        kind: Entry::CHAT,
        body: text.as_bytes().to_vec().into(),
    }
}

fn beacon(stamp: u64) -> Beacon {
    Beacon {
        stamp,
        name: "P2".into(),
        interval_millis: 5_000,
        neighbors: vec![],
        on_server: true,
        digest: 0,
        acks: vec![],
        lost: vec![],
        leaving: true,
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
    whole(&Frame::Beacon {
        hops: 1,
        tree: ShortId(1),
        wire: wire.into(),
    })
}

/// The fragment of an entry's frame, or the first of them.
fn entry_frame(wire: &[u8]) -> Vec<u8> {
    whole(&Frame::Entry {
        hops: 1,
        fan_out: 0,
        tree: ShortId(1),
        wire: wire.into(),
    })
}

fn whole(frame: &Frame<'_>) -> Vec<u8> {
    Fragments::of(frame).iter().next().unwrap().to_vec()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([8; 32])
}

#[test]
fn a_server_that_alters_what_it_carries_gets_no_link_and_is_named() {
    for seed in seeds() {
        let mut world = World::new(seed);
        world.tamper(
            0,
            Some(Box::new(|_, to, mut payload| {
                let flipped = if payload.ends_with('A') { "B" } else { "A" };
                payload.replace_range(payload.len() / 2..=payload.len() / 2, flipped);
                vec![(to, payload)]
            })),
        );
        let (low, high) = world.add_pair();
        world.run_for(seconds(60));
        assert_eq!(world.connections_made(), 0);
        assert!(tampering(&world, low) || tampering(&world, high));
        assert_ne!(world.state(low, high), Some(PersonState::Here));
        world.tamper(0, None);
        world.run_until_linked(seconds(60), &[low, high]);
    }
}

#[test]
fn a_server_that_puts_its_own_certificate_in_gets_no_link() {
    // It has come by the room's code, and speaks as a peer of its own or as another.
    for seed in seeds() {
        let mut world = World::new(seed);
        let (room, eve) = (world.room(), Identity::from_secret(&[66; 32]));
        let mut rng = rng();
        world.tamper(
            0,
            Some(Box::new(move |_, to, payload| {
                let mut envelope = Envelope::open(&payload, &to, &room).unwrap();
                if let Body::Offer { sdp, .. } | Body::Answer { sdp, .. } = &mut envelope.body {
                    let start = sdp.find("sha-256 ").unwrap() + 8;
                    sdp.replace_range(start..start + 95, &["EE"; 32].join(":"));
                }
                vec![(to, envelope.seal(&eve, &room, &mut rng))]
            })),
        );
        let (low, high) = world.add_pair();
        world.run_for(seconds(60));
        assert_eq!(world.connections_made(), 0);
        assert!(tampering(&world, low) || tampering(&world, high));
    }
}

#[test]
fn a_server_that_replays_everything_gains_nothing_and_is_named() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let kept = Rc::new(RefCell::new(Vec::new()));
        world.tamper(
            0,
            Some(Box::new(move |_, to, payload| {
                kept.borrow_mut().push((to, payload));
                kept.borrow().clone()
            })),
        );
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(5), &[low, high]);
        world.say(low, "once");
        world.run_for(seconds(60));
        assert_eq!(world.connections_made(), 1);
        assert_eq!(world.heard(high), ["once"]);
        assert!(tampering(&world, low) || tampering(&world, high));
        world.break_path(low, high);
        world.run_for(seconds(8));
        assert!(world.linked(low, high));
    }
}

#[test]
fn offers_of_a_former_visit_make_no_link() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let kept = Rc::new(RefCell::new(Vec::new()));
        let keeps = Rc::clone(&kept);
        world.tamper(
            0,
            Some(Box::new(move |from, to, payload| {
                keeps.borrow_mut().push((from, to, payload.clone()));
                vec![(to, payload)]
            })),
        );
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(5), &[low, high]);
        world.run_for(seconds(5));
        let old = kept.borrow().clone();
        world.kill(low);
        world.kill(high);
        world.run_for(seconds(1));
        world.restart(high);
        world.run_for(seconds(2));
        for (from, to, payload) in old {
            if to == world.id(high) {
                world.inject_payload(0, from, high, payload);
            }
        }
        world.run_for(seconds(60));
        assert_ne!(world.state(high, low), Some(PersonState::Here));
        world.restart(low);
        world.run_until_linked(seconds(10), &[low, high]);
    }
}

#[test]
fn a_server_that_swaps_recipients_gets_no_link() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
        let ids: Vec<_> = who.iter().map(|who| world.id(*who)).collect();
        world.tamper(
            0,
            Some(Box::new(move |from, to, payload| {
                let wrong = *ids.iter().find(|id| **id != from && **id != to).unwrap();
                vec![(wrong, payload)]
            })),
        );
        world.run_for(seconds(60));
        assert_eq!(world.connections_made(), 0);
        assert!(who.iter().any(|who| tampering(&world, *who)));
    }
}

#[test]
fn a_member_cannot_have_the_server_accused() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.run_until_linked(seconds(5), &[low, high]);
    for nonce in 0..3 {
        let packet = Packet {
            to: world.id(high),
            nonce,
            payload: Payload::Envelope {
                sealed: "bm9uc2Vuc2U".into(),
            },
        };
        let packet = Record::sign(&world.identity(low), &world.room(), packet);
        let packet = Frame::Packet {
            hops_left: 1,
            flooded: false,
            wire: packet.wire.as_slice().into(),
        };
        assert!(world.inject_fragment(low, high, whole(&packet)));
    }
    world.run_for(seconds(1));
    assert_eq!(world.node(high).counters().envelopes_forged, 3);
    assert_eq!(world.alerts(high), []);
    // The same from the server is told.
    world.inject_payload(0, world.id(low), high, "bm9uc2Vuc2U".into());
    world.run_for(seconds(1));
    assert_eq!(world.alerts(high), [Alert::Tampering { dropped: 1 }]);
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
    huge.body = vec![b'x'; shared::limits::TEXT_BYTES_MAX + 1].into();
    let forged_beacon = forged(bad, third, room, beacon(u64::MAX));
    let forged_receipt = forged(bad, third, room, receipt);
    let closing = Record::sign(bad, room, Closing { unix_millis: 1 });
    let mut misdeeds = vec![
        // Words that the third never said, or not here, or not so.
        entry_frame(&forged(bad, third, room, entry("I owe you"))),
        entry_frame(&altered),
        entry_frame(&Record::sign(third, &attic, entry("elsewhere")).wire),
        entry_frame(&genuine(entry(" "))),
        entry_frame(&[1, 2, 3]),
        whole(&Frame::Entries {
            wires: vec![altered.as_slice().into()],
        }),
        // Signed as one thing and sent as another.
        entry_frame(&Record::sign(third, room, beacon(1)).wire),
        beacon_frame(&genuine(entry("no beacon"))),
        beacon_frame(&forged_beacon),
        whole(&Frame::Beacons {
            wires: vec![forged_beacon.as_slice().into()],
        }),
        whole(&Frame::Packet {
            hops_left: 9,
            flooded: true,
            wire: forged_receipt.as_slice().into(),
        }),
        whole(&Frame::Closing {
            wire: closing.wire.as_slice().into(),
        }),
        whole(&Frame::Reconcile {
            initiator: true,
            message: [0xff; 40].as_slice().into(),
        }),
        whole(&Frame::GoodbyeAck {}),
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
            let order = world.order_of(who[1]);
            assert!(who[1..].iter().all(|one| world.order_of(*one) == order));
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
        Ok(Frame::GoodbyeAck {}) => whole(&Frame::Ping {
            nonce: 1,
            digests: Digests { log: 0, people: 0 },
        }),
        _ => bytes.to_vec(),
    });
    for _ in 0..5 {
        world.inject_fragment(high, low, vec![9]);
    }
    // Nor does it close the link itself.
    world.run_for(millis(200));
    world.sleep(high);
    let goodbye = whole(&Frame::Goodbye {
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
        let goodbye = whole(&Frame::Goodbye {
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
fn frames_of_a_later_version_are_ignored() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.run_until_linked(seconds(3), &[low, high]);
    for _ in 0..50 {
        world.inject_fragment(low, high, vec![0, 0x82, 0x18, 99, 0x80]);
    }
    world.run_for(seconds(10));
    assert!(world.linked(low, high));
    assert_eq!(world.node(high).counters().frames_unknown, 50);
}

#[test]
fn a_second_hello_is_no_way_to_flood_a_screen() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.run_until_linked(seconds(3), &[low, high]);
    let events = world.machines[high].events.len();
    for number in 0..50 {
        let hello = Hello {
            version: 1,
            name: format!("Name {number}"),
            digests: Digests { log: 0, people: 0 },
        };
        world.inject_fragment(low, high, whole(&Frame::Hello(hello)));
    }
    world.run_for(seconds(1));
    assert!(world.machines[high].events.len() < events + 6);
    assert!(world.alerts(high).contains(&Alert::Misbehaving { peer: world.id(low) }));
}

#[test]
fn another_version_in_the_hello_is_told_on_both_sides() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.alter_fragments(low, |bytes| match Frame::decode(&bytes[1..]) {
            Ok(Frame::Hello(hello)) => whole(&Frame::Hello(Hello { version: 2, ..hello })),
            _ => bytes.to_vec(),
        });
        world.run_for(seconds(30));
        assert_eq!(
            world.alerts(high),
            [Alert::PeerVersion {
                peer: world.id(low),
                theirs: 2
            }]
        );
        assert_eq!(world.state(high, low), None);
        assert_eq!(world.open_links(high), []);
        assert!(world.connections_made() <= 2, "{}", world.connections_made());
    }
}

/// A set-up message of `from` that is well signed and sealed.
fn payload(world: &World, from: Who, to: Who, nonce: u64, body: Body) -> String {
    let session = SessionId::from_bytes([u8::try_from(nonce).unwrap(); 16]);
    let envelope = Envelope {
        from: world.id(from),
        to: world.id(to),
        session,
        nonce,
        body,
    };
    envelope.seal(&world.identity(from), &world.room(), &mut rng())
}

#[test]
fn another_version_in_a_dial_request_is_declined_and_told_once() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.kill(high);
    world.run_for(seconds(1));
    for nonce in 0..20 {
        let dial_request = payload(
            &world,
            high,
            low,
            nonce,
            Body::DialRequest {
                version: 2,
                urgent: true,
            },
        );
        world.inject_payload(0, world.id(high), low, dial_request);
        world.run_for(millis(300));
    }
    assert_eq!(
        world.alerts(low),
        [Alert::PeerVersion {
            peer: world.id(high),
            theirs: 2
        }]
    );
    // Brought up to date, it is let in at once.
    world.restart(high);
    world.run_until_linked(seconds(5), &[low, high]);
}

#[test]
fn a_decline_for_our_version_is_told_and_not_tried_again_and_again() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let room = world.room();
        let (low, high) = (Identity::from_secret(&[1; 32]), Identity::from_secret(&[2; 32]));
        let (low_id, high_id) = (low.peer_id(), high.peer_id());
        let offers = Rc::new(RefCell::new(0));
        let counted = Rc::clone(&offers);
        let mut rng = rng();
        let both = [low.clone(), high.clone()];
        world.tamper(
            0,
            Some(Box::new(move |from, to, payload| {
                let opened = Envelope::open(&payload, &to, &room).unwrap();
                *counted.borrow_mut() += 1;
                let me = both.iter().find(|identity| identity.peer_id() == to).unwrap();
                let body = Body::Decline {
                    reason: DeclineReason::Version,
                    version: 3,
                };
                let decline = Envelope {
                    from: to,
                    to: from,
                    session: opened.session,
                    nonce: *counted.borrow(),
                    body,
                };
                vec![(from, decline.seal(me, &room, &mut rng))]
            })),
        );
        let low = world.add_as(low, "Low");
        let high = world.add_as(high, "High");
        world.run_for(seconds(50));
        let told = [(low, high_id), (high, low_id)];
        assert!(
            told.iter()
                .any(|(who, peer)| world.alerts(*who) == [Alert::PeerVersion { peer: *peer, theirs: 3 }])
        );
        assert!(*offers.borrow() <= 8, "{}", offers.borrow());
    }
}

#[test]
fn a_name_that_somebody_else_had_is_told_once() {
    for seed in seeds() {
        let mut world = World::new(seed);
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

#[test]
fn a_late_refusal_does_not_wake_what_has_stopped() {
    let mut world = World::new(1);
    let ann = world.add("Ann");
    world.run_for(seconds(1));
    let refusal = Refusal::UnsupportedVersion {
        version_min: 2,
        version_max: 3,
    };
    world.inject_event(0, ann, Event::Refused { refusal });
    world.run_for(seconds(1));
    world.inject_event(
        0,
        ann,
        Event::Refused {
            refusal: Refusal::RoomFull {},
        },
    );
    world.run_for(seconds(60));
    assert_eq!(
        world.alerts(ann),
        [Alert::ServerVersion {
            version_min: 2,
            version_max: 3
        }]
    );
    assert!(!world.is_registered(ann, 0));
}
