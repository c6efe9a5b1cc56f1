//! One socket, as the hub knows it.

use std::time::{Duration, Instant};

use shared::{PeerId, RoomId, signal::Nonce};

use super::{
    ConnId,
    deadlines::{Deadline, Deadlines},
};
use crate::{config::Limits, network::Network, rate::Bucket};

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) network: Network,
    pub(super) stage: Stage,
    /// When its peer was registered; before that, when it was opened.
    pub(super) registered_at: Instant,
    messages: Bucket,
    bytes: Bucket,
    pub(super) too_fast_strikes: u32,
    pub(super) malformed_strikes: u32,
    /// Pings since the client was last heard.
    pub(super) pings: u32,
    /// When to do something about the client's silence.
    pub(super) due_at: Instant,
    /// The entry in `deadlines`. May be earlier than `due_at`: to move the entry at each message would cost more.
    pub(super) armed_at: Instant,
    /// If there is TURN, from the registration on. Boxed: most servers have none.
    pub(super) renewal: Option<Box<Renewal>>,
}

/// The next credentials for TURN.
#[derive(Debug)]
pub(super) struct Renewal {
    /// The host of the hello, which decides where our own STUN ports are.
    pub(super) host: Box<str>,
    /// The entry in `deadlines`.
    pub(super) armed_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting { nonce: Nonce },
    Registered { room: RoomId, peer: PeerId },
    Closing,
}

impl Connection {
    /// That was opened now, and is to say hello until `due_at`.
    pub(super) fn new(now: Instant, network: Network, nonce: Nonce, due_at: Instant) -> Self {
        Self {
            network,
            stage: Stage::Greeting { nonce },
            registered_at: now,
            messages: Bucket::default(),
            bytes: Bucket::default(),
            too_fast_strikes: 0,
            malformed_strikes: 0,
            pings: 0,
            due_at,
            armed_at: due_at,
            renewal: None,
        }
    }

    /// Takes the tokens that a message of so many bytes costs, or says how long to wait for them.
    pub(super) fn take_message(&mut self, now: Instant, bytes: usize, limits: &Limits) -> Result<(), Duration> {
        self.messages.take(now, limits.socket_rate)?;
        self.bytes.take_many(now, limits.socket_bytes_rate, bytes)
    }

    /// Has the silence of this connection, whose number is `conn`, looked at when that is due.
    pub(super) fn rearm(&mut self, conn: ConnId, deadlines: &mut Deadlines) {
        deadlines.disarm(self.armed_at, Deadline::Silence(conn));
        self.armed_at = self.due_at;
        deadlines.arm(self.armed_at, Deadline::Silence(conn));
    }
}
