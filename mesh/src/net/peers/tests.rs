use super::{
    super::session::{Certificates, Role, Session},
    test::{Rig, above},
    *,
};
use crate::{config::EXPLAIN_AFTER, context::test::peer};

#[test]
fn a_peer_takes_one_slot_for_its_link_and_its_attempt_and_none_for_a_link_that_was_released() {
    let mut rig = Rig::new();
    rig.want(peer(2));
    assert_eq!(rig.peers.slots_used(), 0);
    rig.link(peer(2), Role::Offerer);
    rig.attempt(peer(2), Role::Offerer);
    assert_eq!(rig.peers.slots_used(), 1);
    rig.attempt(peer(3), Role::Offerer);
    assert_eq!(rig.peers.slots_used(), 2);
    rig.peers.get_mut(&peer(2)).unwrap().end_attempt();
    rig.peers.get_mut(&peer(2)).unwrap().release();
    assert_eq!(rig.peers.slots_used(), 1);
}

#[test]
fn with_all_slots_used_only_their_peers_have_one() {
    let mut rig = Rig::new();
    for number in 2..=LINKS_MAX {
        rig.link(peer(u8::try_from(number).unwrap()), Role::Offerer);
    }
    assert!(rig.peers.has_slot_for(&peer(100)), "one slot is left");
    rig.attempt(peer(99), Role::Offerer);
    assert!(!rig.peers.has_slot_for(&peer(100)));
    assert!(rig.peers.has_slot_for(&peer(2)) && rig.peers.has_slot_for(&peer(99)));
}

/// As many contacts as there may be, each wanted a little longer than the one before.
fn full() -> (Rig, Vec<PeerId>) {
    let mut rig = Rig::new();
    let people: Vec<_> = (0..CONTACTS_MAX)
        .map(|number| peer(u8::try_from(number + 2).unwrap()))
        .collect();
    for person in &people {
        rig.want(*person);
        rig.cx.wait(1);
    }
    (rig, people)
}

#[test]
fn the_longest_unwanted_makes_room_but_never_one_with_an_attempt_or_a_link() {
    let (mut rig, people) = full();
    for place in [0, 1, 2] {
        rig.peers.get_mut(&people[place]).unwrap().want(Instant::default());
    }
    let (attempt, link) = (rig.peers.next_link(), rig.peers.next_link());
    for (place, id) in [(0, attempt), (1, link)] {
        let session = Session::agreed(
            &rig.cx,
            Role::Offerer,
            SessionId::from_bytes([1; 16]),
            id,
            Certificates::default(),
        );
        rig.peers.get_mut(&people[place]).unwrap().begin(session);
    }
    // A link that lingers after its goodbye is still a link.
    rig.peers
        .open(&people[1], Link::new(link, people[1], rig.cx.instant(), &rig.cx.timing));
    rig.peers.get_mut(&people[1]).unwrap().release();
    rig.want(peer(200));
    rig.want(peer(201));
    let gone: Vec<_> = people.iter().filter(|person| rig.peers.get(person).is_none()).collect();
    assert_eq!(gone, [&people[2], &people[3]]);
    assert_eq!(rig.peers.iter().count(), CONTACTS_MAX);
    assert_eq!(rig.peers.link(link).map(Link::peer), Some(people[1]));
}

#[test]
fn who_makes_room_while_something_stands_in_their_way_is_named_once() {
    let (mut rig, people) = full();
    rig.attempt(people[0], Role::Offerer);
    let explained = rig.cx.instant() + EXPLAIN_AFTER;
    let contact = rig.peers.get_mut(&people[0]).unwrap();
    assert!(contact.explain(explained));
    contact.end_attempt();
    contact.want(Instant::default());
    rig.peers.get_mut(&people[1]).unwrap().want(Instant::default());
    rig.want(peer(200));
    rig.want(peer(201));
    assert_eq!(rig.peers.take_displaced(), [people[0]]);
    assert_eq!(rig.peers.take_displaced(), []);
}

#[test]
fn where_everybody_has_an_attempt_nobody_else_is_taken_in() {
    let (mut rig, people) = full();
    for person in &people {
        rig.attempt(*person, Role::Offerer);
    }
    assert!(rig.peers.want(&rig.cx, peer(200), None).is_none());
    assert!(
        rig.peers.want(&rig.cx, people[0], None).is_some(),
        "who is known already"
    );
}

#[test]
fn a_peer_is_wanted_anew_each_time_and_keeps_its_carrier_unless_another_is_named() {
    let mut rig = Rig::new();
    assert_eq!(rig.want(peer(2)).via(), None);
    rig.peers.want(&rig.cx, peer(2), Some(Via::Mesh));
    rig.cx.wait(1_000);
    let wanted_until = rig.cx.instant() + rig.cx.timing.session_retry_for;
    let contact = rig.want(peer(2));
    assert_eq!((contact.via(), contact.wanted_until()), (Some(Via::Mesh), wanted_until));
    assert_eq!(rig.peers.iter().count(), 1);
}

#[test]
fn links_come_in_the_order_of_their_ids_and_are_usable_from_hello_to_goodbye() {
    let mut rig = Rig::new();
    let mut people = above(3);
    people.reverse();
    let ids: Vec<_> = people.iter().map(|person| rig.link(*person, Role::Offerer)).collect();
    assert_eq!(ids, [LinkId(1), LinkId(2), LinkId(3)]);
    assert_eq!(rig.peers.links().map(Link::peer).collect::<Vec<_>>(), people);
    let (now, timing) = (rig.cx.instant(), rig.cx.timing.clone());
    rig.peers.link_mut(LinkId(2)).unwrap().begin_closing(now, &timing);
    assert_eq!(
        rig.peers.usable_links().map(Link::id).collect::<Vec<_>>(),
        [LinkId(1), LinkId(3)]
    );
    assert_eq!(rig.peers.links().count(), 3);
}

#[test]
fn an_opened_link_replaces_the_one_before() {
    let mut rig = Rig::new();
    let older = rig.link(peer(2), Role::Offerer);
    let newer = rig.attempt(peer(2), Role::Offerer);
    let link = Link::new(newer, peer(2), rig.cx.instant(), &rig.cx.timing);
    let closed = rig.peers.open(&peer(2), link).unwrap();
    assert_eq!((closed.link.id(), closed.was_in_use), (older, true));
    assert_eq!(rig.peers.links().map(Link::id).collect::<Vec<_>>(), [newer]);
    assert!(rig.peers.link(older).is_none() && rig.peers.close(older).is_none());
}

#[test]
fn a_closed_link_is_unknown_and_its_id_is_never_used_again() {
    let mut rig = Rig::new();
    let link = rig.link(peer(2), Role::Offerer);
    assert_eq!(
        rig.peers.session_of(link),
        Some((peer(2), SessionId::from_bytes([9; 16])))
    );
    assert!(rig.peers.close(link).is_some_and(|closed| closed.was_in_use));
    assert!(rig.peers.close(link).is_none());
    assert!(rig.peers.link(link).is_none() && rig.peers.link_mut(link).is_none());
    assert_eq!((rig.peers.session_of(link), rig.peers.slots_used()), (None, 0));
    assert_eq!(rig.link(peer(2), Role::Offerer), LinkId(link.0 + 1));
}

#[test]
fn the_earliest_attempt_or_wait_is_what_is_due_first() {
    let mut rig = Rig::new();
    assert_eq!(rig.peers.poll_timeout(), None);
    let now = rig.cx.instant();
    rig.attempt(peer(2), Role::Offerer);
    let (explain, deadline) = (now + EXPLAIN_AFTER, now + rig.cx.timing.session_timeout);
    assert_eq!(rig.peers.poll_timeout(), Some(explain));
    rig.peers.get_mut(&peer(2)).unwrap().explain(explain);
    assert_eq!(rig.peers.poll_timeout(), Some(deadline));
    let sooner = now + rig.cx.timing.session_retry_min;
    rig.want(peer(3)).rest_until(sooner);
    assert_eq!(rig.peers.poll_timeout(), Some(sooner));
    assert_eq!(rig.peers.due(now), []);
    assert_eq!(rig.peers.due(sooner), [peer(3)]);
    let mut both = [peer(2), peer(3)];
    both.sort();
    assert_eq!(rig.peers.due(deadline), both);
}

#[test]
fn the_oldest_attempt_that_nobody_answered_is_found() {
    let mut rig = Rig::new();
    rig.attempt(peer(2), Role::Offerer);
    assert_eq!((rig.peers.oldest_unanswered(), rig.peers.agreed()), (None, 1));
    for person in [peer(4), peer(3)] {
        rig.cx.wait(1);
        let link = rig.peers.next_link();
        let id = SessionId::from_bytes([1; 16]);
        let session = Session::start(&rig.cx, id, link, vec![], false, &mut Vec::new());
        rig.want(person).begin(session);
    }
    assert_eq!((rig.peers.oldest_unanswered(), rig.peers.agreed()), (Some(peer(4)), 1));
}

#[test]
fn a_peer_counts_as_wanted_with_a_slot_or_for_its_time_unless_it_is_shunned() {
    let mut rig = Rig::new();
    rig.link(peer(2), Role::Offerer);
    rig.want(peer(3));
    let now = rig.cx.instant();
    let later = now + rig.cx.timing.session_retry_for;
    rig.want(peer(4)).shun(later);
    assert_eq!((rig.peers.wanted(now), rig.peers.wanted(later)), (2, 1));
}
