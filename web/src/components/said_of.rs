//! What is said of a message, around it: the message that it answers, its former texts, and everybody's emoji.

use std::rc::Rc;

use client::{
    room::{Entry, RoomState},
    words::{self, label, page},
};
use shared::{MessageId, PeerId};
use yew::prelude::*;

use super::element::words as text;

/// The message that another one answers, as it is shown over the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
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

/// What a message answers, if it answers one.
#[must_use]
pub fn quote_of(state: &RoomState, entry: &Entry) -> Option<Quote> {
    let answered = state.entry(&entry.message.reply_to?);
    // What somebody says who is muted is not to be seen in another's words either.
    let answered =
        answered.filter(|answered| !state.mark_of(&answered.message.author).muted && answered.may_be_answered());
    Some(Quote {
        author: answered.map(|answered| state.author_of(&answered.message).into()),
        excerpt: answered.map_or(page::REPLIED_GONE.into(), |answered| {
            words::excerpt(&answered.message).into()
        }),
    })
}

/// The emoji that people have for a message, but for those of people who are muted.
#[must_use]
pub fn reactions_to(state: &RoomState, entry: &Entry) -> Vec<Reaction> {
    let Some(about) = &entry.about else {
        return Vec::new();
    };
    let is_shown = |peer: &PeerId| !state.mark_of(peer).muted;
    let reaction = |(emoji, mut authors): (&str, Vec<PeerId>)| {
        authors.retain(is_shown);
        let names: Vec<_> = authors.iter().map(|author| name(state, author)).collect();
        (!authors.is_empty()).then(|| Reaction {
            emoji: emoji.to_owned().into(),
            count: authors.len(),
            own: authors.contains(&state.me),
            told: words::reaction(emoji, &names).into(),
        })
    };
    about.reactions().into_iter().filter_map(reaction).collect()
}

fn name(state: &RoomState, peer: &PeerId) -> String {
    if *peer == state.me {
        "you".into()
    } else {
        state.name_of(peer)
    }
}

/// The message that is answered, over the answer.
pub fn quote(quote: &Quote) -> Html {
    html! {
        <blockquote class="quote">
            if let Some(author) = &quote.author {
                <bdi class="quote-author">{ author }</bdi>
                { ": " }
            }
            { text("bdi", quote.excerpt.clone()) }
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
    let entry = state.entry(&id?).filter(|entry| entry.may_be_answered())?;
    Some((id?, state.author_of(&entry.message).into()))
}
