//! All that is shown of a room, changed only by [`reduce`].

mod about;
mod comings;
mod entry;
mod files;
mod names;
mod people;
#[cfg(test)]
pub(crate) mod sample;
mod weights;

use std::rc::Rc;

use litemap::LiteMap;
use mesh::{
    io::{Instant, ServerId},
    model::{Delivery, Event, FileInfo, FileProgress, Message, Person, Retention, ServerState, Timestamp, Vanish},
};
use shared::{FileId, MessageId, PeerId, name::skeleton};

use self::comings::Comings;
pub use self::{
    about::{About, Reaction},
    entry::{Entry, follows},
    names::Called,
};

use crate::{
    config::{AHEAD_SHOWN_MAX, HEARD_MAX, NOTICES_MAX},
    files::Speed,
    marks::{Mark, Marks},
    notice::Notice,
    words,
};

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
    /// What the founder calls the room, if anything.
    pub name: Option<String>,
    /// What it is about, by its founder; empty if nothing.
    pub topic: String,
    /// Which messages everybody is to find, by the founder's word. Some may not be here.
    pub pins: Vec<MessageId>,
    /// Others who are typing something to everyone.
    pub typing: Vec<PeerId>,
    /// While a backlog comes in: how many of how many messages are here.
    pub catching_up: Option<(u32, u32)>,
    /// After how long messages vanish, by the founder's word.
    pub vanish: Vanish,
    /// What is kept on this machine.
    pub retention: Retention,
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
    /// The first of those that came last while the page was hidden, until the person says something.
    pub first_unread: Option<MessageId>,
    /// What the person thinks of others.
    pub marks: Rc<Marks>,
    /// The last few things that others said while we were here, wherever their place is, oldest first.
    pub heard: Vec<MessageId>,
    /// How many those were in all.
    pub heard_count: u64,
    /// The last invitation that was made here, until it was answered: to be handed over by hand.
    pub invitation: Option<Rc<str>>,
    /// The answer to the last invitation that was taken here: to be handed back by hand.
    pub answer: Option<Rc<str>>,
    /// How far files have got that were fetched or offered here.
    pub files: LiteMap<FileId, FileProgress>,
    /// The same files as they were offered to whoever fetched them: another offer may say otherwise of the same content.
    pub known: LiteMap<FileId, FileInfo>,
    /// How fast those come that are being fetched.
    pub speeds: LiteMap<FileId, Speed>,
    /// Whether what is said is there again at the next visit.
    pub kept: bool,
    /// Whether this machine has forgotten the room, and is to keep nothing of it.
    pub forgotten: bool,
    /// Whether the founder closed the room.
    pub closed: bool,
    /// Whether leaving is done.
    pub left: bool,
    /// What is said of messages, also of some that are not here.
    about: LiteMap<MessageId, Rc<About>>,
    annotated_bytes: usize,
    comings: Rc<Comings>,
    /// What the names of all who are listed look like.
    looks: LiteMap<PeerId, Rc<str>>,
    /// How much of the list each author fills, in bytes and what a message weighs beside its text.
    weights: LiteMap<PeerId, usize>,
    text_bytes: usize,
    next_notice: u64,
}

impl RoomState {
    /// A room just entered.
    #[must_use]
    pub fn new(me: PeerId, my_name: String) -> Self {
        let looks = [(me, skeleton(&my_name).into())].into_iter().collect();
        Self {
            me,
            my_name,
            name: None,
            topic: String::new(),
            pins: Vec::new(),
            typing: Vec::new(),
            catching_up: None,
            vanish: Vanish::default(),
            retention: Retention::default(),
            people: Vec::new(),
            messages: Vec::new(),
            dropped: false,
            servers: LiteMap::new(),
            server_lost: false,
            notices: Vec::new(),
            unread: 0,
            first_unread: None,
            marks: Rc::default(),
            heard: Vec::new(),
            heard_count: 0,
            invitation: None,
            answer: None,
            files: LiteMap::new(),
            known: LiteMap::new(),
            speeds: LiteMap::new(),
            kept: false,
            forgotten: false,
            closed: false,
            left: false,
            about: LiteMap::new(),
            annotated_bytes: 0,
            comings: Rc::default(),
            looks,
            weights: LiteMap::new(),
            text_bytes: 0,
            next_notice: 0,
        }
    }

    /// Whether nothing more can be said or heard here: the room is closed, or we left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.closed || self.left
    }

    /// Whether something that we said waits here for somebody to come, and would be lost with the page.
    #[must_use]
    pub fn would_be_lost(&self) -> bool {
        let waits = |entry: &Rc<Entry>| entry.delivery == Some(Delivery::Waiting);
        !self.kept && !self.is_over() && self.messages.iter().any(waits)
    }

    /// A message that is shown.
    #[must_use]
    pub fn entry(&self, id: &MessageId) -> Option<&Rc<Entry>> {
        // Backwards: most of what anybody asks for is late.
        self.messages.iter().rfind(|entry| entry.message.id == *id)
    }

    /// What is known of someone else.
    #[must_use]
    pub fn person(&self, peer: &PeerId) -> Option<&Rc<Person>> {
        self.people.iter().find(|person| person.peer == *peer)
    }

    /// What the person thinks of someone.
    #[must_use]
    pub fn mark_of(&self, peer: &PeerId) -> Mark {
        self.marks.get(peer).copied().unwrap_or_default()
    }
}

/// Whether somebody looks at the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// It is in view.
    Shown,
    /// It is in the background or covered.
    Hidden,
}

/// What can happen to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomAction {
    /// The node said something.
    Event {
        /// What.
        event: Event,
        /// Whether the page was in view at that time.
        visibility: Visibility,
    },
    /// The node said how far a file has got.
    Progress {
        /// Which.
        info: FileInfo,
        /// How far.
        progress: FileProgress,
        /// When.
        now: Instant,
    },
    /// The program has something to say by itself.
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
    /// Whoever comes from now on has not been there before us.
    Settled,
    /// What is said is kept from now on, or no longer.
    Kept {
        /// Whether it is.
        kept: bool,
    },
    /// The room is forgotten on this machine.
    Forgotten,
    /// The person thinks this of others from now on.
    Marked {
        /// Of whom what.
        marks: Rc<Marks>,
    },
    /// The person calls themselves by another name.
    Renamed {
        /// The name.
        name: String,
    },
}

/// Changes the room as `action` says.
pub fn reduce(state: &mut RoomState, action: RoomAction) {
    match action {
        RoomAction::Event { event, visibility } => state.on_event(event, visibility),
        RoomAction::Progress { info, progress, now } => {
            let root = info.root;
            state.note_file(info, progress);
            if let Some(speed) = state.speeds.get_mut(&root) {
                speed.note(now, &progress);
            } else {
                state.speeds.insert(root, Speed::new(now, progress.bytes_have));
            }
        }
        RoomAction::Notify { notice } => state.pin(notice),
        RoomAction::Dismiss { id } => state.notices.retain(|pinned| pinned.id != id),
        RoomAction::Seen => state.unread = 0,
        RoomAction::InvitationUsed => state.invitation = None,
        RoomAction::Settled => Rc::make_mut(&mut state.comings).is_settled = true,
        RoomAction::Kept { kept } => state.kept = kept,
        RoomAction::Forgotten => state.forgotten = true,
        RoomAction::Marked { marks } => state.marks = marks,
        RoomAction::Renamed { name } => {
            state.note_name(state.me, Some(&name));
            state.my_name = name;
        }
    }
}

impl RoomState {
    fn on_event(&mut self, event: Event, visibility: Visibility) {
        match event {
            Event::Person { person } => self.on_person(person),
            Event::PersonForgotten { peer } => {
                self.people.retain(|person| person.peer != peer);
                self.looks.remove(&peer);
            }
            Event::Message { message } => self.on_message(message, visibility),
            Event::Recalled { messages } => {
                for message in messages {
                    self.insert(message);
                }
            }
            Event::Annotated { annotations } => self.on_annotated(annotations),
            Event::Deleted { author, ids } => self.on_deleted(author, &ids),
            Event::Renumbered { before, id, order } => self.on_renumbered(before, id, order),
            Event::Delivery { id, delivery } => self.on_delivery(id, delivery),
            Event::Server { server, state } => self.on_server(server, state),
            Event::Alert { alert } => {
                let notice = Notice::from_alert(alert, |peer| self.name_of(peer));
                self.pin(notice);
            }
            Event::Invitation { text } => self.invitation = Some(text.into()),
            Event::InvitationAnswer { text } => self.answer = Some(text.into()),
            Event::RoomNamed { name } => self.name = Some(name),
            Event::Topic { topic } => self.topic = topic,
            Event::Pinned { ids } => self.pins = ids,
            Event::Typing { peers } => self.typing = peers,
            Event::CatchingUp { have, of } => self.catching_up = (have < of).then_some((have, of)),
            Event::Vanishing { after } => self.vanish = after,
            Event::Retention { keep } => self.retention = keep,
            Event::Dropped { ids } => self.on_dropped(&ids),
            Event::RoomClosed => self.closed = true,
            Event::Left => self.left = true,
            Event::File { info, progress } => self.note_file(info, progress),
        }
    }

    fn on_person(&mut self, mut person: Person) {
        if person.peer == self.me {
            return;
        }
        self.note_name(person.peer, person.name.as_deref());
        match self.people.iter_mut().find(|known| known.peer == person.peer) {
            Some(known) => {
                // Who was away and is being connected with is called as before until they say their name.
                person.name = person.name.or_else(|| known.name.clone());
                *known = Rc::new(person.clone());
            }
            None => self.people.push(Rc::new(person.clone())),
        }
        self.note_coming(&person);
    }

    fn on_message(&mut self, message: Message, visibility: Visibility) {
        let (id, own, recent) = (message.id, message.own, message.recent);
        let place = (message.order, id);
        // Nobody is told of what is gone already.
        let is_silent = self.mark_of(&message.author).muted || message.deleted;
        if !self.insert(message) || is_silent {
            return;
        }
        if own {
            self.first_unread = None;
            return;
        }
        if visibility == Visibility::Hidden {
            let first = self.first_unread.filter(|_| self.unread > 0);
            let first = first.and_then(|first| self.messages.iter().rfind(|entry| entry.message.id == first));
            if first.is_none_or(|first| place < (first.message.order, first.message.id)) {
                self.first_unread = Some(id);
            }
            self.unread = self.unread.saturating_add(1);
        }
        if recent {
            if self.heard.len() >= HEARD_MAX {
                self.heard.remove(0);
            }
            self.heard.push(id);
            self.heard_count += 1;
        }
    }

    /// A message of ours has another place, and the same text.
    fn on_renumbered(&mut self, before: MessageId, id: MessageId, order: Timestamp) {
        let place = self.messages.iter().rposition(|entry| entry.message.id == before);
        if let Some(place) = place.filter(|place| self.messages[*place].message.own) {
            let entry = &self.messages[place];
            let mut message = entry.message.clone();
            if let Some(original) = &entry.original {
                message.text.clone_from(original);
            }
            self.move_annotations(before, id);
            self.put_anew(place, Message { id, order, ..message });
        }
    }

    /// Takes a message out, and puts what became of it in its place. How far it got stays.
    fn put_anew(&mut self, place: usize, message: Message) {
        let (id, delivery) = (message.id, self.remove(place).delivery);
        self.insert(message);
        if let Some(delivery) = delivery {
            self.on_delivery(id, delivery);
        }
    }

    /// Puts a message in its place. Says whether it is new.
    fn insert(&mut self, mut message: Message) -> bool {
        if let Some(after) = message.vanish {
            message.text = words::keeping::vanish_line(after);
        }
        if message.deleted {
            words::page::DELETED.clone_into(&mut message.text);
        }
        let place = |message: &Message| (message.order, message.id);
        // Backwards: most of what arrives is the latest.
        let before = self
            .messages
            .iter()
            .rposition(|entry| place(&entry.message) <= place(&message));
        if before.is_some_and(|index| self.messages[index].message.id == message.id) {
            return false;
        }
        // Told right after it was said. One that comes back from others after a reload is followed by nobody.
        let delivery = None;
        self.count(&message);
        let index = before.map_or(0, |index| index + 1);
        let id = message.id;
        let entry = Entry {
            message,
            delivery,
            original: None,
            about: None,
        };
        self.messages.insert(index, Rc::new(entry));
        self.apply(id);
        // Of those that stand after all else, the last go first: they have all the time.
        let ahead = self.messages.len() - self.ahead_from();
        if ahead > AHEAD_SHOWN_MAX
            && let Some(last) = self.messages.len().checked_sub(1)
        {
            self.remove(last);
        }
        self.trim();
        true
    }

    /// Messages are kept no longer.
    fn on_dropped(&mut self, ids: &[MessageId]) {
        ids.iter().for_each(|id| self.drop_annotations(id));
        (self.text_bytes, self.weights) = (0, LiteMap::new());
        for entry in std::mem::take(&mut self.messages) {
            if ids.binary_search(&entry.message.id).is_err() {
                self.count(&entry.message);
                self.messages.push(entry);
            }
        }
    }

    /// Where the messages begin that stand after all others because they are dated ahead. Once somebody says something that comes after
    /// one of them, that one is a message like any other.
    #[must_use]
    pub fn ahead_from(&self) -> usize {
        let due = self.messages.iter().rposition(|entry| !entry.message.dated_ahead);
        due.map_or(0, |index| index + 1)
    }

    fn on_delivery(&mut self, id: MessageId, delivery: Delivery) {
        // Backwards: what is delivered now was said a moment ago.
        if let Some(entry) = self
            .messages
            .iter_mut()
            .rev()
            .find(|entry| entry.message.own && entry.message.id == id)
        {
            // Copied only while the page still shows the former one.
            Rc::make_mut(entry).delivery = Some(delivery);
        }
    }

    fn on_server(&mut self, server: ServerId, state: ServerState) {
        match state {
            ServerState::Registered { .. } => self.server_lost = false,
            ServerState::Waiting { .. } | ServerState::Stopped => self.server_lost = true,
            ServerState::Connecting | ServerState::Spare => {}
        }
        self.servers.insert(server, state);
    }

    fn pin(&mut self, notice: Notice) {
        // The same again, or the same with another count, takes the place of what was said before.
        self.notices
            .retain(|pinned| !pinned.notice.kind.is_same_topic(&notice.kind));
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

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "every other event fails a test")]
mod tests;
