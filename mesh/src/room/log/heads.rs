//! The digest of a log: over the heads of its feeds, in any order, not over what is kept of them.
//!
//! After Bellare and Micciancio, *A New Paradigm for Collision-Free Hashing: Incrementality at Reduced Cost* (EUROCRYPT 1997), as Lewi,
//! Kim, Maykov and Weis do it in *Securing Update Propagation with Homomorphic Hashing* (2019): LtHash with 1,024 lanes of 16 bits.
//! Each head is hashed to as many lanes, and these are added. A head is replaced without looking at the others, and nobody finds heads of
//! the same sum, however many of them are their own.

use std::cell::RefCell;

use litemap::LiteMap;

use crate::wire::span::{Feed, LogDigest};

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
}

impl Default for Heads {
    fn default() -> Self {
        let lanes = Box::new([0; LANES]);
        let digest = hash(&lanes);
        Self(RefCell::new(Sum {
            lanes,
            changed: LiteMap::new(),
            digest,
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
                for (head, combine) in [
                    (before, u16::wrapping_sub as fn(u16, u16) -> u16),
                    (after, u16::wrapping_add),
                ] {
                    if let Some(head) = head {
                        each(&mut sum.lanes, &feed, head, combine);
                    }
                }
            }
            sum.digest = hash(&sum.lanes);
        }
        sum.digest
    }
}

fn each(lanes: &mut [u16; LANES], feed: &Feed, head: Head, combine: fn(u16, u16) -> u16) {
    let seed = blake3::Hasher::new()
        .update(feed.author.as_bytes())
        .update(&feed.number.to_be_bytes())
        .update(&head.next.to_be_bytes())
        .update(&head.id)
        .update(&head.ahead)
        .finalize();
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
