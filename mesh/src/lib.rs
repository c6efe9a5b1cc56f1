//! Starling's peer as a state machine without IO.

pub mod io;
