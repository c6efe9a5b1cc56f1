//! Slots on a made-up platform, whose time passes only while somebody waits.

use std::cell::{Cell, RefCell};

use super::*;
use crate::{
    config::{RELOAD_PATIENCE, RETURN_PATIENCE},
    contract::now_or_never,
    store::MemoryStore,
};

/// A machine with several programs on it. A certificate is its number.
#[derive(Default)]
struct Machine {
    store: MemoryStore<u32>,
    /// Which slots are locked; `None` where there are no locks.
    locks: Option<RefCell<Vec<u32>>>,
    unix_millis: Cell<u64>,
    made: Cell<u32>,
    lasting_from: Cell<u32>,
}

impl Machine {
    fn with_locks() -> Self {
        Self {
            locks: Some(RefCell::default()),
            ..Self::default()
        }
    }

    fn claim(&self, remembered: Option<Remembered>, owner: &str) -> Option<Claim<u32>> {
        now_or_never(claim(&self.store, self, remembered, owner)).unwrap()
    }
}

impl Host for Machine {
    type Certificate = u32;

    fn unix_millis(&self) -> u64 {
        self.unix_millis.get()
    }

    fn entropy(&self) -> [u8; 32] {
        [u8::try_from(self.made.get()).unwrap(); 32]
    }

    async fn sleep(&self, time: Duration) {
        self.unix_millis
            .set(self.unix_millis() + u64::try_from(time.as_millis()).unwrap());
    }

    async fn lock(&self, slot: u32, patience: Duration) -> Lock {
        let Some(locks) = &self.locks else {
            return Lock::Unsupported;
        };
        if locks.borrow().contains(&slot) {
            self.sleep(patience).await;
            return Lock::Taken;
        }
        locks.borrow_mut().push(slot);
        Lock::Held
    }

    async fn new_certificate(&self) -> Option<u32> {
        self.made.set(self.made.get() + 1);
        Some(self.made.get())
    }

    fn is_lasting(&self, certificate: &u32) -> bool {
        *certificate >= self.lasting_from.get()
    }
}

fn remembered(slot: u32, patience: Duration) -> Option<Remembered> {
    Some(Remembered { slot, patience })
}

#[test]
fn programs_take_the_first_free_slot_each() {
    for (machine, hold) in [(Machine::with_locks(), Hold::Lock), (Machine::default(), Hold::Lease)] {
        let claims = ["a", "b", "c"].map(|owner| machine.claim(None, owner).unwrap());
        for (number, claim) in (0..).zip(claims) {
            assert_eq!((claim.slot, claim.hold), (number, hold));
            assert_eq!(claim.record.certificate, Some(number + 1));
        }
    }
}

#[test]
fn a_program_that_comes_back_is_who_it_was() {
    let machine = Machine::default();
    let first = machine.claim(None, "a").unwrap();
    let again = machine.claim(remembered(0, RELOAD_PATIENCE), "a").unwrap();
    assert_eq!((again.slot, *again.record.secret), (0, *first.record.secret));
    assert_eq!(machine.unix_millis(), 0, "nobody had to wait");
}

#[test]
fn a_taken_slot_is_waited_for_no_longer_than_asked_and_only_if_it_was_ours() {
    for machine in [Machine::with_locks(), Machine::default()] {
        machine.claim(None, "a").unwrap();
        let other = machine.claim(remembered(0, RETURN_PATIENCE), "b").unwrap();
        assert_eq!((other.slot, machine.unix_millis()), (1, 300));
        assert_eq!(machine.claim(None, "c").unwrap().slot, 2);
        assert_eq!(machine.unix_millis(), 300);
    }
}

#[test]
fn a_lease_that_nobody_renews_ends() {
    let machine = Machine::default();
    machine.claim(None, "a").unwrap();
    machine.unix_millis.set(15_000 - 2_000);
    assert_eq!(machine.claim(remembered(0, RELOAD_PATIENCE), "b").unwrap().slot, 0);
    assert_eq!(machine.unix_millis(), 15_000);
}

#[test]
fn a_lease_that_was_given_up_is_free_and_one_that_was_taken_over_is_not_renewed() {
    let machine = Machine::default();
    machine.claim(None, "a").unwrap();
    let renewed = |owner: &str, lasts| now_or_never(renew(&machine.store, 0, owner, 1, lasts)).unwrap();
    assert!(renewed("a", Duration::ZERO));
    assert!(renewed("b", LEASE));
    assert!(!renewed("a", LEASE));
}

#[test]
fn a_certificate_that_ends_soon_is_replaced_and_the_identity_stays() {
    let machine = Machine::default();
    let first = machine.claim(None, "a").unwrap().record;
    machine.lasting_from.set(2);
    let second = machine.claim(None, "a").unwrap().record;
    assert_eq!((first.certificate, second.certificate), (Some(1), Some(2)));
    assert_eq!(*first.secret, *second.secret);
    let stored = now_or_never(machine.store.identity(0)).unwrap().unwrap();
    assert_eq!(stored.certificate, Some(2));
}

#[test]
fn there_is_a_last_slot_and_an_invalid_one_is_not_remembered() {
    let machine = Machine::with_locks();
    for slot in 0..SLOTS_MAX {
        let claim = machine.claim(remembered(SLOTS_MAX, RELOAD_PATIENCE), "a").unwrap();
        assert_eq!(claim.slot, slot);
    }
    assert!(machine.claim(None, "a").is_none());
    assert_eq!(machine.unix_millis(), 0);
}
