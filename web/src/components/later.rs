//! What is shown in the place of a part of the page that is not there yet.

use client::words::page::{PART_COMING, PART_MISSING};
use yew::prelude::*;

use super::element::words;
use crate::later::{Later, Part, use_later};

/// That the later part is on its way, or why it is not there.
pub fn waiting(later: Later) -> Html {
    match later {
        Later::Here(_) => html! {},
        Later::Coming => html! { <p role="status">{ PART_COMING }</p> },
        Later::Missing => html! { <p role="alert">{ PART_MISSING }</p> },
    }
}

/// Properties of [`Fold`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct FoldProps {
    /// The class of the element.
    pub class: &'static str,
    /// What stands over it.
    pub title: &'static str,
    /// What is in it.
    pub content: Callback<Part, Html>,
}

/// A part of the page that is folded up at first, and comes later.
#[component]
pub fn Fold(props: &FoldProps) -> Html {
    let opened = use_state(|| 0_u32);
    // Opened once more it is asked for once more.
    let later = use_later((*opened > 0).then_some(*opened));
    let ontoggle = {
        let opened = opened.clone();
        Callback::from(move |_: Event| {
            if later.part().is_none() {
                opened.set(opened.wrapping_add(1));
            }
        })
    };
    html! {
        <details class={props.class} {ontoggle}>
            { words("summary", props.title) }
            { later.part().map_or_else(|| waiting(later), |part| props.content.emit(part)) }
        </details>
    }
}
