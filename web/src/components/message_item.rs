//! One message.

use std::rc::Rc;

use client::{
    files::Progress,
    room::Entry,
    text::Mentioned,
    words::{Audience, delivery, label},
};
use mesh::model::{Delivery, FileInfo};
use shared::MessageId;
use yew::prelude::*;

use super::{
    avatar::{avatar, hue_class},
    day::date,
    element::{button, element, icon_button},
    file_card::{FileAction, FileCard},
    icon::{Icon, glyph},
    message_text::MessageText,
    said_of::{Quote, Reaction, edited, quote, reactions},
};

/// Properties of [`MessageItem`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct MessageItemProps {
    /// The message and how far it got.
    pub entry: Rc<Entry>,
    /// What to call its author.
    pub author: AttrValue,
    /// What to call whom it was whispered to.
    pub whisper_to: Option<AttrValue>,
    /// How far its file has got here, if it has one and that was wanted.
    #[prop_or_default]
    pub progress: Option<Progress>,
    /// Something is wanted of its file.
    #[prop_or_default]
    pub on_file: Callback<(FileInfo, FileAction)>,
    /// Called with the message when the person asks who has it.
    #[prop_or_default]
    pub on_recipients: Callback<MessageId>,
    /// What it answers.
    #[prop_or_default]
    pub quote: Option<Quote>,
    /// Called with a message that the person wants to see in its place.
    #[prop_or_default]
    pub on_goto: Callback<MessageId>,
    /// What people have for it in emoji.
    #[prop_or_default]
    pub reactions: Vec<Reaction>,
    /// Called with the message and an emoji that the person wants to have for it, or no longer.
    #[prop_or_default]
    pub on_react: Callback<(MessageId, AttrValue)>,
    /// Called with the message when the person asks what can be done with it.
    #[prop_or_default]
    pub on_actions: Callback<MessageId>,
    /// Whether it goes on where the message before it ended: same author, same people, soon after.
    pub follows: bool,
    /// Whether its author's clock says the day that stands over it.
    pub same_day: bool,
    /// Who can be mentioned, if somebody may be: other messages stay as they are when somebody comes.
    pub names: Option<Rc<Vec<Mentioned>>>,
}

/// One message as an `article`.
#[component]
pub fn MessageItem(props: &MessageItemProps) -> Html {
    let message = &props.entry.message;
    let id = message.id;
    let audience = match message.whisper_to {
        Some(_) => Audience::OnePerson,
        None => Audience::Everyone,
    };
    let class = classes!(
        "message",
        if message.own { "own" } else { "other" },
        message.whisper_to.map(|_| "whisper"),
        props.follows.then_some("follows"),
        hue_class(&message.author),
    );
    html! {
        <article {class} id={article_id(&id)} tabindex="-1">
            if !message.own {
                { avatar(&message.author, Some(&message.author_name)) }
            }
            <div class="bubble">
                <header class="message-head">
                    <span class="author"><bdi>{ &props.author }</bdi>{ message.own.then_some(" (you)") }</span>
                    { " " }
                    { said_at(message.unix_millis, props.same_day) }
                </header>
                if let Some(to) = &props.whisper_to {
                    <p class="whisper-label">
                        { glyph(Icon::Whisper) }
                        <span>
                            { "Whisper to " }
                            if message.own {
                                <bdi>{ to }</bdi>
                            } else {
                                { "you" }
                            }
                        </span>
                    </p>
                }
                { props.quote.as_ref().map(|answered| quote(answered, &props.on_goto)) }
                if message.deleted {
                    { element("p", "message-text deleted", html! { { &message.text } }) }
                } else if let Some(file) = &message.file {
                    <FileCard info={file.clone()} progress={props.progress.clone()} own={message.own} on_file={props.on_file.clone()} />
                } else {
                    <MessageText text={AttrValue::from(message.text.clone())} names={props.names.clone()} />
                }
                { edited(&props.entry) }
            </div>
            if !message.deleted {
                <div class="actions">
                    { icon_button(Icon::More, label::ACTIONS.into(), props.on_actions.reform(move |_: MouseEvent| id)) }
                </div>
            }
            { reactions(id, &props.reactions, &props.on_react) }
            if let Some(state) = props.entry.delivery.filter(|_| !message.deleted) {
                <p class={classes!("delivery", is_done(state).then_some("done"))} data-short={label::DELIVERED}>
                    if message.whisper_to.is_none() && is_under_way(state) {
                        { button("told", delivery(state, audience), props.on_recipients.reform(move |_: MouseEvent| id)) }
                    } else {
                        { delivery(state, audience) }
                    }
                </p>
            }
        </article>
    }
}

/// Whether everybody has it: said once below several messages, and with fewer words.
fn is_done(delivery: Delivery) -> bool {
    matches!(delivery, Delivery::Sent { delivered, of } if delivered == of && of > 0)
}

/// Whether some lack it.
fn is_under_way(delivery: Delivery) -> bool {
    matches!(delivery, Delivery::Sent { delivered, of } if delivered < of)
}

/// What the element of a message is called in the page.
pub fn article_id(id: &MessageId) -> String {
    format!("m-{}", id.to_text())
}

/// The time of a message: hours and minutes, with the date if it is on another day than what stands around it.
pub fn said_at(unix_millis: u64, same_day: bool) -> Html {
    // An author's clock may be so wrong that the date has no text form.
    let Some(said) = date(unix_millis) else {
        return html! { <time>{ "unknown time" }</time> };
    };
    let clock = format!("{:02}:{:02}", said.get_hours(), said.get_minutes());
    let text = if same_day {
        clock
    } else {
        format!("{} {clock}", String::from(said.to_date_string()))
    };
    html! { <time datetime={String::from(said.to_iso_string())}>{ text }</time> }
}
