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
    model::{FileError, FileInfo},
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
    /// pieces.
    pub(super) async fn take_in(&self, path: &Path, name: String) -> Result<(FileInfo, Vec<PieceHash>), TakeError> {
        let unreadable = |_: io::Error| TakeError::Unreadable;
        let mut file = File::open(path).await.map_err(unreadable)?;
        let metadata = file.metadata().await.map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(TakeError::Unreadable);
        }
        let bytes = metadata.len();
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
        file.seek(SeekFrom::Start(0)).await.map_err(unreadable)?;
        for (piece, hash) in (0..).zip(&hashes) {
            if let Err(error) = self.keep(&mut file, &info, piece, hash).await {
                self.forget(root).await;
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
        // Under another name until it is whole. Beside, so that it can be renamed.
        let mut part = path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let written = self.write(info, &part).await;
        let saved = match written {
            Ok(()) => fs::rename(&part, &path).await.map_err(|source| io_error(&path, source)),
            Err(error) => Err(error),
        };
        if saved.is_err() {
            for leftover in [&part, &path] {
                // What is in the way of the next try is told then.
                let _ = fs::remove_file(leftover).await;
            }
        }
        saved.map(|()| path)
    }

    async fn write(&self, info: &FileInfo, part: &Path) -> Result<(), SaveError> {
        let failed = |source| io_error(part, source);
        let mut file = File::create(part).await.map_err(failed)?;
        for piece in 0..pieces::pieces_in(info.bytes) {
            let content = self.store.read_piece(&self.room, &self.me, (info.root, piece)).await?;
            file.write_all(&content.ok_or(SaveError::Lost)?).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(failed)
    }
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
        let (info, hashes) = shelf.take_in(&source, "../report.txt".to_owned()).await.unwrap();
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
    async fn what_is_no_file_is_not_taken_in() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        for path in [folder.path().to_owned(), folder.path().join("nothing")] {
            let taken = shelf.take_in(&path, "x".to_owned()).await;
            assert_eq!(taken, Err(TakeError::Unreadable));
        }
        let empty = folder.path().join("empty");
        std::fs::write(&empty, []).unwrap();
        let (info, hashes) = shelf.take_in(&empty, "empty".to_owned()).await.unwrap();
        assert_eq!((info.bytes, hashes.len()), (0, 0));
    }
}
