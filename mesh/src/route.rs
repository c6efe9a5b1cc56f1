//! Routing: packets for a peer that is no neighbor find their way through others.
//!
//! Every node learns the next hop to a peer from the link over which that peer's newest record came first: a beacon, which
//! every node sends now and then, or a packet. This is reverse-path learning, as bridges and AODV (RFC 3561 §6.5) do it; the
//! tree of the beacons is the routing tree. Where no next hop is known, or a packet is tried again, it is *flooded*: handed on by
//! everyone once, until its recipient has it.
//!
//! Invariants: a packet is handed on by a node at most once each way (learned, flooded); it makes at most [`HOPS_MAX`] hops; a next
//! hop is a link that is open.
//!
//! Deviation from AODV: no route requests. Beacons come from everyone anyway, and a flooded packet is its own request.
//!
//! End to end: a whisper is tried again after [`RETRY`], flooded from the second try on, until a receipt comes or its time is up. See
//! [`chat`](crate::chat).

use std::time::Duration;

use litemap::LiteMap;
use shared::PeerId;

use crate::{
    config::{ROUTES_MAX, SEEN_PACKETS},
    io::LinkId,
    record::Short,
    seen::Seen,
};

/// The most hops of a packet. Measured: the tree of 1,000 nodes has paths of up to 30 hops.
pub const HOPS_MAX: u8 = 64;

/// The wait for a whisper's receipt before it is tried again.
pub const RETRY: Duration = Duration::from_millis(1_500);

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Along learned next hops.
    Learned,
    /// To everyone.
    Flooded,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Routes {
    /// By short id: a peer that had another's would get its packets to hand on.
    next: LiteMap<Short, LinkId>,
    handed_on: Seen<(Short, Way)>,
}

impl Default for Routes {
    fn default() -> Self {
        Self {
            next: LiteMap::new(),
            handed_on: Seen::new(SEEN_PACKETS),
        }
    }
}

impl Routes {
    /// A record of `peer`, newer than any before, came over `link`.
    pub fn learn(&mut self, peer: PeerId, link: LinkId) {
        let peer = Short::of_peer(&peer);
        if let Some(next) = self.next.get_mut(&peer) {
            *next = link;
        } else if self.next.len() < ROUTES_MAX {
            self.next.insert(peer, link);
        }
    }

    /// A link is over: it leads nowhere any more.
    pub fn forget_link(&mut self, link: LinkId) {
        self.next.retain(|_, next| *next != link);
    }

    /// A peer is no longer known.
    pub fn forget_peer(&mut self, peer: &PeerId) {
        self.next.remove(&Short::of_peer(peer));
    }

    /// The link towards `peer`.
    #[must_use]
    pub fn next_hop(&self, peer: &PeerId) -> Option<LinkId> {
        self.next.get(&Short::of_peer(peer)).copied()
    }

    /// Whether a packet was handed on this way before.
    #[must_use]
    pub fn was_handed_on(&self, id: Short, way: Way) -> bool {
        self.handed_on.contains(&(id, way))
    }

    /// Notes that a packet is about to be handed on. Says whether that is the first time this way.
    pub fn hand_on(&mut self, id: Short, way: Way) -> bool {
        self.handed_on.insert((id, way))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_of_the_newest_record_is_the_next_hop() {
        let mut routes = Routes::default();
        let peer = PeerId::from_bytes([1; 32]);
        routes.learn(peer, LinkId(1));
        routes.learn(peer, LinkId(2));
        assert_eq!(routes.next_hop(&peer), Some(LinkId(2)));
        routes.forget_link(LinkId(2));
        assert_eq!(routes.next_hop(&peer), None);
    }

    #[test]
    fn a_packet_is_handed_on_once_each_way() {
        let mut routes = Routes::default();
        assert!(routes.hand_on(Short(7), Way::Learned));
        assert!(!routes.hand_on(Short(7), Way::Learned));
        assert!(routes.hand_on(Short(7), Way::Flooded));
        assert!(!routes.hand_on(Short(7), Way::Flooded));
    }
}
