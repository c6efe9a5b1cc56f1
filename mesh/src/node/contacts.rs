//! Whom we link to, and the set-up, loss and healing of links.
//!
//! The healing ladder: ICE says `disconnected` → wait → ICE restart (by the offerer, through a server) → silence for too long → a
//! fresh connection, tried again with growing waits → no longer tried, but linked again as soon as a server names the peer or
//! the peer knocks.

use std::time::Duration;

use rand_core::Rng;
use shared::{
    PeerId, SessionId,
    limits::LINKS_MAX,
    signal::{IceServer, PROTOCOL_VERSION, Request},
};

use super::{Node, Phase};
use crate::{
    config::{NO_PATH_FAILURES, PEOPLE_MAX, Timing},
    envelope::{Body, DeclineReason, Envelope, EnvelopeError},
    frame::{Frame, GoodbyeReason, Hello},
    io::{Alert, Candidate, Instant, LinkEnd, LinkId, Output, Path, PersonState, ServerId},
    link::{Due, Link},
    rendezvous::{Rendezvous, back_off, jittered},
    session::{Action, Role, Session},
};

/// Two offers or knocks of one peer closer than this are too many: each costs us a connection.
const ATTEMPT_SPACING: Duration = Duration::from_millis(250);

/// A peer we have, had or want a link with.
#[derive(Debug)]
pub(super) struct Contact {
    /// The server through which it was last heard of.
    via: Option<ServerId>,
    /// The attempt under way.
    session: Option<Session>,
    /// The session of the open link, for its ICE restarts.
    linked: Option<Session>,
    /// Failed attempts in a row.
    failures: u32,
    /// Those of them that had agreed on everything and found no path.
    pathless: u32,
    retry_at: Option<Instant>,
    /// Until when failed attempts are followed by another.
    wanted_until: Instant,
    /// Until when nothing is accepted from it.
    shunned_until: Option<Instant>,
    /// When it last made us start an attempt.
    accepted: Option<Instant>,
    /// Links in a row that were lost soon after they had opened.
    brief: u32,
    /// Whether it is shown as being reconnected while the next attempt is only waited for.
    promised: bool,
    /// The version we cannot talk to that the person was told of.
    told_version: Option<u16>,
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
            accepted: None,
            brief: 0,
            promised: false,
            told_version: None,
        }
    }

    /// The open link.
    pub(super) fn link(&self) -> Option<LinkId> {
        self.linked.as_ref().map(Session::link)
    }

    fn is_busy(&self) -> bool {
        self.session.is_some() || self.linked.is_some()
    }

    fn is_shunned(&self, now: Instant) -> bool {
        self.shunned_until.is_some_and(|until| now < until)
    }

    /// The session with this id, under way or open.
    fn session_with(&mut self, id: SessionId) -> Option<&mut Session> {
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

    /// A payload came through a server.
    pub(super) fn on_payload(&mut self, server: ServerId, payload: &str) {
        if self.phase != Phase::Here {
            return;
        }
        let envelope = match Envelope::open(payload, &self.me, &self.room) {
            Ok(envelope) => envelope,
            Err(EnvelopeError::Sealed | EnvelopeError::Forged) => {
                self.counters.envelopes_forged += 1;
                return self.alert_tampering();
            }
            Err(EnvelopeError::Malformed) => {
                self.counters.envelopes_refused += 1;
                return;
            }
        };
        if !self.seen_envelopes.insert((envelope.from, envelope.nonce)) {
            self.counters.envelopes_replayed += 1;
            return self.alert_tampering();
        }
        self.on_envelope(server, envelope);
    }

    /// Raised for the first one, then each time the count has grown tenfold.
    fn alert_tampering(&mut self) {
        let dropped = self.counters.envelopes_forged + self.counters.envelopes_replayed;
        if power_of_ten(dropped) {
            self.alert(Alert::Tampering { dropped });
        }
    }

    fn on_envelope(&mut self, server: ServerId, envelope: Envelope) {
        let Envelope {
            from, session, body, ..
        } = envelope;
        let now = self.now.instant;
        if self.contacts.get(&from).is_some_and(|contact| contact.is_shunned(now)) {
            self.counters.envelopes_refused += 1;
            return;
        }
        match body {
            Body::Knock { version } => {
                if self.admit(server, from, session, version) && !self.has_crossed(&from) {
                    self.drop_session(from);
                    self.start_with(from, session);
                }
            }
            Body::Offer { version, round: 0, sdp } => {
                if self.admit(server, from, session, version) {
                    self.drop_session(from);
                    self.answer(from, session, sdp);
                }
            }
            Body::Offer { round, sdp, .. } => {
                let ice_servers = self.ice_servers();
                self.with_session(from, session, |session, out| {
                    session.on_restart(round, sdp, ice_servers, out)
                });
            }
            Body::Answer { round, sdp } => {
                self.with_session(from, session, |session, out| session.on_answer(round, sdp, out));
            }
            Body::Candidates { candidates } => {
                self.with_session(from, session, |session, out| session.on_candidates(candidates, out));
            }
            Body::Decline { reason, version } => self.on_declined(from, session, reason, version),
        }
    }

    /// Whether a knock or first offer is taken up: our version, not too often, and a place for it.
    fn admit(&mut self, server: ServerId, from: PeerId, session: SessionId, version: u16) -> bool {
        if version != PROTOCOL_VERSION {
            self.decline(server, from, session, DeclineReason::Version);
            self.refuse_version(from, version);
            return false;
        }
        let now = self.now.instant;
        let busy = self.busy_contacts();
        let Some(contact) = self.contact(from, Some(server)) else {
            self.counters.envelopes_refused += 1;
            return false;
        };
        if contact.accepted.is_some_and(|last| now.since(last) < ATTEMPT_SPACING) {
            self.counters.envelopes_refused += 1;
            return false;
        }
        if !contact.is_busy() && busy >= LINKS_MAX {
            self.decline(server, from, session, DeclineReason::Full);
            return false;
        }
        contact.accepted = Some(now);
        true
    }

    /// Whether a knock crossed our own offer on the way, or came before it was made: that offer will do.
    fn has_crossed(&self, peer: &PeerId) -> bool {
        let session = self.contacts.get(peer).and_then(|contact| contact.session.as_ref());
        session.is_some_and(|session| {
            session.is_describing() || self.now.instant.since(session.started()) < self.config.timing.crossing_window
        })
    }

    fn on_declined(&mut self, from: PeerId, session: SessionId, reason: DeclineReason, version: u16) {
        let known = self.contacts.get(&from).and_then(|contact| contact.session.as_ref());
        if known.is_none_or(|known| known.id() != session) {
            return;
        }
        self.fail_session(from, false);
        if reason == DeclineReason::Version {
            self.refuse_version(from, version);
        }
    }

    /// `peer` speaks a version that we do not: it is not sought for a while, but may come by itself, brought up to date.
    pub(super) fn refuse_version(&mut self, peer: PeerId, theirs: u16) {
        let quiet_until = self.now.instant + self.config.timing.shun;
        let Some(contact) = self.contact(peer, None) else {
            return;
        };
        contact.retry_at = Some(quiet_until);
        contact.promised = false;
        if contact.told_version.replace(theirs) != Some(theirs) {
            self.alert(Alert::PeerVersion { peer, theirs });
        }
    }

    /// `peer` speaks our version, by now.
    pub(super) fn accept_version(&mut self, peer: PeerId) {
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.told_version = None;
        }
    }

    /// The contact with `peer`, made if need be. `None` if there is no room for another.
    fn contact(&mut self, peer: PeerId, via: Option<ServerId>) -> Option<&mut Contact> {
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
    fn start(&mut self, peer: PeerId) {
        let id = SessionId::random(&mut self.rng);
        self.start_with(peer, id);
    }

    fn start_with(&mut self, peer: PeerId, id: SessionId) {
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

    fn answer(&mut self, peer: PeerId, id: SessionId, sdp: String) {
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
    fn with_session(&mut self, peer: PeerId, id: SessionId, work: impl FnOnce(&mut Session, &mut Vec<Action>) -> bool) {
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

    fn on_session(&mut self, peer: PeerId, id: SessionId, actions: Vec<Action>) {
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

    fn send_envelope(&mut self, via: Option<ServerId>, to: PeerId, session: SessionId, body: Body) {
        let nonce = self.rng.next_u64();
        let envelope = Envelope {
            from: self.me,
            to,
            session,
            nonce,
            body,
        };
        let payload = envelope.seal(&self.identity, &self.room, &mut self.rng);
        self.request(via, Request::Relay { to, payload });
    }

    fn decline(&mut self, via: ServerId, to: PeerId, session: SessionId, reason: DeclineReason) {
        self.send_envelope(
            Some(via),
            to,
            session,
            Body::Decline {
                reason,
                version: PROTOCOL_VERSION,
            },
        );
    }

    /// The session whose link the driver speaks of.
    fn session_of(&mut self, link: LinkId) -> Option<(PeerId, SessionId)> {
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

    /// Both lanes of an attempt are open: it becomes the peer's link, in place of an older one.
    pub(super) fn handle_link_open(&mut self, link: LinkId) {
        let Some((peer, _)) = self.session_of(link) else { return };
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return;
        };
        let Some(session) = contact.session.take_if(|session| session.link() == link) else {
            return;
        };
        let older = contact.linked.replace(session);
        (contact.failures, contact.pathless) = (0, 0);
        if let Some(older) = older {
            self.transmit(
                older.link(),
                &Frame::Goodbye {
                    reason: GoodbyeReason::Replaced,
                }
                .encode(),
            );
            self.hang_up(older.link());
        }
        self.counters.links_opened += 1;
        self.exhausted = false;
        self.links
            .insert(link, Link::new(link, peer, self.now.instant, &self.config.timing));
        let hello = Hello {
            version: PROTOCOL_VERSION,
            name: self.config.name.clone(),
        };
        self.transmit(link, &Frame::Hello(hello).encode());
    }

    pub(super) fn handle_link_path(&mut self, id: LinkId, path: Path) {
        let Some(link) = self.links.get_mut(&id) else {
            // An attempt whose every path failed need not wait for its deadline.
            if path == Path::Failed
                && let Some((peer, _)) = self.session_of(id)
            {
                self.fail_session(peer, true);
            }
            return;
        };
        link.handle_path(self.now.instant, path, &self.config.timing);
        let (peer, usable) = (link.peer(), link.is_usable());
        if usable {
            let state = if path == Path::Connected {
                PersonState::Here
            } else {
                PersonState::Reconnecting
            };
            self.set_state(peer, state);
        }
        self.handle_links_due();
    }

    pub(super) fn handle_link_closed(&mut self, id: LinkId, end: LinkEnd) {
        if end == LinkEnd::Exhausted && !std::mem::replace(&mut self.exhausted, true) {
            self.alert(Alert::LinksExhausted);
        }
        if self.links.contains_key(&id) {
            self.lose_link(id, PersonState::Reconnecting);
        } else if let Some((peer, _)) = self.session_of(id) {
            // The driver has closed it already, so there is nothing to hang up.
            let pathless = end == LinkEnd::Failed;
            self.fail_session_without_hanging_up(peer, pathless);
        }
    }

    /// Does what is due on links.
    pub(super) fn handle_links_due(&mut self) {
        for id in self.links.keys().copied().collect::<Vec<_>>() {
            while let Some(link) = self.links.get_mut(&id)
                && let Some(due) = link.due(self.now.instant, &self.config.timing)
            {
                let peer = link.peer();
                match due {
                    Due::Ping { nonce } => self.transmit(id, &Frame::Ping { nonce }.encode()),
                    Due::Restart => self.restart_ice(peer),
                    Due::Dead => {
                        self.outbox.push_back(Output::HangUp { link: id });
                        self.lose_link(id, PersonState::Gone);
                    }
                    Due::Close => self.hang_up(id),
                }
            }
        }
    }

    fn restart_ice(&mut self, peer: PeerId) {
        // Without a server the offer could not be carried: then silence decides.
        if self.registered().is_none() {
            return;
        }
        let Some(session) = self.contacts.get_mut(&peer).and_then(|contact| contact.linked.as_mut()) else {
            return;
        };
        if session.restarts() {
            let (id, mut actions) = (session.id(), Vec::new());
            session.restart(&mut actions);
            self.on_session(peer, id, actions);
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
    fn fail_session(&mut self, peer: PeerId, pathless: bool) {
        self.hang_up_session(peer);
        self.fail_session_without_hanging_up(peer, pathless);
    }

    fn fail_session_without_hanging_up(&mut self, peer: PeerId, pathless: bool) {
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
    fn drop_session(&mut self, peer: PeerId) {
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

    /// Closes a link without more ado. What its peer still lacks stays pending.
    pub(super) fn hang_up(&mut self, id: LinkId) {
        self.outbox.push_back(Output::HangUp { link: id });
        if let Some(link) = self.forget_link(id) {
            self.after_goodbye(link.peer());
        }
    }

    /// A link ended as one side had announced. If that was for a newer one which never opened, its peer is sought again.
    fn after_goodbye(&mut self, peer: PeerId) {
        let shown = self.roster.state(&peer);
        let missed = matches!(shown, Some(PersonState::Here | PersonState::Reconnecting));
        let busy = self.contacts.get(&peer).is_some_and(Contact::is_busy);
        if self.phase != Phase::Here || !missed || busy {
            return;
        }
        let wait = jittered(self.config.timing.session_retry_min, &mut self.rng);
        let (retry_at, wanted_until) = (
            self.now.instant + wait,
            self.now.instant + self.config.timing.session_retry_for,
        );
        if let Some(contact) = self.contacts.get_mut(&peer) {
            (contact.retry_at, contact.wanted_until) = (Some(retry_at), wanted_until);
        }
        self.set_state(peer, PersonState::Gone);
    }

    fn forget_link(&mut self, id: LinkId) -> Option<Link> {
        let link = self.links.remove(&id)?;
        let contact = self.contacts.get_mut(&link.peer());
        let ended = contact.and_then(|contact| contact.linked.take_if(|session| session.link() == id));
        if ended.is_some() {
            for server in &mut self.servers {
                server.discover_soon(self.now.instant, &self.config.timing);
            }
        }
        Some(link)
    }

    /// A link is gone that nobody said goodbye on: tries to link again, at once unless the last ones were short-lived too.
    fn lose_link(&mut self, id: LinkId, state: PersonState) {
        let Some(link) = self.forget_link(id) else { return };
        let (peer, now) = (link.peer(), self.now.instant);
        if link.closing.is_some() {
            return self.after_goodbye(peer);
        }
        if self.phase != Phase::Here {
            return;
        }
        let registered = self.registered().is_some();
        let Timing {
            link_dead,
            session_retry_for,
            session_retry_min,
            session_retry_max,
            ..
        } = self.config.timing;
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return;
        };
        // The first time at once. A link that opens and closes all the time would use up the browser's connections.
        contact.brief = if link.age(now) < link_dead {
            contact.brief.saturating_add(1)
        } else {
            1
        };
        let wait = match contact.brief {
            1 => Duration::ZERO,
            brief => jittered(back_off(brief - 2, session_retry_min, session_retry_max), &mut self.rng),
        };
        contact.wanted_until = now + session_retry_for;
        contact.retry_at = Some(now + wait);
        // Who was lost twice is not said to be about to return.
        let heals = registered && contact.brief <= 2;
        contact.promised = heals && contact.session.is_none();
        let starts = registered && wait.is_zero() && contact.session.is_none();
        self.set_state(peer, if heals { state } else { PersonState::Gone });
        if starts {
            self.start(peer);
        }
    }

    /// Tells the peer why and closes the link once it has heard, or a little later.
    pub(super) fn say_goodbye(&mut self, id: LinkId, reason: GoodbyeReason) {
        let now = self.now.instant;
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.closing.is_none() {
            link.closing = Some(now + self.config.timing.linger);
            self.transmit(id, &Frame::Goodbye { reason }.encode());
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

    fn ice_servers(&self) -> Vec<IceServer> {
        self.servers.iter().flat_map(Rendezvous::ice_servers).cloned().collect()
    }
}

/// For alerts that thin out as their number grows.
fn power_of_ten(number: u64) -> bool {
    number
        .checked_ilog10()
        .is_some_and(|exponent| 10u64.pow(exponent) == number)
}
