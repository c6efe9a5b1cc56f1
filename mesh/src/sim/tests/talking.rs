//! What people say to each other, and what they are told about it.

use crate::model::{Delivery, PersonState, SendError};
use shared::limits::TEXT_BYTES_MAX;

use crate::sim::world::{World, millis, seconds, seeds};

#[test]
fn both_may_speak_in_the_same_instant() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        let ids = [world.say(low, "from low"), world.say(high, "from high")];
        world.run_for(seconds(1));
        assert_eq!(
            (world.heard(low), world.heard(high)),
            (vec!["from high".into()], vec!["from low".into()])
        );
        for (who, id) in [low, high].into_iter().zip(ids) {
            assert_eq!(world.delivery(who, id), Delivery::Sent { delivered: 1, of: 1 });
        }
    }
}

#[test]
fn a_message_says_how_many_have_it() {
    let mut world = World::new(1);
    let who: Vec<_> = (0..4).map(|number| world.add(&format!("P{number}"))).collect();
    world.run_until_linked(seconds(10), &who);
    let id = world.say(who[0], "hello");
    assert_eq!(world.delivery(who[0], id), Delivery::Sent { delivered: 0, of: 3 });
    world.run_for(seconds(1));
    let counts: Vec<_> = (0..=3).map(|delivered| Delivery::Sent { delivered, of: 3 }).collect();
    assert_eq!(world.deliveries(who[0], id), counts);
}

#[test]
fn the_longest_text_goes_through_and_a_longer_one_stays_with_its_author() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.run_until_linked(seconds(3), &[low, high]);
    let long = "ü".repeat(TEXT_BYTES_MAX / 2);
    let id = world.say(low, &long);
    // Sent again once the beacon is there that tells for which life of the recipient's it is.
    world.whisper(high, low, &long).unwrap();
    world.run_for(seconds(3));
    assert!(world.has_heard(high, &long) && world.has_heard(low, &long));
    assert_eq!(world.delivery(low, id), Delivery::Sent { delivered: 1, of: 1 });
    let (bytes, max) = (TEXT_BYTES_MAX + 1, TEXT_BYTES_MAX);
    assert_eq!(
        world.try_say(low, &"x".repeat(bytes)),
        Err(SendError::TooLong { bytes, max })
    );
    assert_eq!(world.try_say(low, " \n\t"), Err(SendError::Empty));
}

#[test]
fn messages_arrive_in_the_order_said() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        let texts: Vec<_> = (0..40).map(|number| format!("{number}")).collect();
        for text in &texts {
            let pause = world.draw(120);
            world.run_for(millis(pause));
            world.say(low, text);
        }
        world.run_for(seconds(5));
        assert_eq!(world.heard(high).len(), texts.len());
        assert_eq!(world.listed(high), texts);
    }
}

#[test]
fn what_is_said_reaches_who_has_no_link_with_its_author() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
        world.block(who[0], who[2]);
        world.run_until(seconds(20), "all here", |world| world.all_here(&who));
        let id = world.say(who[0], "pass it on");
        world.run_for(seconds(2));
        assert!(!world.linked(who[0], who[2]));
        let heard = world.messages(who[2]);
        assert_eq!(
            (heard[0].author, heard[0].text.as_str()),
            (world.id(who[0]), "pass it on")
        );
        assert_eq!(world.delivery(who[0], id), Delivery::Sent { delivered: 2, of: 2 });
        let id = world.whisper(who[2], who[0], "through you, and not for you").unwrap();
        world.run_for(seconds(1));
        assert_eq!(world.heard(who[0]), ["through you, and not for you"]);
        assert_eq!(world.heard(who[1]), ["pass it on"]);
        assert_eq!(world.delivery(who[2], id), Delivery::Sent { delivered: 1, of: 1 });
    }
}

#[test]
fn everyone_lists_what_many_say_at_once_in_one_order() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..10).map(|number| world.add(&format!("P{number}"))).collect();
        // Some clocks are hours off.
        world.set_skew(who[1], 5 * 3_600_000);
        world.set_skew(who[2], -5 * 3_600_000);
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        for number in 0..60 {
            let author = usize::try_from(world.draw(10)).unwrap();
            world.say(author, &format!("{number}"));
            let pause = world.draw(100);
            world.run_for(millis(pause));
        }
        world.run_for(seconds(10));
        let order = world.order_of(who[0]);
        assert_eq!(order.len(), 60);
        assert!(who.iter().all(|one| world.order_of(*one) == order));
    }
}

#[test]
fn a_whisper_reaches_one_only() {
    let mut world = World::new(1);
    let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
    world.run_until_linked(seconds(10), &who);
    let id = world.whisper(who[0], who[1], "psst").unwrap();
    world.run_for(seconds(1));
    assert_eq!((world.heard(who[1]).len(), world.heard(who[2]).len()), (1, 0));
    assert_eq!(world.delivery(who[0], id), Delivery::Sent { delivered: 1, of: 1 });
    let shown = world.messages(who[1]).pop().unwrap();
    assert_eq!(shown.whisper_to, Some(world.id(who[1])));
}

#[test]
fn a_whisper_to_someone_unknown_is_not_taken_and_one_to_somebody_who_left_waits() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    assert_eq!(world.whisper(low, high, "too early"), Err(SendError::NotReachable));
    assert_eq!(world.messages(low), []);
    world.run_until_linked(seconds(3), &[low, high]);
    world.leave(high);
    world.run_for(seconds(1));
    let id = world.whisper(low, high, "for later").unwrap();
    assert_eq!(world.deliveries(low, id), [Delivery::Waiting]);
    world.close_tab(high);
    world.restart(high);
    world.run_until(seconds(10), "heard", |world| world.has_heard(high, "for later"));
    world.run_for(seconds(10));
    let done = Delivery::Sent { delivered: 1, of: 1 };
    assert_eq!(world.deliveries(low, id), [Delivery::Waiting, done]);
}

#[test]
fn a_whisper_on_a_dying_link_is_sent_again_on_the_next() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        world.run_for(seconds(10));
        world.clog(low, high);
        let id = world.whisper(low, high, "psst").unwrap();
        world.run_until(seconds(25), "heard", |world| world.has_heard(high, "psst"));
        world.run_for(seconds(1));
        assert_eq!(world.delivery(low, id), Delivery::Sent { delivered: 1, of: 1 });
    }
}

#[test]
fn a_whisper_that_does_not_get_through_waits_for_its_recipient() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.run_until_linked(seconds(3), &[low, high]);
    world.kill(high);
    let id = world.whisper(low, high, "psst").unwrap();
    world.run_for(seconds(31));
    assert_eq!(world.delivery(low, id), Delivery::Waiting);
    world.restart(high);
    world.run_until(seconds(30), "heard", |world| world.has_heard(high, "psst"));
    world.run_for(seconds(10));
    assert_eq!(world.delivery(low, id), Delivery::Sent { delivered: 1, of: 1 });
    assert_eq!(world.heard(high), ["psst"], "once");
}

#[test]
fn every_delivery_ends() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &who);
        world.kill(who[2]);
        let to_both = world.say(who[0], "one of you is dead");
        world.run_for(seconds(1));
        world.kill(who[1]);
        let to_none = world.say(who[0], "both are");
        world.run_for(seconds(200));
        assert_eq!(world.delivery(who[0], to_both), Delivery::Sent { delivered: 1, of: 2 });
        // Nobody has it, and it is kept for whoever comes.
        assert_eq!(world.delivery(who[0], to_none), Delivery::Waiting);
        let mut people = world.machines[who[0]].people.values();
        assert!(people.all(|person| person.state == PersonState::Away));
        world.restart(who[1]);
        world.run_until_linked(seconds(10), &who[..2]);
        world.run_for(seconds(1));
        assert_eq!(world.delivery(who[0], to_none), Delivery::Sent { delivered: 1, of: 1 });
    }
}

#[test]
fn a_message_to_someone_who_leaves_before_it_arrives_waits_for_the_next() {
    let mut world = World::new(1);
    let (low, high) = world.add_pair();
    world.run_until_linked(seconds(3), &[low, high]);
    world.leave(high);
    let id = world.say(low, "wait");
    world.run_for(seconds(1));
    assert_eq!(world.delivery(low, id), Delivery::Waiting);
    let next = world.say(low, "is anybody there?");
    assert_eq!(world.delivery(low, next), Delivery::Waiting);
    world.kill(high);
    world.restart(high);
    world.run_until_linked(seconds(5), &[low, high]);
    world.run_for(seconds(1));
    assert_eq!(world.listed(high), ["wait", "is anybody there?"]);
    for id in [id, next] {
        assert_eq!(world.delivery(low, id), Delivery::Sent { delivered: 1, of: 1 });
    }
}

#[test]
fn nothing_said_is_lost_or_doubled_when_links_are_replaced() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        let mut said = [Vec::new(), Vec::new()];
        for number in 0..450 {
            world.run_for(millis(100));
            for (side, who) in [low, high].into_iter().enumerate() {
                let text = format!("{side} {number}");
                world.say(who, &text);
                said[side].push(text);
            }
            if number % 100 == 20 {
                let (who, other) = if world.draw(2) == 0 { (low, high) } else { (high, low) };
                world.fail_link(who, other);
            }
        }
        world.run_until(seconds(40), "all heard", |world| {
            world.heard(low).len() >= said[1].len() && world.heard(high).len() >= said[0].len()
        });
        assert_eq!(world.order_of(low), world.order_of(high));
        for (side, (who, reader)) in [(low, high), (high, low)].into_iter().enumerate() {
            let mut heard = world.listed(reader);
            heard.retain(|text| text.starts_with(&format!("{side} ")));
            assert_eq!(heard, said[side], "what {who} said");
        }
    }
}
