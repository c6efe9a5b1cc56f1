//! The limits of what a person touches: what is kept on the disk, what is typed and printed, what comes by HTTP.

// The store

/// How much of the database is cached, in bytes. Most of what is kept is read once, at the start; the default of `redb` is a gigabyte.
pub const DATABASE_CACHE_BYTES: usize = 32 * 1024 * 1024;

/// How many writes wait for the disk. Whoever writes more waits for a place: 32 pieces of files are under way at most, and one batch of records.
pub const WRITES_WAITING_MAX: usize = 64;

/// How many writes are committed together. Each commit waits for the disk once.
pub const WRITES_TOGETHER_MAX: usize = 64;

/// How many people one machine has at once: one for each instance that runs.
pub const PEOPLE_MAX: u32 = client::config::SLOTS_MAX;

// Lines

/// How many files have a number by which they are fetched; past it the oldest lose theirs.
pub const FILES_NUMBERED_MAX: usize = 10_000;

/// How many of our own messages are remembered to say which one was delivered. Of older ones that is said without their text.
pub const RECENT_MAX: usize = 200;

/// How many characters of a message stand where it is said how far the message got.
pub const EXCERPT_CHARS: usize = 30;

/// How many messages of former visits are shown at the start, and by `/history` without a number.
pub const HISTORY_SHOWN: usize = 10;

/// How many messages `/history` and `/search` show at most.
pub const HISTORY_MAX: usize = 1_000;
