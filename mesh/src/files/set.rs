//! A set of pieces of one file.

/// See the [module documentation](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PieceSet {
    words: Vec<u64>,
    pieces: u32,
    count: u32,
}

impl PieceSet {
    /// None of so many.
    pub(crate) fn none(pieces: u32) -> Self {
        let words = vec![0; pieces.div_ceil(u64::BITS) as usize];
        let count = 0;
        Self { words, pieces, count }
    }

    /// All of so many.
    pub(crate) fn all(pieces: u32) -> Self {
        let mut set = Self::none(pieces);
        for (at, word) in (0..).step_by(u64::BITS as usize).zip(&mut set.words) {
            let beyond = u64::BITS - (pieces - at).min(u64::BITS);
            *word = u64::MAX >> beyond;
        }
        set.count = pieces;
        set
    }

    /// Reads what [`PieceSet::to_bytes`] gave. `None` if it is no set of so many.
    pub(crate) fn read(pieces: u32, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != pieces.div_ceil(u8::BITS) as usize {
            return None;
        }
        let mut set = Self::none(pieces);
        for (word, part) in set.words.iter_mut().zip(bytes.chunks(size_of::<u64>())) {
            let mut whole = [0; size_of::<u64>()];
            whole[..part.len()].copy_from_slice(part);
            *word = u64::from_le_bytes(whole);
            set.count += word.count_ones();
        }
        let last = Self::all(pieces).words.last().copied().unwrap_or(0);
        let is_within = set.words.last().is_none_or(|word| word & !last == 0);
        is_within.then_some(set)
    }

    /// One bit a piece, the lowest bit of the first byte first.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(self.pieces.div_ceil(u8::BITS) as usize);
        bytes
    }

    pub(crate) fn contains(&self, piece: u32) -> bool {
        let word = self.words.get((piece / u64::BITS) as usize);
        word.is_some_and(|word| word >> (piece % u64::BITS) & 1 == 1)
    }

    /// Says whether it was not in the set.
    pub(crate) fn insert(&mut self, piece: u32) -> bool {
        let is_new = piece < self.pieces && !self.contains(piece);
        if is_new {
            self.words[(piece / u64::BITS) as usize] |= 1 << (piece % u64::BITS);
            self.count += 1;
        }
        is_new
    }

    /// Takes what another set of as many pieces has, too.
    pub(crate) fn insert_all(&mut self, other: &Self) {
        self.count = 0;
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
            self.count += word.count_ones();
        }
    }

    /// Says whether it was in the set.
    pub(crate) fn remove(&mut self, piece: u32) -> bool {
        let was_in = self.contains(piece);
        if was_in {
            self.words[(piece / u64::BITS) as usize] &= !(1 << (piece % u64::BITS));
            self.count -= 1;
        }
        was_in
    }

    pub(crate) fn len(&self) -> u32 {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether all pieces are in it.
    pub(crate) fn is_all(&self) -> bool {
        self.count == self.pieces
    }

    /// Up to `most` pieces of this set that are in none of `others`, the first of them at or after `from`, going round.
    pub(crate) fn without(&self, others: [&Self; 2], from: u32, most: usize) -> Vec<u32> {
        let mut found = Vec::new();
        let words = self.words.len();
        let start = (from / u64::BITS) as usize;
        // The word of the start comes twice: its part at or after the start first, its part before it last.
        for step in 0..=words {
            let index = (start + step) % words.max(1);
            let Some(word) = self.words.get(index) else { break };
            let mut left = others.iter().fold(*word, |left, other| left & !other.words[index]);
            let before = (1_u64 << (from % u64::BITS)) - 1;
            if step == 0 {
                left &= !before;
            } else if step == words {
                left &= before;
            }
            while left != 0 {
                if found.len() == most {
                    return found;
                }
                let base = u32::try_from(index).unwrap_or(0) * u64::BITS;
                found.push(base + left.trailing_zeros());
                left &= left - 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_and_none_have_what_their_names_say() {
        for pieces in [0, 1, 7, 8, 9, 63, 64, 65, 128, 1_000, 65_536] {
            let (none, all) = (PieceSet::none(pieces), PieceSet::all(pieces));
            assert!(none.is_empty() && all.is_all() && all.len() == pieces, "{pieces}");
            assert_eq!(PieceSet::read(pieces, &all.to_bytes()), Some(all.clone()));
            assert!(!all.contains(pieces));
            assert_eq!(all.is_empty(), pieces == 0);
        }
    }

    #[test]
    fn bytes_of_another_length_or_with_bits_beyond_the_last_piece_are_no_set() {
        assert_eq!(PieceSet::read(9, &[255]), None);
        assert_eq!(PieceSet::read(9, &[255, 1, 0]), None);
        assert_eq!(PieceSet::read(9, &[255, 2]), None);
        assert!(PieceSet::read(9, &[255, 1]).is_some_and(|set| set.is_all()));
        assert!(PieceSet::read(0, &[]).is_some_and(|set| set.is_all()));
    }

    proptest! {
        #[test]
        fn it_is_a_set(pieces in 1..200_u32, ops in prop::collection::vec((0..220_u32, any::<bool>()), 0..300)) {
            let (mut set, mut model) = (PieceSet::none(pieces), BTreeSet::new());
            for (piece, inserts) in ops {
                if inserts {
                    prop_assert_eq!(set.insert(piece), piece < pieces && model.insert(piece));
                } else {
                    prop_assert_eq!(set.remove(piece), model.remove(&piece));
                }
                prop_assert_eq!(set.len() as usize, model.len());
            }
            prop_assert!((0..220).all(|piece| set.contains(piece) == model.contains(&piece)));
            prop_assert_eq!(PieceSet::read(pieces, &set.to_bytes()), Some(set));
        }

        #[test]
        fn what_others_have_not_is_found_going_round(
            pieces in 1..200_u32,
            seed in any::<u64>(),
            from in 0..200_u32,
            most in 0..40_usize,
        ) {
            let from = from % pieces;
            let of = |times: u64| {
                let mut set = PieceSet::none(pieces);
                for piece in (0..pieces).filter(|piece| !(seed ^ (u64::from(*piece) * times)).is_multiple_of(3)) {
                    set.insert(piece);
                }
                set
            };
            let (set, one, other) = (of(7), of(11), of(13));
            let expected = (from..pieces).chain(0..from);
            let expected = expected
                .filter(|piece| set.contains(*piece) && !one.contains(*piece) && !other.contains(*piece))
                .take(most);
            prop_assert_eq!(set.without([&one, &other], from, most), expected.collect::<Vec<_>>());
        }
    }
}
