//! Servers that do not keep to the rules.

use std::{cell::RefCell, rc::Rc};

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use shared::{
    Identity, SessionId,
    signal::{Event, PROTOCOL_VERSION, Refusal},
};

use crate::{
    config::{ATTEMPT_COST, CONNECTIONS_BUDGET, CONNECTIONS_PER_MINUTE},
    model::{Alert, PersonState},
    sim::world::{Who, World, first_fragment, millis, seconds, seeds},
    wire::{
        envelope::{Body, Envelope, EnvelopeError},
        frame::Frame,
        record::{Packet, Payload, Record},
        sdp::test::sdp,
    },
};

fn offer() -> Body {
    Body::Offer {
        version: PROTOCOL_VERSION,
        round: 0,
        sdp: sdp(),
        urgent: true,
    }
}

fn tampering(world: &World, who: Who) -> bool {
    world
        .alerts(who)
        .iter()
        .any(|alert| matches!(alert, Alert::Tampering { .. }))
}

/// Keys cost nothing: hundreds of them ask for a connection each.
#[test]
fn made_up_keys_do_not_use_up_the_connections_of_a_browser() {
    let mut world = World::new(3);
    let (victim, friend) = world.add_pair();
    world.run_until_linked(seconds(5), &[victim, friend]);
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    for number in 0..3_000 {
        let key = Identity::generate(&mut rng);
        let to = world.id(victim);
        let envelope = Envelope {
            from: key.peer_id(),
            to,
            session: SessionId::random(&mut rng),
            nonce: number,
            body: offer(),
        };
        let payload = envelope.seal(&key, &world.room(), &mut rng).unwrap();
        world.inject_payload(0, key.peer_id(), victim, payload);
        world.run_for(millis(400));
    }
    world.run_for(seconds(10));
    let made = world.node(victim).counters().sessions_failed;
    // In twenty minutes: half of the budget, and the rate.
    let most = (CONNECTIONS_BUDGET / 2 + CONNECTIONS_PER_MINUTE * 21) / ATTEMPT_COST;
    assert!((10..=u64::from(most)).contains(&made), "{made}");
    // Whoever comes is let in all the same.
    let newcomer = world.add("Newcomer");
    world.run_until(seconds(30), "a newcomer has a link", |world| {
        !world.open_links(newcomer).is_empty()
    });
    assert!(world.linked(victim, friend));
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
fn a_server_that_has_the_rooms_code_reads_nothing_and_gets_no_link_with_a_certificate_of_its_own() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (room, eve) = (world.room(), Identity::from_secret(&[66; 32]));
        let mut rng = ChaCha20Rng::from_seed([8; 32]);
        world.tamper(
            0,
            Some(Box::new(move |from, to, payload| {
                assert_eq!(Envelope::open(&payload, &eve, &room), Err(EnvelopeError::Sealed));
                let envelope = Envelope {
                    from,
                    to,
                    session: SessionId::random(&mut rng),
                    nonce: rng.next_u64(),
                    body: offer(),
                };
                vec![(to, envelope.seal(&eve, &room, &mut rng).unwrap())]
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
        assert!(world.inject_fragment(low, high, first_fragment(&packet)));
    }
    world.run_for(seconds(1));
    assert_eq!(world.node(high).counters().envelopes_forged, 3);
    assert_eq!(world.alerts(high), []);
    // The same from the server is told.
    world.inject_payload(0, world.id(low), high, "bm9uc2Vuc2U".into());
    world.run_for(seconds(1));
    assert_eq!(world.alerts(high), [Alert::Tampering { dropped: 1 }]);
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
