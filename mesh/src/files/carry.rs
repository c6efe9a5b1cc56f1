//! Carrying: a file goes through a common neighbor where two cannot connect, as whispers do.
//!
//! Whoever fetches a file and gets no link to its holders asks a neighbor who named one of them to carry it. That neighbor asks the holders for what it is
//! asked for, verifies each piece like any other, passes it on, and keeps nothing: a *carried* holding is neither stored nor told to the app or to other
//! neighbors. So whoever sends garbage is known here, too, and nobody is blamed for another.
//!
//! Bounds: [`CARRIED_MAX`] files are carried, [`CARRIED_PIECES_PER_SECOND`] pieces of all of them together, and a file as long as it is asked for; one more
//! is not carried, and whoever asked asks again later. The pieces in memory are those that any link has.

use shared::{FileId, PeerId};

use super::{
    Files, Handled, Violation,
    channel::{Channel, Content, Request, Source},
    holding::Holding,
    set::PieceSet,
};
use crate::{
    config::{CARRIED_FOR, CARRIED_MAX, FILE_BYTES_MAX, SEEK_HOLDERS},
    context::Context,
    io::{Instant, LinkId},
    model::FileInfo,
    pieces::pieces_in,
    wire::{stored::Wish, transfer::FileFrame},
};

impl Files {
    // --- having a file carried ---

    /// Asks somebody who named a holder to carry a file, if no holder can be reached.
    pub(super) fn ask_to_carry(&mut self, cx: &mut Context, root: FileId) {
        let now = cx.instant();
        let asks = |holding: &&mut Holding| holding.unreached && now >= holding.due.carry;
        let Some(holding) = self.holdings.get_mut(&root).filter(asks) else {
            return;
        };
        holding.due.carry = now + SEEK_HOLDERS;
        let bytes = holding.info.bytes;
        for (_, channel) in self.channels.iter_mut() {
            let knows_one = channel.named.contains_key(&root) && !holding.rests(&channel.peer, now);
            if knows_one && channel.takes_questions() {
                let (set, lacked, carried) = (PieceSet::none(pieces_in(bytes)), 0, true);
                channel.sources.entry(root).or_insert(Source { set, lacked, carried });
                channel.send(cx, &FileFrame::Carry { root, bytes });
            }
        }
    }

    /// A link that was to be made for files has not come about: whoever is at its other end cannot be reached.
    pub(super) fn note_unreached(&mut self, peer: &PeerId) {
        if self.neighbors.values().any(|neighbor| neighbor == peer) {
            return;
        }
        for (_, holding) in self.holdings.iter_mut() {
            if holding.candidates.contains_key(peer) {
                holding.unreached = true;
            }
        }
    }

    /// Who carries a file for us, if all of it comes through others.
    pub(super) fn through(&self, holding: &Holding, now: Instant) -> Option<PeerId> {
        let mut useful = self
            .channels
            .values()
            .filter(|channel| Self::is_useful(channel, holding, now));
        let first = useful.next()?;
        let is_carried = |channel: &Channel| {
            let source = channel.sources.get(&holding.info.root);
            source.is_some_and(|source| source.carried)
        };
        (is_carried(first) && useful.all(is_carried)).then_some(first.peer)
    }

    // --- carrying ---

    /// A file that was carried is ours from now on.
    pub(super) fn stop_carrying(&mut self, cx: &mut Context, root: FileId) {
        if self
            .holdings
            .get(&root)
            .is_some_and(|holding| holding.carried.is_some())
        {
            self.remove(cx, root);
            for link in self.channels.keys().copied().collect::<Vec<_>>() {
                self.serve(cx, link);
            }
        }
    }

    /// A neighbor cannot reach those who have a file.
    pub(super) fn on_carry(&mut self, cx: &mut Context, link: LinkId, root: FileId, bytes: u64) -> Handled {
        if bytes == 0 || bytes > FILE_BYTES_MAX {
            return Err(Violation);
        }
        let until = cx.instant() + CARRIED_FOR;
        if let Some(holding) = self.holdings.get_mut(&root) {
            if holding.carried.is_some() {
                holding.carried = Some(until);
            }
        } else {
            let mut others = self.channels.values().filter(|channel| channel.link != link);
            let has_holder = others.any(|channel| channel.holds.contains_key(&root));
            let carried = self.holdings.values().filter(|holding| holding.carried.is_some());
            if !has_holder || carried.count() == CARRIED_MAX {
                return Ok(());
            }
            let (name, media_type) = (String::new(), String::new());
            let info = FileInfo {
                root,
                bytes,
                name,
                media_type,
            };
            let mut holding = Holding::new(info, Wish::Pause);
            holding.carried = Some(until);
            self.holdings.insert(root, holding);
            self.ask_all(cx, root);
        }
        self.on_ask(cx, link, root);
        Ok(())
    }

    /// What can be carried of a file: what neighbors have, once it can be verified.
    pub(super) fn carriable(&self, holding: &Holding, now: Instant) -> Vec<u8> {
        let mut all = PieceSet::none(holding.pieces());
        if holding.has_hashes() {
            let sources = self
                .channels
                .values()
                .filter(|channel| !holding.rests(&channel.peer, now));
            for source in sources.filter_map(|channel| channel.sources.get(&holding.info.root)) {
                all.insert_all(&source.set);
            }
        }
        all.to_bytes()
    }

    /// Asks for those pieces of carried files that are sent next on a link.
    pub(super) fn fetch_ahead(&mut self, cx: &mut Context, link: LinkId, most: usize) {
        let now = cx.instant();
        let wanted: Vec<_> = self.channels.get(&link).map_or_else(Vec::new, |channel| {
            let next = channel.requests.iter().take(most).filter_map(|request| match request {
                Request::Piece {
                    root,
                    piece,
                    content: Content::Unread | Content::Reading,
                } => Some((*root, *piece)),
                Request::Piece { .. } | Request::Hashes { .. } => None,
            });
            next.collect()
        });
        for (root, piece) in wanted {
            let Some(holding) = self.holdings.get_mut(&root).filter(|holding| holding.carried.is_some()) else {
                continue;
            };
            holding.carried = Some(now + CARRIED_FOR);
            // Another link asks for it, too, or it is on its way already.
            let mut is_coming = holding.busy.contains(piece);
            if !is_coming && holding.has_hashes() {
                let source = self.channels.iter_mut().map(|(_, channel)| channel).find(|channel| {
                    let source = channel.sources.get(&root).filter(|source| !source.carried);
                    let has_it = source.is_some_and(|source| source.set.contains(piece));
                    channel.link != link && has_it && channel.room() > 0 && !holding.rests(&channel.peer, now)
                });
                if let Some(source) = source
                    && self.carrying.take(now)
                {
                    holding.ask(now, piece);
                    source.note_asked(now, root, piece);
                    source.send(
                        cx,
                        &FileFrame::Want {
                            root,
                            pieces: vec![piece],
                        },
                    );
                    is_coming = true;
                }
            }
            self.mark(link, (root, piece), is_coming);
        }
    }

    fn mark(&mut self, link: LinkId, wanted: (FileId, u32), is_coming: bool) {
        let requests = self.channels.get_mut(&link).map(|channel| &mut channel.requests);
        for request in requests.into_iter().flatten() {
            if let Request::Piece {
                root,
                piece,
                content: content @ (Content::Unread | Content::Reading),
            } = request
                && (*root, *piece) == wanted
            {
                *content = if is_coming { Content::Reading } else { Content::Unread };
            }
        }
    }

    /// Whether a piece of a carried file may come yet.
    pub(super) fn may_carry(&self, now: Instant, link: LinkId, root: &FileId, piece: u32) -> bool {
        self.holdings.get(root).is_some_and(|holding| holding.carried.is_some())
            && self.channels.values().any(|channel| {
                let source = channel.sources.get(root).filter(|source| !source.carried);
                let is_asked = self
                    .holdings
                    .get(root)
                    .is_some_and(|holding| !holding.rests(&channel.peer, now));
                channel.link != link && is_asked && source.is_some_and(|source| source.set.contains(piece))
            })
    }

    /// Whoever goes on later asks anew.
    fn tell_carried_is_over(&mut self, cx: &mut Context, root: FileId) {
        let Some(bytes) = self.holdings.get(&root).map(|holding| holding.info.bytes) else {
            return;
        };
        let none = PieceSet::none(pieces_in(bytes)).to_bytes();
        let set = Some(none.as_slice().into());
        let frame = FileFrame::Pieces { root, bytes, set };
        for (_, channel) in self.channels.iter_mut() {
            if channel.followed.contains_key(&root) {
                channel.send(cx, &frame);
            }
        }
    }

    /// Goes on with what is carried, and ends what nobody asks for any more.
    pub(super) fn look_at_carried(&mut self, cx: &mut Context) {
        let now = cx.instant();
        let carried = self
            .holdings
            .iter()
            .filter_map(|(root, holding)| Some((*root, holding.carried?)));
        let carried: Vec<_> = carried.collect();
        if carried.is_empty() {
            return;
        }
        for (root, until) in carried {
            if now >= until {
                self.tell_carried_is_over(cx, root);
                self.remove(cx, root);
            }
        }
        for link in self.channels.keys().copied().collect::<Vec<_>>() {
            self.serve(cx, link);
        }
    }
}
