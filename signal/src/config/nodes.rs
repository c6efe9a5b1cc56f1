//! The servers of one network that have an address each.

use std::str::FromStr;

use axum::http::Uri;
use shared::{
    RoomId,
    limits::{NODE_ADDRESS_BYTES_MAX, NODES_STAYED_AT_MAX},
    signal::{Nodes, host_of, may_name},
};
use thiserror::Error;

use super::{AllowedOrigin, HostName, NODES_MAX, OwnHosts, ParseFlagError, ServerUrl};

/// The address of a node's socket, `wss://…/ws`, written in one way: host in lower case, no usual port. For all nodes have to write it alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUrl(ServerUrl);

impl NodeUrl {
    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port, as they stand in a content security policy.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.0.origin()
    }
}

impl FromStr for NodeUrl {
    type Err = ParseFlagError;

    /// Reads an address. Where there is no path, it is that of a server at the root.
    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        let server: ServerUrl = text.parse().map_err(|_| ParseFlagError::Node)?;
        let uri: Uri = text.parse().map_err(|_| ParseFlagError::Node)?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let path = match uri.path() {
            "" | "/" => "/ws",
            path => path,
        };
        let written = format!("{scheme}://{}{path}", host_of(server.as_str()));
        let is_socket = path.ends_with("/ws") && uri.query().is_none() && !text.contains('#');
        if !is_socket || written.len() > NODE_ADDRESS_BYTES_MAX {
            return Err(ParseFlagError::Node);
        }
        written.parse().map(Self).map_err(|_| ParseFlagError::Node)
    }
}

/// Why these are no nodes of one network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NodeListError {
    /// One alone.
    #[error(
        "--node names the nodes of a network: name all of them, at each of them, this one among them. A server that is alone needs no --node"
    )]
    Alone,
    /// More than `NODES_MAX`.
    #[error("--node names at most {NODES_MAX} nodes")]
    TooMany,
    /// The same address again.
    #[error("--node names {node} twice")]
    Twice {
        /// Its address.
        node: String,
    },
    /// With TLS and without, or without it at several hosts.
    #[error(
        "--node names {node}, to which nobody would follow: nodes are at wss://. Without TLS, all of them are at one host, for trying it out on one machine"
    )]
    Unfollowed {
        /// Its address.
        node: String,
    },
    /// A node and a server of its own.
    #[error(
        "{node} is named by --node and by --server: a node is none of the further servers with which a page registers besides. Leave out --server"
    )]
    IsServer {
        /// Its address.
        node: String,
    },
}

/// The nodes of a network, this server among them. The order does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeList {
    nodes: Vec<String>,
    stay_at: u8,
}

/// Whether nodes know each other's people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquaintance {
    /// By Redis.
    Known,
    /// They do not.
    Strangers,
}

impl NodeList {
    /// Where a room is to be.
    pub(crate) fn of_room(&self, room: &RoomId) -> Nodes {
        Nodes::of_room(room, &self.nodes, self.stay_at)
    }
}

impl super::Config {
    /// Makes the server one of these nodes: it answers to the name of each, for their clients come and go between them, and their pages may open sockets
    /// here. Without nodes, nothing changes.
    ///
    /// # Errors
    /// [`NodeListError`], which says what to do.
    pub fn join_nodes(&mut self, nodes: &[NodeUrl], acquaintance: Acquaintance) -> Result<(), NodeListError> {
        let Some(first) = nodes.first() else {
            return Ok(());
        };
        if nodes.len() == 1 {
            return Err(NodeListError::Alone);
        }
        if nodes.len() > NODES_MAX {
            return Err(NodeListError::TooMany);
        }
        for (place, node) in nodes.iter().enumerate() {
            let name = || node.as_str().to_owned();
            if nodes[..place].contains(node) {
                return Err(NodeListError::Twice { node: name() });
            }
            if !may_name(first.as_str(), node.as_str()) || !may_name(node.as_str(), first.as_str()) {
                return Err(NodeListError::Unfollowed { node: name() });
            }
            if self
                .servers
                .iter()
                .any(|server| host_of(server.as_str()) == host_of(node.as_str()))
            {
                return Err(NodeListError::IsServer { node: name() });
            }
        }
        for node in nodes {
            // `ws` becomes `http`, `wss` becomes `https`.
            let origin = format!("http{}", node.origin().strip_prefix("ws").unwrap_or_default());
            self.origins_allowed.extend(origin.parse::<AllowedOrigin>());
            if let OwnHosts::Listed(names) = &mut self.hosts {
                names.extend(host_of(node.as_str()).parse::<HostName>());
            }
            self.node_origins.push(node.origin().to_owned());
        }
        self.nodes = Some(NodeList {
            nodes: nodes.iter().map(|node| node.as_str().to_owned()).collect(),
            stay_at: match acquaintance {
                Acquaintance::Known => 1,
                Acquaintance::Strangers => NODES_STAYED_AT_MAX,
            },
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn joined(nodes: &[&str], config: &mut Config) -> Result<(), NodeListError> {
        let nodes: Vec<NodeUrl> = nodes.iter().map(|node| node.parse().unwrap()).collect();
        config.join_nodes(&nodes, Acquaintance::Strangers)
    }

    #[test]
    fn a_node_is_written_in_one_way() {
        for (text, written) in [
            ("wss://a.example", "wss://a.example/ws"),
            ("wss://A.Example:443/", "wss://a.example/ws"),
            ("ws://127.0.0.1:8080/ws", "ws://127.0.0.1:8080/ws"),
            ("wss://a.example:8443/chat/ws", "wss://a.example:8443/chat/ws"),
        ] {
            assert_eq!(text.parse::<NodeUrl>().unwrap().as_str(), written, "{text}");
        }
        let long = format!("wss://a.example/{}/ws", "x".repeat(NODE_ADDRESS_BYTES_MAX));
        for text in [
            "a.example",
            "https://a.example",
            "wss://a.example/chat",
            "wss://a.example/ws?x",
            "wss://a.example/ws#x",
            "wss://a;script-src",
            &long,
        ] {
            assert_eq!(text.parse::<NodeUrl>(), Err(ParseFlagError::Node), "{text}");
        }
    }

    #[test]
    fn mistakes_are_said() {
        let mut config = Config {
            servers: vec!["wss://c.example/ws".parse().unwrap()],
            ..Config::default()
        };
        let mut failed = |nodes: &[&str]| joined(nodes, &mut config).unwrap_err();
        assert_eq!(failed(&["wss://a.example"]), NodeListError::Alone);
        let twice = NodeListError::Twice {
            node: "wss://a.example/ws".to_owned(),
        };
        assert_eq!(failed(&["wss://a.example", "wss://a.example:443/ws"]), twice);
        let unfollowed = NodeListError::Unfollowed {
            node: "ws://b.example/ws".to_owned(),
        };
        assert_eq!(failed(&["wss://a.example", "ws://b.example"]), unfollowed);
        assert_eq!(failed(&["ws://a.example", "ws://b.example"]), unfollowed);
        let is_server = NodeListError::IsServer {
            node: "wss://c.example/ws".to_owned(),
        };
        assert_eq!(failed(&["wss://a.example", "wss://c.example"]), is_server);
        let many: Vec<String> = (0..=NODES_MAX).map(|node| format!("wss://n{node}.example")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(failed(&many), NodeListError::TooMany);
        assert_eq!(config.nodes, None);
        assert_eq!(joined(&[], &mut config), Ok(()));
        assert_eq!(config.nodes, None);
    }

    #[test]
    fn a_node_answers_to_the_names_of_all_and_lets_their_pages_in() {
        let mut config = Config {
            hosts: OwnHosts::Listed(vec!["rooms.example".parse().unwrap()]),
            ..Config::default()
        };
        joined(&["wss://a.example", "wss://b.example:8443"], &mut config).unwrap();
        for host in ["rooms.example", "a.example", "b.example:8443"] {
            assert!(config.hosts.has(host), "{host}");
        }
        let allowed = |origin: &str| {
            config
                .origins_allowed
                .contains(&AllowedOrigin::Exact(origin.to_owned()))
        };
        assert!(allowed("https://a.example") && allowed("https://b.example:8443"));
        assert_eq!(config.node_origins, ["wss://a.example", "wss://b.example:8443"]);
        // A server that answers to any name goes on to do so.
        let mut config = Config::default();
        joined(&["wss://a.example", "wss://b.example"], &mut config).unwrap();
        assert_eq!(config.hosts, OwnHosts::Any);
    }
}
