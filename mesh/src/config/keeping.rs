//! Limits of what is kept, and for how long.

use std::time::Duration;

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
