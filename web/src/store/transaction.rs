//! How transactions of the browser's database end.
//!
//! One that is under way when the page goes away would be given up with it, unless it was told to end: its requests are all made by then.

use std::cell::Cell;

use gloo_events::EventListener;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::IdbTransaction;

use crate::js::{self, field};

/// Waits until a transaction, of which nothing more is asked, is stored. It ends by itself: told to end by `commit`, Firefox would give
/// no reason for what fails after that, such as a full disk. Only one that the page would not live to see end is told to.
pub(super) async fn stored(transaction: &IdbTransaction) -> Result<(), JsValue> {
    let going = transaction.clone();
    let _on_hide = EventListener::once(&js::window(), "pagehide", move |_| commit(&going));
    if IS_AWAY.get() {
        commit(transaction);
    }
    let ended = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match JsFuture::from(ended).await {
        Ok(_) => Ok(()),
        Err(_) => Err(transaction.error().into()),
    }
}

/// Fails if it has ended, and then there is nothing to be done.
fn commit(transaction: &IdbTransaction) {
    // The binding of that name takes what it throws for impossible.
    let commit = field(transaction, "commit").and_then(|commit| commit.dyn_into::<Function>().ok());
    let _ = commit.map(|commit| commit.call0(transaction));
}

thread_local! {
    /// Whether the page has gone away, as far as it knows.
    static IS_AWAY: Cell<bool> = const { Cell::new(false) };
}

/// Has [`IS_AWAY`] kept.
pub(super) fn watch_the_page() {
    for (event, is_away) in [("pagehide", true), ("pageshow", false)] {
        EventListener::new(&js::window(), event, move |_| IS_AWAY.set(is_away)).forget();
    }
}
