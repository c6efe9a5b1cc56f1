//! The part of the app that comes after the first paint: what is needed neither to be shown first, nor to join and to talk.
//!
//! A release build is two modules (`xtask/src/split.rs`). The later one has what is only reached by functions whose names begin with
//! `later_`. Such a function is `#[inline(never)]` and takes a [`Part`], which nobody has before the later part is there: so none is
//! called too soon. In a debug build there is one module, and everything is there from the start.

use std::{cell::Cell, hint::black_box};

use futures_util::future::LocalBoxFuture;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::prelude::*;

use crate::js::{self, field, idle};

/// The global function that brings the later part: `LOADER` in `xtask/src/script.rs`.
const LOADER: &str = "starlingLater";

thread_local! {
    static IS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// The later part is there, and may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part(());

/// The later part could not be had: there is no way to the server, or the server has another build by now. The next use tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLoaded;

/// The later part, if it is there by now.
#[must_use]
pub fn here() -> Option<Part> {
    (IS_HERE.get() || loader().is_none()).then_some(Part(()))
}

fn loader() -> Option<Function> {
    field(&js_sys::global(), LOADER)?.dyn_into().ok()
}

/// Brings the later part, unless it is there.
///
/// # Errors
/// [`NotLoaded`].
pub async fn load() -> Result<Part, NotLoaded> {
    if let Some(part) = here() {
        return Ok(part);
    }
    let loaded = async {
        let loading = loader().map(|loader| loader.call0(&JsValue::UNDEFINED)).transpose()?;
        JsFuture::from(Promise::resolve(&loading.unwrap_or_default())).await
    };
    match loaded.await {
        Ok(_) => {
            IS_HERE.set(true);
            Ok(Part(()))
        }
        Err(error) => {
            js::log_error("a part of the page cannot be loaded", &error);
            Err(NotLoaded)
        }
    }
}

/// What a function of the later part gives that takes its time. Whoever calls that function is not to see what runs: the optimiser would
/// have the caller run it directly, and so take it into the first part.
pub(crate) fn boxed<'a, T>(future: impl Future<Output = T> + 'a) -> LocalBoxFuture<'a, T> {
    black_box(Box::pin(future))
}

/// Brings the later part once the browser has nothing better to do.
///
/// # Errors
/// [`NotLoaded`]; the first use tells.
pub(crate) async fn load_soon() -> Result<Part, NotLoaded> {
    idle().await;
    load().await
}

/// How it stands with the later part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    /// It is on its way.
    Coming,
    /// It is there.
    Here(Part),
    /// It could not be had.
    Missing,
}

impl Later {
    /// The part, if it is there.
    #[must_use]
    pub fn part(self) -> Option<Part> {
        match self {
            Self::Here(part) => Some(part),
            Self::Coming | Self::Missing => None,
        }
    }
}

/// Has the later part brought for whatever is `wanted`; tries again once something else is.
#[hook]
pub fn use_later<W: PartialEq + 'static>(wanted: Option<W>) -> Later {
    let is_missing = use_state_eq(|| false);
    let update = use_force_update();
    let part = here();
    // It may come between what is drawn now and this effect: then what was drawn is drawn anew all the same.
    use_effect_with((wanted, part.is_some()), {
        let is_missing = is_missing.setter();
        move |(wanted, was_here)| {
            is_missing.set(false);
            if wanted.is_some() && !was_here {
                spawn_local(async move {
                    match load().await {
                        Ok(_) => update.force_update(),
                        Err(NotLoaded) => is_missing.set(true),
                    }
                });
            }
        }
    });
    match part {
        Some(part) => Later::Here(part),
        None if *is_missing => Later::Missing,
        None => Later::Coming,
    }
}
