//! The real server and real browsers, end to end: one topic a file.
//!
//! `cargo xtask test --only e2e` builds and finds all that these need. Each test starts its own server and its own browsers with
//! fresh profiles, and they run one after the other: browsers that fight for the processor would make every bound on
//! time meaningless.

mod lab;
mod wires;

mod adverse;
mod answering;
mod background;
mod by_hand;
mod closing;
mod coming_and_going;
mod contract;
mod files;
mod finding;
mod folders;
mod formatting;
mod history;
mod hostile;
mod hosting;
mod identity;
mod keeping;
mod keyboard;
mod later;
mod mesh;
mod mistakes;
mod naming;
mod network;
mod nodes;
mod serverless;
mod showing;
mod side_by_side;
mod taking_along;
mod talking;
mod telling;
mod terminal;
mod text;
