//! One server, fed by hand.

use chacha20::rand_core::SeedableRng;
use shared::signal::{Nonce, Refusal};

use super::*;

struct Rig {
    server: Registration,
    rng: ChaCha20Rng,
    cx: Context,
}

/// A page is young: nothing may count on a time before it began.
const START: Instant = Instant::from_millis(1);

impl Rig {
    fn new() -> Self {
        Self {
            server: Registration::new("server".to_owned(), 0, START),
            rng: ChaCha20Rng::from_seed([1; 32]),
            cx: Context::test(1),
        }
    }

    fn timeout(&mut self, now: Instant) -> Vec<Action> {
        self.timeout_wanting(true, now)
    }

    fn timeout_wanting(&mut self, wants_peers: bool, now: Instant) -> Vec<Action> {
        let mut out = Vec::new();
        self.cx.now.instant = now;
        self.server
            .handle_timeout(&self.cx, wants_peers, &mut self.rng, &mut out);
        out
    }

    fn event(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        self.cx.now.instant = now;
        self.server.handle_event(&self.cx, event, &mut self.rng, &mut out);
        out
    }

    fn down(&mut self, now: Instant, code: u16) -> Vec<Action> {
        let mut out = Vec::new();
        self.cx.now.instant = now;
        self.server.handle_down(&self.cx, code, &mut self.rng, &mut out);
        out
    }

    fn register(&mut self) {
        self.timeout(START);
        self.event(START, challenge());
        self.event(START, welcome(vec![]));
        assert!(self.server.is_registered());
    }
}

fn challenge() -> Event {
    Event::Challenge {
        nonce: Nonce::from_bytes([5; 32]),
        version_min: 1,
        version_max: 1,
    }
}

fn welcome(peers: Vec<PeerId>) -> Event {
    Event::Welcome {
        room_size: 1,
        peers,
        ice_servers: vec![],
        heartbeat_seconds: 20,
        unix_seconds: 1_800_000_000,
        nodes: None,
    }
}

fn peer(byte: u8) -> PeerId {
    PeerId::from_bytes([byte; 32])
}

fn ice_server(url: &str) -> IceServer {
    IceServer {
        urls: vec![url.to_owned()],
        username: None,
        credential: None,
    }
}

/// A TURN server with a login that ends.
fn turn_server(username: &str) -> IceServer {
    IceServer {
        username: Some(username.to_owned()),
        credential: Some("credential".to_owned()),
        ..ice_server("turn:example.org")
    }
}

#[test]
fn ice_servers_that_no_browser_takes_are_left_out() {
    let mut rig = Rig::new();
    rig.timeout(START);
    rig.event(START, challenge());
    let event = Event::Welcome {
        room_size: 1,
        peers: vec![],
        ice_servers: vec![
            ice_server("nonsense"),
            ice_server("stun:example.org"),
            ice_server("turn:example.org"),
        ],
        heartbeat_seconds: 20,
        unix_seconds: 1_800_000_000,
        nodes: None,
    };
    rig.event(START, event);
    assert_eq!(rig.server.ice_servers(), [ice_server("stun:example.org")]);
}

#[test]
fn newer_ice_servers_replace_those_of_the_welcome_while_registered() {
    let mut rig = Rig::new();
    let named = |ice_servers| Event::IceServers { ice_servers };
    rig.timeout(START);
    rig.event(START, named(vec![turn_server("early")]));
    rig.event(START, challenge());
    rig.event(START, named(vec![turn_server("before the welcome")]));
    assert_eq!(rig.server.ice_servers(), []);
    rig.event(START, welcome(vec![]));
    let newer = vec![
        ice_server("nonsense"),
        turn_server("first"),
        ice_server("turn:example.org"),
    ];
    assert_eq!(rig.event(START, named(newer)), []);
    assert_eq!(rig.server.ice_servers(), [turn_server("first")]);
    rig.event(START, named(vec![turn_server("many"); ICE_SERVERS_MAX + 1]));
    assert_eq!(rig.server.ice_servers(), vec![turn_server("many"); ICE_SERVERS_MAX]);
    rig.down(START, 1006);
    rig.event(START, named(vec![turn_server("late")]));
    assert_eq!(rig.server.ice_servers()[0], turn_server("many"));
}

#[test]
fn a_challenge_is_answered_and_a_welcome_names_peers() {
    let mut rig = Rig::new();
    assert_eq!(
        rig.timeout(START),
        [Action::Connect, Action::Changed(ServerState::Connecting)]
    );
    let hello = rig.event(START, challenge());
    let [Action::Send(Request::Hello(hello))] = &hello[..] else {
        panic!("{hello:?}");
    };
    assert_eq!(hello.host, "server", "no other server can use it");
    assert_eq!(
        rig.event(START, welcome(vec![peer(1)])),
        [
            Action::Changed(ServerState::Registered { room_size: 1 }),
            Action::Clock {
                unix_millis: 1_800_000_000_000
            },
            Action::Peers(vec![peer(1)])
        ]
    );
}

#[test]
fn a_room_that_a_server_says_is_closed_is_told_and_the_server_left_alone_for_a_while() {
    let mut rig = Rig::new();
    rig.timeout(START);
    rig.event(START, challenge());
    let closing = Closing::sign(&rig.cx.identity, &rig.cx.room, 5);
    let closed = |text: &str| Event::Closed {
        closing: text.to_owned(),
    };
    let actions = rig.event(START, closed(&closing.to_text()));
    assert_eq!(actions[0], Action::Disconnect);
    assert_eq!(actions[2..], [Action::Closed(closing)]);
    assert!(rig.server.poll_timeout(false) > Some(START + Duration::from_secs(14)));
    assert_eq!(rig.event(START, closed("again")), []);
}

#[test]
fn a_welcome_nobody_asked_for_is_ignored() {
    let mut rig = Rig::new();
    assert_eq!(rig.event(START, welcome(vec![peer(1)])), []);
    assert_eq!(rig.event(START, challenge()), []);
}

#[test]
fn a_server_that_comes_back_is_tried_within_ten_seconds_and_not_all_the_time() {
    let mut rig = Rig::new();
    let mut now = START;
    let mut waits = Vec::new();
    for _ in 0..12 {
        rig.timeout(now);
        rig.down(now, 1006);
        let retry_at = rig.server.poll_timeout(true).unwrap();
        waits.push(retry_at.since(now));
        now = retry_at;
    }
    assert!(
        waits
            .iter()
            .all(|wait| *wait >= Duration::from_millis(250) && *wait <= Duration::from_secs(8)),
        "{waits:?}"
    );
    assert!(
        waits[8..].iter().all(|wait| *wait >= Duration::from_secs(4)),
        "{waits:?}"
    );
}

#[test]
fn a_silent_server_is_pinged_then_given_up() {
    let mut rig = Rig::new();
    rig.register();
    assert!(
        rig.timeout(START + Duration::from_secs(20))
            .contains(&Action::Send(Request::Ping {}))
    );
    let out = rig.timeout(START + Duration::from_secs(50));
    assert!(
        matches!(
            out[..],
            [Action::Disconnect, Action::Changed(ServerState::Waiting { .. })]
        ),
        "{out:?}"
    );
}

#[test]
fn a_superseded_or_outdated_client_stops() {
    let mut rig = Rig::new();
    rig.register();
    let out = rig.down(START, CloseCode::Superseded.code());
    assert_eq!(out, [Action::Changed(ServerState::Stopped), Action::Superseded]);
    assert_eq!(rig.server.poll_timeout(true), None);

    let mut rig = Rig::new();
    rig.timeout(START);
    let refusal = Refusal::UnsupportedVersion {
        version_min: 2,
        version_max: 3,
    };
    let out = rig.event(START, Event::Refused { refusal });
    assert!(out.contains(&Action::Alert(Alert::ServerVersion {
        version_min: 2,
        version_max: 3
    })));
    assert_eq!(rig.server.poll_timeout(true), None);
}

#[test]
fn a_full_room_is_said_and_tried_again_later() {
    let mut rig = Rig::new();
    rig.timeout(START);
    rig.event(START, challenge());
    let out = rig.event(
        START,
        Event::Refused {
            refusal: Refusal::RoomFull {},
        },
    );
    assert!(out.contains(&Action::Alert(Alert::RoomFull)));
    assert_eq!(rig.down(START, 4007), []);
    assert!(rig.server.poll_timeout(true).unwrap() >= START + Duration::from_secs(15));
}

#[test]
fn after_the_network_came_back_a_dead_socket_is_noticed_within_seconds() {
    let mut rig = Rig::new();
    rig.register();
    let later = START + Duration::from_secs(5);
    rig.server.handle_network(later, false, &rig.cx.timing);
    rig.server.handle_network(later, true, &rig.cx.timing);
    assert!(rig.timeout(later).contains(&Action::Send(Request::Ping {})));
    assert!(
        rig.timeout(later + Duration::from_secs(3))
            .contains(&Action::Disconnect)
    );
}

#[test]
fn only_a_node_that_wants_peers_asks_for_them() {
    let mut rig = Rig::new();
    rig.register();
    let later = START + Duration::from_secs(16);
    assert_eq!(rig.timeout_wanting(false, later), []);
    assert_eq!(rig.timeout(later), [Action::Send(Request::Discover {})]);
    assert_eq!(rig.timeout(later), []);
}
