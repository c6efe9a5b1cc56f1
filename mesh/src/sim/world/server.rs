//! Rendezvous servers, as far as nodes can tell: rooms, samples, relay, heartbeat; and a man in the middle.

use std::collections::BTreeMap;

use crate::{
    config::{SIM_SILENCE, SIM_SWEEP},
    io::{Input, ServerId},
    wire::envelope::{self, Envelope},
};
use rand_core::Rng;
use shared::{
    Closing, PeerId, RoomId,
    limits::{PEER_SAMPLE_MAX, RELAY_PAYLOAD_BYTES_MAX},
    room::RoomProof,
    signal::{CloseCode, Event, Nonce, Refusal, Request},
};

use super::{Body, Life, Simulation, Who};

/// What a dishonest server makes of a payload: what is delivered, and to whom.
pub(crate) type Tamper = Box<dyn FnMut(PeerId, PeerId, String) -> Vec<(PeerId, String)>>;

#[derive(Default)]
pub(super) struct Server {
    down: bool,
    refuses: Option<Refusal>,
    sockets: BTreeMap<u64, Socket>,
    by_peer: BTreeMap<(RoomId, PeerId), u64>,
    swept_millis: u64,
    tamper: Option<Tamper>,
    /// The founders' statements, by room.
    closed: BTreeMap<RoomId, String>,
    pub(super) requests: u64,
    /// By how many milliseconds its clock is ahead.
    pub(super) skew: i64,
}

impl Server {
    fn forget(&mut self, socket: u64) -> Option<Socket> {
        let state = self.sockets.remove(&socket)?;
        if let Some(registered) = state.registered
            && self.by_peer.get(&registered) == Some(&socket)
        {
            self.by_peer.remove(&registered);
        }
        Some(state)
    }
}

struct Socket {
    who: Who,
    life: Life,
    nonce: Nonce,
    registered: Option<(RoomId, PeerId)>,
    proof: Option<RoomProof>,
    heard_millis: u64,
    delay: u64,
}

#[derive(Debug)]
pub(super) enum Happening {
    Open {
        server: ServerId,
        socket: u64,
        who: Who,
        life: Life,
    },
    Request {
        server: ServerId,
        socket: u64,
        who: Who,
        request: Request,
    },
    Event {
        server: ServerId,
        socket: u64,
        who: Who,
        life: Life,
        event: Event,
    },
    Down {
        server: ServerId,
        socket: u64,
        who: Who,
        life: Life,
        code: u16,
    },
}

impl Happening {
    /// Who causes it and whom it reaches; servers come after all machines.
    pub(super) fn ends(&self) -> (Who, Who) {
        let number = |server: &ServerId| usize::MAX - usize::from(server.0);
        match self {
            Self::Open { server, who, .. } | Self::Request { server, who, .. } => (*who, number(server)),
            Self::Event { server, who, .. } | Self::Down { server, who, .. } => (number(server), *who),
        }
    }
}

impl<B: Body> Simulation<B> {
    /// The server's process dies; its sockets break.
    pub(crate) fn server_down(&mut self, server: u8) {
        let id = ServerId(server);
        self.servers[usize::from(server)].down = true;
        let sockets = std::mem::take(&mut self.servers[usize::from(server)].sockets);
        self.servers[usize::from(server)].by_peer.clear();
        self.servers[usize::from(server)].closed.clear();
        for (socket, Socket { who, life, delay, .. }) in sockets {
            let happening = Happening::Down {
                server: id,
                socket,
                who,
                life,
                code: 1006,
            };
            self.schedule(delay, super::Happening::Server(happening));
        }
    }

    pub(crate) fn server_up(&mut self, server: u8) {
        self.servers[usize::from(server)].down = false;
    }

    /// From now on every hello is refused so.
    pub(crate) fn server_refuses(&mut self, server: u8, refusal: Option<Refusal>) {
        self.servers[usize::from(server)].refuses = refusal;
    }

    pub(crate) fn tamper(&mut self, server: u8, tamper: Option<Tamper>) {
        self.servers[usize::from(server)].tamper = tamper;
    }

    /// How many requests a server has had.
    pub(crate) fn requests(&self, server: u8) -> u64 {
        self.servers[usize::from(server)].requests
    }

    /// Brings a payload to `to` as if `from` had sent it.
    pub(crate) fn inject_payload(&mut self, server: u8, from: PeerId, to: Who, payload: String) {
        let server = ServerId(server);
        let Some(socket) = self.machines[to].sockets.get(&server).copied() else {
            return;
        };
        self.answer(server, socket, Event::Relayed { from, payload });
    }

    /// Brings any event from a server to a node.
    pub(crate) fn inject_event(&mut self, server: u8, to: Who, event: Event) {
        self.input(
            to,
            Input::Signal {
                server: ServerId(server),
                event,
            },
        );
    }

    pub(super) fn open_socket(&mut self, who: Who, server: ServerId) {
        let (socket, life) = (self.make_number(who), self.machines[who].life);
        let before = self.machines[who].sockets.insert(server, socket);
        assert!(before.is_none(), "{who} opens a second socket to {server:?}");
        let delay = self.chance(who, 10, 120);
        self.schedule(
            delay,
            super::Happening::Server(Happening::Open {
                server,
                socket,
                who,
                life,
            }),
        );
    }

    pub(super) fn close_socket(&mut self, who: Who, server: ServerId) {
        let socket = self.machines[who].sockets.remove(&server);
        let socket = socket.unwrap_or_else(|| panic!("{who} closes a socket it does not have"));
        self.servers[usize::from(server.0)].forget(socket);
    }

    pub(super) fn send_to_server(&mut self, who: Who, server: ServerId, request: Request) {
        let socket = self.machines[who].sockets.get(&server).copied();
        let socket = socket.unwrap_or_else(|| panic!("{who} sends on a socket it does not have"));
        if let Request::Relay { to, payload } = &request {
            assert!(payload.len() <= RELAY_PAYLOAD_BYTES_MAX);
            if self.strict {
                self.note_offer(who, to, payload);
            }
        }
        let Some(Socket { delay, .. }) = self.servers[usize::from(server.0)].sockets.get(&socket) else {
            return;
        };
        let delay = *delay;
        self.schedule(
            delay,
            super::Happening::Server(Happening::Request {
                server,
                socket,
                who,
                request,
            }),
        );
    }

    /// Notes whom a dialled link is meant for, which only its offer tells.
    fn note_offer(&mut self, who: Who, to: &PeerId, payload: &str) {
        let recipient = self.machines.iter().find(|machine| machine.id == *to);
        let opened = recipient.and_then(|recipient| Envelope::open(payload, &recipient.identity, &self.room).ok());
        if let Some(envelope::Body::Offer { sdp, .. }) = opened.map(|envelope| envelope.body) {
            self.note_dialled(who, *to, &sdp);
        }
    }

    // Long because: it has an arm for each thing that can happen.
    pub(super) fn happen_at_server(&mut self, happening: Happening) {
        match happening {
            Happening::Open {
                server,
                socket,
                who,
                life,
            } => {
                let machine = &self.machines[who];
                if machine.life != life || machine.sockets.get(&server) != Some(&socket) {
                    return;
                }
                if self.servers[usize::from(server.0)].down {
                    let happening = Happening::Down {
                        server,
                        socket,
                        who,
                        life,
                        code: 1006,
                    };
                    return self.happen_at_server(happening);
                }
                let mut nonce = [0; 32];
                self.machines[who].rng.fill_bytes(&mut nonce);
                let nonce = Nonce::from_bytes(nonce);
                let (delay, heard_millis) = (self.chance(who, 5, 60), self.millis);
                let state = Socket {
                    who,
                    life,
                    nonce,
                    registered: None,
                    proof: None,
                    heard_millis,
                    delay,
                };
                self.servers[usize::from(server.0)].sockets.insert(socket, state);
                self.answer(
                    server,
                    socket,
                    Event::Challenge {
                        nonce,
                        version_min: 1,
                        version_max: 1,
                    },
                );
            }
            Happening::Request {
                server,
                socket,
                request,
                ..
            } => self.on_request(server, socket, request),
            Happening::Event {
                server,
                socket,
                who,
                life,
                event,
            } => {
                let later = |event| {
                    super::Happening::Server(Happening::Event {
                        server,
                        socket,
                        who,
                        life,
                        event,
                    })
                };
                let Some(event) = self.awake(who, life, event, later) else {
                    return;
                };
                if self.machines[who].sockets.get(&server) == Some(&socket) {
                    self.input(who, Input::Signal { server, event });
                }
            }
            Happening::Down {
                server,
                socket,
                who,
                life,
                code,
            } => {
                let later = |code| {
                    super::Happening::Server(Happening::Down {
                        server,
                        socket,
                        who,
                        life,
                        code,
                    })
                };
                let Some(code) = self.awake(who, life, code, later) else {
                    return;
                };
                if self.machines[who].sockets.get(&server) == Some(&socket) {
                    self.machines[who].sockets.remove(&server);
                    self.input(who, Input::ServerDown { server, code });
                }
            }
        }
    }

    // Long because: it has an arm for each request.
    fn on_request(&mut self, server: ServerId, socket: u64, request: Request) {
        let millis = self.millis;
        let state = &mut self.servers[usize::from(server.0)];
        state.requests += 1;
        // A machine that sleeps or died does not know that it is given up.
        if millis >= state.swept_millis + SIM_SWEEP.as_millis() as u64 {
            state.swept_millis = millis;
            let silent = |socket: &Socket| socket.heard_millis + SIM_SILENCE.as_millis() as u64 <= millis;
            let dead = state.sockets.iter().filter(|(_, socket)| silent(socket));
            for id in dead.map(|(id, _)| *id).collect::<Vec<_>>() {
                state.forget(id);
            }
        }
        let Some(client) = state.sockets.get_mut(&socket) else {
            return;
        };
        client.heard_millis = millis;
        let who = client.who;
        match (request, client.registered) {
            (Request::Hello(hello), None) => {
                let (room, peer) = (hello.verify(&client.nonce).unwrap(), hello.peer);
                assert_eq!(hello.host, server.0.to_string());
                client.proof = Some(hello.proof());
                if let Some(closing) = state.closed.get(&room).cloned() {
                    self.answer(server, socket, Event::Closed { closing });
                    return self.drop_socket(server, socket, CloseCode::RoomClosed);
                }
                if let Some(refusal) = state.refuses.clone() {
                    let code = refusal.close_code().unwrap();
                    self.answer(server, socket, Event::Refused { refusal });
                    return self.drop_socket(server, socket, code);
                }
                let older = state.by_peer.get(&(room, peer)).copied();
                if let Some(older) = older {
                    self.drop_socket(server, older, CloseCode::Superseded);
                }
                let state = &mut self.servers[usize::from(server.0)];
                state.sockets.get_mut(&socket).unwrap().registered = Some((room, peer));
                state.by_peer.insert((room, peer), socket);
                let (room_size, peers) = self.sample(who, server, room, peer);
                let now = self.now_with(self.servers[usize::from(server.0)].skew);
                let welcome = Event::Welcome {
                    room_size,
                    peers,
                    ice_servers: vec![],
                    heartbeat_seconds: 20,
                    unix_seconds: u32::try_from(now.unix_millis / 1_000).unwrap(),
                    nodes: None,
                };
                self.answer(server, socket, welcome);
            }
            (Request::Relay { to, payload }, Some((room, from))) => {
                let Some(recipient) = self.socket_of(server, room, to) else {
                    return self.answer(
                        server,
                        socket,
                        Event::Refused {
                            refusal: Refusal::PeerNotHere { to },
                        },
                    );
                };
                let mut tamper = self.servers[usize::from(server.0)].tamper.take();
                match &mut tamper {
                    None => self.answer(server, recipient, Event::Relayed { from, payload }),
                    Some(tamper) => {
                        for (to, payload) in tamper(from, to, payload) {
                            if let Some(recipient) = self.socket_of(server, room, to) {
                                self.answer(server, recipient, Event::Relayed { from, payload });
                            }
                        }
                    }
                }
                self.servers[usize::from(server.0)].tamper = tamper;
            }
            (Request::Close { closing }, Some((room, _))) => {
                let statement = Closing::from_text(&closing).unwrap();
                statement.verify_by_proof(&client.proof.unwrap()).unwrap();
                state.closed.insert(room, closing.clone());
                let members = state.by_peer.iter().filter(|((of, _), _)| *of == room);
                for socket in members.map(|(_, socket)| *socket).collect::<Vec<_>>() {
                    let closing = closing.clone();
                    self.answer(server, socket, Event::Closed { closing });
                    self.drop_socket(server, socket, CloseCode::RoomClosed);
                }
            }
            (Request::Discover {}, Some((room, peer))) => {
                let (room_size, peers) = self.sample(who, server, room, peer);
                self.answer(server, socket, Event::Peers { room_size, peers });
            }
            (Request::Ping {}, Some(_)) => self.answer(server, socket, Event::Pong {}),
            (Request::Pong {}, _) => {}
            (request, registered) => panic!("{request:?} from a client that is registered as {registered:?}"),
        }
    }

    fn socket_of(&self, server: ServerId, room: RoomId, peer: PeerId) -> Option<u64> {
        self.servers[usize::from(server.0)].by_peer.get(&(room, peer)).copied()
    }

    fn sample(&mut self, who: Who, server: ServerId, room: RoomId, asking: PeerId) -> (u32, Vec<PeerId>) {
        let registered = self.servers[usize::from(server.0)].by_peer.keys();
        let mut others: Vec<_> = registered
            .filter(|(of, peer)| *of == room && *peer != asking)
            .map(|(_, peer)| *peer)
            .collect();
        let size = others.len() + 1;
        for index in 0..others.len().min(PEER_SAMPLE_MAX) {
            let other = index + usize::try_from(self.chance(who, 0, (others.len() - index - 1) as u64)).unwrap();
            others.swap(index, other);
        }
        others.truncate(PEER_SAMPLE_MAX);
        (u32::try_from(size).unwrap(), others)
    }

    fn drop_socket(&mut self, server: ServerId, socket: u64, code: CloseCode) {
        if let Some(Socket { who, life, delay, .. }) = self.servers[usize::from(server.0)].forget(socket) {
            let happening = Happening::Down {
                server,
                socket,
                who,
                life,
                code: code.code(),
            };
            self.schedule(delay, super::Happening::Server(happening));
        }
    }

    fn answer(&mut self, server: ServerId, socket: u64, event: Event) {
        if let Some(Socket { who, life, delay, .. }) = self.servers[usize::from(server.0)].sockets.get(&socket) {
            let (who, life, delay) = (*who, *life, *delay);
            let happening = Happening::Event {
                server,
                socket,
                who,
                life,
                event,
            };
            self.schedule(delay, super::Happening::Server(happening));
        }
    }
}
