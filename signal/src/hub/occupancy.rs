//! What the hub tells of itself.

/// How full the hub is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Occupancy {
    /// Sockets, those being closed included.
    pub connections: usize,
    /// Rooms with somebody in them.
    pub rooms: usize,
    /// Registered peers, over all rooms.
    pub peers: usize,
}
