//! Proxies in front of this server, whose word on a client's address is taken.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU8,
    str::FromStr,
};

use super::ParseFlagError;

/// Whose entries in `X-Forwarded-For` are believed. An entry that somebody else wrote is whatever a client claims.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TrustedProxies {
    /// There is no proxy: the address of a client is that of its socket.
    #[default]
    Absent,
    /// So many proxies are in front, one behind the other, and nobody reaches the server past them. Each adds an entry at the end.
    Hops(NonZeroU8),
    /// The proxies are in these networks. Whoever comes from elsewhere is no proxy.
    Networks(Vec<Cidr>),
}

impl TrustedProxies {
    /// Whether a connection from this address is a proxy's.
    #[must_use]
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        match self {
            Self::Absent => false,
            Self::Hops(_) => true,
            Self::Networks(networks) => networks.iter().any(|network| network.contains(address)),
        }
    }
}

impl FromStr for TrustedProxies {
    type Err = ParseFlagError;

    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        if let Ok(hops) = text.parse() {
            return Ok(Self::Hops(hops));
        }
        let networks = text.split(',').map(|network| network.trim().parse());
        Ok(Self::Networks(networks.collect::<Result<_, _>>()?))
    }
}

/// Addresses that begin with the same bits, written like `10.0.0.0/8` (RFC 4632).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    bits: u32,
}

impl Cidr {
    /// Whether the address is one of this network. An IPv4 address may be written as one of IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let shift = |width: u32| width - self.bits;
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(shift(Ipv4Addr::BITS))
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(shift(Ipv6Addr::BITS))
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = ParseFlagError;

    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ParseFlagError::Proxies)?;
        let width = if address.is_ipv4() {
            Ipv4Addr::BITS
        } else {
            Ipv6Addr::BITS
        };
        let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| ParseFlagError::Proxies))?;
        (bits <= width)
            .then_some(Self { address, bits })
            .ok_or(ParseFlagError::Proxies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_begins_like_it() {
        for (network, address, contained) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
            ("::/0", "2001:db8::1", true),
        ] {
            let network: Cidr = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                contained,
                "{network:?} {address}"
            );
        }
    }

    #[test]
    fn proxies_are_a_count_or_networks() {
        let parsed = |text: &str| text.parse::<TrustedProxies>();
        assert_eq!(parsed("2"), Ok(TrustedProxies::Hops(NonZeroU8::new(2).unwrap())));
        let Ok(TrustedProxies::Networks(networks)) = parsed("127.0.0.1, fd00::/8") else {
            panic!("two networks")
        };
        assert_eq!(networks.len(), 2);
        for text in ["", "0", "-1", "256", "10.0.0.0/33", "proxy.example", "10.0.0.1,"] {
            assert_eq!(parsed(text), Err(ParseFlagError::Proxies), "{text}");
        }
    }
}
