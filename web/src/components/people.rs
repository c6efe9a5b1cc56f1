//! Who is in the room.

use std::rc::Rc;

use client::{
    room::RoomState,
    words::{self, label, page},
};
use mesh::model::{Person, PersonState};
use shared::PeerId;
use yew::prelude::*;

use crate::config::AWAY_SHOWN;

use super::{
    avatar::avatar,
    element::{button, element, icon_button},
    icon::Icon,
};

/// Properties of [`People`].
#[derive(Debug, Clone, Properties)]
pub struct PeopleProps {
    /// The room.
    pub state: Rc<RoomState>,
    /// To whom the message box whispers.
    pub whisper_to: Option<PeerId>,
    /// Called with whom to whisper to. The same for as long as the room is shown.
    pub on_whisper: Callback<Option<PeerId>>,
    /// Called with whom to tell more of. The same for as long as the room is shown.
    pub on_about: Callback<PeerId>,
}

/// Whether the same is to be drawn: a message is no reason to draw everybody anew.
impl PartialEq for PeopleProps {
    fn eq(&self, other: &Self) -> bool {
        self.state.people == other.state.people
            && self.state.marks == other.state.marks
            && self.state.my_name == other.state.my_name
            && self.whisper_to == other.whisper_to
    }
}

/// The list "People": we first, then who can be reached, then who is gone, and who is away. Of many who are away only some at first.
#[component]
pub fn People(props: &PeopleProps) -> Html {
    let PeopleProps {
        state,
        whisper_to,
        on_whisper,
        on_about,
    } = props;
    let person = |person: Rc<Person>| {
        let peer = person.peer;
        let label = state.name_of(&peer);
        let whispering = *whisper_to == Some(peer);
        let through_others = (person.state == PersonState::Here && !person.linked).then_some(page::THROUGH_OTHERS);
        let mark = state.mark_of(&peer);
        let marks = [
            (person.archive, page::KEEPS_ROOM),
            (mark.muted, label::MUTED),
            (mark.verified, label::VERIFIED),
        ];
        // Without the fingerprint that the label may carry: it stands right below.
        let name = person.name.as_deref().unwrap_or("Someone new");
        html! {
            <li class={classes!("person", whispering.then_some("whispering"))} key={peer.to_text()}>
                { avatar(&peer, person.name.as_deref()) }
                <p class="person-name" title={name.to_owned()}><bdi>{ name }</bdi></p>
                { standing(peer, person.state, through_others, &marks) }
                <button
                    type="button"
                    class="button small whisper"
                    aria-label={words::whisper_to(&label)}
                    aria-pressed={if whispering { "true" } else { "false" }}
                    onclick={on_whisper.reform(move |_: MouseEvent| Some(peer))}
                >
                    { "Whisper" }
                </button>
                { icon_button(Icon::Info, words::about(&label).into(), on_about.reform(move |_: MouseEvent| peer)) }
            </li>
        }
    };
    let is_open = use_state_eq(|| false);
    let (mut people, first_away) = state.people_in_order();
    let more = people.len().saturating_sub(first_away + AWAY_SHOWN);
    let toggle = (more > 0).then(|| {
        let label = if *is_open {
            page::FEWER_AWAY.into()
        } else {
            page::more_away(more)
        };
        let is_open = is_open.clone();
        button("button small", label, Callback::from(move |_| is_open.set(!*is_open)))
    });
    if !*is_open {
        people.truncate(first_away + AWAY_SHOWN);
    }
    html! {
        <>
            // The role is the list's own, but some browsers drop it when the bullets are styled away.
            <ul class="people" role="list" aria-label={label::PEOPLE}>
                <li class="person own" key="me">
                    { avatar(&state.me, Some(&state.my_name)) }
                    <p class="person-name"><bdi>{ &state.my_name }</bdi>{ " " }<span class="person-you">{ "(you)" }</span></p>
                    { standing(state.me, PersonState::Here, None, &[]) }
                </li>
                { for people.into_iter().map(person) }
            </ul>
            { toggle }
        </>
    }
}

/// How it stands with someone, and by what they are told apart from others of their name.
fn standing(peer: PeerId, state: PersonState, title: Option<&'static str>, marks: &[(bool, &'static str)]) -> Html {
    let marks = marks.iter().filter(|(is_set, _)| *is_set);
    html! {
        <p class="person-standing">
            <span class={classes!("person-state", state_class(state))} {title}>{ words::person_state(state) }</span>
            { " " }
            { for marks.map(|(_, label)| element("span", "person-mark", html! { <>{ *label }{ " " }</> })) }
            <span class="fingerprint" title="Fingerprint">{ peer.fingerprint() }</span>
        </p>
    }
}

fn state_class(state: PersonState) -> &'static str {
    match state {
        PersonState::Here => "here",
        PersonState::Connecting | PersonState::Reconnecting => "busy",
        PersonState::OutOfReach { .. } => "blocked",
        PersonState::Gone | PersonState::Left | PersonState::Away => "away",
    }
}
