//! Runs a [`Node`] in a page.
//!
//! Everything that happens, in the network or on the page, becomes a `DriverEvent` in one queue; one loop takes them out,
//! lets the node handle them, does what the node asks for and arms one timer. Callbacks of the browser only put events
//! into the queue, so nothing ever runs inside of something else, and no borrow of the node is held across a call into
//! the browser.
//!
//! The queue has no bound of its own: what fills it is bounded (sockets and lanes by the browser's flow control, the page by a person's
//! hands), and the loop empties it before the browser delivers more.

use std::{cell::RefCell, fmt, rc::Rc};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use litemap::LiteMap;
use mesh::{
    Node, NodeConfig, Timing,
    io::{Input, Instant, LinkEnd, LinkId, Output, ServerId},
    model::{CloseError, Event, Invitation, InvitationError, Network, SendError},
};
use shared::{MessageId, PeerId, Room, RoomCode, signal};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{PageTransitionEvent, VisibilityState};
use yew::Callback;

use crate::{
    boot::Profile,
    clock, js,
    nearby::Nearby,
    rtc::{Connection, Exhausted, Op},
    signaller::Signaller,
};

/// How long the page is kept from hearing what happened, in milliseconds. Drawing takes longer than all the rest of linking,
/// and half a dozen things happen on the way to a link: they are drawn at once, and peers do not wait for it.
const TELL_MILLIS: u32 = 32;

/// Everything that can happen to a driver.
#[derive(Debug)]
pub(crate) enum DriverEvent {
    /// Something for the node.
    Input(Input),
    /// The timer went off, the page became visible, or a command was given: look what there is to do.
    Wake,
    /// Time to tell the page what happened.
    Tell,
    /// The page is going away: say goodbye while there is time.
    PageHide,
}

/// Where everything that happens is put. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Events(UnboundedSender<DriverEvent>);

impl Events {
    /// The two ends of a driver's queue.
    pub(crate) fn channel() -> (Self, UnboundedReceiver<DriverEvent>) {
        let (sender, queue) = unbounded();
        (Self(sender), queue)
    }

    /// Puts something for the node into the queue.
    pub(crate) fn input(&self, input: Input) {
        self.send(DriverEvent::Input(input));
    }

    fn send(&self, event: DriverEvent) {
        // Fails only when the driver has ended, and then nobody wants to know.
        let _ = self.0.unbounded_send(event);
    }
}

/// A handle on a running node. Cheap to clone.
#[derive(Clone)]
pub struct Session(Rc<Handle>);

struct Handle {
    me: PeerId,
    room: Room,
    node: Rc<RefCell<Node>>,
    events: Events,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?} as {})", self.0.room, self.0.me)
    }
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Session {
    /// Joins a room; what happens there comes to `on_event`, until `Event::Left`.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a room code is a secret that should end here"
    )]
    pub fn join(profile: &Profile, room: RoomCode, name: String, on_event: Callback<Event>) -> Self {
        let room = room.open();
        let config = NodeConfig {
            name,
            servers: u8::try_from(profile.servers().len()).unwrap_or(u8::MAX),
            closed: profile.closed(&room.id()),
            timing: Timing::default(),
        };
        let node = Node::new(profile.identity(), room.clone(), config, js::entropy(), clock::now());
        let node = Rc::new(RefCell::new(node));
        let (events, queue) = Events::channel();
        let driver = Driver {
            profile: profile.clone(),
            room: room.clone(),
            node: Rc::clone(&node),
            events: events.clone(),
            on_event,
            signallers: LiteMap::new(),
            connections: LiteMap::new(),
            nearby: Nearby::open(&room.id(), &events),
            timer: None,
            untold: Vec::new(),
            telling: None,
            _listeners: listeners(&events),
        };
        spawn_local(driver.run(queue));
        Self(Rc::new(Handle {
            me: profile.peer_id(),
            room,
            node,
            events,
        }))
    }

    /// Our public key.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.0.me
    }

    /// The room.
    #[must_use]
    pub fn room(&self) -> Room {
        self.0.room.clone()
    }

    /// Says `text` to everyone.
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn say(&self, text: &str) -> Result<MessageId, SendError> {
        self.command(|node| node.say(clock::now(), text))
    }

    /// Says `text` to one person.
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn whisper(&self, to: PeerId, text: &str) -> Result<MessageId, SendError> {
        self.command(|node| node.whisper(clock::now(), to, text))
    }

    /// The room's network as we know it.
    #[must_use]
    pub fn network(&self) -> Network {
        self.0.node.borrow().network()
    }

    /// Makes an invitation for one person, to be handed over by hand; `Event::Invitation` follows.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub fn invite(&self) -> Result<(), InvitationError> {
        self.command(|node| node.invite(clock::now()))
    }

    /// Takes an invitation, or the answer to one of ours, whichever `text` is. `Event::InvitationAnswer` follows an invitation.
    ///
    /// # Errors
    /// [`InvitationError`]; nothing was done.
    pub fn take_invitation(&self, text: &str) -> Result<Invitation, InvitationError> {
        self.command(|node| node.take_invitation(clock::now(), text))
    }

    /// Closes the room for everyone and for good; `Event::RoomClosed` and `Event::Left` follow.
    ///
    /// # Errors
    /// [`CloseError`]; nothing was done.
    pub fn close_room(&self) -> Result<(), CloseError> {
        self.command(|node| node.close_room(clock::now()))
    }

    /// Leaves the room; `Event::Left` follows within a second.
    pub fn leave(&self) {
        self.command(|node| node.leave(clock::now()));
    }

    /// Tries the servers now.
    pub fn retry_now(&self) {
        self.command(|node| node.retry_now(clock::now()));
    }

    /// Milliseconds from now until `at`; 0 if that has passed.
    #[must_use]
    pub fn millis_until(&self, at: Instant) -> u64 {
        at.as_millis().saturating_sub(clock::instant().as_millis())
    }

    /// Gives the node a command and wakes the driver to do what follows from it.
    fn command<T>(&self, command: impl FnOnce(&mut Node) -> T) -> T {
        let result = command(&mut self.0.node.borrow_mut());
        self.0.events.send(DriverEvent::Wake);
        result
    }
}

/// What the page tells every driver.
fn listeners(events: &Events) -> [EventListener; 5] {
    let window = js::window();
    let document = js::document();
    let send = |event: fn() -> DriverEvent| {
        let events = events.clone();
        move |_: &web_sys::Event| {
            events.send(event());
        }
    };
    let visible = document.clone();
    let woken = events.clone();
    [
        EventListener::new(
            &window,
            "online",
            send(|| DriverEvent::Input(Input::Network { online: true })),
        ),
        EventListener::new(
            &window,
            "offline",
            send(|| DriverEvent::Input(Input::Network { online: false })),
        ),
        EventListener::new(&window, "pagehide", send(|| DriverEvent::PageHide)),
        EventListener::new(&window, "pageshow", |event| {
            // Back from the browser's page cache, where the node had to leave: start anew.
            if event.unchecked_ref::<PageTransitionEvent>().persisted() {
                js::reload();
            }
        }),
        EventListener::new(&document, "visibilitychange", move |_| {
            // The timers of a page in the background run late.
            if visible.visibility_state() == VisibilityState::Visible {
                woken.send(DriverEvent::Wake);
            }
        }),
    ]
}

struct Driver {
    profile: Profile,
    room: Room,
    node: Rc<RefCell<Node>>,
    events: Events,
    on_event: Callback<Event>,
    signallers: LiteMap<ServerId, Signaller>,
    connections: LiteMap<LinkId, Connection>,
    nearby: Option<Nearby>,
    timer: Option<(Instant, Timeout)>,
    /// What the page will be told when `telling` goes off.
    untold: Vec<Event>,
    telling: Option<Timeout>,
    _listeners: [EventListener; 5],
}

impl Driver {
    /// Handles events until the node has left.
    async fn run(mut self, mut queue: UnboundedReceiver<DriverEvent>) {
        for (peer, name) in self.profile.known_names(&self.room.id()).await {
            self.node.borrow_mut().know_name(peer, &name);
        }
        self.node.borrow_mut().handle_timeout(clock::now());
        while self.drain() {
            self.arm();
            let Some(event) = queue.next().await else { return };
            self.handle(event);
        }
    }

    fn handle(&mut self, event: DriverEvent) {
        let now = clock::now();
        match event {
            DriverEvent::Input(input) => {
                match &input {
                    Input::ServerDown { server, .. } => drop(self.signallers.remove(server)),
                    Input::LinkClosed { link, .. } => drop(self.connections.remove(link)),
                    Input::Signal { .. }
                    | Input::LocalDescription { .. }
                    | Input::LocalCandidates { .. }
                    | Input::LinkOpen { .. }
                    | Input::LinkPath { .. }
                    | Input::LinkKind { .. }
                    | Input::Nearby { .. }
                    | Input::Fragment { .. }
                    | Input::Network { .. } => {}
                }
                self.node.borrow_mut().handle_input(now, input);
            }
            DriverEvent::Wake => self.node.borrow_mut().handle_timeout(now),
            DriverEvent::Tell => self.tell(),
            DriverEvent::PageHide => self.node.borrow_mut().leave(now),
        }
    }

    /// Does what the node asks for. `false` once it has left.
    fn drain(&mut self) -> bool {
        loop {
            // The borrow ends with this statement, before anything is done.
            let output = self.node.borrow_mut().poll_output();
            match output {
                None => break,
                Some(Output::Event(event)) => self.untold.push(event),
                Some(output) => self.act(output),
            }
        }
        let left = self.untold.contains(&Event::Left);
        if left {
            self.tell();
        } else if !self.untold.is_empty() && self.telling.is_none() {
            let events = self.events.clone();
            let tell = move || events.send(DriverEvent::Tell);
            self.telling = Some(Timeout::new(TELL_MILLIS, tell));
        }
        !left
    }

    /// Tells the page what it has not been told yet.
    fn tell(&mut self) {
        self.telling = None;
        for event in std::mem::take(&mut self.untold) {
            self.on_event.emit(event);
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::ConnectServer { server } => {
                if let Some(url) = self.profile.servers().get(usize::from(server.0))
                    && let Some(signaller) = Signaller::open(server, url, &self.events)
                {
                    self.signallers.insert(server, signaller);
                }
            }
            Output::DisconnectServer { server } => drop(self.signallers.remove(&server)),
            Output::Signal { server, request } => {
                if let Some(signaller) = self.signallers.get(&server) {
                    signaller.send(&request);
                }
            }
            Output::Dial { link, ice_servers } => {
                self.connect(link, &ice_servers);
                self.push(link, Op::Offer { restart: false });
            }
            Output::Accept { link, ice_servers, sdp } => {
                self.connect(link, &ice_servers);
                self.push(link, Op::Accept { sdp });
            }
            Output::RemoteAnswer { link, sdp } => self.push(link, Op::Answer { sdp }),
            Output::RemoteCandidates { link, candidates } => self.push(link, Op::Candidates { candidates }),
            Output::RestartIce { link } => self.push(link, Op::Offer { restart: true }),
            Output::Transmit { link, bytes } => {
                if self
                    .connections
                    .get(&link)
                    .is_some_and(|connection| !connection.send(bytes))
                {
                    self.end(link, LinkEnd::SlowReader);
                }
            }
            Output::HangUp { link } => {
                if let Some(connection) = self.connections.remove(&link) {
                    connection.hang_up();
                }
            }
            Output::RememberName { peer, name } => {
                let (profile, room) = (self.profile.clone(), self.room.id());
                spawn_local(async move { profile.remember_name(&room, &peer, &name).await });
            }
            Output::Nearby { bytes } => {
                if let Some(nearby) = &self.nearby {
                    nearby.post(&bytes);
                }
            }
            Output::RememberClosed { statement } => {
                let (profile, room) = (self.profile.clone(), self.room.id());
                spawn_local(async move { profile.remember_closed(room, statement).await });
            }
            // Handed on by `drain`.
            Output::Event(_) => {}
        }
    }

    /// Makes the connection of a link, unless it has one.
    fn connect(&mut self, link: LinkId, ice_servers: &[signal::IceServer]) {
        if self.connections.contains_key(&link) {
            return;
        }
        match Connection::new(link, ice_servers, self.profile.certificate().as_ref(), &self.events) {
            Ok(connection) => {
                self.connections.insert(link, connection);
            }
            Err(Exhausted) => self.end(link, LinkEnd::Exhausted),
        }
    }

    fn push(&self, link: LinkId, op: Op) {
        if let Some(connection) = self.connections.get(&link) {
            connection.push(op);
        }
    }

    /// Closes a connection for a reason of ours.
    fn end(&self, link: LinkId, end: LinkEnd) {
        self.events.input(Input::LinkClosed { link, end });
    }

    /// Sets the timer to the node's next deadline.
    fn arm(&mut self) {
        let next = self.node.borrow().poll_timeout();
        if self.timer.as_ref().map(|(at, _)| *at) == next {
            return;
        }
        self.timer = next.map(|at| {
            let wait = at.as_millis().saturating_sub(clock::instant().as_millis());
            // One more than the difference of two clocks rounded down, so that the deadline has passed when the timer goes off.
            let millis = u32::try_from(wait).unwrap_or(u32::MAX / 2).min(i32::MAX as u32 - 1) + 1;
            let events = self.events.clone();
            (at, Timeout::new(millis, move || events.send(DriverEvent::Wake)))
        });
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use mesh::model::{Delivery, ServerState};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn without_a_server_a_message_waits_and_leaving_works() {
        let profile = crate::boot::boot().await.unwrap();
        let (sender, mut shown) = unbounded();
        let on_event = Callback::from(move |event| sender.unbounded_send(event).unwrap());
        let room = profile.generate_room();
        let session = Session::join(&profile, room.clone(), "Ann".into(), on_event);
        assert_eq!(session.room().founder(), Some(profile.peer_id()));
        let id = session.say("anyone?").unwrap();
        assert_eq!(session.say(" "), Err(SendError::Empty));

        let mut seen = Vec::new();
        // The test page's server has no rendezvous: the socket fails, and the next attempt is announced.
        let waiting = |event: &Event| {
            matches!(
                event,
                Event::Server {
                    state: ServerState::Waiting { .. },
                    ..
                }
            )
        };
        while !seen.iter().any(waiting) {
            seen.push(shown.next().await.unwrap());
        }
        assert!(seen.contains(&Event::Delivery {
            id,
            delivery: Delivery::Waiting
        }));
        session.leave();
        while shown.next().await.unwrap() != Event::Left {}
        assert_eq!(session.say("too late"), Err(SendError::Left));
    }
}
