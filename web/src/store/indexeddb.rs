//! The browser's own database (IndexedDB).
//!
//! Object stores, all with keys given by us:
//!
//! | store | key | value |
//! |---|---|---|
//! | `identities` | slot | `{ secret: Uint8Array, certificate?: RTCCertificate, name?: string }` |
//! | `leases` | slot | `{ owner: string, until: number }` |
//! | `closed` | room | `{ room: string, statement: Uint8Array }` |
//! | `records` | room, whose it is, the record's key, as bytes | the record's value, `Uint8Array` |
//! | `pieces` | room, whose it is, file, number of the piece, as bytes | the piece, a `Blob` |
//!
//! A piece is a `Blob`, which browsers keep in a file of its own: so a file that is saved is made of its pieces without a copy in memory.
//!
//! A value of `closed` says what it belongs to, and the keys of `records` and `pieces` begin with that: so many are read in one request.
//!
//! A request is awaited only where its answer decides what comes next. A transaction ends by itself once nothing is asked of it any more, so
//! nothing but its own requests is awaited in between.
//!
//! Not here: what happens when the browser closes the database (`close`), because somebody clears its data or its disk fails. The
//! transactions under way are aborted then, and no other one begins, so whoever writes is told.

use std::rc::Rc;

use client::store::{Durability, IdentityRecord, Lease, StoreError, StoredRecord, file_prefix, piece_key};
use gloo_events::EventListener;
use js_sys::{Array, Promise, Uint8Array};
use mesh::io::{Change, Owner};
use shared::{FileId, PeerId, RoomId};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction,
    IdbVersionChangeEvent, RtcCertificate,
};
use zeroize::Zeroizing;

use super::transaction::{stored, watch_the_page};
use crate::{
    config::DATABASE_VERSION,
    js::{self, field, object},
};

const IDENTITIES: &str = "identities";
const LEASES: &str = "leases";
const NAMES: &str = "names";
const CLOSED: &str = "closed";
const RECORDS: &str = "records";
const PIECES: &str = "pieces";

/// Makes one version of the database out of the one before.
type Upgrade = fn(&IdbDatabase) -> Result<(), JsValue>;

/// All of them, in order.
const UPGRADES: [Upgrade; DATABASE_VERSION as usize] = [to_version_1, to_version_2, to_version_3, to_version_4];

fn to_version_1(database: &IdbDatabase) -> Result<(), JsValue> {
    for name in [IDENTITIES, LEASES, NAMES] {
        database.create_object_store(name)?;
    }
    Ok(())
}

fn to_version_2(database: &IdbDatabase) -> Result<(), JsValue> {
    database.create_object_store(CLOSED)?;
    Ok(())
}

/// Names are among the records from now on.
fn to_version_3(database: &IdbDatabase) -> Result<(), JsValue> {
    database.delete_object_store(NAMES)?;
    database.create_object_store(RECORDS)?;
    Ok(())
}

fn to_version_4(database: &IdbDatabase) -> Result<(), JsValue> {
    database.create_object_store(PIECES)?;
    Ok(())
}

/// What a transaction may do.
#[derive(Debug, Clone, Copy)]
enum Access {
    Read,
    Write(Durability),
}

/// Keeps everything in a database of the browser.
#[derive(Debug, Clone)]
pub struct IndexedDbStore(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    database: IdbDatabase,
    _on_version_change: EventListener,
}

impl IndexedDbStore {
    /// Opens the database, made if it does not exist.
    ///
    /// # Errors
    /// What the browser says where it lets the page have none.
    pub async fn open(name: &str) -> Result<Self, JsValue> {
        watch_the_page();
        Self::open_version(name, DATABASE_VERSION).await
    }

    /// As [`open`](Self::open), for a page of that version.
    pub(super) async fn open_version(name: &str, version: u32) -> Result<Self, JsValue> {
        let factory = js::window().indexed_db()?.ok_or(JsValue::UNDEFINED)?;
        let request = factory.open_with_u32(name, version)?;
        let _on_upgrade = EventListener::once(&request, "upgradeneeded", move |event| {
            let request: Option<IdbOpenDbRequest> = event.target().map(JsCast::unchecked_into);
            let event: &IdbVersionChangeEvent = event.unchecked_ref();
            if let Some(request) = request
                && upgrade(&request, event.old_version(), version).is_err()
                && let Some(transaction) = request.transaction()
            {
                // All of an upgrade or nothing. The opening fails, and is reported.
                let _ = transaction.abort();
            }
        });
        let database: IdbDatabase = answer(&request).await?.unchecked_into();
        // A page of a later version waits in its start until this one has let go. This one is told that nothing is stored any more when it
        // tries.
        let on_version_change = EventListener::once(&database, "versionchange", |event| {
            if let Some(database) = event.target() {
                database.unchecked_into::<IdbDatabase>().close();
            }
        });
        Ok(Self(Rc::new(Inner {
            database,
            _on_version_change: on_version_change,
        })))
    }

    async fn put(&self, name: &str, key: &JsValue, value: &JsValue) -> Result<(), JsValue> {
        let (transaction, store) = self.begin(name, Access::Write(Durability::Relaxed))?;
        store.put_with_key(value, key)?;
        stored(&transaction).await
    }

    fn begin(&self, name: &str, access: Access) -> Result<(IdbTransaction, IdbObjectStore), JsValue> {
        let (mode, durability) = match access {
            Access::Read => ("readonly", "default"),
            Access::Write(Durability::Relaxed) => ("readwrite", "relaxed"),
            Access::Write(Durability::Strict) => ("readwrite", "strict"),
        };
        let transaction = js::begin(&self.0.database, &name.into(), mode, durability)?;
        let store = transaction.object_store(name)?;
        Ok((transaction, store))
    }

    pub(super) async fn identity(&self, slot: u32) -> Result<Option<IdentityRecord<RtcCertificate>>, JsValue> {
        let (_, store) = self.begin(IDENTITIES, Access::Read)?;
        let value = answer(&store.get(&slot.into())?).await?;
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
    ) -> Result<(), JsValue> {
        let secret = Uint8Array::from(record.secret.as_slice());
        let certificate = record
            .certificate
            .as_ref()
            .map_or(JsValue::UNDEFINED, |value| value.into());
        let name = record.name.as_deref().map_or(JsValue::UNDEFINED, JsValue::from);
        let value = object([("secret", secret.into()), ("certificate", certificate), ("name", name)]);
        self.put(IDENTITIES, &slot.into(), &value).await
    }

    pub(super) async fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool, JsValue> {
        // One transaction from reading to writing: two tabs cannot both find the slot free.
        let (transaction, store) = self.begin(LEASES, Access::Write(Durability::Relaxed))?;
        let known = read_lease(&answer(&store.get(&slot.into())?).await?);
        let held = known.is_some_and(|known| known.holds_against(lease, now_unix_millis));
        if !held {
            #[expect(clippy::cast_precision_loss, reason = "exact for the next 285,000 years")]
            let until = lease.until_unix_millis as f64;
            let value = object([("owner", lease.owner.as_str().into()), ("until", until.into())]);
            store.put_with_key(&value, &slot.into())?;
        }
        stored(&transaction).await?;
        Ok(!held)
    }

    pub(super) async fn records(&self, room: &RoomId, me: &PeerId) -> Result<Vec<StoredRecord>, JsValue> {
        let (_, store) = self.begin(RECORDS, Access::Read)?;
        let mut asked = Vec::new();
        for owner in [Owner::Room, Owner::Me] {
            let prefix = prefix(room, me, owner);
            let range = beginning_with(&prefix)?;
            let keys = store.get_all_keys_with_key(&range)?;
            asked.push((prefix.len(), keys, answer(&store.get_all_with_key(&range)?)));
        }
        let mut records = Vec::new();
        for (prefix_bytes, keys, values) in asked {
            // Requests are answered in order; one that fails makes all later ones fail.
            let values: Array = values.await?.unchecked_into();
            let keys: Array = keys.result()?.unchecked_into();
            for (key, value) in keys.iter().zip(values.iter()) {
                if let Ok(value) = value.dyn_into::<Uint8Array>() {
                    records.push(StoredRecord {
                        key: Uint8Array::new(&key).to_vec().split_off(prefix_bytes),
                        value: value.to_vec(),
                    });
                }
            }
        }
        Ok(records)
    }

    pub(super) async fn write(
        &self,
        room: &RoomId,
        me: &PeerId,
        changes: &[Change],
        durability: Durability,
    ) -> Result<(), JsValue> {
        let (transaction, store) = self.begin(RECORDS, Access::Write(durability))?;
        for change in changes {
            let mut key = prefix(room, me, change.owner);
            key.extend_from_slice(&change.key);
            let key = Uint8Array::from(key.as_slice());
            let asked = match &change.value {
                Some(value) => store.put_with_key(&Uint8Array::from(&**value), &key),
                None => store.delete(&key),
            };
            if let Err(error) = asked {
                // What was asked before would be done.
                let _ = transaction.abort();
                return Err(error);
            }
        }
        stored(&transaction).await
    }

    pub(super) async fn read_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
    ) -> Result<Option<Vec<u8>>, JsValue> {
        let (_, store) = self.begin(PIECES, Access::Read)?;
        let value = answer(&store.get(&key_of_piece(room, me, piece))?).await?;
        let Ok(blob) = value.dyn_into::<Blob>() else {
            return Ok(None);
        };
        Ok(Some(js::bytes_of(&blob).await?))
    }

    pub(super) async fn write_piece(
        &self,
        room: &RoomId,
        me: &PeerId,
        piece: (FileId, u32),
        bytes: &[u8],
    ) -> Result<(), JsValue> {
        let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)))?;
        let (transaction, store) = self.begin(PIECES, Access::Write(Durability::Relaxed))?;
        store.put_with_key(&blob, &key_of_piece(room, me, piece))?;
        stored(&transaction).await
    }

    pub(super) async fn forget_file(&self, room: &RoomId, me: &PeerId, file: FileId) -> Result<(), JsValue> {
        let (transaction, store) = self.begin(PIECES, Access::Write(Durability::Relaxed))?;
        store.delete(beginning_with(&file_prefix(room, me, file))?.as_ref())?;
        stored(&transaction).await
    }

    /// The pieces of a file that are here, with their numbers, in order.
    pub(super) async fn pieces(
        &self,
        room: &RoomId,
        me: &PeerId,
        file: FileId,
    ) -> Result<Vec<(u32, JsValue)>, JsValue> {
        let (_, store) = self.begin(PIECES, Access::Read)?;
        let range = beginning_with(&file_prefix(room, me, file))?;
        let keys = store.get_all_keys_with_key(&range)?;
        let pieces: Array = answer(&store.get_all_with_key(&range)?).await?.unchecked_into();
        let keys: Array = keys.result()?.unchecked_into();
        let numbered = keys.iter().zip(pieces.iter()).filter_map(|(key, piece)| {
            let number = *Uint8Array::new(&key).to_vec().last_chunk()?;
            Some((u32::from_be_bytes(number), piece))
        });
        Ok(numbered.collect())
    }

    pub(super) async fn forget(&self, room: &RoomId) -> Result<(), JsValue> {
        let names = Array::of2(&RECORDS.into(), &PIECES.into());
        let transaction = js::begin(&self.0.database, &names, "readwrite", "strict")?;
        for name in [RECORDS, PIECES] {
            let store = transaction.object_store(name)?;
            store.delete(beginning_with(room.as_bytes())?.as_ref())?;
        }
        stored(&transaction).await
    }

    pub(super) async fn closed(&self) -> Result<Vec<(RoomId, Vec<u8>)>, JsValue> {
        let (_, store) = self.begin(CLOSED, Access::Read)?;
        let entries: Array = answer(&store.get_all()?).await?.unchecked_into();
        let read = |value: JsValue| {
            let statement = field(&value, "statement")?.dyn_into::<Uint8Array>().ok()?;
            Some((text(&value, "room")?.parse().ok()?, statement.to_vec()))
        };
        Ok(entries.iter().filter_map(read).collect())
    }

    pub(super) async fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<(), JsValue> {
        let room = JsValue::from(room.to_text());
        let value = object([
            ("room", room.clone()),
            ("statement", Uint8Array::from(statement).into()),
        ]);
        self.put(CLOSED, &room, &value).await
    }
}

/// Brings a database from one version to another.
fn upgrade(request: &IdbOpenDbRequest, from: f64, to: u32) -> Result<(), JsValue> {
    let database: IdbDatabase = request.result()?.unchecked_into();
    for (upgrade, version) in UPGRADES.iter().zip(1..=to) {
        if f64::from(version) > from {
            upgrade(&database)?;
        }
    }
    Ok(())
}

/// What a request gives. Listens from now on, however late the future is waited for.
fn answer(request: &IdbRequest) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
    let answered = JsFuture::from(Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    }));
    let request = request.clone();
    async move {
        match answered.await {
            Ok(_) => request.result(),
            Err(_) => Err(request.error()?.into()),
        }
    }
}

/// What the keys of someone's records begin with.
fn prefix(room: &RoomId, me: &PeerId, owner: Owner) -> Vec<u8> {
    let owner = match owner {
        Owner::Room => &[0][..],
        Owner::Me => &[&[1], &me.as_bytes()[..]].concat(),
    };
    [room.as_bytes(), owner].concat()
}

/// The key of a piece.
fn key_of_piece(room: &RoomId, me: &PeerId, piece: (FileId, u32)) -> Uint8Array {
    Uint8Array::from(piece_key(room, me, piece).as_slice())
}

/// All keys that begin so: from there to the next key that does not.
fn beginning_with(prefix: &[u8]) -> Result<IdbKeyRange, JsValue> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    let [start, end] = [prefix, &end].map(Uint8Array::from);
    if end.length() == 0 {
        return IdbKeyRange::lower_bound(&start);
    }
    IdbKeyRange::bound_with_lower_open_and_upper_open(&start, &end, false, true)
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
pub(super) fn failed(error: JsValue) -> StoreError {
    match text(&error, "name").as_deref() {
        Some("QuotaExceededError") => StoreError::Full,
        Some("SecurityError" | "InvalidStateError" | "NotAllowedError") => StoreError::Denied,
        Some("TimeoutError") => StoreError::Stalled,
        Some(_) | None => StoreError::Platform(js::describe(&error)),
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::DomException;

    use super::*;

    #[wasm_bindgen_test]
    async fn a_transaction_that_fails_changes_nothing_and_says_why() {
        let name = format!("test-{:?}", js::entropy::<8>());
        let database = IndexedDbStore::open(&name).await.unwrap();
        let (room, me) = (RoomId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
        let key = Uint8Array::from(prefix(&room, &me, Owner::Room).as_slice());
        let begin = || database.begin(RECORDS, Access::Write(Durability::Strict)).unwrap();

        let (transaction, store) = begin();
        store.put_with_key(&key, &key).unwrap();
        store.add_with_key(&key, &key).unwrap();
        let error = stored(&transaction).await.unwrap_err();
        assert_eq!(text(&error, "name").as_deref(), Some("ConstraintError"));
        assert!(matches!(failed(error), StoreError::Platform(_)));

        let (transaction, store) = begin();
        store.put_with_key(&key, &key).unwrap();
        transaction.abort().unwrap();
        let error = stored(&transaction).await.unwrap_err();
        assert!(error.is_undefined(), "aborted for no reason");
        assert!(matches!(failed(error), StoreError::Platform(_)));
        assert_eq!(database.records(&room, &me).await.unwrap(), []);
    }

    #[wasm_bindgen_test]
    fn a_full_disk_is_told_from_other_failures() {
        let named = |name| failed(DomException::new_with_message_and_name("", name).unwrap().into());
        assert_eq!(named("QuotaExceededError"), StoreError::Full);
        assert_eq!(named("InvalidStateError"), StoreError::Denied);
        assert_eq!(named("TimeoutError"), StoreError::Stalled);
        assert!(matches!(named("AbortError"), StoreError::Platform(_)));
    }

    #[wasm_bindgen_test]
    fn a_range_holds_what_begins_so_and_nothing_else() {
        let holds = |prefix: &[u8], key: &[u8]| {
            let range = beginning_with(prefix).unwrap();
            range.includes(&Uint8Array::from(key)).unwrap()
        };
        for (prefix, inside, outside) in [
            (
                &[1, 2][..],
                &[&[1, 2][..], &[1, 2, 0], &[1, 2, 255, 255]][..],
                &[&[1][..], &[1, 1, 255], &[1, 3]][..],
            ),
            (&[1, 255], &[&[1, 255], &[1, 255, 255]], &[&[1], &[1, 254, 255], &[2]]),
            (&[255, 255], &[&[255, 255], &[255, 255, 255]], &[&[255], &[255, 254]]),
        ] {
            assert!(inside.iter().all(|key| holds(prefix, key)), "{prefix:?}");
            assert!(!outside.iter().any(|key| holds(prefix, key)), "{prefix:?}");
        }
    }
}
