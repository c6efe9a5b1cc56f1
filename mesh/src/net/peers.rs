//! The peers' table: one [`Contact`] a peer, with its link; and what is asked of all of them after every input.
//!
//! Owns: who is known to the net. The layers of the net are handed the table to work on; whoever changes an attempt or a link goes
//! through [`Peers::get_mut`] and the two functions for links.
//!
//! Invariants: at most [`CONTACTS_MAX`] contacts, of which the longest unwanted makes room, and never one with a link or an attempt;
//! every open link belongs to exactly one contact; a link's id is never used again.

use std::cell::Cell;

use litemap::LiteMap;
use shared::{PeerId, SessionId, limits::LINKS_MAX};

use super::{
    contact::{Closed, Contact, Via},
    link::Link,
};
use crate::{
    config::{CONTACTS_MAX, Timing},
    context::Context,
    io::{Instant, LinkId},
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// Where a contact is.
    places: LiteMap<PeerId, usize>,
    contacts: Vec<Contact>,
    /// Whose an open link is: its place.
    links: LiteMap<LinkId, usize>,
    last_link: u64,
    /// Who made room for another while something was said to stand in their way.
    displaced: Vec<PeerId>,
    /// Counted anew only after an attempt or a link could have changed.
    summary: Cell<Option<Summary>>,
}

#[derive(Debug, Clone, Copy)]
struct Summary {
    slots_used: usize,
    due: Option<Instant>,
}

impl Peers {
    /// An id for a link that is about to be made.
    pub(crate) fn next_link(&mut self) -> LinkId {
        self.last_link += 1;
        LinkId(self.last_link)
    }

    pub(crate) fn get(&self, peer: &PeerId) -> Option<&Contact> {
        self.contacts.get(*self.places.get(peer)?)
    }

    pub(crate) fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Contact> {
        self.summary.set(None);
        self.contacts.get_mut(*self.places.get(peer)?)
    }

    /// In the order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PeerId, &Contact)> {
        self.places.iter().map(|(peer, place)| (peer, &self.contacts[*place]))
    }

    /// The contact with `peer`, wanted from now on and made if need be. `None` if there is no room for another.
    pub(crate) fn want(&mut self, cx: &Context, peer: PeerId, via: Option<Via>) -> Option<&mut Contact> {
        self.summary.set(None);
        let wanted_until = cx.instant() + cx.timing.session_retry_for;
        let place = match self.places.get(&peer) {
            Some(place) => *place,
            None => self.make(peer, Contact::new(via, wanted_until))?,
        };
        let contact = self.contacts.get_mut(place)?;
        contact.want(wanted_until);
        if let Some(via) = via {
            contact.set_via(via);
        }
        Some(contact)
    }

    /// Puts a contact into a place that is free, or that of the longest unwanted.
    fn make(&mut self, peer: PeerId, contact: Contact) -> Option<usize> {
        let place = if self.contacts.len() < CONTACTS_MAX {
            self.contacts.push(contact);
            self.contacts.len() - 1
        } else {
            let idle = self.iter();
            let idle = idle.filter(|(_, contact)| !contact.uses_slot() && contact.link().is_none());
            let oldest = idle.min_by_key(|(peer, contact)| (contact.wanted_until(), **peer));
            let oldest = oldest.map(|(peer, _)| *peer)?;
            let place = self.places.remove(&oldest)?;
            let displaced = std::mem::replace(&mut self.contacts[place], contact);
            if displaced.is_blocked() {
                self.displaced.push(oldest);
            }
            place
        };
        self.places.insert(peer, place);
        Some(place)
    }

    /// Who made room for another while something was said to stand in their way: nobody tries them any more.
    pub(crate) fn take_displaced(&mut self) -> Vec<PeerId> {
        std::mem::take(&mut self.displaced)
    }

    fn summary(&self) -> Summary {
        self.summary.get().unwrap_or_else(|| {
            let contacts = self.contacts.iter();
            let summary = Summary {
                slots_used: contacts.filter(|contact| contact.uses_slot()).count(),
                due: self.contacts.iter().filter_map(Contact::poll_timeout).min(),
            };
            self.summary.set(Some(summary));
            summary
        })
    }

    /// How many of our slots for links are used, by links and attempts.
    pub(crate) fn slots_used(&self) -> usize {
        self.summary().slots_used
    }

    /// Whether a link with `peer` takes a slot that is free, or one that it has.
    pub(crate) fn has_slot_for(&self, peer: &PeerId) -> bool {
        self.get(peer).is_some_and(Contact::uses_slot) || self.slots_used() < LINKS_MAX
    }

    /// How many peers are worth an attempt, or have a link.
    pub(crate) fn wanted(&self, now: Instant) -> usize {
        let wanted = |contact: &Contact| contact.uses_slot() || (contact.is_wanted(now) && !contact.is_shunned(now));
        self.contacts.iter().filter(|contact| wanted(contact)).count()
    }

    /// How many peers we have a link with, or as good as.
    pub(crate) fn agreed(&self) -> usize {
        self.contacts.iter().filter(|contact| contact.is_agreed()).count()
    }

    /// The peer of the oldest attempt that nobody has answered yet.
    pub(crate) fn oldest_unanswered(&self) -> Option<PeerId> {
        let unanswered = self
            .iter()
            .filter_map(|(peer, contact)| Some((contact.unanswered_since()?, *peer)));
        unanswered.min().map(|(_, peer)| peer)
    }

    /// The session whose link the driver speaks of, under way or open.
    pub(crate) fn session_of(&self, link: LinkId) -> Option<(PeerId, SessionId)> {
        self.iter()
            .find_map(|(peer, contact)| Some((*peer, contact.session_of(link)?)))
    }

    /// Those whose attempt is to be given up or made again.
    pub(crate) fn due(&self, now: Instant) -> Vec<PeerId> {
        let due = |contact: &Contact| contact.poll_timeout().is_some_and(|at| now >= at);
        let due = self.iter().filter(|(_, contact)| due(contact));
        due.map(|(peer, _)| *peer).collect()
    }

    /// When an attempt is to be given up or made again.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.summary().due
    }

    // --- open links ---

    /// The attempt at a link succeeded: it is the peer's link from now on. Gives the link before.
    pub(crate) fn open(&mut self, peer: &PeerId, link: Link) -> Option<Closed> {
        let (id, place) = (link.id(), *self.places.get(peer)?);
        let before = self.get_mut(peer)?.open(link);
        if let Some(before) = &before {
            self.links.remove(&before.link.id());
        }
        self.links.insert(id, place);
        before
    }

    /// A link is closed.
    pub(crate) fn close(&mut self, link: LinkId) -> Option<Closed> {
        self.summary.set(None);
        let place = self.links.remove(&link)?;
        self.contacts.get_mut(place)?.close()
    }

    /// An open link. Unlike an attempt it can change without the table being looked through.
    pub(crate) fn link_mut(&mut self, link: LinkId) -> Option<&mut Link> {
        self.contacts.get_mut(*self.links.get(&link)?)?.link_mut()
    }

    pub(crate) fn link(&self, link: LinkId) -> Option<&Link> {
        self.contacts.get(*self.links.get(&link)?)?.link()
    }

    /// All open links, in the order of their ids.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Link> {
        self.links
            .values()
            .filter_map(|place| self.contacts.get(*place)?.link())
    }

    /// Those that carry what people say.
    pub(crate) fn usable_links(&self) -> impl Iterator<Item = &Link> {
        self.links().filter(|link| link.is_usable())
    }

    /// When something is due on a link.
    pub(crate) fn links_due(&self, timing: &Timing) -> Option<Instant> {
        self.links().map(|link| link.poll_timeout(timing)).min()
    }
}

/// A net of which nothing but the table of peers is there, for tests of a layer that works on it.
#[cfg(test)]
pub(crate) mod test {
    use super::{
        super::{
            scope::{Event, Events, Scope},
            session::{Certificates, Role, Session},
        },
        *,
    };
    use crate::context::test::peer;

    /// What a layer is handed, and what it leaves behind.
    #[derive(Debug)]
    pub(crate) struct Rig {
        pub(crate) cx: Context,
        pub(crate) peers: Peers,
        pub(crate) out: Events,
    }

    impl Rig {
        pub(crate) fn new() -> Self {
            Self {
                cx: Context::test(1),
                peers: Peers::default(),
                out: Events::default(),
            }
        }

        pub(crate) fn scope(&mut self) -> Scope<'_> {
            Scope {
                cx: &mut self.cx,
                peers: &mut self.peers,
                out: &mut self.out,
            }
        }

        /// Everything that was said to other layers since the last time.
        pub(crate) fn events(&mut self) -> Vec<Event> {
            std::iter::from_fn(|| self.out.pop()).collect()
        }

        /// A contact with `peer`, wanted from now on.
        pub(crate) fn want(&mut self, peer: PeerId) -> &mut Contact {
            self.peers.want(&self.cx, peer, None).unwrap()
        }

        /// See [`attempt`].
        pub(crate) fn attempt(&mut self, peer: PeerId, role: Role) -> LinkId {
            attempt(&self.cx, &mut self.peers, peer, role)
        }

        /// See [`link`].
        pub(crate) fn link(&mut self, peer: PeerId, role: Role) -> LinkId {
            link(&self.cx, &mut self.peers, peer, role)
        }
    }

    /// Makes an attempt at `peer` that was agreed on.
    pub(crate) fn attempt(cx: &Context, peers: &mut Peers, peer: PeerId, role: Role) -> LinkId {
        let link = peers.next_link();
        let session = Session::agreed(cx, role, SessionId::from_bytes([9; 16]), link, Certificates::default());
        peers.want(cx, peer, None).unwrap().begin(session);
        link
    }

    /// Opens a link to `peer`, which said hello.
    pub(crate) fn link(cx: &Context, peers: &mut Peers, peer: PeerId, role: Role) -> LinkId {
        let link = attempt(cx, peers, peer, role);
        let mut opened = Link::new(link, peer, cx.instant(), &cx.timing);
        opened.greet("Bob".into());
        peers.open(&peer, opened);
        link
    }

    /// So many people whose ids are higher than that of the person of [`Context::test`], whose offer counts where two cross.
    pub(crate) fn above(count: usize) -> Vec<PeerId> {
        (2..).map(peer).filter(|other| *other > peer(1)).take(count).collect()
    }

    /// So many people whose ids are lower.
    pub(crate) fn below(count: usize) -> Vec<PeerId> {
        (2..).map(peer).filter(|other| *other < peer(1)).take(count).collect()
    }
}

#[cfg(test)]
mod tests;
