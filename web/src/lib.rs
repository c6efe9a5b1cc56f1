//! Starling in a browser: the page, and the browser as a [`client::Platform`].
//!
//! Read in this order:
//!
//! 1. [`app`]: from the first paint to a page; the only place where pages and platform meet.
//! 2. [`pages`], [`components`], [`hooks`]: how it is shown. What is shown is plain data of [`client`].
//! 3. [`profile`]: who we are. [`platform`]: the browser as a platform, with `signaller` (WebSocket), `rtc` (WebRTC), `nearby`
//!    (BroadcastChannel), `clock` and [`store`] (IndexedDB) as its limbs. They report by [`client::driver::Events`] and
//!    know nothing of a driver. `js` is the only place that reaches into untyped JavaScript. `worker`: the service
//!    worker (`web/worker/sw.js`) that keeps the page, as the page sees it.
//! 4. [`drafts`]: what was typed and not sent. [`files`]: files of a room. [`rooms`]: where one was before. `take_along`: an identity as a file. [`telling`]: notifications. `sound`: theirs. `config`: every limit of the page.

// The page is built without `Debug`: what is formatted by it is empty there.
#![cfg_attr(not(test), warn(clippy::use_debug))]

pub mod app;
pub mod appearance;
mod clock;
pub mod components;
mod config;
pub mod drafts;
pub mod files;
pub mod folder;
pub mod hooks;
mod js;
pub mod later;
mod nearby;
pub mod open_rooms;
pub mod pages;
pub mod platform;
pub mod profile;
pub mod rooms;
mod rtc;
mod signaller;
mod sound;
pub mod store;
mod take_along;
pub mod telling;
mod worker;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
