//! What opens in front of the room: one dialog, which shows one thing at a time.

mod kind;

use client::{
    check::Check,
    export::Format,
    notice::NoticeAction,
    store::Space,
    words::{
        action,
        check::{CHECKING, details, verdict},
        label, page,
    },
};
use mesh::model::SendError;
use shared::MessageId;
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget, HtmlDialogElement, HtmlElement};
use yew::prelude::*;

pub use self::kind::Sheet;
use super::{
    about::about,
    actions::{actions, copy_text, delete, edit, forward},
    keeping::keeping,
    menu::{close_then, menu},
    moving::MoveRoom,
    notifications::Notifications,
    recipients::recipients,
    search::SearchMessages,
    topbar::{kind, name},
    view::RoomViewProps,
};
use crate::{
    appearance::Setting,
    components::{
        bring_back::BringBack,
        choice::{Choice, later_reach},
        copy::CopyBox,
        element::{button, words},
        emoji::PickEmoji,
        file_card::file_list,
        invite::{ByHand, RoomLink},
        later::waiting,
        network::NetworkMap,
        rename::{Given, Rename},
    },
    folder::Chosen,
    later::{Later, Part, use_later},
};

/// What leads on from a sheet.
#[derive(Debug)]
pub struct Ways {
    /// Called with what is to be shown next.
    pub show: Callback<Option<Sheet>>,
    /// Called with files that are to be sent.
    pub on_chosen: Callback<Vec<Chosen>>,
    /// Called with a message that is to be answered.
    pub on_reply: Callback<MessageId>,
    /// Called with a message that is to be seen in its place.
    pub on_goto: Callback<MessageId>,
}

/// Shows `sheet`, if any.
#[hook]
pub fn use_sheet(props: &RoomViewProps, sheet: Option<Sheet>, ways: &Ways) -> Html {
    let show = &ways.show;
    let later = use_later(sheet);
    let is_here = later.part().is_some();
    let sheet = sheet.filter(|sheet| !(props.state.is_over() && sheet.needs_room()));
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with((sheet, is_here), move |(sheet, _)| {
            let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
                return;
            };
            if sheet.is_some() {
                // Fails only if it is open already.
                let _ = dialog.show_modal();
                focus_first(&dialog);
            } else {
                dialog.close();
            }
        });
    }
    // Once: else a newer text would take the place of the one that is being copied.
    let diagnostics = use_memo((sheet, is_here), |(sheet, is_here)| match sheet {
        Some(Sheet::Diagnostics) if *is_here => props.on_diagnose.emit(()),
        Some(_) | None => AttrValue::default(),
    });
    let check = use_found(is_here && sheet == Some(Sheet::Check), &props.on_check);
    let space = use_found(is_here && sheet == Some(Sheet::Export), &props.on_space);
    let class = match sheet {
        Some(Sheet::Menu) => "dialog menu",
        Some(Sheet::Actions(_)) => "dialog actions-sheet",
        Some(Sheet::Map) => "dialog wide",
        Some(_) | None => "dialog",
    };
    let closedby = sheet.map(Sheet::closed_by);
    // However it was closed: by a button, with Escape, or beside it. The event comes a moment later: another sheet may be open by then.
    let onclose = {
        let (dialog, show) = (dialog.clone(), show.clone());
        Callback::from(move |_: Event| {
            if !dialog.cast::<HtmlDialogElement>().is_some_and(|dialog| dialog.open()) {
                show.emit(None);
            }
        })
    };
    // The menu has no button that closes it, and Safari closes nothing by a click beside it before version 27.3.
    let onclick = (sheet == Some(Sheet::Menu)).then(|| {
        let (dialog, show) = (dialog.clone(), show.clone());
        Callback::from(move |event: MouseEvent| {
            if event.target() == dialog.get().map(EventTarget::from) {
                show.emit(None);
            }
        })
    });
    html! {
        <dialog ref={dialog} {class} {closedby} aria-labelledby="sheet-title" {onclose} {onclick}>
            { sheet.map(|sheet| match later {
                Later::Here(part) => later_content(part, props, sheet, &diagnostics, (check.as_ref(), *space), ways),
                Later::Coming | Later::Missing => html! {
                    <>{ waiting(later) }{ button("button", "Done", show.reform(|_: MouseEvent| None)) }</>
                },
            }) }
        </dialog>
    }
}

/// What is found out while a sheet is open, once it is.
#[hook]
fn use_found<T: 'static>(is_open: bool, find: &Callback<Callback<T>>) -> UseStateHandle<Option<T>> {
    let found = use_state(|| None::<T>);
    use_effect_with(is_open, {
        let (found, find) = (found.setter(), find.clone());
        move |is_open| {
            found.set(None);
            if *is_open {
                find.emit(Callback::from(move |what| found.set(Some(what))));
            }
        }
    });
    found
}

/// Where one writes, reads or chooses first.
fn focus_first(dialog: &Element) {
    let mut first = ["input:checked", "input", "form textarea", "h2", "[role^=menuitem]"].into_iter();
    let first = first.find_map(|selector| dialog.query_selector(selector).ok().flatten());
    if let Some(first) = first {
        // Fails only for elements that are not in the page any more.
        let _ = first.unchecked_into::<HtmlElement>().focus();
    }
}

// Long because: every sheet is named here once.
#[inline(never)]
fn later_content(
    part: Part,
    props: &RoomViewProps,
    sheet: Sheet,
    diagnostics: &AttrValue,
    (check, space): (Option<&Check>, Option<Space>),
    ways: &Ways,
) -> Html {
    let show = &ways.show;
    let goes_to = |sheet: Option<Sheet>| show.reform(move |_: MouseEvent| sheet);
    let done = button("button", "Done", goes_to(None));
    match sheet {
        Sheet::Menu => menu(props, show, &ways.on_chosen),
        Sheet::Invite => html! { <>{ invite(props, show) }{ done }</> },
        Sheet::ByHand => html! { <>{ by_hand(props) }{ done }</> },
        Sheet::RenameSelf => rename_self(props, show),
        Sheet::RenameRoom => {
            let field = ("Name of the room", page::ROOM_NAME_HELP);
            rename(
                (label::RENAME_ROOM, Given::Name),
                field,
                name(props).unwrap_or_default(),
                props.on_name_room.clone(),
                show,
            )
        }
        Sheet::Topic => {
            let field = (label::TOPIC, page::TOPIC_HELP);
            rename(
                (label::TOPIC, Given::Topic),
                field,
                &props.state.topic,
                props.on_topic.clone(),
                show,
            )
        }
        Sheet::Keeping => keeping(props, label::KEEPING, show),
        Sheet::Keys => html! { <>{ title(label::KEYS) }{ keys() }{ done }</> },
        Sheet::Appearance => html! {
            <>
                { title(label::APPEARANCE) }
                { for [Setting::Theme, Setting::Text, Setting::Pictures, Setting::Typing].map(|setting| html! { <Choice {setting} /> }) }
                { done }
            </>
        },
        Sheet::Check => html! { <>{ checked(part, props, check) }{ done }</> },
        Sheet::Search => {
            let on_goto = close_then(show, &ways.on_goto);
            html! { <>{ title(label::SEARCH) }<SearchMessages state={props.state.clone()} {on_goto} />{ done }</> }
        }
        Sheet::Notifications => html! {
            <>
                { title(label::NOTIFICATIONS) }
                <Notifications told={props.told.clone()} on_told={props.on_told.clone()} />
                { done }
            </>
        },
        Sheet::Files => html! { <>{ title(label::FILES) }{ file_list(&props.state, &props.on_file) }{ done }</> },
        Sheet::Export => html! { <>{ export(props, space) }{ done }</> },
        Sheet::Diagnostics => html! {
            <>
                { title(label::COPY_DIAGNOSTICS) }
                { words("p", page::DIAGNOSTICS_HELP) }
                <CopyBox field="Diagnostics" label="Copy" text={diagnostics.clone()} />
                { done }
            </>
        },
        Sheet::Forget => {
            let words = (page::FORGET_TITLE, page::FORGET_HELP, "Keep it", "Leave and forget");
            ask(words, &props.on_forget, show)
        }
        Sheet::Move => {
            let on_move = close_then(show, &props.on_move);
            html! {
                <>
                    { title(label::MOVE_ROOM) }
                    <MoveRoom state={props.state.clone()} {on_move} on_cancel={show.reform(|()| None)} />
                </>
            }
        }
        Sheet::Close => {
            let words = (
                page::CLOSE_TITLE,
                page::CLOSE_HELP,
                "Keep it open",
                "Close for everyone",
            );
            ask(words, &props.on_close, show)
        }
        Sheet::About(peer) => html! { <>{ about(props, peer) }{ done }</> },
        Sheet::Actions(id) => actions(props, id, show, &ways.on_reply),
        Sheet::Emoji(id) => {
            let on_pick = close_then(show, &props.on_react).reform(move |emoji| (id, emoji));
            html! { <>{ title(label::EMOJI) }<PickEmoji {on_pick} />{ done }</> }
        }
        Sheet::CopyText(id) => html! { <>{ copy_text(props, id) }{ done }</> },
        Sheet::Forward(id) => forward(props, id, show),
        Sheet::Edit(id) => edit(props, id, show),
        Sheet::Delete(id) => delete(props, id, show, &ways.on_goto),
        Sheet::Recipients(id) => html! { <>{ recipients(props, id) }{ done }</> },
        Sheet::Map => html! {
            <>
                { title(label::NETWORK_MAP) }
                { props.network.clone().map(|network| html! { <NetworkMap me={props.state.me} {network} /> }) }
                { done }
            </>
        },
    }
}

/// What keys do.
fn keys() -> Html {
    let key = |(key, does): &(&'static str, &'static str)| html! { <><dt>{ *key }</dt><dd>{ *does }</dd></> };
    html! { <dl class="keys">{ for page::KEYS.iter().map(key) }</dl> }
}

/// The way in without a server.
fn by_hand(props: &RoomViewProps) -> Html {
    html! {
        <>
            { title(label::WITHOUT_SERVER) }
            <ByHand
                invitation={props.state.invitation.clone()}
                answer={props.state.answer.clone()}
                on_invite={props.on_invite.clone()}
                on_take={props.on_take.clone()}
            />
        </>
    }
}

/// The room's link, and the way in without a server.
fn invite(props: &RoomViewProps, show: &Callback<Option<Sheet>>) -> Html {
    let by_hand = show.reform(|_: MouseEvent| Some(Sheet::ByHand));
    html! {
        <>
            { title(label::INVITE) }
            { words("p", kind(props).1) }
            <RoomLink link={props.link.clone()} />
            <p class="aside">{ page::SERVER_DOWN }</p>
            { button("button", label::WITHOUT_SERVER, by_hand) }
        </>
    }
}

/// What kind of network this is, once that is found out.
fn checked(part: Part, props: &RoomViewProps, check: Option<&Check>) -> Html {
    html! {
        <>
            { title(label::CHECK_CONNECTION) }
            <p role="status">{ check.map_or(CHECKING, |check| verdict(check, &props.standing)) }</p>
            if let Some(check) = check {
                <CopyBox field="Details" label="Copy" text={details(check, &props.standing)} />
            }
            { later_reach(part) }
            { button("button", action(NoticeAction::Reload), props.on_reload.reform(|_: MouseEvent| ())) }
        </>
    }
}

/// What was said, as a file for a program or for people; and how much is kept without it.
fn export(props: &RoomViewProps, space: Option<Space>) -> Html {
    let save = |label, format| {
        let name = name(props).map(str::to_owned);
        let save = props.on_save.reform(move |_: MouseEvent| (name.clone(), format));
        button("button", label, save)
    };
    html! {
        <>
            { title(label::EXPORT) }
            { words("p", page::EXPORT_HELP) }
            { save("As a page", Format::Page) }
            { save("As JSON", Format::Json) }
            <BringBack on_import={props.on_import.clone()} />
            if let Some(space) = space {
                <p class="aside">{ page::kept(props.state.messages.len(), space) }</p>
            }
        </>
    }
}

/// Asks before something that cannot be undone: title, what it means, and the words of not doing and of doing it.
pub(super) fn ask(
    (heading, help, keep, go_on): (&'static str, &'static str, &'static str, &'static str),
    done: &Callback<()>,
    show: &Callback<Option<Sheet>>,
) -> Html {
    let go_on_with = {
        let (show, done) = (show.clone(), done.clone());
        Callback::from(move |_: MouseEvent| {
            show.emit(None);
            done.emit(());
        })
    };
    html! {
        <>
            { title(heading) }
            { words("p", help) }
            { button("button primary", keep, show.reform(|_: MouseEvent| None)) }
            { button("button danger", go_on, go_on_with) }
        </>
    }
}

fn rename_self(props: &RoomViewProps, show: &Callback<Option<Sheet>>) -> Html {
    let on_rename = props.on_rename.clone();
    let on_name = Callback::from(move |name| {
        on_rename.emit(name);
        Ok::<_, SendError>(())
    });
    rename(
        (label::RENAME_SELF, Given::Name),
        ("Your name", page::NAME_HELP),
        &props.state.my_name,
        on_name,
        show,
    )
}

pub(super) fn title(text: impl Into<AttrValue>) -> Html {
    html! { <h2 id="sheet-title" tabindex="-1">{ words("bdi", text) }</h2> }
}

fn rename(
    (heading, given): (&'static str, Given),
    (label, help): (&'static str, &'static str),
    name: &str,
    on_name: Callback<String, Result<(), SendError>>,
    show: &Callback<Option<Sheet>>,
) -> Html {
    html! {
        <>
            { title(heading) }
            <Rename {given} {label} {help} name={name.to_owned()} {on_name} on_done={show.reform(|()| None)} />
        </>
    }
}
