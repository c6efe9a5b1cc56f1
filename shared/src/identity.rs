//! A node's key pair, and all that follows from the public half.
//!
//! An [`Identity`] is an Ed25519 key pair (RFC 8032) whose public key is the [`PeerId`]. Everything it signs carries
//! a [`Label`], so that a signature made for one purpose can never be replayed for another. Verification is the
//! strict one (no small-order keys), which makes signatures non-malleable and unambiguous between implementations.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    id::{PeerId, byte_id},
    room::Room,
};

/// The purpose of a signature. The text of the label goes in front of the signed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// A client's answer to the rendezvous server's challenge.
    SignalHello,
    /// The same, by the room's key: the client has the room's link.
    RoomHello,
    /// A link set-up message between two peers (offer, answer, candidates, …).
    Envelope,
    /// What the two ends of a link vouch for.
    LinkHello,
    /// An entry of the room's log.
    Entry,
    /// An author's word that an entry of theirs is deleted.
    Deletion,
    /// A whisper, signed inside its sealed box.
    Whisper,
    /// A presence beacon.
    Beacon,
    /// A packet that others carry.
    Packet,
    /// A sign that somebody is typing.
    Typing,
    /// The founder's closing of a room.
    Closing,
}

impl Label {
    /// The label as it stands in front of the signed bytes; no label is a prefix of another plus NUL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignalHello => "starling v1 signal hello",
            Self::RoomHello => "starling v1 room hello",
            Self::Envelope => "starling v1 link envelope",
            Self::LinkHello => "starling v1 link hello",
            Self::Entry => "starling v1 log entry",
            Self::Deletion => "starling v1 deletion",
            Self::Whisper => "starling v1 whisper",
            Self::Beacon => "starling v1 presence beacon",
            Self::Packet => "starling v1 routed packet",
            Self::Typing => "starling v1 typing",
            Self::Closing => "starling v1 room closing",
        }
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

byte_id! {
    /// An Ed25519 signature.
    Signature, 64 bytes
}

/// A signature that was not made by the named peer, for this purpose, over these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the signature is not by the peer it names")]
pub struct BadSignature;

/// A node's secret key. Dropping it wipes the memory.
#[derive(Clone)]
pub struct Identity {
    signing: SigningKey,
}

impl Identity {
    /// Makes a new key pair.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(secret.as_mut());
        Self::from_secret(&secret)
    }

    /// Restores a key pair from its 32 secret bytes, see [`Identity::secret`].
    #[must_use]
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self {
            signing: SigningKey::from_bytes(secret),
        }
    }

    /// The 32 secret bytes, to be stored where only this node can read them.
    #[must_use]
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes())
    }

    /// The public key.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        PeerId::from_bytes(self.signing.verifying_key().to_bytes())
    }

    /// Signs `message` for the purpose that `label` names.
    #[must_use]
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        Signature::from_bytes(self.signing.sign(&labelled(label, message)).to_bytes())
    }

    /// The X25519 scalar of this key, for opening boxes sealed to it.
    pub(crate) fn x25519_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_scalar_bytes())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.peer_id())
    }
}

impl PeerId {
    /// Checks that this peer signed `message` for the purpose that `label` names.
    ///
    /// # Errors
    /// [`BadSignature`] if not, or if the id is no valid public key.
    pub fn verify(&self, label: Label, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        self.verifying_key()?
            .verify_strict(
                &labelled(label, message),
                &ed25519_dalek::Signature::from_bytes(signature.as_bytes()),
            )
            .map_err(|_| BadSignature)
    }

    /// The X25519 public key of this peer (RFC 7748), for sealing boxes to it.
    pub(crate) fn x25519_public(&self) -> Result<[u8; 32], BadSignature> {
        Ok(self.verifying_key()?.to_montgomery().to_bytes())
    }

    fn verifying_key(&self) -> Result<VerifyingKey, BadSignature> {
        VerifyingKey::from_bytes(self.as_bytes()).map_err(|_| BadSignature)
    }

    /// Eight characters, as `XXXX-XXXX`, to tell two people of one name apart at a glance (40 bits: **not** proof
    /// against someone who searches for a look-alike; that is what [`safety_number`] is for).
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = blake3::derive_key("starling v1 fingerprint", self.as_bytes());
        // Base32 (RFC 4648 §6): a digit for each five bits.
        let bits = hash[..5].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let digit = |place: u32| char::from(BASE32[usize::try_from(bits >> (35 - 5 * place) & 31).unwrap_or(0)]);
        let (front, back): (String, String) = ((0..4).map(digit).collect(), (4..8).map(digit).collect());
        format!("{front}-{back}")
    }

    /// A number below `count` drawn from the key, for picking a colour.
    ///
    /// # Panics
    /// If `count` is 0.
    #[must_use]
    pub fn hue(&self, count: u8) -> u8 {
        blake3::derive_key("starling v1 hue", self.as_bytes())[0] % count
    }
}

/// Sixty digits in twelve groups that two people of a room can read to each other. The digits are the same on both sides
/// only if each sees the other's true key and both mean the same room.
///
/// Like Signal's safety numbers, thirty digits (about 100 bits) a side make a second key with the same number
/// infeasible to find.
#[must_use]
pub fn safety_number(room: &Room, one: &PeerId, other: &PeerId) -> String {
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    let mut groups = Vec::with_capacity(12);
    for peer in [low, high] {
        let mut hasher = blake3::Hasher::new_derive_key("starling v1 safety number");
        hasher.update(room.id().as_bytes()).update(peer.as_bytes());
        let mut bytes = [0; 6 * 5];
        hasher.finalize_xof().fill(&mut bytes);
        for chunk in bytes.chunks_exact(5) {
            // Five bytes modulo 100,000: the bias is below 10^-7.
            let number = chunk.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
            groups.push(format!("{:05}", number % 100_000));
        }
    }
    groups.join(" ")
}

/// `label`, a NUL, then `message`.
fn labelled(label: Label, message: &[u8]) -> Vec<u8> {
    [label.as_str().as_bytes(), &[0], message].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::RoomCode;

    fn identity(byte: u8) -> Identity {
        Identity::from_secret(&[byte; 32])
    }

    #[test]
    fn a_signature_holds_for_its_label_message_and_signer_only() {
        let (ann, bob) = (identity(1), identity(2));
        let signature = ann.sign(Label::Entry, b"hello");
        assert_eq!(ann.peer_id().verify(Label::Entry, b"hello", &signature), Ok(()));
        assert_eq!(
            ann.peer_id().verify(Label::Whisper, b"hello", &signature),
            Err(BadSignature)
        );
        assert_eq!(
            ann.peer_id().verify(Label::Entry, b"hellO", &signature),
            Err(BadSignature)
        );
        assert_eq!(
            bob.peer_id().verify(Label::Entry, b"hello", &signature),
            Err(BadSignature)
        );
    }

    #[test]
    fn a_weak_key_verifies_nothing() {
        // The identity point: with lax verification, one signature under it fits every message.
        let mut bytes = [0; 32];
        bytes[0] = 1;
        let weak = PeerId::from_bytes(bytes);
        let signature = Signature::from_bytes({
            let mut s = [0; 64];
            s[0] = 1;
            s
        });
        assert_eq!(weak.verify(Label::Entry, b"anything", &signature), Err(BadSignature));
    }

    #[test]
    fn labels_are_prefix_free_with_their_nul() {
        let labels = [
            Label::SignalHello,
            Label::RoomHello,
            Label::Envelope,
            Label::LinkHello,
            Label::Entry,
            Label::Deletion,
            Label::Whisper,
            Label::Beacon,
            Label::Packet,
            Label::Typing,
            Label::Closing,
        ];
        for one in labels {
            for other in labels {
                let prefix = format!("{}\0", one.as_str());
                assert!(one == other || !format!("{}\0", other.as_str()).starts_with(&prefix));
            }
        }
    }

    #[test]
    fn safety_numbers_agree_on_both_sides_and_differ_between_pairs_and_rooms() {
        let room = RoomCode::parse("lobby").unwrap().open();
        let other_room = RoomCode::parse("attic").unwrap().open();
        let [a, b, c] = [1, 2, 3].map(|byte| identity(byte).peer_id());
        let number = safety_number(&room, &a, &b);
        assert_eq!(number, safety_number(&room, &b, &a));
        assert_ne!(number, safety_number(&room, &a, &c));
        assert_ne!(number, safety_number(&other_room, &a, &b));
        assert_eq!(number.len(), 12 * 5 + 11);
    }
}
