//! Identity slots: which of the identities on this machine this program is.
//!
//! Several programs of one person are several peers: the tabs of a browser, say. Every identity lives in a numbered *slot* of the
//! [`Store`]. A program takes the first free slot and holds it under a lock for as long as it runs. It remembers its slot, so
//! that after a reload it is the same peer again, whatever others came and went. Where a platform has no locks, a lease in the store
//! does the same; the platform then calls [`renew`] every [`LEASE_RENEWAL`](crate::config::LEASE_RENEWAL).

use std::time::Duration;

use zeroize::Zeroizing;

use crate::{
    config::{LEASE, LEASE_STEP, SLOTS_MAX},
    store::{IdentityRecord, Lease, Store, StoreError},
};

/// What slots need from the platform.
pub trait Host {
    /// The platform's certificate for DTLS.
    type Certificate: Clone;

    /// Milliseconds since 1970.
    fn unix_millis(&self) -> u64;

    /// Unpredictable bytes.
    fn entropy(&self) -> [u8; 32];

    /// Waits.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()>;

    /// Takes the lock of a slot for as long as the program runs, if the lock is free or becomes free within `patience`.
    fn lock(&self, slot: u32, patience: Duration) -> impl Future<Output = Lock>;

    /// Makes a certificate that lasts. `None` if the platform cannot: it then makes one for every connection, which works
    /// as well, only slower.
    fn new_certificate(&self) -> impl Future<Output = Option<Self::Certificate>>;

    /// Whether a certificate lasts long enough to be used.
    fn is_lasting(&self, certificate: &Self::Certificate) -> bool;
}

/// What became of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// It is ours.
    Held,
    /// Another program has it.
    Taken,
    /// There are no locks here.
    Unsupported,
}

/// How a slot is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// By a lock, without further ado.
    Lock,
    /// By a lease, which has to be [renewed](renew).
    Lease,
}

/// The slot that a program had, and how long to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// Its number.
    pub slot: u32,
    /// The program that had it may not be quite gone.
    pub patience: Duration,
}

/// A slot that is ours, and what is in it.
#[derive(Debug)]
pub struct Claim<C> {
    /// Its number.
    pub slot: u32,
    /// What is in it.
    pub record: IdentityRecord<C>,
    /// How it is held.
    pub hold: Hold,
}

/// Takes a slot, the remembered one or else the first free one, and reads or makes its identity. `owner` is the program's random name.
/// `None` if every slot is taken.
///
/// # Errors
/// [`StoreError`] if the store fails; the program then needs a [temporary] identity.
pub async fn claim<S, H>(
    store: &S,
    host: &H,
    remembered: Option<Remembered>,
    owner: &str,
) -> Result<Option<Claim<S::Certificate>>, StoreError>
where
    S: Store,
    H: Host<Certificate = S::Certificate>,
{
    for (slot, patience) in candidates(remembered) {
        let hold = match host.lock(slot, patience).await {
            Lock::Held => Hold::Lock,
            Lock::Taken => continue,
            Lock::Unsupported => {
                if !claim_lease(store, host, slot, owner, patience).await? {
                    continue;
                }
                Hold::Lease
            }
        };
        let record = load_identity(store, host, slot).await?;
        return Ok(Some(Claim { slot, record, hold }));
    }
    Ok(None)
}

/// The slots in the order in which they are tried, and how long each is waited for.
fn candidates(remembered: Option<Remembered>) -> impl Iterator<Item = (u32, Duration)> {
    let remembered = remembered.filter(|remembered| remembered.slot < SLOTS_MAX);
    let first = remembered.map(|Remembered { slot, patience }| (slot, patience));
    let others = (0..SLOTS_MAX).filter(move |slot| first.is_none_or(|(first, _)| first != *slot));
    first.into_iter().chain(others.map(|slot| (slot, Duration::ZERO)))
}

/// Takes a slot by a lease. A program that is gone does not renew its lease; one that ends gives it up.
async fn claim_lease<S: Store>(
    store: &S,
    host: &impl Host,
    slot: u32,
    owner: &str,
    patience: Duration,
) -> Result<bool, StoreError> {
    let mut waited = Duration::ZERO;
    while !renew(store, slot, owner, host.unix_millis(), LEASE).await? {
        if waited >= patience {
            return Ok(false);
        }
        host.sleep(LEASE_STEP).await;
        waited += LEASE_STEP;
    }
    Ok(true)
}

/// Takes or renews the lease of `owner` on a slot, for as long as `lasts`; for no time to give it up. `false` if another owner has it:
/// after a long sleep, say. The program then leaves.
///
/// # Errors
/// [`StoreError`]; the lease runs on until its end.
pub async fn renew<S: Store>(
    store: &S,
    slot: u32,
    owner: &str,
    now_unix_millis: u64,
    lasts: Duration,
) -> Result<bool, StoreError> {
    let lease = Lease {
        owner: owner.to_owned(),
        until_unix_millis: now_unix_millis + u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX / 2),
    };
    store.take_lease(slot, &lease, now_unix_millis).await
}

/// The identity of a slot, made if there is none, with a certificate that lasts.
async fn load_identity<S, H>(store: &S, host: &H, slot: u32) -> Result<IdentityRecord<S::Certificate>, StoreError>
where
    S: Store,
    H: Host<Certificate = S::Certificate>,
{
    let mut record = match store.identity(slot).await? {
        Some(record) => record,
        None => IdentityRecord {
            secret: Zeroizing::new(host.entropy()),
            certificate: None,
            name: None,
        },
    };
    let lasts = |certificate: &S::Certificate| host.is_lasting(certificate);
    if !record.certificate.as_ref().is_some_and(lasts) {
        record.certificate = host.new_certificate().await;
        store.save_identity(slot, &record).await?;
    }
    Ok(record)
}

/// An identity that lasts as long as the program.
pub async fn temporary<H: Host>(host: &H) -> IdentityRecord<H::Certificate> {
    IdentityRecord {
        secret: Zeroizing::new(host.entropy()),
        certificate: host.new_certificate().await,
        name: None,
    }
}

#[cfg(test)]
mod tests;
