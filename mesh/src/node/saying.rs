//! The node's commands about what a person says: to everyone, to one, and of what was said.

use shared::{MessageId, PeerId};

use super::Node;
use crate::{context::Context, io::Now, model::SendError, room::Room};

impl Node {
    /// Says something to everyone. The message comes back as an [`Event::Message`](crate::model::Event::Message), then its
    /// [`Delivery`](crate::model::Delivery) as that goes on.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted.
    pub fn say(&mut self, now: Now, text: &str) -> Result<MessageId, SendError> {
        self.tell(now, |room, cx| room.say(cx, text))
    }

    /// Says something to everyone, in answer to a message that was said to everyone. It comes back like [`Node::say`]'s.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted.
    pub fn reply(&mut self, now: Now, to: MessageId, text: &str) -> Result<MessageId, SendError> {
        self.tell(now, |room, cx| room.reply(cx, to, text))
    }

    /// Has a message of ours say something else from now on: [`Event::Annotated`](crate::model::Event::Annotated) comes here and to everyone.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted. Whether the message is ours was checked by the caller: others ignore it if it is not.
    pub fn edit(&mut self, now: Now, of: MessageId, text: &str) -> Result<(), SendError> {
        self.tell(now, |room, cx| room.edit(cx, of, text))
    }

    /// Has these emoji and no others for a message that was said to everyone: [`Event::Annotated`](crate::model::Event::Annotated) comes here and to everyone.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted.
    pub fn react(&mut self, now: Now, to: MessageId, emoji: Vec<String>) -> Result<(), SendError> {
        self.tell(now, |room, cx| room.react(cx, to, emoji))
    }

    /// Deletes a message of ours for everyone: [`Event::Deleted`](crate::model::Event::Deleted) comes here and to everyone. Nobody has to follow: whoever
    /// has it may have kept it elsewhere. `edits`: the ids of what it was changed to, as far as the app knows them.
    ///
    /// # Errors
    /// [`SendError`], and the message is not deleted. Whether it is ours was checked by the caller: others ignore it if it is not.
    pub fn delete(&mut self, now: Now, of: MessageId, edits: &[MessageId]) -> Result<(), SendError> {
        self.tell(now, |room, cx| room.delete(cx, of, edits))
    }

    /// Our person is typing something to everyone: the others are told so by [`Event::Typing`](crate::model::Event::Typing), as often as they need it. To
    /// be called with each key.
    pub fn note_typing(&mut self, now: Now) {
        // Where there is nobody to tell there is nothing to say of it.
        let _ = self.tell(now, |room, cx| {
            room.say_typing(cx);
            Ok(())
        });
    }

    /// Says something while we are in the room.
    fn tell<T>(
        &mut self,
        now: Now,
        tell: impl FnOnce(&mut Room, &mut Context) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        self.advance(now);
        self.demand_here(SendError::Left)?;
        let told = tell(&mut self.room, &mut self.cx);
        self.exchange();
        told
    }

    /// Says something to one peer alone, sealed to its key.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted.
    pub fn whisper(&mut self, now: Now, to: PeerId, text: &str) -> Result<MessageId, SendError> {
        self.tell(now, |room, cx| room.whisper(cx, to, text))
    }
}
