//! The whole boundary of a [`Node`](crate::Node) on one page: what goes in, what comes out.
//!
//! A driver feeds every [`Input`] as it happens, calls [`Node::handle_timeout`](crate::Node::handle_timeout) when the time of
//! [`Node::poll_timeout`](crate::Node::poll_timeout) has come, and after each such call drains
//! [`Node::poll_output`](crate::Node::poll_output) until it gives `None`. Nothing else passes the boundary: no clock, no
//! randomness, no callback.

use std::{fmt, time::Duration};

use shared::{MessageId, PeerId, signal};
use thiserror::Error;

pub use crate::hlc::Timestamp;

/// A point of monotonic time, in milliseconds since an arbitrary origin of the driver's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The point `millis` after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the origin.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}

/// The time as the driver knows it: a monotonic clock for everything that waits, the wall clock for what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Never runs back; a node clamps it if it does.
    pub instant: Instant,
    /// Milliseconds since 1970 as this machine believes, right or wrong.
    pub unix_millis: u64,
}

/// One of the rendezvous servers the driver was given, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u8);

/// One WebRTC connection of this node, present or past. Never used again for another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkId({})", self.0)
    }
}

/// What happened in the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A message from a rendezvous server. The first one after [`Output::ConnectServer`] is its challenge.
    Signal {
        /// Which server.
        server: ServerId,
        /// Its message.
        event: signal::Event,
    },
    /// The socket to a server closed or could not be opened.
    ServerDown {
        /// Which server.
        server: ServerId,
        /// The WebSocket close code; 1006 if there was no closing handshake.
        code: u16,
    },
    /// The description asked for by [`Output::Dial`], [`Output::Accept`] or [`Output::RestartIce`] is ready, with the candidates
    /// gathered so far.
    LocalDescription {
        /// Which link.
        link: LinkId,
        /// SDP (RFC 8866).
        sdp: String,
    },
    /// More ways to reach us were found (trickle ICE, RFC 8838).
    LocalCandidates {
        /// Which link.
        link: LinkId,
        /// In the order found.
        candidates: Vec<Candidate>,
    },
    /// The control lane is open.
    LinkOpen {
        /// Which link.
        link: LinkId,
    },
    /// ICE lost or regained its path. A link starts out neither.
    LinkPath {
        /// Which link.
        link: LinkId,
        /// See [`Path`].
        path: Path,
    },
    /// A link is over, for whatever reason the driver met: closed by the peer, failed, refused by the browser, too slow a
    /// reader. Not reported after [`Output::HangUp`].
    LinkClosed {
        /// Which link.
        link: LinkId,
        /// See [`LinkEnd`].
        end: LinkEnd,
    },
    /// A message arrived on a link's control lane.
    Packet {
        /// Which link.
        link: LinkId,
        /// As received; nothing about it is trusted.
        bytes: Vec<u8>,
    },
    /// How an open link reaches its peer, as ICE found out. To be shown only.
    LinkKind {
        /// Which link.
        link: LinkId,
        /// See [`LinkKind`].
        kind: LinkKind,
    },
    /// Another tab of this browser, on the same room, posted this with [`Output::Nearby`].
    Nearby {
        /// As received; nothing about it is trusted.
        bytes: Vec<u8>,
    },
    /// The machine says whether it has a network. A hint: it may be wrong both ways.
    Network {
        /// Whether it has one.
        online: bool,
    },
}

/// How a link reaches its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// Within one network or machine: both ends use addresses of their own (ICE type `host`).
    Local,
    /// Straight through the internet (ICE types `srflx` and `prflx`).
    Direct,
    /// Over a TURN server (ICE type `relay`).
    Relayed,
}

/// Whether ICE has a working path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Data flows.
    Connected,
    /// Nothing came through for a few seconds; it may recover by itself.
    Disconnected,
    /// Every candidate pair failed; only an ICE restart can help.
    Failed,
}

/// Why the driver gave up a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEnd {
    /// The peer closed its side.
    ClosedByPeer,
    /// The browser reported an error, or refused the peer's description.
    Failed,
    /// The peer did not take our data for too long; the queue reached its bound.
    SlowReader,
    /// The browser makes no more connections in this page; a reload frees them.
    Exhausted,
}

/// An ICE candidate as browsers exchange it.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct Candidate {
    /// The `candidate:` line (RFC 8839 §5.1), empty for end-of-candidates.
    #[n(0)]
    pub line: String,
    /// The media section it belongs to.
    #[n(1)]
    pub mid: Option<String>,
}

impl Candidate {
    /// That there are no more.
    #[must_use]
    pub const fn end() -> Self {
        Self {
            line: String::new(),
            mid: None,
        }
    }
}

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a WebSocket to this server, now. Answer with [`Input::Signal`] or [`Input::ServerDown`].
    ConnectServer {
        /// Which server.
        server: ServerId,
    },
    /// Close the WebSocket to this server. No [`Input::ServerDown`] follows.
    DisconnectServer {
        /// Which server.
        server: ServerId,
    },
    /// Send this to a server whose socket is open.
    Signal {
        /// Which server.
        server: ServerId,
        /// The message.
        request: signal::Request,
    },
    /// Make a connection and an offer for it. Answer with [`Input::LocalDescription`].
    Dial {
        /// The new link's id.
        link: LinkId,
        /// What to find a path with.
        ice_servers: Vec<signal::IceServer>,
    },
    /// Make a connection for a peer's offer, and an answer. Answer with [`Input::LocalDescription`]. On a link that exists
    /// already, this is the offer of an ICE restart.
    Accept {
        /// The link's id.
        link: LinkId,
        /// What to find a path with.
        ice_servers: Vec<signal::IceServer>,
        /// The offer.
        sdp: String,
    },
    /// Apply the peer's answer.
    RemoteAnswer {
        /// Which link.
        link: LinkId,
        /// The answer.
        sdp: String,
    },
    /// Apply more of the peer's candidates.
    RemoteCandidates {
        /// Which link.
        link: LinkId,
        /// In the peer's order.
        candidates: Vec<Candidate>,
    },
    /// Make a new offer with fresh ICE credentials. Answer with [`Input::LocalDescription`].
    RestartIce {
        /// Which link.
        link: LinkId,
    },
    /// Send a message on a link's control lane, in order, whole. At most
    /// [`PACKET_BYTES_MAX`](crate::fragment::PACKET_BYTES_MAX) bytes.
    Transmit {
        /// Which link.
        link: LinkId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Close a link once what was transmitted on it is sent. No [`Input::LinkClosed`] follows.
    HangUp {
        /// Which link.
        link: LinkId,
    },
    /// Post this to the other tabs of this browser that are in the same room, if there is a way (`BroadcastChannel`).
    Nearby {
        /// The message.
        bytes: Vec<u8>,
    },
    /// The founder closed this room: remember the statement and hand it to [`NodeConfig::closed`](crate::NodeConfig::closed) whenever the room
    /// is entered again.
    RememberClosed {
        /// The founder's signed statement.
        statement: Vec<u8>,
    },
    /// Remember that `peer` used `name` in this room, and give it back at the next start with
    /// [`Node::know_name`](crate::Node::know_name).
    RememberName {
        /// Who.
        peer: PeerId,
        /// The name.
        name: String,
    },
    /// Tell the person.
    Event(Event),
}

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
    /// How far one of our messages got.
    Delivery {
        /// Which message.
        id: MessageId,
        /// See [`Delivery`].
        delivery: Delivery,
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

/// Someone in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub peer: PeerId,
    /// Their chosen name; `None` until their first hello.
    pub name: Option<String>,
    /// How they stand with us.
    pub state: PersonState,
    /// Whether we have a link with them; if not, what we say reaches them through others.
    pub linked: bool,
    /// Round-trip time of the last ping, if linked.
    pub round_trip: Option<Duration>,
}

/// How a person stands with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonState {
    /// A link is being set up for the first time.
    Connecting,
    /// In the room and reachable, by a link of ours or through others.
    Here,
    /// The link is in trouble and being healed.
    Reconnecting,
    /// Cannot be reached any more. Retried quietly for a while.
    Gone,
    /// Said goodbye.
    Left,
}

/// A message as it is shown. Its text is a peer's: show it as text, never as markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its proven author.
    pub author: PeerId,
    /// The author's name when it was said.
    pub author_name: String,
    /// Whether the author is this node.
    pub own: bool,
    /// Whom it was whispered to; `None` if it was said to everyone.
    pub whisper_to: Option<PeerId>,
    /// Its place: everyone shows messages in ascending order of `(order, id)`, whenever they arrive.
    pub order: Timestamp,
    /// When it was said, in milliseconds since 1970 by the author's clock.
    pub unix_millis: u64,
    /// What was said.
    pub text: String,
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
    /// Not connected, and not trying any more. The reason came as an [`Alert`].
    Stopped,
}

/// Something the person should know. Each is raised once until it has passed.
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
    /// Link set-up messages that a server brought were altered, forged or replayed, and dropped: it is not to be trusted.
    Tampering {
        /// How many so far.
        dropped: u64,
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
    /// No path to a peer was found, several times: a firewall or NAT between us.
    NoPath {
        /// Who.
        peer: PeerId,
    },
    /// Another tab or browser registered with our identity; this one stopped.
    Superseded,
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
    /// The node has left the room.
    #[error("this room was left")]
    Left,
}
