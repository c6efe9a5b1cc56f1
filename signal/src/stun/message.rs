//! The binding request of STUN (RFC 8489) and its answer, as bytes. No socket, no clock, no state.
//!
//! A message is a head of 20 bytes (type, length of the rest, magic cookie, transaction id) and attributes (type, length, value, padding to a
//! multiple of four). A binding request asks "from which address do you see me?", a success response says it.
//!
//! An answer is at most twice as large as its request, counted in bytes of UDP payload; but a bare request of 20 bytes over IPv6 gets 44. On
//! the wire, with the heads of IP and UDP, an answer is always less than one and a half times as large.
//!
//! Not here: authentication (a request that brings a name and a proof is answered as any other), other methods, and RFC 3489, the STUN before
//! the magic cookie.

use std::net::{IpAddr, SocketAddr};

use crate::config::{STUN_ANSWER_BYTES_MAX, STUN_REQUEST_BYTES_MAX, STUN_UNKNOWN_ATTRIBUTES_MAX};

pub(crate) const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Bytes of a message before its attributes.
// No limit: a form.
pub(crate) const HEAD_BYTES: usize = 20;

/// The types of messages, all of the method "binding".
const REQUEST: [u8; 2] = [0x00, 0x01];
const SUCCESS: [u8; 2] = [0x01, 0x01];
const ERROR: [u8; 2] = [0x01, 0x11];

/// The types of attributes.
pub(crate) const MESSAGE_INTEGRITY: [u8; 2] = [0x00, 0x08];
pub(crate) const ERROR_CODE: [u8; 2] = [0x00, 0x09];
const UNKNOWN_ATTRIBUTES: [u8; 2] = [0x00, 0x0a];
const MESSAGE_INTEGRITY_SHA256: [u8; 2] = [0x00, 0x1c];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];
const FINGERPRINT: [u8; 2] = [0x80, 0x28];

/// The types of RFC 8489 that a receiver has to understand, and from which nothing follows here: MAPPED-ADDRESS, USERNAME, REALM, NONCE,
/// PASSWORD-ALGORITHM, USERHASH, and those named above.
const UNDERSTOOD: [[u8; 2]; 11] = [
    [0x00, 0x01],
    [0x00, 0x06],
    MESSAGE_INTEGRITY,
    ERROR_CODE,
    UNKNOWN_ATTRIBUTES,
    [0x00, 0x14],
    [0x00, 0x15],
    MESSAGE_INTEGRITY_SHA256,
    [0x00, 0x1d],
    [0x00, 0x1e],
    XOR_MAPPED_ADDRESS,
];

/// What a fingerprint is combined with, so that it is no plain CRC-32 (RFC 8489 §14.7).
const FINGERPRINT_KEY: [u8; 4] = *b"STUN";

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    bytes: [u8; STUN_ANSWER_BYTES_MAX],
    len: usize,
}

/// Answers a datagram that came from `from`. `None` if the datagram is no binding request: indications and responses are never answered, so two
/// servers cannot be set to talk to each other.
pub(super) fn answer(datagram: &[u8], from: SocketAddr) -> Option<Answer> {
    let request = Request::read(datagram)?;
    let mut answer = if request.unknown_count == 0 {
        let mut answer = Answer::new(SUCCESS, request.transaction);
        answer.put_address(from, request.transaction);
        answer
    } else {
        // RFC 8489 §6.3.1. The reason phrase is left empty: the answer would outgrow its request.
        let mut answer = Answer::new(ERROR, request.transaction);
        answer.put_attribute(ERROR_CODE, &[0, 0, 4, 20]);
        answer.put_attribute(UNKNOWN_ATTRIBUTES, request.unknown());
        answer
    };
    if request.has_fingerprint {
        answer.put_fingerprint();
    }
    Some(answer)
}

/// A binding request that is to be answered.
struct Request<'a> {
    /// Cookie and transaction id, 16 bytes.
    transaction: &'a [u8],
    has_fingerprint: bool,
    /// The first attributes that we would have to understand and do not.
    unknown: [[u8; 2]; STUN_UNKNOWN_ATTRIBUTES_MAX],
    unknown_count: usize,
}

impl<'a> Request<'a> {
    fn read(datagram: &'a [u8]) -> Option<Self> {
        let (head, attributes) = datagram.split_at_checked(HEAD_BYTES)?;
        let is_request = head.starts_with(&REQUEST) && head[4..8] == COOKIE;
        let fits = usize::from(u16::from_be_bytes([head[2], head[3]])) == attributes.len()
            && attributes.len().is_multiple_of(4)
            && datagram.len() <= STUN_REQUEST_BYTES_MAX;
        if !is_request || !fits {
            return None;
        }
        let mut request = Self {
            transaction: &head[4..],
            has_fingerprint: false,
            unknown: [[0; 2]; STUN_UNKNOWN_ATTRIBUTES_MAX],
            unknown_count: 0,
        };
        request.read_attributes(datagram, attributes)?;
        Some(request)
    }

    /// Reads the attributes, which end the `datagram`.
    fn read_attributes(&mut self, datagram: &[u8], attributes: &[u8]) -> Option<()> {
        let mut rest = attributes;
        let mut is_past_proof = false;
        while let [kind_high, kind_low, len_high, len_low, after @ ..] = rest {
            let kind = [*kind_high, *kind_low];
            let len = usize::from(u16::from_be_bytes([*len_high, *len_low]));
            let (value, after) = after.split_at_checked(len.next_multiple_of(4))?;
            if kind == FINGERPRINT {
                // The last attribute, and right: otherwise the datagram is something else that looks alike, or was damaged.
                let signed = &datagram[..datagram.len() - rest.len()];
                let is_right = len == 4 && after.is_empty() && value == fingerprint(signed);
                self.has_fingerprint = true;
                return is_right.then_some(());
            }
            // What stands behind the proof of integrity is not covered by the proof, and is ignored (RFC 8489 §14.5).
            if !is_past_proof {
                self.note(kind);
            }
            is_past_proof |= matches!(kind, MESSAGE_INTEGRITY | MESSAGE_INTEGRITY_SHA256);
            rest = after;
        }
        // Each length is a multiple of four, so nothing is left over.
        Some(())
    }

    /// Remembers an attribute that we would have to understand and do not. Types from 0x8000 on may be skipped.
    fn note(&mut self, kind: [u8; 2]) {
        let is_unknown = kind[0] < 0x80 && !UNDERSTOOD.contains(&kind);
        if is_unknown && let Some(place) = self.unknown.get_mut(self.unknown_count) {
            *place = kind;
            self.unknown_count += 1;
        }
    }

    fn unknown(&self) -> &[u8] {
        self.unknown[..self.unknown_count].as_flattened()
    }
}

impl Answer {
    /// The datagram to send.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// A message without attributes.
    fn new(kind: [u8; 2], transaction: &[u8]) -> Self {
        let mut answer = Self {
            bytes: [0; STUN_ANSWER_BYTES_MAX],
            len: 0,
        };
        answer.put(&kind);
        answer.put(&[0; 2]);
        answer.put(transaction);
        answer
    }

    /// RFC 8489 §14.2. An IPv4 address that a socket for both versions shows as IPv6 is IPv4.
    fn put_address(&mut self, from: SocketAddr, transaction: &[u8]) {
        let mut value = [0; 20];
        let [port_high, port_low] = from.port().to_be_bytes();
        let len = match from.ip().to_canonical() {
            IpAddr::V4(address) => {
                value[..4].copy_from_slice(&[0, 1, port_high, port_low]);
                value[4..8].copy_from_slice(&address.octets());
                8
            }
            IpAddr::V6(address) => {
                value[..4].copy_from_slice(&[0, 2, port_high, port_low]);
                value[4..].copy_from_slice(&address.octets());
                20
            }
        };
        // The port is combined with the start of the cookie, the address with the cookie and the transaction id.
        let key = COOKIE[..2].iter().chain(transaction);
        value[2..].iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        self.put_attribute(XOR_MAPPED_ADDRESS, &value[..len]);
    }

    /// Has to be the last.
    fn put_fingerprint(&mut self) {
        let start = self.len;
        // The head counts the fingerprint already when the fingerprint is computed.
        self.put_attribute(FINGERPRINT, &[0; 4]);
        let fingerprint = fingerprint(&self.bytes[..start]);
        self.bytes[start + 4..self.len].copy_from_slice(&fingerprint);
    }

    /// Adds an attribute with its padding, and counts it in the head.
    fn put_attribute(&mut self, kind: [u8; 2], value: &[u8]) {
        let len = u16::try_from(value.len()).expect("invariant: an answer is short");
        self.put(&kind);
        self.put(&len.to_be_bytes());
        self.put(value);
        self.len = self.len.next_multiple_of(4);
        let rest = u16::try_from(self.len - HEAD_BYTES).expect("invariant: an answer is short");
        self.bytes[2..4].copy_from_slice(&rest.to_be_bytes());
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }
}

/// Of all that stands before the attribute (RFC 8489 §14.7).
fn fingerprint(message: &[u8]) -> [u8; 4] {
    (crc32fast::hash(message) ^ u32::from_be_bytes(FINGERPRINT_KEY)).to_be_bytes()
}

#[cfg(test)]
mod tests;
