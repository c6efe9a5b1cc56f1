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

use super::{peers::Peers, servers::Servers};
use crate::{
    back_off::jittered,
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
    /// Links are sought from then on.
    pub(crate) fn new(seed: [u8; 32], from: Instant) -> Self {
        Self {
            rng: stream(seed, Stream::Membership),
            seek_at: from,
            split_check_at: from,
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

/// A room of which only is known who is there, for tests of the net.
#[cfg(test)]
pub(crate) mod test {
    use super::*;
    use crate::{
        door::PassiveView,
        wire::{frame::Digests, span::LogDigest},
    };

    /// Who is here by a beacon, with so many links each.
    #[derive(Debug, Default)]
    pub(crate) struct Here(pub(crate) Vec<(PeerId, usize)>);

    impl Here {
        /// People who have one link each.
        pub(crate) fn of(people: impl IntoIterator<Item = PeerId>) -> Self {
            Self(people.into_iter().map(|peer| (peer, 1)).collect())
        }
    }

    impl PassiveView for Here {
        fn present(&self) -> usize {
            self.0.len()
        }

        fn is_present(&self, peer: &PeerId) -> bool {
            self.0.iter().any(|(here, _)| here == peer)
        }

        fn is_reached(&self, peer: &PeerId) -> bool {
            self.is_present(peer)
        }

        fn links_of(&self, peer: &PeerId) -> usize {
            let here = self.0.iter().find(|(here, _)| here == peer);
            here.map_or(0, |(_, links)| *links)
        }

        fn sample(&self, count: usize, _: &mut ChaCha20Rng, eligible: &dyn Fn(&PeerId) -> bool) -> Vec<PeerId> {
            let here = self.0.iter().map(|(here, _)| *here);
            here.filter(|peer| eligible(peer)).take(count).collect()
        }

        fn digests(&self) -> Digests {
            Digests {
                log: LogDigest([1; 16]),
                people: 2,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{peers::test::Rig, session::Role},
        test::Here,
        *,
    };
    use crate::context::test::peer;

    fn membership(rig: &Rig) -> Membership {
        Membership::new([1; 32], rig.cx.instant())
    }

    /// Whom to try, in the order of their ids.
    fn sought(rig: &Rig, here: &Here, need: Need) -> Vec<PeerId> {
        let mut chosen = membership(rig).seek(&rig.cx, &rig.peers, here, need);
        chosen.sort();
        chosen
    }

    fn sorted(bytes: &[u8]) -> Vec<PeerId> {
        let mut people: Vec<_> = bytes.iter().map(|byte| peer(*byte)).collect();
        people.sort();
        people
    }

    #[test]
    fn with_low_need_only_those_are_sought_that_want_more_links_themselves() {
        let rig = Rig::new();
        let here = Here(vec![
            (peer(2), LINKS_TARGET),
            (peer(3), LINKS_TARGET - 1),
            (peer(4), 0),
            (peer(5), LINKS_MAX),
        ]);
        assert_eq!(sought(&rig, &here, Need::Low), sorted(&[3, 4]));
        assert_eq!(sought(&rig, &here, Need::High), sorted(&[2, 3, 4, 5]));
    }

    #[test]
    fn only_those_are_sought_that_nothing_speaks_against() {
        let mut rig = Rig::new();
        let later = rig.cx.instant() + SEEK;
        rig.link(peer(2), Role::Offerer);
        rig.attempt(peer(3), Role::Offerer);
        rig.want(peer(4)).rest_until(later);
        rig.want(peer(5)).shun(later);
        let here = Here::of([2, 3, 4, 5, 6].map(peer));
        assert_eq!(sought(&rig, &here, Need::High), [peer(6)]);
    }

    #[test]
    fn those_who_are_wanted_without_being_here_are_sought_too_and_nobody_twice() {
        let mut rig = Rig::new();
        rig.want(peer(2));
        rig.want(peer(3));
        let past = rig.cx.instant();
        rig.want(peer(4)).unwant(past);
        let here = Here::of([peer(3)]);
        assert_eq!(sought(&rig, &here, Need::High), sorted(&[2, 3]));
    }

    #[test]
    fn as_many_are_sought_as_links_are_wanted() {
        let mut rig = Rig::new();
        let here = Here::of((2..20).map(peer));
        assert_eq!(sought(&rig, &here, Need::High).len(), LINKS_TARGET);
        rig.link(peer(2), Role::Offerer);
        rig.attempt(peer(3), Role::Offerer);
        assert_eq!(sought(&rig, &here, Need::High).len(), LINKS_TARGET - 2);
        for byte in 4..10 {
            rig.attempt(peer(byte), Role::Offerer);
        }
        assert_eq!(sought(&rig, &here, Need::High), []);
    }

    #[test]
    fn links_are_sought_again_sooner_when_they_are_needed_badly() {
        let rig = Rig::new();
        let mut membership = membership(&rig);
        assert_eq!(membership.seek_timeout(), rig.cx.instant());
        for (need, wait) in [(Need::Low, SEEK), (Need::High, SEEK_URGENTLY)] {
            membership.seek(&rig.cx, &rig.peers, &Here::default(), need);
            let next = membership.seek_timeout().since(rig.cx.instant());
            assert!((wait / 2..=wait).contains(&next), "{next:?}");
        }
        let at = membership.seek_timeout();
        membership.seek_within(rig.cx.instant(), SEEK * 4);
        assert_eq!(membership.seek_timeout(), at, "nothing puts it off");
        membership.seek_now(rig.cx.instant());
        assert_eq!(membership.seek_timeout(), rig.cx.instant());
    }

    #[test]
    fn suspicion_ends_after_a_while() {
        let rig = Rig::new();
        let (mut membership, now) = (membership(&rig), rig.cx.instant());
        assert!(!membership.is_suspecting(now));
        membership.suspect(now);
        assert!(membership.is_suspecting(now + (SUSPECTING - Duration::from_millis(1))));
        assert!(!membership.is_suspecting(now + SUSPECTING));
    }

    #[test]
    fn few_act_on_a_split_in_a_large_room_and_all_in_a_small_one() {
        let rig = Rig::new();
        let (mut membership, now) = (membership(&rig), rig.cx.instant());
        let actors = usize::try_from(SPLIT_ACTORS).unwrap();
        assert!((0..100).all(|_| membership.acts_on_split(now, actors)));
        let looks = 25 * actors;
        let acted = (0..looks * 100)
            .filter(|_| membership.acts_on_split(now, looks))
            .count();
        // One in 25 on average, which is 400 of 10,000.
        assert!((300..500).contains(&acted), "{acted}");
        let next = membership.split_timeout().since(now);
        assert!((SPLIT_CHECK / 2..=SPLIT_CHECK).contains(&next), "{next:?}");
    }

    #[test]
    fn a_peer_is_the_only_one_if_all_others_have_links_or_attempts() {
        let mut rig = Rig::new();
        rig.link(peer(3), Role::Offerer);
        rig.attempt(peer(4), Role::Offerer);
        let mut membership = membership(&rig);
        let mut alone = |people: &[u8]| {
            let here = Here::of(people.iter().map(|byte| peer(*byte)));
            membership.is_alone_with(&rig.peers, &here, &peer(2))
        };
        assert!(alone(&[]) && alone(&[2]) && alone(&[2, 3, 4]));
        assert!(!alone(&[5]) && !alone(&[2, 3, 5]));
    }

    #[test]
    fn without_links_and_a_server_others_are_looked_for_even_if_nobody_is_known() {
        let mut rig = Rig::new();
        let (now, servers) = (rig.cx.instant(), Servers::new(vec![], [1; 32], rig.cx.now));
        let beyond = |rig: &Rig, links, here: &Here| need_beyond(links, now, &rig.peers, &servers, here);
        assert_eq!(beyond(&rig, 0, &Here::default()), Need::Low);
        assert_eq!(beyond(&rig, 1, &Here::default()), Need::None);
        assert_eq!(beyond(&rig, 0, &Here::of([peer(2)])), Need::High);
        rig.want(peer(2));
        assert_eq!(beyond(&rig, 0, &Here::default()), Need::High, "somebody is wanted");
        let crowd = Here::of((2..50).map(peer));
        assert_eq!(beyond(&rig, LINKS_MIN, &crowd), Need::Low);
        assert_eq!(beyond(&rig, LINKS_TARGET, &crowd), Need::None);
    }

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
