//! What was typed and not sent yet, a draft for each recipient of a room. They survive a reload of the tab.
//!
//! Owns: the drafts. The message box shows the one of its recipient, so nothing that was typed for one person is ever in the box for
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
    /// Where they are kept for a reload, if the browser allows that, and in the name of which room.
    kept: Option<(Storage, String)>,
    drafts: RefCell<LiteMap<Option<PeerId>, String>>,
}

impl PartialEq for Drafts {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Drafts {
    /// Those of a room in this tab.
    #[must_use]
    pub fn of(room: &RoomId) -> Self {
        let storage = js::window().session_storage().ok().flatten();
        Self {
            kept: storage.map(|storage| (storage, room.to_text())),
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
        let kept = kept.and_then(|(storage, room)| storage.get_item(&key(room, to)).ok().flatten());
        let draft = kept.unwrap_or_default();
        self.drafts.borrow_mut().insert(to, draft.clone());
        draft
    }

    /// Something else stands in the box, or nothing.
    pub fn set(&self, to: Option<PeerId>, draft: &str) {
        self.drafts.borrow_mut().insert(to, draft.to_owned());
        if let Some((storage, room)) = &self.kept {
            // Refused only where there is no room left: then it does not survive a reload.
            let _ = if draft.is_empty() {
                storage.remove_item(&key(room, to))
            } else {
                storage.set_item(&key(room, to), draft)
            };
        }
    }
}

/// Forgets those of a room in this tab, in which the room is not shown.
pub fn forget(room: &RoomId) {
    let Some(storage) = js::window().session_storage().ok().flatten() else {
        return;
    };
    let of_room = key_of_room(&room.to_text());
    for key in Object::keys(&storage).iter().filter_map(|key| key.as_string()) {
        if key.starts_with(&of_room) {
            // What cannot be removed is gone with the tab.
            let _ = storage.remove_item(&key);
        }
    }
}

fn key(room: &str, to: Option<PeerId>) -> String {
    let to = to.map_or_else(|| "everyone".to_owned(), |peer| peer.to_text());
    key_of_room(room) + &to
}

/// What the keys of a room's drafts begin with.
fn key_of_room(room: &str) -> String {
    format!("starling draft {room} ")
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn a_draft_belongs_to_its_recipient_and_its_room_and_survives_a_reload() {
        let [room, other] = [1, 2].map(|byte| RoomId::from_bytes([byte; 32]));
        let ada = Some(PeerId::from_bytes([7; 32]));
        let drafts = Drafts::of(&room);
        assert_eq!(drafts.get(None), "");
        drafts.set(ada, "the PIN");
        drafts.set(None, "hello");
        assert_eq!(
            (drafts.get(ada), drafts.get(None)),
            ("the PIN".to_owned(), "hello".to_owned())
        );
        let reloaded = Drafts::of(&room);
        assert_eq!(
            (reloaded.get(ada), reloaded.get(None)),
            ("the PIN".to_owned(), "hello".to_owned())
        );
        assert_eq!(Drafts::of(&other).get(None), "");
        drafts.set(ada, "");
        drafts.set(None, "");
        assert_eq!(
            (Drafts::of(&room).get(ada), Drafts::of(&room).get(None)),
            (String::new(), String::new())
        );
    }

    #[wasm_bindgen_test]
    fn a_room_is_forgotten_with_all_its_drafts_and_no_others() {
        let [room, other] = [3, 4].map(|byte| RoomId::from_bytes([byte; 32]));
        let ada = Some(PeerId::from_bytes([7; 32]));
        for of in [&room, &other] {
            Drafts::of(of).set(ada, "to Ada");
            Drafts::of(of).set(None, "to everyone");
        }
        forget(&room);
        let drafts = [&room, &other].map(|of| (Drafts::of(of).get(ada), Drafts::of(of).get(None)));
        assert_eq!(
            drafts,
            [("", ""), ("to Ada", "to everyone")].map(|(ada, all)| (ada.to_owned(), all.to_owned()))
        );
        forget(&other);
    }
}
