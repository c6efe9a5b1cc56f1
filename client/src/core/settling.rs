//! From when on those who come are told of: who is found at first was there before us.

use mesh::{
    io::Instant,
    model::{Event, PersonState, ServerState},
};

use crate::config::SETTLED_AFTER;

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Settling {
    at: Option<Instant>,
    is_over: bool,
}

impl Settling {
    /// Something is told. Says whether it is the first after the time in which others are found.
    pub(super) fn note(&mut self, now: Instant, event: &Event) -> bool {
        let is_reached = matches!(event, Event::Person { person } if person.state == PersonState::Here);
        let has_server =
            matches!(event, Event::Server { state, .. } if matches!(state, ServerState::Registered { .. }));
        if is_reached || has_server {
            self.at.get_or_insert(now + SETTLED_AFTER);
        }
        let is_first = !self.is_over && self.at.is_some_and(|at| now >= at);
        self.is_over |= is_first;
        is_first
    }
}
