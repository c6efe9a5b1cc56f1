//! Who came and who went while we were here, told between the messages.
//!
//! A line stands behind the last message that was there when it came about. Who was found as we came in is no news; nor is that others are lost while
//! we have no network ourselves, or that they are there again.

use std::{collections::BTreeSet, rc::Rc};

use mesh::{
    config::PEOPLE_MAX,
    model::{Person, PersonState, Timestamp},
};
use shared::{MessageId, PeerId};

use super::{Entry, RoomState};
use crate::{config::COMINGS_MAX, words::page};

/// Somebody came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Coming {
    peer: PeerId,
    /// What they were called.
    name: String,
    came: bool,
    /// The place of the last message before it, if there was one.
    after: Option<(Timestamp, MessageId)>,
}

/// See the [module documentation](self).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Comings {
    /// Who is here, as far as that was told or is no news.
    here: BTreeSet<PeerId>,
    /// Ascending in the place before.
    list: Vec<Coming>,
    /// Whether who comes from now on is news.
    pub(super) is_settled: bool,
}

impl RoomState {
    /// Somebody stands otherwise than before.
    pub(super) fn note_coming(&mut self, person: &Person) {
        let came = match person.state {
            PersonState::Here => true,
            PersonState::Left => false,
            // What looks like that while nobody at all is reached says nothing of them.
            PersonState::Gone | PersonState::Away
                if !self.server_lost || self.people.iter().any(|other| other.linked) =>
            {
                false
            }
            PersonState::Gone
            | PersonState::Away
            | PersonState::Connecting
            | PersonState::Reconnecting
            | PersonState::OutOfReach { .. } => return,
        };
        let is_news = came != self.comings.here.contains(&person.peer);
        if !is_news {
            return;
        }
        let after = self.messages[..self.ahead_from()].last();
        let after = after.map(|entry| (entry.message.order, entry.message.id));
        let name = self.name_of(&person.peer);
        let comings = Rc::make_mut(&mut self.comings);
        if came {
            // Who was lost with our own network may be forgotten, and never come again.
            if comings.here.len() >= PEOPLE_MAX {
                comings.here.pop_first();
            }
            comings.here.insert(person.peer);
        } else {
            comings.here.remove(&person.peer);
        }
        if !comings.is_settled {
            return;
        }
        // The last message then may be gone by now.
        let after = after.max(comings.list.last().and_then(|last| last.after));
        if comings.list.len() >= COMINGS_MAX {
            comings.list.remove(0);
        }
        comings.list.push(Coming {
            peer: person.peer,
            name,
            came,
            after,
        });
    }

    /// How many lines of that there may be.
    #[must_use]
    pub fn comings_count(&self) -> usize {
        self.comings.list.len()
    }

    /// Who came and who went behind `before`, if that is a message, and before `next`, if there is one: in a line, if there is something to tell.
    #[must_use]
    pub fn comings_between(&self, before: Option<&Entry>, next: Option<&Entry>) -> Option<String> {
        let place = |entry: &Entry| (entry.message.order, entry.message.id);
        let (before, next) = (before.map(place), next.map(place));
        // For each message that is drawn: looked up, not gone through.
        let list = &self.comings.list;
        let first = list.partition_point(|coming| coming.after < before);
        let end = next.map_or(list.len(), |next| {
            list.partition_point(|coming| coming.after < Some(next))
        });
        let between = list.get(first..end).unwrap_or_default().iter();
        let mut told: Vec<&Coming> = Vec::new();
        for coming in between.filter(|coming| !self.mark_of(&coming.peer).muted) {
            // Who is there again, or was there for a moment, is as before.
            match told.iter().position(|earlier| earlier.peer == coming.peer) {
                Some(place) => drop(told.remove(place)),
                None => told.push(coming),
            }
        }
        let names = |came| {
            let of_kind = told.iter().filter(|coming| coming.came == came);
            of_kind.map(|coming| self.called_then(coming)).collect::<Vec<_>>()
        };
        page::comings(&names(true), &names(false))
    }

    /// What somebody is called who may be forgotten by now.
    fn called_then(&self, coming: &Coming) -> String {
        let is_known = self.person(&coming.peer).is_some_and(|person| person.name.is_some());
        if is_known {
            self.name_of(&coming.peer)
        } else {
            coming.name.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use mesh::{
        io::ServerId,
        model::{Event, ServerState},
    };

    use super::*;
    use crate::room::{RoomAction, Visibility, reduce, sample::message};

    fn room() -> RoomState {
        RoomState::new(PeerId::from_bytes([0; 32]), "Me".into())
    }

    fn happen(room: &mut RoomState, event: Event) {
        let visibility = Visibility::Shown;
        reduce(room, RoomAction::Event { event, visibility });
    }

    fn stands(room: &mut RoomState, byte: u8, state: PersonState) {
        let person = Person {
            peer: PeerId::from_bytes([byte; 32]),
            name: Some(format!("P{byte}")),
            state,
            linked: state == PersonState::Here,
            round_trip: None,
            archive: false,
        };
        happen(room, Event::Person { person });
    }

    /// The lines before, between and behind the messages.
    fn lines(room: &RoomState) -> Vec<Option<String>> {
        let entries: Vec<_> = room.messages.iter().map(|entry| Some(&**entry)).collect();
        let befores = [None].into_iter().chain(entries.iter().copied());
        let nexts = entries.iter().copied().chain([None]);
        let lines = befores
            .zip(nexts)
            .map(|(before, next)| room.comings_between(before, next));
        lines
            .map(|line| line.map(|line| line.replace(['\u{2068}', '\u{2069}'], "")))
            .collect()
    }

    fn line(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn who_was_there_is_no_news_and_who_comes_and_goes_is_told_in_its_place() {
        let mut room = room();
        stands(&mut room, 1, PersonState::Here);
        happen(
            &mut room,
            Event::Message {
                message: message(5, 1, "first"),
            },
        );
        reduce(&mut room, RoomAction::Settled);
        stands(&mut room, 2, PersonState::Connecting);
        assert_eq!(lines(&room), [None, None]);
        stands(&mut room, 2, PersonState::Here);
        stands(&mut room, 2, PersonState::Reconnecting);
        happen(
            &mut room,
            Event::Message {
                message: message(9, 1, "last"),
            },
        );
        stands(&mut room, 1, PersonState::Left);
        stands(&mut room, 3, PersonState::Here);
        assert_eq!(lines(&room), [None, line("P2 joined"), line("P3 joined, P1 left")]);
        // One that comes late stands where it belongs, and moves nothing.
        happen(
            &mut room,
            Event::Message {
                message: message(3, 1, "before all"),
            },
        );
        assert_eq!(
            lines(&room),
            [None, None, line("P2 joined"), line("P3 joined, P1 left")]
        );
        // Who is forgotten keeps the name.
        let peer = PeerId::from_bytes([1; 32]);
        happen(&mut room, Event::PersonForgotten { peer });
        assert_eq!(lines(&room)[3], line("P3 joined, P1 left"));
    }

    #[test]
    fn who_is_back_at_once_was_never_away_and_nobody_leaves_while_we_have_no_network() {
        let mut room = room();
        for byte in [1, 2] {
            stands(&mut room, byte, PersonState::Here);
        }
        reduce(&mut room, RoomAction::Settled);
        stands(&mut room, 1, PersonState::Left);
        assert_eq!(lines(&room), [line("P1 left")]);
        stands(&mut room, 1, PersonState::Here);
        assert_eq!(lines(&room), [None]);
        let (server, state) = (ServerId(0), ServerState::Stopped);
        happen(&mut room, Event::Server { server, state });
        for byte in [1, 2] {
            stands(&mut room, byte, PersonState::Reconnecting);
        }
        for byte in [1, 2] {
            stands(&mut room, byte, PersonState::Gone);
        }
        stands(&mut room, 1, PersonState::Here);
        assert_eq!(lines(&room), [None]);
        stands(&mut room, 2, PersonState::Gone);
        assert_eq!(lines(&room), [line("P2 left")]);
    }

    #[test]
    fn of_many_the_last_are_remembered() {
        let mut room = room();
        reduce(&mut room, RoomAction::Settled);
        for _ in 0..COMINGS_MAX {
            stands(&mut room, 1, PersonState::Here);
            stands(&mut room, 1, PersonState::Left);
        }
        assert_eq!(room.comings_count(), COMINGS_MAX);
    }
}
