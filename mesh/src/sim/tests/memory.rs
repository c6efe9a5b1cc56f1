//! What nodes keep: they go on where they were after reload and crash, and never contradict themselves.

use std::collections::BTreeSet;

use shared::MessageId;

use crate::{
    model::{Alert, Delivery, Event},
    sim::world::{Who, World, millis, seconds, seeds, seeds_or},
    wire::stored::Key,
};

/// A room whose people keep what they hear.
fn room_of(seed: u64, people: usize) -> (World, Vec<Who>) {
    let mut world = World::new(seed);
    world.disks = true;
    let who: Vec<_> = (0..people).map(|number| world.add(&format!("P{number}"))).collect();
    world.run_until(seconds(30), "all here", |world| world.all_here(&who));
    (world, who)
}

fn has_all(world: &World, who: &[Who], said: &[MessageId]) -> bool {
    who.iter().all(|who| said.iter().all(|id| world.was_shown(*who, id)))
}

fn is_delivered(world: &World, who: Who, id: MessageId) -> bool {
    let last = world.deliveries(who, id).last().copied();
    matches!(last, Some(Delivery::Sent { delivered, of }) if delivered == of && of > 0)
}

/// In how many feeds people speak, as the disk of `who` has it.
fn feeds(world: &World, who: Who) -> usize {
    let keys = world.machines[who].disk.records.keys();
    let feeds = keys.filter_map(|key| match Key::read(key) {
        Some(Key::Entry { feed, .. }) => Some(feed),
        _ => None,
    });
    feeds.collect::<BTreeSet<_>>().len()
}

/// Nobody was called two-faced.
fn nobody_is_blamed(world: &World) {
    for machine in &world.machines {
        let blamed = |(_, event): &&(u64, Event)| {
            matches!(
                event,
                Event::Alert {
                    alert: Alert::Equivocated { .. }
                }
            )
        };
        assert_eq!(machine.events.iter().find(blamed), None, "{}", machine.name);
    }
}

#[test]
fn what_was_said_is_there_after_everyone_left_and_came_back_and_feeds_go_on() {
    for seed in seeds() {
        let (mut world, who) = room_of(seed, 5);
        let said: Vec<_> = who.iter().map(|author| world.say(*author, "before")).collect();
        let whisper = world.whisper(who[0], who[1], "psst").unwrap();
        world.run_until(seconds(10), "all know", |world| {
            let mut own = who.iter().zip(&said);
            own.all(|(author, id)| is_delivered(world, *author, *id)) && is_delivered(world, who[0], whisper)
        });
        for who in &who {
            world.leave(*who);
        }
        world.run_for(seconds(3));
        for who in &who {
            world.close_tab(*who);
            world.restart(*who);
            // Before anybody is met.
            assert!(has_all(&world, &[*who], &said));
        }
        for pair in [who[0], who[1]] {
            let whispers = world
                .messages(pair)
                .into_iter()
                .filter(|message| message.whisper_to.is_some());
            assert_eq!(whispers.count(), 1, "also whispers, on both sides, and once");
        }
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        let more: Vec<_> = who.iter().map(|author| world.say(*author, "after")).collect();
        world.run_until(seconds(20), "all hear", |world| has_all(world, &who, &more));
        world.run_for(seconds(1));
        assert_eq!(feeds(&world, who[0]), who.len(), "each speaks in the feed of before");
        nobody_is_blamed(&world);
    }
}

#[test]
fn who_was_away_gets_everything_although_its_author_is_gone() {
    for seed in seeds() {
        let (mut world, who) = room_of(seed, 3);
        world.close_tab(who[1]);
        let said: Vec<_> = (0..20).map(|_| world.say(who[0], "while you were away")).collect();
        world.run_until(seconds(10), "the third has it", |world| {
            has_all(world, &[who[2]], &said)
        });
        world.run_for(seconds(1));
        world.leave(who[0]);
        world.run_for(seconds(1));
        // Also over a reload of the one who has it.
        world.close_tab(who[2]);
        world.restart(who[2]);
        world.restart(who[1]);
        world.run_until(seconds(20), "the second has it", |world| {
            has_all(world, &[who[1]], &said)
        });
    }
}

#[test]
fn what_waits_for_its_first_reader_waits_over_a_reload_and_is_delivered() {
    for seed in seeds() {
        let mut world = World::new(seed);
        world.disks = true;
        let ann = world.add("Ann");
        let early = world.say(ann, "anyone?");
        world.run_for(seconds(2));
        world.close_tab(ann);
        world.restart(ann);
        assert_eq!(world.deliveries(ann, early), [Delivery::Waiting]);
        let bob = world.add("Bob");
        world.run_until(seconds(20), "it is delivered", |world| is_delivered(world, ann, early));
        assert!(world.was_shown(bob, &early));
        // From then on it does not wait any more.
        world.run_for(seconds(2));
        world.close_tab(ann);
        world.restart(ann);
        assert_eq!(world.deliveries(ann, early), []);
    }
}

/// Whoever is told to have a message has it also after a crash, and no crash makes anybody contradict themselves.
#[test]
fn crashes_at_any_moment_lose_nothing_that_was_acknowledged_and_fork_no_feed() {
    for seed in seeds() {
        let (mut world, who) = room_of(seed, 6);
        let mut said = Vec::new();
        for round in 0..30 {
            let author = who[usize::try_from(world.draw(6)).unwrap()];
            if let Ok(id) = world.try_say(author, &format!("{round}")) {
                said.push((author, id));
            }
            let pause = world.between(1, 400);
            world.run_for(millis(pause));
            let victim = who[usize::try_from(world.draw(6)).unwrap()];
            let told: Vec<_> = said
                .iter()
                .filter(|(author, id)| *author != victim && all_have(&world, *author, *id))
                .map(|(_, id)| *id)
                .collect();
            world.crash(victim);
            world.restart(victim);
            assert!(has_all(&world, &[victim], &told), "what it said that it had");
        }
        world.run_until(seconds(60), "all here", |world| world.all_here(&who));
        // What was sent to nobody and not stored is gone with the crash, for everybody.
        let kept: Vec<_> = said.iter().map(|(_, id)| *id).collect();
        let kept: Vec<_> = kept
            .into_iter()
            .filter(|id| who.iter().any(|who| world.was_shown(*who, id)))
            .collect();
        world.run_until(seconds(60), "all have the same", |world| has_all(world, &who, &kept));
        nobody_is_blamed(&world);
    }
}

/// Whether an author was told that all the others have a message.
fn all_have(world: &World, author: Who, id: MessageId) -> bool {
    let last = world.deliveries(author, id).last().copied();
    last == Some(Delivery::Sent { delivered: 5, of: 5 })
}

#[test]
fn an_older_copy_of_what_was_kept_is_noticed_and_no_fork_if_others_are_there_first() {
    for seed in seeds() {
        let (mut world, who) = room_of(seed, 3);
        world.say(who[0], "one");
        world.run_for(seconds(2));
        let older = world.machines[who[0]].disk.clone();
        let since = world.say(who[0], "two");
        world.run_until(seconds(10), "others have it", |world| has_all(world, &who, &[since]));
        world.run_for(seconds(1));
        world.close_tab(who[0]);
        world.machines[who[0]].disk = older;
        world.restart(who[0]);
        assert!(!world.was_shown(who[0], &since));
        world.run_until(seconds(20), "it is back", |world| has_all(world, &who, &[since]));
        assert_eq!(world.alerts(who[0]), [Alert::SaidElsewhere]);
        let next = world.say(who[0], "three");
        world.run_until(seconds(10), "it goes on", |world| has_all(world, &who, &[next]));
        nobody_is_blamed(&world);
    }
}

#[test]
fn with_a_full_disk_people_are_heard_all_the_same_and_nothing_forks_later() {
    for seed in seeds() {
        let (mut world, who) = room_of(seed, 3);
        let first = world.say(who[0], "first");
        world.run_until(seconds(10), "all have it", |world| has_all(world, &who, &[first]));
        world.run_for(seconds(1));
        world.machines[who[0]].disk.is_full = true;
        if seed % 2 == 0 {
            // It is found out by what somebody else says.
            world.say(who[1], "other");
            world.run_for(seconds(1));
        }
        let others = usize::from(seed % 2 == 0);
        for text in ["not", "stored"] {
            world.say(who[0], text);
        }
        let heard = |world: &World, texts: &[&str]| {
            let hears = |who: &Who| {
                texts
                    .iter()
                    .all(|text| world.heard(*who).iter().any(|heard| heard == text))
            };
            who[1..].iter().all(hears)
        };
        world.run_until(seconds(10), "they are heard", |world| heard(world, &["not", "stored"]));
        assert_eq!(world.listed(who[1]).len(), 3 + others);
        // With space again it goes on where its store ended, and gets the rest from the others.
        world.close_tab(who[0]);
        world.machines[who[0]].disk.is_full = false;
        world.restart(who[0]);
        world.run_until(seconds(20), "all here", |world| world.all_here(&who));
        world.say(who[0], "again");
        world.run_until(seconds(20), "it is heard", |world| heard(world, &["again"]));
        world.run_until(seconds(20), "the rest comes", |world| {
            world.listed(who[0]).len() == 4 + others
        });
        nobody_is_blamed(&world);
    }
}

#[test]
fn what_is_damaged_is_fetched_again() {
    for seed in seeds() {
        let (mut world, who) = room_of(seed, 3);
        let said: Vec<_> = (0..9).map(|_| world.say(who[0], "hello")).collect();
        world.run_until(seconds(10), "all have it", |world| has_all(world, &who, &said));
        world.run_for(seconds(1));
        world.close_tab(who[1]);
        for (key, value) in &mut world.machines[who[1]].disk.records {
            let is_one = matches!(Key::read(key), Some(Key::Entry { seq, .. }) if seq % 3 == seed % 3);
            if is_one {
                value[40] ^= 4;
            }
        }
        world.restart(who[1]);
        assert!(!has_all(&world, &[who[1]], &said));
        world.run_until(seconds(20), "it is fetched", |world| has_all(world, &who, &said));
        nobody_is_blamed(&world);
        // And stored whole.
        world.run_for(seconds(1));
        world.close_tab(who[1]);
        world.restart(who[1]);
        assert!(has_all(&world, &[who[1]], &said));
    }
}

#[test]
fn a_whisper_waits_for_who_is_away_although_its_author_leaves_and_nobody_else_reads_it() {
    for seed in seeds() {
        let (mut world, who) = room_of(seed, 4);
        let [ann, bob, cid, dan] = who[..] else { unreachable!() };
        world.leave(bob);
        world.run_for(seconds(1));
        world.close_tab(bob);
        let id = world.whisper(ann, bob, "psst").unwrap();
        assert_eq!(world.deliveries(ann, id), [Delivery::Waiting]);
        world.run_for(seconds(2));
        world.leave(ann);
        world.run_for(seconds(1));
        world.close_tab(ann);
        // Also over a reload of those who carry it.
        for carrier in [cid, dan] {
            world.close_tab(carrier);
            world.restart(carrier);
        }
        world.run_until_linked(seconds(20), &[cid, dan]);
        world.restart(bob);
        world.run_until(seconds(20), "it is heard", |world| world.has_heard(bob, "psst"));
        world.run_for(seconds(2));
        world.close_tab(bob);
        world.restart(bob);
        assert_eq!(world.heard(bob), ["psst"], "also later, and once");
        world.restart(ann);
        assert_eq!(world.deliveries(ann, id), [Delivery::Waiting]);
        world.run_until(seconds(30), "its author knows", |world| is_delivered(world, ann, id));
        for other in [cid, dan] {
            assert!(!world.was_shown(other, &id));
        }
    }
}

#[test]
fn a_whisper_that_was_under_way_as_its_author_crashed_gets_through_later() {
    for seed in seeds() {
        let (mut world, who) = room_of(seed, 2);
        world.clog(who[0], who[1]);
        let id = world.whisper(who[0], who[1], "psst").unwrap();
        world.run_for(seconds(1));
        world.crash(who[0]);
        world.run_for(seconds(5));
        world.restart(who[0]);
        assert_eq!(world.deliveries(who[0], id), [Delivery::Waiting]);
        world.run_until(seconds(60), "it is heard", |world| world.has_heard(who[1], "psst"));
        world.run_until(seconds(30), "its author knows", |world| is_delivered(world, who[0], id));
        assert_eq!(world.heard(who[1]), ["psst"]);
    }
}

/// Each day some come, talk, and leave in one way or another; nobody is there all the time.
#[test]
fn after_a_month_of_coming_and_going_each_has_one_feed_and_all_of_the_past() {
    for seed in seeds_or(1..3) {
        let (mut world, who) = room_of(seed, 12);
        let mut said = Vec::new();
        for one in &who {
            world.leave(*one);
        }
        world.run_for(seconds(5));
        for one in &who {
            world.close_tab(*one);
        }
        for day in 0..30 {
            world.run_for(seconds(24 * 60 * 60));
            let today: Vec<_> = (0..4).map(|place| who[(day * 5 + place * 3) % who.len()]).collect();
            for one in &today {
                world.restart(*one);
            }
            world.run_until(seconds(60), "all of today here", |world| world.all_here(&today));
            let talk: Vec<_> = today.iter().map(|one| world.say(*one, "good day")).collect();
            world.run_until(seconds(60), "all heard", |world| has_all(world, &today, &talk));
            said.extend(talk);
            // What was heard is on disk a moment later.
            world.run_for(seconds(2));
            for (place, one) in today.iter().enumerate() {
                match (day + place) % 3 {
                    0 => world.leave(*one),
                    1 => world.crash(*one),
                    _ => {}
                }
            }
            world.run_for(seconds(3));
            for (place, one) in today.iter().enumerate() {
                if (day + place) % 3 != 1 {
                    world.close_tab(*one);
                }
            }
        }
        for one in &who {
            world.restart(*one);
        }
        world.run_until(seconds(120), "all have all", |world| {
            world.all_here(&who) && has_all(world, &who, &said)
        });
        world.run_for(seconds(5));
        for one in &who {
            assert_eq!(feeds(&world, *one), who.len(), "one feed each");
        }
        nobody_is_blamed(&world);
    }
}
