//! The people of a room, as they are listed.

use std::rc::Rc;

use mesh::model::{Person, PersonState};

use super::RoomState;

impl RoomState {
    /// The others: those who can be reached first, then those who are gone. Then those who are away, the most recent first; from which place on is told, too.
    #[must_use]
    pub fn people_in_order(&self) -> (Vec<Rc<Person>>, usize) {
        let mut in_order = Vec::new();
        let mut first_away = 0;
        for rank in 0..3 {
            first_away = in_order.len();
            for person in &self.people {
                let theirs = match person.state {
                    PersonState::Away => 2,
                    PersonState::Gone | PersonState::Left => 1,
                    PersonState::Here
                    | PersonState::Connecting
                    | PersonState::Reconnecting
                    | PersonState::OutOfReach { .. } => 0,
                };
                if theirs == rank {
                    in_order.push(Rc::clone(person));
                }
            }
        }
        in_order[first_away..].reverse();
        (in_order, first_away)
    }

    /// How many are in the room, us included, reached or about to be.
    #[must_use]
    pub fn present(&self) -> usize {
        let away = |state| {
            matches!(
                state,
                PersonState::OutOfReach { .. } | PersonState::Gone | PersonState::Left | PersonState::Away
            )
        };
        1 + self.people.iter().filter(|person| !away(person.state)).count()
    }
}
