//! The words for files.

use mesh::{
    config::FILE_BYTES_MAX,
    model::{FileError, FileState},
};

use super::page::size;
use crate::{
    config::{FOLDER_BYTES_MAX, FOLDER_FILES_MAX, TEXT_SHOWN_BYTES},
    files::{Progress, TakeError, shown_name},
    text::isolate,
};

/// How a file stands here: of nobody's interest so far if there is no progress.
#[must_use]
pub fn state(bytes: u64, progress: Option<&Progress>, own: bool) -> String {
    let Some(Progress {
        now: progress,
        per_second,
        through,
    }) = progress
    else {
        return size(bytes);
    };
    let so_far = format!("{} of {}", size(progress.bytes_have), size(bytes));
    match progress.state {
        FileState::Offered => size(bytes),
        FileState::Fetching => {
            let left = bytes.saturating_sub(progress.bytes_have);
            let from = match through {
                Some(name) => format!("through {}", isolate(name)),
                None => format!("from {}", people(progress.sources)),
            };
            format!("{so_far}{} · {from}", speed(left, *per_second))
        }
        FileState::Waiting => format!("{so_far} · waiting for someone who has the rest"),
        FileState::Paused => format!("{so_far} · paused"),
        FileState::Whole if own => format!("{} · offered while you are in the room", size(bytes)),
        FileState::Whole => format!("{} · complete", size(bytes)),
        FileState::Unreadable => format!("{so_far} · can't be read from this device at the moment. Trying again"),
        FileState::NoRoom => format!("{so_far} · no space left on this device. Free some, then resume"),
    }
}

/// How fast it comes, and how long what is left takes at that rate; nothing as long as that is not known.
fn speed(left: u64, per_second: u64) -> String {
    if per_second == 0 {
        return String::new();
    }
    let (count, unit) = match left.div_ceil(per_second) {
        seconds @ 0..90 => (seconds, "s"),
        seconds @ 90..5_400 => (seconds.div_ceil(60), "min"),
        seconds => (seconds.div_ceil(3_600), "h"),
    };
    format!(" · {}/s, {count} {unit} left", size(per_second))
}

fn people(count: u32) -> String {
    let s = if count == 1 { "person" } else { "people" };
    format!("{count} {s}")
}

/// Before files that were dropped or pasted are sent.
pub fn ask(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.map(|name| isolate(&shown_name(&name))).collect();
    match &names[..] {
        [name] => format!("Send {name} to everyone in the room?"),
        names => format!("Send {} files to everyone in the room?", names.len()),
    }
}

/// While a file is read to be offered.
#[must_use]
pub fn preparing(name: &str, percent: u32) -> String {
    format!("Reading {}: {percent} %", isolate(&shown_name(name)))
}

/// In the place of a picture that is not decoded.
pub const PICTURE_TOO_LARGE: &str = "This picture is too large to be shown here, or is none. Save it to look at it.";

/// Below the beginning of a text.
#[must_use]
pub fn text_beginning() -> String {
    format!(
        "The first {}. Save the file to read the rest.",
        size(TEXT_SHOWN_BYTES as u64)
    )
}

/// There is less space than a file takes.
pub(super) fn no_space(name: &str, bytes: u64, left: u64) -> String {
    format!(
        "{} needs {}, and there are {} left here. Nothing was downloaded: free some space, then try again.",
        isolate(name),
        size(bytes),
        size(left)
    )
}

/// Why a file could not be offered, and what next.
pub(super) fn not_offered(name: &str, error: TakeError) -> String {
    if let TakeError::Refused(error) = error {
        return not_fetched(name, error);
    }
    let name = isolate(name);
    match error {
        TakeError::Unreadable => {
            format!("{name} can't be read. It may have been moved, or be a folder: send the files in it instead.")
        }
        TakeError::Changed => {
            format!("{name} was changed while it was being read. Nothing was sent: try again once it is finished.")
        }
        TakeError::Folder => format!(
            "{name} has too much in it: a folder can have {} and {FOLDER_FILES_MAX} files at most. Send the folders in it one by one.",
            size(FOLDER_BYTES_MAX)
        ),
        TakeError::EmptyFolder => "There are no files in this folder, so nothing was sent.".into(),
        TakeError::NoRoom | TakeError::Refused(_) => {
            format!("This browser has no space left for {name}. Nothing was sent: free some space, then try again.")
        }
    }
}

/// Why the node does not take a file, and what next.
pub(super) fn not_fetched(name: &str, error: FileError) -> String {
    let name = isolate(name);
    match error {
        FileError::Invalid => format!(
            "{name} can't be sent: a file can have {} at most.",
            size(FILE_BYTES_MAX)
        ),
        FileError::False => {
            format!("There is no such file as this {name}: its offer is false. Nothing was downloaded.")
        }
        FileError::TooMany => format!("Too many files are kept for {name} to fit in. Cancel one of them first."),
        FileError::Full => format!("That was a lot at once: {name} was not sent. Wait a moment, then try again."),
        FileError::Left => format!("You have left this room: {name} can't be sent or downloaded any more."),
    }
}

#[cfg(test)]
mod tests {
    use mesh::model::FileProgress;

    use super::*;

    #[test]
    fn how_a_file_stands_is_said_in_words() {
        let words_at = |now, per_second| {
            let progress = Progress {
                now: FileProgress {
                    state: now,
                    pieces_have: 4,
                    pieces: 8,
                    bytes_have: 1_000_000,
                    sources: 2,
                    through: None,
                },
                per_second,
                through: None,
            };
            state(2_000_000, Some(&progress), false)
        };
        let words = |now| words_at(now, 0);
        assert_eq!(state(2_000_000, None, false), "2 MB");
        assert_eq!(words(FileState::Fetching), "1 MB of 2 MB · from 2 people");
        for (per_second, speed) in [
            (400_000, "400 KB/s, 3 s left"),
            (10_000, "10 KB/s, 2 min left"),
            (100, "1 KB/s, 3 h left"),
        ] {
            let expected = format!("1 MB of 2 MB · {speed} · from 2 people");
            assert_eq!(words_at(FileState::Fetching, per_second), expected);
        }
        assert_eq!(words(FileState::Paused), "1 MB of 2 MB · paused");
        assert_eq!(words(FileState::Whole), "2 MB · complete");
    }
}
