//! What an app is told: people, messages and what became of them, servers, alerts, the network; and why a command was refused.

mod counters;
mod imported;
mod message;
mod person;

use std::time::Duration;

use shared::{MessageId, PeerId};
use thiserror::Error;

pub use self::{
    counters::Counters,
    imported::Imported,
    message::{Annotation, Message, Says},
    person::{Obstacle, Person, PersonState},
};
use crate::io::{Instant, LinkKind, ServerId};
pub use crate::wire::{
    file::FileInfo,
    setting::{Retention, Vanish},
    timestamp::Timestamp,
};

/// What the person in front of the app should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A person is new, or something about them changed.
    Person {
        /// All that is known of them now.
        person: Person,
    },
    /// A person who was gone for long is no longer listed.
    PersonForgotten {
        /// Who.
        peer: PeerId,
    },
    /// A message is to be shown: our own as soon as it is accepted, others' when they arrive.
    Message {
        /// The message.
        message: Message,
    },
    /// What was kept of former visits, in the order of the room, before anything else is shown; where it is read in parts, the latest first and then all of it.
    /// Or what the person brought back, in the order in which it was given.
    Recalled {
        /// The messages.
        messages: Vec<Message>,
    },
    /// Something is said of messages: of some that are shown, and of some that may come later.
    Annotated {
        /// What of which.
        annotations: Vec<Annotation>,
    },
    /// What somebody said is deleted, of which some may not be shown. What comes later comes as deleted.
    Deleted {
        /// Who deleted it: only what they said themselves is meant.
        author: PeerId,
        /// Which messages, and what these were changed to.
        ids: Vec<MessageId>,
    },
    /// A message of ours that was shown and not sent yet has another id and another place in the order.
    Renumbered {
        /// Its id so far.
        before: MessageId,
        /// Its id from now on.
        id: MessageId,
        /// Its place from now on.
        order: Timestamp,
    },
    /// How far one of our messages got.
    Delivery {
        /// Which message.
        id: MessageId,
        /// See [`Delivery`].
        delivery: Delivery,
    },
    /// How a file of ours, or one that we fetch, stands now. Comes a few times a second at most, and once for each such file after
    /// [`Event::Recalled`]. A file that was never spoken of is one that is offered and not fetched.
    File {
        /// Which file, as it was offered.
        info: FileInfo,
        /// See [`FileProgress`].
        progress: FileProgress,
    },
    /// How we stand with a server.
    Server {
        /// Which server.
        server: ServerId,
        /// See [`ServerState`].
        state: ServerState,
    },
    /// Something the person should know and may have to act on.
    Alert {
        /// See [`Alert`].
        alert: Alert,
    },
    /// An invitation asked for with [`Node::invite`](crate::Node::invite) is ready, to be handed to one person by hand.
    Invitation {
        /// Text of letters, digits, `-` and `_`.
        text: String,
    },
    /// The answer to an invitation taken with [`Node::take_invitation`](crate::Node::take_invitation) is ready, to be handed back.
    InvitationAnswer {
        /// Text of letters, digits, `-` and `_`.
        text: String,
    },
    /// A backlog comes in: so many of so many entries are here. It is over when all are.
    CatchingUp {
        /// How many are here.
        have: u32,
        /// How many there are, as neighbors say.
        of: u32,
    },
    /// The founder gave the room a name.
    RoomNamed {
        /// The name.
        name: String,
    },
    /// What the room is about, by its founder; empty if nothing.
    Topic {
        /// In one line.
        topic: String,
    },
    /// The messages that everybody is to find, by the founder's word. They may come later, or never.
    Pinned {
        /// Which, in the founder's order.
        ids: Vec<MessageId>,
    },
    /// Others who are typing something to everyone, as far as signs of it came; nobody once it is empty.
    Typing {
        /// Who, those last of whom a sign came last.
        peers: Vec<PeerId>,
    },
    /// What is said in the room vanishes after so long from now on, by its founder's word.
    Vanishing {
        /// After how long.
        after: Vanish,
    },
    /// What is kept of the room here from now on, by the person's own wish. Comes also at the start, if it is not all.
    Retention {
        /// How much.
        keep: Retention,
    },
    /// Messages that are kept no longer, and not to be shown any more.
    Dropped {
        /// Which, in ascending order.
        ids: Vec<MessageId>,
    },
    /// The founder closed the room for everyone. [`Event::Left`] follows.
    RoomClosed,
    /// [`Node::leave`](crate::Node::leave) is done: everyone was told, everything is closed.
    Left,
}

/// The room's network as this node knows it: its own links, and what the others say of theirs. Made by
/// [`Node::network`](crate::Node::network).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Who is in the room and reachable, this node included, in the order of their ids.
    pub nodes: Vec<NetworkNode>,
    /// Who is linked to whom: each pair once, the lower index first.
    pub edges: Vec<NetworkEdge>,
    /// Our own links, the table behind the picture.
    pub links: Vec<NetworkLink>,
    /// How many people are known to be in the room, this node included, reachable or not: more than `nodes` while the
    /// network is split.
    pub size: u32,
}

/// Someone in the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkNode {
    /// Who.
    pub peer: PeerId,
    /// Their name.
    pub name: Option<String>,
    /// Whether they say that they are connected with a rendezvous server.
    pub on_server: bool,
}

/// Two who are linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkEdge {
    /// Index into [`Network::nodes`].
    pub one: u32,
    /// Index into [`Network::nodes`].
    pub other: u32,
}

/// A link of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkLink {
    /// To whom.
    pub peer: PeerId,
    /// Their name.
    pub name: Option<String>,
    /// How it reaches them, once known.
    pub kind: Option<LinkKind>,
    /// Round-trip time of the last ping.
    pub round_trip: Option<Duration>,
    /// Whether messages go over it first, or only if another way fails.
    pub eager: bool,
    /// For how long it has been open.
    pub age: Duration,
}

/// What a text taken with [`Node::take_invitation`](crate::Node::take_invitation) was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invitation {
    /// An invitation: its answer comes as [`Event::InvitationAnswer`], and has to be handed back.
    Invited,
    /// The answer to ours: the link is about to open.
    Answered,
}

/// An invitation, or the answer to one, that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvitationError {
    /// Not text made by Starling, or cut off. Copy all of it again.
    #[error("this is not a complete invitation")]
    Damaged,
    /// Made for another room, or by someone without this room's link.
    #[error("this invitation is for another room")]
    OtherRoom,
    /// An answer to an invitation that was not made here, was used already or has run out. Make a new one.
    #[error("the invitation for this answer has run out")]
    RunOut,
    /// It is our own.
    #[error("this invitation was made here")]
    Own,
    /// Made by a version we cannot talk to.
    #[error("this invitation was made by another version")]
    Version,
    /// We have as many links as we take.
    #[error("this node has as many links as it takes")]
    Full,
    /// By its [`TransportPolicy`](crate::io::TransportPolicy) this node is reached through a relay alone, and no server names one.
    #[error("this node is reached through a relay only, and there is none")]
    NoRelay,
    /// The node has left the room.
    #[error("this room was left")]
    Left,
}

/// A room that cannot be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CloseError {
    /// Only who made the room's link can close it for everyone; an open room has no founder.
    #[error("only the founder can close this room")]
    NotFounder,
    /// The node has left the room.
    #[error("this room was left")]
    Left,
}

/// How far a file has got that is fetched or was offered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileProgress {
    /// See [`FileState`].
    pub state: FileState,
    /// How many pieces are here and verified.
    pub pieces_have: u32,
    /// How many there are.
    pub pieces: u32,
    /// How many bytes are here and verified.
    pub bytes_have: u64,
    /// How many people are linked with us now who have some of it, or can fetch it for us.
    pub sources: u32,
    /// Who fetches it for us, if nobody who has it can be reached. That is slower.
    pub through: Option<PeerId>,
}

/// How a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// Not fetched, and nothing of it is here.
    Offered,
    /// On its way.
    Fetching,
    /// Wanted, and nobody is here, as far as is known, who has what is lacking. Goes on by itself.
    Waiting,
    /// Its person paused it. What is here stays, and others get it.
    Paused,
    /// All of it is here.
    Whole,
    /// The platform keeps no more pieces. What is here stays; [`Node::fetch_file`](crate::Node::fetch_file) tries again.
    NoRoom,
    /// What is here cannot be read now, and nobody gets it. It is tried again by itself.
    Unreadable,
}

/// How far an own message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Nobody was there yet; it is kept and goes out with the first link.
    Waiting,
    /// `delivered` of `of` people have it.
    Sent {
        /// How many acknowledged it.
        delivered: u32,
        /// How many it was meant for.
        of: u32,
    },
    /// It did not get through and is no longer tried.
    Failed,
}

/// How we stand with a rendezvous server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerState {
    /// Opening the socket, or waiting for the welcome.
    Connecting,
    /// Registered.
    Registered {
        /// How many peers the server knows in the room, us included.
        room_size: u32,
    },
    /// Not connected; the next attempt is at `retry_at`.
    Waiting {
        /// When.
        retry_at: Instant,
    },
    /// Not connected, and not needed now: another server of its network has us.
    Spare,
    /// Not connected, and not trying any more. The reason came as an [`Alert`].
    Stopped,
}

/// Something the person should know. Each is raised once until it has passed; tampering at the first, tenth, hundredth envelope and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// A known name is used by a new key: perhaps another device, perhaps an impostor.
    NameTaken {
        /// The name.
        name: String,
        /// Whom we knew by it.
        known: PeerId,
        /// Who uses it now.
        now: PeerId,
    },
    /// Our clock is wrong, by what most of our neighbors' say.
    ClockWrong {
        /// By how many milliseconds it is behind; negative if it is ahead.
        behind_millis: i64,
    },
    /// Link set-up messages that a server brought were altered, forged or replayed, and dropped: it is not to be trusted.
    Tampering {
        /// How many so far.
        dropped: u64,
    },
    /// A person signed two messages of which there can be but one: not everybody reads the same from them.
    Equivocated {
        /// Who.
        peer: PeerId,
    },
    /// A peer sent too much that is no valid message, and was disconnected.
    Misbehaving {
        /// Who.
        peer: PeerId,
    },
    /// A peer runs a version we cannot talk to.
    PeerVersion {
        /// Who.
        peer: PeerId,
        /// Theirs.
        theirs: u16,
    },
    /// The server does not serve our version.
    ServerVersion {
        /// The oldest version it serves.
        version_min: u16,
        /// The newest version it serves.
        version_max: u16,
    },
    /// Another tab or browser registered with our identity; this one stopped.
    Superseded,
    /// Another program is in the room with our identity, and goes on being there.
    TwoLives,
    /// Others have something of us that this node did not say: an older copy of what it keeps was put back, or somebody else has our key.
    SaidElsewhere,
    /// The server lets no more people into this room.
    RoomFull,
    /// The server takes no more connections now.
    ServerFull,
    /// The server refused our signature: it, or something in between, does not speak our protocol.
    HelloRefused,
    /// The browser makes no more connections in this page; a reload frees them.
    LinksExhausted,
}

/// A message that was not accepted. The text stays with the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SendError {
    /// Nothing but white space. Type something.
    #[error("there is nothing to send")]
    Empty,
    /// Over [`TEXT_BYTES_MAX`](shared::limits::TEXT_BYTES_MAX) bytes. Shorten or split it.
    #[error("the message has {bytes} bytes, the most is {max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The recipient is not in the room, as far as we know. Wait until they are here again.
    #[error("the recipient is not reachable now")]
    NotReachable,
    /// Too much is still waiting to be delivered. Wait for people to come, or for the network.
    #[error("too many messages are waiting already")]
    Full,
    /// Only a text that was said to everyone can be changed, by who said it.
    #[error("this cannot be changed")]
    NotOwn,
    /// No emoji, or too many of them.
    #[error("this is no reaction")]
    NoReaction,
    /// As many messages are to be found already as may be.
    #[error("too many messages are pinned already")]
    TooManyPins,
    /// Only its founder names a room.
    #[error("we did not found this room")]
    NotFounder,
    /// The node has left the room.
    #[error("this room was left")]
    Left,
}

/// A file that is not offered, or not fetched. The node keeps nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FileError {
    /// It is larger than [`FILE_BYTES_MAX`](crate::config::FILE_BYTES_MAX), has no name, or its name or media type is too long, or the hashes are
    /// not those of its pieces. See [`FileInfo::is_valid`].
    #[error("the file does not keep the limits")]
    Invalid,
    /// Its offer is false: there is no such file, or what is here of it shows that it has another length.
    #[error("the offer of the file is false")]
    False,
    /// As many files are fetched and offered as can be. Cancel another one.
    #[error("too many files are kept already")]
    TooMany,
    /// Too much was said within a short time. Wait a moment.
    #[error("too much was said at once")]
    Full,
    /// The node has left the room.
    #[error("this room was left")]
    Left,
}
