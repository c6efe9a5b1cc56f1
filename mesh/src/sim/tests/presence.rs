//! Who counts as here: not whom members make up, and not who has just gone, however many go at once.

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{Identity, limits::LINKS_MAX};

use crate::{
    config::PEOPLE_MAX,
    model::{Alert, Delivery, PersonState},
    sim::world::{Who, World, millis, seconds, seeds_or},
    wire::{
        fragment::Fragments,
        frame::Frame,
        id::ShortId,
        record::{Beacon, Record},
    },
};

/// As many made-up people as a list has places, and some more.
const GHOSTS: usize = PEOPLE_MAX + 52;

/// A beacon that names these neighbors.
fn beacon(name: &str, stamp: u64, neighbors: Vec<ShortId>) -> Beacon {
    Beacon {
        interval_millis: u32::MAX,
        neighbors,
        on_server: true,
        ..Beacon::plain(name, stamp)
    }
}

fn short(identity: &Identity) -> ShortId {
    ShortId::of_peer(&identity.peer_id())
}

/// Hands a beacon that `identity` signs to all neighbors of `from`.
fn hand(world: &mut World, from: Who, identity: &Identity, beacon: Beacon) {
    let record = Record::sign(identity, &world.room(), beacon);
    let frame = Frame::Beacon {
        hops: 1,
        tree: short(identity),
        wire: record.wire.as_slice().into(),
    };
    for (_, to) in world.open_links(from) {
        for fragment in Fragments::of(&frame).iter() {
            world.inject_fragment(from, to, fragment.to_vec());
        }
    }
}

fn ghosts() -> Vec<Identity> {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    (0..GHOSTS).map(|_| Identity::generate(&mut rng)).collect()
}

/// A room of so many, the last of whom is to misbehave, and the others.
fn room_of(people: usize, seed: u64) -> (World, Who, Vec<Who>) {
    let mut world = World::new(seed);
    let mut who: Vec<_> = (0..people).map(|number| world.add(&format!("P{number}"))).collect();
    world.run_until(seconds(40), "all here", |world| world.all_here(&who));
    let mallory = who.pop().expect("some were added");
    (world, mallory, who)
}

/// A newcomer is listed by all, hears all and can be whispered to within `limit` seconds.
fn a_newcomer_is_met(world: &mut World, honest: &[Who], limit: u64) {
    let newcomer = world.add("Newcomer");
    world.run_until(seconds(limit), "a newcomer is listed", |world| {
        let mut honest = honest.iter();
        honest.all(|who| world.state(*who, newcomer) == Some(PersonState::Here))
    });
    let id = world.whisper(honest[0], newcomer, "welcome").unwrap();
    world.run_until(seconds(3), "whispered", |world| {
        world.delivery(honest[0], id) == Delivery::Sent { delivered: 1, of: 1 }
    });
    let id = world.say(honest[1], "everybody, meet the newcomer");
    world.run_until(seconds(5), "heard", |world| world.was_shown(newcomer, &id));
    world.kill(newcomer);
    world.run_for(seconds(20));
}

/// So many of `among` that are linked with each other, one by the next: without a server others could not find together again.
fn connected(world: &World, first: Who, among: &[Who], count: usize) -> Vec<Who> {
    let mut found = vec![first];
    for place in 0..count {
        for (_, next) in world.open_links(found[place]) {
            if found.len() < count && among.contains(&next) && !found.contains(&next) {
                found.push(next);
            }
        }
    }
    found
}

/// Nobody is taken for misbehaving who is not.
fn nobody_is_denounced(world: &World, honest: &[Who]) {
    for who in honest {
        let denounced = |alert: &&Alert| match alert {
            Alert::Misbehaving { peer } => honest.iter().any(|other| world.id(*other) == *peer),
            _ => false,
        };
        assert_eq!(world.alerts(*who).iter().find(denounced), None);
    }
}

#[test]
fn people_that_nobody_is_linked_with_are_nowhere_and_cost_no_delivery() {
    for seed in seeds_or(0..2) {
        let (mut world, mallory, honest) = room_of(20, seed);
        let ghosts = ghosts();
        for some in ghosts.chunks(105) {
            for ghost in some {
                // They name who is really there, and each other.
                let neighbors = (0..4).map(|who| ShortId::of_peer(&world.id(who)));
                let neighbors = neighbors.chain(ghosts[..4].iter().map(short)).collect();
                hand(&mut world, mallory, ghost, beacon("Ghost", 5, neighbors));
            }
            world.run_for(millis(100));
        }
        world.run_for(seconds(3));
        for who in &honest {
            assert_eq!(world.node(*who).present(), 20);
        }
        let id = world.say(honest[0], "who is there?");
        world.run_until(seconds(5), "delivered", |world| {
            world.delivery(honest[0], id) == Delivery::Sent { delivered: 19, of: 19 }
        });
        a_newcomer_is_met(&mut world, &honest, 3);
        // They are in nobody's way when the room heals.
        world.server_down(0);
        let left = connected(&world, honest[0], &honest, 8);
        for who in honest.iter().filter(|who| !left.contains(who)) {
            world.crash(*who);
        }
        let id = world.say(left[0], "and now?");
        world.run_until(seconds(20), "healed", |world| {
            left.iter().all(|who| world.was_shown(*who, &id))
        });
        nobody_is_denounced(&world, &left);
    }
}

#[test]
fn a_tree_of_made_up_people_leaves_places_for_newcomers() {
    for seed in seeds_or(0..2) {
        let (mut world, mallory, honest) = room_of(20, seed);
        let ghosts = ghosts();
        let named = |number: usize| -> Vec<ShortId> {
            let children = (number * 7 + 1..)
                .take(7)
                .filter_map(|child| ghosts.get(child))
                .map(short);
            let parent = number.checked_sub(1).map(|below| short(&ghosts[below / 7]));
            children.chain(parent).collect()
        };
        let mallorys = world.identity(mallory);
        let mut rooted = vec![short(&ghosts[0])];
        let honest_neighbors = world.open_links(mallory).into_iter().take(LINKS_MAX - 1);
        rooted.extend(honest_neighbors.map(|(_, who)| ShortId::of_peer(&world.id(who))));
        for (number, ghost) in ghosts.iter().enumerate() {
            hand(&mut world, mallory, ghost, beacon("Ghost", 5, named(number)));
            if number % 105 == 0 {
                let stamp = 2_000_000_000_000 + u64::try_from(number).unwrap();
                hand(&mut world, mallory, &mallorys, beacon("Mallory", stamp, rooted.clone()));
                world.run_for(millis(100));
            }
        }
        world.run_for(seconds(3));
        // As many weigh as one person's share, and no more.
        let id = world.say(honest[0], "do you hear me?");
        let delivery = |world: &World| world.delivery(honest[0], id);
        let most = u32::try_from(19 + LINKS_MAX).unwrap();
        assert!(matches!(delivery(&world), Delivery::Sent { of, .. } if (19..=most).contains(&of)));
        world.run_until(seconds(10), "delivered to all who are there", |world| {
            matches!(delivery(world), Delivery::Sent { delivered: 19, .. })
        });
        // Whoever is made up costs few connections.
        let made = world.connections_made();
        world.run_for(seconds(60));
        let made = world.connections_made() - made;
        assert!(made < 20, "{made}");
        a_newcomer_is_met(&mut world, &honest, 5);
        for (one, other) in honest.iter().zip(&honest[1..]) {
            assert_eq!(world.state(*one, *other), Some(PersonState::Here));
        }
        nobody_is_denounced(&world, &honest);
    }
}

/// Half of a room goes within a second in this way: those left show exactly those left as here within `limit` seconds.
fn half_goes(people: usize, seed: u64, limit: u64, how: impl Fn(&mut World, Who)) {
    let mut world = World::new(seed);
    let who: Vec<_> = (0..people).map(|number| world.add(&format!("P{number}"))).collect();
    world.run_until(seconds(40), "all here", |world| world.all_here(&who));
    world.run_for(seconds(30));
    let (gone, left) = who.split_at(people / 2);
    for one in gone {
        how(&mut world, *one);
        world.run_for(millis(1_000 / u64::try_from(people).unwrap()));
    }
    world.run_until(seconds(limit), "those left count right", |world| {
        let here = |one: Who, other: Who| world.state(one, other) == Some(PersonState::Here);
        let right = |one: &Who| {
            left.iter().all(|other| one == other || here(*one, *other)) && !gone.iter().any(|other| here(*one, *other))
        };
        left.iter().all(right)
    });
}

#[test]
fn after_half_of_the_room_crashed_the_others_count_right() {
    for seed in seeds_or(0..4) {
        half_goes(20, seed, 12, World::crash);
        half_goes(50, seed, 12, World::crash);
    }
}

#[test]
fn after_half_of_the_room_closed_its_tabs_the_others_count_right() {
    for seed in seeds_or(0..4) {
        half_goes(20, seed, 12, World::close_tab);
        half_goes(50, seed, 12, World::close_tab);
    }
}

#[test]
fn after_half_of_the_room_left_the_others_count_right() {
    for seed in seeds_or(0..4) {
        half_goes(20, seed, 4, World::leave);
        half_goes(50, seed, 4, World::leave);
    }
}
