//! Entries that a person takes from the room to keep them elsewhere, and brings back.
//!
//! Invariant: what is brought back is checked like what a neighbor brings: it is by its author, of this room, and has one place in its feed.

use shared::MessageId;

use super::{
    Room,
    log::Source,
    remember::tell_annotations,
    say::{annotation, deletion, message},
};
use crate::{
    context::Context,
    model::{Event, Imported},
    wire::{entry::Entry, id::ShortId, record::Record},
};

impl Room {
    /// The entry of a message as it travels, if it is kept.
    pub(crate) fn record(&self, id: &MessageId) -> Option<&[u8]> {
        let record = self.log.find(ShortId::of_message(id))?;
        (record.message_id() == *id).then_some(record.wire.as_slice())
    }

    /// Takes entries that were kept elsewhere.
    pub(crate) fn import(&mut self, cx: &mut Context, wires: &[Vec<u8>]) -> Imported {
        let mut imported = Imported::default();
        let (mut messages, mut annotations, mut deletions) = (Vec::new(), Vec::new(), Vec::new());
        for wire in wires {
            let Ok(record) = Record::<Entry>::open(wire, &cx.room) else {
                imported.damaged += 1;
                continue;
            };
            // What is said of messages is not counted among them.
            let annotation = annotation(&record);
            let deletion = deletion(&record);
            let one = usize::from(annotation.is_none() && deletion.is_none());
            let Some(record) = self.take_entry(cx, &record, Source::Sync) else {
                imported.known += one;
                continue;
            };
            if !self.follow_entry(cx, &record) {
                imported.vanished += one;
                continue;
            }
            imported.new += one;
            annotations.extend(annotation);
            deletions.extend(deletion);
            messages.extend(message(cx, &record).filter(|_| !self.was_shown_before(&record)));
        }
        if !messages.is_empty() {
            cx.event(Event::Recalled { messages });
        }
        tell_annotations(cx, annotations);
        deletions.into_iter().for_each(|deletion| cx.event(deletion));
        self.persist(cx);
        imported
    }
}

#[cfg(test)]
mod tests {
    use shared::RoomCode;

    use super::*;
    use crate::{
        context::test::identity,
        io::Output,
        room::rig::Rig,
        wire::{entry::EntryBody, timestamp::Timestamp},
    };

    fn said(room: &str, seq: u64, text: &str) -> Vec<u8> {
        let entry = Entry {
            feed: 7,
            seq,
            prev: (seq > 0).then(|| [9; 32].into()),
            order: Timestamp::from_unix_millis(1_000 + seq),
            unix_millis: 1_000 + seq,
            name: "Bob".into(),
            kind: Entry::CHAT,
            body: EntryBody::of(text),
        };
        let room = RoomCode::parse(room).unwrap().open();
        Record::sign(&identity(2), &room, entry).wire.to_vec()
    }

    fn recalled(rig: &mut Rig) -> Vec<String> {
        let outputs = rig.cx.outputs().into_iter();
        let messages = outputs.filter_map(|output| {
            let Output::Event(Event::Recalled { messages }) = output else {
                return None;
            };
            Some(messages)
        });
        messages.flatten().map(|message| message.text).collect()
    }

    #[test]
    fn what_is_brought_back_is_shown_once_and_given_out_as_it_came() {
        let (mut rig, room) = (Rig::new(), "lobby");
        let wires = [said(room, 0, "one"), said(room, 4, "five")];
        let imported = rig.room.import(&mut rig.cx, &wires);
        assert_eq!((imported.new, imported.known, imported.damaged), (2, 0, 0));
        assert_eq!(recalled(&mut rig), ["one", "five"]);
        let id = Record::<Entry>::open(&wires[1], &rig.cx.room).unwrap().message_id();
        assert_eq!(rig.room.record(&id), Some(wires[1].as_slice()));
        let imported = rig.room.import(&mut rig.cx, &wires);
        assert_eq!((imported.new, imported.known), (0, 2));
        assert!(recalled(&mut rig).is_empty());
    }

    #[test]
    fn what_was_altered_or_said_elsewhere_is_left_out() {
        let mut rig = Rig::new();
        let mut altered = said("lobby", 0, "the sum is 10");
        let place = altered.len() - 2;
        altered[place] ^= 1;
        let wires = [
            altered,
            said("another room", 0, "hi"),
            Vec::new(),
            said("lobby", 1, "fine"),
        ];
        let imported = rig.room.import(&mut rig.cx, &wires);
        assert_eq!((imported.new, imported.damaged), (1, 3));
        assert_eq!(recalled(&mut rig), ["fine"]);
    }
}
