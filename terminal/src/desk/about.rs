//! What a person does with what was said last: answers, emoji, another text, deleting.

use client::{
    room::{Entry, RoomState},
    words::excerpt,
};
use mesh::model::SendError;
use shared::PeerId;

use super::{Desk, Refusal, addressee, done};
use crate::{
    line::command::{Addressed, Sure},
    report::Report,
};

/// The last message to everyone by someone.
fn last_of(room: &RoomState, author: PeerId) -> Option<&Entry> {
    let mut entries = room.messages.iter().rev().map(|entry| &**entry);
    entries.find(|entry| entry.message.author == author && entry.may_be_answered())
}

/// The last one of theirs, for what is done with what others said.
fn theirs(room: &RoomState, author: PeerId) -> Result<&Entry, Refusal> {
    let name = || room.name_of(&author);
    last_of(room, author).ok_or_else(|| Refusal::SaidNothing { name: name() })
}

/// Our own last text, for what is done with what we said.
fn ours(room: &RoomState, is_meant: impl Fn(&Entry) -> bool) -> Result<&Entry, Refusal> {
    let mut entries = room.messages.iter().rev().map(|entry| &**entry);
    entries.find(|entry| is_meant(entry)).ok_or(Refusal::NothingOfOurs)
}

fn not_sent(error: SendError) -> Refusal {
    Refusal::NotSent { error, to: None }
}

impl Desk {
    /// Answers the last message of someone.
    pub(super) fn reply(&self, room: &RoomState, addressed: Addressed) -> Result<Report, Refusal> {
        let (author, text) = addressee::resolve(room, addressed)?;
        let entry = theirs(room, author)?;
        let id = self.session.reply(entry.message.id, &text).map_err(not_sent)?;
        Ok(Report::Said { id: id.to_text() })
    }

    /// Has an emoji for the last message of someone, or no longer.
    pub(super) fn react(&self, room: &RoomState, addressed: Addressed) -> Result<Report, Refusal> {
        let (author, emoji) = addressee::resolve(room, addressed)?;
        let entry = theirs(room, author)?;
        let has = entry
            .about
            .as_deref()
            .is_some_and(|about| about.reactions_of(&room.me).contains(&emoji));
        self.session.react(entry.message.id, &emoji).map_err(not_sent)?;
        let what = if has { "Taken back" } else { "Said" };
        Ok(done(&format!("{what}: {emoji} for “{}”.", excerpt(&entry.message))))
    }

    /// Has our last text say something else.
    pub(super) fn edit(&self, room: &RoomState, text: &str) -> Result<Report, Refusal> {
        let entry = ours(room, Entry::may_be_edited)?;
        self.session.edit(entry.message.id, text).map_err(not_sent)?;
        Ok(done(&format!("Changed, for everyone: “{}”.", excerpt(&entry.message))))
    }

    /// Deletes our last message for everyone: the one that the person was asked about, whatever was said meanwhile.
    pub(super) fn delete(&mut self, room: &RoomState, sure: Sure) -> Result<Report, Refusal> {
        let asked = match sure {
            Sure::NotYet => None,
            Sure::Yes => self.asked_to_delete.take(),
        };
        let Some(id) = asked else {
            let entry = ours(room, Entry::may_be_deleted)?;
            self.asked_to_delete = Some(entry.message.id);
            let excerpt = excerpt(&entry.message);
            return Err(Refusal::DeleteNotSure { excerpt });
        };
        let entry = ours(room, |entry| entry.message.id == id && entry.may_be_deleted())?;
        let excerpt = excerpt(&entry.message);
        self.session.delete(entry.message.id).map_err(not_sent)?;
        Ok(done(&format!("Deleted, for everyone: “{excerpt}”.")))
    }
}
