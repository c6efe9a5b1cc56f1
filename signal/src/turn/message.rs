//! A question to a TURN server and its answer, as bytes (RFC 8489, RFC 8656). No socket, no clock, no state.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;

use crate::{
    hub::turn::Login,
    stun::message::{COOKIE, ERROR_CODE, HEAD_BYTES, MESSAGE_INTEGRITY},
};

/// The types of attributes.
const USERNAME: [u8; 2] = [0x00, 0x06];
const LIFETIME: [u8; 2] = [0x00, 0x0d];
const REALM: [u8; 2] = [0x00, 0x14];
const NONCE: [u8; 2] = [0x00, 0x15];
const REQUESTED_TRANSPORT: [u8; 2] = [0x00, 0x19];

/// UDP, as REQUESTED-TRANSPORT has it.
const UDP: [u8; 4] = [17, 0, 0, 0];

/// The bits of a message's type that say that it is a success response (RFC 8489 section 5).
// No limit: a number on the wire.
const SUCCESS: u16 = 0x0100;
/// The same of an error response.
// No limit: a number on the wire.
const ERROR: u16 = 0x0110;

/// "Unauthorized" (RFC 8489 section 14.8).
// No limit: a number on the wire.
const UNAUTHORIZED: u16 = 401;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// For a relayed address.
    Allocate,
    /// That it is kept no longer: a refresh with a lifetime of nothing.
    GiveBack,
}

impl Kind {
    const fn method(self) -> u16 {
        match self {
            Self::Allocate => 0x0003,
            Self::GiveBack => 0x0004,
        }
    }
}

/// What a server wants credentials to be proven with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: Vec<u8>,
    nonce: Vec<u8>,
}

impl Challenge {
    /// The key of the long-term credential mechanism (RFC 8489 section 9.2.2): MD5, for coturn has no other by default.
    fn key(&self, login: &Login) -> [u8; 16] {
        let parts = [login.username.as_bytes(), &self.realm, login.credential.as_bytes()];
        Md5::digest(parts.join(&b':')).into()
    }
}

/// A login, and what it is proven with. Not to be printed.
pub(super) struct Proof {
    login: Login,
    challenge: Challenge,
    key: [u8; 16],
}

impl Proof {
    pub(super) fn new(login: Login, challenge: Challenge) -> Self {
        let key = challenge.key(&login);
        Self { login, challenge, key }
    }
}

/// A question to send.
pub(super) fn question(kind: Kind, transaction: [u8; 12], proof: Option<&Proof>) -> Vec<u8> {
    let mut bytes = [&kind.method().to_be_bytes()[..], &[0; 2], &COOKIE, &transaction].concat();
    match kind {
        Kind::Allocate => put(&mut bytes, REQUESTED_TRANSPORT, &UDP),
        Kind::GiveBack => put(&mut bytes, LIFETIME, &[0; 4]),
    }
    if let Some(Proof { login, challenge, key }) = proof {
        put(&mut bytes, USERNAME, login.username.as_bytes());
        put(&mut bytes, REALM, &challenge.realm);
        put(&mut bytes, NONCE, &challenge.nonce);
        prove(&mut bytes, key);
    }
    bytes
}

/// Adds a code of all before it, with the length that the message has together with the code (RFC 8489 section 14.5).
fn prove(bytes: &mut Vec<u8>, key: &[u8; 16]) {
    let covered = bytes.len();
    put(bytes, MESSAGE_INTEGRITY, &[0; 20]);
    let mut mac =
        Hmac::<Sha1>::new_from_slice(key).expect("invariant: HMAC takes a key of any length (RFC 2104 section 2)");
    mac.update(&bytes[..covered]);
    bytes[covered + 4..].copy_from_slice(&mac.finalize().into_bytes());
}

/// Adds an attribute, and tells the head.
fn put(bytes: &mut Vec<u8>, kind: [u8; 2], value: &[u8]) {
    let length = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    bytes.extend(kind);
    bytes.extend(length(value.len()));
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let rest = length(bytes.len() - HEAD_BYTES);
    bytes[2..4].copy_from_slice(&rest);
}

/// How long the rest of a message is, as its head says.
pub(super) fn rest_bytes(head: &[u8; HEAD_BYTES]) -> usize {
    usize::from(u16::from_be_bytes([head[2], head[3]]))
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Success,
    /// Not without a proof, or not with this one.
    Challenge(Challenge),
    /// No, for a reason that RFC 8656 section 19 has by this number.
    Error(u16),
}

impl Answer {
    /// `None` if it is no answer to this question.
    pub(super) fn read(message: &[u8], kind: Kind, transaction: [u8; 12]) -> Option<Self> {
        let (head, attributes) = message.split_first_chunk::<HEAD_BYTES>()?;
        if head[4..8] != COOKIE || head[8..] != transaction || rest_bytes(head) != attributes.len() {
            return None;
        }
        match u16::from_be_bytes([head[0], head[1]]).checked_sub(kind.method())? {
            SUCCESS => Some(Self::Success),
            ERROR => {
                // The class in hundreds, and the rest (RFC 8489 section 14.8).
                let &[_, _, class, number, ..] = find(attributes, ERROR_CODE)? else {
                    return None;
                };
                let code = u16::from(class & 0x07) * 100 + u16::from(number);
                match (find(attributes, REALM), find(attributes, NONCE)) {
                    (Some(realm), Some(nonce)) if code == UNAUTHORIZED => Some(Self::Challenge(Challenge {
                        realm: realm.to_vec(),
                        nonce: nonce.to_vec(),
                    })),
                    _ => Some(Self::Error(code)),
                }
            }
            _ => None,
        }
    }
}

/// The value of the first attribute of a kind.
fn find(mut attributes: &[u8], wanted: [u8; 2]) -> Option<&[u8]> {
    while let [kind_high, kind_low, len_high, len_low, after @ ..] = attributes {
        let len = usize::from(u16::from_be_bytes([*len_high, *len_low]));
        let (value, _) = after.split_at_checked(len)?;
        if [*kind_high, *kind_low] == wanted {
            return Some(value);
        }
        attributes = after.get(len.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRANSACTION: [u8; 12] = [7; 12];

    fn challenge() -> Challenge {
        Challenge {
            realm: b"starling".to_vec(),
            nonce: b"abc".to_vec(),
        }
    }

    /// What a server sends.
    fn message(kind: u16, attributes: &[([u8; 2], &[u8])]) -> Vec<u8> {
        let mut bytes = [&kind.to_be_bytes()[..], &[0; 2], &COOKIE, &TRANSACTION].concat();
        for (kind, value) in attributes {
            put(&mut bytes, *kind, value);
        }
        bytes
    }

    #[test]
    fn a_question_without_a_proof_is_the_method_and_what_it_needs() {
        let mut expected = vec![0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42];
        expected.extend(TRANSACTION);
        expected.extend([0, 0x19, 0, 4, 17, 0, 0, 0]);
        assert_eq!(question(Kind::Allocate, TRANSACTION, None), expected);
    }

    /// The sample of RFC 5769 section 2.4: a request with long-term authentication.
    #[test]
    fn the_proof_is_that_of_the_rfc() {
        let login = Login {
            username: "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}".to_owned(),
            credential: "TheMatrIX".to_owned(),
        };
        let challenge = Challenge {
            realm: b"example.org".to_vec(),
            nonce: b"f//499k954d6OL34oL9FSTvy64sA".to_vec(),
        };
        let key = challenge.key(&login);
        let mut bytes = vec![0, 1, 0, 0];
        bytes.extend(COOKIE);
        bytes.extend([0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda, 0x41, 0x2e]);
        put(&mut bytes, USERNAME, login.username.as_bytes());
        put(&mut bytes, NONCE, &challenge.nonce);
        put(&mut bytes, REALM, &challenge.realm);
        prove(&mut bytes, &key);
        let code = [
            0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6, 0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8,
            0x96, 0x66,
        ];
        assert_eq!(bytes[bytes.len() - 20..], code);
    }

    #[test]
    fn answers_are_told_apart() {
        let read = |message: &[u8]| Answer::read(message, Kind::Allocate, TRANSACTION);
        let Challenge { realm, nonce } = challenge();
        let code = |class, number| [0, 0, class, number, b'n', b'o'];
        assert_eq!(read(&message(0x0103, &[])), Some(Answer::Success));
        assert_eq!(
            read(&message(
                0x0113,
                &[(ERROR_CODE, &code(4, 1)), (NONCE, &nonce), (REALM, &realm)]
            )),
            Some(Answer::Challenge(challenge()))
        );
        let full = message(0x0113, &[(REALM, &realm), (ERROR_CODE, &code(4, 86))]);
        assert_eq!(read(&full), Some(Answer::Error(486)));
        for other in [
            message(0x0101, &[]),
            message(0x0113, &[]),
            message(0x0113, &[(ERROR_CODE, &[0, 0, 4])]),
            message(0x0103, &[])[..19].to_vec(),
            full[..full.len() - 4].to_vec(),
            Vec::new(),
        ] {
            assert_eq!(read(&other), None, "{other:?}");
        }
        assert_eq!(Answer::read(&message(0x0103, &[]), Kind::Allocate, [8; 12]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_attributes_make_it_panic(
            kind in prop::sample::select(vec![0x0103_u16, 0x0113]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut bytes = message(kind, &[]);
            bytes[2..4].copy_from_slice(&u16::try_from(rest.len()).unwrap().to_be_bytes());
            bytes.extend(rest);
            let _ = Answer::read(&bytes, Kind::Allocate, TRANSACTION);
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = message(0x0113, &[(REALM, b"starling"), (ERROR_CODE, &[0, 0, 4, 86])]);
        for at in 0..whole.len() {
            for byte in [0, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let _ = Answer::read(&damaged, Kind::Allocate, TRANSACTION);
                let _ = Answer::read(&damaged[..at], Kind::Allocate, TRANSACTION);
            }
        }
    }
}
