//! Who fills the list of messages, so that a flood pushes out only itself.

use std::rc::Rc;

use mesh::model::Message;

use super::{Entry, RoomState};
use crate::config::{MESSAGE_WEIGHT_BYTES, MESSAGES_MAX, TEXT_TOTAL_BYTES_MAX};

/// How much of the list a message fills.
fn weight(message: &Message) -> usize {
    message.text.len() + MESSAGE_WEIGHT_BYTES
}

impl RoomState {
    /// Which message goes when there are too many: the oldest; or, if one author fills most of the list, the oldest of theirs.
    fn least_missed(&self) -> usize {
        let all = self.text_bytes + self.messages.len() * MESSAGE_WEIGHT_BYTES;
        let most = self.weights.iter().find(|(_, theirs)| **theirs > all / 4 * 3);
        let theirs = most.and_then(|(author, _)| {
            let mut messages = self.messages.iter();
            messages.position(|entry| entry.message.author == *author)
        });
        theirs.unwrap_or(0)
    }

    /// Takes away what there is no room for.
    pub(super) fn trim(&mut self) {
        while self.messages.len() > MESSAGES_MAX || self.text_bytes > TEXT_TOTAL_BYTES_MAX {
            self.remove(self.least_missed());
            self.dropped = true;
        }
    }

    /// Counts a message in.
    pub(super) fn count(&mut self, message: &Message) {
        self.text_bytes += message.text.len();
        *self.weights.entry(message.author).or_insert(0) += weight(message);
    }

    /// Takes a message out.
    pub(super) fn remove(&mut self, place: usize) -> Rc<Entry> {
        let entry = self.messages.remove(place);
        self.text_bytes -= entry.message.text.len();
        if let Some(theirs) = self.weights.get_mut(&entry.message.author) {
            *theirs -= weight(&entry.message);
            if *theirs == 0 {
                self.weights.remove(&entry.message.author);
            }
        }
        entry
    }
}
