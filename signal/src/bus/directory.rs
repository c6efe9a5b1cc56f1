//! What a node tells the directory, and what the directory answers.
//!
//! The directory knows, of each room: for each node that has peers of it the [`Share`], and at which node each peer is registered since when; and the
//! founder's closing. It is Redis, or a model of it in tests. What a node says replaces what it said before, so it may be said twice.

use std::time::{Duration, Instant};

use shared::{PeerId, RoomId};

use super::word::{NodeId, Share};

/// What has changed in one room at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The room.
    pub room: RoomId,
    /// What the node has of it now.
    pub share: Share,
    /// Whether the other nodes are to be told of the share.
    pub news: News,
    /// Peers that are registered now.
    pub joined: Vec<Joined>,
    /// Peers that are not registered any more.
    pub left: Vec<PeerId>,
    /// The founder has closed the room.
    pub closing: Option<String>,
}

/// Whether something has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Yes.
    Changed,
    /// No: this is to find out what the directory knows.
    Refreshed,
}

/// A peer that is registered at the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// The peer.
    pub peer: PeerId,
    /// Since when, by the node's clock.
    pub since: Instant,
    /// For how long. The directory counts back from its own clock, so that no other clock has to be right.
    pub age: Duration,
}

/// What the directory says of one room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The founder has closed the room.
    pub closing: Option<String>,
    /// How many peers of this node the directory has in the room.
    pub entries: u32,
    /// Peers of [`Change::joined`] that are registered elsewhere, and later.
    pub superseded: Vec<PeerId>,
    /// What the other nodes that live have of the room.
    pub others: Vec<(NodeId, Share)>,
}
