//! Identifiers: newtypes over fixed-size byte strings, shown short in logs and in full on the wire.
//!
//! In JSON an identifier is its base64url text without padding (RFC 4648 §5); in CBOR it is a byte string.

use std::{fmt, str::FromStr};

use base64ct::{Base64UrlUnpadded, Encoding};
use thiserror::Error;

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an identifier is {expected} characters of base64url without padding")]
pub struct ParseIdError {
    expected: usize,
}

/// Defines a byte-string newtype with its text, JSON and CBOR forms.
macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal bytes) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; $len]);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                // As the bytes compare, but the first eight at once: they are what tells identifiers apart, many times a second.
                let head = |id: &Self| id.0.first_chunk().copied().map(u64::from_be_bytes);
                head(self).cmp(&head(other)).then_with(|| self.0.cmp(&other.0))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Wraps the given bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes themselves.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Draws one at random.
            #[must_use]
            pub fn random(rng: &mut impl rand_core::Rng) -> Self {
                let mut bytes = [0; $len];
                rng.fill_bytes(&mut bytes);
                Self(bytes)
            }

            /// The whole identifier as base64url text.
            #[must_use]
            pub fn to_text(&self) -> String {
                <base64ct::Base64UrlUnpadded as base64ct::Encoding>::encode_string(&self.0)
            }
        }

        /// The first eight characters of the text form: enough to tell identifiers apart in a log.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.to_text()[..8])
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::ParseIdError;

            fn from_str(text: &str) -> Result<Self, $crate::id::ParseIdError> {
                $crate::id::decode_exact(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_text())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::id::TextVisitor::new())
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                decoder: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                decoder
                    .bytes()?
                    .try_into()
                    .map(Self)
                    .map_err(|_| minicbor::decode::Error::message("byte string of the wrong length"))
            }
        }
    };
}
pub(crate) use byte_id;

byte_id! {
    /// A node's public name: its Ed25519 public key (RFC 8032).
    ///
    /// Any 32 bytes make a `PeerId`; only the holder of the matching [`Identity`](crate::Identity) can sign as it.
    PeerId, 32 bytes
}

byte_id! {
    /// All that a rendezvous server learns about a room: a hash of its code.
    RoomId, 32 bytes
}

byte_id! {
    /// One attempt of two peers to link, drawn at random by the peer that starts the attempt.
    SessionId, 16 bytes
}

byte_id! {
    /// One message, drawn at random by its author.
    MessageId, 16 bytes
}

byte_id! {
    /// What a file is known by: the BLAKE3 hash of its whole content. The same content is the same file, whoever offers it.
    FileId, 32 bytes
}

/// Decodes base64url text that must give exactly `N` bytes.
pub(crate) fn decode_exact<const N: usize>(text: &str) -> Result<[u8; N], ParseIdError> {
    let mut bytes = [0; N];
    match Base64UrlUnpadded::decode(text, &mut bytes) {
        Ok(decoded) if decoded.len() == N => Ok(bytes),
        Ok(_) | Err(_) => Err(ParseIdError {
            expected: Base64UrlUnpadded::encoded_len(&bytes),
        }),
    }
}

/// Reads an identifier from a JSON string without copying the string first.
pub(crate) struct TextVisitor<T>(std::marker::PhantomData<T>);

impl<T> TextVisitor<T> {
    pub(crate) const fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T: FromStr<Err = ParseIdError>> serde::de::Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier as base64url text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_json_and_cbor_forms_round_trip(bytes in any::<[u8; 32]>()) {
            let id = PeerId::from_bytes(bytes);
            prop_assert_eq!(id.to_text().parse(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<PeerId>(&json).unwrap(), id);
            let cbor = minicbor::to_vec(id).unwrap();
            prop_assert_eq!(minicbor::decode::<PeerId>(&cbor).unwrap(), id);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            if let Ok(id) = text.parse::<SessionId>() {
                prop_assert_eq!(id.to_text(), text);
            }
        }
    }

    #[test]
    fn wrong_lengths_and_padding_are_refused() {
        for text in ["", "AAAA", &"A".repeat(44), &"=".repeat(43)] {
            assert_eq!(text.parse::<PeerId>(), Err(ParseIdError { expected: 43 }), "{text}");
        }
    }

    #[test]
    fn display_is_short_and_debug_names_the_kind() {
        let id = PeerId::from_bytes([0; 32]);
        assert_eq!(id.to_string(), "AAAAAAAA");
        assert_eq!(format!("{id:?}"), "PeerId(AAAAAAAA)");
    }
}
