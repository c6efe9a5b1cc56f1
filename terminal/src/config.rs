//! Every limit and every span of time of this crate, with its unit and its reason. Those of the protocol are in `mesh` and `shared`.

mod person;

pub use self::person::*;
