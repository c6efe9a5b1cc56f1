//! The closing of a room: a statement that its founder signs, and that anybody can check who knows the room's id.
//!
//! It travels as bytes between peers and as base64url of them to and from servers. A statement says who the founder is, and with which salt
//! they were hashed. So a server, which knows only the hash, can check it; before, it does not learn who the founder is.

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::{
    BadSignature, Identity, Label, PeerId, Room, RoomId, Signature,
    limits::CLOSING_CHARS_MAX,
    room::{FounderSalt, RoomProof},
};

/// See the [module documentation](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Who made the room.
    founder: PeerId,
    /// What the founder was hashed with.
    salt: FounderSalt,
    /// When it was closed, in milliseconds since 1970 by the room's time.
    unix_millis: u64,
    /// By the founder, over the room's id and the time.
    signature: Signature,
}

impl Closing {
    /// Closes `room`, as its founder.
    #[must_use]
    pub fn sign(founder: &Identity, room: &Room, unix_millis: u64) -> Self {
        Self {
            founder: founder.peer_id(),
            salt: room.founder_salt(),
            unix_millis,
            signature: founder.sign(Label::Closing, &signed_bytes(&room.id(), unix_millis)),
        }
    }

    /// Checks that it closes this room, as a member who knows the founder.
    ///
    /// # Errors
    /// [`BadSignature`] if it is of another room or by another than the founder.
    pub fn verify(&self, room: &Room) -> Result<(), BadSignature> {
        // The salt is not signed: a wrong one would keep servers from believing the statement.
        if room.founder() != Some(self.founder) || self.salt != room.founder_salt() {
            return Err(BadSignature);
        }
        self.verify_signature(&room.id())
    }

    /// Checks that it closes the room of this proof, as a server.
    ///
    /// # Errors
    /// As [`Closing::verify`].
    pub fn verify_by_proof(&self, proof: &RoomProof) -> Result<(), BadSignature> {
        if !proof.is_founded_by(&self.founder, &self.salt) {
            return Err(BadSignature);
        }
        self.verify_signature(&proof.room())
    }

    fn verify_signature(&self, room: &RoomId) -> Result<(), BadSignature> {
        let bytes = signed_bytes(room, self.unix_millis);
        self.founder.verify(Label::Closing, &bytes, &self.signature)
    }

    /// As it travels: founder, salt, time (8 bytes, big-endian), signature.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [
            self.founder.as_bytes().as_slice(),
            self.salt.as_bytes(),
            &self.unix_millis.to_be_bytes(),
            self.signature.as_bytes(),
        ]
        .concat()
    }

    /// Reads what [`Closing::to_bytes`] wrote.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (founder, rest) = bytes.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (unix_millis, signature) = rest.split_first_chunk()?;
        Some(Self {
            founder: PeerId::from_bytes(*founder),
            salt: FounderSalt::from_bytes(*salt),
            unix_millis: u64::from_be_bytes(*unix_millis),
            signature: Signature::from_bytes(signature.try_into().ok()?),
        })
    }

    /// As base64url.
    #[must_use]
    pub fn to_text(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.to_bytes())
    }

    /// Reads what [`Closing::to_text`] wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() > CLOSING_CHARS_MAX {
            return None;
        }
        Self::from_bytes(&Base64UrlUnpadded::decode_vec(text).ok()?)
    }
}

fn signed_bytes(room: &RoomId, unix_millis: u64) -> Vec<u8> {
    [room.as_bytes().as_slice(), &unix_millis.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RoomCode;

    fn founder() -> Identity {
        Identity::from_secret(&[1; 32])
    }

    fn room(secret: u8) -> Room {
        RoomCode::Generated {
            secret: [secret; 16],
            founder: founder().peer_id(),
        }
        .open()
    }

    #[test]
    fn the_founder_alone_closes_the_room_and_no_other() {
        let (ours, other) = (room(7), room(8));
        let closing = Closing::sign(&founder(), &ours, 5);
        assert_eq!(
            (closing.verify(&ours), closing.verify_by_proof(ours.proof())),
            (Ok(()), Ok(()))
        );
        let refused = (Err(BadSignature), Err(BadSignature));
        assert_eq!(
            (closing.verify(&other), closing.verify_by_proof(other.proof())),
            refused
        );
        let by_member = Closing::sign(&Identity::from_secret(&[2; 32]), &ours, 5);
        assert_eq!(
            (by_member.verify(&ours), by_member.verify_by_proof(ours.proof())),
            refused
        );
        let salted = Closing {
            salt: other.founder_salt(),
            ..closing.clone()
        };
        assert_eq!((salted.verify(&ours), salted.verify_by_proof(ours.proof())), refused);
        let later = Closing {
            unix_millis: 6,
            ..closing.clone()
        };
        assert_eq!((later.verify(&ours), later.verify_by_proof(ours.proof())), refused);
        // An open room has no founder.
        let lobby = RoomCode::parse("lobby").unwrap().open();
        let closing = Closing::sign(&founder(), &lobby, 5);
        assert_eq!(
            (closing.verify(&lobby), closing.verify_by_proof(lobby.proof())),
            refused
        );
    }

    #[test]
    fn a_statement_survives_its_text() {
        let closing = Closing::sign(&founder(), &room(7), u64::MAX);
        assert_eq!(Closing::from_text(&closing.to_text()), Some(closing.clone()));
        assert_eq!(Closing::from_bytes(&closing.to_bytes()), Some(closing.clone()));
        assert!(closing.to_text().len() <= CLOSING_CHARS_MAX / 2);
        assert_eq!(Closing::from_text(&"A".repeat(CLOSING_CHARS_MAX + 1)), None);
        assert_eq!((Closing::from_text("nonsense!"), Closing::from_text("")), (None, None));
    }
}
