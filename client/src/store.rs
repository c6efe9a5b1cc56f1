//! What outlives the program: its identities, what is kept of each room, and which rooms are closed.
//!
//! Every kind of store keeps one contract, `contract::store`: a database where the platform has one, and
//! [`MemoryStore`] where it lets the program store nothing.

mod memory;

use std::fmt;

use mesh::io::Change;
use shared::{FileId, PeerId, RoomId};
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::memory::MemoryStore;

/// Something could not be stored or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The platform lets the program store nothing: its settings, or a private window. Nothing is kept over a reload.
    #[error("nothing may be stored here")]
    Denied,
    /// The disk or the program's share of it is full. Free some space.
    #[error("there is no space left to store anything")]
    Full,
    /// The store takes nothing any more, and does not say why.
    #[error("the storage does not answer")]
    Stalled,
    /// Anything else the platform met, in its own words.
    #[error("the platform could not store or read: {0}")]
    Platform(String),
}

/// What an identity slot holds. `C` is the platform's certificate for DTLS.
#[derive(Clone)]
pub struct IdentityRecord<C> {
    /// See [`Identity::secret`](shared::Identity::secret).
    pub secret: Zeroizing<[u8; 32]>,
    /// Stored so that the fingerprint stays the same and no key is made at connect.
    pub certificate: Option<C>,
    /// The person's name, if one was chosen.
    pub name: Option<String>,
}

impl<C> fmt::Debug for IdentityRecord<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityRecord(a secret)")
    }
}

/// A claim on an identity slot that must be renewed, for platforms that have no locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The program's random name.
    pub owner: String,
    /// Until when it holds, in milliseconds since 1970.
    pub until_unix_millis: u64,
}

impl Lease {
    /// Whether this lease keeps the owner of another out.
    #[must_use]
    pub fn holds_against(&self, other: &Self, now_unix_millis: u64) -> bool {
        self.owner != other.owner && now_unix_millis < self.until_unix_millis
    }
}

/// Something that was kept of a room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredRecord {
    /// See [`Change::key`].
    pub key: Vec<u8>,
    /// See [`Change::value`].
    pub value: Vec<u8>,
}

/// When something counts as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Once the platform has taken it: it survives the program, not the power.
    Relaxed,
    /// Once it is on the disk.
    Strict,
}

/// How much this machine keeps for the program, and how much more there could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What is kept, of all rooms and of the program itself.
    pub used_bytes: u64,
    /// What more may be kept.
    pub left_bytes: u64,
}

/// What the keys of a file's pieces begin with, in stores that keep things by bytes.
#[must_use]
pub fn file_prefix(room: &RoomId, me: &PeerId, file: FileId) -> Vec<u8> {
    [room.as_bytes().as_slice(), me.as_bytes(), file.as_bytes()].concat()
}

/// The key of a piece, in stores that keep things by bytes: pieces of a file stand in their order.
#[must_use]
pub fn piece_key(room: &RoomId, me: &PeerId, (file, piece): (FileId, u32)) -> Vec<u8> {
    [file_prefix(room, me, file).as_slice(), &piece.to_be_bytes()].concat()
}

/// A store. Its methods take a moment, and what one has stored the next one reads.
pub trait Store {
    /// The platform's certificate for DTLS.
    type Certificate: Clone;

    /// The identity of a slot, if it has one.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    fn identity(
        &self,
        slot: u32,
    ) -> impl Future<Output = Result<Option<IdentityRecord<Self::Certificate>>, StoreError>>;

    /// Stores the identity of a slot.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    fn save_identity(
        &self,
        slot: u32,
        record: &IdentityRecord<Self::Certificate>,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Takes or renews a lease on a slot, unless another owner's lease holds at `now_unix_millis`. Says whether it was taken. Of two
    /// that ask at once, one at most gets it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read or stored.
    fn take_lease(
        &self,
        slot: u32,
        lease: &Lease,
        now_unix_millis: u64,
    ) -> impl Future<Output = Result<bool, StoreError>>;

    /// Everything that is kept of `room` for `me`: what belongs to the room, and what belongs to `me` alone. In no particular order.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    fn records(&self, room: &RoomId, me: &PeerId) -> impl Future<Output = Result<Vec<StoredRecord>, StoreError>>;

    /// Keeps or forgets what `me` in `room` wants kept, all of it or nothing, the last of two changes of one key.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    fn write(
        &self,
        room: &RoomId,
        me: &PeerId,
        changes: &[Change],
        durability: Durability,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// A piece of a file that `me` in `room` keeps; `None` if it is not kept. What comes may be something else where later pieces of the file are
    /// kept and this one is not: whoever reads it has to verify it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    fn read_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
    ) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>>;

    /// Keeps a piece of a file, in the place of what was kept of it. All but the last piece have
    /// [`PIECE_BYTES`](mesh::config::PIECE_BYTES).
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    fn write_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
        bytes: &[u8],
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Forgets all pieces of a file that `me` in `room` keeps, also those that are being written.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    fn forget_file(&self, room: &RoomId, me: &PeerId, file: FileId) -> impl Future<Output = Result<(), StoreError>>;

    /// Forgets everything that anybody keeps of `room`, files too, but not that the room is closed.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    fn forget(&self, room: &RoomId) -> impl Future<Output = Result<(), StoreError>>;

    /// The founders' statements that their rooms are closed, of every room where one is known.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    fn closed(&self) -> impl Future<Output = Result<Vec<(RoomId, Vec<u8>)>, StoreError>>;

    /// Remembers the founder's statement that `room` is closed.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    fn save_closed(&self, room: &RoomId, statement: &[u8]) -> impl Future<Output = Result<(), StoreError>>;
}
