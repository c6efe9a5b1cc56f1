//! The messages in the order in which they came, for who asks again and again what is new. In the room's order a late one stands at an earlier place.

use client::room::RoomState;
use serde::Serialize;

use super::Refusal;
use crate::{config::HISTORY_MAX, line::transcript::Transcript, report::MessageReport};

/// What has come since somebody asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arrivals {
    /// As in a report of type `history`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// In the order in which they came; at most [`HISTORY_MAX`].
    pub messages: Vec<MessageReport>,
    /// What to ask with the next time.
    pub cursor: String,
}

/// Up to which message somebody was told.
#[derive(Debug)]
pub(super) struct Cursors {
    /// Tells cursors of this program from those of another start, whose messages came in another order.
    start: u64,
}

impl Cursors {
    pub(super) fn new(start: u64) -> Self {
        Self { start }
    }

    /// What came after a cursor, or after the message of an id; without either, all that is kept.
    pub(super) fn after(
        &self,
        room: &RoomState,
        transcript: &Transcript,
        since: Option<&str>,
    ) -> Result<Arrivals, Refusal> {
        let after = match since {
            None => 0,
            Some(since) => self.read(room, transcript, since).ok_or(Refusal::NoSuchMessage)?,
        };
        let arrived = room.messages.iter().filter_map(|entry| {
            let number = transcript.arrival(&entry.message.id)?;
            (number > after).then_some((number, entry))
        });
        let mut arrived: Vec<_> = arrived.collect();
        arrived.sort_by_key(|(number, _)| *number);
        arrived.truncate(HISTORY_MAX);
        let last = arrived.last().map_or(after, |(number, _)| *number);
        let reports = arrived
            .iter()
            .map(|(_, entry)| super::message(room, entry, transcript.numbers()));
        Ok(Arrivals {
            kind: "history",
            messages: reports.collect(),
            cursor: format!("{}-{last}", self.start),
        })
    }

    fn read(&self, room: &RoomState, transcript: &Transcript, since: &str) -> Option<u64> {
        if let Some((start, number)) = since.split_once('-')
            && let (Ok(start), Ok(number)) = (start.parse::<u64>(), number.parse())
        {
            return (start == self.start).then_some(number);
        }
        let known = room.messages.iter().find(|entry| entry.message.id.to_text() == since)?;
        transcript.arrival(&known.message.id)
    }
}

#[cfg(test)]
mod tests {
    use client::room::{RoomAction, Visibility, reduce};
    use mesh::model::{Event, Message, Timestamp};
    use shared::{MessageId, PeerId};

    use super::*;

    fn said(room: &mut RoomState, byte: u8, millis: u64) {
        let message = Message {
            id: MessageId::from_bytes([byte; 16]),
            author: PeerId::from_bytes([7; 32]),
            author_name: "Ann".to_owned(),
            own: false,
            whisper_to: None,
            order: Timestamp::from_unix_millis(millis),
            unix_millis: millis,
            dated_ahead: false,
            recent: false,
            reply_to: None,
            vanish: None,
            deleted: false,
            text: byte.to_string(),
            file: None,
        };
        let action = RoomAction::Event {
            event: Event::Message { message },
            visibility: Visibility::Shown,
        };
        reduce(room, action);
    }

    #[test]
    fn what_comes_late_at_an_earlier_place_is_not_missed() {
        let mut room = RoomState::new(PeerId::from_bytes([0; 32]), "me".to_owned());
        let (mut transcript, cursors) = (Transcript::default(), Cursors::new(5));
        let texts = |arrivals: &Arrivals| {
            let texts = arrivals.messages.iter().map(|message| message.text.clone());
            texts.collect::<Vec<_>>()
        };
        said(&mut room, 1, 2_000);
        let _ = transcript.update(&room);
        let first = cursors.after(&room, &transcript, None).unwrap();
        assert_eq!(texts(&first), ["1"]);
        said(&mut room, 2, 1_000);
        let _ = transcript.update(&room);
        let places: Vec<_> = room.messages.iter().map(|entry| entry.message.text.clone()).collect();
        assert_eq!(places, ["2", "1"]);
        let id = MessageId::from_bytes([1; 16]).to_text();
        for since in [first.cursor.as_str(), &id] {
            let later = cursors.after(&room, &transcript, Some(since)).unwrap();
            assert_eq!((texts(&later), later.cursor.as_str()), (vec!["2".to_owned()], "5-2"));
        }
        for wrong in ["4-1", "nothing", "", "5-x"] {
            let answer = cursors.after(&room, &transcript, Some(wrong));
            assert!(matches!(answer, Err(Refusal::NoSuchMessage)), "{wrong}");
        }
    }
}
