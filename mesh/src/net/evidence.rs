//! Why an attempt finds no path: what the candidates of both sides tell of the networks they are in.
//!
//! Each side learns its public address from a STUN server (a server-reflexive candidate, RFC 8445 section 5.1.1). Whoever learns none is
//! where UDP does not get out. Whoever learns one port from one server and another from the next is behind a NAT that maps by
//! destination (RFC 4787 section 4.1, "symmetric" in older texts): the port that others are told is not the one they are met from.
//! Both sides see the candidates of both, so both come to the same conclusion, without a word more on the wire.

use shared::signal::IceServer;

use crate::{
    config::CANDIDATES_MAX,
    io::{Candidate, TransportPolicy},
    model::Obstacle,
    wire::candidate::{Public, public},
};

/// What one side's candidates tell of the ways in to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ways {
    /// Public addresses and ports, as STUN servers saw them.
    mapped: Vec<(String, u16)>,
    /// Whether there is any candidate.
    shown: bool,
    relayed: bool,
    /// Whether a STUN server is in the same private network.
    inside: bool,
}

impl Ways {
    /// What these candidates tell.
    #[must_use]
    pub fn of(candidates: &[Candidate]) -> Self {
        let mut ways = Self::default();
        ways.note(candidates);
        ways
    }

    /// More candidates of this side are known.
    pub(crate) fn note(&mut self, candidates: &[Candidate]) {
        for candidate in candidates {
            self.shown |= !candidate.line.is_empty();
            match public(candidate) {
                Some(Public::Mapped { address, port }) if self.mapped.len() < CANDIDATES_MAX => {
                    self.mapped.push((address.to_owned(), port));
                }
                Some(Public::Relayed) => self.relayed = true,
                Some(Public::Inside) => self.inside = true,
                Some(Public::Mapped { .. }) | None => {}
            }
        }
    }

    /// Whether there is a way in from elsewhere.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.relayed || !self.mapped.is_empty()
    }

    /// Whether a STUN server answered from the same private network, so that it tells no public address.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.inside
    }

    /// Whether a TURN server stands in.
    #[must_use]
    pub fn is_relayed(&self) -> bool {
        self.relayed
    }

    /// Whether STUN servers saw an IPv4 address, and whether an IPv6 address.
    #[must_use]
    pub fn mapped(&self) -> [bool; 2] {
        [false, true].map(|v6| self.mapped.iter().any(|(address, _)| address.contains(':') == v6))
    }

    /// Whether one address was seen with several ports: a NAT that maps by destination.
    #[must_use]
    pub fn varies(&self) -> bool {
        let mut pairs = self.mapped.iter().zip(1..);
        pairs.any(|((address, port), after)| {
            let mut later = self.mapped[after..].iter();
            later.any(|(other, theirs)| other == address && theirs != port)
        })
    }
}

/// What an attempt found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Evidence {
    /// Whether we asked a STUN server.
    pub(crate) asked: bool,
    /// Whether we asked a TURN server.
    pub(crate) relay_asked: bool,
    pub(crate) ours: Ways,
    pub(crate) theirs: Ways,
}

impl Evidence {
    /// Nothing but which servers are asked.
    pub(crate) fn of(ice_servers: &[IceServer]) -> Self {
        Self {
            asked: !ice_servers.is_empty(),
            relay_asked: ice_servers.iter().any(IceServer::is_relay),
            ..Self::default()
        }
    }

    /// Whether we are reached through a relay only, and there is none.
    pub(crate) fn lacks_relay(&self, policy: TransportPolicy) -> bool {
        policy == TransportPolicy::Relay && !self.relay_asked
    }

    /// What stands in the way of two who have agreed on everything, if this is our policy.
    pub(crate) fn obstacle(&self, policy: TransportPolicy) -> Obstacle {
        if self.lacks_relay(policy) {
            return Obstacle::OwnPolicy;
        }
        if policy == TransportPolicy::Relay && !self.ours.relayed {
            return Obstacle::RelaySilent;
        }
        if !self.asked {
            return Obstacle::NoStun;
        }
        // Everybody else shows an address of their own network, if no other.
        if !self.theirs.shown {
            return Obstacle::TheirPolicy;
        }
        match (self.ours.is_public(), self.theirs.is_public()) {
            // Both were seen by it there: it is not what is missing.
            (false, false) if self.ours.inside && self.theirs.inside => Obstacle::Firewall,
            (false, _) if self.ours.inside => Obstacle::NoStun,
            (_, false) if self.theirs.inside => Obstacle::NoStun,
            (false, false) => Obstacle::StunSilent,
            (false, true) => Obstacle::OwnNetwork,
            (true, false) => Obstacle::TheirNetwork,
            // It would have been the way round whatever else there is.
            (true, true) if self.relay_asked && !self.ours.relayed => Obstacle::RelaySilent,
            (true, true) => match (self.ours.varies(), self.theirs.varies()) {
                (false, false) => Obstacle::Firewall,
                (true, false) => Obstacle::OwnNat,
                (false, true) => Obstacle::TheirNat,
                (true, true) => Obstacle::BothNats,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(lines: &[&str]) -> Ways {
        let candidate = |line: &&str| Candidate {
            line: (*line).to_owned(),
            mid: None,
        };
        Ways::of(&lines.iter().map(candidate).collect::<Vec<_>>())
    }

    const ALL: TransportPolicy = TransportPolicy::All;
    const HOST: &str = "candidate:1 1 udp 9 b7f29a62-3c2e-4bd8-9ac3-1d5e8a0f7c11.local 9 typ host";
    const MAPPED: &str = "candidate:2 1 udp 9 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0";
    const INSIDE: &str = "candidate:2 1 udp 9 192.168.1.20 61000 typ srflx raddr 0.0.0.0 rport 0";
    const MAPPED_V6: &str = "candidate:3 1 udp 9 2001:db8::7 61001 typ srflx raddr :: rport 0";
    const MAPPED_ANEW: &str = "candidate:4 1 udp 9 203.0.113.7 61002 typ srflx raddr 0.0.0.0 rport 0";
    const RELAYED: &str = "candidate:5 1 udp 9 198.51.100.4 3478 typ relay raddr 203.0.113.7 rport 9";

    #[test]
    fn each_pair_of_networks_has_its_obstacle() {
        let (none, plain) = (&[HOST][..], &[HOST, MAPPED, MAPPED_V6, MAPPED][..]);
        let inside = &[HOST, INSIDE][..];
        let (varies, relayed) = (&[HOST, MAPPED, MAPPED_V6, MAPPED_ANEW][..], &[HOST, RELAYED][..]);
        for (ours, theirs, obstacle) in [
            (none, none, Obstacle::StunSilent),
            (none, plain, Obstacle::OwnNetwork),
            (none, relayed, Obstacle::OwnNetwork),
            (varies, none, Obstacle::TheirNetwork),
            (plain, plain, Obstacle::Firewall),
            (relayed, plain, Obstacle::Firewall),
            (varies, plain, Obstacle::OwnNat),
            (plain, varies, Obstacle::TheirNat),
            (varies, varies, Obstacle::BothNats),
            (inside, plain, Obstacle::NoStun),
            (plain, inside, Obstacle::NoStun),
            (inside, none, Obstacle::NoStun),
            (inside, inside, Obstacle::Firewall),
        ] {
            let (ours, theirs) = (ways(ours), ways(theirs));
            let asked = Evidence {
                asked: true,
                relay_asked: false,
                ours,
                theirs,
            };
            assert_eq!(asked.obstacle(ALL), obstacle, "{asked:?}");
            assert_eq!(Evidence { asked: false, ..asked }.obstacle(ALL), Obstacle::NoStun);
        }
    }

    #[test]
    fn a_relay_that_was_asked_and_does_not_answer_is_what_stands_in_the_way() {
        let turn = IceServer {
            urls: vec!["turn:example.org".into()],
            username: Some("x".into()),
            credential: Some("x".into()),
        };
        let between = |ours: &[&str], theirs: &[&str]| Evidence {
            ours: ways(ours),
            theirs: ways(theirs),
            ..Evidence::of(std::slice::from_ref(&turn))
        };
        for (ours, obstacle) in [
            (&[MAPPED, MAPPED_ANEW][..], Obstacle::RelaySilent),
            (&[MAPPED, MAPPED_ANEW, RELAYED], Obstacle::OwnNat),
            // No UDP gets out: that says more.
            (&[HOST], Obstacle::OwnNetwork),
        ] {
            assert_eq!(between(ours, &[MAPPED]).obstacle(ALL), obstacle, "{ours:?}");
        }
    }

    #[test]
    fn whoever_is_reached_through_a_relay_only_needs_one_and_both_know() {
        let relay = TransportPolicy::Relay;
        let evidence = |relay_asked, ours: &[&str], theirs: &[&str]| Evidence {
            asked: true,
            relay_asked,
            ours: ways(ours),
            theirs: ways(theirs),
        };
        for (relay_asked, ours, policy, theirs, obstacle) in [
            (false, &[][..], relay, &[MAPPED][..], Obstacle::OwnPolicy),
            (true, &[], relay, &[MAPPED], Obstacle::RelaySilent),
            (true, &[RELAYED], relay, &[MAPPED], Obstacle::Firewall),
            (true, &[RELAYED], relay, &[], Obstacle::TheirPolicy),
            (false, &[MAPPED], ALL, &[], Obstacle::TheirPolicy),
            (false, &[MAPPED], ALL, &[RELAYED], Obstacle::Firewall),
        ] {
            let evidence = evidence(relay_asked, ours, theirs);
            assert_eq!(evidence.obstacle(policy), obstacle, "{evidence:?}");
            assert_eq!(evidence.lacks_relay(policy), obstacle == Obstacle::OwnPolicy);
        }
    }

    #[test]
    fn addresses_are_told_apart_by_their_version() {
        assert_eq!(ways(&[HOST, RELAYED]).mapped(), [false, false]);
        assert_eq!(ways(&[MAPPED]).mapped(), [true, false]);
        assert_eq!(ways(&[MAPPED, MAPPED_V6]).mapped(), [true, true]);
        assert!(ways(&[RELAYED]).is_relayed() && !ways(&[MAPPED]).is_relayed());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let lines: Vec<_> = (1..=100)
            .map(|port| format!("candidate:2 1 udp 9 203.0.113.7 {port} typ srflx"))
            .collect();
        let ways = ways(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(ways.mapped.len(), CANDIDATES_MAX);
    }
}
