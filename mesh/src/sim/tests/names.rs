//! Names that are given later: to oneself by anybody, to the room by its founder.

use crate::{
    model::{Event, SendError},
    sim::world::{Who, World, seconds, seeds},
};

/// What the room is called, as `who` was told last.
fn room_name(world: &World, who: Who) -> Option<&str> {
    let mut events = world.machines[who].events.iter().rev();
    events.find_map(|(_, event)| match event {
        Event::RoomNamed { name } => Some(name.as_str()),
        _ => None,
    })
}

#[test]
fn everyone_calls_the_room_what_its_founder_calls_it_also_who_comes_later() {
    for seed in seeds() {
        let (mut world, founder) = World::founded(seed);
        world.name_room(founder, "alone").unwrap();
        let mut who = vec![founder];
        who.extend((0..9).map(|number| world.add(&format!("P{number}"))));
        let everyone_says =
            |world: &World, who: &[Who], name| who.iter().all(|who| room_name(world, *who) == Some(name));
        world.run_until(seconds(30), "the first name", |world| {
            everyone_says(world, &who, "alone")
        });
        assert_eq!(world.name_room(who[4], "mine"), Err(SendError::NotFounder));
        for name in ["tea", "coffee"] {
            world.name_room(founder, name).unwrap();
        }
        world.run_until(seconds(3), "the last name", |world| {
            everyone_says(world, &who, "coffee")
        });
        // It is kept by those who are there.
        world.leave(founder);
        world.run_for(seconds(2));
        who[0] = world.add("Late");
        world.run_until(seconds(10), "the name", |world| everyone_says(world, &who, "coffee"));
    }
}

#[test]
fn everyone_learns_a_new_name_within_seconds_and_whispers_and_messages_carry_it() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..12).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        world.rename(who[3], "Anna");
        let id = world.machines[who[3]].id;
        let others: Vec<_> = who.iter().copied().filter(|other| *other != who[3]).collect();
        world.run_until(seconds(3), "the new name", |world| {
            let called = |other: &Who| world.machines[*other].people[&id].name.as_deref() == Some("Anna");
            others.iter().all(called)
        });
        world.say(who[3], "hello");
        world.whisper(who[3], who[7], "psst").unwrap();
        world.run_until(seconds(3), "both", |world| world.messages(who[7]).len() == 2);
        let names = world.messages(who[7]);
        assert!(names.iter().all(|message| message.author_name == "Anna"));
    }
}
