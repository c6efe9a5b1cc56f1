//! What an entry says of a message: the bodies of replies, edits, reactions and deletions.
//!
//! A message is named by its id, the beginning of the hash of its header: so nobody can make another message of the same id, and what is
//! said of a message means the same to whoever has it, before it comes or after.

use minicbor::Encode;
use shared::{
    Identity, Label, MessageId, PeerId, Room, Signature,
    name::{is_hidden, is_visible},
};
use wire_derive::Decode;

use super::signed::{sign, verify};
use crate::config::{DELETED_MAX, PINS_MAX, REACTION_BYTES_MAX, REACTIONS_MAX};

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

/// The messages that everybody is to find, by the founder's word. None takes back what was there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Pins {
    #[n(0)]
    pub(crate) ids: Vec<MessageId>,
}

impl Pins {
    pub(crate) fn is_valid(&self) -> bool {
        let is_first = |(place, id)| !self.ids[..place].contains(id);
        self.ids.len() <= PINS_MAX && self.ids.iter().enumerate().all(is_first)
    }
}

/// Entries of the author that are deleted.
///
/// Each has a signature of its own, which takes the place of the entry's body wherever the entry is kept or sent. So whoever gets an entry
/// without its body has its author's word for that with it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Deletions {
    #[n(0)]
    pub(crate) of: Vec<Deleted>,
}

/// See [`Deletions`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Deleted {
    #[n(0)]
    pub(crate) id: MessageId,
    #[n(1)]
    pub(crate) proof: Signature,
}

impl Deletions {
    pub(crate) fn sign(identity: &Identity, room: &Room, ids: &[MessageId]) -> Self {
        let deleted = |id: &MessageId| Deleted {
            id: *id,
            proof: sign(identity, Label::Deletion, room, id.as_bytes()),
        };
        Self {
            of: ids.iter().map(deleted).collect(),
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        (1..=DELETED_MAX).contains(&self.of.len())
    }

    /// Whether the author signed all of it.
    pub(super) fn is_signed(&self, author: &PeerId, room: &Room) -> bool {
        let is_signed = |deleted: &Deleted| is_deletion(&deleted.proof, &deleted.id, author, room);
        self.of.iter().all(is_signed)
    }
}

/// Whether an author says by this that an entry of theirs is deleted.
pub(super) fn is_deletion(proof: &Signature, id: &MessageId, author: &PeerId, room: &Room) -> bool {
    verify(author, Label::Deletion, room, id.as_bytes(), proof).is_ok()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;
    use shared::RoomCode;

    use super::{
        super::{
            codec::encode,
            entry::{Entry, EntryBody},
            timestamp::Timestamp,
        },
        *,
    };

    const TO: MessageId = MessageId::from_bytes([3; 16]);

    /// Golden vectors: a change here is a change of the protocol.
    #[test]
    fn bodies_are_these_bytes() {
        let related = Related {
            to: TO,
            text: "Hi 🦜".into(),
        };
        assert_eq!(
            HEXLOWER.encode(&encode(&related)),
            "82500303030303030303030303030303030367486920f09fa69c"
        );
        let reactions = Reactions {
            to: TO,
            emoji: vec!["👍".into(), "🎉".into()],
        };
        assert_eq!(
            HEXLOWER.encode(&encode(&reactions)),
            "8250030303030303030303030303030303038264f09f918d64f09f8e89"
        );
        let pins = Pins { ids: vec![TO] };
        assert_eq!(
            HEXLOWER.encode(&encode(&pins)),
            "81815003030303030303030303030303030303"
        );
        let room = RoomCode::parse("Lobby").unwrap().open();
        let deletions = Deletions::sign(&Identity::from_secret(&[1; 32]), &room, &[TO]);
        assert_eq!(
            HEXLOWER.encode(&encode(&deletions)),
            "818182500303030303030303030303030303030358406a093c3d1bc294ffbd220541ea32f766cc7b4ae7a9b07f072e40bc82e9fca92a28000fe2aac69621d135fd3e84f4cc6c211c0b6c548d5895e2d65490a2cfbe00"
        );
    }

    proptest! {
        #[test]
        fn any_body_says_something_or_nothing(kind in 5..11_u32, body in prop::collection::vec(any::<u8>(), 0..120)) {
            let entry = Entry {
                feed: 1,
                seq: 0,
                prev: None,
                order: Timestamp::default(),
                unix_millis: 0,
                name: "Ann".into(),
                kind,
                body: EntryBody::of(body),
            };
            let said = [
                entry.reply().is_some(),
                entry.edit().is_some(),
                entry.reactions().is_some(),
                entry.deletions().is_some(),
            ];
            prop_assert!(said.iter().filter(|said| **said).count() <= 1);
            prop_assert!(entry.reactions().is_none_or(|reactions| reactions.is_valid()));
        }
    }
}
