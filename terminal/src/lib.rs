//! A peer outside the browser: [`client`] over sockets and a file.
//!
//! Read in this order:
//!
//! 1. [`platform`]: [`enter`] a room. A native process as a [`client::Platform`].
//! 2. [`rtc`]: WebRTC connections, over UDP sockets that they share.
//! 3. `signaller`, [`tls`]: the socket to a rendezvous server.
//! 4. [`config`]: every limit.

mod clock;
pub mod config;
pub mod platform;
pub mod rtc;
mod signaller;
mod task;
pub mod tls;

pub use crate::platform::{EnterError, Running, Visit, enter};
