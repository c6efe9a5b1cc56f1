use std::time::Duration;

use minicbor::bytes::ByteSlice;
use shared::SessionId;

use super::{
    super::{
        peers::test::{Rig, above},
        session::Role,
    },
    *,
};
use crate::{
    config::VIOLATIONS_MAX,
    context::{Context, test::peer},
    model::Event as AppEvent,
    wire::{binding::Binding, fragment::Fragments, span::LogDigest},
};

const OURS: Digests = Digests {
    log: LogDigest([1; 16]),
    people: 2,
};
const THEIRS: Digests = Digests {
    log: LogDigest([3; 16]),
    people: 4,
};

/// What the driver is to do for a frame to be sent.
fn sent(link: LinkId, frame: &Frame<'_>) -> Output {
    let fragments = Fragments::of(frame);
    let bytes = Rc::clone(fragments.iter().next().unwrap());
    Output::Transmit { link, bytes }
}

fn goodbye(reason: GoodbyeReason, neighbors: &[PeerId]) -> Frame<'static> {
    let neighbors = neighbors.to_vec();
    Frame::Goodbye { reason, neighbors }
}

/// Ours, or that of person 2.
fn hello(version: u16, name: &str, digests: Digests) -> Frame<'static> {
    let [from, to] = if digests == OURS { [1, 2] } else { [2, 1] };
    hello_by(from, to, version, name, digests)
}

fn hello_by(from: u8, to: u8, version: u16, name: &str, digests: Digests) -> Frame<'static> {
    let binding = Binding {
        session: SessionId::from_bytes([9; 16]),
        from: peer(from),
        to: peer(to),
        own_certificate: String::new(),
        other_certificate: String::new(),
    };
    let cx = Context::test(from);
    Frame::Hello(Hello {
        version,
        name: name.into(),
        digests,
        proof: binding.sign(&cx.identity, &cx.room),
        unix_millis: CLOCK,
    })
}

/// What time it is by everybody's clock.
const CLOCK: u64 = 1_800_000_000_000;

fn ping() -> Frame<'static> {
    let (nonce, digests) = (7, THEIRS);
    Frame::Ping { nonce, digests }
}

fn prune() -> Frame<'static> {
    let tree = crate::wire::id::ShortId(5);
    Frame::Prune { tree }
}

fn room(word: ToRoom) -> Event {
    Event::ToRoom(word)
}

fn link_state(peer: PeerId, state: LinkState) -> Event {
    room(ToRoom::LinkState { peer, state })
}

fn alert(alert: Alert) -> Output {
    Output::Event(AppEvent::Alert { alert })
}

/// A link to person 2 whose channel has just opened.
fn opened() -> (Rig, ActiveView, LinkId) {
    let (mut rig, mut view) = (Rig::new(), ActiveView::default());
    let link = rig.attempt(peer(2), Role::Offerer);
    view.handle_open(&mut rig.scope(), link, OURS);
    rig.cx.outputs();
    rig.events();
    (rig, view, link)
}

/// A link to person 2, who said hello.
fn greeted() -> (Rig, ActiveView, LinkId) {
    let (mut rig, mut view, link) = opened();
    handle(&mut rig, &mut view, link, hello(PROTOCOL_VERSION, "Bob", THEIRS));
    rig.events();
    (rig, view, link)
}

/// Takes a frame. Says whether it is for the room.
fn handle(rig: &mut Rig, view: &mut ActiveView, link: LinkId, frame: Frame<'_>) -> bool {
    view.handle_frame(&mut rig.scope(), link, Ok(frame), OURS).is_some()
}

fn wait(rig: &mut Rig, time: Duration) {
    rig.cx.wait(u64::try_from(time.as_millis()).unwrap());
}

#[test]
fn an_opened_link_says_hello_first_and_once() {
    let (mut rig, mut view) = (Rig::new(), ActiveView::default());
    let link = rig.attempt(peer(2), Role::Offerer);
    view.handle_open(&mut rig.scope(), LinkId(9), OURS);
    assert_eq!(rig.cx.outputs(), [], "no attempt has this link");
    view.handle_open(&mut rig.scope(), link, OURS);
    assert_eq!(rig.cx.outputs(), [sent(link, &hello(PROTOCOL_VERSION, "Ann", OURS))]);
    view.handle_open(&mut rig.scope(), link, OURS);
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
    assert_eq!(rig.cx.counters.links_opened, 1);
}

#[test]
fn the_peers_hello_makes_it_a_neighbor_and_a_second_one_is_a_violation() {
    let (mut rig, mut view, link) = opened();
    assert!(!handle(
        &mut rig,
        &mut view,
        link,
        hello(PROTOCOL_VERSION, "Bob", THEIRS)
    ));
    let up = ToRoom::NeighborUp {
        link,
        peer: peer(2),
        name: "Bob".into(),
        state: LinkState::Up,
        digests: THEIRS,
        unix_millis: CLOCK,
    };
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![room(up)]));
    handle(&mut rig, &mut view, link, hello(PROTOCOL_VERSION, "Eve", THEIRS));
    assert_eq!((rig.events(), rig.cx.counters.frames_refused), (vec![], 1));
    assert_eq!(rig.peers.link(link).unwrap().name(), Some("Bob"));
}

#[test]
fn a_hello_over_a_link_without_a_path_tells_of_the_trouble() {
    let (mut rig, mut view, link) = opened();
    view.handle_path(&mut rig.scope(), link, Path::Disconnected);
    assert_eq!(rig.events(), [], "nobody knows of the link yet");
    handle(&mut rig, &mut view, link, hello(PROTOCOL_VERSION, "Bob", THEIRS));
    let events = rig.events();
    let trouble = |event: &Event| {
        matches!(
            event,
            Event::ToRoom(ToRoom::NeighborUp {
                state: LinkState::Trouble,
                ..
            })
        )
    };
    assert_eq!(events.iter().filter(|event| trouble(event)).count(), 1);
}

#[test]
fn a_frame_before_the_hello_is_a_violation_and_so_is_a_hello_with_a_name_that_cannot_be_shown() {
    let (mut rig, mut view, link) = opened();
    for (number, frame) in (1..).zip([
        ping(),
        prune(),
        Frame::GoodbyeAck {},
        hello(PROTOCOL_VERSION, " ", THEIRS),
    ]) {
        assert!(!handle(&mut rig, &mut view, link, frame));
        assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
        assert_eq!(rig.cx.counters.frames_refused, number);
    }
    assert!(!rig.peers.link(link).unwrap().is_usable());
}

/// An unknown key share: person 3 handed our description on to person 2 as its own, or that of person 2 to us.
#[test]
fn a_hello_of_another_or_for_another_is_a_violation() {
    let (mut rig, mut view, link) = opened();
    for (number, (from, to)) in (1..).zip([(3, 1), (2, 3), (1, 2)]) {
        let hello = hello_by(from, to, PROTOCOL_VERSION, "Bob", THEIRS);
        assert!(!handle(&mut rig, &mut view, link, hello));
        assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
        assert_eq!(rig.cx.counters.frames_refused, number);
    }
    assert!(!rig.peers.link(link).unwrap().is_usable());
    handle(&mut rig, &mut view, link, hello(PROTOCOL_VERSION, "Bob", THEIRS));
    assert!(rig.peers.link(link).unwrap().is_usable());
}

#[test]
fn a_hello_of_another_version_ends_the_link() {
    let (mut rig, mut view, link) = opened();
    handle(&mut rig, &mut view, link, hello(9, "Bob", THEIRS));
    assert_eq!(rig.cx.outputs(), [sent(link, &goodbye(GoodbyeReason::Version, &[]))]);
    let peer = peer(2);
    assert_eq!(
        rig.events(),
        [
            Event::VersionRefused { peer, theirs: 9 },
            link_state(peer, LinkState::None),
            Event::Shunned { peer }
        ]
    );
}

#[test]
fn a_frame_for_the_room_is_given_back_and_one_of_the_future_only_counted() {
    let (mut rig, mut view, link) = greeted();
    assert!(handle(&mut rig, &mut view, link, prune()));
    assert!(!handle(&mut rig, &mut view, LinkId(9), prune()), "no such link");
    let unknown = view.handle_frame(&mut rig.scope(), link, Err(DecodeError::Unknown), OURS);
    assert_eq!(unknown, None);
    assert_eq!((rig.cx.counters.frames_unknown, rig.cx.counters.frames_refused), (1, 0));
}

#[test]
fn the_fifth_violation_says_goodbye_alerts_and_shuns_and_no_other_does() {
    let (mut rig, mut view, link) = greeted();
    let misfit: Rc<[u8]> = Rc::from([9, 9]);
    for _ in 1..VIOLATIONS_MAX {
        assert_eq!(view.handle_fragment(&mut rig.scope(), link, &misfit), None);
        assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
    }
    view.handle_frame(&mut rig.scope(), link, Err(DecodeError::Malformed), OURS);
    let peer = peer(2);
    let said = sent(link, &goodbye(GoodbyeReason::Misbehaving, &[]));
    assert_eq!(rig.cx.outputs(), [said, alert(Alert::Misbehaving { peer })]);
    assert_eq!(
        rig.events(),
        [
            room(ToRoom::NeighborDown { link }),
            link_state(peer, LinkState::None),
            Event::Shunned { peer }
        ]
    );
    view.note_violation(&mut rig.scope(), link);
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
    assert_eq!(rig.cx.counters.frames_refused, u64::from(VIOLATIONS_MAX) + 1);
}

#[test]
fn the_goodbye_of_a_leaving_peer_is_acknowledged_and_nothing_after_it_counts() {
    let (mut rig, mut view, link) = greeted();
    let (peer, neighbors) = (peer(2), vec![peer(1), peer(3)]);
    assert!(!handle(
        &mut rig,
        &mut view,
        link,
        goodbye(GoodbyeReason::Leaving, &neighbors)
    ));
    assert_eq!(rig.cx.outputs(), [sent(link, &Frame::GoodbyeAck {})]);
    assert_eq!(
        rig.events(),
        [
            room(ToRoom::NeighborDown { link }),
            room(ToRoom::Left { peer }),
            link_state(peer, LinkState::None),
            Event::Unwanted { peer },
            Event::LeftBehind { peer, neighbors }
        ]
    );
    for frame in [ping(), prune(), hello(PROTOCOL_VERSION, "Eve", THEIRS)] {
        assert!(!handle(&mut rig, &mut view, link, frame));
    }
    for _ in 0..VIOLATIONS_MAX {
        view.note_violation(&mut rig.scope(), link);
    }
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
}

#[test]
fn what_becomes_of_a_peer_depends_on_the_reason_of_its_goodbye() {
    let peer = peer(2);
    let none = || link_state(peer, LinkState::None);
    for (reason, expected) in [
        (GoodbyeReason::Misbehaving, vec![none(), Event::Unwanted { peer }]),
        (GoodbyeReason::Version, vec![none(), Event::Unwanted { peer }]),
        (GoodbyeReason::Replaced, vec![]),
        (GoodbyeReason::Excess, vec![Event::Refused { peer }]),
    ] {
        let (mut rig, mut view, link) = greeted();
        handle(&mut rig, &mut view, link, goodbye(reason, &[]));
        assert_eq!(rig.cx.outputs(), [sent(link, &Frame::GoodbyeAck {})]);
        let mut events = rig.events();
        assert_eq!(events.remove(0), room(ToRoom::NeighborDown { link }));
        assert_eq!(events, expected, "{reason:?}");
    }
}

#[test]
fn a_leaving_node_names_its_neighbors_and_hangs_up_when_they_have_heard() {
    let (mut rig, mut view) = (Rig::new(), ActiveView::default());
    let mut people = above(3);
    people.reverse();
    let links: Vec<_> = people[..2]
        .iter()
        .map(|person| rig.link(*person, Role::Offerer))
        .collect();
    let silent = rig.attempt(people[2], Role::Offerer);
    view.handle_open(&mut rig.scope(), silent, OURS);
    rig.cx.outputs();
    view.leave(&mut rig.scope());
    let goodbye = goodbye(GoodbyeReason::Leaving, &[people[1], people[0]]);
    let said = [links[0], links[1], silent].map(|link| sent(link, &goodbye));
    assert_eq!((rig.cx.outputs(), rig.events()), (said.into(), vec![]));
    handle(&mut rig, &mut view, links[0], Frame::GoodbyeAck {});
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link: links[0] }]);
    handle(&mut rig, &mut view, links[1], goodbye);
    assert_eq!(
        rig.cx.outputs(),
        [sent(links[1], &Frame::GoodbyeAck {}), Output::HangUp { link: links[1] }],
        "both are leaving"
    );
    let closed = |link, peer| {
        [
            room(ToRoom::LinkClosed { link }),
            Event::LinkEnded,
            Event::ClosedInOrder { peer },
        ]
    };
    let expected = [closed(links[0], people[0]), closed(links[1], people[1])].concat();
    assert_eq!(rig.events(), expected);
}

#[test]
fn a_goodbye_that_nobody_acknowledges_ends_the_link_after_a_while() {
    let (mut rig, mut view, link) = greeted();
    view.say_goodbye(&mut rig.scope(), link, GoodbyeReason::Excess);
    view.say_goodbye(&mut rig.scope(), link, GoodbyeReason::Leaving);
    assert_eq!(
        rig.cx.outputs(),
        [sent(link, &goodbye(GoodbyeReason::Excess, &[]))],
        "it is said once"
    );
    let linger = rig.cx.timing.linger;
    wait(&mut rig, linger - Duration::from_millis(1));
    view.handle_timeout(&mut rig.scope(), OURS);
    assert_eq!(rig.cx.outputs(), []);
    rig.cx.wait(1);
    view.handle_timeout(&mut rig.scope(), OURS);
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }]);
    assert_eq!(rig.peers.links().count(), 0);
}

#[test]
fn a_newer_link_replaces_the_older_in_one_step() {
    let (mut rig, mut view, older) = greeted();
    let link = rig.attempt(peer(2), Role::Offerer);
    view.handle_open(&mut rig.scope(), link, OURS);
    assert_eq!(
        rig.cx.outputs(),
        [
            sent(older, &goodbye(GoodbyeReason::Replaced, &[])),
            Output::HangUp { link: older },
            sent(link, &hello(PROTOCOL_VERSION, "Ann", OURS))
        ]
    );
    let closed = room(ToRoom::LinkClosed { link: older });
    assert_eq!(rig.events(), [closed, Event::ClosedInOrder { peer: peer(2) }]);
    assert_eq!(rig.peers.links().map(Link::id).collect::<Vec<_>>(), [link]);
}

#[test]
fn an_older_link_that_was_released_is_hung_up_without_another_goodbye() {
    let (mut rig, mut view, older) = greeted();
    view.say_goodbye(&mut rig.scope(), older, GoodbyeReason::Excess);
    view.release(&mut rig.scope(), peer(2));
    let down = room(ToRoom::NeighborDown { link: older });
    assert_eq!(rig.events(), [down, link_state(peer(2), LinkState::None)]);
    view.release(&mut rig.scope(), peer(2));
    assert_eq!(rig.events(), []);
    rig.cx.outputs();
    let link = rig.attempt(peer(2), Role::Offerer);
    view.handle_open(&mut rig.scope(), link, OURS);
    let greeting = sent(link, &hello(PROTOCOL_VERSION, "Ann", OURS));
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link: older }, greeting]);
}

#[test]
fn a_ping_is_answered_with_our_digests_and_theirs_go_to_the_room() {
    let (mut rig, mut view, link) = greeted();
    assert!(!handle(&mut rig, &mut view, link, ping()));
    let (nonce, digests) = (7, OURS);
    assert_eq!(rig.cx.outputs(), [sent(link, &Frame::Pong { nonce, digests })]);
    assert_eq!(rig.events(), [room(ToRoom::Digests { link, digests: THEIRS })]);
}

#[test]
fn once_nobody_answers_a_ping_in_time_that_is_told() {
    let (mut rig, mut view, _) = greeted();
    let interval = rig.cx.timing.ping_interval;
    for is_silent in [false, true] {
        wait(&mut rig, interval);
        view.handle_timeout(&mut rig.scope(), OURS);
        assert_eq!(rig.events().contains(&Event::AllSilent), is_silent);
    }
}

#[test]
fn a_quiet_link_is_pinged_and_the_pong_tells_the_round_trip() {
    let (mut rig, mut view, link) = greeted();
    let interval = rig.cx.timing.ping_interval;
    wait(&mut rig, interval);
    view.handle_timeout(&mut rig.scope(), OURS);
    let (nonce, digests) = (1, OURS);
    assert_eq!(rig.cx.outputs(), [sent(link, &Frame::Ping { nonce, digests })]);
    rig.cx.wait(40);
    let digests = THEIRS;
    handle(&mut rig, &mut view, link, Frame::Pong { nonce, digests });
    let round_trip = Some(Duration::from_millis(40));
    let told = room(ToRoom::Digests { link, digests });
    assert_eq!(
        rig.events(),
        [
            room(ToRoom::RoundTrip {
                peer: peer(2),
                round_trip
            }),
            told.clone()
        ]
    );
    handle(&mut rig, &mut view, link, Frame::Pong { nonce, digests });
    assert_eq!(rig.events(), [told], "it was answered before");
}

#[test]
fn a_dead_link_is_hung_up_and_told_as_lost() {
    let (mut rig, mut view, link) = greeted();
    let age = rig.cx.timing.link_dead;
    wait(&mut rig, age);
    view.handle_timeout(&mut rig.scope(), OURS);
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }]);
    let (peer, loss) = (peer(2), Loss::Silence);
    assert_eq!(
        rig.events(),
        [
            room(ToRoom::LinkClosed { link }),
            Event::LinkEnded,
            Event::LinkLost { peer, age, loss },
            Event::AllSilent,
        ]
    );
    view.handle_timeout(&mut rig.scope(), OURS);
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
}

#[test]
fn a_link_that_the_driver_closes_is_lost_unless_goodbye_was_said() {
    let (mut rig, mut view, link) = greeted();
    rig.cx.wait(10);
    assert!(view.handle_closed(&mut rig.scope(), link, LinkEnd::ClosedByPeer));
    let (peer, age, loss) = (peer(2), Duration::from_millis(10), Loss::Closed);
    let closed = |link| [room(ToRoom::LinkClosed { link }), Event::LinkEnded];
    let lost = [
        &closed(link)[..],
        &[Event::LinkLost { peer, age, loss }, Event::AllSilent],
    ]
    .concat();
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], lost));
    assert!(!view.handle_closed(&mut rig.scope(), link, LinkEnd::ClosedByPeer));
    let (mut rig, mut view, link) = greeted();
    handle(&mut rig, &mut view, link, goodbye(GoodbyeReason::Replaced, &[]));
    rig.events();
    assert!(view.handle_closed(&mut rig.scope(), link, LinkEnd::ClosedByPeer));
    let in_order = [&closed(link)[..], &[Event::ClosedInOrder { peer }]].concat();
    assert_eq!(rig.events(), in_order);
}

#[test]
fn that_the_browser_makes_no_more_connections_is_told_once_until_one_opens() {
    let (mut rig, mut view) = (Rig::new(), ActiveView::default());
    let exhausted = |rig: &mut Rig, view: &mut ActiveView| {
        view.handle_closed(&mut rig.scope(), LinkId(9), LinkEnd::Exhausted);
        rig.cx.outputs()
    };
    let told = || vec![alert(Alert::LinksExhausted)];
    assert_eq!(
        [exhausted(&mut rig, &mut view), exhausted(&mut rig, &mut view)],
        [told(), vec![]]
    );
    let link = rig.attempt(peer(2), Role::Offerer);
    view.handle_open(&mut rig.scope(), link, OURS);
    rig.cx.outputs();
    assert_eq!(exhausted(&mut rig, &mut view), told());
}

#[test]
fn a_lost_path_is_told_and_restarted_after_a_while() {
    let (mut rig, mut view, link) = greeted();
    let peer = peer(2);
    let told = |in_trouble, state| {
        [
            room(ToRoom::NeighborTrouble { link, in_trouble }),
            link_state(peer, state),
        ]
    };
    view.handle_path(&mut rig.scope(), link, Path::Disconnected);
    let lost = [&told(true, LinkState::Trouble)[..], &[Event::AllSilent]].concat();
    assert_eq!(rig.events(), lost);
    let after = rig.cx.timing.restart_after;
    wait(&mut rig, after);
    view.handle_timeout(&mut rig.scope(), OURS);
    assert_eq!(rig.events(), [Event::RestartIce { peer }]);
    view.handle_path(&mut rig.scope(), link, Path::Connected);
    assert_eq!(rig.events(), told(false, LinkState::Up));
    assert_eq!(rig.cx.outputs(), []);
}

#[test]
fn an_attempt_fails_with_its_last_path_and_not_before() {
    let (mut rig, mut view) = (Rig::new(), ActiveView::default());
    let peer = peer(2);
    let link = rig.attempt(peer, Role::Offerer);
    view.handle_path(&mut rig.scope(), link, Path::Disconnected);
    assert_eq!(rig.events(), []);
    view.handle_path(&mut rig.scope(), link, Path::Failed);
    assert_eq!(rig.events(), [Event::AttemptFailed { peer }]);
}

#[test]
fn after_sleep_every_link_is_asked_for_a_sign_of_life() {
    let (mut rig, mut view) = (Rig::new(), ActiveView::default());
    let links: Vec<_> = [2, 3].map(|byte| rig.link(peer(byte), Role::Offerer)).into();
    rig.cx.wait(3_600_000);
    view.grant_grace(&mut rig.scope());
    let (nonce, digests) = (1, OURS);
    for link in links {
        view.handle_timeout(&mut rig.scope(), OURS);
        assert_eq!(rig.cx.outputs(), [sent(link, &Frame::Ping { nonce, digests })]);
        assert_eq!(rig.events(), [Event::AllSilent], "nothing was heard for an hour");
    }
    view.handle_timeout(&mut rig.scope(), OURS);
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
}

#[test]
fn fragments_are_put_together_and_keep_a_link_alive() {
    let (mut rig, mut view, link) = greeted();
    let message = vec![7; 20_000];
    let wires = vec![<&ByteSlice>::from(message.as_slice())];
    let entries = Frame::Entries { wires };
    let fragments = Fragments::of(&entries);
    let fragments: Vec<_> = fragments.iter().cloned().collect();
    let almost = rig.cx.timing.link_dead - Duration::from_millis(1);
    wait(&mut rig, almost);
    assert_eq!(view.handle_fragment(&mut rig.scope(), link, &fragments[0]), None);
    let frame = view
        .handle_fragment(&mut rig.scope(), link, &fragments[1])
        .unwrap()
        .into_owned();
    assert_eq!(Frame::decode(&frame), Ok(entries));
    rig.cx.wait(1);
    view.handle_timeout(&mut rig.scope(), OURS);
    assert_eq!((rig.events(), rig.cx.counters.frames_refused), (vec![], 0));
    assert!(rig.peers.link(link).is_some());
}
