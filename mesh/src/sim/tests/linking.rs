//! Two and more nodes find and link each other.

use crate::{
    config::{LINKS_MIN, LINKS_TARGET},
    model::{Delivery, Invitation, InvitationError, Obstacle, PersonState},
    wire::frame::{Frame, GoodbyeReason},
};
use shared::{RoomCode, limits::LINKS_MAX};

use crate::sim::world::{World, millis, seconds, seeds};

#[test]
fn two_nodes_link_whoever_comes_first() {
    for seed in seeds() {
        for low_first in [true, false] {
            let mut world = World::new(seed);
            let mut pair = [world.new_identity(), world.new_identity()];
            pair.sort_by_key(shared::Identity::peer_id);
            if !low_first {
                pair.reverse();
            }
            let [one, other] = pair;
            let one = world.add_as(one, "One");
            world.run_for(seconds(5));
            let other = world.add_as(other, "Other");
            world.run_until_linked(seconds(3), &[one, other]);
            world.run_for(seconds(60));
            assert_eq!(world.connections_made(), 1);
            assert_eq!(world.alerts(one).len() + world.alerts(other).len(), 0);
        }
    }
}

#[test]
fn two_nodes_that_come_at_once_link_once() {
    for seed in seeds() {
        for apart in [0, 30, 100, 300, 1_200] {
            let mut world = World::new(seed);
            let low_first = world.draw(2) == 0;
            let mut pair = [world.new_identity(), world.new_identity()];
            pair.sort_by_key(shared::Identity::peer_id);
            if !low_first {
                pair.reverse();
            }
            let [one, other] = pair;
            let one = world.add_as(one, "One");
            world.run_for(millis(apart));
            let other = world.add_as(other, "Other");
            world.run_until_linked(seconds(3), &[one, other]);
            world.run_for(seconds(30));
            assert_eq!(world.connections_made(), 1);
        }
    }
}

#[test]
fn a_room_stays_open_however_many_come_one_after_the_other() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (one, other) = world.add_pair();
        world.run_until_linked(seconds(3), &[one, other]);
        for visit in 0..80 {
            let visitor = world.add("Visitor");
            world.run_until(seconds(2), &format!("visitor {visit} has both links"), |world| {
                world.linked(visitor, one) && world.linked(visitor, other)
            });
            world.leave(visitor);
            world.run_for(millis(600));
            world.kill(visitor);
        }
        assert!(world.linked(one, other));
    }
}

#[test]
fn offers_that_cross_make_one_link() {
    for seed in seeds() {
        // Both have lost each other while the server was away, and are told of each other in the same instant.
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        world.clog(low, high);
        world.run_for(seconds(10));
        let before = world.connections_made();
        world.run_until_linked(seconds(10), &[low, high]);
        world.run_for(seconds(30));
        assert!(world.connections_made() <= before + 1, "{before}");
    }
}

#[test]
fn three_nodes_link_all() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = ["Ann", "Bob", "Cleo"].map(|name| world.add(name)).into();
        world.run_until_linked(seconds(4), &who);
    }
}

#[test]
fn in_a_small_room_everyone_is_linked_with_everyone() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..=LINKS_TARGET)
            .map(|number| world.add(&format!("P{number}")))
            .collect();
        world.run_until_linked(seconds(30), &who);
        let made = world.connections_made();
        world.run_for(seconds(60));
        assert!(world.all_linked(&who));
        assert_eq!(world.connections_made(), made);
    }
}

#[test]
fn in_a_larger_room_links_are_few_and_everyone_is_here() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..16).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        world.run_for(seconds(60));
        assert!(world.all_here(&who));
        for one in &who {
            let links = world.node(*one).linked().count();
            assert!((LINKS_MIN..=LINKS_MAX).contains(&links), "{one} has {links} links");
            assert_eq!(world.node(*one).present(), who.len());
            assert_eq!(world.alerts(*one), []);
        }
        let id = world.say(who[0], "hello everyone");
        world.run_for(seconds(5));
        assert!(who[1..].iter().all(|other| world.heard(*other) == ["hello everyone"]));
        assert_eq!(world.delivery(who[0], id), Delivery::Sent { delivered: 15, of: 15 });
    }
}

#[test]
fn whoever_has_links_enough_goes_on_without_the_server_and_takes_in_who_is_lost() {
    // The links are found through the mesh: nobody needs the server once they are in.
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..12).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        world.run_for(seconds(30));
        world.server_down(0);
        // All links of one but one.
        for (_, far) in world.open_links(who[0]).into_iter().skip(1) {
            world.fail_link(who[0], far);
        }
        world.run_until(seconds(30), "links again", |world| {
            world.node(who[0]).linked().count() >= LINKS_MIN
        });
        // A neighbor that lost a link is suspected for a moment, and answers.
        world.run_until(seconds(5), "all here", |world| world.all_here(&who));
    }
}

#[test]
fn messages_typed_before_the_first_link_are_kept_and_delivered() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let ann = world.add("Ann");
        let first = world.say(ann, "first");
        world.run_for(seconds(20));
        let second = world.say(ann, "second");
        assert_eq!(world.delivery(ann, first), Delivery::Waiting);
        assert_eq!(world.delivery(ann, second), Delivery::Waiting);
        let bob = world.add("Bob");
        world.run_until(seconds(5), "heard", |world| world.heard(bob).len() == 2);
        assert_eq!(world.heard(bob), ["first", "second"]);
        world.run_for(seconds(1));
        for id in [first, second] {
            assert_eq!(world.delivery(ann, id), Delivery::Sent { delivered: 1, of: 1 });
        }
        // Whoever comes much later gets it too, and it is not counted any more.
        world.run_for(seconds(60));
        let cleo = world.add("Cleo");
        world.run_until_linked(seconds(5), &[ann, bob, cleo]);
        world.run_for(seconds(5));
        assert_eq!(world.listed(cleo), ["first", "second"]);
        assert_eq!(world.delivery(ann, first), Delivery::Sent { delivered: 1, of: 1 });
    }
}

#[test]
fn a_newcomer_who_types_at_once_reaches_everyone() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let others: Vec<_> = (0..5).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &others);
        let newcomer = world.add("Newcomer");
        let mut ids = vec![world.say(newcomer, "at once")];
        // And again, while some links are open and others are not.
        for number in 0..10 {
            world.run_for(millis(100));
            ids.push(world.say(newcomer, &format!("hello {number}")));
        }
        world.run_for(seconds(10));
        for other in &others {
            assert_eq!(world.listed(*other), world.listed(newcomer));
            assert_eq!(world.heard(*other).len(), 11);
        }
        assert_eq!(world.listed(newcomer)[0], "at once");
        for id in &ids {
            // Counted are those who were known to be here when it was said.
            let Delivery::Sent { delivered, of } = world.delivery(newcomer, *id) else {
                panic!("{:?}", world.delivery(newcomer, *id));
            };
            assert!(delivered == of && (1..=5).contains(&of), "{delivered} of {of}");
        }
        let all = Delivery::Sent { delivered: 5, of: 5 };
        assert_eq!(
            world.delivery(newcomer, ids[0]),
            all,
            "said to nobody, so whoever comes counts"
        );
        assert_eq!(world.delivery(newcomer, ids[10]), all);
    }
}

#[test]
fn a_person_is_connecting_then_here_and_nothing_in_between() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        for (who, of) in [(low, high), (high, low)] {
            assert_eq!(
                world.states_since(who, of, 0),
                [PersonState::Connecting, PersonState::Here]
            );
        }
    }
}

#[test]
fn a_newcomer_gets_all_that_was_said_also_by_those_who_left() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..4).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &who);
        for number in 0..40 {
            world.say(who[number % 4], &format!("{number}"));
            world.run_for(millis(200));
        }
        world.leave(who[0]);
        world.run_for(seconds(1));
        world.kill(who[1]);
        world.run_for(seconds(20));
        let late = world.add("Late");
        world.run_until(seconds(10), "history", |world| world.heard(late).len() == 40);
        let said: Vec<_> = (0..40).map(|number| format!("{number}")).collect();
        assert_eq!(world.listed(late), said);
        assert_eq!(world.order_of(late), world.order_of(who[2]));
    }
}

#[test]
fn two_nodes_without_a_server_link_by_hand() {
    for seed in seeds() {
        let mut world = World::with_servers(seed, 0);
        let (low, high) = world.add_pair();
        let (host, guest) = if seed % 2 == 0 { (low, high) } else { (high, low) };
        world.say(host, "welcome");
        let invitation = world.invite(host);
        world.run_for(seconds(60));
        // As a mail program may have it.
        let copied = format!(" {} \n{}\n", &invitation[..40], &invitation[40..]);
        let answer = world.answer_invitation(guest, &copied);
        world.run_for(seconds(5));
        assert_eq!(world.take_invitation(host, &answer), Ok(Invitation::Answered));
        world.run_until_linked(seconds(5), &[host, guest]);
        world.run_for(seconds(1));
        assert_eq!(world.heard(guest), ["welcome"]);
        // And a third, through whom it finds the other.
        let third = world.add("Third");
        assert!(world.invite_by_hand(guest, third));
        world.run_until_linked(seconds(20), &[host, guest, third]);
    }
}

#[test]
fn an_answer_is_good_once_and_for_the_invitation_it_answers() {
    let mut world = World::with_servers(1, 0);
    let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
    let invitation = world.invite(who[0]);
    let answers = [1, 2].map(|guest| world.answer_invitation(who[guest], &invitation));
    assert_eq!(world.take_invitation(who[0], &answers[0]), Ok(Invitation::Answered));
    for answer in &answers {
        assert_eq!(world.take_invitation(who[0], answer), Err(InvitationError::RunOut));
    }
    world.run_until_linked(seconds(5), &who[..2]);
    // Found in the mail ten minutes later.
    let invitation = world.invite(who[0]);
    let answer = world.answer_invitation(who[2], &invitation);
    world.run_for(seconds(600));
    assert_eq!(world.take_invitation(who[0], &answer), Err(InvitationError::RunOut));
}

#[test]
fn an_invitation_taken_twice_is_answered_once() {
    let mut world = World::with_servers(1, 0);
    let (low, high) = world.add_pair();
    let invitation = world.invite(low);
    let answer = world.answer_invitation(high, &invitation);
    let events = world.machines[high].events.len();
    assert_eq!(world.take_invitation(high, &invitation), Ok(Invitation::Invited));
    world.run_for(seconds(5));
    assert_eq!(world.machines[high].events.len(), events);
    world.take_invitation(low, &answer).unwrap();
    world.run_until_linked(seconds(5), &[low, high]);
    assert_eq!(world.connections_made(), 1);
}

#[test]
fn what_is_no_invitation_of_this_room_is_refused_with_a_reason() {
    let mut world = World::with_servers(1, 0);
    let [ann, bob, cleo] = ["Ann", "Bob", "Cleo"].map(|name| world.add(name));
    let invitation = world.invite(ann);
    assert_eq!(world.take_invitation(ann, &invitation), Err(InvitationError::Own));
    for nonsense in ["", "hello", "https://example.org/#room", &invitation[..100]] {
        assert_eq!(
            world.take_invitation(bob, nonsense),
            Err(InvitationError::Damaged),
            "{nonsense:?}"
        );
    }
    let cut = &invitation[..invitation.len() - 4];
    assert!(world.take_invitation(bob, cut).is_err());
    let mut elsewhere = World::with_servers(2, 0);
    elsewhere.enter(RoomCode::parse("attic").unwrap().open());
    let dora = elsewhere.add("Dora");
    let foreign = elsewhere.invite(dora);
    assert_eq!(world.take_invitation(bob, &foreign), Err(InvitationError::OtherRoom));
    // An answer is for who invited, not for another.
    let answer = world.answer_invitation(bob, &invitation);
    assert!(world.take_invitation(cleo, &answer).is_err());
    world.leave(bob);
    assert_eq!(world.take_invitation(bob, &invitation), Err(InvitationError::Left));
    assert_eq!(world.connections_made(), 0);
}

#[test]
fn the_oldest_of_too_many_invitations_is_withdrawn() {
    let mut world = World::with_servers(1, 0);
    let [host, guest] = ["Host", "Guest"].map(|name| world.add(name));
    let invitations: Vec<_> = (0..5).map(|_| world.invite(host)).collect();
    let answer = world.answer_invitation(guest, &invitations[0]);
    assert_eq!(world.take_invitation(host, &answer), Err(InvitationError::RunOut));
    let answer = world.answer_invitation(guest, &invitations[1]);
    world.take_invitation(host, &answer).unwrap();
    world.run_until_linked(seconds(5), &[host, guest]);
}

#[test]
fn who_has_as_many_links_as_it_takes_makes_a_place_for_who_comes_by_hand() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..14).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        world.server_down(0);
        for number in 0..6 {
            let guest = world.add(&format!("guest {number}"));
            world.run_for(seconds(1));
            assert!(world.invite_by_hand(who[0], guest));
            world.run_until(seconds(5), "in", |world| world.node(guest).linked().count() > 0);
        }
        let all: Vec<_> = (0..20).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&all));
    }
}

#[test]
fn tabs_of_one_browser_link_without_a_server() {
    for seed in seeds() {
        let mut world = World::with_servers(seed, 1);
        world.nearby = true;
        world.server_down(0);
        let who: Vec<_> = (0..3).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until_linked(seconds(10), &who);
        world.say(who[0], "hello");
        world.run_for(seconds(1));
        assert!(who[1..].iter().all(|other| world.heard(*other) == ["hello"]));
    }
}

#[test]
fn tabs_of_one_browser_make_no_second_link_beside_the_servers() {
    for seed in seeds() {
        let mut world = World::new(seed);
        world.nearby = true;
        let (low, high) = world.add_pair();
        world.run_until_linked(seconds(3), &[low, high]);
        world.run_for(seconds(60));
        assert_eq!(world.connections_made(), 1);
    }
}

#[test]
fn who_leaves_hands_its_neighbors_over_to_each_other() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let who: Vec<_> = (0..14).map(|number| world.add(&format!("P{number}"))).collect();
        world.run_until(seconds(30), "all here", |world| world.all_here(&who));
        world.run_for(seconds(30));
        world.record();
        let neighbors: Vec<_> = world.open_links(who[0]).into_iter().map(|(_, far)| far).collect();
        let mut ids: Vec<_> = neighbors.iter().map(|far| world.id(*far)).collect();
        ids.sort();
        world.leave(who[0]);
        for far in &neighbors {
            let frames = world.recorded(who[0], *far);
            let goodbyes: Vec<_> = frames
                .iter()
                .filter_map(|bytes| Frame::decode(&bytes[1..]).ok())
                .filter(|frame| matches!(frame, Frame::Goodbye { .. }))
                .collect();
            let expected = Frame::Goodbye {
                reason: GoodbyeReason::Leaving,
                neighbors: ids.clone(),
            };
            assert_eq!(goodbyes, [expected]);
        }
        world.server_down(0);
        world.run_until(seconds(20), "links again", |world| {
            who[1..]
                .iter()
                .all(|one| world.node(*one).linked().count() >= LINKS_MIN)
        });
        assert!(world.all_here(&who[1..]));
    }
}

#[test]
fn two_who_cannot_link_are_out_of_reach_until_somebody_reaches_both() {
    for seed in seeds() {
        let mut world = World::new(seed);
        let (low, high) = world.add_pair();
        world.block(low, high);
        let obstacle = Obstacle::NoStun;
        let are = |world: &World, state| world.state(low, high) == Some(state) && world.state(high, low) == Some(state);
        world.run_until(seconds(12), "told", |world| {
            are(world, PersonState::OutOfReach { obstacle })
        });
        world.run_for(seconds(100));
        assert!(
            are(&world, PersonState::OutOfReach { obstacle }),
            "for as long as it lasts"
        );
        world.add("Third");
        world.run_until(seconds(10), "here", |world| are(world, PersonState::Here));
        let start = world.millis();
        world.run_for(seconds(120));
        for (who, of) in [(low, high), (high, low)] {
            let states = world.states_since(who, of, start);
            assert!(states.iter().all(|state| *state == PersonState::Here), "{states:?}");
        }
    }
}
