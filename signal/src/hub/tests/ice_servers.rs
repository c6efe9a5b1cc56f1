//! Which ICE servers a client is told of, and when again.

use super::*;
use crate::config::{StunAnnouncement, Turn, TurnSecret};

#[test]
fn a_welcome_names_our_own_stun_ports_at_the_host_of_the_hello_unless_every_machine_reaches_itself_by_it() {
    for (stun_host, host, urls) in [
        (None, HOST, &["stun:rooms.example:8080", "stun:rooms.example:8081"][..]),
        (None, "localhost:8080", &[]),
        (None, "", &[]),
        (
            Some("stun.example"),
            "localhost:8080",
            &["stun:stun.example:8080", "stun:stun.example:8081"],
        ),
    ] {
        let stun = StunAnnouncement {
            host: stun_host.map(str::to_owned),
            ports: vec![8080, 8081],
        };
        let mut bench = Bench::with(Limits::default(), IceServers::new(Some(stun), None, Vec::new()));
        bench.connect(1);
        let hello = Hello::sign(&identity(1), &room(ROOM), host, &NONCE);
        let outputs = bench.request(1, Request::from(hello));
        let [
            Output::Send {
                event: Event::Welcome { ice_servers, .. },
                ..
            },
        ] = &outputs[..]
        else {
            panic!("not welcome: {outputs:?}")
        };
        let named: Vec<&String> = ice_servers.iter().flat_map(|server| &server.urls).collect();
        assert_eq!(named, urls, "{host}");
    }
}

/// A bench whose clients are named a STUN port and a TURN server.
fn bench_with_turn() -> Bench {
    let stun = StunAnnouncement {
        host: None,
        ports: vec![8080],
    };
    let turn = Turn {
        urls: vec!["turn:turn.example:3478".parse().unwrap()],
        secret: TurnSecret::new(b"north wind").unwrap(),
    };
    Bench::with(Limits::default(), IceServers::new(Some(stun), Some(turn), Vec::new()))
}

/// The one client that is sent ICE servers, and until when its login is good, in seconds since 1970. All else of them is checked.
fn login_until(outputs: &[Output]) -> (ConnId, u64) {
    let [
        Output::Send {
            to,
            event: Event::Welcome { ice_servers, .. } | Event::IceServers { ice_servers },
        },
    ] = outputs
    else {
        panic!("no ICE servers: {outputs:?}")
    };
    let urls: Vec<&String> = ice_servers.iter().flat_map(|server| &server.urls).collect();
    assert_eq!(urls, ["stun:rooms.example:8080", "turn:turn.example:3478"]);
    let (until, name) = ice_servers[1].username.as_ref().unwrap().split_once(':').unwrap();
    assert_eq!(name, &identity(u8::try_from(to.0).unwrap()).peer_id().to_text()[..8]);
    (*to, until.parse().unwrap())
}

#[test]
fn a_client_is_given_a_login_for_an_hour_and_a_newer_one_each_half_hour() {
    let mut bench = bench_with_turn();
    let half = Limits::default().turn_lifetime / 2;
    assert_eq!(login_until(&bench.join(1, ROOM)), (ConnId(1), START + 3_600));
    bench.now += half - Duration::from_secs(1);
    assert_eq!(bench.request(1, Request::Pong {}), []);
    for halves in 1..4 {
        assert_eq!(bench.advance(Duration::ZERO), [], "not before it is due");
        let outputs = bench.advance(Duration::from_secs(1));
        let until = START + halves * half.as_secs() + 3_600;
        assert_eq!(login_until(&outputs), (ConnId(1), until));
        assert_eq!(bench.advance(Duration::ZERO), []);
        bench.now += half - Duration::from_secs(1);
        bench.request(1, Request::Pong {});
    }
}

#[test]
fn a_client_that_goes_is_given_no_newer_login_and_one_that_is_late_gets_one_only() {
    let mut bench = bench_with_turn();
    bench.join(1, ROOM);
    bench.join(2, ROOM);
    bench.hub.disconnect(bench.now, ConnId(1));
    bench.connect(12);
    bench.hello(12, 2, ROOM);
    // The timer comes hours late.
    bench.now += Limits::default().turn_lifetime * 3;
    bench.request(12, Request::Pong {});
    let outputs = bench.advance(Duration::ZERO);
    let [
        Output::Send {
            to: ConnId(12),
            event: Event::IceServers { .. },
        },
    ] = &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    bench.hub.drain(usize::MAX, &mut bench.outbox);
    for conn in [2, 12] {
        bench.hub.disconnect(bench.now, ConnId(conn));
    }
    bench.outputs();
    assert_eq!(bench.advance(Limits::default().turn_lifetime), []);
    assert_eq!(bench.hub.poll_timeout(), None);
}
