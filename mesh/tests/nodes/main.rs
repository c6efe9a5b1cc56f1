//! Nodes against nodes, in virtual time. See [`world`] for how a failed seed is run again.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its supporting code too"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks out what it is about")]

mod chaos;
mod healing;
mod hostile;
mod linking;
mod talking;
mod world;
