//! Line mode: what is typed is said, and what happens is printed, a line each.
//!
//! Nothing here does anything: [`transcript`] compares two states of a room and gives [`Report`](crate::report::Report)s, [`plain`] makes lines of
//! them, [`command`] reads what was typed.

pub mod command;
pub mod picture;
pub mod plain;
pub mod transcript;
