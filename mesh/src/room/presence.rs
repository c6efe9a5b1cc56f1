//! When a node says that it is here, and what: its beacons, whose interval grows with the room.
//!
//! As RTCP does for its reports (RFC 3550 §6.2), the interval is proportional to the number of members, so that what a
//! node hears and passes on in a second stays the same in any room: with one beacon of about 300 bytes for every [`INTERVAL_PER_PERSON`],
//! under 1 KB/s. A beacon is sent early, but not more often than every `gap`, when something is news: links changed,
//! or entries came that their authors would like to know received. So a message in a small room is acknowledged within half a
//! second and costs one beacon from everyone, and never more than that for however many messages.

use std::{rc::Rc, time::Duration};

use chacha20::ChaCha20Rng;

use shared::PeerId;

use super::roster::Roster;
use crate::{
    back_off::{back_off, jittered},
    config::{
        GAP_LOSS, GAP_MIN, GAP_PER_PAIR, INTERVAL_MAX, INTERVAL_MIN, INTERVAL_PER_PERSON, LOST_MAX, PATIENCE_MARGIN,
        ROOT_INTERVAL, SUPERSEDE_MAX, SUPERSEDED_TOLD,
    },
    context::Context,
    io::Instant,
    random::{Stream, stream},
    wire::{
        id::ShortId,
        record::{Ack, Beacon, Lost, Record},
        span::LogDigest,
    },
};

/// The time between beacons in a room of `people`, when nothing is news.
pub(crate) fn interval(people: usize) -> Duration {
    let people = u32::try_from(people).unwrap_or(u32::MAX);
    INTERVAL_MIN
        .max(INTERVAL_PER_PERSON.saturating_mul(people))
        .min(INTERVAL_MAX / 2)
}

/// The least time between two beacons for news: with the square of the number of people, as everybody's beacon goes to
/// everybody, up to half of what it is without news. 10 people: 0.3 s, 50: 5 s, 100: 20 s.
fn gap(people: usize) -> Duration {
    let people = u32::try_from(people).unwrap_or(u32::MAX);
    let square = GAP_PER_PAIR.saturating_mul(people.saturating_mul(people));
    square
        .min(interval(usize::try_from(people).unwrap_or(usize::MAX)) / 2)
        .max(GAP_MIN)
}

/// For how long someone counts as here without another beacon.
pub(crate) fn patience(interval_millis: u32) -> Duration {
    let interval = Duration::from_millis(u64::from(interval_millis)).clamp(INTERVAL_MIN, INTERVAL_MAX);
    interval * 5 / 2 + PATIENCE_MARGIN
}

/// When our next beacon is due, and what it says that nobody else knows.
#[derive(Debug)]
pub(crate) struct Presence {
    rng: ChaCha20Rng,
    stamp: u64,
    /// Our beacons of this life have higher stamps.
    born: u64,
    sent: Option<Instant>,
    due: Option<Instant>,
    /// Our last beacon.
    own: Option<Rc<Record<Beacon>>>,
    /// How many entries had been accepted at our beacon before the last, and at the last.
    acked: [u64; 2],
    /// How often beacons of ours from elsewhere superseded ours in a row, and when they last did.
    superseded: (u32, Option<Instant>),
    /// Neighbors whose links were lost, the latest first, to be named in the next beacon.
    lost: Vec<PeerId>,
}

/// What a beacon says of the rest of the room.
#[derive(Debug)]
pub(crate) struct Facts {
    /// How many people there are, us included.
    pub(crate) people: usize,
    /// Whether our beacons shape a tree for all.
    pub(crate) is_root: bool,
    /// Our neighbors.
    pub(crate) neighbors: Vec<ShortId>,
    /// Whether we are registered with a server.
    pub(crate) on_server: bool,
    /// The log's digest.
    pub(crate) digest: LogDigest,
    /// Whether the log has skipped nothing.
    pub(crate) whole: bool,
    /// How far we have the feeds that grew since [`Presence::acked`].
    pub(crate) acks: Vec<Ack>,
    /// How many entries were accepted so far.
    pub(crate) accepted: u64,
    /// Whether we leave.
    pub(crate) leaving: bool,
}

impl Presence {
    /// `unix_millis`: where stamps begin, so that those of a later visit are higher, as a rule.
    pub(crate) fn new(seed: [u8; 32], unix_millis: u64) -> Self {
        Self {
            rng: stream(seed, Stream::Presence),
            stamp: unix_millis,
            born: unix_millis,
            sent: None,
            due: None,
            own: None,
            acked: [0; 2],
            superseded: (0, None),
            lost: Vec::new(),
        }
    }

    /// Our beacons of this life have higher stamps, those of lives before have not.
    pub(crate) fn born(&self) -> u64 {
        self.born
    }

    /// Our last beacon.
    pub(crate) fn own(&self) -> Option<&Rc<Record<Beacon>>> {
        self.own.as_ref()
    }

    /// How many entries had been accepted when what the next beacon acknowledges began: each progress is named in two beacons, for one may
    /// not come through. An author whose entries were acknowledged in neither is told by the digest, or with its next entry.
    pub(crate) fn acked(&self) -> u64 {
        self.acked[0]
    }

    /// When a beacon is to be sent; never before there was a reason for one.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Something is news in a room of `people`: the next beacon comes as soon as may be.
    pub(crate) fn hasten(&mut self, now: Instant, people: usize) {
        let gap = gap(people);
        let earliest = self.sent.map_or(now, |sent| sent + gap);
        // Not everyone at once. The half that `jittered` always waits is what else is news meanwhile.
        let at = earliest.max(now + jittered(gap, &mut self.rng));
        self.bring_forward(at);
    }

    /// A neighbor's link was lost, which concerns everybody: the next beacon names the neighbor, and comes within a second.
    pub(crate) fn report_lost(&mut self, now: Instant, peer: PeerId) {
        self.lost.retain(|lost| *lost != peer);
        self.lost.insert(0, peer);
        self.lost.truncate(LOST_MAX);
        let earliest = self.sent.map_or(now, |sent| sent + GAP_LOSS);
        let at = earliest.max(now + jittered(GAP_LOSS / 2, &mut self.rng));
        self.bring_forward(at);
    }

    /// A neighbor is back before it was named.
    pub(crate) fn forget_lost(&mut self, peer: &PeerId) {
        self.lost.retain(|lost| lost != peer);
    }

    fn bring_forward(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// The next beacon comes at once: someone joined with it, or thinks us gone.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.bring_forward(self.sent.map_or(now, |sent| now.max(sent + GAP_MIN)));
    }

    /// Makes the next beacon, and arms the one after.
    pub(crate) fn send(&mut self, cx: &Context, roster: &Roster, facts: Facts) -> Rc<Record<Beacon>> {
        let interval = interval(facts.people);
        let stamp = self.arm(cx.instant(), facts.people, facts.is_root);
        self.acked = [self.acked[1], facts.accepted];
        let lost = std::mem::take(&mut self.lost).into_iter().map(|peer| Lost {
            peer: ShortId::of_peer(&peer),
            stamp: roster.beacon(&peer).map_or(0, |beacon| beacon.content.stamp),
        });
        let beacon = Beacon {
            stamp,
            name: cx.name.clone(),
            interval_millis: u32::try_from(interval.as_millis()).unwrap_or(u32::MAX),
            neighbors: facts.neighbors,
            on_server: facts.on_server,
            digest: facts.digest,
            acks: facts.acks,
            lost: lost.collect(),
            leaving: facts.leaving,
            whole: facts.whole,
            unix_millis: cx.now.unix_millis,
            archive: cx.extent.for_others.then_some(true),
        };
        let record = Record::sign(&cx.identity, &cx.room, beacon);
        self.own = Some(Rc::clone(&record));
        record
    }

    /// A beacon is being sent: gives its stamp, and arms the next.
    fn arm(&mut self, now: Instant, people: usize, is_root: bool) -> u64 {
        let interval = interval(people);
        let wait = if is_root { interval.min(ROOT_INTERVAL) } else { interval };
        self.sent = Some(now);
        self.due = Some(now + jittered(wait, &mut self.rng));
        self.stamp += 1;
        self.stamp
    }

    /// Somebody has a beacon of ours from another life, with this stamp, which superseded ours: ours have to be higher. If that life goes on
    /// somewhere else, the two do not supersede each other without end. Says, once, whether it does.
    pub(crate) fn on_superseded(&mut self, now: Instant, stamp: u64) -> bool {
        if stamp <= self.stamp || stamp >= 1 << 63 {
            return false;
        }
        (self.stamp, self.born) = (stamp, stamp);
        let (times, last) = self.superseded;
        let lately = last.is_some_and(|last| now.since(last) < SUPERSEDE_MAX * 2);
        let times = if lately { times.saturating_add(1) } else { 0 };
        self.superseded = (times, Some(now));
        if times == 0 {
            self.hurry(now);
        } else {
            let wait = jittered(back_off(times, GAP_MIN, SUPERSEDE_MAX), &mut self.rng);
            self.bring_forward(now + wait);
        }
        times == SUPERSEDED_TOLD
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::test::{identity, peer};

    fn at(millis: u64) -> Instant {
        Instant::from_millis(100_000 + millis)
    }

    fn presence(seed: u64) -> Presence {
        Presence::new([u8::try_from(seed).unwrap(); 32], 0)
    }

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_interval_grows_with_the_room() {
        let intervals = [0, 1, 8, 9, 50, 1_000].map(interval);
        let expected = [5_000, 5_000, 5_000, 5_400, 30_000, 600_000].map(millis);
        assert_eq!(intervals, expected);
        assert_eq!(interval(usize::MAX), INTERVAL_MAX / 2);
    }

    #[test]
    fn the_gap_grows_with_the_square_of_the_room_up_to_half_an_interval() {
        let gaps = [0, 2, 12, 13, 30, 50, 100, 1_000].map(gap);
        let expected = [300, 300, 300, 338, 1_800, 5_000, 20_000, 300_000].map(millis);
        assert_eq!(gaps, expected);
        assert!((0..5_000).all(|people| gap(people) <= interval(people)));
    }

    #[test]
    fn two_beacons_may_be_missed_and_an_interval_is_believed_within_bounds() {
        assert_eq!(patience(10_000), millis(30_000));
        assert_eq!(patience(0), INTERVAL_MIN * 5 / 2 + millis(5_000));
        assert_eq!(patience(u32::MAX), INTERVAL_MAX * 5 / 2 + millis(5_000));
        for people in [1, 10, 100, 1_000, 10_000] {
            let interval = interval(people);
            assert!(patience(u32::try_from(interval.as_millis()).unwrap()) > interval * 2);
        }
    }

    #[test]
    fn nothing_is_sent_before_there_is_a_reason() {
        assert_eq!(Presence::new([1; 32], 7).poll_timeout(), None);
    }

    #[test]
    fn stamps_count_up_from_the_wall_clock_and_above_those_of_another_life() {
        let mut presence = Presence::new([1; 32], 7);
        assert_eq!(presence.arm(at(0), 2, false), 8);
        presence.on_superseded(at(1_000), 5);
        presence.on_superseded(at(1_000), u64::MAX);
        assert_eq!(presence.arm(at(1_000), 2, false), 9);
        presence.on_superseded(at(2_000), 50);
        assert_eq!(presence.poll_timeout(), Some(at(2_000)));
        assert_eq!(presence.arm(at(2_000), 2, false), 51);
    }

    #[test]
    fn two_lives_of_one_identity_do_not_supersede_each_other_without_end() {
        let mut lives = [1, 2].map(presence);
        let (mut now, mut sent, mut told) = (at(0), 0, [0, 0]);
        let mut stamp = lives[0].arm(now, 2, false);
        for turn in 0.. {
            let life = &mut lives[(turn + 1) % 2];
            told[(turn + 1) % 2] += u32::from(life.on_superseded(now, stamp));
            now = life.poll_timeout().unwrap();
            if now > at(10 * 60_000) {
                break;
            }
            (stamp, sent) = (life.arm(now, 2, false), sent + 1);
            // Not for news of its own.
            life.due = None;
        }
        assert!((15..60).contains(&sent), "{sent} in ten minutes");
        assert_eq!(told, [1, 1], "each says it once");
    }

    #[test]
    fn the_next_beacon_is_due_within_an_interval_and_the_roots_within_its_own() {
        for seed in 0..50 {
            let mut presence = presence(seed);
            presence.arm(at(0), 100, false);
            let wait = presence.poll_timeout().unwrap().since(at(0));
            assert!((interval(100) / 2..=interval(100)).contains(&wait), "{wait:?}");
            presence.arm(at(0), 100, true);
            let wait = presence.poll_timeout().unwrap().since(at(0));
            assert!((ROOT_INTERVAL / 2..=ROOT_INTERVAL).contains(&wait), "{wait:?}");
        }
    }

    #[test]
    fn news_come_with_the_next_beacon_but_not_more_often_than_every_gap() {
        for seed in 0..50 {
            let mut presence = presence(seed);
            presence.hasten(at(0), 30);
            let first = presence.poll_timeout().unwrap();
            assert!((at(900)..=at(1_800)).contains(&first), "{first:?}");
            presence.arm(first, 30, false);
            presence.hasten(first + millis(10), 30);
            let next = presence.poll_timeout().unwrap();
            assert!(
                next >= first + gap(30) && next <= first + gap(30) + millis(10),
                "{next:?}"
            );
            // More news do not put it off.
            presence.hasten(first + millis(1_700), 30);
            assert_eq!(presence.poll_timeout(), Some(next));
        }
    }

    #[test]
    fn a_loss_is_told_within_seconds_in_any_room() {
        let mut presence = presence(1);
        presence.arm(at(0), 1_000, false);
        presence.report_lost(at(100), PeerId::from_bytes([1; 32]));
        assert_eq!(presence.poll_timeout(), Some(at(0) + GAP_LOSS));
        presence.report_lost(at(60_000), PeerId::from_bytes([2; 32]));
        assert_eq!(presence.poll_timeout(), Some(at(0) + GAP_LOSS), "it was due before");
    }

    #[test]
    fn who_is_thought_gone_answers_at_once() {
        let mut presence = presence(1);
        presence.hurry(at(0));
        assert_eq!(presence.poll_timeout(), Some(at(0)));
        presence.arm(at(0), 1_000, false);
        presence.hurry(at(100));
        assert_eq!(presence.poll_timeout(), Some(at(300)));
    }

    /// What a beacon says in a room of two where nothing happens.
    fn facts() -> Facts {
        Facts {
            people: 2,
            is_root: false,
            neighbors: vec![ShortId(7)],
            on_server: true,
            digest: LogDigest([9; 16]),
            whole: true,
            acks: vec![],
            accepted: 0,
            leaving: false,
        }
    }

    #[test]
    fn a_beacon_says_what_is_so_and_when_the_next_is_due_and_its_stamp_counts_up() {
        let (cx, roster) = (Context::test(1), Roster::new([1; 32]));
        let mut presence = Presence::new([1; 32], 7);
        assert!(presence.own().is_none());
        let ack = Ack {
            author: ShortId(3),
            feed: 4,
            first: 0,
            next: 5,
        };
        let first = presence.send(
            &cx,
            &roster,
            Facts {
                acks: vec![ack],
                ..facts()
            },
        );
        let expected = Beacon {
            stamp: 8,
            name: "Ann".into(),
            interval_millis: 5_000,
            neighbors: vec![ShortId(7)],
            on_server: true,
            digest: LogDigest([9; 16]),
            whole: true,
            unix_millis: 1_800_000_000_000,
            acks: vec![ack],
            lost: vec![],
            leaving: false,
            archive: None,
        };
        assert_eq!((first.author, &first.content), (cx.me, &expected));
        assert_eq!(presence.own(), Some(&first));
        let last = presence.send(
            &cx,
            &roster,
            Facts {
                leaving: true,
                ..facts()
            },
        );
        let expected = Beacon {
            stamp: 9,
            acks: vec![],
            leaving: true,
            ..expected
        };
        assert_eq!(last.content, expected);
        assert!(Record::<Beacon>::open(&last.wire, &cx.room).is_ok());
    }

    #[test]
    fn a_lost_neighbor_is_named_once_with_the_stamp_that_is_known_unless_it_is_back() {
        let (cx, mut roster) = (Context::test(1), Roster::new([1; 32]));
        let mut presence = Presence::new([1; 32], 7);
        let record = presence.send(&cx, &roster, facts());
        let bobs = Record::sign(
            &identity(2),
            &cx.room,
            Beacon {
                stamp: 40,
                ..record.content.clone()
            },
        );
        roster.on_beacon(cx.instant(), &bobs, &mut Vec::new());
        for byte in [2, 3, 4, 2] {
            presence.report_lost(cx.instant(), peer(byte));
        }
        presence.forget_lost(&peer(4));
        let lost = [(2, 40), (3, 0)].map(|(byte, stamp)| Lost {
            peer: ShortId::of_peer(&peer(byte)),
            stamp,
        });
        assert_eq!(presence.send(&cx, &roster, facts()).content.lost, lost);
        assert_eq!(presence.send(&cx, &roster, facts()).content.lost, []);
    }

    #[test]
    fn of_too_many_lost_neighbors_the_latest_are_named() {
        let (cx, roster) = (Context::test(1), Roster::new([1; 32]));
        let mut presence = Presence::new([1; 32], 7);
        let people: Vec<_> = (2..).map(peer).take(LOST_MAX + 1).collect();
        for person in &people {
            presence.report_lost(cx.instant(), *person);
        }
        let named = presence.send(&cx, &roster, facts());
        let named: Vec<_> = named.content.lost.iter().map(|lost| lost.peer).collect();
        let latest: Vec<_> = people[1..].iter().rev().map(ShortId::of_peer).collect();
        assert_eq!(named, latest);
    }

    #[test]
    fn progress_is_acknowledged_from_where_it_was_before_the_last_beacon() {
        let (cx, roster) = (Context::test(1), Roster::new([1; 32]));
        let mut presence = Presence::new([1; 32], 7);
        let since: Vec<_> = [3, 5, 5, 6]
            .map(|accepted| {
                let since = presence.acked();
                presence.send(&cx, &roster, Facts { accepted, ..facts() });
                since
            })
            .into();
        assert_eq!(since, [0, 0, 3, 5]);
    }
}
