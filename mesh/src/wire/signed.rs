//! Signatures and seals within a room: over the room's id, then what is signed, so that nothing said in one room counts in another, nor
//! what was said for one purpose for another.

#[cfg(any(test, feature = "sim"))]
pub(crate) mod simulated;

use shared::{
    BadSignature, Identity, Label, PeerId, Room, Signature,
    seal::{BadRecipient, OpenError},
};

/// Signs `bytes` for `room`.
pub(super) fn sign(identity: &Identity, label: Label, room: &Room, bytes: &[u8]) -> Signature {
    let signature = identity.sign(label, &signed_bytes(room, bytes));
    #[cfg(feature = "sim")]
    memo::note(&identity.peer_id(), label, room, bytes, &signature);
    signature
}

/// Checks that `author` signed `bytes` for `room`.
///
/// # Errors
/// [`BadSignature`] if not.
pub(super) fn verify(
    author: &PeerId,
    label: Label,
    room: &Room,
    bytes: &[u8],
    signature: &Signature,
) -> Result<(), BadSignature> {
    #[cfg(feature = "sim")]
    if memo::knows(author, label, room, bytes, signature) {
        return Ok(());
    }
    author.verify(label, &signed_bytes(room, bytes), signature)
}

/// Seals `bytes` so that only `recipient` opens them, in `room` and for the same purpose.
///
/// # Errors
/// [`BadRecipient`] if the id is no valid public key.
pub(super) fn seal_to(
    recipient: &PeerId,
    label: Label,
    room: &Room,
    bytes: &[u8],
    rng: &mut impl rand_core::CryptoRng,
) -> Result<Vec<u8>, BadRecipient> {
    #[cfg(any(test, feature = "sim"))]
    if simulated::is_on() {
        return Ok(simulated::seal(recipient, &context(label, room), bytes, rng));
    }
    room.key().seal_to(recipient, rng, &context(label, room), bytes)
}

/// Opens what [`seal_to`] made for `identity`.
///
/// # Errors
/// [`OpenError`]; nothing more can be told.
pub(super) fn open_as(identity: &Identity, label: Label, room: &Room, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    #[cfg(any(test, feature = "sim"))]
    if simulated::is_on() {
        return simulated::open(&identity.peer_id(), &context(label, room), sealed).ok_or(OpenError);
    }
    room.key().open_as(identity, &context(label, room), sealed)
}

fn context(label: Label, room: &Room) -> Vec<u8> {
    [label.as_str().as_bytes(), &[0], room.id().as_bytes()].concat()
}

fn signed_bytes(room: &Room, bytes: &[u8]) -> Vec<u8> {
    [room.id().as_bytes().as_slice(), bytes].concat()
}

/// In a simulation all nodes are in one process: a signature that was made there is known to be good, and need not be checked
/// a thousand times. Any other is.
#[cfg(feature = "sim")]
mod memo {
    use std::cell::RefCell;
    #[expect(clippy::disallowed_types, reason = "its order is never looked at")]
    use std::collections::HashSet;

    use shared::{Label, PeerId, Room, Signature};

    use crate::config::SIM_SIGNATURES_MAX;

    thread_local! {
        #[expect(clippy::disallowed_types, reason = "its order is never looked at")]
        static MADE: RefCell<HashSet<[u8; 32]>> = RefCell::default();
    }

    pub(super) fn note(author: &PeerId, label: Label, room: &Room, bytes: &[u8], signature: &Signature) {
        MADE.with_borrow_mut(|made| {
            if made.len() >= SIM_SIGNATURES_MAX {
                made.clear();
            }
            made.insert(hash(author, label, room, bytes, signature));
        });
    }

    pub(super) fn knows(author: &PeerId, label: Label, room: &Room, bytes: &[u8], signature: &Signature) -> bool {
        let hash = hash(author, label, room, bytes, signature);
        MADE.with_borrow(|made| made.contains(&hash))
    }

    /// Of everything that a check depends on; all parts but the last are of fixed length, or end with NUL.
    fn hash(author: &PeerId, label: Label, room: &Room, bytes: &[u8], signature: &Signature) -> [u8; 32] {
        *blake3::Hasher::new()
            .update(label.as_str().as_bytes())
            .update(&[0])
            .update(author.as_bytes())
            .update(room.id().as_bytes())
            .update(signature.as_bytes())
            .update(bytes)
            .finalize()
            .as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use shared::RoomCode;

    use super::*;

    #[test]
    fn only_what_was_signed_by_them_for_this_in_this_room_is_genuine() {
        let [ann, bob] = [1, 2].map(|byte| Identity::from_secret(&[byte; 32]));
        let [lobby, attic] = ["lobby", "attic"].map(|name| RoomCode::parse(name).unwrap().open());
        let signature = sign(&ann, Label::Entry, &lobby, b"hi");
        let by_bob = sign(&bob, Label::Entry, &lobby, b"hi");
        let genuine = |author: &Identity, label, room, bytes: &[u8], signature| {
            verify(&author.peer_id(), label, room, bytes, signature).is_ok()
        };
        assert!(genuine(&ann, Label::Entry, &lobby, b"hi", &signature));
        assert!(!genuine(&bob, Label::Entry, &lobby, b"hi", &signature));
        assert!(!genuine(&ann, Label::Beacon, &lobby, b"hi", &signature));
        assert!(!genuine(&ann, Label::Entry, &attic, b"hi", &signature));
        assert!(!genuine(&ann, Label::Entry, &lobby, b"ho", &signature));
        assert!(!genuine(&ann, Label::Entry, &lobby, b"hi", &by_bob));
    }

    /// Both kinds of box: the real one first.
    #[test]
    fn a_simulated_box_opens_as_a_real_one_does() {
        use chacha20::{ChaCha20Rng, rand_core::SeedableRng};

        let [ann, bob] = [1, 2].map(|byte| Identity::from_secret(&[byte; 32]));
        let [lobby, attic] = ["lobby", "attic"].map(|name| RoomCode::parse(name).unwrap().open());
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let mut lengths = Vec::new();
        for turns_on in [false, true] {
            if turns_on {
                simulated::turn_on();
            }
            let sealed = seal_to(&ann.peer_id(), Label::Envelope, &lobby, b"hello", &mut rng).unwrap();
            lengths.push(sealed.len());
            let open = |identity, label, room, sealed: &[u8]| open_as(identity, label, room, sealed);
            assert_eq!(open(&ann, Label::Envelope, &lobby, &sealed), Ok(b"hello".to_vec()));
            assert_eq!(open(&bob, Label::Envelope, &lobby, &sealed), Err(OpenError));
            assert_eq!(open(&ann, Label::Whisper, &lobby, &sealed), Err(OpenError));
            assert_eq!(open(&ann, Label::Envelope, &attic, &sealed), Err(OpenError));
            for index in 0..sealed.len() {
                let mut altered = sealed.clone();
                altered[index] ^= 1;
                assert_eq!(
                    open(&ann, Label::Envelope, &lobby, &altered),
                    Err(OpenError),
                    "byte {index}"
                );
            }
        }
        assert_eq!(lengths[0], lengths[1]);
    }
}
