use std::{cell::RefCell, collections::VecDeque};

use client::store::{Durability, IdentityRecord, Lease, MemoryStore, StoreError, StoredRecord};
use mesh::io::{Change, Owner};
use shared::{PeerId, RoomId};

use super::{patient::Disk, *};

fn file(byte: u8) -> FileId {
    FileId::from_bytes([byte; 32])
}

#[test]
fn the_latest_files_that_fit_together_are_kept() {
    let offers = [(file(1), 60), (file(2), 50), (file(3), 40), (file(4), 1)];
    assert_eq!(chosen(offers.into_iter(), 100), BTreeSet::from([1, 3].map(file)));
    assert_eq!(chosen(offers.into_iter(), 1), BTreeSet::from([file(4)]));
    assert_eq!(chosen(offers.into_iter(), 0), BTreeSet::new());
    let many = (0..=u8::MAX).map(|byte| (file(byte), 0));
    assert_eq!(chosen(many, 0).len(), ARCHIVE_FILES_MAX);
}

/// A store whose writes end as was said before.
#[derive(Clone)]
struct Scripted(MemoryStore<()>, Rc<RefCell<VecDeque<StoreError>>>);

impl Store for Scripted {
    type Certificate = ();

    async fn identity(&self, _: u32) -> Result<Option<IdentityRecord<()>>, StoreError> {
        Ok(None)
    }

    async fn save_identity(&self, _: u32, _: &IdentityRecord<()>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn take_lease(&self, _: u32, _: &Lease, _: u64) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn records(&self, room: &RoomId, me: &PeerId) -> Result<Vec<StoredRecord>, StoreError> {
        self.0.records(room, me).await
    }

    async fn write(
        &self,
        room: &RoomId,
        me: &PeerId,
        changes: &[Change],
        durability: Durability,
    ) -> Result<(), StoreError> {
        let fails = self.1.borrow_mut().pop_front();
        match fails {
            Some(error) => Err(error),
            None => self.0.write(room, me, changes, durability).await,
        }
    }

    async fn read_piece(&self, _: &RoomId, _: &PeerId, _: (FileId, u32)) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    async fn write_piece(&self, _: &RoomId, _: &PeerId, _: (FileId, u32), _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::Full)
    }

    async fn forget_file(&self, _: &RoomId, _: &PeerId, _: FileId) -> Result<(), StoreError> {
        Ok(())
    }

    async fn forget(&self, _: &RoomId) -> Result<(), StoreError> {
        Ok(())
    }

    async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, StoreError> {
        Ok(Vec::new())
    }

    async fn save_closed(&self, _: &RoomId, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_write_waits_while_the_disk_is_full_and_any_other_failure_is_one() {
    let (room, me) = (RoomId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
    let script = Rc::new(RefCell::new(VecDeque::from([StoreError::Full])));
    let (disk, changed) = (Rc::new(Disk::default()), Rc::new(Notify::new()));
    let store = Patient::new(
        Scripted(MemoryStore::default(), Rc::clone(&script)),
        Rc::clone(&disk),
        Rc::clone(&changed),
    );
    let change = || Change {
        owner: Owner::Room,
        key: [7].into(),
        value: Some([8].into()),
    };
    let changes = [change()];
    let write = store.write(&room, &me, &changes, Durability::Strict);
    let told = async {
        changed.notified().await;
        assert!(disk.is_full());
        changed.notified().await;
        assert!(!disk.is_full());
    };
    let (written, ()) = tokio::join!(write, told);
    assert_eq!(written, Ok(()));
    assert_eq!(store.records(&room, &me).await.unwrap().len(), 1);
    script.borrow_mut().push_back(StoreError::Stalled);
    let failed = store.write(&room, &me, &[change()], Durability::Strict).await;
    assert_eq!(failed, Err(StoreError::Stalled));
    assert_eq!(
        store.write_piece(&room, &me, (file(1), 0), &[]).await,
        Err(StoreError::Full)
    );
}
