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
};

/// Shared by all socket tasks. Every call takes the one lock for about a microsecond (a hello: some fifty, for its
/// signature) and never while something is awaited.
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
        let line = Arc::new(Line::default());
        let mut floor = self.lock();
        let conn = ConnId(floor.next_conn);
        floor.next_conn += 1;
        floor.lines.insert(conn, Arc::clone(&line));
        self.metrics.connections.inc();
        self.call(&mut floor, |hub, now, outbox| {
            hub.connect(now, conn, address, Nonce::from_bytes(nonce), outbox);
        });
        drop(floor);
        Ok(Seat {
            switchboard: Arc::clone(self),
            conn,
            line,
        })
    }

    /// Tells every client that the server stops, and waits until they are gone, for the stated time at most.
    pub(crate) async fn drain(&self) {
        self.call(&mut self.lock(), |hub, _, outbox| hub.drain(outbox));
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
                self.call(&mut self.lock(), |hub, now, outbox| hub.handle_timeout(now, outbox));
            }
            () = self.rearmed.notified() => {}
        }
    }

    /// Calls the hub and hands its outputs out before anybody else can call it, so that all keep their order.
    fn call(&self, floor: &mut Floor, change: impl FnOnce(&mut Hub, Instant, &mut Outbox)) {
        change(&mut floor.hub, Instant::now(), &mut floor.outbox);
        let mut overflows = Vec::new();
        // Telling of an overflow is an output too; it ends because each one closes another connection.
        while !floor.outbox.is_empty() {
            for output in floor.outbox.drain() {
                match output {
                    Output::Send { to, event } => {
                        self.metrics.count_event(&event);
                        if let Some(Err(lost)) = floor.lines.get(&to).map(|line| line.push(&self.limits, event)) {
                            overflows.push((to, lost));
                        }
                    }
                    Output::Close { to, code } => {
                        self.metrics.count_close(code);
                        tracing::debug!(conn = to.0, ?code, "closing");
                        if let Some(line) = floor.lines.get(&to) {
                            line.close(code);
                        }
                    }
                }
            }
            for (to, lost) in overflows.drain(..) {
                floor.hub.handle_slow_reader(to, Some(&lost), &mut floor.outbox);
            }
        }
        let timeout = floor.hub.poll_timeout();
        if timeout.is_some_and(|timeout| floor.armed.is_none_or(|armed| timeout < armed)) {
            floor.armed = timeout;
            self.rearmed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Floor> {
        // The hub does not panic; if it did, better a server with one odd entry than none.
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    pub(crate) const fn switchboard(&self) -> &Arc<Switchboard> {
        &self.switchboard
    }

    /// A text message arrived.
    pub(crate) fn handle_text(&self, text: &str) {
        match serde_json::from_str::<Request>(text) {
            Ok(request) => self.call(|hub, now, outbox| hub.handle(now, self.conn, request, outbox)),
            Err(_) => self.handle_malformed(),
        }
    }

    /// Something arrived that is no text message.
    pub(crate) fn handle_malformed(&self) {
        self.call(|hub, now, outbox| hub.handle_malformed(now, self.conn, outbox));
    }

    /// A WebSocket ping or pong arrived.
    pub(crate) fn handle_sign_of_life(&self) {
        self.call(|hub, now, outbox| hub.handle_sign_of_life(now, self.conn, outbox));
    }

    /// A message over the limit was announced.
    pub(crate) fn handle_too_big(&self) {
        self.call(|hub, _, outbox| hub.handle_too_big(self.conn, outbox));
    }

    /// A write took too long.
    pub(crate) fn handle_slow_reader(&self, lost: Option<&Event>) {
        self.call(|hub, _, outbox| hub.handle_slow_reader(self.conn, lost, outbox));
    }

    fn call(&self, change: impl FnOnce(&mut Hub, Instant, &mut Outbox)) {
        self.switchboard.call(&mut self.switchboard.lock(), change);
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
