//! Scrolling, what is new, and searching.

use mesh::model::Delivery;
use ratatui::{
    crossterm::event::{KeyCode, KeyModifiers},
    style::Modifier,
};

use super::{Sitter, three};
use crate::{
    report::{NoticeLevel, PersonReport, Report},
    screen::{Action, Look},
};

/// Bob has said `count` things.
fn crowd(count: u8) -> Sitter {
    let mut ann = Sitter::new(80, 24);
    ann.comes(1, "Bob");
    ann.press(KeyCode::Esc);
    for number in 1..=count {
        ann.says(1, &format!("message {number}."));
    }
    ann
}

#[test]
fn who_scrolls_back_keeps_what_they_read_and_is_told_what_is_new() {
    let mut ann = crowd(50);
    assert!(ann.rows()[20].contains("message 50."), "{}", ann.shown());
    ann.press(KeyCode::PageUp);
    let before: Vec<_> = ann.rows()[1..21].to_vec();
    assert!(before[19].contains("message 31."), "{}", ann.shown());
    assert!(ann.shown().contains("scrolled back, Esc shows the newest"));
    ann.says(1, "new one");
    ann.says(1, "new two");
    ann.says(0, "our own is not new");
    assert_eq!(ann.rows()[1..21], before);
    assert!(ann.shown().contains("── to everyone ─"), "{}", ann.shown());
    assert!(ann.rows()[21].ends_with(" 2 new, Esc shows them ──"), "{}", ann.shown());
    ann.press(KeyCode::Esc);
    assert!(ann.row("2 new").starts_with("── 2 new ──"), "{}", ann.shown());
    assert!(!ann.shown().contains("Esc shows them"));
    // It stays until something is said, or something else is new.
    ann.says(1, "seen at once");
    assert!(ann.row("2 new").starts_with("── 2 new ──"));
    ann.types("x");
    ann.press(KeyCode::Enter);
    assert!(!ann.shown().contains("2 new"));
}

#[test]
fn what_comes_while_nobody_looks_is_new() {
    let mut ann = crowd(3);
    ann.state.apply(Action::Looked(Look::Away));
    ann.says(1, "while away");
    assert!(ann.rows()[21].ends_with(" 1 new, Esc shows them ──"), "{}", ann.shown());
    ann.state.apply(Action::Looked(Look::Here));
    assert!(ann.row("1 new").starts_with("── 1 new ──"));
    assert!(!ann.shown().contains("Esc shows them"));
}

#[test]
fn all_of_the_past_is_reached_and_the_view_is_always_full() {
    let mut ann = crowd(60);
    ann.press_with(KeyModifiers::CONTROL, KeyCode::Home);
    assert!(ann.rows()[1].starts_with("── 2026-11-27"), "{}", ann.shown());
    assert!(ann.rows()[2].contains("message 1."));
    ann.press(KeyCode::PageUp);
    assert!(ann.rows()[2].contains("message 1."));
    for _ in 0..10 {
        ann.press(KeyCode::PageDown);
        assert!(
            ann.rows()[1..21]
                .iter()
                .all(|row| row.starts_with("12:0") || row.starts_with("── 2026")),
            "{}",
            ann.shown()
        );
    }
    assert!(ann.rows()[20].contains("message 60.") && !ann.shown().contains("scrolled back"));
    // A short past is all in view.
    let mut ann = crowd(3);
    ann.press(KeyCode::PageUp);
    assert!(!ann.shown().contains("scrolled back"), "{}", ann.shown());
    // A terminal that grows and shrinks shows the same place.
    let mut ann = crowd(60);
    ann.press(KeyCode::PageUp);
    ann.resize(40, 12);
    assert!(ann.rows()[8].contains("message 41."), "{}", ann.shown());
}

#[test]
fn notes_stand_where_they_were_told() {
    let mut ann = crowd(2);
    ann.is_told(Report::Notice {
        level: NoticeLevel::Danger,
        text: "Take care.".to_owned(),
    });
    ann.says(1, "message 3.");
    let rows = ann.rows();
    assert_eq!(rows[19].split(" │").next().unwrap().trim_end(), "* Take care.");
    assert!(
        rows[18].contains("message 2.") && rows[20].contains("message 3."),
        "{}",
        ann.shown()
    );
}

#[test]
fn a_crowd_that_comes_takes_a_few_rows() {
    let mut ann = crowd(2);
    for byte in 2..=200 {
        ann.comes(byte, &format!("Guest {byte}"));
        let person = ann.state.room.people.last().unwrap();
        let report = PersonReport::new(&ann.state.room, person);
        ann.is_told(Report::Person(report));
    }
    let rows = ann.rows();
    assert!(
        rows[15].starts_with("* Guest 2 is here ") && rows[16].starts_with("  Guest 3 is here "),
        "{}",
        ann.shown()
    );
    assert!(rows[20].starts_with("  and 194 more came or went "), "{}", ann.shown());
    // After a message a new one begins.
    ann.says(1, "welcome");
    let report = PersonReport::new(&ann.state.room, ann.state.room.people.last().unwrap());
    ann.is_told(Report::Person(report));
    assert!(ann.rows()[20].starts_with("* Guest 200 is here "), "{}", ann.shown());
}

#[test]
fn how_far_a_message_got_is_told_as_on_the_page() {
    let mut ann = three(200, 24);
    ann.says(0, "anyone?");
    for (delivery, words) in [
        (Delivery::Waiting, "(Will be delivered when someone joins)"),
        (Delivery::Sent { delivered: 0, of: 2 }, "(delivered to 0 of 2)"),
        (Delivery::Sent { delivered: 2, of: 2 }, "(delivered to 2 of 2)"),
    ] {
        ann.is_delivered(delivery);
        assert!(ann.row("anyone?").contains(words), "{}", ann.shown());
    }
}

/// Letters that are shown so.
fn letters(ann: &Sitter, modifier: Modifier, part: &str) -> String {
    let buffer = ann.buffer();
    let rows = ann.rows();
    let y = rows.iter().position(|row| row.contains(part)).unwrap();
    let cells = (0..53).map(|x| &buffer[(x, u16::try_from(y).unwrap())]);
    cells
        .filter(|cell| cell.modifier.contains(modifier))
        .map(|cell| cell.symbol())
        .collect()
}

#[test]
fn our_name_stands_out() {
    let mut ann = three(80, 24);
    ann.says(1, "Anna, ann: is it ANN?");
    assert_eq!(letters(&ann, Modifier::REVERSED, "Anna"), "annANN");
    ann.says(0, "I am Ann myself");
    assert_eq!(letters(&ann, Modifier::REVERSED, "myself"), "");
}

#[test]
fn what_is_searched_stands_out_and_is_gone_through() {
    let mut ann = crowd(60);
    ann.control('f');
    assert!(ann.rows()[22].starts_with("Search:") && ann.shown().contains("type what to look for"));
    ann.types("MESSAGE 1");
    // 1, 10 to 19.
    assert!(ann.rows()[21].starts_with("── 11 of 11"), "{}", ann.shown());
    assert_eq!(letters(&ann, Modifier::REVERSED, "message 19."), "message 1");
    assert_eq!(letters(&ann, Modifier::UNDERLINED, "message 19."), "message 1");
    for _ in 0..10 {
        ann.press(KeyCode::Up);
    }
    assert!(
        ann.rows()[21].starts_with("── 1 of 11") && ann.shown().contains("message 1."),
        "{}",
        ann.shown()
    );
    ann.press(KeyCode::Down);
    assert_eq!(letters(&ann, Modifier::UNDERLINED, "message 10."), "message 1");
    ann.types("xyz");
    assert!(ann.rows()[21].starts_with("── not found"));
    ann.press(KeyCode::Esc);
    assert!(ann.shown().contains("── to everyone"));
    // By command, too; and by whom it was said.
    ann.types("/search bob");
    ann.press(KeyCode::Enter);
    assert!(ann.rows()[21].starts_with("── 60 of 60"), "{}", ann.shown());
}
