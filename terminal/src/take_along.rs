//! An identity to another device and from there: [`shared::portable`] with files of this machine.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    str::from_utf8,
};

use client::store::StoreError;
use shared::{
    Identity, Portable,
    limits::PORTABLE_FILE_BYTES_MAX,
    portable::{PortableError, TooShort},
};
use thiserror::Error;
use tokio::task::yield_now;

use crate::{
    home::{Person, write_new},
    passphrase::{Passphrase, PassphraseError, Source},
    rtc::Certificate,
};

/// Whether an identity that is there may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Replace {
    Meant,
    NotMeant,
}

/// An identity that was not taken along.
#[derive(Debug, Error)]
pub enum TakeAlongError {
    /// See [`TooShort`].
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// See [`PortableError`].
    #[error(transparent)]
    Portable(#[from] PortableError),
    /// See [`PassphraseError`].
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// Nobody can be asked.
    #[error(
        "nobody can be asked for the passphrase of the file here. Name a file that has it with --file-passphrase-file"
    )]
    Nobody,
    /// The passphrase is no text.
    #[error("this passphrase is no text in UTF-8, and could be typed nowhere else: choose another one")]
    NoText,
    /// There is somebody already.
    #[error(
        "you are {who} here, and would be so no more. Export that identity first, then say --replace; or be somebody new, by --as NUMBER"
    )]
    Somebody {
        /// By fingerprint.
        who: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers, without which nothing can be kept secret")]
    Randomness,
    /// The store fails.
    #[error("the identity cannot be stored, and you are who you were")]
    Store(#[from] StoreError),
    /// The file cannot be used.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes who a person is to a file. Says what was done.
///
/// # Errors
/// [`TakeAlongError`], which says what to do; nothing was done.
pub async fn export(person: &Person, file: &Path, passphrase: Option<PathBuf>) -> Result<String, TakeAlongError> {
    let passphrase = Source::of(passphrase).ask_new()?;
    write(person, file, &passphrase).await?;
    let (who, file) = (fingerprint(person), file.display());
    Ok(format!(
        "{who} is in {file}. Whoever has this file and its passphrase is you, and the founder of your rooms. Be in a room by one device at a time."
    ))
}

/// Reads who is in a file.
///
/// # Errors
/// [`TakeAlongError`], which says what to do.
pub async fn open(file: &Path, passphrase: Option<PathBuf>) -> Result<Portable, TakeAlongError> {
    let source = Source::of(passphrase);
    if source == Source::Nobody {
        return Err(TakeAlongError::Nobody);
    }
    let sealed = read(file)?;
    let passphrase = source.ask("Passphrase of the file: ")?;
    Ok(Portable::open(&sealed, text(&passphrase)?, yield_now).await?)
}

/// Has a person be somebody else from now on; one that is not new only if that is meant. Says what was done.
///
/// # Errors
/// [`TakeAlongError`], which says what to do; the person is who they were.
pub async fn become_other(person: &mut Person, other: Portable, meant: Replace) -> Result<String, TakeAlongError> {
    if !person.is_new && meant == Replace::NotMeant {
        let who = fingerprint(person);
        return Err(TakeAlongError::Somebody { who });
    }
    let certificate = Certificate::generate().map(|made| made.to_stored());
    person.become_other(other, certificate).await?;
    Ok(format!("You are {} from now on.", fingerprint(person)))
}

async fn write(person: &Person, path: &Path, passphrase: &Passphrase) -> Result<(), TakeAlongError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| TakeAlongError::Randomness)?;
    let portable = Portable {
        secret: person.record.secret.clone(),
        name: person.record.name.clone(),
    };
    let sealed = portable.seal(text(passphrase)?, salt, yield_now).await?;
    write_new(path, sealed.as_bytes()).map_err(|source| TakeAlongError::File {
        path: path.to_owned(),
        source,
    })
}

fn read(path: &Path) -> Result<String, TakeAlongError> {
    let failed = |source| TakeAlongError::File {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(PORTABLE_FILE_BYTES_MAX.into())
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(String::from_utf8(bytes).map_err(|_| PortableError::NotOne)?)
}

fn text(passphrase: &Passphrase) -> Result<&str, TakeAlongError> {
    from_utf8(passphrase.as_bytes()).map_err(|_| TakeAlongError::NoText)
}

fn fingerprint(person: &Person) -> String {
    Identity::from_secret(&person.record.secret).peer_id().fingerprint()
}
