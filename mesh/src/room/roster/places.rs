//! Places in the list, which are bounded: who is forgotten for whom, and that the forgotten do not come back by an old beacon.

use shared::PeerId;

use super::Roster;
use crate::{
    config::{PEOPLE_MAX, TOMBSTONES_MAX},
    door::LinkState,
    model::Event,
};

impl Roster {
    /// Whether this beacon is no newer than the last of somebody forgotten.
    pub(super) fn is_buried(&self, peer: &PeerId, stamp: u64) -> bool {
        let mut tombstones = self.tombstones.iter();
        tombstones.any(|(buried, last)| buried == peer && stamp <= *last)
    }

    pub(super) fn forget(&mut self, peer: PeerId, out: &mut Vec<Event>) {
        let Some(entry) = self.people.remove(&peer) else {
            return;
        };
        if entry.counted {
            self.summary.count(&peer, false);
        }
        let shown = entry.is_shown();
        if entry.candidate {
            self.summary.count_candidate(false);
        }
        if let Some(beacon) = entry.beacon {
            if self.tombstones.len() >= TOMBSTONES_MAX {
                self.tombstones.pop_front();
            }
            self.tombstones.push_back((peer, beacon.content.stamp));
        }
        if shown {
            out.push(Event::PersonForgotten { peer });
        }
    }

    /// Makes a place for somebody who is reached over `hops` links, if the list is full: whoever is only said to be here goes first, the
    /// earliest heard of them; then the longest gone; then the one who is farthest, if farther. Says whether there is a place.
    pub(super) fn make_room(&mut self, hops: u16, out: &mut Vec<Event>) -> bool {
        if self.people.len() < PEOPLE_MAX {
            return true;
        }
        let all = || self.people.iter().filter(|(_, entry)| entry.link == LinkState::None);
        let said = all()
            .filter(|(_, entry)| !entry.is_shown())
            .map(|(peer, entry)| (entry.overdue, *peer));
        let gone = || all().filter_map(|(peer, entry)| Some((entry.gone_since?, *peer))).min();
        let farthest = || {
            let reached = all().filter_map(|(peer, entry)| Some((entry.hops.filter(|far| *far > hops)?, *peer)));
            reached.max()
        };
        let out_of_place = said.min().or_else(gone).map(|(_, peer)| peer);
        let Some(peer) = out_of_place.or_else(|| farthest().map(|(_, peer)| peer)) else {
            return false;
        };
        self.forget(peer, out);
        true
    }
}
