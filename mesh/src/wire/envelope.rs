//! What two peers tell each other while there is no link between them: sealed to its recipient and signed by its sender,
//! so that whoever carries it learns nothing and can change nothing.
//!
//! An [`Envelope`] names its sender, its recipient and the set-up [`SessionId`] it belongs to; its whole encoding, SDP and with it the DTLS
//! fingerprint included, is under the signature. A random nonce makes every envelope unique, which lets the recipient
//! recognise replays. Only an invitation by hand, which goes to nobody yet, is sealed to everyone with the room's key.

use base64ct::{Base64UrlUnpadded, Encoding};
use minicbor::{Encode, bytes::ByteVec};
use shared::{
    Identity, Label, PeerId, Room, SessionId, Signature, limits::RELAY_PAYLOAD_BYTES_MAX, seal::BadRecipient,
};
use thiserror::Error;
use wire_derive::Decode;

use super::{
    codec::{decode, encode},
    sdp,
    signed::{open_as, seal_to, sign, verify},
};
use crate::config::{CANDIDATE_BYTES_MAX, CANDIDATES_MAX, MID_BYTES_MAX};

/// A link set-up message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Envelope {
    /// The sender.
    #[n(0)]
    pub from: PeerId,
    /// The recipient.
    #[n(1)]
    pub to: PeerId,
    /// The set-up it belongs to.
    #[n(2)]
    pub session: SessionId,
    /// Random, to tell every envelope from every other.
    #[n(3)]
    pub nonce: u64,
    /// What it says.
    #[n(4)]
    pub body: Body,
}

/// An ICE candidate as browsers exchange it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Candidate {
    /// The `candidate:` line (RFC 8839 §5.1), empty for end-of-candidates.
    #[n(0)]
    pub line: String,
    /// The media section it belongs to.
    #[n(1)]
    pub mid: Option<String>,
}

impl Candidate {
    /// That there are no more.
    #[must_use]
    pub const fn end() -> Self {
        Self {
            line: String::new(),
            mid: None,
        }
    }
}

/// What an [`Envelope`] says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Body {
    /// An SDP offer.
    #[n(0)]
    Offer {
        /// The sender's [`PROTOCOL_VERSION`](shared::signal::PROTOCOL_VERSION).
        #[n(0)]
        version: u16,
        /// 0 at first, one more with every ICE restart of the session.
        #[n(1)]
        round: u32,
        /// SDP.
        #[n(2)]
        sdp: String,
        /// Whether the sender has few links: HyParView's high priority.
        #[n(3)]
        urgent: bool,
    },
    /// The answer to an offer.
    #[n(1)]
    Answer {
        /// The offer's.
        #[n(0)]
        round: u32,
        /// SDP.
        #[n(1)]
        sdp: String,
    },
    /// More candidates.
    #[n(2)]
    Candidates {
        /// In the order found.
        #[n(0)]
        candidates: Vec<Candidate>,
    },
    /// "No": the set-up is over.
    #[n(3)]
    Decline {
        /// Why.
        #[n(0)]
        reason: DeclineReason,
        /// The sender's [`PROTOCOL_VERSION`](shared::signal::PROTOCOL_VERSION).
        #[n(1)]
        version: u16,
    },
    /// An offer to whoever gets it by hand, complete with its candidates. Its recipient is [`ANYONE`].
    #[n(4)]
    Invitation {
        /// The sender's [`PROTOCOL_VERSION`](shared::signal::PROTOCOL_VERSION).
        #[n(0)]
        version: u16,
        /// SDP.
        #[n(1)]
        sdp: String,
        /// All of them.
        #[n(2)]
        candidates: Vec<Candidate>,
    },
    /// The answer to an invitation, complete with its candidates.
    #[n(5)]
    Acceptance {
        /// SDP.
        #[n(0)]
        sdp: String,
        /// All of them.
        #[n(1)]
        candidates: Vec<Candidate>,
    },
}

/// The recipient of an invitation: nobody's id.
pub const ANYONE: PeerId = PeerId::from_bytes([0; PeerId::LEN]);

/// Why a link is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, minicbor::Decode)]
#[cbor(index_only)]
pub enum DeclineReason {
    /// The sender does not speak our version.
    #[n(0)]
    Version,
    /// The sender has as many links as it takes.
    #[n(1)]
    Full,
}

/// A sealed and signed envelope that cannot be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Not sealed in this room to this recipient, or altered: whoever carried it is at fault.
    #[error("not sealed for this room and recipient")]
    Sealed,
    /// Sealed by someone with the room's key, but not signed by the sender that it names.
    #[error("not by its sender")]
    Forged,
    /// Well signed, but not what we accept: its sender is at fault.
    #[error("not a link set-up message")]
    Malformed,
}

/// What is sealed: an encoded envelope and its signature.
#[derive(Debug, Encode, Decode)]
struct SignedEnvelope {
    #[n(0)]
    envelope: ByteVec,
    #[n(1)]
    signature: Signature,
}

impl Envelope {
    /// Signs and seals an envelope; gives text for a [`Request::Relay`](shared::signal::Request::Relay), or to be handed on by people.
    ///
    /// # Errors
    /// [`BadRecipient`] if the recipient's id is no valid key: nothing can be sealed to it.
    pub fn seal(
        &self,
        identity: &Identity,
        room: &Room,
        rng: &mut impl rand_core::CryptoRng,
    ) -> Result<String, BadRecipient> {
        let envelope = encode(self);
        let signature = sign(identity, Label::Envelope, room, &envelope);
        let signed = encode(&SignedEnvelope {
            envelope: envelope.into(),
            signature,
        });
        let sealed = if self.to == ANYONE {
            room.key().seal(rng, ANYONE.as_bytes(), &signed)
        } else {
            seal_to(&self.to, Label::Envelope, room, &signed, rng)?
        };
        Ok(Base64UrlUnpadded::encode_string(&sealed))
    }

    /// Opens a payload that was carried to `identity`, and checks seal, signature and bounds.
    ///
    /// # Errors
    /// [`EnvelopeError`] says whose fault it is.
    pub fn open(payload: &str, identity: &Identity, room: &Room) -> Result<Self, EnvelopeError> {
        let signed = open_as(identity, Label::Envelope, room, &sealed_bytes(payload)?);
        let signed = signed.map_err(|_| EnvelopeError::Sealed)?;
        Self::open_signed(&signed, identity.peer_id(), room)
    }

    /// Opens an invitation, which is for everyone who has the room's key.
    ///
    /// # Errors
    /// As [`Envelope::open`].
    pub fn open_invitation(payload: &str, room: &Room) -> Result<Self, EnvelopeError> {
        let signed = room.key().open(ANYONE.as_bytes(), &sealed_bytes(payload)?);
        let signed = signed.map_err(|_| EnvelopeError::Sealed)?;
        Self::open_signed(&signed, ANYONE, room)
    }

    fn open_signed(signed: &[u8], to: PeerId, room: &Room) -> Result<Self, EnvelopeError> {
        let signed: SignedEnvelope = decode(signed).map_err(|_| EnvelopeError::Forged)?;
        let envelope: Self = decode(&signed.envelope).map_err(|_| EnvelopeError::Forged)?;
        let SignedEnvelope {
            envelope: bytes,
            signature,
        } = &signed;
        verify(&envelope.from, Label::Envelope, room, bytes, signature).map_err(|_| EnvelopeError::Forged)?;
        if envelope.to != to || envelope.from == to {
            return Err(EnvelopeError::Forged);
        }
        envelope.check()?;
        Ok(envelope)
    }

    /// What a well-signed envelope must also fulfil.
    fn check(&self) -> Result<(), EnvelopeError> {
        let fine = match &self.body {
            Body::Offer { sdp, .. } | Body::Answer { sdp, .. } => sdp::check(sdp).is_ok(),
            Body::Candidates { candidates } => valid_candidates(candidates),
            Body::Invitation { sdp, candidates, .. } => {
                self.to == ANYONE && sdp::check(sdp).is_ok() && valid_candidates(candidates)
            }
            Body::Acceptance { sdp, candidates } => sdp::check(sdp).is_ok() && valid_candidates(candidates),
            Body::Decline { .. } => true,
        };
        if fine { Ok(()) } else { Err(EnvelopeError::Malformed) }
    }
}

fn sealed_bytes(payload: &str) -> Result<Vec<u8>, EnvelopeError> {
    if payload.len() > RELAY_PAYLOAD_BYTES_MAX {
        return Err(EnvelopeError::Sealed);
    }
    Base64UrlUnpadded::decode_vec(payload).map_err(|_| EnvelopeError::Sealed)
}

fn valid_candidates(candidates: &[Candidate]) -> bool {
    candidates.len() <= CANDIDATES_MAX
        && candidates.iter().all(|candidate| {
            candidate.line.len() <= CANDIDATE_BYTES_MAX
                && candidate.mid.as_ref().is_none_or(|mid| mid.len() <= MID_BYTES_MAX)
        })
}

#[cfg(test)]
mod tests {
    use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
    use proptest::prelude::*;
    use shared::RoomCode;

    use super::{super::sdp::test::sdp, *};

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::from_seed([3; 32])
    }

    fn room(name: &str) -> Room {
        RoomCode::parse(name).unwrap().open()
    }

    fn pair() -> (Identity, Identity) {
        [1, 2].map(|byte| Identity::from_secret(&[byte; 32])).into()
    }

    fn envelope(from: &Identity, to: &Identity, body: Body) -> Envelope {
        Envelope {
            from: from.peer_id(),
            to: to.peer_id(),
            session: SessionId::from_bytes([4; 16]),
            nonce: 5,
            body,
        }
    }

    fn offer() -> Body {
        Body::Offer {
            version: 1,
            round: 0,
            sdp: sdp(),
            urgent: false,
        }
    }

    /// Sealed and signed by `by`, in the lobby.
    fn seal(envelope: &Envelope, by: &Identity) -> String {
        envelope.seal(by, &room("lobby"), &mut rng()).unwrap()
    }

    fn open(payload: &str, to: &Identity) -> Result<Envelope, EnvelopeError> {
        Envelope::open(payload, to, &room("lobby"))
    }

    #[test]
    fn an_offer_opens_for_its_recipient_in_its_room_only() {
        let (ann, bob) = pair();
        let offer = envelope(&ann, &bob, offer());
        let payload = seal(&offer, &ann);
        assert_eq!(open(&payload, &bob), Ok(offer));
        assert_eq!(open(&payload, &ann), Err(EnvelopeError::Sealed));
        assert_eq!(
            Envelope::open(&payload, &bob, &room("attic")),
            Err(EnvelopeError::Sealed)
        );
    }

    #[test]
    fn someone_with_the_room_key_cannot_speak_for_another() {
        let (ann, bob) = pair();
        let eve = Identity::from_secret(&[3; 32]);
        let offer = envelope(&ann, &bob, offer());
        let payload = seal(&offer, &eve);
        assert_eq!(open(&payload, &bob), Err(EnvelopeError::Forged));
    }

    #[test]
    fn what_is_well_signed_but_out_of_bounds_is_refused() {
        let (ann, bob) = pair();
        let offer = Body::Offer {
            version: 1,
            round: 0,
            sdp: "v=0".into(),
            urgent: false,
        };
        let candidates = vec![Candidate {
            line: "x".repeat(CANDIDATE_BYTES_MAX + 1),
            mid: None,
        }];
        for body in [offer, Body::Candidates { candidates }] {
            let payload = seal(&envelope(&ann, &bob, body), &ann);
            assert_eq!(open(&payload, &bob), Err(EnvelopeError::Malformed));
        }
    }

    #[test]
    fn an_invitation_is_for_everyone_with_the_rooms_key_and_nothing_else_is() {
        let (ann, bob) = pair();
        let invitation = Envelope {
            to: ANYONE,
            ..envelope(
                &ann,
                &bob,
                Body::Invitation {
                    version: 1,
                    sdp: sdp(),
                    candidates: vec![],
                },
            )
        };
        let payload = seal(&invitation, &ann);
        assert_eq!(Envelope::open_invitation(&payload, &room("lobby")), Ok(invitation));
        assert_eq!(
            Envelope::open_invitation(&payload, &room("attic")),
            Err(EnvelopeError::Sealed)
        );
        assert_eq!(open(&payload, &bob), Err(EnvelopeError::Sealed));
        let payload = seal(&envelope(&ann, &bob, offer()), &ann);
        assert_eq!(
            Envelope::open_invitation(&payload, &room("lobby")),
            Err(EnvelopeError::Sealed)
        );
    }

    #[test]
    fn to_an_id_that_is_no_key_nothing_is_sealed() {
        let (ann, bob) = pair();
        // Of small order.
        let one = PeerId::from_bytes(std::array::from_fn(|at| u8::from(at == 0)));
        let nobody = Envelope {
            to: one,
            ..envelope(&ann, &bob, offer())
        };
        assert_eq!(nobody.seal(&ann, &room("lobby"), &mut rng()), Err(BadRecipient));
    }

    proptest! {
        #[test]
        fn an_altered_payload_never_opens(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
            let (ann, bob) = pair();
            let offer = envelope(&ann, &bob, offer());
            let payload = seal(&offer, &ann);
            let mut altered = payload.clone();
            let index = at.index(altered.len());
            altered.replace_range(index..=index, &to);
            prop_assume!(altered != payload);
            prop_assert_eq!(open(&altered, &bob), Err(EnvelopeError::Sealed));
        }

        #[test]
        fn any_sealed_garbage_is_refused(garbage in prop::collection::vec(any::<u8>(), 0..200)) {
            let (_, bob) = pair();
            let sealed = seal_to(&bob.peer_id(), Label::Envelope, &room("lobby"), &garbage, &mut rng()).unwrap();
            let payload = Base64UrlUnpadded::encode_string(&sealed);
            prop_assert!(open(&payload, &bob).is_err());
        }

        #[test]
        fn any_text_is_refused(text in "\\PC{0,200}") {
            let (_, bob) = pair();
            prop_assert!(open(&text, &bob).is_err());
        }
    }
}
