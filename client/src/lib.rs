//! What every program of a person needs besides IO: the page in a browser, a terminal, a simulated person.
//!
//! Read in this order:
//!
//! 1. [`core`]: a [`Core`] owns a [`mesh::Node`] and the room as it is shown. A state machine without IO, of the node's own shape.
//! 2. [`driver`]: the loop that runs a core over a [`Platform`], whose limbs put events into its queue. [`session`]: the
//!    handle that a page has on it.
//! 3. [`room`]: the room as shown, changed by [`reduce`](room::reduce) alone. [`standing`] and [`notice`]: what a person has to know, as
//!    data. [`words`]: all of it in words.
//! 4. What limbs of any platform need: [`channel`] (what waits in front of a data channel), [`candidate`] (batches of candidates),
//!    [`signalling`] (messages of a server's socket), [`servers`] (which servers there are).
//! 5. [`store`]: what outlives the program. [`slot`]: which of the stored identities this program is.
//! 6. What a person types and sees: [`route`], [`validate`], [`text`], [`layout`] (of the network's map), [`qr`].
//! 7. [`files`]: names of files, what is shown of them, and why one cannot be offered. [`picture`]: how large a picture is. [`zip`]: a folder as a
//!    file. [`marks`]: what the person thinks of others. [`export`]: what was said, as a file to keep. [`import`]: such a file, brought back. [`diagnostics`]: what can be copied when
//!    something is wrong. [`check`]: what kind of network this is. [`config`]: every limit.
//!
//! There is no socket here, no clock and no browser type, so all of it is tested natively.

// The page is built without `Debug`: what is formatted by it is empty there.
#![cfg_attr(not(test), warn(clippy::use_debug))]

pub mod candidate;
pub mod channel;
pub mod check;
pub mod config;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod core;
pub mod diagnostics;
pub mod driver;
pub mod export;
pub mod files;
pub mod import;
pub mod layout;
pub mod marks;
pub mod notice;
pub mod picture;
pub mod qr;
pub mod room;
pub mod route;
pub mod search;
pub mod servers;
pub mod session;
pub mod signalling;
#[cfg(feature = "sim")]
pub mod sim;
pub mod slot;
pub mod sound;
pub mod standing;
pub mod store;
pub mod telling;
pub mod text;
pub mod validate;
pub mod words;
pub mod zip;

pub use crate::{
    core::Core,
    driver::{Driver, Platform},
    session::Session,
};
