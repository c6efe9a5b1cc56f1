//! Servers of one network, which a server has named.

use super::*;
use crate::{
    config::{NODE_LEFT_AFTER, NODE_RETRY_MAX},
    model::ServerState,
};

const HOME: ServerId = ServerId(0);
const FIRST: ServerId = ServerId(1);
const SECOND: ServerId = ServerId(2);
const THIRD: ServerId = ServerId(3);
const ABNORMAL: u16 = 1006;

struct Rig {
    servers: Servers,
    cx: Context,
}

fn address(node: &str) -> String {
    format!("wss://{node}/ws")
}

fn nodes(servers: &[&str], stay_at: u8) -> Nodes {
    Nodes {
        servers: servers.iter().map(|node| address(node)).collect(),
        stay_at,
    }
}

impl Rig {
    /// Came to `home`, and is about to connect.
    fn new() -> Self {
        let cx = Context::test(1);
        let servers = Servers::new(vec![address("home")], [1; 32], cx.now);
        let mut rig = Self { servers, cx };
        assert_eq!(rig.elapse(0), [HOME]);
        rig
    }

    /// Is registered at home, whose welcome has named these.
    fn named(servers: &[&str], stay_at: u8) -> Self {
        let mut rig = Self::new();
        rig.welcome(HOME, Some(nodes(servers, stay_at)));
        rig
    }

    /// Lets time go by, step by step; gives the servers that are to be connected, in order.
    fn elapse(&mut self, millis: u64) -> Vec<ServerId> {
        let end = self.cx.now.instant + Duration::from_millis(millis);
        while let Some(due) = self.servers.poll_timeout(false).filter(|due| *due <= end) {
            self.cx.now.instant = self.cx.now.instant.max(due);
            self.servers.handle_timeout(&mut self.cx, false);
            for server in self.registered() {
                // They answer pings.
                self.servers.handle_event(&mut self.cx, server, signal::Event::Pong {});
            }
        }
        self.cx.now.instant = end;
        let outputs = self.cx.outputs().into_iter();
        outputs
            .filter_map(|output| {
                let Output::ConnectServer { server, .. } = output else {
                    return None;
                };
                Some(server)
            })
            .collect()
    }

    fn challenge(&mut self, server: ServerId) {
        let challenge = signal::Event::Challenge {
            nonce: Nonce::from_bytes([5; 32]),
            version_min: 1,
            version_max: 1,
        };
        self.servers.handle_event(&mut self.cx, server, challenge);
    }

    fn welcome(&mut self, server: ServerId, nodes: Option<Nodes>) {
        // No answer comes at once.
        self.cx.now.instant = self.cx.now.instant + Duration::from_millis(1);
        self.challenge(server);
        let welcome = signal::Event::Welcome {
            room_size: 1,
            peers: vec![],
            ice_servers: vec![IceServer {
                urls: vec![format!("stun:server{}", server.0)],
                username: None,
                credential: None,
            }],
            heartbeat_seconds: 20,
            unix_seconds: 1_800_000_000,
            nodes,
        };
        self.servers.handle_event(&mut self.cx, server, welcome);
    }

    fn down(&mut self, server: ServerId, code: u16) {
        self.servers.handle_down(&mut self.cx, server, code);
    }

    fn shown(&self, server: ServerId) -> ServerState {
        self.servers.all[usize::from(server.0)].shown()
    }

    fn registered(&self) -> Vec<ServerId> {
        (0..4)
            .map(ServerId)
            .filter(|server| self.servers.is_registered(*server))
            .collect()
    }

    fn superseded(&mut self) -> bool {
        std::iter::from_fn(|| self.servers.poll_event()).any(|event| event == Event::Superseded)
    }
}

#[test]
fn a_node_moves_to_the_first_at_once_and_leaves_home_when_that_has_it() {
    let mut rig = Rig::named(&["first", "second"], 1);
    assert_eq!(rig.elapse(0), [FIRST], "and no spare");
    assert_eq!(rig.registered(), [HOME], "make before break");
    rig.welcome(FIRST, Some(nodes(&["first", "second"], 1)));
    assert_eq!(rig.registered(), [HOME, FIRST]);
    assert_eq!(rig.servers.registered(), Some(FIRST));
    assert_eq!(rig.servers.ice_servers()[0].urls, ["stun:server1"]);
    assert_eq!(rig.elapse(u64::try_from(NODE_LEFT_AFTER.as_millis()).unwrap()), []);
    assert_eq!(rig.registered(), [FIRST]);
    assert_eq!(rig.shown(HOME), ServerState::Spare);
    assert_eq!(rig.elapse(600_000), [], "and it stays there");
}

#[test]
fn who_came_to_the_right_one_stays() {
    let mut rig = Rig::named(&["home", "second"], 1);
    assert_eq!(rig.elapse(600_000), []);
    assert_eq!(rig.registered(), [HOME]);
}

#[test]
fn a_first_that_is_not_reached_keeps_nobody_from_staying_and_is_tried_ever_less_often() {
    let mut rig = Rig::named(&["first"], 1);
    let mut waits = Vec::new();
    assert_eq!(rig.elapse(0), [FIRST]);
    for _ in 0..12 {
        rig.down(FIRST, ABNORMAL);
        let before = rig.cx.now.instant;
        while rig.elapse(50).is_empty() {}
        waits.push(rig.cx.now.instant.since(before));
        assert_eq!(rig.registered(), [HOME]);
    }
    assert!(waits[0] <= Duration::from_millis(600), "{waits:?}");
    let longest = NODE_RETRY_MAX + Duration::from_millis(100);
    assert!(
        waits[10..]
            .iter()
            .all(|wait| (NODE_RETRY_MAX / 2..longest).contains(wait)),
        "{waits:?}"
    );
}

#[test]
fn when_the_first_is_gone_the_second_has_everybody_within_a_second_and_the_first_is_taken_back() {
    let mut rig = Rig::named(&["first", "second"], 1);
    rig.elapse(0);
    rig.welcome(FIRST, None);
    rig.elapse(600_000);
    rig.down(FIRST, ABNORMAL);
    let tried = rig.elapse(1_000);
    assert!(tried.contains(&SECOND) && !tried.contains(&HOME), "{tried:?}");
    rig.welcome(SECOND, None);
    assert_eq!(rig.registered(), [SECOND]);
    rig.down(FIRST, ABNORMAL);
    while rig.elapse(100).is_empty() {}
    rig.welcome(FIRST, None);
    rig.elapse(600_000);
    assert_eq!(rig.registered(), [FIRST]);
}

#[test]
fn where_all_named_are_gone_home_takes_everybody() {
    let mut rig = Rig::named(&["first", "second"], 1);
    rig.elapse(0);
    rig.welcome(FIRST, None);
    rig.elapse(600_000);
    rig.down(FIRST, ABNORMAL);
    let mut tried = rig.elapse(1_000);
    rig.down(SECOND, ABNORMAL);
    tried.extend(rig.elapse(1_000));
    assert!(tried.contains(&SECOND) && tried.contains(&HOME), "{tried:?}");
}

#[test]
fn a_server_that_closes_the_socket_of_who_is_at_a_better_one_supersedes_nobody() {
    for welcomed in [false, true] {
        let mut rig = Rig::named(&["first", "second"], 1);
        rig.elapse(0);
        // The first one may have told the others before it tells us.
        rig.challenge(FIRST);
        if welcomed {
            rig.welcome(FIRST, None);
        }
        rig.down(HOME, CloseCode::Superseded.code());
        assert!(!rig.superseded());
        assert_eq!(rig.shown(HOME), ServerState::Spare);
        if !welcomed {
            // And if the first one dies before it has welcomed anybody, somebody else does.
            rig.down(FIRST, ABNORMAL);
            let tried = rig.elapse(1_000);
            assert!(tried.contains(&SECOND), "{tried:?}");
        }
    }
}

#[test]
fn whoever_lives_by_our_key_is_not_fought_with_at_one_server_after_the_other() {
    for stay_at in [1, 2] {
        let mut rig = Rig::named(&["first", "second"], stay_at);
        rig.elapse(0);
        rig.welcome(FIRST, None);
        if stay_at == 2 {
            rig.welcome(SECOND, None);
        }
        rig.down(FIRST, CloseCode::Superseded.code());
        assert!(rig.superseded());
        assert_eq!(rig.elapse(600_000), []);
        assert_eq!(rig.registered(), []);
    }
}

#[test]
fn among_strangers_two_are_kept_and_a_third_takes_the_place_of_one_that_is_gone() {
    let mut rig = Rig::named(&["first", "second", "third"], 2);
    assert_eq!(rig.elapse(0), [FIRST, SECOND]);
    rig.welcome(FIRST, None);
    rig.elapse(60_000);
    assert_eq!(rig.registered(), [HOME, FIRST], "one is not enough to leave home");
    rig.down(SECOND, ABNORMAL);
    while !rig.elapse(100).contains(&SECOND) {}
    rig.welcome(SECOND, None);
    rig.elapse(60_000);
    assert_eq!(rig.registered(), [FIRST, SECOND]);
    rig.down(FIRST, ABNORMAL);
    assert_eq!(rig.registered(), [SECOND], "nobody has to come back");
    assert!(rig.elapse(1_000).contains(&THIRD));
}

#[test]
fn a_node_that_is_named_later_is_gone_to_and_the_one_before_left() {
    let mut rig = Rig::named(&["home"], 1);
    rig.down(HOME, ABNORMAL);
    rig.elapse(1_000);
    rig.welcome(HOME, Some(nodes(&["new", "home"], 1)));
    assert_eq!(rig.elapse(0), [FIRST]);
    rig.welcome(FIRST, None);
    rig.elapse(60_000);
    assert_eq!(rig.registered(), [FIRST]);
}

#[test]
fn servers_that_name_each_other_send_nobody_to_and_fro() {
    let mut rig = Rig::named(&["first", "home"], 1);
    assert_eq!(rig.elapse(0), [FIRST]);
    rig.welcome(FIRST, Some(nodes(&["home", "first"], 1)));
    assert_eq!(rig.elapse(600_000), []);
    assert_eq!(rig.registered(), [HOME]);
}

#[test]
fn what_may_not_be_named_and_what_is_of_another_network_is_left_out() {
    let cx = Context::test(1);
    let addresses = vec![address("home"), address("other")];
    let servers = Servers::new(addresses, [1; 32], cx.now);
    let mut rig = Rig { servers, cx };
    rig.elapse(0);
    let mut named = nodes(&["other", "node"], 1);
    named.servers.push("ws://node/ws".to_owned());
    rig.welcome(HOME, Some(named));
    assert_eq!(rig.servers.all.len(), 3);
    assert_eq!(rig.elapse(0), [ServerId(2)]);
}

#[test]
fn however_many_are_named_a_node_knows_a_bounded_number() {
    let mut rig = Rig::named(&["n0", "n1", "n2"], 1);
    for round in 0..40 {
        rig.down(HOME, ABNORMAL);
        while !rig.elapse(100).contains(&HOME) {}
        let names: Vec<String> = (0..3).map(|node| format!("n{round}-{node}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        rig.welcome(HOME, Some(nodes(&names, 1)));
        for place in 1..rig.servers.all.len() {
            rig.down(ServerId(u8::try_from(place).unwrap()), ABNORMAL);
        }
        assert!(rig.servers.all.len() <= SERVERS_KNOWN_MAX);
    }
}

#[test]
fn at_the_end_every_socket_is_closed_and_no_other() {
    let mut rig = Rig::named(&["first", "second"], 1);
    rig.elapse(0);
    rig.servers.close(&mut rig.cx);
    let closed = [HOME, FIRST].map(|server| Output::DisconnectServer { server });
    assert_eq!(rig.cx.outputs(), closed);
}
