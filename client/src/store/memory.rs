//! A store that is gone with the program.

use std::{cell::RefCell, fmt, rc::Rc};

use litemap::LiteMap;
use mesh::io::{Change, Owner};
use shared::{FileId, PeerId, RoomId};

use super::{Durability, IdentityRecord, Lease, Store, StoreError, StoredRecord};
use crate::config::MEMORY_FILES_BYTES_MAX;

/// Keeps everything for as long as the program runs. Cheap to clone; clones share what they keep.
pub struct MemoryStore<C>(Rc<RefCell<Tables<C>>>);

struct Tables<C> {
    identities: LiteMap<u32, IdentityRecord<C>>,
    leases: LiteMap<u32, Lease>,
    /// By room, by whom they belong to (nobody: to the room), and by key.
    records: LiteMap<(RoomId, Option<PeerId>, Vec<u8>), Vec<u8>>,
    closed: LiteMap<RoomId, Vec<u8>>,
    /// Pieces of files: at most [`MEMORY_FILES_BYTES_MAX`].
    pieces: LiteMap<(RoomId, PeerId, FileId, u32), Vec<u8>>,
}

impl<C> Default for MemoryStore<C> {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Tables {
            identities: LiteMap::new(),
            leases: LiteMap::new(),
            records: LiteMap::new(),
            closed: LiteMap::new(),
            pieces: LiteMap::new(),
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

    async fn records(&self, room: &RoomId, me: &PeerId) -> Result<Vec<StoredRecord>, StoreError> {
        let tables = self.0.borrow();
        let is_mine = |owner: &Option<PeerId>| owner.is_none_or(|peer| peer == *me);
        let records = tables.records.iter();
        let records = records.filter(|((of, owner, _), _)| of == room && is_mine(owner));
        let read = |((_, _, key), value): (&(_, _, Vec<u8>), &Vec<u8>)| StoredRecord {
            key: key.clone(),
            value: value.clone(),
        };
        Ok(records.map(read).collect())
    }

    async fn write(&self, room: &RoomId, me: &PeerId, changes: &[Change], _: Durability) -> Result<(), StoreError> {
        let records = &mut self.0.borrow_mut().records;
        for Change { owner, key, value } in changes {
            let owner = match owner {
                Owner::Room => None,
                Owner::Me => Some(*me),
            };
            let key = (*room, owner, key.clone());
            match value {
                Some(value) => records.insert(key, value.to_vec()),
                None => records.remove(&key),
            };
        }
        Ok(())
    }

    async fn read_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        (file, piece): (FileId, u32),
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.borrow().pieces.get(&(*room, *me, file, piece)).cloned())
    }

    async fn write_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        (file, piece): (FileId, u32),
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let pieces = &mut self.0.borrow_mut().pieces;
        let key = (*room, *me, file, piece);
        let others = pieces.iter().filter(|(other, _)| **other != key);
        if others.map(|(_, kept)| kept.len()).sum::<usize>() + bytes.len() > MEMORY_FILES_BYTES_MAX {
            return Err(StoreError::Full);
        }
        pieces.insert(key, bytes.to_vec());
        Ok(())
    }

    async fn forget_file(&self, room: &RoomId, me: &PeerId, file: FileId) -> Result<(), StoreError> {
        let pieces = &mut self.0.borrow_mut().pieces;
        pieces.retain(|(of, whose, known, _), _| (of, whose, *known) != (room, me, file));
        Ok(())
    }

    async fn forget(&self, room: &RoomId) -> Result<(), StoreError> {
        let tables = &mut *self.0.borrow_mut();
        tables.records.retain(|(of, _, _), _| of != room);
        tables.pieces.retain(|(of, ..), _| of != room);
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
