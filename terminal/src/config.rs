//! Every limit and every span of time of this crate, with its unit and its reason. What any program has is in [`client::config`].

mod listen;
mod person;
mod transport;

pub use self::{listen::*, person::*, transport::*};
