//! Short ids: what records and peers are announced by.

use minicbor::Encode;
use shared::{MessageId, PeerId};

/// The first eight bytes of an id, big-endian: enough to tell honest ids apart, and a quarter of the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct ShortId(#[n(0)] pub u64);

impl ShortId {
    /// Of 32 bytes.
    #[must_use]
    pub const fn of(bytes: &[u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *bytes;
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    /// Of a peer.
    #[must_use]
    pub const fn of_peer(peer: &PeerId) -> Self {
        Self::of(peer.as_bytes())
    }

    /// Of a record, by the id that the app knows it by.
    #[must_use]
    pub const fn of_message(id: &MessageId) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// A broadcast tree, named by its root.
pub type Tree = ShortId;
