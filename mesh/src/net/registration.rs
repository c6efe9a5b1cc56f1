//! How we stand with one rendezvous server: opening, registering, heartbeat, back-off, asking for peers.
//!
//! ```text
//! Waiting --retry_at--> Opening --challenge--> Greeting --welcome--> Registered
//!    ^                     |                      |                      |
//!    +------- down, time-out, refusal, silence ---+----------------------+     Stopped: superseded, version
//! ```
//!
//! A server that is one of several can be `Spare`, too: left alone while a better one has us (`spare.rs`).
//!
//! The waits between attempts double from [`Timing::server_retry_min`] to [`Timing::server_retry_max`], each drawn at random from its upper
//! half ("equal jitter"), so that the peers of a restarted server do not come back all at once.

mod refused;
mod spare;

use std::time::Duration;

use chacha20::ChaCha20Rng;
use shared::{
    Closing, PeerId,
    limits::{ICE_SERVERS_MAX, PEER_SAMPLE_MAX},
    signal::{CloseCode, Event, Hello, IceServer, Nodes, Request, host_of},
};

use crate::{
    back_off::{back_off, jittered},
    config::{HEARTBEAT_SECONDS, NODE_RETRY_MAX, Timing},
    context::Context,
    io::Instant,
    model::{Alert, ServerState},
};

/// What one server's registration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Open a socket.
    Connect,
    /// Close the socket.
    Disconnect,
    /// Send a request.
    Send(Request),
    /// The state to show has changed.
    Changed(ServerState),
    /// The server said what time it is.
    Clock {
        /// Milliseconds since 1970.
        unix_millis: u64,
    },
    /// The server named peers of the room.
    Peers(Vec<PeerId>),
    /// A payload came through the server. The sender's id is not passed on: the payload proves its own author.
    Relayed {
        /// An envelope, or not.
        payload: String,
    },
    /// The server does not know this peer in the room.
    NotHere(PeerId),
    /// The server says that the founder has closed the room.
    Closed(Closing),
    /// The server says that another has registered with our key.
    Superseded,
    /// The server says at which servers of its network our room is to be.
    Nodes(Nodes),
    /// Tell the person.
    Alert(Alert),
}

/// One server.
#[derive(Debug)]
pub(crate) struct Registration {
    /// At which address we reach the server. Our hello names its host.
    address: String,
    /// See [`Registration::network`].
    network: usize,
    state: State,
    failures: u32,
    ice_servers: Vec<IceServer>,
    online: bool,
    /// With how many other servers of its network we are registered.
    others: usize,
    /// When it is left for better ones.
    leave_at: Option<Instant>,
    /// Whether it refused us when it was last tried.
    was_refused: bool,
    /// The refusal that the person was told of, until a welcome.
    alerted: Option<Alert>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Waiting {
        retry_at: Instant,
    },
    Opening {
        deadline: Instant,
    },
    Greeting {
        deadline: Instant,
    },
    Registered {
        since: Instant,
        room_size: u32,
        heartbeat: Duration,
        /// When it is taken for gone, unless something is heard of it.
        given_up_at: Instant,
        ping_at: Instant,
        /// Whether only a pong counts as a sign of life: the rest may have waited for us while we slept.
        probing: bool,
        discover_at: Instant,
        /// Whether peers are asked for even if we want none, for what we know of the room may be old.
        needs_probe: bool,
    },
    Spare,
    Stopped,
}

impl Registration {
    /// A server to be connected at once: the first time-out does it.
    pub(crate) fn new(address: String, network: usize, now: Instant) -> Self {
        Self {
            address,
            network,
            state: State::Waiting { retry_at: now },
            failures: 0,
            ice_servers: Vec::new(),
            online: true,
            others: 0,
            leave_at: None,
            was_refused: false,
            alerted: None,
        }
    }

    /// Whether requests can be sent.
    pub(crate) fn is_registered(&self) -> bool {
        self.registered_since().is_some()
    }

    /// Since when requests can be sent.
    pub(crate) fn registered_since(&self) -> Option<Instant> {
        if let State::Registered { since, .. } = self.state {
            Some(since)
        } else {
            None
        }
    }

    /// The ICE servers that the server named last.
    pub(crate) fn ice_servers(&self) -> &[IceServer] {
        &self.ice_servers
    }

    /// How many peers the server knows in the room, us included, if registered.
    pub(crate) fn room_size(&self) -> Option<u32> {
        if let State::Registered { room_size, .. } = self.state {
            Some(room_size)
        } else {
            None
        }
    }

    /// The state to show.
    pub(crate) fn shown(&self) -> ServerState {
        match self.state {
            State::Waiting { retry_at } => ServerState::Waiting { retry_at },
            State::Opening { .. } | State::Greeting { .. } => ServerState::Connecting,
            State::Registered { room_size, .. } => ServerState::Registered { room_size },
            State::Spare => ServerState::Spare,
            State::Stopped => ServerState::Stopped,
        }
    }

    /// When [`Registration::handle_timeout`] has something to do. `wants_peers`: see there.
    pub(crate) fn poll_timeout(&self, wants_peers: bool) -> Option<Instant> {
        match &self.state {
            State::Waiting { retry_at } => Some(*retry_at),
            State::Opening { deadline } | State::Greeting { deadline } => Some(*deadline),
            State::Registered {
                given_up_at,
                ping_at,
                discover_at,
                needs_probe,
                ..
            } => {
                let next = (*given_up_at).min(*ping_at).min(self.leave_at.unwrap_or(*ping_at));
                Some(if wants_peers || *needs_probe {
                    next.min(*discover_at)
                } else {
                    next
                })
            }
            State::Spare | State::Stopped => None,
        }
    }

    /// Does what is due. `wants_peers`: we have fewer links than we could have, and ask for peers now and then.
    pub(crate) fn handle_timeout(
        &mut self,
        cx: &Context,
        wants_peers: bool,
        rng: &mut ChaCha20Rng,
        out: &mut Vec<Action>,
    ) {
        let (now, timing) = (cx.instant(), &cx.timing);
        match &mut self.state {
            State::Waiting { retry_at } if now >= *retry_at => {
                self.state = State::Opening {
                    deadline: now + timing.register_timeout,
                };
                out.push(Action::Connect);
                out.push(Action::Changed(self.shown()));
            }
            State::Opening { deadline } | State::Greeting { deadline } if now >= *deadline => {
                out.push(Action::Disconnect);
                self.back_off(now, timing, rng, out);
            }
            State::Registered {
                heartbeat,
                given_up_at,
                ping_at,
                discover_at,
                needs_probe,
                ..
            } => {
                if self.leave_at.is_some_and(|leave_at| now >= leave_at) {
                    out.push(Action::Disconnect);
                    return self.rest(out);
                }
                if now >= *given_up_at {
                    out.push(Action::Disconnect);
                    self.back_off(now, timing, rng, out);
                    return;
                }
                if now >= *ping_at {
                    *ping_at = now + *heartbeat;
                    out.push(Action::Send(Request::Ping {}));
                }
                if (wants_peers || *needs_probe) && now >= *discover_at {
                    *needs_probe = false;
                    *discover_at = now + jittered(timing.discover_interval, rng);
                    out.push(Action::Send(Request::Discover {}));
                }
            }
            State::Waiting { .. } | State::Opening { .. } | State::Greeting { .. } | State::Spare | State::Stopped => {}
        }
    }

    /// Takes a message of the server.
    pub(crate) fn handle_event(&mut self, cx: &Context, event: Event, rng: &mut ChaCha20Rng, out: &mut Vec<Action>) {
        let (now, timing) = (cx.instant(), &cx.timing);
        self.note_life(now, &event);
        match (event, &mut self.state) {
            (Event::Challenge { nonce, .. }, State::Opening { deadline }) => {
                self.state = State::Greeting { deadline: *deadline };
                let hello = Hello::sign(&cx.identity, &cx.room, &host_of(&self.address), &nonce);
                out.push(Action::Send(Request::from(hello)));
            }
            (
                Event::Welcome {
                    room_size,
                    peers,
                    ice_servers,
                    heartbeat_seconds,
                    unix_seconds,
                    nodes,
                },
                State::Greeting { .. },
            ) => {
                (self.alerted, self.was_refused) = (None, false);
                self.ice_servers = usable(ice_servers);
                // A server cannot make us ping it all the time, nor never.
                let heartbeat = Duration::from_secs(u64::from(
                    heartbeat_seconds.clamp(*HEARTBEAT_SECONDS.start(), *HEARTBEAT_SECONDS.end()),
                ));
                self.state = State::Registered {
                    since: now,
                    room_size,
                    heartbeat,
                    given_up_at: now + patience(heartbeat),
                    ping_at: now + heartbeat,
                    probing: false,
                    discover_at: now + jittered(timing.discover_interval, rng),
                    needs_probe: false,
                };
                out.push(Action::Changed(self.shown()));
                let unix_millis = u64::from(unix_seconds) * 1_000;
                out.push(Action::Clock { unix_millis });
                out.push(Action::Peers(sampled(peers)));
                out.extend(nodes.map(Action::Nodes));
            }
            (Event::Peers { room_size, peers }, State::Registered { room_size: known, .. }) => {
                if *known != room_size {
                    *known = room_size;
                    out.push(Action::Changed(self.shown()));
                }
                out.push(Action::Peers(sampled(peers)));
            }
            // Links that are being made keep what they were told; the next ones ask these.
            (Event::IceServers { ice_servers }, State::Registered { .. }) => self.ice_servers = usable(ice_servers),
            (Event::Relayed { payload, .. }, State::Registered { .. }) => out.push(Action::Relayed { payload }),
            (Event::Ping {}, State::Registered { .. }) => out.push(Action::Send(Request::Pong {})),
            (Event::Closed { closing }, State::Greeting { .. } | State::Registered { .. }) => {
                self.on_closed(now, &closing, timing, rng, out);
            }
            // Of a socket that is closed already.
            (Event::Refused { .. }, State::Waiting { .. } | State::Spare | State::Stopped) => {}
            (Event::Refused { refusal }, _) => self.on_refused(now, refusal, timing, rng, out),
            // Out of place or of no consequence. A draining server closes the socket itself.
            _ => {}
        }
    }

    /// Something was heard: a sign of life, unless a pong is waited for and this is none.
    fn note_life(&mut self, now: Instant, event: &Event) {
        if let State::Registered {
            heartbeat,
            given_up_at,
            probing,
            ..
        } = &mut self.state
        {
            *probing &= !matches!(event, Event::Pong {});
            if !*probing {
                *given_up_at = now + patience(*heartbeat);
            }
        }
    }

    /// The socket closed, or could not be opened.
    pub(crate) fn handle_down(&mut self, cx: &Context, code: u16, rng: &mut ChaCha20Rng, out: &mut Vec<Action>) {
        let (now, timing) = (cx.instant(), &cx.timing);
        match self.state {
            // A refusal before the close has already decided.
            State::Waiting { .. } | State::Spare | State::Stopped => {}
            _ if code == CloseCode::Superseded.code() => {
                self.state = State::Stopped;
                out.push(Action::Changed(self.shown()));
                out.push(Action::Superseded);
            }
            State::Opening { .. } | State::Greeting { .. } | State::Registered { .. } => {
                self.back_off(now, timing, rng, out);
            }
        }
    }

    /// The machine lost or regained its network.
    pub(crate) fn handle_network(&mut self, now: Instant, online: bool, timing: &Timing) {
        let regained = online && !self.online;
        self.online = online;
        if !regained {
            return;
        }
        match &mut self.state {
            State::Waiting { retry_at } => {
                self.failures = 0;
                *retry_at = now;
            }
            State::Registered { .. } => self.prove(now, timing),
            State::Opening { .. } | State::Greeting { .. } | State::Spare | State::Stopped => {}
        }
    }

    /// The socket may be dead without knowing: asks at once, and takes little silence for an answer.
    pub(crate) fn prove(&mut self, now: Instant, timing: &Timing) {
        if let State::Registered {
            given_up_at,
            ping_at,
            probing,
            ..
        } = &mut self.state
        {
            *ping_at = now;
            *probing = true;
            *given_up_at = (*given_up_at).min(now + timing.sleep_grace);
        }
    }

    /// Tries again now instead of at the end of the wait.
    pub(crate) fn retry_now(&mut self, now: Instant) {
        if let State::Waiting { retry_at } = &mut self.state {
            *retry_at = now;
        }
    }

    /// Asks for peers soon, even if we want none: a link ended, and the room may have grown since we last heard of its size.
    pub(crate) fn discover_soon(&mut self, now: Instant, timing: &Timing) {
        if let State::Registered {
            discover_at,
            needs_probe,
            ..
        } = &mut self.state
        {
            *needs_probe = true;
            *discover_at = (*discover_at).min(now + timing.discover_soon);
        }
    }

    /// The server says that the founder has closed the room. If that is not so, the room goes on, and the server is tried again much later.
    fn on_closed(
        &mut self,
        now: Instant,
        closing: &str,
        timing: &Timing,
        rng: &mut ChaCha20Rng,
        out: &mut Vec<Action>,
    ) {
        self.state = State::Waiting {
            retry_at: now + jittered(timing.server_refused_retry, rng),
        };
        out.push(Action::Disconnect);
        out.push(Action::Changed(self.shown()));
        out.extend(Closing::from_text(closing).map(Action::Closed));
    }

    fn back_off(&mut self, now: Instant, timing: &Timing, rng: &mut ChaCha20Rng, out: &mut Vec<Action>) {
        // A server that takes us in and drops us at once is no better than one that does not answer.
        if let State::Registered { since, .. } = self.state
            && now.since(since) >= timing.server_retry_max
        {
            self.failures = 0;
        }
        let longest = if self.others == 0 {
            timing.server_retry_max
        } else {
            NODE_RETRY_MAX
        };
        let wait = back_off(self.failures, timing.server_retry_min, longest);
        self.leave_at = None;
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting {
            retry_at: now + jittered(wait, rng),
        };
        out.push(Action::Changed(self.shown()));
    }
}

/// How long a server may be silent.
fn patience(heartbeat: Duration) -> Duration {
    heartbeat * 5 / 2
}

/// The ICE servers that browsers take, cut to as many as a server may name.
fn usable(mut ice_servers: Vec<IceServer>) -> Vec<IceServer> {
    ice_servers.retain(IceServer::is_valid);
    ice_servers.truncate(ICE_SERVERS_MAX);
    ice_servers
}

/// A server's sample, cut to what a server may name.
fn sampled(mut peers: Vec<PeerId>) -> Vec<PeerId> {
    peers.truncate(PEER_SAMPLE_MAX);
    peers
}

#[cfg(test)]
mod tests;
