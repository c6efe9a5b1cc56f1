//! What the person types: a draft for each recipient, and what was sent before.
//!
//! What was typed for one person is in no other's draft at any moment. Invariants: [`DRAFTS_MAX`] drafts, [`TYPED_KEPT_MAX`] and
//! [`TYPED_KEPT_BYTES_MAX`] of what was sent.

use std::collections::{BTreeMap, VecDeque};

use shared::PeerId;

use super::draft::{Draft, Way};
use crate::config::{DRAFTS_MAX, TYPED_KEPT_BYTES_MAX, TYPED_KEPT_MAX};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Composer {
    /// To whom it goes; `None` is everyone.
    pub(super) to: Option<PeerId>,
    /// What is being typed.
    pub(super) draft: Draft,
    /// What was begun for others.
    others: BTreeMap<Option<PeerId>, Draft>,
    /// What was sent, and to whom.
    sent: VecDeque<(Option<PeerId>, String)>,
    /// Where among what was sent to the same recipient the person looks, and what they had typed before they did.
    recalled: Option<(usize, Draft)>,
}

impl Composer {
    /// Goes on with what was begun for somebody.
    pub(super) fn write_to(&mut self, to: Option<PeerId>) {
        if to == self.to {
            return;
        }
        let shown = std::mem::take(&mut self.draft);
        let draft = self.recalled.take().map_or(shown, |(_, begun)| begun);
        if !draft.is_empty() {
            self.others.insert(self.to, draft);
        }
        if self.others.len() > DRAFTS_MAX {
            self.others.pop_last();
        }
        self.to = to;
        self.draft = self.others.remove(&to).unwrap_or_default();
    }

    /// Whether something was begun for somebody and not sent.
    #[must_use]
    pub(super) fn has_draft(&self, to: Option<PeerId>) -> bool {
        self.others.contains_key(&to)
    }

    /// Takes what was typed, to be sent.
    pub(super) fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.draft).text().to_owned();
        self.recalled = None;
        let item = (self.to, text.clone());
        if self.sent.back() != Some(&item) && !text.trim().is_empty() {
            self.sent.push_back(item);
        }
        let bytes = |sent: &VecDeque<(_, String)>| sent.iter().map(|(_, text)| text.len()).sum::<usize>();
        while self.sent.len() > TYPED_KEPT_MAX || self.sent.len() > 1 && bytes(&self.sent) > TYPED_KEPT_BYTES_MAX {
            self.sent.pop_front();
        }
        text
    }

    /// Puts back what could not be sent.
    pub(super) fn put_back(&mut self, text: String) {
        if self.draft.is_empty() {
            self.draft = Draft::new(text);
        }
    }

    /// Shows what was sent to the same recipient before what is shown, or after it.
    pub(super) fn recall(&mut self, way: Way) {
        let sent: Vec<_> = self.sent.iter().filter(|(to, _)| *to == self.to).collect();
        let place = match (way, &self.recalled) {
            (Way::Back, None) => sent.len().checked_sub(1),
            (Way::Back, Some((place, _))) => place.checked_sub(1),
            (Way::Forward, None) => None,
            (Way::Forward, Some((place, _))) => Some(place + 1),
        };
        let Some(place) = place else { return };
        let begun = match self.recalled.take() {
            Some((_, begun)) => begun,
            None => std::mem::take(&mut self.draft),
        };
        if let Some((_, text)) = sent.get(place) {
            self.draft = Draft::new(text.clone());
            self.recalled = Some((place, begun));
        } else {
            self.draft = begun;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(byte: u8) -> Option<PeerId> {
        Some(PeerId::from_bytes([byte; 32]))
    }

    #[test]
    fn each_recipient_has_a_draft() {
        let mut composer = Composer::default();
        composer.draft.insert("to all");
        composer.write_to(peer(1));
        assert!(composer.draft.is_empty() && composer.has_draft(None));
        composer.draft.insert("to one");
        composer.write_to(peer(2));
        assert!(composer.draft.is_empty());
        composer.write_to(peer(1));
        assert_eq!(composer.draft.text(), "to one");
        composer.take();
        composer.write_to(None);
        assert_eq!(composer.draft.text(), "to all");
        assert!(!composer.has_draft(peer(1)));
        for byte in 0..=255 {
            composer.write_to(peer(byte));
            composer.draft.insert("x");
        }
        assert!(composer.others.len() <= DRAFTS_MAX);
        composer.write_to(None);
        assert_eq!(composer.draft.text(), "to all");
    }

    #[test]
    fn what_was_sent_comes_back_and_what_was_begun_is_not_lost() {
        let mut composer = Composer::default();
        for text in ["one", "two", "two", " "] {
            composer.draft.insert(text);
            composer.take();
        }
        composer.draft.insert("begun");
        let mut recall = |way| {
            composer.recall(way);
            composer.draft.text().to_owned()
        };
        let shown = [
            Way::Back,
            Way::Back,
            Way::Back,
            Way::Forward,
            Way::Forward,
            Way::Forward,
        ]
        .map(&mut recall);
        assert_eq!(shown, ["two", "one", "one", "two", "begun", "begun"]);
    }

    #[test]
    fn what_was_whispered_comes_back_to_nobody_else() {
        let mut composer = Composer::default();
        composer.draft.insert("to all");
        composer.take();
        composer.write_to(peer(1));
        composer.draft.insert("the PIN is 4711");
        composer.take();
        composer.draft.insert("begun");
        composer.recall(Way::Back);
        assert_eq!(composer.draft.text(), "the PIN is 4711");
        composer.write_to(None);
        composer.recall(Way::Back);
        assert_eq!(composer.draft.text(), "to all");
        composer.write_to(peer(1));
        assert_eq!(composer.draft.text(), "begun", "and what was begun is not lost");
    }

    #[test]
    fn what_was_sent_is_kept_within_bounds() {
        let mut composer = Composer::default();
        for number in 0..2 * TYPED_KEPT_MAX {
            composer.draft.insert(&number.to_string());
            composer.take();
        }
        assert_eq!(composer.sent.len(), TYPED_KEPT_MAX);
        for byte in ["x", "y"] {
            composer.draft.insert(&byte.repeat(100_000));
            composer.take();
        }
        for _ in 0..10 {
            composer.draft.insert(&"z".repeat(100_000));
            composer.take();
            composer.draft.insert(&"y".repeat(100_000));
            composer.take();
        }
        assert!(composer.sent.iter().map(|(_, text)| text.len()).sum::<usize>() <= TYPED_KEPT_BYTES_MAX);
    }
}
