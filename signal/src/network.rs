//! What counts as one client: an IPv4 address, or an IPv6 network.

use std::net::{IpAddr, Ipv6Addr};

use crate::config::{IPV6_NETWORK_BITS, IPV6_SITE_BITS, Rate, SITE_SHARES};

/// The addresses that have one share of the server together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    /// The network that limits are counted for: an IPv4 address alone, or the IPv6 network of 64 bits that one customer gets at least.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self::with_bits(address.to_canonical(), IPV6_NETWORK_BITS)
    }

    /// Stands for a network that another node has not named, but for a code of its site: an address for private use (RFC 4193).
    pub(crate) fn abroad(code: u64) -> Self {
        let [first, second, third, fourth, fifth, ..] = code.to_be_bytes();
        let address = [0xfd, first, second, third, fourth, fifth];
        let mut octets = [0; 16];
        octets[..address.len()].copy_from_slice(&address);
        Self::with_bits(IpAddr::from(octets), IPV6_SITE_BITS)
    }

    fn with_bits(address: IpAddr, bits: u8) -> Self {
        match address {
            IpAddr::V4(_) => Self {
                first: address,
                bits: u8::MAX,
            },
            IpAddr::V6(address) => {
                let host = 128 - u32::from(bits);
                let first = IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> host << host));
                Self { first, bits }
            }
        }
    }

    /// Its first address.
    pub(crate) const fn first(self) -> IpAddr {
        self.first
    }

    /// The network with all that one customer may have: for IPv4 the same, for IPv6 the site of 48 bits around it.
    pub(crate) fn site(self) -> Self {
        Self::with_bits(self.first, IPV6_SITE_BITS)
    }

    /// The network, and its site if that is larger.
    pub(crate) fn levels(self) -> impl Iterator<Item = (Level, Self)> {
        let site = Some(self.site()).filter(|site| *site != self);
        std::iter::once((Level::Network, self)).chain(site.map(|site| (Level::Site, site)))
    }
}

/// Whose share is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// An address, or the smallest network.
    Network,
    /// Many networks of one customer, who has a wider share for all of them.
    Site,
}

impl Level {
    /// What it may have of a thing of which a network may have `max`.
    pub(crate) const fn share(self, max: usize) -> usize {
        match self {
            Self::Network => max,
            Self::Site => max.saturating_mul(SITE_SHARES as usize),
        }
    }

    /// How often it may do what a network may do at `rate`.
    pub(crate) const fn rate(self, rate: Rate) -> Rate {
        match self {
            Self::Network => rate,
            Self::Site => rate.times(SITE_SHARES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(text: &str) -> Network {
        Network::of(address(text))
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one() {
        let one = network("2001:db8:1:2:3:4:5:6");
        assert_eq!(one, network("2001:db8:1:2:ffff::1"));
        assert_eq!(one.first(), address("2001:db8:1:2::"));
        assert_ne!(one, network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn networks_of_one_site_have_it_in_common() {
        let one = network("2001:db8:1:2::1");
        assert_eq!(one.site(), network("2001:db8:1:ffff::1").site());
        assert_ne!(one.site(), network("2001:db8:2:2::1").site());
        // The first network of a site begins with the same address and is another thing.
        let first = network("2001:db8:1::1");
        assert_ne!(first.site(), first);
        assert_eq!(first.levels().count(), 2);
        assert_eq!(network("192.0.2.1").levels().count(), 1);
    }
}
