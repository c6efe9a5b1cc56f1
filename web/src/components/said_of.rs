//! What is said of a message, around it: the message that it answers, its former texts, and everybody's emoji.

use std::rc::Rc;

use client::{
    config::REACTIONS_SHOWN_MAX,
    room::{Entry, RoomState},
    words::{self, label, page},
};
use litemap::LiteMap;
use shared::{MessageId, PeerId};
use yew::prelude::*;

use super::element::words as text;

/// The message that another one answers, as it is shown over the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Which it is.
    pub id: MessageId,
    /// What to call its author; nobody if it is not here.
    pub author: Option<AttrValue>,
    /// What it begins with.
    pub excerpt: AttrValue,
}

/// An emoji that people have for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji, a peer's text.
    pub emoji: AttrValue,
    /// How many have it.
    pub count: usize,
    /// Whether we have.
    pub own: bool,
    /// Who has it, in words.
    pub told: AttrValue,
}

/// The messages that some others answer, as far as they are here: found in one go, for one that is not here is looked for everywhere.
#[must_use]
pub fn answered_by(state: &RoomState, messages: &[Rc<Entry>]) -> LiteMap<MessageId, Rc<Entry>> {
    let mut wanted = LiteMap::<MessageId, ()>::new();
    for answered in messages.iter().filter_map(|entry| entry.message.reply_to) {
        wanted.insert(answered, ());
    }
    let all = state.messages.iter().filter(|_| !wanted.is_empty());
    let found = all.filter(|entry| wanted.contains_key(&entry.message.id));
    found.map(|entry| (entry.message.id, Rc::clone(entry))).collect()
}

/// What a message answers, if it answers one.
#[must_use]
pub fn quote_of(state: &RoomState, entry: &Entry, answered: &LiteMap<MessageId, Rc<Entry>>) -> Option<Quote> {
    let id = entry.message.reply_to?;
    let answered = answered.get(&id);
    // What somebody says who is muted is not to be seen in another's words either.
    let answered =
        answered.filter(|answered| !state.mark_of(&answered.message.author).muted && answered.is_for_everyone());
    Some(Quote {
        id,
        author: answered.map(|answered| state.author_of(&answered.message).into()),
        excerpt: answered.map_or(page::REPLIED_GONE.into(), |answered| {
            words::excerpt(&answered.message).into()
        }),
    })
}

/// The emoji that people have for a message, but for those of people who are muted.
#[must_use]
pub fn reactions_to(state: &RoomState, entry: &Entry) -> Vec<Reaction> {
    let is_shown = |peer: &PeerId| !state.mark_of(peer).muted;
    let is_ours = |(author, _): &(PeerId, &str)| *author == state.me;
    let mut all = entry.reactions();
    for reaction in &mut all {
        reaction.from.retain(|(author, _)| is_shown(author));
    }
    all.retain(|reaction| !reaction.from.is_empty());
    // Of too many, the first; our own can be taken back in any case.
    let mut place = 0..;
    all.retain(|reaction| place.next() < Some(REACTIONS_SHOWN_MAX) || reaction.from.iter().any(is_ours));
    let reaction = |reaction: client::room::Reaction<'_>| Reaction {
        emoji: reaction.emoji.to_owned().into(),
        count: reaction.from.len(),
        own: reaction.from.iter().any(is_ours),
        told: words::reaction(&reaction, |author, then| name(state, author, then)).into(),
    };
    all.into_iter().map(reaction).collect()
}

fn name(state: &RoomState, author: &PeerId, then: &str) -> String {
    if *author == state.me {
        "you".into()
    } else {
        state.name_then(author, then)
    }
}

/// The message that is answered, over the answer.
pub fn quote(quote: &Quote, on_goto: &Callback<MessageId>) -> Html {
    let id = quote.id;
    let words = html! {
        <>
            if let Some(author) = &quote.author {
                <bdi class="quote-author">{ author }</bdi>
                { ": " }
            }
            { text("bdi", quote.excerpt.clone()) }
        </>
    };
    html! {
        <blockquote class="quote">
            if quote.author.is_some() {
                <button type="button" class="quote-link" title={label::GO_TO} onclick={on_goto.reform(move |_: MouseEvent| id)}>{ words }</button>
            } else {
                { words }
            }
        </blockquote>
    }
}

/// That a message was changed, and what it said before.
pub fn edited(entry: &Entry) -> Html {
    let Some(original) = &entry.original else {
        return html! {};
    };
    let about = entry.about.as_deref();
    let later = about.map_or(&[][..], |about| about.former_texts(&entry.message.author));
    let former = [original].into_iter().chain(later.iter().map(|(_, text)| text));
    html! {
        <details class="edited">
            <summary>{ page::EDITED }</summary>
            { for former.map(|former| html! { <p class="message-text" dir="auto">{ former.clone() }</p> }) }
        </details>
    }
}

/// Everybody's emoji: pressing one is having it, too, or no longer.
pub fn reactions(id: MessageId, reactions: &[Reaction], on_react: &Callback<(MessageId, AttrValue)>) -> Html {
    if reactions.is_empty() {
        return html! {};
    }
    let one = |reaction: &Reaction| {
        let emoji = reaction.emoji.clone();
        let onclick = on_react.reform(move |_: MouseEvent| (id, emoji.clone()));
        html! {
            <li key={reaction.emoji.to_string()}>
                <button type="button" class="reaction" aria-pressed={reaction.own.to_string()} aria-label={reaction.told.clone()} title={reaction.told.clone()} {onclick}>
                    { text("bdi", reaction.emoji.clone()) }
                    { " " }
                    { reaction.count }
                </button>
            </li>
        }
    };
    html! { <ul class="reactions" aria-label={label::REACTIONS}>{ for reactions.iter().map(one) }</ul> }
}

/// A message that is being answered: over the message box.
#[must_use]
pub fn answered(state: &Rc<RoomState>, id: Option<MessageId>) -> Option<(MessageId, AttrValue)> {
    let id = id?;
    let name = state.entry(&id).map(|entry| state.author_of(&entry.message).into());
    Some((id, name.unwrap_or(page::REPLIED_GONE.into())))
}
