//! What a node keeps for its next visit, as keys and values. It is nobody's but the node's own: other programs of the machine read it, peers never.

use std::rc::Rc;

use minicbor::{Encode, bytes::ByteVec};
use shared::{FileId, MessageId, PeerId};
use wire_derive::Decode;

use super::{
    codec::{decode, encode},
    entry::RecordId,
    fields::skip,
    file::FileInfo,
    span::Feed,
};
use crate::io::{Change, Owner};

/// What something is kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Key {
    /// An entry, as it travels.
    #[n(0)]
    Entry {
        #[n(0)]
        feed: Feed,
        #[n(1)]
        seq: u64,
    },
    /// A [`StoredFeed`], if there is more to say of a feed than its entries do.
    #[n(1)]
    Feed {
        #[n(0)]
        feed: Feed,
    },
    /// The name that somebody used first.
    #[n(2)]
    Name {
        #[n(0)]
        peer: PeerId,
    },
    /// A [`StoredHead`].
    #[n(3)]
    Head,
    /// A [`Whisper`](super::whisper::Whisper), by us or to us.
    #[n(4)]
    Whisper {
        #[n(0)]
        author: PeerId,
        #[n(1)]
        id: MessageId,
    },
    /// A [`StoredFile`].
    #[n(5)]
    File {
        #[n(0)]
        root: FileId,
    },
    /// The hashes of a file's pieces, 32 bytes each.
    #[n(6)]
    Hashes {
        #[n(0)]
        root: FileId,
    },
    /// Which pieces of a file are stored, as a set of pieces is written.
    #[n(7)]
    Pieces {
        #[n(0)]
        root: FileId,
    },
    /// The [`Fate`] of a whisper of ours.
    #[n(8)]
    Fate {
        #[n(0)]
        id: MessageId,
    },
    /// What the founder last said about the room: the entry, as it travels.
    #[n(9)]
    Setting {
        /// Its kind.
        #[n(0)]
        kind: u32,
    },
    /// A [`Retention`](super::setting::Retention).
    #[n(10)]
    Retention,
}

impl Key {
    /// That nothing is to be kept by it any more.
    pub(crate) fn forget(self) -> Change {
        self.change(None)
    }

    /// That these bytes are to be kept by it.
    pub(crate) fn keep_bytes(self, bytes: &[u8]) -> Change {
        self.change(Some([bytes, &checksum(bytes)].concat().into()))
    }

    /// That this is to be kept by it.
    pub(crate) fn keep(self, value: &impl Encode<()>) -> Change {
        self.keep_bytes(&encode(value))
    }

    fn change(self, value: Option<Rc<[u8]>>) -> Change {
        let owner = match self {
            Self::Entry { .. } | Self::Feed { .. } | Self::Name { .. } | Self::Setting { .. } | Self::Retention => {
                Owner::Room
            }
            Self::Head
            | Self::Whisper { .. }
            | Self::Fate { .. }
            | Self::File { .. }
            | Self::Hashes { .. }
            | Self::Pieces { .. } => Owner::Me,
        };
        let key = encode(&self);
        Change { owner, key, value }
    }

    /// Whether something is kept by this key that concerns a file.
    pub(crate) fn is_of_file(bytes: &[u8]) -> bool {
        let mut peek = minicbor::Decoder::new(bytes);
        matches!((peek.array(), peek.u32()), (Ok(_), Ok(5..=7)))
    }

    /// Reads a key. `None` if it is of a later version, or damaged.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        // Each has one spelling, else one entry could be there twice.
        decode(bytes).ok().filter(|key| encode(key) == bytes)
    }
}

/// See [`Node::order_of`](crate::Node::order_of).
pub(crate) fn order_of(key: &[u8], value: &[u8]) -> Option<u64> {
    let mut key = minicbor::Decoder::new(key);
    if (key.array().ok()?, key.u32().ok()?) != (Some(2), 0) {
        return None;
    }
    let mut record = minicbor::Decoder::new(value);
    record.array().ok()?;
    skip(&mut record).ok()?;
    let mut entry = minicbor::Decoder::new(record.bytes().ok()?);
    entry.array().ok()?;
    for _ in ["feed", "seq", "prev"] {
        skip(&mut entry).ok()?;
    }
    entry.u64().ok()
}

/// What is known of a file that is fetched, kept or offered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct StoredFile {
    /// As it was offered.
    #[n(0)]
    pub(crate) info: FileInfo,
    /// What is wanted.
    #[n(1)]
    pub(crate) wish: Wish,
    /// Whether all pieces are stored; else they are those of [`Key::Pieces`].
    #[n(2)]
    pub(crate) whole: bool,
    /// By whose offer it is here: if they delete that, it goes.
    #[n(3)]
    pub(crate) by: Option<PeerId>,
}

/// What a person wants of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, minicbor::Decode)]
#[cbor(index_only)]
pub(crate) enum Wish {
    /// To have all of it.
    #[n(0)]
    Fetch,
    /// To have what there is, for now.
    #[n(1)]
    Pause,
    /// To have nothing of it, although it was here or on its way.
    #[n(2)]
    Drop,
}

/// What was kept, unless it is damaged: it would be passed on, and its bearer be taken for a forger.
pub(crate) fn intact(value: &[u8]) -> Option<&[u8]> {
    let (bytes, sum) = value.split_last_chunk()?;
    (*sum == checksum(bytes)).then_some(bytes)
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    let hash = blake3::hash(bytes);
    let (sum, _) = hash.as_bytes().split_first_chunk().expect("invariant: 32 bytes");
    *sum
}

/// What is known of a feed beyond its entries.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum StoredFeed {
    /// It goes on.
    #[n(0)]
    Open(#[n(0)] StoredSpan),
    /// Its author has forked it.
    #[n(1)]
    Forked {
        /// One of the two headers that prove it, as they travel.
        #[n(0)]
        one: ByteVec,
        /// The other.
        #[n(1)]
        other: ByteVec,
    },
}

/// Where a feed begins here, and where it had got to although entries are lacking.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct StoredSpan {
    /// Where the part without a gap begins.
    #[n(0)]
    pub(crate) first: u64,
    /// The first number that was lacking.
    #[n(1)]
    pub(crate) next: u64,
    /// Below it everything was evicted, or is not wanted.
    #[n(2)]
    pub(crate) evicted: u64,
    /// Below it something was skipped.
    #[n(3)]
    pub(crate) whole_from: u64,
    /// The id of the entry before `next`.
    #[n(4)]
    pub(crate) head: RecordId,
    /// The entry before `next` without its body, as it travels, if it is not among the entries.
    #[n(5)]
    pub(crate) header: Option<ByteVec>,
}

/// Where our own feed has got to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct StoredHead {
    /// Its number.
    #[n(0)]
    pub(crate) feed: u64,
    /// The next number in it.
    #[n(1)]
    pub(crate) next: u64,
    /// The id of the entry before that.
    #[n(2)]
    pub(crate) head: Option<RecordId>,
    /// What of it nobody is known to have.
    #[n(3)]
    pub(crate) unread: Vec<u64>,
}

/// What became of a whisper of ours. One of which nothing is kept was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Fate {
    /// Its recipient has it.
    #[n(0)]
    Delivered,
    /// It waits in the log.
    #[n(1)]
    Held {
        /// In which feed of ours.
        #[n(0)]
        feed: u64,
        /// Its number there.
        #[n(1)]
        seq: u64,
    },
    /// Nobody is going to have it.
    #[n(2)]
    Failed,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::RoomCode;

    use super::{super::entry::EntryBody, *};
    use crate::{
        context::test::identity,
        wire::{entry::Entry, record::Record, timestamp::Timestamp},
    };

    #[test]
    fn an_entry_is_ordered_by_a_glance_and_nothing_else_is() {
        let room = RoomCode::parse("lobby").unwrap().open();
        for (seq, prev) in [(0, None), (7, Some([9; 32].into()))] {
            let entry = Entry {
                feed: 3,
                seq,
                prev,
                order: Timestamp::from_unix_millis(1_234),
                unix_millis: 0,
                name: "Ann".into(),
                kind: Entry::CHAT,
                body: EntryBody::of("hi"),
            };
            let record = Record::sign(&identity(1), &room, entry);
            let feed = Feed {
                author: record.author,
                number: 3,
            };
            let kept = Key::Entry { feed, seq }.keep_bytes(&record.wire);
            let value = kept.value.unwrap();
            assert_eq!(order_of(&kept.key, &value), Some(record.content.order.as_u64()));
            assert_eq!(order_of(&Key::Feed { feed }.forget().key, &value), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_have_an_order_or_none(
            key in prop::collection::vec(any::<u8>(), 0..60),
            value in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let _ = order_of(&key, &value);
            let feed = Feed { author: PeerId::from_bytes([7; 32]), number: 3 };
            let _ = order_of(&Key::Entry { feed, seq: 1 }.forget().key, &value);
        }
    }

    #[test]
    fn a_changed_bit_is_noticed() {
        let change = Key::Head.keep_bytes(b"seven");
        let value = change.value.unwrap();
        assert_eq!(intact(&value), Some(b"seven".as_slice()));
        for bit in 0..value.len() * 8 {
            let mut damaged = value.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(intact(&damaged), None);
        }
        assert_eq!(intact(&value[..7]), None);
    }

    #[test]
    fn every_key_is_read_as_what_it_was_and_nothing_else_is_a_key() {
        let author = PeerId::from_bytes([7; 32]);
        let feed = Feed { author, number: 258 };
        let id = MessageId::from_bytes([9; MessageId::LEN]);
        let root = FileId::from_bytes([8; 32]);
        let keys = [
            Key::Entry { feed, seq: 3 },
            Key::Feed { feed },
            Key::Name { peer: author },
            Key::Head,
            Key::Whisper { author, id },
            Key::Fate { id },
            Key::File { root },
            Key::Hashes { root },
            Key::Pieces { root },
            Key::Setting { kind: 4 },
            Key::Retention,
        ];
        for key in keys {
            let bytes = key.forget().key;
            assert_eq!(Key::read(&bytes), Some(key));
            let is_of_file = matches!(key, Key::File { .. } | Key::Hashes { .. } | Key::Pieces { .. });
            assert_eq!(Key::is_of_file(&bytes), is_of_file, "{key:?}");
            assert!(bytes.len() <= crate::config::KEY_BYTES_MAX);
            assert_eq!(Key::read(&bytes[..bytes.len() - 1]), None, "{key:?}");
            assert_eq!(Key::read(&[bytes, vec![0]].concat()), None, "{key:?}");
        }
    }
}
