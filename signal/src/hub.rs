//! Rooms and discovery as a pure state machine: sockets, clock and randomness stay outside.
//!
//! The socket layer tells a [`Hub`] what happened ([`Hub::connect`], [`Hub::handle`], [`Hub::disconnect`], …), and when
//! the time of [`Hub::poll_timeout`] has come ([`Hub::handle_timeout`]). Each call adds its outputs to an [`Outbox`]. Nothing
//! a client sends makes the hub panic, and the memory of the hub is bounded by [`Limits`]:
//!
//! - a connection that was taken in is counted from `connect` to `disconnect`, also while it is being closed;
//! - a founder's closing is kept for a while, and at most so many of them;
//! - a room exists while somebody is registered in it, so there are never more rooms than connections;
//! - an address is remembered while the address has connections, and until its buckets of tokens are full again;
//! - no address takes more places than are left, neither of the server nor of a room (see `share.rs`);
//! - a join, a relay and a sample cost the same in a room of two and in a room of thousands.
//!
//! The hub never tells anyone all members of a room: the peers tell each other who is there.

mod addresses;
mod closings;
mod connection;
mod deadlines;
mod ice_servers;
mod occupancy;
mod outbox;
mod registry;
mod room;
pub(crate) mod turn;

use std::{collections::BTreeMap, net::IpAddr, time::Instant};

use shared::{
    Closing, PeerId, RoomId,
    limits::RELAY_PAYLOAD_BYTES_MAX,
    signal::{CloseCode, Event, Hello, IceServer, Nonce, PROTOCOL_VERSION, Refusal, Request},
};

use crate::{
    config::{HOST_BYTES_MAX, Limits, PINGS_MAX, TURN_RENEWAL_MIN},
    rate::too_fast,
};
use addresses::Addresses;
use closings::Closings;
use connection::{Connection, Renewal, Stage};
use deadlines::{Deadline, Deadlines};
use registry::Registry;

pub use crate::network::Network;
pub use deadlines::Now;
pub use ice_servers::IceServers;
pub use occupancy::Occupancy;
pub use outbox::{Outbox, Output, Sender};

/// One socket, numbered by the socket layer. A number is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// The state machine. See the [module](self).
#[derive(Debug)]
pub struct Hub {
    limits: Limits,
    ice_servers: IceServers,
    /// Ordered, so that [`Hub::drain`] is deterministic.
    connections: BTreeMap<ConnId, Connection>,
    registry: Registry,
    closings: Closings,
    /// The names of this server. Empty: it does not know them.
    hosts: Vec<String>,
    addresses: Addresses,
    deadlines: Deadlines,
    draining: bool,
}

impl Hub {
    /// Makes an empty hub. `hosts` are the names by which clients reach it, if the operator has told. The `seed` decides which peers are drawn. The seed is no secret worth keeping.
    #[must_use]
    pub fn new(limits: Limits, hosts: Vec<String>, ice_servers: IceServers, seed: [u8; 32]) -> Self {
        Self {
            closings: Closings::new(limits.closings_max, limits.closing_kept),
            hosts,
            limits,
            ice_servers,
            connections: BTreeMap::new(),
            registry: Registry::new(seed),
            addresses: Addresses::default(),
            deadlines: Deadlines::default(),
            draining: false,
        }
    }

    /// Somebody wants to open a socket. `nonce` must not be guessable. Sends the challenge.
    ///
    /// # Errors
    /// If there is no place for it. Then the hub knows nothing of `conn`.
    ///
    /// # Panics
    /// If `conn` is not new.
    pub fn connect(
        &mut self,
        now: Instant,
        conn: ConnId,
        address: IpAddr,
        nonce: Nonce,
        outbox: &mut Outbox,
    ) -> Result<(), Refusal> {
        let network = Network::of(address);
        if self.draining {
            return Err(Refusal::Draining {});
        }
        let free = self.limits.connections_max.saturating_sub(self.connections.len());
        if !self.addresses.may_connect(network, free, &self.limits) {
            return Err(Refusal::ServerFull {});
        }
        self.addresses.connect(network);
        if let Err(wait) = self.addresses.take_connection(now, network, &self.limits) {
            self.addresses.disconnect(now, network, &mut self.deadlines);
            return Err(too_fast(wait));
        }
        let due_at = now + self.limits.hello_timeout;
        let earlier = self.connections.insert(conn, Connection::new(network, nonce, due_at));
        assert!(earlier.is_none(), "invariant: connection numbers are not used again");
        self.deadlines.arm(due_at, Deadline::Silence(conn));
        outbox.send(
            conn,
            Event::Challenge {
                nonce,
                version_min: PROTOCOL_VERSION,
                version_max: PROTOCOL_VERSION,
            },
        );
        Ok(())
    }

    /// The socket is gone, closed by either side. To be called once for every [`Hub::connect`] that succeeded.
    pub fn disconnect(&mut self, now: Instant, conn: ConnId) {
        self.leave(conn);
        if let Some(connection) = self.connections.remove(&conn) {
            self.addresses.disconnect(now, connection.network, &mut self.deadlines);
        }
    }

    /// A request of `bytes` arrived.
    pub fn handle(&mut self, now: Now, conn: ConnId, request: Request, bytes: usize, outbox: &mut Outbox) {
        let Some(stage) = self.admit(now.instant, conn, bytes, outbox) else {
            return;
        };
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.malformed_strikes = connection.malformed_strikes.saturating_sub(1);
        }
        match (stage, request) {
            (Stage::Closing, _) => {}
            (Stage::Greeting { nonce }, Request::Hello(hello)) => self.greet(now, conn, &hello, &nonce, outbox),
            (
                Stage::Greeting { .. },
                Request::Close { .. }
                | Request::Relay { .. }
                | Request::Discover {}
                | Request::Ping {}
                | Request::Pong {},
            ) => self.refuse(conn, Refusal::NotRegistered {}, outbox),
            (Stage::Registered { room, .. }, Request::Close { closing }) => {
                self.close_room(now.instant, conn, room, closing, outbox);
            }
            (Stage::Registered { .. }, Request::Hello(_)) => {
                self.refuse(conn, Refusal::AlreadyRegistered {}, outbox);
            }
            (Stage::Registered { room, peer }, Request::Relay { to, payload }) => {
                self.relay(conn, &room, peer, to, payload, outbox);
            }
            (Stage::Registered { room, peer }, Request::Discover {}) => {
                let (room_size, peers) = self.registry.sample(&room, &peer);
                outbox.send(conn, Event::Peers { room_size, peers });
            }
            (Stage::Registered { .. }, Request::Ping {}) => outbox.send(conn, Event::Pong {}),
            (Stage::Registered { .. }, Request::Pong {}) => {}
        }
    }

    /// Somebody says who they are: takes them in, or not.
    fn greet(&mut self, now: Now, conn: ConnId, hello: &Hello, nonce: &Nonce, outbox: &mut Outbox) {
        if hello.version != PROTOCOL_VERSION {
            let refusal = Refusal::UnsupportedVersion {
                version_min: PROTOCOL_VERSION,
                version_max: PROTOCOL_VERSION,
            };
            return self.refuse(conn, refusal, outbox);
        }
        let is_ours = self.hosts.is_empty() || self.hosts.contains(&hello.host);
        if !is_ours || hello.host.len() > HOST_BYTES_MAX {
            return self.refuse(conn, Refusal::WrongHost {}, outbox);
        }
        // Before the signatures are looked at: that is what costs most.
        let Some(network) = self.connections.get(&conn).map(|connection| connection.network) else {
            return;
        };
        if let Err(wait) = self.addresses.take_registration(now.instant, network, &self.limits) {
            self.refuse(conn, too_fast(wait), outbox);
            return self.close(conn, CloseCode::TooFast, outbox);
        }
        let Ok(room) = hello.verify(nonce) else {
            return self.refuse(conn, Refusal::BadSignature {}, outbox);
        };
        if let Some(closing) = self.closings.get(now.instant, &room).cloned() {
            outbox.send(conn, Event::Closed { closing });
            return self.close(conn, CloseCode::RoomClosed, outbox);
        }
        match self.registry.refusal_of(&room, &hello.peer, network, &self.limits) {
            Some(refusal) => self.refuse(conn, refusal, outbox),
            None => self.register(now, conn, network, room, hello, outbox),
        }
    }

    /// Keeps the founder's closing, and sends everybody out.
    fn close_room(&mut self, now: Instant, conn: ConnId, room: RoomId, closing: String, outbox: &mut Outbox) {
        let Some(members) = self.registry.room(&room) else {
            return;
        };
        let statement = Closing::from_text(&closing);
        if statement.is_none_or(|statement| statement.verify_by_proof(members.proof()).is_err()) {
            return self.refuse(conn, Refusal::BadSignature {}, outbox);
        }
        let sockets: Vec<ConnId> = members.sockets().collect();
        for socket in sockets {
            let closing = closing.clone();
            outbox.send(socket, Event::Closed { closing });
            self.close(socket, CloseCode::RoomClosed, outbox);
        }
        self.closings.insert(now, room, closing);
    }

    /// A message of `bytes` arrived that is no request.
    pub fn handle_malformed(&mut self, now: Instant, conn: ConnId, bytes: usize, outbox: &mut Outbox) {
        if self.admit(now, conn, bytes, outbox).is_none() {
            return;
        }
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        connection.malformed_strikes += 1;
        let enough = connection.malformed_strikes >= self.limits.malformed_strikes_max;
        self.refuse(conn, Refusal::Malformed {}, outbox);
        if enough {
            self.close(conn, CloseCode::Malformed, outbox);
        }
    }

    /// A sign of life arrived that asks for nothing: a ping or pong of the WebSocket protocol itself.
    pub fn handle_sign_of_life(&mut self, now: Instant, conn: ConnId, bytes: usize, outbox: &mut Outbox) {
        self.admit(now, conn, bytes, outbox);
    }

    /// A message arrives in pieces without end.
    pub fn handle_endless(&mut self, conn: ConnId, outbox: &mut Outbox) {
        self.close(conn, CloseCode::Malformed, outbox);
    }

    /// A message arrived that is larger than [`SIGNAL_MESSAGE_BYTES_MAX`](shared::limits::SIGNAL_MESSAGE_BYTES_MAX).
    pub fn handle_too_big(&mut self, conn: ConnId, outbox: &mut Outbox) {
        self.close(conn, CloseCode::TooBig, outbox);
    }

    /// So much waits for `recipient` that what the socket `sender` says is not sent. The sender is told. The recipient may read as fast as it can, and
    /// stays.
    pub fn handle_full_queue(&mut self, recipient: ConnId, sender: ConnId, outbox: &mut Outbox) {
        if let Some(Connection {
            stage: Stage::Registered { peer, .. },
            ..
        }) = self.connections.get(&recipient)
        {
            self.refuse(sender, Refusal::PeerBusy { to: *peer }, outbox);
        }
    }

    /// The queue of `conn` had no room for an answer to what it asked itself, or a write to the socket did not end in time. The socket is closed. The
    /// sender of a lost relay is told.
    pub fn handle_slow_reader(&mut self, conn: ConnId, lost: Option<&Event>, outbox: &mut Outbox) {
        let Some(connection) = self.connections.get(&conn) else {
            return;
        };
        if let (Stage::Registered { room, peer }, Some(Event::Relayed { from, .. })) = (connection.stage, lost)
            && let Some(sender) = self.registry.socket_of(&room, from)
        {
            self.refuse(sender, Refusal::PeerBusy { to: peer }, outbox);
        }
        self.close(conn, CloseCode::SlowReader, outbox);
    }

    /// Tells every client that the server stops. From then on nobody is taken in.
    pub fn drain(&mut self, outbox: &mut Outbox) {
        self.draining = true;
        let open = |(conn, connection): (&ConnId, &Connection)| (connection.stage != Stage::Closing).then_some(*conn);
        let conns: Vec<ConnId> = self.connections.iter().filter_map(open).collect();
        for conn in conns {
            outbox.send(conn, Event::Draining {});
            self.close(conn, CloseCode::Restart, outbox);
        }
    }

    /// Handles all deadlines that have passed. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Now, outbox: &mut Outbox) {
        while let Some(deadline) = self.deadlines.take_due(now.instant) {
            match deadline {
                Deadline::Silence(conn) => self.on_silence(now.instant, conn, outbox),
                Deadline::Renewal(conn) => self.renew(now, conn, outbox),
                Deadline::Forget(network) => self.addresses.forget(now.instant, network, &mut self.deadlines),
            }
        }
    }

    /// When to call [`Hub::handle_timeout`]. Changes with every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// How full the hub is.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        Occupancy {
            connections: self.connections.len(),
            rooms: self.registry.rooms(),
            peers: self.registry.peers(),
        }
    }

    /// Whether [`Hub::drain`] was called.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        self.draining
    }

    /// Notes a sign of life and takes the tokens that a message costs. `None` if the message must not be carried out.
    fn admit(&mut self, now: Instant, conn: ConnId, bytes: usize, outbox: &mut Outbox) -> Option<Stage> {
        let connection = self.connections.get_mut(&conn)?;
        match connection.stage {
            Stage::Closing => return None,
            // A client that chatters instead of saying hello gains no time.
            Stage::Greeting { .. } => {}
            Stage::Registered { .. } => {
                connection.pings = 0;
                connection.due_at = now + self.limits.heartbeat;
            }
        }
        let taken = connection.take_message(now, bytes, &self.limits).and_then(|()| {
            let addresses = &mut self.addresses;
            addresses.take_message(now, connection.network, bytes, &self.limits)
        });
        match taken {
            Ok(()) => {
                connection.too_fast_strikes = connection.too_fast_strikes.saturating_sub(1);
                Some(connection.stage)
            }
            Err(wait) => {
                connection.too_fast_strikes += 1;
                let enough = connection.too_fast_strikes >= self.limits.too_fast_strikes_max;
                self.refuse(conn, too_fast(wait), outbox);
                if enough {
                    self.close(conn, CloseCode::TooFast, outbox);
                }
                None
            }
        }
    }

    fn register(&mut self, now: Now, conn: ConnId, network: Network, room: RoomId, hello: &Hello, outbox: &mut Outbox) {
        let peer = hello.peer;
        if let Some(older) = self.registry.socket_of(&room, &peer) {
            self.close(older, CloseCode::Superseded, outbox);
        }
        self.registry.insert(room, hello.proof(), peer, conn, network);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stage = Stage::Registered { room, peer };
            connection.due_at = now.instant + self.limits.heartbeat;
            connection.rearm(conn, &mut self.deadlines);
        }
        let ice_servers = self.ice_servers(now, conn, peer, &hello.host);
        let (room_size, peers) = self.registry.sample(&room, &peer);
        // A whole number of seconds on the wire, at least one: the client may ping sooner than needed, not later.
        let heartbeat_seconds = u16::try_from(self.limits.heartbeat.as_secs())
            .unwrap_or(u16::MAX)
            .max(1);
        outbox.send(
            conn,
            Event::Welcome {
                room_size,
                peers,
                ice_servers,
                heartbeat_seconds,
                unix_seconds: u32::try_from(now.unix_seconds).unwrap_or(u32::MAX),
            },
        );
    }

    /// What a client at `host` is told to find a path with. If there is TURN in it, the client is told again in time.
    fn ice_servers(&mut self, now: Now, conn: ConnId, peer: PeerId, host: &str) -> Vec<IceServer> {
        let lifetime = self.limits.turn_lifetime;
        if self.ice_servers.have_turn()
            && let Some(connection) = self.connections.get_mut(&conn)
        {
            let (host, armed_at) = (host.into(), now.instant + (lifetime / 2).max(TURN_RENEWAL_MIN));
            connection.renewal = Some(Box::new(Renewal { host, armed_at }));
            self.deadlines.arm(armed_at, Deadline::Renewal(conn));
        }
        let expires_at = now.unix_seconds.saturating_add(lifetime.as_secs());
        self.ice_servers.for_client(host, &peer, expires_at)
    }

    /// Sends newer credentials for TURN.
    fn renew(&mut self, now: Now, conn: ConnId, outbox: &mut Outbox) {
        let connection = self.connections.get_mut(&conn);
        if let Some(Connection { stage, renewal, .. }) = connection
            && let (Stage::Registered { peer, .. }, Some(renewal)) = (*stage, renewal.take())
        {
            let ice_servers = self.ice_servers(now, conn, peer, &renewal.host);
            outbox.send(conn, Event::IceServers { ice_servers });
        }
    }

    fn relay(&mut self, conn: ConnId, room: &RoomId, from: PeerId, to: PeerId, payload: String, outbox: &mut Outbox) {
        if payload.len() > RELAY_PAYLOAD_BYTES_MAX {
            return self.refuse(conn, Refusal::PayloadTooLarge {}, outbox);
        }
        match self.registry.socket_of(room, &to) {
            // A peer does not need a server to send something to itself.
            Some(recipient) if recipient != conn => {
                if let Some(Connection { network, .. }) = self.connections.get(&conn) {
                    let network = *network;
                    outbox.relay(recipient, Sender { conn, network }, Event::Relayed { from, payload });
                }
            }
            Some(_) | None => self.refuse(conn, Refusal::PeerNotHere { to }, outbox),
        }
    }

    fn refuse(&mut self, conn: ConnId, refusal: Refusal, outbox: &mut Outbox) {
        let code = refusal.close_code();
        outbox.send(conn, Event::Refused { refusal });
        if let Some(code) = code {
            self.close(conn, code, outbox);
        }
    }

    /// Closes once. From then on nothing is sent to the socket and nothing is taken from the socket.
    fn close(&mut self, conn: ConnId, code: CloseCode, outbox: &mut Outbox) {
        if self
            .connections
            .get(&conn)
            .is_some_and(|connection| connection.stage != Stage::Closing)
        {
            self.leave(conn);
            outbox.close(conn, code);
        }
    }

    /// Takes the connection out of its room and disarms it.
    fn leave(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        self.deadlines.disarm(connection.armed_at, Deadline::Silence(conn));
        if let Some(renewal) = connection.renewal.take() {
            self.deadlines.disarm(renewal.armed_at, Deadline::Renewal(conn));
        }
        let stage = std::mem::replace(&mut connection.stage, Stage::Closing);
        if let Stage::Registered { room, peer } = stage {
            self.registry.remove(room, &peer, conn);
        }
    }

    fn on_silence(&mut self, now: Instant, conn: ConnId, outbox: &mut Outbox) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        if connection.due_at <= now {
            match connection.stage {
                Stage::Closing => return,
                Stage::Greeting { .. } => return self.close(conn, CloseCode::HelloTimeout, outbox),
                Stage::Registered { .. } if connection.pings >= PINGS_MAX => {
                    return self.close(conn, CloseCode::HeartbeatMissed, outbox);
                }
                Stage::Registered { .. } => {
                    connection.pings += 1;
                    connection.due_at = now + self.limits.heartbeat;
                    outbox.send(conn, Event::Ping {});
                }
            }
        }
        connection.rearm(conn, &mut self.deadlines);
    }
}

#[cfg(test)]
mod tests;
