//! How a room looks, given its state: no node, no address, so that tests and the gallery show any state they like.

use std::rc::Rc;

use mesh::model::{Invitation, InvitationError, Network, PersonState, SendError};
use shared::PeerId;
use yew::prelude::*;

use crate::{
    components::{
        brand::mark,
        composer::{Composer, Outgoing, Recipient},
        connection::connection,
        copy_link::{CopyLink, close, open},
        element::{button, words},
        icon::{Icon, glyph},
        invite::InviteByHand,
        message_list::MessageList,
        network::NetworkPanel,
        notice::notice_view,
        people::people,
    },
    state::{
        connection::Standing,
        notice::NoticeAction,
        room::{Pinned, RoomState},
    },
};

/// Properties of [`RoomView`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct RoomViewProps {
    /// The room.
    pub state: Rc<RoomState>,
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
    /// What a notice proposes was chosen. The view itself shows people.
    #[prop_or_default]
    pub on_action: Callback<NoticeAction>,
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
    let toggle_people = {
        let people_open = people_open.clone();
        Callback::from(move |_: MouseEvent| people_open.set(!*people_open))
    };
    let on_action = {
        let (people_open, on_action) = (people_open.setter(), props.on_action.clone());
        Callback::from(move |action| match action {
            NoticeAction::ShowPeople => people_open.set(true),
            NoticeAction::Reload | NoticeAction::Start => on_action.emit(action),
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
    let ask_to_close = {
        let closing = closing.clone();
        Callback::from(move |_: MouseEvent| open(&closing))
    };
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
        <div class={classes!("room", people_open.then_some("people-open"))}>
            <button type="button" class="skip-link" onclick={choose.reform(|_: MouseEvent| None)}>
                { "Skip to the message box" }
            </button>
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
                        <CopyLink link={props.link.clone()} prominent={state.people.is_empty()} />
                    }
                    if props.founder && !state.closed {
                        <button
                            type="button"
                            class="button"
                            aria-label="Close room"
                            title="Close room"
                            disabled={props.leaving}
                            onclick={ask_to_close}
                        >
                            { glyph(Icon::Lock) }
                            <span class="button-text">{ "Close room" }</span>
                        </button>
                        <dialog ref={closing} class="dialog" aria-labelledby="close-title">
                            <h2 id="close-title">{ "Close this room for everyone?" }</h2>
                            { words("p", "Everybody is sent out, now and for good: nobody can come in again, not even you. \
                                          This cannot be undone.") }
                            { button("button primary", "Keep it open", keep_open) }
                            { button("button danger", "Close for everyone", close_room) }
                        </dialog>
                    }
                    <button
                        type="button"
                        class="button"
                        aria-label="Leave room"
                        title="Leave room"
                        disabled={props.leaving}
                        onclick={props.on_leave.reform(|_: MouseEvent| ())}
                    >
                        { glyph(Icon::Leave) }
                        <span class="button-text">{ if props.leaving { "Leaving…" } else { "Leave room" } }</span>
                    </button>
                </div>
            </header>
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
                    closed={state.closed}
                    focus_request={target.chosen}
                    on_send={props.on_send.clone()}
                    on_everyone={choose.reform(|()| None)}
                />
            </main>
            <div id="people-panel" class="side">
                <aside class="people-panel" aria-labelledby="people-title">
                    <h2 id="people-title">{ "People" }<span class="count" aria-hidden="true">{ state.present() }</span></h2>
                    { people(state, target.whisper_to, &choose.reform(Some), &props.safety_number) }
                </aside>
                <NetworkPanel state={state.clone()} network={props.network.clone()} on_look={props.on_look.clone()} />
            </div>
        </div>
    }
}

fn title(open_name: Option<&AttrValue>) -> Html {
    match open_name {
        None => html! {
            <>
                <h1>{ "Private room" }</h1>
                <p class="room-kind">{ glyph(Icon::Lock) }{ "Only people with the link get in" }</p>
            </>
        },
        Some(name) => html! {
            <>
                <h1><bdi>{ name }</bdi></h1>
                <p class="room-kind">
                    { glyph(Icon::Open) }{ "Open room: anyone who guesses the name can come in" }
                </p>
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
        return html! { <p class="nothing-yet nothing-title">{ "This room is closed" }</p> };
    }
    if props.state.present() > 1 {
        return html! {
            <div class="nothing-yet">
                <div class="flock small" aria-hidden="true" />
                <p class="nothing-title">{ "You found each other" }</p>
                <p>{ "Nothing was said yet. Write the first message below; it goes straight to everyone here." }</p>
            </div>
        };
    }
    html! {
        <div class="nothing-yet">
            <div class="flock small" aria-hidden="true" />
            <p class="nothing-title">{ "You are alone here" }</p>
            <p>{ "Copy the link and send it to the people you want to talk to. Whoever opens it lands in this room." }</p>
            <p class="link-text" dir="ltr">{ &props.link }</p>
            <p class="aside">{ "You can write already: your messages wait for the first one to come." }</p>
        </div>
    }
}
