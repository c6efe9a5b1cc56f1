//! The part of the sheet "Export" by which a file comes back.

use client::words::keeping::{IMPORT, IMPORTING};
use web_sys::File;
use yew::prelude::*;

use crate::js;

/// Properties of [`BringBack`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct BringBackProps {
    /// Takes a file, and calls back with what came of it, in words.
    pub on_import: Callback<(File, Callback<AttrValue>)>,
}

/// See the [module documentation](self).
#[component]
pub fn BringBack(props: &BringBackProps) -> Html {
    let said = use_state(|| None::<AttrValue>);
    let onchange = {
        let (on_import, said) = (props.on_import.clone(), said.setter());
        Callback::from(move |event: Event| {
            let target = event.target().map(Into::into).unwrap_or_default();
            if let Some(file) = js::files_of(&target).into_iter().next() {
                said.set(Some(IMPORTING.into()));
                let said = said.clone();
                on_import.emit((file, Callback::from(move |words| said.set(Some(words)))));
            }
        })
    };
    html! {
        <>
            <label class="field">{ IMPORT }<input type="file" accept=".json" {onchange} /></label>
            if let Some(said) = &*said {
                <p role="status">{ said }</p>
            }
        </>
    }
}
