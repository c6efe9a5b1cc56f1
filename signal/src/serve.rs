//! Accepts connections for an [`App`] until told to stop.
//!
//! `axum::serve` bounds neither the number of connections nor the time that a connection may take to send its request. With
//! `axum::serve` a client that opens sockets and says nothing would have them for ever.

use std::{io, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};
use tower_service::Service;

use crate::{
    App,
    config::{ACCEPT_PAUSE, HTTP_CONNECTIONS_MAX, HTTP_HEAD_BYTES_MAX},
};

/// Serves `app` on `listener` until `stop` is ready. Then lets the WebSockets go with
/// [`App::drain`], takes no more connections, and returns. At the limit of connections, further ones wait to be accepted.
///
/// # Errors
/// None for the time being: failures of single connections are theirs alone.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) -> io::Result<()> {
    let permits = Arc::new(Semaphore::new(
        app.limits().connections_max.saturating_add(HTTP_CONNECTIONS_MAX),
    ));
    let (stopping, stopped) = watch::channel(());
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, address)) => {
                    // Signals are small and somebody waits for them.
                    _ = stream.set_nodelay(true);
                    let router = app.router();
                    let request_timeout = app.limits().request_timeout;
                    let tls = app.tls().cloned();
                    let mut stopped = stopped.clone();
                    tokio::spawn(async move {
                        let stop = async move { _ = stopped.changed().await };
                        let Some(tls) = tls else {
                            return serve_connection(stream, address, router, request_timeout, permit, stop).await;
                        };
                        match timeout(request_timeout, tls.accept(stream)).await {
                            Ok(Ok(stream)) => {
                                serve_connection(stream, address, router, request_timeout, permit, stop).await;
                            }
                            Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                            Err(_) => tracing::debug!("the client began no TLS in time"),
                        }
                    });
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections; is the limit of open files too low?");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    let draining = async {
        stop.await;
        app.drain().await;
    };
    // While clients take their leave, new connections are still accepted: health checks are told of the draining, and
    // newcomers get a close code that sends them elsewhere.
    tokio::select! {
        () = accepting => {}
        () = draining => {}
    }
    drop(stopping);
    Ok(())
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    address: std::net::SocketAddr,
    router: Router,
    request_timeout: Duration,
    permit: OwnedSemaphorePermit,
    stop: impl Future<Output = ()>,
) {
    let permit = Arc::new(permit);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        // A WebSocket keeps the permit when hyper is done with the connection.
        request.extensions_mut().insert(ConnectionPermit(Arc::clone(&permit)));
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(request_timeout)
        .max_buf_size(HTTP_HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        () = stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection broken");
    }
}

/// The permit for one of the connections that the server allows. The connection counts for as long as a clone lives.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPermit(#[expect(dead_code, reason = "held, not read")] Arc<OwnedSemaphorePermit>);

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
