//! The room code of a link and what is derived from it.
//!
//! A code stands behind `/#/r/`, in the part of an address that browsers never send. Two kinds exist:
//!
//! - a **generated** code, `1.` and 68 characters of base64url: 16 random bytes (128 bits), the 32 bytes of the founder's public key, and 3
//!   bytes of a hash of both, by which a damaged link is told. The founder is bound into every derived key, so a link with another founder is another
//!   room;
//! - an **open** name, any other text of 1 to 64 characters: everybody who guesses the name is in. The name is trimmed, runs of white
//!   space become one space, and it is [folded](Fold), so that a name said aloud works.
//!
//! From the code come, each by BLAKE3 key derivation under its own context string, the keys that only people with the link have: one to
//! seal with, and a key pair to sign with. The [`RoomId`] is a hash of the public half and of the founder's hash. So who registers at a server
//! [proves](RoomProof) to have the link, a server can check what the founder signed, and learns neither code nor founder. The name of an
//! open room can be guessed by trying names.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    id::{PeerId, RoomId, byte_id, decode_exact},
    identity::{BadSignature, Identity, Label, Signature},
    limits::OPEN_ROOM_CHARS_MAX,
    name::{is_hidden, is_visible},
    seal::SealKey,
};

const GENERATED_PREFIX: &str = "1.";
// No limit: the format of a code fixes the number.
const SECRET_LEN: usize = 16;
// No limit: likewise.
const CHECK_LEN: usize = 3;
// No limit: likewise.
const CODE_LEN: usize = SECRET_LEN + PeerId::LEN;

/// What tells a damaged code from another one: one in sixteen million is taken for whole.
fn check_of(code: &[u8]) -> [u8; CHECK_LEN] {
    let [a, b, c, ..] = blake3::derive_key("starling v1 room code check", code);
    [a, b, c]
}

/// Gives a name the one form that all have who mean the same: NFKC (UAX #15) of the lower case of the upper case of the lower case of its NFKC, so that `café` typed in
/// two ways, and `straße` and `STRASSE`, are one. `None` if it has characters that are not assigned, or for private use: others may know more of
/// them, or something else.
///
/// The platform has it: whole tables of Unicode would weigh more than the mesh.
pub type Fold = fn(&str) -> Option<String>;

/// A text that cannot be a room code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseRoomError {
    /// Nothing but white space. Ask for a name.
    #[error("a room needs a name")]
    Empty,
    /// Over [`OPEN_ROOM_CHARS_MAX`] characters. Ask for a shorter name.
    #[error("a room name has at most {OPEN_ROOM_CHARS_MAX} characters")]
    TooLong,
    /// [Hidden](crate::name::is_hidden) characters, which nobody can type on purpose, or nothing else.
    #[error("a room name has no hidden characters")]
    HiddenCharacter,
    /// A character that is not assigned. Type another name.
    #[error("a room name has no unknown characters")]
    UnknownCharacter,
    /// Starts like a generated code but is damaged: cut off, or a letter is wrong, or in the wrong case. Ask for the link again.
    #[error("this room link is damaged or incomplete")]
    Damaged,
}

/// Whether a room's code was generated (secret) or typed (guessable).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomKind {
    /// 128 bits of secret, and a founder who alone can close the room for everyone.
    Generated {
        /// The founder's public key.
        founder: PeerId,
    },
    /// A name typed by hand. Nobody is its founder.
    Open,
}

/// A room code as it stands in a link. Holds the secret: never log it.
#[derive(Clone, PartialEq, Eq)]
pub enum RoomCode {
    /// See [`RoomKind::Generated`].
    Generated {
        /// The random part.
        secret: [u8; SECRET_LEN],
        /// The founder's public key.
        founder: PeerId,
    },
    /// See [`RoomKind::Open`]. The name is already normalised.
    Open {
        /// The normalised name.
        name: String,
    },
}

impl RoomCode {
    /// Makes a code for a new room of `founder`.
    #[must_use]
    pub fn generate(founder: PeerId, rng: &mut impl CryptoRng) -> Self {
        let mut secret = [0; SECRET_LEN];
        rng.fill_bytes(&mut secret);
        Self::Generated { secret, founder }
    }

    /// Reads what a person typed or what stands in a link (already percent-decoded).
    ///
    /// # Errors
    /// [`ParseRoomError`].
    pub fn parse_typed(text: &str, fold: Fold) -> Result<Self, ParseRoomError> {
        if text.trim().starts_with(GENERATED_PREFIX) || text.is_ascii() {
            return Self::parse(text);
        }
        // Bounded before anything is made of it.
        if text.chars().count() > 4 * OPEN_ROOM_CHARS_MAX {
            return Err(ParseRoomError::TooLong);
        }
        Self::parse(&fold(text).ok_or(ParseRoomError::UnknownCharacter)?)
    }

    /// Reads a code of which no part has to be folded: a generated one, a name of ASCII, or one that was folded before.
    ///
    /// # Errors
    /// [`ParseRoomError`].
    pub fn parse(text: &str) -> Result<Self, ParseRoomError> {
        if let Some(code) = text.trim().strip_prefix(GENERATED_PREFIX) {
            let bytes: [u8; CODE_LEN + CHECK_LEN] = decode_exact(code).map_err(|_| ParseRoomError::Damaged)?;
            let (code, check) = bytes.split_at(CODE_LEN);
            if check != check_of(code) {
                return Err(ParseRoomError::Damaged);
            }
            let (secret, founder) = code.split_at(SECRET_LEN);
            return Ok(Self::Generated {
                secret: secret.try_into().expect("invariant: split at SECRET_LEN"),
                founder: PeerId::from_bytes(founder.try_into().expect("invariant: the rest is a PeerId")),
            });
        }
        // Bounded before anything is allocated for it.
        if text.chars().count() > 4 * OPEN_ROOM_CHARS_MAX {
            return Err(ParseRoomError::TooLong);
        }
        let name = text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_ascii_lowercase();
        match name.chars().count() {
            0 => Err(ParseRoomError::Empty),
            _ if name.chars().any(is_hidden) || !is_visible(&name) => Err(ParseRoomError::HiddenCharacter),
            1..=OPEN_ROOM_CHARS_MAX => Ok(Self::Open { name }),
            _ => Err(ParseRoomError::TooLong),
        }
    }

    /// The text for a link, which [`RoomCode::parse`] reads back. Percent-encode it before it goes into an address.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Generated { secret, founder } => {
                let mut bytes = [secret.as_slice(), founder.as_bytes()].concat();
                bytes.extend(check_of(&bytes));
                format!("{GENERATED_PREFIX}{}", Base64UrlUnpadded::encode_string(&bytes))
            }
            Self::Open { name } => name.clone(),
        }
    }

    /// Derives the room's id and keys.
    #[must_use]
    pub fn open(&self) -> Room {
        let (material, kind) = match self {
            Self::Generated { secret, founder } => (
                Zeroizing::new([b"generated\0", secret.as_slice(), founder.as_bytes()].concat()),
                RoomKind::Generated { founder: *founder },
            ),
            Self::Open { name } => (Zeroizing::new([b"open\0", name.as_bytes()].concat()), RoomKind::Open),
        };
        let signing = Identity::from_secret(&blake3::derive_key("starling v1 room signing key", &material));
        let salt = FounderSalt::from_bytes(blake3::derive_key("starling v1 founder salt", &material));
        let founder = match kind {
            RoomKind::Generated { founder } => founder,
            RoomKind::Open => NOBODY,
        };
        let founder = FounderHash::of(&founder, &salt);
        let key = RoomKey::from_bytes(*signing.peer_id().as_bytes());
        let proof = RoomProof { key, founder };
        Room {
            id: proof.room(),
            key: SealKey::new(blake3::derive_key("starling v1 room key", &material)),
            kind,
            signing,
            proof,
            salt,
        }
    }
}

byte_id! {
    /// The public half of a room's key pair.
    RoomKey, 32 bytes
}

byte_id! {
    /// What a room's founder is hashed with: known to who has the link, and to a server once the founder has closed the room.
    FounderSalt, 32 bytes
}

byte_id! {
    /// Tells a room's founder to who knows the salt, and to others not even whether there is one.
    FounderHash, 32 bytes
}

/// In place of the founder, where there is none: no key of anybody's.
const NOBODY: PeerId = PeerId::from_bytes([0; 32]);

impl FounderHash {
    fn of(founder: &PeerId, salt: &FounderSalt) -> Self {
        let material = [founder.as_bytes().as_slice(), salt.as_bytes()].concat();
        Self::from_bytes(blake3::derive_key("starling v1 room founder", &material))
    }
}

/// What a room's id is made of: what a server is told of a room, to check what its members and its founder sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomProof {
    /// Whoever has the room's link signs with the other half.
    pub key: RoomKey,
    /// Of the room's founder, or of nobody.
    pub founder: FounderHash,
}

impl RoomProof {
    /// The id of the room that this is of.
    #[must_use]
    pub fn room(&self) -> RoomId {
        let material = [self.key.as_bytes().as_slice(), self.founder.as_bytes()].concat();
        RoomId::from_bytes(blake3::derive_key("starling v1 room id", &material))
    }

    /// Whether this is the founder of the room.
    #[must_use]
    pub fn is_founded_by(&self, founder: &PeerId, salt: &FounderSalt) -> bool {
        *founder != NOBODY && self.founder == FounderHash::of(founder, salt)
    }

    /// Checks what somebody signed who has the room's link.
    ///
    /// # Errors
    /// [`BadSignature`] if they have not.
    pub fn verify(&self, label: Label, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        PeerId::from_bytes(*self.key.as_bytes()).verify(label, message, signature)
    }
}

impl fmt::Debug for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomCode(secret)")
    }
}

/// A room as its members know it: the id that servers see and the keys that they do not.
#[derive(Clone)]
pub struct Room {
    id: RoomId,
    kind: RoomKind,
    key: SealKey,
    signing: Identity,
    proof: RoomProof,
    salt: FounderSalt,
}

impl Room {
    /// The identifier that a rendezvous server may know.
    #[must_use]
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// Generated or open.
    #[must_use]
    pub fn kind(&self) -> RoomKind {
        self.kind
    }

    /// The founder, if the room has one.
    #[must_use]
    pub fn founder(&self) -> Option<PeerId> {
        match self.kind {
            RoomKind::Generated { founder } => Some(founder),
            RoomKind::Open => None,
        }
    }

    /// What its id is made of.
    #[must_use]
    pub fn proof(&self) -> &RoomProof {
        &self.proof
    }

    /// What shows a server who the founder is.
    #[must_use]
    pub fn founder_salt(&self) -> FounderSalt {
        self.salt
    }

    /// Signs as somebody who has the room's link.
    #[must_use]
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        self.signing.sign(label, message)
    }

    /// What everyone with the link has and nobody else.
    #[must_use]
    pub fn key(&self) -> &SealKey {
        &self.key
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Room({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Identity;

    fn generated() -> RoomCode {
        RoomCode::Generated {
            secret: [7; SECRET_LEN],
            founder: Identity::from_secret(&[1; 32]).peer_id(),
        }
    }

    #[test]
    fn a_generated_code_survives_its_link() {
        let code = generated();
        assert_eq!(code.to_text().len(), 2 + 68);
        assert_eq!(RoomCode::parse(&code.to_text()), Ok(code.clone()));
        assert_eq!(RoomCode::parse(&format!(" {}\n", code.to_text())), Ok(code));
    }

    #[test]
    fn a_cut_link_is_damaged_and_not_another_room() {
        let text = generated().to_text();
        for length in 2..text.len() {
            assert_eq!(
                RoomCode::parse(&text[..length]),
                Err(ParseRoomError::Damaged),
                "{length}"
            );
        }
    }

    #[test]
    fn a_link_with_a_wrong_letter_is_damaged_and_not_another_room() {
        let text = generated().to_text();
        for place in 2..text.len() {
            let mut other = text.clone().into_bytes();
            other[place] = if other[place] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(RoomCode::parse(&other), Err(ParseRoomError::Damaged), "{place}");
        }
        for other in [text.to_lowercase(), text.to_uppercase(), format!("{text}A")] {
            assert_eq!(RoomCode::parse(&other), Err(ParseRoomError::Damaged));
        }
    }

    #[test]
    fn another_founder_makes_another_room() {
        let RoomCode::Generated { secret, .. } = generated() else {
            unreachable!()
        };
        let founder = Identity::from_secret(&[2; 32]).peer_id();
        assert_ne!(
            generated().open().id(),
            RoomCode::Generated { secret, founder }.open().id()
        );
    }

    fn fold(name: &str) -> Option<String> {
        use unicode_normalization::{UnicodeNormalization, char::is_public_assigned};

        let nfkc = |text: &str| text.nfkc().collect::<String>();
        let known = name.chars().all(is_public_assigned);
        known.then(|| nfkc(&nfkc(name).to_lowercase().to_uppercase().to_lowercase()))
    }

    #[test]
    fn whoever_means_the_same_name_comes_into_one_room() {
        for [one, other] in [
            ["caf\u{e9}", "cafe\u{301}"],
            ["ｔｅａ", "tea"],
            ["ﬁlm", "film"],
            ["straße", "STRASSE"],
            ["STRAẞE", "strasse"],
            ["ΣΟΦΟΣ", "σοφος"],
            [" Чай  Клуб", "чай клуб "],
        ] {
            let [one, other] = [one, other].map(|name| RoomCode::parse_typed(name, fold).unwrap());
            assert_eq!(one, other);
            // The address shows one form, which leads there again, read by whomever.
            let text = one.to_text();
            assert_eq!(RoomCode::parse_typed(&text, fold), Ok(one.clone()));
            assert_eq!(RoomCode::parse(&text), Ok(one));
        }
        for unknown in ["a\u{378}", "\u{e000}"] {
            let refused = RoomCode::parse_typed(unknown, fold);
            assert_eq!(refused, Err(ParseRoomError::UnknownCharacter));
        }
        let long = "é".repeat(5 * OPEN_ROOM_CHARS_MAX);
        assert_eq!(RoomCode::parse_typed(&long, fold), Err(ParseRoomError::TooLong));
        assert_eq!(RoomCode::parse_typed(&generated().to_text(), |_| None), Ok(generated()));
    }

    #[test]
    fn open_names_forgive_case_and_spacing() {
        let room = RoomCode::parse("Tea  Party ").unwrap();
        assert_eq!(room, RoomCode::parse(" tea party").unwrap());
        assert_eq!(room.open().kind(), RoomKind::Open);
        assert_eq!(room.open().founder(), None);
    }

    #[test]
    fn bad_names_are_refused_with_a_reason() {
        for (text, error) in [
            ("", ParseRoomError::Empty),
            (" \t ", ParseRoomError::Empty),
            ("a\u{7}b", ParseRoomError::HiddenCharacter),
            ("a\u{200b}b", ParseRoomError::HiddenCharacter),
            ("\u{200d}", ParseRoomError::HiddenCharacter),
            (&"x".repeat(65), ParseRoomError::TooLong),
            (&"x".repeat(100_000), ParseRoomError::TooLong),
        ] {
            assert_eq!(RoomCode::parse(text), Err(error));
        }
        assert!(RoomCode::parse(&"🦜".repeat(64)).is_ok());
    }

    proptest! {
        #[test]
        fn what_parses_reads_back_the_same(text in "\\PC{0,80}") {
            if let Ok(code) = RoomCode::parse(&text) {
                prop_assert_eq!(RoomCode::parse(&code.to_text()), Ok(code));
            }
        }
    }
}
