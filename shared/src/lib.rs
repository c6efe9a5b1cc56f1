//! The language that Starling's peers and its rendezvous server have in common.
//!
//! Read in this order:
//!
//! 1. [`id`]: identifiers: [`PeerId`], [`RoomId`], [`SessionId`], [`MessageId`], [`FileId`].
//! 2. [`identity`]: a node's key pair, signatures under separated labels, fingerprints and safety numbers.
//! 3. [`room`]: the room code of a link, and what is derived from it.
//! 4. [`seal`]: sealing for the people of a room, all or one (HPKE).
//! 5. [`closing`]: the founder's statement that a room is closed.
//! 6. [`signal`]: the messages between a browser and the rendezvous server.
//! 7. [`portable`]: an identity as a file, under a passphrase.
//! 8. [`limits`]: every bound both sides rely on.
//!
//! There is no IO here, no clock, no global randomness and no browser type: the same code runs in the browser, in
//! the server and in tests.

// The page is built without `Debug`: what is formatted by it is empty there.
#![cfg_attr(not(test), warn(clippy::use_debug))]

pub mod closing;
pub mod id;
pub mod identity;
pub mod limits;
pub mod name;
pub mod portable;
pub mod room;
pub mod seal;
pub mod signal;

pub use closing::Closing;
pub use id::{FileId, MessageId, PeerId, RoomId, SessionId};
pub use identity::{BadSignature, Identity, Label, Signature};
pub use portable::Portable;
pub use room::{Room, RoomCode, RoomKind};
