//! Limits, floods, silence and slow readers.

use super::*;

#[test]
fn full_rooms_and_servers_refuse() {
    let limits = Limits {
        connections_max: 4,
        rooms_max: 1,
        peers_per_room_max: 2,
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    bench.join_alone(1, ROOM);
    bench.join_alone(2, ROOM);
    let full = |conn, refusal| [refused(conn, refusal), close(conn, CloseCode::Full)];
    assert_eq!(bench.join_alone(3, ROOM), full(3, Refusal::RoomFull {}));
    assert_eq!(bench.join_alone(4, OTHER_ROOM), full(4, Refusal::ServerFull {}));
    assert_eq!(bench.try_connect(5, address(5)), Err(Refusal::ServerFull {}));
    for conn in [3, 4, 1] {
        bench.hub.disconnect(bench.now, ConnId(conn));
    }
    assert_eq!(bench.join_alone(6, ROOM), [welcome(6, 2, vec![identity(2).peer_id()])]);
}

#[test]
fn who_hosts_a_room_serves_no_other_and_keeps_its_own_place() {
    let host = RoomHost {
        room: room(ROOM).id(),
        peer: identity(1).peer_id(),
    };
    let mut bench = Bench::new(Limits {
        room_host: Some(host),
        ..Limits::default()
    });
    bench.join_alone(1, ROOM);
    bench.join_alone(2, ROOM);
    let full = [refused(3, Refusal::ServerFull {}), close(3, CloseCode::Full)];
    assert_eq!(bench.join_alone(3, OTHER_ROOM), full);
    // It has come to itself by another address.
    bench.connect(4);
    assert_eq!(bench.hello(4, 1, ROOM), [refused(4, Refusal::AlreadyRegistered {})]);
    // Anybody else resumes as everywhere.
    bench.connect(5);
    let superseded = close(2, CloseCode::Superseded);
    assert!(bench.hello(5, 2, ROOM).contains(&superseded));
}

#[test]
fn an_address_has_its_own_limits() {
    let limits = Limits {
        connections_per_address_max: 2,
        address_rate: Rate::new(10, 3),
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    bench.connect(1);
    bench.connect(2);
    assert_eq!(bench.try_connect(3, address(1)), Err(Refusal::ServerFull {}));
    assert_eq!(bench.try_connect(4, address(2)), Ok(()));
    // Going and coming again does not refill the bucket.
    for conn in 1..=2 {
        bench.hub.disconnect(bench.now, ConnId(conn));
    }
    bench.connect(5);
    let refusal = Refusal::TooFast {
        retry_after_millis: 100,
    };
    assert_eq!(bench.try_connect(6, address(1)), Err(refusal));
    for conn in 4..=5 {
        bench.hub.disconnect(bench.now, ConnId(conn));
    }
    assert!(!bench.hub.addresses.is_empty());
    bench.advance(Duration::from_secs(1));
    assert!(bench.hub.addresses.is_empty(), "but in the end it is forgotten");
    assert_eq!(bench.hub.poll_timeout(), None);
}

#[test]
fn an_address_takes_no_more_places_than_it_leaves() {
    let limits = Limits {
        connections_max: 20,
        peers_per_room_max: 10,
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    for who in 1..=10 {
        bench.connect(u64::from(who));
        let outputs = bench.hello(u64::from(who), who, ROOM);
        let full = [
            refused(who.into(), Refusal::RoomFull {}),
            close(who.into(), CloseCode::Full),
        ];
        assert_eq!(outputs == full, who > 5, "{who}");
    }
    assert_eq!(bench.try_connect(12, address(1)), Err(Refusal::ServerFull {}));
    assert_eq!(
        bench.hub.occupancy(),
        Occupancy {
            connections: 10,
            rooms: 1,
            peers: 5
        }
    );
    bench.outputs();
    assert!(matches!(bench.join_alone(20, ROOM)[..], [Output::Send { .. }]));
}

#[test]
fn registrations_are_rated_by_address() {
    let limits = Limits {
        registration_rate: Rate::new(10, 3),
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    for who in 1..=3 {
        bench.join(who, ROOM);
    }
    let refusal = Refusal::TooFast {
        retry_after_millis: 100,
    };
    assert_eq!(bench.join(4, ROOM), [refused(4, refusal), close(4, CloseCode::TooFast)]);
    assert!(matches!(bench.join_alone(5, ROOM)[..], [Output::Send { .. }]));
    bench.advance(Duration::from_millis(100));
    assert!(matches!(bench.join(6, ROOM)[..], [Output::Send { .. }]));
}

#[test]
fn bytes_are_rated_as_messages_are() {
    let limits = Limits {
        socket_bytes_rate: Rate::new(1_000, 5_000),
        address_bytes_rate: Rate::new(1_000, 8_000),
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    bench.join(1, ROOM);
    bench.join(2, ROOM);
    let too_fast = |conn, retry_after_millis| refused(conn, Refusal::TooFast { retry_after_millis });
    let pong = |conn| send(conn, Event::Pong {});
    assert_eq!(bench.request_of(1, Request::Ping {}, 4_900), [pong(1)]);
    assert_eq!(bench.request_of(1, Request::Ping {}, 1_000), [too_fast(1, 1_000)]);
    // The other has its own bytes as a socket, and shares those of the address.
    assert_eq!(bench.request_of(2, Request::Ping {}, 4_000), [too_fast(2, 1_100)]);
    assert_eq!(bench.request_of(2, Request::Ping {}, 900), [pong(2)]);
}

#[test]
fn a_flood_is_refused_then_closed() {
    let limits = Limits {
        socket_rate: Rate::new(10, 5),
        too_fast_strikes_max: 3,
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    bench.join(1, ROOM);
    for _ in 0..4 {
        assert_eq!(bench.request(1, Request::Ping {}), [send(1, Event::Pong {})]);
    }
    let refusal = refused(
        1,
        Refusal::TooFast {
            retry_after_millis: 100,
        },
    );
    let refusal = std::slice::from_ref(&refusal);
    assert_eq!(bench.request(1, Request::Ping {}), refusal);
    assert_eq!(bench.request(1, Request::Ping {}), refusal);
    bench.advance(Duration::from_millis(100));
    assert_eq!(
        bench.request(1, Request::Ping {}),
        [send(1, Event::Pong {})],
        "one is forgiven"
    );
    assert_eq!(bench.request(1, Request::Ping {}), refusal);
    assert_eq!(
        bench.request(1, Request::Ping {}),
        [refusal[0].clone(), close(1, CloseCode::TooFast)]
    );
    assert_eq!(bench.request(1, Request::Ping {}), []);
}

#[test]
fn garbage_is_refused_then_closed() {
    let limits = Limits {
        malformed_strikes_max: 2,
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    bench.connect(1);
    let mut garbage = || {
        bench.hub.handle_malformed(bench.now, ConnId(1), 100, &mut bench.outbox);
        bench.outbox.drain().collect::<Vec<_>>()
    };
    assert_eq!(garbage(), [refused(1, Refusal::Malformed {})]);
    assert_eq!(
        garbage(),
        [refused(1, Refusal::Malformed {}), close(1, CloseCode::Malformed)]
    );
    assert_eq!(garbage(), []);
}

#[test]
fn whoever_says_no_hello_is_closed_whatever_else_it_says() {
    let mut bench = Bench::new(Limits::default());
    bench.connect(1);
    assert_eq!(bench.advance(Duration::from_secs(9)), []);
    bench.request(1, Request::Ping {});
    assert_eq!(
        bench.advance(Duration::from_secs(1)),
        [close(1, CloseCode::HelloTimeout)]
    );
    assert_eq!(bench.hub.poll_timeout(), None);
}

#[test]
fn silence_is_answered_with_three_pings_and_a_close() {
    let mut bench = Bench::new(Limits::default());
    let heartbeat = Limits::default().heartbeat;
    bench.join(1, ROOM);
    bench.join(2, ROOM);
    for _ in 0..PINGS_MAX {
        assert_eq!(bench.hub.poll_timeout(), Some(bench.now + heartbeat));
        assert_eq!(
            bench.advance(heartbeat),
            [send(1, Event::Ping {}), send(2, Event::Ping {})]
        );
        assert_eq!(bench.request(2, Request::Pong {}), []);
    }
    assert_eq!(
        bench.advance(heartbeat),
        [close(1, CloseCode::HeartbeatMissed), send(2, Event::Ping {})]
    );
    let gone = Refusal::PeerNotHere {
        to: identity(1).peer_id(),
    };
    assert_eq!(bench.request(2, relay(1)), [refused(2, gone)]);
}

#[test]
fn early_and_repeated_timeouts_do_nothing() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    assert_eq!(bench.advance(Duration::from_secs(14)), []);
    assert_eq!(bench.advance(Duration::from_secs(1)), [send(1, Event::Ping {})]);
    assert_eq!(bench.advance(Duration::ZERO), []);
}

#[test]
fn a_slow_reader_is_closed_and_the_sender_told() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    bench.join(2, ROOM);
    let outputs = bench.request(1, relay(2));
    let [Output::Relay { event, .. }] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    bench.hub.handle_slow_reader(ConnId(2), Some(event), &mut bench.outbox);
    let busy = Refusal::PeerBusy {
        to: identity(2).peer_id(),
    };
    assert_eq!(bench.outputs(), [refused(1, busy), close(2, CloseCode::SlowReader)]);
}

#[test]
fn a_full_queue_is_told_to_the_sender_and_the_recipient_stays() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    bench.join(2, ROOM);
    bench.hub.handle_full_queue(ConnId(2), ConnId(1), &mut bench.outbox);
    let busy = Refusal::PeerBusy {
        to: identity(2).peer_id(),
    };
    assert_eq!(bench.outputs(), [refused(1, busy)]);
    assert!(matches!(bench.request(1, relay(2))[..], [Output::Relay { .. }]));
}

#[test]
fn a_message_in_pieces_without_end_closes() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    bench.hub.handle_endless(ConnId(1), &mut bench.outbox);
    assert_eq!(bench.outputs(), [close(1, CloseCode::Malformed)]);
}
