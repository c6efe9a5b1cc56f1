//! Messages as they are shown, and what people say of them.

use shared::{MessageId, PeerId};

use super::{FileInfo, Timestamp, Vanish};

/// A message as it is shown. Its text is a peer's: show it as text, never as markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its proven author.
    pub author: PeerId,
    /// The author's name when it was said.
    pub author_name: String,
    /// Whether the author is this node.
    pub own: bool,
    /// Whom it was whispered to; `None` if it was said to everyone.
    pub whisper_to: Option<PeerId>,
    /// Its place: everyone shows messages in ascending order of `(order, id)`, whenever they arrive.
    pub order: Timestamp,
    /// When it was said, in milliseconds since 1970 by the author's clock.
    pub unix_millis: u64,
    /// Whether its place was far ahead of the room's time when it came: its author's clock is wrong.
    pub dated_ahead: bool,
    /// Whether it was said since this node came in, by the room's time: all else is history.
    pub recent: bool,
    /// Which message it answers, if it does: one that may not be here.
    pub reply_to: Option<MessageId>,
    /// What was said. Nothing if it is a file, or the founder's word about vanishing.
    pub text: String,
    /// The file that is offered, if it is one. Its name and media type are a peer's: believe and show them with care.
    pub file: Option<FileInfo>,
    /// After how long messages vanish, if it is the founder's word about that.
    pub vanish: Option<Vanish>,
    /// Whether its author has deleted it: nothing is left of what was said.
    pub deleted: bool,
}

/// What somebody says of a message that was said to everyone.
///
/// Of what one author says of one message, the last in the order of `(order, id)` counts, whenever it arrives. So all agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Its id.
    pub id: MessageId,
    /// Its proven author.
    pub author: PeerId,
    /// The author's name when it was said.
    pub author_name: String,
    /// Its place.
    pub order: Timestamp,
    /// Of which message: one that may not be here.
    pub to: MessageId,
    /// What it says.
    pub says: Says,
}

/// See [`Annotation`]. Its texts are a peer's: show them as text, never as markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// The message has this text from now on. Counts if the author is the message's own.
    Text {
        /// Not blank.
        text: String,
    },
    /// Its author has these emoji for it from now on, and no others.
    Reactions {
        /// Each once, at most [`REACTIONS_MAX`](crate::config::REACTIONS_MAX) of at most
        /// [`REACTION_BYTES_MAX`](crate::config::REACTION_BYTES_MAX) bytes; without control characters and white space.
        emoji: Vec<String>,
    },
}
