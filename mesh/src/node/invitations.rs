//! Ways in without a server: an invitation handed over by a person, and the other tabs of the same browser.
//!
//! An invitation is a complete offer, sealed under the room's key and addressed to nobody; whoever has the room's link can answer it,
//! once. Both go by hand, as text. One link is enough: from there the newcomer hears who is here, and finds more through the mesh.

use shared::{PeerId, SessionId, signal::PROTOCOL_VERSION};

use super::{Node, Phase, signalling::Via};
use crate::{
    envelope::{ANYONE, Body, CANDIDATES_MAX, Envelope, EnvelopeError},
    frame::GoodbyeReason,
    io::{Candidate, Event, Instant, Invitation, InvitationError, LinkId, Now, Output},
    nearby::Nearby,
    session::{Role, Session},
};

/// How many invitations can be open at once; the oldest is withdrawn first. Each holds a connection of the browser.
const INVITATIONS_MAX: usize = 4;

/// How long candidates are gathered for a text that cannot be added to later, in milliseconds. Browsers say when they are
/// done; one that waits for a STUN server that does not answer would take much longer.
const GATHER_MILLIS: u64 = 3_000;

/// An invitation, or an answer to one, that is being made or waits.
#[derive(Debug)]
pub(super) struct Invited {
    session: SessionId,
    link: LinkId,
    /// Whom it answers; `None` if it is an invitation of ours.
    answers: Option<PeerId>,
    sdp: Option<String>,
    candidates: Vec<Candidate>,
    /// When it is handed out, complete or not; `None` once it was.
    gathered_at: Option<Instant>,
    until: Instant,
}

impl Invited {
    pub(super) fn poll_timeout(&self) -> Instant {
        // Without a description there is nothing to hand out yet.
        let gathered_at = self.gathered_at.filter(|_| self.sdp.is_some());
        gathered_at.map_or(self.until, |at| at.min(self.until))
    }
}

impl Node {
    /// Makes an invitation for one person, to be handed over by hand: [`Event::Invitation`] brings its text.
    ///
    /// # Errors
    /// [`InvitationError::Left`].
    pub fn invite(&mut self, now: Now) -> Result<(), InvitationError> {
        self.advance(now);
        if self.phase != Phase::Here {
            return Err(InvitationError::Left);
        }
        let session = SessionId::random(&mut self.random.invitations);
        let link = self.push_invited(session, None);
        let ice_servers = self.ice_servers();
        self.outbox.push_back(Output::Dial { link, ice_servers });
        Ok(())
    }

    /// Takes an invitation, or the answer to one of ours, whichever `text` is. An invitation is answered with
    /// [`Event::InvitationAnswer`]; after an answer the link opens.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub fn take_invitation(&mut self, now: Now, text: &str) -> Result<Invitation, InvitationError> {
        self.advance(now);
        if self.phase != Phase::Here {
            return Err(InvitationError::Left);
        }
        // People copy line breaks and spaces along.
        let text: String = text.split_whitespace().collect();
        let envelope = match Envelope::open(&text, &ANYONE, &self.room) {
            Err(EnvelopeError::Sealed) => Envelope::open(&text, &self.me, &self.room),
            opened => opened,
        };
        let envelope = envelope.map_err(|error| match error {
            EnvelopeError::Sealed if text.len() < 200 => InvitationError::Damaged,
            EnvelopeError::Sealed => InvitationError::OtherRoom,
            EnvelopeError::Forged | EnvelopeError::Malformed => InvitationError::Damaged,
        })?;
        let Envelope {
            from, session, body, ..
        } = envelope;
        match body {
            Body::Invitation {
                version,
                sdp,
                candidates,
            } => self.on_invitation(from, session, version, sdp, candidates),
            Body::Acceptance { sdp, candidates } => self.on_acceptance(from, session, sdp, candidates),
            Body::Knock { .. }
            | Body::Offer { .. }
            | Body::Answer { .. }
            | Body::Candidates { .. }
            | Body::Decline { .. } => Err(InvitationError::Damaged),
        }
    }

    fn on_invitation(
        &mut self,
        from: PeerId,
        session: SessionId,
        version: u16,
        sdp: String,
        candidates: Vec<Candidate>,
    ) -> Result<Invitation, InvitationError> {
        if from == self.me {
            return Err(InvitationError::Own);
        }
        if version != PROTOCOL_VERSION {
            return Err(InvitationError::Version);
        }
        // Taken twice by a person in doubt: the first answer is the one that counts.
        if self.invitations.iter().any(|invited| invited.session == session) {
            return Ok(Invitation::Invited);
        }
        if !self.has_place_for(&from) || self.contact(from, None).is_none() {
            return Err(InvitationError::Full);
        }
        let link = self.push_invited(session, Some(from));
        let ice_servers = self.ice_servers();
        self.outbox.push_back(Output::Accept { link, ice_servers, sdp });
        self.outbox.push_back(Output::RemoteCandidates { link, candidates });
        Ok(Invitation::Invited)
    }

    fn on_acceptance(
        &mut self,
        from: PeerId,
        session: SessionId,
        sdp: String,
        candidates: Vec<Candidate>,
    ) -> Result<Invitation, InvitationError> {
        let place = self
            .invitations
            .iter()
            .position(|invited| invited.session == session && invited.answers.is_none());
        let place = place.ok_or(InvitationError::RunOut)?;
        if !self.has_place_for(&from) {
            self.make_place();
        }
        if !self.has_place_for(&from) || self.contact(from, None).is_none() {
            return Err(InvitationError::Full);
        }
        let invited = self.invitations.remove(place);
        let deadline = self.now.instant + self.config.timing.session_timeout;
        let link = invited.link;
        self.drop_session(from);
        let session = Session::agreed(Role::Offerer, session, link, self.now.instant, deadline);
        self.adopt(from, session, Vec::new());
        self.outbox.push_back(Output::RemoteAnswer { link, sdp });
        self.outbox.push_back(Output::RemoteCandidates { link, candidates });
        Ok(Invitation::Answered)
    }

    /// Ends the link that is missed least: its peer has most others.
    fn make_place(&mut self) {
        let neighbors = |peer: &PeerId| {
            self.roster
                .beacon(peer)
                .map_or(0, |beacon| beacon.content.neighbors.len())
        };
        let links = self
            .usable_links()
            .map(|link| (neighbors(&link.peer()), link.id(), link.peer()));
        let Some((_, link, peer)) = links.max() else { return };
        self.say_goodbye(link, GoodbyeReason::Excess);
        self.release(peer);
    }

    fn push_invited(&mut self, session: SessionId, answers: Option<PeerId>) -> LinkId {
        if self.invitations.len() >= INVITATIONS_MAX {
            let oldest = self.invitations.remove(0);
            self.outbox.push_back(Output::HangUp { link: oldest.link });
        }
        let link = self.new_link();
        let now = self.now.instant;
        self.invitations.push(Invited {
            session,
            link,
            answers,
            sdp: None,
            candidates: Vec::new(),
            gathered_at: Some(Instant::from_millis(now.as_millis().saturating_add(GATHER_MILLIS))),
            until: now + self.config.timing.invitation_timeout,
        });
        link
    }

    /// The driver speaks of an invitation's link: takes it, and says so.
    pub(super) fn on_invited_description(&mut self, link: LinkId, sdp: &str) -> bool {
        let invited = self.invitations.iter_mut().find(|invited| invited.link == link);
        invited.is_some_and(|invited| {
            invited.sdp = Some(sdp.to_owned());
            true
        })
    }

    /// As [`Node::on_invited_description`], for candidates.
    pub(super) fn on_invited_candidates(&mut self, link: LinkId, candidates: &[Candidate]) -> bool {
        let now = self.now.instant;
        let Some(invited) = self.invitations.iter_mut().find(|invited| invited.link == link) else {
            return false;
        };
        for candidate in candidates {
            if candidate.line.is_empty() {
                // That was all: it can be handed out.
                invited.gathered_at = invited.gathered_at.map(|at| at.min(now));
            } else if invited.candidates.len() < CANDIDATES_MAX {
                invited.candidates.push(candidate.clone());
            }
        }
        self.handle_invitations_due();
        true
    }

    /// The lane of an invitation's link opened: whom it answers has it now.
    pub(super) fn on_invited_open(&mut self, link: LinkId) {
        let Some(place) = self.invitations.iter().position(|invited| invited.link == link) else {
            return;
        };
        if let Some(peer) = self.invitations[place].answers {
            let invited = self.invitations.remove(place);
            let deadline = self.now.instant + self.config.timing.session_timeout;
            self.drop_session(peer);
            if !self.has_place_for(&peer) {
                // Others have taken the place while a person carried the answer.
                self.make_place();
            }
            self.contact(peer, None);
            let session = Session::agreed(Role::Answerer, invited.session, link, self.now.instant, deadline);
            self.adopt(peer, session, Vec::new());
        }
    }

    /// The driver gave up an invitation's link.
    pub(super) fn on_invited_closed(&mut self, link: LinkId) {
        self.invitations.retain(|invited| invited.link != link);
    }

    /// Hands out what is complete, and withdraws what has run out.
    pub(super) fn handle_invitations_due(&mut self) {
        let now = self.now.instant;
        let mut texts = Vec::new();
        for invited in &mut self.invitations {
            let complete = invited.gathered_at.is_some_and(|at| now >= at);
            if let Some(sdp) = invited.sdp.clone().filter(|_| complete) {
                invited.gathered_at = None;
                texts.push((invited.session, invited.answers, sdp, invited.candidates.clone()));
            }
        }
        for (session, answers, sdp, candidates) in texts {
            self.hand_out(session, answers, sdp, candidates);
        }
        let (over, open) = std::mem::take(&mut self.invitations)
            .into_iter()
            .partition(|invited| now >= invited.until);
        self.invitations = open;
        let over: Vec<Invited> = over;
        for invited in over {
            self.outbox.push_back(Output::HangUp { link: invited.link });
        }
    }

    fn hand_out(&mut self, session: SessionId, answers: Option<PeerId>, sdp: String, candidates: Vec<Candidate>) {
        let body = match answers {
            None => Body::Invitation {
                version: PROTOCOL_VERSION,
                sdp,
                candidates,
            },
            Some(_) => Body::Acceptance { sdp, candidates },
        };
        let envelope = Envelope {
            from: self.me,
            to: answers.unwrap_or(ANYONE),
            session,
            nonce: rand_core::Rng::next_u64(&mut self.random.envelopes),
            body,
        };
        let text = envelope.seal(&self.identity, &self.room, &mut self.random.envelopes);
        self.emit(match answers {
            None => Event::Invitation { text },
            Some(_) => Event::InvitationAnswer { text },
        });
    }

    pub(super) fn drop_invitations(&mut self) {
        for invited in std::mem::take(&mut self.invitations) {
            self.outbox.push_back(Output::HangUp { link: invited.link });
        }
    }

    /// Tells the other tabs of this browser that we are here, if a server cannot.
    pub(super) fn call_nearby(&mut self) {
        if self.registered().is_none() {
            self.tell_nearby(true);
        }
    }

    fn tell_nearby(&mut self, asks: bool) {
        let now = self.now.instant;
        let lately = |told: Instant| now.since(told) < self.config.timing.crossing_window;
        if self.nearby_told.is_some_and(lately) {
            return;
        }
        self.nearby_told = Some(now);
        let bytes = Nearby::Here { peer: self.me, asks }.encode();
        self.outbox.push_back(Output::Nearby { bytes });
    }

    /// Another tab of this browser said something.
    pub(super) fn handle_nearby(&mut self, bytes: &[u8]) {
        if self.phase != Phase::Here {
            return;
        }
        match Nearby::decode(bytes) {
            Ok(Nearby::Here { peer, asks }) if peer != self.me => {
                if let Some(contact) = self.contact(peer, None) {
                    contact.nearby = true;
                }
                if asks {
                    self.tell_nearby(false);
                }
                // Who asks has no other way, or none yet.
                if self.registered().is_none() {
                    self.seek_soon();
                    self.handle_timeout(self.now);
                }
            }
            Ok(Nearby::Envelope { to, payload }) if to == self.me => self.on_payload(Via::Nearby, &payload),
            Ok(_) => {}
            Err(_) => self.counters.envelopes_refused += 1,
        }
    }
}
