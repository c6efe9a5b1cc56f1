//! One file that is fetched, kept or offered here: what of it is here, what is under way, and who is not to be asked for it.
//!
//! Invariants: a piece counts only once it was verified and is stored; a piece that is asked for or being stored is *busy*, and only a piece that
//! a holder is slow with is asked for twice; hashes are known all or not at all.

use litemap::LiteMap;
use shared::PeerId;

use super::set::PieceSet;
use crate::{
    config::{
        ASKED_TWICE, ENDGAME_AFTER, FILE_CANDIDATES_MAX, PIECE_BYTES, READ_RETRY, READ_RETRY_MAX, READ_TRIES,
        RESTING_MAX,
    },
    io::{Instant, LinkId},
    model::{FileInfo, FileProgress},
    order::by_number,
    pieces::{PieceHash, pieces_in, root_of},
    wire::stored::Wish,
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) info: FileInfo,
    pub(crate) wish: Wish,
    /// By whose offer it is here, if that is known.
    pub(crate) by: Option<PeerId>,
    /// Until when it is carried for neighbors, if it is not ours but only that: see [`carry`](super::carry).
    pub(crate) carried: Option<Instant>,
    /// Whether somebody who is said to have it could not be reached.
    pub(crate) unreached: bool,
    /// Verified and stored.
    pub(crate) have: PieceSet,
    /// Asked for, or being stored.
    pub(crate) busy: PieceSet,
    /// Of all pieces, or none.
    hashes: Vec<PieceHash>,
    /// The hashes that are being fetched.
    pub(crate) list: Option<List>,
    asked: LiteMap<u32, Asked>,
    pub(crate) writing: LiteMap<u32, ()>,
    /// Whether the platform keeps no more.
    pub(crate) no_room: bool,
    /// Since the platform could not read a piece, until it can.
    unreadable: Option<Failing>,
    /// Who is not asked until then.
    resting: LiteMap<PeerId, Instant>,
    /// Who is said to have some of it, and when a link with them may be tried.
    pub(crate) candidates: LiteMap<PeerId, Instant>,
    pub(crate) due: Due,
    /// What the app was told last, and when.
    pub(crate) told: Option<(FileProgress, Instant)>,
}

/// When what is to be done with a file, if anything.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// Neighbors are asked who else has it.
    pub(crate) seek: Instant,
    /// They are asked to carry it.
    pub(crate) carry: Instant,
    /// Followers are told what is here.
    pub(crate) tell: Option<Instant>,
    /// When followers were told last.
    pub(crate) told: Option<Instant>,
    /// What is here is stored.
    pub(crate) store: Option<Instant>,
    /// The app is told.
    pub(crate) progress: Option<Instant>,
}

/// A file of which a piece could not be read.
#[derive(Debug, Clone, Copy)]
struct Failing {
    /// The piece that is tried again.
    piece: u32,
    failures: u32,
    /// When; nothing while it is being tried.
    again: Option<Instant>,
}

/// A piece that is asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// How many holders are asked.
    holders: u8,
    since: Instant,
}

/// The hashes of pieces as they come from one holder.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) from: LinkId,
    pub(crate) hashes: Vec<PieceHash>,
    /// How many there are once the present request is answered.
    pub(crate) until: usize,
}

impl Holding {
    /// A file of which nothing is here.
    pub(crate) fn new(info: FileInfo, wish: Wish) -> Self {
        let pieces = pieces_in(info.bytes);
        // The hash of an only piece is the root.
        let hashes = if pieces == 1 {
            vec![*info.root.as_bytes()]
        } else {
            Vec::new()
        };
        Self {
            info,
            wish,
            by: None,
            carried: None,
            unreached: false,
            have: PieceSet::none(pieces),
            busy: PieceSet::none(pieces),
            hashes,
            list: None,
            asked: LiteMap::new(),
            writing: LiteMap::new(),
            no_room: false,
            unreadable: None,
            resting: LiteMap::new(),
            candidates: LiteMap::new(),
            due: Due::default(),
            told: None,
        }
    }

    pub(crate) fn pieces(&self) -> u32 {
        pieces_in(self.info.bytes)
    }

    // --- hashes ---

    pub(crate) fn has_hashes(&self) -> bool {
        self.hashes.len() == self.pieces() as usize
    }

    pub(crate) fn hashes(&self) -> &[PieceHash] {
        &self.hashes
    }

    /// Takes the hashes of all pieces. Says whether they are that.
    pub(crate) fn set_hashes(&mut self, hashes: Vec<PieceHash>) -> bool {
        let is_it = root_of(self.info.bytes, &hashes) == Some(self.info.root);
        if is_it {
            self.hashes = hashes;
        }
        is_it
    }

    /// Whether a piece is what it should be.
    pub(crate) fn verifies(&self, piece: u32, content: &[u8]) -> bool {
        let bytes = self.info.bytes;
        let has_length = !content.is_empty() && content.len() == crate::pieces::piece_bytes(bytes, piece);
        let expected = self.hashes.get(piece as usize);
        has_length && expected.is_some_and(|hash| *hash == crate::pieces::hash_of(bytes, piece, content))
    }

    // --- what is here ---

    pub(crate) fn is_whole(&self) -> bool {
        self.have.is_all()
    }

    /// Whether what is here shows that the file is as long as its offer says: only the last piece has another length if that is wrong.
    pub(crate) fn is_proven(&self) -> bool {
        self.pieces().checked_sub(1).is_none_or(|last| self.have.contains(last))
    }

    /// Whether neighbors are asked what they have of it.
    pub(crate) fn is_asked_about(&self) -> bool {
        self.is_wanted() || self.carried.is_some()
    }

    /// Whether there is something to be asked for.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wish == Wish::Fetch && !self.is_whole() && !self.no_room
    }

    pub(crate) fn bytes_have(&self) -> u64 {
        let whole = u64::from(self.have.len()) * PIECE_BYTES as u64;
        let last = self.pieces().saturating_sub(1);
        let lacks_of_last = u64::from(self.pieces()) * PIECE_BYTES as u64 - self.info.bytes;
        if self.have.contains(last) {
            whole - lacks_of_last
        } else {
            whole
        }
    }

    // --- what can be read ---

    /// What others can get of it, or nothing if that is all of it.
    pub(crate) fn served(&self) -> Option<Vec<u8>> {
        if self.is_out_of_service() {
            return Some(PieceSet::none(self.pieces()).to_bytes());
        }
        (!self.is_whole()).then(|| self.have.to_bytes())
    }

    /// Whether others can get something of it.
    pub(crate) fn is_served(&self) -> bool {
        !self.have.is_empty() && !self.is_out_of_service()
    }

    /// Whether it could not be read just now.
    pub(crate) fn is_failing(&self) -> bool {
        self.unreadable.is_some()
    }

    /// Whether it could not be read for so long that nobody waits for it any more.
    pub(crate) fn is_out_of_service(&self) -> bool {
        self.unreadable.is_some_and(|failing| failing.failures >= READ_TRIES)
    }

    /// A piece could not be read. It is tried again, and stands for all others.
    pub(crate) fn note_unreadable(&mut self, now: Instant, piece: u32) {
        let mut failing = self.unreadable.unwrap_or(Failing {
            piece,
            failures: 0,
            again: None,
        });
        if failing.again.is_none() {
            let wait = READ_RETRY * 2_u32.saturating_pow(failing.failures);
            failing.failures = failing.failures.saturating_add(1);
            failing.again = Some(now + wait.min(READ_RETRY_MAX));
        }
        self.unreadable = Some(failing);
    }

    /// A piece was read. Says whether that was in doubt.
    pub(crate) fn note_readable(&mut self) -> bool {
        self.unreadable.take().is_some()
    }

    /// When a piece is to be tried again.
    pub(crate) fn read_again_at(&self) -> Option<Instant> {
        self.unreadable?.again
    }

    /// The piece that is to be tried again now.
    pub(crate) fn try_again(&mut self, now: Instant) -> Option<u32> {
        let failing = self.unreadable.as_mut()?;
        failing.again.take_if(|at| now >= *at)?;
        Some(failing.piece)
    }

    // --- what is under way ---

    /// How many pieces are asked for.
    pub(crate) fn asked(&self) -> usize {
        self.asked.len()
    }

    /// A holder is asked for a piece.
    pub(crate) fn ask(&mut self, now: Instant, piece: u32) {
        let asked = self.asked.entry(piece).or_insert(Asked { holders: 0, since: now });
        asked.holders += 1;
        self.busy.insert(piece);
    }

    /// A holder is asked for a piece no longer.
    pub(crate) fn unask(&mut self, piece: u32) {
        let Some(asked) = self.asked.get_mut(&piece) else {
            return;
        };
        asked.holders -= 1;
        if asked.holders == 0 {
            self.asked.remove(&piece);
            if !self.writing.contains_key(&piece) {
                self.busy.remove(piece);
            }
        }
    }

    /// A verified piece is being stored.
    pub(crate) fn begin_writing(&mut self, piece: u32) {
        self.writing.insert(piece, ());
        self.busy.insert(piece);
    }

    /// A piece is stored, or could not be. Says whether it was to be stored.
    pub(crate) fn end_writing(&mut self, piece: u32) -> bool {
        let was_to_be = self.writing.remove(&piece).is_some();
        if was_to_be && !self.asked.contains_key(&piece) {
            self.busy.remove(piece);
        }
        was_to_be
    }

    /// The pieces that were asked for longest ago, long enough for another holder to be asked too.
    pub(crate) fn late(&self, now: Instant) -> Vec<u32> {
        let late = |asked: &Asked| asked.holders < ASKED_TWICE && now.since(asked.since) >= ENDGAME_AFTER;
        let late = self.asked.iter().filter(|(_, asked)| late(asked));
        let late = by_number(late, |(_, asked)| u128::from(asked.since.as_millis()));
        late.into_iter().map(|(piece, _)| *piece).collect()
    }

    // --- who is asked ---

    /// A peer is not asked until then.
    pub(crate) fn rest(&mut self, peer: PeerId, until: Instant) {
        if self.resting.len() == RESTING_MAX && !self.resting.contains_key(&peer) {
            let first = self.resting.iter().min_by_key(|(peer, until)| (**until, **peer));
            if let Some(first) = first.map(|(peer, _)| *peer) {
                self.resting.remove(&first);
            }
        }
        self.resting.insert(peer, until);
    }

    pub(crate) fn rests(&self, peer: &PeerId, now: Instant) -> bool {
        self.resting.get(peer).is_some_and(|until| now < *until)
    }

    /// Somebody is said to have some of it.
    pub(crate) fn note_candidate(&mut self, peer: PeerId, now: Instant) {
        if self.candidates.len() < FILE_CANDIDATES_MAX && !self.candidates.contains_key(&peer) {
            self.candidates.insert(peer, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::FileId;

    use super::*;
    use crate::context::test::peer;

    fn holding(bytes: usize) -> Holding {
        let info = FileInfo {
            root: FileId::from_bytes([7; 32]),
            bytes: bytes as u64,
            name: "notes.txt".into(),
            media_type: String::new(),
        };
        Holding::new(info, Wish::Fetch)
    }

    #[test]
    fn bytes_are_those_of_the_pieces_that_are_here() {
        let mut holding = holding(2 * PIECE_BYTES + 5);
        assert_eq!(holding.bytes_have(), 0);
        holding.have.insert(2);
        assert_eq!(holding.bytes_have(), 5);
        holding.have.insert(0);
        assert_eq!(holding.bytes_have(), PIECE_BYTES as u64 + 5);
        holding.have.insert(1);
        assert_eq!(holding.bytes_have(), 2 * PIECE_BYTES as u64 + 5);
        assert!(holding.is_whole());
    }

    #[test]
    fn a_piece_is_busy_as_long_as_anybody_is_asked_or_it_is_being_stored() {
        let mut holding = holding(4 * PIECE_BYTES);
        let now = Instant::from_millis(5);
        holding.ask(now, 1);
        holding.ask(now, 1);
        holding.unask(1);
        assert!(holding.busy.contains(1) && holding.asked() == 1);
        holding.begin_writing(1);
        holding.unask(1);
        assert!(holding.busy.contains(1) && holding.asked() == 0);
        assert!(holding.end_writing(1) && !holding.end_writing(1));
        assert!(holding.busy.is_empty());
    }

    #[test]
    fn only_a_piece_that_one_holder_is_slow_with_is_late() {
        let mut holding = holding(4 * PIECE_BYTES);
        let now = Instant::from_millis(5);
        let later = now + ENDGAME_AFTER;
        holding.ask(now, 2);
        holding.ask(later, 0);
        assert_eq!(holding.late(later), [2]);
        holding.ask(later, 2);
        assert_eq!(holding.late(later), [0_u32; 0]);
    }

    #[test]
    fn of_too_many_who_rest_the_first_to_be_asked_again_is_forgotten() {
        let mut holding = holding(PIECE_BYTES);
        let at = |millis: usize| Instant::from_millis(millis as u64);
        for number in 0..=RESTING_MAX {
            let byte = u8::try_from(number).unwrap();
            holding.rest(peer(byte), at(1_000 + number));
        }
        assert_eq!(holding.resting.len(), RESTING_MAX);
        assert!(!holding.rests(&peer(0), at(0)) && holding.rests(&peer(1), at(0)));
        assert!(!holding.rests(&peer(1), at(1_001)) && holding.rests(&peer(1), at(1_001) - Duration::from_millis(1)));
    }
}
