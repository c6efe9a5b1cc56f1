//! The rendezvous servers: one [`Registration`] each, side by side. Those that a server names are of its network: `affinity.rs` says which of them are used.
//!
//! Owns: the registrations, the networks, and what they make of the servers' words. A server is believed only in whom to try, how many there
//! are, and at which servers of its network our room is to be.
//!
//! Invariant: requests go only to a server that is registered. Not here: what becomes of a peer that a server names.

use std::{collections::VecDeque, time::Duration};

use chacha20::ChaCha20Rng;
use shared::{
    Closing, PeerId,
    signal::{self, CloseCode, IceServer, Nodes, Request, may_name},
};

use super::{
    affinity::{Network, wishes},
    registration::{Action, Registration},
};
use crate::{
    back_off::jittered,
    config::SERVERS_KNOWN_MAX,
    context::Context,
    io::{Instant, Now, Output, ServerId},
    model,
    random::{Stream, stream},
};

/// What a server said that concerns the rest of the net.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// It named peers of the room.
    Peers { server: ServerId, peers: Vec<PeerId> },
    /// It said what time it is.
    Clock { unix_millis: u64 },
    /// It does not know a peer that something was sent to.
    NotHere { server: ServerId, peer: PeerId },
    /// It brought a payload.
    Relayed { server: ServerId, payload: String },
    /// It says that the founder has closed the room.
    Closed { statement: Closing },
    /// It says that another has registered with our key.
    Superseded,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Servers {
    all: Vec<Registration>,
    /// One for each server that we were given.
    networks: Vec<Network>,
    rng: ChaCha20Rng,
    /// The founder's closing, to be handed in wherever we are registered.
    closing: Option<Closing>,
    events: VecDeque<Event>,
}

impl Servers {
    /// The servers at these addresses, to be connected at once.
    pub(crate) fn new(addresses: Vec<String>, seed: [u8; 32], now: Now) -> Self {
        let addresses = addresses.into_iter().take(SERVERS_KNOWN_MAX).enumerate();
        let all: Vec<_> = addresses
            .map(|(place, address)| Registration::new(address, place, now.instant))
            .collect();
        Self {
            networks: (0..all.len()).map(Network::new).collect(),
            all,
            rng: stream(seed, Stream::Servers),
            closing: None,
            events: VecDeque::new(),
        }
    }

    /// The first server that takes requests; of a network, the best.
    pub(crate) fn registered(&self) -> Option<ServerId> {
        let places = (0..self.networks.len()).flat_map(|network| self.ordered(network));
        let mut registered = places.filter(|place| self.all[*place].is_registered());
        registered.next().and_then(id_of)
    }

    /// The servers of a network by position, the best first.
    fn ordered(&self, network: usize) -> Vec<usize> {
        let members = (0..self.all.len()).filter(|place| self.all[*place].network() == network);
        self.networks[network].ordered(members)
    }

    pub(crate) fn is_registered(&self, server: ServerId) -> bool {
        let server = self.all.get(usize::from(server.0));
        server.is_some_and(Registration::is_registered)
    }

    /// Since when a server takes requests.
    pub(crate) fn registered_since(&self, server: ServerId) -> Option<Instant> {
        let server = self.all.get(usize::from(server.0));
        server.and_then(Registration::registered_since)
    }

    /// How many people the servers know in the room; 0 if none is registered.
    pub(crate) fn room_size(&self) -> usize {
        let sizes = self.all.iter().filter_map(Registration::room_size);
        sizes
            .max()
            .map_or(0, |size| usize::try_from(size).unwrap_or(usize::MAX))
    }

    /// What all of them name to find a path with; of a network, what the best names that has us, or had us last.
    pub(crate) fn ice_servers(&self) -> Vec<IceServer> {
        let of_network = |network| {
            let ordered = self.ordered(network);
            let mut telling = ordered.iter().map(|place| &self.all[*place]);
            let best = telling.clone().find(|server| server.is_registered());
            best.or_else(|| telling.find(|server| !server.ice_servers().is_empty()))
        };
        let servers = (0..self.networks.len()).filter_map(of_network);
        servers.flat_map(Registration::ice_servers).cloned().collect()
    }

    /// A server's message.
    pub(crate) fn handle_event(&mut self, cx: &mut Context, server: ServerId, event: signal::Event) {
        self.with(cx, server, |server, cx, rng, out| {
            server.handle_event(cx, event, rng, out)
        });
        // It may be the welcome that says where our room is to be: there, at once.
        self.choose(cx, server, Duration::ZERO);
    }

    /// The socket to a server closed, or could not be opened.
    pub(crate) fn handle_down(&mut self, cx: &mut Context, server: ServerId, code: u16) {
        let was_open = self.all.get(usize::from(server.0)).is_some_and(Registration::is_open);
        let is_superseded = was_open && code == CloseCode::Superseded.code();
        if is_superseded && self.has_moved_from(server) {
            self.with(cx, server, |server, _, _, out| server.rest(out));
        } else {
            self.with(cx, server, |server, cx, rng, out| {
                server.handle_down(cx, code, rng, out)
            });
            if is_superseded {
                self.give_up_network_of(cx, server);
            }
        }
        self.choose_soon(cx, server);
    }

    /// The machine lost or regained its network.
    pub(crate) fn handle_network(&mut self, cx: &Context, online: bool) {
        for server in &mut self.all {
            server.handle_network(cx.instant(), online, &cx.timing);
        }
    }

    /// No neighbor is heard any more, so the servers may not be, either: each gets a moment to prove itself.
    pub(crate) fn prove(&mut self, cx: &Context) {
        for server in &mut self.all {
            server.prove(cx.instant(), &cx.timing);
        }
    }

    /// Connects, gives up, pings and asks for peers where that is due. `wants_peers`: we have fewer links than we could have.
    pub(crate) fn handle_timeout(&mut self, cx: &mut Context, wants_peers: bool) {
        for index in 0..u8::try_from(self.all.len()).unwrap_or(u8::MAX) {
            self.with(cx, ServerId(index), |server, cx, rng, out| {
                server.handle_timeout(cx, wants_peers, rng, out);
            });
            self.choose_soon(cx, ServerId(index));
        }
    }

    /// When [`Servers::handle_timeout`] has something to do.
    pub(crate) fn poll_timeout(&self, wants_peers: bool) -> Option<Instant> {
        let servers = self.all.iter();
        servers.filter_map(|server| server.poll_timeout(wants_peers)).min()
    }

    /// What is next to be told to the rest of the net.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Tries every server again now instead of at the end of its wait.
    pub(crate) fn retry_now(&mut self, now: Instant) {
        for server in &mut self.all {
            server.retry_now(now);
        }
    }

    /// Asks for peers soon, even if none are wanted.
    pub(crate) fn discover_soon(&mut self, cx: &Context) {
        for server in &mut self.all {
            server.discover_soon(cx.instant(), &cx.timing);
        }
    }

    /// Sends a request by this server, or by another one that is registered, if there is one.
    pub(crate) fn request(&self, cx: &mut Context, via: ServerId, request: Request) {
        let via = Some(via).filter(|server| self.is_registered(*server));
        if let Some(server) = via.or_else(|| self.registered()) {
            cx.output(Output::Signal { server, request });
        }
    }

    /// Tells the founder's closing to every server that we are registered with, now and later.
    pub(crate) fn hand_in(&mut self, cx: &mut Context, closing: &Closing) {
        for (index, _) in (0..).zip(&self.all).filter(|(_, server)| server.is_registered()) {
            let (server, request) = (ServerId(index), Self::close_request(closing));
            cx.output(Output::Signal { server, request });
        }
        self.closing = Some(closing.clone());
    }

    fn close_request(closing: &Closing) -> Request {
        let closing = closing.to_text();
        Request::Close { closing }
    }

    /// Closes every socket.
    pub(crate) fn close(&self, cx: &mut Context) {
        for (index, _) in (0..).zip(&self.all).filter(|(_, server)| server.is_open()) {
            let server = ServerId(index);
            cx.output(Output::DisconnectServer { server });
        }
    }

    // --- networks ---

    /// A server names those at which our room is to be. What it may not name is left out, and so is what there is no place for.
    fn name_nodes(&mut self, server: ServerId, nodes: Nodes) {
        let Some(by) = self.all.get(usize::from(server.0)) else {
            return;
        };
        let (by, network) = (by.address().to_owned(), by.network());
        let mut named = Vec::new();
        for address in nodes.servers {
            if may_name(&by, &address)
                && let Some(place) = self.place_of(&address, network, &named)
                && !named.contains(&place)
            {
                named.push(place);
            }
        }
        if !named.is_empty() {
            self.networks[network].name(named, usize::from(nodes.stay_at));
        }
    }

    /// The position of the server at this address, which may be a new one. One of another network is not taken: it has rules of its own.
    fn place_of(&mut self, address: &str, network: usize, named: &[usize]) -> Option<usize> {
        if let Some(place) = self.all.iter().position(|server| server.address() == address) {
            return (self.all[place].network() == network).then_some(place);
        }
        let spare = Registration::spare(address.to_owned(), network);
        if self.all.len() < SERVERS_KNOWN_MAX {
            self.all.push(spare);
            return Some(self.all.len() - 1);
        }
        let is_home = |place: usize| place < self.networks.len();
        let is_free = |place: &usize| {
            let server = &self.all[*place];
            server.network() == network && server.is_spare() && !is_home(*place) && !named.contains(place)
        };
        let place = (0..self.all.len()).find(is_free)?;
        self.all[place] = spare;
        Some(place)
    }

    /// Whether a server closed our socket because we are with another one of its network by now: servers that know each other's people have each of them
    /// once.
    fn has_moved_from(&self, server: ServerId) -> bool {
        let place = usize::from(server.0);
        let Some(left) = self.all.get(place) else {
            return false;
        };
        let network = &self.networks[left.network()];
        let is_later = |other: &Registration| {
            let since = other.registered_since();
            other.is_greeting() || since.is_some_and(|since| left.registered_since().is_none_or(|left| left < since))
        };
        let mut others = self.all.iter().enumerate();
        network.is_named()
            && network.stay_at == 1
            && others.any(|(other, server)| other != place && server.network() == left.network() && is_later(server))
    }

    /// Another node lives by our key: we do not fight with it at one server after the other.
    fn give_up_network_of(&mut self, cx: &mut Context, server: ServerId) {
        let Some(network) = self.network_of(server) else { return };
        for place in self.ordered(network).into_iter().filter_map(id_of) {
            self.with(cx, place, |server, _, _, out| server.give_up(out));
        }
    }

    /// The number of a server's network, if that has several.
    fn network_of(&self, server: ServerId) -> Option<usize> {
        let network = self.all.get(usize::from(server.0))?.network();
        self.networks[network].is_named().then_some(network)
    }

    /// Uses another server of a network where one has failed, but not everybody at the same moment.
    fn choose_soon(&mut self, cx: &mut Context, server: ServerId) {
        if self.network_of(server).is_some() {
            let after = jittered(cx.timing.server_retry_min, &mut self.rng);
            self.choose(cx, server, after);
        }
    }

    /// Uses those servers of a network that are to be used by now; one that was not is connected `after` that time.
    fn choose(&mut self, cx: &mut Context, server: ServerId, after: Duration) {
        let Some(network) = self.network_of(server) else { return };
        let ordered = self.ordered(network);
        let standings: Vec<_> = ordered.iter().map(|place| self.all[*place].standing()).collect();
        let registered = ordered.iter().filter(|place| self.all[**place].is_registered()).count();
        let wishes = wishes(self.networks[network].stay_at, &standings);
        for (place, wish) in ordered.into_iter().zip(wishes) {
            let others = registered - usize::from(self.all[place].is_registered());
            let Some(server) = id_of(place) else { continue };
            self.with(cx, server, |server, cx, rng, out| {
                server.handle_wish((cx.instant(), &cx.timing), (wish, others), after, rng, out);
            });
        }
    }

    /// Lets one registration work, then does what it asks for. An unknown server is ignored.
    fn with(
        &mut self,
        cx: &mut Context,
        server: ServerId,
        work: impl FnOnce(&mut Registration, &Context, &mut ChaCha20Rng, &mut Vec<Action>),
    ) {
        let Some(registration) = self.all.get_mut(usize::from(server.0)) else {
            return;
        };
        let mut actions = Vec::new();
        work(registration, cx, &mut self.rng, &mut actions);
        for action in actions {
            match action {
                Action::Connect => {
                    let address = self.all[usize::from(server.0)].address().to_owned();
                    cx.output(Output::ConnectServer { server, address });
                }
                Action::Disconnect => cx.output(Output::DisconnectServer { server }),
                Action::Send(request) => cx.output(Output::Signal { server, request }),
                Action::Changed(state) => {
                    let registered = matches!(state, model::ServerState::Registered { .. });
                    if let Some(closing) = self.closing.as_ref().filter(|_| registered) {
                        let request = Self::close_request(closing);
                        cx.output(Output::Signal { server, request });
                    }
                    cx.event(model::Event::Server { server, state });
                }
                Action::Nodes(nodes) => self.name_nodes(server, nodes),
                Action::Superseded => self.events.push_back(Event::Superseded),
                Action::Alert(alert) => cx.alert(alert),
                Action::Clock { unix_millis } => self.events.push_back(Event::Clock { unix_millis }),
                Action::Peers(peers) => self.events.push_back(Event::Peers { server, peers }),
                Action::NotHere(peer) => self.events.push_back(Event::NotHere { server, peer }),
                Action::Relayed { payload } => self.events.push_back(Event::Relayed { server, payload }),
                Action::Closed(statement) => self.events.push_back(Event::Closed { statement }),
            }
        }
    }
}

/// The number of the server at this position.
fn id_of(place: usize) -> Option<ServerId> {
    u8::try_from(place).ok().map(ServerId)
}

#[cfg(test)]
mod tests;
