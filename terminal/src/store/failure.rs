//! What can go wrong with a database, in words.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the errors of the database may become more"
)]

use std::{
    io,
    path::{Path, PathBuf},
};

use client::store::StoreError;
use thiserror::Error;

/// A database that cannot be opened. Each says what to do.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use by another instance of starling. End it first, or leave out --as, so that this one is somebody else", path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// It is no database any more.
    #[error("{} is damaged: {why}. Put back a copy of it if you have one. Or move it away: you then begin anew, as a new person without history", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A later version of this program made it.
    #[error("{} was made by a newer version of starling. Use that version", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("there is no space left for {}. Free some space, then try again", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The system does not allow it, or fails.
    #[error("{} cannot be opened", path.display())]
    Io {
        /// What could not be opened.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if is_full(&source) {
            Self::Full { path }
        } else {
            Self::Io { path, source }
        }
    }

    pub(super) fn damaged(path: &Path, why: impl ToString) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }

    pub(super) fn of(path: &Path, error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::InUse { path: path.to_owned() },
            redb::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => Self::damaged(path, source),
            redb::Error::Io(source) => Self::io(path, source),
            redb::Error::UpgradeRequired(_) => Self::Newer { path: path.to_owned() },
            other => Self::damaged(path, other),
        }
    }
}

/// What a failure while reading or writing means for whoever asked.
pub(super) fn store_error(error: &redb::Error) -> StoreError {
    match error {
        redb::Error::Io(source) if is_full(source) => StoreError::Full,
        redb::Error::Io(source)
            if matches!(
                source.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            StoreError::Denied
        }
        other => StoreError::Platform(other.to_string()),
    }
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Full { .. } => Self::Full,
            other => Self::Platform(other.to_string()),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};

    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Whether the database takes nothing more until it is opened anew.
pub(super) fn is_lasting(error: &redb::Error) -> bool {
    matches!(
        error,
        redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::Corrupted(_) | redb::Error::LockPoisoned(_)
    )
}

/// One error type for all that `redb` has.
pub(super) fn any(error: impl Into<redb::Error>) -> redb::Error {
    error.into()
}
