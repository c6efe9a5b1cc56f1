//! The room's network in words.

use std::time::Duration;

use mesh::io::LinkKind;
use mesh::model::Network;

/// How much of a split network can be reached; `None` while all of it can.
#[must_use]
pub fn reach(network: &Network) -> Option<String> {
    let reachable = network.nodes.len();
    (network.size as usize > reachable).then(|| format!("{reachable} of {} reachable", network.size))
}

/// How a link reaches its peer.
#[must_use]
pub fn kind(kind: Option<LinkKind>) -> &'static str {
    match kind {
        None => "Not known yet",
        Some(LinkKind::Local) => "Local",
        Some(LinkKind::Direct) => "Direct",
        Some(LinkKind::Relayed) => "Relayed",
    }
}

/// How long something has lasted, in the largest unit that fits.
#[must_use]
pub fn lasted(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600.. => format!("{} h", seconds / 3600),
    }
}

/// A name as it stands beside a dot: its first few characters.
#[must_use]
pub fn short(name: &str) -> String {
    const CHARS_MAX: usize = 10;
    match name.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use mesh::model::NetworkNode;
    use shared::PeerId;

    use super::*;

    #[test]
    fn only_a_split_network_says_how_much_is_reachable() {
        let node = NetworkNode {
            peer: PeerId::from_bytes([1; 32]),
            name: None,
            on_server: false,
        };
        let network = |size| Network {
            nodes: vec![node.clone(); 7],
            edges: Vec::new(),
            links: Vec::new(),
            size,
        };
        assert_eq!(reach(&network(9)).as_deref(), Some("7 of 9 reachable"));
        assert_eq!(reach(&network(7)), None);
    }

    #[test]
    fn ages_have_one_unit() {
        let words = [59, 60, 3_599, 3_600, 100_000].map(|seconds| lasted(Duration::from_secs(seconds)));
        assert_eq!(words, ["59 s", "1 min", "59 min", "1 h", "27 h"]);
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(short("Ada"), "Ada");
        assert_eq!(short("0123456789"), "0123456789");
        assert_eq!(short("🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜"), "🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜…");
    }
}
