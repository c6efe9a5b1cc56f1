//! What is shown in the place of a part of the page that is not there yet.

use client::words::page::{PART_COMING, PART_MISSING};
use yew::prelude::*;

use crate::later::Later;

/// That the later part is on its way, or why it is not there.
pub fn waiting(later: Later) -> Html {
    match later {
        Later::Here(_) => html! {},
        Later::Coming => html! { <p role="status">{ PART_COMING }</p> },
        Later::Missing => html! { <p role="alert">{ PART_MISSING }</p> },
    }
}
