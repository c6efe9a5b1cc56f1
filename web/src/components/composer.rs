//! The message box.

use std::rc::Rc;

use client::{
    notice::{Notice, NoticeKind},
    room::RoomState,
    words::{self, label, page},
};
use mesh::model::SendError;
use shared::{MessageId, PeerId};
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::{
    element::button,
    field::focus,
    icon::{Icon, glyph},
    notice::notice_view,
    suggestions::Suggestions,
};
use crate::{
    config::GROW_CHARS_MAX,
    drafts::Drafts,
    folder::Chosen,
    js,
    later::{Part, here},
};

/// What the person wants to say, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Whom it is whispered to; `None` if it is for everyone.
    pub to: Option<PeerId>,
    /// Which message it answers, if it does.
    pub reply_to: Option<MessageId>,
    /// The text, as typed.
    pub text: String,
}

/// Someone the message box whispers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub peer: PeerId,
    /// What to call them.
    pub name: String,
    /// Whether a whisper would reach them now.
    pub reachable: bool,
}

/// Properties of [`Composer`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct ComposerProps {
    /// Whom it whispers to; `None` to talk to everyone.
    #[prop_or_default]
    pub whisper_to: Option<Recipient>,
    /// The message that is answered, and what to call its author.
    #[prop_or_default]
    pub reply_to: Option<(MessageId, AttrValue)>,
    /// What was typed and not sent yet.
    #[prop_or_default]
    pub drafts: Rc<Drafts>,
    /// Whether the room is closed, and nothing can be said any more.
    #[prop_or_default]
    pub closed: bool,
    /// The cursor moves into the box whenever this changes.
    #[prop_or_default]
    pub focus_request: u32,
    /// Gives the names of those who can be mentioned, in the order in which they are offered.
    pub people: Callback<(), Vec<String>>,
    /// Says it. The text stays in the box if that fails.
    pub on_send: Callback<Outgoing, Result<(), SendError>>,
    /// Files were chosen, for everyone.
    #[prop_or_default]
    pub on_files: Callback<Vec<Chosen>>,
    /// Called when the person wants to talk to everyone again, in answer to nothing.
    #[prop_or_default]
    pub on_everyone: Callback<()>,
}

/// The textbox "Message", or "Whisper to NAME", with its button. Enter sends, Shift+Enter makes a new line, Escape ends
/// whispering and answering. While something is offered, these keys and the arrows are for what is offered.
#[component]
// Long because: the handlers share the text and the cursor.
pub fn Composer(props: &ComposerProps) -> Html {
    let (drafts, to) = (&props.drafts, props.whisper_to.as_ref().map(|to| to.peer));
    let text = drafts.get(to);
    let redraw = use_force_update();
    let error = use_state(|| None::<Notice>);
    let node = use_node_ref();

    {
        let node = node.clone();
        use_effect_with(props.focus_request, move |_| focus(&node));
    }
    // What was wrong was wrong for that recipient.
    {
        let error = error.setter();
        use_effect_with(to, move |_| error.set(None));
    }

    let suggestions = Rc::new(Suggestions {
        offered: use_mut_ref(|| None),
        node: node.clone(),
        people: props.people.clone(),
        on_change: {
            let (drafts, redraw) = (drafts.clone(), redraw.clone());
            Callback::from(move |text: Option<String>| {
                if let Some(text) = text {
                    drafts.set(to, &text);
                }
                redraw.force_update();
            })
        },
    });
    let send = {
        let (drafts, redraw, error, node) = (drafts.clone(), redraw.clone(), error.clone(), node.clone());
        let (recipient, on_send) = (props.whisper_to.clone(), props.on_send.clone());
        let reply_to = props.reply_to.as_ref().map(|(id, _)| *id);
        move || {
            // What stands in the box, not what was drawn last: the person may be ahead of a busy page.
            let Some(message_box) = node.cast::<HtmlTextAreaElement>() else {
                return;
            };
            let text = message_box.value();
            match on_send.emit(Outgoing { to, reply_to, text }) {
                Ok(()) => {
                    drafts.set(to, "");
                    message_box.set_value("");
                    error.set(None);
                    redraw.force_update();
                }
                Err(refused) => {
                    let to = recipient.as_ref().map(|to| to.name.clone());
                    error.set(Some(NoticeKind::NotSent { error: refused, to }.into()));
                }
            }
            focus(&node);
        }
    };
    let onsubmit = {
        let send = send.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            send();
        })
    };
    let onkeydown = {
        let is_special = props.whisper_to.is_some() || props.reply_to.is_some();
        let (on_everyone, suggestions) = (props.on_everyone.clone(), suggestions.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            _ if !is_composing(&event) && suggestions.takes(&event) => {}
            "Enter" if !event.shift_key() && !is_composing(&event) => {
                event.prevent_default();
                send();
            }
            "Escape" if is_special && !is_composing(&event) => on_everyone.emit(()),
            _ => {}
        })
    };
    let oninput = {
        let (drafts, redraw, error) = (drafts.clone(), redraw.clone(), error.clone());
        let suggestions = suggestions.clone();
        Callback::from(move |event: InputEvent| {
            drafts.set(to, &event.target_unchecked_into::<HtmlTextAreaElement>().value());
            error.set(None);
            redraw.force_update();
            suggestions.look();
        })
    };
    let hide = {
        let suggestions = suggestions.clone();
        move || suggestions.hide()
    };

    let whispering = props.whisper_to.as_ref();
    let placeholder = if props.closed {
        ""
    } else if whispering.is_some() {
        page::WHISPER_PLACEHOLDER
    } else {
        page::MESSAGE_PLACEHOLDER
    };
    let notice = notice(props, &error);
    let (list, chosen) = suggestions.ids().unzip();
    html! {
        <form class={classes!("composer", whispering.map(|_| "whispering"))} {onsubmit}>
            if let Some(to) = whispering {
                <div class="whispering-to">
                    { glyph(Icon::Whisper) }
                    <p>{ "Whispering to " }<bdi>{ &to.name }</bdi>{ page::WHISPER_IS_PRIVATE }</p>
                    <button type="button" class="button small" onclick={props.on_everyone.reform(|_: MouseEvent| ())}>
                        { "Back to everyone" }
                    </button>
                </div>
            }
            if let Some((_, name)) = &props.reply_to {
                <div class="whispering-to">
                    <p>{ page::REPLYING_TO }<bdi>{ name }</bdi></p>
                    { button("button small", label::CANCEL, props.on_everyone.reform(|_: MouseEvent| ())) }
                </div>
            }
            if let Some(notice) = notice {
                { notice_view(&notice, Some("composer-notice"), &Callback::noop(), None) }
            }
            <div class="composer-row">
                { suggestions.view() }
                if whispering.is_none() && !props.closed {
                    { file_button(&props.on_files) }
                }
                // The hidden copy of the text is what makes the box grow with it: no script, no inline style.
                // A box for each recipient: no key that is pressed while it changes falls into the next one's.
                <div class="grow" key={to.map_or_else(String::new, |peer| peer.to_text())}>
                    <textarea
                        ref={node}
                        class="grow-box"
                        rows="1"
                        dir="auto"
                        aria-label={whispering.map_or_else(|| label::MESSAGE.into(), |to| words::whisper_to(&to.name))}
                        aria-invalid={error.is_some().then_some("true")}
                        aria-describedby={(error.is_some() || props.closed).then_some("composer-notice")}
                        aria-autocomplete="list"
                        aria-controls={list}
                        aria-activedescendant={chosen}
                        disabled={props.closed}
                        {placeholder}
                        enterkeyhint="send"
                        value={text.clone()}
                        {oninput}
                        {onkeydown}
                        onclick={let hide = hide.clone(); move |_: MouseEvent| hide()}
                        onblur={move |_: FocusEvent| hide()}
                    />
                    <div class="grow-box grow-copy" dir="auto" aria-hidden="true">{ grow_copy(if text.is_empty() { placeholder } else { &text }) }</div>
                </div>
                <button type="submit" class="button primary send" aria-label="Send" title="Send (Enter)" disabled={props.closed}>
                    { glyph(if whispering.is_some() { Icon::Whisper } else { Icon::Send }) }
                    <span class="button-text">{ "Send" }</span>
                </button>
            </div>
        </form>
    }
}

/// Gives whom one can mention in a room, once the later part is there.
pub fn names_offered(state: &Rc<RoomState>) -> Callback<(), Vec<String>> {
    let state = state.clone();
    Callback::from(move |()| here().map_or_else(Vec::new, |part| later_names(part, &state)))
}

#[inline(never)]
fn later_names(_: Part, state: &RoomState) -> Vec<String> {
    state.names_offered()
}

/// The button that lets the person choose files.
fn file_button(on_files: &Callback<Vec<Chosen>>) -> Html {
    let onchange = on_files.reform(|event: Event| {
        let chosen = event.target_unchecked_into::<HtmlInputElement>();
        let files = js::files_of(&chosen);
        // Else the same file could not be chosen again.
        chosen.set_value("");
        files.into_iter().map(Chosen::File).collect()
    });
    html! {
        <label class="button icon-only file-button" title={label::SEND_FILE}>
            { glyph(Icon::Clip) }
            <input type="file" multiple=true class="visually-hidden" aria-label={label::SEND_FILE} {onchange} />
        </label>
    }
}

/// What stands over the box.
fn notice(props: &ComposerProps, error: &Option<Notice>) -> Option<Notice> {
    if props.closed {
        return Some(NoticeKind::RoomClosed.into());
    }
    error.clone().or_else(|| {
        let to = props.whisper_to.as_ref().filter(|to| !to.reachable)?;
        let name = to.name.clone();
        Some(NoticeKind::OutOfReach { name }.into())
    })
}

/// Whether the key belongs to an input method that is putting a character together. Some browsers report the key that ends
/// the composition after its end, but all of them with the code 229.
fn is_composing(event: &KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == 229
}

/// What has to be laid out for the box to have its height: it stops growing long before this.
fn grow_copy(text: &str) -> String {
    text.chars().take(GROW_CHARS_MAX).chain(['\u{200b}']).collect()
}
