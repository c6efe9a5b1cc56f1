//! The timestamps of the one order.

use std::fmt;

use minicbor::Encode;

/// A point in the one order: milliseconds since 1970 (48 bits) and a counter (16 bits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] u64);

impl Timestamp {
    /// Bits that count within a millisecond.
    // No limit: the layout of a number on the wire.
    const COUNTER_BITS: u32 = 16;

    /// The first timestamp of a millisecond.
    #[must_use]
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self(millis << Self::COUNTER_BITS)
    }

    /// The wall-clock part, in milliseconds since 1970.
    #[must_use]
    pub const fn unix_millis(self) -> u64 {
        self.0 >> Self::COUNTER_BITS
    }

    /// The timestamp as one number, which orders as it does.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The next one; a full counter carries over into the next millisecond.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.unix_millis(), self.0 & ((1 << Self::COUNTER_BITS) - 1))
    }
}
