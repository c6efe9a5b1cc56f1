//! Dialogs in front of all else, and the clipboard that they stand in for.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlDialogElement;
use yew::prelude::*;

use crate::js;

/// Opens a dialog in front of all else.
pub(crate) fn open(dialog: &NodeRef) {
    if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
        // Fails only if it is open already.
        let _ = dialog.show_modal();
    }
}

/// Closes a dialog.
pub(crate) fn close(dialog: &NodeRef) {
    if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
        dialog.close();
    }
}

/// Whether `text` is on the clipboard now.
pub(crate) async fn write_to_clipboard(text: &str) -> bool {
    let clipboard = js::window().navigator().clipboard();
    // Missing outside secure contexts, whatever the type says.
    if AsRef::<JsValue>::as_ref(&clipboard).is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
