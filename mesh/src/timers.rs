//! What can wake a node, and why: one timer a line. [`Node::deadline`](crate::Node) says when each is due.

/// A reason to wake up.
///
/// Within one wake the timers that are due go off in this order: first what brings the outside world up to date, then what
/// neighbors wait for, then what we begin ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The room is split, a server knows more people than we reach: some nodes ask for peers.
    Split,
    /// A server is to be connected, given up, pinged, or asked for peers.
    Servers,
    /// A link is to be pinged, to have its ICE restarted, or to be closed.
    Links,
    /// An attempt to link took too long, or is to be made again.
    Attempts,
    /// A text by hand is complete, or an invitation has run out.
    Invitations,
    /// Ids of records are to be announced, or a record that was announced did not come and is grafted.
    Broadcast,
    /// A person's beacon is overdue, a suspect did not answer, or somebody has been gone for long.
    Roster,
    /// A whisper is to be tried again or given up, or a message said to nobody stops waiting for newcomers.
    Delivery,
    /// What is older than the room's rule or the person allows is to be kept no longer.
    Retention,
    /// Files: a holder may have stalled, others are to be told what we have, something is to be stored or shown.
    Files,
    /// We have fewer links than we want: others are tried.
    Seek,
    /// Our next beacon is due.
    Beacon,
    /// Somebody who typed has given no sign for a while.
    Typing,
    /// Everybody had time to hear our goodbye.
    Leaving,
}

impl Timer {
    /// All of them, in the order in which they go off.
    pub(crate) const ALL: [Self; 14] = [
        Self::Split,
        Self::Servers,
        Self::Links,
        Self::Attempts,
        Self::Invitations,
        Self::Broadcast,
        Self::Roster,
        Self::Delivery,
        Self::Retention,
        Self::Files,
        Self::Seek,
        Self::Beacon,
        Self::Typing,
        Self::Leaving,
    ];
}
