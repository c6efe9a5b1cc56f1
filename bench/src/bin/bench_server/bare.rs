//! The calibration: the smallest server that relays, on bare tokio-tungstenite.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{accept_async, tungstenite::Message};

use crate::server::announce;

/// Serves until the benchmark ends. Two sockets that name the same number get each other's messages.
pub(crate) async fn run() -> Result<()> {
    let listener = announce().await?;
    let pairs = Arc::<Mutex<Pairs>>::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve_bare(stream, Arc::clone(&pairs)));
    }
}

type Pairs = HashMap<String, Vec<mpsc::UnboundedSender<Message>>>;

async fn serve_bare(stream: TcpStream, pairs: Arc<Mutex<Pairs>>) -> Result<()> {
    let mut socket = accept_async(stream).await?;
    let pair = socket.next().await.context("no number")??.into_text()?.to_string();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let lock = || pairs.lock().unwrap_or_else(PoisonError::into_inner);
    let own = sender.clone();
    lock().entry(pair.clone()).or_default().push(sender);
    socket.send(Message::text("ok")).await?;
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
