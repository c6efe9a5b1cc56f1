//! Somebody who is listed, and the conclusions from what is known of them.

use std::rc::Rc;

use shared::PeerId;

use super::Summary;
use crate::{
    door::LinkState,
    io::Instant,
    model::{Event, Person, PersonState},
    wire::record::{Beacon, Record},
};

#[derive(Debug)]
pub(super) struct Listed {
    pub(super) person: Person,
    pub(super) link: LinkState,
    pub(super) beacon: Option<Rc<Record<Beacon>>>,
    /// When the next beacon is overdue.
    pub(super) overdue: Instant,
    pub(super) suspected_until: Option<Instant>,
    pub(super) left: bool,
    /// Since when they are gone or left.
    pub(super) gone_since: Option<Instant>,
    /// Whether an alert was raised for the name they use.
    pub(super) name_alerted: bool,
    /// Whether they count as present.
    pub(super) counted: bool,
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
        };
        Box::new(Self {
            person,
            link,
            beacon: None,
            overdue: now,
            suspected_until: None,
            left: false,
            gone_since: None,
            name_alerted: false,
            counted: false,
            shown: false,
        })
    }

    /// Draws the conclusions; gives the event to show, none if nothing changed. Says whether they stay listed.
    pub(super) fn refresh(&mut self, now: Instant, summary: &mut Summary, out: &mut Vec<Event>) -> bool {
        let beaconed = self.beacon.is_some() && now < self.overdue && !self.left;
        let suspected = self.suspected_until.is_some();
        let convicted = self.suspected_until.is_some_and(|until| now >= until);
        let state = match self.link {
            LinkState::Up => PersonState::Here,
            _ if self.left => PersonState::Left,
            LinkState::Trouble => PersonState::Reconnecting,
            LinkState::None | LinkState::Connecting if beaconed && !suspected => PersonState::Here,
            LinkState::None | LinkState::Connecting if suspected && !convicted => PersonState::Reconnecting,
            LinkState::Connecting if self.person.name.is_none() => PersonState::Connecting,
            LinkState::None | LinkState::Connecting => PersonState::Gone,
        };
        let gone = matches!(state, PersonState::Gone | PersonState::Left);
        let counted = beaconed && !gone;
        if counted != self.counted {
            self.counted = counted;
            summary.count(&self.person.peer, counted);
        }
        // Who was never here is not said to be gone: a server may name whom it likes.
        if gone && self.person.name.is_none() && self.beacon.is_none() {
            return false;
        }
        if gone && self.gone_since.is_none() {
            self.gone_since = Some(now);
            summary.due = Some(now);
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
