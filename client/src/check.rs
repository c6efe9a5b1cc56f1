//! "Check connection": what a connection for trial tells of the network that this program is in.

use mesh::{Ways, io::Candidate};
use shared::signal::IceServer;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Whether a server named a STUN or TURN server to ask.
    pub asked: bool,
    /// Whether it named a TURN server.
    pub relay_asked: bool,
    /// The ways in.
    pub ways: Ways,
    /// Whether the browser hides its own addresses behind mDNS names (draft-ietf-mmusic-mdns-ice-candidates).
    pub hidden: bool,
}

impl Check {
    /// What `found`, by a connection that asked these servers, tells.
    #[must_use]
    pub fn of(ice_servers: &[IceServer], found: &[Candidate]) -> Self {
        Self {
            asked: !ice_servers.is_empty(),
            relay_asked: ice_servers.iter().any(IceServer::is_relay),
            ways: Ways::of(found),
            hidden: found.iter().any(|candidate| candidate.line.contains(".local ")),
        }
    }
}
