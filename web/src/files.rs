//! Files of a room: where their pieces are kept, and how one that the person chooses is taken in.
//!
//! A file to be offered is read twice: to find its id, then to keep its pieces. So it outlives a reload of this page, and whatever becomes of
//! the original. Hashing takes a thousandth of a second a piece, between which the page goes on.

use client::{
    files::TakeError,
    store::{Store, StoreError},
};
use mesh::{
    config::PIECE_BYTES,
    model::{FileError, FileInfo, FileState},
    pieces::{PieceHash, PieceHasher, hash_of},
};
use shared::{FileId, PeerId, RoomId};
use web_sys::{Blob, File};

use crate::{js, profile::Profile};

/// The files of a room. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    profile: Profile,
    room: RoomId,
}

/// Two are of one page.
impl PartialEq for Files {
    fn eq(&self, other: &Self) -> bool {
        self.room == other.room && self.me() == other.me()
    }
}

impl Files {
    /// Those of a room.
    #[must_use]
    pub fn new(profile: &Profile, room: RoomId) -> Self {
        let profile = profile.clone();
        Self { profile, room }
    }

    fn me(&self) -> PeerId {
        self.profile.peer_id()
    }

    pub(crate) async fn read(&self, root: FileId, piece: u32) -> Option<Vec<u8>> {
        let store = self.profile.store().ok()?;
        let read = store.read_piece(&self.room, &self.me(), (root, piece)).await;
        read.inspect_err(|error| js::log(&format!("a piece of a file cannot be read: {error}")))
            .ok()?
    }

    pub(crate) async fn write(&self, root: FileId, piece: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let store = self.profile.store()?;
        let written = store.write_piece(&self.room, &self.me(), (root, piece), bytes).await;
        written.inspect_err(|error| js::log(&format!("a piece of a file cannot be kept: {error}")))
    }

    pub(crate) async fn forget(&self, root: FileId) {
        if let Ok(store) = self.profile.store()
            && let Err(error) = store.forget_file(&self.room, &self.me(), root).await
        {
            js::log(&format!("a file cannot be forgotten: {error}"));
        }
    }

    /// Hands a file that is here to the person.
    pub(crate) async fn save(&self, info: &FileInfo) -> Result<(), StoreError> {
        let whole = self.profile.store()?.whole(&self.room, &self.me(), info).await?;
        let saved = js::save_blob(&whole, &client::files::saved_name(&info.name));
        saved.map_err(|error| StoreError::Platform(js::describe(&error)))
    }

    /// A picture that is here.
    pub(crate) async fn picture(&self, info: &FileInfo) -> Result<Blob, StoreError> {
        let whole = self.profile.store()?.whole(&self.room, &self.me(), info).await?;
        let typed = whole.slice_with_f64_and_f64_and_content_type(0.0, whole.size(), &info.media_type);
        typed.map_err(|error| StoreError::Platform(js::describe(&error)))
    }

    /// Keeps the pieces of a file that is to be offered, and finds its id and their hashes. `on_progress` is told how far that is, in percent; `how_far`
    /// says how far a file is here already.
    pub(crate) async fn take_in(
        &self,
        file: &File,
        how_far: impl Fn(&FileId) -> Option<FileState>,
        on_progress: impl Fn(u32),
    ) -> Result<(FileInfo, Vec<PieceHash>), TakeError> {
        let bytes = size(file);
        if js::space().await.is_some_and(|space| space.left_bytes < bytes) {
            return Err(TakeError::NoRoom);
        }
        let mut hasher = PieceHasher::new(bytes).ok_or(FileError::Invalid)?;
        let percent = |done: u64| u32::try_from(done * 50 / bytes.max(1)).unwrap_or(0);
        let mut done = 0;
        while hasher.next_bytes() > 0 {
            let piece = read_part(file, done, hasher.next_bytes()).await?;
            if !hasher.push(&piece) {
                return Err(TakeError::Changed);
            }
            done += piece.len() as u64;
            on_progress(percent(done));
        }
        let (root, hashes) = hasher.finish().ok_or(TakeError::Changed)?;
        let info = FileInfo {
            root,
            bytes,
            name: file.name(),
            media_type: file.type_(),
        };
        if !info.is_valid() {
            return Err(FileError::Invalid.into());
        }
        let before = how_far(&info.root).filter(|state| *state != FileState::Offered);
        if before == Some(FileState::Whole) {
            return Ok((info, hashes));
        }
        for (piece, hash) in (0..).zip(&hashes) {
            let start = u64::from(piece) * PIECE_BYTES as u64;
            let part = read_part(file, start, mesh::pieces::piece_bytes(bytes, piece)).await;
            let kept = match part {
                Ok(part) if hash_of(bytes, piece, &part) == *hash => {
                    let written = self.write(root, piece, &part).await;
                    written.map_err(|_| TakeError::NoRoom)
                }
                Ok(_) => Err(TakeError::Changed),
                Err(error) => Err(error),
            };
            if let Err(error) = kept {
                // Some of it may be kept since before, and stays.
                if before.is_none() {
                    self.forget(root).await;
                }
                return Err(error);
            }
            on_progress(50 + percent(start));
        }
        Ok((info, hashes))
    }
}

fn size(file: &File) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of bytes is whole and not negative"
    )]
    let size = file.size() as u64;
    size
}

/// A part of a file, as long as it is to be.
async fn read_part(file: &Blob, start: u64, length: usize) -> Result<Vec<u8>, TakeError> {
    #[expect(clippy::cast_precision_loss, reason = "exact: a file has less than 2^53 bytes")]
    let [from, to] = [start, start + length as u64].map(|place| place as f64);
    let part = file
        .slice_with_f64_and_f64(from, to)
        .map_err(|_| TakeError::Unreadable)?;
    let bytes = js::bytes_of(&part).await.map_err(|_| TakeError::Unreadable)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(TakeError::Changed)
    }
}
