//! A native process as a [`Platform`]: sockets, connections, a timer, and a store.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    rc::Rc,
    time::Duration,
};

use client::{
    Platform, Session,
    core::Step,
    driver::{DriverEvent, Events, Exhausted, SlowReader},
    room::RoomState,
    servers,
    session::Entrance,
    store::{Durability, Store, StoreError, StoredRecord},
};
use mesh::{
    NodeConfig, Timing,
    config::Keeps,
    io::{Change, Input, LinkId, ServerId, TransportPolicy, Unreadable},
};
use shared::{FileId, Identity, PeerId, RoomCode, RoomId, signal::IceServer};
use tokio::{
    task::{JoinHandle, spawn_local},
    time::{sleep, timeout},
};

pub use crate::rtc::Traffic;
use crate::{
    clock,
    config::LEAVE_MAX,
    rtc::{Certificate, Loopback, Transport},
    signaller::Signaller,
    task::Task,
    tls::Tls,
};

/// What it takes to enter a room.
#[derive(Debug)]
pub struct Visit<S> {
    /// Who we are.
    pub identity: Identity,
    /// What our ends of connections are known by.
    pub certificate: Certificate,
    /// Which room.
    pub code: RoomCode,
    /// What we call ourselves: a [valid](client::validate::name) name.
    pub name: String,
    /// The addresses of the rendezvous servers (`ws:` or `wss:`), our own first.
    pub servers: Vec<String>,
    /// Whom to trust to say who a server is.
    pub tls: Tls,
    /// What outlives the program.
    pub store: S,
    /// How much of the room is kept, and for whom.
    pub keeps: Keeps,
}

/// A room cannot be entered.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The system gives no randomness, so there is no safe key.
    #[error("the system gives no randomness")]
    Randomness(#[source] getrandom::Error),
}

/// Runs a room that was entered, for as long as somebody holds its [`Session`]. Dropping it lets the room go on.
#[derive(Debug)]
pub struct Running {
    task: JoinHandle<()>,
    traffic: Rc<Cell<Traffic>>,
}

impl Running {
    /// Waits until the room was left, others were told, and what is to be kept is with the store. Drop all clones of the session before.
    pub async fn ended(self) {
        // It was aborted, or the program ends: there is nothing to wait for.
        let _ = self.task.await;
    }

    /// Ends at once, without a word to anybody, as if the process had been killed.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// How many bytes of datagrams went over its sockets so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic.get()
    }
}

/// Leaves rooms, and waits until they were left. Who takes longer than [`LEAVE_MAX`] is gone without a word: on a full disk nothing can be waited
/// for. Drop all other clones of the sessions before.
pub async fn leave(rooms: impl IntoIterator<Item = (Session, Running)>) {
    let (sessions, running): (Vec<_>, Vec<_>) = rooms.into_iter().unzip();
    drop(sessions);
    let all = async {
        for running in running {
            running.ended().await;
        }
    };
    let _ = timeout(LEAVE_MAX, all).await;
}

/// Enters a room. The room comes to `on_show` whenever it has changed.
///
/// All of it runs on this thread: has to be called within a [`LocalSet`](tokio::task::LocalSet).
///
/// # Errors
/// [`EnterError`].
///
/// # Panics
/// If the name is not [valid](client::validate::name).
pub async fn enter<S: Store + Clone + 'static>(
    visit: Visit<S>,
    on_show: impl FnMut(Rc<RoomState>) + 'static,
) -> Result<(Session, Running), EnterError> {
    enter_with(visit, Vec::new(), on_show).await
}

/// As [`enter`], with STUN servers that are asked besides those that the rendezvous servers name.
///
/// # Errors
/// [`EnterError`].
///
/// # Panics
/// If the name is not [valid](client::validate::name).
pub async fn enter_with<S: Store + Clone + 'static>(
    visit: Visit<S>,
    ice_servers: Vec<IceServer>,
    on_show: impl FnMut(Rc<RoomState>) + 'static,
) -> Result<(Session, Running), EnterError> {
    let room = visit.code.open();
    let (events, queue) = Events::channel();
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(EnterError::Randomness)?;
    let closed = visit.store.closed().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "which rooms are closed cannot be read");
        Vec::new()
    });
    let transport = Transport::new(visit.certificate, loopback(&visit.servers), events.clone());
    let platform = Native {
        kept: Kept {
            store: visit.store,
            room: room.id(),
            me: visit.identity.peer_id(),
        },
        ice_servers,
        tls: visit.tls,
        events: events.clone(),
        on_show: RefCell::new(Box::new(on_show)),
        signallers: BTreeMap::new(),
        transport: transport.clone(),
        timer: None,
    };
    let entrance = Entrance {
        identity: visit.identity,
        config: NodeConfig {
            name: visit.name,
            servers: visit.servers,
            closed: closed
                .into_iter()
                .find_map(|(of, statement)| (of == room.id()).then_some(statement)),
            timing: Timing::default(),
            keeps: visit.keeps,
            transport_policy: TransportPolicy::All,
        },
        room,
        seed,
        clock: clock::now,
    };
    let traffic = transport.traffic();
    let (session, driver) = Session::enter(entrance, platform, (events, queue));
    let task = spawn_local(async move {
        driver.run().await;
        transport.flushed().await;
    });
    Ok((session, Running { task, traffic }))
}

/// Loopback is a way to peers if a server is on this machine: then they may be, too.
fn loopback(servers: &[String]) -> Loopback {
    let is_here = |server: &String| {
        let host = servers::host(server);
        let name = match host.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    if servers.iter().any(is_here) {
        Loopback::Offered
    } else {
        Loopback::Hidden
    }
}

/// A process that is in one room.
struct Native<S> {
    kept: Kept<S>,
    /// Besides those that the servers name.
    ice_servers: Vec<IceServer>,
    tls: Tls,
    events: Events,
    on_show: RefCell<Box<dyn FnMut(Rc<RoomState>)>>,
    signallers: BTreeMap<ServerId, Signaller>,
    transport: Transport,
    timer: Option<Task>,
}

impl<S: fmt::Debug> fmt::Debug for Native<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

/// The part of a store that is of this room and person.
#[derive(Debug, Clone)]
struct Kept<S> {
    store: S,
    room: RoomId,
    me: PeerId,
}

impl<S: Store + Clone + 'static> Kept<S> {
    async fn read(&self, root: FileId, piece: u32) -> Result<Option<Vec<u8>>, Unreadable> {
        let read = self.store.read_piece(&self.room, &self.me, (root, piece)).await;
        read.map_err(|error| {
            let () = failed("a piece of a file cannot be read", &error);
            Unreadable
        })
    }

    async fn write(&self, root: FileId, piece: u32, bytes: &[u8]) -> bool {
        let written = self.store.write_piece(&self.room, &self.me, (root, piece), bytes).await;
        written.is_ok_and(|()| true)
    }
}

/// Logs that the store failed, and gives what there is without it.
fn failed<T: Default>(what: &str, error: &StoreError) -> T {
    tracing::warn!(%error, "{what}");
    T::default()
}

impl<S: Store + Clone + 'static> Platform for Native<S> {
    async fn restore(&self) -> Option<Vec<StoredRecord>> {
        let Kept { store, room, me } = &self.kept;
        // Where it cannot be read nothing more is kept either: what is there may be read another time.
        store
            .records(room, me)
            .await
            .map_or_else(|error| failed("what was kept cannot be read", &error), Some)
    }

    async fn pause(&self) {
        tokio::task::yield_now().await;
    }

    fn arm_timer(&mut self, after: Option<Duration>) {
        self.timer = after.map(|after| {
            let events = self.events.clone();
            Task::start(async move {
                sleep(after).await;
                events.send(DriverEvent::Timer);
            })
        });
    }

    fn open_socket(&mut self, server: ServerId, address: &str) {
        let signaller = Signaller::open(server, address, &self.tls, &self.events);
        self.signallers.insert(server, signaller);
    }

    fn close_socket(&mut self, server: ServerId) {
        self.signallers.remove(&server);
    }

    fn send_signal(&mut self, server: ServerId, text: &str) {
        if let Some(signaller) = self.signallers.get(&server) {
            signaller.send(text);
        }
    }

    fn connect(&mut self, link: LinkId, ice_servers: &[IceServer]) -> Result<(), Exhausted> {
        self.transport.connect(link, &[ice_servers, &self.ice_servers].concat())
    }

    fn step(&mut self, link: LinkId, mut step: Step) {
        if let Step::Servers { ice_servers } = &mut step {
            ice_servers.extend_from_slice(&self.ice_servers);
        }
        self.transport.step(link, step);
    }

    fn transmit(&mut self, link: LinkId, message: &[u8]) -> Result<(), SlowReader> {
        self.transport.transmit(link, message)
    }

    fn transmit_file(&mut self, link: LinkId, message: &[u8]) {
        self.transport.transmit_file(link, message);
    }

    fn read_piece(&mut self, root: FileId, piece: u32) {
        let (kept, events) = (self.kept.clone(), self.events.clone());
        spawn_local(async move {
            let bytes = kept.read(root, piece).await;
            events.input(Input::PieceRead { root, piece, bytes });
        });
    }

    fn write_piece(&mut self, root: FileId, piece: u32, bytes: Vec<u8>) {
        let (kept, events) = (self.kept.clone(), self.events.clone());
        spawn_local(async move {
            let stored = kept.write(root, piece, &bytes).await;
            events.input(Input::PieceWritten { root, piece, stored });
        });
    }

    fn forget_file(&mut self, root: FileId) {
        let Kept { store, room, me } = self.kept.clone();
        spawn_local(async move {
            let forgotten = store.forget_file(&room, &me, root).await;
            forgotten.unwrap_or_else(|error| failed("a file cannot be forgotten", &error));
        });
    }

    fn hang_up(&mut self, link: LinkId) {
        self.transport.hang_up(link);
    }

    fn drop_connection(&mut self, link: LinkId) {
        self.transport.drop_connection(link);
    }

    /// Other programs of this machine are other people.
    fn post_nearby(&mut self, _message: &[u8]) {}

    fn write(&mut self, changes: Vec<Change>, durability: Durability) {
        let (Kept { store, room, me }, events) = (self.kept.clone(), self.events.clone());
        spawn_local(async move {
            let written = store.write(&room, &me, &changes, durability).await;
            events.send(DriverEvent::Written(written));
        });
    }

    fn remember_closed(&mut self, statement: Vec<u8>) {
        let Kept { store, room, .. } = self.kept.clone();
        spawn_local(async move {
            let saved = store.save_closed(&room, &statement).await;
            saved.unwrap_or_else(|error| failed("that a room is closed cannot be kept", &error));
        });
    }

    fn show(&mut self, room: Rc<RoomState>) {
        (self.on_show.get_mut())(room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_offered_where_a_server_is_on_this_machine() {
        for (server, expected) in [
            ("ws://localhost:8080/ws", Loopback::Offered),
            ("ws://127.0.0.1/ws", Loopback::Offered),
            ("wss://[::1]:443/ws", Loopback::Offered),
            ("wss://rooms.example/ws", Loopback::Hidden),
            ("ws://192.168.1.2:8080/ws", Loopback::Hidden),
        ] {
            assert_eq!(loopback(&[server.to_owned()]), expected, "{server}");
        }
    }
}
