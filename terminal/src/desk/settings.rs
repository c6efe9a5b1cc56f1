//! What the room is about, what its founder pinned in it, and for how long things are kept.

use client::{room::RoomState, validate, words::keeping};
use mesh::model::Retention;

use super::{Desk, Refusal, done, message};
use crate::{
    line::command::KeepChange,
    report::{MessageReport, Report},
};

impl Desk {
    /// Says what the room is about from now on, or tells what it is about.
    pub(super) fn topic(&self, topic: Option<String>) -> Result<Report, Refusal> {
        let Some(topic) = topic else {
            let topic = self.session.room().topic.clone();
            return Ok(Report::Topic { topic });
        };
        let topic = validate::topic(&topic).map_err(Refusal::Topic)?;
        let said = self.session.set_topic(&topic);
        said.map_err(|error| Refusal::NotSent { error, to: None })?;
        Ok(done("Saved."))
    }

    /// The messages that everybody is to find, as far as they are here.
    pub(super) fn pinned(&self, room: &RoomState) -> Vec<MessageReport> {
        let found = room.pins.iter().filter_map(|id| room.entry(id));
        let found = found.filter(|entry| entry.may_be_answered());
        found
            .map(|entry| message(room, entry, self.transcript.numbers()))
            .collect()
    }

    /// Keeps things for so long from now on, and tells for how long they are kept.
    pub(super) fn keep(&mut self, change: Option<KeepChange>) -> Result<Report, Refusal> {
        let keep = self.session.room().retention;
        match change {
            Some(KeepChange::Vanish { after }) => {
                let to = None;
                let said = self.session.set_vanish(after);
                said.map_err(|error| Refusal::NotSent { error, to })?;
            }
            Some(KeepChange::Entries { entries }) => self.session.set_retention(Retention { entries, ..keep }),
            Some(KeepChange::Bytes { bytes }) => self.session.set_retention(Retention { bytes, ..keep }),
            Some(KeepChange::Seconds { seconds }) => {
                let seconds = Some(seconds);
                self.session.set_retention(Retention { seconds, ..keep });
            }
            Some(KeepChange::All) => self.session.set_retention(Retention::default()),
            None => {
                let room = self.session.room();
                let vanish = keeping::vanish(room.vanish);
                let here = keeping::kept_here(keep);
                return Ok(done(&format!("Messages vanish for everyone: {vanish}. {here}")));
            }
        }
        Ok(done("Saved."))
    }
}
