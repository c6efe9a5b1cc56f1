//! Which tree a record travels on.
//!
//! - *There are a few trees for all*, whose roots are those with the lowest ids of all who are here, one for every [`ROOT_PEOPLE`]
//!   people. They beacon often ([`ROOT_INTERVAL`](crate::config::ROOT_INTERVAL)), so a broken branch is mended before anybody says
//!   something. A record travels on the tree whose root is nearest to its author. If a root goes, another takes its place; on a tree
//!   that is new to a node every neighbor is eager. Roots are agreed upon without a word, since all see the same beacons; while they do
//!   not, an entry costs some duplicates, no loss.
//! - *An author of many entries is the root of a tree of its own*, made by its entries in Plumtree's way.
//!
//! Owns: the roots, how far away each is, and the rate of our own entries. Invariant: the roots are those of the roster as it was when
//! [`Trees::refresh`] was called last, which the room does before a record is sent or taken.

use litemap::LiteMap;

use super::{broadcast::Route, roster::Roster};
use crate::{
    config::{
        ANNOUNCE_BEACON, ANNOUNCE_ENTRY, FAN_OUT_PEOPLE, FAN_OUT_ROOM_MIN, OWN_TREE_ENTRIES, OWN_TREE_TIME,
        ROOT_PEOPLE, ROOTS_MAX,
    },
    io::Instant,
    wire::id::{ShortId, Tree},
};

/// How many roots a room of `people` has.
pub(crate) fn root_count(people: usize) -> usize {
    (people / ROOT_PEOPLE).clamp(1, ROOTS_MAX)
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Trees {
    me: ShortId,
    people: usize,
    /// Of which state of the roster the roots are.
    generation: Option<u64>,
    /// In ascending order.
    roots: Vec<Tree>,
    /// How many links away the roots are, as far as we know.
    hops: LiteMap<Tree, u8>,
    /// When our last entries were said.
    own: Vec<Instant>,
}

impl Trees {
    pub(crate) fn new(me: ShortId) -> Self {
        Self {
            me,
            people: 1,
            generation: None,
            roots: vec![me],
            hops: LiteMap::new(),
            own: Vec::new(),
        }
    }

    /// Follows the roster.
    pub(crate) fn refresh(&mut self, roster: &Roster) {
        if self.generation == Some(roster.generation()) {
            return;
        }
        self.generation = Some(roster.generation());
        self.people = roster.weight() + 1;
        let count = root_count(self.people);
        self.roots.clear();
        self.roots.extend(roster.weighty().take(count));
        let place = self.roots.partition_point(|root| *root < self.me);
        self.roots.insert(place, self.me);
        self.roots.truncate(count);
    }

    /// Whether our beacons shape a tree for all.
    pub(crate) fn is_root(&self) -> bool {
        self.roots.contains(&self.me)
    }

    /// The tree whose root is the fewest links away, as far as we know.
    pub(crate) fn nearest(&self) -> Tree {
        let distance = |root: &&Tree| {
            if **root == self.me {
                return 0;
            }
            self.hops.get(*root).copied().unwrap_or(u8::MAX)
        };
        self.roots.iter().min_by_key(distance).copied().unwrap_or(self.me)
    }

    /// How an entry by `author` travels that is said to be on `tree`.
    pub(crate) fn entry_route(&self, author: ShortId, tree: Tree, fan_out: u16) -> Route {
        Route {
            tree: self.known(author, tree),
            author,
            fan_out: fan_out.min(self.fan_out()),
            announce_after: ANNOUNCE_ENTRY,
        }
    }

    /// How a beacon by `author` travels that is said to be on `tree`.
    pub(crate) fn beacon_route(&self, author: ShortId, tree: Tree) -> Route {
        Route {
            tree: self.known(author, tree),
            author,
            fan_out: 0,
            announce_after: ANNOUNCE_BEACON,
        }
    }

    /// How our next entry travels.
    pub(crate) fn own_entry_route(&mut self, now: Instant) -> Route {
        // An author of many entries pays for a tree once, and gains with every entry after.
        let tree = if self.note_own(now) { self.me } else { self.nearest() };
        Route {
            tree,
            author: self.me,
            fan_out: if tree == self.me { 0 } else { self.fan_out() },
            announce_after: ANNOUNCE_ENTRY,
        }
    }

    /// How our next beacon travels. `leaving`: our last one goes to every neighbor, as there is no later.
    pub(crate) fn own_beacon_route(&self, leaving: bool) -> Route {
        let tree = if self.is_root() { self.me } else { self.nearest() };
        let fan_out = if leaving { u16::MAX } else { 0 };
        Route {
            fan_out,
            ..self.beacon_route(self.me, tree)
        }
    }

    /// A beacon came over so many links: if it is a root's on its own tree, that is how far away the root is.
    pub(crate) fn note_beacon(&mut self, route: Route, hops: u8) {
        // A grafted beacon has come no known way.
        if !route.shapes() || hops == 0 {
            return;
        }
        let roots = &self.roots;
        self.hops.retain(|root, _| roots.contains(root));
        if roots.contains(&route.tree) {
            self.hops.insert(route.tree, hops);
        }
    }

    /// The tree that is meant: the author's own, or that of a root. Any other is not kept, for it would be new to everybody, and flood.
    fn known(&self, author: ShortId, tree: Tree) -> Tree {
        if tree == author || self.roots.contains(&tree) {
            tree
        } else {
            self.nearest()
        }
    }

    /// How many links beyond its tree's an entry may take in this room.
    fn fan_out(&self) -> u16 {
        if self.people < FAN_OUT_ROOM_MIN {
            return 0;
        }
        u16::try_from(self.people / FAN_OUT_PEOPLE).unwrap_or(u16::MAX)
    }

    /// Notes that we say something. Says whether the last [`OWN_TREE_ENTRIES`] were said within [`OWN_TREE_TIME`].
    fn note_own(&mut self, now: Instant) -> bool {
        self.own.retain(|said| now.since(*said) <= OWN_TREE_TIME);
        self.own.push(now);
        if self.own.len() > OWN_TREE_ENTRIES {
            self.own.remove(0);
        }
        self.own.len() >= OWN_TREE_ENTRIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: ShortId = ShortId(50);

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    fn trees(roots: &[u64]) -> Trees {
        Trees {
            roots: roots.iter().copied().map(ShortId).collect(),
            ..Trees::new(ME)
        }
    }

    #[test]
    fn there_is_a_root_for_every_hundred_people_up_to_eight() {
        let counts = [1, 99, 100, 199, 200, 799, 800, 5_000].map(root_count);
        assert_eq!(counts, [1, 1, 1, 1, 2, 7, 8, 8]);
    }

    #[test]
    fn alone_a_node_is_the_root() {
        let trees = Trees::new(ME);
        assert!(trees.is_root());
        assert_eq!((trees.nearest(), trees.own_beacon_route(false).tree), (ME, ME));
    }

    #[test]
    fn the_nearest_root_is_the_one_whose_beacons_come_over_the_fewest_links() {
        let mut trees = trees(&[1, 2]);
        assert_eq!(trees.nearest(), ShortId(1), "of unknown ones the lowest");
        let [one, two] = [1, 2].map(|root| trees.beacon_route(ShortId(root), ShortId(root)));
        trees.note_beacon(one, 5);
        trees.note_beacon(two, 3);
        assert_eq!(trees.nearest(), ShortId(2));
        trees.note_beacon(one, 0);
        assert_eq!(trees.nearest(), ShortId(2), "a grafted beacon says nothing");
    }

    #[test]
    fn a_tree_that_is_neither_a_roots_nor_the_authors_is_not_kept() {
        let trees = trees(&[1]);
        let tree = |author, tree| trees.entry_route(ShortId(author), ShortId(tree), 0).tree;
        assert_eq!([tree(9, 1), tree(9, 9), tree(9, 8)], [1, 9, 1].map(ShortId));
    }

    #[test]
    fn an_author_of_many_entries_becomes_a_root_and_one_who_rests_is_none_any_more() {
        let mut trees = trees(&[1]);
        let mut own = |seconds| trees.own_entry_route(at(seconds)).tree == ME;
        let said = [0, 30, 59, 61, 80, 200].map(&mut own);
        assert_eq!(
            said,
            [false, false, false, false, true, false],
            "four within a minute, and none too old"
        );
    }

    #[test]
    fn fan_out_is_for_large_rooms_and_for_trees_of_others() {
        let mut trees = trees(&[1]);
        trees.people = FAN_OUT_ROOM_MIN - 1;
        assert_eq!(trees.own_entry_route(at(0)).fan_out, 0);
        trees.people = FAN_OUT_ROOM_MIN;
        assert_eq!(trees.own_entry_route(at(1)).fan_out, 16);
        assert_eq!(trees.entry_route(ShortId(9), ShortId(1), 99).fan_out, 16);
        assert_eq!(trees.entry_route(ShortId(9), ShortId(1), 3).fan_out, 3);
    }
}
