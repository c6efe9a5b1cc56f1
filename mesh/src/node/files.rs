//! The node's commands for files, and what it does for them.

use shared::{FileId, MessageId};

use super::{Kept, Node, Phase};
use crate::{
    io::{Input, Now},
    model::{FileError, FileInfo},
    pieces::{PieceHash, root_of},
    wire::stored::Key,
};

/// Of what was kept, what concerns the room; the rest is put aside.
pub(super) fn of_room(records: impl IntoIterator<Item = Kept>, of_files: &mut Vec<Kept>) -> impl Iterator<Item = Kept> {
    records.into_iter().filter_map(|(key, value)| {
        if Key::is_of_file(&key) {
            of_files.push((key, value));
            return None;
        }
        Some((key, value))
    })
}

impl Node {
    /// Offers a file to everyone: says so, as a [`Message`](crate::model::Message) with a file in it, and serves its pieces from then on. The
    /// platform has all of them already, under this id: it is asked for them by [`Output::ReadPiece`](crate::io::Output::ReadPiece), at any time and at later visits. `hashes`:
    /// of the pieces, as a [`PieceHasher`](crate::pieces::PieceHasher) gives them.
    ///
    /// # Errors
    /// [`FileError`], and nothing was accepted.
    pub fn offer_file(&mut self, now: Now, info: FileInfo, hashes: Vec<PieceHash>) -> Result<MessageId, FileError> {
        self.advance(now);
        self.demand_here(FileError::Left)?;
        if !info.is_valid() || root_of(info.bytes, &hashes) != Some(info.root) {
            return Err(FileError::Invalid);
        }
        if !self.files.has_room_for(&info.root) {
            return Err(FileError::TooMany);
        }
        let said = self.room.say_file(&mut self.cx, &info).ok_or(FileError::Full)?;
        self.files.offer(&mut self.cx, info, hashes);
        self.exchange();
        Ok(said)
    }

    /// Fetches a file that was offered, as it stands in the message, or goes on with it. [`Event::File`](crate::model::Event::File) says how it goes. Goes on at later
    /// visits by itself.
    ///
    /// # Errors
    /// [`FileError`], but not [`FileError::Full`].
    pub fn fetch_file(&mut self, now: Now, info: FileInfo) -> Result<(), FileError> {
        self.advance(now);
        self.demand_here(FileError::Left)?;
        if !info.is_valid() {
            return Err(FileError::Invalid);
        }
        let root = info.root;
        let offers = self.room.offers().filter(|(offered, _)| *offered == root);
        let fetched = self.files.fetch(&mut self.cx, info, offers.map(|(_, peer)| peer));
        self.exchange();
        fetched
    }

    /// Fetches no more of a file until [`Node::fetch_file`] is called again. What is here stays, and is served.
    pub fn pause_file(&mut self, now: Now, root: FileId) {
        self.advance(now);
        if self.phase == Phase::Here {
            self.files.pause(&mut self.cx, root);
        }
    }

    /// Drops a file: it is neither fetched nor served nor kept any longer, whether it is whole or not. The others keep theirs.
    pub fn cancel_file(&mut self, now: Now, root: FileId) {
        self.advance(now);
        if self.phase == Phase::Here {
            self.files.cancel(&mut self.cx, root);
        }
        self.exchange();
    }

    /// Takes what happened to files. Once the room is being left, nothing more comes of that.
    pub(super) fn handle_file_input(&mut self, input: Input) {
        if self.phase != Phase::Here {
            return;
        }
        let (cx, files) = (&mut self.cx, &mut self.files);
        match input {
            Input::FilesOpen { link } => files.handle_open(cx, link),
            Input::FileFragment { link, bytes } => {
                self.net.handle_heard(cx, link);
                files.handle_message(cx, link, &bytes);
            }
            Input::FileWritable { link } => files.handle_writable(cx, link),
            Input::PieceRead { root, piece, bytes } => files.handle_read(cx, root, piece, bytes),
            Input::PieceWritten { root, piece, stored } => files.handle_written(cx, root, piece, stored),
            Input::Signal { .. }
            | Input::ServerDown { .. }
            | Input::LocalDescription { .. }
            | Input::LocalCandidates { .. }
            | Input::LinkOpen { .. }
            | Input::LinkPath { .. }
            | Input::LinkClosed { .. }
            | Input::Fragment { .. }
            | Input::LinkKind { .. }
            | Input::Nearby { .. }
            | Input::Stored { .. }
            | Input::NotStored
            | Input::Network { .. } => unreachable!("invariant: the others are not about files"),
        }
    }

    /// Hands what was kept to those who kept it.
    pub(super) fn restore_all(&mut self, records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        let mut of_files = std::mem::take(&mut self.of_files);
        self.room.restore(&mut self.cx, of_room(records, &mut of_files));
        if !of_files.is_empty() {
            self.files.restore(&mut self.cx, of_files);
            self.files.note_offers(&self.cx, self.room.offers());
        }
    }
}
