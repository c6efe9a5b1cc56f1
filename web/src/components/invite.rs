//! The ways in: the room's link; and without a server an invitation and its answer, carried from one person to another by hand.

use std::rc::Rc;

use client::{
    notice::{Notice, NoticeKind},
    words::{label, page},
};
use mesh::model::{Invitation, InvitationError};
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::{
    copy::CopyBox,
    element::{button, words},
    field::area,
    later::waiting,
    notice::notice_view,
    qr_code::{QrCode, as_qr_code},
};
use crate::{
    js,
    later::{Part, use_later},
};

/// Properties of [`RoomLink`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct RoomLinkProps {
    /// The link.
    pub link: AttrValue,
}

/// The room's link: to be scanned, copied and shared. Comes with the later part.
#[component]
pub fn RoomLink(props: &RoomLinkProps) -> Html {
    let later = use_later(Some(()));
    let part = later.part();
    part.map_or_else(|| waiting(later), |part| later_link(part, &props.link))
}

#[inline(never)]
fn later_link(_: Part, link: &AttrValue) -> Html {
    let shared = link.clone();
    html! {
        <div class="link-card">
            <QrCode text={link.clone()} label="Link as a QR code" />
            <CopyBox field="Link to this room" label={label::COPY_LINK} text={link.clone()}>
                if js::can_share() {
                    { button("button", "Share", Callback::from(move |_: MouseEvent| js::share(&shared))) }
                }
            </CopyBox>
        </div>
    }
}

/// What was said about the last thing the person did here.
type Said = UseStateHandle<Option<Notice>>;

/// Properties of [`ByHand`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct ByHandProps {
    /// The invitation that was made, until it was answered.
    pub invitation: Option<Rc<str>>,
    /// The answer to the invitation that was taken.
    pub answer: Option<Rc<str>>,
    /// Makes an invitation, which comes as `invitation` a moment later.
    pub on_invite: Callback<(), Result<(), InvitationError>>,
    /// Takes an invitation or an answer. What answers an invitation comes as `answer` a moment later.
    pub on_take: Callback<String, Result<Invitation, InvitationError>>,
}

/// Both sides of it, for those who are in the room and for those who want to get in.
#[component]
pub fn ByHand(props: &ByHandProps) -> Html {
    let said = use_state(|| None::<Notice>);
    let (their_answer, their_invitation) = (use_node_ref(), use_node_ref());
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
    html! {
        <>
            { words("p", page::INVITE_HELP) }
            { bring_in(props, &said, &their_answer) }
            { get_in(props, &said, &their_invitation) }
            if let Some(said) = &*said {
                { notice_view(said, None, &Callback::noop(), None) }
            }
        </>
    }
}

/// For someone in the room: an invitation to hand over, and a box for its answer.
fn bring_in(props: &ByHandProps, said: &Said, their_answer: &NodeRef) -> Html {
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
                <CopyBox field="Invitation" label="Copy invitation" text={text.clone()} />
                { as_qr_code(text.clone().into(), "Invitation as a QR code") }
            }
            { area("Answer", their_answer, None) }
            { button("button", "Connect", take(props, said, their_answer)) }
        </>
    }
}

/// For someone who wants in: a box for an invitation, and the answer to hand back.
fn get_in(props: &ByHandProps, said: &Said, their_invitation: &NodeRef) -> Html {
    html! {
        <>
            { words("h3", "Get in") }
            { words("p", page::GET_IN_HELP) }
            { area("Paste an invitation", their_invitation, None) }
            { button("button", "Use invitation", take(props, said, their_invitation)) }
            if let Some(text) = &props.answer {
                <CopyBox field="Your answer" label="Copy answer" text={text.clone()} />
                { as_qr_code(text.clone().into(), "Answer as a QR code") }
            }
        </>
    }
}

/// Takes what is in a box. Whichever of the two it is: who pastes it into the other box means the same.
fn take(props: &ByHandProps, said: &Said, from: &NodeRef) -> Callback<MouseEvent> {
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
