//! One task a socket. Bytes come in and become requests to the hub; events of the hub become bytes and go out.
//!
//! The handshake is done here rather than with axum's `WebSocketUpgrade`, for three reasons.
//!
//! - After a message that is too big, or in a flood, unread bytes remain. A TCP connection that is closed over unread bytes
//!   sends a reset, and the reset may overtake the close code. So the task has to reach the stream below, to read the stream
//!   empty.
//! - Fragments of a message have to be counted, and only the bytes tell of them: the library puts them together and says nothing.
//! - Buffers are most of the cost of an idle socket, and here their sizes can be chosen.

use std::{cell::RefCell, future::poll_fn, io::ErrorKind, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;
use futures_util::{FutureExt, SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use shared::{
    limits::SIGNAL_MESSAGE_BYTES_MAX,
    signal::{CloseCode, Event, Refusal},
};
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
    batched_stream::BatchedStream,
    config::{DISCARDED_BYTES_MAX, READ_BATCH_MESSAGES_MAX, RETRY_AFTER, SOCKET_READ_BYTES, SOCKET_WRITE_BYTES},
    fragments::TooManyFragments,
    outbound::Next,
    serve::no_place,
    shared_hub::{ConnectError, ConnectionHandle, Inbound, SharedHub},
    wire,
};

thread_local! {
    /// The messages of one read batch. Empty between batches.
    static BATCH: RefCell<Vec<Inbound>> = const { RefCell::new(Vec::new()) };
}

type Socket = WebSocketStream<BatchedStream<TokioIo<Upgraded>>>;

/// Answers the handshake of RFC 6455 §4.2 and serves the socket in a task of its own.
pub(crate) fn upgrade(hub: Arc<SharedHub>, address: IpAddr, mut request: Request) -> Response {
    let accept = match accept_key(&request) {
        Ok(accept) => accept,
        Err(error) => return error.into_response(),
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return HandshakeError::NoUpgrade.into_response();
    };
    // The request is let go first: its headers would otherwise live as long as the socket.
    drop(request);
    // Before the upgrade, so that a socket that is refused is none. The hub counts the time until the hello from here on.
    let connection = match hub.connect(address) {
        Ok(connection) => connection,
        Err(ConnectError::Refused(refusal)) => return refused(&refusal),
        Err(error @ ConnectError::Randomness(_)) => {
            tracing::error!(%error, "no WebSocket");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    tokio::spawn(async move {
        let stream = match on_upgrade.await {
            Ok(upgraded) => BatchedStream::new(TokioIo::new(upgraded)),
            Err(error) => return tracing::debug!(%error, "the client left during the handshake"),
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(SOCKET_READ_BYTES)
            .write_buffer_size(SOCKET_WRITE_BYTES)
            .max_write_buffer_size(SOCKET_WRITE_BYTES + 4 * SIGNAL_MESSAGE_BYTES_MAX)
            .max_message_size(Some(SIGNAL_MESSAGE_BYTES_MAX))
            .max_frame_size(Some(SIGNAL_MESSAGE_BYTES_MAX));
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        serve(&connection, socket).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// The answer to a handshake for which the hub has no place.
fn refused(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::TooFast { retry_after_millis } => {
            let wait = Duration::from_millis((*retry_after_millis).into());
            no_place("too many sockets are opened from this address: try again later\n", wait)
        }
        Refusal::Draining {} => no_place("the server is about to stop: try again soon\n", RETRY_AFTER),
        Refusal::ServerFull {}
        | Refusal::Malformed {}
        | Refusal::NotRegistered {}
        | Refusal::AlreadyRegistered {}
        | Refusal::UnsupportedVersion { .. }
        | Refusal::BadSignature {}
        | Refusal::WrongHost {}
        | Refusal::RoomFull {}
        | Refusal::PeerNotHere { .. }
        | Refusal::PeerBusy { .. }
        | Refusal::PayloadTooLarge {} => no_place(
            "there are too many sockets, in all or from this address: try again later\n",
            RETRY_AFTER,
        ),
    }
}

/// Why a request is no handshake of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum HandshakeError {
    #[error("this is the address of a WebSocket")]
    NoUpgrade,
    #[error("only version 13 of the WebSocket protocol is spoken here")]
    Version,
    #[error("a WebSocket handshake has one key, of 16 bytes")]
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
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(HandshakeError::NoKey);
    };
    let is_key = BASE64.decode(key.as_bytes()).is_ok_and(|key| key.len() == 16);
    let accept = is_key.then(|| HeaderValue::from_str(&derive_accept_key(key.as_bytes())));
    accept.and_then(Result::ok).ok_or(HandshakeError::NoKey)
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

async fn serve(connection: &ConnectionHandle, mut socket: Socket) {
    let end = run(connection, &mut socket).await;
    let linger = connection.hub().limits().linger;
    match end {
        End::Close(code) | End::Protocol(code) => Box::pin(hang_up(socket, code, linger)).await,
        // Lets the answer to the client's close go out.
        End::Gone => _ = timeout(linger, socket.close(None)).await,
    }
}

async fn run(connection: &ConnectionHandle, socket: &mut Socket) -> End {
    loop {
        // First all waiting events go out, in few writes …
        if let Err(end) = send_waiting(connection, socket).await {
            return end;
        }
        // … then the task waits for a message, or for something to send.
        let message = tokio::select! {
            message = socket.next() => message,
            () = connection.queue().changed() => continue,
        };
        let read = BATCH.with_borrow_mut(|batch| read_batch(message, socket, batch, connection));
        // The answers to the client's pings wait in the socket.
        if let Err(end) = flush(connection, socket).await.and(read) {
            return end;
        }
    }
}

/// Reads `message` and the messages that are there already behind it, so that the hub is called once for all of them.
fn read_batch(
    message: Option<Result<Message, tungstenite::Error>>,
    socket: &mut Socket,
    batch: &mut Vec<Inbound>,
    connection: &ConnectionHandle,
) -> Result<(), End> {
    let mut message = Some(message);
    let mut end = Ok(());
    while let Some(next) = message.take() {
        match inbound(next) {
            // Nothing is read behind the head of this message: the socket would only end with another error, and without a code.
            Ok(last @ (Inbound::TooBig | Inbound::Endless)) => batch.push(last),
            Ok(inbound) => {
                batch.push(inbound);
                if batch.len() < READ_BATCH_MESSAGES_MAX {
                    message = socket.next().now_or_never();
                }
            }
            Err(error) => end = Err(error),
        }
    }
    // Messages from before the end count.
    connection.handle(batch);
    end
}

fn inbound(message: Option<Result<Message, tungstenite::Error>>) -> Result<Inbound, End> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(Inbound::from_text(text.as_str())),
        Some(Ok(Message::Binary(bytes))) => Ok(Inbound::Malformed { bytes: bytes.len() }),
        // The library answers pings by itself.
        Some(Ok(message @ (Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {
            Ok(Inbound::SignOfLife { bytes: message.len() })
        }
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Err(error)) => match error {
            tungstenite::Error::Capacity(_) => Ok(Inbound::TooBig),
            tungstenite::Error::Utf8(_) => Err(End::Protocol(1007)),
            tungstenite::Error::Protocol(_) => Err(End::Protocol(1002)),
            tungstenite::Error::Io(error) if error.get_ref().is_some_and(|error| error.is::<TooManyFragments>()) => {
                Ok(Inbound::Endless)
            }
            tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed
            | tungstenite::Error::Io(_)
            | tungstenite::Error::Tls(_)
            | tungstenite::Error::WriteBufferFull(_)
            | tungstenite::Error::AttackAttempt
            | tungstenite::Error::Url(_)
            | tungstenite::Error::Http(_)
            | tungstenite::Error::HttpFormat(_) => Err(End::Gone),
        },
    }
}

/// Sends the events that wait in the queue.
async fn send_waiting(connection: &ConnectionHandle, socket: &mut Socket) -> Result<(), End> {
    let mut batch = Vec::new();
    loop {
        match connection.queue().take(&mut batch) {
            Next::Send => {}
            Next::Close(code) => return Err(End::Close(code.code())),
            Next::Nothing => return Ok(()),
        }
        for event in batch.drain(..) {
            // Events are plain data, so writing does not fail. If writing did fail, nobody could read the event anyway.
            if let Ok(text) = wire::write(&event) {
                send(connection, socket, &event, Message::text(text)).await?;
            }
        }
        flush(connection, socket).await?;
    }
}

/// Gives a message to the socket, as soon as it has room.
async fn send(connection: &ConnectionHandle, socket: &mut Socket, event: &Event, message: Message) -> Result<(), End> {
    let ready = poll_fn(|context| socket.poll_ready_unpin(context)).await;
    let sent = ready.and_then(|()| socket.start_send_unpin(message));
    sent.map_err(|error| end_of_write(connection, Some(event), &error))
}

/// Writes out the sent messages.
async fn flush(connection: &ConnectionHandle, socket: &mut Socket) -> Result<(), End> {
    let flushed = socket.flush().await;
    flushed.map_err(|error| end_of_write(connection, None, &error))
}

/// What comes of a write that failed: the connection is broken, or the client did not read (see [`Paced`](crate::paced::Paced)).
fn end_of_write(connection: &ConnectionHandle, lost: Option<&Event>, error: &tungstenite::Error) -> End {
    if is_stalled(error) {
        connection.handle_slow_reader(lost);
        End::Close(CloseCode::SlowReader.code())
    } else {
        End::Gone
    }
}

fn is_stalled(error: &tungstenite::Error) -> bool {
    matches!(error, tungstenite::Error::Io(error) if error.kind() == ErrorKind::TimedOut)
}

/// Sends the close code and sees that the code arrives: nothing more is sent, and arriving bytes are discarded until the client
/// has hung up too. Bounded in time and bytes.
async fn hang_up(mut socket: Socket, code: u16, linger: Duration) {
    let goodbye = async {
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        let mut sent = socket.close(Some(frame)).await;
        // A client that does not read is waited for, too, for as long as a socket lingers.
        while sent.as_ref().is_err_and(is_stalled) {
            sent = socket.flush().await;
        }
        if sent.is_err() {
            return;
        }
        let stream = socket.get_mut();
        stream.stop_counting();
        if stream.shutdown().await.is_err() {
            return;
        }
        let (mut scratch, mut discarded) = ([0; 1024], 0);
        while discarded < DISCARDED_BYTES_MAX {
            match stream.read(&mut scratch).await {
                Ok(0) | Err(_) => return,
                Ok(bytes) => discarded += bytes,
            }
        }
    };
    // In time or not, the socket is closed after this.
    _ = timeout(linger, goodbye).await;
}

#[expect(dead_code, reason = "compile-time check: an event in a queue must stay small")]
const EVENT_IS_SMALL: () = assert!(size_of::<Event>() <= 96);
