//! Whom we link to: contacts, and the attempts to link with them.
//!
//! An attempt that fails is followed by another after growing waits, for as long as its peer is wanted; after that the peer is
//! linked again as soon as a server names it or it knocks. Here is also what the driver says of connections that are being set
//! up. What is told between peers meanwhile is in `signalling`, what becomes of open links in `links`.

use shared::{PeerId, SessionId, limits::LINKS_MAX, signal::IceServer};

use super::{Node, Phase};
use crate::{
    config::{NO_PATH_FAILURES, PEOPLE_MAX, Timing},
    io::{Alert, Candidate, Instant, LinkId, Output, PersonState, ServerId},
    rendezvous::{Rendezvous, back_off, jittered},
    session::{Action, Role, Session},
};

/// A peer we have, had or want a link with.
#[derive(Debug)]
pub(super) struct Contact {
    /// The server through which it was last heard of.
    pub(super) via: Option<ServerId>,
    /// The attempt under way.
    pub(super) session: Option<Session>,
    /// The session of the open link, for its ICE restarts.
    pub(super) linked: Option<Session>,
    /// Failed attempts in a row.
    pub(super) failures: u32,
    /// Those of them that had agreed on everything and found no path.
    pub(super) pathless: u32,
    pub(super) retry_at: Option<Instant>,
    /// Until when failed attempts are followed by another.
    pub(super) wanted_until: Instant,
    /// Until when nothing is accepted from it.
    pub(super) shunned_until: Option<Instant>,
    /// Until when the attempts that it made us start use up what it may.
    pub(super) attempts_until: Instant,
    /// Links in a row that were lost soon after they had opened.
    pub(super) brief: u32,
    /// Whether it is shown as being reconnected while the next attempt is only waited for.
    pub(super) promised: bool,
    /// The version we cannot talk to that the person was told of.
    pub(super) told_version: Option<u16>,
}

impl Contact {
    fn new(via: Option<ServerId>, wanted_until: Instant) -> Self {
        Self {
            via,
            session: None,
            linked: None,
            failures: 0,
            pathless: 0,
            retry_at: None,
            wanted_until,
            shunned_until: None,
            attempts_until: Instant::default(),
            brief: 0,
            promised: false,
            told_version: None,
        }
    }

    /// The open link.
    pub(super) fn link(&self) -> Option<LinkId> {
        self.linked.as_ref().map(Session::link)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.session.is_some() || self.linked.is_some()
    }

    pub(super) fn is_shunned(&self, now: Instant) -> bool {
        self.shunned_until.is_some_and(|until| now < until)
    }

    /// The session with this id, under way or open.
    pub(super) fn session_with(&mut self, id: SessionId) -> Option<&mut Session> {
        [&mut self.session, &mut self.linked]
            .into_iter()
            .flatten()
            .find(|session| session.id() == id)
    }

    /// `registered`: a server can carry an attempt.
    pub(super) fn poll_timeout(&self, registered: bool) -> Option<Instant> {
        match &self.session {
            Some(session) => Some(session.deadline()),
            None if registered || self.promised => self.retry_at,
            None => None,
        }
    }
}

impl Node {
    /// How many peers take one of our places for links.
    pub(super) fn busy_contacts(&self) -> usize {
        self.contacts.values().filter(|contact| contact.is_busy()).count()
    }

    /// A server named peers of the room.
    pub(super) fn on_peers(&mut self, server: ServerId, peers: Vec<PeerId>) {
        if self.phase != Phase::Here {
            return;
        }
        let now = self.now.instant;
        let since = self
            .servers
            .get(usize::from(server.0))
            .and_then(Rendezvous::registered_since);
        for peer in peers {
            if peer == self.me {
                continue;
            }
            let via = self.contacts.get(&peer).and_then(|contact| contact.via);
            let Some(contact) = self.contact(peer, Some(server)) else {
                continue;
            };
            // What was sent on a former socket to this server may have got lost with it.
            let stale = via.is_none_or(|via| via == server)
                && contact.session.as_ref().is_some_and(|session| {
                    !session.is_agreed() && since.is_some_and(|since| session.started() < since)
                });
            let waits = contact.retry_at.is_some_and(|at| now < at);
            if stale || (!contact.is_busy() && !waits && !contact.is_shunned(now)) {
                self.drop_session(peer);
                self.start(peer);
            }
        }
    }

    /// A server does not know a peer that we sent something to.
    pub(super) fn on_peer_not_here(&mut self, server: ServerId, peer: PeerId) {
        if self
            .contacts
            .get(&peer)
            .is_some_and(|contact| contact.session.is_some() && contact.via == Some(server))
        {
            self.fail_session(peer, false);
        }
    }

    /// The contact with `peer`, made if need be. `None` if there is no room for another.
    pub(super) fn contact(&mut self, peer: PeerId, via: Option<ServerId>) -> Option<&mut Contact> {
        let wanted_until = self.now.instant + self.config.timing.session_retry_for;
        if !self.contacts.contains_key(&peer) && self.contacts.len() >= PEOPLE_MAX {
            // The longest unwanted makes room.
            let idle = self.contacts.iter().filter(|(_, contact)| !contact.is_busy());
            let oldest = idle
                .min_by_key(|(peer, contact)| (contact.wanted_until, **peer))
                .map(|(peer, _)| *peer)?;
            self.contacts.remove(&oldest);
        }
        let contact = self
            .contacts
            .entry(peer)
            .or_insert_with(|| Contact::new(via, wanted_until));
        contact.wanted_until = wanted_until;
        contact.via = via.or(contact.via);
        Some(contact)
    }

    /// Starts an attempt if there is a place and a server for it.
    pub(super) fn start(&mut self, peer: PeerId) {
        let id = SessionId::random(&mut self.rng);
        self.start_with(peer, id);
    }

    pub(super) fn start_with(&mut self, peer: PeerId, id: SessionId) {
        let linked = self.contacts.get(&peer).is_some_and(|contact| contact.linked.is_some());
        if self.registered().is_none() || (!linked && self.busy_contacts() >= LINKS_MAX) {
            return;
        }
        let (role, link, ice_servers) = (Role::towards(&self.me, &peer), self.new_link(), self.ice_servers());
        let mut actions = Vec::new();
        let timing = &self.config.timing;
        let session = Session::start(role, id, link, ice_servers, self.now.instant, timing, &mut actions);
        self.adopt(peer, session, actions);
    }

    pub(super) fn answer(&mut self, peer: PeerId, id: SessionId, sdp: String) {
        let (link, ice_servers) = (self.new_link(), self.ice_servers());
        let mut actions = Vec::new();
        let timing = &self.config.timing;
        let session = Session::answer(id, link, ice_servers, sdp, self.now.instant, timing, &mut actions);
        self.adopt(peer, session, actions);
    }

    fn adopt(&mut self, peer: PeerId, session: Session, actions: Vec<Action>) {
        let id = session.id();
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.session = Some(session);
            (contact.retry_at, contact.promised) = (None, false);
            if contact.linked.is_none() {
                self.set_state(peer, PersonState::Connecting);
            }
        }
        self.on_session(peer, id, actions);
    }

    /// Lets one session work, then does what it asks for. `work` says whether it could use what came.
    pub(super) fn with_session(
        &mut self,
        peer: PeerId,
        id: SessionId,
        work: impl FnOnce(&mut Session, &mut Vec<Action>) -> bool,
    ) {
        let session = self
            .contacts
            .get_mut(&peer)
            .and_then(|contact| contact.session_with(id));
        let mut actions = Vec::new();
        if !session.is_some_and(|session| work(session, &mut actions)) {
            // Of a session that is over, or out of turn: late more often than wrong.
            self.counters.envelopes_refused += 1;
        }
        self.on_session(peer, id, actions);
    }

    pub(super) fn on_session(&mut self, peer: PeerId, id: SessionId, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Output(output) => self.outbox.push_back(output),
                Action::Send(body) => {
                    let via = self.contacts.get(&peer).and_then(|contact| contact.via);
                    self.send_envelope(via, peer, id, body);
                }
            }
        }
    }

    /// The session whose link the driver speaks of.
    pub(super) fn session_of(&mut self, link: LinkId) -> Option<(PeerId, SessionId)> {
        self.contacts.iter().find_map(|(peer, contact)| {
            let sessions = [&contact.session, &contact.linked];
            let session = sessions.into_iter().flatten().find(|session| session.link() == link)?;
            Some((*peer, session.id()))
        })
    }

    pub(super) fn handle_description(&mut self, link: LinkId, sdp: String) {
        if let Some((peer, id)) = self.session_of(link) {
            self.with_session(peer, id, |session, out| {
                session.handle_description(sdp, out);
                true
            });
        }
    }

    pub(super) fn handle_candidates(&mut self, link: LinkId, candidates: Vec<Candidate>) {
        if let Some((peer, id)) = self.session_of(link) {
            self.with_session(peer, id, |session, out| {
                session.handle_candidates(candidates, out);
                true
            });
        }
    }

    /// Does what is due for contacts: attempts that took too long, attempts to be made again.
    pub(super) fn handle_contacts_due(&mut self) {
        let now = self.now.instant;
        let registered = self.registered().is_some();
        let due = |contact: &Contact| contact.poll_timeout(registered).is_some_and(|at| now >= at);
        let due: Vec<_> = self
            .contacts
            .iter()
            .filter(|(_, contact)| due(contact))
            .map(|(peer, _)| *peer)
            .collect();
        for peer in due {
            let Some(contact) = self.contacts.get_mut(&peer) else {
                continue;
            };
            if contact.session.is_some() {
                self.fail_session(peer, true);
                continue;
            }
            let promised = std::mem::take(&mut contact.promised);
            if registered {
                contact.retry_at = None;
                if now < contact.wanted_until && !contact.is_busy() && !contact.is_shunned(now) {
                    self.start(peer);
                }
            }
            if promised && self.contacts.get(&peer).is_none_or(|contact| !contact.is_busy()) {
                self.set_state(peer, PersonState::Gone);
            }
        }
    }

    /// Gives up an attempt; another may follow. `pathless`: if everything was agreed on, it is for want of a path.
    pub(super) fn fail_session(&mut self, peer: PeerId, pathless: bool) {
        self.hang_up_session(peer);
        self.fail_session_without_hanging_up(peer, pathless);
    }

    pub(super) fn fail_session_without_hanging_up(&mut self, peer: PeerId, pathless: bool) {
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return;
        };
        let session = contact.session.take();
        let pathless = pathless && session.is_some_and(|session| session.is_agreed());
        self.counters.sessions_failed += 1;
        let Timing {
            session_retry_min,
            session_retry_max,
            ..
        } = self.config.timing;
        let wait = back_off(contact.failures, session_retry_min, session_retry_max);
        contact.failures = contact.failures.saturating_add(1);
        let retry_at = self.now.instant + jittered(wait, &mut self.rng);
        contact.retry_at = Some(retry_at).filter(|at| *at < contact.wanted_until);
        if pathless {
            contact.pathless = contact.pathless.saturating_add(1);
        }
        let (linked, no_path) = (
            contact.linked.is_some(),
            contact.pathless == NO_PATH_FAILURES && pathless,
        );
        if no_path {
            self.alert(Alert::NoPath { peer });
        }
        if !linked {
            self.set_state(peer, PersonState::Gone);
        }
    }

    /// Drops an attempt in favour of a newer one.
    pub(super) fn drop_session(&mut self, peer: PeerId) {
        self.hang_up_session(peer);
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.session = None;
        }
    }

    fn hang_up_session(&mut self, peer: PeerId) {
        let session = self.contacts.get(&peer).and_then(|contact| contact.session.as_ref());
        if let Some(session) = session.filter(|session| session.has_link()) {
            self.outbox.push_back(Output::HangUp { link: session.link() });
        }
    }

    /// Drops every attempt.
    pub(super) fn drop_sessions(&mut self) {
        for peer in self.contacts.keys().copied().collect::<Vec<_>>() {
            self.drop_session(peer);
        }
    }

    /// Accepts nothing from `peer` for a while, and does not try to reach it.
    pub(super) fn shun(&mut self, peer: PeerId) {
        let until = self.now.instant + self.config.timing.shun;
        self.drop_session(peer);
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.shunned_until = Some(until);
            (contact.retry_at, contact.promised) = (None, false);
        }
    }

    /// `peer` left by itself: it is not tried again.
    pub(super) fn unwant(&mut self, peer: PeerId) {
        self.drop_session(peer);
        if let Some(contact) = self.contacts.get_mut(&peer) {
            (contact.retry_at, contact.promised) = (None, false);
            contact.wanted_until = self.now.instant;
        }
    }

    fn new_link(&mut self) -> LinkId {
        self.next_link += 1;
        LinkId(self.next_link)
    }

    pub(super) fn ice_servers(&self) -> Vec<IceServer> {
        self.servers.iter().flat_map(Rendezvous::ice_servers).cloned().collect()
    }
}
