//! The text messages of a rendezvous server's socket: how they are read and written. `shared::signal` says what they are.

use shared::{
    limits::SIGNAL_MESSAGE_BYTES_MAX,
    signal::{Event, Request},
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

/// Reads a server's message.
///
/// # Errors
/// [`SignalError`]; the message is to be dropped.
pub fn parse(text: &str) -> Result<Event, SignalError> {
    if text.len() > SIGNAL_MESSAGE_BYTES_MAX {
        return Err(SignalError::TooLong);
    }
    serde_json::from_str(text).map_err(|_| SignalError::NotUnderstood)
}

/// Writes a request as text.
///
/// # Panics
/// Never: requests are plain data.
#[must_use]
pub fn to_text(request: &Request) -> String {
    let Ok(text) = serde_json::to_string(request) else {
        unreachable!("invariant: requests are plain data");
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_request_is_written_as_the_protocol_has_it() {
        assert_eq!(to_text(&Request::Ping {}), r#"{"ping":{}}"#);
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
