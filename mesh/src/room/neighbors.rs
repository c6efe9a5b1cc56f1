//! Neighbors, as the room sees them: who is at the other end of which link, whether it carries, and how much the peer may hand us.
//!
//! What a neighbor says itself is limited here, at the first hop: whatever passes this one, all others have to carry.
//!
//! Invariant: a neighbor is listed from its hello to the first goodbye of either side, as the net tells it.

use litemap::LiteMap;
use shared::PeerId;

use crate::{
    bucket::Bucket,
    config::{
        ANSWERED_BURST, ANSWERED_PER_SECOND, BATCH_TIMEOUT, ORIGINATED_BURST, ORIGINATED_PER_SECOND, PACKETS_BURST,
        PACKETS_PER_SECOND, RECORDS_BURST, RECORDS_PER_SECOND,
    },
    io::{Instant, LinkId},
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct Neighbors {
    all: LiteMap<LinkId, Neighbor>,
}

#[derive(Debug)]
struct Neighbor {
    peer: PeerId,
    /// Whether its path is lost.
    in_trouble: bool,
    /// Records of its own that it may hand us.
    records: Bucket,
    /// Proofs of forks that it may hand us.
    forks: Bucket,
    /// Packets of its own that it may have us hand on.
    packets: Bucket,
    /// Bytes of both.
    bytes: Bucket,
    /// Bytes that it may be answered with.
    answers: Bucket,
    /// How many records it was asked for, and until when they are awaited.
    asked: (usize, Instant),
}

impl Neighbors {
    /// A neighbor said hello.
    pub(crate) fn up(&mut self, link: LinkId, peer: PeerId, in_trouble: bool) {
        let neighbor = Neighbor {
            peer,
            in_trouble,
            records: Bucket::per_second(RECORDS_PER_SECOND, RECORDS_BURST),
            forks: Bucket::per_second(RECORDS_PER_SECOND, RECORDS_BURST),
            packets: Bucket::per_second(PACKETS_PER_SECOND, PACKETS_BURST),
            bytes: Bucket::per_second(ORIGINATED_PER_SECOND, ORIGINATED_BURST),
            answers: Bucket::per_second(ANSWERED_PER_SECOND, ANSWERED_BURST),
            asked: (0, Instant::default()),
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

    /// A neighbor was asked for so many records: they will not be counted against it, whoever wrote them.
    pub(crate) fn note_asked(&mut self, now: Instant, link: LinkId, records: usize) {
        if let Some(neighbor) = self.all.get_mut(&link) {
            let (open, until) = neighbor.asked;
            let open = if now <= until { open } else { 0 };
            neighbor.asked = (open + records, now + BATCH_TIMEOUT);
        }
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

    /// Whether a proof that a feed is over is looked at now: as often as the neighbor may say something itself. Whoever hands on more is not
    /// blamed, for sync brings the others.
    pub(crate) fn may_hand_on_fork(&mut self, now: Instant, link: LinkId) -> bool {
        let neighbor = self.all.get_mut(&link);
        neighbor.is_some_and(|neighbor| neighbor.forks.take(now))
    }

    /// Whether a record by `author` that came over `link` is within what the neighbor may hand us of its own. Those of others are not
    /// counted against it. `bytes`: of the record; `is_packet`: see [`Content::IS_PACKET`](crate::wire::record::Content::IS_PACKET).
    pub(crate) fn admits(
        &mut self,
        now: Instant,
        link: LinkId,
        author: &PeerId,
        bytes: usize,
        is_packet: bool,
    ) -> bool {
        let Some(neighbor) = self.all.get_mut(&link) else {
            return false;
        };
        if neighbor.peer != *author {
            return true;
        }
        let (asked, until) = &mut neighbor.asked;
        if !is_packet && *asked > 0 && now <= *until {
            *asked -= 1;
            return true;
        }
        if !neighbor.bytes.has(now) {
            return false;
        }
        neighbor.bytes.charge(now, bytes);
        let records = if is_packet {
            &mut neighbor.packets
        } else {
            &mut neighbor.records
        };
        records.take(now)
    }
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

    #[test]
    fn records_of_the_neighbor_itself_have_a_rate_and_those_of_others_have_none() {
        let mut neighbors = neighbors();
        for _ in 0..RECORDS_BURST {
            assert!(neighbors.admits(at(100), LINK, &peer(2), 100, false));
        }
        assert!(!neighbors.admits(at(100), LINK, &peer(2), 100, false));
        assert!(neighbors.admits(at(100), LINK, &peer(3), 100, false));
        assert!(
            neighbors.admits(at(100), LINK, &peer(2), 100, true),
            "packets are counted apart"
        );
        assert!(neighbors.admits(at(101), LINK, &peer(2), 100, false));
        assert!(
            !neighbors.admits(at(101), LinkId(9), &peer(3), 100, true),
            "no neighbor"
        );
    }

    #[test]
    fn large_records_use_up_what_a_neighbor_may_hand_us_sooner_and_of_both_kinds() {
        let mut neighbors = neighbors();
        let megabyte = 1024 * 1024;
        let mut admitted = |at, is_packet| {
            let admits = |_: &u8| neighbors.admits(at, LINK, &peer(2), megabyte, is_packet);
            (0..20).take_while(admits).count()
        };
        assert_eq!((admitted(at(100), true), admitted(at(100), false)), (6, 0));
        assert_eq!(admitted(at(102), false), 2);
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
    fn what_a_neighbor_was_asked_for_is_not_counted_against_it_for_a_while() {
        let mut neighbors = neighbors();
        let admitted = |neighbors: &mut Neighbors, at| {
            let mut records = 0;
            while neighbors.admits(at, LINK, &peer(2), 100, false) {
                records += 1;
            }
            records
        };
        let burst = usize::try_from(RECORDS_BURST).unwrap();
        neighbors.note_asked(at(100), LINK, 400);
        neighbors.note_asked(at(101), LINK, 40);
        assert_eq!(admitted(&mut neighbors, at(102)), burst + 440);
        neighbors.note_asked(at(200), LINK, 400);
        assert_eq!(admitted(&mut neighbors, at(211)), burst, "what comes late is counted");
    }
}
