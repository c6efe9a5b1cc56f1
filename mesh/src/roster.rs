//! Who is in the room, as far as we know, and who used which name before.

use std::time::Duration;

use litemap::LiteMap;
use shared::PeerId;

use crate::{
    config::{KNOWN_NAMES_MAX, PEOPLE_MAX, Timing},
    io::{Alert, Event, Instant, Person, PersonState},
};

/// The people of the room.
#[derive(Debug, Default)]
pub struct Roster {
    people: LiteMap<PeerId, Entry>,
    /// Trust on first use: the first key seen with a name keeps it.
    names: LiteMap<String, PeerId>,
}

#[derive(Debug)]
struct Entry {
    person: Person,
    /// Since when they are gone or left.
    gone_since: Option<Instant>,
    /// Whether an alert was raised for the name they use.
    name_alerted: bool,
}

impl Roster {
    /// Recalls that `peer` used `name` on a former visit. Past [`KNOWN_NAMES_MAX`] names nothing more is recalled.
    pub fn know_name(&mut self, peer: PeerId, name: &str) {
        if self.names.len() < KNOWN_NAMES_MAX {
            self.names.entry(folded(name)).or_insert(peer);
        }
    }

    /// How someone stands with us.
    #[must_use]
    pub fn state(&self, peer: &PeerId) -> Option<PersonState> {
        Some(self.people.get(peer)?.person.state)
    }

    /// Everyone listed.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values().map(|entry| &entry.person)
    }

    /// Notes how someone stands with us; gives the events to show, none if nothing changed.
    pub fn set_state(&mut self, now: Instant, peer: PeerId, state: PersonState, out: &mut Vec<Event>) {
        let gone = matches!(state, PersonState::Gone | PersonState::Left);
        // Who was never here is not said to be gone: a server may name whom it likes.
        if gone && self.people.get(&peer).is_none_or(|entry| entry.person.name.is_none()) {
            if self.people.remove(&peer).is_some() {
                out.push(Event::PersonForgotten { peer });
            }
            return;
        }
        let Some(entry) = self.people.get_mut(&peer) else {
            self.make_room(out);
            let person = Person {
                peer,
                name: None,
                state,
                round_trip: None,
            };
            out.push(Event::Person { person: person.clone() });
            self.people.insert(
                peer,
                Entry {
                    person,
                    gone_since: None,
                    name_alerted: false,
                },
            );
            return;
        };
        let known = entry.person.state;
        // Being linked anew is no news: they are here, being reconnected or gone until that succeeds. Nor is it that someone who
        // left cannot be reached.
        let news = match state {
            PersonState::Connecting => false,
            PersonState::Gone => known != PersonState::Left,
            PersonState::Here | PersonState::Reconnecting | PersonState::Left => true,
        };
        if known == state || !news {
            return;
        }
        entry.person.state = state;
        entry.gone_since = gone.then_some(now);
        if state != PersonState::Here {
            entry.person.round_trip = None;
        }
        out.push(Event::Person {
            person: entry.person.clone(),
        });
    }

    /// Notes someone's name. Gives an alert, once as long as they are listed, if the name was somebody else's.
    pub fn set_name(&mut self, peer: PeerId, name: &str, out: &mut Vec<Event>) -> NameNews {
        if let Some(entry) = self.people.get_mut(&peer)
            && entry.person.name.as_deref() != Some(name)
        {
            entry.person.name = Some(name.to_owned());
            entry.name_alerted = false;
            out.push(Event::Person {
                person: entry.person.clone(),
            });
        }
        match self.names.get(&folded(name)) {
            Some(known) if *known == peer => NameNews::Known,
            Some(known) => {
                let entry = self.people.get_mut(&peer);
                if !entry.is_some_and(|entry| std::mem::replace(&mut entry.name_alerted, true)) {
                    let alert = Alert::NameTaken {
                        name: name.to_owned(),
                        known: *known,
                        now: peer,
                    };
                    out.push(Event::Alert { alert });
                }
                NameNews::Taken
            }
            None if self.names.len() < KNOWN_NAMES_MAX => {
                self.names.insert(folded(name), peer);
                NameNews::New
            }
            None => NameNews::Known,
        }
    }

    /// Notes a round-trip time.
    pub fn set_round_trip(&mut self, peer: PeerId, round_trip: Option<Duration>, out: &mut Vec<Event>) {
        if let Some(entry) = self.people.get_mut(&peer) {
            entry.person.round_trip = round_trip;
            out.push(Event::Person {
                person: entry.person.clone(),
            });
        }
    }

    /// When [`Roster::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self, timing: &Timing) -> Option<Instant> {
        self.people
            .values()
            .filter_map(|entry| entry.gone_since)
            .min()
            .map(|since| since + timing.gone_listed)
    }

    /// Forgets who is gone for long.
    pub fn handle_timeout(&mut self, now: Instant, timing: &Timing, out: &mut Vec<Event>) {
        self.people.retain(|peer, entry| {
            let over = entry.gone_since.is_some_and(|since| now >= since + timing.gone_listed);
            if over {
                out.push(Event::PersonForgotten { peer: *peer });
            }
            !over
        });
    }

    /// Forgets the longest gone if the list is full. Links are bounded far below the list, so there is one.
    fn make_room(&mut self, out: &mut Vec<Event>) {
        if self.people.len() < PEOPLE_MAX {
            return;
        }
        let longest = self
            .people
            .iter()
            .filter_map(|(peer, entry)| Some((entry.gone_since?, *peer)))
            .min()
            .map(|(_, peer)| peer);
        if let Some(peer) = longest {
            self.people.remove(&peer);
            out.push(Event::PersonForgotten { peer });
        }
    }
}

/// What is known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameNews {
    /// It is theirs, as before.
    Known,
    /// It was nobody's; now it is theirs, and worth remembering.
    New,
    /// It is somebody else's.
    Taken,
}

/// Names that people would take for the same: case and spacing do not tell them apart.
fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    fn here(roster: &mut Roster, who: PeerId, name: &str) -> Vec<Event> {
        let mut out = Vec::new();
        roster.set_state(at(0), who, PersonState::Here, &mut out);
        roster.set_name(who, name, &mut out);
        out
    }

    #[test]
    fn a_known_name_under_a_new_key_is_an_alert() {
        let mut roster = Roster::default();
        roster.know_name(peer(1), "Ann Lee");
        assert!(
            !here(&mut roster, peer(1), "Ann Lee")
                .iter()
                .any(|event| matches!(event, Event::Alert { .. }))
        );
        let out = here(&mut roster, peer(2), " ann  lee");
        let alert = Alert::NameTaken {
            name: " ann  lee".into(),
            known: peer(1),
            now: peer(2),
        };
        assert_eq!(out.last(), Some(&Event::Alert { alert }));
    }

    #[test]
    fn only_changes_are_events() {
        let mut roster = Roster::default();
        assert_eq!(here(&mut roster, peer(1), "Ann").len(), 2);
        assert_eq!(here(&mut roster, peer(1), "Ann"), []);
    }

    #[test]
    fn the_gone_stay_listed_for_a_while_and_strangers_do_not() {
        let timing = Timing::default();
        let mut roster = Roster::default();
        here(&mut roster, peer(1), "Ann");
        let mut out = Vec::new();
        roster.set_state(at(10), peer(1), PersonState::Gone, &mut out);
        roster.set_state(at(11), peer(1), PersonState::Connecting, &mut out);
        assert_eq!(roster.state(&peer(1)), Some(PersonState::Gone));
        roster.set_state(at(10), peer(2), PersonState::Connecting, &mut out);
        out.clear();
        roster.set_state(at(20), peer(2), PersonState::Gone, &mut out);
        assert_eq!(out, [Event::PersonForgotten { peer: peer(2) }]);
        out.clear();
        roster.handle_timeout(at(10) + timing.gone_listed, &timing, &mut out);
        assert_eq!(out, [Event::PersonForgotten { peer: peer(1) }]);
        assert_eq!(roster.people().count(), 0);
    }

    #[test]
    fn a_full_list_forgets_the_longest_gone_first() {
        let mut roster = Roster::default();
        let mut out = Vec::new();
        const COUNT: u8 = 64;
        assert_eq!(usize::from(COUNT), PEOPLE_MAX);
        for byte in 0..COUNT {
            here(&mut roster, peer(byte), &format!("p{byte}"));
            roster.set_state(at(u64::from(100 - byte)), peer(byte), PersonState::Left, &mut out);
        }
        out.clear();
        here(&mut roster, peer(200), "new");
        assert_eq!(roster.people().count(), PEOPLE_MAX);
        assert_eq!(roster.state(&peer(COUNT - 1)), None);
    }
}
