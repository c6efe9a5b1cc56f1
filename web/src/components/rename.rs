//! Another name, for oneself or for the room, and what the room is about.

use client::{validate, words};
use mesh::model::SendError;
use yew::prelude::*;

use super::{
    element::button,
    field::{Field, field},
};

/// What is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// A name.
    Name,
    /// What the room is about.
    Topic,
}

impl Given {
    /// What others can be shown, or what is wrong with it, in words.
    fn check(self, text: &str) -> Result<String, String> {
        match self {
            Self::Name => validate::name(text).map_err(words::name_error),
            Self::Topic => validate::topic(text).map_err(words::topic_error),
        }
    }
}

/// Properties of [`Rename`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct RenameProps {
    /// What is given.
    pub given: Given,
    /// What the field is called.
    pub label: &'static str,
    /// Said below it.
    pub help: &'static str,
    /// What it is until now.
    pub name: String,
    /// Takes what is valid.
    pub on_name: Callback<String, Result<(), SendError>>,
    /// Called once it was taken.
    pub on_done: Callback<()>,
}

/// A field for it, and the button that takes it.
#[component]
pub fn Rename(props: &RenameProps) -> Html {
    let name = use_state(|| props.name.clone());
    let error = use_state(|| None::<AttrValue>);
    let onsubmit = {
        let (name, error) = (name.clone(), error.setter());
        let (on_name, on_done, given) = (props.on_name.clone(), props.on_done.clone(), props.given);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let refused = match given.check(&name).map(|name| on_name.emit(name)) {
                Ok(Ok(())) => return on_done.emit(()),
                Ok(Err(error)) => words::rename_error(error).into_owned(),
                Err(words) => words,
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
