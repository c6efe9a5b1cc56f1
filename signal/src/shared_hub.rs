//! The [`Hub`] behind a lock, with all that a pure state machine lacks: the clock, the timer and the outbound queues.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

use shared::{
    PeerId,
    signal::{Event, Nonce, Refusal, Request},
};
use thiserror::Error;
use tokio::sync::Notify;

use crate::{
    bus::{CarriedQueue, Cause},
    config::{Config, DRAIN_STEP, Limits, TIMER_PAUSE_MAX},
    hub::{Carried, ConnId, Hub, IceServers, Now, Occupancy, Outbox, Output, Standing},
    metrics::Metrics,
    outbound::OutboundQueue,
    wire,
};

/// The hub as all socket tasks share it.
///
/// There is one lock. A task holds the lock for well under a microsecond a message (for a hello some fifty, because of its
/// signature), once for a whole batch of messages. No task awaits, parses or wakes anything meanwhile: otherwise the tasks
/// would mostly wait for each other.
#[derive(Debug)]
pub(crate) struct SharedHub {
    limits: Limits,
    metrics: Metrics,
    state: Mutex<State>,
    /// The hub's next deadline may have come nearer.
    rearmed: Notify,
    /// The last connection may have gone.
    emptied: Notify,
    /// The hub may have something to tell the directory.
    changed: Notify,
    /// What waits for its way to other nodes; always empty where there are none.
    carried: CarriedQueue,
}

#[derive(Debug)]
struct State {
    hub: Hub,
    queues: HashMap<ConnId, Arc<OutboundQueue>>,
    outbox: Outbox,
    next_conn: u64,
    /// The deadline that the timer task waits for.
    armed: Option<Instant>,
}

/// A connection as its task holds it. The drop of a handle tells the hub that the connection is gone, however the task ends.
#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    hub: Arc<SharedHub>,
    conn: ConnId,
    queue: Arc<OutboundQueue>,
}

/// An arrival on a socket, with its size.
#[derive(Debug)]
pub(crate) enum Inbound {
    /// A request.
    Request { request: Request, bytes: usize },
    /// A message that is no request.
    Malformed { bytes: usize },
    /// A ping or pong of the WebSocket protocol itself.
    SignOfLife { bytes: usize },
    /// The head of a message over the limit.
    TooBig,
    /// More fragments than a message may have.
    Endless,
}

impl Inbound {
    /// Reads a text message.
    pub(crate) fn from_text(text: &str) -> Self {
        let bytes = text.len();
        match wire::read(text) {
            Ok(request) => Self::Request { request, bytes },
            Err(_) => Self::Malformed { bytes },
        }
    }
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// There is no place for it.
    #[error("the hub refuses it: {0:?}")]
    Refused(Refusal),
    /// The system gives no randomness for its challenge.
    #[error("no randomness for a challenge")]
    Randomness(#[source] getrandom::Error),
}

/// A hub without connections.
fn hub_of(config: &Config, seed: [u8; 32]) -> Hub {
    let hosts = config.hosts.listed().iter().map(|host| host.as_str().to_owned());
    let ice_servers = IceServers::new(config.stun.clone(), config.turn.clone(), config.ice_servers.clone());
    let mut hub = Hub::new(config.limits.clone(), hosts.collect(), ice_servers, seed);
    if let Some(nodes) = config.nodes.clone() {
        hub.name_nodes(nodes);
    }
    hub
}

impl SharedHub {
    /// Makes a hub without connections and starts its timer. The timer ends with the hub.
    ///
    /// # Errors
    /// If the system gives no randomness.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn start(config: &Config, metrics: Metrics) -> Result<Arc<Self>, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let shared = Arc::new(Self {
            limits: config.limits.clone(),
            metrics,
            state: Mutex::new(State {
                hub: hub_of(config, seed),
                queues: HashMap::new(),
                outbox: Outbox::default(),
                next_conn: 0,
                armed: None,
            }),
            rearmed: Notify::new(),
            emptied: Notify::new(),
            changed: Notify::new(),
            carried: CarriedQueue::default(),
        });
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            // The pause is bounded, so that this task notices when nobody else has the hub any more.
            while let Some(shared) = weak.upgrade() {
                shared.wait_and_handle_timeout().await;
            }
        });
        Ok(shared)
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Takes in a new socket, before it is one: a handshake that is refused costs no more than any other request.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub(crate) fn connect(self: &Arc<Self>, address: IpAddr) -> Result<ConnectionHandle, ConnectError> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(ConnectError::Randomness)?;
        let nonce = Nonce::from_bytes(nonce);
        let queue = Arc::new(OutboundQueue::default());
        let mut guard = self.guard();
        let conn = ConnId(guard.state.next_conn);
        guard.state.next_conn += 1;
        guard.state.queues.insert(conn, Arc::clone(&queue));
        let mut connected = Ok(());
        guard.call(|hub, now, outbox| connected = hub.connect(now.instant, conn, address, nonce, outbox));
        if connected.is_err() {
            guard.state.queues.remove(&conn);
        }
        guard.release();
        connected.map_err(|refusal| {
            self.metrics.count_refusal(&refusal);
            ConnectError::Refused(refusal)
        })?;
        self.metrics.connections.inc();
        Ok(ConnectionHandle {
            hub: Arc::clone(self),
            conn,
            queue,
        })
    }

    /// Tells every client that the server stops, one after the other over [`Limits::drain_spread`], and waits until they are gone, for
    /// [`Limits::drain_timeout`] at most.
    pub(crate) async fn drain(&self) {
        let steps = self.limits.drain_spread.as_millis() / DRAIN_STEP.as_millis();
        let steps = usize::try_from(steps).unwrap_or(usize::MAX);
        // At once, if it is not to be spread.
        let count = match steps {
            0 => usize::MAX,
            steps => self.occupancy().connections.div_ceil(steps).max(1),
        };
        loop {
            let mut left = 0;
            self.call(|hub, _, outbox| left = hub.drain(count, outbox));
            if left == 0 {
                break;
            }
            tokio::time::sleep(DRAIN_STEP).await;
        }
        let all_gone = async {
            while self.occupancy().connections > 0 {
                self.emptied.notified().await;
            }
        };
        if tokio::time::timeout(self.limits.drain_timeout, all_gone).await.is_err() {
            tracing::warn!(
                connections = self.occupancy().connections,
                "stopping before all clients have taken note of it"
            );
        }
    }

    pub(crate) fn occupancy(&self) -> Occupancy {
        self.lock().hub.occupancy()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.lock().hub.is_draining()
    }

    async fn wait_and_handle_timeout(&self) {
        let until = {
            let mut state = self.lock();
            state.armed = state.hub.poll_timeout();
            state.armed
        };
        let pause = until.map_or(TIMER_PAUSE_MAX, |until| {
            until.duration_since(Instant::now()).min(TIMER_PAUSE_MAX)
        });
        tokio::select! {
            () = tokio::time::sleep(pause) => {
                self.call(|hub, now, outbox| hub.handle_timeout(now, outbox));
            }
            () = self.rearmed.notified() => {}
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        self.lock().hub.standing()
    }

    /// What waits for its way to other nodes.
    pub(crate) const fn carried(&self) -> &CarriedQueue {
        &self.carried
    }

    /// Waits until the hub may have something to tell the directory.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Calls the hub once.
    pub(crate) fn call(&self, change: impl FnOnce(&mut Hub, Now, &mut Outbox)) {
        let mut guard = self.guard();
        guard.call(change);
        guard.release();
    }

    fn guard(&self) -> HubGuard<'_> {
        HubGuard {
            state: self.lock(),
            now: now(),
            shared: self,
            touched: Vec::new(),
            has_carried: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The hub does not panic. If it did, a server with one odd entry would be better than none.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time by the clocks of this machine.
pub(crate) fn now() -> Now {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Now {
        instant: Instant::now(),
        // A machine that believes in an earlier year makes credentials that no TURN server takes.
        unix_seconds: since_1970.map_or(0, |since| since.as_secs()),
    }
}

/// Something for which a queue has no room.
enum Overflow {
    /// An answer, to what the client `to` asked.
    Answer { to: ConnId, lost: Event },
    /// A payload of another.
    Payload { to: ConnId, from: ConnId, peer: PeerId },
    /// A word for another node.
    Carried(Box<Carried>),
}

/// Who says it, if it is a payload, and how long it is.
fn payload(event: &Event) -> Option<(PeerId, usize)> {
    if let Event::Relayed { from, payload } = event {
        Some((*from, payload.len()))
    } else {
        None
    }
}

/// The queue of a connection, which is then to be notified; `None` if the connection has gone.
fn touch<'a>(
    queues: &'a HashMap<ConnId, Arc<OutboundQueue>>,
    touched: &mut Vec<Arc<OutboundQueue>>,
    conn: ConnId,
) -> Option<&'a OutboundQueue> {
    let queue = queues.get(&conn)?;
    if touched.last().is_none_or(|last| !Arc::ptr_eq(last, queue)) {
        touched.push(Arc::clone(queue));
    }
    Some(queue)
}

/// Holds the lock for one or more calls of the hub. [`HubGuard::release`] has to end it.
struct HubGuard<'a> {
    state: MutexGuard<'a, State>,
    now: Now,
    shared: &'a SharedHub,
    /// The queues to be notified after the lock is given back.
    touched: Vec<Arc<OutboundQueue>>,
    /// Whether something waits for its way to another node.
    has_carried: bool,
}

impl HubGuard<'_> {
    /// Calls the hub and hands out its outputs before any other task can call it, so that the outputs keep their order.
    fn call(&mut self, change: impl FnOnce(&mut Hub, Now, &mut Outbox)) {
        let SharedHub {
            limits,
            metrics,
            carried,
            ..
        } = self.shared;
        let State {
            hub, queues, outbox, ..
        } = &mut *self.state;
        change(hub, self.now, outbox);
        let mut overflows = Vec::new();
        // Telling of an overflow is an output too. The loop ends: a payload that is refused becomes an answer to its sender, and an answer for which
        // there is no room closes a connection.
        while !outbox.is_empty() {
            for output in outbox.drain() {
                let overflow = match output {
                    Output::Send { to, event } => touch(queues, &mut self.touched, to).and_then(|queue| {
                        metrics.count_event(&event);
                        let lost = queue.push(limits, event).err()?;
                        Some(Overflow::Answer { to, lost })
                    }),
                    Output::Relay { to, sender, event } => touch(queues, &mut self.touched, to).and_then(|queue| {
                        let (peer, bytes) = payload(&event)?;
                        let pushed = queue.push_payload(limits, sender, event);
                        if pushed.is_ok() {
                            metrics.count_relayed(bytes);
                        }
                        let from = sender.conn;
                        pushed.err().map(|_| Overflow::Payload { to, from, peer })
                    }),
                    Output::Carry(word) => {
                        self.has_carried = true;
                        carried.push(word).err().map(Overflow::Carried)
                    }
                    Output::Close { to, code } => {
                        if let Some(queue) = touch(queues, &mut self.touched, to) {
                            metrics.count_close(code);
                            tracing::debug!(conn = to.0, ?code, "closing");
                            queue.close(code);
                        }
                        None
                    }
                };
                overflows.extend(overflow);
            }
            for overflow in overflows.drain(..) {
                match overflow {
                    Overflow::Answer { to, lost } => hub.handle_slow_reader(to, Some(&lost), outbox),
                    Overflow::Payload { to, from, peer } if from.is_abroad() => {
                        hub.handle_full_queue_abroad(to, peer, outbox);
                    }
                    Overflow::Payload { to, from, .. } => hub.handle_full_queue(to, from, outbox),
                    Overflow::Carried(lost) => {
                        metrics.bus.crowded_out.inc();
                        hub.handle_not_carried(lost.sender.conn, &lost.word, Cause::Busy, outbox);
                    }
                }
            }
        }
    }

    /// Gives the lock back, then wakes the tasks that have something to do.
    fn release(mut self) {
        let timeout = self.state.hub.poll_timeout();
        let armed = self.state.armed;
        let rearmed = timeout.is_some_and(|timeout| armed.is_none_or(|armed| timeout < armed));
        if rearmed {
            self.state.armed = timeout;
        }
        let has_changes = self.state.hub.has_changes();
        drop(self.state);
        if rearmed {
            self.shared.rearmed.notify_one();
        }
        if has_changes {
            self.shared.changed.notify_one();
        }
        if self.has_carried {
            self.shared.carried.notify();
        }
        self.touched.iter().for_each(|queue| queue.notify());
    }
}

impl ConnectionHandle {
    pub(crate) fn queue(&self) -> &OutboundQueue {
        &self.queue
    }

    pub(crate) const fn hub(&self) -> &Arc<SharedHub> {
        &self.hub
    }

    /// Hands in a batch of arrivals, in order.
    pub(crate) fn handle(&self, batch: &mut Vec<Inbound>) {
        if batch.is_empty() {
            return;
        }
        let conn = self.conn;
        let mut guard = self.hub.guard();
        for inbound in batch.drain(..) {
            guard.call(|hub, now, outbox| match inbound {
                Inbound::Request { request, bytes } => hub.handle(now, conn, request, bytes, outbox),
                Inbound::Malformed { bytes } => hub.handle_malformed(now.instant, conn, bytes, outbox),
                Inbound::SignOfLife { bytes } => hub.handle_sign_of_life(now.instant, conn, bytes, outbox),
                Inbound::TooBig => hub.handle_too_big(conn, outbox),
                Inbound::Endless => hub.handle_endless(conn, outbox),
            });
        }
        guard.release();
    }

    /// A write waited too long.
    pub(crate) fn handle_slow_reader(&self, lost: Option<&Event>) {
        self.hub
            .call(|hub, _, outbox| hub.handle_slow_reader(self.conn, lost, outbox));
    }
}

impl Drop for ConnectionHandle {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        state.queues.remove(&self.conn);
        state.hub.disconnect(Instant::now(), self.conn);
        let (empty, has_changes) = (state.queues.is_empty(), state.hub.has_changes());
        drop(state);
        if has_changes {
            self.hub.changed.notify_one();
        }
        if empty {
            self.hub.emptied.notify_one();
        }
    }
}
