//! What "Check connection" found out, in words.

use mesh::{io::TransportPolicy, model::Obstacle};

use crate::{
    check::{Check, OwnAddresses},
    standing::{ServerStanding, Standing},
};

/// While it is being found out.
pub const CHECKING: &str = "Checking… This takes up to five seconds.";

/// What it comes to, and what would help.
#[must_use]
pub fn verdict(check: &Check, standing: &Standing) -> &'static str {
    let ways = &check.ways;
    if !check.made {
        return "This browser makes no connection. Reload the page. If that does not help, an extension or a setting may have \
                switched WebRTC off.";
    }
    if check.transport_policy == TransportPolicy::Relay {
        return match (check.relay_asked, ways.is_relayed()) {
            (true, true) => {
                "All is well: others reach you through the server's relay (TURN), and none of them learns your address."
            }
            (true, false) => {
                "You are reached only through the server's relay (TURN), and the relay does not answer: you reach nobody. Whoever \
                 runs the server has to look at it. Until then, choose “Directly” below."
            }
            (false, _) => {
                "You are reached only through a relay, and no server names one: you reach nobody. Choose “Directly” below, or ask \
                 whoever runs the server for a relay (TURN, option --turn)."
            }
        };
    }
    match (check.asked, ways.is_public()) {
        (false, _) if standing.server != ServerStanding::Registered => {
            "You are not connected to a server, so nothing tells your public address. You reach people in your own network only."
        }
        (false, _) => {
            "This server connects people within one network only. If its address here is localhost, open it by its address in \
             your network. Otherwise, whoever runs it can change that with its option --stun."
        }
        (true, false) if ways.is_inside() => {
            "This server is in your own network and connects people there only: it cannot see your public address."
        }
        (true, false) => {
            "Your network lets no direct connection out, or the server's UDP port is closed. Try another network, such as \
             a phone's hotspot."
        }
        (true, true) if ways.mapped() == [false; 2] && !check.stun_asked => {
            "The server's relay (TURN) connects you. Whether others can connect to you directly is not known: the server has no STUN."
        }
        (true, true) if ways.is_relayed() && (ways.varies() || ways.mapped() == [false; 2]) => {
            "Your network lets hardly any direct connection in or out. The server's relay (TURN) connects you all the same."
        }
        (true, true) if ways.varies() => {
            "Your router lets hardly any direct connection in (symmetric NAT). You meet those whose network is open, and \
             everybody else through them."
        }
        (true, true) if check.compared => "All is well: others can connect to you directly.",
        (true, true) => "Others can most likely connect to you directly.",
    }
}

/// What it comes from, a line each. No addresses.
#[must_use]
pub fn details(check: &Check, standing: &Standing) -> String {
    let found = |found| match (check.made, found) {
        (false, _) => "unknown",
        (true, true) => "found",
        (true, false) => "none",
    };
    let [v4, v6] = check.ways.mapped();
    let server = match standing.server {
        ServerStanding::Registered => "connected",
        ServerStanding::Looking => "connecting",
        ServerStanding::Lost | ServerStanding::Stopped | ServerStanding::RoomClosed | ServerStanding::Left => {
            "not connected"
        }
    };
    let router = match (v4 || v6, check.ways.varies()) {
        (_, true) => "another port for each destination",
        (true, false) if check.compared => "one port for all",
        (_, false) => "unknown",
    };
    let mut relay = String::new();
    for (by, works) in ["UDP", "TCP", "TLS"].into_iter().zip(check.relays) {
        let Some(works) = works else { continue };
        let separator = if relay.is_empty() { "" } else { "; " };
        let works = if works { "works" } else { "does not answer" };
        for part in [separator, "by ", by, " ", works] {
            relay.push_str(part);
        }
    }
    if relay.is_empty() {
        relay.push_str(if check.relay_asked { "unknown" } else { "none offered" });
    }
    let own = match check.own {
        OwnAddresses::Hidden => "hidden by the browser",
        OwnAddresses::Shown => "shown to members",
        OwnAddresses::Unknown => "unknown",
    };
    format!(
        "Server: {server}\nPublic address by IPv4: {}\nPublic address by IPv6: {}\nRouter: {router}\nRelay (TURN): {relay}\nAddresses of this device: {own}",
        found(v4),
        found(v6),
    )
}

/// Why no way to `who` is found, and what would help, in words that everybody knows: [`technical`] has the others.
#[must_use]
pub fn out_of_reach(who: &str, obstacle: Obstacle) -> String {
    let (why, next) = match obstacle {
        Obstacle::NoAnswer => (
            "their page does not answer",
            "It may be asleep, or their network gone: ask them to open it.",
        ),
        Obstacle::NoStun => (
            "no server knows a way between your networks",
            "“Check connection” in the menu tells more.",
        ),
        Obstacle::StunSilent => (
            "the server cannot see where either of you is",
            "Whoever runs it has to look at its firewall.",
        ),
        Obstacle::OwnNetwork => (
            "your network lets no direct connection out",
            "Try another one, such as a phone's hotspot.",
        ),
        Obstacle::TheirNetwork => (
            "their network lets no direct connection out",
            "Ask them to try another one, such as a phone's hotspot.",
        ),
        Obstacle::OwnNat => ("your router lets no direct connection in", MEET),
        Obstacle::TheirNat => ("their router lets no direct connection in", MEET),
        Obstacle::BothNats => ("neither router lets a direct connection in", MEET),
        Obstacle::RelaySilent => (
            "the relay that should connect you does not answer",
            "Whoever runs the server has to look at it.",
        ),
        Obstacle::OwnPolicy => (
            "you chose to be reached only through a relay, and this server has none",
            "Change that under “Check connection” in the menu, or ask whoever runs the server for a relay.",
        ),
        Obstacle::TheirPolicy => (
            "they chose to be reached only through a relay, and none works for them",
            "They can change that under “Check connection” in their menu.",
        ),
        Obstacle::Firewall => ("a firewall or router stands between you", MEET),
    };
    format!("{who} can't be reached: {why}. {next}")
}

/// What helps two whose networks are in the way of each other.
const MEET: &str = "Anyone who comes in and reaches you both connects you. Or one of you tries another network, such as a phone's hotspot.";

/// What stands in the way of somebody, in a technician's words, to be added to [`out_of_reach`].
#[must_use]
pub fn technical(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::NoAnswer | Obstacle::Firewall => "",
        Obstacle::NoStun => " (no STUN: the server's option --stun)",
        Obstacle::StunSilent => " (STUN does not answer: the server's UDP ports)",
        Obstacle::OwnNetwork | Obstacle::TheirNetwork => " (UDP is blocked)",
        Obstacle::OwnNat | Obstacle::TheirNat | Obstacle::BothNats => {
            " (symmetric NAT; a TURN server would help: the server's option --turn)"
        }
        Obstacle::OwnPolicy | Obstacle::TheirPolicy => " (a TURN server: the server's option --turn)",
        Obstacle::RelaySilent => " (TURN: the server's option --turn, its secret, or the TURN server's ports)",
    }
}

#[cfg(test)]
mod tests {
    use mesh::io::Candidate;
    use shared::signal::IceServer;

    use super::*;
    use crate::standing::{MeshStanding, Tone};

    /// By a connection that asked so many STUN servers, and perhaps a TURN server.
    fn check(stun: usize, turn: bool, lines: &[&str]) -> Check {
        let server = |url: &str, login: Option<&str>| IceServer {
            urls: vec![url.to_owned()],
            username: login.map(str::to_owned),
            credential: login.map(str::to_owned),
        };
        let mut servers = vec![server("stun:example.org", None); stun];
        servers.extend(turn.then(|| server("turn:example.org", Some("x"))));
        let found = lines.iter().map(|line| Candidate {
            line: (*line).to_owned(),
            mid: None,
        });
        Check::of(
            &servers,
            TransportPolicy::All,
            Some(&found.chain([Candidate::end()]).collect::<Vec<_>>()),
            NO_RELAYS,
        )
    }

    const NO_RELAYS: [Option<&[Candidate]>; 3] = [None; 3];

    fn standing(server: ServerStanding) -> Standing {
        Standing {
            tone: Tone::Good,
            mesh: MeshStanding::Alone,
            blocked: None,
            reach: None,
            server,
            retry_at: None,
        }
    }

    const HOST: &str = "candidate:1 1 udp 9 b7f29a62-3c2e-4bd8-9ac3-1d5e8a0f7c11.local 9 typ host";
    const V4: &str = "candidate:2 1 udp 9 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0";
    const V4_ANEW: &str = "candidate:2 1 udp 9 203.0.113.7 61001 typ srflx raddr 0.0.0.0 rport 0";
    const V6: &str = "candidate:3 1 udp 9 2001:db8::7 61001 typ srflx raddr :: rport 0";
    const INSIDE: &str = "candidate:4 1 udp 9 192.168.1.20 61001 typ srflx raddr 0.0.0.0 rport 0";
    const RELAYED: &str = "candidate:5 1 udp 9 198.51.100.4 3478 typ relay raddr 203.0.113.7 rport 9";

    #[test]
    fn each_network_has_its_verdict() {
        let registered = standing(ServerStanding::Registered);
        for (check, verdict_begins) in [
            (
                Check::of(&[], TransportPolicy::All, Some(&[]), NO_RELAYS),
                "This server connects people within",
            ),
            (Check::of(&[], TransportPolicy::All, None, NO_RELAYS), "This browser"),
            (check(2, false, &[HOST]), "Your network"),
            (check(2, false, &[HOST, INSIDE]), "This server is in your own"),
            (check(2, false, &[HOST, V4, V6]), "All is well"),
            (check(1, false, &[HOST, V4, V6]), "Others can most likely"),
            (check(2, false, &[HOST, V4, V4_ANEW]), "Your router"),
            (check(2, true, &[HOST, V4, V6, RELAYED]), "All is well"),
            (
                check(2, true, &[HOST, V4, V4_ANEW, RELAYED]),
                "Your network lets hardly",
            ),
            (check(2, true, &[HOST, RELAYED]), "Your network lets hardly"),
            (
                check(0, true, &[HOST, RELAYED]),
                "The server's relay (TURN) connects you",
            ),
        ] {
            assert!(verdict(&check, &registered).starts_with(verdict_begins), "{check:?}");
        }
        let lost = standing(ServerStanding::Lost);
        let asked_nobody = Check::of(&[], TransportPolicy::All, Some(&[]), NO_RELAYS);
        assert!(verdict(&asked_nobody, &lost).starts_with("You are not connected to a server"));
    }

    #[test]
    fn whoever_is_reached_through_a_relay_only_is_told_whether_it_works() {
        let registered = standing(ServerStanding::Registered);
        let verdict = |turn, lines: &[&str]| {
            let transport_policy = TransportPolicy::Relay;
            let check = Check {
                transport_policy,
                ..check(2, turn, lines)
            };
            verdict(&check, &registered)
        };
        assert!(verdict(true, &[RELAYED]).contains("none of them learns your address"));
        assert!(verdict(true, &[]).contains("the relay does not answer"));
        assert!(verdict(false, &[]).contains("no server names one"));
    }

    #[test]
    fn details_say_what_was_tried_and_no_address() {
        let standing = standing(ServerStanding::Registered);
        let relays = [Some(false), None, Some(true)];
        let check_of_relays = Check {
            relays,
            ..check(2, true, &[HOST, V4, V4_ANEW])
        };
        assert_eq!(
            details(&check_of_relays, &standing),
            "Server: connected\nPublic address by IPv4: found\nPublic address by IPv6: none\n\
             Router: another port for each destination\nRelay (TURN): by UDP does not answer; by TLS works\n\
             Addresses of this device: hidden by the browser"
        );
        let nothing = details(&check(0, false, &[]), &standing);
        assert!(
            nothing.contains("IPv4: none") && nothing.contains("Router: unknown") && nothing.contains("none offered")
        );
    }

    #[test]
    fn a_router_has_one_port_for_all_only_if_two_have_seen_it() {
        let standing = standing(ServerStanding::Registered);
        let router = |check: &Check| details(check, &standing).contains("Router: one port for all");
        assert!(router(&check(2, false, &[V4])));
        assert!(!router(&check(1, false, &[V4])));
        let waiting = check(2, false, &[V4]);
        assert!(
            !router(&Check {
                compared: false,
                ..waiting
            }),
            "one of the two did not answer yet"
        );
    }

    #[test]
    fn of_a_connection_that_was_not_made_nothing_is_known() {
        let servers = [IceServer {
            urls: vec!["turn:example.org".to_owned()],
            username: None,
            credential: None,
        }];
        let nothing = details(
            &Check::of(&servers, TransportPolicy::All, None, NO_RELAYS),
            &standing(ServerStanding::Registered),
        );
        assert_eq!(nothing.matches(": unknown").count(), 5, "{nothing}");
    }

    #[test]
    fn own_addresses_are_hidden_shown_or_unknown() {
        let own = |lines: &[&str]| check(0, false, lines).own;
        assert_eq!(own(&[HOST]), OwnAddresses::Hidden);
        assert_eq!(
            own(&["candidate:1 1 udp 9 192.168.1.20 9 typ host"]),
            OwnAddresses::Shown
        );
        assert_eq!(own(&[V4]), OwnAddresses::Unknown);
    }
}
