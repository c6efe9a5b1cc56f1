//! What people say of messages: edits by their authors, and everybody's reactions.
//!
//! Invariant: the same annotations give the same view, in whatever order they and their messages come. What is said of a message that is not
//! here waits for it.
//!
//! Bounds: [`REACTORS_MAX`] people a message, [`EDITS_MAX`] edits, and [`ANNOTATIONS_BYTES_MAX`] in all; past them what is said of messages that
//! are not here goes first, then all of whoever said most. That is then missing here alone.

use std::rc::Rc;

use litemap::LiteMap;
use mesh::model::{Annotation, Message, Says, Timestamp};
use shared::{MessageId, PeerId};

use super::{Entry, RoomState};
use crate::config::{ANNOTATION_WEIGHT_BYTES, ANNOTATIONS_BYTES_MAX, EDITS_MAX, REACTORS_MAX};

/// Where something stands in the one order.
type Place = (Timestamp, MessageId);

/// What is said of one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Who says that it has another text, and which: in their order. Of others than its author only until it is here.
    edits: LiteMap<PeerId, Vec<(Place, String)>>,
    reactions: LiteMap<PeerId, Reacted>,
}

/// The emoji that somebody has for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reacted {
    /// Since when.
    place: Place,
    /// What they were called then.
    name: String,
    emoji: Vec<String>,
}

/// An emoji, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction<'a> {
    /// The emoji, a peer's text.
    pub emoji: &'a str,
    /// Who has it, those who had it first at the beginning, and what they were called then.
    pub from: Vec<(PeerId, &'a str)>,
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
                let is_new = theirs.is_none() && self.reactions.len() < REACTORS_MAX;
                if is_new || theirs.is_some_and(|theirs| theirs.place < place) {
                    let name = annotation.author_name;
                    let reacted = Reacted { place, name, emoji };
                    self.reactions.insert(annotation.author, reacted);
                }
            }
        }
    }

    /// What the message says by its author's last word, if they changed it.
    #[must_use]
    pub fn text(&self, author: &PeerId) -> Option<&str> {
        let (_, text) = self.edits_by(author).last()?;
        Some(text)
    }

    /// What the author has had it say since they changed it, the last word left out.
    #[must_use]
    pub fn former_texts(&self, author: &PeerId) -> &[(Place, String)] {
        self.edits_by(author).split_last().map_or(&[], |(_, former)| former)
    }

    /// The ids of what an author changed it to.
    pub fn edit_ids(&self, author: &PeerId) -> impl Iterator<Item = MessageId> {
        self.edits_by(author).iter().map(|((_, id), _)| *id)
    }

    fn edits_by(&self, author: &PeerId) -> &[(Place, String)] {
        self.edits.get(author).map_or(&[], |edits| edits)
    }

    /// The emoji that people have for it, those that were there first at the beginning.
    #[must_use]
    pub fn reactions(&self) -> Vec<Reaction<'_>> {
        let mut all = Vec::new();
        for (author, reacted) in &self.reactions {
            for (number, emoji) in reacted.emoji.iter().enumerate() {
                all.push((
                    emoji.as_str(),
                    (reacted.place, number),
                    (*author, reacted.name.as_str()),
                ));
            }
        }
        all.sort_unstable();
        let mut grouped: Vec<((Place, usize), Reaction<'_>)> = Vec::new();
        for (emoji, since, from) in all {
            match grouped.last_mut() {
                Some((_, last)) if last.emoji == emoji => last.from.push(from),
                _ => grouped.push((
                    since,
                    Reaction {
                        emoji,
                        from: vec![from],
                    },
                )),
            }
        }
        grouped.sort_unstable_by_key(|(since, _)| *since);
        grouped.into_iter().map(|(_, reaction)| reaction).collect()
    }

    /// The emoji that someone has for it.
    #[must_use]
    pub fn reactions_of(&self, author: &PeerId) -> &[String] {
        self.reactions.get(author).map_or(&[], |reacted| &reacted.emoji)
    }

    /// The ids of all that is said of it, in their order.
    #[must_use]
    pub fn ids(&self) -> Vec<MessageId> {
        let edits = self.edits.values().flatten().map(|(place, _)| *place);
        let reactions = self.reactions.values().map(|reacted| reacted.place);
        let mut places: Vec<_> = edits.chain(reactions).collect();
        places.sort_unstable();
        places.into_iter().map(|(_, id)| id).collect()
    }

    /// How much is said by whom, in bytes.
    fn weights(&self) -> impl Iterator<Item = (&PeerId, usize)> {
        let weight = |texts: usize| texts + ANNOTATION_WEIGHT_BYTES;
        let edits = self.edits.iter();
        let edits = edits.map(move |(author, edits)| (author, edits.iter().map(|(_, text)| weight(text.len())).sum()));
        let reactions = self.reactions.iter();
        let reactions = reactions.map(move |(author, reacted)| {
            let emoji: usize = reacted.emoji.iter().map(String::len).sum();
            (author, weight(emoji))
        });
        edits.chain(reactions)
    }

    fn bytes(&self) -> usize {
        self.weights().map(|(_, bytes)| bytes).sum()
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
            self.change_about(to, |about| about.note(annotation));
            self.apply(to);
        }
        if self.annotated_bytes > ANNOTATIONS_BYTES_MAX {
            self.forget_annotations();
        }
        // A text may have become longer.
        self.trim();
    }

    /// Shows what is said of a message, if both are here.
    pub(super) fn apply(&mut self, id: MessageId) {
        if !self.about.contains_key(&id) {
            return;
        }
        if let Some(place) = self.messages.iter().rposition(|entry| entry.message.id == id) {
            self.apply_at(place);
        }
    }

    fn apply_at(&mut self, place: usize) {
        let message = &self.messages[place].message;
        // Of a whisper, of the founder's word, or of what is deleted, nobody says anything that counts.
        if !self.messages[place].may_be_answered() {
            return;
        }
        let (id, author, is_file) = (message.id, message.author, message.file.is_some());
        let is_theirs = |editor: &PeerId| *editor == author && !is_file;
        let has_others = |about: &Rc<About>| !about.edits.keys().all(is_theirs);
        if self.about.get(&id).is_some_and(has_others) {
            self.change_about(id, |about| {
                let edits = std::mem::take(&mut about.edits).into_iter();
                about.edits = edits.filter(|(editor, _)| is_theirs(editor)).collect();
            });
        }
        let about = self.about.get(&id).cloned();
        let entry = Rc::make_mut(&mut self.messages[place]);
        let shown = std::mem::take(&mut entry.message.text);
        let bytes = shown.len();
        let first = entry.original.take().unwrap_or(shown);
        match about.as_ref().and_then(|about| about.text(&author)) {
            Some(text) => {
                text.clone_into(&mut entry.message.text);
                entry.original = Some(first);
            }
            None => entry.message.text = first,
        }
        let now = entry.message.text.len();
        entry.about = about;
        self.text_bytes = self.text_bytes - bytes + now;
        if let Some(theirs) = self.weights.get_mut(&author) {
            *theirs = *theirs - bytes + now;
        }
    }

    /// A message has another id.
    pub(super) fn move_annotations(&mut self, before: MessageId, id: MessageId) {
        if let Some(about) = self.about.remove(&before) {
            self.about.insert(id, about);
        }
        for entry in &mut self.messages {
            if entry.message.reply_to == Some(before) {
                Rc::make_mut(entry).message.reply_to = Some(id);
            }
        }
    }

    /// Somebody deletes what they said: nothing is left of it, nor of what was said of it.
    pub(super) fn on_deleted(&mut self, author: PeerId, ids: &[MessageId]) {
        for id in ids {
            let is_it = |entry: &Rc<Entry>| entry.message.id == *id && entry.message.author == author;
            if let Some(place) = self.messages.iter().rposition(is_it)
                && self.messages[place].may_be_answered()
            {
                self.drop_annotations(id);
                let message = self.messages[place].message.clone();
                let gone = Message {
                    file: None,
                    reply_to: None,
                    deleted: true,
                    ..message
                };
                self.put_anew(place, gone);
            }
        }
        self.forget_edits(author, ids);
    }

    /// What an author changed messages to is deleted.
    fn forget_edits(&mut self, author: PeerId, ids: &[MessageId]) {
        let is_meant = |(_, about): &(&MessageId, &Rc<About>)| about.edit_ids(&author).any(|id| ids.contains(&id));
        let changed: Vec<_> = self.about.iter().filter(is_meant).map(|(to, _)| *to).collect();
        for to in changed {
            self.change_about(to, |about| {
                if let Some(edits) = about.edits.get_mut(&author) {
                    edits.retain(|((_, id), _)| !ids.contains(id));
                }
            });
            self.apply(to);
        }
    }

    /// Changes what is said of a message, and counts how much it is now.
    fn change_about(&mut self, to: MessageId, change: impl FnOnce(&mut About)) {
        let about = self.about.entry(to).or_default();
        let before = about.bytes();
        change(Rc::make_mut(about));
        self.annotated_bytes = self.annotated_bytes - before + about.bytes();
    }

    /// A message is gone, and what was said of it.
    pub(super) fn drop_annotations(&mut self, id: &MessageId) {
        if let Some(about) = self.about.remove(id) {
            self.annotated_bytes -= about.bytes();
        }
    }

    /// Too much is said.
    fn forget_annotations(&mut self) {
        let mut shown = LiteMap::<MessageId, ()>::new();
        for entry in self.messages.iter().filter(|entry| entry.about.is_some()) {
            shown.insert(entry.message.id, ());
        }
        let all = std::mem::take(&mut self.about).into_iter();
        self.about = all.filter(|(id, _)| shown.contains_key(id)).collect();
        let mut by_author = LiteMap::<PeerId, usize>::new();
        self.annotated_bytes = 0;
        for (author, bytes) in self.about.values().flat_map(|about| about.weights()) {
            *by_author.entry(*author).or_insert(0) += bytes;
            self.annotated_bytes += bytes;
        }
        let mut most: Vec<_> = by_author.into_iter().map(|(author, bytes)| (bytes, author)).collect();
        most.sort_unstable();
        while self.annotated_bytes > ANNOTATIONS_BYTES_MAX / 2
            && let Some((bytes, author)) = most.pop()
        {
            self.annotated_bytes -= bytes;
            for (_, about) in self.about.iter_mut() {
                Rc::make_mut(about).forget(&author);
            }
        }
        for place in 0..self.messages.len() {
            if self.messages[place].about.is_some() {
                self.apply_at(place);
            }
        }
    }
}

#[cfg(test)]
mod tests;
