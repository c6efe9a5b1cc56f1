//! The browser's own database (IndexedDB).
//!
//! Object stores, all with keys given by us:
//!
//! | store | key | value |
//! |---|---|---|
//! | `identities` | slot | `{ secret: Uint8Array, certificate?: RTCCertificate, name?: string }` |
//! | `leases` | slot | `{ owner: string, until: number }` |
//! | `names` | `room/peer` | name |
//! | `closed` | room | statement: Uint8Array |

use std::rc::Rc;

use idb::{
    Database, DatabaseEvent as _, Factory, KeyRange, ObjectStore, ObjectStoreParams, Query, Transaction,
    TransactionMode,
};
use js_sys::Uint8Array;
use shared::{PeerId, RoomId};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, RtcCertificate};
use zeroize::Zeroizing;

use super::{IdentityRecord, Lease, StoreError};
use crate::js::{self, field, object};

/// Raised with every change of the object stores; an upgrade then brings older databases along.
const VERSION: u32 = 2;

const IDENTITIES: &str = "identities";
const LEASES: &str = "leases";
const NAMES: &str = "names";
const CLOSED: &str = "closed";

/// Keeps everything in a database of the browser.
#[derive(Debug, Clone)]
pub struct IndexedDbStore(Rc<Database>);

impl IndexedDbStore {
    /// Opens the database, made if it does not exist.
    ///
    /// # Errors
    /// [`StoreError::Denied`] where the browser lets the page have none.
    pub async fn open(name: &str) -> Result<Self, StoreError> {
        let mut request = Factory::new()?.open(name, Some(VERSION))?;
        request.on_upgrade_needed(|event| {
            // A failure here makes the opening fail, where it is reported.
            if let Ok(database) = event.database() {
                let known = database.store_names();
                for store in [IDENTITIES, LEASES, NAMES, CLOSED] {
                    if known.iter().any(|known| known == store) {
                        continue;
                    }
                    if let Err(error) = database.create_object_store(store, ObjectStoreParams::new()) {
                        js::log(&format!("the database could not be made: {error}"));
                    }
                }
            }
        });
        let mut database = request.await?;
        // A page of a later version waits in its start until this one has let go; what this one stores from then on is lost.
        database.on_version_change(|event| {
            if let Some(database) = event.target() {
                database.unchecked_into::<IdbDatabase>().close();
            }
        });
        Ok(Self(Rc::new(database)))
    }

    pub(super) async fn identity(&self, slot: u32) -> Result<Option<IdentityRecord>, StoreError> {
        let (_transaction, store) = self.store(IDENTITIES, TransactionMode::ReadOnly)?;
        let Some(value) = store.get(Query::Key(slot.into()))?.await? else {
            return Ok(None);
        };
        let secret = field(&value, "secret").and_then(|secret| secret.dyn_into::<Uint8Array>().ok());
        let secret = secret.filter(|secret| secret.length() == 32).map(|secret| {
            let mut bytes = Zeroizing::new([0; 32]);
            secret.copy_to(bytes.as_mut());
            bytes
        });
        // A damaged record is no identity: a new one takes its place.
        Ok(secret.map(|secret| IdentityRecord {
            secret,
            certificate: field(&value, "certificate").and_then(|value| value.dyn_into::<RtcCertificate>().ok()),
            name: field(&value, "name").and_then(|value| value.as_string()),
        }))
    }

    pub(super) async fn save_identity(&self, slot: u32, record: &IdentityRecord) -> Result<(), StoreError> {
        let secret = Uint8Array::from(record.secret.as_slice());
        let certificate = record
            .certificate
            .as_ref()
            .map_or(JsValue::UNDEFINED, |value| value.into());
        let name = record.name.as_deref().map_or(JsValue::UNDEFINED, JsValue::from);
        let value = object([("secret", secret.into()), ("certificate", certificate), ("name", name)]);
        self.put(IDENTITIES, slot.into(), value.into()).await
    }

    pub(super) async fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool, StoreError> {
        // One transaction from reading to writing: two tabs cannot both find the slot free.
        let (transaction, store) = self.store(LEASES, TransactionMode::ReadWrite)?;
        let known = store
            .get(Query::Key(slot.into()))?
            .await?
            .and_then(|value| read_lease(&value));
        let held = known.is_some_and(|known| known.holds_against(lease, now_unix_millis));
        if !held {
            #[expect(clippy::cast_precision_loss, reason = "exact for the next 285,000 years")]
            let until = lease.until_unix_millis as f64;
            let value = object([("owner", lease.owner.as_str().into()), ("until", until.into())]);
            store.put(&value, Some(&slot.into()))?.await?;
        }
        transaction.commit()?.await?;
        Ok(!held)
    }

    pub(super) async fn names(&self, room: &RoomId) -> Result<Vec<(PeerId, String)>, StoreError> {
        let prefix = format!("{}/", room.to_text());
        // `~` comes after every character of an identifier's text.
        let end = format!("{prefix}~");
        let range = KeyRange::bound(&prefix.as_str().into(), &end.into(), None, None)?;
        let entries = self.all(NAMES, Some(Query::KeyRange(range))).await?;
        let read =
            |(key, value): (String, JsValue)| Some((key.strip_prefix(&prefix)?.parse().ok()?, value.as_string()?));
        Ok(entries.into_iter().filter_map(read).collect())
    }

    pub(super) async fn save_name(&self, room: &RoomId, peer: &PeerId, name: &str) -> Result<(), StoreError> {
        let key = format!("{}/{}", room.to_text(), peer.to_text());
        self.put(NAMES, key.into(), name.into()).await
    }

    pub(super) async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, StoreError> {
        let entries = self.all(CLOSED, None).await?;
        let read =
            |(key, value): (String, JsValue)| Some((key.parse().ok()?, value.dyn_into::<Uint8Array>().ok()?.to_vec()));
        Ok(entries.into_iter().filter_map(read).collect())
    }

    pub(super) async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), StoreError> {
        self.put(CLOSED, room.to_text().into(), Uint8Array::from(statement).into())
            .await
    }

    /// All entries of an object store with text for keys that fit a query.
    async fn all(&self, name: &str, query: Option<Query>) -> Result<Vec<(String, JsValue)>, StoreError> {
        let (_transaction, store) = self.store(name, TransactionMode::ReadOnly)?;
        let mut entries = Vec::new();
        for key in store.get_all_keys(query, None)?.await? {
            let text = key.as_string();
            entries.extend(text.zip(store.get(Query::Key(key))?.await?));
        }
        Ok(entries)
    }

    async fn put(&self, name: &str, key: JsValue, value: JsValue) -> Result<(), StoreError> {
        let (transaction, store) = self.store(name, TransactionMode::ReadWrite)?;
        store.put(&value, Some(&key))?.await?;
        transaction.commit()?.await?;
        Ok(())
    }

    fn store(&self, name: &str, mode: TransactionMode) -> Result<(Transaction, ObjectStore), StoreError> {
        let transaction = self.0.transaction(&[name], mode)?;
        let store = transaction.object_store(name)?;
        Ok((transaction, store))
    }
}

fn read_lease(value: &JsValue) -> Option<Lease> {
    let until = field(value, "until")?.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates; written as a u64"
    )]
    let until_unix_millis = until as u64;
    Some(Lease {
        owner: field(value, "owner")?.as_string()?,
        until_unix_millis,
    })
}

impl From<idb::Error> for StoreError {
    fn from(error: idb::Error) -> Self {
        let text = error.to_string();
        // The DOM gives its errors their kind by name, and the name is part of their text.
        if text.contains("QuotaExceededError") {
            Self::Full
        } else if ["SecurityError", "InvalidStateError", "NotAllowedError"]
            .iter()
            .any(|name| text.contains(name))
        {
            Self::Denied
        } else {
            Self::Browser(text)
        }
    }
}
