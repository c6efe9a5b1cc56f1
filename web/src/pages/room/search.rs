//! Looking for words in what was said.

use std::{borrow::Cow, rc::Rc};

use client::{
    files::shown_name,
    room::{Entry, RoomState},
    search::{Among, Excerpt, Search},
    words::{label, search as told},
};
use shared::MessageId;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::{
    components::{element::words, message_item::said_at},
    config::FOUND_SHOWN,
    js,
};

/// Properties of [`SearchMessages`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub(super) struct SearchMessagesProps {
    /// The room.
    pub(super) state: Rc<RoomState>,
    /// Called with the message that the person wants to see in its place.
    pub(super) on_goto: Callback<MessageId>,
}

/// A box for words, and the messages that have them.
#[component]
pub(super) fn SearchMessages(props: &SearchMessagesProps) -> Html {
    let wanted = use_state(String::new);
    let among = use_state(|| Among::Everything);
    let search = use_mut_ref(|| Search::new(js::decompose));
    let oninput = {
        let wanted = wanted.setter();
        Callback::from(move |event: InputEvent| wanted.set(event.target_unchecked_into::<HtmlInputElement>().value()))
    };
    let onchange = {
        let among = among.setter();
        Callback::from(move |event: Event| {
            let is_checked = event.target_unchecked_into::<HtmlInputElement>().checked();
            among.set(if is_checked { Among::Files } else { Among::Everything });
        })
    };
    let is_asked = !wanted.trim().is_empty() || *among == Among::Files;
    let mut search = search.borrow_mut();
    search.update(&props.state);
    let found = is_asked.then(|| search.find(&wanted, *among, FOUND_SHOWN));
    let one = |entry: &Rc<Entry>| {
        let (message, id) = (&entry.message, entry.message.id);
        let text = match &message.file {
            Some(file) => Cow::from(shown_name(&file.name)),
            None => Cow::from(&message.text),
        };
        let Excerpt { before, found, after } = search.excerpt(&text, &wanted);
        html! {
            <li key={id.to_text()}>
                <button type="button" class="found" onclick={props.on_goto.reform(move |_: MouseEvent| id)}>
                    <span class="message-head">
                        <bdi class="author">{ props.state.author_of(message) }</bdi>
                        { " " }
                        { said_at(message.unix_millis, false) }
                    </span>
                    { " " }
                    <bdi>{ before }<mark>{ found }</mark>{ after }</bdi>
                </button>
            </li>
        }
    };
    html! {
        <>
            <div class="field">
            <input type="search" aria-label={label::SEARCH} placeholder={told::HINT} value={(*wanted).clone()} {oninput} />
            </div>
            <label class="only-files">
                <input type="checkbox" checked={*among == Among::Files} {onchange} />
                { told::FILES }
            </label>
            <div role="status">
                { found.as_ref().map(|found| words("p", told::found(found.count, found.newest.len()))) }
            </div>
            if props.state.dropped && is_asked {
                <p class="aside">{ told::OLDER }</p>
            }
            if let Some(found) = &found {
                <ul class="found-list">{ for found.newest.iter().map(one) }</ul>
            }
        </>
    }
}
