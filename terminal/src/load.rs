//! Many peers in one process: a load for a server and a room, and what each peer costs.
//!
//! Each peer is a whole one: it has an identity, a node, a socket to the server, links by WebRTC, and a store in memory. Peers share a thread and nothing else;
//! in particular each has UDP sockets of its own. Two peers that shared a socket would have the same address at both ends of their link, and all links
//! between such peers would be one, for an encrypted packet does not say which connection it is of.
//!
//! A load ends by itself. Its phases: peers come one by one; it is waited until all know each other; they talk in turn; it is waited until all have
//! everything; nothing is said for a while, and measured what that costs; all leave.

mod crowd;
mod figures;

use std::{io, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;
use tokio::{
    select,
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use self::crowd::Crowd;
pub use self::{
    crowd::{Heard, order_of},
    figures::{Figures, Usage},
};
use crate::{
    config::{LOAD_CALM, LOAD_FILES_MAX, LOAD_PATIENCE, LOAD_REST, LOAD_STEP},
    link::Destination,
    platform::EnterError,
    tls::TlsError,
};

/// How a load goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How many peers come.
    pub peers: u16,
    /// How many of them in a second.
    pub arrivals: u16,
    /// How many messages are said in a second, by all together.
    pub rate: u16,
    /// How long is talked.
    pub talk: Duration,
}

/// A load cannot be made.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The system does not let a process have so many files open.
    #[error(
        "the system lets this program open {may} files, and so many peers need {needs}. Raise the limit: ulimit -n {needs}"
    )]
    Files {
        /// How many are needed, about.
        needs: u64,
        /// How many may be open.
        may: u64,
    },
    /// The system makes no certificates.
    #[error("no certificate can be made")]
    Certificate,
    /// Servers with TLS cannot be reached.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A peer cannot enter.
    #[error(transparent)]
    Enter(#[from] EnterError),
    /// The system does not say which addresses there are.
    #[error("the addresses of this machine cannot be listed")]
    Addresses(#[source] io::Error),
}

/// Runs a load to its end, or until `stop`. All peers leave then.
///
/// Has to be called within a [`LocalSet`](tokio::task::LocalSet).
///
/// # Errors
/// [`LoadError`].
pub async fn run(destination: Destination, plan: Plan, stop: &Notify) -> Result<Figures, LoadError> {
    let mut crowd = Crowd::new(destination, plan.peers)?;
    let figures = select! {
        figures = go_through(&mut crowd, plan) => figures,
        () = stop.notified() => Ok(crowd.figures(None)),
    };
    crowd.leave().await;
    figures
}

async fn go_through(crowd: &mut Crowd, plan: Plan) -> Result<Figures, LoadError> {
    let start = Instant::now();
    for number in 0..u32::from(plan.peers) {
        sleep_until(start + Duration::from_secs(1) * number / u32::from(plan.arrivals.max(1))).await;
        crowd.add().await?;
    }
    let others = usize::from(plan.peers).saturating_sub(1);
    wait(|| crowd.linked() == usize::from(plan.peers) && crowd.knowing(others) == usize::from(plan.peers)).await;
    crowd.note_complete(others);

    let count = Duration::as_secs(&plan.talk) * u64::from(plan.rate);
    let start = Instant::now();
    for number in 0..u32::try_from(count).unwrap_or(u32::MAX) {
        sleep_until(start + Duration::from_secs(1) * number / u32::from(plan.rate.max(1))).await;
        crowd.say_next();
    }
    wait(|| crowd.have_all()).await;

    sleep(LOAD_CALM).await;
    let before = Usage::now(crowd.traffic());
    sleep(LOAD_REST).await;
    let rest = Usage::now(crowd.traffic()).since(&before);
    Ok(crowd.figures(Some(rest)))
}

/// Waits until something is so, but not for ever.
async fn wait(is_so: impl Fn() -> bool) {
    let until = Instant::now() + LOAD_PATIENCE;
    while !is_so() && Instant::now() < until {
        sleep(LOAD_STEP).await;
    }
}

/// Has the system allow as many open files as so many peers need.
fn allow_files(peers: u16) -> Result<(), LoadError> {
    let addresses = if_addrs::get_if_addrs().map_err(LoadError::Addresses)?.len();
    let each = u64::try_from(addresses).unwrap_or(u64::MAX).saturating_add(1);
    // Those of the program itself, and sockets that are about to end.
    let needs = each.saturating_mul(u64::from(peers)).saturating_add(64);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(LOAD_FILES_MAX, |maximum| maximum.min(LOAD_FILES_MAX));
    if current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum,
        };
        // What it is then is looked at below.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    match getrlimit(Resource::Nofile).current {
        Some(may) if may < needs => Err(LoadError::Files { needs, may }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
