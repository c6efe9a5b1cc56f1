//! The channel for files of one link: what waits to be sent on it, what its peer has and was asked for, and what its peer asked for.
//!
//! Flow control: at most [`FILE_CHANNEL_WINDOW_BYTES`] are handed to the driver before it says that little waits. Frames go before pieces. A channel that
//! takes that much quickly gets larger parts of pieces.
//!
//! Bounds: [`FILE_FRAMES_WAITING_MAX`] frames wait; a peer that takes fewer has a *stuck* channel, which is used no more. [`REQUESTS_MAX`] requests of the
//! peer wait; more are a violation. Of its pieces, [`READ_AHEAD`] are in memory, and of ours that come one.

use std::{collections::VecDeque, rc::Rc};

use litemap::LiteMap;
use shared::{FileId, PeerId};

use super::set::PieceSet;
use crate::{
    bucket::Bucket,
    config::{
        BLOCK_BYTES, BLOCK_BYTES_MAX, FAST_WITHIN, FILE_CHANNEL_WINDOW_BYTES, FILE_FRAMES_BURST,
        FILE_FRAMES_PER_SECOND, FILE_FRAMES_WAITING_MAX, LATE_BYTES_MAX, PIECE_TIMEOUT, STALL, WINDOW_GROWS_BELOW,
        WINDOW_MAX, WINDOW_MIN, WINDOW_SHRINKS_ABOVE,
    },
    context::Context,
    io::{Instant, LinkId, Output},
    wire::transfer::FileFrame,
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) link: LinkId,
    pub(crate) peer: PeerId,
    /// How much may still be handed to the driver.
    credit: usize,
    /// Since when the driver has been taking what it was handed.
    taking_since: Instant,
    /// How much of a piece goes into one message.
    block: usize,
    waiting: VecDeque<Rc<[u8]>>,
    pub(crate) is_stuck: bool,
    /// The frames besides pieces that the peer may send.
    pub(crate) frames: Bucket,
    /// Of what the peer says to have something.
    pub(crate) holds: LiteMap<FileId, ()>,
    /// What it has of the files that we asked about.
    pub(crate) sources: LiteMap<FileId, Source>,
    /// Of which files it named holders that are no neighbors of ours.
    pub(crate) named: LiteMap<FileId, ()>,
    /// Which files it was asked about who else has them.
    pub(crate) sought: LiteMap<FileId, ()>,
    /// The pieces that it was asked for, in that order.
    pub(crate) asked: VecDeque<Asked>,
    /// The file whose hashes it was asked for.
    pub(crate) list: Option<FileId>,
    /// The piece that is coming, and what of it is here.
    pub(crate) incoming: Option<(FileId, u32, Vec<u8>)>,
    /// Since when nothing has come that was asked for.
    heard: Instant,
    /// How many pieces it is asked for at once.
    window: usize,
    /// How many bytes may still come that we cancelled.
    late: u64,
    /// The files of which it wants to know what we have.
    pub(crate) followed: LiteMap<FileId, ()>,
    /// What it asked for, in that order.
    pub(crate) requests: VecDeque<Request>,
}

/// What a peer has of a file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) set: PieceSet,
    /// How often it lacked what it told to have.
    pub(crate) lacked: u32,
    /// Whether it has nothing itself, and fetches from others what it is asked for.
    pub(crate) carried: bool,
}

/// A piece that the peer was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) root: FileId,
    pub(crate) piece: u32,
    at: Instant,
}

/// What the peer asked for.
#[derive(Debug)]
pub(crate) enum Request {
    /// Hashes from this piece on, so many.
    Hashes {
        root: FileId,
        from: u32,
        left: usize,
    },
    Piece {
        root: FileId,
        piece: u32,
        content: Content,
    },
}

/// A piece that the peer asked for.
#[derive(Debug)]
pub(crate) enum Content {
    /// Not read yet.
    Unread,
    /// The platform was asked for it.
    Reading,
    /// It was verified, and is sent up to there.
    Here { bytes: Rc<[u8]>, sent: usize },
}

impl Channel {
    pub(crate) fn new(link: LinkId, peer: PeerId, now: Instant) -> Self {
        Self {
            link,
            peer,
            credit: FILE_CHANNEL_WINDOW_BYTES,
            taking_since: now,
            block: BLOCK_BYTES,
            waiting: VecDeque::new(),
            is_stuck: false,
            frames: Bucket::per_second(FILE_FRAMES_PER_SECOND, FILE_FRAMES_BURST),
            holds: LiteMap::new(),
            sources: LiteMap::new(),
            named: LiteMap::new(),
            sought: LiteMap::new(),
            asked: VecDeque::new(),
            list: None,
            incoming: None,
            heard: now,
            window: WINDOW_MIN,
            late: 0,
            followed: LiteMap::new(),
            requests: VecDeque::new(),
        }
    }

    // --- sending ---

    /// Sends a frame, after those that wait.
    pub(crate) fn send(&mut self, cx: &mut Context, frame: &FileFrame<'_>) {
        if self.waiting.len() == FILE_FRAMES_WAITING_MAX {
            self.is_stuck = true;
        }
        if !self.is_stuck {
            self.waiting.push_back(frame.encode().into());
            self.flush(cx);
        }
    }

    /// Sends a part of what the peer asked for, which the driver takes: see [`Channel::takes_data`].
    pub(crate) fn send_encoded(&mut self, cx: &mut Context, bytes: Vec<u8>) {
        self.waiting.push_back(bytes.into());
        self.flush(cx);
    }

    /// Little waits in the driver.
    pub(crate) fn handle_writable(&mut self, cx: &mut Context) {
        let took = cx.instant().since(self.taking_since);
        // How long a part of it took says nothing.
        if self.credit == 0 {
            self.block = if took < FAST_WITHIN {
                BLOCK_BYTES_MAX
            } else {
                BLOCK_BYTES
            };
        }
        self.credit = FILE_CHANNEL_WINDOW_BYTES;
        self.flush(cx);
    }

    /// Whether there is room for a question that may as well wait for the next look. One that is sending a piece takes nothing meanwhile, and many
    /// questions at once would make it look stuck.
    pub(crate) fn takes_questions(&self) -> bool {
        self.waiting.len() < FILE_FRAMES_WAITING_MAX / 2
    }

    /// Whether the driver takes a part of a piece now.
    pub(crate) fn takes_data(&self) -> bool {
        self.credit > 0 && self.waiting.is_empty() && !self.is_stuck
    }

    /// How much of a piece goes into one message.
    pub(crate) fn block(&self) -> usize {
        self.block
    }

    fn flush(&mut self, cx: &mut Context) {
        while self.credit > 0
            && let Some(bytes) = self.waiting.pop_front()
        {
            if self.credit == FILE_CHANNEL_WINDOW_BYTES {
                self.taking_since = cx.instant();
            }
            self.credit = self.credit.saturating_sub(bytes.len());
            let link = self.link;
            cx.output(Output::TransmitFile { link, bytes });
        }
    }

    /// What the peer wants of a file is on its way no more.
    pub(crate) fn give_up(&mut self, root: FileId) {
        for request in &mut self.requests {
            if let Request::Piece {
                root: of,
                content: content @ Content::Reading,
                ..
            } = request
                && *of == root
            {
                *content = Content::Unread;
            }
        }
    }

    // --- asking ---

    /// How many more pieces it may be asked for.
    pub(crate) fn room(&self) -> usize {
        self.window.saturating_sub(self.asked.len())
    }

    /// Whether it was asked for something that has not come.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.asked.is_empty() || self.list.is_some()
    }

    /// Something that was asked for came, or nothing was asked for until now.
    pub(crate) fn note_heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// It is asked for a piece.
    pub(crate) fn note_asked(&mut self, now: Instant, root: FileId, piece: u32) {
        if !self.is_awaited() {
            self.heard = now;
        }
        self.asked.push_back(Asked { root, piece, at: now });
    }

    pub(crate) fn asks(&self, root: FileId, piece: u32) -> bool {
        self.asked
            .iter()
            .any(|asked| (asked.root, asked.piece) == (root, piece))
    }

    /// A piece is asked for no longer. `bytes`: its length. Gives it back if it was asked for; what was on its way of it may still come.
    pub(crate) fn unask(&mut self, root: FileId, piece: u32, bytes: usize) -> bool {
        let place = self
            .asked
            .iter()
            .position(|asked| (asked.root, asked.piece) == (root, piece));
        let Some(place) = place else { return false };
        self.asked.remove(place);
        let is_coming = |(coming, number, _): &mut (FileId, u32, Vec<u8>)| (*coming, *number) == (root, piece);
        let come = self.incoming.take_if(is_coming).map_or(0, |(_, _, come)| come.len());
        self.late = (self.late + (bytes.saturating_sub(come)) as u64).min(LATE_BYTES_MAX);
        true
    }

    /// Something came that is not asked for. Says whether it may be what was cancelled.
    pub(crate) fn was_late(&mut self, bytes: usize) -> bool {
        let left = self.late.checked_sub(bytes as u64);
        self.late = left.unwrap_or(0);
        left.is_some()
    }

    /// A piece has come: the window follows how long that took.
    pub(crate) fn note_come(&mut self, now: Instant, root: FileId, piece: u32) {
        let place = self
            .asked
            .iter()
            .position(|asked| (asked.root, asked.piece) == (root, piece));
        let Some(asked) = place.and_then(|place| self.asked.remove(place)) else {
            return;
        };
        let took = now.since(asked.at);
        if took < WINDOW_GROWS_BELOW {
            self.window = (self.window + 1).min(WINDOW_MAX);
        } else if took > WINDOW_SHRINKS_ABOVE {
            self.window = (self.window - 1).max(WINDOW_MIN);
        }
    }

    /// Whether the peer has kept us waiting for too long.
    pub(crate) fn stalls(&self, now: Instant) -> bool {
        let is_slow = self
            .asked
            .front()
            .is_some_and(|front| now.since(front.at) >= PIECE_TIMEOUT * self.window_factor());
        self.is_awaited() && (now.since(self.heard) >= STALL || is_slow)
    }

    /// A piece waits behind those that were asked for before it.
    fn window_factor(&self) -> u32 {
        u32::try_from(self.window).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{BLOCK_BYTES, PIECE_BYTES};

    const ROOT: FileId = FileId::from_bytes([7; 32]);

    fn channel(cx: &Context) -> Channel {
        Channel::new(LinkId(1), PeerId::from_bytes([2; 32]), cx.instant())
    }

    fn sent(cx: &mut Context) -> usize {
        cx.outputs().len()
    }

    #[test]
    fn no_more_is_handed_over_than_the_window_until_little_waits() {
        let mut cx = Context::test(1);
        let mut channel = channel(&cx);
        let block = [1; BLOCK_BYTES];
        let bytes = block.as_slice().into();
        let frame = FileFrame::Data {
            root: ROOT,
            piece: 0,
            offset: 0,
            bytes,
        };
        for _ in 0..FILE_FRAMES_WAITING_MAX {
            channel.send(&mut cx, &frame);
        }
        let fits = FILE_CHANNEL_WINDOW_BYTES.div_ceil(frame.encode().len());
        assert_eq!(sent(&mut cx), fits);
        assert!(!channel.takes_data());
        channel.handle_writable(&mut cx);
        assert_eq!(sent(&mut cx), fits);
    }

    #[test]
    fn a_channel_that_takes_much_quickly_gets_larger_parts() {
        let mut cx = Context::test(1);
        let mut channel = channel(&cx);
        assert_eq!(channel.block(), BLOCK_BYTES);
        let mut block_after = |bytes: usize, took: Duration| {
            channel.send_encoded(&mut cx, vec![0; bytes]);
            cx.wait(u64::try_from(took.as_millis()).unwrap());
            channel.handle_writable(&mut cx);
            channel.block()
        };
        let brief = FAST_WITHIN / 2;
        assert_eq!(block_after(1, Duration::ZERO), BLOCK_BYTES, "too little to tell");
        assert_eq!(block_after(FILE_CHANNEL_WINDOW_BYTES, brief), BLOCK_BYTES_MAX);
        assert_eq!(block_after(1, 2 * FAST_WITHIN), BLOCK_BYTES_MAX, "too little to tell");
        assert_eq!(block_after(FILE_CHANNEL_WINDOW_BYTES, FAST_WITHIN), BLOCK_BYTES);
    }

    #[test]
    fn a_peer_that_takes_nothing_has_its_channel_used_no_more() {
        let mut cx = Context::test(1);
        let mut channel = channel(&cx);
        channel.credit = 0;
        for _ in 0..FILE_FRAMES_WAITING_MAX {
            channel.send(&mut cx, &FileFrame::Ask { root: ROOT });
        }
        assert!(!channel.is_stuck);
        channel.send(&mut cx, &FileFrame::Ask { root: ROOT });
        assert!(channel.is_stuck && channel.waiting.len() == FILE_FRAMES_WAITING_MAX);
    }

    #[test]
    fn the_window_follows_how_long_pieces_take() {
        let cx = Context::test(1);
        let mut channel = channel(&cx);
        let mut come = |after: Duration| {
            channel.note_asked(cx.instant(), ROOT, 0);
            channel.note_come(cx.instant() + after, ROOT, 0);
            channel.window
        };
        assert_eq!(come(Duration::from_millis(999)), WINDOW_MIN + 1);
        assert_eq!(come(Duration::from_millis(1_000)), WINDOW_MIN + 1);
        assert_eq!(come(Duration::from_millis(4_001)), WINDOW_MIN);
        assert_eq!(come(Duration::from_millis(9_000)), WINDOW_MIN);
        assert_eq!((0..50).map(|_| come(Duration::ZERO)).max(), Some(WINDOW_MAX));
    }

    #[test]
    fn a_peer_stalls_that_sends_nothing_for_too_long_of_what_it_was_asked_for() {
        let cx = Context::test(1);
        let mut channel = channel(&cx);
        let at = |millis| cx.instant() + Duration::from_millis(millis);
        assert!(!channel.stalls(at(100_000)), "nothing was asked");
        channel.note_asked(at(50_000), ROOT, 0);
        assert!(!channel.stalls(at(59_999)) && channel.stalls(at(60_000)));
        channel.note_heard(at(59_000));
        assert!(!channel.stalls(at(60_000)));
        // A little now and then is not enough for ever.
        channel.note_heard(at(170_000));
        assert!(!channel.stalls(at(169_999)) && channel.stalls(at(170_000)));
    }

    #[test]
    fn what_was_cancelled_may_come_late_and_nothing_else() {
        let cx = Context::test(1);
        let mut channel = channel(&cx);
        assert!(!channel.was_late(1));
        channel.note_asked(cx.instant(), ROOT, 3);
        channel.incoming = Some((ROOT, 3, vec![0; BLOCK_BYTES]));
        assert!(channel.unask(ROOT, 3, PIECE_BYTES) && !channel.unask(ROOT, 3, PIECE_BYTES));
        assert_eq!(channel.incoming, None);
        assert!(channel.was_late(PIECE_BYTES - BLOCK_BYTES));
        assert!(!channel.was_late(1));
    }
}
