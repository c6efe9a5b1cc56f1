//! How two logs are made one: how long what differs may differ, and how much is told, asked for and brought at once.

use std::time::Duration;

/// For how long digests may differ before that is taken for more than records under way.
pub const DIFFER_MAX: Duration = Duration::from_millis(2_000);

/// The wait between exchanges on a link, at first.
pub const QUIET_MIN: Duration = Duration::from_secs(3);

/// The wait between exchanges on a link at most.
pub const QUIET_MAX: Duration = Duration::from_secs(60);

/// A backlog of fewer entries is not told of: it is here at once.
pub const BACKLOG_TOLD_MIN: u64 = 100;

/// How long a batch of entries is waited for.
pub const BATCH_TIMEOUT: Duration = Duration::from_secs(10);

/// For how long beacons that were asked for are awaited.
pub const PEOPLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest part of a version vector that goes into one frame, in spans: some 7 KB.
pub const VECTOR_SPANS_MAX: usize = 256;

/// How many ranges are compared in one frame: some 7 KB.
pub const COMPARED_MAX: usize = 64;

/// Of a range with so many feeds what there is of them is told, rather than compared part by part: that is no more bytes than the hashes of 16 parts and the answer
/// to them.
pub const TOLD_FEEDS_MAX: usize = 8;

/// How many spans are asked for at once.
pub const WANT_SPANS_MAX: usize = 64;

/// How many new feeds a neighbor is asked for that take the place of others in a full log: in a second, in the long run.
pub const DISPLACED_PER_SECOND: u32 = 1;

/// The same at once.
pub const DISPLACED_BURST: u32 = 16;

/// The largest batch of records: of one link's sync, never more than this is on its way.
pub const BATCH_BYTES_MAX: usize = 64 * 1024;
