//! An identity to another device and from there: [`shared::portable`] with files of the browser.

use client::{
    config::SLOTS_MAX,
    export::File,
    store::{IdentityRecord, Store, StoreError},
    validate,
    words::take_along::{IS_HERE, NOT_KEPT, NOT_SAVED, NOT_STORED, SAVED, TOO_SHORT, WORKING, refused},
};
use futures_util::future::LocalBoxFuture;
use shared::{Portable, limits::PORTABLE_FILE_BYTES_MAX, portable::PortableError};
use wasm_bindgen_futures::spawn_local;
use yew::Callback;

use crate::{
    clock::pause,
    components::take_along::{Move, Moved},
    js,
    later::{Part, boxed, here},
    profile::Profile,
    worker,
};

/// Begins what was asked for, by what is there only with the later part.
pub(crate) fn begin(profile: &Profile, (what, told): (Move, Callback<Moved>)) {
    if let Some(part) = here() {
        spawn_local(later_carry_out(part, profile.clone(), what, told));
    }
}

/// Does it, and tells what came of it. The page is loaded anew once it is somebody else's.
#[inline(never)]
pub(crate) fn later_carry_out(
    _: Part,
    profile: Profile,
    what: Move,
    told: Callback<Moved>,
) -> LocalBoxFuture<'static, ()> {
    boxed(async move { told.emit(carry_out(profile, what).await) })
}

async fn carry_out(profile: Profile, what: Move) -> Moved {
    match what {
        Move::Save(passphrase) => Moved::Said(save(&profile, &passphrase).await),
        Move::Read(file, passphrase) => match read(&file, &passphrase).await {
            Ok(found) => Moved::Found(found),
            Err(error) => Moved::Said(refused(error)),
        },
        Move::Become(other) => Moved::Said(become_other(&profile, other).await),
    }
}

async fn save(profile: &Profile, passphrase: &str) -> &'static str {
    let Ok(text) = profile.portable().seal(passphrase, js::entropy(), pause).await else {
        return TOO_SHORT;
    };
    let file = File {
        name: format!("{}.starling-identity", profile.peer_id().fingerprint()),
        media_type: "text/plain",
        text: text.to_string(),
    };
    match js::save(&file) {
        Ok(()) => SAVED,
        Err(error) => {
            js::log_error("an identity cannot be saved", &error);
            NOT_SAVED
        }
    }
}

async fn read(file: &web_sys::File, passphrase: &str) -> Result<Portable, PortableError> {
    if file.size() > f64::from(PORTABLE_FILE_BYTES_MAX) {
        return Err(PortableError::NotOne);
    }
    let bytes = js::bytes_of(file).await.map_err(|_| PortableError::NotOne)?;
    let text = String::from_utf8(bytes).map_err(|_| PortableError::NotOne)?;
    Portable::open(&text, passphrase, pause).await
}

async fn become_other(profile: &Profile, other: Portable) -> &'static str {
    match profile.become_other(other).await {
        Ok(Placed::Here) => {
            worker::reload();
            WORKING
        }
        Ok(Placed::Elsewhere) => IS_HERE,
        Err(StoreError::Denied) => NOT_KEPT,
        Err(error) => {
            js::log(&format!("an identity cannot be stored: {error}"));
            NOT_STORED
        }
    }
}

/// Where an identity is after it was to be in this tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// In this tab.
    Here,
    /// In another one, as before.
    Elsewhere,
}

/// Puts an identity into a slot, unless it is in another one.
///
/// # Errors
/// [`StoreError`]; nothing was changed.
pub(crate) async fn place<S: Store>(store: &S, slot: u32, other: Portable) -> Result<Placed, StoreError> {
    let Portable { secret, name } = other;
    for elsewhere in (0..SLOTS_MAX).filter(|elsewhere| *elsewhere != slot) {
        let known = store.identity(elsewhere).await?;
        if known.is_some_and(|known| known.secret == secret) {
            return Ok(Placed::Elsewhere);
        }
    }
    let record = IdentityRecord {
        secret,
        // People know each other's: a new one is made at the next start.
        certificate: None,
        // A file may hold any text.
        name: name.and_then(|name| validate::name(&name).ok()),
    };
    store.save_identity(slot, &record).await?;
    Ok(Placed::Here)
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use client::store::MemoryStore;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn ann() -> Portable {
        Portable {
            secret: [7; 32].into(),
            name: Some("Ann".to_owned()),
        }
    }

    #[wasm_bindgen_test]
    async fn an_identity_is_in_one_slot_of_a_browser() {
        let store: MemoryStore<web_sys::RtcCertificate> = MemoryStore::default();
        assert_eq!(place(&store, 2, ann()).await, Ok(Placed::Here));
        assert_eq!(place(&store, 2, ann()).await, Ok(Placed::Here), "once more");
        assert_eq!(place(&store, 0, ann()).await, Ok(Placed::Elsewhere));
        assert!(store.identity(0).await.unwrap().is_none());
        let kept = store.identity(2).await.unwrap().unwrap();
        assert_eq!((kept.secret, kept.name), (ann().secret, ann().name));
        assert!(kept.certificate.is_none());
    }
}
