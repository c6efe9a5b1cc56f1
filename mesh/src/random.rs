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
    /// The number of our feed.
    Log = 9,
    /// The seed of all hash tables, which nobody else is to know.
    Lookups = 10,
    /// Which pieces are asked for.
    Files = 11,
}

/// The stream of one layer.
pub(crate) fn stream(seed: [u8; 32], of: Stream) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::from_seed(seed);
    rng.set_stream(of as u64);
    rng
}

#[cfg(test)]
mod tests {
    use rand_core::Rng;

    use super::*;

    #[test]
    fn a_stream_is_that_of_its_seed_and_layer_alone() {
        let first = |seed: u8, of| stream([seed; 32], of).next_u64();
        assert_eq!(first(1, Stream::Log), first(1, Stream::Log));
        assert_ne!(first(1, Stream::Log), first(2, Stream::Log));
        assert_ne!(first(1, Stream::Log), first(1, Stream::Routing));
    }
}
