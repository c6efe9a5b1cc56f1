//! The UDP ports on which STUN is answered, and what welcomes say of them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use thiserror::Error;

use super::socket::Socket;
use crate::config::{StunAnnouncement, StunPorts, TrustedProxies};

/// A port that the operator named cannot be had: another program has it, or the system does not let us. Free it, or name another.
#[derive(Debug, Error)]
#[error("cannot answer STUN on UDP {address}; is another server running there? --stun takes another port, or off")]
pub struct BindStunError {
    address: SocketAddr,
    source: io::Error,
}

/// Bound sockets, at most two, that nobody reads yet. See [`serve`](super::serve).
#[derive(Debug)]
pub struct StunSockets {
    sockets: Vec<Socket>,
    ip: IpAddr,
    ports: Vec<u16>,
    /// As the operator named it.
    host: Option<String>,
}

impl StunSockets {
    /// Binds what `stun` asks for, on the IP address of `listener`, the bound address of the HTTP listener. If `stun` names a host and the
    /// listener is for this machine only, as behind a proxy, then on all addresses: a browser asks this machine directly.
    ///
    /// # Errors
    /// [`BindStunError`] for a port that `stun` names. A port of [`StunPorts::OfListener`] that cannot be had is logged, and there are fewer sockets.
    pub async fn bind(listener: SocketAddr, stun: StunPorts) -> Result<Self, BindStunError> {
        match stun {
            StunPorts::Off => Ok(Self::none(listener.ip(), None)),
            StunPorts::OfListener => Ok(Self::of_listener(listener).await),
            StunPorts::At { host, port } => {
                let mut this = Self::none(listener.ip(), host);
                if this.host.is_some() && this.is_for_this_machine() {
                    this.ip = Ipv6Addr::UNSPECIFIED.into();
                }
                this.add(port).await?;
                this.add(port.saturating_add(1)).await?;
                Ok(this)
            }
        }
    }

    /// How many ports there are, at most two.
    #[must_use]
    pub const fn ports(&self) -> &[u16] {
        self.ports.as_slice()
    }

    /// What welcomes are to say, if clients behind these proxies can reach the ports: without a host that the operator named,
    /// nobody knows what the host behind a proxy is, and ports for this machine only are of no use to others.
    #[must_use]
    pub fn announcement(&self, proxies: &TrustedProxies) -> Option<StunAnnouncement> {
        let is_reached = match proxies {
            TrustedProxies::Absent => !self.is_for_this_machine(),
            TrustedProxies::Hops(_) | TrustedProxies::Networks(_) => false,
        };
        (!self.ports.is_empty() && (self.host.is_some() || is_reached)).then(|| StunAnnouncement {
            host: self.host.clone(),
            ports: self.ports.clone(),
        })
    }

    pub(super) fn into_sockets(self) -> Vec<Socket> {
        self.sockets
    }

    const fn none(ip: IpAddr, host: Option<String>) -> Self {
        Self {
            sockets: Vec::new(),
            ip,
            ports: Vec::new(),
            host,
        }
    }

    async fn of_listener(listener: SocketAddr) -> Self {
        let mut this = Self::none(listener.ip(), None);
        if let Err(BindStunError { address, source }) = this.add(listener.port()).await {
            tracing::warn!(
                %address,
                error = %source,
                "cannot answer STUN: free this UDP port, or choose one with --stun. Without STUN, pages learn no public address from this server, \
                 and peers behind different NATs do not meet"
            );
            return this;
        }
        let Some(next) = listener.port().checked_add(1) else {
            return this;
        };
        if let Err(BindStunError { address, source }) = this.add(next).await {
            tracing::info!(%address, error = %source, "answering STUN on one port only; pages cannot tell the kind of their NAT");
        }
        this
    }

    async fn add(&mut self, port: u16) -> Result<(), BindStunError> {
        let mut bound = Socket::bind(SocketAddr::new(self.ip, port)).await;
        // A system without IPv6 has all its addresses here. A port that is taken is taken there, too.
        if let Err(error) = &bound
            && self.ip == Ipv6Addr::UNSPECIFIED
            && error.kind() != io::ErrorKind::AddrInUse
        {
            self.ip = Ipv4Addr::UNSPECIFIED.into();
            bound = Socket::bind(SocketAddr::new(self.ip, port)).await;
        }
        let address = SocketAddr::new(self.ip, port);
        self.sockets
            .push(bound.map_err(|source| BindStunError { address, source })?);
        self.ports.push(port);
        Ok(())
    }

    fn is_for_this_machine(&self) -> bool {
        self.ip.to_canonical().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(ip: [u8; 4], host: Option<&str>, ports: &[u16]) -> StunSockets {
        StunSockets {
            ports: ports.to_vec(),
            ..StunSockets::none(ip.into(), host.map(str::to_owned))
        }
    }

    #[test]
    fn ports_are_announced_where_clients_can_reach_them() {
        let (absent, one) = (TrustedProxies::Absent, "1".parse().unwrap());
        let (everywhere, here) = ([0, 0, 0, 0], [127, 0, 0, 1]);
        let named = Some("stun.example");
        let two: &[u16] = &[3478, 3479];
        for (ip, host, ports, proxies, announced) in [
            (everywhere, None, two, &absent, true),
            (everywhere, None, &two[..1], &absent, true),
            (everywhere, None, two, &one, false),
            (here, None, two, &absent, false),
            (everywhere, named, two, &absent, true),
            (everywhere, named, two, &one, true),
            (everywhere, named, &[], &absent, false),
            (everywhere, None, &[], &absent, false),
        ] {
            let announcement = announced.then(|| StunAnnouncement {
                host: host.map(str::to_owned),
                ports: ports.to_vec(),
            });
            let case = (ip, host, ports, proxies);
            assert_eq!(bound(ip, host, ports).announcement(proxies), announcement, "{case:?}");
        }
    }
}
