//! Every limit and every span of time of this crate, with its unit and its reason. What any program has is in [`client::config`].

mod archive;
mod listen;
mod load;
mod person;
mod transport;

pub use self::{archive::*, listen::*, load::*, person::*, transport::*};
