//! What people say of messages: edits by their authors, and everybody's reactions.
//!
//! Invariant: the same annotations give the same view, in whatever order they and their messages come. What is said of a message that is not
//! here waits for it.

use std::rc::Rc;

use litemap::LiteMap;
use mesh::model::{Annotation, Says, Timestamp};
use shared::{MessageId, PeerId};

use super::RoomState;
use crate::config::{ANNOTATIONS_MAX, EDITS_MAX};

/// Where something stands in the one order.
type Place = (Timestamp, MessageId);

/// What is said of one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Who says that it has another text, and which: in their order.
    edits: LiteMap<PeerId, Vec<(Place, String)>>,
    /// Who has which emoji for it, since when.
    reactions: LiteMap<PeerId, (Place, Vec<String>)>,
}

impl About {
    fn note(&mut self, annotation: Annotation) {
        let place = (annotation.order, annotation.id);
        match annotation.says {
            Says::Text { text } => {
                let edits = self.edits.entry(annotation.author).or_default();
                if let Err(at) = edits.binary_search_by_key(&place, |(place, _)| *place) {
                    edits.insert(at, (place, text));
                }
                let surplus = edits.len().saturating_sub(EDITS_MAX);
                edits.drain(..surplus);
            }
            Says::Reactions { emoji } => {
                let theirs = self.reactions.get(&annotation.author);
                if theirs.is_none_or(|(known, _)| *known < place) {
                    self.reactions.insert(annotation.author, (place, emoji));
                }
            }
        }
    }

    /// What the message says by its author's last word, if they changed it.
    #[must_use]
    pub fn text(&self, author: &PeerId) -> Option<&str> {
        let (_, text) = self.edits.get(author)?.last()?;
        Some(text)
    }

    /// What the author has had it say since they changed it, the last word left out.
    #[must_use]
    pub fn former_texts(&self, author: &PeerId) -> &[(Place, String)] {
        let edits = self.edits.get(author).map_or(&[][..], |edits| edits);
        edits.split_last().map_or(&[], |(_, former)| former)
    }

    /// The emoji that people have for it, those that were there first at the beginning, each with who has it.
    #[must_use]
    pub fn reactions(&self) -> Vec<(&str, Vec<PeerId>)> {
        let mut by_place: Vec<_> = self.reactions.iter().collect();
        by_place.sort_unstable_by_key(|(_, (place, _))| *place);
        let mut all: Vec<(&str, Vec<PeerId>)> = Vec::new();
        for (author, (_, emoji)) in by_place {
            for one in emoji {
                match all.iter_mut().find(|(known, _)| known == one) {
                    Some((_, authors)) => authors.push(*author),
                    None => all.push((one, vec![*author])),
                }
            }
        }
        all
    }

    /// The emoji that someone has for it.
    #[must_use]
    pub fn reactions_of(&self, author: &PeerId) -> &[String] {
        self.reactions.get(author).map_or(&[], |(_, emoji)| emoji)
    }

    /// The ids of all that is said of it, in their order.
    #[must_use]
    pub fn ids(&self) -> Vec<MessageId> {
        let edits = self.edits.values().flatten().map(|(place, _)| *place);
        let reactions = self.reactions.values().map(|(place, _)| *place);
        let mut places: Vec<_> = edits.chain(reactions).collect();
        places.sort_unstable();
        places.into_iter().map(|(_, id)| id).collect()
    }

    fn len(&self) -> usize {
        self.reactions.len() + self.edits.values().map(Vec::len).sum::<usize>()
    }

    fn forget(&mut self, author: &PeerId) {
        self.edits.remove(author);
        self.reactions.remove(author);
    }
}

impl RoomState {
    /// Something is said of messages.
    pub(super) fn on_annotated(&mut self, annotations: Vec<Annotation>) {
        for annotation in annotations {
            let to = annotation.to;
            Rc::make_mut(self.about.entry(to).or_default()).note(annotation);
            self.annotations += 1;
            self.apply(to);
        }
        if self.annotations > ANNOTATIONS_MAX {
            self.forget_annotations();
        }
    }

    /// Shows what is said of a message, if both are here.
    pub(super) fn apply(&mut self, id: MessageId) {
        let Some(about) = self.about.get(&id).cloned() else {
            return;
        };
        let Some(place) = self.messages.iter().rposition(|entry| entry.message.id == id) else {
            return;
        };
        let entry = Rc::make_mut(&mut self.messages[place]);
        let message = &mut entry.message;
        // Of a whisper or a file, nobody says anything that counts.
        if message.whisper_to.is_some() || message.vanish.is_some() {
            return;
        }
        let text = about.text(&message.author).filter(|_| message.file.is_none());
        if let Some(text) = text.filter(|text| *text != message.text) {
            let before = std::mem::replace(&mut message.text, text.to_owned());
            self.text_bytes = self.text_bytes - before.len() + message.text.len();
            if let Some(theirs) = self.weights.get_mut(&message.author) {
                *theirs = *theirs - before.len() + message.text.len();
            }
            entry.original.get_or_insert(before);
        }
        entry.about = Some(about);
    }

    fn count_annotations(&mut self) {
        self.annotations = self.about.values().map(|about| about.len()).sum();
    }

    /// A message has another id.
    pub(super) fn move_annotations(&mut self, before: MessageId, id: MessageId) {
        if let Some(about) = self.about.remove(&before) {
            self.about.insert(id, about);
        }
    }

    /// Too much is said: what is said of messages that are not here goes first, then all that whoever said most of it says.
    fn forget_annotations(&mut self) {
        let mut shown = LiteMap::<MessageId, ()>::new();
        for entry in self.messages.iter().filter(|entry| entry.about.is_some()) {
            shown.insert(entry.message.id, ());
        }
        let all = std::mem::take(&mut self.about).into_iter();
        self.about = all.filter(|(id, _)| shown.contains_key(id)).collect();
        self.count_annotations();
        if self.annotations <= ANNOTATIONS_MAX / 2 {
            return;
        }
        let mut counts = LiteMap::<PeerId, usize>::new();
        for about in self.about.values() {
            for author in about.reactions.keys() {
                *counts.entry(*author).or_insert(0) += 1;
            }
            for (author, edits) in &about.edits {
                *counts.entry(*author).or_insert(0) += edits.len();
            }
        }
        let most = counts.iter().max_by_key(|(_, count)| **count);
        if let Some(most) = most.map(|(author, _)| *author) {
            for (_, about) in self.about.iter_mut() {
                Rc::make_mut(about).forget(&most);
            }
            self.count_annotations();
            for entry in &mut self.messages {
                if entry.about.is_some() {
                    Rc::make_mut(entry).about = self.about.get(&entry.message.id).cloned();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
