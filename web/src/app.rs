//! From the first paint to a page. The only place where pages and platform meet: pages get values and callbacks.

use client::{
    notice::{Missing, Notice, NoticeKind},
    route::Route,
    words::{self, take_along::who},
};
use gloo_timers::future::sleep;
use shared::{RoomCode, room::ParseRoomError};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    components::take_along::{Move, Moved},
    config::{DRAW_AFTER, HEARD_AFTER},
    drafts,
    files::Files,
    hooks::{go_to, use_delay, use_route},
    js,
    nearby::tell_forgotten,
    pages::{
        room::RoomPage,
        start::{Entered, StartPage},
    },
    platform,
    profile::{Profile, boot},
    rooms,
    take_along::carry_out,
    worker,
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
        worker::keep_page(move || notice.set(Some(NoticeKind::NewVersion.into())));
    });
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
    let update = use_force_update();

    // What a room link says, if the address is one.
    let code = match &route {
        Route::Start => None,
        Route::Room { code } => Some(RoomCode::parse_typed(code, js::fold)),
    };
    let entered = match (&*stage, &code, &*name) {
        (Stage::Ready { profile }, Some(Ok(code)), Some(name)) => Some((profile, code, name)),
        _ => None,
    };
    let is_drawn = use_delay(entered.is_some(), DRAW_AFTER);
    // Stays until a room that was entered is drawn.
    let page_before = use_mut_ref(Html::default);

    let Some((profile, code, called)) = entered else {
        let page = outside(&stage, code.as_ref(), &name, &notice, update);
        *page_before.borrow_mut() = page.clone();
        // Two fragments, as below: else the page would be made anew as the room is entered, which takes longer than to join.
        return html! { <><key="page">{ page }</></> };
    };
    let join = {
        let (profile, code, called) = (profile.clone(), code.clone(), called.clone());
        Callback::from(move |on_show| platform::join(&profile, &code, called.clone(), on_show))
    };
    let on_rename = {
        let (profile, name, notice) = (profile.clone(), name.setter(), notice.setter());
        Callback::from(move |taken| spawn_local(take_name(&profile, taken, &name, &notice)))
    };
    let on_forget = {
        let (profile, code, notice) = (profile.clone(), code.clone(), notice.setter());
        Callback::from(move |()| {
            let forgotten = forget(profile.clone(), code.clone(), notice.clone());
            spawn_local(async move {
                forgotten.await;
                go_to(&Route::Start);
            });
        })
    };
    if is_drawn {
        *page_before.borrow_mut() = Html::default();
    }
    html! {
        <>
            <key="page">{ page_before.borrow().clone() }</>
            // The key makes another room another page: the old one leaves, the new one joins.
            <RoomPage
                key={code.to_text()}
                code={code.clone()}
                files={Files::new(profile, code.open().id())}
                {join}
                {on_rename}
                {on_forget}
                {is_drawn}
                first_notice={(*notice).clone()}
            />
        </>
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
    update: UseForceUpdateHandle,
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
        let (profile, name, notice) = (profile.clone(), name.setter(), notice.setter());
        Callback::from(move |entered: Entered| {
            let code = entered.code.unwrap_or_else(|| profile.generate_room());
            // Stored before the address changes, so that a reload right after it finds the name.
            let saved = take_name(&profile, entered.name, &name, &notice);
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
        let (profile, notice) = (profile.clone(), notice.setter());
        Callback::from(move |code| {
            let (forgotten, update) = (forget(profile.clone(), code, notice.clone()), update.clone());
            spawn_local(async move {
                forgotten.await;
                update.force_update();
            });
        })
    };
    let on_move = {
        let profile = profile.clone();
        Callback::from(move |(what, told): (Move, Callback<Moved>)| {
            let moved = carry_out(profile.clone(), what);
            spawn_local(async move { told.emit(moved.await) });
        })
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
            {on_enter}
            {on_forget}
            on_dismiss={Callback::from(move |()| on_dismiss.set(None))}
        />
    }
}
