//! Feeds, the spans of them that a version vector is made of, and the ranges of feeds that two nodes compare.

use minicbor::Encode;
use shared::PeerId;
use wire_derive::Decode;

use super::id::ShortId;

/// One numbering of an author's entries. An author that lost its memory begins another feed, so no number is used for two entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Feed {
    /// The author.
    #[n(0)]
    pub author: PeerId,
    /// Which of its feeds.
    #[n(1)]
    pub number: u64,
}

impl Feed {
    /// What neighbors call it: the first eight bytes of BLAKE3 of author and number. Whoever finds two feeds of one name deceives about their own.
    #[must_use]
    pub fn short(&self) -> ShortId {
        let hash = blake3::Hasher::new()
            .update(self.author.as_bytes())
            .update(&self.number.to_be_bytes())
            .finalize();
        ShortId::of(hash.as_bytes())
    }
}

/// Up to where a node has its feeds: the same for the same, whatever it has evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct LogDigest(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

/// What a node has of one feed: the numbers from `first` to below `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Span {
    /// Of which: see [`Feed::short`].
    #[n(0)]
    pub feed: ShortId,
    /// The first it still has.
    #[n(1)]
    pub first: u64,
    /// The first it lacks.
    #[n(2)]
    pub next: u64,
    /// In a vector, for the part of a feed that goes on: the entry before `next`, if there is or was one.
    #[n(3)]
    pub head: Option<ShortId>,
}

/// Into how many ranges a range falls.
// No limit: a part of the format.
pub const RANGE_PARTS: u8 = 16;
/// Of how many bytes a sum is.
// No limit: a part of the format.
pub const SUM_BYTES: usize = 6;
/// How deep ranges go: to one short id.
// No limit: a part of the format.
const DEPTH_MAX: u8 = 16;

/// The feeds whose short ids begin with the same hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Range {
    /// With how many, at most 16.
    #[n(0)]
    pub depth: u8,
    /// With which, as a number.
    #[n(1)]
    pub digits: u64,
}

impl Range {
    /// All feeds.
    pub const ALL: Self = Self { depth: 0, digits: 0 };

    /// Whether there is such a range.
    #[must_use]
    pub fn is_valid(self) -> bool {
        self.depth <= DEPTH_MAX && (self.depth == DEPTH_MAX || self.digits >> (4 * self.depth) == 0)
    }

    /// Whether it has one feed at most.
    #[must_use]
    pub fn is_single(self) -> bool {
        self.depth == DEPTH_MAX
    }

    /// The first and the last short id.
    #[must_use]
    pub fn bounds(self) -> (ShortId, ShortId) {
        // A shift by all bits is none. A neighbor may name one that is too deep.
        let rest = u32::from(DEPTH_MAX.saturating_sub(self.depth)) * 4;
        let first = self.digits.checked_shl(rest).unwrap_or_default();
        let others = u64::MAX.checked_shr(64 - rest).unwrap_or_default();
        (ShortId(first), ShortId(first | others))
    }

    /// Whether a feed is in it.
    #[must_use]
    pub fn contains(self, feed: ShortId) -> bool {
        let (first, last) = self.bounds();
        (first..=last).contains(&feed)
    }

    /// The ranges into which it falls, in order. Of a [single](Self::is_single) one none.
    pub fn parts(self) -> impl Iterator<Item = Self> {
        let count = if self.is_single() { 0 } else { RANGE_PARTS };
        (0..count).map(move |part| Self {
            depth: self.depth + 1,
            digits: self.digits * u64::from(RANGE_PARTS) + u64::from(part),
        })
    }
}

/// What a node has of a range, in short.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Sums {
    /// Of which.
    #[n(0)]
    pub range: Range,
    /// Of each range into which it falls, in order: the first bytes of BLAKE3 over what there is of its feeds; zeros if that is nothing.
    #[n(1)]
    pub sums: minicbor::bytes::ByteArray<{ SUM_BYTES * RANGE_PARTS as usize }>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_fall_into_parts_without_a_gap_down_to_single_feeds() {
        let mut range = Range::ALL;
        assert_eq!(range.bounds(), (ShortId(0), ShortId(u64::MAX)));
        for depth in 1..=16 {
            let parts: Vec<_> = range.parts().collect();
            assert_eq!(parts.len(), 16);
            assert_eq!(parts[0].bounds().0, range.bounds().0);
            assert_eq!(parts[15].bounds().1, range.bounds().1);
            for pair in parts.windows(2) {
                assert_eq!(pair[0].bounds().1.0 + 1, pair[1].bounds().0.0);
            }
            range = parts[11];
            assert!(range.is_valid() && range.depth == depth);
        }
        assert_eq!(
            range.bounds(),
            (ShortId(0xbbbb_bbbb_bbbb_bbbb), ShortId(0xbbbb_bbbb_bbbb_bbbb))
        );
        assert!(range.is_single() && range.parts().next().is_none());
    }

    #[test]
    fn what_is_no_range_is_told_from_one() {
        for (depth, digits) in [(0, 1), (1, 16), (17, 0), (255, 0), (15, u64::MAX)] {
            assert!(!Range { depth, digits }.is_valid(), "{depth}, {digits}");
        }
        let last = Range {
            depth: 16,
            digits: u64::MAX,
        };
        assert!(last.is_valid() && last.contains(ShortId(u64::MAX)) && !last.contains(ShortId(0)));
    }
}
