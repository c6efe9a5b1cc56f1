//! One node and anything that a driver, a server and peers can bring it, in any order: the bounds hold.

mod ops;
mod rig;

use proptest::prelude::*;
use shared::{Identity, PeerId};

use self::{ops::ops, rig::Rig};
use crate::{
    io::Change,
    sim::world::cases,
    wire::{
        sdp::test::sdp,
        span::Feed,
        stored::{Key, StoredHead},
    },
};

/// How many others there are.
const OTHERS: u8 = 12;

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(100), ..ProptestConfig::default() })]

    #[test]
    fn any_inputs_in_any_order_keep_the_bounds(
        founder in 0..OTHERS,
        kept in prop::option::of(prop::collection::vec(records(), 0..9)),
        ops in prop::collection::vec(ops(), 1..250),
    ) {
        let mut rig = Rig::new(founder, kept);
        rig.run_for(0);
        for op in &ops {
            rig.apply(op);
        }
        rig.run_for(600_000);
    }
}

/// What was kept, or anything at all in its place.
fn records() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let any_bytes = || prop::collection::vec(any::<u8>(), 0..90);
    let key = prop_oneof![
        1 => any_bytes(),
        2 => Just(Key::Head.forget().key),
        2 => Just(Key::Name { peer: peer(1) }.forget().key),
        2 => (0..4_u64).prop_map(|seq| Key::Entry { feed: Feed { author: peer(1), number: 7 }, seq }.forget().key),
        2 => Just(Key::Feed { feed: Feed { author: peer(1), number: 7 } }.forget().key),
    ];
    let head = (0..9_u64, 0..9_u64).prop_map(|(feed, next)| {
        Key::Head.keep(&StoredHead {
            feed,
            next,
            head: None,
            unread: vec![next],
        })
    });
    let value = prop_oneof![
        2 => any_bytes(),
        2 => any_bytes().prop_map(|bytes| value(Key::Head.keep_bytes(&bytes))),
        1 => head.prop_map(value),
    ];
    (key, value)
}

fn value(change: Change) -> Vec<u8> {
    change.value.expect("it is kept").to_vec()
}

fn identity(byte: u8) -> Identity {
    Identity::from_secret(&[byte + 1; 32])
}

fn peer(byte: u8) -> PeerId {
    identity(byte).peer_id()
}
