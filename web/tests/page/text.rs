//! What stands out in a message, and the days between messages.

use js_sys::Date;
use mesh::model::{Event, PersonState, Timestamp};
use shared::MessageId;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;
use web::pages::room::view::RoomView;
use web_sys::Element;

use crate::{
    setup::{Outbox, message, person, room, show},
    shown::{Shown, texts},
};

async fn said(text: &str) -> Shown<RoomView> {
    show([person(1, "Ann Lee", PersonState::Here), message(1, 2, None, text)]).await
}

#[wasm_bindgen_test]
async fn what_stands_out_is_an_element_and_the_rest_is_as_typed() {
    let page = said("**b** and *i* `c*d*` 2 * 3 * 4\n\n  end").await;
    assert_eq!(page.text(".message-text"), "b and i c*d* 2 * 3 * 4\n\n  end");
    let marked = ["strong", "em", "code"].map(|tag| page.text(&format!(".message-text > {tag}")));
    assert_eq!(marked, ["b", "i", "c*d*"]);
}

#[wasm_bindgen_test]
async fn lists_have_the_numbers_that_were_typed_and_quotes_are_quotes() {
    let page = said("so\n3. three\n  7. seven\n- dot\n> said\n> twice\nend").await;
    assert_eq!(texts(&page, ".message-text li"), ["three", "seven", "dot"]);
    let numbers = page.all(".message-text ol > li");
    let values: Vec<_> = numbers.iter().map(|item| item.get_attribute("value")).collect();
    assert_eq!(values, ["3", "7"].map(|value| Some(value.to_owned())));
    assert_eq!(page.text(".message-text ul > li"), "dot");
    assert_eq!(page.text(".message-text li.level-1"), "seven");
    assert_eq!(page.text(".message-text blockquote"), "said\ntwice");
    assert_eq!(texts(&page, ".message-text > div"), ["so", "end"]);
}

#[wasm_bindgen_test]
async fn code_keeps_its_lines_and_can_be_copied() {
    let page = said("see\n```rust\nlet a = \"<b>\";\n  *x*\n```").await;
    let code = page.one("pre[role=group][aria-label=Code]");
    assert_eq!(code.text_content().as_deref(), Some("let a = \"<b>\";\n  *x*"));
    assert_eq!(code.get_attribute("tabindex").as_deref(), Some("0"));
    page.button("Copy code");
    assert_eq!(page.all(".message-text b, .message-text em").len(), 0);
}

#[wasm_bindgen_test]
async fn what_one_does_not_see_of_a_link_stands_beside_it() {
    let beside = async |text: &str| {
        let page = said(text).await;
        let link = page.one(".message-text a");
        let told: Vec<_> = texts(&page, ".leads-to bdi");
        (link.text_content().unwrap(), link.get_attribute("href").unwrap(), told)
    };
    for (text, shown, href, told) in [
        (
            "https://a.example/x",
            "https://a.example/x",
            "https://a.example/x",
            None,
        ),
        (
            "[here](https://a.example/x)",
            "here",
            "https://a.example/x",
            Some("a.example"),
        ),
        (
            "[https://bank.example](https://evil.example)",
            "https://bank.example",
            "https://evil.example",
            Some("evil.example"),
        ),
        (
            "https://bank.example@evil.example/",
            "https://bank.example@evil.example/",
            "https://bank.example@evil.example/",
            Some("evil.example"),
        ),
        (
            "https://b\u{fc}cher.example",
            "https://b\u{fc}cher.example",
            "https://b\u{fc}cher.example",
            Some("xn--bcher-kva.example"),
        ),
        // Cyrillic.
        (
            "https://\u{430}pple.example",
            "https://\u{430}pple.example",
            "https://\u{430}pple.example",
            Some("xn--pple-43d.example"),
        ),
        (
            "[http://0x7f.1/](http://0x7f.1/)",
            "http://0x7f.1/",
            "http://0x7f.1/",
            Some("127.0.0.1"),
        ),
    ] {
        let told: Vec<_> = told.into_iter().map(str::to_owned).collect();
        assert_eq!(beside(text).await, (shown.to_owned(), href.to_owned(), told), "{text}");
    }
    let page = said("[x](https://a.example:99999999/)").await;
    assert_eq!(page.all(".message-text a").len(), 0, "it leads nowhere");
}

#[wasm_bindgen_test]
async fn a_long_list_is_shown_in_full_on_demand() {
    let page = said(&"- x\n".repeat(100)).await;
    assert_eq!(page.all(".message-text li").len(), 20);
    page.click("Show all").await;
    assert_eq!(page.all(".message-text li").len(), 100);
}

#[wasm_bindgen_test]
async fn a_few_emoji_alone_are_large() {
    assert_eq!(said("🦜🎉").await.all(".lone-emoji").len(), 1);
    assert_eq!(said("🦜 ok").await.all(".lone-emoji").len(), 0);
}

#[wasm_bindgen_test]
async fn who_is_in_the_room_is_highlighted_and_oneself_more() {
    let page = said("hi @ann lee, @me and @Nobody").await;
    assert_eq!(texts(&page, "mark.mention"), ["@ann lee", "@me"]);
    assert_eq!(texts(&page, "mark.mention.me"), ["@me"]);
}

const DAY: f64 = 86_400_000.0;

/// A message that was said at this time, by the room's time and by its author's clock.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times are whole and after 1970"
)]
fn at(number: u8, room: f64, author: f64) -> Event {
    let mut event = message(number, 1, None, &number.to_string());
    if let Event::Message { message } = &mut event {
        message.id = MessageId::from_bytes([number; 16]);
        message.order = Timestamp::from_unix_millis(room as u64);
        message.unix_millis = author as u64;
    }
    event
}

/// Noon of today.
fn noon() -> f64 {
    let date = Date::new_0();
    for set in [Date::set_minutes, Date::set_seconds, Date::set_milliseconds] {
        set(&date, 0);
    }
    date.set_hours(12)
}

/// The days and messages of the log, in order.
fn log(page: &Shown<RoomView>) -> Vec<String> {
    let text = |row: &web_sys::HtmlElement| {
        let row: &Element = row;
        let name = row.get_attribute("aria-label");
        name.unwrap_or_else(|| {
            row.query_selector(".message-text")
                .unwrap()
                .unwrap()
                .text_content()
                .unwrap()
        })
    };
    page.all("[role=log] > [role=separator], [role=log] > article")
        .iter()
        .map(text)
        .collect()
}

#[wasm_bindgen_test]
async fn a_day_stands_over_its_messages_once_wherever_clocks_are() {
    let now = noon();
    let outbox = Outbox::new(Ok(()));
    let mut said = vec![
        at(1, now - 40.0 * DAY, now - 40.0 * DAY),
        at(2, now - DAY, now - DAY),
        at(3, now - DAY + 1.0, now - DAY),
        at(4, now, now),
        // By a clock that is a day late, and by one that is a day early: they stand where the room puts them.
        at(5, now + 1.0, now - DAY),
        at(6, now + 2.0, now + DAY),
        at(7, now + 3.0, now),
    ];
    let mut page = Shown::<RoomView>::new(room(said.clone(), &outbox)).await;
    let days = texts(&page, "[role=separator]");
    let long_ago = &days[0];
    let year = Date::new(&JsValue::from_f64(now - 40.0 * DAY))
        .get_full_year()
        .to_string();
    assert!(long_ago.contains(&year), "{long_ago}");
    let expected = [long_ago, "1", "Yesterday", "2", "3", "Today", "4", "5", "6", "7"];
    assert_eq!(log(&page), expected);
    assert!(
        page.one(".messages > .day:first-of-type")
            .get_attribute("lang")
            .is_some(),
        "in the person's language"
    );
    let times = texts(&page, "article time");
    let is_dated = |time: &String| time.len() > "12:00".len();
    assert_eq!(
        times.iter().map(is_dated).collect::<Vec<_>>(),
        [false, false, false, false, true, true, false]
    );
    // What comes late from further back has its day, and takes none from others.
    said.push(at(0, now - 41.0 * DAY, now - 41.0 * DAY));
    page.update(room(said, &outbox)).await;
    assert_eq!(page.all("[role=separator]").len(), 4);
    assert_eq!(log(&page)[1..][..3], ["0", long_ago, "1"]);
}

#[wasm_bindgen_test]
async fn a_day_stands_over_the_first_message_that_is_shown_and_moves_as_earlier_ones_come() {
    let now = noon();
    let many = (0..300_u16).map(|number| {
        let when = now + f64::from(number) - if number < 50 { DAY } else { 0.0 };
        let mut event = at(0, when, when);
        if let Event::Message { message } = &mut event {
            let [high, low] = number.to_be_bytes();
            message.id = MessageId::from_bytes([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        event
    });
    let page = show(many).await;
    assert_eq!(texts(&page, "[role=separator]"), ["Today"]);
    assert_eq!((page.all("article").len(), &*log(&page)[0]), (200, "Today"));
    page.click("Earlier messages").await;
    assert_eq!(texts(&page, "[role=separator]"), ["Yesterday", "Today"]);
    assert_eq!((page.all("article").len(), &*log(&page)[51]), (300, "Today"));
}

#[wasm_bindgen_test]
async fn a_name_that_comes_leaves_rows_that_call_nobody() {
    let outbox = Outbox::new(Ok(()));
    let before = [message(1, 2, None, "hello"), message(2, 2, None, "hi @Bob")];
    let mut page = Shown::<RoomView>::new(room(before.clone(), &outbox)).await;
    assert_eq!(page.all("mark").len(), 0);
    let row = page.all("article")[0].clone();
    let bob = person(3, "Bob", PersonState::Here);
    page.update(room(before.into_iter().chain([bob]), &outbox)).await;
    assert_eq!(texts(&page, "mark"), ["@Bob"]);
    assert!(page.all("article")[0].is_same_node(Some(&row)));
}
