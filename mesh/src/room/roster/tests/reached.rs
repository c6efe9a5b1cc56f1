//! Who counts as here: whoever is named, over however many steps, by somebody we are linked with.

use super::*;

/// The short ids of the people with these numbers.
fn shorts(people: &[u8]) -> Vec<ShortId> {
    let short = |byte: &u8| ShortId::of_peer(&identity(*byte).peer_id());
    people.iter().map(short).collect()
}

/// Hears somebody's beacon that names these neighbors.
fn hears(roster: &mut Roster, now: Instant, who: u8, stamp: u64, neighbors: &[u8]) -> Vec<Event> {
    let beacon = Beacon {
        neighbors: shorts(neighbors),
        ..crate::room::rig::beacon(who, stamp)
    };
    let mut out = Vec::new();
    roster.on_beacon(now, &Record::sign(&identity(who), &room(), beacon), &mut out);
    out
}

/// Who is shown as here, in the order of coming.
fn who_is_here(roster: &Roster) -> Vec<PeerId> {
    let people = roster.people();
    let here = people.filter(|person| person.state == PersonState::Here);
    here.map(|person| person.peer).collect()
}

fn ids(people: &[u8]) -> Vec<PeerId> {
    people.iter().map(|byte| identity(*byte).peer_id()).collect()
}

/// Linked with 1, who names 2, who names 3.
fn chain() -> Roster {
    let mut roster = Roster::new([1; 32]);
    roster.set_link(at(0), identity(1).peer_id(), LinkState::Up, &mut Vec::new());
    hears(&mut roster, at(0), 3, 5, &[2]);
    hears(&mut roster, at(0), 2, 5, &[1, 3]);
    hears(&mut roster, at(0), 1, 5, &[2]);
    roster
}

#[test]
fn who_is_named_by_those_who_are_here_is_here_in_whatever_order_the_beacons_come() {
    let roster = chain();
    let mut here = who_is_here(&roster);
    here.sort();
    let mut all = ids(&[1, 2, 3]);
    all.sort();
    assert_eq!((here, roster.present()), (all, 3));
}

#[test]
fn the_shortest_way_counts() {
    let mut roster = chain();
    let hops = |roster: &Roster| roster.people.get(&identity(3).peer_id()).and_then(|entry| entry.hops);
    assert_eq!(hops(&roster), Some(3));
    hears(&mut roster, at(1), 1, 6, &[2, 3]);
    assert_eq!(hops(&roster), Some(2));
}

#[test]
fn made_up_people_who_name_each_other_and_us_are_nowhere() {
    let mut roster = chain();
    for ghost in 10..20 {
        let out = hears(&mut roster, at(1), ghost, 5, &[1, 2, 3, ghost + 1, ghost - 1]);
        assert_eq!(out, []);
    }
    assert_eq!((roster.present(), roster.candidates()), (3, 3));
    assert_eq!(roster.take_arrivals().len(), 3);
    assert_eq!(roster.state(&identity(10).peer_id()), None);
}

#[test]
fn those_behind_somebody_who_is_gone_are_reconnecting_and_then_gone_but_worth_an_attempt() {
    let timing = Timing::default();
    let (mut roster, mut out) = (chain(), Vec::new());
    roster.set_link(at(1), identity(4).peer_id(), LinkState::Up, &mut out);
    out.clear();
    // 1 says that it has no link with 2 any more.
    hears(&mut roster, at(1), 1, 6, &[]);
    assert_eq!(roster.present(), 3);
    roster.handle_timeout(at(1) + REACH_SETTLE, timing.gone_listed, &mut out);
    assert_eq!(states(&out), [PersonState::Reconnecting, PersonState::Reconnecting]);
    roster.handle_timeout(at(1) + REACH_SETTLE + CUT_OFF, timing.gone_listed, &mut out);
    assert_eq!((roster.present(), roster.candidates()), (1, 3));
    // Another way is found.
    out.clear();
    hears(&mut roster, at(5), 4, 5, &[3]);
    hears(&mut roster, at(6), 3, 6, &[2, 4]);
    let mut here = who_is_here(&roster);
    here.sort();
    let mut all = ids(&[1, 2, 3, 4]);
    all.sort();
    assert_eq!(here, all);
}

#[test]
fn without_any_link_nobody_is_given_up() {
    let timing = Timing::default();
    let (mut roster, mut out) = (chain(), Vec::new());
    roster.set_link(at(1), identity(1).peer_id(), LinkState::None, &mut out);
    roster.handle_timeout(at(20), timing.gone_listed, &mut out);
    assert_eq!(roster.present(), 3);
}

#[test]
fn a_loss_is_believed_only_of_whom_the_lost_one_names_as_a_neighbor() {
    let (mut roster, mut out) = (chain(), Vec::new());
    let lost = Lost {
        peer: shorts(&[3])[0],
        stamp: 5,
    };
    let [stranger, neighbor] = [9, 2].map(|byte| identity(byte).peer_id());
    roster.on_lost(at(1), &peer(0), &stranger, &[lost], &mut out);
    assert_eq!(out, []);
    roster.on_lost(at(1), &peer(0), &neighbor, &[lost], &mut out);
    assert_eq!(states(&out), [PersonState::Reconnecting]);
}

#[test]
fn a_full_list_has_places_for_those_who_are_nearer() {
    let mut roster = chain();
    let met = |number: usize| {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        PeerId::from_bytes(bytes)
    };
    for number in roster.people.len()..PEOPLE_MAX {
        let mut listed = Listed::new(at(0), met(number), LinkState::None);
        (listed.known, listed.hops, listed.person.name) = (true, Some(6), Some("Ghost".into()));
        listed.beacon = Some(beacon(9, 1));
        listed.overdue = at(100);
        listed.refresh(at(0), &mut roster.summary, &mut Vec::new());
        roster.people.insert(met(number), listed);
    }
    hears(&mut roster, at(1), 2, 6, &[1, 3, 30]);
    hears(&mut roster, at(1), 30, 5, &[2]);
    assert_eq!(roster.state(&identity(30).peer_id()), Some(PersonState::Here));
    assert_eq!(roster.people.len(), PEOPLE_MAX);
    // Also if it is named a moment later: whom nobody names has one of a few places beyond, for a while.
    for number in 100..=200 {
        hears(&mut roster, at(0), number, 5, &[1]);
    }
    assert_eq!(roster.people.len(), PEOPLE_MAX + SAID_MAX);
    hears(&mut roster, at(1), 31, 5, &[2]);
    assert_eq!(roster.state(&identity(31).peer_id()), None);
    hears(&mut roster, at(1), 2, 7, &[1, 3, 30, 31]);
    assert_eq!(roster.state(&identity(31).peer_id()), Some(PersonState::Here));
    assert_eq!(
        roster
            .people()
            .filter(|person| ids(&[1, 2, 3]).contains(&person.peer))
            .count(),
        3
    );
}
