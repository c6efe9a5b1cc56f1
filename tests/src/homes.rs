//! Homes behind routers, and a server between: networks for a test, each host in a network namespace of its own.
//!
//! Nothing leaves the lab, and nothing outside of it is changed: every interface is inside a namespace. All networks are bridges in
//! one namespace, the hub. The open net stands for the internet: who is in it has a public address. A home is a network behind a
//! router with NAT. Namespaces need root.

mod namespace;
mod nat;
mod place;
mod relay;

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;

use crate::{
    authority::Authority,
    server::{ADMIN, Server, dist},
};
use relay::{Relay, SECRET};

pub use namespace::{Namespace, existing};
pub use nat::Nat;
pub use place::Place;
pub use relay::Transport;

/// The server's number in the open net, and the numbers of all others begin behind it.
const SERVER: u8 = 10;

/// The number of the router in each network. In the open net nobody has it.
const ROUTER: u8 = 1;

/// Networks and hosts; removed with all that runs in them when dropped.
#[derive(Debug)]
pub struct Lab {
    name: String,
    hub: Namespace,
    made: Vec<Namespace>,
    nets: Vec<Net>,
    cables: usize,
    relay: Option<Relay>,
    /// Who in the open net has IPv6 and knows the way to the networks with IPv6 alone.
    six: Vec<Namespace>,
    /// Those networks, and the router of each in the open net.
    six_nets: Vec<(usize, u8)>,
}

/// A network: a bridge in the hub.
#[derive(Debug)]
struct Net {
    /// The first three numbers of its addresses.
    prefix: String,
    /// The last number of the address that was given away last.
    last: u8,
    versions: Versions,
}

/// The versions of IP in a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Versions {
    Four,
    FourAndSix,
    Six,
}

/// The interface of a host's second way out.
const SECOND: &str = "second";

/// The open net is the first one of a lab.
const OPEN: usize = 0;

/// A network behind a router.
#[derive(Debug, Clone)]
pub struct Home {
    net: usize,
    router: Namespace,
    /// The network that the router is connected to.
    outside: usize,
    /// The address of the router in it.
    address: String,
    nat: Nat,
}

impl Home {
    /// The address that others outside see of it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Lab {
    /// Makes a lab with an open net that nobody is in, and removes labs of processes that have ended.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub fn new() -> Result<Self> {
        static LABS: AtomicUsize = AtomicUsize::new(0);
        namespace::remove_leftovers();
        let name = LABS.fetch_add(1, Ordering::Relaxed).to_string();
        let hub = Namespace::add(&format!("{name}-hub"))?;
        let mut lab = Self {
            name,
            made: vec![hub.clone()],
            hub,
            nets: Vec::new(),
            cables: 0,
            relay: None,
            six: Vec::new(),
            six_nets: Vec::new(),
        };
        lab.net("203.0.113".to_owned(), SERVER)?;
        Ok(lab)
    }

    /// Starts the server in the open net, as anybody starts it.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn server(&mut self) -> Result<Server> {
        self.server_of(&dist()?, &[]).await
    }

    /// The same with these options.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn server_with(&mut self, options: &[&str]) -> Result<Server> {
        self.server_of(&dist()?, options).await
    }

    /// The same with the files in `web_root`.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn server_of(&mut self, web_root: &Path, options: &[&str]) -> Result<Server> {
        let (host, address) = self.server_host()?;
        Server::start_at(Place::Inside(host), &format!("{address}:8080"), web_root, options, None).await
    }

    /// Starts a TURN server in the open net, and beside it the server, which names it to browsers in one way.
    ///
    /// # Errors
    /// If one of them does not start.
    pub async fn server_with_relay(&mut self, transport: Transport) -> Result<Server> {
        self.server_beside_relay(transport, SECRET, None).await
    }

    /// The same, but the TURN server has another secret, and so refuses everybody.
    ///
    /// # Errors
    /// If one of them does not start.
    pub async fn server_with_refusing_relay(&mut self, transport: Transport) -> Result<Server> {
        self.server_beside_relay(transport, "another wind", None).await
    }

    /// The same with a TURN server that is reached by TLS alone and is certified by this authority, which the server trusts, too.
    ///
    /// # Errors
    /// If one of them does not start.
    pub async fn server_with_certified_relay(&mut self, authority: &Authority) -> Result<Server> {
        self.server_beside_relay(Transport::Tls, SECRET, Some(authority)).await
    }

    async fn server_beside_relay(
        &mut self,
        transport: Transport,
        relays_secret: &str,
        authority: Option<&Authority>,
    ) -> Result<Server> {
        let (host, address) = self.server_host()?;
        if authority.is_some() {
            for namespace in &self.made {
                namespace.name_host(relay::NAME, &address)?;
            }
        }
        let relay = self
            .relay
            .insert(Relay::start(host.clone(), &address, relays_secret, authority).await?);
        let (url, secret) = (relay.url(transport), relay.secret_file());
        let secret = secret.to_string_lossy();
        let arguments = ["--turn", &url, "--turn-secret-file", &secret, "--admin-listen", ADMIN];
        let listen = format!("{address}:8080");
        Server::start_at(Place::Inside(host), &listen, &dist()?, &arguments, authority).await
    }

    /// The host with the server's number in the open net, and its address.
    fn server_host(&mut self) -> Result<(Namespace, String)> {
        let host = self.namespace("server")?;
        let address = self.nets[OPEN].address(SERVER);
        self.plug(&host, "outside", OPEN, &address)?;
        host.ip(&format!("route add default via {}", self.nets[OPEN].address(ROUTER)))?;
        Ok((host, address))
    }

    /// A host with a public address.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open_host(&mut self) -> Result<Namespace> {
        self.host_in(OPEN)
    }

    /// A host in each of two homes with such NATs.
    ///
    /// # Errors
    /// If one cannot be made.
    pub fn two_homes(&mut self, nat: Nat) -> Result<[Namespace; 2]> {
        let (here, there) = (self.home(nat)?, self.home(nat)?);
        Ok([self.host(&here)?, self.host(&there)?])
    }

    /// A home behind a router that is in the open net.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn home(&mut self, nat: Nat) -> Result<Home> {
        self.behind(OPEN, nat)
    }

    /// The same with public addresses of IPv6, too. The way from one such home to another one leads nowhere.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn dual_stack_home(&mut self, nat: Nat) -> Result<Home> {
        let home = self.home(nat)?;
        let net = home.net;
        home.router
            .inside(|| fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1"))??;
        let router = address_six(net, ROUTER);
        home.router.ip(&format!("addr add {router}/64 dev inside{net} nodad"))?;
        self.nets[net].versions = Versions::FourAndSix;
        Ok(home)
    }

    /// A home with IPv6 alone, without NAT. Its router lets in what was asked for, and knows the way to others of the kind.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn ipv6_home(&mut self) -> Result<Home> {
        let home = self.dual_stack_home(Nat::PortRestricted)?;
        let number = self.nets[OPEN].last;
        self.nets[home.net].versions = Versions::Six;
        self.join_six(&home.router, number)?;
        self.six_nets.push((home.net, number));
        let router = address_six(OPEN, number);
        for namespace in self.six.iter().filter(|namespace| **namespace != home.router) {
            namespace.ip(&format!("route add {} via {router}", network_six(home.net)))?;
        }
        Ok(home)
    }

    /// Starts the server in the open net for both versions of IP; gives the address of its start page by IPv6.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn dual_stack_server(&mut self) -> Result<(Server, String)> {
        let (host, _) = self.server_host()?;
        self.join_six(&host, SERVER)?;
        let server = Server::start_at(Place::Inside(host), "[::]:8080", &dist()?, &[], None).await?;
        Ok((server, format!("http://[{}]:8080/", address_six(OPEN, SERVER))))
    }

    /// Gives somebody in the open net an address of IPv6.
    fn join_six(&mut self, namespace: &Namespace, number: u8) -> Result<()> {
        let address = address_six(OPEN, number);
        namespace.ip(&format!("addr add {address}/64 dev outside nodad"))?;
        for (net, router) in &self.six_nets {
            let router = address_six(OPEN, *router);
            namespace.ip(&format!("route add {} via {router}", network_six(*net)))?;
        }
        self.six.push(namespace.clone());
        Ok(())
    }

    /// A home behind a router that is itself in another home, as where the provider has NAT, too.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn home_within(&mut self, carrier: &Home, nat: Nat) -> Result<Home> {
        self.behind(carrier.net, nat)
    }

    /// A second network behind the same router. Its hosts and those of the first one do not see each other but through the router.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn beside(&mut self, home: &Home) -> Result<Home> {
        let net = self.inside_net(&home.router)?;
        Ok(Home { net, ..home.clone() })
    }

    /// A host in a home.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn host(&mut self, home: &Home) -> Result<Namespace> {
        self.host_in(home.net)
    }

    /// Gives a host of the `first` home a second way out, through another one, which it prefers from now on: as a VPN does, or a cable beside Wi-Fi.
    ///
    /// # Errors
    /// If it cannot be changed.
    pub fn second_way(&mut self, host: &Namespace, first: &Home, second: &Home) -> Result<()> {
        let address = self.nets[second.net].take();
        self.plug(host, SECOND, second.net, &address)?;
        let [first, second] = [first, second].map(|home| self.nets[home.net].address(ROUTER));
        host.ip(&format!("route add default via {first} metric 100"))?;
        host.ip(&format!("route add default via {second} metric 10"))?;
        host.ip("route del default metric 0").map(drop)
    }

    /// The second way out is gone, and with it the interface: the VPN ended, the cable was pulled.
    ///
    /// # Errors
    /// If it cannot be changed.
    pub fn end_second_way(&self, host: &Namespace) -> Result<()> {
        host.ip(&format!("link del {SECOND}")).map(drop)
    }

    /// What the addresses within a home begin with.
    #[must_use]
    pub fn prefix(&self, home: &Home) -> &str {
        &self.nets[home.net].prefix
    }

    /// Gives the router of a home another address outside, as providers do at night. Nothing that was known of the old one is kept.
    ///
    /// # Errors
    /// If it cannot be changed.
    pub fn move_router(&mut self, home: &mut Home) -> Result<()> {
        let next = self.nets[home.outside].take();
        home.router.ip(&format!("addr del {}/24 dev outside", home.address))?;
        home.router.ip(&format!("addr add {next}/24 dev outside"))?;
        if home.outside != OPEN {
            let gateway = self.nets[home.outside].address(ROUTER);
            home.router.ip(&format!("route replace default via {gateway}"))?;
        }
        home.router.rule(&home.nat.rules(&next))?;
        home.address = next;
        Ok(())
    }

    fn behind(&mut self, outside: usize, nat: Nat) -> Result<Home> {
        let router = self.namespace(&format!("router{}", self.made.len()))?;
        let address = self.nets[outside].take();
        self.plug(&router, "outside", outside, &address)?;
        if outside != OPEN {
            let gateway = self.nets[outside].address(ROUTER);
            router.ip(&format!("route add default via {gateway}"))?;
        }
        router.rule(&nat.rules(&address))?;
        router.inside(|| fs::write("/proc/sys/net/ipv4/ip_forward", "1"))??;
        let net = self.inside_net(&router)?;
        Ok(Home {
            net,
            router,
            outside,
            address,
            nat,
        })
    }

    /// A new network with `router` in it.
    fn inside_net(&mut self, router: &Namespace) -> Result<usize> {
        let number = self.nets.len();
        let net = self.net(format!("10.{number}.0"), ROUTER)?;
        let address = self.nets[net].address(ROUTER);
        self.plug(router, &format!("inside{number}"), net, &address)?;
        Ok(net)
    }

    fn host_in(&mut self, net: usize) -> Result<Namespace> {
        let host = self.namespace(&format!("host{}", self.made.len()))?;
        let address = self.nets[net].take();
        self.plug(&host, "outside", net, &address)?;
        let Net { last, versions, .. } = self.nets[net];
        if versions == Versions::Six {
            host.ip("-4 addr flush dev outside")?;
        } else {
            host.ip(&format!("route add default via {}", self.nets[net].address(ROUTER)))?;
        }
        if versions != Versions::Four {
            host.ip(&format!("addr add {}/64 dev outside nodad", address_six(net, last)))?;
            host.ip(&format!("route add default via {}", address_six(net, ROUTER)))?;
        }
        Ok(host)
    }

    fn namespace(&mut self, role: &str) -> Result<Namespace> {
        let namespace = Namespace::add(&format!("{}-{role}", self.name))?;
        self.made.push(namespace.clone());
        Ok(namespace)
    }

    fn net(&mut self, prefix: String, last: u8) -> Result<usize> {
        let number = self.nets.len();
        self.hub.ip(&format!("link add net{number} type bridge"))?;
        self.hub.ip(&format!("link set net{number} up"))?;
        self.nets.push(Net {
            prefix,
            last,
            versions: Versions::Four,
        });
        Ok(number)
    }

    /// Connects a namespace with a network by a cable.
    fn plug(&mut self, namespace: &Namespace, interface: &str, net: usize, address: &str) -> Result<()> {
        let (hub, port) = (&self.hub, format!("port{}", self.cables));
        namespace.ip(&format!("link add {interface} type veth peer name {port} netns {hub}"))?;
        hub.ip(&format!("link set {port} master net{net} up"))?;
        namespace.ip(&format!("addr add {address}/24 dev {interface}"))?;
        namespace.ip(&format!("link set {interface} up"))?;
        self.cables += 1;
        Ok(())
    }
}

/// The addresses of IPv6 in the network of this number.
fn network_six(net: usize) -> String {
    format!("2001:db8:{net}::/64")
}

/// An address of IPv6 in the network of this number.
fn address_six(net: usize, number: u8) -> String {
    format!("2001:db8:{net}::{number}")
}

impl Net {
    fn address(&self, number: u8) -> String {
        format!("{}.{number}", self.prefix)
    }

    /// An address that nobody has had.
    fn take(&mut self) -> String {
        self.last += 1;
        self.address(self.last)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for namespace in self.made.iter().rev() {
            // A later run removes what is left.
            let _ = namespace.remove();
        }
    }
}
