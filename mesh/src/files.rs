//! Files: pieces of them move between neighbors until everybody who wants a file has it. A layer beside the room: nothing of it passes through
//! others, and it works without a word of the room's.
//!
//! A node holds a file whole or in part, and tells its neighbors so. Who fetches a file asks those neighbors what they have, then for pieces,
//! the rarest first, a few at a time from each; a piece is verified by its hash before it counts, stored, and served to others from then on. So
//! the more people fetch a file, the more have it, and it stays when who offered it leaves. The model is BitTorrent's (Cohen, *Incentives Build
//! Robustness in BitTorrent*, 2003).
//!
//! Owns the [holdings](holding), one a file, and the [channels](channel), one a link; both are changed only here: `fetch.rs` asks and takes,
//! `serve.rs` answers, `seek.rs` finds who has a file, `upkeep.rs` does what is due, `remember.rs` stores.
//!
//! Invariants: a piece that fails its hash is never stored and never served; nothing is sent that was not asked for; what a bad holder does costs
//! its own link and the pieces it was asked for, which others are asked for instead; no link that the mesh wants makes room for one of a file.
//!
//! Deviations from BitTorrent: nobody is choked, for rooms are small and people in them know each other; there is no tracker, but neighbors
//! say who else has a file, two hops far.

mod carry;
mod channel;
mod fetch;
pub(crate) mod holding;
mod remember;
mod seek;
mod serve;
mod set;
mod upkeep;

use std::{collections::VecDeque, rc::Rc};

use chacha20::ChaCha20Rng;
use litemap::LiteMap;
use shared::{FileId, PeerId};

use self::{channel::Channel, holding::Holding};
use crate::{
    bucket::Bucket,
    config::{CARRIED_PIECES_PER_SECOND, EARLY_CHANNELS_MAX, EARLY_MESSAGES_MAX, FILES_MAX},
    context::Context,
    door::{ToNet, ToRoom},
    io::{Instant, LinkId, Output},
    model::{Event, FileError, FileInfo, FileProgress, FileState},
    pieces::{PieceHash, pieces_in, root_of},
    random::{Stream, stream},
    wire::{codec::DecodeError, stored::Wish, transfer::FileFrame},
};

/// A peer sent what it should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Violation;

type Handled = Result<(), Violation>;

/// That nothing of a file is here any more.
fn dropped(info: FileInfo) -> Event {
    let progress = FileProgress {
        state: FileState::Offered,
        pieces_have: 0,
        pieces: pieces_in(info.bytes),
        bytes_have: 0,
        sources: 0,
        through: None,
    };
    Event::File { info, progress }
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Files {
    me: PeerId,
    rng: ChaCha20Rng,
    holdings: LiteMap<FileId, Holding>,
    /// What the person dropped. It is in no holding.
    dropped: LiteMap<FileId, ()>,
    channels: LiteMap<LinkId, Channel>,
    /// Who is at the other end of which link.
    neighbors: LiteMap<LinkId, PeerId>,
    /// Channels whose peers said no hello yet, and what came on them.
    early: VecDeque<(LinkId, Vec<Rc<[u8]>>)>,
    /// Pieces that the platform was asked for.
    reading: LiteMap<(FileId, u32), ()>,
    /// The pieces that may be carried for neighbors.
    carrying: Bucket,
    /// Links that the net was asked for, and until when they may take to open.
    links: LiteMap<PeerId, Instant>,
    /// When neighbors are told of what files we have something.
    tell_at: Option<Instant>,
    /// When what is under way was looked at last.
    looked: Instant,
    to_net: VecDeque<ToNet>,
}

impl Files {
    pub(crate) fn new(me: PeerId, seed: [u8; 32]) -> Self {
        Self {
            me,
            rng: stream(seed, Stream::Files),
            holdings: LiteMap::new(),
            dropped: LiteMap::new(),
            channels: LiteMap::new(),
            neighbors: LiteMap::new(),
            early: VecDeque::new(),
            reading: LiteMap::new(),
            carrying: Bucket::per_second(CARRIED_PIECES_PER_SECOND, CARRIED_PIECES_PER_SECOND),
            links: LiteMap::new(),
            tell_at: None,
            looked: Instant::default(),
            to_net: VecDeque::new(),
        }
    }

    /// What is next to be told to the net.
    pub(crate) fn poll_event(&mut self) -> Option<ToNet> {
        self.to_net.pop_front()
    }

    // --- commands ---

    /// Whether there is room for this file.
    pub(crate) fn has_room_for(&self, root: &FileId) -> bool {
        let ours = self.holdings.values().filter(|holding| holding.carried.is_none());
        ours.count() < FILES_MAX || self.holdings.contains_key(root)
    }

    /// Serves a file from now on that is here whole.
    pub(crate) fn offer(&mut self, cx: &mut Context, info: FileInfo, hashes: Vec<PieceHash>) {
        let root = info.root;
        // Perhaps it was being fetched.
        self.stop_asking(cx, root);
        self.stop_carrying(cx, root);
        let mut holding = Holding::new(info, Wish::Fetch);
        holding.by = Some(self.me);
        let is_it = holding.set_hashes(hashes);
        debug_assert!(is_it, "invariant: the hashes of an offer were checked");
        holding.have = set::PieceSet::all(holding.pieces());
        (holding.due.progress, holding.due.tell) = (Some(cx.instant()), Some(cx.instant()));
        self.holdings.insert(root, holding);
        self.dropped.remove(&root);
        self.keep_hashes(cx, root);
        self.keep(cx, root);
        self.tell_soon(cx.instant());
        self.settle(cx);
    }

    /// Fetches a file, or goes on with it. `offered_by`: who says to have it.
    pub(crate) fn fetch(
        &mut self,
        cx: &mut Context,
        info: FileInfo,
        offered_by: impl Iterator<Item = PeerId>,
    ) -> Result<(), FileError> {
        let (root, mut offered_by) = (info.root, offered_by.peekable());
        if !self.has_room_for(&root) {
            return Err(FileError::TooMany);
        }
        self.stop_carrying(cx, root);
        if info.bytes == 0 && root_of(0, &[]) != Some(root) {
            return Err(FileError::False);
        }
        if let Some(holding) = self
            .holdings
            .get(&root)
            .filter(|holding| holding.info.bytes != info.bytes)
        {
            if holding.is_proven() {
                return Err(FileError::False);
            }
            // Either offer may be the false one: the person chooses.
            self.remove(cx, root);
            self.forget(cx, root);
            cx.output(Output::ForgetFile { root });
        }
        self.dropped.remove(&root);
        if !self.holdings.contains_key(&root) {
            let mut holding = Holding::new(info, Wish::Fetch);
            holding.by = offered_by.peek().copied();
            self.holdings.insert(root, holding);
        }
        let now = cx.instant();
        if let Some(holding) = self.holdings.get_mut(&root) {
            (holding.wish, holding.no_room, holding.due.progress) = (Wish::Fetch, false, Some(now));
            for peer in offered_by.filter(|peer| *peer != self.me) {
                holding.note_candidate(peer, now);
            }
        }
        self.keep(cx, root);
        self.ask_all(cx, root);
        self.looked = now;
        self.look_for(cx, root);
        self.settle(cx);
        Ok(())
    }

    /// Fetches no more of a file for now.
    pub(crate) fn pause(&mut self, cx: &mut Context, root: FileId) {
        let Some(holding) = self.holdings.get_mut(&root).filter(|holding| holding.carried.is_none()) else {
            return;
        };
        if !holding.is_whole() {
            (holding.wish, holding.due.progress) = (Wish::Pause, Some(cx.instant()));
            self.stop_asking(cx, root);
            self.keep(cx, root);
            self.settle(cx);
        }
    }

    /// Drops a file.
    pub(crate) fn cancel(&mut self, cx: &mut Context, root: FileId) {
        let ours = self.holdings.get(&root).filter(|holding| holding.carried.is_none());
        let Some(info) = ours.map(|holding| holding.info.clone()) else {
            return;
        };
        self.remove(cx, root);
        self.forget(cx, root);
        cx.output(Output::ForgetFile { root });
        self.tell_soon(cx.instant());
        self.note_dropped(cx, &info);
        cx.event(dropped(info));
        self.settle(cx);
    }

    /// Nobody offers a file any more, and the last who did deleted that: it goes if it is here by their offer.
    pub(crate) fn withdraw(&mut self, cx: &mut Context, root: FileId, author: PeerId) {
        if self
            .holdings
            .get(&root)
            .is_some_and(|holding| holding.by == Some(author))
        {
            self.cancel(cx, root);
        }
    }

    /// Takes a file out of everything that is under way.
    fn remove(&mut self, cx: &mut Context, root: FileId) {
        self.stop_asking(cx, root);
        self.holdings.remove(&root);
        for (_, channel) in self.channels.iter_mut() {
            channel.sources.remove(&root);
            channel.sought.remove(&root);
            channel.named.remove(&root);
            channel.followed.remove(&root);
            channel.give_up(root);
        }
    }

    // --- links ---

    /// A word of the net to the room.
    pub(crate) fn handle_net(&mut self, cx: &mut Context, word: &ToRoom) {
        match word {
            ToRoom::NeighborUp { link, peer, .. } => {
                self.neighbors.insert(*link, *peer);
                if let Some(place) = self.early.iter().position(|(early, _)| early == link) {
                    let messages = self.early.remove(place).map(|(_, messages)| messages);
                    self.on_up(cx, *link, *peer, messages.unwrap_or_default());
                }
            }
            ToRoom::NeighborDown { link } | ToRoom::LinkClosed { link } => {
                self.neighbors.remove(link);
                self.early.retain(|(early, _)| early != link);
                self.on_down(cx, *link);
            }
            ToRoom::LinkState { .. }
            | ToRoom::NeighborTrouble { .. }
            | ToRoom::Digests { .. }
            | ToRoom::RoundTrip { .. }
            | ToRoom::Left { .. }
            | ToRoom::Lost { .. }
            | ToRoom::Route { .. }
            | ToRoom::Registered(_)
            | ToRoom::Superseded
            | ToRoom::ServerClock { .. }
            | ToRoom::Closed { .. } => {}
        }
    }

    /// The channel of a link is open.
    pub(crate) fn handle_open(&mut self, cx: &mut Context, link: LinkId) {
        if let Some(peer) = self.neighbors.get(&link).copied() {
            self.on_up(cx, link, peer, Vec::new());
        } else if self.early.iter().all(|(early, _)| *early != link) {
            if self.early.len() == EARLY_CHANNELS_MAX {
                self.early.pop_front();
            }
            self.early.push_back((link, Vec::new()));
        }
    }

    fn on_up(&mut self, cx: &mut Context, link: LinkId, peer: PeerId, messages: Vec<Rc<[u8]>>) {
        if self.channels.contains_key(&link) {
            return;
        }
        self.channels.insert(link, Channel::new(link, peer, cx.instant()));
        self.tell_holds(cx, Some(link));
        for (_, holding) in self.holdings.iter_mut() {
            holding.due.seek = cx.instant();
        }
        for bytes in messages {
            self.handle_message(cx, link, &bytes);
        }
        self.settle(cx);
    }

    /// The channel carries nothing any more: others are asked for what it was asked for.
    fn on_down(&mut self, cx: &mut Context, link: LinkId) {
        let Some(channel) = self.channels.remove(&link) else {
            return;
        };
        for asked in &channel.asked {
            if let Some(holding) = self.holdings.get_mut(&asked.root) {
                holding.unask(asked.piece);
            }
        }
        for (root, holding) in self.holdings.iter_mut() {
            holding.list.take_if(|list| list.from == link);
            if channel.sources.contains_key(root) {
                holding.due.progress.get_or_insert(cx.instant());
            }
        }
        self.settle(cx);
    }

    /// A message arrived on a channel.
    pub(crate) fn handle_message(&mut self, cx: &mut Context, link: LinkId, bytes: &Rc<[u8]>) {
        let Some(channel) = self.channels.get_mut(&link) else {
            // What comes before the hello, which takes another way, waits for it.
            let early = self.early.iter_mut().find(|(early, _)| *early == link);
            if let Some((_, messages)) = early.filter(|(_, messages)| messages.len() < EARLY_MESSAGES_MAX) {
                messages.push(Rc::clone(bytes));
            }
            return;
        };
        let frame = FileFrame::decode(bytes);
        let is_data = matches!(frame, Ok(FileFrame::Data { .. }));
        let handled = match frame {
            Err(DecodeError::Unknown) => {
                cx.counters.frames_unknown += 1;
                Ok(())
            }
            Err(_) => Err(Violation),
            Ok(_) if !is_data && !channel.frames.take(cx.instant()) => Err(Violation),
            Ok(frame) => self.handle_frame(cx, link, frame),
        };
        if handled.is_err() {
            self.to_net.push_back(ToNet::Violation { link });
        }
    }

    fn handle_frame(&mut self, cx: &mut Context, link: LinkId, frame: FileFrame<'_>) -> Handled {
        match frame {
            FileFrame::Data {
                root,
                piece,
                offset,
                bytes,
            } => {
                return self.on_data(cx, link, root, piece, offset, bytes);
            }
            FileFrame::Holds { roots } => self.on_holds(cx, link, roots)?,
            FileFrame::Ask { root } => self.on_ask(cx, link, root),
            FileFrame::Pieces { root, bytes, set } => self.on_pieces(cx, link, root, bytes, set.map(|set| &**set))?,
            FileFrame::WantHashes { root, from } => self.on_want_hashes(cx, link, root, from)?,
            FileFrame::Hashes { root, from, hashes } => self.on_hashes(cx, link, root, from, hashes)?,
            FileFrame::Want { root, pieces } => self.on_want(cx, link, root, &pieces)?,
            FileFrame::Cancel { root, pieces } => self.on_cancel(link, root, &pieces),
            FileFrame::Lacks { root, pieces } => self.on_lacks(cx, link, root, &pieces),
            FileFrame::Seek { root } => self.on_seek(cx, link, root),
            FileFrame::Carry { root, bytes } => self.on_carry(cx, link, root, bytes)?,
            FileFrame::Holders { root, peers } => self.on_holders(cx, link, root, &peers)?,
        }
        self.settle(cx);
        Ok(())
    }

    /// Little waits in a channel.
    pub(crate) fn handle_writable(&mut self, cx: &mut Context, link: LinkId) {
        if let Some(channel) = self.channels.get_mut(&link) {
            channel.handle_writable(cx);
            self.serve(cx, link);
            self.settle_channels(cx);
        }
    }

    /// After whatever happened: asks for what can be asked for now, gives up channels that are stuck, and tells the app.
    fn settle(&mut self, cx: &mut Context) {
        self.ask_for_pieces(cx);
        self.settle_channels(cx);
        self.tell_progress(cx);
    }

    fn settle_channels(&mut self, cx: &mut Context) {
        let stuck = self.channels.values().find(|channel| channel.is_stuck);
        if let Some(link) = stuck.map(|channel| channel.link) {
            // Until the link is another, files take other ways.
            self.on_down(cx, link);
        }
    }
}

#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;
