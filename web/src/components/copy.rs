//! Buttons that copy a text.

use client::words::{label, page};
use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::{
    dialog::{close, open, write_to_clipboard},
    element::{button, words},
    field::area,
    icon::{Icon, glyph},
};
use crate::{clock, config::CONFIRMED};

/// What is copied, for the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// The room's link.
    Link,
    /// What helps to find out what is wrong.
    Diagnostics,
}

/// Properties of [`CopyButton`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct CopyButtonProps {
    /// What is copied.
    pub what: Copied,
    /// Gives its text, each time anew.
    pub text: Callback<(), AttrValue>,
    /// How the button looks.
    pub class: &'static str,
}

/// A button that copies a text. Where the page may not use the clipboard, a dialog shows the text, selected.
#[component]
// Long because: the handlers share what was copied.
pub fn CopyButton(props: &CopyButtonProps) -> Html {
    let confirmed = use_state(|| false);
    // The text that has to be copied by hand.
    let by_hand = use_state(|| None::<AttrValue>);
    let (dialog, area_node) = (use_node_ref(), use_node_ref());

    use_effect_with(confirmed.clone(), |confirmed| {
        let timeout = confirmed.then(|| {
            let confirmed = confirmed.clone();
            Timeout::new(clock::millis(CONFIRMED), move || confirmed.set(false))
        });
        move || drop(timeout)
    });
    {
        let (dialog, area_node) = (dialog.clone(), area_node.clone());
        use_effect_with(by_hand.is_some(), move |shown| {
            if let (true, Some(area)) = (*shown, area_node.cast::<HtmlTextAreaElement>()) {
                open(&dialog);
                area.select();
            }
        });
    }

    let onclick = {
        let (text, confirmed, by_hand) = (props.text.clone(), confirmed.setter(), by_hand.setter());
        Callback::from(move |_: MouseEvent| {
            let (text, confirmed, by_hand) = (text.emit(()), confirmed.clone(), by_hand.clone());
            spawn_local(async move {
                if write_to_clipboard(&text).await {
                    confirmed.set(true);
                } else {
                    by_hand.set(Some(text));
                }
            });
        })
    };
    let on_done = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| close(&dialog))
    };
    // However it was closed: by its button or with Escape.
    let onclose = {
        let by_hand = by_hand.setter();
        Callback::from(move |_: Event| by_hand.set(None))
    };
    let Texts {
        icon,
        label,
        done,
        said,
        title,
        field,
    } = texts(props.what);

    html! {
        <>
            <button type="button" class={props.class} aria-label={label} {onclick}>
                { glyph(if *confirmed { Icon::Check } else { icon }) }
                <span class="button-text">{ if *confirmed { done } else { label } }</span>
            </button>
            <span class="visually-hidden" role="status" aria-label="Copying">{ confirmed.then_some(said) }</span>
            <dialog ref={dialog} class="dialog" aria-label={title} {onclose}>
                if let Some(text) = &*by_hand {
                    { words("h2", title) }
                    { words("p", page::COPY_BY_HAND) }
                    { area(field, &area_node, Some(text.clone())) }
                    { button("button primary", "Done", on_done) }
                }
            </dialog>
        </>
    }
}

/// What the button and its dialog look and sound like.
struct Texts {
    /// On the button.
    icon: Icon,
    /// On the button, which is called so.
    label: &'static str,
    /// On the button, once it worked.
    done: &'static str,
    /// Said once it worked.
    said: &'static str,
    /// Over the dialog.
    title: &'static str,
    /// What the dialog's box is called.
    field: &'static str,
}

fn texts(what: Copied) -> Texts {
    match what {
        Copied::Link => Texts {
            icon: Icon::Link,
            label: label::COPY_LINK,
            done: "Link copied",
            said: page::LINK_COPIED,
            title: "Copy this link by hand",
            field: "Link to this room",
        },
        Copied::Diagnostics => Texts {
            icon: Icon::Info,
            label: label::COPY_DIAGNOSTICS,
            done: "Diagnostics copied",
            said: page::DIAGNOSTICS_COPIED,
            title: "Copy the diagnostics by hand",
            field: "Diagnostics",
        },
    }
}
