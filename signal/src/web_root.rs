//! Serves the built web app, and puts the headers on every answer that keep its pages safe and its files cached.

use std::{
    fmt::Write,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
};
use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use tower_http::services::ServeDir;

use crate::config::{ServerUrl, is_plain_authority};

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// Allows nothing that the app does not use. Clipboard and full screen are for pages of ours only.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
    magnetometer=(), microphone=(), midi=(), payment=(), usb=(), clipboard-read=(self), clipboard-write=(self), \
    fullscreen=(self)";

/// Shown instead of an app that is not there.
const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Starling</title>
<h1>The web app is not built yet</h1>
<p>The server runs, but its web root has no <code>index.html</code>.</p>
<p>Build the app with <code>cargo xtask build</code>, then start the server with <code>--web-root dist</code>.</p>
</html>
";

/// The app's files under `root`. Everything else is not found: the app's own routes are in the fragment of its URL.
pub(crate) fn router(root: Option<&Path>) -> Router {
    let files = match root {
        Some(root) => Router::new().fallback_service(
            ServeDir::new(root)
                .precompressed_br()
                .precompressed_gzip()
                // Without this, a folder's path would be answered with a redirect to itself and a slash.
                .redirect_to_trailing_slash(false),
        ),
        None => Router::new(),
    };
    files
        .layer(middleware::map_response(explain_absence))
        .layer(middleware::from_fn(cache))
}

/// Says in words what is missing, where the file service only has a status.
async fn explain_absence(request_path: Option<axum::Extension<RequestPath>>, response: Response) -> Response {
    match response.status() {
        StatusCode::NOT_FOUND if request_path.is_some_and(|path| is_index(&path.0.0)) => {
            (StatusCode::SERVICE_UNAVAILABLE, Html(NOT_BUILT)).into_response()
        }
        StatusCode::NOT_FOUND => (StatusCode::NOT_FOUND, "there is nothing here\n").into_response(),
        _ => response,
    }
}

#[derive(Debug, Clone)]
struct RequestPath(String);

async fn cache(mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(fragment) = fragment_in(&path) {
        // A fragment may have any character that a path has (RFC 3986 §3.5).
        return Redirect::temporary(&format!("/#{fragment}")).into_response();
    }
    let hashed = is_content_hashed(&path);
    request.extensions_mut().insert(RequestPath(path));
    let mut response = next.run(request).await;
    let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let value = if hashed && found { IMMUTABLE } else { NO_CACHE };
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}

/// What stands behind the `#` of a room's link, in an address that some program has encoded once too often.
fn fragment_in(path: &str) -> Option<&str> {
    let encoded = ["/%23", "/%2523"].iter().find_map(|start| path.strip_prefix(start))?;
    let is_room = ["/r/", "%2Fr%2F", "%2fr%2f", "%252Fr%252F"]
        .iter()
        .any(|start| encoded.starts_with(start));
    is_room.then_some(encoded)
}

fn is_index(path: &str) -> bool {
    matches!(path, "/" | "/index.html")
}

/// Whether the name of a file ends in a hash of its content, as Trunk makes them: `name-0123456789abcdef.js`,
/// `name-0123456789abcdef_bg.wasm`.
fn is_content_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((stem, _extension)) = name.split_once('.') else {
        return false;
    };
    let stem = stem.strip_suffix("_bg").unwrap_or(stem);
    stem.rsplit_once('-')
        .is_some_and(|(_, hash)| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The headers that every answer carries.
#[derive(Debug)]
pub(crate) struct Security {
    index: Option<PathBuf>,
    /// Servers besides this one that pages may connect to.
    servers: String,
    /// The hashes of the scripts inside of index.html, and which index.html that was.
    scripts: Mutex<(Option<Version>, String)>,
}

/// Tells a file that was built anew from the one before.
type Version = (SystemTime, u64);

impl Security {
    pub(crate) fn new(root: Option<&Path>, servers: &[ServerUrl]) -> Self {
        let servers = servers.iter().fold(String::new(), |mut list, server| {
            // Writing into a string does not fail.
            _ = write!(list, " {}", server.origin());
            list
        });
        let this = Self {
            index: root.map(|root| root.join("index.html")),
            servers,
            scripts: Mutex::default(),
        };
        this.refresh();
        this
    }

    /// Reads index.html again if it was built anew, so that the app can be rebuilt under a running server.
    fn refresh(&self) {
        let Some(index) = &self.index else {
            return;
        };
        let version = match std::fs::metadata(index).and_then(|meta| Ok((meta.modified()?, meta.len()))) {
            Ok(version) => Some(version),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return tracing::warn!(%error, "index.html cannot be looked at"),
        };
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        if scripts.0 != version {
            let html = std::fs::read_to_string(index).unwrap_or_default();
            *scripts = (version, inline_script_hashes(&html));
        }
    }

    /// The content security policy for a page that was asked for at `host`.
    fn policy(&self, host: Option<&str>) -> String {
        // For some browsers 'self' does not cover the WebSocket schemes, so the host is named.
        let sockets = match host {
            // An address of IPv6 has no form in a policy; browsers that know 'self' for sockets need none.
            Some(host) if is_plain_authority(host) && !host.starts_with('[') => format!(" ws://{host} wss://{host}"),
            Some(_) | None => String::new(),
        };
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        format!(
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{}; style-src 'self'; img-src 'self' data: blob:; \
             font-src 'self'; connect-src 'self'{sockets}{}; manifest-src 'self'; worker-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            scripts.1, self.servers
        )
    }
}

/// Middleware: see [`Security`].
pub(crate) async fn secure(State(security): State<Arc<Security>>, request: Request, next: Next) -> Response {
    let host = host_of(request.headers());
    if request.method() == Method::GET && is_index(request.uri().path()) {
        security.refresh();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // An answer that is not a file is a state of the server. Such an answer is old the moment it is sent.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let mut insert = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    insert(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    insert(header::REFERRER_POLICY, "no-referrer");
    insert(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    insert(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    insert(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    if let Ok(policy) = HeaderValue::from_str(&security.policy(host.as_deref())) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn host_of(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(header::HOST)?.to_str().ok()?.to_owned())
}

/// The hashes of all inline scripts, each as ` 'sha256-…'`. Trunk writes one: the module that starts the app.
///
/// The pages come from our own build, so this function need not understand all of HTML. A script that the function missed
/// would not run, which is the safe side.
fn inline_script_hashes(html: &str) -> String {
    let mut hashes = String::new();
    let mut rest = html;
    while let Some(start) = rest.find("<script") {
        rest = &rest[start..];
        let Some((tag, after)) = rest.split_once('>') else {
            break;
        };
        let Some((script, after)) = after.split_once("</script") else {
            break;
        };
        if !tag.contains(" src=") {
            // Writing into a string does not fail.
            _ = write!(
                hashes,
                " 'sha256-{}'",
                BASE64.encode(&Sha256::digest(script.as_bytes()))
            );
        }
        rest = after;
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trunks_hashed_names_are_told_from_others() {
        for path in [
            "/web-0123456789abcdef.js",
            "/a/web-0123456789abcdef_bg.wasm",
            "/style-0123456789abcdef.css",
        ] {
            assert!(is_content_hashed(path), "{path}");
        }
        for path in [
            "/",
            "/index.html",
            "/web.js",
            "/web-0123456789abcde.js",
            "/web-0123456789abcdeg.js",
            "/snippets/web-0123456789abcdef/inline0.js",
            "/web-0123456789abcdef",
        ] {
            assert!(!is_content_hashed(path), "{path}");
        }
    }

    #[test]
    fn a_link_that_was_encoded_too_often_leads_to_its_room() {
        assert_eq!(fragment_in("/%23/r/1.abc"), Some("/r/1.abc"));
        assert_eq!(fragment_in("/%2523/r/tea%2520party"), Some("/r/tea%2520party"));
        assert_eq!(fragment_in("/%23%2Fr%2Ftea"), Some("%2Fr%2Ftea"));
        for path in [
            "/",
            "/r/tea",
            "/%23",
            "/%23/evil",
            "/%23//evil.example",
            "/web-0123456789abcdef.js",
        ] {
            assert_eq!(fragment_in(path), None, "{path}");
        }
    }

    #[test]
    fn inline_scripts_are_hashed_and_others_are_not() {
        // The hash of "alert('Hello, world.');" is the example of the CSP specification, level 2, §4.2.
        let html = r#"<script src="/a.js"></script><script type="module">alert('Hello, world.');</script>"#;
        assert_eq!(
            inline_script_hashes(html),
            " 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
        );
        assert_eq!(inline_script_hashes("<script>cut off"), "");
    }

    #[test]
    fn a_forged_host_stays_out_of_the_policy() {
        let security = Security::new(None, &["wss://other.org/ws".parse().unwrap()]);
        let policy = security.policy(Some("evil; script-src *"));
        assert!(policy.contains("connect-src 'self' wss://other.org;"), "{policy}");
        let policy = security.policy(Some("[::1]:8080"));
        assert!(policy.contains("connect-src 'self' wss://other.org;"), "{policy}");
        let policy = security.policy(Some("localhost:8080"));
        assert!(
            policy.contains("connect-src 'self' ws://localhost:8080 wss://localhost:8080 wss://other.org;"),
            "{policy}"
        );
    }
}
