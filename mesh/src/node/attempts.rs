//! Attempts to link: one is started or answered, works, fails and is followed by another.
//!
//! The next comes after growing waits, for as long as its peer is wanted. Here is also what the driver says of connections that
//! are being set up. What is told between peers meanwhile is in `signalling`, what becomes of open links in `links`.

use std::time::Duration;

use shared::{PeerId, SessionId, limits::LINKS_MAX, signal::IceServer};

use super::{Node, contacts::Contact, signalling::Via};
use crate::{
    config::{NO_PATH_FAILURES, Timing},
    io::{Alert, Candidate, LinkId, Output, ServerId},
    membership::{LINKS_MIN, Need},
    rendezvous::{Rendezvous, back_off, jittered},
    roster::LinkState,
    session::{Action, Role, Session},
};

/// How long a peer that had no place for us is left alone.
const FULL_RETRY: Duration = Duration::from_secs(30);

impl Node {
    /// Starts an attempt if there is a place for it and something to carry it.
    pub(super) fn start(&mut self, peer: PeerId) {
        let via = self.choose_via(&peer);
        let id = SessionId::random(&mut self.random.attempts);
        if let Some(contact) = self.contacts.get_mut(&peer).filter(|_| via.is_some()) {
            contact.via = via;
            self.start_with(peer, id);
        }
    }

    pub(super) fn start_with(&mut self, peer: PeerId, id: SessionId) {
        let linked = self.contacts.get(&peer).is_some_and(|contact| contact.linked.is_some());
        let busy = self.busy_contacts();
        if !linked && busy >= LINKS_MAX {
            return;
        }
        let urgent = linked || busy < LINKS_MIN;
        let (role, link, ice_servers) = (Role::towards(&self.me, &peer), self.new_link(), self.ice_servers());
        let mut actions = Vec::new();
        let timing = &self.config.timing;
        let now = self.now.instant;
        let session = Session::start(role, id, link, ice_servers, urgent, now, timing, &mut actions);
        self.adopt(peer, session, actions);
    }

    /// What carries an attempt: the mesh if it reaches the peer, else a server, else the browser between its tabs. After a failure
    /// the next of them has its turn.
    fn choose_via(&self, peer: &PeerId) -> Option<Via> {
        let contact = self.contacts.get(peer)?;
        // Right after a loss more may be lost than is known; a server knows better who is there.
        let shaken = self.shaken_until.is_some_and(|until| self.now.instant < until) && self.registered().is_some();
        let others = self.usable_links().any(|link| link.peer() != *peer);
        let meshed = !shaken && others && self.roster.is_present(peer);
        let server = match contact.via {
            Some(Via::Server(server)) if self.is_registered(server) => Some(server),
            _ => self.registered(),
        };
        let ways = [
            meshed.then_some(Via::Mesh),
            server.map(Via::Server),
            contact.nearby.then_some(Via::Nearby),
        ];
        let ways: Vec<_> = ways.into_iter().flatten().collect();
        let turn = usize::try_from(contact.failures).unwrap_or(0);
        ways.get(turn % ways.len().max(1)).copied()
    }

    pub(super) fn is_registered(&self, server: ServerId) -> bool {
        let server = self.servers.get(usize::from(server.0));
        server.is_some_and(Rendezvous::is_registered)
    }

    pub(super) fn answer(&mut self, peer: PeerId, id: SessionId, sdp: String) {
        let (link, ice_servers) = (self.new_link(), self.ice_servers());
        let mut actions = Vec::new();
        let timing = &self.config.timing;
        let session = Session::answer(id, link, ice_servers, sdp, self.now.instant, timing, &mut actions);
        self.adopt(peer, session, actions);
    }

    pub(super) fn adopt(&mut self, peer: PeerId, session: Session, actions: Vec<Action>) {
        let id = session.id();
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.session = Some(session);
            contact.retry_at = None;
            if contact.linked.is_none() {
                self.set_link(peer, LinkState::Connecting);
            }
        }
        self.on_session(peer, id, actions);
    }

    /// Lets one session work, then does what it asks for. `work` says whether it could use what came.
    pub(super) fn with_session(
        &mut self,
        peer: PeerId,
        id: SessionId,
        work: impl FnOnce(&mut Session, &Timing, &mut Vec<Action>) -> bool,
    ) {
        let session = self
            .contacts
            .get_mut(&peer)
            .and_then(|contact| contact.session_with(id));
        let mut actions = Vec::new();
        if !session.is_some_and(|session| work(session, &self.config.timing, &mut actions)) {
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
                    if let Some(via) = self.contacts.get(&peer).and_then(|contact| contact.via) {
                        self.send_envelope(via, peer, id, body);
                    }
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
        if self.on_invited_description(link, &sdp) {
            return self.handle_invitations_due();
        }
        if let Some((peer, id)) = self.session_of(link) {
            let now = self.now.instant;
            self.with_session(peer, id, |session, timing, out| {
                session.handle_description(sdp, now, timing, out);
                true
            });
        }
    }

    pub(super) fn handle_candidates(&mut self, link: LinkId, candidates: Vec<Candidate>) {
        if self.on_invited_candidates(link, &candidates) {
            return;
        }
        // That there are no more is of use only to what goes by hand.
        let candidates: Vec<_> = candidates
            .into_iter()
            .filter(|candidate| !candidate.line.is_empty())
            .collect();
        if candidates.is_empty() {
            return;
        }
        if let Some((peer, id)) = self.session_of(link) {
            self.with_session(peer, id, |session, _, out| {
                session.handle_candidates(candidates, out);
                true
            });
        }
    }

    /// Does what is due for contacts: attempts that took too long, attempts to be made again.
    pub(super) fn handle_contacts_due(&mut self) {
        let now = self.now.instant;
        let due = |contact: &Contact| contact.poll_timeout().is_some_and(|at| now >= at);
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
            contact.retry_at = None;
            if contact.is_eligible(now) && self.need() > Need::None {
                self.start(peer);
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
        let retry_at = self.now.instant + jittered(wait, &mut self.random.attempts);
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
            self.set_link(peer, LinkState::None);
        }
    }

    /// `peer` has no place for us.
    pub(super) fn refused_by(&mut self, peer: PeerId) {
        self.drop_session(peer);
        let wait = jittered(FULL_RETRY, &mut self.random.attempts);
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.retry_at = Some(self.now.instant + wait);
            // Not forgotten before it can be asked again: in a small room there may be nobody else.
            contact.wanted_until = self.now.instant + wait + self.config.timing.session_retry_for;
            if contact.linked.is_none() {
                self.set_link(peer, LinkState::None);
            }
        }
        let soon = self.now.instant + jittered(self.config.timing.crossing_window, &mut self.random.membership);
        self.seek_at = self.seek_at.min(soon);
        if self.links.is_empty() {
            // Those that a server named may all be full while a room fills up: others are not.
            for server in &mut self.servers {
                server.discover_soon(self.now.instant, &self.config.timing);
            }
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

    /// A server does not know a peer that we sent something to.
    pub(super) fn on_peer_not_here(&mut self, server: ServerId, peer: PeerId) {
        if self
            .contacts
            .get(&peer)
            .is_some_and(|contact| contact.session.is_some() && contact.via == Some(Via::Server(server)))
        {
            self.fail_session(peer, false);
        }
    }

    pub(super) fn new_link(&mut self) -> LinkId {
        self.next_link += 1;
        LinkId(self.next_link)
    }

    pub(super) fn ice_servers(&self) -> Vec<IceServer> {
        self.servers.iter().flat_map(Rendezvous::ice_servers).cloned().collect()
    }
}
