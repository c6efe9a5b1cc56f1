//! Starling's rendezvous server: introduces the peers of a room to each other, carries their sealed link set-up, and
//! serves the web app. It also tells browsers their public address. The server never carries chat, and learns of a room only a hash.
//!
//! Read in this order:
//!
//! 1. [`hub`]: rooms and discovery, a pure state machine. All decisions are made there.
//! 2. `network`, `share`, `rate`: who counts as one client, and how much of a thing one of many may take, and how often.
//! 3. `outbound`: the bounded queue of one socket.
//! 4. `shared_hub`: the hub behind a lock, with clock and timer.
//! 5. `ws`: one task a socket; `batched_stream` and `wire` make the task fast without making the socket large, `fragments` sees that messages end.
//! 6. `own_host`, `base_path`, `origin`, `forwarded`: whether a request is for this server, whose pages may connect, whose address counts.
//!    [`web_root`], `metrics`: the app's files, counters.
//! 7. [`serve`](mod@serve): connections to an [`App`], until it is told to stop; `door` has the places for them, `paced` ends those that do not read.
//!    [`tls`]: the certificate. [`admin`]: the listener for operators alone.
//! 8. [`stun`]: a browser's question for its own address, over UDP. [`turn`]: our own question to the TURN servers, whether they work.
//!
//! The words between peers are never logged.

#[cfg(test)]
extern crate self as signal;

pub mod admin;
mod base_path;
mod batched_stream;
pub mod bus;
pub mod config;
mod door;
mod forwarded;
mod fragments;
pub mod hub;
mod metrics;
mod network;
mod origin;
mod outbound;
mod own_host;
mod paced;
mod rate;
pub mod serve;
mod share;
mod shared_hub;
pub mod stun;
pub mod tls;
pub mod turn;
pub mod web_root;
mod wire;
mod ws;

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Json, Router,
    extract::{ConnectInfo, FromRef, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde::Serialize;
use thiserror::Error;

pub use config::Config;
use config::{Limits, OwnHosts, TrustedProxies, Turn, WhileStopping};
use hub::Standing;
use metrics::{Metrics, StunCounters};
use prometheus_client::metrics::counter::Counter;
use shared_hub::SharedHub;
use tls::Tls;
use web_root::{WebAppError, WebRoot};

/// Why there is no [`App`].
#[derive(Debug, Error)]
pub enum AppError {
    /// Challenges would be guessable. Nothing to be done but to repair the system.
    #[error("the system gives no randomness")]
    Randomness(#[source] getrandom::Error),
    /// See [`WebAppError`].
    #[error("the web app cannot be served")]
    WebApp(#[from] WebAppError),
}

/// The server without its listener. Clones are the same server.
#[derive(Debug, Clone)]
pub struct App {
    router: Router,
    admin_router: Router,
    hub: Arc<SharedHub>,
    config: Arc<Config>,
    web_root: Arc<WebRoot>,
}

impl App {
    /// All its routes. Requests must carry their client's address as [`ConnectInfo`], as [`serve()`](serve::serve) gives them.
    pub fn router(&self) -> Router {
        self.with_secure_headers(self.router.clone())
    }

    fn with_secure_headers(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(
            Arc::clone(&self.web_root),
            web_root::secure,
        ))
    }

    /// What is for operators alone: metrics and status. It answers to these names of its own.
    pub fn admin_router(&self, hosts: OwnHosts) -> Router {
        let router = self.admin_router.clone();
        let router = router.layer(middleware::from_fn_with_state(hosts, own_host::check_admin));
        self.with_secure_headers(router)
    }

    /// Tells every client that the server stops, takes in nobody, and waits for the clients to go:
    /// [`Limits::drain_spread`] and [`Limits::drain_timeout`] together at most.
    pub async fn drain(&self) {
        self.hub.drain().await;
    }

    fn tls(&self) -> Option<&Tls> {
        self.config.tls.as_ref()
    }

    fn limits(&self) -> &Limits {
        self.hub.limits()
    }

    fn while_stopping(&self) -> WhileStopping {
        self.config.while_stopping
    }

    fn trusted_proxies(&self) -> &TrustedProxies {
        &self.config.trusted_proxies
    }

    /// Adds the headers that every answer carries, to one that comes past the routes.
    fn secure_headers(&self, headers: &mut HeaderMap) {
        self.web_root.secure_headers(None, headers);
    }

    /// Counts connections for which there was no place.
    fn turned_away(&self) -> &Counter {
        &self.hub.metrics().turned_away
    }

    fn turn(&self) -> Option<&Turn> {
        self.config.turn.as_ref()
    }

    /// A TURN server was asked, and this came of it.
    fn note_turn(&self, url: &str, works: bool) {
        self.hub.metrics().note_turn(url, works);
    }

    const fn hub(&self) -> &Arc<SharedHub> {
        &self.hub
    }

    fn stun_counters(&self) -> &StunCounters {
        &self.hub.metrics().stun
    }
}

/// Puts the server together; it listens nowhere. For that, see [`serve()`](serve::serve) and [`stun::serve`].
///
/// # Errors
/// See [`AppError`].
///
/// # Panics
/// Outside of a tokio runtime: its timer is a task.
pub fn app(config: Config) -> Result<App, AppError> {
    let metrics = Metrics::new();
    let hub = SharedHub::start(&config, metrics).map_err(AppError::Randomness)?;
    let web_root = Arc::new(WebRoot::new(&config)?);
    let config = Arc::new(config);
    let state = Shared {
        hub: Arc::clone(&hub),
        config: Arc::clone(&config),
        started_at: Instant::now(),
    };
    let probes = Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(readiness));
    let admin_router = probes
        .clone()
        .route("/metrics", get(metrics_text))
        .route("/api/status", get(status))
        .with_state(state.clone());
    let router = probes
        .route("/ws", any(open_socket))
        .route("/api/config", get(page_config))
        .with_state(state.clone())
        .fallback_service(any(web_root::serve).with_state(Arc::clone(&web_root)));
    let router = match config.base_path.clone() {
        Some(base) => base_path::nest(base, router),
        None => router,
    };
    let router = router.layer(middleware::from_fn_with_state(state, own_host::check));
    Ok(App {
        router,
        admin_router,
        hub,
        config,
        web_root,
    })
}

#[derive(Debug, Clone)]
struct Shared {
    hub: Arc<SharedHub>,
    config: Arc<Config>,
    started_at: Instant,
}

impl FromRef<Shared> for Arc<SharedHub> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.hub)
    }
}

async fn open_socket(
    State(shared): State<Shared>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    if !origin::is_welcome(request.headers(), &shared.config.hosts, &shared.config.origins_allowed) {
        if shared.hub.metrics().count_foreign_origin() == 0 {
            // Once: whoever likes can send such requests. Quoted, for what is in them is theirs.
            let [origin, host] = [header::ORIGIN, header::HOST].map(|name| request.headers().get(name));
            tracing::warn!(
                ?origin,
                ?host,
                "refused a page of another server; the next ones are only counted. If it is a page of this one, say --host \
                 with the host and port of its address, or have the proxy keep the Host header; if it is meant to connect here, say --allow-origin"
            );
        }
        let sentence = "pages of other servers may not connect here, unless the operator allows their origin\n";
        return (StatusCode::FORBIDDEN, sentence).into_response();
    }
    let address = forwarded::client_address(&shared.config.trusted_proxies, address.ip(), request.headers());
    ws::upgrade(shared.hub, address, request)
}

async fn readiness(State(hub): State<Arc<SharedHub>>) -> (StatusCode, &'static str) {
    if hub.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match hub.standing() {
        Standing::Alone | Standing::Connected { .. } => (StatusCode::OK, "ready\n"),
        // Not an error: a balancer that took out all nodes whose Redis is away would take out all.
        Standing::CutOff => (StatusCode::OK, "degraded: the other nodes are out of reach\n"),
    }
}

async fn metrics_text(State(hub): State<Arc<SharedHub>>) -> Response {
    match hub.metrics().encode(hub.occupancy(), hub.standing()) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The body of `/api/status`.
#[derive(Serialize)]
struct Status {
    version: &'static str,
    uptime_seconds: u64,
    rooms: usize,
    peers: usize,
    relayed: u64,
}

async fn status(State(shared): State<Shared>) -> Json<Status> {
    let occupancy = shared.hub.occupancy();
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: shared.started_at.elapsed().as_secs(),
        rooms: occupancy.rooms,
        peers: occupancy.peers,
        relayed: shared.hub.metrics().relayed(),
    })
}

/// The body of `/api/config`: what a page of this server has to know before it connects.
#[derive(Serialize)]
struct PageConfig {
    /// Further rendezvous servers to use.
    servers: Vec<String>,
}

async fn page_config(State(shared): State<Shared>) -> Json<PageConfig> {
    Json(PageConfig {
        servers: shared
            .config
            .servers
            .iter()
            .map(|server| server.as_str().to_owned())
            .collect(),
    })
}
