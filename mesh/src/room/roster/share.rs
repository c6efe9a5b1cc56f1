//! Who weighs: whose head counts where heads are counted.
//!
//! A person can make up any number of others who name each other, and hang them on their own name. They are reached through that person alone:
//! in the words of compilers that person *dominates* them (Cooper, Harvey and Kennedy, *A Simple, Fast Dominance Algorithm*, 2001). So of
//! those whom one person dominates only as many weigh as that person's share, the nearest first: a part of all the others, but at least as many as a
//! node has links. Whoever does not weigh is shown and heard like everybody else; they are no root, nobody waits for them to have a message, and
//! neither their clocks nor their number change anything.
//!
//! A clock has a voice only if nobody dominates its owner, for of a small room a share may be half.
//!
//! Our only neighbor has no share: everybody is reached through that one. Where honest people hang together by one person, a part of those
//! on the far side does not weigh either.
//!
//! Deviation: dominators are looked for in a bounded number of passes. With fewer passes than it takes somebody may seem to be dominated who is
//! not; names that somebody else adds make nobody more dominated.

use shared::limits::LINKS_MAX;

use super::Roster;
use crate::{
    config::{DOMINATOR_PASSES, NEWCOMERS_UNSEEN_MAX, PERSON_SHARE, SHARE_HOPS_MAX, SHARE_ROUNDS, SHARE_SETTLE},
    io::Instant,
    model::Event,
};

impl Roster {
    /// Looks anew at who weighs. `order`: the places of those who are reached, the nearest first.
    pub(super) fn review_shares(&mut self, now: Instant, order: &[usize], out: &mut Vec<Event>) {
        let standings = standings(&self.graph(order));
        self.summary.unseen = 0;
        let (mut again, mut fallen) = (false, false);
        for (node, place) in (1..).zip(order) {
            let Some((peer, entry)) = self.people.at_mut(*place) else {
                continue;
            };
            again |= entry.judge(now, standings.get(node).copied().unwrap_or(Standing::Beyond));
            let (weighed, counted) = (entry.weighs, entry.counted);
            entry.refresh(now, &mut self.summary, out);
            fallen |= counted && !entry.counted;
            if entry.weighs && !weighed {
                self.arrivals.push(peer);
            }
        }
        if again {
            self.review_by(now + SHARE_SETTLE);
        }
        if fallen {
            self.doubt_reach(now);
        }
    }

    /// Who names whom among them. Those who are too far away are left out.
    fn graph(&self, order: &[usize]) -> Graph {
        let mut nodes = vec![usize::MAX; self.people.len()];
        let near = order.iter().copied().take_while(|place| {
            let entry = self.people.at(*place);
            entry.is_some_and(|(_, entry)| entry.hops.is_some_and(|hops| hops <= SHARE_HOPS_MAX))
        });
        let near: Vec<usize> = near.collect();
        for (node, place) in (1..).zip(&near) {
            nodes[*place] = node;
        }
        let mut graph = Graph {
            firsts: vec![0; near.len() + 1],
            edges: Vec::new(),
        };
        for (node, place) in (1..).zip(&near) {
            let Some((_, entry)) = self.people.at(*place) else {
                continue;
            };
            if entry.hops == Some(1) {
                graph.edges.push((0, node));
            }
            let named = entry.beacon.iter().filter(|_| entry.counted);
            for short in named.flat_map(|beacon| &beacon.content.neighbors) {
                let to = self.people.place_of(*short).map_or(usize::MAX, |place| nodes[place]);
                if to == usize::MAX {
                    continue;
                }
                if graph.firsts[to] == 0 && node < to && !self.is_next(near[to - 1]) {
                    graph.firsts[to] = node;
                }
                graph.edges.push((node, to));
            }
        }
        graph
    }

    fn is_next(&self, place: usize) -> bool {
        self.people.at(place).is_some_and(|(_, entry)| entry.hops == Some(1))
    }
}

/// Who names whom. Nodes are numbered in the order in which they are reached, 0 is this one.
struct Graph {
    /// By whom each is reached first.
    firsts: Vec<usize>,
    edges: Vec<(usize, usize)>,
}

/// The nearest who is on every way to each: always one who is reached earlier.
fn dominators(graph: &Graph) -> Vec<usize> {
    let mut dominators = graph.firsts.clone();
    for _ in 0..DOMINATOR_PASSES {
        let mut changed = false;
        for (from, to) in &graph.edges {
            let before = dominators[*to];
            let (mut one, mut other) = (*from, before);
            while one != other {
                if one > other {
                    one = dominators[one];
                } else {
                    other = dominators[other];
                }
            }
            changed |= one != before;
            dominators[*to] = one;
        }
        if !changed {
            break;
        }
    }
    dominators
}

/// How somebody stands with those who dominate them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody does.
    Free,
    /// Within the share of each.
    Within,
    /// Beyond the share of one.
    Beyond,
}

/// How each stands.
fn standings(graph: &Graph) -> Vec<Standing> {
    let dominators = dominators(graph);
    let count = dominators.len();
    let mut standings = vec![Standing::Free; count];
    // Whoever turns out not to weigh makes the shares of others smaller.
    for _ in 0..SHARE_ROUNDS {
        let mut within = vec![0; count];
        for node in (1..count).rev() {
            within[node] += usize::from(standings[node] != Standing::Beyond);
            within[dominators[node]] += within[node];
        }
        let share = |node: usize| match within[0] - within[node] {
            0 => usize::MAX,
            others => LINKS_MAX.max(others / PERSON_SHARE),
        };
        let mut used = vec![0; count];
        let mut changed = false;
        for node in 1..count {
            if standings[node] == Standing::Beyond {
                continue;
            }
            let above = || std::iter::successors(Some(dominators[node]), |above| Some(dominators[*above]));
            let above = || above().take_while(|above| *above != 0);
            if above().any(|above| used[above] >= share(above)) {
                (standings[node], changed) = (Standing::Beyond, true);
            } else {
                let is_free = above().all(|above| share(above) == usize::MAX);
                standings[node] = if is_free { Standing::Free } else { Standing::Within };
                above().for_each(|above| used[above] += 1);
            }
        }
        if !changed {
            break;
        }
    }
    standings
}

/// How many who have just come weigh before it is looked at who names them, where so many weigh.
pub(super) fn unseen_max(weight: usize) -> usize {
    NEWCOMERS_UNSEEN_MAX.max(weight / PERSON_SHARE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The graph of these edges, whose nodes are in the order in which they are reached.
    fn graph(count: usize, edges: &[(usize, usize)]) -> Graph {
        let first = |node| edges.iter().filter(|(_, to)| *to == node).map(|(from, _)| *from).min();
        Graph {
            firsts: (0..count).map(|node| first(node).unwrap_or(0)).collect(),
            edges: edges.to_vec(),
        }
    }

    /// How many weigh.
    fn weight(count: usize, edges: &[(usize, usize)]) -> usize {
        let standings = standings(&graph(count, edges));
        let weighs = |standing: &&Standing| **standing != Standing::Beyond;
        standings[1..].iter().filter(weighs).count()
    }

    /// A ring of `real` with this node at 0 and a chord from each, and `made_up` in a tree on node 1.
    fn with_tree(real: usize, made_up: usize) -> Vec<(usize, usize)> {
        let mut edges: Vec<_> = (1..real).map(|node| (node - 1, node)).collect();
        edges.extend(
            (1..real)
                .map(|node| (node, (node * 7 + 3) % real))
                .filter(|(_, to)| *to != 0),
        );
        edges.extend([(0, 2 % real), (0, 3 % real)]);
        edges.extend((0..made_up).map(|node| (if node < 8 { 1 } else { real + node / 8 - 1 }, real + node)));
        edges
    }

    #[test]
    fn of_a_tree_on_one_person_as_many_weigh_as_are_in_that_ones_share() {
        for (real, share) in [(4, 8), (20, 8), (201, 49)] {
            let all = weight(real, &with_tree(real, 0));
            assert_eq!(all, real - 1, "honest people all weigh");
            let edges = with_tree(real, 2_000);
            assert_eq!(weight(real + 2_000, &edges), all + share, "{real}");
            let standings = standings(&graph(real + 2_000, &edges));
            assert!(standings[real..].iter().all(|standing| *standing != Standing::Free));
        }
    }

    #[test]
    fn two_trees_do_not_make_each_others_share_larger() {
        let real = 21;
        let mut edges = with_tree(real, 1_000);
        edges.extend((0..1_000).map(|node| {
            let from = if node < 8 { 2 } else { real + 1_000 + node / 8 - 1 };
            (from, real + 1_000 + node)
        }));
        assert_eq!(weight(real + 2_000, &edges), real - 1 + 16);
    }

    #[test]
    fn everybody_weighs_who_is_reached_through_our_only_neighbor() {
        let edges: Vec<_> = std::iter::once((0, 1)).chain((2..40).map(|node| (1, node))).collect();
        assert_eq!(weight(40, &edges), 39);
    }

    /// Whether `node` is not reached without `without`.
    fn is_cut_off(count: usize, edges: &[(usize, usize)], node: usize, without: usize) -> bool {
        let mut reached = vec![false; count];
        reached[0] = true;
        for _ in 0..count {
            for (from, to) in edges {
                reached[*to] |= reached[*from] && *from != without && *to != without;
            }
        }
        !reached[node]
    }

    proptest! {
        #[test]
        fn a_dominator_is_one_without_whom_somebody_is_not_reached(
            firsts in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
            more in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..20),
        ) {
            let count = firsts.len() + 1;
            let mut edges: Vec<_> = firsts.iter().enumerate().map(|(node, from)| (from.index(node + 1), node + 1)).collect();
            edges.extend(more.iter().map(|(from, to)| (from.index(count), 1 + to.index(count - 1))));
            // The first is any that is numbered lower, as the rest does not depend on it.
            let dominators = dominators(&graph(count, &edges));
            for node in 1..count {
                let above: Vec<_> = std::iter::successors(Some(dominators[node]), |above| Some(dominators[*above]))
                    .take_while(|above| *above != 0)
                    .collect();
                for other in (1..count).filter(|other| *other != node) {
                    prop_assert_eq!(above.contains(&other), is_cut_off(count, &edges, node, other));
                }
            }
        }
    }
}
