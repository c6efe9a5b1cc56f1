//! The way in without a server: an invitation and its answer, carried from one person to another by hand.

use std::rc::Rc;

use client::{
    notice::{Notice, NoticeKind},
    words::{label, page},
};
use mesh::model::{Invitation, InvitationError};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::{
    dialog::{close, open, write_to_clipboard},
    element::{button, words},
    field::area,
    notice::notice_view,
    qr_code::as_qr_code,
};

/// What was said about the last thing the person did here.
type Said = UseStateHandle<Option<Notice>>;

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
            if said
                .as_ref()
                .is_some_and(|said| said.kind == NoticeKind::InvitationUnderWay)
            {
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

    html! {
        <>
            { button("button small", label::INVITE_BY_HAND, onclick) }
            <dialog ref={dialog} class="dialog" aria-labelledby="invite-title" {onclose}>
                if *shown {
                    <h2 id="invite-title">{ label::INVITE_BY_HAND }</h2>
                    { words("p", page::INVITE_HELP) }
                    { bring_in(props, &said, &invitation, &their_answer) }
                    { get_in(props, &said, &their_invitation, &answer) }
                    if let Some(said) = &*said {
                        { notice_view(said, None, &Callback::noop(), None) }
                    }
                    { button("button primary", "Done", on_done) }
                }
            </dialog>
        </>
    }
}

/// For someone in the room: an invitation to hand over, and a box for its answer.
fn bring_in(props: &InviteByHandProps, said: &Said, invitation: &NodeRef, their_answer: &NodeRef) -> Html {
    let on_make = {
        let (said, on_invite) = (said.setter(), props.on_invite.clone());
        Callback::from(move |_: MouseEvent| {
            let kind = match on_invite.emit(()) {
                Ok(()) => NoticeKind::InvitationUnderWay,
                Err(error) => NoticeKind::InvitationRefused { error },
            };
            said.set(Some(kind.into()));
        })
    };
    html! {
        <>
            { words("h3", "Bring someone in") }
            { words("p", page::BRING_IN_HELP) }
            { button("button", "Make an invitation", on_make) }
            // This is one child, shown or not: else the box below would change its place, and lose its text.
            if let Some(text) = &props.invitation {
                { area("Invitation", invitation, Some(text.clone().into())) }
                { copy("Copy invitation", said, invitation) }
                { as_qr_code(text, "Invitation as a QR code") }
            }
            { area("Answer", their_answer, None) }
            { button("button", "Connect", take(props, said, their_answer)) }
        </>
    }
}

/// For someone who wants in: a box for an invitation, and the answer to hand back.
fn get_in(props: &InviteByHandProps, said: &Said, their_invitation: &NodeRef, answer: &NodeRef) -> Html {
    html! {
        <>
            { words("h3", "Get in") }
            { words("p", page::GET_IN_HELP) }
            { area("Paste an invitation", their_invitation, None) }
            { button("button", "Use invitation", take(props, said, their_invitation)) }
            if let Some(text) = &props.answer {
                { area("Your answer", answer, Some(text.clone().into())) }
                { copy("Copy answer", said, answer) }
                { as_qr_code(text, "Answer as a QR code") }
            }
        </>
    }
}

/// Takes what is in a box. Whichever of the two it is: who pastes it into the other box means the same.
fn take(props: &InviteByHandProps, said: &Said, from: &NodeRef) -> Callback<MouseEvent> {
    let (said, on_take, from) = (said.setter(), props.on_take.clone(), from.clone());
    Callback::from(move |_: MouseEvent| {
        let Some(area) = from.cast::<HtmlTextAreaElement>() else {
            return;
        };
        let taken = on_take.emit(area.value());
        if taken.is_ok() {
            area.set_value("");
        }
        let kind = match taken {
            Ok(Invitation::Invited) => NoticeKind::InvitationUnderWay,
            Ok(Invitation::Answered) => NoticeKind::AnswerTaken,
            Err(error) => NoticeKind::InvitationRefused { error },
        };
        said.set(Some(kind.into()));
    })
}

/// The button that copies what is in a box.
fn copy(label: &'static str, said: &Said, area: &NodeRef) -> Html {
    let (said, area) = (said.setter(), area.clone());
    let onclick = Callback::from(move |_: MouseEvent| {
        let Some(area) = area.cast::<HtmlTextAreaElement>() else {
            return;
        };
        area.select();
        let said = said.clone();
        spawn_local(async move {
            let copied = write_to_clipboard(&area.value()).await;
            let kind = if copied {
                NoticeKind::Copied
            } else {
                NoticeKind::Selected
            };
            said.set(Some(kind.into()));
        });
    });
    button("button", label, onclick)
}
