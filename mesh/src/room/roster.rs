//! Who is in the room, as their beacons and our links tell, and who used which name before.
//!
//! Someone is *here* while we have a link with them, or while they are reached by the beacons of others ([`reach`]) and their own last
//! [`Beacon`] is not older than they said it would be ([`patience`]). Between beacons, which in a large room are minutes apart, losses are noticed by neighbors: a node whose link with someone
//! falls silent says so in its next beacon, and everyone takes that one for *suspected*; a newer beacon clears it, else the
//! suspect is gone after [`SUSPECT`]. (SWIM's suspicion: Das, Gupta and Motivala, DSN 2002, section 4.2. Deviation: no probing by
//! random members, links are watched anyway.)
//!
//! Invariants: a beacon counts only if its stamp is higher than all before, so a replayed one is nothing; who was forgotten
//! does not come back by an old beacon, as long as its tombstone is kept.

#[cfg(test)]
mod tests;

mod away;
mod listed;
mod names;
mod people;
mod places;
mod reach;
mod sample;
mod share;

use std::{collections::VecDeque, rc::Rc, time::Duration};

use litemap::LiteMap;
use shared::PeerId;

pub(crate) use self::names::NameNews;
use self::{listed::Listed, people::People, reach::is_neighbor};
use super::presence::patience;
use crate::{
    config::{CLOCK_TOLERANCE, ROSTER_RETRY, SUSPECT},
    door::LinkState,
    io::{Instant, millis},
    model::{Event, Person, PersonState},
    wire::{
        id::ShortId,
        record::{Beacon, Lost, Record},
    },
};

/// The people of the room, this node not included.
#[derive(Debug)]
pub(crate) struct Roster {
    people: People,
    summary: Summary,
    /// The last stamps of those who were forgotten.
    tombstones: VecDeque<(PeerId, u64)>,
    /// Trust on first use: the first key seen with a name keeps it.
    names: LiteMap<String, PeerId>,
    /// See [`away`].
    away: Vec<(PeerId, String)>,
    /// When it is looked at anew who is reached.
    reach_due: Option<Instant>,
    /// Who came to be here since the last time that this was asked.
    arrivals: Vec<PeerId>,
}

/// What is known of all of them together.
#[derive(Debug, Default)]
struct Summary {
    /// Those who are here by a beacon of theirs, in ascending order.
    present: Vec<ShortId>,
    /// Those of them who weigh, in ascending order.
    weighty: Vec<ShortId>,
    /// How many came to be here since it was looked at who names whom.
    unseen: usize,
    /// Their ids, added without carry.
    digest: u64,
    /// How many are worth an attempt to link.
    candidates: usize,
    /// Nothing falls due before.
    due: Option<Instant>,
    /// Counts the changes of who is here, and of who weighs.
    generation: u64,
}

impl Summary {
    fn look_again(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn count_candidate(&mut self, candidate: bool) {
        if candidate {
            self.candidates += 1;
        } else {
            self.candidates -= 1;
        }
    }

    fn count(&mut self, peer: &PeerId, present: bool) {
        self.generation += 1;
        self.digest ^= mixed(peer);
        list(&mut self.present, peer, present);
    }

    fn weigh(&mut self, peer: &PeerId, weighs: bool) {
        self.generation += 1;
        list(&mut self.weighty, peer, weighs);
    }
}

/// Puts somebody into a list in ascending order, or takes them out.
fn list(people: &mut Vec<ShortId>, peer: &PeerId, listed: bool) {
    let short = ShortId::of_peer(peer);
    let place = people.partition_point(|known| *known < short);
    if listed {
        people.insert(place, short);
    } else {
        people.remove(place);
    }
}

/// What a beacon was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BeaconNews {
    /// Newer than what we had.
    New,
    /// What we had.
    Known,
    /// Older than what we had.
    Stale,
    /// There is no place for another person.
    NoRoom,
}

impl Roster {
    /// Nobody. `seed`: the node's.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            people: People::new(seed),
            summary: Summary::default(),
            tombstones: VecDeque::new(),
            names: LiteMap::new(),
            away: Vec::new(),
            reach_due: None,
            arrivals: Vec::new(),
        }
    }

    /// Who came to be here since the last time.
    pub(crate) fn take_arrivals(&mut self) -> Vec<PeerId> {
        std::mem::take(&mut self.arrivals)
    }

    /// How someone stands with us.
    pub(crate) fn state(&self, peer: &PeerId) -> Option<PersonState> {
        let entry = self.people.get(peer).filter(|entry| entry.is_shown());
        let state = entry.map(|entry| entry.person.state);
        state.or_else(|| self.is_away(peer).then_some(PersonState::Away))
    }

    /// Everyone shown, but for those who are away.
    pub(crate) fn people(&self) -> impl Iterator<Item = &Person> {
        let shown = self.people.iter().filter(|(_, entry)| entry.is_shown());
        shown.map(|(_, entry)| &entry.person)
    }

    /// How many are worth an attempt to link, or are linked: who is here, and who is not reached at the moment.
    pub(crate) fn candidates(&self) -> usize {
        self.summary.candidates
    }

    /// Whether somebody is among them.
    pub(crate) fn is_candidate(&self, peer: &PeerId) -> bool {
        self.people.get(peer).is_some_and(|entry| entry.candidate)
    }

    /// Whether somebody is here and reached.
    pub(crate) fn is_reached(&self, peer: &PeerId) -> bool {
        let entry = self.people.get(peer);
        entry.is_some_and(|entry| entry.counted && entry.hops.is_some())
    }

    /// How many are here by a beacon of theirs, this node not included.
    pub(crate) fn present(&self) -> usize {
        self.summary.present.len()
    }

    /// How many of them weigh: see [`share`].
    pub(crate) fn weight(&self) -> usize {
        self.summary.weighty.len()
    }

    /// The ids of those who weigh, without `me`, in ascending order.
    pub(crate) fn weighty(&self) -> impl Iterator<Item = ShortId> {
        self.summary.weighty.iter().copied()
    }

    /// Whether somebody weighs.
    pub(crate) fn weighs(&self, peer: &PeerId) -> bool {
        self.people.get(peer).is_some_and(|entry| entry.weighs)
    }

    /// Everyone shown who weighs, or who is our neighbor.
    pub(crate) fn listeners(&self) -> impl Iterator<Item = &Person> {
        let people = self.people.iter();
        let listeners = people.filter(|(_, entry)| entry.is_shown() && (entry.weighs || !entry.counted));
        listeners.map(|(_, entry)| &entry.person)
    }

    /// A number that changes whenever it changes who is here, or who weighs.
    pub(crate) fn generation(&self) -> u64 {
        self.summary.generation
    }

    /// A number that is the same for two nodes that agree on who is present, `me` included.
    pub(crate) fn digest(&self, me: &PeerId) -> u64 {
        self.summary.digest ^ mixed(me)
    }

    /// The ids of those present, without `me`, in ascending order.
    pub(crate) fn shorts(&self) -> impl Iterator<Item = ShortId> {
        self.summary.present.iter().copied()
    }

    /// The last beacons of those present.
    pub(crate) fn beacons(&self) -> impl Iterator<Item = &Rc<Record<Beacon>>> {
        let present = self.people.iter().filter(|(_, entry)| entry.counted);
        present.filter_map(|(_, entry)| entry.beacon.as_ref())
    }

    /// The beacons that came since then, of those who are here and of those who have left.
    pub(crate) fn beacons_since(&self, since: Instant) -> impl Iterator<Item = ShortId> {
        let known = self
            .people
            .iter()
            .filter(move |(_, entry)| entry.known && entry.heard >= since);
        known.filter_map(|(_, entry)| Some(entry.beacon.as_ref()?.short()))
    }

    /// Someone's last beacon.
    pub(crate) fn beacon(&self, peer: &PeerId) -> Option<&Rc<Record<Beacon>>> {
        self.people.get(peer)?.beacon.as_ref()
    }

    /// The last beacon whose record has this id.
    pub(crate) fn find_beacon(&self, id: ShortId) -> Option<&Rc<Record<Beacon>>> {
        self.people.find_by_beacon(id)?.beacon.as_ref()
    }

    /// Notes how our link with someone stands.
    pub(crate) fn set_link(&mut self, now: Instant, peer: PeerId, link: LinkState, out: &mut Vec<Event>) {
        if let Some(entry) = self.people.get_mut(&peer) {
            let before = std::mem::replace(&mut entry.link, link);
            if link == LinkState::Up {
                (entry.left, entry.suspected_until) = (false, None);
            }
            if is_neighbor(before) && !is_neighbor(link) {
                self.doubt_reach(now);
            }
        } else {
            if link == LinkState::None || !self.make_room(Some(1).filter(|_| is_neighbor(link)), out) {
                return;
            }
            self.people.insert(peer, Listed::new(now, peer, link));
        }
        if is_neighbor(link) {
            self.reach(now, peer, 1, out);
        }
        self.refresh(now, peer, out);
    }

    /// Someone's beacon came, checked.
    pub(crate) fn on_beacon(&mut self, now: Instant, beacon: &Rc<Record<Beacon>>, out: &mut Vec<Event>) -> BeaconNews {
        let peer = beacon.author;
        let Beacon { stamp, leaving, .. } = beacon.content;
        let known = self.people.get(&peer);
        let listed = known.is_some();
        if let Some(last) = known.and_then(|known| known.beacon.as_ref()) {
            if last.id == beacon.id {
                return BeaconNews::Known;
            }
            if stamp <= last.content.stamp {
                return BeaconNews::Stale;
            }
        } else if self.is_buried(&peer, stamp) {
            return BeaconNews::Known;
        }
        let unreached = self.people.get(&peer).is_none_or(|entry| entry.hops.is_none());
        let named_at = if unreached { self.named_at(&peer) } else { None };
        // Who leaves without ever having been here is not listed, but others may know them.
        if !listed && (leaving || !self.make_room(named_at, out)) {
            return BeaconNews::NoRoom;
        }
        if !listed {
            self.people.insert(peer, Listed::new(now, peer, LinkState::None));
        }
        let Some(entry) = self.people.get_mut(&peer) else {
            return BeaconNews::NoRoom;
        };
        let overdue = now + patience(beacon.content.interval_millis);
        let said = beacon.content.archive == Some(true);
        let is_news = entry.person.archive != said;
        entry.person.archive = said;
        entry.heard = now;
        entry.overdue = if leaving { now } else { overdue };
        entry.left = leaving;
        entry.suspected_until = None;
        let before = self.people.set_beacon(beacon);
        self.summary.look_again(overdue);
        self.refresh(now, peer, out);
        if let Some(entry) = self.people.get(&peer).filter(|entry| is_news && entry.is_shown()) {
            let person = entry.person.clone();
            out.push(Event::Person { person });
        }
        if let Some(hops) = named_at {
            self.reach(now, peer, hops, out);
        }
        self.follow_changes(now, peer, before.as_deref(), out);
        BeaconNews::New
    }

    /// Whom somebody names now is reached by that; whom they name no longer may be reached no more.
    fn follow_changes(&mut self, now: Instant, peer: PeerId, before: Option<&Record<Beacon>>, out: &mut Vec<Event>) {
        let Some(entry) = self.people.get(&peer) else { return };
        let (Some(hops), Some(beacon)) = (entry.hops, entry.beacon.as_ref()) else {
            return;
        };
        let now_named = &beacon.content.neighbors;
        let drops = before.is_some_and(|before| {
            let mut named = before.content.neighbors.iter();
            named.any(|short| !now_named.contains(short))
        });
        if drops {
            self.doubt_reach(now);
        }
        self.reach_named(now, &peer, hops, out);
    }

    /// Someone said goodbye.
    pub(crate) fn on_left(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Event>) {
        if let Some(entry) = self.people.get_mut(&peer) {
            // A link of the next visit does not make this one's last beacon count again.
            (entry.left, entry.overdue) = (true, now);
            self.refresh(now, peer, out);
        }
    }

    /// Somebody's link with someone fell silent, ours or another's: gone soon, unless a newer beacon comes.
    pub(crate) fn suspect(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Event>) {
        let until = now + SUSPECT;
        let Some(entry) = self.people.get_mut(&peer) else {
            return;
        };
        if entry.link == LinkState::Up || entry.left || entry.gone_since.is_some() || entry.suspected_until.is_some() {
            return;
        }
        entry.suspected_until = Some(until);
        self.summary.look_again(until);
        self.refresh(now, peer, out);
    }

    /// Someone is gone for sure, until a newer beacon or a link says otherwise.
    pub(crate) fn give_up(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Event>) {
        if let Some(entry) = self.people.get_mut(&peer) {
            entry.suspected_until = Some(now);
            self.refresh(now, peer, out);
        }
    }

    /// What another node, `by`, says of its lost neighbors. Believed of those who named it a neighbor themselves. Says whether `me` is among
    /// them.
    pub(crate) fn on_lost(
        &mut self,
        now: Instant,
        me: &PeerId,
        by: &PeerId,
        lost: &[Lost],
        out: &mut Vec<Event>,
    ) -> bool {
        let mut suspects_me = false;
        for Lost { peer: short, stamp } in lost {
            if ShortId::of_peer(me) == *short {
                suspects_me = true;
                continue;
            }
            let Some((peer, entry)) = self.people.find(*short) else {
                continue;
            };
            let newer = entry
                .beacon
                .as_ref()
                .is_some_and(|beacon| beacon.content.stamp > *stamp);
            if !newer && entry.names(ShortId::of_peer(by)) {
                self.suspect(now, peer, out);
            }
        }
        suspects_me
    }

    /// Notes by how many milliseconds somebody's clock is ahead of ours. Says whether that is news.
    pub(crate) fn set_clock(&mut self, peer: &PeerId, ahead_millis: i64) -> bool {
        let Some(entry) = self.people.get_mut(peer) else {
            return false;
        };
        let before = entry.clock.replace(ahead_millis);
        before.is_none_or(|before| before.abs_diff(ahead_millis) > millis(CLOCK_TOLERANCE))
    }

    /// By how much the clocks of those who are here are ahead of ours, but for those whom one person alone speaks for.
    pub(crate) fn clocks(&self) -> impl Iterator<Item = i64> {
        let here = self
            .people
            .iter()
            .filter(|(_, entry)| (entry.weighs && entry.is_free) || is_neighbor(entry.link));
        here.filter_map(|(_, entry)| entry.clock)
    }

    /// Notes a round-trip time.
    pub(crate) fn set_round_trip(&mut self, peer: PeerId, round_trip: Option<Duration>, out: &mut Vec<Event>) {
        if let Some(entry) = self.people.get_mut(&peer) {
            entry.person.round_trip = round_trip;
            out.push(Event::Person {
                person: entry.person.clone(),
            });
        }
    }

    /// When [`Roster::handle_timeout`] has something to do, or earlier.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.summary.due
    }

    /// Notices whose beacons are overdue and who is suspected for too long, and forgets who is gone for `gone_listed`.
    pub(crate) fn handle_timeout(&mut self, now: Instant, gone_listed: Duration, out: &mut Vec<Event>) {
        if self.summary.due.is_none_or(|due| now < due) {
            return;
        }
        self.review_reach(now, out);
        for peer in self.people.iter().map(|(peer, _)| *peer).collect::<Vec<_>>() {
            self.refresh(now, peer, out);
        }
        let over: Vec<_> = self
            .people
            .iter()
            .filter(|(_, entry)| entry.gone_since.is_some_and(|since| now >= since + gone_listed))
            .map(|(peer, _)| *peer)
            .collect();
        for peer in over {
            self.forget(peer, out);
        }
        self.summary.due = self
            .people
            .iter()
            .filter_map(|(_, entry)| entry.poll_timeout(gone_listed))
            .chain(self.reach_due)
            .min()
            // What is due and not done, for a link stands against it, is looked at again later.
            .map(|due| due.max(now + ROSTER_RETRY));
    }

    /// Draws the conclusions from what is known of someone.
    fn refresh(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Event>) {
        let Some(entry) = self.people.get_mut(&peer) else {
            return;
        };
        let (counted, hops) = (entry.counted, entry.hops);
        let stays = entry.refresh(now, &mut self.summary, out);
        match (counted, entry.counted, hops) {
            (true, false, _) => self.doubt_reach(now),
            (false, true, Some(hops)) => {
                self.arrivals.push(peer);
                self.doubt_reach(now);
                self.reach_named(now, &peer, hops, out);
            }
            _ => {}
        }
        if !stays {
            self.forget(peer, out);
        }
    }
}

/// The part of an id that the digest adds up: another than its short id.
fn mixed(peer: &PeerId) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&peer.as_bytes()[8..16]);
    u64::from_be_bytes(bytes)
}
