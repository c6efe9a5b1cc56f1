//! "Check connection": what a connection for trial tells of the network that this program is in.

use mesh::{
    Ways,
    io::{Candidate, TransportPolicy},
};
use shared::signal::IceServer;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Whether the browser made the connection.
    pub made: bool,
    /// Whether a server named a STUN or TURN server to ask.
    pub asked: bool,
    /// Whether it named a STUN server.
    pub stun_asked: bool,
    /// Whether it named a TURN server.
    pub relay_asked: bool,
    /// Whether TURN works in each way: by UDP, TCP and TLS. `None`: no server names one to be reached so.
    pub relays: [Option<bool>; RelayTransport::ALL.len()],
    /// The ways in.
    pub ways: Ways,
    /// Whether two STUN servers answered at least: with fewer, nothing tells how the router maps.
    pub compared: bool,
    /// By which candidates this program lets itself be reached.
    pub transport_policy: TransportPolicy,
    /// What others are told of this device's own addresses.
    pub own: OwnAddresses,
}

/// How a program reaches a TURN server (RFC 7065).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayTransport {
    /// As it reaches most others.
    Udp,
    /// Where no UDP gets through.
    Tcp,
    /// Where only what looks like the web gets through.
    Tls,
}

impl RelayTransport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Udp, Self::Tcp, Self::Tls];

    /// Those of these servers that are reached so, with these addresses alone.
    #[must_use]
    pub fn servers(self, ice_servers: &[IceServer]) -> Vec<IceServer> {
        let mut servers = ice_servers.to_vec();
        for server in &mut servers {
            server.urls.retain(|url| Self::of(url) == Some(self));
        }
        servers.retain(|server| !server.urls.is_empty());
        servers
    }

    /// That of an address; `None` if it is of a STUN server.
    fn of(url: &str) -> Option<Self> {
        match url.get(..5)? {
            "turns" => Some(Self::Tls),
            "turn:" if url.ends_with("=tcp") => Some(Self::Tcp),
            "turn:" => Some(Self::Udp),
            _ => None,
        }
    }
}

/// What others are told of this device's own addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnAddresses {
    /// The browser hides them behind mDNS names (draft-ietf-mmusic-mdns-ice-candidates).
    Hidden,
    /// The addresses.
    Shown,
    /// None was found.
    Unknown,
}

impl Check {
    /// What `found`, by a connection that asked these servers by this policy, tells; and what one tells that asked only the TURN servers that are
    /// [reached](RelayTransport::servers) by UDP, by TCP and by TLS. `None`: the browser made no connection.
    #[must_use]
    pub fn of(
        ice_servers: &[IceServer],
        transport_policy: TransportPolicy,
        found: Option<&[Candidate]>,
        relayed: [Option<&[Candidate]>; RelayTransport::ALL.len()],
    ) -> Self {
        let made = found.is_some();
        let found = found.unwrap_or_default();
        let any = |part| found.iter().any(|candidate| candidate.line.contains(part));
        let urls = ice_servers.iter().flat_map(|server| &server.urls);
        let stun = urls.filter(|url| url.starts_with("stun")).count();
        Self {
            made,
            asked: !ice_servers.is_empty(),
            stun_asked: stun > 0,
            relay_asked: ice_servers.iter().any(IceServer::is_relay),
            relays: relayed.map(|found| found.map(|found| Ways::of(found).is_relayed())),
            ways: Ways::of(found),
            // A browser waits for each of them before it says that this is all.
            compared: stun > 1 && found.last() == Some(&Candidate::end()),
            transport_policy,
            own: if any(".local ") {
                OwnAddresses::Hidden
            } else if any(" typ host") {
                OwnAddresses::Shown
            } else {
                OwnAddresses::Unknown
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_servers_are_told_apart_by_how_they_are_reached() {
        let server = |urls: &[&str]| IceServer {
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            username: None,
            credential: None,
        };
        let all = [
            server(&["stun:a.org", "stuns:a.org"]),
            server(&[
                "turn:b.org",
                "turn:b.org:3478?transport=tcp",
                "turns:b.org?transport=tcp",
            ]),
            server(&["turn:c.org?transport=udp"]),
        ];
        let servers = RelayTransport::ALL.map(|transport| transport.servers(&all));
        assert_eq!(
            servers,
            [
                vec![server(&["turn:b.org"]), server(&["turn:c.org?transport=udp"])],
                vec![server(&["turn:b.org:3478?transport=tcp"])],
                vec![server(&["turns:b.org?transport=tcp"])],
            ]
        );
    }
}
