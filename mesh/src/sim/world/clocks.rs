//! What time it is, by clocks that are right and by others.

use super::{Body, Simulation, Who};
use crate::io::{Instant, Now};

/// When a simulation begins, in milliseconds since 1970.
// No limit: a point in time.
pub(crate) const BEGINNING: u64 = 1_800_000_000_000;

impl<B: Body> Simulation<B> {
    /// What time it is by the clock of a machine.
    pub(crate) fn now_of(&self, who: Who) -> Now {
        self.now_with(self.machines[who].skew)
    }

    /// What time it is by a clock that is so many milliseconds ahead.
    pub(super) fn now_with(&self, skew: i64) -> Now {
        Now {
            instant: Instant::from_millis(self.millis),
            unix_millis: (BEGINNING + self.millis).saturating_add_signed(skew),
        }
    }

    /// A machine's clock is ahead by so many milliseconds, from the next start on too.
    pub(crate) fn set_skew(&mut self, who: Who, millis: i64) {
        self.machines[who].skew = millis;
    }

    /// Sets by how many milliseconds the clock of a server is ahead.
    pub(crate) fn set_server_skew(&mut self, server: u8, millis: i64) {
        self.servers[usize::from(server)].skew = millis;
    }
}
