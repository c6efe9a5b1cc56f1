//! Files in small worlds: everybody who wants one gets it, whatever others do.

use shared::limits::LINKS_MAX;

use crate::{
    config::{CARRIED_PIECES_PER_SECOND, LINKS_TARGET},
    model::{Alert, Event, FileState},
    sim::world::{
        Who, World,
        files::{Content, Fraud},
        millis, seconds, seeds_or,
    },
};

/// A room whose people keep what they get, and a file that the first of them offers.
fn room_with_file(seed: u64, people: usize, pieces: usize) -> (World, Vec<Who>, Content) {
    let mut world = World::new(seed);
    world.disks = true;
    let who: Vec<_> = (0..people).map(|number| world.add(&format!("P{number}"))).collect();
    world.run_until(seconds(40), "all here", |world| world.all_here(&who));
    let file = world.make_file(pieces);
    let offer = world.offer(who[0], &file);
    world.run_until(seconds(20), "all know of it", |world| {
        who.iter().all(|who| world.was_shown(*who, &offer))
    });
    (world, who, file)
}

fn all_have(world: &World, who: &[Who], file: &Content) -> bool {
    who.iter().all(|who| world.has_whole(*who, file.info.root))
}

fn state(world: &World, who: Who, file: &Content) -> Option<FileState> {
    world.file(who, file.info.root).map(|progress| progress.state)
}

/// Nobody was taken for misbehaving but these.
fn only_these_are_blamed(world: &World, guilty: &[Who]) {
    for machine in &world.machines {
        for (_, event) in &machine.events {
            if let Event::Alert {
                alert: Alert::Misbehaving { peer },
            } = event
            {
                assert!(
                    guilty.iter().any(|who| world.id(*who) == *peer),
                    "{} blames {peer}",
                    machine.name
                );
            }
        }
    }
}

fn fast() -> std::ops::Range<u64> {
    seeds_or(1..4)
}

#[test]
fn everybody_gets_a_file_from_everybody() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 7, 16);
        for who in &who[1..] {
            world.fetch(*who, &file);
        }
        world.run_until(seconds(120), "all have it", |world| all_have(world, &who, &file));
        for who in &who {
            assert_eq!(world.pieces_of(*who, file.info.root), 16);
        }
        // The one who offered it did not send all of it to everyone.
        assert!(
            world.machines[who[0]].pieces.reads < 6 * 16,
            "{}",
            world.machines[who[0]].pieces.reads
        );
        // Little came twice.
        let needed = 6 * file.info.bytes;
        assert!(
            world.file_bytes < needed + needed / 4,
            "{} of {needed}",
            world.file_bytes
        );
        only_these_are_blamed(&world, &[]);
    }
}

#[test]
fn who_is_no_neighbor_of_a_holder_is_linked_with_it_and_let_go_afterwards() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 16, 6);
        // A holder has to have a free slot.
        if world.open_links(who[0]).len() < LINKS_MAX {
            world.fetch(who[15], &file);
            world.run_until(seconds(120), "it has it", |world| {
                world.has_whole(who[15], file.info.root)
            });
        }
        for who in &who[1..] {
            world.fetch(*who, &file);
        }
        world.run_until(seconds(240), "all have it", |world| all_have(world, &who, &file));
        world.run_for(seconds(30));
        let links: Vec<_> = who.iter().map(|who| world.open_links(*who).len()).collect();
        assert!(links.iter().all(|links| *links <= LINKS_MAX), "{links:?}");
        // Links that were made for the file are not kept for ever.
        let sum: usize = links.iter().sum();
        assert!(sum <= who.len() * (LINKS_TARGET + 2), "{links:?}");
        only_these_are_blamed(&world, &[]);
    }
}

#[test]
fn holders_come_and_go_and_everybody_gets_the_file() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 8, 24);
        for who in &who[1..] {
            world.fetch(*who, &file);
        }
        for round in 0..6 {
            world.run_for(seconds(2));
            let victim = who[1 + (round * 3) % 7];
            world.close_tab(victim);
            world.run_for(millis(500 * round as u64));
            world.restart(victim);
        }
        world.run_until(seconds(240), "all have it", |world| all_have(world, &who, &file));
        only_these_are_blamed(&world, &[]);
    }
}

#[test]
fn a_file_outlives_the_one_who_offered_it() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 5, 20);
        let root = file.info.root;
        for who in &who[1..] {
            world.fetch(*who, &file);
        }
        // Until the others have all of it together, and none has it alone.
        let together = |world: &World| {
            (0..20).all(|piece| {
                let mut others = who[1..].iter();
                others.any(|who| world.machines[*who].pieces.kept.contains_key(&(root, piece)))
            })
        };
        world.run_until(seconds(120), "together they have it", together);
        world.crash(who[0]);
        world.run_until(seconds(180), "all have it", |world| all_have(world, &who[1..], &file));
        only_these_are_blamed(&world, &[]);
    }
}

#[test]
fn without_holders_a_file_waits_and_goes_on_when_one_comes_back() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 2, 20);
        world.fetch(who[1], &file);
        world.run_until(seconds(60), "half of it", |world| {
            world.pieces_of(who[1], file.info.root) >= 10
        });
        world.close_tab(who[0]);
        world.run_until(seconds(20), "it waits", |world| {
            state(world, who[1], &file) == Some(FileState::Waiting)
        });
        world.run_for(seconds(60));
        world.restart(who[0]);
        world.run_until(seconds(120), "it has it", |world| all_have(world, &who, &file));
    }
}

#[test]
fn a_reload_costs_no_more_than_a_few_pieces() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 3, 40);
        world.fetch(who[1], &file);
        let root = file.info.root;
        world.run_until(seconds(60), "60 %", |world| world.pieces_of(who[1], root) >= 24);
        world.close_tab(who[1]);
        world.restart(who[1]);
        // By itself.
        world.run_until(seconds(120), "it has it", |world| world.has_whole(who[1], root));
        // Nothing was said at the end. At a megabyte a second, four pieces come between two times that it is stored what is here.
        let again = world.machines[who[1]].pieces.writes - 40;
        assert!(again <= 8, "{again} pieces came again");
        assert_eq!(world.pieces_of(who[1], root), 40);
    }
}

#[test]
fn frauds_cost_time_and_nothing_else() {
    for seed in fast() {
        for fraud in [Fraud::Garbage, Fraud::FalseHashes, Fraud::Silence, Fraud::Claims] {
            let (mut world, who, file) = room_with_file(seed, 6, 16);
            // They have it, or some of it, and are asked first.
            let frauds = &who[1..3];
            for who in frauds {
                world.fetch(*who, &file);
            }
            world.run_until(seconds(60), "frauds have some", |world| {
                frauds.iter().all(|who| world.pieces_of(*who, file.info.root) >= 4)
            });
            for who in frauds {
                world.defraud(*who, fraud);
            }
            let honest = [who[0], who[3], who[4], who[5]];
            for who in &honest[1..] {
                world.fetch(*who, &file);
            }
            world.run_until(seconds(300), "the honest have it", |world| {
                all_have(world, &honest, &file)
            });
            // That what is stored is right is checked with each piece.
            only_these_are_blamed(&world, frauds);
        }
    }
}

#[test]
fn frauds_alone_give_nothing_and_do_no_harm() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 3, 8);
        world.defraud(who[0], Fraud::Garbage);
        world.fetch(who[1], &file);
        world.run_for(seconds(60));
        assert_eq!(world.pieces_of(who[1], file.info.root), 0);
        assert!(!world.has_whole(who[1], file.info.root));
        // The rest of the room goes on.
        let id = world.say(who[2], "still here?");
        world.run_until(seconds(20), "it is heard", |world| world.was_shown(who[1], &id));
        only_these_are_blamed(&world, &[who[0]]);
    }
}

#[test]
fn the_chat_is_as_fast_as_ever_while_files_move() {
    for seed in fast() {
        let latency = |world: &mut World, who: &[Who]| {
            let mut worst = 0;
            for round in 0..10 {
                let id = world.say(who[round % who.len()], "hello");
                let took = world.run_until(seconds(10), "heard", |world| {
                    who.iter().all(|who| world.was_shown(*who, &id))
                });
                worst = worst.max(took.as_millis());
                world.run_for(millis(300));
            }
            worst
        };
        let (mut world, who, file) = room_with_file(seed, 5, 60);
        world.file_rate = 200;
        world.run_for(seconds(10));
        let quiet = latency(&mut world, &who);
        for who in &who[1..] {
            world.fetch(*who, &file);
        }
        world.run_for(seconds(5));
        let busy = latency(&mut world, &who);
        assert!(!all_have(&world, &who, &file), "files still move");
        // At 200 KB/s a message for files takes 87 ms, and the chat waits for one on each of a few links.
        assert!(busy <= quiet + 400, "{busy} ms instead of {quiet}");
    }
}

#[test]
fn paused_nothing_comes_and_cancelled_nothing_stays() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 3, 30);
        let root = file.info.root;
        world.fetch(who[1], &file);
        world.run_until(seconds(60), "some of it", |world| world.pieces_of(who[1], root) >= 10);
        world.pause_file(who[1], &file);
        world.run_for(seconds(1));
        let paused = world.pieces_of(who[1], root);
        world.run_for(seconds(20));
        assert_eq!(
            (world.pieces_of(who[1], root), state(&world, who[1], &file)),
            (paused, Some(FileState::Paused))
        );
        // Also over a reload; and what is here is served.
        world.close_tab(who[1]);
        world.restart(who[1]);
        world.run_for(seconds(20));
        assert_eq!(
            (world.pieces_of(who[1], root), state(&world, who[1], &file)),
            (paused, Some(FileState::Paused))
        );
        world.fetch(who[1], &file);
        world.run_until(seconds(60), "more of it", |world| {
            world.pieces_of(who[1], root) > paused
        });
        world.cancel_file(who[1], &file);
        world.run_for(seconds(5));
        assert_eq!(
            (world.pieces_of(who[1], root), state(&world, who[1], &file)),
            (0, Some(FileState::Offered))
        );
        world.close_tab(who[1]);
        world.restart(who[1]);
        world.run_for(seconds(10));
        assert_eq!(
            state(&world, who[1], &file),
            Some(FileState::Offered),
            "it is remembered"
        );
        only_these_are_blamed(&world, &[]);
    }
}

#[test]
fn a_full_disk_keeps_what_it_has_and_a_lost_piece_is_fetched_again() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 3, 12);
        let root = file.info.root;
        world.machines[who[1]].pieces.most = Some(5);
        world.fetch(who[1], &file);
        world.run_until(seconds(60), "no room", |world| {
            state(world, who[1], &file) == Some(FileState::NoRoom)
        });
        assert_eq!(world.pieces_of(who[1], root), 5);
        world.machines[who[1]].pieces.most = None;
        world.fetch(who[1], &file);
        world.run_until(seconds(60), "it has it", |world| world.has_whole(who[1], root));
        // The browser evicts some pieces of the one who offered it, and damages one.
        world.machines[who[0]].pieces.kept.retain(|(_, piece), _| piece % 3 > 0);
        world.machines[who[0]].pieces.kept.insert((root, 7), vec![0; 262_144]);
        world.fetch(who[2], &file);
        world.run_until(seconds(120), "the third has it", |world| world.has_whole(who[2], root));
        only_these_are_blamed(&world, &[]);
    }
}

#[test]
fn a_disk_that_fails_for_a_while_costs_time_and_no_piece() {
    for seed in fast() {
        let (mut world, who, file) = room_with_file(seed, 3, 8);
        let root = file.info.root;
        world.fetch(who[1], &file);
        world.run_until(seconds(60), "some of it", |world| world.pieces_of(who[1], root) >= 2);
        world.machines[who[0]].pieces.fails = true;
        world.run_until(seconds(30), "it is told", |world| {
            state(world, who[0], &file) == Some(FileState::Unreadable)
        });
        world.run_for(seconds(30));
        assert!(!world.has_whole(who[1], root));
        // Nobody else has it: a piece that was given up would be lost for good.
        world.machines[who[0]].pieces.fails = false;
        world.fetch(who[2], &file);
        world.run_until(seconds(240), "all have it", |world| all_have(world, &who, &file));
        only_these_are_blamed(&world, &[]);
    }
}

#[test]
fn two_who_cannot_connect_exchange_a_file_through_a_third_and_the_chat_is_as_fast_as_ever() {
    for seed in fast() {
        let mut world = World::new(seed);
        world.disks = true;
        let (ann, cid) = world.add_pair();
        world.block(ann, cid);
        let bob = world.add("Bob");
        let who = [ann, bob, cid];
        world.run_until(seconds(60), "all here", |world| world.all_here(&who));
        let file = world.make_file(12);
        let root = file.info.root;
        let offer = world.offer(ann, &file);
        world.run_until(seconds(20), "all know of it", |world| {
            who.iter().all(|who| world.was_shown(*who, &offer))
        });
        world.fetch(cid, &file);
        world.run_until(seconds(120), "it begins", |world| world.pieces_of(cid, root) >= 1);
        let (start, before) = (world.millis(), world.file_bytes);
        let mut worst = 0;
        while !world.has_whole(cid, root) {
            let id = world.say(ann, "hello");
            let took = world.run_until(seconds(10), "heard", |world| world.was_shown(cid, &id));
            worst = worst.max(took.as_millis());
            world.run_for(millis(300));
            assert!(world.millis() - start < 120_000, "it takes too long");
        }
        let told = world.machines[cid]
            .events
            .iter()
            .any(|(_, event)| matches!(event, Event::File { progress, .. } if progress.through == Some(world.id(bob))));
        assert!(told, "through Bob");
        // Each piece goes over two links, so many in a second and a few in the first moment.
        let seconds_taken = (world.millis() - start) / 1_000 + 3;
        let most = 2 * (seconds_taken * u64::from(CARRIED_PIECES_PER_SECOND) + 4) * 300_000;
        assert!(
            world.file_bytes - before <= most,
            "{} of {most}",
            world.file_bytes - before
        );
        assert!(worst <= 1_000, "{worst} ms");
        assert_eq!(world.pieces_of(bob, root), 0, "Bob keeps nothing");
        only_these_are_blamed(&world, &[]);
    }
}
