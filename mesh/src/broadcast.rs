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

#[cfg(test)]
mod tests;

use std::time::Duration;

use litemap::LiteMap;

use crate::{
    config::{ANNOUNCEMENTS_MAX, GRAFT_IDS_MAX, MISSING_MAX, SEEN_RECORDS, TREES_MAX},
    frame::Announced,
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
        /// At most [`GRAFT_IDS_MAX`] ids in all.
        announced: Vec<Announced>,
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
            seen: Seen::new(SEEN_RECORDS),
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

    /// The neighbor has these, some of which may be at hand although they were not broadcast.
    pub fn on_ihave(
        &mut self,
        now: Instant,
        from: LinkId,
        Announced { tree, ids }: &Announced,
        at_hand: impl Fn(Short) -> bool,
    ) {
        for id in ids {
            if self.seen.contains(id) || at_hand(*id) {
                continue;
            }
            if let Some(missing) = self.missing.iter_mut().find(|missing| missing.id == *id) {
                if !missing.announcers.contains(&from) {
                    missing.announcers.insert(0, from);
                }
            } else if self.missing.len() < MISSING_MAX {
                self.missing.push(Missing {
                    id: *id,
                    tree: *tree,
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
                let mut ids = std::mem::take(&mut peer.announce);
                for announced in in_frames(&mut ids) {
                    out.push(Action::IHave { link: *link, announced });
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
        for (link, mut ids) in grafts {
            for Announced { tree, ids } in in_frames(&mut ids).flatten() {
                if let Some(peer) = self.peers.get_mut(&link) {
                    peer.make_eager(tree);
                }
                out.push(Action::Graft { link, tree, ids });
            }
        }
    }
}

/// Ids grouped by their trees, for as many frames as it takes: none names more than it may.
fn in_frames(ids: &mut [(Tree, Short)]) -> impl Iterator<Item = Vec<Announced>> {
    ids.sort_by_key(|(tree, _)| *tree);
    ids.chunks(GRAFT_IDS_MAX).map(|ids| {
        let groups = ids.chunk_by(|one, other| one.0 == other.0);
        let announced = groups.map(|group| Announced {
            tree: group[0].0,
            ids: group.iter().map(|(_, id)| *id).collect(),
        });
        announced.collect()
    })
}
