//! That somebody is typing is seen by everyone, costs next to nothing, and is over when it is.

use crate::{
    config::TYPING_SHOWN,
    model::Event,
    sim::world::{Who, World, millis, seconds, seeds_or},
    wire::frame::Frame,
};

/// Who is shown to `who` as typing, by the last word about that since its start.
fn typists(world: &World, who: Who) -> usize {
    let events = world.machines[who].events.iter().rev();
    let mut said = events.filter_map(|(_, event)| match event {
        Event::Typing { peers } => Some(peers.len()),
        _ => None,
    });
    said.next().unwrap_or(0)
}

/// Lets so many of them type for ten seconds.
fn type_away(world: &mut World, typing: &[Who]) {
    for _ in 0..50 {
        for who in typing {
            world.note_typing(*who);
        }
        world.run_for(millis(200));
    }
}

#[test]
fn one_who_types_is_seen_by_all_until_shortly_after() {
    for seed in seeds_or(1..6) {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..12).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        type_away(&mut world, &who[..1]);
        let seen: Vec<_> = who.iter().map(|one| typists(&world, *one)).collect();
        assert_eq!(seen, [[0].as_slice(), &[1; 11]].concat(), "seed {seed}");
        world.run_for(TYPING_SHOWN + seconds(1));
        assert!(who.iter().all(|one| typists(&world, *one) == 0), "seed {seed}");
        type_away(&mut world, &who[..1]);
        world.say(who[0], "what was typed");
        world.run_for(seconds(1));
        assert!(who.iter().all(|one| typists(&world, *one) == 0), "seed {seed}");
    }
}

#[test]
fn twenty_of_two_hundred_who_type_cost_each_less_than_200_bytes_a_second() {
    for seed in seeds_or(1..2) {
        let mut world = World::large(seed);
        let who: Vec<_> = (0..200).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_for(seconds(40));
        world.record();
        type_away(&mut world, &who[..20]);
        let is_sign = |bytes: &&[u8]| matches!(Frame::decode(&bytes[1..]), Ok(Frame::Typing { .. }));
        let (mut signs, mut bytes) = (0, 0);
        for sign in world.all_recorded().filter(is_sign) {
            signs += 1;
            bytes += sign.len();
        }
        // What each sends is what each gets.
        let each = bytes / 200 / 10;
        assert!(
            (10..200).contains(&each),
            "seed {seed}: {signs} signs, {each} bytes a second"
        );
    }
}
