//! What stands in an exported file, byte for byte.

use mesh::model::{Annotation, Event, Message, Says, Timestamp};
use serde_json::Value;
use shared::{MessageId, PeerId};

use super::*;
use crate::room::{RoomAction, Visibility, reduce};

/// 2026-11-27, 14:03.
const NOW: u64 = 1_795_788_180_000;

fn peer(byte: u8) -> PeerId {
    PeerId::from_bytes([byte; 32])
}

fn message(viewer: u8, number: u8, author: u8, to: Option<u8>, text: &str) -> Event {
    let message = Message {
        id: MessageId::from_bytes([number; 16]),
        author: peer(author),
        author_name: format!("P{author}"),
        own: author == viewer,
        whisper_to: to.map(peer),
        order: Timestamp::from_unix_millis(number.into()),
        unix_millis: NOW + u64::from(number),
        dated_ahead: number == 9,
        recent: false,
        text: text.to_owned(),
        file: None,
        reply_to: None,
        vanish: None,
        deleted: false,
    };
    Event::Message { message }
}

fn room(viewer: u8, events: impl IntoIterator<Item = Event>) -> RoomState {
    let mut state = RoomState::new(peer(viewer), format!("P{viewer}"));
    for event in events {
        let visibility = Visibility::Shown;
        reduce(&mut state, RoomAction::Event { event, visibility });
    }
    state
}

/// A file of a room that still keeps the entry of the first message.
fn file(state: &RoomState, name: Option<&str>, format: Format) -> File {
    let record = |id: &MessageId| (*id == MessageId::from_bytes([1; 16])).then_some([1, 2, 3].as_slice());
    let source = Source {
        state,
        room: RoomId::from_bytes([5; 32]),
        record: &record,
    };
    super::file(&source, name, format, NOW)
}

fn exported(state: &RoomState, format: Format) -> String {
    file(state, Some("Roost"), format).text
}

fn parsed(state: &RoomState) -> Value {
    serde_json::from_str(&exported(state, Format::Json)).unwrap()
}

#[test]
fn what_two_people_have_of_the_others_is_the_same_byte_for_byte() {
    let public = |viewer| {
        let mut said = vec![
            message(viewer, 2, 2, None, "second"),
            message(viewer, 1, 1, None, "first"),
            message(viewer, 3, 2, None, "third"),
        ];
        let delivery = Delivery::Sent { delivered: 1, of: 2 };
        if viewer == 1 {
            let id = MessageId::from_bytes([1; 16]);
            said.extend([message(1, 4, 1, Some(3), "psst"), Event::Delivery { id, delivery }]);
        } else {
            said.swap(0, 2);
        }
        let text = exported(&room(viewer, said), Format::Json);
        let (public, private) = text.split_once("\"private\"").unwrap();
        (public.to_owned(), private.to_owned())
    };
    let [(one, mine), (other, theirs)] = [1, 2].map(public);
    assert_eq!(one, other);
    assert_ne!(mine, theirs);
    let places = ["first", "second", "third"].map(|text| one.find(text).unwrap());
    assert!(places.is_sorted() && !one.contains("psst") && mine.contains("psst"));
}

#[test]
fn json_has_every_message_with_all_that_is_known_of_it() {
    let id = MessageId::from_bytes([1; 16]);
    let state = room(
        1,
        [
            message(1, 1, 1, None, "hello"),
            message(1, 2, 2, Some(1), "psst"),
            message(1, 9, 2, None, "ahead"),
            Event::Delivery {
                id,
                delivery: Delivery::Sent { delivered: 2, of: 3 },
            },
        ],
    );
    let ids = [1, 2, 9].map(|number| MessageId::from_bytes([number; 16]).to_text());
    let keys = [1, 2].map(|number| peer(number).to_text());
    let expected = serde_json::json!({
        "version": 1,
        "room": "Roost",
        "room_id": RoomId::from_bytes([5; 32]).to_text(),
        "messages": [
            {"id": ids[0], "author": keys[0], "name": "P1", "time": "2026-11-27T14:03:00.001Z", "text": "hello", "record": "AQID"},
            {"id": ids[2], "author": keys[1], "name": "P2", "time": "2026-11-27T14:03:00.009Z", "text": "ahead"},
        ],
        "private": {
            "me": keys[0],
            "incomplete": false,
            "whispers": [{
                "id": ids[1], "author": keys[1], "to": keys[0], "name": "P2", "time": "2026-11-27T14:03:00.002Z", "text": "psst",
            }],
            "marks": [
                {"id": ids[0], "delivery": "sent", "delivered": 2, "of": 3},
                {"id": ids[2], "dated_ahead": true},
            ],
        },
    });
    assert_eq!(parsed(&state), expected);
    let empty = file(&room(1, []), None, Format::Json).text;
    let empty: Value = serde_json::from_str(&empty).unwrap();
    assert_eq!(
        (&empty["room"], &empty["messages"]),
        (&Value::Null, &Value::Array(vec![]))
    );
}

#[test]
fn whatever_is_said_is_the_same_text_in_json_and_shows_what_it_is() {
    let every: String = ('\0'..='\u{ff}').collect();
    for text in [
        every.as_str(),
        "\"\\\" </script>",
        "\u{202e}evil\u{2066}\u{2028}",
        "👩‍🚀 a\r\nb",
    ] {
        let state = room(1, [message(1, 1, 1, None, text)]);
        assert_eq!(parsed(&state)["messages"][0]["text"], text);
        let json = exported(&state, Format::Json);
        assert!(
            !json
                .chars()
                .any(|char| is_invisible(char) || char.is_control() && char != '\n')
        );
    }
}

#[test]
fn nothing_that_is_said_is_markup_or_turns_what_is_around_it() {
    let text = "<script>alert(1)</script> \"a\" 'b' & \u{202e}c\u{0}\r\nd https://e.example/?f='&g=\">";
    let state = room(1, [message(1, 1, 2, None, text)]);
    let page = file(&state, Some("<b>\u{202e}x"), Format::Page).text;
    assert!(page.contains(
        "<p dir=\"auto\">&lt;script&gt;alert(1)&lt;/script&gt; &quot;a&quot; &#39;b&#39; &amp; \u{202e}c\u{fffd}&#13;\nd \
         <a rel=\"noreferrer\" href=\"https://e.example/?f=&#39;&amp;g=\">https://e.example/?f=&#39;&amp;g=</a>&quot;&gt;</p>"
    ));
    assert!(page.contains("<h1><bdi>&lt;b&gt;\u{202e}x</bdi></h1>"));
    assert!(
        page.contains("<h3><bdi>P2</bdi> <time datetime=\"2026-11-27T14:03:00.001Z\">2026-11-27 14:03</time></h3>")
    );
    assert!(page.contains("content=\"default-src 'none'; ") && !page.contains("<script") && !page.contains("<b>"));
}

#[test]
fn whispers_come_last_in_the_page_and_say_for_whom_they_are() {
    let whisper = message(1, 1, 1, Some(2), "psst");
    let page = exported(&room(1, [whisper, message(1, 2, 2, None, "hello")]), Format::Page);
    let places = ["hello", "<h2>", "<bdi>P1</bdi> to <bdi>P2</bdi>", "psst"].map(|part| page.find(part).unwrap());
    assert!(places.is_sorted(), "{page}");
    let page = exported(&room(1, [message(1, 2, 2, None, "hello")]), Format::Page);
    assert!(!page.contains("<h2>"));
}

#[test]
fn a_file_that_was_offered_has_its_name_in_the_page_and_nothing_in_it_is_markup() {
    let Event::Message { mut message } = message(1, 1, 2, None, "") else {
        unreachable!("invariant: it is one")
    };
    message.file = Some(mesh::model::FileInfo {
        root: shared::FileId::from_bytes([1; 32]),
        bytes: 2_000_000,
        name: "a/<b>\u{202e}.pdf".to_owned(),
        media_type: String::new(),
    });
    let page = exported(&room(1, [Event::Message { message }]), Format::Page);
    assert!(
        page.contains("<p dir=\"auto\">File: <bdi>&lt;b&gt;\u{fffd}.pdf</bdi> (2 MB)</p>"),
        "{page}"
    );
}

#[test]
fn a_file_is_named_after_the_room_and_the_day() {
    for (room, name) in [
        (Some("Tea party"), "starling-Tea-party-2026-11-27.json"),
        (Some("../..\\ليلى: \u{202e}CON?"), "starling-ليلى-CON-2026-11-27.json"),
        (Some("🦜"), "starling-room-2026-11-27.json"),
        (None, "starling-room-2026-11-27.json"),
    ] {
        assert_eq!(file(&self::room(1, []), room, Format::Json).name, name);
    }
    let long = file(&room(1, []), Some(&"𐐀".repeat(64)), Format::Page).name;
    assert!(long.len() < 256 && long.ends_with("-2026-11-27.html"));
}

#[test]
fn times_are_written_as_rfc_3339_has_them() {
    for (unix_millis, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
        (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
        (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (NOW, "2026-11-27T14:03:00.000Z"),
        (u64::MAX, "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(date_time(unix_millis), text);
    }
}

#[test]
fn what_was_said_of_a_message_is_exported_with_what_its_authors_signed() {
    let said = |number, says| {
        let annotation = Annotation {
            id: MessageId::from_bytes([1; 16]),
            author: peer(1),
            author_name: "Ada".into(),
            order: Timestamp::from_unix_millis(number),
            to: MessageId::from_bytes([2; 16]),
            says,
        };
        let annotations = vec![annotation];
        Event::Annotated { annotations }
    };
    let emoji = vec!["👍".into()];
    let mut reply = message(2, 3, 2, None, "which?");
    if let Event::Message { message } = &mut reply {
        message.reply_to = Some(MessageId::from_bytes([2; 16]));
    }
    let state = room(
        2,
        [
            message(2, 2, 1, None, "teh plan"),
            reply,
            said(
                5,
                Says::Text {
                    text: "the <plan>".into(),
                },
            ),
            said(6, Says::Reactions { emoji }),
        ],
    );
    let export = parsed(&state);
    let [first, second] = [0, 1].map(|place| export["messages"][place].clone());
    assert_eq!(first["text"], "the <plan>");
    assert_eq!(first["edited"], true);
    assert_eq!(first["reactions"]["👍"][0], peer(1).to_text());
    // Both by the id of the one record that the room keeps.
    assert_eq!(first["annotations"], serde_json::json!(["AQID", "AQID"]));
    assert_eq!(second["reply_to"], first["id"]);
    let page = exported(&state, Format::Page);
    for part in [
        "the &lt;plan&gt;",
        "edited",
        "👍 1 from Ada",
        "<blockquote dir=\"auto\"><bdi>P1</bdi>: the &lt;plan&gt;",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn a_link_that_could_be_taken_for_another_leads_nowhere() {
    let text = "https://bank.example@evil.example and https://b\u{fc}cher.example and https://a.example";
    let page = exported(&room(1, [message(1, 1, 1, None, text)]), Format::Page);
    let shown = "https://bank.example@evil.example and https://b\u{fc}cher.example and <a rel=\"noreferrer\" href=\"https://a.example\">";
    assert!(page.contains(shown), "{page}");
    assert_eq!(page.matches("href=").count(), 1);
}
