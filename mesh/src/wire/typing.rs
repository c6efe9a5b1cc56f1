//! "I am typing": a hint to everyone, on which nothing depends.

use minicbor::Encode;
use shared::Label;
use wire_derive::Decode;

use super::record::Content;
use crate::config::TYPING_BYTES_MAX;

/// A sign that its author is typing something to everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Typing {
    /// The stamp of the author's last beacon: with the next one, earlier signs are over.
    #[n(0)]
    pub beacon: u64,
    /// Counts up.
    #[n(1)]
    pub count: u32,
}

impl Content for Typing {
    const LABEL: Label = Label::Typing;
    // No limit: it stands there.
    const BYTES_MAX: usize = TYPING_BYTES_MAX;

    fn is_valid(&self) -> bool {
        true
    }
}
