//! The rendezvous servers: one [`Registration`] each, side by side.
//!
//! Owns: the registrations, and what they make of the servers' words. A server is believed only in whom to try, and how many there
//! are.
//!
//! Invariant: requests go only to a server that is registered. Not here: what becomes of a peer that a server names.

use std::collections::VecDeque;

use chacha20::ChaCha20Rng;
use shared::{
    Closing, PeerId,
    signal::{self, IceServer, Request},
};

use super::registration::{Action, Registration};
use crate::{
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
    rng: ChaCha20Rng,
    /// The founder's closing, to be handed in wherever we are registered.
    closing: Option<Closing>,
    events: VecDeque<Event>,
}

impl Servers {
    /// The servers at these hosts, to be connected at once.
    pub(crate) fn new(hosts: Vec<String>, seed: [u8; 32], now: Now) -> Self {
        let hosts = hosts.into_iter().take(usize::from(u8::MAX));
        Self {
            all: hosts.map(|host| Registration::new(host, now.instant)).collect(),
            rng: stream(seed, Stream::Servers),
            closing: None,
            events: VecDeque::new(),
        }
    }

    /// The first server that takes requests.
    pub(crate) fn registered(&self) -> Option<ServerId> {
        let index = self.all.iter().position(Registration::is_registered)?;
        u8::try_from(index).ok().map(ServerId)
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

    /// What all of them name to find a path with.
    pub(crate) fn ice_servers(&self) -> Vec<IceServer> {
        self.all.iter().flat_map(Registration::ice_servers).cloned().collect()
    }

    /// A server's message.
    pub(crate) fn handle_event(&mut self, cx: &mut Context, server: ServerId, event: signal::Event) {
        self.with(cx, server, |server, cx, rng, out| {
            server.handle_event(cx, event, rng, out)
        });
    }

    /// The socket to a server closed, or could not be opened.
    pub(crate) fn handle_down(&mut self, cx: &mut Context, server: ServerId, code: u16) {
        self.with(cx, server, |server, cx, rng, out| {
            server.handle_down(cx, code, rng, out)
        });
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
        for (index, server) in (0..).zip(&self.all) {
            if !matches!(
                server.shown(),
                model::ServerState::Waiting { .. } | model::ServerState::Stopped
            ) {
                let server = ServerId(index);
                cx.output(Output::DisconnectServer { server });
            }
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
                Action::Connect => cx.output(Output::ConnectServer { server }),
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

#[cfg(test)]
mod tests {
    use shared::signal::Nonce;

    use super::*;
    use crate::context::test::peer;

    const ONE: ServerId = ServerId(0);
    const OTHER: ServerId = ServerId(1);

    fn servers(cx: &Context) -> Servers {
        Servers::new(vec!["one".to_owned(), "other".to_owned()], [1; 32], cx.now)
    }

    fn register(servers: &mut Servers, cx: &mut Context, server: ServerId, room_size: u32) {
        let challenge = signal::Event::Challenge {
            nonce: Nonce::from_bytes([5; 32]),
            version_min: 1,
            version_max: 1,
        };
        let welcome = signal::Event::Welcome {
            room_size,
            peers: vec![peer(2)],
            ice_servers: vec![],
            heartbeat_seconds: 20,
            unix_seconds: 1_800_000_000,
        };
        servers.handle_event(cx, server, challenge);
        servers.handle_event(cx, server, welcome);
    }

    #[test]
    fn all_servers_are_connected_at_once() {
        let mut cx = Context::test(1);
        let mut servers = servers(&cx);
        assert_eq!(servers.poll_timeout(false), Some(cx.instant()));
        servers.handle_timeout(&mut cx, false);
        let outputs = cx.outputs();
        for server in [ONE, OTHER] {
            assert!(outputs.contains(&Output::ConnectServer { server }));
        }
        assert_eq!(servers.registered(), None);
    }

    #[test]
    fn the_largest_size_counts_and_the_first_registered_server_takes_requests() {
        let mut cx = Context::test(1);
        let mut servers = servers(&cx);
        servers.handle_timeout(&mut cx, false);
        register(&mut servers, &mut cx, OTHER, 7);
        assert_eq!((servers.registered(), servers.room_size()), (Some(OTHER), 7));
        let (peers, unix_millis) = (vec![peer(2)], 1_800_000_000_000);
        assert_eq!(servers.poll_event(), Some(Event::Clock { unix_millis }));
        assert_eq!(servers.poll_event(), Some(Event::Peers { server: OTHER, peers }));
        cx.outputs();
        servers.request(&mut cx, ONE, Request::Ping {});
        let request = Request::Ping {};
        assert_eq!(cx.outputs(), [Output::Signal { server: OTHER, request }]);
        register(&mut servers, &mut cx, ONE, 3);
        assert_eq!((servers.registered(), servers.room_size()), (Some(ONE), 7));
    }

    #[test]
    fn a_closing_is_handed_in_where_we_are_registered_and_where_we_shall_be() {
        let mut cx = Context::test(1);
        let mut servers = servers(&cx);
        servers.handle_timeout(&mut cx, false);
        register(&mut servers, &mut cx, OTHER, 7);
        cx.outputs();
        let closing = Closing::sign(&cx.identity, &cx.room, 5);
        let request = Request::Close {
            closing: closing.to_text(),
        };
        servers.hand_in(&mut cx, &closing);
        let handed_in = |server| Output::Signal {
            server,
            request: request.clone(),
        };
        assert_eq!(cx.outputs(), [handed_in(OTHER)]);
        register(&mut servers, &mut cx, ONE, 1);
        assert!(cx.outputs().contains(&handed_in(ONE)));
    }

    #[test]
    fn without_a_registered_server_a_request_goes_nowhere() {
        let mut cx = Context::test(1);
        let servers = servers(&cx);
        servers.request(&mut cx, ONE, Request::Ping {});
        assert_eq!(cx.outputs(), []);
    }

    #[test]
    fn an_unknown_server_is_ignored_and_open_sockets_are_closed_at_the_end() {
        let mut cx = Context::test(1);
        let mut servers = servers(&cx);
        servers.handle_timeout(&mut cx, false);
        servers.handle_down(&mut cx, OTHER, 1006);
        cx.outputs();
        servers.handle_event(&mut cx, ServerId(9), signal::Event::Ping {});
        servers.close(&mut cx);
        assert_eq!(cx.outputs(), [Output::DisconnectServer { server: ONE }]);
    }
}
