//! What our person says, and how a message is shown.

use std::{rc::Rc, time::Duration};

use shared::{FileId, MessageId, PeerId, limits::TEXT_BYTES_MAX};

use super::{
    Room,
    clock::is_ahead,
    log::{Accepted, Source, feed_of},
    retention::{ascending, oldest_whisper},
};
use crate::{
    config::{DELETED_MAX, HELD_TEXT_BYTES_MAX, RELATED_TEXT_BYTES_MAX, WHISPER_LASTS},
    context::Context,
    door::Forwarding,
    io::Priority,
    model::{Annotation, Delivery, Event, Message, PersonState, Says, SendError},
    wire::{
        codec::encode,
        entry::{Entry, EntryBody},
        file::FileInfo,
        record::{Payload, Record},
        relation::{Deletions, Reactions, Related},
        stored::{Fate, Key},
        timestamp::Timestamp,
        whisper::{Whisper, open_whisper, seal_whisper},
    },
};

impl Room {
    /// Says something to everyone.
    pub(crate) fn say(&mut self, cx: &mut Context, text: &str) -> Result<MessageId, SendError> {
        self.check_text(cx, text, TEXT_BYTES_MAX)?;
        Ok(self.say_entry(cx, Entry::CHAT, EntryBody::of(text)))
    }

    /// Says something to everyone, in answer to a message.
    pub(crate) fn reply(&mut self, cx: &mut Context, to: MessageId, text: &str) -> Result<MessageId, SendError> {
        self.check_text(cx, text, RELATED_TEXT_BYTES_MAX)?;
        let text = text.to_owned();
        Ok(self.say_entry(cx, Entry::REPLY, EntryBody::of(encode(&Related { to, text }))))
    }

    /// Has a message of ours say something else from now on.
    pub(crate) fn edit(&mut self, cx: &mut Context, of: MessageId, text: &str) -> Result<(), SendError> {
        if self.log.is_deleted(&self.me, &of) {
            return Err(SendError::NotOwn);
        }
        self.check_text(cx, text, RELATED_TEXT_BYTES_MAX)?;
        let (to, text) = (of, text.to_owned());
        self.add(cx, Entry::EDIT, EntryBody::of(encode(&Related { to, text })));
        Ok(())
    }

    /// Has these and no other emoji for a message from now on.
    pub(crate) fn react(&mut self, cx: &mut Context, to: MessageId, emoji: Vec<String>) -> Result<(), SendError> {
        let reactions = Reactions { to, emoji };
        if !reactions.is_valid() {
            return Err(SendError::NoReaction);
        }
        let body = encode(&reactions);
        self.takes(cx, body.len()).then_some(()).ok_or(SendError::Full)?;
        self.add(cx, Entry::REACTIONS, EntryBody::of(body));
        Ok(())
    }

    /// Deletes a message of ours, and what it was changed to: everybody keeps no more than the headers. `edits`: those that the app knows of, which the log
    /// may have lost.
    pub(crate) fn delete(&mut self, cx: &mut Context, of: MessageId, edits: &[MessageId]) -> Result<(), SendError> {
        let own = self
            .log
            .iter()
            .chain(&self.recalled.entries)
            .chain(self.journal.unsent());
        let own = own.filter(|record| record.author == self.me);
        let is_edit = |record: &&Rc<Record<Entry>>| record.content.edit().is_some_and(|edit| edit.to == of);
        let known = own.filter(is_edit).map(|record| record.message_id());
        let mut ids = ascending(known.chain(edits.iter().copied()).collect());
        ids.dedup();
        ids.retain(|id| !self.log.is_deleted(&self.me, id));
        // Last, so that what could not be said at once can be tried again.
        ids.push(of);
        for ids in ids.chunks(DELETED_MAX) {
            let body = encode(&Deletions::sign(&cx.identity, &cx.room, ids));
            self.takes(cx, body.len()).then_some(()).ok_or(SendError::Full)?;
            self.add(cx, Entry::DELETION, EntryBody::of(body));
        }
        self.persist(cx);
        Ok(())
    }

    /// Says something of a message to everyone. Nobody is told who has it.
    fn add(&mut self, cx: &mut Context, kind: u32, body: EntryBody) {
        let record = self.sign(cx, kind, body, Timestamp::default());
        self.show_entry(cx, &record);
        self.publish(cx, record);
    }

    /// Offers a file to everyone, unless too much was said lately. Whether it can be offered was checked.
    pub(crate) fn say_file(&mut self, cx: &mut Context, info: &FileInfo) -> Option<MessageId> {
        let body = encode(info);
        self.takes(cx, body.len())
            .then(|| self.say_entry(cx, Entry::FILE, EntryBody::of(body)))
    }

    /// Which files were offered by whom, as far as the log has it.
    pub(crate) fn offers(&self) -> impl Iterator<Item = (FileId, PeerId)> {
        let entries = self.log.iter().chain(self.journal.unsent());
        entries.filter_map(|entry| Some((entry.content.file()?.root, entry.author)))
    }

    /// Says to everyone what a person is shown.
    fn say_entry(&mut self, cx: &mut Context, kind: u32, body: EntryBody) -> MessageId {
        let record = self.sign(cx, kind, body, Timestamp::default());
        let id = record.message_id();
        let here = self.roster.listeners().filter(|person| is_here(person.state));
        let delivery = self
            .deliveries
            .say(id, (self.feed, record.content.seq), here.map(|person| person.peer));
        self.show_entry(cx, &record);
        cx.event(Event::Delivery { id, delivery });
        self.publish(cx, record);
        id
    }

    /// Signs the next entry of our feed, with a place not before this one in the order.
    pub(super) fn sign(
        &mut self,
        cx: &Context,
        kind: u32,
        body: EntryBody,
        not_before: Timestamp,
    ) -> Rc<Record<Entry>> {
        let unix_millis = cx.room_millis();
        let entry = Entry {
            feed: self.feed,
            seq: self.next_seq,
            prev: self.head,
            order: self.clock.tick(unix_millis).max(not_before),
            unix_millis,
            name: cx.name.clone(),
            kind,
            body,
        };
        let record = Record::sign(&cx.identity, &cx.room, entry);
        self.next_seq += 1;
        self.head = Some(record.id.into());
        record
    }

    /// Puts an entry of ours into the log and sends it, as soon as it is stored.
    pub(super) fn publish(&mut self, cx: &mut Context, record: Rc<Record<Entry>>) {
        if self.awaits_store {
            self.journal.push_own(u64::MAX, record);
            return;
        }
        if !cx.keeps {
            self.enter(cx, record);
            return;
        }
        let (feed, seq) = (feed_of(&record), record.content.seq);
        cx.store(Priority::AtOnce, Key::Entry { feed, seq }.keep_bytes(&record.wire));
        self.keep_head(cx, Priority::AtOnce);
        self.journal.push_own(cx.stores, record);
    }

    /// Puts an entry of ours that need not wait into the log, and sends it.
    pub(super) fn enter(&mut self, cx: &mut Context, record: Rc<Record<Entry>>) {
        match self.log.accept(&record, Source::Own) {
            Accepted::New => {
                self.trees.refresh(&self.roster);
                let route = self.trees.own_entry_route(cx.instant());
                self.pass_entry(cx, &record, 0, route, None);
                self.spread_setting(cx, &record, None);
            }
            // Somebody else spoke with our key, or what we stored was an older copy.
            Accepted::Known | Accepted::Forked | Accepted::TooEarly => self.say_anew(cx, Some(record)),
        }
    }

    /// Says something to one peer alone, sealed to its key. For somebody who is not here now it waits in the log.
    pub(crate) fn whisper(&mut self, cx: &mut Context, to: PeerId, text: &str) -> Result<MessageId, SendError> {
        let state = self.roster.state(&to).ok_or(SendError::NotReachable)?;
        let (bytes, max) = (text.len(), HELD_TEXT_BYTES_MAX);
        if !is_here(state) && bytes > max {
            return Err(SendError::TooLong { bytes, max });
        }
        if !is_here(state) && !self.deliveries.may_hold() {
            return Err(SendError::Full);
        }
        self.check_text(cx, text, TEXT_BYTES_MAX)?;
        let unix_millis = cx.room_millis();
        let whisper = Rc::new(Whisper {
            id: MessageId::random(&mut self.whispers),
            unix_millis,
            name: cx.name.clone(),
            to,
            text: text.to_owned(),
            order: self.clock.tick(unix_millis),
            since: 0,
        });
        let id = whisper.id;
        if !is_here(state) {
            self.keep_whisper(cx, self.me, &whisper);
            show_whisper(cx, Whisper::clone(&whisper), self.me);
            self.hold_whispers(cx, &[whisper]);
            return Ok(id);
        }
        let until = cx.instant() + cx.timing.whisper_timeout;
        let delivery = self
            .deliveries
            .whisper(cx.instant(), &whisper, until)
            .map_err(|_| SendError::Full)?;
        self.keep_whisper(cx, self.me, &whisper);
        show_whisper(cx, Whisper::clone(&whisper), self.me);
        cx.event(Event::Delivery { id, delivery });
        self.send_whisper(cx, &whisper, Forwarding::Learned);
        Ok(id)
    }

    /// Puts whispers of ours that did not reach their recipients into the log, sealed, for when they come.
    pub(super) fn hold_whispers(&mut self, cx: &mut Context, whispers: &[Rc<Whisper>]) {
        for whisper in whispers {
            if self.hold_whisper(cx, whisper).is_none() {
                self.settle_whisper(cx, whisper.id, Fate::Failed);
            }
        }
    }

    /// `None` if it is too late for this whisper, if it is too long, or if too many wait.
    fn hold_whisper(&mut self, cx: &mut Context, whisper: &Whisper) -> Option<()> {
        let left = time_left(cx, whisper)?;
        if whisper.text.len() > HELD_TEXT_BYTES_MAX || !self.deliveries.may_hold() {
            return None;
        }
        let sealed = seal_whisper(&cx.identity, &cx.room, whisper, &mut self.whispers).ok()?;
        let record = self.sign(cx, Entry::WHISPER, EntryBody::of(sealed), Timestamp::default());
        self.sweep_later(cx);
        let (feed, seq) = (self.feed, record.content.seq);
        let until = cx.instant() + left;
        self.deliveries.hold(whisper.id, (feed, seq), whisper.to, until).ok()?;
        self.settle_whisper(cx, whisper.id, Fate::Held { feed, seq });
        self.publish(cx, record);
        Some(())
    }

    /// Keeps and tells what became of a whisper of ours.
    pub(super) fn settle_whisper(&mut self, cx: &mut Context, id: MessageId, fate: Fate) {
        cx.store(Priority::Soon, Key::Fate { id }.keep(&fate));
        let delivery = match fate {
            Fate::Delivered => Delivery::Sent { delivered: 1, of: 1 },
            Fate::Held { .. } => Delivery::Waiting,
            Fate::Failed => Delivery::Failed,
        };
        cx.event(Event::Delivery { id, delivery });
    }

    /// Seals a whisper for the life of its recipient that we know of, and sends it.
    pub(super) fn send_whisper(&mut self, cx: &mut Context, whisper: &Whisper, forwarding: Forwarding) {
        let beacon = self.roster.beacon(&whisper.to);
        let whisper = Whisper {
            since: beacon.map_or(0, |beacon| beacon.content.stamp),
            ..whisper.clone()
        };
        // Nobody is here whose id is no key: they could not have signed a beacon, nor a hello.
        if let Ok(sealed) = seal_whisper(&cx.identity, &cx.room, &whisper, &mut self.whispers) {
            let sealed = sealed.into();
            self.send_packet(cx, whisper.to, Payload::Whisper { sealed }, forwarding);
        }
    }

    /// Whether a text can be said now.
    pub(super) fn check_text(&mut self, cx: &Context, text: &str, max: usize) -> Result<(), SendError> {
        let bytes = text.len();
        if bytes > max {
            return Err(SendError::TooLong { bytes, max });
        }
        if text.trim().is_empty() {
            return Err(SendError::Empty);
        }
        self.takes(cx, text.len()).then_some(()).ok_or(SendError::Full)
    }

    /// Whether so many bytes can be said now, which are counted then.
    pub(super) fn takes(&mut self, cx: &Context, bytes: usize) -> bool {
        if !self.message_bytes.has(cx.instant()) || !self.messages.take(cx.instant()) {
            return false;
        }
        self.message_bytes.charge(cx.instant(), bytes);
        true
    }

    /// A whisper came.
    pub(super) fn on_whisper(&mut self, cx: &mut Context, from: PeerId, sealed: &[u8]) {
        // Who sends another's whisper on has taken it out of its seal: the author did not mean that.
        let opened = open_whisper(&cx.identity, &cx.room, sealed);
        let Some((author, whisper)) = opened.ok().filter(|(author, _)| *author == from) else {
            cx.counters.frames_refused += 1;
            return;
        };
        // Kept by a carrier from before a reload: we would not know that it came before. Its author tries again for this life.
        if whisper.since <= self.presence.born() {
            return;
        }
        let id = whisper.id;
        let is_new = self.hear_whisper(cx, author, &whisper);
        if is_new && cx.keeps {
            self.journal.push_receipt(cx.stores, author, id);
        }
        // Also when it came before: the first receipt may be lost. What is being stored has its receipt after that.
        if !self.journal.awaits_receipt(id) {
            self.send_packet(cx, author, Payload::Receipt { id }, Forwarding::Learned);
        }
        if is_new {
            show_whisper(cx, whisper, author);
        }
    }

    /// Takes note of a whisper to us. Says whether it is new.
    fn hear_whisper(&mut self, cx: &mut Context, author: PeerId, whisper: &Whisper) -> bool {
        let is_new = self.deliveries.hear(author, whisper.id);
        if is_new {
            self.clock.observe(whisper.order, cx.room_millis());
            self.keep_whisper(cx, author, whisper);
        }
        is_new
    }

    /// The whisper to us that waited in an entry, if it is one, and new.
    pub(super) fn whisper_in(&mut self, cx: &mut Context, record: &Record<Entry>) -> Option<Whisper> {
        let sealed = record.content.sealed().filter(|_| record.author != self.me)?;
        if record.content.order < oldest_whisper(cx, Duration::ZERO) {
            return None;
        }
        // Most are for others.
        let (author, whisper) = open_whisper(&cx.identity, &cx.room, sealed).ok()?;
        let is_new = author == record.author && self.hear_whisper(cx, author, &whisper);
        is_new.then_some(whisper)
    }
}

impl Room {
    /// Shows what an entry says, if that is something to be shown.
    pub(super) fn show_entry(&mut self, cx: &mut Context, record: &Rc<Record<Entry>>) {
        if !self.follow_entry(cx, record) {
            return;
        }
        if let Some(message) = message(cx, record) {
            self.end_typing(cx, &record.author);
            if !self.was_shown_before(record) {
                cx.event(Event::Message { message });
            }
        } else if let Some(annotation) = annotation(record) {
            let annotations = vec![annotation];
            cx.event(Event::Annotated { annotations });
        } else if let Some(deletion) = deletion(record) {
            cx.event(deletion);
        } else if let Some(whisper) = self.whisper_in(cx, record) {
            show_whisper(cx, whisper, record.author);
        }
    }

    /// Goes by what an entry says of the room. Says whether it stays.
    pub(super) fn follow_entry(&mut self, cx: &mut Context, record: &Rc<Record<Entry>>) -> bool {
        let is_news = self.note_setting(cx, record, None);
        if !is_news && self.has_vanished(cx, record.content.order) {
            // From somebody who did not know yet, or whose clock is behind.
            self.sweep_soon(cx);
            return false;
        }
        if record.content.sealed().is_some() {
            self.sweep_later(cx);
        }
        true
    }
}

/// How long a whisper may still wait for its recipient, if at all.
pub(super) fn time_left(cx: &Context, whisper: &Whisper) -> Option<Duration> {
    let age = cx.room_millis().saturating_sub(whisper.unix_millis);
    let left = WHISPER_LASTS.saturating_sub(Duration::from_millis(age));
    (!left.is_zero()).then_some(left)
}

/// Whether somebody can be reached, now or soon.
fn is_here(state: PersonState) -> bool {
    matches!(state, PersonState::Here | PersonState::Reconnecting)
}

/// The message that an entry is, if it is one.
pub(super) fn message(cx: &Context, record: &Record<Entry>) -> Option<Message> {
    let (text, file, reply) = (record.content.text(), record.content.file(), record.content.reply());
    let by_founder = cx.room.founder() == Some(record.author);
    let vanish = record.content.vanish().filter(|_| by_founder);
    let deleted = record.content.is_deleted_message();
    if text.is_none() && file.is_none() && vanish.is_none() && reply.is_none() && !deleted {
        return None;
    }
    Some(Message {
        id: record.message_id(),
        author: record.author,
        author_name: record.content.name.clone(),
        own: record.author == cx.me,
        whisper_to: None,
        order: record.content.order,
        unix_millis: record.content.unix_millis,
        dated_ahead: is_ahead(record.content.order, cx.room_millis()),
        recent: cx.is_recent(record.content.order.unix_millis()),
        reply_to: reply.as_ref().map(|reply| reply.to),
        text: reply.map_or_else(|| text.unwrap_or_default().to_owned(), |reply| reply.text),
        file,
        vanish,
        deleted,
    })
}

/// What an entry says of a message, if that is what it does.
pub(super) fn annotation(record: &Record<Entry>) -> Option<Annotation> {
    let (to, says) = match record.content.edit() {
        Some(Related { to, text }) => (to, Says::Text { text }),
        None => {
            let Reactions { to, emoji } = record.content.reactions()?;
            (to, Says::Reactions { emoji })
        }
    };
    Some(Annotation {
        id: record.message_id(),
        author: record.author,
        author_name: record.content.name.clone(),
        order: record.content.order,
        to,
        says,
    })
}

/// Which entries are deleted, if an entry says that.
pub(super) fn deletion(record: &Record<Entry>) -> Option<Event> {
    let deletions = record.content.deletions()?;
    Some(Event::Deleted {
        author: record.author,
        ids: deletions.of.into_iter().map(|deleted| deleted.id).collect(),
    })
}

/// The message that a whisper is.
pub(super) fn whispered(cx: &Context, whisper: Whisper, author: PeerId) -> Message {
    Message {
        id: whisper.id,
        author,
        author_name: whisper.name,
        own: author == cx.me,
        whisper_to: Some(whisper.to),
        order: whisper.order,
        unix_millis: whisper.unix_millis,
        dated_ahead: is_ahead(whisper.order, cx.room_millis()),
        recent: cx.is_recent(whisper.order.unix_millis()),
        reply_to: None,
        text: whisper.text,
        file: None,
        vanish: None,
        deleted: false,
    }
}

pub(super) fn show_whisper(cx: &mut Context, whisper: Whisper, author: PeerId) {
    let message = whispered(cx, whisper, author);
    cx.event(Event::Message { message });
}

#[cfg(test)]
mod tests;
