//! The network as a picture: for Graphviz, as SVG, and drawn with letters.

use std::fmt::Write as _;

use client::{
    config::{MAP_HEIGHT, MAP_WIDTH},
    layout::Layout,
    room::RoomState,
    text::short,
};
use mesh::model::Network;

use crate::{config::DRAWING_ROWS, harmless};

/// In the language of Graphviz.
#[must_use]
pub fn dot(room: &RoomState, network: &Network) -> String {
    let mut graph = "graph starling {\n  node [shape=box, style=rounded];\n".to_owned();
    for (place, node) in network.nodes.iter().enumerate() {
        let label = harmless::line(&room.name_of(&node.peer))
            .replace('\\', "\\\\")
            .replace('"', "\\\"");
        let own = if node.peer == room.me { ", penwidth=2" } else { "" };
        let style = if node.on_server {
            ""
        } else {
            ", style=\"rounded,dashed\""
        };
        // A text cannot fail to be written to.
        let _ = writeln!(graph, "  n{place} [label=\"{label}\"{own}{style}];");
    }
    for edge in &network.edges {
        let _ = writeln!(graph, "  n{} -- n{};", edge.one, edge.other);
    }
    graph + "}\n"
}

/// As an image. Nothing in it comes from elsewhere, and nothing runs.
#[must_use]
pub fn svg(room: &RoomState, network: &Network) -> String {
    let points = points(network);
    let mut image = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {MAP_WIDTH} {MAP_HEIGHT}\" font-family=\"sans-serif\" font-size=\"9\" \
         text-anchor=\"middle\">\n"
    );
    for edge in &network.edges {
        if let (Some((x1, y1)), Some((x2, y2))) = (points.get(edge.one as usize), points.get(edge.other as usize)) {
            let _ = writeln!(
                image,
                "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"gray\"/>"
            );
        }
    }
    for (node, (x, y)) in network.nodes.iter().zip(&points) {
        let fill = if node.peer == room.me { "black" } else { "gray" };
        let name = harmless::line(&short(&room.name_of(&node.peer)));
        let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let below = y + 14;
        let _ = writeln!(
            image,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"{fill}\"/><text x=\"{x}\" y=\"{below}\">{name}</text>"
        );
    }
    image + "</svg>\n"
}

/// With letters, in so many columns: a name where somebody is, dots for links.
#[must_use]
pub fn drawing(room: &RoomState, network: &Network, columns: usize) -> String {
    let rows = DRAWING_ROWS;
    let mut canvas = vec![vec![' '; columns]; rows];
    let scaled = |value: i16, size: i16, cells: usize| {
        let cell = usize::try_from(value).unwrap_or(0) * cells / usize::try_from(size).unwrap_or(1);
        cell.min(cells.saturating_sub(1))
    };
    let points: Vec<_> = points(network)
        .into_iter()
        .map(|(x, y)| (scaled(x, MAP_WIDTH, columns), scaled(y, MAP_HEIGHT, rows)))
        .collect();
    for edge in &network.edges {
        if let (Some(one), Some(other)) = (points.get(edge.one as usize), points.get(edge.other as usize)) {
            draw_line(&mut canvas, *one, *other);
        }
    }
    for (node, (x, y)) in network.nodes.iter().zip(&points) {
        let name = harmless::line(&short(&room.name_of(&node.peer)));
        let name = if node.peer == room.me {
            format!("[{name}]")
        } else {
            name
        };
        // Wide characters would shift what comes after them.
        let letters: Vec<_> = name
            .chars()
            .map(|char| {
                if harmless::width(char.encode_utf8(&mut [0; 4])) == 1 {
                    char
                } else {
                    '?'
                }
            })
            .collect();
        let start = x
            .saturating_sub(letters.len() / 2)
            .min(columns.saturating_sub(letters.len()));
        for (cell, letter) in canvas[*y].iter_mut().skip(start).zip(letters) {
            *cell = letter;
        }
    }
    let lines = canvas
        .into_iter()
        .map(|row| row.into_iter().collect::<String>().trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn points(network: &Network) -> Vec<(i16, i16)> {
    let mut layout = Layout::default();
    layout.update(network);
    layout.settle();
    layout.points().collect()
}

/// After Bresenham.
fn draw_line(canvas: &mut [Vec<char>], from: (usize, usize), to: (usize, usize)) {
    let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
    let between = |from: usize, to: usize, step: usize| (from * (steps - step) + to * step + steps / 2) / steps;
    for step in 0..=steps {
        let (x, y) = (between(from.0, to.0, step), between(from.1, to.1, step));
        if let Some(cell) = canvas.get_mut(y).and_then(|row| row.get_mut(x)) {
            *cell = '·';
        }
    }
}

#[cfg(test)]
mod tests {
    use mesh::model::{NetworkEdge, NetworkNode, Person, PersonState};
    use shared::PeerId;

    use super::*;

    fn three() -> (RoomState, Network) {
        let peers = [1, 2, 3].map(|byte| PeerId::from_bytes([byte; 32]));
        let mut room = RoomState::new(peers[0], "me".to_owned());
        for (peer, name) in [(peers[1], "<b>\"Bob\\"), (peers[2], "Cy\u{1b}字")] {
            let person = Person {
                peer,
                name: Some(name.to_owned()),
                state: PersonState::Here,
                linked: true,
                round_trip: None,
                archive: false,
            };
            room.people.push(person.into());
        }
        let node = |peer| NetworkNode {
            peer,
            name: None,
            on_server: true,
        };
        let edge = |one, other| NetworkEdge { one, other };
        let network = Network {
            nodes: peers.map(node).to_vec(),
            edges: vec![edge(0, 1), edge(1, 2)],
            links: Vec::new(),
            size: 3,
        };
        (room, network)
    }

    #[test]
    fn a_graph_has_everybody_and_no_name_breaks_out_of_it() {
        let (room, network) = three();
        let graph = dot(&room, &network);
        for line in [
            "  n0 [label=\"me\", penwidth=2];",
            "  n1 [label=\"<b>\\\"Bob\\\\\"];",
            "  n2 [label=\"Cy<U+001B>字\"];",
            "  n1 -- n2;",
        ] {
            assert!(graph.lines().any(|known| known == line), "{line}\n{graph}");
        }
    }

    #[test]
    fn an_image_has_everybody_and_no_name_breaks_out_of_it() {
        let (room, network) = three();
        let image = svg(&room, &network);
        assert_eq!(
            (image.matches("<circle").count(), image.matches("<line").count()),
            (3, 2)
        );
        assert!(image.contains("&lt;b&gt;\"Bob\\") && !image.contains("<b>"), "{image}");
    }

    #[test]
    fn a_drawing_fits_and_shows_who_is_linked() {
        let (room, network) = three();
        let drawing = drawing(&room, &network, 60);
        assert_eq!(drawing.split('\n').count(), DRAWING_ROWS);
        assert!(drawing.lines().all(|line| harmless::width(line) <= 60));
        for name in ["[me]", "<b>\"Bob\\", "Cy<U+001B>?", "·"] {
            assert!(drawing.contains(name), "{name}\n{drawing}");
        }
        assert!(super::drawing(&room, &network, 1).split('\n').count() == DRAWING_ROWS);
    }
}
