//! How a room looks, given its state: no node, no address, so that tests and the gallery show any state they like.

use std::rc::Rc;

use client::{
    check::Check,
    export::Format,
    files::Preview,
    marks::Mark,
    notice::NoticeAction,
    room::{Pinned, RoomState},
    standing::Standing,
    store::Space,
    telling::Told,
    words::{self, label, page},
};
use mesh::model::{FileInfo, Invitation, InvitationError, Network, PersonState, SendError};
use shared::{MessageId, PeerId, RoomCode};
use yew::prelude::*;

use super::{
    empty::nothing_yet,
    keeping::Keep,
    sheet::{Sheet, Ways, use_sheet},
    topbar::{topbar, way_out},
};
use crate::components::{
    composer::{Composer, Outgoing, Recipient, names_offered},
    connection::connection,
    element::{button, icon_button},
    field::focus,
    file_card::FileAction,
    icon::Icon,
    later::waiting,
    message_list::{MessageList, use_goto},
    network::NetworkPanel,
    notice::notice_view,
    people::People,
    pinned::pinned,
    preview::Shown,
    said_of::answered,
};
use crate::{
    drafts::Drafts,
    folder::{self, Chosen},
    hooks::use_help_key,
    js,
    later::{Part, use_later},
    telling::OnTold,
};

/// Properties of [`RoomView`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct RoomViewProps {
    /// The room.
    pub state: Rc<RoomState>,
    /// What was typed in it and not sent yet.
    #[prop_or_default]
    pub drafts: Rc<Drafts>,
    /// Whether it is open to whoever knows its name.
    #[prop_or_default]
    pub is_open: bool,
    /// What it is called as far as this browser knows, if anything.
    pub name: Option<AttrValue>,
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
    /// Who is typing, in words, if the person wants to know.
    #[prop_or_default]
    pub typing: Option<AttrValue>,
    /// The person is typing something to everyone.
    #[prop_or_default]
    pub on_typing: Callback<()>,
    /// Says something.
    pub on_send: Callback<Outgoing, Result<(), SendError>>,
    /// Tries the servers now.
    #[prop_or_default]
    pub on_retry: Callback<()>,
    /// Looks at the network again.
    #[prop_or_default]
    pub on_look: Callback<()>,
    /// Takes another name for us; valid.
    #[prop_or_default]
    pub on_rename: Callback<String>,
    /// Gives the room a name; valid.
    pub on_name_room: Callback<String, Result<(), SendError>>,
    /// Says what the room is about; valid.
    pub on_topic: Callback<String, Result<(), SendError>>,
    /// Called with a message that everybody is to find, or no longer.
    #[prop_or_default]
    pub on_pin: Callback<MessageId>,
    /// Keeps so much here, and by everyone, from now on.
    #[prop_or_default]
    pub on_keep: Callback<Keep>,
    /// Whether the region "Network" is folded up at first.
    #[prop_or_default]
    pub folded: bool,
    /// Called with whether it is from now on.
    #[prop_or_default]
    pub on_fold: Callback<bool>,
    /// The person wants files sent to everyone.
    #[prop_or_default]
    pub on_files: Callback<Vec<Chosen>>,
    /// Files were dropped or pasted while the message box whispers: they are for everyone, and not sent.
    #[prop_or_default]
    pub on_files_refused: Callback<()>,
    /// The person thinks this of somebody from now on.
    #[prop_or_default]
    pub on_mark: Callback<(PeerId, Mark)>,
    /// Something is wanted of a file.
    #[prop_or_default]
    pub on_file: Callback<(FileInfo, FileAction)>,
    /// The file that is being read to be sent, and how far that is, in percent.
    #[prop_or_default]
    pub preparing: Option<(AttrValue, u32)>,
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
    /// An emoji for a message is wanted, or no longer.
    #[prop_or_default]
    pub on_react: Callback<(MessageId, AttrValue)>,
    /// Another text for a message.
    pub on_edit: Callback<(MessageId, String), Result<(), SendError>>,
    /// Called with a message of ours that the person wants gone.
    pub on_delete: Callback<MessageId>,
    /// The other rooms that this tab is in, and what they are called.
    #[prop_or_default]
    pub others: Vec<(RoomCode, AttrValue)>,
    /// Called with one of these and what is handed on to it.
    #[prop_or_default]
    pub on_forward: Callback<(RoomCode, AttrValue)>,
    /// Called with those who are to come along to another room, which is to be made.
    #[prop_or_default]
    pub on_move: Callback<Vec<PeerId>>,
    /// Gives of which messages the person is told while they look elsewhere.
    pub told: Callback<(), Told>,
    /// Called with of which they want to be told, and with what is to be called with what became of that.
    pub on_told: OnTold,
    /// A notice was read.
    #[prop_or_default]
    pub on_dismiss: Callback<u64>,
    /// Gives what "Copy diagnostics" copies.
    pub on_diagnose: Callback<(), AttrValue>,
    /// Finds out what kind of network this is, and tells it.
    pub on_check: Callback<Callback<Check>>,
    /// Saves what was said in the room of this name as a file.
    #[prop_or_default]
    pub on_save: Callback<(Option<String>, Format)>,
    /// Takes what is new of such a file, and calls back with what came of it.
    #[prop_or_default]
    pub on_import: Callback<(web_sys::File, Callback<AttrValue>)>,
    /// Leaves the room, and forgets what is kept of it.
    #[prop_or_default]
    pub on_forget: Callback<()>,
    /// Finds out how much is kept here, if anything is, and tells it.
    #[prop_or_default]
    pub on_space: Callback<Callback<Space>>,
    /// A notice's "Reload" was chosen.
    #[prop_or_default]
    pub on_reload: Callback<()>,
    /// Gives the safety number between us and someone.
    pub safety_number: Callback<PeerId, String>,
    /// Gives whom a message of ours is meant for, and whether they have it; nobody if nobody lacks it.
    pub recipients: Callback<MessageId, Vec<(PeerId, bool)>>,
}

/// To whom the message box talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Target {
    whisper_to: Option<PeerId>,
    /// Which message is answered, to everyone.
    reply_to: Option<MessageId>,
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
    let times_chosen = use_mut_ref(|| 0_u32);
    let choose = use_callback((), {
        let (target, people_open) = (target.setter(), people_open.setter());
        move |(whisper_to, reply_to), ()| {
            let mut chosen = times_chosen.borrow_mut();
            *chosen = chosen.wrapping_add(1);
            target.set(Target {
                whisper_to,
                reply_to,
                chosen: *chosen,
            });
            // On a phone the list covers the message box.
            people_open.set(false);
        }
    });
    let recipient = target.whisper_to.map(|peer| Recipient {
        peer,
        name: state.name_of(&peer),
        reachable: state
            .person(&peer)
            .is_some_and(|person| person.state == PersonState::Here),
    });
    let sheet = use_state_eq(|| None::<Sheet>);
    let show = use_callback((), {
        let sheet = sheet.setter();
        move |next: Option<Sheet>, ()| sheet.set(next)
    });
    use_help_key(show.reform(|()| Some(Sheet::Keys)));
    let on_about = use_callback((), {
        let show = show.clone();
        move |peer, ()| show.emit(Some(Sheet::About(peer)))
    });
    let on_recipients = use_callback((), {
        let show = show.clone();
        move |id, ()| show.emit(Some(Sheet::Recipients(id)))
    });
    let on_actions = use_callback((), {
        let show = show.clone();
        move |id, ()| show.emit(Some(Sheet::Actions(id)))
    });
    let on_whisper = use_callback((), {
        let choose = choose.clone();
        move |to, ()| choose.emit((to, None))
    });
    let on_reply = use_callback((), {
        let choose = choose.clone();
        move |id, ()| choose.emit((None, Some(id)))
    });
    let on_send = {
        let (on_send, target) = (props.on_send.clone(), target.clone());
        Callback::from(move |outgoing| {
            on_send.emit(outgoing)?;
            // One answer is one answer.
            if target.reply_to.is_some() {
                target.set(Target {
                    reply_to: None,
                    ..*target
                });
            }
            Ok(())
        })
    };
    let on_action = {
        let (on_about, on_reload) = (on_about.clone(), props.on_reload.clone());
        Callback::from(move |action| match action {
            NoticeAction::About { peer } => on_about.emit(peer),
            NoticeAction::Reload => on_reload.emit(()),
        })
    };
    // Dropped, pasted or picked, and not sent yet: that may not have been meant.
    let pending = use_state(Vec::<Chosen>::new);
    let on_chosen = {
        let (pending, refused, is_whispering) = (pending.setter(), props.on_files_refused.clone(), recipient.is_some());
        let on_files = props.on_files.clone();
        Callback::from(move |chosen: Vec<Chosen>| {
            if is_whispering {
                refused.emit(());
            } else if chosen.iter().any(Chosen::is_empty) {
                // There is nothing to ask: that it cannot be sent is told.
                on_files.emit(chosen);
            } else {
                pending.set(chosen);
            }
        })
    };
    let has_files = !pending.is_empty() || props.preparing.is_some();
    let later = use_later(has_files.then_some(()));
    let on_files = {
        let on_chosen = on_chosen.clone();
        Callback::from(move |event: Event| {
            if js::is_files(&event) {
                event.prevent_default();
                let mut chosen = folder::chosen(&event);
                if event.type_() == "paste"
                    && let [Chosen::File(picture)] = &mut chosen[..]
                {
                    js::name_picture(picture);
                }
                on_chosen.emit(chosen);
            }
        })
    };
    let (goal, on_goto) = use_goto();
    let ways = Ways {
        show: show.clone(),
        on_chosen,
        on_reply,
        on_goto: on_goto.clone(),
    };
    let in_front = use_sheet(props, *sheet, &ways);
    let (panel, toggle) = (use_node_ref(), use_node_ref());
    let close_people = use_drawer(&people_open, &panel, &toggle);
    let now = (target.whisper_to, target.reply_to);
    let onkeydown = {
        let close_people = close_people.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                close_people.emit(());
            }
        })
    };

    html! {
        <div
            class={classes!("room", people_open.then_some("people-open"))}
            // Else the browser would leave the page for the file.
            ondragover={|event: DragEvent| if js::is_files(&event) { event.prevent_default() }}
            ondrop={on_files.reform(Event::from)}
            onpaste={on_files}
        >
            <button type="button" class="skip-link" onclick={choose.reform(move |_: MouseEvent| now)}>
                { page::SKIP_LINK }
            </button>
            { topbar(props, &people_open, &toggle, &show) }
            { connection(&props.standing, props.retry_in, &props.on_retry, way_out(props, &show)) }
            <main class="conversation" inert={*people_open}>
                <div class="notices">
                    { for state.notices.iter().map(|Pinned { id, notice }| {
                        let id = *id;
                        let on_dismiss = props.on_dismiss.reform(move |()| id);
                        html! { <div key={id}>{ notice_view(notice, None, &on_action, Some(on_dismiss)) }</div> }
                    }) }
                    { pinned(state, &on_goto) }
                </div>
                <MessageList state={state.clone()} on_file={props.on_file.clone()} {on_recipients} on_react={props.on_react.clone()} {on_actions} {on_goto} {goal}>
                    { nothing_yet(props) }
                </MessageList>
                if let Some(backlog) = state.catching_up {
                    <p class="files-bar">{ page::catching_up(backlog) }</p>
                }
                if has_files {
                    { later.part().map_or_else(|| waiting(later), |part| later_files_bar(part, props, &pending)) }
                }
                // Not said aloud: it would be said all the time.
                <p class="typing" aria-hidden="true">{ props.typing.clone() }</p>
                // What is typed in it is kept.
                if !state.forgotten && (state.closed || !state.left) {
                    <Composer
                        whisper_to={recipient}
                        drafts={props.drafts.clone()}
                        closed={state.closed}
                        reply_to={answered(state, target.reply_to)}
                        focus_request={target.chosen}
                        people={names_offered(state)}
                        on_typing={props.on_typing.clone()}
                        {on_send}
                        on_everyone={choose.reform(|()| (None, None))}
                        on_files={props.on_files.clone()}
                    />
                }
            </main>
            <div class="scrim" onclick={close_people.reform(|_: MouseEvent| ())} />
            <div id="people-panel" class="side" {onkeydown}>
                <aside ref={panel} class="people-panel" tabindex="-1" aria-labelledby="people-title">
                    { icon_button(Icon::Close, page::CLOSE_PEOPLE.into(), close_people.reform(|_: MouseEvent| ())) }
                    <h2 id="people-title">{ label::PEOPLE }<span class="count" aria-hidden="true">{ state.present() }</span></h2>
                    <People state={state.clone()} whisper_to={target.whisper_to} {on_whisper} {on_about} />
                </aside>
                <NetworkPanel
                    state={state.clone()}
                    network={props.network.clone()}
                    on_look={props.on_look.clone()}
                    folded={props.folded}
                    on_fold={props.on_fold.clone()}
                    on_enlarge={show.reform(|()| Some(Sheet::Map))}
                />
            </div>
            { in_front }
        </div>
    }
}

/// Moves the cursor into the drawer of people as it opens, and back as it is closed: by what this gives.
#[hook]
fn use_drawer(is_open: &UseStateHandle<bool>, panel: &NodeRef, toggle: &NodeRef) -> Callback<()> {
    let was_closed = use_mut_ref(|| false);
    {
        let (panel, toggle, was_closed) = (panel.clone(), toggle.clone(), was_closed.clone());
        use_effect_with(**is_open, move |is_open| {
            if *is_open {
                focus(&panel);
            } else if was_closed.take() {
                focus(&toggle);
            }
        });
    }
    let is_open = is_open.setter();
    Callback::from(move |()| {
        *was_closed.borrow_mut() = true;
        is_open.set(false);
    })
}

/// What is about to be sent: files that were dropped or pasted, or one that is being read.
#[inline(never)]
fn later_files_bar(_: Part, props: &RoomViewProps, pending: &UseStateHandle<Vec<Chosen>>) -> Html {
    if let Some((name, percent)) = &props.preparing {
        return html! { <p class="files-bar" role="status">{ words::files::preparing(name, *percent) }</p> };
    }
    if pending.is_empty() || props.state.is_over() {
        return html! {};
    }
    let names = pending.iter().map(Chosen::name);
    let none = {
        let pending = pending.setter();
        move |_: MouseEvent| pending.set(Vec::new())
    };
    let send = {
        let (pending, on_files) = (pending.clone(), props.on_files.clone());
        Callback::from(move |_: MouseEvent| {
            on_files.emit((*pending).clone());
            pending.set(Vec::new());
        })
    };
    html! {
        <div class="files-bar" role="group" aria-label={label::SEND_FILE}>
            if let [Chosen::File(file)] = &pending[..] && file.type_().starts_with("image/") {
                <Shown blob={web_sys::Blob::from(file.clone())} kind={Preview::Picture} name={file.name()} />
            }
            <p role="status">{ words::files::ask(names) }</p>
            { button("button small primary", page::SEND_FILES, send) }
            { button("button small", label::CANCEL, Callback::from(none)) }
        </div>
    }
}
