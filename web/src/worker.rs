//! The service worker, as the page sees it: it keeps the page for when there is no server, and knows when a newer one waits.

use std::cell::Cell;

use client::route::Route;
use futures_channel::oneshot;
use futures_util::future::LocalBoxFuture;
use gloo_events::EventListener;
use js_sys::Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    MessageEvent, Notification, NotificationOptions, ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration,
    ServiceWorkerState,
};
use yew::Callback;

use crate::{
    clock,
    config::{UPDATE_EVERY, UPDATE_MAX},
    hooks::go_to,
    js,
    later::{self, Part, boxed},
};

const WORKER: &str = "sw.js";

/// Has the page kept. `on_update` is called when a newer one is ready, which takes the place of this one at [`reload`].
pub(crate) fn keep_page(on_update: Callback<()>) {
    spawn_local(async move {
        // Without the later part there is no server, or another page: whichever it is, nothing can be kept of this one.
        if let Ok(part) = later::load_soon().await {
            later_keep_page(part, on_update);
        }
    });
}

#[inline(never)]
fn later_keep_page(_: Part, on_update: Callback<()>) {
    let Some(container) = container() else { return };
    let on_goto = EventListener::new(&container, "message", |event| {
        let fragment = event.unchecked_ref::<MessageEvent>().data().as_string();
        if let Some(route) = fragment
            .as_deref()
            .map(Route::parse)
            .filter(|route| *route != Route::Start)
        {
            go_to(&route);
        }
    });
    // For as long as the page lives.
    on_goto.forget();
    spawn_local(async move {
        let Some(registration) = register(&container).await else {
            return;
        };
        if registration.waiting().is_some() && container.controller().is_some() {
            on_update.emit(());
        }
        let found = registration.clone();
        let tell = move || {
            if let Some(installing) = found.installing() {
                tell_when_installed(&installing, &container, on_update.clone());
            }
        };
        // Found before anybody listened: by the browser itself, when it loaded the page.
        tell();
        let on_found = EventListener::new(&registration, "updatefound", move |_| tell());
        let asked = Cell::new(clock::now().instant);
        let on_return = EventListener::new(&js::document(), "visibilitychange", move |_| {
            let now = clock::now().instant;
            if now.since(asked.get()) >= UPDATE_EVERY {
                asked.set(now);
                look(&registration);
            }
        });
        // For as long as the page lives.
        on_found.forget();
        on_return.forget();
    });
}

/// Registers the worker, and looks whether the server has a newer one. What was kept of a server that has none any more is forgotten: it would
/// be served for ever.
async fn register(container: &ServiceWorkerContainer) -> Option<ServiceWorkerRegistration> {
    let registered = JsFuture::from(container.register(WORKER)).await.ok();
    let registration = registered.map(JsCast::unchecked_into::<ServiceWorkerRegistration>);
    let updated = match registration.as_ref().map(ServiceWorkerRegistration::update) {
        Some(Ok(updated)) => JsFuture::from(updated).await.is_ok(),
        Some(Err(_)) | None => false,
    };
    if !updated && js::is_not_found(WORKER).await {
        forget(container).await;
        return None;
    }
    registration
}

/// Has the browser look for a newer one. Without a server there is none.
fn look(registration: &ServiceWorkerRegistration) {
    if let Ok(updated) = registration.update() {
        spawn_local(async move { _ = JsFuture::from(updated).await });
    }
}

fn tell_when_installed(worker: &ServiceWorker, container: &ServiceWorkerContainer, on_update: Callback<()>) {
    let (watched, container) = (worker.clone(), container.clone());
    let on_change = EventListener::new(worker, "statechange", move |_| {
        // The first one of all is no update.
        if watched.state() == ServiceWorkerState::Installed && container.controller().is_some() {
            on_update.emit(());
        }
    });
    on_change.forget();
}

/// Loads the page anew: the newest one that was kept.
pub(crate) fn reload() {
    spawn_local(async {
        if let Ok(part) = later::load().await {
            later_take_over(part).await;
        }
        // Refused only while the page is being unloaded anyway.
        let _ = js::window().location().reload();
    });
}

#[inline(never)]
fn later_take_over(_: Part) -> LocalBoxFuture<'static, ()> {
    boxed(async {
        if let Some(container) = container() {
            take_over(&container).await;
        }
    })
}

/// Lets the worker that waits take over, if there is one.
async fn take_over(container: &ServiceWorkerContainer) {
    let Some(registration) = registration(container).await else {
        return;
    };
    if registration.waiting().is_none()
        && let Ok(updated) = registration.update()
    {
        // Without a server there is none.
        let _ = js::within(UPDATE_MAX, JsFuture::from(updated)).await;
        if let Some(installing) = registration.installing() {
            js::within(UPDATE_MAX, settled(&installing)).await;
        }
    }
    let Some(waiting) = registration.waiting() else {
        return;
    };
    let (sender, changed) = oneshot::channel();
    let _on_change = EventListener::once(container, "controllerchange", move |_| {
        let _ = sender.send(());
    });
    if waiting.post_message(&"update".into()).is_ok() {
        js::within(UPDATE_MAX, changed).await;
    }
}

/// Until a worker has all its files, or cannot get them.
async fn settled(worker: &ServiceWorker) {
    let (sender, changed) = oneshot::channel();
    let _on_change = EventListener::once(worker, "statechange", move |_| {
        let _ = sender.send(());
    });
    let _ = changed.await;
}

async fn forget(container: &ServiceWorkerContainer) {
    if let Some(registration) = registration(container).await
        && let Ok(unregistered) = registration.unregister()
    {
        let _ = JsFuture::from(unregistered).await;
    }
}

/// Has the worker show a notification, where there is one: it shows nothing otherwise.
pub(crate) async fn show_notification(title: &str, options: &NotificationOptions) {
    let Some(container) = container() else { return };
    if let Some(registration) = registration(&container).await
        && let Ok(shown) = registration.show_notification_with_options(title, options)
    {
        // Refused where the person has taken their leave back.
        let _ = JsFuture::from(shown).await;
    }
}

/// Closes the notifications with a tag that the worker shows.
pub(crate) async fn close_notifications(tag: &str) {
    let Some(container) = container() else { return };
    // Not every browser has them.
    if let Some(registration) = registration(&container).await
        && let Ok(found) = registration.get_notifications()
        && let Ok(found) = JsFuture::from(found).await
    {
        for notification in found.unchecked_into::<Array>() {
            let notification: Notification = notification.unchecked_into();
            if notification.tag().as_deref() == Some(tag) {
                notification.close();
            }
        }
    }
}

async fn registration(container: &ServiceWorkerContainer) -> Option<ServiceWorkerRegistration> {
    JsFuture::from(container.get_registration()).await.ok()?.dyn_into().ok()
}

/// There is none where the page is not secure (plain http), and where the browser keeps nothing.
fn container() -> Option<ServiceWorkerContainer> {
    let navigator = js::window().navigator();
    js::field(&navigator, "serviceWorker")?.dyn_into().ok()
}
