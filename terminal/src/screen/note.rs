//! What this program tells between the messages: who came, what a command answered.
//!
//! A note stands after the message that was the last one when it was told, whatever comes in between later. Invariants: [`NOTES_MAX`] and
//! [`NOTES_BYTES_MAX`], the oldest go; notes are in the order of their places.

use std::collections::VecDeque;

use mesh::model::Timestamp;
use shared::MessageId;

use crate::config::{NOTES_BYTES_MAX, NOTES_MAX};

/// The place of a message or a note. All have another one, and stand in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Of the message, or of the last one before the note.
    pub(super) message: Option<(Timestamp, MessageId)>,
    /// The number of the note, from 1; 0 is the message itself.
    pub(super) note: u64,
}

/// How a note looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// It can be passed over.
    Quiet,
    /// Somebody asked for it.
    Answer,
    /// Something to be known.
    Warning,
    /// Something to be acted on.
    Danger,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// Where it stands.
    pub(super) place: Place,
    /// Harmless, perhaps of several lines.
    pub(super) text: String,
    /// How it looks.
    pub(super) tone: Tone,
}

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Notebook {
    notes: VecDeque<Note>,
    told: u64,
    bytes: usize,
}

impl Notebook {
    /// Tells something after `message`.
    pub(super) fn tell(&mut self, message: Option<(Timestamp, MessageId)>, mut text: String, tone: Tone) {
        if text.len() > NOTES_BYTES_MAX {
            let end = (0..=NOTES_BYTES_MAX - 3).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or(0));
            text.push('…');
        }
        self.told += 1;
        // The last message can be renumbered, or be one of many that were dropped.
        let before = self.notes.back().and_then(|note| note.place.message);
        let place = Place {
            message: message.max(before),
            note: self.told,
        };
        self.bytes += text.len();
        self.notes.push_back(Note { place, text, tone });
        while self.notes.len() > NOTES_MAX || self.bytes > NOTES_BYTES_MAX {
            let Some(oldest) = self.notes.pop_front() else { break };
            self.bytes -= oldest.text.len();
        }
    }

    /// Says the last note in other words, if it has this number and stands after `message`.
    pub(super) fn retell(&mut self, number: u64, message: Option<(Timestamp, MessageId)>, text: String) -> bool {
        let last = self.notes.back_mut();
        let Some(last) = last.filter(|last| last.place.note == number && last.place.message >= message) else {
            return false;
        };
        self.bytes = self.bytes - last.text.len() + text.len();
        last.text = text;
        true
    }

    /// The number of the last note.
    pub(super) fn last_number(&self) -> u64 {
        self.told
    }

    /// How many there are.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.notes.len()
    }

    /// The one at a position, the oldest first.
    #[must_use]
    pub(super) fn get(&self, position: usize) -> Option<&Note> {
        self.notes.get(position)
    }

    /// How many stand before a place.
    #[must_use]
    pub(super) fn before(&self, place: Place) -> usize {
        self.notes.partition_point(|note| note.place < place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_and_what_is_too_long_is_cut() {
        let mut notebook = Notebook::default();
        for number in 0..=NOTES_MAX {
            notebook.tell(None, number.to_string(), Tone::Quiet);
        }
        assert_eq!(
            (notebook.len(), notebook.get(0).unwrap().text.as_str()),
            (NOTES_MAX, "1")
        );
        notebook.tell(None, "字".repeat(NOTES_BYTES_MAX), Tone::Answer);
        assert_eq!(notebook.len(), 1);
        let note = notebook.get(0).unwrap();
        assert!(note.text.len() <= NOTES_BYTES_MAX && note.text.ends_with("字…"));
    }
}
