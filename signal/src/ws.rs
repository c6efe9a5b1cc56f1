//! One task a socket: bytes in, requests to the hub; events from the hub, bytes out.
//!
//! The handshake is done here rather than with axum's `WebSocketUpgrade`, for two reasons. After a message that is too
//! big, or in a flood, unread bytes remain; to close the TCP connection over them sends a reset, which may overtake
//! the close code; so the task has to reach the stream below, to read it empty. And the size of every buffer, which
//! is most of what an idle socket costs, is chosen in one place.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use shared::{limits::SIGNAL_MESSAGE_BYTES_MAX, signal::Event};
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use crate::{
    line::Next,
    serve::Place,
    switchboard::{Seat, Switchboard},
};

/// Read at once; most messages fit.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Collected before a write, so that a burst of small messages is one system call.
const WRITE_BUFFER_BYTES: usize = 8 * 1024;

/// Discarded after a close at most: a client that has not stopped by then is not going to read the close code either.
const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Answers the handshake of RFC 6455 §4.2 and serves the socket in a task of its own.
pub(crate) fn upgrade(switchboard: Arc<Switchboard>, address: IpAddr, mut request: Request) -> Response {
    let accept = match accept_key(&request) {
        Ok(accept) => accept,
        Err(error) => return error.into_response(),
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return HandshakeError::NoUpgrade.into_response();
    };
    let place = request.extensions_mut().remove::<Place>();
    // The request is let go first: its headers would otherwise live as long as the socket.
    drop(request);
    tokio::spawn(async move {
        let stream = match on_upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => return tracing::debug!(%error, "the client left during the handshake"),
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_write_buffer_size(WRITE_BUFFER_BYTES + 4 * SIGNAL_MESSAGE_BYTES_MAX)
            .max_message_size(Some(SIGNAL_MESSAGE_BYTES_MAX))
            .max_frame_size(Some(SIGNAL_MESSAGE_BYTES_MAX));
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        match switchboard.connect(address) {
            Ok(seat) => serve(&seat, socket).await,
            Err(error) => tracing::error!(%error, "no randomness for a challenge"),
        }
        drop(place);
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// Why a request is no handshake of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum HandshakeError {
    #[error("this is the address of a WebSocket")]
    NoUpgrade,
    #[error("only version 13 of the WebSocket protocol is spoken here")]
    Version,
    #[error("the WebSocket handshake has no key")]
    NoKey,
}

impl IntoResponse for HandshakeError {
    fn into_response(self) -> Response {
        let sentence = format!("{self}\n");
        match self {
            Self::NoUpgrade => {
                (StatusCode::UPGRADE_REQUIRED, [(header::UPGRADE, "websocket")], sentence).into_response()
            }
            Self::Version => {
                let version = [(header::SEC_WEBSOCKET_VERSION, "13")];
                (StatusCode::UPGRADE_REQUIRED, version, sentence).into_response()
            }
            Self::NoKey => (StatusCode::BAD_REQUEST, sentence).into_response(),
        }
    }
}

/// Checks that the request is a handshake and computes the proof that we understood it.
fn accept_key(request: &Request) -> Result<HeaderValue, HandshakeError> {
    let headers = request.headers();
    if request.method() != Method::GET
        || !has_token(headers, &header::CONNECTION, "upgrade")
        || !has_token(headers, &header::UPGRADE, "websocket")
    {
        return Err(HandshakeError::NoUpgrade);
    }
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return Err(HandshakeError::Version);
    }
    headers
        .get(header::SEC_WEBSOCKET_KEY)
        .and_then(|key| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok())
        .ok_or(HandshakeError::NoKey)
}

/// Whether a header that is a list names `token`.
fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|entry| entry.trim().eq_ignore_ascii_case(token))
}

/// Why the task of a socket ends.
enum End {
    /// The hub wants it closed with this code.
    Close(u16),
    /// The client broke the WebSocket protocol itself.
    Protocol(u16),
    /// The client hung up, or the connection broke.
    Gone,
}

async fn serve(seat: &Seat, mut socket: Socket) {
    let end = run(seat, &mut socket).await;
    let linger = seat.switchboard().limits().linger;
    match end {
        End::Close(code) | End::Protocol(code) => Box::pin(hang_up(socket, code, linger)).await,
        // Lets the answer to the client's close go out.
        End::Gone => _ = timeout(linger, socket.close(None)).await,
    }
}

async fn run(seat: &Seat, socket: &mut Socket) -> End {
    loop {
        // First everything that waits goes out, in as few writes as fit the buffer …
        match send_waiting(seat, socket).await {
            Ok(()) => {}
            Err(end) => return end,
        }
        // … then whatever comes first: a message, or something to send.
        let message = tokio::select! {
            message = socket.next() => message,
            () = seat.line().changed() => continue,
        };
        match message {
            Some(Ok(Message::Text(text))) => seat.handle_text(text.as_str()),
            Some(Ok(Message::Binary(_))) => seat.handle_malformed(),
            // The library answers pings by itself, with the next write.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                seat.handle_sign_of_life();
                if !flush(seat, socket).await {
                    seat.handle_slow_reader(None);
                }
            }
            Some(Ok(Message::Close(_))) | None => return End::Gone,
            Some(Err(error)) => match error {
                tungstenite::Error::Capacity(_) => seat.handle_too_big(),
                tungstenite::Error::Utf8(_) => return End::Protocol(1007),
                tungstenite::Error::Protocol(_) => return End::Protocol(1002),
                tungstenite::Error::ConnectionClosed
                | tungstenite::Error::AlreadyClosed
                | tungstenite::Error::Io(_)
                | tungstenite::Error::Tls(_)
                | tungstenite::Error::WriteBufferFull(_)
                | tungstenite::Error::AttackAttempt
                | tungstenite::Error::Url(_)
                | tungstenite::Error::Http(_)
                | tungstenite::Error::HttpFormat(_) => return End::Gone,
            },
        }
    }
}

/// Sends what waits in the line. A write has a time limit, and ends early when the line was given up.
async fn send_waiting(seat: &Seat, socket: &mut Socket) -> Result<(), End> {
    let limit = seat.switchboard().limits().write_timeout;
    let mut unflushed = false;
    loop {
        match seat.line().pop() {
            Next::Send(event) => {
                let Ok(text) = serde_json::to_string(&event) else {
                    // Events are plain data: this does not happen, and if it did, it would be for nobody to read.
                    continue;
                };
                let sent = tokio::select! {
                    biased;
                    sent = timeout(limit, socket.feed(Message::text(text))) => sent,
                    () = seat.line().given_up() => continue,
                };
                match sent {
                    Ok(Ok(())) => unflushed = true,
                    Ok(Err(_)) => return Err(End::Gone),
                    Err(_) => seat.handle_slow_reader(Some(&event)),
                }
            }
            Next::Close(code) => return Err(End::Close(code.code())),
            Next::Nothing if unflushed => {
                if !flush(seat, socket).await {
                    seat.handle_slow_reader(None);
                }
                unflushed = false;
            }
            Next::Nothing => return Ok(()),
        }
    }
}

/// Writes out what was fed. `false` if the client did not read it in time.
async fn flush(seat: &Seat, socket: &mut Socket) -> bool {
    let limit = seat.switchboard().limits().write_timeout;
    tokio::select! {
        biased;
        // A broken connection shows at the next read.
        flushed = timeout(limit, socket.flush()) => flushed.is_ok(),
        () = seat.line().given_up() => true,
    }
}

/// Sends the close code and sees that it arrives: nothing more is sent, what still comes is discarded until the
/// client has hung up too. Bounded in time and bytes.
async fn hang_up(mut socket: Socket, code: u16, linger: Duration) {
    let goodbye = async {
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        if socket.close(Some(frame)).await.is_err() {
            return;
        }
        let stream = socket.get_mut();
        if stream.shutdown().await.is_err() {
            return;
        }
        let (mut scratch, mut discarded) = ([0; 1024], 0);
        while discarded < LINGER_BYTES_MAX {
            match stream.read(&mut scratch).await {
                Ok(0) | Err(_) => return,
                Ok(bytes) => discarded += bytes,
            }
        }
    };
    // Whether in time or not: the socket is closed after this.
    _ = timeout(linger, goodbye).await;
}

#[expect(dead_code, reason = "compile-time check: an event in a queue must stay small")]
const EVENT_IS_SMALL: () = assert!(size_of::<Event>() <= 96);
