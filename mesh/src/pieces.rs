//! Pieces: how a file is cut up and hashed, so that each part of it can be verified by itself.
//!
//! A file is cut into pieces of [`PIECE_BYTES`], from its beginning; the last one is shorter. The hash of a piece is its chaining value in
//! BLAKE3's tree (section 2.1 of the BLAKE3 paper), and the root of that tree is the hash of the whole file: so whoever knows the root can
//! check a list of piece hashes, and by the list each piece. A file of one piece has the root as its piece hash; an empty file has no pieces.
//!
//! Deviation from bao, which verifies groups of 16 KiB by proofs that travel with them: a piece is small enough to be fetched again where it
//! is wrong, and the list of hashes has the 8,192nd part of the file. So nothing but the pieces themselves needs to be kept or sent.

use std::fmt;

use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use shared::FileId;

use crate::config::{FILE_BYTES_MAX, PIECE_BYTES};

/// The hash of a piece.
pub type PieceHash = [u8; 32];

/// How many pieces a file of so many bytes has, at most [`PIECES_MAX`](crate::config::PIECES_MAX) as long as the file is not too large.
#[must_use]
pub fn pieces_in(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(PIECE_BYTES as u64)).unwrap_or(u32::MAX)
}

/// How long a piece of a file of so many bytes is; 0 if there is no such piece.
#[must_use]
pub fn piece_bytes(bytes: u64, piece: u32) -> usize {
    let left = bytes.saturating_sub(u64::from(piece) * PIECE_BYTES as u64);
    usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES))
}

/// The hash of a piece of a file of so many bytes.
///
/// # Panics
/// If it is not as long as that piece is: see [`piece_bytes`].
#[must_use]
pub fn hash_of(bytes: u64, piece: u32, content: &[u8]) -> PieceHash {
    assert!(
        !content.is_empty() && content.len() == piece_bytes(bytes, piece),
        "a piece has its length"
    );
    let mut hasher = blake3::Hasher::new();
    if pieces_in(bytes) == 1 {
        return *hasher.update(content).finalize().as_bytes();
    }
    hasher.set_input_offset(u64::from(piece) * PIECE_BYTES as u64);
    hasher.update(content).finalize_non_root()
}

/// The id of a file of so many bytes whose pieces have these hashes. `None` if it has another number of pieces.
#[must_use]
pub fn root_of(bytes: u64, hashes: &[PieceHash]) -> Option<FileId> {
    if bytes > FILE_BYTES_MAX || pieces_in(bytes) as usize != hashes.len() {
        return None;
    }
    let root = match hashes {
        [] => *blake3::hash(&[]).as_bytes(),
        [only] => *only,
        [..] => {
            let (left, right) = split(hashes);
            *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
        }
    };
    Some(FileId::from_bytes(root))
}

/// The values of the two halves of a subtree: the left one has as many pieces as a power of two, and fewer than all.
fn split(hashes: &[PieceHash]) -> (PieceHash, PieceHash) {
    let (left, right) = hashes.split_at(hashes.len().next_power_of_two() / 2);
    (value_of(left), value_of(right))
}

/// The chaining value of a subtree.
fn value_of(hashes: &[PieceHash]) -> PieceHash {
    match hashes {
        [only] => *only,
        [..] => {
            let (left, right) = split(hashes);
            merge_subtrees_non_root(&left, &right, Mode::Hash)
        }
    }
}

/// Hashes a file piece by piece, from its first to its last.
pub struct PieceHasher {
    bytes: u64,
    hashes: Vec<PieceHash>,
}

impl PieceHasher {
    /// For a file of so many bytes. `None` if that is more than [`FILE_BYTES_MAX`].
    #[must_use]
    pub fn new(bytes: u64) -> Option<Self> {
        let hashes = Vec::new();
        (bytes <= FILE_BYTES_MAX).then_some(Self { bytes, hashes })
    }

    /// How many bytes the next piece has; 0 if there is none.
    #[must_use]
    pub fn next_bytes(&self) -> usize {
        piece_bytes(self.bytes, self.next())
    }

    /// Takes the next piece. Says whether it has the length that it must have; if not, the file is another by now.
    #[must_use]
    pub fn push(&mut self, content: &[u8]) -> bool {
        let fits = !content.is_empty() && content.len() == self.next_bytes();
        if fits {
            self.hashes.push(hash_of(self.bytes, self.next(), content));
        }
        fits
    }

    /// The file's id and the hashes of its pieces. `None` if some are lacking.
    #[must_use]
    pub fn finish(self) -> Option<(FileId, Vec<PieceHash>)> {
        let root = root_of(self.bytes, &self.hashes)?;
        Some((root, self.hashes))
    }

    fn next(&self) -> u32 {
        u32::try_from(self.hashes.len()).unwrap_or(u32::MAX)
    }
}

impl fmt::Debug for PieceHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, hashes } = self;
        write!(f, "PieceHasher({} pieces of {bytes} bytes)", hashes.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{config::PIECES_MAX, sim::world::cases};

    fn content(bytes: usize) -> Vec<u8> {
        (0..=250).cycle().take(bytes).collect()
    }

    fn hashed(content: &[u8]) -> (FileId, Vec<PieceHash>) {
        let mut hasher = PieceHasher::new(content.len() as u64).unwrap();
        for piece in content.chunks(PIECE_BYTES) {
            assert_eq!(hasher.next_bytes(), piece.len());
            assert!(hasher.push(piece));
        }
        assert_eq!(hasher.next_bytes(), 0);
        hasher.finish().unwrap()
    }

    #[test]
    fn the_root_is_the_hash_of_the_whole_content() {
        for pieces in 0..=9 {
            for around in [-1025, -1024, -1, 0, 1, 5, 1024, 1025, 131_072] {
                let Some(bytes) = (pieces * PIECE_BYTES).checked_add_signed(around) else {
                    continue;
                };
                let content = content(bytes);
                let (root, hashes) = hashed(&content);
                assert_eq!(root.as_bytes(), blake3::hash(&content).as_bytes(), "{bytes} bytes");
                assert_eq!(hashes.len(), bytes.div_ceil(PIECE_BYTES));
            }
        }
    }

    #[test]
    fn a_file_of_one_piece_has_its_root_as_piece_hash_and_an_empty_one_no_pieces() {
        let (root, hashes) = hashed(b"abc");
        assert_eq!(hashes, [*root.as_bytes()]);
        let (root, hashes) = hashed(b"");
        assert_eq!(root.as_bytes(), blake3::hash(b"").as_bytes());
        assert_eq!(hashes, <[PieceHash; 0]>::default());
    }

    #[test]
    fn a_piece_of_another_length_is_refused_and_a_lacking_one_noticed() {
        let mut hasher = PieceHasher::new(PIECE_BYTES as u64 + 3).unwrap();
        assert!(
            !hasher.push(&content(PIECE_BYTES - 1)) && !hasher.push(&content(PIECE_BYTES + 1)) && !hasher.push(&[])
        );
        assert!(hasher.push(&content(PIECE_BYTES)));
        assert!(!hasher.push(&content(2)));
        assert_eq!(hasher.finish(), None);
        assert!(PieceHasher::new(FILE_BYTES_MAX).is_some() && PieceHasher::new(FILE_BYTES_MAX + 1).is_none());
    }

    #[test]
    fn the_largest_file_has_as_many_pieces_as_there_can_be() {
        assert_eq!(pieces_in(FILE_BYTES_MAX) as usize, PIECES_MAX);
        assert_eq!(piece_bytes(FILE_BYTES_MAX, 65_535), PIECE_BYTES);
        assert_eq!(piece_bytes(FILE_BYTES_MAX, 65_536), 0);
        assert_eq!(piece_bytes(PIECE_BYTES as u64 + 1, 1), 1);
        assert_eq!(root_of(u64::MAX, &[]), None);
        let hashes = vec![[7; 32]; PIECES_MAX];
        assert!(root_of(FILE_BYTES_MAX, &hashes).is_some());
        assert_eq!(root_of(FILE_BYTES_MAX, &hashes[1..]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases(24)))]
        #[test]
        fn any_change_of_any_piece_is_noticed(
            bytes in 1..5 * PIECE_BYTES,
            at in any::<prop::sample::Index>(),
            change in 1..=255_u8,
        ) {
            let mut content = content(bytes);
            let (root, hashes) = hashed(&content);
            let at = at.index(bytes);
            content[at] ^= change;
            let (other, changed) = hashed(&content);
            prop_assert_ne!(root, other);
            let differ: Vec<_> = (0..hashes.len()).filter(|piece| hashes[*piece] != changed[*piece]).collect();
            prop_assert_eq!(differ, vec![at / PIECE_BYTES]);
        }

        #[test]
        fn hashes_in_another_order_make_another_file(bytes in 2 * PIECE_BYTES + 1..4 * PIECE_BYTES, one in 0..2_usize) {
            let content: Vec<u8> = (0..4).flat_map(|piece| vec![piece; PIECE_BYTES]).take(bytes).collect();
            let (root, mut hashes) = hashed(&content);
            hashes.swap(one, one + 1);
            prop_assert_ne!(root_of(bytes as u64, &hashes), Some(root));
        }
    }
}
