//! Serving: what neighbors ask us for, in the order asked, as fast as their channels take it.

use std::rc::Rc;

use shared::FileId;

use super::{
    Files, Handled, Violation,
    channel::{Content, Request},
    holding::Holding,
};
use crate::{
    config::{HASHES_ANSWER_MAX, HASHES_PART_MAX, READ_AHEAD, READS_MAX, REQUESTS_MAX, TELL_HOLDS},
    context::Context,
    io::{Instant, LinkId, Output, Unreadable},
    wire::transfer::FileFrame,
};

/// What comes of the request that is first in line.
enum Step {
    /// Nothing can be sent now.
    Wait,
    /// It is done, and this is to be said.
    Lacks { root: FileId, pieces: Vec<u32> },
    /// A part of it was sent.
    Sent,
}

impl Files {
    // --- what we have ---

    /// Tells neighbors soon of what files we have something.
    pub(super) fn tell_soon(&mut self, now: Instant) {
        self.tell_at.get_or_insert(now + TELL_HOLDS);
    }

    /// Tells one neighbor, or all, of what files we have something. A newcomer hears nothing if there are none.
    pub(super) fn tell_holds(&mut self, cx: &mut Context, only: Option<LinkId>) {
        let held = self.holdings.iter().filter(|(_, holding)| holding.is_served());
        let roots: Vec<_> = held.map(|(root, _)| *root).collect();
        if only.is_some() && roots.is_empty() {
            return;
        }
        let frame = FileFrame::Holds { roots };
        let told = self
            .channels
            .iter_mut()
            .map(|(_, channel)| channel)
            .filter(|channel| only.is_none_or(|link| link == channel.link));
        for channel in told {
            channel.send(cx, &frame);
        }
    }

    /// A neighbor wants to know what we have of a file, from now on.
    pub(super) fn on_ask(&mut self, cx: &mut Context, link: LinkId, root: FileId) {
        let Some(holding) = self.holdings.get(&root) else {
            return;
        };
        let (bytes, set) = (holding.info.bytes, self.served(holding, cx.instant()));
        let set = set.as_deref().map(Into::into);
        let Some(channel) = self.channels.get_mut(&link) else {
            return;
        };
        channel.followed.insert(root, ());
        channel.send(cx, &FileFrame::Pieces { root, bytes, set });
    }

    /// What others can get of a file here, or nothing if that is all of it.
    fn served(&self, holding: &Holding, now: Instant) -> Option<Vec<u8>> {
        if holding.carried.is_some() {
            Some(self.carriable(holding, now))
        } else {
            holding.served()
        }
    }

    /// Tells all who want to know what we have of a file.
    pub(super) fn tell_pieces(&mut self, cx: &mut Context, root: FileId) {
        let Some(holding) = self.holdings.get(&root) else {
            return;
        };
        let (bytes, set) = (holding.info.bytes, self.served(holding, cx.instant()));
        let set = set.as_deref().map(Into::into);
        let frame = FileFrame::Pieces { root, bytes, set };
        for channel in self
            .channels
            .iter_mut()
            .map(|(_, channel)| channel)
            .filter(|channel| channel.followed.contains_key(&root))
        {
            channel.send(cx, &frame);
        }
    }

    // --- requests ---

    pub(super) fn on_want_hashes(&mut self, cx: &mut Context, link: LinkId, root: FileId, from: u32) -> Handled {
        let left = HASHES_ANSWER_MAX;
        self.push_requests(link, [Request::Hashes { root, from, left }])?;
        self.serve(cx, link);
        Ok(())
    }

    pub(super) fn on_want(&mut self, cx: &mut Context, link: LinkId, root: FileId, pieces: &[u32]) -> Handled {
        let request = |piece: &u32| Request::Piece {
            root,
            piece: *piece,
            content: Content::Unread,
        };
        self.push_requests(link, pieces.iter().map(request))?;
        self.serve(cx, link);
        Ok(())
    }

    fn push_requests(&mut self, link: LinkId, requests: impl IntoIterator<Item = Request>) -> Handled {
        let Some(channel) = self.channels.get_mut(&link) else {
            return Ok(());
        };
        for request in requests {
            if channel.requests.len() == REQUESTS_MAX {
                return Err(Violation);
            }
            channel.requests.push_back(request);
        }
        Ok(())
    }

    /// A neighbor wants some pieces no more.
    pub(super) fn on_cancel(&mut self, link: LinkId, root: FileId, pieces: &[u32]) {
        let Some(channel) = self.channels.get_mut(&link) else {
            return;
        };
        let is_cancelled = |request: &Request| match request {
            Request::Piece { root: of, piece, .. } => *of == root && pieces.contains(piece),
            Request::Hashes { .. } => false,
        };
        channel.requests.retain(|request| !is_cancelled(request));
    }

    /// Sends as much as a channel takes.
    pub(super) fn serve(&mut self, cx: &mut Context, link: LinkId) {
        loop {
            self.read_ahead(cx, link);
            self.fetch_ahead(cx, link, READ_AHEAD);
            match self.serve_next(cx, link) {
                Step::Wait => return,
                Step::Sent => {}
                Step::Lacks { root, pieces } => {
                    if let Some(channel) = self.channels.get_mut(&link) {
                        channel.requests.pop_front();
                        channel.send(cx, &FileFrame::Lacks { root, pieces });
                    }
                }
            }
        }
    }

    /// Has those pieces read that are sent next.
    fn read_ahead(&mut self, cx: &mut Context, link: LinkId) {
        let Some(channel) = self.channels.get_mut(&link) else {
            return;
        };
        for request in channel.requests.iter_mut().take(READ_AHEAD) {
            let Request::Piece { root, piece, content } = request else {
                continue;
            };
            let has_it = self
                .holdings
                .get(root)
                .is_some_and(|holding| holding.have.contains(*piece) && !holding.is_failing());
            let is_read = self.reading.contains_key(&(*root, *piece));
            if matches!(content, Content::Unread) && has_it && (is_read || self.reading.len() < READS_MAX) {
                *content = Content::Reading;
                if self.reading.insert((*root, *piece), ()).is_none() {
                    let (root, piece) = (*root, *piece);
                    cx.output(Output::ReadPiece { root, piece });
                }
            }
        }
    }

    /// Whether the piece that is first in line, and not read yet, may come.
    fn may_come(&self, now: Instant, link: LinkId) -> bool {
        let first = self.channels.get(&link).and_then(|channel| channel.requests.front());
        let Some(Request::Piece { root, piece, .. }) = first else {
            return false;
        };
        let holding = self.holdings.get(root);
        holding.is_some_and(|holding| holding.have.contains(*piece) && !holding.is_out_of_service())
            || self.may_carry(now, link, root, *piece)
    }

    fn serve_next(&mut self, cx: &mut Context, link: LinkId) -> Step {
        let may_come = self.may_come(cx.instant(), link);
        let Some(channel) = self.channels.get_mut(&link).filter(|channel| channel.takes_data()) else {
            return Step::Wait;
        };
        let block = channel.block();
        let (frame, is_done) = match channel.requests.front_mut() {
            None => return Step::Wait,
            Some(Request::Hashes { root, from, left }) => {
                let (root, first) = (*root, *from);
                let known = self.holdings.get(&root).filter(|holding| holding.has_hashes());
                let rest = known.and_then(|holding| holding.hashes().get(first as usize..));
                let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
                    let pieces = Vec::new();
                    return Step::Lacks { root, pieces };
                };
                let part = &rest[..rest.len().min(HASHES_PART_MAX).min(*left)];
                *from += u32::try_from(part.len()).unwrap_or(0);
                *left -= part.len();
                let is_done = *left == 0 || part.len() == rest.len();
                let hashes = part.as_flattened().into();
                let frame = FileFrame::Hashes {
                    root,
                    from: first,
                    hashes,
                };
                (frame.encode(), is_done)
            }
            Some(Request::Piece { root, piece, content }) => match content {
                Content::Reading => return Step::Wait,
                // Too much is being read for others, it is about to be tried again, or it is fetched for the peer.
                Content::Unread if may_come => return Step::Wait,
                Content::Unread => {
                    let (root, pieces) = (*root, vec![*piece]);
                    return Step::Lacks { root, pieces };
                }
                Content::Here { bytes, sent } => {
                    let (root, piece, bytes) = (*root, *piece, Rc::clone(bytes));
                    let part = &bytes[*sent..bytes.len().min(*sent + block)];
                    let offset = u32::try_from(*sent).unwrap_or(u32::MAX);
                    *sent += part.len();
                    let is_done = *sent == bytes.len();
                    let bytes = part.into();
                    (
                        FileFrame::Data {
                            root,
                            piece,
                            offset,
                            bytes,
                        }
                        .encode(),
                        is_done,
                    )
                }
            },
        };
        channel.send_encoded(cx, frame);
        if is_done {
            channel.requests.pop_front();
        }
        Step::Sent
    }

    /// The platform read a piece, or has it no more, or could not read it.
    pub(crate) fn handle_read(
        &mut self,
        cx: &mut Context,
        root: FileId,
        piece: u32,
        bytes: Result<Option<Vec<u8>>, Unreadable>,
    ) {
        if self.reading.remove(&(root, piece)).is_none() {
            return;
        }
        let Ok(bytes) = bytes else {
            return self.on_unreadable(cx, root, piece);
        };
        self.on_readable(cx, root);
        let holding = self
            .holdings
            .get_mut(&root)
            .filter(|holding| holding.have.contains(piece));
        let verified = holding.and_then(|holding| {
            let verified = bytes.filter(|bytes| holding.verifies(piece, bytes));
            if verified.is_none() {
                // Gone, or damaged: it is fetched again.
                holding.have.remove(piece);
                let now = cx.instant();
                let due = &mut holding.due;
                (due.store, due.tell, due.progress) = (Some(now), Some(now), Some(now));
            }
            verified
        });
        let here: Option<Rc<[u8]>> = verified.map(Rc::from);
        self.on_read(cx, root, piece, here.as_ref());
        if here.is_none() {
            self.keep(cx, root);
            self.ask_all(cx, root);
            self.settle(cx);
        }
        self.settle_channels(cx);
    }

    /// Goes on with all who wait for a piece, if it is here; else it is read again, or lacks.
    pub(super) fn on_read(&mut self, cx: &mut Context, root: FileId, piece: u32, here: Option<&Rc<[u8]>>) {
        for link in self.channels.keys().copied().collect::<Vec<_>>() {
            let Some(channel) = self.channels.get_mut(&link) else {
                continue;
            };
            for request in &mut channel.requests {
                if let Request::Piece {
                    root: of,
                    piece: number,
                    content,
                } = request
                    && (*of, *number) == (root, piece)
                    && matches!(content, Content::Reading)
                {
                    *content = match here {
                        Some(bytes) => Content::Here {
                            bytes: Rc::clone(bytes),
                            sent: 0,
                        },
                        None => Content::Unread,
                    };
                }
            }
            self.serve(cx, link);
        }
    }

    // --- what cannot be read ---

    /// A piece may be here, and could not be read: it stays, and whoever asked for it waits until it was tried again some times.
    fn on_unreadable(&mut self, cx: &mut Context, root: FileId, piece: u32) {
        let now = cx.instant();
        let Some(holding) = self.holdings.get_mut(&root) else {
            return self.on_read(cx, root, piece, None);
        };
        let was_served = !holding.is_out_of_service();
        holding.note_unreadable(now, piece);
        if was_served && holding.is_out_of_service() {
            (holding.due.tell, holding.due.progress) = (Some(now), Some(now));
            self.tell_soon(now);
        }
        self.on_read(cx, root, piece, None);
        self.settle(cx);
    }

    /// Something of a file could be read.
    fn on_readable(&mut self, cx: &mut Context, root: FileId) {
        let now = cx.instant();
        if let Some(holding) = self.holdings.get_mut(&root) {
            let was_served = !holding.is_out_of_service();
            if holding.note_readable() && !was_served {
                (holding.due.tell, holding.due.progress) = (Some(now), Some(now));
                self.tell_soon(now);
            }
        }
    }

    /// Tries again to read what could not be read, if it is time.
    pub(super) fn read_again(&mut self, cx: &mut Context, root: FileId) {
        let piece = self
            .holdings
            .get_mut(&root)
            .and_then(|holding| holding.try_again(cx.instant()));
        let Some(piece) = piece else { return };
        for (_, channel) in self.channels.iter_mut() {
            for request in channel.requests.iter_mut().take(READ_AHEAD) {
                if let Request::Piece {
                    root: of,
                    piece: number,
                    content: content @ Content::Unread,
                } = request
                    && (*of, *number) == (root, piece)
                {
                    *content = Content::Reading;
                }
            }
        }
        if self.reading.insert((root, piece), ()).is_none() {
            cx.output(Output::ReadPiece { root, piece });
        }
    }
}
