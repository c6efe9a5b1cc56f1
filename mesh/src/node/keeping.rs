//! The node's commands about what is kept, for how long, and what is taken along and brought back.

use shared::{MessageId, RoomId};

use super::Node;
use crate::{
    config::PINS_MAX,
    context::Context,
    io::Now,
    model::{Imported, Retention, SendError, Vanish},
    room::Room,
    wire::codec::valid_topic,
};

impl Node {
    /// Says what the room is about, as its founder: [`Event::Topic`](crate::model::Event::Topic) comes here and to everyone, also to whoever comes later.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted.
    ///
    /// # Panics
    /// If it is not a [valid topic](crate::wire::codec::valid_topic).
    pub fn set_topic(&mut self, now: Now, topic: &str) -> Result<(), SendError> {
        assert!(valid_topic(topic), "the topic must be checked with `valid_topic`");
        self.say_of_room(now, |room, cx| room.set_topic(cx, topic))
    }

    /// Has everybody find these messages, as the founder, in the place of those before: [`Event::Pinned`](crate::model::Event::Pinned) comes here and to
    /// everyone, also to whoever comes later.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted. They are [`SendError::TooManyPins`] if they are more than [`PINS_MAX`].
    pub fn set_pins(&mut self, now: Now, mut ids: Vec<MessageId>) -> Result<(), SendError> {
        let mut seen = Vec::new();
        ids.retain(|id| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        if ids.len() > PINS_MAX {
            return Err(SendError::TooManyPins);
        }
        self.say_of_room(now, |room, cx| room.set_pins(cx, ids))
    }

    /// Has what is said in the room vanish after so long, as its founder: [`Event::Vanishing`](crate::model::Event::Vanishing) comes here and to
    /// everyone, also to whoever comes later, and a [`Message`](crate::model::Message) that says so.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted.
    pub fn set_vanish(&mut self, now: Now, after: Vanish) -> Result<(), SendError> {
        self.say_of_room(now, |room, cx| room.set_vanish(cx, after))
    }

    pub(super) fn say_of_room(
        &mut self,
        now: Now,
        say: impl FnOnce(&mut Room, &mut Context) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        self.advance(now);
        self.demand_here(SendError::Left)?;
        let said = say(&mut self.room, &mut self.cx);
        self.exchange();
        said
    }

    /// Keeps so much of the room here, from now on and at later visits. Nobody else notices.
    /// [`Event::Retention`](crate::model::Event::Retention) tells what came of it, for there are limits.
    pub fn set_retention(&mut self, now: Now, keep: Retention) {
        self.advance(now);
        self.room.set_retention(&mut self.cx, keep);
        self.exchange();
    }

    /// Which room this is.
    #[must_use]
    pub fn room_id(&self) -> RoomId {
        self.cx.room.id()
    }

    /// The signed entry of a message, as [`Node::import`] takes it back; `None` if it is not kept any more, or is a whisper.
    #[must_use]
    pub fn record(&self, id: &MessageId) -> Option<&[u8]> {
        self.room.record(id)
    }

    /// Takes entries back that [`Node::record`] gave, here or to another program. Each is checked, which takes about a tenth of a millisecond: give
    /// some dozens at a time. Those that are new come with [`Event::Recalled`](crate::model::Event::Recalled), and go to others as all else.
    pub fn import(&mut self, now: Now, records: &[Vec<u8>]) -> Imported {
        self.advance(now);
        let imported = self.room.import(&mut self.cx, records);
        self.exchange();
        imported
    }
}
