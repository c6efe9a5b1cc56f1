//! The rooms that this tab is in, side by side.

use client::{
    route::Route,
    words::{label, page},
};
use shared::RoomCode;
use yew::prelude::*;

use super::icon::{Icon, glyph};
use crate::open_rooms::{OpenRoom, OpenRooms};

/// Leads from room to room, and to the start page; nothing while there is no other room than the one that is shown.
pub fn rooms_bar(open: &OpenRooms, shown: Option<&RoomCode>) -> Html {
    if open.all().iter().all(|room| shown == Some(&room.code)) {
        return html! {};
    }
    let tab = |room: &OpenRoom| {
        let code = room.code.to_text();
        let is_shown = shown == Some(&room.code);
        let unread = Some(room.glance.unread).filter(|unread| *unread > 0 && !is_shown);
        html! {
            <a
                key={code.clone()}
                class="room-tab"
                href={Route::Room { code }.to_fragment()}
                aria-current={is_shown.then_some("page")}
                title={room.glance.called.clone()}
            >
                <bdi>{ &room.glance.called }</bdi>
                if let Some(unread) = unread {
                    { " " }
                    <span class="count">{ unread }<span class="visually-hidden">{ page::UNREAD }</span></span>
                }
            </a>
        }
    };
    html! {
        <nav class="rooms-bar" aria-label={label::ROOMS}>
            { for open.all().iter().map(tab) }
            if shown.is_some() {
                <a key="start" class="room-tab" href={Route::Start.to_fragment()} aria-label={page::ANOTHER_ROOM} title={page::ANOTHER_ROOM}>
                    { glyph(Icon::Plus) }
                </a>
            }
        </nav>
    }
}
