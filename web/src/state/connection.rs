//! How the node stands with server and mesh, in one or two sentences.

use mesh::io::Instant;
use mesh::model::{Network, PersonState, ServerState};

use super::{network::reach, room::RoomState};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How well.
    pub tone: Tone,
    /// In words.
    pub text: String,
    /// When the server is tried again, if it waits for that.
    pub retry_at: Option<Instant>,
}

/// The best that holds for any of the servers: one is enough to be introduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    Registered,
    Connecting,
    Waiting { retry_at: Instant },
    Stopped,
}

/// Puts into words how a room stands. `network`: what was last seen of it, if anything.
#[must_use]
pub fn standing(state: &RoomState, network: Option<&Network>) -> Standing {
    if state.closed {
        return Standing {
            tone: Tone::Trouble,
            text: "This room was closed by its founder.".to_owned(),
            retry_at: None,
        };
    }
    let count = |wanted: &[PersonState]| {
        state
            .people
            .iter()
            .filter(|person| wanted.contains(&person.state))
            .count()
    };
    let here = count(&[PersonState::Here]);
    let coming = count(&[PersonState::Connecting, PersonState::Reconnecting]);
    let server = best_server(state);

    let mesh = match (here, coming) {
        (0, 0) => None,
        (0, 1) => Some("Connecting to someone who is in the room…".to_owned()),
        (0, coming) => Some(format!("Connecting to {coming} people who are in the room…")),
        (1, _) => Some("Connected to 1 person.".to_owned()),
        (here, _) => Some(format!("Connected to {here} people.")),
    };
    let going_on = here > 0;
    let (tone, about_server) = match server {
        Server::Registered if mesh.is_none() => {
            (Tone::Good, "You are alone here. Copy the link and send it to someone.")
        }
        Server::Registered => (Tone::Good, "The server introduces newcomers."),
        Server::Connecting | Server::Waiting { .. } if state.server_lost && going_on => (
            Tone::Trouble,
            "The server is unreachable; the room goes on without it. New people can be invited by hand.",
        ),
        Server::Connecting | Server::Waiting { .. } if state.server_lost => (
            Tone::Trouble,
            "The server is unreachable, so newcomers cannot be introduced yet. Someone in the room can invite you by hand.",
        ),
        Server::Connecting | Server::Waiting { .. } => (Tone::Busy, "Looking for the server…"),
        Server::Stopped if going_on => (
            Tone::Trouble,
            "The server is not asked any more; the room goes on without it. New people can be invited by hand.",
        ),
        Server::Stopped => (Tone::Trouble, "Not connected to a server."),
    };
    let split = network.and_then(reach).map(|reach| format!("{reach}."));
    let tone = if tone == Tone::Good && (split.is_some() || (here == 0 && coming > 0)) {
        Tone::Busy
    } else {
        tone
    };
    Standing {
        tone,
        text: mesh
            .into_iter()
            .chain(split)
            .chain([about_server.to_owned()])
            .collect::<Vec<_>>()
            .join(" "),
        retry_at: match server {
            Server::Waiting { retry_at } => Some(retry_at),
            Server::Registered | Server::Connecting | Server::Stopped => None,
        },
    }
}

fn best_server(state: &RoomState) -> Server {
    let mut best = None;
    for server in state.servers.values() {
        let server = match *server {
            ServerState::Registered { .. } => Server::Registered,
            ServerState::Connecting => Server::Connecting,
            ServerState::Waiting { retry_at } => Server::Waiting { retry_at },
            ServerState::Stopped => Server::Stopped,
        };
        if best.is_none_or(|best| rank(server) < rank(best)) {
            best = Some(server);
        }
    }
    // Nothing heard yet: the node was started a moment ago.
    best.unwrap_or(Server::Connecting)
}

/// The lower, the better; of two that wait, the one that waits less.
fn rank(server: Server) -> (u8, Instant) {
    match server {
        Server::Registered => (0, Instant::default()),
        Server::Connecting => (1, Instant::default()),
        Server::Waiting { retry_at } => (2, retry_at),
        Server::Stopped => (3, Instant::default()),
    }
}

#[cfg(test)]
mod tests {
    use mesh::io::ServerId;
    use mesh::model::{Event, NetworkNode, Person};
    use shared::PeerId;

    use super::*;
    use crate::state::room::{RoomAction, reduce};

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
                },
            });
        }
        for event in events {
            state = reduce(&state, RoomAction::Event { event, hidden: false });
        }
        state
    }

    const REGISTERED: ServerState = ServerState::Registered { room_size: 1 };
    const WAITING: ServerState = ServerState::Waiting {
        retry_at: Instant::from_millis(4),
    };

    #[test]
    fn each_standing_has_its_words() {
        use PersonState::{Connecting, Gone, Here, Reconnecting};
        for (server, people, tone, text) in [
            (
                REGISTERED,
                &[][..],
                Tone::Good,
                "You are alone here. Copy the link and send it to someone.",
            ),
            (
                REGISTERED,
                &[Gone],
                Tone::Good,
                "You are alone here. Copy the link and send it to someone.",
            ),
            (
                REGISTERED,
                &[Here, Here],
                Tone::Good,
                "Connected to 2 people. The server introduces newcomers.",
            ),
            (
                REGISTERED,
                &[Here, Connecting],
                Tone::Good,
                "Connected to 1 person. The server introduces newcomers.",
            ),
            (
                REGISTERED,
                &[Reconnecting],
                Tone::Busy,
                "Connecting to someone who is in the room… The server introduces newcomers.",
            ),
            (
                WAITING,
                &[Here, Here],
                Tone::Trouble,
                "Connected to 2 people. The server is unreachable; the room goes on without it. New people can be invited by hand.",
            ),
            (
                WAITING,
                &[],
                Tone::Trouble,
                "The server is unreachable, so newcomers cannot be introduced yet. Someone in the room can invite you by hand.",
            ),
            (ServerState::Connecting, &[], Tone::Busy, "Looking for the server…"),
            (ServerState::Stopped, &[], Tone::Trouble, "Not connected to a server."),
        ] {
            let standing = standing(&room(server, people), None);
            assert_eq!((standing.tone, standing.text.as_str()), (tone, text));
        }
    }

    #[test]
    fn the_next_attempt_does_not_hide_that_the_server_is_lost() {
        let connecting = RoomAction::Event {
            event: Event::Server {
                server: ServerId(0),
                state: ServerState::Connecting,
            },
            hidden: false,
        };
        let state = room(WAITING, &[PersonState::Here]);
        assert_eq!(standing(&state, None).retry_at, Some(Instant::from_millis(4)));
        let state = reduce(&state, connecting);
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
        assert_eq!(
            standing.text,
            "Connected to 1 person. 2 of 3 reachable. The server introduces newcomers."
        );
    }

    #[test]
    fn a_closed_room_is_closed_whatever_the_server_does() {
        let mut state = room(WAITING, &[PersonState::Here]);
        state.closed = true;
        let standing = standing(&state, None);
        assert_eq!(standing.text, "This room was closed by its founder.");
        assert_eq!((standing.tone, standing.retry_at), (Tone::Trouble, None));
    }

    #[test]
    fn one_server_is_enough() {
        let event = Event::Server {
            server: ServerId(1),
            state: REGISTERED,
        };
        let state = reduce(&room(WAITING, &[]), RoomAction::Event { event, hidden: false });
        assert_eq!(standing(&state, None).tone, Tone::Good);
    }
}
