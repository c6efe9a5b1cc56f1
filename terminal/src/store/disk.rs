//! The database file: opened, opened anew after an error, and never allowed to take the program down.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use client::store::StoreError;
use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction, backends::FileBackend,
};

use super::{
    failure::{self, OpenError},
    tables,
};
use crate::{config::DATABASE_CACHE_BYTES, home};

/// Opens what a database is in.
pub(super) type Opener<B> = fn(&Path) -> Result<B, OpenError>;

type Reopen = dyn Fn(&Path) -> Result<Database, OpenError> + Send + Sync;

/// A database and how to open it again.
pub(super) struct Disk {
    path: PathBuf,
    reopen: Box<Reopen>,
    /// Nothing after an error, until it is opened again, and after it was closed.
    database: RwLock<Slot>,
}

enum Slot {
    Open(Database),
    Failed,
    Closed,
}

/// A file that this user alone may read.
pub(super) fn file(path: &Path) -> Result<FileBackend, OpenError> {
    let file = home::private_file(path).map_err(|source| OpenError::io(path, source))?;
    FileBackend::new(file).map_err(|error| OpenError::of(path, error.into()))
}

impl Disk {
    pub(super) fn open<B: StorageBackend>(path: &Path, opener: Opener<B>) -> Result<Self, OpenError> {
        let reopen = move |path: &Path| open_database(path, opener(path)?);
        let database = reopen(path)?;
        Ok(Self {
            path: path.to_owned(),
            reopen: Box::new(reopen),
            database: RwLock::new(Slot::Open(database)),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.reopen_after_failure()?;
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Slot::Open(database) = &*database else {
            return Err(StoreError::Stalled);
        };
        let read = || work(&database.begin_read().map_err(failure::any)?);
        guarded(read).map_err(|error| failure::store_error(&error))
    }

    /// Changes the database, all of it or nothing, and waits for the disk.
    pub(super) fn change(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        self.reopen_after_failure()?;
        let changed = {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            let Slot::Open(database) = &*database else {
                return Err(StoreError::Stalled);
            };
            guarded(|| {
                // Two-phase commits are not needed: nobody can choose what is stored so well that checksums collide.
                let transaction = database.begin_write().map_err(failure::any)?;
                work(&transaction)?;
                transaction.commit().map_err(failure::any)
            })
        };
        changed.map_err(|error| {
            tracing::warn!(%error, path = %self.path.display(), "could not be stored");
            if failure::is_lasting(&error) {
                self.put(Slot::Failed);
            }
            failure::store_error(&error)
        })
    }

    pub(super) fn close(&self) {
        self.put(Slot::Closed);
    }

    fn reopen_after_failure(&self) -> Result<(), StoreError> {
        // Looked at first, for who reads does not wait for who writes.
        let has_failed = matches!(
            *self.database.read().unwrap_or_else(PoisonError::into_inner),
            Slot::Failed
        );
        if !has_failed {
            return Ok(());
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if let Slot::Failed = *database {
            *database = Slot::Open((self.reopen)(&self.path)?);
        }
        Ok(())
    }

    fn put(&self, slot: Slot) {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *database, slot);
        // A database writes a little when it goes, and may find that it cannot.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(before)));
    }
}

fn open_database(path: &Path, backend: impl StorageBackend) -> Result<Database, OpenError> {
    let opened = guarded(|| {
        let mut builder = Builder::new();
        builder.set_cache_size(DATABASE_CACHE_BYTES);
        let database = builder.create_with_backend(backend).map_err(failure::any)?;
        let is_known = tables::prepare(&database)?;
        Ok((database, is_known))
    });
    match opened {
        Ok((database, true)) => Ok(database),
        Ok((_, false)) => Err(OpenError::Newer { path: path.to_owned() }),
        Err(error) => Err(OpenError::of(path, error)),
    }
}

/// What `redb` finds in a damaged file can make it panic.
fn guarded<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(redb::Error::Corrupted("what is in it makes no sense".to_owned())))
}
