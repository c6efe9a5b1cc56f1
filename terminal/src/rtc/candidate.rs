//! Candidates (RFC 8839 §5.1) between text and str0m, and what those of a path say of it.

use std::net::{IpAddr, SocketAddr};

use client::channel::link_kind;
use mesh::io::{Candidate as Line, LinkKind};
use str0m::{Candidate, CandidateKind};

/// A candidate of the peer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Remote {
    /// With an address.
    Known(Candidate),
    /// With a name that only the peer's network resolves.
    Hidden(Hidden),
    /// The end of candidates, or what cannot be read: other than that the mesh has looked at it.
    Nothing,
}

/// A candidate whose address is behind a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hidden {
    pub(super) name: String,
    pub(super) port: u16,
    line: String,
}

impl Remote {
    /// Reads a candidate.
    pub(super) fn read(line: &Line) -> Self {
        let mut fields = line.line.split_ascii_whitespace().skip(4);
        let (address, port) = (fields.next().unwrap_or_default(), fields.next());
        if address.ends_with(".local") {
            let port = port.and_then(|port| port.parse().ok());
            return port.map_or(Self::Nothing, |port| {
                let (name, line) = (address.to_owned(), line.line.clone());
                Self::Hidden(Hidden { name, port, line })
            });
        }
        Candidate::from_sdp_string(&line.line).map_or(Self::Nothing, Self::Known)
    }
}

impl Hidden {
    /// The candidate, once somebody has told the address.
    pub(super) fn at(&self, address: IpAddr) -> Option<Candidate> {
        let line = self.line.replacen(&self.name, &address.to_string(), 1);
        Candidate::from_sdp_string(&line).ok()
    }
}

/// The name of the section of a description (RFC 8866 §6, RFC 5888): str0m draws one for its offers. Browsers take no candidate for another.
pub(super) fn section(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).map(str::trim)
}

/// A candidate of ours as peers take it.
pub(super) fn line(candidate: &Candidate, section: Option<&str>) -> Line {
    let line = candidate.to_sdp_string();
    // The credentials are those of the description.
    let line = line.split(" ufrag ").next().unwrap_or_default().to_owned();
    let mid = section.map(str::to_owned);
    Line { line, mid }
}

/// What is known of the peer's ends.
#[derive(Debug, Default)]
pub(super) struct RemoteEnds {
    known: Vec<(SocketAddr, CandidateKind)>,
    /// The ports of candidates whose address nobody told.
    hidden: Vec<u16>,
}

impl RemoteEnds {
    /// Takes note of a candidate.
    pub(super) fn note(&mut self, remote: &Remote) {
        match remote {
            Remote::Known(candidate) => self.known.push((candidate.addr(), candidate.kind())),
            Remote::Hidden(hidden) => self.hidden.push(hidden.port),
            Remote::Nothing => {}
        }
    }

    /// Forgets all: a restart of ICE begins.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How a path leads to this end. Ours is the socket that sends: a host's.
    ///
    /// An end that no candidate named is one that a NAT made, unless its port is that of a candidate whose address stayed hidden.
    pub(super) fn kind(&self, end: SocketAddr) -> LinkKind {
        let known = self.known.iter().find(|(address, _)| *address == end);
        let theirs = match known.map(|(_, kind)| kind) {
            Some(CandidateKind::Host) => "host",
            Some(CandidateKind::Relayed) => "relay",
            Some(CandidateKind::ServerReflexive) => "srflx",
            Some(CandidateKind::PeerReflexive) => "prflx",
            None if self.hidden.contains(&end.port()) => "host",
            None => "prflx",
        };
        link_kind(["host", theirs])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: &str =
        "candidate:1 1 udp 2113937151 b7f29a62-3c2e-4bd8-9ac3-1d5e8a0f7c11.local 51000 typ host generation 0";

    fn read(text: &str) -> Remote {
        Remote::read(&Line {
            line: text.to_owned(),
            mid: None,
        })
    }

    #[test]
    fn a_hidden_candidate_is_one_once_its_address_is_told() {
        let Remote::Hidden(hidden) = read(HIDDEN) else { panic!() };
        assert_eq!(hidden.port, 51_000);
        for address in ["192.168.1.20", "2001:db8::7"] {
            let candidate = hidden.at(address.parse().unwrap()).unwrap();
            assert_eq!(candidate.addr(), SocketAddr::new(address.parse().unwrap(), 51_000));
            assert_eq!(candidate.kind(), CandidateKind::Host);
        }
        for line in ["", "nonsense", "candidate:1 1 udp 1 x.local x typ host"] {
            assert_eq!(read(line), Remote::Nothing, "{line}");
        }
    }

    #[test]
    fn ours_are_what_peers_accept() {
        let address: SocketAddr = "192.0.2.2:5000".parse().unwrap();
        let mut candidate = Candidate::host(address, "udp").unwrap();
        let expected = line(&candidate, section("v=0\r\na=mid:xYz\r\na=setup:actpass\r\n"));
        assert_eq!(expected.mid.as_deref(), Some("xYz"));
        assert!(expected.line.ends_with(" 192.0.2.2 5000 typ host"), "{}", expected.line);
        assert!(expected.line.starts_with("candidate:"), "{}", expected.line);
        candidate = Candidate::server_reflexive("203.0.113.7:6000".parse().unwrap(), address, "udp").unwrap();
        let line = line(&candidate, None).line;
        assert!(
            line.contains(" 203.0.113.7 6000 typ srflx raddr 0.0.0.0 rport 0"),
            "{line}"
        );
    }

    #[test]
    fn an_end_is_told_by_its_candidate() {
        let mut ends = RemoteEnds::default();
        for candidate in [
            HIDDEN,
            "candidate:2 1 udp 100 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0",
            "candidate:3 1 udp 100 192.168.1.21 9 typ host",
            "candidate:4 1 udp 100 198.51.100.4 3478 typ relay raddr 203.0.113.7 rport 9",
        ] {
            ends.note(&read(candidate));
        }
        for (end, kind) in [
            ("192.168.1.20:51000", LinkKind::Local),
            ("192.168.1.21:9", LinkKind::Local),
            ("203.0.113.7:61000", LinkKind::Direct),
            ("203.0.113.7:61001", LinkKind::Direct),
            ("198.51.100.4:3478", LinkKind::Relayed),
        ] {
            assert_eq!(ends.kind(end.parse().unwrap()), kind, "{end}");
        }
    }
}
