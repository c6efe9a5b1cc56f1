//! What a person is told of a room while they look elsewhere.

use std::{cell::Cell, rc::Rc};

use client::{
    telling::Told,
    words::{label, notifications},
};
use shared::RoomCode;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::{
    appearance::{Setting, quiet_hours, set_quiet_hours},
    components::{choice::Choice, element::words},
    rooms,
    telling::{self, Asked, OnTold},
};

/// What gives of which messages of a room the person is told, and what is called with another choice.
#[hook]
pub(super) fn use_told(code: &RoomCode) -> (Callback<(), Told>, OnTold) {
    let told = use_callback(code.clone(), |(), code| {
        rooms::find(code).map_or(Told::Nothing, |room| room.told)
    });
    let choices = use_memo((), |()| Cell::new(0_u64));
    let on_told = use_callback(code.clone(), move |(told, answer): (Told, Callback<Asked>), code| {
        let code = code.clone();
        // The browser may have been asked about an earlier choice, and be answered later.
        let number = choices.get() + 1;
        choices.set(number);
        let choices = Rc::clone(&choices);
        spawn_local(async move {
            let is_wanted = || choices.get() == number;
            if let Some(asked) = telling::choose(&code, told, is_wanted).await {
                answer.emit(asked);
            }
        });
    });
    (told, on_told)
}

/// Properties of [`Notifications`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub(super) struct NotificationsProps {
    /// Gives what was chosen for this room.
    pub(super) told: Callback<(), Told>,
    /// Called with what is chosen, and with what is to be called with what became of that.
    pub(super) on_told: OnTold,
}

/// Of which messages, and how much is shown.
#[component]
pub(super) fn Notifications(props: &NotificationsProps) -> Html {
    let told = use_state(|| props.told.emit(()));
    let asked = use_state(|| Asked::Done);
    let option = |one: Told| {
        let (told, asked, on_told) = (told.clone(), asked.clone(), props.on_told.clone());
        let checked = *told == one;
        let onchange = Callback::from(move |_: Event| {
            let (told, asked) = (told.clone(), asked.clone());
            let answer = move |answer| {
                if answer == Asked::Done {
                    told.set(one);
                }
                asked.set(answer);
            };
            on_told.emit((one, Callback::from(answer)));
        });
        html! {
            <label>
                <input type="radio" name="told" {checked} {onchange} />
                { notifications::told(one) }
            </label>
        }
    };
    let refused = match *asked {
        Asked::Done => "",
        Asked::Denied => notifications::TOLD_DENIED,
        Asked::Dismissed => notifications::TOLD_DISMISSED,
        Asked::Unavailable => notifications::TOLD_UNAVAILABLE,
        Asked::NotKept => notifications::TOLD_NOT_KEPT,
    };
    html! {
        <>
            <fieldset class="choice">
                { words("legend", label::TOLD_OF) }
                { for Told::ALL.map(option) }
            </fieldset>
            <p class="field-error" role="alert">{ refused }</p>
            <Choice setting={Setting::Words} />
            <Choice setting={Setting::Sound} />
            <QuietHours />
            <p class="aside">{ notifications::TOLD_HELP }</p>
        </>
    }
}

/// From when to when nothing is told.
#[component]
fn QuietHours() -> Html {
    let update = use_force_update();
    let hours = quiet_hours();
    let time = |(place, label): (usize, &'static str)| {
        let update = update.clone();
        let onchange = Callback::from(move |event: Event| {
            let mut hours = quiet_hours();
            hours[place] = event.target_unchecked_into::<HtmlInputElement>().value();
            set_quiet_hours(&hours);
            update.force_update();
        });
        html! { <label>{ label }{ " " }<input type="time" value={hours[place].clone()} {onchange} /></label> }
    };
    let is_half = hours.iter().any(String::is_empty) && !hours.iter().all(String::is_empty);
    html! {
        <fieldset class="choice">
            { words("legend", label::QUIET) }
            { for [label::QUIET_FROM, label::QUIET_TO].into_iter().enumerate().map(time) }
            <p role="status">{ is_half.then_some(notifications::QUIET_HALF) }</p>
        </fieldset>
    }
}
