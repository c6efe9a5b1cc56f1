//! A room: runs a program for as long as the page is shown, and hands what it shows to [`view`].

pub mod view;

use std::rc::Rc;

use client::{
    Session,
    notice::{Notice, NoticeAction},
    room::RoomState,
    route::Route,
    standing::standing,
    words,
};
use gloo_timers::callback::Timeout;
use mesh::model::{InvitationError, Network, SendError};
use shared::{PeerId, RoomCode, identity::safety_number};
use yew::prelude::*;

use self::view::RoomView;
use crate::{
    clock,
    components::composer::Outgoing,
    config::LEAVE_MAX,
    hooks::{go_to, use_seconds_until, use_title},
    js,
};

/// What is needed to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joining {
    /// Who we are.
    pub me: PeerId,
    /// What we call ourselves; valid.
    pub name: String,
    /// Which room.
    pub code: RoomCode,
}

/// Properties of [`RoomPage`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct RoomPageProps {
    /// What is needed to join.
    pub joining: Joining,
    /// Joins; the room comes to the inner callback. Called once.
    pub join: Callback<Callback<Rc<RoomState>>, Session>,
    /// Something to say from the start.
    #[prop_or_default]
    pub first_notice: Option<Notice>,
}

/// A room. It joins when it is shown first and leaves when it is no longer shown, for whatever reason.
#[component]
// Long because: every command of the page has its handler here.
pub fn RoomPage(props: &RoomPageProps) -> Html {
    let Joining { me, code, .. } = &props.joining;
    let room = use_memo(code.clone(), RoomCode::open);
    let (state, session) = use_session(props);
    let network = use_state_eq(|| None::<Rc<Network>>);
    let leaving = use_leaving(state.left);
    use_title(words::title(state.unread));

    let on_look = use_callback(session.clone(), {
        let network = network.setter();
        move |(), session| network.set(session.as_ref().map(|session| session.network().into()))
    });
    let now = standing(&state, network.as_deref());
    let retry_in = use_seconds_until(now.retry_at.is_some(), || {
        let waits = session.as_ref().zip(now.retry_at);
        waits.map_or(0, |(session, at)| session.millis_until(at))
    });
    let on_send = use_callback(session.clone(), |outgoing: Outgoing, session| {
        let session = session.as_ref().ok_or(SendError::Left)?;
        session.say(outgoing.to, &outgoing.text).map(|_| ())
    });
    let safety_number = use_callback((code.clone(), *me), {
        let room = room.clone();
        move |peer, (_, me)| safety_number(&room, me, &peer)
    });
    let on_invite = {
        let session = session.clone();
        Callback::from(move |()| session.as_ref().map_or(Err(InvitationError::Left), Session::invite))
    };
    let on_take = {
        let session = session.clone();
        Callback::from(move |text: String| match &session {
            Some(session) => session.take_invitation(&text),
            None => Err(InvitationError::Left),
        })
    };
    let on_leave = use_callback((session.clone(), leaving.setter()), |(), (session, leaving)| {
        leaving.set(true);
        if let Some(session) = session {
            session.leave();
        }
    });
    let on_diagnose = {
        let session = session.clone();
        Callback::from(move |()| session.as_ref().map(Session::diagnostics).unwrap_or_default().into())
    };

    html! {
        <RoomView
            {state}
            open_name={open_name(code)}
            link={AttrValue::from(link_to(code))}
            standing={now}
            network={(*network).clone()}
            founder={room.founder() == Some(*me)}
            {retry_in}
            leaving={*leaving}
            {on_send}
            on_retry={command(&session, |session, ()| session.retry_now())}
            {on_look}
            {on_invite}
            {on_take}
            on_close={command(&session, |session, ()| {
                // Refused only to whom the button is not shown, and after leaving.
                let _ = session.close_room();
            })}
            {on_leave}
            on_dismiss={command(&session, Session::dismiss)}
            {on_diagnose}
            {on_action}
            {safety_number}
        />
    }
}

/// The room as it was shown last, and the session once it has begun.
#[hook]
fn use_session(props: &RoomPageProps) -> (Rc<RoomState>, Option<Session>) {
    let Joining { me, name, .. } = &props.joining;
    let state = use_state(|| Rc::new(RoomState::new(*me, name.clone())));
    let session = use_state(|| None::<Session>);
    {
        let (state, session, join) = (state.setter(), session.setter(), props.join.clone());
        use_effect_with((), move |()| {
            let joined = join.emit(Callback::from(move |room| state.set(room)));
            session.set(Some(joined.clone()));
            move || joined.leave()
        });
    }
    {
        let first = ((*session).clone(), props.first_notice.clone());
        use_effect_with(first, |first| {
            if let (Some(session), Some(notice)) = first {
                session.notify(notice.clone());
            }
        });
    }
    ((*state).clone(), (*session).clone())
}

/// Whether the person leaves. The start page follows once everyone was told, or after long enough.
#[hook]
fn use_leaving(left: bool) -> UseStateHandle<bool> {
    let leaving = use_state(|| false);
    use_effect_with((*leaving, left), |(leaving, left)| {
        let start = || go_to(&Route::Start);
        let timeout = match (leaving, left) {
            (true, true) => {
                start();
                None
            }
            (true, false) => Some(Timeout::new(clock::millis(LEAVE_MAX), start)),
            (false, _) => None,
        };
        move || drop(timeout)
    });
    leaving
}

/// Gives the session a command, once it has begun.
fn command<T: 'static>(session: &Option<Session>, give: fn(&Session, T)) -> Callback<T> {
    let session = session.clone();
    Callback::from(move |what| {
        if let Some(session) = &session {
            give(session, what);
        }
    })
}

/// Does what a notice proposes.
fn on_action(action: NoticeAction) {
    match action {
        NoticeAction::Reload => js::reload(),
        NoticeAction::Start => go_to(&Route::Start),
        // The view itself shows people.
        NoticeAction::ShowPeople => {}
    }
}

fn open_name(code: &RoomCode) -> Option<AttrValue> {
    match code {
        RoomCode::Generated { .. } => None,
        RoomCode::Open { name } => Some(AttrValue::from(name.clone())),
    }
}

/// The address that leads someone else here.
fn link_to(code: &RoomCode) -> String {
    let fragment = Route::Room { code: code.to_text() }.to_fragment();
    let address = js::window().location().href().unwrap_or_default();
    let page = address.split('#').next().unwrap_or_default();
    format!("{page}{fragment}")
}
