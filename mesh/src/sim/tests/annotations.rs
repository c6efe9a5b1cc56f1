//! What people say of messages: the same view with everybody, whatever came first and whoever was away.

use std::collections::BTreeMap;

use shared::{MessageId, PeerId};

use crate::{
    model::{Annotation, Event, Says, Timestamp},
    sim::world::{Who, World, seconds, seeds},
};

const EMOJI: [&[&str]; 4] = [&[], &["👍"], &["🎉", "👍"], &["❤️"]];

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
        let mut world = World::new(seed);
        world.disks = true;
        let mut who: Vec<_> = (0..8).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
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
