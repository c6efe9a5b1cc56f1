//! What the app can ask a node.

use shared::PeerId;

use super::Node;
use crate::{
    Counters,
    io::{Network, NetworkEdge, NetworkLink, NetworkNode, PersonState},
    link::Link,
    record::Short,
};

impl Node {
    /// Who this node is.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.me
    }

    /// What was dropped and what came about, since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The peers with a link that can carry messages: the active view.
    pub fn linked(&self) -> impl Iterator<Item = PeerId> {
        self.usable_links().map(Link::peer)
    }

    /// How many people are here as far as this node knows, itself included.
    #[must_use]
    pub fn present(&self) -> usize {
        self.people()
    }

    /// A number that is the same for two nodes that have the same entries.
    #[must_use]
    pub fn log_digest(&self) -> u64 {
        self.log.digest()
    }

    /// The room's network as we know it.
    #[must_use]
    pub fn network(&self) -> Network {
        let mut nodes = vec![NetworkNode {
            peer: self.me,
            name: Some(self.config.name.clone()),
            on_server: self.registered().is_some(),
        }];
        let here = self.roster.people().filter(|person| person.state == PersonState::Here);
        nodes.extend(here.map(|person| {
            let beacon = self.roster.beacon(&person.peer);
            NetworkNode {
                peer: person.peer,
                name: person.name.clone(),
                on_server: beacon.is_some_and(|beacon| beacon.content.on_server),
            }
        }));
        nodes.sort_by_key(|node| node.peer);
        let size = index(nodes.len().max(self.room_size()));
        Network {
            edges: self.edges(&nodes),
            links: self.usable_links().map(|link| self.shown_link(link)).collect(),
            nodes,
            size,
        }
    }

    /// A link has two ends, and both have to name it: who claims to be everybody's neighbor is believed by nobody.
    fn edges(&self, nodes: &[NetworkNode]) -> Vec<NetworkEdge> {
        let shorts: Vec<_> = nodes.iter().map(|node| Short::of_peer(&node.peer)).collect();
        let mine: Vec<_> = self.linked().map(|peer| Short::of_peer(&peer)).collect();
        let named = |node: &NetworkNode| -> &[Short] {
            if node.peer == self.me {
                return &mine;
            }
            let beacon = self.roster.beacon(&node.peer);
            beacon.map_or(&[], |beacon| &beacon.content.neighbors)
        };
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

    fn shown_link(&self, link: &Link) -> NetworkLink {
        NetworkLink {
            peer: link.peer(),
            name: link.name.clone(),
            kind: link.kind(),
            round_trip: link.round_trip(),
            eager: self.broadcast.is_eager(link.id(), self.nearest_tree()),
            age: link.age(self.now.instant),
        }
    }
}

fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
