//! The sheets of a message: what can be done with it, and another text for it.

use client::{
    text::quoted,
    words::{label, page, rename_error},
};
use mesh::model::SendError;
use shared::{MessageId, RoomCode};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::{
    menu::{close_then, menu_item, walk},
    sheet::{Sheet, ask, title},
    view::RoomViewProps,
};
use crate::components::{
    copy::{CopyBox, write_to_clipboard},
    element::{button, words},
    icon::Icon,
};

/// The emoji that are at hand.
const EMOJI: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🎉"];

/// What can be done with a message.
pub(super) fn actions(
    props: &RoomViewProps,
    id: MessageId,
    show: &Callback<Option<Sheet>>,
    on_reply: &Callback<MessageId>,
) -> Html {
    let Some(entry) = props.state.entry(&id) else {
        let cancel = show.reform(|_: MouseEvent| None);
        return html! { <>{ title(page::REPLIED_GONE) }{ button("button", label::CANCEL, cancel) }</> };
    };
    let about = entry.about.as_deref();
    let ours = about.map_or(&[][..], |about| about.reactions_of(&props.state.me));
    let emoji = |emoji: &'static str| {
        let has = ours.iter().any(|one| one == emoji);
        let react = props.on_react.reform(move |id| (id, AttrValue::from(emoji)));
        html! {
            <button type="button" role="menuitemcheckbox" aria-checked={has.to_string()} class="menu-item emoji" onclick={close_then(show, &react).reform(move |_: MouseEvent| id)}>
                { emoji }
            </button>
        }
    };
    let item = |icon, label, onclick| menu_item(icon, label, false, onclick);
    let copy = {
        let (show, text) = (show.clone(), entry.message.text.clone());
        Callback::from(move |_: MouseEvent| {
            let (show, text) = (show.clone(), text.clone());
            spawn_local(async move {
                let is_copied = write_to_clipboard(&text).await;
                show.emit((!is_copied).then_some(Sheet::CopyText(id)));
            });
        })
    };
    let open = !props.state.is_over();
    html! {
        <div id="sheet-title" role="menu" class="actions-menu" aria-label={label::ACTIONS} onkeydown={Callback::from(walk)}>
            if open && entry.may_be_answered() {
                { for EMOJI.map(emoji) }
                { item(Icon::Plus, label::EMOJI_ALL, show.reform(move |_: MouseEvent| Some(Sheet::Emoji(id)))) }
                { item(Icon::Reply, label::REPLY, close_then(show, on_reply).reform(move |_: MouseEvent| id)) }
            }
            if entry.message.file.is_none() && !entry.message.deleted {
                { item(Icon::Copy, label::COPY_TEXT, copy) }
            }
            if !props.others.is_empty() && entry.message.file.is_none() && !entry.message.deleted {
                { item(Icon::Forward, label::FORWARD, show.reform(move |_: MouseEvent| Some(Sheet::Forward(id)))) }
            }
            if open && props.founder && entry.may_be_answered() {
                { item(Icon::Pin, if props.state.pins.contains(&id) { label::UNPIN } else { label::PIN }, {
                    close_then(show, &props.on_pin).reform(move |_: MouseEvent| id)
                }) }
            }
            if open && entry.may_be_edited() {
                { item(Icon::Pen, label::EDIT, show.reform(move |_: MouseEvent| Some(Sheet::Edit(id)))) }
            }
            if open && entry.may_be_deleted() {
                { item(Icon::Bin, label::DELETE, show.reform(move |_: MouseEvent| Some(Sheet::Delete(id)))) }
            }
            { item(Icon::Close, label::CANCEL, show.reform(|_: MouseEvent| None)) }
        </div>
    }
}

/// To which other room a message is to be handed on.
pub(super) fn forward(props: &RoomViewProps, id: MessageId, show: &Callback<Option<Sheet>>) -> Html {
    let text = props.state.entry(&id).map_or_else(AttrValue::default, |entry| {
        let author = props.state.author_of(&entry.message);
        quoted(&author, &entry.message.text).into()
    });
    let room = |(code, called): &(RoomCode, AttrValue)| {
        let handed = (code.clone(), text.clone());
        let on_forward = close_then(show, &props.on_forward);
        button(
            "button",
            called.clone(),
            on_forward.reform(move |_: MouseEvent| handed.clone()),
        )
    };
    html! {
        <>
            { title(page::FORWARD_TO) }
            { words("p", page::FORWARD_HELP) }
            { for props.others.iter().map(room) }
            { button("button", label::CANCEL, show.reform(|_: MouseEvent| None)) }
        </>
    }
}

/// What a message says, where the page may not use the clipboard.
pub(super) fn copy_text(props: &RoomViewProps, id: MessageId) -> Html {
    let entry = props.state.entry(&id);
    let text = entry.map_or_else(AttrValue::default, |entry| entry.message.text.clone().into());
    html! { <>{ title(label::COPY_TEXT) }<CopyBox field="Text" label="Copy" {text} /></> }
}

/// Another text for a message.
pub(super) fn edit(props: &RoomViewProps, id: MessageId, show: &Callback<Option<Sheet>>) -> Html {
    let entry = props.state.entry(&id);
    let text = entry.map_or_else(String::new, |entry| entry.message.text.clone());
    html! {
        <>
            { title(label::EDIT) }
            <EditMessage {text} on_text={props.on_edit.reform(move |text| (id, text))} on_done={show.reform(|()| None)} />
        </>
    }
}

/// Whether to delete a message.
pub(super) fn delete(
    props: &RoomViewProps,
    id: MessageId,
    show: &Callback<Option<Sheet>>,
    on_goto: &Callback<MessageId>,
) -> Html {
    let words = (page::DELETE_TITLE, page::DELETE_HELP, "Keep it", "Delete for everyone");
    // The dialog gives the cursor back to a button that goes with the message.
    let done = {
        let (on_delete, on_goto) = (props.on_delete.clone(), on_goto.clone());
        Callback::from(move |()| {
            on_delete.emit(id);
            on_goto.emit(id);
        })
    };
    ask(words, &close_then(show, &done), show)
}

/// Properties of [`EditMessage`].
#[derive(Debug, Clone, PartialEq, Properties)]
struct EditMessageProps {
    /// What the message says now.
    text: String,
    /// Takes another text.
    on_text: Callback<String, Result<(), SendError>>,
    /// Called once it was taken, or is not wanted.
    on_done: Callback<()>,
}

/// A box with the text of a message, and the button that changes it.
#[component]
fn EditMessage(props: &EditMessageProps) -> Html {
    // From what it said as it was opened: nobody changes it under the person's hands.
    let text = use_state(|| props.text.clone());
    let error = use_state(|| None::<AttrValue>);
    let node = use_node_ref();
    let onsubmit = {
        let (node, error) = (node.clone(), error.setter());
        let (on_text, on_done) = (props.on_text.clone(), props.on_done.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            // What stands in the box, not what was drawn last.
            let text = node.cast::<HtmlTextAreaElement>().map(|area| area.value());
            match on_text.emit(text.unwrap_or_default()) {
                Ok(()) => on_done.emit(()),
                Err(refused) => error.set(Some(rename_error(refused).into_owned().into())),
            }
        })
    };
    let oninput = {
        let (text, error) = (text.setter(), error.setter());
        Callback::from(move |event: InputEvent| {
            text.set(event.target_unchecked_into::<HtmlTextAreaElement>().value());
            error.set(None);
        })
    };
    html! {
        <form class="entry" novalidate=true {onsubmit}>
            <label class="field">
                { label::NEW_TEXT }
                <textarea
                    ref={node}
                    rows="4"
                    dir="auto"
                    aria-label={label::NEW_TEXT}
                    aria-invalid={error.is_some().then_some("true")}
                    aria-describedby="edit-help"
                    value={(*text).clone()}
                    {oninput}
                />
            </label>
            <p id="edit-help" class="field-help">
                if let Some(error) = &*error {
                    <span class="field-error">{ error }{ " " }</span>
                }
                { page::EDIT_HELP }
            </p>
            <button type="submit" class="button primary">{ label::SAVE }</button>
            { button("button", label::CANCEL, props.on_done.reform(|_: MouseEvent| ())) }
        </form>
    }
}
