//! Which ICE candidates go out to a peer, and which of a peer's reach the driver.
//!
//! A browser tries whatever candidate it is handed: a peer could have it call programs of its own machine, or open TCP connections to
//! a neighbor's printer. So only what a path between two people needs passes: UDP, no loopback, no names but mDNS ones.

use super::envelope::Candidate;
use crate::io::TransportPolicy;

/// Whether a path may go through loopback: only if our own driver has such a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Loopback {
    /// None of our candidates is a loopback address.
    #[default]
    Refused,
    /// One is.
    Shown,
}

/// Where a candidate leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Loopback,
    Elsewhere,
}

/// Whether a candidate, ours or the peer's, may be used. The end of candidates may.
pub(crate) fn is_usable(candidate: &Candidate, loopback: Loopback) -> bool {
    candidate.line.is_empty()
        || match place(&candidate.line) {
            Some(Place::Elsewhere) => true,
            Some(Place::Loopback) => loopback == Loopback::Shown,
            None => false,
        }
}

/// A candidate of ours as a peer is shown it, if it is. Under [`TransportPolicy::Relay`] only relayed ones are, and without the address
/// that the relay has us at (`raddr` and `rport`, RFC 8839 section 5.1): drivers are asked for no more, and are not relied upon.
pub(crate) fn shown(mut candidate: Candidate, loopback: Loopback, policy: TransportPolicy) -> Option<Candidate> {
    if !is_usable(&candidate, loopback) {
        return None;
    }
    if policy == TransportPolicy::Relay {
        if public(&candidate) != Some(Public::Relayed) {
            return None;
        }
        let mut fields: Vec<_> = candidate.line.split_ascii_whitespace().collect();
        for (name, nowhere) in [("raddr", "0.0.0.0"), ("rport", "9")] {
            let place = fields.iter().position(|field| *field == name);
            if let Some(value) = place.and_then(|place| fields.get_mut(place + 1)) {
                *value = nowhere;
            }
        }
        candidate.line = fields.join(" ");
    }
    Some(candidate)
}

/// Whether a candidate of ours shows that loopback is a path here.
pub(crate) fn is_loopback(candidate: &Candidate) -> bool {
    place(&candidate.line) == Some(Place::Loopback)
}

/// What a candidate tells of the network that its side is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Public<'a> {
    /// How a STUN server saw it (ICE type `srflx`).
    Mapped { address: &'a str, port: u16 },
    /// That the STUN server is in the same private network: what it saw leads nowhere from elsewhere.
    Inside,
    /// That a TURN server stands in for it (ICE type `relay`).
    Relayed,
}

/// What a usable candidate tells of the network that its side is in, if anything.
pub(crate) fn public(candidate: &Candidate) -> Option<Public<'_>> {
    place(&candidate.line)?;
    let mut fields = candidate.line.split_ascii_whitespace().skip(4);
    let [address, port, _typ, kind] = std::array::from_fn(|_| fields.next().unwrap_or_default());
    match kind {
        "srflx" if is_private(address) => Some(Public::Inside),
        "srflx" => {
            let port = port.parse().ok()?;
            Some(Public::Mapped { address, port })
        }
        "relay" => Some(Public::Relayed),
        _ => None,
    }
}

/// Where a candidate line (RFC 8839 §5.1) leads, if anywhere.
fn place(line: &str) -> Option<Place> {
    let mut fields = line.strip_prefix("candidate:")?.split_ascii_whitespace();
    let [_foundation, component, transport, _priority, address, port, typ, kind] =
        std::array::from_fn(|_| fields.next().unwrap_or_default());
    let is_known = component == "1"
        && transport.eq_ignore_ascii_case("udp")
        && port.parse::<u16>().is_ok_and(|port| port != 0)
        && typ == "typ"
        && matches!(kind, "host" | "srflx" | "prflx" | "relay");
    if !is_known {
        return None;
    }
    if is_mdns_name(address) {
        Some(Place::Elsewhere)
    } else if address.contains(':') {
        place_v6(address)
    } else {
        place_v4(address)
    }
}

fn place_v4(address: &str) -> Option<Place> {
    match octets(address)? {
        [127, ..] => Some(Place::Loopback),
        // This network, multicast, and what is reserved or broadcast.
        [0 | 224..=255, ..] => None,
        _ => Some(Place::Elsewhere),
    }
}

/// The numbers of an IPv4 address.
fn octets(address: &str) -> Option<[u8; 4]> {
    let mut numbers = address.split('.').map(str::parse::<u8>);
    let [Ok(first), Ok(second), Ok(third), Ok(fourth)] = std::array::from_fn(|_| numbers.next().unwrap_or(Ok(0)))
    else {
        return None;
    };
    let is_whole = address.split('.').count() == 4;
    is_whole.then_some([first, second, third, fourth])
}

/// The first group of an IPv6 address that does not begin with `::`.
fn first_group(address: &str) -> Option<u16> {
    u16::from_str_radix(address.split(':').next()?, 16).ok()
}

/// An IPv6 address is taken by its first group, which is not zero where it leads anywhere. What begins with zeros is unspecified, loopback,
/// or an IPv4 address in disguise.
fn place_v6(address: &str) -> Option<Place> {
    if address == "::1" {
        return Some(Place::Loopback);
    }
    let is_of_address = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
    let first = first_group(address)?;
    let is_multicast = first >= 0xff00;
    (address.bytes().all(is_of_address) && first != 0 && !is_multicast).then_some(Place::Elsewhere)
}

/// Whether an address is of use within one network only: private (RFC 1918, RFC 4193), shared by the customers of a provider (RFC 6598),
/// link-local or loopback.
fn is_private(address: &str) -> bool {
    match octets(address) {
        Some([first, second, ..]) => matches!(
            (first, second),
            (10 | 127, _) | (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168)
        ),
        None => {
            let is_local = |first| matches!(first, 0xfc00..=0xfdff | 0xfe80..=0xfebf);
            address == "::1" || first_group(address).is_some_and(is_local)
        }
    }
}

/// Whether a name is one that browsers make up in the place of an address: a UUID under `.local` (draft-ietf-mmusic-mdns-ice-candidates).
fn is_mdns_name(name: &str) -> bool {
    let Some(uuid) = name.strip_suffix(".local") else {
        return false;
    };
    let is_of_uuid = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    (32..=36).contains(&uuid.len()) && uuid.bytes().all(is_of_uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(line: &str) -> Candidate {
        let (line, mid) = (line.to_owned(), None);
        Candidate { line, mid }
    }

    #[test]
    fn what_a_path_between_people_needs_passes() {
        for line in [
            "",
            "candidate:1 1 udp 2113937151 b7f29a62-3c2e-4bd8-9ac3-1d5e8a0f7c11.local 51000 typ host generation 0",
            "candidate:2 1 UDP 1677729535 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0",
            "candidate:3 1 udp 100 2001:db8::7 9 typ prflx",
            "candidate:4 1 udp 100 192.168.1.20 9 typ host",
            "candidate:5 1 udp 100 198.51.100.4 3478 typ relay raddr 203.0.113.7 rport 9",
        ] {
            assert!(is_usable(&candidate(line), Loopback::Refused), "{line}");
        }
    }

    #[test]
    fn what_would_have_a_browser_connect_elsewhere_does_not() {
        for line in [
            "candidate:1 1 tcp 1518280447 127.0.0.1 22 typ host tcptype passive",
            "candidate:1 1 tcp 1518280447 192.168.1.1 80 typ host tcptype passive",
            "candidate:1 1 udp 100 printer.local 9 typ host",
            "candidate:1 1 udp 100 example.org 9 typ host",
            "candidate:1 1 udp 100 0.0.0.0 9 typ host",
            "candidate:1 1 udp 100 255.255.255.255 9 typ host",
            "candidate:1 1 udp 100 224.0.0.1 9 typ host",
            "candidate:1 1 udp 100 192.168.1.1 0 typ host",
            "candidate:1 1 udp 100 192.168.1 9 typ host",
            "candidate:1 1 udp 100 192.168.1.1.1 9 typ host",
            "candidate:1 1 udp 100 192.168.1.256 9 typ host",
            "candidate:1 1 udp 100 :: 9 typ host",
            "candidate:1 1 udp 100 0::1 9 typ host",
            "candidate:1 1 udp 100 ::ffff:127.0.0.1 9 typ host",
            "candidate:1 1 udp 100 ff02::1 9 typ host",
            "candidate:1 1 udp 100 fe80::1%eth0 9 typ host",
            "candidate:1 1 udp 100 192.168.1.1 99999 typ host",
            "candidate:1 2 udp 100 192.168.1.1 9 typ host",
            "candidate:1 1 udp 100 192.168.1.1 9 typ other",
            "candidate:1 1 udp 100 192.168.1.1",
            "a=candidate:1 1 udp 100 192.168.1.1 9 typ host",
            "nonsense",
        ] {
            assert!(!is_usable(&candidate(line), Loopback::Shown), "{line}");
        }
    }

    #[test]
    fn whoever_is_reached_through_a_relay_only_shows_nothing_but_the_relay() {
        let shown = |line: &str| shown(candidate(line), Loopback::Shown, TransportPolicy::Relay);
        for line in [
            "candidate:1 1 udp 100 b7f29a62-3c2e-4bd8-9ac3-1d5e8a0f7c11.local 9 typ host",
            "candidate:2 1 udp 100 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0",
            "candidate:3 1 udp 100 203.0.113.7 9 typ prflx",
            "candidate:4 1 udp 100 192.168.1.20 9 typ host",
            "candidate:5 1 tcp 100 198.51.100.4 9 typ relay",
        ] {
            assert_eq!(shown(line), None, "{line}");
        }
        let relayed = |related: &str| format!("candidate:6 1 udp 100 198.51.100.4 3478 typ relay {related} ufrag x");
        assert_eq!(
            shown(&relayed("raddr 203.0.113.7 rport 61000")),
            Some(candidate(&relayed("raddr 0.0.0.0 rport 9")))
        );
    }

    #[test]
    fn an_address_that_leads_nowhere_from_elsewhere_is_not_public() {
        for (address, inside) in [
            ("10.0.0.1", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.20", true),
            ("192.169.1.20", false),
            ("100.64.0.1", true),
            ("100.127.0.1", true),
            ("100.128.0.1", false),
            ("169.254.0.1", true),
            ("127.0.0.1", true),
            ("203.0.113.7", false),
            ("::1", true),
            ("fe80::1", true),
            ("fc00::1", true),
            ("fdff::1", true),
            ("2001:db8::7", false),
        ] {
            let candidate = candidate(&format!(
                "candidate:2 1 udp 9 {address} 9 typ srflx raddr 0.0.0.0 rport 0"
            ));
            let mapped = Public::Mapped { address, port: 9 };
            assert_eq!(public(&candidate), Some(if inside { Public::Inside } else { mapped }));
        }
    }

    #[test]
    fn loopback_passes_only_where_ours_show_it() {
        for address in ["127.0.0.1", "127.8.8.8", "::1"] {
            let candidate = candidate(&format!("candidate:1 1 udp 100 {address} 9 typ host"));
            assert!(is_loopback(&candidate));
            assert!(!is_usable(&candidate, Loopback::Refused));
            assert!(is_usable(&candidate, Loopback::Shown));
        }
    }
}
