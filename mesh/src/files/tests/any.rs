//! Anything that neighbors, the platform and the person can do, in any order: the bounds hold, and an honest holder makes the file whole.

use std::{collections::BTreeSet, rc::Rc};

use proptest::prelude::*;
use shared::FileId;

use super::super::rig::{Made, Rig};
use crate::{
    config::{BLOCK_BYTES, FILE_FRAME_BYTES_MAX, PIECE_BYTES, REQUESTS_MAX, WINDOW_MAX, WRITES_MAX},
    context::test::peer,
    io::{LinkId, Output},
    wire::transfer::FileFrame,
};

/// Who is honest.
// No limit: a name.
const HONEST: u8 = 9;

/// How many pieces the file has.
// No limit: the size of a test.
const PIECES: u32 = 5;

#[derive(Debug, Clone)]
enum Op {
    Connect(u8),
    Lose(u8),
    Fetch,
    Offer,
    Pause,
    Cancel,
    Wait(u64),
    Writable(u8),
    Read {
        piece: u32,
        good: bool,
    },
    Written {
        piece: u32,
        stored: bool,
    },
    Holds {
        link: u8,
        it: bool,
    },
    Ask {
        link: u8,
    },
    Pieces {
        link: u8,
        bytes: u64,
        set: Option<Vec<u8>>,
    },
    WantHashes {
        link: u8,
        from: u32,
    },
    Hashes {
        link: u8,
        from: u32,
        good: bool,
    },
    Want {
        link: u8,
        pieces: Vec<u32>,
    },
    Data {
        link: u8,
        piece: u32,
        block: u32,
        good: bool,
    },
    Piece {
        link: u8,
        piece: u32,
        good: bool,
    },
    Cancelled {
        link: u8,
        pieces: Vec<u32>,
    },
    Lacks {
        link: u8,
        pieces: Vec<u32>,
    },
    Seek {
        link: u8,
    },
    Carry {
        link: u8,
        right: bool,
    },
    Unreadable {
        piece: u32,
    },
    Holders {
        link: u8,
        peers: Vec<u8>,
    },
    Bytes {
        link: u8,
        bytes: Vec<u8>,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let link = || 2..5_u8;
    let piece = || 0..PIECES + 1;
    let pieces = || prop::collection::vec(0..PIECES + 1, 0..4);
    prop_oneof![
        3 => link().prop_map(Op::Connect),
        1 => link().prop_map(Op::Lose),
        3 => Just(Op::Fetch),
        1 => Just(Op::Offer),
        1 => Just(Op::Pause),
        1 => Just(Op::Cancel),
        3 => (0..15_000_u64).prop_map(Op::Wait),
        1 => link().prop_map(Op::Writable),
        2 => (piece(), any::<bool>()).prop_map(|(piece, good)| Op::Read { piece, good }),
        4 => (piece(), any::<bool>()).prop_map(|(piece, stored)| Op::Written { piece, stored }),
        4 => (link(), any::<bool>()).prop_map(|(link, it)| Op::Holds { link, it }),
        2 => link().prop_map(|link| Op::Ask { link }),
        4 => (link(), any::<bool>(), prop::option::of(prop::collection::vec(0..40_u8, 0..2)))
            .prop_map(|(link, right, set)| Op::Pieces { link, bytes: if right { length() } else { 7 }, set }),
        2 => (link(), piece()).prop_map(|(link, from)| Op::WantHashes { link, from }),
        4 => (link(), 0..2_u32, any::<bool>()).prop_map(|(link, from, good)| Op::Hashes { link, from, good }),
        2 => (link(), pieces()).prop_map(|(link, pieces)| Op::Want { link, pieces }),
        3 => (link(), piece(), 0..3_u32, any::<bool>())
            .prop_map(|(link, piece, block, good)| Op::Data { link, piece, block, good }),
        4 => (link(), piece(), any::<bool>()).prop_map(|(link, piece, good)| Op::Piece { link, piece, good }),
        1 => (link(), pieces()).prop_map(|(link, pieces)| Op::Cancelled { link, pieces }),
        2 => (link(), pieces()).prop_map(|(link, pieces)| Op::Lacks { link, pieces }),
        1 => link().prop_map(|link| Op::Seek { link }),
        2 => (link(), any::<bool>()).prop_map(|(link, right)| Op::Carry { link, right }),
        1 => piece().prop_map(|piece| Op::Unreadable { piece }),
        1 => (link(), prop::collection::vec(0..20_u8, 0..10)).prop_map(|(link, peers)| Op::Holders { link, peers }),
        1 => (link(), prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(link, bytes)| Op::Bytes { link, bytes }),
    ]
}

fn length() -> u64 {
    u64::from(PIECES) * PIECE_BYTES as u64 - 1_000
}

fn file() -> Made {
    Made::of(usize::try_from(length()).unwrap())
}

/// A piece, or something of its length.
fn content(file: &Made, piece: u32, good: bool) -> Vec<u8> {
    let right = file.piece(piece.min(PIECES - 1));
    if good {
        right
    } else {
        right.iter().map(|byte| !byte).collect()
    }
}

struct World {
    rig: Rig,
    file: Made,
    connected: BTreeSet<LinkId>,
}

impl World {
    fn root(&self) -> FileId {
        self.file.root()
    }

    fn apply(&mut self, op: &Op) {
        let root = self.root();
        let (rig, file) = (&mut self.rig, &self.file);
        let at = |link: &u8| LinkId((*link).into());
        match op {
            Op::Connect(link) => {
                rig.connect(*link);
                self.connected.insert(at(link));
            }
            Op::Lose(link) => {
                rig.lose(at(link));
                self.connected.remove(&at(link));
            }
            Op::Fetch => rig
                .files
                .fetch(&mut rig.cx, file.info.clone(), [peer(30)].into_iter())
                .unwrap(),
            Op::Offer => rig.files.offer(&mut rig.cx, file.info.clone(), file.hashes.clone()),
            Op::Pause => rig.files.pause(&mut rig.cx, root),
            Op::Cancel => rig.files.cancel(&mut rig.cx, root),
            Op::Wait(millis) => rig.wait(*millis),
            Op::Writable(link) => rig.files.handle_writable(&mut rig.cx, at(link)),
            Op::Read { piece, good } => {
                let bytes = Some(content(file, *piece, *good));
                rig.files.handle_read(&mut rig.cx, root, *piece, Ok(bytes));
            }
            Op::Written { piece, stored } => rig.files.handle_written(&mut rig.cx, root, *piece, *stored),
            Op::Holds { link, it } => {
                let roots = if *it { vec![root] } else { vec![] };
                rig.hand(at(link), &FileFrame::Holds { roots });
            }
            Op::Ask { link } => rig.hand(at(link), &FileFrame::Ask { root }),
            Op::Pieces { link, bytes, set } => {
                let (bytes, set) = (*bytes, set.as_ref().map(|set| set.as_slice().into()));
                rig.hand(at(link), &FileFrame::Pieces { root, bytes, set });
            }
            Op::WantHashes { link, from } => rig.hand(at(link), &FileFrame::WantHashes { root, from: *from }),
            Op::Hashes { link, from, good } => {
                let mut hashes = file.hashes.clone();
                hashes[0][0] ^= u8::from(!good);
                let hashes = hashes[*from as usize..].as_flattened().into();
                rig.hand(
                    at(link),
                    &FileFrame::Hashes {
                        root,
                        from: *from,
                        hashes,
                    },
                );
            }
            Op::Want { link, pieces } => rig.hand(
                at(link),
                &FileFrame::Want {
                    root,
                    pieces: pieces.clone(),
                },
            ),
            Op::Data {
                link,
                piece,
                block,
                good,
            } => {
                let content = content(file, *piece, *good);
                let offset = *block * u32::try_from(BLOCK_BYTES).unwrap();
                let bytes = content[offset as usize..][..BLOCK_BYTES].into();
                let piece = *piece;
                rig.hand(
                    at(link),
                    &FileFrame::Data {
                        root,
                        piece,
                        offset,
                        bytes,
                    },
                );
            }
            Op::Piece { link, piece, good } => {
                let content = content(file, *piece, *good);
                rig.bring(at(link), file, *piece, &content);
            }
            Op::Cancelled { link, pieces } => rig.hand(
                at(link),
                &FileFrame::Cancel {
                    root,
                    pieces: pieces.clone(),
                },
            ),
            Op::Lacks { link, pieces } => rig.hand(
                at(link),
                &FileFrame::Lacks {
                    root,
                    pieces: pieces.clone(),
                },
            ),
            Op::Carry { link, right } => {
                let bytes = if *right { length() } else { 7 };
                rig.hand(at(link), &FileFrame::Carry { root, bytes });
            }
            Op::Unreadable { piece } => rig
                .files
                .handle_read(&mut rig.cx, root, *piece, Err(crate::io::Unreadable)),
            Op::Seek { link } => rig.hand(at(link), &FileFrame::Seek { root }),
            Op::Holders { link, peers } => {
                let peers = peers.iter().map(|byte| peer(*byte)).collect();
                rig.hand(at(link), &FileFrame::Holders { root, peers });
            }
            Op::Bytes { link, bytes } => {
                let bytes: Rc<[u8]> = bytes.as_slice().into();
                rig.files.handle_message(&mut rig.cx, at(link), &bytes);
            }
        }
    }

    /// Holds everything against the rules. Gives what was sent to the honest one, and what the platform is to do.
    fn check(&mut self) -> Vec<Output> {
        let outputs = self.rig.outputs();
        for output in &outputs {
            if let Output::TransmitFile { link, bytes } = output {
                assert!(self.connected.contains(link), "sends where nothing is open");
                assert!(bytes.len() <= FILE_FRAME_BYTES_MAX);
                assert!(FileFrame::decode(bytes).is_ok());
            } else if let Output::WritePiece { piece, bytes, .. } = output {
                assert_eq!(*bytes, self.file.piece(*piece));
            }
        }
        for channel in self.rig.files.channels.values() {
            assert!(channel.asked.len() <= WINDOW_MAX && channel.requests.len() <= REQUESTS_MAX);
        }
        for holding in self.rig.files.holdings.values() {
            assert!(holding.writing.len() <= WRITES_MAX + WINDOW_MAX * self.connected.len());
            let asked = |piece: u32| {
                let mut channels = self.rig.files.channels.values();
                channels.any(|channel| channel.asks(holding.info.root, piece))
            };
            for piece in 0..PIECES {
                let is_busy = asked(piece) || holding.writing.contains_key(&piece);
                assert_eq!(holding.busy.contains(piece), is_busy, "piece {piece}");
            }
        }
        outputs
    }

    /// The honest one answers, and the platform does what it is asked for.
    fn answer(&mut self, outputs: Vec<Output>) {
        let (root, honest) = (self.root(), LinkId(HONEST.into()));
        for output in outputs {
            let (rig, file) = (&mut self.rig, &self.file);
            if let Output::WritePiece { piece, .. } = output {
                rig.files.handle_written(&mut rig.cx, root, piece, true);
            } else if let Output::ReadPiece { piece, .. } = output {
                let bytes = Some(file.piece(piece));
                rig.files.handle_read(&mut rig.cx, root, piece, Ok(bytes));
            } else if let Output::TransmitFile { link, bytes } = output {
                rig.files.handle_writable(&mut rig.cx, link);
                match FileFrame::decode(&bytes) {
                    _ if link != honest => {}
                    Ok(FileFrame::Ask { .. }) => {
                        let bytes = file.info.bytes;
                        let set = None;
                        rig.hand(link, &FileFrame::Pieces { root, bytes, set });
                    }
                    Ok(FileFrame::WantHashes { .. }) => rig.hash(link, file),
                    Ok(FileFrame::Want { pieces, .. }) => {
                        for piece in pieces {
                            rig.bring(link, file, piece, &file.piece(piece));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::sim::world::cases(60)))]

    #[test]
    fn whatever_happens_the_bounds_hold_and_an_honest_holder_makes_the_file_whole(
        ops in prop::collection::vec(op(), 0..120),
    ) {
        let (rig, connected) = (Rig::with(&[2, 3]), BTreeSet::from([LinkId(2), LinkId(3)]));
        let mut world = World { rig, file: file(), connected };
        for op in &ops {
            world.apply(op);
            world.check();
        }
        let violations = world.rig.words();
        let by_honest = crate::door::ToNet::Violation { link: LinkId(HONEST.into()) };
        prop_assert!(!violations.contains(&by_honest));
        // What was being written and read is done; then somebody comes who has all of it.
        for piece in 0..PIECES {
            world.apply(&Op::Written { piece, stored: true });
            world.apply(&Op::Read { piece, good: true });
        }
        world.apply(&Op::Connect(HONEST));
        world.apply(&Op::Fetch);
        let root = world.root();
        world.rig.hand(LinkId(HONEST.into()), &FileFrame::Holds { roots: vec![root] });
        for _ in 0..100 {
            let outputs = world.check();
            world.answer(outputs);
            world.rig.wait(1_000);
        }
        prop_assert!(world.rig.files.holdings.get(&root).unwrap().is_whole());
        let blamed = world.rig.words();
        prop_assert!(!blamed.contains(&by_honest), "{blamed:?}");
    }
}
