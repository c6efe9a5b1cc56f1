//! What travels on an open link, as it is written: no rules, only fields.
//!
//! Frames are not sealed again: a link is a DTLS connection whose certificate fingerprints were exchanged under the room
//! key and signed by both identities. So the holder of its other end is the named peer and knows the room. What passes through
//! others is a [record](super::record), signed by its author, and if it is for one peer alone also sealed to that peer.
//!
//! A frame borrows the records it carries: a record is copied neither to be sent nor to be recognised.

use minicbor::{Encode, bytes::ByteSlice};
use shared::{PeerId, Signature};
use wire_derive::Decode;

use super::{
    codec::{DecodeError, decode_frame, encode, encode_after},
    id::{ShortId, Tree},
    span::{LogDigest, Range, Span, Sums},
};

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Frame<'a> {
    /// The first frame on a link, from both sides.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// Asks for a pong.
    #[n(1)]
    Ping {
        /// To tell pongs apart.
        #[n(0)]
        nonce: u32,
        /// What the sender has.
        #[n(1)]
        digests: Digests,
    },
    /// Answers a ping.
    #[n(2)]
    Pong {
        /// The ping's.
        #[n(0)]
        nonce: u32,
        /// What the sender has.
        #[n(1)]
        digests: Digests,
    },
    /// The sender is about to close this link.
    #[n(3)]
    Goodbye {
        /// Why.
        #[n(0)]
        reason: GoodbyeReason,
        /// If the sender leaves: its neighbors, for each to link with the next in the circle.
        #[n(1)]
        neighbors: Vec<PeerId>,
    },
    /// The goodbye arrived, and everything before it.
    #[n(4)]
    GoodbyeAck {},
    /// Broadcast: an [`Entry`](super::entry::Entry).
    #[n(5)]
    Entry {
        /// How many links it has come over, this one included.
        #[n(0)]
        hops: u8,
        /// How many links beyond its tree it may still take.
        #[n(1)]
        fan_out: u16,
        /// On which tree it travels.
        #[n(2)]
        tree: Tree,
        /// The record.
        #[b(3)]
        wire: &'a ByteSlice,
    },
    /// Broadcast: a [`Beacon`](super::record::Beacon).
    #[n(6)]
    Beacon {
        /// How many links it has come over, this one included.
        #[n(0)]
        hops: u8,
        /// On which tree it travels.
        #[n(1)]
        tree: Tree,
        /// The record.
        #[b(2)]
        wire: &'a ByteSlice,
    },
    /// Broadcast: the sender has these (the paper's IHAVE).
    #[n(7)]
    IHave {
        /// Ids of records, by tree.
        #[n(0)]
        announced: Vec<Announced>,
    },
    /// Broadcast: send these, and more from now on.
    #[n(8)]
    Graft {
        /// Ids of records.
        #[n(0)]
        ids: Vec<ShortId>,
        /// On which tree.
        #[n(1)]
        tree: Tree,
    },
    /// Broadcast: send ids only, from now on.
    #[n(9)]
    Prune {
        /// On which tree.
        #[n(0)]
        tree: Tree,
    },
    /// Routing: a [`Packet`](super::record::Packet).
    #[n(10)]
    Packet {
        /// How many more links it may pass.
        #[n(0)]
        hops_left: u8,
        /// Whether it goes to everyone until it finds its recipient.
        #[n(1)]
        flooded: bool,
        /// The record.
        #[b(2)]
        wire: &'a ByteSlice,
    },
    /// The room is closed: a [`Closing`](shared::Closing).
    #[n(11)]
    Closing {
        /// The founder's statement.
        #[b(0)]
        wire: &'a ByteSlice,
    },
    /// Sync: the sender's version vector, or a part of it.
    #[n(12)]
    Have {
        /// What it has of each feed.
        #[n(0)]
        vector: Vec<Span>,
        /// Ranges of which that is all it has: it asks what the receiver has there, if that is more.
        #[n(1)]
        ranges: Option<Vec<Range>>,
    },
    /// Sync: send these.
    #[n(13)]
    Want {
        /// Numbers of feeds.
        #[n(0)]
        spans: Vec<Span>,
    },
    /// Sync: some of what was wanted.
    #[n(14)]
    Entries {
        /// Records.
        #[b(0)]
        wires: Vec<&'a ByteSlice>,
    },
    /// Sync: an author signed two entries of which there can be but one: a [`Fork`](super::fork::Fork).
    #[n(15)]
    Fork {
        /// The header of the one.
        #[b(0)]
        one: &'a ByteSlice,
        /// The header of the other.
        #[b(1)]
        other: &'a ByteSlice,
    },
    /// Presence: who is here, as far as the sender knows. Asks for the beacons of others.
    #[n(16)]
    People {
        /// Their ids, without the sender's.
        #[n(0)]
        ids: Vec<ShortId>,
    },
    /// Presence: beacons that were lacking.
    #[n(17)]
    Beacons {
        /// Records.
        #[b(0)]
        wires: Vec<&'a ByteSlice>,
    },
    /// What the founder last said about the room, wherever that stands in a log: an [`Entry`](super::entry::Entry).
    #[n(18)]
    Setting {
        /// The record.
        #[b(0)]
        wire: &'a ByteSlice,
    },
    /// Sync: what the sender has, range by range. Asks where the receiver has something else.
    #[n(19)]
    Compare {
        /// Of each range the sums of its parts.
        #[n(0)]
        ranges: Vec<Sums>,
    },
    /// Somebody is typing: a [`Typing`](super::typing::Typing).
    #[n(20)]
    Typing {
        /// On which tree it travels.
        #[n(0)]
        tree: Tree,
        /// The record.
        #[b(1)]
        wire: &'a ByteSlice,
    },
}

/// The number of the last frame known here.
// No limit: a number on the wire.
const FRAME_LAST: u32 = 20;

/// What a node has, in short: where they differ, there is something to be exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Digests {
    /// Of the log.
    #[n(0)]
    pub log: LogDigest,
    /// Of who is here: the same for the same people.
    #[n(1)]
    pub people: u64,
}

/// Records that travel on one tree.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Announced {
    /// The tree.
    #[n(0)]
    pub tree: Tree,
    /// Their ids.
    #[n(1)]
    pub ids: Vec<ShortId>,
}

/// Who is on the other end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// See [`PROTOCOL_VERSION`](shared::signal::PROTOCOL_VERSION).
    #[n(0)]
    pub version: u16,
    /// The person's name.
    #[n(1)]
    pub name: String,
    /// What the sender has.
    #[n(2)]
    pub digests: Digests,
    /// That the sender takes the link for the same as the recipient: see [`Binding`](super::binding::Binding).
    #[n(3)]
    pub proof: Signature,
    /// What time it is by the sender's clock, in milliseconds since 1970.
    #[n(4)]
    pub unix_millis: u64,
}

/// Why a link is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, minicbor::Decode)]
#[cbor(index_only)]
pub enum GoodbyeReason {
    /// The sender leaves the room.
    #[n(0)]
    Leaving,
    /// The sender got too many invalid frames from us.
    #[n(1)]
    Misbehaving,
    /// The sender does not speak our version.
    #[n(2)]
    Version,
    /// The two have a newer link.
    #[n(3)]
    Replaced,
    /// The sender needs the place for somebody who has no other way in.
    #[n(4)]
    Excess,
}

impl<'a> Frame<'a> {
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// The frame's bytes behind one more byte.
    pub(crate) fn encode_after(&self, first: u8) -> Vec<u8> {
        encode_after(&[first], self)
    }

    /// Reads a frame, all of `bytes` and nothing else.
    ///
    /// # Errors
    /// [`DecodeError::Unknown`] or [`DecodeError::Malformed`]. Signatures and seals are checked by whoever opens them.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        decode_frame(bytes, FRAME_LAST)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_of_the_future_is_unknown_and_one_with_a_tail_malformed() {
        assert_eq!(Frame::decode(&[0x82, 0x18, 99, 0x80]), Err(DecodeError::Unknown));
        let first_unknown = u8::try_from(FRAME_LAST).unwrap() + 1;
        assert_eq!(Frame::decode(&[0x82, first_unknown, 0x80]), Err(DecodeError::Unknown));
        let mut bytes = Frame::GoodbyeAck {}.encode();
        bytes.push(0);
        assert_eq!(Frame::decode(&bytes), Err(DecodeError::Malformed));
        assert_eq!(Frame::decode(&[]), Err(DecodeError::Malformed));
        assert_eq!(Frame::decode(&[0x82, 0x61, b'x', 0x80]), Err(DecodeError::Malformed));
        // A frame that is known, with too few fields.
        assert_eq!(Frame::decode(&[0x82, 1, 0x81, 7]), Err(DecodeError::Malformed));
        // A later version may add fields.
        let log = LogDigest([1; 16]);
        let digests = Digests { log, people: 2 };
        assert_eq!(
            Frame::decode(&[&[0x82, 1, 0x83, 7, 0x82, 0x50][..], &[1; 16], &[2, 0x61, b'x']].concat()),
            Ok(Frame::Ping { nonce: 7, digests })
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(frame) = Frame::decode(&bytes) {
                let encoded = frame.encode();
                prop_assert_eq!(Frame::decode(&encoded), Ok(frame));
            }
        }

        #[test]
        fn any_bytes_after_a_known_number_are_a_frame_or_refused(
            number in 0..=u8::try_from(FRAME_LAST).unwrap(),
            fields in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let bytes = [&[0x82, number][..], &fields].concat();
            match Frame::decode(&bytes) {
                Ok(frame) => {
                    let encoded = frame.encode();
                    prop_assert_eq!(Frame::decode(&encoded), Ok(frame));
                }
                Err(error) => prop_assert_eq!(error, DecodeError::Malformed),
            }
        }
    }
}
