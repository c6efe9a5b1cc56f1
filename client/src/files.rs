//! Files as people meet them: the names under which they are shown and saved, and why one could not be offered.
//!
//! A file's name is its sender's choice. What is shown is its last part, in which nothing is hidden or reordered, so that the real ending is
//! seen; what is saved is a name that every file system takes, and that no system gives a meaning of its own.

use mesh::{
    io::Instant,
    model::{FileError, FileInfo, FileProgress, FileState},
};
use thiserror::Error;

use crate::{
    config::{
        ENDING_BYTES_MAX, FETCHED_UNASKED_BYTES_MAX, PICTURE_AREA_MAX, PICTURE_BYTES_MAX, PLAYED_BYTES_MAX,
        SAVED_NAME_BYTES_MAX, SPEED_OVER, SPEED_STALE,
    },
    text::is_invisible,
};

/// How far a file has got here, and how fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// How far.
    pub now: FileProgress,
    /// How many bytes came in a second of late; 0 as long as that is not known, and while none come.
    pub per_second: u64,
    /// Who fetches it for us, as they are called, if nobody who has it can be reached.
    pub through: Option<String>,
}

/// Measures how fast a file comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed {
    since: Instant,
    bytes: u64,
    pub(crate) per_second: u64,
}

impl Speed {
    /// From now on.
    pub(crate) const fn new(now: Instant, bytes: u64) -> Self {
        Self {
            since: now,
            bytes,
            per_second: 0,
        }
    }

    /// So much is here now.
    pub(crate) fn note(&mut self, now: Instant, progress: &FileProgress) {
        let took = now.since(self.since);
        if progress.state != FileState::Fetching {
            *self = Self::new(now, progress.bytes_have);
        } else if progress.bytes_have <= self.bytes {
            // A slow file comes a piece at a time; what stands still has no speed.
            if took >= SPEED_STALE {
                self.per_second = 0;
            }
        } else if took >= SPEED_OVER {
            let came = progress.bytes_have.saturating_sub(self.bytes).saturating_mul(1_000);
            let rate = came / u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
            let before = if self.per_second == 0 { rate } else { self.per_second };
            *self = Self::new(now, progress.bytes_have);
            self.per_second = before.midpoint(rate);
        }
    }
}

/// The types of pictures that are shown: those that are nothing but pictures, and whose size is [known](crate::picture) before they are decoded. What is
/// drawn by a program, as SVG is, is none of them.
const PICTURES: [&str; 5] = ["image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp"];

/// Whether a file may be shown as a picture, by what its sender says of it. If that is wrong, nothing is shown.
#[must_use]
pub fn is_picture(info: &FileInfo) -> bool {
    info.bytes <= PICTURE_BYTES_MAX && PICTURES.contains(&info.media_type.as_str())
}

/// The types of sounds that are played.
const SOUNDS: [&str; 10] = [
    "audio/aac",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "audio/x-flac",
    "audio/x-m4a",
    "audio/x-wav",
];

/// The types of videos that are played.
const VIDEOS: [&str; 4] = ["video/mp4", "video/ogg", "video/quicktime", "video/webm"];

/// The types that are text besides those that say so. A page or a drawing is shown as what it is made of.
const TEXTS: [&str; 5] = [
    "application/javascript",
    "application/json",
    "application/xhtml+xml",
    "application/xml",
    "image/svg+xml",
];

/// What of a file is shown in the page. Nothing in the file is run for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preview {
    /// A picture.
    Picture,
    /// A sound, with controls.
    Sound,
    /// A video, with controls.
    Video,
    /// The beginning of a text, as letters.
    Text,
}

/// What may be shown of a file, by what its sender says of it.
#[must_use]
pub fn preview(info: &FileInfo) -> Option<Preview> {
    let kind = info.media_type.as_str();
    let is_played = |kinds: &[&str]| kinds.contains(&kind) && info.bytes <= PLAYED_BYTES_MAX;
    if is_picture(info) {
        Some(Preview::Picture)
    } else if is_played(&SOUNDS) {
        Some(Preview::Sound)
    } else if is_played(&VIDEOS) {
        Some(Preview::Video)
    } else if kind.starts_with("text/") || TEXTS.contains(&kind) {
        Some(Preview::Text)
    } else {
        None
    }
}

/// Whether a picture that begins like this is small enough to be decoded.
#[must_use]
pub fn is_shown(head: &[u8]) -> bool {
    crate::picture::area(head).is_some_and(|area| area <= PICTURE_AREA_MAX)
}

/// Whether a file is a picture small enough to be fetched before the person asks for it.
#[must_use]
pub fn is_small_picture(info: &FileInfo) -> bool {
    info.bytes <= FETCHED_UNASKED_BYTES_MAX && is_picture(info)
}

/// Why a file could not be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TakeError {
    /// It cannot be read: it was moved or deleted, is a folder, or may not be read.
    #[error("the file cannot be read")]
    Unreadable,
    /// It was changed while it was read.
    #[error("the file was changed while it was read")]
    Changed,
    /// It is a folder that has too much in it.
    #[error("there is too much in the folder")]
    Folder,
    /// It is a folder without files.
    #[error("there are no files in the folder")]
    EmptyFolder,
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
    fn only_pictures_of_a_bounded_size_are_shown_and_only_small_ones_come_unasked() {
        let of = |media_type: &str, bytes| {
            let info = FileInfo {
                root: shared::FileId::from_bytes([0; 32]),
                bytes,
                name: "a".into(),
                media_type: media_type.into(),
            };
            (is_picture(&info), is_small_picture(&info))
        };
        assert_eq!(of("image/png", FETCHED_UNASKED_BYTES_MAX), (true, true));
        assert_eq!(of("image/png", FETCHED_UNASKED_BYTES_MAX + 1), (true, false));
        assert_eq!(of("image/png", PICTURE_BYTES_MAX + 1), (false, false));
        for (media_type, shown) in [
            ("image/png", Some(Preview::Picture)),
            ("audio/mpeg", Some(Preview::Sound)),
            ("video/mp4", Some(Preview::Video)),
            ("text/html", Some(Preview::Text)),
            ("image/svg+xml", Some(Preview::Text)),
            ("application/pdf", None),
            ("audio/mpeg;x", None),
        ] {
            let info = |bytes| FileInfo {
                root: shared::FileId::from_bytes([0; 32]),
                bytes,
                name: "a".into(),
                media_type: media_type.into(),
            };
            assert_eq!(preview(&info(1)), shown, "{media_type}");
            assert_eq!(
                preview(&info(PLAYED_BYTES_MAX + 1)),
                shown.filter(|shown| *shown == Preview::Text)
            );
        }
        for other in [
            "image/avif",
            "image/svg+xml",
            "text/html",
            "image/png;x",
            "IMAGE/PNG",
            "",
        ] {
            assert_eq!(of(other, 1), (false, false), "{other}");
        }
    }

    #[test]
    fn the_speed_is_that_of_the_last_seconds_and_none_while_nothing_comes() {
        let progress = |state, bytes_have| FileProgress {
            state,
            pieces_have: 0,
            pieces: 9,
            bytes_have,
            sources: 1,
            through: None,
        };
        let at = Instant::from_millis;
        let mut speed = Speed::new(at(0), 0);
        speed.note(at(500), &progress(FileState::Fetching, 900));
        assert_eq!(speed.per_second, 0);
        speed.note(at(1_000), &progress(FileState::Fetching, 1_000));
        assert_eq!(speed.per_second, 1_000);
        speed.note(at(3_000), &progress(FileState::Fetching, 5_000));
        assert_eq!(speed.per_second, 1_500);
        speed.note(at(5_000), &progress(FileState::Fetching, 5_000));
        assert_eq!(speed.per_second, 1_500, "a piece may take that long");
        speed.note(at(6_000), &progress(FileState::Fetching, 5_000));
        assert_eq!(speed.per_second, 0);
        // Over all the time since the last one came.
        speed.note(at(8_000), &progress(FileState::Fetching, 10_000));
        assert_eq!(speed.per_second, 1_000);
        speed.note(at(8_001), &progress(FileState::Paused, 10_000));
        assert_eq!(speed.per_second, 0);
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
