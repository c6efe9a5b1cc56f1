//! Rooms that their founders closed.

use super::*;

/// A room of peer 1, and the founder's statement.
fn founded() -> (RoomKeys, String) {
    let code = RoomCode::Generated {
        secret: [7; 16],
        founder: identity(1).peer_id(),
    };
    let room = code.open();
    let closing = Closing::sign(&identity(1), &room, 5).to_text();
    (room, closing)
}

#[test]
fn the_founder_closes_a_room_for_all_who_are_there_and_all_who_come() {
    let mut bench = Bench::new(Limits::default());
    let (room, closing) = founded();
    let join = |bench: &mut Bench, who: u8| {
        bench.connect(u64::from(who));
        let hello = Hello::sign(&identity(who), &room, HOST, &NONCE);
        bench.request(u64::from(who), Request::from(hello))
    };
    for who in [1, 2] {
        join(&mut bench, who);
    }
    bench.join(3, ROOM);
    let closed = |conn| {
        let closing = closing.clone();
        [
            send(conn, Event::Closed { closing }),
            close(conn, CloseCode::RoomClosed),
        ]
    };
    let request = Request::Close {
        closing: closing.clone(),
    };
    // Whoever has the statement may hand it in.
    assert_eq!(bench.request(2, request), [closed(1), closed(2)].concat());
    assert_eq!(join(&mut bench, 4), closed(4));
    assert_eq!(bench.hub.occupancy().rooms, 1, "the other room goes on");
    bench.now += Limits::default().closing_kept;
    assert!(matches!(
        join(&mut bench, 5)[..],
        [Output::Send {
            event: Event::Welcome { .. },
            ..
        }]
    ));
}

#[test]
fn nobody_else_closes_a_room() {
    let (room, closing) = founded();
    let by_another = Closing::sign(&identity(2), &room, 5).to_text();
    for closing in [by_another, "nonsense".to_owned(), String::new()] {
        let mut bench = Bench::new(Limits::default());
        for who in [1, 2] {
            bench.connect(who);
            let who = u8::try_from(who).unwrap();
            let hello = Hello::sign(&identity(who), &room, HOST, &NONCE);
            bench.request(u64::from(who), Request::from(hello));
        }
        let refused = [refused(2, Refusal::BadSignature {}), close(2, CloseCode::HelloRefused)];
        assert_eq!(bench.request(2, Request::Close { closing }), refused);
        assert_eq!(bench.hub.occupancy().peers, 1);
    }
    // Nor does the founder of one close another.
    let mut bench = Bench::new(Limits::default());
    bench.join(1, ROOM);
    let refused = [refused(1, Refusal::BadSignature {}), close(1, CloseCode::HelloRefused)];
    assert_eq!(bench.request(1, Request::Close { closing }), refused);
}
