//! What this program tells, as data: the lines of `--json`, the events of HTTP, and what the lines for people are made of.
//!
//! # The format, version 1
//!
//! Each line is one object whose `type` is the name of a [`Report`] in `snake_case`; its other members are the fields below. Ids and
//! keys are base64url, times are RFC 3339 in UTC, and texts are exactly what was said: whoever prints them has to make them harmless. A later
//! version of this program may add types and members, and changes or removes none.

mod message;

use std::time::Duration;

use client::{
    files::{self, Progress},
    notice::Level,
    room::{Entry, RoomState},
    words,
};
use mesh::{
    io::LinkKind,
    model::{Delivery, FileInfo, FileState, Network, Person, PersonState},
};
use serde::{Deserialize, Serialize};

pub use self::message::{AnsweredReport, MessageReport, ReactionReport};

/// Something that happened in the room, or the answer to a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Report {
    /// A message is new here.
    Message(MessageReport),
    /// How far a message of ours got.
    Delivery(DeliveryReport),
    /// A message of ours has another id from now on.
    Renumbered {
        /// Its id so far.
        before: String,
        /// Its id from now on.
        id: String,
    },
    /// A message has another text now, by its author.
    Edited(MessageReport),
    /// A message was deleted by its author.
    Deleted(MessageReport),
    /// People have these emoji for a message now.
    Reactions {
        /// The id of the message.
        id: String,
        /// The beginning of what it says, on one line.
        excerpt: String,
        /// All of them.
        reactions: Vec<ReactionReport>,
    },
    /// Someone came or went.
    Person(PersonReport),
    /// Someone calls themselves something else.
    Renamed {
        /// Their public key.
        id: String,
        /// Their name so far.
        before: String,
        /// What to call them from now on.
        name: String,
    },
    /// How this program stands with servers and the others, when that has changed.
    Standing {
        /// One to three sentences.
        text: String,
    },
    /// Something a person has to be told.
    Notice {
        /// How bad it is.
        level: NoticeLevel,
        /// What happened, and what next.
        text: String,
    },
    /// An invitation is ready, to be handed to one person by hand.
    Invitation {
        /// The code.
        code: String,
    },
    /// The answer to an invitation is ready, to be handed back.
    Answer {
        /// The code.
        code: String,
    },
    /// The founder gave the room a name.
    RoomNamed {
        /// The name.
        name: String,
    },
    /// What the room is about, when its founder has said so, and in answer to `/topic`.
    Topic {
        /// In one line; empty if nothing.
        topic: String,
    },
    /// The founder closed the room for everyone.
    RoomClosed,
    /// We have left the room.
    Left,
    /// How a file stands that is fetched or offered here, when that has changed.
    File(FileReport),
    /// Answers `/people`.
    People {
        /// The others: those who can be reached first.
        people: Vec<PersonReport>,
    },
    /// Answers `/status`.
    Status(StatusReport),
    /// Answers `/network`.
    Network(NetworkReport),
    /// Answers `/network dot`.
    Dot {
        /// For Graphviz.
        graph: String,
    },
    /// Answers `/history` and `/search`.
    History {
        /// In the order of the room.
        messages: Vec<MessageReport>,
    },
    /// Answers `/files`.
    Files {
        /// In the order of the room.
        files: Vec<FileReport>,
    },
    /// Answers `/invite` and `starling new`.
    Link {
        /// Whoever has it can come in.
        link: String,
    },
    /// Answers what was said or whispered.
    Said {
        /// The id of the message.
        id: String,
    },
    /// Answers commands that have nothing else to say.
    Done {
        /// What was done.
        text: String,
    },
    /// A command was not carried out.
    Refused {
        /// Why, and what to do.
        text: String,
    },
}

/// How far a message of ours got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryReport {
    /// Of which message.
    pub id: String,
    /// See there.
    pub state: DeliveryState,
    /// How many have it.
    pub delivered: u32,
    /// How many it was meant for.
    pub of: u32,
    /// Whether it was whispered.
    pub whispered: bool,
}

/// See [`Delivery`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Nobody was there yet.
    Waiting,
    /// Some have it, or all.
    Sent,
    /// It is no longer tried.
    Failed,
}

/// Someone in the room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonReport {
    /// Their public key.
    pub id: String,
    /// What to call them; a name that whispers can be sent to.
    pub name: String,
    /// Eight characters of their key.
    pub fingerprint: String,
    /// How they stand with us.
    pub state: PersonStanding,
    /// Whether we have a link with them.
    pub linked: bool,
    /// Round-trip time of the last ping, if linked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<u64>,
    /// Whether it is an archive, which keeps the room for everybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archive: bool,
}

/// See [`PersonState`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the states that they stand for")]
pub enum PersonStanding {
    Connecting,
    Here,
    Reconnecting,
    OutOfReach,
    Gone,
    Left,
    Away,
}

/// How bad a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the levels that they stand for")]
pub enum NoticeLevel {
    Info,
    Warning,
    Danger,
}

/// How this program stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Our public key.
    pub id: String,
    /// What we call ourselves.
    pub name: String,
    /// What the founder calls the room.
    pub room: Option<String>,
    /// How many are in the room, us included, reached or about to be.
    pub present: u64,
    /// How many links we have.
    pub links: u64,
    /// How many messages are shown.
    pub messages: u64,
    /// Whether what is said is there again at the next visit.
    pub kept: bool,
    /// One to three sentences.
    pub text: String,
}

/// The room's network, as this program knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkReport {
    /// How many people are known to be in the room, us included, reachable or not.
    pub size: u32,
    /// Who is reachable, us included.
    pub nodes: Vec<NodeReport>,
    /// Who is linked to whom, as places in `nodes`.
    pub edges: Vec<(u32, u32)>,
    /// Our own links.
    pub links: Vec<LinkReport>,
}

/// Someone in the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Their public key.
    pub id: String,
    /// What to call them.
    pub name: String,
    /// Whether it is us.
    pub own: bool,
    /// Whether they say that they are connected with a server.
    pub on_server: bool,
}

/// A link of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// To whom.
    pub id: String,
    /// What to call them.
    pub name: String,
    /// How it reaches them: "same network", "direct", "relayed" or "not known yet".
    pub kind: String,
    /// Round-trip time of the last ping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<u64>,
    /// Whether messages go over it first.
    pub eager: bool,
    /// For how long it has been open.
    pub age_ms: u64,
}

/// A file that was offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// By which `/get` fetches it.
    pub number: usize,
    /// BLAKE3 of its content.
    pub id: String,
    /// Its last part, in which nothing is hidden.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// How much of it is here and verified.
    pub bytes_have: u64,
    /// How it stands here.
    pub state: FileStanding,
    /// The same in words.
    pub text: String,
}

/// See [`FileState`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the states that they stand for")]
pub enum FileStanding {
    Offered,
    Fetching,
    Waiting,
    Paused,
    Whole,
    NoSpace,
    Unreadable,
}

impl DeliveryReport {
    /// Of a message that got so far.
    #[must_use]
    pub fn new(entry: &Entry, delivery: Delivery) -> Self {
        let (state, delivered, of) = match delivery {
            Delivery::Waiting => (DeliveryState::Waiting, 0, 0),
            Delivery::Sent { delivered, of } => (DeliveryState::Sent, delivered, of),
            Delivery::Failed => (DeliveryState::Failed, 0, 0),
        };
        Self {
            id: entry.message.id.to_text(),
            state,
            delivered,
            of,
            whispered: entry.message.whisper_to.is_some(),
        }
    }

    /// What the node said.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self.state {
            DeliveryState::Waiting => Delivery::Waiting,
            DeliveryState::Sent => Delivery::Sent {
                delivered: self.delivered,
                of: self.of,
            },
            DeliveryState::Failed => Delivery::Failed,
        }
    }

    /// Whether everybody has it whom it was meant for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == DeliveryState::Sent && self.of > 0 && self.delivered >= self.of
    }
}

impl PersonReport {
    /// Of someone in `room`.
    #[must_use]
    pub fn new(room: &RoomState, person: &Person) -> Self {
        Self {
            id: person.peer.to_text(),
            name: room.name_of(&person.peer),
            fingerprint: person.peer.fingerprint(),
            state: person.state.into(),
            linked: person.linked,
            round_trip_ms: person.round_trip.map(millis),
            archive: person.archive,
        }
    }
}

impl From<PersonState> for PersonStanding {
    fn from(state: PersonState) -> Self {
        match state {
            PersonState::Connecting => Self::Connecting,
            PersonState::Here => Self::Here,
            PersonState::Reconnecting => Self::Reconnecting,
            PersonState::OutOfReach { .. } => Self::OutOfReach,
            PersonState::Gone => Self::Gone,
            PersonState::Left => Self::Left,
            PersonState::Away => Self::Away,
        }
    }
}

impl From<Level> for NoticeLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Warning => Self::Warning,
            Level::Danger => Self::Danger,
        }
    }
}

impl FileReport {
    /// Of a file that was offered as the `number`th of the room.
    #[must_use]
    pub fn new(number: usize, info: &FileInfo, progress: Option<&Progress>, own: bool) -> Self {
        Self {
            number,
            id: info.root.to_text(),
            name: files::shown_name(&info.name),
            bytes: info.bytes,
            bytes_have: progress.map_or(0, |progress| progress.now.bytes_have),
            state: match progress.map_or(FileState::Offered, |progress| progress.now.state) {
                FileState::Offered => FileStanding::Offered,
                FileState::Fetching => FileStanding::Fetching,
                FileState::Waiting => FileStanding::Waiting,
                FileState::Paused => FileStanding::Paused,
                FileState::Whole => FileStanding::Whole,
                FileState::NoRoom => FileStanding::NoSpace,
                FileState::Unreadable => FileStanding::Unreadable,
            },
            text: words::files::state(info.bytes, progress, own),
        }
    }
}

impl NetworkReport {
    /// Of the network as the node knows it.
    #[must_use]
    pub fn new(room: &RoomState, network: &Network) -> Self {
        let node = |node: &mesh::model::NetworkNode| NodeReport {
            id: node.peer.to_text(),
            name: room.name_of(&node.peer),
            own: node.peer == room.me,
            on_server: node.on_server,
        };
        let link = |link: &mesh::model::NetworkLink| LinkReport {
            id: link.peer.to_text(),
            name: room.name_of(&link.peer),
            kind: kind(link.kind),
            round_trip_ms: link.round_trip.map(millis),
            eager: link.eager,
            age_ms: millis(link.age),
        };
        Self {
            size: network.size,
            nodes: network.nodes.iter().map(node).collect(),
            edges: network.edges.iter().map(|edge| (edge.one, edge.other)).collect(),
            links: network.links.iter().map(link).collect(),
        }
    }
}

fn kind(kind: Option<LinkKind>) -> String {
    words::link_kind(kind).to_owned()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
