//! Notifications of the browser's: what is said while the person looks elsewhere.
//!
//! Shown only with the person's leave, which the browser asks for, and only while a tab is in the room: there is no server that could send any.
//! Where the browser shows them through the service worker alone, that is asked.

use client::{
    room::RoomState,
    telling::{Shown, Told, line},
    words::label,
};
use gloo_events::EventListener;
use shared::RoomCode;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Notification, NotificationOptions, NotificationPermission};
use yew::Callback;

use crate::{
    appearance::{self, Setting},
    js, rooms, worker,
};

/// What became of the wish to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is so.
    Done,
    /// The browser does not let us.
    Denied,
    /// The person closed the browser's question.
    Dismissed,
    /// There are none in this browser, or at this address.
    Unavailable,
}

/// Takes of what the person wants to be told, and what is to be called with what became of that.
pub type OnTold = Callback<(Told, Callback<Asked>)>;

/// Whether somebody looks at the page: it is in view, and nothing else has the cursor.
fn is_looked_at() -> bool {
    let document = js::document();
    !document.hidden() && document.has_focus().unwrap_or(true)
}

/// Has the person told of this in a room from now on. Asks for leave first, if that is needed.
pub async fn choose(code: &RoomCode, told: Told) -> Asked {
    let asked = if told == Told::Nothing {
        Asked::Done
    } else {
        ask().await
    };
    if asked == Asked::Done {
        rooms::tell(code, told);
    }
    asked
}

async fn ask() -> Asked {
    // Where it is missing, asking for the permission would throw.
    if js::field(&js::window(), "Notification").is_none() {
        return Asked::Unavailable;
    }
    if let Ok(asked) = Notification::request_permission() {
        // What it answers is the same as can be read afterwards.
        let _ = JsFuture::from(asked).await;
    }
    let permission = Notification::permission();
    if permission == NotificationPermission::Granted {
        Asked::Done
    } else if permission == NotificationPermission::Denied {
        Asked::Denied
    } else {
        Asked::Dismissed
    }
}

/// Tells of what is said in one room.
#[derive(Debug)]
pub(crate) struct Telling {
    code: RoomCode,
    /// How many messages were heard so far.
    heard: u64,
    /// What is shown now.
    now: Option<(Notification, EventListener)>,
}

impl Telling {
    pub(crate) fn new(code: RoomCode) -> Self {
        Self {
            code,
            heard: 0,
            now: None,
        }
    }

    /// The room has changed.
    pub(crate) fn note(&mut self, room: &RoomState) {
        let new = room.heard_count - std::mem::replace(&mut self.heard, room.heard_count);
        if is_looked_at() {
            if let Some((shown, _)) = self.now.take() {
                shown.close();
            }
            return;
        }
        if new == 0 {
            return;
        }
        let told = rooms::find(&self.code).map_or(Told::Nothing, |room| room.told);
        let new = room.heard.iter().rev().take(usize::try_from(new).unwrap_or(usize::MAX));
        let mut new = new.filter_map(|id| room.entry(id));
        if let Some(entry) = new.find(|entry| told.has(room, &entry.message)) {
            let shown = if appearance::get(Setting::Words).is_empty() {
                Shown::Words
            } else {
                Shown::Nothing
            };
            self.show(room, &line(room, &entry.message, shown));
        }
    }

    fn show(&mut self, room: &RoomState, line: &str) {
        let title = room.name.as_deref().unwrap_or(label::STARLING);
        let options = NotificationOptions::new();
        options.set_body(line);
        options.set_icon("favicon.svg");
        // One a room: the next takes its place.
        options.set_tag(&self.code.open().id().to_text());
        options.set_renotify(true);
        match Notification::new_with_options(title, &options) {
            Ok(shown) => {
                // Refused where the browser lets no page come to the front. What is shown goes once somebody looks.
                let on_click = EventListener::new(&shown, "click", |_| _ = js::window().focus());
                self.now = Some((shown, on_click));
            }
            // Phones show them through the service worker alone.
            Err(_) => {
                let title = title.to_owned();
                spawn_local(async move { worker::show_notification(&title, &options).await });
            }
        }
    }
}
