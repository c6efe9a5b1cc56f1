//! What other programs of this machine can ask for by HTTP, and have done.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | how things stand |
//! | `GET /people` | who is in the room |
//! | `GET /messages?since=CURSOR` | the messages that came since then, in the order in which they came, and the next cursor; without one, all that are shown |
//! | `GET /network?format=json` (also `dot`, `svg`) | who is linked with whom |
//! | `GET /files` | which files were offered |
//! | `POST /say` with `{"text":"…"}` | the id of the message |
//! | `POST /whisper` with `{"name":"…","text":"…"}`, `GET /whisper?name=…&message=…` | the same; by `GET` only with a token |
//! | `POST /files` with `{"path":"…"}` | 202: it is being read, and then offered |
//! | `GET /events` | all that happens, as server-sent events: [reports](crate::report::Report), and `lagged` where some were missed |
//! | `GET /openapi.json` | this table, for programs |
//!
//! Errors are problems of RFC 9457. Every request passes `guard`: it has to carry the token, and must not come from a page of a browser. A socket in the file system has
//! the same guard, and is open to this user alone.
//!
//! Requests are answered by the loop of the visit, one after the other; past [`ASKS_WAITING_MAX`](crate::config::ASKS_WAITING_MAX) they wait.

mod events;
mod guard;
mod problem;
mod routes;
mod start;
#[cfg(unix)]
mod unix;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use axum::Router;
use thiserror::Error;
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc},
};

pub use self::{
    guard::Access,
    start::{Answering, At, ParseAtError, start},
};
use crate::{config::TOKEN_BYTES, home::write_private, report::Report, run::Ask};

/// No server.
#[derive(Debug, Error)]
pub enum HttpError {
    /// Others in the network would reach it.
    #[error(
        "{0} can be reached from other machines. Use 127.0.0.1, or say --http-beyond-loopback if that is what you want"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be used.
    #[error("{address} cannot be listened at. Choose another port")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The socket in the file system cannot be made.
    #[error(
        "no socket can be made at {}. Choose another path: in a folder that is there, and where there is no other file and no program that answers", path.display()
    )]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The token cannot be kept.
    #[error("the token cannot be written")]
    Token(#[source] io::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers for a token")]
    Randomness,
}

/// How far others may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// From this machine.
    Loopback,
    /// From other machines, too.
    Network,
}

/// A server that is about to answer.
#[derive(Debug)]
pub struct Server {
    door: Door,
    app: Router,
}

/// Where it listens.
#[derive(Debug)]
enum Door {
    Tcp(TcpListener, SocketAddr),
    #[cfg(unix)]
    Unix(unix::Socket),
}

/// What requests are answered from.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    asks: mpsc::Sender<Ask>,
    events: broadcast::Sender<Report>,
}

/// Makes a token and writes it to a file that this user alone may read.
///
/// # Errors
/// [`HttpError`].
pub fn new_token(path: &Path) -> Result<String, HttpError> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| HttpError::Randomness)?;
    let token = data_encoding::HEXLOWER.encode(&bytes);
    write_private(path, token.as_bytes()).map_err(HttpError::Token)?;
    Ok(token)
}

impl Server {
    /// Listens at an address. Questions go to `asks`; `events` has what happens.
    ///
    /// # Errors
    /// [`HttpError`], which says what to do.
    pub async fn listen(
        address: SocketAddr,
        beyond: Beyond,
        access: Access,
        asks: mpsc::Sender<Ask>,
        events: broadcast::Sender<Report>,
    ) -> Result<Self, HttpError> {
        if beyond == Beyond::Loopback && !address.ip().is_loopback() {
            return Err(HttpError::NotLoopback(address));
        }
        let failed = |source| HttpError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let app = routes::app(Room { asks, events }, &access);
        let app = guard::guarded(app, access, guard::Own::Address(address));
        let door = Door::Tcp(listener, address);
        Ok(Self { door, app })
    }

    /// Listens at a socket in the file system, which this user alone can open.
    ///
    /// # Errors
    /// [`HttpError`], which says what to do.
    pub fn listen_at(
        path: &Path,
        access: Access,
        asks: mpsc::Sender<Ask>,
        events: broadcast::Sender<Report>,
    ) -> Result<Self, HttpError> {
        let failed = |source| HttpError::Socket {
            path: path.to_owned(),
            source,
        };
        #[cfg(unix)]
        {
            let socket = unix::Socket::bind(path).map_err(failed)?;
            let app = routes::app(Room { asks, events }, &access);
            let app = guard::guarded(app, access, guard::Own::Socket);
            let door = Door::Unix(socket);
            Ok(Self { door, app })
        }
        #[cfg(not(unix))]
        {
            let _ = (access, asks, events);
            Err(failed(io::ErrorKind::Unsupported.into()))
        }
    }

    /// Where it listens: with the port that the system chose, if it was to.
    #[must_use]
    pub fn at(&self) -> At {
        match &self.door {
            Door::Tcp(_, address) => At::Tcp(*address),
            #[cfg(unix)]
            Door::Unix(socket) => At::Unix(socket.path().to_owned()),
        }
    }

    /// Answers until this is dropped.
    ///
    /// # Errors
    /// What the system says.
    pub async fn run(self) -> io::Result<()> {
        match self.door {
            Door::Tcp(listener, _) => axum::serve(listener, self.app).await,
            #[cfg(unix)]
            Door::Unix(socket) => socket.serve(self.app).await,
        }
    }
}

#[cfg(test)]
mod tests;
