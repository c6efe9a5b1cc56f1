//! The room as a whole: of which kind it is, how we are connected, and its end.

use std::{cell::RefCell, rc::Rc};

use client::{export::Format, store::Space};
use mesh::io::ServerId;
use mesh::model::{Event, PersonState, Retention, SendError, ServerState, Vanish};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web::pages::room::view::{RoomView, RoomViewProps};
use web_sys::{HtmlElement, HtmlSelectElement};
use yew::Callback;

use crate::{
    setup::{Outbox, message, person, room, show},
    shown::{Shown, texts},
};

#[wasm_bindgen_test]
async fn open_rooms_are_shown_as_such() {
    let props = RoomViewProps {
        is_open: true,
        name: Some("tea party".into()),
        ..room([], &Outbox::new(Ok(())))
    };
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(page.text("h1"), "tea party");
    assert_eq!(
        page.one("h1").get_attribute("title").as_deref(),
        Some("Open room: anyone who guesses the name can come in.")
    );
}

#[wasm_bindgen_test]
async fn alone_the_page_says_what_to_do() {
    let page = show([]).await;
    assert!(page.text("[role=log]").contains("You are alone here"));
    assert_eq!(page.text("p[aria-label=Connection]"), "Only you are here.");
    page.one("[role=log] [role=img][aria-label='Link as a QR code']");
    page.button("Copy link");
}

#[wasm_bindgen_test]
async fn the_page_says_how_it_stands_with_the_server_and_offers_to_try_now() {
    let retry_at = mesh::io::Instant::from_millis(4_000);
    let lost = Event::Server {
        server: ServerId(0),
        state: ServerState::Waiting { retry_at },
    };
    let tried = Rc::new(RefCell::new(0));
    let counter = tried.clone();
    let props = RoomViewProps {
        retry_in: Some(4),
        on_retry: Callback::from(move |()| *counter.borrow_mut() += 1),
        ..room([person(1, "Ada", PersonState::Here), lost], &Outbox::new(Ok(())))
    };
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(
        page.text("p[aria-label=Connection]"),
        "2 people here. Server offline. Your chat keeps working; new people can't join by link right now. \
         Trying again in 4\u{a0}s."
    );
    page.click("Try now").await;
    assert_eq!(*tried.borrow(), 1);
}

#[wasm_bindgen_test]
async fn only_the_founder_can_close_the_room_and_is_asked_first() {
    let page = show([]).await;
    page.click("Room menu").await;
    assert!(
        !texts(&page, "[role=menuitem]")
            .iter()
            .any(|text| text.contains("Close"))
    );
    drop(page);
    let closed = Rc::new(RefCell::new(0));
    let counter = closed.clone();
    let props = RoomViewProps {
        founder: true,
        on_close: Callback::from(move |()| *counter.borrow_mut() += 1),
        ..room([], &Outbox::new(Ok(())))
    };
    let page = Shown::<RoomView>::new(props).await;
    let words = ["Close room", "cannot be undone", "Keep it open", "Close for everyone"];
    is_asked_first(&page, words, &closed).await;
}

/// Who chooses this in the menu is told what it means, and it is done only once they say so again.
async fn is_asked_first(page: &Shown<RoomView>, [chosen, help, keep, go_on]: [&str; 4], done: &RefCell<i32>) {
    page.click("Room menu").await;
    page.click(chosen).await;
    assert!(page.text("dialog[open]").contains(help));
    page.click(keep).await;
    assert_eq!((*done.borrow(), page.all("dialog[open]").len()), (0, 0));
    page.click("Room menu").await;
    page.click(chosen).await;
    page.click(go_on).await;
    assert_eq!((*done.borrow(), page.all("dialog[open]").len()), (1, 0));
}

#[wasm_bindgen_test]
async fn whoever_forgets_the_room_is_asked_first() {
    let forgotten = Rc::new(RefCell::new(0));
    let counter = forgotten.clone();
    let props = RoomViewProps {
        on_forget: Callback::from(move |()| *counter.borrow_mut() += 1),
        ..room([], &Outbox::new(Ok(())))
    };
    let page = Shown::<RoomView>::new(props).await;
    let words = [
        "Forget this room",
        "this browser deletes what was said",
        "Keep it",
        "Leave and forget",
    ];
    is_asked_first(&page, words, &forgotten).await;
}

#[wasm_bindgen_test]
async fn what_was_said_is_saved_as_a_file_of_either_kind() {
    let saved = Rc::new(RefCell::new(Vec::new()));
    let asked = saved.clone();
    let space = Space {
        used_bytes: 3_000_000,
        left_bytes: 40_000_000_000,
    };
    let props = RoomViewProps {
        name: Some("Roost".into()),
        on_save: Callback::from(move |what: (Option<String>, Format)| asked.borrow_mut().push(what)),
        on_space: Callback::from(move |told: Callback<Space>| told.emit(space)),
        ..room([message(1, 1, None, "hello <b>")], &Outbox::new(Ok(())))
    };
    let page = Shown::<RoomView>::new(props).await;
    page.click("Room menu").await;
    page.click("Export").await;
    assert_eq!(
        page.text("dialog .aside"),
        "Kept on this device: 1 message. All of Starling takes 3 MB here; 40 GB left."
    );
    page.click("As a page").await;
    page.click("As JSON").await;
    let named = |format| (Some("Roost".to_owned()), format);
    assert_eq!(*saved.borrow(), [named(Format::Page), named(Format::Json)]);
}

#[wasm_bindgen_test]
async fn where_nothing_is_kept_nothing_is_said_of_space() {
    let page = show([]).await;
    page.click("Room menu").await;
    page.click("Export").await;
    assert!(!page.text("dialog[open]").contains("Kept"));
}

#[wasm_bindgen_test]
async fn a_room_that_was_left_can_be_read_and_has_nothing_to_write_in() {
    let page = show([message(1, 1, None, "hello"), Event::Left]).await;
    assert_eq!(texts(&page, ".message-text"), ["hello"]);
    assert_eq!(page.text("p[aria-label=Connection]"), "You have left this room.");
    assert_eq!(page.all("textarea").len(), 0);
    page.click("Room menu").await;
    let items = texts(&page, "[role=menuitem]");
    assert!(!items.iter().any(|item| item == "Rename yourself"), "{items:?}");
    assert!(items.iter().any(|item| item == "Export"), "{items:?}");
}

#[wasm_bindgen_test]
async fn a_closed_room_can_be_read_and_says_why_nothing_can_be_sent() {
    let page = show([message(1, 1, None, "hello"), Event::RoomClosed, Event::Left]).await;
    assert_eq!(texts(&page, ".message-text"), ["hello"]);
    assert_eq!(
        page.text("p[aria-label=Connection]"),
        "This room was closed by its founder."
    );
    assert!(page.message_box().disabled());
    assert!(page.button("Send").has_attribute("disabled"));
    assert!(page.text("#composer-notice").contains("closed by its founder"));
    page.click("Room menu").await;
    assert_eq!(
        texts(&page, "[role=menuitem]"),
        [
            "Search messages",
            "Make or choose another room",
            "What is kept",
            "Appearance",
            "Keyboard",
            "Check connection",
            "Export",
            "Copy diagnostics",
            "Forget this room",
            "Leave room"
        ]
    );
    let buttons = texts(&page, "button");
    assert!(
        !buttons
            .iter()
            .any(|text| text.contains("Copy link") || text.contains("Invite"))
    );
}

#[wasm_bindgen_test]
async fn a_click_beside_the_menu_closes_it_in_any_browser() {
    let page = show([]).await;
    page.click("Room menu").await;
    page.one("[role=menu]").unchecked_into::<HtmlElement>().click();
    page.settle().await;
    assert_eq!(page.all("dialog[open]").len(), 1);
    // What is beside the dialog is its backdrop, and belongs to it.
    page.one("dialog[open]").unchecked_into::<HtmlElement>().click();
    page.settle().await;
    assert_eq!(page.all("dialog[open]").len(), 0);
}

#[wasm_bindgen_test]
async fn the_menu_offers_to_name_the_room_to_its_founder_and_what_is_refused_is_told() {
    let items = async |founder| {
        let props = RoomViewProps {
            founder,
            name: Some("Roost".into()),
            on_name_room: Callback::from(|_| Err(SendError::Full)),
            ..room([], &Outbox::new(Ok(())))
        };
        let page = Shown::<RoomView>::new(props).await;
        page.click("Room menu").await;
        page
    };
    let page = items(false).await;
    assert_eq!(
        texts(&page, "[role=menuitem]"),
        [
            "Rename yourself",
            "Connect without a server",
            "Send a folder",
            "Notifications",
            "Make or choose another room",
            "What is kept",
            "Appearance",
            "Keyboard",
            "Check connection",
            "Export",
            "Copy diagnostics",
            "Forget this room",
            "Leave room"
        ]
    );
    let page = items(true).await;
    page.click("Rename room").await;
    let field: web_sys::HtmlInputElement = page.one("#new-name").unchecked_into();
    assert_eq!(field.value(), "Roost");
    page.fill("new-name", "Nest").await;
    page.click("Save").await;
    assert!(page.text("#new-name-error").contains("Wait a moment"));
    page.click("Cancel").await;
    assert_eq!(page.all("dialog[open]").len(), 0);
}

#[wasm_bindgen_test]
async fn the_founder_has_messages_vanish_and_everybody_sees_it_and_keeps_what_they_like() {
    let kept = async |founder: bool, choices: &[(&str, i32)]| {
        let (told, state) = (
            Rc::new(RefCell::new(Vec::new())),
            Event::Vanishing { after: Vanish::Day },
        );
        let heard = told.clone();
        let props = RoomViewProps {
            founder,
            on_keep: Callback::from(move |keep| heard.borrow_mut().push(keep)),
            ..room([state], &Outbox::new(Ok(())))
        };
        let page = Shown::<RoomView>::new(props).await;
        assert_eq!(page.text("h1 small"), "Messages vanish after a day");
        page.click("Room menu").await;
        page.click("What is kept").await;
        for (list, place) in choices {
            let list: HtmlSelectElement = page.one(&format!("#keep-{list}")).unchecked_into();
            list.set_selected_index(*place);
        }
        page.click("Save").await;
        assert_eq!(page.all("dialog[open]").len(), 0);
        told.take()
    };
    let all = Retention::default();
    assert_eq!(kept(true, &[]).await, [(all, None)], "nothing is said anew");
    assert_eq!(kept(true, &[("rule", 1)]).await, [(all, Some(Vanish::Hour))]);
    let less = Retention {
        entries: 1_000,
        bytes: 1024 * 1024,
        seconds: Some(7 * 24 * 60 * 60),
    };
    let choices = [("entries", 2), ("seconds", 2), ("bytes", 2)];
    assert_eq!(kept(false, &choices).await, [(less, None)]);
}

#[wasm_bindgen_test]
async fn a_backlog_is_told() {
    let page = show([Event::CatchingUp { have: 1_240, of: 3_000 }]).await;
    assert_eq!(page.text(".files-bar"), "Catching up: 1,240 of 3,000");
    let page = show([Event::CatchingUp { have: 3_000, of: 3_000 }]).await;
    assert_eq!(page.all(".files-bar").len(), 0);
}

#[wasm_bindgen_test]
async fn the_skip_link_leaves_a_whisper_a_whisper() {
    let page = show([person(1, "Ada", PersonState::Here)]).await;
    page.click("Whisper to Ada").await;
    page.write("secret").await;
    page.click("Skip to the message box").await;
    assert_eq!(
        page.message_box().get_attribute("aria-label").as_deref(),
        Some("Whisper to Ada")
    );
    assert_eq!(page.message_box().value(), "secret");
}

#[wasm_bindgen_test]
async fn what_is_of_no_use_in_a_closed_room_goes_with_it() {
    let mut page = show([]).await;
    page.click("Invite").await;
    page.update(room([Event::RoomClosed], &Outbox::new(Ok(())))).await;
    assert_eq!(page.all("dialog[open]").len(), 0);
}
