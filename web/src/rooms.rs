//! The rooms this browser was in, so that people find back: their codes, and with whom they were there.
//!
//! Owns: the list, in the browser's local storage, newest first, until a room is forgotten. Where nothing can be stored there
//! is no list.

use shared::RoomCode;
use web_sys::Storage;

use crate::{config::ROOMS_MAX, js};

const KEY: &str = "starling rooms";

/// A room this browser was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRoom {
    /// Its code.
    pub code: RoomCode,
    /// Who was there, in words; empty if nobody was.
    pub with: String,
}

/// All of them, newest first.
#[must_use]
pub fn all() -> Vec<KnownRoom> {
    let text = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
    text.unwrap_or_default().split('\n').filter_map(read).collect()
}

/// We are in this room, with these people. Nobody there means that whoever was there before is still what the room is known by.
pub fn remember(code: &RoomCode, with: &str) {
    let mut rooms = all();
    let mut room = KnownRoom {
        code: code.clone(),
        with: with.to_owned(),
    };
    if let Some(place) = rooms.iter().position(|room| room.code == *code) {
        let before = rooms.remove(place);
        if with.is_empty() {
            room = before;
        }
    }
    rooms.insert(0, room);
    rooms.truncate(ROOMS_MAX);
    write(&rooms);
}

/// This room is not to be known any more.
pub fn forget(code: &RoomCode) {
    let mut rooms = all();
    rooms.retain(|room| room.code != *code);
    write(&rooms);
}

fn storage() -> Option<Storage> {
    js::window().local_storage().ok().flatten()
}

/// A line: the code, a tab, and the words. Neither a code nor anybody's name has a control character in it.
fn read(line: &str) -> Option<KnownRoom> {
    let (code, with) = line.split_once('\t')?;
    Some(KnownRoom {
        code: RoomCode::parse(code).ok()?,
        with: with.to_owned(),
    })
}

fn write(rooms: &[KnownRoom]) {
    let mut text = String::new();
    for room in rooms {
        text.push_str(&room.code.to_text());
        text.push('\t');
        text.push_str(&room.with);
        text.push('\n');
    }
    if let Some(storage) = storage() {
        // Refused only where there is no room left: then the list stays as it was.
        let _ = storage.set_item(KEY, &text);
    }
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
    fn rooms_are_known_newest_first_with_whoever_was_there_last_until_forgotten() {
        for room in all() {
            forget(&room.code);
        }
        let known = |code: RoomCode, with: &str| KnownRoom {
            code,
            with: with.to_owned(),
        };
        remember(&open("tea party"), "");
        remember(&private(1), "Ada and Bo");
        let with_ada = known(private(1), "Ada and Bo");
        assert_eq!(all(), [with_ada.clone(), known(open("tea party"), "")]);
        remember(&open("tea party"), "Cy");
        remember(&open("tea party"), "");
        assert_eq!(all(), [known(open("tea party"), "Cy"), with_ada.clone()]);
        forget(&open("tea party"));
        assert_eq!(all(), [with_ada]);
        for number in 0..50 {
            remember(&private(number), "");
        }
        let rooms = all();
        assert_eq!(rooms.len(), ROOMS_MAX);
        assert_eq!(rooms[0].code, private(49));
        for room in rooms {
            forget(&room.code);
        }
    }
}
