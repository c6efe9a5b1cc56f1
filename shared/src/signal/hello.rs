//! A client's answer to a server's challenge, and what it is signed over.

use serde::{Deserialize, Serialize};

use super::{Nonce, PROTOCOL_VERSION, Request};
use crate::{
    Identity, Label, PeerId, Room, RoomId, Signature,
    identity::BadSignature,
    room::{FounderHash, RoomKey, RoomProof},
};

/// A client's answer to the challenge: who is to be registered in which room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hello {
    /// The client's [`PROTOCOL_VERSION`].
    pub version: u16,
    /// The public key of the room to be registered in.
    pub room_key: RoomKey,
    /// Of the room's founder.
    pub founder: FounderHash,
    /// The peer to be registered.
    pub peer: PeerId,
    /// The host, and its port if that is not the usual one, at which the client reaches the server. A server that hands on the challenge of
    /// another would otherwise be registered there as its own clients.
    pub host: String,
    /// By `peer`, over version, nonce, room, peer and host.
    pub signature: Signature,
    /// By `room_key`, over the same.
    pub room_signature: Signature,
}

impl From<Hello> for Request {
    fn from(hello: Hello) -> Self {
        Self::Hello(Box::new(hello))
    }
}

impl Hello {
    /// Answers a challenge of the server at `host`.
    #[must_use]
    pub fn sign(identity: &Identity, room: &Room, host: &str, nonce: &Nonce) -> Self {
        let (version, peer) = (PROTOCOL_VERSION, identity.peer_id());
        let bytes = hello_bytes(version, &room.id(), &peer, host, nonce);
        let RoomProof { key, founder } = *room.proof();
        Self {
            version,
            room_key: key,
            founder,
            peer,
            host: host.to_owned(),
            signature: identity.sign(Label::SignalHello, &bytes),
            room_signature: room.sign(Label::RoomHello, &bytes),
        }
    }

    /// What the id of the room is made of.
    #[must_use]
    pub fn proof(&self) -> RoomProof {
        RoomProof {
            key: self.room_key,
            founder: self.founder,
        }
    }

    /// Checks both signatures against the nonce of the challenge that this answers. Gives the room.
    ///
    /// # Errors
    /// [`BadSignature`] if one is forged or for another socket, host, room or version, or if an id is no key.
    pub fn verify(&self, nonce: &Nonce) -> Result<RoomId, BadSignature> {
        let (proof, room) = (self.proof(), self.proof().room());
        let bytes = hello_bytes(self.version, &room, &self.peer, &self.host, nonce);
        self.peer.verify(Label::SignalHello, &bytes, &self.signature)?;
        proof.verify(Label::RoomHello, &bytes, &self.room_signature)?;
        Ok(room)
    }
}

/// The bytes that a hello signs: version (2 bytes, big-endian), nonce, room and peer, all of fixed length, and the host.
fn hello_bytes(version: u16, room: &RoomId, peer: &PeerId, host: &str, nonce: &Nonce) -> Vec<u8> {
    [
        version.to_be_bytes().as_slice(),
        nonce.as_bytes(),
        room.as_bytes(),
        peer.as_bytes(),
        host.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RoomCode;

    #[test]
    fn a_hello_holds_for_its_challenge_its_room_and_its_host_only() {
        let identity = Identity::from_secret(&[1; 32]);
        let room = RoomCode::parse("lobby").unwrap().open();
        let nonce = Nonce::from_bytes([5; 32]);
        let hello = Hello::sign(&identity, &room, "example.org:8080", &nonce);
        assert_eq!(hello.verify(&nonce), Ok(room.id()));
        assert_eq!(hello.verify(&Nonce::from_bytes([6; 32])), Err(BadSignature));
        let attic = RoomCode::parse("attic").unwrap().open();
        let outsider = Hello::sign(&identity, &attic, "example.org:8080", &nonce);
        let altered = [
            Hello {
                version: 3,
                ..hello.clone()
            },
            Hello {
                host: "example.org".to_owned(),
                ..hello.clone()
            },
            Hello {
                peer: Identity::from_secret(&[2; 32]).peer_id(),
                ..hello.clone()
            },
            Hello {
                founder: attic.proof().founder,
                ..hello.clone()
            },
            Hello {
                room_key: attic.proof().key,
                ..hello.clone()
            },
            // Who knows the room's id, and what that is made of, but not the link.
            Hello {
                room_key: hello.room_key,
                ..outsider
            },
        ];
        for altered in altered {
            assert_eq!(altered.verify(&nonce), Err(BadSignature), "{altered:?}");
        }
    }
}
