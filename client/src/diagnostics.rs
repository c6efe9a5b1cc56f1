//! What can be copied when something is wrong: states, counters, and the last events of a program.
//!
//! Nothing in it tells what was said, by whom, or from where: [`Happening`] has no place for a text, a name, a key or an
//! address. A peer is a small number, in order of appearance; a link and a server have the node's own numbers.

mod report;
mod word;

use std::{collections::VecDeque, time::Duration};

use mesh::io::{Input, Instant, LinkId, Output, ServerId};
use mesh::model::{Delivery, Event, Message, Person, PersonState};
use shared::PeerId;

pub use self::report::{Snapshot, report};
use crate::{
    config::{MOMENTS_MAX, NUMBERED_PEERS_MAX},
    room::Visibility,
};

/// What happened, without anything about persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// The person asked for something.
    Command {
        /// For what.
        command: Command,
    },
    /// The page came into view or went out of it.
    Visible {
        /// Which.
        visibility: Visibility,
    },
    /// The machine says whether it has a network.
    Network {
        /// What it says.
        online: bool,
    },
    /// A socket is being opened.
    SocketOpening {
        /// To which server.
        server: ServerId,
    },
    /// A socket is down.
    SocketDown {
        /// To which server.
        server: ServerId,
        /// Its close code.
        code: u16,
    },
    /// It stands differently with a server.
    Server {
        /// Which.
        server: ServerId,
        /// In a word.
        state: &'static str,
    },
    /// Something about a link.
    Link {
        /// Which.
        link: LinkId,
        /// In a few words.
        what: &'static str,
    },
    /// A person is new, or something about them changed.
    Person {
        /// Their number.
        peer: usize,
        /// How they stand with us.
        state: PersonState,
        /// Whether we have a link with them.
        linked: bool,
    },
    /// A person is no longer listed.
    Forgotten {
        /// Their number.
        peer: usize,
    },
    /// A message is shown.
    Message {
        /// Its author's number.
        peer: usize,
        /// Whether it is a whisper.
        whispered: bool,
    },
    /// How far a message of ours got.
    Delivery {
        /// See [`Delivery`].
        delivery: Delivery,
    },
    /// Something the person was told.
    Told {
        /// In a few words.
        what: &'static str,
    },
}

/// What a person can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// A message for everyone.
    Say,
    /// A message for one person.
    Whisper,
    /// Another text for a message.
    Edit,
    /// A message is deleted.
    Delete,
    /// An emoji for a message.
    React,
    /// A name for the room.
    NameRoom,
    /// Says for how long things are kept.
    Keep,
    /// Brings back what was exported.
    Import,
    /// Another name for the person.
    Rename,
    /// An invitation.
    Invite,
    /// To use an invitation or an answer.
    TakeInvitation,
    /// A file for everyone.
    OfferFile,
    /// To fetch a file.
    FetchFile,
    /// To fetch no more of a file for now.
    PauseFile,
    /// To fetch no more of a file, and to keep nothing of it.
    CancelFile,
    /// To close the room.
    CloseRoom,
    /// To leave.
    Leave,
    /// To try the servers now.
    Retry,
}

/// Whether the program is in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnState {
    /// It is.
    Here,
    /// Goodbyes are being said.
    Leaving,
    /// It has left.
    Left,
}

/// Keeps the last [`MOMENTS_MAX`] happenings, the oldest go first.
#[derive(Debug)]
pub struct Recorder {
    start: Instant,
    moments: VecDeque<(Instant, Happening)>,
    /// A peer's number is its place; there are [`NUMBERED_PEERS_MAX`] at most.
    peers: Vec<PeerId>,
}

impl Recorder {
    /// A recorder that begins now.
    #[must_use]
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            moments: VecDeque::new(),
            peers: Vec::new(),
        }
    }

    /// What happened, oldest first, and how long after the start.
    pub fn moments(&self) -> impl Iterator<Item = (Duration, Happening)> {
        self.moments.iter().map(|(at, what)| (at.since(self.start), *what))
    }

    /// Notes something.
    pub fn note(&mut self, now: Instant, happening: Happening) {
        tracing::debug!(?happening);
        if self.moments.len() == MOMENTS_MAX {
            self.moments.pop_front();
        }
        self.moments.push_back((now, happening));
    }

    /// Notes an input of the node, if it is worth a line.
    pub fn note_input(&mut self, now: Instant, input: &Input) {
        let happening = match input {
            Input::ServerDown { server, code } => Happening::SocketDown {
                server: *server,
                code: *code,
            },
            Input::Network { online } => Happening::Network { online: *online },
            Input::LinkOpen { link } => on_link(link, "open"),
            Input::LinkPath { link, path } => on_link(link, word::path(*path)),
            Input::LinkKind { link, kind } => on_link(link, word::kind(*kind)),
            Input::LinkClosed { link, end } => on_link(link, word::end(*end)),
            Input::LocalDescription { link, .. } => on_link(link, "described"),
            Input::Fragment { link, bytes } => {
                tracing::trace!(?link, bytes = bytes.len(), "received");
                return;
            }
            Input::Signal { server, .. } => {
                tracing::trace!(?server, "signal received");
                return;
            }
            Input::FilesOpen { link } => on_link(link, "open for files"),
            Input::LocalCandidates { .. }
            | Input::Nearby { .. }
            | Input::Stored { .. }
            | Input::NotStored
            | Input::FileFragment { .. }
            | Input::FileWritable { .. }
            | Input::PieceRead { .. }
            | Input::PieceWritten { .. } => return,
        };
        self.note(now, happening);
    }

    /// Notes an output of the node, if it is worth a line.
    pub fn note_output(&mut self, now: Instant, output: &Output) {
        let happening = match output {
            Output::ConnectServer { server, .. } => Happening::SocketOpening { server: *server },
            Output::Dial { link, .. } => on_link(link, "dialled"),
            Output::Accept { link, .. } => on_link(link, "offered by the peer"),
            Output::RestartIce { link, .. } => on_link(link, "ICE restarted"),
            Output::HangUp { link } => on_link(link, "hung up"),
            Output::Transmit { link, bytes } => {
                tracing::trace!(?link, bytes = bytes.len(), "transmitted");
                return;
            }
            Output::Signal { server, .. } => {
                tracing::trace!(?server, "signal sent");
                return;
            }
            // Too often to be of use.
            Output::Event(Event::File { .. } | Event::Typing { .. })
            | Output::TransmitFile { .. }
            | Output::ReadPiece { .. }
            | Output::WritePiece { .. } => return,
            Output::Event(event) => self.of_event(event),
            Output::DisconnectServer { .. }
            | Output::ForgetFile { .. }
            | Output::RemoteAnswer { .. }
            | Output::RemoteCandidates { .. }
            | Output::Nearby { .. }
            | Output::RememberClosed { .. }
            | Output::Store { .. } => return,
        };
        self.note(now, happening);
    }

    fn of_event(&mut self, event: &Event) -> Happening {
        match event {
            Event::Person { person } => {
                let Person {
                    peer, state, linked, ..
                } = person;
                Happening::Person {
                    peer: self.number(peer),
                    state: *state,
                    linked: *linked,
                }
            }
            Event::PersonForgotten { peer } => Happening::Forgotten {
                peer: self.number(peer),
            },
            Event::Message { message } => {
                let Message { author, whisper_to, .. } = message;
                Happening::Message {
                    peer: self.number(author),
                    whispered: whisper_to.is_some(),
                }
            }
            Event::Delivery { delivery, .. } => Happening::Delivery { delivery: *delivery },
            Event::Server { server, state } => Happening::Server {
                server: *server,
                state: word::server(state),
            },
            Event::Alert { alert } => Happening::Told {
                what: word::alert(alert),
            },
            Event::Invitation { .. } => Happening::Told {
                what: "invitation made",
            },
            Event::InvitationAnswer { .. } => Happening::Told { what: "answer made" },
            Event::Vanishing { .. } | Event::Retention { .. } => Happening::Told { what: "retention" },
            Event::CatchingUp { .. } => Happening::Told { what: "catching up" },
            Event::Dropped { .. } => Happening::Told { what: "dropped" },
            Event::Topic { .. } => Happening::Told { what: "topic" },
            Event::Typing { .. } => Happening::Told { what: "typing" },
            Event::Pinned { .. } => Happening::Told { what: "pins" },
            Event::RoomNamed { .. } => Happening::Told { what: "room named" },
            Event::Recalled { .. } => Happening::Told { what: "recalled" },
            Event::Annotated { .. } => Happening::Told { what: "annotated" },
            Event::Deleted { .. } => Happening::Told { what: "deleted" },
            Event::Renumbered { .. } => Happening::Told { what: "renumbered" },
            Event::File { .. } => Happening::Told { what: "file" },
            Event::RoomClosed => Happening::Told { what: "room closed" },
            Event::Left => Happening::Told { what: "left" },
        }
    }

    fn number(&mut self, peer: &PeerId) -> usize {
        let known = self.peers.iter().position(|known| known == peer);
        known.unwrap_or_else(|| {
            if self.peers.len() < NUMBERED_PEERS_MAX {
                self.peers.push(*peer);
                self.peers.len() - 1
            } else {
                NUMBERED_PEERS_MAX
            }
        })
    }
}

fn on_link(link: &LinkId, what: &'static str) -> Happening {
    Happening::Link { link: *link, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u16) -> PeerId {
        let [high, low] = number.to_be_bytes();
        let mut bytes = [high; 32];
        bytes[31] = low;
        PeerId::from_bytes(bytes)
    }

    fn forgotten(number: u16) -> Output {
        Output::Event(Event::PersonForgotten { peer: peer(number) })
    }

    #[test]
    fn the_last_hundred_are_kept_with_times_from_the_start() {
        let mut recorder = Recorder::new(Instant::from_millis(1_000));
        for link in 0..=100 {
            let input = Input::LinkOpen { link: LinkId(link) };
            recorder.note_input(Instant::from_millis(1_000 + link), &input);
        }
        let moments: Vec<_> = recorder.moments().collect();
        assert_eq!(moments.len(), 100);
        let what = "open";
        assert_eq!(
            moments[0],
            (Duration::from_millis(1), Happening::Link { link: LinkId(1), what })
        );
    }

    #[test]
    fn peers_are_numbered_as_they_appear_and_their_number_is_bounded() {
        let mut recorder = Recorder::new(Instant::default());
        for number in [7, 3, 7] {
            recorder.note_output(Instant::default(), &forgotten(number));
        }
        let numbers: Vec<_> = recorder.moments().map(|(_, happening)| happening).collect();
        assert_eq!(numbers, [0, 1, 0].map(|peer| Happening::Forgotten { peer }));
        for number in 0..1_000 {
            recorder.note_output(Instant::default(), &forgotten(number));
        }
        assert_eq!(recorder.peers.len(), NUMBERED_PEERS_MAX);
        assert_eq!(
            recorder.moments().last().map(|(_, happening)| happening),
            Some(Happening::Forgotten {
                peer: NUMBERED_PEERS_MAX
            })
        );
    }
}
