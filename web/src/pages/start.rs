//! Where a person says who they are and which room they want.

use client::{
    notice::{Notice, NoticeAction},
    validate,
    words::{self, page},
};
use shared::RoomCode;
use yew::prelude::*;

use crate::{
    components::{
        brand::mark,
        choice::reach_folded,
        element::{button, icon_button},
        field::{Field, field, focus},
        icon::{Icon, glyph},
        notice::notice_view,
        take_along::{Move, Moved, TakeAlong},
    },
    js,
    rooms::KnownRoom,
    worker,
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
    /// Who we are, by name and fingerprint, once that is known.
    #[prop_or_default]
    pub me: Option<AttrValue>,
    /// Takes an identity along, and calls back with what came of it.
    #[prop_or_default]
    pub on_move: Callback<(Move, Callback<Moved>)>,
    /// What is wrong with the link that was opened.
    #[prop_or_default]
    pub room_error: Option<AttrValue>,
    /// The rooms this browser was in, newest first.
    #[prop_or_default]
    pub rooms: Vec<KnownRoom>,
    /// Those of them that this tab is in.
    #[prop_or_default]
    pub open: Vec<RoomCode>,
    /// Something the person has to know first.
    #[prop_or_default]
    pub notice: Option<Notice>,
    /// Whether this browser can run the app at all.
    #[prop_or(true)]
    pub usable: bool,
    /// Called once everything is valid.
    #[prop_or_default]
    pub on_enter: Callback<Entered>,
    /// Called with a room that is not to be offered any more.
    #[prop_or_default]
    pub on_forget: Callback<RoomCode>,
    /// Called with a room that this tab is to leave.
    #[prop_or_default]
    pub on_leave: Callback<RoomCode>,
    /// Called when the notice was read.
    #[prop_or_default]
    pub on_dismiss: Callback<()>,
}

/// The start page, and the door of a room for someone who has no name yet.
#[component]
pub fn StartPage(props: &StartPageProps) -> Html {
    let on_action = Callback::from(|action: NoticeAction| match action {
        NoticeAction::Reload => worker::reload(),
        // Nobody is here, and nothing says so.
        NoticeAction::About { .. } => {}
    });
    html! {
        <div class="start">
            <div class="sky" aria-hidden="true"><div class="flock" /><div class="flock far" /></div>
            <main class="start-main">
                <header class="start-head">
                    <p class="wordmark">{ mark() }<span>{ "Starling" }</span></p>
                    if props.invitation.is_some() {
                        <h1>{ page::INVITED_TITLE }</h1>
                    } else {
                        <h1>{ page::SLOGAN }<br />{ page::SLOGAN_END }</h1>
                    }
                    <p class="lede">
                        { page::LEDE }
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
                            rooms={props.rooms.clone()}
                            open={props.open.clone()}
                            on_enter={props.on_enter.clone()}
                            on_forget={props.on_forget.clone()}
                            on_leave={props.on_leave.clone()}
                        />
                        { reach_folded() }
                        if let Some(me) = props.me.clone() {
                            <TakeAlong {me} on_move={props.on_move.clone()} />
                        }
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
    rooms: Vec<KnownRoom>,
    open: Vec<RoomCode>,
    on_enter: Callback<Entered>,
    on_forget: Callback<RoomCode>,
    on_leave: Callback<RoomCode>,
}

/// Which room the person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    New,
    Named,
}

/// What is in the fields of the form, and what is wrong with it.
#[derive(Clone)]
struct Form {
    name: UseStateHandle<String>,
    room: UseStateHandle<String>,
    name_error: UseStateHandle<Option<AttrValue>>,
    room_error: UseStateHandle<Option<AttrValue>>,
    name_node: NodeRef,
    room_node: NodeRef,
}

#[hook]
fn use_form(props: &EntryFormProps) -> Form {
    let form = Form {
        name: use_state(|| props.name.clone()),
        room: use_state(String::new),
        name_error: use_state(|| None),
        room_error: use_state(|| props.room_error.clone()),
        name_node: use_node_ref(),
        room_node: use_node_ref(),
    };
    {
        let first = if props.room_error.is_some() {
            form.room_node.clone()
        } else {
            form.name_node.clone()
        };
        use_effect_with((), move |()| focus(&first));
    }
    // Another damaged link may be opened while this page is shown.
    {
        let room_error = form.room_error.setter();
        use_effect_with(props.room_error.clone(), move |error| room_error.set(error.clone()));
    }
    form
}

impl Form {
    /// Enters the wanted room if everything is valid; says what is wrong, and moves the cursor there, if not.
    fn enter(&self, wanted: Wanted, invitation: Option<&RoomCode>, on_enter: &Callback<Entered>) {
        let name = validate::name(&self.name);
        let code = match (wanted, invitation) {
            (Wanted::New, _) => Ok(None),
            (Wanted::Named, Some(code)) => Ok(Some(code.clone())),
            (Wanted::Named, None) => validate::room(&self.room, js::fold).map(Some),
        };
        let name_error = name.as_ref().err().map(|error| words::name_error(*error).into());
        self.name_error.set(name_error);
        let room_error = code.as_ref().err().map(|error| words::room_error(*error).into());
        self.room_error.set(room_error);
        match (name, code) {
            (Ok(name), Ok(code)) => on_enter.emit(Entered { name, code }),
            (Err(_), _) => focus(&self.name_node),
            (Ok(_), Err(_)) => focus(&self.room_node),
        }
    }

    fn name_field(&self, onkeydown: Callback<KeyboardEvent>) -> Html {
        field(Field {
            id: "name",
            label: "Your name",
            value: (*self.name).clone(),
            help: page::NAME_HELP,
            error: (*self.name_error).clone(),
            autocomplete: "nickname",
            node: self.name_node.clone(),
            on_input: edit(&self.name, &self.name_error),
            onkeydown: Some(onkeydown),
        })
    }

    fn room_field(&self) -> Html {
        field(Field {
            id: "room",
            label: "Room",
            value: (*self.room).clone(),
            help: page::ROOM_HELP,
            error: (*self.room_error).clone(),
            autocomplete: "off",
            node: self.room_node.clone(),
            on_input: edit(&self.room, &self.room_error),
            onkeydown: None,
        })
    }
}

/// Takes what is typed; what was wrong before may be right now.
fn edit(value: &UseStateHandle<String>, error: &UseStateHandle<Option<AttrValue>>) -> Callback<String> {
    let (value, error) = (value.setter(), error.setter());
    Callback::from(move |text| {
        value.set(text);
        error.set(None);
    })
}

#[component]
fn EntryForm(props: &EntryFormProps) -> Html {
    let form = use_form(props);
    let enter = {
        let (form, invitation, on_enter) = (form.clone(), props.invitation.clone(), props.on_enter.clone());
        Callback::from(move |wanted: Wanted| form.enter(wanted, invitation.as_ref(), &on_enter))
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
        let (room, invited) = (form.room.clone(), props.invitation.is_some());
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Enter" && !event.is_composing() && !invited && room.trim().is_empty() {
                event.prevent_default();
                enter.emit(Wanted::New);
            }
        })
    };

    html! {
        <form class="entry" novalidate=true {onsubmit}>
            { form.name_field(on_name_key) }
            if let Some(code) = &props.invitation {
                { invited_to(code) }
                <button type="submit" class="button primary wide">{ "Join room" }</button>
                <p class="aside"><a href="#/">{ page::ANOTHER_ROOM }</a></p>
            } else {
                <button type="button" class="button primary wide" onclick={on_new}>
                    { glyph(Icon::Plus) }
                    { "New room" }
                </button>
                <p class="or"><span>{ "or join one" }</span></p>
                { form.room_field() }
                <button type="submit" class="button wide">{ "Join room" }</button>
                if !props.rooms.is_empty() {
                    { known_rooms(props, &form) }
                }
            }
        </form>
    }
}

/// The rooms to go back to. Each is entered by the name that stands in the form.
fn known_rooms(props: &EntryFormProps, form: &Form) -> Html {
    let item = |room: &KnownRoom| {
        let label = AttrValue::from(page::known_room(room.called(), &room.with));
        let forget = AttrValue::from(page::forget_room(&label));
        let enter = {
            let (form, on_enter, code) = (form.clone(), props.on_enter.clone(), room.code.clone());
            Callback::from(move |_: MouseEvent| form.enter(Wanted::Named, Some(&code), &on_enter))
        };
        let with_code = |callback: &Callback<RoomCode>| {
            let code = room.code.clone();
            callback.reform(move |_: MouseEvent| code.clone())
        };
        let is_open = props.open.contains(&room.code);
        let leave = AttrValue::from(page::leave_room(&label));
        let key = room.code.to_text();
        let label = page::known_room_with(&label, room.unread);
        html! {
            <li {key}>
                { button("known-room", label, enter) }
                if is_open {
                    { icon_button(Icon::Leave, leave, with_code(&props.on_leave)) }
                }
                { icon_button(Icon::Close, forget, with_code(&props.on_forget)) }
            </li>
        }
    };
    html! {
        <>
            <p class="or"><span>{ page::YOUR_ROOMS }</span></p>
            <ul class="known-rooms" role="list" aria-label={page::YOUR_ROOMS}>{ for props.rooms.iter().map(item) }</ul>
        </>
    }
}

fn invited_to(code: &RoomCode) -> Html {
    match code {
        RoomCode::Generated { .. } => html! {
            <p class="room-kind">{ glyph(Icon::Lock) }{ page::INVITED_PRIVATE }</p>
        },
        RoomCode::Open { name } => html! {
            <p class="room-kind">
                { glyph(Icon::Open) }
                <span>
                    { page::INVITED_OPEN }<bdi>{ name }</bdi>{ page::INVITED_OPEN_END }
                </span>
            </p>
        },
    }
}
