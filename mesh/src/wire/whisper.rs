//! Whispers: signed by their author, then sealed to their recipient's key.

use minicbor::{Encode, bytes::ByteVec};
use shared::{Identity, Label, MessageId, PeerId, Room, Signature, limits::TEXT_BYTES_MAX};
use wire_derive::Decode;

use super::{
    codec::{DecodeError, decode, encode, valid_name},
    signed::{open_as, seal_to, sign, verify},
    timestamp::Timestamp,
};

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
    /// The stamp of the recipient's last beacon that the author knows: it is meant for that life of the recipient's, and for none later.
    #[n(6)]
    pub since: u64,
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
    seal_to(&whisper.to, Label::Whisper, room, &encode(&signed), rng).map_err(|_| DecodeError::NotForUs)
}

/// Opens a whisper sealed to `identity` and checks its author.
///
/// # Errors
/// [`DecodeError`] if anything is wrong with it.
pub fn open_whisper(identity: &Identity, room: &Room, sealed: &[u8]) -> Result<(PeerId, Whisper), DecodeError> {
    let bytes = open_as(identity, Label::Whisper, room, sealed).map_err(|_| DecodeError::NotForUs)?;
    let signed: SignedWhisper = decode(&bytes)?;
    let whisper = signed.open(room, &identity.peer_id())?;
    Ok((signed.author, whisper))
}

#[cfg(test)]
mod tests {
    use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
    use proptest::prelude::*;
    use shared::{RoomCode, limits::NAME_CHARS_MAX};

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
            since: 6,
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
        let sealed = seal_to(
            &eve.peer_id(),
            Label::Whisper,
            &room("lobby"),
            &encode(&signed),
            &mut rng(),
        )
        .unwrap();
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

    proptest! {
        #[test]
        fn any_bytes_are_a_whisper_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = open_whisper(&identity(1), &room("lobby"), &bytes);
            let _ = decode::<SignedWhisper>(&bytes);
            let _ = decode::<Whisper>(&bytes);
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
