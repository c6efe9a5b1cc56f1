//! What every store has to keep: one suite, run by memory natively and by IndexedDB in real browsers.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use mesh::{
    config::PIECE_BYTES,
    io::{Change, Owner},
};
use shared::{FileId, PeerId, RoomCode, RoomId};
use zeroize::Zeroizing;

use crate::store::{Durability, IdentityRecord, Lease, Store, StoredRecord};

/// Checks an empty store, with a certificate of its platform; `is_same` tells whether the store gave that one back.
pub async fn store<S: Store>(
    store: S,
    certificate: S::Certificate,
    is_same: impl Fn(&S::Certificate, &S::Certificate) -> bool,
) {
    identities(&store, certificate, is_same).await;
    leases(&store).await;
    closed_rooms(&store).await;
    records(&store).await;
    pieces(&store).await;
}

async fn identities<S: Store>(
    store: &S,
    certificate: S::Certificate,
    is_same: impl Fn(&S::Certificate, &S::Certificate) -> bool,
) {
    assert!(store.identity(0).await.unwrap().is_none());
    let record = IdentityRecord {
        secret: Zeroizing::new([7; 32]),
        certificate: Some(certificate.clone()),
        name: Some("Ann 🦜".into()),
    };
    store.save_identity(0, &record).await.unwrap();
    let read = store.identity(0).await.unwrap().unwrap();
    assert_eq!((*read.secret, read.name.as_deref()), ([7; 32], Some("Ann 🦜")));
    assert!(read.certificate.is_some_and(|read| is_same(&read, &certificate)));
    assert!(store.identity(1).await.unwrap().is_none());
    let nameless = IdentityRecord {
        certificate: None,
        name: None,
        ..record
    };
    store.save_identity(0, &nameless).await.unwrap();
    let read = store.identity(0).await.unwrap().unwrap();
    assert!(read.name.is_none() && read.certificate.is_none());
}

async fn leases(store: &impl Store) {
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
}

async fn records(store: &impl Store) {
    let [lobby, attic] = ["lobby", "attic"].map(|name| RoomCode::parse(name).unwrap().open().id());
    let [ann, bob] = [1, 255].map(|byte| PeerId::from_bytes([byte; 32]));
    assert_eq!(kept(store, &lobby, &ann).await, []);

    // Owners and rooms.
    let changes = [put(Owner::Room, &[1], b"the lobby's"), put(Owner::Me, &[2], b"Ann's")];
    store.write(&lobby, &ann, &changes, Durability::Strict).await.unwrap();
    let changes = [put(Owner::Me, &[2], b"Bob's")];
    store.write(&lobby, &bob, &changes, Durability::Relaxed).await.unwrap();
    let changes = [put(Owner::Room, &[1], b"the attic's")];
    store.write(&attic, &bob, &changes, Durability::Relaxed).await.unwrap();
    let of_lobby = record(&[1], b"the lobby's");
    assert_eq!(
        kept(store, &lobby, &ann).await,
        [of_lobby.clone(), record(&[2], b"Ann's")]
    );
    assert_eq!(
        kept(store, &lobby, &bob).await,
        [of_lobby.clone(), record(&[2], b"Bob's")]
    );
    assert_eq!(kept(store, &attic, &ann).await, [record(&[1], b"the attic's")]);

    // What is written again, what is forgotten, and both of one key at once; what was never kept can be forgotten.
    let changes = [
        put(Owner::Room, &[1], b"written again"),
        remove(Owner::Me, &[2]),
        put(Owner::Room, &[3], b"kept, then forgotten"),
        remove(Owner::Room, &[3]),
        remove(Owner::Me, &[4]),
        put(Owner::Me, &[4], b"forgotten, then kept"),
        put(Owner::Me, &[4], b""),
    ];
    store.write(&lobby, &ann, &changes, Durability::Strict).await.unwrap();
    let of_lobby = record(&[1], b"written again");
    assert_eq!(kept(store, &lobby, &ann).await, [of_lobby.clone(), record(&[4], b"")]);
    assert_eq!(kept(store, &lobby, &bob).await, [of_lobby, record(&[2], b"Bob's")]);
    store.write(&lobby, &ann, &[], Durability::Strict).await.unwrap();
    keys_and_batches(store).await;
}

/// Keys of all kinds, many at once, and how a room is forgotten.
async fn keys_and_batches(store: &impl Store) {
    let [cellar, attic] = ["cellar", "attic"].map(|name| RoomCode::parse(name).unwrap().open().id());
    let [ann, bob] = [1, 255].map(|byte| PeerId::from_bytes([byte; 32]));
    let keys: [&[u8]; 9] = [
        &[],
        &[0],
        &[0, 0],
        &[1],
        &[1, 0],
        &[1, 255],
        &[255],
        &[255; 32],
        &[255; 63],
    ];
    for (owner, peer) in [(Owner::Room, ann), (Owner::Me, ann), (Owner::Me, bob)] {
        let changes = keys.map(|key| put(owner, &tagged(owner, key), &[&[0, 255], key].concat()));
        store
            .write(&cellar, &peer, &changes, Durability::Relaxed)
            .await
            .unwrap();
    }
    for peer in [ann, bob] {
        let expected = [Owner::Room, Owner::Me]
            .map(|owner| keys.map(|key| record(&tagged(owner, key), &[&[0, 255], key].concat())));
        assert_eq!(kept(store, &cellar, &peer).await, expected.concat());
    }
    let changes = [remove(Owner::Room, &tagged(Owner::Room, &[1]))];
    store.write(&cellar, &bob, &changes, Durability::Relaxed).await.unwrap();
    assert_eq!(kept(store, &cellar, &ann).await.len(), 2 * keys.len() - 1);

    let many: Vec<_> = (0..500_u16).map(|number| number.to_be_bytes()).collect();
    let changes: Vec<_> = many.iter().map(|key| put(Owner::Room, key, &[key[1]; 1_000])).collect();
    store.write(&attic, &ann, &changes, Durability::Strict).await.unwrap();
    let read = kept(store, &attic, &ann).await;
    // One is of before.
    assert_eq!(read.len(), many.len() + 1);
    assert!(many.iter().all(|key| read.contains(&record(key, &[key[1]; 1_000]))));

    store.save_closed(&cellar, &[7]).await.unwrap();
    store.forget(&cellar).await.unwrap();
    for peer in [ann, bob] {
        assert_eq!(kept(store, &cellar, &peer).await, []);
    }
    assert_eq!(kept(store, &attic, &ann).await, read);
    assert!(store.closed().await.unwrap().contains(&(cellar, vec![7])));
}

async fn pieces(store: &impl Store) {
    let [loft, porch] = ["loft", "porch"].map(|name| RoomCode::parse(name).unwrap().open().id());
    let [ann, bob] = [1, 255].map(|byte| PeerId::from_bytes([byte; 32]));
    let [one, other] = [1, 255].map(|byte| FileId::from_bytes([byte; 32]));
    let read = async |room: &RoomId, me: &PeerId, piece| store.read_piece(room, me, piece).await.unwrap();
    assert_eq!(read(&loft, &ann, (one, 0)).await, None);
    let places = [
        (loft, ann, (one, 0)),
        (loft, ann, (one, 256)),
        (loft, ann, (other, 0)),
        (loft, bob, (one, 0)),
        (porch, ann, (one, 0)),
    ];
    for (number, (room, me, piece)) in (0_u8..).zip(&places) {
        // Not an array: it would be more than the stack of a page takes.
        let bytes = vec![number; PIECE_BYTES];
        store.write_piece(room, me, *piece, &bytes).await.unwrap();
    }
    let again = vec![7; PIECE_BYTES];
    store.write_piece(&loft, &ann, (one, 0), &again).await.unwrap();
    assert_eq!(read(&loft, &ann, (one, 0)).await, Some(again));
    // The last piece of a file is shorter.
    store.write_piece(&loft, &ann, (one, 257), b"end").await.unwrap();
    assert_eq!(read(&loft, &ann, (one, 257)).await.as_deref(), Some(b"end".as_slice()));
    assert_eq!(read(&loft, &ann, (one, 256)).await, Some(vec![1; PIECE_BYTES]));
    assert_eq!(kept(store, &loft, &ann).await, [], "no piece is a record");

    store.forget_file(&loft, &ann, one).await.unwrap();
    for (number, (room, me, piece)) in (0_u8..).zip(&places) {
        let expected = (number > 1).then(|| vec![number; PIECE_BYTES]);
        assert_eq!(read(room, me, *piece).await, expected, "{number}");
    }
    store.forget(&loft).await.unwrap();
    for (number, (room, me, piece)) in (0_u8..).zip(&places) {
        let expected = (number > 3).then(|| vec![number; PIECE_BYTES]);
        assert_eq!(read(room, me, *piece).await, expected, "{number}");
    }
}

/// Sorted by key.
async fn kept(store: &impl Store, room: &RoomId, me: &PeerId) -> Vec<StoredRecord> {
    let mut records = store.records(room, me).await.unwrap();
    records.sort();
    records
}

/// No two owners use the same key.
fn tagged(owner: Owner, key: &[u8]) -> Vec<u8> {
    let tag = match owner {
        Owner::Room => 0,
        Owner::Me => 1,
    };
    [&[tag], key].concat()
}

fn record(key: &[u8], value: &[u8]) -> StoredRecord {
    StoredRecord {
        key: key.to_vec(),
        value: value.to_vec(),
    }
}

fn put(owner: Owner, key: &[u8], value: &[u8]) -> Change {
    Change {
        owner,
        key: key.to_vec(),
        value: Some(value.into()),
    }
}

fn remove(owner: Owner, key: &[u8]) -> Change {
    Change {
        owner,
        key: key.to_vec(),
        value: None,
    }
}

async fn closed_rooms(store: &impl Store) {
    let [lobby, attic] = ["lobby", "attic"].map(|name| RoomCode::parse(name).unwrap().open().id());
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

/// The result of something that only seems to take time.
pub fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits for something that does not happen"),
    }
}
