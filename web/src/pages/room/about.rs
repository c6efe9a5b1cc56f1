//! The sheet that tells of somebody: who they are, how they are reached, and what the person thinks of them.

use client::{
    marks::Mark,
    standing::through,
    text::isolate,
    words::{
        check::{out_of_reach, technical},
        label, page, person_state,
    },
};
use mesh::model::PersonState;
use shared::PeerId;
use yew::prelude::*;

use super::{sheet::title, view::RoomViewProps};
use crate::components::element::{button, words};

/// Who somebody is, and how they are reached.
pub(super) fn about(props: &RoomViewProps, peer: PeerId) -> Html {
    html! {
        <>
            { title(props.state.name_of(&peer)) }
            { words("p", how_reached(props, &peer)) }
            <p class="aside">{ "Fingerprint " }<span class="fingerprint">{ peer.fingerprint() }</span></p>
            { words("h3", label::SAFETY_NUMBER) }
            <p class="safety-number" dir="ltr">{ props.safety_number.emit(peer) }</p>
            <p class="aside">{ page::SAFETY_NUMBER_HELP }</p>
            { mark(props, peer) }
        </>
    }
}

/// What the person thinks of somebody.
fn mark(props: &RoomViewProps, peer: PeerId) -> Html {
    let mark = props.state.mark_of(&peer);
    let set = |label, mark| button("button", label, props.on_mark.reform(move |_: MouseEvent| (peer, mark)));
    let verified = if mark.verified {
        label::UNMARK_VERIFIED
    } else {
        label::MARK_VERIFIED
    };
    let muted = if mark.muted { label::UNMUTE } else { label::MUTE };
    html! {
        <>
            { set(verified, Mark { verified: !mark.verified, ..mark }) }
            { set(muted, Mark { muted: !mark.muted, ..mark }) }
            if mark.muted {
                <p class="aside">{ page::MUTE_HELP }</p>
            }
        </>
    }
}

/// How somebody is reached, or why not.
fn how_reached(props: &RoomViewProps, peer: &PeerId) -> AttrValue {
    let Some(person) = props.state.person(peer) else {
        return AttrValue::default();
    };
    match person.state {
        PersonState::OutOfReach { obstacle } => {
            let why = out_of_reach(&isolate(&props.state.name_of(peer)), obstacle);
            (why + technical(obstacle)).into()
        }
        PersonState::Here if !person.linked => {
            let network = props.network.as_deref();
            let first = network.and_then(|network| through(network, &props.state.me, peer));
            first.map_or(page::THROUGH_OTHERS.into(), |first| {
                page::through(&props.state.name_of(&first)).into()
            })
        }
        state @ (PersonState::Connecting
        | PersonState::Here
        | PersonState::Reconnecting
        | PersonState::Gone
        | PersonState::Left
        | PersonState::Away) => person_state(state).into(),
    }
}
