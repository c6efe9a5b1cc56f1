mod reached;

use std::time::Duration;

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{Room, RoomCode};

use super::*;
use crate::{
    config::{AWAY_MAX, CUT_OFF, KNOWN_NAMES_MAX, PEOPLE_MAX, REACH_SETTLE, SAID_MAX, Timing},
    context::test::identity,
    model::Alert,
};

fn peer(byte: u8) -> PeerId {
    PeerId::from_bytes([byte; 32])
}

fn room() -> Room {
    RoomCode::parse("lobby").unwrap().open()
}

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn beacon(who: u8, stamp: u64) -> Rc<Record<Beacon>> {
    beacon_with(who, stamp, false)
}

fn beacon_with(who: u8, stamp: u64, leaving: bool) -> Rc<Record<Beacon>> {
    let beacon = Beacon {
        leaving,
        neighbors: vec![ShortId::of_peer(&accuser())],
        ..crate::room::rig::beacon(who, stamp)
    };
    Record::sign(&identity(who), &room(), beacon)
}

/// Whom every beacon names as a neighbor.
fn accuser() -> PeerId {
    identity(9).peer_id()
}

/// Knows four people, who are reached.
fn met() -> Roster {
    let mut roster = Roster::new([1; 32]);
    for byte in 1..=4 {
        let peer = identity(byte).peer_id();
        let mut listed = Listed::new(at(0), peer, LinkState::None);
        (listed.known, listed.hops) = (true, Some(2));
        roster.people.insert(peer, listed);
    }
    roster
}

/// How long a beacon of [`beacon`] counts.
fn believed() -> Duration {
    patience(10_000)
}

fn here(roster: &mut Roster, who: PeerId, name: &str) -> Vec<Event> {
    let mut out = Vec::new();
    roster.set_link(at(0), who, LinkState::Up, &mut out);
    roster.set_name(who, name, &mut out);
    out
}

/// The states shown of one person, in order.
fn states(events: &[Event]) -> Vec<PersonState> {
    let state = |event: &Event| {
        if let Event::Person { person } = event {
            Some(person.state)
        } else {
            None
        }
    };
    events.iter().filter_map(state).collect()
}

fn is_alert(event: &Event) -> bool {
    matches!(event, Event::Alert { .. })
}

#[test]
fn a_known_name_under_a_new_key_is_an_alert_once() {
    let mut roster = Roster::new([1; 32]);
    roster.know_name(peer(1), "Ann Lee");
    assert!(!here(&mut roster, peer(1), "Ann Lee").iter().any(is_alert));
    let out = here(&mut roster, peer(2), " ann  lee");
    let alert = Alert::NameTaken {
        name: " ann  lee".into(),
        known: peer(1),
        now: peer(2),
    };
    assert_eq!(out.last(), Some(&Event::Alert { alert }));
    assert_eq!(here(&mut roster, peer(2), " ann  lee"), []);
}

#[test]
fn a_new_name_is_worth_remembering_and_a_known_one_is_not() {
    let (mut roster, mut out) = (Roster::new([1; 32]), Vec::new());
    assert_eq!(
        roster.set_name(peer(1), "Ann", &mut out),
        NameNews::Known,
        "nobody listed"
    );
    roster.set_link(at(0), peer(1), LinkState::Up, &mut out);
    assert_eq!(roster.set_name(peer(1), "Ann", &mut out), NameNews::New);
    assert_eq!(roster.set_name(peer(1), "Ann", &mut out), NameNews::Known);
    roster.set_link(at(0), peer(2), LinkState::Up, &mut out);
    assert_eq!(roster.set_name(peer(2), "ANN", &mut out), NameNews::Taken);
}

#[test]
fn only_changes_are_events() {
    let mut roster = Roster::new([1; 32]);
    assert_eq!(here(&mut roster, peer(1), "Ann").len(), 2);
    assert_eq!(here(&mut roster, peer(1), "Ann"), []);
}

#[test]
fn who_beacons_is_here_without_a_link_until_the_next_is_overdue() {
    let timing = Timing::default();
    let (mut roster, mut out) = (met(), Vec::new());
    let who = identity(1).peer_id();
    assert_eq!(roster.on_beacon(at(0), &beacon(1, 5), &mut out), BeaconNews::New);
    assert_eq!(roster.take_arrivals(), [who]);
    assert_eq!(states(&out), [PersonState::Here]);
    assert!(roster.is_candidate(&who) && roster.state(&who) == Some(PersonState::Here));
    out.clear();
    roster.handle_timeout(at(0) + REACH_SETTLE, timing.gone_listed, &mut out);
    roster.handle_timeout(
        at(0) + believed().saturating_sub(Duration::from_millis(1)),
        timing.gone_listed,
        &mut out,
    );
    assert_eq!(out, []);
    assert_eq!(roster.poll_timeout(), Some(at(0) + believed()));
    roster.handle_timeout(at(0) + believed(), timing.gone_listed, &mut out);
    assert_eq!(states(&out), [PersonState::Gone]);
    assert_eq!((roster.present(), roster.is_candidate(&who)), (0, false));
}

#[test]
fn a_beacon_counts_only_if_it_is_newer() {
    let (mut roster, mut out) = (met(), Vec::new());
    roster.on_beacon(at(0), &beacon(1, 5), &mut out);
    assert_eq!(roster.on_beacon(at(1), &beacon(1, 5), &mut out), BeaconNews::Known);
    assert_eq!(
        roster.on_beacon(at(1), &beacon_with(1, 5, true), &mut out),
        BeaconNews::Stale
    );
    assert_eq!(roster.on_beacon(at(1), &beacon(1, 4), &mut out), BeaconNews::Stale);
    assert_eq!(roster.on_beacon(at(1), &beacon(1, 6), &mut out), BeaconNews::New);
    let who = identity(1).peer_id();
    assert_eq!(roster.beacon(&who).unwrap().content.stamp, 6);
    assert_eq!(roster.on_beacon(at(1), &beacon(1, 7), &mut out), BeaconNews::New);
    assert_eq!(roster.take_arrivals(), [who], "once");
    assert_eq!(roster.find_beacon(beacon(1, 7).short()), Some(&beacon(1, 7)));
    assert_eq!(roster.find_beacon(beacon(1, 6).short()), None);
}

#[test]
fn who_leaves_with_a_beacon_has_left_and_comes_back_with_a_newer_one() {
    let (mut roster, mut out) = (met(), Vec::new());
    roster.on_beacon(at(0), &beacon(1, 5), &mut out);
    roster.on_beacon(at(1), &beacon_with(1, 6, true), &mut out);
    roster.on_beacon(at(2), &beacon(1, 5), &mut out);
    assert_eq!(roster.state(&identity(1).peer_id()), Some(PersonState::Left));
    assert_eq!(roster.present(), 0);
    roster.on_beacon(at(3), &beacon(1, 7), &mut out);
    assert_eq!(states(&out), [PersonState::Here, PersonState::Left, PersonState::Here]);
}

#[test]
fn who_is_linked_is_here_whatever_others_say() {
    let timing = Timing::default();
    let (mut roster, mut out) = (met(), Vec::new());
    let who = identity(1).peer_id();
    roster.on_beacon(at(0), &beacon(1, 5), &mut out);
    roster.set_link(at(0), who, LinkState::Up, &mut out);
    out.clear();
    roster.suspect(at(1), who, &mut out);
    let lost = Lost {
        peer: ShortId::of_peer(&who),
        stamp: 9,
    };
    assert!(!roster.on_lost(at(1), &peer(0), &accuser(), &[lost], &mut out));
    roster.handle_timeout(at(1) + SUSPECT, timing.gone_listed, &mut out);
    assert_eq!(out, []);
    // Present is who beacons; who is linked and does not is still here.
    roster.handle_timeout(at(0) + believed(), timing.gone_listed, &mut out);
    assert_eq!((roster.state(&who), roster.present()), (Some(PersonState::Here), 0));
}

#[test]
fn a_suspect_is_reconnecting_and_then_gone() {
    let timing = Timing::default();
    let (mut roster, mut out) = (met(), Vec::new());
    let who = identity(1).peer_id();
    roster.on_beacon(at(0), &beacon(1, 5), &mut out);
    out.clear();
    roster.suspect(at(1), who, &mut out);
    // Suspected again, it has no more time for it.
    roster.suspect(at(2), who, &mut out);
    assert_eq!(states(&out), [PersonState::Reconnecting]);
    assert!(roster.is_candidate(&who), "until proven");
    roster.handle_timeout(at(2), timing.gone_listed, &mut out);
    assert_eq!(roster.poll_timeout(), Some(at(1) + SUSPECT));
    roster.handle_timeout(at(1) + SUSPECT, timing.gone_listed, &mut out);
    assert_eq!(states(&out), [PersonState::Reconnecting, PersonState::Gone]);
    assert!(!roster.is_candidate(&who));
}

#[test]
fn a_newer_beacon_clears_a_suspect() {
    let timing = Timing::default();
    let (mut roster, mut out) = (met(), Vec::new());
    roster.on_beacon(at(0), &beacon(1, 5), &mut out);
    roster.suspect(at(1), identity(1).peer_id(), &mut out);
    roster.on_beacon(at(2), &beacon(1, 5), &mut out);
    assert_eq!(states(&out), [PersonState::Here, PersonState::Reconnecting]);
    roster.on_beacon(at(2), &beacon(1, 6), &mut out);
    roster.handle_timeout(at(1) + SUSPECT, timing.gone_listed, &mut out);
    assert_eq!(
        states(&out),
        [PersonState::Here, PersonState::Reconnecting, PersonState::Here]
    );
}

#[test]
fn a_loss_is_believed_unless_a_later_beacon_speaks_against_it() {
    let (mut roster, mut out) = (met(), Vec::new());
    let [older, newer] = [1, 2].map(|byte| identity(byte).peer_id());
    roster.on_beacon(at(0), &beacon(1, 5), &mut out);
    roster.on_beacon(at(0), &beacon(2, 6), &mut out);
    let lost = |peer: &PeerId| Lost {
        peer: ShortId::of_peer(peer),
        stamp: 5,
    };
    let me = peer(0);
    assert!(!roster.on_lost(
        at(1),
        &me,
        &accuser(),
        &[lost(&older), lost(&newer), lost(&peer(77))],
        &mut out
    ));
    assert_eq!(roster.state(&older), Some(PersonState::Reconnecting));
    assert_eq!(roster.state(&newer), Some(PersonState::Here));
    assert!(
        roster.on_lost(at(1), &me, &accuser(), &[lost(&me)], &mut out),
        "we are thought gone"
    );
}

#[test]
fn a_link_in_trouble_is_reconnecting_and_a_lost_one_leaves_the_beacon() {
    let (mut roster, mut out) = (met(), Vec::new());
    let who = identity(1).peer_id();
    roster.on_beacon(at(0), &beacon(1, 5), &mut out);
    for link in [LinkState::Up, LinkState::Trouble, LinkState::Up, LinkState::None] {
        roster.set_link(at(1), who, link, &mut out);
    }
    let linked: Vec<_> = out
        .iter()
        .map(|event| {
            let Event::Person { person } = event else {
                panic!("{event:?}");
            };
            (person.state, person.linked)
        })
        .collect();
    assert_eq!(
        linked,
        [
            (PersonState::Here, false),
            (PersonState::Here, true),
            (PersonState::Reconnecting, false),
            (PersonState::Here, true),
            (PersonState::Here, false),
        ]
    );
}

#[test]
fn the_gone_stay_listed_for_a_while_and_strangers_do_not() {
    let timing = Timing::default();
    let mut roster = Roster::new([1; 32]);
    here(&mut roster, peer(1), "Ann");
    let mut out = Vec::new();
    roster.set_link(at(10), peer(1), LinkState::None, &mut out);
    roster.set_link(at(11), peer(1), LinkState::Connecting, &mut out);
    assert_eq!(roster.state(&peer(1)), Some(PersonState::Gone));
    roster.set_link(at(10), peer(2), LinkState::Connecting, &mut out);
    out.clear();
    roster.set_link(at(20), peer(2), LinkState::None, &mut out);
    assert_eq!(out, [Event::PersonForgotten { peer: peer(2) }]);
    out.clear();
    roster.handle_timeout(at(10) + timing.gone_listed, timing.gone_listed, &mut out);
    assert_eq!(out, [Event::PersonForgotten { peer: peer(1) }, away(1, "Ann")]);
    assert_eq!(roster.people().count(), 0);
}

fn away(who: u8, name: &str) -> Event {
    Event::Person {
        person: Person {
            peer: peer(who),
            name: Some(name.into()),
            state: PersonState::Away,
            linked: false,
            round_trip: None,
            archive: false,
        },
    }
}

#[test]
fn who_was_here_before_is_away_until_they_come_and_again_after_they_are_forgotten() {
    let (mut roster, mut out) = (Roster::new([1; 32]), Vec::new());
    let names = [(2, "Bob"), (1, "Ann")].map(|(who, name)| (peer(who), name.to_owned()));
    roster.recall_away(names.to_vec(), &mut out);
    assert_eq!(out, [away(1, "Ann"), away(2, "Bob")]);
    let state = |roster: &Roster, who| roster.state(&peer(who));
    assert_eq!((state(&roster, 1), state(&roster, 3)), (Some(PersonState::Away), None));
    assert_eq!((roster.people().count(), roster.candidates()), (0, 0));
    // A link that does not come about.
    roster.set_link(at(1), peer(1), LinkState::Connecting, &mut out);
    assert_eq!(state(&roster, 1), Some(PersonState::Connecting));
    out.clear();
    roster.set_link(at(2), peer(1), LinkState::None, &mut out);
    assert_eq!(out, [Event::PersonForgotten { peer: peer(1) }, away(1, "Ann")]);
    // Somebody comes under another name, and goes.
    here(&mut roster, peer(2), "Robert");
    assert_eq!(state(&roster, 2), Some(PersonState::Here));
    out.clear();
    roster.forget(peer(2), &mut out);
    assert_eq!(out, [Event::PersonForgotten { peer: peer(2) }, away(2, "Robert")]);
}

#[test]
fn the_most_recent_of_those_who_are_away_are_listed() {
    let (mut roster, mut out) = (Roster::new([1; 32]), Vec::new());
    let number = u8::try_from(AWAY_MAX).unwrap();
    let name = |who: u8| (peer(who), format!("P{who}"));
    roster.recall_away((0..=number).rev().map(name).collect(), &mut out);
    let all: Vec<_> = (1..=number).map(|who| away(who, &format!("P{who}"))).collect();
    assert_eq!(out, all);
    out.clear();
    here(&mut roster, peer(100), "New");
    here(&mut roster, peer(1), "P1");
    for who in [100, 0] {
        roster.note_away(peer(who), Some("New".into()), &mut out);
    }
    // Who is here is not taken off the list because another place is needed.
    let forgotten = Event::PersonForgotten { peer: peer(2) };
    assert_eq!(out, [away(100, "New"), away(0, "New"), forgotten]);
    roster.note_away(peer(101), None, &mut out);
    assert_eq!(out.len(), 3, "nameless");
}

#[test]
fn who_was_forgotten_does_not_come_back_by_an_old_beacon() {
    let timing = Timing::default();
    let (mut roster, mut out) = (met(), Vec::new());
    roster.on_beacon(at(0), &beacon(1, 5), &mut out);
    let gone = at(0) + believed();
    roster.handle_timeout(gone, timing.gone_listed, &mut out);
    roster.handle_timeout(gone + timing.gone_listed, timing.gone_listed, &mut out);
    assert_eq!(roster.people().count(), 0);
    out.clear();
    for old in [4, 5] {
        assert_eq!(roster.on_beacon(at(300), &beacon(1, old), &mut out), BeaconNews::Known);
    }
    assert_eq!(out, []);
    assert_eq!(roster.on_beacon(at(300), &beacon(1, 6), &mut out), BeaconNews::New);
}

#[test]
fn the_digest_is_that_of_who_is_present_whatever_happened() {
    let timing = Timing::default();
    let [one, other] = [1, 2].map(|byte| identity(byte).peer_id());
    // Each hears of the other, in the order and by the detours that it may be.
    let (mut roster, mut out) = (met(), Vec::new());
    roster.on_beacon(at(0), &beacon(2, 5), &mut out);
    let mut mirror = met();
    mirror.set_link(at(0), peer(9), LinkState::Up, &mut out);
    mirror.on_beacon(at(0), &beacon(3, 5), &mut out);
    mirror.on_beacon(at(0), &beacon(1, 5), &mut out);
    assert_ne!(roster.digest(&one), mirror.digest(&other));
    mirror.on_left(at(1), identity(3).peer_id(), &mut out);
    assert_eq!(roster.digest(&one), mirror.digest(&other));
    assert_eq!(mirror.shorts().collect::<Vec<_>>(), [ShortId::of_peer(&one)]);
    roster.handle_timeout(at(0) + believed(), timing.gone_listed, &mut out);
    assert_ne!(roster.digest(&one), mirror.digest(&other));
}

#[test]
fn those_here_without_a_link_are_drawn_and_each_once() {
    let (mut roster, mut out) = (met(), Vec::new());
    for byte in 1..=4 {
        roster.on_beacon(at(0), &beacon(byte, 5), &mut out);
    }
    let [linked, barred, ..] = [1, 2, 3, 4].map(|byte| identity(byte).peer_id());
    roster.set_link(at(0), linked, LinkState::Up, &mut out);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let eligible = |peer: &PeerId| *peer != barred;
    let mut drawn = roster.sample(9, &mut rng, &eligible);
    drawn.sort();
    let mut expected = [3, 4].map(|byte| identity(byte).peer_id());
    expected.sort();
    assert_eq!(drawn, expected);
    assert_eq!(roster.sample(1, &mut rng, &eligible).len(), 1);
}

#[test]
fn a_full_list_forgets_the_longest_gone_first_and_nobody_who_is_here() {
    let mut roster = Roster::new([1; 32]);
    let mut out = Vec::new();
    let numbered = |number: usize| {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        PeerId::from_bytes(bytes)
    };
    for number in 0..PEOPLE_MAX {
        here(&mut roster, numbered(number), &format!("p{number}"));
    }
    let one_more = numbered(PEOPLE_MAX);
    assert_eq!(here(&mut roster, one_more, "one too many"), []);
    for (number, second) in [(5, 30), (6, 20)] {
        roster.set_link(at(second), numbered(number), LinkState::None, &mut out);
    }
    out.clear();
    here(&mut roster, one_more, "new");
    assert_eq!(roster.people().count(), PEOPLE_MAX);
    assert_eq!(
        (roster.state(&numbered(6)), roster.state(&one_more)),
        (Some(PersonState::Away), Some(PersonState::Here))
    );
    assert_eq!(roster.state(&numbered(5)), Some(PersonState::Gone));
}

#[test]
fn names_that_look_alike_are_one_and_renaming_takes_no_room_from_others() {
    let mut roster = Roster::new([1; 32]);
    let mut out = Vec::new();
    for number in 1..=4 {
        roster.set_link(at(1), peer(number), LinkState::Up, &mut out);
    }
    assert_eq!(roster.set_name(peer(1), "Alice", &mut out), NameNews::New);
    for number in 0..2 * KNOWN_NAMES_MAX {
        assert_eq!(
            roster.set_name(peer(2), &format!("Name {number}"), &mut out),
            NameNews::New
        );
    }
    assert_eq!(roster.set_name(peer(3), "Bob", &mut out), NameNews::New);
    // What somebody was called before is not free for another.
    assert_eq!(roster.set_name(peer(1), "Alicia", &mut out), NameNews::New);
    // Two letters are Cyrillic, and one is a capital.
    assert_eq!(roster.set_name(peer(4), "АIiсe", &mut out), NameNews::Taken);
    let alert = Alert::NameTaken {
        name: "АIiсe".into(),
        known: peer(1),
        now: peer(4),
    };
    assert!(out.contains(&Event::Alert { alert }));
}
