//! All emoji, to choose one: those that were taken last come first, and a word finds any.
//!
//! The list is a file of its own (`web/assets/emoji.txt`), which is asked for when this opens first.

use std::rc::Rc;

use client::{
    text::{Catalog, Named},
    words::{emoji, label},
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::element::words;
use crate::{
    config::{EMOJI_FOUND, EMOJI_RECENT, EMOJI_ROW},
    js,
};

/// What the emoji that were taken last are stored under.
const KEY: &str = "starling emoji";

/// The list's name on the server.
const LIST: &str = "emoji.txt";

/// Properties of [`PickEmoji`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct PickEmojiProps {
    /// Called with the emoji that was chosen.
    pub on_pick: Callback<AttrValue>,
}

/// How it stands with the list.
#[derive(Debug, Clone, PartialEq)]
enum List {
    Coming,
    Missing,
    Here(Rc<Catalog>),
}

/// A box for a name, and the emoji.
#[component]
pub fn PickEmoji(props: &PickEmojiProps) -> Html {
    let list = use_state(|| List::Coming);
    let wanted = use_state(String::new);
    use_effect_with((), {
        let list = list.setter();
        move |()| {
            spawn_local(async move {
                let text = js::fetch_text(LIST).await;
                list.set(text.map_or(List::Missing, |text| List::Here(Rc::new(Catalog::read(&text)))));
            });
        }
    });
    let oninput = {
        let wanted = wanted.setter();
        Callback::from(move |event: InputEvent| wanted.set(event.target_unchecked_into::<HtmlInputElement>().value()))
    };
    // One handler for all: there are almost two thousand.
    let onclick = {
        let on_pick = props.on_pick.clone();
        Callback::from(move |event: MouseEvent| {
            if let Some(button) = event.target_dyn_into::<HtmlElement>()
                && button.tag_name() == "BUTTON"
            {
                let emoji = button.text_content().unwrap_or_default();
                remember(&emoji);
                on_pick.emit(emoji.into());
            }
        })
    };
    let all = use_memo((*list).clone(), |list| match list {
        List::Coming => words("p", emoji::COMING),
        List::Missing => words("p", emoji::MISSING),
        List::Here(catalog) => html! {
            { for catalog.groups().iter().map(|group| view(&group.name, group.emoji.iter().map(named))) }
        },
    });
    let shown = match &*list {
        List::Here(catalog) if !wanted.trim().is_empty() => {
            let found = catalog.find(&wanted, EMOJI_FOUND);
            if found.is_empty() {
                words("p", emoji::NONE)
            } else {
                view("", found.into_iter().map(named))
            }
        }
        List::Here(catalog) => {
            let recent = js::kept(KEY);
            let recent = recent.split_whitespace();
            let recent = recent.map(|emoji| one(emoji, catalog.name_of(emoji).unwrap_or(emoji)));
            html! { <>{ view(label::EMOJI_RECENT, recent) }{ (*all).clone() }</> }
        }
        List::Coming | List::Missing => (*all).clone(),
    };
    html! {
        <>
            <div class="field">
                <input type="search" aria-label={label::EMOJI_SEARCH} placeholder={emoji::HINT} value={(*wanted).clone()} {oninput} />
            </div>
            <div class="emoji-list" role="group" aria-label={label::EMOJI} tabindex="0" {onclick} onkeydown={Callback::from(walk)}>{ shown }</div>
        </>
    }
}

/// Some emoji under a heading.
fn view(heading: &str, emoji: impl Iterator<Item = Html>) -> Html {
    let mut emoji = emoji.peekable();
    if emoji.peek().is_none() {
        return html! {};
    }
    html! {
        <section>
            if !heading.is_empty() {
                <h3>{ heading.to_owned() }</h3>
            }
            <div class="emoji-grid">{ for emoji }</div>
        </section>
    }
}

fn named(named: &Named) -> Html {
    one(&named.emoji, &named.name)
}

// Among so many, keys go from one to the next with the arrows, not with Tab.
fn one(emoji: &str, name: &str) -> Html {
    html! { <button type="button" class="emoji" tabindex="-1" title={name.to_owned()} aria-label={name.to_owned()}>{ emoji.to_owned() }</button> }
}

/// Keeps an emoji as the one that was taken last.
fn remember(emoji: &str) {
    let before = js::kept(KEY);
    let others = before.split_whitespace().filter(|other| *other != emoji);
    let recent: Vec<_> = [emoji].into_iter().chain(others).take(EMOJI_RECENT).collect();
    js::keep(KEY, &recent.join(" "));
}

/// The arrow keys lead from one emoji to the next, and from row to row.
fn walk(event: KeyboardEvent) {
    let steps = match event.key().as_str() {
        "ArrowRight" => 1,
        "ArrowLeft" => -1,
        "ArrowDown" => EMOJI_ROW,
        "ArrowUp" => -EMOJI_ROW,
        _ => return,
    };
    event.prevent_default();
    let Ok(all) = js::document().query_selector_all(".emoji-list button") else {
        return;
    };
    let focused = js::document().active_element();
    let count = i32::try_from(all.length()).unwrap_or(i32::MAX);
    let place = (0..count).find(|place| all.get(place.cast_unsigned()) == focused.clone().map(Into::into));
    let next = place.map_or(0, |place| (place + steps).clamp(0, count - 1));
    if let Some(next) = all.get(next.cast_unsigned()) {
        // Fails only for elements that are not in the page any more.
        let _ = next.unchecked_into::<HtmlElement>().focus();
    }
}
