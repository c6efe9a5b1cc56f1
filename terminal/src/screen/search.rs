//! Looking for a text in what was said.

use std::{collections::BTreeMap, ops::Range};

use client::{room::RoomState, search::places};
use unicode_normalization::UnicodeNormalization as _;

use super::{draft::Draft, feed::place_of, note::Place};

/// A search under way.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// What is looked for, whatever its case.
    pub(super) draft: Draft,
    /// The messages that have it, in the order of the room.
    pub(super) found: Vec<Place>,
    /// Which of them was gone to.
    pub(super) current: Option<usize>,
}

impl Search {
    /// Looks through the room again. The message that was gone to stays the same if it is there; otherwise it is the newest one.
    pub(super) fn update(&mut self, room: &RoomState) {
        let before = self.current_place();
        let wanted = self.draft.text();
        let has_it = |text: &str| !find(text, wanted).is_empty();
        // To name somebody takes a look at everybody.
        let mut authors = BTreeMap::new();
        self.found.clear();
        if !wanted.is_empty() {
            let entries = room.messages.iter().filter(|entry| {
                let message = &entry.message;
                let file = message.file.as_ref().is_some_and(|file| has_it(&file.name));
                let said_as = (message.author, message.author_name.as_str());
                let mut author = || {
                    *authors
                        .entry(said_as)
                        .or_insert_with(|| has_it(&room.author_of(message)))
                };
                has_it(&message.text) || file || author()
            });
            self.found.extend(entries.map(|entry| place_of(entry)));
        }
        let same = before.and_then(|before| self.found.binary_search(&before).ok());
        self.current = same.or_else(|| self.found.len().checked_sub(1));
    }

    /// Where the message is that was gone to.
    #[must_use]
    pub(super) fn current_place(&self) -> Option<Place> {
        self.current.and_then(|current| self.found.get(current)).copied()
    }

    /// Goes to the one before. Before the oldest comes the newest.
    pub(super) fn go_older(&mut self) {
        self.current = self
            .current
            .map(|current| current.checked_sub(1).unwrap_or(self.found.len() - 1));
    }

    /// Goes to the one after. After the newest comes the oldest.
    pub(super) fn go_newer(&mut self) {
        self.current = self.current.map(|current| (current + 1) % self.found.len());
    }
}

/// Where `wanted` stands in a text, whatever case, accents and width.
#[must_use]
pub(super) fn find(text: &str, wanted: &str) -> Vec<Range<usize>> {
    places(text, wanted, decompose)
}

/// See [`Decompose`](client::search::Decompose).
fn decompose(text: &str) -> String {
    text.nfkd().flat_map(char::to_lowercase).collect()
}

/// The same as a word of its own.
#[must_use]
pub(super) fn find_word(text: &str, word: &str) -> Vec<Range<usize>> {
    let is_letter = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let mut found = find(text, word);
    found.retain(|place| {
        !is_letter(text[..place.start].chars().next_back()) && !is_letter(text[place.end..].chars().next())
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_no_part_of_another() {
        assert_eq!(find_word("Ann, Anna: ann!", "Ann"), [0..3, 11..14]);
        assert_eq!(find_word("x", "Ann"), []);
    }
}
