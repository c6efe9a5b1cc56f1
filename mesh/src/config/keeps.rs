//! How much a node keeps of its room.

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
