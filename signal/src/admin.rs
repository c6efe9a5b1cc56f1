//! The listener for operators alone: metrics and status.
//!
//! Nobody is asked who they are there, so the address belongs on a network that only operators reach. On 127.0.0.1 it answers to `localhost` and to numbers
//! alone: a page in an operator's browser could otherwise read it by a name that it has lead there. A connection is for one request, and there are few at once.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tower_service::Service;

use crate::{
    App,
    config::{ACCEPT_PAUSE, ADMIN_CONNECTION_TIME_MAX, ADMIN_CONNECTIONS_MAX, OwnHosts},
};

/// Serves the operators' part of `app` on `listener`, for ever. At the limit of connections, further ones wait to be accepted.
pub async fn serve(listener: TcpListener, app: App) {
    let is_local = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let hosts = if is_local { OwnHosts::Local } else { OwnHosts::Any };
    let router = app.admin_router(hosts);
    let permits = Arc::new(Semaphore::new(ADMIN_CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let router = router.clone();
        tokio::spawn(async move {
            serve_connection(stream, router, ADMIN_CONNECTION_TIME_MAX).await;
            drop(permit);
        });
    }
}

async fn serve_connection(stream: TcpStream, router: Router, time_max: Duration) {
    let service = service_fn(move |request: hyper::Request<Incoming>| router.clone().call(request.map(Body::new)));
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(time_max, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "operator's connection broken"),
        Err(_) => tracing::debug!("operator's connection took too long"),
    }
}
