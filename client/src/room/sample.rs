//! Messages for tests.

use mesh::model::{Message, Timestamp};
use shared::{MessageId, PeerId};

/// Said by `author`, of whom the first is us, at the place of its id.
pub(crate) fn message(byte: u8, author: u8, text: &str) -> Message {
    Message {
        id: MessageId::from_bytes([byte; 16]),
        author: PeerId::from_bytes([author; 32]),
        author_name: "Ada".into(),
        own: author == 0,
        whisper_to: None,
        order: Timestamp::from_unix_millis(byte.into()),
        unix_millis: 0,
        dated_ahead: false,
        recent: false,
        reply_to: None,
        text: text.into(),
        file: None,
        vanish: None,
        deleted: false,
    }
}
