//! Which sheets there are.

use shared::{MessageId, PeerId};

/// What is shown in front of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// The room's link.
    Invite,
    /// The way in without a server.
    ByHand,
    /// What can be done with the room.
    Menu,
    /// Another name for oneself.
    RenameSelf,
    /// A name for the room.
    RenameRoom,
    /// What the room is about.
    Topic,
    /// For how long things are kept.
    Keeping,
    /// What keys do.
    Keys,
    /// How the page looks here.
    Appearance,
    /// What kind of network this is.
    Check,
    /// Words in what was said.
    Search,
    /// What is told while one looks elsewhere.
    Notifications,
    /// The files of the room.
    Files,
    /// What was said, as a file.
    Export,
    /// What helps to find out what is wrong.
    Diagnostics,
    /// Whether to forget the room.
    Forget,
    /// Who comes along to another room.
    Move,
    /// Whether to close the room for everyone.
    Close,
    /// Who somebody is.
    About(PeerId),
    /// Who has a message.
    Recipients(MessageId),
    /// What can be done with a message.
    Actions(MessageId),
    /// All emoji, to have one for a message.
    Emoji(MessageId),
    /// What a message says, to be copied by hand.
    CopyText(MessageId),
    /// To which other room a message is to be handed on.
    Forward(MessageId),
    /// Another text for a message.
    Edit(MessageId),
    /// Whether to delete a message for everyone.
    Delete(MessageId),
    /// The picture of the network.
    Map,
}

impl Sheet {
    /// Whether it is of no use once the room is closed.
    pub(super) fn needs_room(self) -> bool {
        match self {
            Self::Invite
            | Self::ByHand
            | Self::RenameSelf
            | Self::RenameRoom
            | Self::Topic
            | Self::Move
            | Self::Close
            | Self::Emoji(_)
            | Self::Edit(_)
            | Self::Delete(_) => true,
            Self::Menu
            | Self::Keys
            | Self::Keeping
            | Self::Appearance
            | Self::Check
            | Self::Search
            | Self::Notifications
            | Self::Files
            | Self::Export
            | Self::Diagnostics
            | Self::Forget
            | Self::About(_)
            | Self::Recipients(_)
            | Self::Actions(_)
            | Self::CopyText(_)
            | Self::Forward(_)
            | Self::Map => false,
        }
    }

    /// What closes it besides its buttons (`closedby` in HTML): a click beside it, unless something typed would be lost.
    pub(super) fn closed_by(self) -> &'static str {
        match self {
            Self::ByHand
            | Self::RenameSelf
            | Self::RenameRoom
            | Self::Topic
            | Self::Move
            | Self::Keeping
            | Self::Edit(_) => "closerequest",
            Self::Invite
            | Self::Menu
            | Self::Keys
            | Self::Appearance
            | Self::Check
            | Self::Search
            | Self::Notifications
            | Self::Files
            | Self::Export
            | Self::Diagnostics
            | Self::Forget
            | Self::Close
            | Self::About(_)
            | Self::Recipients(_)
            | Self::Actions(_)
            | Self::Emoji(_)
            | Self::CopyText(_)
            | Self::Forward(_)
            | Self::Delete(_)
            | Self::Map => "any",
        }
    }
}
