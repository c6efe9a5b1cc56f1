//! Who is in the room.

use std::rc::Rc;

use client::{
    room::RoomState,
    words::{self, label, page},
};
use mesh::model::{Person, PersonState};
use shared::PeerId;
use yew::prelude::*;

use super::{
    avatar::avatar,
    icon::{Icon, glyph},
};

/// The list "People": we first, then who can be reached, then who is gone. `safety_number` gives the safety number between
/// us and someone.
pub fn people(
    state: &RoomState,
    whisper_to: Option<PeerId>,
    on_whisper: &Callback<PeerId>,
    safety_number: &Callback<PeerId, String>,
) -> Html {
    html! {
        // The role is the list's own, but some browsers drop it when the bullets are styled away.
        <ul class="people" role="list" aria-label={label::PEOPLE}>
            <li class="person own" key="me">
                { avatar(&state.me, Some(&state.my_name)) }
                <div class="person-text">
                    <p class="person-name"><bdi>{ &state.my_name }</bdi>{ " " }<span class="person-you">{ "(you)" }</span></p>
                    <p class="person-state here">{ words::person_state(PersonState::Here) }</p>
                </div>
                <p class="fingerprint" title="Your fingerprint">{ state.me.fingerprint() }</p>
            </li>
            { for state.people_in_order().into_iter().map(|person| {
                let peer = person.peer;
                html! {
                    <PersonItem
                        key={peer.to_text()}
                        label={state.name_of(&peer)}
                        whispering={whisper_to == Some(peer)}
                        on_whisper={on_whisper.clone()}
                        safety_number={safety_number.clone()}
                        {person}
                    />
                }
            }) }
        </ul>
    }
}

/// Properties of [`PersonItem`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct PersonItemProps {
    /// Who.
    pub person: Rc<Person>,
    /// What to call them.
    pub label: AttrValue,
    /// Whether the message box whispers to them.
    pub whispering: bool,
    /// Called with whom to whisper to.
    pub on_whisper: Callback<PeerId>,
    /// Gives the safety number between us and someone.
    pub safety_number: Callback<PeerId, String>,
}

/// One person of the list.
#[component]
pub fn PersonItem(props: &PersonItemProps) -> Html {
    let PersonItemProps { person, label, .. } = props;
    let peer = person.peer;
    let class = state_class(person.state);
    let through_others = (person.state == PersonState::Here && !person.linked).then_some(page::THROUGH_OTHERS);
    // Without the fingerprint that the label may carry: it stands right below.
    let shown_name = person.name.as_deref().unwrap_or("Someone new");
    // Computed once asked for: it takes two hashes a person.
    let opened = use_state(|| false);
    let ontoggle = use_callback((), {
        let opened = opened.setter();
        move |_: Event, ()| opened.set(true)
    });
    html! {
        <li class={classes!("person", props.whispering.then_some("whispering"))}>
            { avatar(&peer, person.name.as_deref()) }
            <div class="person-text">
                <p class="person-name"><bdi>{ shown_name }</bdi></p>
                <p class={classes!("person-state", class)} title={through_others}>{ words::person_state(person.state) }</p>
            </div>
            <button
                type="button"
                class="button small whisper"
                aria-label={words::whisper_to(label)}
                aria-pressed={if props.whispering { "true" } else { "false" }}
                onclick={props.on_whisper.reform(move |_: MouseEvent| peer)}
            >
                { glyph(Icon::Whisper) }
                { "Whisper" }
            </button>
            <details class="verify" {ontoggle}>
                <summary>
                    <span class="fingerprint" title="Fingerprint">{ peer.fingerprint() }</span>
                    <span class="verify-link">{ "Safety number" }</span>
                </summary>
                if *opened {
                    <p class="safety-number" dir="ltr">{ props.safety_number.emit(peer) }</p>
                    <p class="verify-help">
                        { page::SAFETY_NUMBER_HELP }
                    </p>
                }
            </details>
        </li>
    }
}

fn state_class(state: PersonState) -> &'static str {
    match state {
        PersonState::Here => "here",
        PersonState::Connecting | PersonState::Reconnecting => "busy",
        PersonState::Gone | PersonState::Left => "away",
    }
}
