//! Contacts: the peers we have, had or want a link with.
//!
//! Which of them we try to link with is in `seeking`, what becomes of that in `attempts`.

use std::{
    cell::Cell,
    ops::{Deref, DerefMut},
};

use litemap::LiteMap;
use shared::{PeerId, SessionId, limits::LINKS_MAX};

use super::{Node, signalling::Via};
use crate::{
    config::CONTACTS_MAX,
    io::{Instant, LinkId},
    session::Session,
};

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

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.session.as_ref().map(Session::deadline).or(self.retry_at)
    }

    /// Whether it is worth an attempt now.
    pub(super) fn is_eligible(&self, now: Instant) -> bool {
        self.is_free(now) && now < self.wanted_until
    }

    /// Whether it is being reached through a server, which says if it is not there.
    pub(super) fn is_named(&self) -> bool {
        matches!(self.via, Some(Via::Server(_)))
    }

    /// Whether nothing speaks against an attempt, should it be wanted.
    pub(super) fn is_free(&self, now: Instant) -> bool {
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

    /// How many peers are worth an attempt, or have a link.
    pub(super) fn wanted_contacts(&self) -> usize {
        let now = self.now.instant;
        let wanted = |contact: &&Contact| contact.is_busy() || (now < contact.wanted_until && !contact.is_shunned(now));
        self.contacts.values().filter(wanted).count()
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
}
