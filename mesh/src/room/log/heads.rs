//! The digest of a log: over the heads of its feeds, in any order, not over what is kept of them.
//!
//! After Bellare and Micciancio, *A New Paradigm for Collision-Free Hashing: Incrementality at Reduced Cost* (EUROCRYPT 1997), as Lewi,
//! Kim, Maykov and Weis do it in *Securing Update Propagation with Homomorphic Hashing* (2019): LtHash with 1,024 lanes of 16 bits.
//! Each head is hashed to as many lanes, and these are added. A head is replaced without looking at the others, and nobody finds heads of
//! the same sum, however many of them are their own.

use std::cell::RefCell;

use litemap::LiteMap;

use crate::wire::{
    id::ShortId,
    span::{Feed, LogDigest, RANGE_PARTS, Range, SUM_BYTES, Sums},
};

// No limit: a part of the algorithm.
const LANES: usize = 1_024;

/// Up to where a feed is there, and what else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The first number that is lacking.
    pub(super) next: u64,
    /// The id of the entry before it.
    pub(super) id: [u8; 32],
    /// The ids of those after it, added without carry: who finds others of the same sum deceives about their own feed alone.
    pub(super) ahead: [u8; 32],
}

/// The heads of feeds, added up when somebody asks.
#[derive(Debug)]
pub(super) struct Heads(RefCell<Sum>);

#[derive(Debug)]
struct Sum {
    lanes: Box<[u16; LANES]>,
    /// Feeds whose head is another since the digest was asked for: the one that was added, and the one that is to be.
    changed: LiteMap<Feed, (Option<Head>, Option<Head>)>,
    digest: LogDigest,
    /// The hash of each head, by its feed, to be compared range by range.
    hashes: LiteMap<ShortId, u64>,
}

impl Default for Heads {
    fn default() -> Self {
        let lanes = Box::new([0; LANES]);
        let digest = hash(&lanes);
        Self(RefCell::new(Sum {
            lanes,
            changed: LiteMap::new(),
            digest,
            hashes: LiteMap::new(),
        }))
    }
}

impl Heads {
    /// The head of a feed is another now.
    pub(super) fn replace(&mut self, feed: &Feed, before: Option<Head>, after: Option<Head>) {
        let changed = &mut self.0.get_mut().changed;
        match changed.get_mut(feed) {
            Some((_, now)) => *now = after,
            None if before == after => {}
            None => {
                changed.insert(*feed, (before, after));
            }
        }
    }

    /// The same for the same heads.
    pub(super) fn digest(&self) -> LogDigest {
        let sum = &mut *self.0.borrow_mut();
        if !sum.changed.is_empty() {
            for (feed, (before, after)) in std::mem::take(&mut sum.changed) {
                let name = feed.short();
                if let Some(before) = before {
                    each(&mut sum.lanes, &seed(&feed, before), u16::wrapping_sub);
                }
                match after {
                    Some(after) => {
                        let seed = seed(&feed, after);
                        each(&mut sum.lanes, &seed, u16::wrapping_add);
                        sum.hashes.insert(name, ShortId::of(seed.as_bytes()).0);
                    }
                    None => _ = sum.hashes.remove(&name),
                }
            }
            sum.digest = hash(&sum.lanes);
        }
        sum.digest
    }

    /// The feeds of a range, in order.
    pub(super) fn feeds_in(&self, range: Range) -> Vec<ShortId> {
        self.look_into(range, |feeds| feeds.map(|(feed, _)| *feed).collect())
    }

    /// How many feeds there are in a range.
    pub(super) fn count_in(&self, range: Range) -> usize {
        self.look_into(range, |feeds| feeds.count())
    }

    /// What there is of the parts of a range: the same for the same heads.
    pub(super) fn sums_of(&self, range: Range) -> Sums {
        let mut sums = [0; SUM_BYTES * RANGE_PARTS as usize];
        for (part, sum) in range.parts().zip(sums.chunks_exact_mut(SUM_BYTES)) {
            let hash = self.look_into(part, |feeds| {
                let mut hasher = blake3::Hasher::new();
                let mut is_empty = true;
                for (feed, hash) in feeds {
                    is_empty = false;
                    hasher.update(&feed.0.to_be_bytes()).update(&hash.to_be_bytes());
                }
                (!is_empty).then(|| hasher.finalize())
            });
            if let Some(hash) = hash {
                sum.copy_from_slice(&hash.as_bytes()[..SUM_BYTES]);
            }
        }
        Sums {
            range,
            sums: sums.into(),
        }
    }

    fn look_into<T>(&self, range: Range, look: impl FnOnce(&mut dyn Iterator<Item = (&ShortId, &u64)>) -> T) -> T {
        self.digest();
        let hashes = &self.0.borrow().hashes;
        let (first, last) = range.bounds();
        let start = hashes.find_index(&first).unwrap_or_else(|place| place);
        let feeds = (start..).map_while(|place| hashes.get_indexed(place));
        look(&mut feeds.take_while(|(feed, _)| **feed <= last))
    }
}

/// All that the digest depends on of a feed.
fn seed(feed: &Feed, head: Head) -> blake3::Hash {
    blake3::Hasher::new()
        .update(feed.author.as_bytes())
        .update(&feed.number.to_be_bytes())
        .update(&head.next.to_be_bytes())
        .update(&head.id)
        .update(&head.ahead)
        .finalize()
}

fn each(lanes: &mut [u16; LANES], seed: &blake3::Hash, combine: fn(u16, u16) -> u16) {
    for (number, lanes) in (0_u8..).zip(lanes.chunks_exact_mut(16)) {
        // Not the extended output of BLAKE3, which would be six kilobytes more of code.
        let block = blake3::Hasher::new()
            .update(seed.as_bytes())
            .update(&[number])
            .finalize();
        let (pairs, _) = block.as_bytes().as_chunks();
        for (lane, pair) in lanes.iter_mut().zip(pairs) {
            *lane = combine(*lane, u16::from_be_bytes(*pair));
        }
    }
}

fn hash(lanes: &[u16; LANES]) -> LogDigest {
    let mut bytes = [0; LANES * 2];
    let (pairs, _) = bytes.as_chunks_mut();
    for (pair, lane) in pairs.iter_mut().zip(lanes) {
        *pair = lane.to_be_bytes();
    }
    let hash = blake3::hash(&bytes);
    let (digest, _) = hash.as_bytes().split_first_chunk().expect("invariant: 32 bytes");
    LogDigest(*digest)
}

#[cfg(test)]
mod tests {
    use shared::PeerId;

    use super::*;

    fn feed(number: u64) -> Feed {
        let author = PeerId::from_bytes([7; 32]);
        Feed { author, number }
    }

    fn head(next: u64) -> Option<Head> {
        let id = [u8::try_from(next).unwrap(); 32];
        let ahead = [0; 32];
        Some(Head { next, id, ahead })
    }

    #[test]
    fn the_order_in_which_heads_came_and_those_before_them_leave_no_trace() {
        let (mut one, mut other) = (Heads::default(), Heads::default());
        let empty = one.digest();
        one.replace(&feed(1), None, head(1));
        one.replace(&feed(2), None, head(5));
        one.replace(&feed(1), head(1), head(2));
        other.replace(&feed(1), None, head(2));
        assert_ne!(one.digest(), other.digest());
        other.replace(&feed(2), None, head(5));
        assert_eq!(one.digest(), other.digest());
        one.replace(&feed(1), head(2), None);
        one.replace(&feed(2), head(5), None);
        assert_eq!(one.digest(), empty);
    }

    #[test]
    fn feed_number_id_and_what_is_ahead_all_count() {
        let digest = |feed: Feed, head: Option<Head>| {
            let mut heads = Heads::default();
            heads.replace(&feed, None, head);
            heads.digest()
        };
        let one = digest(feed(1), head(1));
        assert_ne!(one, digest(feed(2), head(1)));
        let head = head(1).unwrap();
        let others = [
            Head { next: 2, ..head },
            Head { id: [9; 32], ..head },
            Head { ahead: [9; 32], ..head },
        ];
        for other in others {
            assert_ne!(one, digest(feed(1), Some(other)));
        }
    }

    #[test]
    fn sums_differ_where_heads_do_and_nowhere_else() {
        let (mut one, mut other) = (Heads::default(), Heads::default());
        for number in 0..200 {
            one.replace(&feed(number), None, head(1));
            other.replace(&feed(number), None, head(if number == 77 { 2 } else { 1 }));
        }
        other.replace(&feed(200), None, head(1));
        let mut ranges = vec![Range::ALL];
        let mut differing: Vec<ShortId> = Vec::new();
        while let Some(range) = ranges.pop() {
            let sums = [&one, &other].map(|heads| heads.sums_of(range).sums);
            let pairs = sums[0].chunks(SUM_BYTES).zip(sums[1].chunks(SUM_BYTES));
            for (part, (one_sum, other_sum)) in range.parts().zip(pairs) {
                let feeds = [&one, &other].map(|heads| heads.feeds_in(part));
                assert_eq!(feeds[0].is_empty(), one_sum == [0; SUM_BYTES]);
                if one_sum == other_sum {
                    assert_eq!(feeds[0], feeds[1]);
                } else if feeds[1].len() == 1 {
                    differing.extend(&feeds[1]);
                } else {
                    ranges.push(part);
                }
            }
        }
        differing.sort();
        let mut expected = [feed(77).short(), feed(200).short()];
        expected.sort();
        assert_eq!(differing, expected);
        other.replace(&feed(77), head(2), head(1));
        other.replace(&feed(200), head(1), None);
        assert_eq!(one.sums_of(Range::ALL), other.sums_of(Range::ALL));
    }

    /// With digests added without carry, 64 heads of one's own make any difference vanish.
    #[test]
    fn a_head_twice_is_not_a_head_never() {
        let mut heads = Heads::default();
        let empty = heads.digest();
        heads.replace(&feed(1), None, head(1));
        heads.replace(&feed(1), None, head(1));
        assert_ne!(heads.digest(), empty);
    }
}
