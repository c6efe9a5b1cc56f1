//! Another name, for oneself or for the room.

use client::{validate, words};
use mesh::model::SendError;
use yew::prelude::*;

use super::{
    element::button,
    field::{Field, field},
};

/// Properties of [`Rename`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct RenameProps {
    /// What the field is called.
    pub label: &'static str,
    /// Said below it.
    pub help: &'static str,
    /// The name until now.
    pub name: String,
    /// Takes a valid name.
    pub on_name: Callback<String, Result<(), SendError>>,
    /// Called once it was taken.
    pub on_done: Callback<()>,
}

/// A field for a name, and the button that takes it.
#[component]
pub fn Rename(props: &RenameProps) -> Html {
    let name = use_state(|| props.name.clone());
    let error = use_state(|| None::<AttrValue>);
    let onsubmit = {
        let (name, error) = (name.clone(), error.setter());
        let (on_name, on_done) = (props.on_name.clone(), props.on_done.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let refused = match validate::name(&name).map(|name| on_name.emit(name)) {
                Ok(Ok(())) => return on_done.emit(()),
                Ok(Err(error)) => words::rename_error(error).into_owned(),
                Err(error) => words::name_error(error),
            };
            error.set(Some(refused.into()));
        })
    };
    let on_input = {
        let (name, error) = (name.setter(), error.setter());
        Callback::from(move |text| {
            name.set(text);
            error.set(None);
        })
    };
    html! {
        <form class="entry" novalidate=true {onsubmit}>
            { field(Field {
                id: "new-name",
                label: props.label,
                value: (*name).clone(),
                help: props.help,
                error: (*error).clone(),
                autocomplete: "off",
                node: NodeRef::default(),
                on_input,
                onkeydown: None,
            }) }
            <button type="submit" class="button primary">{ "Save" }</button>
            { button("button", "Cancel", props.on_done.reform(|_: MouseEvent| ())) }
        </form>
    }
}
