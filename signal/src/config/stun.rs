//! Where STUN is answered, as the operator says it; and how the server's own STUN ports are named to a client.

use std::{net::IpAddr, str::FromStr};

use shared::signal::IceServer;

use super::ParseFlagError;

/// Where the server answers STUN. See [`StunSockets::bind`](crate::stun::StunSockets::bind).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StunPorts {
    /// On the UDP port of the listener's number and on the one after it, as far as they are free.
    #[default]
    OfListener,
    /// Nowhere.
    Off,
    /// On this UDP port and on the one after it.
    At {
        /// The host to name to clients: a name, an IPv4 address or an IPv6 address in brackets. Without it: the host by which a client
        /// reached the server.
        host: Option<String>,
        /// From 1 to 65,534.
        port: u16,
    },
}

impl FromStr for StunPorts {
    type Err = ParseFlagError;

    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (Some(host.to_owned()), port),
            None => (None, text),
        };
        let port: u16 = port.parse().map_err(|_| ParseFlagError::Stun)?;
        let next = port.checked_add(1).filter(|_| port != 0).ok_or(ParseFlagError::Stun)?;
        if let Some(host) = &host
            && !stun_server(host, &[port, next]).is_valid()
        {
            return Err(ParseFlagError::Stun);
        }
        Ok(Self::At { host, port })
    }
}

/// The server's own STUN ports, as its welcomes name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StunAnnouncement {
    /// The host to name. Without it: the host by which a client reached the server, as its hello says.
    pub host: Option<String>,
    /// The UDP ports, one or two. By two, a page can tell whether its NAT shows different servers different ports.
    pub ports: Vec<u16>,
}

impl StunAnnouncement {
    /// What a client is told whose hello names `host_of_hello`. `None` if there is no host to name, or one that leads every machine to itself:
    /// a page on this machine needs no STUN, and on another machine nobody answers there.
    pub(crate) fn server(&self, host_of_hello: &str) -> Option<IceServer> {
        let host = match &self.host {
            Some(host) => host,
            None => without_port(host_of_hello)?,
        };
        let server = stun_server(host, &self.ports);
        (!is_own_machine(host) && server.is_valid()).then_some(server)
    }
}

fn stun_server(host: &str, ports: &[u16]) -> IceServer {
    IceServer {
        urls: ports.iter().map(|port| format!("stun:{host}:{port}")).collect(),
        username: None,
        credential: None,
    }
}

/// The host of `authority`, an IPv6 address with its brackets.
fn without_port(authority: &str) -> Option<&str> {
    let end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + "[]".len(),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end)?;
    let port_is_valid = port.is_empty() || port.strip_prefix(':')?.parse::<u16>().is_ok();
    port_is_valid.then_some(host)
}

/// Whether every machine reaches itself by this host.
fn is_own_machine(host: &str) -> bool {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if let Ok(address) = literal.unwrap_or(host).parse::<IpAddr>() {
        let address = address.to_canonical();
        return address.is_loopback() || address.is_unspecified();
    }
    let last_label = host.trim_end_matches('.').rsplit('.').next();
    last_label.is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stun_is_off_or_a_port_or_a_host_with_a_port() {
        let at = |host: Option<&str>, port| {
            let host = host.map(str::to_owned);
            Ok(StunPorts::At { host, port })
        };
        assert_eq!("off".parse(), Ok(StunPorts::Off));
        assert_eq!("3478".parse(), at(None, 3478));
        assert_eq!("65534".parse(), at(None, 65_534));
        assert_eq!("stun.example.org:3478".parse(), at(Some("stun.example.org"), 3478));
        assert_eq!("192.0.2.1:3478".parse(), at(Some("192.0.2.1"), 3478));
        assert_eq!("[2001:db8::1]:3478".parse(), at(Some("[2001:db8::1]"), 3478));
        for text in [
            "",
            "on",
            "0",
            "65535",
            "65536",
            "-1",
            ":3478",
            "example.org",
            "example.org:",
            "stun:example.org:3478",
            "2001:db8::1:3478",
            "a b:3478",
        ] {
            assert_eq!(text.parse::<StunPorts>(), Err(ParseFlagError::Stun), "{text}");
        }
    }

    /// What a client is told that reached the server by `host`.
    fn announced(named: Option<&str>, host: &str) -> Vec<String> {
        let announcement = StunAnnouncement {
            host: named.map(str::to_owned),
            ports: vec![8080, 8081],
        };
        announcement.server(host).map_or_else(Vec::new, |server| server.urls)
    }

    #[test]
    fn the_host_is_the_one_by_which_the_client_came_without_its_port() {
        for (host, urls) in [
            (
                "rooms.example:8080",
                ["stun:rooms.example:8080", "stun:rooms.example:8081"],
            ),
            ("rooms.example", ["stun:rooms.example:8080", "stun:rooms.example:8081"]),
            ("192.168.1.5:99", ["stun:192.168.1.5:8080", "stun:192.168.1.5:8081"]),
            (
                "[2001:db8::1]:99",
                ["stun:[2001:db8::1]:8080", "stun:[2001:db8::1]:8081"],
            ),
            ("[2001:db8::1]", ["stun:[2001:db8::1]:8080", "stun:[2001:db8::1]:8081"]),
        ] {
            assert_eq!(announced(None, host), urls, "{host}");
        }
    }

    #[test]
    fn a_host_that_leads_a_machine_to_itself_is_not_named() {
        for host in [
            "localhost:8080",
            "LocalHost",
            "localhost.",
            "starling.localhost:8080",
            "127.0.0.1:8080",
            "127.8.9.1",
            "0.0.0.0:8080",
            "[::1]:8080",
            "[::]",
            "[::ffff:127.0.0.1]:8080",
        ] {
            assert_eq!(announced(None, host), Vec::<String>::new(), "{host}");
        }
        assert!(announced(Some("localhost"), "rooms.example").is_empty());
    }

    #[test]
    fn a_host_that_no_browser_takes_is_not_named() {
        for host in [
            "",
            ":8080",
            "a b",
            "2001:db8::1",
            "[2001:db8::1",
            "]",
            "[]",
            "[::2]x",
            "rooms.example:port",
            "é.example",
        ] {
            assert_eq!(announced(None, host), Vec::<String>::new(), "{host}");
        }
    }

    #[test]
    fn a_host_that_the_operator_named_is_named_to_all() {
        for host in ["rooms.example:8080", "localhost:8080", ""] {
            let urls = ["stun:stun.example:8080", "stun:stun.example:8081"];
            assert_eq!(announced(Some("stun.example"), host), urls, "{host}");
        }
    }
}
