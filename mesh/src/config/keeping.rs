//! How much of its room a node keeps, and for how long.

use std::time::Duration;

use super::{LOG_BYTES_MAX, LOG_ENTRIES_MAX};

/// How much of a room a node keeps, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeps {
    /// Whether it is an archive, which keeps the room for others and says so.
    pub for_others: bool,
    /// How many entries the log keeps; at least one. All of them are in memory.
    pub entries_max: usize,
    /// How many bytes of entries the log keeps; at least a record's.
    pub bytes_max: usize,
}

impl Default for Keeps {
    fn default() -> Self {
        Self {
            for_others: false,
            entries_max: LOG_ENTRIES_MAX,
            bytes_max: LOG_BYTES_MAX,
        }
    }
}

/// The fewest entries of a room that a person can have kept: a node that keeps less could not serve what it has just passed on.
pub const KEEP_ENTRIES_MIN: u32 = 100;

/// The fewest bytes of a room that a person can have kept.
pub const KEEP_BYTES_MIN: u32 = 1024 * 1024;

/// The shortest time for which a person can have things kept.
pub const KEEP_SECONDS_MIN: u32 = 60 * 60;

/// How often it is looked for what is to be kept no longer. What vanishes is gone so much later at most.
pub const SWEEP: Duration = Duration::from_secs(60);

/// For so much longer than its recipient may come a whisper stays in the log: clocks differ, and by then its author has given it up.
pub const WHISPER_SPENT: Duration = Duration::from_secs(60 * 60);

/// How many lines that tell of the room's rule are remembered as shown before their entries came.
pub const RULES_SHOWN_MAX: usize = 16;

/// How many messages of what is kept are shown before the rest is read: what a person looks at first.
pub const RECALLED_FIRST: usize = 200;
