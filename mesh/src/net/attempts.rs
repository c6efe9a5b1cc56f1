//! Attempts to link: one is started or answered, works, fails and is followed by another.
//!
//! The next attempt comes after growing waits, for as long as its peer is wanted. Owns: the ids of sessions and the waits between
//! attempts. Not here: whom to link with ([`membership`](super::membership)), what carries an envelope ([`carriers`](super::carriers)),
//! and what becomes of open links ([`active_view`](super::active_view)).
//!
//! Invariant: links and attempts go to at most [`LINKS_MAX`](shared::limits::LINKS_MAX) peers.

use std::time::Duration;

use chacha20::ChaCha20Rng;
use shared::{
    PeerId, SessionId,
    signal::{IceServer, PROTOCOL_VERSION},
};

use super::{
    budget::{Budget, Cause},
    contact::{Alone, Contact, Purpose, Via},
    membership::{Need, grants},
    scope::{Event, Scope},
    session::{Action, Session},
};
use crate::{
    back_off::jittered,
    config::{FULL_RETRY, LINKS_MIN, RELAY_AFTER, Timing},
    door::LinkState,
    io::{Candidate, LinkId, Output, TransportPolicy},
    model::Alert,
    random::{Stream, stream},
    wire::envelope::{Body, DeclineReason, Envelope},
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Attempts {
    rng: ChaCha20Rng,
    /// What others may cause.
    budget: Budget,
}

impl Attempts {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            rng: stream(seed, Stream::Attempts),
            budget: Budget::default(),
        }
    }

    /// Starts an attempt if something carries it and a slot is free.
    pub(crate) fn start(&mut self, net: &mut Scope<'_>, peer: PeerId, via: Option<Via>, ice_servers: Vec<IceServer>) {
        let id = SessionId::random(&mut self.rng);
        let (Some(via), Some(contact)) = (via, net.peers.get_mut(&peer)) else {
            return;
        };
        contact.set_via(via);
        if !net.peers.has_slot_for(&peer) {
            return;
        }
        // One for files is asked of nodes that have enough links for the mesh.
        let is_granted = |contact: &Contact| contact.is_linked() || contact.purpose() == Purpose::Files;
        let granted = net.peers.get(&peer).is_some_and(is_granted);
        let urgent = granted || net.peers.slots_used() < LINKS_MIN;
        let (link, mut actions) = (net.peers.next_link(), Vec::new());
        let (ice_servers, timeout) = asked(net, &peer, ice_servers);
        let session = Session::start(net.cx, id, link, ice_servers, urgent, &mut actions).within(timeout);
        self.adopt(net, peer, session, actions);
    }

    /// Answers a peer's offer.
    pub(crate) fn answer(
        &self,
        net: &mut Scope<'_>,
        peer: PeerId,
        id: SessionId,
        sdp: String,
        ice_servers: Vec<IceServer>,
    ) {
        let link = net.peers.next_link();
        let mut actions = Vec::new();
        let (ice_servers, timeout) = asked(net, &peer, ice_servers);
        let session = Session::answer(net.cx, id, link, ice_servers, sdp, &mut actions).within(timeout);
        self.adopt(net, peer, session, actions);
    }

    /// Goes on with a session that was made elsewhere: it is the attempt from now on.
    pub(crate) fn adopt(&self, net: &mut Scope<'_>, peer: PeerId, session: Session, actions: Vec<Action>) {
        let id = session.id();
        if let Some(contact) = net.peers.get_mut(&peer) {
            contact.begin(session);
            if !contact.is_linked() {
                net.out.link_state(peer, contact.search_state());
            }
        }
        act(net, peer, id, actions);
    }

    /// Lets one session work, then does what it asks for. `work` says whether it could use what came.
    pub(crate) fn with_session(
        &self,
        net: &mut Scope<'_>,
        peer: PeerId,
        id: SessionId,
        work: impl FnOnce(&mut Session, &Timing, &mut Vec<Action>) -> bool,
    ) {
        let session = net.peers.get_mut(&peer).and_then(|contact| contact.session_with(id));
        let mut actions = Vec::new();
        if !session.is_some_and(|session| work(session, &net.cx.timing, &mut actions)) {
            // Of a session that is over, or out of turn: late more often than wrong.
            net.cx.counters.envelopes_refused += 1;
        }
        act(net, peer, id, actions);
    }

    /// An envelope came that counts.
    pub(crate) fn handle_envelope(
        &mut self,
        net: &mut Scope<'_>,
        via: Via,
        cause: Cause,
        envelope: Envelope,
        ice_servers: Vec<IceServer>,
    ) {
        let Envelope {
            from,
            session: id,
            body,
            ..
        } = envelope;
        let now = net.cx.instant();
        if net.peers.get(&from).is_some_and(|contact| contact.is_shunned(now)) {
            net.cx.counters.envelopes_refused += 1;
            return;
        }
        match body {
            Body::Offer {
                version,
                round: 0,
                sdp,
                urgent,
            } => {
                if !prevails(net, &from) && self.admit(net, (via, cause), from, id, version, urgent) {
                    self.drop(net, &from);
                    self.answer(net, from, id, sdp, ice_servers);
                }
            }
            Body::Offer { round, sdp, .. } => self.with_session(net, from, id, |session, _, actions| {
                session.on_restart(round, sdp, ice_servers, actions)
            }),
            Body::Answer { round, sdp } => self.with_session(net, from, id, |session, _, actions| {
                session.on_answer(round, sdp, actions)
            }),
            Body::Candidates { candidates } => self.with_session(net, from, id, |session, _, actions| {
                session.on_candidates(candidates, actions);
                true
            }),
            Body::Decline { reason, version } => self.on_declined(net, from, id, reason, version),
            // These go by hand, to whoever awaits them.
            Body::Invitation { .. } | Body::Acceptance { .. } => net.cx.counters.envelopes_refused += 1,
        }
    }

    fn on_declined(&self, net: &mut Scope<'_>, from: PeerId, id: SessionId, reason: DeclineReason, theirs: u16) {
        let attempt = net.peers.get(&from).and_then(|contact| contact.attempt());
        if attempt.is_none_or(|attempt| attempt.id() != id) {
            return;
        }
        match reason {
            DeclineReason::Full => net.out.push(Event::Refused { peer: from }),
            DeclineReason::Version => refuse_version(net, from, theirs),
        }
    }

    /// The driver made a description.
    pub(crate) fn handle_description(&self, net: &mut Scope<'_>, link: LinkId, sdp: String) {
        let now = net.cx.instant();
        if let Some((peer, id)) = net.peers.session_of(link) {
            self.with_session(net, peer, id, |session, timing, actions| {
                session.handle_description(sdp, now, timing, actions);
                true
            });
        }
    }

    /// The driver found candidates.
    pub(crate) fn handle_candidates(&self, net: &mut Scope<'_>, link: LinkId, candidates: Vec<Candidate>) {
        // That there are no more is of use only to what goes by hand.
        let candidates = candidates.into_iter();
        let candidates: Vec<_> = candidates.filter(|candidate| !candidate.line.is_empty()).collect();
        if candidates.is_empty() {
            return;
        }
        if let Some((peer, id)) = net.peers.session_of(link) {
            self.with_session(net, peer, id, |session, _, actions| {
                session.handle_candidates(candidates, actions);
                true
            });
        }
    }

    /// Restarts ICE on the open link to `peer`, if that is our part. `via` carries the offer.
    pub(crate) fn restart_ice(&self, net: &mut Scope<'_>, peer: PeerId, via: Via, ice_servers: Vec<IceServer>) {
        let Some(contact) = net.peers.get_mut(&peer) else {
            return;
        };
        contact.set_via(via);
        let session = contact.linked_session_mut().filter(|session| session.restarts());
        if let Some(session) = session {
            let (id, mut actions) = (session.id(), Vec::new());
            session.restart(ice_servers, &mut actions);
            act(net, peer, id, actions);
        }
    }

    /// Gives up an attempt; another may follow.
    pub(crate) fn fail(&mut self, net: &mut Scope<'_>, peer: PeerId) {
        hang_up(net, &peer);
        self.note_failed(net, peer);
    }

    /// As [`Attempts::fail`], where the driver has closed the connection already.
    pub(crate) fn note_failed(&mut self, net: &mut Scope<'_>, peer: PeerId) {
        let now = net.cx.instant();
        let Some(contact) = net.peers.get_mut(&peer) else {
            return;
        };
        net.cx.counters.sessions_failed += 1;
        contact.fail(now, &net.cx.timing, &mut self.rng);
        if !contact.is_linked() {
            net.out.link_state(peer, contact.search_state());
        }
    }

    /// Says what stands in the way of an attempt, if it has gone on for too long.
    pub(crate) fn explain(&self, net: &mut Scope<'_>, peer: PeerId) {
        let now = net.cx.instant();
        if let Some(contact) = net.peers.get_mut(&peer)
            && contact.explain(now)
        {
            net.out.link_state(peer, contact.search_state());
        }
    }

    /// Nobody tries any more.
    pub(crate) fn end_search(&self, net: &mut Scope<'_>, peer: PeerId) {
        if let Some(contact) = net.peers.get_mut(&peer)
            && contact.end_search()
        {
            net.out.link_state(peer, LinkState::None);
        }
    }

    /// `peer` has no slot for us: it is left alone for a while.
    pub(crate) fn refused_by(&mut self, net: &mut Scope<'_>, peer: PeerId) {
        self.drop(net, &peer);
        let wait = jittered(FULL_RETRY, &mut self.rng);
        if let Some(contact) = net.peers.get_mut(&peer) {
            contact.defer(net.cx.instant(), wait, &net.cx.timing);
            if !contact.is_linked() {
                net.out.link_state(peer, contact.search_state());
            }
        }
    }

    /// A link was lost after `age`. Says whether the next attempt is to be started at once.
    pub(crate) fn lost(&mut self, net: &mut Scope<'_>, peer: &PeerId, age: Duration, alone: Alone) -> bool {
        let contact = net.peers.get_mut(peer);
        contact.is_some_and(|contact| {
            let wait = contact.lose(net.cx.instant(), age, alone, &net.cx.timing, &mut self.rng);
            wait.is_zero() && contact.attempt().is_none()
        })
    }

    /// Drops an attempt in favour of a newer one.
    pub(crate) fn drop(&self, net: &mut Scope<'_>, peer: &PeerId) {
        hang_up(net, peer);
        if let Some(contact) = net.peers.get_mut(peer) {
            contact.end_attempt();
        }
    }

    /// Drops every attempt.
    pub(crate) fn drop_all(&self, net: &mut Scope<'_>) {
        for peer in net.peers.iter().map(|(peer, _)| *peer).collect::<Vec<_>>() {
            self.drop(net, &peer);
        }
    }
}

/// What others may cause.
impl Attempts {
    /// Whether there may be another attempt for this cause, which is charged then.
    pub(crate) fn may_be_caused(&mut self, net: &mut Scope<'_>, peer: &PeerId, cause: Cause) -> bool {
        let charged = self.budget.take(net.cx.instant(), cause);
        if let Some(contact) = net.peers.get_mut(peer).filter(|_| charged.is_some()) {
            contact.charge(charged);
        }
        charged.is_some()
    }

    /// An attempt opened.
    pub(crate) fn note_opened(&mut self, net: &mut Scope<'_>, peer: &PeerId) {
        if let Some(cause) = net.peers.get_mut(peer).and_then(|contact| contact.charge(None)) {
            self.budget.give_back(cause);
        }
    }

    /// Whether a first offer is taken up: our version, not too often, and a slot for it.
    fn admit(
        &mut self,
        net: &mut Scope<'_>,
        (via, cause): (Via, Cause),
        from: PeerId,
        id: SessionId,
        version: u16,
        urgent: bool,
    ) -> bool {
        if version != PROTOCOL_VERSION {
            decline(net, via, from, id, DeclineReason::Version);
            refuse_version(net, from, version);
            return false;
        }
        let now = net.cx.instant();
        let slots_used = net.peers.slots_used();
        let contact = net.peers.want(net.cx, from, Some(via));
        let Some(contact) = contact.filter(|contact| contact.may_attempt(now)) else {
            net.cx.counters.envelopes_refused += 1;
            return false;
        };
        let need = if urgent { Need::High } else { Need::Low };
        let has_slot = contact.uses_slot() || grants(slots_used, need);
        if !has_slot || !self.may_be_caused(net, &from, cause) {
            decline(net, via, from, id, DeclineReason::Full);
            return false;
        }
        if let Some(contact) = net.peers.get_mut(&from) {
            contact.count_attempt(now);
        }
        true
    }
}

/// Which of these servers an attempt at `peer` asks, and how much time it has: relays come in only after an attempt without them, which is
/// the shorter for it.
fn asked(net: &Scope<'_>, peer: &PeerId, mut ice_servers: Vec<IceServer>) -> (Vec<IceServer>, Duration) {
    let contact = net.peers.get(peer);
    let needs_relay = net.cx.transport_policy == TransportPolicy::Relay
        || contact.is_some_and(|contact| contact.needs_relay(net.cx.instant()));
    if needs_relay || !ice_servers.iter().any(IceServer::is_relay) {
        return (ice_servers, net.cx.timing.session_timeout);
    }
    ice_servers.retain_mut(IceServer::drop_relays);
    (ice_servers, RELAY_AFTER)
}

fn decline(net: &mut Scope<'_>, via: Via, to: PeerId, session: SessionId, reason: DeclineReason) {
    let version = PROTOCOL_VERSION;
    let body = Body::Decline { reason, version };
    net.out.push(Event::Send { via, to, session, body });
}

/// `peer` speaks a version that we do not: it is not sought for a while. One that said so before there was a link may come by itself,
/// brought up to date.
pub(crate) fn refuse_version(net: &mut Scope<'_>, peer: PeerId, theirs: u16) {
    let quiet_until = net.cx.instant() + net.cx.timing.shun;
    hang_up(net, &peer);
    let Some(contact) = net.peers.want(net.cx, peer, None) else {
        return;
    };
    contact.end_attempt();
    // The alert says what is wrong: nothing else stands in the way.
    if contact.rest_until(quiet_until) {
        net.out.link_state(peer, LinkState::None);
    }
    if contact.note_version(theirs) {
        net.cx.alert(Alert::PeerVersion { peer, theirs });
    }
}

/// Whether our own offer to `peer` stands against one that comes from there. Where two offers cross, that of the lower id counts, and each
/// side can tell.
fn prevails(net: &Scope<'_>, peer: &PeerId) -> bool {
    let attempt = net.peers.get(peer).and_then(|contact| contact.attempt());
    let (now, window) = (net.cx.instant(), net.cx.timing.crossing_window);
    net.cx.me < *peer && attempt.is_some_and(|attempt| attempt.is_offering(now, window))
}

/// Does what a session asks for.
fn act(net: &mut Scope<'_>, peer: PeerId, id: SessionId, actions: Vec<Action>) {
    for action in actions {
        match action {
            Action::Output(output) => net.cx.output(output),
            Action::Send(body) => {
                if let Some(via) = net.peers.get(&peer).and_then(|contact| contact.via()) {
                    net.out.push(Event::Send {
                        via,
                        to: peer,
                        session: id,
                        body,
                    });
                }
            }
        }
    }
}

fn hang_up(net: &mut Scope<'_>, peer: &PeerId) {
    let attempt = net.peers.get(peer).and_then(|contact| contact.attempt());
    if let Some(session) = attempt {
        net.cx.output(Output::HangUp { link: session.link() });
    }
}

#[cfg(test)]
mod tests;
