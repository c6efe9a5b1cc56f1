//! How peers meet without a server: one listens, the others know where.
//!
//! A bootnode is a peer that listens. To a peer it is one more rendezvous server, with its own back-off; several are asked side by side. Whoever has come
//! by one of them finds the others of the room through it and through the mesh.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use clap::Args;
use mesh::io::ServerId;
use shared::PeerId;
use signal::config::RoomHost;
use thiserror::Error;
use tokio::{net::lookup_host, time::timeout};

use crate::{
    config::{BOOTNODES_MAX, OWN_LOOK_UP_MAX},
    link::{Destination, LinkError},
    listener::{ListenError, Listener},
    words::Meeting,
};

/// What is typed to do without a server.
#[derive(Debug, Clone, Default, Args)]
pub struct Direct {
    /// Let peers of this room come to this one directly, at a port such as 8001 of all addresses of this machine, or of one, such as 127.0.0.1:8001. They
    /// name it with --bootnodes.
    #[arg(long, global = true, value_name = "[ADDRESS:]PORT")]
    pub listen: Option<ListenAt>,
    /// Peers that listen, such as host:8001. One that is in the room is enough to find all others.
    #[arg(long, global = true, value_name = "HOST:PORT,…", value_delimiter = ',')]
    pub bootnodes: Vec<Bootnode>,
    /// Ask no server, whatever the link names. People come in by --listen and --bootnodes, or by hand: /connect makes an invitation.
    #[arg(long, global = true)]
    pub no_server: bool,
}

/// What is no address of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseDirectError {
    /// See [`ListenAt`].
    #[error("write a port, such as 8001, or an address of this machine with a port, such as 127.0.0.1:8001")]
    Listen,
    /// See [`Bootnode`].
    #[error("write a host with a port, such as 192.0.2.7:8001 or example.org:8001")]
    Bootnode,
}

/// Nobody can be met as it was asked for.
#[derive(Debug, Error)]
pub enum OpenError {
    /// See [`ListenError`].
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// See [`LinkError`].
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// Where a peer listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAt {
    /// At which address; at all without one.
    pub ip: Option<IpAddr>,
    /// At which port.
    pub port: u16,
}

impl FromStr for ListenAt {
    type Err = ParseDirectError;

    fn from_str(text: &str) -> Result<Self, ParseDirectError> {
        if let Ok(port) = text.parse() {
            return Ok(Self { ip: None, port });
        }
        let address: SocketAddr = text.parse().map_err(|_| ParseDirectError::Listen)?;
        let (ip, port) = (Some(address.ip()), address.port());
        Ok(Self { ip, port })
    }
}

impl fmt::Display for ListenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            Some(ip) => SocketAddr::new(ip, self.port).fmt(f),
            None => write!(f, "port {}", self.port),
        }
    }
}

/// A peer that listens, by its host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootnode(String);

impl FromStr for Bootnode {
    type Err = ParseDirectError;

    fn from_str(text: &str) -> Result<Self, ParseDirectError> {
        let text = text.trim();
        let (host, port) = text.rsplit_once(':').ok_or(ParseDirectError::Bootnode)?;
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        let is_address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        let is_name = !host.is_empty() && host.chars().all(is_letter);
        if is_port && (is_address || is_name) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(ParseDirectError::Bootnode)
        }
    }
}

impl fmt::Display for Bootnode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Bootnode {
    /// Its address as that of a rendezvous server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.0)
    }

    /// Whether it is the peer at this door.
    async fn is(&self, listener: &Listener, own: &[IpAddr]) -> bool {
        let (asked, at) = (lookup_host(&self.0), listener.address());
        let Ok(Ok(mut addresses)) = timeout(OWN_LOOK_UP_MAX, asked).await else {
            // If it is all the same, the door itself sees to it: see `signal::config::RoomHost`.
            return false;
        };
        addresses.any(|address| {
            let ip = address.ip().to_canonical();
            let is_here = ip.is_loopback() || ip.is_unspecified() || own.contains(&ip);
            address.port() == at.port() && is_here && (at.ip().is_unspecified() || at.ip().to_canonical() == ip)
        })
    }
}

/// How a visit that needs no server goes.
#[derive(Debug)]
pub struct Ways {
    /// Our own door. Others come for as long as this is there.
    pub listener: Option<Listener>,
    /// By whom people are introduced.
    pub meeting: Meeting,
    /// The bootnodes, by the numbers that they have as servers.
    pub bootnodes: BTreeMap<ServerId, String>,
}

impl Direct {
    /// Opens the door that was asked for, and adds to the servers of a room whoever else is to be asked.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do.
    pub async fn open(&self, destination: &mut Destination, me: PeerId) -> Result<Ways, OpenError> {
        let host = RoomHost {
            room: destination.code.open().id(),
            peer: me,
        };
        let listener = match self.listen {
            Some(at) => Some(Listener::start(at, host).await?),
            None => None,
        };
        let bootnodes = self.servers(listener.as_ref()).await?;
        let meeting = match (destination.servers.is_empty(), bootnodes.is_empty()) {
            (false, _) => Meeting::Servers,
            (true, false) => Meeting::Peers,
            (true, true) => Meeting::Hand,
        };
        let own = listener.as_ref().map(Listener::url);
        let (mut named, mut place) = (BTreeMap::new(), destination.servers.len());
        for url in &bootnodes {
            if Some(url) != own.as_ref()
                && let Ok(number) = u8::try_from(place)
            {
                let name = client::servers::host(url);
                named.insert(ServerId(number), name);
            }
            place += 1;
        }
        destination.servers.extend(bootnodes);
        Ok(Ways {
            listener,
            meeting,
            bootnodes: named,
        })
    }

    /// Whether people can come without a server.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        self.listen.is_some() || !self.bootnodes.is_empty() || self.no_server
    }

    /// Reads which room is meant. The code of a room is enough.
    ///
    /// # Errors
    /// [`LinkError`], which says what to do.
    pub fn destination(&self, text: &str, servers: &[String]) -> Result<Destination, LinkError> {
        let servers = if self.no_server { &[] } else { servers };
        match Destination::parse(text, servers) {
            Err(LinkError::NoServer) if self.is_asked_for() => Destination::bare(text),
            Ok(mut destination) if self.no_server => {
                destination.servers.clear();
                Ok(destination)
            }
            parsed => parsed,
        }
    }

    /// The bootnodes as rendezvous servers, and the peer's own door behind them. A bootnode that is this peer itself is left out: a list can be the same for
    /// all.
    ///
    /// # Errors
    /// [`LinkError::Bootnodes`].
    pub async fn servers(&self, listener: Option<&Listener>) -> Result<Vec<String>, LinkError> {
        if self.bootnodes.len() > BOOTNODES_MAX {
            return Err(LinkError::Bootnodes);
        }
        let own: Vec<_> = if_addrs::get_if_addrs()
            .unwrap_or_default()
            .iter()
            .map(if_addrs::Interface::ip)
            .collect();
        let mut servers: Vec<String> = Vec::new();
        for bootnode in &self.bootnodes {
            let is_own = match listener {
                Some(listener) => bootnode.is(listener, &own).await,
                None => false,
            };
            if !is_own && !servers.contains(&bootnode.url()) {
                servers.push(bootnode.url());
            }
        }
        servers.extend(listener.map(Listener::url));
        Ok(servers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_addresses_are_read() {
        for (text, ip, port) in [
            ("8001", None, 8001),
            ("127.0.0.1:8001", Some("127.0.0.1"), 8001),
            ("[::1]:0", Some("::1"), 0),
        ] {
            let ip = ip.map(|ip| ip.parse().unwrap());
            assert_eq!(text.parse(), Ok(ListenAt { ip, port }), "{text}");
        }
        for wrong in ["", "port", "70000", "host:8001", "127.0.0.1", ":8001"] {
            assert_eq!(wrong.parse::<ListenAt>(), Err(ParseDirectError::Listen), "{wrong}");
        }
    }

    #[test]
    fn bootnodes_are_read() {
        for text in [
            "localhost:8001",
            "Example.ORG:1",
            "192.0.2.7:8001",
            "[2001:db8::1]:8001",
        ] {
            let bootnode = text.parse::<Bootnode>().unwrap();
            assert_eq!(bootnode.url(), format!("ws://{}/ws", text.to_ascii_lowercase()));
        }
        for wrong in [
            "",
            "8001",
            "host",
            "host:0",
            "host:70000",
            "a b:1",
            "host/x:1",
            "user@host:1",
            ":1",
            "2001:db8::1:x",
            "[::1:1",
        ] {
            assert_eq!(wrong.parse::<Bootnode>(), Err(ParseDirectError::Bootnode), "{wrong}");
        }
    }

    fn direct(text: &[&str]) -> Direct {
        let bootnodes = text.iter().map(|text| text.parse().unwrap()).collect();
        Direct {
            bootnodes,
            ..Direct::default()
        }
    }

    #[test]
    fn the_code_of_a_room_is_enough_where_peers_are_met_directly() {
        let none: &[String] = &[];
        assert_eq!(Direct::default().destination("tea", none), Err(LinkError::NoServer));
        let bare = direct(&["localhost:1"]).destination("Tea", none).unwrap();
        assert_eq!((bare.link().as_str(), bare.servers.len()), ("tea", 0));
        let linked = direct(&["localhost:1"])
            .destination("https://a.example/#/r/tea", none)
            .unwrap();
        assert_eq!(linked.servers, ["wss://a.example/ws"]);
        let alone = Direct {
            no_server: true,
            ..Direct::default()
        };
        let known = ["https://b.example".to_owned()];
        for text in ["https://a.example/#/r/tea", "tea"] {
            assert!(alone.destination(text, &known).unwrap().servers.is_empty(), "{text}");
        }
    }

    #[tokio::test]
    async fn of_the_bootnodes_each_counts_once_and_there_is_a_bound() {
        let twice = direct(&["a.example:1", "A.example:1", "b.example:1"]);
        assert_eq!(
            twice.servers(None).await.unwrap(),
            ["ws://a.example:1/ws", "ws://b.example:1/ws"]
        );
        let many: Vec<_> = (1..=BOOTNODES_MAX + 1)
            .map(|port| format!("a.example:{port}"))
            .collect();
        let many = direct(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(many.servers(None).await, Err(LinkError::Bootnodes));
    }
}
