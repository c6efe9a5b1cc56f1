//! Open links: one opens, loses its path, falls silent, is closed; and their healing.
//!
//! The healing ladder: ICE says `disconnected` → wait → ICE restart (by the offerer, through a server) → silence for too long → a
//! fresh connection, see `contacts`.

use std::time::Duration;

use shared::{PeerId, signal::PROTOCOL_VERSION};

use super::{Node, Phase, contacts::Contact};
use crate::{
    config::Timing,
    frame::{Frame, GoodbyeReason, Hello},
    io::{Alert, LinkEnd, LinkId, Output, Path, PersonState},
    link::{Due, Link},
    rendezvous::{back_off, jittered},
};

impl Node {
    /// The lane of an attempt is open: it becomes the peer's link, in place of an older one.
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
}
