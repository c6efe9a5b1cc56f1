//! What the founder said about the room: its name, what it is about, which messages everybody is to find, and after how long messages vanish. Of each
//! the last word in the one order counts.
//!
//! A word is an entry of the log like all others. But a log loses old entries, by age or for want of room, and whoever comes later gets
//! none of them: so the last word of each kind is kept beside the log, handed to every new neighbor, and passed on to all when it is news.
//!
//! Invariants: only the founder's words count. Whoever has heard of the same words goes by the same one, in whatever order they came.

use std::{collections::VecDeque, rc::Rc};

use litemap::LiteMap;
use shared::{MessageId, PeerId, limits::TEXT_BYTES_MAX};

use super::{Room, receive::Handled, say::message, sync::Violation};
use crate::{
    config::RULES_SHOWN_MAX,
    context::Context,
    io::{LinkId, Priority},
    model::{Event, SendError, Vanish},
    wire::{
        codec::encode,
        entry::{Entry, EntryBody},
        fragment::Fragments,
        frame::Frame,
        record::Record,
        relation::Pins,
        stored::Key,
        timestamp::Timestamp,
    },
};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// The last word of each kind.
    words: LiteMap<u32, Rc<Record<Entry>>>,
    /// Lines that were shown before their entries came.
    shown: VecDeque<MessageId>,
}

impl Settings {
    /// Takes a word of `founder`. Says whether it is news.
    fn take(&mut self, founder: Option<PeerId>, record: &Rc<Record<Entry>>) -> bool {
        let place = |record: &Record<Entry>| (record.content.order, record.message_id());
        let kind = record.content.kind;
        let counts = founder == Some(record.author) && is_word(&record.content);
        let is_news = counts && self.words.get(&kind).is_none_or(|known| place(record) > place(known));
        if is_news {
            self.words.insert(kind, Rc::clone(record));
        }
        is_news
    }

    /// After how long messages vanish.
    pub(super) fn vanish(&self) -> Vanish {
        let said = self.rule().and_then(|record| record.content.vanish());
        said.unwrap_or_default()
    }

    /// The word about that, if there was one.
    pub(super) fn rule(&self) -> Option<&Rc<Record<Entry>>> {
        self.words.get(&Entry::VANISH)
    }

    /// The place in the order from which on an entry of this kind is the last word, also after one that was given by a clock that was ahead.
    pub(super) fn next_place(&self, kind: u32) -> Timestamp {
        let last = self.words.get(&kind);
        last.map(|record| record.content.order.next()).unwrap_or_default()
    }

    fn all(&self) -> impl Iterator<Item = &Rc<Record<Entry>>> {
        self.words.values()
    }
}

impl Room {
    /// Gives the room a name, as its founder.
    pub(crate) fn name_room(&mut self, cx: &mut Context, name: &str) -> Result<(), SendError> {
        demand_founder(cx)?;
        self.check_text(cx, name, TEXT_BYTES_MAX)?;
        self.say_setting(cx, Entry::ROOM_NAME, EntryBody::of(name));
        Ok(())
    }

    /// Says what the room is about, as its founder.
    pub(crate) fn set_topic(&mut self, cx: &mut Context, topic: &str) -> Result<(), SendError> {
        self.demand_setting(cx)?;
        self.say_setting(cx, Entry::TOPIC, EntryBody::of(topic));
        Ok(())
    }

    /// Has everybody find these messages, as the founder.
    pub(crate) fn set_pins(&mut self, cx: &mut Context, ids: Vec<MessageId>) -> Result<(), SendError> {
        self.demand_setting(cx)?;
        self.say_setting(cx, Entry::PINS, EntryBody::of(encode(&Pins { ids })));
        Ok(())
    }

    /// Has messages vanish, as the founder.
    pub(crate) fn set_vanish(&mut self, cx: &mut Context, after: Vanish) -> Result<(), SendError> {
        self.demand_setting(cx)?;
        self.say_setting(cx, Entry::VANISH, EntryBody::of(encode(&after)));
        Ok(())
    }

    fn demand_setting(&mut self, cx: &Context) -> Result<(), SendError> {
        demand_founder(cx)?;
        if self.takes(cx, 1) {
            Ok(())
        } else {
            Err(SendError::Full)
        }
    }

    fn say_setting(&mut self, cx: &mut Context, kind: u32, body: EntryBody) {
        let record = self.sign(cx, kind, body, self.settings.next_place(kind));
        self.show_entry(cx, &record);
        self.publish(cx, record);
    }

    /// Goes by what an entry says about the room, if it does and that is news: of several words the last in the one order, however they come.
    /// It is passed on to all but `from`; our own is once it is stored.
    pub(super) fn note_setting(&mut self, cx: &mut Context, record: &Rc<Record<Entry>>, from: Option<LinkId>) -> bool {
        let is_news = self.settings.take(cx.room.founder(), record);
        if is_news {
            let kind = record.content.kind;
            cx.store(Priority::Soon, Key::Setting { kind }.keep_bytes(&record.wire));
            if record.author != self.me || from.is_some() {
                self.spread_setting(cx, record, from);
            }
            self.tell_setting(cx, record);
            if record.content.vanish().is_some() {
                self.sweep_soon(cx);
            }
        }
        is_news
    }

    /// Passes on what the founder said, if that is what the room goes by.
    pub(super) fn spread_setting(&mut self, cx: &mut Context, record: &Record<Entry>, from: Option<LinkId>) {
        if self.settings.all().all(|known| known.id != record.id) {
            return;
        }
        let wire = record.wire.as_slice().into();
        let frame = Fragments::of(&Frame::Setting { wire });
        for link in self.neighbors.links().filter(|link| Some(*link) != from) {
            cx.transmit(link, &frame);
        }
    }

    /// Tells a new neighbor what the founder said, but for what is not stored yet.
    pub(super) fn tell_settings(&self, cx: &mut Context, link: LinkId) {
        for record in self.settings.all().filter(|record| !self.journal.awaits(record)) {
            let wire = record.wire.as_slice().into();
            cx.send(link, &Frame::Setting { wire });
        }
    }

    /// A neighbor tells what the founder said.
    pub(super) fn on_setting(&mut self, cx: &mut Context, link: LinkId, wire: &[u8]) -> Handled {
        let is_known = self.settings.all().any(|known| known.wire.as_slice() == wire);
        // A signature is checked for each: the word of one founder changes seldom.
        if is_known || !self.neighbors.may_be_checked(cx.instant(), link) {
            return Ok(());
        }
        let record = Record::<Entry>::open(wire, &cx.room).map_err(|_| Violation)?;
        if !is_word(&record.content) || cx.room.founder() != Some(record.author) {
            return Err(Violation);
        }
        if self.note_setting(cx, &record, Some(link))
            && let Some(message) = message(cx, &record)
        {
            // The entry itself may come later, or never.
            self.settings.shown.push_back(message.id);
            if self.settings.shown.len() > RULES_SHOWN_MAX {
                self.settings.shown.pop_front();
            }
            cx.event(Event::Message { message });
        }
        Ok(())
    }

    /// Whether the line of an entry was shown before the entry came.
    pub(super) fn was_shown_before(&self, record: &Record<Entry>) -> bool {
        self.settings.shown.contains(&record.message_id())
    }

    /// Goes on from what was stored.
    pub(super) fn recall_setting(&mut self, cx: &mut Context, kind: u32, value: &[u8]) {
        let record = Record::<Entry>::recall(value).ok();
        if let Some(record) = record.filter(|record| record.content.kind == kind)
            && self.settings.take(cx.room.founder(), &record)
        {
            self.tell_setting(cx, &record);
        }
    }

    fn tell_setting(&self, cx: &mut Context, record: &Record<Entry>) {
        let word = &record.content;
        if let Some(name) = word.room_name() {
            cx.event(Event::RoomNamed { name: name.to_owned() });
        } else if let Some(topic) = word.topic() {
            let topic = topic.to_owned();
            cx.event(Event::Topic { topic });
        } else if let Some(Pins { ids }) = word.pins() {
            cx.event(Event::Pinned { ids });
        } else {
            let after = self.settings.vanish();
            cx.event(Event::Vanishing { after });
        }
    }
}

/// Whether an entry says something about the room, if its author is the founder.
fn is_word(entry: &Entry) -> bool {
    entry.room_name().is_some() || entry.vanish().is_some() || entry.topic().is_some() || entry.pins().is_some()
}

fn demand_founder(cx: &Context) -> Result<(), SendError> {
    let is_founder = cx.room.founder() == Some(cx.me);
    is_founder.then_some(()).ok_or(SendError::NotFounder)
}

#[cfg(test)]
mod tests {
    use shared::RoomCode;

    use super::*;
    use crate::{
        context::test::{identity, peer},
        io::Output,
        random::{Stream, stream},
        room::rig::{BOB, CID, Rig, sent, violation},
    };

    /// A rig in a room that the person with number 2 founded.
    fn founded() -> Rig {
        let mut rig = Rig::linked(&[2, 3]);
        rig.cx.room = RoomCode::generate(peer(2), &mut stream([1; 32], Stream::Log)).open();
        rig
    }

    fn word(rig: &Rig, person: u8, kind: u32, after: Vanish) -> Rc<Record<Entry>> {
        let entry = Entry {
            kind,
            body: EntryBody::of(encode(&after)),
            order: Timestamp::from_unix_millis(rig.cx.now.unix_millis + after as u64),
            ..rig.entry_of(person, 0, "x").content.clone()
        };
        Record::sign(&identity(person), &rig.cx.room, entry)
    }

    fn setting(record: &Record<Entry>) -> Frame<'_> {
        let wire = record.wire.as_slice().into();
        Frame::Setting { wire }
    }

    #[test]
    fn a_word_of_the_founder_is_followed_and_passed_on_once_and_an_earlier_one_never() {
        let mut rig = founded();
        let week = word(&rig, 2, Entry::VANISH, Vanish::Week);
        rig.handle(BOB, setting(&week));
        let message = message(&rig.cx, &week).unwrap();
        assert_eq!(message.vanish, Some(Vanish::Week));
        let outputs = rig.cx.outputs();
        assert_eq!(
            outputs,
            [
                sent(CID, &setting(&week)),
                Output::Event(Event::Vanishing { after: Vanish::Week }),
                Output::Event(Event::Message { message }),
            ]
        );
        rig.handle(CID, setting(&week));
        rig.handle(CID, setting(&word(&rig, 2, Entry::VANISH, Vanish::Hour)));
        assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![]));
        rig.room.tell_settings(&mut rig.cx, CID);
        assert_eq!(rig.cx.outputs(), [sent(CID, &setting(&week))]);
    }

    #[test]
    fn a_word_that_takes_another_place_is_the_one_that_is_handed_on() {
        let mut rig = Rig::linked(&[2]);
        rig.cx.room = RoomCode::generate(rig.cx.me, &mut stream([1; 32], Stream::Log)).open();
        rig.room.restore(&mut rig.cx, []);
        rig.room.set_vanish(&mut rig.cx, Vanish::Week).unwrap();
        let first = Rc::clone(rig.room.settings.rule().unwrap());
        rig.cx.outputs();
        rig.room.handle_not_stored(&mut rig.cx);
        let now = Rc::clone(rig.room.settings.rule().unwrap());
        assert!(now.content.order > first.content.order);
        let outputs = rig.cx.outputs();
        let (before, id, order) = (first.message_id(), now.message_id(), now.content.order);
        assert!(
            outputs.contains(&Output::Event(Event::Renumbered { before, id, order })),
            "{outputs:?}"
        );
        assert!(outputs.contains(&sent(BOB, &setting(&now))), "{outputs:?}");
        rig.room.tell_settings(&mut rig.cx, BOB);
        assert_eq!(rig.cx.outputs(), [sent(BOB, &setting(&now))]);
    }

    #[test]
    fn what_is_no_word_of_the_founder_is_a_violation() {
        let mut rig = founded();
        let mut altered = word(&rig, 2, Entry::VANISH, Vanish::Week).wire.clone();
        altered[40] ^= 1;
        let by_another = word(&rig, 3, Entry::VANISH, Vanish::Week).wire.clone();
        let no_word = word(&rig, 2, Entry::CHAT, Vanish::Week).wire.clone();
        for wire in [altered, by_another, no_word] {
            let wire = wire.as_slice().into();
            rig.handle(BOB, Frame::Setting { wire });
            assert_eq!((rig.cx.outputs(), rig.told()), (vec![], vec![violation(BOB)]));
        }
    }
}
