//! The browser's own database (IndexedDB).
//!
//! Object stores, all with keys given by us:
//!
//! | store | key | value |
//! |---|---|---|
//! | `identities` | slot | `{ secret: Uint8Array, certificate?: RTCCertificate, name?: string }` |
//! | `leases` | slot | `{ owner: string, until: number }` |
//! | `names` | `room/peer` | `{ peer: string, name: string }` |
//! | `closed` | room | `{ room: string, statement: Uint8Array }` |
//!
//! Values say what they belong to, so that many are read in one request.

use std::rc::Rc;

use client::store::{IdentityRecord, Lease, StoreError};
use idb::{
    Database, DatabaseEvent as _, Factory, KeyRange, ObjectStore, ObjectStoreParams, Query, Transaction,
    TransactionMode,
};
use js_sys::Uint8Array;
use shared::{PeerId, RoomId};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, RtcCertificate};
use zeroize::Zeroizing;

use crate::{
    config::DATABASE_VERSION,
    js::{self, field, object},
};

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
    /// [`idb::Error`] where the browser lets the page have none.
    pub async fn open(name: &str) -> Result<Self, idb::Error> {
        let mut request = Factory::new()?.open(name, Some(DATABASE_VERSION))?;
        request.on_upgrade_needed(|event| {
            // A failure here makes the opening fail, where it is reported.
            if let Ok(database) = event.database() {
                let known = database.store_names();
                for store in [IDENTITIES, LEASES, NAMES, CLOSED] {
                    if !known.iter().any(|known| known == store) {
                        let _ = database.create_object_store(store, ObjectStoreParams::new());
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

    /// All values of an object store whose keys fit a query.
    async fn all(&self, name: &str, query: Option<Query>) -> Result<Vec<JsValue>, idb::Error> {
        let (_transaction, store) = self.store(name, TransactionMode::ReadOnly)?;
        store.get_all(query, None)?.await
    }

    async fn put(&self, name: &str, key: JsValue, value: JsValue) -> Result<(), idb::Error> {
        let (transaction, store) = self.store(name, TransactionMode::ReadWrite)?;
        store.put(&value, Some(&key))?.await?;
        transaction.commit()?.await?;
        Ok(())
    }

    fn store(&self, name: &str, mode: TransactionMode) -> Result<(Transaction, ObjectStore), idb::Error> {
        let transaction = self.0.transaction(&[name], mode)?;
        let store = transaction.object_store(name)?;
        Ok((transaction, store))
    }

    pub(super) async fn identity(&self, slot: u32) -> Result<Option<IdentityRecord<RtcCertificate>>, idb::Error> {
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
            name: text(&value, "name"),
        }))
    }

    pub(super) async fn save_identity(
        &self,
        slot: u32,
        record: &IdentityRecord<RtcCertificate>,
    ) -> Result<(), idb::Error> {
        let secret = Uint8Array::from(record.secret.as_slice());
        let certificate = record
            .certificate
            .as_ref()
            .map_or(JsValue::UNDEFINED, |value| value.into());
        let name = record.name.as_deref().map_or(JsValue::UNDEFINED, JsValue::from);
        let value = object([("secret", secret.into()), ("certificate", certificate), ("name", name)]);
        self.put(IDENTITIES, slot.into(), value.into()).await
    }

    pub(super) async fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool, idb::Error> {
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

    pub(super) async fn names(&self, room: &RoomId) -> Result<Vec<(PeerId, String)>, idb::Error> {
        let prefix = format!("{}/", room.to_text());
        // `~` comes after every character of an identifier's text.
        let end = format!("{prefix}~");
        let range = KeyRange::bound(&prefix.into(), &end.into(), None, None)?;
        let entries = self.all(NAMES, Some(Query::KeyRange(range))).await?;
        let read = |value: &JsValue| Some((text(value, "peer")?.parse().ok()?, text(value, "name")?));
        Ok(entries.iter().filter_map(read).collect())
    }

    pub(super) async fn save_name(&self, room: &RoomId, peer: &PeerId, name: &str) -> Result<(), idb::Error> {
        let peer = peer.to_text();
        let key = format!("{}/{peer}", room.to_text());
        let value = object([("peer", peer.into()), ("name", name.into())]);
        self.put(NAMES, key.into(), value.into()).await
    }

    pub(super) async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, idb::Error> {
        let entries = self.all(CLOSED, None).await?;
        let read = |value: &JsValue| {
            let statement = field(value, "statement")?.dyn_into::<Uint8Array>().ok()?;
            Some((text(value, "room")?.parse().ok()?, statement.to_vec()))
        };
        Ok(entries.iter().filter_map(read).collect())
    }

    pub(super) async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), idb::Error> {
        let room = JsValue::from(room.to_text());
        let value = object([
            ("room", room.clone()),
            ("statement", Uint8Array::from(statement).into()),
        ]);
        self.put(CLOSED, room, value.into()).await
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
        owner: text(value, "owner")?,
        until_unix_millis,
    })
}

/// A property that is a text.
fn text(value: &JsValue, name: &str) -> Option<String> {
    field(value, name)?.as_string()
}

/// What went wrong, by the name that the DOM gives its errors.
pub(super) fn failed(error: idb::Error) -> StoreError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not asked for here does not fail")]
    let error: JsValue = match error {
        idb::Error::DomException(exception) => exception.into(),
        idb::Error::IndexedDbNotFound(error)
        | idb::Error::IndexedDbOpenFailed(error)
        | idb::Error::TransactionOpenFailed(error)
        | idb::Error::TransactionAbortError(error)
        | idb::Error::TransactionCommitError(error)
        | idb::Error::GetFailed(error)
        | idb::Error::GetAllFailed(error)
        | idb::Error::UpdateFailed(error) => error,
        _ => JsValue::UNDEFINED,
    };
    match text(&error, "name").as_deref() {
        Some("QuotaExceededError") => StoreError::Full,
        Some("SecurityError" | "InvalidStateError" | "NotAllowedError") => StoreError::Denied,
        Some(_) | None => StoreError::Platform(js::describe(&error)),
    }
}
