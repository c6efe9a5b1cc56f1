//! Founders' statements that their rooms are closed, kept for those who come later.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use shared::RoomId;

/// At most so many statements, each for a while. The oldest gives way.
#[derive(Debug)]
pub(super) struct Closings {
    max: usize,
    kept: Duration,
    /// Never iterated: its order differs from run to run.
    by_room: HashMap<RoomId, String>,
    /// Each room once, the longest closed first.
    order: VecDeque<(Instant, RoomId)>,
}

impl Closings {
    pub(super) fn new(max: usize, kept: Duration) -> Self {
        Self {
            max,
            kept,
            by_room: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Keeps a statement that was checked. The first one of a room stays.
    pub(super) fn insert(&mut self, now: Instant, room: RoomId, closing: String) {
        self.forget(now);
        if self.max == 0 || self.by_room.contains_key(&room) {
            return;
        }
        if self.by_room.len() >= self.max {
            self.forget_first();
        }
        self.by_room.insert(room, closing);
        self.order.push_back((now, room));
    }

    /// The statement by which a room was closed.
    pub(super) fn get(&mut self, now: Instant, room: &RoomId) -> Option<&String> {
        self.forget(now);
        self.by_room.get(room)
    }

    /// All that are kept, the longest closed first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (RoomId, &String)> {
        let rooms = self.order.iter().map(|(_, room)| *room);
        rooms.filter_map(|room| Some((room, self.by_room.get(&room)?)))
    }

    fn forget(&mut self, now: Instant) {
        while self
            .order
            .front()
            .is_some_and(|(closed, _)| now.saturating_duration_since(*closed) >= self.kept)
        {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, room)) = self.order.pop_front() {
            self.by_room.remove(&room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(byte: u8) -> RoomId {
        RoomId::from_bytes([byte; 32])
    }

    #[test]
    fn statements_are_kept_for_a_while_and_the_oldest_gives_way() {
        let (start, hour) = (Instant::now(), Duration::from_secs(3_600));
        let mut closings = Closings::new(2, hour);
        closings.insert(start, room(1), "one".to_owned());
        closings.insert(start + hour / 2, room(2), "two".to_owned());
        closings.insert(start + hour / 2, room(1), "again".to_owned());
        assert_eq!(closings.get(start, &room(1)).map(String::as_str), Some("one"));
        closings.insert(start + hour / 2, room(3), "three".to_owned());
        let mut kept = |at, byte| closings.get(start + at, &room(byte)).is_some();
        assert_eq!([1, 2, 3].map(|byte| kept(hour, byte)), [false, true, true]);
        assert!(!kept(hour * 3 / 2, 2));
        assert_eq!((closings.by_room.len(), closings.order.len()), (0, 0));
    }

    #[test]
    fn a_server_may_keep_none() {
        let mut closings = Closings::new(0, Duration::from_secs(1));
        closings.insert(Instant::now(), room(1), "one".to_owned());
        assert_eq!(closings.get(Instant::now(), &room(1)), None);
    }
}
