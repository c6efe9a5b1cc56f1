//! People, and how they stand with us.

use std::time::Duration;

use shared::PeerId;

/// Someone in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub peer: PeerId,
    /// Their chosen name; `None` until their first hello.
    pub name: Option<String>,
    /// How they stand with us.
    pub state: PersonState,
    /// Whether we have a link with them; if not, what we say reaches them through others.
    pub linked: bool,
    /// Round-trip time of the last ping, if linked.
    pub round_trip: Option<Duration>,
    /// Whether they say that they keep the room for others, as an archive.
    pub archive: bool,
}

/// How a person stands with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonState {
    /// A link is being set up for the first time.
    Connecting,
    /// In the room and reachable, by a link of ours or through others.
    Here,
    /// The link is in trouble and being healed.
    Reconnecting,
    /// In the room, and no way to them is found, neither by a link nor through others. Tried on.
    OutOfReach {
        /// What stands in the way.
        obstacle: Obstacle,
    },
    /// Cannot be reached any more. Retried quietly for a while.
    Gone,
    /// Said goodbye.
    Left,
    /// Was here before, on a former visit perhaps, and is not here now.
    Away,
}

/// Why no link with someone comes about, as far as the candidates of both sides tell. NATs are named after RFC 4787.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// They do not answer: their page sleeps, or their network is gone.
    NoAnswer,
    /// No server named a STUN server, or one of us is in a private network with it: who is behind a NAT does not know a way in.
    NoStun,
    /// The STUN server answered neither of us.
    StunSilent,
    /// The STUN server answered them and not us: no UDP gets out of our network.
    OwnNetwork,
    /// The STUN server answered us and not them.
    TheirNetwork,
    /// Our NAT has another port for each destination (address- or port-dependent mapping), and theirs lets in only whom it knows.
    OwnNat,
    /// Their NAT has another port for each destination.
    TheirNat,
    /// Both NATs have.
    BothNats,
    /// The TURN server does not answer us, and there is no other way.
    RelaySilent,
    /// We are reached through a TURN server alone ([`TransportPolicy`](crate::io::TransportPolicy)), and no server names one.
    OwnPolicy,
    /// They show no address at all: they are reached through a TURN server alone, and none works for them.
    TheirPolicy,
    /// Each knows a way in, and nothing gets through.
    Firewall,
}
