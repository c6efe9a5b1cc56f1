//! What is kept no longer: by the wish of one person, which nobody notices, and by the founder's rule, which everybody follows.

use std::collections::{BTreeMap, BTreeSet};

use shared::MessageId;

use crate::{
    config::SWEEP,
    model::{Delivery, Event, Retention, SendError, Vanish},
    sim::world::{Who, World, seconds, seeds_or},
    wire::{record::Record, stored::Key},
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// What `who` is shown now.
fn shown(world: &World, who: Who) -> BTreeSet<MessageId> {
    let mut shown = BTreeSet::new();
    for (_, event) in &world.machines[who].events {
        match event {
            Event::Recalled { messages } => shown.extend(messages.iter().map(|message| message.id)),
            Event::Message { message } => {
                shown.insert(message.id);
            }
            Event::Dropped { ids } => shown.retain(|id| !ids.contains(id)),
            _ => {}
        }
    }
    shown
}

/// What of the log and of whispers is on the disk of `who`.
fn on_disk(world: &World, who: Who) -> usize {
    let keys = world.machines[who].disk.records.keys();
    keys.filter(|key| matches!(Key::read(key), Some(Key::Entry { .. } | Key::Whisper { .. })))
        .count()
}

fn rule(world: &World, who: Who) -> Option<Vanish> {
    let mut events = world.machines[who].events.iter().rev();
    events.find_map(|(_, event)| match event {
        Event::Vanishing { after } => Some(*after),
        _ => None,
    })
}

fn all_go_by(world: &World, who: &[Who], after: Vanish) -> bool {
    who.iter().all(|who| rule(world, *who) == Some(after))
}

fn agree(world: &World, who: &[Who]) -> bool {
    let digests: BTreeSet<_> = who.iter().map(|who| world.node(*who).log_digest().0).collect();
    digests.len() == 1
}

/// A room of nine who say forty things each, and a newcomer. Gives what all send in ten quiet minutes.
fn evening(seed: u64, keep: [Retention; 3]) -> (World, Vec<Who>, u64) {
    let mut world = World::new(seed);
    world.disks = true;
    let mut who: Vec<_> = (0..9).map(|number| world.add(&format!("P{number}"))).collect();
    for (number, who) in who.iter().enumerate() {
        world.set_retention(*who, keep[number % 3]);
    }
    world.run_until(seconds(30), "all here", |world| world.all_here(&who));
    let mut said = Vec::new();
    for _ in 0..40 {
        said.extend(who.iter().map(|author| (*author, world.say(*author, "words"))));
        world.run_for(seconds(2));
    }
    // Whatever they keep, they acknowledge.
    let is_delivered = |world: &World, (author, id): &(Who, MessageId)| {
        matches!(world.delivery(*author, *id), Delivery::Sent { delivered: 8, of: 8 })
    };
    world.run_until(seconds(60), "all is delivered", |world| {
        said[..256].iter().all(|said| is_delivered(world, said))
    });
    who.push(world.add("Late"));
    world.run_for(seconds(10 * MINUTE));
    let sent = |world: &World| -> u64 { world.machines.iter().map(|machine| machine.bytes).sum() };
    let before = sent(&world);
    world.run_for(seconds(10 * MINUTE));
    let quiet = sent(&world) - before;
    (world, who, quiet)
}

#[test]
fn very_different_wishes_live_side_by_side_and_nobody_notices() {
    for seed in seeds_or(0..1) {
        let few = Retention {
            entries: 100,
            ..Retention::default()
        };
        let short = Retention {
            seconds: Some(0),
            ..Retention::default()
        };
        let (_, _, quiet) = evening(seed, [Retention::default(); 3]);
        let (mut world, who, with_wishes) = evening(seed, [Retention::default(), few, short]);
        assert!(with_wishes * 100 <= quiet * 105, "{with_wishes} and {quiet} bytes");
        let all = 9 * 40;
        let kept: Vec<_> = who.iter().map(|who| shown(&world, *who).len()).collect();
        assert_eq!(
            kept,
            [all, 100, all, all, 100, all, all, 100, all, all],
            "an hour is not over"
        );
        assert_eq!(on_disk(&world, who[1]), 100);
        assert!(agree(&world, &who));
        world.run_for(seconds(HOUR));
        let kept: Vec<_> = who.iter().map(|who| shown(&world, *who).len()).collect();
        assert_eq!(kept, [all, 100, 0, all, 100, 0, all, 100, 0, all]);
        assert_eq!((on_disk(&world, who[2]), on_disk(&world, who[0])), (0, all));
        // It is known again at the next visit, and they go on talking.
        world.close_tab(who[1]);
        world.restart(who[1]);
        assert_eq!(shown(&world, who[1]).len(), 100);
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        let id = world.say(who[1], "still here");
        world.run_until(seconds(10), "all hear", |world| {
            who.iter().all(|who| shown(world, *who).contains(&id))
        });
        world.run_until(seconds(30), "all agree", |world| agree(world, &who));
        assert_eq!(shown(&world, who[1]).len(), 100);
    }
}

/// A founded room of nine, with clocks that are off by a day and by a year, which have heard each other.
fn founded(seed: u64) -> (World, Vec<Who>) {
    let (mut world, founder) = World::founded(seed);
    world.disks = true;
    let mut who = vec![founder];
    who.extend((1..9).map(|number| world.add(&format!("P{number}"))));
    for (who, days) in [(founder, 1), (who[3], -365), (who[7], 365)] {
        world.set_skew(who, days * DAY);
    }
    world.run_until(seconds(40), "all here", |world| world.all_here(&who));
    world.run_for(seconds(40));
    (world, who)
}

#[test]
fn everybody_goes_by_the_founders_last_word_also_after_a_partition_and_bodies_go_in_time() {
    for seed in seeds_or(0..1) {
        let (mut world, mut who) = founded(seed);
        assert_eq!(world.set_vanish(who[1], Vanish::Hour), Err(SendError::NotFounder));
        let old: Vec<_> = who.iter().map(|author| world.say(*author, "old words")).collect();
        let whisper = world.whisper(who[1], who[2], "psst").unwrap();
        world.run_until(seconds(10), "all hear", |world| {
            who.iter()
                .all(|who| old.iter().all(|id| shown(world, *who).contains(id)))
                && shown(world, who[2]).contains(&whisper)
        });
        world.run_for(seconds(2));
        let away = who.pop().unwrap();
        world.close_tab(away);
        world.partition(who.iter().map(|who| (*who, u8::from(*who < 4))).collect());
        world.run_for(seconds(30));
        for after in [Vanish::Month, Vanish::Day, Vanish::Never, Vanish::Hour] {
            world.set_vanish(who[0], after).unwrap();
            world.run_for(seconds(5));
        }
        assert!(all_go_by(&world, &who[..4], Vanish::Hour));
        assert!(who[4..].iter().all(|who| rule(&world, *who).is_none()));
        world.run_for(seconds(HOUR));
        // Those who cannot know keep it.
        assert!(
            who[4..]
                .iter()
                .all(|who| old.iter().all(|id| shown(&world, *who).contains(id)))
        );
        for who in &who[..4] {
            assert_eq!(shown(&world, *who).len(), 1, "the line of the rule alone");
        }
        world.partition(BTreeMap::new());
        world.run_until(seconds(120), "one room", |world| world.all_here(&who));
        world.run_until(seconds(20), "all know", |world| all_go_by(world, &who, Vanish::Hour));
        let young = world.say(who[5], "young words");
        world.run_for(SWEEP);
        world.run_until(seconds(60), "all agree", |world| agree(world, &who));
        // Who was away does not show it again, once they can know.
        world.restart(away);
        who.push(away);
        who.push(world.add("Late"));
        world.run_until(seconds(60), "all here", |world| world.all_here(&who));
        world.run_until(seconds(60), "all know", |world| {
            all_go_by(world, &who, Vanish::Hour) && agree(world, &who)
        });
        world.run_for(SWEEP);
        for who in &who {
            let shown = shown(&world, *who);
            assert!(shown.contains(&young) && shown.len() == 2, "{who}: {shown:?}");
            assert!(on_disk(&world, *who) <= 2, "{who}");
        }
        // At a later start it is gone before anybody is met.
        world.close_tab(who[3]);
        world.set_skew(who[3], 0);
        world.run_for(seconds(2 * HOUR));
        world.restart(who[3]);
        assert_eq!(
            (rule(&world, who[3]), shown(&world, who[3]).len()),
            (Some(Vanish::Hour), 1)
        );
        // And the rule can end.
        world.run_until(seconds(60), "all here", |world| world.all_here(&who));
        world.set_vanish(who[0], Vanish::Never).unwrap();
        world.run_until(seconds(20), "all know", |world| all_go_by(world, &who, Vanish::Never));
        let stays = world.say(who[1], "stays");
        world.run_for(seconds(2 * HOUR));
        assert!(who.iter().all(|who| shown(&world, *who).contains(&stays)));
    }
}

#[test]
fn a_file_goes_with_its_offer() {
    let (mut world, who) = founded(1);
    let content = world.make_file(3);
    world.offer(who[1], &content);
    world.run_for(seconds(2));
    world.fetch(who[2], &content);
    world.run_until(seconds(60), "it is there", |world| {
        world.has_whole(who[2], content.info.root)
    });
    assert!(world.pieces_of(who[1], content.info.root) > 0);
    world.set_vanish(who[0], Vanish::Hour).unwrap();
    world.run_for(seconds(HOUR) + SWEEP * 2);
    for who in [who[1], who[2]] {
        assert_eq!(world.pieces_of(who, content.info.root), 0);
    }
}

/// The room's name is kept beside the log, too, and what it is about and what is pinned.
#[test]
fn what_the_founder_said_outlives_the_log() {
    let (mut world, mut who) = founded(2);
    world.name_room(who[0], "tea").unwrap();
    world.set_topic(who[0], "at five").unwrap();
    let pinned = MessageId::from_bytes([7; 16]);
    world.set_pins(who[0], vec![pinned]).unwrap();
    world.set_vanish(who[0], Vanish::Hour).unwrap();
    world.run_for(seconds(2 * HOUR));
    world.leave(who[0]);
    world.run_for(seconds(5));
    who[0] = world.add("Late");
    let all = [
        Event::RoomNamed { name: "tea".into() },
        Event::Topic {
            topic: "at five".into(),
        },
        Event::Pinned { ids: vec![pinned] },
    ];
    let are_told = |world: &World| {
        let events = &world.machines[who[0]].events;
        all.iter()
            .all(|expected| events.iter().any(|(_, event)| event == expected))
    };
    world.run_until(seconds(20), "all are known", |world| {
        are_told(world) && rule(world, who[0]) == Some(Vanish::Hour)
    });
    let disk = &world.machines[who[1]].disk.records;
    let settings = disk.iter().filter(|(key, value)| {
        let is_setting = matches!(Key::read(key), Some(Key::Setting { .. }));
        is_setting && Record::<crate::wire::entry::Entry>::recall(&value[..value.len() - 8]).is_ok()
    });
    assert_eq!(settings.count(), 4);
}

/// What of an entry is on a disk: `None` if it is not there at all.
fn stored_bytes(world: &World, who: Who, author: Who, seq: u64) -> Option<usize> {
    let mut records = world.machines[who].disk.records.iter();
    let author = world.id(author);
    records.find_map(|(key, value)| match Key::read(key) {
        Some(Key::Entry { feed, seq: of }) if feed.author == author && of == seq => Some(value.len()),
        _ => None,
    })
}

#[test]
fn a_whisper_that_waited_in_vain_loses_its_body_with_everybody_and_nothing_else_is_lost() {
    for seed in seeds_or(0..3) {
        let mut world = World::new(seed);
        world.disks = true;
        let mut who: Vec<_> = (0..5).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        let away = who.pop().unwrap();
        world.leave(away);
        world.run_for(seconds(3));
        world.close_tab(away);
        let mut said = vec![world.say(who[0], "before")];
        world.whisper(who[0], away, &"psst ".repeat(200)).unwrap();
        world.run_for(seconds(1));
        said.push(world.say(who[0], "after"));
        world.run_until(seconds(20), "it is with all", |world| {
            who.iter()
                .all(|one| stored_bytes(world, *one, who[0], 1).is_some_and(|bytes| bytes > 1_000))
        });
        for who in &who {
            world.set_skew(*who, 8 * DAY);
        }
        world.set_skew(away, 8 * DAY);
        world.run_for(SWEEP * 2 + seconds(20));
        for one in &who {
            assert!(
                stored_bytes(&world, *one, who[0], 1).is_some_and(|bytes| bytes < 500),
                "{one}"
            );
            assert!(stored_bytes(&world, *one, who[0], 0).is_some() && stored_bytes(&world, *one, who[0], 2).is_some());
        }
        // Over a reload, and with whoever comes later.
        world.close_tab(who[1]);
        world.restart(who[1]);
        world.restart(away);
        who.push(away);
        who.push(world.add("Late"));
        world.set_skew(who[5], 8 * DAY);
        world.run_until(seconds(60), "all agree", |world| {
            world.all_here(&who) && agree(world, &who)
        });
        world.run_for(seconds(60));
        for one in &who {
            let shown = shown(&world, *one);
            assert!(said.iter().all(|id| shown.contains(id)), "{one}");
            assert_eq!(
                shown.len(),
                said.len() + usize::from(*one == who[0]),
                "{one}: nobody opens it any more"
            );
        }
        // Nothing counts as skipped: what is said is delivered by digests alone.
        let id = world.say(who[0], "still here");
        world.run_until(seconds(20), "it is delivered", |world| {
            world.delivery(who[0], id) == Delivery::Sent { delivered: 5, of: 5 }
        });
    }
}
