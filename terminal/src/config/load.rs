//! Limits of a load: many peers in one process.

use std::time::Duration;

/// How many peers one process makes at most: each has a socket for each address, and one to the server.
pub const LOAD_PEERS_MAX: u16 = 2_000;

/// How many open files a process with a load may have, if the system allows it. Peers of one machine have up to [`ADDRESSES_MAX`](super::ADDRESSES_MAX)
/// sockets each.
pub const LOAD_FILES_MAX: u64 = 65_536;

/// How many peers may come in a second.
pub const LOAD_ARRIVALS_MAX: u16 = 1_000;

/// How many messages are said in all: as many as a room shows.
pub const LOAD_MESSAGES_MAX: usize = client::config::MESSAGES_MAX;

/// How many messages are said in a second, by all peers together.
pub const LOAD_RATE_MAX: u16 = 200;

/// How long is talked at most.
pub const LOAD_SECONDS_MAX: u64 = 24 * 60 * 60;

/// How long a load waits, after the last peer came, until all know each other; and after the last message, until all have it.
pub const LOAD_PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked meanwhile.
pub const LOAD_STEP: Duration = Duration::from_millis(50);

/// How long nothing is said before it is measured what rest costs: the beacons that what happened before has hastened are over.
pub const LOAD_CALM: Duration = Duration::from_secs(10);

/// How long it is measured what rest costs.
pub const LOAD_REST: Duration = Duration::from_secs(20);
