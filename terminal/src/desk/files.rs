//! Files between the disk and the store: one that is to be offered is taken in, one that is here is saved.

use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
};

use client::{
    files::{TakeError, saved_name},
    store::Store as _,
};
use mesh::{
    config::PIECE_BYTES,
    model::{FileError, FileInfo, FileState},
    pieces::{self, PieceHash, PieceHasher},
};
use shared::{FileId, PeerId, RoomId};
use tokio::{
    fs::{self, File, OpenOptions},
    io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _},
};

use super::SaveError;
use crate::{config::SAME_NAME_MAX, store::DiskStore};

/// Where the pieces of a room's files are.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    pub(super) store: DiskStore,
    pub(super) room: RoomId,
    pub(super) me: PeerId,
}

impl Shelf {
    /// Keeps the pieces of a file that is to be offered, and finds its id and their hashes. The file is read twice: to find the id, then to keep the
    /// pieces. `how_far` says how far a file is here already.
    pub(super) async fn take_in(
        &self,
        path: &Path,
        name: String,
        how_far: impl Fn(&FileId) -> Option<FileState>,
    ) -> Result<(FileInfo, Vec<PieceHash>), TakeError> {
        let (mut file, bytes) = open(path).await?;
        let mut hasher = PieceHasher::new(bytes).ok_or(FileError::Invalid)?;
        while hasher.next_bytes() > 0 {
            let piece = read(&mut file, hasher.next_bytes()).await?;
            if !hasher.push(&piece) {
                return Err(TakeError::Changed);
            }
        }
        let (root, hashes) = hasher.finish().ok_or(TakeError::Changed)?;
        let info = FileInfo {
            root,
            bytes,
            name,
            media_type: String::new(),
        };
        if !info.is_valid() {
            return Err(FileError::Invalid.into());
        }
        if how_far(&root) == Some(FileState::Whole) {
            return Ok((info, hashes));
        }
        file.seek(SeekFrom::Start(0)).await.map_err(|_| TakeError::Unreadable)?;
        for (piece, hash) in (0..).zip(&hashes) {
            if let Err(error) = self.keep(&mut file, &info, piece, hash).await {
                if is_new(how_far(&root)) {
                    self.forget(root).await;
                }
                return Err(error);
            }
        }
        Ok((info, hashes))
    }

    async fn keep(&self, file: &mut File, info: &FileInfo, piece: u32, hash: &PieceHash) -> Result<(), TakeError> {
        let content = read(file, pieces::piece_bytes(info.bytes, piece)).await?;
        if pieces::hash_of(info.bytes, piece, &content) != *hash {
            return Err(TakeError::Changed);
        }
        let place = (info.root, piece);
        let written = self.store.write_piece(&self.room, &self.me, place, &content).await;
        written.map_err(|_| TakeError::NoRoom)
    }

    pub(super) async fn forget(&self, root: FileId) {
        if let Err(error) = self.store.forget_file(&self.room, &self.me, root).await {
            tracing::warn!(%error, "a file cannot be forgotten");
        }
    }

    /// Saves a file that is here: as `path`, or in the folder `path`, or in the current one. Never in the place of another file. Gives where it is.
    pub(super) async fn save(&self, info: &FileInfo, path: Option<&Path>) -> Result<PathBuf, SaveError> {
        let path = reserve(path, &saved_name(&info.name)).await?;
        let saved = self.save_as(info, &path).await;
        if saved.is_err() {
            // What is in the way of the next try is told then.
            let _ = fs::remove_file(&path).await;
        }
        saved.map(|()| path)
    }

    /// Under another name until it is whole. Beside, so that it can be renamed.
    async fn save_as(&self, info: &FileInfo, path: &Path) -> Result<(), SaveError> {
        let (part, mut file) = new_part(path).await?;
        let saved = match self.write(info, &part, &mut file).await {
            Ok(()) => fs::rename(&part, path).await.map_err(|source| io_error(path, source)),
            Err(error) => Err(error),
        };
        if saved.is_err() {
            // As above.
            let _ = fs::remove_file(&part).await;
        }
        saved
    }

    /// Each piece was checked when it came, by what was said of the file then. What is said of it now can be wrong.
    async fn write(&self, info: &FileInfo, part: &Path, file: &mut File) -> Result<(), SaveError> {
        let failed = |source| io_error(part, source);
        let mut hasher = PieceHasher::new(info.bytes).ok_or(SaveError::Another)?;
        for piece in 0..pieces::pieces_in(info.bytes) {
            let content = self.store.read_piece(&self.room, &self.me, (info.root, piece)).await?;
            let content = content.ok_or(SaveError::Lost)?;
            if !hasher.push(&content) {
                return Err(SaveError::Another);
            }
            file.write_all(&content).await.map_err(failed)?;
        }
        if hasher.finish().is_none_or(|(root, _)| root != info.root) {
            return Err(SaveError::Another);
        }
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(failed)
    }
}

/// Whether nothing of a file was here before.
pub(super) fn is_new(state: Option<FileState>) -> bool {
    state.is_none_or(|state| state == FileState::Offered)
}

/// Opens a file to be read, and says how long it is.
async fn open(path: &Path) -> Result<(File, u64), TakeError> {
    let unreadable = |_: io::Error| TakeError::Unreadable;
    // To open a pipe waits for whoever writes to it.
    if !fs::metadata(path).await.map_err(unreadable)?.is_file() {
        return Err(TakeError::Unreadable);
    }
    let file = File::open(path).await.map_err(unreadable)?;
    let metadata = file.metadata().await.map_err(unreadable)?;
    if metadata.is_file() {
        Ok((file, metadata.len()))
    } else {
        Err(TakeError::Unreadable)
    }
}

/// Makes the file in which another one grows. Nothing that was there before is touched.
async fn new_part(path: &Path) -> Result<(PathBuf, File), SaveError> {
    let mut part = PathBuf::new();
    for number in 1..=SAME_NAME_MAX {
        let mut name = path.as_os_str().to_owned();
        name.push(match number {
            1 => ".part".to_owned(),
            number => format!(".{number}.part"),
        });
        part = name.into();
        match OpenOptions::new().write(true).create_new(true).open(&part).await {
            Ok(file) => return Ok((part, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(io_error(&part, source)),
        }
    }
    Err(SaveError::Exists(part))
}

/// Makes an empty file where nothing was.
async fn reserve(asked: Option<&Path>, name: &str) -> Result<PathBuf, SaveError> {
    let (folder, is_named) = match asked {
        None => (PathBuf::new(), false),
        Some(path) => (
            path.to_owned(),
            !fs::metadata(path).await.is_ok_and(|known| known.is_dir()),
        ),
    };
    for number in 1..=SAME_NAME_MAX {
        let path = match (is_named, number) {
            (true, _) => folder.clone(),
            (false, 1) => folder.join(name),
            (false, number) => folder.join(numbered(name, number)),
        };
        match OpenOptions::new().write(true).create_new(true).open(&path).await {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !is_named => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(SaveError::Exists(path)),
            Err(source) => return Err(io_error(&path, source)),
        }
    }
    Err(SaveError::Exists(folder.join(name)))
}

/// `a (2).txt` for `a.txt`.
fn numbered(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem} ({number}).{ending}"),
        Some(_) | None => format!("{name} ({number})"),
    }
}

async fn read(file: &mut File, length: usize) -> Result<Vec<u8>, TakeError> {
    debug_assert!(length <= PIECE_BYTES, "a piece has its bound");
    let mut piece = vec![0; length];
    match file.read_exact(&mut piece).await {
        Ok(_) => Ok(piece),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(TakeError::Changed),
        Err(_) => Err(TakeError::Unreadable),
    }
}

fn io_error(path: &Path, source: io::Error) -> SaveError {
    let path = path.to_owned();
    SaveError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use shared::RoomCode;

    use super::*;

    fn shelf(folder: &Path) -> Shelf {
        Shelf {
            store: DiskStore::open(&folder.join("store.redb")).unwrap(),
            room: RoomCode::parse("files").unwrap().open().id(),
            me: PeerId::from_bytes([1; 32]),
        }
    }

    #[tokio::test]
    async fn a_file_is_saved_as_it_was_taken_in_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        let content: Vec<u8> = (0..=250).cycle().take(PIECE_BYTES + 7).collect();
        let source = folder.path().join("report.txt");
        std::fs::write(&source, &content).unwrap();
        let taken = shelf.take_in(&source, "../report.txt".to_owned(), |_| None).await;
        let (info, hashes) = taken.unwrap();
        assert_eq!((info.bytes, hashes.len()), (content.len() as u64, 2));
        assert_eq!(pieces::root_of(info.bytes, &hashes), Some(info.root));

        let saved = shelf.save(&info, Some(folder.path())).await.unwrap();
        assert_eq!(saved, folder.path().join("report (2).txt"));
        assert_eq!(std::fs::read(&saved).unwrap(), content);
        let named = folder.path().join("named");
        assert_eq!(shelf.save(&info, Some(&named)).await.unwrap(), named);
        let again = shelf.save(&info, Some(&named)).await;
        assert!(matches!(again, Err(SaveError::Exists(_))), "{again:?}");

        shelf.forget(info.root).await;
        let lost = shelf.save(&info, Some(folder.path())).await;
        assert!(matches!(lost, Err(SaveError::Lost)), "{lost:?}");
        // Nothing is left of the attempt.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[tokio::test]
    async fn what_stands_where_a_file_grows_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        let [source, other, target] = ["source", "other", "target"].map(|name| folder.path().join(name));
        std::fs::write(&source, "new").unwrap();
        std::fs::write(&other, "of somebody").unwrap();
        let part = folder.path().join("target.part");
        std::os::unix::fs::symlink(&other, &part).unwrap();
        let taken = shelf.take_in(&source, "x".to_owned(), |_| None).await;
        let (info, _) = taken.unwrap();
        shelf.save(&info, Some(&target)).await.unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
        shelf.forget(info.root).await;
        let lost = shelf.save(&info, Some(&folder.path().join("again"))).await;
        assert!(matches!(lost, Err(SaveError::Lost)), "{lost:?}");
        assert_eq!(std::fs::read(&other).unwrap(), b"of somebody");
        assert!(part.is_symlink());
    }

    #[tokio::test]
    async fn what_is_here_is_not_saved_as_longer_or_shorter_than_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        let source = folder.path().join("source");
        std::fs::write(&source, vec![7; PIECE_BYTES + 7]).unwrap();
        let taken = shelf.take_in(&source, "x".to_owned(), |_| None).await;
        let (info, _) = taken.unwrap();
        let target = folder.path().join("target");
        let length = info.bytes;
        for bytes in [0, 1, PIECE_BYTES as u64, length - 1, length + 1, u64::MAX] {
            let said = FileInfo { bytes, ..info.clone() };
            let saved = shelf.save(&said, Some(&target)).await;
            assert!(matches!(saved, Err(SaveError::Another)), "{bytes}: {saved:?}");
        }
        // Only the source and the database.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn what_was_here_before_stays_whatever_becomes_of_an_offer() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        let source = folder.path().join("source");
        std::fs::write(&source, "content").unwrap();
        let taken = shelf.take_in(&source, "x".to_owned(), |_| None).await;
        let (info, _) = taken.unwrap();
        shelf.forget(info.root).await;
        // Nothing is written again of what is whole.
        let again = shelf.take_in(&source, "x".to_owned(), |_| Some(FileState::Whole)).await;
        assert_eq!(again.unwrap().0, info);
        let saved = shelf.save(&info, Some(&folder.path().join("target"))).await;
        assert!(matches!(saved, Err(SaveError::Lost)), "{saved:?}");
        assert!(is_new(None) && is_new(Some(FileState::Offered)));
        assert!(!is_new(Some(FileState::Fetching)) && !is_new(Some(FileState::Whole)));
    }

    #[tokio::test]
    async fn what_is_no_file_is_not_taken_in() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [folder.path().to_owned(), folder.path().join("nothing"), pipe] {
            let taken = shelf.take_in(&path, "x".to_owned(), |_| None).await;
            assert_eq!(taken, Err(TakeError::Unreadable));
        }
        let empty = folder.path().join("empty");
        std::fs::write(&empty, []).unwrap();
        let taken = shelf.take_in(&empty, "empty".to_owned(), |_| None).await;
        let (info, hashes) = taken.unwrap();
        assert_eq!((info.bytes, hashes.len()), (0, 0));
    }
}
