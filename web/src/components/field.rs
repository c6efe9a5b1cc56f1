//! A text field with its label, its help and what is wrong with it.

use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Field`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct FieldProps {
    /// Unique on the page; its help and error are `ID-help` and `ID-error`.
    pub id: AttrValue,
    /// The accessible name.
    pub label: AttrValue,
    /// What is in it.
    pub value: AttrValue,
    /// Said below it.
    #[prop_or_default]
    pub help: Option<AttrValue>,
    /// What is wrong with it.
    #[prop_or_default]
    pub error: Option<AttrValue>,
    /// As in HTML.
    #[prop_or_default]
    pub autocomplete: Option<AttrValue>,
    /// The element, to focus it.
    pub node: NodeRef,
    /// Called with each change.
    pub on_input: Callback<String>,
    /// As in HTML.
    #[prop_or_default]
    pub onkeydown: Option<Callback<KeyboardEvent>>,
}

/// A labelled one-line text field.
#[component]
pub fn Field(props: &FieldProps) -> Html {
    let (help_id, error_id) = (format!("{}-help", props.id), format!("{}-error", props.id));
    let described_by = match (&props.error, &props.help) {
        (Some(_), Some(_)) => Some(format!("{error_id} {help_id}")),
        (Some(_), None) => Some(error_id.clone()),
        (None, Some(_)) => Some(help_id.clone()),
        (None, None) => None,
    };
    let oninput = {
        let on_input = props.on_input.clone();
        Callback::from(move |event: InputEvent| {
            on_input.emit(event.target_unchecked_into::<HtmlInputElement>().value())
        })
    };
    html! {
        <div class="field">
            <label for={props.id.clone()}>{ &props.label }</label>
            <input
                id={props.id.clone()}
                ref={props.node.clone()}
                type="text"
                dir="auto"
                value={props.value.clone()}
                autocomplete={props.autocomplete.clone()}
                spellcheck="false"
                aria-invalid={props.error.is_some().then_some("true")}
                aria-describedby={described_by}
                {oninput}
                onkeydown={props.onkeydown.clone()}
            />
            if let Some(error) = &props.error {
                <p id={error_id} class="field-error">{ error }</p>
            }
            if let Some(help) = &props.help {
                <p id={help_id} class="field-help">{ help }</p>
            }
        </div>
    }
}

/// Puts the cursor into the element.
pub fn focus(node: &NodeRef) {
    if let Some(element) = node.cast::<web_sys::HtmlElement>() {
        // Fails only for elements that are not in the page any more.
        let _ = element.focus();
    }
}
