//! Messages and notes in one order, to be gone through from any place.

use std::rc::Rc;

use client::room::{Entry, RoomState};

use super::note::{Note, Notebook, Place};

/// Something in the feed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    /// A message.
    Message {
        /// The message.
        entry: &'a Entry,
        /// The one before it.
        before: Option<&'a Entry>,
    },
    /// A note.
    Note(&'a Note),
}

/// Messages and notes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feed<'a> {
    messages: &'a [Rc<Entry>],
    notebook: &'a Notebook,
}

/// How many of both stand before a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    messages: usize,
    notes: usize,
}

/// The place of a message.
#[must_use]
pub(super) fn place_of(entry: &Entry) -> Place {
    Place {
        message: Some((entry.message.order, entry.message.id)),
        note: 0,
    }
}

impl<'a> Feed<'a> {
    /// Of a room.
    #[must_use]
    pub(super) fn new(room: &'a RoomState, notebook: &'a Notebook) -> Self {
        Self {
            messages: &room.messages,
            notebook,
        }
    }

    /// Before all.
    #[must_use]
    pub(super) fn start(&self) -> Position {
        Position { messages: 0, notes: 0 }
    }

    /// After all.
    #[must_use]
    pub(super) fn end(&self) -> Position {
        Position {
            messages: self.messages.len(),
            notes: self.notebook.len(),
        }
    }

    /// Right after a place, whether anything is there any more or not.
    #[must_use]
    pub(super) fn after(&self, place: Place) -> Position {
        let next = Place {
            note: place.note + 1,
            ..place
        };
        Position {
            messages: self.messages.partition_point(|entry| place_of(entry) < next),
            notes: self.notebook.before(next),
        }
    }

    /// What stands before a position, which goes back by it.
    pub(super) fn back(&self, position: &mut Position) -> Option<(Place, Item<'a>)> {
        let message = position.messages.checked_sub(1).and_then(|at| self.messages.get(at));
        let note = position.notes.checked_sub(1).and_then(|at| self.notebook.get(at));
        match (message, note) {
            (Some(entry), note) if note.is_none_or(|note| note.place < place_of(entry)) => {
                position.messages -= 1;
                Some((place_of(entry), self.message(position.messages)?))
            }
            (_, Some(note)) => {
                position.notes -= 1;
                Some((note.place, Item::Note(note)))
            }
            (_, None) => None,
        }
    }

    /// What stands after a position, which goes on by it.
    pub(super) fn forward(&self, position: &mut Position) -> Option<(Place, Item<'a>)> {
        let message = self.messages.get(position.messages);
        let note = self.notebook.get(position.notes);
        match (message, note) {
            (Some(entry), note) if note.is_none_or(|note| place_of(entry) < note.place) => {
                position.messages += 1;
                Some((place_of(entry), self.message(position.messages - 1)?))
            }
            (_, Some(note)) => {
                position.notes += 1;
                Some((note.place, Item::Note(note)))
            }
            (_, None) => None,
        }
    }

    fn message(&self, at: usize) -> Option<Item<'a>> {
        let before = at.checked_sub(1).and_then(|at| self.messages.get(at));
        let entry = self.messages.get(at)?;
        Some(Item::Message {
            entry,
            before: before.map(Rc::as_ref),
        })
    }
}
