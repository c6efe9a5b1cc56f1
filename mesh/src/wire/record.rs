//! What peers sign and others pass on: entries of the room's log, presence beacons, routed packets.
//!
//! A record travels as the author's id, the encoded content and a signature over the room's id and exactly these bytes, so whoever
//! passes it on can check it, and cannot change it. Every node checks before it stores, shows or forwards anything: a
//! forged or altered record dies at the first hop. A record is recognised by its *id*, the BLAKE3 hash of author and content; the
//! first eight bytes of it, its [short id](ShortId), are what peers announce to each other.
//!
//! The content of an [`Entry`](super::entry::Entry) is its header; the [body](super::entry::EntryBody) travels beside it, and the header names it by its hash. So a header proves what
//! its author signed without the body, and headers make a chain: each names the one before it.

#[cfg(feature = "sim")]
mod memo;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use minicbor::{
    Encode,
    bytes::{ByteSlice, ByteVec},
};
use shared::{Identity, Label, MessageId, PeerId, Room, Signature, limits::LINKS_MAX};
use wire_derive::Decode;

use super::{
    codec::{DecodeError, decode, encode, valid_name},
    id::ShortId,
    relation::is_deletion,
    signed::{sign, verify},
    span::LogDigest,
};
use crate::config::{
    ACKS_MAX, BEACON_BYTES_MAX, CONTENT_BYTES_MAX, DELETED_BYTES, LOST_MAX, RECORD_BYTES_MAX, SIGNED_BYTES,
};

/// What can be signed and passed on.
pub trait Content: Sized + Encode<()> + for<'b> minicbor::Decode<'b, ()> + 'static {
    /// What the signature is for.
    const LABEL: Label;

    /// Whether it is for one peer, and limited as such at the first hop.
    const IS_PACKET: bool = false;

    /// The most bytes of it.
    // No limit: it stands there.
    const BYTES_MAX: usize = CONTENT_BYTES_MAX;

    /// The most bytes that travel beside it.
    // No limit: it stands there.
    const BODY_BYTES_MAX: usize = 0;

    /// Whether everything in it is within bounds.
    fn is_valid(&self) -> bool;

    /// What travels beside it.
    fn body(&self) -> Option<&[u8]> {
        None
    }

    /// Takes what travels beside it.
    ///
    /// # Errors
    /// [`DecodeError`] if that is not what it names.
    fn take_body(&mut self, _body: Option<&[u8]>) -> Result<(), DecodeError> {
        Ok(())
    }

    /// Whether its author may delete what travels beside it.
    fn is_deletable(&self) -> bool {
        false
    }

    /// Whether the author signed what in it is signed by itself.
    fn is_signed(&self, _author: &PeerId, _room: &Room) -> bool {
        true
    }
}

/// A record as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Signed<'a> {
    #[n(0)]
    author: PeerId,
    #[b(1)]
    content: &'a ByteSlice,
    #[n(2)]
    signature: Signature,
    #[b(3)]
    body: Option<&'a ByteSlice>,
    /// In its place: that the author deleted it.
    #[n(4)]
    deletion: Option<Signature>,
}

/// A record whose signature and bounds were checked.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<T> {
    /// Who signed it.
    pub author: PeerId,
    /// Its id.
    pub id: [u8; 32],
    /// What it says.
    pub content: T,
    /// The record as it travels.
    pub wire: Vec<u8>,
}

impl<T: Content> Record<T> {
    /// Signs what `identity` has to say in `room`.
    #[must_use]
    pub fn sign(identity: &Identity, room: &Room, content: T) -> Rc<Self> {
        let bytes = encode(&content);
        let author = identity.peer_id();
        let signature = sign(identity, T::LABEL, room, &bytes);
        let id = id_of(&author, &bytes);
        let mut wire = encode(&Signed {
            author,
            content: bytes.as_slice().into(),
            signature,
            body: content.body().map(Into::into),
            deletion: None,
        });
        wire.shrink_to_fit();
        Rc::new(Self {
            author,
            id,
            content,
            wire,
        })
    }

    /// Reads a record and checks signature and bounds.
    ///
    /// # Errors
    /// [`DecodeError`] if anything is wrong with it.
    pub fn open(wire: &[u8], room: &Room) -> Result<Rc<Self>, DecodeError> {
        Unchecked::read(wire)?.check(room)
    }

    /// Reads a record whose signature was checked before.
    pub(crate) fn recall(wire: &[u8]) -> Result<Rc<Self>, DecodeError> {
        let unchecked = Unchecked::read(wire)?;
        let content: T = unchecked.peek()?;
        if !content.is_valid() {
            return Err(DecodeError::OutOfBounds);
        }
        unchecked.whole(content, None)
    }

    /// What peers announce it by.
    #[must_use]
    pub fn short(&self) -> ShortId {
        ShortId::of(&self.id)
    }

    /// What the app knows it by.
    #[must_use]
    pub fn message_id(&self) -> MessageId {
        message_id_of(&self.id)
    }
}

/// A record whose signature was not checked: enough to recognise it, if it came before.
#[derive(Debug, Clone, Copy)]
pub struct Unchecked<'a> {
    /// Who is said to have signed it.
    pub author: PeerId,
    /// Its id.
    pub id: [u8; 32],
    content: &'a [u8],
    signature: Signature,
    body: Option<&'a [u8]>,
    deletion: Option<Signature>,
    wire: &'a [u8],
}

impl<'a> Unchecked<'a> {
    /// Reads a record as it travels.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if it is none, [`DecodeError::OutOfBounds`] if it is too large.
    pub fn read(wire: &'a [u8]) -> Result<Self, DecodeError> {
        // Also what is not signed: unknown fields are passed on, and a frame made of them would be too large for the next link.
        if wire.len() > RECORD_BYTES_MAX {
            return Err(DecodeError::OutOfBounds);
        }
        let Signed {
            author,
            content,
            signature,
            body,
            deletion,
        } = decode(wire)?;
        // Unknown fields may be added by anybody who passes it on, and count for the author.
        let beside = body.map_or(0, |body| body.len()) + deletion.map_or(0, |_| DELETED_BYTES);
        if content.len() > CONTENT_BYTES_MAX || wire.len() > content.len() + beside + SIGNED_BYTES {
            return Err(DecodeError::OutOfBounds);
        }
        Ok(Self {
            author,
            id: id_of(&author, content),
            content,
            signature,
            body: body.map(|body| &**body),
            deletion,
            wire,
        })
    }

    /// What peers announce it by.
    #[must_use]
    pub fn short(&self) -> ShortId {
        ShortId::of(&self.id)
    }

    /// Checks signature and bounds.
    ///
    /// # Errors
    /// [`DecodeError`] if anything is wrong with it.
    pub fn check<T: Content>(&self, room: &Room) -> Result<Rc<Record<T>>, DecodeError> {
        #[cfg(feature = "sim")]
        return memo::check(self, room);
        #[cfg(not(feature = "sim"))]
        self.check_in_full(room)
    }

    /// Checks signature and bounds of the content, and leaves what travels beside it.
    ///
    /// # Errors
    /// [`DecodeError`] if anything is wrong with it.
    pub(super) fn check_content<T: Content>(&self, room: &Room) -> Result<T, DecodeError> {
        verify(&self.author, T::LABEL, room, self.content, &self.signature).map_err(|_| DecodeError::Forged)?;
        // Also of fields that are not known here: they are passed on all the same.
        let body_bytes = self.body.map_or(0, |body| body.len());
        if self.content.len() > T::BYTES_MAX || body_bytes > T::BODY_BYTES_MAX {
            return Err(DecodeError::OutOfBounds);
        }
        let content: T = decode(self.content)?;
        content.is_valid().then_some(content).ok_or(DecodeError::OutOfBounds)
    }

    /// The content, which nobody has checked.
    pub(super) fn peek<T: Content>(&self) -> Result<T, DecodeError> {
        decode(self.content)
    }

    /// Whether something travels beside the content.
    pub(super) fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// The record as it travels without what travels beside the content, or with its author's word that it is deleted in its place.
    pub(super) fn without_body(&self, deletion: Option<Signature>) -> Vec<u8> {
        encode(&Signed {
            author: self.author,
            content: self.content.into(),
            signature: self.signature,
            body: None,
            deletion,
        })
    }

    fn check_in_full<T: Content>(&self, room: &Room) -> Result<Rc<Record<T>>, DecodeError> {
        self.whole(self.check_content(room)?, Some(room))
    }

    /// The record of which this is the content. Without a room, what its author signed beside it is believed.
    fn whole<T: Content>(&self, mut content: T, room: Option<&Room>) -> Result<Rc<Record<T>>, DecodeError> {
        match &self.deletion {
            None => content.take_body(self.body)?,
            Some(_) if self.body.is_some() || !content.is_deletable() => return Err(DecodeError::OutOfBounds),
            Some(proof) => {
                let is_word = |room| is_deletion(proof, &message_id_of(&self.id), &self.author, room);
                room.is_none_or(is_word).then_some(()).ok_or(DecodeError::Forged)?;
            }
        }
        let is_signed = room.is_none_or(|room| content.is_signed(&self.author, room));
        is_signed.then_some(()).ok_or(DecodeError::Forged)?;
        Ok(Rc::new(Record {
            author: self.author,
            id: self.id,
            content,
            wire: self.wire.to_vec(),
        }))
    }
}

fn message_id_of(id: &[u8; 32]) -> MessageId {
    let mut bytes = [0; MessageId::LEN];
    bytes.copy_from_slice(&id[..MessageId::LEN]);
    MessageId::from_bytes(bytes)
}

fn id_of(author: &PeerId, content: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new()
        .update(author.as_bytes())
        .update(content)
        .finalize()
        .as_bytes()
}

/// A node's periodic sign of life, and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Beacon {
    /// Counts up: a beacon with a lower stamp, or the same, is old news.
    #[n(0)]
    pub stamp: u64,
    /// The person's name.
    #[n(1)]
    pub name: String,
    /// When the next one is due at the latest, in milliseconds.
    #[n(2)]
    pub interval_millis: u32,
    /// The peers it has links with.
    #[n(3)]
    pub neighbors: Vec<ShortId>,
    /// Whether it is registered with a rendezvous server.
    #[n(4)]
    pub on_server: bool,
    /// Of all it has of the log.
    #[n(5)]
    pub digest: LogDigest,
    /// How far it has the authors it heard last.
    #[n(6)]
    pub acks: Vec<Ack>,
    /// Neighbors whose link fell silent.
    #[n(7)]
    pub lost: Vec<Lost>,
    /// Whether it leaves with this.
    #[n(8)]
    pub leaving: bool,
    /// Whether it has skipped nothing of any feed. Otherwise its digest does not acknowledge anything.
    #[n(9)]
    pub whole: bool,
    /// What time it is by the person's clock, in milliseconds since 1970.
    #[n(10)]
    pub unix_millis: u64,
    /// Whether it keeps the room for others, as an archive. Absent, it does not.
    #[n(11)]
    pub archive: Option<bool>,
}

/// "I have, or had, everything of this author's feed from `first` to below `next`."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Ack {
    /// The author.
    #[n(0)]
    pub author: ShortId,
    /// Which of its feeds.
    #[n(1)]
    pub feed: u64,
    /// What is below was skipped.
    #[n(2)]
    pub first: u64,
    /// The first number it lacks.
    #[n(3)]
    pub next: u64,
}

/// "My link with this peer fell silent."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Lost {
    /// Who.
    #[n(0)]
    pub peer: ShortId,
    /// The stamp of the last beacon we have of it. A later one proves that it lives.
    #[n(1)]
    pub stamp: u64,
}

#[cfg(any(test, feature = "sim"))]
impl Beacon {
    /// What somebody says who is linked with nobody and has nothing to say, for tests to say more.
    pub(crate) fn plain(name: &str, stamp: u64) -> Self {
        Self {
            stamp,
            name: name.into(),
            interval_millis: 5_000,
            neighbors: Vec::new(),
            on_server: false,
            digest: LogDigest::default(),
            acks: Vec::new(),
            lost: Vec::new(),
            leaving: false,
            whole: true,
            unix_millis: 1_800_000_000_000,
            archive: None,
        }
    }
}

impl Content for Beacon {
    const LABEL: Label = Label::Beacon;
    // No limit: it stands there.
    const BYTES_MAX: usize = BEACON_BYTES_MAX;

    fn is_valid(&self) -> bool {
        valid_name(&self.name)
            && self.neighbors.len() <= LINKS_MAX
            && self.acks.len() <= ACKS_MAX
            && self.lost.len() <= LOST_MAX
    }
}

/// Something for one peer that is carried by others.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Packet {
    /// Whom it is for.
    #[n(0)]
    pub to: PeerId,
    /// Random, to tell every packet from every other.
    #[n(1)]
    pub nonce: u64,
    /// What it carries.
    #[n(2)]
    pub payload: Payload,
}

/// What a [`Packet`] carries.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Payload {
    /// Link set-up: a sealed [`Envelope`](super::envelope::Envelope).
    #[n(0)]
    Envelope {
        /// As for a rendezvous server.
        #[n(0)]
        sealed: String,
    },
    /// A whisper, sealed to the recipient. Wants a receipt.
    #[n(1)]
    Whisper {
        /// See [`seal_whisper`](super::whisper::seal_whisper).
        #[n(0)]
        sealed: ByteVec,
    },
    /// The whisper with this id arrived.
    #[n(2)]
    Receipt {
        /// The whisper's.
        #[n(0)]
        id: MessageId,
    },
}

impl Content for Packet {
    const LABEL: Label = Label::Packet;
    const IS_PACKET: bool = true;

    fn is_valid(&self) -> bool {
        true
    }
}
