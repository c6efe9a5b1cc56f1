//! Starling's peer as a state machine without IO: the same code in a browser, in a terminal and in a simulator.
//!
//! Read in this order:
//!
//! 1. [`io`]: what a driver does: [`Input`](io::Input) and [`Output`](io::Output). Nothing else passes the boundary. [`model`]: what an
//!    app is told.
//! 2. [`node`]: [`Node`] owns two houses, the net and the room, and hands one's words to the other. `door` has these words, `timers` what
//!    can wake a node.
//! 3. `net`: how we get links and keep them: server registrations, peers, attempts, open links, whom to link with, invitations.
//! 4. `room`: who is there, what is said and how it reaches everyone: presence, roster, broadcast trees, log, sync, routing, delivery.
//! 5. `files`: files, piece by piece, from whoever has them; [`pieces`] are how a file is cut up and hashed.
//! 6. [`wire`]: what passes between peers, as bytes.
//! 7. [`config`]: every default and bound, with its unit and its reason.
//! 8. `sim` (feature `sim`): a world of many nodes in virtual time, with faults.
//!
//! Every layer of the two houses has its own file and the same shape: it owns its state, `handle_*` takes what happens, with the
//! context; `poll_*` gives what is to be done next; `poll_timeout` says when to come back. A layer changes nothing but its own
//! state; those of the net also change the one table of peers.
//!
//! The rules everywhere: the same seed and calls give the same bytes out; time only comes in; every queue has a bound; nothing
//! that a peer or a server sends can panic us.

// The page is built without `Debug`: what is formatted by it is empty there.
#![cfg_attr(not(test), warn(clippy::use_debug))]

mod back_off;
mod bucket;
pub mod config;
mod context;
mod door;
mod files;
pub mod io;
mod lookup;
pub mod model;
mod net;
pub mod node;
pub mod order;
mod outbox;
pub mod pieces;
mod random;
mod room;
mod seen;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
mod timers;
pub mod wire;

pub use config::{NodeConfig, Timing};
pub use model::Counters;
pub use net::Ways;
pub use node::Node;
