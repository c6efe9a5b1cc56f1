//! Who counts: those who are reached from us, link by link, by the beacons of people who are reached themselves.
//!
//! A key costs nothing, and a beacon under it hardly more. So nobody is here because of a beacon of their own: a neighbor of ours is, and
//! whom somebody names as a neighbor who is here. Whoever names people that do not exist can name as many as a node has links, and stands or falls with
//! them. After a crash of many at once, of whom each was linked with others that crashed, they fall out together.
//!
//! Whoever is reached through one person only may not weigh: see [`share`](super::share).
//!
//! Who has come within reach is seen at once, who has fallen out of it [`REACH_SETTLE`] after something was taken away: it takes a look at
//! everybody.

use std::collections::VecDeque;

use shared::PeerId;

use super::Roster;
use crate::{
    config::{CUT_OFF, REACH_SETTLE},
    door::LinkState,
    io::Instant,
    model::Event,
    wire::id::ShortId,
};

/// Whether somebody is a neighbor of ours.
pub(super) fn is_neighbor(link: LinkState) -> bool {
    matches!(link, LinkState::Up | LinkState::Trouble)
}

impl Roster {
    /// Something was taken away by which others may have been reached.
    pub(super) fn doubt_reach(&mut self, now: Instant) {
        self.review_by(now + REACH_SETTLE);
    }

    /// It is looked at anew then who is reached, or earlier.
    pub(super) fn review_by(&mut self, at: Instant) {
        self.reach_due = Some(self.reach_due.map_or(at, |due| due.min(at)));
        self.summary.look_again(at);
    }

    /// Over how many links those are reached who are here and name `peer` as a neighbor.
    fn naming(&self, peer: PeerId) -> impl Iterator<Item = u16> {
        let short = ShortId::of_peer(&peer);
        let others = self.people.iter().filter(move |(other, _)| **other != peer);
        let naming = others.filter(move |(_, entry)| entry.counted && entry.names(short));
        naming.filter_map(|(_, entry)| entry.hops)
    }

    /// Whether anybody whom we reach names `peer` as a neighbor.
    pub(crate) fn is_neighbor_of_others(&self, peer: &PeerId) -> bool {
        self.naming(*peer).next().is_some()
    }

    /// The fewest links to somebody whom we have no link with, by those who name them.
    pub(super) fn named_at(&self, peer: &PeerId) -> Option<u16> {
        self.naming(*peer).min().map(|hops| hops.saturating_add(1))
    }

    /// Somebody is reached over so many links, and by their beacon perhaps others.
    pub(super) fn reach(&mut self, now: Instant, peer: PeerId, hops: u16, out: &mut Vec<Event>) {
        self.reach_all(now, VecDeque::from([(peer, hops)]), out);
    }

    /// Somebody is here and reached over so many links: so are those whom they name.
    pub(super) fn reach_named(&mut self, now: Instant, peer: &PeerId, hops: u16, out: &mut Vec<Event>) {
        let mut next = VecDeque::new();
        self.follow(peer, hops, &mut next);
        self.reach_all(now, next, out);
    }

    fn reach_all(&mut self, now: Instant, mut next: VecDeque<(PeerId, u16)>, out: &mut Vec<Event>) {
        while let Some((peer, hops)) = next.pop_front() {
            let entry = self.people.get_mut(&peer);
            let Some(entry) = entry.filter(|entry| entry.is_farther(hops)) else {
                continue;
            };
            let counted = entry.counted;
            (entry.hops, entry.cut_off_until, entry.known) = (Some(hops), None, true);
            entry.refresh(now, &mut self.summary, out);
            if entry.counted && !counted {
                self.arrivals.push(peer);
                self.doubt_reach(now);
            }
            self.follow(&peer, hops, &mut next);
        }
    }

    /// Those whom somebody names who is here, and who were not reached so far, or over more links.
    fn follow(&self, peer: &PeerId, hops: u16, next: &mut VecDeque<(PeerId, u16)>) {
        let entry = self.people.get(peer).filter(|entry| entry.counted);
        let Some(beacon) = entry.and_then(|entry| entry.beacon.as_ref()) else {
            return;
        };
        let hops = hops.saturating_add(1);
        let named = beacon.content.neighbors.iter();
        let named = named.filter_map(|short| self.people.find(*short));
        let farther = named.filter(|(_, entry)| entry.is_farther(hops));
        next.extend(farther.map(|(peer, _)| (peer, hops)));
    }

    /// Looks anew at who is reached, if that is due.
    pub(super) fn review_reach(&mut self, now: Instant, out: &mut Vec<Event>) {
        if self.reach_due.is_none_or(|due| now < due) {
            return;
        }
        self.reach_due = None;
        let neighbors = self.people.iter().filter(|(_, entry)| is_neighbor(entry.link));
        let mut next: VecDeque<_> = neighbors.map(|(peer, _)| (*peer, 1)).collect();
        if next.is_empty() {
            // Without a link we cannot tell, and go by what we knew.
            return;
        }
        let mut before = Vec::new();
        for peer in self.people.iter().map(|(peer, _)| *peer).collect::<Vec<_>>() {
            let entry = self.people.get_mut(&peer);
            if entry.and_then(|entry| entry.hops.take()).is_some() {
                before.push(peer);
            }
        }
        let mut order = Vec::new();
        while let Some((peer, hops)) = next.pop_front() {
            let entry = self.people.get_mut(&peer);
            if let Some(entry) = entry.filter(|entry| entry.is_farther(hops)) {
                entry.hops = Some(hops);
                order.extend(self.people.place_of(ShortId::of_peer(&peer)));
                self.follow(&peer, hops, &mut next);
            }
        }
        self.review_shares(now, &order, out);
        for peer in before {
            let Some(entry) = self.people.get_mut(&peer) else {
                continue;
            };
            if entry.hops.is_none() && entry.counted {
                entry.cut_off_until = Some(now + CUT_OFF);
                self.summary.look_again(now + CUT_OFF);
                self.refresh(now, peer, out);
            }
        }
    }
}
