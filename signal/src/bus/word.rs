//! What the nodes of a network tell each other, as bytes.
//!
//! A word may get lost, come twice or late: each holds for itself, and none asks for an answer. The scripts of the directory write some of them, too
//! (`change.lua`), so the form is stated there again. Numbers are big-endian. A node drops bytes that are no word.

use shared::{PeerId, RoomId};

use crate::config::SHARE_SAMPLE_MAX;

/// One server of a network, for as long as it is connected to the directory without a break: after a break it has another id, and what was
/// said of the one before is void. Drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 16]);

/// What one node has of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Grows with each one of a node, so that an older one that comes late is known for what it is.
    pub sequence: u64,
    /// How many peers are registered there.
    pub peers: u32,
    /// From how many sites they come.
    pub sites: u32,
    /// Some of them, from as many sites as there are.
    pub sample: Vec<PeerId>,
}

/// One thing that a node tells another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A payload for a peer that is registered there.
    Relayed {
        /// The room of both.
        room: RoomId,
        /// The recipient.
        to: PeerId,
        /// The sender.
        from: PeerId,
        /// Stands for the site of the sender: a code of it under a key that only the sender's node has.
        site: u64,
        /// As sent.
        payload: String,
    },
    /// The answer to a payload that was not handed on.
    Undelivered {
        /// The room of both.
        room: RoomId,
        /// The sender of the payload, for whom this is.
        to: PeerId,
        /// The recipient of the payload.
        peer: PeerId,
        /// Why.
        cause: Cause,
    },
    /// What a node has of a room has changed.
    Shared {
        /// The room.
        room: RoomId,
        /// The node.
        node: NodeId,
        /// What it has.
        share: Share,
    },
    /// The peer is registered elsewhere, too: the node that gets this has the directory say which of the two is the newer one.
    Doubted {
        /// The room.
        room: RoomId,
        /// The peer.
        peer: PeerId,
    },
    /// The founder has closed the room.
    Closed {
        /// The room.
        room: RoomId,
        /// The founder's [`Closing`](shared::Closing), as text. Whoever gets it checks it.
        closing: String,
    },
}

/// Why a payload was not handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The peer is not registered at any node.
    NotHere,
    /// Too much waits for the peer, or on the way to it.
    Busy,
}

// No limit: the first byte of each word.
const RELAYED: u8 = 1;
// No limit: see above.
const UNDELIVERED: u8 = 2;
// No limit: see above.
const SHARED: u8 = 3;
// No limit: see above.
const DOUBTED: u8 = 4;
// No limit: see above.
const CLOSED: u8 = 5;

impl Share {
    /// As it stands in the directory.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + self.sample.len() * PeerId::LEN);
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.peers.to_be_bytes());
        bytes.extend(self.sites.to_be_bytes());
        for peer in &self.sample {
            bytes.extend(peer.as_bytes());
        }
        bytes
    }

    /// Reads what [`Share::to_bytes`] wrote.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let share = Self {
            sequence: u64::from_be_bytes(reader.array()?),
            peers: u32::from_be_bytes(reader.array()?),
            sites: u32::from_be_bytes(reader.array()?),
            sample: Vec::new(),
        };
        let (peers, []) = reader.0.as_chunks() else {
            return None;
        };
        let sample: Vec<PeerId> = peers.iter().copied().map(PeerId::from_bytes).collect();
        (sample.len() <= SHARE_SAMPLE_MAX).then_some(Self { sample, ..share })
    }
}

impl Word {
    /// As it travels.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Relayed {
                room,
                to,
                from,
                site,
                payload,
            } => [
                &[RELAYED][..],
                room.as_bytes(),
                to.as_bytes(),
                from.as_bytes(),
                &site.to_be_bytes(),
                payload.as_bytes(),
            ]
            .concat(),
            Self::Undelivered { room, to, peer, cause } => [
                &[UNDELIVERED][..],
                room.as_bytes(),
                to.as_bytes(),
                peer.as_bytes(),
                &[u8::from(*cause == Cause::Busy)],
            ]
            .concat(),
            Self::Shared { room, node, share } => [&[SHARED][..], room.as_bytes(), &node.0, &share.to_bytes()].concat(),
            Self::Doubted { room, peer } => [&[DOUBTED][..], room.as_bytes(), peer.as_bytes()].concat(),
            Self::Closed { room, closing } => [&[CLOSED][..], room.as_bytes(), closing.as_bytes()].concat(),
        }
    }

    /// Reads what [`Word::to_bytes`] wrote.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let [kind] = reader.array()?;
        let room = RoomId::from_bytes(reader.array()?);
        let word = match kind {
            RELAYED => Self::Relayed {
                room,
                to: reader.peer()?,
                from: reader.peer()?,
                site: u64::from_be_bytes(reader.array()?),
                payload: reader.text()?,
            },
            UNDELIVERED => Self::Undelivered {
                room,
                to: reader.peer()?,
                peer: reader.peer()?,
                cause: match reader.array()? {
                    [0] => Cause::NotHere,
                    [1] => Cause::Busy,
                    _ => return None,
                },
            },
            SHARED => Self::Shared {
                room,
                node: NodeId(reader.array()?),
                share: Share::from_bytes(reader.rest())?,
            },
            DOUBTED => Self::Doubted {
                room,
                peer: reader.peer()?,
            },
            CLOSED => Self::Closed {
                room,
                closing: reader.text()?,
            },
            _ => return None,
        };
        reader.0.is_empty().then_some(word)
    }

    /// The room and the peer at whose node it is to arrive, if it is for one peer.
    #[must_use]
    pub const fn recipient(&self) -> Option<(RoomId, PeerId)> {
        match self {
            Self::Relayed { room, to, .. } | Self::Undelivered { room, to, .. } => Some((*room, *to)),
            Self::Shared { .. } | Self::Doubted { .. } | Self::Closed { .. } => None,
        }
    }

    /// The bytes that it takes, about.
    pub(crate) const fn bytes(&self) -> usize {
        match self {
            Self::Relayed { payload, .. } => size_of::<Self>() + payload.len(),
            Self::Closed { closing, .. } => size_of::<Self>() + closing.len(),
            Self::Shared { share, .. } => size_of::<Self>() + share.sample.len() * PeerId::LEN,
            Self::Undelivered { .. } | Self::Doubted { .. } => size_of::<Self>(),
        }
    }
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn peer(&mut self) -> Option<PeerId> {
        self.array().map(PeerId::from_bytes)
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.rest().to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peer() -> impl Strategy<Value = PeerId> {
        any::<[u8; 32]>().prop_map(PeerId::from_bytes)
    }

    fn word() -> impl Strategy<Value = Word> {
        let room = any::<[u8; 32]>().prop_map(RoomId::from_bytes);
        let share = (
            any::<u64>(),
            any::<u32>(),
            any::<u32>(),
            prop::collection::vec(peer(), 0..=SHARE_SAMPLE_MAX),
        )
            .prop_map(|(sequence, peers, sites, sample)| Share {
                sequence,
                peers,
                sites,
                sample,
            });
        let cause = prop_oneof![Just(Cause::NotHere), Just(Cause::Busy)];
        (room, peer(), peer(), share, cause, any::<u64>(), any::<String>()).prop_flat_map(
            |(room, to, from, share, cause, site, text)| {
                let node = NodeId([site.to_le_bytes()[0]; 16]);
                prop::sample::select(vec![
                    Word::Relayed {
                        room,
                        to,
                        from,
                        site,
                        payload: text.clone(),
                    },
                    Word::Undelivered {
                        room,
                        to,
                        peer: from,
                        cause,
                    },
                    Word::Shared { room, node, share },
                    Word::Doubted { room, peer: to },
                    Word::Closed { room, closing: text },
                ])
            },
        )
    }

    proptest! {
        #[test]
        fn words_are_read_as_they_were_written_and_not_when_cut_short(word in word(), cut in 0..500_usize) {
            let bytes = word.to_bytes();
            prop_assert_eq!(Word::from_bytes(&bytes), Some(word.clone()));
            if let Some(short) = bytes.len().checked_sub(cut + 1) {
                prop_assert_ne!(Word::from_bytes(&bytes[..short]), Some(word));
            }
        }

        #[test]
        fn any_bytes_are_read_or_dropped(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(word) = Word::from_bytes(&bytes) {
                prop_assert_eq!(word.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn a_share_names_no_more_than_it_may() {
        let share = |count| Share {
            sequence: 1,
            peers: 100,
            sites: 100,
            sample: vec![PeerId::from_bytes([1; 32]); count],
        };
        assert!(Share::from_bytes(&share(SHARE_SAMPLE_MAX).to_bytes()).is_some());
        assert_eq!(Share::from_bytes(&share(SHARE_SAMPLE_MAX + 1).to_bytes()), None);
    }
}
