//! Setting up one link to one peer: what is awaited, when it is given up.
//!
//! Whoever wants the link offers, and restarts ICE later on:
//!
//! ```text
//! offerer                        answerer
//!   |  Dial -> offer                   |
//!   |  ------------- Offer ----------> |
//!   |                 Accept -> answer |
//!   |  <------------ Answer ---------- |
//!   |  <--------- Candidates --------> |
//!   |  ======== channel open ======== |
//! ```
//!
//! A session is one attempt; it has an id, one link of the driver and a deadline. What comes after a failure is decided by
//! [`Attempts`](super::attempts::Attempts).

use std::time::Duration;

use shared::{PeerId, SessionId, signal::IceServer, signal::PROTOCOL_VERSION};

use super::evidence::Evidence;
use crate::{
    config::{CANDIDATES_MAX, Timing},
    context::Context,
    io::{Candidate, Instant, LinkId, Output, TransportPolicy},
    model::Obstacle,
    wire::{
        binding::Binding,
        candidate::{self, Loopback},
        envelope::Body,
        sdp,
    },
};

/// Whether the offer is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The offer, or the invitation, is ours.
    Offerer,
    /// It is the peer's.
    Answerer,
}

/// The certificates that the two descriptions of a session name, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Certificates {
    ours: String,
    theirs: String,
}

impl Certificates {
    /// Our description is known.
    pub(crate) fn note_ours(&mut self, sdp: &str) {
        self.ours = sdp::certificate(sdp);
    }

    /// The peer's description is known.
    pub(crate) fn note_theirs(&mut self, sdp: &str) {
        self.theirs = sdp::certificate(sdp);
    }
}

/// What a session asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// For the driver.
    Output(Output),
    /// To the peer, in an envelope of this session.
    Send(Body),
}

/// One attempt to link.
#[derive(Debug)]
pub(crate) struct Session {
    id: SessionId,
    link: LinkId,
    role: Role,
    stage: Stage,
    /// Whether we have few links.
    urgent: bool,
    started: Instant,
    /// How long it may take in all.
    timeout: Duration,
    deadline: Instant,
    /// Counts ICE restarts; an answer must name the round it answers.
    round: u32,
    /// Found before our description was sent, and to be sent after it.
    held_candidates: Vec<Candidate>,
    certificates: Certificates,
    loopback: Loopback,
    transport_policy: TransportPolicy,
    evidence: Evidence,
    /// How many candidates of the peer's were handed to the driver in this round.
    taken: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The driver is making our description.
    Describing,
    /// Offerer: the answer is awaited.
    Offered,
    /// Both descriptions are known; the channel is about to open, or is open.
    Agreed,
}

impl Session {
    /// Starts an attempt with an offer of ours.
    pub(crate) fn start(
        cx: &Context,
        id: SessionId,
        link: LinkId,
        ice_servers: Vec<IceServer>,
        urgent: bool,
        out: &mut Vec<Action>,
    ) -> Self {
        let evidence = Evidence::of(&ice_servers);
        out.push(Action::Output(Output::Dial { link, ice_servers }));
        Self {
            stage: Stage::Describing,
            urgent,
            evidence,
            ..Self::agreed(cx, Role::Offerer, id, link, Certificates::default())
        }
    }

    /// Goes on with an attempt that was agreed on by hand.
    pub(crate) fn agreed(cx: &Context, role: Role, id: SessionId, link: LinkId, certificates: Certificates) -> Self {
        Self {
            id,
            link,
            role,
            stage: Stage::Agreed,
            urgent: true,
            started: cx.instant(),
            timeout: cx.timing.session_timeout,
            deadline: cx.instant() + cx.timing.session_timeout,
            round: 0,
            held_candidates: Vec::new(),
            certificates,
            loopback: Loopback::Refused,
            transport_policy: cx.transport_policy,
            evidence: Evidence::default(),
            taken: 0,
        }
    }

    /// Starts an attempt with a peer's offer.
    pub(crate) fn answer(
        cx: &Context,
        id: SessionId,
        link: LinkId,
        ice_servers: Vec<IceServer>,
        sdp: String,
        out: &mut Vec<Action>,
    ) -> Self {
        let mut certificates = Certificates::default();
        certificates.note_theirs(&sdp);
        let evidence = Evidence::of(&ice_servers);
        out.push(Action::Output(Output::Accept { link, ice_servers, sdp }));
        Self {
            stage: Stage::Describing,
            urgent: false,
            evidence,
            ..Self::agreed(cx, Role::Answerer, id, link, certificates)
        }
    }

    /// The same, with what is known already of the networks of both.
    pub(crate) fn with_evidence(self, evidence: Evidence) -> Self {
        Self { evidence, ..self }
    }

    /// The same, with so much time in all.
    pub(crate) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.deadline = self.started + timeout;
        self
    }

    /// Its id.
    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// What we vouch for at our end of the open link, which leads to `peer`.
    pub(crate) fn binding(&self, me: PeerId, peer: PeerId) -> Binding {
        Binding {
            session: self.id,
            from: me,
            to: peer,
            own_certificate: self.certificates.ours.clone(),
            other_certificate: self.certificates.theirs.clone(),
        }
    }

    /// The driver's link.
    pub(crate) fn link(&self) -> LinkId {
        self.link
    }

    /// When it began.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// When it has failed unless the link is open.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether our offer was sent and not answered yet.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.stage == Stage::Offered
    }

    /// Whether this is an offer of ours that is still being made, or younger than `window`. Also if it was answered: what the peer sent
    /// before it answered may arrive later, by another carrier.
    pub(crate) fn is_offering(&self, now: Instant, window: Duration) -> bool {
        let young = self.stage == Stage::Describing || now.since(self.started) < window;
        self.role == Role::Offerer && young
    }

    /// Whether both descriptions are known.
    pub(crate) fn is_agreed(&self) -> bool {
        self.stage == Stage::Agreed
    }

    /// What stands in the way of the link, should it not come about, if that can be told: who answers an offer has not been kept waiting.
    pub(crate) fn obstacle(&self) -> Option<Obstacle> {
        if self.is_agreed() || self.evidence.lacks_relay(self.transport_policy) {
            Some(self.evidence.obstacle(self.transport_policy))
        } else {
            (self.role == Role::Offerer).then_some(Obstacle::NoAnswer)
        }
    }

    /// Whether this side restarts ICE when the path is lost. Also when an earlier restart was not answered: its offer or
    /// the answer may have been lost on the way, and a newer offer takes its place.
    pub(crate) fn restarts(&self) -> bool {
        let unanswered = self.stage == Stage::Offered && self.round > 0;
        self.role == Role::Offerer && (self.is_agreed() || unanswered)
    }

    /// Makes a new offer for the open link, with fresh ICE credentials.
    pub(crate) fn restart(&mut self, ice_servers: Vec<IceServer>, out: &mut Vec<Action>) {
        (self.round, self.taken) = (self.round + 1, 0);
        self.stage = Stage::Describing;
        let link = self.link;
        out.push(Action::Output(Output::RestartIce { link, ice_servers }));
    }

    /// The driver made our description.
    pub(crate) fn handle_description(&mut self, sdp: String, now: Instant, timing: &Timing, out: &mut Vec<Action>) {
        if self.stage != Stage::Describing {
            return;
        }
        let sdp = sdp::without_candidates(&sdp);
        self.certificates.note_ours(&sdp);
        match self.role {
            Role::Offerer => {
                self.stage = Stage::Offered;
                // Who is there answers soon; what then takes time is finding a path.
                if self.round == 0 {
                    self.deadline = self.deadline.min(now + timing.answer_timeout);
                }
                out.push(Action::Send(Body::Offer {
                    version: PROTOCOL_VERSION,
                    round: self.round,
                    sdp,
                    urgent: self.urgent,
                }));
            }
            Role::Answerer => {
                self.stage = Stage::Agreed;
                out.push(Action::Send(Body::Answer { round: self.round, sdp }));
            }
        }
        let held = std::mem::take(&mut self.held_candidates);
        send_candidates(held, out);
    }

    /// The driver found candidates.
    pub(crate) fn handle_candidates(&mut self, candidates: Vec<Candidate>, out: &mut Vec<Action>) {
        if candidates.iter().any(candidate::is_loopback) {
            self.loopback = Loopback::Shown;
        }
        let shown = |found| candidate::shown(found, self.loopback, self.transport_policy);
        let candidates: Vec<_> = candidates.into_iter().filter_map(shown).collect();
        self.evidence.ours.note(&candidates);
        if self.stage == Stage::Describing {
            self.held_candidates.extend(candidates);
        } else {
            send_candidates(candidates, out);
        }
    }

    /// The peer answered. Says whether the answer was awaited.
    pub(crate) fn on_answer(&mut self, round: u32, sdp: String, out: &mut Vec<Action>) -> bool {
        if self.stage != Stage::Offered || round != self.round {
            return false;
        }
        if self.round == 0 {
            self.certificates.note_theirs(&sdp);
        } else if self.certificates.theirs != sdp::certificate(&sdp) {
            return false;
        }
        self.stage = Stage::Agreed;
        self.deadline = self.deadline.max(self.started + self.timeout);
        out.push(Action::Output(Output::RemoteAnswer { link: self.link, sdp }));
        true
    }

    /// The peer made a further offer for this session: an ICE restart. Says whether it was acceptable.
    pub(crate) fn on_restart(
        &mut self,
        round: u32,
        sdp: String,
        ice_servers: Vec<IceServer>,
        out: &mut Vec<Action>,
    ) -> bool {
        let restarts = self.role == Role::Answerer && self.stage == Stage::Agreed && round > self.round;
        // A link never goes on with another certificate.
        if !restarts || self.certificates.theirs != sdp::certificate(&sdp) {
            return false;
        }
        (self.round, self.taken) = (round, 0);
        self.stage = Stage::Describing;
        out.push(Action::Output(Output::Accept {
            link: self.link,
            ice_servers,
            sdp,
        }));
        true
    }

    /// The peer found candidates.
    pub(crate) fn on_candidates(&mut self, candidates: Vec<Candidate>, out: &mut Vec<Action>) {
        let room = CANDIDATES_MAX - self.taken;
        let usable = |found: &Candidate| candidate::is_usable(found, self.loopback);
        let candidates: Vec<_> = candidates.into_iter().filter(usable).take(room).collect();
        self.taken += candidates.len();
        self.evidence.theirs.note(&candidates);
        if !candidates.is_empty() {
            let link = self.link;
            out.push(Action::Output(Output::RemoteCandidates { link, candidates }));
        }
    }
}

/// Sends candidates in envelopes of an accepted size.
fn send_candidates(candidates: Vec<Candidate>, out: &mut Vec<Action>) {
    for chunk in candidates.chunks(CANDIDATES_MAX) {
        out.push(Action::Send(Body::Candidates {
            candidates: chunk.to_vec(),
        }));
    }
}

#[cfg(test)]
mod tests;
