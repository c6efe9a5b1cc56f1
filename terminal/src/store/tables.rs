//! What is in a database: its tables, their keys, and how they are read and changed.
//!
//! Keys are bytes with what is alike first, so that all of a room, of a person or of a file is one range.

use std::ops::Bound;

use client::store::{IdentityRecord, Lease, StoredRecord};
use redb::{Database, ReadTransaction, ReadableTable, Table, TableDefinition, TableError, WriteTransaction};
use shared::{PeerId, RoomId};
use zeroize::Zeroizing;

use super::{Certificate, failure::any};
use crate::config::PIECE_PART_BYTES;

type Bytes = TableDefinition<'static, &'static [u8], &'static [u8]>;
type IdentityValue = (
    &'static [u8],
    Option<&'static str>,
    Option<(&'static [u8], &'static [u8])>,
);

/// What this version writes. A database of a later one is not touched.
// No limit: a version.
const VERSION: u32 = 1;

const META: TableDefinition<'static, &str, u32> = TableDefinition::new("meta");
/// By slot: the secret, the name, and certificate and key.
const IDENTITIES: TableDefinition<'static, u32, IdentityValue> = TableDefinition::new("identities");
/// By slot: whose, and until when.
const LEASES: TableDefinition<'static, u32, (&str, u64)> = TableDefinition::new("leases");
/// By [`record_key`].
const RECORDS: Bytes = TableDefinition::new("records");
/// By [`piece_key`](client::store::piece_key) and the number of the part: pieces are cut into parts of [`PIECE_PART_BYTES`].
const PIECES: Bytes = TableDefinition::new("pieces");
/// By room.
const CLOSED: Bytes = TableDefinition::new("closed");

type Result<T> = std::result::Result<T, redb::Error>;

/// The key of a record: the room, whose it is, and its own key.
pub(super) fn record_key(room: &RoomId, owner: Option<&PeerId>, key: &[u8]) -> Vec<u8> {
    [&owner_prefix(room, owner), key].concat()
}

fn owner_prefix(room: &RoomId, owner: Option<&PeerId>) -> Vec<u8> {
    let owner = match owner {
        None => vec![0],
        Some(peer) => [&[1], peer.as_bytes().as_slice()].concat(),
    };
    [room.as_bytes().as_slice(), &owner].concat()
}

/// Makes what is lacking. Says whether this version knows what is there.
pub(super) fn prepare(database: &Database) -> Result<bool> {
    let transaction = database.begin_write().map_err(any)?;
    let version = {
        let mut meta = transaction.open_table(META).map_err(any)?;
        let version = meta.get("version").map_err(any)?.map(|version| version.value());
        if version.is_none() {
            meta.insert("version", VERSION).map_err(any)?;
        }
        version
    };
    match version {
        None => {
            Tables::open(&transaction)?;
            transaction.commit().map_err(any)?;
            Ok(true)
        }
        Some(version) => Ok(version <= VERSION),
    }
}

/// The tables within a transaction that changes them.
pub(super) struct Tables<'t>(&'t WriteTransaction);

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self> {
        for table in [RECORDS, PIECES, CLOSED] {
            transaction.open_table(table).map_err(any)?;
        }
        transaction.open_table(IDENTITIES).map_err(any)?;
        transaction.open_table(LEASES).map_err(any)?;
        Ok(Self(transaction))
    }

    fn bytes(&self, table: Bytes) -> Result<Table<'t, &'static [u8], &'static [u8]>> {
        self.0.open_table(table).map_err(any)
    }

    pub(super) fn save_identity(&self, slot: u32, record: &IdentityRecord<Certificate>) -> Result<()> {
        let certificate = record.certificate.as_ref();
        let certificate = certificate.map(|known| (known.certificate.as_slice(), known.private_key.as_slice()));
        let mut table = self.0.open_table(IDENTITIES).map_err(any)?;
        table
            .insert(slot, (record.secret.as_slice(), record.name.as_deref(), certificate))
            .map_err(any)?;
        Ok(())
    }

    pub(super) fn forget_identity(&self, slot: u32) -> Result<()> {
        let mut table = self.0.open_table(IDENTITIES).map_err(any)?;
        table.remove(slot).map_err(any)?;
        Ok(())
    }

    pub(super) fn take_lease(&self, slot: u32, lease: &Lease, now_unix_millis: u64) -> Result<bool> {
        let mut table = self.0.open_table(LEASES).map_err(any)?;
        let known = table.get(slot).map_err(any)?.map(|known| {
            let (owner, until_unix_millis) = known.value();
            Lease {
                owner: owner.to_owned(),
                until_unix_millis,
            }
        });
        let held = known.is_some_and(|known| known.holds_against(lease, now_unix_millis));
        if !held {
            let value = (lease.owner.as_str(), lease.until_unix_millis);
            table.insert(slot, value).map_err(any)?;
        }
        Ok(!held)
    }

    pub(super) fn write(&self, changes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Result<()> {
        let mut table = self.bytes(RECORDS)?;
        for (key, value) in changes {
            match value {
                Some(value) => table.insert(key.as_slice(), value.as_slice()).map_err(any)?,
                None => table.remove(key.as_slice()).map_err(any)?,
            };
        }
        Ok(())
    }

    pub(super) fn write_piece(&self, key: &[u8], bytes: &[u8]) -> Result<()> {
        let mut table = self.bytes(PIECES)?;
        // Of one that was longer.
        forget(&mut table, key)?;
        // An empty piece has one part, too: else it was not there.
        let count = bytes.len().div_ceil(PIECE_PART_BYTES).max(1);
        for (number, part) in (0_u16..).zip((0..count).map(|part| part * PIECE_PART_BYTES)) {
            let end = (part + PIECE_PART_BYTES).min(bytes.len());
            let key = [key, &number.to_be_bytes()].concat();
            table.insert(key.as_slice(), &bytes[part..end]).map_err(any)?;
        }
        Ok(())
    }

    pub(super) fn forget_pieces(&self, prefix: &[u8]) -> Result<()> {
        forget(&mut self.bytes(PIECES)?, prefix)
    }

    pub(super) fn forget_room(&self, room: &RoomId) -> Result<()> {
        forget(&mut self.bytes(RECORDS)?, room.as_bytes())?;
        self.forget_pieces(room.as_bytes())
    }

    pub(super) fn save_closed(&self, room: &RoomId, statement: &[u8]) -> Result<()> {
        let mut table = self.bytes(CLOSED)?;
        table.insert(room.as_bytes().as_slice(), statement).map_err(any)?;
        Ok(())
    }
}

fn forget(table: &mut Table<'_, &'static [u8], &'static [u8]>, prefix: &[u8]) -> Result<()> {
    let end = after(prefix);
    let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let range: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Included(prefix), end);
    table.retain_in::<&[u8], _>(range, |_, _| false).map_err(any)
}

/// The first key after all that begin with `prefix`; `None` if there is none.
fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

pub(super) fn identity(transaction: &ReadTransaction, slot: u32) -> Result<Option<IdentityRecord<Certificate>>> {
    let table = transaction.open_table(IDENTITIES).map_err(any)?;
    let Some(row) = table.get(slot).map_err(any)? else {
        return Ok(None);
    };
    let (secret, name, certificate) = row.value();
    let secret = secret.try_into().map(Zeroizing::new);
    let secret = secret.map_err(|_| redb::Error::Corrupted("an identity has another length".to_owned()))?;
    Ok(Some(IdentityRecord {
        secret,
        name: name.map(str::to_owned),
        certificate: certificate.map(|(certificate, key)| Certificate {
            certificate: certificate.to_vec(),
            private_key: Zeroizing::new(key.to_vec()),
        }),
    }))
}

pub(super) fn records(transaction: &ReadTransaction, room: &RoomId, me: &PeerId) -> Result<Vec<StoredRecord>> {
    let table = transaction.open_table(RECORDS).map_err(any)?;
    let mut records = Vec::new();
    for owner in [None, Some(me)] {
        let prefix = owner_prefix(room, owner);
        for row in table.range(prefix.as_slice()..).map_err(any)? {
            let (key, value) = row.map_err(any)?;
            let Some(key) = key.value().strip_prefix(prefix.as_slice()) else {
                break;
            };
            records.push(StoredRecord {
                key: key.to_vec(),
                value: value.value().to_vec(),
            });
        }
    }
    Ok(records)
}

pub(super) fn piece(transaction: &ReadTransaction, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let table = transaction.open_table(PIECES).map_err(any)?;
    let mut piece = None;
    for row in table.range(key..).map_err(any)? {
        let (part, bytes) = row.map_err(any)?;
        if !part.value().starts_with(key) {
            break;
        }
        piece.get_or_insert_with(Vec::new).extend_from_slice(bytes.value());
    }
    Ok(piece)
}

pub(super) fn closed(transaction: &ReadTransaction) -> Result<Vec<(RoomId, Vec<u8>)>> {
    let table = match transaction.open_table(CLOSED) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table.map_err(any)?,
    };
    let mut closed = Vec::new();
    for row in table.iter().map_err(any)? {
        let (room, statement) = row.map_err(any)?;
        if let Ok(room) = room.value().try_into() {
            closed.push((RoomId::from_bytes(room), statement.value().to_vec()));
        }
    }
    Ok(closed)
}

/// Has a database made by another version.
#[cfg(test)]
pub(super) fn set_version(path: &std::path::Path, version: u32) {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(META)
        .unwrap()
        .insert("version", version)
        .unwrap();
    transaction.commit().unwrap();
}
