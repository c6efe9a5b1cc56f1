//! The list of people.

use mesh::model::{Event, PersonState};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::setup::{person, show};

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
}
