//! Where the nodes of the network's picture go: nodes push each other apart, links pull them together.
//!
//! After Fruchterman and Reingold, *Graph Drawing by Force-directed Placement* (Software: Practice and Experience 21, 1991):
//! the forces of §2.1, and a temperature that bounds each step and falls to nothing, so that every layout settles.
//! Invariants: the same networks in the same order give the same picture, and no node leaves the frame.
//!
//! Deviation: a weak pull to the middle keeps the parts of a split network in sight, and cooling is geometric.

use mesh::model::Network;
use shared::PeerId;

use crate::config::{
    MAP_COOLING, MAP_GRAVITY, MAP_HEAT_CHANGED, MAP_HEAT_NEW, MAP_HEAT_SETTLED, MAP_HEIGHT, MAP_MARGIN_X, MAP_MARGIN_Y,
    MAP_SPREAD, MAP_SPREAD_OF_FEW, MAP_WIDTH,
};

/// A picture in the making.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Those of the network, in the same order.
    bodies: Vec<Body>,
    /// Its edges, between places in `bodies`.
    edges: Vec<(usize, usize)>,
    heat: f32,
}

/// A node of the picture.
#[derive(Debug, Clone, Copy)]
struct Body {
    peer: PeerId,
    x: f32,
    y: f32,
}

impl Layout {
    /// Takes the network as it is now; who was there already stays in place. Says whether anything is to move.
    pub fn update(&mut self, network: &Network) -> bool {
        let edges: Vec<_> = network
            .edges
            .iter()
            .map(|edge| (edge.one as usize, edge.other as usize))
            .collect();
        let drawn = self.bodies.iter().map(|body| &body.peer);
        if drawn.eq(network.nodes.iter().map(|node| &node.peer)) && self.edges == edges {
            return false;
        }
        let before = std::mem::take(&mut self.bodies);
        let is_new = before.is_empty();
        let place = |peer| {
            let stays = before.iter().find(|body| body.peer == peer);
            stays.copied().unwrap_or_else(|| arrival(peer))
        };
        self.bodies = network.nodes.iter().map(|node| place(node.peer)).collect();
        self.edges = edges;
        self.heat = if is_new {
            MAP_HEAT_NEW
        } else {
            self.heat.max(MAP_HEAT_CHANGED)
        };
        true
    }

    /// Whether nothing moves any more.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.heat < MAP_HEAT_SETTLED
    }

    /// Moves every node a little. Does nothing once settled.
    pub fn step(&mut self) {
        if self.is_settled() {
            return;
        }
        let bodies = &self.bodies;
        let (width, height) = (f32::from(MAP_WIDTH), f32::from(MAP_HEIGHT));
        #[expect(clippy::cast_precision_loss, reason = "a handful of nodes")]
        let count = (bodies.len() as f32).sqrt();
        let near = (MAP_SPREAD + MAP_SPREAD_OF_FEW / count) * (width * height).sqrt() / count;
        let mut moves: Vec<(f32, f32)> = bodies
            .iter()
            .map(|body| {
                let pull = |from: f32, to: f32| (to - from) * MAP_GRAVITY;
                (pull(body.x, width / 2.0), pull(body.y, height / 2.0))
            })
            .collect();
        let mut push = |one: usize, other: usize, force: &dyn Fn(f32) -> f32| {
            let (a, b) = (&bodies[one], &bodies[other]);
            let (mut dx, dy) = (a.x - b.x, a.y - b.y);
            if dx == 0.0 && dy == 0.0 {
                // Two in one place have to part somehow.
                dx = 0.1;
            }
            let by = force((dx * dx + dy * dy).sqrt());
            for (index, by) in [(one, by), (other, -by)] {
                moves[index].0 += dx * by;
                moves[index].1 += dy * by;
            }
        };
        for one in 0..bodies.len() {
            for other in 0..one {
                push(one, other, &|distance| near * near / (distance * distance));
            }
        }
        for (one, other) in &self.edges {
            push(*one, *other, &|distance| -distance / near);
        }
        for (body, (dx, dy)) in self.bodies.iter_mut().zip(moves) {
            let scale = self.heat / (dx * dx + dy * dy).sqrt().max(self.heat);
            body.x = (body.x + dx * scale).clamp(MAP_MARGIN_X, width - MAP_MARGIN_X);
            body.y = (body.y + dy * scale).clamp(MAP_MARGIN_Y, height - MAP_MARGIN_Y);
        }
        self.heat *= MAP_COOLING;
    }

    /// Takes all steps at once, for people who want nothing to move.
    pub fn settle(&mut self) {
        while !self.is_settled() {
            self.step();
        }
    }

    /// Where the nodes are, in whole units, in the order of the network's.
    pub fn points(&self) -> impl Iterator<Item = (i16, i16)> {
        #[expect(clippy::cast_possible_truncation, reason = "within the frame")]
        self.bodies
            .iter()
            .map(|body| ((body.x + 0.5) as i16, (body.y + 0.5) as i16))
    }
}

/// Where someone new appears: anywhere, but everyone sees them come from there.
fn arrival(peer: PeerId) -> Body {
    let [x, y, ..] = *peer.as_bytes();
    let within = |byte: u8, length: i16| (f32::from(byte) + 0.5) / 256.0 * f32::from(length);
    Body {
        peer,
        x: within(x, MAP_WIDTH),
        y: within(y, MAP_HEIGHT),
    }
}

#[cfg(test)]
mod tests {
    use mesh::model::{NetworkEdge, NetworkNode};

    use super::*;

    fn peer(number: u8) -> PeerId {
        let mut bytes = [number; 32];
        bytes[1] = number.wrapping_mul(151);
        PeerId::from_bytes(bytes)
    }

    /// A network of these nodes, each linked to the next and to one further away, as far as `linked` says so.
    fn network(numbers: impl IntoIterator<Item = u8>, linked: impl Fn(u32, u32) -> bool) -> Network {
        let nodes: Vec<_> = numbers
            .into_iter()
            .map(|number| NetworkNode {
                peer: peer(number),
                name: None,
                on_server: true,
            })
            .collect();
        let count = u32::try_from(nodes.len()).unwrap();
        let pairs = (0..count).flat_map(|one| (one + 1..count).map(move |other| (one, other)));
        let edges = pairs
            .filter(|(one, other)| linked(*one, *other))
            .map(|(one, other)| NetworkEdge { one, other })
            .collect();
        Network {
            nodes,
            edges,
            links: Vec::new(),
            size: count,
        }
    }

    fn ring(one: u32, other: u32) -> bool {
        matches!(other - one, 1 | 7 | 31)
    }

    fn settled(network: &Network) -> Vec<(i16, i16)> {
        let mut layout = Layout::default();
        assert!(layout.update(network));
        layout.settle();
        layout.points().collect()
    }

    fn distance(a: (i16, i16), b: (i16, i16)) -> f32 {
        f32::hypot(f32::from(a.0 - b.0), f32::from(a.1 - b.1))
    }

    #[test]
    fn the_same_network_gives_the_same_picture_within_its_frame() {
        let network = network(0..100, ring);
        let points = settled(&network);
        assert_eq!(points, settled(&network));
        assert!(
            points
                .iter()
                .all(|(x, y)| (0..MAP_WIDTH).contains(x) && (0..MAP_HEIGHT).contains(y))
        );
    }

    #[test]
    fn it_settles_after_a_bounded_number_of_steps_and_then_stays() {
        let network = network(0..100, ring);
        let mut layout = Layout::default();
        assert!(layout.is_settled(), "nothing to draw yet");
        layout.update(&network);
        for _ in 0..90 {
            layout.step();
        }
        assert!(layout.is_settled());
        let points: Vec<_> = layout.points().collect();
        layout.step();
        assert!(!layout.update(&network));
        assert_eq!(layout.points().collect::<Vec<_>>(), points);
    }

    #[test]
    fn linked_nodes_are_nearer_than_others_and_none_cover_each_other() {
        // Two groups of five, fully linked within.
        let network = network(0..10, |one, other| (one < 5) == (other < 5));
        let points = settled(&network);
        let (mut near, mut far) = (0.0_f32, f32::MAX);
        for one in 0..10 {
            for other in 0..one {
                let apart = distance(points[one], points[other]);
                assert!(apart > 14.0, "{one} and {other} are {apart} apart");
                if (one < 5) == (other < 5) {
                    near = near.max(apart);
                } else {
                    far = far.min(apart);
                }
            }
        }
        assert!(near < 2.5 * far, "{near} within, {far} between");
        let middle = |range: std::ops::Range<usize>| {
            let sum = points[range]
                .iter()
                .fold((0, 0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
            (sum.0 / 5, sum.1 / 5)
        };
        assert!(distance(middle(0..5), middle(5..10)) > 60.0);
    }

    #[test]
    fn who_stays_keeps_the_place_when_someone_comes() {
        let mut layout = Layout::default();
        layout.update(&network(0..10, ring));
        layout.settle();
        let before: Vec<_> = layout.points().collect();
        assert!(layout.update(&network(0..11, ring)));
        assert_eq!(layout.points().take(10).collect::<Vec<_>>(), before);
        assert!(!layout.is_settled());
    }

    #[test]
    fn two_in_one_place_part() {
        let mut network = network([1, 1], |_, _| true);
        network.nodes[1].peer = PeerId::from_bytes({
            let mut bytes = *peer(1).as_bytes();
            bytes[31] ^= 1;
            bytes
        });
        let points = settled(&network);
        assert!(distance(points[0], points[1]) > 20.0);
    }

    #[test]
    fn a_network_of_one_is_in_the_middle() {
        assert_eq!(settled(&network([9], ring)), [(MAP_WIDTH / 2, MAP_HEIGHT / 2)]);
    }
}
