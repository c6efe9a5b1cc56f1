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
    /// The ways in.
    pub ways: Ways,
    /// Whether two STUN servers answered at least: with fewer, nothing tells how the router maps.
    pub compared: bool,
    /// By which candidates this program lets itself be reached.
    pub transport_policy: TransportPolicy,
    /// What others are told of this device's own addresses.
    pub own: OwnAddresses,
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
    /// What `found`, by a connection that asked these servers by this policy, tells. `None`: the browser made no connection.
    #[must_use]
    pub fn of(ice_servers: &[IceServer], transport_policy: TransportPolicy, found: Option<&[Candidate]>) -> Self {
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
