//! Which pages may open a socket here (RFC 6454; browsers name the page's origin in every WebSocket handshake).

use axum::http::{HeaderMap, Uri, header};

use crate::config::{AllowedOrigin, OwnHosts};

/// Whether a request with these headers comes from a page that may open a socket: one of this very host, one of an
/// allowed origin, or no page at all. What a proxy makes of the header `Host` does not matter if the operator listed the host. Programs that are not browsers send no `Origin`, and could forge one.
pub(crate) fn is_welcome(headers: &HeaderMap, hosts: &OwnHosts, allowed: &[AllowedOrigin]) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (origin, None) = (origins.next(), origins.next()) else {
        return false;
    };
    let Some(origin) = origin else {
        return true;
    };
    let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else {
        return false;
    };
    let listed = |allowed: &AllowedOrigin| match allowed {
        AllowedOrigin::Any => true,
        AllowedOrigin::Exact(allowed) => *allowed == origin,
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    allowed.iter().any(listed)
        || hosts.listed().iter().any(|host| is_of_host(&origin, host.as_str()))
        || host.is_some_and(|host| is_of_host(&origin, &host.to_ascii_lowercase()))
}

/// Whether the page and this server have the same host and port. The scheme is not compared: behind a proxy that
/// ends TLS, a page of `https` talks to a server that knows only `http`.
fn is_of_host(origin: &str, host: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    let default_port = match uri.scheme_str() {
        Some("http") => ":80",
        Some("https") => ":443",
        Some(_) | None => return false,
    };
    let plain = |authority: &str| authority.strip_suffix(default_port).unwrap_or(authority).to_owned();
    uri.authority()
        .is_some_and(|authority| plain(authority.as_str()) == plain(host))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn welcome(origin: &'static str, host: &'static str, allowed: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        headers.insert(header::HOST, HeaderValue::from_static(host));
        let allowed: Vec<_> = allowed.iter().map(|text| text.parse().unwrap()).collect();
        is_welcome(&headers, &OwnHosts::Any, &allowed)
    }

    #[test]
    fn pages_of_this_host_are_welcome() {
        assert!(welcome("http://localhost:8080", "localhost:8080", &[]));
        assert!(welcome("https://Example.org", "example.org", &[]));
        assert!(welcome("https://example.org", "example.org:443", &[]));
        assert!(welcome("http://[::1]:8080", "[::1]:8080", &[]));
    }

    #[test]
    fn foreign_pages_are_not() {
        for origin in [
            "http://localhost:8081",
            "http://evil.org",
            "https://example.org.evil.org",
            "https://example.org:444",
            "null",
            "file://",
            "",
        ] {
            assert!(!welcome(origin, "example.org", &[]), "{origin}");
        }
        assert!(!welcome("http://localhost:443", "localhost", &[]));
    }

    #[test]
    fn listed_pages_are() {
        assert!(welcome(
            "http://localhost:8080",
            "127.0.0.1:8081",
            &["http://localhost:8080"]
        ));
        assert!(welcome("https://anywhere.org", "example.org", &["*"]));
        assert!(!welcome(
            "https://anywhere.org",
            "example.org",
            &["https://elsewhere.org"]
        ));
    }

    #[test]
    fn programs_that_are_no_browsers_are_and_ambiguity_is_not() {
        let mut headers = HeaderMap::new();
        assert!(is_welcome(&headers, &OwnHosts::Any, &[]));
        headers.append(header::ORIGIN, HeaderValue::from_static("https://a.org"));
        headers.append(header::ORIGIN, HeaderValue::from_static("https://b.org"));
        assert!(!is_welcome(
            &headers,
            &OwnHosts::Any,
            &["https://a.org".parse().unwrap()]
        ));
    }
}
