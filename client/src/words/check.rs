//! What "Check connection" found out, in words.

use crate::{
    check::Check,
    standing::{ServerStanding, Standing},
};

/// While it is being found out.
pub const CHECKING: &str = "Checking… This takes up to five seconds.";

/// What it comes to, and what would help.
#[must_use]
pub fn verdict(check: &Check) -> &'static str {
    match (check.asked, check.ways.is_public(), check.ways.varies()) {
        (false, ..) => {
            "This server connects people within one network only. Whoever runs it can change that with its option --stun."
        }
        (true, false, _) => {
            "Your network lets no direct connection out, or the server's UDP port is closed. Try another network, such as \
             a phone's hotspot."
        }
        (true, true, true) if !check.ways.is_relayed() => {
            "Your router lets hardly any direct connection in (symmetric NAT). You meet those whose network is open, and \
             everybody else through them."
        }
        (true, true, _) => "All is well: others can connect to you directly.",
    }
}

/// What it comes from, a line each. No addresses.
#[must_use]
pub fn details(check: &Check, standing: &Standing) -> String {
    let found = |found| if found { "found" } else { "none" };
    let [v4, v6] = check.ways.mapped();
    let server = match standing.server {
        ServerStanding::Registered => "connected",
        ServerStanding::Looking => "connecting",
        ServerStanding::Lost | ServerStanding::Stopped | ServerStanding::RoomClosed => "not connected",
    };
    let router = match (v4 || v6, check.ways.varies()) {
        (false, _) => "unknown",
        (true, false) => "one port for all",
        (true, true) => "another port for each destination",
    };
    let relay = match (check.relay_asked, check.ways.is_relayed()) {
        (false, _) => "none offered",
        (true, true) => "works",
        (true, false) => "does not answer",
    };
    let own = if check.hidden {
        "hidden by the browser"
    } else {
        "shown to members"
    };
    format!(
        "Server: {server}\nPublic address by IPv4: {}\nPublic address by IPv6: {}\nRouter: {router}\nRelay (TURN): {relay}\nAddresses of this device: {own}",
        found(v4),
        found(v6),
    )
}

#[cfg(test)]
mod tests {
    use mesh::io::Candidate;
    use shared::signal::IceServer;

    use super::*;
    use crate::standing::{MeshStanding, Tone};

    fn check(turn: bool, lines: &[&str]) -> Check {
        let login = turn.then(|| "x".to_owned());
        let scheme = if turn { "turn" } else { "stun" };
        let server = IceServer {
            urls: vec![format!("{scheme}:example.org")],
            username: login.clone(),
            credential: login,
        };
        let found = lines.iter().map(|line| Candidate {
            line: (*line).to_owned(),
            mid: None,
        });
        Check::of(&[server], &found.collect::<Vec<_>>())
    }

    const HOST: &str = "candidate:1 1 udp 9 b7f29a62-3c2e-4bd8-9ac3-1d5e8a0f7c11.local 9 typ host";
    const V4: &str = "candidate:2 1 udp 9 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0";
    const V4_ANEW: &str = "candidate:2 1 udp 9 203.0.113.7 61001 typ srflx raddr 0.0.0.0 rport 0";
    const V6: &str = "candidate:3 1 udp 9 2001:db8::7 61001 typ srflx raddr :: rport 0";
    const RELAYED: &str = "candidate:5 1 udp 9 198.51.100.4 3478 typ relay raddr 203.0.113.7 rport 9";

    #[test]
    fn each_network_has_its_verdict() {
        for (check, verdict_begins) in [
            (Check::of(&[], &[]), "This server"),
            (check(false, &[HOST]), "Your network"),
            (check(false, &[HOST, V4, V6]), "All is well"),
            (check(false, &[HOST, V4, V4_ANEW]), "Your router"),
            (check(true, &[HOST, V4, V4_ANEW, RELAYED]), "All is well"),
            (check(true, &[HOST, RELAYED]), "All is well"),
        ] {
            assert!(verdict(&check).starts_with(verdict_begins), "{check:?}");
        }
    }

    #[test]
    fn details_say_what_was_tried_and_no_address() {
        let standing = Standing {
            tone: Tone::Good,
            mesh: MeshStanding::Alone,
            blocked: None,
            reach: None,
            server: ServerStanding::Registered,
            retry_at: None,
        };
        assert_eq!(
            details(&check(true, &[HOST, V4, V4_ANEW]), &standing),
            "Server: connected\nPublic address by IPv4: found\nPublic address by IPv6: none\n\
             Router: another port for each destination\nRelay (TURN): does not answer\n\
             Addresses of this device: hidden by the browser"
        );
        let nothing = details(&Check::of(&[], &[]), &standing);
        assert!(
            nothing.contains("IPv4: none") && nothing.contains("Router: unknown") && nothing.contains("none offered")
        );
    }
}
