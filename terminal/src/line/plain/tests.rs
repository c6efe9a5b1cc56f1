//! Lines for people.

use super::*;

fn message(name: &str, text: &str) -> MessageReport {
    MessageReport {
        id: "id".to_owned(),
        author: "key".to_owned(),
        name: name.to_owned(),
        own: false,
        to: None,
        to_name: None,
        time: "2026-11-27T12:03:04.567Z".to_owned(),
        text: text.to_owned(),
        answers: None,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
        file: None,
        delivery: None,
        earlier: false,
    }
}

fn own(text: &str) -> MessageReport {
    MessageReport {
        own: true,
        ..message("me", text)
    }
}

fn line(report: MessageReport) -> Option<String> {
    Plain::new(None).lines(&Report::Message(report))
}

#[test]
fn words_stand_after_a_name_and_lines_of_ours_after_a_star() {
    assert_eq!(line(message("Ann", "hi\nyou")).as_deref(), Some("Ann: hi\n    you"));
    let whisper = MessageReport {
        to: Some("me".to_owned()),
        to_name: Some("me".to_owned()),
        ..message("Ann", "psst")
    };
    assert_eq!(line(whisper).as_deref(), Some("Ann whispers: psst"));
    let mut plain = Plain::new(None);
    plain.skip("id");
    assert_eq!(plain.lines(&Report::Message(own("typed"))), None);
    assert_eq!(line(own("piped")).as_deref(), Some("You: piped"));
    let mut plain = Plain::new(Some(30));
    let text = "all that is told is broken between two columns".to_owned();
    let refused = plain.lines(&Report::Refused { text }).unwrap();
    assert!(
        refused.starts_with("* request cannot be fulfilled") && refused.contains("\n  "),
        "{refused}"
    );
}

#[test]
fn nobody_can_write_a_line_of_ours_or_of_another() {
    for (name, text) in [
        ("Ann", "hi\n* Bob left"),
        ("Ann", "hi\rBob: yes\u{1b}[2K"),
        ("* Bob left", "x"),
        ("Bob: yes\n", "x"),
        ("Ann", "x\u{2028}Bob: yes"),
    ] {
        let shown = line(message(name, text)).unwrap();
        for (place, part) in shown.split('\n').enumerate() {
            let of_ours = part.starts_with("* ") || part.starts_with("Bob:");
            assert!(!of_ours && (place == 0 || part.starts_with(MARGIN)), "{shown:?}");
            assert!(!part.chars().any(char::is_control), "{shown:?}");
        }
    }
}

#[test]
fn nobody_is_called_so_that_their_words_look_like_ours_or_a_whisper() {
    let peer = PeerId::from_bytes([7; 32]);
    let mark = format!(" ({})", peer.fingerprint());
    for name in [
        "You",
        "you",
        "Y\u{43e}u",
        "You\u{200d}",
        "You whisper to Bob",
        "Ann whispers",
        "Ann\u{a0}Whispers",
        "whispers",
    ] {
        let report = MessageReport {
            author: peer.to_text(),
            ..message(name, "hi")
        };
        assert_eq!(line(report), Some(format!("{name}{mark}: hi")));
    }
    // With a fingerprint already, as two people of one name have.
    let marked = MessageReport {
        author: peer.to_text(),
        ..message(&format!("You{mark}"), "hi")
    };
    assert_eq!(line(marked), Some(format!("You{mark}: hi")));
    for name in ["Youssef", "Ann whispers softly", "Ann"] {
        assert_eq!(line(message(name, "hi")), Some(format!("{name}: hi")));
    }
}

#[test]
fn a_delivery_is_told_once_all_have_the_message_and_says_which() {
    let mut plain = Plain::new(None);
    plain.lines(&Report::Message(own("hello\nthere")));
    plain.lines(&Report::Renumbered {
        before: "id".to_owned(),
        id: "other".to_owned(),
    });
    let mut delivery = |id: &str, delivered, of| {
        plain.lines(&Report::Delivery(DeliveryReport {
            id: id.to_owned(),
            state: DeliveryState::Sent,
            delivered,
            of,
            whispered: false,
        }))
    };
    assert_eq!(delivery("other", 1, 2), None);
    assert_eq!(
        delivery("other", 2, 2).as_deref(),
        Some("* “hello…”: delivered to 2 of 2")
    );
    assert_eq!(
        delivery("older", 1, 1).as_deref(),
        Some("* a message: delivered to 1 of 1")
    );
}

#[test]
fn tables_are_in_columns() {
    let person = |name: &str, state, linked| PersonReport {
        id: name.to_owned(),
        name: name.to_owned(),
        fingerprint: String::new(),
        state,
        linked,
        round_trip_ms: linked.then_some(3),
        archive: false,
    };
    let people = vec![
        person("Ann", PersonStanding::Here, true),
        person("字字", PersonStanding::Here, false),
        person("Bo\u{1b}", PersonStanding::Left, false),
    ];
    let mut plain = Plain::new(None);
    assert_eq!(
        plain.lines(&Report::People { people }).unwrap(),
        "* People\n    Ann         Here  linked, 3 ms\n    字字        Here  reached through others\n    Bo<U+001B>  Left"
    );
    let nobody = plain.lines(&Report::People { people: Vec::new() });
    assert_eq!(nobody.as_deref(), Some("* Nobody else is here"));
}

#[test]
fn a_file_says_how_it_is_fetched() {
    let file = FileReport {
        number: 3,
        id: "root".to_owned(),
        name: "a b.txt".to_owned(),
        bytes: 2_000_000,
        bytes_have: 0,
        state: FileStanding::Offered,
        text: "2 MB".to_owned(),
    };
    let offer = MessageReport {
        file: Some(file),
        ..message("Ann", "")
    };
    let shown = line(offer).unwrap();
    assert_eq!(shown, "* Ann offers file 3: a b.txt, 2 MB. /get 3 fetches it");
}

fn answered(name: &str, excerpt: &str) -> AnsweredReport {
    AnsweredReport {
        id: "id".to_owned(),
        author: Some("key".to_owned()),
        name: Some(name.to_owned()),
        excerpt: Some(excerpt.to_owned()),
    }
}

#[test]
fn what_a_message_answers_stands_over_it_and_nobody_is_taken_for_us() {
    let reply = |answers| MessageReport {
        answers: Some(answers),
        ..message("Ann", "yes")
    };
    let said = line(reply(answered("Bob", "well?"))).unwrap();
    assert_eq!(said, "* Ann answers Bob: “well?”\nAnn: yes");
    let said = line(reply(answered("You", "a\u{1b}[2Jb"))).unwrap();
    assert_eq!(said, "* Ann answers You (key): “a<U+001B>[2Jb”\nAnn: yes");
    let gone = AnsweredReport {
        name: None,
        excerpt: None,
        ..answered("", "")
    };
    let said = line(reply(gone)).unwrap();
    assert_eq!(said, "* Ann answers a message that is not here\nAnn: yes");
}

#[test]
fn edits_and_emoji_are_lines_of_ours() {
    let mut plain = Plain::new(None);
    let edited = MessageReport {
        edited: true,
        ..message("Ann", "the plan")
    };
    let said = plain.lines(&Report::Edited(edited)).unwrap();
    assert_eq!(said, "* Ann changed a message. It says now:\nAnn: the plan");
    let mut report = |reactions| {
        let (id, excerpt) = ("id".to_owned(), "the plan".to_owned());
        let report = Report::Reactions { id, excerpt, reactions };
        plain.lines(&report).unwrap()
    };
    let reaction = |words: &str| ReactionReport {
        emoji: "👍".to_owned(),
        from: Vec::new(),
        words: words.to_owned(),
    };
    let said = report(vec![reaction("👍 2 from Ann, Bob"), reaction("\u{202e}x 1 from Eve")]);
    assert_eq!(said, "* “the plan” has 👍 2 from Ann, Bob; <U+202E>x 1 from Eve");
    assert_eq!(report(Vec::new()), "* “the plan” has no reactions any more");
}
