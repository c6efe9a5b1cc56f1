use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::*;

/// The transaction id of the sample messages in RFC 5769.
const TRANSACTION: [u8; 12] = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

const PRIORITY: [u8; 2] = [0x00, 0x24];
const SOFTWARE: [u8; 2] = [0x80, 0x22];

fn v4() -> SocketAddr {
    "192.0.2.1:32853".parse().unwrap()
}

fn v6() -> SocketAddr {
    "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap()
}

fn attribute(kind: [u8; 2], value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(value.len()).unwrap().to_be_bytes();
    let mut bytes = [&kind, &len, value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn message(kind: [u8; 2], attributes: &[Vec<u8>]) -> Vec<u8> {
    let attributes = attributes.concat();
    let len = u16::try_from(attributes.len()).unwrap().to_be_bytes();
    [&kind, &len, &COOKIE[..], &TRANSACTION, &attributes].concat()
}

fn request(attributes: &[Vec<u8>]) -> Vec<u8> {
    message(REQUEST, attributes)
}

/// Adds a fingerprint, as RFC 8489 §14.7 describes it.
fn with_fingerprint(mut message: Vec<u8>) -> Vec<u8> {
    let rest = u16::try_from(message.len() + 8 - 20).unwrap();
    message[2..4].copy_from_slice(&rest.to_be_bytes());
    let fingerprint = crc32fast::hash(&message) ^ 0x5354_554e;
    message.extend(attribute(FINGERPRINT, &fingerprint.to_be_bytes()));
    message
}

fn answered(datagram: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    answer(datagram, from).map(|answer| answer.as_bytes().to_vec())
}

/// The request of RFC 5769 §2.1.
fn sample_request() -> Vec<u8> {
    let proof = b"\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2";
    let mut user = attribute([0x00, 0x06], b"evtj:h6vY");
    // The sample pads with spaces.
    user[13..].fill(b' ');
    request(&[
        attribute(SOFTWARE, b"STUN test client"),
        attribute(PRIORITY, b"\x6e\x00\x01\xff"),
        attribute([0x80, 0x29], b"\x93\x2f\xf9\xb1\x51\x26\x3b\x36"),
        user,
        attribute(MESSAGE_INTEGRITY, proof),
        attribute(FINGERPRINT, b"\xe5\x7a\x3b\xcf"),
    ])
}

#[test]
fn a_bare_request_is_told_its_address_as_in_rfc_5769() {
    let v4_attribute = b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43".to_vec();
    assert_eq!(answered(&request(&[]), v4()), Some(message(SUCCESS, &[v4_attribute])));
    let v6_attribute =
        b"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9".to_vec();
    assert_eq!(answered(&request(&[]), v6()), Some(message(SUCCESS, &[v6_attribute])));
}

#[test]
fn an_ipv4_address_that_a_socket_for_both_shows_as_ipv6_is_ipv4() {
    let mapped: SocketAddr = "[::ffff:192.0.2.1]:32853".parse().unwrap();
    assert_eq!(answered(&request(&[]), mapped), answered(&request(&[]), v4()));
}

#[test]
fn a_fingerprint_is_checked_and_answered_with_one() {
    let asked = with_fingerprint(request(&[]));
    let success = answered(&request(&[]), v4()).unwrap();
    assert_eq!(answered(&asked, v4()), Some(with_fingerprint(success)));
    for index in 20..asked.len() {
        let mut damaged = asked.clone();
        damaged[index] ^= 1;
        // A damaged type makes it another attribute, which is unknown, but may be skipped.
        let is_other = damaged[20..22] != FINGERPRINT;
        assert_eq!(answered(&damaged, v4()).is_some(), is_other, "byte {index}");
    }
    let not_last = request(&[asked[20..].to_vec(), attribute(SOFTWARE, b"test")]);
    assert_eq!(answered(&not_last, v4()), None);
}

#[test]
fn the_fingerprint_of_the_sample_is_right_and_its_ice_attribute_unknown_here() {
    let error = message(
        ERROR,
        &[
            attribute(ERROR_CODE, &[0, 0, 4, 20]),
            attribute(UNKNOWN_ATTRIBUTES, &PRIORITY),
        ],
    );
    assert_eq!(answered(&sample_request(), v4()), Some(with_fingerprint(error)));
}

#[test]
fn what_is_known_or_optional_is_no_reason_to_refuse() {
    let value = [7; 5];
    let known = UNDERSTOOD.map(|kind| attribute(kind, &value));
    let asked = request(&[&known[..], &[attribute(SOFTWARE, &value), attribute([0xff, 0xff], &[])]].concat());
    assert_eq!(answered(&asked, v4()), answered(&request(&[]), v4()));
}

#[test]
fn what_stands_behind_the_proof_of_integrity_is_ignored_but_for_the_fingerprint() {
    let asked = request(&[attribute(MESSAGE_INTEGRITY, &[7; 20]), attribute(PRIORITY, &[7; 4])]);
    let success = answered(&request(&[]), v4()).unwrap();
    assert_eq!(answered(&asked, v4()), Some(success.clone()));
    assert_eq!(
        answered(&with_fingerprint(asked), v4()),
        Some(with_fingerprint(success))
    );
}

#[test]
fn of_many_unknown_attributes_the_first_ones_are_named() {
    let kinds: Vec<[u8; 2]> = (0..100).map(|low| [0x70, low]).collect();
    let unknown: Vec<Vec<u8>> = kinds.iter().map(|kind| attribute(*kind, &[])).collect();
    let error = message(
        ERROR,
        &[
            attribute(ERROR_CODE, &[0, 0, 4, 20]),
            attribute(UNKNOWN_ATTRIBUTES, kinds[..STUN_UNKNOWN_ATTRIBUTES_MAX].as_flattened()),
        ],
    );
    assert_eq!(
        answered(&with_fingerprint(request(&unknown)), v6()),
        Some(with_fingerprint(error.clone()))
    );
    assert_eq!(with_fingerprint(error).len(), STUN_ANSWER_BYTES_MAX);
}

#[test]
fn whatever_else_comes_is_not_answered() {
    let bare = request(&[]);
    assert!(answered(&bare, v4()).is_some());
    for kind in [SUCCESS, ERROR, [0x00, 0x11], [0x00, 0x03], [0x40, 0x01], [0x80, 0x01]] {
        assert_eq!(answered(&message(kind, &[]), v4()), None, "{kind:?}");
    }
    for len in 0..bare.len() {
        assert_eq!(answered(&bare[..len], v4()), None, "{len} bytes");
    }
    assert_eq!(
        answered(&[&bare[..], &[0; 4]].concat(), v4()),
        None,
        "longer than it says"
    );
    let mut classic = bare.clone();
    classic[4] ^= 1;
    assert_eq!(answered(&classic, v4()), None, "no cookie");
    let mut odd = [&bare[..], &[0; 2]].concat();
    odd[3] = 2;
    assert_eq!(answered(&odd, v4()), None, "no multiple of four");
    let mut overlong = request(&[attribute(SOFTWARE, b"test")]);
    overlong[23] = 5;
    assert_eq!(answered(&overlong, v4()), None, "an attribute longer than the message");
    for (len, is_read) in [(STUN_REQUEST_BYTES_MAX, true), (STUN_REQUEST_BYTES_MAX + 4, false)] {
        let asked = request(&[attribute(SOFTWARE, &vec![7; len - 24])]);
        assert_eq!(asked.len(), len);
        assert_eq!(answered(&asked, v4()).is_some(), is_read, "{len} bytes");
    }
}

fn any_source() -> impl Strategy<Value = SocketAddr> {
    let v4 = any::<([u8; 4], u16)>().prop_map(SocketAddr::from);
    let v6 = any::<(u128, u16)>().prop_map(|(bits, port)| (Ipv6Addr::from_bits(bits), port).into());
    prop_oneof![v4, v6]
}

fn any_request() -> impl Strategy<Value = Vec<u8>> {
    let low = prop_oneof![Just(0x08), Just(0x28), 0..0x30_u8];
    let kind = (prop_oneof![Just(0x00), Just(0x80), any::<u8>()], low);
    let value = prop::collection::vec(any::<u8>(), 0..12);
    let attributes = prop::collection::vec((kind, value), 0..12);
    (attributes, any::<bool>()).prop_map(|(attributes, has_fingerprint)| {
        let attributes: Vec<_> = attributes
            .iter()
            .map(|((high, low), value)| attribute([*high, *low], value))
            .collect();
        let bytes = request(&attributes);
        if has_fingerprint {
            with_fingerprint(bytes)
        } else {
            bytes
        }
    })
}

/// An answer is well-formed, for the same transaction, and bounded by the size of the request.
fn check(datagram: &[u8], from: SocketAddr) {
    let Some(answer) = answered(datagram, from) else {
        return;
    };
    assert_eq!(answer[4..20], datagram[4..20]);
    assert!(answer[..2] == SUCCESS || answer[..2] == ERROR);
    assert_eq!(
        usize::from(u16::from_be_bytes([answer[2], answer[3]])),
        answer.len() - 20
    );
    assert!(answer.len() <= STUN_ANSWER_BYTES_MAX);
    // The heads of UDP and IP.
    let (is_v6, heads) = match from.ip().to_canonical() {
        IpAddr::V4(_) => (false, 8 + 20),
        IpAddr::V6(_) => (true, 8 + 40),
    };
    let is_bare_v6 = is_v6 && datagram.len() == 20;
    assert!(answer.len() <= 2 * datagram.len() || is_bare_v6 && answer.len() == 44);
    assert!(2 * (answer.len() + heads) <= 3 * (datagram.len() + heads));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered_within_the_stated_size_or_not_at_all(
        bytes in prop::collection::vec(any::<u8>(), 0..700),
        from in any_source(),
    ) {
        check(&bytes, from);
        check(&[&request(&[])[..4], &COOKIE, &bytes].concat(), from);
    }

    #[test]
    fn any_request_is_answered_within_the_stated_size_also_when_damaged(
        mut bytes in any_request(),
        from in any_source(),
        damaged in any::<prop::sample::Index>(),
        by in any::<u8>(),
    ) {
        check(&bytes, from);
        let damaged = damaged.index(bytes.len());
        bytes[damaged] ^= by;
        check(&bytes, from);
    }
}
