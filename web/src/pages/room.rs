//! A room: runs a node for as long as the page is shown, and hands what it says to [`view`].

pub mod view;

use gloo_timers::callback::Timeout;
use mesh::model::{Event, Invitation, InvitationError, Network};
use shared::{PeerId, RoomCode, identity::safety_number};
use yew::prelude::*;

use self::view::RoomView;
use crate::{
    components::composer::Outgoing,
    driver::Session,
    hooks::{go_to, is_page_hidden, use_page_shown, use_seconds_until, use_title},
    js,
    state::{
        connection::standing,
        notice::{Notice, NoticeAction},
        room::{RoomAction, RoomState, reduce},
        route::Route,
    },
};

/// How long to wait for the goodbyes before the page is left anyway.
const LEAVE_MILLIS_MAX: u32 = 2_000;

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
    /// Starts the node. Called once.
    pub join: Callback<Callback<Event>, Session>,
    /// Something to say from the start.
    #[prop_or_default]
    pub first_notice: Option<Notice>,
}

impl Reducible for RoomState {
    type Action = RoomAction;

    fn reduce(self: std::rc::Rc<Self>, action: RoomAction) -> std::rc::Rc<Self> {
        std::rc::Rc::new(reduce(&self, action))
    }
}

/// A room. It joins when it is shown first and leaves when it is no longer shown, for whatever reason.
#[component]
pub fn RoomPage(props: &RoomPageProps) -> Html {
    let Joining { me, name, code } = &props.joining;
    let room = use_memo(code.clone(), RoomCode::open);
    let state = use_reducer(|| RoomState::new(*me, name.clone()));
    let session = use_state(|| None::<Session>);
    let network = use_state_eq(|| None::<std::rc::Rc<Network>>);
    let leaving = use_state(|| false);

    {
        let (dispatcher, session, join) = (state.dispatcher(), session.setter(), props.join.clone());
        use_effect_with((), move |()| {
            let on_event = Callback::from(move |event| {
                dispatcher.dispatch(RoomAction::Event {
                    event,
                    hidden: is_page_hidden(),
                })
            });
            let joined = join.emit(on_event);
            session.set(Some(joined.clone()));
            move || joined.leave()
        });
    }
    {
        let dispatcher = state.dispatcher();
        use_effect_with(props.first_notice.clone(), move |notice| {
            if let Some(notice) = notice.clone() {
                dispatcher.dispatch(RoomAction::Notify { notice });
            }
        });
    }
    // Once everyone was told, or after long enough.
    use_effect_with((*leaving, state.left), |(leaving, left)| {
        let timeout = match (leaving, left) {
            (true, true) => {
                go_to(&Route::Start);
                None
            }
            (true, false) => Some(Timeout::new(LEAVE_MILLIS_MAX, || go_to(&Route::Start))),
            (false, _) => None,
        };
        move || drop(timeout)
    });

    let dispatcher = state.dispatcher();
    let on_shown = use_callback((), move |(), ()| dispatcher.dispatch(RoomAction::Seen));
    use_page_shown(on_shown);
    use_title(match state.unread {
        0 => "Starling".to_owned(),
        unread => format!("({unread}) Starling"),
    });

    let on_look = use_callback((*session).clone(), {
        let network = network.setter();
        move |(), session| network.set(session.as_ref().map(|session| session.network().into()))
    });
    let now = standing(&state, network.as_deref());
    let retry_in = use_seconds_until(now.retry_at.is_some(), || match (&*session, now.retry_at) {
        (Some(session), Some(at)) => session.millis_until(at),
        (None, _) | (_, None) => 0,
    });

    let on_send = use_callback((*session).clone(), |outgoing: Outgoing, session| {
        match (session, outgoing.to) {
            (None, _) => Err(mesh::model::SendError::Left),
            (Some(session), None) => session.say(&outgoing.text).map(|_| ()),
            (Some(session), Some(to)) => session.whisper(to, &outgoing.text).map(|_| ()),
        }
    });
    let on_retry = use_callback((*session).clone(), |(), session| {
        if let Some(session) = session {
            session.retry_now();
        }
    });
    let joined = (*session).clone();
    let on_invite = Callback::from(move |()| joined.as_ref().map_or(Err(InvitationError::Left), Session::invite));
    let (joined, dispatcher) = ((*session).clone(), state.dispatcher());
    let on_take = Callback::from(move |text: String| {
        let taken = joined
            .as_ref()
            .map_or(Err(InvitationError::Left), |session| session.take_invitation(&text));
        if taken == Ok(Invitation::Answered) {
            dispatcher.dispatch(RoomAction::InvitationUsed);
        }
        taken
    });
    let joined = (*session).clone();
    let on_close = Callback::from(move |()| {
        if let Some(session) = &joined {
            // Refused only to whom the button is not shown, and after leaving.
            let _ = session.close_room();
        }
    });
    let on_leave = use_callback(((*session).clone(), leaving.setter()), |(), (session, leaving)| {
        leaving.set(true);
        if let Some(session) = session {
            session.leave();
        }
    });
    let dispatcher = state.dispatcher();
    let on_dismiss = use_callback((), move |id, ()| dispatcher.dispatch(RoomAction::Dismiss { id }));
    let safety_number = use_callback((code.clone(), *me), {
        let room = room.clone();
        move |peer, (_, me)| safety_number(&room, me, &peer)
    });
    let on_action = Callback::from(|action| match action {
        NoticeAction::Reload => js::reload(),
        NoticeAction::Start => go_to(&Route::Start),
        // The view itself shows people.
        NoticeAction::ShowPeople => {}
    });

    html! {
        <RoomView
            state={std::rc::Rc::new((*state).clone())}
            open_name={open_name(code)}
            link={AttrValue::from(link_to(code))}
            standing={now}
            network={(*network).clone()}
            founder={room.founder() == Some(*me)}
            {retry_in}
            leaving={*leaving}
            {on_send}
            {on_retry}
            {on_look}
            {on_invite}
            {on_take}
            {on_close}
            {on_leave}
            {on_dismiss}
            {on_action}
            {safety_number}
        />
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
