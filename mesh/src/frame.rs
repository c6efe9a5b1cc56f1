//! What travels on an open link: CBOR with numbered fields (RFC 8949, `minicbor`), wire structs only.
//!
//! Frames are not sealed again: a link is a DTLS connection whose certificate fingerprints were exchanged under the room
//! key and signed by both identities, so whoever holds its other end is the named peer and knows the room. What passes through
//! others is a [record](crate::record), signed by its author, and if it is for one peer alone also sealed to that peer.
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

use crate::{
    broadcast::Tree,
    hlc::Timestamp,
    log::Span,
    record::Short,
    signed::{sign, verify},
};

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
        /// What the sender has.
        #[n(1)]
        digests: Digests,
    },
    /// Answers a ping.
    #[n(2)]
    Pong {
        /// The ping's.
        #[n(0)]
        nonce: u32,
        /// What the sender has.
        #[n(1)]
        digests: Digests,
    },
    /// The sender is about to close this link.
    #[n(3)]
    Goodbye {
        /// Why.
        #[n(0)]
        reason: GoodbyeReason,
        /// If the sender leaves: its neighbors, for each to link with the next in the circle.
        #[n(1)]
        neighbors: Vec<PeerId>,
    },
    /// The goodbye arrived, and everything before it.
    #[n(4)]
    GoodbyeAck {},
    /// Broadcast: an [`Entry`](crate::record::Entry).
    #[n(5)]
    Entry {
        /// How many links it has come over, this one included.
        #[n(0)]
        hops: u8,
        /// How many shortcuts it may still take.
        #[n(1)]
        spread: u16,
        /// On which tree it travels.
        #[n(2)]
        tree: Tree,
        /// The record.
        #[n(3)]
        wire: ByteVec,
    },
    /// Broadcast: a [`Beacon`](crate::record::Beacon).
    #[n(6)]
    Beacon {
        /// How many links it has come over, this one included.
        #[n(0)]
        hops: u8,
        /// On which tree it travels.
        #[n(1)]
        tree: Tree,
        /// The record.
        #[n(2)]
        wire: ByteVec,
    },
    /// Broadcast: the sender has these (the paper's IHAVE).
    #[n(7)]
    IHave {
        /// Ids of records, by tree.
        #[n(0)]
        announced: Vec<Announced>,
    },
    /// Broadcast: send these, and more from now on.
    #[n(8)]
    Graft {
        /// Ids of records.
        #[n(0)]
        ids: Vec<Short>,
        /// On which tree.
        #[n(1)]
        tree: Tree,
    },
    /// Broadcast: send ids only, from now on.
    #[n(9)]
    Prune {
        /// On which tree.
        #[n(0)]
        tree: Tree,
    },
    /// Routing: a [`Packet`](crate::record::Packet).
    #[n(10)]
    Packet {
        /// How many more links it may pass.
        #[n(0)]
        hops_left: u8,
        /// Whether it goes to everyone until it finds its recipient.
        #[n(1)]
        flooded: bool,
        /// The record.
        #[n(2)]
        wire: ByteVec,
    },
    /// The room's [`Closing`](crate::record::Closing).
    #[n(11)]
    Closing {
        /// The record.
        #[n(0)]
        wire: ByteVec,
    },
    /// Sync: the sender's version vector.
    #[n(12)]
    Have {
        /// What it has of each origin.
        #[n(0)]
        vector: Vec<Span>,
    },
    /// Sync: send these.
    #[n(13)]
    Want {
        /// Numbers of origins.
        #[n(0)]
        spans: Vec<Span>,
    },
    /// Sync: some of what was wanted, or grafted.
    #[n(14)]
    Entries {
        /// Records.
        #[n(0)]
        wires: Vec<ByteVec>,
    },
    /// Sync: a step of a range-based reconciliation.
    #[n(15)]
    Reconcile {
        /// Whether it is by the side that began.
        #[n(0)]
        initiator: bool,
        /// As the `negentropy` protocol, version 1, has it.
        #[n(1)]
        message: ByteVec,
    },
    /// Presence: who is here, as far as the sender knows. Asks for the beacons of others.
    #[n(16)]
    People {
        /// Their ids, without the sender's.
        #[n(0)]
        ids: Vec<Short>,
    },
    /// Presence: beacons that were lacking.
    #[n(17)]
    Beacons {
        /// Records.
        #[n(0)]
        wires: Vec<ByteVec>,
    },
}

/// The number of the last frame known here.
const FRAME_LAST: u32 = 17;

/// What a node has, in two numbers: where they differ, there is something to be exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Digests {
    /// See [`Log::digest`](crate::log::Log::digest).
    #[n(0)]
    pub log: u64,
    /// See [`Roster::digest`](crate::roster::Roster::digest).
    #[n(1)]
    pub people: u64,
}

/// Records that travel on one tree.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Announced {
    /// The tree.
    #[n(0)]
    pub tree: Tree,
    /// Their ids.
    #[n(1)]
    pub ids: Vec<Short>,
}

/// Who is on the other end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// See [`PROTOCOL_VERSION`](shared::signal::PROTOCOL_VERSION).
    #[n(0)]
    pub version: u16,
    /// The person's name.
    #[n(1)]
    pub name: String,
    /// What the sender has.
    #[n(2)]
    pub digests: Digests,
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
    /// The sender needs the place for somebody who has no other way in.
    #[n(4)]
    Excess,
}

/// A [`Whisper`] with its author's signature over the room's id and the exact bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedWhisper {
    /// The author.
    #[n(0)]
    pub author: PeerId,
    /// The encoded [`Whisper`].
    #[n(1)]
    pub whisper: ByteVec,
    /// By `author`.
    #[n(2)]
    pub signature: Signature,
}

/// What someone whispered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Whisper {
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
    pub to: PeerId,
    /// The text.
    #[n(4)]
    pub text: String,
    /// Its place among everything the recipient is shown.
    #[n(5)]
    pub order: Timestamp,
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

impl SignedWhisper {
    /// Signs what `identity` whispers in `room`.
    #[must_use]
    pub fn new(identity: &Identity, room: &Room, whisper: &Whisper) -> Self {
        let bytes = encode(whisper);
        let signature = sign(identity, Label::Whisper, room, &bytes);
        Self {
            author: identity.peer_id(),
            whisper: bytes.into(),
            signature,
        }
    }

    /// Checks signature and bounds of something whispered to `to`.
    ///
    /// # Errors
    /// [`DecodeError`] if anything is wrong with it.
    pub fn open(&self, room: &Room, to: &PeerId) -> Result<Whisper, DecodeError> {
        let whisper: Whisper = decode(&self.whisper)?;
        verify(&self.author, Label::Whisper, room, &self.whisper, &self.signature).map_err(|_| DecodeError::Forged)?;
        // The author names the recipient under the signature, else the recipient could pass a whisper on as if it had
        // been meant for another.
        if whisper.to != *to {
            return Err(DecodeError::Forged);
        }
        if !valid_name(&whisper.name) || whisper.text.trim().is_empty() || whisper.text.len() > TEXT_BYTES_MAX {
            return Err(DecodeError::OutOfBounds);
        }
        Ok(whisper)
    }
}

/// Signs a whisper and seals it to its recipient.
///
/// # Errors
/// [`DecodeError::NotForUs`] if the recipient's id is no valid key: nothing can be sealed to it.
pub fn seal_whisper(
    identity: &Identity,
    room: &Room,
    whisper: &Whisper,
    rng: &mut impl rand_core::CryptoRng,
) -> Result<Vec<u8>, DecodeError> {
    let signed = SignedWhisper::new(identity, room, whisper);
    seal_to(&whisper.to, rng, room.id().as_bytes(), &encode(&signed)).map_err(|_| DecodeError::NotForUs)
}

/// Opens a whisper sealed to `identity` and checks its author.
///
/// # Errors
/// [`DecodeError`] if anything is wrong with it.
pub fn open_whisper(identity: &Identity, room: &Room, sealed: &[u8]) -> Result<(PeerId, Whisper), DecodeError> {
    let bytes = open_as(identity, room.id().as_bytes(), sealed).map_err(|_| DecodeError::NotForUs)?;
    let signed: SignedWhisper = decode(&bytes)?;
    let whisper = signed.open(room, &identity.peer_id())?;
    Ok((signed.author, whisper))
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

/// Encodes into memory, which cannot fail.
pub(crate) fn encode(value: &impl Encode<()>) -> Vec<u8> {
    // Most frames are of about this size; to grow into it step by step would cost as much as to encode.
    let mut bytes = Vec::with_capacity(512);
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

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::from_seed([3; 32])
    }

    fn whisper(to: &Identity, text: &str) -> Whisper {
        Whisper {
            id: MessageId::from_bytes([1; 16]),
            unix_millis: 5,
            name: "Ann".into(),
            to: to.peer_id(),
            text: text.into(),
            order: Timestamp::from_unix_millis(5),
        }
    }

    #[test]
    fn a_whisper_opens_only_as_its_authors_in_its_room_and_for_its_recipient() {
        let [ann, bob, eve] = [1, 2, 3].map(identity);
        let signed = SignedWhisper::new(&ann, &room("lobby"), &whisper(&bob, "psst"));
        assert_eq!(signed.open(&room("lobby"), &bob.peer_id()), Ok(whisper(&bob, "psst")));
        assert_eq!(signed.open(&room("attic"), &bob.peer_id()), Err(DecodeError::Forged));
        assert_eq!(signed.open(&room("lobby"), &eve.peer_id()), Err(DecodeError::Forged));
        let impostor = SignedWhisper {
            author: eve.peer_id(),
            ..signed
        };
        assert_eq!(impostor.open(&room("lobby"), &bob.peer_id()), Err(DecodeError::Forged));
    }

    #[test]
    fn a_sealed_whisper_opens_for_its_recipient_alone() {
        let [ann, bob, eve] = [1, 2, 3].map(identity);
        let sealed = seal_whisper(&ann, &room("lobby"), &whisper(&bob, "psst"), &mut rng()).unwrap();
        assert_eq!(
            open_whisper(&bob, &room("lobby"), &sealed),
            Ok((ann.peer_id(), whisper(&bob, "psst")))
        );
        assert_eq!(open_whisper(&eve, &room("lobby"), &sealed), Err(DecodeError::NotForUs));
        assert_eq!(open_whisper(&bob, &room("attic"), &sealed), Err(DecodeError::NotForUs));
    }

    #[test]
    fn a_whisper_cannot_be_passed_on_as_meant_for_another() {
        let [ann, bob, eve] = [1, 2, 3].map(identity);
        let signed = SignedWhisper::new(&ann, &room("lobby"), &whisper(&bob, "psst"));
        // Bob seals Ann's signed words to Eve.
        let context = room("lobby").id();
        let sealed = seal_to(&eve.peer_id(), &mut rng(), context.as_bytes(), &encode(&signed)).unwrap();
        assert_eq!(open_whisper(&eve, &room("lobby"), &sealed), Err(DecodeError::Forged));
    }

    #[test]
    fn to_an_id_that_is_no_key_nothing_can_be_sealed() {
        // Of small order: with it the shared secret would be the same for everyone.
        let nobody = Whisper {
            to: PeerId::from_bytes([0; 32]),
            ..whisper(&identity(2), "psst")
        };
        assert_eq!(
            seal_whisper(&identity(1), &room("lobby"), &nobody, &mut rng()),
            Err(DecodeError::NotForUs)
        );
    }

    #[test]
    fn bounds_hold_also_for_what_is_well_signed() {
        let [ann, bob] = [1, 2].map(identity);
        let open =
            |whisper: &Whisper| SignedWhisper::new(&ann, &room("lobby"), whisper).open(&room("lobby"), &bob.peer_id());
        for text in ["", " \n", &"x".repeat(TEXT_BYTES_MAX + 1)] {
            assert_eq!(open(&whisper(&bob, text)), Err(DecodeError::OutOfBounds));
        }
        for name in ["", "  ", "a\nb", &"é".repeat(NAME_CHARS_MAX + 1)] {
            let named = Whisper {
                name: name.into(),
                ..whisper(&bob, "hi")
            };
            assert_eq!(open(&named), Err(DecodeError::OutOfBounds));
        }
        assert!(valid_name(&"🦜".repeat(NAME_CHARS_MAX)));
    }

    #[test]
    fn a_frame_of_the_future_is_unknown_and_one_with_a_tail_malformed() {
        assert_eq!(Frame::decode(&[0x82, 0x18, 99, 0x80]), Err(DecodeError::Unknown));
        let first_unknown = u8::try_from(FRAME_LAST).unwrap() + 1;
        assert_eq!(Frame::decode(&[0x82, first_unknown, 0x80]), Err(DecodeError::Unknown));
        let mut bytes = Frame::GoodbyeAck {}.encode();
        bytes.push(0);
        assert_eq!(Frame::decode(&bytes), Err(DecodeError::Malformed));
        assert_eq!(Frame::decode(&[]), Err(DecodeError::Malformed));
        assert_eq!(Frame::decode(&[0x82, 0x61, b'x', 0x80]), Err(DecodeError::Malformed));
        // A frame that is known, with too few fields.
        assert_eq!(Frame::decode(&[0x82, 1, 0x81, 7]), Err(DecodeError::Malformed));
        // A later version may add fields.
        let digests = Digests { log: 1, people: 2 };
        assert_eq!(
            Frame::decode(&[0x82, 1, 0x83, 7, 0x82, 1, 2, 0x61, b'x']),
            Ok(Frame::Ping { nonce: 7, digests })
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(frame) = Frame::decode(&bytes) {
                prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
            }
            let _ = open_whisper(&identity(1), &room("lobby"), &bytes);
            let _ = decode::<SignedWhisper>(&bytes);
            let _ = decode::<Whisper>(&bytes);
        }

        #[test]
        fn any_bytes_after_a_known_number_are_a_frame_or_refused(
            number in 0..=u8::try_from(FRAME_LAST).unwrap(),
            fields in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let bytes = [&[0x82, number][..], &fields].concat();
            match Frame::decode(&bytes) {
                Ok(frame) => prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame)),
                Err(error) => prop_assert_eq!(error, DecodeError::Malformed),
            }
        }

        #[test]
        fn an_altered_whisper_never_opens(at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let [ann, bob] = [1, 2].map(identity);
            let signed = SignedWhisper::new(&ann, &room("lobby"), &whisper(&bob, "hello"));
            let mut bytes = encode(&signed);
            let index = at.index(bytes.len());
            bytes[index] ^= 1 << bit;
            if let Ok(altered) = decode::<SignedWhisper>(&bytes) && altered != signed {
                prop_assert!(altered.open(&room("lobby"), &bob.peer_id()).is_err());
            }
            let mut sealed = seal_whisper(&ann, &room("lobby"), &whisper(&bob, "hello"), &mut rng()).unwrap();
            let index = at.index(sealed.len());
            sealed[index] ^= 1 << bit;
            prop_assert_eq!(open_whisper(&bob, &room("lobby"), &sealed), Err(DecodeError::NotForUs));
        }
    }
}
