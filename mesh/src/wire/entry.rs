//! Entries of the room's log: a signed header, and a body beside it.
//!
//! The header of an entry names the header before it and the hash of the body. So headers make a chain that proves what its author said in
//! which order, also where bodies are not at hand.

use std::rc::Rc;

use minicbor::{Encode, bytes::ByteArray};
use shared::{Label, MessageId, PeerId, Room, Signature, limits::TEXT_BYTES_MAX};
use wire_derive::Decode;

use super::{
    codec::{DecodeError, decode, encode, valid_name, valid_topic},
    file::FileInfo,
    record::{Content, Record, Unchecked},
    relation::{Deletions, Pins, Reactions, Related},
    setting::Vanish,
    span::Feed,
    timestamp::Timestamp,
};
use crate::config::HEADER_BYTES_MAX;

/// The id of a record, as one record names another.
pub type RecordId = ByteArray<32>;

/// A numbered entry of an author's part of the log.
///
/// An author numbers entries from 0 within each of its *feeds*, and each names the one before it. An author that lost its memory begins
/// another feed, so no number is used for two entries; two with one number are a [`Fork`](super::fork::Fork).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    /// Which feed of the author.
    #[n(0)]
    pub feed: u64,
    /// Its number there.
    #[n(1)]
    pub seq: u64,
    /// The id of the one before it in the feed; the first has none.
    #[n(2)]
    pub prev: Option<RecordId>,
    /// Its place in the one order.
    #[n(3)]
    pub order: Timestamp,
    /// When it was said, in milliseconds since 1970 by the author's clock.
    #[n(4)]
    pub unix_millis: u64,
    /// The author's name at that time.
    #[n(5)]
    pub name: String,
    /// What [`Entry::body`] is: [`Entry::CHAT`], [`Entry::ROOM_NAME`], [`Entry::WHISPER`], [`Entry::FILE`], [`Entry::VANISH`], [`Entry::REPLY`], [`Entry::EDIT`], [`Entry::REACTIONS`], [`Entry::DELETION`], [`Entry::TOPIC`], [`Entry::PINS`], or something of a later version, which is kept and passed on all the
    /// same.
    #[n(6)]
    pub kind: u32,
    /// For the first two, text in UTF-8.
    #[n(7)]
    pub body: EntryBody,
}

/// What an entry carries: in the header stands what it is recognised by, the bytes travel beside.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EntryBody {
    #[n(0)]
    length: u32,
    /// BLAKE3.
    #[n(1)]
    hash: ByteArray<32>,
    #[cbor(skip)]
    bytes: Vec<u8>,
}

impl EntryBody {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self {
            length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            hash: hash_of(&bytes),
            bytes,
        }
    }
}

fn hash_of(bytes: &[u8]) -> ByteArray<32> {
    (*blake3::hash(bytes).as_bytes()).into()
}

impl Entry {
    /// The kind of a chat message.
    // No limit: a number on the wire.
    pub const CHAT: u32 = 0;

    /// The kind of a name that the founder gives the room.
    // No limit: a number on the wire.
    pub const ROOM_NAME: u32 = 1;

    /// The kind of a whisper that waits for its recipient: the body is what [`seal_whisper`](super::whisper::seal_whisper) gives.
    // No limit: a number on the wire.
    pub const WHISPER: u32 = 2;

    /// The kind of a file that is offered: the body is a [`FileInfo`].
    // No limit: a number on the wire.
    pub const FILE: u32 = 3;

    /// The kind of a founder's word after how long messages vanish: the body is a [`Vanish`].
    // No limit: a number on the wire.
    pub const VANISH: u32 = 4;

    /// The kind of a message in answer to another: the body names the other, and has the text.
    // No limit: a number on the wire.
    pub const REPLY: u32 = 5;

    /// The kind of another text for a message of the same author: the body names that, and has the text.
    // No limit: a number on the wire.
    pub const EDIT: u32 = 6;

    /// The kind of what somebody has for a message in emoji: the body names that, and has all of them.
    // No limit: a number on the wire.
    pub const REACTIONS: u32 = 7;

    /// The kind of an author's word that entries of theirs are deleted: the body names them.
    // No limit: a number on the wire.
    pub const DELETION: u32 = 8;

    /// The kind of what a room is about, by its founder: the body is text.
    // No limit: a number on the wire.
    pub const TOPIC: u32 = 9;

    /// The kind of a founder's word which messages everybody is to find: the body names them.
    // No limit: a number on the wire.
    pub const PINS: u32 = 10;

    /// The text, if this is a chat message.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text_of(Self::CHAT)
    }

    /// The room's name, if this is one. It counts if the author is the founder.
    #[must_use]
    pub fn room_name(&self) -> Option<&str> {
        self.text_of(Self::ROOM_NAME).filter(|name| valid_name(name))
    }

    /// What the room is about, if this says so; empty if nothing. It counts if the author is the founder.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.text_of(Self::TOPIC).filter(|topic| valid_topic(topic))
    }

    /// The messages that everybody is to find, if this names them. It counts if the author is the founder.
    pub(crate) fn pins(&self) -> Option<Pins> {
        self.body_of(Self::PINS).filter(Pins::is_valid)
    }

    /// After how long messages vanish, if this says so. It counts if the author is the founder.
    #[must_use]
    pub fn vanish(&self) -> Option<Vanish> {
        self.body_of(Self::VANISH)
    }

    /// The sealed whisper, if this is one.
    #[must_use]
    pub fn sealed(&self) -> Option<&[u8]> {
        (self.kind == Self::WHISPER && !self.body.bytes.is_empty()).then_some(&self.body.bytes)
    }

    /// What it says in answer to another message, if it does.
    pub(crate) fn reply(&self) -> Option<Related> {
        self.related(Self::REPLY)
    }

    /// What another message of its author says from now on, if it says that.
    pub(crate) fn edit(&self) -> Option<Related> {
        self.related(Self::EDIT)
    }

    fn related(&self, kind: u32) -> Option<Related> {
        let related: Related = self.body_of(kind)?;
        (!related.text.trim().is_empty()).then_some(related)
    }

    /// What its author has for a message in emoji, if it says that.
    pub(crate) fn reactions(&self) -> Option<Reactions> {
        self.body_of(Self::REACTIONS).filter(Reactions::is_valid)
    }

    /// Which entries of its author are deleted, if it says that.
    pub(crate) fn deletions(&self) -> Option<Deletions> {
        self.body_of(Self::DELETION).filter(Deletions::is_valid)
    }

    /// Whether it says something of messages, and is none itself.
    pub(crate) fn is_about(&self) -> bool {
        matches!(self.kind, Self::EDIT | Self::REACTIONS | Self::DELETION)
    }

    /// Whether there is a body that its author can delete.
    pub(crate) fn has_deletable_body(&self) -> bool {
        self.is_deletable() && !self.is_bare()
    }

    /// Whether it is a message that was deleted: nothing but its header is left.
    pub(crate) fn is_deleted_message(&self) -> bool {
        self.is_deleted() && self.kind != Self::EDIT
    }

    /// Whether its author has deleted it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.is_bare() && self.is_deletable()
    }

    /// The same body about the message that has another id now, if it is about one that has.
    pub(crate) fn body_about(&self, id_now: impl Fn(&MessageId) -> Option<MessageId>) -> EntryBody {
        let body = if let Some(related) = self.reply().or_else(|| self.edit()) {
            id_now(&related.to).map(|to| encode(&Related { to, ..related }))
        } else if let Some(Pins { ids }) = self.pins() {
            let ids = ids.iter().map(|id| id_now(id).unwrap_or(*id)).collect();
            Some(encode(&Pins { ids }))
        } else {
            let reactions = self.reactions();
            reactions.and_then(|reactions| {
                Some(encode(&Reactions {
                    to: id_now(&reactions.to)?,
                    ..reactions
                }))
            })
        };
        body.map_or_else(|| self.body.clone(), EntryBody::of)
    }

    fn body_of<T>(&self, kind: u32) -> Option<T>
    where
        T: for<'b> minicbor::Decode<'b, ()>,
    {
        (self.kind == kind).then(|| decode(&self.body.bytes).ok())?
    }

    /// Whether it is a whisper that waited in vain: nothing but its header is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.is_bare() && self.kind == Self::WHISPER
    }

    /// Whether the body was dropped.
    pub(crate) fn is_bare(&self) -> bool {
        self.body.bytes.is_empty() && self.body.length > 0
    }

    /// The file that is offered, if this is one, and one that can be.
    #[must_use]
    pub fn file(&self) -> Option<FileInfo> {
        self.body_of(Self::FILE).filter(FileInfo::is_valid)
    }

    /// Whether a person is shown this as a message to everyone.
    pub(crate) fn is_message(&self) -> bool {
        self.text().is_some() || self.file().is_some() || self.reply().is_some()
    }

    fn text_of(&self, kind: u32) -> Option<&str> {
        let text = std::str::from_utf8(&self.body.bytes).ok();
        text.filter(|_| self.kind == kind && !self.is_bare())
    }
}

impl Content for Entry {
    const LABEL: Label = Label::Entry;
    // No limit: it stands there.
    const BYTES_MAX: usize = HEADER_BYTES_MAX;
    // No limit: it stands there.
    const BODY_BYTES_MAX: usize = TEXT_BYTES_MAX;

    fn is_valid(&self) -> bool {
        valid_name(&self.name)
            && self.body.length as usize <= TEXT_BYTES_MAX
            && self.seq < u64::MAX
            && self.prev.is_some() == (self.seq > 0)
    }

    fn body(&self) -> Option<&[u8]> {
        Some(&self.body.bytes)
    }

    fn is_deletable(&self) -> bool {
        matches!(self.kind, Self::CHAT | Self::FILE | Self::REPLY | Self::EDIT) && self.body.length > 0
    }

    fn is_signed(&self, author: &PeerId, room: &Room) -> bool {
        self.deletions()
            .is_none_or(|deletions| deletions.is_signed(author, room))
    }

    fn take_body(&mut self, body: Option<&[u8]>) -> Result<(), DecodeError> {
        let body = body.filter(|body| body.len() == self.body.length as usize && hash_of(body) == self.body.hash);
        self.body.bytes = body.ok_or(DecodeError::Forged)?.to_vec();
        let is_blank = self.kind == Self::CHAT && self.text().is_none_or(|text| text.trim().is_empty());
        if is_blank {
            Err(DecodeError::OutOfBounds)
        } else {
            Ok(())
        }
    }
}

impl Record<Entry> {
    /// The same entry without its body.
    pub(crate) fn bare(&self) -> Rc<Self> {
        self.without_body(None)
    }

    /// The same entry with its author's word that it is deleted in the place of its body.
    pub(crate) fn deleted(&self, proof: Signature) -> Rc<Self> {
        self.without_body(Some(proof))
    }

    fn without_body(&self, proof: Option<Signature>) -> Rc<Self> {
        let unchecked = Unchecked::read(&self.wire).expect("invariant: a record can be read");
        let mut content = self.content.clone();
        content.body.bytes = Vec::new();
        Rc::new(Self {
            author: self.author,
            id: self.id,
            content,
            wire: unchecked.without_body(proof),
        })
    }

    /// Reads a whisper that waited in the log until its body was dropped, and checks its signature unless it was stored here.
    pub(crate) fn open_bare(wire: &[u8], room: Option<&Room>) -> Option<Rc<Self>> {
        let unchecked = Unchecked::read(wire).ok().filter(|record| !record.has_body())?;
        let content: Entry = match room {
            Some(room) => unchecked.check_content(room).ok()?,
            None => unchecked.peek().ok().filter(Entry::is_valid)?,
        };
        let (author, id, wire) = (unchecked.author, unchecked.id, wire.to_vec());
        (content.kind == Entry::WHISPER && content.is_bare()).then(|| {
            Rc::new(Self {
                author,
                id,
                content,
                wire,
            })
        })
    }
}

/// The header of an entry whose body is not at hand. Its signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Whose.
    pub feed: Feed,
    /// Its number there.
    pub seq: u64,
    /// The id of the entry.
    pub id: [u8; 32],
    /// The place of the entry in the one order.
    pub order: Timestamp,
    /// The entry as it travels, without its body.
    pub wire: Vec<u8>,
}

impl Header {
    /// Of an entry that was checked.
    #[must_use]
    pub fn of(entry: &Record<Entry>) -> Self {
        let unchecked = Unchecked::read(&entry.wire).expect("invariant: a record can be read");
        Self::new(&unchecked, &entry.content)
    }

    /// Reads a header that travels alone, and checks its signature and its bounds.
    ///
    /// # Errors
    /// [`DecodeError`] if anything is wrong with it.
    pub fn open(wire: &[u8], room: &Room) -> Result<Self, DecodeError> {
        let unchecked = Unchecked::read(wire)?;
        if unchecked.has_body() {
            return Err(DecodeError::OutOfBounds);
        }
        let entry: Entry = unchecked.check_content(room)?;
        Ok(Self::new(&unchecked, &entry))
    }

    fn new(unchecked: &Unchecked<'_>, entry: &Entry) -> Self {
        let (author, number) = (unchecked.author, entry.feed);
        Self {
            feed: Feed { author, number },
            seq: entry.seq,
            id: unchecked.id,
            order: entry.order,
            wire: unchecked.without_body(None),
        }
    }
}
