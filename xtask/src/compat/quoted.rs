//! Quoted text, as scripts and style sheets have it.

/// Where the text that begins behind the first character ends: before one of `ends`, or at the end of all. What a backslash stands before is
/// no end.
pub(super) fn quoted(text: &str, ends: &[char]) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if !is_escaped && ends.contains(&letter) {
            return at;
        }
        is_escaped = !is_escaped && letter == '\\';
    }
    text.len()
}
