//! WebRTC connections of a native process (str0m), over the UDP sockets that they share.
//!
//! `Transport` is the handle of a platform. Behind it are all connections and sockets in one cell, and three kinds of tasks of the same thread:
//! one that reads each socket, one that does what is due, and short ones that ask somebody and come back. A borrow of the cell never
//! lives across an `.await`. What comes of it all goes to the driver as an [`Input`].
//!
//! Whose a datagram is: a check of ICE names its connection, an answer is known by whoever asked, and all else goes where its source is the end of a
//! path that was checked. Of two connections with one far end the newer has it, for the older is about to end.
//!
//! str0m says that a bug of it is a panic. Each call into a connection is caught, and ends that link alone.

mod candidate;
mod connection;
mod mdns;
mod outgoing;
mod reflexive;
mod sockets;
mod stored;
mod stun;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::{Rc, Weak},
    time::{Duration, Instant},
};

use client::{
    config::DRAIN,
    core::Step,
    driver::{Events, Exhausted, SlowReader},
};
use mesh::io::{Candidate as Line, Input, LinkEnd, LinkId};
use shared::signal::IceServer;
use str0m::config::{CryptoProvider, DtlsCert};
use tokio::{
    net::UdpSocket,
    select,
    sync::Notify,
    task::yield_now,
    time::{sleep, sleep_until, timeout},
};

pub use self::sockets::{Loopback, Traffic};
use self::{
    candidate::{Hidden, Remote},
    connection::{Connection, receive},
    reflexive::Asked,
    sockets::Sockets,
    stun::Kind,
};
use crate::{
    config::{CONNECTIONS_MAX, DATAGRAM_BYTES_MAX, DATAGRAMS_AT_ONCE, FLUSH_STEP, MDNS_QUERIES_MAX, SOCKET_PAUSE},
    task::Task,
};

/// No limit: how long a wait without an end is cut into.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

/// What a peer is known by in DTLS: an ECDSA certificate and its key.
#[derive(Clone)]
pub struct Certificate(DtlsCert);

impl Certificate {
    /// Makes one. `None` if the system has no randomness.
    #[must_use]
    pub fn generate() -> Option<Self> {
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(str0m::crypto::from_feature_flags);
        provider.dtls_provider.generate_certificate().map(Self)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

/// All connections of a node. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    shared: Rc<Shared>,
    _clockwork: Rc<Task>,
}

#[derive(Debug)]
struct Shared {
    state: RefCell<State>,
    /// Something is due earlier than the clockwork believes.
    wake: Notify,
    certificate: Certificate,
    events: Events,
}

#[derive(Debug)]
struct State {
    sockets: Sockets,
    connections: BTreeMap<LinkId, Entry>,
    /// Those for which something was queued.
    touched: BTreeSet<LinkId>,
    /// What was asked of STUN servers.
    asked: Asked,
    /// When the clockwork wakes.
    armed: Option<Instant>,
}

/// A connection, and what is done for it.
#[derive(Debug)]
struct Entry {
    connection: Connection,
    ice_servers: Vec<IceServer>,
    /// Asks STUN servers.
    gathering: Option<Task>,
    /// Ask what is behind names.
    resolving: Vec<Task>,
}

impl Transport {
    /// A transport without connections. Has to be called within a [`LocalSet`](tokio::task::LocalSet).
    pub(crate) fn new(certificate: Certificate, loopback: Loopback, events: Events) -> Self {
        let shared = Rc::new(Shared {
            state: RefCell::new(State {
                sockets: Sockets::new(loopback),
                connections: BTreeMap::new(),
                touched: BTreeSet::new(),
                asked: Asked::default(),
                armed: None,
            }),
            wake: Notify::new(),
            certificate,
            events,
        });
        let _clockwork = Rc::new(Task::start(run(Rc::downgrade(&shared))));
        Self { shared, _clockwork }
    }

    /// What goes over the sockets, also later.
    pub(crate) fn traffic(&self) -> Rc<Cell<Traffic>> {
        self.shared.state.borrow().sockets.traffic()
    }

    /// Makes a connection that waits for its first [`Step`].
    pub(crate) fn connect(&self, link: LinkId, ice_servers: &[IceServer]) -> Result<(), Exhausted> {
        let shared = &self.shared;
        let mut state = shared.state.borrow_mut();
        if state.connections.len() >= CONNECTIONS_MAX {
            return Err(Exhausted);
        }
        let make = || Connection::new(link, &shared.certificate, shared.events.clone(), Instant::now());
        let connection = catch_unwind(AssertUnwindSafe(make)).map_err(|_| Exhausted)?;
        let entry = Entry {
            connection,
            ice_servers: ice_servers.to_vec(),
            gathering: None,
            resolving: Vec::new(),
        };
        state.connections.insert(link, entry);
        Ok(())
    }

    /// Takes a step of a connection's set-up.
    pub(crate) fn step(&self, link: LinkId, step: Step) {
        match step {
            Step::Candidates { candidates } => self.shared.add_remote(link, &candidates),
            Step::Servers { ice_servers } => {
                if let Some(entry) = self.shared.state.borrow_mut().connections.get_mut(&link) {
                    entry.ice_servers = ice_servers;
                }
            }
            Step::Offer | Step::Restart | Step::Accept { .. } | Step::Answer { .. } => {
                let made = self.shared.with(link, |connection, _| connection.take(step));
                if let Some(Some(sdp)) = made {
                    self.shared.events.input(Input::LocalDescription { link, sdp });
                    self.shared.gather(link);
                }
            }
        }
        self.shared.touch(link);
    }

    /// Sends a message, or queues it.
    pub(crate) fn transmit(&self, link: LinkId, message: &[u8]) -> Result<(), SlowReader> {
        let mut state = self.shared.state.borrow_mut();
        let Some(entry) = state.connections.get_mut(&link) else {
            return Ok(());
        };
        entry.connection.send(message)?;
        drop(state);
        self.shared.touch(link);
        Ok(())
    }

    /// Sends a message on the channel for files.
    pub(crate) fn transmit_file(&self, link: LinkId, message: &[u8]) {
        let mut state = self.shared.state.borrow_mut();
        let Some(entry) = state.connections.get_mut(&link) else {
            return;
        };
        let sent = entry.connection.send_file(message);
        drop(state);
        match sent {
            Ok(()) => self.shared.touch(link),
            // The node waits until little waits, so this is a mistake of ours.
            Err(SlowReader) => self.shared.end(link, LinkEnd::SlowReader),
        }
    }

    /// Closes a connection, once what was sent is on its way.
    pub(crate) fn hang_up(&self, link: LinkId) {
        self.shared.with(link, |connection, sockets| {
            // What was queued in this moment goes first.
            let now = Instant::now();
            connection.handle_timeout(now, sockets)?;
            connection.hang_up(now);
            Ok(())
        });
        self.shared.touch(link);
    }

    /// Closes a connection at once.
    pub(crate) fn drop_connection(&self, link: LinkId) {
        self.shared.close(link);
    }

    /// Waits until what was sent on connections that were hung up is on its way.
    pub(crate) async fn flushed(&self) {
        let _ = timeout(DRAIN, async {
            while !self.shared.state.borrow().connections.is_empty() {
                sleep(FLUSH_STEP).await;
            }
        })
        .await;
    }

    /// Has a connection fall over a bug, as if str0m had one.
    #[cfg(test)]
    pub(crate) fn panic(&self, link: LinkId) {
        self.shared.with(link, |connection, _| {
            connection.panic();
            Ok(())
        });
    }
}

impl Shared {
    /// Does something with a connection. If that fails, or panics, the link is over. `None` then, and if there is no such connection.
    fn with<T>(&self, link: LinkId, work: impl FnOnce(&mut Connection, &Sockets) -> Result<T, LinkEnd>) -> Option<T> {
        let mut state = self.state.borrow_mut();
        let State {
            sockets, connections, ..
        } = &mut *state;
        let entry = connections.get_mut(&link)?;
        // Nothing is seen half done after a panic: the connection is not used again, and sockets are not changed by it.
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut entry.connection, sockets)));
        let done = done.unwrap_or_else(|_| {
            tracing::warn!(?link, "a connection fell over a bug, and is closed");
            Err(LinkEnd::Failed)
        });
        drop(state);
        match done {
            Ok(value) => Some(value),
            Err(end) => {
                self.end(link, end);
                None
            }
        }
    }

    /// A link is over. Nothing is asked of the connection any more, in whatever state it is.
    fn end(&self, link: LinkId, end: LinkEnd) {
        let entry = self.state.borrow_mut().connections.remove(&link);
        if let Some(entry) = entry
            && !entry.connection.is_silent()
        {
            self.events.input(Input::LinkClosed { link, end });
        }
    }

    /// Closes a connection and forgets it.
    fn close(&self, link: LinkId) {
        self.with(link, |connection, sockets| {
            connection.close(Instant::now(), sockets);
            Ok(())
        });
        self.state.borrow_mut().connections.remove(&link);
    }

    /// Has a connection settle soon, after all that is asked of it in this moment.
    fn touch(&self, link: LinkId) {
        self.state.borrow_mut().touched.insert(link);
        self.wake.notify_one();
    }

    /// Does all that is due. Gives the moment of the next time.
    fn settle(&self, now: Instant) -> Option<Instant> {
        let due = self.state.borrow_mut().take_due(now);
        for link in due {
            let is_done = self.with(link, |connection, sockets| {
                connection.handle_timeout(now, sockets)?;
                Ok(connection.is_done(now))
            });
            if is_done == Some(true) {
                self.close(link);
            }
        }
        let mut state = self.state.borrow_mut();
        state.armed = state.next_deadline();
        state.armed
    }

    /// Wakes the clockwork if something is due before it wakes by itself.
    fn hasten(&self) {
        let state = self.state.borrow();
        let next = state.next_deadline();
        if next.is_some_and(|next| state.armed.is_none_or(|armed| next < armed)) {
            self.wake.notify_one();
        }
    }

    /// A datagram came. What is nobody's is dropped.
    fn handle_datagram(&self, local: SocketAddr, source: SocketAddr, bytes: &[u8]) {
        let now = Instant::now();
        self.state.borrow().sockets.note_received(bytes.len());
        let links = match stun::kind(bytes) {
            Kind::Unwanted => return,
            Kind::Answer(id) => {
                if self.state.borrow_mut().asked.answer(id, bytes) {
                    return;
                }
                self.state.borrow().accepting(now, local, source, bytes)
            }
            Kind::Check { own_ufrag } => self.state.borrow_mut().checked(own_ufrag),
            Kind::Other => {
                let mut links = self.state.borrow().accepting(now, local, source, bytes);
                links.truncate(1);
                links
            }
        };
        for link in links {
            self.with(link, |connection, sockets| {
                receive(local, source, bytes)
                    .map_or(Ok(()), |receive| connection.handle_datagram(receive, now, sockets))
            });
        }
    }

    /// Tells the peer where we are: what our sockets are now, then what STUN servers see.
    fn gather(self: &Rc<Self>, link: LinkId) {
        let mut state = self.state.borrow_mut();
        let shared = Rc::downgrade(self);
        state
            .sockets
            .refresh(|socket, address| Task::start(read(shared.clone(), socket, address)));
        let found = state.sockets.candidates();
        drop(state);
        // All of them: a restart of ICE begins anew.
        let told = self.with(link, |connection, _| {
            connection.add_own(found);
            Ok(connection.own_lines())
        });
        self.tell_own(link, told);
        let mut state = self.state.borrow_mut();
        if let Some(entry) = state.connections.get_mut(&link) {
            let servers = reflexive::servers(&entry.ice_servers);
            let asking = reflexive::gather(Rc::downgrade(self), link, servers);
            entry.gathering = Some(Task::start(asking));
        }
    }

    /// Tells the peer of candidates of ours, if there are any.
    fn tell_own(&self, link: LinkId, candidates: Option<Vec<Line>>) {
        if let Some(candidates) = candidates
            && !candidates.is_empty()
        {
            self.events.input(Input::LocalCandidates { link, candidates });
        }
        self.touch(link);
    }

    /// Takes candidates of the peer, and asks what is behind names.
    fn add_remote(self: &Rc<Self>, link: LinkId, candidates: &[Line]) {
        let mut hidden = Vec::new();
        for candidate in candidates.iter().map(Remote::read) {
            if let Remote::Hidden(candidate) = &candidate {
                hidden.push(candidate.clone());
            }
            self.with(link, |connection, _| {
                connection.add_remote(candidate);
                Ok(())
            });
        }
        let mut state = self.state.borrow_mut();
        let from = state.sockets.local_networks();
        if let Some(entry) = state.connections.get_mut(&link)
            && !hidden.is_empty()
        {
            entry.resolving.retain(|asking| !asking.is_finished());
            if entry.resolving.len() < MDNS_QUERIES_MAX {
                let asking = resolve(Rc::downgrade(self), link, hidden, from);
                entry.resolving.push(Task::start(asking));
            }
        }
    }
}

impl State {
    /// The links that are to settle now.
    fn take_due(&mut self, now: Instant) -> BTreeSet<LinkId> {
        let mut due = std::mem::take(&mut self.touched);
        let is_due = |(link, entry): (&LinkId, &Entry)| (entry.connection.deadline() <= now).then_some(*link);
        due.extend(self.connections.iter().filter_map(is_due));
        due
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.connections.values().map(|entry| entry.connection.deadline()).min()
    }

    /// The connection that a check of ICE names.
    fn checked(&mut self, own_ufrag: &str) -> Vec<LinkId> {
        let connections = self.connections.iter_mut();
        let named =
            connections.filter_map(|(link, entry)| (entry.connection.own_ufrag() == own_ufrag).then_some(*link));
        named.take(1).collect()
    }

    /// The connections that take a datagram, the newest first.
    fn accepting(&self, now: Instant, local: SocketAddr, source: SocketAddr, bytes: &[u8]) -> Vec<LinkId> {
        let accepts = |entry: &Entry| receive(local, source, bytes).is_some_and(|it| entry.connection.accepts(it, now));
        let connections = self.connections.iter().rev();
        connections
            .filter_map(|(link, entry)| accepts(entry).then_some(*link))
            .collect()
    }
}

/// Does what is due, for as long as there is a transport.
async fn run(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        let next = shared.settle(Instant::now());
        let next = next.unwrap_or_else(|| Instant::now() + FOREVER);
        select! {
            () = sleep_until(next.into()) => {}
            () = shared.wake.notified() => {}
        }
    }
}

/// Reads a socket, for as long as it is in use.
async fn read(shared: Weak<Shared>, socket: Rc<UdpSocket>, local: SocketAddr) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        if socket.readable().await.is_err() {
            return;
        }
        let Some(shared) = shared.upgrade() else { return };
        for _ in 0..DATAGRAMS_AT_ONCE {
            match socket.try_recv_from(&mut buffer) {
                Ok((length, source)) => shared.handle_datagram(local, source, &buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    tracing::debug!(%error, %local, "a socket cannot be read");
                    sleep(SOCKET_PAUSE).await;
                    break;
                }
            }
        }
        shared.hasten();
        drop(shared);
        // The driver has its turn before more comes.
        yield_now().await;
    }
}

/// Asks what is behind names, and tries what is told.
async fn resolve(shared: Weak<Shared>, link: LinkId, hidden: Vec<Hidden>, from: Vec<Ipv4Addr>) {
    let names: BTreeSet<_> = hidden.iter().map(|hidden| hidden.name.clone()).collect();
    let found = mdns::resolve(&Vec::from_iter(names), &from).await;
    let Some(shared) = shared.upgrade() else { return };
    for hidden in hidden {
        if let Some(candidate) = found.get(&hidden.name).and_then(|address| hidden.at(*address)) {
            shared.with(link, |connection, _| {
                connection.add_remote(Remote::Known(candidate));
                Ok(())
            });
        }
    }
    shared.touch(link);
}

#[cfg(test)]
mod tests;
