//! Alerts and notices.

use std::{cell::RefCell, rc::Rc};

use client::room::{RoomAction, Visibility, reduce};
use mesh::model::{Alert, Event};
use wasm_bindgen_test::wasm_bindgen_test;
use web::pages::room::view::RoomView;
use yew::Callback;

use crate::{
    setup::{Outbox, peer, room, show},
    shown::Shown,
};

#[wasm_bindgen_test]
async fn alerts_are_alerts_and_name_what_to_compare() {
    let alert = Alert::NameTaken {
        name: "Ada".to_owned(),
        known: peer(1),
        now: peer(2),
    };
    let page = show([Event::Alert { alert }]).await;
    let text = page.text("[role=alert]");
    assert!(text.contains(&peer(1).fingerprint()) && text.contains(&peer(2).fingerprint()));
    page.click("Check the safety number").await;
    assert_eq!(page.text("dialog[open] .safety-number"), "12345 67890");
}

#[wasm_bindgen_test]
async fn a_notice_can_be_acted_on_and_dismissed() {
    let done = Rc::new(RefCell::new(Vec::new()));
    let (acted, dismissed) = (done.clone(), done.clone());
    let mut props = room([], &Outbox::new(Ok(())));
    let alert = Alert::LinksExhausted;
    let visibility = Visibility::Shown;
    let event = Event::Alert { alert };
    reduce(Rc::make_mut(&mut props.state), RoomAction::Event { event, visibility });
    props.on_reload = Callback::from(move |()| acted.borrow_mut().push("reloaded"));
    props.on_dismiss = Callback::from(move |_| dismissed.borrow_mut().push("dismissed"));
    let page = Shown::<RoomView>::new(props).await;
    assert!(page.text("[role=alert] p").contains("Reload it to free them"));
    page.click("Reload the page").await;
    page.click("Dismiss").await;
    assert_eq!(*done.borrow(), ["reloaded", "dismissed"]);
}

#[wasm_bindgen_test]
async fn markup_in_a_name_stays_text_in_a_notice() {
    let alert = Alert::NameTaken {
        name: "<i>Ada</i>".to_owned(),
        known: peer(1),
        now: peer(2),
    };
    let page = show([Event::Alert { alert }]).await;
    assert!(page.text("[role=alert] p").contains("<i>Ada</i>"));
    assert_eq!(page.all("[role=alert] i").len(), 0);
}
