//! A WebSocket (RFC 6455) to a rendezvous server: typed messages in, text out.
//!
//! One task a socket opens it, reads it and writes it. What waits to be written is bounded: a server that does not read is given up, as
//! one that is gone.

use std::{io, sync::Arc};

use axum::http::Uri;
use client::{config::CLOSE_ABNORMAL, driver::Events, signalling};
use futures_util::{SinkExt, StreamExt};
use mesh::io::{Input, ServerId};
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use shared::limits::SIGNAL_MESSAGE_BYTES_MAX;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::mpsc,
    task::spawn_local,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error as WebSocketError, Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

use crate::{
    config::{SERVER_CLOSE_MAX, SERVER_CONNECT_MAX, SERVER_QUEUE_MAX, SERVER_SEND_MAX},
    tls::Tls,
};

/// No limit: the close code of a socket that was closed without one (RFC 6455 §7.4.1).
const CLOSE_WITHOUT_CODE: u16 = 1005;

/// A socket. Dropping it closes it and silences it: no event comes after.
#[derive(Debug)]
pub(crate) struct Signaller {
    server: ServerId,
    texts: mpsc::Sender<String>,
    events: Events,
}

/// Why a socket could not be opened.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    #[error("the address of the server cannot be read")]
    Address,
    #[error("the server cannot be reached")]
    Reach(#[from] io::Error),
    #[error("the name of the server is none that a certificate can have")]
    Name(#[from] InvalidDnsNameError),
    #[error("the server does not take the socket")]
    Refused(#[from] WebSocketError),
    #[error("the server does not answer")]
    Late,
}

impl Signaller {
    /// Opens a socket to `url`. Has to be called within a [`LocalSet`](tokio::task::LocalSet).
    pub(crate) fn open(server: ServerId, url: &str, tls: &Tls, events: &Events) -> Self {
        let (texts, queue) = mpsc::channel(SERVER_QUEUE_MAX);
        // The task ends by itself: once the queue's other end is dropped, or the socket is closed.
        spawn_local(serve(server, url.to_owned(), tls.clone(), queue, events.clone()));
        let events = events.clone();
        Self { server, texts, events }
    }

    /// Sends a message. If the socket is not open any more, its close is under way and will be reported.
    pub(crate) fn send(&self, text: &str) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.texts.try_send(text.to_owned()) {
            tracing::debug!(server = self.server.0, "a server does not read");
            let (server, code) = (self.server, CLOSE_ABNORMAL);
            self.events.input(Input::ServerDown { server, code });
        }
    }
}

/// The life of a socket.
async fn serve(server: ServerId, url: String, tls: Tls, mut queue: mpsc::Receiver<String>, events: Events) {
    let code = match timeout(SERVER_CONNECT_MAX, open(&url, &tls))
        .await
        .unwrap_or(Err(OpenError::Late))
    {
        Ok(socket) => exchange(socket, server, &mut queue, &events).await,
        Err(error) => {
            tracing::debug!(%url, error = &error as &dyn std::error::Error, "a socket cannot be opened");
            Some(CLOSE_ABNORMAL)
        }
    };
    // Who does not want it any more hears nothing of it.
    if let Some(code) = code
        && !queue.is_closed()
    {
        events.input(Input::ServerDown { server, code });
    }
}

/// What carries a socket: TCP, or TLS over it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

type Socket = WebSocketStream<Box<dyn Stream>>;

async fn open(url: &str, tls: &Tls) -> Result<Socket, OpenError> {
    let request = url.into_client_request().map_err(|_| OpenError::Address)?;
    let stream = reach(request.uri(), tls).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(SIGNAL_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(SIGNAL_MESSAGE_BYTES_MAX));
    let (socket, _) = client_async_with_config(request, stream, Some(limits)).await?;
    Ok(socket)
}

/// Opens a connection to where an address leads, with TLS if it says so.
pub(crate) async fn reach(uri: &Uri, tls: &Tls) -> Result<Box<dyn Stream>, OpenError> {
    let (host, port, is_secure) = place(uri).ok_or(OpenError::Address)?;
    let tcp = TcpStream::connect((host.as_str(), port)).await?;
    // Messages are short, and somebody waits for each.
    tcp.set_nodelay(true)?;
    if is_secure {
        let name = ServerName::try_from(host)?;
        let connector = TlsConnector::from(Arc::clone(tls.config()));
        Ok(Box::new(connector.connect(name, tcp).await?))
    } else {
        Ok(Box::new(tcp))
    }
}

/// Host, port and whether TLS is asked for.
fn place(uri: &Uri) -> Option<(String, u16, bool)> {
    let is_secure = match uri.scheme_str()? {
        "ws" => false,
        "wss" => true,
        _ => return None,
    };
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    // IPv6 addresses stand in brackets there.
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    Some((host.to_owned(), port, is_secure))
}

/// Reads and writes an open socket until it ends. Gives the close code; `None` if it was dropped here.
async fn exchange(
    mut socket: Socket,
    server: ServerId,
    queue: &mut mpsc::Receiver<String>,
    events: &Events,
) -> Option<u16> {
    loop {
        tokio::select! {
            text = queue.recv() => match text {
                Some(text) => {
                    let sent = timeout(SERVER_SEND_MAX, socket.send(Message::text(text))).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        return Some(CLOSE_ABNORMAL);
                    }
                }
                None => {
                    // Nobody waits for it.
                    let _ = timeout(SERVER_CLOSE_MAX, socket.close(None)).await;
                    return None;
                }
            },
            message = socket.next() => match message {
                // It was dropped here. What was said before goes out still.
                Some(Ok(Message::Text(_))) if queue.is_closed() => {}
                Some(Ok(Message::Text(text))) => read(&text, server, events),
                Some(Ok(Message::Close(frame))) => {
                    // The answer is sent by reading on, if the server still listens.
                    let _ = timeout(SERVER_CLOSE_MAX, socket.next()).await;
                    return Some(frame.map_or(CLOSE_WITHOUT_CODE, |frame| frame.code.into()));
                }
                // What is no text comes from no server of ours; pings are answered by the socket.
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => {
                    tracing::debug!(%error, "a socket failed");
                    return Some(CLOSE_ABNORMAL);
                }
                None => return Some(CLOSE_ABNORMAL),
            },
        }
    }
}

fn read(text: &str, server: ServerId, events: &Events) {
    match signalling::parse(text, |text| serde_json::from_str(text).ok()) {
        Ok(event) => events.input(Input::Signal { server, event }),
        Err(error) => tracing::debug!(%error, "a message of a server is dropped"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use client::driver::{DriverEvent, EventQueue};
    use shared::signal::Event;
    use tokio::{net::TcpListener, task::LocalSet};
    use tokio_tungstenite::{
        accept_async,
        tungstenite::protocol::{CloseFrame, frame::coding::CloseCode},
    };

    use super::*;

    const SERVER: ServerId = ServerId(3);

    /// A server's end of a socket.
    type Accepted = WebSocketStream<TcpStream>;

    /// Opens a socket to a server that does `work` with the first one.
    async fn with_server<F: Future<Output = ()>>(work: impl FnOnce(Accepted, Signaller, EventQueue) -> F) {
        let all = async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("ws://{}/ws", listener.local_addr().unwrap());
            let (events, queue) = Events::channel();
            let signaller = Signaller::open(SERVER, &url, &Tls::trusting([]).unwrap(), &events);
            let (stream, _) = listener.accept().await.unwrap();
            work(accept_async(stream).await.unwrap(), signaller, queue).await;
        };
        LocalSet::new().run_until(all).await;
    }

    async fn next(queue: &mut EventQueue) -> DriverEvent {
        let next = timeout(Duration::from_secs(10), queue.next()).await;
        next.expect("something happens").unwrap()
    }

    fn down(code: u16) -> DriverEvent {
        DriverEvent::Input(Input::ServerDown { server: SERVER, code })
    }

    #[tokio::test]
    async fn what_is_said_arrives_and_what_is_not_understood_is_dropped() {
        with_server(async |mut socket, signaller, mut queue| {
            signaller.send("hello");
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
            socket.send(Message::text("nonsense")).await.unwrap();
            socket.send(Message::binary(b"{\"ping\":{}}".to_vec())).await.unwrap();
            socket.send(Message::text(r#"{"pong":{}}"#)).await.unwrap();
            let (server, event) = (SERVER, Event::Pong {});
            assert_eq!(
                next(&mut queue).await,
                DriverEvent::Input(Input::Signal { server, event })
            );
        })
        .await;
    }

    #[tokio::test]
    async fn the_code_of_a_close_is_told() {
        for (code, expected) in [(Some(4004), 4004), (None, CLOSE_WITHOUT_CODE)] {
            with_server(async |mut socket, _signaller, mut queue| {
                let frame = code.map(|code| CloseFrame {
                    code: CloseCode::from(code),
                    reason: "".into(),
                });
                socket.close(frame).await.unwrap();
                assert_eq!(next(&mut queue).await, down(expected));
            })
            .await;
        }
    }

    #[tokio::test]
    async fn a_server_that_vanishes_or_is_not_there_is_down() {
        with_server(async |socket, _signaller, mut queue| {
            drop(socket);
            assert_eq!(next(&mut queue).await, down(CLOSE_ABNORMAL));
        })
        .await;
        let nobody = async {
            let (events, mut queue) = Events::channel();
            for url in ["ws://127.0.0.1:1/ws", "http://127.0.0.1:1/", "nonsense"] {
                let _signaller = Signaller::open(SERVER, url, &Tls::trusting([]).unwrap(), &events);
                assert_eq!(next(&mut queue).await, down(CLOSE_ABNORMAL), "{url}");
            }
        };
        LocalSet::new().run_until(nobody).await;
    }

    #[tokio::test]
    async fn a_socket_that_is_dropped_closes_and_says_nothing() {
        with_server(async |mut socket, signaller, mut queue| {
            signaller.send("the last");
            drop(signaller);
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("the last"));
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::Close(None));
            while let Some(Ok(_)) = socket.next().await {}
            assert_eq!(queue.try_next(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn nothing_is_heard_of_a_socket_that_was_dropped_however_it_ends() {
        with_server(async |mut socket, signaller, mut queue| {
            socket.send(Message::text(r#"{"pong":{}}"#)).await.unwrap();
            drop(signaller);
            drop(socket);
            assert_eq!(queue_after_a_moment(&mut queue).await, None);
        })
        .await;
        with_server(async |mut socket, signaller, mut queue| {
            socket.close(None).await.unwrap();
            drop(signaller);
            assert_eq!(queue_after_a_moment(&mut queue).await, None);
        })
        .await;
    }

    async fn queue_after_a_moment(queue: &mut EventQueue) -> Option<DriverEvent> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        queue.try_next()
    }

    #[tokio::test]
    async fn a_server_that_does_not_read_is_given_up() {
        with_server(async |_socket, signaller, mut queue| {
            // Nothing is read meanwhile, so only the queue takes it.
            for _ in 0..=SERVER_QUEUE_MAX {
                signaller.send("x");
            }
            assert_eq!(next(&mut queue).await, down(CLOSE_ABNORMAL));
        })
        .await;
    }
}
