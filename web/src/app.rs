//! From the first paint to a page. The only place where pages and drivers meet: pages get values and callbacks.

use shared::RoomCode;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    boot::{BootError, Profile, boot},
    driver::Session,
    hooks::{go_to, use_route},
    js,
    pages::{
        room::{Joining, RoomPage},
        start::{Entered, StartPage},
    },
    state::{
        notice::{Level, Notice, NoticeAction},
        route::Route,
        validate,
    },
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
    Refused { error: BootError },
    Ready { profile: Profile },
}

/// The whole app.
#[component]
pub fn App() -> Html {
    let stage = use_state(|| Stage::Booting);
    let route = use_route();
    // What the person is called in this tab. Kept here too, because storing it may fail.
    let name = use_state(|| None::<String>);
    let notice = use_state(|| None::<Notice>);

    {
        let (stage, name, notice) = (stage.clone(), name.clone(), notice.clone());
        use_effect_with((), move |()| {
            spawn_local(async move {
                match boot().await {
                    Ok(profile) => {
                        name.set(profile.name());
                        if !profile.persistent() {
                            notice.set(Some(Notice::not_persistent()));
                        }
                        stage.set(Stage::Ready { profile });
                    }
                    Err(error) => stage.set(Stage::Refused { error }),
                }
            });
        });
    }

    let on_dismiss = use_callback(notice.clone(), |(), notice| notice.set(None));

    let profile = match &*stage {
        Stage::Booting => return html! { <p class="first-paint" role="status">{ "Starting Starling…" }</p> },
        Stage::Refused { error } => {
            let notice = Notice::new(Level::Danger, error.to_string()).with_action(NoticeAction::Reload);
            return html! { <StartPage notice={notice} usable={false} /> };
        }
        Stage::Ready { profile } => profile.clone(),
    };

    // What a room link says, if the address is one.
    let code = match &route {
        Route::Start => None,
        Route::Room { code } => Some(RoomCode::parse(code)),
    };

    if let (Some(Ok(code)), Some(name)) = (&code, &*name) {
        let join = {
            let (profile, code, name) = (profile.clone(), code.clone(), name.clone());
            Callback::from(move |on_event| Session::join(&profile, code.clone(), name.clone(), on_event))
        };
        let joining = Joining {
            me: profile.peer_id(),
            name: name.clone(),
            code: code.clone(),
        };
        return html! {
            // The key makes another room another page: the old one leaves, the new one joins.
            <RoomPage key={code.to_text()} {joining} {join} first_notice={(*notice).clone()} />
        };
    }

    let on_enter = {
        let name = name.clone();
        let notice = notice.clone();
        Callback::from(move |entered: Entered| {
            name.set(Some(entered.name.clone()));
            let (profile, notice) = (profile.clone(), notice.clone());
            let code = entered.code.unwrap_or_else(|| profile.generate_room());
            spawn_local(async move {
                // Stored before the address changes, so that a reload right after it finds the name.
                if profile.save_name(&entered.name).await.is_err() {
                    notice.set(Some(Notice::name_not_saved()));
                }
                go_to(&Route::Room { code: code.to_text() });
            });
        })
    };
    let (invitation, refused) = match code {
        Some(Ok(code)) => (Some(code), None),
        Some(Err(error)) => (None, Some(validate::room_error(error))),
        None => (None, None),
    };
    html! {
        <StartPage
            name={name.as_deref().map(str::to_owned)}
            {invitation}
            room_error={refused.map(AttrValue::from)}
            notice={(*notice).clone()}
            {on_enter}
            {on_dismiss}
        />
    }
}
