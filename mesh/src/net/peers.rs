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
            self.contacts[place] = contact;
            place
        };
        self.places.insert(peer, place);
        Some(place)
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
mod tests {
    use super::{
        super::session::{Certificates, Role, Session},
        test::{Rig, above},
        *,
    };
    use crate::context::test::peer;

    #[test]
    fn a_peer_takes_one_slot_for_its_link_and_its_attempt_and_none_for_a_link_that_was_released() {
        let mut rig = Rig::new();
        rig.want(peer(2));
        assert_eq!(rig.peers.slots_used(), 0);
        rig.link(peer(2), Role::Offerer);
        rig.attempt(peer(2), Role::Offerer);
        assert_eq!(rig.peers.slots_used(), 1);
        rig.attempt(peer(3), Role::Offerer);
        assert_eq!(rig.peers.slots_used(), 2);
        rig.peers.get_mut(&peer(2)).unwrap().end_attempt();
        rig.peers.get_mut(&peer(2)).unwrap().release();
        assert_eq!(rig.peers.slots_used(), 1);
    }

    #[test]
    fn with_all_slots_used_only_their_peers_have_one() {
        let mut rig = Rig::new();
        for number in 2..=LINKS_MAX {
            rig.link(peer(u8::try_from(number).unwrap()), Role::Offerer);
        }
        assert!(rig.peers.has_slot_for(&peer(100)), "one slot is left");
        rig.attempt(peer(99), Role::Offerer);
        assert!(!rig.peers.has_slot_for(&peer(100)));
        assert!(rig.peers.has_slot_for(&peer(2)) && rig.peers.has_slot_for(&peer(99)));
    }

    /// As many contacts as there may be, each wanted a little longer than the one before.
    fn full() -> (Rig, Vec<PeerId>) {
        let mut rig = Rig::new();
        let people: Vec<_> = (0..CONTACTS_MAX)
            .map(|number| peer(u8::try_from(number + 2).unwrap()))
            .collect();
        for person in &people {
            rig.want(*person);
            rig.cx.wait(1);
        }
        (rig, people)
    }

    #[test]
    fn the_longest_unwanted_makes_room_but_never_one_with_an_attempt_or_a_link() {
        let (mut rig, people) = full();
        for place in [0, 1, 2] {
            rig.peers.get_mut(&people[place]).unwrap().want(Instant::default());
        }
        let (attempt, link) = (rig.peers.next_link(), rig.peers.next_link());
        for (place, id) in [(0, attempt), (1, link)] {
            let session = Session::agreed(
                &rig.cx,
                Role::Offerer,
                SessionId::from_bytes([1; 16]),
                id,
                Certificates::default(),
            );
            rig.peers.get_mut(&people[place]).unwrap().begin(session);
        }
        // A link that lingers after its goodbye is still a link.
        rig.peers
            .open(&people[1], Link::new(link, people[1], rig.cx.instant(), &rig.cx.timing));
        rig.peers.get_mut(&people[1]).unwrap().release();
        rig.want(peer(200));
        rig.want(peer(201));
        let gone: Vec<_> = people.iter().filter(|person| rig.peers.get(person).is_none()).collect();
        assert_eq!(gone, [&people[2], &people[3]]);
        assert_eq!(rig.peers.iter().count(), CONTACTS_MAX);
        assert_eq!(rig.peers.link(link).map(Link::peer), Some(people[1]));
    }

    #[test]
    fn where_everybody_has_an_attempt_nobody_else_is_taken_in() {
        let (mut rig, people) = full();
        for person in &people {
            rig.attempt(*person, Role::Offerer);
        }
        assert!(rig.peers.want(&rig.cx, peer(200), None).is_none());
        assert!(
            rig.peers.want(&rig.cx, people[0], None).is_some(),
            "who is known already"
        );
    }

    #[test]
    fn a_peer_is_wanted_anew_each_time_and_keeps_its_carrier_unless_another_is_named() {
        let mut rig = Rig::new();
        assert_eq!(rig.want(peer(2)).via(), None);
        rig.peers.want(&rig.cx, peer(2), Some(Via::Mesh));
        rig.cx.wait(1_000);
        let wanted_until = rig.cx.instant() + rig.cx.timing.session_retry_for;
        let contact = rig.want(peer(2));
        assert_eq!((contact.via(), contact.wanted_until()), (Some(Via::Mesh), wanted_until));
        assert_eq!(rig.peers.iter().count(), 1);
    }

    #[test]
    fn links_come_in_the_order_of_their_ids_and_are_usable_from_hello_to_goodbye() {
        let mut rig = Rig::new();
        let mut people = above(3);
        people.reverse();
        let ids: Vec<_> = people.iter().map(|person| rig.link(*person, Role::Offerer)).collect();
        assert_eq!(ids, [LinkId(1), LinkId(2), LinkId(3)]);
        assert_eq!(rig.peers.links().map(Link::peer).collect::<Vec<_>>(), people);
        let (now, timing) = (rig.cx.instant(), rig.cx.timing.clone());
        rig.peers.link_mut(LinkId(2)).unwrap().begin_closing(now, &timing);
        assert_eq!(
            rig.peers.usable_links().map(Link::id).collect::<Vec<_>>(),
            [LinkId(1), LinkId(3)]
        );
        assert_eq!(rig.peers.links().count(), 3);
    }

    #[test]
    fn an_opened_link_replaces_the_one_before() {
        let mut rig = Rig::new();
        let older = rig.link(peer(2), Role::Offerer);
        let newer = rig.attempt(peer(2), Role::Offerer);
        let link = Link::new(newer, peer(2), rig.cx.instant(), &rig.cx.timing);
        let closed = rig.peers.open(&peer(2), link).unwrap();
        assert_eq!((closed.link.id(), closed.was_in_use), (older, true));
        assert_eq!(rig.peers.links().map(Link::id).collect::<Vec<_>>(), [newer]);
        assert!(rig.peers.link(older).is_none() && rig.peers.close(older).is_none());
    }

    #[test]
    fn a_closed_link_is_unknown_and_its_id_is_never_used_again() {
        let mut rig = Rig::new();
        let link = rig.link(peer(2), Role::Offerer);
        assert_eq!(
            rig.peers.session_of(link),
            Some((peer(2), SessionId::from_bytes([9; 16])))
        );
        assert!(rig.peers.close(link).is_some_and(|closed| closed.was_in_use));
        assert!(rig.peers.close(link).is_none());
        assert!(rig.peers.link(link).is_none() && rig.peers.link_mut(link).is_none());
        assert_eq!((rig.peers.session_of(link), rig.peers.slots_used()), (None, 0));
        assert_eq!(rig.link(peer(2), Role::Offerer), LinkId(link.0 + 1));
    }

    #[test]
    fn the_earliest_attempt_or_wait_is_what_is_due_first() {
        let mut rig = Rig::new();
        assert_eq!(rig.peers.poll_timeout(), None);
        let now = rig.cx.instant();
        rig.attempt(peer(2), Role::Offerer);
        let deadline = now + rig.cx.timing.session_timeout;
        assert_eq!(rig.peers.poll_timeout(), Some(deadline));
        let sooner = now + rig.cx.timing.session_retry_min;
        rig.want(peer(3)).rest_until(sooner);
        assert_eq!(rig.peers.poll_timeout(), Some(sooner));
        assert_eq!(rig.peers.due(now), []);
        assert_eq!(rig.peers.due(sooner), [peer(3)]);
        let mut both = [peer(2), peer(3)];
        both.sort();
        assert_eq!(rig.peers.due(deadline), both);
    }

    #[test]
    fn the_oldest_attempt_that_nobody_answered_is_found() {
        let mut rig = Rig::new();
        rig.attempt(peer(2), Role::Offerer);
        assert_eq!((rig.peers.oldest_unanswered(), rig.peers.agreed()), (None, 1));
        for person in [peer(4), peer(3)] {
            rig.cx.wait(1);
            let link = rig.peers.next_link();
            let id = SessionId::from_bytes([1; 16]);
            let session = Session::start(&rig.cx, id, link, vec![], false, &mut Vec::new());
            rig.want(person).begin(session);
        }
        assert_eq!((rig.peers.oldest_unanswered(), rig.peers.agreed()), (Some(peer(4)), 1));
    }

    #[test]
    fn a_peer_counts_as_wanted_with_a_slot_or_for_its_time_unless_it_is_shunned() {
        let mut rig = Rig::new();
        rig.link(peer(2), Role::Offerer);
        rig.want(peer(3));
        let now = rig.cx.instant();
        let later = now + rig.cx.timing.session_retry_for;
        rig.want(peer(4)).shun(later);
        assert_eq!((rig.peers.wanted(now), rig.peers.wanted(later)), (2, 1));
    }
}
