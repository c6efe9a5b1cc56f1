//! The servers of one network, each by an address of its own, and which of them a room is to be at.
//!
//! All servers of the network order their list in the same way for the same room, so the people of a room end at the same ones, whichever they came to: by
//! rendezvous hashing, highest random weight (Thaler and Ravishankar, *Using name-based mappings to increase hit rates*, 1998). A server that is added takes
//! one part in *n* of the rooms, from all others alike, and moves no other room.

use std::cmp::Reverse;

use serde::Serialize;

use super::Json;
use crate::{
    RoomId,
    limits::{NODE_ADDRESS_BYTES_MAX, NODES_NAMED_MAX, NODES_STAYED_AT_MAX},
};

/// Where a room is to be, as a welcome says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Nodes {
    /// The addresses of their sockets, `wss://…/ws`, the one to be at first. At most [`NODES_NAMED_MAX`].
    pub servers: Vec<String>,
    /// With how many of them a client stays registered, as far as it reaches them: one, where the servers know each other's people, else
    /// [`NODES_STAYED_AT_MAX`].
    pub stay_at: u8,
}

impl Nodes {
    /// Where a room is to be, of a network of these servers. Their order does not matter; their addresses must be written alike everywhere.
    #[must_use]
    pub fn of_room(room: &RoomId, servers: &[String], stay_at: u8) -> Self {
        let mut ordered: Vec<&String> = servers.iter().collect();
        // Of equal weights, which nobody will see, the address decides: whatever the order of the list, the result is the same.
        ordered.sort_by_cached_key(|server| (Reverse(weight(room, server)), (*server).clone()));
        Self {
            servers: ordered.into_iter().take(NODES_NAMED_MAX).cloned().collect(),
            stay_at,
        }
    }

    /// The field of a welcome. What is no list of addresses with a number names nobody: the field is an addition, and no reason to drop a welcome.
    pub(super) fn read(field: &Json) -> Option<Self> {
        let mut servers = field.field("servers")?.texts()?;
        servers.truncate(NODES_NAMED_MAX);
        servers.retain(|server| server.len() <= NODE_ADDRESS_BYTES_MAX);
        let stay_at = match field.field("stay-at")? {
            Json::Number(number) => u8::try_from(*number).ok()?,
            Json::Text(_) | Json::List(_) | Json::Object(_) | Json::Other => return None,
        };
        (!servers.is_empty()).then(|| Self {
            servers,
            stay_at: stay_at.clamp(1, NODES_STAYED_AT_MAX),
        })
    }
}

/// How much a server wants a room. Every server of a network has to come to the same number, in any version.
fn weight(room: &RoomId, server: &str) -> u64 {
    let material = [room.as_bytes(), server.as_bytes()].concat();
    let hash = blake3::derive_key("starling v1 node weight", &material);
    hash.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
}

/// The host in the address of a server, with its port if that is not the usual one, as a browser would name it: what a hello is signed for.
#[must_use]
pub fn host_of(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let usual = if scheme == "wss" { ":443" } else { ":80" };
    host.strip_suffix(usual).unwrap_or(host).to_ascii_lowercase()
}

/// Whether a client of the server `by` follows it to `named`: with TLS anywhere; without, only to another port of the same host, and never from a server with
/// TLS. So nobody is led from a secured server to an open one, nor into a network that only the client can reach.
#[must_use]
pub fn may_name(by: &str, named: &str) -> bool {
    let is_plain = |address: &str| address.starts_with("ws://");
    let is_socket = named.len() <= NODE_ADDRESS_BYTES_MAX && !host_of(named).is_empty();
    is_socket && (named.starts_with("wss://") || (is_plain(by) && is_plain(named) && name_of(by) == name_of(named)))
}

/// The host without its port.
fn name_of(address: &str) -> String {
    let host = host_of(address);
    let name = match host.rsplit_once(':') {
        // The colons of an address of IPv6 stand within brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => &host,
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|node| format!("wss://node{node}.example/ws")).collect()
    }

    fn rooms(count: u32) -> impl Iterator<Item = RoomId> {
        (0..count).map(|room| RoomId::from_bytes(blake3::derive_key("test", &room.to_be_bytes())))
    }

    fn first(room: &RoomId, servers: &[String]) -> String {
        Nodes::of_room(room, servers, 1).servers.swap_remove(0)
    }

    #[test]
    fn a_node_that_is_added_takes_its_part_of_the_rooms_and_moves_no_other() {
        let (few, more) = (names(4), names(5));
        let mut moved = 0;
        for room in rooms(2_000) {
            let (before, after) = (first(&room, &few), first(&room, &more));
            if before != after {
                assert_eq!(after, more[4]);
                moved += 1;
            }
        }
        // A fifth of them, with six standard deviations to both sides.
        assert!((292..=508).contains(&moved), "{moved}");
    }

    #[test]
    fn a_node_that_goes_leaves_its_rooms_to_the_next_in_their_order() {
        let all = names(4);
        for room in rooms(500) {
            let ordered = Nodes::of_room(&room, &all, 1).servers;
            let left: Vec<String> = all.iter().filter(|node| **node != ordered[0]).cloned().collect();
            assert_eq!(Nodes::of_room(&room, &left, 1).servers[..2], ordered[1..]);
        }
    }

    #[test]
    fn all_nodes_have_about_as_many_rooms() {
        let all = names(4);
        let mut counts = [0; 4];
        for room in rooms(2_000) {
            let first = first(&room, &all);
            counts[all.iter().position(|node| *node == first).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (384..=616).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let all = names(5);
        let mut turned = all.clone();
        for room in rooms(50) {
            turned.rotate_left(1);
            assert_eq!(Nodes::of_room(&room, &turned, 2), Nodes::of_room(&room, &all, 2));
        }
    }

    /// Other versions must come to the same order.
    #[test]
    fn the_order_of_a_room_is_this_one() {
        let ordered = |byte| Nodes::of_room(&RoomId::from_bytes([byte; 32]), &names(5), 1).servers;
        let expected = |nodes: [u8; 3]| nodes.map(|node| format!("wss://node{node}.example/ws"));
        assert_eq!(ordered(0), expected([3, 2, 0]));
        assert_eq!(ordered(1), expected([4, 3, 2]));
        assert_eq!(ordered(255), expected([3, 2, 0]));
        assert_eq!(
            weight(&RoomId::from_bytes([1; 32]), "wss://node0.example/ws"),
            1_214_996_436_979_067_059
        );
    }

    fn read(text: &str) -> Option<Nodes> {
        Nodes::read(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_host_is_named_with_its_port_unless_that_is_the_usual_one() {
        for (address, expected) in [
            ("ws://localhost:8080/ws", "localhost:8080"),
            ("wss://Rooms.example/ws", "rooms.example"),
            ("wss://rooms.example:443/ws?a#b", "rooms.example"),
            ("wss://rooms.example:80", "rooms.example:80"),
            ("ws://[::1]:80/ws", "[::1]"),
            ("wss://", ""),
        ] {
            assert_eq!(host_of(address), expected, "{address}");
        }
    }

    #[test]
    fn nobody_is_led_from_a_secured_server_to_an_open_one_nor_into_another_network() {
        for (by, named, follows) in [
            ("wss://a.example/ws", "wss://b.example/ws", true),
            ("ws://127.0.0.1:1/ws", "wss://b.example/ws", true),
            ("ws://127.0.0.1:1/ws", "ws://127.0.0.1:2/ws", true),
            ("ws://[::1]:1/ws", "ws://[::1]/ws", true),
            ("ws://[::1]:1/ws", "ws://[::2]:1/ws", false),
            ("ws://a.example/ws", "ws://10.0.0.1/ws", false),
            ("wss://a.example/ws", "ws://a.example/ws", false),
            ("wss://a.example/ws", "https://b.example/ws", false),
            ("wss://a.example/ws", "wss:///ws", false),
            ("wss://a.example/ws", "", false),
        ] {
            assert_eq!(may_name(by, named), follows, "{by} names {named}");
        }
        let long = format!("wss://{}", "a".repeat(NODE_ADDRESS_BYTES_MAX));
        assert!(!may_name("wss://a.example/ws", &long));
    }

    #[test]
    fn what_is_read_is_bounded_and_what_cannot_be_read_names_nobody() {
        let many = read(r#"{"servers":["a","b","c","d"],"stay-at":9,"new":1}"#).unwrap();
        assert_eq!(
            (many.servers.len(), many.stay_at),
            (NODES_NAMED_MAX, NODES_STAYED_AT_MAX)
        );
        assert_eq!(read(r#"{"servers":["a"],"stay-at":0}"#).unwrap().stay_at, 1);
        for text in [
            "1",
            "{}",
            r#"{"servers":[],"stay-at":1}"#,
            r#"{"servers":[1],"stay-at":1}"#,
            r#"{"servers":["a"]}"#,
            r#"{"servers":["a"],"stay-at":"1"}"#,
            r#"{"servers":["a"],"stay-at":256}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
