//! What is told of changes of a room.

use client::{
    notice::NoticeKind,
    room::{RoomAction, Visibility, reduce},
};
use mesh::model::{Annotation, Event, FileInfo, Message, Person, Says, Timestamp};
use shared::FileId;

use super::*;
use crate::report::{DeliveryState, FileStanding, PersonStanding};

const ME: u8 = 0;

fn peer(byte: u8) -> PeerId {
    PeerId::from_bytes([byte; 32])
}

fn id(byte: u8) -> MessageId {
    MessageId::from_bytes([byte; 16])
}

struct Rig {
    room: RoomState,
    transcript: Transcript,
}

impl Rig {
    fn new() -> Self {
        let mut rig = Self {
            room: RoomState::new(peer(ME), "me".to_owned()),
            transcript: Transcript::default(),
        };
        // How it stands at the start is told first.
        assert!(matches!(rig.look()[..], [Report::Standing { .. }]));
        rig
    }

    fn act(&mut self, action: RoomAction) {
        reduce(&mut self.room, action);
    }

    fn happen(&mut self, event: Event) {
        self.act(RoomAction::Event {
            event,
            visibility: Visibility::Shown,
        });
    }

    fn look(&mut self) -> Vec<Report> {
        let reports = self.transcript.update(&self.room);
        assert_eq!(self.transcript.update(&self.room), [], "everything is told once");
        reports
    }

    fn message(&mut self, byte: u8, author: u8, text: &str) {
        self.happen(Event::Message {
            message: message(byte, author, text),
        });
    }

    fn person(&mut self, byte: u8, name: Option<&str>, state: PersonState) {
        let person = Person {
            peer: peer(byte),
            name: name.map(str::to_owned),
            state,
            linked: true,
            round_trip: None,
            archive: false,
        };
        self.happen(Event::Person { person });
    }
}

fn message(byte: u8, author: u8, text: &str) -> Message {
    Message {
        id: id(byte),
        author: peer(author),
        author_name: "Ann".to_owned(),
        own: author == ME,
        whisper_to: None,
        order: Timestamp::default(),
        unix_millis: 1_700_000_000_000,
        dated_ahead: false,
        recent: false,
        text: text.to_owned(),
        file: None,
        reply_to: None,
        vanish: None,
        deleted: false,
    }
}

fn texts(reports: &[Report]) -> Vec<(&str, bool)> {
    fn text(report: &Report) -> Option<(&str, bool)> {
        match report {
            Report::Message(message) => Some((&message.text, message.earlier)),
            _ => None,
        }
    }
    reports.iter().filter_map(text).collect()
}

#[test]
fn what_is_recalled_is_told_apart_from_what_is_new() {
    let mut rig = Rig::new();
    let messages = vec![message(1, 1, "of yesterday"), message(3, ME, "mine")];
    rig.happen(Event::Recalled { messages });
    rig.act(RoomAction::Kept { kept: true });
    assert_eq!(texts(&rig.look()), [("of yesterday", true), ("mine", true)]);
    // Its place is before what was told already.
    rig.message(2, 1, "late");
    assert_eq!(texts(&rig.look()), [("late", false)]);
}

#[test]
fn how_far_a_message_got_is_told_as_often_as_it_changes_also_under_another_id() {
    let mut rig = Rig::new();
    rig.message(1, ME, "hi");
    let delivery = |byte, delivery| Event::Delivery { id: id(byte), delivery };
    rig.happen(delivery(1, Delivery::Waiting));
    let reports = rig.look();
    let [Report::Message(_), Report::Delivery(told)] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!(told.state, DeliveryState::Waiting);

    rig.happen(Event::Renumbered {
        before: id(1),
        id: id(2),
        order: Timestamp::default(),
    });
    rig.happen(delivery(2, Delivery::Sent { delivered: 1, of: 1 }));
    let reports = rig.look();
    let [Report::Renumbered { id: now, .. }, Report::Delivery(told)] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!((*now == id(2).to_text(), told.is_complete()), (true, true));
    // The same text once more is another message.
    rig.message(3, ME, "hi");
    assert_eq!(texts(&rig.look()), [("hi", false)]);
}

#[test]
fn people_come_go_and_change_their_names() {
    let mut rig = Rig::new();
    rig.person(1, None, PersonState::Here);
    rig.look();
    rig.person(1, Some("Bob"), PersonState::Here);
    let reports = rig.look();
    let [Report::Person(told)] = &reports[..] else {
        panic!("{reports:?}")
    };
    assert_eq!((told.name.as_str(), told.state), ("Bob", PersonStanding::Here));
    rig.person(1, Some("Rob"), PersonState::Here);
    let renamed = Report::Renamed {
        id: peer(1).to_text(),
        before: "Bob".to_owned(),
        name: "Rob".to_owned(),
    };
    assert_eq!(rig.look(), [renamed]);
    rig.person(1, Some("Rob"), PersonState::Left);
    assert!(matches!(&rig.look()[..], [Report::Person(told)] if told.state == PersonStanding::Left));
}

#[test]
fn files_are_numbered_as_they_come_and_keep_their_numbers() {
    let mut rig = Rig::new();
    for (byte, root) in [(9, 1), (5, 2), (6, 1)] {
        let info = FileInfo {
            root: FileId::from_bytes([root; 32]),
            bytes: 5,
            name: "../a\u{202e}.txt".to_owned(),
            media_type: String::new(),
        };
        let file = Some(info);
        rig.happen(Event::Message {
            message: Message {
                file,
                ..message(byte, 1, "")
            },
        });
        let reports = rig.look();
        let [Report::Message(told)] = &reports[..] else {
            panic!("{reports:?}")
        };
        let told = told.file.as_ref().unwrap();
        assert_eq!((told.number, told.name.as_str()), (usize::from(root), "a\u{fffd}.txt"));
    }
    rig.happen(Event::File {
        info: FileInfo {
            root: FileId::from_bytes([2; 32]),
            bytes: 5,
            name: "a.txt".to_owned(),
            media_type: String::new(),
        },
        progress: FileProgress {
            state: FileState::Whole,
            pieces_have: 1,
            pieces: 1,
            bytes_have: 5,
            sources: 1,
            through: None,
        },
    });
    let reports = rig.look();
    assert!(
        matches!(&reports[..], [Report::File(told)] if told.number == 2 && told.state == FileStanding::Whole),
        "{reports:?}"
    );
    assert_eq!(rig.transcript.numbers().file(2), Some(FileId::from_bytes([2; 32])));
    assert_eq!(
        (rig.transcript.numbers().file(0), rig.transcript.numbers().file(3)),
        (None, None)
    );
}

#[test]
fn notices_codes_names_and_the_end_are_told() {
    let mut rig = Rig::new();
    let notice = NoticeKind::SlotLost.into();
    rig.act(RoomAction::Notify { notice });
    rig.happen(Event::Invitation {
        text: "code".to_owned(),
    });
    rig.happen(Event::RoomNamed { name: "Tea".to_owned() });
    rig.happen(Event::Topic {
        topic: "Tea at five".to_owned(),
    });
    rig.happen(Event::RoomClosed);
    rig.happen(Event::Left);
    let reports = rig.look();
    let kinds: Vec<_> = reports
        .iter()
        .map(|report| serde_json::to_value(report).unwrap()["type"].clone())
        .collect();
    let expected = [
        "standing",
        "notice",
        "invitation",
        "room_named",
        "topic",
        "room_closed",
        "left",
    ];
    assert_eq!(kinds, expected);
    // One that is gone leaves nothing to tell.
    rig.act(RoomAction::InvitationUsed);
    assert_eq!(rig.look(), []);
}

#[test]
fn what_people_say_of_a_message_is_told_once_when_it_changes() {
    let mut rig = Rig::new();
    rig.message(1, 1, "teh plan");
    rig.look();
    let said = |byte: u8, author, says| {
        let annotation = Annotation {
            id: id(byte),
            author: peer(author),
            author_name: "Ann".to_owned(),
            order: Timestamp::default(),
            to: id(1),
            says,
        };
        let annotations = vec![annotation];
        Event::Annotated { annotations }
    };
    let text = |text: &str| Says::Text { text: text.to_owned() };
    rig.happen(said(2, 1, text("the plan")));
    let reports = rig.look();
    let [Report::Edited(message)] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!((message.text.as_str(), message.edited), ("the plan", true));
    // Not by its author.
    rig.happen(said(3, 2, text("another plan")));
    assert_eq!(rig.look(), []);
    let emoji = vec!["👍".to_owned()];
    rig.happen(said(4, 2, Says::Reactions { emoji }));
    let reports = rig.look();
    let [Report::Reactions { excerpt, reactions, .. }] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!(
        (excerpt.as_str(), reactions[0].words.as_str()),
        ("the plan", "👍 1 from Ann")
    );
    let (author, ids) = (peer(1), vec![MessageId::from_bytes([1; 16])]);
    rig.happen(Event::Deleted { author, ids });
    let reports = rig.look();
    let [Report::Deleted(message)] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert!(message.deleted && !message.edited && message.reactions.is_empty());
    assert_eq!(rig.look(), []);
}
