//! What people say of messages: the same view with everybody, whatever came first and whoever was away.

use std::collections::BTreeMap;

use shared::{MessageId, PeerId};

use crate::{
    model::{Annotation, Event, Message, Retention, Says, Timestamp},
    sim::world::{Who, World, seconds, seeds},
};

const EMOJI: [&[&str]; 4] = [&[], &["👍"], &["🎉", "👍"], &["❤️"]];

/// A room of so many people with disks, who know each other.
fn room(seed: u64, people: usize) -> (World, Vec<Who>) {
    let mut world = World::new(seed);
    world.disks = true;
    let who: Vec<_> = (0..people).map(|number| world.add(&format!("P{number}"))).collect();
    world.run_until(seconds(30), "all here", |world| world.all_here(&who));
    (world, who)
}

/// The last word of each author on each message, of each kind.
type View = BTreeMap<(MessageId, PeerId, bool), (Timestamp, MessageId, Says)>;

/// What `who` makes of all that it was told since the last restart.
fn view(world: &World, who: Who) -> View {
    let mut view = View::new();
    for (_, event) in &world.machines[who].events {
        let Event::Annotated { annotations } = event else {
            continue;
        };
        for Annotation {
            id,
            author,
            order,
            to,
            says,
            ..
        } in annotations.clone()
        {
            let key = (to, author, matches!(says, Says::Text { .. }));
            let now = (order, id, says);
            let known = view.entry(key).or_insert_with(|| now.clone());
            if (known.0, known.1) < (now.0, now.1) {
                *known = now;
            }
        }
    }
    view
}

#[test]
fn halves_that_were_apart_people_who_restart_and_newcomers_see_the_same() {
    for seed in seeds() {
        let (mut world, mut who) = room(seed, 8);
        let said: Vec<_> = who.iter().map(|one| world.say(*one, "first")).collect();
        world.run_for(seconds(5));
        world.partition(who.iter().map(|one| (*one, u8::from(*one < 4))).collect());
        for number in 0..60 {
            let author = usize::try_from(world.draw(8)).unwrap();
            let about = usize::try_from(world.draw(8)).unwrap();
            let emoji = EMOJI[usize::try_from(world.draw(4)).unwrap()];
            if world.draw(2) == 0 {
                world.edit(author, said[author], &format!("{number}"));
            } else {
                world.react(author, said[about], emoji);
            }
            world.run_for(seconds(1));
        }
        world.crash(who[0]);
        world.restart(who[0]);
        world.partition(BTreeMap::new());
        who.push(world.add("Late"));
        world.run_for(seconds(90));
        let first = view(&world, who[1]);
        assert!(first.len() > 8, "nothing happened");
        for one in &who {
            assert_eq!(view(&world, *one), first, "seed {seed}, {one}");
        }
    }
}

/// What `who` shows: of each message its text, or that it is deleted.
fn shown(world: &World, who: Who) -> BTreeMap<MessageId, Option<String>> {
    let mut shown = BTreeMap::new();
    let mut note = |message: &Message| {
        let text = (!message.deleted).then(|| message.text.clone());
        shown.entry(message.id).or_insert((message.author, text));
    };
    let events = || world.machines[who].events.iter().map(|(_, event)| event);
    for event in events() {
        if let Event::Message { message } = event {
            note(message);
        } else if let Event::Recalled { messages } = event {
            messages.iter().for_each(&mut note);
        }
    }
    for event in events() {
        let Event::Deleted { author, ids } = event else {
            continue;
        };
        for id in ids {
            if let Some((_, text)) = shown.get_mut(id).filter(|(by, _)| by == author) {
                *text = None;
            }
        }
    }
    shown.into_iter().map(|(id, (_, text))| (id, text)).collect()
}

/// Whether a text stands on somebody's disk.
fn is_on_disk(world: &World, who: Who, text: &str) -> bool {
    let records = world.machines[who].disk.records.values();
    let mut found = records.map(|record| record.windows(text.len()).any(|part| part == text.as_bytes()));
    found.any(|found| found)
}

#[test]
fn what_is_deleted_is_gone_from_every_store_whoever_was_away() {
    for seed in seeds() {
        let (mut world, mut who) = room(seed, 8);
        let said: Vec<_> = who
            .iter()
            .map(|one| world.say(*one, &format!("the words of {one}")))
            .collect();
        world.edit(0, said[0], "the other words of 0");
        world.run_for(seconds(5));
        // The halves part; one who has everything is away while it is deleted, and one deletes what the other half never had.
        world.partition(who.iter().map(|one| (*one, u8::from(*one < 4))).collect());
        world.crash(who[7]);
        let late = world.say(2, "the words of 2 that only half of them heard");
        world.run_for(seconds(5));
        for (author, said) in said.iter().enumerate().take(3) {
            world.delete(author, *said);
            let wait = world.draw(3);
            world.run_for(seconds(wait));
        }
        world.delete(2, late);
        world.run_for(seconds(5));
        world.crash(who[0]);
        world.restart(who[0]);
        world.partition(BTreeMap::new());
        world.restart(who[7]);
        who.push(world.add("Late"));
        world.run_for(seconds(90));
        let gone: Vec<_> = said[..3].iter().chain([&late]).collect();
        for one in &who {
            let shown = shown(&world, *one);
            assert_eq!(shown.len(), said.len() + 1, "seed {seed}, {one}");
            for (id, text) in &shown {
                assert_eq!(text.is_none(), gone.contains(&id), "seed {seed}, {one}: {text:?}");
            }
            for text in [
                "the words of 0",
                "the words of 1",
                "the words of 2",
                "the other words of 0",
            ] {
                assert!(!is_on_disk(&world, *one, text), "seed {seed}, {one}: {text}");
            }
            assert!(is_on_disk(&world, *one, "the words of 5"), "seed {seed}, {one}");
        }
        let digest = world.node(who[0]).log_digest();
        assert!(
            who.iter().all(|one| world.node(*one).log_digest() == digest),
            "seed {seed}"
        );
    }
}

#[test]
fn a_file_goes_with_the_offer_by_which_it_came_and_with_no_other() {
    for seed in seeds() {
        let (mut world, who) = room(seed, 4);
        let file = world.make_file(2);
        let offer = world.offer(who[0], &file);
        world.run_for(seconds(5));
        for one in &who[1..] {
            world.fetch(*one, &file);
        }
        let has = |world: &World, one: Who| world.has_whole(one, file.info.root);
        world.run_until(seconds(60), "all have it", |world| {
            who.iter().all(|one| has(world, *one))
        });
        // Two have lost the offer from their logs, and one the wish to see it.
        let few = Retention {
            entries: 1,
            ..Retention::default()
        };
        for one in [who[0], who[2]] {
            world.set_retention(one, few);
        }
        world.say(who[3], "something else");
        world.run_for(seconds(5));
        let again = world.offer(who[1], &file);
        world.run_for(seconds(5));
        world.delete(who[1], again);
        world.run_for(seconds(5));
        assert!([0, 2, 3].iter().all(|one| has(&world, *one)), "seed {seed}");
        world.delete(who[0], offer);
        world.run_for(seconds(5));
        // Who has no offer of it in the log is not told which it was.
        assert!(!has(&world, who[3]), "seed {seed}");
    }
}
