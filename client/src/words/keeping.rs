//! Words about how long things are kept.

use mesh::model::{Imported, Retention, Vanish};

use crate::import::ImportError;

/// What can be kept of a room on one device by number: how many, and in words.
pub const ENTRIES: [(u32, &str); 4] = [
    (u32::MAX, "as many as fit"),
    (5_000, "5,000"),
    (1_000, "1,000"),
    (100, "100"),
];

/// By age: for how many seconds, and in words.
pub const SECONDS: [(u32, &str); 5] = [
    (u32::MAX, "as long as they fit"),
    (30 * 24 * 60 * 60, "a month"),
    (7 * 24 * 60 * 60, "a week"),
    (24 * 60 * 60, "a day"),
    (60 * 60, "an hour"),
];

/// By bytes: how many, and in words.
pub const BYTES: [(u32, &str); 3] = [(u32::MAX, "32 MB"), (8 * 1024 * 1024, "8 MB"), (1024 * 1024, "1 MB")];

/// What is kept on one device for so many entries, seconds and bytes out of these lists.
#[must_use]
pub fn retention(entries: u32, seconds: u32, bytes: u32) -> Retention {
    let seconds = (seconds < u32::MAX).then_some(seconds);
    Retention {
        entries,
        bytes,
        seconds,
    }
    .within_limits()
}

/// Which of a list is the least that is as much as this. The first one is all there is room for.
#[must_use]
pub fn nearest(list: &[(u32, &str)], much: u32) -> usize {
    let place = list.iter().rposition(|(most, _)| *most >= much);
    place.unwrap_or_default()
}

/// When messages vanish, as one of a list.
#[must_use]
pub const fn vanish(after: Vanish) -> &'static str {
    match after {
        Vanish::Never => "never",
        Vanish::Hour => "after an hour",
        Vanish::Day => "after a day",
        Vanish::Week => "after a week",
        Vanish::Month => "after a month",
    }
}

/// The line in the log, by the founder.
#[must_use]
pub fn vanish_line(after: Vanish) -> String {
    match after {
        Vanish::Never => "From now on, messages in this room stay.".to_owned(),
        Vanish::Hour | Vanish::Day | Vanish::Week | Vanish::Month => {
            format!("Messages in this room vanish {}.", vanish(after))
        }
    }
}

/// Beside the room's name, if they do.
#[must_use]
pub fn vanish_short(after: Vanish) -> String {
    format!("Messages vanish {}", vanish(after))
}

/// What is kept here, in a sentence.
#[must_use]
pub fn kept_here(keep: Retention) -> String {
    // As the list has them, whose megabytes have 1,024 kilobytes.
    let megabytes = keep.bytes / (1024 * 1024);
    let mut text = format!("This device keeps up to {} messages and {megabytes} MB", keep.entries);
    if let Some(seconds) = keep.seconds {
        let (_, age) = SECONDS[nearest(&SECONDS, seconds)];
        text += &format!(", none for longer than {age}");
    }
    text + "."
}

/// Above what the founder can choose.
pub const FOR_EVERYONE: &str = "Messages vanish for everyone";

/// Above what everybody can choose.
pub const ON_THIS_DEVICE: &str = "Kept on this device";

/// To the founder.
pub const FOUNDER_HELP: &str = "Messages, whispers and files that are older go from everybody's device within a minute, also those from before. It is a request: a \
                                changed program, or a screenshot, can keep them.";

/// To everybody.
pub const DEVICE_HELP: &str =
    "What is more or older is forgotten on this device only. Nobody else notices, and others may still have it.";

/// Takes an export.
pub const IMPORT: &str = "Bring back a JSON export";

/// While an export is taken.
pub const IMPORTING: &str = "Checking what is in this file…";

/// What became of an export.
#[must_use]
pub fn imported(imported: Imported) -> String {
    let Imported {
        new,
        known,
        vanished,
        damaged,
    } = imported;
    let mut text = match new {
        0 => "Nothing in this file was new.".to_owned(),
        1 => "1 message is back.".to_owned(),
        new => format!("{new} messages are back."),
    };
    for (count, what) in [
        (known, "Already here, or had to make room for newer ones"),
        (vanished, "Older than what this room keeps"),
        (damaged, "Could not be verified, and left out"),
    ] {
        if count > 0 {
            text += &format!(" {what}: {count}.");
        }
    }
    text
}

/// Why nothing of a file is taken.
#[must_use]
pub fn import_refused(error: ImportError) -> &'static str {
    match error {
        ImportError::TooLarge => "This file is larger than any export of a room. Choose the file that you exported.",
        ImportError::NotOne => {
            "This is no JSON export of a room, or not all of it. Export it once more, as JSON, and choose that file."
        }
        ImportError::OtherVersion => "Another version of Starling made this export. Use the same version for both.",
        ImportError::OtherRoom => "This is the export of another room. Open that room, and bring it back there.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_an_export_is_counted() {
        let all = Imported {
            new: 2,
            known: 3,
            vanished: 0,
            damaged: 1,
        };
        assert_eq!(
            imported(all),
            "2 messages are back. Already here, or had to make room for newer ones: 3. Could not be verified, and left out: 1."
        );
        assert_eq!(imported(Imported::default()), "Nothing in this file was new.");
    }

    #[test]
    fn what_is_kept_is_one_of_the_lists() {
        let all = Retention::default();
        assert_eq!(retention(u32::MAX, u32::MAX, u32::MAX), all);
        let chosen = |keep: Retention| {
            [
                nearest(&ENTRIES, keep.entries),
                nearest(&SECONDS, keep.seconds.unwrap_or(u32::MAX)),
                nearest(&BYTES, keep.bytes),
            ]
        };
        for (place, (entries, _)) in ENTRIES.iter().enumerate().skip(1) {
            let keep = retention(*entries, SECONDS[2].0, BYTES[1].0);
            assert_eq!(chosen(keep), [place, 2, 1]);
        }
        assert_eq!(
            kept_here(retention(1_000, SECONDS[3].0, BYTES[1].0)),
            "This device keeps up to 1000 messages and 8 MB, none for longer than a day."
        );
    }
}
