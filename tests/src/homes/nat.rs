//! The kinds of network address translation, as rules of `nft`.

/// What a router does with the packets of the home behind it. The names are those of RFC 3489, section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nat {
    /// Every host has one port outside for one port of its own. A packet from outside gets in if a packet has gone to its source before. So
    /// do most routers at home.
    PortRestricted,
    /// A host gets another port outside for each address that it sends to.
    Symmetric,
    /// As port-restricted, but no UDP gets through, as in strict offices.
    UdpBlocked,
    /// Every packet from outside gets in to the host that the port belongs to. So do packets of hosts inside that are sent to the
    /// router's address outside: the router is capable of hairpinning.
    FullCone,
}

impl Nat {
    /// The rules of a router with the interfaces `outside` and `inside`.
    ///
    /// There is no NAT for IPv6. The same packets get in.
    ///
    /// A packet that nobody asked for is dropped before it makes an entry for connection tracking. Such an entry would occupy the
    /// port: the next packet of a host inside would get another one, and every NAT would look symmetric.
    pub(super) fn rules(self, address: &str) -> String {
        let masquerade = match self {
            Self::PortRestricted | Self::UdpBlocked | Self::FullCone => "masquerade",
            Self::Symmetric => "masquerade fully-random",
        };
        let udp = match self {
            Self::UdpBlocked => "meta l4proto udp drop",
            Self::PortRestricted | Self::Symmetric | Self::FullCone => "",
        };
        let cone = match self {
            Self::FullCone => full_cone(address),
            Self::PortRestricted | Self::Symmetric | Self::UdpBlocked => String::new(),
        };
        format!(
            r#"
table ip nat {{
  chain postrouting {{
    type nat hook postrouting priority 100
    oifname "outside" {masquerade}
  }}
}}
table inet filter {{
  chain input {{
    type filter hook input priority 0
    iifname "outside" ct state new drop
  }}
  chain forward {{
    type filter hook forward priority 0
    policy drop
    {udp}
    ct state established,related accept
    ct status dnat accept
    iifname "inside*" accept
  }}
}}
{cone}"#
        )
    }
}

/// Remembers whose port it is, which is the same inside and outside unless two hosts draw the same one.
fn full_cone(address: &str) -> String {
    format!(
        r#"
table ip cone {{
  map hosts {{
    type inet_service : ipv4_addr
    flags dynamic
    size 65535
  }}
  chain learn {{
    type filter hook prerouting priority -150
    iifname "inside*" meta l4proto udp add @hosts {{ udp sport : ip saddr }}
  }}
  chain prerouting {{
    type nat hook prerouting priority -100
    ip daddr {address} meta l4proto udp dnat to udp dport map @hosts
  }}
  chain postrouting {{
    type nat hook postrouting priority 90
    ct status dnat oifname "inside*" iifname "inside*" snat to {address}
  }}
}}
"#
    )
}
