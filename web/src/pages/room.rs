//! A room: runs a program for as long as the page is shown, and hands what it shows to [`view`].

mod about;
mod actions;
mod empty;
pub mod keeping;
mod menu;
mod notifications;
mod recipients;
mod search;
pub mod sheet;
pub mod view;

use std::{cell::Cell, rc::Rc};

use client::{
    Session,
    check::{Check, RelayTransport},
    config::EXPORT_BYTES_MAX,
    export::Format,
    files::shown_name,
    import::{ImportError, import},
    marks::{self, Marks},
    notice::{Notice, NoticeKind},
    room::RoomState,
    route::Route,
    standing::standing,
    store::Space,
    words,
};
use gloo_timers::callback::Timeout;
use mesh::{
    io::TransportPolicy,
    model::{FileInfo, Invitation, InvitationError, Network, SendError},
};
use shared::{MessageId, PeerId, RoomCode, identity::safety_number, signal::IceServer};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use self::{keeping::Keep, notifications::use_told, view::RoomView};
use crate::{
    appearance::{self, Setting},
    clock,
    components::{composer::Outgoing, file_card::FileAction},
    config::LEAVE_MAX,
    drafts::Drafts,
    files::{self, Files},
    folder::Chosen,
    hooks::{go_to, use_seconds_until, use_stay, use_title},
    js, rooms, rtc, worker,
};

/// Joins a room; what it shows comes to the callback.
pub type Join = Callback<Callback<Rc<RoomState>>, Session>;

/// Properties of [`RoomPage`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct RoomPageProps {
    /// Which room.
    pub code: RoomCode,
    /// Joins it. Called once.
    pub join: Join,
    /// Called with another name for us; valid.
    pub on_rename: Callback<String>,
    /// Called once the room is left and what is kept of it is to be forgotten; leads to the start page.
    pub on_forget: Callback<()>,
    /// Its files.
    pub files: Files,
    /// Whether the room is drawn yet. Joining does not wait for it.
    pub is_drawn: bool,
    /// Something to say from the start.
    #[prop_or_default]
    pub first_notice: Option<Notice>,
}

/// A room. It joins when it is made and leaves when it is taken away, for whatever reason.
#[component]
// Long because: every command of the page has its handler here.
pub fn RoomPage(props: &RoomPageProps) -> Html {
    let code = &props.code;
    let room = use_memo(code.clone(), RoomCode::open);
    let (state, session) = use_session(&props.join, props.first_notice.as_ref());
    let me = session.peer_id();
    let network = use_state_eq(|| None::<Rc<Network>>);
    let on_forget = use_callback((session.clone(), props.on_forget.clone()), |(), (session, forget)| {
        session.forget();
        forget.emit(());
    });
    let leaving = use_leaving(state.left, &on_forget);
    let is_leaving = *leaving != Leaving::No;
    use_title(words::page::title(state.unread, state.files_percent()), state.unread);
    use_small_pictures(&state, &session);

    let on_look = use_callback(session.clone(), {
        let network = network.setter();
        move |(), session| network.set(Some(session.network().into()))
    });
    let now = standing(&state, network.as_deref());
    // Else a split that has healed would be told of until the next look.
    use_effect_with((state.present(), now.reach.is_some()), {
        let on_look = on_look.clone();
        move |(_, split)| {
            if *split {
                on_look.emit(());
            }
        }
    });
    let retry_in = use_seconds_until(now.retry_at.is_some(), || {
        now.retry_at.map_or(0, |at| session.millis_until(at))
    });
    let on_send = use_callback(session.clone(), {
        let asked = Cell::new(false);
        move |outgoing: Outgoing, session| {
            match outgoing.reply_to {
                Some(answered) => session.reply(answered, &outgoing.text)?,
                None => session.say(outgoing.to, &outgoing.text)?,
            };
            // From the first message on there is something to lose.
            if !asked.replace(true) {
                js::ask_to_persist();
            }
            Ok(())
        }
    });
    let safety_number = use_callback((code.clone(), me), {
        let room = room.clone();
        move |peer, (_, me)| safety_number(&room, me, &peer)
    });
    let recipients = use_callback(session.clone(), |id, session| session.recipients(id));
    let (told, on_told) = use_told(code);
    let drafts = use_memo((room.id(), me), |(room, me)| Drafts::of(room, me));
    let folded = use_memo((), |()| appearance::is_network_folded());
    // Until its founder's word comes, and where only we are.
    let name = use_memo(code.clone(), |code| match code {
        RoomCode::Open { name } => Some(AttrValue::from(name.clone())),
        RoomCode::Generated { .. } => {
            rooms::find(code).and_then(|room| room.called().map(|name| AttrValue::from(name.to_owned())))
        }
    });
    let on_rename = use_callback(
        (session.clone(), props.on_rename.clone()),
        |name: String, (session, on_rename)| {
            session.rename(name.clone());
            on_rename.emit(name);
        },
    );
    use_stay(state.would_be_lost() && !is_leaving);
    let preparing = use_state(|| None::<(AttrValue, u32)>);
    let on_files = use_callback((session.clone(), props.files.clone()), {
        let preparing = preparing.setter();
        move |chosen, (session, files)| {
            spawn_local(offer(session.clone(), files.clone(), chosen, preparing.clone()));
        }
    });
    let on_file = use_callback((session.clone(), props.files.clone()), on_file);
    let on_mark = use_callback(session.clone(), |(peer, mark), session| {
        let mut all = Marks::clone(&session.room().marks);
        marks::set(&mut all, peer, mark);
        js::keep(&marks_key(&session.peer_id()), &marks::to_text(&all));
        session.mark(all);
    });
    let commands = use_memo(session.clone(), Commands::new);
    let on_leave = use_callback((session.clone(), leaving.setter()), |how, (session, leaving)| {
        leaving.set(how);
        session.leave();
    });

    if !props.is_drawn {
        return html! {};
    }
    let on_space = if state.kept {
        commands.on_space.clone()
    } else {
        Callback::noop()
    };
    html! {
        <ContextProvider<Files> context={props.files.clone()}>
        <RoomView
            {state}
            {drafts}
            is_open={matches!(code, RoomCode::Open { .. })}
            name={(*name).clone()}
            link={AttrValue::from(link_to(code))}
            standing={now}
            network={(*network).clone()}
            founder={room.founder() == Some(me)}
            {retry_in}
            leaving={is_leaving}
            {on_send}
            {on_look}
            on_forget={on_leave.reform(|()| Leaving::Forgetting)}
            on_leave={on_leave.reform(|()| Leaving::Keeping)}
            {on_space}
            on_save={commands.on_save.clone()}
            on_import={commands.on_import.clone()}
            on_retry={commands.on_retry.clone()}
            {on_rename}
            folded={*folded}
            on_fold={commands.on_fold.clone()}
            on_name_room={commands.on_name_room.clone()}
            on_keep={commands.on_keep.clone()}
            on_invite={commands.on_invite.clone()}
            on_take={commands.on_take.clone()}
            on_close={commands.on_close.clone()}
            {on_files}
            {on_file}
            {on_mark}
            on_react={commands.on_react.clone()}
            on_edit={commands.on_edit.clone()}
            on_delete={commands.on_delete.clone()}
            {told}
            {on_told}
            preparing={(*preparing).clone()}
            on_files_refused={commands.on_files_refused.clone()}
            on_dismiss={commands.on_dismiss.clone()}
            on_diagnose={commands.on_diagnose.clone()}
            on_check={commands.on_check.clone()}
            on_reload={commands.on_reload.clone()}
            {safety_number}
            {recipients}
        />
        </ContextProvider<Files>>
    }
}

/// Offers files to everyone, one after the other.
async fn offer(
    session: Session,
    files: Files,
    chosen: Vec<Chosen>,
    preparing: UseStateSetter<Option<(AttrValue, u32)>>,
) {
    for chosen in chosen {
        let name = AttrValue::from(chosen.name());
        let on_progress = |percent| preparing.set(Some((name.clone(), percent)));
        let offered = match chosen.into_file(&on_progress).await {
            Ok(file) => files.offer(&session, &file, on_progress).await,
            Err(error) => Err(error),
        };
        if let Err(error) = offered {
            let name = shown_name(&name);
            session.notify(NoticeKind::FileNotOffered { name, error }.into());
        }
        preparing.set(None);
    }
}

/// Takes what is new of an export. Gives what came of it, in words.
async fn bring_back(session: &Session, file: &web_sys::File) -> AttrValue {
    let read = async {
        let bytes = js::bytes_of(file).await.ok()?;
        js::parse_json(&String::from_utf8(bytes).ok()?)
    };
    let imported = if file.size() > f64::from(EXPORT_BYTES_MAX) {
        Err(ImportError::TooLarge)
    } else if let Some(export) = read.await {
        import(session, &export, clock::pause).await
    } else {
        Err(ImportError::NotOne)
    };
    match imported {
        Ok(imported) => words::keeping::imported(imported).into(),
        Err(error) => words::keeping::import_refused(error).into(),
    }
}

/// Does what the person wants of a file.
fn on_file((info, action): (FileInfo, FileAction), (session, files): &(Session, Files)) {
    let name = shown_name(&info.name);
    match action {
        FileAction::Fetch => {
            let session = session.clone();
            spawn_local(async move {
                let have = session
                    .room()
                    .files
                    .get(&info.root)
                    .map_or(0, |progress| progress.bytes_have);
                let bytes = info.bytes.saturating_sub(have);
                let left = js::space().await.map_or(u64::MAX, |space| space.left_bytes);
                if left < bytes {
                    session.notify(NoticeKind::FileNoSpace { name, bytes, left }.into());
                } else if let Err(error) = session.fetch_file(info) {
                    session.notify(NoticeKind::FileNotFetched { name, error }.into());
                }
            });
        }
        FileAction::Pause => session.pause_file(info.root),
        FileAction::Cancel => session.cancel_file(info.root),
        FileAction::Save => {
            let (session, files) = (session.clone(), files.clone());
            spawn_local(async move {
                if let Err(error) = files.save(&info).await {
                    js::log(&format!("a file cannot be saved: {error}"));
                    session.notify(NoticeKind::FileNotSaved { name }.into());
                }
            });
        }
    }
}

/// Small pictures are fetched as they come, unless the person does not want that.
#[hook]
fn use_small_pictures(state: &RoomState, session: &Session) {
    let session = session.clone();
    // Once the oldest messages are dropped there are as many as before.
    let newest = state.messages[..state.ahead_from()].last();
    let newest = newest.map(|entry| entry.message.id);
    use_effect_with((state.messages.len(), newest), move |_| {
        if appearance::get(Setting::Pictures).is_empty() {
            for file in files::unasked(&session.room()) {
                // Where there is no room for it, the person may ask and is told.
                let _ = session.fetch_file(file);
            }
        }
    });
}

/// The room as it was shown last, and the session. It begins before the room is drawn first, so that its socket opens meanwhile.
#[hook]
fn use_session(join: &Join, first_notice: Option<&Notice>) -> (Rc<RoomState>, Session) {
    let shown = use_state(|| None::<Rc<RoomState>>);
    let session = use_state(|| {
        let shown = shown.setter();
        let session = join.emit(Callback::from(move |room| shown.set(Some(room))));
        session.mark(marks::from_text(&js::kept(&marks_key(&session.peer_id()))));
        session
    });
    use_effect_with((), {
        let session = session.clone();
        move |()| move || session.leave()
    });
    use_effect_with(first_notice.cloned(), {
        let session = session.clone();
        move |notice| {
            if let Some(notice) = notice {
                session.notify(notice.clone());
            }
        }
    });
    let room = (*shown).clone().unwrap_or_else(|| session.room());
    (room, (*session).clone())
}

/// Whether the person leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    Keeping,
    Forgetting,
}

/// How the person leaves. The start page follows once everyone was told, or after long enough.
#[hook]
fn use_leaving(left: bool, on_forget: &Callback<()>) -> UseStateHandle<Leaving> {
    let leaving = use_state(|| Leaving::No);
    let on_forget = on_forget.clone();
    use_effect_with((*leaving, left), move |(leaving, left)| {
        let forgets = *leaving == Leaving::Forgetting;
        let end = move || {
            if forgets {
                on_forget.emit(());
            } else {
                go_to(&Route::Start);
            }
        };
        let timeout = match (leaving, left) {
            (Leaving::No, _) => None,
            (_, true) => {
                end();
                None
            }
            (_, false) => Some(Timeout::new(clock::millis(LEAVE_MAX), end)),
        };
        move || drop(timeout)
    });
    leaving
}

/// What the page asks of the session, as callbacks that stay the same for as long as the session does.
#[derive(Debug)]
struct Commands {
    on_retry: Callback<()>,
    on_name_room: Callback<String, Result<(), SendError>>,
    on_react: Callback<(MessageId, AttrValue)>,
    on_edit: Callback<(MessageId, String), Result<(), SendError>>,
    on_delete: Callback<MessageId>,
    on_keep: Callback<Keep>,
    on_fold: Callback<bool>,
    on_invite: Callback<(), Result<(), InvitationError>>,
    on_take: Callback<String, Result<Invitation, InvitationError>>,
    on_close: Callback<()>,
    on_files_refused: Callback<()>,
    on_dismiss: Callback<u64>,
    on_diagnose: Callback<(), AttrValue>,
    on_check: Callback<Callback<Check>>,
    on_space: Callback<Callback<Space>>,
    on_save: Callback<(Option<String>, Format)>,
    on_import: Callback<(web_sys::File, Callback<AttrValue>)>,
    on_reload: Callback<()>,
}

/// Tells the person why something was refused.
fn told(session: &Session, done: Result<(), SendError>) {
    if let Err(error) = done {
        session.notify(NoticeKind::NotSent { error, to: None }.into());
    }
}

impl Commands {
    // Long because: one command after the other.
    fn new(session: &Session) -> Self {
        fn command<T: 'static, R: 'static>(session: &Session, give: fn(&Session, T) -> R) -> Callback<T, R> {
            let session = session.clone();
            Callback::from(move |what| give(&session, what))
        }
        Self {
            on_retry: command(session, |session, ()| session.retry_now()),
            on_name_room: command(session, |session, name: String| session.name_room(&name)),
            on_react: command(session, |session, (id, emoji): (MessageId, AttrValue)| {
                told(session, session.react(id, &emoji));
            }),
            on_edit: command(session, |session, (id, text): (MessageId, String)| {
                session.edit(id, &text)
            }),
            on_delete: command(session, |session, id: MessageId| told(session, session.delete(id))),
            on_keep: command(session, |session, (keep, after): Keep| {
                session.set_retention(keep);
                told(session, after.map_or(Ok(()), |after| session.set_vanish(after)));
            }),
            on_fold: Callback::from(appearance::fold_network),
            on_invite: command(session, |session, ()| session.invite()),
            on_take: command(session, |session, text: String| session.take_invitation(&text)),
            on_close: command(session, |session, ()| {
                // Refused only to whom the button is not shown, and after leaving.
                let _ = session.close_room();
            }),
            on_files_refused: command(session, |session, ()| {
                session.notify(NoticeKind::FilesAreForEveryone.into())
            }),
            on_dismiss: command(session, Session::dismiss),
            on_diagnose: command(session, |session, ()| session.diagnostics().into()),
            on_check: command(session, |session, told: Callback<Check>| {
                let (ice_servers, policy) = (session.ice_servers(), session.transport_policy());
                spawn_local(async move {
                    let [udp, tcp, tls] = RelayTransport::ALL.map(|transport| transport.servers(&ice_servers));
                    let relayed = async |servers: &[IceServer]| {
                        if servers.is_empty() {
                            return None;
                        }
                        rtc::look_around(servers, TransportPolicy::Relay).await
                    };
                    let (found, udp, tcp, tls) = futures_util::join!(
                        rtc::look_around(&ice_servers, policy),
                        relayed(&udp),
                        relayed(&tcp),
                        relayed(&tls)
                    );
                    let relayed = [udp.as_deref(), tcp.as_deref(), tls.as_deref()];
                    told.emit(Check::of(&ice_servers, policy, found.as_deref(), relayed));
                });
            }),
            on_space: Callback::from(|told: Callback<Space>| {
                spawn_local(async move {
                    if let Some(space) = js::space().await {
                        told.emit(space);
                    }
                });
            }),
            on_save: command(session, |session, (name, format): (Option<String>, Format)| {
                if let Err(error) = js::save(&session.export(name.as_deref(), format)) {
                    js::log_error("a file cannot be saved", &error);
                }
            }),
            on_import: command(
                session,
                |session, (file, told): (web_sys::File, Callback<AttrValue>)| {
                    let session = session.clone();
                    spawn_local(async move { told.emit(bring_back(&session, &file).await) });
                },
            ),
            on_reload: Callback::from(|()| worker::reload()),
        }
    }
}

/// What the person thinks of others is kept by this: a safety number is between two.
fn marks_key(me: &PeerId) -> String {
    format!("starling marks {}", me.to_text())
}

/// The address that leads someone else here.
fn link_to(code: &RoomCode) -> String {
    let fragment = Route::Room { code: code.to_text() }.to_fragment();
    let address = js::window().location().href().unwrap_or_default();
    let page = address.split('#').next().unwrap_or_default();
    format!("{page}{fragment}")
}
