//! Two and more nodes find and link each other.

use mesh::io::{Delivery, PersonState};
use shared::limits::LINKS_MAX;

use crate::world::{World, millis, seconds, seeds};

#[test]
fn two_nodes_link_whoever_comes_first() {
    for seed in seeds() {
        for low_first in [true, false] {
            let mut world = World::new(seed);
            let mut pair = [world.new_identity(), world.new_identity()];
            pair.sort_by_key(shared::Identity::peer_id);
            if !low_first {
                pair.reverse();
            }
            let [one, other] = pair;
            let one = world.add_as(one, "One");
            world.run_for(seconds(5));
            let other = world.add_as(other, "Other");
            world.run_until_linked(seconds(3), &[one, other]);
            world.run_for(seconds(60));
            assert_eq!(world.connections_made(), 1);
            assert_eq!(world.alerts(one).len() + world.alerts(other).len(), 0);
        }
    }
}

#[test]
fn two_nodes_that_come_at_once_link_once() {
    for seed in seeds() {
        for apart in [0, 30, 100, 300, 1_200] {
            let mut world = World::new(seed);
            let low_first = world.draw(2) == 0;
            let mut pair = [world.new_identity(), world.new_identity()];
            pair.sort_by_key(shared::Identity::peer_id);
            if !low_first {
                pair.reverse();
            }
            let [one, other] = pair;
            let one = world.add_as(one, "One");
            world.run_for(millis(apart));
            let other = world.add_as(other, "Other");
            world.run_until_linked(seconds(3), &[one, other]);
            world.run_for(seconds(30));
            assert_eq!(world.connections_made(), 1);
        }
    }
}

#[test]
fn a_knock_that_crosses_an_offer_makes_one_link() {
    for seed in seeds() {
        // Both have lost each other while the server was away, and are told of each other in the same instant.
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        world.clog(low, high);
        world.run_for(seconds(10));
        let before = world.connections_made();
        world.run_until_linked(seconds(10), &[low, high]);
        world.run_for(seconds(30));
        assert!(world.connections_made() <= before + 1, "{before}");
    }
}

#[test]
fn three_nodes_link_all() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = ["Ann", "Bob", "Cleo"].map(|name| world.add(name)).into();
        world.run_until_linked(seconds(4), &who);
    }
}

#[test]
fn nine_nodes_all_link_and_a_tenth_is_declined_without_harm() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let nine: Vec<_> = (0..=LINKS_MAX).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(40), &nine);
        let before = world.connections_made();
        let tenth = world.add("Tenth");
        world.run_for(seconds(120));
        assert!(world.all_linked(&nine));
        assert_eq!(world.machines[tenth].node.linked().count(), 0);
        // Tried now and then, and never said to have been here.
        let people = world.machines[tenth].people.values();
        assert!(
            people
                .clone()
                .all(|person| person.state == PersonState::Connecting && person.name.is_none())
        );
        assert_eq!(world.connections_made(), before);
        assert!(world.alerts(tenth).is_empty(), "{:?}", world.alerts(tenth));
        // Someone goes, and there is a place.
        world.leave(nine[3]);
        world.run_until(seconds(60), "the tenth is in", |world| {
            nine.iter().all(|who| *who == nine[3] || world.linked(tenth, *who))
        });
    }
}

#[test]
fn messages_typed_before_the_first_link_are_kept_and_delivered() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let ann = world.add("Ann");
        let first = world.say(ann, "first");
        world.run_for(seconds(20));
        let second = world.say(ann, "second");
        assert_eq!(world.delivery(ann, first), Delivery::Waiting);
        assert_eq!(world.delivery(ann, second), Delivery::Waiting);
        let bob = world.add("Bob");
        world.run_until(seconds(5), "heard", |world| world.heard(bob).len() == 2);
        assert_eq!(world.heard(bob), ["first", "second"]);
        world.run_for(seconds(1));
        for id in [first, second] {
            assert_eq!(world.delivery(ann, id), Delivery::Sent { delivered: 1, of: 1 });
        }
        // Whoever comes much later does not get it.
        world.run_for(seconds(60));
        let cleo = world.add("Cleo");
        world.run_until_linked(seconds(5), &[ann, bob, cleo]);
        world.run_for(seconds(5));
        assert_eq!(world.heard(cleo).len(), 0);
    }
}

#[test]
fn a_newcomer_who_types_at_once_reaches_everyone() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let others: Vec<_> = (0..5).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &others);
        let newcomer = world.add("Newcomer");
        let mut ids = vec![world.say(newcomer, "at once")];
        // And again, while some links are open and others are not.
        for number in 0..10 {
            world.run_for(millis(100));
            ids.push(world.say(newcomer, &format!("hello {number}")));
        }
        world.run_for(seconds(10));
        for other in &others {
            assert_eq!(world.heard(*other).len(), 11);
            assert_eq!(world.heard(*other)[0], "at once");
        }
        for id in ids {
            assert_eq!(world.delivery(newcomer, id), Delivery::Sent { delivered: 5, of: 5 });
        }
    }
}

#[test]
fn a_person_is_connecting_then_here_and_nothing_in_between() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        for (who, of) in [(low, high), (high, low)] {
            assert_eq!(
                world.states_since(who, of, 0),
                [PersonState::Connecting, PersonState::Here]
            );
        }
    }
}
