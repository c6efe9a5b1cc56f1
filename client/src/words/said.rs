//! What is told of a message beside the message itself.

use mesh::model::Message;
use shared::PeerId;

use crate::{
    config::{EXCERPT_CHARS, REACTED_NAMED_MAX, SPOKEN_CHARS},
    files::shown_name,
    room::Reaction,
};

/// An emoji that people have for a message: how many, and who. `name` gives what somebody is called, by what they were called then.
#[must_use]
pub fn reaction(reaction: &Reaction<'_>, name: impl Fn(&PeerId, &str) -> String) -> String {
    let named = reaction.from.iter().take(REACTED_NAMED_MAX);
    let names: Vec<_> = named.map(|(author, then)| name(author, then)).collect();
    let more = match reaction.from.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} {} from {}{more}",
        reaction.emoji,
        reaction.from.len(),
        names.join(", ")
    )
}

/// The beginning of what a message says, on one line.
#[must_use]
pub fn excerpt(message: &Message) -> String {
    let file = message.file.as_ref().map(|file| shown_name(&file.name));
    let text = file.as_deref().unwrap_or(&message.text);
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    let mut beginning: String = line.chars().take(EXCERPT_CHARS).collect();
    if beginning.len() < line.len() {
        beginning.push('…');
    }
    beginning
}

/// What somebody said, for those who listen rather than read; of a long text its beginning.
#[must_use]
pub fn spoken(author: &str, message: &Message, text: &str) -> String {
    let whispers = if message.whisper_to.is_some() { " whispers" } else { "" };
    let file = message
        .file
        .as_ref()
        .map(|file| format!("the file {}", shown_name(&file.name)));
    let text = file.as_deref().unwrap_or(text);
    let beginning: String = text.chars().take(SPOKEN_CHARS).collect();
    let more = if beginning.len() < text.len() { "…" } else { "" };
    format!("{author}{whispers}: {beginning}{more}")
}
