//! The menu of the room, and what menus have in common.

use client::{
    route::Route,
    words::{label, page},
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{sheet::Sheet, view::RoomViewProps};
use crate::{
    clock,
    components::icon::{Icon, glyph},
    folder::{self, Chosen},
    hooks::go_to,
    js,
};

/// Closes what is in front of the room, then does something. What closes gives the cursor back to where it was: first that.
pub(super) fn close_then<T: 'static>(show: &Callback<Option<Sheet>>, done: &Callback<T>) -> Callback<T> {
    let (show, done) = (show.clone(), done.clone());
    Callback::from(move |with| {
        show.emit(None);
        let done = done.clone();
        spawn_local(async move {
            clock::pause().await;
            done.emit(with);
        });
    })
}

/// Something to choose from a menu.
pub(super) fn menu_item(icon: Icon, label: &'static str, disabled: bool, onclick: Callback<MouseEvent>) -> Html {
    html! {
        <button type="button" role="menuitem" class="menu-item" {disabled} {onclick}>
            { glyph(icon) }
            { label }
        </button>
    }
}

/// What can be done with the room.
pub(super) fn menu(props: &RoomViewProps, show: &Callback<Option<Sheet>>, on_chosen: &Callback<Vec<Chosen>>) -> Html {
    let item = |icon, label, onclick| menu_item(icon, label, props.leaving, onclick);
    let goes_to = |icon, label, sheet| item(icon, label, show.reform(move |_: MouseEvent| Some(sheet)));
    let open = !props.state.is_over();
    let founder = props.founder && open;
    html! {
        <div id="sheet-title" role="menu" aria-label={label::ROOM_MENU} onkeydown={Callback::from(walk)}>
            if founder {
                { goes_to(Icon::Pen, label::RENAME_ROOM, Sheet::RenameRoom) }
                { goes_to(Icon::Info, label::TOPIC, Sheet::Topic) }
            }
            if open {
                { goes_to(Icon::People, label::RENAME_SELF, Sheet::RenameSelf) }
                { goes_to(Icon::Link, label::WITHOUT_SERVER, Sheet::ByHand) }
            }
            if open && folder::picks_folders() {
                { item(Icon::Clip, label::SEND_FOLDER, {
                    let (show, on_chosen) = (show.clone(), on_chosen.clone());
                    Callback::from(move |_: MouseEvent| {
                        let on_chosen = on_chosen.clone();
                        spawn_local(async move {
                            if let Some(folder) = folder::pick().await {
                                on_chosen.emit(vec![folder]);
                            }
                        });
                        show.emit(None);
                    })
                }) }
            }
            if !props.state.files.is_empty() || props.state.messages.iter().any(|entry| entry.message.file.is_some()) {
                { goes_to(Icon::Clip, label::FILES, Sheet::Files) }
            }
            if !props.state.messages.is_empty() {
                { goes_to(Icon::Search, label::SEARCH, Sheet::Search) }
            }
            if open {
                { goes_to(Icon::Bell, label::NOTIFICATIONS, Sheet::Notifications) }
            }
            { item(Icon::Plus, page::ANOTHER_ROOM, {
                let show = show.clone();
                Callback::from(move |_: MouseEvent| {
                    show.emit(None);
                    go_to(&Route::Start);
                })
            }) }
            { goes_to(Icon::Clock, label::KEEPING, Sheet::Keeping) }
            { goes_to(Icon::Sun, label::APPEARANCE, Sheet::Appearance) }
            { goes_to(Icon::Info, label::KEYS, Sheet::Keys) }
            { goes_to(Icon::Open, label::CHECK_CONNECTION, Sheet::Check) }
            { goes_to(Icon::Down, label::EXPORT, Sheet::Export) }
            { goes_to(Icon::Info, label::COPY_DIAGNOSTICS, Sheet::Diagnostics) }
            if founder {
                { goes_to(Icon::Forward, label::MOVE_ROOM, Sheet::Move) }
                { goes_to(Icon::Lock, label::CLOSE_ROOM, Sheet::Close) }
            }
            { goes_to(Icon::Close, label::FORGET_ROOM, Sheet::Forget) }
            { item(Icon::Leave, label::LEAVE_ROOM, props.on_leave.reform(|_: MouseEvent| ())) }
        </div>
    }
}

/// The arrow keys, Home and End lead from item to item (ARIA Authoring Practices, "Menu and Menubar").
pub(super) fn walk(event: KeyboardEvent) {
    let Some(focused) = js::document().active_element() else {
        return;
    };
    let menu = focused.parent_element();
    let (next, around) = match event.key().as_str() {
        "ArrowDown" => (
            focused.next_element_sibling(),
            menu.and_then(|menu| menu.first_element_child()),
        ),
        "ArrowUp" => (
            focused.previous_element_sibling(),
            menu.and_then(|menu| menu.last_element_child()),
        ),
        "Home" => (None, menu.and_then(|menu| menu.first_element_child())),
        "End" => (None, menu.and_then(|menu| menu.last_element_child())),
        _ => return,
    };
    event.prevent_default();
    if let Some(next) = next.or(around) {
        // Fails only for elements that are not in the page any more.
        let _ = next.unchecked_into::<HtmlElement>().focus();
    }
}
