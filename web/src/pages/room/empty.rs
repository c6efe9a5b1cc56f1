//! A room in which nothing was said yet.

use client::{standing::MeshStanding, words::page};
use yew::prelude::*;

use super::{topbar::kind, view::RoomViewProps};
use crate::components::invite::RoomLink;

/// Before the first message: what to do next.
pub(super) fn nothing_yet(props: &RoomViewProps) -> Html {
    if !props.state.messages.is_empty() {
        return html! {};
    }
    if props.state.closed {
        return html! { <p class="nothing-yet nothing-title">{ page::CLOSED_EMPTY }</p> };
    }
    let alone = |title| {
        html! {
            <div class="nothing-yet">
                <p class="nothing-title">{ title }</p>
                <p>{ page::ALONE_HELP }</p>
                <RoomLink link={props.link.clone()} />
                <p class="aside">{ page::ALONE_ASIDE }</p>
                <p class="aside">{ kind(props).1 }</p>
            </div>
        }
    };
    let (title, help) = match props.standing.mesh {
        MeshStanding::Alone => return alone(page::ALONE_TITLE),
        // A moment as a rule: more of the page changes only when it is known how it ends.
        MeshStanding::Connecting { .. } => return alone(page::CONNECTING_TITLE),
        // Somebody who reaches both would connect them.
        MeshStanding::Blocked => return alone(page::BLOCKED_TITLE),
        MeshStanding::Connected { .. } => (page::TOGETHER_TITLE, page::TOGETHER_HELP),
    };
    html! {
        <div class="nothing-yet">
            <div class="flock small" aria-hidden="true" />
            <p class="nothing-title">{ title }</p>
            <p>{ help }</p>
        </div>
    }
}
