//! Membership: how many links a node keeps, whom it asks for one, and whom it grants one.
//!
//! After Leitão, Pereira and Rodrigues, *HyParView: a Membership Protocol for Reliable Gossip-Based Broadcast* (DSN 2007): a
//! small *active view* of peers with a link each, symmetric by nature, and a larger *passive view* of peers to fall back on. Who has
//! few links asks for a neighbor with *high priority*, which is granted as long as there is a place; others ask with low
//! priority, which only those grant who want more links themselves.
//!
//! Invariants: at most [`LINKS_MAX`] links and attempts; a node with fewer than [`LINKS_MIN`] keeps asking; links spread evenly, for a
//! node takes unneeded ones only below [`LINKS_TARGET`].
//!
//! Deviations, all because a WebRTC link takes several signalled round trips where the paper opens a TCP connection at will:
//!
//! - No JOIN, FORWARDJOIN or SHUFFLE walks. Every node hears every other's beacons, so the passive view is drawn at random from all
//!   who are here ([`Roster::sample`](crate::roster::Roster::sample)), always fresh and truly uniform, which is what the walks approximate.
//! - A neighbor request is the link set-up itself, signalled through others or a server; a refusal costs one message.
//! - A full node drops a neighbor for a peer with high priority only if that peer was invited by hand: no other way in may exist.

use shared::limits::LINKS_MAX;

/// With fewer links than this, and more people around, links are asked for with high priority.
pub const LINKS_MIN: usize = 3;

/// The number of links a node asks for: the size of the paper's active view for 10,000 nodes (section 5.1).
pub const LINKS_TARGET: usize = 5;

const _: () = assert!(LINKS_MIN <= LINKS_TARGET && LINKS_TARGET < LINKS_MAX);

/// How badly a link is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Not at all.
    None,
    /// It would be nice.
    Low,
    /// The paper's high priority.
    High,
}

/// How badly a node with `links` links or attempts wants another, when it knows of `others`.
#[must_use]
pub fn need(links: usize, others: usize) -> Need {
    if links >= others.min(LINKS_TARGET) {
        Need::None
    } else if links < LINKS_MIN {
        Need::High
    } else {
        Need::Low
    }
}

/// Whether a node with `links` links or attempts grants another to a peer.
#[must_use]
pub fn grants(links: usize, need: Need) -> bool {
    match need {
        Need::High => links < LINKS_MAX,
        Need::Low | Need::None => links < LINKS_TARGET,
    }
}

/// Whom a neighbor of someone who leaves links with: the next in the circle of that one's neighbors, so that the hole closes
/// with one link each.
#[must_use]
pub fn heir<T: PartialEq + Copy>(neighbors: &[T], me: T) -> Option<T> {
    let place = neighbors.iter().position(|neighbor| *neighbor == me)?;
    let next = neighbors[(place + 1) % neighbors.len()];
    (next != me).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_room_is_linked_in_full() {
        for others in 0..=LINKS_TARGET {
            assert_eq!(need(others, others), Need::None);
            assert!((0..others).all(|links| need(links, others) > Need::None));
        }
    }

    #[test]
    fn who_has_few_links_is_let_in_until_there_is_no_place() {
        assert!(grants(LINKS_MAX - 1, Need::High));
        assert!(!grants(LINKS_MAX, Need::High));
        assert!(!grants(LINKS_TARGET, Need::Low));
    }

    #[test]
    fn heirs_form_a_circle() {
        let neighbors = [3, 1, 4];
        assert_eq!(neighbors.map(|me| heir(&neighbors, me)), [Some(1), Some(4), Some(3)]);
        assert_eq!(heir(&neighbors, 9), None);
        assert_eq!(heir(&[3], 3), None);
    }
}
