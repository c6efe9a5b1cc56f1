//! What comes of an export that is brought back.

use std::ops::AddAssign;

/// What became of entries that a person brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// They are shown and kept from now on.
    pub new: usize,
    /// They were here, or are wanted no more: what made room for others is not taken back.
    pub known: usize,
    /// They are older than what is kept by the founder's word, or by the person's.
    pub vanished: usize,
    /// They are not by whom they say, were altered, or belong to another room.
    pub damaged: usize,
}

impl AddAssign for Imported {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.known += other.known;
        self.vanished += other.vanished;
        self.damaged += other.damaged;
    }
}
