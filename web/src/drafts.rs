//! What was typed and not sent yet, a draft for each recipient of a room. They survive the browser, until the room is forgotten.
//!
//! Owns: the drafts, each under its room, whose it is and for whom: two tabs are two people. The message box shows the one of its recipient, so nothing that was typed for one person is ever in the box for
//! another.

use std::cell::RefCell;

use js_sys::Object;
use litemap::LiteMap;
use shared::{PeerId, RoomId};
use web_sys::Storage;

use crate::js;

/// See the [module documentation](self). `None` is everyone.
#[derive(Debug, Default)]
pub struct Drafts {
    /// Where they are kept, if the browser allows that, and what their keys begin with.
    kept: Option<(Storage, String)>,
    drafts: RefCell<LiteMap<Option<PeerId>, String>>,
}

impl PartialEq for Drafts {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Drafts {
    /// Those of somebody in a room.
    #[must_use]
    pub fn of(room: &RoomId, me: &PeerId) -> Self {
        Self {
            kept: js::local_storage().map(|storage| (storage, key_of_room(room) + &me.to_text())),
            drafts: RefCell::default(),
        }
    }

    /// What was typed for someone and not sent.
    #[must_use]
    pub fn get(&self, to: Option<PeerId>) -> String {
        if let Some(draft) = self.drafts.borrow().get(&to) {
            return draft.clone();
        }
        let kept = self.kept.as_ref();
        let kept = kept.and_then(|(storage, mine)| storage.get_item(&key(mine, to)).ok().flatten());
        let draft = kept.unwrap_or_default();
        self.drafts.borrow_mut().insert(to, draft.clone());
        draft
    }

    /// Puts a text for everyone after what stands in the box.
    pub fn add(&self, text: &str) {
        let mut draft = self.get(None);
        if !draft.is_empty() && !draft.ends_with('\n') {
            draft.push('\n');
        }
        self.set(None, &(draft + text));
    }

    /// Something else stands in the box, or nothing.
    pub fn set(&self, to: Option<PeerId>, draft: &str) {
        self.drafts.borrow_mut().insert(to, draft.to_owned());
        if let Some((storage, mine)) = &self.kept {
            // Refused only where there is no space left: then it does not survive the page.
            let _ = if draft.is_empty() {
                storage.remove_item(&key(mine, to))
            } else {
                storage.set_item(&key(mine, to), draft)
            };
        }
    }
}

/// Forgets those of a room, whosever they are.
pub fn forget(room: &RoomId) {
    let Some(storage) = js::local_storage() else {
        return;
    };
    let of_room = key_of_room(room);
    for key in Object::keys(&storage).iter().filter_map(|key| key.as_string()) {
        if key.starts_with(&of_room) {
            // Never refused by a storage that was opened.
            let _ = storage.remove_item(&key);
        }
    }
}

fn key(mine: &str, to: Option<PeerId>) -> String {
    let to = to.map_or_else(|| "everyone".to_owned(), |peer| peer.to_text());
    format!("{mine} {to}")
}

/// What the keys of a room's drafts begin with.
fn key_of_room(room: &RoomId) -> String {
    format!("starling draft {} ", room.to_text())
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    fn both(room: &RoomId, me: u8) -> [String; 2] {
        let drafts = Drafts::of(room, &peer(me));
        [Some(peer(7)), None].map(|to| drafts.get(to))
    }

    #[wasm_bindgen_test]
    fn a_draft_belongs_to_its_author_its_recipient_and_its_room_and_survives_the_page() {
        let [room, other] = [1, 2].map(|byte| RoomId::from_bytes([byte; 32]));
        let drafts = Drafts::of(&room, &peer(0));
        assert_eq!(drafts.get(None), "");
        drafts.set(Some(peer(7)), "the PIN");
        drafts.set(None, "hello");
        assert_eq!([Some(peer(7)), None].map(|to| drafts.get(to)), ["the PIN", "hello"]);
        assert_eq!(both(&room, 0), ["the PIN", "hello"]);
        assert_eq!([both(&other, 0), both(&room, 1)].concat(), [""; 4]);
        drafts.set(Some(peer(7)), "");
        drafts.set(None, "");
        assert_eq!(both(&room, 0), ["", ""]);
    }

    #[wasm_bindgen_test]
    fn a_room_is_forgotten_with_all_its_drafts_and_no_others() {
        let [room, other] = [3, 4].map(|byte| RoomId::from_bytes([byte; 32]));
        for (room, me) in [(&room, 0), (&room, 1), (&other, 0)] {
            let drafts = Drafts::of(room, &peer(me));
            drafts.set(Some(peer(7)), "to Ada");
            drafts.set(None, "to everyone");
        }
        forget(&room);
        assert_eq!([both(&room, 0), both(&room, 1)].concat(), [""; 4]);
        assert_eq!(both(&other, 0), ["to Ada", "to everyone"]);
        forget(&other);
    }
}
