//! How the node stands with servers and mesh, as data. [`words::standing`](crate::words::standing) says it.

use mesh::io::Instant;
use mesh::model::{Network, Obstacle, PersonState, ServerState};
use shared::PeerId;

use crate::room::RoomState;

/// How well things stand, for a colour beside the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Something is under way.
    Busy,
    /// Something is broken and needs time or a person.
    Trouble,
}

/// How the node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How well.
    pub tone: Tone,
    /// How it stands with the others.
    pub mesh: MeshStanding,
    /// Who is in the room and cannot be reached, if anybody.
    pub blocked: Option<Blocked>,
    /// How much of a split network can be reached; `None` while all of it can.
    pub reach: Option<Reach>,
    /// How it stands with the servers.
    pub server: ServerStanding,
    /// When the server is tried again, if it waits for that.
    pub retry_at: Option<Instant>,
}

/// How it stands with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeshStanding {
    /// Nobody else is in the room, as far as we know.
    Alone,
    /// Others are in the room, and none can be reached yet.
    Connecting {
        /// How many.
        people: usize,
    },
    /// Others are in the room, and no way to them is found.
    Blocked,
    /// Others can be reached.
    Connected {
        /// How many.
        people: usize,
    },
}

/// People who are in the room and cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocked {
    /// How many.
    pub people: usize,
    /// What stands in their way, if it is the same for all.
    pub obstacle: Option<Obstacle>,
}

/// How it stands with the servers: the best that holds for any of them, since one is enough to be introduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerStanding {
    /// The room was closed by its founder, and no server is of use.
    RoomClosed,
    /// We left.
    Left,
    /// Registered.
    Registered,
    /// None was reached yet, and none was lost.
    Looking,
    /// The server was lost, or not reached.
    Lost,
    /// No server is asked any more.
    Stopped,
}

/// How much of a split network can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// How many people, us included.
    pub reachable: usize,
    /// How many are known to be in the room, us included.
    pub size: usize,
}

/// How much of a split network can be reached; `None` while all of it can.
#[must_use]
pub fn reach(network: &Network) -> Option<Reach> {
    let (reachable, size) = (network.nodes.len(), network.size as usize);
    (size > reachable).then_some(Reach { reachable, size })
}

/// The neighbor through whom `peer` is reached: the first step of a shortest way there, if we have no link with them and a way is known.
#[must_use]
pub fn through(network: &Network, me: &PeerId, peer: &PeerId) -> Option<PeerId> {
    let place = |peer: &PeerId| network.nodes.iter().position(|node| node.peer == *peer);
    let (start, goal) = (place(me)?, place(peer)?);
    // From the goal back, so that whoever meets us first is the neighbor.
    let (mut reached, mut next) = (vec![goal], 0);
    while let Some(at) = reached.get(next).copied() {
        next += 1;
        for edge in &network.edges {
            let (one, other) = (edge.one as usize, edge.other as usize);
            let beyond = if at == one {
                other
            } else if at == other {
                one
            } else {
                continue;
            };
            if beyond == start {
                return network
                    .nodes
                    .get(at)
                    .map(|node| node.peer)
                    .filter(|first| first != peer);
            }
            if !reached.contains(&beyond) {
                reached.push(beyond);
            }
        }
    }
    None
}

/// How a room stands. `network`: what was last seen of it, if anything.
#[must_use]
pub fn standing(state: &RoomState, network: Option<&Network>) -> Standing {
    let (mesh, blocked) = mesh_standing(state);
    let reach = network.and_then(reach);
    if state.is_over() {
        return Standing {
            tone: Tone::Trouble,
            mesh,
            blocked: None,
            reach,
            server: if state.closed {
                ServerStanding::RoomClosed
            } else {
                ServerStanding::Left
            },
            retry_at: None,
        };
    }
    let best = best_server(state);
    let server = match best {
        BestServer::Registered => ServerStanding::Registered,
        BestServer::Connecting | BestServer::Waiting { .. } if state.server_lost => ServerStanding::Lost,
        BestServer::Connecting | BestServer::Waiting { .. } => ServerStanding::Looking,
        BestServer::Stopped => ServerStanding::Stopped,
    };
    let busy = reach.is_some() || matches!(mesh, MeshStanding::Connecting { .. });
    Standing {
        tone: match server {
            _ if blocked.is_some() => Tone::Trouble,
            ServerStanding::Registered if busy => Tone::Busy,
            ServerStanding::Registered => Tone::Good,
            ServerStanding::Looking => Tone::Busy,
            ServerStanding::Lost | ServerStanding::Stopped | ServerStanding::RoomClosed | ServerStanding::Left => {
                Tone::Trouble
            }
        },
        mesh,
        blocked,
        reach,
        server,
        retry_at: match best {
            BestServer::Waiting { retry_at } => Some(retry_at),
            BestServer::Registered | BestServer::Connecting | BestServer::Stopped => None,
        },
    }
}

fn mesh_standing(state: &RoomState) -> (MeshStanding, Option<Blocked>) {
    let (mut here, mut coming) = (0, 0);
    let mut blocked = None::<Blocked>;
    for person in &state.people {
        match person.state {
            PersonState::Here => here += 1,
            PersonState::Connecting | PersonState::Reconnecting => coming += 1,
            PersonState::OutOfReach { obstacle } => {
                let (people, shared) = blocked.map_or((0, Some(obstacle)), |before| (before.people, before.obstacle));
                blocked = Some(Blocked {
                    people: people + 1,
                    obstacle: shared.filter(|shared| *shared == obstacle),
                });
            }
            PersonState::Gone | PersonState::Left | PersonState::Away => {}
        }
    }
    let mesh = match (here, coming) {
        (0, 0) if blocked.is_some() => MeshStanding::Blocked,
        (0, 0) => MeshStanding::Alone,
        (0, people) => MeshStanding::Connecting { people },
        (people, _) => MeshStanding::Connected { people },
    };
    (mesh, blocked)
}

/// The best that holds for any of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BestServer {
    Registered,
    Connecting,
    Waiting { retry_at: Instant },
    Stopped,
}

fn best_server(state: &RoomState) -> BestServer {
    let servers = state.servers.values().filter_map(|server| match *server {
        ServerState::Registered { .. } => Some(BestServer::Registered),
        ServerState::Connecting => Some(BestServer::Connecting),
        ServerState::Waiting { retry_at } => Some(BestServer::Waiting { retry_at }),
        ServerState::Stopped => Some(BestServer::Stopped),
        // It stands as well as the one that it is spared by.
        ServerState::Spare => None,
    });
    // Nothing heard yet: the node was started a moment ago.
    servers
        .min_by_key(|server| rank(*server))
        .unwrap_or(BestServer::Connecting)
}

/// The lower, the better; of two that wait, the one that waits less.
fn rank(server: BestServer) -> (u8, Instant) {
    match server {
        BestServer::Registered => (0, Instant::default()),
        BestServer::Connecting => (1, Instant::default()),
        BestServer::Waiting { retry_at } => (2, retry_at),
        BestServer::Stopped => (3, Instant::default()),
    }
}

#[cfg(test)]
mod tests {
    use mesh::io::ServerId;
    use mesh::model::{Event, NetworkEdge, NetworkNode, Person};

    use super::*;
    use crate::{
        room::{RoomAction, Visibility, reduce},
        words,
    };

    fn room(server: ServerState, people: &[PersonState]) -> RoomState {
        let mut state = RoomState::new(PeerId::from_bytes([0; 32]), "Me".to_owned());
        let mut events = vec![Event::Server {
            server: ServerId(0),
            state: server,
        }];
        for (number, person_state) in (1..).zip(people) {
            let peer = PeerId::from_bytes([number; 32]);
            events.push(Event::Person {
                person: Person {
                    peer,
                    name: Some("X".to_owned()),
                    state: *person_state,
                    linked: true,
                    round_trip: None,
                    archive: false,
                },
            });
        }
        for event in events {
            happens(&mut state, event);
        }
        state
    }

    fn happens(state: &mut RoomState, event: Event) {
        let visibility = Visibility::Shown;
        reduce(state, RoomAction::Event { event, visibility });
    }

    const REGISTERED: ServerState = ServerState::Registered { room_size: 1 };
    const WAITING: ServerState = ServerState::Waiting {
        retry_at: Instant::from_millis(4),
    };

    #[test]
    fn each_standing_has_its_words() {
        use PersonState::{Connecting, Gone, Here, OutOfReach, Reconnecting};
        let blocked = |obstacle| OutOfReach { obstacle };
        for (server, people, tone, text) in [
            (REGISTERED, &[][..], Tone::Good, "Only you are here."),
            (REGISTERED, &[Gone], Tone::Good, "Only you are here."),
            (REGISTERED, &[Here, Here], Tone::Good, "3 people here."),
            (REGISTERED, &[Here, Connecting], Tone::Good, "2 people here."),
            (
                REGISTERED,
                &[Reconnecting],
                Tone::Busy,
                "Connecting to someone who is in the room…",
            ),
            (
                REGISTERED,
                &[blocked(Obstacle::OwnNetwork)],
                Tone::Trouble,
                "Someone in the room can't be reached: your network lets no direct connection out. Try another one, such as a phone's hotspot.",
            ),
            (
                REGISTERED,
                &[blocked(Obstacle::NoAnswer), Here, blocked(Obstacle::NoAnswer)],
                Tone::Trouble,
                "2 people here. 2 people in the room can't be reached: their page does not answer. \
                 It may be asleep, or their network gone: ask them to open it.",
            ),
            (
                REGISTERED,
                &[
                    blocked(Obstacle::NoAnswer),
                    blocked(Obstacle::Firewall),
                    blocked(Obstacle::NoAnswer),
                ],
                Tone::Trouble,
                "3 people in the room can't be reached, for different reasons. “About” in the list of people tells each.",
            ),
            (
                WAITING,
                &[Here, Here],
                Tone::Trouble,
                "3 people here. Server offline. Your chat keeps working; new people can't join by link right now.",
            ),
            (
                WAITING,
                &[],
                Tone::Trouble,
                "Server offline, so nobody can join by link right now. Someone in the room can connect with you without it.",
            ),
            (ServerState::Connecting, &[], Tone::Busy, "Looking for the server…"),
            (ServerState::Stopped, &[], Tone::Trouble, "Not connected to a server."),
        ] {
            let standing = standing(&room(server, people), None);
            assert_eq!((standing.tone, words::standing(&standing).as_str()), (tone, text));
        }
    }

    #[test]
    fn the_next_attempt_does_not_hide_that_the_server_is_lost() {
        let connecting = Event::Server {
            server: ServerId(0),
            state: ServerState::Connecting,
        };
        let mut state = room(WAITING, &[PersonState::Here]);
        assert_eq!(standing(&state, None).retry_at, Some(Instant::from_millis(4)));
        happens(&mut state, connecting);
        assert_eq!(standing(&state, None).tone, Tone::Trouble);
        assert_eq!(standing(&state, None).retry_at, None);
    }

    #[test]
    fn a_split_network_says_how_much_of_it_can_be_reached() {
        let node = NetworkNode {
            peer: PeerId::from_bytes([0; 32]),
            name: None,
            on_server: true,
        };
        let network = Network {
            nodes: vec![node; 2],
            edges: Vec::new(),
            links: Vec::new(),
            size: 3,
        };
        let standing = standing(&room(REGISTERED, &[PersonState::Here]), Some(&network));
        assert_eq!(standing.tone, Tone::Busy);
        assert_eq!(words::standing(&standing), "2 people here. 2 of 3 reachable.");
    }

    #[test]
    fn a_closed_room_is_closed_whatever_the_server_does() {
        let mut state = room(WAITING, &[PersonState::Here]);
        state.closed = true;
        let standing = standing(&state, None);
        assert_eq!(words::standing(&standing), "This room was closed by its founder.");
        assert_eq!((standing.tone, standing.retry_at), (Tone::Trouble, None));
    }

    #[test]
    fn one_server_is_enough() {
        let event = Event::Server {
            server: ServerId(1),
            state: REGISTERED,
        };
        let mut state = room(WAITING, &[]);
        happens(&mut state, event);
        assert_eq!(standing(&state, None).tone, Tone::Good);
    }

    #[test]
    fn who_is_not_linked_is_reached_through_the_first_on_a_shortest_way() {
        let peer = |byte| PeerId::from_bytes([byte; 32]);
        let node = |byte| NetworkNode {
            peer: peer(byte),
            name: None,
            on_server: true,
        };
        // 0 - 1 - 2 - 3 and 0 - 4 - 3; 5 is by itself.
        let edges = [(0, 1), (1, 2), (2, 3), (0, 4), (3, 4)];
        let network = Network {
            nodes: (0..6).map(node).collect(),
            edges: edges.map(|(one, other)| NetworkEdge { one, other }).into(),
            links: Vec::new(),
            size: 6,
        };
        for (goal, first) in [(1, None), (2, Some(1)), (3, Some(4)), (5, None), (9, None)] {
            assert_eq!(through(&network, &peer(0), &peer(goal)), first.map(peer), "{goal}");
        }
    }

    #[test]
    fn only_a_split_network_says_how_much_is_reachable() {
        let node = NetworkNode {
            peer: PeerId::from_bytes([1; 32]),
            name: None,
            on_server: false,
        };
        let network = |size| Network {
            nodes: vec![node.clone(); 7],
            edges: Vec::new(),
            links: Vec::new(),
            size,
        };
        let (reachable, size) = (7, 9);
        assert_eq!(reach(&network(9)), Some(Reach { reachable, size }));
        assert_eq!(reach(&network(7)), None);
    }
}
