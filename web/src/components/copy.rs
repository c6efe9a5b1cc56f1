//! A text to be copied.

use client::notice::NoticeKind;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::{element::button, field::area, notice::notice_view};
use crate::js;

/// Properties of [`CopyBox`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct CopyBoxProps {
    /// What the box is called.
    pub field: &'static str,
    /// What the button is called.
    pub label: &'static str,
    /// What is in the box.
    pub text: AttrValue,
    /// What stands beside the button.
    #[prop_or_default]
    pub children: Html,
}

/// A box with a text, and a button that copies it. Where the page may not use the clipboard, the text is selected, for the person to copy.
#[component]
pub fn CopyBox(props: &CopyBoxProps) -> Html {
    let said = use_state(|| None::<NoticeKind>);
    let node = use_node_ref();
    {
        // It was said of the text before.
        let said = said.setter();
        use_effect_with(props.text.clone(), move |_| said.set(None));
    }
    let onclick = {
        let (said, node) = (said.setter(), node.clone());
        Callback::from(move |_: MouseEvent| {
            let Some(area) = node.cast::<HtmlTextAreaElement>() else {
                return;
            };
            area.select();
            let said = said.clone();
            spawn_local(async move {
                let copied = write_to_clipboard(&area.value()).await;
                said.set(Some(if copied {
                    NoticeKind::Copied
                } else {
                    NoticeKind::Selected
                }));
            });
        })
    };
    html! {
        <div class="copy-box">
            { area(props.field, &node, Some(props.text.clone())) }
            <div class="actions">
                { button("button primary", props.label, onclick) }
                { props.children.clone() }
            </div>
            if let Some(said) = &*said {
                { notice_view(&said.clone().into(), None, &Callback::noop(), None) }
            }
        </div>
    }
}

/// Whether `text` is on the clipboard now.
pub async fn write_to_clipboard(text: &str) -> bool {
    let clipboard = js::window().navigator().clipboard();
    // Missing outside secure contexts, whatever the type says.
    if AsRef::<JsValue>::as_ref(&clipboard).is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
