//! Strangers at the door, over real sockets.

use std::time::{Duration, UNIX_EPOCH};

use futures_util::{SinkExt as _, StreamExt as _};
use shared::{
    Identity, RoomCode,
    limits::SIGNAL_MESSAGE_BYTES_MAX,
    signal::{Event, Hello, Refusal, Request},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

use super::*;

type Socket = WebSocketStream<TcpStream>;

const PATIENCE: Duration = Duration::from_secs(20);

fn identity(who: u8) -> Identity {
    Identity::from_secret(&[who; 32])
}

fn code() -> RoomCode {
    RoomCode::parse("a room with a door").unwrap()
}

async fn door() -> Listener {
    let host = RoomHost {
        room: code().open().id(),
        peer: identity(1).peer_id(),
    };
    Listener::start("127.0.0.1:0".parse().unwrap(), host).await.unwrap()
}

async fn connect(door: &Listener) -> Result<Socket, Error> {
    let stream = TcpStream::connect(door.address()).await?;
    Ok(client_async(door.url(), stream).await?.0)
}

async fn next(socket: &mut Socket) -> Option<Event> {
    let message = timeout(PATIENCE, socket.next()).await.expect("something comes")?;
    match message.ok()? {
        Message::Text(text) => Some(serde_json::from_str(&text).unwrap()),
        Message::Close(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => None,
    }
}

async fn send(socket: &mut Socket, request: &Request) {
    let text = serde_json::to_string(request).unwrap();
    socket.send(Message::text(text)).await.unwrap();
}

/// Comes in, or hears why not.
async fn come(door: &Listener, who: u8, room: &RoomCode) -> (Socket, Event) {
    let mut socket = connect(door).await.unwrap();
    let Some(Event::Challenge { nonce, .. }) = next(&mut socket).await else {
        panic!("no challenge")
    };
    let hello = Hello::sign(&identity(who), &room.open(), "localhost", &nonce);
    send(&mut socket, &hello.into()).await;
    let answer = next(&mut socket).await.unwrap();
    (socket, answer)
}

fn is_welcome(answer: &Event, size: u32) -> bool {
    matches!(answer, Event::Welcome { room_size, .. } if *room_size == size)
}

#[tokio::test]
async fn people_of_the_room_are_introduced_and_those_of_others_are_not() {
    let door = door().await;
    let (_host, answer) = come(&door, 1, &code()).await;
    assert!(is_welcome(&answer, 1), "{answer:?}");
    let (mut ann, answer) = come(&door, 2, &code()).await;
    let host = identity(1).peer_id();
    assert!(
        matches!(&answer, Event::Welcome { peers, .. } if *peers == [host]),
        "{answer:?}"
    );
    let (mut ben, _) = come(&door, 3, &code()).await;
    let (payload, to) = ("sealed".to_owned(), identity(2).peer_id());
    send(&mut ben, &Request::Relay { to, payload }).await;
    let from = identity(3).peer_id();
    let payload = "sealed".to_owned();
    assert_eq!(next(&mut ann).await, Some(Event::Relayed { from, payload }));
    let (_, answer) = come(&door, 4, &RoomCode::parse("another").unwrap()).await;
    let refusal = Refusal::ServerFull {};
    assert_eq!(answer, Event::Refused { refusal });
    // Nobody takes the place of the host, not even the host itself.
    let (_, answer) = come(&door, 1, &code()).await;
    let refusal = Refusal::AlreadyRegistered {};
    assert_eq!(answer, Event::Refused { refusal });
}

/// Reads as many bytes as are expected, and compares them.
async fn expect(stream: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    let read = timeout(PATIENCE, stream.read_exact(&mut bytes)).await;
    read.expect("so many bytes come").unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(expected));
}

/// A text message of 126 to 65,535 bytes as a server sends it (RFC 6455 §5.2), or under 126.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let head = match u8::try_from(length) {
        Ok(short) if short < 126 => vec![0x81, short],
        _ => [&[0x81, 126], &length.to_be_bytes()[..]].concat(),
    };
    [&head, text.as_bytes()].concat()
}

/// The same as a client sends it, under a mask of zeros.
fn masked(text: &str) -> Vec<u8> {
    let mut bytes = frame(text);
    bytes[1] |= 0x80;
    let head = bytes.len() - text.len();
    bytes.splice(head..head, [0; 4]);
    bytes
}

#[tokio::test]
async fn the_bytes_of_an_exchange_are_these() {
    let door = door().await;
    let mut stream = TcpStream::connect(door.address()).await.unwrap();
    // The key and the answer to it of RFC 6455 §1.3.
    let request = "GET /ws HTTP/1.1\r\nhost: peer.example:8001\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "{head}"
    );

    // 43 letters of a nonce, which nobody can foresee.
    let challenge =
        |nonce: &str| format!("{{\"challenge\":{{\"nonce\":\"{nonce}\",\"version-min\":2,\"version-max\":2}}}}");
    let length = challenge(&"x".repeat(43)).len();
    expect(&mut stream, &[0x81, u8::try_from(length).unwrap()]).await;
    let mut text = vec![0; length];
    stream.read_exact(&mut text).await.unwrap();
    let Event::Challenge { nonce, .. } = serde_json::from_slice(&text).unwrap() else {
        panic!("no challenge")
    };
    assert_eq!(String::from_utf8(text).unwrap(), challenge(&nonce.to_text()));
    let hello = Request::from(Hello::sign(&identity(2), &code().open(), "peer.example:8001", &nonce));
    stream
        .write_all(&masked(&serde_json::to_string(&hello).unwrap()))
        .await
        .unwrap();
    let welcome =
        r#"{"welcome":{"room-size":1,"peers":[],"ice-servers":[],"heartbeat-seconds":15,"unix-seconds":1234567890}}"#;
    let frame_of_it = frame(welcome);
    let (known, time) = frame_of_it.split_at(frame_of_it.len() - "1234567890}}".len());
    expect(&mut stream, known).await;
    let mut said = vec![0; time.len()];
    stream.read_exact(&mut said).await.unwrap();
    let said: u64 = String::from_utf8(said)
        .unwrap()
        .strip_suffix("}}")
        .unwrap()
        .parse()
        .unwrap();
    assert!(UNIX_EPOCH.elapsed().unwrap().as_secs().abs_diff(said) < 60, "{said}");

    let (mut ben, _) = come(&door, 3, &code()).await;
    let [two, three] = [2, 3].map(|who| identity(who).peer_id());
    let relay = format!(
        "{{\"relay\":{{\"to\":\"{}\",\"payload\":\"sealed\"}}}}",
        three.to_text()
    );
    stream.write_all(&masked(&relay)).await.unwrap();
    let payload = "sealed".to_owned();
    assert_eq!(next(&mut ben).await, Some(Event::Relayed { from: two, payload }));
    let payload = "back".to_owned();
    send(&mut ben, &Request::Relay { to: two, payload }).await;
    let relayed = format!(
        "{{\"relayed\":{{\"from\":\"{}\",\"payload\":\"back\"}}}}",
        three.to_text()
    );
    expect(&mut stream, &frame(&relayed)).await;
    stream.write_all(&masked(r#"{"discover":{}}"#)).await.unwrap();
    let peers = format!("{{\"peers\":{{\"room-size\":2,\"peers\":[\"{}\"]}}}}", three.to_text());
    expect(&mut stream, &frame(&peers)).await;
}

#[tokio::test]
async fn whatever_strangers_send_costs_them_alone() {
    let door = door().await;
    let (mut ann, _) = come(&door, 2, &code()).await;
    let garbage: Vec<u8> = (0..60_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for bytes in [
        &garbage[..],
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"POST /ws HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(door.address()).await.unwrap();
        // It may be closed before all of it is taken.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let ended = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "such a connection ends");
        assert!(!answer.starts_with(b"HTTP/1.1 101"));
    }
    for text in ["{}".to_owned(), "x".repeat(SIGNAL_MESSAGE_BYTES_MAX + 1)] {
        let mut socket = connect(&door).await.unwrap();
        for _ in 0..20 {
            if socket.send(Message::text(text.clone())).await.is_err() {
                break;
            }
        }
        let ended = timeout(PATIENCE, async { while let Some(Ok(_)) = socket.next().await {} }).await;
        assert!(ended.is_ok(), "such a socket ends");
    }
    let (_ben, answer) = come(&door, 3, &code()).await;
    assert!(is_welcome(&answer, 2), "{answer:?}");
    send(&mut ann, &Request::Ping {}).await;
    assert_eq!(next(&mut ann).await, Some(Event::Pong {}));
}

#[tokio::test]
async fn one_address_has_a_bounded_number_of_sockets_and_who_is_in_stays() {
    let door = door().await;
    let (mut ann, _) = come(&door, 2, &code()).await;
    let mut sockets = Vec::new();
    let refused = loop {
        match connect(&door).await {
            Ok(socket) => sockets.push(socket),
            Err(error) => break error,
        }
        assert!(sockets.len() < PEERS_PER_ADDRESS_MAX, "more than there may be");
    };
    assert!(
        matches!(&refused, Error::Http(answer) if answer.status() == 503),
        "{refused}"
    );
    assert_eq!(sockets.len(), PEERS_PER_ADDRESS_MAX - 1);
    send(&mut ann, &Request::Ping {}).await;
    assert_eq!(next(&mut ann).await, Some(Event::Pong {}));
    // Whoever says nothing is not waited for.
    for mut socket in sockets {
        let ended = timeout(PATIENCE, async { while let Some(Ok(_)) = socket.next().await {} }).await;
        assert!(ended.is_ok(), "a silent socket ends");
    }
    let (_ben, answer) = come(&door, 3, &code()).await;
    assert!(is_welcome(&answer, 2), "{answer:?}");
}
