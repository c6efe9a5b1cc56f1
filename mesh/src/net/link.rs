//! One open link: its fragments, its liveness, the peer's hello and how often the peer misbehaved.
//!
//! A link that was quiet for [`Timing::ping_interval`] is pinged, mostly by one side, for the other hears that; each side also
//! pings every [`Timing::measure_interval`] to know the round-trip time. After [`Timing::link_dead`] of silence a link is dead. A
//! machine that slept wakes up with every deadline long past; [`Link::grant_grace`] then gives each link a little
//! time to prove itself, since the peer may have noticed nothing.
//!
//! Invariants: a link is *usable* from the peer's hello to the first goodbye of either side; a goodbye is never taken back, and a second
//! one does not put the end off.

use std::{borrow::Cow, time::Duration};

use shared::PeerId;

use crate::{
    bucket::Bucket,
    config::{
        FIRST_MEASURE, FRAMES_BURST, FRAMES_PER_SECOND, ROUND_TRIP_CHANGE, Timing, VIOLATION_LASTS, VIOLATIONS_MAX,
    },
    io::{Instant, LinkId, LinkKind, Path},
    wire::{
        binding::Binding,
        fragment::{FragmentError, Reassembly},
    },
};

/// An open link.
#[derive(Debug)]
pub(crate) struct Link {
    id: LinkId,
    peer: PeerId,
    opened: Instant,
    last_heard: Instant,
    /// When it is taken for dead, unless something is heard on it.
    dead_at: Instant,
    ping_at: Instant,
    /// Whether the last ping still waits for its pong.
    awaits_pong: bool,
    /// When the last ping was sent.
    pinged_at: Instant,
    /// When it is pinged although it is not quiet, for its round-trip time.
    measure_at: Instant,
    pings: u32,
    round_trip: Option<Duration>,
    /// Since when ICE has no path.
    path_lost: Option<Instant>,
    proof: Proof,
    /// How many violations count, and as of when.
    violations: (u32, Instant),
    kind: Option<LinkKind>,
    /// Fragments the peer may send.
    frames: Bucket,
    /// What the peer has to vouch for in its hello.
    awaited: Option<Binding>,
    /// The peer's name, from its hello.
    name: Option<String>,
    /// Set when either side said goodbye: when the link is closed at the latest.
    closing: Option<Instant>,
    reassembly: Reassembly,
}

/// What counts as a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// Anything that arrives.
    Anything,
    /// The pong to a ping that is yet to be sent: what arrives may have waited for us while we slept.
    Wanted,
    /// The pong to this ping, or to a later one.
    Asked { nonce: u32 },
}

/// What is due on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Send a ping with this nonce.
    Ping {
        /// For [`Frame::Ping`](crate::wire::frame::Frame::Ping).
        nonce: u32,
    },
    /// Ask for an ICE restart.
    Restart,
    /// The link is dead: silent for too long, or its peer said no hello.
    Dead,
    /// Goodbye was said and the time to close has come.
    Close,
}

impl Link {
    /// A link whose channel has just opened.
    pub(crate) fn new(id: LinkId, peer: PeerId, now: Instant, timing: &Timing) -> Self {
        Self {
            id,
            peer,
            opened: now,
            last_heard: now,
            dead_at: now + timing.link_dead,
            ping_at: now + timing.ping_interval,
            awaits_pong: false,
            // So that the first measure comes soon: people look at a new link.
            measure_at: now + FIRST_MEASURE,
            pinged_at: now,
            pings: 0,
            round_trip: None,
            path_lost: None,
            proof: Proof::Anything,
            violations: (0, now),
            kind: None,
            frames: Bucket::per_second(FRAMES_PER_SECOND, FRAMES_BURST),
            awaited: None,
            name: None,
            closing: None,
            reassembly: Reassembly::default(),
        }
    }

    /// Takes note of what the peer has to vouch for.
    pub(crate) fn expecting(mut self, binding: Binding) -> Self {
        self.awaited = Some(binding);
        self
    }

    /// What the peer has to vouch for in its hello.
    pub(crate) fn awaited(&self) -> Option<&Binding> {
        self.awaited.as_ref()
    }

    /// Its id.
    pub(crate) fn id(&self) -> LinkId {
        self.id
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    /// How it reaches the peer, once known.
    pub(crate) fn kind(&self) -> Option<LinkKind> {
        self.kind
    }

    pub(crate) fn set_kind(&mut self, kind: LinkKind) {
        self.kind = Some(kind);
    }

    /// The peer's name, once it said hello.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The peer said hello.
    pub(crate) fn greet(&mut self, name: String) {
        self.name = Some(name);
    }

    /// Whether either side said goodbye.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Goodbye is said, by us or the peer. Says whether for the first time.
    pub(crate) fn begin_closing(&mut self, now: Instant, timing: &Timing) -> bool {
        let first = self.closing.is_none();
        self.closing.get_or_insert(now + timing.linger);
        first
    }

    /// For how long it has been open.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.since(self.opened)
    }

    /// The last ping's round-trip time.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Whether ICE has lost its path.
    pub(crate) fn is_in_trouble(&self) -> bool {
        self.path_lost.is_some()
    }

    /// Whether the link can carry what people say: the peer said hello and nobody said goodbye.
    pub(crate) fn is_usable(&self) -> bool {
        self.name.is_some() && self.closing.is_none()
    }

    /// When [`Link::due`] has something.
    pub(crate) fn poll_timeout(&self, timing: &Timing) -> Instant {
        if let Some(at) = self.closing {
            return at;
        }
        let mut at = self.ping_at.min(self.dead_at);
        if self.name.is_none() {
            at = at.min(self.opened + timing.hello_timeout);
        }
        if let Some(lost) = self.path_lost {
            at = at.min(lost + timing.restart_after);
        }
        at
    }

    /// The next thing that is due; ask again until it is `None`.
    pub(crate) fn due(&mut self, now: Instant, timing: &Timing) -> Option<Due> {
        if let Some(at) = self.closing {
            return (now >= at).then_some(Due::Close);
        }
        if now >= self.dead_at || (self.name.is_none() && now >= self.opened + timing.hello_timeout) {
            return Some(Due::Dead);
        }
        if self.path_lost.is_some_and(|lost| now >= lost + timing.restart_after) {
            // Asked again after as long, should the path stay lost.
            self.path_lost = Some(now);
            return Some(Due::Restart);
        }
        if now >= self.ping_at {
            return Some(self.ping(now, timing));
        }
        None
    }

    fn ping(&mut self, now: Instant, timing: &Timing) -> Due {
        self.ping_at = now + timing.ping_interval;
        self.pings = self.pings.wrapping_add(1);
        self.awaits_pong = true;
        self.pinged_at = now;
        self.measure_at = now + timing.measure_interval;
        if self.proof == Proof::Wanted {
            self.proof = Proof::Asked { nonce: self.pings };
        }
        Due::Ping { nonce: self.pings }
    }

    /// Something arrived: the link is not quiet, and need not be pinged yet.
    pub(crate) fn handle_heard(&mut self, now: Instant, timing: &Timing) {
        if self.proof == Proof::Anything {
            self.note_life(now, timing);
            self.ping_at = (now + timing.ping_interval).min(self.measure_at);
        }
    }

    fn note_life(&mut self, now: Instant, timing: &Timing) {
        self.last_heard = now;
        self.dead_at = now + timing.link_dead;
    }

    /// A pong arrived. Says whether the round-trip time to be shown has changed much.
    pub(crate) fn on_pong(&mut self, now: Instant, nonce: u32, timing: &Timing) -> bool {
        if let Proof::Asked { nonce: first } = self.proof
            && (first..=self.pings).contains(&nonce)
        {
            self.proof = Proof::Anything;
            self.note_life(now, timing);
        }
        if nonce != self.pings || !std::mem::take(&mut self.awaits_pong) {
            return false;
        }
        let measured = now.since(self.pinged_at);
        let changed = self.round_trip.is_none_or(|shown| {
            let difference = shown.abs_diff(measured);
            difference > ROUND_TRIP_CHANGE && difference > shown / 4
        });
        if changed {
            self.round_trip = Some(measured);
        }
        changed
    }

    /// ICE lost or regained its path.
    pub(crate) fn handle_path(&mut self, now: Instant, path: Path, timing: &Timing) {
        self.path_lost = match path {
            Path::Connected => None,
            Path::Disconnected => self.path_lost.or(Some(now)),
            // Nothing to wait for: due at once.
            Path::Failed => Some(now - timing.restart_after),
        };
    }

    /// Whether it has lost its path, or a ping was not answered in time: nothing was heard for as long as two pings take.
    pub(crate) fn is_silent(&self, now: Instant, timing: &Timing) -> bool {
        self.is_in_trouble() || now.since(self.last_heard) >= timing.ping_interval * 2
    }

    /// The machine slept, or its network came back: asks for a pong now and waits [`Timing::sleep_grace`] for it.
    pub(crate) fn grant_grace(&mut self, now: Instant, timing: &Timing) {
        self.dead_at = now + timing.sleep_grace;
        self.ping_at = now;
        self.proof = Proof::Wanted;
    }

    /// A fragment arrived: gives the frame that it completes.
    ///
    /// # Errors
    /// [`FragmentError`] if it fits nothing.
    pub(crate) fn reassemble<'a>(&mut self, fragment: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FragmentError> {
        self.reassembly.push(fragment)
    }

    /// Whether the peer may send another fragment now.
    pub(crate) fn takes_fragment(&mut self, now: Instant) -> bool {
        self.frames.take(now)
    }

    /// The peer sent what it should not. Says whether that was once too often. A violation is forgotten in [`VIOLATION_LASTS`].
    pub(crate) fn note_violation(&mut self, now: Instant) -> bool {
        let (count, since) = self.violations;
        let forgotten = now.since(since).as_millis() / VIOLATION_LASTS.as_millis();
        let count = count.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX)) + 1;
        let since = if forgotten > 0 || count == 1 { now } else { since };
        self.violations = (count, since);
        count >= VIOLATIONS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(100_000 + millis)
    }

    fn link(timing: &Timing) -> Link {
        let mut link = Link::new(LinkId(1), PeerId::from_bytes([1; 32]), at(0), timing);
        link.name = Some("Bob".into());
        link
    }

    #[test]
    fn a_quiet_link_is_pinged_and_a_silent_one_dead_within_ten_seconds() {
        let timing = Timing::default();
        let mut link = link(&timing);
        assert_eq!(link.due(at(2_499), &timing), None);
        assert_eq!(link.due(at(2_500), &timing), Some(Due::Ping { nonce: 1 }));
        assert_eq!(link.due(at(2_500), &timing), None);
        assert_eq!(link.due(at(5_000), &timing), Some(Due::Ping { nonce: 2 }));
        assert_eq!(link.due(at(7_500), &timing), Some(Due::Dead));
        assert!(timing.link_dead + timing.ping_interval <= Duration::from_secs(10));
    }

    #[test]
    fn anything_heard_keeps_a_link_alive() {
        let timing = Timing::default();
        let mut link = link(&timing);
        assert_eq!(link.due(at(2_500), &timing), Some(Due::Ping { nonce: 1 }));
        link.handle_heard(at(7_000), &Timing::default());
        assert_eq!(
            link.due(at(9_499), &timing),
            None,
            "not quiet for long enough to be asked"
        );
        assert_eq!(link.due(at(9_500), &timing), Some(Due::Ping { nonce: 2 }));
        assert_eq!(link.due(at(14_500), &timing), Some(Due::Dead));
    }

    #[test]
    fn only_the_pong_to_the_last_ping_measures() {
        let timing = Timing::default();
        let mut link = link(&timing);
        link.due(at(2_500), &timing);
        assert!(!link.on_pong(at(2_510), 7, &timing));
        assert!(link.on_pong(at(2_540), 1, &timing));
        assert_eq!(link.round_trip(), Some(Duration::from_millis(40)));
        assert!(!link.on_pong(at(2_900), 1, &timing), "a replayed pong");
    }

    #[test]
    fn a_lost_path_waits_for_itself_first_and_a_failed_one_does_not() {
        let timing = Timing::default();
        let mut link = link(&timing);
        link.handle_path(at(100), Path::Disconnected, &timing);
        assert_eq!(link.due(at(1_099), &timing), None);
        assert_eq!(link.due(at(1_100), &timing), Some(Due::Restart));
        assert_eq!(link.due(at(1_101), &timing), None);
        link.handle_path(at(2_200), Path::Connected, &timing);
        link.handle_heard(at(2_200), &Timing::default());
        link.handle_path(at(2_300), Path::Failed, &timing);
        assert_eq!(link.due(at(2_300), &timing), Some(Due::Restart));
    }

    #[test]
    fn after_sleep_a_link_gets_a_moment_to_prove_itself() {
        let timing = Timing::default();
        let mut link = link(&timing);
        let woken = at(3_600_000);
        link.grant_grace(woken, &timing);
        assert_eq!(link.due(woken, &timing), Some(Due::Ping { nonce: 1 }));
        assert_eq!(link.due(woken + Duration::from_millis(2_400), &timing), None);
        assert_eq!(link.due(woken + timing.sleep_grace, &timing), Some(Due::Dead));
    }

    #[test]
    fn a_peer_without_a_hello_and_one_with_too_many_violations_are_dropped() {
        let timing = Timing::default();
        let mut link = Link::new(LinkId(1), PeerId::from_bytes([1; 32]), at(0), &timing);
        link.handle_heard(at(4_000), &Timing::default());
        link.ping_at = at(60_000);
        assert_eq!(link.due(at(5_000), &timing), Some(Due::Dead));
        assert_eq!(
            (1..=VIOLATIONS_MAX).filter(|_| link.note_violation(at(5_000))).count(),
            1
        );
    }

    #[test]
    fn violations_are_forgotten_one_a_minute() {
        let mut link = Link::new(LinkId(1), PeerId::from_bytes([1; 32]), at(0), &Timing::default());
        let minute = |minutes: u64| at(minutes * 60_000);
        let often = (0..100).filter(|minutes| link.note_violation(minute(*minutes))).count();
        assert_eq!(often, 0);
        let at_once = (0..VIOLATIONS_MAX).filter(|_| link.note_violation(minute(200)));
        assert_eq!(at_once.count(), 1);
        assert!(!link.note_violation(minute(205)));
    }
}
