//! A peer that listens: it introduces those who come to it, as a rendezvous server does, for its own room alone.
//!
//! The server of the crate [`signal`] runs here, on a thread of its own: whatever strangers send there costs neither the mesh nor the person a
//! turn. It speaks the protocol of rendezvous servers, so the mesh needs to know nothing of bootnodes, and whoever can speak with a server can speak
//! with a peer. The peer that listens registers with itself like everybody else; so it is among those whom it names.
//!
//! Who comes proves to hold the key that they name, and the room's. Whoever answers proves nothing here: an answer brings names of keys and sealed
//! envelopes, and a link is made only with who opens the envelope that was sealed to their key, and signs the answer to it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    thread,
};

use signal::{
    AppError, Config,
    config::{Limits, Rate, RoomHost},
};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::{
    config::{
        HANDSHAKE_MAX, HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX, HELLOS_RATE, MESSAGE_BYTES_RATE, MESSAGES_RATE,
        PEERS_MAX, PEERS_PER_ADDRESS_MAX,
    },
    direct::ListenAt,
};

/// Nobody can come.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The address cannot be used.
    #[error("others cannot come to {at}: another program may have that port. Choose another one with --listen")]
    Bind {
        /// Which.
        at: ListenAt,
        /// Why.
        source: io::Error,
    },
    /// The system fails.
    #[error("the system does not let this program listen")]
    System(#[from] io::Error),
    /// The server cannot be put together.
    #[error(transparent)]
    App(#[from] AppError),
}

/// A peer's own door. Others can come for as long as this is there.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    /// Dropped with this, and thereby ready.
    _stop: oneshot::Sender<()>,
}

impl Listener {
    /// Lets others of a room come to the peer that hosts it.
    ///
    /// # Errors
    /// [`ListenError`], which says what to do.
    pub async fn start(at: ListenAt, host: RoomHost) -> Result<Self, ListenError> {
        let listener = bind(at).map_err(|source| ListenError::Bind { at, source })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (started, starting) = oneshot::channel();
        let thread = thread::Builder::new().name("listener".to_owned());
        thread.spawn(move || run(listener, host, started, stopped))?;
        starting
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))??;
        Ok(Self { address, _stop: stop })
    }

    /// Where it listens: with the port that the system chose, if it was to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the door as that of a rendezvous server, for this program itself.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.own_address())
    }

    fn own_address(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            // Whoever listens at all addresses of IPv6 is reached by those of IPv4, too.
            ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }
}

fn bind(at: ListenAt) -> io::Result<TcpListener> {
    let bind = |ip: IpAddr| TcpListener::bind((ip, at.port));
    match at.ip {
        Some(ip) => bind(ip),
        // Where there is no IPv6 at all.
        None => bind(Ipv6Addr::UNSPECIFIED.into()).or_else(|_| bind(Ipv4Addr::UNSPECIFIED.into())),
    }
}

/// The life of the thread.
fn run(
    listener: TcpListener,
    host: RoomHost,
    started: oneshot::Sender<Result<(), ListenError>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // Whoever started it is gone if nobody listens, here and below.
            let _ = started.send(Err(error.into()));
            return;
        }
    };
    runtime.block_on(async {
        let prepared = signal::app(config(host)).map_err(ListenError::from);
        let prepared = prepared.and_then(|app| Ok((app, tokio::net::TcpListener::from_std(listener)?)));
        match prepared {
            Ok((app, listener)) => {
                let _ = started.send(Ok(()));
                let stop = async move {
                    let _ = stopped.await;
                };
                if let Err(error) = signal::serve::serve(listener, app, stop).await {
                    tracing::error!(%error, "nobody can come any more");
                }
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        }
    });
}

fn config(host: RoomHost) -> Config {
    let rate = |(per_second, burst)| Rate::new(per_second, burst);
    Config {
        limits: Limits {
            connections_max: PEERS_MAX,
            connections_per_address_max: PEERS_PER_ADDRESS_MAX,
            http_connections_max: HANDSHAKES_MAX,
            http_connections_per_address_max: HANDSHAKES_PER_ADDRESS_MAX,
            rooms_max: 1,
            room_host: Some(host),
            peers_per_room_max: PEERS_MAX,
            closings_max: 1,
            registration_rate: rate(HELLOS_RATE),
            address_rate: rate(MESSAGES_RATE),
            address_bytes_rate: rate(MESSAGE_BYTES_RATE),
            hello_timeout: HANDSHAKE_MAX,
            request_timeout: HANDSHAKE_MAX,
            ..Limits::default()
        },
        ..Config::default()
    }
}

#[cfg(test)]
mod tests;
