//! Somebody who is listed, and the conclusions from what is known of them.

use std::{rc::Rc, time::Duration};

use shared::PeerId;

use super::{
    Summary,
    reach::is_neighbor,
    share::{Standing, unseen_max},
};
use crate::{
    config::{INTERVALS_BELIEVED, ROSTER_RETRY, SHARE_SETTLE},
    door::LinkState,
    io::Instant,
    model::{Event, Obstacle, Person, PersonState},
    room::presence::{interval, patience},
    wire::{
        id::ShortId,
        record::{Beacon, Record},
    },
};

#[derive(Debug)]
pub(super) struct Listed {
    pub(super) person: Person,
    pub(super) link: LinkState,
    pub(super) beacon: Option<Rc<Record<Beacon>>>,
    /// When their last beacon came.
    pub(super) heard: Instant,
    /// When the next one is overdue.
    pub(super) overdue: Instant,
    pub(super) suspected_until: Option<Instant>,
    /// Over how many links they are reached from us, if they are. See [`reach`](super::reach).
    pub(super) hops: Option<u16>,
    /// Whether they were ever reached.
    pub(super) known: bool,
    /// Reached no longer: gone then, unless they are reached again.
    pub(super) cut_off_until: Option<Instant>,
    pub(super) left: bool,
    /// Since when they are gone or left.
    pub(super) gone_since: Option<Instant>,
    /// By how many milliseconds their clock is ahead of ours.
    pub(super) clock: Option<i64>,
    /// Whether an alert was raised for the name they use.
    pub(super) name_alerted: bool,
    /// Whether they count as present.
    pub(super) counted: bool,
    /// Whether they count where heads are counted. See [`share`](super::share).
    pub(super) weighs: bool,
    /// Whether nobody dominates them, as it was looked at last.
    pub(super) is_free: bool,
    /// Whether they are beyond the share of somebody who dominates them, and since when if that is not decided.
    beyond_share: bool,
    beyond_since: Option<Instant>,
    /// Whether it was looked at who names them.
    seen: bool,
    /// Whether they are worth an attempt to link: reached at some time, and heard of lately.
    pub(super) candidate: bool,
    /// Whether the app was told of them.
    shown: bool,
}

impl Listed {
    pub(super) fn new(now: Instant, peer: PeerId, link: LinkState) -> Box<Self> {
        let person = Person {
            peer,
            name: None,
            state: PersonState::Connecting,
            linked: false,
            round_trip: None,
            archive: false,
        };
        Box::new(Self {
            person,
            link,
            beacon: None,
            heard: now,
            overdue: now,
            suspected_until: None,
            hops: None,
            known: false,
            cut_off_until: None,
            left: false,
            gone_since: None,
            clock: None,
            name_alerted: false,
            counted: false,
            weighs: false,
            is_free: false,
            beyond_share: false,
            beyond_since: None,
            seen: false,
            candidate: false,
            shown: false,
        })
    }

    /// Whether they were not reached over so few links.
    pub(super) fn is_farther(&self, hops: u16) -> bool {
        self.hops.is_none_or(|known| known > hops)
    }

    /// Whether their last beacon names this neighbor.
    pub(super) fn names(&self, neighbor: ShortId) -> bool {
        let beacon = self.beacon.as_ref();
        beacon.is_some_and(|beacon| beacon.content.neighbors.contains(&neighbor))
    }

    /// Until when they have to show that they are here, suspected or reached no longer.
    fn doubted_until(&self) -> Option<Instant> {
        self.suspected_until.into_iter().chain(self.cut_off_until).min()
    }

    /// Takes note of how they stand with those who dominate them. Somebody who weighed goes on for a while: links come one after
    /// the other. Says whether that has to be looked at again.
    pub(super) fn judge(&mut self, now: Instant, standing: Standing) -> bool {
        let known = std::mem::replace(&mut self.seen, true);
        self.is_free = standing == Standing::Free;
        if standing != Standing::Beyond {
            (self.beyond_share, self.beyond_since) = (false, None);
            return false;
        }
        let since = *self.beyond_since.get_or_insert(now);
        self.beyond_share |= !known || now >= since + SHARE_SETTLE;
        !self.beyond_share
    }

    /// Until when they count as here without another beacon: as long as they said, but not much longer than a room as large as we know it is silent.
    fn believed_until(&self, summary: &Summary) -> Instant {
        let most = interval(summary.weighty.len() + 1) * INTERVALS_BELIEVED;
        let most = patience(u32::try_from(most.as_millis()).unwrap_or(u32::MAX));
        self.overdue.min(self.heard + most)
    }

    /// When something is due.
    pub(super) fn poll_timeout(&self, gone_listed: Duration) -> Option<Instant> {
        if let Some(since) = self.gone_since {
            return Some(since + gone_listed);
        }
        match self.doubted_until() {
            Some(until) if self.link != LinkState::Up => Some(until),
            _ if self.counted || !self.shown => Some(self.overdue),
            _ => None,
        }
    }

    /// Whether the app knows of them. Who is only said to be here, by beacons of people whom nobody names, is not shown.
    pub(super) fn is_shown(&self) -> bool {
        self.shown
    }

    /// Draws the conclusions; gives the event to show, none if nothing changed. Says whether they stay listed.
    pub(super) fn refresh(&mut self, now: Instant, summary: &mut Summary, out: &mut Vec<Event>) -> bool {
        let heard_of = self.beacon.is_some() && now < self.believed_until(summary) && !self.left;
        if !self.known && self.link == LinkState::None && !self.shown {
            return heard_of;
        }
        let beaconed = heard_of && self.known;
        let candidate = beaconed && self.suspected_until.is_none_or(|until| now < until);
        if std::mem::replace(&mut self.candidate, candidate) != candidate {
            summary.count_candidate(candidate);
        }
        let until = self.doubted_until();
        let suspected = until.is_some();
        let convicted = until.is_some_and(|until| now >= until);
        let state = match self.link {
            LinkState::Up => PersonState::Here,
            _ if self.left => PersonState::Left,
            LinkState::Trouble => PersonState::Reconnecting,
            _ if beaconed && !suspected => PersonState::Here,
            _ if suspected && !convicted => PersonState::Reconnecting,
            LinkState::Connecting if self.person.name.is_none() => PersonState::Connecting,
            // Who was here before and fell silent or does not answer is gone.
            LinkState::Blocked(obstacle)
                if self.suspected_until.is_none_or(|until| now < until)
                    && (self.person.name.is_none() || obstacle != Obstacle::NoAnswer) =>
            {
                PersonState::OutOfReach { obstacle }
            }
            LinkState::None | LinkState::Connecting | LinkState::Blocked(_) => PersonState::Gone,
        };
        let gone = matches!(state, PersonState::Gone | PersonState::Left);
        let counted = beaconed && !gone;
        if counted != self.counted {
            self.counted = counted;
            summary.count(&self.person.peer, counted);
            if counted && !self.seen && !is_neighbor(self.link) {
                summary.unseen += 1;
                self.beyond_share = summary.unseen > unseen_max(summary.weighty.len());
            }
        }
        let weighs = counted && !self.beyond_share;
        if weighs != self.weighs {
            self.weighs = weighs;
            summary.weigh(&self.person.peer, weighs);
        }
        // Who was never here is not said to be gone: a server may name whom it likes.
        if gone && self.person.name.is_none() && self.beacon.is_none() {
            return false;
        }
        if gone && self.gone_since.is_none() {
            self.gone_since = Some(now);
            // Many go at once: when they are forgotten is looked up for all of them together.
            summary.look_again(now + ROSTER_RETRY);
        } else if !gone {
            self.gone_since = None;
        }
        let linked = self.link == LinkState::Up;
        if std::mem::replace(&mut self.shown, true) && self.person.state == state && self.person.linked == linked {
            return true;
        }
        self.person.state = state;
        self.person.linked = linked;
        if !linked {
            self.person.round_trip = None;
        }
        out.push(Event::Person {
            person: self.person.clone(),
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{
        Context,
        test::{identity, peer},
    };

    const NOW: Instant = Instant::from_millis(100_000);
    const LATER: Instant = Instant::from_millis(100_001);

    /// Somebody with a link in this state and a name, who did not beacon.
    fn named(link: LinkState) -> Box<Listed> {
        let mut listed = Listed::new(NOW, peer(2), link);
        listed.person.name = Some("Bob".into());
        (listed.known, listed.hops) = (true, Some(1));
        listed
    }

    /// The same, with a beacon that is believed until `LATER`.
    fn beaconed(link: LinkState) -> Box<Listed> {
        let beacon = Beacon::plain("Bob", 1);
        let mut listed = named(link);
        listed.beacon = Some(Record::sign(&identity(2), &Context::test(1).room, beacon));
        listed.overdue = LATER;
        listed
    }

    /// What is shown of somebody.
    fn shown(listed: &mut Listed, now: Instant) -> PersonState {
        let mut out = Vec::new();
        assert!(listed.refresh(now, &mut Summary::default(), &mut out));
        let person = listed.person.clone();
        assert_eq!(out, [Event::Person { person }]);
        listed.person.state
    }

    #[test]
    fn a_link_decides_else_the_beacon_else_suspicion() {
        use LinkState::{Blocked, Connecting, None, Trouble, Up};
        let nats = Obstacle::BothNats;
        let silent = Obstacle::NoAnswer;
        let suspected = |mut listed: Box<Listed>, until| {
            listed.suspected_until = Some(until);
            listed
        };
        let cut_off = |mut listed: Box<Listed>, until| {
            listed.cut_off_until = Some(until);
            listed
        };
        let left = |mut listed: Box<Listed>| {
            listed.left = true;
            listed
        };
        for (mut listed, state) in [
            (named(Up), PersonState::Here),
            (left(named(Up)), PersonState::Here),
            (suspected(named(Up), NOW), PersonState::Here),
            (named(Trouble), PersonState::Reconnecting),
            (beaconed(Trouble), PersonState::Reconnecting),
            (left(beaconed(Trouble)), PersonState::Left),
            (beaconed(None), PersonState::Here),
            (beaconed(Connecting), PersonState::Here),
            (left(beaconed(None)), PersonState::Left),
            (suspected(beaconed(None), LATER), PersonState::Reconnecting),
            (suspected(beaconed(Connecting), LATER), PersonState::Reconnecting),
            (suspected(beaconed(None), NOW), PersonState::Gone),
            (named(None), PersonState::Gone),
            (named(Connecting), PersonState::Gone),
            (Listed::new(NOW, peer(2), Connecting), PersonState::Connecting),
            (beaconed(Blocked(nats)), PersonState::Here),
            (left(beaconed(Blocked(nats))), PersonState::Left),
            (suspected(beaconed(Blocked(nats)), LATER), PersonState::Reconnecting),
            (suspected(beaconed(Blocked(nats)), NOW), PersonState::Gone),
            (
                cut_off(beaconed(Blocked(nats)), NOW),
                PersonState::OutOfReach { obstacle: nats },
            ),
            (named(Blocked(nats)), PersonState::OutOfReach { obstacle: nats }),
            (named(Blocked(silent)), PersonState::Gone),
            (
                Listed::new(NOW, peer(2), Blocked(silent)),
                PersonState::OutOfReach { obstacle: silent },
            ),
        ] {
            assert_eq!(shown(&mut listed, NOW), state, "{listed:?}");
        }
        assert_eq!(
            shown(&mut beaconed(None), LATER),
            PersonState::Gone,
            "the next one is overdue"
        );
    }

    #[test]
    fn only_who_beacons_and_is_not_gone_is_counted() {
        let mut summary = Summary::default();
        let mut listed = beaconed(LinkState::None);
        listed.refresh(NOW, &mut summary, &mut Vec::new());
        assert_eq!((listed.counted, listed.weighs, listed.gone_since), (true, true, None));
        listed.refresh(LATER, &mut summary, &mut Vec::new());
        let generation = summary.generation;
        assert_eq!((listed.counted, listed.weighs), (false, false));
        assert_eq!(
            (listed.gone_since, summary.due),
            (Some(LATER), Some(LATER + ROSTER_RETRY))
        );
        named(LinkState::Up).refresh(NOW, &mut summary, &mut Vec::new());
        assert_eq!(summary.generation, generation, "a link without a beacon is not counted");
    }

    #[test]
    fn a_stranger_whose_link_did_not_come_about_is_dropped_without_a_word() {
        let mut out = Vec::new();
        let mut stranger = Listed::new(NOW, peer(2), LinkState::None);
        assert!(!stranger.refresh(NOW, &mut Summary::default(), &mut out));
        assert_eq!(out, []);
    }

    #[test]
    fn a_change_is_shown_once_and_a_round_trip_ends_with_its_link() {
        let mut listed = beaconed(LinkState::Up);
        listed.person.round_trip = Some(Duration::from_millis(40));
        assert_eq!(shown(&mut listed, NOW), PersonState::Here);
        let mut out = Vec::new();
        assert!(listed.refresh(NOW, &mut Summary::default(), &mut out));
        assert_eq!((out, listed.person.linked), (vec![], true));
        listed.link = LinkState::None;
        assert_eq!(shown(&mut listed, NOW), PersonState::Here, "without the link");
        assert_eq!((listed.person.linked, listed.person.round_trip), (false, None));
    }
}
