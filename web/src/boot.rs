//! Finds out who this tab is: what the browser can do, which identity slot is free, which servers there are.
//!
//! Several tabs of one browser are several peers. Every identity of this browser lives in a numbered *slot*; a tab takes the first free
//! one and holds it under a Web Lock for as long as the page lives. A tab remembers its slot in its session storage, so
//! that after a reload it is the same peer again, whatever other tabs came and went. Where there are no Web Locks (plain http), a lease in
//! the database, renewed every few seconds, does the same.

use std::{cell::RefCell, rc::Rc};

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use gloo_events::EventListener;
use gloo_timers::{callback::Interval, future::TimeoutFuture};
use litemap::LiteMap;
use shared::{Identity, PeerId, RoomCode, RoomId, SessionId};
use thiserror::Error;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RtcCertificate, RtcPeerConnection};
use zeroize::Zeroizing;

use crate::{
    clock, js,
    store::{IdentityRecord, Lease, MemoryStore, Store, StoreError},
};

/// More tabs than this of one browser get an identity that is not kept.
const SLOTS_MAX: u32 = 64;

/// How long a reloaded page waits for the page it replaces to let go of the slot, in milliseconds.
const RELOAD_PATIENCE_MILLIS: u32 = 3_000;

/// How long a page waits for the slot that its tab had, when it was not reloaded: the tab may have been elsewhere and its last
/// page not quite gone. A duplicated tab waits in vain.
const RETURN_PATIENCE_MILLIS: u32 = 300;

/// For how long a lease is taken, and how often it is renewed, in milliseconds. Background tabs have slow timers.
const LEASE_MILLIS: u64 = 15_000;
const LEASE_RENEWAL_MILLIS: u32 = 5_000;

/// For how long a certificate is made, in milliseconds: a year, the most that browsers allow. The default is a month.
const CERTIFICATE_MILLIS: f64 = 365.0 * 24.0 * 60.0 * 60.0 * 1_000.0;

/// How long before its end a certificate is replaced, in milliseconds: a day.
const CERTIFICATE_MARGIN_MILLIS: f64 = 24.0 * 60.0 * 60.0 * 1_000.0;

const SLOT_KEY: &str = "starling-slot";

/// Who this tab is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Profile(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    identity: Identity,
    record: RefCell<IdentityRecord>,
    slot: u32,
    store: Store,
    servers: Vec<String>,
    /// The statements of founders who closed their rooms.
    closed: RefCell<LiteMap<RoomId, Vec<u8>>>,
    /// Renews the lease where there are no Web Locks.
    _renewal: Option<Renewal>,
}

impl Profile {
    /// The stored name, if any.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.0.record.borrow().name.clone()
    }

    /// Our public key.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.0.identity.peer_id()
    }

    /// Whether the identity outlives this tab; `false` if storage was denied.
    #[must_use]
    pub fn persistent(&self) -> bool {
        self.0.store.is_persistent()
    }

    /// Stores the person's name.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored; it holds for this page all the same.
    pub async fn save_name(&self, name: &str) -> Result<(), StoreError> {
        let record = {
            let mut record = self.0.record.borrow_mut();
            record.name = Some(name.to_owned());
            record.clone()
        };
        self.0.store.save_identity(self.0.slot, &record).await
    }

    /// Makes the code of a new room founded by us.
    #[must_use]
    pub fn generate_room(&self) -> RoomCode {
        RoomCode::generate(self.peer_id(), &mut ChaCha20Rng::from_seed(js::entropy()))
    }

    pub(crate) fn identity(&self) -> Identity {
        self.0.identity.clone()
    }

    pub(crate) fn certificate(&self) -> Option<RtcCertificate> {
        self.0.record.borrow().certificate.clone()
    }

    /// The addresses of the rendezvous servers, our own first.
    pub(crate) fn servers(&self) -> &[String] {
        &self.0.servers
    }

    /// Who used which name in a room before. Not knowing is no reason not to join.
    pub(crate) async fn known_names(&self, room: &RoomId) -> Vec<(PeerId, String)> {
        self.0.store.names(room).await.unwrap_or_else(|error| {
            js::log(&format!("known names cannot be read: {error}"));
            Vec::new()
        })
    }

    pub(crate) async fn remember_name(&self, room: &RoomId, peer: &PeerId, name: &str) {
        if let Err(error) = self.0.store.save_name(room, peer, name).await {
            js::log(&format!("a name cannot be kept: {error}"));
        }
    }

    /// The founder's statement that a room is closed, if one was remembered.
    pub(crate) fn closed(&self, room: &RoomId) -> Option<Vec<u8>> {
        self.0.closed.borrow().get(room).cloned()
    }

    pub(crate) async fn remember_closed(&self, room: RoomId, statement: Vec<u8>) {
        let stored = self.0.store.save_closed(&room, &statement);
        self.0.closed.borrow_mut().insert(room, statement.clone());
        if let Err(error) = stored.await {
            js::log(&format!("that a room is closed cannot be kept: {error}"));
        }
    }
}

/// A browser that Starling cannot run in. The texts can be shown as they are.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BootError {
    /// No `RTCPeerConnection`.
    #[error(
        "This browser cannot connect people directly: it has no WebRTC, or WebRTC is switched off. \
         Switch it on, or open this page in a current Firefox, Chrome, Edge or Safari."
    )]
    NoWebRtc,
    /// No `WebSocket`.
    #[error(
        "This browser cannot reach the server that introduces people: it has no WebSocket. \
         Open this page in a current Firefox, Chrome, Edge or Safari."
    )]
    NoWebSocket,
    /// No source of randomness.
    #[error(
        "This browser gives no random numbers, without which nothing can be kept secret. \
         Open this page in a current Firefox, Chrome, Edge or Safari."
    )]
    NoRandomness,
}

/// Looks what the browser can do and takes an identity.
///
/// # Errors
/// [`BootError`], whose texts can be shown as they are.
pub async fn boot() -> Result<Profile, BootError> {
    if !js::has_global("RTCPeerConnection") {
        return Err(BootError::NoWebRtc);
    }
    if !js::has_global("WebSocket") {
        return Err(BootError::NoWebSocket);
    }
    if getrandom::fill(&mut [0; 32]).is_err() {
        return Err(BootError::NoRandomness);
    }
    let (claim, servers) = futures_util::join!(claim(), servers());
    let identity = Identity::from_secret(&claim.record.secret);
    let closed = claim.store.closed().await.unwrap_or_else(|error| {
        js::log(&format!("which rooms are closed cannot be read: {error}"));
        Vec::new()
    });
    Ok(Profile(Rc::new(Inner {
        identity,
        record: RefCell::new(claim.record),
        slot: claim.slot,
        store: claim.store,
        servers,
        closed: RefCell::new(closed.into_iter().collect()),
        _renewal: claim.renewal,
    })))
}

/// Renews a lease until it is dropped, and gives it up when the page goes away.
#[derive(Debug)]
struct Renewal {
    _interval: Interval,
    _on_hide: EventListener,
}

/// A slot of ours and what is in it.
struct Claim {
    slot: u32,
    record: IdentityRecord,
    store: Store,
    renewal: Option<Renewal>,
}

/// Takes a slot and reads or makes its identity. If the store fails, the identity lasts as long as the page.
async fn claim() -> Claim {
    let store = Store::open().await;
    let claimed = async {
        let Some((slot, renewal)) = claim_slot(&store).await? else {
            return Ok(None);
        };
        let record = load_identity(&store, slot).await?;
        Ok::<_, StoreError>(Some((slot, record, renewal)))
    };
    match claimed.await {
        Ok(Some((slot, record, renewal))) => Claim {
            slot,
            record,
            store,
            renewal,
        },
        Ok(None) => temporary("every identity slot is taken").await,
        Err(error) => temporary(&error.to_string()).await,
    }
}

async fn temporary(why: &str) -> Claim {
    js::log(&format!("the identity of this tab is not kept: {why}"));
    let record = IdentityRecord {
        secret: new_secret(),
        certificate: new_certificate().await,
        name: None,
    };
    Claim {
        slot: 0,
        record,
        store: Store::Memory(MemoryStore::default()),
        renewal: None,
    }
}

/// Takes a slot: the one this tab had before its reload, else the first free one.
async fn claim_slot(store: &Store) -> Result<Option<(u32, Option<Renewal>)>, StoreError> {
    let session = js::window().session_storage().ok().flatten();
    let remembered = session
        .as_ref()
        .and_then(|session| session.get_item(SLOT_KEY).ok().flatten());
    let remembered = remembered
        .and_then(|slot| slot.parse().ok())
        .filter(|slot| *slot < SLOTS_MAX);
    let owner = SessionId::from_bytes(js::entropy()).to_text();
    let mut patience = if js::is_reload() {
        RELOAD_PATIENCE_MILLIS
    } else {
        RETURN_PATIENCE_MILLIS
    };
    for slot in remembered
        .into_iter()
        .chain((0..SLOTS_MAX).filter(|slot| Some(*slot) != remembered))
    {
        let patience = if remembered == Some(slot) {
            std::mem::take(&mut patience)
        } else {
            0
        };
        let claimed = match js::hold_lock(&format!("starling-slot-{slot}"), patience).await {
            Some(held) => held.then_some(None),
            None => claim_lease(store, slot, &owner, patience).await?.map(Some),
        };
        if let Some(renewal) = claimed {
            if let Some(session) = session {
                // Denied storage means a new slot after a reload, no more.
                let _ = session.set_item(SLOT_KEY, &slot.to_string());
            }
            return Ok(Some((slot, renewal)));
        }
    }
    Ok(None)
}

/// Takes a slot by a lease; gives what renews it. A page that is gone does not renew its lease, one that is left gives it up.
async fn claim_lease(
    store: &Store,
    slot: u32,
    owner: &str,
    patience_millis: u32,
) -> Result<Option<Renewal>, StoreError> {
    const STEP_MILLIS: u32 = 100;
    let lease = |until| Lease {
        owner: owner.to_owned(),
        until_unix_millis: until,
    };
    let mut waited = 0;
    loop {
        let now = clock::now().unix_millis;
        if store.take_lease(slot, &lease(now + LEASE_MILLIS), now).await? {
            break;
        }
        if waited >= patience_millis {
            return Ok(None);
        }
        TimeoutFuture::new(STEP_MILLIS).await;
        waited += STEP_MILLIS;
    }
    let (renewed, owner_name) = (store.clone(), owner.to_owned());
    let renew = move |lasts: u64| {
        let (store, owner) = (renewed.clone(), owner_name.clone());
        spawn_local(async move {
            let now = clock::now().unix_millis;
            let lease = Lease {
                owner,
                until_unix_millis: now + lasts,
            };
            match store.take_lease(slot, &lease, now).await {
                Ok(true) => {}
                // After a long sleep another tab may have taken it; the server then tells us that we were superseded.
                Ok(false) => js::log("another tab took over this identity"),
                Err(error) => js::log(&format!("the lease on this identity was not renewed: {error}")),
            }
        });
    };
    let give_up = renew.clone();
    let on_hide = EventListener::once(&js::window(), "pagehide", move |_| give_up(0));
    Ok(Some(Renewal {
        _interval: Interval::new(LEASE_RENEWAL_MILLIS, move || renew(LEASE_MILLIS)),
        _on_hide: on_hide,
    }))
}

/// The identity of a slot, made if there is none, with a certificate that lasts.
async fn load_identity(store: &Store, slot: u32) -> Result<IdentityRecord, StoreError> {
    let known = store.identity(slot).await?;
    let lasts = |certificate: &RtcCertificate| certificate.expires() > js_sys::Date::now() + CERTIFICATE_MARGIN_MILLIS;
    let mut record = match known {
        Some(record) if record.certificate.as_ref().is_some_and(lasts) => return Ok(record),
        Some(record) => record,
        None => IdentityRecord {
            secret: new_secret(),
            certificate: None,
            name: None,
        },
    };
    record.certificate = new_certificate().await;
    store.save_identity(slot, &record).await?;
    Ok(record)
}

fn new_secret() -> Zeroizing<[u8; 32]> {
    Zeroizing::new(js::entropy())
}

/// Makes an ECDSA certificate. Without one the browser makes one for every connection, which works as well, only slower.
async fn new_certificate() -> Option<RtcCertificate> {
    let algorithm = js::object([
        ("name", "ECDSA".into()),
        ("namedCurve", "P-256".into()),
        ("expires", CERTIFICATE_MILLIS.into()),
    ]);
    let made = RtcPeerConnection::generate_certificate_with_object(&algorithm).ok()?;
    match JsFuture::from(made).await {
        Ok(certificate) => certificate.dyn_into().ok(),
        Err(error) => {
            js::log(&format!("no certificate could be made: {}", js::describe(&error)));
            None
        }
    }
}

/// The servers: the one this page came from, and those it names. More than a handful would only cost connections.
async fn servers() -> Vec<String> {
    const SERVERS_MAX: usize = 4;
    #[derive(serde::Deserialize)]
    struct Config {
        #[serde(default)]
        servers: Vec<String>,
    }
    let location = js::window().location();
    let scheme = if location.protocol().as_deref() == Ok("https:") {
        "wss"
    } else {
        "ws"
    };
    let own = format!("{scheme}://{}/ws", location.host().unwrap_or_default());
    let config = js::fetch_text("/api/config").await;
    let further = config
        .and_then(|text| serde_json::from_str::<Config>(&text).ok())
        .map(|config| config.servers);
    let mut servers = vec![own];
    for server in further.unwrap_or_default() {
        if servers.len() < SERVERS_MAX && !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
pub(crate) mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// For tests of other modules, too.
    pub(crate) async fn certificate() -> RtcCertificate {
        new_certificate()
            .await
            .expect("every tested browser makes certificates")
    }

    #[wasm_bindgen_test]
    async fn a_lock_is_held_by_one_and_waited_for_no_longer_than_asked() {
        let name = format!("test-{:?}", js::entropy::<8>());
        assert_eq!(js::hold_lock(&name, 0).await, Some(true));
        assert_eq!(js::hold_lock(&name, 0).await, Some(false));
        assert_eq!(js::hold_lock(&name, 50).await, Some(false));
    }

    #[wasm_bindgen_test]
    async fn every_boot_of_one_browser_is_another_peer_with_what_its_slot_holds() {
        let one = boot().await.unwrap();
        // The slot is remembered for this tab, but its lock is held: as in a duplicated tab.
        let other = boot().await.unwrap();
        assert_ne!(one.peer_id(), other.peer_id());
        assert_ne!(one.0.slot, other.0.slot);
        one.save_name("Ann").await.unwrap();
        assert_eq!((one.name().as_deref(), other.name()), (Some("Ann"), None));
        let stored = one.0.store.identity(one.0.slot).await.unwrap().unwrap();
        assert_eq!(Identity::from_secret(&stored.secret).peer_id(), one.peer_id());
        assert_eq!(stored.name.as_deref(), Some("Ann"));
        assert!(stored.certificate.is_some_and(|certificate| {
            certificate.expires() > js_sys::Date::now() + 300.0 * 24.0 * 60.0 * 60.0 * 1_000.0
        }));
    }

    #[wasm_bindgen_test]
    async fn a_lease_does_what_a_lock_does() {
        let store = Store::Memory(MemoryStore::default());
        let renewal = claim_lease(&store, 0, "a", 0).await.unwrap();
        assert!(renewal.is_some());
        assert!(claim_lease(&store, 0, "b", 150).await.unwrap().is_none());
        assert!(claim_lease(&store, 1, "b", 0).await.unwrap().is_some());
    }
}
