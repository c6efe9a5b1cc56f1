//! What the two ends of a link vouch for: who is at which end, in which session, with which certificate.
//!
//! Envelopes say whose certificate to expect. A member could hand the description of another on as its own, though, so that two people
//! reach each other while each takes the other for that member (an unknown key share: RFC 8844). So each end signs, on the link itself, who
//! it is and whom it takes the other for, as the Noise handshake of libp2p's webrtc-direct does by its prologue.

use minicbor::Encode;
use shared::{Identity, Label, PeerId, Room, SessionId, Signature};

use super::{
    codec::encode,
    signed::{sign, verify},
};

/// One end of a link, as that end has to see it.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
pub struct Binding {
    /// The session in which the link was set up.
    #[n(0)]
    pub session: SessionId,
    /// Who is at this end.
    #[n(1)]
    pub from: PeerId,
    /// Who is at the other end.
    #[n(2)]
    pub to: PeerId,
    /// The fingerprint of the certificate at this end, as its description names it, in upper case.
    #[n(3)]
    pub own_certificate: String,
    /// That of the certificate at the other end.
    #[n(4)]
    pub other_certificate: String,
}

impl Binding {
    /// The same link as the other end has to see it.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            session: self.session,
            from: self.to,
            to: self.from,
            own_certificate: self.other_certificate.clone(),
            other_certificate: self.own_certificate.clone(),
        }
    }

    /// Vouches for it as `identity`, who is at this end.
    #[must_use]
    pub fn sign(&self, identity: &Identity, room: &Room) -> Signature {
        sign(identity, Label::LinkHello, room, &encode(self))
    }

    /// Whether this end vouched for it.
    #[must_use]
    pub fn is_signed(&self, room: &Room, proof: &Signature) -> bool {
        verify(&self.from, Label::LinkHello, room, &encode(self), proof).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use shared::RoomCode;

    use super::*;
    use crate::context::test::{identity, peer};

    #[test]
    fn all_of_it_is_vouched_for_by_this_end() {
        let room = RoomCode::parse("lobby").unwrap().open();
        let binding = Binding {
            session: SessionId::from_bytes([1; 16]),
            from: peer(1),
            to: peer(2),
            own_certificate: "AB".into(),
            other_certificate: "CD".into(),
        };
        let proof = binding.sign(&identity(1), &room);
        assert!(binding.is_signed(&room, &proof));
        assert!(!binding.is_signed(&room, &binding.sign(&identity(2), &room)));
        assert!(!binding.is_signed(&RoomCode::parse("attic").unwrap().open(), &proof));
        let same = || binding.clone();
        let others = [
            Binding {
                session: SessionId::from_bytes([2; 16]),
                ..same()
            },
            Binding {
                from: peer(3),
                ..same()
            },
            Binding { to: peer(3), ..same() },
            Binding {
                own_certificate: "EF".into(),
                ..same()
            },
            Binding {
                other_certificate: "EF".into(),
                ..same()
            },
            binding.reversed(),
        ];
        for other in others {
            assert!(!other.is_signed(&room, &proof), "{other:?}");
        }
        assert_eq!(binding.reversed().reversed(), binding);
    }
}
