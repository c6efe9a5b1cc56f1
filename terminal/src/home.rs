//! The folder in which this program keeps things, and which person an instance is.
//!
//! Several instances on one machine are several people. Each person has a numbered slot, which is a folder of its own, for a database belongs to one
//! process: `0/lock`, `0/store.redb`, `0/http-token`. An instance takes the first slot whose lock is free, and holds the lock of the system for as
//! long as it runs, however it ends. So whoever starts alone is always the same person.
//!
//! Nobody but the user of this machine may read any of it. An identity that has a passphrase is in `0/identity.sealed` instead of the database.

mod sealed;

use std::{
    cell::RefCell,
    env,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use client::{
    slot::{self, Host, Lock, Remembered},
    store::{IdentityRecord, Store as _, StoreError},
    validate,
};
use shared::Portable;
use thiserror::Error;

use crate::{
    config::{PASSPHRASE_TRIES, PEOPLE_MAX},
    passphrase::{Passphrase, PassphraseError, Source},
    store::{Certificate, DiskStore, OpenError},
};

use self::sealed::Seal;
pub use self::sealed::SealError;

/// Where an identity is that has a passphrase.
const SEALED: &str = "identity.sealed";

/// Why nobody can be taken from the folder.
#[derive(Debug, Error)]
pub enum HomeError {
    /// The system names no place for it.
    #[error("there is no place to keep things: neither XDG_DATA_HOME nor HOME is set. Name a folder with --data-dir")]
    NoPlace,
    /// The system does not allow it, or fails.
    #[error("{} cannot be used. Name another folder with --data-dir", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The slot that was asked for is taken.
    #[error("person {slot} is in use by another instance of starling. End it first, or choose another number")]
    InUse {
        /// Which.
        slot: u32,
    },
    /// There is no such slot.
    #[error("there are people 0 to {} only", PEOPLE_MAX - 1)]
    NoSuchSlot,
    /// Every slot is taken.
    #[error("{PEOPLE_MAX} instances of starling run already. End one of them first")]
    AllInUse,
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The identity cannot be read or made.
    #[error("the identity cannot be read or stored")]
    Identity(#[from] StoreError),
    /// The identity is under a passphrase, which is lacking or wrong.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// See [`PassphraseError`].
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers, without which nothing can be kept secret")]
    Randomness,
}

/// The folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

/// A person of this machine, held until this is dropped.
#[derive(Debug)]
pub struct Person {
    /// Its number.
    pub slot: u32,
    /// Where its things are.
    pub folder: PathBuf,
    /// Its database.
    pub store: DiskStore,
    /// Its identity.
    pub record: IdentityRecord<Certificate>,
    /// Whether it was made just now: nobody knows it.
    pub is_new: bool,
    /// What the identity is under.
    seal: Option<Seal>,
    _lock: File,
}

impl Person {
    /// Keeps the person's name.
    ///
    /// # Errors
    /// [`StoreError`]; the name holds for now.
    pub async fn save_name(&mut self, name: &str) -> Result<(), StoreError> {
        if self.record.name.as_deref() != Some(name) {
            self.record.name = Some(name.to_owned());
            self.save().await?;
        }
        Ok(())
    }

    /// Is somebody else from now on, under the same passphrase if there is one. `certificate`: a new one, for people know each other's.
    ///
    /// # Errors
    /// [`StoreError`]; then the person is who they were, at the next start.
    pub async fn become_other(&mut self, other: Portable, certificate: Option<Certificate>) -> Result<(), StoreError> {
        let Portable { secret, name } = other;
        // A file may hold any text.
        let name = name.and_then(|name| validate::name(&name).ok());
        self.record = IdentityRecord {
            secret,
            certificate,
            name,
        };
        self.save().await
    }

    async fn save(&self) -> Result<(), StoreError> {
        match &self.seal {
            Some(seal) => {
                let written = seal.write(&self.sealed(), &self.record);
                written.map_err(|error| StoreError::Platform(error.to_string()))
            }
            None => self.store.save_identity(self.slot, &self.record).await,
        }
    }

    /// Puts the identity under a passphrase, in the place of the one before, if there was one.
    ///
    /// # Errors
    /// [`HomeError`]; then all is as before.
    pub async fn set_passphrase(&mut self, passphrase: &Passphrase) -> Result<(), HomeError> {
        let seal = Seal::new(passphrase)?;
        seal.write(&self.sealed(), &self.record)?;
        self.seal = Some(seal);
        // Last: what is in the file counts, also if this is not reached. The next start does it then.
        Ok(self.store.forget_identity(self.slot).await?)
    }

    /// Keeps the identity without a passphrase from now on.
    ///
    /// # Errors
    /// [`HomeError`]; then all is as before.
    pub async fn remove_passphrase(&mut self) -> Result<(), HomeError> {
        let path = self.sealed();
        self.store.save_identity(self.slot, &self.record).await?;
        remove_if_there(&path).map_err(|source| HomeError::Io { path, source })?;
        self.seal = None;
        Ok(())
    }

    fn sealed(&self) -> PathBuf {
        self.folder.join(SEALED)
    }
}

impl Home {
    /// The folder that was asked for, or else the usual one of the XDG base directory specification.
    ///
    /// # Errors
    /// [`HomeError::NoPlace`].
    pub fn find(asked: Option<PathBuf>) -> Result<Self, HomeError> {
        let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let usual = || {
            let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
            Some(data.join("starling"))
        };
        asked.or_else(usual).map(Self).ok_or(HomeError::NoPlace)
    }

    /// Takes the person of a slot, or of the first free one, and makes it if there is none. `new_certificate` makes a certificate that lasts.
    ///
    /// # Errors
    /// [`HomeError`], which says what to do.
    pub async fn claim(
        &self,
        slot: Option<u32>,
        new_certificate: impl FnOnce() -> Option<Certificate>,
    ) -> Result<Person, HomeError> {
        self.claim_with(slot, &Source::Nobody, new_certificate).await
    }

    /// As [`Home::claim`]. Where the identity is under a passphrase, `source` is asked for it.
    ///
    /// # Errors
    /// [`HomeError`], which says what to do.
    pub async fn claim_with(
        &self,
        slot: Option<u32>,
        source: &Source,
        new_certificate: impl FnOnce() -> Option<Certificate>,
    ) -> Result<Person, HomeError> {
        private_folder(&self.0)?;
        let (slot, folder, lock) = self.lock(slot)?;
        let path = folder.join("store.redb");
        // Looking through a database after a crash takes a moment.
        let opened = tokio::task::spawn_blocking(move || DiskStore::open(&path)).await;
        let store = opened.map_err(|_| StoreError::Stalled)??;
        let sealed = folder.join(SEALED);
        let is_there = sealed.try_exists().map_err(|source| HomeError::Io {
            path: sealed.clone(),
            source,
        });
        if is_there? {
            let (seal, record) = match unseal(&sealed, source) {
                Ok(unsealed) => unsealed,
                Err(error) => {
                    // Before the lock of the slot is free: whoever has it finds no open database.
                    store.close().await;
                    return Err(error);
                }
            };
            // It was there before the passphrase, or until that was to be removed.
            store.forget_identity(slot).await?;
            let seal = Some(seal);
            return Ok(Person {
                slot,
                folder,
                store,
                record,
                is_new: false,
                seal,
                _lock: lock,
            });
        }
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).map_err(|_| HomeError::Randomness)?;
        let new_certificate = RefCell::new(Some(new_certificate));
        let host = Held {
            slot,
            entropy,
            new_certificate,
        };
        let remembered = Remembered {
            slot,
            patience: Duration::ZERO,
        };
        let is_new = store.identity(slot).await?.is_none();
        let claim = slot::claim(&store, &host, Some(remembered), "").await?;
        let record = claim.ok_or(HomeError::InUse { slot })?.record;
        Ok(Person {
            slot,
            folder,
            store,
            record,
            is_new,
            seal: None,
            _lock: lock,
        })
    }

    fn lock(&self, slot: Option<u32>) -> Result<(u32, PathBuf, File), HomeError> {
        if slot.is_some_and(|slot| slot >= PEOPLE_MAX) {
            return Err(HomeError::NoSuchSlot);
        }
        let slots = slot.map_or(0..PEOPLE_MAX, |slot| slot..slot + 1);
        for slot in slots {
            let folder = self.0.join(slot.to_string());
            private_folder(&folder)?;
            let path = folder.join("lock");
            let file = private_file(&path).map_err(|source| HomeError::Io {
                path: path.clone(),
                source,
            })?;
            match file.try_lock() {
                Ok(()) => return Ok((slot, folder, file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(HomeError::Io { path, source }),
            }
        }
        Err(slot.map_or(HomeError::AllInUse, |slot| HomeError::InUse { slot }))
    }
}

/// Opens an identity that is under a passphrase. A person may mistype it.
fn unseal(path: &Path, source: &Source) -> Result<(Seal, IdentityRecord<Certificate>), HomeError> {
    let mut tries = if *source == Source::Terminal {
        PASSPHRASE_TRIES
    } else {
        1
    };
    let mut prompt = "Passphrase: ";
    loop {
        let passphrase = source.ask(prompt)?;
        tries -= 1;
        match Seal::open(path, &passphrase) {
            Err(SealError::Wrong) if tries > 0 => prompt = "That is not it. Passphrase: ",
            opened => return Ok(opened?),
        }
    }
}

/// Writes a file that this user alone may read, in the place of one that was there.
///
/// # Errors
/// What the system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<File> {
    // Made anew, for another file under this name may be open to others.
    remove_if_there(path)?;
    let mut file = private_file(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Writes a file that was not there and that this user alone may read. One that cannot be written whole is not left behind.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`] if it was there.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // What is in the way of the next try is told then.
        let _ = std::fs::remove_file(path);
    }
    written
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Opens a file that this user alone may read, or makes it.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    make_private(&file);
    Ok(file)
}

/// A file that was there already may be open to others.
fn make_private(file: &File) {
    #[cfg(unix)]
    if let Err(error) = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)) {
        // Some file systems have no modes.
        tracing::warn!(%error, "the mode of a file cannot be set");
    }
    #[cfg(not(unix))]
    let _ = file;
}

fn private_folder(path: &Path) -> Result<(), HomeError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| HomeError::Io {
        path: path.to_owned(),
        source,
    })
}

/// This machine, while it holds the lock of one slot.
struct Held<F> {
    slot: u32,
    entropy: [u8; 32],
    new_certificate: RefCell<Option<F>>,
}

impl<F: FnOnce() -> Option<Certificate>> Host for Held<F> {
    type Certificate = Certificate;

    fn unix_millis(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn entropy(&self) -> [u8; 32] {
        self.entropy
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    async fn lock(&self, slot: u32, _: Duration) -> Lock {
        if slot == self.slot { Lock::Held } else { Lock::Taken }
    }

    async fn new_certificate(&self) -> Option<Certificate> {
        let make = self.new_certificate.borrow_mut().take()?;
        make()
    }

    // Peers know a certificate by its fingerprint; nobody looks at its dates.
    fn is_lasting(&self, _: &Certificate) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn certificate() -> Option<Certificate> {
        Some(Certificate {
            certificate: vec![1, 2],
            private_key: vec![3].into(),
        })
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn two_instances_are_two_people_and_each_comes_back_as_itself() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home(folder.path().join("starling"));
        let mut one = home.claim(None, certificate).await.unwrap();
        let two = home.claim(None, certificate).await.unwrap();
        assert_eq!((one.slot, two.slot), (0, 1));
        assert_ne!(one.record.secret, two.record.secret);
        let taken = home.claim(Some(0), certificate).await;
        assert!(matches!(taken, Err(HomeError::InUse { slot: 0 })));
        assert!(matches!(
            home.claim(Some(PEOPLE_MAX), certificate).await,
            Err(HomeError::NoSuchSlot)
        ));

        one.save_name("Ann").await.unwrap();
        let secret = one.record.secret.clone();
        one.store.close().await;
        drop(one);
        let again = home.claim(None, || panic!("there is one already")).await.unwrap();
        assert_eq!((again.slot, again.record.name.as_deref()), (0, Some("Ann")));
        assert_eq!(again.record.secret, secret);
        assert_eq!(again.record.certificate, certificate());
    }

    #[tokio::test]
    async fn nobody_else_may_read_what_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home(folder.path().join("deep/starling"));
        let person = home.claim(None, certificate).await.unwrap();
        for path in [&home.0, &person.folder] {
            assert_eq!(mode(path), 0o700, "{}", path.display());
        }
        for path in [person.store.path(), person.folder.join("lock")] {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        }
        person.store.close().await;
        drop(person);
        let person = home.claim(None, certificate).await.unwrap();
        for path in [person.store.path(), person.folder.join("lock")] {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        let token = person.folder.join("token");
        std::fs::write(&token, "open to all, and longer").unwrap();
        write_private(&token, b"secret").unwrap();
        assert_eq!(
            (mode(&token), std::fs::read_to_string(&token).unwrap().as_str()),
            (0o600, "secret")
        );
    }

    #[tokio::test]
    async fn an_identity_under_a_passphrase_is_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home(folder.path().join("starling"));
        let [one, other] = ["one", "other"].map(|text| {
            let path = folder.path().join(text);
            std::fs::write(&path, text).unwrap();
            Source::File(path)
        });
        let end = async |person: Person| {
            person.store.close().await;
            drop(person);
        };
        let mut person = home.claim(None, certificate).await.unwrap();
        let secret = person.record.secret.clone();
        person.set_passphrase(&one.ask_new().unwrap()).await.unwrap();
        assert!(person.store.identity(0).await.unwrap().is_none());
        person.save_name("Ann").await.unwrap();
        end(person).await;

        let asked = home.claim(None, certificate).await;
        assert!(
            matches!(asked, Err(HomeError::Passphrase(PassphraseError::Nobody))),
            "{asked:?}"
        );
        let wrong = home.claim_with(None, &other, certificate).await;
        assert!(matches!(wrong, Err(HomeError::Sealed(SealError::Wrong))), "{wrong:?}");
        let mut person = home.claim_with(None, &one, certificate).await.unwrap();
        assert_eq!(
            (&person.record.secret, person.record.name.as_deref()),
            (&secret, Some("Ann"))
        );
        person.set_passphrase(&other.ask_new().unwrap()).await.unwrap();
        end(person).await;

        let former = home.claim_with(None, &one, certificate).await;
        assert!(matches!(former, Err(HomeError::Sealed(SealError::Wrong))), "{former:?}");
        let mut person = home.claim_with(None, &other, certificate).await.unwrap();
        person.remove_passphrase().await.unwrap();
        end(person).await;
        let person = home.claim(None, || panic!("there is one already")).await.unwrap();
        assert_eq!(
            (&person.record.secret, person.record.name.as_deref()),
            (&secret, Some("Ann"))
        );
    }

    #[tokio::test]
    async fn whoever_becomes_somebody_else_stays_so_under_the_passphrase_that_there_was() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home(folder.path().join("starling"));
        let path = folder.path().join("passphrase");
        std::fs::write(&path, "one").unwrap();
        let source = Source::File(path);
        let cid = || Portable {
            secret: [9; 32].into(),
            name: Some("Cid".to_owned()),
        };
        for passphrase in [None, Some(source.ask_new().unwrap())] {
            let mut person = home.claim_with(None, &source, certificate).await.unwrap();
            assert_eq!(person.is_new, passphrase.is_none());
            if let Some(passphrase) = &passphrase {
                person.save_name("Ann").await.unwrap();
                person.set_passphrase(passphrase).await.unwrap();
            }
            person.become_other(cid(), None).await.unwrap();
            person.store.close().await;
            drop(person);
            let person = home.claim_with(None, &source, certificate).await.unwrap();
            assert_eq!((&person.record.secret, person.record.name), (&cid().secret, cid().name));
            assert!(!person.is_new);
            person.store.close().await;
        }
    }

    #[test]
    fn the_folder_that_was_asked_for_is_used() {
        let asked = PathBuf::from("here");
        assert_eq!(Home::find(Some(asked.clone())).unwrap(), Home(asked));
    }
}
