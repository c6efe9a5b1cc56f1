//! What is remembered of files from visit to visit: which they are, the hashes of their pieces, and which pieces are stored.
//!
//! Invariant: a piece that is said to be stored was stored; the set may lag behind by [`STORE_PIECES`](crate::config::STORE_PIECES) where the program
//! ends without leaving, and then the lacking ones are fetched again.

use shared::FileId;

use super::{Files, dropped, holding::Holding, set::PieceSet};
use crate::{
    config::{DROPPED_MAX, FILES_MAX},
    context::Context,
    io::Priority,
    model::FileInfo,
    pieces::pieces_in,
    wire::{
        codec::decode,
        stored::{Key, StoredFile, Wish, intact},
    },
};

impl Files {
    /// Goes on with the files of former visits. What is damaged is left out, and fetched again if it can be.
    pub(crate) fn restore(&mut self, cx: &mut Context, records: Vec<(Vec<u8>, Vec<u8>)>) {
        let mut parts = Vec::new();
        for (key, value) in &records {
            let (Some(key), Some(value)) = (Key::read(key), intact(value)) else {
                continue;
            };
            if let Key::File { root } = key {
                let stored: Option<StoredFile> = decode(value).ok();
                let stored = stored.filter(|stored| stored.info.root == root && stored.info.is_valid());
                if let Some(stored) = stored.as_ref().filter(|stored| stored.wish == Wish::Drop) {
                    // Without this the app would fetch it again where it does so unasked.
                    self.dropped.insert(root, ());
                    cx.event(dropped(stored.info.clone()));
                    continue;
                }
                if let Some(stored) = stored.filter(|_| self.holdings.len() < FILES_MAX) {
                    self.holdings.insert(root, recall(stored));
                }
            } else {
                parts.push((key, value));
            }
        }
        for (key, value) in parts {
            match key {
                Key::Hashes { root } => {
                    if let (Some(holding), (hashes, [])) = (self.holdings.get_mut(&root), value.as_chunks::<32>()) {
                        holding.set_hashes(hashes.to_vec());
                    }
                }
                Key::Pieces { root } => {
                    if let Some(holding) = self.holdings.get_mut(&root).filter(|holding| !holding.is_whole()) {
                        let set = PieceSet::read(pieces_in(holding.info.bytes), value);
                        holding.have = set.unwrap_or_else(|| PieceSet::none(pieces_in(holding.info.bytes)));
                    }
                }
                Key::Entry { .. }
                | Key::Feed { .. }
                | Key::Name { .. }
                | Key::Head
                | Key::Whisper { .. }
                | Key::Fate { .. }
                | Key::File { .. }
                | Key::Setting { .. }
                | Key::Retention => {}
            }
        }
        for (_, holding) in self.holdings.iter_mut() {
            if !holding.has_hashes() {
                // What cannot be verified cannot be served.
                holding.have = PieceSet::none(holding.pieces());
            }
            holding.due.progress = Some(cx.instant());
        }
        self.settle(cx);
    }

    /// Who offered files that are being fetched may have them still.
    pub(crate) fn note_offers(&mut self, cx: &Context, offers: impl Iterator<Item = (FileId, shared::PeerId)>) {
        for (root, peer) in offers.filter(|(_, peer)| *peer != self.me) {
            if let Some(holding) = self.holdings.get_mut(&root) {
                holding.note_candidate(peer, cx.instant());
            }
        }
    }

    /// Keeps what is wanted of a file and what of it is stored.
    pub(super) fn keep(&mut self, cx: &mut Context, root: FileId) {
        let Some(holding) = self.holdings.get_mut(&root) else {
            return;
        };
        holding.due.store = None;
        let whole = holding.is_whole();
        let (info, wish, by) = (holding.info.clone(), holding.wish, holding.by);
        let change = if whole {
            Key::Pieces { root }.forget()
        } else {
            Key::Pieces { root }.keep_bytes(&holding.have.to_bytes())
        };
        cx.store(Priority::Soon, change);
        cx.store(
            Priority::Soon,
            Key::File { root }.keep(&StoredFile { info, wish, whole, by }),
        );
    }

    /// Keeps the hashes of a file's pieces, unless they follow from the file.
    pub(super) fn keep_hashes(&mut self, cx: &mut Context, root: FileId) {
        if let Some(holding) = self.holdings.get(&root).filter(|holding| holding.pieces() > 1) {
            let change = Key::Hashes { root }.keep_bytes(holding.hashes().as_flattened());
            cx.store(Priority::Soon, change);
        }
    }

    /// The program ends: what is stored is not fetched again at the next visit.
    pub(crate) fn handle_leaving(&mut self, cx: &mut Context) {
        let due = self.holdings.iter().filter(|(_, holding)| holding.due.store.is_some());
        for root in due.map(|(root, _)| *root).collect::<Vec<_>>() {
            self.keep(cx, root);
        }
    }

    /// Keeps that the person dropped a file.
    pub(super) fn note_dropped(&mut self, cx: &mut Context, info: &FileInfo) {
        let root = info.root;
        if self.dropped.len() == DROPPED_MAX
            && let Some((first, ())) = self.dropped.first().map(|(root, ())| (*root, ()))
        {
            self.dropped.remove(&first);
            cx.store(Priority::Soon, Key::File { root: first }.forget());
        }
        self.dropped.insert(root, ());
        let (info, wish, whole, by) = (info.clone(), Wish::Drop, false, None);
        cx.store(
            Priority::Soon,
            Key::File { root }.keep(&StoredFile { info, wish, whole, by }),
        );
    }

    /// Keeps nothing of a file any longer.
    pub(super) fn forget(&mut self, cx: &mut Context, root: FileId) {
        for key in [Key::File { root }, Key::Hashes { root }, Key::Pieces { root }] {
            cx.store(Priority::Soon, key.forget());
        }
    }
}

fn recall(stored: StoredFile) -> Holding {
    let mut holding = Holding::new(stored.info, stored.wish);
    holding.by = stored.by;
    if stored.whole {
        holding.have = PieceSet::all(holding.pieces());
    }
    holding
}
