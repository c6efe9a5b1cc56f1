//! Open links: one opens, loses its path, falls silent, is closed; and their healing.
//!
//! The healing ladder: ICE says `disconnected` → wait → ICE restart (by the offerer, through a server or other peers) → silence for
//! too long → a fresh connection, to the same peer or another, see `seeking`.

use std::time::Duration;

use shared::{PeerId, limits::LINKS_MAX, signal::PROTOCOL_VERSION};

use super::{Node, Phase, signalling::Via};
use crate::{
    config::{LOST_MAX, Timing},
    frame::{Frame, GoodbyeReason, Hello},
    io::{Alert, LinkEnd, LinkId, Output, Path},
    link::{Due, Link},
    rendezvous::{back_off, jittered},
    roster::LinkState,
};

/// For how long a loss makes us doubt what we know of others: the rest of it is noticed by then.
const SHAKEN: Duration = Duration::from_secs(20);

/// How a link was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Nothing was heard on it for too long.
    Silence,
    /// The driver said so.
    Closed,
}

impl Node {
    /// The lane of an attempt is open: it becomes the peer's link, in place of an older one.
    pub(super) fn handle_link_open(&mut self, link: LinkId) {
        self.on_invited_open(link);
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
                    neighbors: Vec::new(),
                }
                .encode(),
            );
            self.hang_up(older.link());
        }
        // One that was said goodbye on may linger.
        let lingering = self.links.values().filter(|link| link.peer() == peer);
        for older in lingering.map(Link::id).collect::<Vec<_>>() {
            self.hang_up(older);
        }
        self.counters.links_opened += 1;
        self.exhausted = false;
        self.links
            .insert(link, Link::new(link, peer, self.now.instant, &self.config.timing));
        let hello = Hello {
            version: PROTOCOL_VERSION,
            name: self.config.name.clone(),
            digests: self.digests(),
        };
        self.send(link, &Frame::Hello(hello));
    }

    /// The peer said hello: from now on the link carries what people say.
    pub(super) fn neighbor_up(&mut self, id: LinkId, peer: PeerId, state: LinkState) {
        let first = self.usable_links().count() == 1;
        self.set_link(peer, state);
        self.routes.learn(peer, id);
        self.broadcast.neighbor_up(id);
        self.lost.retain(|lost| *lost != peer);
        if first {
            self.presence.hurry(self.now.instant);
        } else {
            self.hasten_beacon();
        }
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
                LinkState::Up
            } else {
                LinkState::Trouble
            };
            self.set_link(peer, state);
        }
        self.handle_links_due();
    }

    pub(super) fn handle_link_closed(&mut self, id: LinkId, end: LinkEnd) {
        if end == LinkEnd::Exhausted && !std::mem::replace(&mut self.exhausted, true) {
            self.alert(Alert::LinksExhausted);
        }
        if self.links.contains_key(&id) {
            self.lose_link(id, Loss::Closed);
        } else if let Some((peer, _)) = self.session_of(id) {
            // The driver has closed it already, so there is nothing to hang up.
            let pathless = end == LinkEnd::Failed;
            self.fail_session_without_hanging_up(peer, pathless);
        } else {
            self.on_invited_closed(id);
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
                    Due::Ping { nonce } => {
                        let digests = self.digests();
                        self.send(id, &Frame::Ping { nonce, digests });
                    }
                    Due::Restart => self.restart_ice(peer),
                    Due::Dead => {
                        self.outbox.push_back(Output::HangUp { link: id });
                        self.lose_link(id, Loss::Silence);
                    }
                    Due::Close => self.hang_up(id),
                }
            }
        }
    }

    fn restart_ice(&mut self, peer: PeerId) {
        let others = self.usable_links().any(|link| link.peer() != peer);
        let via = match self.registered() {
            Some(server) => Via::Server(server),
            None if others => Via::Mesh,
            // The offer could not be carried: then silence decides.
            None => return,
        };
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.via = Some(via);
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

    /// Closes a link without more ado. What its peer still lacks stays pending.
    pub(super) fn hang_up(&mut self, id: LinkId) {
        self.outbox.push_back(Output::HangUp { link: id });
        if let Some(link) = self.forget_link(id) {
            self.after_goodbye(link.peer());
        }
    }

    /// A link ended as one side had announced: another takes its place if need be.
    fn after_goodbye(&mut self, peer: PeerId) {
        let busy = self.contacts.get(&peer).is_some_and(|contact| contact.is_busy());
        if self.phase == Phase::Here && !busy {
            self.set_link(peer, LinkState::None);
        }
        self.seek_at = self
            .seek_at
            .min(self.now.instant + jittered(self.config.timing.session_retry_min, &mut self.random.membership));
    }

    /// Takes a link out of use whose goodbye we said: it no longer counts.
    pub(super) fn release(&mut self, peer: PeerId) {
        let contact = self.contacts.get_mut(&peer);
        if let Some(session) = contact.and_then(|contact| contact.linked.take()) {
            self.broadcast.neighbor_down(session.link());
            self.routes.forget_link(session.link());
            self.set_link(peer, LinkState::None);
        }
    }

    fn forget_link(&mut self, id: LinkId) -> Option<Link> {
        let link = self.links.remove(&id)?;
        self.broadcast.neighbor_down(id);
        self.routes.forget_link(id);
        if self.phase == Phase::Here {
            self.hasten_beacon();
        }
        let contact = self.contacts.get_mut(&link.peer());
        let ended = contact.and_then(|contact| contact.linked.take_if(|session| session.link() == id));
        if ended.is_some() {
            for server in &mut self.servers {
                server.discover_soon(self.now.instant, &self.config.timing);
            }
        }
        Some(link)
    }

    /// A link is gone that nobody said goodbye on: others hear of it, and another link takes its place. Where there is nobody
    /// else to link with, that is tried with the same peer at once, unless the last links were short-lived too.
    fn lose_link(&mut self, id: LinkId, loss: Loss) {
        let Some(link) = self.forget_link(id) else { return };
        let (peer, now) = (link.peer(), self.now.instant);
        if link.closing.is_some() {
            return self.after_goodbye(peer);
        }
        if self.phase != Phase::Here {
            return;
        }
        if self.contacts.get(&peer).is_none_or(|contact| contact.linked.is_none()) {
            self.report_lost(peer, loss);
        }
        let Timing {
            link_dead,
            session_retry_for,
            session_retry_min,
            session_retry_max,
            ..
        } = self.config.timing;
        let contacts = &self.contacts;
        let fits = |other: &PeerId| *other != peer && contacts.get(other).is_none_or(|contact| !contact.is_busy());
        let alone = self.roster.sample(1, &mut self.random.membership, fits).is_empty();
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
            1 if alone => Duration::ZERO,
            1 => jittered(session_retry_min, &mut self.random.attempts),
            brief => jittered(
                back_off(brief - 2, session_retry_min, session_retry_max),
                &mut self.random.attempts,
            ),
        };
        contact.wanted_until = now + session_retry_for;
        contact.retry_at = Some(now + wait);
        if wait.is_zero() && contact.session.is_none() {
            self.start(peer);
        }
        self.seek_soon();
    }

    /// Our link with `peer` fell silent: the others are told, and it is gone unless it shows that it lives.
    fn report_lost(&mut self, peer: PeerId, loss: Loss) {
        self.set_link(peer, LinkState::None);
        let mut events = Vec::new();
        self.roster.suspect(self.now.instant, peer, &mut events);
        if loss == Loss::Silence && !self.roster.is_neighbor_of_others(&peer) {
            // Nobody else could hear of it.
            self.roster.give_up(self.now.instant, peer, &mut events);
        }
        self.emit_all(events);
        self.lost.retain(|lost| *lost != peer);
        self.lost.insert(0, peer);
        self.lost.truncate(LOST_MAX);
        self.presence.report(self.now.instant, &mut self.random.presence);
        self.shaken_until = Some(self.now.instant + SHAKEN);
    }

    /// Tells the peer why and closes the link once it has heard, or a little later.
    pub(super) fn say_goodbye(&mut self, id: LinkId, reason: GoodbyeReason) {
        let now = self.now.instant;
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.closing.is_none() {
            link.closing = Some(now + self.config.timing.linger);
            let neighbors = match reason {
                GoodbyeReason::Leaving => self.linked_before(),
                GoodbyeReason::Misbehaving
                | GoodbyeReason::Version
                | GoodbyeReason::Replaced
                | GoodbyeReason::Excess => Vec::new(),
            };
            self.send(id, &Frame::Goodbye { reason, neighbors });
        }
    }

    /// Whom we have links with, also those that we have just said goodbye on.
    fn linked_before(&self) -> Vec<PeerId> {
        let greeted = self.links.values().filter(|link| link.name.is_some());
        let mut peers: Vec<_> = greeted.map(Link::peer).collect();
        peers.sort();
        peers.truncate(LINKS_MAX);
        peers
    }
}
