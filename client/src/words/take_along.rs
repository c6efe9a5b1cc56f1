//! The words for an identity that goes to another device.

use shared::portable::PortableError;

use crate::text::isolate;

/// Over all of it.
pub const TITLE: &str = "Use your identity on another device";

/// What it is.
pub const HELP: &str = "Save who you are as a file, and read that file on the other device. You are the founder of your rooms there, too. Take your rooms' links with you. Whoever has the file and its passphrase is you.";

/// The passphrase of the file.
pub const PASSPHRASE: &str = "Passphrase of the file";

/// What is said of it.
pub const PASSPHRASE_HELP: &str = "At least 8 characters. Write it down: nobody can reset it.";

/// Makes the file.
pub const SAVE: &str = "Save identity";

/// Takes a file.
pub const READ: &str = "Read an identity from a file";

/// While the passphrase is worked through.
pub const WORKING: &str = "One moment…";

/// The file was made.
pub const SAVED: &str = "Saved. Use only one device in a room at a time.";

/// The passphrase is too short.
pub const TOO_SHORT: &str = "This passphrase is too short: whoever guesses it is you. Use at least 8 characters.";

/// This browser keeps nothing.
pub const NOT_KEPT: &str = "This browser stores nothing for this page, so you would be somebody else after the next reload. Allow storage, or leave the private window, and try again.";

/// The store failed.
pub const NOT_STORED: &str = "The identity could not be stored. You are who you were. Free some space and try again.";

/// The file could not be made.
pub const NOT_SAVED: &str = "The file could not be saved. Try again.";

/// That person is in another slot of this browser.
pub const IS_HERE: &str =
    "This identity is in this browser already. If no open tab has it, open this page in one more tab.";

/// Somebody, by name and fingerprint.
#[must_use]
pub fn who(name: Option<&str>, fingerprint: &str) -> String {
    match name {
        Some(name) => format!("{} ({fingerprint})", isolate(name)),
        None => fingerprint.to_owned(),
    }
}

/// Who one is here.
#[must_use]
pub fn you_are(who: &str) -> String {
    format!("Here you are {who}.")
}

/// A file was read: asks before somebody else takes the place of who one is.
#[must_use]
pub fn ask(now: &str, then: &str) -> String {
    format!(
        "This file is {then}. If you go on, this tab is no longer {now}. If {now} founded rooms, save that identity first."
    )
}

/// Goes on with it.
pub const GO_ON: &str = "Be that person here";

/// Why a file gives no identity.
#[must_use]
pub fn refused(error: PortableError) -> &'static str {
    match error {
        PortableError::NotOne => {
            "This is not the file of an identity, or not all of it. Save it once more on the other device."
        }
        PortableError::Wrong => {
            "This is not the passphrase of this file, or the file was changed. Check both and try again."
        }
    }
}
