//! What every store has to keep: one suite, run by memory natively and by IndexedDB in real browsers.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use shared::{PeerId, RoomCode};
use zeroize::Zeroizing;

use crate::store::{IdentityRecord, Lease, Store};

/// Checks an empty store, with a certificate of its platform; `is_same` tells whether the store gave that one back.
pub async fn store<S: Store>(
    store: S,
    certificate: S::Certificate,
    is_same: impl Fn(&S::Certificate, &S::Certificate) -> bool,
) {
    identities(&store, certificate, is_same).await;
    leases(&store).await;
    names(&store).await;
    closed_rooms(&store).await;
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

async fn names(store: &impl Store) {
    let [lobby, attic] = ["lobby", "attic"].map(|name| RoomCode::parse(name).unwrap().open().id());
    let [ann, bob] = [1, 2].map(|byte| PeerId::from_bytes([byte; 32]));
    assert_eq!(store.names(&lobby).await.unwrap(), []);
    store.save_name(&lobby, &ann, "Ann of the lobby").await.unwrap();
    store.save_name(&lobby, &bob, "Bob").await.unwrap();
    store.save_name(&lobby, &bob, "Bobby").await.unwrap();
    store.save_name(&attic, &ann, "Anna").await.unwrap();
    let mut names = store.names(&lobby).await.unwrap();
    names.sort();
    assert_eq!(names, [(ann, "Ann of the lobby".into()), (bob, "Bobby".into())]);
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
