//! The closing of the room: a statement that the founder signs, and that everyone passes on, remembers and follows.
//!
//! Invariants: only the founder's statement counts; it is passed on once; a room that was closed stays closed.

use std::rc::Rc;

use super::neighbors::Neighbors;
use crate::{
    context::Context,
    io::Output,
    model::Event,
    wire::{
        fragment::Fragments,
        frame::Frame,
        record::{self, Record},
    },
};

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Closing {
    /// The statement that was remembered from a former visit, until it was looked at.
    remembered: Option<Vec<u8>>,
    is_closed: bool,
}

impl Closing {
    pub(crate) fn new(remembered: Option<Vec<u8>>) -> Self {
        Self {
            remembered,
            is_closed: false,
        }
    }

    /// Makes the statement, as the founder.
    pub(crate) fn state(cx: &Context) -> Rc<Record<record::Closing>> {
        let unix_millis = cx.room_millis();
        Record::sign(&cx.identity, &cx.room, record::Closing { unix_millis })
    }

    /// Whether a statement that was checked is the founder's.
    pub(crate) fn is_founders(cx: &Context, statement: &Record<record::Closing>) -> bool {
        cx.room.founder() == Some(statement.author)
    }

    /// Follows the founder's statement: passes it on and has it remembered. Says whether it was news.
    pub(crate) fn follow(
        &mut self,
        cx: &mut Context,
        neighbors: &Neighbors,
        statement: &Record<record::Closing>,
    ) -> bool {
        if std::mem::replace(&mut self.is_closed, true) {
            return false;
        }
        let wire = statement.wire.as_slice().into();
        let frame = Fragments::of(&Frame::Closing { wire });
        for link in neighbors.links() {
            cx.transmit(link, &frame);
        }
        let statement = statement.wire.clone();
        cx.output(Output::RememberClosed { statement });
        cx.event(Event::RoomClosed);
        true
    }

    /// Whether the room was closed on a former visit, which is told once.
    pub(crate) fn recall(&mut self, cx: &mut Context) -> bool {
        let Some(statement) = self.remembered.take() else {
            return false;
        };
        let statement = Record::<record::Closing>::open(&statement, &cx.room);
        self.is_closed = statement.is_ok_and(|statement| Self::is_founders(cx, &statement));
        if self.is_closed {
            cx.event(Event::RoomClosed);
        }
        self.is_closed
    }
}

#[cfg(test)]
mod tests {
    use shared::RoomCode;

    use super::*;
    use crate::{
        context::test::{identity, peer},
        io::LinkId,
    };

    /// The founder's own context, and that of another member.
    fn founded() -> (Context, Context) {
        let mut contexts = [1, 2].map(Context::test);
        let code = RoomCode::generate(peer(1), &mut crate::random::stream([1; 32], crate::random::Stream::Log));
        for cx in &mut contexts {
            cx.room = code.clone().open();
        }
        contexts.into()
    }

    #[test]
    fn the_founders_statement_is_passed_on_remembered_and_followed_once() {
        let (founder, mut member) = founded();
        let mut neighbors = Neighbors::default();
        neighbors.up(LinkId(5), peer(3), false);
        let statement = Closing::state(&founder);
        assert!(Closing::is_founders(&member, &statement));
        let mut closing = Closing::new(None);
        assert!(closing.follow(&mut member, &neighbors, &statement));
        let outputs = member.outputs();
        assert!(matches!(outputs[0], Output::Transmit { link: LinkId(5), .. }));
        let remembered = Output::RememberClosed {
            statement: statement.wire.clone(),
        };
        assert_eq!(outputs[1..], [remembered, Output::Event(Event::RoomClosed)]);
        assert!(!closing.follow(&mut member, &neighbors, &statement));
        assert_eq!(member.outputs(), []);
    }

    #[test]
    fn only_the_founders_statement_is_recalled() {
        let (founder, mut member) = founded();
        let by_another = Record::sign(&identity(2), &member.room, record::Closing { unix_millis: 1 });
        assert!(!Closing::is_founders(&member, &by_another));
        assert!(!Closing::new(Some(by_another.wire.clone())).recall(&mut member));
        assert!(!Closing::new(Some(vec![1, 2, 3])).recall(&mut member));
        assert!(!Closing::new(None).recall(&mut member));
        assert_eq!(member.outputs(), []);
        let mut closing = Closing::new(Some(Closing::state(&founder).wire.clone()));
        assert!(closing.recall(&mut member));
        assert!(!closing.recall(&mut member), "it is told once");
        assert_eq!(member.outputs(), [Output::Event(Event::RoomClosed)]);
    }
}
