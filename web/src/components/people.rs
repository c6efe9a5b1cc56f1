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
                <div class="person-head">
                    { avatar(&state.me, Some(&state.my_name)) }
                    <p class="person-name"><bdi>{ &state.my_name }</bdi>{ " " }<span class="person-you">{ "(you)" }</span></p>
                    { standing(state.me, PersonState::Here, None) }
                </div>
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
            <details {ontoggle}>
                <summary class="person-head">
                    { avatar(&peer, person.name.as_deref()) }
                    <p class="person-name"><bdi>{ shown_name }</bdi></p>
                    { standing(peer, person.state, through_others) }
                    <span class="visually-hidden">{ label::SAFETY_NUMBER }</span>
                </summary>
                if *opened {
                    <p class="verify-title">{ label::SAFETY_NUMBER }{ " with " }<bdi>{ label }</bdi></p>
                    <p class="safety-number" dir="ltr">{ props.safety_number.emit(peer) }</p>
                    <p class="verify-help">
                        { page::SAFETY_NUMBER_HELP }
                    </p>
                }
            </details>
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
        </li>
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
