//! Files in a world: a channel with a bandwidth on every link, and the pieces that machines keep.

use std::{collections::BTreeMap, rc::Rc};

use shared::{FileId, MessageId};

use super::{Body, Happening, Life, Simulation, Who, wire};
use crate::{
    Node,
    config::{FILE_CHANNEL_LOW_BYTES, FILE_CHANNEL_WINDOW_BYTES, FILE_FRAME_BYTES_MAX, PIECE_BYTES},
    io::{Input, LinkId, Unreadable},
    model::{Event, FileInfo, FileProgress, FileState},
    pieces::{PieceHash, PieceHasher},
    wire::transfer::FileFrame,
};

/// What waits on the channel for files of one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Bytes that have not left.
    waiting: usize,
    /// When the last of them has left, in microseconds.
    busy_until: u64,
    /// How large the last message was.
    message: usize,
    /// Whether the sender's node is about to be told that little waits.
    tells: bool,
    /// What waits for the connection to carry again.
    held: Vec<Rc<[u8]>>,
}

/// What a machine keeps of files.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pub(crate) kept: BTreeMap<(FileId, u32), Vec<u8>>,
    /// How many it can keep.
    pub(crate) most: Option<usize>,
    /// Whether nothing can be read.
    pub(crate) fails: bool,
    /// How often pieces were read, and written.
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// Counts what the node asked for; what was asked for before a file was forgotten is not done.
    asked: u64,
    forgotten: BTreeMap<FileId, u64>,
}

/// How somebody deals with files who should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fraud {
    /// Sends other bytes.
    Garbage,
    /// Sends other hashes.
    FalseHashes,
    /// Sends nothing that was asked for.
    Silence,
    /// Says to have all pieces, whatever it has.
    Claims,
}

/// A file that is known to a world.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) info: FileInfo,
    pub(crate) hashes: Vec<PieceHash>,
    bytes: Rc<[u8]>,
}

#[derive(Debug)]
pub(super) enum Doing {
    Read {
        root: FileId,
        piece: u32,
    },
    Write {
        root: FileId,
        piece: u32,
        bytes: Vec<u8>,
        asked: u64,
    },
}

impl<B: Body> Simulation<B> {
    // --- the channel ---

    /// Sends a message on the channel for files, or what a fraud makes of it.
    pub(super) fn transmit_file(&mut self, who: Who, link: LinkId, bytes: Rc<[u8]>) {
        assert!(bytes.len() <= FILE_FRAME_BYTES_MAX);
        let bytes = match self.frauds.get(&who) {
            Some(fraud) => fraud.alter(&bytes),
            None => Some(bytes),
        };
        let Some(bytes) = bytes else {
            // The node believes that it was sent.
            let connection = self.end(who, link).connection.unwrap();
            let to = self.far_side(connection, (who, link));
            return self.tell_writable(connection, to);
        };
        let end = self.end(who, link);
        assert!(end.open, "transmits on a link that is not open");
        let connection = end.connection.unwrap();
        let to = self.far_side(connection, (who, link));
        let (now, rate) = (self.millis * 1_000, self.file_rate);
        let state = &mut self.net.connections[connection];
        let (delay, lane) = (state.delay, &mut state.files[to]);
        lane.waiting += bytes.len();
        lane.message = bytes.len();
        let bound = FILE_CHANNEL_LOW_BYTES + FILE_CHANNEL_WINDOW_BYTES + FILE_FRAME_BYTES_MAX;
        assert!(
            lane.waiting <= bound,
            "{who} puts too much into a channel: {}",
            lane.waiting
        );
        lane.busy_until = lane.busy_until.max(now) + bytes.len() as u64 * 1_000 / rate;
        let left = lane.busy_until.div_ceil(1_000) - self.millis;
        let length = bytes.len();
        self.file_bytes += length as u64;
        self.schedule_wire(left, wire::Happening::FileLeft { connection, to, length });
        self.schedule_wire(left + delay, wire::Happening::FileArrival { connection, to, bytes });
        self.tell_writable(connection, to);
    }

    /// For how long a message of the chat waits behind one for files, about as large as the last one: the two channels take turns.
    pub(super) fn behind_files(&self, connection: usize, to: usize) -> u64 {
        let lane = &self.net.connections[connection].files[to];
        let left = lane.busy_until.saturating_sub(self.millis * 1_000);
        left.min(lane.message as u64 * 1_000 / self.file_rate).div_ceil(1_000)
    }

    pub(super) fn happen_to_file(&mut self, happening: wire::Happening) {
        match happening {
            wire::Happening::FileLeft { connection, to, length } => {
                self.net.connections[connection].files[to].waiting -= length;
                self.tell_writable(connection, to);
            }
            wire::Happening::FileArrival { connection, to, bytes } => self.arrive_file(connection, to, bytes),
            wire::Happening::FileWritable { connection, to } => {
                let lane = &mut self.net.connections[connection].files[to];
                lane.tells = false;
                let (who, life, link) = self.net.connections[connection].sides[1 - to];
                let is_low = self.net.connections[connection].files[to].waiting <= FILE_CHANNEL_LOW_BYTES;
                let machine = &self.machines[who];
                let is_there = machine.life == life && machine.alive && machine.ends.contains_key(&link);
                if is_low && is_there && !machine.asleep {
                    self.input(who, Input::FileWritable { link });
                }
            }
            other => unreachable!("{other:?} is not about files"),
        }
    }

    fn tell_writable(&mut self, connection: usize, to: usize) {
        let lane = &mut self.net.connections[connection].files[to];
        if lane.waiting <= FILE_CHANNEL_LOW_BYTES && !std::mem::replace(&mut lane.tells, true) {
            self.schedule_wire(0, wire::Happening::FileWritable { connection, to });
        }
    }

    fn arrive_file(&mut self, connection: usize, to: usize, bytes: Rc<[u8]>) {
        let carries = self.carries(connection);
        let state = &mut self.net.connections[connection];
        let (who, life, link) = state.sides[to];
        let open = self.machines[who].ends.get(&link).is_some_and(|end| end.open);
        if !carries || !open || !state.files[to].held.is_empty() {
            state.files[to].held.push(bytes);
            return;
        }
        let later = |bytes| Happening::Wire(wire::Happening::FileArrival { connection, to, bytes });
        if let Some(bytes) = self.awake(who, life, bytes, later) {
            self.input(who, Input::FileFragment { link, bytes });
        }
    }

    pub(super) fn flush_held_files(&mut self, connection: usize, to: usize) {
        for bytes in std::mem::take(&mut self.net.connections[connection].files[to].held) {
            self.arrive_file(connection, to, bytes);
        }
    }

    // --- the disk ---

    pub(super) fn read_piece(&mut self, who: Who, root: FileId, piece: u32) {
        self.do_later(who, Doing::Read { root, piece });
    }

    pub(super) fn write_piece(&mut self, who: Who, root: FileId, piece: u32, bytes: Vec<u8>) {
        if let Some(content) = self.contents.get(&root) {
            let right = content.bytes.chunks(PIECE_BYTES).nth(piece as usize);
            assert_eq!(right, Some(bytes.as_slice()), "{who} stores a piece that is wrong");
        }
        let pieces = &mut self.machines[who].pieces;
        pieces.asked += 1;
        let asked = pieces.asked;
        self.do_later(
            who,
            Doing::Write {
                root,
                piece,
                bytes,
                asked,
            },
        );
    }

    pub(super) fn forget_file(&mut self, who: Who, root: FileId) {
        let pieces = &mut self.machines[who].pieces;
        pieces.forgotten.insert(root, pieces.asked);
        pieces.kept.retain(|(of, _), _| *of != root);
    }

    fn do_later(&mut self, who: Who, doing: Doing) {
        let (life, after) = (self.machines[who].life, self.chance(who, 1, 20));
        self.schedule(after, Happening::Piece { who, life, doing });
    }

    pub(super) fn on_piece_done(&mut self, who: Who, life: Life, doing: Doing) {
        let machine = &mut self.machines[who];
        if !machine.alive || machine.life != life {
            return;
        }
        let pieces = &mut machine.pieces;
        let input = match doing {
            Doing::Read { root, piece } => {
                pieces.reads += 1;
                let bytes = if pieces.fails {
                    Err(Unreadable)
                } else {
                    Ok(pieces.kept.get(&(root, piece)).cloned())
                };
                Input::PieceRead { root, piece, bytes }
            }
            Doing::Write {
                root,
                piece,
                bytes,
                asked,
            } => {
                if pieces.forgotten.get(&root).is_some_and(|before| asked <= *before) {
                    return;
                }
                let stored = pieces.most.is_none_or(|most| pieces.kept.len() < most);
                if stored {
                    pieces.writes += 1;
                    pieces.kept.insert((root, piece), bytes);
                }
                Input::PieceWritten { root, piece, stored }
            }
        };
        let from = who;
        self.happen(Happening::Input { from, who, life, input });
    }

    // --- what tests ask ---

    pub(crate) fn defraud(&mut self, who: Who, fraud: Fraud) {
        self.frauds.insert(who, fraud);
    }

    /// How a file stands with somebody, as they were told last.
    pub(crate) fn file(&self, who: Who, root: FileId) -> Option<FileProgress> {
        let mut events = self.machines[who].events.iter().rev();
        events.find_map(|(_, event)| match event {
            Event::File { info, progress } if info.root == root => Some(*progress),
            _ => None,
        })
    }

    pub(crate) fn has_whole(&self, who: Who, root: FileId) -> bool {
        self.file(who, root)
            .is_some_and(|progress| progress.state == FileState::Whole)
    }

    pub(crate) fn pieces_of(&self, who: Who, root: FileId) -> usize {
        self.machines[who]
            .pieces
            .kept
            .keys()
            .filter(|(of, _)| *of == root)
            .count()
    }
}

impl Simulation<Node> {
    /// A file of so many pieces, the last of which is short, that nobody else has.
    pub(crate) fn make_file(&mut self, pieces: usize) -> Content {
        let mut bytes = vec![0; pieces * PIECE_BYTES - PIECE_BYTES / 3];
        let seed = self.draw_bytes();
        blake3::Hasher::new_keyed(&seed).finalize_xof().fill(&mut bytes);
        let mut hasher = PieceHasher::new(bytes.len() as u64).unwrap();
        assert!(bytes.chunks(PIECE_BYTES).all(|piece| hasher.push(piece)));
        let (root, hashes) = hasher.finish().unwrap();
        let info = FileInfo {
            root,
            bytes: bytes.len() as u64,
            name: "film.webm".into(),
            media_type: "video/webm".into(),
        };
        let content = Content {
            info,
            hashes,
            bytes: bytes.into(),
        };
        self.contents.insert(root, content.clone());
        content
    }

    /// `who` takes a file in, and offers it.
    pub(crate) fn offer(&mut self, who: Who, content: &Content) -> MessageId {
        let (root, now) = (content.info.root, self.now_of(who));
        let pieces = content.bytes.chunks(PIECE_BYTES).zip(0..);
        let kept = pieces.map(|(bytes, piece)| ((root, piece), bytes.to_vec()));
        self.machines[who].pieces.kept.extend(kept);
        let offered = self.machines[who]
            .body
            .offer_file(now, content.info.clone(), content.hashes.clone());
        self.drain(who);
        offered.unwrap()
    }

    pub(crate) fn fetch(&mut self, who: Who, content: &Content) {
        let now = self.now_of(who);
        self.machines[who].body.fetch_file(now, content.info.clone()).unwrap();
        self.drain(who);
    }

    pub(crate) fn pause_file(&mut self, who: Who, content: &Content) {
        let now = self.now_of(who);
        self.machines[who].body.pause_file(now, content.info.root);
        self.drain(who);
    }

    pub(crate) fn cancel_file(&mut self, who: Who, content: &Content) {
        let now = self.now_of(who);
        self.machines[who].body.cancel_file(now, content.info.root);
        self.drain(who);
    }
}

impl Fraud {
    /// What it makes of a message, if it sends it at all.
    fn alter(self, bytes: &Rc<[u8]>) -> Option<Rc<[u8]>> {
        let frame = FileFrame::decode(bytes).unwrap();
        let altered = match (self, frame) {
            (Self::Silence, FileFrame::Data { .. } | FileFrame::Hashes { .. } | FileFrame::Lacks { .. }) => {
                return None;
            }
            (
                Self::Garbage,
                FileFrame::Data {
                    root,
                    piece,
                    offset,
                    bytes,
                },
            ) => {
                let other: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
                let bytes = other.as_slice().into();
                FileFrame::Data {
                    root,
                    piece,
                    offset,
                    bytes,
                }
                .encode()
            }
            (Self::FalseHashes, FileFrame::Hashes { root, from, hashes }) => {
                let other: Vec<u8> = hashes.iter().map(|byte| !byte).collect();
                let hashes = other.as_slice().into();
                FileFrame::Hashes { root, from, hashes }.encode()
            }
            (Self::Claims, FileFrame::Pieces { root, bytes, .. }) => {
                FileFrame::Pieces { root, bytes, set: None }.encode()
            }
            _ => return Some(Rc::clone(bytes)),
        };
        Some(altered.into())
    }
}
