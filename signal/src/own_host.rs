//! Whether a request is for this server at all (RFC 9110 §7.2, RFC 9112 §3.2).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use thiserror::Error;

use crate::{Shared, config::OwnHosts};

/// Paths that machines ask for, mostly by number.
pub(crate) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum HostError {
    #[error("a request names one host\n")]
    Ambiguous,
    #[error("this server is not known by that name; whoever runs it can have it answer to the name with --host\n")]
    NotListed,
    #[error(
        "this server is for its own machine, at localhost; whoever runs it can have it answer to other names with --host\n"
    )]
    NotLocal,
    #[error("this address is for the operators of the server, at localhost\n")]
    NotOperators,
}

impl IntoResponse for HostError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Ambiguous => StatusCode::BAD_REQUEST,
            Self::NotListed | Self::NotLocal | Self::NotOperators => StatusCode::MISDIRECTED_REQUEST,
        };
        (status, self.to_string()).into_response()
    }
}

/// Middleware: answers only requests for a name of this server.
pub(crate) async fn check(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let host = match host_of(request.version(), request.uri(), request.headers()) {
        Ok(host) => host,
        Err(error) => return error.into_response(),
    };
    let Some(host) = host.filter(|_| !PROBES.contains(&request.uri().path())) else {
        return next.run(request).await;
    };
    let error = match &shared.config.hosts {
        hosts if hosts.has(host) => return next.run(request).await,
        OwnHosts::Local => HostError::NotLocal,
        OwnHosts::Any | OwnHosts::Listed(_) => HostError::NotListed,
    };
    if shared.hub.metrics().count_foreign_host() == 0 {
        // Once: whoever likes can send such requests. Quoted, for what is in them is theirs.
        tracing::warn!(
            ?host,
            "refused a request for another host; the next ones are only counted. If people are to reach this server by that name, say --host"
        );
    }
    error.into_response()
}

/// Middleware for the operators' listener: answers only requests for one of these names.
pub(crate) async fn check_admin(State(hosts): State<OwnHosts>, request: Request, next: Next) -> Response {
    match host_of(request.version(), request.uri(), request.headers()) {
        Err(error) => error.into_response(),
        Ok(Some(host)) if !hosts.has(host) => HostError::NotOperators.into_response(),
        Ok(_) => next.run(request).await,
    }
}

/// The host that a request is for. Nothing for clients of HTTP/1.0, which need not say; browsers do.
fn host_of<'a>(version: Version, target: &'a Uri, headers: &'a HeaderMap) -> Result<Option<&'a str>, HostError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_10 => None,
        (Some(host), None) => Some(host.to_str().map_err(|_| HostError::Ambiguous)?),
        (None | Some(_), _) => return Err(HostError::Ambiguous),
    };
    match (host, target.authority()) {
        (Some(""), _) => Err(HostError::Ambiguous),
        // Requests to proxies name the host twice.
        (Some(host), Some(authority)) if authority.as_str() != host => Err(HostError::Ambiguous),
        (None, Some(authority)) => Ok(Some(authority.as_str())),
        (host, _) => Ok(host),
    }
}
