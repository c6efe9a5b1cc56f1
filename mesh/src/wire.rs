//! What passes between peers, as bytes: how it is written, read, signed and sealed. No rules of the protocol, no state.
//!
//! On a link travel [`fragment`]s of [`frame`]s. Frames carry [`record`]s, which their authors signed and others pass on, and a record
//! for one peer alone carries a sealed [`whisper`] or [`envelope`]. Envelopes also travel where there is no link yet: through a
//! server, by hand, or [`nearby`], between the tabs of one browser.

pub mod binding;
pub(crate) mod candidate;
pub mod codec;
pub mod entry;
pub mod envelope;
pub(crate) mod fields;
pub mod file;
pub mod fork;
pub mod fragment;
pub mod frame;
pub mod id;
pub mod nearby;
pub mod record;
pub(crate) mod relation;
pub(crate) mod sdp;
pub mod setting;
pub(crate) mod signed;
pub mod span;
pub(crate) mod stored;
pub mod timestamp;
pub mod transfer;
pub mod typing;
pub mod whisper;
