//! Starling in a browser: the page, and the drivers that give the mesh core a body.
//!
//! Read in this order:
//!
//! 1. [`app`]: from the first paint to a page; the only place where pages and drivers meet.
//! 2. [`state`]: what the page shows, as plain data, tested natively.
//! 3. [`pages`], [`components`], [`hooks`]: how it is shown.
//! 4. [`boot`]: who we are. [`driver`]: runs a node, with `signaller` (WebSocket), `rtc` (WebRTC), `nearby`
//!    (BroadcastChannel), `clock` and [`store`] (IndexedDB) as its limbs. `js` is the only place that reaches into untyped JavaScript.

pub mod app;
pub mod boot;
mod clock;
pub mod components;
pub mod driver;
pub mod hooks;
mod js;
mod nearby;
pub mod pages;
mod rtc;
mod signaller;
pub mod state;
pub mod store;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
