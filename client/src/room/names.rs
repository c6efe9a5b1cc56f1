//! What people are called in a room as it is shown, so that nobody is taken for another.

use std::{collections::BTreeSet, rc::Rc};

use mesh::model::{Message, PersonState};
use shared::{PeerId, name::skeleton};

use super::RoomState;
use crate::{
    text::{Mentioned, Who},
    words,
};

/// What is known of how someone is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called<'a> {
    /// By a name that nobody else in the room has.
    Unique(&'a str),
    /// By a name that somebody else in the room has, too.
    Ambiguous(&'a str),
    /// Their name is not known yet.
    Unnamed,
}

impl RoomState {
    /// What to call someone: their name; with the fingerprint if two people have the name, or if there is none yet.
    #[must_use]
    pub fn name_of(&self, peer: &PeerId) -> String {
        words::name(peer, self.called(peer))
    }

    /// The name that a message was said under, with what tells it from the same name in the room now.
    #[must_use]
    pub fn author_of(&self, message: &Message) -> String {
        self.name_then(&message.author, &message.author_name)
    }

    /// The name that somebody had when they said something, with what tells it from the same name in the room now.
    #[must_use]
    pub fn name_then(&self, author: &PeerId, said_as: &str) -> String {
        let known = self.person(author).and_then(|person| person.name.as_deref());
        if *author == self.me || known == Some(said_as) {
            self.name_of(author)
        } else {
            // The list of people forgets, and people call themselves otherwise; what they said stays as it is.
            words::name(author, self.distinct(author, said_as))
        }
    }

    /// Everybody who can be mentioned, ourselves first.
    #[must_use]
    pub fn mentionable(&self) -> Vec<Mentioned> {
        let others = self
            .people
            .iter()
            .filter_map(|person| Some((person.peer, person.name.as_deref()?)));
        let all = [(self.me, self.my_name.as_str())].into_iter().chain(others);
        let mentioned = |(peer, name)| {
            let who = if peer == self.me { Who::Me } else { Who::Other };
            Some(Mentioned::looking(name, Rc::clone(self.looks.get(&peer)?), who))
        };
        all.filter_map(mentioned).collect()
    }

    /// The names of the others, each once, for somebody who types: of those who are here first, then of those who are not.
    #[must_use]
    pub fn names_offered(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut known = BTreeSet::new();
        for is_here in [true, false] {
            for person in self
                .people
                .iter()
                .filter(|person| (person.state == PersonState::Here) == is_here)
            {
                if let Some(name) = person.name.as_ref().filter(|name| known.insert(*name)) {
                    names.push(name.clone());
                }
            }
        }
        names
    }

    /// What to call those who are typing something to everyone, but for whoever is muted.
    #[must_use]
    pub fn typists(&self) -> Vec<String> {
        let heard = self.typing.iter().filter(|peer| !self.mark_of(peer).muted);
        heard.map(|peer| self.name_of(peer)).collect()
    }

    fn called(&self, peer: &PeerId) -> Called<'_> {
        if *peer == self.me {
            return Called::Unique(&self.my_name);
        }
        let known = self.person(peer).and_then(|person| person.name.as_deref());
        let name = known.or_else(|| self.last_name(peer));
        name.map_or(Called::Unnamed, |name| self.distinct(peer, name))
    }

    fn distinct<'a>(&self, peer: &PeerId, name: &'a str) -> Called<'a> {
        if self.is_ambiguous(peer, name) {
            Called::Ambiguous(name)
        } else {
            Called::Unique(name)
        }
    }

    /// The name that someone said something under last. The list of people has nobody who was here on former visits only.
    fn last_name(&self, peer: &PeerId) -> Option<&str> {
        let theirs = self.messages.iter().rfind(|entry| entry.message.author == *peer)?;
        Some(&theirs.message.author_name)
    }

    /// Whether somebody else has this name now, or one that people would take for it; or whether it ends as what we add to names.
    fn is_ambiguous(&self, peer: &PeerId, name: &str) -> bool {
        let now = if *peer == self.me {
            Some(self.my_name.as_str())
        } else {
            self.person(peer).and_then(|person| person.name.as_deref())
        };
        // Known already of how somebody is called now; of a former name it is found out.
        let known = self.looks.get(peer).filter(|_| now == Some(name));
        let looks = known.map_or_else(|| skeleton(name).into(), Rc::clone);
        let is_like = |(other, theirs): (&PeerId, &Rc<str>)| other != peer && *theirs == looks;
        ends_as_marked(&looks) || self.looks.iter().any(is_like)
    }

    /// Somebody is called so from now on.
    pub(super) fn note_name(&mut self, peer: PeerId, name: Option<&str>) {
        if let Some(name) = name {
            self.looks.insert(peer, skeleton(name).into());
        }
    }
}

/// Whether a name looks as if it ended with what we add to names: "(you)", or a fingerprint; or as what we call ourselves among others.
fn ends_as_marked(looks: &str) -> bool {
    if looks == skeleton("you") {
        return true;
    }
    let inner = looks.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    inner.is_some_and(|(_, inner)| inner == "you" || (inner.contains('-') && !inner.contains(' ')))
}
