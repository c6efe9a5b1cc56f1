//! Files that are fetched: which one is meant, and what is to become of it.

use client::room::RoomState;
use mesh::model::{FileInfo, FileState};
use shared::FileId;

use super::{Desk, Refusal, done, how_far, offer};
use crate::{
    config::FILE_ID_CHARS_MIN,
    line::{command::WhichFile, transcript::Numbers},
    report::Report,
};

/// What is to become of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing more is fetched for now.
    Paused,
    /// It is fetched on.
    Resumed,
    /// Nothing of it is kept.
    Cancelled,
}

/// Finds a file by its number, or else by the beginning of its id.
pub(super) fn find<'a>(room: &'a RoomState, numbers: &Numbers, which: &WhichFile) -> Result<&'a FileInfo, Refusal> {
    let text = which.as_str();
    let unknown = || Refusal::NoSuchFile { which: which.clone() };
    let by_number = text.parse().ok().and_then(|number| numbers.file(number));
    if let Some(info) = by_number.and_then(|file| offer(room, &file)) {
        return Ok(info);
    }
    if text.len() < FILE_ID_CHARS_MIN {
        return Err(unknown());
    }
    let offered = room.messages.iter().filter_map(|entry| entry.message.file.as_ref());
    let mut roots: Vec<FileId> = offered
        .map(|info| info.root)
        .filter(|root| root.to_text().starts_with(text))
        .collect();
    roots.dedup();
    match roots.iter().find(|root| **root != roots[0]) {
        Some(_) => Err(Refusal::SeveralFiles { which: which.clone() }),
        None => roots.first().and_then(|root| offer(room, root)).ok_or_else(unknown),
    }
}

impl Desk {
    /// Decides what becomes of a file that is fetched.
    pub(super) fn decide(&mut self, room: &RoomState, which: &WhichFile, fate: Fate) -> Result<Report, Refusal> {
        let info = find(room, self.transcript.numbers(), which)?;
        let name = client::files::shown_name(&info.name);
        let state = how_far(&self.session, &info.root).unwrap_or(FileState::Offered);
        // The room shows a moment later that a file is fetched.
        let is_asked_for = state == FileState::Offered && self.wanted.contains_key(&info.root);
        let is_coming = is_asked_for || matches!(state, FileState::Fetching | FileState::Waiting);
        let text = match fate {
            Fate::Paused if is_coming => {
                self.session.pause_file(info.root);
                format!("{name} waits until you type /resume {which}.")
            }
            Fate::Resumed if matches!(state, FileState::Paused | FileState::NoRoom) => {
                let fetched = self.session.fetch_file(info.clone());
                fetched.map_err(|error| Refusal::Fetch {
                    name: name.clone(),
                    error,
                })?;
                format!("Fetching {name}…")
            }
            Fate::Cancelled if is_asked_for || state != FileState::Offered => {
                self.session.cancel_file(info.root);
                self.wanted.remove(&info.root);
                format!("Nothing of {name} is kept here any more.")
            }
            Fate::Paused | Fate::Resumed | Fate::Cancelled => return Err(Refusal::NotFetched { name }),
        };
        Ok(done(&text))
    }
}
