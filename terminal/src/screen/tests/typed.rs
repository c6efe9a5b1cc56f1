//! What is typed, pasted and completed.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::{Sitter, peer, three};
use crate::{
    line::command::{Addressed, Command},
    report::Report,
    run::Typed,
    screen::{Action, Effect},
};

fn typed(effect: Option<Effect>) -> Typed {
    match effect {
        Some(Effect::Type { typed, .. }) => typed,
        other => panic!("{other:?}"),
    }
}

fn say(text: &str) -> Typed {
    let text = text.to_owned();
    Typed::Command(Command::Say { text })
}

#[test]
fn what_is_typed_is_said_and_commands_are_those_of_line_mode() {
    let mut ann = three(80, 24);
    ann.types("hello");
    assert_eq!(typed(ann.press(KeyCode::Enter)), say("hello"));
    assert_eq!(ann.press(KeyCode::Enter), None);
    ann.types("/people");
    assert_eq!(typed(ann.press(KeyCode::Enter)), Typed::Command(Command::People));
    ann.types("/dance");
    assert!(matches!(typed(ann.press(KeyCode::Enter)), Typed::Unreadable(_)));
    ann.types("/help");
    assert_eq!(ann.press(KeyCode::Enter), None);
    assert!(ann.shown().contains("Alt+Enter, Ctrl+J"), "{}", ann.shown());
    assert_eq!(ann.press(KeyCode::Esc), None);
    // What was sent comes back.
    ann.press(KeyCode::Up);
    ann.press(KeyCode::Up);
    assert!(ann.rows()[22].starts_with("> /dance"), "{}", ann.shown());
}

#[test]
fn a_paste_is_not_sent_and_keeps_its_lines() {
    let mut ann = three(80, 24);
    assert_eq!(ann.state.apply(Action::Paste("one\r\ntwo\n".to_owned())), None);
    ann.types("three");
    ann.press_with(KeyModifiers::ALT, KeyCode::Enter);
    ann.control('j');
    ann.types("five");
    let rows = ann.rows();
    assert_eq!(
        rows[18..23],
        ["> one", "  two", "  three", "", "  five"],
        "{}",
        ann.shown()
    );
    assert_eq!(typed(ann.press(KeyCode::Enter)), say("one\ntwo\nthree\n\nfive"));
    // What is longer than a third of the terminal is seen around the cursor.
    ann.state.apply(Action::Paste("x\n".repeat(30) + "last"));
    assert!(
        ann.rows()[22].starts_with("  last") && ann.rows()[1].contains("People"),
        "{}",
        ann.shown()
    );
}

#[test]
fn whispers_go_to_whom_was_chosen_and_drafts_stay_where_they_are() {
    let mut ann = three(80, 24);
    ann.types("for all");
    ann.press(KeyCode::F(2));
    ann.press(KeyCode::Down);
    ann.press(KeyCode::Down);
    ann.press(KeyCode::Enter);
    assert!(
        ann.rows()[21].starts_with("── whispering to Cy Young. Nobody else can read it."),
        "{}",
        ann.shown()
    );
    assert_eq!(ann.rows()[22], ">");
    assert!(ann.row("everyone").ends_with("(draft)"), "{}", ann.shown());
    ann.types("for Cy");
    let whisper = Addressed::To {
        name: peer(2).to_text(),
        text: "for Cy".to_owned(),
    };
    assert_eq!(
        typed(ann.press(KeyCode::Enter)),
        Typed::Command(Command::Whisper { whisper })
    );
    // Commands are commands there, too.
    ann.types("/status");
    assert_eq!(typed(ann.press(KeyCode::Enter)), Typed::Command(Command::Status));
    ann.press(KeyCode::Esc);
    assert!(
        ann.rows()[21].starts_with("── to everyone") && ann.rows()[22] == "> for all",
        "{}",
        ann.shown()
    );
}

#[test]
fn names_and_commands_are_completed() {
    let mut ann = three(80, 24);
    ann.comes(3, "Bobby");
    for (begun, completed) in [
        ("bo", &["Bob: ", "Bobby: ", "Bob: "][..]),
        ("hi cy", &["hi Cy Young "]),
        ("/wh", &["/whisper "]),
        ("/s", &["/search ", "/send ", "/status ", "/search "]),
        ("/whisper cy", &["/whisper \"Cy Young\" "]),
        ("/w Bobb", &["/w Bobby "]),
        ("xyz", &["xyz"]),
        ("", &[""]),
    ] {
        ann.types(begun);
        for expected in completed {
            ann.press(KeyCode::Tab);
            assert_eq!(ann.state.composer.draft.text(), *expected);
        }
        ann.control('u');
        ann.control('c');
    }
}

#[test]
fn the_question_mark_helps_and_can_be_said() {
    let mut ann = three(80, 24);
    ann.types("?");
    assert!(ann.shown().contains("── Help"));
    ann.types("?");
    assert!(
        !ann.shown().contains("── Help") && ann.rows()[22] == "> ??",
        "{}",
        ann.shown()
    );
    ann.control('u');
    ann.types("?");
    ann.press(KeyCode::Esc);
    assert_eq!(ann.rows()[22], ">");
}

#[test]
fn nobody_leaves_by_mistake() {
    let mut ann = Sitter::new(80, 24);
    ann.types("begun");
    assert_eq!(ann.control('d'), None);
    assert_eq!(ann.control('c'), None);
    assert_eq!((ann.rows()[22].as_str(), ann.control('c')), (">", None));
    assert!(ann.rows()[21].ends_with(" Ctrl+C again leaves ──"), "{}", ann.shown());
    ann.types("x");
    ann.press(KeyCode::Backspace);
    assert_eq!(ann.control('c'), None);
    assert_eq!(typed(ann.control('c')), Typed::Command(Command::Quit));
    assert_eq!(typed(ann.control('d')), Typed::Command(Command::Quit));
    assert_eq!(ann.control('z'), Some(Effect::Suspend));
}

#[test]
fn what_was_not_taken_comes_back() {
    let mut ann = three(80, 24);
    ann.state.apply(Action::Untaken("hello".to_owned()));
    assert_eq!(ann.rows()[22], "> hello");
    assert!(ann.shown().contains("* too much waits already"));
}

#[test]
fn a_code_is_shown_with_nothing_beside_it() {
    let mut ann = three(80, 24);
    let code = "A1".repeat(200);
    ann.is_told(Report::Invitation { code: code.clone() });
    let rows = ann.rows();
    let shown: String = rows
        .iter()
        .filter(|row| row.starts_with("A1"))
        .map(String::as_str)
        .collect();
    assert_eq!(shown, code, "{}", ann.shown());
    assert!(!ann.shown().contains('│'));
    // Whoever types on goes on.
    ann.types("ok");
    assert_eq!(ann.rows()[22], "> ok");
    assert!(ann.shown().contains("hello all"));
}
