//! Fetching: who is asked for what, and what becomes of what comes.

use std::time::Duration;

use litemap::LiteMap;
use rand_core::Rng;
use shared::FileId;

use super::{
    Files, Handled, Violation,
    channel::{Channel, Source},
    holding::{Holding, List},
    set::PieceSet,
};
use crate::{
    config::{
        BLOCK_BYTES_MAX, CHOICE, FILES_MAX, HASHES_ANSWER_MAX, HASHES_PART_MAX, LACKED_MAX, LIAR_RESTS, PIECE_BYTES,
        STALLED_RESTS, STORE_PIECES, TELL_PIECES, WRITES_MAX,
    },
    context::Context,
    io::{Instant, LinkId, Output},
    order::by_number,
    pieces::{PieceHash, piece_bytes},
    wire::transfer::FileFrame,
};

impl Files {
    // --- what others have ---

    /// A neighbor says of what it has something.
    pub(super) fn on_holds(&mut self, cx: &mut Context, link: LinkId, roots: Vec<FileId>) -> Handled {
        if roots.len() > FILES_MAX {
            return Err(Violation);
        }
        let Some(channel) = self.channels.get_mut(&link) else {
            return Ok(());
        };
        channel.holds.clear();
        for root in roots {
            channel.holds.insert(root, ());
        }
        let gone = channel
            .sources
            .iter()
            // Who carried it and has it by now is asked anew.
            .filter(|(root, source)| source.carried == channel.holds.contains_key(root));
        for root in gone.map(|(root, _)| *root).collect::<Vec<_>>() {
            self.release(cx, link, root);
            if let Some(channel) = self.channels.get_mut(&link) {
                channel.sources.remove(&root);
            }
        }
        let asked = self.holdings.iter().filter(|(_, holding)| holding.is_asked_about());
        for root in asked.map(|(root, _)| *root).collect::<Vec<_>>() {
            self.ask(cx, link, root);
        }
        Ok(())
    }

    /// The files that are being fetched.
    pub(super) fn wanted(&self) -> impl Iterator<Item = FileId> {
        let wanted = self.holdings.iter().filter(|(_, holding)| holding.is_wanted());
        wanted.map(|(root, _)| *root)
    }

    /// Asks all neighbors who have something of a file what they have.
    pub(super) fn ask_all(&mut self, cx: &mut Context, root: FileId) {
        for link in self.channels.keys().copied().collect::<Vec<_>>() {
            self.ask(cx, link, root);
        }
    }

    fn ask(&mut self, cx: &mut Context, link: LinkId, root: FileId) {
        let (Some(channel), Some(holding)) = (self.channels.get_mut(&link), self.holdings.get(&root)) else {
            return;
        };
        let may_have = channel.holds.contains_key(&root) && !channel.sources.contains_key(&root);
        if may_have && holding.is_asked_about() && channel.takes_questions() {
            let set = PieceSet::none(holding.pieces());
            let (lacked, carried) = (0, false);
            channel.sources.insert(root, Source { set, lacked, carried });
            channel.send(cx, &FileFrame::Ask { root });
        }
    }

    /// A neighbor says what it has of a file.
    pub(super) fn on_pieces(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        root: FileId,
        bytes: u64,
        set: Option<&[u8]>,
    ) -> Handled {
        let (Some(channel), Some(holding)) = (self.channels.get_mut(&link), self.holdings.get_mut(&root)) else {
            return Ok(());
        };
        // Not asked any more.
        let Some(source) = channel.sources.get_mut(&root) else {
            return Ok(());
        };
        // Of another length it is another file, whoever is wrong: our offer may be.
        if bytes != holding.info.bytes {
            return Ok(());
        }
        source.set = match set {
            None => PieceSet::all(holding.pieces()),
            Some(set) => PieceSet::read(holding.pieces(), set).ok_or(Violation)?,
        };
        holding.due.progress.get_or_insert(cx.instant());
        if holding.carried.is_some() {
            holding.due.tell.get_or_insert(cx.instant());
        }
        Ok(())
    }

    // --- asking ---

    /// Asks every neighbor for as much as it may be asked for.
    pub(super) fn ask_for_pieces(&mut self, cx: &mut Context) {
        if !self.holdings.values().any(Holding::is_asked_about) {
            return;
        }
        for link in self.channels.keys().copied().collect::<Vec<_>>() {
            self.ask_for_hashes(cx, link);
            while let Some((root, pieces)) = self.choose_pieces(cx.instant(), link) {
                if let Some(channel) = self.channels.get_mut(&link) {
                    channel.send(cx, &FileFrame::Want { root, pieces });
                }
            }
        }
    }

    fn ask_for_hashes(&mut self, cx: &mut Context, link: LinkId) {
        let Some(channel) = self.channels.get_mut(&link).filter(|channel| channel.list.is_none()) else {
            return;
        };
        let now = cx.instant();
        for (root, holding) in self.holdings.iter_mut() {
            let lacks = holding.is_asked_about() && !holding.has_hashes() && holding.list.is_none();
            let source = channel.sources.get(root).filter(|source| !source.set.is_empty());
            if lacks && source.is_some() && !holding.rests(&channel.peer, now) {
                let until = HASHES_ANSWER_MAX.min(holding.pieces() as usize);
                let (from, hashes) = (link, Vec::new());
                holding.list = Some(List { from, hashes, until });
                if !channel.is_awaited() {
                    channel.note_heard(now);
                }
                channel.list = Some(*root);
                channel.send(cx, &FileFrame::WantHashes { root: *root, from: 0 });
                return;
            }
        }
    }

    /// The pieces of one file that a neighbor is to be asked for now. They count as asked for.
    fn choose_pieces(&mut self, now: Instant, link: LinkId) -> Option<(FileId, Vec<u32>)> {
        let writing: usize = self.holdings.values().map(|holding| holding.writing.len()).sum();
        let room = self.channels.get(&link)?.room();
        if room == 0 || writing >= WRITES_MAX {
            return None;
        }
        // The file that got least of late has its turn.
        let candidates = self
            .holdings
            .iter()
            .filter(|(_, holding)| holding.is_wanted() && holding.has_hashes());
        let roots: Vec<_> = candidates.map(|(root, holding)| (*root, holding.asked())).collect();
        by_number(roots, |(_, asked)| *asked as u128)
            .into_iter()
            .find_map(|(root, _)| {
                let mut pieces = Vec::new();
                while pieces.len() < room
                    && let Some(piece) = self.choose_piece(now, link, root)
                {
                    self.holdings.get_mut(&root)?.ask(now, piece);
                    self.channels.get_mut(&link)?.note_asked(now, root, piece);
                    pieces.push(piece);
                }
                (!pieces.is_empty()).then_some((root, pieces))
            })
    }

    /// The rarest of some pieces that a neighbor has and we neither have nor asked for. If there is none, one that another is slow with.
    fn choose_piece(&mut self, now: Instant, link: LinkId, root: FileId) -> Option<u32> {
        let (channel, holding) = (self.channels.get(&link)?, self.holdings.get(&root)?);
        let source = channel
            .sources
            .get(&root)
            .filter(|_| !holding.rests(&channel.peer, now))?;
        let from = self.rng.next_u32() % holding.pieces().max(1);
        let some = source.set.without([&holding.have, &holding.busy], from, CHOICE);
        let sources = || self.channels.values().filter_map(|channel| channel.sources.get(&root));
        let rarity = |piece: &u32| sources().filter(|source| source.set.contains(*piece)).count();
        let rarest = some.into_iter().min_by_key(rarity);
        rarest.or_else(|| {
            let mut late = holding.late(now).into_iter();
            late.find(|piece| source.set.contains(*piece) && !channel.asks(root, *piece))
        })
    }

    // --- what comes ---

    /// Hashes came.
    pub(super) fn on_hashes(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        root: FileId,
        from: u32,
        hashes: &[u8],
    ) -> Handled {
        let (parts, rest) = hashes.as_chunks::<32>();
        if !rest.is_empty() || parts.is_empty() || parts.len() > HASHES_PART_MAX {
            return Err(Violation);
        }
        let (Some(channel), Some(holding)) = (self.channels.get_mut(&link), self.holdings.get_mut(&root)) else {
            return Ok(());
        };
        let pieces = holding.pieces() as usize;
        // Else it was asked for before it was paused, say.
        let awaited = |list: &&mut List| list.from == link && list.hashes.len() == from as usize;
        let Some(list) = holding.list.as_mut().filter(awaited) else {
            return Ok(());
        };
        if list.hashes.len() + parts.len() > list.until {
            return Err(Violation);
        }
        list.hashes.extend_from_slice(parts);
        channel.note_heard(cx.instant());
        if list.hashes.len() < list.until {
            return Ok(());
        }
        if list.until < pieces {
            list.until = (list.until + HASHES_ANSWER_MAX).min(pieces);
            let from = u32::try_from(list.hashes.len()).map_err(|_| Violation)?;
            channel.send(cx, &FileFrame::WantHashes { root, from });
            return Ok(());
        }
        channel.list = None;
        let hashes: Vec<PieceHash> = holding.list.take().map(|list| list.hashes).unwrap_or_default();
        if !holding.set_hashes(hashes) {
            self.rest(cx, link, root, LIAR_RESTS);
            return Err(Violation);
        }
        if holding.carried.is_some() {
            holding.due.tell = Some(cx.instant());
        } else {
            self.keep_hashes(cx, root);
        }
        Ok(())
    }

    /// A part of a piece came.
    pub(super) fn on_data(
        &mut self,
        cx: &mut Context,
        link: LinkId,
        root: FileId,
        piece: u32,
        offset: u32,
        bytes: &[u8],
    ) -> Handled {
        let Some(channel) = self.channels.get_mut(&link) else {
            return Ok(());
        };
        if bytes.is_empty() || bytes.len() > BLOCK_BYTES_MAX {
            return Err(Violation);
        }
        let holding = self.holdings.get(&root).filter(|_| channel.asks(root, piece));
        let Some(length) = holding.map(|holding| piece_bytes(holding.info.bytes, piece)) else {
            return channel.was_late(bytes.len()).then_some(()).ok_or(Violation);
        };
        let mut come = match channel.incoming.take() {
            Some((coming, number, come)) if (coming, number) == (root, piece) => come,
            // Parts of one piece stay together, unless it was cancelled before it was asked for again.
            Some((other, number, come)) if channel.asks(other, number) && !channel.was_late(come.len()) => {
                return Err(Violation);
            }
            _ => Vec::with_capacity(length),
        };
        // Of a piece that was cancelled and is asked for again, parts may come twice.
        if offset == 0 && !come.is_empty() && channel.was_late(come.len()) {
            come.clear();
        }
        if offset as usize != come.len() || come.len() + bytes.len() > length {
            channel.incoming = (!come.is_empty()).then_some((root, piece, come));
            return channel.was_late(bytes.len()).then_some(()).ok_or(Violation);
        }
        come.extend_from_slice(bytes);
        channel.note_heard(cx.instant());
        if come.len() < length {
            channel.incoming = Some((root, piece, come));
            return Ok(());
        }
        channel.note_come(cx.instant(), root, piece);
        let handled = self.on_piece(cx, link, root, piece, come);
        self.settle(cx);
        handled
    }

    /// A piece has come.
    fn on_piece(&mut self, cx: &mut Context, link: LinkId, root: FileId, piece: u32, bytes: Vec<u8>) -> Handled {
        let Some(holding) = self.holdings.get_mut(&root) else {
            return Ok(());
        };
        holding.unask(piece);
        if !holding.verifies(piece, &bytes) {
            // All of it is by one peer, who has verified it before, or should have.
            self.rest(cx, link, root, LIAR_RESTS);
            return Err(Violation);
        }
        if holding.carried.is_some() {
            self.on_read(cx, root, piece, Some(&bytes.into()));
            return Ok(());
        }
        holding.begin_writing(piece);
        let length = bytes.len();
        for (_, channel) in self.channels.iter_mut() {
            if channel.unask(root, piece, length) {
                holding.unask(piece);
                let pieces = vec![piece];
                channel.send(cx, &FileFrame::Cancel { root, pieces });
            }
        }
        cx.output(Output::WritePiece { root, piece, bytes });
        Ok(())
    }

    /// The platform stored a piece, or could not.
    pub(crate) fn handle_written(&mut self, cx: &mut Context, root: FileId, piece: u32, stored: bool) {
        let now = cx.instant();
        let Some(holding) = self.holdings.get_mut(&root) else {
            return;
        };
        if !holding.end_writing(piece) {
            return;
        }
        if stored {
            let is_first = holding.have.is_empty();
            holding.have.insert(piece);
            let due = &mut holding.due;
            due.progress.get_or_insert(now);
            due.store.get_or_insert(now + STORE_PIECES);
            let last = due.told.map_or(now, |told| told + TELL_PIECES);
            due.tell.get_or_insert(last.max(now));
            let is_whole = holding.is_whole();
            if is_whole {
                self.keep(cx, root);
            }
            if is_first {
                self.tell_soon(now);
            }
        } else {
            holding.no_room = true;
            holding.due.progress.get_or_insert(now);
            self.stop_asking(cx, root);
        }
        self.settle(cx);
    }

    /// A neighbor has not what it was asked for.
    pub(super) fn on_lacks(&mut self, cx: &mut Context, link: LinkId, root: FileId, pieces: &[u32]) {
        let (Some(channel), Some(holding)) = (self.channels.get_mut(&link), self.holdings.get_mut(&root)) else {
            return;
        };
        let Some(source) = channel.sources.get_mut(&root) else {
            return;
        };
        if pieces.is_empty() {
            source.lacked += 1;
        }
        for piece in pieces {
            source.set.remove(*piece);
            if channel
                .asked
                .iter()
                .any(|asked| (asked.root, asked.piece) == (root, *piece))
            {
                source.lacked += 1;
            }
        }
        let lacked = source.lacked;
        for piece in pieces {
            // Nothing of it is on its way.
            if channel.unask(root, *piece, 0) {
                holding.unask(*piece);
            }
        }
        channel.note_heard(cx.instant());
        if pieces.is_empty() || lacked > LACKED_MAX {
            self.rest(cx, link, root, STALLED_RESTS);
        }
    }

    // --- the end of asking ---

    /// A neighbor is not asked for a file for a while.
    pub(super) fn rest(&mut self, cx: &mut Context, link: LinkId, root: FileId, pause: Duration) {
        let (Some(channel), Some(holding)) = (self.channels.get_mut(&link), self.holdings.get_mut(&root)) else {
            return;
        };
        holding.rest(channel.peer, cx.instant() + pause);
        holding.due.progress.get_or_insert(cx.instant());
        if let Some(source) = channel.sources.get_mut(&root) {
            source.lacked = 0;
        }
        self.release(cx, link, root);
    }

    /// Nothing of a file is asked for any more.
    pub(super) fn stop_asking(&mut self, cx: &mut Context, root: FileId) {
        for link in self.channels.keys().copied().collect::<Vec<_>>() {
            self.release(cx, link, root);
        }
    }

    /// A neighbor is not asked for anything of a file any more; what it was asked for, others may be.
    pub(super) fn release(&mut self, cx: &mut Context, link: LinkId, root: FileId) {
        let (Some(channel), Some(holding)) = (self.channels.get_mut(&link), self.holdings.get_mut(&root)) else {
            return;
        };
        if channel.list.take_if(|list| *list == root).is_some() {
            holding.list = None;
        }
        let asked = channel.asked.iter().filter(|asked| asked.root == root);
        let pieces: Vec<_> = asked.map(|asked| asked.piece).collect();
        for piece in &pieces {
            channel.unask(root, *piece, PIECE_BYTES);
            holding.unask(*piece);
        }
        if !pieces.is_empty() {
            channel.send(cx, &FileFrame::Cancel { root, pieces });
        }
    }

    /// A neighbor keeps us waiting: others are asked instead, for everything.
    pub(super) fn on_stalled(&mut self, cx: &mut Context, link: LinkId) {
        let Some(channel) = self.channels.get(&link) else {
            return;
        };
        let mut roots: LiteMap<FileId, ()> = LiteMap::new();
        for root in channel.asked.iter().map(|asked| asked.root).chain(channel.list) {
            roots.insert(root, ());
        }
        for root in roots.into_iter().map(|(root, ())| root) {
            self.rest(cx, link, root, STALLED_RESTS);
        }
    }

    /// Whether a neighbor has something of a file that we lack, and may be asked.
    pub(super) fn is_useful(channel: &Channel, holding: &Holding, now: Instant) -> bool {
        let source = channel.sources.get(&holding.info.root);
        let source = source.filter(|_| !holding.rests(&channel.peer, now));
        source.is_some_and(|source| !source.set.without([&holding.have, &holding.have], 0, 1).is_empty())
    }
}
