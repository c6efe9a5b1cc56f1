//! Places in the list, which are bounded: who is forgotten for whom, and that the forgotten do not come back by an old beacon.

use shared::PeerId;

use super::Roster;
use crate::{
    config::{PEOPLE_MAX, SAID_MAX, TOMBSTONES_MAX},
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
        if entry.weighs {
            self.summary.weigh(&peer, false);
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
            self.note_away(peer, entry.person.name, out);
        }
    }

    /// Makes a place for somebody who is reached over `hops` links, if the list is full: whoever is only said to be here goes first, the
    /// earliest heard of them; then the longest gone; then the one who is farthest, if farther. Some who are not reached, or not yet, have
    /// places beyond: whoever names them may be heard a moment later. Says whether there is a place.
    pub(super) fn make_room(&mut self, hops: Option<u16>, out: &mut Vec<Event>) -> bool {
        let length = self.people.len();
        if length < PEOPLE_MAX || (hops.is_none() && length < PEOPLE_MAX + SAID_MAX) {
            return true;
        }
        let all = || {
            let unlinked = self.people.iter();
            unlinked.filter(|(_, entry)| entry.link == LinkState::None)
        };
        let said = all().filter(|(_, entry)| !entry.is_shown());
        let said = said.map(|(peer, entry)| (entry.heard, *peer)).min();
        let gone = || {
            let gone = all().filter_map(|(peer, entry)| Some((entry.gone_since?, *peer)));
            gone.min()
        };
        let farthest = || {
            let farther = |far: &u16| hops.is_some_and(|hops| *far > hops);
            let reached = all().filter_map(|(peer, entry)| Some((entry.hops.filter(farther)?, *peer)));
            reached.max()
        };
        let leaves = said.or_else(gone).map(|(_, peer)| peer);
        let Some(peer) = leaves.or_else(|| farthest().map(|(_, peer)| peer)) else {
            return false;
        };
        self.forget(peer, out);
        true
    }
}
