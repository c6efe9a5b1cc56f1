//! The closing of the room: a statement that the founder signs, and that everyone passes on, remembers and follows.
//!
//! Invariants: only the founder's statement counts; it is passed on once; a room that was closed stays closed.

use shared::Closing as Statement;

use super::neighbors::Neighbors;
use crate::{
    context::Context,
    io::Output,
    model::Event,
    wire::{fragment::Fragments, frame::Frame},
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
    pub(crate) fn state(cx: &Context) -> Statement {
        Statement::sign(&cx.identity, &cx.room, cx.room_millis())
    }

    /// Follows the founder's statement, which was checked: passes it on and has it remembered. Says whether it was news.
    pub(crate) fn follow(&mut self, cx: &mut Context, neighbors: &Neighbors, statement: &Statement) -> bool {
        if std::mem::replace(&mut self.is_closed, true) {
            return false;
        }
        let statement = statement.to_bytes();
        let wire = statement.as_slice().into();
        let frame = Fragments::of(&Frame::Closing { wire });
        for link in neighbors.links() {
            cx.transmit(link, &frame);
        }
        cx.output(Output::RememberClosed { statement });
        cx.event(Event::RoomClosed);
        true
    }

    /// The statement by which the room was closed on a former visit; it is told once.
    pub(crate) fn recall(&mut self, cx: &mut Context) -> Option<Statement> {
        let statement = Statement::from_bytes(&self.remembered.take()?)?;
        statement.verify(&cx.room).ok()?;
        self.is_closed = true;
        cx.event(Event::RoomClosed);
        Some(statement)
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
        assert_eq!(statement.verify(&member.room), Ok(()));
        let mut closing = Closing::new(None);
        assert!(closing.follow(&mut member, &neighbors, &statement));
        let outputs = member.outputs();
        assert!(matches!(outputs[0], Output::Transmit { link: LinkId(5), .. }));
        let remembered = Output::RememberClosed {
            statement: statement.to_bytes(),
        };
        assert_eq!(outputs[1..], [remembered, Output::Event(Event::RoomClosed)]);
        assert!(!closing.follow(&mut member, &neighbors, &statement));
        assert_eq!(member.outputs(), []);
    }

    #[test]
    fn only_the_founders_statement_is_recalled() {
        let (founder, mut member) = founded();
        let by_another = Statement::sign(&identity(2), &member.room, 1).to_bytes();
        assert_eq!(Closing::new(Some(by_another)).recall(&mut member), None);
        assert_eq!(Closing::new(Some(vec![1, 2, 3])).recall(&mut member), None);
        assert_eq!(Closing::new(None).recall(&mut member), None);
        assert_eq!(member.outputs(), []);
        let mut closing = Closing::new(Some(Closing::state(&founder).to_bytes()));
        assert!(closing.recall(&mut member).is_some());
        assert_eq!(closing.recall(&mut member), None, "it is told once");
        assert_eq!(member.outputs(), [Output::Event(Event::RoomClosed)]);
    }
}
