//! Files as people meet them: the names under which they are shown and saved, and why one could not be offered.
//!
//! A file's name is its sender's choice. What is shown is its last part, in which nothing is hidden or reordered, so that the real ending is
//! seen; what is saved is a name that every file system takes, and that no system gives a meaning of its own.

use mesh::model::FileError;
use thiserror::Error;

use crate::{
    config::{ENDING_BYTES_MAX, SAVED_NAME_BYTES_MAX},
    text::is_invisible,
};

/// Why a file could not be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TakeError {
    /// It cannot be read: it was moved or deleted, is a folder, or may not be read.
    #[error("the file cannot be read")]
    Unreadable,
    /// It was changed while it was read.
    #[error("the file was changed while it was read")]
    Changed,
    /// There is no room for it in the store.
    #[error("there is no space left")]
    NoRoom,
    /// The node does not take it.
    #[error(transparent)]
    Refused(#[from] FileError),
}

/// The names of devices on Windows, whatever their ending.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// A file's name as it is shown: the last part of a path; characters that nobody sees, or that reorder others, are shown as "\u{fffd}".
#[must_use]
pub fn shown_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("file");
    let hides = |char: char| is_invisible(char) || char.is_control();
    let visible = |char: char| if hides(char) { char::REPLACEMENT_CHARACTER } else { char };
    last.chars().map(visible).collect()
}

/// A file's name as it is saved.
#[must_use]
pub fn saved_name(name: &str) -> String {
    let shown = shown_name(name);
    let safe = |char: char| {
        let is_special = matches!(
            char,
            '<' | '>' | ':' | '"' | '|' | '?' | '*' | char::REPLACEMENT_CHARACTER
        );
        if is_special { '_' } else { char }
    };
    let safe: String = shown.chars().map(safe).collect();
    // Windows drops these at the end; a name that begins with a dot is hidden elsewhere.
    let trimmed = safe.trim_end_matches(['.', ' ']).trim_start();
    let stem = trimmed.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_device = DEVICES.contains(&stem.trim_end_matches(|char: char| char.is_ascii_digit()));
    let prefix = if trimmed.starts_with('.') || is_device || trimmed.is_empty() {
        "_"
    } else {
        ""
    };
    shortened(&format!("{prefix}{trimmed}"))
}

/// Not longer than file systems take, with the ending.
fn shortened(name: &str) -> String {
    if name.len() <= SAVED_NAME_BYTES_MAX {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
    let ending = if ending.len() <= ENDING_BYTES_MAX { ending } else { "" };
    let cut = name.floor_char_boundary(SAVED_NAME_BYTES_MAX - ending.len());
    format!("{}{ending}", &name[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_paths_devices_or_lies_are_harmless() {
        for (name, shown, saved) in [
            ("report.pdf", "report.pdf", "report.pdf"),
            ("../../.ssh/authorized_keys", "authorized_keys", "authorized_keys"),
            ("C:\\temp\\a.txt", "a.txt", "a.txt"),
            ("CON.txt", "CON.txt", "_CON.txt"),
            ("com7", "com7", "_com7"),
            ("console.log", "console.log", "console.log"),
            ("a:b.txt", "a:b.txt", "a_b.txt"),
            ("x. .", "x. .", "x"),
            ("invoice\u{202e}fdp.exe", "invoice\u{fffd}fdp.exe", "invoice_fdp.exe"),
            (".bashrc", ".bashrc", "_.bashrc"),
            ("///", "file", "file"),
            ("...", "...", "_"),
            ("a\nb", "a\u{fffd}b", "a_b"),
        ] {
            assert_eq!((shown_name(name).as_str(), saved_name(name).as_str()), (shown, saved));
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_ending() {
        let saved = saved_name(&format!("{}.pdf", "ä".repeat(255)));
        assert!(
            saved.len() <= SAVED_NAME_BYTES_MAX && saved.ends_with("ä.pdf"),
            "{saved}"
        );
        let saved = saved_name(&"ä".repeat(255));
        assert_eq!(saved.len(), 254);
        let endless = format!("a.{}", "b".repeat(300));
        assert_eq!(saved_name(&endless).len(), SAVED_NAME_BYTES_MAX);
    }
}
