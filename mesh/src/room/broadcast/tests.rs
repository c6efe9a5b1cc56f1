use super::*;
use crate::config::ANNOUNCE_BEACON;

/// The tree that all use, and its root.
const ROOT: Tree = ShortId(1);
/// A talkative author, and its tree.
const ANN: Tree = ShortId(9);
const ENTRY: Route = Route {
    tree: ROOT,
    author: ShortId(2),
    fan_out: 0,
    announce_after: ANNOUNCE_ENTRY,
};
const BEACON: Route = Route {
    announce_after: ANNOUNCE_BEACON,
    ..ENTRY
};
const ROOTS: Route = Route { author: ROOT, ..BEACON };
const ANNS: Route = Route {
    tree: ANN,
    author: ANN,
    ..ENTRY
};

fn at(millis: u64) -> Instant {
    Instant::from_millis(100_000 + millis)
}

/// With neighbors over links 1 to `count`, and one tree in use.
fn broadcast(count: u64) -> Broadcast {
    let mut broadcast = Broadcast::new([1; 32]);
    for link in 1..=count {
        broadcast.neighbor_up(LinkId(link));
    }
    handed(&mut broadcast, 999, ENTRY, None);
    broadcast
}

/// Whom a new record is handed to.
fn handed(broadcast: &mut Broadcast, id: u64, route: Route, from: Option<u64>) -> Vec<u64> {
    let targets = broadcast.publish(at(0), ShortId(id), route, from.map(LinkId));
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
        announced: vec![announced(tree, ids)],
    }
}

fn announced(tree: Tree, ids: &[u64]) -> Announced {
    Announced {
        tree,
        ids: ids.iter().copied().map(ShortId).collect(),
    }
}

fn graft(link: u64, tree: Tree, ids: &[u64]) -> Action {
    Action::Graft {
        link: LinkId(link),
        tree,
        ids: ids.iter().copied().map(ShortId).collect(),
    }
}

#[test]
fn a_record_is_handed_to_everyone_but_who_brought_it() {
    let mut broadcast = broadcast(3);
    assert_eq!(handed(&mut broadcast, 7, ENTRY, None), [1, 2, 3]);
    assert_eq!(handed(&mut broadcast, 8, ENTRY, Some(2)), [1, 3]);
    assert!(broadcast.has_seen(ShortId(7)) && !broadcast.has_seen(ShortId(9)));
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
    for (id, route) in [(7, BEACON), (8, ENTRY)] {
        handed(&mut broadcast, id, route, Some(1));
        assert!(!broadcast.on_duplicate(LinkId(2), route));
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
    broadcast.on_ihave(at(0), LinkId(1), &announced(ROOT, &[7]), |_| false);
    broadcast.on_ihave(at(50), LinkId(2), &announced(ROOT, &[7]), |_| false);
    broadcast.on_ihave(at(60), LinkId(2), &announced(ROOT, &[7]), |_| false);
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
    broadcast.on_ihave(at(0), LinkId(1), &announced(ROOT, &[7, 8]), |_| false);
    handed(&mut broadcast, 7, ENTRY, Some(2));
    broadcast.note_seen(ShortId(8));
    assert_eq!(broadcast.poll_timeout(), None);
    broadcast.on_ihave(at(0), LinkId(1), &announced(ROOT, &[7]), |_| false);
    assert_eq!(due(&mut broadcast, at(400)), []);
}

#[test]
fn who_is_gone_is_neither_asked_nor_told() {
    let mut broadcast = broadcast(2);
    broadcast.on_ihave(at(0), LinkId(1), &announced(ROOT, &[7]), |_| false);
    broadcast.on_ihave(at(0), LinkId(2), &announced(ROOT, &[7]), |_| false);
    broadcast.neighbor_down(LinkId(1));
    assert_eq!(due(&mut broadcast, at(400)), [graft(2, ROOT, &[7])]);
    assert_eq!(handed(&mut broadcast, 8, ENTRY, None), [2]);
    broadcast.announce(at(0), LinkId(1), ROOT, [ShortId(8)]);
    assert_eq!(due(&mut broadcast, at(500)), []);
}

#[test]
fn an_own_tree_is_shaped_by_its_entries_and_leaves_the_others_alone() {
    let mut broadcast = broadcast(3);
    broadcast.on_prune(LinkId(3), ROOT);
    assert_eq!(handed(&mut broadcast, 7, ANNS, Some(1)), [2, 3], "the first floods");
    assert!(broadcast.on_duplicate(LinkId(2), ANNS));
    broadcast.on_prune(LinkId(3), ANN);
    assert_eq!(handed(&mut broadcast, 8, ANNS, Some(1)), [0_u64; 0]);
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
        broadcast.on_prune(LinkId(1), ShortId(root));
    }
    assert!(broadcast.peers.values().all(|peer| peer.lazy.is_empty()));
}

#[test]
fn the_tree_longest_unused_is_forgotten_and_floods_again() {
    let mut broadcast = broadcast(2);
    handed(&mut broadcast, 1_000, ANNS, None);
    broadcast.on_prune(LinkId(1), ANN);
    let other = |root| Route {
        tree: ShortId(root),
        author: ShortId(root),
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
fn fan_out_goes_to_the_lazy_and_what_is_left_is_shared_out() {
    let mut broadcast = broadcast(5);
    for lazy in [4, 5] {
        broadcast.on_prune(LinkId(lazy), ROOT);
    }
    let entry = |fan_out| Route { fan_out, ..ENTRY };
    let shares =
        |targets: Vec<Target>| -> Vec<_> { targets.iter().map(|target| (target.link.0, target.fan_out)).collect() };
    let targets = broadcast.publish(at(0), ShortId(7), entry(1), None);
    assert_eq!(shares(targets), [(1, 0), (2, 0), (3, 0), (4, 0)]);
    let targets = broadcast.publish(at(0), ShortId(8), entry(10), None);
    assert_eq!(shares(targets), [(1, 2), (2, 2), (3, 2), (4, 1), (5, 1)]);
    assert_eq!(due(&mut broadcast, at(100)), [ihave(5, ROOT, &[7])]);
}

#[test]
fn ids_of_one_tree_go_together_and_no_more_than_a_frame_may_name() {
    let mut broadcast = broadcast(1);
    broadcast.on_prune(LinkId(1), ROOT);
    let many = u64::try_from(GRAFT_IDS_MAX).unwrap() + 1;
    broadcast.announce(at(0), LinkId(1), ROOT, (0..many).map(ShortId));
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
    let ids: Vec<_> = (0..100_000).collect();
    broadcast.announce(at(0), LinkId(1), ROOT, ids.iter().copied().map(ShortId));
    broadcast.on_ihave(at(0), LinkId(1), &announced(ROOT, &ids), |_| false);
    assert_eq!(broadcast.missing.len(), MISSING_OF_ONE_MAX, "others have places, too");
    for link in 2..10 {
        let ids: Vec<_> = (link * 1_000_000..link * 1_000_000 + 1_000).collect();
        broadcast.on_ihave(at(0), LinkId(link), &announced(ROOT, &ids), |_| false);
    }
    assert_eq!(broadcast.missing.len(), MISSING_MAX);
    assert!(
        broadcast
            .peers
            .values()
            .all(|peer| peer.announce.len() <= ANNOUNCEMENTS_MAX)
    );
}
