//! Servers: how many, and how they are left and found again.

use std::{ops::RangeInclusive, time::Duration};

/// How many servers a node knows, with those that servers name. A name that comes later takes the place of one that is of no use any more.
pub const SERVERS_KNOWN_MAX: usize = 16;

/// How long a server is left after a better one of its network has us: long enough for links that are being set up by it.
pub const NODE_LEFT_AFTER: Duration = Duration::from_secs(5);

/// The longest wait before a server of a network is tried again while another one has us: what comes back is found within a minute, and what stays away costs
/// little.
pub const NODE_RETRY_MAX: Duration = Duration::from_secs(60);

/// The shortest and the longest heartbeat that a server can ask for.
pub const HEARTBEAT_SECONDS: RangeInclusive<u16> = 5..=300;
