use shared::signal::{self, IceServer, Nonce, Refusal};

use super::{
    super::{
        membership::test::Here,
        peers::test::{above, below},
        session::Role,
        tests::{Rig, SERVER, dial, link_state, sent},
    },
    *,
};
use crate::{
    config::{EXPLAIN_AFTER, LINKS_TARGET},
    context::test::peer,
    door::Loss,
    io::{LinkEnd, LinkId, TransportPolicy},
    model::Obstacle,
    wire::{frame::Frame, sdp::test::sdp},
};

#[test]
fn a_named_peer_that_bridges_a_split_is_tried_although_no_link_is_wanted() {
    let people = above(LINKS_TARGET + 2);
    let (links, others) = people.split_at(LINKS_TARGET);
    let mut rig = Rig::registered(Here::of([others[0]]));
    for person in links {
        rig.link(*person, Role::Offerer);
    }
    assert_eq!(rig.net.need(&rig.here, rig.cx.instant()), Need::None);
    rig.name(others[0]);
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]), "it is on this side");
    rig.name(others[1]);
    assert_eq!(rig.cx.outputs(), [dial(6)]);
    assert_eq!(rig.told(), [link_state(others[1], LinkState::Connecting)]);
    assert_eq!(rig.via(&others[1]), Some(Via::Server(SERVER)));
}

#[test]
fn a_named_peer_is_tried_while_links_are_wanted_and_never_ourselves() {
    let above = above(1)[0];
    let mut rig = Rig::registered(Here::of([above]));
    rig.name(peer(1));
    assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
    rig.name(above);
    assert_eq!(rig.cx.outputs(), [dial(1)]);
    rig.name(above);
    assert_eq!(rig.cx.outputs(), [], "it is being tried");
}

#[test]
fn a_named_peer_takes_the_slot_of_an_attempt_that_nobody_answered() {
    let people = above(LINKS_MAX);
    let (links, named) = (&people[..LINKS_MAX - 1], people[LINKS_MAX - 1]);
    let silent = below(1)[0];
    let mut rig = Rig::registered(Here::of([silent]));
    for person in links {
        rig.link(*person, Role::Offerer);
    }
    rig.start(silent);
    assert_eq!(rig.via(&silent), Some(Via::Mesh));
    assert_eq!(rig.cx.outputs(), [dial(8)]);
    rig.told();
    rig.name(named);
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link: LinkId(8) }, dial(9)]);
    let expected = [
        link_state(silent, LinkState::None),
        link_state(named, LinkState::Connecting),
    ];
    assert_eq!(rig.told(), expected);
    assert_eq!(rig.net.peers.slots_used(), LINKS_MAX);
}

/// Somebody was sent an offer on a socket that has closed since.
fn offered_on_a_former_socket() -> (Rig, PeerId) {
    let above = above(1)[0];
    let mut rig = Rig::registered(Here::default());
    rig.name(above);
    rig.describe(above);
    rig.net.handle_server_down(&mut rig.cx, &rig.here, SERVER, 1006);
    rig.cx.wait(1_000);
    (rig, above)
}

#[test]
fn what_was_sent_on_a_former_socket_is_tried_again_on_the_next() {
    let (mut rig, above) = offered_on_a_former_socket();
    rig.cx.outputs();
    rig.register(vec![above]);
    let outputs = rig.cx.outputs();
    assert_eq!(
        outputs[outputs.len() - 2..],
        [Output::HangUp { link: LinkId(1) }, dial(2)]
    );
}

#[test]
fn a_server_that_says_that_we_are_superseded_is_believed_once_nobody_has_us_any_more() {
    let is_told = |rig: &mut Rig| {
        let alert = Output::Event(crate::model::Event::Alert {
            alert: Alert::Superseded,
        });
        (
            rig.cx.outputs().contains(&alert),
            rig.told().contains(&ToRoom::Superseded),
        )
    };
    let code = signal::CloseCode::Superseded.code();
    let mut rig = Rig::registered(Here::default());
    rig.net.handle_server_down(&mut rig.cx, &rig.here, SERVER, code);
    assert_eq!(is_told(&mut rig), (true, true));
    // A link speaks against it, as long as there is one.
    for (wait, believed) in [(0, true), (59_000, true), (60_000, false)] {
        let (mut rig, _) = linked(1);
        rig.net.handle_server_down(&mut rig.cx, &rig.here, SERVER, code);
        assert_eq!(is_told(&mut rig), (false, false));
        rig.cx.wait(wait);
        rig.net
            .handle_closed(&mut rig.cx, &rig.here, LinkId(1), LinkEnd::Failed);
        assert_eq!(is_told(&mut rig), (believed, believed));
    }
}

#[test]
fn who_cannot_be_tried_again_on_the_next_socket_is_not_being_connected_with() {
    let (mut rig, above) = offered_on_a_former_socket();
    let cause = Cause::Server(SERVER);
    let (mut scope, attempts) = rig.net.attempts(&mut rig.cx);
    while attempts.may_be_caused(&mut scope, &above, cause) {}
    rig.told();
    rig.register(vec![above]);
    assert_eq!(rig.via(&above), None);
    assert!(rig.told().contains(&link_state(above, LinkState::None)));
}

#[test]
fn a_peer_that_the_server_does_not_know_is_given_up_only_if_the_server_carries_the_attempt() {
    let below = below(1)[0];
    for (via, given_up) in [(Via::Server(SERVER), true), (Via::Mesh, false)] {
        let mut rig = Rig::registered(Here::default());
        rig.start(below);
        rig.net.peers.get_mut(&below).unwrap().set_via(via);
        rig.told();
        let refusal = Refusal::PeerNotHere { to: below };
        rig.signal(signal::Event::Refused { refusal });
        let told = if given_up {
            vec![link_state(below, LinkState::None)]
        } else {
            vec![]
        };
        assert_eq!((rig.told(), rig.via(&below).is_none()), (told, given_up));
    }
}

#[test]
fn what_stands_in_the_way_of_somebody_is_told_until_a_server_says_that_they_are_not_here() {
    let below = below(1)[0];
    let mut rig = Rig::registered(Here::default());
    rig.name(below);
    let started = rig.cx.instant();
    rig.describe(below);
    rig.told();
    // The first offer is not answered, nor is the second.
    for _ in 0..2 {
        let due = rig.net.attempts_due().unwrap();
        rig.cx.wait(due.as_millis() - rig.cx.instant().as_millis());
        rig.net.on_attempts_due(&mut rig.cx, &rig.here);
    }
    rig.told();
    let due = rig.net.attempts_due().unwrap();
    assert_eq!(due.since(started), EXPLAIN_AFTER);
    rig.cx.wait(due.as_millis() - rig.cx.instant().as_millis());
    rig.net.on_attempts_due(&mut rig.cx, &rig.here);
    let blocked = link_state(below, LinkState::Blocked(Obstacle::NoAnswer));
    assert_eq!(rig.told(), std::slice::from_ref(&blocked));
    let refusal = Refusal::PeerNotHere { to: below };
    rig.signal(signal::Event::Refused { refusal });
    assert_eq!(rig.told(), [blocked, link_state(below, LinkState::None)]);
}

#[test]
fn an_attempt_goes_by_mesh_server_and_nearby_in_turn_after_each_failure() {
    let (above, below) = (above(1)[0], below(1)[0]);
    let mut rig = Rig::registered(Here::of([below]));
    rig.link(above, Role::Offerer);
    rig.want(below);
    rig.net.peers.get_mut(&below).unwrap().note_nearby();
    let request = Body::Offer {
        version: signal::PROTOCOL_VERSION,
        round: 0,
        sdp: sdp(),
        urgent: true,
    };
    let failed = || Event::AttemptFailed { peer: below };
    for forwarding in [Forwarding::Learned, Forwarding::Flooded] {
        assert_eq!(rig.offers(below), []);
        let mut told = rig.told();
        let Some(ToRoom::Route {
            to,
            sealed,
            forwarding: by,
        }) = told.pop()
        else {
            panic!("{told:?}");
        };
        assert_eq!(
            (to, by, rig.opened(below, &sealed)),
            (below, forwarding, request.clone())
        );
        assert_eq!(told, [link_state(below, LinkState::Connecting)]);

        rig.say(failed());
        let outputs = rig.offers(below);
        let [
            Output::Signal {
                server: SERVER,
                request: Request::Relay { to, payload },
            },
        ] = &outputs[..]
        else {
            panic!("{outputs:?}");
        };
        assert_eq!((*to, rig.opened(below, payload)), (below, request.clone()));

        rig.say(failed());
        let outputs = rig.offers(below);
        let [Output::Nearby { bytes }] = &outputs[..] else {
            panic!("{outputs:?}");
        };
        let Ok(Nearby::Envelope { to, sealed }) = Nearby::decode(bytes) else {
            panic!("{bytes:?}");
        };
        assert_eq!((to, rig.opened(below, &sealed)), (below, request.clone()));

        rig.say(failed());
        rig.told();
    }
}

#[test]
fn right_after_a_loss_the_server_is_trusted_more_than_the_mesh() {
    let (above, below) = (above(1)[0], below(1)[0]);
    let mut rig = Rig::registered(Here::of([below]));
    rig.link(above, Role::Offerer);
    rig.net.membership.suspect(rig.cx.instant());
    rig.start(below);
    assert_eq!(rig.via(&below), Some(Via::Server(SERVER)));
}

#[test]
fn who_is_refused_without_a_link_asks_the_server_soon_and_seeks_others() {
    let below = below(1)[0];
    for linked in [false, true] {
        let mut rig = Rig::registered(Here::default());
        if linked {
            rig.link(above(1)[0], Role::Offerer);
        }
        rig.net.on_seek_due(&mut rig.cx, &rig.here);
        rig.start(below);
        rig.cx.outputs();
        rig.told();
        rig.say(Event::Refused { peer: below });
        rig.cx.outputs();
        assert_eq!(rig.told(), [link_state(below, LinkState::None)]);
        let soon = rig.net.membership.seek_timeout().since(rig.cx.instant());
        assert!(soon <= rig.cx.timing.crossing_window, "{soon:?}");
        rig.cx.wait(1_000);
        rig.net.on_servers_due(&mut rig.cx, &rig.here);
        let (server, request) = (SERVER, Request::Discover {});
        let asked = if linked {
            vec![]
        } else {
            vec![Output::Signal { server, request }]
        };
        assert_eq!(rig.cx.outputs(), asked);
    }
}

#[test]
fn a_lost_link_is_replaced_only_after_the_room_was_told() {
    let above = above(1)[0];
    let mut rig = Rig::registered(Here::of([above]));
    let link = rig.link(above, Role::Offerer);
    rig.net
        .handle_closed(&mut rig.cx, &rig.here, link, LinkEnd::ClosedByPeer);
    assert_eq!(rig.cx.outputs(), []);
    let (peer, loss) = (above, Loss::Closed);
    assert_eq!(rig.told(), [ToRoom::LinkClosed { link }, ToRoom::Lost { peer, loss }]);
    assert!(rig.proceed());
    assert_eq!(rig.cx.outputs(), [dial(2)], "there is nobody else");
    assert_eq!(rig.told(), [link_state(above, LinkState::Connecting)]);
    assert!(!rig.proceed());
}

#[test]
fn where_there_are_others_one_of_them_is_sought_in_place_of_a_lost_link() {
    let people = above(2);
    let mut rig = Rig::registered(Here::of(people.clone()));
    let link = rig.link(people[0], Role::Offerer);
    rig.net.on_seek_due(&mut rig.cx, &rig.here);
    let attempt = rig.net.peers.get(&people[1]).unwrap().attempt().unwrap().link();
    rig.net.fail(&mut rig.cx, people[1]);
    assert_eq!(rig.cx.outputs(), [dial(2), Output::HangUp { link: attempt }]);
    rig.net
        .handle_closed(&mut rig.cx, &rig.here, link, LinkEnd::ClosedByPeer);
    assert!(rig.proceed());
    assert_eq!(rig.cx.outputs(), []);
    assert_eq!(rig.net.seek_due(&rig.here, rig.cx.instant()), Some(rig.cx.instant()));
    let lost = rig.net.peers.get(&people[0]).unwrap();
    assert!(lost.poll_timeout().is_some_and(|at| at > rig.cx.instant()));
}

#[test]
fn who_leaves_is_replaced_by_the_next_of_its_neighbors_once_the_room_was_told() {
    let people = above(2);
    let (leaving, next) = (people[0], people[1]);
    let (reason, neighbors) = (GoodbyeReason::Leaving, vec![peer(1), next]);
    for (here, outputs) in [(Here::of([next]), vec![dial(2)]), (Here::default(), vec![])] {
        let mut rig = Rig::registered(here);
        let link = rig.link(leaving, Role::Offerer);
        let neighbors = neighbors.clone();
        rig.handle(link, Frame::Goodbye { reason, neighbors });
        assert_eq!(rig.cx.outputs(), [sent(link, &Frame::GoodbyeAck {})]);
        let down = [
            ToRoom::NeighborDown { link },
            ToRoom::Left { peer: leaving },
            link_state(leaving, LinkState::None),
        ];
        assert_eq!(rig.told(), down);
        assert!(rig.proceed());
        assert_eq!(rig.cx.outputs(), outputs, "only whom we know is called");
        assert_eq!(
            rig.told()[..2],
            [ToRoom::NeighborDown { link }, link_state(leaving, LinkState::None)]
        );
        assert!(!rig.net.peers.get(&leaving).unwrap().uses_slot());
    }
}

#[test]
fn the_slot_that_is_freed_is_that_of_the_neighbor_with_most_links() {
    let people = above(3);
    let here = Here(vec![(people[0], 4), (people[1], 7), (people[2], 5)]);
    let mut rig = Rig::registered(here);
    let links: Vec<_> = people.iter().map(|person| rig.link(*person, Role::Offerer)).collect();
    rig.net.free_slot(&mut rig.cx, &rig.here);
    let (reason, neighbors) = (GoodbyeReason::Excess, vec![]);
    assert_eq!(
        rig.cx.outputs(),
        [sent(links[1], &Frame::Goodbye { reason, neighbors })]
    );
    assert_eq!(rig.net.peers.slots_used(), 2);
    rig.net.settle(&mut rig.cx, &rig.here);
    let down = ToRoom::NeighborDown { link: links[1] };
    assert_eq!(rig.told(), [down, link_state(people[1], LinkState::None)]);
}

#[test]
fn ice_restarts_by_a_server_or_another_link_and_else_not_at_all() {
    let people = above(2);
    let restart = |rig: &mut Rig| {
        let link = rig.link(people[0], Role::Offerer);
        rig.say(Event::RestartIce { peer: people[0] });
        (
            matches!(rig.cx.outputs()[..], [Output::RestartIce { link: restarted, .. }] if restarted == link),
            rig.net.peers.get(&people[0]).unwrap().via(),
        )
    };
    let mut rig = Rig::new(Here::default());
    assert_eq!(restart(&mut rig), (false, None));
    assert_eq!(rig.cx.outputs(), []);
    rig.link(people[1], Role::Offerer);
    assert_eq!(restart(&mut rig), (true, Some(Via::Mesh)));
    let mut rig = Rig::registered(Here::default());
    assert_eq!(restart(&mut rig), (true, Some(Via::Server(SERVER))));
}

#[test]
fn no_relay_is_asked_for_whom_others_connect_us_with() {
    let people = above(2);
    let server = |url: &str, login: Option<&str>| IceServer {
        urls: vec![url.into()],
        username: login.map(str::to_owned),
        credential: login.map(str::to_owned),
    };
    let (stun, turn) = (server("stun:example.org", None), server("turn:example.org", Some("x")));
    let mut rig = Rig::registered(Here::of([people[0]]));
    let ice_servers = vec![stun.clone(), turn.clone()];
    rig.signal(signal::Event::IceServers { ice_servers });
    let asked = |rig: &Rig, peer| rig.net.ice_servers_for(&rig.cx, &rig.here, peer);
    assert_eq!(asked(&rig, &people[0]), std::slice::from_ref(&stun));
    assert_eq!(asked(&rig, &people[1]), [stun.clone(), turn.clone()]);
    // Whoever is reached through a relay only has no other way.
    rig.cx.transport_policy = TransportPolicy::Relay;
    assert_eq!(asked(&rig, &people[0]), [stun, turn]);
}

#[test]
fn whoever_is_reached_through_a_relay_only_hands_out_nothing_without_one() {
    let mut rig = Rig::registered(Here::default());
    rig.cx.transport_policy = TransportPolicy::Relay;
    assert_eq!(rig.net.invite(&mut rig.cx), Err(InvitationError::NoRelay));
    assert_eq!(rig.cx.outputs(), []);
    let turn = IceServer {
        urls: vec!["turn:example.org".into()],
        username: Some("x".into()),
        credential: Some("x".into()),
    };
    let ice_servers = vec![turn];
    rig.signal(signal::Event::IceServers { ice_servers });
    assert_eq!(rig.net.invite(&mut rig.cx), Ok(()));
}

#[test]
fn ice_restarts_on_each_link_as_soon_as_the_network_is_back() {
    let people = above(2);
    let mut rig = Rig::registered(Here::default());
    let link = rig.link(people[0], Role::Offerer);
    rig.link(people[1], Role::Answerer);
    let restarted = |rig: &mut Rig, online| {
        rig.net.handle_network(&mut rig.cx, online);
        let restarts =
            |output: &Output| matches!(output, Output::RestartIce { link: restarted, .. } if *restarted == link);
        let outputs = rig.cx.outputs();
        (outputs.iter().any(restarts), outputs.len())
    };
    assert_eq!(restarted(&mut rig, false), (false, 0));
    assert_eq!(
        restarted(&mut rig, true),
        (true, 1),
        "the other side does it for the other"
    );
}

#[test]
fn the_server_is_asked_for_a_sign_of_life_when_all_links_are_silent() {
    let mut rig = Rig::registered(Here::default());
    let ping = Output::Signal {
        server: SERVER,
        request: Request::Ping {},
    };
    for is_asked in [false, true] {
        rig.net.on_servers_due(&mut rig.cx, &rig.here);
        assert_eq!(rig.cx.outputs().contains(&ping), is_asked);
        rig.say(Event::AllSilent);
    }
}

#[test]
fn ice_restarts_by_the_server_through_which_they_met() {
    let (peer, other) = (above(1)[0], ServerId(1));
    let mut rig = Rig::new(Here::default());
    rig.net = Net::new(vec!["one".to_owned(), "other".to_owned()], [1; 32], rig.cx.now);
    rig.register(vec![]);
    let welcome = signal::Event::Welcome {
        room_size: 2,
        peers: vec![peer],
        ice_servers: vec![],
        heartbeat_seconds: 20,
        unix_seconds: 1_800_000_000,
        nodes: None,
    };
    let challenge = signal::Event::Challenge {
        nonce: Nonce::from_bytes([5; 32]),
        version_min: 1,
        version_max: 1,
    };
    for event in [challenge, welcome] {
        rig.net.handle_signal(&mut rig.cx, &rig.here, other, event);
    }
    assert_eq!(rig.via(&peer), Some(Via::Server(other)));
    rig.link(peer, Role::Offerer);
    rig.say(Event::RestartIce { peer });
    assert_eq!(
        rig.net.peers.get(&peer).and_then(|contact| contact.via()),
        Some(Via::Server(other))
    );
}

#[test]
fn an_answer_by_hand_for_which_no_slot_can_be_freed_is_hung_up() {
    let mut rig = Rig::registered(Here::default());
    for person in above(LINKS_MAX) {
        rig.start(person);
    }
    assert_eq!(rig.net.peers.slots_used(), LINKS_MAX);
    let (guest, link) = (peer(99), rig.net.peers.next_link());
    rig.net
        .invitations
        .answer(&mut rig.cx, SessionId::from_bytes([7; 16]), link, guest, "offer");
    rig.cx.outputs();
    rig.net.handle_open(&mut rig.cx, &rig.here, link);
    assert_eq!(rig.cx.outputs(), [Output::HangUp { link }]);
    assert_eq!(rig.net.peers.slots_used(), LINKS_MAX);
}

/// A rig with links to so many people, and one more who is here.
fn linked(links: usize) -> (Rig, PeerId) {
    let people = above(links + 1);
    let (links, holder) = (&people[..links], people[links]);
    let mut rig = Rig::registered(Here(people.iter().map(|person| (*person, 2)).collect()));
    for person in links {
        rig.link(*person, Role::Offerer);
    }
    rig.cx.outputs();
    rig.told();
    (rig, holder)
}

#[test]
fn a_link_for_files_is_made_beyond_what_the_mesh_wants_and_ends_when_it_is_over() {
    let (mut rig, holder) = linked(LINKS_TARGET);
    rig.net.handle_file_link(&mut rig.cx, &rig.here, holder, Sources::Some);
    assert_eq!(rig.cx.outputs(), [dial(6)]);
    rig.told();
    let link = rig.link(holder, Role::Offerer);
    rig.cx.outputs();
    rig.net.handle_file_link_over(&mut rig.cx, &rig.here, holder);
    let reason = GoodbyeReason::Excess;
    let neighbors = vec![];
    assert_eq!(rig.cx.outputs(), [sent(link, &Frame::Goodbye { reason, neighbors })]);
    assert_eq!(
        rig.told(),
        [ToRoom::NeighborDown { link }, link_state(holder, LinkState::None)]
    );
}

#[test]
fn a_link_for_files_that_the_mesh_has_use_for_stays() {
    let (mut rig, holder) = linked(LINKS_TARGET - 1);
    rig.net.handle_file_link(&mut rig.cx, &rig.here, holder, Sources::None);
    rig.link(holder, Role::Offerer);
    rig.cx.outputs();
    rig.net.handle_file_link_over(&mut rig.cx, &rig.here, holder);
    assert_eq!(rig.cx.outputs(), []);
}

#[test]
fn where_no_slot_is_free_a_link_makes_room_for_the_only_source_of_a_file() {
    let (mut rig, holder) = linked(LINKS_MAX);
    rig.net.handle_file_link(&mut rig.cx, &rig.here, holder, Sources::Some);
    assert_eq!(rig.cx.outputs(), []);
    rig.net.handle_file_link(&mut rig.cx, &rig.here, holder, Sources::None);
    let outputs = rig.cx.outputs();
    assert_eq!(outputs.len(), 2, "a goodbye, and an offer");
    assert_eq!(outputs[1], dial(9));
    assert_eq!(rig.net.peers.slots_used(), LINKS_MAX);
}

#[test]
fn with_somebody_who_is_not_here_no_link_for_files_is_made() {
    let (mut rig, _) = linked(1);
    rig.net
        .handle_file_link(&mut rig.cx, &rig.here, peer(99), Sources::None);
    assert_eq!(rig.cx.outputs(), []);
}
