//! The whole boundary of a [`Node`](crate::Node) on one page: what goes in, what comes out.
//!
//! A driver feeds every [`Input`] as it happens, calls [`Node::handle_timeout`](crate::Node::handle_timeout) when the time of
//! [`Node::poll_timeout`](crate::Node::poll_timeout) has come, and after each such call drains
//! [`Node::poll_output`](crate::Node::poll_output) until it gives `None`. Nothing else passes the boundary: no clock, no
//! randomness, no callback.

use std::{fmt, rc::Rc, time::Duration};

use shared::{FileId, signal};

use crate::model::Event;
pub use crate::wire::envelope::Candidate;

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
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl std::ops::Sub<Duration> for Instant {
    type Output = Self;

    /// The beginning of time, if that is nearer.
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The time as the driver knows it: a monotonic clock for everything that waits, the wall clock for what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Never runs back; a node clamps it if it does.
    pub instant: Instant,
    /// Milliseconds since 1970 as this machine believes, right or wrong.
    pub unix_millis: u64,
}

/// One of the rendezvous servers: those that the node was given, by position, then those that servers have named.
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
    /// The data channel is open.
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
    /// A message arrived on a link's data channel.
    Fragment {
        /// Which link.
        link: LinkId,
        /// As received; nothing about it is trusted.
        bytes: Rc<[u8]>,
    },
    /// The channel for files of an open link is open too. May come before [`Input::LinkOpen`]; a link works without it.
    FilesOpen {
        /// Which link.
        link: LinkId,
    },
    /// A message arrived on a link's channel for files.
    FileFragment {
        /// Which link.
        link: LinkId,
        /// As received; nothing about it is trusted.
        bytes: Rc<[u8]>,
    },
    /// Little waits to be sent on a link's channel for files: at most
    /// [`FILE_CHANNEL_LOW_BYTES`](crate::config::FILE_CHANNEL_LOW_BYTES). Due after each [`Output::TransmitFile`]: at once if so little waits then,
    /// else with the browser's event `bufferedamountlow`. One for several of them is enough, if it comes after the last. Given only while it is true.
    FileWritable {
        /// Which link.
        link: LinkId,
    },
    /// Answers [`Output::ReadPiece`].
    PieceRead {
        /// Of which file.
        root: FileId,
        /// Which piece.
        piece: u32,
        /// The piece. `None` if it is not there any more; then others are asked for it. [`Unreadable`] if it may be there, and could not be read now.
        bytes: Result<Option<Vec<u8>>, Unreadable>,
    },
    /// Answers [`Output::WritePiece`].
    PieceWritten {
        /// Of which file.
        root: FileId,
        /// Which piece.
        piece: u32,
        /// Whether it is kept. If not, there is no room for it.
        stored: bool,
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
    /// Of the changes of [`Output::Store`], the first so many since the start are on disk.
    Stored {
        /// How many, in all.
        changes: u64,
    },
    /// A change could not be stored. From now on nothing is, and nothing more is asked for.
    NotStored,
    /// The machine says whether it has a network. A hint: it may be wrong both ways.
    Network {
        /// Whether it has one.
        online: bool,
    },
}

/// A piece of a file may be here, and cannot be read now. The node tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// Whose something is that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The room's: every program of this machine that is in the room may read and write it.
    Room,
    /// This node's alone.
    Me,
}

/// Something to be kept for the next visit to this room, or to be kept no longer. What it says is the node's own business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose it is.
    pub owner: Owner,
    /// What it is kept by, of at most [`KEY_BYTES_MAX`](crate::config::KEY_BYTES_MAX) bytes. No two owners use the same.
    pub key: Vec<u8>,
    /// What is kept from now on; nothing to forget it.
    pub value: Option<Rc<[u8]>>,
}

/// How soon something is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// At once, and safe from a power cut: the node waits for it before it sends something.
    AtOnce,
    /// With what else comes within a moment.
    Soon,
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

/// Which of its candidates a node gathers and shows to peers (`RTCIceTransportPolicy`, W3C WebRTC section 4.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransportPolicy {
    /// All.
    #[default]
    All,
    /// Those of TURN servers alone: no peer learns where this node is. The driver has to gather no others.
    Relay,
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

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a WebSocket to this server, now. Answer with [`Input::Signal`] or [`Input::ServerDown`].
    ConnectServer {
        /// Which server.
        server: ServerId,
        /// The address of its socket. A server that was named by another may have another address the next time.
        address: String,
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
        /// What the server names now, in place of what the link was made with: logins run out.
        ice_servers: Vec<signal::IceServer>,
    },
    /// Send a message on a link's data channel, in order, whole. At most
    /// [`FRAGMENT_BYTES_MAX`](crate::config::FRAGMENT_BYTES_MAX) bytes.
    Transmit {
        /// Which link.
        link: LinkId,
        /// The message. What goes over several links is shared by them.
        bytes: Rc<[u8]>,
    },
    /// Send a message on a link's channel for files, in order, whole. At most
    /// [`FILE_FRAME_BYTES_MAX`](crate::config::FILE_FRAME_BYTES_MAX) bytes. Comes only after [`Input::FilesOpen`].
    TransmitFile {
        /// Which link.
        link: LinkId,
        /// The message.
        bytes: Rc<[u8]>,
    },
    /// Read a piece of a file that this node offered, or had written. Answer with [`Input::PieceRead`].
    ReadPiece {
        /// Of which file.
        root: FileId,
        /// Which piece.
        piece: u32,
    },
    /// Keep a piece of a file, for this visit and, if the node keeps anything, for later ones. It was verified. Answer with
    /// [`Input::PieceWritten`]. May come again for a piece that is there: then it takes its place.
    WritePiece {
        /// Of which file.
        root: FileId,
        /// Which piece.
        piece: u32,
        /// The piece: [`PIECE_BYTES`](crate::config::PIECE_BYTES) of them, the last one mostly fewer.
        bytes: Vec<u8>,
    },
    /// Keep nothing of a file any longer. Pieces of it that are being written are not to come back.
    ForgetFile {
        /// Which file.
        root: FileId,
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
    /// Keep this, in this order, and answer with [`Input::Stored`] or [`Input::NotStored`]. What is kept comes back at the next visit by
    /// [`Node::restore`](crate::Node::restore); without that call nothing is to be stored.
    Store {
        /// What.
        change: Change,
        /// How soon.
        priority: Priority,
    },
    /// Tell the person.
    Event(Event),
}
