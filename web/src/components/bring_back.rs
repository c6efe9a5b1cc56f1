//! The part of the sheet "Export" by which a file comes back.

use client::words::keeping::{IMPORT, IMPORTING};
use web_sys::File;
use yew::prelude::*;

use super::field::file_field;

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
    let on_file = {
        let (on_import, said) = (props.on_import.clone(), said.setter());
        Callback::from(move |file| {
            said.set(Some(IMPORTING.into()));
            let said = said.clone();
            on_import.emit((file, Callback::from(move |words| said.set(Some(words)))));
        })
    };
    html! {
        <>
            { file_field(IMPORT, ".json", on_file) }
            if let Some(said) = &*said {
                <p role="status">{ said }</p>
            }
        </>
    }
}
