//! Starling's peer as a state machine without IO: the same code in a browser, in a terminal and in a simulator.
//!
//! Read in this order:
//!
//! 1. [`io`]: the whole boundary on one page: [`Input`](io::Input), [`Output`](io::Output), [`Event`](io::Event).
//! 2. [`node`]: [`Node`] routes inputs to the layers below and what they say to the next.
//! 3. [`config`]: every default and bound, with its unit and where it comes from.
//! 4. What travels: [`frame`] and [`fragment`] on a link, [`record`] [`signed`] and passed on by others, [`envelope`] sealed while
//!    there is no link yet, [`nearby`] between the tabs of a browser.
//! 5. The layers, which never call each other, from a single link to the whole room:
//!    [`rendezvous`] (how we stand with each server), [`session`] (setting up one link), [`link`] (one open link: hello,
//!    liveness, strikes), [`membership`] (how many links, and with whom), [`broadcast`] (to everyone, along a tree), [`hlc`] and [`log`]
//!    (what was said, in one order), [`sync`] (what broadcast missed), [`route`] (to one peer, through others), [`presence`] and
//!    [`roster`] (who is here), [`chat`] (what became of what we said).
//! 6. `sim` (feature `sim`): a world of many nodes in virtual time, with faults.
//!
//! The rules everywhere: the same seed and calls give the same bytes out; time only comes in; every queue has a bound; nothing
//! that a peer or a server sends can panic us.

pub mod broadcast;
mod bucket;
pub mod chat;
pub mod config;
pub mod envelope;
pub mod fragment;
pub mod frame;
pub mod hlc;
pub mod io;
pub mod link;
pub mod log;
pub mod membership;
pub mod nearby;
pub mod node;
pub mod presence;
mod random;
pub mod record;
pub mod rendezvous;
pub mod roster;
pub mod route;
mod sdp;
mod seen;
pub mod session;
pub mod signed;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod sync;

pub use config::{NodeConfig, Timing};
pub use node::{Counters, Node};
