//! Hands out the room's link.

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use super::icon::{Icon, glyph};
use crate::js;

/// For how long the button says that it worked.
const CONFIRMED_MILLIS: u32 = 4_000;

/// Properties of [`CopyLink`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct CopyLinkProps {
    /// What is copied.
    pub link: AttrValue,
    /// Whether this is what the person should do next.
    #[prop_or_default]
    pub prominent: bool,
}

/// The button "Copy link". Where the page may not use the clipboard, a dialog shows the link, selected.
#[component]
pub fn CopyLink(props: &CopyLinkProps) -> Html {
    let confirmed = use_state(|| false);
    let dialog = use_node_ref();
    let text = use_node_ref();

    use_effect_with(confirmed.clone(), |confirmed| {
        let timeout = confirmed.then(|| {
            let confirmed = confirmed.clone();
            Timeout::new(CONFIRMED_MILLIS, move || confirmed.set(false))
        });
        move || drop(timeout)
    });

    let onclick = {
        let (link, confirmed, dialog, text) = (props.link.clone(), confirmed.clone(), dialog.clone(), text.clone());
        Callback::from(move |_: MouseEvent| {
            let (link, confirmed, dialog, text) = (link.clone(), confirmed.clone(), dialog.clone(), text.clone());
            spawn_local(async move {
                if write_to_clipboard(&link).await {
                    confirmed.set(true);
                } else {
                    show_selected(&dialog, &text);
                }
            });
        })
    };
    let on_close = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| close(&dialog))
    };
    let on_focus = Callback::from(|event: FocusEvent| event.target_unchecked_into::<HtmlInputElement>().select());

    html! {
        <>
            <button
                type="button"
                class={classes!("button", props.prominent.then_some("primary"))}
                aria-label="Copy link"
                {onclick}
            >
                { glyph(if *confirmed { Icon::Check } else { Icon::Link }) }
                <span class="button-text">{ if *confirmed { "Link copied" } else { "Copy link" } }</span>
            </button>
            <span class="visually-hidden" role="status" aria-label="Copying">
                { confirmed.then_some("Link copied. Paste it where the other person reads it.") }
            </span>
            <dialog ref={dialog} class="dialog" aria-labelledby="copy-link-title">
                <h2 id="copy-link-title">{ "Copy this link by hand" }</h2>
                <p>{ "This browser does not let the page use the clipboard here. The link is selected: press Ctrl+C (⌘C on a Mac), or hold it and choose Copy." }</p>
                <input ref={text} type="text" readonly=true aria-label="Link to this room" value={props.link.clone()} onfocus={on_focus} />
                <button type="button" class="button primary" onclick={on_close}>{ "Done" }</button>
            </dialog>
        </>
    }
}

/// Whether `text` is on the clipboard now.
pub(super) async fn write_to_clipboard(text: &str) -> bool {
    let clipboard = js::window().navigator().clipboard();
    // Missing outside secure contexts, whatever the type says.
    if AsRef::<JsValue>::as_ref(&clipboard).is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

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

fn show_selected(dialog: &NodeRef, text: &NodeRef) {
    open(dialog);
    if let Some(text) = text.cast::<HtmlInputElement>() {
        text.select();
    }
}
