//! Files of one node alone, for unit tests: Ann, whose neighbors are known by the bytes of their keys.

use std::rc::Rc;

use shared::{FileId, PeerId};

use super::Files;
use crate::{
    config::{BLOCK_BYTES, PIECE_BYTES},
    context::{Context, test::peer},
    door::{LinkState, ToNet, ToRoom},
    io::{LinkId, Output},
    model::{Event, FileInfo, FileProgress, FileState},
    pieces::{PieceHash, PieceHasher},
    wire::{frame::Digests, span::LogDigest, transfer::FileFrame},
};

/// Bob's link.
pub(super) const BOB: LinkId = LinkId(2);
/// Cid's link.
pub(super) const CID: LinkId = LinkId(3);

/// A file whose content is at hand.
pub(super) struct Made {
    pub(super) info: FileInfo,
    pub(super) hashes: Vec<PieceHash>,
    content: Vec<u8>,
}

impl Made {
    /// A file of so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        let content: Vec<u8> = (0..=250).cycle().take(bytes).collect();
        let mut hasher = PieceHasher::new(bytes as u64).unwrap();
        assert!(content.chunks(PIECE_BYTES).all(|piece| hasher.push(piece)));
        let (root, hashes) = hasher.finish().unwrap();
        let info = FileInfo {
            root,
            bytes: bytes as u64,
            name: "notes.txt".into(),
            media_type: "text/plain".into(),
        };
        Self { info, hashes, content }
    }

    pub(super) fn root(&self) -> FileId {
        self.info.root
    }

    pub(super) fn piece(&self, piece: u32) -> Vec<u8> {
        self.content.chunks(PIECE_BYTES).nth(piece as usize).unwrap().to_vec()
    }

    pub(super) fn progress(&self, state: FileState, pieces_have: u32, sources: u32) -> Output {
        let progress = FileProgress {
            state,
            pieces_have,
            pieces: u32::try_from(self.hashes.len()).unwrap(),
            bytes_have: (u64::from(pieces_have) * PIECE_BYTES as u64).min(self.info.bytes),
            sources,
            through: None,
        };
        let info = self.info.clone();
        Output::Event(Event::File { info, progress })
    }
}

pub(super) struct Rig {
    pub(super) cx: Context,
    pub(super) files: Files,
}

impl Rig {
    /// Ann with these neighbors, whose channels are open.
    pub(super) fn with(neighbors: &[u8]) -> Self {
        let cx = Context::test(1);
        let files = Files::new(cx.me, [1; 32]);
        let mut rig = Self { cx, files };
        for byte in neighbors {
            rig.connect(*byte);
        }
        rig
    }

    pub(super) fn connect(&mut self, byte: u8) {
        let link = LinkId(byte.into());
        self.greet(link, peer(byte));
        self.files.handle_open(&mut self.cx, link);
    }

    pub(super) fn greet(&mut self, link: LinkId, peer: PeerId) {
        let log = LogDigest([1; 16]);
        let word = ToRoom::NeighborUp {
            link,
            peer,
            name: "Bob".into(),
            state: LinkState::Up,
            digests: Digests { log, people: 2 },
            unix_millis: 0,
        };
        self.files.handle_net(&mut self.cx, &word);
    }

    pub(super) fn lose(&mut self, link: LinkId) {
        self.files.handle_net(&mut self.cx, &ToRoom::LinkClosed { link });
    }

    /// A frame comes.
    pub(super) fn hand(&mut self, link: LinkId, frame: &FileFrame<'_>) {
        let bytes: Rc<[u8]> = frame.encode().into();
        self.files.handle_message(&mut self.cx, link, &bytes);
    }

    /// A neighbor says that it has this of a file: all of it, or these pieces.
    pub(super) fn hold(&mut self, link: LinkId, file: &Made, pieces: Option<&[u32]>) {
        let (root, bytes) = (file.root(), file.info.bytes);
        self.hand(link, &FileFrame::Holds { roots: vec![root] });
        let mut set = vec![0_u8; file.hashes.len().div_ceil(8)];
        for piece in pieces.unwrap_or_default() {
            set[*piece as usize / 8] |= 1 << (piece % 8);
        }
        let set = pieces.map(|_| set.as_slice().into());
        self.hand(link, &FileFrame::Pieces { root, bytes, set });
    }

    /// All hashes of a file come.
    pub(super) fn hash(&mut self, link: LinkId, file: &Made) {
        let (root, hashes) = (file.root(), file.hashes.as_flattened().into());
        self.hand(link, &FileFrame::Hashes { root, from: 0, hashes });
    }

    /// A whole piece comes, with this content.
    pub(super) fn bring(&mut self, link: LinkId, file: &Made, piece: u32, content: &[u8]) {
        for (index, part) in content.chunks(BLOCK_BYTES).enumerate() {
            let (root, offset) = (file.root(), u32::try_from(index * BLOCK_BYTES).unwrap());
            let bytes = part.into();
            self.hand(
                link,
                &FileFrame::Data {
                    root,
                    piece,
                    offset,
                    bytes,
                },
            );
        }
    }

    /// A piece comes, is written, and is stored.
    pub(super) fn store(&mut self, link: LinkId, file: &Made, piece: u32) {
        self.bring(link, file, piece, &file.piece(piece));
        self.files.handle_written(&mut self.cx, file.root(), piece, true);
    }

    pub(super) fn wait(&mut self, millis: u64) {
        self.cx.wait(millis);
        self.files.handle_timeout(&mut self.cx);
    }

    pub(super) fn outputs(&mut self) -> Vec<Output> {
        self.cx.outputs()
    }

    /// What was sent to one neighbor since the last time, the rest left out.
    pub(super) fn sent_to(&mut self, to: LinkId) -> Vec<Rc<[u8]>> {
        let mut sent = Vec::new();
        for output in self.outputs() {
            if let Output::TransmitFile { link, bytes } = output
                && link == to
            {
                sent.push(bytes);
            }
        }
        sent
    }

    /// What was asked of whom since the last time, the rest left out.
    pub(super) fn asked(&mut self, root: FileId) -> Vec<(LinkId, Vec<u32>)> {
        let mut asked = Vec::new();
        for output in self.outputs() {
            if let Output::TransmitFile { link, bytes } = output
                && let Ok(FileFrame::Want { root: of, pieces }) = FileFrame::decode(&bytes)
                && of == root
            {
                asked.push((link, pieces));
            }
        }
        asked
    }

    /// What was said to the net since the last time.
    pub(super) fn words(&mut self) -> Vec<ToNet> {
        std::iter::from_fn(|| self.files.poll_event()).collect()
    }
}

pub(super) fn sent(link: LinkId, frame: &FileFrame<'_>) -> Output {
    let bytes = frame.encode().into();
    Output::TransmitFile { link, bytes }
}
