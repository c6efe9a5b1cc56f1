//! Broadcast: every record reaches every node, along a tree that the nodes find by themselves.
//!
//! After Leitão, Pereira and Rodrigues, *Epidemic Broadcast Trees* (SRDS 2007), "Plumtree": each neighbor is *eager* (gets the
//! payload at once) or *lazy* (gets its id, IHAVE). Who gets a payload twice prunes the second sender to lazy; who hears of an id
//! whose payload does not come grafts the announcer back to eager. What is eager on both sides forms a spanning tree.
//!
//! Invariants: a record is handed on at most once to each neighbor; a neighbor that is lazy is told the id of everything that
//! it may lack; an id that is known, but whose payload is missing, is grafted from each of its announcers in turn.
//!
//! Deviations, all measured with `cargo xtask sim` and `cargo xtask bench mesh`:
//!
//! - *A tree is shaped by its root's records alone.* In the paper any message prunes; where many send at once, each of them can
//!   cut another edge of one cycle, and the tree falls apart and is grafted together again all the time. Here a tree has a root, and only
//!   records by that author, which spread over shortest paths, prune and make eager on it.
//! - *There are a few trees for all*, whose roots are those with the lowest ids of all who are here, one for every [`ROOT_PEOPLE`]
//!   people. They beacon often ([`ROOT_INTERVAL`](crate::presence::ROOT_INTERVAL)), so a broken branch is mended before anybody says something. A
//!   record travels on the tree whose root is nearest to its author. If a root goes, another takes its place; on a tree that
//!   is new to a node every neighbor is eager.
//! - *A talkative author is the root of a tree of its own*, made by its entries in the paper's way.
//! - *Shortcuts.* A tree of another root is slower than one's own. An entry on it therefore starts in several places at once: it
//!   may be handed to a few lazy neighbors too (its *spread*, one for every [`SPREAD_PEOPLE`] people, shared out between
//!   those who pass it on). Where the waves meet a payload arrives twice.
//! - IHAVEs are collected for [`ANNOUNCE_ENTRY`], or [`ANNOUNCE_BEACON`] where only beacons wait.

use std::time::Duration;

use litemap::LiteMap;

use crate::{
    config::{ANNOUNCEMENTS_MAX, GRAFT_IDS_MAX, MISSING_MAX, SEEN_RECORDS_MAX, TREES_MAX},
    io::{Instant, LinkId},
    record::Short,
    seen::Seen,
};

/// How long the ids of entries are collected before they are announced. Measured: with less, payloads that are on their way are
/// grafted needlessly.
pub const ANNOUNCE_ENTRY: Duration = Duration::from_millis(100);

/// How long the ids of beacons are collected: nobody waits for a beacon.
pub const ANNOUNCE_BEACON: Duration = Duration::from_secs(2);

/// How long a payload whose id was announced is waited for (the paper's first timer), and the next announcer after the first (its
/// second).
pub const GRAFT_WAIT: Duration = Duration::from_millis(400);

/// For every so many people an entry may take one shortcut. Each costs about two payloads too many in the whole room: a fifth
/// of all, in the time of which most of the way is covered.
pub const SPREAD_PEOPLE: usize = 12;

/// Who says this many entries within [`TALKATIVE_TIME`] makes a tree of its own: a flood costs about as much as its shortcuts would
/// in the next ten.
pub const TALKATIVE_ENTRIES: usize = 4;

/// See [`TALKATIVE_ENTRIES`].
pub const TALKATIVE_TIME: Duration = Duration::from_secs(60);

/// In a smaller room than this a shortcut would gain nothing.
pub const SPREAD_ROOM_MIN: usize = 200;

/// How many people there are for each root, up to [`ROOTS_MAX`].
pub const ROOT_PEOPLE: usize = 100;

/// How many roots there are at most: each costs everybody a beacon every few seconds.
pub const ROOTS_MAX: usize = 8;

/// How many roots a room of `people` has.
#[must_use]
pub fn roots(people: usize) -> usize {
    (people / ROOT_PEOPLE).clamp(1, ROOTS_MAX)
}

/// A tree, named by its root.
pub type Tree = Short;

/// A neighbor.
#[derive(Debug)]
struct Peer {
    /// The trees on which it is lazy.
    lazy: Vec<Tree>,
    /// Ids it is to be told of.
    announce: Vec<(Tree, Short)>,
}

impl Peer {
    fn is_eager(&self, tree: Tree) -> bool {
        !self.lazy.contains(&tree)
    }

    fn make_eager(&mut self, tree: Tree) {
        self.lazy.retain(|lazy| *lazy != tree);
    }

    fn make_lazy(&mut self, tree: Tree) {
        if self.is_eager(tree) {
            self.lazy.push(tree);
        }
    }
}

#[derive(Debug)]
struct Missing {
    id: Short,
    tree: Tree,
    /// Who announced it, the next to be asked last.
    announcers: Vec<LinkId>,
    graft_at: Instant,
}

/// What is to be broadcast, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// On which tree.
    pub tree: Tree,
    /// By whom: the tree's root shapes it.
    pub author: Short,
    /// How many shortcuts it may still take, here and further on.
    pub spread: u16,
    /// How long its id may wait to be announced.
    pub announce_after: Duration,
}

impl Course {
    /// Whether the way it comes shapes its tree.
    fn shapes(self) -> bool {
        self.tree == self.author
    }
}

/// A neighbor to hand a payload to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Over which link.
    pub link: LinkId,
    /// How many shortcuts are left to it.
    pub spread: u16,
}

/// Whether a node says so much that a tree of its own pays.
#[derive(Debug, Default)]
pub struct Talkative {
    said: Vec<Instant>,
}

impl Talkative {
    /// Notes that something is said. Says whether the last [`TALKATIVE_ENTRIES`] were said within [`TALKATIVE_TIME`].
    pub fn says(&mut self, now: Instant) -> bool {
        self.said.retain(|said| now.since(*said) <= TALKATIVE_TIME);
        self.said.push(now);
        if self.said.len() > TALKATIVE_ENTRIES {
            self.said.remove(0);
        }
        self.said.len() >= TALKATIVE_ENTRIES
    }
}

/// What the layer asks of [`Node`](crate::Node).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Announce these.
    IHave {
        /// To whom.
        link: LinkId,
        /// On which tree they travel.
        tree: Tree,
        /// At most [`GRAFT_IDS_MAX`].
        ids: Vec<Short>,
    },
    /// Ask for these, and to be eager.
    Graft {
        /// Whom.
        link: LinkId,
        /// On which tree.
        tree: Tree,
        /// At most [`GRAFT_IDS_MAX`].
        ids: Vec<Short>,
    },
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Broadcast {
    peers: LiteMap<LinkId, Peer>,
    seen: Seen<Short>,
    missing: Vec<Missing>,
    /// The trees that were used last, the latest first.
    trees: Vec<Tree>,
    announce_at: Option<Instant>,
}

impl Default for Broadcast {
    fn default() -> Self {
        Self {
            peers: LiteMap::new(),
            seen: Seen::new(SEEN_RECORDS_MAX),
            missing: Vec::new(),
            trees: Vec::new(),
            announce_at: None,
        }
    }
}

impl Broadcast {
    /// A link can be used: its peer starts out eager.
    pub fn neighbor_up(&mut self, link: LinkId) {
        let peer = Peer {
            lazy: Vec::new(),
            announce: Vec::new(),
        };
        self.peers.insert(link, peer);
    }

    /// A link is over.
    pub fn neighbor_down(&mut self, link: LinkId) {
        self.peers.remove(&link);
        for missing in &mut self.missing {
            missing.announcers.retain(|announcer| *announcer != link);
        }
    }

    /// Whether payloads on this tree go over this link at once.
    #[must_use]
    pub fn is_eager(&self, link: LinkId, tree: Tree) -> bool {
        self.peers.get(&link).is_some_and(|peer| peer.is_eager(tree))
    }

    /// Whether a record came before.
    #[must_use]
    pub fn has_seen(&self, id: Short) -> bool {
        self.seen.contains(&id)
    }

    /// A record is new, ours or come over `from`: gives whom to hand it to. The others are told of it later.
    pub fn publish(&mut self, now: Instant, id: Short, course: Course, from: Option<LinkId>) -> Vec<Target> {
        self.note_seen(id);
        let tree = course.tree;
        self.note_tree(tree);
        if course.shapes()
            && let Some(peer) = from.and_then(|from| self.peers.get_mut(&from))
        {
            peer.make_eager(tree);
        }
        let mut shortcuts = usize::from(course.spread);
        let mut targets = Vec::new();
        let mut announces = false;
        for (link, peer) in self.peers.iter_mut() {
            if Some(*link) == from {
                continue;
            }
            let eager = peer.is_eager(tree);
            let by_shortcut = !eager && shortcuts > 0;
            if by_shortcut {
                shortcuts -= 1;
            }
            if eager || by_shortcut {
                targets.push(Target { link: *link, spread: 0 });
            } else if peer.announce.len() < ANNOUNCEMENTS_MAX {
                peer.announce.push((tree, id));
                announces = true;
            }
        }
        let count = targets.len().max(1);
        for (index, target) in targets.iter_mut().enumerate() {
            let share = shortcuts / count + usize::from(index < shortcuts % count);
            target.spread = u16::try_from(share).unwrap_or(u16::MAX);
        }
        if announces {
            let at = now + course.announce_after;
            self.announce_at = Some(self.announce_at.unwrap_or(at).min(at));
        }
        targets
    }

    /// Keeps the trees that were used last.
    fn note_tree(&mut self, tree: Tree) {
        if self.trees.first() == Some(&tree) {
            return;
        }
        self.trees.retain(|known| *known != tree);
        self.trees.insert(0, tree);
        if self.trees.len() > TREES_MAX
            && let Some(oldest) = self.trees.pop()
        {
            for (_, peer) in self.peers.iter_mut() {
                peer.make_eager(oldest);
            }
        }
    }

    /// Tells a neighbor of records that came otherwise than by broadcast, and that it may lack.
    pub fn announce(&mut self, now: Instant, link: LinkId, tree: Tree, ids: impl IntoIterator<Item = Short>) {
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.announce.extend(ids.into_iter().map(|id| (tree, id)));
            peer.announce.truncate(ANNOUNCEMENTS_MAX);
            self.announce_at = Some(
                self.announce_at
                    .unwrap_or(now + ANNOUNCE_ENTRY)
                    .min(now + ANNOUNCE_ENTRY),
            );
        }
    }

    /// Notes that a record was had otherwise than by broadcast.
    pub fn note_seen(&mut self, id: Short) {
        self.seen.insert(id);
        self.missing.retain(|missing| missing.id != id);
    }

    /// A payload came over `from` that was here already. Says whether the sender is to be told to prune: also if it was told
    /// before, for it may have forgotten the tree meanwhile.
    pub fn on_duplicate(&mut self, from: LinkId, course: Course) -> bool {
        let known = self.trees.contains(&course.tree);
        let peer = self.peers.get_mut(&from).filter(|_| known && course.shapes());
        peer.is_some_and(|peer| {
            peer.make_lazy(course.tree);
            true
        })
    }

    /// The neighbor gets payloads on this tree from somebody else first. Of a tree that is not known here there is nothing to note.
    pub fn on_prune(&mut self, from: LinkId, tree: Tree) {
        let known = self.trees.contains(&tree);
        if let Some(peer) = self.peers.get_mut(&from).filter(|_| known) {
            peer.make_lazy(tree);
        }
    }

    /// The neighbor asks for payloads, and to be eager.
    pub fn on_graft(&mut self, from: LinkId, tree: Tree) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.make_eager(tree);
        }
    }

    /// The neighbor has these.
    pub fn on_ihave(&mut self, now: Instant, from: LinkId, tree: Tree, ids: &[Short]) {
        for id in ids {
            if self.seen.contains(id) {
                continue;
            }
            if let Some(missing) = self.missing.iter_mut().find(|missing| missing.id == *id) {
                if !missing.announcers.contains(&from) {
                    missing.announcers.insert(0, from);
                }
            } else if self.missing.len() < MISSING_MAX {
                self.missing.push(Missing {
                    id: *id,
                    tree,
                    announcers: vec![from],
                    graft_at: now + GRAFT_WAIT,
                });
            }
        }
    }

    /// When [`Broadcast::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        // All wait equally long, so the first is the earliest, or nearly so.
        let graft_at = self.missing.iter().map(|missing| missing.graft_at).min();
        self.announce_at.into_iter().chain(graft_at).min()
    }

    /// Announces and grafts what is due.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Action>) {
        if self.announce_at.is_some_and(|at| now >= at) {
            self.announce_at = None;
            for (link, peer) in self.peers.iter_mut() {
                for (tree, ids) in by_tree(std::mem::take(&mut peer.announce)) {
                    out.push(Action::IHave { link: *link, tree, ids });
                }
            }
        }
        let mut grafts: LiteMap<LinkId, Vec<(Tree, Short)>> = LiteMap::new();
        self.missing.retain_mut(|missing| {
            if now < missing.graft_at {
                return true;
            }
            missing.graft_at = now + GRAFT_WAIT;
            let Some(link) = missing.announcers.pop() else {
                // Nobody is left to ask: sync will find it.
                return false;
            };
            grafts.entry(link).or_default().push((missing.tree, missing.id));
            true
        });
        for (link, ids) in grafts {
            for (tree, ids) in by_tree(ids) {
                if let Some(peer) = self.peers.get_mut(&link) {
                    peer.make_eager(tree);
                }
                out.push(Action::Graft { link, tree, ids });
            }
        }
    }
}

/// Ids in groups of one tree, none larger than a frame may name.
fn by_tree(mut ids: Vec<(Tree, Short)>) -> Vec<(Tree, Vec<Short>)> {
    ids.sort_by_key(|(tree, _)| *tree);
    let mut groups: Vec<(Tree, Vec<Short>)> = Vec::new();
    for (tree, id) in ids {
        match groups.last_mut() {
            Some((last, group)) if *last == tree && group.len() < GRAFT_IDS_MAX => group.push(id),
            _ => groups.push((tree, vec![id])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree that all use, and its root.
    const ROOT: Tree = Short(1);
    /// A talkative author, and its tree.
    const ANN: Tree = Short(9);
    const ENTRY: Course = Course {
        tree: ROOT,
        author: Short(2),
        spread: 0,
        announce_after: ANNOUNCE_ENTRY,
    };
    const BEACON: Course = Course {
        announce_after: ANNOUNCE_BEACON,
        ..ENTRY
    };
    const ROOTS: Course = Course { author: ROOT, ..BEACON };
    const ANNS: Course = Course {
        tree: ANN,
        author: ANN,
        ..ENTRY
    };

    fn at(millis: u64) -> Instant {
        Instant::from_millis(100_000 + millis)
    }

    /// With neighbors over links 1 to `count`, and one tree in use.
    fn broadcast(count: u64) -> Broadcast {
        let mut broadcast = Broadcast::default();
        for link in 1..=count {
            broadcast.neighbor_up(LinkId(link));
        }
        handed(&mut broadcast, 999, ENTRY, None);
        broadcast
    }

    /// Whom a new record is handed to.
    fn handed(broadcast: &mut Broadcast, id: u64, course: Course, from: Option<u64>) -> Vec<u64> {
        let targets = broadcast.publish(at(0), Short(id), course, from.map(LinkId));
        targets.into_iter().map(|target| target.link.0).collect()
    }

    fn due(broadcast: &mut Broadcast, now: Instant) -> Vec<Action> {
        let mut out = Vec::new();
        broadcast.handle_timeout(now, &mut out);
        out
    }

    fn ihave(link: u64, tree: Tree, ids: &[u64]) -> Action {
        Action::IHave {
            link: LinkId(link),
            tree,
            ids: ids.iter().copied().map(Short).collect(),
        }
    }

    fn graft(link: u64, tree: Tree, ids: &[u64]) -> Action {
        Action::Graft {
            link: LinkId(link),
            tree,
            ids: ids.iter().copied().map(Short).collect(),
        }
    }

    #[test]
    fn a_record_is_handed_to_everyone_but_who_brought_it() {
        let mut broadcast = broadcast(3);
        assert_eq!(handed(&mut broadcast, 7, ENTRY, None), [1, 2, 3]);
        assert_eq!(handed(&mut broadcast, 8, ENTRY, Some(2)), [1, 3]);
        assert!(broadcast.has_seen(Short(7)) && !broadcast.has_seen(Short(9)));
        assert_eq!(broadcast.poll_timeout(), None, "nobody is left to be told");
    }

    #[test]
    fn duplicate_of_the_roots_beacon_prunes_its_sender() {
        let mut broadcast = broadcast(3);
        handed(&mut broadcast, 7, ROOTS, Some(1));
        assert!(broadcast.on_duplicate(LinkId(2), ROOTS));
        assert!(
            broadcast.on_duplicate(LinkId(2), ROOTS),
            "told again, should the first have crossed a graft"
        );
        assert_eq!(
            [1, 2, 3].map(|link| broadcast.is_eager(LinkId(link), ROOT)),
            [true, false, true]
        );
        assert_eq!(handed(&mut broadcast, 8, ENTRY, None), [1, 3]);
    }

    #[test]
    fn duplicates_of_what_others_than_the_root_said_prune_nobody() {
        let mut broadcast = broadcast(2);
        for (id, course) in [(7, BEACON), (8, ENTRY)] {
            handed(&mut broadcast, id, course, Some(1));
            assert!(!broadcast.on_duplicate(LinkId(2), course));
        }
        assert!(broadcast.is_eager(LinkId(2), ROOT));
    }

    #[test]
    fn who_brings_the_roots_beacon_first_becomes_eager_and_who_brings_others_does_not() {
        let mut broadcast = broadcast(2);
        broadcast.on_prune(LinkId(1), ROOT);
        handed(&mut broadcast, 7, BEACON, Some(1));
        handed(&mut broadcast, 8, ENTRY, Some(1));
        assert!(!broadcast.is_eager(LinkId(1), ROOT));
        handed(&mut broadcast, 9, ROOTS, Some(1));
        assert!(broadcast.is_eager(LinkId(1), ROOT));
    }

    #[test]
    fn the_lazy_are_told_after_a_while_and_of_beacons_later() {
        let mut broadcast = broadcast(2);
        broadcast.on_prune(LinkId(2), ROOT);
        assert_eq!(handed(&mut broadcast, 7, BEACON, None), [1]);
        assert_eq!(broadcast.poll_timeout(), Some(at(0) + ANNOUNCE_BEACON));
        assert_eq!(handed(&mut broadcast, 8, ENTRY, None), [1]);
        assert_eq!(broadcast.poll_timeout(), Some(at(0) + ANNOUNCE_ENTRY));
        assert_eq!(due(&mut broadcast, at(99)), []);
        assert_eq!(due(&mut broadcast, at(100)), [ihave(2, ROOT, &[7, 8])]);
        assert_eq!(due(&mut broadcast, at(9_000)), []);
    }

    #[test]
    fn what_was_announced_and_does_not_come_is_grafted_from_the_announcers_in_turn() {
        let mut broadcast = broadcast(3);
        broadcast.on_prune(LinkId(1), ROOT);
        broadcast.on_ihave(at(0), LinkId(1), ROOT, &[Short(7)]);
        broadcast.on_ihave(at(50), LinkId(2), ROOT, &[Short(7)]);
        broadcast.on_ihave(at(60), LinkId(2), ROOT, &[Short(7)]);
        assert_eq!(broadcast.poll_timeout(), Some(at(0) + GRAFT_WAIT));
        assert_eq!(due(&mut broadcast, at(399)), []);
        assert_eq!(due(&mut broadcast, at(400)), [graft(1, ROOT, &[7])]);
        assert!(broadcast.is_eager(LinkId(1), ROOT), "from now on it sends at once");
        assert_eq!(due(&mut broadcast, at(799)), []);
        assert_eq!(due(&mut broadcast, at(800)), [graft(2, ROOT, &[7])]);
        // Nobody is left to ask, and sync will find it.
        assert_eq!(due(&mut broadcast, at(1_200)), []);
        assert_eq!(broadcast.poll_timeout(), None);
    }

    #[test]
    fn what_came_in_time_is_not_grafted() {
        let mut broadcast = broadcast(2);
        broadcast.on_ihave(at(0), LinkId(1), ROOT, &[Short(7), Short(8)]);
        handed(&mut broadcast, 7, ENTRY, Some(2));
        broadcast.note_seen(Short(8));
        assert_eq!(broadcast.poll_timeout(), None);
        broadcast.on_ihave(at(0), LinkId(1), ROOT, &[Short(7)]);
        assert_eq!(due(&mut broadcast, at(400)), []);
    }

    #[test]
    fn who_is_gone_is_neither_asked_nor_told() {
        let mut broadcast = broadcast(2);
        broadcast.on_ihave(at(0), LinkId(1), ROOT, &[Short(7)]);
        broadcast.on_ihave(at(0), LinkId(2), ROOT, &[Short(7)]);
        broadcast.neighbor_down(LinkId(1));
        assert_eq!(due(&mut broadcast, at(400)), [graft(2, ROOT, &[7])]);
        assert_eq!(handed(&mut broadcast, 8, ENTRY, None), [2]);
        broadcast.announce(at(0), LinkId(1), ROOT, [Short(8)]);
        assert_eq!(due(&mut broadcast, at(500)), []);
    }

    #[test]
    fn an_own_tree_is_shaped_by_its_entries_and_leaves_the_others_alone() {
        let mut broadcast = broadcast(3);
        broadcast.on_prune(LinkId(3), ROOT);
        assert_eq!(handed(&mut broadcast, 7, ANNS, Some(1)), [2, 3], "the first floods");
        assert!(broadcast.on_duplicate(LinkId(2), ANNS));
        broadcast.on_prune(LinkId(3), ANN);
        assert_eq!(handed(&mut broadcast, 8, ANNS, Some(1)), []);
        assert_eq!(due(&mut broadcast, at(100)), [2, 3].map(|link| ihave(link, ANN, &[8])));
        assert_eq!(
            [1, 2, 3].map(|link| broadcast.is_eager(LinkId(link), ROOT)),
            [true, true, false]
        );
        broadcast.on_graft(LinkId(3), ANN);
        assert_eq!(handed(&mut broadcast, 9, ANNS, Some(1)), [3]);
    }

    #[test]
    fn a_prune_on_a_tree_nobody_uses_is_not_noted() {
        let mut broadcast = broadcast(1);
        for root in 1_000..2_000 {
            broadcast.on_prune(LinkId(1), Short(root));
        }
        assert!(broadcast.peers.values().all(|peer| peer.lazy.is_empty()));
    }

    #[test]
    fn the_tree_longest_unused_is_forgotten_and_floods_again() {
        let mut broadcast = broadcast(2);
        handed(&mut broadcast, 1_000, ANNS, None);
        broadcast.on_prune(LinkId(1), ANN);
        let other = |root| Course {
            tree: Short(root),
            author: Short(root),
            ..ENTRY
        };
        let others = 100 + u64::try_from(TREES_MAX).unwrap();
        for root in 101..others {
            handed(&mut broadcast, 2_000 + root, other(root), None);
        }
        assert_eq!(handed(&mut broadcast, 3_000, ANNS, None), [2], "it is remembered");
        for root in 101..=others {
            handed(&mut broadcast, 4_000 + root, other(root), None);
        }
        assert_eq!(handed(&mut broadcast, 5_000, ANNS, None), [1, 2]);
    }

    #[test]
    fn shortcuts_go_to_the_lazy_and_what_is_left_is_shared_out() {
        let mut broadcast = broadcast(5);
        for lazy in [4, 5] {
            broadcast.on_prune(LinkId(lazy), ROOT);
        }
        let entry = |spread| Course { spread, ..ENTRY };
        let shares =
            |targets: Vec<Target>| -> Vec<_> { targets.iter().map(|target| (target.link.0, target.spread)).collect() };
        let targets = broadcast.publish(at(0), Short(7), entry(1), None);
        assert_eq!(shares(targets), [(1, 0), (2, 0), (3, 0), (4, 0)]);
        let targets = broadcast.publish(at(0), Short(8), entry(10), None);
        assert_eq!(shares(targets), [(1, 2), (2, 2), (3, 2), (4, 1), (5, 1)]);
        assert_eq!(due(&mut broadcast, at(100)), [ihave(5, ROOT, &[7])]);
    }

    #[test]
    fn ids_of_one_tree_go_together_and_no_more_than_a_frame_may_name() {
        let mut broadcast = broadcast(1);
        broadcast.on_prune(LinkId(1), ROOT);
        let many = u64::try_from(GRAFT_IDS_MAX).unwrap() + 1;
        broadcast.announce(at(0), LinkId(1), ROOT, (0..many).map(Short));
        let ids: Vec<_> = (0..many).collect();
        assert_eq!(
            due(&mut broadcast, at(100)),
            [
                ihave(1, ROOT, &ids[..GRAFT_IDS_MAX]),
                ihave(1, ROOT, &ids[GRAFT_IDS_MAX..])
            ]
        );
    }

    #[test]
    fn what_waits_is_bounded_whatever_is_announced() {
        let mut broadcast = broadcast(1);
        let ids: Vec<_> = (0..100_000).map(Short).collect();
        broadcast.announce(at(0), LinkId(1), ROOT, ids.iter().copied());
        broadcast.on_ihave(at(0), LinkId(1), ROOT, &ids);
        assert_eq!(broadcast.missing.len(), MISSING_MAX);
        assert!(
            broadcast
                .peers
                .values()
                .all(|peer| peer.announce.len() <= ANNOUNCEMENTS_MAX)
        );
    }

    #[test]
    fn who_says_four_things_in_a_minute_is_talkative() {
        let mut talkative = Talkative::default();
        let says = [0, 30_000, 59_000, 61_000, 80_000, 200_000].map(|millis| talkative.says(at(millis)));
        assert_eq!(says, [false, false, false, false, true, false]);
    }
}
