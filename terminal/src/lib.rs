//! A peer outside the browser: [`client`] over sockets and a file.
//!
//! Read in this order:
//!
//! 1. [`platform`]: [`enter`] a room. A native process as a [`client::Platform`].
//! 2. [`rtc`]: WebRTC connections, over UDP sockets that they share.
//! 3. `signaller`, [`tls`]: the socket to a rendezvous server.
//! 4. [`home`]: the folder in which this program keeps things, and which person an instance is. [`passphrase`]: what an identity can be under. [`store`]: the database of one person.
//!    [`take_along`]: an identity to another device.
//! 5. [`report`]: what a person is told, as data. [`mod@line`]: what is typed and printed. [`harmless`]: whatever others wrote, as text that can do
//!    nothing to a terminal. [`words`]: what is said of the program itself. [`map`]: the network as a picture.
//! 6. [`desk`]: carries out commands. [`run`]: a visit to a room, from what is typed to what is printed. [`args`], [`errand`] and [`link`]: what is
//!    typed to start it.
//! 7. [`screen`]: the room on the whole terminal.
//! 8. [`direct`]: how peers meet without a server. [`listener`]: a peer to which others come.
//! 9. [`http`]: what other programs of this machine can ask for.
//! 10. [`load`]: many peers in one process. [`archive`]: a program that keeps rooms for everybody.
//! 11. [`config`]: every limit.

pub mod archive;
pub mod args;
#[cfg(test)]
mod cable;
mod clock;
pub mod config;
pub mod desk;
pub mod direct;
pub mod errand;
pub mod further;
pub mod harmless;
pub mod home;
pub mod http;
pub mod line;
pub mod link;
pub mod listener;
pub mod load;
pub mod map;
pub mod passphrase;
pub mod platform;
pub mod report;
pub mod rtc;
pub mod run;
pub mod screen;
mod signaller;
pub mod store;
pub mod take_along;
mod task;
pub mod tls;
pub mod words;

pub use crate::platform::{EnterError, Running, Visit, enter, enter_with};
