//! The calibrations: the smallest servers that relay, on bare tokio-tungstenite with its buffers, and on axum's own WebSocket with small ones.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::{State, WebSocketUpgrade, ws},
    response::Response,
    routing::any,
    serve::ListenerExt,
};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use shared::limits::SIGNAL_MESSAGE_BYTES_MAX;
use tokio::sync::mpsc;
use tokio_tungstenite::{accept_async, tungstenite::Message};

use crate::server::announce;

/// The buffer in which axum reads a message: that of our server.
const READ_BYTES: usize = 4 * 1024;

/// Serves until the benchmark ends. Two sockets that name the same number get each other's messages.
pub(crate) async fn run() -> Result<()> {
    let listener = announce().await?;
    let pairs = Pairs::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pairs = Arc::clone(&pairs);
        tokio::spawn(async move { serve_bare(accept_async(stream).await?, pairs).await });
    }
}

/// The same on axum.
pub(crate) async fn run_axum() -> Result<()> {
    let listener = announce().await?.tap_io(|stream| _ = stream.set_nodelay(true));
    let router = Router::new()
        .route("/ws", any(upgrade))
        .with_state(Pairs::<ws::Message>::default());
    axum::serve(listener, router).await?;
    Ok(())
}

async fn upgrade(State(pairs): State<Pairs<ws::Message>>, handshake: WebSocketUpgrade) -> Response {
    let handshake = handshake
        .read_buffer_size(READ_BYTES)
        .max_message_size(SIGNAL_MESSAGE_BYTES_MAX);
    handshake.on_upgrade(async |socket| _ = serve_bare(socket, pairs).await)
}

type Pairs<M = Message> = Arc<Mutex<HashMap<String, Vec<mpsc::UnboundedSender<M>>>>>;

/// A message of either library.
trait Text: Send + Clone + fmt::Debug + 'static {
    fn of(text: &str) -> Self;
    fn text(&self) -> Option<&str>;
}

impl Text for Message {
    fn of(text: &str) -> Self {
        Self::text(text)
    }

    fn text(&self) -> Option<&str> {
        self.to_text().ok()
    }
}

impl Text for ws::Message {
    fn of(text: &str) -> Self {
        Self::text(text)
    }

    fn text(&self) -> Option<&str> {
        self.to_text().ok()
    }
}

async fn serve_bare<S, M, E>(mut socket: S, pairs: Pairs<M>) -> Result<()>
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    M: Text,
    E: std::error::Error + Send + Sync + 'static,
{
    let pair = socket
        .next()
        .await
        .context("no number")??
        .text()
        .context("no text")?
        .to_owned();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let lock = || pairs.lock().unwrap_or_else(PoisonError::into_inner);
    let own = sender.clone();
    lock().entry(pair.clone()).or_default().push(sender);
    socket.send(M::of("ok")).await?;
    loop {
        tokio::select! {
            received = socket.next() => {
                let Some(Ok(message)) = received else {
                    break;
                };
                if let Some(pair) = lock().get(&pair)
                    && let Some(partner) = pair.iter().find(|sender| !sender.same_channel(&own))
                {
                    _ = partner.send(message);
                }
            }
            message = receiver.recv() => {
                let mut message = message;
                while let Some(one) = message {
                    socket.feed(one).await?;
                    message = receiver.try_recv().ok();
                }
                socket.flush().await?;
            }
        }
    }
    if let Some(pair) = lock().get_mut(&pair) {
        pair.retain(|sender| !sender.same_channel(&own));
    }
    Ok(())
}
