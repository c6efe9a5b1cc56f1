//! Anything at any time: what must hold holds, and once the world is whole again so is the room.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::{
    model::{Delivery, PersonState},
    sim::world::{Who, World, cases, millis, seconds, seeds_or},
};

const PEOPLE: usize = 5;

/// A world in which everything goes wrong for a while.
fn troubled(seed: u64) -> World {
    let mut world = World::with_servers(seed, 2);
    for number in 0..PEOPLE {
        world.add(&format!("P{number}"));
    }
    let mut dead = [false; PEOPLE];
    let mut asleep = [false; PEOPLE];
    for number in 0..150 {
        let pause = world.draw(1_500);
        world.run_for(millis(pause));
        let people = PEOPLE as u64;
        let (one, other) = (world.draw(people), world.draw(people));
        let (one, other) = (usize::try_from(one).unwrap(), usize::try_from(other).unwrap());
        let server = u8::try_from(world.draw(2)).unwrap();
        let awake = !dead[one] && !asleep[one];
        match world.draw(22) {
            0..=4 if awake => drop(world.try_say(one, &format!("{number}"))),
            5 | 6 if awake && one != other => drop(world.whisper(one, other, &format!("psst {number}"))),
            7 if awake => world.fail_link(one, other),
            8 => world.clog(one, other),
            9 | 10 => world.break_path(one, other),
            11 => world.regain_path(one, other),
            12 => world.block(one, other),
            13 => world.unblock(one, other),
            14 if awake => {
                world.kill(one);
                dead[one] = true;
            }
            15 if awake => {
                world.close_tab(one);
                dead[one] = true;
            }
            16 if dead[one] => {
                world.restart(one);
                dead[one] = false;
            }
            17 if awake => {
                world.sleep(one);
                asleep[one] = true;
            }
            18 if asleep[one] => {
                world.wake(one);
                asleep[one] = false;
            }
            19 => world.server_down(server),
            20 => world.server_up(server),
            21 if awake => {
                world.set_network(one, number % 2 == 0);
            }
            _ => {}
        }
    }
    for one in 0..PEOPLE {
        if dead[one] {
            world.restart(one);
        }
        if asleep[one] {
            world.wake(one);
        }
        for other in 0..one {
            world.unblock(one, other);
        }
    }
    world.server_up(0);
    world.server_up(1);
    world
}

#[test]
fn after_all_trouble_everyone_is_linked_and_heard() {
    for seed in seeds_or(1..47) {
        let mut world = troubled(seed);
        let who: Vec<_> = (0..PEOPLE).collect();
        world.run_until_linked(seconds(90), &who);
        world.run_for(seconds(20));
        assert!(world.all_linked(&who));
        let ids: Vec<_> = who.iter().map(|who| world.say(*who, &format!("I am {who}"))).collect();
        world.run_for(seconds(3));
        for (one, id) in who.iter().zip(ids) {
            let all = u32::try_from(PEOPLE - 1).unwrap();
            let everyone = Delivery::Sent {
                delivered: all,
                of: all,
            };
            assert_eq!(world.delivery(*one, id), everyone);
        }
        assert_all_is_known(&world, &who);
    }
}

#[test]
fn the_same_seed_and_calls_give_the_same_bytes() {
    for seed in [1, 2, 3] {
        let [one, other] = [0, 1].map(|_| troubled(seed).transcript());
        assert_eq!(one, other);
        assert_ne!(one, troubled(seed + 10).transcript());
    }
}

/// Whoever is alive has everything that anybody alive has, in the same order.
#[track_caller]
fn assert_all_is_known(world: &World, alive: &[Who]) {
    for id in world.said_to_all() {
        // What nobody alive has, its author took along before anybody heard it.
        let having: Vec<_> = alive.iter().filter(|who| world.was_shown(**who, &id)).collect();
        assert!(
            having.is_empty() || having.len() == alive.len(),
            "only {having:?} of {alive:?} have {id:?}"
        );
    }
    let order = world.order_of(alive[0]);
    assert!(alive.iter().all(|who| world.order_of(*who) == order));
}

/// Something that happens to a room.
#[derive(Debug, Clone)]
enum Op {
    Wait { millis: u64 },
    Say { who: Who },
    Whisper { who: Who, to: Who },
    Kill { who: Who },
    Crash { who: Who },
    CloseTab { who: Who },
    Leave { who: Who },
    Restart { who: Who },
    Sleep { who: Who },
    Wake { who: Who },
    Block { one: Who, other: Who },
    Unblock { one: Who, other: Who },
    Clog { one: Who, other: Who },
    BreakPath { one: Who, other: Who },
    FailLink { who: Who, other: Who },
    ServerDown,
    ServerUp,
    Partition { sides: u16 },
    Unite,
}

fn ops() -> impl Strategy<Value = Op> {
    let who = || 0..12_usize;
    prop_oneof![
        6 => (0..4_000_u64).prop_map(|millis| Op::Wait { millis }),
        8 => who().prop_map(|who| Op::Say { who }),
        3 => (who(), who()).prop_map(|(who, to)| Op::Whisper { who, to }),
        1 => who().prop_map(|who| Op::Kill { who }),
        1 => who().prop_map(|who| Op::Crash { who }),
        1 => who().prop_map(|who| Op::CloseTab { who }),
        1 => who().prop_map(|who| Op::Leave { who }),
        4 => who().prop_map(|who| Op::Restart { who }),
        1 => who().prop_map(|who| Op::Sleep { who }),
        1 => who().prop_map(|who| Op::Wake { who }),
        2 => (who(), who()).prop_map(|(one, other)| Op::Block { one, other }),
        2 => (who(), who()).prop_map(|(one, other)| Op::Unblock { one, other }),
        2 => (who(), who()).prop_map(|(one, other)| Op::Clog { one, other }),
        2 => (who(), who()).prop_map(|(one, other)| Op::BreakPath { one, other }),
        2 => (who(), who()).prop_map(|(who, other)| Op::FailLink { who, other }),
        1 => Just(Op::ServerDown),
        2 => Just(Op::ServerUp),
        1 => any::<u16>().prop_map(|sides| Op::Partition { sides }),
        1 => Just(Op::Unite),
    ]
}

/// What a test has to remember of the world to keep to its rules.
struct Model {
    world: World,
    people: usize,
    dead: BTreeSet<Who>,
    asleep: BTreeSet<Who>,
    said: u64,
    /// Whispers and what they said, by recipient; none may be shown to another, or twice.
    whispered: BTreeMap<String, Who>,
}

impl Model {
    fn new(people: usize, seed: u64) -> Self {
        let mut world = World::new(seed);
        for number in 0..people {
            world.add(&format!("P{number}"));
        }
        world.run_for(seconds(10));
        Self {
            world,
            people,
            dead: BTreeSet::new(),
            asleep: BTreeSet::new(),
            said: 0,
            whispered: BTreeMap::new(),
        }
    }

    fn is_awake(&self, who: Who) -> bool {
        !self.dead.contains(&who) && !self.asleep.contains(&who) && self.world.is_up(who)
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Wait { millis: pause } => self.world.run_for(millis(pause)),
            Op::Say { who } => self.say(who % self.people),
            Op::Whisper { who, to } => self.whisper(who % self.people, to % self.people),
            Op::Kill { who } => self.end(who % self.people, World::kill),
            Op::Crash { who } => self.end(who % self.people, World::crash),
            Op::CloseTab { who } => self.end(who % self.people, World::close_tab),
            Op::Leave { who } => self.end(who % self.people, |world, who| {
                world.leave(who);
                world.run_for(seconds(1));
                world.kill(who);
            }),
            Op::Restart { who } => {
                if self.dead.remove(&(who % self.people)) {
                    self.world.restart(who % self.people);
                }
            }
            Op::Sleep { who } => {
                if self.is_awake(who % self.people) {
                    self.world.sleep(who % self.people);
                    self.asleep.insert(who % self.people);
                }
            }
            Op::Wake { who } => {
                if self.asleep.remove(&(who % self.people)) {
                    self.world.wake(who % self.people);
                }
            }
            Op::Block { one, other } => self.world.block(one % self.people, other % self.people),
            Op::Unblock { one, other } => self.world.unblock(one % self.people, other % self.people),
            Op::Clog { one, other } => self.world.clog(one % self.people, other % self.people),
            Op::BreakPath { one, other } => self.world.break_path(one % self.people, other % self.people),
            Op::FailLink { who, other } => {
                if self.is_awake(who % self.people) {
                    self.world.fail_link(who % self.people, other % self.people);
                }
            }
            Op::ServerDown => self.world.server_down(0),
            Op::ServerUp => self.world.server_up(0),
            Op::Partition { sides } => {
                let side = |who: Who| (who, u8::from(sides >> who & 1 == 1));
                self.world.partition((0..self.people).map(side).collect());
            }
            Op::Unite => self.world.partition(BTreeMap::new()),
        }
    }

    fn say(&mut self, who: Who) {
        if self.is_awake(who) {
            self.said += 1;
            let _ = self.world.try_say(who, &format!("{}", self.said));
        }
    }

    fn whisper(&mut self, who: Who, to: Who) {
        if self.is_awake(who) && who != to {
            self.said += 1;
            let text = format!("psst {}", self.said);
            if self.world.whisper(who, to, &text).is_ok() {
                self.whispered.insert(text, to);
            }
        }
    }

    fn end(&mut self, who: Who, how: impl FnOnce(&mut World, Who)) {
        if self.is_awake(who) {
            how(&mut self.world, who);
            self.dead.insert(who);
        }
    }

    /// All is well again, but for those who are dead.
    fn heal(&mut self) -> Vec<Who> {
        for who in std::mem::take(&mut self.asleep) {
            self.world.wake(who);
        }
        for one in 0..self.people {
            for other in 0..one {
                self.world.unblock(one, other);
            }
        }
        self.world.partition(BTreeMap::new());
        self.world.server_up(0);
        if self.dead.len() == self.people {
            self.dead.remove(&0);
            self.world.restart(0);
        }
        (0..self.people).filter(|who| !self.dead.contains(who)).collect()
    }
}

#[test]
fn who_comes_back_before_its_goodbye_was_read_has_one_link() {
    for seed in seeds_or(0..6) {
        let mut model = Model::new(6, seed);
        for op in [Op::Sleep { who: 1 }, Op::Leave { who: 0 }, Op::Restart { who: 0 }] {
            model.apply(&op);
        }
        model.heal();
        // The world sees to it that there are never two open links between two.
        model.world.run_for(seconds(20));
    }
}

/// Who wakes up finds that a neighbor has said goodbye and is gone, and looks for others before that link has ended.
#[test]
fn who_wakes_to_a_goodbye_has_no_link_too_many() {
    let mut model = Model::new(12, 767_012);
    for op in [Op::CloseTab { who: 4 }, Op::Sleep { who: 2 }, Op::Leave { who: 5 }] {
        model.apply(&op);
    }
    model.world.run_for(millis(15_852));
    model.apply(&Op::Crash { who: 0 });
    model.world.run_for(millis(2_608));
    model.heal();
    model.world.run_for(seconds(20));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(10), max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn after_any_troubles_everyone_alive_has_everything(
        people in 6..=12_usize,
        seed in 0..1_000_000_u64,
        ops in prop::collection::vec(ops(), 1..100),
    ) {
        let mut model = Model::new(people, seed);
        for op in &ops {
            model.apply(op);
        }
        let alive = model.heal();
        model.world.run_for(seconds(20));
        let last = model.world.say(alive[0], "is everybody there?");
        let world = &mut model.world;
        world.run_until(seconds(90), "everything is with everyone, and everyone is here", |world| {
            let digest = world.node(alive[0]).log_digest();
            world.all_here(&alive)
                && alive.iter().all(|who| world.node(*who).log_digest() == digest && world.was_shown(*who, &last))
        });
        assert_all_is_known(world, &alive);
        for (text, to) in &model.whispered {
            for who in 0..people {
                let count = world.heard(who).iter().filter(|heard| *heard == text).count();
                assert!(count <= usize::from(who == *to), "{who} heard {text:?} {count} times, meant for {to}");
            }
        }
        // And whispers get through between any two.
        for (one, other) in alive.iter().zip(alive.iter().rev()).filter(|(one, other)| one != other) {
            let id = world.whisper(*one, *other, "good to see you").unwrap();
            world.run_until(seconds(10), "whispered", |world| {
                world.delivery(*one, id) == Delivery::Sent { delivered: 1, of: 1 }
            });
        }
        // Who is dead is not taken for alive.
        world.run_for(seconds(60));
        for dead in &model.dead {
            prop_assert!(alive.iter().all(|who| world.state(*who, *dead) != Some(PersonState::Here)));
        }
    }
}
