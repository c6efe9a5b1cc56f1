//! A client that speaks the protocol of rendezvous servers, and waiting for what has to come.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use shared::{
    Identity, PeerId, Room, RoomCode,
    signal::{Event, Hello, Request},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// What takes longer has failed. Never waited for in a test that passes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Within this time all that went wrong is mended.
pub(crate) const MENDED: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    pub(crate) peer: PeerId,
}

pub(crate) fn identity(number: u16) -> Identity {
    let mut secret = [9; 32];
    secret[..2].copy_from_slice(&number.to_be_bytes());
    Identity::from_secret(&secret)
}

pub(crate) fn open_room(name: &str) -> Room {
    RoomCode::parse(name).expect("a name").open()
}

/// What a client hears last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Event(Event),
    Closed(u16),
}

impl Client {
    /// Connects and says hello; what comes is not waited for.
    pub(crate) async fn greet(address: SocketAddr, identity: &Identity, room: &Room) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server accepts");
        stream.set_nodelay(true).expect("a TCP socket");
        let connected = timeout(PATIENCE, client_async(format!("ws://{address}/ws"), stream)).await;
        let (socket, _) = connected.expect("in time").expect("a WebSocket");
        let peer = identity.peer_id();
        let mut client = Self { socket, peer };
        let Heard::Event(Event::Challenge { nonce, .. }) = client.hear().await else {
            panic!("no challenge")
        };
        let hello = Hello::sign(identity, room, &address.to_string(), &nonce);
        client.send(Request::from(hello)).await;
        client
    }

    /// Connects and registers. Gives what the welcome says of the room.
    pub(crate) async fn join(address: SocketAddr, identity: &Identity, room: &Room) -> (Self, u32, Vec<PeerId>) {
        let mut client = Self::greet(address, identity, room).await;
        match client.hear().await {
            Heard::Event(Event::Welcome { room_size, peers, .. }) => (client, room_size, peers),
            other @ (Heard::Event(_) | Heard::Closed(_)) => panic!("not welcome: {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, request: Request) {
        let message = Message::text(request.to_text());
        let sent = timeout(PATIENCE, self.socket.send(message)).await;
        sent.expect("in time").expect("the server reads");
    }

    pub(crate) async fn relay(&mut self, to: PeerId, payload: &str) {
        let payload = payload.to_owned();
        self.send(Request::Relay { to, payload }).await;
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        timeout(PATIENCE, self.hear_at_last()).await.expect("something comes")
    }

    /// The same, for however long it takes.
    pub(crate) async fn hear_at_last(&mut self) -> Heard {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let event = serde_json::from_str(&text).expect("an event");
                    if event != (Event::Ping {}) {
                        return Heard::Event(event);
                    }
                }
                Some(Ok(Message::Close(Some(frame)))) => return Heard::Closed(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Frame(_) | Message::Close(None)) | Err(_)) | None => {
                    panic!("the server is gone")
                }
            }
        }
    }

    /// Hears a payload, whatever comes before it that is about the room.
    pub(crate) async fn hear_payload(&mut self) -> (PeerId, String) {
        loop {
            match self.hear().await {
                Heard::Event(Event::Relayed { from, payload }) => return (from, payload),
                Heard::Event(Event::Peers { .. }) => {}
                other @ (Heard::Event(_) | Heard::Closed(_)) => panic!("no payload: {other:?}"),
            }
        }
    }

    /// Sends a payload as a page does: once more if it is refused, until it has come.
    pub(crate) async fn reach(&mut self, other: &mut Self, payload: &str) {
        let deadline = Instant::now() + MENDED;
        self.relay(other.peer, payload).await;
        loop {
            let refused = tokio::select! {
                heard = other.hear_payload() => {
                    assert_eq!(heard, (self.peer, payload.to_owned()));
                    return;
                }
                heard = self.hear() => match heard {
                    Heard::Event(Event::Peers { .. }) => false,
                    Heard::Event(Event::Refused { .. }) => true,
                    other @ (Heard::Event(_) | Heard::Closed(_)) => panic!("not expected: {other:?}"),
                },
            };
            if refused {
                assert!(Instant::now() < deadline, "it is refused again and again");
                // Not to flood it with payloads.
                tokio::time::sleep(Duration::from_millis(50)).await;
                self.relay(other.peer, payload).await;
            }
        }
    }

    /// Asks for the size of the room and some peers. What was said without being asked for may come instead.
    pub(crate) async fn discover(&mut self) -> (u32, Vec<PeerId>) {
        self.send(Request::Discover {}).await;
        match self.hear().await {
            Heard::Event(Event::Peers { room_size, peers }) => (room_size, peers),
            other @ (Heard::Event(_) | Heard::Closed(_)) => panic!("no sample: {other:?}"),
        }
    }

    /// Asks until the room has so many peers.
    pub(crate) async fn discover_until(&mut self, size: u32) {
        let deadline = Instant::now() + MENDED;
        loop {
            let (room_size, peers) = self.discover().await;
            if room_size == size && peers.len() == (size as usize - 1).min(8) {
                return;
            }
            assert!(Instant::now() < deadline, "the room has {room_size} peers, not {size}");
            // Not to flood it with questions.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Looks again and again until it holds.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFnMut() -> bool) {
    within(MENDED, what, holds).await;
}

/// The same for what may take longer, or not as long.
pub(crate) async fn within(time: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + time;
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
