//! Starling's peer as a state machine without IO: the same code in a browser, in a terminal and in a simulator.
//!
//! Read in this order:
//!
//! 1. [`io`]: the whole boundary on one page: [`Input`](io::Input), [`Output`](io::Output), [`Event`](io::Event).
//! 2. [`node`]: [`Node`] routes inputs to the layers below and what they say to the next.
//! 3. [`config`]: every default, with its unit and where it comes from.
//! 4. [`frame`] and [`fragment`]: what travels on a link; [`envelope`]: what travels sealed while there is no link yet.
//! 5. The layers, which never call each other: [`rendezvous`] (how we stand with each server), [`session`] (setting up one
//!    link), [`link`] (one open link: hello, liveness, strikes), [`roster`] (who is in the room), [`chat`] (what we said
//!    and who has it, what we heard).
//!
//! The rules everywhere: the same seed and calls give the same bytes out; time only comes in; every queue has a bound; nothing
//! that a peer or a server sends can panic us.
//!
//! Not here yet: a node links to everyone the server names, up to
//! [`LINKS_MAX`](shared::limits::LINKS_MAX), and what it says goes to its direct peers only. Nothing is forwarded.

pub mod chat;
pub mod config;
pub mod envelope;
pub mod fragment;
pub mod frame;
pub mod io;
pub mod link;
pub mod node;
pub mod rendezvous;
pub mod roster;
mod sdp;
mod seen;
pub mod session;

pub use config::{NodeConfig, Timing};
pub use node::{Counters, Node};
