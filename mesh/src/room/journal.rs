//! stub
use super::Room;
use crate::context::Context;

impl Room {
    pub(crate) fn restore(&mut self, _cx: &mut Context, _records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {}
    pub(crate) fn handle_stored(&mut self, _cx: &mut Context, _changes: u64) {}
    pub(crate) fn handle_not_stored(&mut self, _cx: &mut Context) {}
}
