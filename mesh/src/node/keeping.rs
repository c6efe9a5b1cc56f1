//! The node's commands about for how long things are kept.

use super::Node;
use crate::{
    io::Now,
    model::{Retention, SendError, Vanish},
};

impl Node {
    /// Has what is said in the room vanish after so long, as its founder: [`Event::Vanishing`](crate::model::Event::Vanishing) comes here and to
    /// everyone, also to whoever comes later, and a [`Message`](crate::model::Message) that says so.
    ///
    /// # Errors
    /// [`SendError`], and nothing was accepted.
    pub fn set_vanish(&mut self, now: Now, after: Vanish) -> Result<(), SendError> {
        self.advance(now);
        self.demand_here(SendError::Left)?;
        let set = self.room.set_vanish(&mut self.cx, after);
        self.exchange();
        set
    }

    /// Keeps so much of the room here, from now on and at later visits. Nobody else notices.
    /// [`Event::Retention`](crate::model::Event::Retention) tells what came of it, for there are limits.
    pub fn set_retention(&mut self, now: Now, keep: Retention) {
        self.advance(now);
        self.room.set_retention(&mut self.cx, keep);
        self.exchange();
    }
}
