//! The limits of a server that is one of several.

use std::time::Duration;

/// How often a node says that it lives.
pub(crate) const BEAT: Duration = Duration::from_secs(2);

/// For how long that holds. A node that was killed is named to nobody after this and one beat of the others.
pub(crate) const NODE_LIFE: Duration = Duration::from_secs(6);

/// How often a node looks at what the directory says of each of its rooms. What got lost on the way is mended then: within 10 s, also if Redis is slow.
pub(crate) const ROOM_REFRESH: Duration = Duration::from_secs(8);

/// For how long the directory keeps the part that a node has of a room, if the node does not refresh it.
pub(crate) const ROOM_LIFE: Duration = Duration::from_secs(60);

/// How long a peer waits for its welcome, until the directory has taken note of it and said who is there elsewhere.
pub(crate) const WELCOME_WAIT: Duration = Duration::from_secs(1);

/// For how long a node that is cut off believes what it knew of the others.
pub(crate) const CUT_OFF_GRACE: Duration = Duration::from_secs(6);

/// For a connection to Redis, and for each of its answers.
pub(crate) const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause before the first try to reach Redis again. It doubles with each further one.
pub(crate) const REDIS_RETRY_MIN: Duration = Duration::from_millis(100);

/// The longest pause between two tries.
pub(crate) const REDIS_RETRY_MAX: Duration = Duration::from_secs(1);

/// Peers that a node names of each of its rooms. More than a client is named, so that those who come elsewhere do not all get the same ones.
pub(crate) const SHARE_SAMPLE_MAX: usize = 24;

/// Rooms whose changes are told to the directory at once.
pub(crate) const CHANGES_MAX: usize = 32;

/// Peers of one room whose changes are told at once.
pub(crate) const CHANGED_PEERS_MAX: usize = 64;

/// Payloads that wait on their way to Redis.
pub(crate) const CARRIED_MAX: usize = 8_192;

/// The bytes of these, of which one site may have as many as are still free.
pub(crate) const CARRIED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Payloads that are sent at once.
pub(crate) const CARRIED_BATCH_MAX: usize = 64;

/// The bytes of these; one always goes.
pub(crate) const CARRIED_BATCH_BYTES_MAX: usize = 256 * 1024;

/// Batches of payloads that wait for an answer of Redis.
pub(crate) const CARRIED_BATCHES_MAX: usize = 4;

/// What has come from other nodes and waits to be handed on. Beyond this it is lost, and counted.
pub(crate) const ARRIVED_MAX: usize = 8_192;

/// The bytes of that.
pub(crate) const ARRIVED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is handed on at once.
pub(crate) const ARRIVED_BATCH_MAX: usize = 64;

/// For telling the others that this node stops.
pub(crate) const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
