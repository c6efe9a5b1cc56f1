//! What the app can ask of a node at any time.

use shared::{MessageId, PeerId, signal::IceServer};

use super::Node;
use crate::{
    io::TransportPolicy,
    model::{Counters, Network, NetworkLink},
    net::Link,
    wire::span::LogDigest,
};

impl Node {
    /// Who this node is.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.cx.me
    }

    /// What was dropped and what came about, since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.cx.counters
    }

    /// The peers with a link that can carry messages: the active view.
    pub fn linked(&self) -> impl Iterator<Item = PeerId> {
        self.net.links().map(Link::peer)
    }

    /// What servers name to find a path with: STUN and TURN servers.
    #[must_use]
    pub fn ice_servers(&self) -> Vec<IceServer> {
        self.net.ice_servers()
    }

    /// By which candidates this node lets itself be reached.
    #[must_use]
    pub fn transport_policy(&self) -> TransportPolicy {
        self.cx.transport_policy
    }

    /// Whether somebody is waited for who is to have a message of ours. Of who left before they had it that is not so.
    #[must_use]
    pub fn is_awaited(&self, id: &MessageId) -> bool {
        self.room.is_awaited(id)
    }

    /// Whom a message of ours for everyone is meant for, and whether they have it. Nobody, if it is with everyone or not followed any more.
    #[must_use]
    pub fn recipients(&self, id: MessageId) -> Vec<(PeerId, bool)> {
        self.room.recipients(id)
    }

    /// How somebody stands with us, if they are shown.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn state_of(&self, peer: &PeerId) -> Option<crate::model::PersonState> {
        self.room.state_of(peer)
    }

    /// How many people are here as far as this node knows, itself included.
    #[must_use]
    pub fn present(&self) -> usize {
        self.room.people_here() + 1
    }

    /// The same for two nodes that have the same feeds up to the same entries.
    #[must_use]
    pub fn log_digest(&self) -> LogDigest {
        self.room.log_digest()
    }

    /// The room's network as we know it.
    #[must_use]
    pub fn network(&self) -> Network {
        let (nodes, edges) = self.room.network(&self.cx);
        let links = self.net.links().map(|link| NetworkLink {
            peer: link.peer(),
            name: link.name().map(str::to_owned),
            kind: link.kind(),
            round_trip: link.round_trip(),
            eager: self.room.is_eager(link.id()),
            age: link.age(self.cx.instant()),
        });
        let size = nodes.len().max(self.net.room_size());
        Network {
            links: links.collect(),
            size: u32::try_from(size).unwrap_or(u32::MAX),
            nodes,
            edges,
        }
    }
}
