//! What the tests start from: people, messages, a room.

use std::{cell::RefCell, rc::Rc};

use client::{
    room::{RoomAction, RoomState, Visibility, reduce},
    standing::standing,
    telling::Told,
};
use mesh::io::ServerId;
use mesh::model::{Event, InvitationError, Message, Person, PersonState, SendError, ServerState, Timestamp};
use shared::{MessageId, PeerId};
use web::{
    components::composer::Outgoing,
    pages::room::view::{RoomView, RoomViewProps},
};
use yew::{AttrValue, Callback};

use crate::shown::Shown;

pub(crate) async fn show(events: impl IntoIterator<Item = Event>) -> Shown<RoomView> {
    Shown::new(room(events, &Outbox::new(Ok(())))).await
}

pub(crate) fn room(events: impl IntoIterator<Item = Event>, outbox: &Outbox) -> RoomViewProps {
    let registered = Event::Server {
        server: ServerId(0),
        state: ServerState::Registered { room_size: 1 },
    };
    let mut state = RoomState::new(peer(0), "Me".to_owned());
    for event in [registered].into_iter().chain(events) {
        let visibility = Visibility::Shown;
        reduce(&mut state, RoomAction::Event { event, visibility });
    }
    let Outbox { sent, answer } = outbox.clone();
    RoomViewProps {
        others: Vec::new(),
        on_forward: Callback::noop(),
        on_move: Callback::noop(),
        standing: standing(&state, None),
        state: Rc::new(state),
        drafts: Rc::default(),
        is_open: false,
        name: None,
        link: AttrValue::from("http://host/#/r/x"),
        network: None,
        founder: false,
        retry_in: None,
        leaving: false,
        on_send: Callback::from(move |outgoing| {
            sent.borrow_mut().push(outgoing);
            answer
        }),
        typing: None,
        on_typing: Callback::noop(),
        on_retry: Callback::noop(),
        on_look: Callback::noop(),
        on_rename: Callback::noop(),
        on_name_room: Callback::from(|_| Ok(())),
        on_topic: Callback::from(|_| Ok(())),
        on_pin: Callback::noop(),
        on_keep: Callback::noop(),
        folded: false,
        on_fold: Callback::noop(),
        on_invite: Callback::from(|()| Ok(())),
        on_take: Callback::from(|_| Err(InvitationError::Damaged)),
        on_close: Callback::noop(),
        on_leave: Callback::noop(),
        on_files: Callback::noop(),
        on_files_refused: Callback::noop(),
        on_file: Callback::noop(),
        on_react: Callback::noop(),
        on_edit: Callback::from(|_| Ok(())),
        on_delete: Callback::noop(),
        told: Callback::from(|()| Told::Nothing),
        on_told: Callback::noop(),
        on_mark: Callback::noop(),
        preparing: None,
        on_dismiss: Callback::noop(),
        on_diagnose: Callback::from(|()| AttrValue::from("what happened")),
        on_check: Callback::noop(),
        on_save: Callback::noop(),
        on_import: Callback::noop(),
        on_forget: Callback::noop(),
        on_space: Callback::noop(),
        on_reload: Callback::noop(),
        safety_number: Callback::from(|_| "12345 67890".to_owned()),
        recipients: Callback::from(|_| vec![(peer(1), true), (peer(2), false)]),
    }
}

/// What the person sent, and what sending it gave.
#[derive(Clone)]
pub(crate) struct Outbox {
    sent: Rc<RefCell<Vec<Outgoing>>>,
    answer: Result<(), SendError>,
}

impl Outbox {
    pub(crate) fn new(answer: Result<(), SendError>) -> Self {
        Self {
            sent: Rc::default(),
            answer,
        }
    }

    pub(crate) fn sent(&self) -> Vec<Outgoing> {
        self.sent.borrow().clone()
    }
}

pub(crate) fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

pub(crate) fn person(number: u8, name: &str, state: PersonState) -> Event {
    Event::Person {
        person: Person {
            peer: peer(number),
            name: Some(name.to_owned()),
            state,
            linked: true,
            round_trip: None,
            archive: false,
        },
    }
}

pub(crate) fn message(number: u8, author: u8, whisper_to: Option<u8>, text: &str) -> Event {
    Event::Message {
        message: Message {
            id: MessageId::from_bytes([number; 16]),
            author: peer(author),
            author_name: if author == 0 { "Me" } else { "Ada" }.to_owned(),
            own: author == 0,
            whisper_to: whisper_to.map(peer),
            order: Timestamp::from_unix_millis(number.into()),
            unix_millis: 1_700_000_000_000,
            dated_ahead: false,
            recent: false,
            text: text.to_owned(),
            file: None,
            reply_to: None,
            vanish: None,
            deleted: false,
        },
    }
}
