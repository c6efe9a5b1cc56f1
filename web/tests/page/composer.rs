//! Where messages and whispers are written.

use mesh::model::{PersonState, SendError};
use wasm_bindgen_test::wasm_bindgen_test;
use web::{components::composer::Outgoing, pages::room::view::RoomView};

use crate::{
    setup::{Outbox, peer, person, room},
    shown::{Shown, key},
};

#[wasm_bindgen_test]
async fn enter_sends_and_shift_enter_does_not() {
    let outbox = Outbox::new(Ok(()));
    let page = Shown::<RoomView>::new(room([], &outbox)).await;
    page.write("hello").await;
    let shift_enter = key("Enter");
    shift_enter.set_shift_key(true);
    page.press(&shift_enter).await;
    let composing = key("Enter");
    composing.set_is_composing(true);
    page.press(&composing).await;
    assert_eq!(outbox.sent(), []);
    page.press(&key("Enter")).await;
    assert_eq!(
        outbox.sent(),
        [Outgoing {
            to: None,
            reply_to: None,
            text: "hello".to_owned()
        }]
    );
    assert_eq!(page.message_box().value(), "");
    page.write("again").await;
    page.click("Send").await;
    assert_eq!(outbox.sent().len(), 2);
}

#[wasm_bindgen_test]
async fn a_whisper_goes_to_one_person_and_escape_leads_back() {
    let outbox = Outbox::new(Ok(()));
    let page = Shown::<RoomView>::new(room([person(1, "Ada", PersonState::Here)], &outbox)).await;
    page.click("Whisper to Ada").await;
    assert_eq!(
        page.message_box().get_attribute("aria-label").as_deref(),
        Some("Whisper to Ada")
    );
    page.write("psst").await;
    page.press(&key("Enter")).await;
    assert_eq!(
        outbox.sent(),
        [Outgoing {
            to: Some(peer(1)),
            reply_to: None,
            text: "psst".to_owned()
        }]
    );
    page.press(&key("Escape")).await;
    assert_eq!(
        page.message_box().get_attribute("aria-label").as_deref(),
        Some("Message")
    );
    page.click("Whisper to Ada").await;
    page.click("Back to everyone").await;
    assert_eq!(
        page.message_box().get_attribute("aria-label").as_deref(),
        Some("Message")
    );
}

#[wasm_bindgen_test]
async fn a_whisper_that_cannot_be_sent_keeps_its_text_and_says_so() {
    let outbox = Outbox::new(Err(SendError::NotReachable));
    let page = Shown::<RoomView>::new(room([person(1, "Ada", PersonState::Gone)], &outbox)).await;
    page.click("Whisper to Ada").await;
    page.write("psst").await;
    page.press(&key("Enter")).await;
    assert_eq!(page.message_box().value(), "psst");
    assert!(
        page.text("#composer-notice")
            .contains("cannot be reached now, so nothing was sent")
    );
    assert_eq!(
        page.message_box().get_attribute("aria-describedby").as_deref(),
        Some("composer-notice")
    );
    assert_eq!(
        page.message_box().get_attribute("aria-invalid").as_deref(),
        Some("true")
    );
}

#[wasm_bindgen_test]
async fn a_text_over_the_limit_stays_in_the_box_with_the_limit_in_words() {
    for length in [300 * 1024, 2 * 1024 * 1024] {
        let refused = SendError::TooLong {
            bytes: length,
            max: 64 * 1024,
        };
        let page = Shown::<RoomView>::new(room([], &Outbox::new(Err(refused)))).await;
        page.write(&"x".repeat(length)).await;
        page.press(&key("Enter")).await;
        assert_eq!(page.message_box().value().len(), length);
        assert!(page.text("#composer-notice").contains("64 KB at most"));
    }
}

/// What was typed for one person is in the box for nobody else, however one gets there.
#[wasm_bindgen_test]
async fn a_draft_stays_with_its_recipient() {
    let outbox = Outbox::new(Ok(()));
    let people = [person(1, "Ada", PersonState::Here), person(2, "Cid", PersonState::Here)];
    let page = Shown::<RoomView>::new(room(people, &outbox)).await;
    page.write("for all").await;
    for way in ["Escape", "Back to everyone", "Whisper to Cid"] {
        page.click("Whisper to Ada").await;
        page.write("the PIN").await;
        if way == "Escape" {
            page.press(&key("Escape")).await;
        } else {
            page.click(way).await;
        }
        let expected = if way == "Whisper to Cid" { "" } else { "for all" };
        assert_eq!(page.message_box().value(), expected, "{way}");
        page.click("Whisper to Ada").await;
        assert_eq!(page.message_box().value(), "the PIN", "{way}");
    }
    page.press(&key("Enter")).await;
    let sent = |to, text: &str| Outgoing {
        to,
        reply_to: None,
        text: text.to_owned(),
    };
    page.click("Back to everyone").await;
    page.press(&key("Enter")).await;
    assert_eq!(outbox.sent(), [sent(Some(peer(1)), "the PIN"), sent(None, "for all")]);
    page.click("Whisper to Ada").await;
    assert_eq!(page.message_box().value(), "", "what was sent is no draft");
}

/// The page may be too busy to draw between two keys.
#[wasm_bindgen_test]
async fn what_stands_in_the_box_is_sent_once() {
    let outbox = Outbox::new(Ok(()));
    let page = Shown::<RoomView>::new(room([], &outbox)).await;
    let message_box = page.message_box();
    for text in ["q7.", "q8."] {
        // Typed, and sent, without a drawing in between.
        message_box.set_value(text);
        let input = web_sys::InputEvent::new("input").unwrap();
        message_box.dispatch_event(&input).unwrap();
        let enter = key("Enter");
        enter.set_bubbles(true);
        enter.set_cancelable(true);
        let enter = web_sys::KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &enter).unwrap();
        message_box.dispatch_event(&enter).unwrap();
        message_box.dispatch_event(&enter).unwrap();
    }
    page.settle().await;
    let sent: Vec<_> = outbox
        .sent()
        .into_iter()
        .map(|sent| sent.text)
        .filter(|text| !text.is_empty())
        .collect();
    assert_eq!(sent, ["q7.", "q8."]);
    assert_eq!(page.message_box().value(), "");
}

/// The names and emoji that are offered, the chosen one with a star.
fn offered(page: &Shown<RoomView>) -> Vec<String> {
    let options = page.all("[role=listbox][aria-label=Suggestions] > [role=option]");
    let chosen = page.message_box().get_attribute("aria-activedescendant");
    let option = |option: &web_sys::HtmlElement| {
        let is_chosen = option.get_attribute("aria-selected").as_deref() == Some("true");
        assert_eq!(is_chosen, Some(option.id()) == chosen);
        format!("{}{}", if is_chosen { "*" } else { "" }, option.text_content().unwrap())
    };
    options.iter().map(option).collect()
}

#[wasm_bindgen_test]
async fn names_are_offered_as_one_types_and_chosen_by_keys() {
    let outbox = Outbox::new(Ok(()));
    let people = [
        person(1, "Anton", PersonState::Gone),
        person(2, "Anna", PersonState::Here),
        person(3, "Bob", PersonState::Here),
    ];
    let page = Shown::<RoomView>::new(room(people, &outbox)).await;
    page.write("hi @an").await;
    assert_eq!(offered(&page), ["*Anna", "Anton"]);
    assert_eq!(
        page.message_box().get_attribute("aria-controls").as_deref(),
        Some("suggestions")
    );
    for (pressed, expected) in [
        ("ArrowDown", ["Anna", "*Anton"]),
        ("ArrowDown", ["*Anna", "Anton"]),
        ("ArrowUp", ["Anna", "*Anton"]),
    ] {
        page.press(&key(pressed)).await;
        assert_eq!(offered(&page), expected, "{pressed}");
    }
    page.press(&key("Enter")).await;
    assert_eq!(page.message_box().value(), "hi @Anton ");
    assert_eq!(offered(&page), [""; 0]);
    assert_eq!(outbox.sent(), []);
    page.press(&key("Enter")).await;
    assert_eq!(outbox.sent().len(), 1, "nothing is offered any more, so it is sent");
    assert_eq!(outbox.sent()[0].text, "hi @Anton ");
    // With Tab, and by a click; Escape hides the list and nothing else.
    page.write("@b").await;
    page.press(&key("Tab")).await;
    assert_eq!(page.message_box().value(), "@Bob ");
    page.write("@an").await;
    page.all("[role=option]")[1].click();
    page.settle().await;
    assert_eq!(page.message_box().value(), "@Anton ");
    page.click("Whisper to Bob").await;
    page.write("@an").await;
    page.press(&key("Escape")).await;
    assert_eq!((offered(&page), page.message_box().value()), (vec![], "@an".to_owned()));
    assert_eq!(
        page.message_box().get_attribute("aria-label").as_deref(),
        Some("Whisper to Bob")
    );
}

#[wasm_bindgen_test]
async fn emoji_are_offered_and_take_the_place_of_their_names_where_the_cursor_is() {
    let outbox = Outbox::new(Ok(()));
    let page = Shown::<RoomView>::new(room([], &outbox)).await;
    page.write("🦜 :smi").await;
    assert_eq!(offered(&page), ["*😄 smile", "😏 smirk"]);
    page.press(&key("Enter")).await;
    assert_eq!(page.message_box().value(), "🦜 😄");
    page.write_at("🦜 :joy: end", 8).await;
    assert_eq!(page.message_box().value(), "🦜 😂 end");
    assert_eq!(page.message_box().selection_start().unwrap(), Some(5));
    page.press(&key("Enter")).await;
    assert_eq!(outbox.sent()[0].text, "🦜 😂 end");
    assert_eq!(page.message_box().value(), "");
}
