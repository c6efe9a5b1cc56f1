//! CBOR with numbered fields (RFC 8949, `minicbor`): how everything between peers is written and read.
//!
//! Decoding is strict about what is known and lenient about what is not: unknown fields are skipped, and nothing may follow.

use minicbor::{Decode, Encode};
use shared::{
    limits::NAME_CHARS_MAX,
    name::{is_hidden, is_visible},
};
use thiserror::Error;

use crate::config::TOPIC_BYTES_MAX;

/// Bytes that cannot be accepted. Their sender is in error, except for [`DecodeError::Unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Not CBOR of the expected shape.
    #[error("not of the expected shape")]
    Malformed,
    /// A frame of a later version, to be ignored.
    #[error("a frame that is not known here")]
    Unknown,
    /// A name or text that is empty or too long, or a name with control characters.
    #[error("a name or text out of bounds")]
    OutOfBounds,
    /// Not signed by the author it names, for this room and recipient.
    #[error("not by its author")]
    Forged,
    /// A whisper that is not sealed to us.
    #[error("not sealed to this node")]
    NotForUs,
}

/// Encodes into memory, which cannot fail.
pub(crate) fn encode(value: &impl Encode<()>) -> Vec<u8> {
    encode_after(&[], value)
}

/// Encodes behind these bytes.
pub(crate) fn encode_after(front: &[u8], value: &impl Encode<()>) -> Vec<u8> {
    // Most frames are of about this size; to grow into it step by step would cost as much as to encode.
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(front);
    minicbor::encode(value, &mut bytes).expect("invariant: encoding into a Vec cannot fail");
    bytes
}

/// Decodes all of `bytes` and nothing else.
pub(crate) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, DecodeError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode().map_err(|_| DecodeError::Malformed)?;
    if decoder.position() == bytes.len() {
        Ok(value)
    } else {
        Err(DecodeError::Malformed)
    }
}

/// Decodes a frame: a pair of its number, and its fields. One with a number past `last` is of a later version.
pub(crate) fn decode_frame<'b, T: Decode<'b, ()>>(bytes: &'b [u8], last: u32) -> Result<T, DecodeError> {
    let mut peek = minicbor::Decoder::new(bytes);
    if !matches!(peek.array(), Ok(Some(2))) {
        return Err(DecodeError::Malformed);
    }
    match peek.u32() {
        Ok(number) if number > last => Err(DecodeError::Unknown),
        Ok(_) => decode(bytes),
        Err(_) => Err(DecodeError::Malformed),
    }
}

/// Whether a name can be shown: 1 to [`NAME_CHARS_MAX`] characters, something to be seen, nothing
/// [hidden](is_hidden).
#[must_use]
pub fn valid_name(name: &str) -> bool {
    // Bytes first: counting the characters of a huge text is work that its sender does not pay for.
    name.len() <= 4 * NAME_CHARS_MAX
        && name.chars().count() <= NAME_CHARS_MAX
        && is_visible(name)
        && !name.chars().any(is_hidden)
}

/// Whether a text can be what a room is about: of at most [`TOPIC_BYTES_MAX`] bytes, in one line, with nothing in it that is not seen. It may be
/// empty.
#[must_use]
pub fn valid_topic(topic: &str) -> bool {
    topic.len() <= TOPIC_BYTES_MAX && !topic.chars().any(is_hidden) && (topic.is_empty() || is_visible(topic))
}
