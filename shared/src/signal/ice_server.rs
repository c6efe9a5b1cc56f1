//! What a welcome names for clients to find a path with.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::ICE_URLS_MAX;

/// A STUN or TURN server, in the shape of a browser's `RTCIceServer`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// `stun:` or `turn:` addresses.
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Without the login, which is nobody's business who reads a log.
impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = self.credential.as_ref().map(|_| "…");
        let mut server = f.debug_struct("IceServer");
        server.field("urls", &self.urls).field("login", &login).finish()
    }
}

impl IceServer {
    /// Whether browsers take it: URLs after RFC 7064 or RFC 7065, at most [`ICE_URLS_MAX`] of them, and for TURN name and credential.
    /// One that they do not take would cost every connection that is made with it.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let has_login = self.username.is_some() && self.credential.is_some();
        let valid = |url: &String| match ice_scheme(url) {
            Some(IceScheme::Stun) => true,
            Some(IceScheme::Turn) => has_login,
            None => false,
        };
        (1..=ICE_URLS_MAX).contains(&self.urls.len()) && self.urls.iter().all(valid)
    }

    /// Whether it stands in for whoever asks it (TURN), instead of telling them their address only.
    #[must_use]
    pub fn is_relay(&self) -> bool {
        self.urls
            .iter()
            .any(|url| matches!(ice_scheme(url), Some(IceScheme::Turn)))
    }

    /// Leaves out its TURN addresses. Says whether it has others.
    pub fn drop_relays(&mut self) -> bool {
        self.urls.retain(|url| matches!(ice_scheme(url), Some(IceScheme::Stun)));
        !self.urls.is_empty()
    }
}

enum IceScheme {
    Stun,
    Turn,
}

/// The scheme of a valid URL of an ICE server.
fn ice_scheme(url: &str) -> Option<IceScheme> {
    let (scheme, rest) = url.split_once(':')?;
    let (scheme, address) = match scheme {
        "stun" | "stuns" => (IceScheme::Stun, rest),
        "turn" | "turns" => match rest.split_once('?') {
            Some((address, "transport=udp" | "transport=tcp")) => (IceScheme::Turn, address),
            Some(_) => return None,
            None => (IceScheme::Turn, rest),
        },
        _ => return None,
    };
    let (host, port) = match address.strip_prefix('[') {
        Some(literal) => {
            let (host, after) = literal.split_once(']')?;
            host.bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b':')
                .then_some(())?;
            (
                host,
                if after.is_empty() {
                    None
                } else {
                    Some(after.strip_prefix(':')?)
                },
            )
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let is_of_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    let host_is_valid = (1..=253).contains(&host.len()) && host.bytes().all(is_of_host);
    let port_is_valid = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    (host_is_valid && port_is_valid).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ice_server_is_what_every_browser_takes() {
        let server = |url: &str, login: Option<&str>| IceServer {
            urls: vec![url.to_owned()],
            username: login.map(str::to_owned),
            credential: login.map(str::to_owned),
        };
        for url in [
            "stun:example.org",
            "stuns:example.org:5349",
            "stun:192.0.2.1:3478",
            "stun:[2001:db8::1]:3478",
        ] {
            assert!(server(url, None).is_valid(), "{url}");
        }
        for url in [
            "turn:example.org",
            "turns:example.org:443?transport=tcp",
            "turn:[::1]?transport=udp",
        ] {
            assert!(server(url, Some("ann")).is_valid(), "{url}");
            assert!(!server(url, None).is_valid(), "{url} without login");
        }
        for url in [
            "",
            "stun:",
            "example.org",
            "http://example.org",
            "stun://example.org",
            "stun:example.org?transport=udp",
            "turn:example.org?transport=sctp",
            "stun:example.org:0",
            "stun:example.org:port",
            "stun:exa mple.org",
            "stun:[example.org]",
            "stun:[::1]3478",
            "STUN:example.org/",
        ] {
            assert!(!server(url, Some("ann")).is_valid(), "{url}");
        }
        let many = |count| IceServer {
            urls: vec!["stun:example.org".to_owned(); count],
            username: None,
            credential: None,
        };
        assert_eq!(
            [0, 1, 4, 5].map(|count| many(count).is_valid()),
            [false, true, true, false]
        );
    }

    #[test]
    fn the_login_of_an_ice_server_is_in_no_log() {
        let server = IceServer {
            urls: vec!["turn:example.org".to_owned()],
            username: Some("1700000000:ann".to_owned()),
            credential: Some("secret".to_owned()),
        };
        assert_eq!(
            format!("{server:?}"),
            r#"IceServer { urls: ["turn:example.org"], login: Some("…") }"#
        );
    }
}
