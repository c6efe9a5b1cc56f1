//! One node and anything that a driver, a server and peers can bring it, in any order: the bounds hold.

mod ops;
mod rig;

use proptest::prelude::*;
use shared::{Identity, PeerId};

use self::{ops::ops, rig::Rig};
use crate::{sim::world::cases, wire::sdp::test::sdp};

/// How many others there are.
const OTHERS: u8 = 12;

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(100), ..ProptestConfig::default() })]

    #[test]
    fn any_inputs_in_any_order_keep_the_bounds(founder in 0..OTHERS, ops in prop::collection::vec(ops(), 1..250)) {
        let mut rig = Rig::new(founder);
        rig.run_for(0);
        for op in &ops {
            rig.apply(op);
        }
        rig.run_for(600_000);
    }
}

fn identity(byte: u8) -> Identity {
    Identity::from_secret(&[byte + 1; 32])
}

fn peer(byte: u8) -> PeerId {
    identity(byte).peer_id()
}
