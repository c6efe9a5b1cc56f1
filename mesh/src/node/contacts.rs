//! Whom we link to: contacts, and the attempts to link with them.
//!
//! How many links are wanted is decided by [`membership`](crate::membership); here they are sought, among the peers that servers
//! named, that knocked or were lost, and among all who are here. An attempt that fails is followed by another after growing
//! waits, for as long as its peer is wanted. Here is also what the driver says of connections that are being set up. What is
//! told between peers meanwhile is in `signalling`, what becomes of open links in `links`.

use std::{
    cell::Cell,
    ops::{Deref, DerefMut},
    time::Duration,
};

use litemap::LiteMap;
use rand_core::Rng;
use shared::{PeerId, SessionId, limits::LINKS_MAX, signal::IceServer};

use super::{Node, Phase, signalling::Via};
use crate::{
    config::{CONTACTS_MAX, NO_PATH_FAILURES, Timing},
    io::{Alert, Candidate, Instant, LinkId, Output, ServerId},
    membership::{LINKS_MIN, LINKS_TARGET, Need, grants},
    rendezvous::{Rendezvous, back_off, jittered},
    roster::LinkState,
    session::{Action, Role, Session},
};

/// How often links are sought by who has fewer than it needs.
const SEEK_URGENTLY: Duration = Duration::from_secs(1);

/// How often links are sought by who could do with more.
const SEEK: Duration = Duration::from_secs(8);

/// How long a peer that had no place for us is left alone.
const FULL_RETRY: Duration = Duration::from_secs(30);

/// How often it is looked whether a server knows more people than we reach: longer than it takes to hear of a newcomer.
const SPLIT_CHECK: Duration = Duration::from_secs(5);

/// How many nodes, about, act at once when all of them see that the room is split.
const SPLIT_ACTORS: u64 = 4;

/// A peer we have, had or want a link with.
#[derive(Debug)]
pub(super) struct Contact {
    /// How it was last heard of, or is being reached.
    pub(super) via: Option<Via>,
    /// Whether it is a tab of this browser.
    pub(super) nearby: bool,
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
    /// The version we cannot talk to that the person was told of.
    pub(super) told_version: Option<u16>,
}

impl Contact {
    fn new(via: Option<Via>, wanted_until: Instant) -> Self {
        Self {
            via,
            nearby: false,
            session: None,
            linked: None,
            failures: 0,
            pathless: 0,
            retry_at: None,
            wanted_until,
            shunned_until: None,
            attempts_until: Instant::default(),
            brief: 0,
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

    fn poll_timeout(&self) -> Option<Instant> {
        self.session.as_ref().map(Session::deadline).or(self.retry_at)
    }

    /// Whether it is worth an attempt now.
    fn is_eligible(&self, now: Instant) -> bool {
        self.is_free(now) && now < self.wanted_until
    }

    /// Whether it is being reached through a server, which says if it is not there.
    fn is_named(&self) -> bool {
        matches!(self.via, Some(Via::Server(_)))
    }

    /// Whether nothing speaks against an attempt, should it be wanted.
    fn is_free(&self, now: Instant) -> bool {
        let waits = self.retry_at.is_some_and(|at| now < at);
        !self.is_busy() && !waits && !self.is_shunned(now)
    }
}

/// All contacts, and what is asked of them after every input: counted anew only after they could change.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    all: LiteMap<PeerId, Contact>,
    summary: Cell<Option<Summary>>,
}

#[derive(Debug, Clone, Copy)]
struct Summary {
    busy: usize,
    due: Option<Instant>,
}

impl Contacts {
    fn summary(&self) -> Summary {
        self.summary.get().unwrap_or_else(|| {
            let summary = Summary {
                busy: self.all.values().filter(|contact| contact.is_busy()).count(),
                due: self.all.values().filter_map(Contact::poll_timeout).min(),
            };
            self.summary.set(Some(summary));
            summary
        })
    }

    /// When an attempt is to be given up or made again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.summary().due
    }
}

impl Deref for Contacts {
    type Target = LiteMap<PeerId, Contact>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl DerefMut for Contacts {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.summary.set(None);
        &mut self.all
    }
}

impl Node {
    /// How many peers take one of our places for links.
    pub(super) fn busy_contacts(&self) -> usize {
        self.contacts.summary().busy
    }

    /// Whether a link with `peer` takes a place that is free, or one that it has.
    pub(super) fn has_place_for(&self, peer: &PeerId) -> bool {
        self.contacts.get(peer).is_some_and(Contact::is_busy) || self.busy_contacts() < LINKS_MAX
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
            let Some(contact) = self.contact(peer, Some(Via::Server(server))) else {
                continue;
            };
            // What was sent on a former socket to this server may have got lost with it.
            let stale = via.is_none_or(|via| via == Via::Server(server))
                && contact.session.as_ref().is_some_and(|session| {
                    !session.is_agreed() && since.is_some_and(|since| session.started() < since)
                });
            let eligible = contact.is_eligible(now);
            // Who is not here although the server has it is on the other side of a split.
            let bridges = !self.roster.is_present(&peer);
            // Whom a server names is alive. Whom we are trying to reach otherwise may not be.
            let wanted = self.need_beyond(self.agreed_contacts()) > Need::None;
            if stale || (eligible && (bridges || wanted)) {
                self.drop_session(peer);
                if self.busy_contacts() >= LINKS_MAX {
                    self.drop_unanswered();
                }
                self.start(peer);
            }
        }
    }

    /// How many peers we have a link with, or as good as.
    fn agreed_contacts(&self) -> usize {
        let agreed = |contact: &&Contact| {
            let session = contact.session.as_ref();
            contact.linked.is_some() || session.is_some_and(|session| session.is_agreed() || contact.is_named())
        };
        self.contacts.values().filter(agreed).count()
    }

    /// Gives up the oldest attempt that nobody has answered yet.
    fn drop_unanswered(&mut self) {
        let unanswered = self.contacts.iter().filter_map(|(peer, contact)| {
            let session = contact.session.as_ref().filter(|session| !session.is_agreed())?;
            (contact.linked.is_none() && !contact.is_named()).then_some((session.started(), *peer))
        });
        if let Some((_, peer)) = unanswered.min() {
            self.fail_session(peer, false);
        }
    }

    /// How many peers are worth an attempt, or have a link.
    pub(super) fn wanted_contacts(&self) -> usize {
        let now = self.now.instant;
        let wanted = |contact: &&Contact| contact.is_busy() || (now < contact.wanted_until && !contact.is_shunned(now));
        self.contacts.values().filter(wanted).count()
    }

    /// Starts as many attempts as links are wanted, if it is time.
    pub(super) fn seek_links(&mut self) {
        let now = self.now.instant;
        let need = self.need();
        if need == Need::None || now < self.seek_at {
            return;
        }
        let wait = if need == Need::High { SEEK_URGENTLY } else { SEEK };
        self.seek_at = now + jittered(wait, &mut self.rng);
        self.call_nearby();
        let places = LINKS_TARGET.saturating_sub(self.busy_contacts());
        // Each once: those who are here are drawn from the roster.
        let known = self
            .contacts
            .iter()
            .filter(|(peer, contact)| contact.is_eligible(now) && !self.roster.is_present(peer));
        let mut known: Vec<_> = known.map(|(peer, _)| *peer).collect();
        let (contacts, roster) = (&self.contacts, &self.roster);
        // Who has enough links grants only those that are badly needed, and says in its beacon how many it has.
        let may_grant = |peer: &PeerId| {
            let links = roster.beacon(peer).map_or(0, |beacon| beacon.content.neighbors.len());
            need == Need::High || grants(links, need)
        };
        let fits = |peer: &PeerId| may_grant(peer) && contacts.get(peer).is_none_or(|contact| contact.is_free(now));
        known.extend(self.roster.sample(places, &mut self.rng, fits));
        for _ in 0..places.min(known.len()) {
            let place = self.rng.next_u64() % known.len() as u64;
            let peer = known.swap_remove(usize::try_from(place).unwrap_or(0));
            // Who is not here is not wanted for longer because it is tried: else the dead were sought for ever.
            if self.roster.is_present(&peer) {
                self.contact(peer, None);
            }
            self.start(peer);
        }
    }

    /// Links are sought at the next time-out.
    pub(super) fn seek_soon(&mut self) {
        self.seek_at = self.now.instant;
    }

    /// Whether a server knows more people in the room than we reach.
    pub(super) fn is_split(&self) -> bool {
        self.room_size() > self.people()
    }

    /// Asks for peers while the room is split. In a large room everybody sees that at once, and few need to act.
    pub(super) fn check_for_split(&mut self) {
        let now = self.now.instant;
        if !self.is_split() || now < self.split_check_at {
            return;
        }
        self.split_check_at = now + jittered(SPLIT_CHECK, &mut self.rng);
        let people = u64::try_from(self.people()).unwrap_or(u64::MAX);
        if self.rng.next_u64() % people.max(1) < SPLIT_ACTORS {
            for server in &mut self.servers {
                server.discover_soon(now, &self.config.timing);
            }
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

    /// The contact with `peer`, made if need be. `None` if there is no room for another.
    pub(super) fn contact(&mut self, peer: PeerId, via: Option<Via>) -> Option<&mut Contact> {
        let wanted_until = self.now.instant + self.config.timing.session_retry_for;
        if !self.contacts.contains_key(&peer) && self.contacts.len() >= CONTACTS_MAX {
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

    /// Starts an attempt if there is a place for it and something to carry it.
    pub(super) fn start(&mut self, peer: PeerId) {
        let via = self.choose_via(&peer);
        let id = SessionId::random(&mut self.rng);
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
            self.set_link(peer, LinkState::None);
        }
    }

    /// `peer` has no place for us.
    pub(super) fn refused_by(&mut self, peer: PeerId) {
        self.drop_session(peer);
        let wait = jittered(FULL_RETRY, &mut self.rng);
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.retry_at = Some(self.now.instant + wait);
            // Not forgotten before it can be asked again: in a small room there may be nobody else.
            contact.wanted_until = self.now.instant + wait + self.config.timing.session_retry_for;
            if contact.linked.is_none() {
                self.set_link(peer, LinkState::None);
            }
        }
        let soon = self.now.instant + jittered(self.config.timing.crossing_window, &mut self.rng);
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

    /// Accepts nothing from `peer` for a while, and does not try to reach it.
    pub(super) fn shun(&mut self, peer: PeerId) {
        let until = self.now.instant + self.config.timing.shun;
        self.drop_session(peer);
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.shunned_until = Some(until);
            contact.retry_at = None;
        }
    }

    /// `peer` left by itself: it is not tried again.
    pub(super) fn unwant(&mut self, peer: PeerId) {
        self.drop_session(peer);
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.retry_at = None;
            contact.wanted_until = self.now.instant;
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
