//! The program `starling`: a room in a terminal.

fn main() {}
