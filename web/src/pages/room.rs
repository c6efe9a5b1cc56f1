//! A room: runs a program for as long as the page is shown, and hands what it shows to [`view`].

mod about;
mod actions;
mod commands;
mod empty;
pub mod keeping;
mod menu;
mod moving;
mod notifications;
mod offering;
mod recipients;
mod search;
pub mod sheet;
mod topbar;
pub mod view;

use std::{cell::Cell, rc::Rc};

use client::{
    Session,
    config::EXPORT_BYTES_MAX,
    files::shown_name,
    import::{ImportError, import},
    marks::{self, Marks},
    notice::{Notice, NoticeKind},
    room::RoomState,
    route::Route,
    standing::standing,
    words,
};
use gloo_timers::callback::Timeout;
use mesh::model::{FileInfo, Network};
use shared::{PeerId, Room, RoomCode, identity::safety_number};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use self::{commands::Commands, notifications::use_told, offering::later_offer, view::RoomView};
use crate::{
    appearance::{self, Setting},
    clock,
    components::{composer::Outgoing, file_card::FileAction},
    config::LEAVE_MAX,
    drafts::Drafts,
    files::{self, Files},
    hooks::{go_to, use_seconds_until, use_stay},
    js,
    later::{self, NotLoaded, Part, use_later},
    open_rooms::Glance,
    rooms,
};

/// Joins a room; what it shows comes to the callback. Takes also whether it is the one that is shown.
pub type Join = Callback<(Callback<Rc<RoomState>>, bool), Joined>;

/// A room that was joined.
#[derive(Debug)]
pub struct Joined {
    /// The way to it.
    pub session: Session,
    /// Called with whether it is the one that is shown.
    pub on_front: Callback<bool>,
}

/// Properties of [`RoomPage`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct RoomPageProps {
    /// Which room.
    pub code: RoomCode,
    /// Joins it. Called once.
    pub join: Join,
    /// What we call ourselves; valid.
    pub called: String,
    /// Called with another name for us; valid.
    pub on_rename: Callback<String>,
    /// Called once the room is left, with whether what is kept of it is to be forgotten; leads elsewhere.
    pub on_left: Callback<bool>,
    /// Called with how it stands, whenever that has changed.
    pub on_glance: Callback<Glance>,
    /// Its files.
    pub files: Files,
    /// Whether it is the one that is shown.
    pub is_shown: bool,
    /// Whether it is drawn by now if it is shown. Joining does not wait for it.
    pub is_drawn: bool,
    /// The other rooms that this tab is in, and what they are called.
    pub others: Vec<(RoomCode, AttrValue)>,
    /// Called with another room and what is handed on to it.
    pub on_forward: Callback<(RoomCode, AttrValue)>,
    /// Makes another room of ours.
    pub new_room: Callback<(), RoomCode>,
    /// What was handed on to this room last.
    pub handed: Option<(u32, AttrValue)>,
    /// Something to say from the start.
    #[prop_or_default]
    pub first_notice: Option<Notice>,
}

/// A room. It joins when it is made and leaves when it is taken away, for whatever reason. While another is shown nothing of it is drawn.
#[component]
// Long because: every command of the page has its handler here.
pub fn RoomPage(props: &RoomPageProps) -> Html {
    let code = &props.code;
    let room = use_memo(code.clone(), RoomCode::open);
    let (state, session) = use_session(props);
    let me = session.peer_id();
    let network = use_state_eq(|| None::<Rc<Network>>);
    let leaving = use_leaving(state.left, &session, &props.on_left);
    let is_leaving = *leaving != Leaving::No;
    use_small_pictures(&state, &session);

    let on_look = use_callback(session.clone(), {
        let network = network.setter();
        move |(), session| {
            if let Some(part) = later::here() {
                network.set(Some(later_network(part, session)));
            }
        }
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
        move |peer, (_, me)| {
            later::here().map_or_else(String::new, |part| later_safety_number(part, &room, [*me, peer]))
        }
    });
    let recipients = use_callback(session.clone(), |id, session| session.recipients(id));
    let (told, on_told) = use_told(code);
    let drafts = use_memo((room.id(), me), |(room, me)| Drafts::of(room, me));
    // Before the message box is drawn.
    use_memo(props.handed.clone(), |handed| {
        if let Some((_, text)) = handed {
            drafts.add(text);
        }
    });
    let folded = use_memo((), |()| appearance::is_network_folded());
    // Until its founder's word comes, and where only we are.
    let name = use_memo(code.clone(), |code| match code {
        RoomCode::Open { name } => Some(AttrValue::from(name.clone())),
        RoomCode::Generated { .. } => {
            rooms::find(code).and_then(|room| room.called().map(|name| AttrValue::from(name.to_owned())))
        }
    });
    use_glance(&state, (*name).as_ref(), &props.on_glance);
    use_stay(state.would_be_lost() && !is_leaving);
    let preparing = use_state(|| None::<(AttrValue, u32)>);
    let on_files = use_callback((session.clone(), props.files.clone()), {
        let preparing = preparing.setter();
        move |chosen, (session, files)| {
            let (session, files, preparing) = (session.clone(), files.clone(), preparing.clone());
            spawn_local(async move {
                match later::load().await {
                    Ok(part) => later_offer(part, session, files, chosen, preparing).await,
                    Err(NotLoaded) => session.notify(NoticeKind::PartMissing.into()),
                }
            });
        }
    });
    let on_file = use_callback((session.clone(), props.files.clone()), |of, (session, files)| {
        let (session, files) = (session.clone(), files.clone());
        spawn_local(async move {
            match later::load().await {
                Ok(part) => later_on_file(part, of, &session, &files),
                Err(NotLoaded) => session.notify(NoticeKind::PartMissing.into()),
            }
        });
    });
    let on_mark = use_callback(session.clone(), |(peer, mark), session| {
        let mut all = Marks::clone(&session.room().marks);
        marks::set(&mut all, peer, mark);
        js::keep(&marks_key(&session.peer_id()), &marks::to_text(&all));
        session.mark(all);
    });
    let commands = use_memo(session.clone(), Commands::new);
    let on_move = use_callback(
        (session.clone(), props.new_room.clone()),
        |peers, (session, new_room)| {
            if let Some(part) = later::here() {
                later_move(part, session, peers, &new_room.emit(()));
            }
        },
    );
    let on_leave = use_callback((session.clone(), leaving.setter()), |how, (session, leaving)| {
        leaving.set(how);
        session.leave();
    });

    if !props.is_shown || !props.is_drawn {
        return html! {};
    }
    let on_space = if state.kept {
        commands.on_space.clone()
    } else {
        Callback::noop()
    };
    let typing = words::page::typing(&state.typists()).filter(|_| appearance::is_typing_told());
    html! {
        <ContextProvider<Files> context={props.files.clone()}>
        <RoomView
            {state}
            {drafts}
            is_open={matches!(code, RoomCode::Open { .. })}
            name={(*name).clone()}
            link={AttrValue::from(rooms::link_to(code))}
            standing={now}
            network={(*network).clone()}
            founder={room.founder() == Some(me)}
            {retry_in}
            leaving={is_leaving}
            typing={typing.map(AttrValue::from)}
            on_typing={commands.on_typing.clone()}
            {on_send}
            {on_look}
            on_forget={on_leave.reform(|()| Leaving::Forgetting)}
            on_leave={on_leave.reform(|()| Leaving::Keeping)}
            {on_space}
            on_save={commands.on_save.clone()}
            on_import={commands.on_import.clone()}
            on_retry={commands.on_retry.clone()}
            on_rename={props.on_rename.clone()}
            folded={*folded}
            on_fold={commands.on_fold.clone()}
            on_name_room={commands.on_name_room.clone()}
            on_topic={commands.on_topic.clone()}
            on_pin={commands.on_pin.clone()}
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
            others={props.others.clone()}
            on_forward={props.on_forward.clone()}
            {on_move}
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

/// Whispers the way to a new room to these people, and goes there. Says whom that could not be told.
#[inline(never)]
fn later_move(_: Part, session: &Session, peers: Vec<PeerId>, code: &RoomCode) {
    let text = words::page::moved(&rooms::link_to(code));
    for peer in peers {
        if let Err(error) = session.say(Some(peer), &text) {
            let to = Some(session.room().name_of(&peer));
            session.notify(NoticeKind::NotSent { error, to }.into());
        }
    }
    go_to(&Route::Room { code: code.to_text() });
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

#[inline(never)]
fn later_safety_number(_: Part, room: &Room, [me, peer]: [PeerId; 2]) -> String {
    safety_number(room, &me, &peer)
}

#[inline(never)]
fn later_network(_: Part, session: &Session) -> Rc<Network> {
    session.network().into()
}

/// Does what the person wants of a file.
#[inline(never)]
fn later_on_file(_: Part, (info, action): (FileInfo, FileAction), session: &Session, files: &Files) {
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
    // Without it nothing can be stored.
    let part = use_later(newest).part();
    use_effect_with((state.messages.len(), newest, part), move |(.., part)| {
        if let Some(part) = *part
            && appearance::get(Setting::Pictures).is_empty()
        {
            later_fetch_unasked(part, &session);
        }
    });
}

#[inline(never)]
fn later_fetch_unasked(_: Part, session: &Session) {
    for file in files::unasked(&session.room()) {
        // Where there is no room for it, the person may ask and is told.
        let _ = session.fetch_file(file);
    }
}

/// The room as it was shown last, and the session. It begins before the room is drawn first, so that its socket opens meanwhile.
#[hook]
fn use_session(props: &RoomPageProps) -> (Rc<RoomState>, Session) {
    let shown = use_state(|| None::<Rc<RoomState>>);
    let joined = use_state(|| {
        let shown = shown.setter();
        let on_show = Callback::from(move |room| shown.set(Some(room)));
        let joined = props.join.emit((on_show, props.is_shown));
        let key = marks_key(&joined.session.peer_id());
        joined.session.mark(marks::from_text(&js::kept(&key)));
        joined
    });
    let session = joined.session.clone();
    use_effect_with(props.is_shown, {
        let on_front = joined.on_front.clone();
        move |is_shown| on_front.emit(*is_shown)
    });
    // Whichever room it was given in.
    use_effect_with(props.called.clone(), {
        let session = session.clone();
        move |called| {
            if session.room().my_name != *called {
                session.rename(called.clone());
            }
        }
    });
    use_effect_with((), {
        let session = session.clone();
        move |()| move || session.leave()
    });
    use_effect_with(props.first_notice.clone(), {
        let session = session.clone();
        move |notice| {
            if let Some(notice) = notice {
                session.notify(notice.clone());
            }
        }
    });
    let room = (*shown).clone().unwrap_or_else(|| session.room());
    (room, session)
}

/// Whether the person leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    Keeping,
    Forgetting,
}

/// Tells how the room stands.
#[hook]
fn use_glance(state: &RoomState, name: Option<&AttrValue>, on_glance: &Callback<Glance>) {
    let name = state.name.as_deref().or(name.map(AttrValue::as_str));
    // Without a name a room is told apart by who is in it.
    let met = name.map_or_else(|| rooms::met(state), |_| String::new());
    let glance = Glance {
        called: words::page::known_room(name, &met).into(),
        unread: state.unread,
        files_percent: state.files_percent(),
    };
    let on_glance = on_glance.clone();
    use_effect_with(glance, move |glance| on_glance.emit(glance.clone()));
}

/// How the person leaves. Another page follows once everyone was told, or after long enough.
#[hook]
fn use_leaving(left: bool, session: &Session, on_left: &Callback<bool>) -> UseStateHandle<Leaving> {
    let leaving = use_state(|| Leaving::No);
    let (session, on_left) = (session.clone(), on_left.clone());
    use_effect_with((*leaving, left), move |(leaving, left)| {
        let forgets = *leaving == Leaving::Forgetting;
        let end = move || {
            if forgets {
                session.forget();
            }
            on_left.emit(forgets);
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

/// What the person thinks of others is kept by this: a safety number is between two.
fn marks_key(me: &PeerId) -> String {
    format!("starling marks {}", me.to_text())
}
