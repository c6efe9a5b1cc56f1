use shared::limits::LINKS_MAX;

use super::{
    super::{
        peers::test::{Rig, above, below},
        session::Role,
    },
    *,
};
use crate::{
    config::{ATTEMPT_BURST, EXPLAIN_AFTER, RELAY_AFTER},
    context::test::peer,
    io,
    model::{Event as AppEvent, Obstacle},
};

const SERVER: Via = Via::Server(io::ServerId(0));
const ID: SessionId = SessionId::from_bytes([7; 16]);

fn attempts() -> Attempts {
    Attempts::new([1; 32])
}

/// One person whose id is above ours, and one whose id is below.
fn pair() -> (PeerId, PeerId) {
    (above(1)[0], below(1)[0])
}

fn ice_servers() -> Vec<IceServer> {
    vec![IceServer {
        urls: vec!["stun:example.org".into()],
        username: None,
        credential: None,
    }]
}

fn candidate(line: &str) -> Candidate {
    Candidate {
        line: format!("candidate:1 1 udp 1 192.0.2.1 9 typ host {line}"),
        mid: None,
    }
}

fn envelope(from: PeerId, session: SessionId, body: Body) -> Envelope {
    Envelope {
        from,
        to: peer(1),
        session,
        nonce: 1,
        body,
    }
}

fn offer(urgent: bool) -> Body {
    Body::Offer {
        version: PROTOCOL_VERSION,
        round: 0,
        sdp: "offer".into(),
        urgent,
    }
}

fn accept(link: u64) -> Output {
    Output::Accept {
        link: LinkId(link),
        ice_servers: vec![],
        sdp: "offer".into(),
    }
}

fn decline(to: PeerId, session: SessionId, reason: DeclineReason) -> Event {
    let version = PROTOCOL_VERSION;
    let body = Body::Decline { reason, version };
    send(to, session, body)
}

fn send(to: PeerId, session: SessionId, body: Body) -> Event {
    Event::Send {
        via: SERVER,
        to,
        session,
        body,
    }
}

fn link_state(peer: PeerId, state: LinkState) -> Event {
    Event::ToRoom(crate::door::ToRoom::LinkState { peer, state })
}

fn alert(alert: Alert) -> Output {
    Output::Event(AppEvent::Alert { alert })
}

/// The session under way with a peer.
fn session_of(rig: &Rig, peer: &PeerId) -> SessionId {
    rig.peers.get(peer).unwrap().attempt().unwrap().id()
}

/// Starts an attempt by the server: gives its session and its link.
fn started(rig: &mut Rig, attempts: &mut Attempts, peer: PeerId) -> (SessionId, LinkId) {
    rig.want(peer);
    attempts.start(&mut rig.scope(), peer, Some(SERVER), vec![]);
    rig.cx.outputs();
    rig.events();
    let attempt = rig.peers.get(&peer).unwrap().attempt().unwrap();
    (attempt.id(), attempt.link())
}

/// Takes an envelope that the server brought.
fn handle(rig: &mut Rig, attempts: &mut Attempts, from: PeerId, session: SessionId, body: Body) {
    let cause = Cause::Server(io::ServerId(0));
    attempts.handle_envelope(&mut rig.scope(), SERVER, cause, envelope(from, session, body), vec![]);
}

#[test]
fn whoever_wants_a_link_dials_and_offers() {
    for person in <[PeerId; 2]>::from(pair()) {
        let (mut rig, mut attempts) = (Rig::new(), attempts());
        rig.want(person);
        attempts.start(&mut rig.scope(), person, Some(SERVER), ice_servers());
        let (link, ice_servers) = (LinkId(1), ice_servers());
        assert_eq!(rig.cx.outputs(), [Output::Dial { link, ice_servers }]);
        assert_eq!(rig.events(), [link_state(person, LinkState::Connecting)]);
        attempts.handle_description(&mut rig.scope(), link, "offer".into());
        assert_eq!(rig.events(), [send(person, session_of(&rig, &person), offer(true))]);
    }
}

#[test]
fn an_attempt_is_urgent_only_with_few_links() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    for person in above(LINKS_MIN) {
        rig.link(person, Role::Offerer);
    }
    let below = below(1)[0];
    let (id, link) = started(&mut rig, &mut attempts, below);
    attempts.handle_description(&mut rig.scope(), link, "offer".into());
    assert_eq!(rig.events(), [send(below, id, offer(false))]);
}

#[test]
fn without_a_carrier_or_a_contact_nothing_is_started() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, below) = pair();
    rig.want(above);
    attempts.start(&mut rig.scope(), above, None, vec![]);
    attempts.start(&mut rig.scope(), below, Some(SERVER), vec![]);
    assert_eq!(
        (rig.cx.outputs(), rig.events(), rig.peers.slots_used()),
        (vec![], vec![], 0)
    );
}

#[test]
fn without_a_slot_nothing_is_started_but_for_a_peer_that_has_one() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let people = above(LINKS_MAX + 1);
    for person in &people[..LINKS_MAX] {
        rig.link(*person, Role::Offerer);
    }
    let (other, linked) = (people[LINKS_MAX], people[0]);
    rig.want(other);
    attempts.start(&mut rig.scope(), other, Some(SERVER), vec![]);
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
    attempts.start(&mut rig.scope(), linked, Some(SERVER), vec![]);
    assert_eq!(rig.cx.outputs().len(), 1);
    assert_eq!(rig.events(), [], "its link stands as before");
}

#[test]
fn an_offer_is_accepted_and_then_answered() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    handle(&mut rig, &mut attempts, above, ID, offer(true));
    assert_eq!(rig.cx.outputs(), [accept(1)]);
    assert_eq!(rig.events(), [link_state(above, LinkState::Connecting)]);
    attempts.handle_description(&mut rig.scope(), LinkId(1), "answer".into());
    let (round, sdp) = (0, "answer".into());
    assert_eq!(rig.events(), [send(above, ID, Body::Answer { round, sdp })]);
}

#[test]
fn of_two_offers_that_cross_the_one_of_the_lower_id_counts() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (_, below) = pair();
    let (_, link) = started(&mut rig, &mut attempts, below);
    handle(&mut rig, &mut attempts, below, ID, offer(true));
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }, accept(link.0 + 1)]);
    assert_eq!(session_of(&rig, &below), ID);

    let (mut rig, mut attempts) = (Rig::new(), Attempts::new([2; 32]));
    let (above, _) = pair();
    let (own, link) = started(&mut rig, &mut attempts, above);
    rig.cx.wait(5_000);
    handle(&mut rig, &mut attempts, above, ID, offer(true));
    assert_eq!(session_of(&rig, &above), own, "our offer is yet to be made");
    attempts.drop(&mut rig.scope(), &above);
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }]);
    let (own, link) = started(&mut rig, &mut attempts, above);
    attempts.handle_description(&mut rig.scope(), link, "offer".into());
    rig.events();
    rig.cx.wait(999);
    handle(&mut rig, &mut attempts, above, ID, offer(true));
    assert_eq!(
        (session_of(&rig, &above), rig.cx.outputs(), rig.events()),
        (own, vec![], vec![])
    );
    // Ours did not arrive.
    rig.cx.wait(1);
    handle(&mut rig, &mut attempts, above, ID, offer(true));
    assert_eq!(session_of(&rig, &above), ID);
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }, accept(link.0 + 1)]);
}

#[test]
fn who_has_enough_links_declines_all_but_the_urgent_and_who_has_all_declines_these_too() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let people = above(LINKS_MAX + 1);
    for person in &people[..crate::config::LINKS_TARGET] {
        rig.link(*person, Role::Offerer);
    }
    let last = people[LINKS_MAX];
    handle(&mut rig, &mut attempts, last, ID, offer(false));
    assert_eq!(
        (rig.cx.outputs(), rig.events()),
        (vec![], vec![decline(last, ID, DeclineReason::Full)])
    );
    for person in &people[crate::config::LINKS_TARGET..LINKS_MAX] {
        handle(&mut rig, &mut attempts, *person, ID, offer(true));
        assert_eq!(rig.cx.outputs().len(), 1);
        assert_eq!(rig.events(), [link_state(*person, LinkState::Connecting)]);
    }
    handle(&mut rig, &mut attempts, last, ID, offer(true));
    assert_eq!(
        (rig.cx.outputs(), rig.events()),
        (vec![], vec![decline(last, ID, DeclineReason::Full)])
    );
    handle(&mut rig, &mut attempts, people[0], ID, offer(false));
    assert_eq!(rig.cx.outputs().len(), 1, "its slot is taken already");
}

#[test]
fn another_version_is_declined_each_time_told_once_and_not_sought_for_a_while() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    let request = |version| Body::Offer {
        version,
        round: 0,
        sdp: "offer".into(),
        urgent: true,
    };
    let told = |theirs| alert(Alert::PeerVersion { peer: above, theirs });
    for (theirs, alerts) in [(7, vec![told(7)]), (7, vec![]), (8, vec![told(8)])] {
        handle(&mut rig, &mut attempts, above, ID, request(theirs));
        assert_eq!(rig.events(), [decline(above, ID, DeclineReason::Version)]);
        assert_eq!(rig.cx.outputs(), alerts);
    }
    let contact = rig.peers.get(&above).unwrap();
    assert!(contact.attempt().is_none());
    assert_eq!(contact.poll_timeout(), Some(rig.cx.instant() + rig.cx.timing.shun));
}

#[test]
fn a_peer_that_declines_our_version_is_told_of_and_its_attempt_ends() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    let (id, link) = started(&mut rig, &mut attempts, above);
    let body = |reason| Body::Decline { reason, version: 9 };
    handle(&mut rig, &mut attempts, above, ID, body(DeclineReason::Version));
    assert_eq!(
        (rig.cx.outputs(), rig.events()),
        (vec![], vec![]),
        "it is of no session of ours"
    );
    handle(&mut rig, &mut attempts, above, id, body(DeclineReason::Version));
    let (peer, theirs) = (above, 9);
    assert_eq!(
        rig.cx.outputs(),
        [Output::HangUp { link }, alert(Alert::PeerVersion { peer, theirs })]
    );
    assert_eq!(rig.events(), [link_state(above, LinkState::None)]);
    let contact = rig.peers.get(&above).unwrap();
    assert!(contact.attempt().is_none());
    assert_eq!(contact.poll_timeout(), Some(rig.cx.instant() + rig.cx.timing.shun));
    let (id, _) = started(&mut rig, &mut attempts, above);
    handle(&mut rig, &mut attempts, above, id, body(DeclineReason::Full));
    assert_eq!(
        (rig.cx.outputs(), rig.events()),
        (vec![], vec![Event::Refused { peer }])
    );
}

#[test]
fn a_peer_makes_us_start_no_more_than_a_burst_of_attempts() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (_, below) = pair();
    for number in 0..ATTEMPT_BURST {
        let id = SessionId::from_bytes([u8::try_from(number).unwrap(); 16]);
        handle(&mut rig, &mut attempts, below, id, offer(true));
        assert_eq!(session_of(&rig, &below), id);
    }
    rig.cx.outputs();
    rig.events();
    handle(&mut rig, &mut attempts, below, ID, offer(true));
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
    assert_eq!(rig.cx.counters.envelopes_refused, 1);
}

#[test]
fn nothing_is_accepted_from_a_shunned_peer_nor_for_a_session_that_is_over() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, below) = pair();
    let until = rig.cx.instant() + rig.cx.timing.shun;
    rig.want(above).shun(until);
    handle(&mut rig, &mut attempts, above, ID, offer(true));
    let (round, sdp) = (0, "answer".into());
    handle(&mut rig, &mut attempts, below, ID, Body::Answer { round, sdp });
    assert_eq!((rig.cx.outputs(), rig.events()), (vec![], vec![]));
    assert_eq!(rig.cx.counters.envelopes_refused, 2);
}

#[test]
fn the_end_of_candidates_is_not_sent_and_costs_nothing() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    let (id, link) = started(&mut rig, &mut attempts, above);
    attempts.handle_description(&mut rig.scope(), link, "offer".into());
    rig.events();
    attempts.handle_candidates(&mut rig.scope(), link, vec![Candidate::end()]);
    assert_eq!(rig.events(), []);
    let found = vec![candidate("one"), Candidate::end(), candidate("two")];
    attempts.handle_candidates(&mut rig.scope(), link, found);
    let candidates = vec![candidate("one"), candidate("two")];
    assert_eq!(rig.events(), [send(above, id, Body::Candidates { candidates })]);
    assert_eq!(rig.cx.counters.envelopes_refused, 0);
}

#[test]
fn the_peers_answer_and_candidates_are_handed_to_the_driver() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    let (id, link) = started(&mut rig, &mut attempts, above);
    attempts.handle_description(&mut rig.scope(), link, "offer".into());
    let (round, sdp) = (0, "answer".into());
    handle(&mut rig, &mut attempts, above, id, Body::Answer { round, sdp });
    let candidates = vec![candidate("one")];
    handle(&mut rig, &mut attempts, above, id, Body::Candidates { candidates });
    let (sdp, candidates) = ("answer".into(), vec![candidate("one")]);
    assert_eq!(
        rig.cx.outputs(),
        [
            Output::RemoteAnswer { link, sdp },
            Output::RemoteCandidates { link, candidates }
        ]
    );
}

#[test]
fn a_failed_attempt_is_hung_up_and_told_and_followed_by_another() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    let (_, link) = started(&mut rig, &mut attempts, above);
    attempts.fail(&mut rig.scope(), above);
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }]);
    assert_eq!(rig.events(), [link_state(above, LinkState::None)]);
    assert!(rig.peers.get(&above).unwrap().poll_timeout().is_some());
    started(&mut rig, &mut attempts, above);
    attempts.note_failed(&mut rig.scope(), above);
    assert_eq!(rig.cx.outputs(), [], "the driver closed it");
    assert_eq!(rig.cx.counters.sessions_failed, 2);
}

#[test]
fn an_attempt_beside_a_link_fails_without_a_word_to_the_room() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    rig.link(above, Role::Offerer);
    let link = rig.attempt(above, Role::Offerer);
    attempts.fail(&mut rig.scope(), above);
    assert_eq!(
        (rig.cx.outputs(), rig.events()),
        (vec![Output::HangUp { link }], vec![])
    );
}

/// Candidates as a browser finds them behind a NAT: STUN servers saw these ports.
fn mapped(ports: &[u16]) -> Vec<Candidate> {
    let candidate = |port| Candidate {
        line: format!("candidate:2 1 udp 9 203.0.113.7 {port} typ srflx"),
        mid: None,
    };
    ports.iter().map(candidate).collect()
}

#[test]
fn what_stands_in_the_way_is_said_once_in_time_and_until_nobody_tries_any_more() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    rig.want(above);
    let stun = IceServer {
        urls: vec!["stun:example.org".into()],
        username: None,
        credential: None,
    };
    attempts.start(&mut rig.scope(), above, Some(SERVER), vec![stun]);
    let session = rig.peers.get(&above).unwrap().attempt().unwrap();
    let (id, link) = (session.id(), session.link());
    attempts.handle_description(&mut rig.scope(), link, "offer".into());
    attempts.handle_candidates(&mut rig.scope(), link, mapped(&[1, 2]));
    attempts.with_session(&mut rig.scope(), above, id, |session, _, actions| {
        session.on_candidates(mapped(&[3]), actions);
        session.on_answer(0, "answer".into(), actions)
    });
    rig.events();
    let due = rig.cx.instant() + EXPLAIN_AFTER;
    assert_eq!(rig.peers.poll_timeout(), Some(due));
    attempts.explain(&mut rig.scope(), above);
    assert_eq!(rig.events(), [], "too early");
    rig.cx.wait(io::millis(EXPLAIN_AFTER));
    attempts.explain(&mut rig.scope(), above);
    let blocked = link_state(above, LinkState::Blocked(Obstacle::OwnNat));
    assert_eq!(rig.events(), std::slice::from_ref(&blocked));
    attempts.explain(&mut rig.scope(), above);
    assert_eq!(rig.events(), [], "said already");
    attempts.fail(&mut rig.scope(), above);
    assert_eq!(rig.events(), std::slice::from_ref(&blocked), "another attempt follows");
    attempts.start(&mut rig.scope(), above, Some(SERVER), vec![]);
    assert_eq!(rig.events(), [blocked]);
    attempts.end_search(&mut rig.scope(), above);
    assert_eq!(rig.events(), [link_state(above, LinkState::None)]);
    attempts.end_search(&mut rig.scope(), above);
    assert_eq!(rig.events(), []);
}

#[test]
fn a_relay_is_asked_only_after_a_while_without_it() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    rig.want(above);
    let server = |url: &str, login: Option<&str>| IceServer {
        urls: vec![url.into()],
        username: login.map(str::to_owned),
        credential: login.map(str::to_owned),
    };
    let (stun, turn) = (server("stun:example.org", None), server("turn:example.org", Some("x")));
    let dialled = |rig: &mut Rig| match rig.cx.outputs().pop() {
        Some(Output::Dial { ice_servers, .. }) => ice_servers,
        other => panic!("{other:?}"),
    };
    let mut one = turn.clone();
    one.urls.insert(0, "stun:example.org:1".into());
    let mut rest = one.clone();
    rest.urls.pop();
    let both = vec![stun.clone(), turn, one];
    let started = rig.cx.instant();
    attempts.start(&mut rig.scope(), above, Some(SERVER), both.clone());
    assert_eq!(dialled(&mut rig), [stun, rest]);
    let session = rig.peers.get(&above).unwrap().attempt().unwrap();
    let (id, link) = (session.id(), session.link());
    attempts.handle_description(&mut rig.scope(), link, "offer".into());
    attempts.with_session(&mut rig.scope(), above, id, |session, _, actions| {
        session.on_answer(0, "answer".into(), actions)
    });
    assert_eq!(rig.peers.poll_timeout(), Some(started + RELAY_AFTER));
    rig.cx.wait(io::millis(RELAY_AFTER));
    attempts.fail(&mut rig.scope(), above);
    rig.cx.outputs();
    let started = rig.cx.instant();
    attempts.start(&mut rig.scope(), above, Some(SERVER), both.clone());
    assert_eq!(dialled(&mut rig), both);
    let attempt = rig.peers.get(&above).unwrap().attempt().unwrap();
    assert_eq!(attempt.deadline(), started + rig.cx.timing.session_timeout);
    // Whoever is reached through a relay only has no use for anything else.
    let mut rig = Rig::new();
    rig.want(above);
    rig.cx.transport_policy = TransportPolicy::Relay;
    attempts.start(&mut rig.scope(), above, Some(SERVER), both.clone());
    assert_eq!(dialled(&mut rig), both);
}

#[test]
fn only_the_offerer_restarts_ice() {
    let (mut rig, attempts) = (Rig::new(), attempts());
    let (above, below) = pair();
    let link = rig.link(above, Role::Offerer);
    rig.link(below, Role::Answerer);
    attempts.restart_ice(&mut rig.scope(), below, SERVER, ice_servers());
    assert_eq!(rig.cx.outputs(), []);
    attempts.restart_ice(&mut rig.scope(), above, SERVER, ice_servers());
    let restarted = Output::RestartIce {
        link,
        ice_servers: ice_servers(),
    };
    assert_eq!(rig.cx.outputs(), [restarted]);
    attempts.restart_ice(&mut rig.scope(), above, SERVER, ice_servers());
    assert_eq!(rig.cx.outputs(), [], "one is under way");
    attempts.handle_description(&mut rig.scope(), link, "again".into());
    let session = SessionId::from_bytes([9; 16]);
    let (round, sdp, urgent) = (1, "again".into(), true);
    let version = PROTOCOL_VERSION;
    let body = Body::Offer {
        version,
        round,
        sdp,
        urgent,
    };
    assert_eq!(rig.events(), [send(above, session, body)]);
}

#[test]
fn a_peer_without_a_slot_for_us_is_left_alone_for_a_while() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, _) = pair();
    let (_, link) = started(&mut rig, &mut attempts, above);
    attempts.refused_by(&mut rig.scope(), above);
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }]);
    assert_eq!(rig.events(), [link_state(above, LinkState::None)]);
    let retry_at = rig.peers.get(&above).unwrap().poll_timeout().unwrap();
    let wait = retry_at.since(rig.cx.instant());
    assert!((FULL_RETRY / 2..=FULL_RETRY).contains(&wait), "{wait:?}");
    assert_eq!(rig.cx.counters.sessions_failed, 0, "it is nobody's fault");
}

#[test]
fn a_lost_link_is_tried_again_at_once_only_where_its_peer_is_alone_and_not_tried_already() {
    let age = Duration::from_secs(60);
    for (alone, tried, at_once) in [
        (Alone::Yes, false, true),
        (Alone::Yes, true, false),
        (Alone::No, false, false),
    ] {
        let (mut rig, mut attempts) = (Rig::new(), attempts());
        let (above, _) = pair();
        rig.want(above);
        if tried {
            rig.attempt(above, Role::Offerer);
        }
        assert_eq!(
            attempts.lost(&mut rig.scope(), &above, age, alone),
            at_once,
            "{alone:?}, {tried}"
        );
    }
}

#[test]
fn all_attempts_are_dropped_and_no_link_is() {
    let (mut rig, mut attempts) = (Rig::new(), attempts());
    let (above, below) = pair();
    let linked = rig.link(self::above(2)[1], Role::Offerer);
    let mut hung_up: Vec<_> = [above, below]
        .map(|person| started(&mut rig, &mut attempts, person).1)
        .into();
    attempts.drop_all(&mut rig.scope());
    // In the order of the peers' ids.
    hung_up.reverse();
    let hung_up: Vec<_> = hung_up.into_iter().map(|link| Output::HangUp { link }).collect();
    assert_eq!((rig.cx.outputs(), rig.events()), (hung_up, vec![]));
    assert_eq!((rig.peers.slots_used(), rig.peers.link(linked).is_some()), (1, true));
}
