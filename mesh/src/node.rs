//! The node: routes inputs to the layers, and what one layer says to the next.
//!
//! This file has the commands, the inputs and the outputs. Its other parts, in the order of a link's life: `contacts` (the peers
//! we may link with), `seeking` (which of them we try), `attempts` (what becomes of that), `signalling` (what peers tell each other
//! meanwhile, and how that is carried), `invitations` (the same by hand), `links` (open links, their loss and healing), `frames`
//! (what arrives on them), `records` (entries, beacons and the closing: taken and passed on), `exchange` (sync), `packets` (what
//! is for one peer alone), `view` (what the app can ask).
//!
//! Invariants: links and attempts go to at most [`LINKS_MAX`](shared::limits::LINKS_MAX) peers; never two open links to one
//! peer (a newer one replaces the older, which is hung up in the same step); nothing is shown, stored or passed on whose
//! signature was not checked; after [`Node::leave`] is done, nothing comes out any more.

mod attempts;
mod contacts;
mod exchange;
mod frames;
mod invitations;
mod links;
mod packets;
mod records;
mod seeking;
mod signalling;
mod view;

use std::{collections::VecDeque, rc::Rc};

use chacha20::ChaCha20Rng;
use litemap::LiteMap;
use rand_core::Rng;
use shared::{Identity, MessageId, PeerId, Room, limits::TEXT_BYTES_MAX, signal::Request};

use self::{contacts::Contacts, invitations::Invited, signalling::Via};
use crate::{
    broadcast::{Broadcast, Talkative, Tree},
    bucket::Bucket,
    chat::{Chat, News},
    config::{
        MESSAGES_BURST, MESSAGES_PER_SECOND, NodeConfig, OWN_PACKETS_BURST, OWN_PACKETS_PER_SECOND, SEEN_ENVELOPES,
        Timing,
    },
    fragment::packets,
    frame::{Digests, Frame, GoodbyeReason, Whisper, seal_whisper},
    hlc::Clock,
    io::{
        Alert, CloseError, Event, Input, Instant, LinkId, Message, Now, Output, PersonState, SendError, ServerId,
        ServerState,
    },
    link::Link,
    log::Log,
    membership::{LINKS_TARGET, Need, need},
    presence::Presence,
    random::Random,
    record::{Beacon, Cargo, Closing, Entry, Record},
    rendezvous::{self, Rendezvous},
    roster::{LinkState, Roster},
    route::{Routes, Way},
    seen::Seen,
};

/// One peer of one room. See the [crate documentation](crate) for how to drive it.
#[derive(Debug)]
pub struct Node {
    identity: Identity,
    me: PeerId,
    room: Room,
    config: NodeConfig,
    random: Random,
    now: Now,
    phase: Phase,
    servers: Vec<Rendezvous>,
    /// The passive view, and more: whom we have, had or want a link with.
    contacts: Contacts,
    /// When links are sought next, if more are wanted.
    seek_at: Instant,
    links: LiteMap<LinkId, Link>,
    next_link: u64,
    invitations: Vec<Invited>,
    seen_envelopes: Seen<(PeerId, u64)>,
    roster: Roster,
    presence: Presence,
    own_beacon: Option<Rc<Record<Beacon>>>,
    /// How many entries had been taken at our beacon before the last, and at the last.
    acked: [u64; 2],
    /// Neighbors whose links fell silent, to be named in the next beacon.
    lost: Vec<PeerId>,
    broadcast: Broadcast,
    talkative: Talkative,
    /// How many links away the roots of the trees for all are.
    root_hops: LiteMap<Tree, u8>,
    clock: Clock,
    log: Log,
    /// Which incarnation of ours this is, and the next number in it.
    incarnation: u64,
    next_seq: u64,
    routes: Routes,
    chat: Chat,
    messages: Bucket,
    packets: Bucket,
    /// When it is looked again whether a server knows more people than we reach.
    split_check_at: Instant,
    /// Until when what we know of others is doubted: a link fell silent.
    shaken_until: Option<Instant>,
    /// When other tabs of this browser were last told of us.
    nearby_told: Option<Instant>,
    /// The founder's closing of this room.
    closing: Option<Rc<Record<Closing>>>,
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
    /// Those of both that a server brought.
    pub envelopes_tampered: u64,
    /// Well-signed payloads that are out of bounds, or too many at once.
    pub envelopes_refused: u64,
    /// Frames and packets that are invalid: each is a strike against its peer.
    pub frames_refused: u64,
    /// Frames of a later version, ignored.
    pub frames_unknown: u64,
    /// Entries whose payload was broadcast to us, new or not.
    pub entries_broadcast: u64,
    /// Those of them that we had.
    pub entries_repeated: u64,
    /// Entries that came by sync or graft instead.
    pub entries_synced: u64,
    /// Over how many links the last entry came that was broadcast to us and new; 0 if it was grafted.
    pub entry_hops: u64,
    /// Packets that could not be handed on.
    pub packets_dropped: u64,
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
        let mut random = Random::new(seed);
        Self {
            me: identity.peer_id(),
            identity,
            room,
            now,
            phase: Phase::Here,
            servers: (0..config.servers).map(|_| Rendezvous::new(now.instant)).collect(),
            contacts: Contacts::default(),
            seek_at: now.instant,
            links: LiteMap::new(),
            next_link: 0,
            invitations: Vec::new(),
            seen_envelopes: Seen::new(SEEN_ENVELOPES),
            roster: Roster::default(),
            presence: Presence::new(now.unix_millis),
            own_beacon: None,
            acked: [0; 2],
            lost: Vec::new(),
            broadcast: Broadcast::default(),
            talkative: Talkative::default(),
            root_hops: LiteMap::new(),
            clock: Clock::default(),
            log: Log::default(),
            incarnation: random.log.next_u64(),
            next_seq: 0,
            routes: Routes::default(),
            chat: Chat::default(),
            messages: Bucket::new(MESSAGES_PER_SECOND, MESSAGES_BURST),
            packets: Bucket::new(OWN_PACKETS_PER_SECOND, OWN_PACKETS_BURST),
            split_check_at: now.instant,
            shaken_until: None,
            nearby_told: None,
            closing: None,
            exhausted: false,
            counters: Counters::default(),
            outbox: VecDeque::new(),
            random,
            config,
        }
    }

    /// Recalls from a former visit, before the first time-out, that `peer` used `name`: see [`Output::RememberName`].
    pub fn know_name(&mut self, peer: PeerId, name: &str) {
        self.roster.know_name(peer, name);
    }

    /// Says something to everyone. The message comes back as an [`Event::Message`], then its
    /// [`Delivery`](crate::io::Delivery) as that goes on.
    ///
    /// # Errors
    /// [`SendError`], and nothing was taken.
    pub fn say(&mut self, now: Now, text: &str) -> Result<MessageId, SendError> {
        self.advance(now);
        self.check_text(text)?;
        let entry = Entry {
            incarnation: self.incarnation,
            seq: self.next_seq,
            order: self.clock.tick(self.now.unix_millis),
            unix_millis: self.now.unix_millis,
            name: self.config.name.clone(),
            kind: Entry::CHAT,
            body: text.as_bytes().to_vec().into(),
        };
        self.next_seq += 1;
        let record = Record::sign(&self.identity, &self.room, entry);
        let id = record.message_id();
        let is_here = |state| matches!(state, PersonState::Here | PersonState::Reconnecting);
        let here = self.roster.people().filter(|person| is_here(person.state));
        let delivery = self.chat.say(id, record.content.seq, here.map(|person| person.peer));
        self.log.take(&record);
        self.show_entry(&record);
        self.emit(Event::Delivery { id, delivery });
        self.publish_entry(&record);
        Ok(id)
    }

    /// Says something to one peer alone, sealed to their key.
    ///
    /// # Errors
    /// [`SendError`], and nothing was taken.
    pub fn whisper(&mut self, now: Now, to: PeerId, text: &str) -> Result<MessageId, SendError> {
        self.advance(now);
        self.check_text(text)?;
        if !matches!(
            self.roster.state(&to),
            Some(PersonState::Here | PersonState::Reconnecting)
        ) {
            return Err(SendError::NotReachable);
        }
        let whisper = Whisper {
            id: MessageId::random(&mut self.random.whispers),
            unix_millis: self.now.unix_millis,
            name: self.config.name.clone(),
            to,
            text: text.to_owned(),
            order: self.clock.tick(self.now.unix_millis),
        };
        let id = whisper.id;
        let sealed = seal_whisper(&self.identity, &self.room, &whisper, &mut self.random.whispers)
            .map_err(|_| SendError::NotReachable)?;
        let until = self.now.instant + self.config.timing.whisper_timeout;
        let delivery = self
            .chat
            .whisper(self.now.instant, id, to, sealed.clone(), until)
            .map_err(|_| SendError::Full)?;
        self.emit(Event::Message {
            message: shown_whisper(self.me, whisper, self.me),
        });
        self.emit(Event::Delivery { id, delivery });
        self.send_packet(to, Cargo::Whisper { sealed: sealed.into() }, Way::Learned);
        Ok(id)
    }

    /// Leaves the room: tells every peer, waits a moment until they have heard it, closes everything. [`Event::Left`] comes last.
    pub fn leave(&mut self, now: Now) {
        self.advance(now);
        if self.phase != Phase::Here {
            return;
        }
        self.send_beacon(true);
        self.phase = Phase::Leaving {
            until: self.now.instant + self.config.timing.goodbye_timeout,
        };
        self.drop_sessions();
        self.drop_invitations();
        for id in self.links.keys().copied().collect::<Vec<_>>() {
            self.say_goodbye(id, GoodbyeReason::Leaving);
        }
        self.finish_leaving();
    }

    /// Closes the room for everyone, now and for good, and leaves it. [`Event::RoomClosed`] and [`Event::Left`] follow.
    ///
    /// # Errors
    /// [`CloseError::NotFounder`] or [`CloseError::Left`].
    pub fn close_room(&mut self, now: Now) -> Result<(), CloseError> {
        self.advance(now);
        if self.phase != Phase::Here {
            return Err(CloseError::Left);
        }
        if self.room.founder() != Some(self.me) {
            return Err(CloseError::NotFounder);
        }
        let closing = Closing {
            unix_millis: self.now.unix_millis,
        };
        let closing = Record::sign(&self.identity, &self.room, closing);
        self.honour_closing(&closing);
        Ok(())
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
            Input::LinkKind { link, kind } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.kind = Some(kind);
                }
            }
            Input::Packet { link, bytes } => self.handle_packet(link, &bytes),
            Input::Nearby { bytes } => self.handle_nearby(&bytes),
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
        if self.recall_closing() {
            return;
        }
        self.check_for_split();
        let hungry = self.is_hungry();
        for index in 0..self.config.servers {
            self.with_server(ServerId(index), |server, node, out| {
                server.handle_timeout(node.now, hungry, node.timing, node.rng, out);
            });
        }
        self.handle_links_due();
        self.handle_contacts_due();
        self.handle_invitations_due();
        self.handle_broadcast_due();
        let mut events = Vec::new();
        self.roster
            .handle_timeout(self.now.instant, &self.config.timing, &mut events);
        self.emit_all(events);
        let (news, retries) = self.chat.handle_timeout(self.now.instant);
        self.emit_news(news);
        for retry in retries {
            let sealed = retry.sealed.into();
            self.send_packet(retry.to, Cargo::Whisper { sealed }, Way::Flooded);
        }
        self.seek_links();
        if self.presence.poll_timeout().is_some_and(|at| self.now.instant >= at) {
            self.send_beacon(false);
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
        let (seeks, split) = (self.need() > Need::None, self.is_split());
        let servers = self
            .servers
            .iter()
            .filter_map(|server| server.poll_timeout(seeks || split));
        let links = self.links.values().map(|link| link.poll_timeout(timing));
        let invitations = self.invitations.iter().map(Invited::poll_timeout);
        servers
            .chain(links)
            .chain(self.contacts.poll_timeout())
            .chain(invitations)
            .chain(self.roster.poll_timeout())
            .chain(self.chat.poll_timeout())
            .chain(self.broadcast.poll_timeout())
            .chain(self.presence.poll_timeout())
            .chain(seeks.then_some(self.seek_at))
            .chain(split.then_some(self.split_check_at))
            .min()
    }

    /// Moves the clock on. If it jumped over what was due, the machine slept.
    fn advance(&mut self, now: Now) {
        // What waited for something else than time, a server say, may be long overdue when it can be done at last.
        let jumped = now.instant.since(self.now.instant) > self.config.timing.sleep_threshold;
        let due = if jumped { self.poll_timeout() } else { None };
        let due = due.map(|due| due.max(self.now.instant));
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

    /// Whether a text can be said now.
    fn check_text(&mut self, text: &str) -> Result<(), SendError> {
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
        if !self.messages.take(self.now.instant) {
            return Err(SendError::Full);
        }
        Ok(())
    }

    fn send(&mut self, link: LinkId, frame: &Frame) {
        self.transmit(link, &frame.encode());
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

    fn usable_links(&self) -> impl Iterator<Item = &Link> {
        self.links.values().filter(|link| link.is_usable())
    }

    fn digests(&self) -> Digests {
        Digests {
            log: self.log.digest(),
            people: self.roster.digest(&self.me),
        }
    }

    /// How many people there are, us included.
    fn people(&self) -> usize {
        self.roster.present() + 1
    }

    /// How many people the servers know in the room; 0 if none is connected.
    fn room_size(&self) -> usize {
        let sizes = self.servers.iter().filter_map(Rendezvous::room_size);
        sizes
            .max()
            .map_or(0, |size| usize::try_from(size).unwrap_or(usize::MAX))
    }

    fn emit(&mut self, event: Event) {
        if let Event::PersonForgotten { peer } = &event {
            self.routes.forget_peer(peer);
            let news = self.chat.handle_gone(*peer);
            self.emit_news(news);
        }
        self.outbox.push_back(Output::Event(event));
    }

    fn emit_all(&mut self, events: Vec<Event>) {
        for event in events {
            self.emit(event);
        }
    }

    fn emit_news(&mut self, news: Vec<News>) {
        for (id, delivery) in news {
            self.emit(Event::Delivery { id, delivery });
        }
    }

    fn alert(&mut self, alert: Alert) {
        self.emit(Event::Alert { alert });
    }

    fn set_link(&mut self, peer: PeerId, state: LinkState) {
        let mut events = Vec::new();
        self.roster.set_link(self.now.instant, peer, state, &mut events);
        self.emit_all(events);
    }

    fn set_left(&mut self, peer: PeerId) {
        let mut events = Vec::new();
        self.roster.on_left(self.now.instant, peer, &mut events);
        self.emit_all(events);
        let news = self.chat.handle_gone(peer);
        self.emit_news(news);
    }

    /// How badly we want another link.
    fn need(&self) -> Need {
        self.need_beyond(self.busy_contacts())
    }

    /// How badly we want another, if we have `links`.
    fn need_beyond(&self, links: usize) -> Need {
        if links >= LINKS_TARGET {
            // What is asked most often, and needs no more.
            return Need::None;
        }
        let others = self
            .roster
            .present()
            .max(self.room_size().saturating_sub(1))
            .max(self.wanted_contacts());
        let need = need(links, others);
        // Nobody is known, and no server says who is here: another tab may.
        if links == 0 && self.registered().is_none() {
            return need.max(Need::Low);
        }
        need
    }

    /// Whether a server is asked for peers now and then: we have few links, or the room is split.
    fn is_hungry(&self) -> bool {
        self.need() > Need::None || self.is_split()
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
            rng: &mut self.random.servers,
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
            rendezvous::Action::Relayed { payload } => self.on_payload(Via::Server(server), &payload),
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
        let via = via.filter(|server| self.is_registered(*server));
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
    timing: &'a Timing,
    rng: &'a mut ChaCha20Rng,
}

/// A whisper, as it is shown to `me`.
fn shown_whisper(me: PeerId, whisper: Whisper, author: PeerId) -> Message {
    Message {
        id: whisper.id,
        author,
        author_name: whisper.name,
        own: author == me,
        whisper_to: Some(whisper.to),
        order: whisper.order,
        unix_millis: whisper.unix_millis,
        text: whisper.text,
    }
}
