//! The words around notifications: what is told while one looks elsewhere.

use crate::telling::Told;

/// What a notification says that is to say nothing.
pub const SOMETHING_NEW: &str = "Something was said here.";
/// What notifications are.
pub const TOLD_HELP: &str = "Shown while you look elsewhere, as long as this page is open in a tab.";
/// Of quiet hours, the beginning or the end is missing.
pub const QUIET_HALF: &str = "Choose when they begin and when they end. Until then there are none.";
/// The browser does not allow notifications.
pub const TOLD_DENIED: &str = "This browser lets this page show none. Allow notifications for this page in the browser's settings, then choose again.";
/// The browser's question was not answered.
pub const TOLD_DISMISSED: &str =
    "The browser asked whether this page may show some, and got no answer. Choose again, and allow it.";
/// There are none.
pub const TOLD_UNAVAILABLE: &str =
    "There are none here. They need a page that came by https, and on an iPhone one that was added to the home screen.";
/// The choice was lost.
pub const TOLD_NOT_KEPT: &str = "This browser stores nothing for this page, so that cannot be kept.";

/// Of which messages a person is told.
#[must_use]
pub const fn told(told: Told) -> &'static str {
    match told {
        Told::Nothing => "Nothing",
        Told::ForMe => "Whispers, and messages that mention you",
        Told::Everything => "All messages",
    }
}
