//! The sound of a notification.

use client::sound::chirp;
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, HtmlMediaElement};

use crate::js;

/// Plays it. A browser plays nothing that the person has not touched yet.
pub(crate) fn play() {
    match begin() {
        Ok(playing) => js::ignore(playing),
        Err(error) => js::log_error("a sound cannot be played", &error),
    }
}

fn begin() -> Result<Promise, JsValue> {
    let parts = Array::of1(&Uint8Array::from(&chirp()[..]));
    let sound: HtmlMediaElement = js::document().create_element("audio")?.unchecked_into();
    let file = Blob::from(js::file_of(&parts, "", "audio/wav")?);
    sound.set_attribute("src", &js::url_of(&file)?)?;
    sound.play()
}
