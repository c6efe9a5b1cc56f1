//! How a room looks, given its state: no node, no address, so that tests and the gallery show any state they like.

use std::rc::Rc;

use client::{
    notice::NoticeAction,
    room::{Pinned, RoomState},
    standing::Standing,
    words::{label, page},
};
use mesh::model::{Invitation, InvitationError, Network, PersonState, SendError};
use shared::PeerId;
use yew::prelude::*;

use crate::components::{
    brand::mark,
    composer::{Composer, Outgoing, Recipient},
    connection::connection,
    copy::{Copied, CopyButton},
    dialog::{close, open},
    element::{button, words},
    icon::{Icon, glyph},
    invite::InviteByHand,
    message_list::MessageList,
    network::NetworkPanel,
    notice::notice_view,
    people::people,
};
use crate::drafts::Drafts;

/// Properties of [`RoomView`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct RoomViewProps {
    /// The room.
    pub state: Rc<RoomState>,
    /// What was typed in it and not sent yet.
    #[prop_or_default]
    pub drafts: Rc<Drafts>,
    /// The name of an open room; `None` for a generated one.
    pub open_name: Option<AttrValue>,
    /// What leads others here.
    pub link: AttrValue,
    /// How it stands with server and mesh.
    pub standing: Standing,
    /// What was last seen of its network, if anything.
    #[prop_or_default]
    pub network: Option<Rc<Network>>,
    /// Whether we founded it, and can close it.
    #[prop_or_default]
    pub founder: bool,
    /// Seconds until the server is tried again, if it waits for that.
    #[prop_or_default]
    pub retry_in: Option<u64>,
    /// Whether goodbyes are being said.
    #[prop_or_default]
    pub leaving: bool,
    /// Says something.
    pub on_send: Callback<Outgoing, Result<(), SendError>>,
    /// Tries the servers now.
    #[prop_or_default]
    pub on_retry: Callback<()>,
    /// Looks at the network again.
    #[prop_or_default]
    pub on_look: Callback<()>,
    /// Makes an invitation to be handed over by hand.
    pub on_invite: Callback<(), Result<(), InvitationError>>,
    /// Takes an invitation, or the answer to one.
    pub on_take: Callback<String, Result<Invitation, InvitationError>>,
    /// Closes the room for everyone.
    #[prop_or_default]
    pub on_close: Callback<()>,
    /// Leaves the room.
    #[prop_or_default]
    pub on_leave: Callback<()>,
    /// A notice was read.
    #[prop_or_default]
    pub on_dismiss: Callback<u64>,
    /// Gives what "Copy diagnostics" copies.
    pub on_diagnose: Callback<(), AttrValue>,
    /// A notice's "Reload" was chosen.
    #[prop_or_default]
    pub on_reload: Callback<()>,
    /// Gives the safety number between us and someone.
    pub safety_number: Callback<PeerId, String>,
}

/// To whom the message box talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Target {
    whisper_to: Option<PeerId>,
    /// Counts up each time the person chose, so that choosing the same again moves the cursor too.
    chosen: u32,
}

/// A room.
#[component]
// Long because: the parts of a room, in the order of the page.
pub fn RoomView(props: &RoomViewProps) -> Html {
    let state = &props.state;
    let target = use_state(Target::default);
    let people_open = use_state(|| false);

    let choose = {
        let (target, people_open) = (target.clone(), people_open.setter());
        Callback::from(move |whisper_to| {
            target.set(Target {
                whisper_to,
                chosen: target.chosen.wrapping_add(1),
            });
            // On a phone the list covers the message box.
            people_open.set(false);
        })
    };
    let on_action = {
        let (people_open, on_reload) = (people_open.setter(), props.on_reload.clone());
        Callback::from(move |action| match action {
            NoticeAction::ShowPeople => people_open.set(true),
            NoticeAction::Reload => on_reload.emit(()),
        })
    };
    let recipient = target.whisper_to.map(|peer| Recipient {
        peer,
        name: state.name_of(&peer),
        reachable: state
            .person(&peer)
            .is_some_and(|person| person.state == PersonState::Here),
    });
    let closing = use_node_ref();

    html! {
        <div class={classes!("room", people_open.then_some("people-open"))}>
            <button type="button" class="skip-link" onclick={choose.reform(|_: MouseEvent| None)}>
                { page::SKIP_LINK }
            </button>
            { topbar(props, &people_open, &closing) }
            { connection(&props.standing, props.retry_in, &props.on_retry, by_hand(props)) }
            <main class="conversation">
                <div class="notices">
                    { for state.notices.iter().map(|Pinned { id, notice }| {
                        let id = *id;
                        let on_dismiss = props.on_dismiss.reform(move |()| id);
                        html! { <div key={id}>{ notice_view(notice, None, &on_action, Some(on_dismiss)) }</div> }
                    }) }
                </div>
                <MessageList state={state.clone()}>{ nothing_yet(props) }</MessageList>
                <Composer
                    whisper_to={recipient}
                    drafts={props.drafts.clone()}
                    closed={state.closed}
                    focus_request={target.chosen}
                    on_send={props.on_send.clone()}
                    on_everyone={choose.reform(|()| None)}
                />
            </main>
            <div id="people-panel" class="side">
                <aside class="people-panel" aria-labelledby="people-title">
                    <h2 id="people-title">{ label::PEOPLE }<span class="count" aria-hidden="true">{ state.present() }</span></h2>
                    { people(state, target.whisper_to, &choose.reform(Some), &props.safety_number) }
                </aside>
                <NetworkPanel
                    state={state.clone()}
                    network={props.network.clone()}
                    on_look={props.on_look.clone()}
                    on_diagnose={props.on_diagnose.clone()}
                />
            </div>
        </div>
    }
}

/// The room's name and what can be done with the room. `closing` is the dialog that asks before it is closed for everyone.
fn topbar(props: &RoomViewProps, people_open: &UseStateHandle<bool>, closing: &NodeRef) -> Html {
    let state = &props.state;
    let toggle_people = {
        let people_open = people_open.clone();
        Callback::from(move |_: MouseEvent| people_open.set(!*people_open))
    };
    let link = props.link.clone();
    let ask_to_close = {
        let closing = closing.clone();
        Callback::from(move |_: MouseEvent| open(&closing))
    };
    html! {
        <header class="topbar">
            <div class="room-title">
                { mark() }
                <div>
                    { title(props.open_name.as_ref()) }
                </div>
            </div>
            <div class="topbar-actions">
                <button
                    type="button"
                    class="button people-toggle"
                    aria-expanded={people_open.to_string()}
                    aria-controls="people-panel"
                    onclick={toggle_people}
                >
                    { glyph(Icon::People) }
                    // Part of the button's name, also where there is no room to show it.
                    <span class="visually-hidden">{ "People, here now: " }</span>
                    { state.present() }
                </button>
                if !state.closed {
                    <CopyButton
                        what={Copied::Link}
                        text={Callback::from(move |()| link.clone())}
                        class={if state.people.is_empty() { "button primary" } else { "button" }}
                    />
                }
                if props.founder && !state.closed {
                    { wide_button(props, label::CLOSE_ROOM, label::CLOSE_ROOM, Icon::Lock, ask_to_close) }
                    { close_dialog(props, closing) }
                }
                { wide_button(
                    props,
                    label::LEAVE_ROOM,
                    if props.leaving { "Leaving…" } else { label::LEAVE_ROOM },
                    Icon::Leave,
                    props.on_leave.reform(|_: MouseEvent| ()),
                ) }
            </div>
        </header>
    }
}

/// A button of the topbar, of no use once goodbyes are being said. Its text is not shown where there is no room.
fn wide_button(
    props: &RoomViewProps,
    name: &'static str,
    text: &'static str,
    icon: Icon,
    onclick: Callback<MouseEvent>,
) -> Html {
    html! {
        <button type="button" class="button" aria-label={name} title={name} disabled={props.leaving} {onclick}>
            { glyph(icon) }
            <span class="button-text">{ text }</span>
        </button>
    }
}

/// Asks the founder before the room is closed for everyone.
fn close_dialog(props: &RoomViewProps, closing: &NodeRef) -> Html {
    let keep_open = {
        let closing = closing.clone();
        Callback::from(move |_: MouseEvent| close(&closing))
    };
    let close_room = {
        let (keep_open, on_close) = (keep_open.clone(), props.on_close.clone());
        Callback::from(move |event: MouseEvent| {
            keep_open.emit(event);
            on_close.emit(());
        })
    };
    html! {
        <dialog ref={closing.clone()} class="dialog" aria-labelledby="close-title">
            <h2 id="close-title">{ page::CLOSE_TITLE }</h2>
            { words("p", page::CLOSE_HELP) }
            { button("button primary", "Keep it open", keep_open) }
            { button("button danger", "Close for everyone", close_room) }
        </dialog>
    }
}

fn title(open_name: Option<&AttrValue>) -> Html {
    match open_name {
        None => html! {
            <>
                <h1>{ glyph(Icon::Lock) }{ "Private room" }</h1>
                <p class="room-kind">{ page::PRIVATE_ROOM_KIND }</p>
            </>
        },
        Some(name) => html! {
            <>
                <h1>{ glyph(Icon::Open) }<bdi>{ name }</bdi></h1>
                <p class="room-kind">{ page::OPEN_ROOM_KIND }</p>
            </>
        },
    }
}

/// The button "Invite by hand", while there is a room to invite to.
fn by_hand(props: &RoomViewProps) -> Html {
    if props.state.closed {
        return html! {};
    }
    html! {
        <InviteByHand
            invitation={props.state.invitation.clone()}
            answer={props.state.answer.clone()}
            on_invite={props.on_invite.clone()}
            on_take={props.on_take.clone()}
        />
    }
}

/// Before the first message: what to do next.
fn nothing_yet(props: &RoomViewProps) -> Html {
    if props.state.closed {
        return html! { <p class="nothing-yet nothing-title">{ page::CLOSED_EMPTY }</p> };
    }
    if props.state.present() > 1 {
        return html! {
            <div class="nothing-yet">
                <div class="flock small" aria-hidden="true" />
                <p class="nothing-title">{ page::TOGETHER_TITLE }</p>
                <p>{ page::TOGETHER_HELP }</p>
            </div>
        };
    }
    html! {
        <div class="nothing-yet">
            <div class="flock small" aria-hidden="true" />
            <p class="nothing-title">{ page::ALONE_TITLE }</p>
            <p>{ page::ALONE_HELP }</p>
            <p class="link-text" dir="ltr">{ &props.link }</p>
            <p class="aside">{ page::ALONE_ASIDE }</p>
        </div>
    }
}
