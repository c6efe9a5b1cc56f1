//! The ICE servers that a client is told of: the STUN ports of this server itself, TURN servers, and what the operator configured.

use shared::{PeerId, limits::ICE_SERVERS_MAX, signal::IceServer};

use super::turn::turn_servers;
use crate::config::{StunAnnouncement, Turn};

/// What the hub knows of ICE servers. The default is none.
#[derive(Debug, Clone, Default)]
pub struct IceServers {
    stun: Option<StunAnnouncement>,
    turn: Option<Turn>,
    configured: Vec<IceServer>,
}

impl IceServers {
    /// The server's own STUN ports, if it has any, TURN servers, if there are any, and the servers that the operator configured.
    #[must_use]
    pub const fn new(stun: Option<StunAnnouncement>, turn: Option<Turn>, configured: Vec<IceServer>) -> Self {
        Self { stun, turn, configured }
    }

    /// Whether clients are given credentials, which end.
    pub(super) const fn have_turn(&self) -> bool {
        self.turn.is_some()
    }

    /// What a client is told that reached the server at `host`, as its hello says: our own STUN ports first, then TURN with credentials until
    /// `expires_at`, in seconds since 1970, and at most [`ICE_SERVERS_MAX`] in all.
    pub(super) fn for_client(&self, host: &str, peer: &PeerId, expires_at: u64) -> Vec<IceServer> {
        let own = self.stun.as_ref().and_then(|stun| stun.server(host));
        let turn = self.turn.iter().flat_map(|turn| turn_servers(turn, peer, expires_at));
        own.into_iter()
            .chain(turn)
            .chain(self.configured.iter().cloned())
            .take(ICE_SERVERS_MAX)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TurnSecret;

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

    fn turn(urls: usize) -> Turn {
        let url = |number| format!("turn:turn{number}.example:3478").parse().unwrap();
        Turn {
            urls: (0..urls).map(url).collect(),
            secret: TurnSecret::new(b"north wind").unwrap(),
        }
    }

    /// What some client is told at this host.
    fn told(servers: &IceServers, host: &str) -> Vec<IceServer> {
        servers.for_client(host, &PeerId::from_bytes([1; 32]), 1_700_000_000)
    }

    #[test]
    fn both_ports_come_first_in_one_server_then_turn_and_the_configured_ones_last() {
        let servers = IceServers::new(Some(announcement(None, &[8080, 8081])), Some(turn(5)), configured(1));
        let servers = told(&servers, "rooms.example:99");
        assert_eq!(servers.len(), 4);
        assert_eq!(
            urls(&servers),
            [
                "stun:rooms.example:8080",
                "stun:rooms.example:8081",
                "turn:turn0.example:3478",
                "turn:turn1.example:3478",
                "turn:turn2.example:3478",
                "turn:turn3.example:3478",
                "turn:turn4.example:3478",
                "stun:stun0.example"
            ]
        );
        let logins = servers
            .iter()
            .map(|server| server.username.is_some() && server.credential.is_some());
        assert_eq!(logins.collect::<Vec<_>>(), [false, true, true, false]);
        assert!(servers.iter().all(IceServer::is_valid));
    }

    #[test]
    fn a_client_is_told_of_only_so_many() {
        let stun = || Some(announcement(None, &[8080]));
        for servers in [
            IceServers::new(stun(), None, configured(20)),
            IceServers::new(stun(), Some(turn(100)), configured(20)),
            IceServers::new(None, None, configured(20)),
        ] {
            let servers = told(&servers, "rooms.example");
            assert_eq!(servers.len(), ICE_SERVERS_MAX);
            assert!(servers.iter().all(IceServer::is_valid));
        }
        let servers = told(&IceServers::new(stun(), Some(turn(100)), vec![]), "rooms.example");
        assert_eq!(servers[0].urls, ["stun:rooms.example:8080"]);
    }

    #[test]
    fn without_stun_and_turn_only_what_is_configured_is_named() {
        let servers = IceServers::new(None, None, configured(1));
        assert!(!servers.have_turn());
        assert_eq!(urls(&told(&servers, "rooms.example")), ["stun:stun0.example"]);
        assert!(told(&IceServers::default(), "rooms.example").is_empty());
    }
}
