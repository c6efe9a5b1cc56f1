//! Clocks that are wrong, by minutes or by years: the order is the same everywhere, and nobody's message is hidden.

use crate::{
    config::AHEAD_MAX,
    io::millis as in_millis,
    model::{Alert, Delivery, Event, Message},
    sim::world::{Who, World, seconds, seeds_or},
};

const MINUTE: i64 = 60 * 1_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// By how much the clocks of a third of a room of twelve are off.
const WRONG: [i64; 4] = [365 * DAY, -365 * DAY, 2 * DAY, -10 * MINUTE];

/// The messages that were shown to `who`.
fn shown(world: &World, who: Who) -> Vec<Message> {
    let events = world.machines[who].events.iter();
    let messages = events.filter_map(|(_, event)| match event {
        Event::Message { message } => Some(message.clone()),
        _ => None,
    });
    messages.collect()
}

fn is_told(world: &World, who: Who) -> bool {
    let alerts = world.alerts(who);
    alerts.iter().any(|alert| matches!(alert, Alert::ClockWrong { .. }))
}

/// What a message's date is off the true time by, if that is known.
fn off(message: &Message, true_millis: u64) -> u64 {
    message.order.unix_millis().abs_diff(true_millis)
}

#[test]
fn a_third_of_the_clocks_may_be_off_by_a_year() {
    for seed in seeds_or(0..4) {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..12).map(|number| world.add(&format!("P{number}"))).collect();
        for (who, off) in who.iter().zip(WRONG) {
            world.set_skew(*who, off);
        }
        world.run_until(seconds(40), "all here", |world| world.all_here(&who));
        world.run_for(seconds(40));
        for round in 0..3 {
            for one in &who {
                let id = world.say(*one, &format!("{round} by {one}"));
                world.run_until(seconds(10), "delivered", |world| {
                    let all = 11;
                    world.delivery(*one, id)
                        == Delivery::Sent {
                            delivered: all,
                            of: all,
                        }
                });
            }
        }
        // Every order is as it was said: the world sees to it that nobody's words come before what they had read.
        let said = world.said_to_all();
        for one in &who {
            assert_eq!(world.order_of(*one), said);
            let now = world.now_of(who[11]).unix_millis;
            for message in shown(&world, *one) {
                assert!(!message.dated_ahead, "{message:?}");
                assert!(off(&message, now) < in_millis(AHEAD_MAX), "{message:?}");
            }
            assert_eq!(is_told(&world, *one), *one < WRONG.len(), "{one}");
        }
    }
}

#[test]
fn of_two_people_the_one_whose_clock_is_wrong_follows_and_is_told_by_the_clock_of_the_server() {
    for (wrong, server) in [(2 * DAY, 0), (-2 * DAY, 0), (2 * DAY, -365 * DAY)] {
        let mut world = World::new(1);
        world.set_server_skew(0, server);
        let (one, other) = world.add_pair();
        world.set_skew(other, wrong);
        world.run_until_linked(seconds(5), &[one, other]);
        world.run_for(seconds(40));
        for (from, to) in [(one, other), (other, one), (one, other)] {
            let id = world.say(from, "what time is it?");
            world.run_until(seconds(3), "heard", |world| world.was_shown(to, &id));
        }
        for who in [one, other] {
            let now = world.now_of(one).unix_millis;
            assert!(shown(&world, who).iter().all(|message| off(message, now) < 60_000));
            assert_eq!(is_told(&world, who), who == other, "{wrong} {server}");
        }
    }
}

#[test]
fn somebody_alone_whose_clock_is_ahead_goes_by_that_of_the_server() {
    let mut world = World::new(2);
    let early = world.add("Early");
    world.set_skew(early, 2 * DAY);
    world.run_for(seconds(2));
    let id = world.say(early, "anybody?");
    let bob = world.add("Bob");
    world.run_until(seconds(20), "heard", |world| world.was_shown(bob, &id));
    assert!(!shown(&world, bob)[0].dated_ahead);
}

#[test]
fn what_somebody_said_alone_by_a_clock_that_is_ahead_is_kept_and_stands_apart() {
    let mut world = World::new(2);
    world.set_server_skew(0, 2 * DAY);
    let early = world.add("Early");
    world.set_skew(early, 2 * DAY);
    world.run_for(seconds(2));
    let id = world.say(early, "anybody?");
    let others: Vec<_> = ["Bob", "Cleo"].map(|name| world.add(name)).into();
    world.run_until(seconds(20), "heard", |world| {
        others.iter().all(|who| world.was_shown(*who, &id))
    });
    world.run_for(seconds(20));
    for who in &others {
        assert!(shown(&world, *who)[0].dated_ahead);
    }
    world.run_until(seconds(20), "delivered", |world| {
        world.delivery(early, id) == Delivery::Sent { delivered: 2, of: 2 }
    });
    // What comes now comes before it, with everyone.
    let later = world.say(early, "here you are");
    world.run_until(seconds(5), "heard", |world| {
        others.iter().all(|who| world.was_shown(*who, &later))
    });
    for who in &others {
        assert_eq!(world.order_of(*who), [later, id]);
        assert!(!shown(&world, *who).last().unwrap().dated_ahead);
    }
}
