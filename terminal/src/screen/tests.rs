//! Whole screens, as text.

mod hostile;
mod looking;
mod typed;

use std::rc::Rc;

use client::room::{RoomAction, RoomState, Visibility, reduce};
use jiff::tz::TimeZone;
use mesh::model::{
    Delivery, Event, FileInfo, FileProgress, FileState, Message, Network, NetworkLink, NetworkNode, Person,
    PersonState, Timestamp,
};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Buffer,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::Size,
};
use shared::{FileId, MessageId, PeerId};

use super::{Action, Effect, State, Theme, draw};
use crate::report::Report;

/// 2026-11-27 12:00 UTC.
const NOON: u64 = 1_795_780_800_000;

/// Someone in front of a screen.
pub(super) struct Sitter {
    room: RoomState,
    network: Network,
    pub(super) state: State,
    said: u8,
}

pub(super) fn peer(byte: u8) -> PeerId {
    PeerId::from_bytes([byte; 32])
}

impl Sitter {
    /// Ann, with nobody else.
    pub(super) fn new(width: u16, height: u16) -> Self {
        let mut room = RoomState::new(peer(0), "Ann".to_owned());
        room.kept = true;
        let size = Size { width, height };
        let state = State::new(
            Rc::new(room.clone()),
            "tea".to_owned(),
            size,
            TimeZone::UTC,
            Theme::Coloured,
        );
        let network = state.network.clone();
        Self {
            room,
            network,
            state,
            said: 0,
        }
    }

    /// Something happens in the room.
    pub(super) fn happens(&mut self, event: Event) {
        let visibility = Visibility::Shown;
        reduce(&mut self.room, RoomAction::Event { event, visibility });
        self.show();
    }

    fn show(&mut self) {
        for action in [
            Action::Network(self.network.clone()),
            Action::Room(Rc::new(self.room.clone())),
        ] {
            assert_eq!(self.state.apply(action), None);
        }
    }

    pub(super) fn comes(&mut self, byte: u8, name: &str) {
        let person = Person {
            peer: peer(byte),
            name: Some(name.to_owned()),
            state: PersonState::Here,
            linked: true,
            round_trip: Some(std::time::Duration::from_millis(12)),
            archive: false,
        };
        let known = if self.network.nodes.is_empty() {
            vec![0, byte]
        } else {
            vec![byte]
        };
        let node = |byte| NetworkNode {
            peer: peer(byte),
            name: None,
            on_server: true,
        };
        self.network.nodes.extend(known.into_iter().map(node));
        self.network.links.push(NetworkLink {
            peer: peer(byte),
            name: None,
            kind: None,
            round_trip: None,
            eager: true,
            age: std::time::Duration::ZERO,
        });
        self.network.size += 1;
        self.happens(Event::Person { person });
    }

    fn message(&mut self, author: u8, to: Option<u8>, text: &str) -> Message {
        self.said += 1;
        let person = self.room.person(&peer(author));
        let name = person.and_then(|person| person.name.clone());
        Message {
            id: MessageId::from_bytes([self.said; 16]),
            author: peer(author),
            author_name: name.unwrap_or("Ann".to_owned()),
            own: author == 0,
            whisper_to: to.map(peer),
            order: Timestamp::from_unix_millis(u64::from(self.said)),
            unix_millis: NOON + u64::from(self.said) * 1_000,
            dated_ahead: false,
            recent: false,
            reply_to: None,
            vanish: None,
            deleted: false,
            text: text.to_owned(),
            file: None,
        }
    }

    /// Somebody says something; Ann is 0.
    pub(super) fn says(&mut self, author: u8, text: &str) {
        let message = self.message(author, None, text);
        self.happens(Event::Message { message });
    }

    pub(super) fn whispers(&mut self, author: u8, to: u8, text: &str) {
        let message = self.message(author, Some(to), text);
        self.happens(Event::Message { message });
    }

    pub(super) fn offers(&mut self, author: u8, name: &str) -> FileInfo {
        let mut message = self.message(author, None, "");
        let root = FileId::from_bytes([self.said; 32]);
        let info = FileInfo {
            root,
            name: name.to_owned(),
            media_type: "text/plain".to_owned(),
            bytes: 1_000_000,
        };
        message.file = Some(info.clone());
        self.state.apply(Action::Numbered(root, usize::from(self.said)));
        self.happens(Event::Message { message });
        info
    }

    /// How far the last message got.
    pub(super) fn is_delivered(&mut self, delivery: Delivery) {
        let id = MessageId::from_bytes([self.said; 16]);
        self.happens(Event::Delivery { id, delivery });
    }

    pub(super) fn is_told(&mut self, report: Report) {
        assert_eq!(self.state.apply(Action::Report(Box::new(report))), None);
    }

    pub(super) fn press_with(&mut self, modifiers: KeyModifiers, code: KeyCode) -> Option<Effect> {
        self.state.apply(Action::Key(KeyEvent::new(code, modifiers)))
    }

    pub(super) fn press(&mut self, code: KeyCode) -> Option<Effect> {
        self.press_with(KeyModifiers::NONE, code)
    }

    pub(super) fn control(&mut self, letter: char) -> Option<Effect> {
        self.press_with(KeyModifiers::CONTROL, KeyCode::Char(letter))
    }

    pub(super) fn types(&mut self, text: &str) {
        for letter in text.chars() {
            assert_eq!(self.press(KeyCode::Char(letter)), None);
        }
    }

    pub(super) fn resize(&mut self, width: u16, height: u16) {
        self.state.apply(Action::Resized(Size { width, height }));
    }

    pub(super) fn buffer(&self) -> Buffer {
        let Size { width, height } = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(&self.state, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The rows, without blanks at their ends.
    pub(super) fn rows(&self) -> Vec<String> {
        rows(&self.buffer())
    }

    /// What is on the screen.
    pub(super) fn shown(&self) -> String {
        self.rows().join("\n")
    }

    /// The row that has a text in it.
    pub(super) fn row(&self, part: &str) -> String {
        let rows = self.rows();
        let row = rows.iter().find(|row| row.contains(part));
        row.unwrap_or_else(|| panic!("{part} is not in\n{}", rows.join("\n")))
            .clone()
    }
}

pub(super) fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y: u16| {
        let mut row = String::new();
        let mut x = 0;
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            row += symbol;
            x += u16::try_from(crate::harmless::width(symbol)).unwrap().max(1);
        }
        row.trim_end().to_owned()
    };
    (0..area.height).map(row).collect()
}

/// Ann, Bob and Cy, who have said something.
pub(super) fn three(width: u16, height: u16) -> Sitter {
    let mut ann = Sitter::new(width, height);
    ann.comes(1, "Bob");
    ann.comes(2, "Cy Young");
    ann.press(KeyCode::Esc);
    ann.says(1, "hello all");
    ann.says(
        0,
        "hi! How is the tea? I have made a pot, and there is more of it than I can drink",
    );
    ann.is_delivered(Delivery::Sent { delivered: 1, of: 2 });
    ann.whispers(2, 0, "psst, Ann");
    ann.whispers(0, 2, "what?");
    ann.is_delivered(Delivery::Sent { delivered: 1, of: 1 });
    ann
}

#[test]
fn a_room_is_shown_on_80_by_24() {
    let mut ann = three(80, 24);
    ann.is_told(Report::Done {
        text: "Fetching it…".to_owned(),
    });
    let info = ann.offers(1, "notes.txt");
    let progress = FileProgress {
        state: FileState::Fetching,
        pieces_have: 2,
        pieces: 4,
        bytes_have: 500_000,
        sources: 1,
        through: None,
    };
    ann.happens(Event::File {
        info: info.clone(),
        progress,
    });
    ann.types("a draft");
    let expected = "
 tea  3 people here. Looking for the server…                 network 3, 2 links
                                                     │People: 3 here
                                                     │  everyone
                                                     │= Bob                12 ms
                                                     │= Cy Young           12 ms
                                                     │
                                                     │
                                                     │
                                                     │
                                                     │
                                                     │
── 2026-11-27 ───────────────────────────────────────│
12:00 Bob: hello all                                 │
12:00 You: hi! How is the tea? I have made a pot, and│
      there is more of it than I can drink (delivered│
      to 1 of 2)                                     │
12:00 Cy Young whispers: psst, Ann                   │
12:00 You whisper to Cy Young: what? (delivered)     │
* Fetching it…                                       │
12:00 Bob offers file 5: notes.txt, 500 KB of 1 MB · │
      from 1 person                                  │
── to everyone ─────────────────────────────────────────────────────────────────
> a draft
 F1 help  F2 people  F3 files  F4 network  ^F search  PgUp scroll  Tab complete";
    similar(&ann.rows(), expected);
}

#[test]
fn a_small_terminal_shows_messages_or_a_panel() {
    let mut ann = three(40, 12);
    let expected = "
 tea  3 people here… network 3, 2 links
12:00 Bob: hello all
12:00 You: hi! How is the tea? I have
      made a pot, and there is more of
      it than I can drink (delivered to
      1 of 2)
12:00 Cy Young whispers: psst, Ann
12:00 You whisper to Cy Young: what?
      (delivered)
── to everyone ─────────────────────────
>
 F1 help  F2 people  F3 files";
    similar(&ann.rows(), expected);
    ann.press(KeyCode::F(2));
    assert!(ann.row("Cy Young").starts_with("= Cy Young"), "{}", ann.shown());
    assert!(!ann.shown().contains("hello all"));
    ann.press(KeyCode::Esc);
    assert!(ann.shown().contains("You whisper to Cy Young"));
}

#[test]
fn a_large_terminal_shows_all_keys() {
    let ann = three(200, 60);
    assert!(ann.rows()[59].ends_with("^D leave"), "{}", ann.shown());
    assert_eq!(ann.rows()[57].chars().count(), 200);
}

#[test]
fn no_size_of_a_terminal_is_too_small() {
    for width in [0, 1, 2, 5, 13, 29] {
        for height in [0, 1, 2, 3, 5, 6, 13] {
            let mut ann = three(width, height);
            ann.types("字字字字字字字字字字字");
            ann.buffer();
            for key in [1, 2, 3, 4, 5] {
                ann.press(KeyCode::F(key));
                ann.buffer();
                ann.press(KeyCode::PageDown);
                ann.press(KeyCode::Esc);
            }
            for key in [KeyCode::PageUp, KeyCode::PageDown] {
                ann.press(key);
                ann.buffer();
            }
        }
    }
}

#[test]
fn the_network_and_files_stand_beside_the_messages() {
    let mut ann = three(80, 24);
    ann.press(KeyCode::F(4));
    assert!(ann.row("Network: 3").contains('│'));
    assert!(
        ann.row("not known yet, first").contains("│  not known yet"),
        "{}",
        ann.shown()
    );
    ann.offers(1, "one.txt");
    let info = ann.offers(2, "two.txt");
    let progress = FileProgress {
        state: FileState::Paused,
        pieces_have: 1,
        pieces: 4,
        bytes_have: 250_000,
        sources: 0,
        through: None,
    };
    ann.happens(Event::File {
        info: info.clone(),
        progress,
    });
    ann.press(KeyCode::F(3));
    assert!(ann.row("Files: 2").contains('│'));
    assert!(ann.shown().contains("│  [##------] 25 %"), "{}", ann.shown());
    // The latest first.
    let fetched = ann.press(KeyCode::Enter);
    let Some(Effect::Type { typed, .. }) = fetched else {
        panic!("{fetched:?}")
    };
    let file = info.root.to_text().parse().unwrap();
    let command = crate::line::command::Command::Get { file, path: None };
    assert_eq!(typed, crate::run::Typed::Command(command));
}

/// Compares rows; a first row that is empty is none.
fn similar(rows: &[String], expected: &str) {
    let expected: Vec<_> = expected.trim_start_matches('\n').lines().collect();
    let shown = rows.join("\n");
    assert_eq!(rows.len(), expected.len(), "\n{shown}");
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected, "\n{shown}");
    }
}
