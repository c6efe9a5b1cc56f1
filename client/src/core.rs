//! A person's program as a state machine without IO: a [`Node`], the room as it is shown, and what is wanted of the platform.
//!
//! It has the node's own shape. Whoever drives it feeds each [`Input`] as it happens, calls [`Core::handle_timeout`] when the time of
//! [`Core::poll_timeout`] has come, and after each such call or command drains [`Core::poll_output`] until it gives `None`.
//! [`Driver`](crate::Driver) does so for a real platform; a simulator does it by itself.
//!
//! Invariants: the same seed and calls give the same requests. A link has a connection from its [`Request::Connect`] until it is hung up,
//! dropped or reported closed, and nothing is asked of a link without one. The page gets the whole room at once, never part of
//! what one drawing should show.

mod commands;
mod journal;
mod recall;
mod settling;

use std::{collections::VecDeque, rc::Rc, time::Duration};

use litemap::LiteMap;
use mesh::{
    Node, NodeConfig,
    io::{Candidate, Change, Input, Instant, LinkId, Now, Output, ServerId},
    model::{Alert, Event},
};
use shared::{
    FileId, Identity, Room,
    signal::{self, IceServer},
};

use self::{journal::Journal, settling::Settling};
use crate::{
    config::{TELL_AFTER, TELL_MESSAGE_AFTER},
    diagnostics::{OwnState, Recorder},
    notice::NoticeKind,
    room::{RoomAction, RoomState, Visibility, reduce},
    store::{Durability, StoreError},
};

/// What the platform has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Open a socket to a server. Answer with [`Input::Signal`] or [`Input::ServerDown`].
    OpenSocket {
        /// Which server.
        server: ServerId,
        /// The address of its socket.
        address: String,
    },
    /// Close the socket to a server, if there is one. Nothing more is heard from it.
    CloseSocket {
        /// Which server.
        server: ServerId,
    },
    /// Send this on the socket of a server. If the socket has just closed, its close is under way and will be reported.
    Signal {
        /// Which server.
        server: ServerId,
        /// The message.
        request: signal::Request,
    },
    /// Make a connection and take its first step. If the platform makes no more of them, report [`Input::LinkClosed`].
    Connect {
        /// The new link.
        link: LinkId,
        /// What to find a path with.
        ice_servers: Vec<IceServer>,
        /// The first step.
        step: Step,
    },
    /// Take a step of a connection's set-up, after those that were asked for before.
    Step {
        /// Which link.
        link: LinkId,
        /// The step.
        step: Step,
    },
    /// Send a message on a link, whole and in order. If too much waits already, report [`Input::LinkClosed`].
    Transmit {
        /// Which link.
        link: LinkId,
        /// The message.
        bytes: Rc<[u8]>,
    },
    /// Send a message on a link's channel for files. Report [`Input::FileWritable`] once little waits there.
    TransmitFile {
        /// Which link.
        link: LinkId,
        /// The message.
        bytes: Rc<[u8]>,
    },
    /// Read a piece of a file. Answer with [`Input::PieceRead`].
    ReadPiece {
        /// Of which file.
        root: FileId,
        /// Which piece.
        piece: u32,
    },
    /// Keep a piece of a file. Answer with [`Input::PieceWritten`].
    WritePiece {
        /// Of which file.
        root: FileId,
        /// Which piece.
        piece: u32,
        /// The piece.
        bytes: Vec<u8>,
    },
    /// Keep nothing of a file any longer, also not what is being written.
    ForgetFile {
        /// Which file.
        root: FileId,
    },
    /// Close a connection once what was transmitted on it is sent. Nothing more is heard from it.
    HangUp {
        /// Which link.
        link: LinkId,
    },
    /// Close a connection at once: it is over already.
    Drop {
        /// Which link.
        link: LinkId,
    },
    /// Post this to the other programs of this person that are in the same room, if there is a way.
    Nearby {
        /// The message.
        bytes: Vec<u8>,
    },
    /// Keep or forget what belongs to this room, all of it or nothing. Answer with [`Core::handle_written`]. The next one comes after that, or
    /// while the program goes away.
    Write {
        /// What.
        changes: Vec<Change>,
        /// When it counts as done.
        durability: Durability,
    },
    /// Remember that the founder closed this room.
    RememberClosed {
        /// The founder's statement.
        statement: Vec<u8>,
    },
    /// Show the room as it is now.
    Show {
        /// All of it.
        room: Rc<RoomState>,
    },
}

/// A step of a connection's set-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the first offer. Answer with [`Input::LocalDescription`].
    Offer,
    /// Use these servers from the next ICE restart on.
    Servers {
        /// What the server names now.
        ice_servers: Vec<IceServer>,
    },
    /// Make an offer with fresh ICE credentials. Answer with [`Input::LocalDescription`].
    Restart,
    /// Take the peer's offer and answer it. Answer with [`Input::LocalDescription`].
    Accept {
        /// The offer.
        sdp: String,
    },
    /// Take the peer's answer.
    Answer {
        /// The answer.
        sdp: String,
    },
    /// Take more of the peer's candidates.
    Candidates {
        /// In the peer's order.
        candidates: Vec<Candidate>,
    },
}

/// A program in a room. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Core {
    node: Node,
    now: Instant,
    unix_millis: u64,
    room: Rc<RoomState>,
    visibility: Visibility,
    /// When the room is shown again, if it has changed.
    show_at: Option<Instant>,
    own_state: OwnState,
    settling: Settling,
    /// The links that have a connection.
    connections: LiteMap<LinkId, ()>,
    recorder: Recorder,
    journal: Journal,
    /// What follows from inputs themselves; goes out before what the node asks for.
    outbox: VecDeque<Request>,
    #[cfg(feature = "sim")]
    events: VecDeque<Event>,
}

impl Core {
    /// A program that is about to enter `room`: its first time-out is due at once. `seed` must be unpredictable, and never used twice,
    /// wherever the node meets real peers.
    ///
    /// # Panics
    /// If the configured name is not [valid](crate::validate::name).
    #[must_use]
    pub fn new(identity: Identity, room: Room, config: NodeConfig, seed: [u8; 32], now: Now) -> Self {
        let shown = RoomState::new(identity.peer_id(), config.name.clone());
        Self {
            node: Node::new(identity, room, config, seed, now),
            now: now.instant,
            unix_millis: now.unix_millis,
            room: Rc::new(shown),
            visibility: Visibility::Shown,
            show_at: None,
            own_state: OwnState::Here,
            settling: Settling::default(),
            connections: LiteMap::new(),
            recorder: Recorder::new(now.instant),
            journal: Journal::default(),
            outbox: VecDeque::new(),
            #[cfg(feature = "sim")]
            events: VecDeque::new(),
        }
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The room as it is, shown or not yet.
    #[must_use]
    pub fn room(&self) -> &Rc<RoomState> {
        &self.room
    }

    /// The store has taken what was to be [written](Request::Write), or not.
    pub fn handle_written(&mut self, now: Now, result: Result<(), StoreError>) {
        self.advance(now);
        match result {
            Ok(()) => {
                let changes = self.journal.handle_written();
                self.node.handle_input(now, Input::Stored { changes });
            }
            Err(error) => self.on_store_failed(now, error),
        }
    }

    /// Another program of this machine has our identity slot: it goes on from what is kept. We keep nothing any more, and leave: else the two would
    /// take each other's place with servers and neighbors.
    pub fn handle_slot_lost(&mut self, now: Now) {
        if self.own_state == OwnState::Here {
            self.end_keeping(now);
            self.notify(now, NoticeKind::SlotLost.into());
            self.leave(now);
        }
    }

    /// Another program of this machine forgets the room, or this one: nothing of it is kept any more, and we leave.
    pub fn handle_forgotten(&mut self, now: Now) {
        if !self.room.forgotten {
            self.forget(now);
            self.notify(now, NoticeKind::ForgottenElsewhere.into());
            self.leave(now);
        }
    }

    fn on_store_failed(&mut self, now: Now, error: StoreError) {
        if !self.journal.has_ended() {
            self.end_keeping(now);
            self.notify(now, NoticeKind::NotStored { error }.into());
        }
    }

    /// Nothing is kept from now on, and the node goes on in a feed that nobody goes on with.
    fn end_keeping(&mut self, now: Now) {
        self.advance(now);
        self.write_no_more(self.now);
        self.node.handle_input(now, Input::NotStored);
    }

    fn write_no_more(&mut self, show_at: Instant) {
        self.journal.end();
        self.change(show_at, RoomAction::Kept { kept: false });
    }

    /// Takes what happened in the world.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        self.advance(now);
        self.recorder.note_input(self.now, &input);
        match &input {
            Input::ServerDown { server, .. } => self.outbox.push_back(Request::CloseSocket { server: *server }),
            Input::LinkClosed { link, .. } => {
                if self.connections.remove(link).is_some() {
                    self.outbox.push_back(Request::Drop { link: *link });
                }
            }
            Input::Signal { .. }
            | Input::LocalDescription { .. }
            | Input::LocalCandidates { .. }
            | Input::LinkOpen { .. }
            | Input::LinkPath { .. }
            | Input::LinkKind { .. }
            | Input::FilesOpen { .. }
            | Input::FileFragment { .. }
            | Input::FileWritable { .. }
            | Input::PieceRead { .. }
            | Input::PieceWritten { .. }
            | Input::Nearby { .. }
            | Input::Fragment { .. }
            | Input::Stored { .. }
            | Input::NotStored
            | Input::Network { .. } => {}
        }
        self.node.handle_input(now, input);
    }

    /// Does what is due. Calling it early or again does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        self.node.handle_timeout(now);
    }

    /// The next thing for the platform to do.
    pub fn poll_output(&mut self) -> Option<Request> {
        loop {
            if let Some(request) = self.outbox.pop_front() {
                return Some(request);
            }
            let Some(output) = self.node.poll_output() else {
                if let Some((changes, durability)) = self.journal.poll(self.now) {
                    return Some(Request::Write { changes, durability });
                }
                return self.poll_show();
            };
            self.recorder.note_output(self.now, &output);
            let request = self.on_output(output);
            if request.is_some() {
                return request;
            }
        }
    }

    /// When to call [`Core::handle_timeout`] next. Ask again after every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = self.show_at.into_iter().chain(self.journal.poll_timeout());
        self.node.poll_timeout().into_iter().chain(own).min()
    }

    /// What happened in the node, one by one, for a simulator that checks it. The room shows it all the same.
    #[cfg(feature = "sim")]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether all that is to be kept is with the store.
    #[must_use]
    pub fn has_written_all(&self) -> bool {
        self.journal.is_done()
    }

    fn advance(&mut self, now: Now) {
        self.now = self.now.max(now.instant);
        self.unix_millis = now.unix_millis;
    }

    /// What the platform has to do for an output of the node, if anything.
    fn on_output(&mut self, output: Output) -> Option<Request> {
        Some(match output {
            Output::ConnectServer { server, address } => Request::OpenSocket { server, address },
            Output::DisconnectServer { server } => Request::CloseSocket { server },
            Output::Signal { server, request } => Request::Signal { server, request },
            Output::Dial { link, ice_servers } => self.connect(link, ice_servers, Step::Offer),
            Output::Accept { link, ice_servers, sdp } => self.connect(link, ice_servers, Step::Accept { sdp }),
            Output::RemoteAnswer { link, sdp } => return self.step(link, Step::Answer { sdp }),
            Output::RemoteCandidates { link, candidates } => return self.step(link, Step::Candidates { candidates }),
            Output::RestartIce { link, ice_servers } => {
                self.connections.get(&link)?;
                self.connect(link, ice_servers, Step::Restart)
            }
            Output::Transmit { link, bytes } => {
                return self
                    .connections
                    .contains_key(&link)
                    .then_some(Request::Transmit { link, bytes });
            }
            Output::HangUp { link } => {
                self.connections.remove(&link)?;
                Request::HangUp { link }
            }
            Output::Nearby { bytes } => Request::Nearby { bytes },
            Output::Store { change, priority } => {
                if let Err(error) = self.journal.push(self.now, change, priority) {
                    let (instant, unix_millis) = (self.now, self.unix_millis);
                    self.on_store_failed(Now { instant, unix_millis }, error);
                }
                return None;
            }
            Output::TransmitFile { link, bytes } => {
                self.connections.get(&link)?;
                Request::TransmitFile { link, bytes }
            }
            Output::ReadPiece { root, piece } => Request::ReadPiece { root, piece },
            Output::WritePiece { root, piece, bytes } => Request::WritePiece { root, piece, bytes },
            Output::ForgetFile { root } => Request::ForgetFile { root },
            Output::RememberClosed { statement } => Request::RememberClosed { statement },
            Output::Event(event) => {
                self.on_event(event);
                return None;
            }
        })
    }

    /// The first step of a new connection, or the next one of a connection that is there: ICE is restarted by another offer. What servers
    /// it was made with may be out of date by then.
    fn connect(&mut self, link: LinkId, ice_servers: Vec<IceServer>, step: Step) -> Request {
        if self.connections.insert(link, ()).is_some() {
            self.outbox.push_front(Request::Step { link, step });
            let step = Step::Servers { ice_servers };
            return Request::Step { link, step };
        }
        Request::Connect {
            link,
            ice_servers,
            step,
        }
    }

    fn step(&self, link: LinkId, step: Step) -> Option<Request> {
        self.connections
            .contains_key(&link)
            .then_some(Request::Step { link, step })
    }

    fn on_event(&mut self, event: Event) {
        #[cfg(feature = "sim")]
        self.events.push_back(event.clone());
        if let Event::File { info, progress } = event {
            let now = self.now;
            return self.change(now + TELL_AFTER, RoomAction::Progress { info, progress, now });
        }
        if self.settling.note(self.now, &event) {
            reduce(Rc::make_mut(&mut self.room), RoomAction::Settled);
        }
        // Half a dozen things happen at once, and are drawn at once. Whoever leaves need not wait.
        let wait = match event {
            Event::Left => {
                self.own_state = OwnState::Left;
                self.journal.hasten(self.now);
                Duration::ZERO
            }
            Event::Recalled { .. } => Duration::ZERO,
            // Another program goes on with what we stored.
            Event::Alert {
                alert: Alert::Superseded,
            } => {
                self.write_no_more(self.now);
                TELL_AFTER
            }
            Event::Message { .. } => TELL_MESSAGE_AFTER,
            Event::Person { .. }
            | Event::PersonForgotten { .. }
            | Event::Delivery { .. }
            | Event::File { .. }
            | Event::Server { .. }
            | Event::Alert { .. }
            | Event::Invitation { .. }
            | Event::InvitationAnswer { .. }
            | Event::Annotated { .. }
            | Event::Deleted { .. }
            | Event::Renumbered { .. }
            | Event::RoomNamed { .. }
            | Event::Topic { .. }
            | Event::Typing { .. }
            | Event::Pinned { .. }
            | Event::CatchingUp { .. }
            | Event::Vanishing { .. }
            | Event::Retention { .. }
            | Event::Dropped { .. }
            | Event::RoomClosed => TELL_AFTER,
        };
        let visibility = self.visibility;
        self.change(self.now + wait, RoomAction::Event { event, visibility });
    }

    fn change(&mut self, show_at: Instant, action: RoomAction) {
        // Copied only if the page still has what it was shown last.
        reduce(Rc::make_mut(&mut self.room), action);
        self.show_at = Some(self.show_at.map_or(show_at, |at| at.min(show_at)));
    }

    fn poll_show(&mut self) -> Option<Request> {
        self.show_at.take_if(|at| *at <= self.now)?;
        let room = Rc::clone(&self.room);
        Some(Request::Show { room })
    }
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "other requests are of no interest")]
mod tests;
