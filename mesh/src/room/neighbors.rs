//! Neighbors, as the room sees them: who is at the other end of which link, whether it carries, and how much the peer may hand us.
//!
//! What a neighbor says itself is limited here, at the first hop: whatever passes this one, all others have to carry. Beyond its rate it is to
//! blame. What it hands on of others is limited as well, for a second key costs nothing; but the neighbor may not know how much that is, so
//! what is too much is put off: it is not taken now, nobody is blamed, and grafts and sync bring it later. Everybody who is here has a share for
//! each author ([`Neighbors::admits`]); all others, and what is beyond those shares, have one for each link.
//!
//! Invariants: a neighbor is listed from its hello to the first goodbye of either side, as the net tells it; no record is taken that came by
//! broadcast or as a packet and is in nobody's share.

use litemap::LiteMap;
use shared::PeerId;

use crate::{
    bucket::Bucket,
    config::{
        ANNOUNCED_BURST, ANNOUNCED_PER_SECOND, ANSWERED_BURST, ANSWERED_PER_SECOND, ASKED_MAX, BATCH_TIMEOUT,
        CARRIED_BURST, CARRIED_BYTES_BURST, CARRIED_BYTES_PER_SECOND, CARRIED_PER_SECOND, FETCHED_BURST,
        FETCHED_PER_SECOND, ORIGINATED_BURST, ORIGINATED_PER_SECOND, PACKETS_BURST, PACKETS_PER_SECOND, PEOPLE_MAX,
        PERSON_BYTES_BURST, PERSON_BYTES_PER_SECOND, RECORDS_BURST, RECORDS_PER_SECOND,
    },
    io::{Instant, LinkId},
    wire::id::ShortId,
};

/// A record that came over a link, as far as its share goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived {
    pub(crate) author: PeerId,
    pub(crate) id: ShortId,
    pub(crate) bytes: usize,
    /// See [`Content::IS_PACKET`](crate::wire::record::Content::IS_PACKET).
    pub(crate) is_packet: bool,
    /// Whether its author counts as here.
    pub(crate) is_here: bool,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is taken.
    Taken,
    /// It is not taken now.
    PutOff,
    /// Its neighbor should not have sent it.
    Violation,
}

/// Records and their bytes.
#[derive(Debug)]
struct Share {
    records: Bucket,
    bytes: Bucket,
}

impl Share {
    fn take(&mut self, now: Instant, bytes: usize) -> bool {
        let fits = self.bytes.has(now) && self.records.take(now);
        if fits {
            self.bytes.charge(now, bytes);
        }
        fits
    }
}

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct Neighbors {
    all: LiteMap<LinkId, Neighbor>,
    /// What may be carried for those who are here, whoever brings it. Whoever has not used any of it for a while is left out.
    people: LiteMap<PeerId, Share>,
}

#[derive(Debug)]
struct Neighbor {
    peer: PeerId,
    /// Whether its path is lost.
    in_trouble: bool,
    /// Records of its own that it may hand us.
    records: Bucket,
    /// Proofs of forks and words of the founder that it may have us check.
    checks: Bucket,
    /// Packets of its own that it may have us hand on.
    packets: Bucket,
    /// Bytes of both.
    bytes: Bucket,
    /// Bytes that it may be answered with.
    answers: Bucket,
    /// Records of others that it may hand us, beyond the shares of those who are here.
    carried: Share,
    /// Ids that it may announce.
    announced: Bucket,
    /// Bytes of entries that are fetched from it.
    fetched: Bucket,
    /// The records that it was asked for, and until when they are awaited.
    asked: LiteMap<ShortId, Instant>,
}

impl Neighbors {
    /// A neighbor said hello.
    pub(crate) fn up(&mut self, link: LinkId, peer: PeerId, in_trouble: bool) {
        let neighbor = Neighbor {
            peer,
            in_trouble,
            records: Bucket::per_second(RECORDS_PER_SECOND, RECORDS_BURST),
            checks: Bucket::per_second(RECORDS_PER_SECOND, RECORDS_BURST),
            packets: Bucket::per_second(PACKETS_PER_SECOND, PACKETS_BURST),
            bytes: Bucket::per_second(ORIGINATED_PER_SECOND, ORIGINATED_BURST),
            answers: Bucket::per_second(ANSWERED_PER_SECOND, ANSWERED_BURST),
            carried: Share {
                records: Bucket::per_second(CARRIED_PER_SECOND, CARRIED_BURST),
                bytes: Bucket::per_second(CARRIED_BYTES_PER_SECOND, CARRIED_BYTES_BURST),
            },
            announced: Bucket::per_second(ANNOUNCED_PER_SECOND, ANNOUNCED_BURST),
            fetched: Bucket::per_second(FETCHED_PER_SECOND, FETCHED_BURST),
            asked: LiteMap::new(),
        };
        self.all.insert(link, neighbor);
    }

    /// Its link carries nothing any more.
    pub(crate) fn down(&mut self, link: LinkId) {
        self.all.remove(&link);
    }

    /// Its path is lost, or back.
    pub(crate) fn set_trouble(&mut self, link: LinkId, in_trouble: bool) {
        if let Some(neighbor) = self.all.get_mut(&link) {
            neighbor.in_trouble = in_trouble;
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The links, in the order of their ids.
    pub(crate) fn links(&self) -> impl Iterator<Item = LinkId> {
        self.all.keys().copied()
    }

    /// The peers, in the order of their links' ids.
    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.all.values().map(|neighbor| neighbor.peer)
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self, link: LinkId) -> Option<PeerId> {
        self.all.get(&link).map(|neighbor| neighbor.peer)
    }

    /// The link to a neighbor.
    pub(crate) fn link_to(&self, peer: &PeerId) -> Option<LinkId> {
        let found = self.all.iter().find(|(_, neighbor)| neighbor.peer == *peer);
        found.map(|(link, _)| *link)
    }

    /// Whether packets go over this link now.
    pub(crate) fn carries(&self, link: LinkId) -> bool {
        self.all.get(&link).is_some_and(|neighbor| !neighbor.in_trouble)
    }

    /// A neighbor was asked for these records: it is not to blame for them, should they be its own.
    pub(crate) fn note_asked(&mut self, now: Instant, link: LinkId, ids: &[ShortId]) {
        let Some(neighbor) = self.all.get_mut(&link) else {
            return;
        };
        if neighbor.asked.len() + ids.len() > ASKED_MAX {
            neighbor.asked.retain(|_, until| now <= *until);
        }
        for id in ids.iter().take(ASKED_MAX.saturating_sub(neighbor.asked.len())) {
            neighbor.asked.insert(*id, now + BATCH_TIMEOUT);
        }
    }

    /// Whether so many ids that it announces are looked at now. Sync finds what is not.
    pub(crate) fn may_announce(&mut self, now: Instant, link: LinkId, ids: usize) -> bool {
        let Some(neighbor) = self.all.get_mut(&link) else {
            return false;
        };
        let fits = neighbor.announced.has(now);
        if fits {
            neighbor.announced.charge(now, ids);
        }
        fits
    }

    /// So many bytes of entries were fetched from it. Says whether more are asked for at once.
    pub(crate) fn may_fetch_on(&mut self, now: Instant, link: LinkId, bytes: usize) -> bool {
        let neighbor = self.all.get_mut(&link);
        neighbor.is_some_and(|neighbor| {
            neighbor.fetched.charge(now, bytes);
            neighbor.fetched.has(now)
        })
    }

    /// Whether it is answered now. Who has asked for much waits, and is not blamed.
    pub(crate) fn may_be_answered(&mut self, now: Instant, link: LinkId) -> bool {
        let neighbor = self.all.get_mut(&link);
        neighbor.is_some_and(|neighbor| neighbor.answers.has(now))
    }

    /// It was answered with so many bytes.
    pub(crate) fn note_answered(&mut self, now: Instant, link: LinkId, bytes: usize) {
        if let Some(neighbor) = self.all.get_mut(&link) {
            neighbor.answers.charge(now, bytes);
        }
    }

    /// Whether a signature is checked now that counts for nothing else, of a proof that a feed is over or of a word of the founder: as often
    /// as the neighbor may say something itself. Whoever hands on more is not blamed, for sync brings the others.
    pub(crate) fn may_be_checked(&mut self, now: Instant, link: LinkId) -> bool {
        let neighbor = self.all.get_mut(&link);
        neighbor.is_some_and(|neighbor| neighbor.checks.take(now))
    }

    /// What becomes of a record that came over `link`. What the neighbor says itself, unasked, is within its rate or a violation. Anything else is
    /// in the share of its author, if that one is here, or in that of the link; or it is put off.
    pub(crate) fn admits(&mut self, now: Instant, link: LinkId, record: Arrived) -> Admission {
        let Some(neighbor) = self.all.get_mut(&link) else {
            return Admission::Violation;
        };
        let asked = neighbor.asked.remove(&record.id).is_some_and(|until| now <= until);
        if neighbor.peer == record.author && !asked {
            if !neighbor.bytes.has(now) {
                return Admission::Violation;
            }
            neighbor.bytes.charge(now, record.bytes);
            let records = if record.is_packet {
                &mut neighbor.packets
            } else {
                &mut neighbor.records
            };
            return if records.take(now) {
                Admission::Taken
            } else {
                Admission::Violation
            };
        }
        let in_share = record.is_here
            && share_of(&mut self.people, now, record.author).is_some_and(|share| share.take(now, record.bytes));
        if in_share || neighbor.carried.take(now, record.bytes) {
            Admission::Taken
        } else {
            Admission::PutOff
        }
    }
}

/// The share of somebody who is here.
fn share_of(people: &mut LiteMap<PeerId, Share>, now: Instant, author: PeerId) -> Option<&mut Share> {
    if people.len() >= PEOPLE_MAX && !people.contains_key(&author) {
        people.retain(|_, share| !(share.records.is_full(now) && share.bytes.is_full(now)));
        if people.len() >= PEOPLE_MAX {
            return None;
        }
    }
    Some(people.entry(author).or_insert_with(|| Share {
        records: Bucket::per_second(RECORDS_PER_SECOND, RECORDS_BURST),
        bytes: Bucket::per_second(PERSON_BYTES_PER_SECOND, PERSON_BYTES_BURST),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::test::peer;

    const LINK: LinkId = LinkId(7);

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    fn neighbors() -> Neighbors {
        let mut neighbors = Neighbors::default();
        neighbors.up(LINK, peer(2), false);
        neighbors
    }

    #[test]
    fn a_neighbor_is_found_by_link_and_by_peer_until_it_is_down() {
        let mut neighbors = neighbors();
        assert_eq!(
            (neighbors.peer(LINK), neighbors.link_to(&peer(2))),
            (Some(peer(2)), Some(LINK))
        );
        neighbors.set_trouble(LINK, true);
        assert!(!neighbors.carries(LINK));
        neighbors.down(LINK);
        assert_eq!((neighbors.len(), neighbors.peer(LINK)), (0, None));
    }

    /// A record of 100 bytes by somebody who is not here.
    fn by(author: u8) -> Arrived {
        Arrived {
            author: peer(author),
            id: ShortId(1),
            bytes: 100,
            is_packet: false,
            is_here: false,
        }
    }

    /// How many such records in a row are taken, and what becomes of the next.
    fn taken(neighbors: &mut Neighbors, at: Instant, record: Arrived) -> (usize, Admission) {
        for count in 0.. {
            match neighbors.admits(at, LINK, record) {
                Admission::Taken => {}
                other @ (Admission::PutOff | Admission::Violation) => return (count, other),
            }
        }
        unreachable!("a share ends")
    }

    fn count(limit: u32) -> usize {
        usize::try_from(limit).unwrap()
    }

    #[test]
    fn records_of_the_neighbor_itself_have_a_rate_and_beyond_it_are_a_violation() {
        let mut neighbors = neighbors();
        let burst = count(RECORDS_BURST);
        assert_eq!(taken(&mut neighbors, at(100), by(2)), (burst, Admission::Violation));
        let packet = Arrived {
            is_packet: true,
            ..by(2)
        };
        assert_eq!(
            neighbors.admits(at(100), LINK, packet),
            Admission::Taken,
            "packets are counted apart"
        );
        assert_eq!(neighbors.admits(at(101), LINK, by(2)), Admission::Taken);
        assert_eq!(
            neighbors.admits(at(101), LinkId(9), by(3)),
            Admission::Violation,
            "no neighbor"
        );
    }

    #[test]
    fn records_of_others_have_a_share_for_each_link_whatever_their_keys_and_are_put_off_beyond_it() {
        let mut neighbors = neighbors();
        let (burst, rate) = (count(CARRIED_BURST), count(CARRIED_PER_SECOND));
        for number in 0..burst {
            let author = PeerId::from_bytes([u8::try_from(number % 250).unwrap(); 32]);
            let record = Arrived { author, ..by(3) };
            assert_eq!(neighbors.admits(at(100), LINK, record), Admission::Taken);
        }
        assert_eq!(neighbors.admits(at(100), LINK, by(4)), Admission::PutOff);
        assert_eq!(taken(&mut neighbors, at(101), by(4)), (rate, Admission::PutOff));
        neighbors.up(LinkId(8), peer(5), false);
        assert_eq!(
            neighbors.admits(at(101), LinkId(8), by(4)),
            Admission::Taken,
            "another link"
        );
    }

    #[test]
    fn who_is_here_is_heard_over_a_link_that_is_used_up_by_others_but_not_without_end() {
        let mut neighbors = neighbors();
        taken(&mut neighbors, at(100), by(4));
        let here = Arrived { is_here: true, ..by(3) };
        let burst = count(RECORDS_BURST);
        assert_eq!(taken(&mut neighbors, at(100), here), (burst, Admission::PutOff));
        let other = Arrived {
            author: peer(6),
            ..here
        };
        assert_eq!(neighbors.admits(at(100), LINK, other), Admission::Taken);
        let (large, most) = (1024 * 1024, count(PERSON_BYTES_BURST) / 1024 / 1024);
        let large = Arrived { bytes: large, ..other };
        assert_eq!(taken(&mut neighbors, at(100), large), (most, Admission::PutOff));
    }

    #[test]
    fn large_records_use_up_what_a_neighbor_may_hand_us_sooner_and_of_both_kinds() {
        let mut neighbors = neighbors();
        let record = |is_packet| Arrived {
            bytes: 1024 * 1024,
            is_packet,
            ..by(2)
        };
        assert_eq!(taken(&mut neighbors, at(100), record(true)).0, 6);
        assert_eq!(taken(&mut neighbors, at(100), record(false)).0, 0);
        assert_eq!(taken(&mut neighbors, at(102), record(false)).0, 2);
    }

    #[test]
    fn whoever_gives_more_than_honest_neighbors_do_is_not_asked_for_more_at_once() {
        let mut neighbors = neighbors();
        assert!(neighbors.may_fetch_on(at(100), LINK, count(ANSWERED_BURST)));
        assert!(neighbors.may_fetch_on(at(101), LINK, count(ANSWERED_PER_SECOND)));
        assert!(!neighbors.may_fetch_on(at(101), LINK, count(FETCHED_BURST)));
    }

    #[test]
    fn announcements_are_looked_at_within_a_rate() {
        let mut neighbors = neighbors();
        assert!(neighbors.may_announce(at(100), LINK, count(ANNOUNCED_BURST)));
        assert!(!neighbors.may_announce(at(100), LINK, 1));
        assert!(neighbors.may_announce(at(101), LINK, 1));
    }

    #[test]
    fn who_was_answered_with_much_waits() {
        let mut neighbors = neighbors();
        let most = usize::try_from(ANSWERED_BURST).unwrap();
        neighbors.note_answered(at(100), LINK, most - 1);
        assert!(neighbors.may_be_answered(at(100), LINK));
        neighbors.note_answered(at(100), LINK, 1 + usize::try_from(ANSWERED_PER_SECOND).unwrap());
        assert!(!neighbors.may_be_answered(at(101), LINK));
        assert!(neighbors.may_be_answered(at(102), LINK));
        assert!(!neighbors.may_be_answered(at(102), LinkId(9)), "no neighbor");
    }

    #[test]
    fn a_neighbor_is_not_to_blame_for_what_it_was_asked_for_and_other_questions_earn_it_nothing() {
        let mut neighbors = neighbors();
        taken(&mut neighbors, at(100), by(2));
        let ids: Vec<_> = (10..450).map(ShortId).collect();
        neighbors.note_asked(at(100), LINK, &ids);
        let own = |id| Arrived { id, ..by(2) };
        for id in &ids {
            assert_eq!(neighbors.admits(at(100), LINK, own(*id)), Admission::Taken);
            assert_eq!(neighbors.admits(at(100), LINK, own(*id)), Admission::Violation, "once");
        }
        // Ids that do not exist earn nothing for others.
        neighbors.note_asked(at(100), LINK, &ids);
        assert_eq!(neighbors.admits(at(100), LINK, own(ShortId(9))), Admission::Violation);
        // And what comes late is counted.
        taken(&mut neighbors, at(111), own(ShortId(9)));
        assert_eq!(neighbors.admits(at(111), LINK, own(ids[0])), Admission::Violation);
    }

    #[test]
    fn what_was_asked_for_and_does_not_come_takes_a_bounded_place() {
        let mut neighbors = neighbors();
        for round in 0..10 {
            let ids: Vec<_> = (0..500).map(|id| ShortId(500 * round + id)).collect();
            neighbors.note_asked(at(100 + round), LINK, &ids);
        }
        assert!(neighbors.all[&LINK].asked.len() <= ASKED_MAX);
    }
}
