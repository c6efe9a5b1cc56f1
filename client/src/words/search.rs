//! The words around looking for what was said.

/// In the empty box for words to look for.
pub const HINT: &str = "Words, a name or a day like 2026-11-28";
/// Where older messages are not in the page any more.
pub const OLDER: &str = "Older messages are not in the page any more, and not searched.";
/// Looks for files only.
pub const FILES: &str = "Only files";

/// How many messages were found, of which so many are shown.
#[must_use]
pub fn found(count: usize, shown: usize) -> String {
    match count {
        0 => "No message has that. Try fewer or other words.".into(),
        1 => "1 message".into(),
        _ if count > shown => format!("{count} messages, the newest {shown} are shown"),
        _ => format!("{count} messages"),
    }
}
