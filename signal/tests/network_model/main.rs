//! Several hubs and a directory under faults, against a model that knows who is registered where.
//!
//! While words are lost, doubled, late or in another order, nodes are cut off or killed, and the directory is emptied: what reaches a client was meant for it, a
//! sample names nobody who was never in the room, and nothing is sent of a room that only one node ever had. Once the faults are over: after the stated
//! time every node tells the true size of each room and names everybody in it, a payload reaches everybody from everybody, of two registrations of a peer the later one is
//! left, and a closed room is closed everywhere.

mod directory;
mod node;
mod world;

use proptest::prelude::*;
use world::World;

#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Registers a peer at a node.
    Join {
        node: usize,
        who: usize,
        room: usize,
    },
    /// The following pick one of the sockets, if there are any.
    Leave {
        socket: prop::sample::Index,
    },
    Relay {
        socket: prop::sample::Index,
        to: usize,
    },
    Discover {
        socket: prop::sample::Index,
    },
    Close {
        socket: prop::sample::Index,
    },
    /// The bus of a node does one round.
    Tell {
        node: usize,
    },
    /// The following pick one of the words on their way to a node.
    Hear {
        node: usize,
        word: prop::sample::Index,
    },
    Lose {
        node: usize,
        word: prop::sample::Index,
    },
    Double {
        node: usize,
        word: prop::sample::Index,
    },
    /// A node loses the directory, perhaps after that has taken note of something and before it could answer.
    CutOff {
        node: usize,
    },
    Connect {
        node: usize,
    },
    /// A node dies with all its sockets; another takes its place.
    Kill {
        node: usize,
    },
    /// The directory starts anew with nothing.
    Empty,
    Wait {
        seconds: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let pick = any::<prop::sample::Index>;
    let node = || 0..world::NODES;
    prop_oneof![
        10 => (node(), 0..world::PEERS, 0..world::ROOMS).prop_map(|(node, who, room)| Op::Join { node, who, room }),
        2 => pick().prop_map(|socket| Op::Leave { socket }),
        6 => (pick(), 0..world::PEERS).prop_map(|(socket, to)| Op::Relay { socket, to }),
        3 => pick().prop_map(|socket| Op::Discover { socket }),
        1 => pick().prop_map(|socket| Op::Close { socket }),
        12 => node().prop_map(|node| Op::Tell { node }),
        10 => (node(), pick()).prop_map(|(node, word)| Op::Hear { node, word }),
        2 => (node(), pick()).prop_map(|(node, word)| Op::Lose { node, word }),
        2 => (node(), pick()).prop_map(|(node, word)| Op::Double { node, word }),
        1 => node().prop_map(|node| Op::CutOff { node }),
        3 => node().prop_map(|node| Op::Connect { node }),
        1 => node().prop_map(|node| Op::Kill { node }),
        1 => Just(Op::Empty),
        3 => (1..9u64).prop_map(|seconds| Op::Wait { seconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_goes_wrong_nobody_is_told_an_untruth_for_long_and_all_is_mended(
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut world = World::new();
        for op in ops {
            world.apply(op);
        }
        world.heal();
        world.check_truth();
    }
}

/// All nodes, with everybody in one room, one after the other.
fn gathered() -> World {
    let mut world = World::new();
    for node in 0..world::NODES {
        world.apply(Op::Connect { node });
    }
    for who in 0..world::PEERS {
        world.apply(Op::Join {
            node: who % world::NODES,
            who,
            room: 0,
        });
        world.settle();
    }
    world
}

/// Without faults nothing has to be mended: what is said at once is true.
#[test]
fn without_faults_the_first_answer_is_true() {
    gathered().check_truth();
}

/// A node that dies is named for as long as it says that it lives, and not for longer.
#[test]
fn of_a_node_that_died_nobody_is_told_after_its_time() {
    let mut world = gathered();
    world.kill(0);
    world.apply(Op::Wait { seconds: 8 });
    world.check_truth();
}

/// A node under which the directory was emptied finds out by itself, without a break of its connection.
#[test]
fn a_directory_that_was_emptied_is_filled_again() {
    let mut world = World::new();
    for node in 0..world::NODES {
        world.apply(Op::Connect { node });
        world.apply(Op::Join {
            node,
            who: node,
            room: 0,
        });
    }
    world.settle();
    world.apply(Op::Empty);
    world.heal();
    world.check_truth();
}
