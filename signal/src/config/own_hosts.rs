//! The names by which people reach this server.

use std::{net::IpAddr, str::FromStr};

use axum::http::uri::Authority;

use super::{ParseFlagError, is_plain_authority};

/// A name of this server, in lower case, with its port if that is not the usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// As a browser has it in `location.host`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = ParseFlagError;

    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        let is_authority = is_plain_authority(text) && text.parse::<Authority>().is_ok();
        is_authority
            .then(|| Self(without_usual_port(&text.to_ascii_lowercase()).to_owned()))
            .ok_or(ParseFlagError::Host)
    }
}

/// Which names a request may be for. A web page anywhere can have a name of its own lead to this server (DNS rebinding), and then passes for a page of
/// this server, unless the server knows its names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OwnHosts {
    /// All.
    #[default]
    Any,
    /// `localhost` and numbers: for a server that nobody else reaches.
    Local,
    /// These alone.
    Listed(Vec<HostName>),
}

impl OwnHosts {
    /// The names that the operator named.
    #[must_use]
    pub fn listed(&self) -> &[HostName] {
        match self {
            Self::Listed(names) => names,
            Self::Any | Self::Local => &[],
        }
    }

    /// Whether a request may have this in its header `Host`. Some proxies leave out the port there.
    pub(crate) fn has(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let host = without_usual_port(&host);
        match self {
            Self::Any => true,
            Self::Local => is_local(without_port(host)),
            Self::Listed(names) => names
                .iter()
                .any(|HostName(own)| own == host || (without_port(host) == host && without_port(own) == host)),
        }
    }
}

/// Without the ports that an address in a browser leaves out.
fn without_usual_port(host: &str) -> &str {
    let plain = host.strip_suffix(":80").or_else(|| host.strip_suffix(":443"));
    // The end of an IPv6 address without brackets is no port.
    plain.filter(|plain| !plain.ends_with(':')).unwrap_or(host)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        Some(_) | None => host,
    }
}

/// Whether no name server decides where this leads.
fn is_local(name: &str) -> bool {
    let number = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.ends_with(".localhost") || number.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(names: &[&str]) -> OwnHosts {
        OwnHosts::Listed(names.iter().map(|name| name.parse().unwrap()).collect())
    }

    #[test]
    fn a_listed_name_is_known_with_its_port_or_without_any() {
        let hosts = listed(&["Chat.example.org", "chat.example.net:8443", "[2001:db8::1]:8080"]);
        for host in [
            "chat.example.org",
            "CHAT.example.org:443",
            "chat.example.org:80",
            "chat.example.net:8443",
            "chat.example.net",
            "[2001:db8::1]:8080",
            "[2001:db8::1]",
        ] {
            assert!(hosts.has(host), "{host}");
        }
        for host in [
            "evil.example",
            "chat.example.org:8080",
            "chat.example.net:8444",
            "chat.example.org.evil.example",
            "localhost",
            "",
        ] {
            assert!(!hosts.has(host), "{host}");
        }
    }

    #[test]
    fn only_what_no_name_server_decides_is_local() {
        for host in [
            "localhost:8080",
            "LOCALHOST",
            "a.localhost",
            "127.0.0.1:8080",
            "[::1]:8080",
            "192.0.2.1",
        ] {
            assert!(OwnHosts::Local.has(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""] {
            assert!(!OwnHosts::Local.has(host), "{host}");
        }
        assert!(OwnHosts::Any.has("evil.example"));
    }

    #[test]
    fn a_name_is_a_host_and_perhaps_a_port() {
        assert_eq!(
            "Chat.example.org:443".parse::<HostName>().unwrap().as_str(),
            "chat.example.org"
        );
        for text in [
            "",
            "https://chat.example.org",
            "chat.example.org/",
            "a b",
            "user@chat.example.org",
        ] {
            assert_eq!(text.parse::<HostName>(), Err(ParseFlagError::Host), "{text}");
        }
    }
}
