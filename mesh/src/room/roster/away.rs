//! Who was here before and is not here now: people of former visits, and of this one once they are forgotten.
//!
//! Owns: their names, the most recent last, at most [`AWAY_MAX`]; the least recent go first. They count nowhere and are never tried: whoever comes back
//! is listed like anybody else. The list is for our person, who can whisper to them.

use shared::PeerId;

use super::Roster;
use crate::{
    config::AWAY_MAX,
    model::{Event, Person, PersonState},
};

impl Roster {
    /// These were here on former visits, the most recent first.
    pub(crate) fn recall_away(&mut self, mut names: Vec<(PeerId, String)>, out: &mut Vec<Event>) {
        names.truncate(AWAY_MAX);
        while let Some((peer, name)) = names.pop() {
            self.note_away(peer, Some(name), out);
        }
    }

    /// Somebody is not here any more, who is called so, or as before.
    pub(super) fn note_away(&mut self, peer: PeerId, name: Option<String>, out: &mut Vec<Event>) {
        let before = self.away.iter().position(|(known, _)| *known == peer);
        let before = before.map(|place| self.away.remove(place).1);
        // Whose name is not known can be told from nobody.
        let Some(name) = name.or(before) else { return };
        self.away.push((peer, name.clone()));
        out.push(Event::Person {
            person: Person {
                peer,
                name: Some(name),
                state: PersonState::Away,
                linked: false,
                round_trip: None,
                archive: false,
            },
        });
        if self.away.len() > AWAY_MAX {
            let (peer, _) = self.away.remove(0);
            if self.state(&peer).is_none() {
                out.push(Event::PersonForgotten { peer });
            }
        }
    }

    pub(super) fn is_away(&self, peer: &PeerId) -> bool {
        self.away.iter().any(|(known, _)| known == peer)
    }
}
