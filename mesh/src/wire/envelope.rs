//! What two peers tell each other while there is no link between them: sealed under the room key and signed by its sender,
//! so that whoever carries it learns nothing and can change nothing.
//!
//! An [`Envelope`] names its sender, its recipient and the set-up [`SessionId`] it belongs to; its whole encoding, SDP and with it the DTLS
//! fingerprint included, is under the signature. A random nonce makes every envelope unique, which lets the recipient
//! recognise replays. The recipient's id is the context of the seal: an envelope carried to somebody else does not open.

use base64ct::{Base64UrlUnpadded, Encoding};
use minicbor::{Decode, Encode, bytes::ByteVec};
use shared::{Identity, Label, PeerId, Room, SessionId, Signature, limits::RELAY_PAYLOAD_BYTES_MAX};
use thiserror::Error;

use super::{
    codec::{decode, encode},
    sdp,
    signed::{sign, verify},
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
    /// "Make me an offer": from the peer with the higher id, which never offers itself.
    #[n(0)]
    DialRequest {
        /// The sender's [`PROTOCOL_VERSION`](shared::signal::PROTOCOL_VERSION).
        #[n(0)]
        version: u16,
        /// Whether the sender has few links: HyParView's high priority.
        #[n(1)]
        urgent: bool,
    },
    /// An SDP offer, from the peer with the lower id.
    #[n(1)]
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
    #[n(2)]
    Answer {
        /// The offer's.
        #[n(0)]
        round: u32,
        /// SDP.
        #[n(1)]
        sdp: String,
    },
    /// More candidates.
    #[n(3)]
    Candidates {
        /// In the order found.
        #[n(0)]
        candidates: Vec<Candidate>,
    },
    /// "No": the set-up is over.
    #[n(4)]
    Decline {
        /// Why.
        #[n(0)]
        reason: DeclineReason,
        /// The sender's [`PROTOCOL_VERSION`](shared::signal::PROTOCOL_VERSION).
        #[n(1)]
        version: u16,
    },
    /// An offer to whoever gets it by hand, complete with its candidates. Its recipient is [`ANYONE`].
    #[n(5)]
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
    #[n(6)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
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
    /// Not sealed under this room's key for this recipient, or altered: whoever carried it is at fault.
    #[error("not sealed for this room and recipient")]
    Sealed,
    /// Sealed by someone with the room's key, but not signed by the sender it names.
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
    /// Signs and seals an envelope; gives text for a [`Request::Relay`](shared::signal::Request::Relay).
    #[must_use]
    pub fn seal(&self, identity: &Identity, room: &Room, rng: &mut impl rand_core::CryptoRng) -> String {
        let envelope = encode(self);
        let signature = sign(identity, Label::Envelope, room, &envelope);
        let signed = encode(&SignedEnvelope {
            envelope: envelope.into(),
            signature,
        });
        let sealed = room.envelope_key().seal(rng, self.to.as_bytes(), &signed);
        Base64UrlUnpadded::encode_string(&sealed)
    }

    /// Opens a payload that was carried to `to`, and checks seal, signature and bounds.
    ///
    /// # Errors
    /// [`EnvelopeError`] says whose fault it is.
    pub fn open(payload: &str, to: &PeerId, room: &Room) -> Result<Self, EnvelopeError> {
        if payload.len() > RELAY_PAYLOAD_BYTES_MAX {
            return Err(EnvelopeError::Sealed);
        }
        let sealed = Base64UrlUnpadded::decode_vec(payload).map_err(|_| EnvelopeError::Sealed)?;
        let signed = room
            .envelope_key()
            .open(to.as_bytes(), &sealed)
            .map_err(|_| EnvelopeError::Sealed)?;
        let signed: SignedEnvelope = decode(&signed).map_err(|_| EnvelopeError::Forged)?;
        let envelope: Self = decode(&signed.envelope).map_err(|_| EnvelopeError::Forged)?;
        let SignedEnvelope {
            envelope: bytes,
            signature,
        } = &signed;
        verify(&envelope.from, Label::Envelope, room, bytes, signature).map_err(|_| EnvelopeError::Forged)?;
        if envelope.to != *to || envelope.from == *to {
            return Err(EnvelopeError::Forged);
        }
        envelope.check()?;
        Ok(envelope)
    }

    /// What a well-signed envelope must also fulfil.
    fn check(&self) -> Result<(), EnvelopeError> {
        let fine = match &self.body {
            // By hand either side may be the offerer of a session, and so the one that restarts ICE.
            Body::Offer { sdp, round, .. } => (self.from < self.to || *round > 0) && sdp::check(sdp).is_ok(),
            Body::Answer { sdp, round } => (self.from > self.to || *round > 0) && sdp::check(sdp).is_ok(),
            Body::DialRequest { .. } => self.from > self.to,
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

    use super::*;

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::from_seed([3; 32])
    }

    fn room(name: &str) -> Room {
        RoomCode::parse(name).unwrap().open()
    }

    /// Two identities, the one with the lower id first.
    fn pair() -> (Identity, Identity) {
        let mut pair = [1, 2].map(|byte| Identity::from_secret(&[byte; 32]));
        pair.sort_by_key(Identity::peer_id);
        pair.into()
    }

    fn sdp() -> String {
        format!(
            "v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=fingerprint:sha-256 {}\r\n",
            ["AB"; 32].join(":")
        )
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

    #[test]
    fn an_offer_opens_for_its_recipient_in_its_room_only() {
        let (low, high) = pair();
        let offer = envelope(
            &low,
            &high,
            Body::Offer {
                version: 1,
                round: 0,
                sdp: sdp(),
                urgent: false,
            },
        );
        let payload = offer.seal(&low, &room("lobby"), &mut rng());
        assert_eq!(Envelope::open(&payload, &high.peer_id(), &room("lobby")), Ok(offer));
        assert_eq!(
            Envelope::open(&payload, &low.peer_id(), &room("lobby")),
            Err(EnvelopeError::Sealed)
        );
        assert_eq!(
            Envelope::open(&payload, &high.peer_id(), &room("attic")),
            Err(EnvelopeError::Sealed)
        );
    }

    #[test]
    fn someone_with_the_room_key_cannot_speak_for_another() {
        let (low, high) = pair();
        let eve = Identity::from_secret(&[3; 32]);
        let offer = envelope(
            &low,
            &high,
            Body::Offer {
                version: 1,
                round: 0,
                sdp: sdp(),
                urgent: false,
            },
        );
        let payload = offer.seal(&eve, &room("lobby"), &mut rng());
        assert_eq!(
            Envelope::open(&payload, &high.peer_id(), &room("lobby")),
            Err(EnvelopeError::Forged)
        );
    }

    /// Of a link by hand the side with the higher id may be the offerer, and so the one that restarts ICE.
    #[test]
    fn either_side_can_restart_ice() {
        let (low, high) = pair();
        let offer = |round| Body::Offer {
            version: 1,
            round,
            sdp: sdp(),
            urgent: false,
        };
        let answer = |round| Body::Answer { round, sdp: sdp() };
        for (from, to, body) in [(&high, &low, offer(1)), (&low, &high, answer(1))] {
            let envelope = envelope(from, to, body);
            let sealed = envelope.seal(from, &room("lobby"), &mut rng());
            assert_eq!(Envelope::open(&sealed, &to.peer_id(), &room("lobby")), Ok(envelope));
        }
    }

    #[test]
    fn the_wrong_side_can_neither_offer_nor_request_a_dial_nor_answer() {
        let (low, high) = pair();
        for (from, to, body) in [
            (
                &high,
                &low,
                Body::Offer {
                    version: 1,
                    round: 0,
                    sdp: sdp(),
                    urgent: false,
                },
            ),
            (&low, &high, Body::Answer { round: 0, sdp: sdp() }),
            (
                &low,
                &high,
                Body::DialRequest {
                    version: 1,
                    urgent: false,
                },
            ),
            (
                &low,
                &high,
                Body::Offer {
                    version: 1,
                    round: 0,
                    sdp: "v=0".into(),
                    urgent: false,
                },
            ),
            (
                &low,
                &high,
                Body::Candidates {
                    candidates: vec![Candidate {
                        line: "x".repeat(CANDIDATE_BYTES_MAX + 1),
                        mid: None,
                    }],
                },
            ),
        ] {
            let payload = envelope(from, to, body).seal(from, &room("lobby"), &mut rng());
            assert_eq!(
                Envelope::open(&payload, &to.peer_id(), &room("lobby")),
                Err(EnvelopeError::Malformed)
            );
        }
    }

    proptest! {
        #[test]
        fn an_altered_payload_never_opens(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
            let (low, high) = pair();
            let offer = envelope(&low, &high, Body::Offer {
                version: 1,
                round: 0,
                sdp: sdp(),
                urgent: false,
            });
            let payload = offer.seal(&low, &room("lobby"), &mut rng());
            let mut altered = payload.clone();
            let index = at.index(altered.len());
            altered.replace_range(index..=index, &to);
            prop_assume!(altered != payload);
            prop_assert_eq!(Envelope::open(&altered, &high.peer_id(), &room("lobby")), Err(EnvelopeError::Sealed));
        }

        #[test]
        fn any_sealed_garbage_is_refused(garbage in prop::collection::vec(any::<u8>(), 0..200)) {
            let (_, high) = pair();
            let sealed = room("lobby").envelope_key().seal(&mut rng(), high.peer_id().as_bytes(), &garbage);
            let payload = Base64UrlUnpadded::encode_string(&sealed);
            prop_assert!(Envelope::open(&payload, &high.peer_id(), &room("lobby")).is_err());
        }

        #[test]
        fn any_text_is_refused(text in "\\PC{0,200}") {
            let (_, high) = pair();
            prop_assert!(Envelope::open(&text, &high.peer_id(), &room("lobby")).is_err());
        }
    }
}
