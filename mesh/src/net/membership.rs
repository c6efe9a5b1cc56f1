//! Membership: how many links a node keeps, whom it asks for one, and whom it grants one; and what is done about a split room.
//!
//! After Leitão, Pereira and Rodrigues, *HyParView: a Membership Protocol for Reliable Gossip-Based Broadcast* (DSN 2007): a
//! small *active view* of peers with a link each, symmetric by nature, and a larger *passive view* of peers to fall back on. A
//! node with few links asks for a neighbor with *high priority*, which is granted as long as there is a slot; others ask with low
//! priority, which only those grant that want more links themselves.
//!
//! Invariants: at most [`LINKS_MAX`] links and attempts; a node with fewer than [`LINKS_MIN`] keeps asking; links spread evenly, for a
//! node takes unneeded ones only below [`LINKS_TARGET`].
//!
//! Deviations, all because a WebRTC link takes several signalled round trips where the paper opens a TCP connection at will:
//!
//! - No JOIN, FORWARDJOIN or SHUFFLE walks. Every node hears every other's beacons, so the passive view is drawn at random from all
//!   who are here ([`PassiveView::sample`](crate::door::PassiveView::sample)), always fresh and truly uniform, which is what the walks approximate.
//! - A neighbor request is the link set-up itself, signalled through others or a server; a refusal costs one message.
//! - A full node drops a neighbor for a peer with high priority only if that peer was invited by hand: no other way in may exist.

use std::time::Duration;

use chacha20::ChaCha20Rng;
use rand_core::Rng;
use shared::{PeerId, limits::LINKS_MAX};

use super::{back_off::jittered, peers::Peers, servers::Servers};
use crate::{
    config::{LINKS_MIN, LINKS_TARGET, SEEK, SEEK_URGENTLY, SPLIT_ACTORS, SPLIT_CHECK, SUSPECTING},
    context::Context,
    door::View,
    io::Instant,
    random::{Stream, stream},
};

/// How badly a link is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Not at all.
    None,
    /// It would be nice.
    Low,
    /// The paper's high priority.
    High,
}

/// How badly a node with `links` links or attempts wants another, when it knows of `others`.
pub(crate) fn need(links: usize, others: usize) -> Need {
    if links >= others.min(LINKS_TARGET) {
        Need::None
    } else if links < LINKS_MIN {
        Need::High
    } else {
        Need::Low
    }
}

/// Whether a node with `links` links or attempts grants another to a peer.
pub(crate) fn grants(links: usize, need: Need) -> bool {
    match need {
        Need::High => links < LINKS_MAX,
        Need::Low | Need::None => links < LINKS_TARGET,
    }
}

/// Whom a neighbor of a leaving node links with: the next in the circle of the leaving node's neighbors, so that the hole closes with
/// one link each.
pub(crate) fn successor<T: PartialEq + Copy>(neighbors: &[T], me: T) -> Option<T> {
    let place = neighbors.iter().position(|neighbor| *neighbor == me)?;
    let next = neighbors[(place + 1) % neighbors.len()];
    (next != me).then_some(next)
}

/// When links are sought, and among whom.
#[derive(Debug)]
pub(crate) struct Membership {
    rng: ChaCha20Rng,
    /// When links are sought next, if more are wanted.
    seek_at: Instant,
    /// When it is looked again whether a server knows more people than we reach.
    split_check_at: Instant,
    /// Until when what we know of others is doubted: a link was lost.
    suspecting_until: Option<Instant>,
}

impl Membership {
    /// Links are sought at once.
    pub(crate) fn new(seed: [u8; 32], now: Instant) -> Self {
        Self {
            rng: stream(seed, Stream::Membership),
            seek_at: now,
            split_check_at: now,
            suspecting_until: None,
        }
    }

    /// Links are sought at the next time-out.
    pub(crate) fn seek_now(&mut self, now: Instant) {
        self.seek_at = now;
    }

    /// Links are sought within `wait`, drawn from its upper half.
    pub(crate) fn seek_within(&mut self, now: Instant, wait: Duration) {
        self.seek_at = self.seek_at.min(now + jittered(wait, &mut self.rng));
    }

    /// A link was lost: right after a loss more may be lost than is known.
    pub(crate) fn suspect(&mut self, now: Instant) {
        self.suspecting_until = Some(now + SUSPECTING);
    }

    /// Whether what we know of others is doubted.
    pub(crate) fn is_suspecting(&self, now: Instant) -> bool {
        self.suspecting_until.is_some_and(|until| now < until)
    }

    /// When links are sought next, if more are wanted.
    pub(crate) fn seek_timeout(&self) -> Instant {
        self.seek_at
    }

    /// When a split is looked for next, if the room is split.
    pub(crate) fn split_timeout(&self) -> Instant {
        self.split_check_at
    }

    /// Whom to try now, in this order: as many as links are wanted.
    pub(crate) fn seek(&mut self, cx: &Context, peers: &Peers, view: View<'_>, need: Need) -> Vec<PeerId> {
        let now = cx.instant();
        let wait = if need == Need::High { SEEK_URGENTLY } else { SEEK };
        self.seek_at = now + jittered(wait, &mut self.rng);
        let slots = LINKS_TARGET.saturating_sub(peers.slots_used());
        // Each once: those who are here are drawn from the roster.
        let known = peers.iter();
        let known = known.filter(|(peer, contact)| contact.is_eligible(now) && !view.is_present(peer));
        let mut known: Vec<_> = known.map(|(peer, _)| *peer).collect();
        // A node with enough links grants only those that are badly needed, and says in its beacon how many it has.
        let may_grant = |peer: &PeerId| need == Need::High || grants(view.links_of(peer), need);
        let fits = |peer: &PeerId| may_grant(peer) && peers.get(peer).is_none_or(|contact| contact.is_free(now));
        known.extend(view.sample(slots, &mut self.rng, &fits));
        let mut chosen = Vec::new();
        for _ in 0..slots.min(known.len()) {
            let index = self.rng.next_u64() % known.len() as u64;
            chosen.push(known.swap_remove(usize::try_from(index).unwrap_or(0)));
        }
        chosen
    }

    /// Whether there is nobody but `peer` to link with, as far as a look shows.
    pub(crate) fn is_alone_with(&mut self, peers: &Peers, view: View<'_>, peer: &PeerId) -> bool {
        let fits = |other: &PeerId| other != peer && peers.get(other).is_none_or(|contact| !contact.uses_slot());
        view.sample(1, &mut self.rng, &fits).is_empty()
    }

    /// The room is split: says whether we act. In a large room everybody sees that at once, and few need to.
    pub(crate) fn acts_on_split(&mut self, now: Instant, people: usize) -> bool {
        self.split_check_at = now + jittered(SPLIT_CHECK, &mut self.rng);
        let people = u64::try_from(people).unwrap_or(u64::MAX);
        self.rng.next_u64() % people.max(1) < SPLIT_ACTORS
    }
}

/// How badly we want another link, if we have `links`.
pub(crate) fn need_beyond(links: usize, now: Instant, peers: &Peers, servers: &Servers, view: View<'_>) -> Need {
    if links >= LINKS_TARGET {
        // What is asked most often, and needs no more.
        return Need::None;
    }
    let mut others = view.present().max(servers.room_size().saturating_sub(1));
    if others < LINKS_TARGET {
        // More than that many make no difference.
        others = others.max(peers.wanted(now));
    }
    let need = need(links, others);
    // Nobody is known, and no server says who is here: another tab may.
    if links == 0 && servers.registered().is_none() {
        return need.max(Need::Low);
    }
    need
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
    fn a_node_with_few_links_is_let_in_until_there_is_no_slot() {
        assert!(grants(LINKS_MAX - 1, Need::High));
        assert!(!grants(LINKS_MAX, Need::High));
        assert!(!grants(LINKS_TARGET, Need::Low));
    }

    #[test]
    fn successors_form_a_circle() {
        let neighbors = [3, 1, 4];
        assert_eq!(
            neighbors.map(|me| successor(&neighbors, me)),
            [Some(1), Some(4), Some(3)]
        );
        assert_eq!(successor(&neighbors, 9), None);
        assert_eq!(successor(&[3], 3), None);
    }
}
