//! Inviting by hand.

use std::{cell::RefCell, rc::Rc};

use mesh::model::{Event, Invitation};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web::pages::room::view::{RoomView, RoomViewProps};
use web_sys::HtmlTextAreaElement;
use yew::Callback;

use crate::{
    setup::{Outbox, room},
    shown::Shown,
};

/// Writes into a box of the dialog.
fn paste(page: &Shown<RoomView>, label: &str, text: &str) {
    let area: HtmlTextAreaElement = page
        .one(&format!("dialog textarea[aria-label='{label}']"))
        .unchecked_into();
    area.set_value(text);
}

#[wasm_bindgen_test]
async fn an_invitation_is_made_handed_over_and_answered() {
    let taken = Rc::new(RefCell::new(Vec::new()));
    let sink = taken.clone();
    let props = |events: Vec<Event>| {
        let sink = sink.clone();
        RoomViewProps {
            on_take: Callback::from(move |text| {
                sink.borrow_mut().push(text);
                Ok(Invitation::Answered)
            }),
            ..room(events, &Outbox::new(Ok(())))
        }
    };
    let mut page = Shown::<RoomView>::new(props(Vec::new())).await;
    assert_eq!(page.all("dialog textarea").len(), 0);
    page.click("Room menu").await;
    page.click("Connect without a server").await;
    assert!(page.text("dialog[open] h2") == "Connect without a server");
    page.click("Make an invitation").await;
    assert!(page.text("dialog .notice").contains("Preparing the invitation"));
    let text = "made-here".to_owned();
    page.update(props(vec![Event::Invitation { text }])).await;
    assert_eq!(page.all("dialog .notice").len(), 0);
    let shown: HtmlTextAreaElement = page.one("textarea[aria-label=Invitation]").unchecked_into();
    assert_eq!((shown.value().as_str(), shown.read_only()), ("made-here", true));
    page.button("Copy invitation");
    paste(&page, "Answer", "their-answer");
    page.click("Connect").await;
    assert_eq!(*taken.borrow(), ["their-answer"]);
    assert!(page.text("dialog .notice").contains("connection is being made"));
}

#[wasm_bindgen_test]
async fn instead_of_a_qr_code_for_too_long_a_text_there_is_advice() {
    let text = "x".repeat(2_954);
    let page = Shown::<RoomView>::new(room([Event::Invitation { text }], &Outbox::new(Ok(())))).await;
    page.click("Room menu").await;
    page.click("Connect without a server").await;
    assert!(page.text("dialog details p").contains("Copy it and send it instead"));
    assert_eq!(page.all("dialog [role=img]").len(), 0);
}

#[wasm_bindgen_test]
async fn an_invitation_is_taken_and_its_answer_shown_or_it_says_what_is_wrong() {
    let outbox = Outbox::new(Ok(()));
    let mut page = Shown::<RoomView>::new(room([], &outbox)).await;
    page.click("Room menu").await;
    page.click("Connect without a server").await;
    paste(&page, "Paste an invitation", "cut off");
    page.click("Use invitation").await;
    assert!(page.text("dialog [role=alert]").contains("Copy the whole code"));
    let area: HtmlTextAreaElement = page.one("textarea[aria-label='Paste an invitation']").unchecked_into();
    assert_eq!(area.value(), "cut off", "it can be mended");
    let props = |events: Vec<Event>| RoomViewProps {
        on_take: Callback::from(|_| Ok(Invitation::Invited)),
        ..room(events, &outbox)
    };
    page.update(props(Vec::new())).await;
    page.click("Use invitation").await;
    let text = "my-answer".to_owned();
    page.update(props(vec![Event::InvitationAnswer { text }])).await;
    let shown: HtmlTextAreaElement = page.one("textarea[aria-label='Your answer']").unchecked_into();
    assert_eq!((shown.value().as_str(), shown.read_only()), ("my-answer", true));
    page.button("Copy answer");
}
