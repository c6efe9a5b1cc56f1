//! What a person may put into the fields for names and rooms. [`words`](crate::words) says what to do when they did not.

use mesh::{config::TOPIC_BYTES_MAX, wire::codec::valid_topic};
use shared::{
    RoomCode,
    limits::NAME_CHARS_MAX,
    name::{is_hidden, is_visible},
    room::{Fold, ParseRoomError},
};
use thiserror::Error;

use crate::route::code_in;

/// Not a name that others can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("the name is empty")]
    Empty,
    /// Over [`NAME_CHARS_MAX`] characters.
    #[error("the name has {chars} characters, the most is {NAME_CHARS_MAX}")]
    TooLong {
        /// Its length.
        chars: usize,
    },
    /// [Hidden](shared::name::is_hidden) characters, most likely pasted along, or nothing else.
    #[error("the name has a hidden character")]
    HiddenCharacter,
}

/// Trims and checks a name.
///
/// # Errors
/// [`NameError`]; [`words::name_error`](crate::words::name_error) says what to do.
pub fn name(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    let chars = name.chars().count();
    if chars == 0 {
        Err(NameError::Empty)
    } else if chars > NAME_CHARS_MAX {
        Err(NameError::TooLong { chars })
    } else if name.chars().any(is_hidden) || !is_visible(name) {
        Err(NameError::HiddenCharacter)
    } else {
        Ok(name.to_owned())
    }
}

/// Trims and checks what a room is about. It may be empty.
///
/// # Errors
/// [`NameError`]; [`words::topic_error`](crate::words::topic_error) says what to do.
pub fn topic(text: &str) -> Result<String, NameError> {
    let topic = text.trim();
    if valid_topic(topic) {
        Ok(topic.to_owned())
    } else if topic.len() > TOPIC_BYTES_MAX {
        let chars = topic.chars().count();
        Err(NameError::TooLong { chars })
    } else {
        Err(NameError::HiddenCharacter)
    }
}

/// Reads the field "Room": the name of an open room, a code, or a whole link. `fold` is the platform's.
///
/// # Errors
/// [`ParseRoomError`]; [`words::room_error`](crate::words::room_error) says what to do.
pub fn room(text: &str, fold: Fold) -> Result<RoomCode, ParseRoomError> {
    let code = code_in(text);
    // A link that leads to no room is no name for one: whoever pasted it would sit alone in a room that others can guess.
    if code.contains("://") {
        return Err(ParseRoomError::Damaged);
    }
    RoomCode::parse_typed(&code, fold)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(name("a\u{7}b"), Err(NameError::HiddenCharacter));
    }

    #[test]
    fn topics_are_trimmed_and_bounded_and_may_be_empty() {
        assert_eq!(topic("  Tea, at five "), Ok("Tea, at five".to_owned()));
        assert_eq!(topic(" "), Ok(String::new()));
        assert_eq!(topic(&"x".repeat(513)), Err(NameError::TooLong { chars: 513 }));
        assert_eq!(topic("two\nlines"), Err(NameError::HiddenCharacter));
        assert_eq!(topic("\u{200d}"), Err(NameError::HiddenCharacter));
    }

    fn room(text: &str) -> Result<RoomCode, ParseRoomError> {
        use unicode_normalization::UnicodeNormalization;

        super::room(text, |name| Some(name.nfkc().collect::<String>().to_lowercase()))
    }

    #[test]
    fn a_room_is_a_name_or_a_link() {
        let open = RoomCode::Open {
            name: "tea party".to_owned(),
        };
        assert_eq!(room("Tea  Party"), Ok(open.clone()));
        assert_eq!(room("Ｔea  Party"), Ok(open.clone()));
        assert_eq!(room("https://host/#/r/tea%20party"), Ok(open));
        assert_eq!(room("https://host/#/r/1.cut"), Err(ParseRoomError::Damaged));
        for link in ["https://example.com/foo", "http://host/#xx", "see http://host"] {
            assert_eq!(room(link), Err(ParseRoomError::Damaged), "{link}");
        }
    }
}
