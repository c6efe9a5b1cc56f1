//! Who answers at a bootnode's address, and is not who should.

use std::time::{Duration, UNIX_EPOCH};

use client::{notice::NoticeKind, room::RoomState};
use futures_util::{SinkExt as _, StreamExt as _};
use mesh::model::{Alert, PersonState};
use shared::{
    Identity, PeerId, RoomCode,
    signal::{Event, Nonce, PROTOCOL_VERSION, Request},
};
use tests::native::{Peer, identities};
use tokio::{
    net::{TcpListener, TcpStream},
    task::LocalSet,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

type Socket = WebSocketStream<TcpStream>;

async fn send(socket: &mut Socket, event: &Event) {
    let text = serde_json::to_string(event).unwrap();
    socket.send(Message::text(text)).await.unwrap();
}

async fn next(socket: &mut Socket) -> Request {
    let next = timeout(Duration::from_secs(10), socket.next()).await;
    let text = next.unwrap().unwrap().unwrap().into_text().unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Takes a newcomer in, and names somebody.
async fn welcome(socket: &mut Socket, named: PeerId) -> PeerId {
    let challenge = Event::Challenge {
        nonce: Nonce::from_bytes([7; 32]),
        version_min: PROTOCOL_VERSION,
        version_max: PROTOCOL_VERSION,
    };
    send(socket, &challenge).await;
    let Request::Hello(hello) = next(socket).await else {
        panic!("no hello")
    };
    let welcome = Event::Welcome {
        room_size: 2,
        peers: vec![named],
        ice_servers: Vec::new(),
        heartbeat_seconds: 20,
        unix_seconds: u32::try_from(UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap(),
        nodes: None,
    };
    send(socket, &welcome).await;
    hello.peer
}

fn is_told_of_tampering(room: &RoomState) -> bool {
    room.notices.iter().any(|pinned| {
        matches!(
            &pinned.notice.kind,
            NoticeKind::Alert {
                alert: Alert::Tampering { .. },
                ..
            }
        )
    })
}

#[tokio::test]
async fn who_does_not_hold_the_key_that_it_names_is_not_linked_with() {
    let all = async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let code = RoomCode::parse("imposters").unwrap();
        let [ann, ben] = <[_; 2]>::try_from(identities(2)).unwrap();
        let ben: Identity = ben;
        let named = ben.peer_id();
        let mut ann = Peer::enter(ann, "Ann", &code, &url).await;
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        assert_eq!(welcome(&mut socket, named).await, ann.id);
        // What Ann has for Ben is sealed: all that can be done is to give it back, alter it, or make something up.
        let offer = loop {
            if let Request::Relay { to, payload } = next(&mut socket).await {
                assert_eq!(to, named);
                break payload;
            }
        };
        let mut altered = offer.clone().into_bytes();
        altered[80] ^= 1;
        let altered = String::from_utf8_lossy(&altered).into_owned();
        for payload in [offer, altered, "AAAA".repeat(200), String::new(), "{}".to_owned()] {
            send(&mut socket, &Event::Relayed { from: named, payload }).await;
        }
        ann.until("what was made up", is_told_of_tampering).await;
        let room = ann.session.room();
        let states: Vec<_> = room.people.iter().map(|person| (person.state, person.linked)).collect();
        let is_sought = |state: &(PersonState, bool)| *state == (PersonState::Connecting, false);
        assert!(states.iter().all(is_sought), "{states:?}");
        // And what is no message at all does nothing.
        for text in [
            "",
            "{",
            "[]",
            r#"{"welcome":{}}"#,
            r#"{"relayed":{"from":"x","payload":1}}"#,
        ] {
            socket.send(Message::text(text)).await.unwrap();
        }
        send(&mut socket, &Event::Ping {}).await;
        while !matches!(next(&mut socket).await, Request::Pong {}) {}
        ann.leave().await;
    };
    LocalSet::new().run_until(all).await;
}
