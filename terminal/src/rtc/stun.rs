//! The little of STUN (RFC 8489) that is not ICE: how a socket looks from outside, and which connection a check is for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// No limit: the magic cookie, RFC 8489 §5.
const COOKIE: u32 = 0x2112_a442;
/// No limit: the length of a header, RFC 8489 §5.
const HEADER_BYTES: usize = 20;
/// No limit: a binding request, RFC 8489 §5.
const BINDING_REQUEST: u16 = 0x0001;
/// No limit: a success response to one.
const BINDING_SUCCESS: u16 = 0x0101;
/// No limit: an attribute, RFC 8489 §14.3.
const USERNAME: u16 = 0x0006;
/// No limit: an attribute, RFC 8489 §14.2.
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// What an answer is told by.
pub(super) type TransactionId = [u8; 12];

/// A bare binding request.
pub(super) fn request(id: TransactionId) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..2].copy_from_slice(&BINDING_REQUEST.to_be_bytes());
    bytes[4..8].copy_from_slice(&COOKIE.to_be_bytes());
    bytes[8..].copy_from_slice(&id);
    bytes
}

/// What a datagram is, as far as it matters who gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// No STUN.
    Other,
    /// A check of ICE (RFC 8445 §7.3), for the connection with these credentials of ours.
    Check { own_ufrag: &'a str },
    /// An answer: to a request of ours, or to a check.
    Answer(TransactionId),
    /// STUN that nobody here waits for.
    Unwanted,
}

/// Says what a datagram is.
pub(super) fn kind(bytes: &[u8]) -> Kind<'_> {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Kind::Other;
    };
    let (cookie, id) = (&header[4..8], &header[8..]);
    if header[0] >= 64 || cookie != COOKIE.to_be_bytes() {
        return Kind::Other;
    }
    match u16::from_be_bytes([header[0], header[1]]) {
        BINDING_REQUEST => {
            let name = attribute(bytes, USERNAME).and_then(|name| std::str::from_utf8(name).ok());
            let own = name.and_then(|name| name.split_once(':'));
            own.map_or(Kind::Unwanted, |(own_ufrag, _)| Kind::Check { own_ufrag })
        }
        _ => id.try_into().map_or(Kind::Unwanted, Kind::Answer),
    }
}

/// The address that a success response tells.
pub(super) fn mapped_address(bytes: &[u8]) -> Option<SocketAddr> {
    if bytes.get(..2)? != BINDING_SUCCESS.to_be_bytes() {
        return None;
    }
    let value = attribute(bytes, XOR_MAPPED_ADDRESS)?;
    let [_, family, port @ ..] = *value.first_chunk::<4>()?;
    let [high, low, ..] = COOKIE.to_be_bytes();
    let port = u16::from_be_bytes(port) ^ u16::from_be_bytes([high, low]);
    // The cookie and the transaction's id, with which the address is masked.
    let mask = bytes.get(4..HEADER_BYTES)?;
    let address: IpAddr = match family {
        1 => Ipv4Addr::from(masked::<4>(value.get(4..8)?, mask)?).into(),
        2 => Ipv6Addr::from(masked::<16>(value.get(4..20)?, mask)?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

fn masked<const N: usize>(bytes: &[u8], mask: &[u8]) -> Option<[u8; N]> {
    let (bytes, mask) = (bytes.first_chunk::<N>()?, mask.first_chunk::<N>()?);
    Some(std::array::from_fn(|at| bytes[at] ^ mask[at]))
}

/// The first attribute of a kind.
fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = bytes.get(HEADER_BYTES..)?;
    while let Some([a, b, c, d]) = rest.first_chunk::<4>() {
        let (kind, length) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
        let value = rest.get(4..4 + length)?;
        if kind == wanted {
            return Some(value);
        }
        // Values are padded to four bytes.
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.2 and §2.3, without what protects their integrity.
    const ID: TransactionId = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

    fn message(kind: u16, attributes: &[u8]) -> Vec<u8> {
        let mut bytes = request(ID).to_vec();
        bytes[..2].copy_from_slice(&kind.to_be_bytes());
        bytes[2..4].copy_from_slice(&u16::try_from(attributes.len()).unwrap().to_be_bytes());
        bytes.extend(attributes);
        bytes
    }

    #[test]
    fn an_answer_tells_the_address() {
        let v4 = b"\x80\x22\x00\x03abc\0\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43";
        let mapped = mapped_address(&message(BINDING_SUCCESS, v4));
        assert_eq!(mapped, Some("192.0.2.1:32853".parse().unwrap()));
        let v6 = b"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9";
        let mapped = mapped_address(&message(BINDING_SUCCESS, v6));
        assert_eq!(
            mapped,
            Some("[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap())
        );
        assert_eq!(mapped_address(&message(0x0111, v4)), None, "a refusal");
        assert_eq!(kind(&message(BINDING_SUCCESS, v4)), Kind::Answer(ID));
    }

    #[test]
    fn a_check_names_whose_it_is() {
        let check = message(BINDING_REQUEST, b"\x00\x06\x00\x09evtj:h6vY\0\0\0");
        assert_eq!(kind(&check), Kind::Check { own_ufrag: "evtj" });
        assert_eq!(kind(&request(ID)), Kind::Unwanted);
    }

    #[test]
    fn whatever_comes_is_read_without_harm() {
        let whole = message(BINDING_SUCCESS, b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43");
        for end in 0..whole.len() {
            let _ = kind(&whole[..end]);
            assert_eq!(mapped_address(&whole[..end]), None);
        }
        for (bytes, expected) in [
            (&[22_u8; 64][..], Kind::Other),
            (&[0; 64], Kind::Other),
            (&message(BINDING_REQUEST, b"\x00\x06\xff\xff:")[..], Kind::Unwanted),
            (
                &message(BINDING_REQUEST, b"\x00\x06\x00\x02\xff\xfe\0\0"),
                Kind::Unwanted,
            ),
        ] {
            assert_eq!(kind(bytes), expected);
        }
    }
}
