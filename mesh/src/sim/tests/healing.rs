//! Crashes, lost paths, servers that go and come back, reloads, sleep.

use crate::{
    config::SUSPECT,
    model::{Alert, Obstacle, PersonState, ServerState},
};
use shared::signal::Refusal;

use crate::sim::world::{World, millis, seconds, seeds};

use PersonState::{Away, Gone, Here, Left, Reconnecting};

#[test]
fn who_leaves_is_shown_as_left_at_once_and_not_sought() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &who);
        let made = world.connections_made();
        world.say(who[0], "bye");
        world.leave(who[0]);
        // Acknowledged: sooner than the time that is given for it.
        world.run_until(millis(450), "left", |world| world.has_left(who[0]));
        world.run_until(millis(200), "seen", |world| {
            who[1..].iter().all(|other| world.state(*other, who[0]) == Some(Left))
        });
        assert!(who[1..].iter().all(|other| world.has_heard(*other, "bye")));
        world.run_for(seconds(60));
        assert!(who[1..].iter().all(|other| world.state(*other, who[0]) == Some(Left)));
        assert_eq!(world.connections_made(), made);
        // And comes back.
        world.kill(who[0]);
        world.restart(who[0]);
        world.run_until_linked(seconds(5), &who);
    }
}

#[test]
fn leaving_while_links_are_made_ends_everything() {
    for after in (0..900).step_by(15) {
        let mut world = World::new(after);
        let (low, high) = world.add_pair();
        world.run_for(millis(after));
        let leaver = if world.draw(2) == 0 { low } else { high };
        let stayer = low + high - leaver;
        world.leave(leaver);
        world.run_until(millis(600), "left", |world| world.has_left(leaver));
        let outputs = world.machines[leaver].outputs;
        // Whoever was wanted a minute ago may just be tried for the last time.
        world.run_for(seconds(70));
        assert_eq!(world.machines[leaver].outputs, outputs);
        assert!(
            matches!(world.state(stayer, leaver), None | Some(Left)),
            "{:?}",
            world.state(stayer, leaver)
        );
        world.run_for(seconds(120));
        assert!(matches!(world.state(stayer, leaver), None | Some(Away)));
    }
}

#[test]
fn a_dead_peer_is_suspected_within_ten_seconds_then_gone_and_blamed_on_no_firewall() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &who);
        let wait = world.draw(5_000);
        world.run_for(millis(wait));
        let start = world.millis();
        world.kill(who[0]);
        world.run_until(seconds(10), "noticed", |world| {
            who[1..].iter().all(|other| world.state(*other, who[0]) != Some(Here))
        });
        world.run_until(SUSPECT + seconds(1), "gone", |world| {
            who[1..].iter().all(|other| world.state(*other, who[0]) == Some(Gone))
        });
        for other in &who[1..] {
            // Here through others, as far as is known at first.
            assert_eq!(world.states_since(*other, who[0], start), [Here, Reconnecting, Gone]);
        }
        world.run_for(seconds(300));
        for other in &who[1..] {
            assert_eq!(world.state(*other, who[0]), Some(Away));
            assert_eq!(world.alerts(*other), []);
        }
        assert!(world.linked(who[1], who[2]));
    }
}

#[test]
fn a_closed_tab_is_reconnecting_then_gone() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        world.run_for(seconds(20));
        let start = world.millis();
        world.close_tab(high);
        world.run_until(seconds(10), "gone", |world| world.state(low, high) == Some(Gone));
        // Here through others, as far as is known at first.
        assert_eq!(world.states_since(low, high, start), [Here, Reconnecting, Gone]);
    }
}

#[test]
fn a_link_that_dies_silently_is_noticed_in_time_and_made_again() {
    for seed in seeds() {
        for blocked in [false, true] {
            let mut world = World::new(seed);
            let (low, high) = world.add_pair();
            world.run_until_linked(seconds(3), &[low, high]);
            world.run_for(seconds(20));
            world.clog(low, high);
            if blocked {
                world.block(low, high);
            }
            world.run_until(seconds(10), "noticed", |world| {
                [(low, high), (high, low)]
                    .iter()
                    .any(|(who, of)| matches!(world.state(*who, *of), Some(Reconnecting | Gone)))
            });
            if blocked {
                world.run_until(SUSPECT + seconds(5), "gone", |world| {
                    world.state(low, high) == Some(Gone) && world.state(high, low) == Some(Gone)
                });
                // Longer than a lost peer is sought without a server's word.
                world.run_for(seconds(150));
                for (who, of) in [(low, high), (high, low)] {
                    let obstacle = Obstacle::NoStun;
                    assert_eq!(world.state(who, of), Some(PersonState::OutOfReach { obstacle }));
                }
                world.unblock(low, high);
            }
            world.run_until_linked(seconds(45), &[low, high]);
        }
    }
}

#[test]
fn a_lost_path_is_healed_on_the_same_link() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        world.run_for(seconds(20));
        for _ in 0..3 {
            let (start, made) = (world.millis(), world.connections_made());
            world.break_path(low, high);
            world.run_for(seconds(1));
            assert_eq!(
                (world.state(low, high), world.state(high, low)),
                (Some(Reconnecting), Some(Reconnecting))
            );
            world.say(low, "are you there?");
            world.run_until_linked(seconds(6), &[low, high]);
            assert_eq!(world.connections_made(), made);
            assert_eq!(world.states_since(high, low, start), [Reconnecting, Here]);
            world.run_for(seconds(2));
        }
        assert_eq!(world.heard(high).len(), 3);
    }
}

#[test]
fn a_path_that_comes_back_by_itself_needs_nothing() {
    for seed in seeds() {
        for away in [1_000, 2_600, 4_000] {
            let mut world = World::new(seed);
            let (low, high) = world.add_pair();
            world.run_until_linked(seconds(3), &[low, high]);
            world.server_down(0);
            world.run_for(seconds(1));
            for _ in 0..2 {
                world.break_path(low, high);
                world.run_for(millis(away));
                world.regain_path(low, high);
                world.run_until_linked(seconds(1), &[low, high]);
            }
            assert_eq!(world.connections_made(), 1);
        }
    }
}

#[test]
fn an_ice_restart_that_got_lost_does_not_hinder_the_next() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        // The offer is made, and the server loses it; then the path comes back by itself.
        world.tamper(0, Some(Box::new(|_, _, _| vec![])));
        world.break_path(low, high);
        world.run_for(seconds(4));
        world.regain_path(low, high);
        world.run_until_linked(seconds(1), &[low, high]);
        world.tamper(0, None);
        world.run_for(seconds(20));
        world.break_path(low, high);
        world.run_until(seconds(2), "noticed", |world| !world.linked(low, high));
        world.run_until_linked(seconds(6), &[low, high]);
        assert_eq!(world.connections_made(), 1);
    }
}

#[test]
fn a_path_lost_for_good_without_a_server_heals_when_the_server_is_back() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        world.server_down(0);
        world.break_path(low, high);
        world.run_until(seconds(10) + SUSPECT, "gone", |world| {
            world.state(low, high) == Some(Gone) && world.state(high, low) == Some(Gone)
        });
        let away = world.draw(200);
        world.run_for(seconds(away));
        world.server_up(0);
        world.run_until_linked(seconds(15), &[low, high]);
    }
}

#[test]
fn a_killed_server_ends_no_chat_and_is_registered_with_again_within_ten_seconds() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..4).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &who);
        world.server_down(0);
        world.run_for(seconds(1));
        assert!(matches!(
            world.server_state(who[0], 0),
            Some(ServerState::Waiting { .. } | ServerState::Connecting)
        ));
        for minute in 0..5 {
            world.say(who[0], &format!("{minute}"));
            world.run_for(seconds(60));
        }
        assert_eq!(world.heard(who[1]).len(), 5);
        assert!(world.all_linked(&who));
        let made = world.connections_made();
        world.server_up(0);
        world.run_until(seconds(10), "registered", |world| {
            who.iter().all(|who| world.is_registered(*who, 0))
        });
        world.run_for(seconds(30));
        assert_eq!(world.connections_made(), made);
    }
}

#[test]
fn a_server_that_drops_everyone_at_once_is_not_stormed() {
    let mut world = World::new(1);
    let ann = world.add("Ann");
    world.run_for(seconds(1));
    let before = world.requests(0);
    // It takes the hello, and dies.
    for _ in 0..600 {
        world.run_for(millis(100));
        if world.is_registered(ann, 0) {
            world.server_down(0);
            world.server_up(0);
        }
    }
    let hellos = world.requests(0) - before;
    assert!(hellos <= 20, "{hellos} in a minute");
}

#[test]
fn with_two_servers_one_may_die() {
    for seed in seeds() {
        let mut world = World::with_servers(seed, 2);
        let mut who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &who);
        let victim = u8::try_from(world.draw(2)).unwrap();
        world.server_down(victim);
        world.run_for(seconds(2));
        who.push(world.add("Late"));
        world.run_until_linked(seconds(10), &who);
        world.fail_link(who[0], who[1]);
        world.run_until_linked(seconds(10), &who);
        world.server_up(victim);
        world.run_for(seconds(20));
        assert!(world.all_linked(&who));
    }
}

#[test]
fn a_reload_takes_the_place_of_the_former_page() {
    for seed in seeds() {
        for silent in [false, true] {
            let mut world = World::new(seed);
            let (low, high) = world.add_pair();
            world.run_until_linked(seconds(3), &[low, high]);
            for (who, other) in [(low, high), (high, low), (low, high)] {
                world.run_for(seconds(20));
                let start = world.millis();
                world.say(other, "before");
                if silent {
                    world.kill(who);
                } else {
                    world.close_tab(who);
                }
                let away = world.between(50, 1_000);
                world.run_for(millis(away));
                world.restart(who);
                world.say(who, "back");
                world.run_until_linked(seconds(8), &[low, high]);
                world.run_for(seconds(5));
                world.say(other, "after");
                world.run_for(seconds(1));
                assert!(world.has_heard(who, "after"));
                let back = world.heard(other).into_iter().filter(|text| text == "back").count();
                assert!(back >= 1);
                let states = world.states_since(other, who, start);
                assert!(
                    states.iter().all(|state| [Here, Reconnecting, Gone].contains(state)) && states.len() <= 3,
                    "{states:?}"
                );
                assert_eq!(world.alerts(other), []);
            }
        }
    }
}

#[test]
fn after_an_hour_of_sleep_a_node_comes_back() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &who);
        world.sleep(who[0]);
        world.run_until(seconds(10) + SUSPECT, "gone", |world| {
            world.state(who[1], who[0]) == Some(Gone)
        });
        world.run_for(seconds(3_600));
        world.wake(who[0]);
        world.say(who[0], "good morning");
        world.run_until_linked(seconds(15), &who);
        world.run_for(seconds(1));
        world.say(who[0], "again");
        world.run_for(seconds(1));
        assert!(world.has_heard(who[1], "again"));
    }
}

#[test]
fn a_nap_is_not_noticed() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        let start = world.millis() + 1;
        for nap in [500, 2_000, 4_500] {
            world.run_for(seconds(4));
            world.sleep(low);
            world.say(high, "sleep well");
            world.run_for(millis(nap));
            world.wake(low);
        }
        world.run_for(seconds(10));
        assert_eq!(world.connections_made(), 1);
        assert_eq!(world.heard(low).len(), 3);
        assert!(world.states_since(high, low, start).iter().all(|state| *state == Here));
    }
}

#[test]
fn a_second_tab_with_the_same_identity_stops_the_first_without_a_fight() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        let identity = world.identity(high);
        let double = world.add_as(identity, "High");
        world.run_until_linked(seconds(8), &[low, double]);
        // Once its last link is gone, too.
        world.run_until(seconds(10), "superseded", |world| {
            world.alerts(high) == [Alert::Superseded]
        });
        assert_eq!(world.server_state(high, 0), Some(ServerState::Stopped));
        world.run_for(seconds(10));
        let made = world.connections_made();
        world.run_for(seconds(120));
        assert_eq!(world.connections_made(), made);
        assert!(world.linked(low, double));
        assert_ne!(world.state(high, low), Some(Here));
    }
}

#[test]
fn a_link_that_never_lasts_is_not_made_again_all_the_time() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        for _ in 0..1_200 {
            world.run_for(millis(50));
            world.fail_link(low, high);
        }
        assert!(
            world.connections_made() <= 15,
            "{} links in a minute",
            world.connections_made()
        );
        world.run_until_linked(seconds(25), &[low, high]);
    }
}

#[test]
fn a_full_room_is_said_once_and_entered_when_there_is_a_place() {
    let mut world = World::new(1);
    world.server_refuses(0, Some(Refusal::RoomFull {}));
    let (low, high) = world.add_pair();
    world.run_for(seconds(150));
    assert_eq!(world.alerts(low), [Alert::RoomFull]);
    world.server_refuses(0, None);
    world.run_until_linked(seconds(40), &[low, high]);
}

#[test]
fn the_network_coming_back_is_used_at_once() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        world.run_for(seconds(30));
        world.set_network(low, false);
        world.server_down(0);
        world.clog(low, high);
        world.run_for(seconds(60));
        world.server_up(0);
        world.set_network(low, true);
        world.run_until(seconds(1), "registered", |world| world.is_registered(low, 0));
        world.run_until_linked(seconds(15), &[low, high]);
    }
}

#[test]
fn two_halves_that_were_apart_have_everything_once_they_are_one_again() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..10).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        world.partition(who.iter().map(|who| (*who, u8::from(*who < 5))).collect());
        for number in 0..40 {
            let author = usize::try_from(world.draw(10)).unwrap();
            world.say(author, &format!("{number}"));
            world.run_for(seconds(1));
        }
        world.partition(std::collections::BTreeMap::new());
        world.run_until(seconds(60), "everything", |world| {
            who.iter().all(|one| world.shown_count(*one) == 40)
        });
        let order = world.order_of(who[0]);
        assert!(who.iter().all(|one| world.order_of(*one) == order));
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
    }
}

#[test]
fn those_left_after_most_have_crashed_find_each_other_again() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..12).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        world.run_for(seconds(5));
        for one in &who[4..] {
            world.crash(*one);
        }
        world.say(who[0], "who is left?");
        world.run_until(seconds(20), "heard", |world| {
            who[1..4].iter().all(|one| world.has_heard(*one, "who is left?"))
        });
        world.run_until(seconds(30), "the others gone", |world| {
            who[..4].iter().all(|one| world.node(*one).present() == 4)
        });
        // Attempts with the dead hold places for a while.
        world.run_until_linked(seconds(60), &who[..4]);
    }
}
