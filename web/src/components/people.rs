//! Who is in the room.

use std::rc::Rc;

use client::{
    room::RoomState,
    words::{self, label, page},
};
use mesh::model::{Person, PersonState};
use shared::PeerId;
use yew::prelude::*;

use super::{avatar::avatar, element::icon_button, icon::Icon};

/// The list "People": we first, then who can be reached, then who is gone. `on_about` is called with whom to tell more of.
pub fn people(
    state: &RoomState,
    whisper_to: Option<PeerId>,
    on_whisper: &Callback<PeerId>,
    on_about: &Callback<PeerId>,
) -> Html {
    let person = |person: Rc<Person>| {
        let peer = person.peer;
        let label = state.name_of(&peer);
        let whispering = whisper_to == Some(peer);
        let through_others = (person.state == PersonState::Here && !person.linked).then_some(page::THROUGH_OTHERS);
        // Without the fingerprint that the label may carry: it stands right below.
        let name = person.name.as_deref().unwrap_or("Someone new");
        html! {
            <li class={classes!("person", whispering.then_some("whispering"))} key={peer.to_text()}>
                { avatar(&peer, person.name.as_deref()) }
                <p class="person-name"><bdi>{ name }</bdi></p>
                { standing(peer, person.state, through_others) }
                <button
                    type="button"
                    class="button small whisper"
                    aria-label={words::whisper_to(&label)}
                    aria-pressed={if whispering { "true" } else { "false" }}
                    onclick={on_whisper.reform(move |_: MouseEvent| peer)}
                >
                    { "Whisper" }
                </button>
                { icon_button(Icon::Info, words::about(&label).into(), on_about.reform(move |_: MouseEvent| peer)) }
            </li>
        }
    };
    html! {
        // The role is the list's own, but some browsers drop it when the bullets are styled away.
        <ul class="people" role="list" aria-label={label::PEOPLE}>
            <li class="person own" key="me">
                { avatar(&state.me, Some(&state.my_name)) }
                <p class="person-name"><bdi>{ &state.my_name }</bdi>{ " " }<span class="person-you">{ "(you)" }</span></p>
                { standing(state.me, PersonState::Here, None) }
            </li>
            { for state.people_in_order().into_iter().map(person) }
        </ul>
    }
}

/// How it stands with someone, and by what they are told apart from others of their name.
fn standing(peer: PeerId, state: PersonState, title: Option<&'static str>) -> Html {
    html! {
        <p class="person-standing">
            <span class={classes!("person-state", state_class(state))} {title}>{ words::person_state(state) }</span>
            { " " }
            <span class="fingerprint" title="Fingerprint">{ peer.fingerprint() }</span>
        </p>
    }
}

fn state_class(state: PersonState) -> &'static str {
    match state {
        PersonState::Here => "here",
        PersonState::Connecting | PersonState::Reconnecting => "busy",
        PersonState::Gone | PersonState::Left => "away",
    }
}
