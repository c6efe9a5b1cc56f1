//! What somebody could do who wants the server, or somebody in a room, to be out of reach. Bounded in rate and in time: see [`Attack::begin`].

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::Result;
use futures_util::{FutureExt, SinkExt, StreamExt};
use shared::signal::Request;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{interval, sleep},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::numbers;
use crate::{
    client::{connect_at, identity, open_at},
    ours::LARGE_FILE,
    server::Role,
};

/// Addresses of an attack from many, each with this part of the rate.
pub(super) const ADDRESSES: u8 = 50;
const PART: u32 = 20;

/// How many attackers from one address do together what these do.
pub(super) fn full_rates(addresses: u8) -> f64 {
    if addresses == 1 {
        1.0
    } else {
        f64::from(addresses) / f64::from(PART)
    }
}

/// Between two connections of one address: enough to fill a server within the time that does not count whose they are.
const CONNECTION_PACE: Duration = Duration::from_millis(2);

/// Between two handshakes of one address.
const HANDSHAKE_PACE: Duration = Duration::from_millis(5);

/// Sockets of one address that flood.
const FLOODERS: u32 = 4;

/// The pause of a flooder that was refused, and between two writes of one among many.
const PAUSE: Duration = Duration::from_millis(50);

/// Connections of one address that ask without end.
const ASKING: u32 = 64;

const LARGE_PAYLOAD_BYTES: usize = 60_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    /// Connections that ask for much and read nothing.
    Unread,
    /// Connections that say nothing.
    Idle,
    /// Requests one behind the other, as fast as they are answered.
    Requests,
    /// Handshakes, far more than an address has places for.
    Handshakes,
    /// Large payloads for one member of a room, without end.
    Relays,
    /// One message in empty fragments, without end.
    Fragments,
}

impl Attack {
    pub(super) const ALL: [Self; 6] = [
        Self::Unread,
        Self::Idle,
        Self::Requests,
        Self::Handshakes,
        Self::Relays,
        Self::Fragments,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unread => "answers that are not read, 500 connections/s",
            Self::Idle => "connections that say nothing, 500/s",
            Self::Requests => "requests without end, 64 connections",
            Self::Handshakes => "handshakes, 200/s",
            Self::Relays => "60 KB payloads for one member",
            Self::Fragments => "messages in endless empty fragments",
        }
    }

    /// Begins the attack, from one address with all its might or from several. It ends with the tasks.
    pub(super) fn begin(self, address: SocketAddr, addresses: u8) -> JoinSet<()> {
        let slower = if addresses == 1 { 1 } else { PART };
        let mut attackers = JoinSet::new();
        for number in 1..=addresses {
            let own = Ipv4Addr::new(127, 3, 0, number);
            match self {
                Self::Unread => {
                    let request = format!("GET /{LARGE_FILE} HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(10);
                    attackers.spawn(connect_for_ever(own, address, request, CONNECTION_PACE * slower));
                }
                Self::Idle => {
                    attackers.spawn(connect_for_ever(own, address, String::new(), CONNECTION_PACE * slower));
                }
                Self::Requests => {
                    let (connections, pause) = if addresses == 1 {
                        (ASKING, Duration::ZERO)
                    } else {
                        (ASKING / PART, PAUSE)
                    };
                    for _ in 0..connections {
                        attackers.spawn(async move {
                            loop {
                                _ = ask_for_ever(own, address).await;
                                sleep(pause).await;
                            }
                        });
                    }
                }
                Self::Handshakes => {
                    attackers.spawn(greet_for_ever(own, address, HANDSHAKE_PACE * slower));
                }
                Self::Relays | Self::Fragments => {
                    // A twentieth of four sockets' rate: one that pauses.
                    let (flooders, pause) = if addresses == 1 {
                        (FLOODERS, Duration::ZERO)
                    } else {
                        (1, PAUSE)
                    };
                    for flooder in 0..flooders {
                        attackers.spawn(async move {
                            loop {
                                // Whatever ends a socket, the next one follows.
                                _ = match self {
                                    Self::Relays => send_large(own, address, number.into(), flooder, pause).await,
                                    Self::Unread | Self::Idle | Self::Requests | Self::Handshakes | Self::Fragments => {
                                        send_fragments(own, address, pause).await
                                    }
                                };
                                sleep(PAUSE).await;
                            }
                        });
                    }
                }
            }
        }
        attackers
    }
}

async fn connect_for_ever(own: Ipv4Addr, address: SocketAddr, request: String, pace: Duration) {
    let (mut pace, mut connections) = (interval(pace), Vec::new());
    loop {
        pace.tick().await;
        if let Ok(mut stream) = connect_at(own, address).await
            && stream.write_all(request.as_bytes()).await.is_ok()
        {
            connections.push(stream);
        }
    }
}

/// Asks, reads all answers and asks again, until the server ends the connection.
async fn ask_for_ever(own: Ipv4Addr, address: SocketAddr) -> Result<()> {
    let requests = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(20);
    let (mut stream, mut answers) = (connect_at(own, address).await?, vec![0; 64 * 1024]);
    loop {
        stream.write_all(requests.as_bytes()).await?;
        if stream.read(&mut answers).await? == 0 {
            return Ok(());
        }
    }
}

async fn open_socket(own: Ipv4Addr, address: SocketAddr) -> Result<WebSocketStream<TcpStream>> {
    let stream = connect_at(own, address).await?;
    Ok(client_async(format!("ws://{address}/ws"), stream).await?.0)
}

async fn greet_for_ever(own: Ipv4Addr, address: SocketAddr, pace: Duration) {
    let (mut pace, mut sockets) = (interval(pace), Vec::new());
    loop {
        pace.tick().await;
        sockets.extend(open_socket(own, address).await);
    }
}

/// Sends to the second of the first pair until the server has had enough.
async fn send_large(own: Ipv4Addr, address: SocketAddr, number: u32, flooder: u32, pause: Duration) -> Result<()> {
    let peer = 2_000_000 + number * FLOODERS + flooder;
    let mut socket = open_at(own, Role::Public, address, peer, 1).await?;
    let request = Request::Relay {
        to: identity(numbers(1)[1]).peer_id(),
        payload: "x".repeat(LARGE_PAYLOAD_BYTES),
    };
    let message = Message::text(request.to_text());
    loop {
        socket.send(message.clone()).await?;
        while let Some(Some(answer)) = socket.next().now_or_never() {
            answer?;
        }
        sleep(pause).await;
    }
}

async fn send_fragments(own: Ipv4Addr, address: SocketAddr, pause: Duration) -> Result<()> {
    let mut socket = open_socket(own, address).await?;
    let stream = socket.get_mut();
    stream.write_all(&[0x01, 0x81, 0, 0, 0, 0, b'{']).await?;
    let empty = [0x00, 0x80, 0, 0, 0, 0].repeat(10_000);
    loop {
        stream.write_all(&empty).await?;
        sleep(pause).await;
    }
}
