//! When a node says that it is here: its beacons, whose interval grows with the room.
//!
//! As RTCP does for its reports (RFC 3550 §6.2), the interval is proportional to the number of members, so that what a
//! node hears and passes on in a second stays the same in any room: with one beacon of about 300 bytes for every [`PER_PERSON`],
//! under 1 KB/s. A beacon is sent early, but not more often than every `gap`, when something is news: links changed,
//! or entries came that their authors would like to know received. So a message in a small room is acknowledged within half a
//! second and costs one beacon from everyone, and never more than that for however many messages.

use std::time::Duration;

use chacha20::ChaCha20Rng;

use crate::{io::Instant, rendezvous::jittered};

/// The least interval between beacons when nothing is news.
pub const INTERVAL_MIN: Duration = Duration::from_secs(5);

/// By how much each person lengthens the interval.
pub const PER_PERSON: Duration = Duration::from_millis(600);

/// The longest time between beacons of a node whose beacons shape a tree for all: see [`broadcast`](crate::broadcast).
pub const ROOT_INTERVAL: Duration = Duration::from_secs(15);

/// The longest interval that is believed.
pub const INTERVAL_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// The least time between two beacons.
const GAP_MIN: Duration = Duration::from_millis(300);

/// The least time between two beacons because of a loss.
const GAP_LOSS: Duration = Duration::from_millis(600);

/// The time between beacons in a room of `people`, when nothing is news.
#[must_use]
pub fn interval(people: usize) -> Duration {
    let people = u32::try_from(people).unwrap_or(u32::MAX);
    INTERVAL_MIN
        .max(PER_PERSON.saturating_mul(people))
        .min(INTERVAL_MAX / 2)
}

/// The least time between two beacons for news: with the square of the number of people, as everybody's beacon goes to
/// everybody, up to half of what it is without news. 10 people: 0.3 s, 50: 5 s, 100: 20 s.
fn gap(people: usize) -> Duration {
    let people = u32::try_from(people).unwrap_or(u32::MAX);
    let square = Duration::from_millis(2).saturating_mul(people.saturating_mul(people));
    square
        .min(interval(usize::try_from(people).unwrap_or(usize::MAX)) / 2)
        .max(GAP_MIN)
}

/// For how long someone counts as here without another beacon.
#[must_use]
pub fn patience(interval_millis: u32) -> Duration {
    let interval = Duration::from_millis(u64::from(interval_millis)).clamp(INTERVAL_MIN, INTERVAL_MAX);
    interval * 5 / 2 + Duration::from_secs(5)
}

/// When our next beacon is due.
#[derive(Debug)]
pub struct Presence {
    stamp: u64,
    sent: Option<Instant>,
    due: Option<Instant>,
}

impl Presence {
    /// `unix_millis`: where stamps begin, so that those of a later visit are higher, as a rule.
    #[must_use]
    pub fn new(unix_millis: u64) -> Self {
        Self {
            stamp: unix_millis,
            sent: None,
            due: None,
        }
    }

    /// When a beacon is to be sent; never before there was a reason for one.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Something is news in a room of `people`: the next beacon comes as soon as may be.
    pub fn hasten(&mut self, now: Instant, people: usize, rng: &mut ChaCha20Rng) {
        let gap = gap(people);
        let earliest = self.sent.map_or(now, |sent| sent + gap);
        // Not everyone at once. The half that `jittered` always waits is what else is news meanwhile.
        self.bring_forward(earliest.max(now + jittered(gap, rng)));
    }

    /// A link fell silent, which concerns everybody: the next beacon comes within a second.
    pub fn report(&mut self, now: Instant, rng: &mut ChaCha20Rng) {
        let earliest = self.sent.map_or(now, |sent| sent + GAP_LOSS);
        self.bring_forward(earliest.max(now + jittered(GAP_LOSS / 2, rng)));
    }

    fn bring_forward(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// The next beacon comes at once: someone joined with it, or thinks us gone.
    pub fn hurry(&mut self, now: Instant) {
        self.bring_forward(self.sent.map_or(now, |sent| now.max(sent + GAP_MIN)));
    }

    /// A beacon is being sent: gives its stamp, and arms the next. `root`: whether ours shape a tree for all.
    pub fn send(&mut self, now: Instant, people: usize, root: bool, rng: &mut ChaCha20Rng) -> u64 {
        let interval = interval(people);
        let wait = if root { interval.min(ROOT_INTERVAL) } else { interval };
        self.sent = Some(now);
        self.due = Some(now + jittered(wait, rng));
        self.stamp += 1;
        self.stamp
    }

    /// Somebody has a beacon of ours from another life, with this stamp: ours have to be higher.
    pub fn outbid(&mut self, now: Instant, stamp: u64) {
        if stamp > self.stamp && stamp < u64::MAX / 2 {
            self.stamp = stamp;
            self.hurry(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use chacha20::rand_core::SeedableRng;

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(100_000 + millis)
    }

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(1)
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
        assert_eq!(Presence::new(7).poll_timeout(), None);
    }

    #[test]
    fn stamps_count_up_from_the_wall_clock_and_above_those_of_another_life() {
        let mut presence = Presence::new(7);
        assert_eq!(presence.send(at(0), 2, false, &mut rng()), 8);
        presence.outbid(at(1_000), 5);
        presence.outbid(at(1_000), u64::MAX);
        assert_eq!(presence.send(at(1_000), 2, false, &mut rng()), 9);
        presence.outbid(at(2_000), 50);
        assert_eq!(presence.poll_timeout(), Some(at(2_000)));
        assert_eq!(presence.send(at(2_000), 2, false, &mut rng()), 51);
    }

    #[test]
    fn the_next_beacon_is_due_within_an_interval_and_the_roots_within_its_own() {
        for seed in 0..50 {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut presence = Presence::new(0);
            presence.send(at(0), 100, false, &mut rng);
            let wait = presence.poll_timeout().unwrap().since(at(0));
            assert!((interval(100) / 2..=interval(100)).contains(&wait), "{wait:?}");
            presence.send(at(0), 100, true, &mut rng);
            let wait = presence.poll_timeout().unwrap().since(at(0));
            assert!((ROOT_INTERVAL / 2..=ROOT_INTERVAL).contains(&wait), "{wait:?}");
        }
    }

    #[test]
    fn news_come_with_the_next_beacon_but_not_more_often_than_every_gap() {
        for seed in 0..50 {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut presence = Presence::new(0);
            presence.hasten(at(0), 30, &mut rng);
            let first = presence.poll_timeout().unwrap();
            assert!((at(900)..=at(1_800)).contains(&first), "{first:?}");
            presence.send(first, 30, false, &mut rng);
            presence.hasten(first + millis(10), 30, &mut rng);
            let next = presence.poll_timeout().unwrap();
            assert!(
                next >= first + gap(30) && next <= first + gap(30) + millis(10),
                "{next:?}"
            );
            // More news do not put it off.
            presence.hasten(first + millis(1_700), 30, &mut rng);
            assert_eq!(presence.poll_timeout(), Some(next));
        }
    }

    #[test]
    fn a_loss_is_told_within_seconds_in_any_room() {
        let mut rng = rng();
        let mut presence = Presence::new(0);
        presence.send(at(0), 1_000, false, &mut rng);
        presence.report(at(100), &mut rng);
        assert_eq!(presence.poll_timeout(), Some(at(0) + GAP_LOSS));
        presence.report(at(60_000), &mut rng);
        assert_eq!(presence.poll_timeout(), Some(at(0) + GAP_LOSS), "it was due before");
    }

    #[test]
    fn who_is_thought_gone_answers_at_once() {
        let mut presence = Presence::new(0);
        presence.hurry(at(0));
        assert_eq!(presence.poll_timeout(), Some(at(0)));
        presence.send(at(0), 1_000, false, &mut rng());
        presence.hurry(at(100));
        assert_eq!(presence.poll_timeout(), Some(at(300)));
    }
}
