//! Starts to answer, as it was asked for on the command line.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use thiserror::Error;
use tokio::sync::{broadcast, mpsc};

use super::{Access, Beyond, HttpError, Server, new_token};
use crate::{args::Http, report::Report, run::Ask, task::Task};

/// Where requests are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// At an address.
    Tcp(SocketAddr),
    /// At a socket in the file system.
    Unix(PathBuf),
}

/// Not such a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("write an address with a port, such as 127.0.0.1:8001, or unix:PATH")]
pub struct ParseAtError;

impl FromStr for At {
    type Err = ParseAtError;

    fn from_str(text: &str) -> Result<Self, ParseAtError> {
        match text.strip_prefix("unix:") {
            Some("") => Err(ParseAtError),
            Some(path) if cfg!(unix) => Ok(Self::Unix(path.into())),
            Some(_) | None => text.parse().map(Self::Tcp).map_err(|_| ParseAtError),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}/"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Answers requests for as long as this is there.
#[derive(Debug)]
pub struct Answering {
    /// Where, and by whom it can be asked: to be told.
    pub words: String,
    _task: Task,
}

/// Begins to answer, if that was asked for. A token is kept in `folder`. Has to be called within a [`LocalSet`](tokio::task::LocalSet).
///
/// # Errors
/// [`HttpError`], which says what to do.
pub async fn start(
    asked: &Http,
    folder: &Path,
    asks: mpsc::Sender<Ask>,
    events: broadcast::Sender<Report>,
) -> Result<Option<Answering>, HttpError> {
    let Some(at) = &asked.http else { return Ok(None) };
    let beyond = if asked.http_beyond_loopback {
        Beyond::Network
    } else {
        Beyond::Loopback
    };
    let file = folder.join("http-token");
    let (access, who) = if asked.http_open {
        let who = match at {
            At::Tcp(_) => "WHOEVER reaches that address can read and write in this room as you",
            At::Unix(_) => "every program of yours can read and write in this room as you",
        };
        (Access::Open, who.to_owned())
    } else {
        let token = new_token(&file)?;
        let who = format!("the token is in {}", file.display());
        (Access::Token(token.into()), who)
    };
    let server = match at {
        At::Tcp(address) => Server::listen(*address, beyond, access, asks, events).await?,
        At::Unix(path) => Server::listen_at(path, access, asks, events)?,
    };
    let words = format!("HTTP at {}: {who}", server.at());
    let task = Task::start(async move {
        if let Err(error) = server.run().await {
            tracing::error!(%error, "no more requests are answered");
        }
    });
    Ok(Some(Answering { words, _task: task }))
}
