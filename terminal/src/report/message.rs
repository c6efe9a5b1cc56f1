//! A message, as data.

use client::{
    config::REACTIONS_SHOWN_MAX,
    export::date_time,
    room::{Entry, Reaction, RoomState},
    words::excerpt,
};
use serde::{Deserialize, Serialize};
use shared::MessageId;

use super::{DeliveryReport, FileReport};

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageReport {
    /// Its id.
    pub id: String,
    /// The public key of its author.
    pub author: String,
    /// What to call its author; with a fingerprint if another person has the name too.
    pub name: String,
    /// Whether it is our own.
    pub own: bool,
    /// The public key of whom it was whispered to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What to call them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_name: Option<String>,
    /// When it was said, by its author's clock.
    pub time: String,
    /// What was said, or what it says since its author changed it.
    pub text: String,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<AnsweredReport>,
    /// Whether its author changed it.
    #[serde(default)]
    pub edited: bool,
    /// Whether its author deleted it.
    #[serde(default)]
    pub deleted: bool,
    /// What people have for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionReport>,
    /// The file that is offered by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileReport>,
    /// How far it got, if it is our own and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryReport>,
    /// Whether it is of a former visit.
    pub earlier: bool,
}

/// The message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredReport {
    /// Its id.
    pub id: String,
    /// The public key of its author, if it is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What to call its author, if it is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it begins with, if it is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// An emoji that people have for a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionReport {
    /// The emoji, a peer's text.
    pub emoji: String,
    /// The public keys of those who have it.
    pub from: Vec<String>,
    /// The emoji, how many have it, and what to call the first of them.
    pub words: String,
}

impl AnsweredReport {
    fn new(room: &RoomState, id: &MessageId) -> Self {
        let entry = room.entry(id).filter(|entry| entry.is_for_everyone());
        Self {
            id: id.to_text(),
            author: entry.map(|entry| entry.message.author.to_text()),
            name: entry.map(|entry| room.author_of(&entry.message)),
            excerpt: entry.map(|entry| excerpt(&entry.message)),
        }
    }
}

impl ReactionReport {
    /// What people have for a message.
    #[must_use]
    pub fn all(room: &RoomState, entry: &Entry) -> Vec<Self> {
        let report = |reaction: Reaction<'_>| Self {
            words: client::words::reaction(&reaction, |author, then| room.name_then(author, then)),
            emoji: reaction.emoji.to_owned(),
            from: reaction.from.iter().map(|(author, _)| author.to_text()).collect(),
        };
        entry
            .reactions()
            .into_iter()
            .take(REACTIONS_SHOWN_MAX)
            .map(report)
            .collect()
    }
}

impl MessageReport {
    /// Of a message in `room`. `number` is that of its file; `earlier` says whether it is of a former visit.
    #[must_use]
    pub fn new(room: &RoomState, entry: &Entry, number: usize, earlier: bool) -> Self {
        let message = &entry.message;
        let file = message.file.as_ref();
        Self {
            id: message.id.to_text(),
            author: message.author.to_text(),
            name: room.author_of(message),
            own: message.own,
            to: message.whisper_to.map(|to| to.to_text()),
            to_name: message.whisper_to.map(|to| room.name_of(&to)),
            time: date_time(message.unix_millis),
            text: message.text.clone(),
            answers: message.reply_to.map(|answered| AnsweredReport::new(room, &answered)),
            edited: entry.original.is_some(),
            deleted: message.deleted,
            reactions: ReactionReport::all(room, entry),
            file: file.map(|info| FileReport::new(number, info, room.progress(info).as_ref(), message.own)),
            delivery: entry.delivery.map(|delivery| DeliveryReport::new(entry, delivery)),
            earlier,
        }
    }
}
