//! The only place that reaches into untyped JavaScript: small functions with typed results.

use std::{pin::pin, time::Duration};

use client::{export::File, store::Space};
use futures_util::future::{Either, select};
use gloo_timers::future::sleep;
use js_sys::{Array, Date, Function, JsString, Map, Object, Promise, Reflect, RegExp, Uint8Array};
use shared::signal::Json;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, IdbDatabase, IdbTransaction, RtcPeerConnection, Url};

use crate::config::{JSON_DEPTH_MAX, SAVE_LASTS};

#[wasm_bindgen]
extern "C" {
    /// `navigator.locks`, which `web-sys` has only behind an unstable flag.
    #[derive(Debug, Clone)]
    pub(crate) type LockManager;

    #[wasm_bindgen(method, js_name = request)]
    fn request(this: &LockManager, name: &str, options: &Object, callback: &JsValue) -> Promise;

    /// `IDBDatabase`, which has options for its transactions in `web-sys` only behind an unstable flag.
    type Database;

    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Database, stores: &JsValue, mode: &str, options: &Object) -> Result<IdbTransaction, JsValue>;
}

/// Begins a transaction with a durability (IndexedDB 3.0 §4.4).
pub(crate) fn begin(
    database: &IdbDatabase,
    stores: &JsValue,
    mode: &str,
    durability: &str,
) -> Result<IdbTransaction, JsValue> {
    let options = object([("durability", durability.into())]);
    database.unchecked_ref::<Database>().transaction(stores, mode, &options)
}

/// Asks the browser not to clear what the page keeps when space runs out. It may ask the person. Nothing depends on the answer.
pub(crate) fn ask_to_persist() {
    let asked = field(&window().navigator(), "storage").and_then(|storage| {
        let persist: Function = field(&storage, "persist")?.dyn_into().ok()?;
        persist.call0(&storage).ok()
    });
    if let Some(asked) = asked {
        ignore(asked.unchecked_into());
    }
}

/// How much the browser keeps for the page, if it says so. Some say no more than a rounded guess.
pub(crate) async fn space() -> Option<Space> {
    let storage = field(&window().navigator(), "storage")?;
    let estimate: Function = field(&storage, "estimate")?.dyn_into().ok()?;
    let found: Promise = estimate.call0(&storage).ok()?.unchecked_into();
    let found = JsFuture::from(found).await.ok()?;
    let number = |name| field(&found, name)?.as_f64();
    let (used, quota) = (number("usage")?, number("quota")?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, which is what is wanted"
    )]
    let [used_bytes, left_bytes] = [used, quota - used].map(|bytes| bytes as u64);
    Some(Space { used_bytes, left_bytes })
}

/// Has the browser save a file where the person keeps such.
pub(crate) fn save(file: &File) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(file.media_type);
    let text = Array::of1(&file.text.as_str().into());
    let blob = Blob::new_with_str_sequence_and_options(&text, &options)?;
    save_blob(&blob, &file.name)
}

/// Hands what the browser holds to the person as a download. Nothing is copied.
pub(crate) fn save_blob(blob: &Blob, name: &str) -> Result<(), JsValue> {
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&url_of(blob)?);
    link.set_download(name);
    link.click();
    Ok(())
}

/// An address for what the browser holds. It is good for a few minutes.
pub(crate) fn url_of(blob: &Blob) -> Result<String, JsValue> {
    let url = Url::create_object_url_with_blob(blob)?;
    let given_up = url.clone();
    spawn_local(async move {
        // No browser says when it has read all of it.
        sleep(SAVE_LASTS).await;
        // Fails only for a text that is no address.
        let _ = Url::revoke_object_url(&given_up);
    });
    Ok(url)
}

/// Waits for nothing, so that what is rejected is not reported as an error of the page.
pub(crate) fn ignore(promise: Promise) {
    spawn_local(async move {
        let _ = JsFuture::from(promise).await;
    });
}

/// The page's window.
///
/// # Panics
/// Outside a page: this app runs nowhere else.
pub(crate) fn window() -> web_sys::Window {
    web_sys::window().expect("invariant: the app runs in a page")
}

/// The page's document.
///
/// # Panics
/// As [`window`].
pub(crate) fn document() -> web_sys::Document {
    window().document().expect("invariant: the app runs in a page")
}

/// Selects what is in an element, for the person to copy.
pub(crate) fn select_text(element: &web_sys::Element) {
    if let Ok(Some(selection)) = window().get_selection() {
        // Fails only for elements that are not in the page any more.
        let _ = selection.select_all_children(element);
    }
}

/// What the browser keeps for this page under a name; empty if that is nothing, or nothing can be kept.
pub(crate) fn kept(key: &str) -> String {
    let kept = local_storage().and_then(|storage| storage.get_item(key).ok().flatten());
    kept.unwrap_or_default()
}

/// Has the browser keep a text for this page.
pub(crate) fn keep(key: &str, text: &str) {
    if let Some(storage) = local_storage() {
        // Refused only where there is no room left, or nothing can be kept: then what was kept stays as it was.
        let _ = storage.set_item(key, text);
    }
}

pub(crate) fn local_storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// What is kept by a key for as long as this tab lives.
pub(crate) fn session_item(key: &str) -> Option<String> {
    session_storage()?.get_item(key).ok().flatten()
}

/// Keeps a text for as long as this tab lives, or nothing more. Where nothing may be stored the next page knows nothing of this one.
pub(crate) fn set_session_item(key: &str, text: Option<&str>) {
    if let Some(storage) = session_storage() {
        let _ = match text {
            Some(text) => storage.set_item(key, text),
            None => storage.remove_item(key),
        };
    }
}

fn session_storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

/// `navigator.share`, where the browser has it.
fn sharing() -> Option<Function> {
    field(&window().navigator(), "share")?.dyn_into().ok()
}

/// Whether a link can be handed to what else is on the device.
pub(crate) fn can_share() -> bool {
    sharing().is_some()
}

/// Hands a link to what else is on the device, as the person chooses.
pub(crate) fn share(link: &str) {
    let shared = sharing().map(|share| share.call1(&window().navigator(), &object([("url", link.into())])));
    if let Some(Ok(shared)) = shared {
        // Rejected when the person chooses nothing.
        ignore(shared.unchecked_into());
    }
}

/// What the browser says of an error, for a log.
pub(crate) fn describe(error: &JsValue) -> String {
    let text = |name| field(error, name).and_then(|value| value.as_string());
    match (text("name"), text("message")) {
        (Some(name), Some(message)) => format!("{name}: {message}"),
        _ => error.as_string().unwrap_or_else(|| "unknown error".into()),
    }
}

/// Writes to the browser's console: what went wrong that the person need not know. Never a message's content.
pub(crate) fn log(text: &str) {
    web_sys::console::warn_1(&text.into());
}

/// Writes to the browser's console that something went wrong, and what the browser says of it.
pub(crate) fn log_error(what: &str, error: &JsValue) {
    web_sys::console::warn_2(&what.into(), &describe(error).into());
}

/// A property that exists and is neither `undefined` nor `null`.
pub(crate) fn field(object: &JsValue, name: &str) -> Option<JsValue> {
    // Of `undefined` it throws.
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// Shows a number on the icon of an installed page, or none. Few browsers can.
pub(crate) fn set_badge(count: u32) {
    let navigator = window().navigator();
    let set = field(&navigator, "setAppBadge").and_then(|set| set.dyn_into::<Function>().ok());
    if let Some(Ok(set)) = set.map(|set| set.call1(&navigator, &count.into())) {
        // Refused where the page is not installed.
        spawn_local(async move { _ = JsFuture::from(Promise::from(set)).await });
    }
}

/// Reads JSON. What stands too deep within other things is not read.
pub(crate) fn parse_json(text: &str) -> Option<Json> {
    let value = js_sys::JSON::parse(text).ok()?;
    Some(as_json(&value, JSON_DEPTH_MAX))
}

fn as_json(value: &JsValue, depth: u32) -> Json {
    let Some(depth) = depth.checked_sub(1) else {
        return Json::Other;
    };
    if let Some(text) = value.as_string() {
        Json::Text(text)
    } else if let Some(number) = value.as_f64() {
        // A cast keeps what fits and changes what does not.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "looked at right after"
        )]
        let whole = number as u32;
        if f64::from(whole) == number {
            Json::Number(whole)
        } else {
            Json::Other
        }
    } else if let Some(list) = value.dyn_ref::<Array>() {
        Json::List(list.iter().map(|value| as_json(&value, depth)).collect())
    } else if let Some(object) = value.dyn_ref::<Object>() {
        let entries = Object::entries(object);
        let field = |entry: JsValue| {
            let entry: Array = entry.unchecked_into();
            (
                entry.get(0).as_string().unwrap_or_default(),
                as_json(&entry.get(1), depth),
            )
        };
        Json::Object(entries.iter().map(field).collect())
    } else {
        Json::Other
    }
}

/// A plain object with these properties.
pub(crate) fn object<const N: usize>(fields: [(&str, JsValue); N]) -> Object {
    let entries: Array = fields
        .iter()
        .map(|(name, value)| Array::of2(&(*name).into(), value))
        .collect();
    Object::from_entries(&entries).expect("invariant: an array of pairs makes an object")
}

/// Whether the browser has a global of this name.
pub(crate) fn has_global(name: &str) -> bool {
    field(&js_sys::global(), name).is_some()
}

/// Random bytes of the operating system.
///
/// # Panics
/// If there are none; [`boot`](crate::profile::boot) has checked.
pub(crate) fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("invariant: checked when the app booted");
    bytes
}

/// Takes a Web Lock for as long as the page lives, if it is free or becomes free within `patience`.
/// `None` without Web Locks: they want a secure context.
pub(crate) async fn hold_lock(name: &str, patience: Duration) -> Option<bool> {
    let locks: LockManager = field(&window().navigator(), "locks")?.unchecked_into();
    let options = if patience.is_zero() {
        object([("ifAvailable", true.into())])
    } else {
        object([("signal", timeout_signal(crate::clock::millis(patience))?)])
    };
    let (sender, receiver) = futures_channel::oneshot::channel();
    let sender = std::rc::Rc::new(std::cell::Cell::new(Some(sender)));
    let granted = std::rc::Rc::clone(&sender);
    let on_granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let held = !lock.is_null();
        if let Some(sender) = granted.take() {
            // The receiver waits below.
            let _ = sender.send(held);
        }
        // A lock is held until the promise that its callback gave is settled: this one never is.
        if held {
            Promise::new(&mut |_, _| {}).into()
        } else {
            JsValue::UNDEFINED
        }
    });
    let request = locks.request(name, &options, &on_granted);
    spawn_local(async move {
        // Rejected when the signal aborts. Fulfilled only where the lock was not granted.
        if JsFuture::from(request).await.is_err()
            && let Some(sender) = sender.take()
        {
            let _ = sender.send(false);
        }
    });
    Some(receiver.await.unwrap_or(false))
}

/// `AbortSignal.timeout`.
fn timeout_signal(millis: u32) -> Option<JsValue> {
    let class = field(&js_sys::global(), "AbortSignal")?;
    let timeout: Function = field(&class, "timeout")?.dyn_into().ok()?;
    timeout.call1(&class, &millis.into()).ok()
}

/// The ICE types (RFC 8839 §5.1) of the two ends of the path that a connection uses, our own first; `None` if it has none yet.
pub(crate) async fn candidate_types(peer_connection: &RtcPeerConnection) -> Option<[String; 2]> {
    let stats = JsFuture::from(peer_connection.get_stats()).await.ok()?;
    // An `RTCStatsReport` is a map in all but its class.
    let stats: &Map = stats.unchecked_ref();
    let text = |object: &JsValue, name| field(object, name)?.as_string();
    let (mut selected, mut nominated) = (None, None);
    stats.for_each(&mut |entry, id| match text(&entry, "type").as_deref() {
        Some("transport") => selected = field(&entry, "selectedCandidatePairId"),
        // Older versions of Firefox do not name the pair in use: it is the one that was nominated and works.
        Some("candidate-pair")
            if text(&entry, "state").as_deref() == Some("succeeded")
                && field(&entry, "nominated").is_some_and(|nominated| nominated.is_truthy()) =>
        {
            nominated = Some(id);
        }
        Some(_) | None => {}
    });
    let pair = stats.get(&selected.or(nominated)?);
    let end = |id| text(&stats.get(&field(&pair, id)?), "candidateType");
    Some([end("localCandidateId")?, end("remoteCandidateId")?])
}

/// What is in a part of a file, or in a piece that is kept.
pub(crate) async fn bytes_of(blob: &Blob) -> Result<Vec<u8>, JsValue> {
    let buffer = JsFuture::from(blob.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// The files that are dropped or pasted, or chosen in a box.
pub(crate) fn files_of(source: &JsValue) -> Vec<web_sys::File> {
    let data = field(source, "dataTransfer").or_else(|| field(source, "clipboardData"));
    let files = field(data.as_ref().unwrap_or(source), "files");
    let files = files.map_or_else(Array::new, |files| Array::from(&files));
    files.iter().filter_map(|file| file.dyn_into().ok()).collect()
}

/// A file of these parts.
pub(crate) fn file_of(parts: &Array, name: &str, media_type: &str) -> Result<web_sys::File, JsValue> {
    let options = web_sys::FilePropertyBag::new();
    options.set_type(media_type);
    web_sys::File::new_with_blob_sequence_and_options(parts, name, &options)
}

/// Names a picture that was pasted after the time: browsers call all of them alike.
pub(crate) fn name_picture(file: &mut web_sys::File) {
    let now = Date::new_0();
    let kind = file.type_();
    if let Some(ending) = kind.strip_prefix("image/") {
        let (year, month, day) = (now.get_full_year(), now.get_month() + 1, now.get_date());
        let (hour, minute) = (now.get_hours(), now.get_minutes());
        let name = format!("Picture {year}-{month:02}-{day:02} {hour:02}.{minute:02}.{ending}");
        if let Ok(named) = file_of(&Array::of1(file), &name, &kind) {
            *file = named;
        }
    }
}

/// Whether something that is dropped or pasted is files and nothing to be read.
pub(crate) fn is_files(event: &JsValue) -> bool {
    let data = field(event, "dataTransfer").or_else(|| field(event, "clipboardData"));
    let types = data.and_then(|data| field(&data, "types"));
    let types = types.map_or_else(Array::new, |types| Array::from(&types));
    let has = |kind: &str| types.includes(&kind.into(), 0);
    has("Files") && !has("text/plain")
}

/// Whether the person points with a finger, as on a phone.
pub(crate) fn is_touched() -> bool {
    is_so("(pointer: coarse)")
}

/// Whether the person asked their system for less motion.
pub(crate) fn prefers_reduced_motion() -> bool {
    is_so("(prefers-reduced-motion: reduce)")
}

fn is_so(query: &str) -> bool {
    let query = window().match_media(query);
    query.ok().flatten().is_some_and(|query| query.matches())
}

/// Whether this page was reloaded, rather than opened.
pub(crate) fn is_reload() -> bool {
    let entry = || {
        let performance: JsValue = window().performance()?.into();
        let entries: Function = field(&performance, "getEntriesByType")?.dyn_into().ok()?;
        let entries: Array = entries
            .call1(&performance, &"navigation".into())
            .ok()?
            .dyn_into()
            .ok()?;
        field(&entries.get(0), "type")?.as_string()
    };
    entry().as_deref() == Some("reload")
}

/// Waits until the browser has nothing better to do, where it can tell.
pub(crate) async fn idle() {
    let Some(request) = field(&window(), "requestIdleCallback").and_then(|request| request.dyn_into::<Function>().ok())
    else {
        return crate::clock::pause().await;
    };
    let called = Promise::new(&mut |done, _| {
        // Refuses nothing that can be called.
        let _ = request.call1(&window(), &done);
    });
    let _ = JsFuture::from(called).await;
}

/// Waits for so long, and no longer.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (future, end) = (pin!(future), pin!(sleep(limit)));
    match select(future, end).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// Whether our own server says that there is nothing at this address.
pub(crate) async fn is_not_found(path: &str) -> bool {
    let response = JsFuture::from(window().fetch_with_str(path)).await;
    let response = response
        .ok()
        .and_then(|response| response.dyn_into::<web_sys::Response>().ok());
    response.is_some_and(|response| response.status() == 404)
}

/// See [`Fold`](shared::room::Fold).
pub(crate) fn fold(name: &str) -> Option<String> {
    let unknown = RegExp::new(r"[\p{Cn}\p{Co}]", "u");
    if unknown.test(name) {
        return None;
    }
    let nfkc = |text: &JsString| text.normalize("NFKC");
    Some(nfkc(&nfkc(&name.into()).to_lower_case().to_upper_case().to_lower_case()).into())
}

/// See [`Decompose`](client::search::Decompose).
pub(crate) fn decompose(text: &str) -> String {
    JsString::from(text).normalize("NFKD").to_lower_case().into()
}

/// The text behind an address of our own server, or `None` if it cannot be had.
pub(crate) async fn fetch_text(path: &str) -> Option<String> {
    let response = JsFuture::from(window().fetch_with_str(path)).await.ok()?;
    let response: web_sys::Response = response.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn names_are_folded_and_unknown_characters_refused() {
        assert_eq!(fold("Cafe\u{301} STRAẞE").as_deref(), Some("café strasse"));
        assert_eq!(fold("ΣΟΦΟΣ").as_deref(), Some("σοφος"));
        assert_eq!((fold("a\u{378}"), fold("\u{e000}")), (None, None));
    }

    #[wasm_bindgen_test]
    fn json_is_read_as_programs_read_it() {
        for text in [
            r#"{"a":"b \u00e9 \"","c":[1,4294967295,4294967296,-1,1.5,true,null],"d":{"e":{}}}"#,
            "[]",
            "7",
            r#""text""#,
        ] {
            assert_eq!(parse_json(text), serde_json::from_str(text).ok(), "{text}");
        }
        for text in ["", "{", r#"{"a":}"#, "nonsense"] {
            assert_eq!(parse_json(text), None, "{text}");
        }
        let deep = |depth| parse_json(&("[".repeat(depth) + &"]".repeat(depth)));
        let depth = |mut value: Json| {
            let mut depth = 0;
            while let Json::List(mut inner) = value {
                depth += 1;
                value = inner.pop().unwrap_or(Json::Other);
            }
            depth
        };
        assert_eq!(deep(16).map(depth), Some(16));
        assert_eq!(deep(1_000).map(depth), Some(16));
    }
}
