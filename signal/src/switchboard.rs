//! The [`Hub`] behind a lock, with the clock, the queues of the sockets and the timer that a pure state machine lacks.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use shared::signal::{Event, Nonce, Request};
use tokio::sync::Notify;

use crate::{
    config::{Config, Limits},
    hub::{ConnId, Hub, Occupancy, Outbox, Output},
    line::Line,
    metrics::Metrics,
    wire,
};

/// Shared by all socket tasks. There is one lock. It is held for well under a microsecond a message (a hello: some fifty, for
/// its signature), once for all messages of a burst, and never while something is awaited, parsed or woken: otherwise
/// the tasks would mostly wait for each other.
#[derive(Debug)]
pub(crate) struct Switchboard {
    limits: Limits,
    metrics: Metrics,
    floor: Mutex<Floor>,
    /// The hub's next deadline may have come nearer.
    rearmed: Notify,
    /// The last connection may have gone.
    emptied: Notify,
}

#[derive(Debug)]
struct Floor {
    hub: Hub,
    lines: HashMap<ConnId, Arc<Line>>,
    outbox: Outbox,
    next_conn: u64,
    /// What the timer task waits for.
    armed: Option<Instant>,
}

/// A connection as its task holds it. Dropping it, however the task ends, tells the hub.
#[derive(Debug)]
pub(crate) struct Seat {
    switchboard: Arc<Switchboard>,
    conn: ConnId,
    line: Arc<Line>,
}

/// What can arrive on a socket.
#[derive(Debug)]
pub(crate) enum Inbound {
    /// A request.
    Request(Request),
    /// A message that is none.
    Malformed,
    /// A ping or pong of the WebSocket protocol itself.
    SignOfLife,
    /// The head of a message over the limit.
    TooBig,
}

impl Inbound {
    /// Reads a text message.
    pub(crate) fn from_text(text: &str) -> Self {
        wire::read(text).map_or(Self::Malformed, Self::Request)
    }
}

impl Switchboard {
    /// Makes a switchboard without connections, and starts its timer, which ends with it.
    ///
    /// # Errors
    /// If the system gives no randomness.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn start(config: &Config, metrics: Metrics) -> Result<Arc<Self>, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let switchboard = Arc::new(Self {
            limits: config.limits.clone(),
            metrics,
            floor: Mutex::new(Floor {
                hub: Hub::new(config.limits.clone(), config.ice_servers.clone(), seed),
                lines: HashMap::new(),
                outbox: Outbox::default(),
                next_conn: 0,
                armed: None,
            }),
            rearmed: Notify::new(),
            emptied: Notify::new(),
        });
        let weak = Arc::downgrade(&switchboard);
        tokio::spawn(async move {
            // The pause is bounded, so that the task notices when it is the last to know the switchboard.
            while let Some(switchboard) = weak.upgrade() {
                switchboard.wait_and_handle_timeout().await;
            }
        });
        Ok(switchboard)
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Takes in a new socket.
    ///
    /// # Errors
    /// If the system gives no randomness for its challenge.
    pub(crate) fn connect(self: &Arc<Self>, address: IpAddr) -> Result<Seat, getrandom::Error> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce)?;
        let nonce = Nonce::from_bytes(nonce);
        let line = Arc::new(Line::default());
        self.metrics.connections.inc();
        let mut turn = self.turn();
        let conn = ConnId(turn.floor.next_conn);
        turn.floor.next_conn += 1;
        turn.floor.lines.insert(conn, Arc::clone(&line));
        turn.call(|hub, now, outbox| hub.connect(now, conn, address, nonce, outbox));
        turn.end();
        Ok(Seat {
            switchboard: Arc::clone(self),
            conn,
            line,
        })
    }

    /// Tells every client that the server stops, and waits until they are gone, for the stated time at most.
    pub(crate) async fn drain(&self) {
        self.call(|hub, _, outbox| hub.drain(outbox));
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
        const PAUSE_MAX: std::time::Duration = std::time::Duration::from_secs(1);
        let until = {
            let mut floor = self.lock();
            floor.armed = floor.hub.poll_timeout();
            floor.armed
        };
        let pause = until.map_or(PAUSE_MAX, |until| until.duration_since(Instant::now()).min(PAUSE_MAX));
        tokio::select! {
            () = tokio::time::sleep(pause) => {
                self.call(|hub, now, outbox| hub.handle_timeout(now, outbox));
            }
            () = self.rearmed.notified() => {}
        }
    }

    /// Calls the hub once.
    fn call(&self, change: impl FnOnce(&mut Hub, Instant, &mut Outbox)) {
        let mut turn = self.turn();
        turn.call(change);
        turn.end();
    }

    fn turn(&self) -> Turn<'_> {
        Turn {
            floor: self.lock(),
            now: Instant::now(),
            switchboard: self,
            touched: Vec::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Floor> {
        // The hub does not panic; if it did, better a server with one odd entry than none.
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds the lock for one or more calls of the hub.
struct Turn<'a> {
    floor: MutexGuard<'a, Floor>,
    now: Instant,
    switchboard: &'a Switchboard,
    /// Lines to be notified at the end.
    touched: Vec<Arc<Line>>,
}

impl Turn<'_> {
    /// Calls the hub and hands its outputs out before anybody else can call it, so that all keep their order.
    fn call(&mut self, change: impl FnOnce(&mut Hub, Instant, &mut Outbox)) {
        let Switchboard { limits, metrics, .. } = self.switchboard;
        let Floor { hub, lines, outbox, .. } = &mut *self.floor;
        change(hub, self.now, outbox);
        let mut overflows = Vec::new();
        // Telling of an overflow is an output too; it ends because each one closes another connection.
        while !outbox.is_empty() {
            for output in outbox.drain() {
                let (Output::Send { to, .. } | Output::Close { to, .. }) = output;
                let Some(line) = lines.get(&to) else {
                    continue;
                };
                match output {
                    Output::Send { event, .. } => {
                        metrics.count_event(&event);
                        if let Err(lost) = line.push(limits, event) {
                            overflows.push((to, lost));
                        }
                    }
                    Output::Close { code, .. } => {
                        metrics.count_close(code);
                        tracing::debug!(conn = to.0, ?code, "closing");
                        line.close(code);
                    }
                }
                if self.touched.last().is_none_or(|last| !Arc::ptr_eq(last, line)) {
                    self.touched.push(Arc::clone(line));
                }
            }
            for (to, lost) in overflows.drain(..) {
                hub.handle_slow_reader(to, Some(&lost), outbox);
            }
        }
    }

    /// Gives the lock back, then wakes whoever has something to do.
    fn end(mut self) {
        let timeout = self.floor.hub.poll_timeout();
        let armed = self.floor.armed;
        let rearmed = timeout.is_some_and(|timeout| armed.is_none_or(|armed| timeout < armed));
        if rearmed {
            self.floor.armed = timeout;
        }
        drop(self.floor);
        if rearmed {
            self.switchboard.rearmed.notify_one();
        }
        self.touched.iter().for_each(|line| line.notify());
    }
}

impl Seat {
    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    pub(crate) const fn switchboard(&self) -> &Arc<Switchboard> {
        &self.switchboard
    }

    /// Hands in what arrived, in order.
    pub(crate) fn handle(&self, batch: &mut Vec<Inbound>) {
        if batch.is_empty() {
            return;
        }
        let conn = self.conn;
        let mut turn = self.switchboard.turn();
        for inbound in batch.drain(..) {
            turn.call(|hub, now, outbox| match inbound {
                Inbound::Request(request) => hub.handle(now, conn, request, outbox),
                Inbound::Malformed => hub.handle_malformed(now, conn, outbox),
                Inbound::SignOfLife => hub.handle_sign_of_life(now, conn, outbox),
                Inbound::TooBig => hub.handle_too_big(conn, outbox),
            });
        }
        turn.end();
    }

    /// A write took too long.
    pub(crate) fn handle_slow_reader(&self, lost: Option<&Event>) {
        self.switchboard
            .call(|hub, _, outbox| hub.handle_slow_reader(self.conn, lost, outbox));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut floor = self.switchboard.lock();
        floor.lines.remove(&self.conn);
        floor.hub.disconnect(Instant::now(), self.conn);
        let empty = floor.lines.is_empty();
        drop(floor);
        if empty {
            self.switchboard.emptied.notify_one();
        }
    }
}
