//! Randomness: a stream for each layer, all drawn from the node's one seed.
//!
//! A layer has a stream to itself, so what one layer draws never depends on how often, or in which order, another one does.

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};

/// The layers that draw. The numbers are those of their streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Waits of server registrations.
    Servers = 1,
    /// Session ids, and waits between attempts to link.
    Attempts = 2,
    /// Whom to link with, and when that is looked at again.
    Membership = 3,
    /// Nonces and seals of envelopes.
    Envelopes = 4,
    /// Session ids of invitations.
    Invitations = 5,
    /// Waits between beacons.
    Presence = 6,
    /// Nonces of packets.
    Routing = 7,
    /// Ids and seals of whispers.
    Whispers = 8,
    /// The incarnation.
    Log = 9,
}

/// The stream of one layer.
pub(crate) fn stream(seed: [u8; 32], of: Stream) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::from_seed(seed);
    rng.set_stream(of as u64);
    rng
}

/// All streams of a node.
#[derive(Debug)]
pub(crate) struct Random {
    pub(crate) servers: ChaCha20Rng,
    pub(crate) attempts: ChaCha20Rng,
    pub(crate) membership: ChaCha20Rng,
    pub(crate) envelopes: ChaCha20Rng,
    pub(crate) invitations: ChaCha20Rng,
    pub(crate) presence: ChaCha20Rng,
    pub(crate) routing: ChaCha20Rng,
    pub(crate) whispers: ChaCha20Rng,
    pub(crate) log: ChaCha20Rng,
}

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            servers: stream(seed, Stream::Servers),
            attempts: stream(seed, Stream::Attempts),
            membership: stream(seed, Stream::Membership),
            envelopes: stream(seed, Stream::Envelopes),
            invitations: stream(seed, Stream::Invitations),
            presence: stream(seed, Stream::Presence),
            routing: stream(seed, Stream::Routing),
            whispers: stream(seed, Stream::Whispers),
            log: stream(seed, Stream::Log),
        }
    }
}
