//! The founder closes the room, for everyone and for good.

use crate::{
    model::{Alert, CloseError, Event},
    wire::frame::Frame,
};
use shared::{Closing, Identity, signal};

use crate::sim::world::{Who, World, first_fragment, seconds, seeds};

/// Whether `who` was told that the room is closed, and then that it left, with nothing after.
fn was_sent_off(world: &World, who: Who) -> bool {
    let last: Vec<_> = world.machines[who]
        .events
        .iter()
        .rev()
        .map(|(_, event)| event)
        .take(40)
        .collect();
    let closed = last.iter().filter(|event| ***event == Event::RoomClosed).count();
    last.first() == Some(&&Event::Left) && closed == 1
}

fn statement(world: &World, author: &Identity) -> Vec<u8> {
    Closing::sign(author, &world.room(), 5).to_bytes()
}

fn fragment(statement: &[u8]) -> Vec<u8> {
    let frame = Frame::Closing { wire: statement.into() };
    first_fragment(&frame)
}

#[test]
fn a_founder_closes_the_room_for_everyone_linked_or_not() {
    for seed in seeds() {
        let (mut world, founder) = World::founded(seed);
        let mut who = vec![founder];
        who.extend((0..11).map(|number| world.add(&format!("P{number}"))));
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        world.close_room(founder).unwrap();
        world.run_until(seconds(3), "everyone left", |world| {
            who.iter().all(|who| world.has_left(*who))
        });
        assert!(who.iter().all(|who| was_sent_off(&world, *who)));
        assert!(who.iter().all(|who| world.machines[*who].closed.is_some()));
    }
}

#[test]
fn a_closed_room_stays_closed_for_those_who_come_back() {
    let (mut world, founder) = World::founded(1);
    let ann = world.add("Ann");
    world.run_until_linked(seconds(5), &[founder, ann]);
    world.close_room(founder).unwrap();
    world.run_until(seconds(3), "left", |world| {
        world.has_left(ann) && world.has_left(founder)
    });
    for who in [ann, founder] {
        world.kill(who);
        world.restart(who);
        world.run_for(seconds(3));
        assert!(was_sent_off(&world, who));
        assert_eq!(world.open_links(who), []);
    }
}

#[test]
fn a_statement_that_is_not_the_founders_is_not_recalled() {
    for kind in 0..3 {
        let (mut world, founder) = World::founded(1);
        let ann = world.add("Ann");
        let mut statement = match kind {
            0 => statement(&world, &world.identity(ann)),
            1 => statement(&world, &world.identity(founder)),
            _ => vec![1, 2, 3],
        };
        if kind == 1 {
            let last = statement.len() - 1;
            statement[last] ^= 1;
        }
        world.kill(ann);
        world.machines[ann].closed = Some(statement);
        world.restart(ann);
        world.run_until_linked(seconds(5), &[founder, ann]);
    }
}

#[test]
fn nobody_but_the_founder_can_close_a_room_and_nobody_an_open_one() {
    let (mut world, founder) = World::founded(1);
    let ann = world.add("Ann");
    world.run_until_linked(seconds(5), &[founder, ann]);
    assert_eq!(world.close_room(ann), Err(CloseError::NotFounder));
    world.leave(founder);
    assert_eq!(world.close_room(founder), Err(CloseError::Left));
    let mut open = World::new(1);
    let bob = open.add("Bob");
    assert_eq!(open.close_room(bob), Err(CloseError::NotFounder));
    open.run_for(seconds(1));
    assert!(!open.has_left(bob));
}

#[test]
fn a_closing_that_is_not_the_founders_is_a_violation() {
    for forged in [false, true] {
        let (mut world, founder) = World::founded(1);
        let [ann, bad] = ["Ann", "Bad"].map(|name| world.add(name));
        world.run_until_linked(seconds(5), &[founder, ann, bad]);
        let author = if forged { founder } else { bad };
        let mut wire = statement(&world, &world.identity(author));
        if forged {
            let last = wire.len() - 1;
            wire[last] ^= 1;
        }
        for _ in 0..5 {
            world.inject_fragment(bad, ann, fragment(&wire));
        }
        world.run_for(seconds(5));
        assert_eq!(world.alerts(ann), [Alert::Misbehaving { peer: world.id(bad) }]);
        assert!([founder, ann].iter().all(|who| !world.has_left(*who)));
        assert!(world.linked(founder, ann));
    }
}

#[test]
fn who_passes_the_founders_word_on_is_believed() {
    let (mut world, founder) = World::founded(1);
    let [ann, bob] = ["Ann", "Bob"].map(|name| world.add(name));
    world.run_until_linked(seconds(5), &[founder, ann, bob]);
    let wire = statement(&world, &world.identity(founder));
    world.inject_fragment(bob, ann, fragment(&wire));
    world.run_until(seconds(3), "everyone left", |world| {
        [founder, ann, bob].iter().all(|who| world.has_left(*who))
    });
}

/// Nobody who was there is there any more, but the server tells; and once it was started anew, those who come back tell the server.
#[test]
fn who_was_away_finds_the_room_closed_also_after_the_server_was_started_anew() {
    for restarts in [false, true] {
        let (mut world, founder) = World::founded(1);
        let [ann, away] = ["Ann", "Away"].map(|name| world.add(name));
        world.run_until_linked(seconds(5), &[founder, ann, away]);
        world.kill(away);
        world.close_room(founder).unwrap();
        world.run_until(seconds(3), "left", |world| {
            world.has_left(ann) && world.has_left(founder)
        });
        if restarts {
            world.server_down(0);
            world.run_for(seconds(1));
            world.server_up(0);
            world.kill(ann);
            world.restart(ann);
            world.run_for(seconds(3));
            assert!(was_sent_off(&world, ann));
        }
        world.restart(away);
        world.run_until(seconds(3), "sent off", |world| world.has_left(away));
        assert!(was_sent_off(&world, away));
        assert!(world.machines[away].closed.is_some());
    }
}

#[test]
fn a_server_cannot_close_a_room() {
    let (mut world, founder) = World::founded(1);
    let ann = world.add("Ann");
    world.run_until_linked(seconds(5), &[founder, ann]);
    let by_ann = Closing::sign(&world.identity(ann), &world.room(), 5).to_text();
    for closing in [by_ann, "nonsense".to_owned()] {
        world.inject_event(0, ann, signal::Event::Closed { closing });
    }
    world.run_for(seconds(5));
    assert!(!world.has_left(ann) && world.linked(founder, ann));
}
