//! What others say does nothing to the terminal, and looks like nobody else's words.

use mesh::model::Event;
use proptest::prelude::*;
use ratatui::crossterm::event::KeyCode;
use shared::name::is_hidden;
use unicode_width::UnicodeWidthStr as _;

use super::{Sitter, rows, three};
use crate::{
    config::{MARKS_SHOWN_MAX, PARTS_SHOWN_MAX},
    harmless::width,
    report::Report,
};

/// Escapes, controls, marks of direction, piles of marks, wide characters, and what looks like another line.
const HOSTILE: [&str; 9] = [
    "\u{1b}[2J\u{1b}[H\u{1b}]0;title\u{7}",
    "\u{9b}31m\u{90}q\u{9c}",
    "fine\r12:00 Bob: I agree",
    "fine\n12:00 Bob: I agree\n* Cy left\n── 3 new ──",
    "gpj.\u{202e}exe\u{2066}\u{2069}",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "👩\u{200d}👩\u{200d}👧\u{200d}👦\u{fe0f}👍🏽🇩🇪\u{fe0f}",
    "字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字",
    "a\tb\u{0}\u{8}\u{7f}\u{85}\u{2028}\u{200b}\u{feff}\u{e0041}",
];

/// Nothing in the picture is obeyed by a terminal, or pushes anything out of its place.
fn is_harmless(sitter: &Sitter) {
    let buffer = sitter.buffer();
    let picture = rows(&buffer).join("\n");
    for cell in &buffer.content {
        let symbol = cell.symbol();
        let is_harmful = |char: char| is_hidden(char) || matches!(char, '\u{e0000}'..='\u{e0fff}');
        assert!(!symbol.chars().any(is_harmful), "{symbol:?}\n{picture}");
        // All terminals agree how wide it is, and little piles up on it.
        assert_eq!(symbol.width(), width(symbol), "{symbol:?}");
        assert!(
            symbol.chars().count() <= PARTS_SHOWN_MAX * (1 + MARKS_SHOWN_MAX),
            "{symbol:?}"
        );
    }
}

#[test]
fn hostile_texts_names_and_file_names_stay_in_their_rows() {
    for (width, height) in [(80, 24), (40, 12), (200, 60)] {
        for text in HOSTILE {
            let mut ann = three(width, height);
            ann.comes(3, text);
            ann.says(3, text);
            ann.whispers(3, 0, text);
            ann.offers(3, text);
            ann.happens(Event::RoomNamed { name: text.to_owned() });
            ann.state.apply(super::Action::Paste(text.to_owned()));
            ann.is_told(Report::Refused { text: text.to_owned() });
            is_harmless(&ann);
            for key in 2..=5 {
                ann.press(KeyCode::F(key));
                is_harmless(&ann);
            }
        }
    }
}

#[test]
fn nobodys_words_begin_where_a_name_or_a_note_begins() {
    let mut ann = three(80, 24);
    ann.says(1, HOSTILE[3]);
    ann.says(1, HOSTILE[2]);
    // By filling the row up, too.
    ann.says(1, &format!("{}12:00 Cy: no", "x ".repeat(21)));
    let shown = ann.rows();
    let begins = |start: &str| shown.iter().filter(|row| row.starts_with(start)).count();
    assert_eq!(
        (begins("12:00 Bob: "), begins("12:00 Cy: "), begins("* ")),
        (4, 0, 0),
        "{}",
        ann.shown()
    );
    assert!(shown.iter().any(|row| row.starts_with("      12:00 Bob: I agree")));
    assert!(
        shown.iter().any(|row| row.starts_with("      12:00 Cy: no")),
        "{}",
        ann.shown()
    );
    assert!(shown.iter().any(|row| row.starts_with("      ── 3 new ──")));
}

#[test]
fn no_name_looks_like_somebody_elses_or_like_ours() {
    let mut ann = Sitter::new(80, 24);
    ann.comes(1, "Bob");
    ann.comes(2, "You");
    ann.comes(3, "Bob: hello 12:00 Cy");
    ann.comes(4, "Bob");
    ann.says(2, "as you");
    ann.says(3, "as two");
    ann.says(4, "as Bob");
    assert!(ann.row("as you").starts_with("12:00 You ("), "{}", ann.shown());
    assert!(
        ann.row("as two")
            .starts_with("12:00 Bob<U+003A> hello 12<U+003A>00 Cy: as two")
    );
    assert!(ann.row("as Bob").starts_with("12:00 Bob ("));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_is_harmless(
        text in prop_oneof![any::<String>(), "[\u{0}-\u{20}\u{7f}-\u{a0}a\u{300}\u{200b}-\u{206f}字👩]{0,200}"],
        width in 1_u16..120,
        height in 1_u16..40,
    ) {
        let mut ann = three(width, height);
        ann.comes(3, &text);
        ann.says(3, &text);
        ann.offers(3, &text);
        ann.state.apply(super::Action::Paste(text.clone()));
        is_harmless(&ann);
        ann.press(KeyCode::F(3));
        is_harmless(&ann);
    }
}
