//! The two pages.

pub mod room;
pub mod start;
