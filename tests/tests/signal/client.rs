//! A rendezvous server in the test's own process, and clients that can behave badly.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use shared::{
    Identity, PeerId,
    signal::{Event, Nonce, Refusal, Request},
};
use signal::{App, Config, admin, app, serve::serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http},
};

use crate::setup::hello;

/// Anything that takes longer has failed. Never waited for in a test that passes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a free port.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Where operators are served.
    pub(crate) admin_address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
    pub(crate) app: App,
}

impl Server {
    pub(crate) async fn start(config: Config) -> Self {
        let app = app(config).expect("the server can be put together");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let admin_listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let admin_address = admin_listener.local_addr().expect("an address");
        tokio::spawn(admin::serve(admin_listener, app.clone()));
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(serve(listener, app.clone(), async { _ = stopped.await }));
        Self {
            address,
            admin_address,
            stop: Some(stop),
            task,
            app,
        }
    }

    /// Begins to stop; see [`Server::stopped`].
    pub(crate) fn stop(&mut self) {
        _ = self.stop.take().expect("stopped once").send(());
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(self) {
        let result = timeout(PATIENCE, self.task).await.expect("the server stops");
        result
            .expect("the server does not panic")
            .expect("the server does not fail");
    }

    /// Fetches a page over a connection of its own.
    pub(crate) async fn fetch(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        fetch(self.address, path, headers).await
    }

    /// Fetches what is for operators.
    pub(crate) async fn fetch_admin(&self, path: &str) -> Reply {
        fetch(self.admin_address, path, &[]).await
    }

    /// Sends a request as it is.
    pub(crate) async fn ask(&self, request: &str) -> Reply {
        ask(self.address, request).await
    }
}

/// Opens a connection from a loopback address of this machine. Any of 127.0.0.0/8 is one.
pub(crate) async fn connect_at(own: Ipv4Addr, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((own, 0).into())?;
    socket.connect(address).await
}

/// The answer of a server over HTTP.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header's value; empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = |line: &'_ str| -> Option<usize> {
            let (key, _) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(key.len() + 2)
        };
        self.head
            .lines()
            .find_map(|line| value(line).map(|start| line[start..].trim_end()))
            .unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

async fn fetch(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request += &format!("Host: {address}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    ask(address, &(request + "\r\n")).await
}

/// Sends a request as it is.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> Reply {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut reply = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut reply))
        .await
        .expect("the server answers in time")
        .expect("the server answers");
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let body = reply.split_off(end + 4);
    let head = String::from_utf8(reply).expect("text");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    Reply { status, head, body }
}

/// One thing that a client hears.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Event(Event),
    /// A close frame with this code.
    Closed(u16),
    /// The end of the connection, without a close frame.
    Gone,
}

/// A socket, not registered yet.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::connect_from(address, None)
            .await
            .expect("the server takes sockets")
    }

    /// Connects as a page of `origin` would.
    pub(crate) async fn connect_from(address: SocketAddr, origin: Option<&str>) -> Result<Self, Box<Error>> {
        let origin = origin.map(|origin| ("origin", origin));
        Self::connect_with(TcpStream::connect(address).await.map_err(Error::Io)?, origin.as_slice()).await
    }

    /// Makes a WebSocket of a connection, by a request with these headers besides the usual ones.
    pub(crate) async fn connect_with(stream: TcpStream, headers: &[(&'static str, &str)]) -> Result<Self, Box<Error>> {
        stream.set_nodelay(true).map_err(Error::Io)?;
        let address = stream.peer_addr().map_err(Error::Io)?;
        let mut request = format!("ws://{address}/ws").into_client_request()?;
        for (name, value) in headers {
            let value = http::HeaderValue::from_str(value).expect("a header's value");
            request.headers_mut().append(*name, value);
        }
        let (socket, _) = timeout(PATIENCE, client_async(request, stream))
            .await
            .expect("the server answers in time")?;
        Ok(Self { socket })
    }

    /// Connects and registers, at another loopback address of this machine.
    pub(crate) async fn join_at(own: Ipv4Addr, address: SocketAddr, identity: &Identity, room: &str) -> Self {
        let stream = connect_at(own, address).await.expect("the server accepts");
        let mut client = Self::connect_with(stream, &[]).await.expect("the server takes sockets");
        client.hello(identity, room).await;
        client
    }

    /// Connects and registers.
    pub(crate) async fn join(address: SocketAddr, identity: &Identity, room: &str) -> Self {
        let mut client = Self::connect(address).await;
        client.hello(identity, room).await;
        client
    }

    /// Registers; gives the peers that the server named.
    pub(crate) async fn hello(&mut self, identity: &Identity, room: &str) -> Vec<PeerId> {
        let nonce = self.challenge().await;
        self.send(Request::from(hello(identity, room, &nonce))).await;
        match self.hear().await {
            Heard::Event(Event::Welcome { peers, .. }) => peers,
            other @ (Heard::Event(_) | Heard::Closed(_) | Heard::Gone) => panic!("not welcome: {other:?}"),
        }
    }

    pub(crate) async fn challenge(&mut self) -> Nonce {
        match self.hear().await {
            Heard::Event(Event::Challenge { nonce, .. }) => nonce,
            other @ (Heard::Event(_) | Heard::Closed(_) | Heard::Gone) => panic!("no challenge: {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, request: Request) {
        let text = request.to_text();
        self.send_raw(Message::text(text)).await.expect("the server reads");
    }

    /// Sends whatever; an error is what a client sees that was cut off meanwhile.
    pub(crate) async fn send_raw(&mut self, message: Message) -> Result<(), Box<Error>> {
        timeout(PATIENCE, self.socket.send(message))
            .await
            .expect("the server reads in time")?;
        Ok(())
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            match timeout(PATIENCE, self.socket.next())
                .await
                .expect("the server says something")
            {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Event(serde_json::from_str(&text).expect("an event"));
                }
                Some(Ok(Message::Close(Some(frame)))) => return Heard::Closed(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Frame(_) | Message::Close(None)) | Err(_)) | None => {
                    return Heard::Gone;
                }
            }
        }
    }

    /// Hears everything until the close: the refusals before it and its code.
    pub(crate) async fn hear_close(&mut self) -> (Vec<Refusal>, u16) {
        let mut refusals = Vec::new();
        loop {
            match self.hear().await {
                Heard::Event(Event::Refused { refusal }) => refusals.push(refusal),
                Heard::Event(_) => {}
                Heard::Closed(code) => return (refusals, code),
                Heard::Gone => panic!("no close code, after {refusals:?}"),
            }
        }
    }

    pub(crate) async fn expect_refusal(&mut self, refusal: Refusal) {
        assert_eq!(self.hear().await, Heard::Event(Event::Refused { refusal }));
    }
}
