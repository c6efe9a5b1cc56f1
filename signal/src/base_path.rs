//! Everything under a path of its own, for proxies that hand paths on as they are.

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, Uri, uri::PathAndQuery},
    response::{IntoResponse, Redirect},
};
use tower_service::Service;

use crate::{config::BasePath, own_host::PROBES};

/// Has `router` under `base`. What machines ask for is also where they expect it.
pub(crate) fn nest(base: BasePath, router: Router) -> Router {
    Router::new().fallback(async move |request: Request| {
        let path = request.uri().path();
        if path == base.as_str() {
            // The page's own addresses are relative to the folder.
            return Redirect::permanent(&format!("{}/", base.as_str())).into_response();
        }
        match below(&base, request) {
            Some(request) => router.clone().call(request).await.into_response(),
            None => (StatusCode::NOT_FOUND, "there is nothing here\n").into_response(),
        }
    })
}

/// The request without the base path; nothing if it is for elsewhere.
fn below(base: &BasePath, mut request: Request) -> Option<Request> {
    let uri = request.uri();
    if PROBES.contains(&uri.path()) {
        return Some(request);
    }
    let path_and_query = uri.path_and_query()?.as_str().strip_prefix(base.as_str())?;
    if !path_and_query.starts_with('/') {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse::<PathAndQuery>().ok()?);
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    Some(request)
}
