//! A store that is gone with the page.

use std::{cell::RefCell, rc::Rc};

use litemap::LiteMap;
use shared::{PeerId, RoomId};

use super::{IdentityRecord, Lease, StoreError};

/// Keeps everything for as long as the page lives.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Rc<RefCell<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    identities: LiteMap<u32, IdentityRecord>,
    leases: LiteMap<u32, Lease>,
    names: LiteMap<(RoomId, PeerId), String>,
    closed: LiteMap<RoomId, Vec<u8>>,
}

#[expect(clippy::unused_async, reason = "the interface of a store that takes time")]
impl MemoryStore {
    pub(super) async fn identity(&self, slot: u32) -> Result<Option<IdentityRecord>, StoreError> {
        Ok(self.0.borrow().identities.get(&slot).cloned())
    }

    pub(super) async fn save_identity(&self, slot: u32, record: &IdentityRecord) -> Result<(), StoreError> {
        self.0.borrow_mut().identities.insert(slot, record.clone());
        Ok(())
    }

    pub(super) async fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool, StoreError> {
        let mut tables = self.0.borrow_mut();
        let held = tables
            .leases
            .get(&slot)
            .is_some_and(|known| known.holds_against(lease, now_unix_millis));
        if !held {
            tables.leases.insert(slot, lease.clone());
        }
        Ok(!held)
    }

    pub(super) async fn names(&self, room: &RoomId) -> Result<Vec<(PeerId, String)>, StoreError> {
        let tables = self.0.borrow();
        let names = tables.names.iter().filter(|((of, _), _)| of == room);
        Ok(names.map(|((_, peer), name)| (*peer, name.clone())).collect())
    }

    pub(super) async fn save_name(&self, room: &RoomId, peer: &PeerId, name: &str) -> Result<(), StoreError> {
        self.0.borrow_mut().names.insert((*room, *peer), name.to_owned());
        Ok(())
    }

    pub(super) async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, StoreError> {
        let closed = &self.0.borrow().closed;
        Ok(closed
            .iter()
            .map(|(room, statement)| (*room, statement.clone()))
            .collect())
    }

    pub(super) async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), StoreError> {
        self.0.borrow_mut().closed.insert(*room, statement.to_vec());
        Ok(())
    }
}

impl Lease {
    /// Whether this lease keeps another owner out.
    pub(super) fn holds_against(&self, other: &Self, now_unix_millis: u64) -> bool {
        self.owner != other.owner && now_unix_millis < self.until_unix_millis
    }
}
