//! The way in without a server: an invitation and its answer, carried from one person to another by hand.

use std::rc::Rc;

use mesh::model::{Invitation, InvitationError};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::{
    copy_link::{close, open, write_to_clipboard},
    element::{button, words},
    notice::notice_view,
    qr_code::as_qr_code,
};
use crate::state::notice::{Level, Notice};

/// Properties of [`InviteByHand`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct InviteByHandProps {
    /// The invitation that was made, until it was answered.
    pub invitation: Option<Rc<str>>,
    /// The answer to the invitation that was taken.
    pub answer: Option<Rc<str>>,
    /// Makes an invitation, which comes as `invitation` a moment later.
    pub on_invite: Callback<(), Result<(), InvitationError>>,
    /// Takes an invitation or an answer. What answers an invitation comes as `answer` a moment later.
    pub on_take: Callback<String, Result<Invitation, InvitationError>>,
}

/// The button "Invite by hand" and its dialog, for those who are in the room and for those who want to get in.
#[component]
pub fn InviteByHand(props: &InviteByHandProps) -> Html {
    let shown = use_state(|| false);
    let said = use_state(|| None::<Notice>);
    let dialog = use_node_ref();
    let areas: [NodeRef; 4] = [use_node_ref(), use_node_ref(), use_node_ref(), use_node_ref()];
    let [invitation, their_answer, their_invitation, answer] = areas;

    {
        let dialog = dialog.clone();
        use_effect_with(*shown, move |shown| {
            if *shown {
                open(&dialog);
            }
        });
    }
    // What was being made is there.
    {
        let said = said.clone();
        use_effect_with((props.invitation.clone(), props.answer.clone()), move |_| {
            if said.as_ref().is_some_and(|said| said.text == MAKING) {
                said.set(None);
            }
        });
    }

    let show = |is: bool| {
        let (shown, said) = (shown.setter(), said.setter());
        move || {
            shown.set(is);
            said.set(None);
        }
    };
    let onclick = {
        let show = show(true);
        Callback::from(move |_: MouseEvent| show())
    };
    // However it was closed: by its button or with Escape.
    let onclose = {
        let hide = show(false);
        Callback::from(move |_: Event| hide())
    };
    let on_done = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| close(&dialog))
    };
    let on_make = {
        let (said, on_invite) = (said.setter(), props.on_invite.clone());
        Callback::from(move |_: MouseEvent| {
            said.set(Some(match on_invite.emit(()) {
                Ok(()) => Notice::new(Level::Info, MAKING),
                Err(error) => Notice::from_invitation_error(error),
            }));
        })
    };
    // Whichever of the two it is: who pastes it into the other box means the same.
    let take = |from: &NodeRef| {
        let (said, on_take, from) = (said.setter(), props.on_take.clone(), from.clone());
        Callback::from(move |_: MouseEvent| {
            let Some(area) = from.cast::<HtmlTextAreaElement>() else {
                return;
            };
            let taken = on_take.emit(area.value());
            if taken.is_ok() {
                area.set_value("");
            }
            said.set(Some(match taken {
                Ok(Invitation::Invited) => Notice::new(Level::Info, MAKING),
                Ok(Invitation::Answered) => Notice::new(Level::Info, CONNECTING),
                Err(error) => Notice::from_invitation_error(error),
            }));
        })
    };
    let copy = |label: &'static str, area: &NodeRef| {
        let (said, area) = (said.setter(), area.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            let Some(area) = area.cast::<HtmlTextAreaElement>() else {
                return;
            };
            area.select();
            let said = said.clone();
            spawn_local(async move {
                let copied = write_to_clipboard(&area.value()).await;
                said.set(Some(Notice::new(Level::Info, if copied { COPIED } else { SELECTED })));
            });
        });
        button("button", label, onclick)
    };

    html! {
        <>
            { button("button small", "Invite by hand", onclick) }
            <dialog ref={dialog} class="dialog" aria-labelledby="invite-title" {onclose}>
                if *shown {
                    <h2 id="invite-title">{ "Invite by hand" }</h2>
                    { words("p", "This works without a server: two people carry two texts to each other, by mail, messenger, \
                                  USB stick or a phone's camera. Both need this room's link.") }
                    { words("h3", "Bring someone in") }
                    { words("p", "Make an invitation for one person, give it to them, and paste what they send back.") }
                    { button("button", "Make an invitation", on_make) }
                    // Each of these is one child, shown or not: else the boxes below would change places, and lose their text.
                    if let Some(text) = &props.invitation {
                        { area("Invitation", &invitation, Some(text)) }
                        { copy("Copy invitation", &invitation) }
                        { as_qr_code(text, "Invitation as a QR code") }
                    }
                    { area("Answer", &their_answer, None) }
                    { button("button", "Connect", take(&their_answer)) }
                    { words("h3", "Get in") }
                    { words("p", "Paste the invitation that someone in the room made for you, and send the answer back to them.") }
                    { area("Paste an invitation", &their_invitation, None) }
                    { button("button", "Use invitation", take(&their_invitation)) }
                    if let Some(text) = &props.answer {
                        { area("Your answer", &answer, Some(text)) }
                        { copy("Copy answer", &answer) }
                        { as_qr_code(text, "Answer as a QR code") }
                    }
                    if let Some(said) = &*said {
                        { notice_view(said, None, &Callback::noop(), None) }
                    }
                    { button("button primary", "Done", on_done) }
                }
            </dialog>
        </>
    }
}

const MAKING: &str = "One moment: ways to reach you are being looked for.";
const CONNECTING: &str =
    "The connection is being made. Once the other person stands in the list of people, you are done.";
const COPIED: &str = "Copied. Paste it where the other person reads it.";
const SELECTED: &str =
    "This browser does not let the page use the clipboard here. The text is selected: press Ctrl+C (⌘C on a Mac).";

/// A box to paste into or, with `text`, to copy from.
fn area(label: &'static str, node: &NodeRef, text: Option<&Rc<str>>) -> Html {
    html! {
        <label class="field">
            { label }
            <textarea
                ref={node}
                rows="3"
                dir="ltr"
                spellcheck="false"
                autocomplete="off"
                aria-label={label}
                readonly={text.is_some()}
                value={text.map(|text| AttrValue::from(text.clone()))}
            />
        </label>
    }
}
