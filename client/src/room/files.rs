//! The files of a room as they are shown.

use mesh::model::{FileInfo, FileProgress, FileState, Message};

use super::RoomState;
use crate::files::Progress;

impl RoomState {
    /// How far a file has got, and how fast; `None` if it is of nobody's interest here, or what is fetched has another length than this offer says.
    #[must_use]
    pub fn progress(&self, info: &FileInfo) -> Option<Progress> {
        let root = &info.root;
        let now = *self.files.get(root)?;
        if self.is_other(info) {
            return None;
        }
        let per_second = self.speeds.get(root).map_or(0, |speed| speed.per_second);
        let through = now.through.map(|peer| self.name_of(&peer));
        Some(Progress {
            now,
            per_second,
            through,
        })
    }

    /// How much of what is coming is here, in percent; `None` if nothing comes. What waits for somebody may wait for days.
    #[must_use]
    pub fn files_percent(&self) -> Option<u32> {
        let coming = |progress: &&FileProgress| progress.state == FileState::Fetching;
        let (mut have, mut all) = (0_u64, 0_u64);
        for progress in self.files.values().filter(coming) {
            have += u64::from(progress.pieces_have);
            all += u64::from(progress.pieces);
        }
        u32::try_from((have * 100).checked_div(all)?).ok()
    }

    /// The messages that offer files, the latest first, each file once; of a file that is here the offer that is true. What people offer who are muted is
    /// not among them.
    #[must_use]
    pub fn offers(&self) -> Vec<(&Message, &FileInfo)> {
        let mut offers: Vec<(&Message, &FileInfo)> = Vec::new();
        for entry in self.messages.iter().rev() {
            if let Some(file) = &entry.message.file
                && !self.mark_of(&entry.message.author).muted
                && offers.iter().all(|(_, known)| known.root != file.root)
                && !(self.is_whole(file) && self.is_other(file))
            {
                offers.push((&entry.message, file));
            }
        }
        offers
    }

    /// The files of which something is here, or was asked for, and which are not among the [`offers`](Self::offers): their messages are not shown any
    /// more.
    #[must_use]
    pub fn files_besides(&self, offers: &[(&Message, &FileInfo)]) -> Vec<&FileInfo> {
        let is_shown = |info: &FileInfo| offers.iter().any(|(_, file)| file.root == info.root);
        let is_here = |info: &FileInfo| {
            self.files
                .get(&info.root)
                .is_some_and(|now| now.state != FileState::Offered)
        };
        self.known
            .values()
            .filter(|info| is_here(info) && !is_shown(info))
            .collect()
    }

    /// Whether what is fetched has another length than this offer says.
    fn is_other(&self, info: &FileInfo) -> bool {
        self.known
            .get(&info.root)
            .is_some_and(|known| known.bytes != info.bytes)
    }

    fn is_whole(&self, file: &FileInfo) -> bool {
        let now = self.files.get(&file.root);
        now.is_some_and(|now| now.state == FileState::Whole)
    }

    pub(super) fn note_file(&mut self, info: FileInfo, progress: FileProgress) {
        self.files.insert(info.root, progress);
        self.known.insert(info.root, info);
    }
}
