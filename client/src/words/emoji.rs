//! The words around the list of all emoji.

/// While the list of emoji is on its way.
pub const COMING: &str = "The list of emoji is coming…";
/// The list of emoji could not be had.
pub const MISSING: &str = "The list of emoji cannot be loaded. Look at your connection, then open this again.";
/// No emoji is called so.
pub const NONE: &str = "No emoji has a name like that. Names are in English.";
/// In the empty box for the name of an emoji.
pub const HINT: &str = "A name, like “heart” or “party”";
