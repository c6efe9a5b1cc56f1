//! Limits of an archive, which keeps rooms for others.

use std::time::Duration;

/// How many rooms one archive keeps.
pub const ARCHIVE_ROOMS_MAX: usize = 64;

/// How many messages of each room an archive keeps at most, whatever it was told. All of them are in memory, some 2 KB each
/// with a short text: so many take about 220 MB.
pub const ARCHIVE_MESSAGES_MAX: usize = 100_000;

/// How many bytes of messages an archive keeps of each room at most.
pub const ARCHIVE_MESSAGES_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How many bytes of files an archive keeps of each room, unless it is told another number: a gibibyte.
pub const ARCHIVE_FILES_BYTES: u64 = 1024 * 1024 * 1024;

/// How many files an archive keeps of each room: fewer than a node takes, so that there is always one more place.
pub const ARCHIVE_FILES_MAX: usize = mesh::config::FILES_MAX - 8;

/// How often an archive looks at its rooms while nothing changes, and tries again what found no room.
pub const ARCHIVE_LOOK: Duration = Duration::from_secs(10);

/// How long an archive waits after a change before it looks: much changes at once.
pub const ARCHIVE_LOOK_AFTER: Duration = Duration::from_millis(200);

/// How often it is tried to write to a disk that is full.
pub const ARCHIVE_DISK_AGAIN: Duration = Duration::from_secs(3);
