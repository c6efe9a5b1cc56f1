//! Where a person says who they are and which room they want.

use shared::RoomCode;
use yew::prelude::*;

use crate::{
    components::{
        brand::mark,
        field::{Field, field, focus},
        icon::{Icon, glyph},
        notice::notice_view,
    },
    hooks::go_to,
    js,
    state::{
        notice::{Notice, NoticeAction},
        route::Route,
        validate,
    },
};

/// What the person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// What they call themselves; valid.
    pub name: String,
    /// Which room; `None` for a new one.
    pub code: Option<RoomCode>,
}

/// Properties of [`StartPage`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct StartPageProps {
    /// The stored name.
    #[prop_or_default]
    pub name: Option<String>,
    /// The room of the link that was opened.
    #[prop_or_default]
    pub invitation: Option<RoomCode>,
    /// What is wrong with the link that was opened.
    #[prop_or_default]
    pub room_error: Option<AttrValue>,
    /// Something the person has to know first.
    #[prop_or_default]
    pub notice: Option<Notice>,
    /// Whether this browser can run the app at all.
    #[prop_or(true)]
    pub usable: bool,
    /// Called once everything is valid.
    #[prop_or_default]
    pub on_enter: Callback<Entered>,
    /// Called when the notice was read.
    #[prop_or_default]
    pub on_dismiss: Callback<()>,
}

/// The start page, and the door of a room for someone who has no name yet.
#[component]
pub fn StartPage(props: &StartPageProps) -> Html {
    let on_action = Callback::from(|action: NoticeAction| match action {
        NoticeAction::Reload => js::reload(),
        NoticeAction::Start | NoticeAction::ShowPeople => go_to(&Route::Start),
    });
    html! {
        <div class="start">
            <div class="sky" aria-hidden="true"><div class="flock" /><div class="flock far" /></div>
            <main class="start-main">
                <header class="start-head">
                    <p class="wordmark">{ mark() }<span>{ "Starling" }</span></p>
                    if props.invitation.is_some() {
                        <h1>{ "You are invited to a room" }</h1>
                    } else {
                        <h1>{ "Talk as a flock." }<br />{ "No one in the middle." }</h1>
                    }
                    <p class="lede">
                        { "A Starling room lives only in the browsers of the people in it. A server introduces you to each \
                           other; what you say never passes through it." }
                    </p>
                </header>
                <div class="card">
                    if let Some(notice) = &props.notice {
                        { notice_view(notice, None, &on_action, props.usable.then(|| props.on_dismiss.clone())) }
                    }
                    if props.usable {
                        // A new invitation, or none, is a new form.
                        <EntryForm
                            key={props.invitation.as_ref().map(RoomCode::to_text).unwrap_or_default()}
                            name={props.name.clone().unwrap_or_default()}
                            invitation={props.invitation.clone()}
                            room_error={props.room_error.clone()}
                            on_enter={props.on_enter.clone()}
                        />
                    }
                </div>
            </main>
        </div>
    }
}

/// Properties of [`EntryForm`].
#[derive(Debug, Clone, PartialEq, Properties)]
struct EntryFormProps {
    name: String,
    invitation: Option<RoomCode>,
    room_error: Option<AttrValue>,
    on_enter: Callback<Entered>,
}

/// Which room the person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    New,
    Named,
}

#[component]
fn EntryForm(props: &EntryFormProps) -> Html {
    let name = use_state(|| props.name.clone());
    let room = use_state(String::new);
    let name_error = use_state(|| None::<AttrValue>);
    let room_error = use_state(|| props.room_error.clone());
    let (name_node, room_node) = (use_node_ref(), use_node_ref());

    {
        let (name_node, room_node) = (name_node.clone(), room_node.clone());
        let room_is_wrong = props.room_error.is_some();
        use_effect_with((), move |()| focus(if room_is_wrong { &room_node } else { &name_node }));
    }
    // Another damaged link may be opened while this page is shown.
    {
        let room_error = room_error.setter();
        use_effect_with(props.room_error.clone(), move |error| room_error.set(error.clone()));
    }

    let enter = {
        let (name, room) = (name.clone(), room.clone());
        let (name_error, room_error) = (name_error.clone(), room_error.clone());
        let (name_node, room_node) = (name_node.clone(), room_node.clone());
        let (invitation, on_enter) = (props.invitation.clone(), props.on_enter.clone());
        Callback::from(move |wanted: Wanted| {
            let valid_name = validate::name(&name);
            let code = match (wanted, &invitation) {
                (Wanted::New, _) => Ok(None),
                (Wanted::Named, Some(code)) => Ok(Some(code.clone())),
                (Wanted::Named, None) => validate::room(&room).map(Some),
            };
            name_error.set(
                valid_name
                    .as_ref()
                    .err()
                    .map(|error| AttrValue::from(error.to_string())),
            );
            room_error.set(
                code.as_ref()
                    .err()
                    .map(|error| AttrValue::from(validate::room_error(*error))),
            );
            match (valid_name, code) {
                (Ok(name), Ok(code)) => on_enter.emit(Entered { name, code }),
                (Err(_), _) => focus(&name_node),
                (Ok(_), Err(_)) => focus(&room_node),
            }
        })
    };
    let onsubmit = {
        let enter = enter.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            enter.emit(Wanted::Named);
        })
    };
    let on_new = enter.reform(|_: MouseEvent| Wanted::New);
    // Enter in the first field while the second is empty means the simplest thing: a room of one's own.
    let on_name_key = {
        let (room, invited, enter) = (room.clone(), props.invitation.is_some(), enter.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Enter" && !event.is_composing() && !invited && room.trim().is_empty() {
                event.prevent_default();
                enter.emit(Wanted::New);
            }
        })
    };
    let edit = |value: &UseStateHandle<String>, error: &UseStateHandle<Option<AttrValue>>| {
        let (value, error) = (value.setter(), error.setter());
        Callback::from(move |text| {
            value.set(text);
            error.set(None);
        })
    };

    let name_field = Field {
        id: "name",
        label: "Your name",
        value: (*name).clone(),
        help: "What the others see. It stays in this browser.",
        error: (*name_error).clone(),
        autocomplete: "nickname",
        node: name_node,
        on_input: edit(&name, &name_error),
        onkeydown: Some(on_name_key),
    };
    let room_field = Field {
        id: "room",
        label: "Room",
        value: (*room).clone(),
        help: "Paste a link you were sent, or agree on any name: then everyone who types it meets there.",
        error: (*room_error).clone(),
        autocomplete: "off",
        node: room_node,
        on_input: edit(&room, &room_error),
        onkeydown: None,
    };

    html! {
        <form class="entry" novalidate=true {onsubmit}>
            { field(name_field) }
            if let Some(code) = &props.invitation {
                { invited_to(code) }
                <button type="submit" class="button primary wide">{ "Join room" }</button>
                <p class="aside"><a href="#/">{ "Make or choose another room" }</a></p>
            } else {
                <button type="button" class="button primary wide" onclick={on_new}>
                    { glyph(Icon::Plus) }
                    { "New room" }
                </button>
                <p class="or"><span>{ "or join one" }</span></p>
                { field(room_field) }
                <button type="submit" class="button wide">{ "Join room" }</button>
            }
        </form>
    }
}

fn invited_to(code: &RoomCode) -> Html {
    match code {
        RoomCode::Generated { .. } => html! {
            <p class="room-kind">{ glyph(Icon::Lock) }{ "A private room: only people with its link get in." }</p>
        },
        RoomCode::Open { name } => html! {
            <p class="room-kind">
                { glyph(Icon::Open) }
                <span>
                    { "The open room “" }<bdi>{ name }</bdi>{ "”: anyone who guesses the name can come in." }
                </span>
            </p>
        },
    }
}
