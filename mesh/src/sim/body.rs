//! What lives on a simulated machine: a node, or a program of a person around one.

use shared::{Identity, MessageId, PeerId, Room};

use crate::{
    Node, NodeConfig,
    io::{Input, Instant, Now, Output},
    model::{CloseError, Invitation, InvitationError, Retention, SendError, Vanish},
};

/// A node with whatever is around it, driven as [`crate::io`] demands. Everything is synchronous: the simulator is its platform.
pub trait Body {
    /// See [`Node::new`].
    fn start(identity: Identity, room: Room, config: NodeConfig, seed: [u8; 32], now: Now) -> Self;

    /// See [`Node::restore`].
    fn restore(&mut self, now: Now, records: Vec<(Vec<u8>, Vec<u8>)>);

    /// The node in it.
    fn node(&self) -> &Node;

    /// See [`Node::handle_input`].
    fn handle_input(&mut self, now: Now, input: Input);

    /// See [`Node::handle_timeout`].
    fn handle_timeout(&mut self, now: Now);

    /// See [`Node::poll_output`].
    fn poll_output(&mut self) -> Option<Output>;

    /// See [`Node::poll_timeout`].
    fn poll_timeout(&self) -> Option<Instant>;

    /// See [`Node::say`].
    ///
    /// # Errors
    /// As there.
    fn say(&mut self, now: Now, text: &str) -> Result<MessageId, SendError>;

    /// See [`Node::edit`].
    ///
    /// # Errors
    /// As there.
    fn edit(&mut self, now: Now, of: MessageId, text: &str) -> Result<(), SendError>;

    /// See [`Node::delete`].
    ///
    /// # Errors
    /// As there.
    fn delete(&mut self, now: Now, of: MessageId) -> Result<(), SendError>;

    /// See [`Node::react`].
    ///
    /// # Errors
    /// As there.
    fn react(&mut self, now: Now, to: MessageId, emoji: Vec<String>) -> Result<(), SendError>;

    /// See [`Node::whisper`].
    ///
    /// # Errors
    /// As there.
    fn whisper(&mut self, now: Now, to: PeerId, text: &str) -> Result<MessageId, SendError>;

    /// See [`Node::invite`].
    ///
    /// # Errors
    /// As there.
    fn invite(&mut self, now: Now) -> Result<(), InvitationError>;

    /// See [`Node::take_invitation`].
    ///
    /// # Errors
    /// As there.
    fn take_invitation(&mut self, now: Now, text: &str) -> Result<Invitation, InvitationError>;

    /// See [`Node::name_room`].
    ///
    /// # Errors
    /// As there.
    fn name_room(&mut self, now: Now, name: &str) -> Result<(), SendError>;

    /// See [`Node::set_topic`].
    ///
    /// # Errors
    /// As there.
    fn set_topic(&mut self, now: Now, topic: &str) -> Result<(), SendError>;

    /// See [`Node::set_pins`].
    ///
    /// # Errors
    /// As there.
    fn set_pins(&mut self, now: Now, ids: Vec<MessageId>) -> Result<(), SendError>;

    /// See [`Node::note_typing`].
    fn note_typing(&mut self, now: Now);

    /// See [`Node::set_vanish`].
    ///
    /// # Errors
    /// As there.
    fn set_vanish(&mut self, now: Now, after: Vanish) -> Result<(), SendError>;

    /// See [`Node::set_retention`].
    fn set_retention(&mut self, now: Now, keep: Retention);

    /// See [`Node::rename`].
    fn rename(&mut self, now: Now, name: &str);

    /// See [`Node::close_room`].
    ///
    /// # Errors
    /// As there.
    fn close_room(&mut self, now: Now) -> Result<(), CloseError>;

    /// See [`Node::leave`].
    fn leave(&mut self, now: Now);
}

impl Body for Node {
    fn start(identity: Identity, room: Room, config: NodeConfig, seed: [u8; 32], now: Now) -> Self {
        Self::new(identity, room, config, seed, now)
    }

    fn restore(&mut self, now: Now, records: Vec<(Vec<u8>, Vec<u8>)>) {
        self.restore(now, records);
    }

    fn node(&self) -> &Node {
        self
    }

    fn handle_input(&mut self, now: Now, input: Input) {
        self.handle_input(now, input);
    }

    fn handle_timeout(&mut self, now: Now) {
        self.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn say(&mut self, now: Now, text: &str) -> Result<MessageId, SendError> {
        self.say(now, text)
    }

    fn edit(&mut self, now: Now, of: MessageId, text: &str) -> Result<(), SendError> {
        self.edit(now, of, text)
    }

    fn delete(&mut self, now: Now, of: MessageId) -> Result<(), SendError> {
        self.delete(now, of, &[])
    }

    fn react(&mut self, now: Now, to: MessageId, emoji: Vec<String>) -> Result<(), SendError> {
        self.react(now, to, emoji)
    }

    fn whisper(&mut self, now: Now, to: PeerId, text: &str) -> Result<MessageId, SendError> {
        self.whisper(now, to, text)
    }

    fn invite(&mut self, now: Now) -> Result<(), InvitationError> {
        self.invite(now)
    }

    fn take_invitation(&mut self, now: Now, text: &str) -> Result<Invitation, InvitationError> {
        self.take_invitation(now, text)
    }

    fn name_room(&mut self, now: Now, name: &str) -> Result<(), SendError> {
        self.name_room(now, name)
    }

    fn set_topic(&mut self, now: Now, topic: &str) -> Result<(), SendError> {
        self.set_topic(now, topic)
    }

    fn set_pins(&mut self, now: Now, ids: Vec<MessageId>) -> Result<(), SendError> {
        self.set_pins(now, ids)
    }

    fn note_typing(&mut self, now: Now) {
        self.note_typing(now);
    }

    fn set_vanish(&mut self, now: Now, after: Vanish) -> Result<(), SendError> {
        self.set_vanish(now, after)
    }

    fn set_retention(&mut self, now: Now, keep: Retention) {
        self.set_retention(now, keep);
    }

    fn rename(&mut self, now: Now, name: &str) {
        self.rename(now, name);
    }

    fn close_room(&mut self, now: Now) -> Result<(), CloseError> {
        self.close_room(now)
    }

    fn leave(&mut self, now: Now) {
        self.leave(now);
    }
}
