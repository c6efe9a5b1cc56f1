//! A store that waits while the disk is full.
//!
//! A node takes one failed write for the end of its store, and keeps nothing from then on: a person is told, and starts the program again. An archive has nobody
//! who does that. So a write that finds no room is tried until there is, and answered only then. Meanwhile the node hears, serves and hands on
//! as before, and acknowledges nothing. What waits has the bound of the queue in front ([`client::config::WAITING_BYTES_MAX`]); past it the room is no longer kept.
//!
//! Pieces of files do not wait: the file is fetched again later.

use std::{cell::Cell, rc::Rc};

use client::store::{Durability, IdentityRecord, Lease, Store, StoreError, StoredRecord};
use mesh::io::Change;
use shared::{FileId, PeerId, RoomId};
use tokio::{sync::Notify, time::sleep};

use crate::config::ARCHIVE_DISK_AGAIN;

/// Whether the disk is full, as far as writes of any room show.
#[derive(Debug, Default)]
pub(super) struct Disk(Cell<bool>);

impl Disk {
    pub(super) fn is_full(&self) -> bool {
        self.0.get()
    }
}

/// See the [module documentation](self).
#[derive(Debug, Clone)]
pub(super) struct Patient<S> {
    store: S,
    disk: Rc<Disk>,
    changed: Rc<Notify>,
}

impl<S> Patient<S> {
    /// Says by `disk` whether it waits, and that this has changed by `changed`.
    pub(super) fn new(store: S, disk: Rc<Disk>, changed: Rc<Notify>) -> Self {
        Self { store, disk, changed }
    }

    fn note_full(&self, is_full: bool) {
        if self.disk.0.replace(is_full) != is_full {
            self.changed.notify_one();
        }
    }
}

impl<S: Store> Store for Patient<S> {
    type Certificate = S::Certificate;

    async fn identity(&self, slot: u32) -> Result<Option<IdentityRecord<S::Certificate>>, StoreError> {
        self.store.identity(slot).await
    }

    async fn save_identity(&self, slot: u32, record: &IdentityRecord<S::Certificate>) -> Result<(), StoreError> {
        self.store.save_identity(slot, record).await
    }

    async fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool, StoreError> {
        self.store.take_lease(slot, lease, now_unix_millis).await
    }

    async fn records(&self, room: &RoomId, me: &PeerId) -> Result<Vec<StoredRecord>, StoreError> {
        self.store.records(room, me).await
    }

    async fn write(
        &self,
        room: &RoomId,
        me: &PeerId,
        changes: &[Change],
        durability: Durability,
    ) -> Result<(), StoreError> {
        loop {
            let written = self.store.write(room, me, changes, durability).await;
            let is_full = written == Err(StoreError::Full);
            if is_full || written.is_ok() {
                self.note_full(is_full);
            }
            if !is_full {
                return written;
            }
            sleep(ARCHIVE_DISK_AGAIN).await;
        }
    }

    async fn read_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.read_piece(room, me, piece).await
    }

    async fn write_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.store.write_piece(room, me, piece, bytes).await
    }

    async fn forget_file(&self, room: &RoomId, me: &PeerId, file: FileId) -> Result<(), StoreError> {
        self.store.forget_file(room, me, file).await
    }

    async fn forget(&self, room: &RoomId) -> Result<(), StoreError> {
        self.store.forget(room).await
    }

    async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, StoreError> {
        self.store.closed().await
    }

    async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), StoreError> {
        self.store.save_closed(room, statement).await
    }
}
