//! Seeking links: among the peers that servers named, that knocked or were lost, and among all who are here.
//!
//! How many links are wanted is decided by [`membership`](crate::membership). Here is also what is done about a room that is
//! split: a server that knows more people than we reach is asked for them.

use std::time::Duration;

use rand_core::Rng;
use shared::{PeerId, limits::LINKS_MAX};

use super::{Node, Phase, contacts::Contact, signalling::Via};
use crate::{
    io::ServerId,
    membership::{LINKS_TARGET, Need, grants},
    rendezvous::{Rendezvous, jittered},
};

/// How often links are sought by who has fewer than it needs.
const SEEK_URGENTLY: Duration = Duration::from_secs(1);

/// How often links are sought by who could do with more.
const SEEK: Duration = Duration::from_secs(8);

/// How often it is looked whether a server knows more people than we reach: longer than it takes to hear of a newcomer.
const SPLIT_CHECK: Duration = Duration::from_secs(5);

/// How many nodes, about, act at once when all of them see that the room is split.
const SPLIT_ACTORS: u64 = 4;

impl Node {
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

    /// Starts as many attempts as links are wanted, if it is time.
    pub(super) fn seek_links(&mut self) {
        let now = self.now.instant;
        let need = self.need();
        if need == Need::None || now < self.seek_at {
            return;
        }
        let wait = if need == Need::High { SEEK_URGENTLY } else { SEEK };
        self.seek_at = now + jittered(wait, &mut self.random.membership);
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
        known.extend(self.roster.sample(places, &mut self.random.membership, fits));
        for _ in 0..places.min(known.len()) {
            let place = self.random.membership.next_u64() % known.len() as u64;
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
        self.split_check_at = now + jittered(SPLIT_CHECK, &mut self.random.membership);
        let people = u64::try_from(self.people()).unwrap_or(u64::MAX);
        if self.random.membership.next_u64() % people.max(1) < SPLIT_ACTORS {
            for server in &mut self.servers {
                server.discover_soon(now, &self.config.timing);
            }
        }
    }
}
