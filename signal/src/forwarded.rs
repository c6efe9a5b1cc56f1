//! Whose address limits are counted for.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::TrustedProxies;

/// The address of the client that a request comes from, by the word of proxies that are trusted. If the last of them wrote nothing that can be read, the
/// client has the address of that proxy.
pub(crate) fn client_address(proxies: &TrustedProxies, socket: IpAddr, headers: &HeaderMap) -> IpAddr {
    // Each proxy adds whom it was asked by, at the end.
    let entries = headers
        .get_all("x-forwarded-for")
        .iter()
        .rev()
        .flat_map(|value| value.to_str().unwrap_or_default().rsplit(','))
        .map(entry_address);
    let socket = socket.to_canonical();
    match proxies {
        TrustedProxies::Absent => socket,
        TrustedProxies::Hops(hops) => {
            let told = entries.take(usize::from(hops.get())).map_while(|entry| entry);
            told.last().unwrap_or(socket)
        }
        TrustedProxies::Networks(_) => {
            let mut client = socket;
            for entry in entries {
                match entry {
                    Some(entry) if proxies.is_proxy(client) => client = entry,
                    Some(_) | None => break,
                }
            }
            client
        }
    }
}

/// One entry of `X-Forwarded-For`: an address alone, or with a port, and then that of IPv6 in brackets.
fn entry_address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let in_brackets = |text: &str| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    entry
        .parse()
        .ok()
        .or_else(|| entry.parse().ok().map(|address: SocketAddr| address.ip()))
        .or_else(|| in_brackets(entry))
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// The client's address with these proxies, socket and headers.
    fn client(proxies: &str, socket: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(value));
        }
        let proxies = match proxies {
            "" => TrustedProxies::Absent,
            proxies => proxies.parse().unwrap(),
        };
        client_address(&proxies, socket.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn without_a_proxy_nobody_is_believed() {
        assert_eq!(client("", "192.0.2.1", &["6.6.6.6"]), "192.0.2.1");
        assert_eq!(client("", "::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn only_the_proxies_own_entries_are_believed() {
        let forwarded = ["6.6.6.6, 7.7.7.7", "8.8.8.8 , 192.0.2.9"];
        for (proxies, address) in [("1", "192.0.2.9"), ("2", "8.8.8.8"), ("3", "7.7.7.7"), ("9", "6.6.6.6")] {
            assert_eq!(client(proxies, "10.0.0.1", &forwarded), address, "{proxies}");
        }
        assert_eq!(client("1", "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("2", "10.0.0.1", &["unknown, 192.0.2.9"]), "192.0.2.9");
    }

    #[test]
    fn the_first_address_outside_of_the_proxies_networks_is_the_clients() {
        let inside = "10.0.0.0/8,fd00::/8";
        assert_eq!(
            client(inside, "10.0.0.1", &["6.6.6.6, 192.0.2.9, 10.0.0.2"]),
            "192.0.2.9"
        );
        assert_eq!(client(inside, "fd00::1", &["6.6.6.6, 192.0.2.9"]), "192.0.2.9");
        // Somebody who reaches the server past the proxy.
        assert_eq!(client(inside, "192.0.2.66", &["10.0.0.5"]), "192.0.2.66");
        assert_eq!(client(inside, "10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(client(inside, "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn an_address_is_read_with_and_without_port_and_brackets() {
        for (text, expected) in [
            ("203.0.113.7", Some("203.0.113.7")),
            (" 203.0.113.7:51008 ", Some("203.0.113.7")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("unknown", None),
            ("_hidden", None),
            ("203.0.113.7:", None),
            ("203.0.113.7:99999", None),
            ("[203.0.113.7", None),
            ("", None),
        ] {
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(entry_address(text), expected, "{text}");
        }
    }
}
