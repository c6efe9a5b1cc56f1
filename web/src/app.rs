//! From the first paint to a page. The only place where pages and platform meet: pages get values and callbacks.

use std::{cell::RefCell, rc::Rc};

use client::{
    notice::{Missing, Notice, NoticeKind},
    route::Route,
    words::{self, take_along::who},
};
use futures_util::future::LocalBoxFuture;
use gloo_timers::future::sleep;
use shared::{RoomCode, room::ParseRoomError};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    components::rooms_bar::rooms_bar,
    config::{DRAW_AFTER, HEARD_AFTER},
    drafts,
    files::Files,
    hooks::{current, go_to, use_delay, use_route, use_step, use_title},
    js,
    later::{self, NotLoaded, Part, boxed},
    nearby::tell_forgotten,
    open_rooms::{OpenRoom, OpenRooms},
    pages::{
        room::RoomPage,
        start::{Entered, StartPage},
    },
    platform,
    profile::{Profile, boot},
    rooms, take_along, worker,
};

/// The element of `index.html` that the app takes over.
const ROOT: &str = "app";

/// Replaces the first paint by the app. Does nothing in a page that has no place for it.
pub fn mount() {
    let Some(root) = js::document().get_element_by_id(ROOT) else {
        return;
    };
    // Yew adds to what it is mounted on: the first paint has to go.
    root.set_text_content(None);
    yew::Renderer::<App>::with_root(root).render();
}

/// How far the start has come.
#[derive(Debug, Clone)]
enum Stage {
    Booting,
    Refused { missing: Missing },
    Ready { profile: Profile },
}

/// Boots once; finds the stored `name`, and says by `notice` if nothing can be stored.
#[hook]
fn use_boot(name: &UseStateHandle<Option<String>>, notice: &UseStateHandle<Option<Notice>>) -> UseStateHandle<Stage> {
    let stage = use_state(|| Stage::Booting);
    let (setter, name, notice) = (stage.setter(), name.setter(), notice.setter());
    use_effect_with((), move |()| {
        spawn_local(async move {
            match boot().await {
                Ok(profile) => {
                    name.set(profile.name());
                    if !profile.persistent() {
                        notice.set(Some(NoticeKind::NotPersistent.into()));
                    }
                    setter.set(Stage::Ready { profile });
                }
                Err(missing) => setter.set(Stage::Refused { missing }),
            }
        });
    });
    stage
}

/// Has the page kept for when there is no server, and says by `notice` when a newer one is ready.
#[hook]
fn use_kept_page(notice: &UseStateHandle<Option<Notice>>) {
    let notice = notice.setter();
    use_effect_with((), move |()| {
        worker::keep_page(Callback::from(move |()| {
            notice.set(Some(NoticeKind::NewVersion.into()))
        }));
    });
}

/// What leads into rooms and out of them.
struct Ways {
    /// The rooms that this tab is in.
    open: Rc<RefCell<OpenRooms>>,
    /// Draws the app anew.
    update: UseForceUpdateHandle,
    name: UseStateSetter<Option<String>>,
    notice: UseStateSetter<Option<Notice>>,
}

impl Ways {
    /// A room is left: the one that was shown before it is shown in its place.
    fn close(&self, code: &RoomCode) {
        let next = self.open.borrow_mut().close(code);
        if is_at(code) {
            go_to(&next.map_or(Route::Start, |next| Route::Room { code: next.to_text() }));
        }
        self.update.force_update();
    }

    /// A room that was left is forgotten. Its page stays until that is done.
    fn forget(self: &Rc<Self>, profile: &Profile, code: RoomCode) {
        let (ways, profile) = (Rc::clone(self), profile.clone());
        spawn_local(async move {
            match later::load().await {
                Ok(part) => later_forget(part, profile, code.clone(), ways.notice.clone()).await,
                Err(NotLoaded) => ways.notice.set(Some(NoticeKind::PartMissing.into())),
            }
            ways.close(&code);
        });
    }
}

/// Whether the address is that of a room.
fn is_at(code: &RoomCode) -> bool {
    matches!(current(), Route::Room { code: at } if RoomCode::parse_typed(&at, js::fold).as_ref() == Ok(code))
}

/// The rooms that this tab is in, of which one may be shown.
#[hook]
fn use_open_rooms(
    shown: Option<&RoomCode>,
    name: &UseStateHandle<Option<String>>,
    notice: &UseStateHandle<Option<Notice>>,
) -> Rc<Ways> {
    let open = use_mut_ref(OpenRooms::recall);
    let update = use_force_update();
    // Before it is drawn: joining waits for nothing.
    match shown {
        Some(code) => open.borrow_mut().show(code),
        None => open.borrow_mut().show_none(),
    }
    let ways = use_memo((), |()| Ways {
        open: open.clone(),
        update,
        name: name.setter(),
        notice: notice.setter(),
    });
    {
        let ways = Rc::clone(&ways);
        use_effect_with(shown.cloned(), move |_| {
            if let Some(called) = ways.open.borrow_mut().take_crowded_out() {
                let name = called.to_string();
                ways.notice.set(Some(NoticeKind::CrowdedOut { name }.into()));
            }
        });
    }
    use_step({
        let ways = Rc::clone(&ways);
        Callback::from(move |step| {
            if let Some(code) = ways.open.borrow().beside(step) {
                go_to(&Route::Room { code: code.to_text() });
            }
        })
    });
    use_title(
        words::page::title(open.borrow().unread(), open.borrow().files_percent()),
        open.borrow().unread(),
    );
    ways
}

/// The whole app.
#[component]
pub fn App() -> Html {
    let route = use_route();
    // What the person is called in this tab. Kept here too, because storing it may fail.
    let name = use_state(|| None::<String>);
    let notice = use_state(|| None::<Notice>);
    let stage = use_boot(&name, &notice);
    use_kept_page(&notice);

    // What a room link says, if the address is one.
    let code = match &route {
        Route::Start => None,
        Route::Room { code } => Some(RoomCode::parse_typed(code, js::fold)),
    };
    let entered = match (&*stage, &*name) {
        (Stage::Ready { profile }, Some(name)) => Some((profile, name)),
        _ => None,
    };
    let shown = code
        .as_ref()
        .and_then(|code| code.as_ref().ok())
        .filter(|_| entered.is_some());
    let ways = use_open_rooms(shown, &name, &notice);
    let is_drawn = use_delay(shown.is_some(), DRAW_AFTER);
    // Stays until a room that was entered is drawn.
    let page_before = use_mut_ref(Html::default);
    if shown.is_none() {
        *page_before.borrow_mut() = outside(&stage, code.as_ref(), &name, &notice, &ways);
    } else if is_drawn {
        *page_before.borrow_mut() = Html::default();
    }
    let rooms = entered.into_iter().flat_map(|(profile, called)| {
        let open = ways.open.borrow();
        let pages = open.all().iter().map(|room| {
            let is_shown = shown == Some(&room.code);
            let first_notice = (*notice).clone().filter(|_| is_shown);
            room_page(
                (profile, called.clone()),
                room,
                &ways,
                (is_shown, is_shown && is_drawn),
                first_notice,
            )
        });
        pages.collect::<Vec<_>>()
    });
    // Keys and fragments: else a page would be made anew as a room is entered, which takes longer than to join.
    html! {
        <>
            <key="rooms">{ rooms_bar(&ways.open.borrow(), shown) }</>
            <key="page">{ page_before.borrow().clone() }</>
            <key="open">{ for rooms }</>
        </>
    }
}

/// A room that this tab is in. The key makes another room another page.
fn room_page(
    (profile, called): (&Profile, String),
    room: &OpenRoom,
    ways: &Rc<Ways>,
    (is_shown, is_drawn): (bool, bool),
    first_notice: Option<Notice>,
) -> Html {
    let code = &room.code;
    let join = {
        let (profile, code, called) = (profile.clone(), code.clone(), called.clone());
        Callback::from(move |show| platform::join(&profile, &code, called.clone(), show))
    };
    let on_rename = {
        let (profile, ways) = (profile.clone(), Rc::clone(ways));
        Callback::from(move |taken| spawn_local(take_name(&profile, taken, &ways.name, &ways.notice)))
    };
    let on_left = {
        let (profile, code, ways) = (profile.clone(), code.clone(), Rc::clone(ways));
        Callback::from(move |forgets| {
            if forgets {
                ways.forget(&profile, code.clone());
            } else {
                ways.close(&code);
            }
        })
    };
    let on_glance = {
        let (code, ways) = (code.clone(), Rc::clone(ways));
        Callback::from(move |glance| {
            ways.open.borrow_mut().note(&code, glance);
            ways.update.force_update();
        })
    };
    let on_forward = {
        let ways = Rc::clone(ways);
        Callback::from(move |(code, text): (RoomCode, AttrValue)| {
            ways.open.borrow_mut().hand(&code, text);
            go_to(&Route::Room { code: code.to_text() });
        })
    };
    let new_room = {
        let profile = profile.clone();
        Callback::from(move |()| profile.generate_room())
    };
    html! {
        <RoomPage
            key={code.to_text()}
            code={code.clone()}
            files={Files::new(profile, code.open().id())}
            {join}
            {called}
            {on_rename}
            {on_left}
            {on_glance}
            {is_shown}
            {is_drawn}
            {first_notice}
            others={ways.open.borrow().others(code)}
            {on_forward}
            {new_room}
            handed={room.handed.clone()}
        />
    }
}

/// The person has another name from now on, and after a reload if it can be stored. Says so if not.
fn take_name(
    profile: &Profile,
    taken: String,
    name: &UseStateSetter<Option<String>>,
    notice: &UseStateSetter<Option<Notice>>,
) -> impl Future<Output = ()> + use<> {
    name.set(Some(taken.clone()));
    let (profile, notice) = (profile.clone(), notice.clone());
    async move {
        if profile.save_name(&taken).await.is_err() {
            notice.set(Some(NoticeKind::NameNotSaved.into()));
        }
    }
}

/// Forgets a room and what is kept of it. Whoever is in the room by another tab, or still leaves it, keeps nothing any more once told. If that fails says so, and the room stays in the list, to try again.
#[inline(never)]
fn later_forget(
    _: Part,
    profile: Profile,
    code: RoomCode,
    notice: UseStateSetter<Option<Notice>>,
) -> LocalBoxFuture<'static, ()> {
    boxed(forget(profile, code, notice))
}

async fn forget(profile: Profile, code: RoomCode, notice: UseStateSetter<Option<Notice>>) {
    let room = code.open().id();
    tell_forgotten(&room);
    sleep(HEARD_AFTER).await;
    match profile.forget(&room).await {
        Ok(()) => {
            drafts::forget(&room);
            rooms::forget(&code);
        }
        Err(error) => {
            js::log(&format!("a room cannot be forgotten: {error}"));
            notice.set(Some(NoticeKind::NotForgotten.into()));
        }
    }
}

/// What there is to see outside of any room.
fn outside(
    stage: &Stage,
    code: Option<&Result<RoomCode, ParseRoomError>>,
    name: &UseStateHandle<Option<String>>,
    notice: &UseStateHandle<Option<Notice>>,
    ways: &Rc<Ways>,
) -> Html {
    let profile = match stage {
        Stage::Booting => return html! { <p class="first-paint" role="status">{ "Starting Starling…" }</p> },
        Stage::Refused { missing } => {
            let notice = Notice::from(NoticeKind::Unsupported { missing: *missing });
            return html! { <StartPage notice={notice} usable={false} /> };
        }
        Stage::Ready { profile } => profile.clone(),
    };
    let on_enter = {
        let (profile, ways) = (profile.clone(), Rc::clone(ways));
        Callback::from(move |entered: Entered| {
            let code = entered.code.unwrap_or_else(|| profile.generate_room());
            // Stored before the address changes, so that a reload right after it finds the name.
            let saved = take_name(&profile, entered.name, &ways.name, &ways.notice);
            spawn_local(async move {
                saved.await;
                go_to(&Route::Room { code: code.to_text() });
            });
        })
    };
    let (invitation, refused) = match code {
        Some(Ok(code)) => (Some(code.clone()), None),
        Some(Err(error)) => (None, Some(words::room_error(*error))),
        None => (None, None),
    };
    let on_dismiss = notice.setter();
    let on_forget = {
        let (profile, ways) = (profile.clone(), Rc::clone(ways));
        Callback::from(move |code| {
            // Left at once, if this tab is in it.
            ways.close(&code);
            ways.forget(&profile, code);
        })
    };
    let on_leave = {
        let ways = Rc::clone(ways);
        Callback::from(move |code| ways.close(&code))
    };
    let on_move = {
        let profile = profile.clone();
        Callback::from(move |asked| take_along::begin(&profile, asked))
    };
    let me = who(name.as_deref(), &profile.peer_id().fingerprint());
    html! {
        <StartPage
            me={AttrValue::from(me)}
            {on_move}
            name={name.as_deref().map(str::to_owned)}
            {invitation}
            room_error={refused.map(AttrValue::from)}
            notice={(**notice).clone()}
            rooms={rooms::all()}
            open={ways.open.borrow().all().iter().map(|room| room.code.clone()).collect::<Vec<_>>()}
            {on_enter}
            {on_forget}
            {on_leave}
            on_dismiss={Callback::from(move |()| on_dismiss.set(None))}
        />
    }
}
