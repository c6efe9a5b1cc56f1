//! The database of one person: a `redb` file that keeps the contract of [`client::store`].
//!
//! Writes go through one queue to one thread. The thread takes all that waits, changes the database by one transaction, and answers once the
//! transaction is on the disk: so writes keep their order, and many of them wait for the disk once. Reads see what was answered, run
//! on threads for work that blocks, and never wait for writes.
//!
//! Both kinds of [`Durability`] are `redb`'s `Immediate`. Its other kind, `None`, is lost when the program is killed, and what is not stored must not
//! be acknowledged.
//!
//! Invariants: one process has a database open at a time, held by a lock of the system on the file. A write is there whole or not at all,
//! however the program ends. After an error of the disk the database is opened anew before it is used again, so that space that
//! was freed can be used.

mod disk;
mod failure;
mod tables;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use client::store::{Durability, IdentityRecord, Lease, Store, StoreError, StoredRecord, file_prefix, piece_key};
use mesh::io::{Change, Owner};
use redb::WriteTransaction;
use shared::{FileId, PeerId, RoomId};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};
use zeroize::Zeroizing;

pub use self::failure::OpenError;
use self::{disk::Disk, tables::Tables};
use crate::config::{WRITES_TOGETHER_MAX, WRITES_WAITING_MAX};

/// A certificate for DTLS with its key, as DER.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// X.509.
    pub certificate: Vec<u8>,
    /// PKCS #8.
    pub private_key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(a key)")
    }
}

/// An open database. Cheap to clone. Its methods have to be polled within a runtime of `tokio`.
#[derive(Clone)]
pub struct DiskStore {
    disk: Arc<Disk>,
    writes: mpsc::Sender<Box<dyn Job>>,
}

impl fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DiskStore({})", self.disk.path().display())
    }
}

impl DiskStore {
    /// Opens the database in `path`, or makes one that this user alone may read.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::start(Disk::open(path, disk::file)?)
    }

    fn start(disk: Disk) -> Result<Self, OpenError> {
        let disk = Arc::new(disk);
        let (writes, waiting) = mpsc::channel(WRITES_WAITING_MAX);
        let of_thread = Arc::clone(&disk);
        let thread = thread::Builder::new().name("store".to_owned());
        let started = thread.spawn(move || write_all(&of_thread, waiting));
        started.map_err(|source| OpenError::io(disk.path(), source))?;
        Ok(Self { disk, writes })
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.disk.path().to_owned()
    }

    /// Ends the database once all that waits is written. Whatever is asked for afterwards fails. A program that ends without this loses
    /// nothing, but has its database looked through at the next start.
    pub async fn close(&self) {
        let (sender, closed) = oneshot::channel();
        if self.writes.send(Box::new(Close(Some(sender)))).await.is_ok() {
            // Fails only if the thread is gone, and the database with it.
            let _ = closed.await;
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let disk = Arc::clone(&self.disk);
        let read = spawn_blocking(move || disk.read(work));
        read.await.unwrap_or(Err(StoreError::Stalled))
    }

    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tables<'_>) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Write {
            work: Some(work),
            result: None,
            reply: Some(reply),
        };
        let sent = self.writes.send(Box::new(job)).await;
        sent.map_err(|_| StoreError::Stalled)?;
        answer.await.unwrap_or(Err(StoreError::Stalled))
    }
}

impl DiskStore {
    /// Forgets the identity of a slot: it is kept elsewhere.
    ///
    /// # Errors
    /// [`StoreError`] if it is not forgotten.
    pub async fn forget_identity(&self, slot: u32) -> Result<(), StoreError> {
        self.change(move |tables| tables.forget_identity(slot)).await
    }
}

impl Store for DiskStore {
    type Certificate = Certificate;

    async fn identity(&self, slot: u32) -> Result<Option<IdentityRecord<Certificate>>, StoreError> {
        self.read(move |transaction| tables::identity(transaction, slot)).await
    }

    async fn save_identity(&self, slot: u32, record: &IdentityRecord<Certificate>) -> Result<(), StoreError> {
        let record = record.clone();
        self.change(move |tables| tables.save_identity(slot, &record)).await
    }

    async fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool, StoreError> {
        let lease = lease.clone();
        self.change(move |tables| tables.take_lease(slot, &lease, now_unix_millis))
            .await
    }

    async fn records(&self, room: &RoomId, me: &PeerId) -> Result<Vec<StoredRecord>, StoreError> {
        let (room, me) = (*room, *me);
        self.read(move |transaction| tables::records(transaction, &room, &me))
            .await
    }

    async fn write(&self, room: &RoomId, me: &PeerId, changes: &[Change], _: Durability) -> Result<(), StoreError> {
        let key = |Change { owner, key, .. }: &Change| match owner {
            Owner::Room => tables::record_key(room, None, key),
            Owner::Me => tables::record_key(room, Some(me), key),
        };
        // Values are shared within a thread, and cannot go to another one.
        let changes = changes
            .iter()
            .map(|change| (key(change), change.value.as_deref().map(<[u8]>::to_vec)));
        let changes: Vec<_> = changes.collect();
        self.change(move |tables| tables.write(&changes)).await
    }

    async fn read_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = piece_key(room, me, piece);
        self.read(move |transaction| tables::piece(transaction, &key)).await
    }

    async fn write_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let (key, bytes) = (piece_key(room, me, piece), bytes.to_vec());
        self.change(move |tables| tables.write_piece(&key, &bytes)).await
    }

    async fn forget_file(&self, room: &RoomId, me: &PeerId, file: FileId) -> Result<(), StoreError> {
        let of_file = file_prefix(room, me, file);
        self.change(move |tables| tables.forget_pieces(&of_file)).await
    }

    async fn forget(&self, room: &RoomId) -> Result<(), StoreError> {
        let room = *room;
        self.change(move |tables| tables.forget_room(&room)).await
    }

    async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, StoreError> {
        self.read(tables::closed).await
    }

    async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), StoreError> {
        let (room, statement) = (*room, statement.to_vec());
        self.change(move |tables| tables.save_closed(&room, &statement)).await
    }
}

/// Something for the thread that writes.
trait Job: Send {
    /// Does its part of a transaction.
    fn run(&mut self, tables: &Tables<'_>) -> Result<(), redb::Error>;

    /// Tells whoever asked, once the transaction is on the disk or has failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);

    /// Whether nothing is to be written after this.
    fn is_last(&self) -> bool {
        false
    }
}

struct Write<F, T> {
    work: Option<F>,
    result: Option<T>,
    reply: Option<oneshot::Sender<Result<T, StoreError>>>,
}

impl<F, T> Job for Write<F, T>
where
    F: FnOnce(&Tables<'_>) -> Result<T, redb::Error> + Send,
    T: Send,
{
    fn run(&mut self, tables: &Tables<'_>) -> Result<(), redb::Error> {
        if let Some(work) = self.work.take() {
            self.result = Some(work(tables)?);
        }
        Ok(())
    }

    fn answer(mut self: Box<Self>, committed: Result<(), StoreError>) {
        let result = committed.and_then(|()| self.result.take().ok_or(StoreError::Stalled));
        if let Some(reply) = self.reply.take() {
            // Whoever asked may not wait any more.
            let _ = reply.send(result);
        }
    }
}

struct Close(Option<oneshot::Sender<()>>);

impl Job for Close {
    fn run(&mut self, _: &Tables<'_>) -> Result<(), redb::Error> {
        Ok(())
    }

    fn answer(mut self: Box<Self>, _: Result<(), StoreError>) {
        if let Some(reply) = self.0.take() {
            let _ = reply.send(());
        }
    }

    fn is_last(&self) -> bool {
        true
    }
}

/// What the thread does, until the database is closed or nobody can ask for anything any more.
fn write_all(disk: &Disk, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut is_last = first.is_last();
        let mut jobs = vec![first];
        while !is_last && jobs.len() < WRITES_TOGETHER_MAX {
            let Ok(job) = waiting.try_recv() else { break };
            is_last = job.is_last();
            jobs.push(job);
        }
        let run = |transaction: &WriteTransaction| {
            let tables = Tables::open(transaction)?;
            jobs.iter_mut().try_for_each(|job| job.run(&tables))
        };
        let committed = disk.change(run);
        if is_last {
            disk.close();
        }
        for job in jobs {
            job.answer(committed.clone());
        }
        if is_last {
            return;
        }
    }
    disk.close();
}

#[cfg(test)]
mod tests;
