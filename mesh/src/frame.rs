//! What travels on an open link: CBOR with numbered fields (RFC 8949, `minicbor`), wire structs only.
//!
//! Frames are not sealed again: a link is a DTLS connection whose certificate fingerprints were exchanged under the room
//! key and signed by both identities, so whoever holds its other end is the named peer and knows the room. What may one day
//! pass through others is signed (chat) or signed and boxed (whispers) by its author.
//!
//! Decoding is strict about what it knows and lenient about what it does not: unknown fields are skipped, an unknown frame is
//! told apart from a broken one ([`DecodeError::Unknown`]).

use minicbor::{Decode, Encode, bytes::ByteVec};
use shared::{
    Identity, Label, MessageId, PeerId, Room, Signature,
    limits::{NAME_CHARS_MAX, TEXT_BYTES_MAX},
    seal::{open_as, seal_to},
};
use thiserror::Error;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Frame {
    /// The first frame on a link, from both sides.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// Asks for a pong.
    #[n(1)]
    Ping {
        /// To tell pongs apart.
        #[n(0)]
        nonce: u32,
    },
    /// Answers a ping.
    #[n(2)]
    Pong {
        /// The ping's.
        #[n(0)]
        nonce: u32,
    },
    /// Said to everyone.
    #[n(3)]
    Chat(#[n(0)] Signed),
    /// Said to one.
    #[n(4)]
    Whisper {
        /// A [`Signed`] said, sealed to the recipient.
        #[n(0)]
        sealed: ByteVec,
    },
    /// A message arrived and was shown.
    #[n(5)]
    Ack {
        /// Which.
        #[n(0)]
        id: MessageId,
    },
    /// The sender is about to close this link.
    #[n(6)]
    Goodbye {
        /// Why.
        #[n(0)]
        reason: GoodbyeReason,
    },
    /// The goodbye arrived, and everything before it.
    #[n(7)]
    GoodbyeAck {},
}

/// The number of the last frame known here.
const FRAME_LAST: u32 = 7;

/// Who is on the other end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// See [`PROTOCOL_VERSION`](shared::signal::PROTOCOL_VERSION).
    #[n(0)]
    pub version: u16,
    /// The person's name.
    #[n(1)]
    pub name: String,
}

/// Why a link is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum GoodbyeReason {
    /// The sender leaves the room.
    #[n(0)]
    Leaving,
    /// The sender got too many invalid frames from us.
    #[n(1)]
    Misbehaving,
    /// The sender does not speak our version.
    #[n(2)]
    Version,
    /// The two have a newer link.
    #[n(3)]
    Replaced,
}

/// A [`Said`] with its author's signature over the room's id and the exact bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Signed {
    /// The author.
    #[n(0)]
    pub author: PeerId,
    /// The encoded [`Said`].
    #[n(1)]
    pub said: ByteVec,
    /// By `author`.
    #[n(2)]
    pub signature: Signature,
}

/// What someone said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Said {
    /// Its id.
    #[n(0)]
    pub id: MessageId,
    /// When, in milliseconds since 1970 by the author's clock.
    #[n(1)]
    pub unix_millis: u64,
    /// The author's name at that time.
    #[n(2)]
    pub name: String,
    /// Whom it was whispered to.
    #[n(3)]
    pub to: Option<PeerId>,
    /// The text.
    #[n(4)]
    pub text: String,
}

/// A frame that cannot be accepted. Whoever sent it is in error, except for [`DecodeError::Unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Not one frame of CBOR.
    #[error("not a frame")]
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

impl Frame {
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a frame, all of `bytes` and nothing else.
    ///
    /// # Errors
    /// [`DecodeError::Unknown`] or [`DecodeError::Malformed`]. Signatures and seals are checked by whoever opens them.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut peek = minicbor::Decoder::new(bytes);
        if !matches!(peek.array(), Ok(Some(2))) {
            return Err(DecodeError::Malformed);
        }
        match peek.u32() {
            Ok(number) if number > FRAME_LAST => return Err(DecodeError::Unknown),
            Ok(_) => {}
            Err(_) => return Err(DecodeError::Malformed),
        }
        decode(bytes)
    }
}

impl Signed {
    /// Signs what `identity` says in `room`.
    #[must_use]
    pub fn new(identity: &Identity, room: &Room, said: &Said) -> Self {
        let bytes = encode(said);
        let signature = identity.sign(said.label(), &signed_bytes(room, &bytes));
        Self {
            author: identity.peer_id(),
            said: bytes.into(),
            signature,
        }
    }

    /// Checks signature and bounds of something said to everyone, or whispered to `to`.
    ///
    /// # Errors
    /// [`DecodeError`] if anything is wrong with it.
    pub fn open(&self, room: &Room, to: Option<PeerId>) -> Result<Said, DecodeError> {
        let said: Said = decode(&self.said)?;
        self.author
            .verify(said.label(), &signed_bytes(room, &self.said), &self.signature)
            .map_err(|_| DecodeError::Forged)?;
        // A whisper's author names its recipient under the signature, else the recipient could pass it on as if it had
        // been meant for another.
        if said.to != to {
            return Err(DecodeError::Forged);
        }
        if !valid_name(&said.name) || said.text.trim().is_empty() || said.text.len() > TEXT_BYTES_MAX {
            return Err(DecodeError::OutOfBounds);
        }
        Ok(said)
    }
}

impl Said {
    fn label(&self) -> Label {
        if self.to.is_some() { Label::Whisper } else { Label::Chat }
    }
}

/// Seals a signed whisper to its recipient.
///
/// # Errors
/// [`DecodeError::NotForUs`] if the recipient's id is no valid key: nothing can be sealed to it.
pub fn seal_whisper(
    signed: &Signed,
    room: &Room,
    to: &PeerId,
    rng: &mut impl rand_core::CryptoRng,
) -> Result<Frame, DecodeError> {
    let sealed = seal_to(to, rng, room.id().as_bytes(), &encode(signed)).map_err(|_| DecodeError::NotForUs)?;
    Ok(Frame::Whisper { sealed: sealed.into() })
}

/// Opens a whisper sealed to `identity` and checks its author.
///
/// # Errors
/// [`DecodeError`] if anything is wrong with it.
pub fn open_whisper(identity: &Identity, room: &Room, sealed: &[u8]) -> Result<(PeerId, Said), DecodeError> {
    let bytes = open_as(identity, room.id().as_bytes(), sealed).map_err(|_| DecodeError::NotForUs)?;
    let signed: Signed = decode(&bytes)?;
    let said = signed.open(room, Some(identity.peer_id()))?;
    Ok((signed.author, said))
}

/// Whether a name can be shown: 1 to [`NAME_CHARS_MAX`] characters, not only white space, no control characters.
#[must_use]
pub fn valid_name(name: &str) -> bool {
    // Bytes first: counting the characters of a huge text is work that its sender does not pay for.
    name.len() <= 4 * NAME_CHARS_MAX
        && name.chars().count() <= NAME_CHARS_MAX
        && !name.trim().is_empty()
        && !name.chars().any(char::is_control)
}

/// The room's id, then what is signed.
fn signed_bytes(room: &Room, bytes: &[u8]) -> Vec<u8> {
    [room.id().as_bytes().as_slice(), bytes].concat()
}

/// Encodes into memory, which cannot fail.
pub(crate) fn encode(value: &impl Encode<()>) -> Vec<u8> {
    minicbor::to_vec(value).expect("invariant: encoding into a Vec cannot fail")
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

#[cfg(test)]
mod tests {
    use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
    use proptest::prelude::*;
    use shared::RoomCode;

    use super::*;

    fn identity(byte: u8) -> Identity {
        Identity::from_secret(&[byte; 32])
    }

    fn room(name: &str) -> Room {
        RoomCode::parse(name).unwrap().open()
    }

    fn said(to: Option<PeerId>, text: &str) -> Said {
        Said {
            id: MessageId::from_bytes([1; 16]),
            unix_millis: 5,
            name: "Ann".into(),
            to,
            text: text.into(),
        }
    }

    #[test]
    fn a_message_opens_only_as_its_authors_in_its_room_and_for_its_audience() {
        let signed = Signed::new(&identity(1), &room("lobby"), &said(None, "hi"));
        assert_eq!(signed.open(&room("lobby"), None), Ok(said(None, "hi")));
        assert_eq!(signed.open(&room("attic"), None), Err(DecodeError::Forged));
        assert_eq!(
            signed.open(&room("lobby"), Some(identity(2).peer_id())),
            Err(DecodeError::Forged)
        );
        let impostor = Signed {
            author: identity(2).peer_id(),
            ..signed
        };
        assert_eq!(impostor.open(&room("lobby"), None), Err(DecodeError::Forged));
    }

    #[test]
    fn a_whisper_cannot_be_passed_on_as_meant_for_another() {
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let [ann, bob, eve] = [1, 2, 3].map(identity);
        let signed = Signed::new(&ann, &room("lobby"), &said(Some(bob.peer_id()), "psst"));
        let Ok(Frame::Whisper { sealed }) = seal_whisper(&signed, &room("lobby"), &bob.peer_id(), &mut rng) else {
            unreachable!()
        };
        assert_eq!(
            open_whisper(&bob, &room("lobby"), &sealed),
            Ok((ann.peer_id(), said(Some(bob.peer_id()), "psst")))
        );
        assert_eq!(open_whisper(&eve, &room("lobby"), &sealed), Err(DecodeError::NotForUs));
        assert_eq!(open_whisper(&bob, &room("attic"), &sealed), Err(DecodeError::NotForUs));
        // Bob seals Ann's signed words to Eve.
        let Ok(Frame::Whisper { sealed }) = seal_whisper(&signed, &room("lobby"), &eve.peer_id(), &mut rng) else {
            unreachable!()
        };
        assert_eq!(open_whisper(&eve, &room("lobby"), &sealed), Err(DecodeError::Forged));
    }

    #[test]
    fn bounds_hold_also_for_what_is_well_signed() {
        let ann = identity(1);
        for text in ["", " \n", &"x".repeat(TEXT_BYTES_MAX + 1)] {
            let signed = Signed::new(&ann, &room("lobby"), &said(None, text));
            assert_eq!(signed.open(&room("lobby"), None), Err(DecodeError::OutOfBounds));
        }
        for name in ["", "  ", "a\nb", &"é".repeat(NAME_CHARS_MAX + 1)] {
            let signed = Signed::new(
                &ann,
                &room("lobby"),
                &Said {
                    name: name.into(),
                    ..said(None, "hi")
                },
            );
            assert_eq!(signed.open(&room("lobby"), None), Err(DecodeError::OutOfBounds));
        }
        assert!(valid_name(&"🦜".repeat(NAME_CHARS_MAX)));
    }

    #[test]
    fn a_frame_of_the_future_is_unknown_and_one_with_a_tail_malformed() {
        assert_eq!(Frame::decode(&[0x82, 0x18, 99, 0x80]), Err(DecodeError::Unknown));
        let mut bytes = Frame::GoodbyeAck {}.encode();
        bytes.push(0);
        assert_eq!(Frame::decode(&bytes), Err(DecodeError::Malformed));
        // A later version may add fields.
        assert_eq!(
            Frame::decode(&[0x82, 1, 0x82, 7, 0x61, b'x']),
            Ok(Frame::Ping { nonce: 7 })
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(frame) = Frame::decode(&bytes) {
                prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
            }
            let _ = open_whisper(&identity(1), &room("lobby"), &bytes);
            let _ = decode::<Said>(&bytes);
        }

        #[test]
        fn an_altered_message_never_opens(at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let signed = Signed::new(&identity(1), &room("lobby"), &said(None, "hello"));
            let mut bytes = Frame::Chat(signed.clone()).encode();
            let index = at.index(bytes.len());
            bytes[index] ^= 1 << bit;
            if let Ok(Frame::Chat(altered)) = Frame::decode(&bytes) && altered != signed {
                prop_assert!(altered.open(&room("lobby"), None).is_err());
            }
        }
    }
}
