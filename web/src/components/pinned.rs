//! What the room is about and the messages that everybody is to find, over the log.

use std::rc::Rc;

use client::{
    room::{Entry, RoomState},
    words::{self, label, page},
};
use shared::MessageId;
use yew::prelude::*;

use super::{
    element,
    icon::{Icon, glyph},
};

/// The topic, and those that are here, each of which leads to its place; nothing if there is neither.
pub fn pinned(state: &RoomState, on_goto: &Callback<MessageId>) -> Html {
    let found = state.pins.iter().filter_map(|id| state.entry(id));
    let is_shown = |entry: &&Rc<Entry>| entry.may_be_answered() && !state.mark_of(&entry.message.author).muted;
    let found: Vec<_> = found.filter(is_shown).collect();
    if found.is_empty() && state.topic.is_empty() {
        return html! {};
    }
    let one = |entry: &Rc<Entry>| {
        let id = entry.message.id;
        html! {
            <li key={id.to_text()}>
                <button type="button" class="found" onclick={on_goto.reform(move |_: MouseEvent| id)}>
                    <bdi class="author">{ state.author_of(&entry.message) }</bdi>
                    { ": " }
                    { element::words("bdi", words::excerpt(&entry.message)) }
                </button>
            </li>
        }
    };
    html! {
        <div class="pinned">
            if !state.topic.is_empty() {
                <p class="topic" tabindex="0" role="group" aria-label={label::TOPIC} dir="auto">{ &state.topic }</p>
            }
            if !found.is_empty() {
                <details>
                    <summary>{ glyph(Icon::Pin) }{ page::pinned(found.len()) }</summary>
                    <ul class="found-list" aria-label={label::PINNED}>{ for found.into_iter().map(one) }</ul>
                </details>
            }
        </div>
    }
}
