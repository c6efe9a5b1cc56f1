//! Alerts and notices.

use std::{cell::RefCell, rc::Rc};

use mesh::model::{Alert, Event};
use wasm_bindgen_test::wasm_bindgen_test;
use web::{
    pages::room::view::RoomView,
    state::{
        notice::{Level, Notice, NoticeAction},
        room::{RoomAction, reduce},
    },
};
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
    page.click("Show people").await;
    assert_eq!(page.all(".room.people-open").len(), 1);
}

#[wasm_bindgen_test]
async fn a_notice_can_be_acted_on_and_dismissed() {
    let done = Rc::new(RefCell::new(Vec::new()));
    let (acted, dismissed) = (done.clone(), done.clone());
    let mut props = room([], &Outbox::new(Ok(())));
    let notice = Notice::new(Level::Warning, "<i>words</i>").with_action(NoticeAction::Reload);
    props.state = Rc::new(reduce(&props.state, RoomAction::Notify { notice }));
    props.on_action = Callback::from(move |action: NoticeAction| acted.borrow_mut().push(action.label()));
    props.on_dismiss = Callback::from(move |_| dismissed.borrow_mut().push("dismissed"));
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(page.text("[role=alert] p"), "<i>words</i>");
    page.click("Reload the page").await;
    page.click("Dismiss").await;
    assert_eq!(*done.borrow(), ["Reload the page", "dismissed"]);
}
