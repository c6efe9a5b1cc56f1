use std::rc::Rc;

use mesh::model::{Annotation, Event, Says, Timestamp};
use shared::{MessageId, PeerId};

use super::super::{RoomAction, RoomState, Visibility, reduce, sample::message};
use crate::{
    config::{ANNOTATION_WEIGHT_BYTES, ANNOTATIONS_BYTES_MAX, REACTORS_MAX},
    words::page,
};

fn peer(byte: u8) -> PeerId {
    PeerId::from_bytes([byte; 32])
}

fn id(byte: u8) -> MessageId {
    MessageId::from_bytes([byte; 16])
}

fn happens(state: &mut RoomState, event: Event) {
    let visibility = Visibility::Shown;
    reduce(state, RoomAction::Event { event, visibility });
}

fn room() -> RoomState {
    RoomState::new(peer(0), "Me".into())
}

/// Said by `author`, at the place of its id.
fn said(byte: u8, author: u8, text: &str) -> Event {
    let message = message(byte, author, text);
    Event::Message { message }
}

fn annotation(byte: u8, author: u8, to: u8, says: Says) -> Annotation {
    Annotation {
        id: id(byte),
        author: peer(author),
        author_name: "Ada".into(),
        order: Timestamp::from_unix_millis(byte.into()),
        to: id(to),
        says,
    }
}

fn annotated(annotation: Annotation) -> Event {
    let annotations = vec![annotation];
    Event::Annotated { annotations }
}

fn edit(byte: u8, author: u8, to: u8, text: &str) -> Event {
    annotated(annotation(byte, author, to, Says::Text { text: text.into() }))
}

fn react(byte: u8, author: u8, to: u8, emoji: &[&str]) -> Event {
    let emoji = emoji.iter().map(|&one| one.into()).collect();
    annotated(annotation(byte, author, to, Says::Reactions { emoji }))
}

/// The emoji of the message of this id, each with who has it.
fn reactions(state: &RoomState, to: u8) -> Vec<(String, Vec<PeerId>)> {
    let about = state.entry(&id(to)).unwrap().about.clone().unwrap();
    let reactions = about.reactions().into_iter();
    let owned = reactions.map(|one| {
        (
            one.emoji.to_owned(),
            one.from.iter().map(|(author, _)| *author).collect(),
        )
    });
    owned.collect()
}

/// All orders of some things.
fn orders(of: &[Event]) -> Vec<Vec<Event>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for place in 0..of.len() {
        let mut rest = of.to_vec();
        let first = rest.remove(place);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

#[test]
fn in_whatever_order_they_come_the_last_word_of_each_author_counts() {
    let events = [
        said(1, 1, "teh first"),
        edit(2, 1, 1, "the first"),
        edit(3, 1, 1, "the frist"),
        edit(5, 1, 1, "the last"),
        // Not by its author.
        edit(9, 2, 1, "something else"),
        react(4, 2, 1, &["🎉", "👍"]),
        react(6, 3, 1, &["👍"]),
    ];
    for mut order in orders(&events) {
        // Some come twice.
        let again = order[2].clone();
        order.push(again);
        let mut state = room();
        for event in order {
            happens(&mut state, event);
        }
        let entry = state.entry(&id(1)).unwrap();
        assert_eq!(entry.message.text, "the last");
        assert_eq!(entry.original.as_deref(), Some("teh first"));
        let about = entry.about.as_ref().unwrap();
        let former: Vec<_> = about
            .former_texts(&peer(1))
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        assert_eq!(former, ["the first", "the frist"]);
        let expected = [
            ("🎉".to_owned(), vec![peer(2)]),
            ("👍".to_owned(), vec![peer(2), peer(3)]),
        ];
        assert_eq!(reactions(&state, 1), expected);
    }
}

#[test]
fn a_reaction_is_taken_back_and_an_earlier_one_does_not_return() {
    let mut state = room();
    happens(&mut state, said(1, 1, "hi"));
    happens(&mut state, react(3, 2, 1, &[]));
    happens(&mut state, react(2, 2, 1, &["👍"]));
    assert!(reactions(&state, 1).is_empty());
}

#[test]
fn a_message_that_has_another_id_keeps_what_was_said_of_it() {
    let mut state = room();
    happens(&mut state, said(1, 0, "one"));
    happens(&mut state, edit(2, 0, 1, "two"));
    let order = Timestamp::from_unix_millis(7);
    let event = Event::Renumbered {
        before: id(1),
        id: id(7),
        order,
    };
    happens(&mut state, event);
    let entry = state.entry(&id(7)).unwrap();
    assert_eq!(
        (entry.message.text.as_str(), entry.original.as_deref()),
        ("two", Some("one"))
    );
}

#[test]
fn what_vanishes_takes_along_what_was_said_of_it() {
    let mut state = room();
    happens(&mut state, said(1, 1, "one"));
    happens(&mut state, edit(2, 1, 1, "two"));
    happens(&mut state, Event::Dropped { ids: vec![id(1)] });
    happens(&mut state, said(1, 1, "one"));
    assert_eq!(state.entry(&id(1)).unwrap().message.text, "one");
}

#[test]
fn what_is_changed_back_was_changed_in_whatever_order_that_comes() {
    let events = [said(1, 1, "yes"), edit(2, 1, 1, "no"), edit(3, 1, 1, "yes")];
    for order in orders(&events) {
        let mut state = room();
        for event in order {
            happens(&mut state, event);
        }
        let entry = state.entry(&id(1)).unwrap();
        assert_eq!(
            (entry.message.text.as_str(), entry.original.as_deref()),
            ("yes", Some("yes"))
        );
        let former = entry.about.as_ref().unwrap().former_texts(&peer(1)).to_vec();
        assert_eq!(former.len(), 1);
    }
}

fn number_id(number: usize) -> MessageId {
    let mut bytes = [9; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    MessageId::from_bytes(bytes)
}

#[test]
fn what_is_said_of_messages_that_are_not_here_makes_room_for_what_is() {
    let mut state = room();
    happens(&mut state, said(1, 1, "hi"));
    happens(&mut state, react(2, 2, 1, &["👍"]));
    for number in 0..=ANNOTATIONS_BYTES_MAX / ANNOTATION_WEIGHT_BYTES {
        let emoji = vec!["💩".into()];
        let flood = Annotation {
            to: number_id(number),
            ..annotation(3, 3, 1, Says::Reactions { emoji })
        };
        happens(&mut state, annotated(flood));
    }
    assert!(state.annotated_bytes <= ANNOTATIONS_BYTES_MAX);
    assert_eq!(reactions(&state, 1), [("👍".to_owned(), vec![peer(2)])]);
}

#[test]
fn a_flood_about_what_is_here_costs_its_author_all_of_theirs_and_nobody_else() {
    let mut state = room();
    happens(&mut state, said(1, 1, "hi"));
    happens(&mut state, edit(2, 1, 1, "hello"));
    happens(&mut state, react(3, 2, 1, &["👍"]));
    let long = "x".repeat(65_000);
    for number in 0..ANNOTATIONS_BYTES_MAX / 65_000 / 8 + 16 {
        let Event::Message { mut message } = said(4, 3, "short") else {
            unreachable!();
        };
        message.id = number_id(number);
        happens(&mut state, Event::Message { message });
        for version in 0..8 {
            let flood = Annotation {
                id: number_id(1_000 * version),
                to: number_id(number),
                ..annotation(5, 3, 1, Says::Text { text: long.clone() })
            };
            happens(&mut state, annotated(flood));
        }
    }
    assert!(state.annotated_bytes <= ANNOTATIONS_BYTES_MAX);
    assert_eq!(state.entry(&id(1)).unwrap().message.text, "hello");
    assert_eq!(reactions(&state, 1), [("👍".to_owned(), vec![peer(2)])]);
    // Whoever lost what they had said of it has a message as it was said first.
    let forgotten = state.entry(&number_id(0)).unwrap();
    assert_eq!((forgotten.message.text.as_str(), &forgotten.original), ("short", &None));
    let bytes: usize = state.messages.iter().map(|entry| entry.message.text.len()).sum();
    assert_eq!(state.text_bytes, bytes);
}

#[test]
fn so_many_have_an_emoji_for_a_message_and_no_more() {
    let mut state = room();
    happens(&mut state, said(1, 1, "hi"));
    for number in 0..REACTORS_MAX + 5 {
        let mut key = [7; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        let emoji = vec!["👍".into()];
        let one = Annotation {
            author: PeerId::from_bytes(key),
            ..annotation(2, 3, 1, Says::Reactions { emoji })
        };
        happens(&mut state, annotated(one));
    }
    assert_eq!(reactions(&state, 1)[0].1.len(), REACTORS_MAX);
}

#[test]
fn of_a_deleted_message_nothing_is_left_whatever_comes_first() {
    let deleted = |author| Event::Deleted {
        author: peer(author),
        ids: vec![id(1), id(2)],
    };
    let mut state = room();
    happens(&mut state, said(1, 1, "hi"));
    happens(&mut state, edit(2, 1, 1, "hello"));
    happens(&mut state, react(3, 2, 1, &["👍"]));
    happens(&mut state, deleted(2));
    assert_eq!(state.entry(&id(1)).unwrap().message.text, "hello");
    happens(&mut state, deleted(1));
    // What was said of it and comes late is of no use to anybody.
    happens(&mut state, edit(4, 1, 1, "hello?"));
    happens(&mut state, react(5, 2, 1, &["👍"]));
    let entry = Rc::clone(state.entry(&id(1)).unwrap());
    assert!(entry.message.deleted && !entry.may_be_answered());
    assert_eq!(entry.message.text, page::DELETED);
    assert_eq!((&entry.original, &entry.about), (&None, &None));
    assert_eq!(state.text_bytes, page::DELETED.len());
    // One that comes as deleted looks the same.
    let mut other = room();
    let Event::Message { mut message } = said(1, 1, "") else {
        unreachable!();
    };
    message.deleted = true;
    happens(&mut other, Event::Message { message });
    assert_eq!(other.entry(&id(1)), Some(&entry));
}
