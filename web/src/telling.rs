//! Notifications of the browser's: what is said while the person looks elsewhere.
//!
//! Shown only with the person's leave, which the browser asks for, and only while a tab is in the room: there is no server that could send any.
//! Where the browser shows them through the service worker alone, that is asked.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use client::{
    room::RoomState,
    route::Route,
    telling::{Shown, Told, line},
    words::label,
};
use futures_util::future::LocalBoxFuture;
use gloo_events::EventListener;
use mesh::model::Message;
use shared::{MessageId, RoomCode};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Event, Notification, NotificationOptions, NotificationPermission};
use yew::Callback;

use crate::{
    appearance::{self, Setting},
    hooks::go_to,
    js,
    later::{Part, boxed, here, load},
    rooms, sound, worker,
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
    /// The browser does not keep the choice.
    NotKept,
}

/// Takes of what the person wants to be told, and what is to be called with what became of that.
pub type OnTold = Callback<(Told, Callback<Asked>)>;

/// Whether somebody looks at the page: it is in view, and nothing else has the cursor.
fn is_looked_at() -> bool {
    let document = js::document();
    !document.hidden() && document.has_focus().unwrap_or(true)
}

/// Has the person told of this in a room from now on. Asks for leave first, if that is needed. Nothing comes of it if it is not wanted any more
/// once that was answered.
pub async fn choose(code: &RoomCode, told: Told, is_wanted: impl Fn() -> bool) -> Option<Asked> {
    let asked = if told == Told::Nothing {
        Asked::Done
    } else {
        ask().await
    };
    is_wanted().then(|| {
        if asked == Asked::Done && !rooms::tell(code, told) {
            Asked::NotKept
        } else {
            asked
        }
    })
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
    /// Whether it is the room that the page shows.
    in_front: Rc<Cell<bool>>,
    tag: Rc<str>,
    /// How many messages were heard so far.
    heard: u64,
    showing: Showing,
    /// What is shown goes once somebody looks.
    _on_look: [EventListener; 2],
}

/// What is shown now.
type Showing = Rc<RefCell<Option<Note>>>;

/// A notification.
#[derive(Debug)]
struct Note {
    /// Of which message.
    id: MessageId,
    by: By,
}

/// By whom it is shown.
#[derive(Debug)]
enum By {
    Page {
        notification: Notification,
        _on_click: EventListener,
    },
    Worker,
}

impl Telling {
    pub(crate) fn new(code: RoomCode, in_front: Rc<Cell<bool>>) -> Self {
        // One a room: the next takes its place.
        let tag: Rc<str> = code.open().id().to_text().into();
        let showing = Showing::default();
        let on_look = || {
            let (showing, tag, in_front) = (Rc::clone(&showing), Rc::clone(&tag), Rc::clone(&in_front));
            move |_: &Event| {
                if in_front.get() && is_looked_at() {
                    close(&showing, &tag);
                }
            }
        };
        let on_look = [
            EventListener::new(&js::window(), "focus", on_look()),
            EventListener::new(&js::document(), "visibilitychange", on_look()),
        ];
        Self {
            code,
            in_front,
            tag,
            heard: 0,
            showing,
            _on_look: on_look,
        }
    }

    /// The room has changed.
    pub(crate) fn note(&mut self, room: &RoomState) {
        let new = room.heard_count - std::mem::replace(&mut self.heard, room.heard_count);
        let shown = self.showing.borrow().as_ref().map(|note| note.id);
        let is_gone = |id| room.entry(&id).is_none_or(|entry| entry.message.deleted);
        let is_seen = self.in_front.get() && is_looked_at();
        if shown.is_some_and(|id| is_seen || is_gone(id)) {
            close(&self.showing, &self.tag);
        }
        if new == 0 || is_seen {
            return;
        }
        if let Some(part) = here() {
            later_tell(part, self, room, new);
        }
    }

    /// Tells of the last of so many new messages that the person wants to be told of.
    fn tell(&self, room: &RoomState, new: u64) {
        let told = rooms::find(&self.code).map_or(Told::Nothing, |room| room.told);
        let new = room.heard.iter().rev().take(usize::try_from(new).unwrap_or(usize::MAX));
        let mut new = new.filter_map(|id| room.entry(id));
        if let Some(entry) = new.find(|entry| told.has(room, &entry.message))
            && !appearance::is_quiet()
        {
            self.show(room, &entry.message);
        }
    }

    fn show(&self, room: &RoomState, message: &Message) {
        let has_sound = !appearance::get(Setting::Sound).is_empty();
        let (shown, title) = if appearance::get(Setting::Words).is_empty() {
            (Shown::Words, room.name.as_deref().unwrap_or(label::STARLING))
        } else {
            (Shown::Nothing, label::STARLING)
        };
        let options = NotificationOptions::new();
        options.set_body(&line(room, message, shown));
        options.set_icon("favicon.svg");
        options.set_tag(&self.tag);
        options.set_renotify(true);
        if has_sound {
            // One sound is enough.
            options.set_silent(Some(true));
            sound::play();
        }
        // Where a click on what the worker shows leads.
        options.set_data(&rooms::link_to(&self.code).into());
        let code = self.code.to_text();
        let by = match Notification::new_with_options(title, &options) {
            Ok(notification) => {
                let route = Route::Room { code };
                let on_click = EventListener::new(&notification, "click", move |_| {
                    // Refused where the browser lets no page come to the front.
                    let _ = js::window().focus();
                    go_to(&route);
                });
                By::Page {
                    notification,
                    _on_click: on_click,
                }
            }
            // Phones show them through the service worker alone.
            Err(_) => {
                let (title, tag, showing) = (title.to_owned(), Rc::clone(&self.tag), Rc::clone(&self.showing));
                spawn_local(async move {
                    worker::show_notification(&title, &options).await;
                    // Somebody looked before it was shown.
                    if showing.borrow().is_none() {
                        close_by_worker(&tag);
                    }
                });
                By::Worker
            }
        };
        self.showing.replace(Some(Note { id: message.id, by }));
    }
}

#[inline(never)]
fn later_tell(_: Part, telling: &Telling, room: &RoomState, new: u64) {
    telling.tell(room, new);
}

/// Closes what is shown, and what was shown before the page was loaded anew.
fn close(showing: &Showing, tag: &Rc<str>) {
    let note = showing.take();
    if let Some(By::Page { notification, .. }) = note.map(|note| note.by) {
        notification.close();
    }
    close_by_worker(tag);
}

fn close_by_worker(tag: &Rc<str>) {
    let tag = Rc::clone(tag);
    spawn_local(async move {
        if let Ok(part) = load().await {
            later_close(part, &tag).await;
        }
    });
}

#[inline(never)]
fn later_close<'a>(_: Part, tag: &'a str) -> LocalBoxFuture<'a, ()> {
    boxed(worker::close_notifications(tag))
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use client::room::{RoomAction, Visibility, reduce};
    use mesh::model::{Event, Timestamp};
    use shared::PeerId;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// A browser where nobody looks at the page, which notes what is shown: `told` has the titles, `goneCount` how many were closed.
    const STAGE: &str = "window.told = []; window.goneCount = 0;
        window.Notification = class extends EventTarget {
            constructor(title) { super(); told.push(title); }
            close() { goneCount += 1; }
        };
        document.hasFocus = () => false;
        window.played = [];
        HTMLMediaElement.prototype.play = function () { played.push(this.src.split(':')[0]); return Promise.resolve(); };";

    fn eval(script: &str) -> String {
        let found = js_sys::eval(&format!("String(({script}))")).unwrap();
        found.as_string().unwrap()
    }

    fn known(name: &str) -> RoomCode {
        let code = RoomCode::Open { name: name.to_owned() };
        rooms::remember(rooms::KnownRoom {
            code: code.clone(),
            name: String::new(),
            with: String::new(),
            unread: 0,
            told: Told::Nothing,
        });
        code
    }

    fn said(number: u8) -> Message {
        Message {
            id: MessageId::from_bytes([number; 16]),
            author: PeerId::from_bytes([1; 32]),
            author_name: "Ada".into(),
            own: false,
            whisper_to: None,
            order: Timestamp::from_unix_millis(number.into()),
            unix_millis: 1_700_000_000_000,
            dated_ahead: false,
            recent: true,
            reply_to: None,
            text: "hi".into(),
            file: None,
            vanish: None,
            deleted: false,
        }
    }

    fn hear(room: &mut RoomState, message: Message) {
        let (event, visibility) = (Event::Message { message }, Visibility::Hidden);
        reduce(room, RoomAction::Event { event, visibility });
    }

    #[wasm_bindgen_test]
    fn what_is_shown_goes_with_its_message_or_as_soon_as_somebody_looks() {
        js_sys::eval(STAGE).unwrap();
        let code = known("told and closed");
        assert!(rooms::tell(&code, Told::Everything));
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "Me".into());
        room.name = Some("Roost".into());
        let in_front = Rc::new(Cell::new(true));
        let mut telling = Telling::new(code.clone(), in_front);
        hear(&mut room, said(1));
        telling.note(&room);
        assert_eq!(eval("told"), "Roost");
        telling.note(&room);
        assert_eq!(eval("goneCount"), "0");
        Rc::make_mut(&mut room.messages[0]).message.deleted = true;
        telling.note(&room);
        assert_eq!(eval("goneCount"), "1");

        // Others may look on: not even where it was said is shown.
        appearance::set(Setting::Words, "hidden");
        hear(&mut room, said(2));
        telling.note(&room);
        appearance::set(Setting::Words, "");
        assert_eq!(eval("told"), "Roost,Starling");
        assert_eq!(eval("played"), "");

        appearance::set(Setting::Sound, "on");
        hear(&mut room, said(3));
        telling.note(&room);
        assert_eq!((eval("told.length"), eval("played")), ("3".into(), "blob".into()));
        // All day but for the minute before this one.
        let now = js_sys::Date::new_0();
        let minute = now.get_hours() * 60 + now.get_minutes();
        let time = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        appearance::set_quiet_hours(&[time(minute), time((minute + 1_439) % 1_440)]);
        hear(&mut room, said(4));
        telling.note(&room);
        appearance::set_quiet_hours(&[String::new(), String::new()]);
        appearance::set(Setting::Sound, "");
        assert_eq!((eval("told.length"), eval("played")), ("3".into(), "blob".into()));
        // Whatever has the focus, nobody looks yet.
        eval("window.dispatchEvent(new Event('focus'))");
        assert_eq!(eval("goneCount"), "1");
        eval("(document.hasFocus = () => true, window.dispatchEvent(new Event('focus')))");
        assert_eq!(eval("goneCount"), "2");
        rooms::forget(&code);
    }

    #[wasm_bindgen_test]
    async fn a_choice_that_is_not_wanted_any_more_changes_nothing() {
        let code = known("told otherwise");
        assert!(rooms::tell(&code, Told::ForMe));
        assert_eq!(choose(&code, Told::Nothing, || false).await, None);
        assert_eq!(rooms::find(&code).unwrap().told, Told::ForMe);
        assert_eq!(choose(&code, Told::Nothing, || true).await, Some(Asked::Done));
        assert_eq!(rooms::find(&code).unwrap().told, Told::Nothing);
        rooms::forget(&code);
    }
}
