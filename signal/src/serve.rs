//! Accepts connections for an [`App`] until told to stop.
//!
//! `axum::serve` bounds neither the number of connections nor the time that a connection may take, to send its request or to read the answer.
//! With `axum::serve` a client that opens sockets and says nothing, or asks and does not read, would have them for ever.
//!
//! A connection has a place (see `door.rs`) until it ends or becomes a WebSocket. The connections of a proxy are those of many clients, so they have their places in
//! the name of nobody, and each of their requests has a place for itself, in the name of the client that the proxy names.

use std::{
    io::{self, Write},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::yield_now,
    time::timeout,
};
use tower_service::Service;

use crate::{
    App,
    config::{
        ACCEPT_PAUSE, ANSWER_PIECE_BYTES, HTTP_HEAD_BYTES_MAX, HTTP_REQUESTS_MAX, RETRY_AFTER, SEND_BUFFER_BYTES,
        WhileStopping,
    },
    door::{Door, Place},
    forwarded::client_address,
    network::Network,
    paced::Paced,
};

/// Serves `app` on `listener` until `stop` is ready. Then lets the WebSockets go with
/// [`App::drain`], takes no more connections, and returns. A connection for which there is no place is told so and closed.
///
/// # Errors
/// None for the time being: failures of single connections are theirs alone.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) -> io::Result<()> {
    let limits = app.limits();
    let door = Door::new(limits);
    let visitors = Visitors {
        app: app.clone(),
        requests: Door::new(limits),
    };
    let (stopping, stopped) = watch::channel(());
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    let is_proxy = app.trusted_proxies().is_proxy(address.ip());
                    let network = (!is_proxy).then(|| Network::of(address.ip()));
                    let Some(place) = door.enter(network) else {
                        app.turned_away().inc();
                        // Who comes by TLS would not understand it.
                        if app.tls().is_none() {
                            turn_away(stream, &app);
                        }
                        continue;
                    };
                    // Signals are small and somebody waits for them.
                    _ = stream.set_nodelay(true);
                    // Not of the listener, whose first connections may be older than this loop. If that fails, the connection has just ended.
                    _ = set_socket_send_buffer_size(&stream, SEND_BUFFER_BYTES);
                    let stream = Paced::new(stream, limits.write_timeout);
                    let (visitors, mut stopped, under_way) = (visitors.clone(), stopped.clone(), stopped.clone());
                    tokio::spawn(async move {
                        let stop = async move { _ = stopped.changed().await };
                        visitors.serve_stream(stream, address, stop).await;
                        drop((place, under_way));
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
    match app.while_stopping() {
        // While clients take their leave, new connections are still accepted: health checks are told of the draining.
        WhileStopping::Told => {
            let draining = async {
                stop.await;
                app.drain().await;
            };
            tokio::select! {
                () = accepting => {}
                () = draining => {}
            }
        }
        WhileStopping::Left => {
            tokio::select! {
                () = accepting => {}
                () = stop => {}
            }
            app.drain().await;
        }
    }
    // Requests that are under way are answered.
    drop(stopped);
    _ = stopping.send(());
    _ = timeout(limits.linger, stopping.closed()).await;
    Ok(())
}

/// Says that there is no place, if that can be said at once.
fn turn_away(stream: TcpStream, app: &App) {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    app.secure_headers(&mut headers);
    let mut answer = b"HTTP/1.1 503 Service Unavailable\r\n".to_vec();
    for (name, value) in &headers {
        answer.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    answer.extend(b"\r\n");
    // The stream does not block. Whoever does not get the answer finds the connection closed.
    _ = stream.into_std().and_then(|mut stream| stream.write(&answer));
}

/// The answer to a request that there is no place for: in a sentence, and when to come again.
pub(crate) fn no_place(sentence: &'static str, wait: Duration) -> Response {
    // Rounded up: who comes back at the named time must not be early.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let headers = [
        (header::RETRY_AFTER, HeaderValue::from(seconds)),
        (header::CONNECTION, HeaderValue::from_static("close")),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, sentence).into_response()
}

/// All that the connections have in common.
#[derive(Debug, Clone)]
struct Visitors {
    app: App,
    /// Of the clients behind a proxy.
    requests: Arc<Door>,
}

impl Visitors {
    /// Begins with TLS, if the server has a certificate.
    async fn serve_stream<S>(self, stream: S, address: SocketAddr, stop: impl Future<Output = ()>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(tls) = self.app.tls() else {
            return self.serve_connection(stream, address, stop).await;
        };
        match timeout(self.app.limits().request_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve_connection(stream, address, stop).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
            Err(_) => tracing::debug!("the client began no TLS in time"),
        }
    }

    async fn serve_connection<S>(self, stream: S, address: SocketAddr, stop: impl Future<Output = ()>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (request_timeout, requests) = (self.app.limits().request_timeout, AtomicUsize::new(0));
        let asked = Arc::new(Notify::new());
        // Who has just come is answered once, also if the server stops meanwhile.
        let stop = {
            let asked = Arc::clone(&asked);
            async move {
                stop.await;
                asked.notified().await;
            }
        };
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            // Nobody here wants a body. Where it ends is what proxies and servers can be made to disagree on, so nothing is read behind it (RFC 9112 §11.2).
            let has_body = !request.body().is_end_stream();
            let is_last = has_body || requests.fetch_add(1, Ordering::Relaxed) + 1 >= HTTP_REQUESTS_MAX;
            asked.notify_one();
            let visitors = self.clone();
            async move {
                // One request a turn: requests that wait one behind the other would else be answered all at once, and everybody's sockets wait for that.
                yield_now().await;
                let mut response = visitors.answer(request, address).await;
                if is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, std::convert::Infallible>(response)
            }
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

    async fn answer(&self, request: hyper::Request<Incoming>, address: SocketAddr) -> Response {
        let proxies = self.app.trusted_proxies();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        let place = if proxies.is_proxy(address.ip()) {
            let client = client_address(proxies, address.ip(), request.headers());
            let Some(place) = self.requests.enter(Some(Network::of(client))) else {
                self.app.turned_away().inc();
                let sentence = "too many requests are under way, in all or from this address: try again later\n";
                let mut response = no_place(sentence, RETRY_AFTER);
                self.app.secure_headers(response.headers_mut());
                return response;
            };
            Some(place)
        } else {
            None
        };
        let response = match self.app.router().call(request).await {
            Ok(response) => response,
            Err(error) => match error {},
        };
        match place {
            Some(place) => response.map(|body| Body::new(Placed::new(body, place))),
            None => response,
        }
    }
}

/// The body of an answer that has a place until the last of it is about to be sent. It is handed on in pieces: the library lets go of a body as soon as it
/// has all of it, and would have all of a large file at once.
struct Placed {
    body: Body,
    /// What is left of the present frame.
    rest: Bytes,
    _place: Place,
}

impl Placed {
    const fn new(body: Body, place: Place) -> Self {
        let rest = Bytes::new();
        Self {
            body,
            rest,
            _place: place,
        }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        Frame::data(self.rest.split_to(self.rest.len().min(ANSWER_PIECE_BYTES)))
    }
}

impl HttpBody for Placed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let Some(Ok(frame)) = frame else {
            return Poll::Ready(frame);
        };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) => {
                self.rest = data;
                self.piece()
            }
            Err(frame) => frame,
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(rest + body.lower());
        if let Some(upper) = body.upper() {
            hint.set_upper(rest + upper);
        }
        hint
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
