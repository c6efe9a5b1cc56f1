//! The list of people.

use std::{cell::RefCell, rc::Rc};

use client::marks::Mark;
use mesh::model::{Event, Obstacle, PersonState};
use wasm_bindgen_test::wasm_bindgen_test;
use web::pages::room::view::{RoomView, RoomViewProps};
use yew::Callback;

use crate::{
    setup::{Outbox, peer, person, room, show},
    shown::{Shown, texts},
};

#[wasm_bindgen_test]
async fn people_have_names_and_states_and_oneself_is_marked() {
    let page = show([
        person(1, "Ada", PersonState::Here),
        person(2, "Bo", PersonState::Reconnecting),
        person(3, "Cy", PersonState::Gone),
        person(4, "Di", PersonState::Left),
    ])
    .await;
    let items: Vec<_> = page
        .all("ul[aria-label=People] > li")
        .iter()
        .map(|item| item.text_content().unwrap())
        .collect();
    assert!(items[0].contains("Me (you)"));
    for (item, words) in items[1..]
        .iter()
        .zip(["AdaHere", "BoReconnecting…", "CyGone", "DiLeft"])
    {
        assert!(item.contains(words), "{item}");
    }
    assert_eq!(page.text("p[aria-label=Connection]"), "2 people here.");
}

#[wasm_bindgen_test]
async fn of_many_who_are_away_some_are_listed_and_all_can_be_whispered_to() {
    let away = |number: u8| person(number, &format!("P{number}"), PersonState::Away);
    let page = show((1..=6).map(away).chain([person(9, "Ada", PersonState::Here)])).await;
    let names = || {
        let names = page.all(".person-name bdi");
        names
            .iter()
            .map(|name| name.text_content().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), ["Me", "Ada", "P6", "P5", "P4", "P3", "P2"]);
    assert!(page.text("ul[aria-label=People]").contains("P6Away"));
    assert_eq!(page.text("p[aria-label=Connection]"), "2 people here.");
    page.click("1 more away").await;
    assert_eq!(names().last().map(String::as_str), Some("P1"));
    page.click("Whisper to P1").await;
    page.one("textarea[aria-label='Whisper to P1']");
    page.click("Show fewer").await;
    assert_eq!(names().len(), 7);
}

#[wasm_bindgen_test]
async fn the_safety_number_is_there_on_demand() {
    let page = show([person(1, "Ada", PersonState::Here)]).await;
    assert_eq!(page.all(".safety-number").len(), 0);
    page.click("About Ada").await;
    assert_eq!(page.text("dialog[open] h2"), "Ada");
    assert_eq!(page.text("dialog[open] .safety-number"), "12345 67890");
    page.click("Done").await;
    assert_eq!(page.all("dialog[open]").len(), 0);
}

#[wasm_bindgen_test]
async fn somebody_is_marked_as_verified_or_muted_and_that_is_taken_back() {
    let (outbox, asked) = (Outbox::new(Ok(())), Rc::new(RefCell::new(Vec::new())));
    let mark = |verified, muted| Mark { verified, muted };
    for (before, choice, after, says) in [
        (mark(false, false), "Mark as verified", mark(true, false), ""),
        (mark(false, false), "Mute", mark(false, true), ""),
        (
            mark(true, false),
            "Not verified after all",
            mark(false, false),
            "Verified",
        ),
        (mark(true, true), "Unmute", mark(true, false), "Muted Verified"),
    ] {
        let noted = Rc::clone(&asked);
        let mut props = RoomViewProps {
            on_mark: Callback::from(move |marked| noted.borrow_mut().push(marked)),
            ..room([person(1, "Ada", PersonState::Here)], &outbox)
        };
        let ada = peer(1);
        let marks = [(ada, before)].into_iter().collect();
        Rc::make_mut(&mut props.state).marks = Rc::new(marks);
        let page = Shown::<RoomView>::new(props).await;
        let shown = texts(&page, ".person-mark");
        assert_eq!(shown.concat().trim(), says);
        page.click("About Ada").await;
        page.click(choice).await;
        assert_eq!(asked.borrow_mut().pop(), Some((ada, after)));
    }
}

#[wasm_bindgen_test]
async fn who_is_reached_through_others_is_here_and_can_be_whispered_to() {
    let mut event = person(1, "Ada", PersonState::Here);
    if let Event::Person { person } = &mut event {
        person.linked = false;
    }
    let page = show([event]).await;
    let state = page.all(".person-state").remove(1);
    assert_eq!(state.text_content().as_deref(), Some("Here"));
    assert_eq!(state.get_attribute("title").as_deref(), Some("Reached through others"));
    page.click("Whisper to Ada").await;
    assert_eq!(page.all(".notice").len(), 0);
    page.click("About Ada").await;
    assert_eq!(page.text("dialog[open] h2 + p"), "Reached through others");
}

#[wasm_bindgen_test]
async fn who_is_out_of_reach_is_not_counted_and_it_is_said_why() {
    let obstacle = Obstacle::TheirNetwork;
    let page = show([
        person(1, "Ada", PersonState::Here),
        person(2, "Bo", PersonState::OutOfReach { obstacle }),
    ])
    .await;
    assert!(page.text("ul[aria-label=People]").contains("BoOut of reach"));
    assert_eq!(page.text(".count"), "2");
    let said = page.text("p[aria-label=Connection]");
    assert!(
        said.starts_with("2 people here. Someone in the room can't be reached: their network"),
        "{said}"
    );
    page.button("Check connection");
    page.click("About Bo").await;
    assert!(
        page.text("dialog[open] h2 + p")
            .contains("can't be reached: their network lets no direct connection out")
    );
    assert!(page.text("dialog[open] h2 + p").ends_with("(UDP is blocked)"));
}

#[wasm_bindgen_test]
async fn nobody_is_said_to_be_connected_who_is_not() {
    let title = async |state| show([person(1, "Ada", state)]).await.text(".nothing-title");
    let obstacle = Obstacle::NoAnswer;
    assert_eq!(title(PersonState::Connecting).await, "Connecting…");
    assert_eq!(title(PersonState::OutOfReach { obstacle }).await, "Not connected yet");
    let page = show([person(1, "Ada", PersonState::OutOfReach { obstacle })]).await;
    page.one(".nothing-yet .qr-code");
    assert_eq!(page.all(".connection button").len(), 0, "nothing here is to be checked");
    assert_eq!(title(PersonState::Here).await, "You're connected");
    assert_eq!(title(PersonState::Left).await, "You are alone here");
}
