//! What our person says, and how a message is shown.

use shared::{MessageId, PeerId, limits::TEXT_BYTES_MAX};

use super::{Room, routing::Forwarding};
use crate::{
    context::Context,
    model::{Event, Message, PersonState, SendError},
    wire::{
        record::{Entry, Payload, Record},
        whisper::{Whisper, open_whisper, seal_whisper},
    },
};

impl Room {
    /// Says something to everyone.
    pub(crate) fn say(&mut self, cx: &mut Context, text: &str) -> Result<MessageId, SendError> {
        self.check_text(cx, text)?;
        let unix_millis = cx.now.unix_millis;
        let entry = Entry {
            feed: self.feed,
            seq: self.next_seq,
            order: self.clock.tick(unix_millis),
            unix_millis,
            name: cx.name.clone(),
            kind: Entry::CHAT,
            body: text.as_bytes().to_vec().into(),
        };
        self.next_seq += 1;
        let record = Record::sign(&cx.identity, &cx.room, entry);
        let id = record.message_id();
        let is_here = |state| matches!(state, PersonState::Here | PersonState::Reconnecting);
        let here = self.roster.people().filter(|person| is_here(person.state));
        let delivery = self
            .deliveries
            .say(id, record.content.seq, here.map(|person| person.peer));
        self.log.accept(&record);
        show_entry(cx, &record);
        cx.event(Event::Delivery { id, delivery });
        self.trees.refresh(&self.roster);
        let route = self.trees.own_entry_route(cx.instant());
        self.pass_entry(cx, &record, 0, route, None);
        Ok(id)
    }

    /// Says something to one peer alone, sealed to its key.
    pub(crate) fn whisper(&mut self, cx: &mut Context, to: PeerId, text: &str) -> Result<MessageId, SendError> {
        self.check_text(cx, text)?;
        let state = self.roster.state(&to);
        if !matches!(state, Some(PersonState::Here | PersonState::Reconnecting)) {
            return Err(SendError::NotReachable);
        }
        let unix_millis = cx.now.unix_millis;
        let whisper = Whisper {
            id: MessageId::random(&mut self.whispers),
            unix_millis,
            name: cx.name.clone(),
            to,
            text: text.to_owned(),
            order: self.clock.tick(unix_millis),
        };
        let id = whisper.id;
        let sealed =
            seal_whisper(&cx.identity, &cx.room, &whisper, &mut self.whispers).map_err(|_| SendError::NotReachable)?;
        let until = cx.instant() + cx.timing.whisper_timeout;
        let delivery = self
            .deliveries
            .whisper(cx.instant(), id, to, sealed.clone(), until)
            .map_err(|_| SendError::Full)?;
        show_whisper(cx, whisper, self.me);
        cx.event(Event::Delivery { id, delivery });
        let sealed = sealed.into();
        self.send_packet(cx, to, Payload::Whisper { sealed }, Forwarding::Learned);
        Ok(id)
    }

    /// Whether a text can be said now.
    fn check_text(&mut self, cx: &Context, text: &str) -> Result<(), SendError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(SendError::TooLong {
                bytes: text.len(),
                max: TEXT_BYTES_MAX,
            });
        }
        if text.trim().is_empty() {
            return Err(SendError::Empty);
        }
        if !self.messages.take(cx.instant()) {
            return Err(SendError::Full);
        }
        Ok(())
    }

    /// A whisper came.
    pub(super) fn on_whisper(&mut self, cx: &mut Context, from: PeerId, sealed: &[u8]) {
        // Who sends another's whisper on has taken it out of its seal: the author did not mean that.
        let opened = open_whisper(&cx.identity, &cx.room, sealed);
        let Some((author, whisper)) = opened.ok().filter(|(author, _)| *author == from) else {
            cx.counters.frames_refused += 1;
            return;
        };
        let id = whisper.id;
        // A receipt also when it came before: the first may be lost.
        self.send_packet(cx, author, Payload::Receipt { id }, Forwarding::Learned);
        if self.deliveries.hear(author, id) {
            self.clock.observe(whisper.order, cx.now.unix_millis);
            show_whisper(cx, whisper, author);
        }
    }
}

/// Shows an entry, if it is one to be shown.
pub(super) fn show_entry(cx: &mut Context, record: &Record<Entry>) {
    let Some(text) = record.content.text() else { return };
    let message = Message {
        id: record.message_id(),
        author: record.author,
        author_name: record.content.name.clone(),
        own: record.author == cx.me,
        whisper_to: None,
        order: record.content.order,
        unix_millis: record.content.unix_millis,
        text: text.to_owned(),
    };
    cx.event(Event::Message { message });
}

fn show_whisper(cx: &mut Context, whisper: Whisper, author: PeerId) {
    let message = Message {
        id: whisper.id,
        author,
        author_name: whisper.name,
        own: author == cx.me,
        whisper_to: Some(whisper.to),
        order: whisper.order,
        unix_millis: whisper.unix_millis,
        text: whisper.text,
    };
    cx.event(Event::Message { message });
}
