//! Files of a room: where their pieces are kept, and how one that the person chooses is taken in.
//!
//! A file to be offered is read twice: to find its id, then to keep its pieces. So it outlives a reload of this page, and whatever becomes of
//! the original. Hashing takes a thousandth of a second a piece, between which the page goes on.

use client::{
    Session,
    config::{FOLDER_BYTES_MAX, TEXT_SHOWN_BYTES},
    files::{TakeError, is_small_picture},
    room::RoomState,
    store::{Store, StoreError},
};
use futures_util::future::LocalBoxFuture;
use mesh::{
    config::PIECE_BYTES,
    io::Unreadable,
    model::{FileError, FileInfo, FileState},
    pieces::{PieceHash, PieceHasher, hash_of, piece_bytes},
};
use shared::{FileId, PeerId, RoomId};
use wasm_bindgen::JsValue;
use web_sys::{Blob, File};

use crate::{
    config::{UNASKED_AMONG, UNASKED_AT_ONCE, UNASKED_FILES_MAX},
    js,
    later::{self, NotLoaded, Part, boxed},
    profile::Profile,
};

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

// Whatever reads or writes a file comes later: few rooms have one at the start.

#[inline(never)]
fn later_read(
    _: Part,
    files: &Files,
    root: FileId,
    piece: u32,
) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, Unreadable>> {
    boxed(files.read_piece(root, piece))
}

#[inline(never)]
fn later_write<'a>(
    _: Part,
    files: &'a Files,
    root: FileId,
    piece: u32,
    bytes: &'a [u8],
) -> LocalBoxFuture<'a, Result<(), StoreError>> {
    boxed(files.write_piece(root, piece, bytes))
}

#[inline(never)]
fn later_forget(_: Part, files: &Files, root: FileId) -> LocalBoxFuture<'_, ()> {
    boxed(files.forget_file(root))
}

fn not_loaded(_: NotLoaded) -> StoreError {
    StoreError::Platform("the part of the page that keeps files cannot be loaded".to_owned())
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

    pub(crate) async fn read(&self, root: FileId, piece: u32) -> Result<Option<Vec<u8>>, Unreadable> {
        let part = later::load().await.map_err(|_| Unreadable)?;
        later_read(part, self, root, piece).await
    }

    pub(crate) async fn write(&self, root: FileId, piece: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let part = later::load().await.map_err(not_loaded)?;
        later_write(part, self, root, piece, bytes).await
    }

    pub(crate) async fn forget(&self, root: FileId) {
        if let Ok(part) = later::load().await {
            later_forget(part, self, root).await;
        }
    }

    async fn read_piece(&self, root: FileId, piece: u32) -> Result<Option<Vec<u8>>, Unreadable> {
        let store = self.profile.store().map_err(|_| Unreadable)?;
        let read = store.read_piece(&self.room, &self.me(), (root, piece)).await;
        read.map_err(|error| {
            js::log(&format!("a piece of a file cannot be read: {error}"));
            Unreadable
        })
    }

    async fn write_piece(&self, root: FileId, piece: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let store = self.profile.store()?;
        let written = store.write_piece(&self.room, &self.me(), (root, piece), bytes).await;
        written.inspect_err(|error| js::log(&format!("a piece of a file cannot be kept: {error}")))
    }

    async fn forget_file(&self, root: FileId) {
        if let Ok(store) = self.profile.store()
            && let Err(error) = store.forget_file(&self.room, &self.me(), root).await
        {
            js::log(&format!("a file cannot be forgotten: {error}"));
        }
    }

    async fn whole(&self, info: &FileInfo) -> Result<Blob, StoreError> {
        self.profile.store()?.whole(&self.room, &self.me(), info).await
    }

    /// Hands a file that is here to the person.
    pub(crate) async fn save(&self, info: &FileInfo) -> Result<(), StoreError> {
        let whole = self.whole(info).await?;
        let saved = js::save_blob(&whole, &client::files::saved_name(&info.name));
        saved.map_err(|error| StoreError::Platform(js::describe(&error)))
    }

    /// The beginning of a text that is here, and whether that is all of it.
    pub(crate) async fn text(&self, info: &FileInfo) -> Result<(String, bool), StoreError> {
        let bytes = beginning(&self.whole(info).await?, TEXT_SHOWN_BYTES).await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok((text, info.bytes <= TEXT_SHOWN_BYTES as u64))
    }

    /// A file that is here, of the type that it was offered with.
    pub(crate) async fn typed(&self, info: &FileInfo) -> Result<Blob, StoreError> {
        let whole = self.whole(info).await?;
        let typed = whole.slice_with_f64_and_f64_and_content_type(0.0, whole.size(), &info.media_type);
        typed.map_err(|error| StoreError::Platform(js::describe(&error)))
    }

    /// Keeps the pieces of a file and offers it to everyone. `on_progress` is told how far that is, in percent. It ends once the room is left or
    /// forgotten; whatever does not end well leaves nothing in the store.
    pub(crate) async fn offer(
        &self,
        session: &Session,
        file: &File,
        on_progress: impl Fn(u32),
    ) -> Result<(), TakeError> {
        let (info, hashes) = measured(session, file, &on_progress).await?;
        let root = info.root;
        let kept = self.keep(session, file, (&info, hashes.as_slice()), &on_progress).await;
        let offered = kept.and_then(|()| Ok(session.offer_file(info, hashes)?));
        // Some of it may be kept for another reason, and stays.
        if offered.is_err() && how_far(session, &root).is_none() {
            self.forget(root).await;
        }
        offered.map(|_| ())
    }

    /// Keeps the pieces of a file, unless all of it is here already.
    async fn keep(
        &self,
        session: &Session,
        file: &File,
        (info, hashes): (&FileInfo, &[PieceHash]),
        on_progress: &impl Fn(u32),
    ) -> Result<(), TakeError> {
        if how_far(session, &info.root) == Some(FileState::Whole) {
            return Ok(());
        }
        for (piece, hash) in (0..).zip(hashes) {
            demand_here(session)?;
            let start = u64::from(piece) * PIECE_BYTES as u64;
            let part = read_part(file, start, piece_bytes(info.bytes, piece)).await?;
            if hash_of(info.bytes, piece, &part) != *hash {
                return Err(TakeError::Changed);
            }
            demand_here(session)?;
            let written = self.write(info.root, piece, &part).await;
            written.map_err(|_| TakeError::NoRoom)?;
            on_progress(50 + half_percent(start, info.bytes));
        }
        Ok(())
    }
}

/// Finds the id of a file and the hashes of its pieces.
async fn measured(
    session: &Session,
    file: &File,
    on_progress: &impl Fn(u32),
) -> Result<(FileInfo, Vec<PieceHash>), TakeError> {
    let bytes = size(file);
    if js::space().await.is_some_and(|space| space.left_bytes < bytes) {
        return Err(TakeError::NoRoom);
    }
    let mut hasher = PieceHasher::new(bytes).ok_or(FileError::Invalid)?;
    let mut done = 0;
    while hasher.next_bytes() > 0 {
        demand_here(session)?;
        let piece = read_part(file, done, hasher.next_bytes()).await?;
        if !hasher.push(&piece) {
            return Err(TakeError::Changed);
        }
        done += piece.len() as u64;
        on_progress(half_percent(done, bytes));
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
    Ok((info, hashes))
}

/// Of a room that is left or forgotten nothing is stored any more.
fn demand_here(session: &Session) -> Result<(), TakeError> {
    let room = session.room();
    if room.left || room.forgotten {
        return Err(FileError::Left.into());
    }
    Ok(())
}

/// How a file stands of which something is here, or is to be.
fn how_far(session: &Session, root: &FileId) -> Option<FileState> {
    let state = session.room().files.get(root)?.state;
    (state != FileState::Offered).then_some(state)
}

/// How far a file is of which every byte is read twice.
fn half_percent(done: u64, bytes: u64) -> u32 {
    u32::try_from(done * 50 / bytes.max(1)).unwrap_or(0)
}

/// The pictures to fetch before the person asks: small ones of others that are new, and only as long as there is much room for what the person asks for.
pub(crate) fn unasked(room: &RoomState) -> Vec<FileInfo> {
    if room.files.len() >= UNASKED_FILES_MAX {
        return Vec::new();
    }
    let is_coming = |state| matches!(state, FileState::Fetching | FileState::Waiting);
    let coming = room.files.values().filter(|progress| is_coming(progress.state));
    let at_once = UNASKED_AT_ONCE.saturating_sub(coming.count());
    // What is dated ahead is not shown until the person wants it.
    let newest = room.messages[..room.ahead_from()].iter().rev();
    let newest = newest.filter(|entry| !room.mark_of(&entry.message.author).muted);
    let pictures = newest.filter_map(|entry| {
        let file = entry.message.file.as_ref().filter(|file| is_small_picture(file))?;
        Some((entry.message.own, file))
    });
    let lacking = pictures
        .take(UNASKED_AMONG)
        .filter(|(own, file)| !own && !room.files.contains_key(&file.root));
    lacking.take(at_once).map(|(_, file)| file.clone()).collect()
}

/// The first bytes of something that the browser holds.
pub(crate) async fn beginning(blob: &Blob, most: usize) -> Result<Vec<u8>, StoreError> {
    let failed = |error: JsValue| StoreError::Platform(js::describe(&error));
    #[expect(clippy::cast_precision_loss, reason = "exact: it is a small number")]
    let part = blob.slice_with_f64_and_f64(0.0, most as f64).map_err(failed)?;
    js::bytes_of(&part).await.map_err(failed)
}

/// How long a file is.
pub(crate) fn size(file: &File) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of bytes is whole and not negative"
    )]
    let size = file.size() as u64;
    size
}

/// Nothing so large is packed.
pub(crate) fn demand_bytes(bytes: u64) -> Result<(), TakeError> {
    (bytes <= FOLDER_BYTES_MAX).then_some(()).ok_or(TakeError::Folder)
}

/// A part of a file, as long as it is to be.
pub(crate) async fn read_part(file: &Blob, start: u64, length: usize) -> Result<Vec<u8>, TakeError> {
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

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use client::room::{RoomAction, Visibility, reduce};
    use mesh::model::{Event, FileProgress, Message, Timestamp};
    use shared::MessageId;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// A room in which so many small pictures were offered, every fourth of them by us.
    fn room(pictures: u8) -> RoomState {
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "Ada".into());
        for number in 0..pictures {
            let own = number % 4 == 0;
            let message = Message {
                id: MessageId::from_bytes([number; 16]),
                author: PeerId::from_bytes([u8::from(!own); 32]),
                author_name: "Bo".into(),
                own,
                whisper_to: None,
                order: Timestamp::from_unix_millis(number.into()),
                unix_millis: 0,
                dated_ahead: false,
                recent: false,
                text: String::new(),
                reply_to: None,
                vanish: None,
                deleted: false,
                file: Some(FileInfo {
                    root: FileId::from_bytes([number; 32]),
                    bytes: 1,
                    name: "a".into(),
                    media_type: "image/png".into(),
                }),
            };
            let (event, visibility) = (Event::Message { message }, Visibility::Shown);
            reduce(&mut room, RoomAction::Event { event, visibility });
        }
        room
    }

    fn stands(room: &mut RoomState, number: u8, state: FileState) {
        let progress = FileProgress {
            state,
            pieces_have: 0,
            pieces: 1,
            bytes_have: 0,
            sources: 0,
            through: None,
        };
        room.files.insert(FileId::from_bytes([number; 32]), progress);
    }

    fn numbers(room: &RoomState) -> Vec<u8> {
        unasked(room).iter().map(|file| file.root.as_bytes()[0]).collect()
    }

    #[wasm_bindgen_test]
    fn few_pictures_come_unasked_the_newest_first_and_none_of_ours() {
        let mut room = room(40);
        let expected: Vec<u8> = (8..40).rev().filter(|number| number % 4 != 0).collect();
        assert_eq!(numbers(&room), expected);
        stands(&mut room, 39, FileState::Offered);
        stands(&mut room, 37, FileState::Paused);
        assert_eq!(numbers(&room)[..2], [38, 35], "the others are known");
        for number in 100..131 {
            stands(&mut room, number, FileState::Waiting);
        }
        assert_eq!(numbers(&room), [38], "as many as may be on their way");
        for number in 100..228 {
            stands(&mut room, number, FileState::Whole);
        }
        assert!(numbers(&room).is_empty(), "the rest is the person's");
    }
}
