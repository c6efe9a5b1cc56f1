//! Messages: how they are shown, and in which order.

use std::{cell::Cell, rc::Rc, time::Duration};

use client::{
    marks::Mark,
    room::{RoomAction, Visibility, reduce},
};
use gloo_timers::future::sleep;
use mesh::model::{Annotation, Delivery, Event, PersonState, Says, Timestamp};
use shared::MessageId;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web::pages::room::view::{RoomView, RoomViewProps};
use web_sys::Element;
use yew::Callback;

use crate::{
    setup::{Outbox, message, peer, person, room, show},
    shown::{Shown, texts},
};

#[wasm_bindgen_test]
async fn markup_in_names_and_messages_stays_text() {
    let evil = "<img src=x onerror=alert(1)><b>bold</b>&amp;";
    let page = show([person(1, evil, PersonState::Here), message(1, 1, None, evil)]).await;
    assert_eq!(page.text(".message-text"), evil);
    assert_eq!(page.all("img, b, script").len(), 0);
    assert!(page.text("ul[aria-label=People]").contains(evil));
}

#[wasm_bindgen_test]
async fn only_web_links_can_be_clicked_and_they_tell_nothing() {
    let page = show([message(
        1,
        1,
        None,
        "https://a.example/x?y javascript:alert(1) data:text/html,x",
    )])
    .await;
    let link = page.one(".message-text a");
    assert_eq!(link.get_attribute("href").as_deref(), Some("https://a.example/x?y"));
    assert_eq!(link.get_attribute("target").as_deref(), Some("_blank"));
    assert_eq!(
        link.get_attribute("rel").as_deref(),
        Some("noopener noreferrer nofollow")
    );
}

#[wasm_bindgen_test]
async fn names_and_texts_are_isolated_and_keep_their_characters() {
    let text = "\u{202e}evil\u{5d0}\n🦜 e\u{301}\u{301}";
    let page = show([person(1, "\u{202e}Ada", PersonState::Here), message(1, 1, None, text)]).await;
    assert_eq!(page.text(".message-text"), text);
    assert_eq!(page.one(".message-text").get_attribute("dir").as_deref(), Some("auto"));
    assert_eq!(page.one("article .author bdi").text_content().as_deref(), Some("Ada"));
    assert_eq!(
        page.all(".person-name bdi")[1].text_content().as_deref(),
        Some("\u{202e}Ada")
    );
}

#[wasm_bindgen_test]
async fn a_long_message_is_shown_in_full_on_demand() {
    let long = "0123456789abcdef".repeat(4_096);
    let page = show([message(1, 1, None, &long)]).await;
    assert!(page.text(".message-text").len() < 2_000);
    page.click("Show all").await;
    assert_eq!(page.text(".message-text"), long);
    page.click("Show less").await;
    assert!(page.text(".message-text").len() < 2_000);
}

#[wasm_bindgen_test]
async fn own_other_and_whispered_messages_are_told_apart_in_words() {
    let page = show([
        person(1, "Ada", PersonState::Here),
        message(1, 0, None, "mine"),
        Event::Delivery {
            id: MessageId::from_bytes([1; 16]),
            delivery: Delivery::Sent { delivered: 2, of: 3 },
        },
        message(2, 1, None, "theirs"),
        message(3, 1, Some(0), "psst"),
        message(4, 0, Some(1), "what?"),
        Event::Delivery {
            id: MessageId::from_bytes([4; 16]),
            delivery: Delivery::Sent { delivered: 0, of: 1 },
        },
    ])
    .await;
    let texts: Vec<_> = page
        .all("article")
        .iter()
        .map(|article| article.text_content().unwrap())
        .collect();
    assert!(
        texts[0].starts_with("Me (you)") && texts[0].ends_with("delivered to 2 of 3"),
        "{texts:?}"
    );
    assert!(texts[1].starts_with("Ada ") && !texts[1].contains("Whisper"));
    assert!(texts[2].contains("Whisper to you"));
    assert!(texts[3].contains("Whisper to Ada") && texts[3].ends_with("on its way"));
    assert!(
        page.all("article")
            .iter()
            .all(|article| article.query_selector("time").unwrap().is_some())
    );
}

#[wasm_bindgen_test]
async fn who_comes_and_goes_is_told_between_the_messages() {
    let mut props = room(
        [person(1, "Ada", PersonState::Here), message(1, 1, None, "first")],
        &Outbox::new(Ok(())),
    );
    let state = Rc::make_mut(&mut props.state);
    reduce(state, RoomAction::Settled);
    for event in [
        person(2, "Bob", PersonState::Here),
        message(2, 1, None, "second"),
        person(2, "Bob", PersonState::Left),
    ] {
        let visibility = Visibility::Shown;
        reduce(state, RoomAction::Event { event, visibility });
    }
    let page = Shown::<RoomView>::new(props).await;
    let lines = texts(&page, ".messages > .earlier, .messages article .message-text");
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.replace(['\u{2068}', '\u{2069}'], ""))
        .collect();
    assert_eq!(lines, ["first", "Bob joined", "second", "Bob left"]);
}

#[wasm_bindgen_test]
async fn delivery_changes_in_place() {
    let outbox = Outbox::new(Ok(()));
    let of_it = |delivery| {
        let id = MessageId::from_bytes([1; 16]);
        [message(1, 0, None, "x"), Event::Delivery { id, delivery }]
    };
    let mut page = Shown::<RoomView>::new(room(of_it(Delivery::Waiting), &outbox)).await;
    assert_eq!(page.text(".delivery"), "Will be delivered when someone joins");
    let delivered = of_it(Delivery::Sent { delivered: 1, of: 1 });
    page.update(room(delivered, &outbox)).await;
    assert_eq!(page.text(".delivery"), "delivered to 1 of 1");
}

#[wasm_bindgen_test]
async fn who_has_a_message_and_who_has_not_is_a_click_away() {
    let id = MessageId::from_bytes([1; 16]);
    let delivery = |delivered| Event::Delivery {
        id,
        delivery: Delivery::Sent { delivered, of: 2 },
    };
    let events = |delivered| {
        [
            person(1, "Ada", PersonState::Here),
            person(2, "Bob", PersonState::Gone),
            message(1, 0, None, "x"),
            delivery(delivered),
        ]
    };
    let mut page = show(events(1)).await;
    page.click("delivered to 1 of 2").await;
    assert_eq!(texts(&page, "dialog h3"), ["Delivered to", "Not yet"]);
    assert_eq!(texts(&page, "dialog .names li"), ["Ada", "Bob"]);
    page.click("Done").await;
    page.update(room(events(2), &Outbox::new(Ok(())))).await;
    assert_eq!(page.all(".delivery button").len(), 0, "there is nothing to ask");
}

#[wasm_bindgen_test]
async fn only_the_latest_messages_are_in_the_page_until_asked_for() {
    let events = (0..600u16).map(|number| {
        let mut event = message(0, 1, None, "x");
        if let Event::Message { message } = &mut event {
            let [high, low] = number.to_be_bytes();
            message.id = MessageId::from_bytes([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        event
    });
    let page = show(events).await;
    for count in [200, 400] {
        assert_eq!(page.all("article").len(), count);
        page.click("Earlier messages").await;
    }
    assert_eq!(page.all("article").len(), 600);
    // Without a style sheet all of it is in view, and so is its end.
    page.scroll().await;
    assert_eq!(page.all("article").len(), 200);
}

#[wasm_bindgen_test]
async fn from_an_answer_one_gets_to_what_it_answers_however_far_up() {
    let id = |number: u16| {
        let [high, low] = number.to_be_bytes();
        MessageId::from_bytes([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    };
    let events = (0..600u16).map(|number| {
        let mut event = message(0, 1, None, &format!("{number}"));
        if let Event::Message { message } = &mut event {
            message.id = id(number);
            message.reply_to = (number == 599).then(|| id(100));
        }
        event
    });
    let page = show(events).await;
    page.one(".quote-link").click();
    page.settle().await;
    let focused = js_sys::global()
        .unchecked_into::<web_sys::Window>()
        .document()
        .unwrap()
        .active_element()
        .unwrap();
    let text = focused.query_selector(".message-text").unwrap().unwrap();
    assert_eq!(text.text_content().as_deref(), Some("100"));
    // What stands before it is there, too.
    assert_eq!(texts(&page, "article .message-text")[0], "80");
}

#[wasm_bindgen_test]
async fn after_deleting_the_cursor_is_at_the_message() {
    let outbox = Outbox::new(Ok(()));
    let deleted = Rc::new(Cell::new(None));
    let props = |event| RoomViewProps {
        on_delete: Callback::from({
            let deleted = Rc::clone(&deleted);
            move |id| deleted.set(Some(id))
        }),
        ..room([event], &outbox)
    };
    let mut page = Shown::<RoomView>::new(props(message(1, 0, None, "the plan"))).await;
    let actions = page.button("Actions");
    actions.focus().unwrap();
    actions.click();
    page.settle().await;
    page.click("Delete").await;
    page.click("Delete for everyone").await;
    // The dialog is closed first.
    sleep(Duration::from_millis(50)).await;
    page.settle().await;
    assert_eq!(deleted.get(), Some(MessageId::from_bytes([1; 16])));
    assert!(has_cursor(&page.one("article")));
    let mut gone = message(1, 0, None, "Deleted message");
    if let Event::Message { message } = &mut gone {
        message.deleted = true;
    }
    page.update(props(gone)).await;
    assert_eq!(page.all("article .actions").len(), 0);
    assert!(has_cursor(&page.one("article")));
}

fn has_cursor(element: &Element) -> bool {
    let active = element.owner_document().unwrap().active_element();
    active.as_ref() == Some(element)
}

#[wasm_bindgen_test]
async fn what_is_dated_ahead_stands_folded_after_all_else() {
    let mut ahead = message(9, 1, None, "from the future");
    if let Event::Message { message } = &mut ahead {
        message.dated_ahead = true;
    }
    let page = show([ahead, message(1, 1, None, "now")]).await;
    let fold = page.one("details.ahead");
    assert!(!fold.has_attribute("open"));
    assert_eq!(
        page.text("details.ahead > summary"),
        "1 message from a clock that is ahead"
    );
    assert_eq!(page.text("details.ahead .message-text"), "from the future");
    assert_eq!(texts(&page, ".messages > article .message-text"), ["now"]);
}

#[wasm_bindgen_test]
async fn messages_are_shown_in_the_order_of_the_room_wherever_they_come_from() {
    let outbox = Outbox::new(Ok(()));
    let first = [message(2, 1, None, "two"), message(5, 1, None, "five")];
    let mut page = Shown::<RoomView>::new(room(first.clone(), &outbox)).await;
    let late = [message(4, 2, None, "four"), message(1, 2, None, "one")];
    page.update(room(first.into_iter().chain(late), &outbox)).await;
    assert_eq!(texts(&page, ".message-text"), ["one", "two", "four", "five"]);
}

/// What is selected, focused or opened in the log stays so.
#[wasm_bindgen_test]
async fn one_message_adds_one_row_and_leaves_all_others() {
    let outbox = Outbox::new(Ok(()));
    let said: Vec<_> = (1..=12)
        .map(|number| message(number, number % 2, None, "hello"))
        .collect();
    let mut page = Shown::<RoomView>::new(room(said.clone(), &outbox)).await;
    let rows = page.all(".message");
    for (number, row) in rows.iter().enumerate() {
        row.set_attribute("data-row", &number.to_string()).unwrap();
    }
    // At the end, and in between: it came late.
    for (came, place) in [(message(20, 1, None, "new"), 12), (message(0, 1, None, "late"), 0)] {
        let all = said.iter().cloned().chain([came]);
        page.update(room(all, &outbox)).await;
        let rows = page.all(".message");
        let marks: Vec<_> = rows.iter().map(|row| row.get_attribute("data-row")).collect();
        let mut expected: Vec<_> = (0..12).map(|number| Some(number.to_string())).collect();
        expected.insert(place, None);
        assert_eq!(marks, expected);
        page.update(room(said.clone(), &outbox)).await;
    }
}

/// After a reload one's own words come back from others, and nobody counts any more who has them.
#[wasm_bindgen_test]
async fn of_what_came_back_nothing_is_said_that_is_not_known() {
    let page = show([message(1, 0, None, "said before")]).await;
    assert_eq!((page.all(".message").len(), page.all(".delivery").len()), (1, 0));
}

#[wasm_bindgen_test]
async fn of_whom_is_muted_nothing_is_shown_but_how_much_it_is() {
    let outbox = Outbox::new(Ok(()));
    let mut props = room([message(1, 1, None, "spam"), message(2, 2, None, "hello")], &outbox);
    let mute = Mark {
        muted: true,
        ..Mark::default()
    };
    let state = Rc::make_mut(&mut props.state);
    state.marks = Rc::new([(peer(1), mute)].into_iter().collect());
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(page.all("article").len(), 1);
    assert_eq!(
        page.text(".messages > .earlier"),
        "1 message of someone you muted is hidden."
    );
}

#[wasm_bindgen_test]
async fn a_line_stands_over_the_first_message_that_nobody_has_seen() {
    let outbox = Outbox::new(Ok(()));
    let mut props = room([message(1, 1, None, "one"), message(2, 1, None, "two")], &outbox);
    let state = Rc::make_mut(&mut props.state);
    state.first_unread = Some(MessageId::from_bytes([2; 16]));
    let page = Shown::<RoomView>::new(props).await;
    assert_eq!(page.text(".new-from-here + article .message-text"), "two");
}

/// One announcement a message: not what was said before one came, not one's own words, nothing of delivery.
#[wasm_bindgen_test]
async fn who_listens_hears_each_new_message_once() {
    let outbox = Outbox::new(Ok(()));
    let now = |id, author, text: &str| {
        let mut event = message(id, author, None, text);
        if let Event::Message { message } = &mut event {
            message.recent = true;
        }
        event
    };
    let mut said = vec![
        person(1, "Ada", PersonState::Here),
        message(1, 1, None, "before you came"),
    ];
    let mut page = Shown::<RoomView>::new(room(said.clone(), &outbox)).await;
    let heard = ".messages-frame > [aria-live=polite]";
    assert_eq!(page.text(heard), "");
    for (event, words) in [
        (now(2, 1, "one"), "Ada: one\n"),
        (now(3, 0, "mine"), "Ada: one\n"),
        (message(4, 1, None, "said before you came"), "Ada: one\n"),
        (
            now(5, 1, &"long ".repeat(100)),
            &format!("Ada: one\nAda: {}…\n", "long ".repeat(40)),
        ),
    ] {
        said.push(event);
        page.update(room(said.clone(), &outbox)).await;
        assert_eq!(page.text(heard), words);
    }
    said.extend([now(6, 1, "two"), now(7, 1, "three")]);
    page.update(room(said, &outbox)).await;
    assert!(page.text(heard).ends_with("…\nAda: two\nAda: three\n"));
    assert_eq!(
        page.one("[role=log]").get_attribute("aria-live").as_deref(),
        Some("off")
    );
}

#[wasm_bindgen_test]
async fn who_reads_further_up_is_told_how_many_came_meanwhile() {
    let outbox = Outbox::new(Ok(()));
    let now = |id| {
        let mut event = message(id, 1, None, "tall\n\n\n\n\n\n\n\n\n\n");
        if let Event::Message { message } = &mut event {
            message.recent = true;
        }
        event
    };
    let mut said: Vec<_> = (1..10).map(now).collect();
    let mut page = Shown::<RoomView>::new(room(said.clone(), &outbox)).await;
    let log = page.one("[role=log]");
    log.set_attribute("style", "height: 9rem; overflow: auto").unwrap();
    log.set_scroll_top(0);
    page.scroll().await;
    assert_eq!(page.all(".new-messages").len(), 0);
    for (id, words) in [(11, "1 new message"), (12, "2 new messages"), (13, "3 new messages")] {
        said.push(now(id));
        page.update(room(said.clone(), &outbox)).await;
        assert_eq!(page.text(".new-messages").trim(), words);
    }
    page.click("3 new messages").await;
    page.scroll().await;
    assert_eq!(page.all(".new-messages").len(), 0, "they are seen");
    log.set_scroll_top(0);
    page.scroll().await;
    said.push(now(14));
    page.update(room(said, &outbox)).await;
    assert_eq!(page.text(".new-messages").trim(), "1 new message", "counted from there");
}

/// Somebody says something of the message of this id.
fn about(number: u8, author: u8, to: u8, says: Says) -> Event {
    let annotation = Annotation {
        id: MessageId::from_bytes([number; 16]),
        author: peer(author),
        author_name: "Ada".into(),
        order: Timestamp::from_unix_millis(number.into()),
        to: MessageId::from_bytes([to; 16]),
        says,
    };
    let annotations = vec![annotation];
    Event::Annotated { annotations }
}

#[wasm_bindgen_test]
async fn what_is_said_of_a_message_is_text_around_it_and_leaves_all_rows() {
    let outbox = Outbox::new(Ok(()));
    let said = [message(1, 1, None, "one"), message(2, 1, None, "two")];
    let mut page = Shown::<RoomView>::new(room(said.clone(), &outbox)).await;
    for row in page.all(".message") {
        row.set_attribute("data-row", "same").unwrap();
    }
    let evil = "<b>three</b>";
    let emoji = vec!["<i>".to_owned(), "👍".to_owned()];
    let says = [
        about(3, 1, 1, Says::Text { text: evil.into() }),
        about(4, 1, 1, Says::Reactions { emoji }),
        // Not by its author.
        about(5, 2, 2, Says::Text { text: "mine".into() }),
    ];
    page.update(room(said.into_iter().chain(says), &outbox)).await;
    assert_eq!(page.all(".message[data-row=same]").len(), 2);
    assert_eq!(texts(&page, ".bubble > .message-text"), [evil, "two"]);
    assert_eq!(texts(&page, ".edited p"), ["one"]);
    assert_eq!(texts(&page, ".reaction"), ["<i> 1", "👍 1"]);
    assert_eq!(page.all("article b, article i").len(), 0);
}

#[wasm_bindgen_test]
async fn an_answer_shows_what_it_answers_if_that_is_here() {
    let reply = |number: u8, to: u8| {
        let mut event = message(number, 1, None, "yes");
        if let Event::Message { message } = &mut event {
            message.reply_to = Some(MessageId::from_bytes([to; 16]));
        }
        event
    };
    let page = show([
        person(2, "Bob", PersonState::Here),
        message(1, 2, None, "well?\n\nsay!"),
        reply(2, 1),
        reply(3, 77),
    ])
    .await;
    assert_eq!(
        texts(&page, "blockquote"),
        ["Ada: well? say!", "A message that is not here"]
    );
}
