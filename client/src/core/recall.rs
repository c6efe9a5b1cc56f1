//! What a program goes on from: what was kept on former visits.

use mesh::io::{Input, Now};

use super::Core;
use crate::{room::RoomAction, store::StoredRecord};

impl Core {
    /// Has what is said wait for [`Core::restore`] or [`Core::keep_nothing`].
    pub fn await_store(&mut self) {
        self.node.await_store();
    }

    /// Nothing was kept on former visits, nor will be.
    pub fn keep_nothing(&mut self, now: Now) {
        self.advance(now);
        self.node.handle_input(now, Input::NotStored);
    }

    /// Reads a part of what was [kept](super::Request::Write) on former visits, before [`Core::restore`] gets the last one: see [`Node::recall`](mesh::Node::recall).
    pub fn recall(&mut self, now: Now, records: Vec<StoredRecord>) {
        self.advance(now);
        let records = records.into_iter().map(|StoredRecord { key, value }| (key, value));
        self.node.recall(now, records);
    }

    /// Goes on, before the first input, from what was [kept](super::Request::Write) on former visits, and keeps what comes. Without this call nothing is
    /// kept.
    pub fn restore(&mut self, now: Now, records: Vec<StoredRecord>) {
        self.advance(now);
        let records = records.into_iter().map(|StoredRecord { key, value }| (key, value));
        self.node.restore(now, records);
        self.act(now, RoomAction::Kept { kept: true });
    }
}
