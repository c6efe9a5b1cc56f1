//! Peers of another version.

use std::{cell::RefCell, rc::Rc};

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{Identity, SessionId};

use crate::{
    model::Alert,
    sim::world::{Who, World, first_fragment, millis, seconds, seeds},
    wire::{
        envelope::{Body, DeclineReason, Envelope},
        frame::{Frame, Hello},
        sdp::test::sdp,
    },
};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([8; 32])
}

#[test]
fn another_version_in_the_hello_is_told_on_both_sides() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.alter_fragments(low, |bytes| match Frame::decode(&bytes[1..]) {
            Ok(Frame::Hello(hello)) => first_fragment(&Frame::Hello(Hello { version: 9, ..hello })),
            _ => bytes.to_vec(),
        });
        world.run_for(seconds(30));
        assert_eq!(
            world.alerts(high),
            [Alert::PeerVersion {
                peer: world.id(low),
                theirs: 9
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
    envelope.seal(&world.identity(from), &world.room(), &mut rng()).unwrap()
}

#[test]
fn another_version_in_an_offer_is_declined_and_told_once() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.kill(high);
    world.run_for(seconds(1));
    for nonce in 0..20 {
        let offer = Body::Offer {
            version: 9,
            round: 0,
            sdp: sdp(),
            urgent: true,
        };
        let offer = payload(&world, high, low, nonce, offer);
        world.inject_payload(0, world.id(high), low, offer);
        world.run_for(millis(300));
    }
    assert_eq!(
        world.alerts(low),
        [Alert::PeerVersion {
            peer: world.id(high),
            theirs: 9
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
                *counted.borrow_mut() += 1;
                let me = both.iter().find(|identity| identity.peer_id() == to).unwrap();
                let opened = Envelope::open(&payload, me, &room).unwrap();
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
                vec![(from, decline.seal(me, &room, &mut rng).unwrap())]
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
