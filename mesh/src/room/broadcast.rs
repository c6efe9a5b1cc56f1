//! Broadcast: every record reaches every node, along a tree that the nodes find by themselves.
//!
//! After Leitão, Pereira and Rodrigues, *Epidemic Broadcast Trees* (SRDS 2007), "Plumtree": each neighbor is *eager* (gets the
//! payload at once) or *lazy* (gets its id, IHAVE). A node that gets a payload twice prunes the second sender to lazy. A node that
//! hears of an id whose payload does not come grafts the announcer back to eager. What is eager on both sides forms a spanning tree.
//!
//! Owns: who is eager on which tree, what is to be announced, what is missing. Not here: which tree a record travels on
//! ([`trees`](super::trees)), and the records themselves.
//!
//! Invariants: a record is handed on at most once to each neighbor, and again only to one that grafts it; a neighbor that is lazy is told
//! the id of everything that it may lack, up to [`ANNOUNCEMENTS_MAX`] at a time (sync finds the rest); an id that is known, but whose
//! payload is missing, is grafted from each of its announcers in turn.
//!
//! Deviations, all measured with `cargo xtask sim` and `cargo xtask bench mesh`:
//!
//! - *A tree is shaped by its root's records alone.* In the paper any message prunes; where many send at once, each of them can
//!   cut another edge of one cycle, and the tree falls apart and is grafted together again all the time. Here a tree has a root, and only
//!   records by that author, which spread over shortest paths, prune and make eager on it.
//! - *Fan-out beyond the tree.* A tree of another root is slower than one's own. An entry on it therefore starts in several places at
//!   once: it may be handed to a few lazy neighbors too, whose number is shared out between those who pass it on. Where the waves meet a
//!   payload arrives twice.
//! - IHAVEs are collected for [`ANNOUNCE_ENTRY`], or [`ANNOUNCE_BEACON`](crate::config::ANNOUNCE_BEACON) where only beacons wait.

#[cfg(test)]
mod tests;

use std::time::Duration;

use litemap::LiteMap;

use crate::{
    config::{
        ANNOUNCE_ENTRY, ANNOUNCEMENTS_MAX, GRAFT_IDS_MAX, GRAFT_WAIT, MISSING_MAX, MISSING_OF_ONE_MAX, SEEN_RECORDS,
        TREES_MAX,
    },
    io::{Instant, LinkId},
    seen::Seen,
    wire::{
        frame::Announced,
        id::{ShortId, Tree},
    },
};

/// A neighbor.
#[derive(Debug)]
struct Peer {
    /// The trees on which it is lazy.
    lazy: Vec<Tree>,
    /// Ids it is to be told of.
    announce: Vec<(Tree, ShortId)>,
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
    id: ShortId,
    tree: Tree,
    /// Who announced it first.
    first: LinkId,
    /// Who announced it, the next to be asked last.
    announcers: Vec<LinkId>,
    graft_at: Instant,
}

/// What is to be broadcast, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// On which tree.
    pub tree: Tree,
    /// By whom: the tree's root shapes it.
    pub author: ShortId,
    /// How many links beyond the tree's it may still take, here and further on.
    pub fan_out: u16,
    /// How long its id may wait to be announced.
    pub announce_after: Duration,
}

impl Route {
    /// Whether the way it comes shapes its tree.
    pub(super) fn shapes(self) -> bool {
        self.tree == self.author
    }
}

/// A neighbor to hand a payload to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// Over which link.
    pub link: LinkId,
    /// How many links beyond the tree's are left to it.
    pub fan_out: u16,
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
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
        ids: Vec<ShortId>,
    },
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Broadcast {
    peers: LiteMap<LinkId, Peer>,
    seen: Seen<ShortId>,
    missing: Vec<Missing>,
    /// The trees that were used last, the latest first.
    trees: Vec<Tree>,
    announce_at: Option<Instant>,
}

impl Broadcast {
    /// `seed`: the node's.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            peers: LiteMap::new(),
            seen: Seen::new(SEEN_RECORDS, seed),
            missing: Vec::new(),
            trees: Vec::new(),
            announce_at: None,
        }
    }

    /// A link can be used: its peer starts out eager.
    pub(crate) fn neighbor_up(&mut self, link: LinkId) {
        let peer = Peer {
            lazy: Vec::new(),
            announce: Vec::new(),
        };
        self.peers.insert(link, peer);
    }

    /// A link is over.
    pub(crate) fn neighbor_down(&mut self, link: LinkId) {
        self.peers.remove(&link);
        for missing in &mut self.missing {
            missing.announcers.retain(|announcer| *announcer != link);
        }
    }

    /// Whether payloads on this tree go over this link at once.
    pub(crate) fn is_eager(&self, link: LinkId, tree: Tree) -> bool {
        self.peers.get(&link).is_some_and(|peer| peer.is_eager(tree))
    }

    /// Whether a record came before.
    pub(crate) fn has_seen(&self, id: ShortId) -> bool {
        self.seen.contains(&id)
    }

    /// A record is new, ours or come over `from`: gives whom to hand it to. The others are told of it later.
    pub(crate) fn publish(&mut self, now: Instant, id: ShortId, route: Route, from: Option<LinkId>) -> Vec<Target> {
        self.note_seen(id);
        let tree = route.tree;
        self.note_tree(tree);
        if route.shapes()
            && let Some(peer) = from.and_then(|from| self.peers.get_mut(&from))
        {
            peer.make_eager(tree);
        }
        let mut more = usize::from(route.fan_out);
        let mut targets = Vec::new();
        let mut announces = false;
        for (link, peer) in self.peers.iter_mut() {
            if Some(*link) == from {
                continue;
            }
            let eager = peer.is_eager(tree);
            let beyond = !eager && more > 0;
            if beyond {
                more -= 1;
            }
            if eager || beyond {
                targets.push(Target {
                    link: *link,
                    fan_out: 0,
                });
            } else if peer.announce.len() < ANNOUNCEMENTS_MAX {
                peer.announce.push((tree, id));
                announces = true;
            }
        }
        let count = targets.len().max(1);
        for (index, target) in targets.iter_mut().enumerate() {
            let share = more / count + usize::from(index < more % count);
            target.fan_out = u16::try_from(share).unwrap_or(u16::MAX);
        }
        if announces {
            self.announce_by(now + route.announce_after);
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
    pub(crate) fn announce(&mut self, now: Instant, link: LinkId, tree: Tree, ids: impl IntoIterator<Item = ShortId>) {
        let Some(peer) = self.peers.get_mut(&link) else { return };
        let before = peer.announce.len();
        peer.announce.extend(ids.into_iter().map(|id| (tree, id)));
        if peer.announce.len() > before {
            peer.announce.truncate(ANNOUNCEMENTS_MAX);
            self.announce_by(now + ANNOUNCE_ENTRY);
        }
    }

    fn announce_by(&mut self, at: Instant) {
        self.announce_at = Some(self.announce_at.map_or(at, |due| due.min(at)));
    }

    /// Notes that a record was had otherwise than by broadcast.
    pub(crate) fn note_seen(&mut self, id: ShortId) {
        self.seen.insert(&id);
        self.missing.retain(|missing| missing.id != id);
    }

    /// A payload came over `from` that was here already. Says whether the sender is to be told to prune: also if it was told
    /// before, for it may have forgotten the tree meanwhile.
    pub(crate) fn on_duplicate(&mut self, from: LinkId, route: Route) -> bool {
        let known = self.trees.contains(&route.tree);
        let peer = self.peers.get_mut(&from).filter(|_| known && route.shapes());
        peer.is_some_and(|peer| {
            peer.make_lazy(route.tree);
            true
        })
    }

    /// The neighbor gets payloads on this tree from somebody else first. Of a tree that is not known here there is nothing to note.
    pub(crate) fn on_prune(&mut self, from: LinkId, tree: Tree) {
        let known = self.trees.contains(&tree);
        if let Some(peer) = self.peers.get_mut(&from).filter(|_| known) {
            peer.make_lazy(tree);
        }
    }

    /// The neighbor asks for payloads, and to be eager.
    pub(crate) fn on_graft(&mut self, from: LinkId, tree: Tree) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.make_eager(tree);
        }
    }

    /// The neighbor has these, some of which may be at hand although they were not broadcast.
    pub(crate) fn on_ihave(
        &mut self,
        now: Instant,
        from: LinkId,
        Announced { tree, ids }: &Announced,
        at_hand: impl Fn(ShortId) -> bool,
    ) {
        let held = self.missing.iter().filter(|missing| missing.first == from).count();
        let mut room = MISSING_OF_ONE_MAX.saturating_sub(held);
        for id in ids {
            if self.seen.contains(id) || at_hand(*id) {
                continue;
            }
            if let Some(missing) = self.missing.iter_mut().find(|missing| missing.id == *id) {
                if !missing.announcers.contains(&from) {
                    missing.announcers.insert(0, from);
                }
            } else if room > 0 && self.missing.len() < MISSING_MAX {
                room -= 1;
                self.missing.push(Missing {
                    id: *id,
                    tree: *tree,
                    first: from,
                    announcers: vec![from],
                    graft_at: now + GRAFT_WAIT,
                });
            }
        }
    }

    /// When [`Broadcast::handle_timeout`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let graft_at = self.missing.iter().map(|missing| missing.graft_at).min();
        self.announce_at.into_iter().chain(graft_at).min()
    }

    /// Announces and grafts what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Action>) {
        if self.announce_at.is_some_and(|at| now >= at) {
            self.announce_at = None;
            for (link, peer) in self.peers.iter_mut() {
                let ids = std::mem::take(&mut peer.announce);
                for announced in in_frames(ids) {
                    out.push(Action::IHave { link: *link, announced });
                }
            }
        }
        let mut grafts: LiteMap<LinkId, Vec<(Tree, ShortId)>> = LiteMap::new();
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
            for Announced { tree, ids } in in_frames(ids).into_iter().flatten() {
                if let Some(peer) = self.peers.get_mut(&link) {
                    peer.make_eager(tree);
                }
                out.push(Action::Graft { link, tree, ids });
            }
        }
    }
}

/// Ids grouped by their trees, for as many frames as it takes: none names more than it may.
fn in_frames(ids: Vec<(Tree, ShortId)>) -> Vec<Vec<Announced>> {
    let mut by_tree: LiteMap<Tree, Vec<ShortId>> = LiteMap::new();
    for (tree, id) in ids {
        by_tree.entry(tree).or_default().push(id);
    }
    let (mut frames, mut frame, mut room) = (Vec::new(), Vec::new(), GRAFT_IDS_MAX);
    for (tree, ids) in by_tree {
        let mut ids = ids.as_slice();
        while !ids.is_empty() {
            let (now, later) = ids.split_at(room.min(ids.len()));
            frame.push(Announced {
                tree,
                ids: now.to_vec(),
            });
            (ids, room) = (later, room - now.len());
            if room == 0 {
                frames.push(std::mem::take(&mut frame));
                room = GRAFT_IDS_MAX;
            }
        }
    }
    if !frame.is_empty() {
        frames.push(frame);
    }
    frames
}
