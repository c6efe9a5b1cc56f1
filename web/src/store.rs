//! What outlives the page: [`IndexedDbStore`], with [`FileWorker`] for the pieces of files where the browser has an origin-private file system; or a store in
//! memory where the browser lets the page store nothing. All keep the contract of [`client::store`].

mod file_worker;
mod indexeddb;
mod transaction;

use std::rc::Rc;

use client::store::{Durability, IdentityRecord, Lease, MemoryStore, Store, StoreError, StoredRecord};
use js_sys::{Array, Uint8Array};
use mesh::{config::PIECE_BYTES, io::Change, model::FileInfo, pieces::pieces_in};
use shared::{FileId, PeerId, RoomId};
use wasm_bindgen::JsValue;
use web_sys::{Blob, RtcCertificate};

pub use self::{file_worker::FileWorker, indexeddb::IndexedDbStore};
use self::{file_worker::path, indexeddb::failed};

/// The store of a page. Cheap to clone.
#[derive(Debug, Clone)]
pub enum BrowserStore {
    /// On disk.
    IndexedDb(IndexedDbStore, Rc<FileWorker>),
    /// Gone with the page.
    Memory(MemoryStore<RtcCertificate>),
}

impl BrowserStore {
    /// Opens the browser's store, or one in memory if that is denied.
    pub async fn open() -> Self {
        match IndexedDbStore::open("starling").await {
            Ok(store) => Self::on_disk(store),
            Err(error) => {
                crate::js::log(&format!("nothing will be kept: {}", failed(error)));
                Self::Memory(MemoryStore::default())
            }
        }
    }

    fn on_disk(store: IndexedDbStore) -> Self {
        #[cfg(not(test))]
        let files = FileWorker::default();
        // Where the tests run nobody serves the worker.
        #[cfg(test)]
        let files = FileWorker::absent();
        Self::IndexedDb(store, Rc::new(files))
    }

    /// A file of which all pieces are kept, as one; on disk it stays there.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub(crate) async fn whole(&self, room: &RoomId, me: &PeerId, info: &FileInfo) -> Result<Blob, StoreError> {
        let parts = match self {
            Self::IndexedDb(store, files) => {
                let file = files.whole(&path(room, Some((me, info.root)))).await.map_err(failed)?;
                let pieces = store.pieces(room, me, info.root).await.map_err(failed)?;
                joined(file, pieces, info.bytes).map_err(failed)?
            }
            Self::Memory(store) => {
                let parts = Array::new();
                for piece in 0..pieces_in(info.bytes) {
                    let bytes = store.read_piece(room, me, (info.root, piece)).await?;
                    parts.push(&Uint8Array::from(bytes.unwrap_or_default().as_slice()));
                }
                parts
            }
        };
        let blob = Blob::new_with_blob_sequence(&parts).map_err(failed)?;
        #[expect(clippy::cast_precision_loss, reason = "exact: a file has less than 2^53 bytes")]
        let is_whole = blob.size() == info.bytes as f64;
        if is_whole {
            Ok(blob)
        } else {
            Err(StoreError::Platform("a piece is lacking".into()))
        }
    }

    /// Whether anything outlives the page.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        matches!(self, Self::IndexedDb(..))
    }
}

/// Calls the same method of whichever store it is.
macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Self::IndexedDb($store, _) => $call.await.map_err(failed),
            Self::Memory($store) => $call.await,
        }
    };
}

impl Store for BrowserStore {
    type Certificate = RtcCertificate;

    async fn identity(&self, slot: u32) -> Result<Option<IdentityRecord<RtcCertificate>>, StoreError> {
        either!(self, store => store.identity(slot))
    }

    async fn save_identity(&self, slot: u32, record: &IdentityRecord<RtcCertificate>) -> Result<(), StoreError> {
        either!(self, store => store.save_identity(slot, record))
    }

    async fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool, StoreError> {
        either!(self, store => store.take_lease(slot, lease, now_unix_millis))
    }

    async fn records(&self, room: &RoomId, me: &PeerId) -> Result<Vec<StoredRecord>, StoreError> {
        either!(self, store => store.records(room, me))
    }

    async fn write(
        &self,
        room: &RoomId,
        me: &PeerId,
        changes: &[Change],
        durability: Durability,
    ) -> Result<(), StoreError> {
        either!(self, store => store.write(room, me, changes, durability))
    }

    async fn read_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut found = None;
        if let Self::IndexedDb(_, files) = self
            && let Some(read) = files
                .read(&path(room, Some((me, piece.0))), place(piece.1), PIECE_BYTES)
                .await
        {
            found = read.map_err(failed)?;
            // What is lacking before later pieces is zeros.
            if found.iter().flatten().any(|byte| *byte != 0) {
                return Ok(found);
            }
        }
        let kept = either!(self, store => store.read_piece(room, me, piece))?.or(found);
        match self {
            Self::IndexedDb(_, files) if kept.is_none() && files.may_hide() => Err(StoreError::Platform(
                "the worker that keeps files cannot be loaded".into(),
            )),
            Self::IndexedDb(..) | Self::Memory(_) => Ok(kept),
        }
    }

    async fn write_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        if let Self::IndexedDb(_, files) = self
            && let Some(written) = files
                .write(&path(room, Some((me, piece.0))), place(piece.1), bytes)
                .await
        {
            return written.map_err(failed);
        }
        either!(self, store => store.write_piece(room, me, piece, bytes))
    }

    async fn forget_file(&self, room: &RoomId, me: &PeerId, file: FileId) -> Result<(), StoreError> {
        let forgotten = match self {
            Self::IndexedDb(_, files) => files.forget(&path(room, Some((me, file)))).await.map_err(failed),
            Self::Memory(_) => Ok(()),
        };
        either!(self, store => store.forget_file(room, me, file))?;
        forgotten
    }

    async fn forget(&self, room: &RoomId) -> Result<(), StoreError> {
        if let Self::IndexedDb(_, files) = self {
            files.forget(&path(room, None)).await.map_err(failed)?;
        }
        either!(self, store => store.forget(room))
    }

    async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, StoreError> {
        either!(self, store => store.closed())
    }

    async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), StoreError> {
        either!(self, store => store.save_closed(room, statement))
    }
}

/// Where in its file a piece begins.
fn place(piece: u32) -> u64 {
    u64::from(piece) * PIECE_BYTES as u64
}

/// The parts of a file of so many bytes: the pieces that the database has, and the others from the worker's file.
fn joined(file: Option<Blob>, pieces: Vec<(u32, JsValue)>, bytes: u64) -> Result<Array, JsValue> {
    let parts = Array::new();
    if pieces.is_empty() {
        if let Some(file) = file {
            parts.push(&file);
        }
        return Ok(parts);
    }
    let mut pieces = pieces.into_iter().peekable();
    for number in 0..pieces_in(bytes) {
        if let Some((_, piece)) = pieces.next_if(|(of, _)| *of == number) {
            parts.push(&piece);
        } else if let Some(file) = &file {
            #[expect(clippy::cast_precision_loss, reason = "exact: a file has less than 2^53 bytes")]
            let [from, to] = [number, number + 1].map(|number| place(number) as f64);
            let part = file.slice_with_f64_and_f64(from, to)?;
            parts.push(&part);
        }
    }
    Ok(parts)
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use client::contract;
    use mesh::io::Owner;
    use wasm_bindgen_test::wasm_bindgen_test;
    use zeroize::Zeroizing;

    use super::*;
    use crate::config::DATABASE_VERSION;
    use crate::profile::tests::certificate;

    /// A name of its own, so that no earlier run is seen.
    fn name() -> String {
        format!("test-{:?}", crate::js::entropy::<8>())
    }

    fn is_same(one: &RtcCertificate, other: &RtcCertificate) -> bool {
        one.expires().to_bits() == other.expires().to_bits()
    }

    #[wasm_bindgen_test]
    async fn indexeddb_keeps_the_contract() {
        let store = database(&name()).await;
        contract::store(store, certificate().await, is_same).await;
    }

    #[wasm_bindgen_test]
    async fn memory_keeps_the_contract_with_a_browsers_certificate() {
        let store = BrowserStore::Memory(MemoryStore::default());
        contract::store(store, certificate().await, is_same).await;
    }

    #[wasm_bindgen_test]
    async fn two_handles_on_one_database_cannot_both_take_a_lease() {
        let name = name();
        let [one, other] = [
            IndexedDbStore::open(&name).await.unwrap(),
            IndexedDbStore::open(&name).await.unwrap(),
        ];
        let [a, b] = ["a", "b"].map(|owner| Lease {
            owner: owner.into(),
            until_unix_millis: 100,
        });
        let (first, second) = futures_util::join!(one.take_lease(0, &a, 0), other.take_lease(0, &b, 0));
        assert_eq!(u8::from(first.unwrap()) + u8::from(second.unwrap()), 1);
    }

    fn room() -> RoomId {
        RoomId::from_bytes([255; 32])
    }

    fn ann() -> PeerId {
        PeerId::from_bytes([255; 32])
    }

    fn change(key: u8) -> Change {
        Change {
            owner: Owner::Me,
            key: vec![key],
            value: Some([key].as_slice().into()),
        }
    }

    fn record(key: u8) -> StoredRecord {
        StoredRecord {
            key: vec![key],
            value: vec![key],
        }
    }

    async fn database(name: &str) -> BrowserStore {
        BrowserStore::on_disk(IndexedDbStore::open(name).await.unwrap())
    }

    #[wasm_bindgen_test]
    async fn what_was_written_is_there_when_the_database_is_opened_again_and_in_what_has_it_open() {
        let name = name();
        let [one, other] = [database(&name).await, database(&name).await];
        for (key, durability) in [(1, Durability::Strict), (2, Durability::Relaxed)] {
            one.write(&room(), &ann(), &[change(key)], durability).await.unwrap();
        }
        other
            .write(&room(), &ann(), &[change(3)], Durability::Relaxed)
            .await
            .unwrap();
        let kept = [record(1), record(2), record(3)];
        assert_eq!(one.records(&room(), &ann()).await.unwrap(), kept);
        assert_eq!(other.records(&room(), &ann()).await.unwrap(), kept);
        drop((one, other));
        assert_eq!(database(&name).await.records(&room(), &ann()).await.unwrap(), kept);
    }

    #[wasm_bindgen_test]
    async fn what_is_asked_for_together_is_done_in_order() {
        let store = database(&name()).await;
        let of = |value: u8| Change {
            value: Some([value].as_slice().into()),
            ..change(1)
        };
        let [first, second] = [[of(1)], [of(2)]];
        let (room, ann) = (room(), ann());
        let (first, second, read) = futures_util::join!(
            store.write(&room, &ann, &first, Durability::Strict),
            store.write(&room, &ann, &second, Durability::Relaxed),
            store.records(&room, &ann)
        );
        assert_eq!((first, second), (Ok(()), Ok(())));
        assert_eq!(read.unwrap()[0].value, [2]);
    }

    #[wasm_bindgen_test]
    async fn without_the_worker_files_are_kept_and_no_room_counts_as_forgotten() {
        let database = IndexedDbStore::open(&name()).await.unwrap();
        let store = BrowserStore::IndexedDb(database, Rc::default());
        let file = FileId::from_bytes([1; 32]);
        let (room, ann) = (room(), ann());
        store.write_piece(&room, &ann, (file, 0), b"a").await.unwrap();
        let read = async || store.read_piece(&room, &ann, (file, 0)).await.unwrap();
        assert_eq!(read().await.as_deref(), Some(b"a".as_slice()));
        assert!(
            store.forget(&room).await.is_err(),
            "an earlier visit may have kept files"
        );
        assert_eq!(read().await.as_deref(), Some(b"a".as_slice()));
        assert!(store.forget_file(&room, &ann, file).await.is_err());
        let read = store.read_piece(&room, &ann, (file, 0)).await;
        assert!(read.is_err(), "an earlier visit may have kept it");
    }

    #[wasm_bindgen_test]
    async fn a_file_whose_pieces_are_in_two_places_is_one() {
        let blob = |bytes: &[u8]| Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes))).unwrap();
        let bytes: Vec<u8> = [1, 2, 3].iter().flat_map(|byte| vec![*byte; PIECE_BYTES]).collect();
        let mut holed = bytes.clone();
        holed[PIECE_BYTES..2 * PIECE_BYTES].fill(0);
        let kept = vec![(1, blob(&bytes[PIECE_BYTES..2 * PIECE_BYTES]).into())];
        let read = async |parts: Array| {
            let whole = Blob::new_with_blob_sequence(&parts).unwrap();
            crate::js::bytes_of(&whole).await.unwrap()
        };
        let of = bytes.len() as u64;
        assert!(read(joined(Some(blob(&holed)), kept, of).unwrap()).await == bytes);
        assert!(read(joined(Some(blob(&bytes)), Vec::new(), of).unwrap()).await == bytes);
    }

    #[wasm_bindgen_test]
    async fn a_store_that_a_later_page_closed_says_so() {
        let name = name();
        let store = database(&name).await;
        let later = IndexedDbStore::open_version(&name, DATABASE_VERSION + 1).await.unwrap();
        let written = store.write(&room(), &ann(), &[change(1)], Durability::Strict).await;
        assert_eq!(written, Err(StoreError::Denied));
        assert_eq!(store.records(&room(), &ann()).await, Err(StoreError::Denied));
        assert_eq!(store.forget(&room()).await, Err(StoreError::Denied));
        assert_eq!(later.records(&room(), &ann()).await.unwrap(), []);
        assert!(IndexedDbStore::open(&name).await.is_err(), "an older page");
    }

    #[wasm_bindgen_test]
    async fn an_upgrade_keeps_identities_and_closed_rooms() {
        let (name, certificate) = (name(), certificate().await);
        let record = IdentityRecord {
            secret: Zeroizing::new([7; 32]),
            certificate: Some(certificate.clone()),
            name: Some("Ann".into()),
        };
        let old = IndexedDbStore::open_version(&name, 2).await.unwrap();
        old.save_identity(0, &record).await.unwrap();
        old.save_closed(&room(), &[1]).await.unwrap();
        assert!(old.records(&room(), &ann()).await.is_err(), "none in that version");
        let store = database(&name).await;
        assert!(old.identity(0).await.is_err(), "the old page has let go");
        let kept = store.identity(0).await.unwrap().unwrap();
        assert_eq!((*kept.secret, kept.name.as_deref()), ([7; 32], Some("Ann")));
        assert!(is_same(&kept.certificate.unwrap(), &certificate));
        assert_eq!(store.closed().await.unwrap(), [(room(), vec![1])]);
        assert_eq!(store.records(&room(), &ann()).await.unwrap(), []);
    }
}
