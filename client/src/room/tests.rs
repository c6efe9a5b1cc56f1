//! The room as shown, event by event.

use mesh::model::{Alert, FileState, PersonState, Timestamp};

use super::*;
use crate::{
    config::TEXT_TOTAL_BYTES_MAX,
    notice::{Level, NoticeKind},
};

fn peer(byte: u8) -> PeerId {
    PeerId::from_bytes([byte; 32])
}

fn empty() -> RoomState {
    RoomState::new(peer(0), "Me".to_owned())
}

fn happens(state: &mut RoomState, event: Event) {
    reduce(
        state,
        RoomAction::Event {
            event,
            visibility: Visibility::Shown,
        },
    );
}

fn after(events: impl IntoIterator<Item = Event>) -> RoomState {
    let mut state = empty();
    for event in events {
        happens(&mut state, event);
    }
    state
}

fn person(byte: u8, name: &str, state: PersonState) -> Event {
    let person = Person {
        peer: peer(byte),
        name: Some(name.to_owned()),
        state,
        linked: true,
        round_trip: None,
        archive: false,
    };
    Event::Person { person }
}

fn message(byte: u8, own: bool, text: &str) -> Event {
    Event::Message {
        message: sample::message(byte, u8::from(!own), text),
    }
}

#[test]
fn what_is_kept_no_longer_is_shown_no_longer_and_the_rule_is_a_line() {
    let Event::Message { message: mut rule } = message(9, false, "") else {
        panic!()
    };
    rule.vanish = Some(Vanish::Day);
    let ids = [1, 3].map(|byte| MessageId::from_bytes([byte; 16])).to_vec();
    let state = after([
        message(1, true, "one"),
        message(2, false, "two"),
        message(3, false, "three"),
        Event::Vanishing { after: Vanish::Day },
        Event::Message { message: rule },
        Event::Dropped { ids },
    ]);
    let texts: Vec<_> = state.messages.iter().map(|entry| entry.message.text.as_str()).collect();
    assert_eq!(texts, ["two", "Messages in this room vanish after a day."]);
    assert_eq!(state.text_bytes, texts.concat().len());
    assert_eq!(state.vanish, Vanish::Day);
}

#[test]
fn people_change_in_place_and_are_forgotten() {
    let mut state = after([
        person(1, "Ada", PersonState::Connecting),
        person(2, "Bo", PersonState::Here),
        person(1, "Ada", PersonState::Left),
    ]);
    assert_eq!(
        state.people.iter().map(|person| person.state).collect::<Vec<_>>(),
        [PersonState::Left, PersonState::Here]
    );
    assert_eq!(state.people_in_order().0[0].peer, peer(2));
    assert_eq!(state.present(), 2);
    happens(&mut state, Event::PersonForgotten { peer: peer(1) });
    assert_eq!(state.people.len(), 1);
}

#[test]
fn who_is_away_is_listed_last_the_most_recent_first_and_is_not_here() {
    let mut state = after([
        person(1, "Ada", PersonState::Away),
        person(2, "Bo", PersonState::Away),
        person(3, "Cy", PersonState::Left),
        person(4, "Di", PersonState::Here),
    ]);
    let in_order = |state: &RoomState| {
        let (people, first_away) = state.people_in_order();
        let people: Vec<_> = people.iter().map(|person| person.peer).collect();
        (people, first_away)
    };
    assert_eq!(in_order(&state), ([4, 3, 2, 1].map(peer).to_vec(), 2));
    assert_eq!(state.present(), 2);
    // Their link comes before their name.
    let Event::Person { person: coming } = person(1, "", PersonState::Connecting) else {
        panic!()
    };
    let person = Person { name: None, ..coming };
    happens(&mut state, Event::Person { person });
    assert_eq!(state.name_of(&peer(1)), "Ada");
    assert_eq!(in_order(&state), ([1, 4, 3, 2].map(peer).to_vec(), 3));
}

#[test]
fn names_used_twice_carry_fingerprints() {
    let state = after([person(1, "Ada", PersonState::Here), person(2, "Me", PersonState::Here)]);
    assert_eq!(state.name_of(&peer(1)), "Ada");
    assert_eq!(state.name_of(&peer(2)), format!("Me ({})", peer(2).fingerprint()));
    assert_eq!(state.name_of(&peer(3)), format!("Someone ({})", peer(3).fingerprint()));
}

#[test]
fn who_is_not_listed_is_called_as_in_their_last_message() {
    let mut state = after([message(1, false, "x")]);
    assert_eq!(state.name_of(&peer(1)), "Ada");
    happens(&mut state, person(2, "Ada", PersonState::Here));
    assert_eq!(state.name_of(&peer(1)), format!("Ada ({})", peer(1).fingerprint()));
    assert_eq!(state.name_of(&peer(2)), "Ada");
}

#[test]
fn delivery_reaches_only_own_messages() {
    let delivery = Delivery::Sent { delivered: 1, of: 2 };
    let state = after([
        message(1, true, "a"),
        message(2, false, "b"),
        Event::Delivery {
            id: MessageId::from_bytes([1; 16]),
            delivery,
        },
        Event::Delivery {
            id: MessageId::from_bytes([2; 16]),
            delivery,
        },
    ]);
    assert_eq!(
        state.messages.iter().map(|entry| entry.delivery).collect::<Vec<_>>(),
        [Some(delivery), None]
    );
}

#[test]
fn unread_counts_what_others_say_while_hidden() {
    let mut state = empty();
    let hidden = Visibility::Hidden;
    for (byte, own, visibility) in [
        (1, false, hidden),
        (2, true, hidden),
        (3, false, Visibility::Shown),
        (4, false, hidden),
    ] {
        let event = message(byte, own, "x");
        reduce(&mut state, RoomAction::Event { event, visibility });
    }
    assert_eq!(state.unread, 2);
    reduce(&mut state, RoomAction::Seen);
    assert_eq!(state.unread, 0);
}

/// What is shown, in order, by the first byte of the ids.
fn shown(state: &RoomState) -> Vec<u8> {
    state
        .messages
        .iter()
        .map(|entry| entry.message.id.as_bytes()[0])
        .collect()
}

#[test]
fn messages_stand_in_the_order_of_the_room_however_they_come() {
    let state = after([5, 2, 9, 1, 7].map(|byte| message(byte, false, "x")));
    assert_eq!(shown(&state), [1, 2, 5, 7, 9]);
}

#[test]
fn messages_of_one_time_stand_in_the_order_of_their_ids() {
    let of_one_time = [3, 1, 2].map(|byte| {
        let mut event = message(byte, false, "x");
        if let Event::Message { message } = &mut event {
            message.order = Timestamp::from_unix_millis(7);
        }
        event
    });
    assert_eq!(shown(&after(of_one_time)), [1, 2, 3]);
}

/// A message that is dated far ahead.
fn ahead(byte: u8) -> Event {
    let mut event = message(byte, false, "x");
    if let Event::Message { message } = &mut event {
        message.dated_ahead = true;
    }
    event
}

#[test]
fn what_is_dated_ahead_stands_apart_until_something_comes_after_it() {
    let mut state = after([ahead(50), message(1, false, "x"), ahead(40), message(2, false, "x")]);
    assert_eq!((shown(&state), state.ahead_from()), (vec![1, 2, 40, 50], 2));
    happens(&mut state, message(45, false, "x"));
    assert_eq!(
        (shown(&state), state.ahead_from()),
        (vec![1, 2, 40, 45, 50], 4),
        "40 is due"
    );
    assert_eq!(after([ahead(1)]).ahead_from(), 0);
    assert_eq!(after([]).ahead_from(), 0);
}

#[test]
fn of_what_is_dated_ahead_only_so_many_are_shown_and_they_push_out_nobody() {
    let most = u8::try_from(AHEAD_SHOWN_MAX).unwrap();
    let state = after((100..=100 + most).rev().map(ahead).chain([message(1, false, "x")]));
    assert_eq!((state.messages.len(), state.ahead_from()), (AHEAD_SHOWN_MAX + 1, 1));
    assert_eq!(shown(&state).last(), Some(&(99 + most)), "the farthest goes");
    assert!(!state.dropped);
}

#[test]
fn a_message_told_twice_is_shown_once() {
    let state = after([message(2, false, "x"), message(1, false, "x"), message(2, false, "x")]);
    assert_eq!(shown(&state), [1, 2]);
    assert_eq!(state.text_bytes, 2);
}

#[test]
fn an_old_message_that_has_no_room_left_pushes_out_none() {
    let big = "x".repeat(TEXT_TOTAL_BYTES_MAX);
    let state = after([message(2, false, &big), message(1, false, "y")]);
    assert_eq!(shown(&state), [2]);
    assert!(state.dropped);
}

#[test]
fn an_invitation_is_shown_until_it_was_answered() {
    let text = "made-here".to_owned();
    let mut state = after([Event::Invitation { text }]);
    assert_eq!(state.invitation.as_deref(), Some("made-here"));
    reduce(&mut state, RoomAction::InvitationUsed);
    assert_eq!(state.invitation, None);
}

#[test]
fn old_messages_make_room() {
    let big = "x".repeat(TEXT_TOTAL_BYTES_MAX / 2);
    let state = after([message(1, false, &big), message(2, false, &big), message(3, false, "y")]);
    assert_eq!(state.messages.len(), 2);
    assert!(state.dropped);
}

#[test]
fn who_floods_the_list_pushes_out_only_their_own() {
    let big = "x".repeat(TEXT_TOTAL_BYTES_MAX / 4);
    let flood = (2..=9).map(|byte| match message(byte, false, &big) {
        Event::Message { message } => Event::Message {
            message: Message {
                author: peer(2),
                ..message
            },
        },
        event => panic!("{event:?} is no message"),
    });
    let state = after([message(1, false, "hello")].into_iter().chain(flood));
    assert_eq!(shown(&state), [1, 7, 8, 9]);
}

#[test]
fn what_others_say_is_heard_once_wherever_its_place_is_and_history_is_not() {
    let said = |byte, own, recent| match message(byte, own, "x") {
        Event::Message { message } => Event::Message {
            message: Message { recent, ..message },
        },
        event => panic!("{event:?} is no message"),
    };
    let mut state = after([said(9, false, true), said(8, false, false), said(7, true, true)]);
    assert_eq!(state.heard.len(), 1);
    happens(&mut state, said(3, false, true));
    happens(&mut state, said(3, false, true));
    assert_eq!(
        state.heard,
        [9, 3].map(|byte| MessageId::from_bytes([byte; 16])),
        "late, and once"
    );
    for byte in 10..10 + u8::try_from(HEARD_MAX).unwrap() {
        happens(&mut state, said(byte, false, true));
    }
    assert_eq!(state.heard.len(), HEARD_MAX);
}

#[test]
fn of_whom_is_muted_nothing_is_counted_or_heard_and_all_is_there_again_later() {
    let mut state = empty();
    let mute = Mark {
        muted: true,
        ..Mark::default()
    };
    let marks = Rc::new([(peer(1), mute)].into_iter().collect());
    reduce(&mut state, RoomAction::Marked { marks });
    let event = match message(1, false, "x") {
        Event::Message { message } => Event::Message {
            message: Message {
                recent: true,
                ..message
            },
        },
        event => panic!("{event:?} is no message"),
    };
    let visibility = Visibility::Hidden;
    reduce(&mut state, RoomAction::Event { event, visibility });
    assert_eq!((state.unread, state.heard.len(), state.first_unread), (0, 0, None));
    assert_eq!(shown(&state), [1]);
}

#[test]
fn the_first_of_those_that_came_unseen_is_known_until_the_person_says_something() {
    let mut state = empty();
    let comes = |state: &mut RoomState, byte, visibility| {
        let event = message(byte, false, "x");
        reduce(state, RoomAction::Event { event, visibility });
        state.first_unread
    };
    let id = |byte| Some(MessageId::from_bytes([byte; 16]));
    assert_eq!(comes(&mut state, 1, Visibility::Shown), None);
    assert_eq!(comes(&mut state, 2, Visibility::Hidden), id(2));
    assert_eq!(comes(&mut state, 3, Visibility::Hidden), id(2));
    reduce(&mut state, RoomAction::Seen);
    assert_eq!(comes(&mut state, 4, Visibility::Shown), id(2), "it is being read");
    assert_eq!(comes(&mut state, 9, Visibility::Hidden), id(9));
    assert_eq!(
        comes(&mut state, 5, Visibility::Hidden),
        id(5),
        "it came late, and stands before"
    );
    happens(&mut state, message(10, true, "y"));
    assert_eq!(state.first_unread, None);
}

#[test]
fn an_alert_with_another_count_replaces_the_former_and_the_worst_stay() {
    let tampering = |dropped| Event::Alert {
        alert: Alert::Tampering { dropped },
    };
    let mut state = after([tampering(9), tampering(10)]);
    assert_eq!(state.notices.len(), 1);
    assert_eq!(
        state.notices[0].notice.kind,
        NoticeKind::Alert {
            alert: Alert::Tampering { dropped: 10 },
            name: None
        }
    );
    for letter in 'a'..='z' {
        let name = letter.to_string();
        let notice = NoticeKind::OutOfReach { name }.into();
        reduce(&mut state, RoomAction::Notify { notice });
    }
    assert_eq!(state.notices.len(), NOTICES_MAX);
    assert_eq!(state.notices[0].notice.level, Level::Danger);
    let id = state.notices[0].id;
    reduce(&mut state, RoomAction::Dismiss { id });
    assert!(state.notices.iter().all(|pinned| pinned.id != id));
}

#[test]
fn an_author_is_called_as_then_and_told_from_others_of_now() {
    let state = after([
        person(1, "Ada Augusta", PersonState::Here),
        message(1, false, "x"),
        message(2, true, "y"),
    ]);
    let author = |state: &RoomState, index: usize| state.author_of(&state.messages[index].message);
    assert_eq!(author(&state, 0), "Ada", "not the longer name of now");
    assert_eq!(author(&state, 1), "Me");
    let state = after([
        person(1, "Ada", PersonState::Here),
        person(2, "Ada", PersonState::Here),
        message(1, false, "x"),
    ]);
    assert_eq!(author(&state, 0), format!("Ada ({})", peer(1).fingerprint()));
    let state = after([
        message(1, false, "x"),
        person(1, "Cid", PersonState::Here),
        person(2, "Ada", PersonState::Here),
    ]);
    let then = format!("Ada ({})", peer(1).fingerprint());
    assert_eq!(
        author(&state, 0),
        then,
        "who called themselves so before is not who does now"
    );
}

#[test]
fn a_name_that_looks_like_anothers_or_like_a_mark_of_ours_carries_its_fingerprint() {
    for (name, marked) in [
        ("Аda", true),
        ("ada", true),
        ("Ada (you)", true),
        ("Ada (yοu) ", true),
        ("Ada （you）", true),
        ("Ada (PKWX-LP64)", true),
        ("Ada Augusta", false),
        ("Bob (work)", false),
    ] {
        let state = after([person(1, "Ada", PersonState::Here), person(2, name, PersonState::Here)]);
        let fingerprint = peer(2).fingerprint();
        let expected = if marked {
            format!("{name} ({fingerprint})")
        } else {
            name.to_owned()
        };
        assert_eq!(state.name_of(&peer(2)), expected);
    }
}

#[test]
fn a_message_follows_what_its_author_said_to_the_same_people_soon_before() {
    let said = |byte, own, unix_millis| match message(byte, own, "x") {
        Event::Message { message } => Message { unix_millis, ..message },
        event => panic!("{event:?} is no message"),
    };
    let first = said(1, false, 1_000);
    assert!(follows(&first, &said(2, false, 180_999)));
    assert!(!follows(&first, &said(2, false, 181_000)));
    assert!(!follows(&first, &said(2, true, 1_000)));
    let whisper = Message {
        whisper_to: Some(peer(0)),
        ..said(2, false, 1_000)
    };
    assert!(!follows(&first, &whisper));
}

#[test]
fn left_is_said_once_leaving_is_done() {
    assert!(after([Event::Left]).left);
}

#[test]
fn only_what_comes_counts_for_how_much_is_here() {
    let mut state = after([]);
    assert_eq!(state.files_percent(), None);
    for (byte, now, pieces_have) in [
        (1, FileState::Waiting, 0),
        (2, FileState::Paused, 1),
        (3, FileState::Whole, 4),
    ] {
        state
            .files
            .insert(FileId::from_bytes([byte; 32]), standing(now, pieces_have));
    }
    assert_eq!(state.files_percent(), None);
    for (byte, pieces_have) in [(4, 1), (5, 3)] {
        let progress = standing(FileState::Fetching, pieces_have);
        state.files.insert(FileId::from_bytes([byte; 32]), progress);
    }
    assert_eq!(state.files_percent(), Some(50));
}

#[test]
fn a_false_offer_has_no_progress_and_what_is_kept_is_listed_without_its_message() {
    let mut state = after([]);
    let info = FileInfo {
        root: FileId::from_bytes([1; 32]),
        bytes: 5,
        name: "a".into(),
        media_type: String::new(),
    };
    let lie = FileInfo {
        bytes: 6,
        ..info.clone()
    };
    let mut told = |now| {
        let (info, progress) = (info.clone(), standing(now, 4));
        let (event, visibility) = (Event::File { info, progress }, Visibility::Shown);
        reduce(&mut state, RoomAction::Event { event, visibility });
        state.clone()
    };
    let room = told(FileState::Whole);
    assert!(room.progress(&info).is_some() && room.progress(&lie).is_none());
    assert_eq!(room.files_besides(&room.offers()), [&info]);
    let offered = told(FileState::Offered);
    assert!(offered.files_besides(&offered.offers()).is_empty());
}

fn standing(state: FileState, pieces_have: u32) -> FileProgress {
    FileProgress {
        state,
        pieces_have,
        pieces: 4,
        bytes_have: 0,
        sources: 0,
        through: None,
    }
}
