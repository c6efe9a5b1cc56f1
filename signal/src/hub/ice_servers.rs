//! The ICE servers that a welcome names: the STUN ports of this server itself, and what the operator configured.

use shared::{limits::ICE_SERVERS_MAX, signal::IceServer};

use crate::config::StunAnnouncement;

/// What the hub knows of ICE servers. The default is none.
#[derive(Debug, Clone, Default)]
pub struct IceServers {
    stun: Option<StunAnnouncement>,
    configured: Vec<IceServer>,
}

impl IceServers {
    /// The server's own STUN ports, if it has any, and the servers that the operator configured.
    #[must_use]
    pub const fn new(stun: Option<StunAnnouncement>, configured: Vec<IceServer>) -> Self {
        Self { stun, configured }
    }

    /// What a client is told that reached the server at `host`, as its hello says: our own STUN ports first, and at most
    /// [`ICE_SERVERS_MAX`] in all.
    pub(super) fn for_host(&self, host: &str) -> Vec<IceServer> {
        let own = self.stun.as_ref().and_then(|stun| stun.server(host));
        own.into_iter()
            .chain(self.configured.iter().cloned())
            .take(ICE_SERVERS_MAX)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement(host: Option<&str>, ports: &[u16]) -> StunAnnouncement {
        StunAnnouncement {
            host: host.map(str::to_owned),
            ports: ports.to_vec(),
        }
    }

    fn configured(count: usize) -> Vec<IceServer> {
        let server = |number| IceServer {
            urls: vec![format!("stun:stun{number}.example")],
            username: None,
            credential: None,
        };
        (0..count).map(server).collect()
    }

    fn urls(servers: &[IceServer]) -> Vec<&str> {
        servers
            .iter()
            .flat_map(|server| &server.urls)
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn both_ports_come_first_in_one_server_and_the_configured_ones_after_it() {
        let servers =
            IceServers::new(Some(announcement(None, &[8080, 8081])), configured(1)).for_host("rooms.example:99");
        assert_eq!(servers.len(), 2);
        assert_eq!(
            urls(&servers),
            [
                "stun:rooms.example:8080",
                "stun:rooms.example:8081",
                "stun:stun0.example"
            ]
        );
    }

    #[test]
    fn a_welcome_names_only_so_many() {
        let servers = IceServers::new(Some(announcement(None, &[8080])), configured(20)).for_host("rooms.example");
        assert_eq!(servers.len(), ICE_SERVERS_MAX);
        assert_eq!(servers[0].urls, ["stun:rooms.example:8080"]);
        assert_eq!(
            IceServers::new(None, configured(20)).for_host("rooms.example").len(),
            ICE_SERVERS_MAX
        );
    }

    #[test]
    fn without_stun_only_what_is_configured_is_named() {
        assert_eq!(
            urls(&IceServers::new(None, configured(1)).for_host("rooms.example")),
            ["stun:stun0.example"]
        );
        assert!(IceServers::default().for_host("rooms.example").is_empty());
    }
}
