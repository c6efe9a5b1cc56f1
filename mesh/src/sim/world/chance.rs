//! What chance decides in a world.

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::Rng;

use super::{Body, Simulation, Who};

impl<B: Body> Simulation<B> {
    /// A number below `count`.
    pub(crate) fn draw(&mut self, count: u64) -> u64 {
        self.rng.next_u64() % count
    }

    /// A number from `low` to `high`, from the machine's own stream.
    pub(super) fn chance(&mut self, who: Who, low: u64, high: u64) -> u64 {
        low + self.machines[who].rng.next_u64() % (high - low + 1)
    }

    /// A number that no description or socket of any machine has.
    pub(super) fn make_number(&mut self, who: Who) -> u64 {
        let machine = &mut self.machines[who];
        machine.made += 1;
        ((who as u64 + 1) << 32) + machine.made
    }

    pub(super) fn draw_bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.draw(high - low + 1)
    }
}

/// The stream of one machine.
pub(super) fn machine_rng(seed: u64, who: Who) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    rng.set_stream(who as u64 + 1);
    rng
}
