//! What outlives the page: [`IndexedDbStore`], or a store in memory where the browser lets the page store nothing. Both keep
//! the contract of [`client::store`].

mod indexeddb;

use client::store::{IdentityRecord, Lease, MemoryStore, Store, StoreError};
use shared::{PeerId, RoomId};
use web_sys::RtcCertificate;

pub use self::indexeddb::IndexedDbStore;
use self::indexeddb::failed;

/// The store of a page. Cheap to clone.
#[derive(Debug, Clone)]
pub enum BrowserStore {
    /// On disk.
    IndexedDb(IndexedDbStore),
    /// Gone with the page.
    Memory(MemoryStore<RtcCertificate>),
}

impl BrowserStore {
    /// Opens the browser's store, or one in memory if that is denied.
    pub async fn open() -> Self {
        match IndexedDbStore::open("starling").await {
            Ok(store) => Self::IndexedDb(store),
            Err(error) => {
                crate::js::log(&format!("nothing will be kept: {}", failed(error)));
                Self::Memory(MemoryStore::default())
            }
        }
    }

    /// Whether anything outlives the page.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        matches!(self, Self::IndexedDb(_))
    }
}

/// Calls the same method of whichever store it is.
macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Self::IndexedDb($store) => $call.await.map_err(failed),
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

    async fn names(&self, room: &RoomId) -> Result<Vec<(PeerId, String)>, StoreError> {
        either!(self, store => store.names(room))
    }

    async fn save_name(&self, room: &RoomId, peer: &PeerId, name: &str) -> Result<(), StoreError> {
        either!(self, store => store.save_name(room, peer, name))
    }

    async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, StoreError> {
        either!(self, store => store.closed())
    }

    async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), StoreError> {
        either!(self, store => store.save_closed(room, statement))
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use client::contract;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
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
        let store = BrowserStore::IndexedDb(IndexedDbStore::open(&name()).await.unwrap());
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
}
