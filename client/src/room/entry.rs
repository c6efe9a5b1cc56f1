//! A message as the room shows it.

use std::{rc::Rc, time::Duration};

use mesh::model::{Delivery, Message};

use super::{About, Reaction};
use crate::config::FOLLOWS_WITHIN;

/// A message and how far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The message.
    pub message: Message,
    /// How far it got, if it is our own.
    pub delivery: Option<Delivery>,
    /// What it said first, if its author changed it.
    pub original: Option<String>,
    /// What is said of it.
    pub about: Option<Rc<About>>,
}

impl Entry {
    /// The emoji that people have for it: see [`About::reactions`].
    #[must_use]
    pub fn reactions(&self) -> Vec<Reaction<'_>> {
        self.about.as_deref().map(About::reactions).unwrap_or_default()
    }

    /// Whether it is ours to be changed: a text that we said to everyone.
    #[must_use]
    pub fn may_be_edited(&self) -> bool {
        self.may_be_deleted() && self.message.file.is_none()
    }

    /// Whether it is ours to be deleted: we said it to everyone.
    #[must_use]
    pub fn may_be_deleted(&self) -> bool {
        self.message.own && self.may_be_answered()
    }

    /// Whether something can be said of it: it was said to everyone, and is not deleted.
    #[must_use]
    pub fn may_be_answered(&self) -> bool {
        self.is_for_everyone() && !self.message.deleted
    }

    /// Whether it was said to everyone.
    #[must_use]
    pub fn is_for_everyone(&self) -> bool {
        self.message.whisper_to.is_none() && self.message.vanish.is_none()
    }
}

/// Whether a message goes on where the message before it ended: same author, same people, soon after.
#[must_use]
pub fn follows(before: &Message, message: &Message) -> bool {
    before.author == message.author
        && before.author_name == message.author_name
        && before.whisper_to == message.whisper_to
        && Duration::from_millis(before.unix_millis.abs_diff(message.unix_millis)) < FOLLOWS_WITHIN
}
