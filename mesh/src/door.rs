//! The one door between the two houses of a node: what the net tells the room, what the room tells the net, and what the net may look
//! up in the room. The node carries the words; the houses never call each other.

use std::time::Duration;

use chacha20::ChaCha20Rng;
use shared::{Closing, PeerId};

use crate::{io::LinkId, model::Obstacle, wire::frame::Digests};

/// How our link with someone stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// There is none.
    None,
    /// An attempt is under way.
    Connecting,
    /// Attempts go on, and this stands in the way.
    Blocked(Obstacle),
    /// It carries messages.
    Up,
    /// It is being healed.
    Trouble,
}

/// How a link was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing was heard on it for too long.
    Silence,
    /// The driver said so.
    Closed,
}

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Forwarding {
    /// Along learned next hops.
    Learned,
    /// To everyone.
    Flooded,
}

/// From the net to the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToRoom {
    /// Our link with someone stands differently.
    LinkState { peer: PeerId, state: LinkState },
    /// The peer said hello: the link carries what people say from now on.
    NeighborUp {
        link: LinkId,
        peer: PeerId,
        name: String,
        state: LinkState,
        digests: Digests,
        /// What time it is by the neighbor's clock.
        unix_millis: u64,
    },
    /// Whether the path of a neighbor's link is lost.
    NeighborTrouble { link: LinkId, in_trouble: bool },
    /// The link carries nothing any more, though it may not be closed yet.
    NeighborDown { link: LinkId },
    /// The link is closed.
    LinkClosed { link: LinkId },
    /// A neighbor told what it has.
    Digests { link: LinkId, digests: Digests },
    /// A neighbor's round-trip time has changed.
    RoundTrip { peer: PeerId, round_trip: Option<Duration> },
    /// A neighbor left the room.
    Left { peer: PeerId },
    /// A neighbor's link was lost: the others have to hear of it.
    Lost { peer: PeerId, loss: Loss },
    /// A sealed envelope is to be carried by the mesh.
    Route {
        to: PeerId,
        sealed: String,
        forwarding: Forwarding,
    },
    /// Whether we are registered with a server.
    Registered(bool),
    /// A server said what time it is by its clock.
    ServerClock { unix_millis: u64 },
    /// Another node speaks with our key from now on, a server says.
    Superseded,
    /// A server says that the founder has closed the room.
    Closed { statement: Closing },
}

/// Whether anybody we are linked with has what we lack of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sources {
    Some,
    None,
}

/// From the room, and from the files, to the net.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToNet {
    /// A neighbor sent what it should not.
    Violation { link: LinkId },
    /// More people than before may be linked with.
    LinksWanted,
    /// A neighbor handed us a sealed envelope that came through the mesh.
    Envelope { from: PeerId, sealed: String },
    /// Somebody has a file that we fetch: a link with them is wanted beyond those that the mesh wants.
    FileLink { peer: PeerId, sources: Sources },
    /// That link is wanted no longer.
    FileLinkOver { peer: PeerId },
    /// The founder closed the room: everything ends.
    Close { statement: Closing },
}

/// What the net looks up in the room: who is there to be linked with (HyParView's passive view).
pub(crate) trait PassiveView {
    /// How many are worth an attempt to link: who is here, and who was lately. This node is not included.
    fn present(&self) -> usize;

    /// Whether someone is among them.
    fn is_present(&self, peer: &PeerId) -> bool;

    /// Whether someone is here, over links that others name: packets get there.
    fn is_reached(&self, peer: &PeerId) -> bool;

    /// How many links someone says to have.
    fn links_of(&self, peer: &PeerId) -> usize;

    /// Up to `count` of them that are not linked, drawn at random.
    fn sample(&self, count: usize, rng: &mut ChaCha20Rng, eligible: &dyn Fn(&PeerId) -> bool) -> Vec<PeerId>;

    /// What this node has, for a neighbor to compare.
    fn digests(&self) -> Digests;
}

/// The room, as the net sees it.
pub(crate) type View<'a> = &'a dyn PassiveView;
