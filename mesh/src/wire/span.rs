//! Feeds, and the spans of them that a version vector is made of.

use minicbor::Encode;
use shared::PeerId;
use wire_derive::Decode;

use super::id::ShortId;

/// One numbering of an author's entries. An author that lost its memory begins another feed, so no number is used for two entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Feed {
    /// The author.
    #[n(0)]
    pub author: PeerId,
    /// Which of its feeds.
    #[n(1)]
    pub number: u64,
}

/// Up to where a node has its feeds: the same for the same, whatever it has evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct LogDigest(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

/// What a node has of one feed: the numbers from `first` to below `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Span {
    /// Whose.
    #[n(0)]
    pub feed: Feed,
    /// The first it still has.
    #[n(1)]
    pub first: u64,
    /// The first it lacks.
    #[n(2)]
    pub next: u64,
    /// In a vector, for the part of a feed that goes on: the entry before `next`, if there is or was one.
    #[n(3)]
    pub head: Option<ShortId>,
}
