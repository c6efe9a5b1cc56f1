//! The clients of a benchmark: sockets of any server, idle or busy.

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
use serde_json::{Value, json};
use shared::{
    Identity, RoomCode,
    signal::{Event, Hello, Request},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::{
    PATIENCE,
    server::{Role, Server},
    tls::Certificate,
};

/// Peers of a room among the idle sockets.
const ROOM_PEERS: u32 = 10;

/// Idle sockets that are opened at the same time.
const OPENING_MAX: usize = 64;

/// The size of the signals that are relayed.
pub(crate) const PAYLOAD_BYTES: usize = 1024;

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Who is registered on a socket.
pub(crate) struct Member<S = TcpStream> {
    pub(crate) socket: WebSocketStream<S>,
    /// As others name it to the server.
    pub(crate) name: String,
}

/// Opens and registers idle sockets, some of them at the same time. What is given keeps them open.
pub(crate) async fn open_idle(
    server: &Server,
    certificate: &Arc<Certificate>,
    numbers: Range<u32>,
) -> Result<Vec<Box<dyn Send>>> {
    let mut opened = Vec::new();
    let mut opening = JoinSet::new();
    for number in numbers {
        let (role, address, certificate) = (server.role(), server.address(), Arc::clone(certificate));
        opening.spawn(async move {
            let room = number / ROOM_PEERS;
            let stream = TcpStream::connect(address).await?;
            let idle: Box<dyn Send> = if role == Role::Tls {
                Box::new(
                    timeout(
                        PATIENCE,
                        register(role, address, certificate.connect(stream).await?, number, room),
                    )
                    .await??,
                )
            } else {
                Box::new(timeout(PATIENCE, register(role, address, stream, number, room)).await??)
            };
            Ok::<_, anyhow::Error>(idle)
        });
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

/// Opens a socket and registers it: with our server as peer `number` of `room`, with others as somebody in a room of that number.
pub(crate) async fn open(role: Role, address: SocketAddr, number: u32, room: u32) -> Result<Member> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    register(role, address, stream, number, room).await
}

/// The same, from a loopback address of this machine: any of 127.0.0.0/8.
pub(crate) async fn open_at(own: Ipv4Addr, role: Role, address: SocketAddr, number: u32, room: u32) -> Result<Socket> {
    let stream = connect_at(own, address).await?;
    stream.set_nodelay(true)?;
    Ok(register(role, address, stream, number, room).await?.socket)
}

pub(crate) async fn connect_at(own: Ipv4Addr, address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((own, 0).into())?;
    Ok(socket.connect(address).await?)
}

async fn register<S>(role: Role, address: SocketAddr, stream: S, number: u32, room: u32) -> Result<Member<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let path = match role {
        Role::Ours | Role::Tls | Role::Public | Role::Bare | Role::Axum => "ws".to_owned(),
        Role::Matchbox => format!("room{room}"),
        Role::PeerJs => format!("peerjs?key=peerjs&id=p{number}&token=t"),
    };
    let (mut socket, _) = client_async(format!("ws://{address}/{path}"), stream).await?;
    let mut name = String::new();
    match role {
        Role::Ours | Role::Tls | Role::Public => {
            let challenge = socket.next().await.context("no challenge")??;
            let Event::Challenge { nonce, .. } = serde_json::from_str(challenge.to_text()?)? else {
                bail!("{challenge} instead of a challenge")
            };
            let room = RoomCode::parse(&format!("room {room}"))?.open();
            let identity = identity(number);
            name = identity.peer_id().to_text();
            let hello = Hello::sign(&identity, &room, "rooms.example", &nonce);
            socket.send(Message::text(Request::from(hello).to_text())).await?;
        }
        Role::Bare | Role::Axum => socket.send(Message::text(room.to_string())).await?,
        Role::Matchbox | Role::PeerJs => {}
    }
    let welcome = socket.next().await.context("not registered")??;
    match role {
        Role::Matchbox => {
            let event: Value = serde_json::from_str(welcome.to_text()?)?;
            event["IdAssigned"].as_str().context("no id")?.clone_into(&mut name);
        }
        Role::PeerJs => ensure!(welcome.to_text()?.contains("OPEN"), "{welcome} instead of a welcome"),
        Role::Ours | Role::Tls | Role::Public => {
            let event = serde_json::from_str(welcome.to_text()?)?;
            ensure!(matches!(event, Event::Welcome { .. }), "{welcome} instead of a welcome");
        }
        Role::Bare | Role::Axum => {}
    }
    Ok(Member { socket, name })
}

/// Two who can relay to each other.
pub(crate) async fn open_pair(server: &Server, numbers: [u32; 2], room: u32) -> Result<[Member; 2]> {
    let [one, other] = numbers.map(|number| open(server.role(), server.address(), number, room));
    let (mut one, other) = (one.await?, other.await?);
    if server.role() == Role::Matchbox {
        // The first is told of the second.
        one.socket.next().await.context("not told")??;
    }
    Ok([one, other])
}

/// The message that has the server hand a payload to the one of this name.
pub(crate) fn to_relay(role: Role, to: &str) -> Result<Message> {
    let payload = "x".repeat(PAYLOAD_BYTES);
    let to = match role {
        Role::Matchbox => {
            let signal = json!({"Signal": {"receiver": to, "data": payload}});
            return Ok(Message::text(signal.to_string()));
        }
        Role::Ours | Role::Tls | Role::Public => to.parse()?,
        // They look at nothing of it.
        Role::Bare | Role::Axum | Role::PeerJs => identity(0).peer_id(),
    };
    Ok(Message::text(Request::Relay { to, payload }.to_text()))
}

/// Sends so many messages from one to the other at once, and reads them there.
pub(crate) async fn send_burst(role: Role, from: &mut Member, to: &mut Member, count: usize) -> Result<()> {
    let message = to_relay(role, &to.name)?;
    for _ in 0..count {
        from.socket.feed(message.clone()).await?;
    }
    from.socket.flush().await?;
    for _ in 0..count {
        let heard = to.socket.next().await.context("thrown out")??;
        ensure!(heard.len() > PAYLOAD_BYTES, "only relayed messages are expected");
    }
    Ok(())
}

/// Sends `first` messages to `to`, then one message for each that arrives. Counts the arrivals in `relayed`.
pub(crate) async fn return_messages(
    role: Role,
    mut socket: Socket,
    to: String,
    first: usize,
    relayed: Arc<AtomicU64>,
) -> Result<()> {
    let message = to_relay(role, &to)?;
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
    let message: Value = serde_json::from_str(text)?;
    let payload = match role {
        Role::Matchbox => &message["Signal"]["data"],
        Role::Ours | Role::Tls | Role::Public => &message["relayed"]["payload"],
        Role::Bare | Role::Axum | Role::PeerJs => &message["relay"]["payload"],
    };
    ensure!(
        payload.as_str() == Some(&"x".repeat(PAYLOAD_BYTES)),
        "this is no relayed message: {text}"
    );
    Ok(())
}

pub(crate) fn identity(number: u32) -> Identity {
    let mut secret = [1; 32];
    secret[..4].copy_from_slice(&number.to_be_bytes());
    Identity::from_secret(&secret)
}
