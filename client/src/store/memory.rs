//! A store that is gone with the program.

use std::{cell::RefCell, fmt, rc::Rc};

use litemap::LiteMap;
use shared::{PeerId, RoomId};

use super::{IdentityRecord, Lease, Store, StoreError};

/// Keeps everything for as long as the program runs. Cheap to clone; clones share what they keep.
pub struct MemoryStore<C>(Rc<RefCell<Tables<C>>>);

struct Tables<C> {
    identities: LiteMap<u32, IdentityRecord<C>>,
    leases: LiteMap<u32, Lease>,
    names: LiteMap<(RoomId, PeerId), String>,
    closed: LiteMap<RoomId, Vec<u8>>,
}

impl<C> Default for MemoryStore<C> {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Tables {
            identities: LiteMap::new(),
            leases: LiteMap::new(),
            names: LiteMap::new(),
            closed: LiteMap::new(),
        })))
    }
}

impl<C> Clone for MemoryStore<C> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<C> fmt::Debug for MemoryStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl<C: Clone> Store for MemoryStore<C> {
    type Certificate = C;

    async fn identity(&self, slot: u32) -> Result<Option<IdentityRecord<C>>, StoreError> {
        Ok(self.0.borrow().identities.get(&slot).cloned())
    }

    async fn save_identity(&self, slot: u32, record: &IdentityRecord<C>) -> Result<(), StoreError> {
        self.0.borrow_mut().identities.insert(slot, record.clone());
        Ok(())
    }

    async fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool, StoreError> {
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

    async fn names(&self, room: &RoomId) -> Result<Vec<(PeerId, String)>, StoreError> {
        let tables = self.0.borrow();
        let names = tables.names.iter().filter(|((of, _), _)| of == room);
        Ok(names.map(|((_, peer), name)| (*peer, name.clone())).collect())
    }

    async fn save_name(&self, room: &RoomId, peer: &PeerId, name: &str) -> Result<(), StoreError> {
        self.0.borrow_mut().names.insert((*room, *peer), name.to_owned());
        Ok(())
    }

    async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, StoreError> {
        let closed = &self.0.borrow().closed;
        Ok(closed
            .iter()
            .map(|(room, statement)| (*room, statement.clone()))
            .collect())
    }

    async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), StoreError> {
        self.0.borrow_mut().closed.insert(*room, statement.to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    #[test]
    fn memory_keeps_the_contract() {
        contract::now_or_never(contract::store(MemoryStore::default(), "a certificate", PartialEq::eq));
    }
}
