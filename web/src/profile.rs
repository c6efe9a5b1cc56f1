//! Who this tab is: what the browser can do, which identity slot it holds, which servers there are.
//!
//! Several tabs of one browser are several peers; [`client::slot`] says how they share its identities. A tab remembers its
//! slot in its session storage, and holds it under a Web Lock for as long as the page lives. Where there are no Web Locks
//! (plain http), a lease in the database, renewed every few seconds, does the same. After a long sleep another tab may have taken the lease: this tab
//! finds that out before it does anything else, keeps nothing any more, and leaves.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use client::{
    config::{LEASE, LEASE_RENEWAL, RELOAD_PATIENCE, RETURN_PATIENCE},
    driver::{DriverEvent, Events},
    notice::Missing,
    servers,
    slot::{self, Claim, Hold, Host, Lock, Remembered},
    store::{Durability, IdentityRecord, MemoryStore, Store, StoreError, StoredRecord},
};
use futures_channel::oneshot;
use gloo_events::EventListener;
use gloo_timers::{callback::Interval, future::sleep};
use litemap::LiteMap;
use mesh::io::Change;
use shared::{Identity, PeerId, Portable, RoomCode, RoomId, SessionId};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RtcCertificate, RtcPeerConnection};

use crate::{
    clock,
    config::{CERTIFICATE_LASTS, CERTIFICATE_MARGIN, RETURN_MAX, START_MAX},
    js,
    store::BrowserStore,
    take_along::{Placed, place},
};

const SLOT_KEY: &str = "starling-slot";

/// Whose lease ended with the page that was in this tab before. In the session's storage, which takes it while a page goes away; what the
/// database is asked for then is often not done.
const LEFT_KEY: &str = "starling-left";

/// Who this tab is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Profile(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    identity: Identity,
    record: RefCell<IdentityRecord<RtcCertificate>>,
    slot: u32,
    loss: Rc<Loss>,
    store: BrowserStore,
    servers: Vec<String>,
    /// The statements of founders who closed their rooms.
    closed: RefCell<LiteMap<RoomId, Vec<u8>>>,
    /// Where there are no Web Locks.
    renewal: Option<Renewal>,
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

    /// Stores the person's name, unless it is stored already.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored. A name given again is stored again.
    pub async fn save_name(&self, name: &str) -> Result<(), StoreError> {
        let mut record = self.0.record.borrow().clone();
        if record.name.as_deref() == Some(name) {
            return Ok(());
        }
        if self.0.loss.is_lost.get() {
            return Err(StoreError::Denied);
        }
        record.name = Some(name.to_owned());
        self.0.store.save_identity(self.0.slot, &record).await?;
        self.0.record.replace(record);
        Ok(())
    }

    /// Who we are, to be taken along.
    pub(crate) fn portable(&self) -> Portable {
        let record = self.0.record.borrow();
        Portable {
            secret: record.secret.clone(),
            name: record.name.clone(),
        }
    }

    /// Is somebody else from the next start on.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    pub(crate) async fn become_other(&self, other: Portable) -> Result<Placed, StoreError> {
        if !self.persistent() {
            return Err(StoreError::Denied);
        }
        let (secret, name) = (other.secret.clone(), other.name.clone());
        let placed = place(self.store()?, self.0.slot, other).await?;
        if placed == Placed::Here {
            // A name that is given before that start is stored with it.
            let mut record = self.0.record.borrow_mut();
            (record.secret, record.certificate, record.name) = (secret, None, name);
        }
        Ok(placed)
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

    /// What was kept of a room; `None` if nothing is kept here. Where that cannot be read nothing more is kept either: what is there may be
    /// read another time.
    pub(crate) async fn restore(&self, room: &RoomId) -> Option<Vec<StoredRecord>> {
        if !self.persistent() || self.0.loss.is_lost.get() {
            return None;
        }
        let records = self.0.store.records(room, &self.peer_id()).await;
        records.map_or_else(|error| failed("what was kept cannot be read", &error), Some)
    }

    /// Keeps or forgets what belongs to a room.
    pub(crate) async fn write(
        &self,
        room: &RoomId,
        changes: &[Change],
        durability: Durability,
    ) -> Result<(), StoreError> {
        self.0.store.write(room, &self.peer_id(), changes, durability).await
    }

    /// The store, unless another tab goes on as us: what is written then is not kept.
    ///
    /// # Errors
    /// [`StoreError::Denied`] if another tab does.
    pub(crate) fn store(&self) -> Result<&BrowserStore, StoreError> {
        if self.0.loss.is_lost.get() {
            return Err(StoreError::Denied);
        }
        Ok(&self.0.store)
    }

    /// Whether no other tab goes on as us: looked up if the lease was not renewed in time, because the machine slept or the tab was frozen.
    pub(crate) async fn is_still_us(&self) -> bool {
        if let Some(Renewal { lease, .. }) = &self.0.renewal
            && lease.until_unix_millis.get() <= Tab.unix_millis()
        {
            // A store that does not answer tells nothing, and is not waited for again soon.
            lease.lasts(Tab.unix_millis(), LEASE);
            let _ = js::within(RETURN_MAX, lease.renew(LEASE)).await;
        }
        !self.0.loss.is_lost.get()
    }

    /// Has the driver at the other end told if another tab takes our slot, or has it.
    pub(crate) fn tell_of_loss(&self, events: &Events) {
        if self.0.loss.is_lost.get() {
            events.send(DriverEvent::SlotLost);
        }
        let mut drivers = self.0.loss.drivers.borrow_mut();
        drivers.retain(|driver| !driver.is_closed());
        drivers.push(events.clone());
    }

    /// Forgets everything that this browser keeps of a room, whichever tab it is of.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was forgotten.
    pub(crate) async fn forget(&self, room: &RoomId) -> Result<(), StoreError> {
        self.0.store.forget(room).await
    }

    /// The founder's statement that a room is closed, if one was remembered.
    pub(crate) fn closed(&self, room: &RoomId) -> Option<Vec<u8>> {
        self.0.closed.borrow().get(room).cloned()
    }

    pub(crate) async fn remember_closed(&self, room: RoomId, statement: Vec<u8>) {
        // At once: whoever enters the room again while it is being stored must know.
        self.0.closed.borrow_mut().insert(room, statement.clone());
        if let Err(error) = self.0.store.save_closed(&room, &statement).await {
            failed("that a room is closed cannot be kept", &error)
        }
    }
}

/// Looks what the browser can do and takes an identity.
///
/// # Errors
/// [`Missing`]: the app cannot run here.
pub async fn boot() -> Result<Profile, Missing> {
    if !js::has_global("RTCPeerConnection") {
        return Err(Missing::WebRtc);
    }
    if !js::has_global("WebSocket") {
        return Err(Missing::WebSocket);
    }
    if getrandom::fill(&mut [0; 32]).is_err() {
        return Err(Missing::Randomness);
    }
    let (own, servers) = futures_util::join!(own_identity(), servers());
    let (store, slot, record, (loss, renewal)) = own;
    let closed = store.closed().await;
    let closed = closed.unwrap_or_else(|error| failed("which rooms are closed cannot be read", &error));
    let mut by_room = LiteMap::new();
    for (room, statement) in closed {
        by_room.insert(room, statement);
    }
    Ok(Profile(Rc::new(Inner {
        identity: Identity::from_secret(&record.secret),
        record: RefCell::new(record),
        slot,
        loss,
        store,
        servers,
        closed: RefCell::new(by_room),
        renewal,
    })))
}

/// Logs that the store failed, and gives what there is without it.
fn failed<T: Default>(what: &str, error: &StoreError) -> T {
    js::log(&format!("{what}: {error}"));
    T::default()
}

/// Whether another tab has taken our slot.
#[derive(Debug, Default)]
struct Loss {
    is_lost: Cell<bool>,
    /// Those of the rooms that we are in, to be told.
    drivers: RefCell<Vec<Events>>,
}

impl Loss {
    fn tell(&self) {
        js::log("another tab took over this identity");
        if !self.is_lost.replace(true) {
            for driver in &*self.drivers.borrow() {
                driver.send(DriverEvent::SlotLost);
            }
        }
    }
}

/// The lease on our slot.
#[derive(Debug)]
struct HeldLease {
    store: BrowserStore,
    slot: u32,
    owner: String,
    loss: Rc<Loss>,
    /// Until then no other tab takes it, as far as we know.
    until_unix_millis: Cell<u64>,
}

impl HeldLease {
    /// From `now`, it is not looked up again for as long as this.
    fn lasts(&self, now_unix_millis: u64, time: Duration) {
        self.until_unix_millis
            .set(now_unix_millis + u64::from(clock::millis(time)));
    }

    /// Renews it for as long as it `lasts`, unless another tab has the slot.
    async fn renew(&self, lasts: Duration) {
        if self.loss.is_lost.get() {
            return;
        }
        let now = Tab.unix_millis();
        match slot::renew(&self.store, self.slot, &self.owner, now, lasts).await {
            // Given up, it is not renewed again by what is still done while the page goes away.
            Ok(true) if lasts.is_zero() => {}
            Ok(true) => self.lasts(now, lasts),
            Ok(false) => self.loss.tell(),
            Err(error) => failed("the lease on this identity was not renewed", &error),
        }
    }
}

/// Renews a lease until it is dropped, and gives it up while the page is away.
#[derive(Debug)]
struct Renewal {
    lease: Rc<HeldLease>,
    _interval: Interval,
    _listeners: [EventListener; 2],
}

/// Opens the store. One that another tab keeps from opening, or that never answers, is done without.
async fn open_store(patience: Duration) -> BrowserStore {
    let (sender, receiver) = oneshot::channel();
    // Goes on if nobody waits for it any more: a request of the browser cannot be taken back.
    spawn_local(async move {
        let _ = sender.send(BrowserStore::open().await);
    });
    if let Some(Ok(store)) = js::within(patience, receiver).await {
        return store;
    }
    js::log("nothing will be kept: the browser's storage does not answer");
    BrowserStore::Memory(MemoryStore::default())
}

/// Takes a slot. If the store fails or has none, the identity lasts as long as the page.
async fn own_identity() -> (
    BrowserStore,
    u32,
    IdentityRecord<RtcCertificate>,
    (Rc<Loss>, Option<Renewal>),
) {
    let loss = Rc::new(Loss::default());
    let owner = SessionId::from_bytes(js::entropy()).to_text();
    let (slot, left) = (js::session_item(SLOT_KEY), js::session_item(LEFT_KEY));
    js::set_session_item(LEFT_KEY, None);
    let slot = slot.and_then(|slot| slot.parse().ok());
    let store = open_store(if slot.is_some() { RETURN_MAX } else { START_MAX }).await;
    if let (Some(slot), Some(left)) = (slot, left) {
        // Should it fail, the slot cannot be claimed either.
        let _ = slot::renew(&store, slot, &left, Tab.unix_millis(), Duration::ZERO).await;
    }
    let remembered = slot.map(|slot| Remembered {
        slot,
        patience: if js::is_reload() {
            RELOAD_PATIENCE
        } else {
            RETURN_PATIENCE
        },
    });
    match slot::claim(&store, &Tab, remembered, &owner).await {
        Ok(Some(Claim { slot, record, hold })) => {
            js::set_session_item(SLOT_KEY, Some(&slot.to_string()));
            let renewal = (hold == Hold::Lease).then(|| keep_renewing(&store, slot, owner, &loss));
            return (store, slot, record, (loss, renewal));
        }
        Ok(None) => js::log("every identity slot is taken: that of this tab is not kept"),
        Err(error) => failed("the identity of this tab is not kept", &error),
    }
    let store = BrowserStore::Memory(MemoryStore::default());
    (store, 0, slot::temporary(&Tab).await, (loss, None))
}

/// Renews the lease on a slot for as long as the page lives, or until another tab has the slot.
fn keep_renewing(store: &BrowserStore, slot: u32, owner: String, loss: &Rc<Loss>) -> Renewal {
    let left = owner.clone();
    let lease = Rc::new(HeldLease {
        store: store.clone(),
        slot,
        owner,
        loss: Rc::clone(loss),
        until_unix_millis: Cell::new(Tab.unix_millis() + u64::from(clock::millis(LEASE))),
    });
    let renewed = Rc::clone(&lease);
    let renew = move |lasts: Duration| {
        let lease = Rc::clone(&renewed);
        spawn_local(async move { lease.renew(lasts).await });
    };
    let give_up = renew.clone();
    Renewal {
        lease,
        _interval: Interval::new(clock::millis(LEASE_RENEWAL), move || renew(LEASE)),
        _listeners: [
            EventListener::new(&js::window(), "pagehide", move |_| {
                js::set_session_item(LEFT_KEY, Some(&left));
                // For other tabs, if the browser still does it.
                give_up(Duration::ZERO);
            }),
            // From the browser's memory: going back, or forth.
            EventListener::new(&js::window(), "pageshow", |_| js::set_session_item(LEFT_KEY, None)),
        ],
    }
}

/// This tab, as far as slots are concerned.
struct Tab;

impl Host for Tab {
    type Certificate = RtcCertificate;

    fn unix_millis(&self) -> u64 {
        clock::now().unix_millis
    }

    fn entropy(&self) -> [u8; 32] {
        js::entropy()
    }

    async fn sleep(&self, time: Duration) {
        sleep(time).await;
    }

    async fn lock(&self, slot: u32, patience: Duration) -> Lock {
        match js::hold_lock(&format!("starling-slot-{slot}"), patience).await {
            Some(true) => Lock::Held,
            Some(false) => Lock::Taken,
            None => Lock::Unsupported,
        }
    }

    /// An ECDSA certificate.
    async fn new_certificate(&self) -> Option<RtcCertificate> {
        let algorithm = js::object([
            ("name", "ECDSA".into()),
            ("namedCurve", "P-256".into()),
            ("expires", js_millis(CERTIFICATE_LASTS).into()),
        ]);
        let made = RtcPeerConnection::generate_certificate_with_object(&algorithm).ok()?;
        let certificate = JsFuture::from(made).await;
        certificate
            .inspect_err(|error| js::log_error("no certificate could be made", error))
            .ok()?
            .dyn_into()
            .ok()
    }

    fn is_lasting(&self, certificate: &RtcCertificate) -> bool {
        certificate.expires() > js_sys::Date::now() + js_millis(CERTIFICATE_MARGIN)
    }
}

/// Milliseconds as JavaScript has them.
fn js_millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The servers: the one this page came from, and those it names.
async fn servers() -> Vec<String> {
    let own = servers::beside(&js::window().location().href().unwrap_or_default());
    let config = js::within(START_MAX, js::fetch_text("api/config")).await.flatten();
    servers::merge(own, config.and_then(|text| js::parse_json(&text)).as_ref())
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
pub(crate) mod tests {
    use mesh::io::Owner;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// For tests of other modules, too.
    pub(crate) async fn certificate() -> RtcCertificate {
        Tab.new_certificate()
            .await
            .expect("every tested browser makes certificates")
    }

    #[wasm_bindgen_test]
    async fn a_lock_is_held_by_one_and_waited_for_no_longer_than_asked() {
        let name = format!("test-{:?}", js::entropy::<8>());
        assert_eq!(js::hold_lock(&name, Duration::ZERO).await, Some(true));
        assert_eq!(js::hold_lock(&name, Duration::ZERO).await, Some(false));
        assert_eq!(js::hold_lock(&name, Duration::from_millis(50)).await, Some(false));
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
        let room = one.generate_room().open().id();
        let changes = [(Owner::Room, 1), (Owner::Me, 2)].map(|(owner, key)| Change {
            owner,
            key: vec![key],
            value: Some([].as_slice().into()),
        });
        one.write(&room, &changes, Durability::Strict).await.unwrap();
        let kept = async |profile: &Profile| profile.restore(&room).await.unwrap().len();
        assert_eq!((kept(&one).await, kept(&other).await), (2, 1));
        other.forget(&room).await.unwrap();
        assert_eq!((kept(&one).await, kept(&other).await), (0, 0));
    }

    /// The page goes away, or comes back.
    fn page_event(name: &str) {
        let event = web_sys::Event::new(name).unwrap();
        js::window().dispatch_event(&event).unwrap();
    }

    #[wasm_bindgen_test]
    async fn a_lease_is_given_up_with_the_page() {
        let store = BrowserStore::Memory(MemoryStore::default());
        let taken = async |owner| slot::renew(&store, 0, owner, Tab.unix_millis(), LEASE).await.unwrap();
        assert!(taken("a").await);
        let renewal = keep_renewing(&store, 0, "a".to_owned(), &Rc::default());
        assert!(!taken("b").await);
        page_event("pagehide");
        sleep(Duration::from_millis(1)).await;
        assert!(taken("b").await);
        drop(renewal);
        page_event("pageshow");
    }

    #[wasm_bindgen_test]
    async fn who_lost_the_lease_keeps_nothing_any_more() {
        let profile = boot().await.unwrap();
        let room = profile.generate_room().open().id();
        let (events, mut queue) = Events::channel();
        profile.tell_of_loss(&events);
        let store = BrowserStore::Memory(MemoryStore::default());
        assert!(slot::renew(&store, 0, "b", Tab.unix_millis(), LEASE).await.unwrap());
        let renewal = keep_renewing(&store, 0, "a".to_owned(), &profile.0.loss);
        assert!(queue.try_next().is_none() && profile.restore(&room).await.is_some());
        page_event("pagehide");
        assert_eq!(queue.next().await, Some(DriverEvent::SlotLost));
        assert!(profile.restore(&room).await.is_none());
        assert_eq!(profile.save_name("Ann").await, Err(StoreError::Denied));
        let (events, mut later) = Events::channel();
        profile.tell_of_loss(&events);
        assert_eq!(later.next().await, Some(DriverEvent::SlotLost));
        drop(renewal);
        page_event("pageshow");
    }
}
