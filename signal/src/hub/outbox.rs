//! The outputs of the hub.

use shared::signal::{CloseCode, Event};

use super::ConnId;
use crate::{bus::Word, network::Network};

/// One task for the socket layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a message.
    Send {
        /// The recipient.
        to: ConnId,
        /// The message.
        event: Event,
    },
    /// Send what another client says. If too much waits for the recipient, it is not sent, and the hub expects a
    /// [`Hub::handle_full_queue`](super::Hub::handle_full_queue).
    Relay {
        /// The recipient.
        to: ConnId,
        /// Who says it.
        sender: Sender,
        /// The message.
        event: Event,
    },
    /// Send something to the node that has the recipient. If it cannot be sent, the hub expects a
    /// [`Hub::handle_not_carried`](super::Hub::handle_not_carried).
    Carry(Box<Carried>),
    /// Close the socket after what was sent before. The hub expects a [`Hub::disconnect`](super::Hub::disconnect) when that is done.
    Close {
        /// The socket.
        to: ConnId,
        /// The reason.
        code: CloseCode,
    },
}

/// Something for a peer that is registered at another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Who says it.
    pub sender: Sender,
    /// What is said, and to whom.
    pub word: Word,
}

/// Whose share of the recipient's queue a message takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The sender's socket.
    pub conn: ConnId,
    /// The network of the sender's address.
    pub network: Network,
}

/// Collects outputs, in order. A call adds a handful at most, but [`Hub::drain`](super::Hub::drain) two a connection and
/// [`Hub::handle_timeout`](super::Hub::handle_timeout) one for each connection that is due.
#[derive(Debug, Default)]
pub struct Outbox {
    outputs: Vec<Output>,
}

impl Outbox {
    /// Takes out everything.
    pub fn drain(&mut self) -> impl Iterator<Item = Output> + '_ {
        self.outputs.drain(..)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    pub(super) fn send(&mut self, to: ConnId, event: Event) {
        self.outputs.push(Output::Send { to, event });
    }

    pub(super) fn relay(&mut self, to: ConnId, sender: Sender, event: Event) {
        self.outputs.push(Output::Relay { to, sender, event });
    }

    pub(super) fn carry(&mut self, sender: Sender, word: Word) {
        self.outputs.push(Output::Carry(Box::new(Carried { sender, word })));
    }

    pub(super) fn close(&mut self, to: ConnId, code: CloseCode) {
        self.outputs.push(Output::Close { to, code });
    }
}
