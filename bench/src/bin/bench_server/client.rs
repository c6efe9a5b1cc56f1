//! The clients of a benchmark: sockets of either server, idle or busy.

use std::{
    net::{Ipv4Addr, SocketAddr},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{FutureExt, SinkExt, StreamExt};
use shared::{
    Identity, RoomCode,
    signal::{Event, Hello, Request},
};
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::{
    PATIENCE,
    server::{Role, Server},
};

/// Peers of a room among the idle sockets.
const ROOM_PEERS: u32 = 10;

/// Idle sockets that are opened at the same time.
const OPENING_MAX: usize = 64;

/// The size of the signals that are relayed.
const PAYLOAD_BYTES: usize = 1024;

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Opens and registers idle sockets, some of them at the same time.
pub(crate) async fn open_idle(server: &Server, numbers: Range<u32>) -> Result<Vec<Socket>> {
    let mut opened = Vec::new();
    let mut opening = JoinSet::new();
    for number in numbers {
        let (role, address) = (server.role(), server.address());
        opening.spawn(async move { timeout(PATIENCE, open(role, address, number, number / ROOM_PEERS)).await? });
        if opening.len() >= OPENING_MAX
            && let Some(socket) = opening.join_next().await
        {
            opened.push(socket??);
        }
    }
    while let Some(socket) = opening.join_next().await {
        opened.push(socket??);
    }
    Ok(opened)
}

/// Opens a socket and registers it: with our server as peer `number` of `room`, with the bare one as a member of the pair `room`.
pub(crate) async fn open(role: Role, address: SocketAddr, number: u32, room: u32) -> Result<Socket> {
    register(role, TcpStream::connect(address).await?, number, room).await
}

/// The same, from a loopback address of this machine: any of 127.0.0.0/8.
pub(crate) async fn open_at(own: Ipv4Addr, role: Role, address: SocketAddr, number: u32, room: u32) -> Result<Socket> {
    register(role, connect_at(own, address).await?, number, room).await
}

pub(crate) async fn connect_at(own: Ipv4Addr, address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((own, 0).into())?;
    Ok(socket.connect(address).await?)
}

async fn register(role: Role, stream: TcpStream, number: u32, room: u32) -> Result<Socket> {
    let address = stream.peer_addr()?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async(format!("ws://{address}/ws"), stream).await?;
    match role {
        Role::Ours | Role::Public => {
            let challenge = socket.next().await.context("no challenge")??;
            let Event::Challenge { nonce, .. } = serde_json::from_str(challenge.to_text()?)? else {
                bail!("{challenge} instead of a challenge")
            };
            let room = RoomCode::parse(&format!("room {room}"))?.open();
            let hello = Hello::sign(&identity(number), &room, "rooms.example", &nonce);
            socket.send(Message::text(Request::from(hello).to_text())).await?;
        }
        Role::Bare => socket.send(Message::text(room.to_string())).await?,
    }
    socket.next().await.context("not registered")??;
    Ok(socket)
}

/// Sends `first` messages to `to`, then one message for each that arrives. Counts the arrivals in `relayed`.
pub(crate) async fn return_messages(
    role: Role,
    mut socket: Socket,
    to: u32,
    first: usize,
    relayed: Arc<AtomicU64>,
) -> Result<()> {
    let request = Request::Relay {
        to: identity(to).peer_id(),
        payload: "x".repeat(PAYLOAD_BYTES),
    };
    let message = Message::text(request.to_text());
    for _ in 0..first {
        socket.feed(message.clone()).await?;
    }
    socket.flush().await?;
    let mut checked = false;
    while let Some(received) = socket.next().await {
        let mut received = Some(received);
        while let Some(one) = received {
            let one = one?;
            if !checked {
                // A fast server is worth nothing if its messages are wrong. One check is enough: the messages are all alike.
                check_relayed(role, one.to_text()?)?;
                checked = true;
            }
            ensure!(one.len() > PAYLOAD_BYTES, "only relayed messages are expected");
            relayed.fetch_add(1, Ordering::Relaxed);
            socket.feed(message.clone()).await?;
            received = socket.next().now_or_never().flatten();
        }
        socket.flush().await?;
    }
    bail!("the server closed the socket")
}

/// Checks that a message is a payload as a client sends it, in the form in which this server passes it on.
fn check_relayed(role: Role, text: &str) -> Result<()> {
    let payload = match role {
        Role::Ours | Role::Public => match serde_json::from_str(text)? {
            Event::Relayed { payload, .. } => Some(payload),
            Event::Challenge { .. }
            | Event::Welcome { .. }
            | Event::Peers { .. }
            | Event::IceServers { .. }
            | Event::Closed { .. }
            | Event::Refused { .. }
            | Event::Ping {}
            | Event::Pong {}
            | Event::Draining {} => None,
        },
        Role::Bare => match serde_json::from_str(text)? {
            Request::Relay { payload, .. } => Some(payload),
            Request::Hello(_) | Request::Close { .. } | Request::Discover {} | Request::Ping {} | Request::Pong {} => {
                None
            }
        },
    };
    ensure!(
        payload == Some("x".repeat(PAYLOAD_BYTES)),
        "this is no relayed message: {text}"
    );
    Ok(())
}

pub(crate) fn identity(number: u32) -> Identity {
    let mut secret = [1; 32];
    secret[..4].copy_from_slice(&number.to_be_bytes());
    Identity::from_secret(&secret)
}
