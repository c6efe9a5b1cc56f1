//! Runs a node.

use std::rc::Rc;

use mesh::io::{Event, Instant, SendError};
use shared::{MessageId, PeerId, Room, RoomCode};
use yew::Callback;

use crate::boot::Profile;

/// A handle on a running node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Session(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    me: PeerId,
    room: Room,
    on_event: Callback<Event>,
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Session {
    /// Joins a room; what happens there comes to `on_event`.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the node keeps them")]
    pub fn join(profile: &Profile, room: RoomCode, _name: String, on_event: Callback<Event>) -> Self {
        Self(Rc::new(Inner { me: profile.peer_id(), room: room.open(), on_event }))
    }

    /// Our public key.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.0.me
    }

    /// The room.
    #[must_use]
    pub fn room(&self) -> Room {
        self.0.room.clone()
    }

    /// Says `text` to everyone.
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn say(&self, _text: &str) -> Result<MessageId, SendError> {
        Err(SendError::Left)
    }

    /// Says `text` to one person.
    ///
    /// # Errors
    /// [`SendError`]; the text stays with the caller.
    pub fn whisper(&self, _to: PeerId, _text: &str) -> Result<MessageId, SendError> {
        Err(SendError::NotReachable)
    }

    /// Leaves the room; `Event::Left` follows.
    pub fn leave(&self) {
        self.0.on_event.emit(Event::Left);
    }

    /// Tries the servers now.
    pub fn retry_now(&self) {}

    /// Milliseconds from now until `at`; 0 if that has passed.
    #[must_use]
    pub fn millis_until(&self, at: Instant) -> u64 {
        at.as_millis()
    }
}
