//! Moving a room: its founder makes a new one, and whispers its link to those who are to come along. It is the way to be rid of somebody.

use std::rc::Rc;

use client::{
    room::RoomState,
    words::{label, page},
};
use mesh::model::PersonState;
use shared::PeerId;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::components::element::{button, words};

/// Properties of [`MoveRoom`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub(super) struct MoveRoomProps {
    /// The room.
    pub(super) state: Rc<RoomState>,
    /// Called with those who are to come along.
    pub(super) on_move: Callback<Vec<PeerId>>,
    /// Called if nobody is to move.
    pub(super) on_cancel: Callback<()>,
}

/// Who comes along: at first everybody who is here and not muted.
#[component]
pub(super) fn MoveRoom(props: &MoveRoomProps) -> Html {
    let state = &props.state;
    let chosen = use_state(|| -> Vec<PeerId> {
        let here = state.people.iter().filter(|person| person.state == PersonState::Here);
        let peers = here.map(|person| person.peer);
        peers.filter(|peer| !state.mark_of(peer).muted).collect()
    });
    let one = |peer: PeerId| {
        let onchange = {
            let chosen = chosen.clone();
            Callback::from(move |event: Event| {
                let mut peers = (*chosen).clone();
                peers.retain(|other| *other != peer);
                if event.target_unchecked_into::<HtmlInputElement>().checked() {
                    peers.push(peer);
                }
                chosen.set(peers);
            })
        };
        html! {
            <label key={peer.to_text()}>
                <input type="checkbox" checked={chosen.contains(&peer)} {onchange} />
                { words("bdi", state.name_of(&peer)) }
            </label>
        }
    };
    let onsubmit = {
        let (chosen, on_move) = (chosen.clone(), props.on_move.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            on_move.emit((*chosen).clone());
        })
    };
    html! {
        <form class="entry" {onsubmit}>
            { words("p", page::MOVE_HELP) }
            <fieldset class="choice">
                { words("legend", label::MOVE_WHO) }
                { for state.people.iter().map(|person| one(person.peer)) }
                if state.people.is_empty() {
                    { words("p", page::MOVE_ALONE) }
                }
            </fieldset>
            <button type="submit" class="button primary">{ label::MOVE_ROOM }</button>
            { button("button", label::CANCEL, props.on_cancel.reform(|_: MouseEvent| ())) }
        </form>
    }
}
