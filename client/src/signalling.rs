//! The text messages of a rendezvous server's socket: which are read. `shared::signal` says what they are.

use shared::{
    limits::SIGNAL_MESSAGE_BYTES_MAX,
    signal::{Event, Json},
};
use thiserror::Error;

/// A server's message that is dropped. A later version of the server may say things that this one need not understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignalError {
    /// Over [`SIGNAL_MESSAGE_BYTES_MAX`] bytes.
    #[error("the server's message is too long")]
    TooLong,
    /// No message that this version knows.
    #[error("the server's message is not understood")]
    NotUnderstood,
}

/// Reads a server's message. `parse` reads JSON, as the platform does that.
///
/// # Errors
/// [`SignalError`]; the message is to be dropped.
pub fn parse(text: &str, parse: impl FnOnce(&str) -> Option<Json>) -> Result<Event, SignalError> {
    if text.len() > SIGNAL_MESSAGE_BYTES_MAX {
        return Err(SignalError::TooLong);
    }
    parse(text)
        .and_then(|message| Event::read(&message))
        .ok_or(SignalError::NotUnderstood)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Event, SignalError> {
        super::parse(text, |text| serde_json::from_str(text).ok())
    }

    #[test]
    fn what_is_new_is_ignored_and_what_is_unknown_is_dropped() {
        assert_eq!(parse(r#"{"ping":{"new":[{}]}}"#), Ok(Event::Ping {}));
        for text in [
            "",
            "ping",
            "\"ping\"",
            r#"{"sing":{}}"#,
            "[]",
            r#"{"ping":1}"#,
            r#"{"ping":{},"pong":{}}"#,
        ] {
            assert_eq!(parse(text), Err(SignalError::NotUnderstood), "{text}");
        }
    }

    #[test]
    fn the_longest_message_is_read_and_a_longer_one_is_not_even_parsed() {
        let padded = |bytes: usize| {
            let message = r#"{"ping":{}}"#;
            message.to_owned() + &" ".repeat(bytes - message.len())
        };
        assert_eq!(parse(&padded(SIGNAL_MESSAGE_BYTES_MAX)), Ok(Event::Ping {}));
        assert_eq!(parse(&padded(SIGNAL_MESSAGE_BYTES_MAX + 1)), Err(SignalError::TooLong));
    }
}
