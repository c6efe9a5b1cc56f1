//! Runs a [`Core`] over a [`Platform`].
//!
//! Everything that happens, in the network or on the page, becomes a [`DriverEvent`] in one queue. One loop takes the events
//! out, lets the core handle them, does what the core asks for and arms one timer: one mutation, then drain, then arm.
//! Callbacks of the platform only put events into the queue, by [`Events`]. So nothing ever runs inside of something
//! else, and no borrow of the core is held across a call into the platform.
//!
//! The queue has no bound of its own. What fills it is bounded (sockets and channels by their flow control, the page by a
//! person's hands), and the loop empties it before the platform delivers more.

use std::{cell::RefCell, rc::Rc, time::Duration};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use mesh::{
    Node,
    io::{Change, Input, Instant, LinkEnd, LinkId, Now, ServerId},
    order::by_number,
};
use shared::{FileId, signal::IceServer};
use thiserror::Error;

use crate::{
    config::{RECALLED_AT_ONCE, TIMER_MAX},
    core::{Core, Request, Step},
    room::{RoomState, Visibility},
    store::{Durability, StoreError, StoredRecord},
};

/// Everything that can happen to a driver.
#[derive(Debug, PartialEq, Eq)]
pub enum DriverEvent {
    /// Something for the node.
    Input(Input),
    /// The timer went off.
    Timer,
    /// A command was given to the core: do what follows from it.
    Wake,
    /// The page came into view, or went out of it.
    Visibility(Visibility),
    /// The program is going away: say goodbye while there is time.
    Leave,
    /// Nobody holds the session any more: leave, and end.
    Abandoned,
    /// Another program of this machine has our identity slot.
    SlotLost,
    /// The room is forgotten on this machine.
    Forgotten,
    /// The store has taken the last batch, or not.
    Written(Result<(), StoreError>),
}

/// Where everything that happens is put. Cheap to clone. The platform's limbs depend on this, never on the driver.
#[derive(Debug, Clone)]
pub struct Events(UnboundedSender<DriverEvent>);

/// The other end of [`Events`].
#[derive(Debug)]
pub struct EventQueue(UnboundedReceiver<DriverEvent>);

impl Events {
    /// The two ends of a driver's queue.
    #[must_use]
    pub fn channel() -> (Self, EventQueue) {
        let (sender, queue) = unbounded();
        (Self(sender), EventQueue(queue))
    }

    /// Puts something for the node into the queue.
    pub fn input(&self, input: Input) {
        self.send(DriverEvent::Input(input));
    }

    /// Puts an event into the queue.
    pub fn send(&self, event: DriverEvent) {
        // Fails only when the driver has ended, and then nobody wants to know.
        let _ = self.0.unbounded_send(event);
    }

    /// Whether the driver has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl EventQueue {
    /// Waits for the next event. `None` once all [`Events`] are gone.
    pub async fn next(&mut self) -> Option<DriverEvent> {
        self.0.next().await
    }

    /// The next event, if there is one already.
    pub fn try_next(&mut self) -> Option<DriverEvent> {
        self.0.try_recv().ok()
    }
}

/// What a driver needs of its platform. No method waits for the network; what comes of it is reported by [`Events`].
pub trait Platform {
    /// What was kept of this room on former visits; `None` if nothing is kept, nor will be.
    fn restore(&self) -> impl Future<Output = Option<Vec<StoredRecord>>>;

    /// Whether our identity is still ours, found out if another program may have it by now: after a long sleep, say. Asked before each event.
    fn is_still_us(&self) -> impl Future<Output = bool> {
        std::future::ready(true)
    }

    /// Has [`DriverEvent::Timer`] sent after so long, instead of what was armed before; never for `None`.
    fn arm_timer(&mut self, after: Option<Duration>);

    /// Opens a socket to the server at this address.
    fn open_socket(&mut self, server: ServerId, address: &str);

    /// Closes and silences the socket to a server, if there is one.
    fn close_socket(&mut self, server: ServerId);

    /// Sends a text on the socket of a server, if there is one.
    fn send_signal(&mut self, server: ServerId, text: &str);

    /// Makes a connection.
    ///
    /// # Errors
    /// [`Exhausted`] if the platform makes no more of them.
    fn connect(&mut self, link: LinkId, ice_servers: &[IceServer]) -> Result<(), Exhausted>;

    /// Queues a step of a connection's set-up.
    fn step(&mut self, link: LinkId, step: Step);

    /// Lets others have their turn: what is shown is drawn, and the person is heard.
    fn pause(&self) -> impl Future<Output = ()>;

    /// Sends a message on a connection's channel, or queues it there.
    ///
    /// # Errors
    /// [`SlowReader`] if the queue is full.
    fn transmit(&mut self, link: LinkId, message: &[u8]) -> Result<(), SlowReader>;

    /// Sends a message on a connection's channel for files. Has [`Input::FileWritable`] sent once at most
    /// [`FILE_CHANNEL_LOW_BYTES`](mesh::config::FILE_CHANNEL_LOW_BYTES) wait there.
    fn transmit_file(&mut self, link: LinkId, message: &[u8]);

    /// Reads a piece of a file. Has [`Input::PieceRead`] sent.
    fn read_piece(&mut self, root: FileId, piece: u32);

    /// Keeps a piece of a file. Has [`Input::PieceWritten`] sent.
    fn write_piece(&mut self, root: FileId, piece: u32, bytes: Vec<u8>);

    /// Keeps nothing of a file any longer, also not what is being written.
    fn forget_file(&mut self, root: FileId);

    /// Closes and silences a connection, once what was sent is on its way.
    fn hang_up(&mut self, link: LinkId);

    /// Closes and silences a connection at once.
    fn drop_connection(&mut self, link: LinkId);

    /// Posts a message to the other programs of this person in the room, if there is a way.
    fn post_nearby(&mut self, message: &[u8]);

    /// Keeps or forgets what belongs to this room, all of it or nothing. Has [`DriverEvent::Written`] sent when that is done. Asked for again only
    /// after that, or while the program goes away: what was asked for first is done first.
    fn write(&mut self, changes: Vec<Change>, durability: Durability);

    /// Keeps that this room is closed.
    fn remember_closed(&mut self, statement: Vec<u8>);

    /// Shows the room.
    fn show(&mut self, room: Rc<RoomState>);
}

/// The platform makes no more connections in this program. A reload frees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no more connections can be made")]
pub struct Exhausted;

/// A peer does not take what it is sent. Its link has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too much waits for this peer already")]
pub struct SlowReader;

/// Reads both clocks.
pub type Clock = fn() -> Now;

/// A core, its platform and the queue between them.
#[derive(Debug)]
pub struct Driver<P> {
    core: Rc<RefCell<Core>>,
    platform: P,
    clock: Clock,
    events: Events,
    queue: EventQueue,
    /// When the timer goes off.
    armed: Option<Instant>,
    /// Whether anybody holds the session.
    is_wanted: bool,
}

impl<P: Platform> Driver<P> {
    /// A driver whose `platform` reports to `queue` by `events`.
    pub fn new(core: Rc<RefCell<Core>>, platform: P, clock: Clock, (events, queue): (Events, EventQueue)) -> Self {
        Self {
            core,
            platform,
            clock,
            events,
            queue,
            armed: None,
            is_wanted: true,
        }
    }

    /// Does what is due at the start: opens the first sockets.
    pub(crate) fn start(&mut self) {
        self.core.borrow_mut().await_store();
        self.core.borrow_mut().handle_timeout((self.clock)());
        self.drain();
    }

    /// Handles events until the node has left, the session is gone, and what is to be kept is with the store. One that never answers holds this up
    /// for as long as the program lives.
    pub async fn run(mut self) {
        // The first sockets open while the store is read. Nothing is heard before that is done: it waits in the queue.
        match self.platform.restore().await {
            Some(records) => {
                let mut parts = latest_first(records);
                let last = parts.pop().unwrap_or_default();
                for part in parts {
                    self.core.borrow_mut().recall((self.clock)(), part);
                    self.drain();
                    self.platform.pause().await;
                }
                self.core.borrow_mut().restore((self.clock)(), last);
            }
            None => self.core.borrow_mut().keep_nothing((self.clock)()),
        }
        loop {
            self.drain();
            if !self.is_wanted && self.has_ended() {
                return;
            }
            self.arm();
            let Some(event) = self.queue.next().await else { return };
            if !self.platform.is_still_us().await {
                // Before anything is sent in the name of who is somebody else now.
                self.handle(DriverEvent::SlotLost);
            }
            self.handle(event);
        }
    }

    fn has_ended(&self) -> bool {
        let core = self.core.borrow();
        core.room().left && core.has_written_all()
    }

    /// Lets the core handle one event.
    fn handle(&mut self, event: DriverEvent) {
        let now = (self.clock)();
        let mut core = self.core.borrow_mut();
        match event {
            DriverEvent::Input(input) => core.handle_input(now, input),
            DriverEvent::Timer => {
                self.armed = None;
                core.handle_timeout(now);
            }
            DriverEvent::Wake => core.handle_timeout(now),
            DriverEvent::Visibility(visibility) => core.set_visibility(now, visibility),
            DriverEvent::Leave => core.leave_at_once(now),
            DriverEvent::SlotLost => core.handle_slot_lost(now),
            DriverEvent::Forgotten => core.handle_forgotten(now),
            DriverEvent::Written(result) => core.handle_written(now, result),
            DriverEvent::Abandoned => {
                self.is_wanted = false;
                core.leave(now);
            }
        }
    }

    /// Does everything that the core asks for.
    fn drain(&mut self) {
        loop {
            // The borrow ends with this statement, before anything is done.
            let request = self.core.borrow_mut().poll_output();
            let Some(request) = request else { return };
            self.act(request);
        }
    }

    fn act(&mut self, request: Request) {
        let platform = &mut self.platform;
        match request {
            Request::OpenSocket { server, address } => platform.open_socket(server, &address),
            Request::CloseSocket { server } => platform.close_socket(server),
            Request::Signal { server, request } => platform.send_signal(server, &request.to_text()),
            Request::Connect {
                link,
                ice_servers,
                step,
            } => match platform.connect(link, &ice_servers) {
                Ok(()) => platform.step(link, step),
                Err(Exhausted) => self.end(link, LinkEnd::Exhausted),
            },
            Request::Step { link, step } => platform.step(link, step),
            Request::Transmit { link, bytes } => {
                if let Err(SlowReader) = platform.transmit(link, &bytes) {
                    self.end(link, LinkEnd::SlowReader);
                }
            }
            Request::TransmitFile { link, bytes } => platform.transmit_file(link, &bytes),
            Request::ReadPiece { root, piece } => platform.read_piece(root, piece),
            Request::WritePiece { root, piece, bytes } => platform.write_piece(root, piece, bytes),
            Request::ForgetFile { root } => platform.forget_file(root),
            Request::HangUp { link } => platform.hang_up(link),
            Request::Drop { link } => platform.drop_connection(link),
            Request::Nearby { bytes } => platform.post_nearby(&bytes),
            Request::Write { changes, durability } => platform.write(changes, durability),
            Request::RememberClosed { statement } => platform.remember_closed(statement),
            Request::Show { room } => platform.show(room),
        }
    }

    /// Ends a link for a reason of ours.
    fn end(&self, link: LinkId, end: LinkEnd) {
        self.events.input(Input::LinkClosed { link, end });
    }

    /// Sets the timer to the core's next deadline.
    fn arm(&mut self) {
        let next = self.core.borrow().poll_timeout();
        if self.armed == next {
            return;
        }
        self.armed = next;
        // One more than the difference of two clocks rounded down, so that the deadline has passed when the timer goes off.
        let wait = |at: Instant| at.since((self.clock)().instant).min(TIMER_MAX) + Duration::from_millis(1);
        self.platform.arm_timer(next.map(wait));
    }
}

/// What was kept in parts that are read one after the other: first what is no entry, and the latest entries.
fn latest_first(records: Vec<StoredRecord>) -> Vec<Vec<StoredRecord>> {
    if records.len() <= RECALLED_AT_ONCE {
        return vec![records];
    }
    let mut others = 0;
    let ordered = by_number(records, |record| match Node::order_of(&record.key, &record.value) {
        Some(order) => u128::from(u64::MAX - order) + 1,
        // What is no entry comes first.
        None => {
            others += 1;
            0
        }
    });
    let (mut parts, mut part) = (Vec::new(), Vec::new());
    let mut size = others + RECALLED_AT_ONCE;
    for record in ordered {
        if part.len() == size {
            parts.push(std::mem::take(&mut part));
            size = RECALLED_AT_ONCE;
        }
        part.push(record);
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests;
