//! STUN (RFC 8489, binding only, over UDP): tells browsers from which address they are seen, so that peers behind different NATs can link.
//!
//! [`StunSockets`] are the ports and what is announced of them, `socket` is one of them, `message` is the request and its answer as bytes, `buckets`
//! is how often an address may ask. Here, [`serve`] is the loop that puts them together.
//!
//! Whoever answers to the source of a datagram answers to whatever source somebody wrote there. So: an answer is hardly larger than its request,
//! an address has a rate, memory is fixed, nothing is allocated or logged for a datagram, and responses are not answered. If the system cannot
//! take an answer at once, the answer is dropped; a client asks again.
//!
//! Not here: TURN, TCP, and RFC 5780, the discovery of a NAT's kind by one server. A page that asks two ports finds out what matters to it: whether
//! its NAT shows both the same address.

mod buckets;
pub(crate) mod message;
mod ports;
mod socket;

use std::{
    io::ErrorKind,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::task::JoinSet;

use crate::{
    App,
    config::{Rate, STUN_PAUSE, STUN_READ_BYTES_MAX},
    metrics::StunCounters,
};
use buckets::Buckets;
use socket::{Received, Socket};

pub use ports::{BindStunError, StunSockets};

/// Answers on `sockets`, within the limits of `app` and counted by it. Never returns while there are sockets; to drop it closes them.
pub async fn serve(sockets: StunSockets, app: App) {
    let service = Arc::new(Service {
        rate: app.limits().stun_rate,
        buckets: Mutex::new(Buckets::new()),
        counters: app.stun_counters().clone(),
    });
    let mut tasks = JoinSet::new();
    for socket in sockets.into_sockets() {
        tasks.spawn(serve_socket(socket, Arc::clone(&service)));
    }
    while tasks.join_next().await.is_some() {}
}

/// What the sockets share: an address has one rate, whichever port it asks.
struct Service {
    rate: Rate,
    buckets: Mutex<Buckets>,
    counters: StunCounters,
}

async fn serve_socket(socket: Socket, service: Arc<Service>) {
    let mut buffer = vec![0; STUN_READ_BYTES_MAX];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(received) => service.handle(&socket, &received),
            Err(error) if is_of_one_datagram(error.kind()) => {}
            Err(error) => {
                tracing::debug!(%error, "cannot read STUN requests");
                tokio::time::sleep(STUN_PAUSE).await;
            }
        }
    }
}

impl Service {
    fn handle(&self, socket: &Socket, received: &Received<'_>) {
        let from = received.from;
        for datagram in received.datagrams() {
            let Some(answer) = message::answer(datagram, from) else {
                self.counters.ignored.inc();
                continue;
            };
            if !self.takes(from) {
                self.counters.refused.inc();
                continue;
            }
            match socket.try_send(answer.as_bytes(), from, received.at) {
                Ok(()) => self.counters.answered.inc(),
                Err(_) => self.counters.unsent.inc(),
            };
        }
    }

    /// Whether `from` may ask now.
    fn takes(&self, from: SocketAddr) -> bool {
        // A table that a panic left behind is still a table.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(Instant::now(), from.ip(), self.rate)
    }
}

/// Whether the error tells of an earlier answer that did not arrive. The next read tells of something else.
fn is_of_one_datagram(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
    )
}
