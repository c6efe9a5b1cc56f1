//! The rooms this browser was in, so that people find back: their codes, with whom they were there, and what nobody has looked at.
//!
//! Owns: the list, in the browser's local storage, newest first, until a room is forgotten. Where nothing can be stored there
//! is no list.

use client::{room::RoomState, route::Route, telling::Told};
use mesh::model::PersonState;
use shared::RoomCode;

use crate::{
    config::{ROOM_NAMES_MAX, ROOMS_MAX},
    js,
};

const KEY: &str = "starling rooms";

/// A room this browser was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRoom {
    /// Its code.
    pub code: RoomCode,
    /// What its founder called it; empty if nothing.
    pub name: String,
    /// Who was there, in words; empty if nobody was.
    pub with: String,
    /// How many messages came that nobody looked at before the page was closed.
    pub unread: u32,
    /// Of which messages the person is told while they look elsewhere.
    pub told: Told,
}

impl KnownRoom {
    /// What the room is called, if anything.
    #[must_use]
    pub fn called(&self) -> Option<&str> {
        match &self.code {
            RoomCode::Open { name } => Some(name),
            RoomCode::Generated { .. } => Some(self.name.as_str()).filter(|name| !name.is_empty()),
        }
    }
}

/// The first few people who were met in a room, by name.
#[must_use]
pub fn met(room: &RoomState) -> String {
    let met = room.people.iter().filter(|person| person.state != PersonState::Away);
    let people = met.filter_map(|person| person.name.as_deref());
    let mut names = String::new();
    for name in people.take(ROOM_NAMES_MAX) {
        names += if names.is_empty() { "" } else { ", " };
        names += name;
    }
    names
}

/// The address that leads someone else to a room.
#[must_use]
pub fn link_to(code: &RoomCode) -> String {
    let fragment = Route::Room { code: code.to_text() }.to_fragment();
    let address = js::window().location().href().unwrap_or_default();
    let page = address.split('#').next().unwrap_or_default();
    format!("{page}{fragment}")
}

/// What is known of one of them.
#[must_use]
pub fn find(code: &RoomCode) -> Option<KnownRoom> {
    all().into_iter().find(|room| room.code == *code)
}

/// All of them, newest first.
#[must_use]
pub fn all() -> Vec<KnownRoom> {
    js::kept(KEY).split('\n').filter_map(read).collect()
}

/// We are in this room. What is empty now is known from before, and what the person is told of stays as it was chosen.
pub fn remember(mut room: KnownRoom) {
    let mut rooms = all();
    if let Some(place) = rooms.iter().position(|known| known.code == room.code) {
        let before = rooms.remove(place);
        room.told = before.told;
        if room.with.is_empty() {
            room.with = before.with;
        }
        if room.name.is_empty() {
            room.name = before.name;
        }
    }
    rooms.insert(0, room);
    rooms.truncate(ROOMS_MAX);
    write(&rooms);
}

/// The person is told of this in a room from now on. Says whether that was kept.
pub fn tell(code: &RoomCode, told: Told) -> bool {
    let mut rooms = all();
    if let Some(room) = rooms.iter_mut().find(|room| room.code == *code) {
        room.told = told;
    }
    write(&rooms);
    find(code).map_or(Told::Nothing, |room| room.told) == told
}

/// This room is not to be known any more.
pub fn forget(code: &RoomCode) {
    let mut rooms = all();
    rooms.retain(|room| room.code != *code);
    write(&rooms);
}

/// A line: the code, the people, the room's name, what is unread, and what is told of, with tabs between. Neither a code nor any name has a control character in it.
fn read(line: &str) -> Option<KnownRoom> {
    let mut fields = line.split('\t');
    let code = RoomCode::parse(fields.next()?).ok()?;
    let mut words = || fields.next().unwrap_or_default().to_owned();
    let (with, name, unread) = (words(), words(), words().parse().unwrap_or_default());
    let told = Told::read(&words());
    Some(KnownRoom {
        code,
        name,
        with,
        unread,
        told,
    })
}

fn write(rooms: &[KnownRoom]) {
    let mut text = String::new();
    for room in rooms {
        let unread = room.unread.to_string();
        for field in [
            &room.code.to_text(),
            "\t",
            &room.with,
            "\t",
            &room.name,
            "\t",
            &unread,
            "\t",
            room.told.key(),
            "\n",
        ] {
            text.push_str(field);
        }
    }
    js::keep(KEY, &text);
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use shared::PeerId;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn open(name: &str) -> RoomCode {
        RoomCode::Open { name: name.to_owned() }
    }

    fn private(number: u8) -> RoomCode {
        RoomCode::Generated {
            secret: [number; 16],
            founder: PeerId::from_bytes([7; 32]),
        }
    }

    #[wasm_bindgen_test]
    fn a_choice_is_kept_for_a_known_room_only() {
        let (known, unknown) = (open("told of"), open("never here"));
        remember(KnownRoom {
            code: known.clone(),
            name: String::new(),
            with: String::new(),
            unread: 0,
            told: Told::Nothing,
        });
        assert!(tell(&known, Told::ForMe));
        assert_eq!(find(&known).unwrap().told, Told::ForMe);
        assert!(!tell(&unknown, Told::ForMe));
        // Nothing is what one is told of otherwise.
        assert!(tell(&unknown, Told::Nothing));
        forget(&known);
    }

    #[wasm_bindgen_test]
    fn rooms_are_known_newest_first_by_their_last_name_and_people_until_forgotten() {
        for room in all() {
            forget(&room.code);
        }
        let known = |code: RoomCode, name: &str, with: &str| KnownRoom {
            code,
            name: name.to_owned(),
            with: with.to_owned(),
            unread: 0,
            told: Told::default(),
        };
        remember(known(open("tea party"), "", ""));
        remember(known(private(1), "", "Ada and Bo"));
        assert_eq!(find(&private(1)).unwrap().called(), None);
        remember(known(private(1), "Roost", ""));
        let with_ada = known(private(1), "Roost", "Ada and Bo");
        assert_eq!(with_ada.called(), Some("Roost"));
        assert_eq!(all(), [with_ada.clone(), known(open("tea party"), "", "")]);
        remember(known(open("tea party"), "", "Cy"));
        remember(known(open("tea party"), "", ""));
        let with_cy = known(open("tea party"), "", "Cy");
        assert_eq!(with_cy.called(), Some("tea party"));
        assert_eq!(all(), [with_cy.clone(), with_ada.clone()]);
        let unread = KnownRoom { unread: 7, ..with_cy };
        remember(unread.clone());
        assert_eq!(all(), [unread, with_ada.clone()]);
        forget(&open("tea party"));
        assert_eq!((all(), find(&open("tea party"))), (vec![with_ada], None));
        for number in 0..50 {
            remember(known(private(number), "", ""));
        }
        let rooms = all();
        assert_eq!(rooms.len(), ROOMS_MAX);
        assert_eq!(rooms[0].code, private(49));
        for room in rooms {
            forget(&room.code);
        }
    }
}
