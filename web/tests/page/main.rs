//! The page's components in a real browser: what a person sees and can do, by role and accessible name.

#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod setup;
mod shown;

mod composer;
mod invite;
mod messages;
mod network;
mod notices;
mod people;
mod room;
mod start;
mod text;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_browser);
