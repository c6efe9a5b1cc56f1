//! The rooms that this tab is in, side by side: one is shown, and the others go on unseen.
//!
//! Owns: which they are, in the order in which they were entered, and what is told of each while another is shown. Their codes are in the
//! session's storage, so that a reload comes back to all of them; where nothing can be stored it comes back to the one that was shown.
//! Invariant: no room is there twice, and never are there more than `ROOMS_OPEN_MAX`. The one that was shown longest ago makes room for another.

use shared::RoomCode;
use yew::AttrValue;

use crate::{config::ROOMS_OPEN_MAX, js};

const KEY: &str = "starling open";

/// What is told of a room while another is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glance {
    /// What to call it.
    pub called: AttrValue,
    /// How many messages came that nobody looked at.
    pub unread: u32,
    /// How far files have got, if any are under way, in percent.
    pub files_percent: Option<u32>,
}

/// A room that this tab is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRoom {
    /// Which.
    pub code: RoomCode,
    /// How it stands.
    pub glance: Glance,
    /// What was handed on to it last, and the how manieth that was: the same can be handed on again.
    pub handed: Option<(u32, AttrValue)>,
    /// The how manieth showing was its last.
    shown: u64,
}

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub struct OpenRooms {
    rooms: Vec<OpenRoom>,
    showings: u64,
    /// Which is shown, or was last.
    last: Option<RoomCode>,
    /// What that was called which had to make room, until somebody is told.
    crowded_out: Option<AttrValue>,
}

impl OpenRooms {
    /// Those of the page that was in this tab before.
    #[must_use]
    pub fn recall() -> Self {
        let mut open = Self::default();
        let kept = js::session_item(KEY).unwrap_or_default();
        let codes = kept.split('\n').filter_map(|line| RoomCode::parse(line).ok());
        for code in codes.take(ROOMS_OPEN_MAX) {
            open.add(&code);
        }
        open
    }

    /// A room is shown, and was entered if it was not there.
    pub fn show(&mut self, code: &RoomCode) {
        if self.last.as_ref() == Some(code) {
            return;
        }
        self.last = Some(code.clone());
        if self.rooms.iter().all(|room| room.code != *code) {
            if self.rooms.len() >= ROOMS_OPEN_MAX
                && let Some(oldest) = self.rooms.iter().enumerate().min_by_key(|(_, room)| room.shown)
            {
                let room = self.rooms.remove(oldest.0);
                self.crowded_out = Some(room.glance.called);
            }
            self.add(code);
            self.keep();
        }
        self.showings += 1;
        if let Some(room) = self.rooms.iter_mut().find(|room| room.code == *code) {
            room.shown = self.showings;
        }
    }

    /// No room is shown.
    pub fn show_none(&mut self) {
        self.last = None;
    }

    /// How a room stands now.
    pub fn note(&mut self, code: &RoomCode, glance: Glance) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.code == *code) {
            room.glance = glance;
        }
    }

    /// Hands a text on to a room, for its message box.
    pub fn hand(&mut self, code: &RoomCode, text: AttrValue) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.code == *code) {
            let times = room.handed.as_ref().map_or(0, |(times, _)| *times);
            room.handed = Some((times.wrapping_add(1), text));
        }
    }

    /// The others, and what each is called.
    #[must_use]
    pub fn others(&self, code: &RoomCode) -> Vec<(RoomCode, AttrValue)> {
        let others = self.rooms.iter().filter(|room| room.code != *code);
        others
            .map(|room| (room.code.clone(), room.glance.called.clone()))
            .collect()
    }

    /// A room is left. Gives the one that was shown last before it, if there is another.
    pub fn close(&mut self, code: &RoomCode) -> Option<RoomCode> {
        self.rooms.retain(|room| room.code != *code);
        self.keep();
        if self.last.as_ref() == Some(code) {
            self.last = None;
        }
        let next = self.rooms.iter().max_by_key(|room| room.shown);
        next.map(|room| room.code.clone())
    }

    /// All of them, in the order in which they were entered.
    #[must_use]
    pub fn all(&self) -> &[OpenRoom] {
        &self.rooms
    }

    /// The one beside the one that is shown, around the end; from the start page the first or last.
    #[must_use]
    pub fn beside(&self, step: Step) -> Option<&RoomCode> {
        let count = self.rooms.len();
        let place = self
            .rooms
            .iter()
            .position(|room| self.last.as_ref() == Some(&room.code));
        let next = match (step, place) {
            (Step::Next, Some(place)) => place + 1,
            (Step::Previous, Some(place)) => place + count - 1,
            (Step::Next, None) => 0,
            (Step::Previous, None) => count.checked_sub(1)?,
        };
        let room = self.rooms.get(next.checked_rem(count)?)?;
        Some(&room.code)
    }

    /// How many messages came in all of them that nobody looked at.
    #[must_use]
    pub fn unread(&self) -> u32 {
        let unread = self.rooms.iter().map(|room| room.glance.unread);
        unread.fold(0, u32::saturating_add)
    }

    /// How far files have got in the room that is shown.
    #[must_use]
    pub fn files_percent(&self) -> Option<u32> {
        let shown = self.rooms.iter().find(|room| self.last.as_ref() == Some(&room.code));
        shown.and_then(|room| room.glance.files_percent)
    }

    /// What the room was called that had to make room for another, once.
    pub fn take_crowded_out(&mut self) -> Option<AttrValue> {
        self.crowded_out.take()
    }

    fn add(&mut self, code: &RoomCode) {
        if self.rooms.iter().all(|room| room.code != *code) {
            self.rooms.push(OpenRoom {
                code: code.clone(),
                glance: Glance::default(),
                handed: None,
                shown: 0,
            });
        }
    }

    fn keep(&self) {
        let codes: Vec<_> = self.rooms.iter().map(|room| room.code.to_text()).collect();
        js::set_session_item(KEY, (!codes.is_empty()).then(|| codes.join("\n")).as_deref());
    }
}

/// Which of the rooms beside the one that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The one that was entered after it.
    Next,
    /// The one that was entered before it.
    Previous,
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn code(number: usize) -> RoomCode {
        RoomCode::Open {
            name: format!("beside {number}"),
        }
    }

    fn names(open: &OpenRooms) -> Vec<RoomCode> {
        open.all().iter().map(|room| room.code.clone()).collect()
    }

    #[wasm_bindgen_test]
    fn rooms_stay_in_the_order_of_entering_and_a_reload_finds_them() {
        let mut open = OpenRooms::default();
        for number in [1, 2, 3, 2, 2] {
            open.show(&code(number));
        }
        assert_eq!(names(&open), [code(1), code(2), code(3)]);
        assert_eq!(names(&OpenRooms::recall()), names(&open));
        assert_eq!(open.beside(Step::Next), Some(&code(3)));
        assert_eq!(open.beside(Step::Previous), Some(&code(1)));
        open.show(&code(3));
        assert_eq!(open.beside(Step::Next), Some(&code(1)), "around the end");
        open.show_none();
        assert_eq!(open.beside(Step::Previous), Some(&code(3)));
        assert_eq!(open.close(&code(3)), Some(code(2)), "the one shown before it");
        assert_eq!(open.close(&code(2)), Some(code(1)));
        assert_eq!(open.close(&code(1)), None);
        assert_eq!(open.beside(Step::Next), None);
        assert_eq!(names(&OpenRooms::recall()), []);
    }

    #[wasm_bindgen_test]
    fn one_too_many_takes_the_place_of_the_one_shown_longest_ago() {
        let mut open = OpenRooms::default();
        for number in 0..ROOMS_OPEN_MAX {
            open.show(&code(number));
            let called = AttrValue::from(format!("room {number}"));
            let glance = Glance {
                called,
                unread: 2,
                files_percent: None,
            };
            open.note(&code(number), glance);
        }
        open.show(&code(0));
        assert_eq!(open.take_crowded_out(), None);
        open.show(&code(ROOMS_OPEN_MAX));
        assert_eq!(open.take_crowded_out().as_deref(), Some("room 1"));
        assert_eq!(open.take_crowded_out(), None, "told once");
        assert_eq!(open.all().len(), ROOMS_OPEN_MAX);
        assert!(names(&open).contains(&code(0)));
        assert_eq!(open.unread(), 2 * (u32::try_from(ROOMS_OPEN_MAX).unwrap() - 1));
        for room in names(&open) {
            open.close(&room);
        }
    }
}
