//! The real server and real browsers, each in a network of its own: homes behind NATs of every kind.
//!
//! `cargo xtask test --only nat` builds and finds all that these need. Each test makes its networks and removes them, for which it
//! has to be root. The server is started as anybody starts it. The tests run one after the other. Each says how long it took from
//! the newcomer's click on *Join room* until the newcomer saw everyone "Here", by the clock of the newcomer's page.

mod people;

mod hidden;
mod leftovers;
mod moving;
mod native;
mod ordinary;
mod plain;
mod relayed;
mod strict;
