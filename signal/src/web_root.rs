//! Serves the built web app, and puts the headers on every answer that keep its pages safe and its files cached.
//!
//! The parts: `files` is the app in memory, `policy` what its page may do, `damaged_link` the page for links that lost their `#`.

mod damaged_link;
mod files;
mod policy;

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};

use crate::config::{Config, HSTS, WebApp};

use files::{File, Files, Listing};

pub use files::WebAppError;

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

/// The app as it is served, and the headers that every answer carries.
#[derive(Debug)]
pub(crate) struct WebRoot {
    folder: Option<PathBuf>,
    /// Servers besides this one that pages may connect to.
    servers: String,
    hsts: bool,
    build: RwLock<Arc<Build>>,
}

#[derive(Debug, Default)]
struct Build {
    files: Files,
    /// Which files of the folder these are.
    listing: Listing,
    /// The hashes of the scripts inside of index.html.
    scripts: String,
}

impl Build {
    fn new(files: Files, listing: Listing) -> Self {
        let index = files.find("index.html").map(|index| index.plain.content.clone());
        let html = String::from_utf8_lossy(index.as_deref().unwrap_or_default()).into_owned();
        Self {
            scripts: policy::inline_script_hashes(&html),
            files,
            listing,
        }
    }
}

impl WebRoot {
    /// # Errors
    /// If the app's folder cannot be read.
    pub(crate) fn new(config: &Config) -> Result<Self, WebAppError> {
        let (folder, build) = match &config.web_app {
            WebApp::Absent => (None, Build::default()),
            WebApp::Embedded(files) => (None, Build::new(Files::embedded(files), Listing::default())),
            WebApp::Folder(root) => {
                let listing = Listing::of(root)?;
                (Some(root.clone()), Build::new(Files::read(root, &listing)?, listing))
            }
        };
        Ok(Self {
            folder,
            servers: policy::servers(&config.servers, &config.node_origins),
            hsts: config.hsts,
            build: RwLock::new(Arc::new(build)),
        })
    }

    fn build(&self) -> Arc<Build> {
        Arc::clone(&self.build.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the app again if it was built anew, so that it can be rebuilt under a running server. While a build is being written, or no
    /// file can be opened, the one before is served.
    fn refresh(&self) {
        let Some(root) = &self.folder else {
            return;
        };
        let fresh = Listing::of(root).and_then(|listing| {
            let is_new = listing != self.build().listing;
            is_new
                .then(|| Ok(Build::new(Files::read(root, &listing)?, listing)))
                .transpose()
        });
        match fresh {
            Ok(Some(build)) => *self.build.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(build),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "the web app cannot be read again; the one before is served"),
        }
    }

    /// Adds the headers that every answer carries, to one for a page that was asked for at `host`.
    pub(crate) fn secure_headers(&self, host: Option<&str>, headers: &mut HeaderMap) {
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
        if self.hsts {
            insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
        let policy = policy::policy(&self.build().scripts, &self.servers, host);
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// A file of the app. Everything else is not found: the app's own routes are in the fragment of its URL.
pub(crate) async fn serve(State(root): State<Arc<WebRoot>>, request: Request) -> Response {
    let mut response = answer(&root, &request);
    let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let value = if found && is_content_hashed(request.uri().path()) {
        IMMUTABLE
    } else {
        NO_CACHE
    };
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}

fn answer(root: &WebRoot, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET,HEAD")]).into_response();
    }
    let path = request.uri().path();
    let name = match path.strip_prefix('/').unwrap_or(path) {
        "" => "index.html",
        name => name,
    };
    // What is under a name with a hash stays what it is. The worker of the page may ask for its own file before it asks for the page.
    if is_index(path) || (!is_content_hashed(path) && root.build().files.find(name).is_some()) {
        root.refresh();
    }
    if let Some(file) = root.build().files.find(name) {
        return content(file, request.headers());
    }
    if is_index(path) {
        return (StatusCode::SERVICE_UNAVAILABLE, Html(NOT_BUILT)).into_response();
    }
    match damaged_link::page(path) {
        Some(page) => (StatusCode::NOT_FOUND, Html(page)).into_response(),
        None => (StatusCode::NOT_FOUND, "there is nothing here\n").into_response(),
    }
}

/// The smallest form of the file that the client takes, unless it has that one already.
fn content(file: &File, headers: &HeaderMap) -> Response {
    let (form, encoding) = match (&file.brotli, &file.gzip) {
        (Some(form), _) if accepts(headers, "br") => (form, Some("br")),
        (_, Some(form)) if accepts(headers, "gzip") => (form, Some("gzip")),
        _ => (&file.plain, None),
    };
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|tag| matches_tag(tag, &form.tag)));
    let (status, bytes) = if is_known {
        (StatusCode::NOT_MODIFIED, Bytes::new())
    } else {
        (StatusCode::OK, form.content.clone())
    };
    let mut response = (status, Body::from(bytes)).into_response();
    let answer = response.headers_mut();
    answer.insert(header::ETAG, form.tag.clone());
    if file.brotli.is_some() || file.gzip.is_some() {
        answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if !is_known {
        answer.insert(header::CONTENT_TYPE, file.kind.clone());
        if let Some(encoding) = encoding {
            answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
    response
}

/// The weak comparison of RFC 9110 §8.8.3.2: a proxy that compresses makes tags weak.
fn matches_tag(tag: &str, own: &HeaderValue) -> bool {
    let tag = tag.trim();
    tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == own.as_bytes()
}

/// Whether the client takes this encoding (RFC 9110 §12.5.3). A client that does not name it does without.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let is_meant = |offer: &str| {
        let mut parts = offer.split(';').map(str::trim);
        let weight = |part: &str| part.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding))
            && parts.find_map(weight).is_none_or(|weight| weight > 0.0)
    };
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(is_meant))
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

/// Middleware: the headers that every answer carries.
pub(crate) async fn secure(State(root): State<Arc<WebRoot>>, request: Request, next: Next) -> Response {
    let host = host_of(request.headers());
    let mut response = next.run(request).await;
    root.secure_headers(host.as_deref(), response.headers_mut());
    response
}

fn host_of(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(header::HOST)?.to_str().ok()?.to_owned())
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
    fn an_encoding_is_taken_only_if_the_client_names_it_and_means_it() {
        let takes = |offer: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(offer))]);
            accepts(&headers, "br")
        };
        for offer in ["br", "gzip, deflate, BR", "gzip;q=1.0, br;q=0.5"] {
            assert!(takes(offer), "{offer}");
        }
        for offer in ["", "gzip", "*", "br;q=0", "gzip, br; q=0.0", "brotli"] {
            assert!(!takes(offer), "{offer}");
        }
    }
}
