//! Sealing by the people of a room: for all of them ([`SealKey::seal`]), and for one ([`SealKey::seal_to`]).
//!
//! Both are HPKE (RFC 9180), mode PSK, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305: to a key pair that comes from the
//! room's key, or to the X25519 form of the recipient's identity key. The pre-shared key comes from the room's, so that nobody without the
//! link can seal or, should X25519 fall, open. The box hides the content and says nothing about the sender: sign the content.

use std::fmt;

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, PskBundle, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{Identity, PeerId};

// No limit: the tag of Poly1305.
const TAG_LEN: usize = 16;
// No limit: a key of X25519.
const ENCAPPED_LEN: usize = 32;

/// By how many bytes sealing lengthens a message.
// No limit: the format fixes the number.
pub const BOX_OVERHEAD_BYTES: usize = ENCAPPED_LEN + TAG_LEN;

/// A sealed message that does not open: another key, another context, or altered on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the message was not sealed with this key and context, or was altered")]
pub struct OpenError;

/// A recipient to whom nothing can be sealed, because its id is no valid public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the recipient's id is not a public key")]
pub struct BadRecipient;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;

/// The name of the pre-shared key: there is one.
const PSK_ID: &[u8] = b"starling room";

/// A symmetric key shared by the members of a room.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

impl SealKey {
    /// Wraps a derived key.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// Seals `message` so that everyone who has this key opens it, bound to `context`. Adds [`BOX_OVERHEAD_BYTES`].
    #[must_use]
    pub fn seal(&self, rng: &mut impl CryptoRng, context: &[u8], message: &[u8]) -> Vec<u8> {
        let (_, public) = self.pair();
        self.seal_for(&public, rng, context, message)
            .expect("invariant: a derived key is valid")
    }

    /// Opens what [`SealKey::seal`] made with the same `context`.
    ///
    /// # Errors
    /// [`OpenError`]; nothing more can be told.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (secret, _) = self.pair();
        self.open_with(&secret, context, sealed)
    }

    /// Seals `message` so that only `recipient`, who has this key too, opens it, bound to `context`. Adds [`BOX_OVERHEAD_BYTES`].
    ///
    /// # Errors
    /// [`BadRecipient`] if the id is no valid public key.
    pub fn seal_to(
        &self,
        recipient: &PeerId,
        rng: &mut impl CryptoRng,
        context: &[u8],
        message: &[u8],
    ) -> Result<Vec<u8>, BadRecipient> {
        let public = recipient.x25519_public().map_err(|_| BadRecipient)?;
        let public = PublicKey::from_bytes(&public).map_err(|_| BadRecipient)?;
        self.seal_for(&public, rng, context, message)
    }

    /// Opens what [`SealKey::seal_to`] made for `identity` with the same `context`.
    ///
    /// # Errors
    /// [`OpenError`]; nothing more can be told.
    pub fn open_as(&self, identity: &Identity, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let secret = identity.x25519_secret();
        let secret = PrivateKey::from_bytes(secret.as_slice()).map_err(|_| OpenError)?;
        self.open_with(&secret, context, sealed)
    }

    fn seal_for(
        &self,
        public: &PublicKey,
        rng: &mut impl CryptoRng,
        context: &[u8],
        message: &[u8],
    ) -> Result<Vec<u8>, BadRecipient> {
        let (encapped, sealed) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Psk(psk(&self.pre_shared())),
            public,
            context,
            message,
            &[],
            rng,
        )
        .map_err(|_| BadRecipient)?;
        Ok([encapped.to_bytes().as_slice(), &sealed].concat())
    }

    fn open_with(&self, secret: &PrivateKey, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (encapped, sealed) = sealed.split_at_checked(ENCAPPED_LEN).ok_or(OpenError)?;
        let encapped = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapped).map_err(|_| OpenError)?;
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Psk(psk(&self.pre_shared())),
            secret,
            &encapped,
            context,
            sealed,
            &[],
        )
        .map_err(|_| OpenError)
    }

    /// The key pair of all who have this key.
    fn pair(&self) -> (PrivateKey, PublicKey) {
        let material = blake3::derive_key("starling v1 room key pair", self.0.as_slice());
        X25519HkdfSha256::derive_keypair(&material)
    }

    /// One key, one use: what is pre-shared is not the key of the cipher.
    fn pre_shared(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key("starling v1 pre-shared key", self.0.as_slice()))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(secret)")
    }
}

fn psk(pre_shared: &[u8; 32]) -> PskBundle<'_> {
    PskBundle::new(pre_shared, PSK_ID).expect("invariant: neither is empty")
}

#[cfg(test)]
mod tests {
    use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
    use proptest::prelude::*;

    use super::*;

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::from_seed([9; 32])
    }

    fn key(byte: u8) -> SealKey {
        SealKey::new([byte; 32])
    }

    proptest! {
        #[test]
        fn sealed_messages_open_only_unaltered_with_key_and_context(
            message in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let sealed = key(1).seal(&mut rng(), b"context", &message);
            prop_assert_eq!(sealed.len(), message.len() + BOX_OVERHEAD_BYTES);
            prop_assert_eq!(key(1).open(b"context", &sealed), Ok(message));
            prop_assert_eq!(key(2).open(b"context", &sealed), Err(OpenError));
            prop_assert_eq!(key(1).open(b"other", &sealed), Err(OpenError));
            let mut altered = sealed;
            let index = at.index(altered.len());
            altered[index] ^= 1 << bit;
            prop_assert_eq!(key(1).open(b"context", &altered), Err(OpenError));
        }

        #[test]
        fn boxes_open_only_unaltered_for_their_recipient_and_context(
            message in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let [ann, bob] = [1, 2].map(|byte| Identity::from_secret(&[byte; 32]));
            let sealed = key(1).seal_to(&ann.peer_id(), &mut rng(), b"context", &message).unwrap();
            prop_assert_eq!(sealed.len(), message.len() + BOX_OVERHEAD_BYTES);
            prop_assert_eq!(key(1).open_as(&ann, b"context", &sealed), Ok(message.clone()));
            prop_assert_eq!(key(2).open_as(&ann, b"context", &sealed), Err(OpenError));
            prop_assert_eq!(key(1).open_as(&bob, b"context", &sealed), Err(OpenError));
            prop_assert_eq!(key(1).open_as(&ann, b"other", &sealed), Err(OpenError));
            let mut altered = sealed;
            let index = at.index(altered.len());
            altered[index] ^= 1 << bit;
            // X25519 ignores the top bit of a public key (RFC 7748 §5), but HPKE binds the key as it was written.
            prop_assert_eq!(key(1).open_as(&ann, b"context", &altered), Err(OpenError), "byte {}", index);
        }

        #[test]
        fn garbage_never_opens(sealed in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(key(1).open(b"", &sealed), Err(OpenError));
            prop_assert_eq!(key(1).open_as(&Identity::from_secret(&[1; 32]), b"", &sealed), Err(OpenError));
        }
    }

    #[test]
    fn nothing_is_sealed_to_an_id_that_is_no_key() {
        let not_a_point = (0..=u8::MAX)
            .map(|byte| PeerId::from_bytes([byte; 32]))
            .find(|id| id.x25519_public().is_err())
            .expect("half of all strings are no points");
        assert_eq!(key(1).seal_to(&not_a_point, &mut rng(), b"", b""), Err(BadRecipient));
    }
}
