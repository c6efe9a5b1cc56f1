//! All that is shown of a room, changed only by [`reduce`].

use std::rc::Rc;

use litemap::LiteMap;
use mesh::io::ServerId;
use mesh::model::{Delivery, Event, Message, Person, PersonState, ServerState};
use shared::{MessageId, PeerId};

use super::notice::Notice;

/// How many messages are kept on the page; the oldest go first, and the list says so.
pub const MESSAGES_MAX: usize = 5_000;

/// How many bytes of text are kept on the page; the oldest messages go first, and the list says so.
pub const TEXT_TOTAL_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How many notices are shown at once; the least bad go first, of equals the oldest.
pub const NOTICES_MAX: usize = 6;

/// A message and how far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The message.
    pub message: Message,
    /// How far it got, if it is our own.
    pub delivery: Option<Delivery>,
}

/// A notice on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// To dismiss it by.
    pub id: u64,
    /// What it says.
    pub notice: Notice,
}

/// All that is shown of a room. Cheap to clone: long things are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomState {
    /// Who we are.
    pub me: PeerId,
    /// What we call ourselves.
    pub my_name: String,
    /// The others, in the order they were first heard of.
    pub people: Vec<Rc<Person>>,
    /// In the order of the room, ascending in `(order, id)`, whenever they came.
    pub messages: Vec<Rc<Entry>>,
    /// Whether older messages were dropped to stay within bounds.
    pub dropped: bool,
    /// How we stand with each server.
    pub servers: LiteMap<ServerId, ServerState>,
    /// Whether a server was lost, or not reached, and none was reached since.
    pub server_lost: bool,
    /// What a person has to be told, oldest first.
    pub notices: Vec<Pinned>,
    /// Messages that came while the page was hidden, wherever their place is.
    pub unread: u32,
    /// The last invitation that was made here, until it was answered: to be handed over by hand.
    pub invitation: Option<Rc<str>>,
    /// The answer to the last invitation that was taken here: to be handed back by hand.
    pub answer: Option<Rc<str>>,
    /// Whether the founder closed the room.
    pub closed: bool,
    /// Whether leaving is done.
    pub left: bool,
    text_bytes: usize,
    next_notice: u64,
}

impl RoomState {
    /// A room just entered.
    #[must_use]
    pub fn new(me: PeerId, my_name: String) -> Self {
        Self {
            me,
            my_name,
            people: Vec::new(),
            messages: Vec::new(),
            dropped: false,
            servers: LiteMap::new(),
            server_lost: false,
            notices: Vec::new(),
            unread: 0,
            invitation: None,
            answer: None,
            closed: false,
            left: false,
            text_bytes: 0,
            next_notice: 0,
        }
    }

    /// What is known of someone else.
    #[must_use]
    pub fn person(&self, peer: &PeerId) -> Option<&Rc<Person>> {
        self.people.iter().find(|person| person.peer == *peer)
    }

    /// What to call someone: their name; with the fingerprint if two people have the name, or if there is none yet.
    #[must_use]
    pub fn name_of(&self, peer: &PeerId) -> String {
        if *peer == self.me {
            return self.my_name.clone();
        }
        match self.person(peer).and_then(|person| person.name.as_deref()) {
            Some(name) if self.is_ambiguous(name) => format!("{name} ({})", peer.fingerprint()),
            Some(name) => name.to_owned(),
            None => format!("Someone ({})", peer.fingerprint()),
        }
    }

    fn is_ambiguous(&self, name: &str) -> bool {
        let others = self
            .people
            .iter()
            .filter(|person| person.name.as_deref() == Some(name))
            .count();
        others + usize::from(self.my_name == name) > 1
    }

    /// The others, those who can be reached first.
    #[must_use]
    pub fn people_in_order(&self) -> Vec<Rc<Person>> {
        let mut people = self.people.clone();
        people.sort_by_key(|person| matches!(person.state, PersonState::Gone | PersonState::Left));
        people
    }

    /// How many are in the room, us included.
    #[must_use]
    pub fn present(&self) -> usize {
        let others = self
            .people
            .iter()
            .filter(|person| !matches!(person.state, PersonState::Gone | PersonState::Left));
        1 + others.count()
    }
}

/// What can happen to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomAction {
    /// The node said something.
    Event {
        /// What.
        event: Event,
        /// Whether the page was hidden at that time.
        hidden: bool,
    },
    /// The page has something to say by itself.
    Notify {
        /// What.
        notice: Notice,
    },
    /// The person has read a notice.
    Dismiss {
        /// Which.
        id: u64,
    },
    /// The person looks at the page.
    Seen,
    /// The invitation was answered, and cannot be used again.
    InvitationUsed,
}

/// The room after `action`.
#[must_use]
pub fn reduce(state: &RoomState, action: RoomAction) -> RoomState {
    let mut next = state.clone();
    match action {
        RoomAction::Event { event, hidden } => next.on_event(event, hidden),
        RoomAction::Notify { notice } => next.pin(notice),
        RoomAction::Dismiss { id } => next.notices.retain(|pinned| pinned.id != id),
        RoomAction::Seen => next.unread = 0,
        RoomAction::InvitationUsed => next.invitation = None,
    }
    next
}

impl RoomState {
    fn on_event(&mut self, event: Event, hidden: bool) {
        match event {
            Event::Person { person } => self.on_person(person),
            Event::PersonForgotten { peer } => self.people.retain(|person| person.peer != peer),
            Event::Message { message } => self.on_message(message, hidden),
            Event::Delivery { id, delivery } => self.on_delivery(id, delivery),
            Event::Server { server, state } => self.on_server(server, state),
            Event::Alert { alert } => self.pin(Notice::from_alert(&alert, |peer| self.name_of(peer))),
            Event::Invitation { text } => self.invitation = Some(text.into()),
            Event::InvitationAnswer { text } => self.answer = Some(text.into()),
            Event::RoomClosed => self.closed = true,
            Event::Left => self.left = true,
        }
    }

    fn on_person(&mut self, person: Person) {
        if person.peer == self.me {
            return;
        }
        match self.people.iter_mut().find(|known| known.peer == person.peer) {
            Some(known) => *known = Rc::new(person),
            None => self.people.push(Rc::new(person)),
        }
    }

    fn on_message(&mut self, message: Message, hidden: bool) {
        let place = |message: &Message| (message.order, message.id);
        // Backwards: most of what arrives is the latest.
        let before = self
            .messages
            .iter()
            .rposition(|entry| place(&entry.message) <= place(&message));
        if before.is_some_and(|index| self.messages[index].message.id == message.id) {
            return;
        }
        if hidden && !message.own {
            self.unread = self.unread.saturating_add(1);
        }
        let delivery = message.own.then_some(Delivery::Waiting);
        self.text_bytes += message.text.len();
        let index = before.map_or(0, |index| index + 1);
        self.messages.insert(index, Rc::new(Entry { message, delivery }));
        while self.messages.len() > MESSAGES_MAX || self.text_bytes > TEXT_TOTAL_BYTES_MAX {
            self.text_bytes -= self.messages.remove(0).message.text.len();
            self.dropped = true;
        }
    }

    fn on_delivery(&mut self, id: MessageId, delivery: Delivery) {
        // Backwards: what is delivered now was said a moment ago.
        if let Some(entry) = self
            .messages
            .iter_mut()
            .rev()
            .find(|entry| entry.message.own && entry.message.id == id)
        {
            *entry = Rc::new(Entry {
                message: entry.message.clone(),
                delivery: Some(delivery),
            });
        }
    }

    fn on_server(&mut self, server: ServerId, state: ServerState) {
        match state {
            ServerState::Registered { .. } => self.server_lost = false,
            ServerState::Waiting { .. } | ServerState::Stopped => self.server_lost = true,
            ServerState::Connecting => {}
        }
        self.servers.insert(server, state);
    }

    fn pin(&mut self, notice: Notice) {
        // The same again, or the same with another count, takes the place of what was said before.
        self.notices
            .retain(|pinned| kind(&pinned.notice.text) != kind(&notice.text));
        self.notices.push(Pinned {
            id: self.next_notice,
            notice,
        });
        self.next_notice += 1;
        if self.notices.len() > NOTICES_MAX
            && let Some(least) = self.notices.iter().map(|pinned| pinned.notice.level).min()
            && let Some(position) = self.notices.iter().position(|pinned| pinned.notice.level == least)
        {
            self.notices.remove(position);
        }
    }
}

/// A notice's text without its numbers' digits: "3 so far" and "4 so far" are the same thing said twice. Fingerprints keep
/// their letters, so notices about different people stay apart.
fn kind(text: &str) -> impl PartialEq + '_ {
    text.split(|char: char| char.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
}

#[cfg(test)]
mod tests {
    use mesh::model::{Alert, Timestamp};

    use super::*;
    use crate::state::notice::Level;

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    fn empty() -> RoomState {
        RoomState::new(peer(0), "Me".to_owned())
    }

    fn after(events: impl IntoIterator<Item = Event>) -> RoomState {
        events.into_iter().fold(empty(), |state, event| {
            reduce(&state, RoomAction::Event { event, hidden: false })
        })
    }

    fn person(byte: u8, name: &str, state: PersonState) -> Event {
        let person = Person {
            peer: peer(byte),
            name: Some(name.to_owned()),
            state,
            linked: true,
            round_trip: None,
        };
        Event::Person { person }
    }

    fn message(byte: u8, own: bool, text: &str) -> Event {
        Event::Message {
            message: Message {
                id: MessageId::from_bytes([byte; 16]),
                author: peer(u8::from(!own)),
                author_name: "Ada".to_owned(),
                own,
                whisper_to: None,
                order: Timestamp::from_unix_millis(byte.into()),
                unix_millis: 0,
                text: text.to_owned(),
            },
        }
    }

    #[test]
    fn people_change_in_place_and_are_forgotten() {
        let state = after([
            person(1, "Ada", PersonState::Connecting),
            person(2, "Bo", PersonState::Here),
            person(1, "Ada", PersonState::Left),
        ]);
        assert_eq!(
            state.people.iter().map(|person| person.state).collect::<Vec<_>>(),
            [PersonState::Left, PersonState::Here]
        );
        assert_eq!(state.people_in_order()[0].peer, peer(2));
        assert_eq!(state.present(), 2);
        let state = reduce(
            &state,
            RoomAction::Event {
                event: Event::PersonForgotten { peer: peer(1) },
                hidden: false,
            },
        );
        assert_eq!(state.people.len(), 1);
    }

    #[test]
    fn names_used_twice_carry_fingerprints() {
        let state = after([person(1, "Ada", PersonState::Here), person(2, "Me", PersonState::Here)]);
        assert_eq!(state.name_of(&peer(1)), "Ada");
        assert_eq!(state.name_of(&peer(2)), format!("Me ({})", peer(2).fingerprint()));
        assert_eq!(state.name_of(&peer(3)), format!("Someone ({})", peer(3).fingerprint()));
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
        for (byte, own, hidden) in [(1, false, true), (2, true, true), (3, false, false), (4, false, true)] {
            state = reduce(
                &state,
                RoomAction::Event {
                    event: message(byte, own, "x"),
                    hidden,
                },
            );
        }
        assert_eq!(state.unread, 2);
        assert_eq!(reduce(&state, RoomAction::Seen).unread, 0);
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
        let state = after([Event::Invitation { text }]);
        assert_eq!(state.invitation.as_deref(), Some("made-here"));
        assert_eq!(reduce(&state, RoomAction::InvitationUsed).invitation, None);
    }

    #[test]
    fn old_messages_make_room() {
        let big = "x".repeat(TEXT_TOTAL_BYTES_MAX / 2);
        let state = after([message(1, false, &big), message(2, false, &big), message(3, false, "y")]);
        assert_eq!(state.messages.len(), 2);
        assert!(state.dropped);
    }

    #[test]
    fn an_alert_with_another_count_replaces_the_former_and_the_worst_stay() {
        let mut state = after([
            Event::Alert {
                alert: Alert::Tampering { dropped: 9 },
            },
            Event::Alert {
                alert: Alert::Tampering { dropped: 10 },
            },
        ]);
        assert_eq!(state.notices.len(), 1);
        assert!(state.notices[0].notice.text.contains("10 so far"));
        for letter in 'a'..='z' {
            let notice = Notice::new(Level::Info, letter.to_string());
            state = reduce(&state, RoomAction::Notify { notice });
        }
        assert_eq!(state.notices.len(), NOTICES_MAX);
        assert_eq!(state.notices[0].notice.level, Level::Danger);
        let id = state.notices[0].id;
        assert!(
            reduce(&state, RoomAction::Dismiss { id })
                .notices
                .iter()
                .all(|pinned| pinned.id != id)
        );
    }

    #[test]
    fn left_is_said_once_leaving_is_done() {
        assert!(after([Event::Left]).left);
    }
}
