//! What a person may put into the fields of the start page, and what to say when they did not.

use shared::{RoomCode, limits::NAME_CHARS_MAX, room::ParseRoomError};
use thiserror::Error;

use super::route::code_in;

/// Not a name that others can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("Type a name, so that others know who is talking.")]
    Empty,
    /// Over [`NAME_CHARS_MAX`] characters.
    #[error("This name has {chars} characters; {NAME_CHARS_MAX} is the most. Shorten it.")]
    TooLong {
        /// Its length.
        chars: usize,
    },
    /// Control characters, most likely pasted along.
    #[error("This name has an invisible control character in it. Type it again by hand.")]
    ControlCharacter,
}

/// Trims and checks a name.
///
/// # Errors
/// [`NameError`], whose texts can be shown as they are.
pub fn name(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    let chars = name.chars().count();
    if chars == 0 {
        Err(NameError::Empty)
    } else if chars > NAME_CHARS_MAX {
        Err(NameError::TooLong { chars })
    } else if name.chars().any(char::is_control) {
        Err(NameError::ControlCharacter)
    } else {
        Ok(name.to_owned())
    }
}

/// Reads the field "Room": the name of an open room, a code, or a whole link.
///
/// # Errors
/// [`ParseRoomError`]; [`room_error`] puts it into words.
pub fn room(text: &str) -> Result<RoomCode, ParseRoomError> {
    RoomCode::parse(&code_in(text))
}

/// What happened and what to do, for someone who filled the field "Room".
#[must_use]
pub fn room_error(error: ParseRoomError) -> &'static str {
    match error {
        ParseRoomError::Empty => {
            "Type the name of a room or paste its link. To start one of your own, choose “New room”."
        }
        ParseRoomError::TooLong => "This name is too long for a room; 64 characters is the most. Shorten it.",
        ParseRoomError::ControlCharacter => {
            "This name has an invisible control character in it. Type it again by hand."
        }
        ParseRoomError::Damaged => {
            "This room link is damaged or incomplete. Ask whoever sent it to copy it again, and paste the whole link here."
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::limits::OPEN_ROOM_CHARS_MAX;

    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(name("  Ada "), Ok("Ada".to_owned()));
        assert_eq!(
            name(&"🦜".repeat(NAME_CHARS_MAX)).map(|name| name.chars().count()),
            Ok(NAME_CHARS_MAX)
        );
        assert_eq!(name(" \t"), Err(NameError::Empty));
        assert_eq!(name(&"x".repeat(33)), Err(NameError::TooLong { chars: 33 }));
        assert_eq!(name("a\u{7}b"), Err(NameError::ControlCharacter));
    }

    #[test]
    fn a_room_is_a_name_or_a_link() {
        let open = RoomCode::Open {
            name: "tea party".to_owned(),
        };
        assert_eq!(room("Tea  Party"), Ok(open.clone()));
        assert_eq!(room("https://host/#/r/tea%20party"), Ok(open));
        assert_eq!(room("https://host/#/r/1.cut"), Err(ParseRoomError::Damaged));
    }

    #[test]
    fn the_limit_in_words_is_the_limit() {
        assert!(room_error(ParseRoomError::TooLong).contains(&OPEN_ROOM_CHARS_MAX.to_string()));
    }
}
