//! Names: trust on first use. The first key seen with a name keeps it, and names that look alike are one.

use shared::{PeerId, name::skeleton};

use super::Roster;
use crate::{
    config::{KNOWN_NAMES_MAX, NAMES_PER_PERSON_MAX},
    model::{Alert, Event},
};

/// What is known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameNews {
    /// It is theirs, as before.
    Known,
    /// It was nobody's; now it is theirs, and worth remembering.
    New,
    /// It is somebody else's.
    Taken,
}

impl Roster {
    /// Recalls that `peer` used `name` on a former visit. Past [`KNOWN_NAMES_MAX`] names nothing more is recalled. Says whether the name is theirs.
    pub(crate) fn know_name(&mut self, peer: PeerId, name: &str) -> bool {
        self.names.len() < KNOWN_NAMES_MAX && *self.names.entry(skeleton(name)).or_insert(peer) == peer
    }

    /// Notes someone's name. Gives an alert, once for each time they take it, if the name was somebody else's.
    pub(crate) fn set_name(&mut self, peer: PeerId, name: &str, out: &mut Vec<Event>) -> NameNews {
        let Some(entry) = self.people.get_mut(&peer) else {
            return NameNews::Known;
        };
        if !entry.is_shown() {
            return NameNews::Known;
        }
        if entry.person.name.as_deref() == Some(name) {
            return NameNews::Known;
        }
        entry.person.name = Some(name.to_owned());
        entry.name_alerted = false;
        out.push(Event::Person {
            person: entry.person.clone(),
        });
        let looks = skeleton(name);
        match self.names.get(&looks) {
            Some(known) if *known == peer => NameNews::Known,
            Some(known) => {
                if !std::mem::replace(&mut entry.name_alerted, true) {
                    let alert = Alert::NameTaken {
                        name: name.to_owned(),
                        known: *known,
                        now: peer,
                    };
                    out.push(Event::Alert { alert });
                }
                NameNews::Taken
            }
            None => {
                // A few names a person. What somebody was called a moment ago is not free for another; but whoever renames themselves all the
                // time takes no room from others.
                let mut theirs = self.names.iter().filter(|(_, known)| **known == peer);
                if let Some(before) = theirs.nth(NAMES_PER_PERSON_MAX - 1).map(|(before, _)| before.clone()) {
                    self.names.remove(&before);
                }
                if self.names.len() >= KNOWN_NAMES_MAX {
                    return NameNews::Known;
                }
                self.names.insert(looks, peer);
                NameNews::New
            }
        }
    }
}
