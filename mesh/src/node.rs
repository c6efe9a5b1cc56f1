//! The node: routes inputs to the layers, and what one layer says to the next.
//!
//! This file has the commands, the inputs and the outputs. Its other parts, in the order of a link's life: `contacts` (whom we
//! link to, and the attempts), `signalling` (what peers tell each other through a server meanwhile), `links` (open links,
//! their loss and healing), `frames` (what arrives on them).
//!
//! Invariants: links and attempts go to at most [`LINKS_MAX`] peers; never two open links to one peer (a newer one replaces the
//! older, which is hung up in the same step); after [`Node::leave`] is done, nothing comes out any more.

mod contacts;
mod frames;
mod links;
mod signalling;

use std::collections::VecDeque;

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use litemap::LiteMap;
use shared::{
    Identity, MessageId, PeerId, Room,
    limits::{LINKS_MAX, TEXT_BYTES_MAX},
    signal::Request,
};

use self::contacts::Contact;
use crate::{
    chat::Chat,
    config::{NodeConfig, SEEN_ENVELOPES_MAX},
    fragment::packets,
    frame::{Frame, GoodbyeReason, Said, Signed, seal_whisper},
    io::{
        Alert, Delivery, Event, Input, Instant, LinkId, Message, Now, Output, PersonState, SendError, ServerId,
        ServerState,
    },
    link::Link,
    rendezvous::{self, Rendezvous},
    roster::Roster,
    seen::Seen,
};

/// One peer of one room. See the [crate documentation](crate) for how to drive it.
#[derive(Debug)]
pub struct Node {
    identity: Identity,
    me: PeerId,
    room: Room,
    config: NodeConfig,
    rng: ChaCha20Rng,
    now: Now,
    phase: Phase,
    servers: Vec<Rendezvous>,
    contacts: LiteMap<PeerId, Contact>,
    links: LiteMap<LinkId, Link>,
    next_link: u64,
    seen_envelopes: Seen<(PeerId, u64)>,
    roster: Roster,
    chat: Chat,
    /// Whether the person was told that the browser makes no more connections.
    exhausted: bool,
    counters: Counters,
    outbox: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Here,
    Leaving { until: Instant },
    Left,
}

/// What was dropped and what came about, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Payloads that did not open, or were not signed by the sender they name.
    pub envelopes_forged: u64,
    /// Payloads that came before.
    pub envelopes_replayed: u64,
    /// Well-signed payloads that are out of bounds, or too many at once.
    pub envelopes_refused: u64,
    /// Frames and packets that are invalid: each is a strike against its peer.
    pub frames_refused: u64,
    /// Frames of a later version, ignored.
    pub frames_unknown: u64,
    /// Messages that came before.
    pub messages_repeated: u64,
    /// Links that opened.
    pub links_opened: u64,
    /// Attempts to link that failed.
    pub sessions_failed: u64,
}

impl Node {
    /// Makes a node that is about to enter `room`: its first time-out is due at once.
    ///
    /// `seed` must be unpredictable, and never used twice, wherever the node meets real peers.
    ///
    /// # Panics
    /// If the configured name is not a [valid one](crate::frame::valid_name).
    #[must_use]
    pub fn new(identity: Identity, room: Room, config: NodeConfig, seed: [u8; 32], now: Now) -> Self {
        assert!(
            crate::frame::valid_name(&config.name),
            "the name must be checked with `valid_name`"
        );
        Self {
            me: identity.peer_id(),
            identity,
            room,
            rng: ChaCha20Rng::from_seed(seed),
            now,
            phase: Phase::Here,
            servers: (0..config.servers).map(|_| Rendezvous::new(now.instant)).collect(),
            contacts: LiteMap::new(),
            links: LiteMap::new(),
            next_link: 0,
            seen_envelopes: Seen::new(SEEN_ENVELOPES_MAX),
            roster: Roster::default(),
            chat: Chat::default(),
            exhausted: false,
            counters: Counters::default(),
            outbox: VecDeque::new(),
            config,
        }
    }

    /// Who this node is.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.me
    }

    /// What was dropped and what came about, since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The peers with a link that can carry messages.
    pub fn linked(&self) -> impl Iterator<Item = PeerId> {
        self.links.values().filter(|link| link.is_usable()).map(Link::peer)
    }

    /// Recalls from a former visit, before the first time-out, that `peer` used `name`: see [`Output::RememberName`].
    pub fn know_name(&mut self, peer: PeerId, name: &str) {
        self.roster.know_name(peer, name);
    }

    /// Says something to everyone. The message comes back as an [`Event::Message`], then its [`Delivery`] as that goes on.
    ///
    /// # Errors
    /// [`SendError`], and nothing was taken.
    pub fn say(&mut self, now: Now, text: &str) -> Result<MessageId, SendError> {
        self.advance(now);
        let said = self.compose(text, None)?;
        let id = said.id;
        let frame = Frame::Chat(Signed::new(&self.identity, &self.room, &said)).encode();
        let mut targets = Vec::new();
        let mut open_until = None;
        for person in self.roster.people() {
            match person.state {
                PersonState::Here | PersonState::Reconnecting => targets.push(person.peer),
                PersonState::Connecting => {
                    open_until = Some(self.now.instant + self.config.timing.late_target_window);
                }
                PersonState::Gone | PersonState::Left => {}
            }
        }
        let delivery = self
            .chat
            .say(id, frame.clone(), targets.iter().copied(), open_until)
            .map_err(|_| SendError::Full)?;
        self.show_own(said, delivery);
        for peer in targets {
            self.transmit_to(peer, &frame);
        }
        Ok(id)
    }

    /// Says something to one peer alone, sealed to their key.
    ///
    /// # Errors
    /// [`SendError`], and nothing was taken.
    pub fn whisper(&mut self, now: Now, to: PeerId, text: &str) -> Result<MessageId, SendError> {
        self.advance(now);
        let said = self.compose(text, Some(to))?;
        let id = said.id;
        if self.usable_link(&to).is_none() {
            return Err(SendError::NotReachable);
        }
        let signed = Signed::new(&self.identity, &self.room, &said);
        let frame = seal_whisper(&signed, &self.room, &to, &mut self.rng)
            .map_err(|_| SendError::NotReachable)?
            .encode();
        let until = self.now.instant + self.config.timing.whisper_timeout;
        let delivery = self
            .chat
            .whisper(id, frame.clone(), to, until)
            .map_err(|_| SendError::Full)?;
        self.show_own(said, delivery);
        self.transmit_to(to, &frame);
        Ok(id)
    }

    /// Leaves the room: tells every peer, waits a moment until they have heard it, closes everything. [`Event::Left`] comes last.
    pub fn leave(&mut self, now: Now) {
        self.advance(now);
        if self.phase != Phase::Here {
            return;
        }
        self.phase = Phase::Leaving {
            until: self.now.instant + self.config.timing.goodbye_timeout,
        };
        self.drop_sessions();
        for id in self.links.keys().copied().collect::<Vec<_>>() {
            self.say_goodbye(id, GoodbyeReason::Leaving);
        }
        self.finish_leaving();
    }

    /// Tries every server again now instead of at the end of its wait.
    pub fn retry_now(&mut self, now: Now) {
        self.advance(now);
        for server in &mut self.servers {
            server.retry_now(self.now.instant);
        }
        self.handle_timeout(now);
    }

    /// Takes what happened in the world.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        self.advance(now);
        if self.phase == Phase::Left {
            return;
        }
        match input {
            Input::Signal { server, event } => self.with_server(server, |server, node, out| {
                let Surroundings {
                    now,
                    identity,
                    room,
                    timing,
                    rng,
                } = node;
                server.handle_event(now, event, identity, room, timing, rng, out);
            }),
            Input::ServerDown { server, code } => self.with_server(server, |server, node, out| {
                server.handle_down(node.now, code, node.timing, node.rng, out);
            }),
            Input::LocalDescription { link, sdp } => self.handle_description(link, sdp),
            Input::LocalCandidates { link, candidates } => self.handle_candidates(link, candidates),
            Input::LinkOpen { link } => self.handle_link_open(link),
            Input::LinkPath { link, path } => self.handle_link_path(link, path),
            Input::LinkClosed { link, end } => self.handle_link_closed(link, end),
            Input::Packet { link, bytes } => self.handle_packet(link, &bytes),
            Input::Network { online } => {
                for server in &mut self.servers {
                    server.handle_network(self.now.instant, online, &self.config.timing);
                }
                if online {
                    self.grant_grace();
                }
                self.handle_timeout(now);
            }
        }
        self.finish_leaving();
    }

    /// Does what is due. Calling it early or again does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        match self.phase {
            Phase::Left => return,
            Phase::Leaving { .. } => return self.finish_leaving(),
            Phase::Here => {}
        }
        let hungry = self.is_hungry();
        for index in 0..self.config.servers {
            self.with_server(ServerId(index), |server, node, out| {
                server.handle_timeout(node.now, hungry, node.timing, node.rng, out);
            });
        }
        self.handle_links_due();
        self.handle_contacts_due();
        let mut events = Vec::new();
        self.roster
            .handle_timeout(self.now.instant, &self.config.timing, &mut events);
        self.emit_all(events);
        for (id, delivery) in self.chat.handle_timeout(self.now.instant) {
            self.emit(Event::Delivery { id, delivery });
        }
    }

    /// The next thing for the driver to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// When to call [`Node::handle_timeout`] next. Ask again after every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timing = &self.config.timing;
        match self.phase {
            Phase::Left => return None,
            Phase::Leaving { until } => return Some(until),
            Phase::Here => {}
        }
        let hungry = self.is_hungry();
        let servers = self.servers.iter().filter_map(|server| server.poll_timeout(hungry));
        let links = self.links.values().map(|link| link.poll_timeout(timing));
        let registered = self.registered().is_some();
        let contacts = self
            .contacts
            .values()
            .filter_map(|contact| contact.poll_timeout(registered));
        servers
            .chain(links)
            .chain(contacts)
            .chain(self.roster.poll_timeout(timing))
            .chain(self.chat.poll_timeout())
            .min()
    }

    /// Moves the clock on. If it jumped over what was due, the machine slept.
    fn advance(&mut self, now: Now) {
        // What waited for something else than time, a server say, may be long overdue when it can be done at last.
        let due = self.poll_timeout().map(|due| due.max(self.now.instant));
        self.now.instant = self.now.instant.max(now.instant);
        self.now.unix_millis = now.unix_millis;
        if self.phase == Phase::Here
            && due.is_some_and(|due| self.now.instant.since(due) > self.config.timing.sleep_threshold)
        {
            for server in &mut self.servers {
                // As if the network had gone and come back, which after sleep is likely.
                server.handle_network(self.now.instant, false, &self.config.timing);
                server.handle_network(self.now.instant, true, &self.config.timing);
            }
            self.grant_grace();
        }
    }

    fn grant_grace(&mut self) {
        for (_, link) in self.links.iter_mut() {
            link.grant_grace(self.now.instant, &self.config.timing);
        }
    }

    /// Checks a text and makes it something said.
    fn compose(&mut self, text: &str, to: Option<PeerId>) -> Result<Said, SendError> {
        if self.phase != Phase::Here {
            return Err(SendError::Left);
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(SendError::TooLong {
                bytes: text.len(),
                max: TEXT_BYTES_MAX,
            });
        }
        if text.trim().is_empty() {
            return Err(SendError::Empty);
        }
        Ok(Said {
            id: MessageId::random(&mut self.rng),
            unix_millis: self.now.unix_millis,
            name: self.config.name.clone(),
            to,
            text: text.to_owned(),
        })
    }

    fn show_own(&mut self, said: Said, delivery: Delivery) {
        let id = said.id;
        self.emit(Event::Message {
            message: shown(self.me, said, self.me),
        });
        self.emit(Event::Delivery { id, delivery });
    }

    /// Sends a frame to a peer if a link can carry it. If not, it stays pending with [`Chat`].
    fn transmit_to(&mut self, peer: PeerId, frame: &[u8]) {
        if let Some(link) = self.usable_link(&peer) {
            self.transmit(link, frame);
        }
    }

    fn transmit(&mut self, link: LinkId, frame: &[u8]) {
        for bytes in packets(frame) {
            self.outbox.push_back(Output::Transmit { link, bytes });
        }
    }

    fn usable_link(&self, peer: &PeerId) -> Option<LinkId> {
        let link = self.contacts.get(peer)?.link()?;
        self.links.get(&link).filter(|link| link.is_usable()).map(Link::id)
    }

    fn emit(&mut self, event: Event) {
        if let Event::PersonForgotten { peer } = &event {
            for (id, delivery) in self.chat.handle_gone(*peer) {
                self.emit(Event::Delivery { id, delivery });
            }
        }
        self.outbox.push_back(Output::Event(event));
    }

    fn emit_all(&mut self, events: Vec<Event>) {
        for event in events {
            self.emit(event);
        }
    }

    fn alert(&mut self, alert: Alert) {
        self.emit(Event::Alert { alert });
    }

    fn set_state(&mut self, peer: PeerId, state: PersonState) {
        let mut events = Vec::new();
        self.roster.set_state(self.now.instant, peer, state, &mut events);
        self.emit_all(events);
        if state == PersonState::Left {
            for (id, delivery) in self.chat.handle_gone(peer) {
                self.emit(Event::Delivery { id, delivery });
            }
        }
    }

    /// Whether we have fewer links than the servers know peers for.
    fn is_hungry(&self) -> bool {
        let known = self.servers.iter().filter_map(Rendezvous::room_size).max().unwrap_or(0);
        let wanted = usize::try_from(known.saturating_sub(1))
            .unwrap_or(usize::MAX)
            .min(LINKS_MAX);
        self.busy_contacts() < wanted
    }

    /// The first server that takes requests.
    fn registered(&self) -> Option<ServerId> {
        let index = self.servers.iter().position(Rendezvous::is_registered)?;
        u8::try_from(index).ok().map(ServerId)
    }

    /// Lets one server's layer work, then does what it asks for. An unknown server is ignored.
    fn with_server(
        &mut self,
        id: ServerId,
        work: impl FnOnce(&mut Rendezvous, Surroundings<'_>, &mut Vec<rendezvous::Action>),
    ) {
        let Some(server) = self.servers.get_mut(usize::from(id.0)) else {
            return;
        };
        let surroundings = Surroundings {
            now: self.now.instant,
            identity: &self.identity,
            room: self.room.id(),
            timing: &self.config.timing,
            rng: &mut self.rng,
        };
        let mut actions = Vec::new();
        work(server, surroundings, &mut actions);
        for action in actions {
            self.on_rendezvous(id, action);
        }
    }

    fn on_rendezvous(&mut self, server: ServerId, action: rendezvous::Action) {
        match action {
            rendezvous::Action::Connect => self.outbox.push_back(Output::ConnectServer { server }),
            rendezvous::Action::Disconnect => self.outbox.push_back(Output::DisconnectServer { server }),
            rendezvous::Action::Send(request) => self.outbox.push_back(Output::Signal { server, request }),
            rendezvous::Action::Changed(state) => self.emit(Event::Server { server, state }),
            rendezvous::Action::Alert(alert) => self.alert(alert),
            rendezvous::Action::Peers(peers) => self.on_peers(server, peers),
            rendezvous::Action::NotHere(peer) => self.on_peer_not_here(server, peer),
            rendezvous::Action::Relayed { payload } => self.on_payload(server, &payload),
        }
    }

    /// Closes down once every peer has heard our goodbye, or the time for it is over.
    fn finish_leaving(&mut self) {
        let Phase::Leaving { until } = self.phase else { return };
        if !self.links.is_empty() && self.now.instant < until {
            return;
        }
        for (link, _) in std::mem::take(&mut self.links) {
            self.outbox.push_back(Output::HangUp { link });
        }
        for (index, server) in (0..).zip(&self.servers) {
            if !matches!(server.shown(), ServerState::Waiting { .. } | ServerState::Stopped) {
                self.outbox.push_back(Output::DisconnectServer {
                    server: ServerId(index),
                });
            }
        }
        self.phase = Phase::Left;
        self.emit(Event::Left);
    }

    /// Sends a request through a server, if one is registered.
    fn request(&mut self, via: Option<ServerId>, request: Request) {
        let via = via.filter(|id| {
            self.servers
                .get(usize::from(id.0))
                .is_some_and(Rendezvous::is_registered)
        });
        if let Some(server) = via.or_else(|| self.registered()) {
            self.outbox.push_back(Output::Signal { server, request });
        }
    }
}

/// What a layer is handed to work with.
struct Surroundings<'a> {
    now: Instant,
    identity: &'a Identity,
    room: shared::RoomId,
    timing: &'a crate::config::Timing,
    rng: &'a mut ChaCha20Rng,
}

/// Something said, as it is shown to `me`.
fn shown(me: PeerId, said: Said, author: PeerId) -> Message {
    Message {
        id: said.id,
        author,
        author_name: said.name,
        own: author == me,
        whisper_to: said.to,
        unix_millis: said.unix_millis,
        text: said.text,
    }
}
