//! A contact: a peer we have, had or want a link with, its link, the attempt at one, and what came of the attempts before.
//!
//! Invariant: a contact has at most one link and one attempt. A link that was *released* lingers until its goodbye was heard; it takes
//! no slot and counts for nothing any more.

use std::time::Duration;

use chacha20::ChaCha20Rng;
use shared::SessionId;

use super::{budget::Cause, link::Link, session::Session};
use crate::{
    back_off::{back_off, jittered},
    config::{ATTEMPT_BURST, ATTEMPT_SPACING, EXPLAIN_AFTER, RELAY_AFTER, Timing},
    door::LinkState,
    io::{Instant, LinkId, ServerId},
    model::Obstacle,
};

/// What carries an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// A rendezvous server.
    Server(ServerId),
    /// Other peers: see [`routing`](crate::room::routing).
    Mesh,
    /// The browser, between its tabs.
    Nearby,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Contact {
    via: Option<Via>,
    nearby: bool,
    attempt: Option<Session>,
    open: Option<Box<Open>>,
    /// Failed attempts in a row.
    failures: u32,
    /// Since when attempts follow each other without a link.
    sought_since: Option<Instant>,
    /// What stands in the way, once the room was told.
    obstacle: Option<Obstacle>,
    /// What the last attempt of this search that was agreed on and failed found to stand in the way.
    verdict: Option<Obstacle>,
    retry_at: Option<Instant>,
    /// Until when failed attempts are followed by another.
    wanted_until: Instant,
    /// Until when nothing is accepted from it.
    shunned_until: Option<Instant>,
    /// Until when the attempts that it made us start use up what it may.
    attempts_until: Instant,
    /// Links in a row that were lost soon after they had opened.
    brief: u32,
    purpose: Purpose,
    /// What caused its attempt, if that was charged.
    charged: Option<Cause>,
    /// The version we cannot talk to that the person was told of.
    told_version: Option<u16>,
}

/// An open link with the session it came of, which goes on for ICE restarts.
#[derive(Debug)]
struct Open {
    link: Link,
    session: Session,
    released: bool,
}

/// A link that is closed.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) link: Link,
    /// Whether it was in use until now.
    pub(crate) was_in_use: bool,
}

impl Contact {
    pub(crate) fn new(via: Option<Via>, wanted_until: Instant) -> Self {
        Self {
            via,
            nearby: false,
            attempt: None,
            open: None,
            failures: 0,
            sought_since: None,
            obstacle: None,
            verdict: None,
            retry_at: None,
            wanted_until,
            shunned_until: None,
            attempts_until: Instant::default(),
            brief: 0,
            purpose: Purpose::Mesh,
            charged: None,
            told_version: None,
        }
    }

    // --- what is known of it ---

    /// How it was last heard of, or is being reached.
    pub(crate) fn via(&self) -> Option<Via> {
        self.via
    }

    pub(crate) fn set_via(&mut self, via: Via) {
        self.via = Some(via);
    }

    /// Whether it is a tab of this browser.
    pub(crate) fn is_nearby(&self) -> bool {
        self.nearby
    }

    pub(crate) fn note_nearby(&mut self) {
        self.nearby = true;
    }

    /// It is wanted until then.
    pub(crate) fn want(&mut self, until: Instant) {
        self.wanted_until = until;
    }

    pub(crate) fn wanted_until(&self) -> Instant {
        self.wanted_until
    }

    /// Whether failed attempts are followed by another.
    pub(crate) fn is_wanted(&self, now: Instant) -> bool {
        now < self.wanted_until
    }

    /// What a link with it is for.
    pub(crate) fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(crate) fn set_purpose(&mut self, purpose: Purpose) {
        self.purpose = purpose;
    }

    /// Failed attempts in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether nothing is accepted from it.
    pub(crate) fn is_shunned(&self, now: Instant) -> bool {
        self.shunned_until.is_some_and(|until| now < until)
    }

    /// Whether it takes one of our slots for links.
    pub(crate) fn uses_slot(&self) -> bool {
        self.attempt.is_some() || self.is_linked()
    }

    /// Whether nothing speaks against an attempt, should it be wanted.
    pub(crate) fn is_free(&self, now: Instant) -> bool {
        let waits = self.retry_at.is_some_and(|at| now < at);
        !self.uses_slot() && !waits && !self.is_shunned(now)
    }

    /// Whether it is worth an attempt now.
    pub(crate) fn is_eligible(&self, now: Instant) -> bool {
        self.is_free(now) && self.is_wanted(now)
    }

    /// Whether it is being reached through a server, which says if it is not there.
    pub(crate) fn is_named(&self) -> bool {
        matches!(self.via, Some(Via::Server(_)))
    }

    // --- the attempt ---

    pub(crate) fn attempt(&self) -> Option<&Session> {
        self.attempt.as_ref()
    }

    /// Whether the attempt began by this server's last socket and got stale with it: what was sent on a former socket may have got
    /// lost. `via_before`: how the peer was being reached.
    pub(crate) fn is_stale(
        &self,
        via_before: Option<Via>,
        server: ServerId,
        registered_since: Option<Instant>,
    ) -> bool {
        let by_it = via_before.is_none_or(|via| via == Via::Server(server));
        let older = |session: &Session| {
            session.is_unanswered() && registered_since.is_some_and(|since| session.started() < since)
        };
        by_it && self.attempt.as_ref().is_some_and(older)
    }

    /// When the attempt began, if nobody has answered it yet and no server would say that nobody is there.
    pub(crate) fn unanswered_since(&self) -> Option<Instant> {
        let attempt = self.attempt.as_ref().filter(|session| !session.is_agreed())?;
        (!self.is_linked() && !self.is_named()).then(|| attempt.started())
    }

    /// Whether there is a link, or as good as.
    pub(crate) fn is_agreed(&self) -> bool {
        let agreed = |session: &Session| session.is_agreed() || self.is_named();
        self.is_linked() || self.attempt.as_ref().is_some_and(agreed)
    }

    /// An attempt is under way from now on.
    pub(crate) fn begin(&mut self, session: Session) {
        if !self.is_linked() {
            self.sought_since.get_or_insert(session.started());
        }
        self.attempt = Some(session);
        self.retry_at = None;
    }

    /// The attempt is over, for no fault of anybody.
    pub(crate) fn end_attempt(&mut self) -> Option<Session> {
        self.attempt.take()
    }

    /// The session with this id, under way or of the link.
    pub(crate) fn session_with(&mut self, id: SessionId) -> Option<&mut Session> {
        let open = self.open.as_mut().filter(|open| !open.released);
        let linked = open.map(|open| &mut open.session);
        self.attempt
            .as_mut()
            .into_iter()
            .chain(linked)
            .find(|session| session.id() == id)
    }

    /// The session whose link this is, under way or open.
    pub(crate) fn session_of(&self, link: LinkId) -> Option<SessionId> {
        let sessions = self.attempt.iter().chain(self.linked_session());
        sessions
            .into_iter()
            .find(|session| session.link() == link)
            .map(Session::id)
    }

    /// When the attempt is given up, or made again, or has to be explained.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let next = self.attempt.as_ref().map(Session::deadline).or(self.retry_at);
        next.into_iter().chain(self.explain_at()).min()
    }

    /// When it has to be said why there is no link yet, if it was not and can be.
    fn explain_at(&self) -> Option<Instant> {
        self.sought_since
            .filter(|_| self.obstacle.is_none() && self.judged().is_some())
            .map(|since| since + EXPLAIN_AFTER)
    }

    /// What seems to stand in the way. An attempt that was not agreed on says less than one before it that was.
    fn judged(&self) -> Option<Obstacle> {
        let attempt = self.attempt.as_ref()?;
        let before = self.verdict.filter(|_| !attempt.is_agreed());
        before.or(attempt.obstacle())
    }

    /// Finds what stands in the way of an attempt that has gone on for too long. Says whether that is new.
    pub(crate) fn explain(&mut self, now: Instant) -> bool {
        let is_due = self.explain_at().is_some_and(|at| now >= at);
        if is_due {
            self.obstacle = self.judged();
        }
        is_due
    }

    /// Whether it was sought for long enough without a relay.
    pub(crate) fn needs_relay(&self, now: Instant) -> bool {
        self.sought_since.is_some_and(|since| now.since(since) >= RELAY_AFTER)
    }

    /// Whether the room was told of something that stands in the way.
    pub(crate) fn is_blocked(&self) -> bool {
        self.obstacle.is_some()
    }

    /// How it stands with somebody we have no link with, as the room is told.
    pub(crate) fn search_state(&self) -> LinkState {
        match self.obstacle {
            Some(obstacle) => LinkState::Blocked(obstacle),
            None if self.attempt.is_some() => LinkState::Connecting,
            None => LinkState::None,
        }
    }

    /// It is sought no longer, or a new search begins. Says whether something was said to stand in the way.
    pub(crate) fn end_search(&mut self) -> bool {
        (self.sought_since, self.verdict) = (None, None);
        self.obstacle.take().is_some()
    }

    /// Ends a search that nothing goes on with. Says whether there was one.
    pub(crate) fn end_idle_search(&mut self) -> bool {
        let is_idle = self.sought_since.is_some() && self.attempt.is_none() && self.retry_at.is_none();
        if is_idle {
            self.end_search();
        }
        is_idle
    }

    /// It is time for another attempt: it need not be waited for any more.
    pub(crate) fn end_wait(&mut self) {
        self.retry_at = None;
    }

    /// The attempt failed; another follows after a wait, as long as the peer is wanted.
    pub(crate) fn fail(&mut self, now: Instant, timing: &Timing, rng: &mut ChaCha20Rng) {
        let failed = self.attempt.take();
        let wait = back_off(self.failures, timing.session_retry_min, timing.session_retry_max);
        self.failures = self.failures.saturating_add(1);
        let retry_at = now + jittered(wait, rng);
        self.retry_at = Some(retry_at).filter(|at| *at < self.wanted_until);
        // Of the next attempts some are answered and some are not: only one that was says more than those before it.
        if let Some(session) = failed.filter(Session::is_agreed) {
            self.verdict = session.obstacle();
            self.obstacle = self.obstacle.and(self.verdict);
        }
        if self.retry_at.is_none() {
            // Nobody tries any more, so nothing is in the way.
            self.end_search();
        }
    }

    /// It has no slot for us: it is asked again after `wait`. It is not forgotten before, for in a small room there may be nobody
    /// else.
    pub(crate) fn defer(&mut self, now: Instant, wait: Duration, timing: &Timing) {
        self.end_search();
        self.retry_at = Some(now + wait);
        self.wanted_until = now + wait + timing.session_retry_for;
    }

    /// It is not sought before then, but may come by itself. Says whether it was sought.
    pub(crate) fn rest_until(&mut self, until: Instant) -> bool {
        self.retry_at = Some(until);
        let was_sought = self.sought_since.is_some();
        self.end_search();
        was_sought
    }

    /// It left by itself: it is not tried again.
    pub(crate) fn unwant(&mut self, now: Instant) {
        self.end_search();
        self.retry_at = None;
        self.wanted_until = now;
    }

    /// Nothing is accepted from it for a while.
    pub(crate) fn shun(&mut self, until: Instant) {
        self.end_search();
        self.shunned_until = Some(until);
        self.retry_at = None;
    }

    /// Its next attempt is charged to this cause, or what is left of the last one to nobody any more. Gives the cause before.
    pub(crate) fn charge(&mut self, cause: Option<Cause>) -> Option<Cause> {
        std::mem::replace(&mut self.charged, cause)
    }

    /// Whether it may make us start an attempt now: a leaky bucket, kept as the time at which it will be empty (GCRA, ITU-T I.371).
    pub(crate) fn may_attempt(&self, now: Instant) -> bool {
        self.attempts_until.max(now) <= now + ATTEMPT_SPACING * (ATTEMPT_BURST - 1)
    }

    /// It makes us start an attempt.
    pub(crate) fn count_attempt(&mut self, now: Instant) {
        self.attempts_until = self.attempts_until.max(now) + ATTEMPT_SPACING;
    }

    /// It speaks a version that we do not. Says whether the person does not know that yet.
    pub(crate) fn note_version(&mut self, theirs: u16) -> bool {
        self.told_version.replace(theirs) != Some(theirs)
    }

    /// It speaks our version, by now.
    pub(crate) fn accept_version(&mut self) {
        self.told_version = None;
    }

    // --- the link ---

    /// Whether there is a link in use.
    pub(crate) fn is_linked(&self) -> bool {
        self.linked_session().is_some()
    }

    fn linked_session(&self) -> Option<&Session> {
        let open = self.open.as_ref().filter(|open| !open.released);
        open.map(|open| &open.session)
    }

    /// The session of the link in use, for its ICE restarts.
    pub(crate) fn linked_session_mut(&mut self) -> Option<&mut Session> {
        let open = self.open.as_mut().filter(|open| !open.released);
        open.map(|open| &mut open.session)
    }

    /// The open link, in use or not.
    pub(crate) fn link(&self) -> Option<&Link> {
        self.open.as_ref().map(|open| &open.link)
    }

    pub(crate) fn link_mut(&mut self) -> Option<&mut Link> {
        self.open.as_mut().map(|open| &mut open.link)
    }

    /// The attempt's channel is open: it becomes the link. Gives the one before.
    pub(crate) fn open(&mut self, link: Link) -> Option<Closed> {
        let session = self.attempt.take_if(|session| session.link() == link.id())?;
        self.failures = 0;
        self.end_search();
        let before = self.close();
        self.open = Some(Box::new(Open {
            link,
            session,
            released: false,
        }));
        before
    }

    /// Takes the link out of use whose goodbye was said. Gives its id if it was in use.
    pub(crate) fn release(&mut self) -> Option<LinkId> {
        let open = self.open.as_mut().filter(|open| !open.released)?;
        open.released = true;
        Some(open.link.id())
    }

    /// The link is closed.
    pub(crate) fn close(&mut self) -> Option<Closed> {
        let open = *self.open.take()?;
        Some(Closed {
            link: open.link,
            was_in_use: !open.released,
        })
    }

    /// The link was lost after `age`: gives how long to wait before the next attempt, which is no time at all for the first one if the
    /// peer is the only one. A link that opens and closes all the time would use up the browser's connections.
    pub(crate) fn lose(
        &mut self,
        now: Instant,
        age: Duration,
        alone: Alone,
        timing: &Timing,
        rng: &mut ChaCha20Rng,
    ) -> Duration {
        self.brief = if age < timing.link_dead {
            self.brief.saturating_add(1)
        } else {
            1
        };
        let (min, max) = (timing.session_retry_min, timing.session_retry_max);
        let wait = match (self.brief, alone) {
            (1, Alone::Yes) => Duration::ZERO,
            (1, Alone::No) => jittered(min, rng),
            (brief, _) => jittered(back_off(brief - 2, min, max), rng),
        };
        self.wanted_until = now + timing.session_retry_for;
        self.retry_at = Some(now + wait);
        wait
    }
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be one of the links that hold the room together.
    Mesh,
    /// To fetch files from a peer with whom the mesh needs no link.
    Files,
}

/// Whether there is nobody else to link with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alone {
    Yes,
    No,
}

#[cfg(test)]
mod tests;
