//! One UDP socket for each address of this machine, shared by all connections.

use std::{
    cell::Cell,
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdSocket},
    rc::Rc,
};

use rustix::net::sockopt;
use str0m::{Candidate, net::Transmit};
use tokio::net::UdpSocket;

use super::connection::Sink;
use crate::{
    config::{ADDRESSES_MAX, SOCKET_BUFFER_BYTES},
    task::Task,
};

/// Whether loopback is a way to peers. Peers take such candidates only if they have one themselves, so they are of use where the server is
/// on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loopback {
    /// It is not offered.
    Hidden,
    /// It is offered beside the others.
    Offered,
}

/// How many bytes of datagrams went over the sockets of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Handed to the system.
    pub sent: u64,
    /// Taken from it, whoever sent them.
    pub received: u64,
}

/// The sockets.
#[derive(Debug)]
pub(super) struct Sockets {
    loopback: Loopback,
    traffic: Rc<Cell<Traffic>>,
    by_address: BTreeMap<IpAddr, Bound>,
}

#[derive(Debug)]
struct Bound {
    socket: Rc<UdpSocket>,
    address: SocketAddr,
    _reader: Task,
}

impl Sockets {
    pub(super) fn new(loopback: Loopback) -> Self {
        Self {
            loopback,
            traffic: Rc::default(),
            by_address: BTreeMap::new(),
        }
    }

    /// What goes over them, also later.
    pub(super) fn traffic(&self) -> Rc<Cell<Traffic>> {
        Rc::clone(&self.traffic)
    }

    /// A datagram of so many bytes came.
    pub(super) fn note_received(&self, bytes: usize) {
        let mut traffic = self.traffic.get();
        traffic.received += bytes as u64;
        self.traffic.set(traffic);
    }

    /// Looks which addresses there are now: binds a socket to each that is new, with a task to read it, and gives up those of addresses that are gone.
    pub(super) fn refresh(&mut self, read: impl Fn(Rc<UdpSocket>, SocketAddr) -> Task) {
        let addresses = match addresses(self.loopback) {
            Ok(addresses) => addresses,
            Err(error) => {
                tracing::warn!(%error, "the addresses of this machine cannot be listed");
                return;
            }
        };
        self.by_address.retain(|address, _| addresses.contains(address));
        for ip in addresses {
            if self.by_address.contains_key(&ip) {
                continue;
            }
            match bind(ip) {
                Ok((socket, address)) => {
                    let socket = Rc::new(socket);
                    let _reader = read(Rc::clone(&socket), address);
                    let bound = Bound {
                        socket,
                        address,
                        _reader,
                    };
                    self.by_address.insert(ip, bound);
                }
                Err(error) => tracing::debug!(%ip, %error, "no socket can be bound to an address"),
            }
        }
    }

    /// A candidate for each socket.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let host = |bound: &Bound| Candidate::host(bound.address, "udp").ok();
        self.by_address.values().filter_map(host).collect()
    }

    /// The addresses of the sockets.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.by_address.values().map(|bound| bound.address).collect()
    }

    /// The addresses from which the local networks are reached.
    pub(super) fn local_networks(&self) -> Vec<Ipv4Addr> {
        let v4 = |ip: &IpAddr| match ip {
            IpAddr::V4(ip) => Some(*ip),
            IpAddr::V6(_) => None,
        };
        self.by_address.keys().filter_map(v4).collect()
    }

    /// Sends from one of the sockets.
    pub(super) fn send_from(&self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        let Some(bound) = self.by_address.get(&source.ip()) else {
            return;
        };
        match bound.socket.try_send_to(bytes, destination) {
            Ok(sent) => {
                let mut traffic = self.traffic.get();
                traffic.sent += sent as u64;
                self.traffic.set(traffic);
            }
            Err(error) => tracing::trace!(%error, %destination, "a datagram was not sent"),
        }
    }
}

impl Sink for Sockets {
    fn send(&self, datagram: &Transmit) {
        self.send_from(datagram.source, datagram.destination, &datagram.contents);
    }
}

/// The addresses of this machine that lead to others, or to itself if `loopback` says so.
fn addresses(loopback: Loopback) -> io::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for interface in if_addrs::get_if_addrs()? {
        let ip = interface.ip();
        // Link-local ones need a scope, which candidates do not have.
        let leads_somewhere = !ip.is_loopback() && !interface.is_link_local() && !ip.is_unspecified();
        if leads_somewhere && !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    addresses.truncate(ADDRESSES_MAX);
    if loopback == Loopback::Offered {
        addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    }
    Ok(addresses)
}

fn bind(ip: IpAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let socket = StdSocket::bind((ip, 0))?;
    socket.set_nonblocking(true)?;
    // Less than asked for, or none at all, only makes files slower.
    let _ = sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    let _ = sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    let socket = UdpSocket::from_std(socket)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}
