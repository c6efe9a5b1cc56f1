//! Which requests are answered at all.
//!
//! A page in a browser of this machine can send requests here, too, and by a name of its own that leads here (DNS rebinding) even read the answers. It
//! cannot help to say where it comes from: by `Origin`, by `Sec-Fetch-Site`, by the `Host` that it believes to be talking to. So each of the three has to
//! be ours, on every request. Where they say nothing, as for a link that is followed, or beyond loopback, where browsers leave out `Sec-Fetch-Site`, a
//! `GET` only reads, unless it has the token. Whoever else runs on this machine lacks the token.

use std::{fmt, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};

use super::problem::Problem;

/// Who may ask.
#[derive(Clone)]
pub enum Access {
    /// Whoever has the token, as `Authorization: Bearer TOKEN`.
    Token(Arc<str>),
    /// Whoever reaches the address.
    Open,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Access(a token)",
            Self::Open => "Access(open)",
        })
    }
}

#[derive(Debug, Clone)]
struct Guard {
    access: Access,
    own: Own,
}

/// What a request is sent to.
#[derive(Debug, Clone)]
pub(super) enum Own {
    /// An address.
    Address(SocketAddr),
    /// A socket in the file system.
    Socket,
}

pub(super) fn guarded(app: Router, access: Access, own: Own) -> Router {
    let guard = Arc::new(Guard { access, own });
    app.layer(from_fn_with_state(guard, check))
}

async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.admits(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

impl Guard {
    fn admits(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let host = only(headers, &header::HOST)?.unwrap_or_default();
        if !self.is_ours(host) {
            return Err(Problem::ForeignHost);
        }
        let origin = only(headers, &header::ORIGIN)?;
        if origin.is_some_and(|origin| origin != format!("http://{host}")) {
            return Err(Problem::ForeignOrigin);
        }
        let site = only(headers, &HeaderName::from_static("sec-fetch-site"))?;
        if site.is_some_and(|site| !matches!(site, "none" | "same-origin")) {
            return Err(Problem::ForeignOrigin);
        }
        match &self.access {
            Access::Open => Ok(()),
            Access::Token(token) => {
                let given = only(headers, &header::AUTHORIZATION)?;
                let given = given.and_then(|given| given.strip_prefix("Bearer "));
                if given.is_some_and(|given| is_same(given.trim(), token)) {
                    Ok(())
                } else {
                    Err(Problem::NoToken)
                }
            }
        }
    }

    /// Whether a request is for this server: by its address, or by the name of this machine for itself.
    fn is_ours(&self, host: &str) -> bool {
        let own = match &self.own {
            Own::Address(address) => address,
            // What programs say who have to say something.
            Own::Socket => return host.eq_ignore_ascii_case("localhost"),
        };
        let port = own.port();
        let by_name = own.ip().is_loopback() && host.eq_ignore_ascii_case(&format!("localhost:{port}"));
        // One that listens at all addresses is known by each of them, and by no name.
        let address = host.parse::<SocketAddr>();
        let by_address = address.is_ok_and(|asked| asked == *own || own.ip().is_unspecified() && asked.port() == port);
        by_name || by_address
    }
}

/// The value of a header that stands once, if at all.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Problem::Headers),
        (Some(_), Some(_)) => Err(Problem::Headers),
    }
}

/// Takes as long wherever they differ.
fn is_same(given: &str, token: &str) -> bool {
    let differing = given
        .bytes()
        .zip(token.bytes())
        .fold(0, |all, (one, other)| all | (one ^ other));
    given.len() == token.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn admits(access: &Access, address: &str, headers: &[(&'static str, &str)]) -> Result<(), Problem> {
        let guard = Guard {
            access: access.clone(),
            own: Own::Address(address.parse().unwrap()),
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        guard.admits(&map)
    }

    #[test]
    fn requests_for_another_host_are_refused() {
        let local = |host| admits(&Access::Open, "127.0.0.1:8001", &[("host", host)]);
        for host in ["127.0.0.1:8001", "localhost:8001", "LocalHost:8001"] {
            assert_eq!(local(host), Ok(()), "{host}");
        }
        for host in [
            "evil.example:8001",
            "127.0.0.1",
            "127.0.0.1:8002",
            "localhost",
            "[::1]:8001",
            "",
            "127.0.0.2:8001",
        ] {
            assert_eq!(local(host), Err(Problem::ForeignHost), "{host}");
        }
        assert_eq!(admits(&Access::Open, "127.0.0.1:8001", &[]), Err(Problem::ForeignHost));
        let twice = [("host", "127.0.0.1:8001"), ("host", "evil.example")];
        assert_eq!(admits(&Access::Open, "127.0.0.1:8001", &twice), Err(Problem::Headers));
        assert_eq!(admits(&Access::Open, "[::1]:81", &[("host", "[::1]:81")]), Ok(()));
        assert_eq!(admits(&Access::Open, "0.0.0.0:81", &[("host", "192.0.2.7:81")]), Ok(()));
        let by_name = admits(&Access::Open, "0.0.0.0:81", &[("host", "evil.example:81")]);
        assert_eq!(by_name, Err(Problem::ForeignHost));
    }

    #[test]
    fn pages_of_browsers_are_refused_also_for_reading() {
        let from = |name, value| {
            admits(
                &Access::Open,
                "127.0.0.1:8001",
                &[("host", "localhost:8001"), (name, value)],
            )
        };
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", "https://localhost:8001"),
            ("origin", "http://127.0.0.1:8001"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(from(name, value), Err(Problem::ForeignOrigin), "{name}: {value}");
        }
        for (name, value) in [
            ("origin", "http://localhost:8001"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-site", "same-origin"),
        ] {
            assert_eq!(from(name, value), Ok(()), "{name}: {value}");
        }
    }

    #[test]
    fn nobody_is_answered_without_the_token() {
        let access = Access::Token("abc".into());
        let host = ("host", "127.0.0.1:8001");
        let with = |value| admits(&access, "127.0.0.1:8001", &[host, ("authorization", value)]);
        assert_eq!(with("Bearer abc"), Ok(()));
        for wrong in ["Bearer abd", "Bearer ab", "Bearer abcd", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(with(wrong), Err(Problem::NoToken), "{wrong}");
        }
        assert_eq!(admits(&access, "127.0.0.1:8001", &[host]), Err(Problem::NoToken));
        assert_eq!(format!("{access:?}"), "Access(a token)");
    }
}
