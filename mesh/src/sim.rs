//! The simulator: a world of many nodes in one process and one thread, in virtual time.
//!
//! `world` has nodes, rendezvous servers and something like WebRTC between them, with faults: what is
//! measured and tested is the very code that runs in browsers, with everything encoded, signed and sealed. Every choice is drawn from one
//! seed, so a run can be repeated exactly. `scenario` has the stories that `cargo xtask sim` tells, `report` what comes
//! of them. Under `tests` (unit tests of this crate) are the small worlds in which single behaviours are pinned down.
//!
//! Simplifications, all on purpose: a link carries any number of bytes at once; the latency of a connection does not
//! change; a signature that was made in this process is known to be good, and any other checked once for all nodes: see
//! `wire::signed` and `wire::record::memo`; a box for one peer is made without public keys: see `wire::signed::simulated`.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    reason = "a simulator stops at its own mistakes"
)]
#![cfg_attr(
    not(test),
    allow(dead_code, reason = "the tests under `tests` use more of the world than scenarios")
)]

mod body;
mod meeting;
mod report;
mod returning;
mod scenario;
pub(crate) mod world;

pub use body::Body;
pub use meeting::{History, Met};
pub use report::{Bound, Report, Rounds};
pub use returning::{Return, Returned, come_back};
pub use scenario::{LinkDigest, Plan, Scenario, Steady, run, run_bodies, run_steady};

#[cfg(test)]
mod tests {
    mod annotations;
    mod chaos;
    mod clocks;
    mod closing;
    mod files;
    mod healing;
    mod hostile;
    mod inputs;
    mod linking;
    mod log;
    mod memory;
    mod names;
    mod presence;
    mod retention;
    mod talking;
    mod tampering;
    mod typing;
    mod versions;
}
