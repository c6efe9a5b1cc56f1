//! Text fields with their labels, their help and what is wrong with them.

use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use crate::js;

/// What makes a text field.
#[derive(Debug)]
pub struct Field {
    /// Unique on the page; its help and error are `ID-help` and `ID-error`.
    pub id: &'static str,
    /// The accessible name.
    pub label: &'static str,
    /// What is in it.
    pub value: String,
    /// Said below it.
    pub help: &'static str,
    /// What is wrong with it.
    pub error: Option<AttrValue>,
    /// As in HTML.
    pub autocomplete: &'static str,
    /// The element, to focus it.
    pub node: NodeRef,
    /// Called with each change.
    pub on_input: Callback<String>,
    /// As in HTML.
    pub onkeydown: Option<Callback<KeyboardEvent>>,
}

/// A labelled box that lets the person choose a file. `accept`: as in HTML.
pub fn file_field(label: &'static str, accept: &'static str, on_file: Callback<File>) -> Html {
    let onchange = Callback::from(move |event: Event| {
        let chosen = event.target_unchecked_into::<HtmlInputElement>();
        let file = js::files_of(&chosen).into_iter().next();
        // Else the same file could not be chosen again.
        chosen.set_value("");
        if let Some(file) = file {
            on_file.emit(file);
        }
    });
    html! { <label class="field">{ label }<input type="file" {accept} {onchange} /></label> }
}

/// A labelled one-line text field.
pub fn field(field: Field) -> Html {
    let (help_id, error_id) = (format!("{}-help", field.id), format!("{}-error", field.id));
    let described_by = match &field.error {
        Some(_) => format!("{error_id} {help_id}"),
        None => help_id.clone(),
    };
    let on_input = field.on_input;
    let oninput = Callback::from(move |event: InputEvent| {
        on_input.emit(event.target_unchecked_into::<HtmlInputElement>().value())
    });
    html! {
        <div class="field">
            <label for={field.id}>{ field.label }</label>
            <input
                id={field.id}
                ref={field.node}
                type="text"
                dir="auto"
                value={field.value}
                autocomplete={field.autocomplete}
                spellcheck="false"
                aria-invalid={field.error.is_some().then_some("true")}
                aria-describedby={described_by}
                {oninput}
                onkeydown={field.onkeydown}
            />
            if let Some(error) = field.error {
                <p id={error_id} class="field-error">{ error }</p>
            }
            <p id={help_id} class="field-help">{ field.help }</p>
        </div>
    }
}

/// A box to paste into or, with `text`, to copy from.
pub fn area(label: &'static str, node: &NodeRef, text: Option<AttrValue>) -> Html {
    let is_shown = text.is_some();
    let lines = text.as_deref().map_or(0, |text| text.lines().count());
    html! {
        <label class="field">
            { label }
            <textarea
                ref={node}
                rows={lines.clamp(3, 8).to_string()}
                dir="ltr"
                spellcheck="false"
                autocomplete="off"
                aria-label={label}
                readonly={is_shown}
                value={text}
            />
        </label>
    }
}

/// Puts the cursor into the element.
pub fn focus(node: &NodeRef) {
    if let Some(element) = node.cast::<web_sys::HtmlElement>() {
        // Fails only for elements that are not in the page any more.
        let _ = element.focus();
    }
}
