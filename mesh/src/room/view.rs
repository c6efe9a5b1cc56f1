//! What can be looked up in the room: by the net, and by the app.

use chacha20::ChaCha20Rng;
use litemap::LiteMap;
use shared::{MessageId, PeerId};

use super::Room;
use crate::{
    context::Context,
    door::PassiveView,
    io::LinkId,
    model::{NetworkEdge, NetworkNode, PersonState},
    wire::{frame::Digests, id::ShortId, span::LogDigest},
};

impl PassiveView for Room {
    fn present(&self) -> usize {
        self.roster.candidates()
    }

    fn is_present(&self, peer: &PeerId) -> bool {
        self.roster.is_candidate(peer)
    }

    fn is_reached(&self, peer: &PeerId) -> bool {
        self.roster.is_reached(peer)
    }

    fn links_of(&self, peer: &PeerId) -> usize {
        let beacon = self.roster.beacon(peer);
        beacon.map_or(0, |beacon| beacon.content.neighbors.len())
    }

    fn sample(&self, count: usize, rng: &mut ChaCha20Rng, eligible: &dyn Fn(&PeerId) -> bool) -> Vec<PeerId> {
        self.roster.sample(count, rng, eligible)
    }

    fn digests(&self) -> Digests {
        Digests {
            log: self.log.digest(),
            people: self.roster.digest(&self.me),
        }
    }
}

impl Room {
    /// A number that is the same for two nodes that have the same entries.
    pub(crate) fn log_digest(&self) -> LogDigest {
        self.log.digest()
    }

    /// How many are here, this node not included.
    pub(crate) fn people_here(&self) -> usize {
        self.roster.present()
    }

    /// See [`Deliveries::awaits`](super::delivery::Deliveries::awaits).
    pub(crate) fn is_awaited(&self, id: &MessageId) -> bool {
        self.deliveries.awaits(id)
    }

    /// Whom a message of ours for everyone is meant for, and whether they have it.
    pub(crate) fn recipients(&self, id: MessageId) -> Vec<(PeerId, bool)> {
        self.deliveries.recipients(id)
    }

    /// How somebody stands with us, if they are shown.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn state_of(&self, peer: &PeerId) -> Option<PersonState> {
        self.roster.state(peer)
    }

    /// Whether messages go over a link first, or only if another way fails.
    pub(crate) fn is_eager(&self, link: LinkId) -> bool {
        self.broadcast.is_eager(link, self.trees.nearest())
    }

    /// Who is here, us included, in the order of their ids; and who is linked with whom.
    pub(crate) fn network(&self, cx: &Context) -> (Vec<NetworkNode>, Vec<NetworkEdge>) {
        let me = NetworkNode {
            peer: self.me,
            name: Some(cx.name.clone()),
            on_server: self.on_server,
        };
        let here = self.roster.people().filter(|person| person.state == PersonState::Here);
        let others = here.map(|person| {
            let beacon = self.roster.beacon(&person.peer);
            NetworkNode {
                peer: person.peer,
                name: person.name.clone(),
                on_server: beacon.is_some_and(|beacon| beacon.content.on_server),
            }
        });
        let mut by_id = LiteMap::new_vec();
        for node in others.chain([me]) {
            by_id.insert(node.peer, node);
        }
        let nodes: Vec<_> = by_id.into_iter().map(|(_, node)| node).collect();
        let edges = self.edges(&nodes);
        (nodes, edges)
    }

    /// A link has two ends, and both have to name it: who claims to be everybody's neighbor is believed by nobody.
    fn edges(&self, nodes: &[NetworkNode]) -> Vec<NetworkEdge> {
        let shorts: Vec<_> = nodes.iter().map(|node| ShortId::of_peer(&node.peer)).collect();
        let mine: Vec<_> = self.neighbors.peers().map(|peer| ShortId::of_peer(&peer)).collect();
        let named = |node: &NetworkNode| -> &[ShortId] {
            if node.peer == self.me {
                return &mine;
            }
            let beacon = self.roster.beacon(&node.peer);
            beacon.map_or(&[], |beacon| &beacon.content.neighbors)
        };
        let index = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let mut edges = Vec::new();
        for (one, node) in nodes.iter().enumerate() {
            for neighbor in named(node) {
                // Sorted by id, of which the short one is the beginning.
                if let Ok(other) = shorts.binary_search(neighbor)
                    && one < other
                    && named(&nodes[other]).contains(&shorts[one])
                {
                    edges.push(NetworkEdge {
                        one: index(one),
                        other: index(other),
                    });
                }
            }
        }
        edges
    }
}
