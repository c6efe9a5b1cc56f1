//! Whom a person means by a name.
//!
//! Names are chosen by whoever bears them, so two people can have one, and one can be the beginning of another. What is whispered must not reach
//! the wrong person: where several can be meant, nobody is, and it is said by what each of them can be called.

use client::room::RoomState;
use mesh::model::{Person, PersonState};
use shared::{PeerId, name::skeleton};

use super::Refusal;
use crate::{config::ADDRESSEE_WORDS_MAX, line::command::Addressed};

/// The one person who is called so: by name, by name and fingerprint, by fingerprint or by public key. If nobody is called exactly so, one whose
/// name people would take for the same.
///
/// # Errors
/// [`Refusal::NobodyCalled`], [`Refusal::Ambiguous`].
pub fn find(room: &RoomState, name: &str) -> Result<PeerId, Refusal> {
    let name = name.trim();
    let peers = called(room, name);
    match &peers[..] {
        [] => Err(nobody(room, name)),
        [peer] => Ok(*peer),
        peers => Err(ambiguous(room, name, peers)),
    }
}

/// The one person and the text that somebody typed.
///
/// # Errors
/// [`Refusal::NobodyCalled`], [`Refusal::Ambiguous`].
pub fn resolve(room: &RoomState, addressed: Addressed) -> Result<(PeerId, String), Refusal> {
    match addressed {
        Addressed::To { name, text } => Ok((find(room, &name)?, text)),
        Addressed::Run { words } => split(room, &words),
    }
}

/// Where name and text stand in one: the one person whose name is at the beginning, and the text after it.
///
/// # Errors
/// [`Refusal::NobodyCalled`], [`Refusal::Ambiguous`].
pub fn split(room: &RoomState, words: &str) -> Result<(PeerId, String), Refusal> {
    let mut found = Vec::new();
    let mut first = words;
    for (count, end) in word_ends(words).take(ADDRESSEE_WORDS_MAX).enumerate() {
        let (name, text) = words.split_at(end);
        if count == 0 {
            first = name;
        }
        if text.trim().is_empty() {
            break;
        }
        found.extend(called(room, name).into_iter().map(|peer| (peer, text.trim())));
    }
    match &found[..] {
        [] => Err(nobody(room, first)),
        [(peer, text)] => Ok((*peer, (*text).to_owned())),
        several => {
            let peers: Vec<_> = several.iter().map(|(peer, _)| *peer).collect();
            Err(ambiguous(room, first, &peers))
        }
    }
}

/// Where each word ends.
fn word_ends(words: &str) -> impl Iterator<Item = usize> {
    let mut before = ' ';
    let spaces = words.char_indices().filter(move |(_, char)| {
        let ends = char.is_whitespace() && !before.is_whitespace();
        before = *char;
        ends
    });
    spaces.map(|(place, _)| place)
}

fn called(room: &RoomState, name: &str) -> Vec<PeerId> {
    let exactly = |person: &Person| {
        person.name.as_deref() == Some(name)
            || room.name_of(&person.peer) == name
            || person.peer.fingerprint().eq_ignore_ascii_case(name)
            || person.peer.to_text() == name
    };
    let found = matching(room, exactly);
    if !found.is_empty() {
        return found;
    }
    let alike = skeleton(name);
    matching(room, |person| {
        let skeleton = person.name.as_deref().map(skeleton);
        skeleton.is_some_and(|known| known == alike && !known.is_empty())
    })
}

fn matching(room: &RoomState, is_meant: impl Fn(&Person) -> bool) -> Vec<PeerId> {
    let people = room.people.iter().filter(|person| is_meant(person));
    people.map(|person| person.peer).collect()
}

fn nobody(room: &RoomState, name: &str) -> Refusal {
    let is_here = |person: &&std::rc::Rc<Person>| {
        !matches!(person.state, PersonState::Away | PersonState::Gone | PersonState::Left)
    };
    let here = room.people.iter().filter(is_here);
    Refusal::NobodyCalled {
        name: name.to_owned(),
        here: here.map(|person| room.name_of(&person.peer)).collect(),
    }
}

fn ambiguous(room: &RoomState, name: &str, peers: &[PeerId]) -> Refusal {
    // Two may be called so exactly whose names only look alike: the fingerprint tells them apart.
    let one_way = |peer: &PeerId| {
        let name = room.name_of(peer);
        if called(room, &name).len() == 1 {
            name
        } else {
            peer.fingerprint()
        }
    };
    Refusal::Ambiguous {
        name: name.to_owned(),
        candidates: peers.iter().map(one_way).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(names: &[&str]) -> RoomState {
        let mut room = RoomState::new(PeerId::from_bytes([99; 32]), "me".to_owned());
        for (byte, name) in (0..).zip(names) {
            let person = Person {
                peer: PeerId::from_bytes([byte; 32]),
                name: Some((*name).to_owned()),
                state: PersonState::Here,
                linked: true,
                round_trip: None,
                archive: false,
            };
            room.people.push(person.into());
        }
        room
    }

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    #[test]
    fn a_person_is_found_by_all_that_they_are_called() {
        let room = room(&["Ann", "Bob", "Ann Lee"]);
        let key = peer(1).to_text();
        for name in ["Bob", " Bob ", "bob", &peer(1).fingerprint(), &key] {
            assert_eq!(find(&room, name).unwrap(), peer(1), "{name}");
        }
        assert_eq!(find(&room, "Ann Lee").unwrap(), peer(2));
    }

    #[test]
    fn nobody_is_told_with_who_is_here() {
        let words = find(&room(&["Ann", "B\u{1b}ob"]), "foo").unwrap_err().to_string();
        assert_eq!(words, "nobody called foo is here. Here are: Ann, B<U+001B>ob");
        assert_eq!(
            find(&room(&[]), "foo").unwrap_err().to_string(),
            "nobody called foo is here. You are alone"
        );
    }

    #[test]
    fn what_several_can_be_called_reaches_none_of_them() {
        let room = room(&["Ann", "Ann", "Bob", "bob"]);
        let Err(Refusal::Ambiguous { candidates, .. }) = find(&room, "Ann") else {
            panic!("one of them was taken");
        };
        for (candidate, byte) in candidates.iter().zip(0..) {
            assert_eq!(find(&room, candidate).unwrap(), peer(byte));
        }
        // Exactly is better than alike.
        assert_eq!(
            (find(&room, "bob").unwrap(), find(&room, "Bob").unwrap()),
            (peer(3), peer(2))
        );
        let Err(Refusal::Ambiguous { candidates, .. }) = find(&room, "BOB") else {
            panic!("one of them was taken");
        };
        assert_eq!(candidates, ["Bob", "bob"]);
    }

    #[test]
    fn where_a_name_ends_is_seen_by_who_is_here() {
        let lee = room(&["Ann Lee", "Bob"]);
        assert_eq!(
            split(&lee, "Ann Lee  hi there").unwrap(),
            (peer(0), "hi there".to_owned())
        );
        assert_eq!(split(&lee, "Bob hi").unwrap(), (peer(1), "hi".to_owned()));
        let Err(Refusal::NobodyCalled { name, .. }) = split(&lee, "Cy Bob hi") else {
            panic!("somebody was found");
        };
        assert_eq!(name, "Cy");
        // Somebody whose name is how a whisper to another begins gets none of it.
        let crowd = room(&["Ann", "Ann says"]);
        let Err(Refusal::Ambiguous { candidates, .. }) = split(&crowd, "Ann says hello") else {
            panic!("one of them was taken");
        };
        assert_eq!(candidates, ["Ann", "Ann says"]);
    }
}
