//! Flooding: a node that gets a message for the first time passes the message on to all neighbors but the one that sent it.
//!
//! No protocol on the same graph can be faster, since flooding tries every path. So flooding is the floor for the time of ours.
//! The price is redundancy.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Authors, MEASURED_ROUNDS, ROUND_MILLIS_MAX, Report, WARM_UP_ROUNDS, author, latency_millis};

/// Milliseconds until the last node has a message of `author`, and the number of links from the author to each node; `None` for a
/// node that cannot be reached.
///
/// The message takes the shortest path by latency (Dijkstra); of equally fast paths, the one with the fewest links.
pub fn flood(graph: &[Vec<usize>], latency: impl Fn(usize, usize) -> u64, author: usize) -> (u64, Vec<Option<u32>>) {
    let mut hops = vec![None; graph.len()];
    let mut last_millis = 0;
    let mut arrivals = BinaryHeap::from([Reverse((0, 0, author))]);
    while let Some(Reverse((millis, links, node))) = arrivals.pop() {
        if hops[node].is_some() {
            continue;
        }
        hops[node] = Some(links);
        last_millis = millis;
        for &neighbor in graph[node].iter().filter(|&&neighbor| hops[neighbor].is_none()) {
            arrivals.push(Reverse((millis + latency(node, neighbor), links + 1, neighbor)));
        }
    }
    (last_millis, hops)
}

/// The measures of flooding on `graph`, in the measured rounds of this seed.
#[must_use]
pub fn report(graph: &[Vec<usize>], authors: Authors, seed: u64) -> Report {
    let rounds: Vec<Report> = (WARM_UP_ROUNDS..WARM_UP_ROUNDS + MEASURED_ROUNDS)
        .map(|round| one(graph, seed, author(graph.len(), authors, seed, round)))
        .collect();
    Report::mean(&rounds)
}

fn one(graph: &[Vec<usize>], seed: u64, author: usize) -> Report {
    let (millis, hops) = flood(graph, |one, other| latency_millis(seed, one, other), author);
    let reached = hops.iter().flatten().count();
    let missed = graph.len() - reached;
    // Each node with the message sends it over all links. Every node but the author leaves out the link that the message came by.
    let links: usize = hops
        .iter()
        .zip(graph)
        .filter(|(hops, _)| hops.is_some())
        .map(|(_, neighbors)| neighbors.len())
        .sum();
    let payloads = links - (reached - 1);
    let last_delivery_hop = hops.iter().flatten().copied().max().unwrap_or(0);
    Report {
        rmr: payloads as f64 / (graph.len() - 1) as f64 - 1.0,
        ldh_mean: f64::from(last_delivery_hop),
        ldh_max: last_delivery_hop,
        last_node_millis_mean: if missed == 0 { millis } else { ROUND_MILLIS_MAX } as f64,
        missed: missed as u64,
        bytes: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A square 0-1-2-3 with a tail 4 at node 2.
    fn square() -> Vec<Vec<usize>> {
        vec![vec![1, 3], vec![0, 2], vec![1, 3, 4], vec![2, 0], vec![2]]
    }

    #[test]
    fn the_fastest_way_wins_even_over_more_links() {
        let slow = |one: usize, other: usize| if one + other == 3 && one * other == 0 { 100 } else { 10 };
        // The link 0-3 takes 100, so 3 is reached by way of 1 and 2.
        let (millis, hops) = flood(&square(), slow, 0);
        assert_eq!(millis, 30);
        assert_eq!(hops, [Some(0), Some(1), Some(2), Some(3), Some(3)]);
    }

    #[test]
    fn of_equally_fast_ways_the_shortest_counts() {
        // 0-1-2 takes 20, and so does 0-2.
        let triangle = [vec![1, 2], vec![0, 2], vec![0, 1]];
        let latency = |one: usize, other: usize| if one + other == 2 { 20 } else { 10 };
        assert_eq!(flood(&triangle, latency, 0), (20, vec![Some(0), Some(1), Some(1)]));
    }

    #[test]
    fn a_node_without_links_is_not_reached() {
        let graph = [vec![1], vec![0], vec![]];
        assert_eq!(flood(&graph, |_, _| 10, 0), (10, vec![Some(0), Some(1), None]));
        let report = report(&graph, Authors::One, 1);
        assert!(report.missed > 0);
    }

    #[test]
    fn redundancy_is_what_the_links_beyond_a_tree_carry() {
        // Five links, of which a tree needs four; the fifth carries the payload in both directions.
        let report = report(&square(), Authors::Many, 1);
        assert!((report.rmr - 2.0 / 4.0).abs() < 1e-9);
        assert_eq!(report.missed, 0);
    }
}
