//! What travels on the channel for files of an open link, as it is written: no rules, only fields.
//!
//! One message of the channel is one frame, at most [`FILE_FRAME_BYTES_MAX`] bytes. The channel is ordered and reliable, and apart from the
//! one for everything else. Nothing here is signed: a file is verified by its hash, whoever brings it.

use minicbor::{Encode, bytes::ByteSlice};
use shared::{FileId, PeerId};
use wire_derive::Decode;

use super::codec::{DecodeError, decode_frame, encode};
use crate::config::FILE_FRAME_BYTES_MAX;

/// A frame on the channel for files.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum FileFrame<'a> {
    /// The files of which the sender has something: all of them, in place of what it said before.
    #[n(0)]
    Holds {
        /// Which.
        #[n(0)]
        roots: Vec<FileId>,
    },
    /// Asks what of a file the other has, now and whenever that changes.
    #[n(1)]
    Ask {
        /// Which file.
        #[n(0)]
        root: FileId,
    },
    /// What of a file the sender has now. Answers [`FileFrame::Ask`].
    #[n(2)]
    Pieces {
        /// Which file.
        #[n(0)]
        root: FileId,
        /// Its length.
        #[n(1)]
        bytes: u64,
        /// One bit a piece, the lowest bit of the first byte first. All of them if it is absent.
        #[b(2)]
        set: Option<&'a ByteSlice>,
    },
    /// Asks for hashes of pieces.
    #[n(3)]
    WantHashes {
        /// Of which file.
        #[n(0)]
        root: FileId,
        /// From this piece on.
        #[n(1)]
        from: u32,
    },
    /// Some of the hashes that were asked for.
    #[n(4)]
    Hashes {
        /// Of which file.
        #[n(0)]
        root: FileId,
        /// From this piece on.
        #[n(1)]
        from: u32,
        /// 32 bytes each.
        #[b(2)]
        hashes: &'a ByteSlice,
    },
    /// Asks for pieces, to be sent in this order after those that were asked for before.
    #[n(5)]
    Want {
        /// Of which file.
        #[n(0)]
        root: FileId,
        /// Which.
        #[n(1)]
        pieces: Vec<u32>,
    },
    /// A part of a piece that was asked for. The parts of a piece come in order, and nothing of another piece between them.
    #[n(6)]
    Data {
        /// Of which file.
        #[n(0)]
        root: FileId,
        /// Of which piece.
        #[n(1)]
        piece: u32,
        /// Where in the piece it begins.
        #[n(2)]
        offset: u32,
        /// The part.
        #[b(3)]
        bytes: &'a ByteSlice,
    },
    /// The sender wants these no more.
    #[n(7)]
    Cancel {
        /// Of which file.
        #[n(0)]
        root: FileId,
        /// Which pieces.
        #[n(1)]
        pieces: Vec<u32>,
    },
    /// These were asked for, and the sender has them not. No pieces: the hashes.
    #[n(8)]
    Lacks {
        /// Of which file.
        #[n(0)]
        root: FileId,
        /// Which pieces.
        #[n(1)]
        pieces: Vec<u32>,
    },
    /// Asks who else has something of a file.
    #[n(9)]
    Seek {
        /// Which file.
        #[n(0)]
        root: FileId,
    },
    /// Neighbors of the sender who say that they have something of a file. Answers [`FileFrame::Seek`], if there are any.
    #[n(10)]
    Holders {
        /// Which file.
        #[n(0)]
        root: FileId,
        /// Who.
        #[n(1)]
        peers: Vec<PeerId>,
    },
    /// The sender cannot reach those who have a file: the other is asked to fetch for it what it will want. Is answered like [`FileFrame::Ask`] as soon as the
    /// other knows what it can fetch, if it does so at all.
    #[n(11)]
    Carry {
        /// Which file.
        #[n(0)]
        root: FileId,
        /// Its length.
        #[n(1)]
        bytes: u64,
    },
}

/// The number of the last frame known here.
// No limit: a number on the wire.
const FRAME_LAST: u32 = 11;

impl<'a> FileFrame<'a> {
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a frame, all of `bytes` and nothing else.
    ///
    /// # Errors
    /// [`DecodeError::Unknown`], [`DecodeError::OutOfBounds`] if it is too large, or [`DecodeError::Malformed`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if bytes.len() > FILE_FRAME_BYTES_MAX {
            return Err(DecodeError::OutOfBounds);
        }
        decode_frame(bytes, FRAME_LAST)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{BLOCK_BYTES_MAX, FILES_MAX, HASHES_PART_MAX, PIECE_BYTES, PIECES_MAX};

    #[test]
    fn a_frame_of_the_future_is_unknown_and_one_that_is_too_large_or_has_a_tail_refused() {
        let unknown = u8::try_from(FRAME_LAST).unwrap() + 1;
        assert_eq!(FileFrame::decode(&[0x82, unknown, 0x80]), Err(DecodeError::Unknown));
        let root = FileId::from_bytes([7; 32]);
        let mut bytes = FileFrame::Seek { root }.encode();
        assert_eq!(FileFrame::decode(&bytes), Ok(FileFrame::Seek { root }));
        bytes.push(0);
        assert_eq!(FileFrame::decode(&bytes), Err(DecodeError::Malformed));
        let large = vec![0; FILE_FRAME_BYTES_MAX + 1];
        assert_eq!(FileFrame::decode(&large), Err(DecodeError::OutOfBounds));
        assert_eq!(FileFrame::decode(&[]), Err(DecodeError::Malformed));
    }

    #[test]
    fn the_largest_frames_fit() {
        let root = FileId::from_bytes([7; 32]);
        let last = u32::try_from(PIECES_MAX - 1).unwrap();
        let (set, block, hashes) = ([255; PIECES_MAX / 8], [9; BLOCK_BYTES_MAX], [9; 32 * HASHES_PART_MAX]);
        let frames = [
            FileFrame::Holds {
                roots: vec![root; FILES_MAX],
            },
            FileFrame::Pieces {
                root,
                bytes: u64::MAX,
                set: Some(set.as_slice().into()),
            },
            FileFrame::Hashes {
                root,
                from: last,
                hashes: hashes.as_slice().into(),
            },
            FileFrame::Data {
                root,
                piece: last,
                offset: u32::try_from(PIECE_BYTES).unwrap(),
                bytes: block.as_slice().into(),
            },
        ];
        for frame in frames {
            let bytes = frame.encode();
            assert!(bytes.len() <= FILE_FRAME_BYTES_MAX);
            assert_eq!(FileFrame::decode(&bytes), Ok(frame));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_after_a_known_number_are_a_frame_or_refused(
            number in 0..=u8::try_from(FRAME_LAST).unwrap(),
            fields in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let bytes = [&[0x82, number][..], &fields].concat();
            match FileFrame::decode(&bytes) {
                Ok(frame) => {
                    let encoded = frame.encode();
                    prop_assert_eq!(FileFrame::decode(&encoded), Ok(frame));
                }
                Err(error) => prop_assert_eq!(error, DecodeError::Malformed),
            }
        }

        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(frame) = FileFrame::decode(&bytes) {
                let encoded = frame.encode();
                prop_assert_eq!(FileFrame::decode(&encoded), Ok(frame));
            }
        }
    }
}
