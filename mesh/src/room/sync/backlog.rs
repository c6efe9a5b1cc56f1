//! How far a backlog has come in: what neighbors said to have, and we lack, while it is fetched.
//!
//! Vectors are not signed, so a neighbor can make up any number: it is shown, and decides nothing.

use crate::{config::BACKLOG_TOLD_MIN, model::Event};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// How many entries came since it began.
    have: u64,
    /// Whether the app was told of it.
    is_told: bool,
}

impl Backlog {
    /// So many entries came, and so many are `left`. What the app is to be told, if anything.
    pub(crate) fn note(&mut self, came: usize, left: u64) -> Option<Event> {
        self.have += came as u64;
        let of = self.have.saturating_add(left);
        if left == 0 {
            let ended = std::mem::take(self);
            return ended.is_told.then_some(told(of, of));
        }
        // A handful is here before anybody has read the line.
        self.is_told |= of >= BACKLOG_TOLD_MIN;
        self.is_told.then_some(told(self.have, of))
    }
}

fn told(have: u64, of: u64) -> Event {
    let [have, of] = [have, of].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    Event::CatchingUp { have, of }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_backlog_is_told_from_beginning_to_end_and_a_small_one_never() {
        let mut backlog = Backlog::default();
        assert_eq!(backlog.note(0, 3_000), Some(told(0, 3_000)));
        assert_eq!(backlog.note(1_240, 1_760), Some(told(1_240, 3_000)));
        // More is said meanwhile, and the rest is got elsewhere.
        assert_eq!(backlog.note(700, 1_100), Some(told(1_940, 3_040)));
        assert_eq!(backlog.note(0, 0), Some(told(1_940, 1_940)));
        assert_eq!(
            (backlog.note(0, 0), backlog.note(5, BACKLOG_TOLD_MIN - 6)),
            (None, None)
        );
        assert_eq!(backlog.note(1, 0), None);
        assert_eq!(backlog.note(0, u64::MAX), Some(told(0, u64::MAX)));
    }
}
