//! What an entry says of a message: the bodies of replies, edits and reactions.
//!
//! A message is named by its id, the beginning of the hash of its header: so nobody can make another message of the same id, and what is
//! said of a message means the same to whoever has it, before it comes or after.

use minicbor::Encode;
use shared::{
    MessageId,
    name::{is_hidden, is_visible},
};
use wire_derive::Decode;

use crate::config::{REACTION_BYTES_MAX, REACTIONS_MAX};

/// A text about a message: what answers it, or what it says from now on. Which of both, the kind of the entry says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Related {
    #[n(0)]
    pub(crate) to: MessageId,
    #[n(1)]
    pub(crate) text: String,
}

/// All emoji that somebody has for a message from now on. None takes back what was there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Reactions {
    #[n(0)]
    pub(crate) to: MessageId,
    #[n(1)]
    pub(crate) emoji: Vec<String>,
}

impl Reactions {
    pub(crate) fn is_valid(&self) -> bool {
        let is_one = |emoji: &String| {
            let is_drawn = |char: char| !is_hidden(char) && !char.is_whitespace();
            (1..=REACTION_BYTES_MAX).contains(&emoji.len()) && emoji.chars().all(is_drawn) && is_visible(emoji)
        };
        let is_first = |(place, emoji)| !self.emoji[..place].contains(emoji);
        self.emoji.len() <= REACTIONS_MAX
            && self.emoji.iter().all(is_one)
            && self.emoji.iter().enumerate().all(is_first)
    }
}
