//! What stands over a room: what it is called, what can be done with it, and the way on where something is wrong.

use client::{
    standing::{Blocked, ServerStanding},
    words::{self, label, page},
};
use mesh::model::{Obstacle, Vanish};
use yew::prelude::*;

use super::{sheet::Sheet, view::RoomViewProps};
use crate::components::{
    brand::mark,
    element::{button, icon_button},
    icon::{Icon, glyph},
};

/// The room's name and what can be done with the room.
pub(super) fn topbar(
    props: &RoomViewProps,
    people_open: &UseStateHandle<bool>,
    toggle: &NodeRef,
    show: &Callback<Option<Sheet>>,
) -> Html {
    let state = &props.state;
    let toggle_people = {
        let people_open = people_open.clone();
        Callback::from(move |_: MouseEvent| people_open.set(!*people_open))
    };
    let goes_to = |sheet| show.reform(move |_: MouseEvent| Some(sheet));
    html! {
        <header class="topbar" inert={**people_open}>
            { mark() }
            { title(props) }
            <button
                ref={toggle.clone()}
                type="button"
                class="button people-toggle"
                aria-expanded={people_open.to_string()}
                aria-controls="people-panel"
                onclick={toggle_people}
            >
                { glyph(Icon::People) }
                // Part of the button's name, also where there is no room to show it.
                <span class="visually-hidden">{ "People, here now: " }</span>
                { state.present() }
            </button>
            if !state.is_over() {
                { button("button primary", label::INVITE, goes_to(Sheet::Invite)) }
            }
            { icon_button(Icon::More, label::ROOM_MENU.into(), goes_to(Sheet::Menu)) }
        </header>
    }
}

/// Who can come in.
pub(super) fn kind(props: &RoomViewProps) -> (Icon, &'static str) {
    if props.is_open {
        (Icon::Open, page::OPEN_ROOM_KIND)
    } else {
        (Icon::Lock, page::PRIVATE_ROOM_KIND)
    }
}

fn title(props: &RoomViewProps) -> Html {
    let (icon, kind) = kind(props);
    html! {
        <h1 title={kind}>
            { glyph(icon) }
            <bdi>{ name(props).unwrap_or(page::PRIVATE_ROOM) }</bdi>
            if props.state.vanish != Vanish::Never {
                { " " }
                <small>{ words::keeping::vanish_short(props.state.vanish) }</small>
            }
        </h1>
    }
}

/// What the room is called, if anything.
pub(super) fn name(props: &RoomViewProps) -> Option<&str> {
    props.state.name.as_deref().or(props.name.as_deref())
}

/// The button that leads on where something is wrong: in without a server, where one is of no use; to what is in the way of others.
pub(super) fn way_out(props: &RoomViewProps, show: &Callback<Option<Sheet>>) -> Html {
    // Where the other page sleeps, nothing here is to be checked.
    let is_asleep = |blocked: Blocked| blocked.obstacle == Some(Obstacle::NoAnswer);
    let (label, sheet) = match props.standing.server {
        ServerStanding::Registered if props.standing.blocked.is_none_or(is_asleep) => return html! {},
        ServerStanding::Registered => (label::CHECK_CONNECTION, Sheet::Check),
        ServerStanding::RoomClosed | ServerStanding::Left => return html! {},
        ServerStanding::Looking | ServerStanding::Lost | ServerStanding::Stopped => {
            (label::WITHOUT_SERVER, Sheet::ByHand)
        }
    };
    button("button small", label, show.reform(move |_: MouseEvent| Some(sheet)))
}
