//! What outlives the page: the identities of this browser's tabs, and who used which name in which room.
//!
//! Two kinds of store answer to one interface and pass one suite of tests: [`IndexedDbStore`], and [`MemoryStore`] for
//! when the browser lets the page store nothing.

mod indexeddb;
mod memory;

use shared::{PeerId, RoomId};
use thiserror::Error;
use web_sys::RtcCertificate;
use zeroize::Zeroizing;

pub use self::{indexeddb::IndexedDbStore, memory::MemoryStore};

/// Something could not be stored or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The browser lets this page store nothing: its settings, or a private window. Nothing is kept over a reload.
    #[error("the browser lets this page store nothing")]
    Denied,
    /// The disk or the page's share of it is full. Free some space.
    #[error("there is no space left to store anything")]
    Full,
    /// Anything else the browser met, in its own words.
    #[error("the browser could not store or read: {0}")]
    Browser(String),
}

/// What an identity slot holds.
#[derive(Debug, Clone)]
pub struct IdentityRecord {
    /// See [`Identity::secret`](shared::Identity::secret).
    pub secret: Zeroizing<[u8; 32]>,
    /// For DTLS, so that the fingerprint stays the same and no key is made at connect.
    pub certificate: Option<RtcCertificate>,
    /// The person's name, if one was chosen.
    pub name: Option<String>,
}

/// A claim on an identity slot that must be renewed, for browsers that give this page no Web Locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The tab's random name.
    pub owner: String,
    /// Until when it holds, in milliseconds since 1970.
    pub until_unix_millis: u64,
}

/// A store. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Store {
    /// On disk.
    IndexedDb(IndexedDbStore),
    /// Gone with the page.
    Memory(MemoryStore),
}

/// Calls the same method of whichever store it is.
macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Self::IndexedDb($store) => $call.await,
            Self::Memory($store) => $call.await,
        }
    };
}

impl Store {
    /// Opens the browser's store, or one in memory if that is denied.
    pub async fn open() -> Self {
        match IndexedDbStore::open("starling").await {
            Ok(store) => Self::IndexedDb(store),
            Err(error) => {
                crate::js::log(&format!("nothing will be kept: {error}"));
                Self::Memory(MemoryStore::default())
            }
        }
    }

    /// Whether anything outlives the page.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        matches!(self, Self::IndexedDb(_))
    }

    /// The identity of a slot, if it has one.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn identity(&self, slot: u32) -> Result<Option<IdentityRecord>, StoreError> {
        either!(self, store => store.identity(slot))
    }

    /// Stores the identity of a slot.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    pub async fn save_identity(&self, slot: u32, record: &IdentityRecord) -> Result<(), StoreError> {
        either!(self, store => store.save_identity(slot, record))
    }

    /// Takes or renews a lease on a slot, unless another owner's lease holds at `now_unix_millis`. Says whether it was taken.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read or stored.
    pub async fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool, StoreError> {
        either!(self, store => store.take_lease(slot, lease, now_unix_millis))
    }

    /// Who used which name in a room.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn names(&self, room: &RoomId) -> Result<Vec<(PeerId, String)>, StoreError> {
        either!(self, store => store.names(room))
    }

    /// Remembers that `peer` used `name` in `room`.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    pub async fn save_name(&self, room: &RoomId, peer: &PeerId, name: &str) -> Result<(), StoreError> {
        either!(self, store => store.save_name(room, peer, name))
    }

    /// The founders' statements that their rooms are closed, of every room where one is known.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, StoreError> {
        either!(self, store => store.closed())
    }

    /// Remembers the founder's statement that `room` is closed.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    pub async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), StoreError> {
        either!(self, store => store.save_closed(room, statement))
    }
}

/// One suite for every kind of store.
#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use shared::RoomCode;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::boot::tests::certificate;

    async fn check(store: Store) {
        // Identities.
        assert!(store.identity(0).await.unwrap().is_none());
        let record = IdentityRecord {
            secret: Zeroizing::new([7; 32]),
            certificate: Some(certificate().await),
            name: Some("Ann 🦜".into()),
        };
        store.save_identity(0, &record).await.unwrap();
        let read = store.identity(0).await.unwrap().unwrap();
        assert_eq!((*read.secret, read.name.as_deref()), ([7; 32], Some("Ann 🦜")));
        let expires = record.certificate.as_ref().map(RtcCertificate::expires);
        assert_eq!(read.certificate.as_ref().map(RtcCertificate::expires), expires);
        assert!(store.identity(1).await.unwrap().is_none());
        let nameless = IdentityRecord {
            certificate: None,
            name: None,
            ..record
        };
        store.save_identity(0, &nameless).await.unwrap();
        let read = store.identity(0).await.unwrap().unwrap();
        assert!(read.name.is_none() && read.certificate.is_none());

        // Leases.
        let lease = |owner: &str, until| Lease {
            owner: owner.into(),
            until_unix_millis: until,
        };
        assert!(store.take_lease(0, &lease("a", 100), 0).await.unwrap());
        assert!(!store.take_lease(0, &lease("b", 200), 99).await.unwrap(), "held");
        assert!(store.take_lease(0, &lease("a", 150), 99).await.unwrap(), "renewed");
        assert!(
            !store.take_lease(0, &lease("b", 200), 149).await.unwrap(),
            "held for longer"
        );
        assert!(store.take_lease(0, &lease("b", 200), 150).await.unwrap(), "over");
        assert!(store.take_lease(1, &lease("a", 100), 0).await.unwrap(), "another slot");

        // Names.
        let [lobby, attic] = ["lobby", "attic"].map(|name| RoomCode::parse(name).unwrap().open().id());
        let [ann, bob] = [1, 2].map(|byte| PeerId::from_bytes([byte; 32]));
        assert_eq!(store.names(&lobby).await.unwrap(), []);
        store.save_name(&lobby, &ann, "Ann").await.unwrap();
        store.save_name(&lobby, &bob, "Bob").await.unwrap();
        store.save_name(&lobby, &bob, "Bobby").await.unwrap();
        store.save_name(&attic, &ann, "Anna").await.unwrap();
        let mut names = store.names(&lobby).await.unwrap();
        names.sort();
        assert_eq!(names, [(ann, "Ann".into()), (bob, "Bobby".into())]);

        // Closed rooms.
        assert_eq!(store.closed().await.unwrap(), []);
        store.save_closed(&lobby, &[1, 2]).await.unwrap();
        store.save_closed(&lobby, &[0, 255]).await.unwrap();
        store.save_closed(&attic, &[]).await.unwrap();
        let mut closed = store.closed().await.unwrap();
        closed.sort();
        let mut expected = [(lobby, vec![0, 255]), (attic, vec![])];
        expected.sort();
        assert_eq!(closed, expected);
    }

    #[wasm_bindgen_test]
    async fn memory_keeps_the_contract() {
        check(Store::Memory(MemoryStore::default())).await;
    }

    #[wasm_bindgen_test]
    async fn indexeddb_keeps_the_contract() {
        // A name of its own, so that no earlier run is seen.
        let name = format!("test-{:?}", crate::js::entropy::<8>());
        check(Store::IndexedDb(IndexedDbStore::open(&name).await.unwrap())).await;
    }

    #[wasm_bindgen_test]
    async fn two_handles_on_one_database_cannot_both_take_a_lease() {
        let name = format!("test-{:?}", crate::js::entropy::<8>());
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
