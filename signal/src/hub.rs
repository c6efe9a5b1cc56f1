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
//! A hub can be one of several (`several.rs`, `abroad.rs`). From a hello to the welcome see `greeting.rs`.
//!
//! The hub never tells anyone all members of a room: the peers tell each other who is there.

mod abroad;
mod addresses;
mod closings;
mod connection;
mod deadlines;
mod greeting;
mod ice_servers;
mod occupancy;
mod outbox;
mod registry;
mod room;
mod several;
pub(crate) mod turn;

use std::{collections::BTreeMap, net::IpAddr, time::Instant};

use shared::{
    Closing, PeerId, RoomId,
    limits::RELAY_PAYLOAD_BYTES_MAX,
    signal::{CloseCode, Event, Nonce, PROTOCOL_VERSION, Refusal, Request},
};

use crate::{
    bus::Cause,
    config::{Limits, NodeList, PINGS_MAX},
    rate::too_fast,
};
use abroad::Abroad;
use addresses::Addresses;
use closings::Closings;
use connection::{Connection, Stage};
use deadlines::{Deadline, Deadlines};
use registry::Registry;
use room::Room;

pub use crate::network::Network;
pub use deadlines::Now;
pub use ice_servers::IceServers;
pub use occupancy::Occupancy;
pub use outbox::{Carried, Outbox, Output, Sender};
pub use several::Standing;

/// One socket, numbered by the socket layer. A number is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

impl ConnId {
    // No limit: the socket layer does not count that far.
    const ABROAD: u64 = 1 << 63;

    /// Stands for the socket of a peer at another node.
    const fn abroad(peer: &PeerId) -> Self {
        let Some(head) = peer.as_bytes().first_chunk() else {
            return Self(Self::ABROAD);
        };
        Self(u64::from_be_bytes(*head) | Self::ABROAD)
    }

    /// Whether the socket is one of another node.
    pub(crate) const fn is_abroad(self) -> bool {
        self.0 & Self::ABROAD != 0
    }
}

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
    /// Boxed: most servers are alone.
    abroad: Option<Box<Abroad>>,
    /// The nodes that welcomes name.
    nodes: Option<NodeList>,
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
            abroad: None,
            nodes: None,
        }
    }

    /// Has welcomes name the nodes at which a room is to be.
    pub fn name_nodes(&mut self, nodes: NodeList) {
        self.nodes = Some(nodes);
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
        let earlier = self
            .connections
            .insert(conn, Connection::new(now, network, nonce, due_at));
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
                let (room_size, peers) = self.sample(&room, &peer);
                outbox.send(conn, Event::Peers { room_size, peers });
            }
            (Stage::Registered { .. }, Request::Ping {}) => outbox.send(conn, Event::Pong {}),
            (Stage::Registered { .. }, Request::Pong {}) => {}
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
        self.close_members(now, room, &closing, outbox);
        if let Some(abroad) = &mut self.abroad {
            abroad.note_closing(room, closing, self.limits.closings_max);
        }
    }

    /// Sends everybody out of a room whose founder has closed it.
    fn close_members(&mut self, now: Instant, room: RoomId, closing: &str, outbox: &mut Outbox) {
        let members = self.registry.room(&room).into_iter();
        for socket in members.flat_map(Room::sockets).collect::<Vec<_>>() {
            let closing = closing.to_owned();
            outbox.send(socket, Event::Closed { closing });
            self.close(socket, CloseCode::RoomClosed, outbox);
        }
        self.closings.insert(now, room, closing.to_owned());
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
        if let (Stage::Registered { room, peer }, Some(Event::Relayed { from, .. })) = (connection.stage, lost) {
            match self.registry.socket_of(&room, from) {
                Some(sender) => self.refuse(sender, Refusal::PeerBusy { to: peer }, outbox),
                None => self.answer_undelivered(room, *from, peer, Cause::Busy, outbox),
            }
        }
        self.close(conn, CloseCode::SlowReader, outbox);
    }

    /// Tells `count` clients that the server stops, those first that came first. From then on nobody is taken in. Gives how many are left to be told.
    pub fn drain(&mut self, count: usize, outbox: &mut Outbox) -> usize {
        self.draining = true;
        let open = |(conn, connection): (&ConnId, &Connection)| (connection.stage != Stage::Closing).then_some(*conn);
        let mut conns: Vec<ConnId> = self.connections.iter().filter_map(open).collect();
        let left = conns.split_off(count.min(conns.len()));
        for conn in conns {
            outbox.send(conn, Event::Draining {});
            self.close(conn, CloseCode::Restart, outbox);
        }
        left.len()
    }

    /// Handles all deadlines that have passed. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Now, outbox: &mut Outbox) {
        let waited = self.abroad.as_mut().map(|abroad| abroad.take_due(now.instant));
        for waiting in waited.into_iter().flatten() {
            self.welcome(now, waiting.conn, &waiting.host, outbox);
        }
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
        let abroad = self.abroad.as_ref().and_then(|abroad| abroad.next_deadline());
        self.deadlines.next().into_iter().chain(abroad).min()
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
            Some(_) => self.refuse(conn, Refusal::PeerNotHere { to }, outbox),
            None => self.relay_abroad(conn, (*room, from, to), payload, outbox),
        }
    }

    /// How many peers the room has, and some of them other than `of`: here and elsewhere.
    fn sample(&mut self, room: &RoomId, of: &PeerId) -> (u32, Vec<PeerId>) {
        let (here, peers) = self.registry.sample(room, of);
        let Some(abroad) = &mut self.abroad else {
            return (here, peers);
        };
        let elsewhere = u32::try_from(abroad.elsewhere(room)).unwrap_or(u32::MAX);
        let peers = abroad.mix(room, of, peers, self.registry.sites(room));
        (here.saturating_add(elsewhere), peers)
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
            if let Some(abroad) = &mut self.abroad {
                abroad.note_left(room, peer, conn);
            }
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
