//! What the tabs of one browser tell each other, in no link: that they are in the room, and sealed envelopes.

use minicbor::Encode;
use shared::PeerId;
use wire_derive::Decode;

use super::codec::{DecodeError, decode, encode};

/// A message that all other tabs of the browser get.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Nearby {
    /// "I am in this room."
    #[n(0)]
    Here {
        /// Who.
        #[n(0)]
        peer: PeerId,
        /// Whether the others should say so, too.
        #[n(1)]
        asks: bool,
    },
    /// A sealed envelope.
    #[n(1)]
    Envelope {
        /// Whom it is for.
        #[n(0)]
        to: PeerId,
        /// See [`Envelope::seal`](super::envelope::Envelope::seal).
        #[n(1)]
        sealed: String,
    },
}

impl Nearby {
    /// The message's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a message, all of `bytes` and nothing else.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_refused(
            number in 0..3u8,
            mut rest in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = Nearby::decode(&rest);
            rest.splice(0..0, [0x82, number]);
            if let Ok(message) = Nearby::decode(&rest) {
                prop_assert_eq!(Nearby::decode(&message.encode()), Ok(message));
            }
        }
    }
}
