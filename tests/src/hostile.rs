//! A rendezvous server that cannot be trusted: a proxy before the real one that serves the real app, knows a room's code, and
//! does mischief with the messages that it carries.
//!
//! The proxy can do all that a server in possession of the room's key could do. The proxy cannot sign for anyone.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use futures_util::{SinkExt, StreamExt};
use mesh::wire::envelope::{Body, Envelope};
use shared::{
    Identity, PeerId, Room, SessionId,
    signal::{CloseCode, Event, Hello, PROTOCOL_VERSION, Refusal, Request},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream, accept_async, client_async,
    tungstenite::{Message, protocol::CloseFrame},
};

/// The fingerprint of a certificate that somebody in the middle would have.
const FOREIGN_FINGERPRINT: [&str; 32] = ["AB"; 32];

/// The misbehaviour of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// Nothing.
    None,
    /// Puts an offer of its own, with its own certificate and in the name of the sender, in place of all that it carries: the proxy has the
    /// room's key, but what is sealed to a peer it cannot open.
    PutOffers,
    /// Changes one character of every payload.
    Corrupt,
    /// Says that it serves another version only, and refuses every hello.
    OtherVersion,
}

/// A running proxy; ended when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
}

struct State {
    mischief: Mischief,
    room: Option<Room>,
    rng: ChaCha20Rng,
    /// How many messages were tampered with.
    done: usize,
    /// Everything relayed so far: recipient and payload.
    recorded: Vec<(PeerId, Event)>,
    /// The sockets of registered peers.
    sockets: Vec<(PeerId, UnboundedSender<Event>)>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "before {}", self.upstream)
    }
}

impl Proxy {
    /// Starts a proxy before `upstream` that does `mischief`.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start(upstream: SocketAddr, mischief: Mischief) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            state: Mutex::new(State {
                mischief,
                room: None,
                rng: ChaCha20Rng::from_seed([7; 32]),
                done: 0,
                recorded: Vec::new(),
                sockets: Vec::new(),
            }),
        });
        let carrier = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&carrier);
                // A broken connection is the business of its two ends.
                tokio::spawn(async move { drop(carry(stream, &shared).await) });
            }
        });
        Ok(Self { address, shared, task })
    }

    /// The address of the start page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Tells the proxy a room's code.
    pub fn betray(&self, room: Room) {
        self.shared.state().room = Some(room);
    }

    /// From now on the proxy does `mischief`.
    pub fn turn(&self, mischief: Mischief) {
        self.shared.state().mischief = mischief;
    }

    /// How many messages the proxy has tampered with, or refused.
    #[must_use]
    pub fn done(&self) -> usize {
        self.shared.state().done
    }

    /// Sends everything recorded again to its recipients. Gives the number of payloads.
    #[must_use]
    pub fn replay(&self) -> usize {
        let state = self.shared.state();
        let mut replayed = 0;
        for (to, event) in &state.recorded {
            for (peer, socket) in &state.sockets {
                if peer == to && socket.send(event.clone()).is_ok() {
                    replayed += 1;
                }
            }
        }
        replayed
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries one connection: a WebSocket message by message, everything else byte by byte.
async fn carry(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    const SOCKET: &[u8] = b"GET /ws ";
    let mut start = [0; SOCKET.len()];
    let read = stream.peek(&mut start).await?;
    let mut upstream = TcpStream::connect(shared.upstream).await?;
    if &start[..read] != SOCKET {
        copy_bidirectional(&mut stream, &mut upstream).await?;
        return Ok(());
    }
    let socket = accept_async(stream).await?;
    let (upstream, _) = client_async(format!("ws://{}/ws", shared.upstream), upstream).await?;
    carry_socket(socket, upstream, shared).await
}

async fn carry_socket(
    mut socket: WebSocketStream<TcpStream>,
    mut upstream: WebSocketStream<TcpStream>,
    shared: &Shared,
) -> Result<()> {
    let (sender, mut injected) = unbounded_channel();
    let mut me = None;
    loop {
        tokio::select! {
            message = socket.next() => {
                let Some(Ok(message)) = message else { return Ok(()) };
                if let Some(Request::Hello(hello)) = parse(&message) {
                    let Hello { peer, .. } = *hello;
                    me = Some(peer);
                    let refused = {
                        let mut state = shared.state();
                        state.sockets.push((peer, sender.clone()));
                        state.refuse()
                    };
                    if let Some(refusal) = refused {
                        socket.send(to_message(&Event::Refused { refusal })?).await?;
                        let code = CloseCode::UnsupportedVersion.code().into();
                        return Ok(socket.close(Some(CloseFrame { code, reason: "".into() })).await?);
                    }
                }
                upstream.send(message).await?;
            }
            message = upstream.next() => {
                let Some(Ok(message)) = message else { return Ok(()) };
                let message = match parse::<Event>(&message) {
                    Some(event) => {
                        let tampered = shared.state().tamper(me, event);
                        to_message(&tampered)?
                    }
                    None => message,
                };
                socket.send(message).await?;
            }
            event = injected.recv() => {
                let Some(event) = event else { return Ok(()) };
                socket.send(to_message(&event)?).await?;
            }
        }
    }
}

impl State {
    fn refuse(&mut self) -> Option<Refusal> {
        (self.mischief == Mischief::OtherVersion).then(|| {
            self.done += 1;
            Refusal::UnsupportedVersion {
                version_min: 2,
                version_max: 3,
            }
        })
    }

    /// The events that are sent to `me` instead of `event`.
    fn tamper(&mut self, me: Option<PeerId>, event: Event) -> Event {
        match (event, me) {
            (Event::Challenge { nonce, .. }, _) if self.mischief == Mischief::OtherVersion => Event::Challenge {
                nonce,
                version_min: 2,
                version_max: 3,
            },
            (Event::Relayed { from, payload }, Some(me)) => {
                let tampered = match self.mischief {
                    Mischief::PutOffers => self.offer(from, me),
                    Mischief::Corrupt => Some(corrupt(&payload)),
                    Mischief::None | Mischief::OtherVersion => None,
                };
                self.done += usize::from(tampered.is_some());
                let event = Event::Relayed {
                    from,
                    payload: tampered.unwrap_or(payload),
                };
                self.recorded.push((me, event.clone()));
                event
            }
            (event, _) => event,
        }
    }

    /// An offer to `to` in the name of `from`, sealed in the room, with a certificate of the proxy's own and its signature. `None` if the
    /// room is unknown.
    fn offer(&mut self, from: PeerId, to: PeerId) -> Option<String> {
        let room = self.room.as_ref()?;
        let certificate = FOREIGN_FINGERPRINT.join(":");
        let body = Body::Offer {
            version: PROTOCOL_VERSION,
            round: 0,
            sdp: format!("v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=fingerprint:sha-256 {certificate}\r\n"),
            urgent: true,
        };
        let envelope = Envelope {
            from,
            to,
            session: SessionId::random(&mut self.rng),
            nonce: self.rng.next_u64(),
            body,
        };
        envelope
            .seal(&Identity::generate(&mut self.rng), room, &mut self.rng)
            .ok()
    }
}

/// The payload with one character changed, in its middle.
fn corrupt(payload: &str) -> String {
    let middle = payload.len() / 2;
    let other = if payload.as_bytes().get(middle) == Some(&b'A') {
        "B"
    } else {
        "A"
    };
    let mut corrupt = payload.to_owned();
    corrupt.replace_range(middle..=middle, other);
    corrupt
}

fn parse<T: serde::de::DeserializeOwned>(message: &Message) -> Option<T> {
    serde_json::from_str(message.to_text().ok()?).ok()
}

fn to_message(event: &Event) -> Result<Message> {
    Ok(Message::text(serde_json::to_string(event)?))
}
