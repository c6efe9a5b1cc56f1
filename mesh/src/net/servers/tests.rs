//! Two servers, fed by hand.

use shared::signal::Nonce;

use super::*;
use crate::context::test::peer;

const ONE: ServerId = ServerId(0);
const OTHER: ServerId = ServerId(1);

fn servers(cx: &Context) -> Servers {
    Servers::new(vec!["one".to_owned(), "other".to_owned()], [1; 32], cx.now)
}

fn register(servers: &mut Servers, cx: &mut Context, server: ServerId, room_size: u32) {
    let challenge = signal::Event::Challenge {
        nonce: Nonce::from_bytes([5; 32]),
        version_min: 1,
        version_max: 1,
    };
    let welcome = signal::Event::Welcome {
        room_size,
        peers: vec![peer(2)],
        ice_servers: vec![],
        heartbeat_seconds: 20,
        unix_seconds: 1_800_000_000,
        nodes: None,
    };
    servers.handle_event(cx, server, challenge);
    servers.handle_event(cx, server, welcome);
}

#[test]
fn all_servers_are_connected_at_once() {
    let mut cx = Context::test(1);
    let mut servers = servers(&cx);
    assert_eq!(servers.poll_timeout(false), Some(cx.instant()));
    servers.handle_timeout(&mut cx, false);
    let outputs = cx.outputs();
    for (server, address) in [(ONE, "one"), (OTHER, "other")] {
        assert!(outputs.contains(&Output::ConnectServer {
            server,
            address: address.to_owned()
        }));
    }
    assert_eq!(servers.registered(), None);
}

#[test]
fn the_largest_size_counts_and_the_first_registered_server_takes_requests() {
    let mut cx = Context::test(1);
    let mut servers = servers(&cx);
    servers.handle_timeout(&mut cx, false);
    register(&mut servers, &mut cx, OTHER, 7);
    assert_eq!((servers.registered(), servers.room_size()), (Some(OTHER), 7));
    let (peers, unix_millis) = (vec![peer(2)], 1_800_000_000_000);
    assert_eq!(servers.poll_event(), Some(Event::Clock { unix_millis }));
    assert_eq!(servers.poll_event(), Some(Event::Peers { server: OTHER, peers }));
    cx.outputs();
    servers.request(&mut cx, ONE, Request::Ping {});
    let request = Request::Ping {};
    assert_eq!(cx.outputs(), [Output::Signal { server: OTHER, request }]);
    register(&mut servers, &mut cx, ONE, 3);
    assert_eq!((servers.registered(), servers.room_size()), (Some(ONE), 7));
}

#[test]
fn a_closing_is_handed_in_where_we_are_registered_and_where_we_shall_be() {
    let mut cx = Context::test(1);
    let mut servers = servers(&cx);
    servers.handle_timeout(&mut cx, false);
    register(&mut servers, &mut cx, OTHER, 7);
    cx.outputs();
    let closing = Closing::sign(&cx.identity, &cx.room, 5);
    let request = Request::Close {
        closing: closing.to_text(),
    };
    servers.hand_in(&mut cx, &closing);
    let handed_in = |server| Output::Signal {
        server,
        request: request.clone(),
    };
    assert_eq!(cx.outputs(), [handed_in(OTHER)]);
    register(&mut servers, &mut cx, ONE, 1);
    assert!(cx.outputs().contains(&handed_in(ONE)));
}

#[test]
fn without_a_registered_server_a_request_goes_nowhere() {
    let mut cx = Context::test(1);
    let servers = servers(&cx);
    servers.request(&mut cx, ONE, Request::Ping {});
    assert_eq!(cx.outputs(), []);
}

#[test]
fn an_unknown_server_is_ignored_and_open_sockets_are_closed_at_the_end() {
    let mut cx = Context::test(1);
    let mut servers = servers(&cx);
    servers.handle_timeout(&mut cx, false);
    servers.handle_down(&mut cx, OTHER, 1006);
    cx.outputs();
    servers.handle_event(&mut cx, ServerId(9), signal::Event::Ping {});
    servers.close(&mut cx);
    assert_eq!(cx.outputs(), [Output::DisconnectServer { server: ONE }]);
}

mod nodes;
